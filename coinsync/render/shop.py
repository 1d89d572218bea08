"""Catalog, stock, sales and fairs."""

from collections.abc import Mapping, Sequence

from coinsync.core.catalog import Event, Item, Pick, StockMove
from coinsync.core.files.catalog import COLUMNS, catalog_rows
from coinsync.core.proposal import Move
from coinsync.core.shop_report import BuyerLine, Purchase, ShopReport, Tally
from coinsync.render.data import as_data
from coinsync.render.listing import Grid, Listing, Page, Parts, TextLine, bold, dim, rows_of
from coinsync.render.numbers import day, signed, titled, total
from coinsync.staff_texts import columns, counted, phrase

STOCK_COLUMNS = ("code", "name", "left")
OF_MOVE = ("kind", "pieces", "left", "actor", "note", "sale", "key")
EVENT_COLUMNS = ("code", "title", "opened_on", "closed_on", "closed_by")
BUYER_COLUMNS = ("resident", "name", "pieces", "spent", "balance")
SALE_COLUMNS = (
    *("sale", "day", "event", "line", "item", "name", "pieces", "price", "listed"),
    *("refunded", "actor", "note", "made_at", "buyers"),
)


def catalog(goods: Sequence[Item], pieces: Mapping[str, int]) -> Listing:
    """Goods with the ``pieces`` of those that are counted; the CSV can be loaded again."""
    grid = Grid(("code", "name", "category", ">price", ">left", "branches", "", "picture"))
    data = []
    for item in goods:
        state = _state(item)
        data.append({**as_data(item), "left": pieces.get(item.code)})
        grid.add(
            item.code,
            TextLine(item.name_ru, "dim" if state else ""),
            item.category_ru,
            total(item.price),
            total(pieces[item.code]) if item.code in pieces else "",
            " ".join(map(str, item.branches)) or "all",
            dim(state),
            TextLine("yes" if item.picture else "no", "" if item.picture else "dim"),
        )
    page: Page = [grid, dim(counted(len(goods), "item"))]
    if not goods:
        page = ["no goods; catalog load FILE fills the shop"]
    return Listing(page, data, tuple(COLUMNS), catalog_rows(goods))


def _state(item: Item) -> str:
    if item.archived:
        return "archived"
    return "" if item.shown else "hidden"


def stock(goods: Sequence[Item], pieces: Mapping[str, int]) -> Listing:
    """How many pieces of what are left."""
    grid = Grid(("code", "name", ">left", ""))
    rows = []
    for item in goods:
        left = pieces[item.code]
        archived = "archived" if item.archived else ""
        grid.add(item.code, item.name_ru, total(left), dim(archived))
        rows.append((item.code, item.name_ru, left))
    everything = sum(pieces[item.code] for item in goods)
    footer = f"{counted(len(goods), 'item')} counted, {counted(everything, 'piece')} left"
    data = [dict(zip(STOCK_COLUMNS, row, strict=True)) for row in rows]
    return Listing([grid, dim(footer)], data, STOCK_COLUMNS, rows)


def stock_moves(item: Item, moves: Sequence[tuple[StockMove, int]]) -> Listing:
    """The moves of one item, each with what was left after it."""
    grid = Grid(("day", "what", ">pieces", ">left", "by", "why"))
    data, rows = [], []
    for move, left in moves:
        sale = f"sale {move.sale}" if move.sale else ""
        grid.add(
            day(move.happened_on),
            move.kind.value.replace("_", "-"),
            TextLine(signed(move.quantity), "red" if move.quantity < 0 else ""),
            total(left),
            move.actor,
            move.note or sale,
        )
        row = {**as_data(move), "left": left}
        data.append(row)
        rows.append([row[name] for name in ("day", *OF_MOVE)])
    heading = bold(f"{item.code}  {item.name_ru}")
    return Listing([heading, grid], data, ("day", *OF_MOVE), rows)


def goods_page(goods: Mapping[int, Item], pieces: Mapping[str, int]) -> Page:
    """The numbered goods of a till."""
    grid = Grid(columns("shelf"))
    for number, item in goods.items():
        left = pieces.get(item.code)
        name = TextLine(item.name_ru, "dim" if left == 0 else "")
        shown = "" if left is None else total(left)
        grid.add(str(number), name, dim(item.code), total(item.price), shown)
    return [grid] if goods else [phrase("empty_shelf")]


def basket_page(moves: Sequence[Move], picks: Sequence[Pick]) -> Page:
    """What is about to be sold, and the buyer's balance."""
    page: Parts = []
    for pick in picks:
        price = total(pick.item.price * pick.quantity)
        page.append(f"  {_pieces(pick.item.name_ru, pick.quantity)}  {price}")
    for move in moves:
        buyer = titled(move.resident, move.name)
        page.append(bold(f"  {buyer}   {total(move.before)} → {total(move.after)}"))
    return page


def _pieces(name: str, quantity: int) -> str:
    return f"{name} × {quantity}" if quantity > 1 else name


def sales(purchases: Sequence[Purchase]) -> Listing:
    """Sales; in a spreadsheet a row for each line."""
    grid = Grid(("sale", "made", "by", "buyer", "goods", ">coins", ""), whole=(0, 1))
    taken = 0
    rows = []
    for purchase in purchases:
        coins, of = purchase.coins, purchase.sale
        buyers = tuple(titled(payment.resident, payment.name) for payment in purchase.payments)
        taken += coins
        goods = ", ".join(_pieces(line.name_ru, line.quantity) for line in purchase.lines)
        remarks = " ".join(filter(None, (_given_back(purchase), of.event)))
        grid.add(of.id, purchase.made_at, of.actor, buyers, goods, total(coins), dim(remarks))
        for line in purchase.lines:
            row = (
                *(of.id, of.happened_on, of.event),
                *(line.line, line.item, line.name_ru, line.quantity, line.price, line.listed),
                *(int(line.line in purchase.refunded), of.actor, purchase.note),
                *(purchase.made_at, buyers),
            )
            rows.append(row)
    footer = f"{counted(len(purchases), 'sale')}, {total(taken)} coins"
    page: Page = [grid, dim(footer)] if purchases else ["no sales"]
    return Listing(page, purchases, SALE_COLUMNS, rows)


def _given_back(purchase: Purchase) -> str:
    if not purchase.refunded:
        return ""
    whole = len(purchase.refunded) == len(purchase.lines)
    later = " after closing" if purchase.is_late else ""
    return f"{'' if whole else 'partly '}refunded{later}"


def sale(purchase: Purchase) -> Listing:
    """One sale with its lines, and who paid."""
    of = purchase.sale
    fair = f"   {of.event}" if of.event else ""
    heading = f"sale {of.id}   {day(of.happened_on)}{fair}   by {of.actor} at {purchase.made_at}"
    page: Parts = [bold(heading)]
    if purchase.note:
        page.append(purchase.note)
    grid = Grid((">line", "item", "code", ">pieces", ">price", ">coins", ""))
    for line in purchase.lines:
        remarks = []
        if line.price != line.listed:
            remarks.append(f"catalog {total(line.listed)}")
        if line.line in purchase.refunded:
            remarks.append("refunded after closing" if purchase.is_late else "refunded")
        grid.add(
            str(line.line),
            line.name_ru,
            dim(line.item),
            total(line.quantity),
            total(line.price),
            total(line.coins),
            dim(", ".join(remarks)),
        )
    page.append(grid)
    for payment in purchase.payments:
        paid = total(payment.coins + payment.returned)
        back = f", {total(payment.returned)} given back" if payment.returned else ""
        page.append(f"{titled(payment.resident, payment.name)} paid {paid}{back}")
    return Listing(page, purchase)


def fairs(events: Sequence[Event]) -> Listing:
    """Fairs, and which of them are open."""
    grid = Grid(("event", "title", "opened", "closed"))
    for event in events:
        closed = f"{event.closed_on} by {event.closed_by}" if event.closed_on else "open"
        grid.add(event.code, event.title, event.opened_on.isoformat(), closed)
    page = [grid] if events else ["no fairs; shop open EVENT --title TEXT opens one"]
    return Listing(page, events, EVENT_COLUMNS, rows_of(events, EVENT_COLUMNS))


def report(of: ShopReport, *, every_line: bool) -> Listing:
    """What sells and what does not, who bought, and who has nothing; of a fair also who sold."""
    page: Parts = []
    if of.fair:
        page.append(bold(_heading_of_fair(of.fair)))
        taken = total(of.taken)
        page.append(phrase("fair_figures", sales=of.sales, taken=taken, refunds=of.refunds))
        if of.late:
            page.append(phrase("fair_late", late=of.late))
        page += [TextLine(difference, "bold red") for difference in of.differences]
        page += ["", _tally_grid("clerks", of.clerks), "", _tally_grid("hours", of.hours), ""]
    page += [*_goods_page(of), "", *_buyers_page(of.buyers, every_line=every_line)]
    return Listing(page, of, BUYER_COLUMNS, rows_of(of.buyers, BUYER_COLUMNS))


def _heading_of_fair(fair: Event) -> str:
    days = f"{fair.opened_on}"
    if fair.closed_on not in (None, fair.opened_on):
        days = f"{days} — {fair.closed_on}"
    return f"{fair.code}  {fair.title}   {days}"


def _tally_grid(id: str, tallies: Sequence[Tally]) -> Grid:
    grid = Grid(columns(id), whole=(0,))
    for tally in tallies:
        grid.add(tally.name, total(tally.sales), total(tally.coins))
    return grid


def _goods_page(of: ShopReport) -> Page:
    grid = Grid(columns("fair_goods" if of.fair else "shop_goods"))
    idle = 0
    for item in of.items:
        idle += not item.pieces
        left = "" if item.left is None else total(item.left)
        corrected = signed(item.counted) if item.counted else ""
        moved = (total(item.received), corrected) if of.fair else (left,)
        grid.add(item.name, dim(item.item), str(item.pieces), total(item.coins), *moved)
    return [grid, dim(phrase("idle_items", count=idle))]


def _buyers_page(buyers: Sequence[BuyerLine], *, every_line: bool) -> Page:
    shown = buyers
    if not every_line:
        bought = [buyer for buyer in buyers if buyer.pieces or buyer.spent]
        shown = sorted(bought, key=lambda buyer: -buyer.spent)
    grid = Grid(columns("buyers"))
    for buyer in shown:
        who = titled(buyer.resident, buyer.name)
        grid.add(who, str(buyer.pieces), total(buyer.spent), total(buyer.balance))
    idle = [buyer for buyer in buyers if not buyer.pieces]
    without = sum(buyer.balance <= 0 for buyer in idle)
    return [grid, dim(phrase("idle_buyers", count=len(idle), without=without))]
