"""Who did what, as a table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from coinsync.core.journal import JournalLine
from coinsync.core.ledger import Run
from coinsync.render.listing import Grid, Listing, Parts, TextLine, dim, rows_of
from coinsync.render.numbers import signed
from coinsync.staff_texts import counted

JOURNAL_COLUMNS = (*(f"run.{name}" for name in Run._fields), "what", "residents", "why", "undo")
#: Of so few residents the names are shown.
_NAMED_MAX = 2


def journal_listing(
    lines: Sequence[JournalLine], branches: Mapping[int, str], zone: ZoneInfo, *, is_cut: bool
) -> Listing:
    """Runs, newest first, with times in the school's ``zone``; ``is_cut``: there are older ones."""
    grid = Grid((">run", "when", "by", "what and why", ">coins"))
    for line in lines:
        run = line.run
        told = [TextLine(_told(line, branches))]
        if line.undo:
            told.append(dim(line.undo))
        # Whoever was named need not be who logged in.
        is_named_otherwise = not run.login.startswith(f"{run.actor}(")
        grid.add(
            str(run.id),
            _when(run.posted_at, zone),
            (run.actor, run.login) if is_named_otherwise else run.actor,
            tuple(told),
            signed(run.coins) if run.coins else "0",
        )
    columns = [column.removeprefix("run.") for column in JOURNAL_COLUMNS]
    page: Parts = [grid] if lines else ["no runs"]
    if is_cut:
        page.append(dim("… older runs: pass --limit, --since or --until"))
    return Listing(page, lines, columns, rows_of(lines, JOURNAL_COLUMNS))


def _when(posted_at: str, zone: ZoneInfo) -> str:
    try:
        return f"{datetime.fromisoformat(posted_at).astimezone(zone):%Y-%m-%d %H:%M}"
    except ValueError:
        # A damaged row is shown as it is: "coinsync reconcile" sends people here.
        return posted_at


def _told(line: JournalLine, branches: Mapping[int, str]) -> str:
    run = line.run
    words = [line.what]
    if run.branch:
        window = f"{run.until}" if run.since == run.until else f"{run.since} … {run.until}"
        words += [branches.get(run.branch, f"branch {run.branch}"), window]
    if len(line.residents) > _NAMED_MAX:
        words.append(counted(len(line.residents), "resident"))
    else:
        words += line.residents
    if run.branch and run.entries:
        words.append(counted(run.entries, "entry", "entries"))
    told = ", ".join(words)
    return f"{told}: {line.why}" if line.why else told
