"""Residents and their VK links on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from rich.console import Console
from rich.table import Table

from coinsync.core.facts import ALWAYS, Link, Membership, Resident
from coinsync.core.people_report import Card, LinkLine, LinkProblem
from coinsync.render.terminal import counted_noun, day, purse, show, table, text, total

_LINK_PROBLEMS = {
    "screen_name": "a screen name that VK was not asked about yet",
    "nobody": "a screen name that nobody has",
    "gone": "an account that was deleted or banned",
    "community": "a community, not a person",
    "not_a_person": "not a person's page",
    "unreadable": "cannot be understood, or names several",
    "changed": "not the account that is linked",
    "revoked": "this link was revoked here",
    "waiting": "will be linked by the next sync",
}


def show_links(out: Console, links: Sequence[LinkLine]) -> None:
    """Print who sees whom."""
    made = table("VK account", "resident", "by", "", right=("VK account",))
    for link in links:
        who = text(f"#{link.resident} {link.name}".rstrip())
        made.add_row(
            text(link.vk), who, text(link.source), text("" if link.live else "revoked", "dim")
        )
    show(out, made)
    live = sum(link.live for link in links)
    out.print(text(f"{counted_noun(live, 'link')}, {len(links) - live} revoked", "dim"))


def show_link_problems(out: Console, problems: Sequence[LinkProblem]) -> None:
    """Print the cards whose VK page leads to no link."""
    if not problems:
        out.print(text("every card's VK page is linked"))
        return
    made = table("resident", "in the card", "problem")
    for one in problems:
        who = text(f"#{one.resident} {one.name}".rstrip())
        made.add_row(who, text(one.text), text(_LINK_PROBLEMS.get(one.problem, one.problem)))
    show(out, made)
    out.print(
        text("links add RESIDENT VK makes a link; correcting the card in the CRM does too", "dim")
    )


def show_residents(
    out: Console,
    residents: Sequence[Resident],
    balances: Mapping[int, int],
    as_of: date | None = None,
) -> None:
    """Print residents with their balances, today's or those at the end of the day ``as_of``."""
    if as_of is not None:
        out.print(text(f"at the end of {day(as_of)}, by the days on which things happened", "bold"))
    made = table("id", "name", "branches", "is", "coins", right=("id", "coins"))
    for one in residents:
        branches = " ".join(map(str, one.branches))
        made.add_row(
            f"#{one.id}",
            text(one.name),
            branches,
            one.presence.value,
            purse(balances.get(one.id, 0)),
        )
    show(out, made)
    out.print(
        text(
            f"{counted_noun(len(residents), 'resident')}, {total(sum(balances.values()))} coins",
            "dim",
        )
    )


def show_card(out: Console, card: Card) -> None:
    """Print all that is held of one resident."""
    resident = card.resident
    rows = [
        ("resident", f"#{resident.id} {resident.name}"),
        ("is", resident.presence.value),
        ("branches", " ".join(map(str, resident.branches)) or "none"),
        *(("merged card", f"#{card_id}") for card_id in card.merged),
        *(("member of", f"{name}  {_stay(one)}") for name, one in card.memberships),
        ("VK accounts", ", ".join(_account(link) for link in card.links) or "none"),
        ("balance", purse(card.balance)),
    ]
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, value in rows:
        grid.add_row(text(name, "bold"), text(value))
    show(out, grid)


def _account(link: Link) -> str:
    return f"{link.vk} ({link.source if link.live else 'revoked'})"


def _stay(membership: Membership) -> str:
    since = "from the beginning" if membership.since == ALWAYS else f"since {membership.since}"
    return since + (f" until {membership.until}" if membership.until else "")
