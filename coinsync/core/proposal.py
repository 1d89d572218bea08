"""What a clerk's command is about to do: the plan, and what a person should see before saying yes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from coinsync.core.facts import Hold, Resident
from coinsync.core.files.import_rows import EARLIEST
from coinsync.core.floor import refuse_debt
from coinsync.core.ledger import Entry
from coinsync.core.plan import Plan, Scope
from coinsync.core.reasons import why
from coinsync.errors import UsageError


@dataclass(frozen=True, slots=True)
class Author:
    """Whose hand and when: ``now`` is aware and UTC, ``key`` is made before anything is asked, ``day`` may be said."""

    actor: str
    now: datetime
    key: str = ""
    day: date | None = None
    allow_duplicate: bool = False

    def day_by(self, today: date) -> date:
        """The day that was said, else ``today``. Raises ``UsageError`` for one that cannot be."""
        if self.day is not None and self.day > today:
            raise UsageError(f"--date {self.day} is still to come; today is {today}")
        if self.day is not None and self.day < EARLIEST:
            raise UsageError(f"--date {self.day} is before {EARLIEST}")
        return self.day or today


@dataclass(frozen=True, slots=True)
class Move:
    """Coins that one entry moves, with the balance before and after it."""

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
    """Something held: ``id`` names it on the command line, ``balance`` is what the resident has today."""

    id: str
    hold: Hold
    name: str
    title: str
    balance: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan of a clerk's: the coins that move, everything else in words; ``done`` are entries posted before."""

    plan: Plan
    moves: tuple[Move, ...] = ()
    words: tuple[str, ...] = ()
    done: tuple[int, ...] = ()
    key: str = ""


def scope_of(day: date) -> Scope:
    """The scope of what is done by hand on a day: it belongs to no branch."""
    return Scope(0, day, day)


def moves_of(
    entries: Iterable[Entry],
    balances: Mapping[int, int],
    residents: Mapping[int, Resident],
    survivors: Mapping[int, int],
    ways: Mapping[str, str],
) -> tuple[Move, ...]:
    """What entries do to balances, one after the other; ``balances`` and ``residents`` by the card that goes on."""
    left = dict(balances)
    moves = []
    for entry in entries:
        owner = survivors.get(entry.resident, entry.resident)
        before, left[owner] = left[owner], left[owner] + entry.coins
        name = residents[owner].name if owner in residents else ""
        text = why(entry.reason, entry.rule, entry.note, ways)
        moves.append(
            Move(
                owner,
                name,
                before,
                entry.coins,
                left[owner],
                entry.kind.value,
                text,
                entry.happened_on,
            )
        )
    return tuple(moves)


def check_floors(moves: Sequence[Move]) -> None:
    """Refuse moves at whose end somebody who loses coins has fewer than none."""
    first_moves: dict[int, Move] = {}
    changes = Counter[int]()
    for move in moves:
        first_moves.setdefault(move.resident, move)
        changes[move.resident] += move.coins
    for resident, first in first_moves.items():
        refuse_debt(f"#{resident} {first.name}", first.before, changes[resident])
