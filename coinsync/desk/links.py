"""Which VK account sees whom, as plans: link and revoke. Writes nothing."""

from __future__ import annotations

from dataclasses import replace

from coinsync.config import Settings
from coinsync.core.facts import Link, LinkSource, Resident
from coinsync.core.plan import Put
from coinsync.core.proposal import Author, Proposal
from coinsync.desk.gather import refuse_erased
from coinsync.desk.people import propose_facts
from coinsync.errors import NotFound
from coinsync.store.reader import Reader


def link(
    reader: Reader, settings: Settings, resident: Resident, vk: int, author: Author
) -> Proposal:
    """Plan that a VK account may see a resident."""
    refuse_erased(resident)
    before = _link_of(reader, resident, vk)
    if before is not None and before.live:
        already = f"VK {vk} sees #{resident.id} {resident.name} already"
        return propose_facts(settings, resident, (), author, already)
    words = [f"VK {vk} will see #{resident.id} {resident.name}"]
    others = [
        f"#{other.id} {other.name}"
        for other in reader.residents_of_visitor(vk)
        if other.id != resident.id
    ]
    if others:
        words.append(f"it also sees {', '.join(others)}")
    if before is not None:
        words.append("this link was revoked before")
    linked = Put(Link(vk, resident.id, LinkSource.DESK), before)
    return propose_facts(settings, resident, [linked], author, *words)


def revoke(
    reader: Reader, settings: Settings, resident: Resident, vk: int, author: Author
) -> Proposal:
    """Plan that a VK account no longer sees a resident, whatever the CRM's card says.

    The link stays as one that is not live. Were it dropped, the next sync would make it anew.
    """
    before = _link_of(reader, resident, vk)
    if before is None:
        raise NotFound(
            f"VK {vk} has no link to #{resident.id} {resident.name}",
            advice='"coinsync links list" shows all links.',
        )
    if not before.live:
        already = f"VK {vk} does not see #{resident.id} {resident.name} any more"
        return propose_facts(settings, resident, (), author, already)
    revoked = Put(replace(before, live=False), before)
    words = f"VK {vk} will no longer see #{resident.id} {resident.name}"
    return propose_facts(settings, resident, [revoked], author, words)


def _link_of(reader: Reader, resident: Resident, vk: int) -> Link | None:
    return next((link for link in reader.links_of([resident.id]) if link.vk == vk), None)
