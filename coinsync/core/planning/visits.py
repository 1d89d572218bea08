"""One answer for all visits whose membership is not known, in the plan that would hold them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from coinsync.core.facts import Decision, Hold, HoldKind
from coinsync.core.ledger import KeyState
from coinsync.core.plan import Plan, Put, RemarkKind
from coinsync.core.planning.compare import Difference
from coinsync.core.planning.review import Question
from coinsync.core.rules import Reason, Rulebook, Verdict


def new_visits(plan: Plan) -> list[Hold]:
    """Visits that a plan holds for the first time; what is held already is a clerk's case."""
    visits = []
    for change in plan.changes:
        match change:
            case Put(new=Hold(kind=HoldKind.GUEST) as visit, old=None):
                visits.append(visit)
    return visits


def questions_about(
    plan: Plan,
    key_states: Mapping[str, KeyState],
    decisions: Mapping[str, Decision],
    rulebook: Rulebook,
    today: date,
) -> list[Question]:
    """What ``review`` would ask about the new visits of a plan, had it been applied."""
    lessons = {lesson.id: lesson for lesson in plan.lessons}
    questions = []
    for hold in new_visits(plan):
        lesson = lessons[hold.lesson]
        rule = rulebook.rule_for(lesson)
        verdict = Verdict(0, Reason(hold.reason), rule.name if rule else "", held=hold.coins)
        state = key_states.get(hold.key, KeyState(hold.key))
        difference = Difference(lesson, hold.resident, verdict, state, None)
        questions.append(Question(difference, decisions.get(hold.key), today))
    return questions


def with_ruling(plan: Plan, ruled: Plan) -> Plan:
    """``plan`` with what ``ruled`` decides about its new visits, in the place of their holds."""
    visits = set(new_visits(plan))
    pairs = {(visit.lesson, visit.resident) for visit in visits}
    changes = list(ruled.changes)
    for change in plan.changes:
        if not (isinstance(change, Put) and change.new in visits):
            changes.append(change)
    paid = {(entry.lesson, entry.resident) for entry in ruled.entries}
    remarks = []
    for remark in plan.remarks:
        pair = (remark.lesson, remark.resident)
        if remark.kind is not RemarkKind.HOLD or pair not in pairs:
            remarks.append(remark)
        elif pair not in paid:
            # What is refused is shown among what earns nothing.
            remarks.append(replace(remark, kind=RemarkKind.SKIP, coins=0))
    return Plan.of(
        plan.purpose,
        plan.scope,
        changes,
        basis=[*plan.basis, *ruled.basis],
        remarks=remarks,
        lessons=plan.lessons,
        evidence=plan.evidence,
    )
