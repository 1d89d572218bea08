"""The shop as staff look at it: goods, sales, buyers, whether a fair adds up. Reads only."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo

from coinsync.core.catalog import (
    Event,
    Item,
    MoveKind,
    Sale,
    SaleLine,
    StockMove,
    named,
    quantities,
    totals_of_sale,
)
from coinsync.core.facts import Resident
from coinsync.core.ledger import Line
from coinsync.core.shop_report import BuyerLine, ItemLine, Payment, Purchase, ShopReport, Tally
from coinsync.errors import NotFound
from coinsync.lookup.residents import refuse_none_or_many
from coinsync.staff_texts import phrase
from coinsync.store.queries.ledger import N_MAX
from coinsync.store.reader import Reader

#: So many sales back a clerk may go to take one back at a till.
TAKEN_BACK_MAX = 50
#: As much of "2026-12-20 14:05" as tells the hour.
HOUR = len("2026-12-20 14")
#: The zone of the first of some branches.
ZoneOf = Callable[[Iterable[int]], tzinfo]


def find_item(reader: Reader, text: str) -> Item:
    """The item that a code or a part of a name means. Raises ``NotFound`` or ``Ambiguous``."""
    item = reader.find(Item, text.strip().lower())
    if item is not None:
        return item
    # Archived goods are found by their code alone: nobody means them by a name.
    matches = named([item for item in reader.all(Item) if not item.archived], text)
    candidates = [f"{item.code} {item.name_ru}" for item in matches]
    refuse_none_or_many("item", text, candidates, phrase("items_there"))
    return matches[0]


def shelf(reader: Reader) -> dict[int, Item]:
    """The goods that are shown, each under its number in the catalog."""
    # A number means the same goods for everybody and all day long, be others sold out or not for a
    # branch.
    goods = goods_of(reader, None, archived=False)
    return dict(enumerate((item for item in goods if item.shown), 1))


def find_sale(reader: Reader, text: str) -> Sale:
    """A sale by its key. Raises ``NotFound``."""
    sale = reader.find(Sale, text.strip().lower())
    if sale is None:
        raise NotFound.of("unknown_sale", key=repr(text))
    return sale


def last_sale(reader: Reader, actor: str, event: str) -> Sale | None:
    """The last sale of a clerk at a fair, or at none, of which something has not come back."""
    sales = [sale for sale in reader.sales(event=event) if sale.actor == actor]
    for purchase in reversed(purchases(reader, sales[-TAKEN_BACK_MAX:])):
        if purchase.stands:
            return purchase.sale
    return None


def purchases(
    reader: Reader, sales: Sequence[Sale], zone_of: ZoneOf = lambda _: UTC, last_run: int = N_MAX
) -> list[Purchase]:
    """Sales as they stood after a run: who bought what for how much, and what was taken back.

    Each at the time of the branch of who paid first.
    """
    closed_runs = {event.code: event.closed_run for event in reader.all(Event)}
    paid = reader.paid(sale.id for sale in sales)
    lines: dict[str, list[SaleLine]] = {id: [] for id in paid}
    for line in sorted(reader.recorded(SaleLine, paid), key=lambda line: line.line):
        lines[line.sale].append(line)
    refunds: dict[str, dict[int, int]] = {id: {} for id in paid}
    for (id, number), run in reader.refund_runs(paid).items():
        if run <= last_run:
            refunds[id][number] = run
    payers = _payers(reader, paid.values())
    bought = []
    for sale in sales:
        runs = refunds[sale.id]
        entries = [entry for entry in paid[sale.id] if entry.posted.run <= last_run]
        made_at = ""
        if entries:
            zone = zone_of(payers[entries[0].entry.resident].branches)
            moment = datetime.fromisoformat(entries[0].posted.posted_at).astimezone(zone)
            made_at = f"{moment:%Y-%m-%d %H:%M}"
        purchase = Purchase(
            sale,
            made_at,
            tuple(lines[sale.id]),
            _payments(entries, payers),
            frozenset(runs),
            max(runs.values(), default=0) > (closed_runs.get(sale.event) or N_MAX),
            next((entry.note for entry in entries if entry.note), ""),
        )
        bought.append(purchase)
    return bought


def _payers(reader: Reader, paid: Iterable[Sequence[Line]]) -> dict[int, Resident]:
    """Who paid, by the card that it was or goes on as."""
    cards = {line.entry.resident for entries in paid for line in entries}
    survivors = reader.survivors()
    residents = reader.residents_by_id(map(survivors.__getitem__, cards))
    return {card: residents[survivors[card]] for card in cards}


def _payments(entries: Iterable[Line], payers: Mapping[int, Resident]) -> tuple[Payment, ...]:
    kept, returned = Counter[Resident](), Counter[Resident]()
    for line in entries:
        entry = line.entry
        kept[payers[entry.resident]] -= entry.coins
        returned[payers[entry.resident]] += max(entry.coins, 0)
    payments = []
    for payer in sorted(kept, key=lambda payer: payer.id):
        payments.append(Payment(payer.id, payer.name, kept[payer], returned[payer]))
    return tuple(payments)


def report(
    reader: Reader,
    residents: Iterable[Resident],
    since: date = date.min,
    until: date = date.max,
    *,
    fair: Event | None = None,
    zone_of: ZoneOf = lambda _: UTC,
) -> ShopReport:
    """What these residents bought, spent and have left; of a fair only what happened during it."""
    survivors = reader.survivors()
    buyers = {resident.id: resident for resident in residents if resident.id not in survivors}
    sales = reader.sales(since=since, until=until, event=fair.code if fair else None)
    bought = []
    last_run = (fair.closed_run if fair else 0) or N_MAX
    for purchase in purchases(reader, sales, zone_of, last_run):
        payers = {payment.resident for payment in purchase.payments}
        # A sale whose payments are lost is nobody's, and the fair does not add up with it.
        if not payers or not payers.isdisjoint(buyers):
            bought.append(purchase)
    moves = [move for _, move in reader.stock_moves(fair=fair)] if fair else []
    refunds = sum(len(purchase.refunded) for purchase in bought)
    return ShopReport(
        since,
        until,
        _buyer_lines(reader, buyers, bought),
        _item_lines(reader, bought, moves, fair),
        fair,
        sales=sum(purchase.stands for purchase in bought),
        refunds=refunds,
        taken=sum(purchase.coins for purchase in bought),
        late=len(reader.refund_runs(purchase.sale.id for purchase in bought)) - refunds,
        clerks=_tallied(bought, lambda purchase: purchase.sale.actor),
        hours=_tallied(bought, lambda purchase: purchase.made_at[:HOUR]),
        differences=_differences(bought, moves) if fair else (),
    )


def _tallied(bought: Iterable[Purchase], name_of: Callable[[Purchase], str]) -> tuple[Tally, ...]:
    count, coins = Counter[str](), Counter[str]()
    for purchase in bought:
        count[name_of(purchase)] += purchase.stands
        coins[name_of(purchase)] += purchase.coins
    return tuple(Tally(name, count[name], coins[name]) for name in sorted(count))


def _buyer_lines(
    reader: Reader, buyers: Mapping[int, Resident], bought: Iterable[Purchase]
) -> tuple[BuyerLine, ...]:
    spent, pieces = Counter[int](), Counter[int]()
    for purchase in bought:
        for payment in purchase.payments:
            spent[payment.resident] += payment.coins
            # Who pays a part has the whole of it.
            pieces[payment.resident] += sum(line.quantity for line in purchase.kept_lines)
    balances = reader.balances(buyers)
    lines = []
    for id, buyer in buyers.items():
        lines.append(BuyerLine(id, buyer.name, pieces[id], spent[id], balances[id]))
    return tuple(lines)


def _item_lines(
    reader: Reader, bought: Iterable[Purchase], moves: Iterable[StockMove], fair: Event | None
) -> tuple[ItemLine, ...]:
    """Every item that is in the shop or was sold, at a fair only what moved; best sellers first."""
    sold, coins = Counter[str](), Counter[str]()
    for purchase in bought:
        sold.update(dict.fromkeys((line.item for line in purchase.lines), 0))
        for line in purchase.kept_lines:
            sold[line.item] += line.quantity
            coins[line.item] += line.coins
    received, counted = Counter[str](), Counter[str]()
    for move in moves:
        if move.kind is MoveKind.RECEIVE:
            received[move.item] += move.quantity
        elif not move.sale:
            counted[move.item] += move.quantity
    moved = {*sold, *received, *counted}
    items = [item for item in reader.all(Item) if item.code in moved or not (fair or item.archived)]
    items.sort(key=lambda item: (-sold[item.code], item.place, item.code))
    stock = reader.stock(item.code for item in items if item.tracked and not fair)
    lines = []
    for item in items:
        code = item.code
        figures = (sold[code], coins[code], stock.get(code), received[code], counted[code])
        lines.append(ItemLine(code, item.name_ru, *figures))
    return tuple(lines)


def _differences(bought: Iterable[Purchase], moves: Iterable[StockMove]) -> tuple[str, ...]:
    """Where coins and pieces that moved are not those of the lines of sales."""
    moves_of_sale: defaultdict[str, list[StockMove]] = defaultdict(list)
    for move in moves:
        moves_of_sale[move.sale].append(move)
    differences = []
    for purchase in bought:
        id, coins = purchase.sale.id, purchase.coins
        totals = totals_of_sale(purchase.lines, purchase.refunded)
        if totals.coins_kept != coins:
            kept = totals.coins_kept
            differences.append(phrase("coins_differ", sale=id, lines=kept, coins=coins))
        # Goods that nobody counted when they were sold have no moves.
        moved = quantities(moves_of_sale[id])
        gone = -moved.total()
        sold = sum(totals.pieces_sold[item] - totals.pieces_returned[item] for item in moved)
        if sold != gone:
            differences.append(phrase("pieces_differ", sale=id, gone=gone, sold=sold))
    return tuple(differences)


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
