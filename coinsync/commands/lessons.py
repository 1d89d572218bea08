"""Coins for lessons: sync, explain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

from typer import Context, Option

from coinsync.commands import connections
from coinsync.commands.choosing import can_ask
from coinsync.commands.options import (
    AcceptUnsafe,
    Day,
    LockTimeout,
    Yes,
    day_option,
    digests_of,
    resident_argument,
    span,
)
from coinsync.commands.session import DIFFERENT, Session
from coinsync.commands.sync_posting import Posting
from coinsync.core.rules import GuestPolicy
from coinsync.errors import CoinsyncError, DigestMismatch, UsageError, VkRefused

if TYPE_CHECKING:
    from coinsync.render.progress import Bar
    from coinsync.sync import Outcome

#: Every month is read by itself, so that a slip of a key would take hours.
READ_BACK_MAX = timedelta(days=3653)

Rerate = Annotated[bool, Option("--rerate", help="Post what changed rules give for the past.")]
Expect = Annotated[str | None, Option(metavar="DIGEST", help="Apply only if the plan is this one.")]
Guests = Annotated[
    GuestPolicy | None,
    Option(help="Visits where membership on that day is not known; the rules say it if left out."),
]


def sync(
    ctx: Context,
    dry_run: Annotated[bool, Option("--dry-run", help="Show the plan, write nothing.")] = False,
    since: Day = None,
    until: Day = None,
    expect: Expect = None,
    accept_unsafe: AcceptUnsafe = None,
    rerate: Rerate = False,
    detailed_exitcode: Annotated[
        bool, Option("--detailed-exitcode", help="Exit with 4 when there were changes.")
    ] = False,
    lock_timeout: LockTimeout = 0,
    guests: Guests = None,
    yes: Yes = False,
) -> int:
    """Read attendance, show the difference, apply it.

    The first sync of a database shows first what it would bring, and asks.
    """
    session: Session = ctx.obj
    if dry_run:
        session.ping_url = ""  # Nobody is told of what did not happen.
    session.ping("start")
    _refuse_unreadable(session.now().date(), since, until)
    with session.lock("sync", lock_timeout), session.writable() as database:
        posting = Posting(session, database, dry_run)
        try:
            post_windows(
                posting,
                (since, until),
                rerate=rerate,
                expect=expect,
                accept_unsafe=accept_unsafe,
                guests=guests,
                yes=yes,
            )
        finally:
            # What was applied before an error is told as well.
            posting.show_results()
    if dry_run:
        posting.say_digest()
    session.tell(posting.data())
    code = posting.finish()
    if code == 0:
        session.ping("success", posting.seal)
    return DIFFERENT if detailed_exitcode and posting.digest and code == 0 else code


def _refuse_unreadable(today: date, since: date | None, until: date | None) -> None:
    """Raise ``UsageError`` for days of which no CRM has lessons."""
    for day in filter(None, (since, until)):
        # Somewhere it is tomorrow.
        if day > today + timedelta(days=1):
            raise UsageError(f"{day} is still to come")
        if day < today - READ_BACK_MAX:
            raise UsageError(f"{day} is more than ten years ago, and no CRM is read that far back")
    span(since, until)


def post_windows(
    posting: Posting,
    days: tuple[date | None, date | None],
    *,
    rerate: bool = False,
    expect: str | None = None,
    accept_unsafe: str | None = None,
    guests: GuestPolicy | None = None,
    yes: bool = True,
) -> None:
    """Plan and apply step by step; with a digest, plan all before anything is applied.

    A first sync without ``yes`` asks the person who is there. Raises ``DigestMismatch``; another
    run's digest in ``accept_unsafe`` accepts nothing.
    """
    from coinsync.commands import first_sync, seals
    from coinsync.core.plan import DIGEST_SHOWN, matches
    from coinsync.store.reader import Reader
    from coinsync.sync import run_digest, unsafe_digests

    session, reader = posting.session, Reader(posting.database)
    if not posting.dry_run:
        # Nobody waits for the CRM to be read in vain.
        seals.refuse_older(session, reader)
    branches = session.chosen_branches()
    posting.is_first = not reader.began_at()
    connect = partial(connections.sync, session, reader, days, rerate=rerate, guests=guests)
    if digests_of(expect, accept_unsafe):
        with connect() as (run, _):
            outcomes = run.plan_all(branches)
        digest = run_digest(outcomes)
        if accept_unsafe is not None and matches(digest, accept_unsafe):
            posting.accepted = unsafe_digests(outcomes, session.settings.limits)
        if expect is not None:
            if not matches(digest, expect):
                raise _difference(outcomes, expect, digest[:DIGEST_SHOWN])
            _post_planned(posting, outcomes)
            return
    # A digest names a plan that somebody has seen, so that nothing is left to ask.
    elif posting.is_first and not (yes or posting.dry_run) and can_ask(session):
        with connect() as (run, bar):
            outcomes = run.plan_all(branches)
            bar.rest()
            agreed = first_sync.agreed(posting, run, outcomes)
        _post_planned(posting, agreed)
        return
    # What is accepted changes what comes after it: lessons of people who were refused in the dry
    # run, balances in later windows. So an accepted run is planned anew from its first step.
    with connect() as (run, bar):
        run.plan_each(branches, lambda outcome: _take(posting, outcome, bar))


def _difference(outcomes: Iterable[Outcome], expected: str, digest: str) -> CoinsyncError:
    for outcome in outcomes:
        if outcome.error:
            # What could not be read cannot be compared.
            return outcome.error
    plan = f"plan is {digest or 'empty'}; nothing written"
    return DigestMismatch(f"digest differs: expected {expected}, {plan}")


def _post_planned(posting: Posting, outcomes: Iterable[Outcome]) -> None:
    """Apply just what was compared; nothing is read again."""
    without_people: set[int] = set()
    for outcome in outcomes:
        branch = outcome.branch.id
        if branch in without_people:
            continue
        if not _take(posting, outcome) and outcome.steps:
            # Its lessons refer to people who are not recorded now.
            without_people.add(branch)


def _take(posting: Posting, outcome: Outcome, bar: Bar | None = None) -> bool:
    session, warning = posting.session, outcome.warning
    if bar is not None:
        bar.rest()
    # A key that is refused will be refused every night; what was out of reach comes by itself.
    if warning and (not session.quiet or isinstance(warning, VkRefused)):
        session.complain(f"{warning.message}: screen names wait for the next sync")
    return posting.take(outcome)


def explain(
    ctx: Context,
    resident: Annotated[
        str | None, resident_argument("Left out: everybody in the --lesson.")
    ] = None,
    lesson: Annotated[int | None, Option(help="This lesson.")] = None,
    day: Annotated[date | None, day_option("All lessons of a day.", "--date")] = None,
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
            who = find_resident(reader, resident)
            explanations = lookup.explain(reader, session.settings, who, lesson=lesson, day=day)
    # Whoever names neither a lesson nor a day is shown the last ones.
    is_cut = lesson is None and day is None and len(explanations) == lookup.LESSONS_MAX
    session.print_listing(render.explanations(explanations, is_cut=is_cut))
