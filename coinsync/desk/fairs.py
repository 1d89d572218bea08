"""Fairs, as plans: open and close. Writes nothing."""

from __future__ import annotations

from dataclasses import replace

from coinsync.config import Settings
from coinsync.core.catalog import (
    Event,
)
from coinsync.core.plan import Put
from coinsync.core.proposal import Author, Proposal
from coinsync.core.shop_report import Settlement
from coinsync.desk.catalog import plan_of_catalog
from coinsync.errors import (
    CoinPolicy,
    EventClosed,
    NotFound,
)
from coinsync.store.reader import Reader


def open_fair(
    reader: Reader, settings: Settings, code: str, title: str, author: Author
) -> Proposal:
    """Plan that sales may be booked to a fair."""
    before = next(iter(reader.recorded(Event, [code])), None)
    if before is not None:
        state = f"closed on {before.closed_on}" if before.closed_on else "open"
        return Proposal(
            plan_of_catalog(settings, (), author), words=(f"{code} is there already, {state}",)
        )
    event = Event(code, title, author.day_by(settings.day_at((), author.now)))
    return Proposal(
        plan_of_catalog(settings, [Put(event)], author), words=(f"{code}  {title}: open for sales",)
    )


def close_fair(settings: Settings, event: Event, balance: Settlement, author: Author) -> Proposal:
    """Plan that a fair is settled; what does not add up refuses it. Raises ``EventClosed`` or ``CoinPolicy``."""
    if event.closed_on is not None:
        raise EventClosed(
            f"{event.code} was closed on {event.closed_on} by {event.closed_by}; nothing written"
        )
    if balance.differences:
        raise CoinPolicy(
            f"{event.code} does not add up: {'; '.join(balance.differences[:5])}; nothing written",
            advice=f"coinsync reconcile; coinsync shop sales --event {event.code}",
        )
    closed = replace(
        event, closed_on=author.day_by(settings.day_at((), author.now)), closed_by=author.actor
    )
    words = (
        f"{event.code}  {event.title}: {balance.sales} sales, lines refunded {balance.refunds}",
        f"coins taken {balance.taken} = fall of balances {balance.fallen} = sale lines {balance.lines}",
        *(
            f"{one.item}: received {one.received} − left {one.left} = sold {one.sold} + written off {one.written_off}"
            for one in balance.goods
        ),
    )
    return Proposal(plan_of_catalog(settings, [Put(closed, event)], author), words=words)


def open_event(reader: Reader, code: str) -> Event:
    """A fair to which sales may be booked. Raises ``NotFound`` or ``EventClosed``."""
    found = next(iter(reader.recorded(Event, [code])), None)
    if found is None:
        raise NotFound(
            f"no fair is called {code!r}", advice=f"coinsync shop open {code} --title TEXT"
        )
    if found.closed_on is not None:
        raise EventClosed(
            f"{code} was closed on {found.closed_on} by {found.closed_by}; nothing written"
        )
    return found
