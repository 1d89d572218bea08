"""Compare the schema of a database, as its engine describes it, with that of the models."""

from __future__ import annotations

from peewee import Database

from coinsync.store.database import engine_of


def faults(database: Database) -> list[str]:
    """Say which parts of the schema are missing, changed, or not the program's own.

    Further tables and indexes are left alone: an index that somebody added for a report does no
    harm. A further column or trigger may change what is written, so it is a fault.
    """
    engine = engine_of(database)
    expected = engine.expected()
    actual = engine.described(database)
    missing: list[str] = []
    changed: list[str] = []
    for name, definition in expected.items():
        if name not in actual:
            missing.append(f"{name} is missing")
        elif actual[name] != definition:
            changed.append(f"{name} is {actual[name]}, not {definition}")
    foreign = [
        f"{name} is not ours"
        for name in actual
        if name not in expected and name.startswith(("column ", "trigger "))
    ]
    return [*missing, *changed, *foreign]
