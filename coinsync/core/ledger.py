"""What an entry is, how keys are written, and how runs are chained.

The ledger only grows. Entries under one key are numbered: 1 award, 2 its reversal, 3 an award
again. The hash of each run takes in that of the run before, and all that the run wrote.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from coinsync.core.facts import Lesson, Merge

#: The chain's hash before the first run.
GENESIS = "0" * 64

KEY_LENGTH_MAX = 120

#: Why an entry was posted that no rule asked for. What staff typed is its note, the code of a way
#: to earn is its ``rule``.
BY_HAND = "by_hand"
BY_WAY = "way"
OPENED = "opening"
TAKEN_BACK = "taken_back"
FORGIVEN = "forgiven"
#: Why the shop moved coins; which goods is the note.
BOUGHT = "bought"
RETURNED = "returned"
#: Reasons to which the note, where there is one, leaves nothing to add.
NOTE_SAYS_ALL = frozenset({BY_HAND, BOUGHT, RETURNED})

# Small ASCII letters only: MariaDB may take letters for equal that SQLite tells apart, and a key
# must be the same key everywhere.
_KEY = re.compile(r"[a-z0-9][a-z0-9:._-]*")


class Kind(StrEnum):
    """What an entry is for."""

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
    """One line of the ledger before it is posted.

    ``coins`` is the resident's gain, ``reverses`` the number of the entry that it takes back.
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
        # bool is a kind of int in Python, and True would be one coin.
        if type(self.coins) is not int or self.coins == 0:
            raise ValueError(f"an entry moves whole coins and not 0, got {self.coins!r}")
        if self.seq < 1:
            raise ValueError(f"entries under a key are numbered from 1, got {self.seq}")
        if not is_key(self.key):
            raise ValueError(f"not a key: {self.key!r}")


class Posted(NamedTuple):
    """An entry in the ledger; ``n`` has no gaps, ``posted_at`` is "2026-11-22T02:00:07Z"."""

    n: int
    entry: Entry
    posted_at: str
    run: int


class LedgerRow(NamedTuple):
    """An entry as it lies in the ledger, unchecked: it may be damaged."""

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


class KeyState(NamedTuple):
    """Where a key stands; ``award`` is what a reversal would name."""

    key: str
    seq: int = 0
    coins: int = 0
    award: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """How far the ledger of one CRM, ``account``, has come."""

    n: int
    runs: int
    account: str
    stock: int = 0


class Run(NamedTuple):
    """One applied plan as it lies in the database; UTC times are texts.

    ``actor`` is who was named, ``login`` the account of the machine: "anna(1000)". ``chain`` is the
    hash that ``RunHash`` makes of everything else here and of all that the run wrote.
    """

    id: int
    uuid: str
    purpose: str
    branch: int
    since: str
    until: str
    actor: str
    login: str
    started_at: str
    posted_at: str
    digest: str
    requests: int
    entries: int
    coins: int
    facts: int
    n_last: int
    chain: str


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


class Line(NamedTuple):
    """One line of a resident's history, with the lesson it is for."""

    posted: Posted
    lesson: Lesson | None
    note: str = ""
    reversed_by: int | None = None

    @property
    def n(self) -> int:
        """The number of its entry."""
        return self.posted.n

    @property
    def entry(self) -> Entry:
        """The entry itself."""
        return self.posted.entry


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written; ``n_first`` exceeds ``n_last`` without entries.

    ``seal`` vouches for it and for all before it.
    """

    run: int
    uuid: str
    n_first: int
    n_last: int
    coins: int
    facts: int
    posted_at: str
    seal: str


def utc_text(moment: datetime) -> str:
    """An aware UTC time as a text: "2026-11-22T02:00:07Z"."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Survivors(dict[int, int]):
    """The card on which each merged card goes on in the end; any other goes on as itself."""

    def __missing__(self, card: int) -> int:
        return card


def survivors_of(merges: Iterable[Merge]) -> Survivors:
    """Which card goes on as which."""
    # No writer makes a circle of cards; should one be there, its lowest number goes on.
    into = {merge.resident: merge.into for merge in merges if merge.into}
    survivors = Survivors()
    for card in into:
        path = [card]
        while path[-1] in into and into[path[-1]] not in path:
            path.append(into[path[-1]])
        survivor = path[-1]
        if survivor in into:
            circle = path[path.index(into[survivor]) :]
            survivor = min(circle)
        if survivor != card:
            survivors[card] = survivor
    return survivors


def is_key(text: str) -> bool:
    """Whether a text may be a key."""
    return len(text) <= KEY_LENGTH_MAX and _KEY.fullmatch(text) is not None


def lesson_key(account: str, lesson: int, resident: int) -> str:
    """The key of one resident's coins for one lesson."""
    return f"alfacrm:{account}:lesson:{lesson}:{resident}"


def desk_key(id: str) -> str:
    """The key of hand work; its ``id`` makes a repetition harmless."""
    return f"desk:{id}"


def gift_key(award: int) -> str:
    """The key of the gift for the reversal of entry ``award``."""
    return f"gift:{award}"


def sale_key(sale: str, resident: int) -> str:
    """The key of what one resident pays for a sale."""
    return f"sale:{sale}:{resident}"


def refund_key(sale: str, line: int, resident: int) -> str:
    """The key of a refund; ``line`` is the first taken back."""
    return f"refund:{sale}:{line}:{resident}"


def note_digest(salt: str, note: str) -> str:
    """Digest of a note; "" where there is no note.

    The chain holds it alone, so that the text can be erased. Without the salt it could be guessed.
    """
    if not note:
        return ""
    return hashlib.sha256(f"{salt}\n{note}".encode()).hexdigest()


def ledger_row(posted: Posted, digest_of_note: str) -> LedgerRow:
    """The row of a posted entry, as it is hashed for the chain and inserted."""
    entry = posted.entry
    return LedgerRow(
        posted.n,
        entry.key,
        entry.seq,
        entry.resident,
        entry.coins,
        entry.kind.value,
        entry.happened_on.isoformat(),
        # What is read back is a plain text, also where the entry held a member of an enumeration.
        str(entry.reason),
        entry.actor,
        entry.rule,
        digest_of_note,
        entry.lesson,
        entry.reverses,
        posted.run,
        posted.posted_at,
    )


class RunHash:
    """Hashes one run: the hash of the run ``before``, its own row, then all rows that it wrote.

    These come table by table, as they were written and as ``Reader.shop_rows`` and
    ``Reader.ledger`` give them: sales, their lines, lines taken back, moves of stock, entries.
    """

    def __init__(self, before: str, run: Run) -> None:
        self.run = run
        self._hash = hashlib.sha256(f"{before!a}".encode())
        # What is made of the row is its last column.
        self.add("run", run[:-1])

    def add(self, table: str, row: Sequence[Any]) -> None:
        """Take in one more row."""
        # As Python writes a plain tuple in ASCII no two rows are alike, whatever their texts hold,
        # and none has a line's end in it. Encoding JSON would take half as long again.
        self._hash.update(f"\n{table} {tuple(row)!a}".encode())

    @property
    def chain(self) -> str:
        """The hash of all that was taken in: 64 hexadecimal digits."""
        return self._hash.hexdigest()
