"""Databases for tests on either engine: a suite that names ``ENGINES`` runs on both, and asks
nobody which one it is.

On MariaDB a test gets a database that was made before, with today's schema and no rows, because
making one takes longer than most tests do; what a test has changed in its schema is thrown away.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pymysql
from peewee import Database, SqliteDatabase

from coinsync.store import database as opening
from coinsync.store.models import MODELS
from coinsync.store.operations import grants
from tests.support.mariadb import HOST, Server

BOTH = ("sqlite", "mariadb")
PASSWORD = "of-the/three?#@: '%"
TABLES = tuple(model._meta.table_name for model in MODELS)

#: Where databases of the running test are made: in files, or on this server.
_schools: Schools | None = None


class Schools:
    """Databases of one server: those in use by the running test, and those that wait for the next."""  # noqa: E501

    def __init__(self, server: Server) -> None:
        self.server = server
        for name in (grants.OWNER, grants.WRITER, grants.WEB):
            server.execute(
                f"CREATE USER '{name}'@'{HOST}' IDENTIFIED BY '{PASSWORD.replace(chr(39), chr(39) * 2)}'"  # noqa: E501
            )
        self._free: list[str] = []
        self._used: dict[str, bool] = {}
        self._recipe: list[str] = []

    def new(self) -> str:
        """The name of a database with today's schema and an empty ledger."""
        name = self._free.pop() if self._free else self._made()
        self._used[name] = False
        return name

    def spoil(self, name: str) -> None:
        """Say that a database is no longer as it was made."""
        self._used[name] = True

    @property
    def used(self) -> frozenset[str]:
        """Names of the databases that are in use."""
        return frozenset(self._used)

    def release(self, but: Collection[str] = ()) -> None:
        """Take back what was used, all but those that somebody still needs."""
        for name in set(self._used).difference(but):
            if self._used.pop(name):
                self.server.drop(name)
            else:
                self._emptied(name)
                self._free.append(name)

    def url(self, name: str, account: str = "coinsync_writer") -> str:
        """The URL of a database for one of the three accounts."""
        return self.server.url(name, account, PASSWORD)

    def name_of(self, url: str) -> str:
        """The database of a URL."""
        return url.rpartition("/")[2]

    def _made(self) -> str:
        name = self.server.new_database()
        owner, *others = grants.statements(name, HOST)
        self.server.execute(owner)
        if self._recipe:
            with closing(self.server.connect(name, grants.OWNER, PASSWORD)) as connection:
                plain = Plain(connection)
                for one in ("SET foreign_key_checks = 0", *self._recipe):
                    plain.execute(one)
        else:
            opening.create(self.url(name, grants.OWNER))
            self._recipe = self._read_recipe(name)
        self.server.execute(*others)
        return name

    def _read_recipe(self, name: str) -> list[str]:
        """The statements that make such a database: much faster than migrating."""
        with self.admin(name) as connection:
            tables = [*TABLES, opening.HISTORY]
            recipe = [
                connection.execute(f"SHOW CREATE TABLE {table}").fetchone()[1] for table in tables
            ]
            for (trigger,) in connection.execute(
                "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"  # noqa: E501
            ):
                text = str(connection.execute(f"SHOW CREATE TRIGGER {trigger}").fetchone()[2])
                recipe.append("CREATE " + text[text.index("TRIGGER ") :].replace("`", ""))
            steps = [one for (one,) in connection.execute(f"SELECT name FROM {opening.HISTORY}")]
        values = ", ".join(f"('{step}', NOW())" for step in steps)
        recipe.append(f"INSERT INTO {opening.HISTORY} (name, applied) VALUES {values}")
        recipe.append("INSERT INTO head (id, n, runs, account, stock) VALUES (1, 0, 0, '', 0)")
        return recipe

    def _emptied(self, name: str) -> None:
        with self.admin(name) as connection:
            asked = " UNION ALL ".join(
                f"SELECT '{table}' FROM DUAL WHERE EXISTS (SELECT 1 FROM {table})"
                for table in TABLES
            )
            for (table,) in connection.execute(asked).fetchall():
                if table != "head":
                    connection.execute(f"TRUNCATE TABLE {table}")
            connection.execute("DELETE FROM head")
            connection.execute(
                "INSERT INTO head (id, n, runs, account, stock) VALUES (1, 0, 0, '', 0)"
            )

    @contextmanager
    def admin(self, name: str) -> Iterator[Plain]:
        """A connection of the server's root, who is bound by no reference and by no right."""
        with closing(self.server.connect(name)) as connection:
            plain = Plain(connection)
            plain.execute("SET foreign_key_checks = 0")
            yield plain


class Plain:
    """A connection of MariaDB's driver that is used as one of SQLite's."""

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Run one statement; the cursor with its rows."""
        cursor = self._connection.cursor()
        cursor.execute(sql.replace("?", "%s") if values else sql, values or None)
        return cursor

    def commit(self) -> None:
        """Every statement is committed by itself."""


@contextmanager
def using(schools: Schools | None) -> Iterator[None]:
    """Make databases there for a while; None stands for files."""
    global _schools
    before, _schools = _schools, schools
    try:
        yield
    finally:
        _schools = before
        if schools is not None:
            schools.release()


@contextmanager
def tidied() -> Iterator[None]:
    """Take back what is made meanwhile."""
    schools = _schools
    kept = schools.used if schools else frozenset()
    try:
        yield
    finally:
        if schools:
            schools.release(but=kept)


@cache
def _file() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "coins.db"
        opening.create(f"sqlite:///{path}")
        return path.read_bytes()


def new_database(folder: Path, name: str = "coins.db") -> str:
    """A fresh database with today's schema, in ``folder`` where it is a file; its URL. Migrations
    run once for all.
    """
    if _schools is not None:
        return _schools.url(_schools.new())
    path = folder / name
    path.write_bytes(_file())
    path.chmod(0o640)
    return f"sqlite:///{path}"


def new_address(folder: Path) -> str:
    """The address of a fresh database on the server, when it is the server's turn; else ""."""
    return new_database(folder) if _schools is not None else ""


def as_owner(url: str) -> str:
    """The same database for whoever may change its tables: on SQLite everybody who writes."""
    return url if on_sqlite(url) else _of(url, grants.OWNER)


def as_web(url: str) -> str:
    """The same database for the web view."""
    return url if on_sqlite(url) else _of(url, grants.WEB)


def _of(url: str, account: str) -> str:
    return re.sub(r"//[^:/]+:", f"//{account}:", url)


def on_sqlite(url: str) -> bool:
    """Whether a database is a file."""
    return url.startswith("sqlite:")


@contextmanager
def tampering(url: str) -> Iterator[Any]:
    """A connection of somebody who is bound by nothing but the guards; what it does is committed at
    the end.
    """
    if on_sqlite(url):
        with closing(sqlite3.connect(opening.path_of(url))) as connection, connection:
            yield connection
        return
    assert _schools is not None
    name = _schools.name_of(url)
    _schools.spoil(name)
    with _schools.admin(name) as plain:
        yield plain


@contextmanager
def unguarded(url: str) -> Iterator[Any]:
    """The same while the guards are away; afterwards they stand as before."""
    guards = opening.engine_at(url).guards
    with tampering(url) as connection:
        for name in guards:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for name, body in guards.items():
            connection.execute(f"CREATE TRIGGER {name} {body}")


_FORMS = (
    (r"^UPDATE OR (IGNORE|REPLACE) ", "UPDATE IGNORE "),
    (r"^INSERT OR REPLACE ", "REPLACE "),
    (r"^INSERT OR IGNORE ", "INSERT IGNORE "),
    (r" ON CONFLICT(\([\w, ]+\))? DO UPDATE SET ", " ON DUPLICATE KEY UPDATE "),
    (r"^INSERT (.*) ON CONFLICT DO NOTHING$", r"INSERT IGNORE \1"),
)


def tampered(database: Database, sql: str, values: Sequence[Any] = ()) -> None:
    """Try a statement by which somebody would change what must not be changed, in the engine's own
    form of it.
    """
    if not isinstance(database, SqliteDatabase):
        for form, other in _FORMS:
            sql = re.sub(form, other, sql)
    database.execute_sql(sql.replace("?", database.param), values)


def tables(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of ours, in an order of its own: equal content, equal value,
    whatever the engine.
    """
    opened = opening.open_readable(url)
    with opened.connection_context():
        return {
            table: sorted(
                (
                    tuple(map(_plain, row))
                    for row in opened.execute_sql(f"SELECT * FROM {table}").fetchall()
                ),
                key=repr,
            )
            for table in TABLES
        }


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, str, bytes, float, type(None))) else int(value)


def dump(url: str) -> str:
    """Everything that the database holds, as text: two databases with equal content have equal
    dumps.
    """
    if on_sqlite(url):
        opened = opening.open_readable(url)
        with opened.connection_context():
            return "\n".join(opened.connection().iterdump())
    return "\n".join(f"{table}: {row}" for table, rows in tables(url).items() for row in rows)
