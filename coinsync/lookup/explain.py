"""Why a lesson gave coins, or gave none. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from coinsync.config import Settings
from coinsync.core.facts import (
    Attendance,
    GroupStanding,
    Lesson,
    LessonRecord,
    Mark,
    Resident,
    Status,
)
from coinsync.core.history import Explanation, Step
from coinsync.core.ledger import Line, lesson_key
from coinsync.core.rules import Reason, Verdict, judge
from coinsync.errors import NotFound
from coinsync.lookup.names import names_of_school
from coinsync.store.reader import Reader

#: So many lessons are explained where neither a lesson nor a day is named.
LESSONS_MAX = 10

#: Who is asked about, the lesson, and the mark under whichever of their cards the lesson lists.
Visit = tuple[Resident, Lesson, Attendance]


def explain(
    reader: Reader, settings: Settings, resident: Resident, *, lesson: int | None, day: date | None
) -> list[Explanation]:
    """Explain one lesson, or all lessons of a day, or the last ten, to one resident.

    It asks what is recorded, not the CRM. Raises ``NotFound``.
    """
    since, until = (day, day) if day else (date.min, date.max)
    records = attended(reader, resident, since, until)
    if lesson is not None:
        records = [record for record in records if record.lesson.id == lesson]
    elif day is None:
        records = records[:LESSONS_MAX]
    if not records:
        raise NotFound(
            f"#{resident.id} {resident.name}: {_lesson_asked(lesson, day)} is not recorded",
            advice="The CRM did not list this resident there when it was last read; "
            'see "coinsync runs".',
        )
    visits = [(resident, record.lesson, record.attendance[0]) for record in records]
    return _explanations(reader, settings, visits)


def _lesson_asked(lesson: int | None, day: date | None) -> str:
    if lesson is not None:
        return f"lesson {lesson}"
    return f"a lesson on {day}" if day else "a lesson"


def explain_to_all(reader: Reader, settings: Settings, lesson: int) -> list[Explanation]:
    """Explain one lesson to everybody whom it lists. Raises ``NotFound``."""
    record = reader.lesson_records_by_id([lesson]).get(lesson)
    if record is None:
        raise NotFound(
            f"lesson {lesson} is not recorded",
            advice='See "coinsync runs" for the days that were read.',
        )
    attendance = {attendance.resident: attendance for attendance in record.attendance}
    residents = reader.recorded(Resident, attendance)
    residents.sort(key=lambda resident: (resident.name, resident.id))
    visits = [(resident, record.lesson, attendance[resident.id]) for resident in residents]
    return _explanations(reader, settings, visits)


def attended(reader: Reader, resident: Resident, since: date, until: date) -> list[LessonRecord]:
    """Lessons that list a resident under any card that counts as theirs, newest first."""
    records: list[LessonRecord] = []
    for card in reader.cards_of(resident.id):
        records += reader.attended_lessons(card, since, until)
    return sorted(records, key=lambda record: (record.lesson.date, record.lesson.id), reverse=True)


def _explanations(reader: Reader, settings: Settings, visits: Sequence[Visit]) -> list[Explanation]:
    """Explain visits; what is posted under all their keys is read at once, by the index of keys."""
    names = names_of_school(reader)
    keys = [_key(settings, lesson, attendance) for _, lesson, attendance in visits]
    lines: dict[str, list[Line]] = {key: [] for key in keys}
    for line in reader.lines_under(lines):
        lines[line.posted.entry.key].append(line)
    holds = reader.holds({lesson.id for _, lesson, _ in visits})
    explanations = []
    for key, (resident, lesson, attendance) in zip(keys, visits, strict=True):
        verdict = judge(lesson, attendance, settings.rulebook)
        explanation = Explanation(
            resident=resident,
            lesson=lesson,
            title=names.lesson(lesson),
            type_name=names.types.get(lesson.type, ""),
            steps=_steps(lesson, attendance, verdict, settings),
            verdict=verdict,
            posted=sum(line.posted.entry.coins for line in lines[key]),
            lines=tuple(lines[key]),
            hold=holds.get(key),
        )
        explanations.append(explanation)
    return explanations


def _key(settings: Settings, lesson: Lesson, attendance: Attendance) -> str:
    return lesson_key(settings.account, lesson.id, attendance.resident)


# --- the questions of the rules ---------------------------------------------------------------

#: The place of the question that fails for a reason; a reason of success is not among them.
_FAILED_AT = {
    Reason.LESSON_GONE: 0,
    Reason.NOT_CONDUCTED: 0,
    Reason.REMOVED: 1,
    Reason.ABSENT: 1,
    Reason.NOT_MARKED: 1,
    Reason.TRIAL: 2,
    Reason.MAKEUP: 2,
    Reason.TYPE_NOT_COUNTED: 2,
    Reason.TYPE_UNKNOWN: 2,
    Reason.NO_RULE: 3,
    Reason.NOT_SCHEDULED: 4,
    Reason.GUEST: 5,
    Reason.MEMBERSHIP_UNKNOWN: 5,
}

_STATUS = {
    Status.GONE: "gone from the CRM",
    Status.PLANNED: "still planned",
    Status.CANCELLED: "cancelled",
    Status.CONDUCTED: "conducted",
}
_MARKS = {
    Mark.ATTENDED: "attended",
    Mark.ABSENT: "absent",
    Mark.NOT_MARKED: "not marked",
    Mark.REMOVED: "no longer listed",
}
_STANDINGS = {
    GroupStanding.MEMBER: "member of the group that day",
    GroupStanding.GUEST: "guest of another group",
    GroupStanding.UNKNOWN: "not known for that day",
    GroupStanding.NONE: "the lesson has no group",
}
_TYPES = {
    Reason.TRIAL: "a trial type",
    Reason.MAKEUP: "a make-up type",
    Reason.TYPE_NOT_COUNTED: "a type that earns nothing",
    Reason.TYPE_UNKNOWN: "a type that nobody has classified",
}


def _steps(
    lesson: Lesson, attendance: Attendance, verdict: Verdict, settings: Settings
) -> tuple[Step, ...]:
    """The questions in the order in which ``judge`` asks them, up to the one that failed."""
    rule = settings.rulebook.rule_for(lesson)
    type_reason = settings.rulebook.type_reason(lesson.type)
    type_answer = _TYPES[type_reason] if type_reason else "a type that a rule names"
    rule_answer = f"{rule.name}: {rule.coins}" if rule else "none for this scope and day"
    scheduled = "yes" if lesson.scheduled else "no"
    if rule is None or not rule.scheduled_only:
        scheduled += ", and the rule does not ask"
    answers = (
        ("Was the lesson conducted?", _STATUS[lesson.status]),
        ("Did the resident attend?", _MARKS[attendance.mark]),
        ("Does this kind of lesson earn coins?", type_answer),
        ("Is there a rule for it?", rule_answer),
        ("Does it stand in the schedule?", scheduled),
        ("Did the resident belong to its group?", _STANDINGS[attendance.standing]),
    )
    failed_at = _FAILED_AT.get(verdict.reason, len(answers))
    steps = []
    for place, (question, answer) in enumerate(answers):
        reached = place <= failed_at
        steps.append(Step(question, answer, place < failed_at if reached else None))
    return tuple(steps)
