"""The triggers that keep the ledger and its runs append-only, by name and engine: made once, expected ever after."""

from peewee import Database, MySQLDatabase

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
    "run_no_update": "BEFORE UPDATE ON run BEGIN SELECT RAISE(ABORT, 'runs are append-only: UPDATE refused'); END",
    "run_no_delete": "BEFORE DELETE ON run BEGIN SELECT RAISE(ABORT, 'runs are append-only: DELETE refused'); END",
    "run_no_replace": (
        "BEFORE INSERT ON run WHEN EXISTS (SELECT 1 FROM run WHERE id = NEW.id OR uuid = NEW.uuid)"
        " BEGIN SELECT RAISE(ABORT, 'runs are append-only: duplicate'); END"
    ),
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
    "run_no_update": (
        "BEFORE UPDATE ON run FOR EACH ROW"
        " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'runs are append-only: UPDATE refused'"
    ),
    "run_no_delete": (
        "BEFORE DELETE ON run FOR EACH ROW"
        " SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'runs are append-only: DELETE refused'"
    ),
}


def restore(database: Database) -> None:
    """Put every guard in its place, whatever stands there."""
    for name, body in (MYSQL if isinstance(database, MySQLDatabase) else SQLITE).items():
        database.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
        database.execute_sql(f"CREATE TRIGGER {name} {body}")


def missing(database: Database) -> tuple[str, ...]:
    """Names of the guards that are not there, or not with the expected text."""
    found = dict(database.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    return tuple(sorted(name for name, body in SQLITE.items() if found.get(name) != f"CREATE TRIGGER {name} {body}"))
