"""What waits for a person: waiting."""

from datetime import timedelta
from typing import Annotated

from typer import Context, Option

from coinsync.commands.session import DIFFERENT, Session
from coinsync.core.identity import plain_number
from coinsync.errors import UsageError
from coinsync.lookup.school import freshness
from coinsync.render.numbers import age
from coinsync.render.status import freshness_listing


def waiting(
    ctx: Context,
    max_age: Annotated[
        str | None,
        Option(metavar="26h", help="Exit with 4 when a branch was last synced longer ago."),
    ] = None,
) -> int:
    """What waits for a person."""
    session: Session = ctx.obj
    oldest = _age_of(max_age) if max_age is not None else None
    with session.reader() as reader:
        branches = freshness(reader, session.settings, session.now())
    chosen = session.chosen_branch_ids()
    if chosen is not None:
        branches = [branch for branch in branches if branch.branch in chosen]
    if session.json or not session.quiet:
        session.print_listing(freshness_listing(branches))
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
