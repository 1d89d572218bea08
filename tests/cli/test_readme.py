"""The commands that both READMEs print for the desk, the shop and the demo, typed as they stand."""

from __future__ import annotations

import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.goods import an_item, fill
from tests.support.school import Installation

PROJECT = Path(__file__).parents[2]
#: Who stands for the two children of the READMEs.
ADA, GLEB = 101, 102
#: They ask before they write; the till asks whoever stands there.
WRITING = re.compile("credit|debit|reverse|sell|refund|shop (open|close)")
POSTED, SOLD = re.compile(r"entry (\d+) posted"), re.compile(r"sale ([0-9a-f]{12})")
_BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands_of(readme: str) -> list[str]:
    """Every command line but those that set a server up: tests/server types them."""
    found = []
    for block in _BLOCK.findall((PROJECT / readme).read_text(encoding="utf-8")):
        lines = [line.partition(" #")[0].strip() for line in block.splitlines()]
        if not any(line.startswith("sudo ") for line in lines):
            found += [line for line in lines if "coinsync " in line]
    return found


@pytest.mark.parametrize("readme", ["README.md", "README.ru.md"])
def test_every_command_works(
    synced: Installation, readme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order in which they stand, and what one gives a number to, another one names."""
    fill(synced, {an_item("mug", 30): 5, an_item("robot", 90, place=2): 5}, {ADA: 400, GLEB: 400})
    named = {"Ада": f"{ADA}", "Глеб=60": f"{GLEB}=60"}
    commands = commands_of(readme)
    assert len(commands) > 13
    for command in commands:
        words = shlex.split(command.partition("coinsync ")[2].removeprefix("--config "))
        words = [named.get(word, word) for word in words if not word.endswith(".toml")]
        if WRITING.match(" ".join(words)):
            words.append("--yes")
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{ADA}\nmug\ny\n"))
        said = synced.run(*words)
        assert said.code == 0, f"{command}: {said.err}"
        for printed, number in {"412": POSTED, "3f9a12cd45ef": SOLD}.items():
            if found := number.search(said.out):
                named.setdefault(printed, found.group(1))
    assert len(named) == 4
