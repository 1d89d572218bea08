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

    from coinsync.commands.session import Session
    from coinsync.core.catalog import Pick
    from coinsync.core.facts import Resident
    from coinsync.core.plan import Change
    from coinsync.core.proposal import Author
    from coinsync.simulator.chance import Chance
    from coinsync.store.reader import Reader

CATALOG = "catalog.toml"
#: Pieces of each that come in: as many as cost so many coins, and a few at least.
COINS_OF_STOCK, PIECES_MIN = 600, 2
SALES_MIN, RESIDENTS_PER_SALE = 3, 6
DAYS_OF_SALES = 10


def open_shop(session: Session, database: Database, seed: int) -> None:
    """Fill the shop and sell something; where goods, moves or sales are recorded already, they stay as they are."""
    from coinsync.core.proposal import Author
    from coinsync.simulator.chance import Chance
    from coinsync.store.reader import Reader

    today = session.now().astimezone(session.settings.branches[0].zone).date()
    reader, by = Reader(database), Author(session.actor, session.now(), f"demo-{seed}", today)
    _fill(session, database, reader, by)
    _receive(session, database, reader, by)
    if not reader.sales():
        _sell(session, database, reader, by, Chance(seed))


def family(reader: Reader) -> tuple[int, list[Resident]]:
    """The VK account that sees most children, and these."""
    links = Counter(link.vk for link in reader.links())
    visitor = max(links, key=lambda vk: (links[vk], -vk), default=1)
    return visitor, reader.residents_of_visitor(visitor)


def _fill(session: Session, database: Database, reader: Reader, by: Author) -> None:
    """Load the catalog as any school does, from a file beside its pictures."""
    from coinsync.core.catalog import Item
    from coinsync.desk.catalog import load
    from coinsync.simulator.stage import GOODS

    if reader.all(Item):
        return
    folder = session.settings.shop.pictures
    shutil.copytree(GOODS, folder, dirs_exist_ok=True)
    items, copies = read_goods(session, folder / CATALOG)
    keep_copies(session.settings, copies)
    apply(session, database, load(reader, session.settings, items, by).plan)


def _receive(session: Session, database: Database, reader: Reader, by: Author) -> None:
    """Let the goods come in, in one plan."""
    from dataclasses import replace

    from coinsync.core.catalog import Item, MoveKind
    from coinsync.core.plan import Plan, Purpose
    from coinsync.core.proposal import scope_of
    from coinsync.desk.catalog import move_stock

    counted = [item for item in reader.all(Item) if item.tracked and not item.archived]
    changes: list[Change] = []
    # They came before the first of them was sold.
    came = (by.day or by.now.date()) - timedelta(days=DAYS_OF_SALES)
    for item in counted:
        author = replace(by, key=f"{by.key}-{item.code}", day=came)
        if not reader.stock_moves(key=f"stock:{author.key}"):
            pieces = max(PIECES_MIN, COINS_OF_STOCK // item.price)
            received = move_stock(reader, session.settings, item, MoveKind.RECEIVE, pieces, author)
            changes += received.plan.changes
    if changes:
        apply(session, database, Plan.of(Purpose.CATALOG, scope_of(by.now.date()), changes))


def _sell(session: Session, database: Database, reader: Reader, by: Author, chance: Chance) -> None:
    """Sell on the last days to who had the coins on that day, the latest to the family that the demo shows."""
    from dataclasses import replace

    from coinsync.core.facts import Presence
    from coinsync.desk import shop

    pupils = [one for one in reader.residents() if one.presence is Presence.CLIENT]
    _, children = family(reader)
    count = max(SALES_MIN, len(pupils) // RESIDENTS_PER_SALE)
    today = by.day or by.now.date()
    for number in range(1, count + 1):
        day = today - timedelta(days=(count - number) * DAYS_OF_SALES // count)
        chosen = _buyer(reader, chance, children if number == count else pupils, day, number)
        if chosen is not None:
            buyer, pick = chosen
            author = replace(by, key=f"{by.key}-{number}", day=day)
            apply(
                session,
                database,
                shop.sell(reader, session.settings, [pick], [shop.Buyer(buyer)], author).plan,
            )


def _buyer(
    reader: Reader, chance: Chance, candidates: list[Resident], day: date, number: int
) -> tuple[Resident, Pick] | None:
    """Somebody who can pay for something that is there, and this; None where nobody can."""
    from coinsync.core.catalog import Pick
    from coinsync.lookup.shop import shelf_for

    balances = reader.balances((one.id for one in candidates), until=day)
    for one in chance.some(candidates, len(candidates), lambda who: who.id, "buyer", number):
        shelf = shelf_for(reader, one).values()
        left = reader.stock(item.code for item in shelf if item.tracked)
        goods = [
            item for item in shelf if item.price <= balances[one.id] and left.get(item.code) != 0
        ]
        if goods:
            return one, Pick(chance.pick(goods, "goods", number), 1)
    return None
