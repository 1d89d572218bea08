"""Where databases of a measurement are made: in files, or on a MariaDB server of its own."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from pymysql.cursors import SSCursor

from coinsync.store import database
from coinsync.store.engines.sqlite import path_of
from tests.support import mariadb


class Place(ABC):
    """Makes databases of one engine, and connects to them by its bare driver."""

    #: What stands before the name of a line.
    prefix: str
    #: How the driver marks a value.
    mark: str
    #: How a transaction that writes begins.
    begin: str

    @abstractmethod
    def new(self) -> str:
        """The URL of a fresh database with the schema of today."""

    @abstractmethod
    def connect(self, url: str) -> Any:
        """A connection of the driver, on which every statement is for itself.

        References are not checked: rows of a measurement come in any order.
        """

    @abstractmethod
    def rows(self, url: str, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a statement, one after the other."""

    def marks(self, values: int) -> str:
        """Marks for so many values."""
        return ", ".join([self.mark] * values)


class Files(Place):
    """SQLite, in a folder."""

    prefix, mark, begin = "", "?", "BEGIN IMMEDIATE"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def new(self) -> str:
        """A file."""
        url = f"sqlite:///{self._folder / f'{next(self._numbers)}.db'}"
        database.create(url)
        return url

    def connect(self, url: str) -> sqlite3.Connection:
        """To the disk as a writer of ours."""
        connection = sqlite3.connect(path_of(url), isolation_level=None, timeout=30)
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def rows(self, url: str, sql: str) -> Iterator[tuple[Any, ...]]:
        """As the driver gives them."""
        with closing(self.connect(url)) as connection:
            yield from connection.execute(sql)


class OnServer(Place):
    """MariaDB, with every commit on disk."""

    prefix, mark, begin = "MariaDB: ", "%s", "START TRANSACTION"

    def __init__(self, server: mariadb.Server) -> None:
        self._server = server
        self._first = server.new_database()
        database.create(server.url(self._first))

    def new(self) -> str:
        """A copy of the first one: that is faster than migrating."""
        return self._server.url(self._server.copy(self._first))

    def connect(self, url: str) -> Any:
        """As the account of the ledger, like a writer of ours."""
        name = url.rpartition("/")[2]
        connection = self._server.connect(name, mariadb.USER, mariadb.PASSWORD)
        connection.cursor().execute("SET foreign_key_checks = 0")
        return connection

    def rows(self, url: str, sql: str) -> Iterator[tuple[Any, ...]]:
        """By a cursor that does not take them all into memory."""
        with closing(self.connect(url)) as connection:
            cursor = connection.cursor(SSCursor)
            cursor.execute(sql)
            yield from iter(cursor.fetchone, None)


@contextmanager
def places(folder: Path) -> Iterator[tuple[Files, OnServer]]:
    """Both places; the server ends with the context."""
    files = folder / "files"
    files.mkdir()
    with mariadb.Server(folder / "server") as server:
        yield Files(files), OnServer(server)
