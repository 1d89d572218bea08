"""The shop's goods: catalog load, list, add, edit, archive; and their stock: list, receive, count, write-off."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coinsync.commands import completion
from coinsync.commands.coins import Key, author, note_of
from coinsync.commands.posting import carry_out
from coinsync.commands.session import AsCsv, Day, DryRun, Session, Yes, number_of
from coinsync.core.catalog import (
    NAME_LENGTH_MAX,
    PRICE_MAX,
    QUANTITY_MAX,
    TEXT_LENGTH_MAX,
    Item,
    MoveKind,
    StockMove,
    is_code,
)
from coinsync.core.identity import clean
from coinsync.errors import ImportRefused, UsageError

if TYPE_CHECKING:
    from coinsync.config import Settings
    from coinsync.core.proposal import Author, Proposal
    from coinsync.pictures import WebPicture
    from coinsync.render.progress import Bar
    from coinsync.store.reader import Reader

Goods = Annotated[
    str,
    typer.Argument(
        metavar="CODE", help="Its code, or a part of its name.", autocompletion=completion.items
    ),
]
Name = Annotated[str | None, typer.Option("--name-en", help="Its name in English.")]
Category = Annotated[str | None, typer.Option("--category", help="Where it stands in the catalog.")]
CategoryEn = Annotated[str | None, typer.Option("--category-en", help="The category in English.")]
Text = Annotated[str | None, typer.Option("--text", help="A few words about it.")]
TextEn = Annotated[str | None, typer.Option("--text-en", help="The same in English.")]
Branches = Annotated[
    list[str] | None,
    typer.Option(
        "--branch-of",
        metavar="BRANCH",
        help='Sold only there, by id or name; may be repeated; or "all".',
    ),
]
Picture = Annotated[
    str | None,
    typer.Option(
        "--picture",
        metavar="FILE",
        help='A file of the folder of pictures, or a path; "" for none.',
    ),
]
Pieces = Annotated[str, typer.Argument(metavar="PIECES", help="How many.")]
Note = Annotated[str, typer.Option("--note", help="Why; staff alone reads it.")]


# --- the whole catalog -----------------------------------------------------------------------------------------------


def load(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="TOML or CSV, the whole catalog; see docs/catalog.md."),
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Make the shop's goods those of a file: new ones come, changed ones change, those left out are archived."""
    from coinsync.desk import catalog

    session: Session = ctx.obj
    items, copies = read_goods(session, file)
    by = author(session)
    return carry_out(
        session,
        lambda reader: catalog.load(reader, session.settings, items, by),
        dry_run=dry_run,
        yes=yes,
        before=partial(keep_copies, session.settings, copies),
    )


def read_goods(session: Session, file: Path) -> tuple[tuple[Item, ...], dict[str, WebPicture]]:
    """The goods of a catalog file, and the copies of their pictures by the names in the file; nothing is written."""
    from coinsync.core.files.catalog import read_catalog
    from coinsync.render.progress import Bar

    settings = session.settings
    copies: dict[str, WebPicture] = {}
    try:
        with Bar(shown=sys.stderr.isatty() and not (session.quiet or session.json)) as bar:
            items = read_catalog(
                file.read_bytes(),
                toml=file.suffix.lower() == ".toml",
                branches=frozenset(branch.id for branch in settings.branches),
                picture=partial(_copied, settings, copies, bar),
            )
    except OSError as error:
        raise UsageError(f"catalog load: {file} cannot be read ({type(error).__name__})") from error
    except ImportRefused as error:
        raise ImportRefused(error.problems, count=error.count, file=str(file)) from error
    return items, copies


def _copied(settings: Settings, copies: dict[str, WebPicture], bar: Bar, name: str) -> str:
    """The name of the web copy of a picture, which is made and kept in mind alone."""
    from coinsync import pictures

    if name not in copies:
        copies[name] = pictures.web_picture(pictures.find(settings.shop.pictures, name))
        bar("pictures", len(copies), 0)
    return copies[name].name


def keep_copies(settings: Settings, copies: dict[str, WebPicture]) -> None:
    """Write copies of pictures before anything names them."""
    from coinsync import pictures

    for copy in copies.values():
        pictures.keep(copy, settings.shop.web_pictures)


def list_all(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="The archived too.")] = False,
    as_csv: AsCsv = False,
) -> None:
    """The shop's goods in their order, with what is left of them."""
    from coinsync.render.data import as_data, csv_text
    from coinsync.render.shop import item_state, show_catalog
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    with session.reader() as reader:
        goods = _in_order(session, reader, everything=everything)
        left = reader.stock(item.code for item in goods if item.tracked)
    if session.json:
        session.tell([{**as_data(item), "left": left.get(item.code)} for item in goods])
    elif as_csv:
        columns = ("code", "name", "category", "price", "left", "branches", "state", "picture")
        rows = (
            (
                item.code,
                item.name_ru,
                item.category_ru,
                item.price,
                left.get(item.code, ""),
                " ".join(map(str, item.branches)),
                item_state(item),
                "yes" if item.picture else "no",
            )
            for item in goods
        )
        typer.echo(csv_text(columns, rows))
    else:
        show_catalog(console(), goods, left)


def _in_order(session: Session, reader: Reader, *, everything: bool) -> list[Item]:
    """Goods as the catalog has them, the archived at the end; only those of ``--branch`` where it is given."""
    chosen = {branch.id for branch in session.chosen_branches()} if session.branches else None
    goods = [
        item
        for item in reader.all(Item)
        if (everything or not item.archived)
        and (chosen is None or not item.branches or chosen & set(item.branches))
    ]
    return sorted(goods, key=lambda item: (item.archived, item.place, item.code))


# --- one of the goods ------------------------------------------------------------------------------------------------


def add(
    ctx: typer.Context,
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="A short word that never changes, as in mug-blue.")
    ],
    name: Annotated[str, typer.Option("--name", help="As families read it.")],
    price: Annotated[str, typer.Option("--price", metavar="COINS", help="In coins.")],
    name_en: Name = None,
    category: Category = None,
    category_en: CategoryEn = None,
    text: Text = None,
    text_en: TextEn = None,
    branch_of: Branches = None,
    picture: Picture = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Families do not see it.")] = False,
    untracked: Annotated[
        bool, typer.Option("--untracked", help="Its pieces are not counted.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Add goods to the end of the catalog; what was archived under this code comes back."""
    session: Session = ctx.obj
    short = code.lower()
    if not (code.isascii() and is_code(short)):
        raise UsageError(
            f"{clean(code)!r} is no code",
            advice="A Latin letter or digit first, then also - and _.",
        )
    copy = _picture(session, picture)
    said = _said(
        session, name, name_en, category, category_en, text, text_en, price, branch_of, copy
    )
    said.setdefault("name_en", said["name_ru"])
    nothing = {
        "category_ru": "",
        "category_en": "",
        "text_ru": "",
        "text_en": "",
        "branches": (),
        "picture": "",
    }
    item = Item(code=short, place=0, shown=not hidden, tracked=not untracked, **(nothing | said))
    copies = {copy.name: copy} if copy else {}
    return carry_out(
        session,
        partial(_added, session, item, author(session)),
        dry_run=dry_run,
        yes=yes,
        before=partial(keep_copies, session.settings, copies),
    )


def _added(session: Session, item: Item, by: Author, reader: Reader) -> Proposal:
    from coinsync.desk import catalog

    there = {one.code: one for one in reader.all(Item)}
    before = there.get(item.code)
    last = max((one.place for one in there.values() if not one.archived), default=0)
    if before is not None and not before.archived:
        if replace(item, place=before.place) != before:
            raise UsageError(
                f"{item.code} is in the shop already: {before.name_ru}; nothing written",
                advice=f"coinsync catalog edit {item.code} changes it.",
            )
        return catalog.put_item(reader, session.settings, before, by)
    return catalog.put_item(reader, session.settings, replace(item, place=last + 1), by)


def edit(
    ctx: typer.Context,
    code: Goods,
    name: Annotated[str | None, typer.Option("--name", help="As families read it.")] = None,
    price: Annotated[str | None, typer.Option("--price", metavar="COINS", help="In coins.")] = None,
    name_en: Name = None,
    category: Category = None,
    category_en: CategoryEn = None,
    text: Text = None,
    text_en: TextEn = None,
    branch_of: Branches = None,
    picture: Picture = None,
    shown: Annotated[
        bool | None, typer.Option("--shown/--hidden", help="Families see it, or not.")
    ] = None,
    tracked: Annotated[
        bool | None, typer.Option("--tracked/--untracked", help="Its pieces are counted.")
    ] = None,
    place: Annotated[
        str | None, typer.Option("--place", metavar="N", help="Make it number N of the catalog.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Change goods; what is not said stays as it is, and sales of the past stay as they were."""
    session: Session = ctx.obj
    copy = _picture(session, picture)
    said = _said(
        session, name, name_en, category, category_en, text, text_en, price, branch_of, copy
    )
    said |= {
        field: value
        for field, value in (("shown", shown), ("tracked", tracked))
        if value is not None
    }
    if picture is not None and copy is None:
        said["picture"] = ""
    number = number_of(place, "place in the catalog") if place is not None else None
    if not said and number is None:
        raise UsageError(
            "catalog edit: say what is to change", advice='See "coinsync catalog edit --help".'
        )
    copies = {copy.name: copy} if copy else {}
    return carry_out(
        session,
        partial(_edited, session, code, said, number, author(session)),
        dry_run=dry_run,
        yes=yes,
        before=partial(keep_copies, session.settings, copies),
    )


def _edited(
    session: Session, code: str, said: dict[str, Any], place: int | None, by: Author, reader: Reader
) -> Proposal:
    from coinsync.desk import catalog
    from coinsync.lookup.shop import find_item

    before = find_item(reader, code)
    if "name_ru" in said and before.name_en == before.name_ru:
        # The English name was none of its own, and would go on telling the old one.
        said = {"name_en": said["name_ru"]} | said
    item = replace(before, **said)
    if place is None:
        return catalog.put_item(reader, session.settings, item, by)
    if item.archived:
        return catalog.put_item(reader, session.settings, replace(item, place=place), by)
    live = [one for one in reader.all(Item) if not one.archived and one.code != item.code]
    live.sort(key=lambda one: (one.place, one.code))
    order = [*live[: place - 1], item, *live[place - 1 :]]
    return catalog.load(
        reader,
        session.settings,
        [replace(one, place=number) for number, one in enumerate(order, 1)],
        by,
    )


def archive(ctx: typer.Context, code: Goods, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Take goods out of the shop; they are never deleted, and what was sold stays as it was."""
    from coinsync.desk import catalog
    from coinsync.lookup.shop import find_item

    session: Session = ctx.obj
    by = author(session)

    def decide(reader: Reader) -> Proposal:
        return catalog.put_item(
            reader, session.settings, replace(find_item(reader, code), archived=True), by
        )

    return carry_out(session, decide, dry_run=dry_run, yes=yes)


def _said(
    session: Session,
    name: str | None,
    name_en: str | None,
    category: str | None,
    category_en: str | None,
    text: str | None,
    text_en: str | None,
    price: str | None,
    branches: list[str] | None,
    copy: WebPicture | None,
) -> dict[str, Any]:
    """The fields of an item that the options name."""
    texts = (
        ("name_ru", "--name", name, NAME_LENGTH_MAX),
        ("name_en", "--name-en", name_en, NAME_LENGTH_MAX),
        ("category_ru", "--category", category, NAME_LENGTH_MAX),
        ("category_en", "--category-en", category_en, NAME_LENGTH_MAX),
        ("text_ru", "--text", text, TEXT_LENGTH_MAX),
        ("text_en", "--text-en", text_en, TEXT_LENGTH_MAX),
    )
    said: dict[str, Any] = {
        field: _text(option, value, most)
        for field, option, value, most in texts
        if value is not None
    }
    for field, option, *_ in texts[:2]:
        if said.get(field) == "":
            raise UsageError(f"{option}: a name cannot be empty")
    if price is not None:
        said["price"] = _at_most(number_of(price, "price"), PRICE_MAX, "--price")
    if branches:
        everywhere = branches == ["all"]
        chosen = () if everywhere else replace(session, branches=tuple(branches)).chosen_branches()
        said["branches"] = tuple(sorted(branch.id for branch in chosen))
    if copy is not None:
        said["picture"] = copy.name
    return said


def _text(option: str, value: str, length_max: int) -> str:
    text = clean(value)
    if len(text) > length_max:
        raise UsageError(
            f"{option}: the text has {len(text)} characters, at most {length_max} are kept"
        )
    return text


def _at_most(number: int, most: int, what: str) -> int:
    if number > most:
        raise UsageError(f"{what} {number} is above the limit of {most}")
    return number


def _picture(session: Session, file: str | None) -> WebPicture | None:
    """The copy of the picture that an option names: by its name in the folder of pictures, or by a path to it."""
    from coinsync import pictures

    if not file:
        return None
    path = Path(file)
    return pictures.web_picture(
        path if path.name != file else pictures.find(session.settings.shop.pictures, file)
    )


# --- stock -----------------------------------------------------------------------------------------------------------


def stock_list(
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
            _show_left(session, reader, as_csv=as_csv)
        else:
            _show_moves(session, reader, code, as_csv=as_csv)


def _show_left(session: Session, reader: Reader, *, as_csv: bool) -> None:
    from coinsync.render.data import csv_text
    from coinsync.render.shop import show_stock
    from coinsync.render.terminal import console

    counted = [item for item in _in_order(session, reader, everything=True) if item.tracked]
    left = reader.stock(item.code for item in counted)
    # Of what is archived only that matters which still lies there.
    goods = [item for item in counted if left[item.code] or not item.archived]
    left = {item.code: left[item.code] for item in goods}
    if session.json:
        session.tell(
            [{"code": item.code, "name": item.name_ru, "left": left[item.code]} for item in goods]
        )
    elif as_csv:
        rows = ((item.code, item.name_ru, left[item.code]) for item in goods)
        typer.echo(csv_text(("code", "name", "left"), rows))
    else:
        show_stock(console(), goods, left)


def _show_moves(session: Session, reader: Reader, code: str, *, as_csv: bool) -> None:
    from coinsync.lookup.shop import find_item
    from coinsync.render.data import as_data, csv_text
    from coinsync.render.shop import show_stock_moves
    from coinsync.render.terminal import console

    item = find_item(reader, code)
    there, moves = 0, list[tuple[StockMove, int]]()
    for _, move in reader.stock_moves(item=item.code):
        there += move.quantity
        moves.append((move, there))
    moves.reverse()
    if session.json:
        session.tell([{**as_data(move), "left": left} for move, left in moves])
    elif as_csv:
        columns = ("day", "kind", "quantity", "left", "actor", "note", "sale", "key")
        rows = (
            (one.happened_on, one.kind, one.quantity, left, one.actor, one.note, one.sale, one.key)
            for one, left in moves
        )
        typer.echo(csv_text(columns, rows))
    else:
        show_stock_moves(console(), item, moves)


def receive(
    ctx: typer.Context,
    code: Goods,
    pieces: Pieces,
    date: Day = None,
    note: Note = "",
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
    note: Note = "",
    key: Key = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """So many were counted; the difference is recorded."""
    number = 0 if pieces.strip("0") == "" and pieces else number_of(pieces, "number of pieces")
    return _move(ctx.obj, MoveKind.COUNT, code, number, date, note, key, dry_run=dry_run, yes=yes)


def write_off(
    ctx: typer.Context,
    code: Goods,
    pieces: Pieces,
    date: Day = None,
    note: Note = "",
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
    from coinsync.desk import catalog
    from coinsync.lookup.shop import find_item

    _at_most(pieces, QUANTITY_MAX, "the number of pieces")
    text, by = note_of(note), author(session, key.removeprefix("stock:"), date)

    def decide(reader: Reader) -> Proposal:
        return catalog.move_stock(
            reader, session.settings, find_item(reader, code), kind, pieces, by, note=text
        )

    return carry_out(session, decide, dry_run=dry_run, yes=yes)
