"""Opening a database by its URL, for writing or only for reading, and migrating its schema.

A writing connection checks every setting that the ledger relies on instead of trusting defaults; a
reading one cannot write. What differs between engines lies in ``engines``; errors of the driver
leave this module as errors of ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from peewee import Database, SqliteDatabase

from coinsync.errors import CoinsyncError, DatabaseUnusable
from coinsync.store.engines.base import Engine
from coinsync.store.engines.sqlite import SQLITE
from coinsync.store.engines.sqlite_files import file_of as file_of
from coinsync.store.engines.sqlite_files import path_of as path_of

MIGRATIONS = Path(__file__).with_name("migrations")
#: The table in which the migration runner records what it has applied.
HISTORY = "schema_migration"
MIGRATING_SECONDS = 30.0
#: More than the web view may have threads.
SHARED_CONNECTIONS = 64


def engine_at(url: str) -> Engine:
    """The engine of a URL, by its first word."""
    if url.startswith(("mysql://", "mariadb://")):
        # Imported late: a school that keeps its coins in a file does not wait for this driver.
        from coinsync.store.engines.mysql import MYSQL

        return MYSQL
    return SQLITE


def engine_of(database: Database) -> Engine:
    """The engine of a database that was opened here."""
    return SQLITE if isinstance(database, SqliteDatabase) else engine_at("mysql://")


def place(url: str) -> str:
    """What messages call the database of a URL; never with its password."""
    return engine_at(url).place(url)


def create(url: str, *, migrations: Path = MIGRATIONS) -> bool:
    """Create the database and bring it to the schema of today.

    Returns False when it existed already and had that schema.
    """
    engine = engine_at(url)
    database = engine.to_write(url, wait_seconds=MIGRATING_SECONDS)
    with speaking(database):
        is_new = engine.prepare(url)
        with database.connection_context():
            steps = _run_migrations(database, migrations)
    return is_new or bool(steps)


def migrate(url: str, *, migrations: Path = MIGRATIONS) -> tuple[str, ...]:
    """Bring an existing database to the schema of today, and put lost guards back.

    Returns the names of the migrations that ran and of the guards that were made again.
    """
    engine = engine_at(url)
    engine.must_exist(url)
    database = engine.to_write(url, wait_seconds=MIGRATING_SECONDS)
    with speaking(database), database.connection_context():
        steps = _run_migrations(database, migrations)
        return (*steps, *_restore_lost_guards(database))


def _restore_lost_guards(database: Database) -> list[str]:
    engine = engine_of(database)
    lost = engine.guards_lost(database)
    restored: list[str] = []
    if lost:
        with database.atomic():
            for name in lost:
                # A server may forbid triggers; then the guard stays lost and is not reported.
                if engine.put_guard(database, name, engine.guards[name]):
                    restored.append(f"guard {name}")
    return restored


def make_guards(database: Database) -> None:
    """Make every guard anew; a migration does this after its tables."""
    engine = engine_of(database)
    for name, body in engine.guards.items():
        engine.put_guard(database, name, body)


def open_writable(url: str, *, wait_seconds: float = 30.0) -> Database:
    """Open for writing, connected, with every setting checked.

    It waits at most ``wait_seconds`` for other writers.
    """
    engine = engine_at(url)
    engine.must_exist(url)
    database = engine.to_write(url, wait_seconds=wait_seconds)
    with speaking(database):
        database.connect()
        try:
            _refuse_other_schema(database)
            _refuse_unsafe(database)
        except BaseException:
            database.close()
            raise
    return database


def open_readable(url: str, *, wait_seconds: float = 5.0) -> Database:
    """Open for reading, not yet connected; use it under ``reading``."""
    return engine_at(url).to_read(url, wait_seconds=wait_seconds)


@contextmanager
def reading(database: Database) -> Iterator[None]:
    """Read one snapshot through a connection of this thread, which is closed at the end."""
    with speaking(database), database.connection_context(), _snapshot(database):
        yield


@contextmanager
def _snapshot(database: Database) -> Iterator[None]:
    """Begin a transaction that reads one moment; the schema must be the one of today."""
    _refuse_other_schema(database)
    engine_of(database).begin_reading(database)
    try:
        yield
    finally:
        database.rollback()


class Readers:
    """Snapshots for many threads; connections stay open between them."""

    def __init__(self, url: str, *, wait_seconds: float) -> None:
        """Nothing is opened yet."""
        self._engine, self._place = engine_at(url), place(url)
        self._lent = self._engine.lender(
            url, wait_seconds=wait_seconds, connections=SHARED_CONNECTIONS
        )

    @contextmanager
    def visit(self) -> Iterator[Database]:
        """Lend a database under one snapshot, as ``reading`` does.

        A connection that has died, or that leads to a database which was replaced, is not lent.
        """
        with (
            _driver_errors_as_ours(self._engine, self._place),
            self._lent() as database,
            _snapshot(database),
        ):
            yield database


class PooledConnection:
    """A writing connection that stays open between uses: opening one costs more than a small plan.

    It is opened anew after every error, and when another database has taken the place of the one
    that it leads to.
    """

    def __init__(self, url: str, *, wait_seconds: float) -> None:
        """Nothing is opened yet."""
        self._url = url
        self._wait_seconds = wait_seconds
        self._database: Database | None = None
        self._identity: object = None

    @contextmanager
    def use(self) -> Iterator[Database]:
        """Lend the connection, outside of any transaction."""
        database = self._connected()
        with speaking(database):
            try:
                yield database
            except BaseException:
                # Nobody knows in which state the error left the connection.
                self.close()
                raise

    def close(self) -> None:
        """Leave nothing open."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _connected(self) -> Database:
        engine = engine_at(self._url)
        # The identity is read before the database is opened. Should another file take its place in
        # between, the next use sees that and opens once more than needed, never once too few.
        identity = engine.must_exist(self._url)
        if self._database is not None:
            if identity == self._identity and engine.is_alive(self._database):
                return self._database
            self.close()
        self._database = open_writable(self._url, wait_seconds=self._wait_seconds)
        self._identity = identity
        return self._database


@cache
def schema_steps(migrations: Path = MIGRATIONS) -> tuple[str, ...]:
    """Names of the migrations in a folder, in order; by default all that this program knows."""
    return tuple(sorted(path.stem for path in migrations.glob("[0-9]*.py")))


def applied_steps(database: Database) -> tuple[str, ...]:
    """Names of the migrations that the database has had."""
    if not engine_of(database).has_table(database, HISTORY):
        return ()
    return tuple(sorted(name for (name,) in database.execute_sql(f"SELECT name FROM {HISTORY}")))


def _run_migrations(database: Database, migrations: Path) -> tuple[str, ...]:
    # Imported late: only the few commands that migrate wait for it.
    from playhouse.migrations import Runner

    known = schema_steps(migrations)
    applied = applied_steps(database)
    _refuse_newer(database, applied, known)
    if applied == known:
        # An account that may only write, or only read, is not asked for the right to migrate.
        return ()
    engine_of(database).ready_to_migrate(database)
    return tuple(Runner(database, str(migrations), table_name=HISTORY).up())


def _refuse_newer(database: Database, applied: Collection[str], known: tuple[str, ...]) -> None:
    unknown = set(applied) - set(known)
    if unknown:
        place = engine_of(database).place_of(database)
        raise DatabaseUnusable(
            f"database: {place}: schema {max(unknown)} is newer than this program ({known[-1]})",
            advice="Nothing was written. Update coinsync on this machine.",
        )


def _refuse_other_schema(database: Database) -> None:
    known = schema_steps()
    applied = applied_steps(database)
    _refuse_newer(database, applied, known)
    missing = [step for step in known if step not in applied]
    if missing:
        place = engine_of(database).place_of(database)
        raise DatabaseUnusable(
            f"database: {place}: schema {missing[0]} is missing",
            advice='Nothing was written. Run "coinsync db migrate".',
        )


def _refuse_unsafe(database: Database) -> None:
    engine = engine_of(database)
    place = engine.place_of(database)
    wrong = engine.unsafe_settings(database)
    if wrong:
        raise DatabaseUnusable(f"database: {place}: unsafe settings: {', '.join(wrong)}")
    lost = engine.guards_lost(database)
    if lost:
        raise DatabaseUnusable(
            f"database: {place}: append-only guard missing: {', '.join(lost)}",
            advice=(
                'Nothing was written. "coinsync db migrate" puts it back;'
                ' "coinsync reconcile" shows what happened.'
            ),
        )


@contextmanager
def speaking(database: Database) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    engine = engine_of(database)
    with _driver_errors_as_ours(engine, engine.place_of(database)):
        yield


@contextmanager
def _driver_errors_as_ours(engine: Engine, place: str) -> Iterator[None]:
    try:
        yield
    except engine.errors as error:
        raise engine.translate(error, place) from error


def translate(error: BaseException, database: Database) -> CoinsyncError:
    """Say in our words what the driver meant."""
    engine = engine_of(database)
    return engine.translate(error, engine.place_of(database))
