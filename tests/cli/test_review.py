"""What waits for a person.

Coins that are spent before they are taken back, and visits that may or may not earn.
"""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import engines
from tests.support.school import Installation, copy_installation

ENGINES = engines.BOTH


@pytest.fixture
def installation(open_desk: Installation) -> Installation:
    """A school after its first sync."""
    return open_desk


def cases(installation: Installation, *words: str) -> list[dict[str, Any]]:
    """What is held."""
    return list(installation.ok("review", "list", *words, "--json").json)


def a_debt(installation: Installation, *, branch: int = 1, left: int = 0) -> tuple[int, int]:
    """A lesson and somebody who spent its coins, all but ``left``, before being absent."""
    lesson = installation.paid_lessons(branch)[-1].id
    who = installation.paid_resident(lesson)
    installation.ok(
        "debit", f"#{who}", str(installation.balance(who) - left), "--reason", "Футболка", "--yes"
    )
    installation.school.act("mark", lesson=lesson, customer=who, is_attend=0)
    said = installation.ok("sync")
    assert "absent in the CRM, the coins are spent" in said.out
    assert installation.balance(who) == left
    return lesson, who


def all_is_done(installation: Installation) -> bool:
    """Whether the next sync finds nothing to do and holds no coins that should go."""
    return installation.ok("sync", "--json").json["digest"] == "" and not cases(
        installation, "--kind", "reversal"
    )


class TestSpentCoins:
    """The story of a T-shirt: one installation for each of the three ends."""

    def test_it_waits(self, installation: Installation) -> None:
        """It is listed with lesson, coins and balance, and comes back every night unchanged."""
        lesson, who = a_debt(installation)
        (case,) = cases(installation, "--kind", "reversal")
        assert (case["id"], case["balance"], case["hold"]["coins"]) == (f"{lesson}:{who}", 0, -10)
        out = installation.ok("review", "list", "--kind", "reversal").out
        for word in (
            f"{lesson}:{who}",
            f"#{who} {case['name']}",
            "-10",
            "absent in the CRM",
            "review post CASE",
        ):
            assert word in out
        before = installation.content()
        for _ in range(2):
            installation.ok("sync")
            assert (installation.content(), cases(installation, "--kind", "reversal")) == (
                before,
                [case],
            )

    def test_post_takes_them_and_the_debt_is_made_up(self, installation: Installation) -> None:
        """The balance goes below zero, is shown as 0 with what is lacking; lessons fill it up."""
        lesson, who = a_debt(installation, left=4)
        done = installation.ok("review", "post", f"{lesson}:{who}", "--yes", "--json").json
        (move,) = done["moves"]
        assert (move["before"], move["coins"], move["after"]) == (4, -10, -6)
        assert (installation.balance(who), all_is_done(installation)) == (-6, True)
        assert "0 (6 to be made up)" in installation.ok("balance", f"#{who}").out
        out = installation.ok("history", f"#{who}").out
        assert "0 (6 to be made up)" in out
        assert "absent in the CRM, reverses" in out
        assert installation.run("debit", f"#{who}", "1", "--reason", "x", "--yes").code == 7
        installation.ok("credit", f"#{who}", "4", "--reason", "Помог", "--yes")
        assert installation.balance(who) == -2
        installation.school.act("mark", lesson=lesson, customer=who, is_attend=1)
        installation.ok("sync")
        assert installation.balance(who) == 8
        assert installation.run("debit", f"#{who}", "8", "--reason", "x", "--yes").code == 0

    def test_forgive_gives_them_back_for_all_to_see(self, installation: Installation) -> None:
        """Reversal and gift stand side by side, with name and reason; the balance stays."""
        lesson, who = a_debt(installation)
        words = (
            "review",
            "forgive",
            f"{lesson}:{who}",
            "--note",
            "Ошибка школы",
            "--actor",
            "Вера",
            "--yes",
        )
        moves = installation.ok(*words, "--json").json["moves"]
        assert [(one["kind"], one["coins"], one["after"]) for one in moves] == [
            ("reversal", -10, -10),
            ("gift", 10, 0),
        ]
        assert (installation.balance(who), all_is_done(installation)) == (0, True)
        posted = installation.ledger()[-2:]
        assert [one.entry.actor for one in posted] == ["Вера", "Вера"]
        assert {one.entry.happened_on for one in posted} == {
            installation.school.tables.lessons[lesson].date
        }
        out = installation.ok("history", f"#{who}", "-v").out
        assert "absent in the CRM: Ошибка школы, reverses" in out
        assert "forgiven: the coins were spent already: Ошибка школы" in out

    def test_waive_leaves_them_and_remembers_who_said_so(self, installation: Installation) -> None:
        """No entry at all.

        The decision has name, day and reason, and stands in what is held of the resident.
        """
        lesson, who = a_debt(installation)
        before = installation.content()
        said = installation.ok(
            "review", "waive", f"{lesson}:{who}", "--note", "Договорились", "--yes"
        )
        assert f"lesson {lesson}, #{who} " in said.out
        assert "10 coins stay as they are" in said.out
        assert (installation.content(), installation.balance(who), all_is_done(installation)) == (
            before,
            0,
            True,
        )
        (word,) = installation.ok("residents", "export", f"#{who}", "--json").json["decisions"]
        assert (word["actor"], word["note"], word["coins"]) == ("anna", "Договорились", 10)

    def test_a_decision_holds_as_long_as_the_question_is_the_same(
        self, installation: Installation
    ) -> None:
        """When the CRM changes its mind to yes and again to no, that is asked anew."""
        lesson, who = a_debt(installation)
        installation.ok("review", "waive", f"{lesson}:{who}", "--note", "Договорились", "--yes")
        installation.school.act("mark", lesson=lesson, customer=who, is_attend=1)
        installation.ok("sync")
        assert (installation.balance(who), all_is_done(installation)) == (0, True)
        installation.school.act("cancel", lesson=lesson)
        installation.ok("sync")
        (case,) = [
            one
            for one in cases(installation, "--kind", "reversal")
            if one["hold"]["resident"] == who
        ]
        assert case["hold"]["reason"] == "not_conducted"

    def test_the_mark_comes_back_before_anybody_decided(self, installation: Installation) -> None:
        """The case is closed by itself."""
        lesson, who = a_debt(installation)
        installation.school.act("mark", lesson=lesson, customer=who, is_attend=1)
        installation.ok("sync")
        assert (installation.balance(who), all_is_done(installation)) == (0, True)
        said = installation.run("review", "post", f"{lesson}:{who}", "--yes")
        assert (said.code, "is not held" in said.err) == (6, True)

    def test_all_of_a_branch(self, installation: Installation) -> None:
        """--all takes what --branch and --kind leave."""
        _, one = a_debt(installation)
        _, other = a_debt(installation, branch=2)
        assert len(cases(installation, "--kind", "reversal")) == 2
        assert [
            case["hold"]["resident"]
            for case in cases(installation, "--kind", "reversal", "--branch", "2")
        ] == [other]
        installation.ok("review", "post", "--all", "--kind", "reversal", "--branch", "2", "--yes")
        assert (installation.balance(one), installation.balance(other)) == (0, -10)
        installation.ok("review", "forgive", "--all", "--note", "Подарок", "--yes")
        assert (installation.balance(one), all_is_done(installation)) == (0, True)
        assert cases(installation, "--kind", "guest")

    def test_somebody_else_decided_meanwhile(self, installation: Installation) -> None:
        """A second word about the same case finds it closed, whatever the first one was."""
        lesson, who = a_debt(installation)
        installation.ok("review", "waive", f"{lesson}:{who}", "--note", "Договорились", "--yes")
        for verb in ("post", "forgive", "waive"):
            said = installation.run("review", verb, f"{lesson}:{who}", "--note", "x", "--yes")
            assert (said.code, "review list" in said.err) == (6, True)


class TestVisits:
    """A lesson in a group that nobody knows the pupil belonged to."""

    def test_post_pays(self, installation: Installation) -> None:
        """An award on the lesson's day; the night leaves it so."""
        case = cases(installation, "--kind", "guest")[0]
        who, before = case["hold"]["resident"], case["balance"]
        installation.ok("review", "post", case["id"], "--yes")
        entry = installation.ledger()[-1].entry
        assert (entry.kind, entry.coins, entry.happened_on.isoformat()) == (
            "award",
            10,
            case["hold"]["day"],
        )
        assert entry.actor == "anna"
        assert (installation.balance(who), all_is_done(installation)) == (before + 10, True)
        assert case["id"] not in {one["id"] for one in cases(installation)}

    def test_waive_does_not(self, installation: Installation) -> None:
        """It is not asked again, and the reason is kept."""
        case = cases(installation, "--kind", "guest")[0]
        before = installation.content()
        out = installation.ok("review", "waive", case["id"], "--note", "Был в гостях", "--yes").out
        assert (
            f"lesson {case['hold']['lesson']}, #{case['hold']['resident']} {case['name']}: "
            "stays unpaid" in out
        )
        assert (installation.content(), all_is_done(installation)) == (before, True)
        assert case["id"] not in {one["id"] for one in cases(installation)}

    def test_there_is_nothing_to_forgive(self, installation: Installation) -> None:
        """2 with what to do instead."""
        said = installation.run(
            "review", "forgive", cases(installation)[0]["id"], "--note", "x", "--yes"
        )
        assert (said.code, "post it or waive it" in said.err) == (2, True)

    def test_several_and_all(self, installation: Installation) -> None:
        """Named ones once each, then all of a branch, then the rest; in the end nothing is held."""
        first, second, *rest = cases(installation)
        done = installation.ok(
            "review", "post", first["id"], second["id"], first["id"], "--yes", "--json"
        ).json
        assert len(done["moves"]) == 2
        installation.ok(
            "review", "waive", "--all", "--branch", "Иннополис", "--note", "Гости", "--yes"
        )
        assert {one["hold"]["branch"] for one in cases(installation)} == {1}
        done = installation.ok("review", "post", "--all", "--kind", "guest", "--yes", "--json").json
        assert 0 < len(done["moves"]) < len(rest)
        assert (cases(installation), installation.ok("review", "list").out) == (
            [],
            "nothing is held\n",
        )
        assert installation.ok("review", "post", "--all", "--yes").out == "nothing is held\n"
        assert all_is_done(installation)


class TestTheList:
    """What waits, for a person and for a spreadsheet."""

    def test_csv(self, installation: Installation) -> None:
        """A heading and a row for each case."""
        rows = list(csv.DictReader(io.StringIO(installation.ok("review", "list", "--csv").out)))
        assert [row["case"] for row in rows] == [one["id"] for one in cases(installation)]
        assert {row["kind"] for row in rows} == {"guest"}
        assert [row["day"] for row in rows] == sorted(row["day"] for row in rows)

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("list", "--kind", "bribe"), 2, "is not one of 'reversal', 'guest'"),
            (("post",), 2, "say which cases, or --all"),
            (("post", "--all", "1005:107"), 2, "say which cases, or --all"),
            (("waive", "--all"), 2, "say why: --note TEXT"),
            (("waive", "1005:107", "--note", " \u200b"), 2, "say why: --note TEXT"),
            (("forgive", "1005:107"), 2, "say why: --note TEXT"),
            (("post", "1005:999"), 6, "'1005:999' is not held"),
            (("post", "1005"), 6, "'1005' is not held"),
            (("post", "1005:107", "x"), 6, "'x' is not held"),
            (
                ("post", "--all", "--branch", "Nowhere"),
                6,
                "branch 'Nowhere' is not in the configuration",
            ),
        ],
    )
    def test_wrong_use(
        self, master_installation: Installation, words: tuple[str, ...], code: int, says: str
    ) -> None:
        """One line, one line of advice, nothing written."""
        said = master_installation.run(
            "review", *words, *(() if words[0] == "list" else ("--yes",))
        )
        assert (said.code, says in said.err) == (code, True), said.err
        assert "\n  → " in said.err


@pytest.fixture(scope="module")
def master_installation(tmp_path_factory: pytest.TempPathFactory, master: Path) -> Installation:
    """A school after its first sync, for tests that write nothing."""
    return copy_installation(master, tmp_path_factory.mktemp("installation"))


class TestWhatIsTold:
    """Whoever looks later reads who decided, when and why, and nothing waits any more."""

    @staticmethod
    def looked_at(installation: Installation, lesson: int, who: int) -> tuple[str, str]:
        """What ``explain`` and ``history`` say of a visit."""
        explained = installation.ok("explain", f"#{who}", "--lesson", str(lesson)).out
        history = installation.ok("history", f"#{who}", "--with-ineligible").out
        return explained, history

    @pytest.mark.parametrize("ruling", ["waive", "forgive", "post"])
    def test_of_spent_coins(self, installation: Installation, ruling: str) -> None:
        """The coins stay, come back as a gift, or are owed."""
        lesson, who = a_debt(installation)
        case, note = f"{lesson}:{who}", "пожалели"
        installation.ok("review", ruling, case, "--note", note, "--yes")
        explained, history = self.looked_at(installation, lesson, who)
        assert "by anna" in explained
        assert note in explained
        assert note in history
        assert "for a person to decide" not in explained
        assert ("gift" in explained) == (ruling == "forgive")

    @pytest.mark.parametrize("ruling", ["waive", "post"])
    def test_of_a_visit(self, installation: Installation, ruling: str) -> None:
        """It is paid by a person's word, or stays unpaid by it."""
        case = cases(installation, "--kind", "guest")[0]["id"]
        lesson, who = case.split(":")
        before, _ = self.looked_at(installation, int(lesson), int(who))
        assert "held for a person to decide" in before
        installation.ok("review", ruling, case, "--note", "был с братом", "--yes")
        explained, history = self.looked_at(installation, int(lesson), int(who))
        assert "held for a person to decide" not in explained
        assert "был с братом" in explained
        assert ("decided by anna on" in history) == (ruling == "waive")
        assert "был с братом" in history
        lines = installation.ok("history", f"#{who}", "--with-ineligible", "--json").json["lines"]
        of_lesson = [line for line in lines if (line["lesson"] or {}).get("id") == int(lesson)]
        assert [line["coins"] for line in of_lesson] == [10 if ruling == "post" else 0]

    def test_of_coins_taken_back_by_hand(self, installation: Installation) -> None:
        """Once, and with the note of the reversal."""
        lesson = installation.paid_lessons()[-1].id
        who = installation.paid_resident(lesson)
        award = next(line for line in installation.ledger() if line.entry.lesson == lesson)
        installation.ok("reverse", str(award.n), "--note", "ошибка", "--yes")
        explained, history = self.looked_at(installation, lesson, who)
        assert "taken back by hand: ошибка" in explained
        assert history.count("ошибка") == 1


def test_a_lesson_that_moved_shows_its_new_day(installation: Installation) -> None:
    """Beside the day for which its coins were given."""
    lesson = installation.paid_lessons()[-1]
    who = installation.paid_resident(lesson.id)
    moved_to = lesson.date - timedelta(days=1)
    installation.school.act("move", lesson=lesson.id, date=moved_to)
    installation.ok("sync")
    history = installation.ok("history", f"#{who}").out
    assert (f"now on {moved_to}" in history) == (lesson.date.isoformat() in history)
    assert moved_to.isoformat() in history


def test_ten_lessons_are_not_all(installation: Installation) -> None:
    """Where there may be more, it says how to see them; a lesson that is named is all."""
    with installation.reader() as reader:
        busy = max(
            (len(reader.attended_lessons(who.id, date.min, date.max)), who.id)
            for who in reader.residents()
        )
    count, who = busy
    assert (count >= 10) == ("these are the last 10" in installation.ok("explain", f"#{who}").out)
    lesson = installation.ok("explain", f"#{who}", "--json").json[0]["lesson"]["id"]
    out = installation.ok("explain", f"#{who}", "--lesson", str(lesson)).out
    assert "these are the last" not in out
