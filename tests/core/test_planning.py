"""From what the CRM says and what the ledger holds to the plan, one hard case after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from coinsync.core.directory import Directory
from coinsync.core.fact_keys import identity
from coinsync.core.facts import (
    ALWAYS,
    Attendance,
    Branch,
    Doubt,
    DoubtKind,
    Group,
    GroupStanding,
    Hold,
    HoldKind,
    LessonRecord,
    LessonType,
    Link,
    LinkSource,
    Mark,
    Membership,
    PageKind,
    Presence,
    Resident,
    Status,
    VkPage,
)
from coinsync.core.ledger import Entry, Kind, lesson_key, utc_text
from coinsync.core.plan import (
    Coverage,
    Drop,
    Evidence,
    Limits,
    Plan,
    Post,
    Purpose,
    Put,
    Remark,
    RemarkKind,
    Scope,
)
from coinsync.core.plan_report import of_plan
from coinsync.core.planning.compare import Recorded, WindowReading, compare
from coinsync.core.planning.doubts import Doubts
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.planning.people import (
    People,
    memberships_after,
    names_to_ask,
    plan_people,
    vk_number,
)
from coinsync.core.planning.review import Ruling
from coinsync.core.rules import GuestPolicy
from tests.support.makers import (
    ACCOUNT,
    ADA,
    BRANCH,
    CAMP_TYPE,
    DAY,
    GLEB,
    GROUP,
    MAKEUP_TYPE,
    MONTH,
    NEW_TYPE,
    TRIAL_TYPE,
    a_lesson,
    a_record,
    a_resident,
    a_rule,
    a_rulebook,
    an_award,
    present,
)
from tests.support.memory import Memory

TODAY = date(2026, 11, 22)
YESTERDAY = TODAY - timedelta(1)


def brief(plan: Plan) -> list[tuple[str, int, str]]:
    """The entries of a plan: kind, coins, reason."""
    return [(entry.kind.value, entry.coins, entry.reason) for entry in plan.entries]


def remarks(plan: Plan) -> list[tuple[str, str]]:
    """What a plan says besides: kind and reason."""
    return [(remark.kind.value, remark.reason) for remark in plan.remarks]


def paid() -> Memory:
    """A school in which Ada has her ten coins for lesson 1."""
    memory = Memory()
    memory.night(a_record())
    assert memory.posted() == 10
    return memory


# --- awards -----------------------------------------------------------------------------------


def test_an_attended_lesson_is_awarded_with_its_facts() -> None:
    """Lesson, attendance and award stand in one plan, and the basis says that nothing was posted
    before."""
    plan = Memory().plan(a_record())
    assert [type(change).__name__ for change in plan.changes] == ["Put", "Put", "Post"]
    assert plan.entries == (an_award(),)
    assert [(state.seq, state.coins, state.award) for state in plan.basis] == [(0, 0, None)]
    assert (plan.purpose, plan.scope) == (Purpose.LESSONS, MONTH)


def test_the_award_is_dated_on_the_lesson_and_names_its_rule() -> None:
    """Coins are effective on the lesson's day, under the rule that gave them."""
    memory = Memory(a_rulebook(a_rule("robotics", 15)))
    (entry,) = memory.plan(a_record(a_lesson(7, on=date(2026, 11, 9)))).entries
    assert entry == Entry(
        key=lesson_key(ACCOUNT, 7, ADA),
        seq=1,
        resident=ADA,
        coins=15,
        kind=Kind.AWARD,
        happened_on=date(2026, 11, 9),
        reason="lesson",
        actor="sync",
        rule="robotics",
        lesson=7,
    )


def test_planning_again_gives_nothing() -> None:
    """Right after applying, the plan is empty."""
    memory = paid()
    assert not memory.plan(a_record())
    assert memory.plan(a_record()).remarks == ()


def test_two_lessons_on_one_day_are_two_awards() -> None:
    """Nothing is keyed by date: not two lessons of a group, and not two groups."""
    memory = Memory()
    plan = memory.night(
        a_record(a_lesson(1)),
        a_record(a_lesson(2, starts="18:30")),
        a_record(a_lesson(3, groups=(12,))),
    )
    assert [entry.lesson for entry in plan.entries] == [1, 2, 3]
    assert memory.balance(ADA) == 30


def test_everybody_on_the_record_is_judged() -> None:
    """One is paid, the other was absent."""
    plan = Memory().plan(a_record(None, present(ADA), present(GLEB, Mark.ABSENT)))
    assert [entry.resident for entry in plan.entries] == [ADA]
    assert plan.counts.facts == 3


def test_a_lesson_marked_late_is_a_plain_award_and_noted() -> None:
    """The late mark appears by itself, at the rate of the lesson's date."""
    memory = Memory(a_rulebook(a_rule(coins=10), a_rule(coins=15, since=TODAY)))
    memory.night(a_record(None, present(mark=Mark.NOT_MARKED)), read_before=None)
    plan = memory.night(a_record(), read_before=YESTERDAY)
    assert brief(plan) == [("award", 10, "lesson")]
    assert plan.remarks == (Remark(RemarkKind.LATE, "late", 1, ADA),)
    assert plan.lessons == (a_lesson(),)


@pytest.mark.parametrize(
    ("read_before", "is_late"),
    [(None, False), (DAY - timedelta(7), False), (DAY, False), (DAY + timedelta(1), True)],
)
def test_a_mark_is_late_when_an_earlier_reading_could_have_seen_it(
    read_before: date | None, is_late: bool
) -> None:
    """On the day of the lesson itself nothing is late yet: a teacher may still be marking."""
    memory = Memory()
    memory.night(a_record(None, present(mark=Mark.NOT_MARKED)))
    plan = memory.plan(a_record(), read_before=read_before)
    assert brief(plan) == [("award", 10, "lesson")]
    assert bool(plan.remarks) is is_late


def test_a_lesson_that_no_reading_showed_is_not_late() -> None:
    """Entered today for last week, it could not have been marked before."""
    assert Memory().plan(a_record(), read_before=TODAY).remarks == ()


def test_a_raised_rate_is_not_late() -> None:
    """The mark came in time; only what it is worth has changed."""
    memory = paid()
    memory.rulebook = a_rulebook(a_rule(coins=15))
    plan = memory.plan(a_record(), read_before=DAY + timedelta(1), rerate=True)
    assert brief(plan) == [("reversal", -10, "rate_changed"), ("award", 15, "lesson")]
    assert remarks(plan) == []


def test_who_loses_coins_is_not_late() -> None:
    """Only a mark that gives coins was waited for."""
    memory = paid()
    absent = a_record(None, present(mark=Mark.ABSENT))
    assert memory.plan(absent, read_before=DAY + timedelta(1)).remarks == ()


def test_a_stranger_on_a_record_is_recorded_without_a_name() -> None:
    """Who attends and is in no list is recorded so that coins can be posted.

    Nothing else is invented.
    """
    memory = Memory()
    plan = memory.night(a_record(None, present(777)), a_record(a_lesson(2), present(777)))
    strangers = [
        change
        for change in plan.changes
        if isinstance(change, Put) and isinstance(change.new, Resident)
    ]
    assert strangers == [Put(Resident(777, "", Presence.GONE, ()))]
    assert memory.balance(777) == 20


# --- what earns nothing -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_id", "said"),
    [
        (TRIAL_TYPE, ("skip", "trial")),
        (MAKEUP_TYPE, ("skip", "makeup")),
        (CAMP_TYPE, ("skip", "type_not_counted")),
        (NEW_TYPE, ("type_unknown", "type_unknown")),
    ],
)
def test_an_attended_lesson_that_earns_nothing_is_said(type_id: int, said: tuple[str, str]) -> None:
    """A type that earns nothing is told with its reason.

    One that nobody has classified is reported as such.
    """
    plan = Memory().plan(a_record(a_lesson(type=type_id)))
    assert plan.entries == ()
    assert remarks(plan) == [said]


def test_a_guest_is_said() -> None:
    """A visit to another group earns nothing and is told."""
    assert remarks(Memory().plan(a_record(None, present(standing=GroupStanding.GUEST)))) == [
        ("skip", "guest")
    ]


@pytest.mark.parametrize(
    ("again", "known"),
    [
        (a_record(a_lesson(type=TRIAL_TYPE)), True),
        (a_record(a_lesson(type=TRIAL_TYPE, starts="18:00")), False),
        (a_record(a_lesson(type=TRIAL_TYPE), present(standing=GroupStanding.GUEST)), False),
    ],
)
def test_what_was_said_at_the_last_reading_is_known(again: LessonRecord, known: bool) -> None:
    """Until the lesson or the attendance reads otherwise, it is no news that it earns nothing."""
    memory = Memory()
    memory.night(a_record(a_lesson(type=TRIAL_TYPE)))
    (remark,) = memory.plan(again).remarks
    assert remark.known is known


@pytest.mark.parametrize("mark", [Mark.ABSENT, Mark.NOT_MARKED, Mark.REMOVED])
def test_an_absence_is_no_news(mark: Mark) -> None:
    """Who was not there is recorded without a word."""
    plan = Memory().plan(a_record(None, present(mark=mark)))
    assert plan.remarks == ()
    assert plan.counts.facts == 2


def test_a_planned_lesson_is_no_news() -> None:
    """Who is expected at a lesson to come earns nothing yet."""
    plan = Memory().plan(a_record(a_lesson(status=Status.PLANNED)))
    assert (plan.entries, plan.remarks) == ((), ())


def test_a_lesson_that_cannot_be_read_is_said_and_moves_nothing() -> None:
    """An unreadable lesson is neither paid nor taken back."""
    memory = paid()
    found = compare(
        WindowReading((), unreadable={1: "status"}),
        memory.recorded(),
        memory.rulebook,
        ACCOUNT,
        None,
    )
    plan = plan_lessons(MONTH, found, balances={}, evidence=Evidence())
    assert not plan
    assert plan.remarks == (Remark(RemarkKind.UNREADABLE, "unreadable", lesson=1, detail="status"),)


# --- reversals --------------------------------------------------------------------------------

TAKEN_BACK = [
    ("absent", a_record(None, present(mark=Mark.ABSENT))),
    ("not_conducted", a_record(a_lesson(status=Status.CANCELLED))),
    ("not_conducted", a_record(a_lesson(status=Status.PLANNED))),
    ("trial", a_record(a_lesson(type=TRIAL_TYPE))),
    ("makeup", a_record(a_lesson(type=MAKEUP_TYPE))),
    ("type_not_counted", a_record(a_lesson(type=CAMP_TYPE))),
    ("type_unknown", a_record(a_lesson(type=NEW_TYPE))),
    ("guest", a_record(None, present(standing=GroupStanding.GUEST))),
    ("removed", a_record(None, present(GLEB, Mark.ABSENT))),
]


@pytest.mark.parametrize(("reason", "record"), TAKEN_BACK, ids=[reason for reason, _ in TAKEN_BACK])
def test_what_is_no_longer_so_is_reversed_with_its_reason(
    reason: str, record: LessonRecord
) -> None:
    """The reversal names its award, mirrors its coins, is dated on the lesson and says why."""
    memory = paid()
    plan = memory.plan(record)
    (entry,) = plan.entries
    assert (entry.kind, entry.coins, entry.reason) == (Kind.REVERSAL, -10, reason)
    assert (entry.key, entry.seq, entry.reverses) == (lesson_key(ACCOUNT, 1, ADA), 2, 1)
    assert (entry.happened_on, entry.actor) == (DAY, "sync")
    assert [(state.seq, state.coins, state.award) for state in plan.basis] == [(1, 10, 1)]
    memory.apply(plan)
    assert memory.posted() == 0


@pytest.mark.parametrize(("reason", "record"), TAKEN_BACK, ids=[reason for reason, _ in TAKEN_BACK])
def test_what_turns_back_is_awarded_again(reason: str, record: LessonRecord) -> None:
    """After a reversal the same key gets a third entry, and a fourth if need be."""
    memory = paid()
    memory.night(record)
    assert brief(memory.night(a_record())) == [("award", 10, "lesson")]
    assert [entry.seq for entry in memory.entries] == [1, 2, 3]
    assert brief(memory.night(record)) == [("reversal", -10, reason)]
    assert memory.entries[-1].reverses == 3


def test_a_resident_removed_from_the_lesson_is_remembered_as_removed() -> None:
    """Who was listed once stays recorded, also when nobody is listed any longer."""
    memory = paid()
    plan = memory.night(LessonRecord(a_lesson(), ()))
    assert [change.new for change in plan.changes if isinstance(change, Put)] == [
        present(mark=Mark.REMOVED)
    ]
    assert not memory.plan(LessonRecord(a_lesson(), ()))


def test_a_lesson_that_is_gone_is_reversed() -> None:
    """Only what was asked for and is gone for certain comes as gone; it stays recorded as such."""
    memory = paid()
    plan = memory.night(gone=[1])
    assert brief(plan) == [("reversal", -10, "lesson_gone")]
    assert memory.lessons[1].status is Status.GONE
    assert brief(memory.night(a_record())) == [("award", 10, "lesson")]


def test_a_lesson_that_is_back_is_gone_no_more() -> None:
    """Its reversal was held, and is not asked about any longer: the coins stand as they did."""
    memory = paid()
    memory.spend(ADA, 10)
    memory.night(gone=[1])
    assert memory.holds
    plan = memory.night(a_record())
    assert (brief(plan), memory.holds, memory.posted()) == ([], {}, 10)
    assert memory.lessons[1].status is Status.CONDUCTED


def test_a_lesson_that_was_not_asked_for_keeps_its_coins() -> None:
    """What is merely not in the answer moves nothing."""
    assert not paid().plan()


# --- moved ------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", [date(2026, 11, 9), date(2026, 10, 30), date(2026, 12, 1)])
def test_a_lesson_moved_to_another_day_keeps_its_coins(to: date) -> None:
    """The lesson's number is its key: no second award, also across the edge of the window."""
    plan = paid().plan(a_record(a_lesson(on=to)))
    assert plan.entries == ()
    assert plan.changes == (Put(a_lesson(on=to), a_lesson()),)


@pytest.mark.parametrize("coins", [15, 4])
def test_a_lesson_moved_across_a_rate_boundary_gets_the_rate_of_its_day(coins: int) -> None:
    """Award taken back and given anew in one plan, without a word to be said for ``--rerate``."""
    memory = Memory(a_rulebook(a_rule(coins=10), a_rule(coins=coins, since=date(2026, 11, 9))))
    memory.night(a_record())
    plan = memory.night(a_record(a_lesson(on=date(2026, 11, 10))))
    assert brief(plan) == [("reversal", -10, "rate_changed"), ("award", coins, "lesson")]
    assert [entry.seq for entry in plan.entries] == [2, 3]
    assert memory.balance(ADA) == coins
    assert not memory.plan(a_record(a_lesson(on=date(2026, 11, 10))))


def test_a_smaller_rate_after_the_coins_were_spent_is_held() -> None:
    """A difference that would take the balance below zero waits for a person, with the coins
    that are missing."""
    memory = Memory(a_rulebook(a_rule(coins=10), a_rule(coins=4, since=date(2026, 11, 9))))
    memory.night(a_record())
    memory.spend(ADA, 5)
    plan = memory.night(a_record(a_lesson(on=date(2026, 11, 10))))
    assert (brief(plan), remarks(plan)) == ([], [("hold", "paid")])
    assert [hold.coins for hold in memory.holds.values()] == [-6]


# --- deleted and entered anew -----------------------------------------------------------------


def test_a_lesson_entered_anew_is_paired_with_the_one_that_is_gone() -> None:
    """Reversal and award of the same resident, group and day are shown as replaced."""
    memory = paid()
    plan = memory.night(a_record(a_lesson(2)), gone=[1])
    assert sorted(brief(plan)) == [("award", 10, "lesson"), ("reversal", -10, "lesson_gone")]
    assert plan.remarks == (Remark(RemarkKind.REPLACED, "replaced", 1, ADA, -10, 2),)
    assert [lesson.id for lesson in plan.lessons] == [1, 2]
    assert memory.balance(ADA) == 10


def test_a_lesson_entered_anew_pays_for_the_one_that_is_gone() -> None:
    """Though the coins are spent, the exchange is not held: the balance does not fall."""
    memory = paid()
    memory.spend(ADA, 10)
    plan = memory.night(a_record(a_lesson(2)), gone=[1])
    assert plan.counts.held == 0
    assert memory.balance(ADA) == 0


def test_each_lesson_entered_anew_replaces_one() -> None:
    """Two lessons of one day that were both entered anew make two pairs."""
    memory = Memory()
    memory.night(a_record(a_lesson(1)), a_record(a_lesson(2)))
    plan = memory.night(a_record(a_lesson(3)), a_record(a_lesson(4)), gone=[1, 2])
    pairs = [
        (remark.lesson, remark.other)
        for remark in plan.remarks
        if remark.kind is RemarkKind.REPLACED
    ]
    assert pairs == [(1, 3), (2, 4)]


@pytest.mark.parametrize(
    "other",
    [
        a_record(a_lesson(2, on=date(2026, 11, 3))),
        a_record(a_lesson(2, groups=(12,))),
        a_record(a_lesson(2), present(GLEB)),
    ],
)
def test_another_day_group_or_resident_is_no_replacement(other: LessonRecord) -> None:
    """Only the same resident's lesson with the same groups on the same day replaces one."""
    plan = paid().plan(other, gone=[1])
    assert all(remark.kind is not RemarkKind.REPLACED for remark in plan.remarks)


# --- holds ------------------------------------------------------------------------------------


def a_hold(coins: int = -10, reason: str = "absent", kind: HoldKind = HoldKind.REVERSAL) -> Hold:
    """A hold on Ada's coins for lesson 1."""
    return Hold(lesson_key(ACCOUNT, 1, ADA), kind, BRANCH, 1, ADA, DAY, coins, reason)


ABSENT = a_record(None, present(mark=Mark.ABSENT))


def test_a_reversal_after_the_coins_were_spent_is_held() -> None:
    """Nothing is posted; the difference is recorded and said."""
    memory = paid()
    memory.spend(ADA, 1)
    plan = memory.night(ABSENT)
    assert plan.entries == ()
    assert memory.holds == {a_hold().key: a_hold()}
    assert plan.remarks == (Remark(RemarkKind.HOLD, "absent", 1, ADA, -10),)
    assert plan.counts.held == 1


def test_a_held_reversal_is_posted_once_the_child_has_enough() -> None:
    """It comes back in every plan, changes nothing while coins lack, and is posted once."""
    memory = paid()
    memory.spend(ADA, 10)
    memory.night(ABSENT)
    plan = memory.plan(ABSENT)
    assert not plan
    assert plan.remarks == (Remark(RemarkKind.HOLD, "absent", 1, ADA, -10, known=True),)
    memory.night(a_record(a_lesson(2)))
    memory.night(ABSENT)
    assert (memory.balance(ADA), memory.holds) == (0, {})
    assert not memory.plan(ABSENT)


def test_a_reversal_that_was_held_is_said_when_it_is_posted() -> None:
    """Its line in the plan names the reason, and that it waits no longer."""
    memory = paid()
    memory.spend(ADA, 10)
    memory.night(ABSENT)
    plan = memory.plan(ABSENT, a_record(a_lesson(2)))
    report = of_plan(plan, Directory.of([]), Limits(), ("Kazan", "Europe/Moscow"), DAY)
    [line] = [line for line in report.lines if line.verb == "reverse"]
    assert line.note == "absent in the CRM, no longer held"


def test_a_held_reversal_of_a_lesson_that_is_gone_stays_held() -> None:
    """The lesson is not read any longer, yet what waits for a person comes back in every plan."""
    memory = paid()
    memory.spend(ADA, 10)
    memory.night(gone=[1])
    plan = memory.plan()
    assert not plan
    assert plan.remarks == (Remark(RemarkKind.HOLD, "lesson_gone", 1, ADA, -10, known=True),)


def test_a_held_reversal_is_not_freed_by_news_that_do_not_matter() -> None:
    """Another hour or subject of the lesson is no reason to decide anew."""
    memory = paid()
    memory.spend(ADA, 10)
    memory.night(ABSENT)
    plan = memory.plan(a_record(a_lesson(starts="18:00", subject=3), present(mark=Mark.ABSENT)))
    assert (plan.entries, plan.counts.held) == ((), 1)


def test_a_hold_is_dropped_when_the_fact_turns_back() -> None:
    """Present again: the coins stay and nothing waits any longer."""
    memory = paid()
    memory.spend(ADA, 10)
    memory.night(ABSENT)
    plan = memory.night(a_record())
    assert plan.entries == ()
    assert Drop(a_hold()) in plan.changes
    assert memory.holds == {}


def test_an_award_is_not_reversed_for_want_of_a_mark() -> None:
    """Not marked any longer is a lack of knowledge.

    The reversal waits though the coins are there.
    """
    memory = paid()
    plan = memory.night(a_record(None, present(mark=Mark.NOT_MARKED)))
    assert (brief(plan), remarks(plan)) == ([], [("hold", "not_marked")])
    assert memory.posted() == 10


def test_a_hold_for_want_of_a_mark_ends_with_the_mark() -> None:
    """Marked absent at last, the reversal is posted and the hold is dropped."""
    memory = paid()
    memory.night(a_record(None, present(mark=Mark.NOT_MARKED)))
    assert brief(memory.night(ABSENT)) == [("reversal", -10, "absent")]
    assert memory.holds == {}


def test_an_award_is_not_reversed_for_want_of_a_membership() -> None:
    """Where membership is no longer known, the award waits for a person."""
    memory = paid()
    plan = memory.night(a_record(None, present(standing=GroupStanding.UNKNOWN)))
    assert (brief(plan), remarks(plan)) == ([], [("hold", "membership_unknown")])
    assert [hold.kind for hold in memory.holds.values()] == [HoldKind.REVERSAL]


def test_the_last_coins_go_to_the_reversals_in_order_of_days() -> None:
    """Of two reversals with coins for one, the earlier lesson's is posted.

    Which of them has the smaller number does not matter.
    """
    memory = Memory()
    later = a_lesson(1, on=date(2026, 11, 9))
    memory.night(a_record(later), a_record(a_lesson(2)))
    memory.spend(ADA, 10)
    absent = present(mark=Mark.ABSENT)
    plan = memory.night(a_record(later, absent), a_record(a_lesson(2), absent))
    assert [entry.lesson for entry in plan.entries] == [2]
    assert [hold.lesson for hold in memory.holds.values()] == [1]


# --- guests -----------------------------------------------------------------------------------

UNKNOWN = a_record(None, present(standing=GroupStanding.UNKNOWN))


def test_a_visit_of_unknown_standing_is_held() -> None:
    """The coins that a person may give are recorded with the visit."""
    memory = Memory()
    plan = memory.night(UNKNOWN)
    assert plan.entries == ()
    assert list(memory.holds.values()) == [a_hold(10, "membership_unknown", HoldKind.GUEST)]
    assert plan.remarks == (Remark(RemarkKind.HOLD, "membership_unknown", 1, ADA, 10),)
    again = memory.plan(UNKNOWN)
    assert (bool(again), again.counts.held) == (False, 1)


@pytest.mark.parametrize(
    ("policy", "entries"), [(GuestPolicy.PAY, [("award", 10, "lesson")]), (GuestPolicy.REFUSE, [])]
)
def test_a_rule_may_decide_about_visits(
    policy: GuestPolicy, entries: list[tuple[str, int, str]]
) -> None:
    """Pay gives the coins, refuse gives none, and neither asks a person."""
    memory = Memory(a_rulebook(a_rule(guest=policy)))
    plan = memory.night(UNKNOWN)
    assert brief(plan) == entries
    assert memory.holds == {}


@pytest.mark.parametrize(
    ("standing", "posted"), [(GroupStanding.MEMBER, 10), (GroupStanding.GUEST, 0)]
)
def test_a_held_visit_is_settled_by_knowledge(standing: GroupStanding, posted: int) -> None:
    """Once membership is known the hold is dropped, with coins or without."""
    memory = Memory()
    memory.night(UNKNOWN)
    memory.night(a_record(None, present(standing=standing)))
    assert (memory.posted(), memory.holds) == (posted, {})


# --- rules that change in the past ------------------------------------------------------------


def test_a_rule_that_pays_visits_by_now_pays_held_ones_on_request() -> None:
    """The visit goes on waiting for a person until somebody asks for the new rule."""
    memory = Memory()
    memory.night(UNKNOWN)
    memory.rulebook = a_rulebook(a_rule(guest=GuestPolicy.PAY))
    assert remarks(memory.night(UNKNOWN)) == [("rerate", "paid")]
    assert memory.holds
    memory.night(UNKNOWN, rerate=True)
    assert (memory.posted(), memory.holds) == (10, {})


@pytest.mark.parametrize("coins", [4, 15])
def test_a_changed_rule_moves_nothing_by_itself(coins: int) -> None:
    """A new rate for old lessons is shown with its difference and posted by nobody."""
    memory = paid()
    memory.rulebook = a_rulebook(a_rule(coins=coins))
    plan = memory.plan(a_record())
    assert not plan
    assert plan.remarks == (Remark(RemarkKind.RERATE, "paid", 1, ADA, coins - 10),)


@pytest.mark.parametrize("coins", [4, 15])
def test_a_changed_rule_is_posted_on_request(coins: int) -> None:
    """With ``--rerate`` the award is taken back and given anew."""
    memory = paid()
    memory.rulebook = a_rulebook(a_rule(coins=coins))
    plan = memory.night(a_record(), rerate=True)
    assert brief(plan) == [("reversal", -10, "rate_changed"), ("award", coins, "lesson")]
    assert memory.balance(ADA) == coins
    assert not memory.plan(a_record(), rerate=True)


def test_a_type_classified_afterwards_moves_nothing_by_itself() -> None:
    """A rule that now names a type pays its old lessons on request only."""
    memory = Memory()
    record = a_record(a_lesson(type=NEW_TYPE))
    memory.night(record)
    memory.rulebook = a_rulebook(a_rule(types=frozenset({NEW_TYPE})))
    assert remarks(memory.plan(record)) == [("rerate", "paid")]
    assert brief(memory.plan(record, rerate=True)) == [("award", 10, "lesson")]


def test_a_rule_that_is_gone_takes_nothing_by_itself() -> None:
    """Without its rule a paid lesson keeps its coins until somebody asks."""
    memory = paid()
    memory.rulebook = a_rulebook(a_rule(types=frozenset({6})))
    assert remarks(memory.plan(a_record())) == [("rerate", "type_unknown")]
    assert brief(memory.plan(a_record(), rerate=True)) == [("reversal", -10, "type_unknown")]


@pytest.mark.parametrize(
    "news",
    [
        a_record(a_lesson(starts="18:00")),
        a_record(a_lesson(subject=3)),
        a_record(a_lesson(on=date(2026, 11, 3))),
    ],
)
def test_a_changed_rule_is_not_let_in_by_news_that_do_not_matter(news: LessonRecord) -> None:
    """Another hour of an old lesson is recorded; its coins stay at the old rate."""
    memory = paid()
    memory.rulebook = a_rulebook(a_rule(coins=15))
    plan = memory.night(news)
    assert (brief(plan), remarks(plan)) == ([], [("rerate", "paid")])


def test_another_residents_mark_does_not_let_a_changed_rule_in() -> None:
    """Gleb's late mark is paid at today's rate, Ada's coins stay."""
    memory = Memory()
    memory.night(a_record(None, present(ADA), present(GLEB, Mark.NOT_MARKED)))
    memory.rulebook = a_rulebook(a_rule(coins=15))
    plan = memory.night(a_record(None, present(ADA), present(GLEB)))
    assert [(entry.resident, entry.coins) for entry in plan.entries] == [(GLEB, 15)]
    assert memory.posted(1, ADA) == 10


def test_a_rerate_after_the_coins_were_spent_is_held() -> None:
    """Asked for or not, no balance falls below zero."""
    memory = paid()
    memory.spend(ADA, 10)
    memory.rulebook = a_rulebook(a_rule(coins=4))
    plan = memory.night(a_record(), rerate=True)
    assert (brief(plan), plan.counts.held) == ([], 1)


def test_a_difference_says_whether_facts_changed() -> None:
    """Other rules and open holds are none of them."""
    memory = Memory()
    memory.night(
        a_record(a_lesson(1)),
        a_record(a_lesson(2)),
        a_record(a_lesson(3), present(standing=GroupStanding.UNKNOWN)),
    )
    memory.rulebook = a_rulebook(a_rule(coins=15))
    lesson_records = [
        a_record(a_lesson(1), present(mark=Mark.ABSENT)),
        a_record(a_lesson(2)),
        a_record(a_lesson(3), present(standing=GroupStanding.UNKNOWN)),
    ]
    found = memory.found(lesson_records)
    assert [one.facts_changed for one in found.differences] == [True, False, False]
    assert found.losers == {ADA}


# --- merged cards -----------------------------------------------------------------------------

MIRA, LEV, VERA = 103, 104, 105


def one_child(*lesson_records: LessonRecord) -> Memory:
    """A school in which Ada's card goes on as Gleb's, after a night with those lessons."""
    memory = Memory()
    memory.night(*lesson_records)
    memory.survivors = {ADA: GLEB}
    return memory


def test_coins_of_merged_cards_are_there_for_each_others_reversals() -> None:
    """The old card's coins are spent under the new one.

    What both have together is what can be lost.
    """
    memory = one_child(a_record(a_lesson(1), present(ADA)), a_record(a_lesson(2), present(GLEB)))
    memory.spend(GLEB, 10)
    plan = memory.night(ABSENT)
    assert [(entry.resident, entry.coins) for entry in plan.entries] == [(ADA, -10)]
    assert (memory.balance(ADA), memory.balance(GLEB)) == (0, 0)


def test_merged_cards_do_not_lose_the_same_coins_twice() -> None:
    """Of two reversals with coins for one, the later is held, whichever card it is on."""
    memory = one_child(a_record(a_lesson(1), present(ADA)), a_record(a_lesson(2), present(GLEB)))
    memory.spend(GLEB, 10)
    plan = memory.night(ABSENT, a_record(a_lesson(2), present(GLEB, Mark.ABSENT)))
    assert [entry.resident for entry in plan.entries] == [ADA]
    assert [hold.resident for hold in memory.holds.values()] == [GLEB]


def test_what_one_card_gains_pays_for_what_the_other_loses() -> None:
    """A lesson that was entered anew for the new card replaces the one of the old card."""
    memory = one_child(a_record(a_lesson(1), present(ADA)))
    memory.spend(GLEB, 10)
    plan = memory.night(a_record(a_lesson(1), present(GLEB)))
    assert sorted((entry.resident, entry.coins) for entry in plan.entries) == [
        (ADA, -10),
        (GLEB, 10),
    ]
    assert memory.holds == {}


def test_coins_stay_under_the_card_that_the_lesson_lists() -> None:
    """A merge moves nothing: awards and reversals are posted to whom the CRM names."""
    memory = one_child()
    (entry,) = memory.night(a_record()).entries
    assert (entry.resident, entry.key) == (ADA, lesson_key(ACCOUNT, 1, ADA))


def both_attend(*others: Attendance) -> LessonRecord:
    """A lesson that lists both cards of the child."""
    return a_record(a_lesson(), *(others or (present(ADA), present(GLEB))))


def posted_to(memory: Memory) -> list[tuple[int, int]]:
    """Who has coins for the lesson."""
    cards = (ADA, GLEB, MIRA)
    return [(card, memory.posted(1, card)) for card in cards if memory.posted(1, card)]


def test_two_cards_of_one_child_in_a_lesson_are_one_visit() -> None:
    """The surviving card is paid, the other one is recorded as its visit; again nothing moves."""
    memory = one_child()
    plan = memory.night(both_attend())
    assert posted_to(memory) == [(GLEB, 10)]
    assert memory.attendance[1, ADA].mark is Mark.OTHER_CARD
    assert ("skip", "same_child") in remarks(plan)
    assert not memory.plan(both_attend())


def test_cards_that_are_merged_after_both_were_paid_keep_one_award() -> None:
    """The doubled one is taken back as a difference of facts, without ``--rerate``."""
    memory = Memory()
    memory.night(both_attend())
    memory.survivors = {ADA: GLEB}
    plan = memory.night(both_attend())
    assert brief(plan) == [("reversal", -10, "same_child")]
    assert posted_to(memory) == [(GLEB, 10)]
    assert not memory.plan(both_attend())


@pytest.mark.parametrize("paid_first", [ADA, GLEB])
def test_what_is_posted_stays_on_its_card(paid_first: int) -> None:
    """The card that the lesson listed first keeps its coins, whichever goes on."""
    memory = one_child()
    memory.night(both_attend(present(paid_first)))
    assert brief(memory.night(both_attend())) == []
    assert posted_to(memory) == [(paid_first, 10)]


def test_a_card_that_did_not_attend_leaves_the_visit_to_the_other() -> None:
    """The award changes cards when the mark does, on the same night."""
    memory = one_child()
    memory.night(both_attend())
    plan = memory.night(both_attend(present(ADA), present(GLEB, Mark.ABSENT)))
    assert sorted(brief(plan)) == [("award", 10, "lesson"), ("reversal", -10, "absent")]
    assert posted_to(memory) == [(ADA, 10)]


def test_cards_that_are_parted_are_visits_of_their_own_again() -> None:
    """What the CRM says was kept; the other card is paid."""
    memory = one_child()
    memory.night(both_attend())
    memory.survivors = {}
    assert brief(memory.night(both_attend())) == [("award", 10, "lesson")]
    assert posted_to(memory) == [(ADA, 10), (GLEB, 10)]


def test_a_third_card_changes_nothing_for_the_one_that_is_paid() -> None:
    """Gleb's card goes on as Mira's: his coins stay, because they are posted."""
    memory = one_child()
    memory.residents.add(MIRA)
    memory.night(both_attend())
    memory.survivors = {ADA: MIRA, GLEB: MIRA}
    three = both_attend(present(ADA), present(GLEB), present(MIRA))
    assert brief(memory.night(three)) == []
    assert posted_to(memory) == [(GLEB, 10)]


def test_a_doubled_award_that_is_spent_is_held() -> None:
    """And taken back once there is enough, like every other reversal."""
    memory = Memory()
    memory.night(both_attend())
    memory.spend(ADA, 10)
    memory.spend(GLEB, 5)
    memory.survivors = {ADA: GLEB}
    (remark,) = memory.night(both_attend()).remarks
    assert (remark.kind, remark.reason, remark.coins) == (RemarkKind.HOLD, "same_child", -10)
    memory.night(both_attend(), a_record(a_lesson(2), present(ADA)))
    assert posted_to(memory) == [(GLEB, 10)]
    assert memory.holds == {}


def test_a_visit_that_is_certain_is_paid_before_one_that_is_held() -> None:
    """A guest on one card, a member on the other: nobody need decide."""
    memory = one_child()
    unknown = present(GLEB, standing=GroupStanding.UNKNOWN)
    memory.night(both_attend(present(ADA), unknown))
    assert posted_to(memory) == [(ADA, 10)]
    assert memory.holds == {}


def test_a_visit_of_two_cards_that_nobody_knows_is_one_question() -> None:
    """And answered once."""
    memory = one_child()
    unknown = [present(card, standing=GroupStanding.UNKNOWN) for card in (ADA, GLEB)]
    memory.night(both_attend(*unknown))
    (hold,) = memory.holds.values()
    assert hold.resident == GLEB
    memory.ruling(Ruling.POST)
    assert brief(memory.night(both_attend(*unknown))) == []
    assert posted_to(memory) == [(GLEB, 10)]


def test_a_doubled_award_that_a_person_leaves_stays() -> None:
    """``review waive`` answers this question too."""
    memory = Memory()
    memory.night(both_attend())
    memory.spend(ADA, 10)
    memory.spend(GLEB, 10)
    memory.survivors = {ADA: GLEB}
    memory.night(both_attend())
    memory.ruling(Ruling.WAIVE)
    assert not memory.night(both_attend())
    assert posted_to(memory) == [(ADA, 10), (GLEB, 10)]


def proposals(memory: Memory, *lesson_records: LessonRecord) -> list[tuple[int, int]]:
    """Which cards may be those of one child.

    The one that vanished, and the one that took its place.
    """
    return list(memory.found(lesson_records).heirs.items())


def replaced(*news: int, lessons: int = 2) -> list[LessonRecord]:
    """The lessons as the CRM shows them after it put others in Ada's place, beside Gleb."""
    return [
        a_record(a_lesson(id), present(GLEB), *map(present, news)) for id in range(1, lessons + 1)
    ]


@pytest.fixture
def vanished() -> Memory:
    """Ada and Gleb stood in two lessons; now the CRM no longer has Ada's card."""
    memory = Memory(residents={ADA, GLEB, MIRA, LEV})
    memory.night(*(a_record(a_lesson(id), present(ADA), present(GLEB)) for id in (1, 2)))
    memory.vanished = {ADA}
    return memory


def test_a_card_that_took_the_place_of_one_that_vanished_is_proposed(vanished: Memory) -> None:
    """One new card in each of its lessons is likely the same child."""
    assert proposals(vanished, *replaced(MIRA)) == [(ADA, MIRA)]


def test_only_the_card_that_stands_in_all_lessons_is_the_heir(vanished: Memory) -> None:
    """Another one that is new in one lesson alone is somebody else."""
    one, other = replaced(MIRA)
    both = replace(one, attendance=(*one.attendance, present(LEV)))
    assert proposals(vanished, both, other) == [(ADA, MIRA)]


@pytest.mark.parametrize("news", [(), (MIRA, LEV)])
def test_no_heir_or_two_are_no_proposal(vanished: Memory, news: tuple[int, ...]) -> None:
    """Nothing is guessed."""
    assert proposals(vanished, *replaced(*news)) == []


def test_heirs_that_differ_from_lesson_to_lesson_are_none(vanished: Memory) -> None:
    """Two children took two places."""
    assert proposals(vanished, replaced(MIRA)[0], replaced(LEV)[1]) == []


def test_a_lesson_in_which_nobody_is_new_says_nothing_of_heirs(vanished: Memory) -> None:
    """Mira stood in the second lesson all along; in the first she took Ada's place."""
    vanished.night(a_record(a_lesson(2), present(ADA), present(GLEB), present(MIRA)))
    assert proposals(vanished, *replaced(MIRA)) == [(ADA, MIRA)]


def test_who_was_taken_off_a_lesson_before_has_no_heir_in_it(vanished: Memory) -> None:
    """Ada was removed while her card was still there: Mira, who came later, is somebody else."""
    vanished.vanished = set()
    vanished.night(*replaced())
    vanished.vanished = {ADA}
    assert proposals(vanished, *replaced(MIRA)) == []


def test_who_only_left_a_lesson_has_no_heir(vanished: Memory) -> None:
    """The card is still there, or is merged already: its place is taken by somebody else."""
    vanished.vanished = set()
    assert proposals(vanished, *replaced(MIRA)) == []


def test_a_proposal_is_made_once(vanished: Memory) -> None:
    """The night after, the lessons list the new card as they did the night before."""
    vanished.night(*replaced(MIRA))
    assert proposals(vanished, *replaced(MIRA)) == []


def test_each_card_that_vanished_has_its_own_heir(vanished: Memory) -> None:
    """Two cards that vanished from lessons of their own are told apart.

    From the same lessons they cannot be.
    """
    vanished.night(a_record(a_lesson(5), present(VERA)))
    vanished.vanished = {ADA, VERA}
    assert proposals(vanished, *replaced(MIRA), a_record(a_lesson(5), present(LEV))) == [
        (ADA, MIRA),
        (VERA, LEV),
    ]
    vanished.vanished = {ADA, GLEB}
    assert (
        proposals(vanished, *(a_record(a_lesson(id), present(MIRA), present(LEV)) for id in (1, 2)))
        == []
    )


# --- order ------------------------------------------------------------------------------------


def test_the_order_of_pages_does_not_matter() -> None:
    """Records in another order give the same plan with the same digest."""
    lesson_records = [
        a_record(a_lesson(id), present(ADA), present(GLEB, Mark.ABSENT)) for id in (3, 1, 2)
    ]
    backwards = [
        replace(record, attendance=record.attendance[::-1]) for record in lesson_records[::-1]
    ]
    one, other = Memory().plan(*lesson_records), Memory().plan(*backwards)
    assert one == other
    assert one.digest == other.digest


def test_an_empty_school_has_an_empty_plan() -> None:
    """Nothing read, nothing known, nothing to do."""
    found = compare(WindowReading(()), Recorded(), a_rulebook(), ACCOUNT, None)
    assert not plan_lessons(MONTH, found, balances={}, evidence=Evidence())


# --- people -----------------------------------------------------------------------------------

DAY_OF_READING = Scope(BRANCH, TODAY, TODAY)
READ_AT = datetime(2026, 11, 22, 2, 0, 7, tzinfo=UTC)


def people(*residents: Resident, **more: Any) -> People:
    """Residents with their groups and links."""
    return People(residents=residents, **more)


def puts(plan: Plan) -> list[Any]:
    """What a plan records."""
    return [change.new for change in plan.changes if isinstance(change, Put)]


def missing_since(hours: int, *cards: int) -> Doubts:
    """The doubts of today's reading, before which these cards were missing for so long."""
    since = utc_text(READ_AT - timedelta(hours=hours))
    kind = DoubtKind.CARD_MISSING
    return Doubts(READ_AT, [Doubt(card, kind, BRANCH, "", since) for card in cards])


def plan_of_people(
    read: People,
    known: People,
    read_before: date | None = YESTERDAY,
    *,
    doubts: Doubts | None = None,
    **more: Any,
) -> Plan:
    """Plan the people of the branch as read today; nothing was doubted unless that is said."""
    plan = plan_people(
        DAY_OF_READING,
        read,
        known,
        read_before=read_before,
        doubts=doubts or missing_since(0),
        **more,
    )
    assert plan.entries == ()
    return plan


def test_people_are_recorded_with_all_that_lessons_refer_to() -> None:
    """Branches, types, groups, residents and memberships come before the lessons."""
    read = People(
        (Branch(1, "Kazan"),),
        (LessonType(2, "Group", 2),),
        (Group(GROUP, "Python"),),
        (a_resident(),),
        (Membership(ADA, GROUP, DAY),),
    )
    plan = plan_of_people(read, People())
    assert plan.purpose is Purpose.PEOPLE
    assert puts(plan) == [
        Branch(1, "Kazan"),
        LessonType(2, "Group", 2),
        Group(GROUP, "Python"),
        a_resident(),
        Membership(ADA, GROUP, DAY),
    ]
    assert not plan_of_people(read, read)


def test_a_renamed_thing_replaces_what_was_recorded() -> None:
    """The old value stands in the plan, so that a stale plan is noticed."""
    read, known = people(a_resident(name="Ada B.")), people(a_resident(name="Ada A."))
    assert plan_of_people(read, known).changes == (
        Put(a_resident(name="Ada B."), a_resident(name="Ada A.")),
    )


def test_who_vanished_is_recorded_as_gone_and_loses_nothing() -> None:
    """Nobody is deleted and no coins move because a person vanished."""
    known = people(a_resident(ADA), a_resident(GLEB))
    plan = plan_of_people(people(a_resident(GLEB)), known, doubts=missing_since(12, ADA))
    assert puts(plan) == [replace(a_resident(ADA), presence=Presence.GONE)]
    gone = replace(a_resident(ADA), presence=Presence.GONE)
    assert not plan_of_people(people(a_resident(GLEB)), people(gone, a_resident(GLEB)))


def test_who_is_of_another_branch_is_not_missed_here() -> None:
    """Not even when that branch did not show the card just before."""
    known = people(a_resident(branches=(2,)))
    plan = plan_of_people(people(), known, missed={ADA: {2}})
    assert plan.changes == ()


def test_who_learns_elsewhere_too_is_not_gone() -> None:
    """Missing from one of two branches says nothing about the other."""
    assert not plan_of_people(
        people(), people(a_resident(branches=(1, 2)), a_resident(GLEB, branches=(2,)))
    )


def test_who_comes_back_is_a_client_again() -> None:
    """The card that reappears replaces the word gone."""
    gone = replace(a_resident(), presence=Presence.GONE)
    assert plan_of_people(people(a_resident()), people(gone)).changes == (Put(a_resident(), gone),)


def test_a_vanished_group_or_type_stays_recorded() -> None:
    """Old lessons still refer to them."""
    known = People((Branch(1, "Kazan"),), (LessonType(2, "Group", 2),), (Group(GROUP, "Python"),))
    assert not plan_of_people(People(), known)


def test_coins_of_the_vanished_stay() -> None:
    """A lesson that lists a resident who is gone keeps its award."""
    memory = paid()
    memory.residents = {ADA}
    assert not memory.plan(a_record())


# --- memberships ------------------------------------------------------------------------------


def after(
    read: list[Membership], known: list[Membership], read_before: date | None = YESTERDAY
) -> set[Membership]:
    """What is remembered after today's reading."""
    groups = {membership.group for membership in known}
    return set(memberships_after(read, known, TODAY, read_before, groups))


def test_a_membership_with_dates_is_kept_as_it_is() -> None:
    """What the CRM dates needs no help, and reading it again changes nothing."""
    one = Membership(ADA, GROUP, date(2026, 9, 1), date(2027, 5, 31))
    assert after([one], []) == {one}
    assert after([one], [one]) == {one}


def test_a_membership_without_a_start_begins_always_at_the_first_reading() -> None:
    """Before anything was ever read, nothing speaks against it."""
    assert after([Membership(ADA, GROUP)], [], None) == {Membership(ADA, GROUP, ALWAYS)}


def test_a_membership_without_a_start_is_dated_from_the_last_reading_without_it() -> None:
    """A later reading that shows it first dates it, and the next readings leave it so."""
    dated = Membership(ADA, GROUP, YESTERDAY)
    assert after([Membership(ADA, GROUP)], []) == {dated}
    assert after([Membership(ADA, GROUP)], [dated], TODAY) == {dated}


def test_a_membership_that_is_no_longer_shown_ended_the_day_before() -> None:
    """The CRM forgets past ones; we remember until when it was there."""
    assert after([], [Membership(ADA, GROUP)]) == {Membership(ADA, GROUP, ALWAYS, YESTERDAY)}


def test_an_end_that_was_known_stays() -> None:
    """A membership that had its end is not ended again, past or to come."""
    for until in (date(2026, 10, 1), date(2026, 12, 31)):
        one = Membership(ADA, GROUP, DAY, until)
        assert after([], [one]) == {one}


def test_an_end_that_becomes_known_is_recorded() -> None:
    """The same membership with an end replaces the one without."""
    ended = Membership(ADA, GROUP, DAY, date(2026, 11, 15))
    assert after([ended], [Membership(ADA, GROUP, DAY)]) == {ended}
    assert after(
        [Membership(ADA, GROUP, ALWAYS, date(2026, 11, 15))], [Membership(ADA, GROUP, DAY)]
    ) == {ended}


def test_a_past_membership_without_a_start_is_recorded_once() -> None:
    """One that ended long ago and is still shown does not grow a new row with every reading."""
    past = Membership(ADA, GROUP, ALWAYS, date(2026, 3, 1))
    first = after([past], [], None)
    assert first == {past}
    assert after([past], list(first)) == first
    assert after([past], list(after([past], [])), TODAY) == after([past], [])


def test_who_comes_back_is_a_member_anew() -> None:
    """The first stay keeps its days, the second begins with the last reading that did not show
    it."""
    first = Membership(ADA, GROUP, ALWAYS, date(2026, 5, 31))
    assert after([Membership(ADA, GROUP)], [first]) == {first, Membership(ADA, GROUP, YESTERDAY)}


def test_a_stay_that_ends_today_is_the_one_that_is_shown() -> None:
    """On its last day a membership is still there, also when its end is not shown any more."""
    stay = Membership(ADA, GROUP, DAY, TODAY)
    assert after([Membership(ADA, GROUP)], [stay]) == {Membership(ADA, GROUP, DAY)}


def test_what_the_guards_weigh_of_people_is_of_this_branch_and_of_today() -> None:
    """Neither who was gone before, nor another branch's, nor a membership that had ended."""
    gone = replace(a_resident(GLEB), presence=Presence.GONE)
    known = People(
        residents=(a_resident(), gone, a_resident(MIRA, branches=(2,)), a_resident(LEV)),
        memberships=(
            Membership(ADA, GROUP),
            Membership(ADA, 12, ALWAYS, YESTERDAY),
            Membership(ADA, 99),
            Membership(LEV, GROUP),
        ),
    )
    read = People(
        groups=(Group(GROUP, "Python"), Group(12, "Roblox")),
        residents=(a_resident(),),
        memberships=(Membership(ADA, GROUP), Membership(ADA, 99)),
    )
    evidence = plan_of_people(read, known).evidence
    assert evidence == Evidence(
        residents=Coverage(known=2, read=1, missing=1),
        memberships=Coverage(known=2, read=1, missing=1),
    )


def test_a_membership_without_a_start_is_the_latest_stay_that_fits() -> None:
    """Of two that are still open the one that began last; the other one ended."""
    early, late = Membership(ADA, GROUP, date(2026, 2, 1)), Membership(ADA, GROUP, DAY)
    found = after([Membership(ADA, GROUP)], [early, late])
    assert found == {replace(early, until=YESTERDAY), late}


def test_a_start_that_was_corrected_ends_what_was_recorded_before() -> None:
    """Of two starts the CRM shows one; the other does not stay open for ever."""
    old, new = Membership(ADA, GROUP, date(2026, 8, 1)), Membership(ADA, GROUP, date(2026, 9, 1))
    found = after([new], [old])
    assert found == {replace(old, until=YESTERDAY), new}
    assert after([new], list(found)) == found
    assert all(one.until is not None for one in after([], list(found)))


def test_a_membership_in_another_branchs_group_is_not_missed() -> None:
    """A reading that did not ask for a group proves nothing about it."""
    ours, theirs = Membership(ADA, GROUP), Membership(ADA, 99)
    found = memberships_after([], [ours, theirs], TODAY, YESTERDAY, groups={GROUP})
    assert set(found) == {replace(ours, until=YESTERDAY), theirs}


def test_the_plan_records_what_became_of_memberships() -> None:
    """A new one, an ended one, and silence about what stayed and what was not asked for."""
    known = people(
        a_resident(),
        groups=(Group(GROUP, "A"), Group(12, "B"), Group(99, "C")),
        memberships=(Membership(ADA, GROUP), Membership(ADA, 12), Membership(ADA, 99)),
    )
    read = people(
        a_resident(),
        groups=(Group(GROUP, "A"), Group(12, "B"), Group(13, "D")),
        memberships=(Membership(ADA, GROUP), Membership(ADA, 13)),
    )
    plan = plan_of_people(read, known)
    assert puts(plan) == [
        Group(13, "D"),
        Membership(ADA, 12, ALWAYS, YESTERDAY),
        Membership(ADA, 13, YESTERDAY),
    ]


# --- links ------------------------------------------------------------------------------------


def test_a_number_in_a_new_card_is_linked() -> None:
    """The family's page is linked once, with the word that the CRM said so."""
    plan = plan_of_people(people(a_resident(vk="vk.com/id55")), People())
    assert Put(Link(55, ADA, LinkSource.CRM)) in plan.changes
    assert plan.remarks == ()


def test_a_number_typed_into_a_known_card_is_linked() -> None:
    """A card that said nothing before may say something now."""
    plan = plan_of_people(people(a_resident(vk="id55")), people(a_resident()))
    assert Put(Link(55, ADA, LinkSource.CRM)) in plan.changes


def test_one_page_may_see_several_children() -> None:
    """Links are many to many."""
    plan = plan_of_people(people(a_resident(ADA, vk="id55"), a_resident(GLEB, vk="id55")), People())
    assert [one for one in puts(plan) if isinstance(one, Link)] == [
        Link(55, ADA, LinkSource.CRM),
        Link(55, GLEB, LinkSource.CRM),
    ]


def test_a_linked_page_is_left_alone() -> None:
    """The same number in the card is no news, whoever made the link."""
    for source in LinkSource:
        known = people(a_resident(vk="id55"), links=(Link(55, ADA, source),))
        plan = plan_of_people(people(a_resident(vk="id55")), known)
        assert (bool(plan), plan.remarks) == (False, ())


@pytest.mark.parametrize("told", [False, True])
def test_a_changed_number_is_reported_and_never_linked(told: bool) -> None:
    """A link is not moved in silence to whoever the card names now."""
    known = people(
        a_resident(vk="id56" if told else "id55"), links=(Link(55, ADA, LinkSource.CRM),)
    )
    plan = plan_of_people(people(a_resident(vk="id56")), known)
    assert not any(isinstance(one, Link) for one in puts(plan))
    assert plan.remarks == (Remark(RemarkKind.VK, "changed", resident=ADA, known=told),)


def test_a_revoked_link_does_not_come_back() -> None:
    """Staff took the link away.

    Neither the same text in the card nor another spelling of it makes it again.
    """
    known = people(a_resident(vk="id55"), links=(Link(55, ADA, LinkSource.CRM, live=False),))
    for text in ("id55", "vk.com/id55"):
        plan = plan_of_people(people(a_resident(vk=text)), known)
        assert not any(isinstance(one, Link) for one in puts(plan))
        assert plan.remarks == ()


def test_a_link_is_never_dropped_by_a_reading() -> None:
    """An emptied card and a vanished resident keep their links until staff revokes them."""
    known = people(a_resident(vk="id55"), links=(Link(55, ADA, LinkSource.CRM),))
    for read in (people(a_resident()), people()):
        plan = plan_of_people(read, known)
        assert not any(isinstance(change, (Drop, Post)) for change in plan.changes)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("vk.com/ada.minina", "screen_name"),
        ("club1", "community"),
        ("vk.com/feed", "not_a_person"),
        ("+79160000000", "unreadable"),
    ],
)
def test_what_names_no_number_is_reported(text: str, reason: str) -> None:
    """Nothing is guessed; the office reads who needs a word."""
    plan = plan_of_people(people(a_resident(vk=text)), People())
    assert not any(isinstance(one, Link) for one in puts(plan))
    assert plan.remarks == (Remark(RemarkKind.VK, reason, resident=ADA),)


CROWD = tuple(a_resident(number) for number in range(1, 41))


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (0, ()),
        (8, ()),
        (9, ("9 of 40 residents vanished (22.5 %, limit 20 %)",)),
        (40, ("no residents where 40 were known",)),
    ],
)
def test_a_branch_whose_people_vanish_at_once_is_doubted(
    missing: int, says: tuple[str, ...]
) -> None:
    """A few may leave in a night.

    A fifth of a branch does not, and nobody at all is an empty answer.
    """
    plan = plan_of_people(people(*CROWD[missing:]), people(*CROWD))
    assert plan.check(Limits()) == says


def test_memberships_that_all_end_at_once_are_doubted() -> None:
    """An empty list of memberships is no reason to take everybody for a guest."""
    known = people(
        *CROWD,
        groups=(Group(5, "Python"),),
        memberships=tuple(Membership(one.id, 5) for one in CROWD),
    )
    plan = plan_of_people(people(*CROWD, groups=(Group(5, "Python"),)), known)
    assert plan.check(Limits()) == ("no memberships where 40 were known",)
    assert plan.refusals(Limits(), [plan.digest[:8]]) == ()


def test_the_only_member_of_a_branch_may_change_group() -> None:
    """Nothing vanished: the answer shows where the membership went."""
    groups = (Group(5, "Python"), Group(6, "Roblox"))
    known = people(a_resident(ADA), groups=groups, memberships=(Membership(ADA, 5),))
    plan = plan_of_people(
        people(a_resident(ADA), groups=groups, memberships=(Membership(ADA, 6),)), known
    )
    assert plan.check(Limits()) == ()


# --- answers of VK ----------------------------------------------------------------------------

NAMED = a_resident(vk="https://vk.com/Ada.M")
ANSWERS = {
    "ada.m": (PageKind.PERSON, 55),
    "mama": (PageKind.PERSON, 56),
    "club_of_ada": (PageKind.COMMUNITY, 7),
    "nobody.at.all": (PageKind.NOBODY, 0),
    "was.here": (PageKind.GONE, 0),
}


@dataclass
class Office:
    """Nights of reading people, VK asked in between.

    ``asked`` is every name that it was asked about, in order.
    """

    known: People = field(default_factory=People)
    asked: list[str] = field(default_factory=list)

    def night(
        self, *residents: Resident, answers: Mapping[str, tuple[PageKind, int]] = ANSWERS
    ) -> Plan:
        """Read the cards, ask what must be asked, plan, and record what the plan says."""
        names = names_to_ask(residents, self.known)
        self.asked += names.values()
        found = {id: answers[name] for id, name in names.items() if name in answers}
        pages = tuple(VkPage(id, names[id], *answer, TODAY) for id, answer in found.items())
        plan = plan_of_people(People(residents=residents, pages=pages), self.known)
        self.record(plan)
        return plan

    def record(self, plan: Plan) -> None:
        """Do what a plan says."""
        kinds: dict[type[Any], dict[Any, Any]] = {
            kind: {identity(one): one for one in known}
            for kind, known in (
                (Resident, self.known.residents),
                (Link, self.known.links),
                (VkPage, self.known.pages),
            )
        }
        for change in plan.changes:
            assert isinstance(change, Put)
            place = kinds[type(change.new)]
            assert place.get(identity(change.new)) == change.old
            place[identity(change.new)] = change.new
        residents, links, pages = (tuple(found.values()) for found in kinds.values())
        self.known = replace(self.known, residents=residents, links=links, pages=pages)

    def revoke(self, vk: int) -> None:
        """Staff revokes every link of an account."""
        links = (replace(link, live=link.live and link.vk != vk) for link in self.known.links)
        self.known = replace(self.known, links=tuple(links))

    @property
    def sees(self) -> set[tuple[int, int]]:
        """Who sees whom: account and resident."""
        return {(link.vk, link.resident) for link in self.known.links if link.live}


def test_a_screen_name_is_asked_once_and_linked() -> None:
    """The answer is kept as a fact; the next nights ask nothing and change nothing."""
    office = Office()
    plan = office.night(NAMED)
    assert VkPage(ADA, "ada.m", PageKind.PERSON, 55, TODAY) in puts(plan)
    assert Put(Link(55, ADA, LinkSource.CRM)) in plan.changes
    assert plan.remarks == ()
    for spelling in ("https://vk.com/Ada.M", "@ada.m", "vk.ru/ADA.M?from=search"):
        again = office.night(replace(NAMED, vk=spelling))
        assert (again.remarks, [one for one in puts(again) if not isinstance(one, Resident)]) == (
            (),
            [],
        )
    assert office.asked == ["ada.m"]


def test_two_children_of_one_page_are_linked_by_one_name() -> None:
    """Each card has its answer, and each its link."""
    office = Office()
    office.night(NAMED, a_resident(GLEB, vk="@ada.m"))
    assert office.sees == {(55, ADA), (55, GLEB)}
    assert sorted(page.resident for page in office.known.pages) == [ADA, GLEB]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("club_of_ada", "community"), ("nobody.at.all", "nobody"), ("was.here", "gone")],
)
def test_a_name_that_is_no_person_is_reported_and_not_asked_again(name: str, reason: str) -> None:
    """The office reads what is wrong, as news the first night and as known ever after."""
    office = Office()
    for known in (False, True, True):
        plan = office.night(a_resident(vk=name))
        assert plan.remarks == (Remark(RemarkKind.VK, reason, resident=ADA, known=known),)
    assert (office.asked, office.sees) == ([name], set())


def test_what_vk_did_not_answer_is_asked_the_next_night() -> None:
    """Without an answer nothing is recorded and nothing linked."""
    office = Office()
    plan = office.night(NAMED, answers={})
    assert plan.remarks == (Remark(RemarkKind.VK, "screen_name", resident=ADA),)
    assert puts(plan) == [NAMED]
    office.night(NAMED)
    assert (office.asked, office.sees) == (["ada.m", "ada.m"], {(55, ADA)})


def test_without_a_key_no_name_is_resolved() -> None:
    """The number that was known already stays what it was."""
    office = Office()
    office.night(NAMED)
    assert office.night(NAMED, answers={}).remarks == ()
    assert office.sees == {(55, ADA)}


def test_an_answer_about_another_name_says_nothing() -> None:
    """The card was changed; what VK said of the name before is no answer about this one."""
    page = VkPage(ADA, "ada.m", PageKind.PERSON, 55, TODAY)
    assert vk_number("vk.com/ada.m", page) == (55, "")
    assert vk_number("vk.com/mama", page) == (0, "screen_name")


def test_what_vk_says_for_the_first_time_is_news() -> None:
    """The card reads as it did the night before, when VK could not be asked."""
    office, card = Office(), a_resident(vk="vk.com/club_of_ada")
    office.night(card, answers={})
    assert office.night(card).remarks == (Remark(RemarkKind.VK, "community", resident=ADA),)
    (again,) = office.night(card).remarks
    assert again.known


def test_a_new_text_is_asked_anew_and_never_linked_in_silence() -> None:
    """Another page in the card is told; staff decides who sees the child."""
    office = Office()
    office.night(NAMED)
    plan = office.night(a_resident(vk="vk.com/mama"))
    assert VkPage(ADA, "mama", PageKind.PERSON, 56, TODAY) in puts(plan)
    assert plan.remarks == (Remark(RemarkKind.VK, "changed", resident=ADA),)
    assert (office.asked, office.sees) == (["ada.m", "mama"], {(55, ADA)})
    assert office.night(a_resident(vk="vk.com/mama")).remarks == (
        Remark(RemarkKind.VK, "changed", resident=ADA, known=True),
    )


def test_a_wrong_name_that_was_corrected_is_linked() -> None:
    """Who never had a link gets one as soon as the card names a person."""
    office = Office()
    office.night(a_resident(vk="nobody.at.all"))
    office.night(NAMED)
    assert office.sees == {(55, ADA)}


@pytest.mark.parametrize(
    "text", ["https://vk.com/Ada.M", "@ada.m", "id55", "https://vk.com/id55", "55", "vk.com/mama"]
)
def test_a_revoked_link_never_comes_back(text: str) -> None:
    """Neither the same text nor another spelling, the number behind the name, nor another page
    makes it again."""
    office = Office()
    office.night(NAMED)
    office.revoke(55)
    for _ in range(2):
        office.night(replace(NAMED, vk=text))
        assert office.sees == set()


@pytest.mark.parametrize("vk", ["id55", "vk.com/ada.m", "id99", "club1", "+79160000000"])
@pytest.mark.parametrize("closed", ["erased", "merged"])
def test_closed_cards_get_no_links_and_no_words(closed: str, vk: str) -> None:
    """An erased card and one that goes on as another are neither asked about, linked nor
    reported."""
    card = a_resident(presence=Presence.ERASED) if closed == "erased" else a_resident()
    office = Office(
        People(residents=(card,), merged=frozenset({ADA} if closed == "merged" else ()))
    )
    plan = office.night(a_resident(vk=vk))
    assert (office.asked, office.sees, plan.remarks) == ([], set(), ())
    assert not [one for one in puts(plan) if isinstance(one, VkPage)]


def test_an_erased_card_is_never_written_again() -> None:
    """Whatever the CRM says of its number: a name, another branch, or that it is gone."""
    erased = Resident(ADA, "", Presence.ERASED, ())
    office = Office(People(residents=(erased,)))
    for cards in ((a_resident(name="Ада М."),), (a_resident(branches=(1, 2)),), ()):
        assert not office.night(*cards)
    assert office.known.residents == (erased,)


def test_a_merged_card_goes_on_being_read() -> None:
    """Its name and presence are the CRM's, so that undoing the merge finds them as they are."""
    office = Office(People(residents=(a_resident(name="Ада М."),), merged=frozenset({ADA})))
    assert puts(office.night(a_resident(name="Ада Н."))) == [a_resident(name="Ада Н.")]


def test_who_is_missing_from_all_branches_is_gone() -> None:
    """Of two branches the second one that lacks a card knows that the first lacked it too."""
    known = people(a_resident(branches=(1, 2)))
    doubts = missing_since(12, ADA)
    plan = plan_of_people(people(), known, doubts=doubts, missed={ADA: {2}})
    assert puts(plan) == [replace(a_resident(branches=(1, 2)), presence=Presence.GONE)]
    assert not plan_of_people(people(), known, missed={GLEB: {2}})
