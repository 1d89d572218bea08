"""Which VK account sees whom: links list, add, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands.coins import author
from coinsync.commands.posting import carry_out
from coinsync.commands.session import AsCsv, DryRun, Session, Who, Yes
from coinsync.core.facts import PageKind
from coinsync.core.identity import VkKind, clean, read_vk
from coinsync.errors import NotFound, UsageError

if TYPE_CHECKING:
    from coinsync.core.proposal import Proposal
    from coinsync.store.reader import Reader

Account = Annotated[
    str,
    typer.Argument(
        metavar="VK", help="A number, id123, a link to the page, or a screen name as @name."
    ),
]


def list_all(
    ctx: typer.Context,
    problems: Annotated[
        bool, typer.Option("--problems", help="Cards whose VK page could not be linked, and why.")
    ] = False,
    as_csv: AsCsv = False,
) -> None:
    """Who sees whom, or what could not be linked."""
    from coinsync.lookup import residents
    from coinsync.render.data import csv_text, json_text
    from coinsync.render.people import show_link_problems, show_links
    from coinsync.render.terminal import console

    session: Session = ctx.obj
    with session.reader() as reader:
        if problems:
            troubles = residents.link_problems(reader)
        else:
            found = residents.links(reader)
    if problems:
        if session.json:
            typer.echo(json_text(troubles))
        elif as_csv:
            rows = [(one.resident, one.name, one.text, one.problem) for one in troubles]
            typer.echo(csv_text(("resident", "name", "text", "problem"), rows))
        else:
            show_link_problems(console(), troubles)
    elif session.json:
        typer.echo(json_text(found))
    elif as_csv:
        columns = ("vk", "resident", "name", "source", "live")
        typer.echo(csv_text(columns, [[getattr(one, name) for name in columns] for one in found]))
    else:
        show_links(console(), found)


def add(
    ctx: typer.Context, resident: Who, vk: Account, dry_run: DryRun = False, yes: Yes = False
) -> int:
    """Let a VK account see a resident."""
    from coinsync.desk import links
    from coinsync.lookup.residents import find_resident

    session: Session = ctx.obj
    number, by = account_number(session, vk), author(session)

    def decide(reader: Reader) -> Proposal:
        return links.link(reader, session.settings, find_resident(reader, resident), number, by)

    return carry_out(session, decide, dry_run=dry_run, yes=yes)


def revoke(
    ctx: typer.Context, resident: Who, vk: Account, dry_run: DryRun = False, yes: Yes = False
) -> int:
    """Let a VK account no longer see a resident; the CRM's card does not bring it back."""
    from coinsync.desk import links
    from coinsync.lookup.residents import find_resident

    session: Session = ctx.obj
    number, by = account_number(session, vk), author(session)

    def decide(reader: Reader) -> Proposal:
        return links.revoke(reader, session.settings, find_resident(reader, resident), number, by)

    return carry_out(session, decide, dry_run=dry_run, yes=yes)


def account_number(session: Session, text: str) -> int:
    """The number of a VK account as typed; a screen name is looked up in VK."""
    meaning = read_vk(text)
    if meaning.kind is VkKind.NUMBER:
        return meaning.number
    if meaning.kind is not VkKind.SCREEN_NAME:
        raise UsageError(
            f"{clean(text)!r} names no person in VK",
            advice="Write the number that the cabinet shows to a visitor, id123, or a link to the page.",
        )
    with session.vk() as api:
        if api is None:
            raise UsageError(
                "a screen name cannot be looked up without COINSYNC_VK_SERVICE_KEY",
                advice="Write the number instead: the cabinet shows it to whoever is not linked yet.",
            )
        answer = api.resolve([meaning.name])
    if answer.error is not None:
        raise answer.error
    found = answer.answers.get(meaning.name)
    if found is None or not found.number:
        told = _NO_PERSON.get(found.kind if found else PageKind.NOBODY, "is no person")
        raise NotFound(
            f"VK: {meaning.name} {told}", advice="Ask for the number that the cabinet shows."
        )
    return found.number


_NO_PERSON = {
    PageKind.NOBODY: "is a screen name that nobody has",
    PageKind.GONE: "is an account that was deleted or banned",
    PageKind.COMMUNITY: "is a community, not a person",
}
