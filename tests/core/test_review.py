"""A person's word about what is held: post, forgive, waive.

Afterwards nothing is left to do and nothing is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from coinsync.core.facts import Decision, GroupStanding, LessonRecord, Mark, Status
from coinsync.core.ledger import FORGIVEN, KeyState, Kind, gift_key, lesson_key
from coinsync.core.plan import Drop, Plan, Post, Purpose, Put, RemarkKind, Scope
from coinsync.core.planning.compare import is_decided
from coinsync.core.planning.review import Ruling, plan_review
from coinsync.core.rules import GuestPolicy, Reason, Verdict
from tests.support.makers import (
    ACCOUNT,
    ADA,
    DAY,
    GLEB,
    MONTH,
    a_lesson,
    a_record,
    a_rule,
    a_rulebook,
    present,
)
from tests.support.memory import Memory

KEY = lesson_key(ACCOUNT, 1, ADA)
LATER = date(2026, 11, 10)

ABSENT = a_record(None, present(mark=Mark.ABSENT))
NOT_MARKED = a_record(None, present(mark=Mark.NOT_MARKED))
UNKNOWN = a_record(None, present(standing=GroupStanding.UNKNOWN))
MOVED = a_record(a_lesson(on=LATER))

#: A school with one thing held, and what the CRM says of the lesson: None is a lesson that is gone.
Case = tuple[Memory, LessonRecord | None]


def held(record: LessonRecord | None, *, spent: int = 10, later_rate: int = 10) -> Case:
    """Ada was paid ten coins and spent some; then the CRM said something else of the lesson."""
    memory = Memory(a_rulebook(a_rule(), a_rule(coins=later_rate, since=LATER)))
    memory.night(a_record())
    if spent:
        memory.spend(ADA, spent)
    return at_night((memory, record))


def at_night(case: Case) -> Case:
    """The reading that finds what must be held."""
    memory, record = case
    memory.night(*([record] if record else []), gone=[] if record else [1])
    assert len(memory.holds) == 1
    return case


def visit() -> Case:
    """Ada came where it is not known whether she belongs."""
    return at_night((Memory(), UNKNOWN))


def second_visit() -> Case:
    """The same, of a lesson that was paid once and taken back."""
    memory = Memory()
    memory.night(a_record())
    memory.night(ABSENT)
    return at_night((memory, UNKNOWN))


CASES: dict[str, Callable[[], Case]] = {
    "absent": lambda: held(ABSENT),
    "partly spent": lambda: held(ABSENT, spent=1),
    "gone": lambda: held(None),
    "cancelled": lambda: held(a_record(a_lesson(status=Status.CANCELLED))),
    "not marked": lambda: held(NOT_MARKED, spent=0),
    "membership not known": lambda: held(UNKNOWN, spent=0),
    "membership not known, spent": lambda: held(UNKNOWN),
    "smaller rate": lambda: held(MOVED, later_rate=4),
    "visit": visit,
    "second visit": second_visit,
}
#: For each case the entries that a word posts, with their coins.
POSTED: dict[tuple[str, Ruling], list[tuple[str, int]]] = {
    **{(name, Ruling.WAIVE): [] for name in CASES},
    **{(name, Ruling.POST): [("reversal", -10)] for name in CASES},
    **{(name, Ruling.FORGIVE): [("reversal", -10), ("gift", 10)] for name in CASES},
    ("smaller rate", Ruling.POST): [("reversal", -10), ("award", 4)],
    ("smaller rate", Ruling.FORGIVE): [("reversal", -10), ("award", 4), ("gift", 6)],
    **{(name, Ruling.POST): [("award", 10)] for name in ("visit", "second visit")},
}
del POSTED["visit", Ruling.FORGIVE], POSTED["second visit", Ruling.FORGIVE]

#: Where the rules do not give what was decided, the decision is kept: number and coins of the key,
#: and the reason.
DECIDED: dict[tuple[str, Ruling], tuple[int, int, str]] = {
    **{(name, Ruling.WAIVE): (1, 10, "absent") for name in ("absent", "partly spent")},
    ("gone", Ruling.WAIVE): (1, 10, "lesson_gone"),
    ("cancelled", Ruling.WAIVE): (1, 10, "not_conducted"),
    ("not marked", Ruling.WAIVE): (1, 10, "not_marked"),
    ("smaller rate", Ruling.WAIVE): (1, 10, "paid"),
    **{
        (f"membership not known{more}", ruling): (
            2 - (ruling is Ruling.WAIVE),
            10 * (ruling is Ruling.WAIVE),
            "membership_unknown",
        )
        for more in ("", ", spent")
        for ruling in Ruling
    },
    ("visit", Ruling.POST): (1, 10, "membership_unknown"),
    ("visit", Ruling.WAIVE): (0, 0, "membership_unknown"),
    ("second visit", Ruling.POST): (3, 10, "membership_unknown"),
    ("second visit", Ruling.WAIVE): (2, 0, "membership_unknown"),
}


def moves(plan: Plan) -> list[tuple[str, int]]:
    """What a plan posts, in the order of the key's numbers, gifts last."""
    ordered = sorted(
        plan.entries, key=lambda entry: (entry.kind is Kind.GIFT, entry.key, entry.seq)
    )
    return [(entry.kind.value, entry.coins) for entry in ordered]


def next_night(case: Case) -> Plan:
    """The reading after a person's word, with the facts as they were."""
    memory, record = case
    return memory.plan(*([record] if record else []))


@pytest.mark.parametrize(("name", "ruling"), POSTED)
def test_a_word_does_what_it_says_and_leaves_nothing(name: str, ruling: Ruling) -> None:
    """The entries, the decision where one is needed, no hold.

    And the next night with the same facts is calm.
    """
    case = CASES[name]()
    memory = case[0]
    before = memory.balance(ADA)
    plan = memory.ruling(ruling)
    assert moves(plan) == POSTED[name, ruling]
    decided = DECIDED.get((name, ruling))
    found = [(one.seq, one.coins, one.reason) for one in memory.decisions.values()]
    assert found == ([decided] if decided else [])
    assert memory.balance(ADA) - before == sum(coins for _, coins in POSTED[name, ruling])
    assert memory.holds == {}
    after = next_night(case)
    assert (bool(after), after.counts.held) == (False, 0)
    assert not [
        remark for remark in after.remarks if remark.kind in (RemarkKind.HOLD, RemarkKind.RERATE)
    ]


@pytest.mark.parametrize("ruling", Ruling)
@pytest.mark.parametrize("name", CASES)
def test_a_word_is_a_plan_of_its_own_kind(name: str, ruling: Ruling) -> None:
    """Signed by the person with the words that were given, relying on where the key stood,
    dropping the hold."""
    memory = CASES[name]()[0]
    (hold,) = memory.holds.values()
    state = memory.state(KEY)
    plan = memory.ruling(ruling, note="the family called")
    assert (plan.purpose, plan.scope) == (Purpose.REVIEW, Scope(0, MONTH.until, MONTH.until))
    assert state in plan.basis
    assert Drop(hold) in plan.changes
    assert all((entry.actor, entry.note) == ("anna", "the family called") for entry in plan.entries)
    assert {entry.happened_on for entry in plan.entries} <= {hold.happened_on}
    for one in memory.decisions.values():
        assert one == Decision(
            KEY, 1, ADA, one.seq, one.coins, one.reason, "anna", MONTH.until, "the family called"
        )


def test_a_forgiven_award_is_given_back_as_a_gift() -> None:
    """Both lines are seen; the gift's key names the award, so that it is given once."""
    memory, _ = CASES["absent"]()
    plan = memory.ruling(Ruling.FORGIVE)
    reversal, gift = sorted(plan.entries, key=lambda entry: entry.coins)
    assert (reversal.key, reversal.seq, reversal.reverses, reversal.reason) == (KEY, 2, 1, "absent")
    assert (gift.key, gift.seq, gift.reason, gift.lesson) == (gift_key(1), 1, FORGIVEN, 1)
    assert memory.balance(ADA) == 0


def test_an_award_may_be_forgiven_twice() -> None:
    """Marked again, paid again, spent again and taken back again.

    The second gift has a key of its own.
    """
    memory, _ = CASES["absent"]()
    memory.ruling(Ruling.FORGIVE)
    memory.night(a_record())
    memory.spend(ADA, 10)
    memory.night(ABSENT)
    memory.ruling(Ruling.FORGIVE)
    assert [entry.key for entry in memory.entries if entry.kind is Kind.GIFT] == [
        gift_key(1),
        gift_key(5),
    ]
    assert not memory.plan(ABSENT)


def test_a_posted_reversal_may_leave_a_debt_that_later_coins_make_up() -> None:
    """Eight coins are missing; the next lesson pays into that, and nothing more is held for it."""
    memory, _ = held(ABSENT, spent=8)
    memory.ruling(Ruling.POST)
    assert memory.balance(ADA) == -8
    memory.night(ABSENT, a_record(a_lesson(2)))
    assert memory.balance(ADA) == 2
    assert memory.holds == {}


def test_who_owes_already_loses_nothing_in_silence() -> None:
    """Below zero, every further reversal is held for a person."""
    memory, _ = held(ABSENT, spent=8)
    memory.ruling(Ruling.POST)
    memory.night(ABSENT, a_record(a_lesson(2)), a_record(a_lesson(3)))
    memory.spend(ADA, 12)
    plan = memory.night(
        ABSENT, a_record(a_lesson(2), present(mark=Mark.ABSENT)), a_record(a_lesson(3))
    )
    assert (plan.entries, plan.counts.held) == ((), 1)


def test_one_word_may_settle_several_cases() -> None:
    """Of several residents and kinds, in one plan; what is not named stays held."""
    memory = Memory()
    memory.night(a_record(None, present(ADA), present(GLEB)), a_record(a_lesson(2), present(GLEB)))
    memory.spend(ADA, 10)
    memory.spend(GLEB, 20)
    absent = a_record(None, present(ADA, Mark.ABSENT), present(GLEB, Mark.ABSENT))
    unknown = a_record(
        a_lesson(2), present(GLEB, Mark.ABSENT), present(ADA, standing=GroupStanding.UNKNOWN)
    )
    memory.night(absent, unknown)
    assert len(memory.holds) == 4
    left = memory.holds[lesson_key(ACCOUNT, 2, GLEB)]
    plan = memory.ruling(Ruling.POST, *(hold for hold in memory.holds.values() if hold != left))
    assert sorted((entry.resident, entry.coins) for entry in plan.entries) == [
        (ADA, -10),
        (ADA, 10),
        (GLEB, -10),
    ]
    assert list(memory.holds.values()) == [left]
    again = memory.plan(absent, unknown)
    assert (bool(again), again.counts.held) == (False, 1)


# --- when the rules changed since -------------------------------------------------------------


@pytest.mark.parametrize("ruling", Ruling)
def test_rules_that_give_what_is_posted_leave_nothing_to_decide(ruling: Ruling) -> None:
    """The rate was put right before anybody looked.

    Whatever is said, the coins stay and the hold goes.
    """
    memory, record = held(MOVED, later_rate=4)
    memory.rulebook = a_rulebook(a_rule())
    plan = memory.ruling(ruling)
    assert (plan.entries, memory.decisions, memory.holds) == ((), {}, {})
    assert plan.basis == (memory.state(KEY),)
    assert not next_night((memory, record))


@pytest.mark.parametrize(
    ("ruling", "posted"),
    [
        (Ruling.POST, [("reversal", -10), ("award", 15)]),
        (Ruling.FORGIVE, [("reversal", -10), ("award", 15)]),
        (Ruling.WAIVE, []),
    ],
)
def test_rules_that_give_more_by_now_are_followed(
    ruling: Ruling, posted: list[tuple[str, int]]
) -> None:
    """Nothing is lost, so nothing is given back; who waives keeps what stands."""
    memory, record = held(MOVED, later_rate=4)
    memory.rulebook = a_rulebook(a_rule(coins=15))
    assert moves(memory.ruling(ruling)) == posted
    assert memory.holds == {}
    after = next_night((memory, record))
    assert (bool(after), after.remarks) == (False, ())


@pytest.mark.parametrize(("policy", "coins"), [(GuestPolicy.PAY, 10), (GuestPolicy.REFUSE, 0)])
def test_a_visit_that_the_rules_decide_by_now_is_paid_as_they_say(
    policy: GuestPolicy, coins: int
) -> None:
    """The hold is older than the rule: posting does what today's rules give."""
    memory, record = visit()
    memory.rulebook = a_rulebook(a_rule(guest=policy))
    memory.ruling(Ruling.POST)
    assert (memory.posted(), memory.holds, memory.decisions) == (coins, {}, {})
    assert not next_night((memory, record))


# --- decisions --------------------------------------------------------------------------------


@pytest.mark.parametrize("ruling", Ruling)
def test_of_somebody_erased_no_note_is_kept(ruling: Ruling) -> None:
    """The ruling is carried out all the same, without the words that were typed."""
    memory, _ = CASES["absent"]()
    questions = [memory.question(hold) for hold in memory.holds.values()]
    plan = plan_review(questions, ruling, actor="anna", note="Ada's mother called", erased={ADA})
    decisions = [
        change.new
        for change in plan.changes
        if isinstance(change, Put) and isinstance(change.new, Decision)
    ]
    assert decisions or plan.entries
    notes = {entry.note for entry in plan.entries} | {decision.note for decision in decisions}
    assert notes == {""}
    named = plan_review(questions, ruling, actor="anna", note="Ada's mother called")
    assert "Ada's mother called" in str(named)


def waived() -> Memory:
    """A school in which the reversal of Ada's absence was waived."""
    memory, _ = CASES["absent"]()
    memory.ruling(Ruling.WAIVE)
    return memory


def test_a_decision_stays_when_news_do_not_matter() -> None:
    """Another hour, another resident, coins again.

    The question is the same and the answer known.
    """
    memory = waived()
    memory.night(
        a_record(a_lesson(starts="18:00"), present(mark=Mark.ABSENT), present(GLEB)),
        a_record(a_lesson(2)),
    )
    assert memory.posted() == 10
    assert memory.holds == {}
    assert not memory.plan(
        a_record(a_lesson(starts="18:00"), present(mark=Mark.ABSENT), present(GLEB)), rerate=True
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (a_record(a_lesson(status=Status.CANCELLED)), "not_conducted"),
        (a_record(None, present(standing=GroupStanding.GUEST)), "guest"),
        (LessonRecord(a_lesson(), ()), "removed"),
    ],
)
def test_another_reason_is_another_question(record: LessonRecord, reason: str) -> None:
    """What a person said about an absence says nothing about a cancelled lesson."""
    memory = waived()
    memory.night(record)
    assert [hold.reason for hold in memory.holds.values()] == [reason]
    memory.ruling(Ruling.WAIVE)
    assert [one.reason for one in memory.decisions.values()] == [reason]
    assert not memory.plan(record)


def test_a_decision_returns_with_its_question() -> None:
    """Marked present and then absent again.

    Nothing moved in between, so what was said still holds.
    """
    memory = waived()
    memory.night(a_record())
    assert not memory.night(ABSENT).entries
    assert (memory.posted(), memory.holds) == (10, {})


def test_another_stand_is_another_question() -> None:
    """Waived, then cancelled, entered again and paid anew.

    The old word was about coins that are gone.
    """
    memory, _ = held(MOVED, later_rate=4)
    memory.ruling(Ruling.WAIVE)
    memory.night(MOVED, a_record(a_lesson(2)))
    memory.night(a_record(a_lesson(status=Status.CANCELLED)))
    memory.night(a_record())
    assert memory.posted() == 10
    memory.night(MOVED)
    assert (memory.posted(), memory.holds) == (4, {})


@pytest.mark.parametrize(
    ("changed", "settled"),
    [
        ({}, True),
        ({"seq": 2}, False),
        ({"coins": 9}, False),
        ({"reason": "guest"}, False),
        ({"note": "why"}, True),
    ],
)
def test_a_decision_settles_exactly_one_question(changed: dict[str, Any], settled: bool) -> None:
    """Number, coins and reason must all be those of the question.

    Who decided, when and why does not matter.
    """
    decision = Decision(KEY, 1, ADA, 1, 10, "absent", "anna", DAY, "")
    state, verdict = KeyState(KEY, 1, 10, 7), Verdict(0, Reason.ABSENT)
    assert is_decided(replace(decision, **changed), state, verdict) is settled
    assert not is_decided(None, state, verdict)


def test_a_hold_beside_its_decision_is_dropped() -> None:
    """Held by a plan that did not know of the decision yet.

    The next night clears it away without a word.
    """
    memory, _ = CASES["absent"]()
    (hold,) = memory.holds.values()
    memory.ruling(Ruling.WAIVE)
    memory.holds[hold.key] = hold
    plan = memory.night(ABSENT)
    assert plan.changes == (Drop(hold),)
    assert (plan.remarks, memory.holds, memory.posted()) == ((), {}, 10)


def test_a_visit_that_was_paid_by_a_person_stays_paid() -> None:
    """The rules still do not know, and do not ask again.

    An absence takes the coins back as any award's.
    """
    memory, record = visit()
    memory.ruling(Ruling.POST)
    assert record is not None
    memory.night(record)
    assert memory.posted() == 10
    plan = memory.night(ABSENT)
    assert [(entry.kind, entry.reason) for entry in plan.entries] == [(Kind.REVERSAL, "absent")]


def test_a_visit_that_was_refused_by_a_person_is_paid_once_it_is_known() -> None:
    """Membership becomes known: that is another question, and its answer is the rule's."""
    memory, _ = visit()
    memory.ruling(Ruling.WAIVE)
    assert not memory.plan(UNKNOWN)
    assert [entry.coins for entry in memory.night(a_record()).entries] == [10]


def test_an_award_taken_back_by_hand_is_not_paid_again() -> None:
    """The rules go on giving it.

    The decision that came with the reversal says that nothing is due.
    """
    memory = Memory()
    memory.night(a_record())
    (award,) = memory.entries
    back = replace(
        award, seq=2, coins=-10, kind=Kind.REVERSAL, reason="taken_back", actor="anna", reverses=1
    )
    ruling = Decision(KEY, 1, ADA, 2, 0, "paid", "anna", DAY, "the wrong child")
    memory.apply(Plan.of(Purpose.DESK, MONTH, [Post(back), Put(ruling)], basis=[memory.state(KEY)]))
    for rerate in (False, True):
        plan = memory.plan(a_record(), rerate=rerate)
        assert (bool(plan), plan.remarks) == (False, ())
    assert not memory.night(ABSENT).entries
    assert not memory.night(a_record()).entries
    memory.decisions.clear()
    assert [entry.coins for entry in memory.plan(a_record(), rerate=True).entries] == [10]
