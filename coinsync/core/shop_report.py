"""What the shop shows, as values: purchases, fairs, and what sells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from coinsync.core.catalog import Sale, SaleLine
from coinsync.core.ledger import Line


@dataclass(frozen=True, slots=True)
class Payment:
    """What one resident paid for a sale, less what was given back."""

    resident: int
    name: str
    coins: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """One sale.

    ``refunded`` are the numbers of the lines that were taken back, ``note`` what the family reads.
    """

    sale: Sale
    lines: tuple[SaleLine, ...]
    payments: tuple[Payment, ...]
    refunded: frozenset[int]
    note: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where an item's pieces went; ``received`` includes what counting corrected."""

    item: str
    received: int
    written_off: int
    sold: int
    left: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a fair comes to: coins counted in three ways, goods by item, and what differs."""

    sales: int
    refunds: int
    taken: int
    fallen: int
    lines: int
    goods: tuple[Shelf, ...]
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuyerLine:
    """What a resident bought in a span of days, spent on it, and has left today."""

    resident: int
    name: str
    pieces: int
    spent: int
    balance: int


@dataclass(frozen=True, slots=True)
class ItemLine:
    """How an item sold in a span of days; ``left`` None where stock is not counted."""

    item: str
    name: str
    pieces: int
    coins: int
    left: int | None


@dataclass(frozen=True, slots=True)
class ShopReport:
    """The shop in a span of days: by resident, and by item, the best sellers first."""

    since: date
    until: date
    buyers: tuple[BuyerLine, ...]
    items: tuple[ItemLine, ...]


def paid_by_card(
    payments: Iterable[Line], survivors: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Coins paid and not given back by the lines of a sale and its refunds, in the order of cards.

    With ``survivors`` they are added up on the cards that go on, without on the cards that paid.
    """
    owners = survivors or {}
    paid: dict[int, int] = {}
    for line in payments:
        entry = line.posted.entry
        card = owners.get(entry.resident, entry.resident)
        paid[card] = paid.get(card, 0) - entry.coins
    return dict(sorted(paid.items()))
