"""How facts, entries and moves of stock become rows of their tables, and how facts come back."""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from peewee import CharField, Model

from coinsync.core import catalog, facts
from coinsync.core.fact_keys import KEY_FIELDS
from coinsync.core.facts import Fact
from coinsync.core.ledger import Receipt
from coinsync.core.plan import Plan, Post, Put, Stock
from coinsync.errors import CoinsyncError
from coinsync.store.models import (
    AttendanceRow,
    BranchRow,
    DecisionRow,
    EntryRow,
    EventRow,
    GroupRow,
    HoldRow,
    ItemRow,
    LessonRow,
    LessonTypeRow,
    LinkRow,
    MembershipRow,
    MergeRow,
    NoteRow,
    RefundLineRow,
    ResidentRow,
    SaleLineRow,
    SaleRow,
    StockMoveRow,
    VkPageRow,
)

Convert = Callable[[Any], Any]
#: Names of text fields, each with the characters that its column holds.
Limits = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """How one kind of fact lies in its table, column by column in the order of its fields.

    ``into`` and ``back`` hold only the columns that need a conversion, by position; ``key_at`` are
    the positions of the key columns; ``limits`` says how long texts may be.
    """

    fact: type[Fact]
    name: str
    columns: tuple[str, ...]
    key_columns: tuple[str, ...]
    key_at: tuple[int, ...]
    fields: Callable[[Any], tuple[Any, ...]]
    into: tuple[tuple[int, Convert], ...]
    back: tuple[tuple[int, Convert], ...]
    limits: Limits

    @property
    def lookup(self) -> str:
        """The column by which many rows are read at once."""
        return self.key_columns[0]

    def row(self, fact: Fact) -> list[Any]:
        """Turn a fact into its row."""
        row = list(self.fields(fact))
        for at, convert in self.into:
            row[at] = convert(row[at])
        return row

    def value(self, row: Sequence[Any]) -> Any:
        """Turn a row back into its fact."""
        values = list(row)
        for at, convert in self.back:
            values[at] = convert(values[at])
        return self.fact(*values)

    def key(self, fact: Fact) -> tuple[Any, ...]:
        """The values of the key columns."""
        row = self.row(fact)
        return tuple(row[at] for at in self.key_at)


def _day_text(value: date | None) -> str | None:
    return value.isoformat() if value is not None else None


@lru_cache(maxsize=8192)
def day_of(text: Any) -> Any:
    """Read a day back; a school's days are few and come again and again."""
    return date.fromisoformat(text) if text is not None else None


def ids_text(ids: Sequence[int]) -> str:
    """Write a list of ids as one text: (3, 7) → ",3,7,"; () → ",".

    Each id stands between commas, so that LIKE finds 3 and does not find it in 37.
    """
    return "," + "".join(f"{id}," for id in ids)


@lru_cache(maxsize=8192)
def _ids(text: str) -> tuple[int, ...]:
    return tuple(int(id) for id in text.split(",") if id)


def _converters(hint: Any) -> tuple[Convert, Convert] | None:
    """How values of a type are written and read back; None where they stay as they are."""
    if hint in (date, date | None):
        return _day_text, day_of
    if hint == tuple[int, ...]:
        return ids_text, _ids
    if hint is bool:
        return int, bool
    if isinstance(hint, type) and issubclass(hint, Enum):
        return attrgetter("value"), _reader_of(hint)
    return None


def _reader_of(kind: type[Enum]) -> Convert:
    members = {member.value: member for member in kind}

    def read(value: Any) -> Enum:
        # Looking up is several times faster than asking the class, which is left to refuse what it
        # does not know.
        return members.get(value) or kind(value)

    return read


def _table(kind: type[Any], model: type[Model]) -> Table:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    key_names = KEY_FIELDS[kind]
    column_of = {name: model._meta.fields[name].column_name for name in names}
    into: list[tuple[int, Convert]] = []
    back: list[tuple[int, Convert]] = []
    for at, name in enumerate(names):
        converters = _converters(hints[name])
        if converters is not None:
            into.append((at, converters[0]))
            back.append((at, converters[1]))
    texts = [name for name in names if hints[name] is str]
    return Table(
        fact=kind,
        name=model._meta.table_name,
        columns=tuple(column_of[name] for name in names),
        key_columns=tuple(column_of[name] for name in key_names),
        key_at=tuple(names.index(name) for name in key_names),
        fields=attrgetter(*names),
        into=tuple(into),
        back=tuple(back),
        limits=_limits(model, texts),
    )


def _limits(model: type[Model], names: Sequence[str]) -> Limits:
    limits: list[tuple[str, int]] = []
    for name in names:
        field = model._meta.fields[name]
        if isinstance(field, CharField):
            limits.append((name, field.max_length))
    return tuple(limits)


MODEL_OF: dict[type[Any], type[Model]] = {
    facts.Branch: BranchRow,
    facts.LessonType: LessonTypeRow,
    facts.Group: GroupRow,
    facts.Resident: ResidentRow,
    facts.Merge: MergeRow,
    facts.Membership: MembershipRow,
    facts.Link: LinkRow,
    facts.VkPage: VkPageRow,
    facts.Lesson: LessonRow,
    facts.Attendance: AttendanceRow,
    facts.Hold: HoldRow,
    facts.Decision: DecisionRow,
    facts.Note: NoteRow,
    catalog.Item: ItemRow,
    catalog.Event: EventRow,
    catalog.Sale: SaleRow,
    catalog.SaleLine: SaleLineRow,
    catalog.RefundLine: RefundLineRow,
}

TABLES: dict[type[Any], Table] = {kind: _table(kind, model) for kind, model in MODEL_OF.items()}

_ENTRY_LIMITS = _limits(EntryRow, ("reason", "actor", "rule"))
_STOCK_LIMITS = _limits(StockMoveRow, ("actor", "note"))


def refuse_too_long(plan: Plan) -> None:
    """Refuse texts beyond what their columns hold: SQLite would keep them, MariaDB would not."""
    for change in plan.changes:
        match change:
            case Put(new=fact):
                _check_lengths(fact, TABLES[type(fact)].limits)
            case Post(entry=entry):
                _check_lengths(entry, _ENTRY_LIMITS)
            case Stock(move=move):
                _check_lengths(move, _STOCK_LIMITS)


def _check_lengths(subject: object, limits: Limits) -> None:
    for name, length_max in limits:
        if len(getattr(subject, name)) > length_max:
            kind = type(subject).__name__.lower()
            raise CoinsyncError(
                f"{kind}: {name} is too long, {length_max} signs are the limit; nothing written",
                advice="Shorten it where it comes from, and run the command again.",
            )


def stock_row(n: int, move: catalog.StockMove, receipt: Receipt) -> tuple[Any, ...]:
    """The row of a move of stock, in the order of the model's columns."""
    return (
        n,
        move.key,
        move.item,
        move.quantity,
        move.kind.value,
        move.happened_on.isoformat(),
        move.actor,
        move.note,
        move.sale,
        receipt.run,
        receipt.posted_at,
    )
