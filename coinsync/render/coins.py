"""Coins given by hand and cases for review on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from coinsync.core.facts import HoldKind
from coinsync.core.proposal import Case, Move
from coinsync.core.reasons import reason_text
from coinsync.render.terminal import LINES_PER_VERB, coins, day, show, table, text, total


def show_deed(
    out: Console, moves: Sequence[Move], words: Sequence[str], key: str, *, every_line: bool
) -> None:
    """Print what a clerk's command would do, or has done: coins with the balance before and after, and words."""
    if moves:
        made = table(
            "resident", "before", "coins", "after", "day", "why", right=("before", "coins", "after")
        )
        shown = moves if every_line else moves[:LINES_PER_VERB]
        for move in shown:
            made.add_row(
                text(f"#{move.resident} {move.name}".rstrip()),
                text(total(move.before)),
                text(coins(move.coins), "green" if move.coins > 0 else "red"),
                text(total(move.after)),
                text(move.day.isoformat()),
                text(move.why),
            )
        show(out, made)
        if len(moves) > len(shown):
            out.print(text(f"… {len(moves) - len(shown)} more, shown with -v", "dim"))
        if len(moves) > 1:
            out.print(
                text(
                    f"{len(moves)} entries, {coins(sum(move.coins for move in moves))} coins",
                    "bold",
                )
            )
    for line in words:
        out.print(text(line))
    if key.startswith("desk:" if moves else "stock:"):
        out.print(text(f"key {key.partition(':')[2]}", "dim"))


def show_cases(out: Console, cases: Sequence[Case]) -> None:
    """Print what waits for a person."""
    if not cases:
        out.print(text("nothing is held"))
        return
    columns = ("case", "day", "lesson", "resident", "coins", "balance", "why")
    made = table(*columns, right=("coins", "balance"))
    for case in cases:
        hold = case.hold
        made.add_row(
            text(case.id),
            text(day(hold.happened_on)),
            text(case.title),
            text(f"#{hold.resident} {case.name}".rstrip()),
            text(coins(hold.coins)),
            text(total(case.balance)),
            text(("visit: " if hold.kind is HoldKind.GUEST else "") + reason_text(hold.reason)),
        )
    show(out, made)
    out.print(text("review post CASE · forgive CASE --note WHY · waive CASE --note WHY", "dim"))
