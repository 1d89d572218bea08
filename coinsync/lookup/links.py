"""Which VK account sees whom, and which cards lead to no link. Reads only."""

from __future__ import annotations

from coinsync.core.facts import Presence, VkPage
from coinsync.core.people_report import LinkLine, LinkProblem
from coinsync.core.planning.people import vk_number
from coinsync.store.reader import Reader


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
