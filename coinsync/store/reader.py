"""Every SELECT of the project: rows come in, core values go out.

A reader works on a connection that somebody else opened. Where a page or a night depends on it, the SQL is constant
text, because building it anew costs more than running it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any, TypeVar

from peewee import Database

from coinsync.core.facts import (
    Attendance,
    Branch,
    Group,
    Hold,
    Lesson,
    LessonType,
    Link,
    Membership,
    Resident,
    Roll,
)
from coinsync.core.ledger import Entry, Head, Kind, Line, Posted, Run, Stand
from coinsync.core.plan import Fact
from coinsync.core.planner import People
from coinsync.store.rows import ENTRY_COLUMNS, RUN_COLUMNS, TABLES, Table, day_of, ids_text

#: Keys asked for in one statement.
BATCH = 500

T = TypeVar("T")
F = TypeVar("F", bound=Fact)


_ENTRY_COLUMNS = ", ".join(f"e.{column}" for column in ENTRY_COLUMNS)
_LESSON_COLUMNS = ", ".join(f"l.{column}" for column in TABLES[Lesson].columns)
_ENTRY_WIDTH = len(ENTRY_COLUMNS)
_LESSON_WIDTH = len(TABLES[Lesson].columns)

_LINES = f"""
SELECT {_ENTRY_COLUMNS}, {_LESSON_COLUMNS}, t.text, r.n
FROM entry e
LEFT JOIN lesson l ON l.id = e.lesson_id
LEFT JOIN note t ON t.n = e.n
LEFT JOIN entry r ON r.reverses = e.n
WHERE e.resident_id = ? AND e.happened_on >= ? AND e.happened_on <= ? AND e.n < ?
ORDER BY e.happened_on DESC, e.n DESC LIMIT ?
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

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]:
        cursor: Iterable[tuple[Any, ...]] = self._database.execute_sql(sql.replace("?", self._database.param), values)
        return cursor

    def _row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        return next(iter(self._rows(sql, values)), None)

    def _in(self, sql: str, values: Iterable[Any], *more: Any) -> Iterator[tuple[Any, ...]]:
        """Run ``sql`` for many values, a batch at a time in the place of ``{marks}``; ``more`` values follow."""
        for batch in _batches(values):
            yield from self._rows(sql.format(marks=", ".join("?" * len(batch))), [*batch, *more])

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
        return [table.value(row) for row in self._rows(f"SELECT {_columns(table)} FROM {table.name} ORDER BY {order}")]

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
        )

    def residents(self, branch: int | None = None) -> list[Resident]:
        """Residents of a branch, or of all, by name."""
        table = TABLES[Resident]
        sql = f"SELECT {_columns(table)} FROM resident"
        if branch is None:
            return [table.value(row) for row in self._rows(f"{sql} ORDER BY name, id")]
        found = self._rows(f"{sql} WHERE branch_ids LIKE ? ORDER BY name, id", [f"%{ids_text([branch])}%"])
        return [table.value(row) for row in found]

    def resident(self, id: int) -> Resident | None:
        """One resident by number."""
        return next(iter(self.recorded(Resident, [id])), None)

    def residents_named(self, part: str) -> list[Resident]:
        """Residents whose name contains ``part``, whatever the case."""
        # Databases fold the case of ASCII letters only, so the comparison is made here.
        wanted = part.casefold()
        return [one for one in self.residents() if wanted in one.name.casefold()]

    def residents_of_visitor(self, vk: int) -> list[Resident]:
        """The residents whom a VK account may see, by name."""
        table = TABLES[Resident]
        columns = ", ".join(f"r.{column}" for column in table.columns)
        sql = (
            f"SELECT {columns} FROM link k JOIN resident r ON r.id = k.resident_id WHERE k.vk = ? ORDER BY r.name, r.id"
        )
        return [table.value(row) for row in self._rows(sql, [vk])]

    def links(self) -> list[Link]:
        """All links."""
        return self.all(Link)

    def links_of(self, resident: int) -> list[Link]:
        """The VK accounts that may see a resident."""
        return list(self._links([resident]))

    def _links(self, residents: Iterable[int]) -> Iterator[Link]:
        sql = "SELECT vk, resident_id, source FROM link WHERE resident_id IN ({marks}) ORDER BY vk"
        return (TABLES[Link].value(row) for row in self._in(sql, residents))

    def rolls(self, branch: int, since: date, until: date) -> dict[int, Roll]:
        """All recorded lessons of a branch and window with their attendance, by lesson."""
        table = TABLES[Lesson]
        sql = f"SELECT {_columns(table)} FROM lesson WHERE branch_id = ? AND held_on >= ? AND held_on <= ?"
        found = self._rows(sql, [branch, since.isoformat(), until.isoformat()])
        return self._with_attendance([table.value(row) for row in found])

    def rolls_by_id(self, lessons: Iterable[int]) -> dict[int, Roll]:
        """Recorded lessons by number, wherever they are."""
        return self._with_attendance(self.recorded(Lesson, lessons))

    def _with_attendance(self, lessons: Sequence[Lesson]) -> dict[int, Roll]:
        present: dict[int, list[Attendance]] = {lesson.id: [] for lesson in lessons}
        for one in self.recorded(Attendance, present):
            present[one.lesson].append(one)
        return {lesson.id: Roll(lesson, tuple(present[lesson.id])) for lesson in lessons}

    def attended_lessons(self, resident: int, since: date, until: date) -> list[Roll]:
        """Lessons that list a resident, newest first, each with this resident's attendance alone."""
        lessons, attendance = TABLES[Lesson], TABLES[Attendance]
        marks = ", ".join(f"a.{column}" for column in attendance.columns)
        sql = (
            f"SELECT {_LESSON_COLUMNS}, {marks} FROM attendance a JOIN lesson l ON l.id = a.lesson_id"
            " WHERE a.resident_id = ? AND l.held_on >= ? AND l.held_on <= ? ORDER BY l.held_on DESC, l.id DESC"
        )
        found = self._rows(sql, [resident, since.isoformat(), until.isoformat()])
        return [Roll(lessons.value(row[:_LESSON_WIDTH]), (attendance.value(row[_LESSON_WIDTH:]),)) for row in found]

    def holds(self, lessons: Iterable[int]) -> dict[str, Hold]:
        """Open holds of the lessons, by key."""
        table = TABLES[Hold]
        sql = f"SELECT {_columns(table)} FROM hold WHERE lesson_id IN ({{marks}})"
        return {hold.key: hold for hold in map(table.value, self._in(sql, lessons))}

    def resident_ids(self) -> frozenset[int]:
        """Numbers of all residents."""
        return frozenset(id for (id,) in self._rows("SELECT id FROM resident"))

    # --- ledger -------------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """How far the ledger has come."""
        row = self._row("SELECT n, runs, account FROM head WHERE id = 1")
        assert row is not None, "the head row is made with the schema"  # noqa: S101
        return Head(*row)

    def chain(self, n: int) -> str | None:
        """Hash of the entry with that number."""
        row = self._row("SELECT chain FROM entry WHERE n = ?", [n])
        return str(row[0]) if row else None

    def stands(self, keys: Iterable[str]) -> dict[str, Stand]:
        """Where keys stand that have entries."""
        found = self._in(_STANDS, keys)
        return {key: Stand(key, seq, int(coins), award if coins else None) for key, seq, coins, award in found}

    def balances(self, residents: Iterable[int], *, upto: int = N_MAX) -> dict[int, int]:
        """Balances of residents, 0 for those without entries; entries after number ``upto`` do not count."""
        wanted = sorted(set(residents))
        sql = "SELECT resident_id, SUM(coins) FROM entry WHERE resident_id IN ({marks}) AND n <= ? GROUP BY resident_id"
        return dict.fromkeys(wanted, 0) | {id: int(coins) for id, coins in self._in(sql, wanted, upto)}

    def balance(self, resident: int) -> int:
        """Balance of one resident."""
        row = self._row("SELECT SUM(coins) FROM entry WHERE resident_id = ?", [resident])
        return int(row[0]) if row and row[0] is not None else 0

    def balance_until(self, resident: int, day: date) -> int:
        """Balance of one resident at the end of a day, by the days on which things happened."""
        sql = "SELECT SUM(coins) FROM entry WHERE resident_id = ? AND happened_on <= ?"
        row = self._row(sql, [resident, day.isoformat()])
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
        found = self._rows(_LINES, [resident, since.isoformat(), until.isoformat(), before, limit])
        return [_line(row) for row in found]

    def entries(self, after: int = 0, limit: int = N_MAX) -> Iterator[Posted]:
        """All entries in ledger order."""
        sql = f"SELECT {_ENTRY_COLUMNS} FROM entry e WHERE e.n > ? ORDER BY e.n LIMIT ?"
        return map(_posted, self._rows(sql, [after, limit]))

    # --- runs ---------------------------------------------------------------------------------------------------

    def runs(self, limit: int, branch: int | None = None) -> list[Run]:
        """The last runs, newest first."""
        where = "" if branch is None else " WHERE branch = ?"
        sql = f"SELECT {', '.join(RUN_COLUMNS)} FROM run{where} ORDER BY id DESC LIMIT ?"
        return [_run(row) for row in self._rows(sql, [limit] if branch is None else [branch, limit])]

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
        row = self._row("SELECT MIN(until) FROM run WHERE branch = ? AND purpose = 'people'", [branch])
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


def _batches(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while batch := list(islice(rest, BATCH)):
        yield batch


_KINDS = {kind.value: kind for kind in Kind}


def _posted(row: Sequence[Any]) -> Posted:
    n, key, seq, resident, coins, kind, day, reason, actor, rule, _, lesson, reverses, run, at, chain = row
    entry = Entry(key, seq, resident, int(coins), _KINDS[kind], day_of(day), reason, actor, rule, "", lesson, reverses)
    return Posted(n, entry, at, run, chain)


def _line(row: Sequence[Any]) -> Line:
    lesson = row[_ENTRY_WIDTH : _ENTRY_WIDTH + _LESSON_WIDTH]
    note, reversed_by = row[-2:]
    known = TABLES[Lesson].value(lesson) if lesson[0] is not None else None
    return Line(_posted(row[:_ENTRY_WIDTH]), known, note or "", reversed_by)


def _run(row: Sequence[Any]) -> Run:
    values = dict(zip(RUN_COLUMNS, row, strict=True))
    values["since"], values["until"] = (date.fromisoformat(values[name]) for name in ("since", "until"))
    return Run(**values)
