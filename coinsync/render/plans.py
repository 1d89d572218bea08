"""A plan before it is applied, and the receipt after it."""

from __future__ import annotations

from collections.abc import Iterable

from coinsync.core.ledger import Receipt
from coinsync.core.plan_report import PlanLine, PlanReport, gathered
from coinsync.render.listing import Grid, Parts, TextLine, dim
from coinsync.render.numbers import counted, day, signed

LINES_PER_VERB = 40

STYLES = {"+": "green", "-": "red", "?": "yellow", "~": "cyan", "!": "bold yellow", ".": "dim"}


def plan_page(report: PlanReport, zone: str, calls: int, *, every_line: bool) -> Parts:
    """One plan and what a guard says to it; empty when nothing is new."""
    lines = [line for line in report.lines if every_line or not line.known]
    heading = f"Branch {report.branch_name} ({zone})"
    if report.purpose == "people":
        if not (report.people or lines):
            return []
        changes = ", ".join(report.people) or "no changes"
        page: Parts = [f"{heading}   people   {changes}"]
        return [*page, *_lines(lines, every_line=every_line), *_refusals(report)]
    scope = report.scope
    read = f"complete   {counted(calls, 'request')}" if calls else "complete"
    page = [f"{heading}   lessons {scope.since} … {scope.until}   {read}"]
    page += _lines(lines, every_line=every_line)
    page.append(TextLine(_totals(report), "bold" if report.changes else "", wrap=False))
    silent = len(report.lines) - len(lines)
    if silent:
        page.append(dim(f"{counted(silent, 'line')} as before, shown with -v"))
    return page + _refusals(report)


def _refusals(report: PlanReport) -> Parts:
    page: Parts = []
    for refusal in report.unsafe:
        page.append(TextLine(f"UNSAFE: {refusal}; likely {report.likely}", "bold red", wrap=False))
    return page


def _lines(lines: Iterable[PlanLine], *, every_line: bool) -> Parts:
    grid = Grid(("", "", "", "", "", ">", ""))
    hidden: Parts = []
    for verb, group in gathered(lines, lambda line: line.verb):
        shown = group if every_line else group[:LINES_PER_VERB]
        for line in shown:
            _add(grid, line)
        rest = group[len(shown) :]
        if rest:
            coins = sum(line.coins for line in rest)
            moved = f" ({signed(coins)})" if coins else ""
            more = f"  … {len(rest)} more lines of {verb}{moved}, shown with -v"
            hidden.append(dim(more))
    return ["", grid, *hidden, ""] if grid.rows else []


def _add(grid: Grid, line: PlanLine) -> None:
    style = STYLES.get(line.sign, "")
    grid.add(
        TextLine(f"  {line.sign} {line.verb}", style),
        f"lesson {line.lesson}" if line.lesson is not None else "",
        f"{day(line.day)} {line.starts}".rstrip() if line.day else "",
        line.title,
        line.who,
        TextLine(signed(line.coins) if line.coins else "", style),
        TextLine(line.note, "dim" if line.sign == "." else ""),
    )


def _totals(report: PlanReport) -> str:
    counts = report.counts
    parts = []
    if counts.awards:
        parts.append(f"{counted(counts.awards, 'award')} ({signed(counts.awarded)})")
    if counts.reversals:
        parts.append(f"{counted(counts.reversals, 'reversal')} ({signed(counts.reversed)})")
    if counts.others:
        parts.append(f"{counted(counts.others, 'entry', 'entries')} ({signed(counts.moved)})")
    if not parts and counts.facts:
        parts.append(f"{counted(counts.facts, 'fact')} to record, no coins to move")
    elif not parts:
        parts.append("nothing to do")
    if counts.held:
        parts.append(f"{counts.held} held")
    line = ", ".join(parts) + "."
    if counts.reversals:
        line += f"  {_share_of_reversals(report)}"
    return line


def _share_of_reversals(report: PlanReport) -> str:
    limits = report.limits
    bounds = f"limit {limits.reversals_percent_max} %"
    if limits.reversals_free:
        bounds += f", {limits.reversals_free} always pass"
    share = f"{report.reversals_posted_percent:.1f} %"
    reversals = report.counts.reversals
    return f"Reversals {reversals} of {report.awards_posted} posted ({share}, {bounds})."


def receipt_line(receipt: Receipt, stock: int = 0) -> str:
    """What was written, so many moves of ``stock`` among it, in one line."""
    if receipt.n_first > receipt.n_last:
        recorded = [f"{counted(stock, 'move')} of stock"] if stock else []
        if receipt.facts or not stock:
            recorded.insert(0, counted(receipt.facts, "fact"))
        return f"run {receipt.run}: {', '.join(recorded)} recorded, no coins moved"
    entries = f"entries {receipt.n_first}–{receipt.n_last}"
    if receipt.n_first == receipt.n_last:
        entries = f"entry {receipt.n_first}"
    return f"run {receipt.run}: {entries} posted ({signed(receipt.coins)})"
