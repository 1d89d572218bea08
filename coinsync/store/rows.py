"""How a fact becomes a row of its table and comes back."""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from peewee import CharField, CompositeKey, Model

from coinsync.core import catalog, facts
from coinsync.core.plan import Fact
from coinsync.store.models import (
    ENTRY_COLUMNS,
    MODELS,
    RUN_COLUMNS,
    STOCK_COLUMNS,
    AttendanceRow,
    BranchRow,
    DecisionRow,
    EntryRow,
    EventRow,
    GroupRow,
    HeadRow,
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
    RunRow,
    SaleLineRow,
    SaleRow,
    StockMoveRow,
    VkPageRow,
)

__all__ = [
    "ENTRY_COLUMNS",
    "MODELS",
    "RUN_COLUMNS",
    "STOCK_COLUMNS",
    "AttendanceRow",
    "BranchRow",
    "DecisionRow",
    "EntryRow",
    "EventRow",
    "GroupRow",
    "HeadRow",
    "HoldRow",
    "ItemRow",
    "LessonRow",
    "LessonTypeRow",
    "LinkRow",
    "MembershipRow",
    "MergeRow",
    "NoteRow",
    "RefundLineRow",
    "ResidentRow",
    "RunRow",
    "SaleLineRow",
    "SaleRow",
    "StockMoveRow",
    "VkPageRow",
]

#: How many characters texts of entries and of moves may have: one engine would cut them or refuse,
#: the other would not.
ENTRY_LIMITS = (("reason", 200), ("actor", 80), ("rule", 80))
STOCK_LIMITS = (("actor", 80), ("note", 200))

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Table:
    """How one kind of fact lies in its table, column by column in the order of its fields.

    ``into`` and ``back`` hold only the columns that need a conversion, by position; ``key_at``
    those of the key.
    ``limits`` says how many signs a text may have, by the name of its field.
    """

    fact: type[Fact]
    name: str
    columns: tuple[str, ...]
    key_columns: tuple[str, ...]
    key_at: tuple[int, ...]
    fields: Callable[[Any], tuple[Any, ...]]
    into: tuple[tuple[int, Convert], ...]
    back: tuple[tuple[int, Convert], ...]
    limits: tuple[tuple[str, int], ...]

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
    """Write a list of ids as one text: (3, 7) → ",3,7,"; () → ","."""
    return "," + "".join(f"{one}," for one in ids)


@lru_cache(maxsize=8192)
def _ids(text: str) -> tuple[int, ...]:
    return tuple(int(one) for one in text.split(",") if one)


def _converters(hint: Any) -> tuple[Convert, Convert] | None:
    if hint in (date, date | None):
        return _day_text, day_of
    if hint == tuple[int, ...]:
        return ids_text, _ids
    if isinstance(hint, type) and issubclass(hint, Enum):
        members = {member.value: member for member in hint}
        # Looking up is several times faster than asking the class, which still refuses what it
        # does not know.
        return attrgetter("value"), lambda value: members.get(value) or hint(value)
    return (int, bool) if hint is bool else None


def _table(fact: type[Fact], model: type[Model]) -> Table:
    hints = typing.get_type_hints(fact)
    names = [one.name for one in fields(fact)]
    meta: Any = model._meta
    key = meta.primary_key
    key_names = key.field_names if isinstance(key, CompositeKey) else (key.name,)
    converters = [
        (at, pair)
        for at, name in enumerate(names)
        if (pair := _converters(hints[name])) is not None
    ]
    return Table(
        fact,
        meta.table_name,
        tuple(meta.fields[name].column_name for name in names),
        tuple(meta.fields[name].column_name for name in key_names),
        tuple(names.index(name) for name in key_names),
        attrgetter(*names),
        tuple((at, into) for at, (into, _) in converters),
        tuple((at, back) for at, (_, back) in converters),
        tuple(
            (name, meta.fields[name].max_length)
            for name in names
            if hints[name] is str and isinstance(meta.fields[name], CharField)
        ),
    )


TABLES: dict[type[Any], Table] = {
    fact: _table(fact, model)
    for fact, model in (
        (facts.Branch, BranchRow),
        (facts.LessonType, LessonTypeRow),
        (facts.Group, GroupRow),
        (facts.Resident, ResidentRow),
        (facts.Merge, MergeRow),
        (facts.Membership, MembershipRow),
        (facts.Link, LinkRow),
        (facts.VkPage, VkPageRow),
        (facts.Lesson, LessonRow),
        (facts.Attendance, AttendanceRow),
        (facts.Hold, HoldRow),
        (facts.Decision, DecisionRow),
        (facts.Note, NoteRow),
        (catalog.Item, ItemRow),
        (catalog.Event, EventRow),
        (catalog.Sale, SaleRow),
        (catalog.SaleLine, SaleLineRow),
        (catalog.RefundLine, RefundLineRow),
    )
}
