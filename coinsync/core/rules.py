"""What a lesson is worth to one resident, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from coinsync.core.facts import (
    Attendance,
    GroupStanding,
    Lesson,
    LessonRecord,
    LessonType,
    Mark,
    Membership,
    RegularLesson,
    Status,
    is_within,
)
from coinsync.core.setting import choice, day, free_text, ids, setting, text, whole, yes_no

#: The base of a lesson type that AlfaCRM calls a group lesson.
GROUP_BASE = 2


class Reason(StrEnum):
    """Why a lesson gave coins or not."""

    PAID = "paid"
    LESSON_GONE = "lesson_gone"
    NOT_CONDUCTED = "not_conducted"
    REMOVED = "removed"
    ABSENT = "absent"
    NOT_MARKED = "not_marked"
    SAME_CHILD = "same_child"
    TRIAL = "trial"
    MAKEUP = "makeup"
    TYPE_NOT_COUNTED = "type_not_counted"
    TYPE_UNKNOWN = "type_unknown"
    NO_RULE = "no_rule"
    GUEST = "guest"
    MEMBERSHIP_UNKNOWN = "membership_unknown"
    NOT_SCHEDULED = "not_scheduled"


#: Reasons that are a lack of knowledge: they never take coins back by themselves.
UNCERTAIN = frozenset({Reason.NOT_MARKED, Reason.MEMBERSHIP_UNKNOWN})

_MARK_REASONS = {
    Mark.ABSENT: Reason.ABSENT,
    Mark.NOT_MARKED: Reason.NOT_MARKED,
    Mark.REMOVED: Reason.REMOVED,
    Mark.OTHER_CARD: Reason.SAME_CHILD,
}


class GuestPolicy(StrEnum):
    """What to do where membership on that day is not known."""

    HOLD = "hold"
    PAY = "pay"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Rule:
    """``coins`` for a lesson of one of ``types``; an empty scope is everywhere."""

    name: str = setting(text, "Written on every entry.")
    coins: int = setting(whole(1, 1_000_000))
    types: frozenset[int] = setting(ids, "Lesson types that it pays for.")
    since: date = setting(day)
    until: date | None = setting(day, "Last day; leave out for no end.", None)
    branches: frozenset[int] = setting(ids, "Empty lists mean everywhere.", frozenset())
    subjects: frozenset[int] = setting(ids, default=frozenset())
    groups: frozenset[int] = setting(ids, default=frozenset())
    guest: GuestPolicy = setting(
        choice(*GuestPolicy), "When membership on that day is not known.", GuestPolicy.HOLD
    )
    scheduled_only: bool = setting(yes_no, "Pay only lessons of the regular schedule.", False)
    title_ru: str = setting(
        free_text, 'As the memo in the cabinet calls it; empty: "lesson".', "", compare=False
    )
    title_en: str = setting(free_text, default="", compare=False)

    def fits(self, lesson: Lesson) -> bool:
        """Whether the lesson is in the rule's scope and dates."""
        return (
            lesson.type in self.types
            and is_within(lesson.date, self.since, self.until)
            and (not self.branches or lesson.branch in self.branches)
            and (not self.subjects or lesson.subject in self.subjects)
            and (not self.groups or not self.groups.isdisjoint(lesson.groups))
        )

    def covers_scope_of(self, other: Rule) -> bool:
        """Whether every lesson of ``other``, dates aside, fits this rule too."""
        return (
            self.types >= other.types
            and _covers(self.branches, other.branches)
            and _covers(self.subjects, other.subjects)
            and _covers(self.groups, other.groups)
        )


def _covers(wide: frozenset[int], narrow: frozenset[int]) -> bool:
    if not wide:
        return True
    return bool(narrow) and wide >= narrow


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules, most specific first; those of one name are rates of one rule."""

    rules: tuple[Rule, ...]
    trials: frozenset[int] = frozenset()
    makeups: frozenset[int] = frozenset()
    uncounted: frozenset[int] = frozenset()

    def rule_for(self, lesson: Lesson) -> Rule | None:
        """Find the rule in force for a lesson, at its latest rate."""
        fitting = [rule for rule in self.rules if rule.fits(lesson)]
        if not fitting:
            return None
        # The first one says which rule it is, by its order; its dates say at which rate.
        first = fitting[0]
        rates = [rule for rule in fitting if rule.name == first.name]
        return max(rates, key=lambda rule: rule.since)

    def type_reason(self, type_id: int) -> Reason | None:
        """Say why a lesson type never earns; None where some rule names it."""
        if type_id in self.trials:
            return Reason.TRIAL
        if type_id in self.makeups:
            return Reason.MAKEUP
        if any(type_id in rule.types for rule in self.rules):
            return None
        return Reason.TYPE_NOT_COUNTED if type_id in self.uncounted else Reason.TYPE_UNKNOWN


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one lesson gives one resident; ``held`` waits for a person."""

    coins: int
    reason: Reason
    rule: str = ""
    held: int = 0


def judge(lesson: Lesson, attendance: Attendance, rulebook: Rulebook) -> Verdict:
    """Decide what a lesson gives; ``ValueError`` for an unsettled attendance."""
    if attendance.standing is GroupStanding.UNSETTLED:
        raise ValueError(f"attendance of {attendance.resident} in {lesson.id} is not settled")
    reason = _fact_reason(lesson, attendance) or rulebook.type_reason(lesson.type)
    if reason is not None:
        return Verdict(0, reason)
    rule = rulebook.rule_for(lesson)
    if rule is None:
        return Verdict(0, Reason.NO_RULE)
    verdict = _by_standing(attendance.standing, rule)
    earns = bool(verdict.coins or verdict.held)
    if earns and rule.scheduled_only and not lesson.scheduled:
        return Verdict(0, Reason.NOT_SCHEDULED, rule.name)
    return verdict


def judge_all(record: LessonRecord, rulebook: Rulebook) -> list[Verdict]:
    """What a lesson gives everybody whom it lists, in their order."""
    # Equal marks and standings are worth the same: each is judged once.
    verdicts: dict[tuple[Mark, GroupStanding], Verdict] = {}
    for_each = []
    for attendance in record.attendance:
        alike = (attendance.mark, attendance.standing)
        if alike not in verdicts:
            verdicts[alike] = judge(record.lesson, attendance, rulebook)
        for_each.append(verdicts[alike])
    return for_each


def _fact_reason(lesson: Lesson, attendance: Attendance) -> Reason | None:
    if lesson.status is Status.GONE:
        return Reason.LESSON_GONE
    if lesson.status is not Status.CONDUCTED:
        return Reason.NOT_CONDUCTED
    return _MARK_REASONS.get(attendance.mark)


def _by_standing(standing: GroupStanding, rule: Rule) -> Verdict:
    if standing is GroupStanding.GUEST:
        return Verdict(0, Reason.GUEST, rule.name)
    if standing is not GroupStanding.UNKNOWN or rule.guest is GuestPolicy.PAY:
        return Verdict(rule.coins, Reason.PAID, rule.name)
    if rule.guest is GuestPolicy.REFUSE:
        return Verdict(0, Reason.GUEST, rule.name)
    return Verdict(0, Reason.MEMBERSHIP_UNKNOWN, rule.name, held=rule.coins)


@dataclass(frozen=True, slots=True)
class LessonContext:
    """What else judges a lesson: types by id, memberships by resident, schedule by group.

    Before ``known_since``, the first complete reading, no membership proves nothing.
    """

    types: Mapping[int, LessonType]
    memberships: Mapping[int, Sequence[Membership]]
    schedule: Mapping[int, Sequence[RegularLesson]]
    known_since: date

    def settle(self, record: LessonRecord) -> LessonRecord:
        """Fill in whether a lesson is scheduled, and how residents stood to it."""
        lesson = record.lesson
        # The CRM may name the line of the schedule itself; then nothing is to be looked for.
        if not lesson.scheduled:
            lesson = replace(lesson, scheduled=self._is_scheduled(lesson))
        settled = []
        for attendance in record.attendance:
            resident = attendance.resident
            standing = self._standing(lesson, resident)
            # Made anew and not by ``replace``, which takes ten times as long: a night settles every
            # attendance of its days.
            settled.append(Attendance(lesson.id, resident, attendance.mark, standing))
        return LessonRecord(lesson, tuple(settled))

    def _is_scheduled(self, lesson: Lesson) -> bool:
        for group in lesson.groups:
            if any(line.covers(lesson) for line in self.schedule.get(group, ())):
                return True
        return False

    def _standing(self, lesson: Lesson, resident: int) -> GroupStanding:
        if not lesson.groups:
            lesson_type = self.types.get(lesson.type)
            # A group lesson whose groups the CRM does not name: nobody can say who belongs to it.
            if lesson_type is not None and lesson_type.base == GROUP_BASE:
                return GroupStanding.UNKNOWN
            return GroupStanding.NONE
        for membership in self.memberships.get(resident, ()):
            if membership.group in lesson.groups and membership.covers(lesson.date):
                return GroupStanding.MEMBER
        # AlfaCRM forgets memberships that have ended: before the first reading of ours it may
        # have known one that we never saw.
        if lesson.date < self.known_since:
            return GroupStanding.UNKNOWN
        return GroupStanding.GUEST


def by_resident(memberships: Iterable[Membership]) -> dict[int, list[Membership]]:
    """Gather memberships under their resident."""
    gathered = defaultdict(list)
    for membership in memberships:
        gathered[membership.resident].append(membership)
    return gathered


def by_group(schedule: Iterable[RegularLesson]) -> dict[int, list[RegularLesson]]:
    """Gather the lines of the schedule under their group."""
    gathered = defaultdict(list)
    for line in schedule:
        gathered[line.group].append(line)
    return gathered
