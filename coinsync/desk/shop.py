"""Sales and refunds, as plans. Writes nothing.

A sale is one plan: the buyers' debits, the move of stock and the lines of the sale, with the catalog's item among what
it relies on, so that a price that changed in between makes it stale instead of wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from coinsync.config import Settings
from coinsync.core.catalog import (
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
from coinsync.core.ledger import BOUGHT, RETURNED, Entry, KeyState, Kind, Line, refund_key, sale_key
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Stock
from coinsync.core.proposal import Author, Move, Proposal, check_floors, moves_of, scope_of
from coinsync.desk.fairs import open_event
from coinsync.errors import (
    AlreadyReversed,
    CoinPolicy,
    NotFound,
    PostedOtherwise,
    UsageError,
)
from coinsync.store.reader import Reader


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


def _stock_of_sale(reader: Reader, sale: Sale, picks: Sequence[Pick]) -> list[Change]:
    wanted = Counter[str]()
    for pick in picks:
        if pick.item.tracked:
            wanted[pick.item.code] += pick.quantity
    left = reader.stock(wanted)
    for code, quantity in wanted.items():
        refuse_sold_out(code, left[code], -quantity)
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


def refund(
    reader: Reader,
    settings: Settings,
    sale: Sale,
    numbers: Collection[int],
    author: Author,
    *,
    note: str,
) -> Proposal:
    """Plan to take a sale back, whole or by lines, each line once: coins to who paid, goods to the stock.

    Raises ``NotFound`` for a line that the sale has not, or ``AlreadyReversed``.
    """
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
