"""Residents and the VK accounts that see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from coinsync.core.facts import ALWAYS, Link, Membership, Resident
from coinsync.render.data import as_data
from coinsync.render.listing import Grid, Listing, Page, Parts, TextLine, rows_of
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
    """Residents with their balances; programs get more."""
    data, rows = [], []
    for line in lines:
        further = as_data(line)
        data.append({**further.pop("resident"), **further})
        who = line.resident
        known = (who.id, who.name, _numbers(who.branches), who.presence, line.coins)
        rows.append((*known, _numbers(line.cards), "; ".join(line.groups), _numbers(line.vk)))
    residents = [line.resident for line in lines]
    coins = {line.resident.id: line.coins for line in lines}
    return Listing(residents_page(residents, coins), data, RESIDENT_COLUMNS, rows)


def _numbers(numbers: Iterable[int]) -> str:
    return " ".join(map(str, numbers))


def balances(found: Sequence[Resident], coins: Mapping[int, int], as_of: date | None) -> Listing:
    """Coins alone, today's or those at the end of a day."""
    data: list[dict[str, Any]] = []
    for resident in found:
        row = {"id": resident.id, "name": resident.name, "coins": coins[resident.id]}
        data.append(row if as_of is None else {**row, "as_of": as_of})
    columns = ("id", "name", "coins") if as_of is None else ("id", "name", "coins", "as_of")
    rows = [tuple(row.values()) for row in data]
    return Listing(residents_page(found, coins, as_of), data, columns, rows)


def residents_page(
    found: Sequence[Resident], coins: Mapping[int, int], as_of: date | None = None
) -> Page:
    """Residents with their balances, as a table."""
    page: Parts = []
    if as_of is not None:
        when = f"at the end of {day(as_of)}, by the days on which things happened"
        page.append(TextLine(when, "bold"))
    grid = Grid(("id", "name", "branches", "is", "coins"), right=("id", "coins"))
    for resident in found:
        grid.add(
            f"#{resident.id}",
            resident.name,
            _numbers(resident.branches),
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
    grid.add(TextLine("branches", "bold"), _numbers(resident.branches) or "none")
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
