"""The director's month."""

from datetime import date
from typing import Annotated

from typer import Context, Option

from coinsync.commands.options import AsCsv
from coinsync.commands.session import Session
from coinsync.core.files.import_rows import EARLIEST
from coinsync.errors import UsageError
from coinsync.lookup import report as lookup
from coinsync.render import report as render


def report(
    ctx: Context,
    month: Annotated[str, Option(metavar="YYYY-MM", help="This month if left out.")] = "",
    as_csv: AsCsv = False,
) -> None:
    """A month of coins: issued, reversed, spent, and what is left.

    Beside the month before; by rule, branch and group. -v names who earned or spent nothing.
    What was entered late counts in the month in which it happened.
    """
    session: Session = ctx.obj
    today = session.today()
    first = _first_day(month, today) if month else today.replace(day=1)
    branches, names = session.chosen_branch_ids(), session.branch_names()
    with session.reader() as reader:
        lines = lookup.month_report(reader, branches, first, today, names)
    listing = render.month_report(lines, f"{first:%Y-%m}", every_line=session.verbose)
    session.print_listing(listing, as_csv)


def _first_day(month: str, today: date) -> date:
    """The first day of a month as typed. Raises ``UsageError``."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise UsageError(
            f"--month {month!r} is no month", advice="Write months as 2026-11."
        ) from None
    if not EARLIEST <= first <= today:
        raise UsageError(
            f"--month {month} has nothing to report",
            advice=f"There is something from {EARLIEST:%Y-%m} to {today:%Y-%m}.",
        )
    return first
