"""Looking at coins: balance, history, statement."""

from datetime import date
from typing import Annotated, Literal

from typer import Context, Option

from coinsync.commands.options import (
    AsCsv,
    CoinsMin,
    Day,
    InGroup,
    SortBy,
    Who,
    day_option,
    resident_argument,
    span,
)
from coinsync.commands.session import Session, refuse_branches
from coinsync.core.ledger import Kind
from coinsync.errors import UsageError
from coinsync.lookup.residents import find_resident, residents_of, with_coins


def balance(
    ctx: Context,
    resident: Annotated[str | None, resident_argument("One resident; all if left out.")] = None,
    as_of: Annotated[date | None, day_option("At the end of that day.")] = None,
    group: InGroup = "",
    coins_min: CoinsMin = None,
    sort: SortBy = "name",
    as_csv: AsCsv = False,
) -> None:
    """Coins of one resident, or of all; --as-of a day.

    --min 120 says who can afford something. A day's balance counts what happened until its end, by
    the days on which things happened.
    """
    from coinsync.render.people import balances

    session: Session = ctx.obj
    if resident is not None and session.branches:
        refuse_branches("balance RESIDENT")
    with session.reader() as reader:
        if resident is not None:
            residents = [find_resident(reader, resident)]
        else:
            residents = residents_of(reader, session.chosen_branch_ids())
        coins = with_coins(reader, residents, session.today, group, coins_min, sort, as_of=as_of)
    session.print_listing(balances(coins, session.branch_names(), as_of), as_csv)


def history(
    ctx: Context,
    resident: Who,
    since: Day = None,
    until: Day = None,
    kind: Annotated[Kind | None, Option(help="Only entries of this kind.")] = None,
    with_ineligible: Annotated[
        bool, Option("--with-ineligible", help="Also lessons that gave nothing, and why.")
    ] = False,
    limit: Annotated[int, Option(min=1, max=100_000, help="How many entries.")] = 50,
    as_csv: AsCsv = False,
) -> None:
    """All lines of one resident, newest first."""
    from coinsync.lookup import history as lookup
    from coinsync.render import history as render

    session: Session = ctx.obj
    first, last = span(since, until)
    with session.reader() as reader:
        entries = lookup.history(
            reader,
            session.settings,
            find_resident(reader, resident),
            since=first,
            until=last,
            kind=kind,
            with_ineligible=with_ineligible,
            limit=limit,
        )
    ways = session.settings.way_titles
    session.print_listing(render.history(entries, ways, actors=session.verbose), as_csv)


def statement(
    ctx: Context,
    resident: Who,
    since: Annotated[
        date | None, day_option("First day; that of the last day's month if left out.")
    ] = None,
    until: Annotated[date | None, day_option("Last day; today if left out.")] = None,
    language: Annotated[
        Literal["ru", "en"], Option("--lang", help="Language of the parent.")
    ] = "ru",
    as_csv: AsCsv = False,
) -> None:
    """One page for a parent.

    What there was, every line, what there is; in Russian, or with --lang en in English.
    """
    from coinsync.lookup import history as lookup
    from coinsync.render import history as render

    session: Session = ctx.obj
    with session.reader() as reader:
        who = find_resident(reader, resident)
        today = session.today(who.branches)
        last = until or today
        first = since or last.replace(day=1)
        if first > last:
            raise UsageError(f"--since {first} is after {last}, the last day of the statement")
        entries = lookup.statement(
            reader, session.settings, who, first, last, language, today=today
        )
    session.print_listing(render.statement(entries), as_csv, on_paper=True)
