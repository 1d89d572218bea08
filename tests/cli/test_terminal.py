"""What stands on a terminal.

Names that are data, columns that stay columns, colours that nobody needs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.school import (
    Installation,
    a_school,
    copy_installation,
    listening,
    open_installation,
)
from tests.support.terminal import INTERRUPT, in_terminal

#: Names as a CRM might have them, by card: markup, links, controls, directions, emoji, wide and
#: long words.
NAMES = {
    101: "[red]Ада[/red] Иванова",
    102: "Аня [/] [link=https://evil.example]Петрова[/link]",
    103: "Зоя\x1b]0;заголовок\x07 \x1b[2J\x9b31mСидорова \x1b]52;c;aGk=\x07",
    104: "Ия\u202e\u2066 \u200b\u200f\ufeffПримерова",
    105: "Ян 😀👨\u200d👩\u200d👧 :smile:",
    107: "山田太郎 Примеров",
    108: "Александра-Валентина Константинопольская",
    109: "=HYPERLINK(1) {0} %(x)s ${x}",
    110: "Строка\nвторая\r\tтретья",
    111: "Ё" + "\u0301" * 30 + "лка Примерова",
}
#: How they are to be read.
SHOWN = (
    "[red]Ада[/red] Иванова",
    "Аня [/] [link=https://evil.example]Петрова[/link]",
    "Зоя]0;заголовок [2J31mСидорова ]52;c;aGk=",
    "Ия Примерова",
    "Ян 😀👨👩👧 :smile:",
    "山田太郎 Примеров",
    "=HYPERLINK(1) {0} %(x)s ${x}",
    "Строка вторая третья",
)
LONG = "Очень длинное объяснение: помог младшим собрать робота, убрал класс и всё объяснил"
LISTINGS: dict[str, tuple[str, ...]] = {
    "residents": ("residents", "list"),
    "balances": ("balance",),
    "cases": ("review", "list"),
    "links": ("links", "list"),
    "link problems": ("links", "list", "--problems"),
    "a history": ("history", "#101", "-v"),
    "a credit": ("credit", "#108", "5", "--reason", LONG, "--dry-run"),
    "journal": ("journal",),
}
#: Characters that move a cursor, turn a text round, or cannot be seen.
HARMFUL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture(scope="module")
def motley(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A school with such names in which nothing is written any more."""
    school = a_school()
    for card, name in NAMES.items():
        school.act("rename", customer=card, name=name)
    with listening(school) as simulator:
        installation = open_installation(
            tmp_path_factory.mktemp("motley"), simulator, residents__names="full"
        )
        installation.ok("sync", "--quiet")
        installation.ok("credit", "#101", "5", "--reason", LONG, "--yes")
        installation.ok("debit", "#101", "5", "--reason", "\x1b[31mкрасное[/] \u202eназад", "--yes")
    return installation


def rivers(lines: list[str]) -> int:
    """How many blank strips of two cells or more run down between what stands in lines."""
    rows = [[char for char in line for _ in range(cell_len(char))] for line in lines]
    width = max(map(len, rows))
    blank = "".join(
        " " if all(row[cell : cell + 1] in ([], [" "]) for row in rows) else "x"
        for cell in range(width)
    )
    return len(re.findall(r"(?<=x) {2,}(?=x)", blank))


def table_of(raw: str) -> list[str]:
    """The heading of a table and its rows, as far as they are not wholly bold or dim.

    Each as it is seen.
    """
    plain = re.compile(r"\x1b\[[0-9;]*m")
    lines = raw.split("\n")
    first = next(
        index
        for index, line in enumerate(lines)
        if len(re.split(r" {2,}", plain.sub("", line).strip())) > 2
    )
    rows = []
    for line in lines[first + 1 :]:
        if not line or line.startswith(("\x1b[1m", "\x1b[2m")):
            break
        rows.append(plain.sub("", line))
    return [plain.sub("", lines[first]), *rows]


class TestNames:
    """What comes from a CRM, or from a clerk, is text and nothing else."""

    @pytest.mark.parametrize("name", LISTINGS)
    def test_in_every_listing(self, motley: Installation, name: str) -> None:
        """Markup is read as it is, controls are gone, and nothing falls over."""
        out = motley.ok(*LISTINGS[name]).out
        assert not HARMFUL.search(out)

    def test_they_are_read_as_they_are(self, motley: Installation) -> None:
        """Neither coloured nor made into links or pictures."""
        out = motley.ok("residents", "list").out
        for text in SHOWN:
            assert text in out
        assert "[31mкрасное[/] назад" in motley.ok("history", "#101").out

    @pytest.mark.parametrize(
        "words",
        [
            ("residents", "show", "#{}"),
            ("residents", "erase", "#{}", "--dry-run"),
            ("residents", "merge", "#{}", "#112", "--dry-run"),
            ("links", "add", "#{}", "id5", "--dry-run"),
            ("debit", "#{}", "1", "--reason", "[/]\x1b[2J", "--dry-run"),
            ("statement", "#{}"),
            ("explain", "#{}"),
        ],
        ids=lambda words: " ".join(words[:2]),
    )
    def test_in_what_concerns_one(self, motley: Installation, words: tuple[str, ...]) -> None:
        """Each of them, by number."""
        for card in NAMES:
            said = motley.run(*(word.format(card) for word in words))
            assert said.code in (0, 6, 7), said.err
            assert not HARMFUL.search(said.out)
            assert not HARMFUL.search(said.err)

    def test_in_errors(self, motley: Installation) -> None:
        """Candidates and what was typed are text too."""
        for words in (
            ("balance", "мер"),
            ("balance", "\x1b[2J[/]\u202e"),
            ("review", "post", "\x1b[2J", "--yes"),
        ):
            said = motley.run(*words)
            assert said.code == 6
            assert not HARMFUL.search(said.err), said.err

    def test_in_a_plan(self, tmp_path: Path, master: Path) -> None:
        """A night that renames and marks says so in harmless words."""
        school = a_school()
        with listening(school) as simulator:
            installation = copy_installation(master, tmp_path, simulator)
            installation.configure(residents__names="full")
            for card, name in NAMES.items():
                school.act("rename", customer=card, name=name)
                school.act("set_vk", customer=card, text="vk.com/club1")
            assert not HARMFUL.search(installation.ok("sync", "-v").out)


class TestColumns:
    """A table is a table at any width."""

    @pytest.mark.parametrize("name", LISTINGS)
    def test_at_eighty(self, motley: Installation, name: str) -> None:
        """Headings and cells stand below one another, with a gutter between each two, and no line
        is too long.
        """
        shown = in_terminal(motley, *LISTINGS[name], columns=80)
        assert shown.code == 0
        block = table_of(shown.raw)
        headings = len(re.split(r" {2,}", block[0].strip()))
        assert rivers(block) >= headings - 1, "\n".join(block)
        assert max(map(cell_len, shown.text.split("\n"))) <= 80
        assert not HARMFUL.search(shown.text)

    @pytest.mark.parametrize("name", LISTINGS)
    def test_at_forty(self, motley: Installation, name: str) -> None:
        """What has no room as a table is told row by row.

        Headings stand in one column and values in another.
        """
        shown = in_terminal(motley, *LISTINGS[name], columns=40)
        assert shown.code == 0
        assert max(map(cell_len, shown.text.split("\n"))) <= 40
        blocks = [block.split("\n") for block in re.split(r"\n\n+", shown.text) if "\n" in block]
        assert blocks
        for block in blocks[1:-1]:
            assert rivers(block) >= 1, "\n".join(block)

    def test_a_word_is_not_broken_where_it_fits(self, motley: Installation) -> None:
        """Days, cases and names stay whole at 80 columns."""
        text = in_terminal(motley, *LISTINGS["cases"], columns=80).text
        for case in motley.ok("review", "list", "--json").json:
            assert case["id"] in text
            assert case["hold"]["day"] in text

    def test_a_pipe_is_wide(self, motley: Installation) -> None:
        """Nothing is wrapped for a program that reads."""
        assert f"{SHOWN[1]}  " in motley.ok("residents", "list").out


class TestColours:
    """They help, and nobody needs them."""

    @pytest.mark.parametrize("name", LISTINGS)
    def test_none_where_nobody_wants_them(self, motley: Installation, name: str) -> None:
        """NO_COLOR leaves not one escape sequence, and the same text."""
        bare = in_terminal(motley, *LISTINGS[name], environ={"NO_COLOR": "1"})
        assert "\x1b" not in bare.raw
        assert len(bare.raw.split("\n")) > 3
        assert "\x1b" not in motley.ok(*LISTINGS[name]).out

    def test_the_sign_is_there_without_the_colour(self, motley: Installation) -> None:
        """Plus and minus are written out wherever green and red are."""
        for verb, sign, colour in (("credit", "+5", 32), ("debit", "-5", 31)):
            shown = in_terminal(motley, verb, "#102", "5", "--reason", "x", "--dry-run")
            assert re.search(rf"\x1b\[{colour}m *{re.escape(sign)}\x1b", shown.raw)
            assert f" {sign} " in shown.text

    def test_a_question_without_colours(self, desk: Installation) -> None:
        """The whole way through."""
        shown = in_terminal(
            desk,
            "credit",
            "#102",
            "5",
            "--reason",
            "x",
            answer="y\n",
            environ={"NO_COLOR": "1", "TERM": "dumb"},
        )
        assert (shown.code, "\x1b" in shown.raw, desk.balance(102)) == (0, False, 55)


class TestStreams:
    """What is written is written, whoever reads what is said of it."""

    WORDS = ("credit", "#102", "5", "--reason", "Помог младшим", "--yes")

    def program(
        self, installation: Installation, *, stdout: int, stderr: int
    ) -> subprocess.Popen[bytes]:
        """The real program with other streams."""
        return subprocess.Popen(
            [sys.executable, "-m", "cli", "--config", str(installation.config), *self.WORDS],
            env={"USER": "anna", "PYTHONIOENCODING": "ascii"},
            stdout=stdout,
            stderr=stderr,
        )

    def test_a_reader_who_leaves(self, desk: Installation) -> None:
        """A closed pipe is no failure."""
        with self.program(desk, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            assert program.stdout is not None
            assert program.stderr is not None
            program.stdout.close()
            program.stderr.close()
            assert program.wait(60) == 0
        assert desk.balance(102) == 55

    def test_an_error_is_folded_at_a_terminal_alone(self, desk: Installation) -> None:
        """Between words, around the command that is to be copied; in a pipe it is one line."""
        words = ("debit", "Nobody", "5", "--reason", "x")
        shown = in_terminal(desk, *words, columns=40)
        lines = shown.text.splitlines()
        assert max(map(len, lines)) <= 40
        assert '"coinsync residents list"' in shown.text
        assert len(lines) > 3
        said = desk.run(*words)
        assert said.err.split() == shown.text.split()
        assert len(said.err.splitlines()) == 2

    def test_a_reader_of_an_export_who_leaves(self, desk: Installation) -> None:
        """As in ``export | head``: nothing is said, and 0."""
        # More than a pipe holds, so that the program is still writing.
        rows = desk.file("rows.csv", "resident;coins;reason\n" + "102;1;x\n" * 600)
        desk.ok("import", rows, "--yes")
        words = [sys.executable, "-m", "cli", "--config", str(desk.config), "export"]
        with subprocess.Popen(
            [*words, "--format", "jsonl"],
            env={"USER": "anna", "LANG": "C.UTF-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as program:
            assert program.stdout is not None
            assert program.stderr is not None
            program.stdout.readline()
            program.stdout.close()
            assert program.wait(60) == 0
            assert program.stderr.read() == b""

    def test_a_stream_without_letters(self, desk: Installation) -> None:
        """Names are written as escapes, and the receipt comes."""
        with self.program(desk, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
            out, err = program.communicate(timeout=60)
        assert (program.returncode, err) == (0, b"")
        assert b"\\u0410\\u0434\\u0430" in out
        assert b"posted (+5)" in out

    def test_a_full_disk_behind_the_stream(self, desk: Installation) -> None:
        """The entry is there; that it could not be told is told, and nobody takes half an output
        for the whole.
        """
        with (
            open("/dev/full", "wb") as full,
            self.program(desk, stdout=full.fileno(), stderr=subprocess.PIPE) as program,
        ):
            _, err = program.communicate(timeout=60)
        assert (program.returncode, desk.balance(102)) == (1, 55)
        assert err.startswith(
            b"coinsync: its output could not be written whole (No space left on device)\n"
        )
        assert b"Traceback" not in err


#: What asks a person, the question, and an answer that ends it.
ASKING = {
    "credit": (("credit", "102", "5", "--reason", "Проба"), "Write it?", "n\n"),
    "export of names": (("residents", "erase", "102"), "Write it?", "n\n"),
    "till": (("till",), "buyer>", "0\n"),
    "init": (("init",), "School's name for families", INTERRUPT),
}


@pytest.mark.parametrize("errors_too", [False, True])
@pytest.mark.parametrize("asking", ASKING)
def test_a_question_is_seen_wherever_the_output_goes(
    desk: Installation, tmp_path: Path, asking: str, errors_too: bool
) -> None:
    """Into a file, and with the errors too: nobody waits for a program that waits for an answer."""
    words, question, answer = ASKING[asking]
    out = tmp_path / "log.txt"
    shown = in_terminal(
        Installation(tmp_path / "none") if asking == "init" else desk,
        *words,
        answers=[(question, answer)],
        out=out,
        errors_too=errors_too,
    )
    assert question in shown.text
    assert question not in out.read_text(encoding="utf-8")


#: Locales in which Python does not speak UTF-8 by itself; the last one is installed everywhere.
OLD_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_a_locale_of_another_encoding_changes_no_letter(desk: Installation) -> None:
    """A terminal sends UTF-8 whatever the locale says: arguments, output, and what is posted."""
    words = ("credit", "Ада", "5", "--reason", "Проверка «Ёлки»", "--yes", "--allow-duplicate")
    done = subprocess.run(
        [sys.executable, "-m", "cli", "--config", str(desk.config), *words],
        capture_output=True,
        timeout=60,
        env={**os.environ, **OLD_LOCALE},  # noqa: TID251
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Проверка «Ёлки»" in done.stdout.decode()
    shown = in_terminal(desk, *words[:-2], answer="y\n", environ={**OLD_LOCALE, "USER": "Анна"})
    assert "likely the same" in shown.text


@pytest.mark.parametrize(
    "broken", [b"\xf0\xd2\xcf\xc2\xc1", "Проба".encode("cp1251"), b"ab\xed\xa0\x80"]
)
@pytest.mark.parametrize(
    "words",
    [
        ("credit", "102", "5", "--yes", "--reason"),
        ("balance",),
        ("--actor",),
        ("import",),
        ("--config",),
        (),
    ],
)
def test_what_is_no_utf_8_is_refused(
    desk: Installation, words: tuple[str, ...], broken: bytes
) -> None:
    """Wherever it stands: what cannot be read would be left out of a text for ever."""
    before = desk.tables()
    said = desk.run(*words, os.fsdecode(broken))
    assert (said.code, desk.tables()) == (2, before)
    assert said.err.startswith("coinsync: the command line is not UTF-8\n  → ")
    assert len(said.err.splitlines()) == 2


def test_json_and_csv_keep_what_the_crm_has(motley: Installation) -> None:
    """A program gets the name without what cannot be seen.

    Nothing in it is a formula to a spreadsheet.
    """
    named = {one["resident"]: one["name"] for one in motley.ok("residents", "list", "--json").json}
    assert named[101] == NAMES[101]
    assert "'=HYPERLINK(1)" in motley.ok("residents", "list", "--csv").out


def test_the_terminal_is_left_as_it_was(desk: Installation) -> None:
    """No descriptor of a test's terminal stays open."""
    before = len(os.listdir("/proc/self/fd"))
    in_terminal(desk, "--version")
    assert len(os.listdir("/proc/self/fd")) == before
