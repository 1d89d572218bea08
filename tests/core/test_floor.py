"""Neither coins nor pieces fall below zero, asked with plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from coinsync.core.catalog import MoveKind, StockMove
from coinsync.core.facts import Merge
from coinsync.core.floor import (
    debts,
    first_day,
    losses_of_plan,
    refuse_debts,
    refuse_missing_pieces,
    refuse_sold_out,
)
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Stock
from coinsync.errors import NotEnoughCoins, OutOfStock
from tests.support.makers import ADA, DAY, GLEB, a_credit, a_plan, a_reversal, an_award

MIRA = 103
MERGED = Merge(ADA, GLEB)
BACK = Post(a_reversal(an_award(), n=1))


def check(plan: Plan, balances: Mapping[int, int], merges: tuple[Merge, ...] = ()) -> None:
    """Hold a plan against balances; those of everybody whom it names must be given."""
    judge(plan, {owner: {DAY: coins} for owner, coins in balances.items()}, merges)


def judge(
    plan: Plan, coins: Mapping[int, Mapping[date, int]], merges: tuple[Merge, ...] = ()
) -> None:
    """Hold a plan against coins by day."""
    refuse_debts(debts(losses_of_plan(plan, merges)[1], coins, {}))


def owners(plan: Plan, merges: Sequence[Merge] = ()) -> set[int]:
    """Whose balances matter."""
    return set(losses_of_plan(plan, merges)[1])


def losses(plan: Plan, merges: tuple[Merge, ...] = ()) -> dict[int, int]:
    """What each owner loses in all."""
    return {owner: loss.total() for owner, loss in losses_of_plan(plan, merges)[1].items()}


def spends(*coins: tuple[int, int], purpose: Purpose = Purpose.DESK) -> Plan:
    """A plan that gives or takes coins by hand: resident and coins of each entry."""
    entries = [Post(a_credit(str(n), card, moved)) for n, (card, moved) in enumerate(coins)]
    return a_plan(*entries, purpose=purpose)


@pytest.mark.parametrize(
    ("coins", "whose"),
    [
        ([(ADA, -5)], {ADA}),
        ([(ADA, 5)], set()),
        ([(ADA, 5), (ADA, -5)], set()),
        ([(ADA, 4), (ADA, -5)], {ADA}),
        ([(ADA, -5), (GLEB, 5)], {ADA}),
    ],
)
def test_only_who_loses_coins_is_asked_for_a_balance(
    coins: list[tuple[int, int]], whose: set[int]
) -> None:
    """By the whole plan: what it brings may be spent in it."""
    assert owners(spends(*coins)) == whose


def test_the_last_coin_can_be_spent_and_not_one_more() -> None:
    """The refusal says how many there are and how many were needed."""
    check(spends((ADA, -30)), {ADA: 30})
    with pytest.raises(NotEnoughCoins) as caught:
        check(spends((ADA, -31)), {ADA: 30})
    assert caught.value.message == f"#{ADA} has 30 coins, 31 needed; nothing written"


def test_cards_of_one_child_spend_together() -> None:
    """As they go on once the plan is written: merged before, or by the plan itself."""
    plan = spends((ADA, -25), (GLEB, -16))
    assert losses(plan, (MERGED,)) == {GLEB: -41}
    merging = a_plan(*plan.changes, Put(MERGED))
    assert losses(merging) == {GLEB: -41}
    parting = a_plan(*plan.changes, Put(Merge(ADA, 0), MERGED))
    assert losses(parting, (MERGED,)) == {ADA: -25, GLEB: -16}


@pytest.mark.parametrize(
    ("purpose", "changes", "allowed"),
    [
        (Purpose.REVIEW, (BACK,), True),
        (Purpose.DESK, (BACK,), False),
        (Purpose.LESSONS, (BACK,), False),
        (Purpose.REVIEW, (Post(a_credit("1", coins=-10)),), False),
        (Purpose.REVIEW, (BACK, Post(a_credit("1", coins=-1))), False),
        (Purpose.REVIEW, (BACK, Post(a_credit("1", coins=1))), True),
    ],
)
def test_only_a_reviewed_reversal_leaves_a_debt(
    purpose: Purpose, changes: tuple[Change, ...], allowed: bool
) -> None:
    """A person has looked at it; a debit beside it keeps to the limit."""
    plan = a_plan(*changes, purpose=purpose)
    if allowed:
        check(plan, {ADA: 2})
        return
    with pytest.raises(NotEnoughCoins):
        check(plan, {ADA: 2})


@pytest.mark.parametrize(
    ("new", "old", "whose"),
    [
        (Merge(ADA, 0), MERGED, {ADA, GLEB}),
        (Merge(ADA, MIRA), MERGED, {MIRA, GLEB}),
        (replace(MERGED, links=(7,)), MERGED, set()),
        (MERGED, Merge(ADA, 0), set()),
        (MERGED, None, set()),
    ],
    ids=["on its own", "elsewhere", "as before", "merged", "merged for the first time"],
)
def test_cards_that_part_must_stand_on_their_own(
    new: Merge, old: Merge | None, whose: set[int]
) -> None:
    """Both the card that leaves, by what it goes on as, and the one that it leaves."""
    recorded = [old] if old else []
    plan = a_plan(Put(new, old))
    assert owners(plan, recorded) == whose
    check(plan, dict.fromkeys(whose, 0), tuple(recorded))
    for owner in whose:
        balances = dict.fromkeys(whose, 0) | {owner: -1}
        with pytest.raises(NotEnoughCoins) as caught:
            check(plan, balances, tuple(recorded))
        assert caught.value.message == f"#{owner} has -1 coins, on its own; nothing written"


def test_who_parts_and_spends_is_told_what_is_needed() -> None:
    """The loss counts for a card that stands alone again."""
    plan = a_plan(Put(Merge(ADA, 0), MERGED), Post(a_credit("1", coins=-3)))
    check(plan, {ADA: 3, GLEB: 0}, (MERGED,))
    with pytest.raises(NotEnoughCoins, match="has 2 coins, 3 needed"):
        check(plan, {ADA: 2, GLEB: 0}, (MERGED,))


@pytest.mark.parametrize(
    ("balance", "change", "allowed"),
    [(5, -5, True), (5, -6, False), (0, -1, False), (-5, 3, True), (-5, -1, False), (-5, 0, True)],
)
def test_a_gain_is_welcome_where_there_is_a_debt(balance: int, change: int, allowed: bool) -> None:
    """Only a loss is refused; the name is said where it is known."""
    wrong = debts({1: Counter({DAY: change})}, {1: {DAY: balance}}, {1: "Ada"})
    assert wrong == ({} if allowed else {1: f"#1 Ada has {balance} coins, {-change} needed"})


# --- days -----------------------------------------------------------------------------------------

EARLIER, LATER = DAY - timedelta(days=9), DAY + timedelta(days=9)


@pytest.mark.parametrize(
    ("recorded", "spent_on", "says"),
    [
        ({EARLIER: 40}, EARLIER, ""),
        ({EARLIER: 40, DAY: -40, LATER: 40}, LATER, ""),
        ({EARLIER: 40, DAY: -40, LATER: 40}, EARLIER, f" has 0 coins on {DAY}, 40 needed"),
        ({DAY: 40}, EARLIER, f" has 0 coins on {EARLIER}, 40 needed"),
        ({EARLIER: 40, DAY: -1}, EARLIER, " has 39 coins, 40 needed"),
        ({EARLIER: -5, DAY: 50}, DAY, ""),
    ],
)
def test_what_is_spent_must_be_there_on_every_later_day(
    recorded: dict[date, int], spent_on: date, says: str
) -> None:
    """A debit of a day that is past leaves no debt on any day since; what was before is over."""
    plan = a_plan(Post(replace(a_credit("1", ADA, -40), happened_on=spent_on)))
    assert first_day(losses_of_plan(plan, ())[1]) == spent_on
    if not says:
        judge(plan, {ADA: recorded})
        return
    with pytest.raises(NotEnoughCoins) as caught:
        judge(plan, {ADA: recorded})
    assert caught.value.message == f"#{ADA}{says}; nothing written"


def test_a_lesson_is_taken_back_by_what_there_is_in_the_end() -> None:
    """Its coins may have been spent and earned anew since."""
    lesson = Post(replace(a_reversal(an_award(), n=1), happened_on=EARLIER))
    judge(a_plan(lesson), {ADA: {EARLIER: 10, DAY: -10, LATER: 10}})
    with pytest.raises(NotEnoughCoins, match=f"#{ADA} has 9 coins, 10 needed"):
        judge(a_plan(lesson), {ADA: {EARLIER: 10, DAY: -1}})


def test_coins_of_one_day_count_together() -> None:
    """In one plan a gain covers a loss of its day, and not one of an earlier day."""
    gain = a_credit("1", ADA, 40)
    loss = a_credit("2", ADA, -40)
    check(a_plan(Post(loss), Post(gain)), {ADA: 0})
    early = replace(loss, happened_on=EARLIER)
    plan = a_plan(Post(early), Post(gain), Post(replace(loss, key="desk:3")))
    with pytest.raises(NotEnoughCoins, match=f"has 0 coins on {EARLIER}, 40 needed"):
        judge(plan, {ADA: {}})


# --- pieces ---------------------------------------------------------------------------------------


def a_move(key: str, item: str, quantity: int) -> Stock:
    """A move of stock."""
    return Stock(StockMove(key, item, quantity, MoveKind.SALE, DAY, "clerk"))


def test_the_last_piece_is_sold_once() -> None:
    """All moves of an item count together, and each item by itself."""
    plan = a_plan(a_move("1", "cap", -2), a_move("2", "cap", -1), a_move("3", "pen", 4))
    refuse_missing_pieces(plan, {"cap": 3, "pen": 0})
    with pytest.raises(OutOfStock) as caught:
        refuse_missing_pieces(plan, {"cap": 2, "pen": 9})
    assert caught.value.message == "cap: 2 left, 3 needed; nothing written"


def test_pieces_may_come_in_where_some_are_missing() -> None:
    """A stock that is below zero already, by damage, is made better and not refused."""
    refuse_sold_out("cap", -3, 1)
    refuse_sold_out("cap", -3, 0)
    refuse_sold_out("cap", 1, -1)
    with pytest.raises(OutOfStock):
        refuse_sold_out("cap", -3, -1)
