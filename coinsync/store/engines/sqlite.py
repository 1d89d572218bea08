"""SQLite: one file, for one machine; readers cannot write (``mode=ro`` and ``query_only``), writers take turns."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import peewee
from peewee import Database, SqliteDatabase

from coinsync.errors import CoinsyncError, DatabaseUnusable
from coinsync.store.engines import guards, sqlite_errors
from coinsync.store.engines.base import Engine, Lender, Values
from coinsync.store.models import MODELS

#: What was erased must not stay in the file's free space: by itself only some builds of SQLite see to that.
SETTINGS = {"foreign_keys": 1, "synchronous": 2, "recursive_triggers": 1, "secure_delete": 1}

_CHECK = re.compile(r"check\s*\(\s*(.*?)\s*\)", re.IGNORECASE)
_PAGES_PER_STEP = 1000

#: Numbers of a database's file and of the one by which its connections know of each other.
Files = tuple[int, int]


def path_of(url: str) -> Path:
    """File of a database URL such as ``sqlite:///coins.db`` or ``sqlite:////srv/coinsync/coins.db``."""
    parts = urlsplit(url)
    if (
        parts.scheme != "sqlite"
        or parts.netloc
        or len(parts.path) < 2
        or parts.query
        or parts.fragment
    ):
        raise DatabaseUnusable(f"database: {url}: expected sqlite:///PATH")
    return Path(parts.path[1:])


def file_of(database: Database) -> Path:
    """File of a database that was opened here."""
    return Path(unquote(urlsplit(str(database.database)).path))


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise DatabaseUnusable(
            f"database: {path} does not exist",
            advice='Run "coinsync init", or correct [database] url.',
        )


class Idle:
    """Connections to a file that nobody uses just now, each for one visit at a time.

    One is closed after every error, and when another file stands in the place of the database or of what SQLite keeps
    beside it.
    """

    def __init__(self, path: Path, wait_seconds: float) -> None:
        """Nothing is opened yet."""
        self._path, self._wait_seconds = path, wait_seconds
        self._kept: list[tuple[SqliteDatabase, Files]] = []

    @contextmanager
    def lent(self) -> Iterator[Database]:
        """A connection for one visit."""
        _must_exist(self._path)
        database, files = self._taken(_files(self._path)) or self._opened()
        try:
            yield database
        except BaseException:
            database.close()
            raise
        self._kept.append((database, files))

    def __del__(self) -> None:
        self._taken(None)

    def _taken(self, files: Files | None) -> tuple[SqliteDatabase, Files] | None:
        """A connection to these files that nobody uses; those to others are closed."""
        while self._kept:
            try:
                database, opened = self._kept.pop()
            except IndexError:  # Another thread was faster.
                break
            if opened == files:
                return database, opened
            database.close()
        return None

    def _opened(self) -> tuple[SqliteDatabase, Files]:
        # Whatever is copied over the file: no page of what was there before is remembered.
        database = _to_read(self._path, self._wait_seconds, {"cache_size": 0}, of_one_thread=False)
        # First the database's number: should the file change in between, it is opened once more than needed.
        number = self._path.stat().st_ino
        database.connect()
        # Only the first question makes the file by which connections know of each other.
        database.execute_sql("SELECT 1 FROM sqlite_master LIMIT 1")
        return database, (number, _files(self._path)[1])


def _files(path: Path) -> Files:
    """Numbers of the database's file and of the one by which its connections know of each other, 0 without it."""
    try:
        return path.stat().st_ino, path.with_name(f"{path.name}-shm").stat().st_ino
    except FileNotFoundError:
        return path.stat().st_ino, 0


def _to_read(
    path: Path, wait_seconds: float, pragmas: Mapping[str, int], *, of_one_thread: bool = True
) -> SqliteDatabase:
    return SqliteDatabase(
        f"file:{quote(str(path))}?mode=ro",
        uri=True,
        timeout=wait_seconds,
        pragmas={"query_only": 1, **pragmas},
        thread_safe=of_one_thread,
        check_same_thread=of_one_thread,
    )


class Sqlite(Engine):
    """A file, shared by the processes of one machine."""

    errors = (peewee.PeeweeException, sqlite3.Error)
    guards = guards.SQLITE

    # --- by address ---------------------------------------------------------------------------------------------

    def place(self, url: str) -> str:
        """The file."""
        return str(path_of(url))

    def must_exist(self, url: str) -> object:
        """The number of the file: another one when another file stands there."""
        path = path_of(url)
        _must_exist(path)
        return path.stat().st_ino

    def prepare(self, url: str) -> bool:
        """Make the file, and its folder when that is missing too, for its owner and a group."""
        path = path_of(url)
        if path.exists():
            return False
        path.parent.mkdir(mode=0o2770, parents=True, exist_ok=True)
        # A reader of the same group must be able to write the files beside the database (WAL), never itself.
        os.fchmod(descriptor := os.open(path, os.O_CREAT | os.O_RDWR, 0o660), 0o660)
        os.close(descriptor)
        return True

    def to_write(self, url: str, *, wait_seconds: float) -> SqliteDatabase:
        """The file must be there: it is opened, never made."""
        return SqliteDatabase(
            f"file:{quote(str(path_of(url)))}?mode=rw",
            uri=True,
            timeout=wait_seconds,
            lock_type="IMMEDIATE",
            pragmas=dict(SETTINGS),
        )

    def to_read(self, url: str, *, wait_seconds: float) -> SqliteDatabase:
        """Two locks: the file is opened for reading, and the connection is told to."""
        return _to_read(path_of(url), wait_seconds, {})

    def lender(self, url: str, *, wait_seconds: float, connections: int) -> Lender:
        """Opening a file costs more than all questions of a page do."""
        return Idle(path_of(url), wait_seconds).lent

    # --- by open database ---------------------------------------------------------------------------------------

    def place_of(self, database: Database) -> str:
        """The file."""
        return str(file_of(database))

    def check_there(self, database: Database) -> None:
        """The file must be there."""
        _must_exist(file_of(database))

    def ready_to_migrate(self, database: Database) -> None:
        """Readers and a writer at the same time; the mode is a property of the file and stays."""
        database.execute_sql("PRAGMA journal_mode = wal")

    def has_table(self, database: Database, name: str) -> bool:
        """Whether the file has it."""
        return bool(database.table_exists(name))

    def unsafe_settings(self, database: SqliteDatabase) -> list[str]:  # type: ignore[override]
        """Settings of the connection, and the mode of the file."""
        wrong = [name for name, value in SETTINGS.items() if database.pragma(name) != value]
        # A copy that was made by a backup is in another mode; the mode is a property of the file and stays.
        if (
            database.pragma("journal_mode") != "wal"
            and database.pragma("journal_mode", "wal") != "wal"
        ):
            wrong.append("journal_mode")
        return wrong

    def weak_settings(self, database: Database) -> list[str]:
        """None: what matters is refused."""
        return []

    def begin_reading(self, database: Database) -> None:
        """The snapshot is taken by the first question."""
        database.begin()

    def may_try_again(self, error: BaseException, *, began: bool) -> bool:
        """Beginning has waited for its turn already; waiting once more would not be bounded by what was told."""
        return began

    def is_alive(self, database: Database) -> bool:
        """A file does not hang up."""
        return True

    def renew(self, database: Database) -> None:
        """A file is not lost on the way."""

    @contextmanager
    def look_again(self, database: Database) -> Iterator[None]:
        """A new connection sees what is committed."""
        database.close()
        database.connect()
        yield

    def stream(self, database: Database, sql: str, values: Values) -> Iterator[tuple[Any, ...]]:
        """The engine makes row after row by itself."""
        cursor: Iterator[tuple[Any, ...]] = database.execute_sql(sql, values)
        return cursor

    def take_any_text(self, database: Database) -> None:
        """SQLite keeps whatever bytes stand in its file."""
        database.connection().text_factory = lambda raw: raw.decode("utf-8", "replace")

    def put_guard(self, database: Database, name: str, body: str) -> bool:
        """Nobody forbids triggers."""
        database.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
        database.execute_sql(f"CREATE TRIGGER {name} {body}")
        return True

    def guards_lost(self, database: Database) -> tuple[str, ...]:
        """Compare each with its text."""
        found = dict(
            database.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        )
        return tuple(
            sorted(
                name
                for name, body in self.guards.items()
                if found.get(name) != f"CREATE TRIGGER {name} {body}"
            )
        )

    def guards_hidden(self, database: Database) -> tuple[str, ...]:
        """None: who reads the file sees everything."""
        return ()

    def expected(self) -> Mapping[str, str]:
        """As the engine itself describes tables made from the models."""
        return _expected()

    def described(self, database: Database) -> Mapping[str, str]:
        """From the engine's own tables."""
        found: dict[str, str] = {}
        for model in MODELS:
            table = model._meta.table_name
            found |= dict(_columns(database, table))
            found |= dict(_indexes(database, table))
            found |= dict(_references(database, table))
        sql = "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name"
        for name, text in database.execute_sql(sql).fetchall():
            found |= {
                f"check {name} ({one.lower()})": "there" for one in _CHECK.findall(text or "")
            }
        triggers = database.execute_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
        ).fetchall()
        return found | {
            f"trigger {name}": "there" for (name,) in triggers if name not in self.guards
        }

    def damage(self, database: Database) -> list[str]:
        """The engine's own check."""
        return [
            str(line) for (line,) in database.execute_sql("PRAGMA integrity_check") if line != "ok"
        ]

    def orphans(self, database: Database) -> list[tuple[str, object, str]]:
        """Rows by the engine's own number."""
        found = database.execute_sql("PRAGMA foreign_key_check")
        return [(table, row or 0, parent) for table, row, parent, _ in found]

    def product(self, database: Database) -> tuple[str, str]:
        """The library's."""
        return "SQLite", sqlite3.sqlite_version

    def rights(self, database: Database) -> tuple[str, ...]:
        """Whether others than owner and group may touch the file."""
        file = file_of(database)
        return tuple(f"{one} is open to everybody" for one in (file, file.parent) if _is_open(one))

    def size(self, database: Database) -> int:
        """Bytes of the file."""
        return file_of(database).stat().st_size

    def back_up(self, url: str, file: Path) -> None:
        """By the engine's own interface, which takes what lies beside the file along and disturbs nobody for long."""
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        source = sqlite3.connect(f"file:{quote(str(path_of(url)))}?mode=ro", uri=True)
        with closing(source), closing(sqlite3.connect(file)) as target:
            source.backup(target, pages=_PAGES_PER_STEP)
            # The copy is one file, without another beside it.
            target.execute("PRAGMA journal_mode = delete")

    def translate(self, error: BaseException, place: str) -> CoinsyncError:
        """Told apart by numbers."""
        return sqlite_errors.translate(error, place)


SQLITE = Sqlite()


def _is_open(path: Path) -> bool:
    """Whether everybody may write there; for a file, also read."""
    mode = path.stat().st_mode
    return bool(mode & (0o002 if path.is_dir() else 0o006))


@cache
def _expected() -> dict[str, str]:
    database = SqliteDatabase(":memory:")
    with (
        database.connection_context(),
        database.bind_ctx(MODELS, bind_refs=False, bind_backrefs=False),
    ):
        database.create_tables(MODELS)
        return dict(SQLITE.described(database))


def _columns(database: Database, table: str) -> Iterator[tuple[str, str]]:
    for _, name, kind, needed, default, key, *_ in database.execute_sql(
        f"PRAGMA table_xinfo({table})"
    ).fetchall():
        words = [kind, *(["NOT NULL"] if needed else []), *([f"KEY {key}"] if key else [])]
        yield (
            f"column {table}.{name}",
            " ".join([*words, *([f"DEFAULT {default}"] if default is not None else [])]),
        )


def _indexes(database: Database, table: str) -> Iterator[tuple[str, str]]:
    """Indexes go by their columns: how one is called is nobody's matter."""
    for _, name, unique, _, partial in database.execute_sql(
        f"PRAGMA index_list({table})"
    ).fetchall():
        parts = database.execute_sql(f"PRAGMA index_xinfo({name})").fetchall()
        columns = ", ".join(f"{part[2]}{' DESC' if part[3] else ''}" for part in parts if part[5])
        yield (
            f"{'unique ' if unique else ''}index {table} ({columns})",
            "partial" if partial else "there",
        )


def _references(database: Database, table: str) -> Iterator[tuple[str, str]]:
    for _, _, parent, column, into, _, on_delete, *_ in database.execute_sql(
        f"PRAGMA foreign_key_list({table})"
    ).fetchall():
        yield f"reference {table}.{column}", f"to {parent}.{into or 'id'} ON DELETE {on_delete}"
