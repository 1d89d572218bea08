"""The till: a person types, children wait.

What is typed wrongly is forgiven, what was confirmed is sold, and once.
"""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import select
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from coinsync.core.catalog import Item
from coinsync.core.ledger import Posted
from coinsync.core.till import other_layout, payers, picked, who_and_goods
from coinsync.errors import CoinsyncError, NotFound, OutcomeUnknown
from tests.support.catalog_file import archive_goods, edit_goods
from tests.support.goods import an_item, fill
from tests.support.school import Installation, Said

ADA, RICH, TWIN, POOR = 102, 106, 107, 115
SECONDS_MAX = 30.0
ENVIRON = {"USER": "anna", "TERM": "xterm", "LANG": "C.UTF-8"}
SOLD = re.compile(r"  sold, .*   sale ([0-9a-f]{12}) ")

MUG, PEN, CAP = (
    an_item("mug", 30, name="Кружка"),
    an_item("pen", 7, name="Ручка"),
    an_item("cap", 45, name="Кепка"),
)
LESSON = an_item("lesson", 20, name="Урок в подарок", tracked=False, place=9)
GOODS: dict[Item, int] = {CAP: 1, MUG: 5, PEN: 10, LESSON: 0}


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync, with a shop; Ada has 100 coins, who is rich 200."""
    balances = desk.balances()
    fill(desk, GOODS, {ADA: 100 - balances[ADA], RICH: 200 - balances[RICH]})
    return desk


class Person(io.StringIO):
    """Somebody who types lines; what is called in between happens meanwhile.

    At the end nobody types any more.
    """

    def __init__(self, *lines: str | Callable[[], object]) -> None:
        super().__init__()
        self.lines = list(lines)

    def readline(self, _size: int = -1, /) -> str:  # type: ignore[override]
        """The next line."""
        while self.lines:
            line = self.lines.pop(0)
            if isinstance(line, str):
                return f"{line}\n"
            line()
        return ""


@pytest.fixture
def type_at(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Type lines at a till of the installation."""

    def at_till(*lines: str | Callable[[], object], event: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", Person(*lines))
        return installation.run("till", *(("--event", event) if event else ()))

    return at_till


Till = Callable[..., Said]


def sales(installation: Installation) -> list[Posted]:
    """Purchases and refunds in the ledger."""
    return [
        posted for posted in installation.ledger() if posted.entry.kind.value in ("sale", "refund")
    ]


def left(installation: Installation, code: str) -> int:
    """Pieces that are left."""
    with installation.reader() as reader:
        return reader.stock([code])[code]


# --- what a line of choices means
# ------------------------------------------------------------------------------------

SHELF = dict(
    enumerate(
        (
            CAP,
            MUG,
            PEN,
            LESSON,
            an_item("2", 1, name="Наклейка"),
            an_item("big-mug", 50, name="Кружка большая"),
        ),
        1,
    )
)


class TestPicked:
    """Numbers of the list, codes or names, each perhaps so many times."""

    @pytest.mark.parametrize(
        ("text", "chosen"),
        [
            ("1", {"cap": 1}),
            ("1 3", {"cap": 1, "pen": 1}),
            ("1, 3,4", {"cap": 1, "pen": 1, "lesson": 1}),
            ("2 2", {"mug": 2}),
            ("2x3", {"mug": 3}),
            ("2X3", {"mug": 3}),
            ("2х3", {"mug": 3}),
            ("2ч3", {"mug": 3}),
            ("02*3 2×1", {"mug": 4}),
            ("2*3 mug", {"mug": 4}),
            ("MUG*2", {"mug": 2}),
            ("mug×2", {"mug": 2}),
            ("ьгп", {"mug": 1}),
            ("ручка", {"pen": 1}),
            ("руч*2 кеп", {"pen": 2, "cap": 1}),
            ("hexrf", {"pen": 1}),
            ("кружка", {"mug": 1}),
            ("кружка большая", {"big-mug": 1}),
            ("урок в подарок", {"lesson": 1}),
            ("5", {"2": 1}),
            ("наклейка*2", {"2": 2}),
        ],
    )
    def test_understood(self, text: str, chosen: dict[str, int]) -> None:
        """In any order, layout and case."""
        assert {pick.item.code: pick.quantity for pick in picked(text, SHELF)} == chosen

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("0", "'0' is not on the list"),
            ("7", "'7' is not on the list"),
            ("-1", "'-1' is not on the list"),
            ("-", "'-' is not on the list"),
            ("1 99", "'99' is not on the list"),
            ("нет", "'нет' is not on the list"),
            ("2x0", "'2x0': how many?"),
            ("mug*0", "'mug*0': how many?"),
            ("к", "6 goods answer to 'к'"),
            ("круж", "2 goods answer to 'круж'"),
            ("٣", "'٣' is not on the list"),
        ],
    )
    def test_not_understood(self, text: str, says: str) -> None:
        """Told, and nothing is guessed."""
        with pytest.raises(CoinsyncError) as caught:
            picked(text, SHELF)
        assert caught.value.message.startswith(says)

    def test_nothing_on_an_empty_shelf(self) -> None:
        """Whatever is typed."""
        with pytest.raises(NotFound):
            picked("1", {})

    @pytest.mark.parametrize(
        ("line", "cut"),
        [
            ("150 1 2x3", ("150", "1 2x3")),
            ("#150", ("#150", "")),
            ("ада д 1 pen", ("ада д", "1 pen")),
            ("ада д", ("ада д", "")),
            ("150+160=33 2", ("150+160=33", "2")),
            ("ада+рената=33 pen", ("ада+рената=33", "pen")),
            ("150 кружка большая", ("150", "кружка большая")),
        ],
    )
    def test_who_then_goods(self, line: str, cut: tuple[str, str]) -> None:
        """A number is a whole buyer, a name ends where a word has a digit."""
        assert who_and_goods(line) == cut

    def test_who_pays_what(self) -> None:
        """The first pays the rest."""
        assert payers("150+#160=33+ада=5") == [("150", None), ("#160", 33), ("ада", 5)]

    def test_the_other_layout_and_back(self) -> None:
        """Every key has its twin."""
        assert (other_layout("flf"), other_layout("Ада"), other_layout("`;brf")) == (
            "ада",
            "flf",
            "ёжика",
        )
        assert other_layout(other_layout("щётка, 2")) == "щётка, 2"


# --- at the till ----------------------------------------------------------------------------------
# -------------------


class TestTill:
    """Who buys and what, in one line; yes; the next one."""

    def test_a_sale(self, installation: Installation, type_at: Till) -> None:
        """Goods once, the choice with its price, what is left, the key, and the sum."""
        said = type_at(f"#{ADA} 2 3x2", "", f"#{RICH} 3", "", "0")
        assert (said.code, said.err) == (0, "")
        for words in ("Кружка", "Ручка × 2  14", "100 → 56", "sell for 44? [Y/n] "):
            assert words in said.out
        keys = re.findall(r"  sold, (\d+) left   sale ([0-9a-f]{12})   (.*)\n", said.out)
        assert [(left, total) for left, _, total in keys] == [
            ("56", "1 sale, 44 coins"),
            ("193", "2 sales, 51 coins"),
        ]
        assert said.out.endswith("2 sales, 51 coins\n")
        assert said.out.count("Кепка") == 1
        assert installation.balance(ADA) == 56
        assert (left(installation, "mug"), left(installation, "pen")) == (4, 7)
        shown = installation.ok("shop", "sale", keys[0][1], "--json").json
        assert shown["sale"]["actor"] == "anna"

    def test_many_buyers_and_a_fair(self, installation: Installation, type_at: Till) -> None:
        """Each sale under its own key, booked to the fair, whose name stands in the prompt."""
        installation.ok("shop", "open", "fair", "--title", "Ярмарка", "--yes")
        said = type_at(
            f"{ADA} pen", "y", "рената с", "1", "cap", "да", f"#{ADA} 2", "y", "0", event="FAIR"
        )
        assert len(set(SOLD.findall(said.out))) == 3
        assert said.out.startswith("fair  Ярмарка\n")
        assert said.out.count("fair> ") == 4
        assert said.out.endswith("3 sales, 82 coins\n")
        sold = installation.ok("shop", "sales", "--json").json
        assert [one["sale"]["event"] for one in sold] == ["fair"] * 3
        assert "2 residents answer to 'рената с'" in said.out
        assert f"   1  #{RICH} Рената С. (Python-2, " in said.out
        assert f"#{RICH} Рената С.   balance 200\ngoods> " in said.out

    def test_nobody_chosen(self, installation: Installation, type_at: Till) -> None:
        """Nothing but a number of the list chooses; the till goes on."""
        said = type_at("рената с 1", "3", "рената с 1", "x", "рената с 1", "", "0")
        assert said.out.count("number> ") == said.out.count("; none was chosen") == 3
        assert (said.out.endswith("0 sales, 0 coins\n"), sales(installation)) == (True, [])

    def test_together(self, installation: Installation, type_at: Till) -> None:
        """Who is named with coins pays so many, the first of them the rest."""
        said = type_at(
            f"{ADA}+{RICH}=33 1 2",
            "",
            f"{ADA}+{RICH} 1",
            f"{ADA}+{RICH}=x 1",
            f"{ADA}+{RICH}=90 1",
            "0",
        )
        assert "  sold, 58 left, 167 left   sale " in said.out
        assert (installation.balance(ADA), installation.balance(RICH)) == (58, 167)
        assert f"'{RICH}': expected RESIDENT=COINS" in said.out
        assert f"'{RICH}=x': expected RESIDENT=COINS" in said.out
        assert "the parts make 90 coins, the price is 45" in said.out
        [sale] = installation.ok("shop", "sales", "--json").json
        assert [(one["resident"], one["coins"]) for one in sale["payments"]] == [
            (ADA, 42),
            (RICH, 33),
        ]

    def test_a_number_is_the_same_goods_all_day(
        self, installation: Installation, type_at: Till
    ) -> None:
        """Also after others are sold out; what the buyer's branch does not sell is not there."""
        edit_goods(installation, "mug", branches="2")
        installation.ok("sell", f"#{RICH}", "cap", "--yes")
        said = type_at(f"#{ADA} 2", f"#{ADA} 1", f"#{ADA} 3", "y", "0")
        assert "'2' is not on the list" in said.out
        assert re.search(r"1  Кепка .* 0\n", said.out)
        assert "cap: 0 left, 1 needed" in said.out
        assert installation.balance(ADA) == 93

    def test_the_list(self, installation: Installation, type_at: Till) -> None:
        """On demand, and where it changed: then the numbers of the line may not be those meant."""
        archive = lambda: archive_goods(installation, "cap")  # noqa: E731
        said = type_at("?", archive, f"#{ADA} 1", f"#{ADA} 2", "", "0")
        assert said.out.count("Кружка") == 3
        assert "the goods have changed" in said.out
        assert (installation.balance(ADA), left(installation, "pen")) == (93, 9)

    def test_a_name_in_the_wrong_layout(self, installation: Installation, type_at: Till) -> None:
        """Nobody looks at the layout while children wait."""
        said = type_at("flf l", "руч", "н", "flf 3", "l", "0")
        assert f"#{ADA} " in said.out
        assert installation.balance(ADA) == 93

    @pytest.mark.parametrize("answer", ["", "y", "Y", "yes", "д", "Да", "у", "l", "lf", "нуы"])
    def test_yes(self, installation: Installation, type_at: Till, answer: str) -> None:
        """In both languages and layouts."""
        type_at(f"#{ADA} pen", answer, "0")
        assert installation.balance(ADA) == 93

    @pytest.mark.parametrize("answer", ["n", "N", "no", "н", "нет", "т", "тщ", "ytn"])
    def test_no(self, installation: Installation, type_at: Till, answer: str) -> None:
        """Nothing is sold."""
        said = type_at(f"#{ADA} cap", answer, f"#{ADA} pen", "y", "0")
        assert "  not sold\n" in said.out
        assert (installation.balance(ADA), left(installation, "cap")) == (93, 1)

    def test_neither_yes_nor_no_is_asked_again(
        self, installation: Installation, type_at: Till
    ) -> None:
        """A slip is not an answer."""
        said = type_at(f"#{ADA} pen", "2", "ok", "что", "y", "0")
        assert said.out.count("sell for 7? [Y/n] ") == 4
        assert installation.balance(ADA) == 93

    def test_a_change_of_mind(self, installation: Installation, type_at: Till) -> None:
        """An empty choice goes back; an empty line is nothing."""
        said = type_at("", f"#{ADA}", "", "", "0")
        assert said.out.count("buyer> ") == 4
        assert f"#{ADA} Ада Д.   balance 100\n" in said.out
        assert (said.out.endswith("0 sales, 0 coins\n"), sales(installation)) == (True, [])

    def test_what_is_typed_wrongly_is_told_and_forgotten(
        self, installation: Installation, type_at: Till
    ) -> None:
        """The till goes on where it was."""
        wrong = ("77", "zzz", "2x0", "mug*9", "mug mug mug mug")
        said = type_at("никто", "99999", *(f"#{ADA} {one}" for one in wrong), f"{ADA} 2", "y", "0")
        for words in (
            "no resident answers to 'никто'",
            "no resident answers to '99999'",
            "'77' is not on the list",
            "'zzz' is not on the list",
            "'2x0': how many?",
            "mug: 5 left, 9 needed; nothing written",
            f"#{ADA} Ада Д. has 100 coins, 120 needed; nothing written",
        ):
            assert f"  {words}" in said.out
        assert said.err == ""
        assert installation.balance(ADA) == 70

    def test_an_empty_shelf(self, installation: Installation, type_at: Till) -> None:
        """Nothing to choose from."""
        edit_goods(installation, "lesson", shown="no")
        archive_goods(installation, "cap", "mug", "pen")
        assert "nothing is on the shelf" in type_at("0").out

    @pytest.mark.parametrize("words", [("--json",), ("--quiet",)])
    def test_it_talks_with_a_person(
        self, installation: Installation, words: tuple[str, ...]
    ) -> None:
        """A program sells by another command."""
        said = installation.run("till", *words)
        assert (said.code, "it talks with a person" in said.err) == (2, True)

    def test_a_fair_that_is_not_open(self, installation: Installation, type_at: Till) -> None:
        """Known before the first child comes."""
        said = type_at(f"#{ADA}", event="nope")
        assert (said.code, "no fair is called 'nope'" in said.err) == (6, True)
        assert "> " not in said.out


def test_the_talk_in_the_documentation(installation: Installation, type_at: Till) -> None:
    """As it stands there; of what is typed a terminal shows the line's end too, and keys differ."""
    installation.ok("shop", "open", "fair-2026-12", "--yes")
    text = Path("docs/fairs.md").read_text(encoding="utf-8")
    talk = text.partition("```\nfair-2026-12> ")[2].partition("```")[0]
    typed = re.compile(r"(^(?:fair-2026-12|number)> |\[Y/n\] )(.*)\n", re.MULTILINE)
    lines = [answer for _, answer in typed.findall(f"fair-2026-12> {talk}")]
    said = type_at(*lines, event="fair-2026-12")
    shown = re.sub("sale [0-9a-f]{12}", "sale 3f9a12cd45ef", said.out)
    assert shown.endswith(typed.sub(r"\1", f"fair-2026-12> {talk}"))


class TestTakeBack:
    """The last sale of this clerk at this fair, whole, from the ledger."""

    def test_the_last_then_the_one_before(self, installation: Installation, type_at: Till) -> None:
        """Coins and goods come back; then there is nothing left to take back."""
        said = type_at(f"#{ADA} cap", "", f"#{RICH} mug", "", "-", "n", "-", "y", "-", "", "-", "0")
        assert said.out.count("take it back? [Y/n] ") == 3
        taken_back = re.findall(r"  taken back: sale ([0-9a-f]{12})   (.*)\n", said.out)
        assert [key for key, _ in taken_back] == list(reversed(SOLD.findall(said.out)))
        assert [total for _, total in taken_back] == ["1 sale, 45 coins", "0 sales, 0 coins"]
        assert "nothing of yours is left to take back" in said.out
        assert (installation.balance(ADA), installation.balance(RICH)) == (100, 200)
        assert left(installation, "cap") == 1

    def test_after_a_new_start(self, installation: Installation, type_at: Till) -> None:
        """What was sold before; not what others sold, or what was sold elsewhere."""
        installation.ok("shop", "open", "fair", "--yes")
        type_at(f"#{ADA} cap", "", "0", event="fair")
        installation.ok("--actor", "boris", "sell", f"#{RICH}", "pen", "--event", "fair", "--yes")
        installation.ok("sell", f"#{RICH}", "mug", "--yes")
        said = type_at("-", "", "-", "0", event="fair")
        assert "Кепка" in said.out
        assert "nothing of yours is left to take back" in said.out
        assert said.out.endswith("0 sales, 0 coins\n")
        assert (installation.balance(ADA), installation.balance(RICH)) == (100, 163)

    def test_what_somebody_else_took_back(self, installation: Installation, type_at: Till) -> None:
        """It is gone; meanwhile it is said."""

        def refund() -> None:
            key = sales(installation)[-1].entry.key.split(":")[1]
            installation.ok("refund", key, "--note", "Сломалась", "--yes")

        said = type_at(f"#{ADA} cap", "y", "-", refund, "y", "-", "0")
        assert "is refunded already" in said.out
        assert "nothing of yours is left to take back" in said.out
        assert installation.balance(ADA) == 100


class TestMeanwhile:
    """Other tills, the office, and a database that is busy."""

    def test_sold_out_meanwhile(self, installation: Installation, type_at: Till) -> None:
        """Between the choice and the yes; the list is shown anew."""
        said = type_at(
            f"#{ADA} cap",
            lambda: installation.ok("sell", f"#{RICH}", "cap", "--yes"),
            "y",
            f"#{ADA} pen",
            "y",
            "0",
        )
        assert "  cap: 0 left, 1 needed; nothing written" in said.out
        assert len(re.findall("1  Кепка ", said.out)) == 2
        assert said.out.endswith("1 sale, 7 coins\n")
        assert (installation.balance(ADA), left(installation, "cap")) == (93, 0)

    def test_a_price_that_changed_meanwhile(
        self, installation: Installation, type_at: Till
    ) -> None:
        """Nobody pays what was not shown; the new list has the new price."""
        said = type_at(
            f"#{ADA} cap",
            lambda: edit_goods(installation, "cap", price="50"),
            "y",
            f"#{ADA} cap",
            "y",
            "0",
        )
        assert "plan is stale: item cap moved; nothing written" in said.out
        assert said.out.endswith("1 sale, 50 coins\n")
        assert installation.balance(ADA) == 50

    def test_coins_spent_meanwhile(self, installation: Installation, type_at: Till) -> None:
        """At the other till."""
        said = type_at(
            f"#{ADA} cap",
            lambda: installation.ok("debit", f"#{ADA}", "80", "--reason", "x", "--yes"),
            "y",
            f"#{ADA} pen",
            "y",
            "0",
        )
        assert "has 20 coins, 45 needed; nothing written" in said.out
        assert installation.balance(ADA) == 13

    def test_a_fair_closed_meanwhile(self, installation: Installation, type_at: Till) -> None:
        """Nothing more is sold there."""
        installation.ok("shop", "open", "fair", "--yes")
        said = type_at(
            f"#{ADA} cap",
            lambda: installation.ok("shop", "close", "fair", "--yes"),
            "y",
            f"#{ADA} cap",
            "0",
            event="fair",
        )
        assert said.out.count("  fair was closed on") == 2
        assert sales(installation) == []

    @pytest.fixture
    def busy(self, installation: Installation) -> Iterator[sqlite3.Connection]:
        """Somebody else's connection, before it holds the database.

        The till waits for a second each time.
        """
        installation.configure(database__wait_seconds=1)
        with contextlib.closing(
            sqlite3.connect(installation.folder / "coinsync.db", check_same_thread=False)
        ) as other:
            other.isolation_level = None
            yield other

    def test_a_busy_database_is_tried_again(
        self, installation: Installation, type_at: Till, busy: sqlite3.Connection
    ) -> None:
        """Under the same key, until it is free."""
        pauses: list[float] = []

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            busy.execute("ROLLBACK")

        installation.sleep = sleep
        said = type_at(f"#{ADA} pen", lambda: busy.execute("BEGIN IMMEDIATE"), "y", "0")
        assert said.out.count("is busy; nothing written; trying again …") == 1
        assert (pauses, said.out.endswith("1 sale, 7 coins\n"), installation.balance(ADA)) == (
            [1.0],
            True,
            93,
        )

    def test_trying_again_has_an_end(
        self, installation: Installation, type_at: Till, busy: sqlite3.Connection
    ) -> None:
        """Then the person decides; the same choice is sold once."""
        pauses: list[float] = []
        installation.sleep = pauses.append
        said = type_at(
            f"#{ADA} pen",
            lambda: busy.execute("BEGIN IMMEDIATE"),
            "y",
            lambda: busy.execute("ROLLBACK"),
            f"#{ADA} pen",
            "y",
            "0",
        )
        assert pauses == [1.0, 2.0, 3.0, 4.0]
        assert "Type the same again: it is not written twice." in said.out
        assert (said.out.endswith("1 sale, 7 coins\n"), len(sales(installation))) == (True, 1)


class TestLostAnswer:
    """The sale was written, and the answer was lost."""

    @pytest.fixture
    def deaf(self, installation: Installation) -> list[str]:
        """Steps at which the connection is lost, one after the other."""
        steps: list[str] = []

        def probe(name: str) -> None:
            if steps and steps[0] == name:
                steps.pop(0)
                raise OutcomeUnknown("database: answer lost at commit")

        installation.probe = probe
        return steps

    @pytest.mark.parametrize("step", ["begin", "stock", "commit", "committed"])
    def test_it_is_looked_up_under_the_same_key(
        self, installation: Installation, type_at: Till, deaf: list[str], step: str
    ) -> None:
        """Sold once, and the person never knew."""
        installation.sleep = lambda _seconds: None
        deaf.append(step)
        said = type_at(f"#{ADA} pen", "y", "0")
        assert said.out.count("trying again …") == 1
        assert said.out.endswith("1 sale, 7 coins\n")
        assert (installation.balance(ADA), left(installation, "pen"), len(sales(installation))) == (
            93,
            9,
            1,
        )

    @pytest.mark.parametrize("again", [f"#{ADA} pen", f"#{RICH} cap"])
    def test_after_all_tries_the_next_line_tells(
        self, installation: Installation, type_at: Till, deaf: list[str], again: str
    ) -> None:
        """Whatever is typed then: what was written is told and counted, and nothing sold twice."""
        installation.sleep = lambda _seconds: None
        deaf.extend(["committed", *["begin"] * 4])
        said = type_at(f"#{ADA} pen", "y", again, "0")
        assert "it is not known whether this is written" in said.out
        said_again = "as you typed before" if "pen" in again else "the line before; type this one"
        assert f"  sold, {said_again}" in said.out
        assert said.out.endswith("1 sale, 7 coins\n")
        assert len(sales(installation)) == 1

    def test_a_refund_is_made_once(
        self, installation: Installation, type_at: Till, deaf: list[str]
    ) -> None:
        """Its lost answer is told, and the sale before it stays."""
        installation.sleep = lambda _seconds: None
        lose = lambda: deaf.append("committed")  # noqa: E731
        said = type_at(f"#{ADA} pen", "y", f"#{ADA} mug", "y", "-", lose, "y", "0")
        assert "is refunded already" in said.out
        assert (installation.balance(ADA), len(sales(installation))) == (93, 3)


# --- real terminals and pipes
# ----------------------------------------------------------------------------------------


class TestHangUp:
    """Whoever hangs up loses at most what was not confirmed."""

    def test_a_pipe(self, installation: Installation) -> None:
        """The whole talk at once, in a process of its own; the end of the pipe ends the till."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", "--config", str(installation.config), "till"],
            input=f"#{ADA} pen\ny\n#{RICH} cap\n",
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
            env=ENVIRON,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("sell for 45? [Y/n] \n1 sale, 7 coins\n")
        assert (installation.balance(ADA), installation.balance(RICH)) == (93, 200)

    @pytest.mark.parametrize("lines", [[], ["#102"], ["#102 cap"], ["#102 cap", "n"], ["рената с"]])
    def test_the_end_of_input_anywhere(
        self, installation: Installation, type_at: Till, lines: list[str]
    ) -> None:
        """Nothing is sold, nothing breaks."""
        said = type_at(*lines)
        assert (said.code, said.err, sales(installation)) == (0, "", [])
        assert said.out.endswith("\n0 sales, 0 coins\n")

    def test_rubbish(self, installation: Installation) -> None:
        """Bytes that are no text, control characters, and very long lines."""
        rubbish = b"\xff\xfe\n\x1b[2J\n\x00\n" + b"a" * 100_000 + b"\n\xd0\n#102 pen\ny\n0\n"
        done = subprocess.run(
            [sys.executable, "-m", "cli", "--config", str(installation.config), "till"],
            input=rubbish,
            capture_output=True,
            timeout=SECONDS_MAX,
            check=False,
            env={**ENVIRON, "PYTHONIOENCODING": "utf-8:strict"},
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"no resident answers to" in done.stdout
        assert b"\x1b" not in done.stdout
        assert installation.balance(ADA) == 93

    def test_a_terminal_that_goes_away(self, installation: Installation) -> None:
        """Before the yes nothing is sold; after it everything is, though nobody saw the receipt."""
        with a_terminal(installation) as till:
            till.say(f"#{ADA} pen", "sell for 7? [Y/n] ")
        assert (till.code != 0, sales(installation)) == (True, [])
        with a_terminal(installation) as till:
            till.say(f"#{ADA} pen", "sell for 7? [Y/n] ")
            till.say("y", "sold, ")
        assert installation.balance(ADA) == 93

    def test_interrupted(self, installation: Installation) -> None:
        """The first Ctrl-C clears the line, also that of a question; two one after the other leave
        with 130, and nothing is half-written.
        """
        with a_terminal(installation) as till:
            till.say(f"#{ADA} cap", "sell for 45? [Y/n] ")
            till.interrupt("", "Ctrl-C again leaves\r\nbuyer> ")
            till.say("?", "lesson\x1b[0m     20\r\nbuyer> ")
            till.interrupt("99999 ", "Ctrl-C again leaves\r\nbuyer> ")
            till.interrupt("", "interrupted; nothing is half-written")
            assert till.ended() == 130
        assert "0 sales, 0 coins" in till.shown
        assert "99999'" not in till.shown
        assert sales(installation) == []

    def test_a_signal_ends_it_at_once(self, installation: Installation) -> None:
        """Whoever stops the program need not do it twice."""
        with a_terminal(installation) as till:
            till.terminate()
            # One that comes just before the program waits for a key is seen with the key.
            till.send("\n")
            assert till.ended() == 128 + 15

    def test_a_person_in_a_terminal(self, installation: Installation) -> None:
        """With Cyrillic letters and their correction; Ctrl-D ends it."""
        with a_terminal(installation) as till:
            till.say("Адж\x7fа Д", "goods> ")
            till.say("ручкк\x7fа", "sell for 7? [Y/n] ")
            till.say("д", "buyer> ")
            till.send("\x04")
            assert till.ended() == 0
        assert "1 sale, 7 coins" in till.shown
        assert installation.balance(ADA) == 93


class Terminal:
    """A till in a terminal of its own; every wait has an end."""

    def __init__(self, installation: Installation) -> None:
        self.shown = ""
        self.code: int | None = None
        self._raw = b""
        self._ours, theirs = pty.openpty()
        program = "import os; os.close(os.open(os.ttyname(0), os.O_RDWR)); import cli; cli.run()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, "--config", str(installation.config), "till"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=ENVIRON,
        )
        os.close(theirs)
        self.expect("buyer> ")

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def say(self, line: str, expected: str) -> None:
        """Type a line and wait for what must come."""
        self.send(f"{line}\n")
        self.expect(expected)

    def expect(self, text: str) -> None:
        """Read until a text stands there that did not before."""
        begun, end = len(self.shown), time.monotonic() + SECONDS_MAX
        while text not in self.shown[begun:]:
            assert time.monotonic() < end, f"{text!r} does not come: {self.shown[-300:]!r}"
            assert self._read(), f"it ended before {text!r}: {self.shown[-300:]!r}"

    def _read(self) -> bool:
        """Take what is there; False when the program has gone."""
        ready, _, _ = select.select([self._ours], [], [], 0.5)
        if not ready:
            return True
        try:
            part = os.read(self._ours, 65536)
        except OSError:  # Nobody holds the other side any more.
            return False
        self._raw += part
        self.shown = self._raw.decode("utf-8", "ignore")
        return bool(part)

    def ended(self) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + SECONDS_MAX
        while self._read():
            assert time.monotonic() < end, f"it goes on: {self.shown[-300:]!r}"
        self.code = self._process.wait(SECONDS_MAX)
        return self.code

    def interrupt(self, keys: str, expected: str) -> None:
        """Press keys and Ctrl-C, and wait for what must come."""
        begun = len(self.shown)
        self.send(f"{keys}\x03")
        for _ in range(4):
            if expected not in self.shown[begun:]:
                self._read()
        if expected not in self.shown[begun:]:
            # One that comes just before the program waits for a key is seen with the next key.
            self.say("", expected)

    def terminate(self) -> None:
        """Stop it as the system does."""
        self._process.terminate()

    def hang_up(self) -> None:
        """The line is lost."""
        os.close(self._ours)
        try:
            self.code = self._process.wait(SECONDS_MAX)
        finally:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def a_terminal(installation: Installation) -> Iterator[Terminal]:
    """A till; whatever happens, the line is lost in the end and the program with it."""
    made = Terminal(installation)
    try:
        yield made
    finally:
        made.hang_up()


def test_a_day_of_sale_is_the_schools(installation: Installation, type_at: Till) -> None:
    """By its own clock."""
    type_at(f"#{ADA} pen", "y", "0")
    assert (
        abs(
            (
                sales(installation)[0].entry.happened_on
                - date.fromisoformat(sales(installation)[0].posted_at[:10])
            ).days
        )
        <= 1
    )
