"""One answer for all visits whose membership is not known, in the plan that would hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from coinsync.core.facts import Decision, Hold, HoldKind
from coinsync.core.ledger import KeyState
from coinsync.core.plan import Change, Plan, Put, Remark, RemarkKind
from coinsync.core.planning.compare import Cause, Difference
from coinsync.core.planning.review import Question, Ruling, plan_review
from coinsync.core.rules import GuestPolicy, Reason, Rulebook, Verdict

#: What ``review`` would be told about each of them; to hold them is no ruling.
_RULINGS = {GuestPolicy.PAY: Ruling.POST, GuestPolicy.REFUSE: Ruling.WAIVE}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person says about all such visits; ``today`` is the branch's."""

    policy: GuestPolicy
    actor: str
    today: date


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is posted and decided already, by key."""

    key_states: Mapping[str, KeyState]
    decisions: Mapping[str, Decision]


def new_visits(plan: Plan) -> list[Hold]:
    """Visits that a plan holds for the first time because membership is not known."""
    visits = []
    for change in plan.changes:
        # What is held already is a clerk's case, whatever is said about new ones.
        match change:
            case Put(new=Hold(kind=HoldKind.GUEST) as visit, old=None):
                visits.append(visit)
    return visits


def settle_visits(plan: Plan, answer: Answer, earlier: Earlier, rulebook: Rulebook) -> Plan:
    """The plan as if its new visits had been held, and then decided by ``review``.

    What differs from the rules is recorded as a decision in the person's name: facts, rules and
    decisions together give what is posted.
    """
    visits = new_visits(plan)
    ruling = _RULINGS.get(answer.policy)
    if ruling is None or not visits:
        return plan
    lessons = {lesson.id: lesson for lesson in plan.lessons}
    questions = []
    for hold in visits:
        lesson = lessons[hold.lesson]
        rule = rulebook.rule_for(lesson)
        verdict = Verdict(0, Reason(hold.reason), rule.name if rule else "", held=hold.coins)
        state = earlier.key_states.get(hold.key, KeyState(hold.key))
        difference = Difference(lesson, hold.resident, verdict, state, None, Cause.FACTS)
        questions.append(Question(difference, earlier.decisions.get(hold.key), answer.today))
    # A note would stand on every such line that a family reads.
    ruled = plan_review(questions, ruling, actor=answer.actor, note="")
    no_longer_held = set(visits)
    changes: list[Change] = []
    for change in plan.changes:
        if not (isinstance(change, Put) and change.new in no_longer_held):
            changes.append(change)
    pairs = {(hold.lesson, hold.resident) for hold in visits}
    return Plan.of(
        plan.purpose,
        plan.scope,
        [*changes, *ruled.changes],
        basis=[*plan.basis, *ruled.basis],
        remarks=_remarks(plan, pairs, answer.policy),
        lessons=plan.lessons,
        evidence=plan.evidence,
    )


def _remarks(plan: Plan, pairs: set[tuple[int, int]], policy: GuestPolicy) -> list[Remark]:
    """Without the holds; what is refused is shown among what earns nothing."""
    remarks = []
    for remark in plan.remarks:
        is_visit = (remark.lesson, remark.resident) in pairs
        if remark.kind is not RemarkKind.HOLD or not is_visit:
            remarks.append(remark)
        elif policy is GuestPolicy.REFUSE:
            remarks.append(replace(remark, kind=RemarkKind.SKIP, coins=0))
    return remarks
