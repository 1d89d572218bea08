"""What a plan may hold, by its purpose: the writer refuses the rest before it begins.

A sync works without a person. Whatever goes wrong where it plans, it gives no coins by hand, links
no visitor as staff do, and merges or erases no card.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from coinsync.core.catalog import Event, Item, RefundLine, Sale, SaleLine
from coinsync.core.facts import (
    Attendance,
    Branch,
    Decision,
    Doubt,
    Fact,
    Group,
    Hold,
    Lesson,
    LessonType,
    Link,
    LinkSource,
    Membership,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.ledger import Entry, Kind, lesson_key
from coinsync.core.plan import Change, Drop, Plan, Post, Purpose, Put, Stock
from coinsync.errors import UnsafePlan

#: Who posts what the rules give.
SYNC_ACTOR = "sync"


@dataclass(frozen=True, slots=True)
class Permitted:
    """Kinds of entries and facts, and whether stock may move."""

    kinds: Set[Kind] = frozenset()
    facts: Set[type[Fact]] = frozenset()
    stock: bool = False


#: For a plan of the desk a person answers: it is not in the table.
_PERMITTED: Mapping[Purpose, Permitted] = {
    Purpose.PEOPLE: Permitted(
        facts={Branch, LessonType, Group, Resident, Membership, Link, VkPage, Doubt},
    ),
    Purpose.LESSONS: Permitted(
        {Kind.AWARD, Kind.REVERSAL}, {Resident, Lesson, Attendance, Hold, Decision, Doubt}
    ),
    Purpose.REVIEW: Permitted({Kind.AWARD, Kind.REVERSAL, Kind.GIFT}, {Hold, Decision, Doubt}),
    Purpose.CATALOG: Permitted(facts={Item, Event}, stock=True),
    Purpose.SALE: Permitted(
        {Kind.SALE, Kind.REFUND}, {Item, Event, Sale, SaleLine, RefundLine}, stock=True
    ),
    Purpose.ACCEPT: Permitted(),
}
_OF_SYNC = frozenset({Purpose.PEOPLE, Purpose.LESSONS})


def refuse_unpermitted(plan: Plan, *, actor: str, account: str, by_sync: bool) -> None:
    """Raise ``UnsafePlan`` for a change that a plan of this purpose may not make.

    ``actor`` applies the plan, ``account`` is the CRM's; ``by_sync``: a sync made it.
    """
    # A reviewed plan may go below zero, and a plan of the desk may hold anything.
    if by_sync and plan.purpose not in _OF_SYNC:
        raise UnsafePlan(f"refused: a sync makes no plan of {plan.purpose}; nothing written")
    permitted = _PERMITTED.get(plan.purpose)
    if permitted is None:
        return
    for change in plan.changes:
        refusal = _refusal(change, permitted)
        if not refusal and plan.purpose in _OF_SYNC:
            refusal = _refusal_to_sync(change, actor, account)
        if refusal:
            raise UnsafePlan(
                f"refused: a plan of {plan.purpose} may not hold {refusal}; nothing written"
            )


def _refusal(change: Change, permitted: Permitted) -> str:
    match change:
        case Post(entry) if entry.kind not in permitted.kinds:
            return f"a {entry.kind}"
        case Put() | Drop() if type(change.subject) not in permitted.facts:
            return f"a {type(change.subject).__name__.lower()}"
        case Stock() if not permitted.stock:
            return "a move of stock"
    return ""


def _refusal_to_sync(change: Change, actor: str, account: str) -> str:
    match change:
        case Post(entry):
            return _refusal_of_entry(entry, actor, account)
        case Put(new=Decision() as decision) if decision.actor != actor:
            return f"a decision of {decision.actor}"
        case Put(new=Link() as link, old=before) if link.source is not LinkSource.CRM or before:
            return "a link that the desk keeps"
        case Put(new=Resident() as resident, old=before):
            # The family's wish to be forgotten is carried out, and kept, by the desk alone.
            was_erased = isinstance(before, Resident) and before.presence is Presence.ERASED
            if was_erased or resident.presence is Presence.ERASED:
                return "an erased card"
        case Drop(old) if not isinstance(old, (Hold, Doubt)):
            return f"no {type(old).__name__.lower()} any more"
    return ""


def _refusal_of_entry(entry: Entry, actor: str, account: str) -> str:
    # What a person answered about guests is posted in that person's name.
    if entry.actor not in (SYNC_ACTOR, actor):
        return f"an entry of {entry.actor}"
    if entry.note or entry.key != lesson_key(account, entry.lesson or 0, entry.resident):
        return "an entry that is not for a lesson"
    return ""
