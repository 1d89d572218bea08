"""Copying a whole database into an empty one, on the same engine or the other: every row as it lies there.

This is the second place that writes, because a copy is no plan: nothing in it is new. It is one transaction, so that a
copy that is disturbed leaves the target empty, and it believes nothing before it has read it back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from peewee import CompositeKey, Database

from coinsync.errors import CoinsyncError, DatabaseUnusable
from coinsync.store import database as opening
from coinsync.store.inserts import ROWS_PER_STATEMENT, insert
from coinsync.store.models import MODELS, HeadRow
from coinsync.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns, and those by which its rows are in an order that every engine gives."""

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]


def _tables() -> Iterator[Table]:
    """Every table but the head's, in the order in which their rows refer to one another."""
    for model in MODELS:
        meta: Any = model._meta
        key = meta.primary_key
        names = key.field_names if isinstance(key, CompositeKey) else (key.name,)
        if model is not HeadRow:
            columns = tuple(field.column_name for field in meta.sorted_fields)
            yield Table(
                meta.table_name, columns, tuple(meta.fields[name].column_name for name in names)
            )


TABLES = tuple(_tables())


def copy(source_url: str, target_url: str, *, wait_seconds: float) -> dict[str, int]:
    """Copy all rows; how many there are in each table. The target is made when it is missing.

    Raises ``DatabaseUnusable`` where the target holds something already; then, as on every error, nothing is copied.
    """
    if opening.place(source_url) == opening.place(target_url):
        raise DatabaseUnusable(
            f"copy: {opening.place(target_url)} cannot be copied onto itself; nothing written"
        )
    source = opening.open_readable(source_url, wait_seconds=wait_seconds)
    with opening.reading(source):
        opening.create(target_url)
        target = opening.open_writable(target_url, wait_seconds=wait_seconds)
        try:
            with opening.speaking(target):
                told = _copy(source, target)
                _compare(told, target)
        finally:
            target.close()
    return {table: count for table, (count, _) in told.items()}


Told = dict[str, tuple[int, str]]


def _copy(source: Database, target: Database) -> Told:
    place = opening.engine_of(target).place_of(target)
    head = Reader(source).head()
    target.begin()
    try:
        # As every writer: first the head row, which nobody else can change until the end. Only the
        # head of an empty database is taken.
        (
            HeadRow.update(n=head.n, runs=head.runs, account=head.account, stock=head.stock)
            .where((HeadRow.id == 1) & (HeadRow.n == 0) & (HeadRow.runs == 0))
            .execute(target)
        )
        full = [
            table.name
            for table in TABLES
            if target.execute_sql(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone()
        ]
        if full or Reader(target).head() != head:
            raise DatabaseUnusable(
                f"copy: {place} is not empty ({full[0] if full else 'head'}); nothing written",
                advice="Copy into a new database, or into one that holds nothing.",
            )
        told = {table.name: _counted(source, table, _into(target, table)) for table in TABLES}
    except BaseException:
        target.rollback()
        raise
    target.commit()
    return told


def _into(target: Database, table: Table) -> Callable[[list[tuple[Any, ...]]], None]:
    return lambda rows: insert(target, table.name, table.columns, rows)


def _counted(
    database: Database,
    table: Table,
    take: Callable[[list[tuple[Any, ...]]], None] = lambda _rows: None,
) -> tuple[int, str]:
    """Hand over all rows of a table; how many there were, and a digest of them in their order."""
    sql = f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY {', '.join(table.order)}"
    rows = opening.engine_of(database).stream(database, sql, ())
    count, digest = 0, hashlib.sha256()
    while batch := list(islice(rows, ROWS_PER_STATEMENT)):
        take(batch)
        count += len(batch)
        digest.update(repr([tuple(row) for row in batch]).encode("utf-8", "surrogatepass"))
    return count, digest.hexdigest()


def _compare(told: Told, target: Database) -> None:
    for table in TABLES:
        if _counted(target, table) != told[table.name]:
            place = opening.engine_of(target).place_of(target)
            raise CoinsyncError(
                f"copy: {place}: {table.name} does not hold what was copied",
                advice='Do not use this copy; "coinsync reconcile" on both says where they differ.',
            )
