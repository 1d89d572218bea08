"""The shop of the imaginary school: goods with pictures, their stock and the first sales, each only once."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

from coinsync.commands.catalog import keep_copies, read_goods
from coinsync.commands.posting import apply

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.commands.door import Door
    from coinsync.core.catalog import Pick
    from coinsync.core.deed import Hand
    from coinsync.core.facts import Resident
    from coinsync.core.plan import Change
    from coinsync.simulator.chance import Chance
    from coinsync.store.reader import Reader

CATALOG = "catalog.toml"
#: Pieces of each that come in: as many as cost so many coins, and a few at least.
COINS_OF_STOCK, PIECES_MIN = 600, 2
SALES_MIN, RESIDENTS_PER_SALE = 3, 6
DAYS_OF_SALES = 10


def open_shop(door: Door, database: Database, seed: int) -> None:
    """Fill the shop and sell something; where goods, moves or sales are recorded already, they stay as they are."""
    from coinsync.core.deed import Hand
    from coinsync.simulator.chance import Chance
    from coinsync.store.reader import Reader

    today = door.now().astimezone(door.settings.branches[0].zone).date()
    reader, by = Reader(database), Hand(door.actor, door.now(), f"demo-{seed}", today)
    _fill(door, database, reader, by)
    _receive(door, database, reader, by)
    if not reader.sales():
        _sell(door, database, reader, by, Chance(seed))


def family(reader: Reader) -> tuple[int, list[Resident]]:
    """The VK account that sees most children, and these."""
    links = Counter(link.vk for link in reader.links())
    visitor = max(links, key=lambda vk: (links[vk], -vk), default=1)
    return visitor, reader.residents_of_visitor(visitor)


def _fill(door: Door, database: Database, reader: Reader, by: Hand) -> None:
    """Load the catalog as any school does, from a file beside its pictures."""
    from coinsync import shop
    from coinsync.core.catalog import Item
    from coinsync.simulator.stage import GOODS

    if reader.all(Item):
        return
    folder = door.settings.pictures
    shutil.copytree(GOODS, folder, dirs_exist_ok=True)
    items, copies = read_goods(door, folder / CATALOG)
    keep_copies(door.settings, copies)
    apply(door, database, shop.load(reader, items, by).plan)


def _receive(door: Door, database: Database, reader: Reader, by: Hand) -> None:
    """Let the goods come in, in one plan."""
    from dataclasses import replace

    from coinsync import shop
    from coinsync.core.catalog import Item, MoveKind
    from coinsync.core.deed import scope_of
    from coinsync.core.plan import Plan, Purpose

    counted = [item for item in reader.all(Item) if item.tracked and not item.archived]
    changes: list[Change] = []
    # They came before the first of them was sold.
    came = (by.day or by.now.date()) - timedelta(days=DAYS_OF_SALES)
    for item in counted:
        hand = replace(by, key=f"{by.key}-{item.code}", day=came)
        if not reader.stock_moves(key=f"stock:{hand.key}"):
            pieces = max(PIECES_MIN, COINS_OF_STOCK // item.price)
            changes += shop.move_stock(reader, item, MoveKind.RECEIVE, pieces, hand).plan.changes
    if changes:
        apply(door, database, Plan.of(Purpose.CATALOG, scope_of(by.now.date()), changes))


def _sell(door: Door, database: Database, reader: Reader, by: Hand, chance: Chance) -> None:
    """Sell on the last days to who had the coins on that day, the latest to the family that the demo shows."""
    from dataclasses import replace

    from coinsync import shop
    from coinsync.core.facts import Presence

    pupils = [one for one in reader.residents() if one.presence is Presence.CLIENT]
    _, children = family(reader)
    count = max(SALES_MIN, len(pupils) // RESIDENTS_PER_SALE)
    today = by.day or by.now.date()
    for number in range(1, count + 1):
        day = today - timedelta(days=(count - number) * DAYS_OF_SALES // count)
        chosen = _buyer(reader, chance, children if number == count else pupils, day, number)
        if chosen is not None:
            buyer, pick = chosen
            hand = replace(by, key=f"{by.key}-{number}", day=day)
            apply(door, database, shop.sell(reader, door.settings, [pick], [shop.Buyer(buyer)], hand).plan)


def _buyer(
    reader: Reader, chance: Chance, candidates: list[Resident], day: date, number: int
) -> tuple[Resident, Pick] | None:
    """Somebody who can pay for something that is there, and this; None where nobody can."""
    from coinsync import shop
    from coinsync.core.catalog import Pick

    balances = reader.balances((one.id for one in candidates), until=day)
    for one in chance.some(candidates, len(candidates), lambda who: who.id, "buyer", number):
        shelf = shop.shelf_for(reader, one).values()
        left = reader.stock(item.code for item in shelf if item.tracked)
        goods = [item for item in shelf if item.price <= balances[one.id] and left.get(item.code) != 0]
        if goods:
            return one, Pick(chance.pick(goods, "goods", number), 1)
    return None
