"""Who has coins: residents list, show, merge, unmerge, erase, export."""

from typing import Annotated

import typer
from typer import Context, Option

from coinsync.commands.options import (
    AsCsv,
    CoinsMin,
    DryRun,
    InGroup,
    SortBy,
    Who,
    Yes,
    argument,
    resident_argument,
)
from coinsync.commands.posting import carry_out
from coinsync.commands.session import Session
from coinsync.core.facts import Presence
from coinsync.core.proposal import Proposal
from coinsync.desk import people as desk
from coinsync.desk.gather import Clerk
from coinsync.lookup import residents as lookup
from coinsync.lookup.residents import find_card, find_resident
from coinsync.render import people as render
from coinsync.render.data import json_text


def list_residents(
    ctx: Context,
    everybody: Annotated[
        bool, Option("--all", help="Also leads, the archive and who is gone.")
    ] = False,
    group: InGroup = "",
    coins_min: CoinsMin = None,
    sort: SortBy = "name",
    as_csv: AsCsv = False,
) -> None:
    """All residents with their balances."""
    session: Session = ctx.obj
    with session.reader() as reader:
        residents = lookup.residents_of(reader, session.chosen_branch_ids())
        if not everybody:
            residents = [each for each in residents if each.presence is Presence.CLIENT]
        coins = lookup.with_coins(reader, residents, session.today, group, coins_min, sort)
        lines = lookup.roster(reader, coins, session.today)
    session.print_listing(render.roster(lines, session.branch_names()), as_csv)


def show(ctx: Context, resident: Who) -> None:
    """All that is known of one resident."""
    session: Session = ctx.obj
    with session.reader() as reader:
        card = lookup.card(reader, find_resident(reader, resident))
    session.print_listing(render.card(card, session.branch_names()))


def merge(
    ctx: Context,
    card: Annotated[str, resident_argument("The card that ends.", "CARD")],
    into: Annotated[str, resident_argument("The card that it goes on as.", "INTO")],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Two cards of one child become one.

    No coins move, they count together; `unmerge` undoes it.
    """

    def decide(clerk: Clerk) -> Proposal:
        return desk.merge(clerk, find_card(clerk.reader, card), find_card(clerk.reader, into))

    return carry_out(ctx.obj, decide, dry_run, yes)


def unmerge(
    ctx: Context,
    card: Annotated[str, argument("CARD", "The card that was merged, by its number.")],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """A merged card stands on its own again."""

    return carry_out(
        ctx.obj, lambda clerk: desk.unmerge(clerk, find_card(clerk.reader, card)), dry_run, yes
    )


def erase(
    ctx: Context,
    resident: Who,
    stock_text: Annotated[
        str,
        Option(help="Also notes of stock in which this stands, such as the name."),
    ] = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Forget who a resident is.

    Names, links and notes go for good, numbers and coins stay.
    """

    def decide(clerk: Clerk) -> Proposal:
        card = find_resident(clerk.reader, resident)
        return desk.erase(clerk, card, stock_text=stock_text.strip())

    return carry_out(ctx.obj, decide, dry_run, yes)


def export(ctx: Context, resident: Who) -> None:
    """All that is held about a resident, as JSON."""
    session: Session = ctx.obj
    with session.reader() as reader:
        dossier = lookup.dossier(reader, find_resident(reader, resident))
    # It is JSON for everybody; for a person each value stands on a line of its own.
    typer.echo(json_text(dossier, indent=None if session.json else 2))
