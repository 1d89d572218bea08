"""MySQL and MariaDB: one server or a cluster, for many machines.

Its connections and their settings are in ``mysql_connection``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import peewee
import pymysql
from peewee import Database
from pymysql.cursors import SSCursor

from coinsync.errors import CoinsyncError, DatabaseUnusable
from coinsync.store.engines import guards, mysql_errors, mysql_schema
from coinsync.store.engines.base import Engine, Lender, Values
from coinsync.store.engines.mysql_address import ServerAddress, address_of
from coinsync.store.engines.mysql_connection import (
    CONNECT_SECONDS_MAX,
    MysqlDatabase,
    SharedDatabase,
    opened_here,
    terms_to_read,
    terms_to_write,
)
from coinsync.store.models import TABLE_NAMES

#: ``CHECK TABLE`` reads all of a table.
CHECK_SECONDS = 3600.0
#: A connection of the web view is given up then, so that a host that is back is used again.
STALE_SECONDS = 300

#: Compared byte by byte, trailing blanks too, as SQLite does: MariaDB's and MySQL's name for it. By
#: their defaults ``K1`` equals ``k1`` and "ё" equals "е".
_COLLATIONS = ("utf8mb4_nopad_bin", "utf8mb4_0900_bin")


class Mysql(Engine):
    """A server, or several of a cluster."""

    errors = (peewee.PeeweeException, pymysql.MySQLError)
    guards = guards.MYSQL

    # --- by address -------------------------------------------------------------------------------

    def place(self, url: str) -> str:
        """Hosts and name."""
        return str(address_of(url))

    def must_exist(self, url: str) -> object:
        """Connecting will tell; it is the same database whatever happens to it."""
        return address_of(url)

    def prepare(self, url: str) -> bool:
        """Make the database itself, where the account may."""
        address = address_of(url)
        try:
            with self.to_write(url, wait_seconds=CONNECT_SECONDS_MAX).connection_context():
                return False
        except peewee.OperationalError as error:
            if not set(mysql_errors.codes(error)) & mysql_errors.NO_DATABASE:
                raise
        terms = terms_to_write(CONNECT_SECONDS_MAX)
        database: Database = MysqlDatabase("information_schema", address=address, terms=terms)
        with database.connection_context():
            name = address.name.replace("`", "``")
            collation = _collation(database)
            database.execute_sql(
                f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE {collation}"
            )
        return True

    def to_write(self, url: str, *, wait_seconds: float) -> MysqlDatabase:
        """Each of a plan's tries waits for a part of the time."""
        address = address_of(url)
        return MysqlDatabase(address.name, address=address, terms=terms_to_write(wait_seconds))

    def to_read(self, url: str, *, wait_seconds: float) -> MysqlDatabase:
        """Every transaction of it is told to write nothing; the account may be one that cannot."""
        address = address_of(url)
        return MysqlDatabase(address.name, address=address, terms=terms_to_read(wait_seconds))

    def lender(self, url: str, *, wait_seconds: float, connections: int) -> Lender:
        """Connections are kept. What another node has just written may be seen a moment later."""
        address = address_of(url)
        shared: Database = SharedDatabase(
            address.name,
            address=address,
            # A page waits for no other node: it would be slower, and never be wrong for long.
            terms=terms_to_read(wait_seconds, wait_seconds + 4, causal=False),
            max_connections=connections,
            stale_timeout=STALE_SECONDS,
            timeout=wait_seconds,
        )

        @contextmanager
        def lent() -> Iterator[Database]:
            with shared.connection_context():
                yield shared

        return lent

    def back_up(self, url: str, file: Path) -> None:
        """By the server's own program."""
        from coinsync.store.engines import mysql_dump

        mysql_dump.dump(address_of(url), file, guards=len(self.guards))

    # --- by open database: connecting and writing -------------------------------------------------

    def place_of(self, database: Database) -> str:
        """Hosts and name."""
        return str(opened_here(database).address)

    def begin_reading(self, database: Database) -> None:
        """The snapshot is taken at once, not by the first question."""
        database.execute_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def may_try_again(self, error: BaseException, *, began: bool) -> bool:
        """What others did to us passes; a server that does not answer was waited for already."""
        return not mysql_errors.timed_out(error)

    def is_alive(self, database: Database) -> bool:
        """Asked of the server.

        The driver must not connect anew by itself: that connection would have no settings of ours.
        """
        try:
            database.connection().ping(reconnect=False)
        except pymysql.MySQLError:
            return False
        return True

    def renew(self, database: Database) -> None:
        """Connect anew: to another host, where this one serves no longer."""
        database.close()

    @contextmanager
    def look_again(self, database: Database) -> Iterator[None]:
        """Take the writers' lock: a commit of ours that is still on its way holds it."""
        database.close()
        database.connect()
        database.begin()
        try:
            database.execute_sql("SELECT n FROM head WHERE id = 1 FOR UPDATE")
            yield
        finally:
            database.rollback()

    def stream(self, database: Database, sql: str, values: Values) -> Iterator[tuple[Any, ...]]:
        """Rows come as they are asked for; meanwhile the connection can do nothing else."""
        connection = database.connection()
        with closing(connection.cursor(SSCursor)) as cursor:
            cursor.execute(sql, values)
            result = connection._result
            yield from iter(cursor.fetchone, None)
            # Another statement would have taken the rest of the rows away without an error.
            if connection._result is not result:
                raise RuntimeError("another question was asked before all rows were read")

    def take_any_text(self, database: Database) -> None:
        """The server stores no text that is none."""

    def translate(self, error: BaseException, place: str) -> CoinsyncError:
        """Told apart by numbers."""
        return mysql_errors.translate(error, place)

    # --- by open database: settings, schema and guards --------------------------------------------

    def ready_to_migrate(self, database: Database) -> None:
        """New tables are made as the database says: transactional, and comparing texts exactly."""
        database.execute_sql("SET SESSION default_storage_engine = InnoDB")
        database.execute_sql(f"ALTER DATABASE CHARACTER SET utf8mb4 COLLATE {_collation(database)}")

    def has_table(self, database: Database, name: str) -> bool:
        """Whether it is there, and this account may see it."""
        return bool(database.execute_sql("SHOW TABLES LIKE %s", (name,)).fetchall())

    def unsafe_settings(self, database: Database) -> list[str]:
        """The session was looked at when it was made; here are the tables."""
        wrong = []
        for table, kind, collation in database.execute_sql(
            "SELECT table_name, engine, table_collation FROM information_schema.tables"
            " WHERE table_schema = DATABASE()"
        ):
            if table not in TABLE_NAMES:
                continue
            # A row of a MyISAM table survives the rollback of its transaction.
            if kind != "InnoDB":
                wrong.append(f"table {table} is {kind}, not InnoDB")
            if collation not in _COLLATIONS:
                wrong.append(f"table {table} compares texts by {collation}")
        return wrong

    def weak_settings(self, database: Database) -> list[str]:
        """Whether what was committed is on disk."""
        cursor = database.execute_sql("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit")
        flush = cursor.fetchone()[0]
        if flush == 1:
            return []
        return [
            f"innodb_flush_log_at_trx_commit = {flush}: "
            "a power cut may lose the last second; set it to 1"
        ]

    def expected(self) -> Mapping[str, str]:
        """As the models say it, in the words of the server."""
        address = ServerAddress((), "none", "", "")
        # Never connected: it only knows what the server calls a type.
        return mysql_schema.expected(MysqlDatabase("none", address=address, terms=terms_to_read(1)))

    def described(self, database: Database) -> Mapping[str, str]:
        """From ``information_schema``."""
        return self.without_guards(mysql_schema.described(database, _COLLATIONS))

    def put_guard(self, database: Database, name: str, body: str) -> bool:
        """False where the account or the server may not.

        A server with a binary log takes triggers only from accounts that it trusts.
        """
        try:
            database.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
            database.execute_sql(f"CREATE TRIGGER {name} {body}")
        except peewee.DatabaseError as error:
            if set(mysql_errors.codes(error)) & mysql_errors.FORBIDDEN:
                return False
            raise
        return True

    def guards_lost(self, database: Database) -> tuple[str, ...]:
        """Those that this account does not see, where it may do what they refuse."""
        lost = []
        for name in self._unseen_guards(database):
            verb, table = guards.watched(self.guards[name])
            if self._may(database, verb, table):
                lost.append(name)
        return tuple(lost)

    def guards_hidden(self, database: Database) -> tuple[str, ...]:
        """Those that this account does not see, where it may not do what they refuse either."""
        lost = self.guards_lost(database)
        return tuple(name for name in self._unseen_guards(database) if name not in lost)

    def _unseen_guards(self, database: Database) -> list[str]:
        texts = mysql_schema.triggers(database)
        return sorted(name for name, body in self.guards.items() if texts.get(name) != body)

    def _may(self, database: Database, verb: str, table: str) -> bool:
        """Ask the server itself, by a statement that is not carried out."""
        if verb == "UPDATE":
            column = mysql_schema.first_column(table)
            statement = f"EXPLAIN UPDATE {table} SET {column} = {column}"
        else:
            statement = f"EXPLAIN DELETE FROM {table}"
        try:
            database.execute_sql(statement)
        except peewee.DatabaseError as error:
            found = set(mysql_errors.codes(error))
            # That this transaction only reads is said after the right was found.
            if not found & (mysql_errors.FORBIDDEN | mysql_errors.READ_ONLY):
                raise
            return not found & mysql_errors.FORBIDDEN
        return True

    # --- by open database: its condition ----------------------------------------------------------

    def damage(self, database: Database) -> list[str]:
        """The server's own check, on a connection of its own: it would end our transaction."""
        opened = opened_here(database)
        terms = terms_to_read(opened.terms.connect_seconds, CHECK_SECONDS)
        other: Database = MysqlDatabase(opened.database, address=opened.address, terms=terms)
        with other.connection_context():
            rows = other.execute_sql(f"CHECK TABLE {', '.join(TABLE_NAMES)}").fetchall()
        return [
            f"{table}: {text}" for table, _, kind, text in rows if (kind, text) != ("status", "OK")
        ]

    def orphans(self, database: Database) -> list[tuple[str, object, str]]:
        """Rows by what they refer to."""
        return list(mysql_schema.orphans(database))

    def product(self, database: Database) -> tuple[str, str]:
        """MariaDB says so in its version, before what its packagers add."""
        version = str(database.execute_sql("SELECT VERSION()").fetchone()[0])
        number, mark, _ = version.partition("-MariaDB")
        return ("MariaDB" if mark else "MySQL"), number

    def rights(self, database: Database) -> tuple[str, ...]:
        """What of the tables that only grow this account may change or empty."""
        allowed = []
        for table in guards.GROWING:
            for verb in ("UPDATE", "DELETE"):
                if self._may(database, verb, table):
                    allowed.append(f"{verb} {table}")
        return (f"this account may {', '.join(allowed)}",) if allowed else ()

    def size(self, database: Database) -> int:
        """Bytes of tables and indexes, as far as the server knows."""
        cursor = database.execute_sql(
            "SELECT SUM(data_length + index_length) FROM information_schema.tables"
            " WHERE table_schema = DATABASE()"
        )
        return int(cursor.fetchone()[0] or 0)


MYSQL = Mysql()


def _collation(database: Database) -> str:
    """The name that this server has for comparing texts byte by byte."""
    marks = ", ".join(["%s"] * len(_COLLATIONS))
    rows = database.execute_sql(
        "SELECT collation_name FROM information_schema.collations"
        f" WHERE collation_name IN ({marks})",
        _COLLATIONS,
    )
    known = {name for (name,) in rows}
    for name in _COLLATIONS:
        if name in known:
            return name
    raise DatabaseUnusable(
        "database: this server cannot compare texts exactly", advice="Use MariaDB 10.6 or newer."
    )
