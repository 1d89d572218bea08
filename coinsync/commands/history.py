"""Looking at coins: balance, history and the statement for a parent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands import completion
from coinsync.commands.people import chosen_residents
from coinsync.commands.session import AsCsv, Day, Session, Who, day_of, span
from coinsync.errors import UsageError

if TYPE_CHECKING:
    from coinsync.core.ledger import Kind


def balance(
    ctx: typer.Context,
    resident: Annotated[
        str | None,
        typer.Argument(
            metavar="RESIDENT",
            help="One resident; all if left out.",
            autocompletion=completion.residents,
        ),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="YYYY-MM-DD", help="At the end of that day.")
    ] = None,
    as_csv: AsCsv = False,
) -> None:
    """Coins of one resident, or of all; --as-of a day.

    A day's balance counts what happened until its end, by the days on which things happened.
    """
    from coinsync.lookup.residents import find_resident
    from coinsync.render.data import csv_text, json_text
    from coinsync.render.people import show_residents
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    day = day_of(as_of)
    with session.reader() as reader:
        chosen = (
            [find_resident(reader, resident)] if resident else chosen_residents(session, reader)
        )
        balances = reader.balances((one.id for one in chosen), until=day or date.max)
    columns = ("id", "name", "coins", *(("as_of",) if day else ()))
    rows = [(one.id, one.name, balances[one.id], *((day,) if day else ())) for one in chosen]
    if session.json:
        typer.echo(json_text([dict(zip(columns, row, strict=True)) for row in rows]))
    elif as_csv:
        typer.echo(csv_text(columns, rows))
    else:
        show_residents(console(), chosen, balances, day)


def history(
    ctx: typer.Context,
    resident: Who,
    since: Day = None,
    until: Day = None,
    kind: Annotated[str | None, typer.Option(help="Only award, reversal, credit, debit, …")] = None,
    with_ineligible: Annotated[
        bool, typer.Option("--with-ineligible", help="Also lessons that gave nothing, and why.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many entries.")] = 50,
    as_csv: AsCsv = False,
) -> None:
    """All lines of one resident, newest first."""
    from coinsync.lookup import history as lookup
    from coinsync.lookup.residents import find_resident
    from coinsync.render.data import csv_text, json_text
    from coinsync.render.history import show_history
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    first, last = span(since, until)
    with session.reader() as reader:
        found = lookup.history(
            reader,
            session.settings,
            find_resident(reader, resident),
            since=first or date.min,
            until=last or date.max,
            kind=_kind(kind),
            with_ineligible=with_ineligible,
            limit=limit,
        )
    if session.json:
        typer.echo(json_text(found))
    elif as_csv:
        columns = ("day", "kind", "title", "coins", "balance", "reason", "rule", "note")
        typer.echo(
            csv_text(columns, ([getattr(line, name) for name in columns] for line in found.lines))
        )
    else:
        show_history(console(), found, session.settings.way_titles, actors=session.verbose)


def statement(
    ctx: typer.Context,
    resident: Who,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="YYYY-MM-DD", help="First day; that of the last day's month if left out."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Last day; today if left out.")
    ] = None,
    language: Annotated[
        str, typer.Option("--lang", metavar="ru|en", help="Language of the parent.")
    ] = "ru",
    as_csv: AsCsv = False,
) -> None:
    """One page for a parent.

    What there was, every line, what there is; in Russian, or with --lang en in English.
    """
    from coinsync.core.wording import LANGUAGES
    from coinsync.lookup import history as lookup
    from coinsync.lookup.residents import find_resident
    from coinsync.render.data import csv_text, json_text
    from coinsync.render.history import show_statement
    from coinsync.render.terminal import paper

    session: Session = ctx.obj
    if language not in LANGUAGES:
        raise UsageError(
            f"--lang {language!r} is no language here", advice=f"Languages: {', '.join(LANGUAGES)}."
        )
    first, last = span(since, until)
    with session.reader() as reader:
        who = find_resident(reader, resident)
        today = session.settings.day_at(who.branches, session.now())
        last = last or today
        first = first or last.replace(day=1)
        if first > last:
            raise UsageError(f"--since {first} is after {last}, the last day of the statement")
        found = lookup.statement(reader, session.settings, who, first, last, language, today=today)
    if session.json:
        typer.echo(json_text(found))
    elif as_csv:
        said = LANGUAGES[language].statement
        columns = ("day", "kind", "what", "why", "coins", "balance")
        lines = ([getattr(line, name) for name in columns] for line in found.lines)
        opening = (found.since, "", said.opening, "", None, found.opening)
        closing = (found.until, "", said.closing, "", None, found.closing)
        typer.echo(csv_text(columns, (opening, *lines, closing)))
    else:
        show_statement(paper(), found)


def _kind(text: str | None) -> Kind | None:
    from coinsync.core.ledger import Kind

    try:
        return Kind(text) if text else None
    except ValueError:
        raise UsageError(
            f"{text!r} is no kind of entry", advice=f"Kinds: {', '.join(Kind)}."
        ) from None
