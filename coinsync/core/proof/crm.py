"""The checks against the CRM: when it was last read, and what a fresh reading would change."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from coinsync.core.fact_keys import fact_name
from coinsync.core.facts import Attendance, Doubt, Fact, Hold
from coinsync.core.ledger import Entry, Freshness
from coinsync.core.plan import Drop, Limits, Plan, Post, Put, Remark, RemarkKind
from coinsync.core.proof.checks import Findings, lesson_case

_SYNC = "coinsync sync"


def check_fresh(branches: Iterable[Freshness], hours_max: int, findings: Findings) -> None:
    """Name the branches without a sync in the last ``hours_max`` hours."""
    for branch in branches:
        if not branch.is_older_than(timedelta(hours=hours_max)):
            continue
        case = f"{branch.name} was never synced"
        if branch.last is not None:
            moment = branch.last.posted_at
            case = f"{branch.name} was last synced at {moment}, more than {hours_max} h ago"
        findings.add("fresh", case, f"coinsync sync --branch {branch.branch}")


def check_reading(
    where: str, plan: Plan | None, error: str, limits: Limits, findings: Findings
) -> None:
    """Name everything that a sync would change by the plan of a fresh reading.

    ``where`` is what was read; ``error`` says why there is no plan.
    """
    if plan is None:
        findings.add("unread", f"{where}: {error}", f"{_SYNC} --dry-run")
        return
    for remark in plan.remarks:
        _check_remark(where, remark, findings)
    _check_changes(where, plan, limits, findings)


def _check_remark(where: str, remark: Remark, findings: Findings) -> None:
    name = lesson_case(remark.lesson or 0, remark.resident or 0)
    case = f"{name}: {remark.coins:+} ({remark.reason})"
    if remark.doubt is not None:
        case = remark.doubt.case
    if remark.kind in (RemarkKind.HOLD, RemarkKind.DOUBT) and not remark.known:
        # What is held already is known by name; only what a sync would add to it is a difference.
        findings.add("person", case, f"{_SYNC} && coinsync review list")
    elif remark.kind is RemarkKind.RERATE:
        findings.add("rules", case, f"{_SYNC} --rerate")
    elif remark.kind is RemarkKind.UNREADABLE:
        card = f"card #{remark.resident}"
        record = card if remark.lesson is None else f"lesson {remark.lesson}"
        case = f"{where}: {record}, field {remark.detail}"
        findings.add("unread", case, f"{_SYNC} --dry-run")


def _check_changes(where: str, plan: Plan, limits: Limits, findings: Findings) -> None:
    refusals = plan.check(limits)
    cases = _differences(plan)
    if refusals:
        # A refused plan rather tells of a wrong answer than of so many differences.
        case = f"{where}: {'; '.join(refusals)}"
        findings.add("crm", case, f"{_SYNC} --dry-run", count=max(1, len(cases)))
        return
    for case, coins in cases.items():
        findings.add("crm", f"{case}: {coins:+}" if coins else case, _SYNC)


def _differences(plan: Plan) -> Counter[str]:
    # What the CRM says otherwise than it is recorded, and the coins that move with it.
    cases: Counter[str] = Counter()
    for change in plan.changes:
        match change:
            case Put(new=Hold() | Doubt()) | Drop(old=Hold() | Doubt()):
                pass  # A person is asked about these: their remarks say so.
            case Post(entry=entry):
                cases[_case_of(entry)] += entry.coins
            case Put() | Drop():
                # The mark and the coins of one lesson are one case.
                cases[_case_of(change.subject)] += 0
    return cases


def _case_of(subject: Entry | Fact) -> str:
    match subject:
        case Entry(lesson=int(lesson)) | Attendance(lesson=lesson):
            return lesson_case(lesson, subject.resident)
        case _:
            return fact_name(subject)
