"""Which cards of an made-up school belong to one VK account, read from the school itself."""

from coinsync.simulator import School


def vk_number(link: str | None) -> int | None:
    """The number in one of the written forms of the school's VK field; None for anything else."""
    name = (link or "").split("?")[0].rsplit("/", 1)[-1]
    digits = name.removeprefix("@").removeprefix("id")
    return int(digits) if digits.isascii() and digits.isdigit() else None


def families(school: School) -> list[tuple[int, tuple[int, ...]]]:
    """VK numbers, each with the cards whose VK field holds it, both in ascending order."""
    cards: dict[int, list[int]] = {}
    for card in school.tables.customers.values():
        number = vk_number(card.vk)
        if number is not None:
            cards.setdefault(number, []).append(card.id)
    return [(number, tuple(sorted(cards[number]))) for number in sorted(cards)]
