"""The shop of the imaginary school: goods with pictures, stock and first sales, each only once."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from coinsync.commands.catalog import keep_copies, read_goods
from coinsync.commands.posting import apply
from coinsync.core.catalog import Item, MoveKind, Pick
from coinsync.core.facts import Presence, Resident
from coinsync.core.plan import Change, Plan, Purpose
from coinsync.core.proposal import Author, scope_of
from coinsync.desk.catalog import load, move_stock
from coinsync.desk.shop import Buyer, sell
from coinsync.lookup.shop import shelf_for
from coinsync.simulator.chance import Chance
from coinsync.simulator.stage import GOODS
from coinsync.store.reader import Reader

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.commands.session import Session

CATALOG = "catalog.toml"
#: Pieces of each that come in: as many as cost so many coins, and a few at least.
COINS_OF_STOCK, PIECES_MIN = 600, 2
SALES_MIN, RESIDENTS_PER_SALE = 3, 6
DAYS_OF_SALES = 10


def open_shop(session: Session, database: Database, seed: int) -> None:
    """Fill the shop and sell something.

    Where goods, moves or sales are recorded already, they stay as they are.
    """
    today = session.settings.day_at((), session.now())
    reader, author = Reader(database), Author(session.actor, session.now(), f"demo-{seed}", today)
    _fill(session, database, reader, author)
    _receive(session, database, reader, author, today)
    if not reader.sales():
        _sell(session, database, reader, author, today, Chance(seed))


def family(reader: Reader) -> tuple[int, list[Resident]]:
    """The VK account that sees most children, and these."""
    links = Counter(link.vk for link in reader.links())
    visitor = max(links, key=lambda vk: (links[vk], -vk), default=1)
    return visitor, reader.residents_of_visitor(visitor)


def _fill(session: Session, database: Database, reader: Reader, author: Author) -> None:
    """Load the catalog as any school does, from a file beside its pictures."""
    if reader.all(Item):
        return
    folder = session.settings.shop.pictures
    shutil.copytree(GOODS, folder, dirs_exist_ok=True)
    items, copies = read_goods(session, folder / CATALOG)
    keep_copies(session.settings, copies)
    apply(session, database, load(reader, session.settings, items, author).plan)


def _receive(
    session: Session, database: Database, reader: Reader, author: Author, today: date
) -> None:
    """Let the goods come in, in one plan, before the first of them is sold."""
    day = today - timedelta(days=DAYS_OF_SALES)
    changes: list[Change] = []
    for item in reader.all(Item):
        by = replace(author, key=f"{author.key}-{item.code}", day=day)
        received = reader.stock_moves(key=f"stock:{by.key}")
        if item.archived or not item.tracked or received:
            continue
        pieces = max(PIECES_MIN, COINS_OF_STOCK // item.price)
        proposal = move_stock(reader, session.settings, item, MoveKind.RECEIVE, pieces, by)
        changes += proposal.plan.changes
    if changes:
        scope = scope_of(author.now.date())
        apply(session, database, Plan.of(Purpose.CATALOG, scope, changes))


def _sell(
    session: Session,
    database: Database,
    reader: Reader,
    author: Author,
    today: date,
    chance: Chance,
) -> None:
    """Sell on the last days to who had the coins then, the latest to the family that is shown."""
    pupils = [one for one in reader.residents() if one.presence is Presence.CLIENT]
    _, children = family(reader)
    count = max(SALES_MIN, len(pupils) // RESIDENTS_PER_SALE)
    for number in range(1, count + 1):
        day = today - timedelta(days=(count - number) * DAYS_OF_SALES // count)
        candidates = children if number == count else pupils
        chosen = _buyer(reader, chance, candidates, day, number)
        if chosen is None:
            continue
        buyer, pick = chosen
        by = replace(author, key=f"{author.key}-{number}", day=day)
        proposal = sell(reader, session.settings, [pick], [Buyer(buyer)], by)
        apply(session, database, proposal.plan)


def _buyer(
    reader: Reader, chance: Chance, candidates: list[Resident], day: date, number: int
) -> tuple[Resident, Pick] | None:
    """Somebody who can pay for something that is there, and this; None where nobody can."""
    balances = reader.balances((one.id for one in candidates), until=day)
    tried = chance.some(candidates, len(candidates), lambda one: one.id, "buyer", number)
    for resident in tried:
        goods = []
        shelf = shelf_for(reader, resident).values()
        pieces = reader.stock(item.code for item in shelf if item.tracked)
        for item in shelf:
            if item.price <= balances[resident.id] and pieces.get(item.code) != 0:
                goods.append(item)
        if goods:
            return resident, Pick(chance.pick(goods, "goods", number), 1)
    return None
