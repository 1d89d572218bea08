"""How long ago the lessons of a branch were synced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from coinsync.core.ledger import Run


@dataclass(frozen=True, slots=True)
class Freshness:
    """When a branch's lessons were last synced up to that day; ``age`` None is never."""

    branch: int
    name: str
    last: Run | None
    age: timedelta | None

    @classmethod
    def of(cls, branch: int, name: str, last: Run | None, now: datetime) -> Freshness:
        """The freshness of a branch with this last run; ``now`` is aware."""
        age = now - datetime.fromisoformat(last.posted_at) if last else None
        return cls(branch, name, last, age)

    def is_older_than(self, oldest: timedelta) -> bool:
        """Whether the branch was synced longer ago, or never."""
        return self.age is None or self.age > oldest
