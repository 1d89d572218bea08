"""Coins by hand.

What every writing command promises, then credit, debit and reverse each for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import cli
from tests.support import engines
from tests.support.school import Installation
from tests.support.terminal import END_OF_INPUT, ENTER, HANG_UP, INTERRUPT, QUESTION, in_terminal

ENGINES = engines.BOTH

ADA, RICH, TWIN = 102, 106, 107


def a_debt(installation: Installation) -> str:
    """A case that waits for a person: the coins of a lesson are spent, and then the mark goes."""
    lesson = installation.paid_lessons()[-1].id
    who = installation.paid_resident(lesson)
    installation.ok(
        "debit", f"#{who}", str(installation.balance(who)), "--reason", "Футболка", "--yes"
    )
    installation.school.act("mark", lesson=lesson, customer=who, is_attend=0)
    installation.ok("sync", "--quiet")
    return f"{lesson}:{who}"


def a_visit(installation: Installation) -> str:
    """A visit that waits for a person."""
    return str(installation.ok("review", "list", "--kind", "guest", "--json").json[0]["id"])


def of_a_file(installation: Installation) -> list[str]:
    """An import of three rows."""
    text = "resident,coins,reason\n#101,5,Помог\n#102,-5,Наклейка\n#103,7,Помог\n"
    return ["import", installation.file("coins.csv", text)]


def of_a_merge(installation: Installation) -> list[str]:
    """The undoing of a merge."""
    installation.ok("residents", "merge", f"#{RICH}", f"#{TWIN}", "--yes")
    return ["residents", "unmerge", f"#{RICH}"]


#: Every command that writes, and how many entries it posts.
WRITING: dict[str, tuple[Callable[[Installation], list[str]], int]] = {
    "credit": (
        lambda _: ["credit", f"#{ADA}", "7", "--reason", "Помог младшим", "--key", "k-1"],
        1,
    ),
    "credit for": (lambda _: ["credit", f"#{ADA}", "--for", "olympiad", "--key", "k-2"], 1),
    "debit": (lambda _: ["debit", f"#{ADA}", "7", "--reason", "Наклейка", "--key", "k-3"], 1),
    "reverse": (lambda _: ["reverse", "1", "--note", "Внесено по ошибке"], 1),
    "import": (of_a_file, 3),
    "review post": (lambda installation: ["review", "post", a_visit(installation)], 1),
    "review waive": (
        lambda installation: ["review", "waive", a_visit(installation), "--note", "Был в гостях"],
        0,
    ),
    "review forgive": (
        lambda installation: ["review", "forgive", a_debt(installation), "--note", "Подарок"],
        2,
    ),
    "residents merge": (lambda _: ["residents", "merge", f"#{RICH}", f"#{TWIN}"], 0),
    "residents unmerge": (of_a_merge, 0),
    "residents erase": (lambda _: ["residents", "erase", f"#{ADA}"], 0),
    "links add": (lambda _: ["links", "add", f"#{ADA}", "id900009001"], 0),
    "links revoke": (lambda _: ["links", "revoke", f"#{ADA}", "900000001"], 0),
}


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync."""
    return desk


class TestEveryWritingCommand:
    """Looked at first, agreed to, written once, and told."""

    @pytest.mark.parametrize("name", WRITING)
    def test_what_a_dry_run_shows_is_what_is_written(
        self, open_desk: Installation, name: str
    ) -> None:
        """Nothing is written by looking or where nobody can agree; then exactly what was shown."""
        installation = open_desk
        words, entries = WRITING[name]
        command = words(installation)
        before, count = installation.tables(), len(installation.ledger())
        looked = installation.ok(*command, "--dry-run", "--json").json
        assert (looked["dry_run"], looked["receipt"]) == (True, None)
        assert installation.ok(*command, "--dry-run").out.endswith("dry run: nothing written\n")
        for alone in (installation.run(*command), installation.run(*command, "--json")):
            assert (alone.code, "nobody is there to ask; nothing written" in alone.err) == (2, True)
            assert "--yes" in alone.err
        assert installation.tables() == before
        done = installation.ok(*command, "--yes", "--json").json
        assert {one: done[one] for one in ("moves", "digest", "words", "key")} == {
            one: looked[one] for one in ("moves", "digest", "words", "key")
        }
        assert len(done["digest"]) == 64
        assert (done["dry_run"], len(done["moves"])) == (False, entries)
        receipt = done["receipt"]
        assert (
            receipt["n_last"] - receipt["n_first"] + 1
            == len(installation.ledger()) - count
            == entries
        )
        assert receipt["coins"] == sum(move["coins"] for move in done["moves"])
        for move in done["moves"]:
            assert move["after"] == move["before"] + move["coins"]
        for who, after in {move["resident"]: move["after"] for move in done["moves"]}.items():
            assert installation.balance(who) == after

    @pytest.mark.parametrize("name", WRITING)
    def test_a_quiet_one_says_nothing(self, open_desk: Installation, name: str) -> None:
        """Neither on stdout nor on stderr, and its work is done."""
        installation = open_desk
        words, _ = WRITING[name]
        command = words(installation)
        with installation.reader() as reader:
            runs = reader.head().runs
        said = installation.ok(*command, "--yes", "--quiet")
        assert (said.out, said.err) == ("", "")
        with installation.reader() as reader:
            assert reader.head().runs == runs + 1

    def test_help_names_every_way_out(self, tmp_path: Path) -> None:
        """How to look, and how not to be asked."""
        for name in WRITING:
            command = name.split()[
                : 2 if name.split()[0] in ("review", "residents", "links") else 1
            ]
            out = Installation(tmp_path).ok(*command, "--help").out
            assert ("--dry-run" in out, "--yes" in out) == (True, True), name


class TestAPerson:
    """Who sits at a terminal is asked once."""

    WORDS = ("credit", f"#{ADA}", "5", "--reason", "Помог младшим", "--key", "k-1")

    def test_yes_writes(self, installation: Installation) -> None:
        """The question stands below what would be written, and the receipt below the question."""
        shown = in_terminal(installation, *self.WORDS, answer="y\n")
        assert shown.code == 0
        assert shown.text.count(QUESTION) == 1
        assert (
            shown.text.index("Помог младшим")
            < shown.text.index(QUESTION)
            < shown.text.index("entry 109 posted (+5)")
        )
        assert "key k-1" in shown.text
        assert installation.balance(ADA) == 55

    @pytest.mark.parametrize(
        "answer", ["n\n", ENTER, END_OF_INPUT], ids=["n", "Enter", "end of input"]
    )
    def test_anything_else_does_not(self, installation: Installation, answer: str) -> None:
        """Silence is no, and no is no failure."""
        before = installation.tables()
        shown = in_terminal(installation, *self.WORDS, answer=answer)
        assert (shown.code, shown.text.splitlines()[-1]) == (0, "nothing written")
        assert shown.text.count(QUESTION) == 1
        assert installation.tables() == before

    def test_an_interrupt_leaves_nothing(self, installation: Installation) -> None:
        """130, one line, no traceback."""
        before = installation.tables()
        shown = in_terminal(installation, *self.WORDS, answer=INTERRUPT)
        assert shown.code == 130
        assert "\ncoinsync: interrupted; nothing is half-written" in shown.text
        assert "Traceback" not in shown.text
        assert installation.tables() == before

    def test_a_lost_connection_leaves_nothing_and_the_shown_key_goes_on(
        self, installation: Installation
    ) -> None:
        """The hang-up ends the program; the same key posts once, and then says so."""
        before = installation.tables()
        words = self.WORDS[:-2]
        shown = in_terminal(installation, *words, answer=HANG_UP)
        assert shown.code == 129
        assert installation.tables() == before
        found = re.search(r"^key ([0-9a-f]{12})$", shown.text, re.MULTILINE)
        assert found
        installation.ok(*words, "--key", found[1], "--yes")
        assert (
            "already posted: entry 109" in installation.ok(*words, "--key", found[1], "--yes").out
        )
        assert installation.balance(ADA) == 55

    def test_a_connection_lost_after_the_answer(self, installation: Installation) -> None:
        """Written whole or not at all, and the same key makes it once either way."""
        in_terminal(installation, *self.WORDS, answer=f"y\n{HANG_UP}")
        assert len(installation.ledger()) in (108, 109)
        installation.ok(*self.WORDS, "--yes")
        assert (len(installation.ledger()), installation.balance(ADA)) == (109, 55)

    def test_who_is_quiet_is_shown_what_is_asked(self, installation: Installation) -> None:
        """Nobody says yes to what was not shown; the receipt is left out."""
        shown = in_terminal(installation, *self.WORDS, "--quiet", answer="y\n")
        assert (shown.code, installation.balance(ADA)) == (0, 55)
        assert "Помог младшим" in shown.text
        assert "posted" not in shown.text

    def test_what_is_done_already_is_not_asked(self, installation: Installation) -> None:
        """There is nothing to agree to."""
        installation.ok(*self.WORDS, "--yes")
        shown = in_terminal(installation, *self.WORDS)
        assert (shown.code, shown.text) == (0, "already posted: entry 109\n")

    def test_a_program_is_not_asked(self, installation: Installation) -> None:
        """Whoever wants JSON says --yes."""
        shown = in_terminal(installation, *self.WORDS, "--json")
        assert (shown.code, QUESTION in shown.text) == (2, False)
        assert installation.balance(ADA) == 50


class TestAmounts:
    """Whole numbers above nothing, in plain digits."""

    NONE = (
        "1.5",
        "1,5",
        "1e3",
        "０５",
        "٥",
        "-5",
        "+5",
        "0",
        "-0",
        "",
        "5 ",
        "5\n",
        "1_000",
        "0x10",
        "NaN",
        "9" * 40,
    )
    TOO_MANY = ("99999999999", "1001")

    @pytest.mark.parametrize("verb", ["credit", "debit"])
    def test_nothing_else_is_taken(self, installation: Installation, verb: str) -> None:
        """2 for what is no such number, 7 above the limit, and nothing written."""
        before = installation.tables()
        for typed in (*self.NONE, *self.TOO_MANY):
            said = installation.run(verb, f"#{ADA}", "--reason", "x", "--yes", "--", typed)
            assert said.code == (7 if typed in self.TOO_MANY else 2), typed
            told = "is above the limit of 1000 for one operation; nothing written"
            assert (told if typed in self.TOO_MANY else "is no number of coins") in said.err
        assert installation.tables() == before

    def test_a_number_below_nothing_is_refused_as_people_type_it(
        self, installation: Installation
    ) -> None:
        """Also where it looks like an option."""
        assert installation.run("debit", f"#{ADA}", "-5", "--reason", "x", "--yes").code == 2

    def test_the_limit_itself_passes(self, installation: Installation) -> None:
        """And leading noughts are nothing."""
        installation.ok("credit", f"#{ADA}", "1000", "--reason", "x", "--yes")
        installation.ok("credit", f"#{ADA}", "007", "--reason", "x", "--yes")
        assert installation.balance(ADA) == 1057


class TestWhatIsKept:
    """Who, why and when stand in the ledger."""

    @pytest.mark.parametrize(
        ("environ", "words", "actor"),
        [
            ({"USER": "anna"}, (), "anna"),
            ({"USER": "root", "LOGNAME": "root", "SUDO_USER": "boris"}, (), "boris"),
            ({"USER": "anna"}, ("--actor", "Вера из офиса"), "Вера из офиса"),
            ({"USER": "anna"}, ("--actor", "В\x1b[2Jера\u202e"), "В[2Jера"),
            ({"USER": "anna"}, ("--actor", "\u200b"), "anna"),
            ({"USER": "a" * 300}, (), "a" * 80),
            ({"USER": "ann\udcff"}, (), "ann"),
        ],
    )
    def test_the_actor(
        self,
        installation: Installation,
        environ: dict[str, str],
        words: tuple[str, ...],
        actor: str,
    ) -> None:
        """The person behind sudo, the login, or who is named; nothing that could harm a screen."""
        said = installation.run(
            "credit", f"#{ADA}", "5", "--reason", "x", "--yes", *words, environ=environ
        )
        assert said.code == 0, said.err
        assert installation.ledger()[-1].entry.actor == actor
        with installation.reader() as reader:
            assert reader.runs(1)[0].actor == actor

    def test_the_reason_is_one_clean_line(self, installation: Installation) -> None:
        """As it was typed, without what cannot be seen."""
        installation.ok(
            "credit",
            f"#{ADA}",
            "5",
            "--reason",
            "  Помог\u200b \x1b[31mмладшим\n собрать ",
            "--yes",
        )
        with installation.reader() as reader:
            line = reader.lines(ADA, limit=1)[0]
        assert line.note == "Помог [31mмладшим собрать"
        assert line.posted.entry.reason == "by_hand"
        assert line.note in installation.ok("history", f"#{ADA}").out

    @pytest.mark.parametrize(
        "reason", [(), ("--reason", ""), ("--reason", "  "), ("--reason", "\u200b\u202e")]
    )
    @pytest.mark.parametrize("verb", ["credit", "debit"])
    def test_without_a_reason_nothing_moves(
        self, installation: Installation, verb: str, reason: tuple[str, ...]
    ) -> None:
        """2; what cannot be seen is no reason either."""
        before = installation.tables()
        said = installation.run(verb, f"#{ADA}", "5", *reason, "--yes")
        assert (said.code, "say why: --reason TEXT" in said.err) == (2, True)
        assert installation.tables() == before

    def test_a_reason_that_is_too_long(self, installation: Installation) -> None:
        """2, with the limit; one that just fits is kept whole."""
        assert (
            "at most 200"
            in installation.run("credit", f"#{ADA}", "5", "--reason", "я" * 201, "--yes").err
        )
        installation.ok("credit", f"#{ADA}", "5", "--reason", "я" * 200, "--yes")

    def test_the_day(self, installation: Installation) -> None:
        """Today unless said.

        A day that was is taken, one that is to come is not, nor one before any school.
        """
        installation.ok("credit", f"#{ADA}", "5", "--reason", "x", "--date", "2026-09-05", "--yes")
        assert installation.ledger()[-1].entry.happened_on.isoformat() == "2026-09-05"
        future = (cli.utc_now() + timedelta(days=2)).date().isoformat()
        for day, says in (
            (future, "still to come"),
            ("0206-11-20", "before 2000"),
            ("20.11.2026", "is no day"),
        ):
            said = installation.run(
                "credit", f"#{ADA}", "6", "--reason", "x", "--date", day, "--yes"
            )
            assert (said.code, says in said.err) == (2, True), said.err
        installation.ok("credit", f"#{ADA}", "7", "--reason", "x", "--yes")
        assert abs((installation.ledger()[-1].entry.happened_on - cli.utc_now().date()).days) <= 1

    def test_a_back_dated_line_stands_on_its_day(self, installation: Installation) -> None:
        """History is by the days on which things happened, and its balances add up."""
        installation.ok(
            "credit", f"#{ADA}", "5", "--reason", "В сентябре", "--date", "2026-09-05", "--yes"
        )
        oldest = installation.ok("history", f"#{ADA}", "--json").json["lines"][-1]
        assert (oldest["note"], oldest["balance"]) == ("В сентябре", 5)


class TestOnce:
    """The same thing twice is done once, unless it is meant twice."""

    CREDIT = ("credit", f"#{ADA}", "5", "--reason", "Помог", "--yes")

    def test_a_key_that_is_repeated(self, installation: Installation) -> None:
        """Same content: 0, with the entry; other content: 7, with what stands there."""
        installation.ok(*self.CREDIT, "--key", "k-1")
        before = installation.tables()
        again = installation.ok(*self.CREDIT, "--key", "K-1", "--json").json
        assert (again["done"], again["moves"], again["receipt"], again["digest"]) == (
            [109],
            [],
            None,
            "",
        )
        assert "already posted: entry 109" in installation.ok(*self.CREDIT, "--key", "desk:k-1").out
        for other in (
            ("credit", f"#{ADA}", "6", "--reason", "Помог"),
            ("credit", f"#{RICH}", "5", "--reason", "Помог"),
            ("credit", f"#{ADA}", "5", "--reason", "Другое"),
            ("credit", f"#{ADA}", "--for", "olympiad"),
            ("debit", f"#{ADA}", "5", "--reason", "Помог"),
            ("credit", f"#{ADA}", "5", "--reason", "Помог", "--date", "2026-09-05"),
        ):
            said = installation.run(*other, "--key", "k-1", "--yes")
            assert said.code == 7, other
            assert (
                "key desk:k-1 is already posted with other content: entry 109, +5 for #102"
                in said.err
            )
        assert installation.tables() == before

    @pytest.mark.parametrize("key", ["ключ", "a b", "-", "x" * 41, "a/b", "k\n1"])
    def test_a_key_that_is_none(self, installation: Installation, key: str) -> None:
        """2."""
        said = installation.run(*self.CREDIT, "--key", key)
        assert (said.code, "is no key" in said.err) == (2, True)

    def test_the_same_without_a_key_within_ten_minutes(self, installation: Installation) -> None:
        """7 with the entry that it looks like; --allow-duplicate says that it is meant."""
        installation.ok(*self.CREDIT)
        said = installation.run(*self.CREDIT, later=timedelta(minutes=9))
        assert said.code == 7
        assert re.search(r"likely the same as entry 109, 54\d s ago; nothing written", said.err)
        assert "--allow-duplicate" in said.err
        assert installation.balance(ADA) == 55
        installation.ok(*self.CREDIT, "--allow-duplicate")
        assert installation.run(*self.CREDIT, later=timedelta(minutes=11)).code == 0
        assert installation.balance(ADA) == 65

    def test_what_was_taken_back_is_no_duplicate(self, installation: Installation) -> None:
        """Who mends a mistake may type the right thing."""
        installation.ok(*self.CREDIT)
        installation.ok("reverse", "109", "--note", "Не тому", "--yes")
        installation.ok(*self.CREDIT)
        assert installation.balance(ADA) == 55


class TestWays:
    """--for takes the amount from the school's list."""

    def test_the_amount_is_that_of_the_way(self, installation: Installation) -> None:
        """And the way's code stands on the entry, with what staff add."""
        installation.ok("credit", f"#{ADA}", "--for", "olympiad", "--reason", "Городская", "--yes")
        entry = installation.ledger()[-1].entry
        assert (entry.coins, entry.rule, entry.reason) == (50, "olympiad", "way")
        assert "Победа в олимпиаде: Городская" in installation.ok("history", f"#{ADA}").out

    def test_an_unknown_way_lists_those_there_are(self, installation: Installation) -> None:
        """6."""
        said = installation.run("credit", f"#{ADA}", "--for", "olympics", "--yes")
        assert said.code == 6
        assert "no way to earn is called 'olympics'" in said.err
        assert "There are: olympiad, project;" in said.err

    def test_an_amount_beside_a_way_or_neither(self, installation: Installation) -> None:
        """2: which of the two is meant?"""
        assert (
            "olympiad gives 50"
            in installation.run("credit", f"#{ADA}", "5", "--for", "olympiad", "--yes").err
        )
        said = installation.run("credit", f"#{ADA}", "--reason", "x", "--yes")
        assert (said.code, "how many coins" in said.err) == (2, True)


class TestWhoIsMeant:
    """Candidates are listed, nobody is guessed."""

    def test_several_answer(self, installation: Installation) -> None:
        """6 with all of them."""
        before = installation.tables()
        said = installation.run("credit", "Рената С", "5", "--reason", "x", "--yes")
        assert said.code == 6
        assert "2 residents answer to 'Рената С'" in said.err
        assert "    #106 Рената С. (Python-2, Roblox-3, Казань, Иннополис, client, 100" in said.err
        assert "    #107 Рената С. (Python-1, Казань, client, 40 coins)\n" in said.err
        assert installation.tables() == before

    def test_nobody_answers(self, installation: Installation) -> None:
        """6, with the ways to name somebody."""
        for name in (
            "Никто",
            "#99999",
            "crm:99999",
            "vk:5",
            "",
            "%",
            "_",
            "Robert'); DROP TABLE entry;--",
            "[",
            "\\",
        ):
            said = installation.run("credit", "--reason", "x", "--yes", "--", name, "5")
            assert (said.code, "no resident answers to" in said.err) == (6, True), name

    def test_one_answers_to_part_of_a_name_in_any_case(self, installation: Installation) -> None:
        """As people type it."""
        installation.ok("credit", "аДА д", "5", "--reason", "x", "--yes")
        assert installation.balance(ADA) == 55


class TestNeverBelowZero:
    """Staff cannot spend what is not there."""

    def test_a_debit_of_all_passes_and_one_more_does_not(self, installation: Installation) -> None:
        """7, with what there is and what was needed."""
        installation.ok("debit", f"#{ADA}", "50", "--reason", "Кружка", "--yes")
        before = installation.tables()
        said = installation.run("debit", f"#{ADA}", "1", "--reason", "Наклейка", "--yes")
        assert said.code == 7
        assert "#102 Ада Д. has 0 coins, 1 needed; nothing written" in said.err
        assert installation.tables() == before


class TestReverse:
    """An entry is taken back once, by a second entry that names it."""

    def test_a_wrong_credit(self, installation: Installation) -> None:
        """Both lines stay, side by side, and the second says why."""
        installation.ok("credit", f"#{ADA}", "500", "--reason", "Опечатка", "--yes")
        installation.ok("reverse", "109", "--note", "Лишний ноль", "--yes")
        entry = installation.ledger()[-1].entry
        assert (entry.kind, entry.coins, entry.reverses, entry.note, entry.seq) == (
            "reversal",
            -500,
            109,
            "",
            2,
        )
        out = installation.ok("history", f"#{ADA}", "--limit", "2").out
        assert "taken back by hand: Лишний ноль, reverses 109" in out
        assert "Опечатка, reversed by 110" in out
        assert installation.balance(ADA) == 50

    def test_twice_is_refused(self, installation: Installation) -> None:
        """7, with the entry that did it; a reversal is not taken back either."""
        installation.ok("reverse", "#1", "--note", "Ошибка", "--yes")
        before = installation.tables()
        again, back = (
            installation.run("reverse", n, "--note", "Ошибка", "--yes") for n in ("1", "109")
        )
        assert (again.code, "entry 1 is already reversed by 109; nothing written" in again.err) == (
            7,
            True,
        )
        assert (back.code, "entry 109 is a reversal itself" in back.err) == (7, True)
        assert installation.tables() == before

    def test_what_was_spent_since_is_not_taken_below_zero(self, installation: Installation) -> None:
        """7."""
        installation.ok("credit", f"#{ADA}", "30", "--reason", "Опечатка", "--yes")
        installation.ok("debit", f"#{ADA}", "70", "--reason", "Кружка", "--yes")
        said = installation.run("reverse", "109", "--note", "Ошибка", "--yes")
        assert (said.code, "has 10 coins, 30 needed" in said.err) == (7, True)

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("99999", "--note", "x"), 6, "entry 99999 does not exist"),
            (("one", "--note", "x"), 2, "is no number of an entry"),
            (("0", "--note", "x"), 2, "is no number of an entry"),
            (("1",), 2, "say why: --note TEXT"),
            (("1", "--note", " \u200b"), 2, "say why: --note TEXT"),
        ],
    )
    def test_wrong_use(
        self, installation: Installation, words: tuple[str, ...], code: int, says: str
    ) -> None:
        """Told in one line."""
        said = installation.run("reverse", *words, "--yes")
        assert (said.code, says in said.err) == (code, True)

    def test_an_award_taken_back_by_hand_stays_so(self, open_desk: Installation) -> None:
        """It is a decision: no sync pays the lesson again, and explain names it."""
        installation = open_desk
        entry = installation.ledger()[0].entry
        installation.ok("reverse", "1", "--note", "Спал на занятии", "--yes")
        after = installation.balance(entry.resident)
        report = installation.ok("sync", "--json").json
        assert (report["digest"], installation.balance(entry.resident)) == ("", after)
        told = installation.ok("explain", f"#{entry.resident}", "--lesson", str(entry.lesson)).out
        assert "taken back by hand: Спал на занятии" in told

    def test_no_key_is_shown_where_none_can_be_given(self, installation: Installation) -> None:
        """The entry's number is what makes a repeat harmless."""
        installation.ok("credit", f"#{ADA}", "5", "--reason", "x", "--yes")
        assert "key" not in installation.ok("reverse", "109", "--note", "x", "--yes").out


@pytest.mark.sqlite
class TestChosenByNumber:
    """Where a person types what several answer to, the person chooses; a program is told."""

    WORDS = ("credit", "рената с", "5", "--reason", "Помогла", "--yes")

    def test_by_its_number(self, installation: Installation) -> None:
        """One of those that are listed."""
        shown = in_terminal(installation, *self.WORDS, answers=[("number> ", "2\n")])
        assert shown.code == 0
        assert "   2  #107 Рената С. (Python-1, Казань, client, 40 coins)" in shown.text
        assert (installation.balance(RICH), installation.balance(TWIN)) == (100, 45)

    @pytest.mark.parametrize("answer", [ENTER, END_OF_INPUT, "3\n", "0\n", "y\n"])
    def test_none(self, installation: Installation, answer: str) -> None:
        """Nothing is written: 6, as where nobody is there."""
        shown = in_terminal(installation, *self.WORDS, answers=[("number> ", answer)])
        assert (shown.code, "2 residents answer to 'рената с'" in shown.text) == (6, True)
        assert (installation.balance(RICH), installation.balance(TWIN)) == (100, 40)

    @pytest.mark.parametrize("words", [("--json",), ("--quiet",)])
    def test_a_program_is_not_asked(
        self, installation: Installation, words: tuple[str, ...]
    ) -> None:
        """Also in a terminal."""
        shown = in_terminal(installation, *self.WORDS, *words)
        assert (shown.code, "number> " in shown.text, "#107" in shown.text) == (6, False, True)

    def test_what_means_one_or_nobody_is_not_asked_about(self, installation: Installation) -> None:
        """A name, an account, and a name that nobody has."""
        for who, code in (("Ада Д", 0), ("vk:900000005", 0), ("никто", 6)):
            shown = in_terminal(
                installation, "credit", who, "1", "--reason", who, "--yes", "--json"
            )
            assert (shown.code, "number> " in shown.text) == (code, False)
