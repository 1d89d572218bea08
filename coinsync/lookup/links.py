"""Which VK account sees whom, and which cards lead to no link. Reads only."""

from __future__ import annotations

from coinsync.core.facts import Presence, VkPage
from coinsync.core.people_report import LinkLine, LinkProblem
from coinsync.core.planning.people import vk_number
from coinsync.store.reader import Reader


def links(reader: Reader) -> list[LinkLine]:
    """All links with the names of residents, by account."""
    names = {resident.id: resident.name for resident in reader.residents()}
    return [
        LinkLine(link.vk, link.resident, names.get(link.resident, ""), link.source, link.live)
        for link in reader.links()
    ]


def link_problems(reader: Reader) -> list[LinkProblem]:
    """Cards whose VK page is not, or not any more, the account that sees the resident; by name."""
    merged = reader.survivors()
    pages = {page.resident: page for page in reader.all(VkPage)}
    live_by_vk: dict[int, dict[int, bool]] = {}
    for link in reader.links():
        live_by_vk.setdefault(link.resident, {})[link.vk] = link.live
    problems = []
    for resident in reader.residents():
        if resident.id in merged or resident.presence is Presence.ERASED:
            continue
        vk, problem = vk_number(resident.vk, pages.get(resident.id))
        links = live_by_vk.get(resident.id, {})
        if vk and vk not in links:
            # Nothing is linked anew in silence: a card that names another page than before waits
            # for a person, a first one for the next sync.
            problem = "changed" if links else "waiting"
        elif vk and not links[vk]:
            problem = "revoked"
        if problem:
            problems.append(LinkProblem(resident.id, resident.name, resident.vk, problem))
    return problems
