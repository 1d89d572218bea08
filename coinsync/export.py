"""The ledger for other programs: a spreadsheet, a script, and two programs that count it again.

Everything is a function from values to lines without their ends, one at a time, so that memory
does not grow with history. All texts are data: none can break a line, become a formula or pass for
syntax. What may name a person, names and notes, is told only where the roster allows it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain
from typing import Any, Protocol

from coinsync.core.facts import Resident
from coinsync.core.identity import clean, spreadsheet_safe
from coinsync.core.ledger import Kind, Line, Posted, ledger_row
from coinsync.core.reasons import reason_text

#: What coins are called in journals: accounting programs want a commodity in capital letters.
COIN = "COIN"

#: Against whose account an entry of each kind moves coins; a reversal goes back to that of what it
#: reverses.
COUNTER_ACCOUNTS: Mapping[Kind, str] = {
    Kind.AWARD: "Income:Lessons",
    Kind.CREDIT: "Income:Credits",
    Kind.DEBIT: "Expenses:Debits",
    Kind.OPENING: "Equity:Opening",
    Kind.GIFT: "Income:Gifts",
    Kind.SALE: "Expenses:Shop",
    Kind.REFUND: "Expenses:Shop",
}

#: The other side of a reversal that comes before, or without, what it reverses.
UNMATCHED = "Equity:Unmatched"

COLUMNS = (
    "n",
    "key",
    "seq",
    "resident",
    "owner",
    "name",
    "coins",
    "kind",
    "happened_on",
    "posted_at",
    "actor",
    "reason",
    "note",
    "rule",
    "lesson",
    "reverses",
    "run",
    "chain",
)

#: Columns that may name a person.
PERSONAL = frozenset({"name", "note"})

#: Where a journal without entries begins.
_EPOCH = date(1970, 1, 1)

_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Roster:
    """Whose coins they are.

    ``survivors`` leads from each merged card to the card that carries on in the end, whose coins
    they are now. ``balances`` are the coins of those owners as the ledger's own sums say, 0 where
    an owner is not named.
    """

    residents: Sequence[Resident]
    balances: Mapping[int, int]
    survivors: Mapping[int, int] = field(default_factory=dict)
    with_names: bool = False

    def owner(self, resident: int) -> int:
        """The card that a resident's coins belong to."""
        return self.survivors.get(resident, resident)

    def owners(self) -> list[int]:
        """All cards that coins may belong to, by number."""
        owners = {self.owner(resident.id) for resident in self.residents}
        return sorted(owners | set(self.balances))

    def names(self) -> dict[int, str]:
        """Names by card; none where they are not to be told."""
        if not self.with_names:
            return {}
        return {resident.id: resident.name for resident in self.residents}

    def columns(self) -> tuple[str, ...]:
        """The columns that may be told."""
        return tuple(name for name in COLUMNS if self.with_names or name not in PERSONAL)


# --- for a spreadsheet and for a script -----------------------------------------------------------


def csv_lines(entries: Iterable[Line], roster: Roster) -> Iterator[str]:
    """Entries for a spreadsheet, a heading first, in the order in which they come."""
    columns = roster.columns()
    writer = csv.writer(_Echo(), lineterminator="")
    yield str(writer.writerow(columns))
    for row in _rows(entries, roster):
        cells = [_csv_cell(row[column]) for column in columns]
        yield str(writer.writerow(cells))


def json_lines(entries: Iterable[Line], roster: Roster) -> Iterator[str]:
    """Entries as JSON, one object a line, with every text exactly as it is."""
    columns = roster.columns()
    for row in _rows(entries, roster):
        told = {column: row[column] for column in columns}
        line = json.dumps(told, ensure_ascii=False)
        # JSON itself escapes only some of what a terminal or a reader of lines may stumble over.
        yield line if line.isprintable() else "".join(map(_json_char, line))


def _rows(entries: Iterable[Line], roster: Roster) -> Iterator[_Row]:
    """Every column of every entry."""
    names = roster.names()
    for line in entries:
        resident = line.posted.entry.resident
        row = ledger_row(line.posted, "")._asdict()
        row["owner"] = roster.owner(resident)
        row["name"] = names.get(resident, "")
        row["note"] = line.note
        yield row


class _Echo:
    """A file that gives back what is written to it.

    A CSV writer wants a file, and what is wanted here are the lines.
    """

    def write(self, line: str) -> str:
        return line


def _csv_cell(value: str | int | None) -> str | int | None:
    return spreadsheet_safe(value) if isinstance(value, str) else value


def _json_char(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]


# --- for accounting programs ----------------------------------------------------------------------


def beancount(entries: Iterable[Line], roster: Roster) -> Iterator[str]:
    """A ledger for beancount, whose balances ``bean-check`` compares with ours.

    Entries must come by day and number, as journals are written; ``ValueError`` where they do not.
    """
    return _journal(_Beancount(roster), entries)


def hledger(entries: Iterable[Line], roster: Roster) -> Iterator[str]:
    """A journal for hledger, whose balances ``hledger check`` compares with ours.

    Entries must come by day and number, as journals are written; ``ValueError`` where they do not.
    """
    return _journal(_Hledger(roster), entries)


class _JournalFormat(Protocol):
    """How one program wants its journal written."""

    def opening(self, day: date) -> Iterator[str]:
        """What must be said before the first entry, which is of ``day``."""

    def transaction(self, line: Line, counter: str) -> Iterator[str]:
        """One entry, whose other side is the account ``counter``."""

    def closing(self, day: date) -> Iterator[str]:
        """Our balances after the last entry, which is of ``day``."""


def _journal(form: _JournalFormat, entries: Iterable[Line]) -> Iterator[str]:
    """The lines of a journal, which begins on the day of its first entry."""
    ordered = _in_date_order(entries)
    first = next(ordered, None)
    if first is None:
        yield from form.opening(_EPOCH)
        yield from form.closing(_EPOCH)
        return
    day = first.posted.entry.happened_on
    yield from form.opening(day)
    counters = _CounterAccounts()
    for line in chain([first], ordered):
        day = line.posted.entry.happened_on
        yield from form.transaction(line, counters.of(line.posted))
    yield from form.closing(day)


def _in_date_order(entries: Iterable[Line]) -> Iterator[Line]:
    """The same entries. Raises ``ValueError`` for one that comes too late."""
    last = (date.min, 0)
    for line in entries:
        posted = line.posted
        place = (posted.entry.happened_on, posted.n)
        if place <= last:
            raise ValueError(
                f"a journal wants entries by day and number, but entry {posted.n} comes too late"
            )
        last = place
        yield line


class _CounterAccounts:
    """Finds the account on the other side of each entry.

    Of what was, it remembers only what a reversal cannot tell by itself.
    """

    def __init__(self) -> None:
        self._by_hand: dict[int, str] = {}

    def of(self, posted: Posted) -> str:
        """The account against which an entry moves its coins."""
        entry = posted.entry
        if entry.kind is Kind.REVERSAL:
            # Awards are the bulk of a ledger and not remembered: their reversals name the lesson.
            otherwise = UNMATCHED if entry.lesson is None else COUNTER_ACCOUNTS[Kind.AWARD]
            return self._by_hand.pop(entry.reverses or 0, otherwise)
        counter = COUNTER_ACCOUNTS[entry.kind]
        if entry.kind is not Kind.AWARD:
            self._by_hand[posted.n] = counter
        return counter


def _account_of(owner: int) -> str:
    return f"Assets:Residents:R{owner}"


def _counter_accounts() -> list[str]:
    """Every account on the other side, once."""
    return list(dict.fromkeys([*COUNTER_ACCOUNTS.values(), UNMATCHED]))


@dataclass(frozen=True, slots=True)
class _Beancount:
    """Beancount's syntax: texts stand in quotes, what is not syntax is metadata."""

    roster: Roster

    def opening(self, day: date) -> Iterator[str]:
        """Options, the commodity and all accounts."""
        yield 'option "title" "coinsync"'
        yield f'option "operating_currency" "{COIN}"'
        yield ""
        yield f"{day} commodity {COIN}"
        for account in _counter_accounts():
            yield f"{day} open {account} {COIN}"
        names = self.roster.names()
        for owner in self.roster.owners():
            yield f"{day} open {_account_of(owner)} {COIN}"
            name = names.get(owner, "")
            if clean(name):
                yield f"  name: {_quoted(name)}"

    def transaction(self, line: Line, counter: str) -> Iterator[str]:
        """A transaction linked by its number with the one that reverses it."""
        posted = line.posted
        entry = posted.entry
        narration = _quoted(_narration(line, self.roster))
        links = f"^n{posted.n}"
        if entry.reverses:
            links += f" #reversal ^n{entry.reverses}"
        yield ""
        yield f"{entry.happened_on} * {narration} {links}"
        # A name of metadata has at least two letters, so the number cannot be called "n" here.
        yield f"  entry: {posted.n}"
        for name, value in _particulars(posted, self.roster):
            yield f"  {name}: {_quoted(value)}"
        yield f"  {_account_of(self.roster.owner(entry.resident))}  {entry.coins} {COIN}"
        yield f"  {counter}  {-entry.coins} {COIN}"

    def closing(self, day: date) -> Iterator[str]:
        """Assertions; beancount compares at the beginning of a day, hence of the next."""
        next_day = day + timedelta(days=1)
        yield ""
        for owner in self.roster.owners():
            coins = self.roster.balances.get(owner, 0)
            yield f"{next_day} balance {_account_of(owner)}  {coins} {COIN}"


@dataclass(frozen=True, slots=True)
class _Hledger:
    """Syntax of hledger: texts stand free, so what would end or split them is replaced."""

    roster: Roster

    def opening(self, day: date) -> Iterator[str]:
        """All that strict checks want declared: the commodity, payees and accounts."""
        yield "; coinsync"
        yield ""
        yield f"commodity 1000. {COIN}"
        for kind in Kind:
            yield f"payee {kind.value}"
        yield "payee balances"
        for account in _counter_accounts():
            yield f"account {account}"
        names = self.roster.names()
        for owner in self.roster.owners():
            name = _tag_value(names.get(owner, ""))
            yield f"account {_account_of(owner)}" + (f"  ; name: {name}" if name else "")

    def transaction(self, line: Line, counter: str) -> Iterator[str]:
        """A transaction whose payee is the entry's kind; its tags stand one a line."""
        posted = line.posted
        entry = posted.entry
        # A semicolon would begin a comment. A bar may stay: only the first one ends the payee.
        narration = _narration(line, self.roster).replace(";", ",")
        yield ""
        yield f"{entry.happened_on} * ({posted.n}) {entry.kind.value} | {narration}"
        yield f"    ; n: {posted.n}"
        for name, value in _particulars(posted, self.roster):
            yield f"    ; {name}: {_tag_value(value)}"
        if entry.reverses:
            yield f"    ; reverses: {entry.reverses}"
        yield f"    {_account_of(self.roster.owner(entry.resident))}  {entry.coins} {COIN}"
        yield f"    {counter}  {-entry.coins} {COIN}"

    def closing(self, day: date) -> Iterator[str]:
        """A last transaction that moves nothing and asserts: hledger compares in file order."""
        yield ""
        yield f"{day} * balances"
        for owner in self.roster.owners():
            coins = self.roster.balances.get(owner, 0)
            yield f"    {_account_of(owner)}  0 {COIN} = {coins} {COIN}"


def _narration(line: Line, roster: Roster) -> str:
    """Why the coins moved, in words, with the note where it may be told."""
    entry = line.posted.entry
    reason = clean(reason_text(entry.reason)) or entry.kind.value
    note = clean(line.note) if roster.with_names else ""
    return f"{reason} – {note}" if note else reason


def _particulars(posted: Posted, roster: Roster) -> Iterator[tuple[str, str]]:
    """What else an entry says of itself; the resident where the coins are another card's now."""
    entry = posted.entry
    yield "key", entry.key
    yield "kind", entry.kind.value
    yield "actor", entry.actor
    if roster.owner(entry.resident) != entry.resident:
        yield "resident", str(entry.resident)


def _quoted(text: str) -> str:
    escaped = clean(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _tag_value(text: str) -> str:
    """A text as a tag holds it: a comma would end the tag."""
    return clean(text).replace(",", ";")
