"""Questions about residents, their cards and those who may see them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from peewee import Database

from coinsync.core import facts
from coinsync.core.facts import Link, Merge, Presence, Resident, VkPage
from coinsync.core.identity import answers_to
from coinsync.core.ledger import Survivors, survivors_of
from coinsync.store import statements
from coinsync.store.models import ResidentRow
from coinsync.store.queries.base import Queries, select_facts
from coinsync.store.rows import TABLES, ids_text

if TYPE_CHECKING:
    from coinsync.core.planning.people import People


class CardQueries(Queries):
    """Which cards belong to the same child."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._survivors: Survivors | None = None

    def merges(self) -> list[Merge]:
        """All cards that go on as others, or did once."""
        return [TABLES[Merge].value(row) for row in self._constant(statements.MERGES)]

    def survivors(self) -> Survivors:
        """Which card goes on as which."""
        if self._survivors is None:
            self._survivors = survivors_of(self.merges())
        return self._survivors

    def cards_of(self, resident: int) -> tuple[int, ...]:
        """The card on which a resident goes on, then those merged into it: they count together."""
        survivors = self.survivors()
        survivor = survivors[resident]
        merged = sorted(card for card, other in survivors.items() if other == survivor)
        return (survivor, *merged)


class PeopleQueries(CardQueries):
    """Residents, memberships, links."""

    def people(self, branch: int, others: Collection[int] = ()) -> People:
        """Everybody recorded for a branch, and the residents ``others`` wherever they are."""
        residents = {resident.id: resident for resident in self.residents(branch)}
        for resident in self.recorded(Resident, others):
            residents[resident.id] = resident
        # Only a sync plans people; every other command starts without its planner.
        from coinsync.core.planning.people import People

        return People(
            tuple(self.all(facts.Branch)),
            tuple(self.all(facts.LessonType)),
            tuple(self.all(facts.Group)),
            tuple(residents.values()),
            tuple(self.recorded(facts.Membership, residents)),
            tuple(self.links_of(residents)),
            tuple(self.recorded(VkPage, residents)),
            frozenset(self.survivors()),
        )

    def residents(self, branch: int | None = None) -> list[Resident]:
        """Residents of a branch, or of all, by name."""
        query = select_facts(Resident).order_by(ResidentRow.name, ResidentRow.id)
        if branch is not None:
            query = query.where(ResidentRow.branches.contains(ids_text([branch])))
        return self._facts(Resident, query)

    def resident(self, id: int) -> Resident | None:
        """One resident by number."""
        return self.find(Resident, id)

    def residents_by_id(self, ids: Iterable[int]) -> dict[int, Resident]:
        """Those of the residents that are recorded, by number."""
        return {resident.id: resident for resident in self.recorded(Resident, ids)}

    def resident_ids(self, presence: Presence | None = None) -> frozenset[int]:
        """Numbers of all residents, or of those with that presence."""
        if presence is None:
            rows = self._rows(ResidentRow.select(ResidentRow.id))
        else:
            rows = self._constant(statements.RESIDENTS_PRESENT, [presence.value])
        return frozenset(id for (id,) in rows)

    def residents_named(self, part: str) -> list[Resident]:
        """Residents of whose name a word begins with ``part``; merged cards are left out."""
        # Databases fold the case of ASCII letters only, so the comparison is made here.
        merged = self.survivors()
        residents: list[Resident] = []
        for resident in self.residents():
            if answers_to(resident.name, part) and resident.id not in merged:
                residents.append(resident)
        return residents

    def residents_of_visitor(self, vk: int) -> list[Resident]:
        """The residents whom a VK account may see, by name."""
        rows = self._constant(statements.RESIDENTS_OF_VISITOR, [vk])
        return [TABLES[Resident].value(row) for row in rows]

    def doubts_of(self, cards: Iterable[int]) -> list[facts.Doubt]:
        """What is doubted about cards."""
        return [doubt for doubt in self.recorded(facts.Doubt, cards) if doubt.is_about_card]

    def links(self) -> list[Link]:
        """All links, those that were revoked too."""
        return self.all(Link)

    def links_of(self, residents: Iterable[int]) -> list[Link]:
        """The VK accounts that may see residents, or might once."""
        return self._of_residents(Link, residents)
