"""What shells are offered while a command is being typed, in the words in which they ask."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

import cli
from tests.support.school import Installation

_PROGRAM = "import sys; sys.argv[0] = 'coinsync'; import cli; cli.run()"

Asked = Callable[..., list[str]]


def words_of(shell: str, line: str) -> dict[str, str]:
    """How a shell asks about a line whose last word is being typed."""
    words = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }
    return {"_COINSYNC_COMPLETE": f"complete_{shell}", **words[shell]}


def lines_of(out: str, err: str) -> list[str]:
    """What the shell gets; not a word may go to stderr."""
    assert err == ""
    return [line for line in out.splitlines() if line]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Ask as a shell does, without its process."""

    def ask(shell: str, line: str, **environ: str) -> list[str]:
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as around, redirect_stdout(out), redirect_stderr(err):
            for name, value in (words_of(shell, line) | environ).items():
                around.setenv(name, value)
            with pytest.raises(SystemExit) as end:
                cli.main([], cli.environment({}))
        assert not end.value.code
        return lines_of(out.getvalue(), err.getvalue())

    return ask


@pytest.fixture(scope="module")
def installation(master: Path) -> Installation:
    """A school after its first sync, in which nothing is written."""
    return Installation(master)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_process_of_its_own(installation: Installation, shell: str) -> None:
    """As a real shell asks it."""
    line = f"coinsync --config {installation.config} rev"
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=words_of(shell, line),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    offered = " ".join(lines_of(done.stdout, done.stderr))
    assert "reverse" in offered
    assert "review" in offered
    # Bash alone shows no help beside a word.
    assert ("What waits for a person." in offered) == (shell != "bash")


def test_commands(asked: Asked) -> None:
    """Those that begin like this, and those of a group."""
    assert {"reverse", "review", "residents"} <= set(asked("bash", "coinsync re"))
    assert asked("bash", "coinsync residents ") == [
        "list",
        "show",
        "merge",
        "unmerge",
        "erase",
        "export",
    ]
    assert asked("bash", "coinsync review f") == ["forgive"]
    assert asked("bash", "coinsync export --format b") == ["beancount"]
