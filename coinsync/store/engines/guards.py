"""The triggers that keep ledgers, sales and runs append-only, by engine and name."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Every table whose rows are neither changed nor removed: what a refusal calls it, and whether a
#: new row would take the place of one that is there.
_GROWING = {
    "entry": (
        "ledger is",
        "n = NEW.n OR (op_key = NEW.op_key AND seq = NEW.seq) OR reverses = NEW.reverses",
    ),
    "run": ("runs are", "id = NEW.id OR uuid = NEW.uuid"),
    "stock_move": ("stock is", "n = NEW.n OR op_key = NEW.op_key"),
    "sale": ("sales are", "id = NEW.id"),
    "sale_line": ("sales are", "sale_id = NEW.sale_id AND line = NEW.line"),
    "refund_line": ("refunds are", "sale_id = NEW.sale_id AND line = NEW.line"),
}

GROWING = tuple(_GROWING)

#: SQLite stores a fraction in an integer column without an error. (MariaDB rounds it, also without
#: one; what comes from a plan is a whole number before.)
_WHOLE_NUMBERS = {
    "entry_whole_coins": (
        "BEFORE INSERT ON entry WHEN typeof(NEW.coins) <> 'integer'"
        " BEGIN SELECT RAISE(ABORT, 'coins are whole numbers'); END"
    ),
    "stock_move_whole_pieces": (
        "BEFORE INSERT ON stock_move WHEN typeof(NEW.quantity) <> 'integer'"
        " BEGIN SELECT RAISE(ABORT, 'pieces are whole numbers'); END"
    ),
}


def _sqlite_guards() -> dict[str, str]:
    texts: dict[str, str] = {}
    for table, (subject, is_same) in _GROWING.items():
        refusal = f"{subject} append-only"
        for verb in ("UPDATE", "DELETE"):
            texts[f"{table}_no_{verb.lower()}"] = (
                f"BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{refusal}: {verb} refused'); END"
            )
        # REPLACE deletes without asking the trigger against DELETE, unless the connection has
        # recursive_triggers. So what is there already is refused before it can be replaced.
        texts[f"{table}_no_replace"] = (
            f"BEFORE INSERT ON {table}"
            f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {is_same})"
            f" BEGIN SELECT RAISE(ABORT, '{refusal}: duplicate'); END"
        )
    return texts


def _mysql_guards() -> dict[str, str]:
    # REPLACE fires the trigger against DELETE, ON DUPLICATE KEY UPDATE that against UPDATE.
    texts: dict[str, str] = {}
    for table, (subject, _) in _GROWING.items():
        for verb in ("UPDATE", "DELETE"):
            refusal = f"{subject} append-only: {verb} refused"
            texts[f"{table}_no_{verb.lower()}"] = (
                f"BEFORE {verb} ON {table} FOR EACH ROW"
                f" SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{refusal}'"
            )
    return texts


SQLITE: Mapping[str, str] = _sqlite_guards() | _WHOLE_NUMBERS
MYSQL: Mapping[str, str] = _mysql_guards()


def watched(body: str) -> tuple[str, str]:
    """What a guard refuses, and the table that it watches: ("UPDATE", "entry")."""
    match = re.match(r"BEFORE (\w+) ON (\w+)", body)
    assert match, body  # noqa: S101
    return match[1], match[2]
