"""What an entry is, how keys are written, and how entries are chained.

The ledger only grows. A key names the thing that coins are for; entries under one key are numbered: 1 award,
2 its reversal, 3 an award again. The hash of each entry takes in the hash of the one before it.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from coinsync.core.facts import Lesson

#: The chain's hash before the first entry.
GENESIS = "0" * 64

KEY_LENGTH_MAX = 120

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
            raise ValueError(f"an entry moves a whole number of coins and not 0, got {self.coins!r}")
        if self.seq < 1:
            raise ValueError(f"entries under a key are numbered from 1, got {self.seq}")
        if len(self.key) > KEY_LENGTH_MAX or not _KEY.fullmatch(self.key):
            raise ValueError(f"not a key: {self.key!r}")


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry in the ledger: ``n`` counts without gaps from 1, ``posted_at`` is UTC ("2026-11-22T02:00:07Z")."""

    n: int
    entry: Entry
    posted_at: str
    run: int
    chain: str = ""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a key stands: its last number, the sum of its coins, and the entry that a reversal would name."""

    key: str
    seq: int = 0
    coins: int = 0
    award: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """How far the ledger has come: last entry number, last run number, and whose CRM it belongs to."""

    n: int
    runs: int
    account: str


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


def lesson_key(account: str, lesson: int, resident: int) -> str:
    """Write the key of one resident's coins for one lesson."""
    return f"alfacrm:{account}:lesson:{lesson}:{resident}"


def note_digest(salt: str, note: str) -> str:
    """Digest of a note, so that the chain vouches for a text that may be erased later; "" where there is no note."""
    return hashlib.sha256(f"{salt}\n{note}".encode()).hexdigest() if note else ""


def link_hash(before: str, posted: Posted, digest_of_note: str) -> str:
    """Hash of one posted entry, taking in the hash ``before`` it: 64 hexadecimal digits."""
    entry = posted.entry
    fields = [
        before,
        posted.n,
        posted.run,
        posted.posted_at,
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
    ]
    return hashlib.sha256(_AS_JSON(fields).encode()).hexdigest()
