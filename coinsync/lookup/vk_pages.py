"""How many families a VK account can lead to their cabinet. Reads only."""

from __future__ import annotations

from coinsync.core.facts import Presence, VkPage
from coinsync.core.identity import VkKind, read_vk
from coinsync.core.people_report import LinkProblem, VkCoverage
from coinsync.core.planning.people import vk_number
from coinsync.store.reader import Reader


def vk_coverage(reader: Reader) -> VkCoverage:
    """What the cards of today's clients say of VK, and how many of them somebody sees."""
    merged = reader.survivors()
    pages = {page.resident: page for page in reader.all(VkPage)}
    seen = {link.resident for link in reader.links() if link.live}
    clients = filled = resolved = linked = 0
    unreached = []
    for client in reader.residents():
        # Nobody waits for the cabinet of a lead or of somebody in the archive.
        if client.presence is not Presence.CLIENT or client.id in merged:
            continue
        kind = read_vk(client.vk).kind
        number, _problem = vk_number(client.vk, pages.get(client.id))
        clients += 1
        filled += kind not in (VkKind.NOTHING, VkKind.HAS_NONE)
        resolved += bool(number)
        linked += client.id in seen
        if kind is VkKind.NOTHING and client.id not in seen:
            unreached.append(LinkProblem(client.id, client.name, "", "missing"))
    return VkCoverage(clients, filled, resolved, linked, tuple(unreached))
