"""How long ago the lessons of a branch were synced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from coinsync.core.ledger import Run


@dataclass(frozen=True, slots=True)
class Freshness:
    """When a branch's lessons were last synced; ``age`` None is never."""

    branch: int
    name: str
    last: Run | None
    age: timedelta | None
