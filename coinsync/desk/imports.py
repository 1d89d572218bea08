"""The rows of a file, as one plan. Writes nothing."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from coinsync.core import ledger
from coinsync.core.facts import Resident
from coinsync.core.files.import_rows import KEY_PREFIX, ImportRow
from coinsync.core.files.sheet import Problem, quoted, refusal
from coinsync.core.ledger import Entry, KeyState, Kind, Line
from coinsync.core.plan import Plan, Post, Purpose, Scope
from coinsync.core.proposal import Proposal, check_floors
from coinsync.desk.coins import refuse_another_entry, says_the_same
from coinsync.desk.gather import Clerk, moves_of, refuse_erased
from coinsync.errors import Ambiguous, LikelyDuplicate, NotFound
from coinsync.store.reader import Reader

#: The same row in another file within that time is likely a file that was sent twice.
DUPLICATE_WITHIN = timedelta(days=7)
#: So many rows are named; the others are counted.
NAMED_MAX = 5


def import_rows(
    clerk: Clerk, rows: Sequence[ImportRow], find: Callable[[str], Resident]
) -> Proposal:
    """Plan the rows of a file, all or none; those that are posted already are left out.

    Raises what ``find`` raises, ``ImportRefused`` for days still to come, ``PostedOtherwise``,
    ``LikelyDuplicate``, ``NotEnoughCoins``, or ``CoinPolicy`` for somebody who is erased.
    """
    reader, author = clerk.reader, clerk.author
    entries = _entries_of_rows(clerk, rows, find)
    # A row that was taken back since is posted all the same, and is not posted again: the first
    # entry of its key is what the file said.
    posted: dict[str, Line] = {}
    for line in reader.lines_under([row.key for row in rows]):
        posted.setdefault(line.posted.entry.key, line)
    new_rows: list[tuple[ImportRow, Entry]] = []
    done: list[int] = []
    for row, entry in zip(rows, entries, strict=True):
        if row.key in posted:
            _refuse_another_row(posted[row.key], row, entry, reader.survivors())
            done.append(posted[row.key].posted.n)
        else:
            new_rows.append((row, entry))
    if not author.allow_duplicate:
        _refuse_sent_twice(reader, new_rows, {row.key for row in rows}, author.now)
    new_entries = [entry for _, entry in new_rows]
    moves = moves_of(clerk, new_entries)
    check_floors(moves)
    days = [entry.happened_on for entry in new_entries] or [clerk.today()]
    plan = Plan.of(
        Purpose.DESK,
        Scope(0, min(days), max(days)),
        map(Post, new_entries),
        basis=[KeyState(entry.key) for entry in new_entries],
    )
    words = () if rows else ("the file has no rows",)
    if done:
        words = (f"{len(done)} of {len(rows)} rows are posted already",)
    return Proposal(plan, moves, words, tuple(done))


def _entries_of_rows(
    clerk: Clerk, rows: Sequence[ImportRow], find: Callable[[str], Resident]
) -> list[Entry]:
    entries: list[Entry] = []
    problems: list[Problem] = []
    for row in rows:
        resident = _resident_of_row(row, find)
        refuse_erased(resident, f"line {row.line}: ")
        # A day may have come at one branch and not yet at another, so it is the resident's own
        # day that counts, and only here is it known who the resident is.
        today = clerk.today(resident.branches)
        if row.day is not None and row.day > today:
            typed = quoted(row.day.isoformat())
            problems.append(Problem(row.line, "date", f"{typed} is not yet; today is {today}"))
        reason = ledger.OPENED if row.kind is Kind.OPENING else ledger.BY_HAND
        if row.way:
            reason = ledger.BY_WAY
        day, actor = row.day or today, clerk.author.actor
        entry = Entry(
            row.key, 1, resident.id, row.coins, row.kind, day, reason, actor, row.way, row.reason
        )
        entries.append(entry)
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


def _refuse_another_row(
    line: Line, row: ImportRow, entry: Entry, survivors: Mapping[int, int]
) -> None:
    if row.way:
        # What a way gives is the configuration's; it may have changed since the file was posted.
        entry = replace(entry, coins=line.posted.entry.coins)
    advice = "Give the row another key, or leave it out."
    refuse_another_entry(line, entry, row.day, survivors, f"line {row.line}: ", advice)


def _refuse_sent_twice(
    reader: Reader,
    new_rows: Sequence[tuple[ImportRow, Entry]],
    own_keys: Collection[str],
    now: datetime,
) -> None:
    # A file that was changed in any row has another digest, and with it other keys for all its
    # rows. So its keys do not tell that most of it was sent before.
    since = ledger.utc_text(now - DUPLICATE_WITHIN)
    likely: list[str] = []
    for row, entry in new_rows:
        for line in reader.lines_posted_since(entry.resident, since):
            if line.posted.entry.key not in own_keys and _came_from_a_file(line, row, entry):
                likely.append(f"line {row.line} is likely entry {line.posted.n}")
                break
    if likely:
        more = f" and {len(likely) - NAMED_MAX} more" if len(likely) > NAMED_MAX else ""
        named = ", ".join(likely[:NAMED_MAX])
        raise LikelyDuplicate(f"another file has posted the same: {named}{more}")


def _came_from_a_file(line: Line, row: ImportRow, entry: Entry) -> bool:
    posted = line.posted.entry
    stands = posted.key.startswith(KEY_PREFIX) and line.reversed_by is None
    return stands and row.day in (None, posted.happened_on) and says_the_same(line, entry)
