"""Every SELECT of the project: rows come in, core values go out.

A reader works on a connection that somebody else opened. Where a page or a night depends on it, the SQL is constant
text, because building it anew costs more than running it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import islice
from typing import Any, TypeVar

from peewee import Database

from coinsync.core.catalog import Item, MoveKind, Sale, StockMove
from coinsync.core.facts import (
    Attendance,
    Branch,
    Decision,
    Group,
    Hold,
    Lesson,
    LessonRecord,
    LessonType,
    Link,
    Membership,
    Merge,
    Note,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.identity import answers_to
from coinsync.core.ledger import (
    Entry,
    Head,
    KeyState,
    Kind,
    Line,
    Posted,
    Row,
    Run,
    RunLine,
    survivors_of,
)
from coinsync.core.plan import Fact
from coinsync.core.planning.people import People
from coinsync.store import schema
from coinsync.store.database import engine_of, speaking
from coinsync.store.engines.base import marked
from coinsync.store.rows import (
    ENTRY_COLUMNS,
    RUN_COLUMNS,
    STOCK_COLUMNS,
    TABLES,
    Table,
    day_of,
    ids_text,
)

#: Keys asked for in one statement.
BATCH = 500

T = TypeVar("T")
F = TypeVar("F", bound=Fact)


_ENTRY_COLUMNS = ", ".join(f"e.{column}" for column in ENTRY_COLUMNS)
_LESSON_COLUMNS = ", ".join(f"l.{column}" for column in TABLES[Lesson].columns)
_ENTRY_WIDTH = len(ENTRY_COLUMNS)
_LESSON_WIDTH = len(TABLES[Lesson].columns)

_LINE = f"""
SELECT {_ENTRY_COLUMNS}, {_LESSON_COLUMNS}, t.text, r.n
FROM entry e
LEFT JOIN lesson l ON l.id = e.lesson_id
LEFT JOIN note t ON t.n = e.n
LEFT JOIN entry r ON r.reverses = e.n
"""

_LINES = f"""{_LINE}
WHERE e.resident_id IN ({{marks}}) AND e.happened_on >= ? AND e.happened_on <= ? AND e.n < ?
ORDER BY e.happened_on DESC, e.n DESC LIMIT ?
"""

#: The numbers of one resident's last entries; each is a table of its own, so that it takes them from the index.
_LAST = """
SELECT n FROM (
    SELECT n FROM entry WHERE resident_id IN ({marks}) ORDER BY happened_on DESC, n DESC LIMIT ?
) last_{at}
"""

_STANDS = """
SELECT op_key, MAX(seq), SUM(coins), MAX(CASE WHEN kind = 'award' THEN n END)
FROM entry WHERE op_key IN ({marks}) GROUP BY op_key
"""

#: A run of lessons whose window ends on the day when its branch's people were read.
_FULL = """r.purpose = 'lessons' AND r.until >= COALESCE((
    SELECT p.until FROM run p WHERE p.branch = r.branch AND p.purpose = 'people' AND p.id < r.id
    ORDER BY p.id DESC LIMIT 1
), '')"""

N_MAX = 2**63 - 1


class Reader:
    """Questions to the database."""

    def __init__(self, database: Database) -> None:
        """Read through ``database``, which must be connected when a question is asked."""
        self._database = database
        self._engine = engine_of(database)
        self._heads: dict[int, int] | None = None

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]:
        cursor: Iterable[tuple[Any, ...]] = self._database.execute_sql(
            marked(self._database, sql), values
        )
        return cursor

    def _stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows of what may be the whole ledger: one after another, and no other question until the last is taken."""
        return self._engine.stream(self._database, marked(self._database, sql), values)

    def _row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        return next(iter(self._rows(sql, values)), None)

    def _in(self, sql: str, values: Iterable[Any], *more: Any) -> Iterator[tuple[Any, ...]]:
        """Run ``sql`` for many values, a batch at a time in the place of ``{marks}``; ``more`` values follow."""
        for batch in _batches(values):
            yield from self._rows(sql.format(marks=_marks(batch)), [*batch, *more])

    # --- facts --------------------------------------------------------------------------------------------------

    def recorded(self, kind: type[F], firsts: Iterable[Any]) -> list[F]:
        """Facts of a kind by the values of the first column of their key."""
        table = TABLES[kind]
        sql = f"SELECT {_columns(table)} FROM {table.name} WHERE {table.lookup} IN ({{marks}})"
        return [table.value(row) for row in self._in(sql, sorted(set(firsts)))]

    def all(self, kind: type[F]) -> list[F]:
        """All facts of a kind, in the order of their keys."""
        table = TABLES[kind]
        order = ", ".join(table.key_columns)
        return [
            table.value(row)
            for row in self._rows(f"SELECT {_columns(table)} FROM {table.name} ORDER BY {order}")
        ]

    def people(self, branch: int, others: Collection[int] = ()) -> People:
        """Everybody recorded for a branch, and the residents ``others`` wherever they are."""
        residents = {one.id: one for one in self.residents(branch)}
        residents.update({one.id: one for one in self.recorded(Resident, others)})
        return People(
            tuple(self.all(Branch)),
            tuple(self.all(LessonType)),
            tuple(self.all(Group)),
            tuple(residents.values()),
            tuple(self.recorded(Membership, residents)),
            tuple(self._links(residents)),
            tuple(self.recorded(VkPage, residents)),
            frozenset(self.survivors()),
        )

    def residents(self, branch: int | None = None) -> list[Resident]:
        """Residents of a branch, or of all, by name."""
        table = TABLES[Resident]
        sql = f"SELECT {_columns(table)} FROM resident"
        if branch is None:
            return [table.value(row) for row in self._rows(f"{sql} ORDER BY name, id")]
        found = self._rows(
            f"{sql} WHERE branch_ids LIKE ? ORDER BY name, id", [f"%{ids_text([branch])}%"]
        )
        return [table.value(row) for row in found]

    def resident(self, id: int) -> Resident | None:
        """One resident by number."""
        return next(iter(self.recorded(Resident, [id])), None)

    def survivors(self) -> dict[int, int]:
        """The card on which each merged card goes on in the end; a card that is not merged is not named."""
        if self._heads is None:
            self._heads = survivors_of(self.merges())
        return self._heads

    def cards_of(self, resident: int) -> tuple[int, ...]:
        """A resident's card and those merged into it: all whose entries count together."""
        survivors = self.survivors()
        head = survivors.get(resident, resident)
        return (head, *sorted(card for card, other in survivors.items() if other == head))

    def residents_named(self, part: str) -> list[Resident]:
        """Residents of whose name a word begins with ``part``; merged cards are left out."""
        # Databases fold the case of ASCII letters only, so the comparison is made here.
        merged = self.survivors()
        return [
            resident
            for resident in self.residents()
            if answers_to(resident.name, part) and resident.id not in merged
        ]

    def residents_of_visitor(self, vk: int) -> list[Resident]:
        """The residents whom a VK account may see, by name."""
        table = TABLES[Resident]
        columns = ", ".join(f"r.{column}" for column in table.columns)
        sql = (
            f"SELECT {columns} FROM link k JOIN resident r ON r.id = k.resident_id"
            " WHERE k.vk = ? AND k.live = 1 ORDER BY r.name, r.id"
        )
        return [table.value(row) for row in self._rows(sql, [vk])]

    def links(self) -> list[Link]:
        """All links, those that were revoked too."""
        return self.all(Link)

    def links_of(self, residents: Iterable[int]) -> list[Link]:
        """The VK accounts that may see residents, or might once."""
        return list(self._links(residents))

    def _links(self, residents: Iterable[int]) -> Iterator[Link]:
        table = TABLES[Link]
        sql = f"SELECT {_columns(table)} FROM link WHERE resident_id IN ({{marks}}) ORDER BY vk"
        return (table.value(row) for row in self._in(sql, residents))

    def lesson_records(self, branch: int, since: date, until: date) -> dict[int, LessonRecord]:
        """All recorded lessons of a branch and window with their attendance, by lesson."""
        table = TABLES[Lesson]
        sql = f"SELECT {_columns(table)} FROM lesson WHERE branch_id = ? AND held_on >= ? AND held_on <= ?"
        found = self._rows(sql, [branch, since.isoformat(), until.isoformat()])
        return self._with_attendance([table.value(row) for row in found])

    def lesson_records_by_id(self, lessons: Iterable[int]) -> dict[int, LessonRecord]:
        """Recorded lessons by number, wherever they are."""
        return self._with_attendance(self.recorded(Lesson, lessons))

    def _with_attendance(self, lessons: Sequence[Lesson]) -> dict[int, LessonRecord]:
        present: dict[int, list[Attendance]] = {lesson.id: [] for lesson in lessons}
        for one in self.recorded(Attendance, present):
            present[one.lesson].append(one)
        return {lesson.id: LessonRecord(lesson, tuple(present[lesson.id])) for lesson in lessons}

    def attended_lessons(self, resident: int, since: date, until: date) -> list[LessonRecord]:
        """Lessons that list a resident, newest first, each with this resident's attendance alone."""
        lessons, attendance = TABLES[Lesson], TABLES[Attendance]
        marks = ", ".join(f"a.{column}" for column in attendance.columns)
        sql = (
            f"SELECT {_LESSON_COLUMNS}, {marks} FROM attendance a JOIN lesson l ON l.id = a.lesson_id"
            " WHERE a.resident_id = ? AND l.held_on >= ? AND l.held_on <= ? ORDER BY l.held_on DESC, l.id DESC"
        )
        found = self._rows(sql, [resident, since.isoformat(), until.isoformat()])
        return [
            LessonRecord(
                lessons.value(row[:_LESSON_WIDTH]), (attendance.value(row[_LESSON_WIDTH:]),)
            )
            for row in found
        ]

    def holds(self, lessons: Iterable[int]) -> dict[str, Hold]:
        """Open holds of the lessons, by key."""
        table = TABLES[Hold]
        sql = f"SELECT {_columns(table)} FROM hold WHERE lesson_id IN ({{marks}})"
        return {hold.key: hold for hold in map(table.value, self._in(sql, lessons))}

    def decisions(self, lessons: Iterable[int]) -> dict[str, Decision]:
        """What persons decided about the lessons, by key."""
        table = TABLES[Decision]
        sql = f"SELECT {_columns(table)} FROM decision WHERE lesson_id IN ({{marks}})"
        return {one.key: one for one in map(table.value, self._in(sql, lessons))}

    def decisions_of(self, residents: Iterable[int]) -> list[Decision]:
        """What persons decided about residents."""
        table = TABLES[Decision]
        sql = f"SELECT {_columns(table)} FROM decision WHERE resident_id IN ({{marks}}) ORDER BY op_key"
        return [table.value(row) for row in self._in(sql, residents)]

    def holds_of(self, residents: Iterable[int]) -> list[Hold]:
        """Open holds of residents."""
        table = TABLES[Hold]
        sql = f"SELECT {_columns(table)} FROM hold WHERE resident_id IN ({{marks}}) ORDER BY op_key"
        return [table.value(row) for row in self._in(sql, residents)]

    def merges(self) -> list[Merge]:
        """All cards that go on as others, or did once."""
        return self.all(Merge)

    def notes_of(self, residents: Iterable[int]) -> list[Note]:
        """The notes of residents' entries."""
        sql = (
            "SELECT t.n, t.salt, t.text FROM entry e JOIN note t ON t.n = e.n"
            " WHERE e.resident_id IN ({marks}) ORDER BY t.n"
        )
        return [TABLES[Note].value(row) for row in self._in(sql, residents)]

    def resident_ids(self, presence: Presence | None = None) -> frozenset[int]:
        """Numbers of all residents, or of those with that presence."""
        where, values = ("", ()) if presence is None else (" WHERE presence = ?", (presence.value,))
        return frozenset(id for (id,) in self._rows(f"SELECT id FROM resident{where}", values))

    # --- ledger -------------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """How far the ledger has come."""
        row = self._row("SELECT n, runs, account, stock FROM head WHERE id = 1")
        assert row is not None, "the head row is made with the schema"  # noqa: S101
        return Head(*row)

    def chain(self, n: int) -> str | None:
        """Hash of the entry with that number."""
        row = self._row("SELECT chain FROM entry WHERE n = ?", [n])
        return str(row[0]) if row else None

    def key_states(self, keys: Iterable[str]) -> dict[str, KeyState]:
        """Where keys stand that have entries."""
        found = self._in(_STANDS, keys)
        return {
            key: KeyState(key, seq, int(coins), award if coins else None)
            for key, seq, coins, award in found
        }

    def balances(
        self,
        residents: Iterable[int],
        *,
        upto: int = N_MAX,
        until: date = date.max,
        survivors: Mapping[int, int] | None = None,
    ) -> dict[int, int]:
        """Balances of residents, with the coins of every card that counts together, 0 for those without entries.

        Entries after number ``upto`` do not count, nor those for what happened after the day ``until``. ``survivors`` says
        which cards count together where that is not yet, or no longer, what is recorded.
        """
        wanted, survivors = (
            sorted(set(residents)),
            self.survivors() if survivors is None else survivors,
        )
        ours = {survivors.get(one, one) for one in wanted}
        cards = ours | {card for card, head in survivors.items() if head in ours}
        sql = (
            "SELECT resident_id, SUM(coins) FROM entry"
            " WHERE resident_id IN ({marks}) AND n <= ? AND happened_on <= ? GROUP BY resident_id"
        )
        sums = dict.fromkeys(ours, 0)
        for card, coins in self._in(sql, sorted(cards), upto, until.isoformat()):
            sums[survivors.get(card, card)] += int(coins)
        return {one: sums[survivors.get(one, one)] for one in wanted}

    def balance(self, resident: int, until: date = date.max) -> int:
        """Balance of one resident, at the end of the day ``until`` by the days on which things happened."""
        marks = self.cards_of(resident)
        sql = f"SELECT SUM(coins) FROM entry WHERE resident_id IN ({_marks(marks)}) AND happened_on <= ?"
        row = self._row(sql, [*marks, until.isoformat()])
        return int(row[0]) if row and row[0] is not None else 0

    def lines(
        self,
        resident: int,
        *,
        since: date = date.min,
        until: date = date.max,
        before: int = N_MAX,
        limit: int = 50,
    ) -> list[Line]:
        """A resident's lines, newest first; ``before`` an entry number, at most ``limit``."""
        cards = self.cards_of(resident)
        values = [*cards, since.isoformat(), until.isoformat(), before, limit]
        return [_line(row) for row in self._rows(_LINES.format(marks=_marks(cards)), values)]

    def last_lines(self, residents: Iterable[int], limit: int = 50) -> dict[int, list[Line]]:
        """The last lines of residents, newest first, at most ``limit`` of each; all of them in one statement."""
        cards = {one: self.cards_of(one) for one in sorted(set(residents))}
        lines: dict[int, list[Line]] = {one[0]: [] for one in cards.values()}
        if lines:
            # Cards of one child are asked for once, whichever of them are named.
            chosen = {one[0]: one for one in cards.values()}.values()
            parts = [_LAST.format(marks=_marks(one), at=at) for at, one in enumerate(chosen)]
            sql = f"{_LINE} WHERE e.n IN ({' UNION ALL '.join(parts)}) ORDER BY e.happened_on DESC, e.n DESC"
            survivors = self.survivors()
            for line in map(
                _line, self._rows(sql, [value for one in chosen for value in (*one, limit)])
            ):
                card = line.posted.entry.resident
                lines[survivors.get(card, card)].append(line)
        return {one: lines[known[0]] for one, known in cards.items()}

    def older_lines(self, resident: int, than: int, limit: int = 50) -> list[Line] | None:
        """The lines that follow a resident's entry with the number ``than``; None where that is no entry of theirs."""
        cards = self.cards_of(resident)
        mine = f"e.resident_id IN ({_marks(cards)})"
        found = self._row(
            f"SELECT e.happened_on FROM entry e WHERE e.n = ? AND {mine}", [than, *cards]
        )
        if found is None:
            return None
        # What was posted late stands among older lines, so the number alone does not say what follows.
        order = "AND e.happened_on <= ? AND (e.happened_on < ? OR e.n < ?) ORDER BY e.happened_on DESC, e.n DESC"
        values = [*cards, found[0], found[0], than, limit]
        return [_line(row) for row in self._rows(f"{_LINE} WHERE {mine} {order} LIMIT ?", values)]

    def line(self, n: int) -> Line | None:
        """One entry by its number."""
        row = self._row(f"{_LINE} WHERE e.n = ?", [n])
        return _line(row) if row else None

    def lines_under(self, keys: Iterable[str]) -> list[Line]:
        """All entries under the keys, in ledger order."""
        found = self._in(f"{_LINE} WHERE e.op_key IN ({{marks}}) ORDER BY e.n", keys)
        return sorted(map(_line, found), key=lambda line: line.posted.n)

    def lines_posted_since(self, resident: int, moment: str) -> list[Line]:
        """What was posted for a resident's own card at a time (UTC text) or later, in ledger order."""
        found = self._rows(
            f"{_LINE} WHERE e.resident_id = ? AND e.posted_at >= ? ORDER BY e.n", [resident, moment]
        )
        return [_line(row) for row in found]

    def journal(
        self, *, since: date = date.min, until: date = date.max, by_day: bool = False
    ) -> Iterator[Line]:
        """All entries for what happened in a span of days, in ledger order or by day."""
        order = "e.happened_on, e.n" if by_day else "e.n"
        sql = f"{_LINE} WHERE e.happened_on >= ? AND e.happened_on <= ? ORDER BY {order}"
        return map(_line, self._stream(sql, [since.isoformat(), until.isoformat()]))

    def ledger(self) -> Iterator[Row]:
        """The whole ledger in its order, row by row as it lies there; nothing is taken for granted."""
        return map(
            Row._make, self._stream(f"SELECT {', '.join(ENTRY_COLUMNS)} FROM entry ORDER BY n")
        )

    # What a proof reads: rows as they lie there, and what the engine itself says of them.

    @contextmanager
    def speaking(self) -> Iterator[None]:
        """Turn errors of the driver into ours while rows are taken one by one."""
        with speaking(self._database):
            yield

    def find_head(self) -> Head | None:
        """The head as it lies there; None where it is missing."""
        row = self._row("SELECT n, runs, account, stock FROM head WHERE id = 1")
        return Head(*row) if row else None

    def run_lines(self) -> Iterator[RunLine]:
        """All runs in their order, as they lie there."""
        return map(
            RunLine._make, self._stream(f"SELECT {', '.join(RUN_COLUMNS)} FROM run ORDER BY id")
        )

    def notes(self) -> Iterator[Note]:
        """All stored notes, one by one."""
        return map(TABLES[Note].value, self._stream("SELECT n, salt, text FROM note ORDER BY n"))

    def readable(self, kind: type[F]) -> tuple[list[F], list[str]]:
        """All facts of a kind that can be read, and the keys of those that cannot."""
        table = TABLES[kind]
        found: list[F] = []
        broken: list[str] = []
        for row in self._rows(
            f"SELECT {_columns(table)} FROM {table.name} ORDER BY {', '.join(table.key_columns)}"
        ):
            try:
                found.append(table.value(row))
            except (TypeError, ValueError, AttributeError):
                broken.append("/".join(str(row[at]) for at in table.key_at))
        return found, broken

    def months(self) -> list[tuple[int, str]]:
        """Branches with the months ("2026-11") in which they have lessons."""
        sql = "SELECT DISTINCT branch_id, substr(held_on, 1, 7) FROM lesson ORDER BY branch_id, 2"
        return [(branch, month) for branch, month in self._rows(sql)]

    def damage(self) -> list[str]:
        """What the engine finds wrong with its own file."""
        return self._engine.damage(self._database)

    def orphans(self) -> list[tuple[str, object, str]]:
        """Rows that refer to rows that are not there: table, the row, the table referred to."""
        return self._engine.orphans(self._database)

    def guards_missing(self) -> tuple[str, ...]:
        """Names of the append-only guards that are not there, or not with their text, and nothing in their place."""
        return self._engine.guards_lost(self._database)

    def schema_faults(self) -> list[str]:
        """Where tables, columns, indexes and triggers are not those of the program; the guards aside."""
        return schema.faults(self._database)

    def take_any_text(self) -> None:
        """From now on take a text that is no text with marks in the place of what is damaged, instead of an error."""
        self._engine.take_any_text(self._database)

    def entries(self, after: int = 0, limit: int = N_MAX) -> Iterator[Posted]:
        """All entries in ledger order."""
        sql = f"SELECT {_ENTRY_COLUMNS} FROM entry e WHERE e.n > ? ORDER BY e.n LIMIT ?"
        return map(_posted, self._stream(sql, [after, limit]))

    # --- shop ---------------------------------------------------------------------------------------------------

    def shelf(self, limit: int) -> list[tuple[Item, int]]:
        """The goods that families see, in the order of the catalog, at most ``limit``; with how many are left."""
        table = TABLES[Item]
        left = "COALESCE((SELECT SUM(m.quantity) FROM stock_move m WHERE m.item_code = i.code), 0)"
        columns = ", ".join(f"i.{column}" for column in table.columns)
        sql = f"SELECT {columns}, {left} FROM item i WHERE i.shown = 1 AND i.archived = 0 ORDER BY i.place, i.code"
        return [
            (table.value(row[:-1]), int(row[-1])) for row in self._rows(f"{sql} LIMIT ?", [limit])
        ]

    def stock(self, items: Iterable[str]) -> dict[str, int]:
        """Pieces left of items, 0 of those that never moved."""
        wanted = sorted(set(items))
        sql = "SELECT item_code, SUM(quantity) FROM stock_move WHERE item_code IN ({marks}) GROUP BY item_code"
        return dict.fromkeys(wanted, 0) | {
            code: int(pieces) for code, pieces in self._in(sql, wanted)
        }

    def stock_moves(
        self, *, item: str | None = None, sale: str | None = None, key: str | None = None
    ) -> list[tuple[int, StockMove]]:
        """Moves of stock with their numbers, in their order: all, those of an item, of a sale, the one under a key."""
        wanted = (("item_code", item), ("sale_id", sale), ("op_key", key))
        where = [(f"{column} = ?", value) for column, value in wanted if value]
        sql = f"SELECT {', '.join(STOCK_COLUMNS)} FROM stock_move"
        if where:
            sql += " WHERE " + " AND ".join(condition for condition, _ in where)
        return [
            _stock_move(row)
            for row in self._rows(f"{sql} ORDER BY n", [value for _, value in where])
        ]

    def sales(
        self, *, since: date = date.min, until: date = date.max, event: str | None = None
    ) -> list[Sale]:
        """Sales of a span of days, or of an event, by day."""
        table = TABLES[Sale]
        sql = f"SELECT {_columns(table)} FROM sale WHERE happened_on >= ? AND happened_on <= ?"
        values: list[Any] = [since.isoformat(), until.isoformat()]
        if event is not None:
            sql, values = f"{sql} AND event = ?", [*values, event]
        return [table.value(row) for row in self._rows(f"{sql} ORDER BY happened_on, id", values)]

    def paid(self, sales: Iterable[str]) -> dict[str, list[Line]]:
        """The entries of sales and of their refunds, by sale, in ledger order."""
        found: dict[str, list[Line]] = {sale: [] for sale in sales}
        # Many sales are read together with all others, by their kind alone.
        words = [f":{sale}" for sale in found] if len(found) <= BATCH else [""]
        for kind in ("sale", "refund"):
            for word in words:
                # A semicolon comes right after a colon: this is every key that begins so, by the index.
                values = [f"{kind}{word}:", f"{kind}{word};"]
                for row in self._rows(
                    f"{_LINE} WHERE e.op_key >= ? AND e.op_key < ? ORDER BY e.n", values
                ):
                    line = _line(row)
                    sale = line.posted.entry.key.split(":")[1]
                    if sale in found:
                        found[sale].append(line)
        return found

    def shop_entries(self, first: int, last: int) -> list[Posted]:
        """Purchases and refunds between two entry numbers, both included, in ledger order."""
        sql = f"SELECT {_ENTRY_COLUMNS} FROM entry e WHERE e.n >= ? AND e.n <= ? AND e.kind IN (?, ?) ORDER BY e.n"
        return [
            _posted(row)
            for row in self._rows(sql, [first, last, Kind.SALE.value, Kind.REFUND.value])
        ]

    # --- runs ---------------------------------------------------------------------------------------------------

    def runs(self, limit: int, branch: int | None = None) -> list[Run]:
        """The last runs, newest first."""
        where = "" if branch is None else " WHERE branch = ?"
        sql = f"SELECT {', '.join(RUN_COLUMNS)} FROM run{where} ORDER BY id DESC LIMIT ?"
        return [
            _run(row) for row in self._rows(sql, [limit] if branch is None else [branch, limit])
        ]

    def run(self, uuid: str) -> Run | None:
        """One run by its own id."""
        row = self._row(f"SELECT {', '.join(RUN_COLUMNS)} FROM run WHERE uuid = ?", [uuid])
        return _run(row) if row else None

    def last_run(self, branch: int, purpose: str) -> Run | None:
        """The last run of a branch with that purpose."""
        sql = f"SELECT {', '.join(RUN_COLUMNS)} FROM run WHERE branch = ? AND purpose = ? ORDER BY id DESC LIMIT 1"
        row = self._row(sql, [branch, purpose])
        return _run(row) if row else None

    def first_read_on(self, branch: int) -> date | None:
        """The day of the first complete reading of a branch's people."""
        row = self._row(
            "SELECT MIN(until) FROM run WHERE branch = ? AND purpose = 'people'", [branch]
        )
        return date.fromisoformat(row[0]) if row and row[0] else None

    def last_full_run(self, branch: int) -> Run | None:
        """The last run of a branch's lessons that reached the day of its reading; a backfill of old days does not."""
        sql = f"SELECT {', '.join(RUN_COLUMNS)} FROM run r WHERE {_FULL} AND branch = ? ORDER BY id DESC LIMIT 1"
        row = self._row(sql, [branch])
        return _run(row) if row else None

    def last_synced_at(self) -> str | None:
        """When the lessons of all branches were last synced up to the day: the oldest such time, in UTC."""
        row = self._row(
            f"SELECT MIN(last) FROM (SELECT MAX(posted_at) AS last FROM run r WHERE {_FULL} GROUP BY branch) latest"
        )
        return str(row[0]) if row and row[0] else None


def _columns(table: Table) -> str:
    return ", ".join(table.columns)


def _marks(values: Collection[Any]) -> str:
    return ", ".join("?" * len(values))


def _batches(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while batch := list(islice(rest, BATCH)):
        yield batch


_KINDS = {kind.value: kind for kind in Kind}


def _posted(row: Sequence[Any]) -> Posted:
    (
        n,
        key,
        seq,
        resident,
        coins,
        kind,
        day,
        reason,
        actor,
        rule,
        _,
        lesson,
        reverses,
        run,
        at,
        chain,
    ) = row
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
        "",
        lesson,
        reverses,
    )
    return Posted(n, entry, at, run, chain)


def _line(row: Sequence[Any]) -> Line:
    lesson = row[_ENTRY_WIDTH : _ENTRY_WIDTH + _LESSON_WIDTH]
    note, reversed_by = row[-2:]
    known = TABLES[Lesson].value(lesson) if lesson[0] is not None else None
    return Line(_posted(row[:_ENTRY_WIDTH]), known, note or "", reversed_by)


def _stock_move(row: Sequence[Any]) -> tuple[int, StockMove]:
    n, key, item, quantity, kind, day, actor, note, sale, _run, _at = row
    return n, StockMove(key, item, quantity, MoveKind(kind), day_of(day), actor, note, sale)


def _run(row: Sequence[Any]) -> Run:
    values = dict(zip(RUN_COLUMNS, row, strict=True))
    values["since"], values["until"] = (
        date.fromisoformat(values[name]) for name in ("since", "until")
    )
    return Run(**values)
