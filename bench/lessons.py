"""Months of lessons for measurements: as they are recorded, as the CRM sends them, as a plan."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import date, datetime

from coinsync.core.facts import Attendance, GroupStanding, Lesson, LessonRecord, Mark, Status
from coinsync.core.plan import Evidence, Limits, Plan, Scope
from coinsync.core.planning.compare import Recorded, WindowReading, compare
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.rules import Rule, Rulebook
from coinsync.store.writer import Order

ACCOUNT = "bench"
RULES = Rulebook((Rule("lesson", 10, frozenset({2}), date(2026, 1, 1)),))
PAGE = 500


def order(now: datetime) -> Order:
    """An order that no limit stops."""
    return Order("bench", ACCOUNT, now, Limits(coins_per_run_max=10**8))


def lesson_record(
    id: int, day: date, pupils: Collection[int], *, group: int = 5, scheduled: bool = True
) -> LessonRecord:
    """A lesson of a type that gives coins; all its pupils are members and were there."""
    lesson = Lesson(id, 1, day, "17:00", 2, Status.CONDUCTED, (group,), scheduled=scheduled)
    attendance = [Attendance(id, pupil, Mark.ATTENDED, GroupStanding.MEMBER) for pupil in pupils]
    return LessonRecord(lesson, tuple(attendance))


def first_plan(
    scope: Scope, records: Sequence[LessonRecord], known: frozenset[int] = frozenset()
) -> Plan:
    """What a sync plans where none of these lessons is recorded; ``known`` pupils are."""
    reading = WindowReading(tuple(records))
    compared = compare(reading, Recorded(residents=known), RULES, ACCOUNT, None)
    evidence = Evidence(lessons_read=len(records))
    return plan_lessons(scope, compared, balances={}, evidence=evidence)


def crm_pages(records: Sequence[LessonRecord]) -> list[str]:
    """The pages in which the CRM gives these lessons."""
    rows = [_crm_row(record) for record in records]
    pages: list[str] = []
    for start in range(0, len(rows), PAGE):
        page = {"total": len(rows), "items": rows[start : start + PAGE]}
        pages.append(json.dumps(page))
    return pages


def _crm_row(record: LessonRecord) -> dict[str, object]:
    details: list[dict[str, object]] = []
    for index, attendance in enumerate(record.attendance):
        detail = {"id": index, "customer_id": attendance.resident, "is_attend": 1}
        details.append({**detail, "commission": "500.00", "note": None})
    lesson = record.lesson
    return {
        "id": lesson.id,
        "branch_id": 1,
        "date": lesson.date.isoformat(),
        "time_from": f"{lesson.date} 17:00:01",
        "time_to": f"{lesson.date} 18:30:00",
        "lesson_type_id": 2,
        "status": 3,
        "subject_id": 3,
        "group_ids": list(lesson.groups),
        "regular_id": 7,
        "customer_ids": [attendance.resident for attendance in record.attendance],
        "details": details,
    }
