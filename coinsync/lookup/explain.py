"""Why a lesson gave coins, or gave none. Reads only."""

from __future__ import annotations

from datetime import date

from coinsync.config import Settings
from coinsync.core.directory import Directory
from coinsync.core.facts import (
    Attendance,
    Group,
    GroupStanding,
    Lesson,
    LessonRecord,
    LessonType,
    Mark,
    Resident,
    Status,
)
from coinsync.core.history import Explanation, Step
from coinsync.core.ledger import lesson_key
from coinsync.core.rules import Reason, Verdict, judge
from coinsync.errors import NotFound
from coinsync.store.reader import Reader


def explain(
    reader: Reader, settings: Settings, resident: Resident, *, lesson: int | None, day: date | None
) -> list[Explanation]:
    """Explain one lesson, or all lessons of a day, or the last ten, to one resident; from what is recorded."""
    since, until = (day, day) if day else (date.min, date.max)
    lesson_records = attended(reader, resident, since, until)
    if lesson is not None:
        lesson_records = [record for record in lesson_records if record.lesson.id == lesson]
    if not lesson_records:
        what = (
            f"lesson {lesson}"
            if lesson is not None
            else f"a lesson on {day}"
            if day
            else "a lesson"
        )
        raise NotFound(
            f"#{resident.id} {resident.name}: {what} is not recorded",
            advice='The CRM did not list this resident there when it was last read; see "coinsync runs".',
        )
    chosen = lesson_records if lesson is not None or day else lesson_records[:10]
    names = Directory.of([*reader.all(Group), *reader.all(LessonType)])
    return [
        _explanation(reader, settings, names, resident, record.lesson, record.attendance[0])
        for record in chosen
    ]


def attended(reader: Reader, resident: Resident, since: date, until: date) -> list[LessonRecord]:
    """Lessons that list a resident under any card that counts as theirs, newest first."""
    cards = reader.cards_of(resident.id)
    lesson_records = [
        record for card in cards for record in reader.attended_lessons(card, since, until)
    ]
    return sorted(
        lesson_records, key=lambda record: (record.lesson.date, record.lesson.id), reverse=True
    )


def explain_to_all(reader: Reader, settings: Settings, lesson: int) -> list[Explanation]:
    """Explain one lesson to everybody whom it lists."""
    record = reader.lesson_records_by_id([lesson]).get(lesson)
    if record is None:
        raise NotFound(
            f"lesson {lesson} is not recorded",
            advice='See "coinsync runs" for the days that were read.',
        )
    names = Directory.of([*reader.all(Group), *reader.all(LessonType)])
    present = {one.resident: one for one in record.attendance}
    residents = sorted(reader.recorded(Resident, present), key=lambda one: (one.name, one.id))
    return [
        _explanation(reader, settings, names, one, record.lesson, present[one.id])
        for one in residents
    ]


def _explanation(
    reader: Reader,
    settings: Settings,
    names: Directory,
    resident: Resident,
    lesson: Lesson,
    one: Attendance,
) -> Explanation:
    key = lesson_key(settings.account, lesson.id, one.resident)
    verdict = judge(lesson, one, settings.rulebook)
    state = reader.key_states([key]).get(key)
    lines = reader.lines(resident.id, since=lesson.date, until=lesson.date)
    # A lesson that was moved left its entries on the day where it stood before.
    lines = [line for line in lines if line.posted.entry.key == key] or [
        line for line in reader.lines(resident.id, limit=10_000) if line.posted.entry.key == key
    ]
    return Explanation(
        resident,
        lesson,
        names.lesson(lesson),
        names.types.get(lesson.type, ""),
        _steps(lesson, one, verdict, settings),
        verdict,
        state.coins if state else 0,
        tuple(reversed(lines)),
        reader.holds([lesson.id]).get(key),
    )


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
    lesson: Lesson, one: Attendance, verdict: Verdict, settings: Settings
) -> tuple[Step, ...]:
    rule = settings.rulebook.rule_for(lesson)
    kind = settings.rulebook.type_reason(lesson.type)
    only = rule is not None and rule.scheduled_only
    answers = (
        ("Was the lesson conducted?", _STATUS[lesson.status]),
        ("Did the resident attend?", _MARKS[one.mark]),
        (
            "Does this kind of lesson earn coins?",
            _TYPES[kind] if kind else "a type that a rule names",
        ),
        (
            "Is there a rule for it?",
            f"{rule.name}: {rule.coins}" if rule else "none for this scope and day",
        ),
        (
            "Does it stand in the schedule?",
            ("yes" if lesson.scheduled else "no") + ("" if only else ", and the rule does not ask"),
        ),
        ("Did the resident belong to its group?", _STANDINGS[one.standing]),
    )
    failed = _FAILED_AT.get(verdict.reason, len(answers))
    return tuple(
        Step(question, answer, True if index < failed else False if index == failed else None)
        for index, (question, answer) in enumerate(answers)
    )
