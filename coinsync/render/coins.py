"""Coins moved by hand, and cases that wait for a person."""

from collections.abc import Sequence

from coinsync.core.facts import HoldKind
from coinsync.core.planning.doubts import doubt_text
from coinsync.core.proposal import Case, DoubtCase, Move, Proposal
from coinsync.core.reasons import reason_text
from coinsync.render.data import as_data
from coinsync.render.listing import Grid, Listing, Parts, TextLine, bold, dim, rows_of
from coinsync.render.numbers import day, signed, titled, total
from coinsync.staff_texts import columns, phrase

MOVES_MAX = 10
#: The columns of a spreadsheet, and where each is in a ``Case``.
CASE_COLUMNS = {
    "case": "id",
    "kind": "hold.kind",
    "lesson": "hold.lesson",
    "resident": "hold.resident",
    "name": "name",
    "day": "hold.happened_on",
    "coins": "hold.coins",
    "balance": "balance",
    "reason": "hold.reason",
}


def proposal_page(proposal: Proposal, unsafe: Sequence[str] = (), *, every_line: bool) -> Parts:
    """What a command would do, or has done; ``unsafe`` names the guards that refuse it."""
    moves = proposal.moves
    page: Parts = []
    if moves:
        shown = moves if every_line else moves[:MOVES_MAX]
        page.append(_moves(shown))
        if len(moves) > len(shown):
            page.append(dim(phrase("more", count=len(moves) - len(shown))))
        if len(moves) > 1:
            coins = signed(sum(move.coins for move in moves))
            page.append(bold(phrase("moves_total", count=len(moves), coins=coins)))
    page.extend(proposal.words)
    page.extend(TextLine(f"UNSAFE: {refusal}", "bold red") for refusal in unsafe)
    # The key of a move of stock repeats nothing that coins would need, and the other way round.
    if proposal.key.startswith("desk:" if moves else "stock:"):
        page.append(dim(phrase("key", key=proposal.key.partition(":")[2])))
    return page


def _moves(moves: Sequence[Move]) -> Grid:
    grid = Grid(columns("moves"))
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


def cases_listing(cases: Sequence[Case], doubts: Sequence[DoubtCase] = ()) -> Listing:
    """What is held until a person decides, and what is doubted."""
    grid = Grid(("case", "day", "lesson", "resident", ">coins", ">balance", "why"))
    for case in cases:
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
    commands = "review post CASE · forgive CASE --note WHY · waive CASE --note WHY"
    page: Parts = [grid, dim(commands)] if cases else []
    rows = rows_of(cases, tuple(CASE_COLUMNS.values()))
    # Under ``case`` both kinds have what the commands take.
    data = [{"case": case.id, **as_data(case)} for case in cases]
    for each in doubts:
        doubt = each.doubt
        text = doubt_text(doubt)
        if doubt.is_about_card:
            about = titled(doubt.id, each.name)
            lesson, resident = "", str(doubt.id)
        else:
            about = f"lesson {doubt.id}, {each.day}"
            lesson, resident = str(doubt.id), ""
        page.append(f"doubt {doubt.case}: {about}: {text}")
        rows.append((doubt.case, doubt.kind, lesson, resident, each.name, each.day, "", "", text))
        named = {"case": doubt.case, "name": each.name, "day": each.day}
        data.append({**named, **as_data(doubt)})
    return Listing(page or ["nothing is held"], data, tuple(CASE_COLUMNS), rows)
