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

    reader, by = Reader(database), Author(session.actor, session.now(), f"demo-{seed}")
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
    for item in counted:
        # They came before the first of them was sold.
        came = session.settings.day_at(item.branches, by.now) - timedelta(days=DAYS_OF_SALES)
        author = replace(by, key=f"{by.key}-{item.code}", day=came)
        if not reader.stock_moves(key=f"stock:{author.key}"):
            pieces = max(PIECES_MIN, COINS_OF_STOCK // item.price)
            received = move_stock(reader, session.settings, item, MoveKind.RECEIVE, pieces, author)
            changes += received.plan.changes
    if changes:
        apply(
            session,
            database,
            Plan.of(Purpose.CATALOG, scope_of(session.settings.day_at((), by.now)), changes),
        )


def _sell(session: Session, database: Database, reader: Reader, by: Author, chance: Chance) -> None:
    """Sell on the last days to who had the coins on that day, the latest to the family that the demo shows."""
    from dataclasses import replace

    from coinsync.core.facts import Presence
    from coinsync.desk import shop

    pupils = [one for one in reader.residents() if one.presence is Presence.CLIENT]
    _, children = family(reader)
    count = max(SALES_MIN, len(pupils) // RESIDENTS_PER_SALE)
    for number in range(1, count + 1):
        days_ago = (count - number) * DAYS_OF_SALES // count
        candidates = children if number == count else pupils
        chosen = _choose(session, reader, chance, candidates, days_ago, number)
        if chosen is not None:
            buyer, pick, day = chosen
            author = replace(by, key=f"{by.key}-{number}", day=day)
            proposal = shop.sell(reader, session.settings, [pick], [shop.Buyer(buyer)], author)
            apply(session, database, proposal.plan)


def _choose(
    session: Session,
    reader: Reader,
    chance: Chance,
    candidates: list[Resident],
    days_ago: int,
    number: int,
) -> tuple[Resident, Pick, date] | None:
    """Somebody who could pay for something on a day, and this; None where nobody could."""
    from coinsync.core.catalog import Pick
    from coinsync.lookup.shop import shelf_for

    for buyer in chance.some(candidates, len(candidates), lambda who: who.id, "buyer", number):
        # Counted back from the buyer's own today: another branch's may be still to come there.
        today = session.settings.day_at(buyer.branches, session.now())
        day = today - timedelta(days=days_ago)
        balance = reader.balance(buyer.id, day)
        shelf = shelf_for(reader, buyer).values()
        left = reader.stock(item.code for item in shelf if item.tracked)
        goods = [item for item in shelf if item.price <= balance and left.get(item.code) != 0]
        if goods:
            return buyer, Pick(chance.pick(goods, "goods", number), 1), day
    return None
