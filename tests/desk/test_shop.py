"""The shop on a real database.

What a sale, a refund and a fair do to coins, stock and lines, and what they refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coinsync.core.catalog import Event, Item, MoveKind, Pick, RefundLine, Sale, SaleLine
from coinsync.core.facts import Merge, Presence
from coinsync.core.ledger import Entry, Kind
from coinsync.core.plan import Plan, Post, Purpose, Put, Stock
from coinsync.core.proposal import Proposal
from coinsync.core.shop_report import ShopReport
from coinsync.desk import catalog
from coinsync.desk.gather import Clerk
from coinsync.errors import (
    AlreadyReversed,
    Ambiguous,
    CoinPolicy,
    CoinsyncError,
    EventClosed,
    NotEnoughCoins,
    NotFound,
    OutOfStock,
    PostedOtherwise,
    StalePlan,
    UsageError,
)
from coinsync.lookup.shop import find_item, purchases, report, shelf
from tests.support import engines
from tests.support.goods import (
    MIRA,
    OMSK,
    TODAY,
    Shop,
    a_move,
    a_shop,
    an_item,
    report_of_fair,
    settings,
)
from tests.support.makers import ADA, DAY, GLEB, a_plan, a_resident, dump, entries_of, reading

ENGINES = engines.BOTH

TOMORROW = TODAY + timedelta(1)


@pytest.fixture
def at(tmp_path: Path) -> Shop:
    """Five mugs at 30, five pens at 7, and a lesson at 20 whose stock nobody counts."""
    return a_shop(tmp_path)


def refused(
    at: Shop, kind: type[CoinsyncError], work: Callable[..., object], *words: Any, **more: Any
) -> str:
    """Do what must be refused; nothing may have been written. What was said."""
    before = dump(at.url)
    with pytest.raises(kind) as caught:
        work(*words, **more)
    assert dump(at.url) == before
    return caught.value.message


def entries(at: Shop, kind: Kind) -> list[Entry]:
    """The ledger's entries of a kind."""
    with reading(at.url) as reader:
        return [posted.entry for posted in entries_of(reader) if posted.entry.kind is kind]


def lines(at: Shop, sale: str) -> list[SaleLine]:
    """The lines of a sale."""
    with reading(at.url) as reader:
        return reader.recorded(SaleLine, [sale])


# --- selling ----------------------------------------------------------------------------------


class TestSell:
    """One plan: debits, stock, lines."""

    def test_coins_stock_and_lines_move_together(self, at: Shop) -> None:
        """The receipt's coins, the pieces and the line say the same."""
        proposal = at.do(at.selling({"mug": 2}, ADA, key="s1"))
        assert proposal.words == ("sale s1",)
        assert (at.balances()[ADA], at.left()) == (40, {"mug": 3, "pen": 5})
        [entry] = entries(at, Kind.SALE)
        assert (entry.key, entry.coins, entry.happened_on, entry.reason) == (
            f"sale:s1:{ADA}",
            -60,
            TODAY,
            "bought",
        )
        assert lines(at, "s1") == [SaleLine("s1", 1, "mug", "Вещь mug", "Thing mug", 2, 30, 30)]
        with reading(at.url) as reader:
            assert reader.all(Sale) == [Sale("s1", TODAY, "", "anna")]
            [(_, move)] = reader.stock_moves(sale="s1")
            assert (move.quantity, move.kind, reader.lines(ADA)[0].note) == (
                -2,
                MoveKind.SALE,
                "Вещь mug × 2",
            )

    def test_a_basket(self, at: Shop) -> None:
        """Several goods, one entry; what nobody counts moves no stock."""
        proposal = at.do(at.selling({"mug": 1, "pen": 2, "lesson": 1}, ADA, key="s1"))
        assert [(move.before, move.coins, move.after) for move in proposal.moves] == [
            (100, -64, 36)
        ]
        assert [(line.line, line.item) for line in lines(at, "s1")] == [
            (1, "mug"),
            (2, "pen"),
            (3, "lesson"),
        ]
        assert at.left() == {"mug": 4, "pen": 3}

    def test_the_same_goods_in_two_lines_leave_the_stock_together(self, at: Shop) -> None:
        """No line can take what the other needs."""
        mug = an_item()
        at.do(at.selling([Pick(mug, 1), Pick(mug, 2, 5)], ADA, key="s1", note="scratched"))
        assert (at.left()["mug"], at.balances()[ADA]) == (2, 60)
        assert refused(
            at, OutOfStock, at.selling, [Pick(mug, 2, 1), Pick(mug, 1, 1)], note="x"
        ).startswith("mug: 2 ")

    def test_name_and_price_are_those_of_the_day(self, at: Shop) -> None:
        """A catalog that changes later changes no sale."""
        at.sell({"mug": 1}, key="s1")
        at.put(an_item(price=80, name="Ваза"))
        [line] = lines(at, "s1")
        assert (line.name_ru, line.price, line.listed) == ("Вещь mug", 30, 30)
        at.refund("s1")
        assert at.balances()[ADA] == 100

    def test_two_residents_buy_together(self, at: Shop) -> None:
        """Named parts first, the rest by the one without; each has an entry."""
        at.sell({"mug": 2}, ADA, (GLEB, 45), key="s1")
        assert at.balances() == {ADA: 85, GLEB: 5, MIRA: 5}
        assert {entry.key: entry.coins for entry in entries(at, Kind.SALE)} == {
            f"sale:s1:{ADA}": -15,
            f"sale:s1:{GLEB}": -45,
        }

    def test_one_may_pay_for_another(self, at: Shop) -> None:
        """Who pays nothing has no entry."""
        at.sell({"mug": 1}, MIRA, (GLEB, 30))
        assert at.balances() == {ADA: 100, GLEB: 20, MIRA: 5}

    @pytest.mark.parametrize(
        ("buyers", "says"),
        [
            (((ADA, None), (GLEB, 61)), "the parts make 61 coins, the price is 60"),
            (((ADA, 20), (GLEB, 30)), "the parts make 50 coins, the price is 60"),
            (((ADA, None), (ADA, 5)), "the same resident pays twice"),
        ],
    )
    def test_parts_that_are_not_the_price(
        self, at: Shop, buyers: tuple[Any, ...], says: str
    ) -> None:
        """Told, not guessed."""
        assert refused(at, UsageError, at.selling, {"mug": 2}, *buyers) == says

    def test_each_buyer_needs_the_coins(self, at: Shop) -> None:
        """Whoever else is rich."""
        for goods, buyers, needed in (({"mug": 1}, (ADA, (MIRA, 6)), 6), ({"pen": 1}, (MIRA,), 7)):
            said = refused(at, NotEnoughCoins, at.selling, goods, *buyers)
            assert said == f"#103 Мира К. has 5 coins, {needed} needed; nothing written"
        at.sell({"pen": 1}, ADA, (MIRA, 5))
        assert at.balances()[MIRA] == 0

    def test_another_price_needs_a_reason(self, at: Shop) -> None:
        """Both prices stay with the sale, and the family reads why."""
        assert "needs a reason" in refused(
            at, UsageError, at.selling, {"mug": 1}, prices={"mug": 10}
        )
        at.sell({"mug": 1}, prices={"mug": 10}, note="без ручки", key="s1")
        [line] = lines(at, "s1")
        assert (line.price, line.listed, at.balances()[ADA]) == (10, 30, 90)
        with reading(at.url) as reader:
            assert reader.lines(ADA)[0].note == "Вещь mug (без ручки)"

    def test_the_catalogs_price_by_name_needs_none(self, at: Shop) -> None:
        """Nothing is overridden."""
        at.sell({"mug": 1}, prices={"mug": 30})
        assert at.balances()[ADA] == 70

    def test_what_is_not_there_is_not_sold(self, at: Shop) -> None:
        """To the last piece, and none beyond."""
        assert (
            refused(at, OutOfStock, at.selling, {"pen": 6})
            == "pen: 5 left, 6 needed; nothing written"
        )
        at.sell({"pen": 5})
        assert (
            refused(at, OutOfStock, at.selling, {"pen": 1})
            == "pen: 0 left, 1 needed; nothing written"
        )

    def test_archived_goods_are_not_sold(self, at: Shop) -> None:
        """Named by their code they are found, and refused."""
        at.put(an_item(archived=True))
        assert refused(at, CoinPolicy, at.selling, {"mug": 1}) == "mug is archived; nothing written"

    def test_a_gift_is_no_sale(self, at: Shop) -> None:
        """0 coins move nothing in the ledger."""
        at.put(an_item("sticker", 0, tracked=False))
        assert "gift" in refused(at, UsageError, at.selling, {"sticker": 1})
        at.sell({"sticker": 1, "pen": 1})
        assert at.balances()[ADA] == 93

    def test_an_empty_basket(self, at: Shop) -> None:
        """Nothing is chosen."""
        assert refused(at, UsageError, at.selling, {}) == "nothing is chosen"

    def test_an_erased_resident_buys_nothing(self, at: Shop) -> None:
        """There is nobody to hand it to."""
        at.write(
            a_plan(
                Put(
                    a_resident(GLEB, "-", presence=Presence.ERASED, branches=()),
                    a_resident(GLEB, "Глеб С."),
                )
            )
        )
        assert "erased" in refused(at, CoinPolicy, at.selling, {"pen": 1}, GLEB)

    def test_merged_cards_buy_with_all_their_coins(self, at: Shop) -> None:
        """Whichever card is named, and never twice."""
        at.write(a_plan(Put(Merge(GLEB, ADA, (), (ADA,)))))
        at.sell({"mug": 5}, GLEB, key="s1")
        assert at.balances()[ADA] == at.balances()[GLEB] == 0
        assert (
            refused(at, UsageError, at.selling, {"pen": 1}, ADA, (GLEB, 1))
            == "the same resident pays twice"
        )

    def test_the_day_is_the_buyers(self, at: Shop) -> None:
        """By the clock of his branch, whatever the server's says; or the one that was said."""
        at.now = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
        assert at.selling({"pen": 1}, ADA).plan.scope.until == TODAY
        at.put(an_item("pin", 5, tracked=False))
        assert at.selling({"pin": 1}, MIRA).plan.scope.until == TOMORROW
        assert at.selling({"pen": 1}, ADA, day=DAY).plan.entries[0].happened_on == DAY

    @pytest.mark.parametrize(
        ("day", "says"),
        [(TOMORROW, "is still to come; today is 2026-11-22"), (date(1999, 1, 1), "is before 2000")],
    )
    def test_a_day_that_cannot_be(self, at: Shop, day: date, says: str) -> None:
        """A slip of the hand."""
        assert says in refused(at, UsageError, at.selling, {"pen": 1}, day=day)
        sale = at.sell({"pen": 1})
        assert says in refused(at, UsageError, at.refunding, sale, day=day)

    def test_what_a_family_reads_has_an_end(self, at: Shop) -> None:
        """A long basket is cut."""
        goods = {f"i{n}": 1 for n in range(12)}
        for code in goods:
            at.put(an_item(code, 1, name=f"Очень длинное название {code}", tracked=False))
        note = at.selling(goods).plan.entries[0].note
        assert (len(note), note[-1]) == (200, "…")


class TestKey:
    """A key is sold once, and stands for one sale."""

    def test_the_same_sale_again_changes_nothing(self, at: Shop) -> None:
        """Also after the catalog changed, and after it was taken back."""
        at.sell({"mug": 1}, ADA, (GLEB, 5), key="s1")
        before = dump(at.url)
        for _ in range(2):
            proposal = at.selling({"mug": 1}, ADA, (GLEB, 5), key="s1")
            assert (bool(proposal.plan), proposal.words, proposal.key) == (
                False,
                ("sold already: sale s1",),
                "s1",
            )
        assert not at.selling({"mug": 1}, ADA, GLEB, key="s1").plan
        assert dump(at.url) == before
        at.put(an_item(price=31, archived=True))
        at.refund("s1")
        assert at.selling({"mug": 1}, ADA, (GLEB, 5), key="s1").words == ("sold already: sale s1",)

    @pytest.mark.parametrize(
        ("goods", "buyers", "more"),
        [
            ({"mug": 2}, (ADA,), {}),
            ({"pen": 1}, (ADA,), {}),
            ({"mug": 1, "pen": 1}, (ADA,), {}),
            ({"mug": 1}, (GLEB,), {}),
            ({"mug": 1}, (ADA, (GLEB, 5)), {}),
            ({"mug": 1}, (ADA,), {"prices": {"mug": 10}, "note": "x"}),
            ({"mug": 1}, (ADA,), {"note": "x"}),
            ({"mug": 1}, (ADA,), {"event": "fair"}),
            ({"mug": 1}, (ADA,), {"day": DAY}),
        ],
    )
    def test_another_sale_under_it_is_refused(
        self, at: Shop, goods: dict[str, int], buyers: tuple[Any, ...], more: dict[str, Any]
    ) -> None:
        """With what stands there."""
        at.open_fair()
        at.sell({"mug": 1}, ADA, key="s1")
        said = refused(at, PostedOtherwise, at.selling, goods, *buyers, key="s1", **more)
        assert said == "key s1 is another sale already: Вещь mug for #101; nothing written"

    def test_an_overridden_price_must_be_named_again(self, at: Shop) -> None:
        """Without it, it is another sale."""
        at.sell({"mug": 1}, prices={"mug": 10}, note="x", key="s1")
        assert not at.selling({"mug": 1}, prices={"mug": 10}, note="x", key="s1").plan
        refused(at, PostedOtherwise, at.selling, {"mug": 1}, note="x", key="s1")

    def test_after_the_cards_were_merged(self, at: Shop) -> None:
        """It is the same child's sale."""
        at.sell({"mug": 1}, GLEB, key="s1")
        at.write(a_plan(Put(Merge(GLEB, ADA, (), (ADA,)))))
        assert at.selling({"mug": 1}, GLEB, key="s1").words == ("sold already: sale s1",)


class TestMeanwhile:
    """What somebody else did between the look and the write."""

    def test_a_new_price_makes_a_sale_stale(self, at: Shop) -> None:
        """Nobody pays what was not shown."""
        proposal = at.selling({"mug": 1})
        at.put(an_item(price=31))
        assert refused(at, StalePlan, at.do, proposal) == "plan is stale: item mug moved"

    def test_goods_archived_meanwhile(self, at: Shop) -> None:
        """Stale as well."""
        proposal = at.selling({"lesson": 1})
        at.put(an_item("lesson", 20, tracked=False, archived=True))
        refused(at, StalePlan, at.do, proposal)

    def test_a_fair_closed_meanwhile(self, at: Shop) -> None:
        """Its sums are settled."""
        at.open_fair()
        proposal = at.selling({"mug": 1}, event="fair")
        at.do(at.closing())
        assert refused(at, StalePlan, at.do, proposal) == "plan is stale: event fair moved"

    def test_the_last_piece_is_sold_once(self, at: Shop) -> None:
        """Whoever was shown it."""
        at.move("mug", MoveKind.WRITE_OFF, 4)
        first, second = at.selling({"mug": 1}, ADA), at.selling({"mug": 1}, GLEB)
        at.do(first)
        assert refused(at, OutOfStock, at.do, second) == "mug: 0 left, 1 needed; nothing written"

    def test_coins_are_spent_once(self, at: Shop) -> None:
        """Two tills at once."""
        first, second = at.selling({"mug": 2}), at.selling({"mug": 2})
        at.do(first)
        assert "has 40 coins, 60 needed" in refused(at, NotEnoughCoins, at.do, second)

    @pytest.mark.parametrize("buyer", [ADA, GLEB])
    @pytest.mark.parametrize("item", ["mug", "lesson"])
    def test_one_key_at_two_tills(self, at: Shop, item: str, buyer: int) -> None:
        """Written once, be the buyer the same or another, the goods counted or not."""
        first, second = at.selling({item: 1}, ADA, key="s1"), at.selling({item: 1}, buyer, key="s1")
        at.do(first)
        refused(at, StalePlan, at.do, second)

    @pytest.mark.parametrize("item", ["mug", "lesson"])
    def test_one_refund_at_two_desks(self, at: Shop, item: str) -> None:
        """Written once, also when one takes back all and the other a line of it."""
        sale = at.sell({"pen": 1, item: 2})
        whole, line = at.refunding(sale), at.refunding(sale, 2)
        at.do(whole)
        refused(at, StalePlan, at.do, line)
        assert at.balances()[ADA] == 100

    def test_two_lines_taken_back_at_two_desks(self, at: Shop) -> None:
        """Each cut of the coins hangs on what was given back before."""
        sale = at.sell({"mug": 1, "pen": 1}, ADA, (GLEB, 18))
        one, other = at.refunding(sale, 1), at.refunding(sale, 2)
        at.do(one)
        refused(at, StalePlan, at.do, other)
        at.refund(sale, 2)
        assert at.balances() == {ADA: 100, GLEB: 50, MIRA: 5}


# --- refunds ----------------------------------------------------------------------------------


class TestRefund:
    """Coins to who paid, goods to the stock, each line once."""

    def test_a_whole_sale(self, at: Shop) -> None:
        """As if it had not been, with both sides in the ledger."""
        sale = at.sell({"mug": 2, "pen": 1})
        proposal = at.refund(sale)
        assert proposal.words == (f"sale {sale}: Вещь mug × 2, Вещь pen back",)
        assert (at.balances()[ADA], at.left()) == (100, {"mug": 5, "pen": 5})
        [entry] = entries(at, Kind.REFUND)
        assert (entry.key, entry.coins, entry.reason) == (f"refund:{sale}:1:{ADA}", 67, "returned")
        with reading(at.url) as reader:
            found = reader.recorded(RefundLine, [sale])
            assert [(one.line, one.actor) for one in found] == [(1, "anna"), (2, "anna")]

    def test_by_lines(self, at: Shop) -> None:
        """The rest later."""
        sale = at.sell({"mug": 1, "pen": 2, "lesson": 1})
        at.refund(sale, 2)
        assert (at.balances()[ADA], at.left()) == (50, {"mug": 4, "pen": 5})
        at.refund(sale)
        assert (at.balances()[ADA], at.left()) == (100, {"mug": 5, "pen": 5})

    def test_once(self, at: Shop) -> None:
        """Whole or by line."""
        sale = at.sell({"mug": 1, "pen": 1})
        at.refund(sale, 2)
        again = refused(at, AlreadyReversed, at.refunding, sale, 2)
        assert again == f"line 2 of sale {sale} is refunded already; nothing written"
        refused(at, AlreadyReversed, at.refunding, sale, 1, 2)
        at.refund(sale)
        assert (
            refused(at, AlreadyReversed, at.refunding, sale)
            == f"sale {sale} is refunded already; nothing written"
        )

    def test_who_paid_together_gets_back_together(self, at: Shop) -> None:
        """In proportion, line by line, and in the end each what was paid."""
        sale = at.sell({"mug": 1, "pen": 3}, ADA, (GLEB, 17))
        at.refund(sale, 2)
        assert at.balances() == {ADA: 66 + 14, GLEB: 33 + 7, MIRA: 5}
        at.refund(sale, 1)
        assert at.balances() == {ADA: 100, GLEB: 50, MIRA: 5}

    def test_the_price_paid_comes_back(self, at: Shop) -> None:
        """Not today's."""
        sale = at.sell({"mug": 1}, prices={"mug": 12}, note="x")
        at.put(an_item(price=99))
        at.refund(sale)
        assert at.balances()[ADA] == 100

    def test_stock_comes_back_as_it_was_counted(self, at: Shop) -> None:
        """By what left it when it was sold, not by what the catalog says today."""
        counted, free = at.sell({"mug": 1}), at.sell({"lesson": 1})
        at.put(an_item(tracked=False))
        at.put(an_item("lesson", 20, tracked=True))
        at.refund(counted)
        at.refund(free)
        with reading(at.url) as reader:
            assert reader.stock(["mug", "lesson"]) == {"mug": 5, "lesson": 0}

    def test_archived_goods_and_closed_fairs(self, at: Shop) -> None:
        """A broken thing is brought back later all the same."""
        at.open_fair()
        sale = at.sell({"mug": 1}, event="fair")
        at.do(at.closing())
        at.put(an_item(archived=True))
        at.refund(sale)
        assert at.balances()[ADA] == 100

    def test_a_line_that_cost_nothing(self, at: Shop) -> None:
        """Its piece comes back, no entry is posted, and only once."""
        at.put(an_item("sticker", 0))
        at.move("sticker", MoveKind.RECEIVE, 3)
        sale = at.sell({"sticker": 1, "pen": 1})
        first, second = at.refunding(sale, 1), at.refunding(sale, 1)
        assert (first.plan.entries, first.moves) == ((), ())
        at.do(first)
        refused(at, StalePlan, at.do, second)
        assert (at.left()["sticker"], at.balances()[ADA]) == (3, 93)
        at.refund(sale)
        assert at.balances()[ADA] == 100

    def test_not_before_the_sale(self, at: Shop) -> None:
        """History goes forward."""
        sale = at.sell({"mug": 1})
        assert "before the sale" in refused(at, UsageError, at.refunding, sale, day=DAY)

    def test_what_does_not_exist(self, at: Shop) -> None:
        """Neither the sale nor the line."""
        sale = at.sell({"mug": 1}, key="s1")
        assert refused(at, NotFound, at.refunding, "nope") == "sale 'nope' does not exist"
        assert refused(at, NotFound, at.refunding, sale, 2) == "sale s1 has no line 2"
        at.refund(" S1 ")

    def test_more_than_was_paid_is_never_given(self, at: Shop) -> None:
        """Where somebody has touched the lines, a person looks first."""
        at.sell({"mug": 1}, key="s1")
        at.write(a_plan(Put(SaleLine("s1", 2, "pen", "Ручка", "Pen", 1, 7, 7))))
        assert "37 coins to be given back, 30 were paid" in refused(
            at, CoinPolicy, at.refunding, "s1"
        )


# --- stock and catalog ------------------------------------------------------------------------


class TestStock:
    """Stock is a sum of moves."""

    def test_in_out_and_counted(self, at: Shop) -> None:
        """Each says what was and what is."""
        assert at.move("mug", MoveKind.RECEIVE, 3).words == ("mug  Вещь mug: 5 +3 → 8",)
        assert at.move("mug", MoveKind.WRITE_OFF, 2).words == ("mug  Вещь mug: 8 -2 → 6",)
        assert at.move("mug", MoveKind.COUNT, 4).words == ("mug  Вещь mug: 6 -2 → 4",)
        assert at.move("mug", MoveKind.COUNT, 4).words == ("mug  Вещь mug: 4 left, as counted",)
        assert at.left()["mug"] == 4

    def test_no_more_is_written_off_than_there_is(self, at: Shop) -> None:
        """Never below nothing, also when somebody was faster."""
        proposal = at.plan(
            lambda reader: catalog.move_stock(
                Clerk(reader, settings(), at.author("", TODAY)),
                find_item(reader, "mug"),
                MoveKind.WRITE_OFF,
                4,
            )
        )
        refused(at, OutOfStock, at.move, "mug", MoveKind.WRITE_OFF, 6)
        at.sell({"mug": 2})
        refused(at, OutOfStock, at.do, proposal)

    def test_a_count_is_of_the_moment(self, at: Shop) -> None:
        """Somebody sold one while it was looked at: it is stale, and nothing is made up."""
        proposal = at.plan(
            lambda reader: catalog.move_stock(
                Clerk(reader, settings(), at.author("", TODAY)),
                find_item(reader, "mug"),
                MoveKind.COUNT,
                4,
            )
        )
        at.sell({"mug": 1})
        refused(at, StalePlan, at.do, proposal)
        assert at.move("mug", MoveKind.COUNT, 4).words == ("mug  Вещь mug: 4 left, as counted",)

    def test_what_is_not_counted_does_not_move(self, at: Shop) -> None:
        """With the way to count it."""
        assert "is not counted" in refused(at, CoinPolicy, at.move, "lesson", MoveKind.RECEIVE, 1)


class TestFind:
    """Goods by code or by part of a name."""

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Shop:
        """Goods whose names are alike."""
        named = {
            "mug": "Кружка",
            "big": "Кружка большая",
            "pen": "Зелёная ручка",
            "old": "Старая ручка",
        }
        goods = [an_item(code, name=name, archived=code == "old") for code, name in named.items()]
        return a_shop(tmp_path, *goods)

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("mug", "mug"),
            (" MUG ", "mug"),
            ("кружка", "mug"),
            ("большая", "big"),
            ("зеленая", "pen"),
            ("ЗЕЛЁН", "pen"),
            ("ручка", "pen"),
            ("thing mug", "mug"),
            ("old", "old"),
        ],
    )
    def test_found(self, shelf: Shop, text: str, code: str) -> None:
        """The whole name before a part, in any case, with or without dots.

        Archived goods by their code alone.
        """
        with reading(shelf.url) as reader:
            assert find_item(reader, text).code == code

    @pytest.mark.parametrize("text", ["", " ", "%", "нет такого", "старая"])
    def test_not_found(self, shelf: Shop, text: str) -> None:
        """Nothing is guessed."""
        with reading(shelf.url) as reader, pytest.raises(NotFound):
            find_item(reader, text)

    def test_several(self, shelf: Shop) -> None:
        """All of them named."""
        with reading(shelf.url) as reader, pytest.raises(Ambiguous) as caught:
            find_item(reader, "кру")
        assert caught.value.candidates == ("big Кружка большая", "mug Кружка")

    def test_the_shelf_is_what_is_shown(self, tmp_path: Path) -> None:
        """Not what is hidden or archived; in the order of the catalog, the same for everybody."""
        goods = [
            an_item("z", place=1),
            an_item("a", place=2),
            an_item("omsk", branches=(OMSK,)),
            an_item("hidden", shown=False),
            an_item("old", archived=True),
            an_item("free", tracked=False, place=3),
        ]
        at = a_shop(tmp_path, *goods, stock={"z": 1})
        with reading(at.url) as reader:
            numbered = {number: item.code for number, item in shelf(reader).items()}
        assert numbered == {1: "omsk", 2: "z", 3: "a", 4: "free"}


# --- fairs ------------------------------------------------------------------------------------


class TestFair:
    """Open, sell, close; and closed only when everything adds up."""

    def test_a_fair_adds_up(self, at: Shop) -> None:
        """Coins taken, and pieces sold that did not come back; other sales do not count."""
        at.sell({"mug": 1}, GLEB)
        at.open_fair()
        sale = at.sell({"mug": 1, "pen": 2}, event="fair")
        at.sell({"lesson": 1}, GLEB, event="fair")
        at.sell({"pen": 1})
        at.refund(sale, 1)
        at.move("pen", MoveKind.WRITE_OFF, 1)
        at.move("mug", MoveKind.COUNT, 5)
        proposal = at.do(at.closing())
        assert proposal.words == (
            "fair  Ярмарка",
            "2 sales, coins taken 34, lines refunded 1",
            "pen: 2 sold, counted -1",
            "lesson: 1 sold",
            "mug: 0 sold, counted +1",
        )
        with reading(at.url) as reader:
            [fair] = reader.all(Event)
            assert replace(fair, opened_run=0, closed_run=0) == Event(
                "fair", "Ярмарка", TODAY, TODAY, "anna"
            )

    def test_what_comes_back_after_closing_changes_nothing(self, at: Shop) -> None:
        """The report goes on saying what the closing said, and tells the rest apart."""
        at.move("pen", MoveKind.RECEIVE, 3)
        at.open_fair()
        first, second = at.sell({"pen": 2}, event="fair"), at.sell({"mug": 1}, event="fair")
        at.move("pen", MoveKind.RECEIVE, 4)
        at.refund(first)
        at.do(at.closing())
        with reading(at.url) as reader:
            before = report_of_fair(reader)
        refund = at.refund(second)
        at.move("pen", MoveKind.RECEIVE, 5)
        assert refund.key == second
        assert refund.words == (
            f"sale {second}: Вещь mug back",
            "fair was closed on 2026-11-22; its figures stay as they are",
        )
        with reading(at.url) as reader:
            after = report_of_fair(reader)
            purchases_now = purchases(reader, reader.sales(), settings().profile.zone_of)
        assert replace(after, buyers=(), late=0) == replace(before, buyers=())
        assert (before.late, after.late, after.taken, after.refunds) == (0, 1, 30, 1)
        pen = next(item for item in after.items if item.item == "pen")
        assert (pen.pieces, pen.received, pen.counted, pen.left) == (0, 4, 0, None)
        assert [purchase.is_late for purchase in purchases_now] == [False, True]
        assert [one.payments[0].returned for one in purchases_now] == [14, 30]

    def test_opened_once(self, at: Shop) -> None:
        """A second time says so, and a closed one is refused."""
        at.open_fair()
        assert at.open_fair().words == ("fair is there already, open",)
        at.do(at.closing())
        assert refused(at, EventClosed, at.open_fair).startswith("fair was closed on 2026-11-22")

    def test_an_empty_fair_is_closed(self, at: Shop) -> None:
        """Nothing is nothing."""
        at.open_fair()
        assert at.do(at.closing()).words[1] == "0 sales, coins taken 0, lines refunded 0"

    def test_closed_once(self, at: Shop) -> None:
        """And nothing is sold there afterwards."""
        at.open_fair()
        at.do(at.closing())
        assert (
            refused(at, EventClosed, at.closing)
            == "fair was closed on 2026-11-22 by anna; nothing written"
        )
        refused(at, EventClosed, at.selling, {"mug": 1}, event="fair")

    def test_a_fair_that_is_not_there(self, at: Shop) -> None:
        """With the way to open it."""
        assert (
            refused(at, NotFound, at.selling, {"mug": 1}, event="nope")
            == "no fair is called 'nope'"
        )

    @pytest.mark.parametrize(
        ("touch", "says"),
        [
            (
                Put(SaleLine("s1", 2, "lesson", "Вещь", "Thing", 1, 7, 7)),
                "sale s1: lines 37, coins 30",
            ),
            (
                Stock(a_move("x", "mug", -1, MoveKind.SALE, sale="s1")),
                "sale s1: 2 pieces left the stock, 1 were sold",
            ),
            (
                Stock(a_move("x", "mug", 1, MoveKind.REFUND, sale="s1")),
                "sale s1: 0 pieces left the stock, 1 were sold",
            ),
            (
                Post(Entry("refund:s1:1:101", 1, ADA, 3, Kind.REFUND, TODAY, "returned", "anna")),
                "sale s1: lines 30, coins 27",
            ),
        ],
    )
    def test_a_difference_is_named_and_the_fair_stays_open(
        self, at: Shop, touch: Any, says: str
    ) -> None:
        """Whatever does not agree with the rest."""
        at.open_fair()
        at.sell({"mug": 1}, key="s1", event="fair")
        at.write(Plan.of(Purpose.DESK, a_plan().scope, [touch]))
        at.sell({"mug": 1}, GLEB, key="s2", event="fair")
        said = refused(at, CoinPolicy, at.closing)
        assert said.startswith("fair does not add up: ")
        assert says in said


# --- looking back -----------------------------------------------------------------------------


def reported(at: Shop, *people: int, since: date = date.min, until: date = date.max) -> ShopReport:
    """The shop's report on some residents, or on all."""

    with reading(at.url) as reader:
        residents = [one for one in reader.residents() if not people or one.id in people]
        return report(reader, residents, since, until)


class TestReport:
    """Per resident bought, spent and left; best sellers, goods that do not move."""

    def test_all(self, at: Shop) -> None:
        """Refunds do not count as bought or spent."""
        at.sell({"pen": 2})
        sale = at.sell({"mug": 1, "pen": 1}, ADA, (GLEB, 10))
        at.refund(sale, 1)
        found = reported(at)
        assert [(one.resident, one.pieces, one.spent, one.balance) for one in found.buyers] == [
            (ADA, 3, 14 + 5, 100 - 19),
            (GLEB, 1, 2, 48),
            (MIRA, 0, 0, 5),
        ]
        assert [(one.item, one.pieces, one.coins, one.left) for one in found.items] == [
            ("pen", 3, 21, 2),
            ("lesson", 0, 0, None),
            ("mug", 0, 0, 5),
        ]

    def test_a_span_of_days(self, at: Shop) -> None:
        """By the day of the sale; what is left is today's."""
        at.sell({"pen": 1}, day=DAY)
        at.sell({"pen": 2})
        assert reported(at, since=DAY, until=DAY).items[0].pieces == 1
        assert reported(at, since=TODAY).buyers[0].spent == 14
        assert reported(at, until=DAY - timedelta(1)).items[0].pieces == 0
        assert reported(at, until=DAY).buyers[0].balance == 79

    def test_some_residents_alone(self, at: Shop) -> None:
        """A branch's goods are what its residents bought."""
        at.sell({"pen": 1}, ADA)
        at.sell({"mug": 1}, GLEB)
        found = reported(at, GLEB)
        assert [one.resident for one in found.buyers] == [GLEB]
        assert {one.item: one.pieces for one in found.items} == {"mug": 1, "pen": 0, "lesson": 0}

    def test_archived_goods_as_far_as_they_sold(self, at: Shop) -> None:
        """So that the coins add up."""
        at.sell({"pen": 1})
        for code in ("pen", "mug"):
            at.put(an_item(code, 7 if code == "pen" else 30, archived=True))
        assert [one.item for one in reported(at).items] == ["pen", "lesson"]

    def test_merged_cards_are_one_resident(self, at: Shop) -> None:
        """With everything that both bought."""
        at.sell({"pen": 1}, GLEB)
        at.write(a_plan(Put(Merge(GLEB, ADA, (), (ADA,)))))
        assert [(one.resident, one.spent, one.balance) for one in reported(at).buyers] == [
            (ADA, 7, 143),
            (MIRA, 0, 5),
        ]

    def test_purchases_tell_who_paid_what(self, at: Shop) -> None:
        """And which lines came back."""
        at.sell({"mug": 1, "pen": 1}, ADA, (GLEB, 7), key="s1")
        at.refund("s1", 2)
        with reading(at.url) as reader:
            [one] = purchases(reader, reader.sales(), settings().profile.zone_of)
        assert [(paid.resident, paid.name, paid.coins, paid.returned) for paid in one.payments] == [
            (ADA, "Ада М.", 24, 6),
            (GLEB, "Глеб С.", 6, 1),
        ]
        assert one.made_at == "2026-11-22 05:00"
        assert ([line.item for line in one.lines], set(one.refunded)) == (["mug", "pen"], {2})


def test_nothing_of_a_sale_is_written_without_the_rest(at: Shop) -> None:
    """Whatever step it dies at: coins, stock and lines are all there, or none is."""
    proposal: Proposal = at.selling({"mug": 1, "pen": 1}, ADA, (GLEB, 7), key="s1")
    steps: list[str] = []
    elsewhere = replace(at, url=at.url)
    before = dump(at.url)

    class Died(Exception):
        """The process is gone."""

    def counting(name: str) -> None:
        steps.append(name)
        if len(steps) == dies_at:
            raise Died

    dies_at = 0
    while True:
        dies_at, steps[:] = dies_at + 1, []
        try:
            elsewhere.write(proposal.plan, counting)
        except Died:
            assert dump(at.url) == before or steps[-1] == "committed"
            if steps[-1] == "committed":
                break
            continue
        raise AssertionError("the last step is the commit")
    assert {"insert sale", "insert sale_line", "entries", "stock", "commit"} <= set(steps)
    assert (at.balances()[ADA], at.balances()[GLEB], at.left()) == (70, 43, {"mug": 4, "pen": 4})


def test_an_item_of_the_catalog_is_compared_whole(at: Shop) -> None:
    """Putting the same goods again is no change, and words name what is."""
    assert at.put(an_item()).words == ("no changes",)
    item: Item = an_item(price=31, name="Кружка")
    assert at.put(item).words == ("~ mug  Кружка  name_ru, price 30 → 31",)
