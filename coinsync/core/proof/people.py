"""The checks of people: who sees whom, which card goes on as which, what is left of the erased."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from coinsync.core.facts import (
    Decision,
    Doubt,
    Hold,
    Link,
    Membership,
    Merge,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.ledger import survivors_of
from coinsync.core.proof.checks import Findings, erase_command, history_command, lesson_case
from coinsync.core.proof.rows import is_private


class MergedCards:
    """Which cards count together: today by ``survivors``, and ever by ``families``.

    A family is every card that ever counted with another, by undone merges too. Entries keep the
    card they were posted for, so its coins on some day of the past cannot be told apart by card.
    """

    def __init__(self, merges: Iterable[Merge] = (), erased: Iterable[int] = ()) -> None:
        known = tuple(merges)
        self.survivors = survivors_of(known)
        self.families = _families(known)
        self.erased = frozenset(erased)
        #: Cards whose notes may be gone: erasing a card erases the notes of those merged with it.
        self.forgotten = set(self.erased)
        for card in self.erased:
            self.forgotten |= self.families.get(card, frozenset())

    def survivor(self, card: int) -> int:
        """The card on which one goes on."""
        return self.survivors.get(card, card)


def _families(merges: Iterable[Merge]) -> dict[int, frozenset[int]]:
    families: dict[int, frozenset[int]] = {}
    for merge in merges:
        cards = {merge.resident, *merge.ever}
        if merge.into:
            cards.add(merge.into)
        # A merge joins whole families: those of its cards become one.
        for card in tuple(cards):
            cards |= families.get(card, frozenset())
        families.update(dict.fromkeys(cards, frozenset(cards)))
    return families


@dataclass(frozen=True, slots=True)
class StoredPeople:
    """What is stored of people and waits for a person; holds and decisions by key.

    ``doubts`` are those about cards.
    """

    residents: Mapping[int, Resident] = field(default_factory=dict)
    merges: tuple[Merge, ...] = ()
    links: tuple[Link, ...] = ()
    pages: tuple[VkPage, ...] = ()
    holds: Mapping[str, Hold] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    memberships: tuple[Membership, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def erased(self) -> frozenset[int]:
        """Who is erased."""
        residents = self.residents.values()
        return frozenset(card.id for card in residents if card.presence is Presence.ERASED)

    @property
    def cards(self) -> MergedCards:
        """Which cards count together."""
        return MergedCards(self.merges, self.erased)


def check_people(people: StoredPeople, findings: Findings) -> None:
    """Check links, merges, erased cards, and the notes of decisions."""
    _check_links(people, findings)
    _check_merges(people, findings)
    _check_erased(people, findings)
    for decision in people.decisions.values():
        if is_private(decision.note):
            case = f"decision on {lesson_case(decision.lesson, decision.resident)}"
            findings.add("private", case, history_command(decision.resident))


def _check_links(people: StoredPeople, findings: Findings) -> None:
    erased = people.erased
    survivors = people.cards.survivors
    for link in people.links:
        card = link.resident
        if card in erased:
            case = f"VK {link.vk} with #{card}, who is erased"
            findings.add("links", case, erase_command(card))
        elif link.live and card in survivors:
            case = f"VK {link.vk} sees #{card}, who goes on as #{survivors[card]}"
            findings.add("links", case, _unmerge_command(card))
    for page in people.pages:
        if page.resident in erased:
            case = f"a VK page of #{page.resident}, who is erased"
            findings.add("links", case, erase_command(page.resident))


def _check_merges(people: StoredPeople, findings: Findings) -> None:
    erased = people.erased
    # An undone merge leads nowhere.
    into = {merge.resident: merge.into for merge in people.merges if merge.into}
    for card, other in into.items():
        wrong = ""
        if other not in people.residents:
            wrong = "which is not recorded"
        elif _leads_back(card, into):
            wrong = "and so back to itself"
        elif (card in erased) != (other in erased):
            wrong = "and one of the two is erased"
        if wrong:
            findings.add("merges", f"#{card} goes on as #{other}, {wrong}", _unmerge_command(card))


def _leads_back(card: int, into: Mapping[int, int]) -> bool:
    # Whether following the merges from a card comes back to it.
    current = card
    # As many steps as there are merges: a circle that the card only leads into must end as well.
    for _ in into:
        current = into.get(current, 0)
        if current == card:
            return True
    return False


def _check_erased(people: StoredPeople, findings: Findings) -> None:
    for id in people.erased:
        leftovers = ", ".join(_leftovers(people, people.residents[id]))
        if leftovers:
            findings.add("erased", f"#{id}: {leftovers}", erase_command(id))


def _leftovers(people: StoredPeople, card: Resident) -> Iterator[str]:
    if card.name:
        yield "name"
    if card.vk:
        yield "VK page"
    if card.branches:
        yield "branches"
    decisions = people.decisions.values()
    if any(decision.note for decision in decisions if decision.resident == card.id):
        yield "a decision's note"
    if any(merge.links for merge in people.merges if merge.resident == card.id):
        yield "VK accounts of a merge"
    # A sync that went on recording the child would leave these first.
    if any(seat.until is None for seat in people.memberships if seat.resident == card.id):
        yield "an open membership"
    waiting = {hold.resident for hold in people.holds.values()}
    waiting.update(doubt.id for doubt in people.doubts)
    if card.id in waiting:
        yield "something that waits for a person"


def _unmerge_command(card: int) -> str:
    return f"coinsync residents unmerge '#{card}'"
