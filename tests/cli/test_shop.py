"""The shop's commands as staff type them: sell, refund, and everything under shop."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

import cli
from coinsync.core.catalog import Item
from tests.support import engines
from tests.support.goods import an_item, fill
from tests.support.school import House
from tests.support.terminal import ENTER, QUESTION, in_terminal

ENGINES = engines.BOTH

ADA, RICH, POOR = 102, 106, 115
FRESH = re.compile(r"[0-9a-f]{12}")

GOODS: dict[Item, int] = {
    an_item("mug", 30, name="Кружка"): 5,
    an_item("big-mug", 45, name="Кружка большая", place=2): 2,
    an_item("pen", 7, name="Ручка [red]", place=3): 10,
    an_item("lesson", 20, name="Занятие в подарок", place=4, tracked=False): 0,
    an_item("bag", 60, name="Рюкзак", branches=(2,), place=5): 1,
}


@pytest.fixture
def house(desk: House) -> House:
    """A school after its first sync, with a shop.

    Ada has 100 coins, who is rich 200, who is poor 5.
    """
    balances = desk.balances()
    purses = {ADA: 100 - balances[ADA], RICH: 200 - balances[RICH]}
    fill(desk, GOODS, purses)
    desk.ok("debit", f"#{POOR}", str(balances[POOR] - 5), "--reason", "Потратил", "--yes")
    return desk


def a_fair(house: House) -> str:
    """An open fair."""
    house.ok("shop", "open", "fair-1", "--title", "Осенняя ярмарка", "--yes")
    return "fair-1"


def a_sale(house: House, key: str = "s-1") -> str:
    """Two pens and nothing else, for Ada."""
    house.ok("sell", f"#{ADA}", "pen", "--quantity", "2", "--key", key, "--yes")
    return key


def left(house: House, code: str) -> int:
    """Pieces that are left."""
    with house.reader() as reader:
        return reader.stock([code])[code]


#: Every command that writes, and how many entries it posts.
WRITING: dict[str, tuple[Callable[[House], list[str]], int]] = {
    "sell": (lambda _: ["sell", f"#{ADA}", "mug", "--key", "k-1"], 1),
    "sell together": (
        lambda _: ["sell", f"#{ADA}", "mug", "--also", f"#{RICH}=10", "--key", "k-2"],
        2,
    ),
    "refund": (lambda house: ["refund", a_sale(house), "--note", "Сломалась"], 1),
    "shop open": (lambda _: ["shop", "open", "fair-2"], 0),
    "shop close": (lambda house: ["shop", "close", a_fair(house)], 0),
}


class TestEveryWritingCommand:
    """Looked at first, agreed to, written once, and told."""

    @pytest.mark.parametrize("name", WRITING)
    def test_what_a_dry_run_shows_is_what_is_written(self, house: House, name: str) -> None:
        """Nothing is written by looking or where nobody can agree; then exactly what was shown."""
        make, entries = WRITING[name]
        command = make(house)
        before, count = house.tables(), len(house.ledger())
        looked = house.ok(*command, "--dry-run", "--json").json
        assert (looked["dry_run"], looked["receipt"]) == (True, None)
        assert house.ok(*command, "--dry-run").out.endswith("dry run: nothing written\n")
        for alone in (house.run(*command), house.run(*command, "--json")):
            assert (alone.code, "nobody is there to ask; nothing written" in alone.err) == (2, True)
        assert house.tables() == before
        done = house.ok(*command, "--yes", "--json").json
        assert {one: done[one] for one in ("moves", "digest", "words", "key")} == {
            one: looked[one] for one in ("moves", "digest", "words", "key")
        }
        assert len(done["moves"]) == entries == len(house.ledger()) - count
        for move in done["moves"]:
            assert (
                move["after"] == move["before"] + move["coins"] == house.balance(move["resident"])
            )

    @pytest.mark.parametrize("name", WRITING)
    def test_a_quiet_one_says_nothing(self, house: House, name: str) -> None:
        """And its work is done."""
        command = WRITING[name][0](house)
        with house.reader() as reader:
            runs = reader.head().runs
        said = house.ok(*command, "--yes", "--quiet")
        with house.reader() as reader:
            assert (said.out, said.err, reader.head().runs) == ("", "", runs + 1)

    def test_a_person_is_shown_and_asked(self, house: House) -> None:
        """In a terminal; yes writes it."""
        shown = in_terminal(house, "sell", f"#{ADA}", "mug", answer=f"y{ENTER}")
        assert shown.code == 0
        assert "100    -30     70" in shown.text
        assert (
            shown.text.index("sale ")
            < shown.text.index(QUESTION)
            < shown.text.index("posted (-30)")
        )
        assert in_terminal(house, "sell", f"#{ADA}", "mug", answer=ENTER).text.endswith(
            "nothing written\n"
        )
        assert house.balance(ADA) == 70


class TestSell:
    """Debit, stock and sale in one."""

    def test_a_sale(self, house: House) -> None:
        """The family reads what it was; the key is shown, so that it can be repeated."""
        out = house.ok("sell", f"#{ADA}", "mug", "--quantity", "2", "--yes").out
        assert FRESH.search(out)
        assert (house.balance(ADA), left(house, "mug")) == (40, 3)
        assert "Кружка × 2" in house.ok("history", f"#{ADA}", "--limit", "1").out
        assert "Кружка × 2" in house.ok("statement", f"#{ADA}").out

    def test_goods_by_name(self, house: House) -> None:
        """The whole name before a part of one; several are listed."""
        house.ok("sell", f"#{ADA}", "кружка", "--yes")
        assert left(house, "mug") == 4
        said = house.run("sell", f"#{ADA}", "круж", "--yes")
        assert (said.code, "big-mug Кружка большая" in said.err) == (6, True)

    def test_who_pays_what(self, house: House) -> None:
        """Named parts, and the rest."""
        words = [
            "sell",
            f"#{ADA}",
            "big-mug",
            "--quantity",
            "2",
            "--also",
            f"#{RICH}=60",
            "--also",
            f"#{POOR}=5",
        ]
        house.ok(*words, "--yes")
        assert [house.balance(one) for one in (ADA, RICH, POOR)] == [75, 140, 0]

    def test_a_key_repeated(self, house: House) -> None:
        """Sold once, both exit 0; for another sale 7."""
        words = ["sell", f"#{ADA}", "mug", "--key", "K-9", "--yes"]
        house.ok(*words)
        before = house.tables()
        assert house.ok(*words).out == "sold already: sale k-9\n"
        other = house.run("sell", f"#{RICH}", "mug", "--key", "k-9", "--yes")
        assert (other.code, "key k-9 is another sale already: Кружка for #102" in other.err) == (
            7,
            True,
        )
        assert house.tables() == before

    def test_another_day(self, house: House) -> None:
        """Yesterday's sale that nobody could enter."""
        yesterday = cli.utc_now().date() - timedelta(1)
        house.ok("sell", f"#{ADA}", "mug", "--date", str(yesterday), "--key", "k-1", "--yes")
        assert house.ledger()[-1].entry.happened_on == yesterday
        assert (
            house.ok("shop", "sales", "--until", str(yesterday), "--json").json[0]["sale"]["id"]
            == "k-1"
        )

    def test_markup_in_a_name_is_text(self, house: House) -> None:
        """Nothing is coloured, nothing breaks."""
        a_sale(house)
        for words in (("shop", "sales"), ("shop", "sale", "s-1"), ("shop", "report")):
            assert "Ручка [red]" in house.ok(*words).out

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("#102", "nothing"), 6, "no item answers to 'nothing'"),
            (("#99999", "mug"), 6, "no resident answers to '#99999'"),
            (("#102", "mug", "--quantity", "0"), 2, "is no number of pieces"),
            (("#102", "mug", "--quantity", "1.5"), 2, "is no number of pieces"),
            (("#102", "mug", "--quantity", "-1"), 2, "is no number of pieces"),
            (("#102", "mug", "--quantity", "6"), 7, "mug: 5 left, 6 needed; nothing written"),
            (("#102", "mug", "--quantity", "999999999999999999"), 7, "mug: 5 left"),
            (
                ("#102", "lesson", "--quantity", "999999999999999999"),
                7,
                "has 100 coins, 19999999999999999980 needed",
            ),
            (("#102", "mug", "--price", "5"), 2, "needs a reason: --reason TEXT"),
            (("#102", "mug", "--price", "0", "--reason", "x"), 2, "is no price"),
            (("#102", "mug", "--price", "x", "--reason", "x"), 2, "is no price"),
            (("#115", "mug"), 7, "has 5 coins, 30 needed; nothing written"),
            (("#102", "mug", "--also", "#106"), 2, "expected RESIDENT=COINS"),
            (("#102", "mug", "--also", "#106=x"), 2, "is no number of coins"),
            (("#102", "mug", "--also", "#106=31"), 2, "the parts make 31 coins, the price is 30"),
            (("#102", "mug", "--also", "#102=3"), 2, "the same resident pays twice"),
            (("#102", "mug", "--also", "#99999=3"), 6, "no resident answers to"),
            (("#102", "mug", "--event", "nope"), 6, "no fair is called 'nope'"),
            (("#102", "mug", "--date", "yesterday"), 2, "is no day"),
            (("#102", "mug", "--date", "2099-01-01"), 2, "is still to come"),
            (("#102", "mug", "--date", "1999-01-01"), 2, "is before 2000-01-01"),
            (("#102", "mug", "--key", "a b"), 2, "is no key"),
            (("#102", "mug", "--reason", "x" * 201), 2, "at most 200 are kept"),
        ],
    )
    def test_what_cannot_be(
        self, house: House, words: tuple[str, ...], code: int, says: str
    ) -> None:
        """Told in one line, and nothing is written."""
        before = house.tables()
        said = house.run("sell", *words, "--yes")
        assert (said.code, says in said.err) == (code, True), said.err
        assert house.tables() == before


class TestRefund:
    """Coins and goods come back."""

    def test_whole_and_once(self, house: House) -> None:
        """7 the second time."""
        a_sale(house)
        out = house.ok("refund", "S-1", "--note", "Не пишет", "--yes").out
        assert "sale s-1: Ручка [red] × 2 back" in out
        assert (house.balance(ADA), left(house, "pen")) == (100, 10)
        again = house.run("refund", "s-1", "--note", "Не пишет", "--yes")
        assert (again.code, "sale s-1 is refunded already; nothing written" in again.err) == (
            7,
            True,
        )

    def test_lines(self, house: House) -> None:
        """As `shop sale` numbers them; one at a time or several."""
        a_sale(house)
        house.ok("refund", "s-1", "--line", "1", "--note", "Не пишет", "--yes")
        shown = house.ok("shop", "sale", "s-1").out
        assert re.search(r"1  Ручка \[red\]\s+pen\s+2\s+7\s+14  refunded", shown)

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("nope", "--note", "x"), 6, "sale 'nope' does not exist"),
            (("s-1", "--line", "2", "--note", "x"), 6, "sale s-1 has no line 2"),
            (("s-1", "--line", "0", "--note", "x"), 6, "sale s-1 has no line 0"),
            (("s-1", "--line", "x", "--note", "x"), 2, "--line"),
            (("s-1",), 2, "refund: say why: --note TEXT"),
            (("s-1", "--note", "x", "--date", "2020-01-01"), 2, "is before the sale"),
        ],
    )
    def test_what_cannot_be(
        self, house: House, words: tuple[str, ...], code: int, says: str
    ) -> None:
        """Told in one line."""
        a_sale(house)
        before = house.tables()
        said = house.run("refund", *words, "--yes")
        assert (said.code, says in said.err) == (code, True), said.err
        assert house.tables() == before

    def test_a_purchase_is_not_reversed_by_hand(self, house: House) -> None:
        """7, with the command that takes the goods back too."""
        a_sale(house)
        said = house.run("reverse", str(house.ledger()[-1].n), "--note", "x", "--yes")
        assert (said.code, '"coinsync refund" takes it back' in said.err) == (7, True)


class TestErased:
    """Why something was sold or given back is told to the family, and goes with it."""

    SOLD, RETURNED = "Скидка-за-тайное", "Вернула-тайная"

    def left(self, house: House) -> set[str]:
        """Which of the reasons still stand anywhere in the database's files, byte by byte."""
        content = b"".join(path.read_bytes() for path in house.folder.glob("coinsync.db*"))
        return {text for text in (self.SOLD, self.RETURNED) if text.encode() in content}

    @pytest.mark.sqlite
    def test_no_reason_outlives_the_name(self, house: House) -> None:
        """Neither that of the sale nor that of the refund.

        What was sold stays, and the books still hold.
        """
        house.ok(
            "sell",
            f"#{ADA}",
            "mug",
            "--price",
            "25",
            "--key",
            "k-1",
            "--reason",
            self.SOLD,
            "--yes",
        )
        house.ok("refund", "k-1", "--note", self.RETURNED, "--yes")
        assert self.left(house) == {self.SOLD, self.RETURNED}
        assert self.SOLD in house.ok("shop", "sale", "k-1").out
        assert self.RETURNED in house.ok("history", f"#{ADA}").out
        house.ok("residents", "erase", f"#{ADA}", "--yes")
        assert self.left(house) == set()
        [sale] = house.ok("shop", "sales", "--json").json
        assert (sale["note"], sale["lines"][0]["price"]) == ("", 25)
        assert house.ok("reconcile").code == 0


class TestLooking:
    """Sales, one sale, the report, fairs: for a person, a program and a spreadsheet."""

    def test_nothing_yet(self, house: House) -> None:
        """Said in words."""
        assert house.ok("shop", "sales").out == "no sales\n"
        assert (
            house.ok("shop", "events").out == "no fairs; shop open EVENT --title TEXT opens one\n"
        )
        assert (
            house.ok("shop", "sales", "--json").json
            == house.ok("shop", "events", "--json").json
            == []
        )
        assert "5 items did not move" in house.ok("shop", "report").out
        assert house.run("shop", "sale", "nope").code == 6

    def test_sales(self, house: House) -> None:
        """All three forms say the same."""
        a_fair(house)
        a_sale(house)
        together = [
            "sell",
            f"#{ADA}",
            "mug",
            "--also",
            f"#{RICH}=10",
            "--event",
            "FAIR-1",
            "--key",
            "s-2",
        ]
        house.ok(*together, "--price", "25", "--reason", "Скол", "--yes")
        house.ok("refund", "s-1", "--note", "x", "--yes")
        found = house.ok("shop", "sales", "--json").json
        assert [(one["sale"]["id"], one["refunded"], len(one["payments"])) for one in found] == [
            ("s-1", [1], 1),
            ("s-2", [], 2),
        ]
        rows = list(csv.DictReader(io.StringIO(house.ok("shop", "sales", "--csv").out)))
        assert [
            (row["sale"], row["item"], row["price"], row["listed"], row["refunded"]) for row in rows
        ] == [
            ("s-1", "pen", "7", "7", "1"),
            ("s-2", "mug", "25", "30", "0"),
        ]
        out = house.ok("shop", "sales").out
        assert "2 sales, 25 coins" in out
        assert re.search(r"s-1 .* 0  refunded", out)
        assert [
            one["sale"]["id"]
            for one in house.ok("shop", "sales", "--event", "fair-1", "--json").json
        ] == ["s-2"]
        shown = house.ok("shop", "sale", "s-2").out
        for words in (
            "fair-1",
            "by anna",
            "Скол",
            "catalog 30",
            f"#{ADA} ",
            "paid 15",
            f"#{RICH} ",
            "paid 10",
        ):
            assert words in shown

    def test_the_report(self, house: House) -> None:
        """Best sellers first, what does not move, and how many have nothing."""
        a_sale(house)
        house.ok("sell", f"#{RICH}", "mug", "--yes")
        report = house.ok("shop", "report", "--json").json
        assert [(one["item"], one["pieces"], one["coins"], one["left"]) for one in report["items"]][
            :3
        ] == [
            ("pen", 2, 14, 8),
            ("mug", 1, 30, 4),
            ("big-mug", 0, 0, 2),
        ]
        buyers = {one["resident"]: one for one in report["buyers"]}
        assert (buyers[ADA]["spent"], buyers[ADA]["balance"], buyers[RICH]["pieces"]) == (14, 86, 1)
        rows = csv.DictReader(io.StringIO(house.ok("shop", "report", "--csv").out))
        assert {int(row["resident"]): int(row["spent"]) for row in rows} == {
            id: one["spent"] for id, one in buyers.items()
        }
        out = house.ok("shop", "report").out
        assert "3 items did not move" in out
        assert re.search(r"\d+ residents bought nothing, \d+ of them have no coins", out)
        everybody = house.ok("shop", "report", "-v").out
        assert everybody.count("\n#") == len(report["buyers"]) > out.count("\n#") == 2

    def test_the_report_of_a_branch_and_of_days(self, house: House) -> None:
        """What its residents bought, and then."""
        a_sale(house)
        with house.reader() as reader:
            ada = reader.resident(ADA)
        assert ada is not None
        other = 2 if ada.branches == (1,) else 1
        pens = [
            house.ok("shop", "report", "--branch", str(branch), "--json").json["items"][0]["coins"]
            for branch in (3 - other, other)
        ]
        assert pens == [14, 0]
        assert (
            house.ok("shop", "report", "--until", "2020-01-01", "--json").json["items"][0]["coins"]
            == 0
        )
        assert (
            house.run("shop", "report", "--since", "2026-02-01", "--until", "2026-01-01").code == 2
        )

    def test_a_fair_from_beginning_to_end(self, house: House) -> None:
        """Opened, sold at, closed, and closed for good."""
        a_fair(house)
        assert house.ok("shop", "open", "fair-1", "--yes").out == "fair-1 is there already, open\n"
        house.ok("sell", f"#{ADA}", "mug", "--event", "fair-1", "--yes")
        out = house.ok("shop", "close", "FAIR-1", "--yes").out
        assert "coins taken 30 = fall of balances 30 = sale lines 30" in out
        assert "mug: received 5 − left 4 = sold 1 + written off 0" in out
        [event] = house.ok("shop", "events", "--json").json
        assert (event["title"], event["closed_by"]) == ("Осенняя ярмарка", "anna")
        assert "by anna" in house.ok("shop", "events").out
        for words in (("shop", "close", "fair-1"), ("sell", f"#{ADA}", "mug", "--event", "fair-1")):
            said = house.run(*words, "--yes")
            assert (said.code, "fair-1 was closed on" in said.err) == (7, True)
        assert house.run("till", "--event", "fair-1").code == 7

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("open", "Ярмарка"), 2, "is no code"),
            (("open", "a b"), 2, "is no code"),
            (("open", "fair", "--title", "x" * 121), 2, "at most 120 are kept"),
            (("close", "nope"), 6, "no fair is called 'nope'"),
        ],
    )
    def test_what_cannot_be(
        self, house: House, words: tuple[str, ...], code: int, says: str
    ) -> None:
        """Told in one line."""
        said = house.run("shop", *words, "--yes")
        assert (said.code, says in said.err) == (code, True), said.err
