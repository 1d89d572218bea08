"""What an entry is, how keys are written, and how entries are chained.

The ledger only grows. A key names the thing that coins are for; entries under one key are numbered: 1 award,
2 its reversal, 3 an award again. The hash of each entry takes in the hash of the one before it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from coinsync.core.facts import Lesson, Merge

#: The chain's hash before the first entry.
GENESIS = "0" * 64

KEY_LENGTH_MAX = 120

#: Why an entry was posted that no rule asked for; staff's own words are its note, a way to earn is its ``rule``.
BY_HAND, BY_WAY, OPENED, TAKEN_BACK, FORGIVEN = (
    "by_hand",
    "way",
    "opening",
    "taken_back",
    "forgiven",
)
#: Why the shop moved coins; which goods is the note.
BOUGHT, RETURNED = "bought", "returned"
#: Reasons to which the note, where there is one, leaves nothing to add.
NOTE_SAYS_ALL = frozenset({BY_HAND, BOUGHT, RETURNED})

_AS_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_KEY = re.compile(r"[a-z0-9][a-z0-9:._-]*")


class Kind(StrEnum):
    """What an entry is for. Awards and their reversals come from lessons; the rest is done by hand or by the shop."""

    AWARD = "award"
    REVERSAL = "reversal"
    CREDIT = "credit"
    DEBIT = "debit"
    OPENING = "opening"
    GIFT = "gift"
    SALE = "sale"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger before it is posted; ``coins`` is positive for the resident's gain, never 0.

    ``reverses`` is the number of the posted entry that this one takes back; ``note`` is free text that staff typed.
    """

    key: str
    seq: int
    resident: int
    coins: int
    kind: Kind
    happened_on: date
    reason: str
    actor: str
    rule: str = ""
    note: str = ""
    lesson: int | None = None
    reverses: int | None = None

    def __post_init__(self) -> None:
        """Refuse at birth what must never be posted: fractions, nothing, and keys outside the grammar."""
        if type(self.coins) is not int or self.coins == 0:
            raise ValueError(
                f"an entry moves a whole number of coins and not 0, got {self.coins!r}"
            )
        if self.seq < 1:
            raise ValueError(f"entries under a key are numbered from 1, got {self.seq}")
        if not is_key(self.key):
            raise ValueError(f"not a key: {self.key!r}")


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry in the ledger: ``n`` counts without gaps from 1, ``posted_at`` is UTC ("2026-11-22T02:00:07Z")."""

    n: int
    entry: Entry
    posted_at: str
    run: int
    chain: str = ""


class LedgerRow(NamedTuple):
    """An entry as it lies in the ledger, column by column.

    What is read back is taken at its word: a proof looks at rows that may be damaged in any way.
    """

    n: int
    key: str
    seq: int
    resident: int
    coins: int
    kind: str
    happened_on: str
    reason: str
    actor: str
    rule: str
    note_digest: str
    lesson: int | None
    reverses: int | None
    run: int
    posted_at: str
    chain: str


@dataclass(frozen=True, slots=True)
class KeyState:
    """Where a key stands: its last number, the sum of its coins, and the entry that a reversal would name."""

    key: str
    seq: int = 0
    coins: int = 0
    award: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """How far the ledgers have come: last entry, last run, whose CRM it belongs to, last move of stock."""

    n: int
    runs: int
    account: str
    stock: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One applied plan, as recorded. Times are UTC ("2026-11-22T02:00:07Z")."""

    id: int
    uuid: str
    purpose: str
    branch: int
    since: date
    until: date
    actor: str
    started_at: str
    posted_at: str
    digest: str
    requests: int
    entries: int
    coins: int
    facts: int
    n_last: int


class RunLine(NamedTuple):
    """A run as it lies in the database, taken at its word."""

    id: int
    uuid: str
    purpose: str
    branch: int
    since: str
    until: str
    actor: str
    started_at: str
    posted_at: str
    digest: str
    requests: int
    entries: int
    coins: int
    facts: int
    n_last: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a resident's history, with the lesson it is for."""

    posted: Posted
    lesson: Lesson | None
    note: str = ""
    reversed_by: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written: run number and uuid, first and last entry number (``n_first`` > ``n_last`` when none)."""

    run: int
    uuid: str
    n_first: int
    n_last: int
    coins: int
    facts: int
    posted_at: str


def utc_text(moment: datetime) -> str:
    """Write an aware UTC time as the ledger keeps it: "2026-11-22T02:00:07Z"."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def survivors_of(merges: Iterable[Merge]) -> dict[int, int]:
    """The card on which each merged card goes on in the end; a card that is not merged is not named.

    No writer makes a circle of cards; should one be there all the same, its lowest number goes on.
    """
    into = {one.resident: one.into for one in merges if one.into}
    survivors: dict[int, int] = {}
    for card in into:
        path = [card]
        while path[-1] in into and into[path[-1]] not in path:
            path.append(into[path[-1]])
        head = path[-1]
        if head in into:
            head = min(path[path.index(into[head]) :])
        if head != card:
            survivors[card] = head
    return survivors


def is_key(text: str) -> bool:
    """Tell whether a text may be a key."""
    return len(text) <= KEY_LENGTH_MAX and _KEY.fullmatch(text) is not None


def lesson_key(account: str, lesson: int, resident: int) -> str:
    """Write the key of one resident's coins for one lesson."""
    return f"alfacrm:{account}:lesson:{lesson}:{resident}"


def desk_key(id: str) -> str:
    """Write the key of what a clerk does by hand; ``id`` is made before anything is asked or written."""
    return f"desk:{id}"


def gift_key(award: int) -> str:
    """Write the key of the gift that makes up for the reversal of an award, by the award's number in the ledger."""
    return f"gift:{award}"


def sale_key(sale: str, resident: int) -> str:
    """Write the key of what one resident pays for a sale."""
    return f"sale:{sale}:{resident}"


def refund_key(sale: str, line: int, resident: int) -> str:
    """Write the key of what one resident gets back for a sale, by the first of the lines that are taken back."""
    return f"refund:{sale}:{line}:{resident}"


def note_digest(salt: str, note: str) -> str:
    """Digest of a note, so that the chain vouches for a text that may be erased later; "" where there is no note."""
    return hashlib.sha256(f"{salt}\n{note}".encode()).hexdigest() if note else ""


def ledger_row(posted: Posted, digest_of_note: str) -> LedgerRow:
    """The row of a posted entry. The same row is hashed for the chain and inserted."""
    entry = posted.entry
    return LedgerRow(
        posted.n,
        entry.key,
        entry.seq,
        entry.resident,
        entry.coins,
        entry.kind.value,
        entry.happened_on.isoformat(),
        entry.reason,
        entry.actor,
        entry.rule,
        digest_of_note,
        entry.lesson,
        entry.reverses,
        posted.run,
        posted.posted_at,
        posted.chain,
    )


def row_hash(before: str, row: LedgerRow) -> str:
    """Hash of one row of the ledger, taking in the hash ``before`` it: 64 hexadecimal digits.

    What is hashed is the JSON list of ``before`` and the row's columns in their order; its own
    ``chain`` is no part of it.
    """
    text = _AS_JSON((before, *row[:-1]))
    return hashlib.sha256(text.encode()).hexdigest()
