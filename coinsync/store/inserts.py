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
from coinsync.core.ledger import Entry, Posted, Receipt, ledger_row, note_digest, row_hash
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


def write_facts(database: Database, changes: Sequence[Put | Drop], probe: Probe) -> None:
    """Write facts kind by kind, none before what it refers to."""
    groups: dict[tuple[int, str], list[Fact]] = {}
    for change in changes:
        fact = change.subject
        groups.setdefault((RANK[type(fact)], _verb(change)), []).append(fact)
    for rank, verb in sorted(groups):
        facts = groups[rank, verb]
        table = TABLES[type(facts[0])]
        if verb == "insert":
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


def write_entries(
    database: Database,
    entries: Sequence[Entry],
    receipt: Receipt,
    chain: str,
    environment: Environment,
) -> None:
    """Number and chain the entries from the hash ``chain`` on, and keep their notes beside them."""
    rows: list[tuple[Any, ...]] = []
    notes: list[tuple[Any, ...]] = []
    for n, entry in enumerate(entries, receipt.n_first):
        digest = ""
        if entry.note:
            # Equal notes get different digests, so that a digest does not give a short text away.
            salt = environment.fresh_text()
            digest = note_digest(salt, entry.note)
            notes.append((n, salt, entry.note))
        row = ledger_row(Posted(n, entry, receipt.posted_at, receipt.run), digest)
        chain = row_hash(chain, row)
        rows.append(row._replace(chain=chain))
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        insert(database, "entry", ENTRY_COLUMNS, rows[start : start + ROWS_PER_STATEMENT])
        environment.probe("entries")
    insert(database, "note", ("n", "salt", "text"), notes)


def write_stock(
    database: Database, moves: Sequence[StockMove], first: int, receipt: Receipt, probe: Probe
) -> None:
    """Number the moves of stock from ``first`` on and insert them."""
    rows = [stock_row(n, move, receipt) for n, move in enumerate(moves, first)]
    insert(database, "stock_move", STOCK_COLUMNS, rows)
    if rows:
        probe("stock")


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
