"""Who did what, and taking it back: journal, undo."""

from typing import Annotated

from typer import Context, Option

from coinsync.commands import completion
from coinsync.commands.choosing import chosen_resident
from coinsync.commands.options import (
    AsCsv,
    Day,
    DryRun,
    Note,
    Yes,
    argument,
    note_of,
    number_of,
    span,
)
from coinsync.commands.posting import carry_out
from coinsync.commands.session import Session
from coinsync.core.ledger import Kind
from coinsync.desk import undo as desk
from coinsync.errors import UsageError
from coinsync.lookup import journal as lookup
from coinsync.lookup.residents import find_resident
from coinsync.render.journal import journal_listing


def journal(
    ctx: Context,
    today: Annotated[bool, Option("--today", help="What was done today.")] = False,
    since: Day = None,
    until: Day = None,
    resident: Annotated[
        str | None,
        Option(
            metavar="RESIDENT",
            help="Only what moved their coins by hand.",
            autocompletion=completion.residents,
            callback=chosen_resident,
        ),
    ] = None,
    kind: Annotated[Kind | None, Option(help="Only what posted such entries by hand.")] = None,
    find: Annotated[str, Option(metavar="TEXT", help="Only with that reason.")] = "",
    limit: Annotated[int, Option(min=1, max=10_000, help="How many.")] = 20,
    as_csv: AsCsv = False,
) -> None:
    """Who did what, when, why, and how to take it back.

    With --actor NAME only what they did.
    """
    session: Session = ctx.obj
    # Nothing is written here in anybody's name, so that whoever names somebody asks for their work.
    by = ctx.find_root().params["actor"]
    first, last = span(since, until)
    if today:
        if since or until:
            raise UsageError("journal: --today, or --since and --until")
        first = session.today()
    with session.reader() as reader:
        lines = lookup.journal(
            reader,
            session.settings,
            # One more than is shown tells whether there are more.
            limit + 1,
            since=first,
            until=last,
            branches=session.chosen_branch_ids(),
            by=by,
            resident=find_resident(reader, resident) if resident else None,
            kind=kind,
            find=find,
        )
    zone, is_cut = session.settings.profile.zone, len(lines) > limit
    listing = journal_listing(lines[:limit], session.branch_names(), zone, is_cut=is_cut)
    session.print_listing(listing, as_csv)


def undo(
    ctx: Context,
    run: Annotated[str, argument("RUN", "Its number in the journal.")],
    note: Note = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Take a whole run made by hand back, or what still stands of it.

    An import, coins for many, a sale with its goods: all of it or nothing.
    """
    number, text = number_of(run, "number of a run"), note_of(note, "--note")
    return carry_out(ctx.obj, lambda clerk: desk.undo(clerk, number, note=text), dry_run, yes)
