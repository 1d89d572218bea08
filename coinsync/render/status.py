"""Runs, and how fresh each branch is, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from coinsync.core.freshness import Freshness
from coinsync.core.ledger import Run
from coinsync.render.terminal import age, coins, show, table, text


def show_runs(out: Console, runs: Sequence[Run], fresh: Sequence[Freshness]) -> None:
    """Print the last runs, and how fresh each branch is."""
    made = table(
        "run",
        "posted (UTC)",
        "branch",
        "what",
        "window",
        "entries",
        "coins",
        "requests",
        "by",
        right=("run", "entries", "coins", "requests"),
    )
    for run in runs:
        window = f"{run.since} … {run.until}" if run.since != run.until else f"{run.until}"
        made.add_row(
            str(run.id),
            run.posted_at.replace("T", " ").removesuffix("Z"),
            str(run.branch),
            run.purpose,
            window,
            str(run.entries),
            coins(run.coins) if run.coins else "0",
            str(run.requests),
            text(run.actor),
        )
    show(out, made)
    out.print()
    for one in fresh:
        out.print(
            text(
                f"{one.name}: {'never synced' if one.age is None else 'last synced ' + age(one.age) + ' ago'}"
            )
        )
