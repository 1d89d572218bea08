"""The checks of reconcile: their ids, what each proves, and what was found.

Findings end up in logs and e-mails, so they name their cases by number, never by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from coinsync.core.ledger import LedgerRow

#: So many cases of a finding are named; all are counted.
EXAMPLES_MAX = 5


class Severity(StrEnum):
    """A warning is to be looked after, an error must never be, a note is nothing wrong."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is proved: its id, and what is true when nothing is found."""

    id: str
    title: str
    severity: Severity = Severity.ERROR


#: What is proved of the ledger alone, for any day.
LEDGER_CHECKS = (
    Check(
        "entry",
        "every entry moves whole coins, with actor, reason, day and time, "
        "and in the direction of its kind",
    ),
    Check(
        "numbers", "entries are numbered from 1 without a gap, and the head says how far they go"
    ),
    Check(
        "keys",
        "keys are well-formed, counted without gaps, and stand at 0 or at their latest original",
    ),
    Check("reversals", "a reversal mirrors an earlier entry of its key, each at most once"),
    Check("floors", "no balance fell below zero but by a reviewed reversal"),
    Check("chain", "every run follows from the run before and from all that it wrote"),
    Check("runs", "every entry belongs to a run, and the totals of every run are right"),
    Check(
        "circulation", "issued − reversed − spent + refunded is what the residents have together"
    ),
)

#: What is proved of everything else that is stored.
STORED_CHECKS = (
    Check("notes", "every note is the one that its entry vouches for, and none is missing"),
    Check("seal", "every seal that is held against the ledger holds"),
    Check("rules", "what is posted is what the rules give, or a person knows of the difference"),
    Check("lessons", "every award has its lesson and its attendance"),
    Check("holds", "what waits for a person is still open, and every decision is about something"),
    Check("twice", "no lesson looks like one entered twice", Severity.NOTE),
    Check("links", "nobody sees an erased or a merged card"),
    Check("merges", "merged cards go on as recorded ones, without a circle"),
    Check("erased", "nothing is left of an erased resident but numbers"),
    Check("sales", "coins that the shop took or returned are what its sales say"),
    Check("stock", "no stock was ever below nothing, and what left with a sale is what was sold"),
    Check("facts", "every recorded fact can be read"),
    Check("references", "whatever refers to a row finds it"),
    Check("file", "the database file is sound"),
    Check("schema", "tables, indexes and append-only guards are the program's"),
    Check("fresh", "every branch was synced lately", Severity.WARNING),
    Check(
        "private", "no note or reason looks like a telephone or an e-mail address", Severity.WARNING
    ),
)

#: What a fresh reading of the CRM adds.
CRM_CHECKS = (
    Check("crm", "the CRM says what is recorded", Severity.WARNING),
    Check("person", "nothing more would wait for a person", Severity.WARNING),
    Check("unread", "the CRM could be read whole"),
)

#: What is found where somebody changed the ledger by hand.
_LEDGER_IDS = frozenset({*(check.id for check in LEDGER_CHECKS), "notes", "seal"})

CHECKS = (*LEDGER_CHECKS, *STORED_CHECKS, *CRM_CHECKS)
BY_ID: Mapping[str, Check] = {check.id: check for check in CHECKS}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: all cases are counted, the first are ``examples``.

    ``mend`` is the command that shows or mends them.
    """

    check: str
    severity: Severity
    count: int
    examples: tuple[str, ...]
    mend: str


@dataclass(frozen=True, slots=True)
class Circulation:
    """Coins by what became of them, all positive; ``balance`` is what the residents have.

    Reversed is what reversals took of awards, credits, openings and gifts; refunded includes what
    they gave back of debits and sales.
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
    """What was checked, without what could not be, and what was found.

    ``held`` differences wait for a person: they are no finding. ``seal`` vouches for all that was
    looked at; ``holds`` says what else was held against it and agrees.
    """

    findings: tuple[Finding, ...]
    checked: tuple[Check, ...]
    totals: Circulation
    entries: int
    residents: int
    held: int
    seal: str = ""
    holds: tuple[str, ...] = ()


class Findings:
    """Cases gathered by check: all are counted, the first few are named."""

    def __init__(self) -> None:
        self._by_check: dict[str, Finding] = {}

    def add(self, check: str, example: str, mend: str, *, count: int = 1) -> None:
        """Add one case, or the ``count`` cases that an example stands for."""
        self._add(Finding(check, BY_ID[check].severity, count, (example,), mend))

    def add_entry(self, check: str, row: LedgerRow, what: str) -> None:
        """Add an entry of the ledger as a case."""
        case = f"entry {row.n} (#{row.resident}): {what}"
        self.add(check, case, history_command(row.resident))

    def join(self, other: Findings) -> None:
        """Add what ``other`` found."""
        for finding in other._by_check.values():
            self._add(finding)

    def _add(self, finding: Finding) -> None:
        known = self._by_check.get(finding.check)
        if known is not None:
            finding = replace(
                known,
                count=known.count + finding.count,
                examples=(*known.examples, *finding.examples)[:EXAMPLES_MAX],
            )
        self._by_check[finding.check] = finding

    def of(self, wanted: Collection[str]) -> tuple[Finding, ...]:
        """The findings of the wanted checks, in the order of the checks."""
        findings = []
        for id in BY_ID:
            if id in wanted and id in self._by_check:
                findings.append(self._mended(self._by_check[id]))
        return tuple(findings)

    def _mended(self, finding: Finding) -> Finding:
        # Somebody who changes entries makes them differ from the rules too. "sync --rerate" would
        # then post corrections to a ledger that is to be restored first.
        if finding.check == "rules":
            for other in self._by_check.values():
                if other.check in _LEDGER_IDS:
                    return replace(finding, mend=other.mend)
        return finding


def history_command(resident: int) -> str:
    """The command that shows a resident's entries."""
    return f"coinsync history {resident}"


def erase_command(resident: int) -> str:
    """The command that erases what is left of a resident."""
    return f"coinsync residents erase '#{resident}'"


def command_for_days(command: str, days: Sequence[date]) -> str:
    """A command for all days from the first of ``days`` to the last."""
    return f"{command} --since {min(days)} --until {max(days)}"


def lesson_case(lesson: int, resident: int) -> str:
    """How a finding names the coins of one resident for one lesson."""
    return f"lesson {lesson}, #{resident}"
