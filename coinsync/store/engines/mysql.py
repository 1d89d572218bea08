"""MySQL and MariaDB: one server or a cluster, for many machines; of several hosts the first that serves is used.

Every connection sets what the ledger relies on and asserts it, because a server's own settings are another's to choose.
The isolation is REPEATABLE READ. A writer's first statement changes the head row, which takes no snapshot, so that what
it reads afterwards is one moment under the lock; a reader takes its snapshot when it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import peewee
import pymysql
from peewee import Database, MySQLDatabase
from playhouse.pool import MaxConnectionsExceeded, PooledMySQLDatabase
from pymysql.cursors import SSCursor

from coinsync.errors import CoinsyncError, DatabaseUnusable
from coinsync.store.engines import guards, mysql_errors, mysql_schema
from coinsync.store.engines.base import TRIES_MAX, Engine, Lender, Values
from coinsync.store.engines.mysql_address import Address, address_of
from coinsync.store.models import MODELS

#: How long the parts of one exchange with the server may take, beyond waiting for other writers.
CONNECT_SECONDS_MAX, ANSWER_SECONDS, CHECK_SECONDS = 10.0, 30.0, 3600.0
#: A connection of the web view is given up after so long, so that a host that is back is used again.
STALE_SECONDS = 300
PACKET_BYTES_MIN = 4 * 2**20

_MODE = "STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
_ISOLATION = "REPEATABLE-READ"
#: Compared byte by byte, trailing blanks too, as SQLite does: MariaDB's and MySQL's name for it.
_COLLATIONS = ("utf8mb4_nopad_bin", "utf8mb4_0900_bin")
_ASSERTED = {
    "autocommit": "ON",
    "foreign_key_checks": "ON",
    "unique_checks": "ON",
    "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4",
    "character_set_results": "utf8mb4",
}
_ASKED = (
    *_ASSERTED,
    *(
        "sql_mode",
        "tx_isolation",
        "transaction_isolation",
        "max_allowed_packet",
        "read_only",
        "wsrep_on",
    ),
)


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a connection is made; times in seconds."""

    writes: bool
    connect_seconds: float
    lock_seconds: int
    answer_seconds: float
    #: Whether it waits until a cluster's node has what other nodes have committed.
    causal: bool = True


class MysqlDatabase(MySQLDatabase):
    """A database at an address; each connection goes to the first of its hosts that serves."""

    # Whole numbers and texts as large as SQLite's, whatever a model calls them.
    field_types = MySQLDatabase.field_types | {"INT": "BIGINT", "TEXT": "MEDIUMTEXT"}

    def __init__(self, database: str, *, address: Address, terms: Terms, **more: Any) -> None:
        self.address, self.terms = address, terms
        super().__init__(database, **more)

    def _connect(self) -> pymysql.Connection[Any]:
        failed: Exception | None = None
        for host, port in self.address.hosts or (("localhost", 0),):
            try:
                return self._connected(host, port)
            except (pymysql.MySQLError, DatabaseUnusable) as error:
                if set(mysql_errors.codes(error)) & (
                    mysql_errors.DENIED | mysql_errors.NO_DATABASE
                ):
                    raise
                failed = error
        assert failed is not None  # noqa: S101
        raise failed

    def _connected(self, host: str, port: int) -> pymysql.Connection[Any]:
        address, terms, context = self.address, self.terms, self.address.context()
        connection: pymysql.Connection[Any] = pymysql.connect(
            host=host,
            port=port,
            unix_socket=address.socket or None,
            user=address.user,
            # The driver would write it in Latin-1.
            password=address.password.encode(),
            database=self.database,
            charset="utf8mb4",
            autocommit=True,
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
            "sql_mode": f"'{_MODE}'",
            "foreign_key_checks": 1,
            "unique_checks": 1,
            "innodb_lock_wait_timeout": terms.lock_seconds,
            "lock_wait_timeout": max(terms.lock_seconds, 1),
        }
        with closing(connection.cursor()) as cursor:
            cursor.execute(
                "SET SESSION " + ", ".join(f"{name} = {value}" for name, value in settings.items())
            )
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            if not terms.writes:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute(
                f"SHOW VARIABLES WHERE Variable_name IN ({', '.join(['%s'] * len(_ASKED))})", _ASKED
            )
            found = dict(cursor.fetchall())
            self._refuse_unsafe(found)
            if terms.writes and found.get("read_only", "OFF") != "OFF":
                raise pymysql.OperationalError(
                    min(mysql_errors.READ_ONLY_SERVER), "the server is read-only"
                )
            if found.get("wsrep_on") == "ON":
                self._join_cluster(cursor)

    def _refuse_unsafe(self, found: Mapping[str, str]) -> None:
        wrong = [name for name, value in _ASSERTED.items() if found.get(name) != value]
        if not set(_MODE.split(",")) <= set(found.get("sql_mode", "").split(",")):
            wrong.append("sql_mode")
        if _ISOLATION not in (found.get("tx_isolation"), found.get("transaction_isolation")):
            wrong.append("isolation level")
        if int(found.get("max_allowed_packet", 0)) < PACKET_BYTES_MIN:
            wrong.append(f"max_allowed_packet below {PACKET_BYTES_MIN}")
        if wrong:
            raise DatabaseUnusable(f"database: {self.address}: unsafe settings: {', '.join(wrong)}")

    def _join_cluster(self, cursor: Any) -> None:
        cursor.execute("SHOW STATUS LIKE 'wsrep_ready'")
        if dict(cursor.fetchall()).get("wsrep_ready") != "ON":
            raise pymysql.OperationalError(min(mysql_errors.NOT_READY), "the node is not ready")
        if self.terms.causal:
            cursor.execute("SET SESSION wsrep_sync_wait = 1")

    def create_tables(self, models: Any, **options: Any) -> None:
        """Make tables and indexes, those too that a migration which died has left out: each commits by itself here.

        Models that others refer to stand before those.
        """
        for model in models:
            model._schema.create_table(safe=True)
            there = {tuple(index.columns) for index in self.get_indexes(model._meta.table_name)}
            for index in model._meta.fields_to_index():
                if tuple(field.column_name for field in index._expressions) not in there:
                    self.execute(model._schema._create_index(index, safe=False))  # type: ignore[no-untyped-call]


class SharedDatabase(PooledMySQLDatabase, MysqlDatabase):  # type: ignore[misc]
    """For reading by many threads: each visit takes a connection that is alive, and gives it back."""

    def connect(self, reuse_if_open: bool = False) -> Any:
        """Take a connection; that there are too many is told as a server would."""
        try:
            return super().connect(reuse_if_open)
        except MaxConnectionsExceeded as error:
            raise peewee.OperationalError(
                min(mysql_errors.CROWDED), "too many readers at once"
            ) from error

    def _is_closed(self, conn: pymysql.Connection[Any]) -> bool:
        if not super()._is_closed(conn):
            return False
        # Where one is dead the server was away, and so are the others: nobody should wait for each of them.
        self._connections.clear()
        return True


def _database_of(database: Database) -> MysqlDatabase:
    assert isinstance(database, MysqlDatabase)  # noqa: S101
    return database


class Mysql(Engine):
    """A server, or several of a cluster."""

    errors = (peewee.PeeweeException, pymysql.MySQLError)
    guards = guards.MYSQL

    # --- by address ---------------------------------------------------------------------------------------------

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
        database: Database = MysqlDatabase(
            "information_schema", address=address, terms=_writing(CONNECT_SECONDS_MAX)
        )
        with database.connection_context():
            name = address.name.replace("`", "``")
            database.execute_sql(
                f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE {_collation(database)}"
            )
        return True

    def to_write(self, url: str, *, wait_seconds: float) -> MysqlDatabase:
        """Each of a plan's tries waits for a part of the time, so that all together wait as long as they should."""
        address = address_of(url)
        return MysqlDatabase(address.name, address=address, terms=_writing(wait_seconds))

    def to_read(self, url: str, *, wait_seconds: float) -> MysqlDatabase:
        """Every transaction of it is told to write nothing; the account may be one that cannot."""
        address = address_of(url)
        return MysqlDatabase(
            address.name, address=address, terms=_reading(wait_seconds, ANSWER_SECONDS)
        )

    def lender(self, url: str, *, wait_seconds: float, connections: int) -> Lender:
        """Connections are kept; what other nodes of a cluster have just written may be seen a moment later."""
        address = address_of(url)
        shared: Database = SharedDatabase(
            address.name,
            address=address,
            terms=_reading(wait_seconds, wait_seconds + 4, causal=False),
            max_connections=connections,
            stale_timeout=STALE_SECONDS,
            timeout=wait_seconds,
        )

        @contextmanager
        def lent() -> Iterator[Database]:
            with shared.connection_context():
                yield shared

        return lent

    # --- by open database ---------------------------------------------------------------------------------------

    def place_of(self, database: Database) -> str:
        """Hosts and name."""
        return str(_database_of(database).address)

    def check_there(self, database: Database) -> None:
        """Connecting will tell."""

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
        ours = {model._meta.table_name for model in MODELS}
        for table, kind, collation in database.execute_sql(
            "SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = DATABASE()"
        ):
            if table in ours and kind != "InnoDB":
                wrong.append(f"table {table} is {kind}, not InnoDB")
            if table in ours and collation not in _COLLATIONS:
                wrong.append(f"table {table} compares texts by {collation}")
        return wrong

    def weak_settings(self, database: Database) -> list[str]:
        """Whether what was committed is on disk."""
        [(flush,)] = database.execute_sql(
            "SELECT @@GLOBAL.innodb_flush_log_at_trx_commit"
        ).fetchall()
        weak = (
            "innodb_flush_log_at_trx_commit = {}: a power cut may lose the last second; set it to 1"
        )
        return [] if flush == 1 else [weak.format(flush)]

    def begin_reading(self, database: Database) -> None:
        """The snapshot is taken at once."""
        database.execute_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def may_try_again(self, error: BaseException, *, began: bool) -> bool:
        """A server that stands still was waited for already; what others did to us passes."""
        return not mysql_errors.timed_out(error)

    def is_alive(self, database: Database) -> bool:
        """Asked of the server; a connection that the driver made anew by itself would have no settings of ours."""
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
        """Take the writers' lock: a commit of ours that is still on its way holds it, and is waited for."""
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
            mine = connection._result
            yield from iter(cursor.fetchone, None)
            if connection._result is not mine:
                raise RuntimeError("another question was asked before all rows were read")

    def take_any_text(self, database: Database) -> None:
        """The server refuses what is no text."""

    def put_guard(self, database: Database, name: str, body: str) -> bool:
        """False where the account or the server may not: a binary log without trust in makers of triggers is one."""
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
        return tuple(
            name
            for name in self._unseen(database)
            if self._may(database, *guards.watched(self.guards[name]))
        )

    def guards_hidden(self, database: Database) -> tuple[str, ...]:
        """Those that this account does not see, where it may not do what they refuse either."""
        lost = self.guards_lost(database)
        return tuple(name for name in self._unseen(database) if name not in lost)

    def _unseen(self, database: Database) -> list[str]:
        found = {
            name: f"{timing} {event} ON {table} FOR EACH ROW {statement}"
            for name, timing, event, table, statement in database.execute_sql(mysql_schema.TRIGGERS)
        }
        return sorted(name for name, body in self.guards.items() if found.get(name) != body)

    def _may(self, database: Database, verb: str, table: str) -> bool:
        """Ask the server itself, by a statement that is not carried out."""
        column = (
            next(model for model in MODELS if model._meta.table_name == table)
            ._meta.sorted_fields[0]
            .column_name
        )
        try:
            if verb == "UPDATE":
                database.execute_sql(f"EXPLAIN UPDATE {table} SET {column} = {column}")
            else:
                database.execute_sql(f"EXPLAIN DELETE FROM {table}")
        except peewee.DatabaseError as error:
            found = set(mysql_errors.codes(error))
            # That this transaction only reads is said after the right was found.
            if not found & (mysql_errors.FORBIDDEN | mysql_errors.READ_ONLY):
                raise
            return not found & mysql_errors.FORBIDDEN
        return True

    def expected(self) -> Mapping[str, str]:
        """As the models say it, in the words of the server."""
        address = Address((), "none", "", "")
        return mysql_schema.expected(MysqlDatabase("none", address=address, terms=_reading(1, 1)))

    def described(self, database: Database) -> Mapping[str, str]:
        """From ``information_schema``."""
        found = mysql_schema.described(database, _COLLATIONS)
        return {
            name: told
            for name, told in found.items()
            if name.removeprefix("trigger ") not in self.guards
        }

    def damage(self, database: Database) -> list[str]:
        """The server's own check, on a connection of its own because it would end our transaction."""
        asked = _database_of(database)
        other: Database = MysqlDatabase(
            asked.database,
            address=asked.address,
            terms=_reading(asked.terms.connect_seconds, CHECK_SECONDS),
        )
        tables = ", ".join(model._meta.table_name for model in MODELS)
        with other.connection_context():
            rows = other.execute_sql(f"CHECK TABLE {tables}").fetchall()
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
        may = [
            f"{verb} {table}"
            for table in guards.GROWING
            for verb in _CHANGES
            if self._may(database, verb, table)
        ]
        return (f"this account may {', '.join(may)}",) if may else ()

    def size(self, database: Database) -> int:
        """Bytes of tables and indexes, as far as the server knows."""
        sql = "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()"
        return int(database.execute_sql(sql).fetchone()[0] or 0)

    def back_up(self, url: str, file: Path) -> None:
        """By the server's own program."""
        from coinsync.store.engines import mysql_dump

        mysql_dump.dump(address_of(url), file, guards=len(self.guards))

    def translate(self, error: BaseException, place: str) -> CoinsyncError:
        """Told apart by numbers."""
        return mysql_errors.translate(error, place)


MYSQL = Mysql()
_CHANGES = ("UPDATE", "DELETE")


def _writing(wait_seconds: float) -> Terms:
    lock_seconds = max(1, int(wait_seconds / TRIES_MAX))
    return Terms(
        True, min(wait_seconds, CONNECT_SECONDS_MAX), lock_seconds, lock_seconds + ANSWER_SECONDS
    )


def _reading(wait_seconds: float, answer_seconds: float, *, causal: bool = True) -> Terms:
    seconds = min(wait_seconds, CONNECT_SECONDS_MAX)
    return Terms(False, seconds, max(1, int(wait_seconds)), answer_seconds, causal)


def _collation(database: Database) -> str:
    marks = ", ".join(["%s"] * len(_COLLATIONS))
    sql = f"SELECT collation_name FROM information_schema.collations WHERE collation_name IN ({marks})"
    found = {name for (name,) in database.execute_sql(sql, _COLLATIONS)}
    for name in _COLLATIONS:
        if name in found:
            return name
    raise DatabaseUnusable(
        "database: this server cannot compare texts exactly", advice="Use MariaDB 10.6 or newer."
    )
