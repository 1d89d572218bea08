"""The shop as staff look at it: goods, sales, what residents bought, whether a fair adds up. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from coinsync.core.catalog import (
    Event,
    Item,
    MoveKind,
    RefundLine,
    Sale,
    SaleLine,
    SaleTotals,
    StockMove,
    totals_of_sale,
)
from coinsync.core.facts import Resident
from coinsync.core.files.sheet import folded
from coinsync.core.identity import clean
from coinsync.core.ledger import Line
from coinsync.core.shop_report import (
    BuyerLine,
    ItemLine,
    Payment,
    Purchase,
    Settlement,
    Shelf,
    ShopReport,
)
from coinsync.errors import (
    Ambiguous,
    NotFound,
)
from coinsync.store.reader import Reader


def find_item(reader: Reader, text: str) -> Item:
    """The item that a code, or a part of a name, means. Raises ``NotFound``, or ``Ambiguous`` with the candidates."""
    items = reader.all(Item)
    exact = [item for item in items if item.code == text.strip().lower()]
    found = exact or named([item for item in items if not item.archived], text)
    if not found:
        raise NotFound(
            f"no item answers to {clean(text)!r}", advice='"coinsync catalog list" shows the goods.'
        )
    if len(found) > 1:
        raise Ambiguous(
            f"{len(found)} items answer to {clean(text)!r}",
            [f"{item.code} {item.name_ru}" for item in found[:20]],
        )
    return found[0]


def named(goods: Iterable[Item], text: str) -> list[Item]:
    """The goods whose name is ``text``, else those whose name contains it; neither case nor "ё" makes a difference."""
    wanted = folded(text)
    if not any(map(str.isalnum, wanted)):
        return []
    names = {item: (folded(item.name_ru), folded(item.name_en)) for item in goods}
    whole = [item for item, both in names.items() if wanted in both]
    return whole or [item for item, both in names.items() if any(wanted in name for name in both)]


def shelf_for(reader: Reader, resident: Resident) -> dict[int, Item]:
    """The goods that a resident may buy, in the order of the catalog, each under its number there.

    A number means the same goods for everybody and all day long, be others sold out or not for this branch.
    """
    goods = sorted(
        (item for item in reader.all(Item) if item.shown), key=lambda item: (item.place, item.code)
    )
    return {
        number: item
        for number, item in enumerate((item for item in goods if not item.archived), 1)
        if not item.branches or not set(item.branches).isdisjoint(resident.branches)
    }


def find_sale(reader: Reader, text: str) -> Sale:
    """A sale by its key. Raises ``NotFound``."""
    found = next(iter(reader.recorded(Sale, [text.strip().lower()])), None)
    if found is None:
        raise NotFound(
            f"sale {text!r} does not exist", advice='"coinsync shop sales" shows the sales.'
        )
    return found


def purchases(reader: Reader, sales: Sequence[Sale]) -> list[Purchase]:
    """Sales as a person sees them: who bought what for how much, and what was taken back."""
    book = _book(reader, [sale.id for sale in sales])
    people = {line.posted.entry.resident for found in book.payments.values() for line in found}
    names = {one.id: one.name for one in reader.recorded(Resident, people)}
    return [
        Purchase(
            sale,
            tuple(sorted(book.lines[sale.id], key=lambda line: line.line)),
            tuple(
                Payment(one, names.get(one, ""), paid)
                for one, paid in sorted(_paid_by(book.payments[sale.id]).items())
            ),
            frozenset(one.line for one in book.refunds[sale.id]),
            next((line.note for line in book.payments[sale.id] if line.note), ""),
        )
        for sale in sales
    ]


def _paid_by(payments: Iterable[Line]) -> Counter[int]:
    paid = Counter[int]()
    for line in payments:
        paid[line.posted.entry.resident] -= line.posted.entry.coins
    return paid


def report(reader: Reader, residents: Sequence[Resident], since: date, until: date) -> ShopReport:
    """What these residents bought, spent and have left; best sellers among them, and goods that do not move."""
    survivors = reader.survivors()
    owners = {one.id for one in residents if one.id not in survivors}
    sales = reader.sales(since=since, until=until)
    book = _book(reader, [sale.id for sale in sales])
    spent, pieces, bought, coins = Counter[int](), Counter[int](), Counter[str](), Counter[str]()
    for sale in sales:
        paid = Counter[int]()
        for one, part in _paid_by(book.payments[sale.id]).items():
            paid[survivors.get(one, one)] += part
        if owners.isdisjoint(paid):
            continue
        spent.update(paid)
        for line in book.kept(sale.id):
            bought[line.item] += line.quantity
            coins[line.item] += line.coins
            for buyer in paid:
                pieces[buyer] += line.quantity
    items = [item for item in reader.all(Item) if bought[item.code] or not item.archived]
    left = reader.stock(item.code for item in items if item.tracked)
    balances = reader.balances(owners)
    return ShopReport(
        since,
        until,
        tuple(
            BuyerLine(one.id, one.name, pieces[one.id], spent[one.id], balances[one.id])
            for one in residents
            if one.id in owners
        ),
        tuple(
            ItemLine(
                item.code,
                item.name_ru,
                bought[item.code],
                coins[item.code],
                left[item.code] if item.tracked else None,
            )
            for item in sorted(items, key=lambda item: (-bought[item.code], item.place, item.code))
        ),
    )


def settle(reader: Reader, event: Event) -> Settlement:
    """Add a fair up in every way that must give the same; what does not is named."""
    ids = [sale.id for sale in reader.sales(event=event.code)]
    book = _book(reader, ids)
    differences = [text for id in ids for text in book.differences(id)]
    fallen = _fall_of_balances(reader, book)
    taken, worth = sum(map(book.taken, ids)), sum(map(book.worth, ids))
    if fallen != taken:
        differences.append(f"balances fell by {fallen}, the sales took {taken}")
    goods = [
        _shelf(reader, item)
        for item in sorted({line.item for id in ids for line in book.lines[id]})
    ]
    differences += [
        f"{one.item}: received {one.received} − left {one.left} is not sold {one.sold} + written off {one.written_off}"
        for one in goods
        if one.received - one.left != one.sold + one.written_off
    ]
    refunds = sum(map(len, book.refunds.values()))
    return Settlement(len(ids), refunds, taken, fallen, worth, tuple(goods), tuple(differences))


def _fall_of_balances(reader: Reader, book: _Book) -> int:
    """By how much balances fell through the shop while the fair went on, other sales aside.

    It asks the ledger and not the sales: a purchase that belongs to no sale is counted here and nowhere else.
    """
    numbers = [line.posted.n for found in book.payments.values() for line in found]
    if not numbers:
        return 0
    entries = [posted.entry for posted in reader.shop_entries(min(numbers), max(numbers))]
    others = {entry.key.split(":")[1] for entry in entries} - set(book.lines)
    elsewhere = {sale.id for sale in reader.recorded(Sale, others)}
    return -sum(entry.coins for entry in entries if entry.key.split(":")[1] not in elsewhere)


@dataclass(frozen=True, slots=True)
class _Book:
    """Sales with their lines, refunds, entries and moves of stock, by sale."""

    lines: Mapping[str, Sequence[SaleLine]]
    refunds: Mapping[str, Sequence[RefundLine]]
    payments: Mapping[str, Sequence[Line]]
    moves: Mapping[str, Sequence[StockMove]]

    def kept(self, id: str) -> list[SaleLine]:
        """The lines of a sale that were not taken back."""
        back = {one.line for one in self.refunds[id]}
        return [line for line in self.lines[id] if line.line not in back]

    def totals(self, id: str) -> SaleTotals:
        """What a sale moved by its lines."""
        return totals_of_sale(self.lines[id], {refund.line for refund in self.refunds[id]})

    def worth(self, id: str) -> int:
        """Coins by the lines."""
        return self.totals(id).coins_kept

    def taken(self, id: str) -> int:
        """Coins by the entries."""
        return -sum(line.posted.entry.coins for line in self.payments[id])

    def differences(self, id: str) -> list[str]:
        """Where lines, entries and moves of one sale do not agree."""
        found = []
        if self.worth(id) != self.taken(id):
            found.append(f"sale {id}: lines {self.worth(id)}, coins {self.taken(id)}")
        totals = self.totals(id)
        counted = {move.item for move in self.moves[id]}
        sold = sum(totals.pieces_kept(item) for item in counted)
        gone = -sum(move.quantity for move in self.moves[id])
        if sold != gone:
            found.append(f"sale {id}: {gone} pieces left the stock, {sold} were sold")
        return found


def _book(reader: Reader, ids: Sequence[str]) -> _Book:
    lines: dict[str, list[SaleLine]] = {id: [] for id in ids}
    refunds: dict[str, list[RefundLine]] = {id: [] for id in ids}
    moves: dict[str, list[StockMove]] = {id: [] for id in ids}
    for line in reader.recorded(SaleLine, ids):
        lines[line.sale].append(line)
    for one in reader.recorded(RefundLine, ids):
        refunds[one.sale].append(one)
    for _, move in reader.stock_moves():
        if move.sale in moves:
            moves[move.sale].append(move)
    return _Book(lines, refunds, reader.paid(ids), moves)


def _shelf(reader: Reader, item: str) -> Shelf:
    """What became of an item's pieces, as far as they are counted: sold by the lines of sales, the rest by moves."""
    moves = [move for _, move in reader.stock_moves(item=item)]
    counted = {move.sale for move in moves if move.kind is MoveKind.SALE}
    back = {(one.sale, one.line) for one in reader.recorded(RefundLine, counted)}
    lines = [line for line in reader.recorded(SaleLine, counted) if line.item == item]
    by_kind = Counter[MoveKind]()
    for move in moves:
        by_kind[move.kind] += move.quantity
    return Shelf(
        item,
        received=by_kind[MoveKind.RECEIVE] + by_kind[MoveKind.COUNT],
        written_off=-by_kind[MoveKind.WRITE_OFF],
        sold=sum(line.quantity for line in lines if (line.sale, line.line) not in back),
        left=reader.stock([item])[item],
    )
