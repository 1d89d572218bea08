"""What the director's month adds up. Reads only."""

from collections.abc import Collection, Mapping
from datetime import date, timedelta

from coinsync.core.catalog import Item
from coinsync.core.facts import Presence
from coinsync.core.report import MonthLines, Part, month_lines
from coinsync.lookup import shop
from coinsync.lookup.residents import members, residents_of
from coinsync.store.reader import Reader


def month_report(
    reader: Reader,
    branches: Collection[int] | None,
    first: date,
    today: date,
    branch_names: Mapping[int, str],
) -> MonthLines:
    """The month that begins on ``first`` and the one before it, of branches or of the school.

    The ``coins`` of goods are what the pieces cost that lie there today.
    """
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    before = (first - timedelta(days=1)).replace(day=1)
    residents = residents_of(reader, branches)
    parts: dict[int, list[Part]] = {}
    for resident in residents:
        parts[resident.id] = [("school", ""), ("presence", resident.presence.value)]
        if resident.presence is Presence.CLIENT:
            parts[resident.id].append(("resident", str(resident)))
        for branch in resident.branches:
            # A child of several branches counts once: at the first of those that are asked for.
            if branches is None or branch in branches:
                parts[resident.id].append(("branch", branch_names.get(branch, str(branch))))
                break
    for group, in_group in members(reader, residents, lambda _: min(last, today)).items():
        for resident in in_group:
            parts[resident.id].append(("group", str(group)))
    coins = reader.balances(parts, until=last)
    months = (f"{before:%Y-%m}", f"{first:%Y-%m}")
    lines = month_lines(reader.month_sums(coins, before, last), coins, parts, months)
    prices = {item.code: item.price for item in reader.all(Item)}
    for item in shop.report(reader, residents, first, last).items:
        worth = prices[item.item] * (item.left or 0)
        for part in (("goods", item.name), ("stock", "all goods")):
            lines[months[1], *part].update(spent=-item.coins, coins=worth)
    return lines
