"""How fresh the data of each branch is. Reads only."""

from __future__ import annotations

from datetime import datetime

from coinsync.config import Settings
from coinsync.core.facts import Branch
from coinsync.core.freshness import Freshness
from coinsync.store.reader import Reader


def freshness(reader: Reader, settings: Settings, now: datetime) -> list[Freshness]:
    """How long ago each branch's lessons were last synced up to the day; ``now`` is aware, UTC."""
    names = {branch.id: branch.name for branch in reader.all(Branch)}
    branches = []
    for branch in settings.branches:
        name = branch.name or names.get(branch.id) or f"branch {branch.id}"
        last = reader.last_full_run(branch.id)
        branches.append(Freshness.of(branch.id, name, last, now))
    return branches
