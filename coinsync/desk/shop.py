"""The shop, as plans: the catalog, stock, sales, refunds, fairs; and looking back at them. Writes nothing.

A sale is one plan: the buyers' debits, the move of stock and the lines of the sale, with the catalog's item among what
it relies on, so that a price that changed in between makes it stale instead of wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from coinsync.config import Settings
from coinsync.core.catalog import (
    Event,
    Item,
    MoveKind,
    Pick,
    RefundLine,
    Sale,
    SaleLine,
    StockMove,
    after_loading,
    shares,
)
from coinsync.core.facts import Presence, Resident
from coinsync.core.files.sheet import folded
from coinsync.core.identity import clean
from coinsync.core.ledger import BOUGHT, RETURNED, Entry, KeyState, Kind, Line, refund_key, sale_key
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Stock
from coinsync.core.proposal import Author, Move, Proposal, check_floors, moves_of, scope_of
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
    AlreadyReversed,
    Ambiguous,
    CoinPolicy,
    EventClosed,
    NotFound,
    OutOfStock,
    PostedOtherwise,
    UsageError,
)
from coinsync.store.reader import Reader

# --- catalog ---------------------------------------------------------------------------------------------------------


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


def load(reader: Reader, items: Sequence[Item], author: Author) -> Proposal:
    """Plan that the shop has exactly these goods: new and changed ones are put, those left out are archived."""
    changes = after_loading(items, reader.all(Item))
    words = tuple(_words_of_change(item, before) for item, before in changes)
    return Proposal(
        _plan_of_catalog([Put(item, before) for item, before in changes], author),
        words=words or ("no changes",),
    )


def put_item(reader: Reader, item: Item, author: Author) -> Proposal:
    """Plan to add or change one item."""
    before = next((one for one in reader.recorded(Item, [item.code])), None)
    if before == item:
        return Proposal(_plan_of_catalog((), author), words=("no changes",))
    return Proposal(
        _plan_of_catalog([Put(item, before)], author), words=(_words_of_change(item, before),)
    )


def _plan_of_catalog(changes: Iterable[Change], author: Author) -> Plan:
    return Plan.of(Purpose.CATALOG, scope_of(author.now.date()), changes)


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


# --- stock -----------------------------------------------------------------------------------------------------------


def move_stock(
    reader: Reader, item: Item, kind: MoveKind, pieces: int, author: Author, *, note: str = ""
) -> Proposal:
    """Plan that pieces come in, are written off, or were counted (then ``pieces`` is how many there are)."""
    if not item.tracked:
        raise CoinPolicy(
            f"the stock of {item.code} is not counted; nothing written",
            advice=f"coinsync catalog edit {item.code} --tracked",
        )
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
            _plan_of_catalog((), author), words=(f"recorded already: {posted.quantity:+}",), key=key
        )
    if quantity == 0:
        return Proposal(
            _plan_of_catalog((), author),
            words=(f"{item.code}  {item.name_ru}: {left} left, as counted",),
        )
    if left + quantity < 0:
        raise OutOfStock(
            f"{item.code}: {left} left, {-quantity} to be written off; nothing written"
        )
    move = StockMove(
        key, item.code, quantity, kind, author.day or author.now.date(), author.actor, note
    )
    words = (f"{item.code}  {item.name_ru}: {left} {quantity:+} → {left + quantity}",)
    # The plan relies on the item, which must be there and counted, and a count on the pieces that it was held against.
    stock = Stock(move, left if kind is MoveKind.COUNT else None)
    return Proposal(_plan_of_catalog([Put(item, item), stock], author), words=words, key=key)


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


# --- sales -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who pays; ``coins`` None pays what is left."""

    resident: Resident
    coins: int | None = None


def sell(
    reader: Reader,
    settings: Settings,
    picks: Sequence[Pick],
    buyers: Sequence[Buyer],
    author: Author,
    *,
    event: str = "",
    note: str = "",
) -> Proposal:
    """Plan one sale under the key of the hand: debits, stock and lines together.

    Raises ``NotEnoughCoins``, ``OutOfStock``, ``EventClosed``; a key that is sold already gives an empty plan, and
    ``PostedOtherwise`` where it stands for another sale.
    """
    done = _sold_before(reader, picks, buyers, author, event, note)
    if done is not None:
        return done
    _check_basket(picks, note)
    lines = _lines(author.key, picks)
    total = sum(line.coins for line in lines)
    if total == 0:
        raise UsageError("a sale of 0 coins is a gift; the shop keeps no gifts")
    day = author.day_by(settings.day_at(buyers[0].resident.branches, author.now))
    paid = _split(total, buyers)
    sale = Sale(author.key, day, event, author.actor)
    changes: list[Change] = [Put(sale), *map(Put, lines), *_relied(reader, picks, event)]
    changes += _stock_of_sale(reader, sale, picks)
    entries = [
        Entry(
            sale_key(sale.id, resident.id),
            1,
            resident.id,
            -coins,
            Kind.SALE,
            day,
            BOUGHT,
            author.actor,
            note=told,
        )
        for resident, coins in paid
        for told in [_told(lines, note)]
    ]
    moves = _moves(reader, settings, entries, [buyer.resident for buyer in buyers])
    check_floors(moves)
    plan = Plan.of(
        Purpose.SALE,
        scope_of(day),
        [*changes, *map(Post, entries)],
        basis=[KeyState(entry.key) for entry in entries],
    )
    return Proposal(plan, moves, (f"sale {sale.id}",), key=sale.id)


def _told(lines: Sequence[SaleLine], note: str) -> str:
    """What a family reads about a purchase."""
    goods = _goods(lines)
    text = f"{goods} ({note})" if note else goods
    return text if len(text) <= 200 else f"{text[:199]}…"


def _goods(lines: Iterable[SaleLine]) -> str:
    return ", ".join(
        f"{line.name_ru} × {line.quantity}" if line.quantity > 1 else line.name_ru for line in lines
    )


def _check_basket(picks: Sequence[Pick], note: str) -> None:
    if not picks:
        raise UsageError("nothing is chosen")
    for pick in picks:
        if pick.item.archived:
            raise CoinPolicy(f"{pick.item.code} is archived; nothing written")
        if pick.price is not None and pick.price != pick.item.price and not note:
            raise UsageError("another price than the catalog's needs a reason: --reason TEXT")


def _lines(sale: str, picks: Sequence[Pick]) -> list[SaleLine]:
    return [
        SaleLine(
            sale,
            number,
            pick.item.code,
            pick.item.name_ru,
            pick.item.name_en,
            pick.quantity,
            pick.item.price if pick.price is None else pick.price,
            pick.item.price,
        )
        for number, pick in enumerate(picks, 1)
    ]


def _split(total: int, buyers: Sequence[Buyer]) -> list[tuple[Resident, int]]:
    """Who pays how much: named amounts first, the rest by the one whose amount is not named."""
    if len({buyer.resident.id for buyer in buyers}) != len(buyers):
        raise UsageError("the same resident pays twice")
    named = sum(buyer.coins or 0 for buyer in buyers)
    open_ended = [buyer for buyer in buyers if buyer.coins is None]
    if named > total or (not open_ended and named != total):
        raise UsageError(f"the parts make {named} coins, the price is {total}")
    rest = total - named
    paid = [(one.resident, rest if one.coins is None else one.coins) for one in buyers]
    if any(one.presence is Presence.ERASED for one, _ in paid):
        raise CoinPolicy("an erased resident buys nothing; nothing written")
    return [(one, coins) for one, coins in paid if coins]


def _relied(reader: Reader, picks: Sequence[Pick], event: str) -> list[Change]:
    """Facts that must be as they are now when the sale is written: the goods with their prices, an open fair."""
    items = {pick.item.code: pick.item for pick in picks}
    relied: list[Change] = [Put(item, item) for item in items.values()]
    if event:
        found = open_event(reader, event)
        relied.append(Put(found, found))
    return relied


def open_event(reader: Reader, code: str) -> Event:
    """A fair to which sales may be booked. Raises ``NotFound`` or ``EventClosed``."""
    found = next(iter(reader.recorded(Event, [code])), None)
    if found is None:
        raise NotFound(
            f"no fair is called {code!r}", advice=f"coinsync shop open {code} --title TEXT"
        )
    if found.closed_on is not None:
        raise EventClosed(
            f"{code} was closed on {found.closed_on} by {found.closed_by}; nothing written"
        )
    return found


def _stock_of_sale(reader: Reader, sale: Sale, picks: Sequence[Pick]) -> list[Change]:
    wanted = Counter[str]()
    for pick in picks:
        if pick.item.tracked:
            wanted[pick.item.code] += pick.quantity
    left = reader.stock(wanted)
    for code, quantity in wanted.items():
        if left[code] < quantity:
            raise OutOfStock(f"{code}: {left[code]} left, {quantity} needed; nothing written")
    return [
        Stock(
            StockMove(
                f"sale:{sale.id}:{code}",
                code,
                -quantity,
                MoveKind.SALE,
                sale.happened_on,
                sale.actor,
                sale=sale.id,
            )
        )
        for code, quantity in wanted.items()
    ]


def _sold_before(
    reader: Reader,
    picks: Sequence[Pick],
    buyers: Sequence[Buyer],
    author: Author,
    event: str,
    note: str,
) -> Proposal | None:
    """The answer to a repeated key: sold already, or refused because it stands for another sale."""
    sale = next(iter(reader.recorded(Sale, [author.key])), None)
    if sale is None:
        return None
    lines = sorted(reader.recorded(SaleLine, [sale.id]), key=lambda one: one.line)
    # The catalog's price may have changed since; a price that was named then must be named again.
    wanted = [
        (pick.item.code, pick.quantity, line.listed if pick.price is None else pick.price)
        for pick, line in zip(picks, lines, strict=False)
    ]
    survivors, paid = reader.survivors(), Counter[int]()
    posted = [
        line for line in reader.paid([sale.id])[sale.id] if line.posted.entry.kind is Kind.SALE
    ]
    for line in posted:
        paid[survivors.get(line.posted.entry.resident, line.posted.entry.resident)] -= (
            line.posted.entry.coins
        )
    told = {line.note for line in posted if line.note}
    parts = {survivors.get(buyer.resident.id, buyer.resident.id): buyer.coins for buyer in buyers}
    same = (
        len(picks) == len(lines)
        and wanted == [(line.item, line.quantity, line.price) for line in lines]
        and set(paid) <= set(parts)
        and all(coins in (None, paid[one]) for one, coins in parts.items())
        and (sale.event, author.day or sale.happened_on) == (event, sale.happened_on)
        # Of erased buyers nobody knows any more what they were told.
        and told <= {_told(lines, note)}
    )
    if not same:
        payers = ", ".join(f"#{one}" for one in sorted(paid))
        raise PostedOtherwise(
            f"key {author.key} is another sale already: {_goods(lines)} for {payers}; nothing written"
        )
    plan = Plan.of(Purpose.SALE, scope_of(sale.happened_on), ())
    return Proposal(plan, words=(f"sold already: sale {sale.id}",), key=sale.id)


def _moves(
    reader: Reader, settings: Settings, entries: Sequence[Entry], people: Iterable[Resident]
) -> tuple[Move, ...]:
    survivors = reader.survivors()
    owners = {survivors.get(entry.resident, entry.resident) for entry in entries}
    residents = {one.id: one for one in people} | {
        one.id: one for one in reader.recorded(Resident, owners)
    }
    return moves_of(entries, reader.balances(owners), residents, survivors, settings.way_titles)


# --- refunds ---------------------------------------------------------------------------------------------------------


def refund(
    reader: Reader,
    settings: Settings,
    sale_id: str,
    numbers: Collection[int],
    author: Author,
    *,
    note: str,
) -> Proposal:
    """Plan to take a sale back, whole or by lines, each line once: coins to who paid, goods to the stock.

    Raises ``NotFound`` or ``AlreadyReversed``.
    """
    sale = find_sale(reader, sale_id)
    lines = {line.line: line for line in reader.recorded(SaleLine, [sale.id])}
    gone = {one.line for one in reader.recorded(RefundLine, [sale.id])}
    unknown = sorted(set(numbers) - set(lines))
    if unknown:
        raise NotFound(
            f"sale {sale.id} has no line {unknown[0]}", advice=f"coinsync shop sale {sale.id}"
        )
    wanted = sorted(set(numbers) or set(lines) - gone)
    if not wanted or set(wanted) & gone:
        which = f"line {min(set(wanted) & gone)} of sale" if wanted else "sale"
        raise AlreadyReversed(f"{which} {sale.id} is refunded already; nothing written")
    left = _left_of_payments(reader.paid([sale.id])[sale.id])
    people = {one.id: one for one in reader.recorded(Resident, left)}
    home = next((one.branches for one in people.values()), ())
    day = author.day_by(settings.day_at(home, author.now))
    if day < sale.happened_on:
        raise UsageError(f"--date {day} is before the sale, which was on {sale.happened_on}")
    back = [lines[number] for number in wanted]
    told = _told(back, note)
    # Of who is erased no note is kept.
    notes = {
        id: "" if id in people and people[id].presence is Presence.ERASED else told for id in left
    }
    entries = _given_back(sale, back, left, author, day, notes)
    stock = _stock_of_refund(reader, sale, back, author, day)
    changes: list[Change] = [
        Put(RefundLine(sale.id, number, day, author.actor)) for number in wanted
    ]
    # What each buyer gets hangs on what was given back before: any other refund of this sale makes the plan stale.
    keys = [refund_key(sale.id, number, one) for number in lines for one in left]
    now = reader.key_states(keys)
    plan = Plan.of(
        Purpose.SALE,
        scope_of(day),
        [*changes, *stock, *map(Post, entries)],
        basis=[now.get(key, KeyState(key)) for key in keys],
    )
    moves = _moves(reader, settings, entries, people.values())
    return Proposal(plan, moves, (f"sale {sale.id}: {_goods(back)} back",))


def find_sale(reader: Reader, text: str) -> Sale:
    """A sale by its key. Raises ``NotFound``."""
    found = next(iter(reader.recorded(Sale, [text.strip().lower()])), None)
    if found is None:
        raise NotFound(
            f"sale {text!r} does not exist", advice='"coinsync shop sales" shows the sales.'
        )
    return found


def _left_of_payments(payments: Iterable[Line]) -> dict[int, int]:
    """What each card paid for a sale and has not got back, in the order of the cards."""
    left = Counter[int]()
    for line in payments:
        left[line.posted.entry.resident] -= line.posted.entry.coins
    return dict(sorted(left.items()))


def _given_back(
    sale: Sale,
    back: Sequence[SaleLine],
    left: Mapping[int, int],
    author: Author,
    day: date,
    notes: Mapping[int, str],
) -> list[Entry]:
    """Refund entries: what ``left`` of the payments is, cut in proportion, so that all lines together give back all."""
    worth = sum(line.coins for line in back)
    if worth > sum(left.values()):
        raise CoinPolicy(
            f"sale {sale.id}: {worth} coins to be given back, {sum(left.values())} were paid; nothing written",
            advice="coinsync reconcile",
        )
    number = min(line.line for line in back)
    return [
        Entry(
            refund_key(sale.id, number, one),
            1,
            one,
            coins,
            Kind.REFUND,
            day,
            RETURNED,
            author.actor,
            note=notes[one],
        )
        for one, coins in zip(left, shares(worth, list(left.values())), strict=True)
        if coins
    ]


def _stock_of_refund(
    reader: Reader, sale: Sale, back: Sequence[SaleLine], author: Author, day: date
) -> list[Change]:
    """Goods come back to the stock as far as it was counted when they were sold."""
    counted = {
        move.item for _, move in reader.stock_moves(sale=sale.id) if move.kind is MoveKind.SALE
    }
    return [
        Stock(
            StockMove(
                f"refund:{sale.id}:{line.line}",
                line.item,
                line.quantity,
                MoveKind.REFUND,
                day,
                author.actor,
                sale=sale.id,
            )
        )
        for line in back
        if line.item in counted
    ]


# --- fairs -----------------------------------------------------------------------------------------------------------


def open_fair(reader: Reader, code: str, title: str, author: Author) -> Proposal:
    """Plan that sales may be booked to a fair."""
    before = next(iter(reader.recorded(Event, [code])), None)
    if before is not None:
        state = f"closed on {before.closed_on}" if before.closed_on else "open"
        return Proposal(_plan_of_catalog((), author), words=(f"{code} is there already, {state}",))
    event = Event(code, title, author.day or author.now.date())
    return Proposal(
        _plan_of_catalog([Put(event)], author), words=(f"{code}  {title}: open for sales",)
    )


def close_fair(reader: Reader, event: Event, author: Author) -> Proposal:
    """Plan that a fair is settled; what does not add up refuses it. Raises ``EventClosed`` or ``CoinPolicy``."""
    if event.closed_on is not None:
        raise EventClosed(
            f"{event.code} was closed on {event.closed_on} by {event.closed_by}; nothing written"
        )
    balance = settle(reader, event)
    if balance.differences:
        raise CoinPolicy(
            f"{event.code} does not add up: {'; '.join(balance.differences[:5])}; nothing written",
            advice=f"coinsync reconcile; coinsync shop sales --event {event.code}",
        )
    closed = replace(event, closed_on=author.day or author.now.date(), closed_by=author.actor)
    words = (
        f"{event.code}  {event.title}: {balance.sales} sales, lines refunded {balance.refunds}",
        f"coins taken {balance.taken} = fall of balances {balance.fallen} = sale lines {balance.lines}",
        *(
            f"{one.item}: received {one.received} − left {one.left} = sold {one.sold} + written off {one.written_off}"
            for one in balance.goods
        ),
    )
    return Proposal(_plan_of_catalog([Put(closed, event)], author), words=words)


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

    def worth(self, id: str) -> int:
        """Coins by the lines."""
        return sum(line.coins for line in self.kept(id))

    def taken(self, id: str) -> int:
        """Coins by the entries."""
        return -sum(line.posted.entry.coins for line in self.payments[id])

    def differences(self, id: str) -> list[str]:
        """Where lines, entries and moves of one sale do not agree."""
        found = []
        if self.worth(id) != self.taken(id):
            found.append(f"sale {id}: lines {self.worth(id)}, coins {self.taken(id)}")
        counted = {move.item for move in self.moves[id]}
        sold = sum(line.quantity for line in self.kept(id) if line.item in counted)
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


# --- looking back ----------------------------------------------------------------------------------------------------


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
