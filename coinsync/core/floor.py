"""Nobody spends coins that are not there, and the shop sells no piece that is not there.

Whoever prepares a plan asks, to refuse it early; the writer asks again, under its lock.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date

from coinsync.core.catalog import quantities
from coinsync.core.facts import Merge
from coinsync.core.ledger import Entry, Kind, Survivors, survivors_of
from coinsync.core.plan import Plan, Purpose, Put
from coinsync.errors import NotEnoughCoins, OutOfStock
from coinsync.staff_texts import joined, phrase

#: Coins that a plan moves of an owner who loses some, by the day from which they are missing.
Losses = Mapping[int, Counter[date]]


def losses_of_plan(plan: Plan, merges: Collection[Merge]) -> tuple[Survivors, Losses]:
    """Which card goes on as which, and who may come below zero; ``merges`` are all recorded.

    Who loses nothing and is named all the same is a card that a merge holds together no longer.
    """
    survivors = survivors_of(plan.facts_after(Merge, merges))
    unlimited: set[str] = set()
    # A reversal that a person reviewed may leave a debt, and nothing else.
    if plan.purpose is Purpose.REVIEW:
        unlimited.update(entry.key for entry in plan.entries if entry.kind is Kind.REVERSAL)
    losses = dict(losses_of(plan.entries, survivors, unlimited))
    for change in plan.changes:
        match change:
            case Put(new=Merge() as merge, old=Merge() as before):
                if before.into and before.into != merge.into:
                    for card in (merge.resident, before.into):
                        losses.setdefault(survivors[card], Counter())
    return survivors, losses


def losses_of(
    entries: Iterable[Entry], survivors: Survivors, unlimited: Collection[str] = ()
) -> Losses:
    """Who loses coins by entries; those under the keys ``unlimited`` may leave a debt."""
    losses: defaultdict[int, Counter[date]] = defaultdict(Counter)
    guarded: set[int] = set()
    for entry in entries:
        owner = survivors[entry.resident]
        # Nobody spends what came later. But a lesson that is taken back counts in the end alone:
        # its coins may have been spent and earned anew since its day.
        is_back = entry.kind is Kind.REVERSAL
        losses[owner][date.max if is_back else entry.happened_on] += entry.coins
        if entry.coins < 0 and entry.key not in unlimited:
            guarded.add(owner)
    return {owner: losses[owner] for owner in guarded if losses[owner].total() < 0}


def first_day(losses: Losses) -> date:
    """The first day on which coins are missing."""
    days = [day for coins in losses.values() for day in coins if coins[day] < 0]
    return min(days, default=date.max)


def debts(
    losses: Losses, coins_by_day: Mapping[int, Mapping[date, int]], names: Mapping[int, str]
) -> dict[int, str]:
    """What is wrong, by owner, with losses that leave fewer coins than none on a day since.

    Of ``coins_by_day`` all up to the first such day may stand under one day.
    """
    texts: dict[int, str] = {}
    for owner, changes in sorted(losses.items()):
        recorded, since = coins_by_day[owner], first_day({owner: changes})
        days = sorted({*recorded, *changes})
        has = change = 0
        for day in days:
            has += recorded.get(day, 0)
            change += changes[day]
            if day >= since and change < 0 and has + change < 0:
                id = "not_enough_then" if day < days[-1] else "not_enough"
                who = f"#{owner} {names.get(owner, '')}".rstrip()
                texts[owner] = phrase(id, who=who, has=has, day=day, needed=-change)
                break
        # Coins never move between cards. Whoever stands alone again must have spent no more than
        # came to that card.
        if not changes and has < 0:
            texts[owner] = f"#{owner} has {has} coins, on its own"
    return texts


def refuse_debts(texts: Mapping[int, str]) -> None:
    """Raise ``NotEnoughCoins`` where something is wrong."""
    if texts:
        raise NotEnoughCoins(joined("; ", *texts.values()))


def refuse_missing_pieces(plan: Plan, pieces_left: Mapping[str, int]) -> None:
    """Raise ``OutOfStock`` where the plan takes more pieces of an item than are left."""
    for item, change in quantities(plan.stock_moves).items():
        refuse_sold_out(item, pieces_left[item], change)


def refuse_sold_out(item: str, pieces_left: int, change: int) -> None:
    """Raise ``OutOfStock`` for a move of stock that leaves fewer than no pieces."""
    if change < 0 and pieces_left + change < 0:
        raise OutOfStock.of("out_of_stock", item=item, left=pieces_left, needed=-change)
