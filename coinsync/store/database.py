"""Opening the database by its URL, for writing or only for reading, and keeping its schema.

A writing connection asserts every setting that the ledger relies on instead of trusting defaults; a reading one cannot
write (``mode=ro`` and ``query_only``). Errors of the driver leave this room as errors of ours.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import peewee
from peewee import Database, SqliteDatabase

from coinsync.errors import CoinsyncError, DatabaseUnavailable, DatabaseUnusable
from coinsync.store import guards

MIGRATIONS = Path(__file__).with_name("migrations")
HISTORY = "schema_migration"

#: What was erased must not stay in the file's free space: by itself only some builds of SQLite see to that.
_SETTINGS = {"foreign_keys": 1, "synchronous": 2, "recursive_triggers": 1, "secure_delete": 1}


def path_of(url: str) -> Path:
    """File of a database URL such as ``sqlite:///coins.db`` or ``sqlite:////srv/coinsync/coins.db``."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2 or parts.query or parts.fragment:
        raise DatabaseUnusable(f"database: {url}: expected sqlite:///PATH")
    return Path(parts.path[1:])


def file_of(database: Database) -> Path:
    """File of a database that was opened here."""
    return Path(unquote(urlsplit(str(database.database)).path))


def create(url: str) -> bool:
    """Create the database and bring it to today's schema; False when it was there already, with that schema."""
    path = path_of(url)
    with speaking(path):
        fresh = not path.exists()
        if fresh:
            path.parent.mkdir(mode=0o2770, parents=True, exist_ok=True)
            # A reader of the same group must be able to write the files beside the database (WAL), never itself.
            os.fchmod(descriptor := os.open(path, os.O_CREAT | os.O_RDWR, 0o660), 0o660)
            os.close(descriptor)
        database = _connect(path, wait_seconds=30)
        with database.connection_context():
            _refuse_newer(path, applied_steps(database))
            database.execute_sql("PRAGMA journal_mode = wal")
            return bool(_run_migrations(database)) or fresh


def migrate(url: str) -> tuple[str, ...]:
    """Bring an existing database to today's schema, guards included; the names of the steps that were taken."""
    path = path_of(url)
    _must_exist(path)
    database = _connect(path, wait_seconds=30)
    with speaking(path), database.connection_context():
        _refuse_newer(path, applied_steps(database))
        steps = _run_migrations(database)
        lost = guards.missing(database)
        if lost:
            with database.atomic():
                guards.restore(database)
        return (*steps, *(f"guard {name}" for name in lost))


def open_writable(url: str, *, wait_seconds: float = 30.0) -> SqliteDatabase:
    """Open for writing, connected, with every setting asserted; it waits at most ``wait_seconds`` for other writers."""
    path = path_of(url)
    _must_exist(path)
    database = _connect(path, wait_seconds=wait_seconds)
    with speaking(path):
        database.connect()
        try:
            _refuse_other_schema(database, path)
            _assert_settings(database, path)
        except BaseException:
            database.close()
            raise
    return database


def open_readable(url: str, *, wait_seconds: float = 5.0) -> SqliteDatabase:
    """Open for reading, not yet connected; use it under ``reading``."""
    return _to_read(path_of(url), wait_seconds, {})


@contextmanager
def reading(database: Database) -> Iterator[None]:
    """One reader's visit: a connection of this thread, one snapshot, closed at the end."""
    path = file_of(database)
    _must_exist(path)
    with speaking(path), database.connection_context():
        _refuse_other_schema(database, path)
        database.begin()
        try:
            yield
        finally:
            database.rollback()


class Readers:
    """Visits from many threads, again and again: connections stay open, because opening one costs more than all
    questions of a page do.

    One is used by one visit at a time. It is closed after every error, and when another file stands in the place of
    the database or of what SQLite keeps beside it.
    """

    def __init__(self, url: str, *, wait_seconds: float) -> None:
        """Nothing is opened yet."""
        self._url, self._wait_seconds = url, wait_seconds
        self._idle: list[tuple[SqliteDatabase, tuple[int, ...]]] = []

    @contextmanager
    def visit(self) -> Iterator[SqliteDatabase]:
        """One visit, as under ``reading``."""
        path = path_of(self._url)
        _must_exist(path)
        with speaking(path):
            # First the numbers: should a file change in between, it is opened once more than needed.
            files = _files(path)
            database = self._taken(files) or self._opened(path)
            try:
                _refuse_other_schema(database, path)
                database.begin()
                yield database
                database.rollback()
            except BaseException:
                database.close()
                raise
            if files:
                self._idle.append((database, files))
            else:
                database.close()

    def close(self) -> None:
        """Leave nothing open but what is in use."""
        self._taken(())

    def __del__(self) -> None:
        self.close()

    def _taken(self, files: tuple[int, ...]) -> SqliteDatabase | None:
        """A connection to these files that nobody uses; those to others are closed."""
        while self._idle:
            try:
                database, opened = self._idle.pop()
            except IndexError:  # Another thread was faster.
                break
            if opened == files:
                return database
            database.close()
        return None

    def _opened(self, path: Path) -> SqliteDatabase:
        # Whatever is copied over the file: no page of what was there before is remembered.
        threads = {"thread_safe": False, "check_same_thread": False}
        database = _to_read(path, self._wait_seconds, {"cache_size": 0}, **threads)
        database.connect()
        return database


def _files(path: Path) -> tuple[int, ...]:
    """Numbers of the database's file and of the one by which its connections know of each other; () without it."""
    try:
        return path.stat().st_ino, path.with_name(f"{path.name}-shm").stat().st_ino
    except FileNotFoundError:
        return ()


class StandingConnection:
    """A writing connection that stays open between uses, because opening one costs more than a small plan does.

    It is opened anew after every error, and when another file stands in the database's place.
    """

    def __init__(self, url: str, *, wait_seconds: float) -> None:
        """Nothing is opened yet."""
        self._url, self._wait_seconds = url, wait_seconds
        self._opened: tuple[SqliteDatabase, int] | None = None

    @contextmanager
    def use(self) -> Iterator[SqliteDatabase]:
        """The connection, outside of any transaction."""
        path = path_of(self._url)
        _must_exist(path)
        with speaking(path):
            if self._opened is not None and self._opened[1] != path.stat().st_ino:
                self.close()
            if self._opened is None:
                # First the number: should the file change in between, it is opened once more than needed.
                number = path.stat().st_ino
                self._opened = open_writable(self._url, wait_seconds=self._wait_seconds), number
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
    if not database.table_exists(HISTORY):
        return ()
    return tuple(sorted(name for (name,) in database.execute_sql(f"SELECT name FROM {HISTORY}")))


def _to_read(path: Path, wait_seconds: float, pragmas: Mapping[str, int], **more: Any) -> SqliteDatabase:
    return SqliteDatabase(
        f"file:{quote(str(path))}?mode=ro", uri=True, timeout=wait_seconds, pragmas={"query_only": 1, **pragmas}, **more
    )


def _connect(path: Path, *, wait_seconds: float) -> SqliteDatabase:
    return SqliteDatabase(
        f"file:{quote(str(path))}?mode=rw",
        uri=True,
        timeout=wait_seconds,
        lock_type="IMMEDIATE",
        pragmas=dict(_SETTINGS),
    )


def _run_migrations(database: Database) -> tuple[str, ...]:
    from playhouse.migrations import Runner  # Only the few commands that migrate pay for this import.

    return tuple(Runner(database, str(MIGRATIONS), table_name=HISTORY).up())


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise DatabaseUnusable(
            f"database: {path} does not exist", advice='Run "coinsync init", or correct [database] url.'
        )


def _refuse_newer(path: Path, applied: Collection[str]) -> None:
    unknown = set(applied) - set(schema_steps())
    if unknown:
        raise DatabaseUnusable(
            f"database: {path}: schema {max(unknown)} is newer than this program ({schema_steps()[-1]})",
            advice="Nothing was written. Update coinsync on this machine.",
        )


def _refuse_other_schema(database: Database, path: Path) -> None:
    applied = applied_steps(database)
    _refuse_newer(path, applied)
    missing = [step for step in schema_steps() if step not in applied]
    if missing:
        raise DatabaseUnusable(
            f"database: {path}: schema {missing[0]} is missing",
            advice='Nothing was written. Run "coinsync db migrate".',
        )


def _assert_settings(database: SqliteDatabase, path: Path) -> None:
    wrong = [name for name, value in _SETTINGS.items() if database.pragma(name) != value]
    # A copy that was made by a backup is in another mode; the mode is a property of the file and stays.
    if database.pragma("journal_mode") != "wal" and database.pragma("journal_mode", "wal") != "wal":
        wrong.append("journal_mode")
    if wrong:
        raise DatabaseUnusable(f"database: {path}: unsafe settings: {', '.join(wrong)}")
    missing = guards.missing(database)
    if missing:
        raise DatabaseUnusable(
            f"database: {path}: append-only guard missing: {', '.join(missing)}",
            advice='Nothing was written. "coinsync db migrate" puts it back; "coinsync reconcile" shows what happened.',
        )


@contextmanager
def speaking(path: Path) -> Iterator[None]:
    """Turn the driver's errors into ours, told apart by what SQLite itself says."""
    try:
        yield
    except (peewee.PeeweeException, sqlite3.Error) as error:
        raise translate(error, path) from error


def translate(error: BaseException, path: Path) -> CoinsyncError:
    """Say in our words what the driver meant; it hides causes behind errors of its own, so look through them all."""
    texts = [str(one) for one in _causes(error)]
    text = "; ".join(dict.fromkeys(texts)).lower()
    if "locked" in text or "busy" in text:
        return DatabaseUnavailable(f"database: {path} is busy; nothing written")
    if "full" in text:
        return DatabaseUnavailable(f"database: {path}: disk full; nothing written")
    if "readonly" in text or "read-only" in text:
        return DatabaseUnusable(f"database: {path} is read-only for this user; nothing written")
    if "unable to open" in text:
        return DatabaseUnavailable(f"database: cannot open {path}; nothing written")
    if "not a database" in text or "malformed" in text:
        return CoinsyncError(f"database: {path} is damaged", advice="Do not write to it; restore it from a backup.")
    if "i/o error" in text:
        return DatabaseUnavailable(f"database: {path}: disk error; nothing written")
    return CoinsyncError(f"database: {path}: {texts[-1]}; nothing written")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
