"""A fair: three tills and many clerks at once, in processes of their own.

No sale lost, none twice, and it adds up.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from random import Random

import pytest

from coinsync.core.catalog import Item
from coinsync.errors import OutcomeUnknown
from tests.cli.test_clerks import clerks, lowest, together
from tests.support.goods import an_item, fill
from tests.support.school import Installation

TILLS, SALES = 3, 300
SECONDS_MAX = 120.0
SOLD = re.compile(r"  sold, .*   sale ([0-9a-f]{12}) ")

#: By number of the list; of the first two fewer are there than are asked for.
GOODS: dict[Item, int] = {
    an_item("cap", 45, place=1): 4,
    an_item("mug", 30, place=2): 25,
    an_item("pen", 7, place=3): 1000,
    an_item("sticker", 2, place=4): 1000,
    an_item("lesson", 20, tracked=False, place=5): 0,
}


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync, with a shop and an open fair.

    Everybody has enough coins for a good while.
    """
    fill(desk, GOODS, dict.fromkeys(desk.balances(), 400))
    desk.ok("shop", "open", "fair", "--yes")
    return desk


def left(installation: Installation, code: str) -> int:
    """Pieces that are left."""
    with installation.reader() as reader:
        return reader.stock([code])[code]


@contextmanager
def tills(installation: Installation, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Tills of the fair; they are closed in the end, whatever happened."""
    with ExitStack() as stack:
        found = []
        for number in range(count):
            words = [
                "--config",
                str(installation.config),
                "--actor",
                f"till-{number + 1}",
                "till",
                "--event",
                "fair",
            ]
            till = subprocess.Popen(
                [sys.executable, "-m", "cli", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={"USER": "anna", "LANG": "C.UTF-8"},
            )
            stack.enter_context(till)
            stack.callback(till.kill)
            found.append(till)
        yield found


def queue(installation: Installation, seed: int) -> list[tuple[int, str]]:
    """Children with what they want, a sale each."""
    chance, people = Random(seed), sorted(installation.balances())
    return [
        (
            chance.choice(people),
            chance.choice(("1", "2", "3", "4", "5", "3x2", "3 4x3", "2 5", "pen sticker")),
        )
        for _ in range(SALES // TILLS)
    ]


def typed(children: Sequence[tuple[int, str]]) -> str:
    """What the clerk types for them."""
    return "".join(f"#{who} {wanted}\ny\n" for who, wanted in children)


def test_report_and_close_agree_to_the_piece_and_coin(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three hundred sales in many sessions of three tills: with refunds, lines that were lost
    before the yes, answers that never came, and a delivery and a count in the middle.
    """
    steps: list[str] = []

    def probe(name: str) -> None:
        if steps and steps[0] == name:
            steps.pop(0)
            raise OutcomeUnknown("database: answer lost at commit")

    installation.probe, installation.sleep = probe, lambda _seconds: None
    chance, people = Random(7), sorted(installation.balances())
    before, keys, back = sum(installation.balances().values()), list[str](), list[str]()

    def till(number: int, *lines: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        said = installation.ok("--actor", f"till-{number}", "till", "--event", "fair")
        keys.extend(SOLD.findall(said.out))
        back.extend(re.findall("taken back: sale ([0-9a-f]{12})", said.out))

    for day in range(30):
        lines = []
        for _ in range(SALES // 30):
            who, other = chance.sample(people, 2)
            typed = chance.choice((f"#{who} 3", f"{who} 3x2 4", f"{who}+{other}=1 4x3", f"{who} 5"))
            lines += [typed, ""]
        if day % 5 == 1:
            lines += ["-", "y"]
        if day % 7 == 3:
            steps.append("committed")
        # The line is lost before the yes, or between two sales.
        till(day % TILLS + 1, *lines, *([] if day % 2 else [f"#{people[0]} 3"]))
        if day == 15:
            installation.ok("catalog", "stock", "receive", "pen", "50", "--yes")
            counted = left(installation, "pen") - 4
            installation.ok("catalog", "stock", "count", "pen", str(counted), "--yes")
    installation.ok("refund", keys[0], "--line", "1", "--note", "Сломалась", "--yes")
    assert (len(keys), len(set(keys)), len(back)) == (SALES, SALES, 6)
    report = installation.ok("shop", "report", "--event", "fair", "--json").json
    closing = installation.ok("shop", "close", "fair", "--yes").out
    # The six that tills took back are no sales any more, nor is the one of a single line.
    standing = SALES - len(back) - 1
    assert (report["sales"], report["differences"]) == (standing, [])
    assert report["taken"] == before - sum(installation.balances().values())
    for tallies in (report["clerks"], report["hours"]):
        assert sum(tally["sales"] for tally in tallies) == standing
        assert sum(tally["coins"] for tally in tallies) == report["taken"]
    assert [clerk["name"] for clerk in report["clerks"]] == ["till-1", "till-2", "till-3"]
    assert sum(buyer["spent"] for buyer in report["buyers"]) == report["taken"]
    items = {item["item"]: item for item in report["items"]}
    assert sum(item["coins"] for item in items.values()) == report["taken"]
    assert (items["pen"]["received"], items["pen"]["counted"]) == (50, -4)
    assert left(installation, "pen") == 1000 + 50 - 4 - items["pen"]["pieces"]
    assert left(installation, "sticker") == 1000 - items["sticker"]["pieces"]
    figures = f"coins taken {report['taken']}, lines refunded {report['refunds']}\n"
    assert f"{standing} sales, {figures}" in closing
    assert f"pen: {items['pen']['pieces']} sold, 50 received, counted -4\n" in closing
    assert f"lesson: {items['lesson']['pieces']} sold\n" in closing
    installation.ok("refund", keys[1], "--note", "Передумал", "--yes")
    after = installation.ok("shop", "report", "--event", "fair", "--json").json
    assert after["late"] > 0
    for name in ("sales", "refunds", "taken", "items", "clerks", "hours"):
        assert after[name] == report[name]
    sold = installation.ok("shop", "sales", "--event", "fair", "--json").json
    assert [one["sale"]["id"] for one in sold] == keys
    installation.ok("reconcile", "--quiet")


def test_three_hundred_sales_by_three_tills_at_once(installation: Installation) -> None:
    """Every receipt is a sale and every sale has its receipt.

    Coins and goods add up, and the fair is closed.
    """
    before = installation.balances()
    with tills(installation, TILLS) as open_tills:
        said = []
        for seed, till in enumerate(open_tills):
            assert till.stdin is not None
            # Pens, stickers and lessons never run out: whoever wants these gets them.
            children = [
                (who, wanted if wanted not in ("1", "2", "2 5") else "3")
                for who, wanted in queue(installation, seed)
            ]
            till.stdin.write(f"{typed(children)}0\n")
            till.stdin.flush()
        said = [till.communicate(timeout=SECONDS_MAX)[0] for till in open_tills]
    assert [till.returncode for till in open_tills] == [0] * TILLS, said
    receipts = [SOLD.findall(one) for one in said]
    assert [len(one) for one in receipts] == [SALES // TILLS] * TILLS
    sales = installation.ok("shop", "sales", "--event", "fair", "--json").json
    assert sorted(one["sale"]["id"] for one in sales) == sorted(
        key for one in receipts for key in one
    )
    assert Counter(one["sale"]["actor"] for one in sales) == {
        f"till-{n + 1}": SALES // TILLS for n in range(TILLS)
    }
    taken = sum(paid["coins"] for one in sales for paid in one["payments"])
    assert sum(before.values()) - sum(installation.balances().values()) == taken
    assert sum(int(re.findall(r"(\d+) coins\n$", one)[0]) for one in said) == taken
    pieces = Counter[str]()
    for one in sales:
        for line in one["lines"]:
            pieces[line["item"]] += line["pieces"]
    assert {code: 1000 - left(installation, code) for code in ("pen", "sticker")} == {
        code: pieces[code] for code in ("pen", "sticker")
    }
    assert f"{SALES} sales" in installation.ok("shop", "close", "fair", "--yes").out
    assert installation.run("sell", f"#{min(before)}", "pen", "--event", "fair", "--yes").code == 7
    installation.ok("reconcile", "--quiet")


def test_a_fair_at_which_things_run_out(installation: Installation) -> None:
    """Too few caps and mugs for all who want them, and some are taken back.

    What is there is sold, and no more.
    """
    with tills(installation, TILLS) as open_tills:
        for seed, till in enumerate(open_tills):
            assert till.stdin is not None
            lines = []
            for number, (who, wanted) in enumerate(queue(installation, seed + 10)[:20]):
                # Where it cannot be had the yes, an empty line, is nothing.
                lines.append(f"#{who} {wanted if number % 2 else '1'}\n\n")
                lines.append("-\ny\n" if number % 7 == 6 else "")
            till.stdin.write("".join(lines) + "0\n")
            till.stdin.flush()
        said = [till.communicate(timeout=SECONDS_MAX)[0] for till in open_tills]
    assert [till.returncode for till in open_tills] == [0] * TILLS, said
    receipts = [key for one in said for key in SOLD.findall(one)]
    sales = installation.ok("shop", "sales", "--event", "fair", "--json").json
    assert sorted(one["sale"]["id"] for one in sales) == sorted(receipts)
    assert any(one["refunded"] for one in sales)
    assert min(left(installation, item.code) for item in GOODS) == 0
    assert min(lowest(installation, who) for who in installation.balances()) >= 0
    installation.ok("shop", "close", "fair", "--yes")
    installation.ok("reconcile", "--quiet")


def test_ten_race_for_the_last_piece(installation: Installation) -> None:
    """Exactly one has it, nine exit with 7 and are told that none is left."""
    installation.ok("catalog", "stock", "count", "cap", "1", "--yes")
    buyers = sorted(installation.balances())[:10]
    with clerks(installation, *(f"clerk-{n}" for n in range(10))) as desks:
        said = together(
            desks, *(["sell", f"#{who}", "cap", "--event", "fair", "--yes"] for who in buyers)
        )
    assert sorted(one.code for one in said) == [0] + [7] * 9
    for one in said:
        assert one.code == 0 or "cap: 0 left, 1 needed; nothing written" in one.err
    assert left(installation, "cap") == 0
    [sale] = installation.ok("shop", "sales", "--json").json
    winner = next(who for who, one in zip(buyers, said, strict=True) if one.code == 0)
    assert [paid["resident"] for paid in sale["payments"]] == [winner]
    installation.ok("shop", "close", "fair", "--yes")
    installation.ok("reconcile", "--quiet")


def test_one_key_at_two_desks(installation: Installation) -> None:
    """One sale, both exit 0, and one of them is told that it was sold already.

    For two buyers one exits with 7.
    """
    one, other = sorted(installation.balances())[:2]
    with clerks(installation, "anna", "anna") as desks:
        for n in range(4):
            words = ["sell", f"#{one}", "pen", "--key", f"k-{n}", "--yes"]
            said = together(desks, words, words)
            assert [answer.code for answer in said] == [0, 0], said
            assert sum(f"sold already: sale k-{n}" in answer.out for answer in said) == 1
            words = ["sell", f"#{one}", "lesson", "--key", f"l-{n}", "--yes"]
            said = together(desks, words, ["sell", f"#{other}", *words[2:]])
            assert sorted(answer.code for answer in said) == [0, 7], said
            assert "is another sale already" in "".join(answer.err for answer in said)
    assert (left(installation, "pen"), len(installation.ok("shop", "sales", "--json").json)) == (
        996,
        8,
    )


def test_one_refund_at_two_desks(installation: Installation) -> None:
    """Once: one exits 0, the other 7."""
    who = min(installation.balances())
    before = installation.balance(who)
    with clerks(installation, "anna", "anna") as desks:
        for n in range(4):
            installation.ok(
                "sell", f"#{who}", "lesson", "--quantity", "2", "--key", f"k-{n}", "--yes"
            )
            words = ["refund", f"k-{n}", "--note", "Передумал", "--yes"]
            assert sorted(answer.code for answer in together(desks, words, words)) == [0, 7]
    assert installation.balance(who) == before
