"""What is proved: every check with its id, what it found, and the way out.

A finding names cases by number, never by name, and the command that shows or mends them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

EXAMPLES_MAX = 5


class Severity(StrEnum):
    """A warning is something to look after, an error something that must never be."""

    ERROR = "error"
    WARNING = "warning"


class Owner(StrEnum):
    """Whose a difference is: where to look, and what a person mends."""

    LEDGER = "ledger"
    RULES = "rules"
    RECORDS = "records"
    DATABASE = "database"
    CRM = "crm"
    PERSON = "person"
    READING = "reading"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is proved: a short id that never changes, and what is true when it finds nothing."""

    id: str
    title: str
    severity: Severity = Severity.ERROR
    owner: Owner = Owner.RECORDS


#: What is proved of the ledger alone, for any day.
LEDGER_CHECKS = tuple(
    Check(id, title, owner=Owner.LEDGER)
    for id, title in (
        (
            "entry",
            "every entry moves whole coins, with actor, reason, day and time, and in the direction of its kind",
        ),
        ("numbers", "entries are numbered from 1 without a gap, and the head says how far they go"),
        (
            "keys",
            "keys are well-formed, counted without gaps, and stand at 0 or at their latest original",
        ),
        ("reversals", "a reversal mirrors an earlier entry of its key, each at most once"),
        ("floors", "no balance fell below zero but by a reviewed reversal"),
        ("chain", "the hash of every entry follows from the one before"),
        ("runs", "every entry belongs to a run, and the totals of every run are right"),
        ("circulation", "issued − reversed − spent + refunded is what the residents have together"),
    )
)

#: What is proved of everything else that is stored.
STORED_CHECKS = (
    Check(
        "notes",
        "every note is the one that its entry vouches for, and none is missing",
        owner=Owner.LEDGER,
    ),
    Check(
        "rules",
        "what is posted is what the rules give, or a person knows of the difference",
        owner=Owner.RULES,
    ),
    Check("lessons", "every award has its lesson and its attendance"),
    Check("holds", "what waits for a person is still open, and every decision is about something"),
    Check("links", "nobody sees an erased or a merged card"),
    Check("merges", "merged cards go on as recorded ones, without a circle"),
    Check("erased", "nothing is left of an erased resident but numbers"),
    Check("sales", "coins that the shop took or returned are what its sales say"),
    Check("stock", "no stock was ever below nothing, and what left with a sale is what was sold"),
    Check("facts", "every recorded fact can be read"),
    Check("references", "whatever refers to a row finds it", owner=Owner.DATABASE),
    Check("file", "the database file is sound", owner=Owner.DATABASE),
    Check(
        "schema", "tables, indexes and append-only guards are the program's", owner=Owner.DATABASE
    ),
    Check("fresh", "every branch was synced lately", Severity.WARNING, Owner.CRM),
    Check(
        "private",
        "no note or reason looks like a telephone or an e-mail address",
        Severity.WARNING,
        Owner.PERSON,
    ),
)

#: What a fresh reading of the CRM adds.
CRM_CHECKS = (
    Check("crm", "the CRM says what is recorded", Severity.WARNING, Owner.CRM),
    Check("person", "nothing more would wait for a person", Severity.WARNING, Owner.PERSON),
    Check("unread", "the CRM could be read whole", owner=Owner.READING),
)

CHECKS = (*LEDGER_CHECKS, *STORED_CHECKS, *CRM_CHECKS)
BY_ID: Mapping[str, Check] = {check.id: check for check in CHECKS}
#: Where one of these speaks, the ledger itself is not what was posted.
OF_THE_LEDGER = frozenset(check.id for check in CHECKS if check.owner is Owner.LEDGER)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: how many cases, the first of them by number, and the command that shows or mends them."""

    check: str
    severity: Severity
    owner: Owner
    count: int
    examples: tuple[str, ...]
    mend: str


@dataclass(frozen=True, slots=True)
class Circulation:
    """Coins by what became of them, all positive; ``balance`` is the sum of the residents' balances.

    Issued are awards, credits, openings and gifts; reversed is what reversals took of those. Spent are debits and
    sales; refunded are refunds and what reversals gave back of debits and sales.
    """

    issued: int = 0
    reversed: int = 0
    spent: int = 0
    refunded: int = 0
    balance: int = 0

    @property
    def expected(self) -> int:
        """What must be in circulation."""
        return self.issued - self.reversed - self.spent + self.refunded


@dataclass(frozen=True, slots=True)
class Proof:
    """What was checked and what was found; ``checked`` lacks the checks that could not be made.

    ``held`` differences are known by name and wait for a person: they are no finding.
    """

    findings: tuple[Finding, ...]
    checked: tuple[Check, ...]
    totals: Circulation
    entries: int
    residents: int
    held: int


class Findings:
    """Cases gathered by check: all are counted, the first few are named."""

    def __init__(self) -> None:
        """Nothing found yet."""
        self._found: dict[str, Finding] = {}

    def __contains__(self, check: str) -> bool:
        return check in self._found

    def add(self, check: str, example: str, mend: str, *, count: int = 1) -> None:
        """Take note of one case, or of ``count`` that one example stands for; the first case says what mends it."""
        known = self._found.get(check)
        if known is None:
            of = BY_ID[check]
            self._found[check] = Finding(check, of.severity, of.owner, count, (example,), mend)
        else:
            examples = (*known.examples, example)[:EXAMPLES_MAX]
            self._found[check] = replace(known, count=known.count + count, examples=examples)

    def join(self, other: Findings) -> None:
        """Add what ``other`` found."""
        for id, one in other._found.items():
            known = self._found.setdefault(id, one)
            if known is not one:
                examples = (*known.examples, *one.examples)[:EXAMPLES_MAX]
                self._found[id] = replace(known, count=known.count + one.count, examples=examples)

    def all(self, wanted: Collection[str]) -> tuple[Finding, ...]:
        """The findings of the wanted checks, in the order of the checks."""
        found = tuple(self._found[id] for id in BY_ID if id in wanted and id in self._found)
        broken = next((one for id, one in self._found.items() if id in OF_THE_LEDGER), None)
        # Coins that the rules do not explain are no matter of rules where somebody has touched the ledger.
        blamed = {"rules": broken} if broken is not None else {}
        return tuple(
            replace(one, owner=Owner.LEDGER, mend=blamed[one.check].mend)
            if one.check in blamed
            else one
            for one in found
        )


def shown(resident: int) -> str:
    """The command that shows a resident's entries."""
    return f"coinsync history '#{resident}'"


def span(command: str, days: Sequence[date]) -> str:
    """A command for all days from the first to the last of ``days``."""
    return f"{command} --since {min(days)} --until {max(days)}"


def erase(resident: int) -> str:
    """The command that takes away what is left of an erased resident."""
    return f"coinsync residents erase '#{resident}'"


def pair(lesson: int, resident: int) -> str:
    """What a difference about coins of a lesson is called."""
    return f"lesson {lesson}, #{resident}"


# --- free text -------------------------------------------------------------------------------------------------------

_PRIVATE = re.compile(
    r"[^\s@]+@[^\s@]+\.[^\s@.]{2,}"
    r"|(?<![\w.])(?:\+\d{1,3}|8|7)?[\s(-]{0,2}9\d{2}[\s)-]{0,2}\d{3}[\s-]?\d{2}[\s-]?\d{2}(?!\w)"
    r"|\+\d[\d\s()-]{8,16}\d"
)


def is_private(text: str) -> bool:
    """Tell whether a text looks as if it held a telephone or an e-mail address."""
    return _PRIVATE.search(text) is not None
