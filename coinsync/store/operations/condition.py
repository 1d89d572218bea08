"""What condition a database is in, whatever that is: for looking at it before something goes wrong."""

from __future__ import annotations

from dataclasses import dataclass

from coinsync.core.ledger import Run
from coinsync.errors import CoinsyncError
from coinsync.store import database as opening
from coinsync.store import schema
from coinsync.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Condition:
    """What was found; where the schema is another, the questions to its tables are not asked."""

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
    account: str = ""
    entries: int = 0
    runs: int = 0
    residents: int = 0
    last_run: Run | None = None

    @property
    def schema(self) -> str:
        """The last step that it has had."""
        return self.steps[-1] if self.steps else "none"

    @property
    def wrong(self) -> tuple[str, ...]:
        """What must be mended before something is written."""
        return (
            *(f"schema {one} is missing" for one in self.steps_missing),
            *(f"schema {one} is newer than this program" for one in self.steps_unknown),
            *(f"append-only guard {one} is missing" for one in self.guards_lost),
            *self.faults,
        )


def examine(url: str, *, wait_seconds: float) -> Condition:
    """Look at a database through a connection that only reads. Raises where it cannot be reached."""
    engine = opening.engine_at(url)
    engine.must_exist(url)
    database = opening.open_readable(url, wait_seconds=wait_seconds)
    with opening.speaking(database), database.connection_context():
        steps, known = opening.applied_steps(database), opening.schema_steps()
        missing = tuple(one for one in known if one not in steps)
        unknown = tuple(one for one in steps if one not in known)
        found = (*engine.product(database), engine.place_of(database), engine.size(database))
        if missing or unknown:
            return Condition(*found, steps, missing, unknown)
        reader = Reader(database)
        head = reader.find_head()
        lost, hidden = engine.guards_lost(database), engine.guards_hidden(database)
        return Condition(
            *found,
            steps,
            missing,
            unknown,
            lost,
            hidden,
            len(engine.guards) - len(lost) - len(hidden),
            (*schema.faults(database), *([] if head else ["the head row is missing"])),
            engine.rights(database),
            tuple(engine.weak_settings(database)),
            head.account if head else "",
            head.n if head else 0,
            head.runs if head else 0,
            len(reader.resident_ids()),
            next(iter(reader.runs(1)), None),
        )


def unsafe_for_writing(url: str, *, wait_seconds: float) -> str:
    """Why a writer would refuse this database; "" when it would not. Nothing is written."""
    try:
        opening.open_writable(url, wait_seconds=wait_seconds).close()
    except CoinsyncError as error:
        return error.message
    return ""
