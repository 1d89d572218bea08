"""Families of a school with a million entries: what one asks, and many beside the work of a night.

`python -m bench.crowd 600` lets 2,000 families come within ten minutes; `python -m bench` has the
same pace for a minute.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path

from bench.environment import environment, numbered
from bench.family import School
from bench.large import FIRST_VK, found
from bench.lessons import crm_pages, first_plan, lesson_record, order
from bench.pairs import limit, line, ratio
from bench.places import Place, places
from bench.proof import settings
from bench.visitors import p99, process, request_of, site, stroll
from coinsync import reconcile
from coinsync.core.facts import GroupStanding, LessonRecord
from coinsync.core.plan import Scope
from coinsync.exchange import decode
from coinsync.store import database, statements, writer
from coinsync.store.operations.backup import back_up
from coinsync.store.queries.base import with_marks
from coinsync.store.queries.ledger import N_MAX
from coinsync.store.reader import Reader

RESIDENTS, LINES = 2_000, 500
LINES_SHOWN = 51
FAMILIES, TEN_MINUTES = 2_000, 600
MS_MAX, MIB_MAX, SLOWER_MAX = 50, 64, 2.0
GOALS = {"": 2.0, "MariaDB: ": 1.6}
#: The fastest first import that the CRM's limit allows: five pages of 500 attendances each second.
SYNC_LESSONS, SYNC_PUPILS, SYNC_SCOPE = 250, 10, Scope(1, date(2026, 11, 1), date(2026, 11, 30))
NOW = datetime(2026, 11, 30, tzinfo=UTC)

Work = Callable[[], object]


# --- what goes on beside ---


def sync(url: str, first: int) -> None:
    """Decode, compare, plan and write new lessons, as many each second as the CRM lets through."""
    opened = database.open_writable(url)
    # Another sync may have been here before, whose lessons are known.
    first += Reader(opened).head().n
    here = environment(NOW, numbered(first).__next__, time.sleep)
    began = time.perf_counter()
    for second in count():
        records = list(lessons(first + second * SYNC_LESSONS))
        plan = first_plan(SYNC_SCOPE, records, Reader(opened).resident_ids())
        writer.apply(opened, plan, order(NOW), here)
        time.sleep(max(0.0, began + second + 1 - time.perf_counter()))


def lessons(first: int) -> Iterator[LessonRecord]:
    """Lessons of one second as they are read from the CRM's pages, all pupils members."""
    records: list[LessonRecord] = []
    for id in range(first, first + SYNC_LESSONS):
        pupils = [1_000 + (id + number) % 500 for number in range(SYNC_PUPILS)]
        day = SYNC_SCOPE.since + timedelta(id % 30)
        records.append(lesson_record(id, day, pupils, group=7))
    for text in crm_pages(records):
        for row in json.loads(text)["items"]:
            record = decode.lesson_record(row, branch=1)
            members = [
                replace(attendance, standing=GroupStanding.MEMBER)
                for attendance in record.attendance
            ]
            yield LessonRecord(record.lesson, tuple(members))


def backups(url: str, folder: Path) -> None:
    """Backups of everything, one after the other."""
    for number in count():
        file = folder / f"{number}.backup"
        back_up(url, file)
        file.unlink()


def proofs(url: str) -> None:
    """All checks of reconcile, again and again."""
    school = settings()
    while True:
        opened = database.open_readable(url)
        with database.reading(opened):
            reconcile.prove(Reader(opened), school, NOW, wanted=reconcile.STORED)


# --- the lines ---


def one_family(place: Place, url: str, children: int) -> None:
    """Balance and last lines of a family's children, against the same statements."""
    families = [range(first, first + children) for first in range(1, 1_000, 5)]
    opened = database.open_readable(url)
    opened.connect()

    def ours() -> None:
        for family in families:
            reader = Reader(opened)
            reader.last_lines(family, LINES_SHOWN)
            reader.balances(family)

    lines_sql = statements.last_lines([[child] for child in families[0]]).replace("?", place.mark)
    sums_sql = with_marks(statements.BALANCES, families[0]).replace("?", place.mark)

    with closing(place.connect(url)) as connection:
        cursor = connection.cursor()

        def floor() -> None:
            for family in families:
                values: list[int] = []
                for child in family:
                    values += (child, LINES_SHOWN)
                cursor.execute(lines_sql, values)
                cursor.fetchall()
                cursor.execute(sums_sql, [*family, N_MAX, date.max.isoformat()])
                cursor.fetchall()

        name = f"6 {place.prefix}balance and lines of {children} at 1 M : raw driver"
        ratio(name, GOALS[place.prefix], ours, floor)
    opened.close()


def beside(place: Place, school: School, works: dict[str, Work], seconds: int) -> None:
    """The slowest of a hundred pages beside each work of a night, and beside all of it."""
    per_second = FAMILIES / TEN_MINUTES
    visitors = [request_of(FIRST_VK + number) for number in range(1, FAMILIES + 1)]

    def visited(kinds: tuple[str, ...]) -> float:
        with ExitStack() as stack:
            for kind in kinds:
                stack.enter_context(process(works[kind]))
            time.sleep(1)
            return 1000 * p99(stroll(served.port, per_second, pages, visitors))

    with site(school.app) as served:
        pages = round(per_second * seconds)
        stroll(served.port, 20.0, 40, visitors)
        quiet_ms = visited(())
        for kinds in (("sync",), ("backup",), ("reconcile",), tuple(works)):
            busy_ms = visited(kinds)
            slower = busy_ms / quiet_ms
            measured = f"{busy_ms:.1f} ms {quiet_ms:.1f} ms"
            name = f"8 {place.prefix}cabinet p99 beside {', '.join(kinds)} of 1 M : quiet"
            met = busy_ms <= MS_MAX and (slower <= SLOWER_MAX or len(kinds) > 1)
            line(name, measured, slower, f"{SLOWER_MAX:.2f} x, {MS_MAX} ms", met=met)
        limit(f"8 {place.prefix}memory of serve after it", served.kib / 1024, "MiB", MIB_MAX)


def main(seconds: int = 30) -> None:
    """Print the lines; ``seconds`` is how long families come beside each work."""
    with tempfile.TemporaryDirectory() as name, places(Path(name)) as engines:
        for place in engines:
            folder = Path(name) / type(place).__name__
            school = found(place, folder, RESIDENTS, LINES)
            for children in (1, 3):
                one_family(place, school.url, children)
            works: dict[str, Work] = {
                "sync": partial(sync, school.url, 10**9),
                "backup": partial(backups, school.url, folder),
                "reconcile": partial(proofs, school.url),
            }
            beside(place, school, works, seconds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
