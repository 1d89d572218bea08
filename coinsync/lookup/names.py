"""Names for what plans mention."""

from __future__ import annotations

from coinsync.core.directory import Directory
from coinsync.core.facts import Branch, Group, LessonType, Resident
from coinsync.core.plan import Plan, Put, RemarkKind
from coinsync.store.reader import Reader


def names_of_school(reader: Reader) -> Directory:
    """The names of all groups, lesson types and branches."""
    return Directory.of([*reader.all(Group), *reader.all(LessonType), *reader.all(Branch)])


def names_in_plan(reader: Reader, plan: Plan) -> Directory:
    """The names of the residents that a plan mentions, and of everything that it records anew."""
    mentioned = {entry.resident for entry in plan.entries}
    for remark in plan.remarks:
        if remark.resident is not None:
            mentioned.add(remark.resident)
        # Elsewhere the other one is a lesson.
        if remark.kind is RemarkKind.MERGED and remark.other is not None:
            mentioned.add(remark.other)
    recorded = reader.recorded(Resident, mentioned)
    new = [change.new for change in plan.changes if isinstance(change, Put)]
    return Directory.of([*recorded, *new])
