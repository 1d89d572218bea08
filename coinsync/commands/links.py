"""Which VK account sees whom: links list, add, revoke."""

from typing import Annotated

from typer import Context, Option

from coinsync.commands import connections
from coinsync.commands.options import AsCsv, DryRun, Who, Yes, argument
from coinsync.commands.posting import carry_out
from coinsync.commands.session import Session
from coinsync.core.facts import PageKind
from coinsync.core.identity import VkKind, clean, read_vk
from coinsync.core.people_report import VK_PROBLEMS
from coinsync.desk import people as desk
from coinsync.errors import NotFound, UsageError
from coinsync.lookup.residents import find_resident, links
from coinsync.lookup.vk_pages import vk_coverage
from coinsync.render import people as render

Account = Annotated[
    str, argument("VK", "A number, id123, a link to the page, or a screen name as @name.")
]

_WRITE_THE_NUMBER = "Write the number instead: the cabinet shows it to whoever is not linked yet."


def list_links(
    ctx: Context,
    problems: Annotated[
        bool,
        Option(
            "--problems",
            help="Cards whose VK page could not be linked, and why; with -v those without a page.",
        ),
    ] = False,
    as_csv: AsCsv = False,
) -> None:
    """Who sees whom, or what could not be linked."""
    session: Session = ctx.obj
    with session.reader() as reader:
        if problems:
            listing = render.link_problems(vk_coverage(reader), named=session.verbose)
        else:
            listing = render.links(links(reader))
    session.print_listing(listing, as_csv)


def add(ctx: Context, resident: Who, vk: Account, dry_run: DryRun = False, yes: Yes = False) -> int:
    """Let a VK account see a resident."""
    number = account_number(ctx.obj, vk)
    return carry_out(
        ctx.obj,
        lambda clerk: desk.link(clerk, find_resident(clerk.reader, resident), number),
        dry_run,
        yes,
    )


def revoke(
    ctx: Context, resident: Who, vk: Account, dry_run: DryRun = False, yes: Yes = False
) -> int:
    """Let a VK account no longer see a resident.

    The CRM's card does not bring the link back.
    """
    number = account_number(ctx.obj, vk)
    return carry_out(
        ctx.obj,
        lambda clerk: desk.revoke(clerk, find_resident(clerk.reader, resident), number),
        dry_run,
        yes,
    )


def account_number(session: Session, text: str) -> int:
    """The number of a VK account; a screen name is looked up in VK."""
    meaning = read_vk(text.removeprefix("vk:"))
    if meaning.kind is VkKind.NUMBER:
        return meaning.number
    if meaning.kind is VkKind.SCREEN_NAME:
        return _number_in_vk(session, meaning.name)
    known = "the number that the cabinet shows to a visitor, id123, or a link to the page"
    raise UsageError(f"{clean(text)!r} names no person in VK", advice=f"Write {known}.")


def _number_in_vk(session: Session, name: str) -> int:
    with connections.vk(session) as api:
        if api is None:
            raise UsageError(
                "a screen name cannot be looked up without COINSYNC_VK_SERVICE_KEY",
                advice=_WRITE_THE_NUMBER,
            )
        resolved = api.resolve([name])
    if resolved.error is not None:
        raise resolved.error
    page = resolved.answers.get(name)
    if page is None or not page.number:
        reason = VK_PROBLEMS.get(page.kind if page else PageKind.NOBODY, "no person")
        raise NotFound(
            f"VK: {name} is {reason}", advice="Ask for the number that the cabinet shows."
        )
    return page.number
