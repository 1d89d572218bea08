"""The till of a fair: buyer, goods, yes; one key for each sale, so that a lost connection loses nothing confirmed.

It speaks in lines, so it works in any terminal. The key of a sale is made when the buyer is chosen, and every try for
this buyer is made under it: what may or may not have been written is never written twice.
"""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands.coins import author
from coinsync.commands.posting import apply
from coinsync.commands.session import Session
from coinsync.core.identity import clean
from coinsync.errors import (
    AlreadyReversed,
    Ambiguous,
    CoinsyncError,
    NotFound,
    OutcomeUnknown,
    OutOfStock,
    PostedOtherwise,
    StalePlan,
    TryLater,
    UsageError,
)

if TYPE_CHECKING:
    from coinsync.core.catalog import Item, Pick
    from coinsync.core.facts import Resident
    from coinsync.core.proposal import Author, Proposal
    from coinsync.store.database import PooledConnection
    from coinsync.store.reader import Reader

TRIES_MAX = 5
#: No letters: these keys are the same in every layout.
TAKE_BACK, LEAVE = "-", "0"

_HELP = """\
buyer: a part of the name, or the number of the card;  - takes the last sale back;  0 ends
goods: numbers of the list, codes or names, as in  2 5  or  3x2  or  mug*2;  empty goes back"""

_YES = frozenset({"", "y", "yes", "у", "д", "да"})
_NO = frozenset({"n", "no", "н", "нет"})

_WORD = re.compile(
    r"(?P<what>[0-9]{1,4})[xхч](?P<many>[0-9]{1,6})|(?P<word>.+?)(?:[*×](?P<times>[0-9]{1,6}))?",
    re.I,
)

#: The same keys of a keyboard in its two layouts: nobody looks at the layout while children wait.
_LATIN, _RUSSIAN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`", "йцукенгшщзхъфывапролджэячсмитьбюё"
_OTHER_LAYOUT = str.maketrans(_LATIN + _RUSSIAN, _RUSSIAN + _LATIN)


def till(
    ctx: typer.Context,
    event: Annotated[
        str, typer.Option("--event", metavar="EVENT", help="The fair that the sales belong to.")
    ] = "",
) -> int:
    """Sell at a fair: a buyer, goods, yes; the next one."""
    from coinsync.desk.fairs import open_event

    session: Session = ctx.obj
    if session.json or session.quiet:
        raise UsageError(
            "till: it talks with a person", advice='Programs sell with "coinsync sell".'
        )
    if event:
        with session.reader() as reader:
            open_event(reader, event.lower())
    with session.standing() as connection:
        return _Counter(session, connection, event.lower()).state()


def _line(prompt: str) -> str:
    """A line that the person types. Raises ``EOFError`` when nobody types any more."""
    with suppress(ImportError):
        import readline  # noqa: F401  Arrow keys and history, where the terminal has them.
    return clean(input(prompt))


def _agreed(question: str) -> bool:
    """Whether the person says yes, in either language and layout; what is neither yes nor no is asked again."""
    while True:
        said = _line(f"{question} [Y/n] ").casefold()
        for word in (said, other_layout(said)):
            if word in _YES or word in _NO:
                return word in _YES


def _say_error(error: CoinsyncError) -> None:
    typer.echo(f"  {error.message}")
    if isinstance(error, Ambiguous):
        typer.echo("".join(f"    {one}\n" for one in error.candidates), nl=False)
    typer.echo(f"  → {error.advice}")


def other_layout(text: str) -> str:
    """What would stand there had the keyboard been in its other layout: "flf" → "ада"."""
    return text.casefold().translate(_OTHER_LAYOUT)


class _Counter:
    """One till: whom it serves, and what it sold so far."""

    def __init__(self, session: Session, connection: PooledConnection, event: str) -> None:
        self._door = session
        self._connection = connection
        self._event = event
        self._sold: dict[str, int] = {}  # Coins by the key of the sale, the last one at the end.

    def state(self) -> int:
        """Serve whoever comes, until it is enough."""
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(
                errors="replace"
            )  # Half a letter, as a bad line leaves it, is a typing mistake.
        typer.echo(_HELP)
        try:
            while (text := _line("buyer> ")) != LEAVE:
                self._take(text)
        except EOFError:
            typer.echo()  # Whoever hung up left a line unfinished.
        count, coins = len(self._sold), sum(self._sold.values())
        typer.echo(
            f"{count} {'sale' if count == 1 else 'sales'}, {coins} {'coin' if coins == 1 else 'coins'}"
        )
        return 0

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        """A reader on the till's connection; whatever it sees is compared again when it is written."""
        from coinsync.store.reader import Reader

        with self._connection.use() as database:
            yield Reader(database)

    def _take(self, text: str) -> None:
        """Do what stands at the first prompt; what goes wrong is told, and the till goes on."""
        try:
            if text == TAKE_BACK:
                self._take_back()
            elif text:
                self._serve(self._find(text))
        except CoinsyncError as error:
            _say_error(error)

    def _find(self, text: str) -> Resident:
        from coinsync.lookup.residents import find_resident

        with self._reader() as reader:
            try:
                return find_resident(reader, text)
            except NotFound:
                with suppress(NotFound):
                    return find_resident(reader, other_layout(text))
                raise

    # --- selling ------------------------------------------------------------------------------------------------

    def _serve(self, buyer: Resident) -> None:
        """Show a buyer the goods, until something is sold or nothing is wanted."""
        by, goods = author(self._door), self._show(buyer)
        while goods and (chosen := _line("goods> ")):
            try:
                if self._sell(buyer, picked(chosen, goods), by):
                    return
            except (OutOfStock, StalePlan) as error:
                _say_error(error)
                goods = self._show(buyer)
            except PostedOtherwise:
                # An earlier choice under this key seemed lost and was written all the same.
                self._look_up(by.key)
                return
            except CoinsyncError as error:
                _say_error(error)
        if not goods:
            typer.echo("  nothing is on the shelf")

    def _show(self, buyer: Resident) -> dict[int, Item]:
        from coinsync.lookup.shop import shelf_for
        from coinsync.render.shop import show_shelf
        from coinsync.render.terminal import console

        with self._reader() as reader:
            goods = shelf_for(reader, buyer)
            left = reader.stock(item.code for item in goods.values() if item.tracked)
            balance = reader.balance(buyer.id)
        show_shelf(console(), buyer, balance, goods, left)
        return goods

    def _sell(self, buyer: Resident, picks: Sequence[Pick], by: Author) -> bool:
        """Show what the choice costs, ask, and write it; False when the person wants to choose again."""
        from coinsync.render.shop import show_basket
        from coinsync.render.terminal import console

        proposal = self._propose(buyer, picks, by)
        if not proposal.plan:
            self._look_up(by.key)
            return True
        coins = -sum(move.coins for move in proposal.moves)
        show_basket(console(), proposal.moves, picks)
        if not _agreed(f"sell for {coins}?"):
            typer.echo("  not sold; choose again, or nothing for the next buyer")
            return False
        self._write(buyer, picks, by, proposal)
        self._sold[by.key] = coins
        typer.echo(f"  sold: {by.key}\n")
        return True

    def _propose(self, buyer: Resident, picks: Sequence[Pick], by: Author) -> Proposal:
        from coinsync.desk import shop

        with self._reader() as reader:
            return shop.sell(
                reader, self._door.settings, picks, [shop.Buyer(buyer)], by, event=self._event
            )

    def _write(
        self, buyer: Resident, picks: Sequence[Pick], by: Author, proposal: Proposal
    ) -> None:
        """Write the sale, again and again while the database is out of reach, always under the same key."""
        doubt = False
        for tries in range(1, TRIES_MAX + 1):
            try:
                with self._connection.use() as database:
                    apply(self._door, database, proposal.plan)
                return
            except StalePlan as error:
                if not self._propose(buyer, picks, by).plan:
                    return  # An earlier try was written, only its answer was lost.
                raise StalePlan(
                    f"{error.message}; nothing written", advice="Look at the list and choose."
                ) from error
            except TryLater as error:
                doubt = doubt or isinstance(error, OutcomeUnknown)
                if tries == TRIES_MAX:
                    message = "it is not known whether this is sold" if doubt else error.message
                    raise TryLater(
                        message, advice="Choose the same again: it is not sold twice."
                    ) from error
                typer.echo(f"  {error.message}; trying again …")
                self._door.environment.sleep(float(tries))

    def _look_up(self, key: str) -> None:
        """Tell of a sale that was written although it seemed lost."""
        from coinsync.lookup import shop
        from coinsync.render.shop import show_purchase
        from coinsync.render.terminal import console

        with self._reader() as reader:
            [found] = shop.purchases(reader, [shop.find_sale(reader, key)])
        typer.echo("  this buyer's sale was written before:")
        show_purchase(console(), found)
        self._sold[key] = sum(paid.coins for paid in found.payments)

    # --- taking back --------------------------------------------------------------------------------------------

    def _take_back(self) -> None:
        """Take the last sale of this till back, whole."""
        from coinsync.desk.shop import refund
        from coinsync.lookup.shop import find_sale
        from coinsync.render.coins import show_deed
        from coinsync.render.terminal import console

        if not self._sold:
            typer.echo("  nothing was sold here yet")
            return
        key = next(reversed(self._sold))
        try:
            with self._reader() as reader:
                sale = find_sale(reader, key)
                by = author(self._door)
                proposal = refund(reader, self._door.settings, sale, (), by, note="")
            show_deed(console(), proposal.moves, proposal.words, "", every_line=True)
            if not _agreed("take it back?"):
                return
            with self._connection.use() as database:
                apply(self._door, database, proposal.plan)
            typer.echo("  taken back\n")
        except AlreadyReversed as error:
            typer.echo(f"  {error.message}")
        del self._sold[key]


def picked(text: str, goods: Mapping[int, Item]) -> list[Pick]:
    """What a line of choices means: numbers of the goods, codes or names, each perhaps so many times.

    Raises ``UsageError``, ``NotFound``, or ``Ambiguous``.
    """
    from coinsync.core.catalog import Pick
    from coinsync.lookup.shop import named

    # A name may have several words; what has digits in it is a list of numbers.
    whole = [] if any(char.isdigit() for char in text) else named(goods.values(), text)
    if len(whole) == 1:
        return [Pick(whole[0], 1)]
    counts: Counter[Item] = Counter()
    for word in text.replace(",", " ").split():
        found = _WORD.fullmatch(word)
        what, many = (
            (found["what"] or found["word"], found["many"] or found["times"])
            if found
            else (word, None)
        )
        if many is not None and not int(many):
            raise UsageError(f"{word!r}: how many?", advice="Two of the third in the list are 3x2.")
        counts[_item(what, goods)] += int(many or 1)
    return [Pick(item, many) for item, many in counts.items()]


def _item(word: str, goods: Mapping[int, Item]) -> Item:
    """The goods that a word means: the number in the list, else the code, else a part of the name, in either layout."""
    from coinsync.lookup.shop import named

    number = int(word) if word.isascii() and word.isdigit() else 0
    if number in goods:
        return goods[number]
    for one in (word.casefold(), other_layout(word)):
        found = [item for item in goods.values() if item.code == one] or named(goods.values(), one)
        if len(found) > 1:
            raise Ambiguous(
                f"{len(found)} goods answer to {word!r}",
                [f"{item.code} {item.name_ru}" for item in found],
            )
        if found:
            return found[0]
    raise NotFound(f"{word!r} is not on the list", advice="Type the number in front of the goods.")
