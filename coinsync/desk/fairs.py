"""Fairs, as plans: open and close. Writes nothing."""

from dataclasses import replace

from coinsync.core.catalog import Event
from coinsync.core.plan import Put
from coinsync.core.proposal import Proposal
from coinsync.core.shop_report import ItemLine, ShopReport
from coinsync.desk.catalog import propose_goods
from coinsync.desk.gather import Clerk
from coinsync.errors import CoinPolicy, EventClosed, NotFound
from coinsync.staff_texts import StaffText, joined, phrase
from coinsync.store.reader import Reader

#: So many differences are named when a fair does not add up.
NAMED_MAX = 5


def open_fair(clerk: Clerk, code: str, title: str) -> Proposal:
    """Plan that sales may be booked to a fair. Raises ``EventClosed`` for one that is over."""
    before = clerk.reader.find(Event, code)
    if before is not None:
        _refuse_closed(before)
        return propose_goods(clerk, (), phrase("fair_is_open", event=code))
    event = Event(code, title, clerk.day(), opened_run=clerk.reader.head().runs)
    words = phrase("fair_opens", event=code, title=title)
    return propose_goods(clerk, [Put(event)], words)


def close_fair(clerk: Clerk, event: Event, report: ShopReport) -> Proposal:
    """Plan that a fair is closed.

    Raises ``EventClosed``, or ``CoinPolicy`` where something does not add up.
    """
    _refuse_closed(event)
    if report.differences:
        differences = joined("; ", *report.differences[:NAMED_MAX])
        raise CoinPolicy.of("unsettled", event=event.code, differences=differences)
    closed = replace(
        event,
        closed_on=clerk.day(),
        closed_by=clerk.author.actor,
        closed_run=clerk.reader.head().runs,
    )
    sales, taken, refunds = report.sales, report.taken, report.refunds
    figures = phrase("fair_figures", sales=sales, taken=taken, refunds=refunds)
    words = [f"{event.code}  {event.title}", figures, *map(_words_of_item, report.items)]
    return propose_goods(clerk, [Put(closed, event)], *words)


def _words_of_item(item: ItemLine) -> StaffText:
    words = [phrase("fair_sold", item=item.item, pieces=item.pieces)]
    if item.received:
        words.append(phrase("fair_received", pieces=item.received))
    if item.counted:
        words.append(phrase("fair_counted", pieces=f"{item.counted:+}"))
    return joined(", ", *words)


def find_fair(reader: Reader, code: str) -> Event:
    """A fair by its code. Raises ``NotFound``."""
    code = code.lower()
    event = reader.find(Event, code)
    if event is None:
        raise NotFound.of("unknown_fair", code=code)
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
