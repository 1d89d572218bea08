"""The triggers that keep ledgers, sales and runs append-only, by engine and name."""

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


def _append_only(refuse: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for table, (subject, _) in _GROWING.items():
        for verb in ("UPDATE", "DELETE"):
            refusal = refuse.format(f"{subject} append-only: {verb} refused")
            texts[f"{table}_no_{verb.lower()}"] = f"BEFORE {verb} ON {table} {refusal}"
    return texts


def _for_new_rows() -> dict[str, str]:
    texts: dict[str, str] = {}
    # REPLACE deletes without asking the trigger against DELETE, unless the connection has
    # recursive_triggers. So what is there already is refused before it can be replaced.
    for table, (subject, is_same) in _GROWING.items():
        condition = f"EXISTS (SELECT 1 FROM {table} WHERE {is_same})"
        refusal = _REFUSE_IN_SQLITE.format(f"{subject} append-only: duplicate")
        texts[f"{table}_no_replace"] = f"BEFORE INSERT ON {table} WHEN {condition} {refusal}"
    # SQLite stores a fraction in an integer column without an error. (MariaDB rounds it, also
    # without one; what comes from a plan is a whole number before.)
    for table, column, noun in (("entry", "coins", "coins"), ("stock_move", "quantity", "pieces")):
        condition = f"typeof(NEW.{column}) <> 'integer'"
        refusal = _REFUSE_IN_SQLITE.format(f"{noun} are whole numbers")
        texts[f"{table}_whole_{noun}"] = f"BEFORE INSERT ON {table} WHEN {condition} {refusal}"
    return texts


_REFUSE_IN_SQLITE = "BEGIN SELECT RAISE(ABORT, '{}'); END"
_REFUSE_IN_MYSQL = "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{}'"

SQLITE: Mapping[str, str] = _append_only(_REFUSE_IN_SQLITE) | _for_new_rows()
#: Here REPLACE fires the trigger against DELETE, ON DUPLICATE KEY UPDATE that against UPDATE.
MYSQL: Mapping[str, str] = _append_only(_REFUSE_IN_MYSQL)


def watched(body: str) -> tuple[str, str]:
    """What a guard refuses, and the table that it watches: ("UPDATE", "entry")."""
    match = re.match(r"BEFORE (\w+) ON (\w+)", body)
    assert match, body  # noqa: S101
    return match[1], match[2]
