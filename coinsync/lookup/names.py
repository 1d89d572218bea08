"""Names for the numbers that a plan mentions. Reads only."""

from __future__ import annotations

from coinsync.core.facts import Branch, Group, LessonType, Resident
from coinsync.core.plan import Plan, Put, RemarkKind
from coinsync.core.plan_report import Directory
from coinsync.store.reader import Reader


def names(reader: Reader, plan: Plan) -> Directory:
    """Names for everything that a plan mentions: from the database, and from the plan where they are new."""
    mentioned = {entry.resident for entry in plan.entries}
    mentioned |= {remark.resident for remark in plan.remarks if remark.resident is not None}
    mentioned |= {
        remark.other for remark in plan.remarks if remark.kind is RemarkKind.MERGED and remark.other
    }
    stored = [
        *reader.all(Group),
        *reader.all(LessonType),
        *reader.all(Branch),
        *reader.recorded(Resident, mentioned),
    ]
    return Directory.of(
        [*stored, *(change.new for change in plan.changes if isinstance(change, Put))]
    )
