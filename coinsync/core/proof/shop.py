"""The checks of the shop: coins against sales, pieces against lines, stock by itself."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from coinsync.core.catalog import (
    MoveKind,
    RefundLine,
    Sale,
    SaleLine,
    SaleTotals,
    StockMove,
    totals_of_sale,
)
from coinsync.core.proof.checks import Findings

_SALES = "coinsync shop sales"
_STOCK = "coinsync catalog stock list"

#: In which direction a move of each kind goes; a count corrects stock in either.
_DIRECTIONS: Mapping[MoveKind, int] = {
    MoveKind.RECEIVE: 1,
    MoveKind.SALE: -1,
    MoveKind.REFUND: 1,
    MoveKind.WRITE_OFF: -1,
    MoveKind.COUNT: 0,
}


@dataclass(slots=True)
class StoredSales:
    """What is stored of sales: ids, lines, and the numbers of lines that were taken back."""

    sales: set[str] = field(default_factory=set)
    lines: defaultdict[str, list[SaleLine]] = field(default_factory=lambda: defaultdict(list))
    refunded: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(
        cls, sales: Iterable[Sale], lines: Iterable[SaleLine], refunds: Iterable[RefundLine]
    ) -> StoredSales:
        """Gather lines and refunds under their sales."""
        stored = cls({sale.id for sale in sales})
        for line in lines:
            stored.lines[line.sale].append(line)
        for refund in refunds:
            stored.refunded[refund.sale].add(refund.line)
        return stored

    def totals(self, sale: str) -> SaleTotals:
        """What a sale moved by its lines."""
        return totals_of_sale(self.lines[sale], self.refunded[sale])


def check_sales(stored: StoredSales, coins: Mapping[str, int], findings: Findings) -> None:
    """Compare the coins that moved, by key, with the lines of sales and refunds."""
    paid: Counter[str] = Counter()
    given_back: Counter[str] = Counter()
    for key, amount in coins.items():
        # "sale:<id>:<resident>" and "refund:<id>:<line>:<resident>"
        kind, sale, *_ = key.split(":")
        if kind == "sale":
            paid[sale] -= amount
        else:
            given_back[sale] += amount
    for sale in sorted({*paid, *given_back} - stored.sales):
        findings.add("sales", f"sale {sale}: coins moved, and no sale is recorded", _SALES)
    for sale in sorted(stored.sales):
        _check_sale(stored, sale, paid[sale], given_back[sale], findings)


def _check_sale(
    stored: StoredSales, sale: str, paid: int, given_back: int, findings: Findings
) -> None:
    lines, by_lines = stored.lines[sale], stored.totals(sale)
    cost, returned = by_lines.coins_paid, by_lines.coins_returned
    faults = []
    if not lines:
        faults.append("nothing was bought")
    if cost != paid:
        faults.append(f"its lines cost {cost}, {paid} were paid")
    if returned != given_back:
        faults.append(f"lines of {returned} came back, {given_back} were returned")
    for number in sorted(stored.refunded[sale].difference(line.line for line in lines)):
        faults.append(f"line {number} came back and was never sold")
    for fault in faults:
        findings.add("sales", f"sale {sale}: {fault}", _SALES)


def check_stock(
    moves: Sequence[tuple[int, StockMove]],
    expected: int,
    stored: StoredSales,
    findings: Findings,
) -> None:
    """Look at every move of stock, then at what left and came back with each sale.

    ``moves`` come with their numbers; ``expected`` is how many the head counts.
    """
    pieces: Counter[str] = Counter()
    cases = []
    for place, (n, move) in enumerate(moves, start=1):
        if n != place:
            cases.append(f"move {n} stands where {place} should")
        if move.quantity * _DIRECTIONS[move.kind] < 0:
            cases.append(f"move {n}: {move.quantity:+} by {move.kind}")
        pieces[move.item] += move.quantity
        if pieces[move.item] < 0:
            cases.append(f"move {n}: {pieces[move.item]} of {move.item} are left")
    if len(moves) != expected:
        cases.append(f"the head counts {expected} moves, there are {len(moves)}")
    for case in cases:
        findings.add("stock", case, _STOCK)
    _check_pieces([move for _, move in moves], stored, findings)


def _check_pieces(moves: Sequence[StockMove], stored: StoredSales, findings: Findings) -> None:
    # Goods whose stock was not counted when they were sold have no move, and none when they come
    # back: only what moved is looked at.
    left: Counter[tuple[str, str]] = Counter()
    came_back: Counter[tuple[str, str]] = Counter()
    for move in moves:
        if move.kind is MoveKind.SALE:
            left[move.sale, move.item] -= move.quantity
        elif move.kind is MoveKind.REFUND:
            came_back[move.sale, move.item] += move.quantity
    for sale, item in sorted({*left, *came_back}):
        by_lines = stored.totals(sale)
        for verb, moved, expected in (
            ("left", left[sale, item], by_lines.pieces_sold[item]),
            ("came back", came_back[sale, item], by_lines.pieces_returned[item]),
        ):
            if moved != expected:
                case = f"sale {sale}: {moved} of {item} {verb}, by its lines {expected}"
                findings.add("stock", case, _SALES)
