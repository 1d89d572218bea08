"""What a lesson is worth to one resident, and why: five questions asked in order, each "no" with its own reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Annotated

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
)
from coinsync.core.setting import Setting, choice, day, free_text, ids, text, whole, yes_no

GROUP_BASE = 2


class Reason(StrEnum):
    """Why a lesson gave coins to a resident, or which question it failed."""

    PAID = "paid"
    LESSON_GONE = "lesson_gone"
    NOT_CONDUCTED = "not_conducted"
    REMOVED = "removed"
    ABSENT = "absent"
    NOT_MARKED = "not_marked"
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
}


class GuestPolicy(StrEnum):
    """What to do where it is not known whether the resident belonged to the group on that day."""

    HOLD = "hold"
    PAY = "pay"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Rule:
    """So many ``coins`` for a lesson of one of ``types`` from ``since`` on.

    An empty scope means everywhere. What families call the lesson decides nothing, so it is left
    out when two rules are compared.
    """

    name: Annotated[str, Setting(text, "Written on every entry.")]
    coins: Annotated[int, Setting(whole(1, 1_000_000))]
    types: Annotated[frozenset[int], Setting(ids, "Lesson types that it pays for.")]
    since: Annotated[date, Setting(day)]
    until: Annotated[date | None, Setting(day, "Last day; leave out for no end.")] = None
    branches: Annotated[frozenset[int], Setting(ids, "Empty lists mean everywhere.")] = frozenset()
    subjects: Annotated[frozenset[int], Setting(ids)] = frozenset()
    groups: Annotated[frozenset[int], Setting(ids)] = frozenset()
    guest: Annotated[
        GuestPolicy, Setting(choice(GuestPolicy), "When membership on that day is not known.")
    ] = GuestPolicy.HOLD
    scheduled_only: Annotated[
        bool, Setting(yes_no, "Pay only lessons of the regular schedule.")
    ] = False
    title_ru: Annotated[
        str, Setting(free_text, 'As the memo in the cabinet calls it; empty: "lesson".')
    ] = field(default="", compare=False)
    title_en: Annotated[str, Setting(free_text)] = field(default="", compare=False)

    def fits(self, lesson: Lesson) -> bool:
        """Tell whether the lesson is in the rule's scope and dates."""
        return (
            lesson.type in self.types
            and self.since <= lesson.date
            and (self.until is None or lesson.date <= self.until)
            and (not self.branches or lesson.branch in self.branches)
            and (not self.subjects or lesson.subject in self.subjects)
            and (not self.groups or not self.groups.isdisjoint(lesson.groups))
        )

    def covers_scope_of(self, other: Rule) -> bool:
        """Tell whether every lesson that ``other`` is meant for, dates aside, fits this rule too."""
        return self.types >= other.types and all(
            not ours or (theirs and ours >= theirs)
            for ours, theirs in (
                (self.branches, other.branches),
                (self.subjects, other.subjects),
                (self.groups, other.groups),
            )
        )


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The school's rules, most specific first, and what its lesson types mean.

    Blocks of one name are one rule at several rates: the block with the latest ``since`` that has begun is in force.
    """

    rules: tuple[Rule, ...]
    trials: frozenset[int] = frozenset()
    makeups: frozenset[int] = frozenset()
    uncounted: frozenset[int] = frozenset()

    def rule_for(self, lesson: Lesson) -> Rule | None:
        """Find the rule in force for a lesson, or None."""
        fitting = [rule for rule in self.rules if rule.fits(lesson)]
        if len(fitting) < 2:
            return fitting[0] if fitting else None
        versions = (rule for rule in fitting if rule.name == fitting[0].name)
        return max(versions, key=lambda rule: rule.since)

    def type_reason(self, type_id: int) -> Reason | None:
        """Say why a lesson type never earns; None for a type that some rule names."""
        if type_id in self.trials:
            return Reason.TRIAL
        if type_id in self.makeups:
            return Reason.MAKEUP
        if any(type_id in rule.types for rule in self.rules):
            return None
        return Reason.TYPE_NOT_COUNTED if type_id in self.uncounted else Reason.TYPE_UNKNOWN


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one lesson gives one resident: ``coins`` now, or ``held`` coins that wait for a person, and the reason."""

    coins: int
    reason: Reason
    rule: str = ""
    held: int = 0


def judge(lesson: Lesson, attendance: Attendance, rulebook: Rulebook) -> Verdict:
    """Decide what a lesson gives to one resident."""
    reason = _fact_reason(lesson, attendance) or rulebook.type_reason(lesson.type)
    if reason is not None:
        return Verdict(0, reason)
    rule = rulebook.rule_for(lesson)
    if rule is None:
        return Verdict(0, Reason.NO_RULE)
    verdict = _by_standing(attendance.standing, rule)
    if (verdict.coins or verdict.held) and rule.scheduled_only and not lesson.scheduled:
        return Verdict(0, Reason.NOT_SCHEDULED, rule.name)
    return verdict


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
class School:
    """What must be known besides the lesson itself: lesson types, memberships by resident, schedule by group.

    ``known_since`` is the day of the first complete reading of memberships: before it, no membership proves nothing.
    """

    types: Mapping[int, LessonType]
    memberships: Mapping[int, Sequence[Membership]]
    schedule: Mapping[int, Sequence[RegularLesson]]
    known_since: date

    def settle(self, record: LessonRecord) -> LessonRecord:
        """Complete a roll as read with what it leaves open: whether it is scheduled, and how each resident stood."""
        lesson = record.lesson
        if not lesson.scheduled:
            lines = (line for group in lesson.groups for line in self.schedule.get(group, ()))
            lesson = replace(lesson, scheduled=any(line.covers(lesson) for line in lines))
        return LessonRecord(
            lesson,
            tuple(
                replace(one, standing=self._standing(lesson, one.resident))
                for one in record.attendance
            ),
        )

    def _standing(self, lesson: Lesson, resident: int) -> GroupStanding:
        if not lesson.groups:
            kind = self.types.get(lesson.type)
            return (
                GroupStanding.UNKNOWN
                if kind is not None and kind.base == GROUP_BASE
                else GroupStanding.NONE
            )
        mine = (one for one in self.memberships.get(resident, ()) if one.group in lesson.groups)
        if any(one.covers(lesson.date) for one in mine):
            return GroupStanding.MEMBER
        return GroupStanding.UNKNOWN if lesson.date < self.known_since else GroupStanding.GUEST


def by_resident(memberships: Iterable[Membership]) -> dict[int, list[Membership]]:
    """Gather memberships under their resident."""
    gathered: dict[int, list[Membership]] = {}
    for membership in memberships:
        gathered.setdefault(membership.resident, []).append(membership)
    return gathered


def by_group(schedule: Iterable[RegularLesson]) -> dict[int, list[RegularLesson]]:
    """Gather the lines of the schedule under their group."""
    gathered: dict[int, list[RegularLesson]] = {}
    for line in schedule:
        gathered.setdefault(line.group, []).append(line)
    return gathered
