"""What a CRM must answer so that coins can be given: the class to extend for another system."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

from coinsync.core.facts import (
    Branch,
    Group,
    LessonRecord,
    LessonType,
    Membership,
    RegularLesson,
    Resident,
)
from coinsync.errors import IncompleteRead

T = TypeVar("T")

#: Called with what is being read, how many rows are in, and how many there will be (0: not known).
Progress = Callable[[str, int, int], None]


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that could not be understood: its id and the path of the field, never the value."""

    id: int
    path: str


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What was read, and whether that is all there is; ``why`` says why it is not.

    From an incomplete reading nothing may be concluded: what is missing from it may be there.
    """

    items: tuple[T, ...] = ()
    complete: bool = True
    why: str = ""
    unreadable: tuple[Unreadable, ...] = ()

    def whole(self) -> tuple[T, ...]:
        """The items of a complete reading.

        Raises ``IncompleteRead`` for another one, which proves nothing.
        """
        if not self.complete:
            raise IncompleteRead(f"incomplete read: {self.why}")
        return self.items

    def unreadable_fields(self) -> dict[int, str]:
        """The field that could not be understood, by the id of its record."""
        return {record.id: record.path for record in self.unreadable}


class Exchange(ABC):
    """A source of facts. Extend it for another CRM; the contract suite of the tests must hold.

    Every method either returns a ``Reading`` that says whether it is complete, or raises
    ``CrmUnreachable``, ``NotAnAnswer`` or ``CrmRefused``. Nothing is ever written to the CRM.
    ``calls`` counts the requests made.
    """

    calls: int = 0

    @abstractmethod
    def moment(self) -> datetime | None:
        """The CRM's own time (aware), which decides what "today" is; None where it has none."""

    @abstractmethod
    def branches(self) -> Reading[Branch]:
        """All branches of the school."""

    @abstractmethod
    def lesson_types(self, branch: int) -> Reading[LessonType]:
        """The kinds of lessons."""

    @abstractmethod
    def groups(self, branch: int) -> Reading[Group]:
        """The groups of a branch."""

    @abstractmethod
    def residents(self, branch: int, today: date) -> Reading[Resident]:
        """Everybody whom the branch knows: pupils, leads, and those in the archive ``today``."""

    @abstractmethod
    def memberships(self, branch: int) -> Reading[Membership]:
        """Who belongs to which group of the branch today, and since when if that is known.

        What its residents belong to in other branches may come along.
        """

    @abstractmethod
    def schedule(self, branch: int) -> Reading[RegularLesson]:
        """The regular lessons of the branch's groups."""

    @abstractmethod
    def lesson_records(self, branch: int, since: date, until: date) -> Reading[LessonRecord]:
        """All lessons of a branch from ``since`` to ``until``, both included, of any status."""

    @abstractmethod
    def find_lesson_record(self, lesson: int, branches: Sequence[int]) -> LessonRecord | None:
        """One lesson by number wherever it is now; None when it is gone for certain.

        Raises ``IncompleteRead`` when that cannot be said: None takes coins away.
        """

    @abstractmethod
    def close(self) -> None:
        """Close connections, if there are any."""
