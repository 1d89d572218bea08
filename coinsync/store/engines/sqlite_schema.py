"""What tables, columns, indexes, references and checks are, as SQLite itself describes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from peewee import Database, SqliteDatabase

from coinsync.store.models import MODELS, TABLE_NAMES

_CHECK = re.compile(r"check\s*\(\s*(.*?)\s*\)", re.IGNORECASE)


@cache
def expected() -> dict[str, str]:
    """Every part of the schema, as SQLite describes tables made from the models."""
    database = SqliteDatabase(":memory:")
    binding = database.bind_ctx(MODELS, bind_refs=False, bind_backrefs=False)
    with database.connection_context(), binding:
        database.create_tables(MODELS)
        return described(database)


def described(database: Database) -> dict[str, str]:
    """Every part of our tables, and all triggers, by name."""
    parts: dict[str, str] = {}
    for table in TABLE_NAMES:
        parts |= dict(_columns(database, table))
        parts |= dict(_indexes(database, table))
        parts |= dict(_references(database, table))
    tables = "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name"
    for table, text in database.execute_sql(tables).fetchall():
        for clause in _CHECK.findall(text or ""):
            parts[f"check {table} ({clause.lower()})"] = "there"
    for trigger in triggers(database):
        parts[f"trigger {trigger}"] = "there"
    return parts


def triggers(database: Database) -> dict[str, str]:
    """All triggers with their text, by name."""
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    return dict(database.execute_sql(sql).fetchall())


def _columns(database: Database, table: str) -> Iterator[tuple[str, str]]:
    rows = database.execute_sql(f"PRAGMA table_xinfo({table})").fetchall()
    for _, name, kind, is_needed, default, key, *_ in rows:
        words = [kind]
        if is_needed:
            words.append("NOT NULL")
        if key:
            words.append(f"KEY {key}")
        if default is not None:
            words.append(f"DEFAULT {default}")
        yield f"column {table}.{name}", " ".join(words)


def _indexes(database: Database, table: str) -> Iterator[tuple[str, str]]:
    # Indexes go by their columns: the name of an index makes no difference.
    indexes = database.execute_sql(f"PRAGMA index_list({table})").fetchall()
    for _, name, is_unique, _, is_partial in indexes:
        columns: list[str] = []
        parts = database.execute_sql(f"PRAGMA index_xinfo({name})").fetchall()
        for _, _, column, descends, _, is_key in parts:
            if is_key:
                columns.append(f"{column} DESC" if descends else column)
        unique = "unique " if is_unique else ""
        what = "partial" if is_partial else "there"
        yield f"{unique}index {table} ({', '.join(columns)})", what


def _references(database: Database, table: str) -> Iterator[tuple[str, str]]:
    rows = database.execute_sql(f"PRAGMA foreign_key_list({table})").fetchall()
    for _, _, parent, column, into, _, on_delete, *_ in rows:
        yield f"reference {table}.{column}", f"to {parent}.{into or 'id'} ON DELETE {on_delete}"
