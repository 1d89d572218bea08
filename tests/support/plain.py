"""An exchange over plain values: for tests that want a CRM which says exactly this, and at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from coinsync.errors import CrmUnreachable, IncompleteRead
from coinsync.exchange.base import Exchange, Reading, Unreadable

T = TypeVar("T")

#: The name of a list under which nothing at all can be reached.
UNREACHABLE = "unreachable"


@dataclass
class PlainExchange(Exchange):
    """Lists by branch, and all rolls.

    The list that ``torn`` names is not whole; rolls whose number is in ``spoilt`` cannot be understood.
    """

    sites: tuple[Branch, ...]
    kinds: tuple[LessonType, ...]
    circles: Mapping[int, tuple[Group, ...]]
    cards: Mapping[int, tuple[Resident, ...]]
    seats: Mapping[int, tuple[Membership, ...]]
    lines: Mapping[int, tuple[RegularLesson, ...]] = field(default_factory=dict)
    books: tuple[LessonRecord, ...] = ()
    now: datetime | None = None
    torn: str = ""
    spoilt: frozenset[int] = frozenset()

    def _said(self, name: str, items: Sequence[T]) -> Reading[T]:
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
        return self._said("branches", self.sites)

    def lesson_types(self, branch: int) -> Reading[LessonType]:
        """The same in every branch."""
        return self._said("lesson_types", self.kinds)

    def groups(self, branch: int) -> Reading[Group]:
        """Those of the branch."""
        return self._said("groups", self.circles[branch])

    def residents(self, branch: int, today: date) -> Reading[Resident]:
        """Those of the branch."""
        return self._said("residents", self.cards[branch])

    def memberships(self, branch: int) -> Reading[Membership]:
        """Those of the branch."""
        return self._said("memberships", self.seats[branch])

    def schedule(self, branch: int) -> Reading[RegularLesson]:
        """Those of the branch."""
        return self._said("schedule", self.lines.get(branch, ()))

    def lesson_records(self, branch: int, since: date, until: date) -> Reading[LessonRecord]:
        """Those of the branch and window."""
        found = [
            record
            for record in self.books
            if record.lesson.branch == branch and since <= record.lesson.date <= until
        ]
        said = self._said(
            "rolls", [record for record in found if record.lesson.id not in self.spoilt]
        )
        bad = tuple(
            Unreadable(record.lesson.id, "date")
            for record in found
            if record.lesson.id in self.spoilt
        )
        return Reading(said.items, unreadable=bad) if said.complete else said

    def find_lesson_record(self, lesson: int, branches: Sequence[int]) -> LessonRecord | None:
        """By its number; nothing is gone for certain where rolls are torn."""
        if not self._said("rolls", ()).complete or not self._said("single rolls", ()).complete:
            raise IncompleteRead(f"incomplete read: lesson {lesson} cannot be asked for")
        found = next((record for record in self.books if record.lesson.id == lesson), None)
        if found is not None and lesson in self.spoilt:
            raise IncompleteRead(f"incomplete read: lesson {lesson} is unreadable")
        return found

    def close(self) -> None:
        """Nothing is open."""
