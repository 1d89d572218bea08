"""How many families a VK account can lead to their cabinet. Reads only."""

from __future__ import annotations

from coinsync.core.facts import Presence, Resident, VkPage
from coinsync.core.identity import VkKind, read_vk
from coinsync.core.people_report import LinkProblem, VkCoverage
from coinsync.core.planning.people import vk_number
from coinsync.store.reader import Reader


def vk_coverage(reader: Reader) -> VkCoverage:
    """What the cards of today's clients say of VK, and how many of them somebody sees."""
    clients = _clients(reader)
    pages = {page.resident: page for page in reader.all(VkPage)}
    linked = {link.resident for link in reader.links() if link.live}
    filled = resolved = without_vk = unreached = 0
    for client in clients:
        kind = read_vk(client.vk).kind
        number, _problem = vk_number(client.vk, pages.get(client.id))
        has_page = kind not in (VkKind.NOTHING, VkKind.HAS_NONE)
        filled += has_page
        resolved += bool(number)
        without_vk += kind is VkKind.HAS_NONE
        unreached += kind is VkKind.NOTHING and client.id not in linked
    seen = sum(client.id in linked for client in clients)
    return VkCoverage(len(clients), filled, resolved, seen, without_vk, unreached)


def cards_without_page(reader: Reader) -> list[LinkProblem]:
    """Clients whose card says nothing of VK and whom no account sees; by name."""
    linked = {link.resident for link in reader.links() if link.live}
    problems = []
    for client in _clients(reader):
        if read_vk(client.vk).kind is VkKind.NOTHING and client.id not in linked:
            problems.append(LinkProblem(client.id, client.name, "", "missing"))
    return problems


def _clients(reader: Reader) -> list[Resident]:
    # Nobody waits for the cabinet of a lead or of somebody in the archive.
    merged = reader.survivors()
    clients = []
    for resident in reader.residents():
        if resident.presence is Presence.CLIENT and resident.id not in merged:
            clients.append(resident)
    return clients
