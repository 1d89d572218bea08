"""What docs/operations.md has an admin type: every line of its blocks, and by whom."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tests.server.debian import PROJECT

DOCUMENT = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
README = (PROJECT / "README.md").read_text(encoding="utf-8")
#: The account that the admin has: nobody special, but for sudo.
ADMIN = "anna"
#: Languages of blocks that show something; what is typed stands in "sh", or behind such a line.
SHOWN = {"sql", "toml", "text"}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: Programs into which the next block is typed.
_TAKES_TEXT = re.compile(r"sudo (nano \S+|mariadb)$")
_STARTED = re.compile(r"`((?:sudo|coinsync|systemctl|journalctl|crontab|mariadb) [^`]+)`")


@dataclass(frozen=True)
class Line:
    """One line, who types it, in which login, and what is typed into the program it starts."""

    user: str
    text: str
    login: int
    given: str = ""


def section(heading: str) -> str:
    """The text under a heading, down to the next that is not below it."""
    text = DOCUMENT.partition(f"\n{heading}\n")[2]
    assert text, heading
    marks = heading.partition(" ")[0]
    return re.split(f"^#{{1,{len(marks)}}} ", text, maxsplit=1, flags=re.MULTILINE)[0]


def lines(text: str) -> list[Line]:
    """What is typed in a part of the document, in its order."""
    typed: list[Line] = []
    login = 0
    for language, content in _BLOCK.findall(text):
        if language == "sh":
            typed += _lines_of(content, login)
            # "Log out and in again": what install.sh changed of the account holds only then.
            login += "install.sh" in content
            continue
        assert language in SHOWN, f"a block says neither sh nor what it shows: {content}"
        if typed and _TAKES_TEXT.match(typed[-1].text):
            typed[-1] = replace(typed[-1], given=content)
    return typed


def _lines_of(block: str, login: int) -> list[Line]:
    user = ADMIN
    typed = []
    for text in block.splitlines():
        if text == "sudo -i":
            user = "root"
        elif text == "exit":
            user = ADMIN
        else:
            typed.append(Line(user, text, login))
    return typed


def mentioned() -> list[str]:
    """Commands that stand in the sentences, each once."""
    sentences = _BLOCK.sub("", DOCUMENT)
    return sorted(set(_STARTED.findall(sentences)))


def setting_up() -> list[str]:
    """The lines of the README that set a school's server up, without what is said beside them."""
    part = README.partition("\n## Set it up for a school\n")[2].partition("\n## ")[0]
    ((_, content),) = _BLOCK.findall(part)
    return [line.partition(" #")[0].rstrip() for line in content.splitlines()]


def in_one_folder() -> list[str]:
    """The lines of the README for whoever tries it without a server."""
    part = README.partition("* **In one folder,**")[2].partition("\n\n")[0]
    return re.findall(r"`([^`]+)`", part)
