"""What a shell offers while a command is being typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from coinsync.core.identity import folded
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
    """What a shell calls: the ``offers`` that begin as typed, silently none without a database."""

    def complete(ctx: typer.Context, incomplete: str) -> list[Offer]:
        from coinsync import config
        from coinsync.store import database
        from coinsync.store.reader import Reader

        offered: list[Offer] = []
        with suppress(CoinsyncError):
            settings = config.load(Path(ctx.find_root().params.get("config") or "config.toml"))
            url = config.database_url(settings, config.Secrets.of(settings, {}))
            opened = database.open_readable(url, wait_seconds=1.0)
            with database.reading(opened):
                for value, meaning in offers(settings, Reader(opened), incomplete):
                    if value.startswith(incomplete) and len(offered) < OFFERED_MAX:
                        offered.append((value, _inert(meaning)))
        return offered

    return complete


def _inert(text: str) -> str:
    """A text of which no shell runs a part.

    Some evaluate what they are told, and anybody may write a name in a CRM.
    """
    return "".join(char for char in text if char.isalnum() or char in " .,+-")


def _by_number_or_name(entries: Iterable[tuple[int, str]], incomplete: str) -> Iterator[Offer]:
    sign = "#" if incomplete.startswith("#") else ""
    typed = folded(incomplete)
    for id, name in entries:
        number = f"{sign}{id}"
        yield number, name
        if typed and folded(name).startswith(typed):
            # A shell takes only what goes on just as it was typed. A no-break space is a space to
            # us, and no shell ends a word at it.
            rest = _inert(name[len(incomplete) :])
            yield f"{incomplete}{rest}".replace(" ", "\N{NO-BREAK SPACE}"), number


@_offered
def residents(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Residents by the beginning of a number or a name."""
    merged = reader.survivors()
    entries = ((each.id, each.name) for each in reader.residents() if each.id not in merged)
    return _by_number_or_name(entries, incomplete)


@_offered
def groups(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Groups by the beginning of a number or a name."""
    from coinsync.core.facts import Group

    entries = ((group.id, group.name) for group in reader.all(Group))
    return _by_number_or_name(entries, incomplete)


@_offered
def sales(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Keys of sales, the newest first."""
    for sale in reversed(reader.sales()):
        yield sale.id, f"{sale.happened_on} {sale.actor}"


@_offered
def fairs(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Fairs by the beginning of their code."""
    from coinsync.core.catalog import Event

    for event in reader.all(Event):
        yield event.code, event.title


@_offered
def ways(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Ways to earn by the beginning of their code."""
    for way in settings.ways:
        yield way.code, f"{way.title_ru} +{way.coins}"


@_offered
def items(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Goods by the beginning of their code; a shell takes no code in the place of a name."""
    from coinsync.core.catalog import Item

    for item in reader.all(Item):
        if not item.archived:
            yield item.code, f"{item.name_ru} {item.price}"


@_offered
def holds(settings: Settings, reader: Reader, incomplete: str) -> Iterator[Offer]:
    """Cases that wait for a person."""
    from coinsync.core.facts import Hold
    from coinsync.core.reasons import reason_text

    for hold in reader.all(Hold):
        yield f"{hold.lesson}:{hold.resident}", f"{hold.coins:+} {reason_text(hold.reason)}"
