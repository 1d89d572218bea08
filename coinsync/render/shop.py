"""Catalog, stock, sales and fairs on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console

from coinsync.core.catalog import Event, Item, Pick, StockMove
from coinsync.core.facts import Resident
from coinsync.core.proposal import Move
from coinsync.core.shop_report import Purchase, ShopReport
from coinsync.render.terminal import coins, counted_noun, day, purse, show, table, text, total


def show_catalog(out: Console, goods: Sequence[Item], left: Mapping[str, int]) -> None:
    """Print goods with what is ``left`` of those whose stock is counted."""
    made = table(
        "code",
        "name",
        "category",
        "price",
        "left",
        "branches",
        "",
        "picture",
        right=("price", "left"),
    )
    for item in goods:
        state = item_state(item)
        made.add_row(
            text(item.code),
            text(item.name_ru, "" if state == "shown" else "dim"),
            text(item.category_ru),
            text(total(item.price)),
            text(total(left[item.code]) if item.code in left else ""),
            text(" ".join(map(str, item.branches)) or "all"),
            text("" if state == "shown" else state, "dim"),
            text("yes" if item.picture else "no", "" if item.picture else "dim"),
        )
    if not goods:
        out.print(text("no goods; catalog load FILE fills the shop, catalog add CODE adds to it"))
        return
    show(out, made)
    out.print(text(counted_noun(len(goods), "item"), "dim"))


def item_state(item: Item) -> str:
    """Whether a family sees the goods, staff alone does, or nobody any more."""
    return "archived" if item.archived else "shown" if item.shown else "hidden"


def show_stock(out: Console, goods: Sequence[Item], left: Mapping[str, int]) -> None:
    """Print how many pieces of what are left."""
    made = table("code", "name", "left", "", right=("left",))
    for item in goods:
        archived = "archived" if item.archived else ""
        made.add_row(
            text(item.code), text(item.name_ru), text(total(left[item.code])), text(archived, "dim")
        )
    show(out, made)
    out.print(
        text(
            f"{counted_noun(len(goods), 'item')} counted, {counted_noun(sum(left.values()), 'piece')} left",
            "dim",
        )
    )


def show_stock_moves(out: Console, item: Item, moves: Sequence[tuple[StockMove, int]]) -> None:
    """Print what happened to the stock of one item, the newest first, each with what was left after it."""
    out.print(text(f"{item.code}  {item.name_ru}", "bold"))
    made = table("day", "what", "pieces", "left", "by", "why", right=("pieces", "left"))
    for move, after in moves:
        why = move.note or (f"sale {move.sale}" if move.sale else "")
        made.add_row(
            text(day(move.happened_on)),
            text(move.kind.value.replace("_", "-")),
            text(coins(move.quantity), "red" if move.quantity < 0 else ""),
            text(total(after)),
            text(move.actor),
            text(why),
        )
    show(out, made)


def show_shelf(
    out: Console, buyer: Resident, balance: int, goods: Mapping[int, Item], left: Mapping[str, int]
) -> None:
    """Print a buyer's balance and the numbered goods; what cannot be had is said by a word, not by colour alone."""
    out.print(text(f"#{buyer.id} {buyer.name}".rstrip() + f"   balance {purse(balance)}", "bold"))
    made = table("", "item", "code", "price", "left", "", right=("", "price", "left"))
    for number, item in goods.items():
        why_not = (
            "sold out" if left.get(item.code) == 0 else "too dear" if item.price > balance else ""
        )
        made.add_row(
            text(number),
            text(item.name_ru, "dim" if why_not else ""),
            text(item.code, "dim"),
            text(total(item.price)),
            text(total(left[item.code]) if item.code in left else ""),
            text(why_not, "dim"),
        )
    show(out, made)


def show_basket(out: Console, moves: Sequence[Move], picks: Sequence[Pick]) -> None:
    """Print what is about to be sold, and what it does to the buyer's balance."""
    for pick in picks:
        price = pick.item.price * pick.quantity
        many = f" × {pick.quantity}" if pick.quantity > 1 else ""
        out.print(text(f"  {pick.item.name_ru}{many}  {total(price)}"))
    for move in moves:
        who = f"#{move.resident} {move.name}".rstrip()
        out.print(text(f"  {who}   {total(move.before)} → {total(move.after)}", "bold"))


def show_purchases(out: Console, purchases: Sequence[Purchase]) -> None:
    """Print sales with their lines."""
    if not purchases:
        out.print(text("no sales"))
        return
    made = table("sale", "day", "event", "buyer", "goods", "coins", "", right=("coins",))
    for one in purchases:
        buyers = ", ".join(f"#{paid.resident} {paid.name}".rstrip() for paid in one.payments)
        goods = ", ".join(
            f"{line.name_ru} × {line.quantity}" if line.quantity > 1 else line.name_ru
            for line in one.lines
        )
        back = (
            "refunded"
            if len(one.refunded) == len(one.lines)
            else "partly refunded"
            if one.refunded
            else ""
        )
        spent = sum(paid.coins for paid in one.payments)
        made.add_row(
            text(one.sale.id),
            text(one.sale.happened_on.isoformat()),
            text(one.sale.event),
            text(buyers),
            text(goods),
            text(total(spent)),
            text(back, "dim"),
        )
    show(out, made)
    coins_taken = sum(paid.coins for one in purchases for paid in one.payments)
    out.print(text(f"{counted_noun(len(purchases), 'sale')}, {total(coins_taken)} coins", "dim"))


def show_purchase(out: Console, one: Purchase) -> None:
    """Print one sale line by line, as a refund of single lines needs it."""
    sale = one.sale
    where = f"   {sale.event}" if sale.event else ""
    out.print(text(f"sale {sale.id}   {day(sale.happened_on)}{where}   by {sale.actor}", "bold"))
    if one.note:
        out.print(text(one.note))
    made = table(
        "line",
        "item",
        "code",
        "pieces",
        "price",
        "coins",
        "",
        right=("line", "pieces", "price", "coins"),
    )
    for line in one.lines:
        listed = f"catalog {total(line.listed)}" if line.price != line.listed else ""
        back = "refunded" if line.line in one.refunded else ""
        made.add_row(
            text(line.line),
            text(line.name_ru),
            text(line.item, "dim"),
            text(total(line.quantity)),
            text(total(line.price)),
            text(total(line.coins)),
            text(", ".join(filter(None, (listed, back))), "dim"),
        )
    show(out, made)
    for paid in one.payments:
        out.print(text(f"#{paid.resident} {paid.name}".rstrip() + f" paid {total(paid.coins)}"))


def show_events(out: Console, events: Sequence[Event]) -> None:
    """Print fairs."""
    if not events:
        out.print(text("no fairs; shop open EVENT --title TEXT opens one"))
        return
    made = table("event", "title", "opened", "closed")
    for one in events:
        closed = f"{one.closed_on} by {one.closed_by}" if one.closed_on else "open"
        made.add_row(text(one.code), text(one.title), text(one.opened_on.isoformat()), text(closed))
    show(out, made)


def show_shop(out: Console, report: ShopReport, *, every_line: bool) -> None:
    """Print what sells and what does not, who bought, and who has nothing."""
    made = table("item", "code", "sold", "coins", "left", right=("sold", "coins", "left"))
    for item in report.items:
        left = "" if item.left is None else total(item.left)
        made.add_row(
            text(item.name),
            text(item.item, "dim"),
            text(item.pieces),
            text(total(item.coins)),
            text(left),
        )
    show(out, made)
    idle = sum(not item.pieces for item in report.items)
    out.print(text(f"{counted_noun(idle, 'item')} did not move", "dim"))
    out.print()
    bought = [one for one in report.buyers if one.pieces or one.spent]
    shown = report.buyers if every_line else sorted(bought, key=lambda one: -one.spent)
    made = table("resident", "bought", "spent", "has left", right=("bought", "spent", "has left"))
    for one in shown:
        who = text(f"#{one.resident} {one.name}".rstrip())
        made.add_row(who, text(one.pieces), text(total(one.spent)), text(total(one.balance)))
    show(out, made)
    nothing = [one for one in report.buyers if not one.pieces]
    broke = sum(one.balance <= 0 for one in nothing)
    out.print(
        text(
            f"{counted_noun(len(nothing), 'resident')} bought nothing, {broke} of them have no coins",
            "dim",
        )
    )
