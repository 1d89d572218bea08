"""What a command shows, as values: lines, tables, and listings that people and programs read.

Nothing here knows a terminal. A page is made of texts, and only ``render.terminal`` prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TextLine:
    """A text with its style; one that must be copied whole is not broken: ``wrap`` False."""

    text: str
    style: str = ""
    wrap: bool = True


#: What stands in one place of a table: one line, or several below one another.
Cell = str | TextLine | tuple[str | TextLine, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with ``headings`` above its columns, each perhaps empty.

    Columns of ``right``, by heading or by place, hold numbers, which are not broken into several
    lines; neither are the columns whose places are in ``whole``.
    """

    headings: tuple[str, ...]
    right: Collection[int | str] = ()
    whole: Collection[int] = ()
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        """Add a row."""
        self.rows.append(cells)


#: What is printed one below the other.
Page = Sequence[str | TextLine | Grid]


@dataclass(frozen=True, slots=True)
class Listing:
    """One listing for everybody: a page for a person, ``data`` for JSON, ``rows`` for CSV.

    A page may depend on the width of the screen. Without ``columns`` there is no CSV of it.
    """

    page: Page | Callable[[int], Page]
    data: Any
    columns: Sequence[str] = ()
    rows: Iterable[Sequence[Any]] = ()


def rows_of(values: Iterable[object], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows of values that have a field for every column."""
    return [tuple(getattr(value, column) for column in columns) for value in values]
