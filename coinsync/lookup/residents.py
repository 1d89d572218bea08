"""Residents as staff look for them, and the VK accounts that see them. Reads only."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import chain

from coinsync.config import Settings
from coinsync.core.facts import Group, Membership, Resident, VkPage
from coinsync.core.identity import clean, plain_number
from coinsync.core.people_report import Card, Dossier, LinkLine, RosterLine
from coinsync.errors import Ambiguous, NotFound
from coinsync.store.queries.ledger import N_MAX
from coinsync.store.reader import Reader

CANDIDATES_MAX = 20


def find_resident(reader: Reader, text: str) -> Resident:
    """The resident that ``101``, ``#101``, ``crm:101``, ``vk:456`` or a name's beginning means.

    A merged card leads to the card on which it goes on. Raises ``NotFound`` or ``Ambiguous``.
    """
    card = find_card(reader, text)
    survivor = reader.survivors().get(card.id)
    return card if survivor is None else reader.resident(survivor) or card


def find_card(reader: Reader, text: str) -> Resident:
    """The card that a text means, be it merged or not."""
    cards = _candidates(reader, clean(unicodedata.normalize("NFKC", text)))
    if not cards:
        raise NotFound(f"no resident answers to {clean(text)!r}")
    if len(cards) > 1:
        candidates = [
            f"#{card.id} {card.name} ({card.presence.value})" for card in cards[:CANDIDATES_MAX]
        ]
        raise Ambiguous(f"{len(cards)} residents answer to {clean(text)!r}", candidates)
    return cards[0]


def _candidates(reader: Reader, text: str) -> list[Resident]:
    prefix, _, rest = text.rpartition(":")
    # Digits are a number, also where a name begins with them.
    number = plain_number(rest if prefix else text.removeprefix("#"))
    if number is not None:
        if prefix == "vk":
            return reader.residents_of_visitor(number)
        if prefix in ("", "crm"):
            resident = reader.resident(number)
            return [resident] if resident else []
    return reader.residents_named(text) if text else []


def card(reader: Reader, resident: Resident) -> Card:
    """What staff ask about one resident."""
    groups = {group.id: group.name for group in reader.all(Group)}
    cards = reader.cards_of(resident.id)
    memberships = []
    for membership in reader.recorded(Membership, cards):
        group = groups.get(membership.group, f"group {membership.group}")
        memberships.append((group, membership))
    links = tuple(reader.links_of([resident.id]))
    return Card(resident, reader.balance(resident.id), cards[1:], tuple(memberships), links)


def dossier(reader: Reader, resident: Resident) -> Dossier:
    """All that is held about one person, in every table, under every card of theirs."""
    cards = reader.cards_of(resident.id)
    merges = [merge for merge in reader.merges() if merge.resident in cards or merge.into in cards]
    lessons = [reader.attended_lessons(id, date.min, date.max) for id in cards]
    newest_first = reader.lines(resident.id, limit=N_MAX)
    return Dossier(
        cards=tuple(reader.recorded(Resident, cards)),
        balance=reader.balance(resident.id),
        merges=tuple(merges),
        memberships=tuple(reader.recorded(Membership, cards)),
        links=tuple(reader.links_of(cards)),
        vk_pages=tuple(reader.recorded(VkPage, cards)),
        lessons=tuple(chain.from_iterable(lessons)),
        entries=tuple(reversed(newest_first)),
        held=tuple(reader.holds_of(cards)),
        decisions=tuple(reader.decisions_of(cards)),
        doubts=tuple(reader.doubts_of(cards)),
    )


def residents_of(reader: Reader, branches: Iterable[int] | None) -> list[Resident]:
    """Everybody, or those of some branches, by name; merged cards are left out."""
    if branches is None:
        residents = reader.residents()
    else:
        of_branches = {resident for branch in branches for resident in reader.residents(branch)}
        residents = sorted(of_branches, key=lambda resident: (resident.name, resident.id))
    merged = reader.survivors()
    return [resident for resident in residents if resident.id not in merged]


def roster(
    reader: Reader, settings: Settings, residents: Sequence[Resident], now: datetime
) -> list[RosterLine]:
    """Residents with all that a list of them shows; what merged cards have is theirs."""
    survivors = reader.survivors()
    today = {resident.id: settings.profile.today(resident.branches, now) for resident in residents}
    cards: defaultdict[int, list[int]] = defaultdict(list)
    for card_id, survivor in sorted(survivors.items()):
        cards[survivor].append(card_id)
    names = {group.id: group.name for group in reader.all(Group)}
    groups: defaultdict[int, set[str]] = defaultdict(set)
    for membership in reader.all(Membership):
        owner = survivors.get(membership.resident, membership.resident)
        if owner in today and membership.covers(today[owner]):
            groups[owner].add(names.get(membership.group, f"group {membership.group}"))
    accounts: defaultdict[int, list[int]] = defaultdict(list)
    for link in reader.links():
        if link.live:
            accounts[link.resident].append(link.vk)
    balances = reader.balances(today)
    lines = []
    for resident in residents:
        id = resident.id
        line = RosterLine(
            resident, balances[id], tuple(cards[id]), tuple(sorted(groups[id])), tuple(accounts[id])
        )
        lines.append(line)
    return lines


def links(reader: Reader) -> list[LinkLine]:
    """All links with the names of residents, by account."""
    names = {resident.id: resident.name for resident in reader.residents()}
    return [
        LinkLine(link.vk, link.resident, names.get(link.resident, ""), link.source, link.live)
        for link in reader.links()
    ]
