"""Sales and refunds, each as one plan of coins, stock and lines. Writes nothing."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from coinsync.core.catalog import (
    Event,
    MoveKind,
    Pick,
    RefundLine,
    Sale,
    SaleLine,
    StockMove,
    shares,
)
from coinsync.core.facts import Presence, Resident
from coinsync.core.floor import refuse_sold_out
from coinsync.core.ledger import (
    BOUGHT,
    RETURNED,
    Entry,
    KeyState,
    Kind,
    Survivors,
    refund_key,
    sale_key,
)
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Stock
from coinsync.core.proposal import Author, Proposal, scope_of
from coinsync.core.shop_report import paid_by_card
from coinsync.desk.fairs import open_event
from coinsync.desk.gather import Clerk, moves_of, refuse_erased
from coinsync.errors import AlreadyReversed, CoinPolicy, NotFound, PostedOtherwise, UsageError
from coinsync.staff_texts import phrase
from coinsync.store.reader import Reader

#: What a family reads about a purchase is cut there.
NOTE_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who pays; ``coins`` None pays what is left."""

    resident: Resident
    coins: int | None = None


def sell(
    clerk: Clerk,
    picks: Sequence[Pick],
    buyers: Sequence[Buyer],
    *,
    event: str = "",
    note: str = "",
) -> Proposal:
    """Plan one sale under the author's key; it is empty where the same is sold already.

    Raises ``NotEnoughCoins``, ``OutOfStock``, ``EventClosed``, ``PostedOtherwise``.
    """
    # The key was made before anything was asked: a sale whose answer was lost is tried again
    # under the same key, and is then found here.
    sold = _sold_already(clerk, picks, buyers, event, note)
    if sold is not None:
        return sold
    author = clerk.author
    lines = _sale_lines(author.key, picks, note)
    total = sum(line.coins for line in lines)
    if total == 0:
        raise UsageError("a sale of 0 coins is a gift; the shop keeps no gifts")
    today = _earliest_today(clerk, [buyer.resident for buyer in buyers])
    sale = Sale(author.key, author.day_by(today), event, author.actor)
    parts = _parts(total, buyers)
    conditions = _conditions(clerk.reader, picks, event)
    stock = _stock_of_sale(clerk.reader, sale, picks)
    text = _note_of_sale(lines, note)
    entries = [_payment(sale, resident.id, coins, text) for resident, coins in parts]
    moves = moves_of(clerk, entries)
    plan = Plan.of(
        Purpose.SALE,
        scope_of(sale.happened_on),
        [Put(sale), *map(Put, lines), *conditions, *stock, *map(Post, entries)],
        basis=[KeyState(entry.key) for entry in entries],
    )
    return Proposal(plan, moves, (phrase("sale", sale=sale.id),), key=sale.id)


def _earliest_today(clerk: Clerk, residents: Iterable[Resident]) -> date:
    """The day that has come for all of them: a sale has one day, its payers may have two."""
    days = [clerk.today(resident.branches) for resident in residents]
    return min(days, default=clerk.today())


def _sale_lines(sale: str, picks: Sequence[Pick], note: str) -> list[SaleLine]:
    if not picks:
        raise UsageError("nothing is chosen")
    lines = []
    for number, pick in enumerate(picks, 1):
        item = pick.item
        if item.archived:
            raise CoinPolicy.of("item_archived", item=item.code)
        price = item.price if pick.price is None else pick.price
        if price != item.price and not note:
            raise UsageError("another price than the catalog's needs a reason: --reason TEXT")
        line = SaleLine(
            sale, number, item.code, item.name_ru, item.name_en, pick.quantity, price, item.price
        )
        lines.append(line)
    return lines


def _note_of_sale(lines: Iterable[SaleLine], note: str) -> str:
    """What a family reads about a purchase, or about what came back of it."""
    goods = _names_of_goods(lines)
    text = f"{goods} ({note})" if note else goods
    return text if len(text) <= NOTE_LENGTH_MAX else f"{text[: NOTE_LENGTH_MAX - 1]}…"


def _names_of_goods(lines: Iterable[SaleLine]) -> str:
    names = []
    for line in lines:
        pieces = f" × {line.quantity}" if line.quantity > 1 else ""
        names.append(f"{line.name_ru}{pieces}")
    return ", ".join(names)


def _parts(total: int, buyers: Sequence[Buyer]) -> list[tuple[Resident, int]]:
    """Who pays how much: named amounts, and the rest by the buyer whose amount is not named."""
    coins_of = {buyer.resident: buyer.coins for buyer in buyers}
    if len(coins_of) != len(buyers):
        raise UsageError("the same resident pays twice")
    named = sum(coins or 0 for coins in coins_of.values())
    if named > total or (named < total and None not in coins_of.values()):
        raise UsageError(
            f"the parts make {named} coins, the price is {total}",
            advice="Name smaller parts; whoever is named without coins pays the rest.",
        )
    parts = []
    for resident, coins in coins_of.items():
        refuse_erased(resident)
        part = total - named if coins is None else coins
        if part:
            parts.append((resident, part))
    return parts


def _conditions(reader: Reader, picks: Iterable[Pick], event: str) -> list[Change]:
    """What must still be as it is now when the sale is written: goods, prices, an open fair."""
    # A change from a value to the same value writes nothing, and is stale once the value differs.
    items = {pick.item.code: pick.item for pick in picks}
    conditions: list[Change] = [Put(item, item) for item in items.values()]
    if event:
        fair = open_event(reader, event)
        conditions.append(Put(fair, fair))
    return conditions


def _stock_of_sale(reader: Reader, sale: Sale, picks: Iterable[Pick]) -> list[Change]:
    pieces = Counter[str]()
    for pick in picks:
        if pick.item.tracked:
            pieces[pick.item.code] += pick.quantity
    pieces_left = reader.stock(pieces)
    changes: list[Change] = []
    for code, quantity in pieces.items():
        refuse_sold_out(code, pieces_left[code], -quantity)
        key = f"sale:{sale.id}:{code}"
        move = StockMove(
            key, code, -quantity, MoveKind.SALE, sale.happened_on, sale.actor, sale=sale.id
        )
        changes.append(Stock(move))
    return changes


def _payment(sale: Sale, card: int, coins: int, note: str) -> Entry:
    key, day = sale_key(sale.id, card), sale.happened_on
    return Entry(key, 1, card, -coins, Kind.SALE, day, BOUGHT, sale.actor, note=note)


def _sold_already(
    clerk: Clerk, picks: Sequence[Pick], buyers: Sequence[Buyer], event: str, note: str
) -> Proposal | None:
    reader, author = clerk.reader, clerk.author
    sale = reader.find(Sale, author.key)
    if sale is None:
        return None
    lines = sorted(reader.recorded(SaleLine, [sale.id]), key=lambda line: line.line)
    entries = reader.paid([sale.id])[sale.id]
    payments = [line for line in entries if line.entry.kind is Kind.SALE]
    paid = paid_by_card(payments, reader.survivors())
    # An erased buyer's note is gone, and nothing is left to compare with.
    notes = {payment.note for payment in payments if payment.note}
    same = (
        _same_goods(picks, lines)
        and _same_payers(buyers, paid, reader.survivors())
        and sale.event == event
        and author.day in (None, sale.happened_on)
        and notes <= {_note_of_sale(lines, note)}
    )
    if not same:
        payers = ", ".join(f"#{card}" for card in sorted(paid))
        goods = _names_of_goods(lines)
        raise PostedOtherwise.of("other_sale", key=author.key, goods=goods, payers=payers)
    plan = Plan.of(Purpose.SALE, scope_of(sale.happened_on), ())
    return Proposal(plan, words=(phrase("sold_already", sale=sale.id),), key=sale.id)


def _same_goods(picks: Sequence[Pick], lines: Sequence[SaleLine]) -> bool:
    if len(picks) != len(lines):
        return False
    for pick, line in zip(picks, lines, strict=True):
        # The catalog's price may have changed since, so it is compared with the price of that day.
        # A price that was named then must be named again.
        price = line.listed if pick.price is None else pick.price
        if (pick.item.code, pick.quantity, price) != (line.item, line.quantity, line.price):
            return False
    return True


def _same_payers(buyers: Sequence[Buyer], paid: Mapping[int, int], survivors: Survivors) -> bool:
    """Whether everybody who paid is named, and every part that is named was paid."""
    parts = {}
    for buyer in buyers:
        parts[survivors[buyer.resident.id]] = buyer.coins
    if not paid.keys() <= parts.keys():
        return False
    return all(coins in (None, paid.get(card, 0)) for card, coins in parts.items())


def refund(clerk: Clerk, sale: Sale, numbers: Collection[int], *, note: str) -> Proposal:
    """Plan to take a sale back, whole or the lines with these ``numbers``, each line once.

    Raises ``NotFound`` for a line that the sale does not have, or ``AlreadyReversed``.
    """
    reader, author = clerk.reader, clerk.author
    lines = {line.line: line for line in reader.recorded(SaleLine, [sale.id])}
    chosen = _lines_to_refund(reader, sale, lines, numbers)
    paid = paid_by_card(reader.paid([sale.id])[sale.id])
    payers = reader.recorded(Resident, paid)
    day = author.day_by(_earliest_today(clerk, payers))
    if day < sale.happened_on:
        raise UsageError(f"--date {day} is before the sale, which was on {sale.happened_on}")
    notes = dict.fromkeys(paid, _note_of_sale(chosen, note))
    for payer in payers:
        # What staff type about somebody who is erased is not kept.
        if payer.presence is Presence.ERASED:
            notes[payer.id] = ""
    entries = _repayments(sale, chosen, paid, notes, author, day)
    stock = _stock_of_refund(reader, sale, chosen, author, day)
    refunded = [Put(RefundLine(sale.id, line.line, day, author.actor)) for line in chosen]
    # What each buyer gets hangs on what was given back before. So the plan relies on every key
    # that any refund of this sale may have, and another refund makes it stale.
    keys = [refund_key(sale.id, number, card) for number in lines for card in paid]
    states = reader.key_states(keys)
    plan = Plan.of(
        Purpose.SALE,
        scope_of(day),
        [*refunded, *stock, *map(Post, entries)],
        basis=[states.get(key, KeyState(key)) for key in keys],
    )
    words = [phrase("sale_back", sale=sale.id, goods=_names_of_goods(chosen))]
    fair = reader.find(Event, sale.event)
    if fair and fair.closed_on:
        words.append(phrase("fair_settled", event=fair.code, day=fair.closed_on))
    return Proposal(plan, moves_of(clerk, entries), tuple(words), key=sale.id)


def _lines_to_refund(
    reader: Reader, sale: Sale, lines: Mapping[int, SaleLine], numbers: Collection[int]
) -> list[SaleLine]:
    """The lines with these numbers, or all that are left where none is named."""
    unknown = sorted(set(numbers) - lines.keys())
    if unknown:
        raise NotFound.of("unknown_line", sale=sale.id, line=unknown[0])
    refunded = {refund.line for refund in reader.recorded(RefundLine, [sale.id])}
    if not numbers and lines.keys() <= refunded:
        raise AlreadyReversed.of("sale_refunded", sale=sale.id)
    twice = sorted(refunded & set(numbers))
    if twice:
        raise AlreadyReversed.of("line_refunded", line=twice[0], sale=sale.id)
    chosen = set(numbers) or lines.keys() - refunded
    return [lines[number] for number in sorted(chosen)]


def _repayments(
    sale: Sale,
    chosen: Sequence[SaleLine],
    paid: Mapping[int, int],
    notes: Mapping[int, str],
    author: Author,
    day: date,
) -> list[Entry]:
    # Coins are cut in proportion to what each card has left of its payment, and not to what it
    # paid at first: so all lines together give back all.
    worth = sum(line.coins for line in chosen)
    left = sum(paid.values())
    if worth > left:
        raise CoinPolicy.of("underpaid", sale=sale.id, worth=worth, paid=left)
    # The key names the first of the lines: each line comes back once, so no other refund has it.
    first = min(line.line for line in chosen)
    entries = []
    for card, coins in zip(paid, shares(worth, list(paid.values())), strict=True):
        if coins:
            key, actor, note = refund_key(sale.id, first, card), author.actor, notes[card]
            entry = Entry(key, 1, card, coins, Kind.REFUND, day, RETURNED, actor, note=note)
            entries.append(entry)
    return entries


def _stock_of_refund(
    reader: Reader, sale: Sale, chosen: Iterable[SaleLine], author: Author, day: date
) -> list[Change]:
    """Goods come back to the stock as far as it was counted when they were sold."""
    moves = [move for _, move in reader.stock_moves(sale=sale.id)]
    counted = {move.item for move in moves if move.kind is MoveKind.SALE}
    changes: list[Change] = []
    for line in chosen:
        if line.item in counted:
            key = f"refund:{sale.id}:{line.line}"
            move = StockMove(
                key, line.item, line.quantity, MoveKind.REFUND, day, author.actor, sale=sale.id
            )
            changes.append(Stock(move))
    return changes
