"""Residents as staff look for them: cards, links, all that is held of one, names. Reads only."""

from __future__ import annotations

from datetime import date

from coinsync.core.directory import Directory
from coinsync.core.facts import (
    Branch,
    Group,
    LessonType,
    Membership,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.identity import clean
from coinsync.core.people_report import Card, Dossier, LinkLine, LinkProblem
from coinsync.core.plan import Plan, Put, RemarkKind
from coinsync.core.planning.people import vk_number
from coinsync.errors import Ambiguous, NotFound
from coinsync.store.reader import N_MAX, Reader

CANDIDATES_MAX = 20


def find_resident(reader: Reader, text: str) -> Resident:
    """Find the one resident that ``#id``, ``crm:123``, ``vk:456`` or a part of a name means.

    A merged card leads to the card on which it goes on. Raises ``NotFound``, or ``Ambiguous`` with the candidates.
    """
    found = find_card(reader, text)
    head = reader.survivors().get(found.id)
    return (reader.resident(head) if head is not None else None) or found


def find_card(reader: Reader, text: str) -> Resident:
    """Find the one card that a text means, be it merged or not."""
    found = _candidates(reader, text.strip())
    if not found:
        raise NotFound(f"no resident answers to {clean(text)!r}")
    if len(found) > 1:
        shown = [f"#{one.id} {one.name} ({one.presence.value})" for one in found[:CANDIDATES_MAX]]
        raise Ambiguous(f"{len(found)} residents answer to {clean(text)!r}", shown)
    return found[0]


def _candidates(reader: Reader, text: str) -> list[Resident]:
    prefix, _, rest = text.rpartition(":")
    number = text.removeprefix("#") if not prefix else rest
    if number.isascii() and number.isdigit() and len(number) < 19:
        if prefix == "vk":
            return reader.residents_of_visitor(int(number))
        if prefix in ("", "crm"):
            one = reader.resident(int(number))
            return [one] if one else []
    return reader.residents_named(text) if text else []


def card(reader: Reader, resident: Resident) -> Card:
    """Everything that is held of one resident."""
    groups, cards = (
        {group.id: group.name for group in reader.all(Group)},
        reader.cards_of(resident.id),
    )
    memberships = tuple(
        (groups.get(one.group, f"group {one.group}"), one)
        for one in reader.recorded(Membership, cards)
    )
    links = tuple(reader.links_of([resident.id]))
    return Card(resident, reader.balance(resident.id), cards[1:], memberships, links)


def dossier(reader: Reader, resident: Resident) -> Dossier:
    """All that is held about one person, in whatever table, under every card that counts as theirs."""
    cards = reader.cards_of(resident.id)
    lines = reader.lines(resident.id, limit=N_MAX)
    return Dossier(
        tuple(reader.recorded(Resident, cards)),
        reader.balance(resident.id),
        tuple(one for one in reader.merges() if one.resident in cards or one.into in cards),
        tuple(reader.recorded(Membership, cards)),
        tuple(reader.links_of(cards)),
        tuple(reader.recorded(VkPage, cards)),
        tuple(
            record for card in cards for record in reader.attended_lessons(card, date.min, date.max)
        ),
        tuple(reversed(lines)),
        tuple(reader.holds_of(cards)),
        tuple(reader.decisions_of(cards)),
    )


def links(reader: Reader) -> list[LinkLine]:
    """All links with the names of residents, by account."""
    names = {one.id: one.name for one in reader.residents()}
    return [
        LinkLine(one.vk, one.resident, names.get(one.resident, ""), one.source, one.live)
        for one in reader.links()
    ]


def link_problems(reader: Reader) -> list[LinkProblem]:
    """Cards whose VK page is not, or not any more, the account that sees the resident; by name."""
    merged = reader.survivors()
    residents = [
        one
        for one in reader.residents()
        if one.id not in merged and one.presence is not Presence.ERASED
    ]
    pages = {page.resident: page for page in reader.all(VkPage)}
    linked: dict[int, dict[int, bool]] = {}
    for link in reader.links():
        linked.setdefault(link.resident, {})[link.vk] = link.live
    found = []
    for one in residents:
        number, trouble = vk_number(one.vk, pages.get(one.id))
        mine = linked.get(one.id, {})
        if number and number not in mine:
            trouble = "changed" if mine else "waiting"
        elif number and not mine[number]:
            trouble = "revoked"
        if trouble:
            found.append(LinkProblem(one.id, one.name, one.vk, trouble))
    return found


def names(reader: Reader, plan: Plan) -> Directory:
    """Names for everything that a plan mentions: from the database, and from the plan where they are new."""
    mentioned = {entry.resident for entry in plan.entries}
    mentioned |= {remark.resident for remark in plan.remarks if remark.resident is not None}
    mentioned |= {
        remark.other for remark in plan.remarks if remark.kind is RemarkKind.MERGED and remark.other
    }
    stored = [
        *reader.all(Group),
        *reader.all(LessonType),
        *reader.all(Branch),
        *reader.recorded(Resident, mentioned),
    ]
    return Directory.of(
        [*stored, *(change.new for change in plan.changes if isinstance(change, Put))]
    )
