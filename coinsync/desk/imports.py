"""The rows of a file, as one plan. Writes nothing."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from coinsync.core import ledger
from coinsync.core.facts import Resident
from coinsync.core.files.import_rows import KEY_PREFIX, ImportRow
from coinsync.core.files.sheet import Problem, quoted, refusal
from coinsync.core.ledger import Entry, KeyState, Kind, Line
from coinsync.core.plan import Plan, Post, Purpose
from coinsync.core.proposal import Move, Proposal, scope_of
from coinsync.desk.coins import refuse_another_entry, says_the_same
from coinsync.desk.gather import Clerk, moves_and_debts, refuse_erased
from coinsync.errors import (
    Ambiguous,
    CoinPolicy,
    CoinsyncError,
    ImportRefused,
    LikelyDuplicate,
    NotEnoughCoins,
    NotFound,
)
from coinsync.staff_texts import phrase
from coinsync.store.reader import Reader

#: The same row in another file within that time is likely a file that was sent twice.
DUPLICATE_WITHIN = timedelta(days=7)
#: So many rows are named; the others are counted.
NAMED_MAX = 5


def import_rows(
    clerk: Clerk,
    rows: Sequence[ImportRow],
    problems: Sequence[Problem],
    find: Callable[[str], Resident],
) -> Proposal:
    """Plan the rows of a file, all or none; those that are posted already are left out.

    ``problems`` are those that reading found. Raises ``ImportRefused`` with them and all others, or
    the error of the only one: what ``find`` raises, ``PostedOtherwise``, ``NotEnoughCoins``, or
    ``CoinPolicy`` for somebody who is erased. Raises ``LikelyDuplicate``.
    """
    reader, author = clerk.reader, clerk.author
    wrong = _Wrong(list(problems))
    entries = _entries_of_rows(clerk, rows, find, wrong)
    # A row that was taken back since is posted all the same, and is not posted again: the first
    # entry of its key is what the file said.
    posted: dict[str, Line] = {}
    for line in reader.lines_under([row.key for row in rows]):
        posted.setdefault(line.entry.key, line)
    new_rows: list[tuple[ImportRow, Entry]] = []
    done: list[int] = []
    advice = "Give the row another key, or leave it out."
    for row, entry in entries:
        if row.key in posted:
            with wrong.collected(row.line):
                refuse_another_entry(posted[row.key], entry, row.day, reader.survivors(), advice)
            done.append(posted[row.key].n)
        else:
            new_rows.append((row, entry))
    new_entries = [entry for _, entry in new_rows]
    moves, debts = moves_and_debts(clerk, new_entries)
    _refuse_debts(moves, debts, [row.line for row, _ in new_rows], wrong)
    wrong.refuse()
    if not author.allow_duplicate:
        _refuse_sent_twice(reader, new_rows, {row.key for row in rows}, author.now)
    days = [entry.happened_on for entry in new_entries] or [clerk.today()]
    plan = Plan.of(
        Purpose.DESK,
        scope_of(*days),
        map(Post, new_entries),
        basis=[KeyState(entry.key) for entry in new_entries],
    )
    words = [] if rows else [phrase("no_rows")]
    if done:
        words = [phrase("some_posted", done=len(done), rows=len(rows))]
    return Proposal(plan, moves, tuple(words), tuple(done))


@dataclass(slots=True)
class _Wrong:
    # What is wrong with the rows of a file, by themselves and beside what is recorded.
    problems: list[Problem]
    errors: list[CoinsyncError] = field(default_factory=list)

    @contextmanager
    def collected(self, line: int, column: str = "") -> Iterator[None]:
        """Keep the error of a row, and go on with the next one."""
        try:
            yield
        except (Ambiguous, CoinPolicy, NotFound) as error:
            reason = error.message.removesuffix("; nothing written")
            error.message = str(Problem(line, column, f"{reason}; nothing written"))
            error.args = (error.message,)
            self.errors.append(error)
            if isinstance(error, Ambiguous):
                reason = f"{reason}: {', '.join(error.candidates)}"
            self.problems.append(Problem(line, column, reason))

    def refuse(self) -> None:
        """Raise what there is: one error as it is, several as one."""
        if len(self.problems) == len(self.errors) == 1:
            raise self.errors[0]
        codes = {error.exit_code for error in self.errors}
        if len(self.problems) > len(self.errors) or len(codes) > 1:
            codes = {ImportRefused.exit_code}
        if self.problems:
            raise refusal(self.problems, codes.pop())


def _entries_of_rows(
    clerk: Clerk, rows: Sequence[ImportRow], find: Callable[[str], Resident], wrong: _Wrong
) -> list[tuple[ImportRow, Entry]]:
    # The entry of each row of whom it is known who is meant, and what.
    unread = {problem.line for problem in wrong.problems}
    entries = []
    for row in rows:
        resident = None
        if row.resident:
            with wrong.collected(row.line, "resident"):
                named = find(row.resident)
                refuse_erased(named)
                resident = named
        if resident is None:
            continue
        # A day may have come at one branch and not yet at another, so it is the resident's own
        # day that counts, and only here is it known who the resident is.
        today = clerk.today(resident.branches)
        if row.day is not None and row.day > today:
            typed = quoted(row.day.isoformat())
            problem = Problem(row.line, "date", f"{typed} is not yet; today is {today}")
            wrong.problems.append(problem)
        if row.line in unread:
            continue
        entry = Entry(
            row.key,
            seq=1,
            resident=resident.id,
            coins=row.coins,
            kind=row.kind,
            happened_on=row.day or today,
            reason=ledger.OPENED if row.kind is Kind.OPENING else ledger.BY_HAND,
            actor=clerk.author.actor,
            note=row.reason,
        )
        entries.append((row, entry))
    return entries


def _refuse_debts(
    moves: Sequence[Move], debts: Mapping[int, str], lines: Sequence[int], wrong: _Wrong
) -> None:
    line_of_resident: dict[int, int] = {}
    for move, line in zip(moves, lines, strict=True):
        if move.coins < 0 and move.resident in debts:
            line_of_resident[move.resident] = line
    # The last line that takes coins of a resident is the one to look at.
    for resident, line in line_of_resident.items():
        with wrong.collected(line, "coins"):
            raise NotEnoughCoins(debts[resident])


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
        for line in reader.lines_posted_since([entry.resident], since):
            posted = line.entry
            # Of what came from a file and was not taken back.
            stands = posted.key.startswith(KEY_PREFIX) and line.reversed_by is None
            is_other = stands and posted.key not in own_keys
            same_day = row.day in (None, posted.happened_on)
            if is_other and same_day and says_the_same(line, entry):
                likely.append(f"line {row.line} is likely entry {line.n}")
                break
    if likely:
        more = f" and {len(likely) - NAMED_MAX} more" if len(likely) > NAMED_MAX else ""
        named = ", ".join(likely[:NAMED_MAX])
        raise LikelyDuplicate(f"another file has posted the same: {named}{more}")
