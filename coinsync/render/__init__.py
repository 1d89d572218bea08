"""How things look: tables for a terminal, JSON for a program, CSV for a spreadsheet.

What comes from the CRM is data. It is cleaned of control characters and handed to the terminal as ``Text``, so that no
name can colour, link or break anything.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from coinsync.core.catalog import Event, Item, Pick, StockMove
from coinsync.core.facts import ALWAYS, HoldKind, Link, Membership, Resident
from coinsync.core.freshness import Freshness
from coinsync.core.history import Explanation, History, HistoryLine, Statement
from coinsync.core.identity import harmless, spreadsheet_safe
from coinsync.core.ledger import Receipt, Run
from coinsync.core.people_report import Card, LinkLine, LinkProblem
from coinsync.core.plan import DIGEST_SHOWN
from coinsync.core.plan_report import PlanLine, PlanReport, gathered
from coinsync.core.proposal import Case, Move
from coinsync.core.reasons import reason_text, why
from coinsync.core.rules import Verdict
from coinsync.core.shop_report import Purchase, ShopReport
from coinsync.core.wording import ENGLISH, LANGUAGES, Words

if TYPE_CHECKING:
    from coinsync.core.proof.checks import Finding, Proof

LINES_PER_VERB = 40
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WIDTH_OF_PIPES = 160
#: A statement is printed on paper; a screen that is narrower than its columns has its words one below the other.
WIDTH_OF_PAPER = 80
WIDTH_OF_COLUMNS = 72

#: A longer word may be broken, so that a table keeps its shape.
WIDTH_OF_WORDS = 12

_STYLES = {"+": "green", "-": "red", "?": "yellow", "~": "cyan", "!": "bold yellow", ".": "dim"}


def console(*, stderr: bool = False) -> Console:
    """A console for people: no markup, no emoji codes, no guessing of colours; wide where nobody looks."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_PIPES
    made = Console(
        file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False
    )
    if made.no_color:
        # Whoever set NO_COLOR gets plain text: the library by itself would still write it bold and dim.
        made = Console(
            file=stream,
            width=width,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=False,
            color_system=None,
        )
    return made


def paper() -> Console:
    """A console for what is printed: never wider than a sheet."""
    out = console()
    out.width = min(out.width, WIDTH_OF_PAPER)
    return out


def text(value: object, style: str = "") -> Text:
    """Any value as inert text of one line."""
    return Text(harmless(str(value)), style=style)


def coins(amount: int) -> str:
    """Coins with their sign and a space between thousands: "+1 250", "-10"."""
    return f"{amount:+,}".replace(",", " ")


def total(amount: int) -> str:
    """A balance, without a plus: "1 250"."""
    return f"{amount:,}".replace(",", " ")


def purse(amount: int) -> str:
    """What a resident has: nobody has less than nothing, "0 (4 to be made up)"."""
    return total(amount) if amount >= 0 else f"0 ({ENGLISH.debt.format(coins=total(-amount))})"


def day(value: date) -> str:
    """A day with its weekday: "2026-11-19 Thu"."""
    return f"{value.isoformat()} {WEEKDAYS[value.weekday()]}"


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """A calm table: a heading, no frame; the columns named in ``right`` are numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        number = column in right
        made.add_column(
            column, justify="right" if number else "left", no_wrap=number, overflow="fold"
        )
    return made


# --- plans -----------------------------------------------------------------------------------------------------------


def show_plan(out: Console, report: PlanReport, zone: str, calls: int, every_line: bool) -> bool:
    """Print one plan: heading, lines, totals, and what a guard has to say; False when there was nothing to print.

    What is not new is printed only if ``every_line``.
    """
    lines = [line for line in report.lines if every_line or not line.known]
    heading = f"Branch {report.branch_name} ({zone})"
    if report.purpose == "people":
        if report.people or lines:
            out.print(text(f"{heading}   people   {', '.join(report.people) or 'no changes'}"))
            _show_lines(out, lines, every_line=every_line)
            _show_refusals(out, report)
        return bool(report.people or lines)
    scope = report.scope
    read = f"complete   {_some(calls, 'request')}" if calls else "as planned before"
    out.print(text(f"{heading}   lessons {scope.since} … {scope.until}   {read}"))
    _show_lines(out, lines, every_line=every_line)
    out.print(text(_totals(report), "bold" if report.changes else ""), soft_wrap=True)
    silent = len(report.lines) - len(lines)
    if silent:
        out.print(text(f"{_some(silent, 'line')} as before, shown with -v", "dim"))
    _show_refusals(out, report)
    return True


def _show_refusals(out: Console, report: PlanReport) -> None:
    for refusal in report.unsafe:
        digest = report.digest[:DIGEST_SHOWN]
        out.print(
            text(f"UNSAFE: {refusal}; likely {report.likely}   digest {digest}", "bold red"),
            soft_wrap=True,
        )


def _show_lines(out: Console, lines: Sequence[PlanLine], *, every_line: bool) -> None:
    if not lines:
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "left", "left", "left", "left", "right", "left"):
        grid.add_column(justify=justify, overflow="fold")
    hidden: list[str] = []
    for _, group in gathered(lines, lambda line: line.verb):
        shown = group if every_line else group[:LINES_PER_VERB]
        for line in shown:
            grid.add_row(*_cells(line))
        rest = group[len(shown) :]
        if rest:
            moved = sum(line.coins for line in rest)
            told = f" ({coins(moved)})" if moved else ""
            hidden.append(f"  … {len(rest)} more lines of {rest[0].verb}{told}, shown with -v")
    out.print()
    show(out, grid)
    for remainder in hidden:
        out.print(text(remainder, "dim"))
    out.print()


def show(out: Console, made: Table) -> None:
    """Print a table without the blanks that would fill its last column; row by row where it is too narrow for it."""
    with out.capture() as captured:
        if _fit(out, made):
            out.print(made)
        else:
            _print_rows(out, made)
    out.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _fit(out: Console, made: Table) -> bool:
    """Share the width among the columns so that hardly a word is broken; False where that cannot be."""
    widths, least = [], []
    for column in made.columns:
        cells = [str(column.header), *map(str, column.cells)]
        width = max(cell_len(line) for cell in cells for line in cell.splitlines() or ("",))
        word = max(cell_len(one) for cell in cells for one in cell.split() or ("",))
        widths.append(width)
        least.append(width if column.no_wrap else min(word, WIDTH_OF_WORDS))
    room = out.width - 2 * (len(widths) - 1)
    if sum(least) > room:
        return False
    while sum(widths) > room:
        spare = (index for index, width in enumerate(widths) if width > least[index])
        widths[max(spare, key=widths.__getitem__)] -= 1
    for column, width in zip(made.columns, widths, strict=True):
        column.width = width
    return True


def _print_rows(out: Console, made: Table) -> None:
    """Print each row as lines of heading and value; without headings, as one paragraph."""
    headings = [str(column.header) for column in made.columns]
    for row in zip(*(column.cells for column in made.columns), strict=True):
        filled = [(heading, cell) for heading, cell in zip(headings, row, strict=True) if str(cell)]
        if not any(headings):
            out.print(Text("  ").join(text(cell) for _, cell in filled))
            continue
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True, width=max(map(cell_len, headings)))
        grid.add_column(overflow="fold")
        for heading, cell in filled:
            grid.add_row(text(heading, "bold"), cell)
        out.print(grid)
        out.print()


def _cells(line: PlanLine) -> tuple[Text, ...]:
    style = _STYLES.get(line.sign, "")
    return (
        Text(f"  {line.sign} {line.verb}", style=style),
        text(f"lesson {line.lesson}" if line.lesson is not None else ""),
        text(f"{day(line.day)} {line.starts}".rstrip() if line.day else ""),
        text(line.title),
        text(line.who),
        text(coins(line.coins) if line.coins else "", style),
        text(line.note, "dim" if line.sign == "." else ""),
    )


def _totals(report: PlanReport) -> str:
    counts = report.counts
    parts = []
    if counts.awards:
        parts.append(f"{_some(counts.awards, 'award')} ({coins(counts.awarded)})")
    if counts.reversals:
        parts.append(f"{_some(counts.reversals, 'reversal')} ({coins(counts.reversed)})")
    if counts.others:
        parts.append(f"{_some(counts.others, 'entry', 'entries')} ({coins(counts.moved)})")
    if not parts:
        parts.append(
            f"{_some(counts.facts, 'fact')} to record, no coins to move"
            if counts.facts
            else "nothing to do"
        )
    if counts.held:
        parts.append(f"{counts.held} held")
    line = ", ".join(parts) + "."
    if counts.reversals:
        line += (
            f"  Reversals {counts.reversals} of {report.awards_posted} posted "
            f"({report.reversals_posted_percent:.1f} %, limit {report.limits.reversals_percent_max} %"
            + (
                f", {report.limits.reversals_free} always pass)."
                if report.limits.reversals_free
                else ")."
            )
        )
    return line + (f"   digest {report.digest[:DIGEST_SHOWN]}" if report.changes else "")


def _some(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def receipt_line(receipt: Receipt, stock: int = 0) -> str:
    """One line that says what was written, so many moves of ``stock`` among it."""
    if receipt.n_first > receipt.n_last:
        moved = _some(stock, "move") + " of stock" if stock else ""
        facts = _some(receipt.facts, "fact") if receipt.facts or not stock else ""
        return (
            f"run {receipt.run}: {', '.join(filter(None, (facts, moved)))} recorded, no coins moved"
        )
    one = receipt.n_first == receipt.n_last
    posted = f"entry {receipt.n_first}" if one else f"entries {receipt.n_first}–{receipt.n_last}"
    return f"run {receipt.run}: {posted} posted ({coins(receipt.coins)})"


# --- the desk --------------------------------------------------------------------------------------------------------


def show_deed(
    out: Console, moves: Sequence[Move], words: Sequence[str], key: str, *, every_line: bool
) -> None:
    """Print what a clerk's command would do, or has done: coins with the balance before and after, and words."""
    if moves:
        made = table(
            "resident", "before", "coins", "after", "day", "why", right=("before", "coins", "after")
        )
        shown = moves if every_line else moves[:LINES_PER_VERB]
        for move in shown:
            made.add_row(
                text(f"#{move.resident} {move.name}".rstrip()),
                text(total(move.before)),
                text(coins(move.coins), "green" if move.coins > 0 else "red"),
                text(total(move.after)),
                text(move.day.isoformat()),
                text(move.why),
            )
        show(out, made)
        if len(moves) > len(shown):
            out.print(text(f"… {len(moves) - len(shown)} more, shown with -v", "dim"))
        if len(moves) > 1:
            out.print(
                text(
                    f"{len(moves)} entries, {coins(sum(move.coins for move in moves))} coins",
                    "bold",
                )
            )
    for line in words:
        out.print(text(line))
    if key.startswith("desk:" if moves else "stock:"):
        out.print(text(f"key {key.partition(':')[2]}", "dim"))


def show_cases(out: Console, cases: Sequence[Case]) -> None:
    """Print what waits for a person."""
    if not cases:
        out.print(text("nothing is held"))
        return
    columns = ("case", "day", "lesson", "resident", "coins", "balance", "why")
    made = table(*columns, right=("coins", "balance"))
    for case in cases:
        hold = case.hold
        made.add_row(
            text(case.id),
            text(day(hold.happened_on)),
            text(case.title),
            text(f"#{hold.resident} {case.name}".rstrip()),
            text(coins(hold.coins)),
            text(total(case.balance)),
            text(("visit: " if hold.kind is HoldKind.GUEST else "") + reason_text(hold.reason)),
        )
    show(out, made)
    out.print(text("review post CASE · forgive CASE --note WHY · waive CASE --note WHY", "dim"))


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
    out.print(text(f"{_some(live, 'link')}, {len(links) - live} revoked", "dim"))


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


# --- the shop --------------------------------------------------------------------------------------------------------


def show_catalog(out: Console, goods: Sequence[Item], left: Mapping[str, int]) -> None:
    """Print goods with what is ``left`` of those whose stock is counted."""
    made = table(
        "code",
        "name",
        "category",
        "price",
        "left",
        "branches",
        "",
        "picture",
        right=("price", "left"),
    )
    for item in goods:
        state = item_state(item)
        made.add_row(
            text(item.code),
            text(item.name_ru, "" if state == "shown" else "dim"),
            text(item.category_ru),
            text(total(item.price)),
            text(total(left[item.code]) if item.code in left else ""),
            text(" ".join(map(str, item.branches)) or "all"),
            text("" if state == "shown" else state, "dim"),
            text("yes" if item.picture else "no", "" if item.picture else "dim"),
        )
    if not goods:
        out.print(text("no goods; catalog load FILE fills the shop, catalog add CODE adds to it"))
        return
    show(out, made)
    out.print(text(_some(len(goods), "item"), "dim"))


def item_state(item: Item) -> str:
    """Whether a family sees the goods, staff alone does, or nobody any more."""
    return "archived" if item.archived else "shown" if item.shown else "hidden"


def show_stock(out: Console, goods: Sequence[Item], left: Mapping[str, int]) -> None:
    """Print how many pieces of what are left."""
    made = table("code", "name", "left", "", right=("left",))
    for item in goods:
        archived = "archived" if item.archived else ""
        made.add_row(
            text(item.code), text(item.name_ru), text(total(left[item.code])), text(archived, "dim")
        )
    show(out, made)
    out.print(
        text(
            f"{_some(len(goods), 'item')} counted, {_some(sum(left.values()), 'piece')} left", "dim"
        )
    )


def show_stock_moves(out: Console, item: Item, moves: Sequence[tuple[StockMove, int]]) -> None:
    """Print what happened to the stock of one item, the newest first, each with what was left after it."""
    out.print(text(f"{item.code}  {item.name_ru}", "bold"))
    made = table("day", "what", "pieces", "left", "by", "why", right=("pieces", "left"))
    for move, after in moves:
        why = move.note or (f"sale {move.sale}" if move.sale else "")
        made.add_row(
            text(day(move.happened_on)),
            text(move.kind.value.replace("_", "-")),
            text(coins(move.quantity), "red" if move.quantity < 0 else ""),
            text(total(after)),
            text(move.actor),
            text(why),
        )
    show(out, made)


def show_shelf(
    out: Console, buyer: Resident, balance: int, goods: Mapping[int, Item], left: Mapping[str, int]
) -> None:
    """Print a buyer's balance and the numbered goods; what cannot be had is said by a word, not by colour alone."""
    out.print(text(f"#{buyer.id} {buyer.name}".rstrip() + f"   balance {purse(balance)}", "bold"))
    made = table("", "item", "code", "price", "left", "", right=("", "price", "left"))
    for number, item in goods.items():
        why_not = (
            "sold out" if left.get(item.code) == 0 else "too dear" if item.price > balance else ""
        )
        made.add_row(
            text(number),
            text(item.name_ru, "dim" if why_not else ""),
            text(item.code, "dim"),
            text(total(item.price)),
            text(total(left[item.code]) if item.code in left else ""),
            text(why_not, "dim"),
        )
    show(out, made)


def show_basket(out: Console, moves: Sequence[Move], picks: Sequence[Pick]) -> None:
    """Print what is about to be sold, and what it does to the buyer's balance."""
    for pick in picks:
        price = pick.item.price * pick.quantity
        many = f" × {pick.quantity}" if pick.quantity > 1 else ""
        out.print(text(f"  {pick.item.name_ru}{many}  {total(price)}"))
    for move in moves:
        who = f"#{move.resident} {move.name}".rstrip()
        out.print(text(f"  {who}   {total(move.before)} → {total(move.after)}", "bold"))


def show_purchases(out: Console, purchases: Sequence[Purchase]) -> None:
    """Print sales with their lines."""
    if not purchases:
        out.print(text("no sales"))
        return
    made = table("sale", "day", "event", "buyer", "goods", "coins", "", right=("coins",))
    for one in purchases:
        buyers = ", ".join(f"#{paid.resident} {paid.name}".rstrip() for paid in one.payments)
        goods = ", ".join(
            f"{line.name_ru} × {line.quantity}" if line.quantity > 1 else line.name_ru
            for line in one.lines
        )
        back = (
            "refunded"
            if len(one.refunded) == len(one.lines)
            else "partly refunded"
            if one.refunded
            else ""
        )
        spent = sum(paid.coins for paid in one.payments)
        made.add_row(
            text(one.sale.id),
            text(one.sale.happened_on.isoformat()),
            text(one.sale.event),
            text(buyers),
            text(goods),
            text(total(spent)),
            text(back, "dim"),
        )
    show(out, made)
    coins_taken = sum(paid.coins for one in purchases for paid in one.payments)
    out.print(text(f"{_some(len(purchases), 'sale')}, {total(coins_taken)} coins", "dim"))


def show_purchase(out: Console, one: Purchase) -> None:
    """Print one sale line by line, as a refund of single lines needs it."""
    sale = one.sale
    where = f"   {sale.event}" if sale.event else ""
    out.print(text(f"sale {sale.id}   {day(sale.happened_on)}{where}   by {sale.actor}", "bold"))
    if one.note:
        out.print(text(one.note))
    made = table(
        "line",
        "item",
        "code",
        "pieces",
        "price",
        "coins",
        "",
        right=("line", "pieces", "price", "coins"),
    )
    for line in one.lines:
        listed = f"catalog {total(line.listed)}" if line.price != line.listed else ""
        back = "refunded" if line.line in one.refunded else ""
        made.add_row(
            text(line.line),
            text(line.name_ru),
            text(line.item, "dim"),
            text(total(line.quantity)),
            text(total(line.price)),
            text(total(line.coins)),
            text(", ".join(filter(None, (listed, back))), "dim"),
        )
    show(out, made)
    for paid in one.payments:
        out.print(text(f"#{paid.resident} {paid.name}".rstrip() + f" paid {total(paid.coins)}"))


def show_events(out: Console, events: Sequence[Event]) -> None:
    """Print fairs."""
    if not events:
        out.print(text("no fairs; shop open EVENT --title TEXT opens one"))
        return
    made = table("event", "title", "opened", "closed")
    for one in events:
        closed = f"{one.closed_on} by {one.closed_by}" if one.closed_on else "open"
        made.add_row(text(one.code), text(one.title), text(one.opened_on.isoformat()), text(closed))
    show(out, made)


def show_shop(out: Console, report: ShopReport, *, every_line: bool) -> None:
    """Print what sells and what does not, who bought, and who has nothing."""
    made = table("item", "code", "sold", "coins", "left", right=("sold", "coins", "left"))
    for item in report.items:
        left = "" if item.left is None else total(item.left)
        made.add_row(
            text(item.name),
            text(item.item, "dim"),
            text(item.pieces),
            text(total(item.coins)),
            text(left),
        )
    show(out, made)
    idle = sum(not item.pieces for item in report.items)
    out.print(text(f"{_some(idle, 'item')} did not move", "dim"))
    out.print()
    bought = [one for one in report.buyers if one.pieces or one.spent]
    shown = report.buyers if every_line else sorted(bought, key=lambda one: -one.spent)
    made = table("resident", "bought", "spent", "has left", right=("bought", "spent", "has left"))
    for one in shown:
        who = text(f"#{one.resident} {one.name}".rstrip())
        made.add_row(who, text(one.pieces), text(total(one.spent)), text(total(one.balance)))
    show(out, made)
    nothing = [one for one in report.buyers if not one.pieces]
    broke = sum(one.balance <= 0 for one in nothing)
    out.print(
        text(
            f"{_some(len(nothing), 'resident')} bought nothing, {broke} of them have no coins",
            "dim",
        )
    )


# --- residents and history -------------------------------------------------------------------------------------------


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
        text(f"{_some(len(residents), 'resident')}, {total(sum(balances.values()))} coins", "dim")
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


def show_history(out: Console, history: History, ways: Mapping[str, str], *, actors: bool) -> None:
    """Print a history, newest first; ``ways`` are titles of the ways to earn by code, ``actors`` says who did it."""
    out.print(
        text(
            f"#{history.resident.id} {history.resident.name}   balance {purse(history.balance)}",
            "bold",
        )
    )
    columns = (
        "entry",
        "day",
        "what",
        "coins",
        "balance",
        "why",
        "posted",
        *(("by",) if actors else ()),
    )
    made = table(*columns, right=("entry", "coins", "balance"))
    for line in history.lines:
        entry = line.line.posted if line.line else None
        by = (text(entry.entry.actor if entry else ""),) if actors else ()
        made.add_row(
            text(entry.n if entry else ""),
            text(f"{day(line.day)} {line.lesson.starts if line.lesson else ''}".rstrip()),
            text(line.title or line.kind),
            text(coins(line.coins) if line.coins else "0", "red" if line.coins < 0 else ""),
            text(total(line.balance) if line.balance is not None else ""),
            text(why(line.reason, line.rule, line.note, ways) + _partner(line)),
            text(entry.posted_at[:10] if entry else ""),
            *by,
        )
    show(out, made)
    if history.more:
        out.print(text("… older lines: pass --limit, --since or --until", "dim"))


def _partner(line: HistoryLine) -> str:
    """The other entry of a reversal and what it reverses."""
    if line.line is None:
        return ""
    reverses, reversed_by = line.line.posted.entry.reverses, line.line.reversed_by
    return (
        f", reverses {reverses}"
        if reverses
        else f", reversed by {reversed_by}"
        if reversed_by
        else ""
    )


def show_statement(out: Console, statement: Statement) -> None:
    """Print a statement as a parent reads it, on paper or on a screen however narrow."""
    words = LANGUAGES[statement.language]
    said = words.statement
    number = said.number.format(id=statement.resident)
    period = said.period.format(since=words.day(statement.since), until=words.day(statement.until))
    name = ", ".join(filter(None, (statement.name, number)))
    _write(
        out,
        text(statement.school, "bold"),
        text(f"{said.title}: {name}", "bold"),
        text(period),
        Text(),
    )
    show(out, _statement_lines(statement, words, wide=out.width >= WIDTH_OF_COLUMNS))
    has = words.number(max(statement.closing, 0))
    standing = said.standing.format(
        day=words.day(statement.until), number=has, coins=statement.coins
    )
    standing = ", ".join(filter(None, (standing, words.to_be_made_up(statement.closing))))
    _write(
        out,
        *(() if statement.lines else (text(said.nothing),)),
        Text(),
        text(standing, "bold"),
        Text(),
    )
    if statement.totals:
        made = Table.grid(padding=(0, 2, 0, 0))
        made.add_column()
        made.add_column(justify="right", no_wrap=True)
        for one, coins in statement.totals.items():
            made.add_row(text(said.totals[one]), text(words.amount(coins)))
        show(out, made)
        out.print()
    _write(out, text(said.printed.format(day=words.day(statement.printed_on)), "dim"))


def _write(out: Console, *paragraphs: Text) -> None:
    """Print paragraphs one below the other, without blanks at the ends of lines."""
    page = Table.grid()
    page.add_column(overflow="fold")
    for paragraph in paragraphs:
        page.add_row(paragraph)
    show(out, page)


def _statement_lines(statement: Statement, words: Words, *, wide: bool) -> Table:
    """Lines with what was there before and after them; where it is narrow, words stand below the day."""
    said, year = words.statement, statement.printed_on.year
    rows = [
        (statement.since, said.opening, "", "", statement.opening),
        *(
            (one.day, one.what, one.why, words.amount(one.coins), one.balance)
            for one in statement.lines
        ),
        (statement.until, said.closing, "", "", statement.closing),
    ]
    reasons = any(one.why for one in statement.lines)
    columns = (said.day, said.what, *((said.why,) if reasons else ())) if wide else (said.day,)
    made = table(*columns, said.coins, said.balance, right=(said.coins, said.balance))
    made.columns[0].no_wrap = wide
    for at, (when, what, reason, change, balance) in enumerate(rows):
        told = [text(words.day(when, year)), text(what), text(reason)]
        cells = told[: len(columns)] if wide else [Text("\n").join(filter(None, told))]
        style = "bold" if at in (0, len(rows) - 1) else ""
        made.add_row(*cells, text(change), text(words.number(balance)), style=style)
    return made


def show_explanations(out: Console, explanations: Iterable[Explanation]) -> None:
    """Print why lessons gave what they gave."""
    for one in explanations:
        lesson = one.lesson
        when = f"{day(lesson.date)} {lesson.starts}".rstrip()
        out.print(
            text(
                f"lesson {lesson.id}  {when}  {one.title}  for #{one.resident.id} {one.resident.name}",
                "bold",
            )
        )
        grid = Table.grid(padding=(0, 2, 0, 0))
        for step in one.steps:
            sign, style = {True: ("yes", "green"), False: ("no", "red"), None: ("", "dim")}[
                step.passed
            ]
            grid.add_row(
                text(f"  {sign:<3}", style),
                text(step.question),
                text(step.answer if step.passed is not None else "–"),
            )
        show(out, grid)
        out.print(
            text(f"  → {_verdict(one.verdict)}; posted {coins(one.posted) if one.posted else '0'}")
        )
        for line in one.lines:
            entry = line.posted.entry
            told = why(entry.reason, entry.rule, line.note)
            out.print(
                text(
                    f"    entry {line.posted.n}  {coins(entry.coins)}  {entry.kind.value}  {told}"
                    f"  {line.posted.posted_at[:10]} by {entry.actor}"
                )
            )
        if one.hold:
            out.print(
                text(f"    held: {coins(one.hold.coins)}, {reason_text(one.hold.reason)}", "yellow")
            )
        out.print()


def _verdict(verdict: Verdict) -> str:
    rule = f" (rule {verdict.rule})" if verdict.rule else ""
    given = (
        f"{coins(verdict.coins)}{rule}"
        if verdict.coins
        else f"nothing: {reason_text(verdict.reason)}"
    )
    return given + (f", {coins(verdict.held)} held for a person to decide" if verdict.held else "")


# --- runs ------------------------------------------------------------------------------------------------------------


def show_runs(out: Console, runs: Sequence[Run], fresh: Sequence[Freshness]) -> None:
    """Print the last runs, and how fresh each branch is."""
    made = table(
        "run",
        "posted (UTC)",
        "branch",
        "what",
        "window",
        "entries",
        "coins",
        "requests",
        "by",
        right=("run", "entries", "coins", "requests"),
    )
    for run in runs:
        window = f"{run.since} … {run.until}" if run.since != run.until else f"{run.until}"
        made.add_row(
            str(run.id),
            run.posted_at.replace("T", " ").removesuffix("Z"),
            str(run.branch),
            run.purpose,
            window,
            str(run.entries),
            coins(run.coins) if run.coins else "0",
            str(run.requests),
            text(run.actor),
        )
    show(out, made)
    out.print()
    for one in fresh:
        out.print(
            text(
                f"{one.name}: {'never synced' if one.age is None else 'last synced ' + age(one.age) + ' ago'}"
            )
        )


def age(span: timedelta) -> str:
    """How long, in the largest units that matter: "26 h 5 min", "3 d 2 h"."""
    minutes = max(0, int(span.total_seconds())) // 60
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


# --- for programs ----------------------------------------------------------------------------------------------------


def as_data(value: Any) -> Any:
    """Turn report values into what JSON can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: as_data(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): as_data(one) for name, one in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (tuple, list, frozenset, set)):
        return [as_data(one) for one in value]
    return value


def as_json(value: Any) -> str:
    """Report values as one line of JSON."""
    return json.dumps(as_data(value), ensure_ascii=False)


def as_page_of_json(value: Any) -> str:
    """Report values as JSON that a person can read."""
    return json.dumps(as_data(value), ensure_ascii=False, indent=2)


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows for a spreadsheet; a text that it would take for a formula is made harmless by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return out.getvalue().rstrip("\r\n")


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return as_data(value)
    return spreadsheet_safe(value)


class Bar:
    """A bar on stderr that follows a reading: it appears with a report and goes away when told to ``rest``.

    As a context manager it rests at the end.
    """

    def __init__(self, *, shown: bool) -> None:
        """Nothing ever appears when not ``shown``."""
        self._shown = shown
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def __call__(self, what: str, done: int, expected: int) -> None:
        """Report how far the reading of ``what`` is; ``expected`` 0 is not known."""
        if not self._shown:
            return
        if self._bar is None:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
            )
            self._bar = Progress(*columns, console=console(stderr=True), transient=True)
            self._task = self._bar.add_task(what, total=None)
            self._bar.start()
        self._bar.update(self._task, description=what, completed=done, total=expected or None)

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.rest()

    def rest(self) -> None:
        """Leave the screen, so that lines can be printed."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


# --- proofs ----------------------------------------------------------------------------------------------------------


def show_proof(out: Console, proof: Proof, on: date | None, *, every_check: bool) -> None:
    """Print what was found, each with the way out, and the sums; the checks that found nothing if ``every_check``."""
    # What could not be read is told beside the proof, on stderr.
    found = {one.check: one for one in proof.findings if one.check != "unread"}
    grid = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "left", "right", "left"):
        grid.add_column(justify=justify, overflow="fold")
    titles = {check.id: check.title for check in proof.checked if every_check}
    for id in dict.fromkeys((*titles, *found)):
        if id in found:
            one = found[id]
            sign = "!" if one.severity == "error" else "~"
            grid.add_row(
                text(f"{sign} {id}", _STYLES[sign]),
                text(one.owner),
                text(total(one.count)),
                _cases(one),
            )
        else:
            grid.add_row(text(f"  {id}"), text("ok"), "", text(titles[id], "dim"))
    if grid.rows:
        show(out, grid)
        out.print()
    when = f", as of the end of {on} (UTC)" if on else ""
    counted = (_some(len(proof.checked), "check"), _some(proof.entries, "entry", "entries"))
    clean = "" if proof.findings else ": all is right"
    out.print(text(f"{', '.join(counted)}, {_some(proof.residents, 'resident')}{when}{clean}"))
    sums = proof.totals
    parts = (
        f"issued {total(sums.issued)} − reversed {total(sums.reversed)} − spent {total(sums.spent)}"
    )
    if proof.entries or on:
        out.print(
            text(
                f"{parts} + refunded {total(sums.refunded)} = {total(sums.balance)} in circulation"
            )
        )
    if proof.held:
        out.print(
            text(
                f"{_some(proof.held, 'difference')} held for a person to decide: coinsync review list",
                "dim",
            )
        )


def _cases(one: Finding) -> Text:
    rest = one.count - len(one.examples)
    lines = [*one.examples, *([f"… and {total(rest)} more"] if rest > 0 else []), f"→ {one.mend}"]
    return Text("\n".join(map(harmless, lines)))


def finding_line(one: Finding) -> str:
    """A finding in one line."""
    rest = one.count - len(one.examples)
    more = f" and {total(rest)} more" if rest > 0 else ""
    return harmless(f"{one.check} ({one.owner}): {'; '.join(one.examples)}{more} → {one.mend}")
