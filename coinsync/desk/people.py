"""Cards of residents, as plans: merge, unmerge, erase. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from coinsync.config import Settings
from coinsync.core.facts import Fact, Link, LinkSource, Merge, Presence, Resident, VkPage
from coinsync.core.ledger import survivors_of
from coinsync.core.plan import Change, Drop, Plan, Purpose, Put
from coinsync.core.proposal import Author, Proposal, scope_of
from coinsync.desk.gather import recorded_resident, refuse_erased, surviving_card
from coinsync.errors import CoinPolicy, NotEnoughCoins, UsageError
from coinsync.store.reader import Reader


def propose_facts(
    settings: Settings,
    resident: Resident,
    changes: Iterable[Change],
    author: Author,
    *words: str,
) -> Proposal:
    """A proposal about a resident that moves no coins; ``words`` say what it does."""
    today = settings.profile.today(resident.branches, author.now)
    return Proposal(Plan.of(Purpose.DESK, scope_of(today), changes), words=words)


# --- merge ------------------------------------------------------------------------------------


def merge(
    reader: Reader, settings: Settings, card: Resident, into: Resident, author: Author
) -> Proposal:
    """Plan that one card goes on as another: no coins move, they count together.

    The viewers of the card come along: the families of both see what both have.
    """
    into = _card_to_go_on_as(reader, card, into)
    before = next((merge for merge in reader.merges() if merge.resident == card.id), None)
    viewers = {link.vk for link in reader.links_of([into.id])}
    moving = [link for link in reader.links_of([card.id]) if link.live]
    changes: list[Change] = []
    for link in moving:
        changes.append(Put(replace(link, live=False), link))
        # Who is known there already stays as they are: also a link that was revoked.
        if link.vk not in viewers:
            changes.append(Put(Link(link.vk, into.id, LinkSource.MERGE)))
    # What the card ever went on as is kept: its past cannot be told apart any more.
    ever = (*(before.ever if before else ()), into.id)
    moving_vks = tuple(link.vk for link in moving)
    merged = Merge(card.id, into.id, moving_vks, tuple(dict.fromkeys(ever)))
    changes.append(Put(merged, before))
    words = _words_of_merge(reader, card, into, _words_of_viewers(moving_vks, viewers))
    return propose_facts(settings, card, changes, author, *words)


def _card_to_go_on_as(reader: Reader, card: Resident, into: Resident) -> Resident:
    """The end of the chain of merges from ``into``, if a card may go on as it."""
    survivors = reader.survivors()
    if card.id in survivors:
        raise CoinPolicy(
            f"#{card.id} is merged into #{survivors[card.id]} already; nothing written"
        )
    # A circle of merges would leave no card whose coins count.
    if survivors.get(into.id) == card.id:
        raise CoinPolicy(
            f"#{into.id} is merged into #{card.id} already; nothing written",
            advice=f'To turn it round: "coinsync residents unmerge {into.id}" first.',
        )
    survivor = surviving_card(reader, into)
    if card.id == survivor.id:
        raise UsageError(f"#{card.id} and #{survivor.id} are one card")
    refuse_erased(card)
    refuse_erased(survivor)
    return survivor


def _words_of_merge(
    reader: Reader, card: Resident, into: Resident, viewers: str
) -> tuple[str, ...]:
    balances = reader.balances([card.id, into.id])
    own, other = balances[card.id], balances[into.id]
    words = (
        f"#{card.id} {card.name} ({own}) goes on as #{into.id} {into.name} ({other}): "
        f"together {own + other}",
        viewers,
    )
    if card.presence is Presence.CLIENT:
        return (*words, f"#{card.id} is still a client in the CRM; its lessons go on counting")
    return words


def _words_of_viewers(moving: Sequence[int], viewers: Collection[int]) -> str:
    """Say which viewers of a card begin to see the one that it goes on as."""
    if not moving:
        return "no VK account is linked to it"
    new_viewers = [str(vk) for vk in moving if vk not in viewers]
    if new_viewers:
        return f"VK {', '.join(new_viewers)} will see it"
    return "its VK accounts are known there already"


# --- unmerge ----------------------------------------------------------------------------------


def unmerge(reader: Reader, settings: Settings, card: Resident, author: Author) -> Proposal:
    """Plan that a merged card stands on its own again, with the viewers that it brought."""
    merges = {merge.resident: merge for merge in reader.merges() if merge.into}
    merged = merges.pop(card.id, None)
    if merged is None:
        raise CoinPolicy(f"#{card.id} is not merged into any other card; nothing written")
    survivors = survivors_of(merges.values())
    survivor = recorded_resident(reader, survivors.get(merged.into, merged.into))
    balances = reader.balances([card.id, survivor.id], survivors=survivors)
    words = []
    for resident in (card, survivor):
        coins = balances[resident.id]
        if coins < 0:
            raise NotEnoughCoins(
                f"#{resident.id} {resident.name} would have {coins} coins on its own: "
                "they were spent together; nothing written"
            )
        words.append(f"#{resident.id} {resident.name} has {coins} on its own")
    changes: list[Change] = [Put(replace(merged, into=0, links=()), merged)]
    changes += _viewers_back(reader, merged, merges, survivor.id)
    return propose_facts(settings, card, changes, author, *words)


def _viewers_back(
    reader: Reader, merged: Merge, merges: Mapping[int, Merge], survivor: int
) -> list[Change]:
    """Give a card the viewers back that it brought to the cards on which it went on.

    From these go the viewers who see them for that card's sake alone. ``merges`` are the other
    merges by their card; the cards may have been merged on and on, up to ``survivor``.
    """
    path = [merged.into]
    while path[-1] != survivor:
        path.append(merges[path[-1]].into)
    links = {(link.vk, link.resident): link for link in reader.links_of([merged.resident, *path])}
    carried = {card: list(merge.links) for card, merge in merges.items()}
    changes: list[Change] = []
    for vk in merged.links:
        # Who was revoked on the way stays revoked.
        still_sees = (vk, survivor) in links and links[vk, survivor].live
        if not still_sees or not all(vk in merges[card].links for card in path[:-1]):
            continue
        own = links.get((vk, merged.resident))
        if own is not None:
            changes.append(Put(replace(own, live=True), own))
        for card in path:
            # Whoever had a link of their own there, or came by another card too, goes on seeing
            # this card and all after it.
            link = links[vk, card]
            if link.source is not LinkSource.MERGE or _brought_by_another(
                vk, card, merges, carried
            ):
                break
            changes.append(Drop(link))
            if card in carried:
                carried[card].remove(vk)
    for card, merge in merges.items():
        if tuple(carried[card]) != merge.links:
            changes.append(Put(replace(merge, links=tuple(carried[card])), merge))
    return changes


def _brought_by_another(
    vk: int, card: int, merges: Mapping[int, Merge], carried: Mapping[int, Collection[int]]
) -> bool:
    """Whether a viewer came to a card with another card that goes on as it."""
    return any(merge.into == card and vk in carried[id] for id, merge in merges.items())


# --- erase ------------------------------------------------------------------------------------


def erase(reader: Reader, settings: Settings, resident: Resident, author: Author) -> Proposal:
    """Plan to forget who a resident is: names, links and notes go, numbers stay.

    The card stays as an erased one, so that no reading of the CRM brings the name back.
    """
    cards = reader.cards_of(resident.id)
    links, notes = reader.links_of(cards), reader.notes_of(cards)
    decisions = [decision for decision in reader.decisions_of(cards) if decision.note]
    changes: list[Change] = []
    for card in reader.recorded(Resident, cards):
        erased = Resident(card.id, "", Presence.ERASED, ())
        if card != erased:
            changes.append(Put(erased, card))
    dropped: list[Fact] = [*links, *reader.recorded(VkPage, cards), *notes]
    changes += [Drop(fact) for fact in dropped]
    for decision in decisions:
        changes.append(Put(replace(decision, note=""), decision))
    for merge in reader.merges():
        # The numbers of the accounts that came along with a card tell who the family is.
        if merge.resident in cards and merge.links:
            changes.append(Put(replace(merge, links=()), merge))
    if not changes:
        return propose_facts(settings, resident, (), author, f"#{resident.id} is erased already")
    noted = len(notes) + len(decisions)
    return propose_facts(
        settings,
        resident,
        changes,
        author,
        f"#{resident.id} {resident.name}: the name, {len(links)} VK links and {noted} notes go",
        f"{reader.balance(resident.id)} coins and every entry stay under the number; "
        "what the CRM says of this number is no longer taken",
        "backups made before keep the name until they are thrown away",
    )
