"""The shop of the made-up school."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from coinsync.commands.catalog import keep_copies, read_goods
from coinsync.commands.posting import apply
from coinsync.commands.session import Session
from coinsync.core.catalog import Item, MoveKind, Pick
from coinsync.core.facts import Presence, Resident
from coinsync.core.plan import Change, Plan
from coinsync.core.proposal import Author
from coinsync.desk.catalog import load, move_stock, propose_goods
from coinsync.desk.gather import Clerk
from coinsync.desk.shop import Buyer, sell
from coinsync.lookup.shop import shelf
from coinsync.simulator.chance import Chance
from coinsync.simulator.demo_folder import GOODS
from coinsync.store.reader import Reader

if TYPE_CHECKING:
    from peewee import Database

CATALOG = "catalog.csv"
#: Pieces of each that come in: as many as cost so many coins, and a few at least.
COINS_OF_STOCK, PIECES_MIN = 600, 2
SALES_MIN, RESIDENTS_PER_SALE = 3, 6
DAYS_OF_SALES = 10


def open_shop(session: Session, database: Database, seed: int) -> None:
    """Fill the shop and sell something; a shop that has goods stays as it is."""
    author = Author(session.actor, session.now(), f"demo-{seed}")
    clerk = Clerk(Reader(database), session.settings, author)
    write = partial(apply, session, database)
    if not clerk.reader.all(Item):
        write(_catalog(session, clerk))
        write(_received(clerk))
        _sell(write, clerk, Chance(seed))


def family(reader: Reader) -> tuple[int, list[Resident]]:
    """The VK account that sees most children, and these."""
    links = Counter(link.vk for link in reader.links())
    visitor = max(links, key=lambda vk: (links[vk], -vk), default=1)
    return visitor, reader.residents_of_visitor(visitor)


def _catalog(session: Session, clerk: Clerk) -> Plan:
    folder = session.settings.shop.pictures
    shutil.copytree(GOODS, folder, dirs_exist_ok=True)
    items, copies = read_goods(session, folder / CATALOG, folder)
    keep_copies(session.settings, copies)
    return load(clerk, items).plan


def _received(clerk: Clerk) -> Plan:
    changes: list[Change] = []
    for item in clerk.reader.all(Item):
        if item.tracked:
            day = clerk.today(item.branches) - timedelta(days=DAYS_OF_SALES)
            pieces = max(PIECES_MIN, COINS_OF_STOCK // item.price)
            keeper = _on_day(clerk, item.code, day)
            changes += move_stock(keeper, item, MoveKind.RECEIVE, pieces).plan.changes
    return propose_goods(clerk, changes).plan


def _on_day(clerk: Clerk, name: str | int, day: date) -> Clerk:
    """The clerk on another day, under a key of its own."""
    return replace(clerk, author=replace(clerk.author, key=f"{clerk.author.key}-{name}", day=day))


def _sell(write: Callable[[Plan], object], clerk: Clerk, chance: Chance) -> None:
    reader = clerk.reader
    pupils = [each for each in reader.residents() if each.presence is Presence.CLIENT]
    _, children = family(reader)
    count = max(SALES_MIN, len(pupils) // RESIDENTS_PER_SALE)
    for number in range(1, count + 1):
        days_ago = (count - number) * DAYS_OF_SALES // count
        candidates = children if number == count else pupils
        tried = chance.some(candidates, len(candidates), lambda buyer: buyer.id, "buyer", number)
        for buyer in tried:
            # Counted back from the buyer's own today: another branch's may be still to come there.
            day = clerk.today(buyer.branches) - timedelta(days=days_ago)
            goods = _affordable(reader, buyer, day)
            if goods:
                pick = Pick(chance.pick(goods, "goods", number), 1)
                write(sell(_on_day(clerk, number, day), [pick], [Buyer(buyer)]).plan)
                break


def _affordable(reader: Reader, buyer: Resident, day: date) -> list[Item]:
    """The goods that are there and that a buyer could have paid for on a day."""
    balance = reader.balance(buyer.id, day)
    goods = [item for item in shelf(reader).values() if item.is_sold_at(buyer.branches)]
    pieces = reader.stock(item.code for item in goods if item.tracked)
    return [each for each in goods if each.price <= balance and pieces.get(each.code) != 0]
