"""Sales by four tills at once, each as the till makes them, against bare transactions of as many rows."""

from __future__ import annotations

import multiprocessing
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

from bench.environment import environment
from bench.pairs import ratio
from coinsync import config
from coinsync.core.catalog import Item, MoveKind, Pick, StockMove
from coinsync.core.facts import Presence, Resident
from coinsync.core.ledger import Entry, Kind
from coinsync.core.plan import Plan, Post, Purpose, Put, Stock
from coinsync.core.proposal import Author, scope_of
from coinsync.desk import shop
from coinsync.environment import Environment
from coinsync.store import database, writer
from coinsync.store.reader import Reader

TILLS, SALES = 4, 50
BUYERS = range(1, TILLS + 1)
NOW, DAY = datetime(2026, 12, 20, 12, tzinfo=UTC), date(2026, 12, 20)
ITEM = Item("mug", "Кружка", "Mug", "", "", "", "", 3, (), "", 1, shown=True, tracked=True)
#: What one sale writes, apart from the head that it changes.
TABLES = ("sale", "sale_line", "entry", "note", "stock_move", "run")


def around(till: int) -> Environment:
    """Numbers of this till alone, and no pauses of ours."""
    numbers = count(1)
    return environment(NOW, lambda: f"{till:016x}{next(numbers):016x}")


def order() -> writer.Order:
    """A clerk's."""
    return writer.Order("bench", "bench", NOW)


class Fair:
    """Shops in a folder, each with enough of everything."""

    def __init__(self, folder: Path) -> None:
        path = folder / "config.toml"
        values = {"alfacrm.account": "bench", "branch": [{"id": 1, "zone": "Europe/Moscow"}]}
        path.write_text(config.example(values), encoding="utf-8")
        self.settings = config.load(path)
        self._folder, self._numbers = folder, count(1)

    def shops(self) -> Iterator[str]:
        """Fresh shops, one after the other."""
        while True:
            url = f"sqlite:///{self._folder / f'{next(self._numbers)}.db'}"
            database.create(url)
            people = [Put(Resident(id, f"Buyer {id}", Presence.CLIENT, (1,))) for id in BUYERS]
            purse = [
                Post(Entry(f"desk:{id}", 1, id, 10**6, Kind.CREDIT, DAY, "by_hand", "bench"))
                for id in BUYERS
            ]
            stock = Stock(StockMove("stock:first", "mug", 10**6, MoveKind.RECEIVE, DAY, "bench"))
            opened = database.open_writable(url)
            writer.apply(
                opened,
                Plan.of(Purpose.DESK, scope_of(DAY), [*people, *purse, Put(ITEM), stock]),
                order(),
                around(0),
            )
            opened.close()
            yield url

    def sell(self, url: str, till: int) -> None:
        """All sales of one till, on its connection."""
        places = around(till)
        buyer = Resident(till, f"Buyer {till}", Presence.CLIENT, (1,))
        connection = database.PooledConnection(url, wait_seconds=30)
        for number in range(SALES):
            with connection.use() as opened:
                by = Author("bench", NOW, f"{till}-{number}")
                proposal = shop.sell(
                    Reader(opened), self.settings, [Pick(ITEM, 1)], [shop.Buyer(buyer)], by
                )
                writer.apply(opened, proposal.plan, order(), places)
        connection.close()


def rows_of(filled: str) -> dict[str, list[tuple[object, ...]]]:
    """What a shop's sales wrote, table by table, by the number of the sale."""
    with sqlite3.connect(database.path_of(filled)) as source:
        found = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
    source.close()
    return {table: rows[-TILLS * SALES :] for table, rows in found.items()}


def insert(url: str, till: int, rows: dict[str, list[tuple[object, ...]]]) -> None:
    """The rows of as many sales by the driver alone, each sale in one transaction, to the disk as ours."""
    target = sqlite3.connect(database.path_of(url), isolation_level=None, timeout=30)
    target.execute("PRAGMA synchronous = FULL")
    for number in range((till - 1) * SALES, till * SALES):
        target.execute("BEGIN IMMEDIATE")
        target.execute("UPDATE head SET n = n + 1, stock = stock + 1, runs = runs + 1")
        for table, content in rows.items():
            row = content[number]
            target.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        target.execute("COMMIT")
    target.close()


def at_once(work: Callable[[int], None]) -> None:
    """Four tills, each in a process of its own."""
    tills = [
        multiprocessing.get_context("fork").Process(target=work, args=(till,)) for till in BUYERS
    ]
    for till in tills:
        till.start()
    for till in tills:
        till.join(300)
        if till.exitcode != 0:
            raise SystemExit(f"a till ended with {till.exitcode}")


def main() -> None:
    """Print the line."""
    with tempfile.TemporaryDirectory() as folder:
        fair = Fair(Path(folder))
        fresh = fair.shops()
        first = next(fresh)
        at_once(lambda till: fair.sell(first, till))
        rows = rows_of(first)
        ready = [next(fresh) for _ in range(10)]

        def ours() -> None:
            url = ready.pop()
            at_once(lambda till: fair.sell(url, till))

        def floor() -> None:
            url = ready.pop()
            at_once(lambda till: insert(url, till, rows))

        ratio(f"{TILLS * SALES} sales by {TILLS} tills : bare transactions", 2.0, ours, floor)


if __name__ == "__main__":
    main()
