"""A page on the terminal.

What comes from the CRM is data. It is cleaned of control characters and handed to the terminal as
``Text``, so that no name can colour, link or break anything.
"""

import sys
from collections.abc import Iterable
from functools import partial
from itertools import chain, zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from coinsync.core.identity import harmless
from coinsync.render.listing import Cell, Grid, Page, TextLine
from coinsync.staff_texts import ENGLISH, in_language

#: Where nobody looks, as in a pipe, lines are as long as they need.
WIDTH_OF_PIPES = 160
WIDTH_OF_PAPER = 80

#: A longer word may be broken, so that a table keeps its shape.
WIDTH_OF_WORDS = 12
#: Between two columns.
GAP = 2
#: Before the further lines of a row that is no table any more.
_HANGING = " " * 6


def console(*, stderr: bool = False) -> Console:
    """A console for people: no markup, no emoji codes, no guessing of colours."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDTH_OF_PIPES
    make = partial(Console, file=stream, width=width, highlight=False, markup=False, emoji=False)
    out = make()
    # Whoever set NO_COLOR gets plain text: rich by itself would still write it bold and dim.
    return make(color_system=None) if out.no_color else out


def paper() -> Console:
    """A console no wider than a sheet."""
    out = console()
    out.width = min(out.width, WIDTH_OF_PAPER)
    return out


def show(out: Console, page: Page, language: str = ENGLISH) -> None:
    """Print a page in a language, as far as its texts have it."""
    for part in page:
        if isinstance(part, Grid):
            _print_grid(out, part, language)
        else:
            out.print(_inert(part, language))


def _inert(cell: Cell, language: str) -> Text:
    # A text that is shown as it is.
    if isinstance(cell, tuple):
        return Text("\n").join(_inert(line, language) for line in cell)
    line = cell if isinstance(cell, TextLine) else TextLine(cell)
    return Text(harmless(in_language(line.text, language)), style=line.style)


# rich has tables too. It measures and wraps every cell several times: a list of sixty residents
# takes it as long as reading them.


def _print_grid(out: Console, grid: Grid, language: str) -> None:
    rows = []
    for cells in grid.rows:
        rows.append([_inert(cell, language) for cell in cells])
    headings = [in_language(heading, language).removeprefix(">") for heading in grid.headings]
    right = [heading.startswith(">") for heading in grid.headings]
    whole = [is_number or place in grid.whole for place, is_number in enumerate(right)]
    if any(headings):
        rows.insert(0, [Text(heading, "bold") for heading in headings])
    widths = _widths(rows, whole, out.width)
    if widths:
        _print_lines(out, rows, widths, right)
    else:
        _print_row_by_row(out, headings, rows)


def _widths(rows: list[list[Text]], whole: list[bool], width: int) -> list[int]:
    # The width is shared among the columns, unless too many words would be broken.
    widths, least = [], []
    for column, is_whole in zip(zip(*rows, strict=True), whole, strict=True):
        texts = [text.plain for text in column]
        wide = _widest(text.splitlines() for text in texts)
        word = min(_widest(text.split() for text in texts), WIDTH_OF_WORDS)
        widths.append(wide)
        least.append(wide if is_whole else word)
    free = width - GAP * (len(widths) - 1)
    if sum(least) > free:
        return []
    while sum(widths) > free:
        # The widest column that still can gives one cell.
        spare = [place for place, wide in enumerate(widths) if wide > least[place]]
        widths[max(spare, key=widths.__getitem__)] -= 1
    return widths


def _widest(texts: Iterable[list[str]]) -> int:
    return max(map(cell_len, chain.from_iterable(texts)), default=0)


def _print_lines(
    out: Console, rows: Iterable[list[Text]], widths: list[int], right: list[bool]
) -> None:
    lines = []
    for row in rows:
        cells = [_folded(out, text, width) for text, width in zip(row, widths, strict=True)]
        for texts in zip_longest(*cells, fillvalue=Text()):
            line = Text()
            for text, width, is_right in zip(texts, widths, right, strict=True):
                blanks = " " * (width - text.cell_len)
                line.append(blanks if is_right else "")
                line.append_text(text)
                line.append("" if is_right else blanks)
                line.append(" " * GAP)
            line.rstrip()
            lines.append(line)
    if lines:
        out.print(Text("\n").join(lines), soft_wrap=True)


def _folded(out: Console, text: Text, width: int) -> list[Text]:
    lines: list[Text] = []
    for line in text.split(allow_blank=True):
        lines.extend([line] if line.cell_len <= width else line.wrap(out, width, overflow="fold"))
    return lines


def _print_row_by_row(out: Console, headings: list[str], rows: list[list[Text]]) -> None:
    if not any(headings):
        for row in rows:
            line = Text("  ").join(filter(None, row))
            first, *rest = _folded(out, line, max(1, out.width - len(_HANGING)))
            out.print(first, soft_wrap=True)
            for more in rest:
                out.print(Text(_HANGING) + more, soft_wrap=True)
        return
    label = max(map(cell_len, headings))
    widths = [label, max(1, out.width - label - GAP)]
    # The first row are the headings, which stand beside each value now.
    for row in rows[1:]:
        values = []
        for heading, text in zip(headings, row, strict=True):
            if text:
                values.append([Text(heading, "bold"), text])
        _print_lines(out, values, widths, [False, False])
        out.print()
