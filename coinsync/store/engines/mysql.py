"""MySQL and MariaDB: one server or a cluster, for many machines."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import product
from typing import Any

import peewee
import pymysql
from peewee import Database, ForeignKeyField
from pymysql.cursors import SSCursor

from coinsync.errors import CoinsyncError, DatabaseUnusable
from coinsync.store.engines import mysql_errors
from coinsync.store.engines.base import GROWING, MYSQL_GUARDS, Engine, Values, connected
from coinsync.store.engines.mysql_address import address_of
from coinsync.store.engines.mysql_connection import CONNECT_SECONDS_MAX, MysqlDatabase, Terms
from coinsync.store.models import MODEL_OF_TABLE, MODELS, TABLE_NAMES, columns_of

#: ``CHECK TABLE`` reads all of a table.
CHECK_SECONDS = 3600.0

#: Compared byte by byte, trailing blanks too, as SQLite does: MariaDB's and MySQL's name for it. By
#: default ``K1`` equals ``k1`` and "ё" equals "е".
_COLLATIONS = ("utf8mb4_nopad_bin", "utf8mb4_0900_bin")

_TRIGGERS = """
SELECT trigger_name, action_timing, event_manipulation, event_object_table, action_statement
FROM information_schema.triggers WHERE trigger_schema = DATABASE()
"""
#: Values that refer to rows that are not there.
_ORPHANS = """
SELECT c.{column} FROM {table} c LEFT JOIN {parent} p ON p.{into} = c.{column}
WHERE c.{column} IS NOT NULL AND p.{into} IS NULL ORDER BY 1
"""


class Mysql(Engine):
    """A server, or several of a cluster."""

    errors = (peewee.PeeweeException, pymysql.MySQLError)
    guards = MYSQL_GUARDS

    def must_exist(self, url: str) -> object:
        # Connecting will tell; an address always means the same database.
        return address_of(url)

    def prepare(self, url: str) -> bool:
        try:
            with connected(self.to_write(url, wait_seconds=CONNECT_SECONDS_MAX)):
                return False
        except peewee.OperationalError as error:
            if not set(mysql_errors.codes(error)) & mysql_errors.NO_DATABASE:
                raise
        address, terms = address_of(url), Terms(True, CONNECT_SECONDS_MAX)
        database: Database = MysqlDatabase("information_schema", address=address, terms=terms)
        with connected(database):
            name = address.name.replace("`", "``")
            how = f"CHARACTER SET utf8mb4 COLLATE {_collation(database)}"
            database.execute_sql(f"CREATE DATABASE `{name}` {how}")
        return True

    def to_write(self, url: str, *, wait_seconds: float) -> MysqlDatabase:
        address = address_of(url)
        return MysqlDatabase(address.name, address=address, terms=Terms(True, wait_seconds))

    def to_read(self, url: str, *, wait_seconds: float, shared: bool = False) -> MysqlDatabase:
        address, terms = address_of(url), Terms(False, wait_seconds)
        if shared:
            # A page waits for no other node: what that one has just written may be seen a moment
            # later, and waiting would make all pages slower.
            terms = Terms(False, wait_seconds, wait_seconds + 4, causal=False)
        return MysqlDatabase(address.name, address=address, terms=terms, thread_safe=not shared)

    def place_of(self, database: MysqlDatabase) -> str:  # type: ignore[override]
        return str(database.address)

    def begin_reading(self, database: Database) -> None:
        # The snapshot is taken at once, not by the first question.
        database.execute_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def may_try_again(self, error: BaseException, *, began: bool) -> bool:
        # What others did to us passes; a server that does not answer was waited for already.
        return not mysql_errors.timed_out(error)

    def is_alive(self, database: Database) -> bool:
        try:
            # The driver would connect anew without our settings.
            database.connection().ping(reconnect=False)
        except pymysql.MySQLError:
            return False
        return True

    @contextmanager
    def look_again(self, database: Database) -> Iterator[None]:
        # A commit of ours that is still on its way holds the writers' lock.
        database.close()
        database.connect()
        database.begin()
        try:
            database.execute_sql("SELECT n FROM head WHERE id = 1 FOR UPDATE")
            yield
        finally:
            database.rollback()

    def stream(self, database: Database, sql: str, values: Values) -> Iterator[tuple[Any, ...]]:
        # Meanwhile the connection can do nothing else.
        connection = database.connection()
        with closing(connection.cursor(SSCursor)) as cursor:
            cursor.execute(sql, values)
            result = connection._result
            yield from iter(cursor.fetchone, None)
            # Another statement would have taken the rest of the rows away without an error.
            if connection._result is not result:
                raise RuntimeError("another question was asked before all rows were read")

    def translate(self, error: BaseException, place: str) -> CoinsyncError:
        return mysql_errors.translate(error, place)

    def ready_to_migrate(self, database: Database) -> None:
        # New tables are made transactional, and compare texts exactly.
        database.execute_sql("SET SESSION default_storage_engine = InnoDB")
        database.execute_sql(f"ALTER DATABASE CHARACTER SET utf8mb4 COLLATE {_collation(database)}")

    def unsafe_tables(self, database: Database) -> list[str]:
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
        name = "innodb_flush_log_at_trx_commit"
        flush = database.execute_sql(f"SELECT @@GLOBAL.{name}").fetchone()[0]
        if flush == 1:
            return []
        return [f"{name} = {flush}: a power cut may lose the last second; set it to 1"]

    def triggers(self, database: Database) -> Mapping[str, str]:
        texts: dict[str, str] = {}
        for name, timing, event, table, statement in database.execute_sql(_TRIGGERS):
            texts[name] = f"{timing} {event} ON {table} FOR EACH ROW {statement}"
        return texts

    def put_guard(self, database: Database, name: str, body: str) -> bool:
        # A server with a binary log takes triggers only from accounts that it trusts.
        try:
            return super().put_guard(database, name, body)
        except peewee.DatabaseError as error:
            if set(mysql_errors.codes(error)) & mysql_errors.FORBIDDEN:
                return False
            raise

    def guards_lost(self, database: Database) -> tuple[str, ...]:
        return self._guards_not_seen(database, may_break=True)

    def guards_hidden(self, database: Database) -> tuple[str, ...]:
        return self._guards_not_seen(database, may_break=False)

    def _guards_not_seen(self, database: Database, *, may_break: bool) -> tuple[str, ...]:
        names: list[str] = []
        for name in super().guards_lost(database):
            table, verb = name.split("_no_")
            if _may(database, verb.upper(), table) is may_break:
                names.append(name)
        return tuple(names)

    def damage(self, database: Database, *, quick: bool = False) -> list[str]:
        assert isinstance(database, MysqlDatabase)  # noqa: S101
        # The server's own check would end our transaction, so another connection makes it.
        terms = Terms(False, database.terms.connect_seconds, CHECK_SECONDS)
        other: Database = MysqlDatabase(database.database, address=database.address, terms=terms)
        with connected(other):
            check = f"CHECK TABLE {', '.join(TABLE_NAMES)} {'QUICK' if quick else ''}"
            rows = other.execute_sql(check).fetchall()
        bad = [row for row in rows if row[2:] != ("status", "OK")]
        return [f"{table}: {text}" for table, _, _, text in bad]

    def orphans(self, database: Database) -> list[tuple[str, object, str]]:
        found: list[tuple[str, object, str]] = []
        for model in MODELS:
            for field in model._meta.sorted_fields:
                if isinstance(field, ForeignKeyField):
                    table, column = model._meta.table_name, field.column_name
                    parent, into = field.rel_model._meta.table_name, field.rel_field.column_name
                    sql = _ORPHANS.format(table=table, column=column, parent=parent, into=into)
                    found += [(table, value, parent) for (value,) in database.execute_sql(sql)]
        return found

    def rights(self, database: Database) -> tuple[str, ...]:
        pairs = product(GROWING, ("UPDATE", "DELETE"))
        allowed = [f"{verb} {table}" for table, verb in pairs if _may(database, verb, table)]
        return (f"this account may {', '.join(allowed)}",) if allowed else ()

    def unwritable(self, database: Database) -> str:
        """Ask about the row with which every plan begins."""
        return "" if _may(database, "UPDATE", "head") else "this account may not write"

    def size(self, database: Database) -> int:
        cursor = database.execute_sql(
            "SELECT SUM(data_length + index_length) FROM information_schema.tables"
            " WHERE table_schema = DATABASE()"
        )
        return int(cursor.fetchone()[0] or 0)


MYSQL = Mysql()


def _may(database: Database, verb: str, table: str) -> bool:
    """Ask the server itself, by a statement that is not carried out."""
    if verb == "UPDATE":
        column = columns_of(MODEL_OF_TABLE[table])[0]
        statement = f"EXPLAIN UPDATE {table} SET {column} = {column}"
    else:
        statement = f"EXPLAIN DELETE FROM {table}"
    try:
        database.execute_sql(statement)
    except peewee.DatabaseError as error:
        codes = set(mysql_errors.codes(error))
        # That this transaction only reads is said after the right was found.
        if not codes & (mysql_errors.FORBIDDEN | mysql_errors.READ_ONLY):
            raise
        return not codes & mysql_errors.FORBIDDEN
    return True


def _collation(database: Database) -> str:
    """The name that this server has for comparing texts byte by byte."""
    for name in _COLLATIONS:
        if database.execute_sql("SHOW COLLATION LIKE %s", (name,)).fetchone():
            return name
    raise DatabaseUnusable(
        "database: this server cannot compare texts exactly", advice="Use MariaDB 10.6 or newer."
    )
