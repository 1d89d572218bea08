"""Histories, statements and explanations on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from coinsync.core.history import Explanation, History, HistoryLine, Statement
from coinsync.core.reasons import reason_text, why
from coinsync.core.rules import Verdict
from coinsync.core.wording import LANGUAGES, Words
from coinsync.render.terminal import (
    WIDTH_OF_COLUMNS,
    coins,
    day,
    purse,
    show,
    show_paragraphs,
    table,
    text,
    total,
)


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
    show_paragraphs(
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
    show_paragraphs(
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
    show_paragraphs(out, text(said.printed.format(day=words.day(statement.printed_on)), "dim"))


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
