"""The triggers that keep ledgers, sales and runs append-only, by name and engine: made once, expected ever after."""

from __future__ import annotations

import re

#: Tables whose rows are neither changed nor removed, besides the ledger of coins: what the refusal calls them, and what
#: must not stand there twice, since REPLACE deletes without asking.
_APPEND_ONLY = {
    "run": ("runs are", "id = NEW.id OR uuid = NEW.uuid"),
    "stock_move": ("stock is", "n = NEW.n OR op_key = NEW.op_key"),
    "sale": ("sales are", "id = NEW.id"),
    "sale_line": ("sales are", "sale_id = NEW.sale_id AND line = NEW.line"),
    "refund_line": ("refunds are", "sale_id = NEW.sale_id AND line = NEW.line"),
}

#: Every table that only grows.
GROWING = ("entry", *_APPEND_ONLY)


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
    """Two triggers for each such table; REPLACE fires the one against DELETE, ON DUPLICATE KEY that against UPDATE."""
    return {
        f"{table}_no_{verb.lower()}": (
            f"BEFORE {verb} ON {table} FOR EACH ROW"
            f" SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{what} append-only: {verb} refused'"
        )
        for table, (what, _) in {"entry": ("ledger is", ""), **_APPEND_ONLY}.items()
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

MYSQL = _mysql_guards()


def watched(body: str) -> tuple[str, str]:
    """What a guard refuses, and the table that it watches: ("UPDATE", "entry")."""
    found = re.match(r"BEFORE (\w+) ON (\w+)", body)
    assert found, body  # noqa: S101
    return found[1], found[2]
