"""What an engine does with the statements that are sent to it: which tables it reads whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import Database, SqliteDatabase

from tests.support import engines

#: Tables that grow with every lesson and every sale. Reading one of them whole takes long one day.
GROWING = frozenset(
    {
        "attendance",
        "entry",
        "lesson",
        "note",
        "refund_line",
        "run",
        "sale",
        "sale_line",
        "stock_move",
    }
)
_NAMED = re.compile(
    r"\b(?:FROM|JOIN|UPDATE)\s+[\"`]?(\w+)[\"`]?(?:\s+(?:AS\s+)?[\"`]?(\w+)[\"`]?)?", re.I
)
_EXPLAINED = ("SELECT", "WITH", "UPDATE", "DELETE")


@contextmanager
def statements_sent(url: str, database: Database) -> Iterator[list[str]]:
    """Collect the statements that a connection sends, as the engine itself receives them.

    The list is complete once the context has ended.
    """
    statements: list[str] = []
    if isinstance(database, SqliteDatabase):
        database.connection().set_trace_callback(statements.append)
        yield statements
        database.connection().set_trace_callback(None)
        return
    thread = database.connection().thread_id()
    with engines.tampering(url) as server:
        server.execute("SET GLOBAL log_output = 'TABLE'")
        server.execute("TRUNCATE TABLE mysql.general_log")
        server.execute("SET GLOBAL general_log = 1")
        yield statements
        server.execute("SET GLOBAL general_log = 0")
        rows = server.execute(
            "SELECT argument FROM mysql.general_log WHERE command_type = 'Query' AND thread_id = ?",
            [thread],
        )
        for (argument,) in rows.fetchall():
            statements.append(argument if isinstance(argument, str) else argument.decode())


def ways_to_read_whole(connection: Any, sql: str, *, on_sqlite: bool) -> Iterator[set[str]]:
    """Growing tables of which the engine means to read every row for a statement.

    SQLite is asked twice: as it is, without any statistics, and as it is after ANALYZE.
    """
    if not sql.lstrip().upper().startswith(_EXPLAINED):
        return
    yield _tables_read_whole(connection, sql, on_sqlite=on_sqlite)
    if on_sqlite:
        connection.execute("BEGIN")
        connection.execute("ANALYZE")
        yield _tables_read_whole(connection, sql, on_sqlite=on_sqlite)
        connection.execute("ROLLBACK")


def _tables_read_whole(connection: Any, sql: str, *, on_sqlite: bool) -> set[str]:
    tables = _tables_by_name(sql)
    whole: set[str] = set()
    for name in _scanned(connection, sql, on_sqlite=on_sqlite):
        whole |= tables.get(name, set()) & GROWING
    return whole


def _scanned(connection: Any, sql: str, *, on_sqlite: bool) -> Iterator[str]:
    """Names, as the statement calls them, of what is read whole."""
    if on_sqlite:
        for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall():
            if step.startswith("SCAN "):
                yield step.split()[1]
        return
    for row in connection.execute(f"EXPLAIN {sql}").fetchall():
        table, access = row[2], row[3]
        if table is not None and access in ("ALL", "index"):
            yield table


def _tables_by_name(sql: str) -> dict[str, set[str]]:
    """Tables by the names that a statement gives them; one name may stand for several."""
    tables: dict[str, set[str]] = {}
    for table, alias in _NAMED.findall(sql):
        for name in (table, alias):
            tables.setdefault(name, set()).add(table)
    return tables
