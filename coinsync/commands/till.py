"""The till of a fair: a line for each sale, and yes.

It speaks in lines, so it works in any terminal. The key of a sale is made with its line, and every
try until something is sold is made under it: what may or may not have been written is never written
twice, and a lost connection loses nothing that was confirmed.
"""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import typer
from typer import Context

from coinsync import errors
from coinsync.commands.choosing import ask_line, choose
from coinsync.commands.options import Fair, author_of
from coinsync.commands.posting import apply
from coinsync.commands.session import Session, at_terminal, is_yes
from coinsync.core.catalog import Item
from coinsync.core.facts import Resident
from coinsync.core.proposal import Proposal
from coinsync.core.till import other_layout, payers, picked, who_and_goods
from coinsync.desk.fairs import open_event
from coinsync.desk.gather import Clerk
from coinsync.desk.shop import Buyer, refund, sell
from coinsync.lookup.residents import find_resident
from coinsync.lookup.shop import last_sale, shelf
from coinsync.render import shop as render
from coinsync.render.coins import proposal_page
from coinsync.staff_texts import StaffText, columns, joined, phrase
from coinsync.store.database import PooledConnection
from coinsync.store.reader import Reader

TRIES_MAX = 5
#: No letters: these keys are the same in every layout.
GOODS, TAKE_BACK, LEAVE = "?", "-", "0"


def till(ctx: Context, event: Fair = "") -> int:
    """Sell at a fair: who buys and what, in one line; yes; the next one."""
    session: Session = ctx.obj
    if session.json or session.quiet:
        advice = 'Programs sell with "coinsync sell".'
        raise errors.UsageError("till: it talks with a person", advice=advice)
    title = ""
    if event:
        with session.reader() as reader:
            title = open_event(reader, event.lower()).title
    with session.pooled() as connection, at_terminal():
        _Till(session, connection, event.lower()).serve_all(title)
    return 0


@dataclass(slots=True)
class _Till:
    session: Session
    connection: PooledConnection
    event: str
    goods: dict[int, Item] = field(default_factory=dict)
    # The key of the line that may not have been sold yet.
    key: str | None = None
    coins: int = 0
    # Coins by the key of the sale.
    sold: dict[str, int] = field(default_factory=dict)

    def serve_all(self, title: str) -> None:
        """Serve whoever comes, until it is enough."""
        if isinstance(sys.stdin, io.TextIOWrapper):
            # Half a letter, as a bad connection leaves it, is a typing mistake.
            sys.stdin.reconfigure(errors="replace")
        if self.event:
            typer.echo(f"{self.event}  {title}")
        for line in columns("till_help"):
            typer.echo(self.session.for_staff(line))
        is_interrupted = False
        try:
            self._take(GOODS)
            while True:
                try:
                    text = ask_line(f"{self.event or self._text('buyer')}> ")
                    is_interrupted = False
                    if text == LEAVE:
                        return
                    self._take(text)
                except KeyboardInterrupt as interrupt:
                    # One that names a signal is the system's, and not from the keyboard.
                    if is_interrupted or interrupt.args:
                        raise
                    is_interrupted = True
                    typer.echo()
                    self._say("interrupted")
        except EOFError:
            typer.echo()  # Whoever hung up left a line unfinished.
        finally:
            typer.echo(self.session.for_staff(self._total()))

    def _text(self, id: str, **values: Any) -> str:
        return self.session.for_staff(phrase(id, **values))

    def _say(self, id: str, **values: Any) -> None:
        typer.echo(f"  {self._text(id, **values)}")

    def _say_error(self, error: errors.CoinsyncError) -> None:
        message, advice = error.in_language(self.session.staff_language)
        typer.echo(f"  {message}\n  → {advice}")

    def _is_agreed(self, id: str, **values: Any) -> bool:
        while True:
            answer = ask_line(f"{self._text(id, **values)} [Y/n] ")
            means_yes = is_yes(answer, default=True)
            if means_yes is not None:
                return means_yes

    def _find(self, reader: Reader, text: str) -> Resident:
        """A resident, typed in either layout, and chosen where several answer."""
        for typed in (text, other_layout(text)):
            try:
                return find_resident(reader, typed)
            except errors.Ambiguous as error:
                return find_resident(reader, choose(self.session, error))
            except errors.NotFound:
                continue
        return find_resident(reader, text)

    def _total(self) -> StaffText:
        return phrase("till_total", sales=len(self.sold), coins=sum(self.sold.values()))

    @contextmanager
    def _clerk(self) -> Iterator[Clerk]:
        # The writer compares whatever is read here again, so no snapshot is needed.
        author = author_of(self.session, self.key)
        with self.connection.use() as database:
            yield Clerk(Reader(database), self.session.settings, author)

    def _take(self, text: str) -> None:
        try:
            if text == TAKE_BACK:
                self._take_back()
            elif text == GOODS:
                self._show_goods()
            elif text:
                self._serve(text)
        except errors.PostedOtherwise as error:
            self._say_error(error)
            # An earlier line under this key seemed lost, and was written all the same.
            self._count_sale(self.key or "", phrase("line_before"))
        except errors.CoinsyncError as error:
            self._say_error(error)
            if isinstance(error, (errors.OutOfStock, errors.StalePlan)):
                self._show_goods()

    def _show_goods(self) -> None:
        with self._clerk() as clerk:
            self.goods = shelf(clerk.reader)
            tracked = [item.code for item in self.goods.values() if item.tracked]
            pieces = clerk.reader.stock(tracked)
        self.session.print_page(render.goods_page(self.goods, pieces))

    def _serve(self, line: str) -> None:
        """Understand a line, show what it costs, ask, and write it."""
        typed, goods = who_and_goods(line)
        # The key stays until something is sold under it.
        self.key = author_of(self.session, self.key).key
        with self._clerk() as clerk:
            if shelf(clerk.reader) != self.goods:
                raise errors.StalePlan.of("goods_changed")
            buyers = [Buyer(self._find(clerk.reader, text), part) for text, part in payers(typed)]
            if not goods:
                for buyer in buyers:
                    coins = clerk.reader.balance(buyer.resident.id)
                    self._say("buyer_balance", who=str(buyer.resident), coins=coins)
                goods = ask_line(f"{self._text('goods')}> ")
        if not goods:
            return
        branches = buyers[0].resident.branches
        there = {n: item for n, item in self.goods.items() if item.is_sold_at(branches)}
        picks = picked(goods, there)

        def decide() -> Proposal:
            with self._clerk() as clerk:
                return sell(clerk, picks, buyers, event=self.event)

        proposal = decide()
        left = [phrase("pieces_left", left=move.after) for move in proposal.moves]
        if proposal.plan:
            self.coins = -sum(move.coins for move in proposal.moves)
            self.session.print_page(render.basket_page(proposal.moves, picks))
            if not self._is_agreed("sell_for", coins=self.coins):
                self._say("not_sold")
                return
            self._write(proposal, decide)
        # Where the plan is empty an earlier try of this line was written, and its answer lost.
        self._count_sale(self.key, joined(", ", *left) if left else phrase("as_before"))

    def _count_sale(self, key: str, what: StaffText) -> None:
        self.sold[key] = self.coins
        self.key = None
        self._say("sold", what=what, sale=key, total=self._total())
        typer.echo()

    def _write(self, proposal: Proposal, decide: Callable[[], Proposal]) -> None:
        """Write a plan, again and again while the database is out of reach, under one key."""
        doubt = False
        for tries in range(1, TRIES_MAX + 1):
            try:
                with self.connection.use() as database:
                    apply(self.session, database, proposal.plan)
                return
            except errors.StalePlan as error:
                if not decide().plan:
                    return  # An earlier try was written, only its answer was lost.
                raise errors.StalePlan(
                    f"{error.message}; nothing written", advice="Look at the list and choose."
                ) from error
            except errors.TryLater as error:
                doubt = doubt or isinstance(error, errors.OutcomeUnknown)
                if tries == TRIES_MAX:
                    message = "it is not known whether this is written" if doubt else error.message
                    advice = "Type the same again: it is not written twice."
                    raise errors.TryLater(message, advice=advice) from error
                typer.echo(f"  {error.message}; trying again …")
                self.session.environment.sleep(float(tries))

    def _take_back(self) -> None:
        """Take back the last sale of this clerk at this fair, wherever it was made."""
        with self._clerk() as clerk:
            sale = last_sale(clerk.reader, self.session.actor, self.event)
            if sale is None:
                self._say("nothing_to_take_back")
                return

        def decide() -> Proposal:
            with self._clerk() as clerk:
                return refund(clerk, sale, (), note="")

        proposal = decide()
        self.session.print_page(proposal_page(proposal, every_line=True))
        if not self._is_agreed("take_it_back"):
            return
        self._write(proposal, decide)
        self.sold.pop(sale.id, None)
        self._say("taken_back", sale=sale.id, total=self._total())
        typer.echo()
