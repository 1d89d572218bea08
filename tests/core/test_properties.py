"""Random histories of a small school.

After each night the ledger is what the rules give, and nothing is done twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.facts import (
    Attendance,
    GroupStanding,
    HoldKind,
    Lesson,
    LessonRecord,
    Mark,
    Status,
)
from coinsync.core.ledger import Kind, lesson_key
from coinsync.core.plan import RemarkKind
from coinsync.core.planning.compare import is_decided
from coinsync.core.planning.review import Ruling
from coinsync.core.rules import judge
from tests.support.makers import (
    ACCOUNT,
    MAKEUP_TYPE,
    NEW_TYPE,
    PAID_TYPE,
    TRIAL_TYPE,
    a_rule,
    a_rulebook,
    thorough,
)
from tests.support.memory import Memory

RESIDENTS = (101, 102, 103)
LESSONS = (1, 2, 3, 4)
GROUPS = (11, 12)
#: The rate changes in the middle of the month, up or down.
DAYS = (date(2026, 11, 5), date(2026, 11, 12), date(2026, 11, 19))
RATE_CHANGES = date(2026, 11, 15)
#: No resident is ever removed from a lesson by being marked so: the list simply lacks them.
MARKS = (Mark.ATTENDED, Mark.ABSENT, Mark.NOT_MARKED)
STANDINGS = (GroupStanding.MEMBER, GroupStanding.GUEST, GroupStanding.UNKNOWN)


@dataclass(frozen=True)
class Entered:
    """The office enters a lesson, or changes it."""

    record: LessonRecord


@dataclass(frozen=True)
class Deleted:
    """The office deletes a lesson."""

    lesson: int


@dataclass(frozen=True)
class Spent:
    """A resident spends up to so many coins."""

    resident: int
    coins: int


Step = Entered | Deleted | Spent


def mostly(usual: object, *others: object) -> st.SearchStrategy[object]:
    """A choice that is usually the usual one."""
    return st.sampled_from([usual] * (2 * len(others)) + list(others))


@st.composite
def lesson_records(draw: st.DrawFn) -> LessonRecord:
    """A lesson with some of the residents."""
    lesson = Lesson(
        draw(st.sampled_from(LESSONS)),
        1,
        draw(st.sampled_from(DAYS)),
        "17:00",
        draw(mostly(PAID_TYPE, TRIAL_TYPE, MAKEUP_TYPE, NEW_TYPE)),  # type: ignore[arg-type]
        draw(mostly(Status.CONDUCTED, Status.PLANNED, Status.CANCELLED)),  # type: ignore[arg-type]
        (draw(st.sampled_from(GROUPS)),),
    )
    present = draw(st.lists(st.sampled_from(RESIDENTS), unique=True))
    return LessonRecord(
        lesson,
        tuple(
            Attendance(
                lesson.id,
                resident,
                draw(mostly(*MARKS)),  # type: ignore[arg-type]
                draw(mostly(*STANDINGS)),  # type: ignore[arg-type]
            )
            for resident in present
        ),
    )


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Entered, lesson_records()),
    st.builds(Entered, lesson_records()),
    st.builds(Deleted, st.sampled_from(LESSONS)),
    st.builds(Spent, st.sampled_from(RESIDENTS), st.sampled_from([5, 10, 50])),
)
NIGHTS = st.lists(st.lists(STEPS, min_size=1, max_size=3), min_size=1, max_size=8)


def a_school(late_rate: int) -> Memory:
    """A school that nobody knows yet, whose rate changes."""
    book = a_rulebook(a_rule(coins=10), a_rule(coins=late_rate, since=RATE_CHANGES))
    return Memory(book, residents={101})


def happen(memory: Memory, crm: dict[int, LessonRecord], steps: list[Step]) -> None:
    """Let a day pass: the CRM changes, and coins are spent."""
    for step in steps:
        if isinstance(step, Entered):
            crm[step.record.lesson.id] = step.record
        elif isinstance(step, Deleted):
            crm.pop(step.lesson, None)
        else:
            coins = min(step.coins, memory.balance(step.resident))
            if coins > 0:
                memory.spend(step.resident, coins)


def gone(memory: Memory, crm: dict[int, LessonRecord]) -> list[int]:
    """Recorded lessons that the CRM no longer has."""
    return [
        id
        for id, lesson in memory.lessons.items()
        if id not in crm and lesson.status is not Status.GONE
    ]


def read_and_apply(memory: Memory, crm: dict[int, LessonRecord], *, rerate: bool = False) -> None:
    """One night, with every promise of a plan checked."""
    missing = gone(memory, crm)
    plan = memory.plan(*crm.values(), gone=missing, rerate=rerate)
    backwards = [
        replace(record, attendance=record.attendance[::-1]) for record in reversed(crm.values())
    ]
    other = memory.plan(*backwards, gone=missing[::-1], rerate=rerate)
    assert (other, other.digest) == (plan, plan.digest), (
        "a plan does not depend on the order of its inputs"
    )
    memory.apply(plan)
    again = memory.plan(*crm.values(), gone=gone(memory, crm), rerate=rerate)
    assert not again, "planning again right after applying gives an empty plan"
    assert again.counts.held == len(memory.holds), "what is held comes back in every plan"


def check_ledger(memory: Memory, *, reviewed: bool = False) -> None:
    """What must be true of any ledger, whatever happened.

    Only what a person ``reviewed`` may fall below zero.
    """
    places = [(entry.key, entry.seq) for entry in memory.entries]
    assert len(places) == len(set(places)), "no key is numbered twice"
    for entry in memory.entries:
        if entry.kind is Kind.REVERSAL:
            assert entry.reverses is not None
            award = memory.entries[entry.reverses - 1]
            assert (award.key, award.resident, award.coins) == (
                entry.key,
                entry.resident,
                -entry.coins,
            )
    for resident in memory.residents:
        assert reviewed or memory.balance(resident) >= 0, "no balance falls below zero"


def check_coins(memory: Memory) -> None:
    """Posted is what the rules give over the recorded facts, or the difference is held, or a
    person decided so."""
    for one in memory.attendance.values():
        verdict = judge(memory.lessons[one.lesson], one, memory.rulebook)
        key = lesson_key(ACCOUNT, one.lesson, one.resident)
        hold, posted = memory.holds.get(key), memory.posted(one.lesson, one.resident)
        if is_decided(memory.decisions.get(key), memory.state(key), verdict):
            assert hold is None
        elif hold is None:
            assert (posted, verdict.held) == (verdict.coins, 0)
        elif hold.kind is HoldKind.GUEST:
            assert (posted, hold.coins) == (0, verdict.held)
        else:
            assert posted + hold.coins == verdict.coins


def check_visits(memory: Memory) -> None:
    """Of a child's cards in one lesson at most one is worth coins, or may be."""
    visits = set()
    for attendance in memory.attendance.values():
        lesson = memory.lessons[attendance.lesson]
        verdict = judge(lesson, attendance, memory.rulebook)
        if verdict.coins or verdict.held:
            visit = (lesson.id, memory.owner(attendance.resident))
            assert visit not in visits
            visits.add(visit)


def check_facts(memory: Memory, crm: dict[int, LessonRecord]) -> None:
    """Everything that the CRM says is recorded, and what it says no longer is remembered as
    such."""
    recorded = memory.recorded().lesson_records
    for id, record in crm.items():
        assert recorded[id].lesson == record.lesson
        assert set(record.attendance) <= set(recorded[id].attendance)
        rest = set(recorded[id].attendance) - set(record.attendance)
        assert all(one.mark is Mark.REMOVED for one in rest)
    assert all(recorded[id].lesson.status is Status.GONE for id in set(recorded) - set(crm))


@thorough(250)
@given(NIGHTS, st.sampled_from([4, 15]))
def test_after_every_night_the_ledger_is_what_the_rules_give(
    nights: list[list[Step]], late_rate: int
) -> None:
    """Through edits, deletions, moves and spending the ledger follows the facts, once and never
    below zero."""
    memory, crm = a_school(late_rate), dict[int, LessonRecord]()
    for steps in nights:
        happen(memory, crm, steps)
        read_and_apply(memory, crm)
        check_ledger(memory)
        check_coins(memory)
        check_facts(memory, crm)


@thorough(100)
@given(NIGHTS)
def test_a_missed_night_makes_no_difference_to_who_spends_nothing(nights: list[list[Step]]) -> None:
    """Where nothing was spent, one reading at the end gives every balance that nightly readings
    give."""
    days = [[step for step in steps if not isinstance(step, Spent)] for steps in nights]
    # A mark that is missing keeps what was posted before, so what is not known is left out here.
    known = [[_certain(step) for step in steps] for steps in days]
    nightly, late = a_school(15), a_school(15)
    crm: dict[int, LessonRecord] = {}
    for steps in known:
        happen(nightly, crm, steps)
        read_and_apply(nightly, crm)
    read_and_apply(late, crm)
    assert {one: nightly.balance(one) for one in RESIDENTS} == {
        one: late.balance(one) for one in RESIDENTS
    }


def _certain(step: Step) -> Step:
    if not isinstance(step, Entered):
        return step
    marks = {Mark.NOT_MARKED: Mark.ABSENT}
    standings = {GroupStanding.UNKNOWN: GroupStanding.GUEST}
    return Entered(
        replace(
            step.record,
            attendance=tuple(
                replace(
                    one,
                    mark=marks.get(one.mark, one.mark),
                    standing=standings.get(one.standing, one.standing),
                )
                for one in step.record.attendance
            ),
        )
    )


@thorough(100)
@given(NIGHTS, st.sampled_from([3, 10, 25]))
def test_a_changed_rule_moves_nothing_until_it_is_asked_to(
    nights: list[list[Step]], coins: int
) -> None:
    """After a change of rules the plan is empty but for its remarks.

    Asked to, it gives what the rules now give.
    """
    memory, crm = a_school(15), dict[int, LessonRecord]()
    for steps in nights:
        happen(memory, crm, steps)
        read_and_apply(memory, crm)
    held = dict(memory.holds)
    memory.rulebook = a_rulebook(a_rule(coins=coins))
    plan = memory.plan(*crm.values())
    assert plan.entries == ()
    assert {remark.kind for remark in plan.remarks} <= {
        RemarkKind.RERATE,
        RemarkKind.HOLD,
        RemarkKind.SKIP,
        RemarkKind.TWICE,
        RemarkKind.TYPE_UNKNOWN,
    }
    memory.apply(plan)
    assert set(memory.holds) <= set(held)
    read_and_apply(memory, crm, rerate=True)
    check_ledger(memory)
    check_coins(memory)


# --- words ------------------------------------------------------------------------------------

#: What a person says the morning after, and about which of the things held: all, the first, every
#: second …
MORNINGS = st.lists(
    st.none()
    | st.tuples(
        st.sampled_from(Ruling), st.sampled_from([slice(None), slice(1), slice(None, None, 2)])
    ),
    min_size=8,
    max_size=8,
)


def say(memory: Memory, ruling: Ruling, which: slice) -> None:
    """A person decides about some of what is held; a visit has nothing to forgive."""
    fitting = [
        hold
        for hold in memory.holds.values()
        if ruling is not Ruling.FORGIVE or hold.kind is HoldKind.REVERSAL
    ]
    chosen = sorted(fitting, key=lambda hold: hold.key)[which]
    if not chosen:
        return
    others = memory.holds.keys() - {hold.key for hold in chosen}
    coins = {resident: memory.balance(resident) for resident in memory.residents}
    plan = memory.ruling(ruling, *chosen)
    assert memory.holds.keys() == others
    if ruling is not Ruling.POST:
        kept = {resident: memory.balance(resident) for resident in coins}
        assert kept == coins, "who forgives or waives changes no balance"
    assert {entry.key for entry in plan.entries if entry.kind is not Kind.GIFT} <= {
        hold.key for hold in chosen
    }


@thorough(200)
@given(NIGHTS, MORNINGS, st.sampled_from([4, 15]))
def test_after_any_word_the_next_night_has_nothing_to_do(
    nights: list[list[Step]], mornings: list[tuple[Ruling, slice] | None], late_rate: int
) -> None:
    """With the same facts nothing is planned, and held is exactly what nobody spoke about,
    whatever was said before."""
    memory, crm = a_school(late_rate), dict[int, LessonRecord]()
    for steps, morning in zip(nights, mornings, strict=False):
        happen(memory, crm, steps)
        read_and_apply(memory, crm)
        if morning is not None:
            say(memory, *morning)
        again = memory.plan(*crm.values(), gone=gone(memory, crm))
        assert (bool(again), again.counts.held) == (False, len(memory.holds))
        assert not memory.plan(*crm.values(), gone=gone(memory, crm), rerate=True)
        check_ledger(memory, reviewed=True)
        check_coins(memory)


@thorough(100)
@given(
    NIGHTS,
    st.lists(st.sampled_from([{}, {101: 102}, {101: 103, 102: 103}]), min_size=8, max_size=8),
)
def test_merging_cards_moves_nothing_but_doubled_visits(
    nights: list[list[Step]], merged: list[dict[int, int]]
) -> None:
    """Cards are merged and parted day by day.

    The same night after the same facts posts nothing but what was held, and for the cards that are
    or were one child's; each child's visit is worth coins once, and nobody owes.
    """
    memory, crm = a_school(15), dict[int, LessonRecord]()
    for steps, survivors in zip(nights, merged, strict=False):
        before, memory.survivors = memory.survivors, survivors
        if any(memory.balance(resident) < 0 for resident in memory.residents):
            memory.survivors = (
                before  # The writer refuses to part cards that have spent each other's coins.
            )
        if memory.entries:
            # What was held for want of coins may go on: the other card has them.
            entries = memory.plan(*crm.values(), gone=gone(memory, crm)).entries
            now = memory.survivors
            shared = {*before, *before.values(), *now, *now.values()}
            moved = {entry.key for entry in entries if entry.resident not in shared}
            assert moved <= memory.holds.keys()
        happen(memory, crm, steps)
        read_and_apply(memory, crm)
        check_ledger(memory)
        check_coins(memory)
        check_visits(memory)
