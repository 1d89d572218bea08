"""The shop's goods and what happens to them. Stock only grows, like a ledger."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from coinsync.core.facts import Fact
from coinsync.core.identity import folded

CODE_LENGTH_MAX = 40
NAME_LENGTH_MAX = 120
TEXT_LENGTH_MAX = 1_000
PRICE_MAX = 1_000_000
QUANTITY_MAX = 1_000_000

#: What of an item a file may leave empty.
_TEXTS = ("category_ru", "category_en", "text_ru", "text_en", "branches", "picture")
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Item(Fact):
    """One of the shop's goods; no ``branches`` means all.

    ``tracked``: stock is counted; ``picture`` names the web copy.
    """

    code: str
    name_ru: str
    name_en: str
    category_ru: str
    category_en: str
    text_ru: str
    text_en: str
    price: int
    branches: tuple[int, ...]
    picture: str
    place: int
    shown: bool
    tracked: bool
    archived: bool = False

    def is_sold_at(self, branches: Collection[int]) -> bool:
        """Whether somebody of these branches may buy it."""
        return not self.branches or not set(self.branches).isdisjoint(branches)


class MoveKind(StrEnum):
    """Why stock moved; ``COUNT`` corrects it to what was counted."""

    RECEIVE = "receive"
    SALE = "sale"
    REFUND = "refund"
    WRITE_OFF = "write_off"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class StockMove:
    """Pieces of an item more, or fewer; a ``key`` is used once."""

    key: str
    item: str
    quantity: int
    kind: MoveKind
    happened_on: date
    actor: str
    note: str = ""
    sale: str = ""

    def __post_init__(self) -> None:
        if type(self.quantity) is not int or self.quantity == 0:
            raise ValueError(f"stock moves by a whole number and not 0, got {self.quantity!r}")


@dataclass(frozen=True, slots=True)
class Pick:
    """So many of an item; ``price`` where it is not the catalog's."""

    item: Item
    quantity: int
    price: int | None = None


@dataclass(frozen=True, slots=True)
class Sale(Fact):
    """One purchase; entries under its key say who paid.

    Nothing that staff type stands here: a note can be erased, a sale cannot.
    """

    id: str
    happened_on: date
    event: str
    actor: str


@dataclass(frozen=True, slots=True)
class SaleLine(Fact):
    """So many of one item at ``price``; ``listed`` was the catalog's."""

    sale: str
    line: int
    item: str
    name_ru: str
    name_en: str
    quantity: int
    price: int
    listed: int

    @property
    def coins(self) -> int:
        """What the line costs."""
        return self.quantity * self.price


@dataclass(frozen=True, slots=True)
class RefundLine(Fact):
    """A line of a sale that was taken back, whole and once."""

    sale: str
    line: int
    happened_on: date
    actor: str


@dataclass(frozen=True, slots=True)
class Event(Fact):
    """A fair; sales are booked to it until it is closed.

    ``opened_run`` and ``closed_run`` are the last runs before that: whatever the clocks say, they
    tell what happened during it.
    """

    code: str
    title: str
    opened_on: date
    closed_on: date | None = None
    closed_by: str = ""
    opened_run: int = 0
    closed_run: int = 0


def is_code(text: str) -> bool:
    """Whether a text may be the code of an item or an event."""
    return len(text) <= CODE_LENGTH_MAX and _CODE.fullmatch(text) is not None


def named(goods: Iterable[Item], text: str) -> list[Item]:
    """The goods whose name is ``text``, else those whose name contains it."""
    wanted = folded(text)
    if not any(map(str.isalnum, wanted)):
        return []
    whole, partly = [], []
    for item in goods:
        name_ru, name_en = folded(item.name_ru), folded(item.name_en)
        if wanted in (name_ru, name_en):
            whole.append(item)
        elif wanted in name_ru or wanted in name_en:
            partly.append(item)
    return whole or partly


def after_loading(wanted: Iterable[Item], known: Iterable[Item]) -> list[tuple[Item, Item | None]]:
    """What a catalog changes, as (new, old); what is left out is archived."""
    before = {item.code: item for item in known}
    after = {item.code: item for item in wanted}
    changes = []
    for code, item in after.items():
        if item != before.get(code):
            changes.append((item, before.get(code)))
    for code, item in before.items():
        # Sales name their goods, so nothing that was ever sold may go.
        if code not in after and not item.archived:
            changes.append((replace(item, archived=True), item))
    return changes


def count_lost(changes: Iterable[tuple[Item, Item | None]]) -> int:
    """How many goods that families see a catalog takes away, or empties of a text or picture."""
    lost = 0
    for item, before in changes:
        if before is None or before.archived or not before.shown:
            continue
        is_gone = item.archived or not item.shown
        is_emptied = any(getattr(before, name) and not getattr(item, name) for name in _TEXTS)
        # An English name that is left out is the Russian one.
        is_unnamed = before.name_en != before.name_ru and item.name_en == item.name_ru
        lost += is_gone or is_emptied or is_unnamed
    return lost


def shares(total: int, paid: Sequence[int]) -> list[int]:
    """Cut ``total`` in proportion to what was ``paid``, in whole coins.

    The largest remainders get what is left over, the earlier first. ``ValueError`` when more is to
    be given back than was paid.
    """
    paid_by_all = sum(paid)
    if not 0 <= total <= paid_by_all:
        raise ValueError(f"{total} of {paid_by_all}")
    if not paid_by_all:
        return [0] * len(paid)
    parts = [total * amount // paid_by_all for amount in paid]
    coins_over = total - sum(parts)
    # Sorting keeps the earlier of two equal remainders first.
    places = sorted(range(len(paid)), key=lambda place: -(total * paid[place] % paid_by_all))
    for place in places[:coins_over]:
        parts[place] += 1
    return parts


def quantities(moves: Iterable[StockMove]) -> Counter[str]:
    """Pieces by item, added up."""
    pieces = Counter[str]()
    for move in moves:
        pieces[move.item] += move.quantity
    return pieces


@dataclass(frozen=True, slots=True)
class SaleTotals:
    """What a sale moved by its lines: coins, and pieces by item."""

    coins_paid: int
    coins_returned: int
    pieces_sold: Counter[str]
    pieces_returned: Counter[str]

    @property
    def coins_kept(self) -> int:
        """Coins that were not given back."""
        return self.coins_paid - self.coins_returned


def totals_of_sale(lines: Iterable[SaleLine], refunded: Collection[int]) -> SaleTotals:
    """Add up the lines of a sale; ``refunded`` are their numbers."""
    coins_paid = coins_returned = 0
    pieces_sold, pieces_returned = Counter[str](), Counter[str]()
    for line in lines:
        coins_paid += line.coins
        pieces_sold[line.item] += line.quantity
        if line.line in refunded:
            coins_returned += line.coins
            pieces_returned[line.item] += line.quantity
    return SaleTotals(coins_paid, coins_returned, pieces_sold, pieces_returned)
