"""The shop in the database.

A floor under the stock, sales and moves that only grow, and numbers without gaps.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import peewee
import pytest

from coinsync.core.catalog import Event, MoveKind, RefundLine, Sale, SaleLine, StockMove
from coinsync.core.ledger import Entry, KeyState, Kind
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Stock
from coinsync.errors import CoinsyncError, NotEnoughCoins, OutOfStock, StalePlan
from coinsync.store import database as opening
from coinsync.store import writer
from coinsync.store.reader import Reader
from tests.support import chain, engines
from tests.support.goods import TODAY, Shop, a_move, a_shop, an_item
from tests.support.makers import (
    ADA,
    DAY,
    GLEB,
    MONTH,
    a_plan,
    dump,
    environment,
    newcomers,
    order,
    reading,
    writing,
)

ENGINES = engines.BOTH


@pytest.fixture
def at(tmp_path: Path) -> Shop:
    """Five mugs, five pens, and a lesson whose stock nobody counts."""
    return a_shop(tmp_path)


def refused(at: Shop, kind: type[CoinsyncError], *changes: Change) -> str:
    """Apply a plan that must be refused.

    Nothing may have changed, the numbers of the head included.
    """
    before = dump(at.url)
    with pytest.raises(kind) as caught:
        at.write(a_plan(*changes, purpose=Purpose.SALE))
    assert dump(at.url) == before
    return caught.value.message


def moves(url: str) -> list[tuple[int, StockMove]]:
    """All moves with their numbers."""
    with reading(url) as reader:
        return reader.stock_moves()


# --- stock ----------------------------------------------------------------------------------------


def test_moves_are_numbered_without_gaps(at: Shop) -> None:
    """Whatever else is written in between, and however many a plan has.

    The head says how far they go.
    """
    at.write(
        a_plan(Stock(a_move("b", "pen", 1)), Stock(a_move("a", "mug", -1, MoveKind.WRITE_OFF)))
    )
    at.write(newcomers(201))
    refused(at, OutOfStock, Stock(a_move("c", "mug", -9)))
    at.sell({"mug": 1, "pen": 1})
    found = moves(at.url)
    assert [n for n, _ in found] == [1, 2, 3, 4, 5, 6]
    assert [move.key for _, move in found[2:4]] == ["a", "b"]
    with reading(at.url) as reader:
        assert (reader.head().stock, reader.head().n) == (6, 4)


def test_a_move_is_kept_with_all_its_parts(at: Shop) -> None:
    """As it was planned, with the run that wrote it."""
    move = StockMove("stock:k", "mug", -2, MoveKind.WRITE_OFF, DAY, "boris", "упала", "")
    receipt = at.write(a_plan(Stock(move)))
    assert moves(at.url)[-1] == (3, move)
    assert (receipt.facts, receipt.coins) == (0, 0)
    with engines.tampering(at.url) as connection:
        run = connection.execute("SELECT run_id, posted_at FROM stock_move WHERE n = 3").fetchone()
    assert run == (receipt.run, receipt.posted_at)


def test_stock_never_falls_below_nothing(at: Shop) -> None:
    """To the last piece, and not one more; what comes in with the same plan counts."""
    assert (
        refused(at, OutOfStock, Stock(a_move("k", "mug", -6)))
        == "mug: 5 left, 6 needed; nothing written"
    )
    refused(at, OutOfStock, Stock(a_move("k", "mug", -3)), Stock(a_move("l", "mug", -3)))
    at.write(a_plan(Stock(a_move("k", "mug", -6)), Stock(a_move("l", "mug", 1))))
    assert at.left()["mug"] == 0
    refused(at, OutOfStock, Stock(a_move("m", "mug", -1)))


def test_one_item_does_not_lend_to_another(at: Shop) -> None:
    """Each by itself."""
    refused(at, OutOfStock, Stock(a_move("k", "mug", -6)), Stock(a_move("l", "pen", 9)))


def test_stock_that_was_damaged_may_still_be_filled(at: Shop) -> None:
    """What comes in is never refused."""
    with writing(at.url) as database:
        database.execute_sql(
            "INSERT INTO stock_move SELECT 9, 'x', item_code, -9, kind, happened_on, actor, '',"
            " sale_id, run_id, posted_at FROM stock_move WHERE n = 1"
        )
    with reading(at.url) as reader:
        code = min(reader.stock(["mug", "pen"]).items(), key=lambda one: one[1])[0]
    with pytest.raises(OutOfStock):
        at.write(a_plan(Stock(a_move("k", code, -1))))
    at.write(a_plan(Stock(a_move("k", code, 4))))
    assert at.left()[code] == 0


def test_a_key_moves_stock_once(at: Shop) -> None:
    """A repeat makes the plan stale, so that whoever repeats looks again."""
    at.write(a_plan(Stock(a_move("stock:k"))))
    assert (
        refused(at, StalePlan, Stock(a_move("stock:k")))
        == "plan is stale: stock:k was recorded meanwhile"
    )


def test_a_move_that_hangs_on_what_was_there_is_stale_after_a_sale(at: Shop) -> None:
    """A count that was made before it says nothing any more."""
    at.write(a_plan(Stock(a_move("k", "mug", 1), 5)))
    assert (
        refused(at, StalePlan, Stock(a_move("l", "mug", 1), 5))
        == "plan is stale: mug was sold or moved meanwhile"
    )


def test_goods_that_are_not_there_do_not_move(at: Shop) -> None:
    """The database itself refuses."""
    refused(at, CoinsyncError, Stock(a_move("k", "nothing")))


def test_ten_writers_race_for_the_last_piece(at: Shop) -> None:
    """One gets it, nine are told that none is left, and the numbers have no gap."""
    at.move("mug", MoveKind.WRITE_OFF, 4)
    plans = [
        at.selling({"mug": 1}, GLEB, key=f"race-{n}", prices={"mug": 1}, note="x").plan
        for n in range(10)
    ]
    start, said = Barrier(len(plans)), []

    def race(n: int, plan: Plan) -> None:
        with writing(at.url) as database:
            start.wait(timeout=30)
            try:
                writer.apply(database, plan, order(), environment(name=f"race-{n}"))
                said.append("sold")
            except OutOfStock as error:
                said.append(error.message)

    threads = [Thread(target=race, args=one) for one in enumerate(plans)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(said) == ["mug: 0 left, 1 needed; nothing written"] * 9 + ["sold"]
    assert (at.left()["mug"], at.balances()[GLEB]) == (0, 49)
    assert [n for n, _ in moves(at.url)] == [1, 2, 3, 4]


# --- what a sale relies on ------------------------------------------------------------------------


def a_sale(id: str = "s1", *, price: int = 30, event: str = "") -> list[Change]:
    """The parts of a sale of one mug to Ada."""
    entry = Entry(f"sale:{id}:{ADA}", 1, ADA, -price, Kind.SALE, TODAY, "bought", "anna")
    return [
        Put(Sale(id, TODAY, event, "anna")),
        Put(SaleLine(id, 1, "mug", "Кружка", "Mug", 1, price, price)),
        Put(an_item(), an_item()),
        Stock(a_move(f"sale:{id}:mug", "mug", -1, MoveKind.SALE, on=TODAY, sale=id)),
        Post(entry),
    ]


def test_goods_that_a_plan_relies_on_are_not_written(at: Shop) -> None:
    """They are compared, and that is all."""
    receipt = at.write(a_plan(*a_sale()))
    assert receipt.facts == 2


@pytest.mark.parametrize(
    "changed",
    [an_item(price=31), an_item(name="Ваза"), an_item(archived=True), an_item(tracked=False)],
)
def test_goods_that_changed_make_a_plan_stale(at: Shop, changed: Any) -> None:
    """Price, name, whatever it is."""
    at.write(a_plan(Put(changed, an_item())))
    assert refused(at, StalePlan, *a_sale()) == "plan is stale: item mug moved"


def test_a_fair_that_closed_makes_a_plan_stale(at: Shop) -> None:
    """Nothing is booked to what is settled."""
    fair = Event("fair", "Ярмарка", DAY)
    at.write(a_plan(Put(fair)))
    at.write(a_plan(Put(replace(fair, closed_on=TODAY, closed_by="anna"), fair)))
    said = refused(at, StalePlan, *a_sale(event="fair"), Put(fair, fair))
    assert said == "plan is stale: event fair moved"


@pytest.mark.parametrize(
    "fact",
    [
        Sale("s1", TODAY, "", "anna"),
        SaleLine("s1", 1, "mug", "Кружка", "Mug", 1, 30, 30),
        RefundLine("s1", 1, TODAY, "anna"),
    ],
)
def test_what_is_done_once_is_stale_the_second_time(at: Shop, fact: Any) -> None:
    """Though it stands there exactly as wanted.

    It is somebody else's doing, and the rest of the plan is not for it.
    """
    at.write(a_plan(*a_sale(), Put(RefundLine("s1", 1, TODAY, "anna"))))
    assert "moved" in refused(at, StalePlan, Put(fact))


def test_a_sale_whose_buyer_has_too_little_is_refused_under_the_lock(at: Shop) -> None:
    """With the stock unmoved."""
    assert "has 100 coins, 101 needed" in refused(at, NotEnoughCoins, *a_sale(price=101))


def test_a_basis_that_moved_makes_a_refund_stale(at: Shop) -> None:
    """Keys of other lines are part of it."""
    at.write(a_plan(*a_sale()))
    back = Entry(f"refund:s1:1:{ADA}", 1, ADA, 30, Kind.REFUND, TODAY, "returned", "anna")
    at.write(a_plan(Post(back)))
    plan = Plan.of(
        Purpose.SALE, MONTH, [Put(RefundLine("s1", 2, TODAY, "anna"))], basis=[KeyState(back.key)]
    )
    before = dump(at.url)
    with pytest.raises(StalePlan):
        at.write(plan)
    assert dump(at.url) == before


def test_a_sale_without_coins_and_stock_is_in_the_chain(at: Shop) -> None:
    """A gift of goods that nobody counts has no entry and no move that would name its run."""
    sale = Sale("gift", DAY, "", "anna")
    line = SaleLine("gift", 1, "mug", "Кружка", "Mug", 1, 0, 10)
    receipt = at.write(a_plan(Put(sale), Put(line)))
    with engines.unguarded(at.url) as connection:
        assert chain.breaks(connection) == []
        connection.execute("UPDATE sale_line SET quantity = 5 WHERE sale_id = 'gift'")
        assert chain.breaks(connection) == [receipt.run]


# --- guards ---------------------------------------------------------------------------------------

ROWS: dict[str, Sequence[Any]] = {
    "sale": ("s1", "2026-11-22", "", "eve", 1),
    "sale_line": ("s1", 1, "mug", "Кружка", "Mug", 1, 1, 1, 1),
    "refund_line": ("s1", 1, "2026-11-22", "eve", 1),
    "stock_move": (
        1,
        "new",
        "mug",
        50,
        "receive",
        "2026-11-22",
        "eve",
        "",
        "",
        1,
        "2026-11-22T02:00:07Z",
    ),
}
#: Columns whose value an intruder would like to change.
LOOT = {
    "sale": "event = 'x'",
    "sale_line": "price = 1",
    "refund_line": "actor = 'x'",
    "stock_move": "quantity = 50",
}


def tampering() -> list[tuple[str, Sequence[Any]]]:
    """Every way to change or remove a row, for each table that only grows."""
    found: list[tuple[str, Sequence[Any]]] = []
    for table, row in ROWS.items():
        marks = ", ".join("?" * len(row))
        key = "sale_id, line" if table.endswith("_line") else "n" if table == "stock_move" else "id"
        found += [
            (f"UPDATE {table} SET {LOOT[table]}", ()),
            (f"UPDATE OR REPLACE {table} SET {LOOT[table]}", ()),
            (f"DELETE FROM {table}", ()),
            (f"REPLACE INTO {table} VALUES ({marks})", row),
            (f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row),
            (
                f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT({key})"
                f" DO UPDATE SET {LOOT[table]}",
                row,
            ),
        ]
    again = (77, "sale:s1:mug", *ROWS["stock_move"][2:])
    return [*found, (f"REPLACE INTO stock_move VALUES ({', '.join('?' * len(again))})", again)]


@pytest.fixture
def sold(at: Shop) -> Shop:
    """A sale that was taken back."""
    at.sell({"mug": 1}, key="s1")
    at.refund("s1")
    return at


@pytest.mark.parametrize(("sql", "values"), tampering())
def test_the_database_itself_keeps_what_was_sold(
    sold: Shop, sql: str, values: Sequence[Any]
) -> None:
    """On our connection and on any other: rows are added, and neither changed nor removed."""
    before = dump(sold.url)
    for whose in (sold.url, engines.as_owner(sold.url)):
        refusal = (
            "append-only" if engines.on_sqlite(whose) or whose != sold.url else "command denied"
        )
        with writing(whose) as database, pytest.raises(peewee.PeeweeException, match=refusal):
            engines.tampered(database, sql, values)
    if engines.on_sqlite(sold.url):
        with closing(sqlite3.connect(opening.path_of(sold.url))) as connection:
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(sql, values)
            connection.rollback()
    assert dump(sold.url) == before


@pytest.mark.parametrize("quantity", [0, 1.5, "many", None])
def test_the_database_takes_whole_pieces_alone(sold: Shop, quantity: Any) -> None:
    """Neither fractions nor nothing; MariaDB would round half a piece, which no plan holds."""
    if quantity == 1.5 and not engines.on_sqlite(sold.url):
        quantity = 0.4
    row = [77, "key", "mug", quantity, *ROWS["stock_move"][4:]]
    with writing(sold.url) as database, pytest.raises(peewee.PeeweeException):
        engines.tampered(
            database, f"INSERT INTO stock_move VALUES ({', '.join('?' * len(row))})", row
        )


def test_right_rows_are_taken(sold: Shop) -> None:
    """The refusals above are not for want of right rows."""
    rows = {
        "sale": ("s9", *ROWS["sale"][1:]),
        "sale_line": ("s9", *ROWS["sale_line"][1:]),
        "refund_line": ("s9", *ROWS["refund_line"][1:]),
        "stock_move": (77, *ROWS["stock_move"][1:]),
    }
    with writing(sold.url) as database:
        for table, row in rows.items():
            engines.tampered(
                database, f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row
            )
        assert Reader(database).stock(["mug"]) == {"mug": 55}


def test_a_line_belongs_to_a_sale_and_to_goods(at: Shop) -> None:
    """The database itself refuses orphans."""
    refused(at, CoinsyncError, Put(SaleLine("s9", 1, "mug", "", "", 1, 1, 1)))
    at.write(a_plan(*a_sale()))
    refused(at, CoinsyncError, Put(SaleLine("s1", 2, "nothing", "", "", 1, 1, 1)))
    refused(at, CoinsyncError, Put(RefundLine("s9", 1, TODAY, "anna")))
