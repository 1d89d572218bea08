"""The rows of a file, as one plan. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from coinsync.config import Settings
from coinsync.core.facts import Resident
from coinsync.core.files.import_rows import KEY_PREFIX, ImportRow
from coinsync.core.files.sheet import Problem, quoted, refusal
from coinsync.core.ledger import (
    BY_HAND,
    BY_WAY,
    OPENED,
    Entry,
    KeyState,
    Kind,
    Line,
    utc_text,
)
from coinsync.core.plan import Plan, Post, Purpose, Scope
from coinsync.core.proposal import Author, Proposal, check_floors
from coinsync.desk.coins import refuse_another_entry, says_the_same
from coinsync.desk.gather import gather_moves, refuse_erased
from coinsync.errors import Ambiguous, LikelyDuplicate, NotFound, PostedOtherwise
from coinsync.store.reader import Reader

#: The same row in another file within that time is likely a file that was sent twice.
DUPLICATE_WITHIN = timedelta(days=7)
#: So many rows are named; the others are counted.
NAMED_MAX = 5


def import_rows(
    reader: Reader,
    settings: Settings,
    rows: Sequence[ImportRow],
    find: Callable[[str], Resident],
    author: Author,
) -> Proposal:
    """Plan the rows of a file, all of them or none; rows that are posted already are left out.

    Raises what ``find`` raises with the line named, ``ImportRefused`` for days that are still to
    come, ``PostedOtherwise``, ``LikelyDuplicate``, ``NotEnoughCoins``, or ``CoinPolicy`` for
    somebody who is erased.
    """
    entries = _entries_of_rows(settings, rows, find, author)
    posted = _first_lines(reader, rows)
    new_rows: list[tuple[ImportRow, Entry]] = []
    done: list[int] = []
    for row, entry in zip(rows, entries, strict=True):
        line = posted.get(row.key)
        if line is None:
            new_rows.append((row, entry))
        else:
            _refuse_another_row(line, row, entry, reader.survivors())
            done.append(line.posted.n)
    if not author.allow_duplicate:
        _refuse_sent_twice(reader, new_rows, {row.key for row in rows}, author.now)
    new_entries = [entry for _, entry in new_rows]
    moves = gather_moves(reader, settings, new_entries)
    check_floors(moves)
    days = [entry.happened_on for entry in new_entries] or [settings.profile.today((), author.now)]
    plan = Plan.of(
        Purpose.DESK,
        Scope(0, min(days), max(days)),
        map(Post, new_entries),
        basis=[KeyState(entry.key) for entry in new_entries],
    )
    return Proposal(plan, moves, _words(rows, done), tuple(done))


def _words(rows: Sequence[ImportRow], done: Sequence[int]) -> tuple[str, ...]:
    if not rows:
        return ("the file has no rows",)
    if done:
        return (f"{len(done)} of {len(rows)} rows are posted already",)
    return ()


def _first_lines(reader: Reader, rows: Sequence[ImportRow]) -> dict[str, Line]:
    """What is posted under the keys of rows.

    A row that was taken back since is posted all the same, and is not posted again: the first
    entry of its key is what the file said.
    """
    first: dict[str, Line] = {}
    for line in reader.lines_under([row.key for row in rows]):
        first.setdefault(line.posted.entry.key, line)
    return first


def _entries_of_rows(
    settings: Settings, rows: Sequence[ImportRow], find: Callable[[str], Resident], author: Author
) -> list[Entry]:
    """The entry of each row, whether it is posted already or not."""
    residents = [_resident_of_row(row, find) for row in rows]
    entries: list[Entry] = []
    problems: list[Problem] = []
    for row, resident in zip(rows, residents, strict=True):
        refuse_erased(resident, f"line {row.line}: ")
        # A day may have come at one branch and not yet at another, so it is the resident's own
        # day that counts, and only here is it known who the resident is.
        today = settings.profile.today(resident.branches, author.now)
        if row.day is not None and row.day > today:
            day = quoted(row.day.isoformat())
            problems.append(Problem(row.line, "date", f"{day} is not yet; today is {today}"))
        entries.append(_entry_of_row(row, resident, today, author.actor))
    if problems:
        raise refusal(problems)
    return entries


def _resident_of_row(row: ImportRow, find: Callable[[str], Resident]) -> Resident:
    where = f"line {row.line}, column resident"
    try:
        return find(row.resident)
    except NotFound as error:
        raise NotFound(f"{where}: {error.message}; nothing written", advice=error.advice) from None
    except Ambiguous as error:
        raise Ambiguous(f"{where}: {error.message}; nothing written", error.candidates) from None


def _entry_of_row(row: ImportRow, resident: Resident, today: date, actor: str) -> Entry:
    reason = OPENED if row.kind is Kind.OPENING else BY_HAND
    return Entry(
        key=row.key,
        seq=1,
        resident=resident.id,
        coins=row.coins,
        kind=row.kind,
        happened_on=row.day or today,
        reason=BY_WAY if row.way else reason,
        actor=actor,
        rule=row.way,
        note=row.reason,
    )


def _refuse_another_row(
    line: Line, row: ImportRow, entry: Entry, survivors: Mapping[int, int]
) -> None:
    """Raise ``PostedOtherwise`` where the key of a row stands for another row already."""
    if row.way:
        # What a way gives is the configuration's; it may have changed since the file was posted.
        entry = replace(entry, coins=line.posted.entry.coins)
    try:
        refuse_another_entry(line, entry, row.day, survivors)
    except PostedOtherwise as error:
        raise PostedOtherwise(
            f"line {row.line}: {error.message}",
            advice="Give the row another key, or leave it out.",
        ) from None


def _refuse_sent_twice(
    reader: Reader,
    new_rows: Sequence[tuple[ImportRow, Entry]],
    own_keys: Collection[str],
    now: datetime,
) -> None:
    """Refuse rows that another file posted lately; all of them are named at once.

    A file that was changed in any row has another digest, and with it other keys for all its rows.
    So its keys do not tell that most of it was sent before.
    """
    since = utc_text(now - DUPLICATE_WITHIN)
    likely: list[str] = []
    for row, entry in new_rows:
        for line in reader.lines_posted_since(entry.resident, since):
            if line.posted.entry.key not in own_keys and _came_from_a_file(line, row, entry):
                likely.append(f"line {row.line} is likely entry {line.posted.n}")
                break
    if likely:
        more = f" and {len(likely) - NAMED_MAX} more" if len(likely) > NAMED_MAX else ""
        named = ", ".join(likely[:NAMED_MAX])
        raise LikelyDuplicate(f"another file has posted the same: {named}{more}; nothing written")


def _came_from_a_file(line: Line, row: ImportRow, entry: Entry) -> bool:
    """Whether a line is what some file said in the words of this row, and still stands."""
    posted = line.posted.entry
    same_day = row.day is None or posted.happened_on == row.day
    return (
        posted.key.startswith(KEY_PREFIX)
        and line.reversed_by is None
        and same_day
        and says_the_same(line, entry)
    )
