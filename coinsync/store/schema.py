"""What the database looks like against what the models describe, as the engine itself tells both."""

from __future__ import annotations

from peewee import Database

from coinsync.store.database import engine_of


def faults(database: Database) -> list[str]:
    """Say which parts of the program's schema are missing or changed, and which columns and triggers are not its own.

    Tables and indexes beside ours are left alone: an index that somebody added for a report harms nobody.
    """
    engine = engine_of(database)
    expected, found = engine.expected(), engine.described(database)
    missing = [f"{name} is missing" for name in expected if name not in found]
    changed = [
        f"{name} is {found[name]}, not {told}"
        for name, told in expected.items()
        if found.get(name, told) != told
    ]
    alien = [
        f"{name} is not ours"
        for name in found
        if name not in expected and name.startswith(("column ", "trigger "))
    ]
    return [*missing, *changed, *alien]
