"""Cards of residents, as plans: merge, unmerge, erase. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from coinsync.config import Settings
from coinsync.core.facts import (
    Fact,
    Link,
    LinkSource,
    Merge,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.ledger import (
    survivors_of,
)
from coinsync.core.plan import Change, Drop, Plan, Purpose, Put
from coinsync.core.proposal import Author, Proposal, scope_of
from coinsync.desk.gather import (
    recorded_resident,
    refuse_erased,
)
from coinsync.errors import (
    CoinPolicy,
    NotEnoughCoins,
    UsageError,
)
from coinsync.store.reader import Reader


def merge(
    reader: Reader, settings: Settings, card: Resident, into: Resident, author: Author
) -> Proposal:
    """Plan that one card goes on as another: no coins move, they count together, and viewers come along."""
    survivors = reader.survivors()
    if card.id in survivors:
        raise CoinPolicy(
            f"#{card.id} is merged into #{survivors[card.id]} already; nothing written"
        )
    if survivors.get(into.id) == card.id:
        raise CoinPolicy(
            f"#{into.id} is merged into #{card.id} already; nothing written",
            advice=f'To turn it round: "coinsync residents unmerge {into.id}" first.',
        )
    into = recorded_resident(reader, survivors.get(into.id, into.id))
    if card.id == into.id:
        raise UsageError(f"#{card.id} and #{into.id} are one card")
    for one in (card, into):
        refuse_erased(one)
    before = next((one for one in reader.merges() if one.resident == card.id), None)
    there = {link.vk for link in reader.links_of([into.id])}
    moving = [link for link in reader.links_of([card.id]) if link.live]
    changes: list[Change] = [Put(replace(link, live=False), link) for link in moving]
    changes += [
        Put(Link(link.vk, into.id, LinkSource.MERGE)) for link in moving if link.vk not in there
    ]
    ever = (*(before.ever if before else ()), into.id)
    links = tuple(link.vk for link in moving)
    changes.append(Put(Merge(card.id, into.id, links, tuple(dict.fromkeys(ever))), before))
    balances = reader.balances([card.id, into.id])
    words = [
        f"#{card.id} {card.name} ({balances[card.id]}) goes on as #{into.id} {into.name} ({balances[into.id]}): "
        f"together {balances[card.id] + balances[into.id]}",
        _viewers_told([link.vk for link in moving], there),
    ]
    if card.presence is Presence.CLIENT:
        words.append(f"#{card.id} is still a client in the CRM; its lessons go on counting")
    return Proposal(plan_of_facts(settings, card, changes, author), words=tuple(words))


def _viewers_told(moving: Sequence[int], there: Collection[int]) -> str:
    """Say which viewers of a card begin to see the one that it goes on as."""
    fresh = [str(vk) for vk in moving if vk not in there]
    if fresh:
        return f"VK {', '.join(fresh)} will see it"
    return "its VK accounts are known there already" if moving else "no VK account is linked to it"


def unmerge(reader: Reader, settings: Settings, card: Resident, author: Author) -> Proposal:
    """Plan that a merged card stands on its own again, with the viewers that it brought."""
    merged = next((one for one in reader.merges() if one.resident == card.id and one.into), None)
    if merged is None:
        raise CoinPolicy(f"#{card.id} is not merged into any other card; nothing written")
    others = {one.resident: one for one in reader.merges() if one.into and one.resident != card.id}
    survivors = survivors_of(others.values())
    into = recorded_resident(reader, survivors.get(merged.into, merged.into))
    changes: list[Change] = [Put(replace(merged, into=0, links=()), merged)]
    changes += _viewers_back(reader, merged, others, into.id)
    balances = reader.balances([card.id, into.id], survivors=survivors)
    words = tuple(f"#{one.id} {one.name} has {balances[one.id]} on its own" for one in (card, into))
    for one in (card, into):
        if balances[one.id] < 0:
            raise NotEnoughCoins(
                f"#{one.id} {one.name} would have {balances[one.id]} coins on its own: they were spent together; "
                "nothing written"
            )
    return Proposal(plan_of_facts(settings, card, changes, author), words=words)


def _viewers_back(
    reader: Reader, merged: Merge, others: Mapping[int, Merge], head: int
) -> list[Change]:
    """Give a card the viewers back that it brought to others, from which those go who see them for its sake alone."""
    way = [merged.into]
    while way[-1] != head:
        way.append(others[way[-1]].into)
    links = {(link.vk, link.resident): link for link in reader.links_of([merged.resident, *way])}
    changes: list[Change] = []
    onward: dict[int, tuple[int, ...]] = {}
    for vk in merged.links:
        came_along = (vk, head) in links and all(vk in others[card].links for card in way[:-1])
        if not (came_along and links[vk, head].live):
            continue  # Who was revoked since stays so.
        if (vk, merged.resident) in links:
            mine = links[vk, merged.resident]
            changes.append(Put(replace(mine, live=True), mine))
        for card in way:
            by_others = any(
                one.into == card and vk in onward.get(one.resident, one.links)
                for one in others.values()
            )
            if links[vk, card].source is not LinkSource.MERGE or by_others:
                break
            changes.append(Drop(links[vk, card]))
            if card in others:
                onward[card] = tuple(
                    one for one in onward.get(card, others[card].links) if one != vk
                )
    return [
        *changes,
        *(Put(replace(others[card], links=left), others[card]) for card, left in onward.items()),
    ]


def erase(reader: Reader, settings: Settings, resident: Resident, author: Author) -> Proposal:
    """Plan to forget who a resident is: names, links and notes go, numbers stay, and no reading brings them back."""
    cards = reader.cards_of(resident.id)
    changes: list[Change] = []
    for card in reader.recorded(Resident, cards):
        erased = Resident(card.id, "", Presence.ERASED, ())
        changes += [Put(erased, card)] if card != erased else []
    links, notes = reader.links_of(cards), reader.notes_of(cards)
    gone: list[Fact] = [*links, *reader.recorded(VkPage, cards), *notes]
    changes += [Drop(one) for one in gone]
    decisions = [one for one in reader.decisions_of(cards) if one.note]
    changes += [Put(replace(one, note=""), one) for one in decisions]
    changes += [
        Put(replace(one, links=()), one)
        for one in reader.merges()
        if one.resident in cards and one.links
    ]
    if not changes:
        return Proposal(
            plan_of_facts(settings, resident, (), author),
            words=(f"#{resident.id} is erased already",),
        )
    words = (
        f"#{resident.id} {resident.name}: the name, {len(links)} VK links and {len(notes) + len(decisions)} notes go",
        f"{reader.balance(resident.id)} coins and every entry stay under the number; what the CRM says of this number"
        " is no longer taken",
        "backups and saved plans made before keep the name until they are thrown away",
    )
    return Proposal(plan_of_facts(settings, resident, changes, author), words=words)


def plan_of_facts(
    settings: Settings, resident: Resident, changes: Iterable[Change], author: Author
) -> Plan:
    """A plan that moves no coins of a resident."""
    return Plan.of(Purpose.DESK, scope_of(settings.day_at(resident.branches, author.now)), changes)
