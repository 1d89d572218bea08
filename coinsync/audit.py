"""Looking back: why a lesson gave what it gave, what a resident's history is, how fresh the data is. Reads only."""

from __future__ import annotations

from datetime import date, datetime

from coinsync.config import Settings
from coinsync.core.facts import (
    Attendance,
    Branch,
    Group,
    Lesson,
    LessonType,
    Mark,
    Membership,
    Resident,
    Standing,
    Status,
)
from coinsync.core.identity import clean
from coinsync.core.ledger import Kind, Line, lesson_key
from coinsync.core.plan import Plan, Put
from coinsync.core.report import Card, Directory, Explanation, Freshness, History, HistoryLine, Step
from coinsync.core.rules import Reason, Verdict, judge
from coinsync.errors import Ambiguous, NotFound
from coinsync.store.reader import N_MAX, Reader

CANDIDATES_MAX = 20


# --- residents -------------------------------------------------------------------------------------------------------


def find_resident(reader: Reader, text: str) -> Resident:
    """Find the one resident that ``#id``, ``crm:123``, ``vk:456`` or a part of a name means.

    Raises ``NotFound``, or ``Ambiguous`` with the candidates.
    """
    found = _candidates(reader, text.strip())
    if not found:
        raise NotFound(f"no resident answers to {clean(text)!r}")
    if len(found) > 1:
        shown = [f"#{one.id} {one.name} ({one.presence.value})" for one in found[:CANDIDATES_MAX]]
        raise Ambiguous(f"{len(found)} residents answer to {clean(text)!r}", shown)
    return found[0]


def _candidates(reader: Reader, text: str) -> list[Resident]:
    prefix, _, rest = text.rpartition(":")
    number = text.removeprefix("#") if not prefix else rest
    if number.isascii() and number.isdigit() and len(number) < 19:
        if prefix == "vk":
            return reader.residents_of_visitor(int(number))
        if prefix in ("", "crm"):
            one = reader.resident(int(number))
            return [one] if one else []
    return reader.residents_named(text) if text else []


def card(reader: Reader, resident: Resident) -> Card:
    """Everything that is held of one resident."""
    groups = {group.id: group.name for group in reader.all(Group)}
    memberships = tuple(
        (groups.get(one.group, f"group {one.group}"), one) for one in reader.recorded(Membership, [resident.id])
    )
    return Card(resident, reader.balance(resident.id), memberships, tuple(reader.links_of(resident.id)))


def names(reader: Reader, plan: Plan) -> Directory:
    """Names for everything that a plan mentions: from the database, and from the plan where they are new."""
    mentioned = {entry.resident for entry in plan.entries}
    mentioned |= {remark.resident for remark in plan.remarks if remark.resident is not None}
    stored = [*reader.all(Group), *reader.all(LessonType), *reader.all(Branch), *reader.recorded(Resident, mentioned)]
    return Directory.of([*stored, *(change.new for change in plan.changes if isinstance(change, Put))])


# --- explain ---------------------------------------------------------------------------------------------------------


def explain(
    reader: Reader, settings: Settings, resident: Resident, *, lesson: int | None, day: date | None
) -> list[Explanation]:
    """Explain one lesson, or all lessons of a day, or the last ten, to one resident; from what is recorded."""
    since, until = (day, day) if day else (date.min, date.max)
    rolls = reader.attended_lessons(resident.id, since, until)
    if lesson is not None:
        rolls = [roll for roll in rolls if roll.lesson.id == lesson]
    if not rolls:
        what = f"lesson {lesson}" if lesson is not None else f"a lesson on {day}" if day else "a lesson"
        raise NotFound(
            f"#{resident.id} {resident.name}: {what} is not recorded",
            advice='The CRM did not list this resident there when it was last read; see "coinsync runs".',
        )
    chosen = rolls if lesson is not None or day else rolls[:10]
    names = Directory.of([*reader.all(Group), *reader.all(LessonType)])
    return [_explanation(reader, settings, names, resident, roll.lesson, roll.attendance[0]) for roll in chosen]


def explain_to_all(reader: Reader, settings: Settings, lesson: int) -> list[Explanation]:
    """Explain one lesson to everybody whom it lists."""
    roll = reader.rolls_by_id([lesson]).get(lesson)
    if roll is None:
        raise NotFound(f"lesson {lesson} is not recorded", advice='See "coinsync runs" for the days that were read.')
    names = Directory.of([*reader.all(Group), *reader.all(LessonType)])
    present = {one.resident: one for one in roll.attendance}
    residents = sorted(reader.recorded(Resident, present), key=lambda one: (one.name, one.id))
    return [_explanation(reader, settings, names, one, roll.lesson, present[one.id]) for one in residents]


def _explanation(
    reader: Reader, settings: Settings, names: Directory, resident: Resident, lesson: Lesson, one: Attendance
) -> Explanation:
    key = lesson_key(settings.account, lesson.id, resident.id)
    verdict = judge(lesson, one, settings.rulebook)
    stand = reader.stands([key]).get(key)
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
        stand.coins if stand else 0,
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
    Standing.MEMBER: "member of the group that day",
    Standing.GUEST: "guest of another group",
    Standing.UNKNOWN: "not known for that day",
    Standing.NONE: "the lesson has no group",
}
_TYPES = {
    Reason.TRIAL: "a trial type",
    Reason.MAKEUP: "a make-up type",
    Reason.TYPE_NOT_COUNTED: "a type that earns nothing",
    Reason.TYPE_UNKNOWN: "a type that nobody has classified",
}


def _steps(lesson: Lesson, one: Attendance, verdict: Verdict, settings: Settings) -> tuple[Step, ...]:
    rule = settings.rulebook.rule_for(lesson)
    kind = settings.rulebook.type_reason(lesson.type)
    only = rule is not None and rule.scheduled_only
    answers = (
        ("Was the lesson conducted?", _STATUS[lesson.status]),
        ("Did the resident attend?", _MARKS[one.mark]),
        ("Does this kind of lesson earn coins?", _TYPES[kind] if kind else "a type that a rule names"),
        ("Is there a rule for it?", f"{rule.name}: {rule.coins}" if rule else "none for this scope and day"),
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


# --- history ---------------------------------------------------------------------------------------------------------


def history(
    reader: Reader,
    settings: Settings,
    resident: Resident,
    *,
    since: date = date.min,
    until: date = date.max,
    kind: Kind | None = None,
    with_ineligible: bool = False,
    limit: int = 50,
) -> History:
    """A resident's history with the balance after each line; with lessons that earned nothing when asked for."""
    names = Directory.of([*reader.all(Group), *reader.all(LessonType)])
    # Balances run over all entries, so the kind is chosen afterwards, and the limit counts what is chosen.
    found = reader.lines(resident.id, since=since, until=until, limit=limit + 1 if kind is None else N_MAX)
    balance = reader.balance(resident.id)
    running = balance if until == date.max else reader.balance_until(resident.id, until)
    lines: list[HistoryLine] = []
    for line in found:
        if kind in (None, line.posted.entry.kind):
            lines.append(_history_line(line, names, running))
        running -= line.posted.entry.coins
    lines, more = lines[:limit], len(lines) > limit
    if with_ineligible:
        oldest = lines[-1].day if more else since
        lines += _ineligible(reader, settings, names, resident, max(since, oldest), until)
        lines.sort(key=lambda line: line.day, reverse=True)
    return History(resident, balance, tuple(lines), more)


def _history_line(line: Line, names: Directory, balance: int) -> HistoryLine:
    entry = line.posted.entry
    title = names.lesson(line.lesson) if line.lesson else ""
    return HistoryLine(
        entry.happened_on, title, entry.coins, entry.reason, entry.kind.value, balance, line, line.lesson
    )


def _ineligible(
    reader: Reader, settings: Settings, names: Directory, resident: Resident, since: date, until: date
) -> list[HistoryLine]:
    lines = []
    for roll in reader.attended_lessons(resident.id, since, until):
        verdict = judge(roll.lesson, roll.attendance[0], settings.rulebook)
        if not verdict.coins:
            title = names.lesson(roll.lesson)
            lines.append(HistoryLine(roll.lesson.date, title, 0, verdict.reason.value, "lesson", lesson=roll.lesson))
    return lines


# --- freshness -------------------------------------------------------------------------------------------------------


def freshness(reader: Reader, settings: Settings, now: datetime) -> list[Freshness]:
    """How long ago each branch's lessons were last synced up to the day; ``now`` is aware, UTC."""
    names = {branch.id: branch.name for branch in reader.all(Branch)}
    found = []
    for branch in settings.branches:
        last = reader.last_full_run(branch.id)
        age = now - datetime.fromisoformat(last.posted_at) if last else None
        found.append(Freshness(branch.id, branch.name or names.get(branch.id) or f"branch {branch.id}", last, age))
    return found
