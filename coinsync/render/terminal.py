"""A page on the terminal: every text inert, every table as wide as the screen allows.

What comes from the CRM is data. It is cleaned of control characters and handed to the terminal as
``Text``, so that no name can colour, link or break anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from coinsync.core.identity import harmless
from coinsync.render.listing import Cell, Grid, Line, Page

#: Where nobody looks, as in a pipe, lines are as long as they need.
WIDTH_OF_PIPES = 160
WIDTH_OF_PAPER = 80

#: A longer word may be broken, so that a table keeps its shape.
WIDTH_OF_WORDS = 12
#: Between two columns.
GAP = 2


def console(*, stderr: bool = False) -> Console:
    """A console for people: no markup, no emoji codes, no guessing of colours."""
    stream = sys.stderr if stderr else sys.stdout
    make = partial(
        Console,
        file=stream,
        width=None if stream.isatty() else WIDTH_OF_PIPES,
        highlight=False,
        markup=False,
        emoji=False,
    )
    out = make()
    # Whoever set NO_COLOR gets plain text: rich by itself would still write it bold and dim.
    return make(color_system=None) if out.no_color else out


def paper() -> Console:
    """A console for what is printed: never wider than a sheet."""
    out = console()
    out.width = min(out.width, WIDTH_OF_PAPER)
    return out


def show(out: Console, page: Page | Callable[[int], Page]) -> None:
    """Print a page, one part below the other."""
    for part in page(out.width) if callable(page) else page:
        if isinstance(part, Grid):
            _print_table(out, _table(part))
        else:
            wrap = part.wrap if isinstance(part, Line) else True
            out.print(inert(part), soft_wrap=not wrap)


def inert(cell: Cell) -> Text:
    """A text that is shown as it is, whatever stands in it."""
    if isinstance(cell, tuple):
        return Text("\n").join(inert(line) for line in cell)
    if isinstance(cell, Line):
        return Text(harmless(cell.text), style=cell.style)
    return Text(harmless(cell))


def _table(grid: Grid) -> Table:
    """The grid as rich draws it: a heading where there is one, no frame."""
    table = Table(
        box=None,
        pad_edge=False,
        show_header=any(grid.headings),
        header_style="bold",
        padding=(0, GAP, 0, 0),
    )
    for place, heading in enumerate(grid.headings):
        number = place in grid.right or bool(heading and heading in grid.right)
        table.add_column(
            heading,
            justify="right" if number else "left",
            no_wrap=number or place in grid.whole,
            overflow="fold",
        )
    for row in grid.rows:
        table.add_row(*map(inert, row))
    return table


def _print_table(out: Console, table: Table) -> None:
    """Print a table without the blanks that would fill its last column.

    Where the screen is too narrow for it, it is printed row by row.
    """
    with out.capture() as captured:
        if _fit(table.columns, out.width):
            out.print(table)
        else:
            _print_rows(out, table)
    for line in captured.get().splitlines():
        out.file.write(f"{line.rstrip()}\n")


def _fit(columns: list[Column], width: int) -> bool:
    """Share the width among the columns so that hardly a word is broken; False if that cannot be."""
    widths = [_widest(column, by_words=False) for column in columns]
    least = []
    for column, wide in zip(columns, widths, strict=True):
        word = min(_widest(column, by_words=True), WIDTH_OF_WORDS)
        least.append(wide if column.no_wrap else word)
    free = width - GAP * (len(columns) - 1)
    if sum(least) > free:
        return False
    while sum(widths) > free:
        # The widest column that still can gives one cell.
        spare = [index for index, wide in enumerate(widths) if wide > least[index]]
        widths[max(spare, key=widths.__getitem__)] -= 1
    for column, wide in zip(columns, widths, strict=True):
        column.width = wide
    return True


def _widest(column: Column, *, by_words: bool) -> int:
    """How wide the longest line, or the longest word, of a column is on the screen."""
    widest = 0
    for cell in (column.header, *column.cells):
        parts = str(cell).split() if by_words else str(cell).splitlines()
        widest = max(widest, *map(cell_len, parts), 0)
    return widest


def _print_rows(out: Console, table: Table) -> None:
    """Print each row as lines of heading and value; without headings, as one paragraph."""
    headings = [str(column.header) for column in table.columns]
    for row in zip(*(column.cells for column in table.columns), strict=True):
        if not any(headings):
            out.print(Text("  ").join(cell for cell in row if isinstance(cell, Text) and cell))
            continue
        grid = Table.grid(padding=(0, GAP, 0, 0))
        grid.add_column(no_wrap=True, width=max(map(cell_len, headings)))
        grid.add_column(overflow="fold")
        for heading, cell in zip(headings, row, strict=True):
            if str(cell):
                grid.add_row(Text(heading, style="bold"), cell)
        out.print(grid)
        out.print()
