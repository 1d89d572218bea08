"""The shop's commands as staff type them: sell, refund, and everything under shop."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

import cli
from coinsync.core.catalog import Item
from tests.support import engines
from tests.support.goods import an_item, fill
from tests.support.school import Installation
from tests.support.terminal import ENTER, QUESTION, in_terminal

ENGINES = engines.BOTH

ADA, RICH, POOR = 102, 106, 115
MOSCOW = ZoneInfo("Europe/Moscow")
FRESH = re.compile(r"[0-9a-f]{12}")

GOODS: dict[Item, int] = {
    an_item("mug", 30, name="Кружка"): 5,
    an_item("big-mug", 45, name="Кружка большая", place=2): 2,
    an_item("pen", 7, name="Ручка [red]", place=3): 10,
    an_item("lesson", 20, name="Занятие в подарок", place=4, tracked=False): 0,
    an_item("bag", 60, name="Рюкзак", branches=(2,), place=5): 1,
}


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync, with a shop.

    Ada has 100 coins, who is rich 200, who is poor 5.
    """
    balances = desk.balances()
    purses = {ADA: 100 - balances[ADA], RICH: 200 - balances[RICH]}
    fill(desk, GOODS, purses)
    desk.ok("debit", f"#{POOR}", str(balances[POOR] - 5), "--reason", "Потратил", "--yes")
    return desk


def a_fair(installation: Installation) -> str:
    """An open fair."""
    installation.ok("shop", "open", "fair-1", "--title", "Осенняя ярмарка", "--yes")
    return "fair-1"


def a_sale(installation: Installation, key: str = "s-1") -> str:
    """Two pens and nothing else, for Ada."""
    installation.ok("sell", f"#{ADA}", "pen", "--quantity", "2", "--key", key, "--yes")
    return key


def left(installation: Installation, code: str) -> int:
    """Pieces that are left."""
    with installation.reader() as reader:
        return reader.stock([code])[code]


#: Every command that writes, and how many entries it posts.
WRITING: dict[str, tuple[Callable[[Installation], list[str]], int]] = {
    "sell": (lambda _: ["sell", f"#{ADA}", "mug", "--key", "k-1"], 1),
    "sell together": (
        lambda _: ["sell", f"#{ADA}", "mug", "--also", f"#{RICH}=10", "--key", "k-2"],
        2,
    ),
    "refund": (lambda installation: ["refund", a_sale(installation), "--note", "Сломалась"], 1),
    "shop open": (lambda _: ["shop", "open", "fair-2"], 0),
    "shop close": (lambda installation: ["shop", "close", a_fair(installation)], 0),
}


class TestEveryWritingCommand:
    """Looked at first, agreed to, written once, and told."""

    @pytest.mark.parametrize("name", WRITING)
    def test_what_a_dry_run_shows_is_what_is_written(
        self, installation: Installation, name: str
    ) -> None:
        """Nothing is written by looking or where nobody can agree; then exactly what was shown."""
        make, entries = WRITING[name]
        command = make(installation)
        before, count = installation.tables(), len(installation.ledger())
        looked = installation.ok(*command, "--dry-run", "--json").json
        assert (looked["dry_run"], looked["receipt"]) == (True, None)
        assert installation.ok(*command, "--dry-run").out.endswith("dry run: nothing written\n")
        for alone in (installation.run(*command), installation.run(*command, "--json")):
            assert (alone.code, "nobody is there to ask; nothing written" in alone.err) == (2, True)
        assert installation.tables() == before
        done = installation.ok(*command, "--yes", "--json").json
        assert {one: done[one] for one in ("moves", "digest", "words", "key")} == {
            one: looked[one] for one in ("moves", "digest", "words", "key")
        }
        assert len(done["moves"]) == entries == len(installation.ledger()) - count
        for move in done["moves"]:
            assert (
                move["after"]
                == move["before"] + move["coins"]
                == installation.balance(move["resident"])
            )

    @pytest.mark.parametrize("name", WRITING)
    def test_a_quiet_one_says_nothing(self, installation: Installation, name: str) -> None:
        """And its work is done."""
        command = WRITING[name][0](installation)
        with installation.reader() as reader:
            runs = reader.head().runs
        said = installation.ok(*command, "--yes", "--quiet")
        with installation.reader() as reader:
            assert (said.out, said.err, reader.head().runs) == ("", "", runs + 1)

    def test_a_person_is_shown_and_asked(self, installation: Installation) -> None:
        """In a terminal; yes writes it."""
        shown = in_terminal(installation, "sell", f"#{ADA}", "mug", answer=f"y{ENTER}")
        assert shown.code == 0
        assert "100    -30     70" in shown.text
        assert (
            shown.text.index("sale ")
            < shown.text.index(QUESTION)
            < shown.text.index("posted (-30)")
        )
        assert in_terminal(installation, "sell", f"#{ADA}", "mug", answer=ENTER).text.endswith(
            "nothing written\n"
        )
        assert installation.balance(ADA) == 70


class TestSell:
    """Debit, stock and sale in one."""

    def test_a_sale(self, installation: Installation) -> None:
        """The family reads what it was; the key is shown, so that it can be repeated."""
        out = installation.ok("sell", f"#{ADA}", "mug", "--quantity", "2", "--yes").out
        assert FRESH.search(out)
        assert (installation.balance(ADA), left(installation, "mug")) == (40, 3)
        assert "Кружка × 2" in installation.ok("history", f"#{ADA}", "--limit", "1").out
        assert "Кружка × 2" in installation.ok("statement", f"#{ADA}").out

    def test_goods_by_name(self, installation: Installation) -> None:
        """The whole name before a part of one; several are listed."""
        installation.ok("sell", f"#{ADA}", "кружка", "--yes")
        assert left(installation, "mug") == 4
        said = installation.run("sell", f"#{ADA}", "круж", "--yes")
        assert (said.code, "big-mug Кружка большая" in said.err) == (6, True)

    def test_who_pays_what(self, installation: Installation) -> None:
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
        installation.ok(*words, "--yes")
        assert [installation.balance(one) for one in (ADA, RICH, POOR)] == [75, 140, 0]

    def test_a_key_repeated(self, installation: Installation) -> None:
        """Sold once, both exit 0; for another sale 7."""
        words = ["sell", f"#{ADA}", "mug", "--key", "K-9", "--yes"]
        installation.ok(*words)
        before = installation.tables()
        assert installation.ok(*words).out == "sold already: sale k-9\n"
        other = installation.run("sell", f"#{RICH}", "mug", "--key", "k-9", "--yes")
        assert (other.code, "key k-9 is another sale already: Кружка for #102" in other.err) == (
            7,
            True,
        )
        assert installation.tables() == before

    def test_another_day(self, installation: Installation) -> None:
        """Yesterday's sale that nobody could enter."""
        yesterday = cli.utc_now().date() - timedelta(1)
        installation.ok("sell", f"#{ADA}", "mug", "--date", str(yesterday), "--key", "k-1", "--yes")
        assert installation.ledger()[-1].entry.happened_on == yesterday
        assert (
            installation.ok("shop", "sales", "--until", str(yesterday), "--json").json[0]["sale"][
                "id"
            ]
            == "k-1"
        )

    def test_markup_in_a_name_is_text(self, installation: Installation) -> None:
        """Nothing is coloured, nothing breaks."""
        a_sale(installation)
        for words in (("shop", "sales"), ("shop", "sale", "s-1"), ("shop", "report")):
            assert "Ручка [red]" in installation.ok(*words).out

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
            (("#102", "mug", "--also", "#106=x"), 2, "expected RESIDENT=COINS"),
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
        self, installation: Installation, words: tuple[str, ...], code: int, says: str
    ) -> None:
        """Told in one line, and nothing is written."""
        before = installation.tables()
        said = installation.run("sell", *words, "--yes")
        assert (said.code, says in said.err) == (code, True), said.err
        assert installation.tables() == before


class TestRefund:
    """Coins and goods come back."""

    def test_whole_and_once(self, installation: Installation) -> None:
        """7 the second time."""
        a_sale(installation)
        out = installation.ok("refund", "S-1", "--note", "Не пишет", "--yes").out
        assert "sale s-1: Ручка [red] × 2 back" in out
        assert (installation.balance(ADA), left(installation, "pen")) == (100, 10)
        again = installation.run("refund", "s-1", "--note", "Не пишет", "--yes")
        assert (again.code, "sale s-1 is refunded already; nothing written" in again.err) == (
            7,
            True,
        )

    def test_lines(self, installation: Installation) -> None:
        """As `shop sale` numbers them; one at a time or several."""
        a_sale(installation)
        installation.ok("refund", "s-1", "--line", "1", "--note", "Не пишет", "--yes")
        shown = installation.ok("shop", "sale", "s-1").out
        assert re.search(r"1  Ручка \[red\]\s+pen\s+2\s+7\s+14  refunded", shown)

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("nope", "--note", "x"), 6, "sale 'nope' does not exist"),
            (("s-1", "--line", "2", "--note", "x"), 6, "sale s-1 has no line 2"),
            (("s-1", "--line", "0", "--note", "x"), 6, "sale s-1 has no line 0"),
            (("s-1", "--line", "x", "--note", "x"), 2, "--line"),
            (("s-1",), 2, "say why: --note TEXT"),
            (("s-1", "--note", "x", "--date", "2020-01-01"), 2, "is before the sale"),
        ],
    )
    def test_what_cannot_be(
        self, installation: Installation, words: tuple[str, ...], code: int, says: str
    ) -> None:
        """Told in one line."""
        a_sale(installation)
        before = installation.tables()
        said = installation.run("refund", *words, "--yes")
        assert (said.code, says in said.err) == (code, True), said.err
        assert installation.tables() == before

    def test_a_purchase_is_not_reversed_by_hand(self, installation: Installation) -> None:
        """7, with the command that takes the goods back too."""
        a_sale(installation)
        bought = installation.ledger()[-1]
        said = installation.run("reverse", str(bought.n), "--note", "x", "--yes")
        key = bought.entry.key.split(":")[1]
        assert (said.code, f"coinsync refund {key}" in said.err) == (7, True), said.err


class TestErased:
    """Why something was sold or given back is told to the family, and goes with it."""

    SOLD, RETURNED = "Скидка-за-тайное", "Вернула-тайная"

    def left(self, installation: Installation) -> set[str]:
        """Which of the reasons still stand anywhere in the database's files, byte by byte."""
        content = b"".join(path.read_bytes() for path in installation.folder.glob("coinsync.db*"))
        return {text for text in (self.SOLD, self.RETURNED) if text.encode() in content}

    @pytest.mark.sqlite
    def test_no_reason_outlives_the_name(self, installation: Installation) -> None:
        """Neither that of the sale nor that of the refund.

        What was sold stays, and the books still hold.
        """
        installation.ok(
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
        installation.ok("refund", "k-1", "--note", self.RETURNED, "--yes")
        assert self.left(installation) == {self.SOLD, self.RETURNED}
        assert self.SOLD in installation.ok("shop", "sale", "k-1").out
        assert self.RETURNED in installation.ok("history", f"#{ADA}").out
        installation.ok("residents", "erase", f"#{ADA}", "--yes")
        assert self.left(installation) == set()
        [sale] = installation.ok("shop", "sales", "--json").json
        assert (sale["note"], sale["lines"][0]["price"]) == ("", 25)
        assert installation.ok("reconcile").code == 0


class TestLooking:
    """Sales, one sale, the report, fairs: for a person, a program and a spreadsheet."""

    def test_nothing_yet(self, installation: Installation) -> None:
        """Said in words."""
        assert installation.ok("shop", "sales").out == "no sales\n"
        assert (
            installation.ok("shop", "events").out
            == "no fairs; shop open EVENT --title TEXT opens one\n"
        )
        assert (
            installation.ok("shop", "sales", "--json").json
            == installation.ok("shop", "events", "--json").json
            == []
        )
        assert "5 items did not move" in installation.ok("shop", "report").out
        assert installation.run("shop", "sale", "nope").code == 6

    def test_sales(self, installation: Installation) -> None:
        """All three forms say the same."""
        a_fair(installation)
        a_sale(installation)
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
        installation.ok(*together, "--price", "25", "--reason", "Скол", "--yes")
        installation.ok("refund", "s-1", "--note", "x", "--yes")
        found = installation.ok("shop", "sales", "--json").json
        assert [(one["sale"]["id"], one["refunded"], len(one["payments"])) for one in found] == [
            ("s-1", [1], 1),
            ("s-2", [], 2),
        ]
        rows = list(csv.DictReader(io.StringIO(installation.ok("shop", "sales", "--csv").out)))
        assert [
            (row["sale"], row["item"], row["price"], row["listed"], row["refunded"]) for row in rows
        ] == [
            ("s-1", "pen", "7", "7", "1"),
            ("s-2", "mug", "25", "30", "0"),
        ]
        out = installation.ok("shop", "sales").out
        assert "2 sales, 25 coins" in out
        assert re.search(r"s-1 .* 0  refunded", out)
        assert [
            one["sale"]["id"]
            for one in installation.ok("shop", "sales", "--event", "fair-1", "--json").json
        ] == ["s-2"]
        shown = installation.ok("shop", "sale", "s-2").out
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

    def test_the_report(self, installation: Installation) -> None:
        """Best sellers first, what does not move, and how many have nothing."""
        a_sale(installation)
        installation.ok("sell", f"#{RICH}", "mug", "--yes")
        report = installation.ok("shop", "report", "--json").json
        assert [(one["item"], one["pieces"], one["coins"], one["left"]) for one in report["items"]][
            :3
        ] == [
            ("pen", 2, 14, 8),
            ("mug", 1, 30, 4),
            ("big-mug", 0, 0, 2),
        ]
        buyers = {one["resident"]: one for one in report["buyers"]}
        assert (buyers[ADA]["spent"], buyers[ADA]["balance"], buyers[RICH]["pieces"]) == (14, 86, 1)
        rows = csv.DictReader(io.StringIO(installation.ok("shop", "report", "--csv").out))
        assert {int(row["resident"]): int(row["spent"]) for row in rows} == {
            id: one["spent"] for id, one in buyers.items()
        }
        out = installation.ok("shop", "report").out
        assert "3 items did not move" in out
        assert re.search(r"\d+ residents bought nothing, \d+ of them have no coins", out)
        everybody = installation.ok("shop", "report", "-v").out
        assert everybody.count("\n#") == len(report["buyers"]) > out.count("\n#") == 2

    def test_the_report_of_a_branch_and_of_days(self, installation: Installation) -> None:
        """What its residents bought, and then."""
        a_sale(installation)
        with installation.reader() as reader:
            ada = reader.resident(ADA)
        assert ada is not None
        other = 2 if ada.branches == (1,) else 1
        pens = [
            installation.ok("shop", "report", "--branch", str(branch), "--json").json["items"][0][
                "coins"
            ]
            for branch in (3 - other, other)
        ]
        assert pens == [14, 0]
        assert (
            installation.ok("shop", "report", "--until", "2020-01-01", "--json").json["items"][0][
                "coins"
            ]
            == 0
        )
        assert (
            installation.run(
                "shop", "report", "--since", "2026-02-01", "--until", "2026-01-01"
            ).code
            == 2
        )

    def test_sales_in_the_order_in_which_they_were_made(self, installation: Installation) -> None:
        """With time, clerk and everybody who paid, also after a refund and in a spreadsheet."""
        a_sale(installation, "z-1")
        together = ("sell", f"#{ADA}", "mug", "--also", f"#{RICH}=10")
        installation.ok("--actor", "boris", *together, "--key", "a-2", "--yes")
        installation.ok("refund", "z-1", "--note", "x", "--yes")
        installation.ok("sell", f"#{RICH}", "pen", "--key", "k-3", "--yes")
        found = installation.ok("shop", "sales", "--json").json
        assert [one["sale"]["id"] for one in found] == ["z-1", "a-2", "k-3"]
        assert found[0]["payments"] == [
            {"resident": ADA, "name": "Ада Д.", "coins": 0, "returned": 14}
        ]
        now = cli.utc_now().astimezone(ZoneInfo("Europe/Moscow"))
        assert found[0]["made_at"][:13] in {
            f"{now - timedelta(minutes=n):%Y-%m-%d %H}" for n in (0, 5)
        }
        out = installation.ok("shop", "sales").out
        assert re.search(
            rf"a-2 +{re.escape(found[1]['made_at'])}  boris  #102 Ада Д\. .* 30\n", out
        )
        assert "#106 Рената С." in out
        rows = list(csv.DictReader(io.StringIO(installation.ok("shop", "sales", "--csv").out)))
        assert [row["buyers"] for row in rows] == [
            "#102 Ада Д.",
            "#102 Ада Д.; #106 Рената С.",
            "#106 Рената С.",
        ]
        assert "paid 14, 14 given back" in installation.ok("shop", "sale", "z-1").out

    def test_the_report_of_a_fair(self, installation: Installation) -> None:
        """Its own sales and moves of stock, who sold and when; what came back later is told."""
        a_sale(installation, "s-0")
        a_fair(installation)
        installation.ok("sell", f"#{ADA}", "mug", "--event", "fair-1", "--key", "s-1", "--yes")
        words = ("sell", f"#{RICH}", "pen", "--event", "fair-1", "--key", "s-2", "--yes")
        installation.ok("--actor", "boris", *words)
        installation.ok("catalog", "stock", "receive", "pen", "3", "--yes")
        installation.ok("shop", "close", "fair-1", "--yes")
        installation.ok("refund", "s-2", "--note", "x", "--yes")
        out = installation.ok("shop", "report", "--event", "FAIR-1").out
        assert "2 sales, coins taken 37, lines refunded 0\n" in out
        assert "after closing: lines refunded 1; these figures stay\n" in out
        assert re.search(r"anna +1 +30\nboris +1 +7\n", out)
        assert re.search(r"hour +sales +coins\n\d{4}-\d\d-\d\d \d\d ", out)
        assert re.search(r"Ручка \[red\] +pen +1 +7 +3\n", out)
        assert re.search(
            r"s-2 .*refunded after closing fair-1", installation.ok("shop", "sales").out
        )
        assert "big-mug" not in out
        assert installation.run("shop", "report", "--event", "nope").code == 6
        days = ("--event", "fair-1", "--since", "2026-01-01")
        assert installation.run("shop", "report", *days).code == 2

    def test_a_fair_from_beginning_to_end(self, installation: Installation) -> None:
        """Opened, sold at, closed, and closed for good."""
        a_fair(installation)
        assert (
            installation.ok("shop", "open", "fair-1", "--yes").out
            == "fair-1 is there already, open\n"
        )
        installation.ok("sell", f"#{ADA}", "mug", "--event", "fair-1", "--yes")
        out = installation.ok("shop", "close", "FAIR-1", "--yes").out
        assert "coins taken 30, lines refunded 0\nmug: 1 sold\n" in out
        [event] = installation.ok("shop", "events", "--json").json
        assert (event["title"], event["closed_by"]) == ("Осенняя ярмарка", "anna")
        assert "by anna" in installation.ok("shop", "events").out
        table = installation.ok("shop", "events", "--csv").out.splitlines()
        assert table[0] == "code,title,opened_on,closed_on,closed_by"
        assert table[1].startswith("fair-1,Осенняя ярмарка,")
        heading = installation.ok("shop", "report", "--event", "fair-1").out.splitlines()[0]
        assert heading.count(event["opened_on"]) == 1
        for words in (
            ("shop", "close", "fair-1"),
            ("shop", "open", "fair-1"),
            ("sell", f"#{ADA}", "mug", "--event", "fair-1"),
        ):
            said = installation.run(*words, "--yes")
            assert (said.code, "fair-1 was closed on" in said.err) == (7, True)
        assert installation.run("till", "--event", "fair-1").code == 7

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
        self, installation: Installation, words: tuple[str, ...], code: int, says: str
    ) -> None:
        """Told in one line."""
        said = installation.run("shop", *words, "--yes")
        assert (said.code, says in said.err) == (code, True), said.err
