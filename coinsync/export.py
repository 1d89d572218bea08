"""The ledger for other programs: a spreadsheet, a script, and two programs that count it again.

Lines come without their ends and one at a time, so that memory does not grow with history. All
texts are data: none can break a line, become a formula or pass for syntax.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from coinsync.core.facts import Resident
from coinsync.core.identity import clean, spreadsheet_safe
from coinsync.core.ledger import Kind, Line, Posted, ledger_row
from coinsync.core.reasons import reason_text

#: What coins are called in journals: accounting programs want a commodity in capital letters.
COIN = "COIN"

#: The account on the other side of each kind; a reversal takes that of what it reverses.
_COUNTER_ACCOUNTS: Mapping[Kind, str] = {
    Kind.AWARD: "Income:Lessons",
    Kind.CREDIT: "Income:Credits",
    Kind.DEBIT: "Expenses:Debits",
    Kind.OPENING: "Equity:Opening",
    Kind.GIFT: "Income:Gifts",
    Kind.SALE: "Expenses:Shop",
    Kind.REFUND: "Expenses:Shop",
}

#: The other side of a reversal that comes before, or without, what it reverses.
_UNMATCHED = "Equity:Unmatched"
_OTHER_SIDES = tuple(dict.fromkeys([*_COUNTER_ACCOUNTS.values(), _UNMATCHED]))

COLUMNS = (
    "entry",
    "key",
    "seq",
    "resident",
    "owner",
    "name",
    "coins",
    "kind",
    "day",
    "posted_at",
    "actor",
    "reason",
    "note",
    "rule",
    "lesson",
    "reverses",
    "run",
)

#: Columns that may name a person.
PERSONAL = frozenset({"name", "note"})

#: Where a journal without entries begins.
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Roster:
    """Whose coins they are; ``balances`` by the card that goes on, 0 where it is not named."""

    residents: Sequence[Resident]
    balances: Mapping[int, int]
    survivors: Mapping[int, int] = field(default_factory=dict)
    with_names: bool = False

    def owner(self, resident: int) -> int:
        """The card that a resident's coins belong to."""
        return self.survivors.get(resident, resident)

    def account(self, resident: int) -> str:
        """Their account in a journal."""
        return f"Assets:Residents:R{self.owner(resident)}"

    def accounts(self) -> Iterator[tuple[str, str, int]]:
        """All accounts in a journal, each with its owner's name and balance."""
        names = self.names()
        owners = {self.owner(resident.id) for resident in self.residents}
        for owner in sorted(owners | set(self.balances)):
            yield self.account(owner), names.get(owner, ""), self.balances.get(owner, 0)

    def names(self) -> dict[int, str]:
        """Names by card, where they may be shown."""
        if not self.with_names:
            return {}
        return {resident.id: resident.name for resident in self.residents}

    def columns(self) -> tuple[str, ...]:
        """The columns that may be shown."""
        return tuple(name for name in COLUMNS if self.with_names or name not in PERSONAL)


def csv_lines(entries: Iterable[Line], roster: Roster) -> Iterator[str]:
    """Entries for a spreadsheet, a heading first."""
    writer = csv.writer(_Echo(), lineterminator="")
    yield str(writer.writerow(roster.columns()))
    for row in _rows(entries, roster):
        yield str(writer.writerow(map(_csv_cell, row.values())))


def json_lines(entries: Iterable[Line], roster: Roster) -> Iterator[str]:
    """Entries as JSON, one object a line, with every text exactly as it is."""
    for row in _rows(entries, roster):
        line = json.dumps(row, ensure_ascii=False)
        # JSON itself escapes only some of what a terminal or a reader of lines may stumble over.
        yield line if line.isprintable() else "".join(map(_json_char, line))


def _rows(entries: Iterable[Line], roster: Roster) -> Iterator[dict[str, Any]]:
    names, columns = roster.names(), roster.columns()
    for line in entries:
        resident = line.posted.entry.resident
        row = ledger_row(line.posted, "")._asdict()
        row["owner"] = roster.owner(resident)
        row["name"] = names.get(resident, "")
        row["note"] = line.note
        row["entry"], row["day"] = row["n"], row["happened_on"]
        yield {column: row[column] for column in columns}


class _Echo:
    # A CSV writer wants a file, we want its lines.

    def write(self, line: str) -> str:
        return line


def _csv_cell(value: str | int | None) -> str | int | None:
    return spreadsheet_safe(value) if isinstance(value, str) else value


def _json_char(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]


def beancount(entries: Iterable[Line], roster: Roster) -> Iterator[str]:
    """A ledger for ``bean-check``. Raises ``ValueError`` unless entries come by day and number."""
    return _journal(_Beancount(roster), entries)


def hledger(entries: Iterable[Line], roster: Roster) -> Iterator[str]:
    """A journal for ``hledger check``. Raises ``ValueError`` as ``beancount`` does."""
    return _journal(_Hledger(roster), entries)


def _journal(program: _Beancount | _Hledger, entries: Iterable[Line]) -> Iterator[str]:
    by_hand: dict[int, str] = {}
    day, last = _EPOCH, (date.min, 0)
    for line in entries:
        n, day = line.posted.n, line.posted.entry.happened_on
        if not last[1]:
            # A journal begins on the day of its first entry.
            yield from program.opening(day)
        if (day, n) <= last:
            raise ValueError(f"a journal wants entries by day and number; entry {n} comes too late")
        last = (day, n)
        yield from program.transaction(line, _counter_account(line.posted, by_hand))
    if not last[1]:
        yield from program.opening(day)
    yield from program.closing(day)


def _counter_account(posted: Posted, by_hand: dict[int, str]) -> str:
    # The account on the other side; ``by_hand`` are those of earlier entries, by number.
    entry = posted.entry
    if entry.kind is Kind.REVERSAL:
        # Awards are the bulk of a ledger and not remembered: their reversals name the lesson.
        otherwise = _UNMATCHED if entry.lesson is None else _COUNTER_ACCOUNTS[Kind.AWARD]
        return by_hand.pop(entry.reverses or 0, otherwise)
    counter = _COUNTER_ACCOUNTS[entry.kind]
    if entry.kind is not Kind.AWARD:
        by_hand[posted.n] = counter
    return counter


@dataclass(frozen=True, slots=True)
class _Beancount:
    # Texts stand in quotes, what is not syntax is metadata.

    roster: Roster

    def opening(self, day: date) -> Iterator[str]:
        yield 'option "title" "coinsync"'
        yield f'option "operating_currency" "{COIN}"'
        yield ""
        yield f"{day} commodity {COIN}"
        for account in _OTHER_SIDES:
            yield f"{day} open {account} {COIN}"
        for account, name, _ in self.roster.accounts():
            yield f"{day} open {account} {COIN}"
            if clean(name):
                yield f"  name: {_quoted(name)}"

    def transaction(self, line: Line, counter: str) -> Iterator[str]:
        posted, entry = line.posted, line.posted.entry
        narration = _quoted(_narration(line, self.roster))
        links = f"^n{posted.n}"
        if entry.reverses:
            links += f" #reversal ^n{entry.reverses}"
        yield ""
        yield f"{entry.happened_on} * {narration} {links}"
        yield f"  entry: {posted.n}"
        for name, value in _particulars(posted, self.roster):
            yield f"  {name}: {_quoted(value)}"
        yield f"  {self.roster.account(entry.resident)}  {entry.coins} {COIN}"
        yield f"  {counter}  {-entry.coins} {COIN}"

    def closing(self, day: date) -> Iterator[str]:
        # Beancount compares at the beginning of a day, so the assertions are of the next. The last
        # day that a calendar has is followed by none.
        if day == date.max:
            return
        next_day = day + timedelta(days=1)
        yield ""
        for account, _, coins in self.roster.accounts():
            yield f"{next_day} balance {account}  {coins} {COIN}"


@dataclass(frozen=True, slots=True)
class _Hledger:
    # Texts stand free, so what would end or split them is replaced.

    roster: Roster

    def opening(self, day: date) -> Iterator[str]:
        # Strict checks want the commodity, payees and accounts declared.
        yield "; coinsync"
        yield ""
        yield f"commodity 1000. {COIN}"
        for kind in Kind:
            yield f"payee {kind.value}"
        yield "payee balances"
        for account in _OTHER_SIDES:
            yield f"account {account}"
        for account, name, _ in self.roster.accounts():
            tag = f"  ; name: {_tag_value(name)}" if clean(name) else ""
            yield f"account {account}{tag}"

    def transaction(self, line: Line, counter: str) -> Iterator[str]:
        posted, entry = line.posted, line.posted.entry
        # A semicolon would begin a comment. A bar may stay: only the first one ends the payee.
        narration = _narration(line, self.roster).replace(";", ",")
        yield ""
        yield f"{entry.happened_on} * ({posted.n}) {entry.kind.value} | {narration}"
        yield f"    ; entry: {posted.n}"
        for name, value in _particulars(posted, self.roster):
            yield f"    ; {name}: {_tag_value(value)}"
        if entry.reverses:
            yield f"    ; reverses: {entry.reverses}"
        yield f"    {self.roster.account(entry.resident)}  {entry.coins} {COIN}"
        yield f"    {counter}  {-entry.coins} {COIN}"

    def closing(self, day: date) -> Iterator[str]:
        # Hledger compares in the order of the file: a last transaction moves nothing and asserts.
        yield ""
        yield f"{day} * balances"
        for account, _, coins in self.roster.accounts():
            yield f"    {account}  0 {COIN} = {coins} {COIN}"


def _narration(line: Line, roster: Roster) -> str:
    entry = line.posted.entry
    reason = clean(reason_text(entry.reason)) or entry.kind.value
    note = clean(line.note) if roster.with_names else ""
    return f"{reason} – {note}" if note else reason


def _particulars(posted: Posted, roster: Roster) -> Iterator[tuple[str, str]]:
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
    # A comma would end the tag.
    return clean(text).replace(",", ";")


#: The lines of each format, by its name on the command line.
FORMATS: Mapping[str, Callable[[Iterable[Line], Roster], Iterator[str]]] = {
    "csv": csv_lines,
    "jsonl": json_lines,
    "beancount": beancount,
    "hledger": hledger,
}
