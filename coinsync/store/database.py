"""Opening a database by its URL, for writing or only for reading, and migrating its schema.

A writing connection checks every setting that the ledger relies on; a reading one cannot write.
Errors of the driver leave this module as errors of ours.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from weakref import finalize

from peewee import Database, SqliteDatabase

from coinsync.errors import CoinsyncError, DatabaseUnusable
from coinsync.store.engines.base import Engine
from coinsync.store.engines.base import connected as connected
from coinsync.store.engines.sqlite import SQLITE
from coinsync.store.engines.sqlite import file_of as file_of
from coinsync.store.engines.sqlite import path_of as path_of

MIGRATIONS = Path(__file__).with_name("migrations")
#: The table in which the migration runner records what it has applied.
HISTORY = "schema_migration"
MIGRATING_SECONDS = 30.0
#: A connection of the web view is given up then, so that a host that is back is used again.
STALE_SECONDS = 300.0


def engine_at(url: str) -> Engine:
    """The engine of a URL."""
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
    return place_of(open_readable(url))


def place_of(database: Database) -> str:
    """What messages call a database, connected or not."""
    return engine_of(database).place_of(database)


def create(url: str) -> bool:
    """Bring a database to the schema of today, made if missing; False if nothing was to be done."""
    engine = engine_at(url)
    database = engine.to_write(url, wait_seconds=MIGRATING_SECONDS)
    with speaking(database):
        is_new = engine.prepare(url)
        with connected(database):
            steps = _run_migrations(database, MIGRATIONS)
    return is_new or bool(steps)


def migrate(url: str, *, migrations: Path = MIGRATIONS) -> tuple[str, ...]:
    """Bring a database to the schema of today and put lost guards back: names of what was done."""
    engine = engine_at(url)
    engine.must_exist(url)
    database = engine.to_write(url, wait_seconds=MIGRATING_SECONDS)
    with speaking(database), connected(database):
        steps = list(_run_migrations(database, migrations))
        lost = engine.guards_lost(database)
        if not lost:
            return tuple(steps)
        # All of them or none: whoever is interrupted finds the database as it was.
        with database.atomic():
            for name in lost:
                # A server may forbid triggers; then the guard stays lost and is not reported.
                if engine.put_guard(database, name, engine.guards[name]):
                    steps.append(f"guard {name}")
    return tuple(steps)


def make_guards(database: Database) -> None:
    """Make every guard anew; a migration does this after its tables."""
    engine = engine_of(database)
    for name, body in engine.guards.items():
        engine.put_guard(database, name, body)


def open_writable(url: str, *, wait_seconds: float = 30.0) -> Database:
    """Open for writing, connected and checked; it waits so long for other writers."""
    engine = engine_at(url)
    engine.must_exist(url)
    database = engine.to_write(url, wait_seconds=wait_seconds)
    with speaking(database):
        database.connect()
        try:
            refuse_other_schema(database)
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
    with speaking(database), connected(database), _snapshot(database):
        yield


@contextmanager
def _snapshot(database: Database) -> Iterator[None]:
    refuse_other_schema(database)
    engine_of(database).begin_reading(database)
    try:
        yield
    finally:
        database.rollback()


#: A connection, what it leads to, and when it was opened.
_Idle = tuple[Database, object, float]


class PooledConnection:
    """A writing connection that stays open between uses: opening costs more than a small plan.

    It is opened anew after every error, and when it is too old, leads nowhere any more, or another
    database lies in its place.
    """

    def __init__(
        self, url: str, *, wait_seconds: float, now: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._url = url
        self._engine = engine_at(url)
        self._wait_seconds = wait_seconds
        self._now = now
        # Connections that nobody uses just now.
        self._idle: list[_Idle] = []
        # Python 3.13 warns of a connection that is only forgotten, as a leak.
        finalize(self, _close_all, self._idle)

    @contextmanager
    def use(self) -> Iterator[Database]:
        """Lend a connection, outside of any transaction; uses at once have their own."""
        database, marks, opened_at = self._take() or self._open()
        with speaking(database):
            try:
                yield database
            except BaseException:
                # Nobody knows in which state the error left the connection.
                database.close()
                raise
        self._idle.append((database, marks, opened_at))

    def close(self) -> None:
        """Leave nothing open."""
        _close_all(self._idle)

    def _take(self) -> _Idle | None:
        found = self._engine.must_exist(self._url), self._engine.beside(self._url)
        try:
            database, marks, opened_at = self._idle.pop()
        except IndexError:
            return None
        is_young = self._now() - opened_at < STALE_SECONDS
        if marks == found and is_young and self._engine.is_alive(database):
            return database, marks, opened_at
        # What is true of one is true of all, and nobody should wait for each.
        database.close()
        self.close()
        return None

    def _open(self) -> _Idle:
        # Read before the database is opened: should another file take its place in between, the
        # next use opens once more than needed, never once too few.
        mark = self._engine.must_exist(self._url)
        database = self._connected()
        return database, (mark, self._engine.beside(self._url)), self._now()

    def _connected(self) -> Database:
        return open_writable(self._url, wait_seconds=self._wait_seconds)


def _close_all(idle: list[_Idle]) -> None:
    # Another thread may be faster.
    with suppress(IndexError):
        while True:
            idle.pop()[0].close()


class Readers(PooledConnection):
    """Snapshots for many threads; connections stay open between them."""

    @contextmanager
    def visit(self) -> Iterator[Database]:
        """Lend a database under one snapshot, as ``reading`` does; never a dead connection."""
        with self.use() as database, _snapshot(database):
            yield database

    def _connected(self) -> Database:
        wait_seconds = self._wait_seconds
        database = self._engine.to_read(self._url, wait_seconds=wait_seconds, shared=True)
        with speaking(database):
            database.connect()
            # SQLite makes what lies beside its file at the first question.
            applied_steps(database)
        return database


@cache
def schema_steps(migrations: Path = MIGRATIONS) -> tuple[str, ...]:
    """Names of the migrations in a folder, in order."""
    return tuple(sorted(path.stem for path in migrations.glob("[0-9]*.py")))


def applied_steps(database: Database) -> tuple[str, ...]:
    """Names of the migrations that the database has had."""
    try:
        rows = list(database.execute_sql(f"SELECT name FROM {HISTORY}"))
    except engine_of(database).errors:
        # Looking first would ask twice for every page.
        if database.table_exists(HISTORY):
            raise
        return ()
    return tuple(sorted(name for (name,) in rows))


def _run_migrations(database: Database, migrations: Path) -> tuple[str, ...]:
    # Imported late: only the few commands that migrate wait for it.
    from playhouse.migrations import Runner

    if not _missing_steps(database, migrations):
        # An account that may not migrate is not asked for the right.
        return ()
    engine_of(database).ready_to_migrate(database)
    return tuple(Runner(database, str(migrations), table_name=HISTORY).up())


def _missing_steps(database: Database, migrations: Path = MIGRATIONS) -> list[str]:
    # Of the steps of others none is missing.
    known, applied = schema_steps(migrations), applied_steps(database)
    tables = [] if applied else database.get_tables()
    if tables and HISTORY not in tables:
        raise DatabaseUnusable(
            f"database: {place_of(database)} holds the tables of another program",
            advice="Nothing was written. Correct [database] url.",
        )
    unknown = set(applied) - set(known)
    if unknown:
        raise DatabaseUnusable(
            f"database: {place_of(database)}: schema {max(unknown)}"
            f" is newer than this program ({known[-1]})",
            advice="Nothing was written. Update coinsync on this machine.",
        )
    return [step for step in known if step not in applied]


def refuse_other_schema(database: Database) -> None:
    """Raise ``DatabaseUnusable`` unless the schema is this program's."""
    missing = _missing_steps(database)
    if missing and not database.get_tables():
        raise DatabaseUnusable(
            f"database: {place_of(database)} is empty",
            advice="If coins were ever kept there, put a backup back: coinsync db restore FILE."
            " A new one is made by: coinsync db migrate",
        )
    if missing:
        raise DatabaseUnusable(
            f"database: {place_of(database)}: schema {missing[0]} is missing",
            advice='Nothing was written. Run "coinsync db migrate".',
        )


def _refuse_unsafe(database: Database) -> None:
    engine, place = engine_of(database), place_of(database)
    wrong = engine.unsafe_settings(database) + engine.unsafe_tables(database)
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
    try:
        yield
    except engine_of(database).errors as error:
        raise translate(error, database) from error


def translate(error: BaseException, database: Database) -> CoinsyncError:
    """Say in our words what the driver meant."""
    return engine_of(database).translate(error, place_of(database))
