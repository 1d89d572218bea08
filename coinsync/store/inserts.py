"""How a plan's rows are inserted, updated and deleted.

One statement runs for many rows: seven times faster than peewee's row objects, of which a first
sync would make tens of thousands. What fails here fails with the driver's own error.
"""

from collections.abc import Sequence
from typing import Any

from peewee import Database

from coinsync.core.catalog import StockMove
from coinsync.core.fact_keys import RANK
from coinsync.core.facts import Fact
from coinsync.core.ledger import Entry, Posted, RunHash, ledger_row, note_digest
from coinsync.core.plan import Drop, Put
from coinsync.environment import Environment, Probe
from coinsync.store.models import ENTRY_COLUMNS, STOCK_COLUMNS
from coinsync.store.rows import TABLES, Table, stock_row

ROWS_PER_STATEMENT = 500


def count_up(database: Database, entries: int, stock_moves: int) -> None:
    """Change the head row: so many entries and moves more, and one run."""
    # The row must really change, also when no entry is posted: two writers who change nothing are
    # no conflict to a cluster.
    mark = database.param
    database.execute_sql(
        f"UPDATE head SET n = n + {mark}, stock = stock + {mark}, runs = runs + 1 WHERE id = 1",
        (entries, stock_moves),
    )


def write_facts(
    database: Database, changes: Sequence[Put | Drop], run_hash: RunHash, probe: Probe
) -> None:
    """Write facts kind by kind, none before what it refers to; the hash takes in what stays."""
    groups: dict[tuple[int, str], list[Fact]] = {}
    for change in changes:
        fact = change.subject
        groups.setdefault((RANK[type(fact)], _verb(change)), []).append(fact)
    for rank, verb in sorted(groups):
        facts = groups[rank, verb]
        table = TABLES[type(facts[0])]
        if verb == "insert" and table.only_grows:
            _insert_for_good(database, table, facts, run_hash)
        elif verb == "insert":
            insert(database, table.name, table.columns, [table.row(fact) for fact in facts])
        elif verb == "update":
            _update(database, table, facts)
        else:
            _delete(database, table, facts)
        probe(f"{verb} {table.name}")


def _verb(change: Put | Drop) -> str:
    if isinstance(change, Drop):
        return "delete"
    return "insert" if change.old is None else "update"


def _insert_for_good(
    database: Database, table: Table, facts: Sequence[Fact], run_hash: RunHash
) -> None:
    rows = [(*table.row(fact), run_hash.run.id) for fact in facts]
    for row in rows:
        run_hash.add(table.name, row)
    insert(database, table.name, (*table.columns, "run_id"), rows)


def write_entries(
    database: Database, entries: Sequence[Entry], run_hash: RunHash, environment: Environment
) -> None:
    """Number the entries up to the run's last one, and keep their notes beside them."""
    run = run_hash.run
    notes = _Notes(environment)
    rows: list[tuple[Any, ...]] = []
    for n, entry in enumerate(entries, run.n_last - len(entries) + 1):
        row = ledger_row(Posted(n, entry, run.posted_at, run.id), notes.keep(n, entry.note))
        run_hash.add("entry", row)
        rows.append(row)
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        insert(database, "entry", ENTRY_COLUMNS, rows[start : start + ROWS_PER_STATEMENT])
        environment.probe("entries")
    notes.write(database)


def write_stock(
    database: Database,
    moves: Sequence[StockMove],
    first: int,
    run_hash: RunHash,
    environment: Environment,
) -> None:
    """Number the moves of stock from ``first`` on, and keep their notes beside them."""
    notes = _Notes(environment)
    rows: list[tuple[Any, ...]] = []
    for n, move in enumerate(moves, first):
        # Entries and moves are numbered apart, and their notes lie in one table.
        row = stock_row(n, move, notes.keep(-n, move.note), run_hash.run)
        run_hash.add("stock_move", row)
        rows.append(row)
    insert(database, "stock_move", STOCK_COLUMNS, rows)
    notes.write(database)
    if rows:
        environment.probe("stock")


class _Notes:
    # Notes of what a run writes. What only grows holds their digests alone.

    def __init__(self, environment: Environment) -> None:
        self._fresh_text = environment.fresh_text
        self._rows: list[tuple[int, str, str]] = []

    def keep(self, n: int, text: str) -> str:
        if not text:
            return ""
        # Equal notes get different digests, so that a digest does not give a short text away.
        salt = self._fresh_text()
        self._rows.append((n, salt, text))
        return note_digest(salt, text)

    def write(self, database: Database) -> None:
        insert(database, "note", ("n", "salt", "text"), self._rows)


def insert(
    database: Database, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows, plainly: what is there already is an error, and nothing is replaced."""
    marks = ", ".join([database.param] * len(columns))
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    _execute_for_each(database, sql, rows)


def _update(database: Database, table: Table, facts: Sequence[Fact]) -> None:
    sets = ", ".join(_equals(database, table.columns))
    where = " AND ".join(_equals(database, table.key_columns))
    sql = f"UPDATE {table.name} SET {sets} WHERE {where}"
    _execute_for_each(database, sql, [[*table.row(fact), *table.key(fact)] for fact in facts])


def _delete(database: Database, table: Table, facts: Sequence[Fact]) -> None:
    where = " AND ".join(_equals(database, table.key_columns))
    sql = f"DELETE FROM {table.name} WHERE {where}"
    _execute_for_each(database, sql, [table.key(fact) for fact in facts])


def _equals(database: Database, columns: Sequence[str]) -> list[str]:
    return [f"{column} = {database.param}" for column in columns]


def _execute_for_each(database: Database, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    # The drivers refuse an empty list, or run the statement once.
    if rows:
        database.cursor().executemany(sql, rows)
