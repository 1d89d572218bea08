"""Options that several commands take, and what their texts mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from coinsync.commands import completion
from coinsync.commands.choosing import chosen_resident
from coinsync.core.identity import clean, plain_number
from coinsync.core.people_report import Sort
from coinsync.errors import UsageError

if TYPE_CHECKING:
    from coinsync.commands.session import Session
    from coinsync.core.proposal import Author

NOTE_LENGTH_MAX = 200


def argument(metavar: str, help: str, offers: Callable[..., Any] | None = None) -> Any:
    """An argument of a command; a shell completes it with what ``offers`` gives."""
    return typer.Argument(metavar=metavar, help=help, autocompletion=offers)


def resident_argument(help: str, metavar: str = "RESIDENT") -> Any:
    """An argument that names a resident: completed, and chosen where it means several."""
    return typer.Argument(
        metavar=metavar, help=help, autocompletion=completion.residents, callback=chosen_resident
    )


def day_option(help: str | None, *names: str) -> Any:
    """An option that is a day."""
    return Option(*names, metavar="YYYY-MM-DD", help=help, parser=day_of)


def day_of(text: str) -> date:
    """The day that is written. Raises ``UsageError``."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day", advice="Write days as 2026-11-22.") from None


Day = Annotated[date | None, day_option(None)]
DayOfSale = Annotated[date | None, day_option("When it was; today if left out.", "--date")]
AsCsv = Annotated[bool, Option("--csv", help="For a spreadsheet.")]
DryRun = Annotated[bool, Option("--dry-run", help="Show what it would write, write nothing.")]
Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]
Who = Annotated[str, resident_argument("101, crm:101, vk:456, or the beginning of a name.")]
Note = Annotated[str, Option(help="Why, in words that the family will read.")]
Reason = Note
Key = Annotated[
    str | None, Option(help="Key of an earlier try, to repeat it without doing it twice.")
]
InGroup = Annotated[
    str,
    Option(
        metavar="GROUP",
        help="A group: its number, or the beginning of its name.",
        autocompletion=completion.groups,
    ),
]
Fair = Annotated[
    str,
    Option(
        metavar="EVENT",
        help="The fair that the sales belong to.",
        autocompletion=completion.fairs,
    ),
]
CoinsMin = Annotated[
    int | None, Option("--min", metavar="COINS", help="Only who has so many, or more.")
]

SortBy = Annotated[Sort, Option(help="Who comes first: A to Z, or who has most.")]
AllowDuplicate = Annotated[bool, Option("--allow-duplicate", help="It is meant twice.")]
AcceptUnsafe = Annotated[
    str | None, Option(metavar="DIGEST", help="Apply this plan although a guard refuses it.")
]
LockTimeout = Annotated[
    int, Option(min=0, max=86_400, metavar="SECONDS", help="Wait so long for another run.")
]


def span(since: date | None, until: date | None) -> tuple[date, date]:
    """The days of ``--since`` and ``--until``, or of all time. Raises ``UsageError``."""
    if since and until and since > until:
        raise UsageError(f"--since {since} is after --until {until}")
    return since or date.min, until or date.max


def number_of(text: str, what: str) -> int:
    """A whole number above 0 in plain digits. Raises ``UsageError``."""
    number = plain_number(text.removeprefix("#"))
    if not number:
        raise UsageError(
            f"{text!r} is no {what}",
            advice="Write a whole number above 0 in plain digits, such as 10.",
        )
    return number


def note_of(text: str, needed: str = "", most: int = NOTE_LENGTH_MAX) -> str:
    """What staff typed, as one line. Raises ``UsageError`` if too long, or missing but needed."""
    note = clean(text)
    if needed and not note:
        raise UsageError(f"say why: {needed} TEXT")
    if len(note) > most:
        raise UsageError(f"the text has {len(note)} characters, at most {most} are kept")
    return note


def digests_of(*texts: str | None) -> list[str]:
    """The digests that are given. Raises ``UsageError``."""
    digests = [text for text in texts if text is not None]
    for digest in digests:
        if not re.fullmatch("[0-9a-fA-F]{8,64}", digest):
            advice = 'Pass the digest that "coinsync COMMAND --dry-run" shows.'
            raise UsageError(f"{clean(digest)!r} is no digest", advice=advice)
    return digests


def author_of(
    session: Session, key: str | None = None, day: date | None = None, allow_duplicate: bool = False
) -> Author:
    """Whoever called; the key is made before anything is asked, so that a repeat is recognised."""
    from coinsync.core.proposal import Author

    if key is None:
        id = session.environment.fresh_text()[:12]
    else:
        id = key.removeprefix("desk:").removeprefix("stock:").lower()
        if not (re.fullmatch("[a-z0-9-]{1,40}", id) and id.strip("-")):
            advice = "Keys are letters a-z, digits and hyphens."
            raise UsageError(f"--key {clean(key)!r} is no key", advice=advice)
    return Author(session.actor, session.now(), id, day, allow_duplicate)
