"""What the shop shows: purchases, fairs, and what sells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from coinsync.core.catalog import Event, Sale, SaleLine
from coinsync.core.ledger import Line


@dataclass(frozen=True, slots=True)
class Payment:
    """What one resident paid for a sale: ``coins`` that the shop kept, and what it gave back."""

    resident: int
    name: str
    coins: int
    returned: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """One sale, made at a local time; ``note`` is what the family reads.

    ``refunded`` are numbers of lines; ``is_late``: one came back after the fair was closed.
    """

    sale: Sale
    made_at: str
    lines: tuple[SaleLine, ...]
    payments: tuple[Payment, ...]
    refunded: frozenset[int]
    is_late: bool
    note: str

    @property
    def kept_lines(self) -> list[SaleLine]:
        """The lines that did not come back."""
        return [line for line in self.lines if line.line not in self.refunded]

    @property
    def stands(self) -> bool:
        """Whether it is still a sale: something of it did not come back."""
        return len(self.refunded) < len(self.lines)

    @property
    def coins(self) -> int:
        """Coins that the shop kept."""
        return sum(payment.coins for payment in self.payments)


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
    """How an item sold; ``left`` None where stock is not counted, and of a fair.

    ``received`` and ``counted``, what counts and write-offs corrected, are a fair's.
    """

    item: str
    name: str
    pieces: int
    coins: int
    left: int | None
    received: int = 0
    counted: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """Sales of a clerk or of an hour that stand, and the coins that they kept."""

    name: str
    sales: int
    coins: int


@dataclass(frozen=True, slots=True)
class ShopReport:
    """The shop in a span of days or at a fair, the best sellers first.

    ``late`` lines came back after a fair was closed and change nothing of it. ``differences`` say
    where its coins, goods and sales do not agree.
    """

    since: date
    until: date
    buyers: tuple[BuyerLine, ...]
    items: tuple[ItemLine, ...]
    fair: Event | None = None
    sales: int = 0
    refunds: int = 0
    taken: int = 0
    late: int = 0
    clerks: tuple[Tally, ...] = ()
    hours: tuple[Tally, ...] = ()
    differences: tuple[str, ...] = ()


def paid_by_card(
    payments: Iterable[Line], survivors: Mapping[int, int] | None = None
) -> dict[int, int]:
    """Coins that a sale kept, by the card that paid or the one it goes on as."""
    owners = survivors or {}
    paid: dict[int, int] = {}
    for line in payments:
        entry = line.entry
        card = owners.get(entry.resident, entry.resident)
        paid[card] = paid.get(card, 0) - entry.coins
    return dict(sorted(paid.items()))
