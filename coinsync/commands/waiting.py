"""What waits for a person: waiting."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated

from typer import Context, Option

from coinsync.commands import seals
from coinsync.commands.checks.examination import OK
from coinsync.commands.checks.machine import backup_state, when_synced
from coinsync.commands.session import DIFFERENT, Session
from coinsync.core.identity import plain_number
from coinsync.core.ledger import Freshness
from coinsync.errors import UsageError, reason_of
from coinsync.files import write_whole
from coinsync.lookup.attention import Waiting, what_waits
from coinsync.lookup.school import freshness
from coinsync.render.listing import Listing, Parts, dim
from coinsync.staff_texts import joined

#: So often everything is told again.
TOLD_AGAIN = timedelta(days=7)


def waiting(
    ctx: Context,
    everything: Annotated[
        bool, Option("--all", help="Everything, and remember nothing of it.")
    ] = False,
    stock: Annotated[
        int, Option(min=0, metavar="PIECES", help="Fewer pieces of an item are told.")
    ] = 3,
    max_age: Annotated[
        str | None,
        Option(metavar="26h", help="Exit with 4 when a branch was last synced longer ago."),
    ] = None,
) -> int:
    """What waits for a person, as far as it is new; once a week everything.

    With --all or --branch it is only looked at: the next call tells it as well.
    """
    session: Session = ctx.obj
    settings, now = session.settings, session.now()
    oldest = timedelta(hours=settings.sync.fresh_hours_max)
    if max_age is not None:
        oldest = _age_of(max_age)
    chosen = frozenset(branch.id for branch in session.chosen_branches())
    with session.reader() as reader:
        cases = what_waits(reader, settings, now, chosen, stock)
        branches = freshness(reader, settings, now)
        went_back = seals.fault(session, reader)
    if went_back is not None:
        cases.append(Waiting("ledger", went_back.message, went_back.advice))
    state, said = backup_state(session)
    if settings.data.backups is not None and state != OK:
        cases.append(Waiting(f"backup {state}", f"backup: {said}", "coinsync db backup --keep 14"))
    late = []
    for branch in branches:
        if branch.branch in chosen and branch.is_older_than(oldest):
            late.append(_late(branch))
    if max_age is None:
        cases += late
    if everything or session.branches:
        _tell(session, cases)
    else:
        _tell_news(session, cases)
    if not late or max_age is None:
        return 0
    # An alarm says every time why it is one.
    for case in late:
        session.complain(f"{case.text}, more than {max_age}")
    return DIFFERENT


def _late(branch: Freshness) -> Waiting:
    key = f"sync {branch.branch} {branch.last.id if branch.last else 0}"
    command = f"coinsync sync --branch {branch.branch} --dry-run"
    return Waiting(key, when_synced(branch), command)


def _tell_news(session: Session, cases: list[Waiting]) -> None:
    """Tell what was not told before, and remember it in the state folder."""
    file, today = session.settings.state_folder / ".coinsync-waiting", session.today()
    keys: list[str] = []
    everything_on = date.min
    # Without its file, or with one that cannot be read, everything is new.
    with suppress(OSError, ValueError):
        day, *keys = file.read_text(encoding="utf-8").splitlines()
        everything_on = date.fromisoformat(day)
    if today - everything_on >= TOLD_AGAIN:
        keys, everything_on = [], today
    _tell(session, [case for case in cases if case.key not in keys])
    lines = [everything_on.isoformat(), *(case.key for case in cases)]
    try:
        write_whole(file, "\n".join(lines).encode(), 0o660)
    except OSError as error:
        session.complain(f"{file} cannot be written ({reason_of(error)}): it is all told again")


def _tell(session: Session, cases: list[Waiting]) -> None:
    page: Parts = []
    for case in cases:
        page += [case.text, dim(joined("  → ", "", case.command))]
    # Even where only bad news is wanted: this is the news.
    if cases or session.json:
        session.print_listing(Listing(page, cases))


def _age_of(text: str) -> timedelta:
    """An age as typed, in whole hours. Raises ``UsageError``."""
    hours = plain_number(text.removesuffix("h"))
    if hours is None or not text.endswith("h") or hours >= 1_000_000:
        raise UsageError(f"{text!r} is no age", advice="Write ages in hours, as 26h.")
    return timedelta(hours=hours)
