"""The shop as staff look at it: goods, sales, buyers, whether a fair adds up. Reads only."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain

from coinsync.core import shop_report
from coinsync.core.catalog import (
    Event,
    Item,
    RefundLine,
    Sale,
    SaleLine,
    StockMove,
    quantities,
    totals_of_sale,
)
from coinsync.core.facts import Resident
from coinsync.core.identity import folded
from coinsync.core.ledger import Line
from coinsync.core.shop_report import Purchase, Settlement, ShopReport, paid_by_card
from coinsync.errors import NotFound
from coinsync.lookup.residents import refuse_none_or_many
from coinsync.store.reader import Reader


def find_item(reader: Reader, text: str) -> Item:
    """The item that a code or a part of a name means. Raises ``NotFound`` or ``Ambiguous``."""
    item = reader.find(Item, text.strip().lower())
    if item is not None:
        return item
    # Archived goods are found by their code alone: nobody means them by a name.
    matches = named([item for item in reader.all(Item) if not item.archived], text)
    candidates = [f"{item.code} {item.name_ru}" for item in matches]
    refuse_none_or_many("item", text, candidates, '"coinsync catalog list" shows the goods.')
    return matches[0]


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


def shelf_for(reader: Reader, resident: Resident) -> dict[int, Item]:
    """The goods that a resident may buy, each under its number in the catalog."""
    # A number means the same goods for everybody and all day long, be others sold out or not for
    # this branch.
    shown = [item for item in reader.all(Item) if item.shown and not item.archived]
    shown.sort(key=lambda item: (item.place, item.code))
    shelf = {}
    for number, item in enumerate(shown, 1):
        if item.is_sold_at(resident.branches):
            shelf[number] = item
    return shelf


@dataclass(frozen=True, slots=True)
class _RecordedSale:
    lines: list[SaleLine] = field(default_factory=list)
    refunded: set[int] = field(default_factory=set)
    entries: list[Line] = field(default_factory=list)


def _recorded_sales(reader: Reader, sales: Iterable[Sale]) -> dict[str, _RecordedSale]:
    ids = [sale.id for sale in sales]
    entries = reader.paid(ids)
    recorded_sales = {id: _RecordedSale(entries=entries[id]) for id in ids}
    for line in reader.recorded(SaleLine, ids):
        recorded_sales[line.sale].lines.append(line)
    for refund in reader.recorded(RefundLine, ids):
        recorded_sales[refund.sale].refunded.add(refund.line)
    return recorded_sales


def find_sale(reader: Reader, text: str) -> Sale:
    """A sale by its key. Raises ``NotFound``."""
    sale = reader.find(Sale, text.strip().lower())
    if sale is None:
        raise NotFound(
            f"sale {text!r} does not exist", advice='"coinsync shop sales" shows the sales.'
        )
    return sale


def purchases(reader: Reader, sales: Sequence[Sale]) -> list[Purchase]:
    """Sales as a person sees them: who bought what for how much, and what was taken back."""
    recorded_sales = _recorded_sales(reader, sales)
    paid = {id: paid_by_card(recorded.entries) for id, recorded in recorded_sales.items()}
    residents = reader.residents_by_id(chain.from_iterable(paid.values()))
    bought = []
    for sale in sales:
        recorded = recorded_sales[sale.id]
        payments = []
        for card, coins in paid[sale.id].items():
            name = residents[card].name if card in residents else ""
            payments.append(shop_report.Payment(card, name, coins))
        lines = tuple(sorted(recorded.lines, key=lambda line: line.line))
        note = next((entry.note for entry in recorded.entries if entry.note), "")
        refunded = frozenset(recorded.refunded)
        bought.append(Purchase(sale, lines, tuple(payments), refunded, note))
    return bought


def report(reader: Reader, residents: Sequence[Resident], since: date, until: date) -> ShopReport:
    """What these residents bought, spent and have left."""
    survivors = reader.survivors()
    buyers = {resident.id: resident for resident in residents if resident.id not in survivors}
    sales = _recorded_sales(reader, reader.sales(since=since, until=until))
    spent, pieces = Counter[int](), Counter[int]()
    sold, coins = Counter[str](), Counter[str]()
    for recorded in sales.values():
        paid = paid_by_card(recorded.entries, survivors)
        if buyers.keys().isdisjoint(paid):
            continue
        spent.update(paid)
        for line in recorded.lines:
            if line.line in recorded.refunded:
                continue
            sold[line.item] += line.quantity
            coins[line.item] += line.coins
            # Who pays a part has the whole of it.
            for card in paid:
                pieces[card] += line.quantity
    balances = reader.balances(buyers)
    buyer_lines = []
    for id, buyer in buyers.items():
        buyer_line = shop_report.BuyerLine(id, buyer.name, pieces[id], spent[id], balances[id])
        buyer_lines.append(buyer_line)
    # Every item that is in the shop or was sold; best sellers first.
    items = [item for item in reader.all(Item) if sold[item.code] or not item.archived]
    items.sort(key=lambda item: (-sold[item.code], item.place, item.code))
    stock = reader.stock(item.code for item in items)
    item_lines = []
    for item in items:
        code, left = item.code, stock[item.code] if item.tracked else None
        item_lines.append(shop_report.ItemLine(code, item.name_ru, sold[code], coins[code], left))
    return ShopReport(since, until, tuple(buyer_lines), tuple(item_lines))


def settle(reader: Reader, event: Event) -> Settlement:
    """Add up a fair's coins and pieces by sale lines, entries and moves; what differs is named."""
    sales = _recorded_sales(reader, reader.sales(event=event.code))
    moves: dict[str, list[StockMove]] = {id: [] for id in sales}
    for _, move in reader.stock_moves():
        if move.sale in moves:
            moves[move.sale].append(move)
    differences = []
    taken = refunds = 0
    goods = Counter[str]()
    for id, recorded in sales.items():
        totals = totals_of_sale(recorded.lines, recorded.refunded)
        coins = sum(paid_by_card(recorded.entries).values())
        if totals.coins_kept != coins:
            differences.append(f"sale {id}: lines {totals.coins_kept}, coins {coins}")
        # Goods that nobody counted when they were sold have no moves.
        moved = quantities(moves[id])
        sold, gone = sum(map(totals.pieces_kept, moved)), -sum(moved.values())
        if sold != gone:
            differences.append(f"sale {id}: {gone} pieces left the stock, {sold} were sold")
        for item in totals.pieces_sold:
            goods[item] += totals.pieces_kept(item)
        taken += coins
        refunds += len(recorded.refunded)
    return Settlement(len(sales), refunds, taken, dict(sorted(goods.items())), tuple(differences))


def goods_of(reader: Reader, branches: Collection[int] | None, *, archived: bool) -> list[Item]:
    """Goods as the catalog has them, the archived at the end; only those sold at ``branches``."""
    goods = []
    for item in reader.all(Item):
        sold_there = branches is None or item.is_sold_at(branches)
        if sold_there and (archived or not item.archived):
            goods.append(item)
    return sorted(goods, key=lambda item: (item.archived, item.place, item.code))


def stock(reader: Reader, branches: Collection[int] | None) -> tuple[list[Item], Mapping[str, int]]:
    """Goods whose stock is counted, and how many pieces there are of each."""
    goods = goods_of(reader, branches, archived=True)
    counted = [item for item in goods if item.tracked]
    pieces = reader.stock(item.code for item in counted)
    # Of what is archived only that matters which still lies there.
    return [item for item in counted if pieces[item.code] or not item.archived], pieces


def stock_moves(reader: Reader, item: Item) -> list[tuple[StockMove, int]]:
    """What happened to the stock of an item, newest first, each with the pieces after it."""
    moves = []
    pieces = 0
    for _, move in reader.stock_moves(item=item.code):
        pieces += move.quantity
        moves.append((move, pieces))
    moves.reverse()
    return moves
