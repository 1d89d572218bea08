"""Applying a plan against the bare driver."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench.environment import environment
from bench.lessons import first_plan, lesson_record, order
from bench.pairs import ROUNDS, ratio
from bench.places import Place, places
from coinsync.core.facts import LessonRecord
from coinsync.core.plan import Plan, Scope
from coinsync.store import database, writer

LESSONS, PUPILS, RESIDENTS = 1_000, 10, 500
SCOPE = Scope(1, date(2026, 11, 1), date(2026, 11, 30))
NOW = datetime(2026, 11, 30, tzinfo=UTC)
#: Tables of what a first sync writes, parents first.
WRITTEN = ("resident", "lesson", "attendance", "entry")
APPLY_GOALS = {"": 2.5, "MariaDB: ": 2.0}


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
    # Each time another plan of the same content, which has no digest yet.
    return lambda: apply(urls.pop(), replace(plan))


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


def measure(place: Place, plan: Plan) -> None:
    """Print the lines of one engine."""
    filled = place.new()
    apply(filled, plan)
    name = f"3 {place.prefix}apply {len(plan.entries)} entries with facts : raw executemany"
    ratio(name, APPLY_GOALS[place.prefix], applying(place, plan), inserting(place, filled))


def main() -> None:
    """Print the lines."""
    plan = first_plan(SCOPE, a_month())
    with tempfile.TemporaryDirectory() as folder, places(Path(folder)) as engines:
        for place in engines:
            measure(place, plan)


if __name__ == "__main__":
    main()
