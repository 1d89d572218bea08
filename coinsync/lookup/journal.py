"""Who did what, when and why, newest first. Reads only."""

from collections.abc import Iterator, Sequence
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


def journal(
    reader: Reader,
    settings: Settings,
    limit: int,
    *,
    since: date = date.min,
    until: date = date.max,
    branches: frozenset[int] | None = None,
    by: str = "",
    resident: Resident | None = None,
    kind: Kind | None = None,
    find: str = "",
) -> list[JournalLine]:
    """The last runs that are asked for, newest first, at most ``limit``.

    ``since`` and ``until`` are days of the school. A resident, a kind of entry or a text choose
    among what was done by hand alone: a sync's entries are the residents' histories.
    """
    zone = settings.profile.zone
    first = _midnight(max(since, EARLIEST), zone)
    end = _midnight(min(until, _LATEST) + timedelta(days=1), zone)
    own_cards = reader.cards_of(resident.id) if resident else ()
    chosen: list[JournalLine] = []
    for run in _runs_back(reader):
        # No run is posted before the one that it follows.
        if run.posted_at < first or len(chosen) == limit:
            break
        if run.posted_at >= end or folded(by) not in folded(f"{run.actor} {run.login}"):
            continue
        lines = reader.lines_of_run(run) if run.purpose in _BY_HAND else []
        cards = {line.entry.resident for line in lines}
        if resident and cards.isdisjoint(own_cards):
            continue
        if kind and kind not in {line.entry.kind for line in lines}:
            continue
        journal_line = _journal_line(reader, run, lines)
        is_found = folded(find) in folded(f"{journal_line.what} {journal_line.why}")
        if is_found and _is_of_branches(reader, run, cards, branches):
            chosen.append(journal_line)
    return chosen


def _midnight(day: date, zone: ZoneInfo) -> str:
    return utc_text(datetime.combine(day, time.min, zone).astimezone(UTC))


def _is_of_branches(
    reader: Reader, run: Run, cards: set[int], branches: frozenset[int] | None
) -> bool:
    if branches is None or run.branch in branches:
        return True
    # What is done by hand belongs to no branch, but whose coins it moved do.
    residents = reader.recorded(Resident, cards)
    return any(not branches.isdisjoint(resident.branches) for resident in residents)


def _runs_back(reader: Reader) -> Iterator[Run]:
    # A page at a time: no other question may be asked while rows come one by one.
    before = N_MAX
    while page := reader.runs(BATCH, before):
        yield from page
        before = page[-1].id


def _journal_line(reader: Reader, run: Run, lines: Sequence[Line]) -> JournalLine:
    residents = reader.recorded(Resident, {line.entry.resident for line in lines})
    sale = sale_of(lines)
    is_refunded = False
    if sale:
        sold = reader.recorded(SaleLine, [sale])
        is_refunded = len(reader.recorded(RefundLine, [sale])) == len(sold)
    what, reasons = what_was_done(run, lines), reasons_of(lines)
    names = tuple(map(str, residents))
    return JournalLine(run, what, names, reasons, way_back(run, lines, is_refunded=is_refunded))
