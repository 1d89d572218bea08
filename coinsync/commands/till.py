"""The till of a fair: buyer, goods, yes; the next buyer.

It speaks in lines, so it works in any terminal. The key of a sale is made when the buyer is chosen,
and every try for this buyer is made under it: what may or may not have been written is never
written twice, and a lost connection loses nothing that was confirmed.
"""

import io
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import typer
from typer import Context

from coinsync import errors
from coinsync.commands.options import Fair, author_of
from coinsync.commands.posting import apply
from coinsync.commands.session import Session, at_terminal
from coinsync.core.catalog import Item, Pick
from coinsync.core.facts import Resident
from coinsync.core.identity import clean, plain_number
from coinsync.core.proposal import Author, Proposal
from coinsync.desk.fairs import open_event
from coinsync.desk.gather import Clerk
from coinsync.desk.shop import Buyer, refund, sell
from coinsync.lookup.residents import find_resident
from coinsync.lookup.shop import find_sale, named, purchases, shelf_for
from coinsync.render import shop as render
from coinsync.render.coins import proposal_page
from coinsync.render.numbers import counted
from coinsync.store.database import PooledConnection
from coinsync.store.reader import Reader

TRIES_MAX = 5
#: No letters: these keys are the same in every layout.
TAKE_BACK, LEAVE = "-", "0"

_HELP = """\
buyer: the beginning of a name, or the card's number;  - takes the last sale back;  0 ends
goods: numbers of the list, codes or names, as in  2 5  or  3x2  or  mug*2;  empty goes back"""

_YES = frozenset({"", "y", "yes", "у", "д", "да"})
_NO = frozenset({"n", "no", "н", "нет"})

# "3x2" is two of the third in the list; "mug*2" is two of what a code or a name means.
_CHOICE = re.compile(
    r"(?P<number>[0-9]{1,4})[xхч](?P<many>[0-9]{1,6})|(?P<word>.+?)(?:[*×](?P<times>[0-9]{1,6}))?",
    re.I,
)

#: The same keys of a keyboard in its two layouts: nobody looks at the layout while children wait.
_LATIN, _RUSSIAN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`", "йцукенгшщзхъфывапролджэячсмитьбюё"
_OTHER_LAYOUT = str.maketrans(_LATIN + _RUSSIAN, _RUSSIAN + _LATIN)


def till(ctx: Context, event: Fair = "") -> int:
    """Sell at a fair: a buyer, goods, yes; the next one."""
    session: Session = ctx.obj
    if session.json or session.quiet:
        advice = 'Programs sell with "coinsync sell".'
        raise errors.UsageError("till: it talks with a person", advice=advice)
    if event:
        with session.reader() as reader:
            open_event(reader, event.lower())
    with session.pooled() as connection, at_terminal():
        _Till(session, connection, event.lower()).serve_all()
    return 0


# --- speaking with the person ---------------------------------------------------------------------


def _line(prompt: str) -> str:
    """A line that the person types. Raises ``EOFError`` when nobody types any more."""
    with suppress(ImportError):
        import readline  # noqa: F401  Arrow keys and history, where the terminal has them.
    return clean(input(prompt))


def _is_agreed(question: str) -> bool:
    while True:
        answer = _line(f"{question} [Y/n] ").casefold()
        for word in (answer, other_layout(answer)):
            if word in _YES or word in _NO:
                return word in _YES


def _say_error(error: errors.CoinsyncError) -> None:
    typer.echo(f"  {error.message}")
    if isinstance(error, errors.Ambiguous):
        for candidate in error.candidates:
            typer.echo(f"    {candidate}")
    typer.echo(f"  → {error.advice}")


def other_layout(text: str) -> str:
    """What the same keys give in the keyboard's other layout: "flf" → "ада"."""
    return text.casefold().translate(_OTHER_LAYOUT)


@dataclass(slots=True)
class _Till:
    session: Session
    connection: PooledConnection
    event: str
    # Coins by the key of the sale, the last one at the end.
    sold: dict[str, int] = field(default_factory=dict)

    def serve_all(self) -> None:
        """Serve whoever comes, until it is enough."""
        if isinstance(sys.stdin, io.TextIOWrapper):
            # Half a letter, as a bad connection leaves it, is a typing mistake.
            sys.stdin.reconfigure(errors="replace")
        typer.echo(_HELP)
        try:
            while (text := _line("buyer> ")) != LEAVE:
                self._take(text)
        except EOFError:
            typer.echo()  # Whoever hung up left a line unfinished.
        coins = sum(self.sold.values())
        typer.echo(f"{counted(len(self.sold), 'sale')}, {counted(coins, 'coin')}")

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        # The writer compares whatever is read here again, so no snapshot is needed.
        with self.connection.use() as database:
            yield Reader(database)

    def _apply(self, proposal: Proposal) -> None:
        with self.connection.use() as database:
            apply(self.session, database, proposal.plan)

    def _take(self, text: str) -> None:
        try:
            if text == TAKE_BACK:
                self._take_back()
            elif text:
                self._serve(self._find(text))
        except errors.CoinsyncError as error:
            _say_error(error)

    def _find(self, text: str) -> Resident:
        with self._reader() as reader:
            try:
                return find_resident(reader, text)
            except errors.NotFound:
                with suppress(errors.NotFound):
                    return find_resident(reader, other_layout(text))
                raise

    # --- selling ----------------------------------------------------------------------------------

    def _serve(self, buyer: Resident) -> None:
        author, goods = author_of(self.session), self._show(buyer)
        while goods and (chosen := _line("goods> ")):
            try:
                if self._sell(buyer, picked(chosen, goods), author):
                    return
            except (errors.OutOfStock, errors.StalePlan) as error:
                _say_error(error)
                goods = self._show(buyer)
            except errors.PostedOtherwise:
                # An earlier choice under this key seemed lost and was written all the same.
                self._show_written(author.key)
                return
            except errors.CoinsyncError as error:
                _say_error(error)
        if not goods:
            typer.echo("  nothing is on the shelf")

    def _show(self, buyer: Resident) -> dict[int, Item]:
        with self._reader() as reader:
            goods = shelf_for(reader, buyer)
            pieces = reader.stock(item.code for item in goods.values() if item.tracked)
            balance = reader.balance(buyer.id)
        self.session.print_page(render.shelf_page(buyer, balance, goods, pieces))
        return goods

    def _sell(self, buyer: Resident, picks: Sequence[Pick], author: Author) -> bool:
        """Show what the choice costs, ask, and write it; False when the person chooses again."""

        def decide() -> Proposal:
            with self._reader() as reader:
                clerk = Clerk(reader, self.session.settings, author)
                return sell(clerk, picks, [Buyer(buyer)], event=self.event)

        proposal = decide()
        if not proposal.plan:
            self._show_written(author.key)
            return True
        coins = -sum(move.coins for move in proposal.moves)
        self.session.print_page(render.basket_page(proposal.moves, picks))
        if not _is_agreed(f"sell for {coins}?"):
            typer.echo("  not sold; choose again, or nothing for the next buyer")
            return False
        self._write(proposal, decide)
        self.sold[author.key] = coins
        typer.echo(f"  sold: {author.key}\n")
        return True

    def _write(self, proposal: Proposal, decide: Callable[[], Proposal]) -> None:
        """Write the sale, again and again while the database is out of reach, under one key."""
        doubt = False
        for tries in range(1, TRIES_MAX + 1):
            try:
                self._apply(proposal)
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
                    message = "it is not known whether this is sold" if doubt else error.message
                    advice = "Choose the same again: it is not sold twice."
                    raise errors.TryLater(message, advice=advice) from error
                typer.echo(f"  {error.message}; trying again …")
                self.session.environment.sleep(float(tries))

    def _show_written(self, key: str) -> None:
        with self._reader() as reader:
            [purchase] = purchases(reader, [find_sale(reader, key)])
        typer.echo("  this buyer's sale was written before:")
        self.session.print_page(render.sale(purchase).page)
        self.sold[key] = sum(payment.coins for payment in purchase.payments)

    def _take_back(self) -> None:
        if not self.sold:
            typer.echo("  nothing was sold here yet")
            return
        session, key = self.session, next(reversed(self.sold))
        try:
            with self._reader() as reader:
                clerk = Clerk(reader, session.settings, author_of(session))
                proposal = refund(clerk, find_sale(reader, key), (), note="")
            # The key of a refund is of no use at a till.
            session.print_page(proposal_page(replace(proposal, key=""), every_line=True))
            if not _is_agreed("take it back?"):
                return
            self._apply(proposal)
            typer.echo("  taken back\n")
        except errors.AlreadyReversed as error:
            typer.echo(f"  {error.message}")
        del self.sold[key]


# --- what the person has typed --------------------------------------------------------------------


def picked(text: str, goods: Mapping[int, Item]) -> list[Pick]:
    """What a line of numbers, codes or names chooses, each perhaps so many times.

    Raises ``UsageError``, ``NotFound``, or ``Ambiguous``.
    """
    if not any(char.isdigit() for char in text):
        # A name may have several words; what has digits in it is a list of numbers.
        whole = named(goods.values(), text)
        if len(whole) == 1:
            return [Pick(whole[0], 1)]
    counts: Counter[Item] = Counter()
    for word in text.replace(",", " ").split():
        what, many = _choice(word)
        if many == 0:
            advice = "Two of the third in the list are 3x2."
            raise errors.UsageError(f"{word!r}: how many?", advice=advice)
        counts[_item(what, goods)] += many
    return [Pick(item, many) for item, many in counts.items()]


def _choice(word: str) -> tuple[str, int]:
    match = _CHOICE.fullmatch(word)
    if match is None:
        return word, 1
    if match["number"]:
        return match["number"], int(match["many"])
    return match["word"], int(match["times"] or 1)


def _item(word: str, goods: Mapping[int, Item]) -> Item:
    number = plain_number(word)
    if number is not None and number in goods:
        return goods[number]
    for text in (word.casefold(), other_layout(word)):
        items = [item for item in goods.values() if item.code == text]
        items = items or named(goods.values(), text)
        if len(items) > 1:
            listed = [f"{item.code} {item.name_ru}" for item in items]
            raise errors.Ambiguous(f"{len(items)} goods answer to {word!r}", listed)
        if items:
            return items[0]
    advice = "Type the number in front of the goods."
    raise errors.NotFound(f"{word!r} is not on the list", advice=advice)
