"""Nobody spends coins that are not there, and the shop sells no piece that is not there.

Whoever prepares a plan asks, to refuse it early; the writer asks again, under its lock.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from coinsync.core.catalog import quantities
from coinsync.core.facts import Merge
from coinsync.core.ledger import Entry, Kind, survivors_of
from coinsync.core.plan import Plan, Purpose, Put
from coinsync.errors import NotEnoughCoins, OutOfStock


@dataclass(frozen=True, slots=True)
class BalancesToCheck:
    """Whose balances a plan may bring below zero, by the card that goes on.

    ``losses`` are the coins (below 0) that an owner loses in all; ``parted`` the cards that a merge
    holds together no longer.
    """

    survivors: Mapping[int, int]
    losses: Mapping[int, int]
    parted: frozenset[int]

    @property
    def owners(self) -> frozenset[int]:
        """Everybody whose balance must be read."""
        return frozenset(self.losses) | self.parted


def balances_to_check(plan: Plan, merges: Collection[Merge]) -> BalancesToCheck:
    """Whose balances matter; ``merges`` are all that are recorded."""
    survivors = survivors_of(plan.facts_after(Merge, merges))
    changes = Counter[int]()
    guarded: set[int] = set()
    for entry in plan.entries:
        owner = survivors.get(entry.resident, entry.resident)
        changes[owner] += entry.coins
        if entry.coins < 0 and not _may_cross_zero(plan, entry):
            guarded.add(owner)
    losses = {owner: changes[owner] for owner in guarded if changes[owner] < 0}
    return BalancesToCheck(survivors, losses, _parted(plan, survivors))


def _may_cross_zero(plan: Plan, entry: Entry) -> bool:
    # A reversal that a person reviewed may leave a debt, and nothing else.
    return plan.purpose is Purpose.REVIEW and entry.kind is Kind.REVERSAL


def _parted(plan: Plan, survivors: Mapping[int, int]) -> frozenset[int]:
    cards: set[int] = set()
    for change in plan.changes:
        match change:
            case Put(new=Merge() as merge, old=Merge() as before):
                if before.into and before.into != merge.into:
                    cards |= {merge.resident, before.into}
    return frozenset(survivors.get(card, card) for card in cards)


def refuse_debts(checked: BalancesToCheck, balances: Mapping[int, int]) -> None:
    """Raise ``NotEnoughCoins`` where an owner's balance does not bear the plan."""
    for owner, coins in sorted(checked.losses.items()):
        refuse_debt(f"#{owner}", balances[owner], coins)
    for owner in sorted(checked.parted - checked.losses.keys()):
        # Coins never move between cards. Whoever stands alone again must have spent no more than
        # came to that card.
        if balances[owner] < 0:
            raise NotEnoughCoins(f"#{owner} has {balances[owner]} coins, on its own")


def refuse_debt(who: str, balance: int, change: int) -> None:
    """Raise ``NotEnoughCoins`` for a loss below zero; a gain is welcome whatever the debt."""
    debt = debt_text(who, balance, change)
    if debt:
        raise NotEnoughCoins(debt)


def debt_text(who: str, balance: int, change: int) -> str:
    """What is wrong with a loss below zero; "" where nothing is."""
    if change < 0 and balance + change < 0:
        return f"{who} has {balance} coins, {-change} needed"
    return ""


def refuse_missing_pieces(plan: Plan, pieces_left: Mapping[str, int]) -> None:
    """Raise ``OutOfStock`` where the plan takes more pieces of an item than are left."""
    for item, change in quantities(plan.stock_moves).items():
        refuse_sold_out(item, pieces_left[item], change)


def refuse_sold_out(item: str, pieces_left: int, change: int) -> None:
    """Raise ``OutOfStock`` for a move of stock that leaves fewer than no pieces."""
    if change < 0 and pieces_left + change < 0:
        raise OutOfStock(f"{item}: {pieces_left} left, {-change} needed")
