"""Which cards lead a family to its cabinet, and which lead nowhere. Reads only."""

from coinsync.core.facts import Presence, VkPage
from coinsync.core.identity import VkKind, read_vk
from coinsync.core.people_report import LinkProblem, VkCoverage
from coinsync.core.planning.people import vk_number
from coinsync.lookup.residents import residents_of
from coinsync.store.reader import Reader


def vk_coverage(reader: Reader) -> VkCoverage:
    """What the cards of today's clients say of VK, and how many of them somebody sees.

    Problems are those of all cards, by name.
    """
    pages = {page.resident: page for page in reader.all(VkPage)}
    live_by_vk: dict[int, dict[int, bool]] = {}
    for link in reader.links():
        live_by_vk.setdefault(link.resident, {})[link.vk] = link.live
    clients = filled = resolved = linked = 0
    problems, unreached = [], []
    for card in residents_of(reader, None):
        if card.presence is Presence.ERASED:
            continue
        kind = read_vk(card.vk).kind
        vk, problem = vk_number(card.vk, pages.get(card.id))
        links = live_by_vk.get(card.id, {})
        if vk and vk not in links:
            # Nothing is linked anew in silence: a card that names another page than before waits
            # for a person, a first one for the next sync.
            problem = "changed" if links else "waiting"
        elif vk and not links[vk]:
            problem = "revoked"
        if problem:
            problems.append(LinkProblem(card.id, card.name, card.vk, problem))
        # Nobody waits for the cabinet of a lead or of somebody in the archive.
        if card.presence is Presence.CLIENT:
            clients += 1
            filled += kind not in (VkKind.NOTHING, VkKind.HAS_NONE)
            resolved += bool(vk)
            linked += any(links.values())
            if kind is VkKind.NOTHING and not any(links.values()):
                unreached.append(LinkProblem(card.id, card.name, "", "missing"))
    return VkCoverage(clients, filled, resolved, linked, tuple(unreached), tuple(problems))
