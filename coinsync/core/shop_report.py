"""What the shop shows: purchases, fairs, and what sells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from coinsync.core.catalog import Sale, SaleLine
from coinsync.core.ledger import Line


@dataclass(frozen=True, slots=True)
class Payment:
    """What one resident paid for a sale and did not get back."""

    resident: int
    name: str
    coins: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """One sale; ``refunded`` are numbers of lines, ``note`` is what the family reads."""

    sale: Sale
    lines: tuple[SaleLine, ...]
    payments: tuple[Payment, ...]
    refunded: frozenset[int]
    note: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a fair comes to: coins kept, pieces kept by item, and what differs."""

    sales: int
    refunds: int
    taken: int
    goods: Mapping[str, int]
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuyerLine:
    """What a resident bought in a span of days, and has left today."""

    resident: int
    name: str
    pieces: int
    spent: int
    balance: int


@dataclass(frozen=True, slots=True)
class ItemLine:
    """How an item sold; ``left`` None where stock is not counted."""

    item: str
    name: str
    pieces: int
    coins: int
    left: int | None


@dataclass(frozen=True, slots=True)
class ShopReport:
    """The shop in a span of days, the best sellers first."""

    since: date
    until: date
    buyers: tuple[BuyerLine, ...]
    items: tuple[ItemLine, ...]


def paid_by_card(
    payments: Iterable[Line], survivors: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Coins that a sale kept, by the card that paid or the one it goes on as."""
    owners = survivors or {}
    paid: dict[int, int] = {}
    for line in payments:
        entry = line.posted.entry
        card = owners.get(entry.resident, entry.resident)
        paid[card] = paid.get(card, 0) - entry.coins
    return dict(sorted(paid.items()))
