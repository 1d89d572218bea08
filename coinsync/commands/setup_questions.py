"""How init asks: each question once, until the answer can be used; options answer first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import typer

from coinsync.config import kinds
from coinsync.core import setting
from coinsync.core.identity import clean, plain_number
from coinsync.core.setting import Kind, expect
from coinsync.errors import UsageError

#: What stands for an empty answer, as Enter takes the one that is proposed.
NONE = "none"
KEY_NAME = "COINSYNC_ALFACRM_KEY"
KEY_QUESTION = "API key of the CRM user (not shown; Enter: later)"
UTF8 = "letters in UTF-8; set the terminal to that"
ID_MAX = 2**63 - 1


class Questions:
    """Asks a person; where nobody is there, an option that is missing is a ``UsageError``.

    All goes to stderr, so that it is seen where the output goes into a file.
    """

    def __init__(self, given: Mapping[str, Any], *, is_person: bool) -> None:
        """Options are ``given`` by name, None where they were left out."""
        self.is_person = is_person
        self._given = dict(given)

    def is_open(self, name: str) -> bool:
        """Whether a person will be asked."""
        return self.is_person and self._given.get(name) is None

    def is_given(self, name: str) -> bool:
        """Whether an option answers the question."""
        return self._given.get(name) is not None

    def ask(
        self,
        name: str,
        question: str,
        kind: Kind,
        proposed: str | None = None,
        *,
        optional: bool = False,
    ) -> Any:
        """What an option says, else what a person answers; asked again, only the person answers.

        ``kind`` makes a value of a text. An ``optional`` answer is what is ``proposed`` where
        nobody is there.
        """
        option = f"--{name.replace('_', '-')}"

        def value(text: str) -> Any:
            answer = clean(text)
            try:
                text.encode()
                return kind("" if answer.lower() == NONE else answer)
            except UnicodeError:
                raise typer.BadParameter(f"expected {UTF8}", param_hint=option) from None
            except ValueError as error:
                raise typer.BadParameter(f"expected {error}", param_hint=option) from None

        given = self._given.pop(name, None)
        if given is None and optional and not self.is_person:
            given = proposed
        if given is not None:
            return value(given)
        if not self.is_person:
            raise UsageError(f"init: {option} is missing, and nobody is there to ask")
        shown = NONE if proposed == "" else proposed

        def typed_value(text: str) -> Any:
            # Spaces are as good as nothing, which takes what is proposed.
            return value(text if text.strip() else shown or "")

        while True:
            try:
                return typer.prompt(question, shown, value_proc=typed_value, err=True)
            except UnicodeDecodeError:
                self.show(f"Error: expected {UTF8}")

    def secret(self, question: str) -> str:
        """A text that is not shown while it is typed; Enter is none."""
        typed = typer.prompt(question, "", hide_input=True, show_default=False, err=True)
        return str(typed).strip()

    def confirm(self, question: str) -> bool:
        """Whether a person says yes; Enter is yes."""
        return typer.confirm(question, default=True, err=True)

    def show(self, line: str) -> None:
        """A line that belongs to the questions."""
        typer.echo(line, err=True)


# --- what a text may be ---


def whole(least: int, most: int) -> Kind:
    """A whole number between two bounds in plain digits; nothing is 0."""
    kind = setting.whole(least, most)
    return lambda text: kind(plain_number(text or "0"))


def day(text: str) -> date:
    """A day as 2026-09-01."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("a day such as 2026-09-01") from None


def e_mail(text: str) -> str:
    """An address with an @ between two words."""
    expect(text.count("@") == 1 and len(text.split()) == 1, "an e-mail such as api@rostok.ru")
    return text


def optional_url(text: str) -> str:
    """The address of a host, or nothing; https:// may be left out, and a page of it may follow."""
    if not text:
        return ""
    url = text if "://" in text else f"https://{text}"
    # People copy it from the browser in which the CRM is open.
    host = "/".join(url.split("/")[:3])
    return str(kinds.host_url("https://rostok.s20.online")(host))


def ids_among(known: Iterable[int], taken: Iterable[int] = (), *, least: int = 0) -> Kind:
    """Numbers of what the CRM has, where that is ``known``; none that is ``taken``."""
    listed = frozenset(known)

    def kind(text: str) -> frozenset[int]:
        numbers = list(map(plain_number, text.replace(",", " ").split()))
        expect(None not in numbers, "numbers such as 2 5")
        chosen = setting.ids(numbers)
        expect(len(chosen) >= least, "at least one number")
        strange = sorted(chosen - listed) if listed else []
        expect(not strange, f"numbers that the CRM has, not {strange}")
        doubled = sorted(chosen.intersection(taken))
        expect(not doubled, f"other numbers; {doubled} are chosen above")
        return chosen

    return kind


def branch_list(text: str) -> list[tuple[int, str]]:
    """Branches as ID or ID=ZONE with spaces between; a zone that is left out is ""."""
    chosen = []
    for word in text.split():
        id, _, zone = word.partition("=")
        expect(plain_number(id) is not None, "ID or ID=ZONE, such as 1=Europe/Moscow")
        chosen.append((int(id), str(kinds.zone(zone)) if zone else ""))
    expect(bool(chosen), "at least one branch")
    expect(len(dict(chosen)) == len(chosen), "each branch once")
    return chosen
