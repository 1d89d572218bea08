"""Questions about the shop: goods, stock, sales and what was paid for them."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from peewee import JOIN

from coinsync.core.catalog import Event, Item, MoveKind, Sale, StockMove
from coinsync.core.ledger import Line
from coinsync.store import statements
from coinsync.store.models import NoteRow, SaleRow, StockMoveRow
from coinsync.store.queries.base import BATCH, select_facts
from coinsync.store.queries.ledger import LedgerQueries
from coinsync.store.rows import TABLES, day_of


class ShopQueries(LedgerQueries):
    """Goods, stock and sales."""

    def shelf(self, limit: int) -> list[tuple[Item, int]]:
        """The goods that families see, with how many are left, in the order of the catalog."""
        shelf: list[tuple[Item, int]] = []
        for *item, pieces in self._constant(statements.SHELF, [limit]):
            shelf.append((TABLES[Item].value(item), int(pieces)))
        return shelf

    def stock(self, items: Iterable[str]) -> dict[str, int]:
        """Pieces left of items, 0 of those that never moved."""
        stock = dict.fromkeys(sorted(set(items)), 0)
        for code, pieces in self._constant_in(statements.STOCK, list(stock)):
            stock[code] = int(pieces)
        return stock

    def stock_keys(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys under which stock has moved already."""
        return {key for (key,) in self._constant_in(statements.STOCK_KEYS, keys)}

    def stock_moves(
        self,
        *,
        item: str | None = None,
        sale: str | None = None,
        key: str | None = None,
        fair: Event | None = None,
    ) -> list[tuple[int, StockMove]]:
        """Moves of stock with their numbers: all, of an item, of a sale, under a key, or during a
        fair.
        """
        # The note of a move lies under its number turned round, beside those of entries.
        query = (
            StockMoveRow.select(StockMoveRow, NoteRow.text)
            .join(NoteRow, JOIN.LEFT_OUTER, on=(NoteRow.n == StockMoveRow.n * -1))
            .order_by(StockMoveRow.n)
        )
        if item:
            query = query.where(StockMoveRow.item == item)
        if sale:
            query = query.where(StockMoveRow.sale == sale)
        if key:
            query = query.where(StockMoveRow.op_key == key)
        if fair:
            query = query.where(StockMoveRow.run > fair.opened_run)
        if fair and fair.closed_run:
            query = query.where(StockMoveRow.run <= fair.closed_run)
        return [_stock_move(row) for row in self._rows(query)]

    def sales(
        self, *, since: date = date.min, until: date = date.max, event: str | None = None
    ) -> list[Sale]:
        """Sales of a span of days, or of an event, in the order in which they were made."""
        in_span = SaleRow.happened_on.between(since.isoformat(), until.isoformat())
        query = select_facts(Sale).where(in_span).order_by(SaleRow.run, SaleRow.id)
        if event is not None:
            query = query.where(SaleRow.event == event)
        return self._facts(Sale, query)

    def refund_runs(self, sales: Iterable[str]) -> dict[tuple[str, int], int]:
        """The runs in which lines of sales came back, by sale and number of the line."""
        rows = self._constant_in(statements.REFUND_RUNS, sales)
        return {(sale, line): run for sale, line, run in rows}

    def paid(self, sales: Iterable[str]) -> dict[str, list[Line]]:
        """The entries of sales and of their refunds, by sale, in ledger order."""
        paid: dict[str, list[Line]] = {sale: [] for sale in sales}
        # Many sales are read together with all others, by the first word of their keys alone.
        prefixes = [f":{sale}" for sale in paid] if len(paid) <= BATCH else [""]
        for kind in ("sale", "refund"):
            for prefix in prefixes:
                for line in self.lines_below(f"{kind}{prefix}"):
                    sale = line.posted.entry.key.split(":")[1]
                    if sale in paid:
                        paid[sale].append(line)
        return paid


def _stock_move(row: Sequence[Any]) -> tuple[int, StockMove]:
    n, key, item, quantity, kind, day, actor, _digest, sale, _run, _posted_at, note = row
    move = StockMove(key, item, quantity, MoveKind(kind), day_of(day), actor, note or "", sale)
    return n, move
