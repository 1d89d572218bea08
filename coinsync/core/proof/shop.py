"""The checks of the shop: coins against sales, pieces against lines, stock by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from coinsync.core.catalog import (
    MoveKind,
    RefundLine,
    Sale,
    SaleLine,
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


@dataclass(frozen=True, slots=True)
class StoredSales:
    """What is stored of sales: ids, lines, and numbers of the lines that were taken back."""

    sales: frozenset[str] = frozenset()
    lines: Mapping[str, Sequence[SaleLine]] = field(default_factory=dict)
    refunded: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, sales: Iterable[Sale], lines: Iterable[SaleLine], refunds: Iterable[RefundLine]
    ) -> StoredSales:
        """Gather lines and refunds under their sales."""
        lines_by_sale: dict[str, list[SaleLine]] = {}
        for line in lines:
            lines_by_sale.setdefault(line.sale, []).append(line)
        refunded: dict[str, frozenset[int]] = {}
        for refund in refunds:
            refunded[refund.sale] = refunded.get(refund.sale, frozenset()) | {refund.line}
        return cls(frozenset(sale.id for sale in sales), lines_by_sale, refunded)

    def lines_of(self, sale: str) -> Sequence[SaleLine]:
        """The lines of a sale."""
        return self.lines.get(sale, ())

    def refunded_of(self, sale: str) -> frozenset[int]:
        """The numbers of the lines of a sale that were taken back."""
        return self.refunded.get(sale, frozenset())


def check_sales(stored: StoredSales, coins: Mapping[str, int], findings: Findings) -> None:
    """Compare the coins that moved, by key of the ledger, with the lines of sales and refunds."""
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
    lines = stored.lines_of(sale)
    refunded = stored.refunded_of(sale)
    by_lines = totals_of_sale(lines, refunded)
    if not lines:
        findings.add("sales", f"sale {sale}: nothing was bought", _SALES)
    if by_lines.coins_paid != paid:
        case = f"sale {sale}: its lines cost {by_lines.coins_paid}, {paid} were paid"
        findings.add("sales", case, _SALES)
    if by_lines.coins_returned != given_back:
        case = (
            f"sale {sale}: lines of {by_lines.coins_returned} came back, {given_back} were returned"
        )
        findings.add("sales", case, _SALES)
    for number in sorted(refunded - {line.line for line in lines}):
        case = f"sale {sale}: line {number} came back and was never sold"
        findings.add("sales", case, _SALES)


def check_stock(
    moves: Sequence[tuple[int, StockMove]],
    expected: int,
    stored: StoredSales,
    findings: Findings,
) -> None:
    """Look at every move of stock in its order, then at what left and came back with each sale.

    ``moves`` come with their numbers; ``expected`` is how many the head counts.
    """
    pieces: Counter[str] = Counter()
    for place, (n, move) in enumerate(moves, start=1):
        if n != place:
            findings.add("stock", f"move {n} stands where {place} should", _STOCK)
        if move.quantity * _DIRECTIONS[move.kind] < 0:
            findings.add("stock", f"move {n}: {move.quantity:+} by {move.kind}", _STOCK)
        pieces[move.item] += move.quantity
        if pieces[move.item] < 0:
            case = f"move {n}: {pieces[move.item]} of {move.item} are left"
            findings.add("stock", case, _STOCK)
    if len(moves) != expected:
        case = f"the head counts {expected} moves, there are {len(moves)}"
        findings.add("stock", case, _STOCK)
    _check_pieces([move for _, move in moves], stored, findings)


def _check_pieces(moves: Sequence[StockMove], stored: StoredSales, findings: Findings) -> None:
    """Pieces by sale and item: what left is what was sold, what came back is what was taken back.

    Only goods that moved are looked at: those whose stock was not counted when they were sold have
    no move, and none when they come back.
    """
    left: Counter[tuple[str, str]] = Counter()
    came_back: Counter[tuple[str, str]] = Counter()
    for move in moves:
        if move.kind is MoveKind.SALE:
            left[move.sale, move.item] -= move.quantity
        elif move.kind is MoveKind.REFUND:
            came_back[move.sale, move.item] += move.quantity
    for sale, item in sorted({*left, *came_back}):
        by_lines = totals_of_sale(stored.lines_of(sale), stored.refunded_of(sale))
        sold = by_lines.pieces_sold[item]
        taken_back = by_lines.pieces_returned[item]
        if left[sale, item] != sold:
            case = f"sale {sale}: {left[sale, item]} of {item} left, by its lines {sold}"
            findings.add("stock", case, _SALES)
        if came_back[sale, item] != taken_back:
            case = (
                f"sale {sale}: {came_back[sale, item]} of {item} came back, "
                f"by its lines {taken_back}"
            )
            findings.add("stock", case, _SALES)
