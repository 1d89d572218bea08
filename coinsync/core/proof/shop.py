"""The checks of the shop: coins against sales, pieces against lines, and stock that was never below nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from coinsync.core.catalog import MoveKind, RefundLine, Sale, SaleLine, StockMove
from coinsync.core.proof.checks import Findings

SALES = "coinsync shop sales"
STOCK = "coinsync catalog stock list"

_DIRECTIONS: Mapping[MoveKind, int] = {
    MoveKind.RECEIVE: 1,
    MoveKind.SALE: -1,
    MoveKind.REFUND: 1,
    MoveKind.WRITE_OFF: -1,
    MoveKind.COUNT: 0,
}


@dataclass(frozen=True, slots=True)
class Book:
    """What is stored of sales; lines by sale, the numbers of refunded lines by sale."""

    sales: frozenset[str] = frozenset()
    lines: Mapping[str, Sequence[SaleLine]] = field(default_factory=dict)
    refunded: Mapping[str, frozenset[int]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, sales: Iterable[Sale], lines: Iterable[SaleLine], refunds: Iterable[RefundLine]
    ) -> Book:
        """Gather lines and refunds under their sales."""
        by_sale: dict[str, list[SaleLine]] = {}
        back: dict[str, set[int]] = {}
        for line in lines:
            by_sale.setdefault(line.sale, []).append(line)
        for one in refunds:
            back.setdefault(one.sale, set()).add(one.line)
        return cls(
            frozenset(sale.id for sale in sales),
            by_sale,
            {sale: frozenset(gone) for sale, gone in back.items()},
        )


def check_sales(book: Book, coins: Mapping[str, int], findings: Findings) -> None:
    """Hold what was paid and given back, by key of the ledger, against the lines of sales and of refunds."""
    taken, returned = Counter[str](), Counter[str]()
    for key, moved in coins.items():
        kind, _, rest = key.partition(":")
        (taken if kind == "sale" else returned)[rest.partition(":")[0]] += moved
    for sale in sorted({*taken, *returned} - book.sales):
        findings.add("sales", f"sale {sale}: coins moved, and no sale is recorded", SALES)
    for sale in sorted(book.sales):
        lines, gone = book.lines.get(sale, ()), book.refunded.get(sale, frozenset())
        worth = sum(line.coins for line in lines)
        back = sum(line.coins for line in lines if line.line in gone)
        if not lines:
            findings.add("sales", f"sale {sale}: nothing was bought", SALES)
        if worth != -taken[sale]:
            findings.add(
                "sales", f"sale {sale}: its lines cost {worth}, {-taken[sale]} were paid", SALES
            )
        if back != returned[sale]:
            findings.add(
                "sales",
                f"sale {sale}: lines of {back} came back, {returned[sale]} were returned",
                SALES,
            )
        for number in sorted(gone - {line.line for line in lines}):
            findings.add("sales", f"sale {sale}: line {number} came back and was never sold", SALES)


def check_stock(
    moves: Sequence[tuple[int, StockMove]], expected: int, book: Book, findings: Findings
) -> None:
    """Look at every move of stock in its order, then at what left and came back with each sale."""
    left = Counter[str]()
    for at, (n, move) in enumerate(moves, 1):
        if n != at:
            findings.add("stock", f"move {n} stands where {at} should", STOCK)
        if move.quantity * _DIRECTIONS[move.kind] < 0:
            findings.add("stock", f"move {n}: {move.quantity:+} by {move.kind}", STOCK)
        left[move.item] += move.quantity
        if left[move.item] < 0:
            findings.add("stock", f"move {n}: {left[move.item]} of {move.item} are left", STOCK)
    if len(moves) != expected:
        findings.add("stock", f"the head counts {expected} moves, there are {len(moves)}", STOCK)
    _check_pieces([move for _, move in moves], book, findings)


def _check_pieces(moves: Sequence[StockMove], book: Book, findings: Findings) -> None:
    """Pieces by sale and item: what left is what was sold, what came back is what was taken back."""
    sold, back = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for move in moves:
        if move.kind is MoveKind.SALE:
            sold[move.sale, move.item] -= move.quantity
        elif move.kind is MoveKind.REFUND:
            back[move.sale, move.item] += move.quantity
    # Stock that was not counted when it was sold has no move, and none when it comes back.
    for sale, item in sorted({*sold, *back}):
        lines = [line for line in book.lines.get(sale, ()) if line.item == item]
        gone = book.refunded.get(sale, frozenset())
        for word, moved, by_lines in (
            ("left", sold[sale, item], sum(line.quantity for line in lines)),
            (
                "came back",
                back[sale, item],
                sum(line.quantity for line in lines if line.line in gone),
            ),
        ):
            if moved != by_lines:
                findings.add(
                    "stock",
                    f"sale {sale}: {moved} of {item} {word}, by its lines {by_lines}",
                    SALES,
                )
