"""Plans and receipts on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from coinsync.core.ledger import Receipt
from coinsync.core.plan_report import PlanLine, PlanReport, gathered
from coinsync.render.terminal import LINES_PER_VERB, STYLES, coins, counted_noun, day, show, text


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
    read = f"complete   {counted_noun(calls, 'request')}" if calls else "complete"
    out.print(text(f"{heading}   lessons {scope.since} … {scope.until}   {read}"))
    _show_lines(out, lines, every_line=every_line)
    out.print(text(_totals(report), "bold" if report.changes else ""), soft_wrap=True)
    silent = len(report.lines) - len(lines)
    if silent:
        out.print(text(f"{counted_noun(silent, 'line')} as before, shown with -v", "dim"))
    _show_refusals(out, report)
    return True


def _show_refusals(out: Console, report: PlanReport) -> None:
    for refusal in report.unsafe:
        out.print(text(f"UNSAFE: {refusal}; likely {report.likely}", "bold red"), soft_wrap=True)


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


def _cells(line: PlanLine) -> tuple[Text, ...]:
    style = STYLES.get(line.sign, "")
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
        parts.append(f"{counted_noun(counts.awards, 'award')} ({coins(counts.awarded)})")
    if counts.reversals:
        parts.append(f"{counted_noun(counts.reversals, 'reversal')} ({coins(counts.reversed)})")
    if counts.others:
        parts.append(f"{counted_noun(counts.others, 'entry', 'entries')} ({coins(counts.moved)})")
    if not parts:
        parts.append(
            f"{counted_noun(counts.facts, 'fact')} to record, no coins to move"
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
    return line


def receipt_line(receipt: Receipt, stock: int = 0) -> str:
    """One line that says what was written, so many moves of ``stock`` among it."""
    if receipt.n_first > receipt.n_last:
        moved = counted_noun(stock, "move") + " of stock" if stock else ""
        facts = counted_noun(receipt.facts, "fact") if receipt.facts or not stock else ""
        return (
            f"run {receipt.run}: {', '.join(filter(None, (facts, moved)))} recorded, no coins moved"
        )
    one = receipt.n_first == receipt.n_last
    posted = f"entry {receipt.n_first}" if one else f"entries {receipt.n_first}–{receipt.n_last}"
    return f"run {receipt.run}: {posted} posted ({coins(receipt.coins)})"
