"""The triggers that keep ledgers, sales and runs append-only, by name and engine: made once, expected ever after."""

import re

from peewee import Database, MySQLDatabase

#: Tables whose rows are neither changed nor removed, besides the ledger of coins: what the refusal calls them, and what
#: must not stand there twice, since REPLACE deletes without asking.
_APPEND_ONLY = {
    "run": ("runs are", "id = NEW.id OR uuid = NEW.uuid"),
    "stock_move": ("stock is", "n = NEW.n OR op_key = NEW.op_key"),
    "sale": ("sales are", "id = NEW.id"),
    "sale_line": ("sales are", "sale_id = NEW.sale_id AND line = NEW.line"),
    "refund_line": ("refunds are", "sale_id = NEW.sale_id AND line = NEW.line"),
}


def _sqlite_guards() -> dict[str, str]:
    """Three triggers for each such table: no UPDATE, no DELETE, no REPLACE."""
    guards = {}
    for table, (what, same) in _APPEND_ONLY.items():
        for verb in ("UPDATE", "DELETE"):
            refusal = f"SELECT RAISE(ABORT, '{what} append-only: {verb} refused')"
            guards[f"{table}_no_{verb.lower()}"] = f"BEFORE {verb} ON {table} BEGIN {refusal}; END"
        guards[f"{table}_no_replace"] = (
            f"BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"
            f" BEGIN SELECT RAISE(ABORT, '{what} append-only: duplicate'); END"
        )
    return guards


def _mysql_guards() -> dict[str, str]:
    """Two triggers for each such table; REPLACE fires the one against DELETE."""
    return {
        f"{table}_no_{verb.lower()}": (
            f"BEFORE {verb} ON {table} FOR EACH ROW"
            f" SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{what} append-only: {verb} refused'"
        )
        for table, (what, _) in _APPEND_ONLY.items()
        for verb in ("UPDATE", "DELETE")
    }


SQLITE = {
    "entry_no_update": "BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'ledger is append-only: UPDATE refused'); END",
    "entry_no_delete": "BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'ledger is append-only: DELETE refused'); END",
    # REPLACE deletes without asking the trigger above, so a number, key or reversal that exists is refused first.
    "entry_no_replace": (
        "BEFORE INSERT ON entry WHEN EXISTS (SELECT 1 FROM entry WHERE n = NEW.n"
        " OR (op_key = NEW.op_key AND seq = NEW.seq) OR reverses = NEW.reverses)"
        " BEGIN SELECT RAISE(ABORT, 'ledger is append-only: duplicate'); END"
    ),
    # SQLite stores a fraction in an integer column without a word.
    "entry_whole_coins": (
        "BEFORE INSERT ON entry WHEN typeof(NEW.coins) <> 'integer'"
        " BEGIN SELECT RAISE(ABORT, 'coins are whole numbers'); END"
    ),
    "stock_move_whole_pieces": (
        "BEFORE INSERT ON stock_move WHEN typeof(NEW.quantity) <> 'integer'"
        " BEGIN SELECT RAISE(ABORT, 'pieces are whole numbers'); END"
    ),
    **_sqlite_guards(),
}

MYSQL = {
    "entry_no_update": (
        "BEFORE UPDATE ON entry FOR EACH ROW"
        " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger is append-only: UPDATE refused'"
    ),
    "entry_no_delete": (
        "BEFORE DELETE ON entry FOR EACH ROW"
        " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger is append-only: DELETE refused'"
    ),
    **_mysql_guards(),
}


def restore(database: Database) -> None:
    """Put every guard in its place, whatever stands there, as far as its table is there already."""
    tables = set(database.get_tables())
    for name, body in (MYSQL if isinstance(database, MySQLDatabase) else SQLITE).items():
        if _table_of(body) not in tables:
            continue
        database.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
        database.execute_sql(f"CREATE TRIGGER {name} {body}")


def missing(database: Database) -> tuple[str, ...]:
    """Names of the guards that are not there, or not with the expected text."""
    found = dict(database.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return tuple(sorted(name for name, body in SQLITE.items() if found.get(name) != f"CREATE TRIGGER {name} {body}"))


def _table_of(body: str) -> str:
    """The table that a guard watches."""
    found = re.search(r" ON (\w+)", body)
    assert found, body  # noqa: S101
    return found[1]
