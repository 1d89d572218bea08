"""How facts, entries and moves of stock become rows of their tables, and how facts come back."""

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from peewee import CharField, Model

from coinsync.core.catalog import StockMove
from coinsync.core.fact_keys import KEY_FIELDS
from coinsync.core.facts import Fact
from coinsync.core.ledger import Run
from coinsync.core.plan import Plan, Post, Put, Stock
from coinsync.errors import CoinsyncError
from coinsync.store import models
from coinsync.store.models import EntryRow, StockMoveRow

Convert = Callable[[Any], Any]
#: Names of text fields, each with the characters that its column holds.
Limits = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """How one kind of fact lies in its table, column by column in the order of its fields.

    ``conversions`` say of some positions how a value is written, and how it is read back. Where the
    table ``only_grows``, one more column names the run that wrote the row.
    """

    fact: type[Fact]
    name: str
    columns: tuple[str, ...]
    key_at: tuple[int, ...]
    fields: Callable[[Any], tuple[Any, ...]]
    conversions: tuple[tuple[int, Convert, Convert], ...]
    limits: Limits
    only_grows: bool

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns of the key, in their order."""
        return tuple(self.columns[at] for at in self.key_at)

    def row(self, fact: Fact) -> list[Any]:
        """Turn a fact into its row."""
        row = list(self.fields(fact))
        for at, write, _ in self.conversions:
            row[at] = write(row[at])
        return row

    def value(self, row: Sequence[Any]) -> Any:
        """Turn a row back into its fact."""
        values = list(row)
        for at, _, read in self.conversions:
            values[at] = read(values[at])
        return self.fact(*values)

    def key(self, fact: Fact) -> tuple[Any, ...]:
        """The values of the key columns."""
        row = self.row(fact)
        return tuple(row[at] for at in self.key_at)


def _day_text(value: date | None) -> str | None:
    return value.isoformat() if value is not None else None


@lru_cache(maxsize=8192)
def day_of(text: Any) -> Any:
    """The day that a text says; a school's days are few and come again and again."""
    return date.fromisoformat(text) if text is not None else None


def ids_text(ids: Sequence[int]) -> str:
    """Write ids as one text, (3, 7) → ",3,7,", so that LIKE finds 3 and not in 37."""
    return "," + "".join(f"{id}," for id in ids)


@lru_cache(maxsize=8192)
def _ids(text: str) -> tuple[int, ...]:
    return tuple(int(id) for id in text.split(",") if id)


def _converters(hint: Any) -> tuple[Convert, Convert] | None:
    # How values of a type are written and read back; None where they stay as they are.
    if hint in (date, date | None):
        return _day_text, day_of
    if hint == tuple[int, ...]:
        return ids_text, _ids
    if hint is bool:
        return int, bool
    if isinstance(hint, type) and issubclass(hint, Enum):
        # ``value`` itself is looked up by the class, several times slower.
        return attrgetter("_value_"), _Members(hint).__getitem__
    return None


class _Members(dict[Any, Enum]):
    """The members of an enumeration by value: looked up, which is faster than asking the class."""

    def __init__(self, kind: type[Enum]) -> None:
        super().__init__({member.value: member for member in kind})
        self._kind = kind

    def __missing__(self, value: Any) -> Enum:
        # The class refuses what it does not know.
        return self._kind(value)


def _table(kind: type[Any], model: type[Model]) -> Table:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    conversions: list[tuple[int, Convert, Convert]] = []
    for at, name in enumerate(names):
        converters = _converters(hints[name])
        if converters is not None:
            conversions.append((at, *converters))
    return Table(
        fact=kind,
        name=model._meta.table_name,
        columns=tuple(model._meta.fields[name].column_name for name in names),
        key_at=tuple(names.index(name) for name in KEY_FIELDS[kind]),
        fields=attrgetter(*names),
        conversions=tuple(conversions),
        limits=_limits(model, [name for name in names if hints[name] is str]),
        only_grows=model in models.SHOP_MODELS,
    )


def _limits(model: type[Model], names: Sequence[str]) -> Limits:
    limits: list[tuple[str, int]] = []
    for name in names:
        field = model._meta.fields[name]
        if isinstance(field, CharField):
            limits.append((name, field.max_length))
    return tuple(limits)


#: A kind of fact and its model have the same name.
MODEL_OF: dict[type[Any], type[Model]] = {
    kind: getattr(models, f"{kind.__name__}Row") for kind in KEY_FIELDS
}

TABLES: dict[type[Any], Table] = {kind: _table(kind, model) for kind, model in MODEL_OF.items()}

_ENTRY_LIMITS = _limits(EntryRow, ("reason", "actor", "rule"))
_STOCK_LIMITS = _limits(StockMoveRow, ("actor",))


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


def stock_row(n: int, move: StockMove, digest_of_note: str, run: Run) -> tuple[Any, ...]:
    """The row of a move of stock, in the order of the model's columns."""
    return (
        n,
        move.key,
        move.item,
        move.quantity,
        move.kind.value,
        move.happened_on.isoformat(),
        move.actor,
        digest_of_note,
        move.sale,
        run.id,
        run.posted_at,
    )
