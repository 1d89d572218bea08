"""Sales by four tills at once, each as the till makes them, against bare transactions."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

from bench.environment import environment
from bench.pairs import ROUNDS, ratio
from bench.places import Place, places
from coinsync import config
from coinsync.config import Settings
from coinsync.core.catalog import Item, MoveKind, Pick, StockMove
from coinsync.core.facts import Presence, Resident
from coinsync.core.ledger import Entry, Kind
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Stock
from coinsync.core.proposal import Author, scope_of
from coinsync.desk import shop
from coinsync.desk.gather import Clerk
from coinsync.environment import Environment
from coinsync.store import database, writer
from coinsync.store.reader import Reader

TILLS, SALES = 4, 50
BUYERS = range(1, TILLS + 1)
NOW, DAY = datetime(2026, 12, 20, 12, tzinfo=UTC), date(2026, 12, 20)
ITEM = Item("mug", "Кружка", "Mug", "", "", "", "", 3, (), "", 1, shown=True, tracked=True)
ORDER = writer.Order("bench", "bench", NOW)
#: What one sale writes, apart from the head that it changes.
TABLES = ("sale", "sale_line", "entry", "note", "stock_move", "run")

#: Rates of 0.6 and 0.5 of the floor. A sale asks twice as much as it writes, and to a server every
#: question is a journey.
GOALS = {"": 1 / 0.6, "MariaDB: ": 1 / 0.5}

Rows = dict[str, list[tuple[object, ...]]]


def environment_of(till: int) -> Environment:
    """Numbers of this till alone, and no pauses."""
    numbers = count(1)
    return environment(NOW, lambda: f"{till:016x}{next(numbers):016x}")


def settings(folder: Path) -> Settings:
    """The configuration of a school with one branch."""
    path = folder / "config.toml"
    values = {"alfacrm.account": "bench", "branch": [{"id": 1, "zone": "Europe/Moscow"}]}
    path.write_text(config.example(values), encoding="utf-8")
    return config.load(path)


def new_shop(place: Place) -> str:
    """The URL of a fresh shop with enough of everything."""
    url = place.new()
    changes: list[Change] = []
    for id in BUYERS:
        coins = Entry(f"desk:{id}", 1, id, 10**6, Kind.CREDIT, DAY, "by_hand", "bench")
        changes += [Put(Resident(id, f"Buyer {id}", Presence.CLIENT, (1,))), Post(coins)]
    received = StockMove("stock:first", "mug", 10**6, MoveKind.RECEIVE, DAY, "bench")
    changes += [Put(ITEM), Stock(received)]
    plan = Plan.of(Purpose.DESK, scope_of(DAY), changes)
    opened = database.open_writable(url)
    writer.apply(opened, plan, ORDER, environment_of(0))
    opened.close()
    return url


def sell(url: str, school: Settings, till: int) -> None:
    """All sales of one till, on its connection."""
    here = environment_of(till)
    buyer = shop.Buyer(Resident(till, f"Buyer {till}", Presence.CLIENT, (1,)))
    connection = database.PooledConnection(url, wait_seconds=30)
    for number in range(SALES):
        with connection.use() as opened:
            author = Author("bench", NOW, f"{till}-{number}")
            proposal = shop.sell(Clerk(Reader(opened), school, author), [Pick(ITEM, 1)], [buyer])
            writer.apply(opened, proposal.plan, ORDER, here)
    connection.close()


def rows_of(place: Place, sold: str) -> Rows:
    """What a shop's sales wrote, table by table."""
    rows: Rows = {}
    with closing(place.connect(sold)) as connection:
        cursor = connection.cursor()
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table}")
            # Before the sales a shop has received goods and given coins.
            rows[table] = list(cursor.fetchall())[-TILLS * SALES :]
    return rows


def insert(place: Place, url: str, rows: Rows, till: int) -> None:
    """The rows of as many sales by the driver alone, each sale in one transaction."""
    with closing(place.connect(url)) as connection:
        cursor = connection.cursor()
        for number in range((till - 1) * SALES, till * SALES):
            cursor.execute(place.begin)
            cursor.execute("UPDATE head SET n = n + 1, stock = stock + 1, runs = runs + 1")
            for table, content in rows.items():
                row = content[number]
                cursor.execute(f"INSERT INTO {table} VALUES ({place.marks(len(row))})", row)
            cursor.execute("COMMIT")


def at_once(work: Callable[[int], None]) -> None:
    """Four tills, each in a process of its own."""
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=work, args=(till,)) for till in BUYERS]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
        if process.exitcode != 0:
            raise SystemExit(f"a till ended with {process.exitcode}")


def measure(place: Place, school: Settings) -> None:
    """Print the line of one engine."""
    first = new_shop(place)
    at_once(lambda till: sell(first, school, till))
    rows = rows_of(place, first)
    ready = [new_shop(place) for _ in range(2 * ROUNDS)]

    def ours() -> None:
        url = ready.pop()
        at_once(lambda till: sell(url, school, till))

    def floor() -> None:
        url = ready.pop()
        at_once(lambda till: insert(place, url, rows, till))

    name = f"15 {place.prefix}{TILLS * SALES} sales by {TILLS} tills : bare transactions"
    ratio(name, GOALS[place.prefix], ours, floor)


def main() -> None:
    """Print the lines."""
    with tempfile.TemporaryDirectory() as folder, places(Path(folder)) as engines:
        school = settings(Path(folder))
        for place in engines:
            measure(place, school)


if __name__ == "__main__":
    main()
