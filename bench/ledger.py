"""Applying a plan, a night with nothing new, and a page of history, against the raw driver."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench.environment import environment
from bench.pairs import ratio
from coinsync.core.facts import Attendance, GroupStanding, Lesson, LessonRecord, Mark, Status
from coinsync.core.ledger import lesson_key
from coinsync.core.plan import Evidence, Limits, Plan, Scope
from coinsync.core.planning.compare import Recorded, WindowReading, compare
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.rules import Rule, Rulebook
from coinsync.exchange import decode
from coinsync.store import database, writer
from coinsync.store.models import ENTRY_COLUMNS
from coinsync.store.reader import Reader
from coinsync.store.rows import TABLES

LESSONS, PUPILS = 1_000, 10
SCOPE = Scope(1, date(2026, 11, 1), date(2026, 11, 30))
RULES = Rulebook((Rule("lesson", 10, frozenset({2}), date(2026, 1, 1)),))
AROUND = environment(datetime(2026, 11, 30, tzinfo=UTC), lambda: "0" * 32)


def lesson_records() -> tuple[LessonRecord, ...]:
    """A month of lessons, everybody there."""
    return tuple(
        LessonRecord(
            Lesson(
                id,
                1,
                SCOPE.since + timedelta(id % 30),
                "17:00",
                2,
                Status.CONDUCTED,
                (5,),
                scheduled=True,
            ),
            tuple(
                Attendance(id, 1 + (id + who) % 500, Mark.ATTENDED, GroupStanding.MEMBER)
                for who in range(PUPILS)
            ),
        )
        for id in range(1, LESSONS + 1)
    )


def a_plan(seen: tuple[LessonRecord, ...]) -> Plan:
    """What a first sync plans."""
    found = compare(WindowReading(seen, lessons_read=len(seen)), Recorded(), RULES, "bench", None)
    return plan_lessons(SCOPE, found, balances={}, evidence=Evidence(lessons_read=len(seen)))


class Bench:
    """A folder for databases."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def empty(self) -> str:
        """A fresh database with its residents."""
        self._made += 1
        url = f"sqlite:///{self._folder / f'{self._made}.db'}"
        database.create(url)
        return url

    def apply(self, plan: Plan) -> Callable[[], None]:
        """Apply a plan to a fresh database."""

        def work() -> None:
            opened = database.open_writable(urls.pop())
            order = writer.Order("bench", "bench", AROUND.now(), Limits(coins_per_run_max=10**8))
            writer.apply(opened, plan, order, AROUND)
            opened.close()

        urls = [self.empty() for _ in range(10)]
        return work

    def raw(self, filled: str) -> Callable[[], None]:
        """Insert the same rows of entries and facts by the driver alone, in one transaction."""
        tables = ("resident", "lesson", "attendance", "entry")
        with sqlite3.connect(database.path_of(filled)) as source:
            rows = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
        source.close()

        def work() -> None:
            target = sqlite3.connect(database.path_of(urls.pop()), isolation_level=None)
            target.execute("BEGIN IMMEDIATE")
            for table, content in rows.items():
                target.executemany(
                    f"INSERT INTO {table} VALUES ({', '.join('?' * len(content[0]))})", content
                )
            target.execute("COMMIT")
            target.close()

        urls = [self.empty() for _ in range(10)]
        return work


def records(seen: tuple[LessonRecord, ...]) -> list[str]:
    """The pages in which the CRM gives these lessons."""
    rows = [
        {
            "id": record.lesson.id,
            "branch_id": 1,
            "date": record.lesson.date.isoformat(),
            "time_from": f"{record.lesson.date} 17:00:01",
            "time_to": f"{record.lesson.date} 18:30:00",
            "lesson_type_id": 2,
            "status": 3,
            "subject_id": 3,
            "group_ids": [5],
            "regular_id": 7,
            "customer_ids": [one.resident for one in record.attendance],
            "details": [
                {
                    "id": index,
                    "customer_id": one.resident,
                    "is_attend": 1,
                    "commission": "500.00",
                    "note": None,
                }
                for index, one in enumerate(record.attendance)
            ],
        }
        for record in seen
    ]
    return [
        json.dumps({"total": len(rows), "items": rows[at : at + 500]})
        for at in range(0, len(rows), 500)
    ]


def main() -> None:
    """Print the lines."""
    seen = lesson_records()
    plan = a_plan(seen)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        apply = bench.apply(plan)
        apply()
        filled = next(
            f"sqlite:///{path}"
            for path in Path(folder).glob("*.db")
            if path.stat().st_size > 1_000_000
        )
        ratio(
            f"apply {len(plan.entries)} entries with facts : raw executemany",
            3.0,
            apply,
            bench.raw(filled),
        )
        pages = records(seen)
        ratio(
            "a night with nothing new : JSON and keys by IN",
            3.0,
            night(pages, filled),
            night_floor(pages, filled),
        )
        ratio("balance and last 50 lines : raw driver", 2.0, page(filled), page_floor(filled))


def night(pages: list[str], filled: str) -> Callable[[], None]:
    """Decode, compare, plan against what is stored: nothing to change."""
    opened = database.open_writable(filled)
    reader = Reader(opened)

    def work() -> None:
        rows = [row for text in pages for row in json.loads(text)["items"]]
        read = [decode.lesson_record(row, branch=1) for row in rows]
        stored = reader.lesson_records(1, SCOPE.since, SCOPE.until)
        settled = tuple(
            LessonRecord(record.lesson, stored[record.lesson.id].attendance) for record in read
        )
        keys = [
            lesson_key("bench", record.lesson.id, one.resident)
            for record in settled
            for one in record.attendance
        ]
        lesson_records = {record.lesson.id: record for record in settled}
        recorded = Recorded(
            lesson_records, reader.key_states(keys), residents=reader.resident_ids()
        )
        found = compare(
            WindowReading(settled, lessons_read=len(settled)), recorded, RULES, "bench", None
        )
        assert not plan_lessons(SCOPE, found, balances={}, evidence=Evidence(lessons_read=1))  # noqa: S101

    return work


def night_floor(pages: list[str], filled: str) -> Callable[[], None]:
    """Parse the pages and look the keys up, nothing else."""
    raw = sqlite3.connect(database.path_of(filled))

    def work() -> None:
        keys = [
            lesson_key("bench", row["id"], one["customer_id"])
            for text in pages
            for row in json.loads(text)["items"]
            for one in row["details"]
        ]
        for at in range(0, len(keys), 500):
            part = keys[at : at + 500]
            sql = f"SELECT op_key, seq, coins FROM entry WHERE op_key IN ({', '.join('?' * len(part))})"
            raw.execute(sql, part).fetchall()

    return work


def page(filled: str) -> Callable[[], None]:
    """What a family's page reads of one child."""
    opened = database.open_readable(filled)
    opened.connect()
    reader = Reader(opened)

    def work() -> None:
        for resident in range(1, 201):
            reader.balance(resident)
            reader.lines(resident)

    return work


def page_floor(filled: str) -> Callable[[], None]:
    """The same rows by the raw driver."""
    raw = sqlite3.connect(database.path_of(filled))
    lines = (
        f"SELECT {', '.join(f'e.{column}' for column in ENTRY_COLUMNS)}, "
        f"{', '.join(f'l.{column}' for column in TABLES[Lesson].columns)} FROM entry e"
        " LEFT JOIN lesson l ON l.id = e.lesson_id WHERE e.resident_id = ?"
        " ORDER BY e.happened_on DESC, e.n DESC LIMIT 50"
    )

    def work() -> None:
        for resident in range(1, 201):
            raw.execute("SELECT SUM(coins) FROM entry WHERE resident_id = ?", [resident]).fetchone()
            raw.execute(lines, [resident]).fetchall()

    return work


if __name__ == "__main__":
    main()
