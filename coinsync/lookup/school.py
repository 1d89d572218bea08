"""What the parts of the school are called, and how fresh their data is. Reads only."""

from datetime import datetime

from coinsync.config import Settings
from coinsync.core.directory import Directory
from coinsync.core.facts import Branch, Group, LessonType, Resident
from coinsync.core.ledger import Freshness
from coinsync.core.plan import Plan, Put
from coinsync.store.reader import Reader


def names_of_school(reader: Reader) -> Directory:
    """The names of all groups, lesson types and branches."""
    return Directory.of([*reader.all(Group), *reader.all(LessonType), *reader.all(Branch)])


def names_in_plan(reader: Reader, plan: Plan) -> Directory:
    """The names of residents that a plan mentions, and of all that it records."""
    mentioned = {entry.resident for entry in plan.entries}
    mentioned.update(remark.resident for remark in plan.remarks if remark.resident is not None)
    recorded = reader.recorded(Resident, mentioned)
    new = [change.new for change in plan.changes if isinstance(change, Put)]
    return Directory.of([*recorded, *new])


def freshness(reader: Reader, settings: Settings, now: datetime) -> list[Freshness]:
    """How long ago each branch's lessons were last synced up to the day; ``now`` is aware, UTC."""
    names = reader.names(Branch)
    branches = []
    for branch in settings.branches:
        name = branch.name or names.get(branch.id) or f"branch {branch.id}"
        last = reader.last_full_run(branch.id)
        branches.append(Freshness.of(branch.id, name, last, now))
    return branches
