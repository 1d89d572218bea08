"""Schools of any size: residents with a link each, and paid lessons in groups of ten."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench.environment import environment, numbered
from bench.family import School, goods, shop_plan
from bench.lessons import first_plan, lesson_record, order
from bench.places import Place
from coinsync.core.facts import Group, LessonRecord, Link, LinkSource, Presence, Resident
from coinsync.core.plan import Change, Plan, Purpose, Put, Scope
from coinsync.store import database, writer

FIRST_VK, IN_GROUP, LESSONS_IN_PLAN = 1_000_000, 10, 2_000
#: Half of the table's pace would fit into three years; the days only have to be in order.
FIRST_DAY, DAYS = date(2026, 1, 1), 330
NOW = datetime(2026, 11, 28, tzinfo=UTC)


def found(place: Place, folder: Path, residents: int, lines: int) -> School:
    """Make a school of so many residents, each with so many paid lessons."""
    pictures = folder / "web"
    pictures.mkdir(parents=True)
    for item in goods():
        (pictures / item.picture).write_bytes(b"RIFF")
    url = place.new()
    apart(lambda: _fill(url, residents, lines))
    return School(url, pictures)


def apart(work: Callable[[], object]) -> None:
    """Do some work in a process of its own, whose memory is gone afterwards."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"a process ended with {process.exitcode}")


def _fill(url: str, residents: int, lines: int) -> None:
    opened = database.open_writable(url)
    here = environment(NOW, numbered().__next__)
    for plan in (_people(residents), shop_plan()):
        writer.apply(opened, plan, order(NOW), here)
    known = frozenset(range(1, residents + 1))
    lessons = residents * lines // IN_GROUP
    for first in range(0, lessons, LESSONS_IN_PLAN):
        numbers = range(first, min(first + LESSONS_IN_PLAN, lessons))
        records = [_record(number, residents, lessons) for number in numbers]
        scope = Scope(1, records[0].lesson.date, records[-1].lesson.date)
        writer.apply(opened, first_plan(scope, records, known), order(NOW), here)
    # As the server itself does it in the end; a file needs it once.
    opened.execute_sql("ANALYZE" if "sqlite" in url else "ANALYZE TABLE entry, lesson, run")
    opened.close()


def _people(residents: int) -> Plan:
    groups = -(-residents // IN_GROUP)
    people: list[Change] = [Put(Group(1 + number, f"Группа {number}")) for number in range(groups)]
    for id in range(1, residents + 1):
        people.append(Put(Resident(id, f"Ученик {id} Лисицын", Presence.CLIENT, (1,))))
        people.append(Put(Link(FIRST_VK + id, id, LinkSource.CRM)))
    return Plan.of(Purpose.PEOPLE, Scope(1, FIRST_DAY, FIRST_DAY), people)


def _record(number: int, residents: int, lessons: int) -> LessonRecord:
    """The lesson of one group on its day; the groups take turns."""
    group = number % -(-residents // IN_GROUP)
    first = 1 + group * IN_GROUP
    pupils = range(first, min(first + IN_GROUP, residents + 1))
    day = FIRST_DAY + timedelta(number * DAYS // lessons)
    return lesson_record(1 + number, day, pupils, group=1 + group)
