"""Goods and their stock, as plans. Writes nothing."""

from collections.abc import Iterable, Sequence

from coinsync.core.catalog import Item, MoveKind, StockMove, after_loading, count_lost
from coinsync.core.files.catalog import COLUMNS
from coinsync.core.plan import Change, Coverage, Evidence, Plan, Purpose, Put, Stock
from coinsync.core.proposal import Proposal, scope_of
from coinsync.desk.gather import Clerk
from coinsync.errors import CoinPolicy, OutOfStock, PostedOtherwise


def propose_goods(
    clerk: Clerk,
    changes: Iterable[Change],
    *words: str,
    key: str = "",
    evidence: Evidence | None = None,
) -> Proposal:
    """A proposal about goods, stock or fairs; ``words`` say what it does."""
    plan = Plan.of(Purpose.CATALOG, scope_of(clerk.today()), changes, evidence=evidence)
    return Proposal(plan, words=words, key=key)


def load(clerk: Clerk, items: Sequence[Item]) -> Proposal:
    """Plan that the shop has exactly these goods; those left out are archived."""
    known = clerk.reader.all(Item)
    changes = after_loading(items, known)
    words = [_words_of_change(item, before) for item, before in changes] or ["no changes"]
    puts = [Put(item, before) for item, before in changes]
    shown = sum(item.shown and not item.archived for item in known)
    goods = Coverage(shown, len(items), count_lost(changes))
    return propose_goods(clerk, puts, *words, evidence=Evidence(goods=goods))


def _words_of_change(item: Item, before: Item | None) -> str:
    if before is None:
        return f"+ {item.code}  {item.name_ru}  {item.price}"
    if item.archived and not before.archived:
        return f"- {item.code}  {before.name_ru}  archived"
    words = ["back in the shop"] if before.archived and not item.archived else []
    for column in (*COLUMNS, "place"):
        old, new = getattr(before, column), getattr(item, column)
        if old != new:
            words.append(f"{column} {old} → {new}" if column == "price" else column)
    return f"~ {item.code}  {item.name_ru}  {', '.join(words)}"


def move_stock(
    clerk: Clerk, item: Item, kind: MoveKind, pieces: int, *, note: str = ""
) -> Proposal:
    """Plan that pieces come in, are written off, or were counted: then ``pieces`` are there.

    Raises ``CoinPolicy`` where stock is not counted, ``OutOfStock``, or ``PostedOtherwise`` for
    the key of another move.
    """
    # Goods of some branches are received there, and the day is theirs.
    day = clerk.day(item.branches)
    if not item.tracked:
        raise CoinPolicy.of("not_counted", item=item.code)
    reader, author = clerk.reader, clerk.author
    key = f"stock:{author.key}"
    recorded = next((move for _, move in reader.stock_moves(key=key)), None)
    if recorded is not None:
        # A count is kept as a difference, which does not tell what was counted.
        is_count = recorded.kind is MoveKind.COUNT
        same_pieces = is_count or abs(recorded.quantity) == pieces
        if (recorded.item, recorded.kind) != (item.code, kind) or not same_pieces:
            raise PostedOtherwise.of("other_move", key=author.key)
        words = f"recorded already: {recorded.quantity:+}"
        return propose_goods(clerk, (), words, key=key)
    left = reader.stock([item.code])[item.code]
    quantity = {MoveKind.COUNT: pieces - left, MoveKind.WRITE_OFF: -pieces}.get(kind, pieces)
    if quantity == 0:
        words = f"{item.code}  {item.name_ru}: {left} left, as counted"
        return propose_goods(clerk, (), words)
    if left + quantity < 0:
        raise OutOfStock.of("out_of_stock", item=item.code, left=left, needed=-quantity)
    move = StockMove(key, item.code, quantity, kind, day, author.actor, note)
    # A count is stale once a piece moves: it was held against the pieces that were left. The item
    # itself must still be there and counted, so it is put as it is.
    counted_against = left if kind is MoveKind.COUNT else None
    changes: list[Change] = [Put(item, item), Stock(move, counted_against)]
    words = f"{item.code}  {item.name_ru}: {left} {quantity:+} → {left + quantity}"
    return propose_goods(clerk, changes, words, key=key)
