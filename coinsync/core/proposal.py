"""What a clerk's command is about to do: its plan, and what a person sees before saying yes."""

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
    """Who does something by hand, and when.

    ``now`` is aware and UTC, ``key`` is made before anything is asked; ``day`` is the day that the
    clerk named, if any.
    """

    actor: str
    now: datetime
    key: str = ""
    day: date | None = None
    allow_duplicate: bool = False

    def day_by(self, today: date) -> date:
        """The day that was named, else ``today``. Raises ``UsageError`` for one that cannot be."""
        if self.day is None:
            return today
        if self.day > today:
            raise UsageError(f"--date {self.day} is still to come; today is {today}")
        if self.day < EARLIEST:
            raise UsageError(f"--date {self.day} is before {EARLIEST}")
        return self.day


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
    """Something held.

    ``id`` names it on the command line, ``balance`` is what the resident has today.
    """

    id: str
    hold: Hold
    name: str
    title: str
    balance: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A clerk's plan: the coins that move, everything else in words.

    ``done`` are the entries of the same command that were posted before.
    """

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
    """What entries do to balances, one after the other.

    ``balances`` and ``residents`` are by the card that goes on, ``ways`` titles of the ways to
    earn by code.
    """
    running = dict(balances)
    moves = []
    for entry in entries:
        owner = survivors.get(entry.resident, entry.resident)
        before = running[owner]
        running[owner] += entry.coins
        move = Move(
            resident=owner,
            name=residents[owner].name if owner in residents else "",
            before=before,
            coins=entry.coins,
            after=running[owner],
            kind=entry.kind.value,
            why=why(entry.reason, entry.rule, entry.note, ways),
            day=entry.happened_on,
        )
        moves.append(move)
    return tuple(moves)


def check_floors(moves: Sequence[Move]) -> None:
    """Refuse moves at whose end somebody who loses coins has fewer than none."""
    # Only the end counts: of several moves of one resident a gain may come after a loss.
    first_moves: dict[int, Move] = {}
    changes = Counter[int]()
    for move in moves:
        first_moves.setdefault(move.resident, move)
        changes[move.resident] += move.coins
    for resident, first in first_moves.items():
        refuse_debt(f"#{resident} {first.name}", first.before, changes[resident])
