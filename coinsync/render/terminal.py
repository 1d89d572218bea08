"""What a terminal shows: inert text, numbers, days, tables that fit the screen.

What comes from the CRM is data. It is cleaned of control characters and handed to the terminal
as ``Text``, so that no name can colour, link or break anything.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, timedelta

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coinsync.core.identity import harmless
from coinsync.core.wording import ENGLISH

LINES_PER_VERB = 40
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WIDTH_OF_PIPES = 160
#: A statement is printed on paper; a screen that is narrower than its columns has its words one below the other.
WIDTH_OF_PAPER = 80
WIDTH_OF_COLUMNS = 72
#: A longer word may be broken, so that a table keeps its shape.
WIDTH_OF_WORDS = 12
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STYLES = {"+": "green", "-": "red", "?": "yellow", "~": "cyan", "!": "bold yellow", ".": "dim"}


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


def counted_noun(count: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 entry", "2 entries"; ``plural`` where an "s" is not enough."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def show_paragraphs(out: Console, *paragraphs: Text) -> None:
    """Print paragraphs one below the other, without blanks at the ends of lines."""
    page = Table.grid()
    page.add_column(overflow="fold")
    for paragraph in paragraphs:
        page.add_row(paragraph)
    show(out, page)


def age(span: timedelta) -> str:
    """How long, in the largest units that matter: "26 h 5 min", "3 d 2 h"."""
    minutes = max(0, int(span.total_seconds())) // 60
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
