"""Fairs, as plans: open and close. Writes nothing."""

from dataclasses import replace

from coinsync.core.catalog import Event
from coinsync.core.plan import Put
from coinsync.core.proposal import Proposal
from coinsync.core.shop_report import ShopReport
from coinsync.desk.catalog import propose_goods
from coinsync.desk.gather import Clerk
from coinsync.errors import CoinPolicy, EventClosed, NotFound
from coinsync.store.reader import Reader

#: So many differences are named when a fair does not add up.
NAMED_MAX = 5


def open_fair(clerk: Clerk, code: str, title: str) -> Proposal:
    """Plan that sales may be booked to a fair. Raises ``EventClosed`` for one that is over."""
    before = clerk.reader.find(Event, code)
    if before is not None:
        _refuse_closed(before)
        return propose_goods(clerk, (), f"{code} is there already, open")
    event = Event(code, title, clerk.day(), opened_run=clerk.reader.head().runs)
    return propose_goods(clerk, [Put(event)], f"{code}  {title}: open for sales")


def close_fair(clerk: Clerk, event: Event, report: ShopReport) -> Proposal:
    """Plan that a fair is closed.

    Raises ``EventClosed``, or ``CoinPolicy`` where something does not add up.
    """
    _refuse_closed(event)
    if report.differences:
        differences = "; ".join(report.differences[:NAMED_MAX])
        raise CoinPolicy(
            f"{event.code} does not add up: {differences}",
            advice=f"coinsync reconcile; coinsync shop sales --event {event.code}",
        )
    closed = replace(
        event,
        closed_on=clerk.day(),
        closed_by=clerk.author.actor,
        closed_run=clerk.reader.head().runs,
    )
    words = [
        f"{event.code}  {event.title}: {report.sales} sales, lines refunded {report.refunds}",
        f"coins taken {report.taken}",
    ]
    for item in report.items:
        received = f", {item.received} received" if item.received else ""
        counted = f", counted {item.counted:+}" if item.counted else ""
        words.append(f"{item.item}: {item.pieces} sold{received}{counted}")
    return propose_goods(clerk, [Put(closed, event)], *words)


def find_fair(reader: Reader, code: str) -> Event:
    """A fair by its code. Raises ``NotFound``."""
    code = code.lower()
    event = reader.find(Event, code)
    if event is None:
        advice = f'"coinsync shop events" lists them; coinsync shop open {code} --title TEXT'
        raise NotFound(f"no fair is called {code!r}", advice=advice)
    return event


def open_event(reader: Reader, code: str) -> Event:
    """A fair to which sales may be booked. Raises ``NotFound`` or ``EventClosed``."""
    event = find_fair(reader, code)
    _refuse_closed(event)
    return event


def _refuse_closed(event: Event) -> None:
    if event.closed_on is not None:
        day, actor = event.closed_on, event.closed_by
        raise EventClosed.of("event_closed", event=event.code, day=day, actor=actor)
