"""Questions about lessons, and about what of them waits for a person or was decided by one."""

from collections.abc import Iterable, Sequence
from datetime import date

from peewee import fn

from coinsync.core.facts import Attendance, Decision, Hold, Lesson, LessonRecord
from coinsync.store.models import AttendanceRow, LessonRow
from coinsync.store.queries.base import Queries, select_facts
from coinsync.store.rows import TABLES

_LESSON_WIDTH = len(TABLES[Lesson].columns)


class LessonQueries(Queries):
    """Lessons with their attendance, holds, decisions."""

    def lesson_records(self, branch: int, since: date, until: date) -> dict[int, LessonRecord]:
        """Recorded lessons of a branch and window with their attendance, by number."""
        in_window = LessonRow.date.between(since.isoformat(), until.isoformat())
        query = select_facts(Lesson).where(LessonRow.branch == branch, in_window)
        return self._with_attendance(self._facts(Lesson, query))

    def lessons_by_type(self, branch: int, since: date) -> dict[int, int]:
        """How many lessons of a branch are recorded from a day on, by the number of their type."""
        in_window = LessonRow.date >= since.isoformat()
        query = LessonRow.select(LessonRow.type, fn.COUNT(LessonRow.id))
        query = query.where(LessonRow.branch == branch, in_window).group_by(LessonRow.type)
        return dict(self._rows(query))

    def lesson_records_by_id(self, lessons: Iterable[int]) -> dict[int, LessonRecord]:
        """Recorded lessons by number, wherever they are."""
        return self._with_attendance(self.recorded(Lesson, lessons))

    def _with_attendance(self, lessons: Sequence[Lesson]) -> dict[int, LessonRecord]:
        present: dict[int, list[Attendance]] = {lesson.id: [] for lesson in lessons}
        for attendance in self.recorded(Attendance, present):
            present[attendance.lesson].append(attendance)
        return {lesson.id: LessonRecord(lesson, tuple(present[lesson.id])) for lesson in lessons}

    def attended_lessons(self, resident: int, since: date, until: date) -> list[LessonRecord]:
        """Lessons that list a resident, newest first, each with the attendance of no other."""
        lessons, attendance = select_facts(Lesson), select_facts(Attendance)
        query = (
            AttendanceRow.select(*lessons.selected_columns, *attendance.selected_columns)
            .join(LessonRow)
            .where(
                AttendanceRow.resident == resident,
                LessonRow.date.between(since.isoformat(), until.isoformat()),
            )
            .order_by(LessonRow.date.desc(), LessonRow.id.desc())
        )
        records: list[LessonRecord] = []
        for row in self._rows(query):
            lesson = TABLES[Lesson].value(row[:_LESSON_WIDTH])
            mark = TABLES[Attendance].value(row[_LESSON_WIDTH:])
            records.append(LessonRecord(lesson, (mark,)))
        return records

    def holds(self, lessons: Iterable[int]) -> dict[str, Hold]:
        """Open holds of lessons, by key."""
        return {hold.key: hold for hold in self.recorded(Hold, lessons, "lesson_id")}

    def holds_of(self, residents: Iterable[int]) -> list[Hold]:
        """Open holds of residents, in the order of their keys."""
        return self._of_residents(Hold, residents)

    def decisions(self, lessons: Iterable[int]) -> dict[str, Decision]:
        """What persons decided about lessons, by key."""
        decisions = self.recorded(Decision, lessons, "lesson_id")
        return {decision.key: decision for decision in decisions}

    def decisions_of(self, residents: Iterable[int]) -> list[Decision]:
        """What persons decided about residents, in the order of their keys."""
        return self._of_residents(Decision, residents)
