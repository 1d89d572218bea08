"""What tables, columns, indexes, references and checks are, as SQLite itself describes them."""

import re
from collections.abc import Iterator

from peewee import Database

from coinsync.store.engines.base import index_name
from coinsync.store.models import TABLE_NAMES

_CHECK = re.compile(r"check\s*\(\s*(.*?)\s*\)", re.IGNORECASE)


def described(database: Database) -> dict[str, str]:
    """Every part of our tables, by name."""
    parts: dict[str, str] = {}
    tables = "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name"
    for table, text in database.execute_sql(tables).fetchall():
        if table not in TABLE_NAMES:
            continue
        parts[f"table {table}"] = "transactional"
        parts |= _columns(database, table)
        parts |= _indexes(database, table)
        parts |= _references(database, table)
        for clause in _CHECK.findall(text):
            parts[f"check {table} ({clause.lower()})"] = "there"
    return parts


def triggers(database: Database) -> dict[str, str]:
    """All triggers by name, each with its text after ``CREATE TRIGGER name``."""
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    texts: dict[str, str] = {}
    for name, text in database.execute_sql(sql).fetchall():
        texts[name] = text.removeprefix(f"CREATE TRIGGER {name} ")
    return texts


def _columns(database: Database, table: str) -> Iterator[tuple[str, str]]:
    key: dict[int, str] = {}
    rows = database.execute_sql(f"PRAGMA table_xinfo({table})").fetchall()
    for _, name, kind, is_needed, default, place_in_key, *_ in rows:
        words = [kind.lower()]
        if is_needed:
            words.append("NOT NULL")
        if default is not None:
            words.append(f"DEFAULT {default}")
        if place_in_key:
            key[place_in_key] = name
        yield f"column {table}.{name}", " ".join(words)
    # A key of one INTEGER is the number of the row itself and has no index.
    yield index_name(table, True, [key[place] for place in sorted(key)]), "whole"


def _indexes(database: Database, table: str) -> Iterator[tuple[str, str]]:
    indexes = database.execute_sql(f"PRAGMA index_list({table})").fetchall()
    for _, name, is_unique, origin, is_partial in indexes:
        if origin == "pk":
            continue
        columns: list[str] = []
        parts = database.execute_sql(f"PRAGMA index_xinfo({name})").fetchall()
        for _, _, column, descends, _, is_key in parts:
            if is_key:
                columns.append(f"{column} DESC" if descends else column)
        yield index_name(table, is_unique, columns), "partial" if is_partial else "whole"


def _references(database: Database, table: str) -> Iterator[tuple[str, str]]:
    rows = database.execute_sql(f"PRAGMA foreign_key_list({table})").fetchall()
    for _, _, parent, column, into, _, on_delete, *_ in rows:
        yield f"reference {table}.{column}", f"to {parent}.{into or 'id'} ON DELETE {on_delete}"
