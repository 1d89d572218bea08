"""How many pieces of the goods there are: catalog stock list, receive, count, write-off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands import completion
from coinsync.commands.options import AsCsv, Day, DryRun, Key, Yes, author_of, note_of, number_of
from coinsync.commands.posting import carry_out
from coinsync.commands.session import Session
from coinsync.core.catalog import QUANTITY_MAX, MoveKind
from coinsync.desk.catalog import move_stock
from coinsync.errors import UsageError
from coinsync.lookup import shop as lookup
from coinsync.render import shop as render

if TYPE_CHECKING:
    from coinsync.core.proposal import Proposal
    from coinsync.store.reader import Reader

Goods = Annotated[
    str,
    typer.Argument(
        metavar="CODE", help="Its code, or a part of its name.", autocompletion=completion.items
    ),
]
Pieces = Annotated[str, typer.Argument(metavar="PIECES", help="How many.")]
NoteOfStaff = Annotated[str, typer.Option("--note", help="Why; staff alone reads it.")]


def list_stock(
    ctx: typer.Context,
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE]", help="Every move of these goods.", autocompletion=completion.items
        ),
    ] = None,
    as_csv: AsCsv = False,
) -> None:
    """How many pieces of what are left; with CODE, every move."""
    session: Session = ctx.obj
    with session.reader() as reader:
        if code is None:
            goods, pieces = lookup.stock(reader, session.chosen_branch_ids())
            listing = render.stock(goods, pieces)
        else:
            item = lookup.find_item(reader, code)
            listing = render.stock_moves(item, lookup.stock_moves(reader, item))
    session.print_listing(listing, as_csv=as_csv)


def receive(
    ctx: typer.Context,
    code: Goods,
    pieces: Pieces,
    date: Day = None,
    note: NoteOfStaff = "",
    key: Key = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Pieces came in."""
    number = number_of(pieces, "number of pieces")
    return _move(ctx.obj, MoveKind.RECEIVE, code, number, date, note, key, dry_run=dry_run, yes=yes)


def count(
    ctx: typer.Context,
    code: Goods,
    pieces: Pieces,
    date: Day = None,
    note: NoteOfStaff = "",
    key: Key = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """So many were counted; the difference is recorded."""
    nothing = pieces != "" and pieces.strip("0") == ""
    number = 0 if nothing else number_of(pieces, "number of pieces")
    return _move(ctx.obj, MoveKind.COUNT, code, number, date, note, key, dry_run=dry_run, yes=yes)


def write_off(
    ctx: typer.Context,
    code: Goods,
    pieces: Pieces,
    date: Day = None,
    note: NoteOfStaff = "",
    key: Key = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Pieces are gone: broken, lost, given away."""
    number = number_of(pieces, "number of pieces")
    if not note_of(note):
        raise UsageError("catalog stock write-off: say why: --note TEXT")
    return _move(
        ctx.obj, MoveKind.WRITE_OFF, code, number, date, note, key, dry_run=dry_run, yes=yes
    )


def _move(
    session: Session,
    kind: MoveKind,
    code: str,
    pieces: int,
    date: str | None,
    note: str,
    key: str,
    *,
    dry_run: bool,
    yes: bool,
) -> int:
    if pieces > QUANTITY_MAX:
        raise UsageError(f"the number of pieces {pieces} is above the limit of {QUANTITY_MAX}")
    text, author = note_of(note), author_of(session, key.removeprefix("stock:"), date)

    def decide(reader: Reader) -> Proposal:
        item = lookup.find_item(reader, code)
        return move_stock(reader, session.settings, item, kind, pieces, author, note=text)

    return carry_out(session, decide, dry_run=dry_run, yes=yes)
