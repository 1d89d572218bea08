"""Plan what to record of a branch's people; no coins move here."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from coinsync.core.fact_keys import identity
from coinsync.core.facts import (
    ALWAYS,
    Branch,
    DoubtKind,
    Group,
    LessonType,
    Link,
    LinkSource,
    Membership,
    PageKind,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.identity import VkKind, read_vk
from coinsync.core.plan import (
    Change,
    Coverage,
    Evidence,
    Plan,
    Purpose,
    Put,
    Remark,
    RemarkKind,
    Scope,
    puts,
)
from coinsync.core.planning.compare import COPIES
from coinsync.core.planning.doubts import Doubts
from coinsync.core.rules import by_resident


@dataclass(frozen=True, slots=True)
class People:
    """Everybody and everything that a branch's lessons refer to."""

    branches: tuple[Branch, ...] = ()
    types: tuple[LessonType, ...] = ()
    groups: tuple[Group, ...] = ()
    residents: tuple[Resident, ...] = ()
    memberships: tuple[Membership, ...] = ()
    links: tuple[Link, ...] = ()
    pages: tuple[VkPage, ...] = ()
    merged: frozenset[int] = frozenset()

    @property
    def erased(self) -> frozenset[int]:
        """Cards whose families asked to be forgotten."""
        residents = self.residents
        return frozenset(card.id for card in residents if card.presence is Presence.ERASED)

    @property
    def closed(self) -> frozenset[int]:
        """Cards that get no more links: erased or merged."""
        return self.merged | self.erased


def plan_people(
    scope: Scope,
    read: People,
    known: People,
    *,
    read_before: date | None,
    doubts: Doubts,
    unreadable: Mapping[int, str] | None = None,
    missed: Mapping[int, Collection[int]] | None = None,
) -> Plan:
    """Plan what to record of the people of one branch.

    Nobody is removed: who is missing for certain is recorded as gone, an erased card stays erased.
    ``unreadable`` gives the bad field by card, ``missed`` other branches that lacked the card.
    """
    # The CRM still shows the card of somebody who was erased; its name must not come back.
    erased = known.erased
    missing = _missing_people(scope, read, known, doubts, missed or {})
    residents = [card for card in read.residents if card.id not in erased]
    residents += missing.residents
    groups = {group.id for group in read.groups}
    shown = [seat for seat in read.memberships if seat.resident not in erased]
    shown += missing.memberships
    memberships = memberships_after(shown, known.memberships, scope.until, read_before, groups)
    links, remarks = _link_changes(read, known)
    for card, field in (unreadable or {}).items():
        if field != COPIES:
            remarks.append(Remark(RemarkKind.UNREADABLE, "unreadable", resident=card, detail=field))
        elif card not in erased:
            doubts.keep(DoubtKind.CARD_COPIES, card, scope.branch)
    shown_or_merged = known.merged.union(card.id for card in read.residents)
    for doubt in doubts.stored.values():
        # It was asked when the lessons were first read without the card, which is still away.
        if doubt.is_merge and doubt.id not in shown_or_merged:
            doubts.keep(doubt.kind, doubt.id, doubt.branch, doubt.claim)
    remarks += doubts.remarks
    changes = [
        *puts(read.branches, known.branches),
        *puts(read.types, known.types),
        *puts(read.groups, known.groups),
        *puts(residents, known.residents),
        *puts(memberships, known.memberships),
        *links,
        *doubts.changes,
    ]
    evidence = _people_evidence(scope.branch, read, known)
    return Plan.of(Purpose.PEOPLE, scope, changes, remarks=remarks, evidence=evidence)


def _people_evidence(branch: int, read: People, known: People) -> Evidence:
    expected = set()
    for resident in known.residents:
        if branch in resident.branches and resident.presence is not Presence.GONE:
            expected.add(resident.id)
    missing = expected.difference(resident.id for resident in read.residents)
    groups = {group.id for group in read.groups}
    shown_seats = {_seat(shown) for shown in read.memberships if shown.group in groups}
    open_seats = set(map(_seat, _open_memberships(read, known)))
    return Evidence(
        residents=Coverage(len(expected), len(read.residents), len(missing)),
        memberships=Coverage(len(open_seats), len(shown_seats), len(open_seats - shown_seats)),
    )


def _open_memberships(read: People, known: People) -> list[Membership]:
    # Only the groups of this branch were read: others cannot lack a membership.
    groups = {group.id for group in read.groups}
    return [seat for seat in known.memberships if seat.until is None and seat.group in groups]


def _missing_people(
    scope: Scope,
    read: People,
    known: People,
    doubts: Doubts,
    missed: Mapping[int, Collection[int]],
) -> People:
    # Who is gone for certain, and how the memberships of everybody missing stand.
    present = {resident.id for resident in read.residents}
    open_seats = by_resident(_open_memberships(read, known))
    residents: list[Resident] = []
    memberships: list[Membership] = []
    for resident in known.residents:
        # Whoever moved to another branch while it was doubted is recorded there by now.
        doubted_before = (resident.id, DoubtKind.CARD_MISSING, scope.branch) in doubts.stored
        is_of_branch = scope.branch in resident.branches or doubted_before
        is_away = resident.presence in (Presence.GONE, Presence.ERASED)
        if resident.id in present or is_away or not is_of_branch:
            continue
        # A resident of two branches is gone only when neither of them shows the card: one that
        # moved from here to the other branch is still there.
        missing_in = {scope.branch, *missed.get(resident.id, ())}
        is_gone = missing_in.issuperset(resident.branches)
        seats = open_seats.get(resident.id, [])
        if not is_gone and not seats:
            continue
        if doubts.keep(DoubtKind.CARD_MISSING, resident.id, scope.branch):
            memberships += seats
            continue
        # Today's lessons stay paid too: no coins move because a person vanished.
        memberships += [replace(seat, until=scope.until) for seat in seats]
        if is_gone:
            residents.append(replace(resident, presence=Presence.GONE))
    return People(residents=tuple(residents), memberships=tuple(memberships))


def _seat(membership: Membership) -> tuple[int, int]:
    return membership.resident, membership.group


def memberships_after(
    read: Sequence[Membership],
    known: Sequence[Membership],
    today: date,
    read_before: date | None,
    groups: Collection[int],
) -> tuple[Membership, ...]:
    """Join the memberships that the CRM shows with those that we remember.

    AlfaCRM forgets a membership that ended, and shows many without a start: it began after the last
    reading. One of ``groups`` that is no longer shown ended the day before.
    """
    after = {identity(membership): membership for membership in known}
    remembered: dict[tuple[int, int], list[Membership]] = {}
    for membership in known:
        remembered.setdefault(_seat(membership), []).append(membership)
        if membership.until is None and membership.group in groups:
            # Taken for ended, until the reading shows it again just below.
            after[identity(membership)] = replace(membership, until=today - timedelta(days=1))
    for membership in read:
        dated = _dated(membership, remembered.get(_seat(membership), ()), today, read_before)
        after[identity(dated)] = dated
    return tuple(after.values())


def _dated(
    membership: Membership, stays: Iterable[Membership], today: date, read_before: date | None
) -> Membership:
    # A membership without a start has that of the stay we remember.
    if membership.since != ALWAYS:
        return membership
    starts = []
    for stay in stays:
        is_open = stay.until is None or stay.until >= today
        if is_open or stay.until == membership.until:
            starts.append(stay.since)
    # A stay that we have never seen began after the last reading, which did not show it.
    return replace(membership, since=max(starts, default=read_before or ALWAYS))


def names_to_ask(read: Iterable[Resident], known: People) -> dict[int, str]:
    """Screen names by resident that VK was not asked about yet."""
    asked = {(page.resident, page.name) for page in known.pages}
    closed = known.closed
    names = {}
    for resident in read:
        meaning = read_vk(resident.vk)
        if meaning.kind is not VkKind.SCREEN_NAME or resident.id in closed:
            continue
        if (resident.id, meaning.name) not in asked:
            names[resident.id] = meaning.name
    return names


def _link_changes(read: People, known: People) -> tuple[list[Change], list[Remark]]:
    # Only residents who never had a link are linked; a later change is reported. A revoked viewer
    # must not come back because the office typed the page once more.
    linked: dict[int, set[int]] = {}
    for link in known.links:
        linked.setdefault(link.resident, set()).add(link.vk)
    text_before = {resident.id: resident.vk for resident in known.residents}
    page_before = {page.resident: page for page in known.pages}
    page_now = {page.resident: page for page in read.pages}
    changes = puts(read.pages, known.pages)
    remarks: list[Remark] = []
    closed = known.closed
    for resident in read.residents:
        if resident.id in closed:
            continue
        page = page_now.get(resident.id) or page_before.get(resident.id)
        number, trouble = vk_number(resident.vk, page)
        # Said before: neither the card nor VK says anything new.
        unchanged = text_before.get(resident.id) == resident.vk and resident.id not in page_now
        if trouble:
            remarks.append(Remark(RemarkKind.VK, trouble, resident=resident.id, known=unchanged))
        elif number and resident.id not in linked:
            changes.append(Put(Link(number, resident.id, LinkSource.CRM)))
        elif number and number not in linked[resident.id]:
            remarks.append(Remark(RemarkKind.VK, "changed", resident=resident.id, known=unchanged))
    return changes, remarks


def vk_number(text: str, page: VkPage | None) -> tuple[int, str]:
    """The VK id that a card's text means, and why there is none."""
    meaning = read_vk(text)
    if meaning.kind is VkKind.NUMBER:
        return meaning.number, ""
    if meaning.kind in (VkKind.NOTHING, VkKind.HAS_NONE):
        return 0, ""
    # An answer about the name that stood on the card before says nothing about the one there now.
    if meaning.kind is not VkKind.SCREEN_NAME or page is None or page.name != meaning.name:
        return 0, meaning.kind.value
    if page.kind is not PageKind.PERSON:
        return 0, page.kind.value
    return page.number, ""
