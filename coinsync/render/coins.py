"""Coins moved by hand, and cases that wait for a person."""

from __future__ import annotations

from collections.abc import Sequence

from coinsync.core.facts import HoldKind
from coinsync.core.proposal import Case, Move, Proposal
from coinsync.core.reasons import reason_text
from coinsync.render.listing import Grid, Listing, Page, TextLine
from coinsync.render.numbers import day, signed, titled, total

MOVES_MAX = 40
CASE_COLUMNS = (
    "case",
    "kind",
    "lesson",
    "resident",
    "name",
    "day",
    "coins",
    "balance",
    "reason",
)


def proposal_page(proposal: Proposal, *, every_line: bool) -> list[str | TextLine | Grid]:
    """What a command would do, or has done: coins with the balances around them, and words."""
    moves = proposal.moves
    page: list[str | TextLine | Grid] = []
    if moves:
        shown = moves if every_line else moves[:MOVES_MAX]
        page.append(_moves(shown))
        if len(moves) > len(shown):
            page.append(TextLine(f"… {len(moves) - len(shown)} more, shown with -v", "dim"))
        if len(moves) > 1:
            coins = sum(move.coins for move in moves)
            page.append(TextLine(f"{len(moves)} entries, {signed(coins)} coins", "bold"))
    page.extend(proposal.words)
    # The key of a move of stock repeats nothing that coins would need, and the other way round.
    if proposal.key.startswith("desk:" if moves else "stock:"):
        page.append(TextLine(f"key {proposal.key.partition(':')[2]}", "dim"))
    return page


def _moves(moves: Sequence[Move]) -> Grid:
    headings = ("resident", "before", "coins", "after", "day", "why")
    grid = Grid(headings, right=("before", "coins", "after"))
    for move in moves:
        grid.add(
            titled(move.resident, move.name),
            total(move.before),
            TextLine(signed(move.coins), "green" if move.coins > 0 else "red"),
            total(move.after),
            move.day.isoformat(),
            move.why,
        )
    return grid


def cases(found: Sequence[Case]) -> Listing:
    """What is held until a person decides."""
    rows = []
    headings = ("case", "day", "lesson", "resident", "coins", "balance", "why")
    grid = Grid(headings, right=("coins", "balance"))
    for case in found:
        hold = case.hold
        about = "visit: " if hold.kind is HoldKind.GUEST else ""
        grid.add(
            case.id,
            day(hold.happened_on),
            case.title,
            titled(hold.resident, case.name),
            signed(hold.coins),
            total(case.balance),
            about + reason_text(hold.reason),
        )
        rows.append(
            (
                case.id,
                hold.kind,
                hold.lesson,
                hold.resident,
                case.name,
                hold.happened_on,
                hold.coins,
                case.balance,
                hold.reason,
            )
        )
    commands = "review post CASE · forgive CASE --note WHY · waive CASE --note WHY"
    page: Page = [grid, TextLine(commands, "dim")] if found else ["nothing is held"]
    return Listing(page, found, CASE_COLUMNS, rows)
