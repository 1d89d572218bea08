"""What a command shows, as values that ``render.terminal`` prints."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any


@dataclass(frozen=True, slots=True)
class TextLine:
    """A text with its style."""

    text: str
    style: str = ""


def bold(text: str) -> TextLine:
    """A text that stands out."""
    return TextLine(text, "bold")


def dim(text: str) -> TextLine:
    """A text that stands back."""
    return TextLine(text, "dim")


#: What stands in one place of a table: one line, or several below one another.
Cell = str | TextLine | tuple[str | TextLine, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table; a heading that begins with ">" stands above numbers.

    They stand to the right and are not broken into several lines; neither are the columns whose
    places are in ``whole``.
    """

    headings: tuple[str, ...]
    whole: Collection[int] = ()
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        """Add a row."""
        self.rows.append(cells)


#: What is printed one below the other, and the same while it is being made.
Page = Sequence[str | TextLine | Grid]
Parts = list[str | TextLine | Grid]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page for a person, ``data`` for JSON, rows for CSV."""

    page: Page
    data: Any
    columns: Sequence[str] = ()
    rows: Iterable[Sequence[Any]] = ()

    @classmethod
    def of_rows(cls, page: Page, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Listing:
        """The same rows for JSON and CSV."""
        data = [dict(zip(columns, row, strict=True)) for row in rows]
        return cls(page, data, columns, rows)


def rows_of(values: Iterable[object], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows of values' fields, each by its name or path."""
    return list(map(attrgetter(*columns), values))
