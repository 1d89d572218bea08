"""Copying a whole database into an empty one, on the same engine or the other.

It writes without a plan, because nothing in a copy is new: in one transaction, so that the target
stays empty when it is disturbed. What was written is read back and compared.
"""

import hashlib
from dataclasses import asdict
from itertools import islice

from peewee import Database

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
from coinsync.store.models import (
    MODEL_OF_TABLE,
    TABLE_NAMES,
    HeadRow,
    columns_of,
    key_columns_of,
)
from coinsync.store.reader import Reader

#: Rows of a table, and a digest of them in their order.
Content = tuple[int, str]


#: Every table but the head's, in the order in which their rows refer to one another.
COPIED = tuple(table for table in TABLE_NAMES if table != "head")


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
                # A run that was killed may have filled it and not compared any more.
                if Reader(target).head() == Reader(source).head():
                    contents = {table: _read_all(source, table) for table in COPIED}
                else:
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
        is_empty = (HeadRow.id == 1) & (HeadRow.n == 0) & (HeadRow.runs == 0)
        HeadRow.update(**asdict(head)).where(is_empty).execute(target)
        filled = _filled_table(target)
        if filled or Reader(target).head() != head:
            raise DatabaseUnusable(
                f"copy: {place_of(target)} is not empty ({filled or 'head'}); nothing written",
                advice="Copy into a new database, or into one that holds nothing.",
            )
        contents = {table: _read_all(source, table, into=target) for table in COPIED}
    except BaseException:
        target.rollback()
        raise
    target.commit()
    return contents


def _filled_table(database: Database) -> str:
    for table in COPIED:
        if database.execute_sql(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
            return table
    return ""


def _compare(contents: dict[str, Content], target: Database) -> None:
    for table, content in contents.items():
        if _read_all(target, table) != content:
            raise CoinsyncError(
                f"copy: {place_of(target)}: {table} does not hold what was copied",
                advice='Do not use this copy; "coinsync reconcile" on both says where they differ.',
            )


def _read_all(database: Database, table: str, *, into: Database | None = None) -> Content:
    columns = columns_of(MODEL_OF_TABLE[table])
    # Every engine gives the rows in the order of their keys.
    order = ", ".join(key_columns_of(MODEL_OF_TABLE[table]))
    sql = f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}"
    rows = engine_of(database).stream(database, sql, ())
    count, digest = 0, hashlib.sha256()
    while batch := [tuple(row) for row in islice(rows, ROWS_PER_STATEMENT)]:
        if into is not None:
            insert(into, table, columns, batch)
        count += len(batch)
        # A damaged text may hold halves of a character, which UTF-8 does not take.
        digest.update(repr(batch).encode("utf-8", "surrogatepass"))
    return count, digest.hexdigest()
