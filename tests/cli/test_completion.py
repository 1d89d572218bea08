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
from tests.support.goods import an_item, fill
from tests.support.school import Installation

_PROGRAM = "import sys; sys.argv[0] = 'coinsync'; import cli; cli.run()"

#: A name that a shell would run, and what of it is offered.
TRAP, INERT = "\\\\$(id)`id`\"';|\x1b[2JАда", "idid2JАда П."

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
    line = f"coinsync --config {installation.config} credit 102"
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=words_of(shell, line),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    (offered,) = lines_of(done.stdout, done.stderr)
    assert (
        offered
        == {"bash": "102", "zsh": """_arguments '*: :(("102":"Ада Д."))'""", "fish": "102\tАда Д."}[
            shell
        ]
    )


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


@pytest.mark.parametrize(
    "command",
    ["debit", "history", "balance", "explain", "residents merge 104", "links revoke"],
)
def test_residents(asked: Asked, installation: Installation, command: str) -> None:
    """By the beginning of the number, wherever a resident is named."""
    offered = asked("bash", f"coinsync --config {installation.config} {command} 10")
    assert sorted(offered) == [str(number) for number in range(101, 110)]


def test_residents_as_shells_show_them(asked: Asked, installation: Installation) -> None:
    """With the name beside the number where the shell can show it; with # where it was typed."""
    line = f"coinsync --config {installation.config} credit 10"
    assert '"102":"Ада Д."' in "\n".join(asked("zsh", line))
    assert "102\tАда Д." in asked("fish", line)
    assert sorted(asked("bash", f"coinsync --config {installation.config} credit #10"))[0] == "#101"
    assert asked("bash", f"coinsync --config {installation.config} credit 102x") == []
    assert len(asked("bash", f"coinsync --config {installation.config} credit ")) == 42


def test_residents_by_name(asked: Asked, installation: Installation) -> None:
    """What was typed stays as typed, and a space that splits no word stands for each space."""
    at = f"coinsync --config {installation.config}"
    assert asked("bash", f"{at} credit ад") == ["ада\u00a0Д."]
    assert asked("fish", f"{at} credit РЕНАТА\u00a0С") == [
        "РЕНАТА\u00a0С.\t106",
        "РЕНАТА\u00a0С.\t107",
    ]
    assert asked("bash", f"{at} credit Ада\u00a0Д") == ["Ада\u00a0Д."]
    assert asked("bash", f"{at} credit никто") == []
    named = installation.ok("balance", "ада\u00a0Д.", "--json").json
    assert [each["resident"] for each in named] == [102]


def test_groups(asked: Asked, installation: Installation) -> None:
    """By number or name, wherever a group is named."""
    at = f"coinsync --config {installation.config}"
    for command in ("credit 5", "balance", "residents list"):
        assert "python-2" in asked("bash", f"{at} {command} --group py")
    assert "\tPython-2" in "\n".join(asked("fish", f"{at} balance --group "))


def test_sales_and_fairs(asked: Asked, desk: Installation) -> None:
    """Keys of sales, the newest first, and fairs by their code."""
    fill(desk, {an_item("pen", 7): 10})
    desk.ok("shop", "open", "fair-1", "--title", "Ярмарка", "--yes")
    for key in ("k-1", "k-2", "z-3"):
        desk.ok("sell", "102", "pen", "--key", key, "--event", "fair-1", "--yes")
    at = f"coinsync --config {desk.config}"
    for command in ("refund", "shop sale"):
        assert asked("bash", f"{at} {command} k") == ["k-2", "k-1"]
    for command in ("till --event", "shop close", "sell 102 pen --event", "shop sales --event"):
        assert asked("fish", f"{at} {command} f") == ["fair-1\tЯрмарка"]


def test_ways_and_cases(asked: Asked, installation: Installation) -> None:
    """Ways to earn by their code with what they give, cases with what is held and why."""
    at = f"coinsync --config {installation.config}"
    assert asked("bash", f"{at} credit 102 --for ") == ["olympiad", "project"]
    assert "olympiad\tПобеда в олимпиаде +50" in asked("fish", f"{at} credit 102 --for o")
    held = installation.ok("review", "list", "--json").json
    offered = asked("bash", f"{at} review post 1005")
    assert sorted(offered) == sorted(one["id"] for one in held if one["id"].startswith("1005"))
    told = asked("fish", f"{at} review waive 1005:107")
    assert told == ["1005:107\t+10 membership on that day not known"]


def test_the_configuration_may_come_from_the_environment(
    asked: Asked, installation: Installation
) -> None:
    """As for the commands themselves."""
    assert "102" in asked("bash", "coinsync credit 10", COINSYNC_CONFIG=str(installation.config))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_where_nothing_can_be_read_nothing_is_offered(
    asked: Asked, tmp_path: Path, shell: str
) -> None:
    """No configuration, a broken one, no database: not a word, whatever the shell."""
    nothing = {"bash": [], "zsh": ["_files"], "fish": []}[shell]
    installation = Installation(tmp_path)
    line = f"coinsync --config {installation.config} credit 10"
    assert asked(shell, line) == nothing
    installation.config.write_text("[school]\nname = \n")
    assert asked(shell, line) == nothing
    installation.configure()
    assert asked(shell, line) == nothing
    (tmp_path / "coinsync.db").write_bytes(b"no database at all" * 500)
    assert asked(shell, line) == nothing


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_no_shell_can_take_a_name_for_a_command(
    asked: Asked, open_desk: Installation, shell: str
) -> None:
    """Zsh evaluates what it is told; a lead may have called itself anything."""
    open_desk.school.act("rename", customer=102, name=f"Пример {TRAP}")
    open_desk.ok("sync", "--quiet")
    assert "$(id)" in open_desk.ok("residents", "show", "#102").out
    (line,) = asked(shell, f"coinsync --config {open_desk.config} credit 102")
    assert line in (f"""_arguments '*: :(("102":"{INERT}"))'""", f"102\t{INERT}")
