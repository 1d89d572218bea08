"""What a plan may still do to people's cards when it is written.

Since it was made, somebody may have erased a card, merged it, linked a viewer to it or written a
note about it. The writer reads under its lock what is recorded of ``CardEffects``.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from coinsync.core.facts import (
    Attendance,
    Decision,
    Doubt,
    Fact,
    Hold,
    Link,
    Membership,
    Merge,
    Note,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.ledger import Kind, survivors_of
from coinsync.core.plan import Drop, Plan, Post, Purpose, Put
from coinsync.errors import StalePlan


@dataclass(frozen=True, slots=True)
class RecordedCards:
    """What is recorded of cards; ``merges`` and ``erased`` are all that there are.

    The links are those of the cards that a plan joins or forgets, the rest is that of the latter.
    """

    merges: Collection[Merge] = ()
    erased: Collection[int] = ()
    links: Collection[Link] = ()
    pages: Collection[VkPage] = ()
    notes: Collection[Note] = ()
    decisions: Collection[Decision] = ()
    holds: Collection[Hold] = ()
    memberships: Collection[Membership] = ()


@dataclass(slots=True)
class CardEffects:
    """What a plan does to cards."""

    #: Get a viewer, a VK page or another card.
    given: set[int] = field(default_factory=set)
    #: Go on as another card from now on.
    joined: set[int] = field(default_factory=set)
    #: All whose merge the plan records.
    remerged: set[int] = field(default_factory=set)
    #: About whom the plan keeps a text that somebody typed.
    noted: set[int] = field(default_factory=set)
    #: Are erased.
    forgotten: set[int] = field(default_factory=set)


def refuse_stale_cards(plan: Plan, recorded: RecordedCards) -> None:
    """Raise ``StalePlan`` where the plan would undo what was done to cards meanwhile."""
    effects = effects_on_cards(plan)
    _refuse_record_of_erased(plan, recorded.erased)
    _refuse_gone_cards(effects, recorded)
    _refuse_new_viewers(plan, effects, recorded)
    _refuse_to_forget_in_part(plan, effects, recorded)


#: Facts by which a plan changes what a card is, or what is known of it.
_ABOUT_CARDS = (Merge, Link, VkPage, Resident, Decision)


def effects_on_cards(plan: Plan) -> CardEffects:
    """What a plan does to cards."""
    effects = CardEffects()
    for change in plan.changes:
        # Other writers wait meanwhile, and nearly every change is about a lesson.
        if isinstance(change, Put) and not isinstance(change.new, _ABOUT_CARDS):
            continue
        match change:
            case Put(new=Merge() as merge, old=before):
                effects.remerged.add(merge.resident)
                into_before = before.into if isinstance(before, Merge) else None
                if merge.into and merge.into != into_before:
                    effects.joined.add(merge.resident)
                    effects.given.add(merge.into)
            case Put(new=Link(live=True) as link):
                effects.given.add(link.resident)
            case Put(new=VkPage() as page):
                effects.given.add(page.resident)
            case Put(new=Resident(presence=Presence.ERASED) as resident):
                effects.forgotten.add(resident.id)
            case Put(new=Decision() as decision) if decision.note:
                effects.noted.add(decision.resident)
            case Post(entry=entry) if entry.note:
                effects.noted.add(entry.resident)
    return effects


def _refuse_record_of_erased(plan: Plan, erased: Collection[int]) -> None:
    # Of whom a family wants to be forgotten nothing more is recorded and no coin is posted; a
    # clerk may take back what was posted before.
    if not erased:
        return
    taken_back = () if plan.purpose is Purpose.LESSONS else (Kind.REVERSAL, Kind.REFUND)
    for change in plan.changes:
        card = 0
        match change:
            case Put(new=Attendance() | Hold() | Membership(until=None) as record):
                card = record.resident
            case Put(new=Doubt(is_about_card=True) as doubt):
                card = doubt.id
            case Post(entry) if entry.kind not in taken_back:
                card = entry.resident
        if card in erased:
            raise StalePlan(f"plan is stale: #{card} was erased meanwhile")


def _refuse_gone_cards(effects: CardEffects, recorded: RecordedCards) -> None:
    # A card that the plan itself takes out of a merge, or merges elsewhere, may be given something.
    merged = {merge.resident for merge in recorded.merges if merge.into} - effects.remerged
    # A note counts too: it would outlive the family's wish to be forgotten.
    for card in sorted(effects.given | effects.joined | effects.noted):
        if card in recorded.erased:
            raise StalePlan(f"plan is stale: #{card} was erased meanwhile")
        if card in merged and card in effects.given:
            raise StalePlan(f"plan is stale: #{card} was merged meanwhile")


def _refuse_new_viewers(plan: Plan, effects: CardEffects, recorded: RecordedCards) -> None:
    # A viewer of a card that is merged must be moved along, so the plan must know of each.
    replaced = {change.old for change in plan.changes if isinstance(change, Put)}
    for link in recorded.links:
        if link.live and link.resident in effects.joined and link not in replaced:
            raise StalePlan(f"plan is stale: VK {link.vk} was linked meanwhile to #{link.resident}")


def _refuse_to_forget_in_part(plan: Plan, effects: CardEffects, recorded: RecordedCards) -> None:
    # Whoever is forgotten leaves no link, page or note, on none of the cards merged together.
    relatives = _merged_with(effects.forgotten, recorded.merges)
    links = [link for link in recorded.links if link.resident in effects.forgotten]
    dropped = {change.old for change in plan.changes if isinstance(change, Drop)}
    left_behind: set[Fact] = {*links, *recorded.pages, *recorded.notes, *recorded.holds} - dropped
    # A decision stays, without what somebody typed about it.
    replaced = {change.old for change in plan.changes if isinstance(change, Put)}
    left_behind |= {noted for noted in recorded.decisions if noted.note} - replaced
    left_behind |= {seat for seat in recorded.memberships if seat.until is None} - replaced
    if left_behind or not relatives <= set(recorded.erased):
        raise StalePlan("plan is stale: more is known by now about whom it forgets")


def _merged_with(cards: Collection[int], merges: Iterable[Merge]) -> set[int]:
    # The other cards of the children to whom these cards belong.
    # Nearly every plan forgets nobody, and other writers wait while this one looks.
    if not cards:
        return set()
    survivors = survivors_of(merges)
    owners = {survivors[card] for card in cards}
    relatives = {card for card, survivor in survivors.items() if survivor in owners}
    return (relatives | owners) - set(cards)
