"""Residents and the VK accounts that see them."""

from collections.abc import Mapping, Sequence
from datetime import date

from coinsync.core.facts import ALWAYS, Membership, Resident
from coinsync.core.people_report import (
    VK_PROBLEMS,
    Card,
    LinkLine,
    LinkProblem,
    RosterLine,
    VkCoverage,
)
from coinsync.render.listing import Grid, Listing, Page, Parts, bold, dim, rows_of
from coinsync.render.numbers import balance, day, titled, total
from coinsync.staff_texts import counted

#: The columns of a spreadsheet, and where each is in a ``RosterLine``.
ROSTER_COLUMNS = {
    "resident": "resident.id",
    "name": "resident.name",
    "branches": "resident.branches",
    "presence": "resident.presence",
    "balance": "coins",
    "cards": "cards",
    "groups": "groups",
    "vk": "vk",
}


def links(lines: Sequence[LinkLine]) -> Listing:
    """Which VK account sees whom."""
    grid = Grid((">VK account", "resident", "by", ""))
    live = 0
    for link in lines:
        live += link.live
        state = "" if link.live else "revoked"
        grid.add(str(link.vk), titled(link.resident, link.name), link.source, dim(state))
    footer = dim(f"{counted(live, 'link')}, {len(lines) - live} revoked")
    return Listing([grid, footer], lines, LinkLine._fields, lines)


def link_problems(coverage: VkCoverage, *, named: bool) -> Listing:
    """The cards whose VK page leads to no link, and how many clients are reached; the others too
    where they are to be ``named``.
    """
    problems = coverage.problems + (coverage.unreached if named else ())
    grid = Grid(("resident", "in the card", "problem"))
    for problem in problems:
        meaning = VK_PROBLEMS.get(problem.problem, problem.problem)
        grid.add(titled(problem.resident, problem.name), problem.text, meaning)
    advice = "links add RESIDENT VK makes a link; correcting the card in the CRM does too"
    page: Parts = [grid, dim(advice)] if problems else []
    residents, unreached = coverage.residents, len(coverage.unreached)
    if residents:
        shown = counted(residents, "resident")
        page.append(f"{coverage.linked} of {shown} are seen by a VK account")
    else:
        page.append("nobody is recorded yet: coinsync sync")
    if residents and not coverage.filled:
        page.append(
            f"0 of {residents} residents have a page in their card: is [residents] vk_field the"
            " right field? coinsync doctor says more"
        )
    elif unreached:
        cards = counted(unreached, "card")
        page.append(f"{cards} without a page, and nobody linked; -v lists them")
    elif residents and not problems:
        page.append("every card's VK page is linked")
    if unreached:
        advice = 'write the page into the card, or "нет" if the family has no VK, then sync'
        page.append(dim(advice))
    return Listing(page, problems, LinkProblem._fields, problems)


def roster(lines: Sequence[RosterLine], branches: Mapping[int, str]) -> Listing:
    """Residents with their balances; programs get more."""
    rows = rows_of(lines, tuple(ROSTER_COLUMNS.values()))
    page = residents_page({line.resident: line.coins for line in lines}, branches)
    return Listing.of_rows(page, tuple(ROSTER_COLUMNS), rows)


def _branches(resident: Resident, names: Mapping[int, str]) -> str:
    return ", ".join(names.get(branch, str(branch)) for branch in resident.branches)


def balances(
    coins: Mapping[Resident, int], branches: Mapping[int, str], as_of: date | None
) -> Listing:
    """Coins alone, today's or those at the end of a day."""
    columns = ("resident", "name", "balance", "day")[: 3 if as_of is None else 4]
    rows = []
    for resident, has in coins.items():
        rows.append((resident.id, resident.name, has, as_of)[: len(columns)])
    return Listing.of_rows(residents_page(coins, branches, as_of), columns, rows)


def residents_page(
    coins: Mapping[Resident, int], branches: Mapping[int, str], as_of: date | None = None
) -> Page:
    """Residents with their balances, as a table; ``branches`` by name."""
    page: Parts = []
    if as_of is not None:
        when = f"at the end of {day(as_of)}, by the days on which things happened"
        page.append(bold(when))
    grid = Grid((">id", "name", "branches", "is", ">coins"))
    for resident, has in coins.items():
        grid.add(
            f"#{resident.id}",
            resident.name,
            _branches(resident, branches),
            resident.presence.value,
            balance(has),
        )
    everything = total(sum(coins.values()))
    return [*page, grid, dim(f"{counted(len(coins), 'resident')}, {everything} coins")]


def card(of: Card, branches: Mapping[int, str]) -> Listing:
    """All that is held of one resident."""
    resident = of.resident
    grid = Grid(("", ""))
    grid.add(bold("resident"), str(resident))
    grid.add(bold("is"), resident.presence.value)
    grid.add(bold("branches"), _branches(resident, branches) or "none")
    for card_id in of.merged:
        grid.add(bold("merged card"), f"#{card_id}")
    for name, membership in of.memberships:
        grid.add(bold("member of"), f"{name}  {_stay(membership)}")
    links = [f"{link.vk} ({link.source if link.live else 'revoked'})" for link in of.links]
    grid.add(bold("VK accounts"), ", ".join(links) or "none")
    grid.add(bold("balance"), balance(of.balance))
    return Listing([grid], of)


def _stay(membership: Membership) -> str:
    start = "from the beginning" if membership.since == ALWAYS else f"since {membership.since}"
    return f"{start} until {membership.until}" if membership.until else start
