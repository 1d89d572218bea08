"""The door to the database: opening it by its URL, for writing or only for reading, and keeping its schema.

A writing connection asserts every setting that the ledger relies on instead of trusting defaults; a reading one cannot
write. What differs between engines is their rooms' own; errors of the driver leave here as errors of ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from peewee import Database, SqliteDatabase

from coinsync.errors import CoinsyncError, DatabaseUnusable
from coinsync.store.engines.base import Engine
from coinsync.store.engines.guards import watched
from coinsync.store.engines.sqlite import SQLITE
from coinsync.store.engines.sqlite import file_of as file_of
from coinsync.store.engines.sqlite import path_of as path_of

MIGRATIONS = Path(__file__).with_name("migrations")
HISTORY = "schema_migration"
MIGRATING_SECONDS = 30.0
#: More threads than the web view may have.
SHARED_CONNECTIONS = 64


def engine_at(url: str) -> Engine:
    """The engine of a URL, by its first word."""
    if url.startswith(("mysql://", "mariadb://")):
        from coinsync.store.engines.mysql import (
            MYSQL,
        )  # Who keeps coins in a file pays nothing for it.

        return MYSQL
    return SQLITE


def engine_of(database: Database) -> Engine:
    """The engine of a database that was opened here."""
    return SQLITE if isinstance(database, SqliteDatabase) else engine_at("mysql://")


def place(url: str) -> str:
    """What messages call the database of a URL; never with its password."""
    return engine_at(url).place(url)


def create(url: str) -> bool:
    """Create the database and bring it to today's schema; False when it was there already, with that schema."""
    engine = engine_at(url)
    database = engine.to_write(url, wait_seconds=MIGRATING_SECONDS)
    with speaking(database):
        fresh = engine.prepare(url)
        with database.connection_context():
            return bool(_run_migrations(database)) or fresh


def migrate(url: str) -> tuple[str, ...]:
    """Bring an existing database to today's schema, guards included; the names of the steps that were taken."""
    engine = engine_at(url)
    engine.must_exist(url)
    database = engine.to_write(url, wait_seconds=MIGRATING_SECONDS)
    with speaking(database), database.connection_context():
        steps = _run_migrations(database)
        lost = engine.guards_lost(database)
        if lost:
            with database.atomic():
                lost = tuple(
                    name for name in lost if engine.put_guard(database, name, engine.guards[name])
                )
        return (*steps, *(f"guard {name}" for name in lost))


def restore_guards(database: Database) -> None:
    """Put every guard in its place, whatever stands there, as far as its table is there already."""
    engine = engine_of(database)
    tables = set(database.get_tables())
    for name, body in engine.guards.items():
        if watched(body)[1] in tables:
            engine.put_guard(database, name, body)


def open_writable(url: str, *, wait_seconds: float = 30.0) -> Database:
    """Open for writing, connected, with every setting asserted; it waits at most ``wait_seconds`` for other writers."""
    engine = engine_at(url)
    engine.must_exist(url)
    database = engine.to_write(url, wait_seconds=wait_seconds)
    with speaking(database):
        database.connect()
        try:
            _refuse_other_schema(database)
            _assert_settings(database)
        except BaseException:
            database.close()
            raise
    return database


def open_readable(url: str, *, wait_seconds: float = 5.0) -> Database:
    """Open for reading, not yet connected; use it under ``reading``."""
    return engine_at(url).to_read(url, wait_seconds=wait_seconds)


@contextmanager
def reading(database: Database) -> Iterator[None]:
    """One reader's visit: a connection of this thread, one snapshot, closed at the end."""
    engine_of(database).check_there(database)
    with speaking(database), database.connection_context(), _snapshot(database):
        yield


@contextmanager
def _snapshot(database: Database) -> Iterator[None]:
    """A transaction that reads one moment of a database of today's schema."""
    _refuse_other_schema(database)
    engine_of(database).begin_reading(database)
    try:
        yield
    finally:
        database.rollback()


class Readers:
    """Visits from many threads, again and again; connections stay open in between."""

    def __init__(self, url: str, *, wait_seconds: float) -> None:
        """Nothing is opened yet."""
        self._engine, self._place = engine_at(url), place(url)
        self._lent = self._engine.lender(
            url, wait_seconds=wait_seconds, connections=SHARED_CONNECTIONS
        )

    @contextmanager
    def visit(self) -> Iterator[Database]:
        """One visit, as under ``reading``; a connection that has died or leads elsewhere is not taken again."""
        with _telling(self._engine, self._place), self._lent() as database, _snapshot(database):
            yield database


class PooledConnection:
    """A writing connection that stays open between uses, because opening one costs more than a small plan does.

    It is opened anew after every error, and when another database stands in the place of the one that was there.
    """

    def __init__(self, url: str, *, wait_seconds: float) -> None:
        """Nothing is opened yet."""
        self._url, self._wait_seconds = url, wait_seconds
        self._opened: tuple[Database, object] | None = None

    @contextmanager
    def use(self) -> Iterator[Database]:
        """The connection, outside of any transaction."""
        # First what is there: should it change in between, it is opened once more than needed.
        there = engine_at(self._url).must_exist(self._url)
        if self._opened is not None:
            database, before = self._opened
            if before != there or not engine_at(self._url).is_alive(database):
                self.close()
        if self._opened is None:
            self._opened = open_writable(self._url, wait_seconds=self._wait_seconds), there
        with speaking(self._opened[0]):
            try:
                yield self._opened[0]
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Leave nothing open."""
        if self._opened is not None:
            self._opened[0].close()
            self._opened = None


@cache
def schema_steps() -> tuple[str, ...]:
    """Names of all migrations that this program knows, in order."""
    return tuple(sorted(path.stem for path in MIGRATIONS.glob("[0-9]*.py")))


def applied_steps(database: Database) -> tuple[str, ...]:
    """Names of the migrations that the database has had."""
    if not engine_of(database).has_table(database, HISTORY):
        return ()
    return tuple(sorted(name for (name,) in database.execute_sql(f"SELECT name FROM {HISTORY}")))


def _run_migrations(database: Database) -> tuple[str, ...]:
    from playhouse.migrations import (
        Runner,
    )  # Only the few commands that migrate pay for this import.

    applied = applied_steps(database)
    _refuse_newer(database, applied)
    if applied == schema_steps():
        return ()  # Whoever may only look, or only write, is not asked for more.
    engine_of(database).ready_to_migrate(database)
    return tuple(Runner(database, str(MIGRATIONS), table_name=HISTORY).up())


def _refuse_newer(database: Database, applied: Collection[str]) -> None:
    unknown = set(applied) - set(schema_steps())
    if unknown:
        at = engine_of(database).place_of(database)
        raise DatabaseUnusable(
            f"database: {at}: schema {max(unknown)} is newer than this program ({schema_steps()[-1]})",
            advice="Nothing was written. Update coinsync on this machine.",
        )


def _refuse_other_schema(database: Database) -> None:
    applied = applied_steps(database)
    _refuse_newer(database, applied)
    missing = [step for step in schema_steps() if step not in applied]
    if missing:
        raise DatabaseUnusable(
            f"database: {engine_of(database).place_of(database)}: schema {missing[0]} is missing",
            advice='Nothing was written. Run "coinsync db migrate".',
        )


def _assert_settings(database: Database) -> None:
    engine = engine_of(database)
    wrong = engine.unsafe_settings(database)
    if wrong:
        raise DatabaseUnusable(
            f"database: {engine.place_of(database)}: unsafe settings: {', '.join(wrong)}"
        )
    missing = engine.guards_lost(database)
    if missing:
        raise DatabaseUnusable(
            f"database: {engine.place_of(database)}: append-only guard missing: {', '.join(missing)}",
            advice='Nothing was written. "coinsync db migrate" puts it back; "coinsync reconcile" shows what happened.',
        )


@contextmanager
def speaking(database: Database) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    engine = engine_of(database)
    with _telling(engine, engine.place_of(database)):
        yield


@contextmanager
def _telling(engine: Engine, at: str) -> Iterator[None]:
    try:
        yield
    except engine.errors as error:
        raise engine.translate(error, at) from error


def translate(error: BaseException, database: Database) -> CoinsyncError:
    """Say in our words what the driver meant."""
    engine = engine_of(database)
    return engine.translate(error, engine.place_of(database))
