"""The chain of runs by plain SQL and hashlib: what anybody can recompute, and what an insider does
who knows the program.
"""

from __future__ import annotations

import hashlib
from typing import Any

GENESIS = "0" * 64
#: What a run writes for good, in the order in which it is hashed.
WRITTEN = (
    ("sale", "id"),
    ("sale_line", "sale_id, line"),
    ("refund_line", "sale_id, line"),
    ("stock_move", "n"),
    ("entry", "n"),
)


def hashes(connection: Any, *, anew: bool = False) -> dict[int, tuple[str, str]]:
    """Of every run the recorded hash and the one that follows from the run before.

    With ``anew`` it follows from what the run before should have.
    """
    written: dict[int, str] = {}
    for table, order in WRITTEN:
        rows = connection.execute(f"SELECT run_id, t.* FROM {table} t ORDER BY {order}").fetchall()
        for run, *row in rows:
            written[run] = written.get(run, "") + f"\n{table} {tuple(row)!a}"
    found: dict[int, tuple[str, str]] = {}
    before = GENESIS
    for row in connection.execute("SELECT * FROM run ORDER BY id").fetchall():
        text = f"{before!a}\nrun {tuple(row[:-1])!a}{written.pop(row[0], '')}"
        found[row[0]] = (row[-1], hashlib.sha256(text.encode()).hexdigest())
        before = found[row[0]][1] if anew else row[-1]
    return found


def breaks(connection: Any) -> list[int]:
    """The runs whose recorded hash is not the one that follows."""
    return [run for run, (recorded, hashed) in hashes(connection).items() if recorded != hashed]


def rechain(connection: Any) -> None:
    """Hash every run anew, as somebody does who hides a change; the guards must be away."""
    for run, (_, hashed) in hashes(connection, anew=True).items():
        connection.execute("UPDATE run SET chain = ? WHERE id = ?", [hashed, run])
