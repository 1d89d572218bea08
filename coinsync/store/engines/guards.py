"""The triggers that keep ledgers, sales and runs append-only, by engine and name.

A migration makes them; ever after a writer and a proof expect them with exactly this text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _GrowingTable:
    """A table whose rows are neither changed nor removed.

    ``subject`` is what a refusal calls it; ``is_same`` tells whether a new row would take the place
    of one that is there.
    """

    subject: str
    is_same: str


_GROWING = {
    "entry": _GrowingTable(
        "ledger is",
        "n = NEW.n OR (op_key = NEW.op_key AND seq = NEW.seq) OR reverses = NEW.reverses",
    ),
    "run": _GrowingTable("runs are", "id = NEW.id OR uuid = NEW.uuid"),
    "stock_move": _GrowingTable("stock is", "n = NEW.n OR op_key = NEW.op_key"),
    "sale": _GrowingTable("sales are", "id = NEW.id"),
    "sale_line": _GrowingTable("sales are", "sale_id = NEW.sale_id AND line = NEW.line"),
    "refund_line": _GrowingTable("refunds are", "sale_id = NEW.sale_id AND line = NEW.line"),
}

#: Every table that only grows.
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
    """Three triggers for each such table: no UPDATE, no DELETE, no REPLACE."""
    texts: dict[str, str] = {}
    for table, growing in _GROWING.items():
        refusal = f"{growing.subject} append-only"
        for verb in ("UPDATE", "DELETE"):
            texts[f"{table}_no_{verb.lower()}"] = (
                f"BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{refusal}: {verb} refused'); END"
            )
        # REPLACE deletes without asking the trigger against DELETE, unless the connection has
        # recursive_triggers. So what is there already is refused before it can be replaced.
        texts[f"{table}_no_replace"] = (
            f"BEFORE INSERT ON {table}"
            f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {growing.is_same})"
            f" BEGIN SELECT RAISE(ABORT, '{refusal}: duplicate'); END"
        )
    return texts


def _mysql_guards() -> dict[str, str]:
    """Two triggers for each such table.

    REPLACE fires the one against DELETE, ON DUPLICATE KEY UPDATE that against UPDATE.
    """
    texts: dict[str, str] = {}
    for table, growing in _GROWING.items():
        for verb in ("UPDATE", "DELETE"):
            refusal = f"{growing.subject} append-only: {verb} refused"
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
