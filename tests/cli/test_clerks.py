"""Clerks at two desks at once.

No balance below zero, no key twice, no receipt for what is not there.
"""

from __future__ import annotations

import json
import re
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from tests.support.school import Installation, Said

SECONDS_MAX = 60.0
ADA, RICH = 102, 106

#: A clerk's terminal: a process that runs one command line after another, as they come in.
_DESK = """
import contextlib, io, json, sys
import cli
config, name = sys.argv[1:]
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(["--config", config, *json.loads(line)], cli.environment({"USER": name}))
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""


class Clerk:
    """Somebody at a desk of their own."""

    def __init__(self, installation: Installation, name: str) -> None:
        self.desk = subprocess.Popen(
            [sys.executable, "-c", _DESK, str(installation.config), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def begin(self, words: Sequence[str]) -> None:
        """Type a command and do not wait."""
        assert self.desk.stdin is not None
        self.desk.stdin.write(f"{json.dumps(list(words))}\n")
        self.desk.stdin.flush()

    def end(self) -> Said:
        """Read what became of a command that was begun."""
        assert self.desk.stdout is not None
        ready, _, _ = select.select([self.desk.stdout], [], [], SECONDS_MAX)
        assert ready, "the desk does not answer"
        return Said(*json.loads(self.desk.stdout.readline()))

    def all_of(self, commands: Sequence[Sequence[str]]) -> None:
        """Type many commands and leave."""
        assert self.desk.stdin is not None
        for words in commands:
            self.begin(words)
        self.desk.stdin.close()
        self.desk.stdin = None

    def answers(self) -> list[Said]:
        """What became of all of them."""
        out, _ = self.desk.communicate(timeout=SECONDS_MAX)
        return [Said(*json.loads(line)) for line in out.splitlines()]


@contextmanager
def clerks(installation: Installation, *names: str) -> Iterator[list[Clerk]]:
    """Several clerks who are ready to begin.

    Their desks are closed in the end, whatever happened.
    """
    with ExitStack() as stack:
        found = [Clerk(installation, name) for name in names]
        for one in found:
            stack.enter_context(one.desk)
            stack.callback(one.desk.kill)
        for one in found:
            one.begin(["--version"])
        assert [one.end().code for one in found] == [0] * len(found)
        yield found


def together(desks: Sequence[Clerk], *commands: Sequence[str]) -> list[Said]:
    """Each clerk's command at the same moment."""
    for one, words in zip(desks, commands, strict=True):
        one.begin(words)
    return [one.end() for one in desks]


def lowest(installation: Installation, resident: int) -> int:
    """The lowest balance that a resident ever had, in the order of the ledger."""
    balance, found = 0, 0
    for posted in installation.ledger():
        if posted.entry.resident == resident:
            balance += posted.entry.coins
            found = min(found, balance)
    return found


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync."""
    return desk


def test_two_hundred_debits_of_one_resident(installation: Installation) -> None:
    """What is there is spent to the last coin that fits, never more.

    Each refused one exits with 7 and says why.
    """
    installation.ok("credit", f"#{RICH}", "301", "--reason", "Запас", "--yes")
    with clerks(installation, "anna", "boris") as desks:
        for name, one in zip(("anna", "boris"), desks, strict=True):
            debits = [
                ["debit", f"#{RICH}", "3", "--reason", f"{name} {n}", "--yes", "--json"]
                for n in range(100)
            ]
            one.all_of(debits)
        said = [answer for one in desks for answer in one.answers()]
    assert len(said) == 200
    done = [answer for answer in said if answer.code == 0]
    refused = [answer for answer in said if answer.code != 0]
    assert (len(done), {answer.code for answer in refused}) == (401 // 3, {7})
    for answer in refused:
        assert re.search(r"#106 .*has \d coins?, 3 needed; nothing written", answer.err), answer.err
    assert sum(answer.json["receipt"]["coins"] for answer in done) == -3 * len(done)
    assert (installation.balance(RICH), lowest(installation, RICH)) == (401 % 3, 0)
    numbers = [answer.json["receipt"]["n_first"] for answer in done]
    assert len(set(numbers)) == len(numbers)
    assert {installation.ledger()[n - 1].entry.coins for n in numbers} == {-3}
    assert {posted.entry.actor for posted in installation.ledger()[-len(done) :]} == {
        "anna",
        "boris",
    }


def test_two_debits_of_which_one_fits(installation: Installation) -> None:
    """One 0, one 7, each time."""
    with clerks(installation, "anna", "boris") as desks:
        for resident, coins in ((RICH, 80), (110, 50), (115, 41), (ADA, 50), (104, 40)):
            before = installation.balance(resident)
            commands = [
                ["debit", f"#{resident}", str(coins), "--reason", name, "--yes"]
                for name in ("a", "b")
            ]
            assert sorted(answer.code for answer in together(desks, *commands)) == [0, 7]
            assert installation.balance(resident) == before - coins


def test_one_key_at_two_desks(installation: Installation) -> None:
    """One entry, both exit 0, and exactly one has a receipt; the other is told the entry."""
    with clerks(installation, "anna", "anna") as desks:
        for n in range(12):
            words = ["credit", f"#{ADA}", "1", "--reason", f"Помог {n}", "--key", f"k-{n}", "--yes"]
            said = together(desks, words, words)
            assert [answer.code for answer in said] == [0, 0], said
            out = "".join(answer.out for answer in said)
            assert (out.count(" posted (+1)"), out.count(f"already posted: entry {109 + n}")) == (
                1,
                1,
            ), out
    assert (installation.balance(ADA), len(installation.ledger())) == (62, 120)


def test_one_key_for_two_things(installation: Installation) -> None:
    """One is posted, the other refused with 7 and told what stands there."""
    with clerks(installation, "anna", "boris") as desks:
        for n in range(6):
            commands = [
                ["credit", f"#{ADA}", coins, "--reason", f"Помог {n}", "--key", f"k-{n}", "--yes"]
                for coins in "12"
            ]
            said = together(desks, *commands)
            assert sorted(answer.code for answer in said) == [0, 7]
            assert "is already posted with other content" in "".join(answer.err for answer in said)
    assert len(installation.ledger()) == 114


def test_one_file_at_two_desks(installation: Installation) -> None:
    """Its rows are posted once, and both are told that they are there."""
    file = installation.file("coins.csv", "resident,coins,reason\n#101,5,Помог\n#102,5,Помог\n")
    with clerks(installation, "anna", "anna") as desks:
        said = together(desks, ["import", file, "--yes"], ["import", file, "--yes"])
    assert [answer.code for answer in said] == [0, 0], said
    assert len(installation.ledger()) == 110


def test_one_case_and_one_entry_at_two_desks(installation: Installation) -> None:
    """A case is decided once, an entry is taken back once."""
    case = installation.ok("review", "list", "--json").json[0]["id"]
    with clerks(installation, "anna", "boris") as desks:
        said = together(
            desks,
            ["review", "post", case, "--yes"],
            ["review", "waive", case, "--note", "Был в гостях", "--yes"],
        )
        assert sorted(answer.code for answer in said) == [0, 6], said
        count = len(installation.ledger())
        words = ["reverse", "1", "--note", "Ошибка", "--yes"]
        assert sorted(answer.code for answer in together(desks, words, words)) == [0, 7]
    assert len(installation.ledger()) == count + 1


def test_clerks_beside_a_sync(open_desk: Installation) -> None:
    """All end with 0 or 7, receipts add up to what changed, the next night has nothing to do."""
    installation = open_desk
    for lesson in list(installation.school.tables.lessons.values()):
        for detail in lesson.details:
            if (lesson.lesson_type_id, lesson.status, lesson.deleted, detail.is_attend) == (
                2,
                3,
                False,
                0,
            ):
                installation.school.act(
                    "mark", lesson=lesson.id, customer=detail.customer_id, is_attend=1
                )
    plans = installation.ok("sync", "--dry-run", "--json").json["results"]
    awarded = sum(plan["report"]["counts"]["awarded"] for plan in plans)
    assert (awarded > 0, sum(plan["report"]["counts"]["reversals"] for plan in plans)) == (True, 0)
    before = sum(installation.balances().values())
    with clerks(installation, "anna", "boris", "sync") as desks:
        *two, night = desks
        for name, one in zip(("anna", "boris"), two, strict=True):
            one.all_of(
                [
                    ["debit", f"#{RICH}", "4", "--reason", f"{name} {n}", "--yes", "--json"]
                    for n in range(20)
                ]
            )
        night.begin(["sync", "--quiet"])
        assert night.end() == Said(0, "", "")
        said = [answer for one in two for answer in one.answers()]
    assert {answer.code for answer in said} <= {0, 7}
    done = [answer.json["receipt"]["coins"] for answer in said if answer.code == 0]
    assert done
    assert sum(installation.balances().values()) == before + awarded + sum(done)
    assert lowest(installation, RICH) == 0
    assert installation.ok("sync", "--json").json["digest"] == ""
