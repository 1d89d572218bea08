"""A fair: several tills at once, and more hands than pieces."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from coinsync.core.catalog import Item, MoveKind, SaleLine
from tests.house import House

TILLS, SALES_EACH = 3, 100
STOCK = 500
BUYERS = 6


@pytest.fixture
def fair(synced: House) -> tuple[House, list[int]]:
    """A school with a fair that is open, goods on the shelf, and buyers with enough coins."""
    buyers = sorted(synced.balances(), key=lambda one: -synced.balances()[one])[:BUYERS]
    for buyer in buyers:
        synced.ok("credit", f"#{buyer}", "500", "--reason", "for the fair", "--yes")
    synced.ok("catalog", "add", "badge", "--name", "Значок", "--price", "3", "--yes")
    synced.ok("catalog", "add", "sticker", "--name", "Наклейка", "--price", "1", "--untracked", "--yes")
    synced.ok("catalog", "stock", "receive", "badge", str(STOCK), "--yes")
    synced.ok("shop", "open", "fair", "--title", "Ярмарка", "--yes")
    return synced, buyers


def together(house: House, *calls: tuple[Sequence[str], str]) -> list[tuple[int, str]]:
    """Run commands at once, each in a process of its own and with what is typed; how each ended and what it said."""

    def run(words: Sequence[str], typed: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "cli", "--config", str(house.config), *words]
        done = subprocess.run(
            command, input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=240
        )
        return done.returncode, done.stdout.rstrip()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [one.result() for one in [pool.submit(run, *call) for call in calls]]


def test_three_tills_sell_three_hundred_times(fair: tuple[House, list[int]]) -> None:
    """No sale is lost, none is made twice, every check is clean, and the fair closes."""
    house, buyers = fair
    before = house.balances()
    typed = [
        "".join(
            f"{buyers[(sale + till) % BUYERS]}\n{'badge*2' if sale % 2 else 'badge sticker'}\ny\n"
            for sale in range(SALES_EACH)
        )
        for till in range(TILLS)
    ]
    coins = SALES_EACH // 2 * (6 + 4)
    for code, said in together(house, *((("till", "--event", "fair"), lines) for lines in typed)):
        assert code == 0
        assert said.endswith(f"{SALES_EACH} sales, {coins} coins"), said[-300:]
    with house.reader() as reader:
        sales = reader.sales(event="fair")
        lines = reader.recorded(SaleLine, [sale.id for sale in sales])
        left = reader.stock(item.code for item in reader.all(Item) if item.tracked)
        moved = Counter({one: coins - before[one] for one, coins in house.balances().items()})
    assert len(sales) == TILLS * SALES_EACH
    badges = sum(line.quantity for line in lines if line.item == "badge")
    assert left == {"badge": STOCK - badges}
    assert sum(moved.values()) == -sum(line.coins for line in lines)
    assert min(house.balances().values()) >= 0
    assert "300 sales" in house.ok("shop", "close", "fair", "--yes").out
    assert house.run("reconcile", "--quiet").code == 0
    assert house.run("sell", f"#{buyers[0]}", "badge", "--event", "fair", "--yes").code == 7


def test_ten_tills_want_the_last_piece(fair: tuple[House, list[int]]) -> None:
    """One gets it, nine are told that nothing is left, exit 7; stock is at nothing and not below."""
    house, buyers = fair
    house.ok("catalog", "stock", "count", "badge", "1", "--yes")
    hands = [(("sell", f"#{buyers[at % BUYERS]}", "badge", "--yes"), "") for at in range(10)]
    codes = Counter(code for code, _ in together(house, *hands))
    assert codes == {0: 1, 7: 9}
    with house.reader() as reader:
        assert reader.stock(["badge"]) == {"badge": 0}
        assert [move.quantity for _, move in reader.stock_moves(item="badge") if move.kind is MoveKind.SALE] == [-1]
    assert house.run("reconcile", "--quiet").code == 0
