"""Coins for lessons: sync, runs, explain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

from typer import Context, Option

from coinsync.commands import completion, connections
from coinsync.commands.options import AsCsv, Day, LockTimeout, argument, day_of, day_option, span
from coinsync.commands.session import DIFFERENT, Session
from coinsync.commands.sync_posting import Posting
from coinsync.core.identity import plain_number
from coinsync.errors import DigestMismatch, UsageError, VkRefused

if TYPE_CHECKING:
    from coinsync.sync import Outcome


def sync(
    ctx: Context,
    dry_run: Annotated[bool, Option("--dry-run", help="Show the plan, write nothing.")] = False,
    since: Day = None,
    until: Day = None,
    expect: Annotated[
        str | None, Option(metavar="DIGEST", help="Apply only if the plan is this one.")
    ] = None,
    accept_unsafe: Annotated[
        str | None, Option(metavar="DIGEST", help="Apply this plan although a guard refuses it.")
    ] = None,
    rerate: Annotated[
        bool, Option("--rerate", help="Post what changed rules give for the past.")
    ] = False,
    detailed_exitcode: Annotated[
        bool, Option("--detailed-exitcode", help="Exit with 4 when there were changes.")
    ] = False,
    lock_timeout: LockTimeout = 0,
) -> int:
    """Read attendance, show the difference, apply it."""
    session: Session = ctx.obj
    if dry_run:
        session.ping_url = ""  # Nobody is told of what did not happen.
    session.ping("start")
    days = span(since, until)
    with session.lock("sync", lock_timeout), session.writable() as database:
        posting = Posting(session, database, dry_run)
        post_windows(posting, days, rerate=rerate, expect=expect, accept_unsafe=accept_unsafe)
    if dry_run:
        posting.say_digest()
    session.tell(posting.data())
    code = posting.finish()
    if code == 0:
        session.ping("success")
    return DIFFERENT if detailed_exitcode and posting.digest and code == 0 else code


def post_windows(
    posting: Posting,
    days: tuple[date | None, date | None],
    *,
    rerate: bool = False,
    expect: str | None = None,
    accept_unsafe: str | None = None,
) -> None:
    """Plan and apply step by step; with a digest, plan all before anything is applied.

    Raises ``DigestMismatch``; another run's digest in ``accept_unsafe`` accepts nothing.
    """
    from coinsync.core.plan import DIGEST_SHOWN, matches
    from coinsync.store.reader import Reader
    from coinsync.sync import run_digest, unsafe_digests

    session, database = posting.session, posting.database
    branches = session.chosen_branches()
    if expect is not None or accept_unsafe is not None:
        with connections.sync(session, Reader(database), days, rerate=rerate) as (run, _):
            outcomes = run.plan_all(branches)
        digest = run_digest(outcomes)
        if accept_unsafe is not None and matches(digest, accept_unsafe):
            posting.accepted = unsafe_digests(outcomes, session.settings.limits)
        if expect is not None:
            if not matches(digest, expect):
                shown = digest[:DIGEST_SHOWN] or "empty"
                raise DigestMismatch(
                    f"digest differs: expected {expect}, plan is {shown}; nothing written"
                )
            _post_planned(posting, outcomes)
            return
    # What is accepted changes what comes after it: lessons of people who were refused in the dry
    # run, balances in later windows. So an accepted run is planned anew from its first step.
    with connections.sync(session, Reader(database), days, rerate=rerate) as (run, bar):
        for branch in branches:
            people = run.plan_people(branch)
            bar.rest()
            _warn(session, people)
            if not posting.take(people):
                continue
            run.count(people)
            for step in people.steps:
                lessons = run.plan_lessons(step)
                bar.rest()
                if posting.take(lessons):
                    run.count(lessons)


def _post_planned(posting: Posting, outcomes: Iterable[Outcome]) -> None:
    """Apply just what was compared; nothing is read again."""
    without_people: set[int] = set()
    for outcome in outcomes:
        branch = outcome.branch.id
        if branch in without_people:
            continue
        _warn(posting.session, outcome)
        if not posting.take(outcome) and outcome.steps:
            # Its lessons refer to people who are not recorded now.
            without_people.add(branch)


def _warn(session: Session, outcome: Outcome) -> None:
    if outcome.warning is None:
        return
    # A key that is refused will be refused every night; what was out of reach comes by itself.
    if not session.quiet or isinstance(outcome.warning, VkRefused):
        session.complain(f"{outcome.warning.message}: screen names wait for the next sync")


def runs(
    ctx: Context,
    limit: Annotated[int, Option(min=1, max=10_000, help="How many.")] = 20,
    max_age: Annotated[
        str | None,
        Option(metavar="26h", help="Exit with 4 when a branch was last synced longer ago."),
    ] = None,
    as_csv: AsCsv = False,
) -> int:
    """The last runs, and how fresh each branch is."""
    from coinsync.lookup.school import freshness
    from coinsync.render import status
    from coinsync.render.numbers import age

    session: Session = ctx.obj
    oldest = _age_of(max_age) if max_age is not None else None
    with session.reader() as reader:
        last_runs = reader.runs(limit)
        branches = freshness(reader, session.settings, session.now())
    if session.json or as_csv or not session.quiet:
        session.print_listing(status.runs_listing(last_runs, branches), as_csv)
    if oldest is None:
        return 0
    stale = [branch for branch in branches if branch.is_older_than(oldest)]
    for branch in stale:
        synced = "was never synced"
        if branch.age is not None:
            synced = f"was last synced {age(branch.age)} ago"
        session.complain(f"{branch.name} {synced}, more than {max_age}")
    return DIFFERENT if stale else 0


def _age_of(text: str) -> timedelta:
    """An age as typed: a whole number and m, h or d. Raises ``UsageError``."""
    units = {"m": "minutes", "h": "hours", "d": "days"}
    number, unit = plain_number(text[:-1]), text[-1:]
    if unit not in units or number is None or number >= 1_000_000:
        raise UsageError(f"{text!r} is no age", advice="Write ages as 90m, 26h or 3d.")
    return timedelta(**{units[unit]: number})


def explain(
    ctx: Context,
    resident: Annotated[
        str | None,
        argument("RESIDENT", "Left out: everybody in the --lesson.", completion.residents),
    ] = None,
    lesson: Annotated[int | None, Option(help="This lesson.")] = None,
    day: Annotated[str | None, day_option("All lessons of a day.", "--date")] = None,
) -> None:
    """Why a lesson gave or did not give coins."""
    from coinsync.lookup import explain as lookup
    from coinsync.lookup.residents import find_resident
    from coinsync.render import history as render

    session: Session = ctx.obj
    if resident is None and lesson is None:
        raise UsageError("explain: say whose coins, or which --lesson")
    with session.reader() as reader:
        if resident is None:
            explanations = lookup.explain_to_all(reader, session.settings, lesson or 0)
        else:
            explanations = lookup.explain(
                reader,
                session.settings,
                find_resident(reader, resident),
                lesson=lesson,
                day=day_of(day),
            )
    session.print_listing(render.explanations(explanations))
