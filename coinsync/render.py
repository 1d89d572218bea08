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
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from coinsync.core.facts import ALWAYS, Membership, Resident
from coinsync.core.identity import harmless
from coinsync.core.ledger import Receipt, Run
from coinsync.core.plan import DIGEST_SHOWN
from coinsync.core.report import (
    WEEKDAYS,
    Card,
    Explanation,
    Freshness,
    History,
    PlanLine,
    PlanReport,
    gathered,
    reason_text,
)
from coinsync.core.rules import Verdict

LINES_PER_VERB = 40
WIDTH_OF_PIPES = 160

_STYLES = {"+": "green", "-": "red", "?": "yellow", "~": "cyan", "!": "bold yellow", ".": "dim"}


def console(*, stderr: bool = False) -> Console:
    """A console for people: no markup, no emoji codes, no guessing of colours; wide where nobody looks."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_PIPES
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def text(value: object, style: str = "") -> Text:
    """Any value as inert text of one line."""
    return Text(harmless(str(value)), style=style)


def coins(amount: int) -> str:
    """Coins with their sign and a space between thousands: "+1 250", "-10"."""
    return f"{amount:+,}".replace(",", " ")


def total(amount: int) -> str:
    """A balance, without a plus: "1 250"."""
    return f"{amount:,}".replace(",", " ")


def day(value: date) -> str:
    """A day with its weekday: "2026-11-19 Thu"."""
    return f"{value.isoformat()} {WEEKDAYS[value.weekday()]}"


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """A calm table: a heading, no frame; the columns named in ``right`` are numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        number = column in right
        made.add_column(column, justify="right" if number else "left", no_wrap=number, overflow="fold")
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
        out.print(text(f"UNSAFE: {refusal}; likely {report.likely}   digest {digest}", "bold red"), soft_wrap=True)


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
    """Print a table without the blanks that would fill its last column."""
    with out.capture() as captured:
        out.print(made)
    out.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


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
        parts.append(f"{_some(counts.facts, 'fact')} to record, no coins to move" if counts.facts else "nothing to do")
    if counts.held:
        parts.append(f"{counts.held} held")
    line = ", ".join(parts) + "."
    if counts.reversals:
        line += (
            f"  Reversals {counts.reversals} of {report.awards_posted} posted "
            f"({report.reversals_posted_percent:.1f} %, limit {report.limits.reversals_percent_max} %"
            + (f", {report.limits.reversals_free} always pass)." if report.limits.reversals_free else ").")
        )
    return line + (f"   digest {report.digest[:DIGEST_SHOWN]}" if report.changes else "")


def _some(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def receipt_line(receipt: Receipt) -> str:
    """One line that says what was written."""
    if receipt.n_first > receipt.n_last:
        return f"run {receipt.run}: {_some(receipt.facts, 'fact')} recorded, no coins moved"
    return f"run {receipt.run}: entries {receipt.n_first}–{receipt.n_last} posted ({coins(receipt.coins)})"


# --- residents and history -------------------------------------------------------------------------------------------


def show_residents(out: Console, residents: Sequence[Resident], balances: Mapping[int, int]) -> None:
    """Print residents with their balances."""
    made = table("id", "name", "branches", "is", "coins", right=("id", "coins"))
    for one in residents:
        branches = " ".join(map(str, one.branches))
        made.add_row(f"#{one.id}", text(one.name), branches, one.presence.value, total(balances.get(one.id, 0)))
    show(out, made)
    out.print(text(f"{_some(len(residents), 'resident')}, {total(sum(balances.values()))} coins", "dim"))


def show_card(out: Console, card: Card) -> None:
    """Print all that is held of one resident."""
    resident = card.resident
    rows = [
        ("resident", f"#{resident.id} {resident.name}"),
        ("is", resident.presence.value),
        ("branches", " ".join(map(str, resident.branches)) or "none"),
        *(("member of", f"{name}  {_stay(one)}") for name, one in card.memberships),
        ("VK accounts", ", ".join(f"{link.vk} ({link.source})" for link in card.links) or "none"),
        ("balance", total(card.balance)),
    ]
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, value in rows:
        grid.add_row(text(name, "bold"), text(value))
    show(out, grid)


def _stay(membership: Membership) -> str:
    since = "from the beginning" if membership.since == ALWAYS else f"since {membership.since}"
    return since + (f" until {membership.until}" if membership.until else "")


def show_history(out: Console, history: History) -> None:
    """Print a history, newest first."""
    out.print(text(f"#{history.resident.id} {history.resident.name}   balance {total(history.balance)}", "bold"))
    made = table("entry", "day", "what", "coins", "balance", "why", "posted", right=("entry", "coins", "balance"))
    for line in history.lines:
        entry = line.line.posted if line.line else None
        made.add_row(
            text(entry.n if entry else ""),
            text(f"{day(line.day)} {line.lesson.starts if line.lesson else ''}".rstrip()),
            text(line.title or line.kind),
            text(coins(line.coins) if line.coins else "0", "red" if line.coins < 0 else ""),
            text(total(line.balance) if line.balance is not None else ""),
            text(
                _why(line.reason, entry.entry.reverses if entry else None, line.line.reversed_by if line.line else None)
            ),
            text(entry.posted_at[:10] if entry else ""),
        )
    show(out, made)
    if history.more:
        out.print(text("… older lines: pass --limit, --since or --until", "dim"))


def _why(reason: str, reverses: int | None, reversed_by: int | None) -> str:
    link = f", reverses {reverses}" if reverses else f", reversed by {reversed_by}" if reversed_by else ""
    return reason_text(reason) + link


def show_explanations(out: Console, explanations: Iterable[Explanation]) -> None:
    """Print why lessons gave what they gave."""
    for one in explanations:
        lesson = one.lesson
        when = f"{day(lesson.date)} {lesson.starts}".rstrip()
        out.print(text(f"lesson {lesson.id}  {when}  {one.title}  for #{one.resident.id} {one.resident.name}", "bold"))
        grid = Table.grid(padding=(0, 2, 0, 0))
        for step in one.steps:
            sign, style = {True: ("yes", "green"), False: ("no", "red"), None: ("", "dim")}[step.passed]
            grid.add_row(
                text(f"  {sign:<3}", style), text(step.question), text(step.answer if step.passed is not None else "–")
            )
        show(out, grid)
        out.print(text(f"  → {_verdict(one.verdict)}; posted {coins(one.posted) if one.posted else '0'}"))
        for line in one.lines:
            entry = line.posted.entry
            out.print(
                text(
                    f"    entry {line.posted.n}  {coins(entry.coins)}  {entry.kind.value}  {reason_text(entry.reason)}"
                    f"  {line.posted.posted_at[:10]} by {entry.actor}"
                )
            )
        if one.hold:
            out.print(text(f"    held: {coins(one.hold.coins)}, {reason_text(one.hold.reason)}", "yellow"))
        out.print()


def _verdict(verdict: Verdict) -> str:
    rule = f" (rule {verdict.rule})" if verdict.rule else ""
    given = f"{coins(verdict.coins)}{rule}" if verdict.coins else f"nothing: {reason_text(verdict.reason)}"
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
        out.print(text(f"{one.name}: {'never synced' if one.age is None else 'last synced ' + age(one.age) + ' ago'}"))


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
    plain = harmless(value)
    return f"'{plain}" if plain[:1] in ("=", "+", "-", "@", "\t", "\r") else plain


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
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
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
