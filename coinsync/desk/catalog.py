"""Goods and their stock, as plans. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from coinsync.config import Settings
from coinsync.core.catalog import (
    Item,
    MoveKind,
    StockMove,
    after_loading,
)
from coinsync.core.plan import Change, Plan, Purpose, Put, Stock
from coinsync.core.proposal import Author, Proposal, scope_of
from coinsync.errors import (
    CoinPolicy,
    OutOfStock,
    PostedOtherwise,
)
from coinsync.store.reader import Reader


def load(reader: Reader, settings: Settings, items: Sequence[Item], author: Author) -> Proposal:
    """Plan that the shop has exactly these goods: new and changed ones are put, those left out are archived."""
    changes = after_loading(items, reader.all(Item))
    words = tuple(_words_of_change(item, before) for item, before in changes)
    return Proposal(
        plan_of_catalog(settings, [Put(item, before) for item, before in changes], author),
        words=words or ("no changes",),
    )


def put_item(reader: Reader, settings: Settings, item: Item, author: Author) -> Proposal:
    """Plan to add or change one item."""
    before = next((one for one in reader.recorded(Item, [item.code])), None)
    if before == item:
        return Proposal(plan_of_catalog(settings, (), author), words=("no changes",))
    return Proposal(
        plan_of_catalog(settings, [Put(item, before)], author),
        words=(_words_of_change(item, before),),
    )


def plan_of_catalog(settings: Settings, changes: Iterable[Change], author: Author) -> Plan:
    """A plan of goods, stock or fairs: it belongs to the school's day, not to a resident's."""
    return Plan.of(Purpose.CATALOG, scope_of(settings.day_at((), author.now)), changes)


_FIELDS = (
    ("name_ru", "name"),
    ("name_en", "English name"),
    ("category_ru", "category"),
    ("category_en", "English category"),
    ("text_ru", "text"),
    ("text_en", "English text"),
    ("price", "price"),
    ("branches", "branches"),
    ("picture", "picture"),
    ("place", "place"),
    ("shown", "shown"),
    ("tracked", "stock counted"),
)


def _words_of_change(item: Item, before: Item | None) -> str:
    """What happens to one item, in a line."""
    if before is None:
        return f"+ {item.code}  {item.name_ru}  {item.price}"
    if item.archived and not before.archived:
        return f"- {item.code}  {before.name_ru}  archived"
    changed = [
        f"{noun} {getattr(before, field)} → {getattr(item, field)}" if field == "price" else noun
        for field, noun in _FIELDS
        if getattr(before, field) != getattr(item, field)
    ]
    if before.archived and not item.archived:
        changed = ["back in the shop", *changed]
    return f"~ {item.code}  {item.name_ru}  {', '.join(changed)}"


def move_stock(
    reader: Reader,
    settings: Settings,
    item: Item,
    kind: MoveKind,
    pieces: int,
    author: Author,
    *,
    note: str = "",
) -> Proposal:
    """Plan that pieces come in, are written off, or were counted (then ``pieces`` is how many there are)."""
    if not item.tracked:
        raise CoinPolicy(
            f"the stock of {item.code} is not counted; nothing written",
            advice=f"coinsync catalog edit {item.code} --tracked",
        )
    day = author.day_by(settings.day_at(item.branches, author.now))
    key = f"stock:{author.key}"
    left = reader.stock([item.code])[item.code]
    quantity = {MoveKind.RECEIVE: pieces, MoveKind.WRITE_OFF: -pieces}.get(kind, pieces - left)
    posted = next((move for _, move in reader.stock_moves(key=key)), None)
    if posted is not None:
        if (posted.item, posted.kind) != (item.code, kind) or pieces != _pieces_said(
            reader, posted
        ):
            raise PostedOtherwise(
                f"key {author.key} is another move of stock already; nothing written"
            )
        return Proposal(
            plan_of_catalog(settings, (), author),
            words=(f"recorded already: {posted.quantity:+}",),
            key=key,
        )
    if quantity == 0:
        return Proposal(
            plan_of_catalog(settings, (), author),
            words=(f"{item.code}  {item.name_ru}: {left} left, as counted",),
        )
    if left + quantity < 0:
        raise OutOfStock(
            f"{item.code}: {left} left, {-quantity} to be written off; nothing written"
        )
    move = StockMove(key, item.code, quantity, kind, day, author.actor, note)
    words = (f"{item.code}  {item.name_ru}: {left} {quantity:+} → {left + quantity}",)
    # The plan relies on the item, which must be there and counted, and a count on the pieces that it was held against.
    stock = Stock(move, left if kind is MoveKind.COUNT else None)
    return Proposal(
        plan_of_catalog(settings, [Put(item, item), stock], author), words=words, key=key
    )


def _pieces_said(reader: Reader, move: StockMove) -> int:
    """The number that was typed for a move: so many more, so many fewer, or how many there were."""
    if move.kind is not MoveKind.COUNT:
        return abs(move.quantity)
    there = 0
    for _, one in reader.stock_moves(item=move.item):
        there += one.quantity
        if one.key == move.key:
            break
    return there
