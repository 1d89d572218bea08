"""Applying a plan, a night with nothing new, and a page of history, against the bare driver."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.environment import environment
from bench.lessons import ACCOUNT, RULES, crm_pages, first_plan, lesson_record, order
from bench.pairs import ROUNDS, ratio
from bench.places import Place, places
from coinsync.core.facts import Lesson, LessonRecord
from coinsync.core.ledger import lesson_key
from coinsync.core.plan import Evidence, Plan, Scope
from coinsync.core.planning.compare import Recorded, WindowReading, compare
from coinsync.core.planning.lessons import plan_lessons
from coinsync.exchange import decode
from coinsync.store import database, writer
from coinsync.store.models import ENTRY_COLUMNS
from coinsync.store.reader import Reader
from coinsync.store.rows import TABLES

LESSONS, PUPILS, RESIDENTS = 1_000, 10, 500
SCOPE = Scope(1, date(2026, 11, 1), date(2026, 11, 30))
NOW = datetime(2026, 11, 30, tzinfo=UTC)
#: A batch of keys in one statement, as the reader's.
BATCH = 500
#: Tables of what a first sync writes, parents first.
WRITTEN = ("resident", "lesson", "attendance", "entry")
APPLY_GOALS = {"": 2.5, "MariaDB: ": 2.0}
PAGE_GOALS = {"": 2.0, "MariaDB: ": 1.6}


def a_month() -> tuple[LessonRecord, ...]:
    """A month of lessons, everybody there."""
    records: list[LessonRecord] = []
    for id in range(1, LESSONS + 1):
        pupils = [1 + (id + number) % RESIDENTS for number in range(PUPILS)]
        records.append(lesson_record(id, SCOPE.since + timedelta(id % 30), pupils))
    return tuple(records)


def apply(url: str, plan: Plan) -> None:
    """Apply a plan."""
    opened = database.open_writable(url)
    writer.apply(opened, plan, order(NOW), environment(NOW, lambda: "0" * 32))
    opened.close()


def applying(place: Place, plan: Plan) -> Callable[[], None]:
    """Apply a plan to a fresh database each time."""
    urls = [place.new() for _ in range(ROUNDS)]
    return lambda: apply(urls.pop(), plan)


def inserting(place: Place, filled: str) -> Callable[[], None]:
    """Insert the rows of a filled database by the driver alone, in one transaction."""
    rows: dict[str, Sequence[tuple[object, ...]]] = {}
    with closing(place.connect(filled)) as connection:
        cursor = connection.cursor()
        for table in WRITTEN:
            cursor.execute(f"SELECT * FROM {table}")
            rows[table] = cursor.fetchall()
    urls = [place.new() for _ in range(ROUNDS)]

    def work() -> None:
        with closing(place.connect(urls.pop())) as connection:
            cursor = connection.cursor()
            cursor.execute(place.begin)
            for table, content in rows.items():
                marks = place.marks(len(content[0]))
                cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", content)
            cursor.execute("COMMIT")

    return work


def night(pages: list[str], filled: str) -> Callable[[], None]:
    """Decode, compare, plan against what is stored: nothing to change."""
    reader = Reader(database.open_writable(filled))

    def work() -> None:
        stored = reader.lesson_records(1, SCOPE.since, SCOPE.until)
        settled: dict[int, LessonRecord] = {}
        keys: list[str] = []
        for row in _rows(pages):
            lesson = decode.lesson_record(row, branch=1).lesson
            settled[lesson.id] = LessonRecord(lesson, stored[lesson.id].attendance)
            for attendance in settled[lesson.id].attendance:
                keys.append(lesson_key(ACCOUNT, lesson.id, attendance.resident))
        states = reader.key_states(keys)
        recorded = Recorded(settled, states, residents=reader.resident_ids())
        reading = WindowReading(tuple(settled.values()))
        compared = compare(reading, recorded, RULES, ACCOUNT, None)
        plan = plan_lessons(SCOPE, compared, balances={}, evidence=Evidence(lessons_read=1))
        if plan:
            raise SystemExit("a night with nothing new has a plan")

    return work


def night_floor(place: Place, pages: list[str], filled: str) -> Callable[[], None]:
    """Parse the pages and look the keys up, nothing else."""
    cursor = place.connect(filled).cursor()

    def work() -> None:
        keys: list[str] = []
        for row in _rows(pages):
            for detail in row["details"]:
                keys.append(lesson_key(ACCOUNT, row["id"], detail["customer_id"]))
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            marks = place.marks(len(batch))
            sql = f"SELECT op_key, seq, coins FROM entry WHERE op_key IN ({marks})"
            cursor.execute(sql, batch)
            cursor.fetchall()

    return work


def _rows(pages: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for text in pages:
        rows += json.loads(text)["items"]
    return rows


def history(filled: str) -> Callable[[], None]:
    """What a family's page reads of one child."""
    opened = database.open_readable(filled)
    opened.connect()
    reader = Reader(opened)

    def work() -> None:
        for resident in range(1, 201):
            reader.balance(resident)
            reader.lines(resident)

    return work


def history_floor(place: Place, filled: str) -> Callable[[], None]:
    """The same rows by the bare driver."""
    cursor = place.connect(filled).cursor()
    entry = ", ".join(f"e.{column}" for column in ENTRY_COLUMNS)
    lesson = ", ".join(f"l.{column}" for column in TABLES[Lesson].columns)
    balance = f"SELECT SUM(coins) FROM entry WHERE resident_id = {place.mark}"
    lines = (
        f"SELECT {entry}, {lesson} FROM entry e LEFT JOIN lesson l ON l.id = e.lesson_id"
        f" WHERE e.resident_id = {place.mark} ORDER BY e.happened_on DESC, e.n DESC LIMIT 50"
    )

    def work() -> None:
        for resident in range(1, 201):
            cursor.execute(balance, [resident])
            cursor.fetchone()
            cursor.execute(lines, [resident])
            cursor.fetchall()

    return work


def measure(place: Place, plan: Plan) -> str:
    """Print the lines that every engine has; the URL of the database that they were read from."""
    filled = place.new()
    apply(filled, plan)
    name = f"3 {place.prefix}apply {len(plan.entries)} entries with facts : raw executemany"
    ratio(name, APPLY_GOALS[place.prefix], applying(place, plan), inserting(place, filled))
    name = f"6 {place.prefix}balance and last 50 lines : raw driver"
    ratio(name, PAGE_GOALS[place.prefix], history(filled), history_floor(place, filled))
    return filled


def main() -> None:
    """Print the lines."""
    records = a_month()
    plan = first_plan(SCOPE, records)
    pages = crm_pages(records)
    with tempfile.TemporaryDirectory() as folder, places(Path(folder)) as (files, server):
        filled = measure(files, plan)
        name = f"4 {files.prefix}a night with nothing new : JSON and keys by IN"
        ratio(name, 3.0, night(pages, filled), night_floor(files, pages, filled))
        measure(server, plan)


if __name__ == "__main__":
    main()
