"""Nobody spends coins that are not there, and the shop sells no piece that is not there.

Whoever prepares a plan asks, to refuse it early; the writer asks again, under its lock.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from coinsync.core.catalog import quantities
from coinsync.core.facts import Merge
from coinsync.core.ledger import Entry, Kind, survivors_of
from coinsync.core.plan import Plan, Purpose, Put
from coinsync.errors import NotEnoughCoins, OutOfStock


@dataclass(slots=True)
class Loss:
    """Coins that a plan moves of an owner who loses some, by day.

    ``since`` is the day from which they must be there on every day; the end counts always.
    """

    coins: Counter[date] = field(default_factory=Counter)
    since: date = date.max


@dataclass(frozen=True, slots=True)
class BalancesToCheck:
    """Whose balances a plan may bring below zero, by the card that goes on.

    ``parted`` are the cards that a merge holds together no longer.
    """

    survivors: Mapping[int, int]
    losses: Mapping[int, Loss]
    parted: frozenset[int]

    @property
    def owners(self) -> frozenset[int]:
        """Everybody whose balance must be read."""
        return frozenset(self.losses) | self.parted

    @property
    def since(self) -> date:
        """The first day of which a balance matters by itself."""
        return first_day(self.losses)


def balances_to_check(plan: Plan, merges: Collection[Merge]) -> BalancesToCheck:
    """Whose balances matter; ``merges`` are all that are recorded."""
    survivors = survivors_of(plan.facts_after(Merge, merges))
    unlimited = frozenset(entry.key for entry in plan.entries if _may_cross_zero(plan, entry))
    losses = losses_of(plan.entries, survivors, unlimited)
    return BalancesToCheck(survivors, losses, _parted(plan, survivors))


def losses_of(
    entries: Iterable[Entry], survivors: Mapping[int, int], unlimited: Collection[str] = ()
) -> dict[int, Loss]:
    """Who loses coins by entries; those under the keys ``unlimited`` may leave a debt."""
    losses: defaultdict[int, Loss] = defaultdict(Loss)
    guarded: set[int] = set()
    for entry in entries:
        owner = survivors.get(entry.resident, entry.resident)
        loss = losses[owner]
        loss.coins[entry.happened_on] += entry.coins
        if entry.coins > 0 or entry.key in unlimited:
            continue
        guarded.add(owner)
        # Nobody spends what came later. A lesson that is taken back on its own day is another
        # matter: its coins may have been spent and earned anew since.
        if entry.kind is not Kind.REVERSAL:
            loss.since = min(loss.since, entry.happened_on)
    return {owner: losses[owner] for owner in guarded if losses[owner].coins.total() < 0}


def first_day(losses: Mapping[int, Loss]) -> date:
    """The first day of which a balance matters by itself."""
    return min((loss.since for loss in losses.values()), default=date.max)


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


def debts(
    losses: Mapping[int, Loss],
    coins_by_day: Mapping[int, Mapping[date, int]],
    names: Mapping[int, str],
) -> dict[int, str]:
    """What is wrong with losses that leave an owner fewer coins than none, by owner.

    ``coins_by_day`` are recorded; all up to the first day that matters may count as of one day.
    """
    texts = {}
    for owner, loss in sorted(losses.items()):
        recorded = coins_by_day[owner]
        days = sorted({*recorded, *loss.coins})
        has = change = 0
        for day in days:
            has += recorded.get(day, 0)
            change += loss.coins[day]
            is_last = day == days[-1]
            if (is_last or day >= loss.since) and change < 0 and has + change < 0:
                when = "" if is_last else f" on {day}"
                who = f"#{owner} {names.get(owner, '')}".rstrip()
                texts[owner] = f"{who} has {has} coins{when}, {-change} needed"
                break
    return texts


def refuse_debts(checked: BalancesToCheck, coins_by_day: Mapping[int, Mapping[date, int]]) -> None:
    """Raise ``NotEnoughCoins`` where an owner's balance does not bear the plan."""
    texts = debts(checked.losses, coins_by_day, {})
    for owner in sorted(checked.parted - checked.losses.keys()):
        # Coins never move between cards. Whoever stands alone again must have spent no more than
        # came to that card.
        balance = sum(coins_by_day[owner].values())
        if balance < 0:
            texts[owner] = f"#{owner} has {balance} coins, on its own"
    if texts:
        raise NotEnoughCoins("; ".join(texts.values()))


def refuse_missing_pieces(plan: Plan, pieces_left: Mapping[str, int]) -> None:
    """Raise ``OutOfStock`` where the plan takes more pieces of an item than are left."""
    for item, change in quantities(plan.stock_moves).items():
        refuse_sold_out(item, pieces_left[item], change)


def refuse_sold_out(item: str, pieces_left: int, change: int) -> None:
    """Raise ``OutOfStock`` for a move of stock that leaves fewer than no pieces."""
    if change < 0 and pieces_left + change < 0:
        raise OutOfStock(f"{item}: {pieces_left} left, {-change} needed")
