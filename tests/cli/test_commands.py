"""The commands that look back, that set up, and that show: what a person and a program get."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

import cli
from coinsync import __version__
from tests.support.families import families
from tests.support.school import TODAY, Installation


class TestHelp:
    """What the program says of itself."""

    def test_version(self, tmp_path: Path) -> None:
        """One line."""
        assert Installation(tmp_path).ok("--version").out == f"coinsync {__version__}\n"

    def test_every_command_explains_itself(self, tmp_path: Path) -> None:
        """Help for each command, and for each of its options."""
        out = Installation(tmp_path).ok("--help").out
        for command in (
            "sync",
            "journal",
            "waiting",
            "explain",
            "balance",
            "history",
            "init",
            "serve",
            "demo",
            "simulator",
        ):
            assert command in out
            assert Installation(tmp_path).ok(command, "--help").out.strip()

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            (["sync", "--json"], ["--json", "sync"]),
            (
                ["sync", "-q", "--branch", "2", "--rerate"],
                ["-q", "--branch", "2", "sync", "--rerate"],
            ),
            (["sync", "--branch=2"], ["--branch=2", "sync"]),
            (["history", "--", "--json"], ["history", "--", "--json"]),
            # An option without its value is refused; the command must not become the value.
            (["sync", "--branch"], ["--branch"]),
        ],
    )
    def test_global_options_may_stand_behind_the_command(
        self, written: list[str], meant: list[str]
    ) -> None:
        """As people write them."""
        assert cli.hoisted(written) == meant


class TestResidents:
    """Finding people and their coins."""

    def test_all_four_ways_to_name_a_resident(self, synced: Installation) -> None:
        """By number, CRM number, VK account and name: one and the same."""
        with synced.reader() as reader:
            link = next(
                one for one in reader.links() if len(reader.residents_of_visitor(one.vk)) == 1
            )
            resident = reader.resident(link.resident)
        assert resident is not None
        numbered = synced.ok("balance", f"#{resident.id}", "--json").json
        for name in (str(resident.id), f"crm:{resident.id}", f"vk:{link.vk}"):
            assert synced.ok("balance", name, "--json").json == numbered
        assert numbered[0]["resident"] == resident.id

    def test_balances_add_up_to_the_ledger(self, synced: Installation) -> None:
        """The list, its CSV and the entries agree."""
        listed = {one["resident"]: one["balance"] for one in synced.ok("balance", "--json").json}
        rows = csv.DictReader(io.StringIO(synced.ok("balance", "--csv").out))
        assert {int(row["resident"]): int(row["balance"]) for row in rows} == listed
        assert sum(listed.values()) == sum(posted.entry.coins for posted in synced.ledger())

    def test_the_list_leaves_out_who_is_not_here_unless_asked(self, synced: Installation) -> None:
        """Clients by default; leads and the archive with --all."""
        clients = synced.ok("residents", "list", "--json").json
        everybody = synced.ok("residents", "list", "--all", "--json").json
        assert {one["presence"] for one in clients} == {"client"}
        assert {"lead", "archived"} & {one["presence"] for one in everybody}
        assert len(everybody) > len(clients)

    def test_the_list_of_one_branch(self, synced: Installation) -> None:
        """Only those who learn there; the branch may be called as the CRM calls it."""
        found = synced.ok("residents", "list", "--branch", "2", "--json").json
        assert found == synced.ok("residents", "list", "--branch", "Иннополис", "--json").json
        assert found
        assert all(2 in one["branches"] for one in found)

    @pytest.mark.parametrize("words", [("balance",), ("residents", "list")], ids=" ".join)
    def test_who_has_so_many_of_a_group(self, desk: Installation, words: tuple[str, ...]) -> None:
        """Who can afford the game: by group, by coins, who has most first; and no one else."""
        everybody = desk.ok(*words, "--json").json
        coins = {one["resident"]: one["balance"] for one in everybody}
        rich = desk.ok(*words, "--min", "60", "--json").json
        assert rich == [one for one in everybody if one["balance"] >= 60]
        sorted_ = desk.ok(*words, "--min", "60", "--sort", "coins", "--json").json
        assert sorted_ == sorted(rich, key=lambda one: -one["balance"])
        group = {one["resident"] for one in desk.ok(*words, "--group", "Python-2", "--json").json}
        assert group == {104, 106, 108, 111, 114, 119, 120}
        both = desk.ok(*words, "--group", "2", "--min", "60", "--csv").out
        few = {int(row["resident"]) for row in csv.DictReader(io.StringIO(both))}
        assert few == {who for who in group if coins[who] >= 60}
        total = sum(coins[who] for who in group)
        assert f"7 residents, {total} coins" in desk.ok(*words, "--group", "2").out
        assert desk.run(*words, "--group", "Python").code == 6
        assert desk.run(*words, "--sort", "age").code == 2

    def test_the_group_of_a_day_is_that_of_its_balances(self, desk: Installation) -> None:
        """Who came later is not among them."""
        words = ("balance", "--group", "2", "--as-of", "2026-10-01", "--json")
        then = {one["resident"]: one["balance"] for one in desk.ok(*words).json}
        assert then == dict.fromkeys((104, 106, 108, 111, 114, 119), 0)

    def test_a_branch_that_is_named_twice_is_read_once(self, synced: Installation) -> None:
        """By number and by name it is the same branch."""
        report = synced.ok("--branch", "2", "--branch", "Иннополис", "sync", "--json").json
        assert [result["report"]["purpose"] for result in report["results"]].count("people") == 1

    def test_a_card_shows_all_that_is_held(self, synced: Installation) -> None:
        """Name, groups, VK accounts, balance."""
        visitor, cards = max(families(synced.school), key=lambda family: len(family[1]))
        out = synced.ok("residents", "show", f"#{cards[0]}").out
        for word in ("resident", "branches", "VK accounts", "balance", str(visitor)):
            assert word in out

    def test_names_are_shortened_as_configured(self, synced: Installation) -> None:
        """First name and initial; no surname is kept."""
        surnames = {
            customer.name.split()[0] for customer in synced.school.tables.customers.values()
        }
        database = (synced.folder / "coinsync.db").read_bytes()
        assert any(len(surname) > 3 for surname in surnames)
        kept = {
            surname for surname in surnames if len(surname) > 3 and surname.encode() in database
        }
        assert not kept


class TestHistory:
    """All lines of one resident."""

    def test_balance_after_each_line_adds_up(self, synced: Installation) -> None:
        """From the oldest line to the balance of today."""
        who = next(iter(synced.balances()))
        found = synced.ok("history", f"#{who}", "--json", "--limit", "1000").json
        running = 0
        for line in reversed(found["lines"]):
            running += line["coins"]
            assert line["balance"] == running
        assert running == found["balance"]

    def test_a_window_ends_with_the_balance_of_its_last_day(self, synced: Installation) -> None:
        """--until shows what stood then."""
        who = synced.ledger()[0].entry.resident
        until = TODAY - timedelta(days=8)
        found = synced.ok("history", f"#{who}", "--until", until.isoformat(), "--json").json
        expected = sum(
            p.entry.coins
            for p in synced.ledger()
            if p.entry.resident == who and p.entry.happened_on <= until
        )
        assert found["lines"][0]["balance"] == expected

    def test_ineligible_lessons_stand_beside_with_their_reason(self, synced: Installation) -> None:
        """Why a lesson gave nothing is history too."""
        who = next(
            d.customer_id
            for lesson in synced.paid_lessons()
            for d in lesson.details
            if d.is_attend == 0
        )
        plain = synced.ok("history", f"#{who}", "--json").json["lines"]
        more = synced.ok("history", f"#{who}", "--with-ineligible", "--json").json["lines"]
        extra = [line for line in more if line["line"] is None]
        assert len(more) == len(plain) + len(extra)
        assert "absent" in {line["reason"] for line in extra}
        assert [line["day"] for line in more] == sorted(
            (line["day"] for line in more), reverse=True
        )

    def test_a_limit_says_that_there_is_more(self, synced: Installation) -> None:
        """Nobody takes a page for the whole."""
        who = max(synced.balances(), key=lambda id: synced.balances()[id])
        assert "older lines" in synced.ok("history", f"#{who}", "--limit", "1").out

    def test_a_kind_is_found_however_old_it_is(self, synced: Installation) -> None:
        """The limit counts lines of the kind that is asked for.

        Balances are those after each line.
        """
        who = synced.ledger()[0].entry.resident
        oldest = min(
            (p for p in synced.ledger() if p.entry.resident == who),
            key=lambda p: p.entry.happened_on,
        )
        synced.school.act("mark", lesson=oldest.entry.lesson, customer=who, is_attend=0)
        synced.ok("sync")
        found = synced.ok("history", f"#{who}", "--kind", "reversal", "--limit", "1", "--json").json
        assert [(line["coins"], line["balance"]) for line in found["lines"]] == [(-10, 0)]

    def test_csv_is_for_a_spreadsheet(self, synced: Installation) -> None:
        """A heading and a row for each line."""
        who = synced.ledger()[0].entry.resident
        rows = list(csv.DictReader(io.StringIO(synced.ok("history", f"#{who}", "--csv").out)))
        assert rows[0].keys() == {
            "day",
            "kind",
            "title",
            "coins",
            "balance",
            "reason",
            "rule",
            "note",
        }


class TestExplain:
    """Why a lesson gave what it gave."""

    def test_a_paid_lesson_passes_every_question(self, synced: Installation) -> None:
        """Six times yes, and the entry."""
        posted = synced.ledger()[0]
        found = synced.ok(
            "explain", f"#{posted.entry.resident}", "--lesson", str(posted.entry.lesson), "--json"
        ).json
        assert [step["passed"] for step in found[0]["steps"]] == [True] * 6
        assert (found[0]["posted"], found[0]["verdict"]["reason"]) == (10, "paid")

    @pytest.mark.parametrize(
        ("type_id", "reason"),
        [(1, "type_not_counted"), (3, "trial"), (4, "makeup"), (7, "type_unknown")],
    )
    def test_a_lesson_of_another_kind_names_its_kind(
        self, synced: Installation, type_id: int, reason: str
    ) -> None:
        """Trial, make-up, individual, unclassified: each by its own reason."""
        lesson, who = next(
            (lesson.id, detail.customer_id)
            for lesson in synced.school.tables.lessons.values()
            if (lesson.lesson_type_id, lesson.status, lesson.deleted) == (type_id, 3, False)
            and lesson.date > TODAY - timedelta(days=25)
            for detail in lesson.details
            if detail.is_attend == 1
        )
        found = synced.ok("explain", f"#{who}", "--lesson", str(lesson), "--json").json
        assert (found[0]["verdict"]["reason"], found[0]["posted"]) == (reason, 0)
        assert [step["passed"] for step in found[0]["steps"]] == [
            True,
            True,
            False,
            None,
            None,
            None,
        ]

    def test_a_lesson_without_a_resident_is_explained_to_all(self, synced: Installation) -> None:
        """Everybody whom it lists, paid or not."""
        lesson = synced.paid_lessons()[0]
        found = synced.ok("explain", "--lesson", str(lesson.id), "--json").json
        assert {one["resident"]["id"] for one in found} == {
            detail.customer_id for detail in lesson.details
        }
        assert {one["posted"] for one in found} <= {0, 10}
        assert synced.run("explain").code == 2

    def test_a_day_without_a_lesson_number(self, synced: Installation) -> None:
        """All lessons of that day."""
        posted = synced.ledger()[0]
        day = posted.entry.happened_on.isoformat()
        found = synced.ok("explain", f"#{posted.entry.resident}", "--date", day, "--json").json
        assert {one["lesson"]["day"] for one in found} == {day}


class TestRuns:
    """What was done, and how fresh it is."""

    def test_a_run_is_listed_with_its_totals(self, installation: Installation) -> None:
        """Who, when, what, how much."""
        installation.ok("sync")
        runs = [line["run"] for line in installation.ok("journal", "--json").json]
        lessons = [run for run in runs if run["purpose"] == "lessons"]
        assert sum(run["coins"] for run in lessons) == sum(
            posted.entry.coins for posted in installation.ledger()
        )
        assert {run["actor"] for run in runs} == {"anna"}
        assert sum(run["requests"] for run in runs) == len(installation.crm.requests)

    def test_fresh_enough_is_0(self, synced: Installation) -> None:
        """Within the age."""
        said = synced.run("waiting", "--max-age", "26h", "--quiet")
        assert (said.code, said.err) == (0, "")

    def test_too_old_or_never_is_4(self, installation: Installation) -> None:
        """One line for each branch on stderr."""
        never = installation.run("waiting", "--max-age", "26h", "--quiet")
        assert never.code == 4
        assert "was never synced" in never.err
        installation.ok("sync")
        old = installation.run(
            "waiting", "--max-age", "26h", "--quiet", later=timedelta(hours=30, minutes=1)
        )
        assert old.code == 4
        assert "was last synced 1 d 6 h ago" in old.err

    def test_a_backfill_or_half_a_sync_is_not_fresh(self, installation: Installation) -> None:
        """Only a reading that reaches the day counts."""
        installation.ok("sync", "--since", "2026-10-25", "--until", "2026-10-31")
        assert installation.run("waiting", "--max-age", "26h", "--quiet").code == 4
        assert installation.simulator is not None
        installation.simulator.faults.add("missing_row", match="lesson/index")
        installation.run("sync")
        assert installation.run("waiting", "--max-age", "26h", "--quiet").code == 4
        installation.simulator.faults.clear()
        installation.ok("sync")
        assert installation.run("waiting", "--max-age", "26h", "--quiet").code == 0

    def test_a_clock_that_went_back_is_refused(self, synced: Installation) -> None:
        """2: entries must not be older than those before them."""
        said = synced.run("sync", later=timedelta(days=-1))
        assert said.code == 2
        assert "clock is before the last run" in said.err


class TestText:
    """What comes from the CRM is data."""

    @pytest.mark.parametrize(
        "name",
        [
            "Иванова [red]Ада[/red]",
            "Иванова Аня [/]",
            "Иванова \x1b]0;x\x07Зоя\x1b[2J",
            "Иванова :smile:",
            "Иванова \u202eАда",
        ],
    )
    def test_names_can_neither_colour_nor_break_anything(
        self, synced: Installation, name: str
    ) -> None:
        """Markup is shown as it is, control characters are gone."""
        who = synced.ledger()[0].entry.resident
        synced.school.act("rename", customer=who, name=name)
        synced.ok("sync")
        for words in (
            ("residents", "list"),
            ("balance", f"#{who}"),
            ("history", f"#{who}"),
            ("residents", "show", f"#{who}"),
        ):
            out = synced.ok(*words).out
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", out)

    def test_a_name_that_is_a_formula_is_harmless_in_a_spreadsheet(
        self, synced: Installation
    ) -> None:
        """An apostrophe in front of it."""
        who = synced.ledger()[0].entry.resident
        synced.school.act("rename", customer=who, name="=HYPERLINK(1)")
        synced.ok("sync")
        assert "'=HYPERLINK(1)" in synced.ok("balance", f"#{who}", "--csv").out

    def test_json_is_one_value(self, synced: Installation) -> None:
        """For every listing."""
        for words in (
            "balance",
            "residents list",
            "journal",
            "waiting",
            "db migrate",
            "init",
            "sync",
        ):
            json.loads(synced.ok(*words.split(), "--json").out)
