"""The documents name what there is, and what they have somebody type works."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coinsync.commands.program import SECTIONS, program
from coinsync.config import example
from coinsync.config.file import parse
from coinsync.core.facts import Lesson, Status
from coinsync.core.ledger import BY_WAY
from coinsync.core.reasons import REASONS
from tests.support import manual
from tests.support.sample_school import SampleSchool, working_school

PROJECT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")], key=lambda path: path.name
)
#: Documents in two languages that say the same.
TWINS = [
    ("README.md", "README.ru.md"),
    ("docs/operations.md", "docs/operations.ru.md"),
    ("docs/privacy.md", "docs/privacy.ru.md"),
]
_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_CALL = re.compile(r"(?:^|(?<!-u)[ /])coinsync ((?:--config \S+ )?[a-z][^|>]*)")
#: Behind it stands something else than the command: what it prints, or a program of the shell.
_END = r",|;|  |\$\(|\[| #"
_LINK = re.compile(r"\]\((?!http)([^)\s]+)\)")


def text_of(document: Path | str) -> str:
    """The text of a document."""
    return (PROJECT / document).read_text(encoding="utf-8")


def without_blocks(document: Path | str) -> str:
    """The sentences and headings of a document."""
    return _BLOCK.sub("", text_of(document))


def headings(document: Path | str) -> list[str]:
    """The headings of a document with their marks."""
    return re.findall(r"^#+ .*$", without_blocks(document), re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """The addresses of a document's headings, as GitHub makes them."""
    names = set()
    for heading in headings(document):
        words = heading.lstrip("# ").lower().replace("`", "")
        names.add(re.sub(r"[^\w -]", "", words).replace(" ", "-"))
    return names


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    """To a file of the project, and to a heading in it where one is named."""
    for target in _LINK.findall(text_of(document)):
        name, _, heading = target.partition("#")
        path = document.parent / name if name else document
        assert path.exists(), target
        assert not heading or heading in anchors(path), target


# --- commands that exist --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """The options of every command, by the words that call it."""
    always = {"--help", "-h"}
    for parameter in program().params:
        always.update(parameter.opts)
    known = {}
    for members in SECTIONS.values():
        for name, command in manual.all_commands(members):
            known[name] = set(always)
            for parameter in command.params:
                known[name].update([*parameter.opts, *parameter.secondary_opts])
    return known


def calls(document: Path | str) -> Iterator[list[str]]:
    """The words behind ``coinsync`` wherever a document has code."""
    text = text_of(document)
    lines = [line for _, block in _BLOCK.findall(text) for line in block.splitlines()]
    for code in [*lines, *_CODE.findall(_BLOCK.sub("", text))]:
        found = _CALL.search(code)
        if found:
            words = re.split(_END, found.group(1))[0].replace('"', " ").split()
            yield words[2:] if words[0] == "--config" else words


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_is_named_exists(document: Path, options: dict[str, set[str]]) -> None:
    """With every option that is named beside it."""
    for words in calls(document):
        fitting = [name for name in options if words[: len(name.split())] == name.split()]
        group = any(name.startswith(f"{words[0]} ") for name in options)
        assert fitting or (group and len(words) == 1), words
        for word in words if fitting else ():
            if word.startswith("-") and word.strip("-"):
                option = word.partition("=")[0].rstrip(",;.)")
                assert option in options[fitting[-1]], words


# --- what is typed --------------------------------------------------------------------------------


@pytest.fixture
def school() -> Iterator[SampleSchool]:
    """The school of the examples, after a day's work."""
    with working_school() as made:
        yield made


def typed(document: str) -> list[list[str]]:
    """What stands in the blocks of a document for somebody to type, without ``coinsync``."""
    lines = []
    for language, block in _BLOCK.findall(text_of(document)):
        if language == "sh":
            lines += [shlex.split(line) for line in block.splitlines()]
    return [words[1:] for words in lines if words[0] == "coinsync"]


def test_what_a_family_may_ask_is_answered(school: SampleSchool) -> None:
    """By the commands of docs/privacy.md, in their order: the last family sees nothing any more."""
    export, *erase, revoke = typed("docs/privacy.md")
    assert "Рената" in school.ok(*export).out
    school.ok(*revoke, "--yes")
    assert school.ok("links", "list", "--json").out.count('"resident": 107, "name"') == 1
    for words in erase:
        school.ok(*words, "--yes")
    assert "Рената" not in school.ok(*export).out


@pytest.mark.parametrize("document", ["docs/rules.md", "docs/questions.md"])
def test_what_a_sentence_says_can_be_typed(school: SampleSchool, document: str) -> None:
    """Each command as it stands; one that would write only looks."""
    commands = list(calls(document))
    assert len(commands) > 2
    for words in commands:
        if words[0] == "sync":
            words = [*words, "--dry-run"]
        # The school's example has something that is to be found.
        assert school.run(*words).code in (0, 4), words


def test_a_backup_is_put_back_and_a_server_moves(school: SampleSchool) -> None:
    """By the commands of docs/drills.md: the second server proves what the first one wrote."""
    home = school.installation.folder
    backups = home / "backups"
    backups.mkdir()
    school.installation.configure(data__backups=str(backups))
    lines = [
        [word.replace("/var/backups/coinsync", str(backups)) for word in words]
        for words in typed("docs/drills.md")
    ]
    backup, _, look, restore, *_ = lines
    put_back, moved, arrived = lines[2:6], lines[6:8], lines[8:]
    school.ok(*backup)
    (made,) = backups.iterdir()
    made.rename(backups / "last.backup")
    assert "0 runs later" in school.ok(*look).out
    for words in put_back:
        # What the school's own example is made to be found is no fault of the backup.
        assert school.run(*words).code in (0, 4), words
    (backups / "last.backup").unlink()
    for words in moved:
        assert school.run(*words).code in (0, 4), words
    before = school.ok("balance", "--csv").out
    seal = school.installation.run("reconcile", "--json").json["seal"]
    for path in [*home.glob("coinsync.db*"), *home.glob(".coinsync*")]:
        path.unlink()
    assert restore == arrived[0]
    for words in arrived:
        if "--seal" in words:
            words = [*words[:-1], seal, "--check", "seal"]
        assert school.run(*words).code == 0, words
    assert school.ok("balance", "--csv").out == before


# --- the rules' document --------------------------------------------------------------------------

_RULES = "docs/rules.md"
_LESSON_ROW = re.compile(
    r"^\| (\d+) \| (\S+) \| (\d+) \| (\d+) \| (\d+) \| ?(.*?) \| ?(\d*) ?\|$", re.M
)


def test_every_example_of_the_rules_comes_out_as_it_says() -> None:
    """Each table of lessons is what the blocks above it give."""
    parts = re.split(r"^```toml\n", text_of(_RULES), flags=re.MULTILINE)[1:]
    assert len(parts) == 3
    for part in parts:
        blocks, _, below = part.partition("```")
        rules = tomllib.loads(blocks)["rule"]
        branches = [{"id": 1, "zone": "Europe/Moscow"}, {"id": 2, "zone": "Asia/Omsk"}]
        text = example({"rule": rules, "branch": branches})
        rulebook = parse(text, PROJECT / "config.toml").rulebook
        rows = _LESSON_ROW.findall(below.partition("\n## ")[0])
        assert len(rows) >= 3
        for type_id, day, branch, group, subject, name, coins in rows:
            lesson = Lesson(
                id=1,
                branch=int(branch),
                date=date.fromisoformat(day),
                starts="17:00",
                type=int(type_id),
                status=Status.CONDUCTED,
                groups=(int(group),),
                subject=int(subject),
            )
            rule = rulebook.rule_for(lesson)
            assert (name, coins) == ((rule.name, str(rule.coins)) if rule else ("", "")), day


def test_every_reason_code_is_listed() -> None:
    """With the words that people read."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text_of(_RULES), re.MULTILINE))
    assert rows.keys() == {*map(str, REASONS), BY_WAY}
    for code, words in REASONS.items():
        assert rows[str(code)] == words


# --- two languages --------------------------------------------------------------------------------


def blocks_of(document: str) -> list[Any]:
    """The blocks of a document; what is said beside a command may be in another language."""
    blocks = []
    for language, block in _BLOCK.findall(text_of(document)):
        lines = [line.partition(" #")[0].rstrip() for line in block.splitlines()]
        blocks.append((language, lines))
    return blocks


@pytest.mark.parametrize(("english", "russian"), TWINS)
def test_twins_say_the_same(english: str, russian: str) -> None:
    """The same commands in the same order, and as many headings of each level."""
    assert blocks_of(english) == blocks_of(russian)
    levels = [heading.partition(" ")[0] for heading in headings(english)]
    assert levels == [heading.partition(" ")[0] for heading in headings(russian)]
