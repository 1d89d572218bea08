"""Residents as staff look for them, and the VK accounts that see them. Reads only."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date

from coinsync.core.facts import (
    Branch,
    Group,
    LessonRecord,
    Mark,
    Membership,
    Presence,
    Resident,
    Status,
    VkPage,
)
from coinsync.core.identity import answers_to, clean, folded, plain_number
from coinsync.core.people_report import Card, Dossier, LinkLine, RosterLine, Sort
from coinsync.errors import CANDIDATES_MAX, Ambiguous, NotFound
from coinsync.staff_texts import phrase
from coinsync.store.queries.ledger import N_MAX
from coinsync.store.reader import Reader

#: The day that counts for residents of these branches.
DayAt = Callable[[Collection[int]], date]


def find_resident(reader: Reader, text: str) -> Resident:
    """The resident that ``101``, ``#101``, ``crm:101``, ``vk:456`` or a name's beginning means.

    A merged card leads to the card on which it goes on. Raises ``NotFound`` or ``Ambiguous``.
    """
    card = find_card(reader, text)
    return reader.resident(reader.survivors()[card.id]) or card


def find_card(reader: Reader, text: str) -> Resident:
    """The card that a text means, be it merged or not."""
    cards = _candidates(reader, clean(unicodedata.normalize("NFKC", text)))
    if len(cards) > 1:
        refuse_none_or_many("resident", text, _told_apart(reader, cards))
    refuse_none_or_many("resident", text, [card.name for card in cards])
    return cards[0]


def _told_apart(reader: Reader, cards: Iterable[Resident]) -> list[str]:
    """What a person needs to choose among residents, clients first."""
    # No clock is here. Who is in which group is known as of the last run at best.
    day = max((date.fromisoformat(run.posted_at[:10]) for run in reader.runs(1)), default=date.max)
    clients_first = sorted(cards, key=lambda card: card.presence is not Presence.CLIENT)
    balances = reader.balances(card.id for card in clients_first)
    branches = reader.names(Branch)
    candidates: list[str] = []
    for line in roster(reader, {card: balances[card.id] for card in clients_first}, lambda _: day):
        resident = line.resident
        places = [branches.get(id, f"branch {id}") for id in resident.branches]
        candidate = phrase(
            "candidate",
            name=str(resident),
            about="".join(f"{part}, " for part in (*line.groups, *places)),
            presence=phrase(resident.presence.value),
            coins=line.coins,
        )
        candidates.append(candidate)
    return candidates


def refuse_none_or_many(
    noun: str, text: str, candidates: Sequence[str], advice: str | None = None
) -> None:
    """Raise ``NotFound`` or ``Ambiguous`` unless a text means just one candidate."""
    name = repr(clean(text))
    if not candidates:
        raise NotFound(phrase("none_answers", noun=noun, name=name), advice=advice)
    if len(candidates) > 1:
        what = phrase("many_answer", noun=noun, name=name, count=len(candidates))
        raise Ambiguous(what, candidates)


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
    groups = reader.names(Group)
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
    lessons: list[LessonRecord] = []
    for card_id in cards:
        lessons += reader.attended_lessons(card_id, date.min, date.max)
    return Dossier(
        cards=tuple(reader.recorded(Resident, cards)),
        balance=reader.balance(resident.id),
        merges=tuple(merges),
        memberships=tuple(reader.recorded(Membership, cards)),
        links=tuple(reader.links_of(cards)),
        vk_pages=tuple(reader.recorded(VkPage, cards)),
        lessons=tuple(lessons),
        entries=tuple(reversed(reader.lines(resident.id, limit=N_MAX))),
        held=tuple(reader.holds_of(cards)),
        decisions=tuple(reader.decisions_of(cards)),
        doubts=tuple(reader.doubts_of(cards)),
    )


def residents_of(reader: Reader, branches: Iterable[int] | None) -> list[Resident]:
    """Everybody, or those of some branches, by name; merged cards are left out."""
    residents = reader.residents()
    if branches is not None:
        wanted = set(branches)
        residents = [card for card in residents if not wanted.isdisjoint(card.branches)]
    merged = reader.survivors()
    return [resident for resident in residents if resident.id not in merged]


def members(
    reader: Reader, residents: Iterable[Resident], day_at: DayAt
) -> dict[Group, list[Resident]]:
    """The groups of residents on their day, each with its members; merged cards count together."""
    survivors = reader.survivors()
    memberships: defaultdict[int, list[Membership]] = defaultdict(list)
    for membership in reader.all(Membership):
        memberships[survivors[membership.resident]].append(membership)
    recorded = {group.id: group for group in reader.all(Group)}
    groups: dict[Group, list[Resident]] = {}
    for resident in residents:
        day = day_at(resident.branches)
        # A set, because both of two merged cards may be in the same group.
        for id in {each.group for each in memberships[resident.id] if each.covers(day)}:
            group = recorded.get(id) or Group(id, f"group {id}")
            groups.setdefault(group, []).append(resident)
    return groups


def members_of(
    reader: Reader, residents: Iterable[Resident], text: str, day_at: DayAt
) -> list[Resident]:
    """Those of the residents who are in the group that ``12``, ``#12`` or a name's beginning means.

    Raises ``NotFound`` or ``Ambiguous``; a group without any of them is not found.
    """
    groups = members(reader, residents, day_at)
    number, wanted = plain_number(text.removeprefix("#")), folded(text)
    # "Python-2" is not "Python-21", where there are both.
    fitting = [each for each in groups if each.id == number or folded(each.name) == wanted]
    fitting = fitting or [each for each in groups if answers_to(each.name, text)]
    branches = reader.names(Branch)
    candidates: list[str] = []
    for group in sorted(fitting, key=lambda group: group.id):
        # Branches may have groups of one name; where a group is, its members' cards say.
        ids = sorted({id for resident in groups[group] for id in resident.branches})
        places = ", ".join(branches.get(id, f"branch {id}") for id in ids)
        candidates.append(f"{group} ({places})")
    known = sorted({group.name for group in groups})[:CANDIDATES_MAX]
    advice = phrase("groups_there", groups=", ".join(known) or "–")
    refuse_none_or_many("group", text, candidates, advice)
    return groups[fitting[0]]


def with_coins(
    reader: Reader,
    residents: Iterable[Resident],
    today_at: DayAt,
    group: str = "",
    coins_min: int | None = None,
    sort: Sort = "name",
    as_of: date | None = None,
) -> dict[Resident, int]:
    """Residents with their balances, in the order of a listing.

    Only those of a group, and who has so many coins, where that is named; today or on another day.
    """
    if group:
        residents = members_of(reader, residents, group, lambda at: as_of or today_at(at))
    by_id = {resident.id: resident for resident in residents}
    balances = reader.balances(by_id, until=as_of or date.max)
    coins: dict[Resident, int] = {}
    for id in sorted(by_id, key=lambda id: -balances[id]) if sort == "coins" else by_id:
        if coins_min is None or balances[id] >= coins_min:
            coins[by_id[id]] = balances[id]
    return coins


def attended(reader: Reader, residents: Iterable[Resident], lesson: int) -> list[Resident]:
    """Those of the residents who attended a lesson."""
    survivors = reader.survivors()
    owners: set[int] = set()
    record = reader.lesson_records_by_id([lesson]).get(lesson)
    if record and record.lesson.status is Status.CONDUCTED:
        for attendance in record.attendance:
            if attendance.mark is Mark.ATTENDED:
                owners.add(survivors[attendance.resident])
    return [resident for resident in residents if resident.id in owners]


def roster(reader: Reader, coins: Mapping[Resident, int], today_at: DayAt) -> list[RosterLine]:
    """Residents with all that a list of them shows; what merged cards have is theirs."""
    cards: defaultdict[int, list[int]] = defaultdict(list)
    for card_id, survivor in sorted(reader.survivors().items()):
        cards[survivor].append(card_id)
    groups: defaultdict[int, set[str]] = defaultdict(set)
    for group, in_group in members(reader, coins, today_at).items():
        for resident in in_group:
            groups[resident.id].add(group.name)
    accounts: defaultdict[int, list[int]] = defaultdict(list)
    for link in reader.links():
        if link.live:
            accounts[link.resident].append(link.vk)
    lines = []
    for resident, has in coins.items():
        id = resident.id
        its_groups = tuple(sorted(groups[id]))
        line = RosterLine(resident, has, tuple(cards[id]), its_groups, tuple(accounts[id]))
        lines.append(line)
    return lines


def links(reader: Reader) -> list[LinkLine]:
    """All links with the names of residents, by account."""
    names = {resident.id: resident.name for resident in reader.residents()}
    lines = []
    for link in reader.links():
        name = names.get(link.resident, "")
        lines.append(LinkLine(link.vk, link.resident, name, link.source, link.live))
    return lines
