"""An exchange over plain values: for tests that want a CRM which says exactly this, and at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TypeVar

from coinsync.core.facts import (
    Branch,
    Group,
    LessonRecord,
    LessonType,
    Membership,
    RegularLesson,
    Resident,
)
from coinsync.core.planning.compare import COPIES
from coinsync.errors import CrmUnreachable, IncompleteRead
from coinsync.exchange.base import Exchange, Reading, Unreadable

T = TypeVar("T")

#: The name of a list under which nothing at all can be reached.
UNREACHABLE = "unreachable"


@dataclass
class PlainExchange(Exchange):
    """Lists by branch, and all lessons with their attendance.

    The list that ``torn`` names is not whole; lessons whose number is in ``spoilt`` cannot be
    understood, those in ``copied`` come with unequal content. ``asked_for`` are the lessons that
    were looked for by number, in their order.
    """

    all_branches: tuple[Branch, ...]
    all_types: tuple[LessonType, ...]
    groups_of: Mapping[int, tuple[Group, ...]]
    residents_of: Mapping[int, tuple[Resident, ...]]
    memberships_of: Mapping[int, tuple[Membership, ...]]
    schedule_of: Mapping[int, tuple[RegularLesson, ...]] = field(default_factory=dict)
    records: tuple[LessonRecord, ...] = ()
    now: datetime | None = None
    torn: str = ""
    spoilt: frozenset[int] = frozenset()
    copied: frozenset[int] = frozenset()
    asked_for: list[int] = field(default_factory=list)

    def _read(self, name: str, items: Sequence[T]) -> Reading[T]:
        self.calls += 1
        if self.torn == UNREACHABLE:
            raise CrmUnreachable("the CRM cannot be reached")
        if self.torn == name:
            return Reading(complete=False, why=f"the list of {name} is torn")
        return Reading(tuple(items))

    def moment(self) -> datetime | None:
        """As it was given."""
        return self.now

    def branches(self) -> Reading[Branch]:
        """As they were given."""
        return self._read("branches", self.all_branches)

    def lesson_types(self, branch: int) -> Reading[LessonType]:
        """The same in every branch."""
        return self._read("lesson_types", self.all_types)

    def groups(self, branch: int) -> Reading[Group]:
        """Those of the branch."""
        return self._read("groups", self.groups_of[branch])

    def residents(self, branch: int, today: date) -> Reading[Resident]:
        """Those of the branch."""
        return self._read("residents", self.residents_of[branch])

    def memberships(self, branch: int) -> Reading[Membership]:
        """Those of the branch."""
        return self._read("memberships", self.memberships_of[branch])

    def schedule(self, branch: int) -> Reading[RegularLesson]:
        """Those of the branch."""
        return self._read("schedule", self.schedule_of.get(branch, ()))

    def lesson_records(self, branch: int, since: date, until: date) -> Reading[LessonRecord]:
        """Those of the branch and window."""
        records, unreadable = [], []
        for record in self.records:
            if record.lesson.branch != branch or not since <= record.lesson.date <= until:
                continue
            if record.lesson.id in self.spoilt:
                unreadable.append(Unreadable(record.lesson.id, "date"))
            elif record.lesson.id in self.copied:
                unreadable.append(Unreadable(record.lesson.id, COPIES))
            else:
                records.append(record)
        reading = self._read("lessons", records)
        return replace(reading, unreadable=tuple(unreadable)) if reading.complete else reading

    def find_lesson_record(self, lesson: int, branches: Sequence[int]) -> LessonRecord | None:
        """By its number; nothing is gone for certain where the list of lessons is torn."""
        self.asked_for.append(lesson)
        for name in ("lessons", "single lessons"):
            if not self._read(name, ()).complete:
                raise IncompleteRead(f"incomplete read: lesson {lesson} cannot be asked for")
        found = next((record for record in self.records if record.lesson.id == lesson), None)
        if found is not None and lesson in self.spoilt | self.copied:
            raise IncompleteRead(f"incomplete read: lesson {lesson} is unreadable")
        return found

    def close(self) -> None:
        """Nothing is open."""
