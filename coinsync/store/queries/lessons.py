"""Questions about lessons, and about what of them waits for a person or was decided by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from coinsync.core.facts import Attendance, Decision, Hold, Lesson, LessonRecord
from coinsync.store.models import AttendanceRow, DecisionRow, HoldRow, LessonRow
from coinsync.store.queries.base import Queries, batches, select_facts
from coinsync.store.rows import TABLES

_LESSON_WIDTH = len(TABLES[Lesson].columns)


class LessonQueries(Queries):
    """Lessons with their attendance, holds, decisions."""

    def lesson_records(self, branch: int, since: date, until: date) -> dict[int, LessonRecord]:
        """All recorded lessons of a branch and window with their attendance, by lesson."""
        in_window = LessonRow.date.between(since.isoformat(), until.isoformat())
        query = select_facts(Lesson).where(LessonRow.branch == branch, in_window)
        return self._with_attendance(self._facts(Lesson, query))

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
        """Open holds of the lessons, by key."""
        holds: dict[str, Hold] = {}
        for batch in batches(lessons):
            for hold in self._facts(Hold, select_facts(Hold).where(HoldRow.lesson.in_(batch))):
                holds[hold.key] = hold
        return holds

    def holds_of(self, residents: Iterable[int]) -> list[Hold]:
        """Open holds of residents."""
        holds: list[Hold] = []
        for batch in batches(residents):
            query = select_facts(Hold).where(HoldRow.resident.in_(batch)).order_by(HoldRow.key)
            holds += self._facts(Hold, query)
        return holds

    def decisions(self, lessons: Iterable[int]) -> dict[str, Decision]:
        """What persons decided about the lessons, by key."""
        decisions: dict[str, Decision] = {}
        for batch in batches(lessons):
            query = select_facts(Decision).where(DecisionRow.lesson.in_(batch))
            for decision in self._facts(Decision, query):
                decisions[decision.key] = decision
        return decisions

    def decisions_of(self, residents: Iterable[int]) -> list[Decision]:
        """What persons decided about residents."""
        decisions: list[Decision] = []
        for batch in batches(residents):
            of_residents = DecisionRow.resident.in_(batch)
            query = select_facts(Decision).where(of_residents).order_by(DecisionRow.key)
            decisions += self._facts(Decision, query)
        return decisions
