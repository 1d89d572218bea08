"""Commands are loaded when they are named: help texts, what is imported, and what is not."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

import pytest

from coinsync import __version__
from coinsync.commands.program import COMMANDS, SECTIONS, Command, Members
from tests.support.school import Installation

_RUN = "import sys; sys.argv = ['coinsync', *sys.argv[1:]]; import cli; cli.run()"
_LIST = "import atexit; atexit.register(lambda: sys.stderr.write(' '.join(sys.modules)))"


def leaves(members: Members, *words: str) -> Iterator[tuple[tuple[str, ...], Command]]:
    """Every command, with the words that name it."""
    for name, member in members.items():
        if isinstance(member, Command):
            yield (*words, name), member
        else:
            yield from leaves(member.members, *words, name)


ALL = dict(leaves(COMMANDS))


def imported(*words: str) -> set[str]:
    """The modules that a process has imported in the end."""
    program = f"import sys; {_LIST}; {_RUN}"
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_the_help_is_that_of_the_function(words: tuple[str, ...]) -> None:
    """The first line of the docstring, found without importing the module."""
    module, function = ALL[words].function.split(":")
    documented = getattr(import_module(f"coinsync.commands.{module}"), function)
    assert inspect.getdoc(documented).splitlines()[0] == ALL[words].help  # type: ignore[union-attr]


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_explains_itself(bare: Installation, words: tuple[str, ...]) -> None:
    """With its own words and options."""
    out = bare.ok(*words, "--help").out
    assert f"Usage: coinsync {' '.join(words)} " in out
    assert " ".join(ALL[words].help.split()) in " ".join(out.split())


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A folder: help needs nothing else."""
    return Installation(tmp_path_factory.getbasetemp())


def test_the_version_needs_no_library() -> None:
    """Not even the one that reads the command line."""
    modules = imported("--version")
    assert "coinsync" in modules
    assert not modules & {"typer", "rich", "peewee", "requests", "dataclasses"}


def test_the_help_imports_no_command() -> None:
    """Nor what any of them needs."""
    modules = imported("--help")
    commands = {name for name in modules if name.startswith("coinsync.commands.")}
    assert commands == {"coinsync.commands.program"}
    assert not modules & {"rich", "peewee", "requests", "zoneinfo", "tomllib", "pydantic"}


def test_a_command_imports_itself_alone() -> None:
    """Its help as well; no other command, and nothing that it does not need."""
    modules = imported("catalog", "stock", "list", "--help")
    assert "coinsync.commands.stock" in modules
    assert not modules & {"coinsync.commands.catalog", "coinsync.commands.lessons", "requests"}


def test_a_program_that_reads_json_waits_for_no_table(synced: Installation) -> None:
    """What draws on a terminal is imported for people."""
    words = ("--config", str(synced.config), "balance")
    assert "rich" in imported(*words)
    assert not imported(*words, "--json") & {"rich", "requests"}


def test_nothing_but_the_name(bare: Installation) -> None:
    """Of the program or of a group: its help, which is an answer and no error."""
    for words in (("links",), ("catalog", "stock"), ("db",)):
        said = bare.ok(*words)
        assert said == bare.ok(*words, "--help")
        assert said.out.startswith(f"Usage: coinsync {' '.join(words)} ")
        assert "\nCommands:\n" in said.out
    assert bare.ok() == bare.ok("--help")


def test_the_commands_stand_under_headings(bare: Installation) -> None:
    """Each of them once, its whole text beside it, in lines of at most 80 columns."""
    out = bare.ok("--help").out
    after = out
    for heading, members in SECTIONS.items():
        _, found, after = after.partition(f"\n{heading}:\n")
        assert found
        part = " ".join(after.partition("\n\n")[0].split())
        for name, member in members.items():
            assert f"{name} {member.help}" in part
    assert sum(map(len, SECTIONS.values())) == len(COMMANDS)
    assert max(map(len, out.splitlines())) <= 80


def test_a_command_that_is_not_there(bare: Installation) -> None:
    """In one line, with what was perhaps meant."""
    said = bare.run("blance")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("coinsync: No such command 'blance'. Did you mean 'balance'?")


def test_the_version(bare: Installation) -> None:
    """With other options before it, too."""
    assert bare.ok("--version").out == f"coinsync {__version__}\n"
