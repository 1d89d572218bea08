"""What the database looks like against what the models describe, as the engine itself tells both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from peewee import Database, SqliteDatabase

from coinsync.store import guards
from coinsync.store.rows import MODELS

_CHECK = re.compile(r"check\s*\(\s*(.*?)\s*\)", re.IGNORECASE)


def faults(database: Database) -> list[str]:
    """Say which parts of the program's schema are missing or changed, and which columns and triggers are not its own.

    Tables and indexes beside ours are left alone: an index that somebody added for a report harms nobody.
    """
    expected, found = _expected(), described(database)
    missing = [f"{name} is missing" for name in expected if name not in found]
    changed = [
        f"{name} is {found[name]}, not {told}" for name, told in expected.items() if found.get(name, told) != told
    ]
    alien = [
        f"{name} is not ours" for name in found if name not in expected and name.startswith(("column ", "trigger "))
    ]
    return [*missing, *changed, *alien]


@cache
def _expected() -> dict[str, str]:
    database = SqliteDatabase(":memory:")
    with database.connection_context(), database.bind_ctx(MODELS, bind_refs=False, bind_backrefs=False):
        database.create_tables(MODELS)
        return described(database)


def described(database: Database) -> dict[str, str]:
    """Every part of our tables by its name, and what it is; of the triggers those that are no guards."""
    found: dict[str, str] = {}
    for model in MODELS:
        table = model._meta.table_name
        found |= dict(_columns(database, table))
        found |= dict(_indexes(database, table))
        found |= dict(_references(database, table))
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name"
    for name, text in database.execute_sql(sql).fetchall():
        found |= {f"check {name} ({one.lower()})": "there" for one in _CHECK.findall(text or "")}
    triggers = database.execute_sql("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name").fetchall()
    return found | {f"trigger {name}": "there" for (name,) in triggers if name not in guards.SQLITE}


def _columns(database: Database, table: str) -> Iterator[tuple[str, str]]:
    for _, name, kind, needed, default, key, *_ in database.execute_sql(f"PRAGMA table_xinfo({table})").fetchall():
        words = [kind, *(["NOT NULL"] if needed else []), *([f"KEY {key}"] if key else [])]
        yield f"column {table}.{name}", " ".join([*words, *([f"DEFAULT {default}"] if default is not None else [])])


def _indexes(database: Database, table: str) -> Iterator[tuple[str, str]]:
    """Indexes go by their columns: how one is called is nobody's matter."""
    for _, name, unique, _, partial in database.execute_sql(f"PRAGMA index_list({table})").fetchall():
        parts = database.execute_sql(f"PRAGMA index_xinfo({name})").fetchall()
        columns = ", ".join(f"{part[2]}{' DESC' if part[3] else ''}" for part in parts if part[5])
        yield f"{'unique ' if unique else ''}index {table} ({columns})", "partial" if partial else "there"


def _references(database: Database, table: str) -> Iterator[tuple[str, str]]:
    for _, _, parent, column, into, _, on_delete, *_ in database.execute_sql(
        f"PRAGMA foreign_key_list({table})"
    ).fetchall():
        yield f"reference {table}.{column}", f"to {parent}.{into or 'id'} ON DELETE {on_delete}"
