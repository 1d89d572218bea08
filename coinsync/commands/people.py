"""Who has coins: residents list, show, merge, unmerge, erase, export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands import completion
from coinsync.commands.coins import author
from coinsync.commands.posting import carry_out
from coinsync.commands.session import AsCsv, DryRun, Session, Who, Yes

if TYPE_CHECKING:
    from coinsync.core.facts import Resident
    from coinsync.core.proposal import Proposal
    from coinsync.store.reader import Reader


def list_all(
    ctx: typer.Context,
    everybody: Annotated[
        bool, typer.Option("--all", help="Also leads, the archive and who is gone.")
    ] = False,
    as_csv: AsCsv = False,
) -> None:
    """All residents with their balances."""
    from coinsync.core.facts import Presence
    from coinsync.render.data import as_data, csv_text, json_text
    from coinsync.render.people import show_residents
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    with session.reader() as reader:
        found = [
            one
            for one in chosen_residents(session, reader)
            if everybody or one.presence is Presence.CLIENT
        ]
        balances = reader.balances(one.id for one in found)
    if session.json:
        typer.echo(json_text([{**as_data(one), "coins": balances[one.id]} for one in found]))
    elif as_csv:
        rows = (
            (one.id, one.name, " ".join(map(str, one.branches)), one.presence, balances[one.id])
            for one in found
        )
        typer.echo(csv_text(("id", "name", "branches", "presence", "coins"), rows))
    else:
        show_residents(console(), found, balances)


def show(ctx: typer.Context, resident: Who) -> None:
    """All that is known of one resident."""
    from coinsync.lookup import residents as lookup
    from coinsync.render.data import json_text
    from coinsync.render.people import show_card
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    with session.reader() as reader:
        found = lookup.card(reader, lookup.find_resident(reader, resident))
    if session.json:
        typer.echo(json_text(found))
    else:
        show_card(console(), found)


def chosen_residents(session: Session, reader: Reader) -> list[Resident]:
    """Everybody, or those of the branches that ``--branch`` names, by name.

    A card that is merged is left out: its coins count on the card on which it goes on.
    """
    found = {
        one.id: one for branch in session.chosen_branches() for one in reader.residents(branch.id)
    }
    everybody = (
        sorted(found.values(), key=lambda one: (one.name, one.id))
        if session.branches
        else reader.residents()
    )
    merged = reader.survivors()
    return [one for one in everybody if one.id not in merged]


def merge(
    ctx: typer.Context,
    card: Annotated[
        str,
        typer.Argument(
            metavar="CARD", help="The card that ends.", autocompletion=completion.residents
        ),
    ],
    into: Annotated[
        str,
        typer.Argument(
            metavar="INTO", help="The card that it goes on as.", autocompletion=completion.residents
        ),
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Two cards of one child become one.

    No coins move, they count together; `unmerge` undoes it.
    """
    from coinsync.desk import people
    from coinsync.lookup.residents import find_card

    session: Session = ctx.obj
    by = author(session)

    def decide(reader: Reader) -> Proposal:
        return people.merge(
            reader, session.settings, find_card(reader, card), find_card(reader, into), by
        )

    return carry_out(session, decide, dry_run=dry_run, yes=yes)


def unmerge(
    ctx: typer.Context,
    card: Annotated[
        str, typer.Argument(metavar="CARD", help="The card that was merged, by its number.")
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """A merged card stands on its own again."""
    from coinsync.desk import people
    from coinsync.lookup.residents import find_card

    session: Session = ctx.obj
    by = author(session)
    return carry_out(
        session,
        lambda reader: people.unmerge(reader, session.settings, find_card(reader, card), by),
        dry_run=dry_run,
        yes=yes,
    )


def erase(ctx: typer.Context, resident: Who, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Forget who a resident is.

    Names, links and notes go for good, numbers and coins stay.
    """
    from coinsync.desk import people
    from coinsync.lookup.residents import find_resident

    session: Session = ctx.obj
    by = author(session)
    return carry_out(
        session,
        lambda reader: people.erase(reader, session.settings, find_resident(reader, resident), by),
        dry_run=dry_run,
        yes=yes,
    )


def export(ctx: typer.Context, resident: Who) -> None:
    """All that is held about a resident, as JSON."""
    from coinsync.lookup import residents as lookup
    from coinsync.render.data import json_page, json_text

    session: Session = ctx.obj
    with session.reader() as reader:
        found = lookup.dossier(reader, lookup.find_resident(reader, resident))
    typer.echo(json_text(found) if session.json else json_page(found))
