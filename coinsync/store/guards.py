"""The triggers that keep the ledger append-only, by name and engine: migrations create them, opening expects them."""

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
}
