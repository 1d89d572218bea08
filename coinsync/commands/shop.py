"""The shop's counter: sell, refund, till; and looking at it: shop sales, sale, report, events, open, close."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands import completion
from coinsync.commands.coins import Key, author, note_of
from coinsync.commands.people import chosen_residents
from coinsync.commands.posting import carry_out
from coinsync.commands.session import AsCsv, Day, DryRun, Session, Who, Yes, number_of, span
from coinsync.core.identity import clean
from coinsync.errors import NotFound, UsageError

if TYPE_CHECKING:
    from coinsync.core.catalog import Event
    from coinsync.core.proposal import Proposal
    from coinsync.desk.shop import Buyer
    from coinsync.store.reader import Reader

Reason = Annotated[str, typer.Option("--reason", help="Why, in words that the family will read.")]
Fair = Annotated[
    str, typer.Option("--event", metavar="EVENT", help="The fair that the sale belongs to.")
]
Code = Annotated[
    str, typer.Argument(metavar="EVENT", help="A short word for the fair, as in fair-2026-12.")
]


def sell(
    ctx: typer.Context,
    resident: Who,
    item: Annotated[
        str,
        typer.Argument(
            metavar="ITEM", help="Its code, or a part of its name.", autocompletion=completion.items
        ),
    ],
    quantity: Annotated[str, typer.Option("--quantity", help="How many.")] = "1",
    price: Annotated[
        str, typer.Option("--price", help="Another price for each; needs a --reason.")
    ] = "",
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="RESIDENT=COINS", help="Who pays a part; may be repeated."),
    ] = None,
    reason: Reason = "",
    event: Fair = "",
    day: Annotated[
        str | None,
        typer.Option("--date", metavar="YYYY-MM-DD", help="When it was; today if left out."),
    ] = None,
    key: Key = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Sell goods for coins: debit, stock and sale in one."""
    from coinsync.core.catalog import Pick
    from coinsync.desk import shop
    from coinsync.lookup.residents import find_resident
    from coinsync.lookup.shop import find_item

    session: Session = ctx.obj
    pieces, note = number_of(quantity, "number of pieces"), note_of(reason)
    other = number_of(price, "price") if price else None
    by = author(session, key, day)

    def decide(reader: Reader) -> Proposal:
        picks = [Pick(find_item(reader, item), pieces, other)]
        first = shop.Buyer(find_resident(reader, resident))
        others = [_part(reader, text) for text in also or []]
        return shop.sell(
            reader, session.settings, picks, [first, *others], by, event=event.lower(), note=note
        )

    return carry_out(session, decide, dry_run=dry_run, yes=yes)


def _part(reader: Reader, text: str) -> Buyer:
    from coinsync.desk import shop
    from coinsync.lookup.residents import find_resident

    who, equals, coins = text.rpartition("=")
    if not equals:
        raise UsageError(f"--also {clean(text)!r}: expected RESIDENT=COINS, such as 102=50")
    return shop.Buyer(find_resident(reader, who), number_of(coins, "number of coins"))


def refund(
    ctx: typer.Context,
    sale: Annotated[str, typer.Argument(metavar="SALE", help="Its key, as `shop sales` shows it.")],
    line: Annotated[
        list[int] | None, typer.Option("--line", help="Only this line; may be repeated.")
    ] = None,
    note: Annotated[
        str, typer.Option("--note", help="Why, in words that the family will read.")
    ] = "",
    day: Annotated[
        str | None,
        typer.Option("--date", metavar="YYYY-MM-DD", help="When it was; today if left out."),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Take a sale back, whole or by lines, once.

    Coins go to who paid, goods to the stock.
    """
    from coinsync.desk import shop
    from coinsync.lookup.shop import find_sale

    session: Session = ctx.obj
    text, by = note_of(note), author(session, "", day)
    if not text:
        raise UsageError("refund: say why: --note TEXT")

    def decide(reader: Reader) -> Proposal:
        found = find_sale(reader, sale)
        return shop.refund(reader, session.settings, found, line or (), by, note=text)

    return carry_out(session, decide, dry_run=dry_run, yes=yes)


# --- looking ---------------------------------------------------------------------------------------------------------


def sales(
    ctx: typer.Context,
    since: Day = None,
    until: Day = None,
    event: Fair = "",
    as_csv: AsCsv = False,
) -> None:
    """Sales, the oldest first."""
    from coinsync.lookup import shop
    from coinsync.render.data import csv_text, json_text
    from coinsync.render.shop import show_purchases
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    first, last = span(since, until)
    with session.reader() as reader:
        found = reader.sales(
            since=first or date.min, until=last or date.max, event=event.lower() or None
        )
        purchases = shop.purchases(reader, found)
    if session.json:
        typer.echo(json_text(purchases))
    elif as_csv:
        columns = (
            "sale",
            "day",
            "event",
            "line",
            "item",
            "name",
            "quantity",
            "price",
            "listed",
            "refunded",
            "by",
            "note",
        )
        rows = (
            (
                one.sale.id,
                one.sale.happened_on,
                one.sale.event,
                line.line,
                line.item,
                line.name_ru,
                line.quantity,
                line.price,
                line.listed,
                int(line.line in one.refunded),
                one.sale.actor,
                one.note,
            )
            for one in purchases
            for line in one.lines
        )
        typer.echo(csv_text(columns, rows))
    else:
        show_purchases(console(), purchases)


def sale(
    ctx: typer.Context, key: Annotated[str, typer.Argument(metavar="SALE", help="Its key.")]
) -> None:
    """One sale with its lines, who paid, and what came back."""
    from coinsync.lookup import shop
    from coinsync.render.data import json_text
    from coinsync.render.shop import show_purchase
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    with session.reader() as reader:
        [found] = shop.purchases(reader, [shop.find_sale(reader, key)])
    if session.json:
        typer.echo(json_text(found))
    else:
        show_purchase(console(), found)


def report(ctx: typer.Context, since: Day = None, until: Day = None, as_csv: AsCsv = False) -> None:
    """Who bought what, what sells, what does not move."""
    from coinsync.lookup import shop
    from coinsync.render.data import csv_text, json_text
    from coinsync.render.shop import show_shop
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    first, last = span(since, until)
    with session.reader() as reader:
        residents = chosen_residents(session, reader)
        found = shop.report(reader, residents, first or date.min, last or date.max)
    if session.json:
        typer.echo(json_text(found))
    elif as_csv:
        columns = ("resident", "name", "pieces", "spent", "balance")
        typer.echo(
            csv_text(columns, ([getattr(one, name) for name in columns] for one in found.buyers))
        )
    else:
        show_shop(console(), found, every_line=session.verbose)


def events(ctx: typer.Context) -> None:
    """Fairs, and which of them are open."""
    from coinsync.core.catalog import Event
    from coinsync.render.data import json_text
    from coinsync.render.shop import show_events
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    with session.reader() as reader:
        found = sorted(reader.all(Event), key=lambda one: (one.opened_on, one.code))
    if session.json:
        typer.echo(json_text(found))
    else:
        show_events(console(), found)


def open_fair(
    ctx: typer.Context,
    event: Code,
    title: Annotated[str, typer.Option("--title", help="As people call it.")] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Open a fair, so that sales may be booked to it."""
    from coinsync.core.catalog import NAME_LENGTH_MAX, is_code
    from coinsync.desk import fairs

    session: Session = ctx.obj
    code, name, by = event.lower(), clean(title), author(session)
    if not is_code(code):
        raise UsageError(
            f"{clean(event)!r} is no code",
            advice="Codes are letters a-z, digits, hyphens: fair-2026-12.",
        )
    if len(name) > NAME_LENGTH_MAX:
        raise UsageError(
            f"--title: the text has {len(name)} characters, at most {NAME_LENGTH_MAX} are kept"
        )
    return carry_out(
        session,
        lambda reader: fairs.open_fair(reader, session.settings, code, name or code, by),
        dry_run=dry_run,
        yes=yes,
    )


def close_fair(ctx: typer.Context, event: Code, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Settle a fair.

    Coins taken, balances and goods must agree, or it stays open and the difference is named.
    """
    from coinsync.desk import fairs
    from coinsync.lookup.shop import settle

    session: Session = ctx.obj
    by = author(session)

    def decide(reader: Reader) -> Proposal:
        found = _event(reader, event.lower())
        return fairs.close_fair(session.settings, found, settle(reader, found), by)

    return carry_out(session, decide, dry_run=dry_run, yes=yes)


def _event(reader: Reader, code: str) -> Event:
    from coinsync.core.catalog import Event

    found: Event | None = next(iter(reader.recorded(Event, [code])), None)
    if found is None:
        raise NotFound(f"no fair is called {code!r}", advice='"coinsync shop events" lists them.')
    return found
