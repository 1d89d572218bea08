"""The shop's goods: catalog load, list."""

from pathlib import Path
from typing import Annotated

from typer import Context, Option

from coinsync import pictures
from coinsync.commands.options import AcceptUnsafe, AsCsv, DryRun, Yes, argument
from coinsync.commands.posting import carry_out
from coinsync.commands.session import Session
from coinsync.config import Settings
from coinsync.core.catalog import Item
from coinsync.core.files.catalog import read_catalog
from coinsync.desk import catalog as desk
from coinsync.errors import ImportRefused, UsageError, reason_of
from coinsync.lookup import shop as lookup
from coinsync.render import shop as render


def load(
    ctx: Context,
    file: Annotated[Path, argument("FILE", "CSV, the whole catalog; see docs/catalog.md.")],
    folder: Annotated[
        Path | None,
        Option("--pictures", metavar="FOLDER", help="Where pictures lie; [shop] pictures."),
    ] = None,
    accept_unsafe: AcceptUnsafe = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Make the shop's goods those of a file.

    New ones come, changed ones change, those left out are archived. A file that takes away or
    empties most of what is shown is refused, unless its digest is accepted.
    """
    session: Session = ctx.obj
    items, copies = read_goods(session, file, folder or session.settings.shop.pictures)
    # Pictures are written before the goods that name them, and only once a person has agreed.
    return carry_out(
        session,
        lambda clerk: desk.load(clerk, items),
        dry_run,
        yes,
        before=lambda: keep_copies(session.settings, copies),
        accept_unsafe=accept_unsafe,
    )


def read_goods(
    session: Session, file: Path, folder: Path
) -> tuple[tuple[Item, ...], dict[str, pictures.WebPicture]]:
    """The goods of a file, and copies of their pictures, which lie in ``folder``, by name."""
    settings = session.settings
    copies: dict[str, pictures.WebPicture] = {}

    def web_name(name: str) -> str:
        if pictures.is_web_copy(settings.shop.web_pictures, name):
            # As ``catalog list --csv`` names it.
            return name
        if name not in copies:
            copies[name] = pictures.web_picture(pictures.find(folder, name))
            bar("pictures", len(copies), 0)
        return copies[name].name

    try:
        with session.progress_bar() as bar:
            items = read_catalog(
                file.read_bytes(),
                branches=frozenset(branch.id for branch in settings.branches),
                picture=web_name,
            )
    except OSError as error:
        raise UsageError(f"catalog load: {file} cannot be read ({reason_of(error)})") from error
    except ImportRefused as error:
        raise ImportRefused(error.problems, count=error.count, file=str(file)) from error
    return items, copies


def keep_copies(settings: Settings, copies: dict[str, pictures.WebPicture]) -> None:
    """Write copies of pictures before anything names them."""
    for copy in copies.values():
        pictures.keep(copy, settings.shop.web_pictures)


def list_goods(
    ctx: Context,
    everything: Annotated[bool, Option("--all", help="The archived too.")] = False,
    as_csv: AsCsv = False,
) -> None:
    """The shop's goods in their order, with what is left of them.

    With --csv a file that catalog load takes.
    """
    session: Session = ctx.obj
    with session.reader() as reader:
        goods = lookup.goods_of(reader, session.chosen_branch_ids(), archived=everything)
        pieces = reader.stock(item.code for item in goods if item.tracked)
    session.print_listing(render.catalog(goods, pieces), as_csv)
