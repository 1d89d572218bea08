"""What a shell offers while a command is being typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from coinsync.errors import CoinsyncError

if TYPE_CHECKING:
    from coinsync.config import Settings
    from coinsync.store.reader import Reader

OFFERED_MAX = 50

#: What is typed, and what it means.
Offer = tuple[str, str]


def _offered(
    offers: Callable[[Settings, Reader, str], Iterator[Offer]],
) -> Callable[[typer.Context, str], list[Offer]]:
    """What a shell calls for ``offers``; without a database it silently gets none."""

    def complete(ctx: typer.Context, incomplete: str) -> list[Offer]:
        from coinsync import config
        from coinsync.store import database
        from coinsync.store.reader import Reader

        offered = []
        with suppress(CoinsyncError):
            settings = config.load(Path(ctx.find_root().params.get("config") or "config.toml"))
            url = config.database_url(settings, config.Secrets.of(settings, {}))
            opened = database.open_readable(url, wait_seconds=1.0)
            with database.reading(opened):
                fitting = offers(settings, Reader(opened), incomplete)
                for value, meaning in islice(fitting, OFFERED_MAX):
                    offered.append((value, _inert(meaning)))
        return offered

    return complete


def _inert(text: str) -> str:
    """A text of which no shell runs a part.

    Some evaluate what they are told, and anybody may write a name in a CRM.
    """
    return "".join(char for char in text if char.isalnum() or char in " .,+-")


@_offered
def residents(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Residents by the beginning of a number; a shell takes no number in the place of a name."""
    sign = "#" if incomplete.startswith("#") else ""
    merged = reader.survivors()
    for resident in reader.residents():
        number = f"{sign}{resident.id}"
        if number.startswith(incomplete) and resident.id not in merged:
            yield number, resident.name


@_offered
def ways(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Ways to earn by the beginning of their code."""
    for way in settings.ways:
        if way.code.startswith(incomplete):
            yield way.code, f"{way.title_ru} +{way.coins}"


@_offered
def items(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Goods by the beginning of their code; a shell takes no code in the place of a name."""
    from coinsync.core.catalog import Item

    for item in reader.all(Item):
        if item.code.startswith(incomplete) and not item.archived:
            yield item.code, f"{item.name_ru} {item.price}"


@_offered
def holds(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Cases that wait for a person."""
    from coinsync.core.facts import Hold
    from coinsync.core.reasons import reason_text

    for hold in reader.all(Hold):
        case = f"{hold.lesson}:{hold.resident}"
        if case.startswith(incomplete):
            yield case, f"{hold.coins:+} {reason_text(hold.reason)}"
