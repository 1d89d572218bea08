"""Coins for lessons: sync, runs, and explain, which says why a lesson gave coins or did not."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import fields
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands import completion
from coinsync.commands.posting import Posting, posting_into
from coinsync.commands.session import DIFFERENT, AsCsv, Day, Session, day_of, span
from coinsync.errors import DigestMismatch, UsageError, VkRefused

if TYPE_CHECKING:
    from coinsync.sync import Outcome


def sync(
    ctx: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan, write nothing.")
    ] = False,
    since: Day = None,
    until: Day = None,
    expect: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Apply only if the plan is this one.")
    ] = None,
    accept_unsafe: Annotated[
        list[str] | None,
        typer.Option(metavar="DIGEST", help="Apply this plan although a guard refuses it."),
    ] = None,
    rerate: Annotated[
        bool, typer.Option("--rerate", help="Post what changed rules give for the past.")
    ] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 4 when there were changes.")
    ] = False,
    lock_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Wait so long for another run.")
    ] = 0.0,
    ping_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Tell a watcher that all went well.")
    ] = None,
) -> int:
    """Read attendance, show the difference, apply it."""
    session: Session = ctx.obj
    days = span(since, until)
    with session.lock("sync", lock_timeout), session.writable() as database:
        posting = posting_into(session, database, accept_unsafe, dry_run=dry_run)
        post_windows(posting, days, rerate=rerate, expect=expect)
    session.tell(posting.data())
    code = posting.finish()
    if code == 0 and ping_url and not dry_run:
        _ping(session, ping_url)
    return DIFFERENT if detailed_exitcode and posting.digest and code == 0 else code


def post_windows(
    posting: Posting,
    days: tuple[date | None, date | None],
    *,
    rerate: bool,
    expect: str | None,
) -> None:
    """Plan and apply window by window; where the whole is to be kept or compared, plan all before applying any."""
    from coinsync.render.progress import Bar
    from coinsync.store.reader import Reader
    from coinsync.sync import Sync

    session = posting.session
    bar = Bar(shown=sys.stderr.isatty() and not (session.quiet or session.json))
    with bar, session.exchange(bar) as exchange, session.vk() as vk:
        run = Sync(
            exchange, Reader(posting.database), session.settings, rerate, posting.accepted, vk
        )
        outcomes: Iterable[Outcome] = run.outcomes(session.chosen_branches(), *days, session.now())
        if expect is not None:
            outcomes = _reviewed(session, list(outcomes), expect)
        for outcome in outcomes:
            bar.rest()
            # A key that is refused will be refused every night; what merely was out of reach comes by itself.
            if outcome.warning is not None and (
                not session.quiet or isinstance(outcome.warning, VkRefused)
            ):
                session.complain(f"{outcome.warning.message}: screen names wait for the next sync")
            if not posting.take(outcome) and outcome.plan is not None:
                run.refuse(outcome.plan)


def _reviewed(session: Session, outcomes: list[Outcome], expect: str) -> list[Outcome]:
    from coinsync.core.plan import DIGEST_SHOWN, digest_of, matches

    plans = [outcome.plan for outcome in outcomes if outcome.plan]
    digest = digest_of([plan.digest for plan in plans]) if plans else ""
    if not matches(digest, expect):
        shown = digest[:DIGEST_SHOWN] or "empty"
        raise DigestMismatch(f"digest differs: expected {expect}, plan is {shown}; nothing written")
    return outcomes


def _ping(session: Session, url: str) -> None:
    from coinsync.exchange.wire import ping

    if not ping(url) and session.verbose:
        session.complain("the watcher could not be told that all went well")


def runs(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 20,
    max_age: Annotated[
        str | None,
        typer.Option(metavar="26h", help="Exit with 4 when a branch was last synced longer ago."),
    ] = None,
    as_csv: AsCsv = False,
) -> int:
    """The last runs, and how fresh each branch is."""
    from coinsync.lookup.freshness import freshness
    from coinsync.render.data import csv_text, json_text
    from coinsync.render.status import show_runs
    from coinsync.render.terminal import age, console

    session: Session = ctx.obj
    oldest = _age_of(max_age) if max_age else None
    with session.reader() as reader:
        found = reader.runs(limit)
        fresh = freshness(reader, session.settings, session.now())
    if session.json:
        typer.echo(json_text({"runs": found, "branches": fresh}))
    elif as_csv:
        columns = [one.name for one in fields(found[0])] if found else ["id"]
        typer.echo(csv_text(columns, ([getattr(run, name) for name in columns] for run in found)))
    elif not session.quiet:
        show_runs(console(), found, fresh)
    stale = [one for one in fresh if oldest is not None and one.is_older_than(oldest)]
    for one in stale:
        told = "was never synced" if one.age is None else f"was last synced {age(one.age)} ago"
        session.complain(f"{one.name} {told}, more than {max_age}")
    return DIFFERENT if stale else 0


def _age_of(text: str) -> timedelta:
    units = {"m": "minutes", "h": "hours", "d": "days"}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not (number.isascii() and number.isdigit()) or len(number) > 6:
        raise UsageError(f"{text!r} is no age", advice="Write ages as 90m, 26h or 3d.")
    return timedelta(**{units[unit]: int(number)})


def explain(
    ctx: typer.Context,
    resident: Annotated[
        str | None,
        typer.Argument(
            metavar="RESIDENT",
            help="Left out: everybody in the --lesson.",
            autocompletion=completion.residents,
        ),
    ] = None,
    lesson: Annotated[int | None, typer.Option(help="This lesson.")] = None,
    day: Annotated[
        str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="All lessons of a day.")
    ] = None,
) -> None:
    """Why a lesson gave or did not give coins."""
    from coinsync.lookup import explain as lookup
    from coinsync.lookup.residents import find_resident
    from coinsync.render.history import show_explanations
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    if resident is None and lesson is None:
        raise UsageError("explain: say whose coins, or which --lesson")
    with session.reader() as reader:
        if resident is None:
            found = lookup.explain_to_all(reader, session.settings, lesson or 0)
        else:
            one = find_resident(reader, resident)
            found = lookup.explain(reader, session.settings, one, lesson=lesson, day=day_of(day))
    if session.json:
        session.tell(found)
    else:
        show_explanations(console(), found)
