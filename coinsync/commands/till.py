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

import typer
from typer import Context

from coinsync import errors
from coinsync.commands.choosing import ask_line, choose
from coinsync.commands.options import Fair, author_of
from coinsync.commands.posting import apply
from coinsync.commands.session import Session, at_terminal
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
from coinsync.render.numbers import counted, titled
from coinsync.store.database import PooledConnection
from coinsync.store.reader import Reader

TRIES_MAX = 5
#: No letters: these keys are the same in every layout.
GOODS, TAKE_BACK, LEAVE = "?", "-", "0"

_HELP = """\
150 1 2x3        #150 buys the first of the list, and three of the second
150+160=33 2     together, and #160 pays 33 of it
?  goods     -  takes your last sale back     0  ends"""

_YES = frozenset({"", "y", "yes", "у", "д", "да"})
_NO = frozenset({"n", "no", "н", "нет"})


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


def _is_agreed(question: str) -> bool:
    while True:
        answer = ask_line(f"{question} [Y/n] ").casefold()
        for word in (answer, other_layout(answer)):
            if word in _YES or word in _NO:
                return word in _YES


def _say_error(error: errors.CoinsyncError) -> None:
    typer.echo(f"  {error.message}")
    if isinstance(error, errors.Ambiguous):
        for candidate in error.candidates:
            typer.echo(f"    {candidate}")
    typer.echo(f"  → {error.advice}")


def _find(reader: Reader, text: str) -> Resident:
    """A resident, typed in either layout, and chosen where several answer."""
    for typed in (text, other_layout(text)):
        try:
            return find_resident(reader, typed)
        except errors.Ambiguous as error:
            return find_resident(reader, choose(error))
        except errors.NotFound:
            continue
    return find_resident(reader, text)


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
        typer.echo(f"{self.event}  {title}\n{_HELP}" if self.event else _HELP)
        is_interrupted = False
        try:
            self._take(GOODS)
            while True:
                try:
                    text = ask_line(f"{self.event or 'buyer'}> ")
                    is_interrupted = False
                    if text == LEAVE:
                        return
                    self._take(text)
                except KeyboardInterrupt as interrupt:
                    # One that names a signal is the system's, and not from the keyboard.
                    if is_interrupted or interrupt.args:
                        raise
                    is_interrupted = True
                    typer.echo("\n  Ctrl-C again leaves")
        except EOFError:
            typer.echo()  # Whoever hung up left a line unfinished.
        finally:
            typer.echo(self._total())

    def _total(self) -> str:
        coins = sum(self.sold.values())
        return f"{counted(len(self.sold), 'sale')}, {counted(coins, 'coin')}"

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
            _say_error(error)
            # An earlier line under this key seemed lost, and was written all the same.
            self._count_sale(self.key or "", "the line before; type this one again")
        except errors.CoinsyncError as error:
            _say_error(error)
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
                raise errors.StalePlan("the goods have changed", advice="Look at the list.")
            buyers = [Buyer(_find(clerk.reader, text), part) for text, part in payers(typed)]
            if not goods:
                for buyer in buyers:
                    who, coins = buyer.resident, clerk.reader.balance(buyer.resident.id)
                    typer.echo(f"  {titled(who.id, who.name)}   balance {coins}")
                goods = ask_line("goods> ")
        if not goods:
            return
        branches = buyers[0].resident.branches
        there = {n: item for n, item in self.goods.items() if item.is_sold_at(branches)}
        picks = picked(goods, there)

        def decide() -> Proposal:
            with self._clerk() as clerk:
                return sell(clerk, picks, buyers, event=self.event)

        proposal = decide()
        left = [f"{move.after} left" for move in proposal.moves]
        if proposal.plan:
            self.coins = -sum(move.coins for move in proposal.moves)
            self.session.print_page(render.basket_page(proposal.moves, picks))
            if not _is_agreed(f"sell for {self.coins}?"):
                typer.echo("  not sold")
                return
            self._write(proposal, decide)
        # Where the plan is empty an earlier try of this line was written, and its answer lost.
        self._count_sale(self.key, ", ".join(left) or "as you typed before")

    def _count_sale(self, key: str, what: str) -> None:
        self.sold[key] = self.coins
        self.key = None
        typer.echo(f"  sold, {what}   sale {key}   {self._total()}\n")

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
                typer.echo("  nothing of yours is left to take back")
                return

        def decide() -> Proposal:
            with self._clerk() as clerk:
                return refund(clerk, sale, (), note="")

        proposal = decide()
        self.session.print_page(proposal_page(proposal, every_line=True))
        if not _is_agreed("take it back?"):
            return
        self._write(proposal, decide)
        self.sold.pop(sale.id, None)
        typer.echo(f"  taken back: sale {sale.id}   {self._total()}\n")
