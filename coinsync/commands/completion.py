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


def residents(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Residents by the beginning of a number, with or without #.

    A shell takes no number in the place of a name.
    """
    sign = "#" if incomplete.startswith("#") else ""

    def offers(_settings: Settings, reader: Reader) -> Iterator[Offer]:
        merged = reader.survivors()
        for resident in reader.residents():
            number = f"{sign}{resident.id}"
            if number.startswith(incomplete) and resident.id not in merged:
                yield number, resident.name

    return _offered(ctx, offers)


def ways(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Ways to earn by the beginning of their code."""

    def offers(settings: Settings, _reader: Reader) -> Iterator[Offer]:
        for way in settings.ways:
            if way.code.startswith(incomplete):
                yield way.code, f"{way.title_ru} +{way.coins}"

    return _offered(ctx, offers)


def items(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Goods by the beginning of their code, or a part of the name."""
    from coinsync.core.catalog import Item

    wanted = incomplete.casefold()

    def offers(_settings: Settings, reader: Reader) -> Iterator[Offer]:
        for item in reader.all(Item):
            fits = item.code.startswith(wanted) or wanted in item.name_ru.casefold()
            if fits and not item.archived:
                yield item.code, f"{item.name_ru} {item.price}"

    return _offered(ctx, offers)


def holds(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Cases that wait for a person."""
    from coinsync.core.facts import Hold
    from coinsync.core.reasons import reason_text

    def offers(_settings: Settings, reader: Reader) -> Iterator[Offer]:
        for hold in reader.all(Hold):
            case = f"{hold.lesson}:{hold.resident}"
            if case.startswith(incomplete):
                yield case, f"{hold.coins:+} {reason_text(hold.reason)}"

    return _offered(ctx, offers)


def _offered(
    ctx: typer.Context, offers: Callable[[Settings, Reader], Iterator[Offer]]
) -> list[Offer]:
    """The first offers.

    Where configuration or database cannot be read there are none, and no word about it.
    """
    from coinsync import config
    from coinsync.store import database
    from coinsync.store.reader import Reader

    offered = []
    with suppress(CoinsyncError):
        settings = config.load(Path(ctx.find_root().params.get("config") or "config.toml"))
        url = config.database_url(settings, config.Secrets(settings.secrets.file, {}))
        opened = database.open_readable(url, wait_seconds=1.0)
        with database.reading(opened):
            for value, meaning in islice(offers(settings, Reader(opened)), OFFERED_MAX):
                offered.append((value, _inert(meaning)))
    return offered


def _inert(text: str) -> str:
    """A text of which no shell runs a part.

    Some evaluate what they are told, and anybody may write a name in a CRM.
    """
    return "".join(char for char in text if char.isalnum() or char in " .,+-")
