"""SQLite: one file, for one machine. Readers cannot write; writers take turns."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import peewee
from peewee import Database, SqliteDatabase

from coinsync.errors import (
    CoinsyncError,
    DatabaseUnavailable,
    DatabaseUnusable,
    causes,
    reason_of,
)
from coinsync.files import write_whole
from coinsync.store.engines.base import SQLITE_GUARDS, Engine, Values

SETTINGS = {
    # SQLite ignores references between tables unless each connection asks for them.
    "foreign_keys": 1,
    # FULL: a printed receipt survives a power cut. NORMAL, the default of some builds, may lose it.
    "synchronous": 2,
    # Without it REPLACE deletes a row and no trigger against DELETE is asked.
    "recursive_triggers": 1,
    # What was erased must not stay in the file's free space; only some builds see to that.
    "secure_delete": 1,
}

#: Pages that a backup copies before it lets others have the file again.
_PAGES_PER_STEP = 1000
#: The lowest byte of one of SQLite's numbers says what happened, the others where.
_PRIMARY = 0xFF
#: A writer that stands still in the middle of opening the file shows as "locking protocol".
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_READ_ONLY = {sqlite3.SQLITE_READONLY}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_RESTORE = "Do not write to it: restore it from a backup, or correct [database] url."
#: What numbers mean, and what to do where the class of the error does not say it. The first that
#: fits is told.
_MEANINGS: tuple[tuple[set[int], type[CoinsyncError], str, str | None], ...] = (
    (_BUSY, DatabaseUnavailable, "{} is busy; nothing written", None),
    ({sqlite3.SQLITE_FULL}, DatabaseUnavailable, "{}: disk full; nothing written", None),
    (_READ_ONLY, DatabaseUnusable, "{} is read-only for this user; nothing written", None),
    ({sqlite3.SQLITE_CANTOPEN}, DatabaseUnavailable, "cannot open {}; nothing written", None),
    (_DAMAGED, CoinsyncError, "{} is damaged, or no database", _RESTORE),
    ({sqlite3.SQLITE_IOERR}, DatabaseUnavailable, "{}: disk error; nothing written", None),
)


class Sqlite(Engine):
    """A file, shared by the processes of one machine."""

    errors = (peewee.PeeweeException, sqlite3.Error)
    guards = SQLITE_GUARDS

    def must_exist(self, url: str) -> object:
        path = path_of(url)
        if not path.is_file():
            raise _missing(str(path))
        return path.stat().st_ino

    def beside(self, url: str) -> object:
        path = path_of(url)
        shared_memory = path.with_name(f"{path.name}-shm")
        return shared_memory.stat().st_ino if shared_memory.exists() else 0

    def prepare(self, url: str) -> bool:
        path = path_of(url)
        if path.exists():
            return False
        try:
            path.parent.mkdir(mode=0o2750, parents=True, exist_ok=True)
            # The web view may be another user of the group, who must be able to read and no more.
            # SQLite gives the -wal and -shm files the mode of the database.
            write_whole(path, b"", 0o640)
        except OSError as error:
            message = f"database: {path} cannot be made ({reason_of(error)})"
            raise DatabaseUnusable(message) from error
        return True

    def to_write(self, url: str, *, wait_seconds: float) -> SqliteDatabase:
        return SqliteDatabase(
            _address(path_of(url), "rw"),
            uri=True,
            timeout=wait_seconds,
            # Others fail at once, whatever the timeout, when they have read and want to write and
            # another writer was faster. IMMEDIATE waits for its turn at the start.
            lock_type="IMMEDIATE",
            pragmas=dict(SETTINGS),
        )

    def to_read(self, url: str, *, wait_seconds: float, shared: bool = False) -> SqliteDatabase:
        pragmas = {"query_only": 1}
        if shared:
            # Whatever is copied over the file while a connection is idle: without a cache no page
            # of what was there before is remembered.
            pragmas["cache_size"] = 0
        return SqliteDatabase(
            _address(path_of(url), "ro"),
            uri=True,
            timeout=wait_seconds,
            pragmas=pragmas,
            thread_safe=not shared,
            check_same_thread=not shared,
        )

    def place_of(self, database: Database) -> str:
        return str(file_of(database))

    def ready_to_migrate(self, database: Database) -> None:
        # In WAL mode readers and a writer do not wait for each other.
        database.execute_sql("PRAGMA journal_mode = wal")

    def unsafe_settings(self, database: SqliteDatabase) -> list[str]:  # type: ignore[override]
        wrong = [name for name, value in SETTINGS.items() if database.pragma(name) != value]
        # The mode belongs to the file and stays, but a backup that was restored comes in another.
        mode = database.pragma("journal_mode")
        if mode != "wal" and database.pragma("journal_mode", "wal") != "wal":
            wrong.append("journal_mode")
        return wrong

    def begin_reading(self, database: Database) -> None:
        # The snapshot is taken by the first question.
        database.begin()

    def may_try_again(self, error: BaseException, *, began: bool) -> bool:
        # BEGIN has waited as long as it was told to; waiting once more would exceed that.
        return began

    @contextmanager
    def look_again(self, database: Database) -> Iterator[None]:
        database.close()
        database.connect()
        yield

    def stream(self, database: Database, sql: str, values: Values) -> Iterator[tuple[Any, ...]]:
        # SQLite makes row after row by itself.
        cursor: Iterator[tuple[Any, ...]] = database.execute_sql(sql, values)
        return cursor

    def take_any_text(self, database: Database) -> None:
        # SQLite keeps texts that are no UTF-8.
        database.connection().text_factory = lambda raw: raw.decode("utf-8", "replace")

    def triggers(self, database: Database) -> Mapping[str, str]:
        sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
        texts: dict[str, str] = {}
        for name, text in database.execute_sql(sql):
            texts[name] = text.removeprefix(f"CREATE TRIGGER {name} ")
        return texts

    def weak_settings(self, database: SqliteDatabase) -> list[str]:  # type: ignore[override]
        mode = database.pragma("journal_mode")
        if mode == "wal":
            return []
        return [f"journal_mode is {mode}, as in a restored backup; the next writer sets it right"]

    def damage(self, database: Database, *, quick: bool = False) -> list[str]:
        # This sees broken pages, and no changed digit.
        check = "quick_check" if quick else "integrity_check"
        # Every row is looked up in every index: with the 2 MB of pages that SQLite keeps by itself,
        # a ledger of a million entries took half as long again.
        database.execute_sql("PRAGMA cache_size = -16000")
        lines = database.execute_sql(f"PRAGMA {check}")
        return [str(line) for (line,) in lines if line != "ok"]

    def orphans(self, database: Database) -> list[tuple[str, object, str]]:
        rows = database.execute_sql("PRAGMA foreign_key_check")
        return [(table, row or 0, parent) for table, row, parent, _ in rows]

    def rights(self, database: Database) -> tuple[str, ...]:
        file = file_of(database)
        exposed = [path for path in (file, file.parent) if _is_open_to_all(path)]
        return tuple(f"{path} is open to everybody" for path in exposed)

    def unwritable(self, database: Database) -> str:
        """Ask the system about the file, its folder, and the two files beside it."""
        file = file_of(database)
        beside = [file.with_name(f"{file.name}{ending}") for ending in ("-wal", "-shm")]
        for path in (file, file.parent, *beside):
            if path.exists() and not os.access(path, os.W_OK):
                return f"this user may not write {path}"
        return ""

    def size(self, database: Database) -> int:
        return file_of(database).stat().st_size

    def back_up(self, url: str, file: Path) -> None:
        """Write a copy of one moment into a file that is not there yet, for its owner alone."""
        # SQLite itself takes the -wal file along, as ``cp`` does not.
        source = sqlite3.connect(_address(path_of(url), "ro"), uri=True)
        with closing(source), closing(sqlite3.connect(file)) as target:
            source.backup(target, pages=_PAGES_PER_STEP)
        self.make_one_file(file)

    def make_one_file(self, file: Path) -> None:
        """Let a database that nobody has open be one file: in WAL mode it would be two."""
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA journal_mode = delete")

    def put_back(self, url: str, file: Path) -> None:
        """Copy a backup over the database of a URL, in one transaction of its own."""
        self.prepare(url)
        # Unlike a file that is moved there, this is safe for whoever has the old one open, and what
        # lies beside it cannot be taken for a part of the new one.
        source = sqlite3.connect(_address(file, "ro"), uri=True)
        with closing(source), closing(sqlite3.connect(path_of(url))) as target:
            source.backup(target)

    def translate(self, error: BaseException, place: str) -> CoinsyncError:
        # One failure leads to others: a full disk ends the transaction, and rolling back fails then
        # for want of one. So all causes are looked through; what explains the others comes first.
        codes = _codes(error)
        cannot_open = sqlite3.SQLITE_CANTOPEN in codes
        # Of folders some can be opened, but none can be read.
        is_folder = os.path.isdir(place) and (cannot_open or sqlite3.SQLITE_IOERR in codes)
        if is_folder or (cannot_open and not os.path.exists(place)):
            return _missing(place)
        for meant, kind, what, advice in _MEANINGS:
            if codes & meant:
                return kind(f"database: {what.format(place)}", advice=advice)
        *_, innermost = causes(error)
        return CoinsyncError(f"database: {place}: {innermost}; nothing written")


SQLITE = Sqlite()


def path_of(url: str) -> Path:
    """File of a URL: ``sqlite:///coins.db`` or ``sqlite:////srv/coinsync/coins.db``."""
    parts = urlsplit(url)
    has_more = parts.netloc or parts.query or parts.fragment
    if parts.scheme != "sqlite" or len(parts.path) < 2 or has_more:
        raise DatabaseUnusable(f"database: {url}: expected sqlite:///PATH")
    return Path(parts.path[1:])


def file_of(database: Database) -> Path:
    """File of a database that was opened here."""
    return Path(unquote(urlsplit(str(database.database)).path))


def _missing(place: str) -> DatabaseUnusable:
    what, advice = "does not exist", 'Run "coinsync init", or correct [database] url.'
    if os.path.isdir(place):
        what, advice = "is a folder", "Name a file, as in sqlite:///coinsync.db."
    return DatabaseUnusable(f"database: {place} {what}", advice=advice)


def _address(path: Path, mode: str) -> str:
    # Never "rwc": a mistyped path would make an empty database, and coins would seem to be gone.
    return f"file:{quote(str(path))}?mode={mode}"


def _codes(error: BaseException) -> set[int]:
    # Errors of Python's own module, such as a closed connection, have no number.
    numbers = [getattr(cause, "sqlite_errorcode", None) for cause in causes(error)]
    codes = {number & _PRIMARY for number in numbers if number is not None}
    # The index of the -wal file cannot grow: that is how a disk with a few free blocks shows.
    return codes | {sqlite3.SQLITE_FULL} if sqlite3.SQLITE_IOERR_SHMSIZE in numbers else codes


def _is_open_to_all(path: Path) -> bool:
    # Everybody may write there; for a file, also read.
    forbidden = 0o002 if path.is_dir() else 0o006
    return bool(path.stat().st_mode & forbidden)
