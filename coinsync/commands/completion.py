"""What a shell offers while a command is being typed: residents, ways to earn, entries that stand open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from coinsync.errors import CoinsyncError

if TYPE_CHECKING:
    from coinsync.config import Settings
    from coinsync.store.reader import Reader

OFFERED_MAX = 50

Offer = tuple[str, str]


def residents(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Residents by the beginning of a number, with or without #; a shell takes no number in the place of a name."""
    sign = "#" * incomplete.startswith("#")

    def offers(_settings: Settings, reader: Reader) -> Iterator[Offer]:
        merged = reader.survivors()
        for one in reader.residents():
            if f"{sign}{one.id}".startswith(incomplete) and one.id not in merged:
                yield f"{sign}{one.id}", one.name

    return _offered(ctx, offers)


def ways(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Ways to earn by the beginning of their code."""

    def offers(settings: Settings, _reader: Reader) -> Iterator[Offer]:
        return (
            (way.code, f"{way.title_ru} +{way.coins}")
            for way in settings.ways
            if way.code.startswith(incomplete)
        )

    return _offered(ctx, offers)


def items(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Goods by the beginning of their code, or a part of the name."""
    from coinsync.core.catalog import Item

    wanted = incomplete.casefold()

    def offers(_settings: Settings, reader: Reader) -> Iterator[Offer]:
        goods = (item for item in reader.all(Item) if not item.archived)
        return (
            (item.code, f"{item.name_ru} {item.price}")
            for item in goods
            if item.code.startswith(wanted) or wanted in item.name_ru.casefold()
        )

    return _offered(ctx, offers)


def holds(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Cases that wait for a person."""
    from coinsync.core.facts import Hold
    from coinsync.core.reasons import reason_text

    def offers(_settings: Settings, reader: Reader) -> Iterator[Offer]:
        found = reader.all(Hold)
        told = (
            (f"{one.lesson}:{one.resident}", f"{one.coins:+} {reason_text(one.reason)}")
            for one in found
        )
        return (offer for offer in told if offer[0].startswith(incomplete))

    return _offered(ctx, offers)


def _offered(
    ctx: typer.Context, offers: Callable[[Settings, Reader], Iterator[Offer]]
) -> list[Offer]:
    """The first offers; where configuration or database cannot be read there are none, and no word about it."""
    from itertools import islice

    from coinsync import config
    from coinsync.store import database
    from coinsync.store.reader import Reader

    with suppress(CoinsyncError):
        settings = config.load(Path(ctx.find_root().params.get("config") or "config.toml"))
        url = config.database_url(settings, config.Secrets(settings.secrets.file, {}))
        opened = database.open_readable(url, wait_seconds=1.0)
        with database.reading(opened):
            found = islice(offers(settings, Reader(opened)), OFFERED_MAX)
            return [(value, _inert(told)) for value, told in found]
    return []


def _inert(text: str) -> str:
    """A text of which no shell runs a part: some evaluate what they are told, and anybody may write a name in a CRM."""
    return "".join(char for char in text if char.isalnum() or char in " .,+-")
