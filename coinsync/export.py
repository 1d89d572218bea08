"""The ledger for other programs: a spreadsheet, a script, and two accounting programs that count the coins again.

Everything is a function from values to lines without their ends, one at a time, so that memory does not grow with
history. All texts are data: none can break a line, become a formula or pass for syntax. What may name a person (names,
notes, numbers of VK accounts) is told only where the roster allows it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain
from typing import Protocol

from coinsync.core.facts import Link, Resident
from coinsync.core.identity import clean, spreadsheet_safe
from coinsync.core.ledger import Kind, Posted
from coinsync.core.reasons import reason_text

#: What coins are called in journals: accounting programs want a commodity in capital letters.
COIN = "COIN"
TITLE = "coinsync"

#: Against whose account an entry of each kind moves coins; a reversal goes back to that of what it reverses.
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

ENTRY_COLUMNS = (
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
RESIDENT_COLUMNS = ("id", "owner", "name", "presence", "branches", "balance")
LINK_COLUMNS = ("resident", "vk", "source", "live")

#: Columns that may name a person. A number of a VK account leads to a page with a name.
PERSONAL = frozenset({"name", "note", "vk"})

#: Where a journal without entries begins.
_EPOCH = date(1970, 1, 1)

# What both accounting programs take for a commodity without quotes.
_COMMODITY = re.compile(r"[A-Z]{2,24}")

#: A posted entry and the text of its note, "" where there is none or where it was erased.
Noted = tuple[Posted, str]

_Cell = str | int | None
_Row = dict[str, _Cell | list[int]]


@dataclass(frozen=True, slots=True)
class Roster:
    """Whose coins they are.

    ``survivors`` leads from each merged card to the card that carries on in the end, whose coins they are now; ``balances``
    are the coins of those owners as the ledger's own sums say, 0 where an owner is not named.
    """

    residents: Sequence[Resident]
    balances: Mapping[int, int]
    links: Sequence[Link] = ()
    survivors: Mapping[int, int] = field(default_factory=dict)
    with_names: bool = False

    def owner(self, resident: int) -> int:
        """The card that a resident's coins belong to."""
        return self.survivors.get(resident, resident)

    def owners(self) -> list[int]:
        """All cards that coins may belong to, by number."""
        return sorted({self.owner(one.id) for one in self.residents} | set(self.balances))

    def names(self) -> dict[int, str]:
        """Names by card; none where they are not to be told."""
        return {one.id: one.name for one in self.residents} if self.with_names else {}

    def columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Those of the columns that may be told."""
        return tuple(column for column in columns if self.with_names or column not in PERSONAL)


# --- for a spreadsheet -----------------------------------------------------------------------------------------------


def entries_csv(entries: Iterable[Noted], roster: Roster) -> Iterator[str]:
    """Entries for a spreadsheet, a heading first, in the order in which they come."""
    return _csv_lines(roster.columns(ENTRY_COLUMNS), _entry_rows(entries, roster))


def residents_csv(roster: Roster) -> Iterator[str]:
    """Residents with their balances for a spreadsheet, a heading first; a merged card has no coins of its own."""
    return _csv_lines(roster.columns(RESIDENT_COLUMNS), _resident_rows(roster))


class _Echo:
    """A file that gives back what is written, because a CSV writer wants one and the lines are wanted here."""

    def write(self, line: str) -> str:
        return line


def _csv_lines(columns: Sequence[str], rows: Iterable[_Row]) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="")
    yield str(writer.writerow(columns))
    for row in rows:
        yield str(writer.writerow([_csv_cell(row[column]) for column in columns]))


def _csv_cell(value: _Cell | list[int]) -> _Cell:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return spreadsheet_safe(value) if isinstance(value, str) else value


# --- for a script ----------------------------------------------------------------------------------------------------


def entries_jsonl(entries: Iterable[Noted], roster: Roster) -> Iterator[str]:
    """Entries as JSON, one object a line, with every text exactly as it is."""
    return _json_lines("entry", roster.columns(ENTRY_COLUMNS), _entry_rows(entries, roster))


def residents_jsonl(roster: Roster) -> Iterator[str]:
    """Residents with their balances as JSON, one object a line."""
    return _json_lines("resident", roster.columns(RESIDENT_COLUMNS), _resident_rows(roster))


def links_jsonl(roster: Roster) -> Iterator[str]:
    """Links as JSON, one object a line; which VK account it is belongs to the names."""
    rows: Iterable[_Row] = (
        {"resident": one.resident, "vk": one.vk, "source": str(one.source), "live": one.live}
        for one in roster.links
    )
    return _json_lines("link", roster.columns(LINK_COLUMNS), rows)


def all_jsonl(entries: Iterable[Noted], roster: Roster) -> Iterator[str]:
    """Residents, links, then entries as JSON: who reads line by line knows a resident before the first coin."""
    return chain(residents_jsonl(roster), links_jsonl(roster), entries_jsonl(entries, roster))


def _json_lines(what: str, columns: Sequence[str], rows: Iterable[_Row]) -> Iterator[str]:
    for row in rows:
        line = json.dumps(
            {"is": what, **{column: row[column] for column in columns}}, ensure_ascii=False
        )
        # JSON itself escapes only some of what a terminal or a reader of lines may stumble over.
        yield line if line.isprintable() else "".join(map(_json_char, line))


def _json_char(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]


# --- rows ------------------------------------------------------------------------------------------------------------


def _entry_rows(entries: Iterable[Noted], roster: Roster) -> Iterator[_Row]:
    names = roster.names()
    for posted, note in entries:
        entry = posted.entry
        yield {
            "n": posted.n,
            "key": entry.key,
            "seq": entry.seq,
            "resident": entry.resident,
            "owner": roster.owner(entry.resident),
            "name": names.get(entry.resident, ""),
            "coins": entry.coins,
            "kind": entry.kind.value,
            "happened_on": entry.happened_on.isoformat(),
            "posted_at": posted.posted_at,
            "actor": entry.actor,
            "reason": entry.reason,
            "note": note,
            "rule": entry.rule,
            "lesson": entry.lesson,
            "reverses": entry.reverses,
            "run": posted.run,
            "chain": posted.chain,
        }


def _resident_rows(roster: Roster) -> Iterator[_Row]:
    for one in roster.residents:
        owner = roster.owner(one.id)
        yield {
            "id": one.id,
            "owner": owner,
            "name": one.name,
            "presence": one.presence.value,
            "branches": list(one.branches),
            "balance": roster.balances.get(owner, 0) if owner == one.id else 0,
        }


# --- for accounting programs -----------------------------------------------------------------------------------------


def beancount(
    entries: Iterable[Noted], roster: Roster, *, coin: str = COIN, title: str = TITLE
) -> Iterator[str]:
    """A ledger for beancount, whose balances ``bean-check`` compares with ours.

    Entries must come by day and number, as journals are written; ``ValueError`` where they do not.
    """
    return _journal(_Beancount(roster, _commodity(coin), title), entries)


def hledger(
    entries: Iterable[Noted], roster: Roster, *, coin: str = COIN, title: str = TITLE
) -> Iterator[str]:
    """A journal for hledger, whose balances ``hledger check`` compares with ours; strict and ordered by day.

    Entries must come by day and number, as journals are written; ``ValueError`` where they do not.
    """
    return _journal(_Hledger(roster, _commodity(coin), title), entries)


def _commodity(coin: str) -> str:
    if not _COMMODITY.fullmatch(coin):
        raise ValueError(f"not a commodity of 2 to 24 capital letters: {coin!r}")
    return coin


class _Form(Protocol):
    """How one program wants its journal written."""

    def opening(self, day: date) -> Iterator[str]:
        """What must be said before the first entry, which is of ``day``."""

    def transaction(self, posted: Posted, note: str, counter: str) -> Iterator[str]:
        """One entry, whose other side is the account ``counter``."""

    def closing(self, day: date) -> Iterator[str]:
        """Our balances after the last entry, which is of ``day``."""


def _journal(form: _Form, entries: Iterable[Noted]) -> Iterator[str]:
    ordered = _in_date_order(entries)
    first = next(ordered, None)
    day = first[0].entry.happened_on if first else _EPOCH
    yield from form.opening(day)
    counters = _Counters()
    for posted, note in chain([first] if first else [], ordered):
        day = posted.entry.happened_on
        yield from form.transaction(posted, note, counters.of(posted))
    yield from form.closing(day)


def _in_date_order(entries: Iterable[Noted]) -> Iterator[Noted]:
    last = (date.min, 0)
    for posted, note in entries:
        place = (posted.entry.happened_on, posted.n)
        if place <= last:
            raise ValueError(
                f"a journal wants entries by day and number, but entry {posted.n} comes too late"
            )
        last = place
        yield posted, note


class _Counters:
    """Finds the other side of each entry; of what was, it remembers only what a reversal cannot tell by itself."""

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


def _purse(owner: int) -> str:
    return f"Assets:Residents:R{owner}"


def _counter_accounts() -> tuple[str, ...]:
    return tuple(dict.fromkeys([*COUNTER_ACCOUNTS.values(), UNMATCHED]))


@dataclass(frozen=True, slots=True)
class _Beancount:
    """Beancount's syntax: texts stand in quotes, what is not syntax is metadata."""

    roster: Roster
    coin: str
    title: str

    def opening(self, day: date) -> Iterator[str]:
        """Options, the commodity and all accounts."""
        yield f'option "title" {_quoted(self.title)}'
        yield f'option "operating_currency" "{self.coin}"'
        yield ""
        yield f"{day} commodity {self.coin}"
        for account in _counter_accounts():
            yield f"{day} open {account} {self.coin}"
        names = self.roster.names()
        for owner in self.roster.owners():
            yield f"{day} open {_purse(owner)} {self.coin}"
            if clean(names.get(owner, "")):
                yield f"  name: {_quoted(names[owner])}"

    def transaction(self, posted: Posted, note: str, counter: str) -> Iterator[str]:
        """A transaction linked by its number with the one that reverses it."""
        entry = posted.entry
        linked = f" #reversal ^n{entry.reverses}" if entry.reverses else ""
        yield ""
        yield f"{entry.happened_on} * {_quoted(_narration(posted, note, self.roster))} ^n{posted.n}{linked}"
        # The name of a piece of metadata has at least two letters, so the number cannot be called "n" here.
        yield f"  entry: {posted.n}"
        for name, value in _particulars(posted, self.roster):
            yield f"  {name}: {_quoted(value)}"
        yield f"  {_purse(self.roster.owner(entry.resident))}  {entry.coins} {self.coin}"
        yield f"  {counter}  {-entry.coins} {self.coin}"

    def closing(self, day: date) -> Iterator[str]:
        """Assertions; beancount compares at the beginning of a day, hence of the next."""
        yield ""
        for owner in self.roster.owners():
            coins = self.roster.balances.get(owner, 0)
            yield f"{day + timedelta(days=1)} balance {_purse(owner)}  {coins} {self.coin}"


@dataclass(frozen=True, slots=True)
class _Hledger:
    """Syntax of hledger: texts stand free, so what would end or split them is replaced by its next of kin."""

    roster: Roster
    coin: str
    title: str

    def opening(self, day: date) -> Iterator[str]:
        """All that strict checks want declared: the commodity, payees and accounts."""
        yield f"; {clean(self.title)}"
        yield ""
        yield f"commodity 1000. {self.coin}"
        for payee in (*(kind.value for kind in Kind), "balances"):
            yield f"payee {payee}"
        for account in _counter_accounts():
            yield f"account {account}"
        names = self.roster.names()
        for owner in self.roster.owners():
            name = _tag_value(names.get(owner, ""))
            yield f"account {_purse(owner)}" + (f"  ; name: {name}" if name else "")

    def transaction(self, posted: Posted, note: str, counter: str) -> Iterator[str]:
        """A transaction whose payee is the entry's kind; tags stand one a line, since a comma ends a tag."""
        entry = posted.entry
        # A semicolon would begin a comment. A bar may stay: only the first one ends the payee.
        narration = _narration(posted, note, self.roster).replace(";", ",")
        yield ""
        yield f"{entry.happened_on} * ({posted.n}) {entry.kind.value} | {narration}"
        yield f"    ; n: {posted.n}"
        for name, value in _particulars(posted, self.roster):
            yield f"    ; {name}: {_tag_value(value)}"
        if entry.reverses:
            yield f"    ; reverses: {entry.reverses}"
        yield f"    {_purse(self.roster.owner(entry.resident))}  {entry.coins} {self.coin}"
        yield f"    {counter}  {-entry.coins} {self.coin}"

    def closing(self, day: date) -> Iterator[str]:
        """A last transaction that moves nothing and asserts; hledger compares in the order of the file."""
        yield ""
        yield f"{day} * balances"
        for owner in self.roster.owners():
            yield f"    {_purse(owner)}  0 {self.coin} = {self.roster.balances.get(owner, 0)} {self.coin}"


def _narration(posted: Posted, note: str, roster: Roster) -> str:
    told = clean(reason_text(posted.entry.reason)) or posted.entry.kind.value
    remark = clean(note) if roster.with_names else ""
    return f"{told} – {remark}" if remark else told


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
    return clean(text).replace(",", ";")
