"""A shop for a test.

Invented goods on a real database, and what staff do with them, planned and written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import cli
from coinsync import config
from coinsync.config import Settings
from coinsync.core.catalog import Item, MoveKind, Pick, StockMove
from coinsync.core.ledger import Receipt
from coinsync.core.plan import Plan, Post, Purpose, Put, Stock
from coinsync.core.proposal import Author, Proposal
from coinsync.core.shop_report import ShopReport
from coinsync.desk import catalog, fairs, shop
from coinsync.desk.gather import Clerk
from coinsync.environment import no_probe
from coinsync.lookup.residents import find_resident, residents_of
from coinsync.lookup.shop import find_item, find_sale, report
from coinsync.store import writer
from coinsync.store.reader import Reader
from tests.support.makers import (
    ACCOUNT,
    ADA,
    DAY,
    GLEB,
    MORNING,
    a_credit,
    a_plan,
    a_resident,
    environment,
    new_database,
    order,
    reading,
    writing,
)
from tests.support.school import Installation

#: The day of ``MORNING`` at the school; a third resident, who learns in the other branch alone.
TODAY = date(2026, 11, 22)
MIRA, OMSK = 103, 2
ACTOR = "anna"
NAMES = {ADA: "Ада М.", GLEB: "Глеб С.", MIRA: "Мира К."}
PURSES = {ADA: 100, GLEB: 50, MIRA: 5}

_RUNS = count(1)


def an_item(
    code: str = "mug",
    price: int = 30,
    *,
    name: str = "",
    branches: tuple[int, ...] = (),
    place: int = 1,
    shown: bool = True,
    tracked: bool = True,
    archived: bool = False,
) -> Item:
    """Goods whose stock is counted, for all branches, unless said otherwise."""
    named = name or f"Вещь {code}"
    return Item(
        code,
        named,
        f"Thing {code}",
        "",
        "",
        "",
        "",
        price,
        branches,
        "",
        place,
        shown,
        tracked,
        archived,
    )


def a_move(
    key: str = "stock:in",
    item: str = "mug",
    quantity: int = 5,
    kind: MoveKind = MoveKind.RECEIVE,
    *,
    on: date = DAY,
    sale: str = "",
) -> StockMove:
    """Five mugs that came in, unless said otherwise."""
    return StockMove(key, item, quantity, kind, on, ACTOR, "", sale)


@cache
def settings() -> Settings:
    """The configuration of a school with branches in Moscow's zone and in Omsk's."""
    values = {
        "alfacrm.account": ACCOUNT,
        "branch": [{"id": 1, "zone": "Europe/Moscow"}, {"id": OMSK, "zone": "Asia/Omsk"}],
        "rule": [{"name": "group", "coins": 10, "types": [2], "since": date(2026, 1, 1)}],
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_text(config.example(values), encoding="utf-8")
        return config.load(path)


def changed_catalog(reader: Reader, item: Item, author: Author) -> Proposal:
    """Plan the shop's goods as they are, with one of them added or changed."""
    items = {known.code: known for known in reader.all(Item) if not known.archived}
    items[item.code] = item
    return catalog.load(Clerk(reader, settings(), author), list(items.values()))


@dataclass
class Shop:
    """The shop of a small school.

    Everything is decided as by the commands, and written by the one writer.
    """

    url: str
    now: datetime = MORNING
    keys: count[int] = field(default_factory=lambda: count(1))

    def author(self, key: str = "", day: date | None = None, actor: str = ACTOR) -> Author:
        """A clerk's hand with a fresh key, unless one is given."""
        return Author(actor, self.now, key or f"k{next(self.keys)}", day)

    def plan(self, decide: Callable[[Reader], Proposal]) -> Proposal:
        """Decide on a snapshot, write nothing."""
        with reading(self.url) as reader:
            return decide(reader)

    def write(self, plan: Plan, probe: Callable[[str], None] = no_probe) -> Receipt:
        """Apply one plan under a run id of its own."""
        around = environment(now=self.now, name=f"shop-{next(_RUNS)}", probe=probe)
        with writing(self.url) as database:
            return writer.apply(database, plan, order(), around)

    def do(self, proposal: Proposal) -> Proposal:
        """Write what was decided, if there is anything to be written."""
        if proposal.plan:
            self.write(proposal.plan)
        return proposal

    # --- what staff do ------------------------------------------------------------------------

    def selling(
        self,
        goods: Mapping[str, int] | Sequence[Pick],
        *buyers: int | tuple[int, int | None],
        key: str = "",
        day: date | None = None,
        event: str = "",
        note: str = "",
        prices: Mapping[str, int] | None = None,
        actor: str = ACTOR,
    ) -> Proposal:
        """Decide on a sale: goods by code, buyers by card, each perhaps with his part."""

        def decide(reader: Reader) -> Proposal:
            if isinstance(goods, Mapping):
                given = prices or {}
                picks = [
                    Pick(find_item(reader, code), many, given.get(code))
                    for code, many in goods.items()
                ]
            else:
                picks = list(goods)
            parts = [one if isinstance(one, tuple) else (one, None) for one in buyers or (ADA,)]
            people = [shop.Buyer(find_resident(reader, f"#{who}"), coins) for who, coins in parts]
            by = self.author(key, day, actor)
            return shop.sell(Clerk(reader, settings(), by), picks, people, event=event, note=note)

        return self.plan(decide)

    def sell(
        self, goods: Mapping[str, int], *buyers: int | tuple[int, int | None], **more: object
    ) -> str:
        """Sell; the key of the sale."""
        return self.do(self.selling(goods, *buyers, **more)).key  # type: ignore[arg-type]

    def refunding(
        self,
        sale: str,
        *lines: int,
        note: str = "broken",
        day: date | None = None,
        actor: str = ACTOR,
    ) -> Proposal:
        """Decide on a refund."""
        return self.plan(
            lambda reader: shop.refund(
                Clerk(reader, settings(), self.author("", day, actor)),
                find_sale(reader, sale),
                lines,
                note=note,
            )
        )

    def refund(self, sale: str, *lines: int) -> Proposal:
        """Take a sale back, or lines of it."""
        return self.do(self.refunding(sale, *lines))

    def move(self, code: str, kind: MoveKind, pieces: int, *, key: str = "") -> Proposal:
        """Receive, write off or count."""
        by = self.author(key, TODAY)
        return self.do(
            self.plan(
                lambda reader: catalog.move_stock(
                    Clerk(reader, settings(), by), find_item(reader, code), kind, pieces
                )
            )
        )

    def put(self, item: Item) -> Proposal:
        """Add or change goods."""
        return self.do(self.plan(lambda reader: changed_catalog(reader, item, self.author())))

    def open_fair(self, code: str = "fair") -> Proposal:
        """Open a fair."""
        return self.do(
            self.plan(
                lambda reader: fairs.open_fair(
                    Clerk(reader, settings(), self.author()), code, "Ярмарка"
                )
            )
        )

    def closing(self, code: str = "fair") -> Proposal:
        """Decide on closing a fair."""

        def decide(reader: Reader) -> Proposal:
            return fairs.close_fair(
                Clerk(reader, settings(), self.author()),
                fairs.find_fair(reader, code),
                report_of_fair(reader, code),
            )

        return self.plan(decide)

    # --- what there is ------------------------------------------------------------------------

    def balances(self) -> dict[int, int]:
        """Coins of everybody."""
        with reading(self.url) as reader:
            return reader.balances(reader.resident_ids())

    def left(self) -> dict[str, int]:
        """Pieces of everything that is counted."""
        with reading(self.url) as reader:
            return reader.stock(item.code for item in reader.all(Item) if item.tracked)


def report_of_fair(reader: Reader, code: str = "fair") -> ShopReport:
    """All of a fair."""
    everybody, zone_of = residents_of(reader, None), settings().profile.zone_of
    return report(reader, everybody, fair=fairs.find_fair(reader, code), zone_of=zone_of)


def a_shop(
    folder: Path,
    *goods: Item,
    stock: Mapping[str, int] | None = None,
    purses: Mapping[int, int] | None = None,
) -> Shop:
    """A shop with Ada (100 coins), Gleb (50), Mira (5), and five pieces of its goods."""
    made = Shop(new_database(folder))
    goods = goods or (an_item(), an_item("pen", 7), an_item("lesson", 20, tracked=False))
    pieces = {item.code: 5 for item in goods if item.tracked} if stock is None else stock
    people = [
        Put(a_resident(id, name, branches=(OMSK,) if id == MIRA else (1,)))
        for id, name in sorted(NAMES.items())
    ]
    coins = [Post(a_credit(f"purse-{id}", id, coins)) for id, coins in (purses or PURSES).items()]
    made.write(a_plan(*people, *coins))
    moves = [
        Stock(a_move(f"stock:first-{code}", code, many)) for code, many in pieces.items() if many
    ]
    made.write(a_plan(*map(Put, goods), *moves, purpose=Purpose.CATALOG))
    return made


def fill(
    installation: Installation, goods: Mapping[Item, int], purses: Mapping[int, int] | None = None
) -> None:
    """Put goods with their stock into a shop, and coins on residents' accounts, in one plan."""
    now = cli.utc_now()
    moves = [
        Stock(a_move(f"stock:first-{item.code}", item.code, pieces))
        for item, pieces in goods.items()
        if pieces
    ]
    coins = [Post(a_credit(f"purse-{id}", id, coins)) for id, coins in (purses or {}).items()]
    with writing(installation.url) as database:
        writer.apply(
            database,
            a_plan(*map(Put, goods), *moves, *coins),
            writer.Order("anna", "test", now),
            environment(now=now, name=f"fill-{next(_RUNS)}"),
        )
