"""The shop of the made-up school."""

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
from coinsync.simulator.demo_folder import GOODS
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
    """Fill the shop and sell something; what is recorded already stays as it is."""
    reader, author = Reader(database), Author(session.actor, session.now(), f"demo-{seed}")
    _fill(session, database, reader, author)
    _receive(session, database, reader, author)
    if not reader.sales():
        _sell(session, database, reader, author, Chance(seed))


def family(reader: Reader) -> tuple[int, list[Resident]]:
    """The VK account that sees most children, and these."""
    links = Counter(link.vk for link in reader.links())
    visitor = max(links, key=lambda vk: (links[vk], -vk), default=1)
    return visitor, reader.residents_of_visitor(visitor)


def _fill(session: Session, database: Database, reader: Reader, author: Author) -> None:
    if reader.all(Item):
        return
    folder = session.settings.shop.pictures
    shutil.copytree(GOODS, folder, dirs_exist_ok=True)
    items, copies = read_goods(session, folder / CATALOG, folder)
    keep_copies(session.settings, copies)
    apply(session, database, load(reader, session.settings, items, author).plan)


def _receive(session: Session, database: Database, reader: Reader, author: Author) -> None:
    settings = session.settings
    changes: list[Change] = []
    for item in reader.all(Item):
        today = settings.profile.today(item.branches, author.now)
        day = today - timedelta(days=DAYS_OF_SALES)
        by = replace(author, key=f"{author.key}-{item.code}", day=day)
        received = reader.stock_moves(key=f"stock:{by.key}")
        if item.archived or not item.tracked or received:
            continue
        pieces = max(PIECES_MIN, COINS_OF_STOCK // item.price)
        changes += move_stock(reader, settings, item, MoveKind.RECEIVE, pieces, by).plan.changes
    if changes:
        scope = scope_of(settings.profile.today((), author.now))
        apply(session, database, Plan.of(Purpose.CATALOG, scope, changes))


def _sell(
    session: Session, database: Database, reader: Reader, author: Author, chance: Chance
) -> None:
    pupils = [each for each in reader.residents() if each.presence is Presence.CLIENT]
    _, children = family(reader)
    count = max(SALES_MIN, len(pupils) // RESIDENTS_PER_SALE)
    for number in range(1, count + 1):
        days_ago = (count - number) * DAYS_OF_SALES // count
        candidates = children if number == count else pupils
        tried = chance.some(candidates, len(candidates), lambda buyer: buyer.id, "buyer", number)
        for buyer in tried:
            # Counted back from the buyer's own today: another branch's may be still to come there.
            today = session.settings.profile.today(buyer.branches, author.now)
            day = today - timedelta(days=days_ago)
            goods = _affordable(reader, buyer, day)
            if goods:
                pick = Pick(chance.pick(goods, "goods", number), 1)
                by = replace(author, key=f"{author.key}-{number}", day=day)
                proposal = sell(reader, session.settings, [pick], [Buyer(buyer)], by)
                apply(session, database, proposal.plan)
                break


def _affordable(reader: Reader, buyer: Resident, day: date) -> list[Item]:
    """The goods that are there and that a buyer could have paid for on a day."""
    balance = reader.balance(buyer.id, day)
    shelf = shelf_for(reader, buyer).values()
    pieces = reader.stock(item.code for item in shelf if item.tracked)
    return [each for each in shelf if each.price <= balance and pieces.get(each.code) != 0]
