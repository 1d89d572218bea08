"""Whether a plan still fits what is recorded, asked with plain values."""

from __future__ import annotations

import pytest

from coinsync.core.catalog import MoveKind, RefundLine, Sale, SaleLine, StockMove
from coinsync.core.facts import (
    Fact,
    Hold,
    HoldKind,
    Link,
    LinkSource,
    Membership,
)
from coinsync.core.ledger import KeyState
from coinsync.core.plan import Change, Drop, Post, Put, Stock
from coinsync.core.staleness import facts_to_write, refuse_moved_keys, refuse_moved_stock
from coinsync.errors import StalePlan
from tests.support.makers import ADA, BRANCH, DAY, GLEB, GROUP, a_credit, a_plan, a_resident

OLD, NEW, OTHER = (a_resident(ADA, name) for name in ("Ada", "Ada M.", "Ada L."))
LINK = Link(7, ADA, LinkSource.CRM)
HOLD = Hold("key:1", HoldKind.GUEST, BRANCH, 1, ADA, DAY, 10, "membership_unknown")
SALE = Sale("s1", DAY, "", "clerk")
LINE = SaleLine("s1", 1, "cap", "cap", "cap", 1, 5, 5)
REFUND = RefundLine("s1", 1, DAY, "clerk")


@pytest.mark.parametrize(
    ("change", "recorded"),
    [
        (Put(NEW), []),
        (Put(NEW, OLD), [OLD]),
        (Put(NEW, OLD), [a_resident(GLEB), OLD]),
        (Drop(LINK), [LINK]),
        (Drop(HOLD), [HOLD]),
        (Put(SALE), []),
    ],
)
def test_what_stands_as_it_did_is_still_to_be_written(change: Change, recorded: list[Fact]) -> None:
    """Nothing was there and is not, or it is what it was."""
    assert facts_to_write(a_plan(change), recorded) == [change]


@pytest.mark.parametrize(
    ("change", "recorded"),
    [(Put(NEW), [NEW]), (Put(NEW, OLD), [NEW]), (Put(NEW, NEW), [NEW]), (Drop(LINK), [])],
)
def test_what_is_as_wanted_needs_no_write(change: Change, recorded: list[Fact]) -> None:
    """Somebody else has recorded the same, or the plan only relies on it."""
    assert facts_to_write(a_plan(change), recorded) == []


@pytest.mark.parametrize(
    ("change", "recorded", "what"),
    [
        (Put(NEW), [OTHER], f"resident {ADA}"),
        (Put(NEW, OLD), [OTHER], f"resident {ADA}"),
        (Put(NEW, OLD), [], f"resident {ADA}"),
        (Put(NEW, NEW), [OLD], f"resident {ADA}"),
        (Drop(LINK), [Link(7, ADA, LinkSource.DESK)], f"link 7/{ADA}"),
        (Drop(HOLD), [], "hold key:1"),
        (Put(SALE), [SALE], "sale s1"),
        (Put(LINE), [LINE], "saleline s1/1"),
        (Put(REFUND), [REFUND], "refundline s1/1"),
        (
            Put(Membership(ADA, GROUP, DAY, DAY)),
            [Membership(ADA, GROUP, DAY)],
            f"membership {ADA}/{GROUP}/2026-11-02",
        ),
    ],
)
def test_what_is_otherwise_makes_the_plan_stale(
    change: Change, recorded: list[Fact], what: str
) -> None:
    """A hold that is gone was answered by somebody else; an equal sale is another's too."""
    with pytest.raises(StalePlan) as caught:
        facts_to_write(a_plan(change), recorded)
    assert caught.value.message == f"plan is stale: {what} moved"


def test_entries_and_moves_of_stock_are_no_facts() -> None:
    """They are added and replace nothing."""
    move = StockMove("stock:1", "cap", 5, MoveKind.RECEIVE, DAY, "clerk")
    plan = a_plan(Post(a_credit("1")), Put(NEW), Stock(move))
    assert facts_to_write(plan, []) == [Put(NEW)]


def test_keys_that_moved_are_counted_and_the_first_is_named() -> None:
    """A key without entries stands at nothing."""
    basis = [KeyState("a"), KeyState("b", 1, 10, 1), KeyState("c", 2, 0, None)]
    as_planned = {"b": KeyState("b", 1, 10, 1), "c": KeyState("c", 2, 0, None)}
    refuse_moved_keys(basis, as_planned)
    with pytest.raises(StalePlan, match=r"1 of its keys moved, first a$"):
        refuse_moved_keys(basis, as_planned | {"a": KeyState("a", 1, 5, 1)})
    with pytest.raises(StalePlan, match=r"2 of its keys moved, first b$"):
        refuse_moved_keys(basis, {})


def test_a_move_of_stock_is_recorded_once() -> None:
    """Its key is used already, by the same command run twice or by another one."""
    move = StockMove("stock:1", "cap", 5, MoveKind.RECEIVE, DAY, "clerk")
    plan = a_plan(Put(NEW), Post(a_credit("1")), Stock(move))
    refuse_moved_stock(plan, {"stock:2"}, {"cap": 9})
    with pytest.raises(StalePlan) as caught:
        refuse_moved_stock(plan, {"stock:1"}, {"cap": 9})
    assert caught.value.message == "plan is stale: stock:1 was recorded meanwhile"


@pytest.mark.parametrize("counted_from", [3, 0])
def test_a_count_relies_on_the_pieces_that_it_was_held_against(counted_from: int) -> None:
    """Also on there being none; what was only received or sold relies on nothing."""
    move = StockMove("stock:1", "cap", 5, MoveKind.COUNT, DAY, "clerk")
    refuse_moved_stock(a_plan(Stock(move, counted_from)), (), {"cap": counted_from})
    refuse_moved_stock(a_plan(Stock(move)), (), {"cap": 7})
    with pytest.raises(StalePlan) as caught:
        refuse_moved_stock(a_plan(Stock(move, counted_from)), (), {"cap": 7})
    assert caught.value.message == "plan is stale: cap was sold or moved meanwhile"
