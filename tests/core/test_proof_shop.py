"""The checks of the shop over plain values: coins, lines, pieces, and the order of stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from coinsync.core.catalog import MoveKind, RefundLine, Sale, SaleLine, StockMove
from coinsync.core.proof.checks import BY_ID, Findings
from coinsync.core.proof.shop import StoredSales, check_sales, check_stock
from tests.support.makers import DAY

SALE = Sale("s", DAY, "", "anna")
LINES = (
    SaleLine("s", 1, "mug", "Кружка", "Mug", 2, 50, 50),
    SaleLine("s", 2, "pen", "Ручка", "Pen", 1, 15, 15),
)
REFUND = RefundLine("s", 2, DAY, "anna")
STORED = StoredSales.of([SALE], LINES, [REFUND])
COINS = {"sale:s:101": -100, "sale:s:102": -15, "refund:s:2:102": 15}


def of_sales(stored: StoredSales, coins: Mapping[str, int]) -> list[str]:
    """What is found about coins."""
    findings = Findings()
    check_sales(stored, coins, findings)
    return [case for found in findings.of(BY_ID) for case in found.examples]


def of_stock(moves: Sequence[StockMove | None], expected: int | None = None) -> list[str]:
    """What is found about moves of stock, numbered from 1; None is a number without a move."""
    numbered = [(n, move) for n, move in enumerate(moves, start=1) if move is not None]
    findings = Findings()
    count = len(numbered) if expected is None else expected
    check_stock(numbered, count, STORED, findings)
    return [case for found in findings.of(BY_ID) for case in found.examples]


def moved(item: str, quantity: int, kind: MoveKind, sale: str = "") -> StockMove:
    """A move of stock."""
    return StockMove(f"{item}:{quantity}:{kind}", item, quantity, kind, DAY, "anna", sale=sale)


MOVES = (
    moved("mug", 2, MoveKind.RECEIVE),
    moved("mug", -2, MoveKind.SALE, "s"),
    moved("pen", 3, MoveKind.RECEIVE),
    moved("pen", -1, MoveKind.SALE, "s"),
    moved("pen", 1, MoveKind.REFUND, "s"),
    moved("pen", -1, MoveKind.WRITE_OFF),
    moved("pen", -1, MoveKind.COUNT),
    moved("pen", 1, MoveKind.COUNT),
)


def test_a_shop_as_it_should_be() -> None:
    """Paid by two, one line taken back, and stock that comes to nothing and no further."""
    assert of_sales(STORED, COINS) == []
    assert of_stock(MOVES) == []


@pytest.mark.parametrize(
    ("coins", "case"),
    [
        ({**COINS, "sale:s:102": -14}, "sale s: its lines cost 115, 114 were paid"),
        ({**COINS, "refund:s:2:102": 16}, "sale s: lines of 15 came back, 16 were returned"),
        ({**COINS, "sale:t:101": -1}, "sale t: coins moved, and no sale is recorded"),
        ({**COINS, "refund:t:1:101": 1}, "sale t: coins moved, and no sale is recorded"),
    ],
)
def test_coins_are_those_of_the_lines(coins: dict[str, int], case: str) -> None:
    """What was paid, what was returned, and for which sale."""
    assert of_sales(STORED, coins) == [case]


def test_a_sale_is_of_something() -> None:
    """A sale without lines costs nothing, and nobody pays for it."""
    empty = StoredSales.of([SALE], [], [])
    assert of_sales(empty, {}) == ["sale s: nothing was bought"]


def test_only_what_was_sold_comes_back() -> None:
    """A refund names a line of its sale."""
    stored = StoredSales.of([SALE], LINES, [REFUND, RefundLine("s", 3, DAY, "anna")])
    assert of_sales(stored, COINS) == ["sale s: line 3 came back and was never sold"]


@pytest.mark.parametrize(
    ("kind", "quantity"),
    [
        (MoveKind.RECEIVE, -1),
        (MoveKind.SALE, 1),
        (MoveKind.REFUND, -1),
        (MoveKind.WRITE_OFF, 1),
    ],
)
def test_stock_moves_in_the_direction_of_its_kind(kind: MoveKind, quantity: int) -> None:
    """What comes in is more, what goes out is fewer."""
    moves = (*MOVES[:3], moved("mug", 9, MoveKind.RECEIVE), moved("mug", quantity, kind, "t"))
    assert f"move 5: {quantity:+} by {kind}" in of_stock(moves)


def test_stock_is_never_below_nothing() -> None:
    """At no time: that it comes right later does not mend it."""
    moves = (moved("cap", -1, MoveKind.WRITE_OFF), moved("cap", 1, MoveKind.RECEIVE))
    assert of_stock(moves) == ["move 1: -1 of cap are left"]


def test_moves_are_numbered_without_a_gap() -> None:
    """As many as the head counts."""
    assert of_stock((None, moved("cap", 1, MoveKind.RECEIVE))) == ["move 2 stands where 1 should"]
    assert of_stock(MOVES, 9) == ["the head counts 9 moves, there are 8"]


@pytest.mark.parametrize(
    ("moves", "case"),
    [
        ((*MOVES[:1], moved("mug", -1, MoveKind.SALE, "s")), "1 of mug left, by its lines 2"),
        (MOVES[2:4], "0 of pen came back, by its lines 1"),
        (
            (*MOVES[2:5], moved("pen", 1, MoveKind.REFUND, "s")),
            "2 of pen came back, by its lines 1",
        ),
        ((*MOVES[:2], moved("mug", 1, MoveKind.REFUND, "s")), "1 of mug came back, by its lines 0"),
    ],
)
def test_pieces_are_those_of_the_lines(moves: tuple[StockMove, ...], case: str) -> None:
    """As many left with a sale as were sold, and as many came back as were taken back."""
    assert of_stock(moves) == [f"sale s: {case}"]
