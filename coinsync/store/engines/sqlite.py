"""SQLite: one file, for one machine. Readers cannot write; writers take turns."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import peewee
from peewee import Database, SqliteDatabase

from coinsync.errors import CoinsyncError
from coinsync.store.engines import guards, sqlite_errors, sqlite_schema
from coinsync.store.engines.base import Engine, Lender, Values
from coinsync.store.engines.sqlite_files import (
    IdleConnections,
    address,
    file_of,
    path_of,
    refuse_missing,
    to_read,
)

SETTINGS = {
    # SQLite ignores references between tables unless each connection asks for them.
    "foreign_keys": 1,
    # FULL: a receipt that was printed survives a power cut. In WAL mode NORMAL, the default of some
    # builds, may lose the newest commits.
    "synchronous": 2,
    # Without it REPLACE deletes a row and no trigger against DELETE is asked.
    "recursive_triggers": 1,
    # What was erased must not stay in the file's free space; only some builds see to that.
    "secure_delete": 1,
}

#: Pages that a backup copies before it lets others have the file again.
_PAGES_PER_STEP = 1000


class Sqlite(Engine):
    """A file, shared by the processes of one machine."""

    errors = (peewee.PeeweeException, sqlite3.Error)
    guards = guards.SQLITE

    # --- by address -------------------------------------------------------------------------------

    def place(self, url: str) -> str:
        """The file."""
        return str(path_of(url))

    def must_exist(self, url: str) -> object:
        """The number of the file: another one when another file lies there."""
        path = path_of(url)
        refuse_missing(path)
        return path.stat().st_ino

    def prepare(self, url: str) -> bool:
        """Make the file, and its folder when that is missing too, for its owner and a group."""
        path = path_of(url)
        if path.exists():
            return False
        path.parent.mkdir(mode=0o2770, parents=True, exist_ok=True)
        # The web view may be another user of the same group. SQLite gives the -wal and -shm files
        # the mode of the database, and a reader must write them though it never writes the
        # database: with 0640 one of the two users would lock the other out. The mode is set once
        # more because the umask takes bits from the first.
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o660)
        try:
            os.fchmod(descriptor, 0o660)
        finally:
            os.close(descriptor)
        return True

    def to_write(self, url: str, *, wait_seconds: float) -> SqliteDatabase:
        """The file must be there: it is opened, never made."""
        return SqliteDatabase(
            address(path_of(url), "rw"),
            uri=True,
            timeout=wait_seconds,
            # A transaction that begins by reading fails at once when it wants to write and another
            # writer was faster, whatever the timeout. IMMEDIATE waits for its turn at the start.
            lock_type="IMMEDIATE",
            pragmas=dict(SETTINGS),
        )

    def to_read(self, url: str, *, wait_seconds: float) -> SqliteDatabase:
        """The file is opened for reading, and the connection refuses to write."""
        return to_read(path_of(url), wait_seconds)

    def lender(self, url: str, *, wait_seconds: float, connections: int) -> Lender:
        """Connections are kept while nobody uses them; a file has no limit of them."""
        return IdleConnections(path_of(url), wait_seconds).lent

    # --- by open database -------------------------------------------------------------------------

    def place_of(self, database: Database) -> str:
        """The file."""
        return str(file_of(database))

    def ready_to_migrate(self, database: Database) -> None:
        """Switch to WAL mode, in which readers and a writer do not wait for each other."""
        database.execute_sql("PRAGMA journal_mode = wal")

    def has_table(self, database: Database, name: str) -> bool:
        """Whether the file has it."""
        return bool(database.table_exists(name))

    def unsafe_settings(self, database: SqliteDatabase) -> list[str]:  # type: ignore[override]
        """Settings of the connection, and the mode of the file."""
        wrong = [name for name, value in SETTINGS.items() if database.pragma(name) != value]
        # The mode belongs to the file and stays, but a backup that was restored comes in another.
        mode = database.pragma("journal_mode")
        if mode != "wal" and database.pragma("journal_mode", "wal") != "wal":
            wrong.append("journal_mode")
        return wrong

    def begin_reading(self, database: Database) -> None:
        """The snapshot is taken by the first question."""
        database.begin()

    def may_try_again(self, error: BaseException, *, began: bool) -> bool:
        """BEGIN has waited as long as it was told to; waiting once more would exceed that."""
        return began

    def renew(self, database: Database) -> None:
        """A file is not lost on the way."""

    @contextmanager
    def look_again(self, database: Database) -> Iterator[None]:
        """A new connection sees what is committed."""
        database.close()
        database.connect()
        yield

    def stream(self, database: Database, sql: str, values: Values) -> Iterator[tuple[Any, ...]]:
        """SQLite makes row after row by itself."""
        cursor: Iterator[tuple[Any, ...]] = database.execute_sql(sql, values)
        return cursor

    def take_any_text(self, database: Database) -> None:
        """SQLite keeps whatever bytes stand in its file, also where they are no UTF-8."""
        database.connection().text_factory = lambda raw: raw.decode("utf-8", "replace")

    def put_guard(self, database: Database, name: str, body: str) -> bool:
        """SQLite forbids nobody to make triggers."""
        database.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
        database.execute_sql(f"CREATE TRIGGER {name} {body}")
        return True

    def guards_lost(self, database: Database) -> tuple[str, ...]:
        """Compare each with its text."""
        triggers = sqlite_schema.triggers(database)
        lost = []
        for name, body in sorted(self.guards.items()):
            if triggers.get(name) != f"CREATE TRIGGER {name} {body}":
                lost.append(name)
        return tuple(lost)

    def expected(self) -> Mapping[str, str]:
        """As SQLite describes tables made from the models."""
        return sqlite_schema.expected()

    def described(self, database: Database) -> Mapping[str, str]:
        """As SQLite describes the tables that are there."""
        return self.without_guards(sqlite_schema.described(database))

    def damage(self, database: Database) -> list[str]:
        """SQLite's own check, which sees broken pages and no changed digit."""
        lines = [str(line) for (line,) in database.execute_sql("PRAGMA integrity_check")]
        return [line for line in lines if line != "ok"]

    def orphans(self, database: Database) -> list[tuple[str, object, str]]:
        """Rows by SQLite's own number."""
        rows = database.execute_sql("PRAGMA foreign_key_check")
        return [(table, row or 0, parent) for table, row, parent, _ in rows]

    def product(self, database: Database) -> tuple[str, str]:
        """The library that Python was built with."""
        return "SQLite", sqlite3.sqlite_version

    def rights(self, database: Database) -> tuple[str, ...]:
        """Whether others than owner and group may touch the file."""
        file = file_of(database)
        return tuple(
            f"{path} is open to everybody" for path in (file, file.parent) if _is_open_to_all(path)
        )

    def size(self, database: Database) -> int:
        """Bytes of the file."""
        return file_of(database).stat().st_size

    def back_up(self, url: str, file: Path) -> None:
        """Copy through SQLite, which takes the -wal file along; ``cp`` would miss what is there."""
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        source = sqlite3.connect(address(path_of(url), "ro"), uri=True)
        with closing(source), closing(sqlite3.connect(file)) as target:
            source.backup(target, pages=_PAGES_PER_STEP)
            # In WAL mode the copy would be two files.
            target.execute("PRAGMA journal_mode = delete")

    def translate(self, error: BaseException, place: str) -> CoinsyncError:
        """Told apart by numbers."""
        return sqlite_errors.translate(error, place)


SQLITE = Sqlite()


def _is_open_to_all(path: Path) -> bool:
    """Whether everybody may write there; for a file, also read."""
    forbidden = 0o002 if path.is_dir() else 0o006
    return bool(path.stat().st_mode & forbidden)
