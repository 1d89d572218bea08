"""Compare the schema of a database, as its engine describes it, with that of the models."""

from __future__ import annotations

from peewee import Database

from coinsync.store.database import engine_of


def faults(database: Database) -> list[str]:
    """Say which parts are missing, changed, or not the program's own; guards are left out."""
    engine = engine_of(database)
    expected = engine.expected(database)
    actual = engine.described(database)
    missing: list[str] = []
    changed: list[str] = []
    for name, definition in expected.items():
        if name not in actual:
            missing.append(f"{name} is missing")
        elif actual[name] != definition:
            changed.append(f"{name} is {actual[name]}, not {definition}")
    # An index or a table that somebody added for a report does no harm. A further column or trigger
    # may change what is written.
    known = {*expected, *(f"trigger {name}" for name in engine.guards)}
    foreign: list[str] = []
    for name in actual:
        if name not in known and name.startswith(("column ", "trigger ")):
            foreign.append(f"{name} is not ours")
    return [*missing, *changed, *foreign]
