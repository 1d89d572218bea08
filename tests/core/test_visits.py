"""One answer about all visits whose membership is not known does what ``review`` does for each."""

from __future__ import annotations

from copy import deepcopy

import pytest

from coinsync.core.facts import GroupStanding, Hold, LessonRecord, Mark
from coinsync.core.ledger import lesson_key
from coinsync.core.plan import Plan, Put, RemarkKind
from coinsync.core.planning.review import Ruling, plan_review
from coinsync.core.planning.visits import new_visits, questions_about, with_ruling
from tests.support.makers import ACCOUNT, ADA, GLEB, MONTH, a_lesson, a_record, present
from tests.support.memory import Memory

KEY = lesson_key(ACCOUNT, 1, ADA)
UNKNOWN = present(standing=GroupStanding.UNKNOWN)
#: Two visits of which nobody knows, and a member in the same lesson.
VISITS = (
    a_record(a_lesson(), UNKNOWN, present(GLEB)),
    a_record(a_lesson(2), present(GLEB, standing=GroupStanding.UNKNOWN)),
)
RULINGS = [Ruling.POST, Ruling.WAIVE]


def settled(memory: Memory, plan: Plan, ruling: Ruling) -> Plan:
    """The plan with Anna's ruling, by what is recorded."""
    key_states = {entry.key: memory.state(entry.key) for entry in memory.entries}
    questions = questions_about(plan, key_states, memory.decisions, memory.rulebook, MONTH.until)
    return with_ruling(plan, plan_review(questions, ruling, actor="anna", note=""))


def a_second_visit() -> tuple[Memory, tuple[LessonRecord, ...]]:
    """A visit to a lesson that was paid, taken back and decided about before."""
    memory = Memory()
    memory.night(a_record(None, UNKNOWN))
    memory.ruling(Ruling.POST, note="")
    memory.night(a_record(None, present(mark=Mark.ABSENT)))
    return memory, (a_record(None, UNKNOWN),)


CASES = {"first visits": lambda: (Memory(), VISITS), "a second visit": a_second_visit}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ruling", RULINGS)
def test_it_ends_as_if_each_was_held_and_then_decided(case: str, ruling: Ruling) -> None:
    """The same entries and decisions without a hold on the way, and a calm night after it."""
    at_once, records = CASES[case]()
    one_by_one = deepcopy(at_once)
    plan = settled(at_once, at_once.plan(*records), ruling)
    at_once.apply(plan)
    one_by_one.night(*records)
    assert one_by_one.holds
    one_by_one.ruling(ruling, note="")
    assert sorted(at_once.entries, key=repr) == sorted(one_by_one.entries, key=repr)
    assert at_once.decisions == one_by_one.decisions
    assert at_once.holds == one_by_one.holds == {}
    assert not at_once.plan(*records)


@pytest.mark.parametrize(
    ("ruling", "kinds"), [(Ruling.POST, []), (Ruling.WAIVE, [RemarkKind.SKIP] * 2)]
)
def test_what_is_decided_is_not_shown_as_held(ruling: Ruling, kinds: list[RemarkKind]) -> None:
    """What is refused stands among what earns nothing, with its reason."""
    memory = Memory()
    plan = settled(memory, memory.plan(*VISITS), ruling)
    assert [remark.kind for remark in plan.remarks] == kinds
    assert {remark.reason for remark in plan.remarks} <= {"membership_unknown"}
    assert {remark.coins for remark in plan.remarks} <= {0}


def test_what_was_held_before_stays_a_clerks_case() -> None:
    """Also where its hold changes; a new visit beside it is settled."""
    memory = Memory()
    memory.night(VISITS[0])
    (hold,) = memory.holds.values()
    moved = a_record(a_lesson(on=MONTH.until), UNKNOWN, present(GLEB))
    plan = memory.plan(moved, VISITS[1])
    assert [visit.lesson for visit in new_visits(plan)] == [2]
    memory.apply(settled(memory, plan, Ruling.POST))
    assert list(memory.holds) == [hold.key] == [KEY]
    assert [decision.lesson for decision in memory.decisions.values()] == [2]


def test_a_held_reversal_is_no_visit() -> None:
    """Coins that would be taken wait for a person whatever is said about visits."""
    memory = Memory()
    memory.night(a_record())
    plan = memory.plan(a_record(None, UNKNOWN))
    assert [
        change
        for change in plan.changes
        if isinstance(change, Put) and isinstance(change.new, Hold)
    ]
    assert new_visits(plan) == []
