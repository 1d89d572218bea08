"""Connections to a MySQL or MariaDB server, which set what matters."""

from __future__ import annotations

import select
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import pymysql
from peewee import MySQLDatabase
from pymysql.constants import CR, SERVER_STATUS

from coinsync.errors import DatabaseUnusable
from coinsync.store.engines import mysql_errors
from coinsync.store.engines.base import TRIES_MAX
from coinsync.store.engines.mysql_address import ServerAddress
from coinsync.waiting import TookTooLong, within

#: How long the parts of one exchange with the server may take, beyond waiting for other writers.
CONNECT_SECONDS_MAX, ANSWER_SECONDS = 10.0, 30.0
#: How long a session may stand idle: in a snapshot while the CRM is read. Some servers end idle
#: sessions after seconds.
IDLE_SECONDS = 8 * 3600
#: A statement carries up to 500 rows; a server that takes less in one packet breaks off in between.
PACKET_BYTES_MIN = 4 * 2**20

#: Without strict mode 99999999999 is stored as 2147483647 and "abc" as 0, both without an error.
_SQL_MODES = {
    "STRICT_ALL_TABLES",
    "STRICT_TRANS_TABLES",
    "ERROR_FOR_DIVISION_BY_ZERO",
    # Otherwise a table may be made by an engine that knows no transactions.
    "NO_ENGINE_SUBSTITUTION",
}
_ASKED = ("max_allowed_packet", "read_only", "wsrep_on")


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a connection is made; ``causal`` waits for what other nodes committed."""

    writes: bool
    wait_seconds: float
    reader_seconds: float | None = None
    causal: bool = True

    @property
    def connect_seconds(self) -> float:
        """How long each part of connecting may take."""
        return min(self.wait_seconds, CONNECT_SECONDS_MAX)

    @property
    def lock_seconds(self) -> int:
        """How long another writer is waited for: each of a plan's tries has a part of the time."""
        tries = TRIES_MAX if self.writes else 1
        return max(1, int(self.wait_seconds / tries))

    @property
    def answer_seconds(self) -> float:
        """How long an answer may take; ``reader_seconds`` where a reader says so."""
        if self.writes:
            return self.lock_seconds + ANSWER_SECONDS
        return ANSWER_SECONDS if self.reader_seconds is None else self.reader_seconds


class MysqlDatabase(MySQLDatabase):
    """A database at an address; each connection goes to the first of its hosts that serves."""

    # Whole numbers and texts as large as SQLite's, whatever a model calls them.
    field_types = MySQLDatabase.field_types | {"INT": "BIGINT", "TEXT": "MEDIUMTEXT"}

    def __init__(self, database: str, *, address: ServerAddress, terms: Terms, **more: Any) -> None:
        self.address, self.terms = address, terms
        super().__init__(database, **more)

    def _connect(self) -> pymysql.Connection[Any]:
        failed: Exception | None = None
        for host, port in self.address.hosts:
            try:
                return self._connect_in_time(host, port)
            except (pymysql.MySQLError, DatabaseUnusable) as error:
                # Hosts of one cluster know the same accounts and databases.
                codes = set(mysql_errors.codes(error))
                if codes & (mysql_errors.DENIED | mysql_errors.NO_DATABASE):
                    raise
                failed = error
        assert failed is not None  # noqa: S101
        raise failed

    def _connect_in_time(self, host: str, port: int) -> pymysql.Connection[Any]:
        # The time-outs of the driver bound each of its reads, of which there are a dozen.
        try:
            seconds = 2 * self.terms.connect_seconds
            return within(seconds, partial(self._connect_to, host, port))
        except RuntimeError as error:
            # The driver has no library for the way in which MySQL 8 seals a password by itself.
            why = "the account wants TLS or a socket (caching_sha2_password)"
            advice = "Add ?tls=on to [database] url. Nothing was written."
            raise DatabaseUnusable(f"database: {self.address}: {why}", advice=advice) from error
        except TookTooLong:
            why = f"not connected in {seconds:.0f} s"
            raise pymysql.OperationalError(CR.CR_CONN_HOST_ERROR, why) from None

    def cursor(self, *arguments: Any, **named: Any) -> Any:
        """A cursor, on a new connection if the server has ended an idle one meanwhile."""
        if not self.is_closed() and not self.in_transaction():
            connection = self.connection()  # type: ignore[no-untyped-call]
            if _has_ended(connection):
                self.close()
        return super().cursor(*arguments, **named)  # type: ignore[no-untyped-call]

    def _connect_to(self, host: str, port: int) -> pymysql.Connection[Any]:
        address, terms, context = self.address, self.terms, self.address.context()
        connection: pymysql.Connection[Any] = pymysql.connect(
            host=host,
            port=port,
            user=address.user,
            # The driver would write a text in Latin-1.
            password=address.password.encode(),
            database=self.database,
            charset="utf8mb4",
            autocommit=True,
            # This does not cover the handshake; without the next a frozen server held a client.
            connect_timeout=terms.connect_seconds,
            read_timeout=terms.connect_seconds,
            write_timeout=terms.answer_seconds,
            # Without it the driver loads the system's authorities at every connect.
            **({"ssl": context} if context else {"ssl_disabled": True}),
        )
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()
            raise
        # Until here a host that does not answer was waited for as for one that cannot be reached.
        connection._read_timeout = terms.answer_seconds  # type: ignore[attr-defined]
        return connection

    def _set_up(self, connection: pymysql.Connection[Any]) -> None:
        terms = self.terms
        settings = {
            "sql_mode": f"'{','.join(sorted(_SQL_MODES))}'",
            "foreign_key_checks": 1,
            "unique_checks": 1,
            # How long to wait for rows that another writer holds, and for a table that is altered.
            "innodb_lock_wait_timeout": terms.lock_seconds,
            "lock_wait_timeout": terms.lock_seconds,
            "wait_timeout": IDLE_SECONDS,
        }
        assignments = ", ".join(f"{name} = {value}" for name, value in settings.items())
        marks = ", ".join(["%s"] * len(_ASKED))
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"SET SESSION {assignments}")
            # A writer's first statement changes the head row, which takes no snapshot: what it
            # reads then is one moment, under the lock. A reader takes its snapshot when it begins.
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            if not terms.writes:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute(f"SHOW VARIABLES WHERE Variable_name IN ({marks})", _ASKED)
            variables = dict(cursor.fetchall())
            if int(variables["max_allowed_packet"]) < PACKET_BYTES_MIN:
                why = f"max_allowed_packet is below {PACKET_BYTES_MIN}"
                raise DatabaseUnusable(f"database: {self.address}: unsafe settings: {why}")
            if terms.writes and variables.get("read_only", "OFF") != "OFF":
                raise pymysql.OperationalError(
                    min(mysql_errors.READ_ONLY_SERVER), "the server is read-only"
                )
            if variables.get("wsrep_on") == "ON":
                self._join_cluster(cursor)

    def _join_cluster(self, cursor: Any) -> None:
        # A node that is cut off from its cluster still takes connections.
        cursor.execute("SHOW STATUS LIKE 'wsrep_ready'")
        if dict(cursor.fetchall()).get("wsrep_ready") != "ON":
            raise pymysql.OperationalError(min(mysql_errors.NOT_READY), "the node is not ready")
        if self.terms.causal:
            # Without it 70 of 300 reads on another node did not see what was just committed.
            cursor.execute("SET SESSION wsrep_sync_wait = 1")

    def create_tables(self, models: Any, **options: Any) -> None:
        """Make tables and indexes, also those that a migration which died has left out."""
        # Each statement commits by itself here.
        for model in models:
            model._schema.create_table(safe=True)
            indexes = self.get_indexes(model._meta.table_name)
            indexed = {tuple(index.columns) for index in indexes}
            for index in model._meta.fields_to_index():
                columns = tuple(field.column_name for field in index._expressions)
                if columns not in indexed:
                    statement = model._schema._create_index(index, safe=False)
                    self.execute(statement)  # type: ignore[no-untyped-call]


def _has_ended(connection: Any) -> bool:
    """Whether the server has closed a connection that was outside of any transaction."""
    # A snapshot is a transaction that only the server knows of; it must not be lost in silence.
    if connection.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS:
        return False
    if not connection.open:
        return True
    # Whoever was asked nothing says nothing, but for a farewell.
    poll = select.poll()
    poll.register(connection._sock, select.POLLIN)
    return bool(poll.poll(0))
