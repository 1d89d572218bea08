"""How a question is asked: by a query of peewee, or by a constant statement.

Models belong to no database, because threads have connections of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar, cast

from peewee import Database, Field, ModelSelect, Query

from coinsync.core.fact_keys import identity
from coinsync.core.facts import Branch, Fact, Group
from coinsync.store import statements
from coinsync.store.database import engine_of
from coinsync.store.rows import MODEL_OF, TABLES

#: Values asked for in one statement; a build of SQLite may take no more than 999.
BATCH = 500

T = TypeVar("T")
F = TypeVar("F", bound=Fact)
Row = tuple[Any, ...]


class Queries:
    """Asks one database, which must be connected when a question is asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engine = engine_of(database)

    def _rows(self, query: Query) -> Iterable[Row]:
        return cast(Iterable[Row], self._database.execute(query))

    def _row(self, query: Query) -> Row | None:
        return next(iter(self._rows(query)), None)

    def _stream(self, query: Query) -> Iterator[Row]:
        # No other question may be asked until the last row is taken.
        sql, values = self._database.get_sql_context().sql(query).query()
        return self._engine.stream(self._database, sql, values)

    def _constant(self, statement: str, values: Sequence[Any] = ()) -> Iterable[Row]:
        sql = statement.replace("?", self._database.param)
        return cast(Iterable[Row], self._database.execute_sql(sql, values))

    def _constant_row(self, statement: str, values: Sequence[Any] = ()) -> Row | None:
        return next(iter(self._constant(statement, values)), None)

    def _constant_in(self, statement: str, many: Iterable[Any], *others: Any) -> Iterator[Row]:
        """Rows for many values, a batch at a time in the place of ``{marks}``; others follow."""
        for batch in batches(many):
            yield from self._constant(with_marks(statement, batch), [*batch, *others])

    def recorded(self, kind: type[F], values: Iterable[Any], column: str = "") -> list[F]:
        """Facts of a kind by the values of a column, by default the first one of their key."""
        table = TABLES[kind]
        statement = statements.facts_by(table, column or table.key_columns[0])
        return [table.value(row) for row in self._constant_in(statement, sorted(set(values)))]

    def _of_residents(self, kind: type[F], residents: Iterable[int]) -> list[F]:
        return sorted(self.recorded(kind, residents, "resident_id"), key=identity)

    def find(self, kind: type[F], key: Any) -> F | None:
        """The fact with that key, of a kind whose key has one column."""
        facts = self.recorded(kind, [key])
        return facts[0] if facts else None

    def names(self, kind: type[Branch | Group]) -> dict[int, str]:
        """The names of all branches or groups, by number."""
        return {named.id: named.name for named in self.all(kind)}

    def all(self, kind: type[F]) -> list[F]:
        """All facts of a kind, in the order of their keys."""
        return self._facts(kind, select_facts(kind).order_by(*key_of(kind)))

    def _facts(self, kind: type[F], query: ModelSelect[Any]) -> list[F]:
        table = TABLES[kind]
        return [table.value(row) for row in self._rows(query)]


def select_facts(kind: type[Any]) -> ModelSelect[Any]:
    """A query for facts of a kind, with the columns in the order that its table expects."""
    return MODEL_OF[kind].select(*_columns(kind, TABLES[kind].columns))


def key_of(kind: type[Any]) -> list[Field]:
    """The columns of a kind's key."""
    return _columns(kind, TABLES[kind].key_columns)


def _columns(kind: type[Any], names: Sequence[str]) -> list[Field]:
    columns = MODEL_OF[kind]._meta.columns
    return [columns[name] for name in names]


def with_marks(statement: str, values: Sequence[Any]) -> str:
    """A statement with as many marks as there are values."""
    return statement.format(marks=", ".join("?" * len(values)))


def batches(values: Iterable[T]) -> Iterator[list[T]]:
    """Cut values into lists that fit into one statement."""
    remaining = iter(values)
    while batch := list(islice(remaining, BATCH)):
        yield batch
