"""Sales and fairs."""

from typing import Annotated

from typer import Context, Option

from coinsync.commands import completion
from coinsync.commands.options import (
    AsCsv,
    Day,
    DayOfSale,
    DryRun,
    Fair,
    Key,
    Note,
    Reason,
    Who,
    Yes,
    argument,
    author_of,
    note_of,
    number_of,
    span,
)
from coinsync.commands.posting import carry_out
from coinsync.commands.session import Session
from coinsync.core.catalog import NAME_LENGTH_MAX, Event, Pick, is_code
from coinsync.core.identity import clean
from coinsync.core.proposal import Proposal
from coinsync.core.till import payers
from coinsync.desk import fairs
from coinsync.desk import shop as desk
from coinsync.desk.gather import Clerk
from coinsync.errors import UsageError
from coinsync.lookup import shop as lookup
from coinsync.lookup.residents import find_resident, residents_of
from coinsync.render import shop as render

Code = Annotated[
    str, argument("EVENT", "A short word for the fair, as in fair-2026-12.", completion.fairs)
]
SaleKey = Annotated[str, argument("SALE", "Its key, as `shop sales` shows it.", completion.sales)]


def sell(
    ctx: Context,
    resident: Who,
    item: Annotated[str, argument("ITEM", "Its code, or a part of its name.", completion.items)],
    quantity: Annotated[str, Option(help="How many.")] = "1",
    price: Annotated[str, Option(help="Another price for each; needs a --reason.")] = "",
    also: Annotated[
        list[str] | None,
        Option(metavar="RESIDENT=COINS", help="Who pays a part; may be repeated."),
    ] = None,
    reason: Reason = "",
    event: Fair = "",
    day: DayOfSale = None,
    key: Key = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Sell goods for coins: debit, stock and sale in one."""
    pieces, note = number_of(quantity, "number of pieces"), note_of(reason)
    other_price = number_of(price, "price") if price else None

    def decide(clerk: Clerk) -> Proposal:
        reader = clerk.reader
        pick = Pick(lookup.find_item(reader, item), pieces, other_price)
        typed = payers("+".join([resident, *(also or ())]))
        buyers = [desk.Buyer(find_resident(reader, who), part) for who, part in typed]
        return desk.sell(clerk, [pick], buyers, event=event.lower(), note=note)

    return carry_out(ctx.obj, decide, dry_run, yes, author_of(ctx.obj, key, day))


def refund(
    ctx: Context,
    sale: SaleKey,
    line: Annotated[list[int] | None, Option(help="Only this line; may be repeated.")] = None,
    note: Note = "",
    day: DayOfSale = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Take a sale back, whole or by lines, once.

    Coins go to who paid, goods to the stock.
    """
    text = note_of(note, "--note")

    def decide(clerk: Clerk) -> Proposal:
        sold = lookup.find_sale(clerk.reader, sale)
        return desk.refund(clerk, sold, line or (), note=text)

    return carry_out(ctx.obj, decide, dry_run, yes, author_of(ctx.obj, day=day))


def sales(
    ctx: Context, since: Day = None, until: Day = None, event: Fair = "", as_csv: AsCsv = False
) -> None:
    """Sales, the oldest first."""
    session: Session = ctx.obj
    first, last = span(since, until)
    with session.reader() as reader:
        sales = reader.sales(since=first, until=last, event=event.lower() or None)
        purchases = lookup.purchases(reader, sales, session.settings.profile.zone_of)
    session.print_listing(render.sales(purchases), as_csv)


def sale(ctx: Context, key: SaleKey) -> None:
    """One sale with its lines, who paid, and what came back."""
    session: Session = ctx.obj
    with session.reader() as reader:
        sales = [lookup.find_sale(reader, key)]
        [purchase] = lookup.purchases(reader, sales, session.settings.profile.zone_of)
    session.print_listing(render.sale(purchase))


def report(
    ctx: Context, since: Day = None, until: Day = None, event: Fair = "", as_csv: AsCsv = False
) -> None:
    """Who bought what, what sells, what does not move; or all of a fair."""
    session: Session = ctx.obj
    first, last = span(since, until)
    if event and (since or until):
        raise UsageError("shop report: --event, or --since and --until")
    with session.reader() as reader:
        report = lookup.report(
            reader,
            residents_of(reader, session.chosen_branch_ids()),
            first,
            last,
            fair=fairs.find_fair(reader, event) if event else None,
            zone_of=session.settings.profile.zone_of,
        )
    session.print_listing(render.report(report, every_line=session.verbose), as_csv)


def events(ctx: Context, as_csv: AsCsv = False) -> None:
    """Fairs, and which of them are open."""
    session: Session = ctx.obj
    with session.reader() as reader:
        events = sorted(reader.all(Event), key=lambda event: (event.opened_on, event.code))
    session.print_listing(render.fairs(events), as_csv)


def open_fair(
    ctx: Context,
    event: Code,
    title: Annotated[str, Option(help="As people call it.")] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Open a fair, so that sales may be booked to it."""
    code, name = event.lower(), note_of(title, most=NAME_LENGTH_MAX)
    if not is_code(code):
        advice = "Codes are letters a-z, digits, hyphens: fair-2026-12."
        raise UsageError(f"{clean(event)!r} is no code", advice=advice)

    def decide(clerk: Clerk) -> Proposal:
        return fairs.open_fair(clerk, code, name or code)

    return carry_out(ctx.obj, decide, dry_run, yes)


def close_fair(ctx: Context, event: Code, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Settle a fair.

    Coins taken and goods must agree with what was sold, or it stays open and says what differs.
    """

    def decide(clerk: Clerk) -> Proposal:
        reader = clerk.reader
        fair = fairs.find_fair(reader, event)
        report = lookup.report(reader, residents_of(reader, None), fair=fair)
        return fairs.close_fair(clerk, fair, report)

    return carry_out(ctx.obj, decide, dry_run, yes)
