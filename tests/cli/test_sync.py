"""The trip of one coin through the real command line.

What a sync shows, posts, and finds to be right.
"""

from __future__ import annotations

import json
import logging
import re
import shlex
from datetime import date, timedelta

import pytest

from coinsync.core.ledger import Kind
from coinsync.errors import DatabaseUnavailable
from tests.support import engines
from tests.support.families import families
from tests.support.school import RULE, TODAY, Installation

ENGINES = engines.BOTH


def lines(report: dict, verb: str) -> list[dict]:  # type: ignore[type-arg]
    """The lines of one kind in a sync's answer to a program."""
    return [
        line
        for result in report["results"]
        if result["report"]
        for line in result["report"]["lines"]
        if line["verb"] == verb
    ]


def changes(report: dict) -> int:  # type: ignore[type-arg]
    """How many changes all plans of an answer hold."""
    return sum(result["report"]["changes"] for result in report["results"])


def coins_of_branch(installation: Installation, branch: int, since: date = date.min) -> int:
    """Coins for lessons of a branch that stand, of lessons from a day on."""
    lessons = installation.school.tables.lessons
    return sum(
        posted.entry.coins
        for posted in installation.ledger()
        if posted.entry.lesson
        and lessons[posted.entry.lesson].branch_id == branch
        and posted.entry.happened_on >= since
    )


def expected_awards(installation: Installation) -> set[tuple[int, int]]:
    """(lesson, resident) that the school's own books call worth coins.

    Conducted, attended, of type 2, a member.
    """
    pairs = set()
    for lesson in installation.school.tables.lessons.values():
        if (
            lesson.status == 3
            and lesson.lesson_type_id == 2
            and lesson.group_ids
            and not lesson.deleted
        ):
            pairs |= {
                (lesson.id, detail.customer_id)
                for detail in lesson.details
                if detail.is_attend == 1 and installation.is_member(detail.customer_id, lesson)
            }
    return pairs


class TestFirstSync:
    """What the first sync brings."""

    def test_pays_exactly_the_members_who_attended_regular_lessons(
        self, synced: Installation
    ) -> None:
        """Every award is for a conducted group lesson that a member attended, and none is
        missing."""
        awarded = {(posted.entry.lesson, posted.entry.resident) for posted in synced.ledger()}
        window = TODAY - timedelta(days=30)
        expected = {
            pair
            for pair in expected_awards(synced)
            if synced.school.tables.lessons[pair[0]].date >= window
        }
        assert awarded == expected
        assert len(awarded) > 50

    def test_trials_makeups_and_guests_earn_nothing(self, synced: Installation) -> None:
        """No lesson but those of type 2 has an entry."""
        types = {
            synced.school.tables.lessons[posted.entry.lesson].lesson_type_id
            for posted in synced.ledger()
            if posted.entry.lesson
        }
        assert types == {2}

    def test_an_unclassified_type_is_reported_and_not_paid(
        self, installation: Installation
    ) -> None:
        """The type that appeared in mid-term is named, with how many residents got nothing."""
        said = installation.ok("sync")
        assert "7 Мастер-класс" in said.out
        assert said.out.count("nobody has classified this lesson type") == 1

    def test_shows_branch_window_requests_and_totals(self, installation: Installation) -> None:
        """A person sees where, when, how many requests, and how many coins."""
        out = installation.ok("sync").out
        assert "Branch Казань (Europe/Moscow)   lessons 2026-10-21 … 2026-11-20   complete" in out
        assert re.match(r"\d+ awards \(\+[0-9 ]+\), \d+ held\.   digest [0-9a-f]{8}\n", out)

    def test_links_residents_to_numeric_vk_pages(self, synced: Installation) -> None:
        """Cards with a number for a VK page are linked; siblings share the account."""
        visitor, cards = max(families(synced.school), key=lambda family: len(family[1]))
        with synced.reader() as reader:
            linked = {one.id for one in reader.residents_of_visitor(visitor)}
        assert linked == set(cards)
        assert len(linked) > 1


class TestSecondSync:
    """A plan is the difference, so an unchanged CRM gives an empty one."""

    def test_changes_nothing(self, synced: Installation) -> None:
        """The second sync posts nothing and says so."""
        before = synced.content()
        said = synced.ok("sync")
        assert synced.content() == before
        assert "nothing to do" in said.out
        assert "award" not in said.out

    def test_has_an_empty_plan_in_every_branch_and_window(self, synced: Installation) -> None:
        """Not one fact is written again."""
        assert changes(synced.ok("sync", "--json").json) == 0

    def test_is_silent_when_quiet(self, synced: Installation) -> None:
        """A good night prints nothing."""
        said = synced.ok("sync", "--quiet")
        assert (said.out, said.err) == ("", "")

    def test_is_no_difference_for_the_detailed_exit_code(self, synced: Installation) -> None:
        """0 when nothing was to be done, 4 when something was."""
        assert synced.run("sync", "--detailed-exitcode").code == 0
        synced.school.act("advance", days=1)
        assert synced.run("sync", "--detailed-exitcode").code == 4

    def test_names_are_read_once_however_many_windows_there_are(
        self, synced: Installation, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Groups and lesson types are read for the run and for each branch, not for each window."""

        def questions(*words: str) -> list[int]:
            """How often each list of names is asked for."""
            caplog.clear()
            with caplog.at_level(logging.DEBUG, logger="peewee"):
                synced.ok("sync", *words)
            asked = [record.getMessage() for record in caplog.records]
            names = [
                re.compile(f'FROM ["`]{table}["`]') for table in ("lesson_type", "study_group")
            ]
            return [sum(bool(name.search(text)) for text in asked) for name in names]

        few = questions("--since", "2026-11-10")
        many = questions("--since", "2026-08-10")
        assert few == many
        assert all(few)


class TestEdits:
    """Each retroactive edit in the CRM shows as exactly itself."""

    @pytest.fixture
    def lesson(self, synced: Installation) -> int:
        """A paid lesson of the current month, in the middle of its window."""
        recent = [
            one
            for one in synced.paid_lessons()
            if one.date >= date(2026, 11, 2) and one.date < TODAY
        ]
        return recent[len(recent) // 2].id

    def _sync(self, installation: Installation) -> dict:  # type: ignore[type-arg]
        report: dict = installation.ok("sync", "--json").json  # type: ignore[type-arg]
        assert changes(installation.ok("sync", "--json").json) == 0, "apply, then plan: empty"
        return report

    def test_attended_to_absent_is_a_reversal_that_names_its_award(
        self, synced: Installation, lesson: int
    ) -> None:
        """Both lines stay, the reversal says why."""
        who = synced.paid_resident(lesson)
        synced.school.act("mark", lesson=lesson, customer=who, is_attend=0)
        report = self._sync(synced)
        assert [(line["lesson"], line["residents"]) for line in lines(report, "reverse")] == [
            (lesson, [who])
        ]
        assert lines(report, "award") == []
        award, reversal = (
            posted
            for posted in synced.ledger()
            if (posted.entry.lesson, posted.entry.resident) == (lesson, who)
        )
        assert (reversal.entry.kind, reversal.entry.reverses, reversal.entry.coins) == (
            Kind.REVERSAL,
            award.n,
            -10,
        )
        assert reversal.entry.happened_on == award.entry.happened_on
        assert reversal.entry.reason == "absent"
        out = synced.ok("explain", f"#{who}", "--lesson", str(lesson)).out
        assert "nothing: absent in the CRM; posted 0" in out

    def test_a_mark_that_turns_back_is_an_award_again(
        self, synced: Installation, lesson: int
    ) -> None:
        """Award, reversal, award: three entries under one key."""
        who = synced.paid_resident(lesson)
        for mark in (0, 1):
            synced.school.act("mark", lesson=lesson, customer=who, is_attend=mark)
            self._sync(synced)
        entries = [
            posted.entry
            for posted in synced.ledger()
            if (posted.entry.lesson, posted.entry.resident) == (lesson, who)
        ]
        assert [(entry.seq, entry.coins) for entry in entries] == [(1, 10), (2, -10), (3, 10)]

    @pytest.mark.parametrize(
        ("action", "reason"),
        [("cancel", "not_conducted"), ("plan", "not_conducted"), ("delete", "lesson_gone")],
    )
    def test_a_lesson_taken_back_is_reversed_for_everybody(
        self, synced: Installation, lesson: int, action: str, reason: str
    ) -> None:
        """Cancelled, set back to planned, deleted: all its coins go, each with the reason."""
        paid = sum(posted.entry.lesson == lesson for posted in synced.ledger())
        synced.school.act(action, lesson=lesson)
        report = self._sync(synced)
        reversed_ = [
            posted.entry for posted in synced.ledger() if posted.entry.kind is Kind.REVERSAL
        ]
        assert len(lines(report, "reverse")) == paid
        assert {(entry.lesson, entry.reason) for entry in reversed_} == {(lesson, reason)}

    def test_a_restored_lesson_is_paid_again(self, synced: Installation, lesson: int) -> None:
        """Deleted by mistake and restored: the coins come back under the same keys."""
        before = synced.balances()
        synced.school.act("delete", lesson=lesson)
        self._sync(synced)
        synced.school.act("restore", lesson=lesson)
        self._sync(synced)
        assert synced.balances() == before

    def test_another_type_is_reversed(self, synced: Installation, lesson: int) -> None:
        """A lesson that turns out to be a make-up earns nothing."""
        synced.school.act("retype", lesson=lesson, type=4)
        self._sync(synced)
        assert {
            posted.entry.reason for posted in synced.ledger() if posted.entry.kind is Kind.REVERSAL
        } == {"makeup"}

    def test_a_moved_lesson_moves_no_coins(self, synced: Installation, lesson: int) -> None:
        """Same lesson, same key, no second award."""
        before = synced.content()
        synced.school.act("move", lesson=lesson, date=TODAY - timedelta(days=1))
        report = self._sync(synced)
        assert synced.content() == before
        assert lines(report, "award") == lines(report, "reverse") == []

    def test_a_lesson_moved_across_the_edge_of_the_window_moves_no_coins(
        self, synced: Installation, lesson: int
    ) -> None:
        """Also where the new day is not read at all, the lesson is asked for by its number."""
        before = synced.content()
        synced.school.act("move", lesson=lesson, date=TODAY - timedelta(days=35))
        self._sync(synced)
        assert synced.content() == before

    def test_a_lesson_entered_anew_is_shown_as_replaced(
        self, synced: Installation, lesson: int
    ) -> None:
        """Deleted and entered again.

        Each reversal is paired with the award that replaces it, no balance moves.
        """
        before = synced.balances()
        new = synced.school.act("recreate", lesson=lesson)
        report = self._sync(synced)
        assert synced.balances() == before
        notes = {line["note"] for line in lines(report, "reverse")}
        assert notes == {f"lesson is gone from the CRM, replaced by lesson {new}"}

    def test_a_late_mark_is_a_plain_award_noted_as_late(self, synced: Installation) -> None:
        """A mark that an earlier reading could have seen is noted with how late it came."""
        paid = {(posted.entry.lesson, posted.entry.resident) for posted in synced.ledger()}
        missed = next(
            (lesson.id, detail.customer_id)
            for lesson in synced.paid_lessons()
            for detail in lesson.details
            if detail.is_attend == 0
            and (lesson.id, detail.customer_id) not in paid
            and synced.is_member(detail.customer_id, lesson)
        )
        synced.school.act("mark", lesson=missed[0], customer=missed[1], is_attend=1)
        synced.school.act("advance", days=1)
        report = self._sync(synced)
        late = [line for line in lines(report, "award") if line["lesson"] == missed[0]]
        assert [line["residents"] for line in late] == [[missed[1]]]
        assert late[0]["note"].endswith("days late")

    def test_a_pupil_taken_off_the_lesson_is_reversed(
        self, synced: Installation, lesson: int
    ) -> None:
        """Somebody whom the lesson no longer lists loses its coins."""
        who = synced.paid_resident(lesson)
        synced.school.act("remove_pupil", lesson=lesson, customer=who)
        self._sync(synced)
        assert [
            (p.entry.resident, p.entry.reason)
            for p in synced.ledger()
            if p.entry.kind is Kind.REVERSAL
        ] == [(who, "removed")]

    def test_a_mark_that_was_wiped_is_held_not_taken_back(
        self, synced: Installation, lesson: int
    ) -> None:
        """Not marked is a lack of knowledge: a person decides."""
        before = synced.content()
        who = synced.paid_resident(lesson)
        synced.school.act("mark", lesson=lesson, customer=who, is_attend=None)
        report = self._sync(synced)
        assert synced.content() == before
        assert [who] in [line["residents"] for line in lines(report, "hold")]

    def test_a_lesson_moved_to_another_branch_keeps_its_coins(
        self, synced: Installation, lesson: int
    ) -> None:
        """It is found where it went, under the same key."""
        before = synced.balances()
        synced.school.act("move_branch", lesson=lesson, branch=2)
        self._sync(synced)
        assert synced.balances() == before

    def test_a_lesson_that_changed_in_another_branch_is_planned_once(
        self, synced: Installation, lesson: int
    ) -> None:
        """What the dry run shows is what --expect applies: one reversal, under one branch."""
        who = synced.paid_resident(lesson)
        synced.school.act("mark", lesson=lesson, customer=who, is_attend=0)
        synced.school.act("move_branch", lesson=lesson, branch=2)
        dry = synced.ok("sync", "--dry-run", "--json").json
        assert [line["residents"] for line in lines(dry, "reverse")] == [[who]]
        synced.ok("sync", "--expect", dry["digest"])
        assert changes(synced.ok("sync", "--json").json) == 0

    def test_nobody_loses_coins_by_vanishing(self, synced: Installation, lesson: int) -> None:
        """Archived, deleted for good, turned into a lead.

        Balances stay, the person stays readable.
        """
        people = [p.entry.resident for p in synced.ledger() if p.entry.lesson == lesson][:3]
        before = synced.balances()
        for action, who in zip(("archive", "to_lead", "archive"), people, strict=False):
            synced.school.act(action, customer=who)
        self._sync(synced)
        assert synced.balances() == before
        assert "entry" in synced.ok("history", f"#{people[0]}").out

    def test_a_guest_after_the_first_reading_earns_nothing(self, synced: Installation) -> None:
        """Once memberships are known, a visit to another group's lesson is a make-up, not a
        question."""
        synced.school.act("advance", days=1)
        books = synced.school.tables
        tomorrow = synced.school.today
        group = next(one for one in books.groups.values() if one.branch_id == 1)
        members = {
            one.customer_id
            for rows in books.members.values()
            for one in rows
            if one.group_id == group.id
        }
        guest = next(
            one.id
            for one in books.customers.values()
            if one.branch_ids == [1]
            and one.is_study
            and one.id not in members
            and not one.archived_on(TODAY)
        )
        lesson = synced.school.act(
            "add_lesson", branch=1, group=group.id, date=tomorrow, type=2, customers=(guest,)
        )
        synced.school.act("conduct", lesson=lesson)
        report = self._sync(synced)
        skipped = [line for line in lines(report, "skip") if line["lesson"] == lesson]
        assert [line["note"] for line in skipped] == ["guest 1"]
        assert (
            "guest of another group"
            in synced.ok("explain", f"#{guest}", "--lesson", str(lesson)).out
        )


class TestDays:
    """A school that lives on."""

    def test_many_days_stay_in_step_with_the_books(self, installation: Installation) -> None:
        """Day after day the ledger follows, and the plan after it is empty each time."""
        installation.configure(guards__reversals_free=40)
        for _ in range(12):
            installation.ok("sync")
            assert changes(installation.ok("sync", "--json").json) == 0
            installation.school.act("advance", days=1)

    def test_a_sync_every_day_ends_like_a_sync_of_all(self, synced: Installation) -> None:
        """Nothing is ever paid twice, however often one looks.

        One award at most stands per lesson and resident.
        """
        for _ in range(5):
            synced.school.act("advance", days=1)
            synced.ok("sync")
        sums: dict[str, int] = {}
        for posted in synced.ledger():
            sums[posted.entry.key] = sums.get(posted.entry.key, 0) + posted.entry.coins
        assert set(sums.values()) <= {0, 10}


@pytest.mark.sqlite
class TestOptions:
    """The options of sync."""

    def test_dry_run_writes_nothing_and_shows_the_plan_that_is_applied(
        self, installation: Installation
    ) -> None:
        """The digest of the dry run is the digest of the run."""
        dry = installation.ok("sync", "--dry-run", "--json").json
        assert installation.content() == []
        real = installation.ok("sync", "--json").json
        windows = [
            r["report"]["digest"] for r in dry["results"] if r["report"]["purpose"] == "lessons"
        ]
        assert windows == [
            r["report"]["digest"] for r in real["results"] if r["report"]["purpose"] == "lessons"
        ]
        assert all(result["status"] == "planned" for result in dry["results"])
        assert all(result["status"] == "applied" for result in real["results"])

    def test_a_dry_run_has_one_digest_and_ends_with_what_applies_it(
        self, installation: Installation
    ) -> None:
        """One for all branches and windows; the last line alone applies just what was shown."""
        dry = installation.ok("sync", "--dry-run", "--since", "2026-11-02")
        first, *_, before, last = dry.out.splitlines()
        assert dry.out.count("digest ") == 1
        digest = first[-8:]
        assert before == "To apply exactly this:"
        program, *words = shlex.split(last)
        assert program == "coinsync"
        assert words[-2:] == ["--expect", digest]
        installation.ok(*words)
        assert installation.content()
        again = installation.ok(*words[:-2], "--dry-run")
        assert "digest " not in again.out
        assert "nothing to do" in again.out

    def test_expect_refuses_a_run_to_which_something_came(self, installation: Installation) -> None:
        """Whatever one branch brings changes the digest of the whole run."""
        digest = installation.ok("sync", "--dry-run", "--json").json["digest"]
        installation.ok("--branch", "2", "sync")
        before = installation.content()
        said = installation.run("sync", "--expect", digest)
        assert (said.code, installation.content()) == (5, before)

    def test_expect_applies_only_the_reviewed_plan(self, installation: Installation) -> None:
        """The digest that was reviewed is applied; another is refused with 5 and writes nothing."""
        digest = installation.ok("sync", "--dry-run", "--json").json["digest"]
        wrong = installation.run("sync", "--expect", "0" * 8)
        assert (wrong.code, installation.content()) == (5, [])
        assert "digest differs: expected 00000000" in wrong.err
        installation.ok("sync", "--expect", digest[:8])
        assert installation.content()

    def test_what_was_applied_before_an_error_is_told(self, installation: Installation) -> None:
        """The database goes away in the middle: what stands by then is shown, and the error."""
        commits = 0

        def goes_away(step: str) -> None:
            nonlocal commits
            commits += step == "commit"
            if commits == 3:
                raise DatabaseUnavailable("database: gone")

        installation.probe = goes_away
        said = installation.run("sync")
        assert said.code == 75
        assert "runs 1–2: " in said.out
        assert "Branch Казань" in said.out
        assert said.err.startswith("coinsync: database: gone\n")

    def test_a_window_reads_only_its_days(self, installation: Installation) -> None:
        """--since and --until bound what is paid."""
        installation.ok("sync", "--since", "2026-11-02", "--until", "2026-11-08")
        days = {posted.entry.happened_on for posted in installation.ledger()}
        assert days
        assert min(days) >= date(2026, 11, 2)
        assert max(days) <= date(2026, 11, 8)

    def test_one_branch_leaves_the_others_alone(self, installation: Installation) -> None:
        """--branch by number or by name."""
        installation.ok("--branch", "2", "sync")
        with installation.reader() as reader:
            assert {run.branch for run in reader.runs(100)} == {2}

    def test_a_changed_rate_moves_nothing_until_asked(self, synced: Installation) -> None:
        """Such differences are shown apart; --rerate posts them, and then there are none."""
        before = synced.content()
        synced.configure(rule=[{**RULE, "coins": 12}])
        report = synced.ok("sync", "--json").json
        assert synced.content() == before
        assert lines(report, "rerate")
        synced.configure(rule=[{**RULE, "coins": 12}], guards__reversals_percent_max=100)
        out = synced.ok("sync", "--rerate").out
        assert "Reversals" not in out
        assert {coins % 12 for coins in synced.balances().values()} == {0}
        assert lines(synced.ok("sync", "--json").json, "rerate") == []

    def test_a_new_rate_leaves_old_lessons_alone(self, synced: Installation) -> None:
        """A second block with a later since pays later lessons only."""
        later = {**RULE, "coins": 15, "since": TODAY + timedelta(days=1)}
        synced.configure(rule=[RULE, later])
        assert changes(synced.ok("sync", "--json").json) == 0
        synced.school.act("advance", days=2)
        synced.ok("sync")
        coins = {
            (posted.entry.happened_on > TODAY, posted.entry.coins)
            for posted in synced.ledger()
            if posted.entry.coins > 0
        }
        assert coins == {(False, 10), (True, 15)}

    def test_every_line_is_valid_json_without_secrets(self, installation: Installation) -> None:
        """What a program reads is one JSON value, and the key is not in it."""
        said = installation.ok("sync", "--json", "-v")
        assert isinstance(json.loads(said.out), dict)
        assert "key-of-the-test-school" not in said.out + said.err


@pytest.mark.sqlite
class TestGuards:
    """What a sync refuses to do without a person's word."""

    def test_an_emptied_crm_is_refused_and_takes_no_coins(self, synced: Installation) -> None:
        """Exit 5, the reason, the exact command to accept it, nothing written."""
        before = synced.content()
        synced.school.act("empty", branch=1)
        said = synced.run("sync")
        assert said.code == 5
        assert "refused: no lessons where" in said.err
        assert "--accept-unsafe" in said.err
        assert synced.content() == before

    def test_the_other_branches_go_on(self, synced: Installation) -> None:
        """One branch is refused, the other is synced."""
        synced.school.act("advance", days=3)
        synced.school.act("empty", branch=1)
        synced.run("sync")
        new = {
            synced.school.tables.lessons[p.entry.lesson].branch_id
            for p in synced.ledger()
            if p.entry.happened_on > TODAY and p.entry.lesson
        }
        assert new == {2}

    def test_an_emptied_crm_that_is_refilled_is_as_before(self, synced: Installation) -> None:
        """The trouble passes without a trace."""
        before = synced.content()
        synced.school.act("empty", branch=1)
        synced.run("sync")
        synced.school.act("refill", branch=1)
        synced.ok("sync")
        assert synced.content() == before

    def test_an_unsafe_run_can_be_accepted_by_its_digest(self, synced: Installation) -> None:
        """The digest of the dry run is the only way past the guards, for all windows at once."""
        synced.school.act("empty", branch=1)
        before, last = synced.ok("sync", "--dry-run").out.splitlines()[-2:]
        assert before == "To apply it although it is unsafe:"
        digest = last.split()[-1]
        assert synced.run("sync", "--accept-unsafe", "deadbeef").code == 5
        synced.ok("sync", "--accept-unsafe", digest)
        assert coins_of_branch(synced, 1) == 0

    def test_what_was_refused_is_accepted_by_the_command_in_the_refusal(
        self, synced: Installation
    ) -> None:
        """The other branch is done by then: the digest is that of what remains, and stays so."""
        synced.school.act("advance", days=3)
        synced.school.act("empty", branch=1)
        said = synced.run("sync", "--since", "2026-11-01")
        assert said.err.count("--accept-unsafe") == 1
        command = said.err.splitlines()[-1].partition("If what is refused is true: coinsync ")[2]
        words = shlex.split(command)
        dry = synced.ok(*words[:-2], "--dry-run", "--json").json
        assert dry["digest"][:8] == words[-1]
        synced.ok(*words)
        assert changes(synced.ok("sync", "--since", "2026-11-01", "--json").json) == 0

    def test_only_the_run_that_was_looked_at_is_accepted(self, synced: Installation) -> None:
        """When anything came to it meanwhile, the guard speaks again, with the digest of now."""
        synced.school.act("empty", branch=1)
        digest = synced.run("sync", "--dry-run", "--json").json["digest"]
        synced.school.act("advance", days=1)
        said = synced.run("sync", "--accept-unsafe", digest)
        assert said.code == 5
        assert f"--accept-unsafe {digest[:8]}" not in said.err
        assert coins_of_branch(synced, 1) > 0

    def test_an_accepted_run_with_what_to_expect_is_just_that(self, synced: Installation) -> None:
        """Both options with the digest of one dry run apply what it showed."""
        synced.school.act("empty", branch=1)
        digest = synced.run("sync", "--dry-run", "--json").json["digest"]
        refused = synced.run("sync", "--expect", digest)
        assert refused.code == 5
        assert "--expect" not in refused.err
        synced.ok("sync", "--expect", digest, "--accept-unsafe", digest)
        assert coins_of_branch(synced, 1) == 0

    def test_people_that_are_accepted_bring_their_lessons(self, synced: Installation) -> None:
        """While its people are refused nothing is said of a branch's lessons.

        Accepted, they are planned.
        """
        assert synced.simulator is not None
        synced.school.act("advance", days=2)
        synced.simulator.faults.add("empty_list", match="1/customer/index")
        refused = synced.run("sync", "--json")
        assert refused.code == 5
        assert {result["scope"]["branch"] for result in refused.json["results"]} == {1, 2}
        assert len(refused.json["results"]) == 1 + 3
        digest = refused.json["refused"]
        said = synced.run("sync", "--accept-unsafe", digest, "--json")
        purposes = [
            (result["scope"]["branch"], result["report"]["purpose"], result["status"])
            for result in said.json["results"]
        ]
        assert (1, "people", "applied") in purposes
        assert (1, "lessons", "applied") in purposes

    def test_a_dry_run_of_an_unsafe_plan_is_marked_and_does_not_fail(
        self, synced: Installation
    ) -> None:
        """UNSAFE stands in the output, the exit code is 0."""
        synced.school.act("empty", branch=1)
        assert "UNSAFE: no lessons where" in synced.ok("sync", "--dry-run").out

    @pytest.mark.parametrize(
        "lists", [["customer/index"], ["customer/index", "cgi/index", "group/index"]]
    )
    def test_a_crm_without_people_is_refused_and_ends_no_membership(
        self, synced: Installation, lists: list[str]
    ) -> None:
        """Exit 5.

        Nobody is gone because an answer is empty, and no lesson is judged without its people.
        """
        before, people = synced.content(), synced.ok("residents", "list", "--all", "--json").out
        assert synced.simulator is not None
        for one in lists:
            synced.simulator.faults.add("empty_list", match=one)
        said = synced.run("sync")
        assert said.code == 5
        assert "refused: no residents where" in said.err
        assert synced.content() == before
        assert synced.ok("residents", "list", "--all", "--json").out == people
        synced.simulator.faults.clear()
        assert changes(synced.ok("sync", "--json").json) == 0

    def test_a_refusal_names_cause_and_command(self, synced: Installation) -> None:
        """In one line for each branch, and once the options of this very call, also under
        --quiet."""
        synced.school.act("empty", branch=1)
        said = synced.run("sync", "--quiet", "--since", "2026-11-01")
        line, last = said.err.splitlines()
        assert line.startswith("Казань 2026-11-01 … 2026-11-20: refused: no lessons where")
        command = last.partition("If what is refused is true: coinsync ")[2].split()
        assert command[:2] == ["--config", str(synced.config)]
        assert "--since" in command
        synced.ok(*command[2:])
        assert coins_of_branch(synced, 1, since=date(2026, 11, 1)) == 0

    def test_too_many_reversals_are_refused(self, synced: Installation) -> None:
        """More than 5 % of what is posted in the window needs a person."""
        recent = [one for one in synced.paid_lessons() if one.date >= date(2026, 11, 1)]
        for lesson in recent[:3]:
            synced.school.act("cancel", lesson=lesson.id)
        said = synced.run("sync")
        assert said.code == 5
        assert "reversals of" in said.err
        assert "limit 5 %" in said.err

    def test_too_many_coins_are_refused(self, installation: Installation) -> None:
        """A rule with a typing error does not flood the school."""
        installation.configure(guards__coins_per_run_max=100)
        said = installation.run("sync")
        assert said.code == 5
        assert "coins in one run (limit 100)" in said.err
        assert installation.content() == []

    def test_quiet_says_one_line_for_each_branch(self, synced: Installation) -> None:
        """Cron mails one line that says it all, and how to accept it."""
        synced.school.act("empty", branch=1)
        said = synced.run("sync", "--quiet")
        assert said.out == ""
        *lines, last = said.err.splitlines()
        assert all(line.startswith("Казань 2026-") for line in lines)
        assert last.startswith("If what is refused is true: coinsync ")
