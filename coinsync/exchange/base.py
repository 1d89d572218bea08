"""What a CRM must answer so that coins can be given: the class to extend for another system."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
from coinsync.core.plan import Scope
from coinsync.core.planning.people import People
from coinsync.errors import ConfigError, IncompleteRead

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that could not be understood: its id and the path of the field, never the value.

    The path is ``COPIES`` where it came more than once with unequal content.
    """

    id: int
    path: str


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What was read, and whether that is all there is; ``why`` says why it is not."""

    items: tuple[T, ...] = ()
    complete: bool = True
    why: str = ""
    unreadable: tuple[Unreadable, ...] = ()

    @classmethod
    def incomplete(cls, why: str) -> Reading[T]:
        """A reading from which nothing may be concluded."""
        return cls((), complete=False, why=why)

    def with_items(self, items: Iterable[U]) -> Reading[U]:
        """Other items, read as completely as these."""
        return Reading(tuple(items), self.complete, self.why, self.unreadable)

    def whole(self) -> tuple[T, ...]:
        """The items of a complete reading. Raises ``IncompleteRead`` for another one."""
        # What is missing from an incomplete reading may be there all the same.
        if not self.complete:
            raise IncompleteRead(f"incomplete read: {self.why}")
        return self.items

    def unreadable_fields(self) -> dict[int, str]:
        """The field that could not be understood, by the id of its record."""
        return {record.id: record.path for record in self.unreadable}


class Exchange(ABC):
    """A source of facts. Extend it for another CRM; the contract suite of the tests must hold.

    Every method may raise ``CrmUnreachable``, ``NotAnAnswer`` or ``CrmRefused``. ``calls`` counts
    the requests made. Nothing is ever written to the CRM.
    """

    calls: int = 0

    def moment(self) -> datetime | None:
        """The CRM's own time (aware), which decides what "today" is; None where it has none."""
        return None

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
        """Who belongs to which group today; groups in other branches may come along."""

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

    def card_fields(self, _branch: int) -> frozenset[str] | None:
        """Names of the fields that some cards have; None where schools cannot make any."""
        return None

    def expect(self, _branch: int, _windows: Sequence[Scope]) -> None:
        """Learn what will be read next, in this order: a branch's people, then these windows."""
        return

    def oddities(self) -> dict[str, int]:
        """What came without being asked for, and how often; nothing of it was used."""
        return {}

    def close(self) -> None:
        """Close connections, if there are any."""
        return


@dataclass(frozen=True, slots=True)
class PeopleReading:
    """The people of a branch; fields of theirs that cannot be understood are by resident."""

    people: People
    bad_cards: dict[int, str]
    bad_memberships: dict[int, str]
    schedule: tuple[RegularLesson, ...]
    bad_schedule_lines: int

    def completed_from(self, known: People) -> People:
        """The people, where what cannot be read today stays as it was known."""
        # Its owner is there all the same, and must not be taken for gone.
        residents, memberships = [*self.people.residents], list(self.people.memberships)
        residents += [card for card in known.residents if card.id in self.bad_cards]
        # Who is not known at all cannot be a member of anything.
        unknown = set(self.bad_cards).difference(card.id for card in residents)
        memberships = [seat for seat in memberships if seat.resident not in unknown]
        memberships += [seat for seat in known.memberships if seat.resident in self.bad_memberships]
        return replace(self.people, residents=tuple(residents), memberships=tuple(memberships))


def read_people(exchange: Exchange, branch: int, today: date) -> PeopleReading:
    """Read all that the CRM says about the people of a branch.

    Raises ``ConfigError`` for a branch that it does not have, and ``IncompleteRead``.
    """
    branches = exchange.branches().whole()
    if branch not in {known.id for known in branches}:
        listed = ", ".join(f"{known.id} {known.name}".rstrip() for known in branches)
        raise ConfigError(
            [f"config: [[branch]] id {branch}: no such branch in the CRM"],
            advice=f"The CRM has: {listed}.",
        )
    residents = exchange.residents(branch, today)
    memberships = exchange.memberships(branch)
    bad_cards, bad_memberships = residents.unreadable_fields(), memberships.unreadable_fields()
    people = People(
        branches,
        exchange.lesson_types(branch).whole(),
        exchange.groups(branch).whole(),
        tuple(card for card in residents.whole() if card.id not in bad_cards),
        tuple(seat for seat in memberships.whole() if seat.resident not in bad_memberships),
    )
    schedule = exchange.schedule(branch)
    return PeopleReading(
        people,
        bad_cards,
        bad_memberships,
        schedule.whole(),
        bad_schedule_lines=len(schedule.unreadable),
    )
