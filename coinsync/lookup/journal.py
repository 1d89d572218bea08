"""Who did what, when and why, newest first. Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from coinsync.config import Settings
from coinsync.core.catalog import RefundLine, SaleLine
from coinsync.core.facts import Resident
from coinsync.core.files.import_rows import EARLIEST
from coinsync.core.identity import folded
from coinsync.core.journal import JournalLine, reasons_of, sale_of, way_back, what_was_done
from coinsync.core.ledger import Kind, Line, Run, utc_text
from coinsync.core.plan import Purpose
from coinsync.store.queries.base import BATCH
from coinsync.store.queries.ledger import N_MAX
from coinsync.store.reader import Reader

#: No later day can be asked for: the one after the last of all has no moment in UTC.
_LATEST = date(9000, 1, 1)
_BY_HAND = (Purpose.DESK, Purpose.SALE, Purpose.REVIEW)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are asked for; ``since`` and ``until`` are days of the school.

    A resident, a kind of entry or a text choose among what was done by hand alone: a sync's entries
    are the residents' histories.
    """

    since: date = date.min
    until: date = date.max
    branches: frozenset[int] | None = None
    by: str = ""
    resident: Resident | None = None
    kind: Kind | None = None
    find: str = ""


def journal(reader: Reader, settings: Settings, wanted: Wanted, limit: int) -> list[JournalLine]:
    """The last runs that are asked for, newest first, at most ``limit``."""
    zone = settings.profile.zone
    first = _midnight(max(wanted.since, EARLIEST), zone)
    end = _midnight(min(wanted.until, _LATEST) + timedelta(days=1), zone)
    chosen: list[JournalLine] = []
    for run in _runs_back(reader):
        # No run is posted before the one that it follows.
        if run.posted_at < first or len(chosen) == limit:
            break
        if run.posted_at < end and folded(wanted.by) in folded(f"{run.actor} {run.login}"):
            lines = reader.lines_of_run(run) if run.purpose in _BY_HAND else []
            line = _journal_line(reader, run, lines)
            if _is_wanted(reader, wanted, line, lines):
                chosen.append(line)
    return chosen


def _midnight(day: date, zone: ZoneInfo) -> str:
    return utc_text(datetime.combine(day, time.min, zone).astimezone(UTC))


def _is_wanted(reader: Reader, wanted: Wanted, line: JournalLine, lines: Sequence[Line]) -> bool:
    entries = [posted.posted.entry for posted in lines]
    cards = {entry.resident for entry in entries}
    if wanted.resident and cards.isdisjoint(reader.cards_of(wanted.resident.id)):
        return False
    if wanted.kind and all(entry.kind is not wanted.kind for entry in entries):
        return False
    if wanted.find and folded(wanted.find) not in folded(f"{line.what} {line.why}"):
        return False
    # What is done by hand belongs to no branch, but whose coins it moved do.
    if wanted.branches is None or line.run.branch in wanted.branches:
        return True
    residents = reader.recorded(Resident, cards)
    return any(not wanted.branches.isdisjoint(resident.branches) for resident in residents)


def _runs_back(reader: Reader) -> Iterator[Run]:
    # A page at a time: no other question may be asked while rows come one by one.
    before = N_MAX
    while page := reader.runs(BATCH, before):
        yield from page
        before = page[-1].id


def _journal_line(reader: Reader, run: Run, lines: Sequence[Line]) -> JournalLine:
    residents = reader.recorded(Resident, {line.posted.entry.resident for line in lines})
    sale = sale_of(lines)
    refunded = {sale} if sale and _is_refunded(reader, sale) else set()
    names = tuple(f"#{resident.id} {resident.name}".rstrip() for resident in residents)
    what, reasons = what_was_done(run, lines), reasons_of(lines)
    return JournalLine(run, what, names, reasons, way_back(run, lines, refunded))


def _is_refunded(reader: Reader, sale: str) -> bool:
    sold = reader.recorded(SaleLine, [sale])
    return len(reader.recorded(RefundLine, [sale])) == len(sold)
