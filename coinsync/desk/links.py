"""Which VK account sees whom, as plans: link and revoke. Writes nothing."""

from __future__ import annotations

from dataclasses import replace

from coinsync.config import Settings
from coinsync.core.facts import (
    Link,
    LinkSource,
    Resident,
)
from coinsync.core.plan import Put
from coinsync.core.proposal import Author, Proposal
from coinsync.desk.gather import (
    refuse_erased,
)
from coinsync.desk.people import plan_of_facts
from coinsync.errors import (
    NotFound,
)
from coinsync.store.reader import Reader


def link(
    reader: Reader, settings: Settings, resident: Resident, vk: int, author: Author
) -> Proposal:
    """Plan that a VK account may see a resident."""
    refuse_erased(resident)
    before = next((one for one in reader.links_of([resident.id]) if one.vk == vk), None)
    others = [one for one in reader.residents_of_visitor(vk) if one.id != resident.id]
    if before is not None and before.live:
        return Proposal(
            plan_of_facts(settings, resident, (), author),
            words=(f"VK {vk} sees #{resident.id} {resident.name} already",),
        )
    words = [f"VK {vk} will see #{resident.id} {resident.name}"]
    if others:
        words.append("it also sees " + ", ".join(f"#{one.id} {one.name}" for one in others))
    if before is not None:
        words.append("this link was revoked before")
    return Proposal(
        plan_of_facts(
            settings, resident, [Put(Link(vk, resident.id, LinkSource.DESK), before)], author
        ),
        words=tuple(words),
    )


def revoke(
    reader: Reader, settings: Settings, resident: Resident, vk: int, author: Author
) -> Proposal:
    """Plan that a VK account no longer sees a resident; it stays so whatever the CRM's card says."""
    before = next((one for one in reader.links_of([resident.id]) if one.vk == vk), None)
    if before is None:
        raise NotFound(
            f"VK {vk} has no link to #{resident.id} {resident.name}",
            advice='"coinsync links list" shows all links.',
        )
    if not before.live:
        return Proposal(
            plan_of_facts(settings, resident, (), author),
            words=(f"VK {vk} does not see #{resident.id} {resident.name} any more",),
        )
    words = (f"VK {vk} will no longer see #{resident.id} {resident.name}",)
    return Proposal(
        plan_of_facts(settings, resident, [Put(replace(before, live=False), before)], author),
        words=words,
    )
