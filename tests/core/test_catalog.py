"""The shop's values by themselves: shares that add up, and what a whole catalog changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.catalog import (
    CODE_LENGTH_MAX,
    Item,
    MoveKind,
    SaleLine,
    StockMove,
    after_loading,
    is_code,
    quantities,
    shares,
    totals_of_sale,
)
from tests.support.goods import a_move, an_item
from tests.support.makers import DAY, thorough

PAID = st.lists(st.integers(0, 40), max_size=5)


@thorough(300)
@given(PAID, st.data())
def test_shares_are_fair_and_add_up(paid: list[int], data: st.DataObject) -> None:
    """Nobody gets more than was paid, or is further than a coin from the exact part.

    Together it is the total.
    """
    whole = sum(paid)
    total = data.draw(st.integers(0, whole))
    parts = shares(total, paid)
    assert (sum(parts), len(parts)) == (total, len(paid))
    for part, one in zip(parts, paid, strict=True):
        assert 0 <= part <= one
        assert abs(part * whole - total * one) < max(whole, 1)


@thorough(200)
@given(PAID, st.data())
def test_what_was_paid_comes_back_whole_however_it_is_cut(
    paid: list[int], data: st.DataObject
) -> None:
    """Refund after refund, in any pieces, ends with everybody having what was paid."""
    left = list(paid)
    while sum(left):
        total = data.draw(st.integers(1, sum(left)))
        left = [one - part for one, part in zip(left, shares(total, left), strict=True)]
        assert min(left) >= 0
    assert left == [0] * len(paid)


@pytest.mark.parametrize(
    ("total", "paid", "parts"),
    [
        (0, [], []),
        (0, [0, 0], [0, 0]),
        (10, [10], [10]),
        (5, [10, 10], [3, 2]),
        (1, [1, 1, 1], [1, 0, 0]),
        (2, [1, 1, 1], [1, 1, 0]),
        (7, [1, 9], [1, 6]),
        (10, [0, 25, 75], [0, 3, 7]),
    ],
)
def test_odd_coins_go_to_the_largest_remainder_then_to_the_first(
    total: int, paid: list[int], parts: list[int]
) -> None:
    """The same cut each time."""
    assert shares(total, paid) == parts


@pytest.mark.parametrize(("total", "paid"), [(1, []), (11, [4, 6]), (-1, [4, 6])])
def test_more_than_was_paid_is_not_given_back(total: int, paid: list[int]) -> None:
    """An error of the caller's."""
    with pytest.raises(ValueError, match=str(total)):
        shares(total, paid)


def test_a_whole_catalog_puts_what_is_new_and_archives_what_is_left_out() -> None:
    """What is the same is no change; what was archived and is there again comes back."""
    mug, pen, cap, old = (
        an_item("mug"),
        an_item("pen"),
        an_item("cap"),
        an_item("old", archived=True),
    )
    dearer, bag, again = replace(mug, price=99), an_item("bag"), replace(old, archived=False)
    assert after_loading([dearer, bag, pen, again], [mug, pen, cap, old]) == [
        (dearer, mug),
        (bag, None),
        (again, old),
        (replace(cap, archived=True), cap),
    ]
    assert after_loading([mug, pen, cap], [mug, pen, cap, old]) == []


ITEMS = st.lists(
    st.builds(an_item, st.sampled_from("abcd"), st.integers(1, 3), archived=st.booleans()),
    max_size=4,
    unique_by=lambda item: item.code,
)


@thorough(200)
@given(ITEMS.map(lambda items: [replace(item, archived=False) for item in items]), ITEMS)
def test_after_loading_the_shop_has_exactly_the_catalogs_goods(
    wanted: list[Item], known: list[Item]
) -> None:
    """Nothing is ever forgotten, and loading twice changes nothing."""
    now = {item.code: item for item in known}
    for item, before in after_loading(wanted, known):
        assert now.get(item.code) == before
        now[item.code] = item
    assert {item.code: item for item in now.values() if not item.archived} == {
        item.code: item for item in wanted
    }
    assert {item.code for item in known} <= set(now)
    assert after_loading(wanted, now.values()) == []


@pytest.mark.parametrize("text", ["mug", "t-shirt", "x", "2", "a_b", "a" * CODE_LENGTH_MAX])
def test_codes(text: str) -> None:
    """Small letters, digits, hyphens and underscores."""
    assert is_code(text)


@pytest.mark.parametrize(
    "text", ["", "-mug", "Mug", "кружка", "a b", "a.b", "mug\n", "a" * (CODE_LENGTH_MAX + 1), "٣"]
)
def test_what_is_no_code(text: str) -> None:
    """What would not be the same in every file, shell and database."""
    assert not is_code(text)


@pytest.mark.parametrize("quantity", [0, 1.0, True, "1", None])
def test_a_move_is_of_whole_pieces_and_not_of_none(quantity: Any) -> None:
    """Refused at birth."""
    with pytest.raises(ValueError, match="whole number"):
        StockMove("stock:k", "mug", quantity, MoveKind.RECEIVE, DAY, "anna")


def test_moves_add_up_by_item() -> None:
    """Pieces in less pieces out."""
    moves = [
        a_move(item="mug", quantity=5),
        a_move(item="mug", quantity=-2),
        a_move(item="pen", quantity=1),
    ]
    assert quantities(moves) == {"mug": 3, "pen": 1}
    assert quantities([]) == {}


def test_a_line_costs_its_pieces() -> None:
    """At the price of the day, whatever was listed."""
    assert SaleLine("s", 1, "mug", "Кружка", "Mug", 3, 20, 30).coins == 60


def test_a_sale_adds_up_by_its_lines() -> None:
    """Coins of all lines together, pieces of each item; what was taken back counts besides."""
    lines = [
        SaleLine("s1", 1, "cap", "cap", "cap", 2, 5, 5),
        SaleLine("s1", 2, "cap", "cap", "cap", 1, 4, 5),
        SaleLine("s1", 3, "pen", "pen", "pen", 7, 1, 1),
    ]
    totals = totals_of_sale(lines, {2, 9})
    assert (totals.coins_paid, totals.coins_returned, totals.coins_kept) == (21, 4, 17)
    assert (totals.pieces_sold["cap"], totals.pieces_returned["cap"]) == (3, 1)
    assert [
        totals.pieces_sold[item] - totals.pieces_returned[item] for item in ("cap", "pen", "hat")
    ] == [2, 7, 0]
