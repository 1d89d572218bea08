"""Why a lesson gave coins, or gave none. Reads only."""

from collections.abc import Mapping, Sequence
from datetime import date

from coinsync.config import Settings
from coinsync.core.facts import (
    Attendance,
    GroupStanding,
    Lesson,
    LessonRecord,
    LessonType,
    Mark,
    Resident,
    Status,
)
from coinsync.core.history import Explanation, Step
from coinsync.core.ledger import KeyState, Kind, Line, gift_key, lesson_key
from coinsync.core.planning.compare import is_decided
from coinsync.core.rules import Reason, Verdict, judge
from coinsync.errors import NotFound
from coinsync.lookup.school import names_of_school
from coinsync.store.reader import Reader

#: So many lessons are explained where neither a lesson nor a day is named.
LESSONS_MAX = 10

#: Who is asked about, the lesson, and the mark under whichever of their cards the lesson lists.
Visit = tuple[Resident, Lesson, Attendance]


def explain(
    reader: Reader, settings: Settings, resident: Resident, *, lesson: int | None, day: date | None
) -> list[Explanation]:
    """Explain one lesson, or all of a day, or the last ten. Raises ``NotFound``."""
    asked = f"a lesson on {day}" if day else "a lesson"
    records = attended(reader, resident, day or date.min, day or date.max)
    if lesson is not None:
        asked = f"lesson {lesson}"
        records = [record for record in records if record.lesson.id == lesson]
    elif day is None:
        records = records[:LESSONS_MAX]
    if not records:
        raise NotFound(
            f"{resident}: {asked} is not recorded",
            advice="The CRM did not list this resident there when it was last read; "
            'see "coinsync journal".',
        )
    visits = [(resident, record.lesson, record.attendance[0]) for record in records]
    return _explanations(reader, settings, visits)


def explain_to_all(reader: Reader, settings: Settings, lesson: int) -> list[Explanation]:
    """Explain one lesson to everybody whom it lists. Raises ``NotFound``."""
    record = reader.lesson_records_by_id([lesson]).get(lesson)
    if record is None:
        raise NotFound(
            f"lesson {lesson} is not recorded",
            advice='See "coinsync journal" for the days that were read.',
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
    names = names_of_school(reader)
    keys = [lesson_key(settings.account, lesson.id, mark.resident) for _, lesson, mark in visits]
    # All visits at once, by the index of keys.
    lines: dict[str, list[Line]] = {key: [] for key in keys}
    for line in reader.lines_under(lines):
        lines[line.entry.key].append(line)
    gifts = _gifts(reader, lines)
    lesson_ids = {lesson.id for _, lesson, _ in visits}
    holds, decisions = reader.holds(lesson_ids), reader.decisions(lesson_ids)
    explanations = []
    for key, (resident, lesson, attendance) in zip(keys, visits, strict=True):
        verdict = judge(lesson, attendance, settings.rulebook)
        posted = sum(line.entry.coins for line in lines[key])
        seq = max((line.entry.seq for line in lines[key]), default=0)
        decision = decisions.get(key)
        # What was decided about the lesson as it was once says nothing about it as it is.
        is_answer = is_decided(decision, KeyState(key, seq, posted), verdict)
        explanation = Explanation(
            resident=resident,
            lesson=lesson,
            title=names.lesson(lesson),
            type_name=names.name(LessonType, lesson.type),
            steps=_steps(lesson, attendance, verdict, settings),
            verdict=verdict,
            posted=posted,
            lines=(*lines[key], *gifts.get(key, ())),
            hold=holds.get(key),
            decision=decision if is_answer else None,
        )
        explanations.append(explanation)
    return explanations


def _gifts(reader: Reader, lines: Mapping[str, Sequence[Line]]) -> dict[str, list[Line]]:
    """The gifts by which awards were forgiven, by the keys of the awards."""
    key_of: dict[str, str] = {}
    for key, of_lesson in lines.items():
        for line in of_lesson:
            if line.entry.kind is Kind.AWARD and line.reversed_by:
                key_of[gift_key(line.n)] = key
    gifts: dict[str, list[Line]] = {}
    for gift in reader.lines_under(key_of):
        gifts.setdefault(key_of[gift.entry.key], []).append(gift)
    return gifts


_STATUS = {
    Status.GONE: "gone from the CRM",
    Status.PLANNED: "still planned",
    Status.CANCELLED: "cancelled",
    Status.CONDUCTED: "conducted",
}
_MARKS = {
    Mark.ATTENDED: "attended",
    Mark.OTHER_CARD: "attended, and the child's other card is paid",
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
#: The reasons for which each question fails, in the order of the questions.
_FAILURES = (
    (Reason.LESSON_GONE, Reason.NOT_CONDUCTED),
    (Reason.REMOVED, Reason.ABSENT, Reason.NOT_MARKED, Reason.SAME_CHILD),
    tuple(_TYPES),
    (Reason.NO_RULE,),
    (Reason.NOT_SCHEDULED,),
    (Reason.GUEST, Reason.MEMBERSHIP_UNKNOWN),
)


def _steps(
    lesson: Lesson, attendance: Attendance, verdict: Verdict, settings: Settings
) -> tuple[Step, ...]:
    # The order is that of ``judge``; it asks no further than the question that failed.
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
    steps = []
    passed: bool | None = True
    for (question, answer), failures in zip(answers, _FAILURES, strict=True):
        passed = verdict.reason not in failures if passed else None
        steps.append(Step(question, answer, passed))
    return tuple(steps)
