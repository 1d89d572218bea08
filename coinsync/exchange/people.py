"""Everything that a CRM says about the people of one branch, read together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from coinsync.core.facts import RegularLesson
from coinsync.core.planning.people import People
from coinsync.errors import ConfigError
from coinsync.exchange.base import Exchange


@dataclass(frozen=True, slots=True)
class PeopleReading:
    """The people of a branch, and in which field a record of theirs cannot be understood.

    ``bad_cards`` and ``bad_memberships`` are by resident.
    """

    people: People
    bad_cards: dict[int, str]
    bad_memberships: dict[int, str]
    schedule: tuple[RegularLesson, ...]
    bad_schedule_lines: int

    def completed_from(self, known: People) -> People:
        """The people, where what cannot be read today stays as it was known.

        Its owner is there all the same, and must not be taken for gone.
        """
        cards = [resident for resident in known.residents if resident.id in self.bad_cards]
        memberships = [
            membership
            for membership in known.memberships
            if membership.resident in self.bad_memberships
        ]
        return replace(
            self.people,
            residents=(*self.people.residents, *cards),
            memberships=(*self.people.memberships, *memberships),
        )


def read_people(exchange: Exchange, branch: int, today: date) -> PeopleReading:
    """Read the people of a branch.

    Raises ``ConfigError`` for a branch that the CRM does not have, ``IncompleteRead`` where any
    list is not whole.
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
    people = People(
        branches,
        exchange.lesson_types(branch).whole(),
        exchange.groups(branch).whole(),
        residents.whole(),
        memberships.whole(),
    )
    schedule = exchange.schedule(branch)
    return PeopleReading(
        people,
        residents.unreadable_fields(),
        memberships.unreadable_fields(),
        schedule.whole(),
        bad_schedule_lines=len(schedule.unreadable),
    )
