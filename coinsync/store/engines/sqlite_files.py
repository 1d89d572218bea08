"""Where a SQLite database lies, and how connections to its file are made and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from peewee import Database, SqliteDatabase

from coinsync.errors import DatabaseUnusable

#: Inode numbers of a database's file and of its ``-shm`` file, 0 while that is not there.
FileNumbers = tuple[int, int]


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


def refuse_missing(path: Path) -> None:
    """Raise ``DatabaseUnusable`` where no file is."""
    if not path.is_file():
        raise missing(str(path))


def missing(place: str) -> DatabaseUnusable:
    """The error for a file that is not there."""
    return DatabaseUnusable(
        f"database: {place} does not exist",
        advice='Run "coinsync init", or correct [database] url.',
    )


def address(path: Path, mode: str) -> str:
    """SQLite's own address of a file; ``mode`` is "ro" or "rw"."""
    # Never "rwc": a mistyped path would make an empty database, and coins would seem to be gone.
    return f"file:{quote(str(path))}?mode={mode}"


def to_read(
    path: Path,
    wait_seconds: float,
    *,
    pragmas: Mapping[str, int] | None = None,
    of_one_thread: bool = True,
) -> SqliteDatabase:
    """A database whose file is opened for reading, and whose connections refuse to write."""
    return SqliteDatabase(
        address(path, "ro"),
        uri=True,
        timeout=wait_seconds,
        pragmas={"query_only": 1, **(pragmas or {})},
        thread_safe=of_one_thread,
        check_same_thread=of_one_thread,
    )


class IdleConnections:
    """Connections that nobody uses just now: opening a file costs more than asking for a page.

    One is closed after every error, and when another file lies in the place of the database or of
    its ``-shm`` file.
    """

    def __init__(self, path: Path, wait_seconds: float) -> None:
        """Nothing is opened yet."""
        self._path = path
        self._wait_seconds = wait_seconds
        self._idle: list[tuple[SqliteDatabase, FileNumbers]] = []

    @contextmanager
    def lent(self) -> Iterator[Database]:
        """A connection for one reader."""
        refuse_missing(self._path)
        numbers = numbers_of(self._path)
        database = self._take(numbers)
        if database is None:
            database, numbers = self._open()
        try:
            yield database
        except BaseException:
            database.close()
            raise
        self._idle.append((database, numbers))

    def __del__(self) -> None:
        self._take(None)

    def _take(self, numbers: FileNumbers | None) -> SqliteDatabase | None:
        # An idle connection to the files of these numbers; those to other files are closed.
        while self._idle:
            try:
                database, opened = self._idle.pop()
            except IndexError:  # Another thread was faster.
                break
            if opened == numbers:
                return database
            database.close()
        return None

    def _open(self) -> tuple[SqliteDatabase, FileNumbers]:
        # Whatever is copied over the file while a connection is idle: without a cache no page of
        # what was there before is remembered.
        database = to_read(
            self._path, self._wait_seconds, pragmas={"cache_size": 0}, of_one_thread=False
        )
        # The file's number is read before it is opened. Should another file take its place in
        # between, the connection is opened once more than needed, and never kept wrongly.
        number = self._path.stat().st_ino
        database.connect()
        # SQLite makes the -shm file at the first question, not when it opens the database.
        database.execute_sql("SELECT 1 FROM sqlite_master LIMIT 1")
        return database, (number, numbers_of(self._path)[1])


def numbers_of(path: Path) -> FileNumbers:
    """The files that a connection opened now would use."""
    shared_memory = path.with_name(f"{path.name}-shm")
    try:
        return path.stat().st_ino, shared_memory.stat().st_ino
    except FileNotFoundError:
        return path.stat().st_ino, 0
