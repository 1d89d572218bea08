"""Cards of residents and who sees them, as plans: merge, unmerge, erase, link, revoke."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from coinsync.core.facts import (
    Fact,
    Link,
    LinkSource,
    Membership,
    Merge,
    Note,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.ledger import survivors_of
from coinsync.core.plan import Change, Drop, Plan, Purpose, Put
from coinsync.core.proposal import Proposal, scope_of
from coinsync.desk.gather import Clerk, recorded_resident, refuse_erased
from coinsync.errors import CoinPolicy, NotEnoughCoins, NotFound, UsageError
from coinsync.staff_texts import counted
from coinsync.store.reader import Reader


def propose_facts(
    clerk: Clerk, resident: Resident, changes: Iterable[Change], *words: str
) -> Proposal:
    """A proposal about a resident that moves no coins; ``words`` say what it does."""
    scope = scope_of(clerk.today(resident.branches))
    return Proposal(Plan.of(Purpose.DESK, scope, changes), words=words)


def merge(clerk: Clerk, card: Resident, into: Resident) -> Proposal:
    """Plan that one card goes on as another: coins count together, and viewers come along."""
    reader = clerk.reader
    into = _card_to_go_on_as(reader, card, into)
    before = reader.find(Merge, card.id)
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
    # Whether these two are one child need not be asked any more.
    changes += [Drop(doubt) for doubt in reader.doubts_of([card.id, into.id]) if doubt.is_merge]
    balances = reader.balances([card.id, into.id])
    own, other = balances[card.id], balances[into.id]
    words = [
        f"{card} ({own}) goes on as {into} ({other}): together {own + other}",
        _words_of_viewers(moving_vks, viewers),
    ]
    if card.presence is Presence.CLIENT:
        words.append(f"#{card.id} is still a client in the CRM; its lessons go on counting")
    words.append("a lesson for which both are paid counts once; reconcile names what no sync reads")
    return propose_facts(clerk, card, changes, *words)


def _card_to_go_on_as(reader: Reader, card: Resident, into: Resident) -> Resident:
    survivors = reader.survivors()
    if card.id in survivors:
        raise CoinPolicy(f"#{card.id} is merged into #{survivors[card.id]} already")
    # A circle of merges would leave no card whose coins count.
    if survivors.get(into.id) == card.id:
        raise CoinPolicy(
            f"#{into.id} is merged into #{card.id} already",
            advice=f'To turn it round: "coinsync residents unmerge {into.id}" first.',
        )
    survivor = recorded_resident(reader, survivors[into.id])
    if card.id == survivor.id:
        raise UsageError(f"#{card.id} and #{survivor.id} are one card")
    refuse_erased(card)
    refuse_erased(survivor)
    return survivor


def _words_of_viewers(moving: Sequence[int], viewers: Collection[int]) -> str:
    if not moving:
        return "no VK account is linked to it"
    new_viewers = [str(vk) for vk in moving if vk not in viewers]
    if new_viewers:
        return f"VK {', '.join(new_viewers)} will see it"
    return "its VK accounts are known there already"


def unmerge(clerk: Clerk, card: Resident) -> Proposal:
    """Plan that a merged card stands on its own again, with the viewers that it brought."""
    reader = clerk.reader
    merges = {merge.resident: merge for merge in reader.merges() if merge.into}
    merged = merges.pop(card.id, None)
    if merged is None:
        raise CoinPolicy(f"#{card.id} is not merged into any other card")
    if merged.into in merges:
        raise CoinPolicy(
            f"#{card.id} went on as #{merged.into}, which is merged itself",
            advice=f'First: "coinsync residents unmerge {merged.into}".',
        )
    survivor = recorded_resident(reader, merged.into)
    survivors = survivors_of(merges.values())
    balances = reader.balances([card.id, survivor.id], survivors=survivors)
    words = []
    for resident in (card, survivor):
        coins = balances[resident.id]
        if coins < 0:
            raise NotEnoughCoins(
                f"{resident} would have {coins} coins on its own: they were spent together"
            )
        words.append(f"{resident} has {coins} on its own")
    changes: list[Change] = [Put(replace(merged, into=0, links=()), merged)]
    changes += _viewers_back(reader, merged, merges.values())
    return propose_facts(clerk, card, changes, *words)


def _viewers_back(reader: Reader, merged: Merge, others: Iterable[Merge]) -> list[Change]:
    """Give a card the viewers back that it brought, who lose the card on which it went on."""
    own = {link.vk: link for link in reader.links_of([merged.resident])}
    links = {link.vk: link for link in reader.links_of([merged.into])}
    brought_by_others = {vk for merge in others if merge.into == merged.into for vk in merge.links}
    changes: list[Change] = []
    for vk in merged.links:
        link = links.get(vk)
        # Who was revoked meanwhile stays revoked.
        if link is None or not link.live:
            continue
        if vk in own:
            changes.append(Put(replace(own[vk], live=True), own[vk]))
        # Whoever has a link of their own, or came with another card too, goes on seeing it.
        if link.source is LinkSource.MERGE and vk not in brought_by_others:
            changes.append(Drop(link))
    return changes


def erase(clerk: Clerk, resident: Resident, *, stock_text: str = "") -> Proposal:
    """Plan to forget who a resident is: names, links and notes go, numbers stay.

    So do notes of moves of stock in which ``stock_text`` stands.
    """
    reader = clerk.reader
    cards = reader.cards_of(resident.id)
    links, notes = reader.links_of(cards), reader.notes_of(cards)
    if stock_text:
        wanted = stock_text.casefold()
        moves = [n for n, move in reader.stock_moves() if wanted in move.note.casefold()]
        # The note of a move lies under its number turned round.
        notes += reader.recorded(Note, (-n for n in moves))
    decisions = [decision for decision in reader.decisions_of(cards) if decision.note]
    changes: list[Change] = []
    for card in reader.recorded(Resident, cards):
        # The card stays as an erased one, so that no reading of the CRM brings the name back.
        erased = Resident(card.id, "", Presence.ERASED, ())
        if card != erased:
            changes.append(Put(erased, card))
    dropped: list[Fact] = [*links, *reader.recorded(VkPage, cards), *notes]
    dropped += [*reader.doubts_of(cards), *reader.holds_of(cards)]
    changes += [Drop(fact) for fact in dropped]
    for decision in decisions:
        changes.append(Put(replace(decision, note=""), decision))
    for merge in reader.recorded(Merge, cards):
        # The numbers of the accounts that came along with a card tell who the family is.
        if merge.links:
            changes.append(Put(replace(merge, links=()), merge))
    today = clerk.today(resident.branches)
    for seat in reader.recorded(Membership, cards):
        if seat.until is None:
            changes.append(Put(replace(seat, until=max(today, seat.since)), seat))
    noted = len(notes) + len(decisions)
    what_goes = f"the name, {counted(len(links), 'VK link')} and {counted(noted, 'note')}"
    words = [
        f"{resident}: {what_goes} go",
        f"{reader.balance(resident.id)} coins and every entry stay under the number; "
        "what the CRM says of this number is no longer taken",
        "backups made before keep the name until they are thrown away",
    ]
    if not changes:
        words = [f"#{resident.id} is erased already"]
    return propose_facts(clerk, resident, changes, *words)


def link(clerk: Clerk, resident: Resident, vk: int) -> Proposal:
    """Plan that a VK account may see a resident."""
    refuse_erased(resident)
    before = _link_of(clerk.reader, resident, vk)
    if before is not None and before.live:
        return propose_facts(clerk, resident, (), f"VK {vk} sees {resident} already")
    words = [f"VK {vk} will see {resident}"]
    seen_by_vk = clerk.reader.residents_of_visitor(vk)
    others = [str(other) for other in seen_by_vk if other.id != resident.id]
    if others:
        words.append(f"it also sees {', '.join(others)}")
    if before is not None:
        words.append("this link was revoked before")
    linked = Put(Link(vk, resident.id, LinkSource.DESK), before)
    return propose_facts(clerk, resident, [linked], *words)


def revoke(clerk: Clerk, resident: Resident, vk: int) -> Proposal:
    """Plan that a VK account no longer sees a resident, whatever the CRM's card says."""
    before = _link_of(clerk.reader, resident, vk)
    if before is None:
        raise NotFound(
            f"VK {vk} has no link to {resident}", advice='"coinsync links list" shows all links.'
        )
    if not before.live:
        return propose_facts(clerk, resident, (), f"VK {vk} does not see {resident} any more")
    # Were the link dropped, the next sync would make it anew.
    revoked = Put(replace(before, live=False), before)
    return propose_facts(clerk, resident, [revoked], f"VK {vk} will no longer see {resident}")


def _link_of(reader: Reader, resident: Resident, vk: int) -> Link | None:
    return next((link for link in reader.links_of([resident.id]) if link.vk == vk), None)
