"""Questions about the ledger: entries, lines of residents, balances, states of keys."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from peewee import JOIN, fn

from coinsync.core.facts import Lesson, Note
from coinsync.core.ledger import Entry, Head, KeyState, Kind, LedgerRow, Line, Posted, Run
from coinsync.core.report import MonthSum
from coinsync.core.seal import Seal, seal_of
from coinsync.errors import CoinsyncError
from coinsync.store import statements
from coinsync.store.models import ENTRY_COLUMNS, EntryRow
from coinsync.store.queries.base import Row, batches, with_marks
from coinsync.store.queries.people import CardQueries
from coinsync.store.rows import TABLES, day_of

#: Above the number of every entry.
N_MAX = 2**63 - 1

_ENTRY_WIDTH = len(ENTRY_COLUMNS)
#: Looking a kind up is several times faster than asking the class for it, and lines are many.
_KINDS = {kind.value: kind for kind in Kind}


class LedgerQueries(CardQueries):
    """Entries and what they add up to."""

    def head(self) -> Head:
        """How far the ledger has come."""
        head = self.find_head()
        if head is None:
            raise CoinsyncError(
                "ledger is damaged: the head row is missing",
                advice="Restore the database from a backup.",
            )
        return head

    def find_head(self) -> Head | None:
        """The head row as it is; None where it is missing."""
        row = self._constant_row(statements.HEAD)
        return Head(*row) if row else None

    def chains(self, runs: Iterable[int]) -> dict[int, str]:
        """The hashes of those runs that are recorded."""
        return dict(self._constant_in(statements.CHAINS, runs))

    def seals_of(self, lines: Mapping[int, Sequence[Line]]) -> dict[int, Seal]:
        """The seal of the newest line of each resident who has one."""
        runs: dict[int, int] = {}
        for resident, their_lines in lines.items():
            if their_lines:
                runs[resident] = max(line.posted.run for line in their_lines)
        chains = self.chains(set(runs.values()))
        return {resident: seal_of(run, chains[run]) for resident, run in runs.items()}

    def key_states(self, keys: Iterable[str]) -> dict[str, KeyState]:
        """The states of those keys that have entries."""
        states: dict[str, KeyState] = {}
        for key, seq, total, award in self._constant_in(statements.KEY_STATES, keys):
            # Some engines add integers up to a decimal number.
            coins = int(total)
            states[key] = KeyState(key, seq, coins, award if coins else None)
        return states

    def keys_with_several_entries(self) -> list[str]:
        """Keys under which something was taken back, at least."""
        query = EntryRow.select(EntryRow.op_key).group_by(EntryRow.op_key)
        return [key for (key,) in self._rows(query.having(fn.COUNT(EntryRow.n) > 1))]

    def balances(
        self,
        residents: Iterable[int],
        *,
        upto: int = N_MAX,
        until: date = date.max,
        survivors: Mapping[int, int] | None = None,
    ) -> dict[int, int]:
        """Balances of residents, 0 of those without entries, up to an entry number and a day.

        ``survivors`` says which cards count together where that is not what is recorded.
        """
        if survivors is None:
            survivors = self.survivors()
        owner_of = {resident: survivors.get(resident, resident) for resident in set(residents)}
        totals = dict.fromkeys(owner_of.values(), 0)
        cards = _cards_of(totals, survivors)
        rows = self._constant_in(statements.BALANCES, cards, upto, until.isoformat())
        for card, coins in rows:
            totals[survivors.get(card, card)] += int(coins)
        return {resident: totals[owner_of[resident]] for resident in sorted(owner_of)}

    def balance(self, resident: int, until: date = date.max) -> int:
        """Balance of one resident, by what happened up to the day ``until``."""
        return self.balances([resident], until=until)[resident]

    def coins_by_day(
        self, owners: Iterable[int], since: date, *, survivors: Mapping[int, int]
    ) -> dict[int, Counter[date]]:
        """Coins of owners by day; those of all days up to ``since`` stand under one of these."""
        coins_of = {owner: Counter[date]() for owner in owners}
        cards = _cards_of(coins_of, survivors)
        rows = self._constant_in(statements.COINS_BY_DAY, cards, since.isoformat())
        for card, day, coins in rows:
            coins_of[survivors.get(card, card)][day_of(day)] += int(coins)
        return coins_of

    def month_sums(self, residents: Iterable[int], since: date, until: date) -> list[MonthSum]:
        """What moved in a span of days, merged cards included, by resident, month and purpose."""
        owner_of: dict[int, int] = {}
        for resident in residents:
            owner_of |= dict.fromkeys(self.cards_of(resident), resident)
        # A reversal counts where its award did, also one that no rule gives any more.
        reversed_entry = EntryRow.alias()
        columns = [
            EntryRow.resident,
            fn.SUBSTR(EntryRow.happened_on, 1, 7),
            EntryRow.kind,
            fn.COALESCE(reversed_entry.rule, EntryRow.rule),
        ]
        in_span = EntryRow.happened_on.between(since.isoformat(), until.isoformat())
        # A reversal takes coins back or gives them back, which is not the same.
        query = EntryRow.select(*columns, fn.SUM(EntryRow.coins)).where(in_span)
        is_reversed = EntryRow.reverses == reversed_entry.n
        query = query.join(reversed_entry, JOIN.LEFT_OUTER, on=is_reversed)
        query = query.group_by(*columns, EntryRow.coins > 0)
        sums: list[MonthSum] = []
        for batch in batches(sorted(owner_of)):
            of_batch = query.where(EntryRow.resident.in_(batch))
            for card, month, kind, rule, coins in self._rows(of_batch):
                sums.append(MonthSum(owner_of[card], month, _KINDS[kind], rule, int(coins)))
        return sums

    def lines(
        self, resident: int, *, since: date = date.min, until: date = date.max, limit: int = 50
    ) -> list[Line]:
        """A resident's lines, newest first, at most ``limit``."""
        cards = self.cards_of(resident)
        values = [*cards, since.isoformat(), until.isoformat(), limit]
        return self._lines(with_marks(statements.LINES_OF_RESIDENT, cards), values)

    def last_lines(self, residents: Iterable[int], limit: int = 50) -> dict[int, list[Line]]:
        """The last lines of residents, newest first, at most ``limit`` of each."""
        cards_of = {resident: self.cards_of(resident) for resident in sorted(set(residents))}
        if not cards_of:
            return {}
        # Two residents may be cards of one child, which is asked for once.
        cards_of_children = {cards[0]: cards for cards in cards_of.values()}
        values: list[int] = []
        for cards in cards_of_children.values():
            values += (*cards, limit)
        lines_of_children: dict[int, list[Line]] = {child: [] for child in cards_of_children}
        survivors = self.survivors()
        statement = statements.last_lines(list(cards_of_children.values()))
        for line in self._lines(statement, values):
            card = line.posted.entry.resident
            lines_of_children[survivors.get(card, card)].append(line)
        return {resident: lines_of_children[cards[0]] for resident, cards in cards_of.items()}

    def older_lines(self, resident: int, than: int, limit: int = 50) -> list[Line] | None:
        """The lines before a resident's entry ``than``, newest first; None if it is not theirs."""
        cards = self.cards_of(resident)
        line = self.line(than)
        if line is None or line.posted.entry.resident not in cards:
            return None
        day = line.posted.entry.happened_on.isoformat()
        values = [*cards, day, day, than, limit]
        return self._lines(with_marks(statements.OLDER_LINES, cards), values)

    def line(self, n: int) -> Line | None:
        """One entry by its number."""
        return next(iter(self._lines(f"{statements.LINES} WHERE e.n = ?", [n])), None)

    def lines_of_run(self, run: Run) -> list[Line]:
        """What a run posted, in ledger order."""
        # The entries of a run stand one after the other, so that no index by run is needed.
        statement = f"{statements.LINES} WHERE e.n > ? AND e.n <= ?"
        return in_ledger_order(self._lines(statement, [run.n_last - run.entries, run.n_last]))

    def lines_under(self, keys: Iterable[str]) -> list[Line]:
        """All entries under the keys, in ledger order."""
        rows = self._constant_in(f"{statements.LINES} WHERE e.op_key IN ({{marks}})", keys)
        return in_ledger_order(map(line_of, rows))

    def lines_below(self, key: str) -> list[Line]:
        """All entries under keys that begin with ``key`` and a colon, in ledger order."""
        # A semicolon comes right after a colon: this is every key that begins so.
        statement = f"{statements.LINES} WHERE e.op_key >= ? AND e.op_key < ?"
        return in_ledger_order(self._lines(statement, [f"{key}:", f"{key};"]))

    def lines_posted_since(self, residents: Iterable[int], moment: str) -> list[Line]:
        """What was posted for residents' own cards at a time (UTC text) or later, in order."""
        statement = f"{statements.LINES} WHERE e.resident_id IN ({{marks}}) AND e.posted_at >= ?"
        return in_ledger_order(map(line_of, self._constant_in(statement, residents, moment)))

    def _lines(self, statement: str, values: Sequence[Any]) -> list[Line]:
        return [line_of(row) for row in self._constant(statement, values)]

    def notes_of(self, residents: Iterable[int]) -> list[Note]:
        """The notes of residents' entries."""
        rows = self._constant_in(statements.NOTES_OF_RESIDENTS, residents)
        return [Note(*row) for row in rows]

    def journal(
        self, *, since: date = date.min, until: date = date.max, by_day: bool = False
    ) -> Iterator[Line]:
        """All entries for what happened in a span of days, in ledger order or by day."""
        order = "e.happened_on, e.n" if by_day else "e.n"
        mark = self._database.param
        condition = f"e.happened_on >= {mark} AND e.happened_on <= {mark}"
        sql = f"{statements.LINES} WHERE {condition} ORDER BY {order}"
        days = [since.isoformat(), until.isoformat()]
        return map(line_of, self._engine.stream(self._database, sql, days))

    def ledger(self) -> Iterator[LedgerRow]:
        """The whole ledger in its order, as it lies there; nothing is taken for granted."""
        return map(LedgerRow._make, self._stream(EntryRow.select().order_by(EntryRow.n)))


def _cards_of(owners: Collection[int], survivors: Mapping[int, int]) -> list[int]:
    """The cards of owners: their own, and those that go on as theirs."""
    return sorted({*owners, *(card for card, owner in survivors.items() if owner in owners)})


def in_ledger_order(lines: Iterable[Line]) -> list[Line]:
    """Lines by the numbers of their entries."""
    # Once SQLite has been told to ANALYZE, it may read the whole ledger in this order rather than
    # find a few lines by an index and sort them. So they are sorted here.
    return sorted(lines, key=lambda line: line.posted.n)


def posted_of(row: Sequence[Any]) -> Posted:
    """The entry of a row of the ledger. Its note is no column of it."""
    n, key, seq, resident, coins, kind, day, reason, actor, rule, _, lesson, reverses = row[:13]
    run, posted_at = row[13:_ENTRY_WIDTH]
    entry = Entry(
        key,
        seq,
        resident,
        int(coins),
        _KINDS[kind],
        day_of(day),
        reason,
        actor,
        rule,
        lesson=lesson,
        reverses=reverses,
    )
    return Posted(n, entry, posted_at, run)


def line_of(row: Row) -> Line:
    """The line of a row of ``statements.LINES``."""
    lesson_row = row[_ENTRY_WIDTH:-2]
    note, reversed_by = row[-2:]
    # The columns of the lesson are empty where an entry is for none, or for one not recorded.
    lesson = _lesson_of(lesson_row) if lesson_row[0] is not None else None
    return Line(posted_of(row), lesson, note or "", reversed_by)


@lru_cache(maxsize=4096)
def _lesson_of(row: Row) -> Any:
    # The pupils of a group share their lessons.
    return TABLES[Lesson].value(row)
