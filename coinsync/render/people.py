"""Residents and the VK accounts that see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from coinsync.core.facts import ALWAYS, Link, Membership, Resident
from coinsync.render.data import as_data
from coinsync.render.listing import Grid, Listing, Page, TextLine, rows_of
from coinsync.render.numbers import balance, counted, day, titled, total

if TYPE_CHECKING:
    from coinsync.core.people_report import Card, LinkLine, LinkProblem, RosterLine

LINK_COLUMNS = ("vk", "resident", "name", "source", "live")
PROBLEM_COLUMNS = ("resident", "name", "text", "problem")
RESIDENT_COLUMNS = ("id", "name", "branches", "presence", "coins", "cards", "groups", "vk")

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


def links(found: Sequence[LinkLine]) -> Listing:
    """Which VK account sees whom."""
    grid = Grid(("VK account", "resident", "by", ""), right=("VK account",))
    live = 0
    for link in found:
        live += link.live
        state = "" if link.live else "revoked"
        grid.add(
            str(link.vk), titled(link.resident, link.name), link.source, TextLine(state, "dim")
        )
    footer = TextLine(f"{counted(live, 'link')}, {len(found) - live} revoked", "dim")
    return Listing([grid, footer], found, LINK_COLUMNS, rows_of(found, LINK_COLUMNS))


def link_problems(found: Sequence[LinkProblem]) -> Listing:
    """The cards whose VK page leads to no link."""
    grid = Grid(("resident", "in the card", "problem"))
    for problem in found:
        meaning = _LINK_PROBLEMS.get(problem.problem, problem.problem)
        grid.add(titled(problem.resident, problem.name), problem.text, meaning)
    advice = "links add RESIDENT VK makes a link; correcting the card in the CRM does too"
    page: Page = [grid, TextLine(advice, "dim")] if found else ["every card's VK page is linked"]
    return Listing(page, found, PROBLEM_COLUMNS, rows_of(found, PROBLEM_COLUMNS))


def roster(lines: Sequence[RosterLine]) -> Listing:
    """Residents with their balances; for programs also their merged cards, groups and accounts."""
    data, rows = [], []
    for line in lines:
        resident = line.resident
        further = {
            "coins": line.coins,
            "cards": list(line.cards),
            "groups": list(line.groups),
            "vk": list(line.vk),
        }
        data.append({**as_data(resident), **further})
        rows.append(
            (
                resident.id,
                resident.name,
                " ".join(map(str, resident.branches)),
                resident.presence,
                line.coins,
                " ".join(map(str, line.cards)),
                "; ".join(line.groups),
                " ".join(map(str, line.vk)),
            )
        )
    residents = [line.resident for line in lines]
    coins = {line.resident.id: line.coins for line in lines}
    return Listing(residents_page(residents, coins), data, RESIDENT_COLUMNS, rows)


def balances(found: Sequence[Resident], coins: Mapping[int, int], as_of: date | None) -> Listing:
    """Coins alone, today's or those at the end of a day."""
    columns: tuple[str, ...] = ("id", "name", "coins")
    if as_of is not None:
        columns += ("as_of",)
    rows = []
    for resident in found:
        row = (resident.id, resident.name, coins[resident.id], as_of)
        rows.append(row[: len(columns)])
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    return Listing(residents_page(found, coins, as_of), data, columns, rows)


def residents_page(
    found: Sequence[Resident], coins: Mapping[int, int], as_of: date | None = None
) -> Page:
    """Residents with their balances, as a table."""
    page: list[str | TextLine | Grid] = []
    if as_of is not None:
        when = f"at the end of {day(as_of)}, by the days on which things happened"
        page.append(TextLine(when, "bold"))
    grid = Grid(("id", "name", "branches", "is", "coins"), right=("id", "coins"))
    for resident in found:
        grid.add(
            f"#{resident.id}",
            resident.name,
            " ".join(map(str, resident.branches)),
            resident.presence.value,
            balance(coins.get(resident.id, 0)),
        )
    everything = total(sum(coins.values()))
    return [*page, grid, TextLine(f"{counted(len(found), 'resident')}, {everything} coins", "dim")]


def card(found: Card) -> Listing:
    """All that is held of one resident."""
    resident = found.resident
    grid = Grid(("", ""))
    grid.add(TextLine("resident", "bold"), titled(resident.id, resident.name))
    grid.add(TextLine("is", "bold"), resident.presence.value)
    grid.add(TextLine("branches", "bold"), " ".join(map(str, resident.branches)) or "none")
    for card_id in found.merged:
        grid.add(TextLine("merged card", "bold"), f"#{card_id}")
    for name, membership in found.memberships:
        grid.add(TextLine("member of", "bold"), f"{name}  {_stay(membership)}")
    accounts = ", ".join(map(_account, found.links))
    grid.add(TextLine("VK accounts", "bold"), accounts or "none")
    grid.add(TextLine("balance", "bold"), balance(found.balance))
    return Listing([grid], found)


def _account(link: Link) -> str:
    return f"{link.vk} ({link.source if link.live else 'revoked'})"


def _stay(membership: Membership) -> str:
    start = "from the beginning" if membership.since == ALWAYS else f"since {membership.since}"
    return f"{start} until {membership.until}" if membership.until else start
