"""What a clerk's command is about to do: its plan, and what a person sees before saying yes."""

from dataclasses import dataclass
from datetime import date, datetime

from coinsync.core.facts import Doubt, Hold
from coinsync.core.files.import_rows import EARLIEST
from coinsync.core.plan import Plan, Scope
from coinsync.errors import UsageError


@dataclass(frozen=True, slots=True)
class Author:
    """Who does something by hand, and when: ``now`` is aware, ``day`` is as named."""

    actor: str
    now: datetime
    key: str = ""
    day: date | None = None
    allow_duplicate: bool = False

    def day_by(self, today: date) -> date:
        """The named day, else ``today``. Raises ``UsageError`` for one that cannot be."""
        if self.day is None:
            return today
        if self.day > today:
            raise UsageError(f"--date {self.day} is still to come; today is {today}")
        if self.day < EARLIEST:
            raise UsageError(f"--date {self.day} is before {EARLIEST}")
        return self.day


@dataclass(frozen=True, slots=True)
class Move:
    """Coins that one entry moves."""

    resident: int
    name: str
    before: int
    coins: int
    after: int
    kind: str
    why: str
    day: date


@dataclass(frozen=True, slots=True)
class Case:
    """Something held, named by ``id`` on the command line."""

    id: str
    hold: Hold
    name: str
    title: str
    balance: int


@dataclass(frozen=True, slots=True)
class DoubtCase:
    """A doubt, with the name of its resident, or the day (or month) of its lesson."""

    doubt: Doubt
    name: str = ""
    day: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A clerk's plan; ``done`` are entries that an earlier try of the same command posted."""

    plan: Plan
    moves: tuple[Move, ...] = ()
    words: tuple[str, ...] = ()
    done: tuple[int, ...] = ()
    key: str = ""


def scope_of(*days: date) -> Scope:
    """The scope of hand work on these days: it belongs to no branch."""
    return Scope(0, min(days), max(days))
