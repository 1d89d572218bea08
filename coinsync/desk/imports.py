"""The rows of a file, as one plan. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from coinsync.config import Settings
from coinsync.core.facts import (
    Resident,
)
from coinsync.core.files.import_rows import ImportRow
from coinsync.core.ledger import (
    BY_HAND,
    BY_WAY,
    OPENED,
    Entry,
    KeyState,
    Kind,
    utc_text,
)
from coinsync.core.plan import Plan, Post, Purpose, Scope
from coinsync.core.proposal import Author, Proposal, check_floors
from coinsync.desk.coins import content_of, posted_before
from coinsync.desk.gather import (
    gather_moves,
    refuse_erased,
)
from coinsync.errors import (
    Ambiguous,
    LikelyDuplicate,
    NotFound,
    PostedOtherwise,
)
from coinsync.store.reader import Reader

#: The same row in another file within that time is taken for a file that was sent twice.
IMPORT_DUPLICATE_WITHIN = timedelta(days=7)


def import_rows(
    reader: Reader,
    settings: Settings,
    rows: Sequence[ImportRow],
    find: Callable[[str], Resident],
    author: Author,
) -> Proposal:
    """Plan the rows of a file, all of them or none; rows that are posted already are left out.

    Raises what ``find`` raises with the line named, ``PostedOtherwise``, ``LikelyDuplicate``, ``NotEnoughCoins``, or
    ``CoinPolicy`` for somebody who is erased.
    """
    # A row that was taken back since is posted all the same: the first entry of its key is what the file said.
    posted = {
        line.posted.entry.key: line
        for line in reversed(reader.lines_under([row.key for row in rows]))
    }
    named = [find_at(row.line, find, row.resident) for row in rows]
    for row, resident in zip(rows, named, strict=True):
        refuse_erased(resident, f"line {row.line}: ")
    residents = {one.id: one for one in named}
    fresh: list[Entry] = []
    done: list[int] = []
    for row, resident in zip(rows, named, strict=True):
        entry = _entry_of_row(
            row, resident, settings.day_at(resident.branches, author.now), author.actor
        )
        line = posted.get(row.key)
        if line is None:
            fresh.append(entry)
        else:
            # What a way gives is the configuration's; it may have changed since the file was posted.
            wanted = replace(entry, coins=line.posted.entry.coins) if row.way else entry
            try:
                done += posted_before(
                    line, wanted, replace(author, day=row.day), reader.survivors()
                ).done
            except PostedOtherwise as error:
                advice = "Give the row another key, or leave it out."
                raise PostedOtherwise(f"line {row.line}: {error.message}", advice=advice) from None
    if not author.allow_duplicate:
        _refuse_sent_twice(reader, fresh, rows, author.now)
    moves = gather_moves(reader, settings, fresh, residents)
    check_floors(moves)
    days = [entry.happened_on for entry in fresh] or [author.now.date()]
    plan = Plan.of(
        Purpose.DESK,
        Scope(0, min(days), max(days)),
        map(Post, fresh),
        basis=[KeyState(entry.key) for entry in fresh],
    )
    words = (f"{len(done)} of {len(rows)} rows are posted already",) if done else ()
    return Proposal(plan, moves, words if rows else ("the file has no rows",), tuple(done))


def find_at(line: int, find: Callable[[str], Resident], text: str) -> Resident:
    """Find the resident of a row; what goes wrong names the line."""
    where = f"line {line}, column resident"
    try:
        return find(text)
    except NotFound as error:
        raise NotFound(f"{where}: {error.message}; nothing written", advice=error.advice) from None
    except Ambiguous as error:
        raise Ambiguous(f"{where}: {error.message}; nothing written", error.candidates) from None


def _entry_of_row(row: ImportRow, resident: Resident, today: date, actor: str) -> Entry:
    reason = BY_WAY if row.way else OPENED if row.kind is Kind.OPENING else BY_HAND
    return Entry(
        row.key,
        1,
        resident.id,
        row.coins,
        row.kind,
        row.day or today,
        reason,
        actor,
        rule=row.way,
        note=row.reason,
    )


def _refuse_sent_twice(
    reader: Reader, fresh: Sequence[Entry], rows: Sequence[ImportRow], now: datetime
) -> None:
    """Rows that another file posted lately are named, all at once."""
    dated = {row.key for row in rows if row.day is not None}
    lines = {row.key: row.line for row in rows}
    since = utc_text(now - IMPORT_DUPLICATE_WITHIN)
    same: list[str] = []
    for entry in fresh:
        for line in reader.lines_posted_since(entry.resident, since):
            other = line.posted.entry
            alike = content_of(other, line.note) == content_of(
                entry, entry.note
            ) and other.key.startswith("csv:")
            if (
                alike
                and other.key not in lines
                and line.reversed_by is None
                and (entry.key not in dated or other.happened_on == entry.happened_on)
            ):
                same.append(f"line {lines[entry.key]} is likely entry {line.posted.n}")
                break
    if same:
        more = f" and {len(same) - 5} more" if len(same) > 5 else ""
        raise LikelyDuplicate(
            f"another file has posted the same: {', '.join(same[:5])}{more}; nothing written"
        )
