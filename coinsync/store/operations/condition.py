"""What condition a database is in: for looking at it before something goes wrong."""

from __future__ import annotations

from dataclasses import dataclass

from coinsync.core.ledger import Head, Run
from coinsync.errors import CoinsyncError, DatabaseUnusable
from coinsync.store import schema
from coinsync.store.database import (
    applied_steps,
    engine_at,
    open_readable,
    open_writable,
    schema_steps,
    speaking,
)
from coinsync.store.engines.sqlite import SQLITE
from coinsync.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Condition:
    """What was found; where the schema is another, its tables are not asked about."""

    engine: str
    version: str
    place: str
    size_bytes: int
    steps: tuple[str, ...]
    steps_missing: tuple[str, ...]
    steps_unknown: tuple[str, ...]
    guards_lost: tuple[str, ...] = ()
    guards_hidden: tuple[str, ...] = ()
    guards_seen: int = 0
    faults: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    weak_settings: tuple[str, ...] = ()
    unwritable: str = ""
    damage: tuple[str, ...] = ()
    account: str = ""
    entries: int = 0
    runs: int = 0
    residents: int = 0
    last_run: Run | None = None

    @property
    def schema(self) -> str:
        """The last step that it has had."""
        return self.steps[-1] if self.steps else "none"


def examine(url: str, *, wait_seconds: float) -> Condition:
    """Look at a database through a connection that only reads. Raises where it is out of reach."""
    engine = engine_at(url)
    engine.must_exist(url)
    database = open_readable(url, wait_seconds=wait_seconds)
    with speaking(database), database.connection_context():
        name, version = engine.product(database)
        steps, known = applied_steps(database), schema_steps()
        missing = tuple(step for step in known if step not in steps)
        unknown = tuple(step for step in steps if step not in known)
        place, size = engine.place_of(database), engine.size(database)
        if missing or unknown:
            return Condition(name, version, place, size, steps, missing, unknown)
        reader = Reader(database)
        head = reader.find_head()
        faults = schema.faults(database)
        if head is None:
            faults.append("the head row is missing")
            head = Head(n=0, runs=0, account="")
        lost, hidden = engine.guards_lost(database), engine.guards_hidden(database)
        return Condition(
            name,
            version,
            place,
            size,
            steps,
            missing,
            unknown,
            guards_lost=lost,
            guards_hidden=hidden,
            guards_seen=len(engine.guards) - len(lost) - len(hidden),
            faults=tuple(faults),
            rights=engine.rights(database),
            weak_settings=tuple(engine.weak_settings(database)),
            unwritable=engine.unwritable(database),
            damage=tuple(engine.damage(database, quick=True)),
            account=head.account,
            entries=head.n,
            runs=head.runs,
            residents=len(reader.resident_ids()),
            last_run=next(iter(reader.runs(1)), None),
        )


def refusal(url: str, found: Condition, *, wait_seconds: float) -> CoinsyncError | None:
    """Why a writer would refuse this database; None when it would not. Nothing is written."""
    if found.unwritable:
        advice = "Run the command as the user of the nightly sync, or give this one the right."
        return DatabaseUnusable(found.unwritable, advice=advice)
    if found.guards_lost:
        names = ", ".join(found.guards_lost)
        return DatabaseUnusable(f"every writer refuses: append-only guard missing: {names}")
    # A writer's connection to a file sets its mode, and empties the -wal file when it is closed.
    if engine_at(url) is SQLITE:
        return None
    try:
        open_writable(url, wait_seconds=wait_seconds).close()
    except CoinsyncError as error:
        return error
    return None
