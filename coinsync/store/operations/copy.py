"""Copying a whole database into an empty one, on the same engine or the other.

It writes without a plan, because nothing in a copy is new: in one transaction, so that the target
stays empty when it is disturbed. What was written is read back and compared.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice

from peewee import Database, Model

from coinsync.errors import CoinsyncError, DatabaseUnusable
from coinsync.store.database import (
    create,
    engine_of,
    open_readable,
    open_writable,
    place,
    place_of,
    reading,
    speaking,
)
from coinsync.store.inserts import ROWS_PER_STATEMENT, insert
from coinsync.store.models import MODELS, HeadRow, columns_of, key_columns_of
from coinsync.store.reader import Reader


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table, its columns, and those that order its rows alike on every engine."""

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]


#: Rows of a table, and a digest of them in their order.
Content = tuple[int, str]


def _copied_table(model: type[Model]) -> CopiedTable:
    return CopiedTable(model._meta.table_name, columns_of(model), key_columns_of(model))


#: Every table but the head's, in the order in which their rows refer to one another.
TABLES = tuple(_copied_table(model) for model in MODELS if model is not HeadRow)


def copy_database(source_url: str, target_url: str, *, wait_seconds: float) -> dict[str, int]:
    """Copy all rows; how many there are in each table. The target is made when it is missing.

    Raises ``DatabaseUnusable`` where the target holds something already.
    """
    if place(source_url) == place(target_url):
        raise DatabaseUnusable(
            f"copy: {place(target_url)} cannot be copied onto itself; nothing written"
        )
    source = open_readable(source_url, wait_seconds=wait_seconds)
    with reading(source):
        create(target_url)
        target = open_writable(target_url, wait_seconds=wait_seconds)
        try:
            with speaking(target):
                contents = _fill(source, target)
                _compare(contents, target)
        finally:
            target.close()
    return {table: count for table, (count, _) in contents.items()}


def _fill(source: Database, target: Database) -> dict[str, Content]:
    """Copy every table in one transaction; what was read from each."""
    head = Reader(source).head()
    target.begin()
    try:
        # As every writer: first the head row, which nobody else can change until the end. Only the
        # head of an empty database is taken.
        take_head = HeadRow.update(
            n=head.n, runs=head.runs, account=head.account, stock=head.stock
        ).where((HeadRow.id == 1) & (HeadRow.n == 0) & (HeadRow.runs == 0))
        take_head.execute(target)
        filled = _filled_table(target)
        if filled or Reader(target).head() != head:
            raise DatabaseUnusable(
                f"copy: {place_of(target)} is not empty ({filled or 'head'}); nothing written",
                advice="Copy into a new database, or into one that holds nothing.",
            )
        contents = {table.name: _read_all(source, table, into=target) for table in TABLES}
    except BaseException:
        target.rollback()
        raise
    target.commit()
    return contents


def _filled_table(database: Database) -> str:
    for table in TABLES:
        if database.execute_sql(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone():
            return table.name
    return ""


def _compare(contents: dict[str, Content], target: Database) -> None:
    for table in TABLES:
        if _read_all(target, table) != contents[table.name]:
            raise CoinsyncError(
                f"copy: {place_of(target)}: {table.name} does not hold what was copied",
                advice='Do not use this copy; "coinsync reconcile" on both says where they differ.',
            )


def _read_all(database: Database, table: CopiedTable, *, into: Database | None = None) -> Content:
    columns, order = ", ".join(table.columns), ", ".join(table.order)
    sql = f"SELECT {columns} FROM {table.name} ORDER BY {order}"
    rows = engine_of(database).stream(database, sql, ())
    count, digest = 0, hashlib.sha256()
    while batch := [tuple(row) for row in islice(rows, ROWS_PER_STATEMENT)]:
        if into is not None:
            insert(into, table.name, table.columns, batch)
        count += len(batch)
        # A damaged text may hold halves of a character, which UTF-8 does not take.
        digest.update(repr(batch).encode("utf-8", "surrogatepass"))
    return count, digest.hexdigest()
