"""Pieces of goods: catalog stock list, receive, count, write-off."""

from collections.abc import Callable
from typing import Annotated

from typer import Context, Option

from coinsync.commands import completion
from coinsync.commands.options import (
    AsCsv,
    Day,
    DryRun,
    Key,
    Yes,
    argument,
    author_of,
    note_of,
    number_of,
)
from coinsync.commands.posting import carry_out
from coinsync.commands.session import Session, refuse_branches
from coinsync.core.catalog import QUANTITY_MAX, MoveKind
from coinsync.core.proposal import Proposal
from coinsync.desk.catalog import move_stock
from coinsync.desk.gather import Clerk
from coinsync.errors import UsageError
from coinsync.lookup import shop as lookup
from coinsync.render import shop as render

Goods = Annotated[str, argument("CODE", "Its code, or a part of its name.", completion.items)]
Pieces = Annotated[str, argument("PIECES", "How many.")]
NoteOfStaff = Annotated[str, Option(help="Why; staff alone reads it.")]


def list_stock(
    ctx: Context,
    code: Annotated[
        str | None, argument("[CODE]", "Every move of these goods.", completion.items)
    ] = None,
    as_csv: AsCsv = False,
) -> None:
    """How many pieces of what are left; with CODE, every move."""
    session: Session = ctx.obj
    if code is not None and session.branches:
        refuse_branches("catalog stock list CODE")
    with session.reader() as reader:
        if code is None:
            listing = render.stock(*lookup.stock(reader, session.chosen_branch_ids()))
        else:
            item = lookup.find_item(reader, code)
            listing = render.stock_moves(item, lookup.stock_moves(reader, item))
    session.print_listing(listing, as_csv)


def _moving(kind: MoveKind, help: str) -> Callable[..., int]:
    """A command that records moves of one kind."""

    def move(
        ctx: Context,
        code: Goods,
        pieces: Pieces,
        date: Day = None,
        note: NoteOfStaff = "",
        key: Key = None,
        dry_run: DryRun = False,
        yes: Yes = False,
    ) -> int:
        # Only a count can find nothing.
        is_nothing = kind is MoveKind.COUNT and pieces != "" and not pieces.strip("0")
        number = 0 if is_nothing else number_of(pieces, "number of pieces")
        text = note_of(note, "--note" if kind is MoveKind.WRITE_OFF else "")
        if number > QUANTITY_MAX:
            raise UsageError(f"the number of pieces {number} is above the limit of {QUANTITY_MAX}")

        def decide(clerk: Clerk) -> Proposal:
            item = lookup.find_item(clerk.reader, code)
            return move_stock(clerk, item, kind, number, note=text)

        return carry_out(ctx.obj, decide, dry_run, yes, author_of(ctx.obj, key, date))

    move.__doc__ = help
    return move


receive = _moving(MoveKind.RECEIVE, """Pieces came in.""")
count = _moving(MoveKind.COUNT, """So many were counted; the difference is recorded.""")
write_off = _moving(MoveKind.WRITE_OFF, """Pieces are gone: broken, lost, given away.""")
