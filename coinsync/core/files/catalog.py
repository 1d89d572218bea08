"""The catalog in one file: TOML blocks or the rows of a spreadsheet, each one of the shop's goods.

A file is taken as a whole or not at all, and every problem of every row is named. The order of the rows is the order
in which a family sees the goods.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coinsync.core.catalog import (
    CODE_LENGTH_MAX,
    NAME_LENGTH_MAX,
    PRICE_MAX,
    TEXT_LENGTH_MAX,
    Item,
    is_code,
)
from coinsync.core.files.sheet import Problem, folded, quoted, read_sheet, refusal, suggestion
from coinsync.core.identity import clean, spreadsheet_safe
from coinsync.errors import ImportRefused, PictureRefused

#: The columns of a sheet, which are the keys of a block too, and their other headings.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": ("код", "артикул"),
    "name_ru": ("название", "наименование", "товар", "name"),
    "name_en": ("название по-английски", "english name"),
    "category_ru": ("категория", "раздел", "category"),
    "category_en": ("категория по-английски", "english category"),
    "text_ru": ("описание", "текст", "text", "description"),
    "text_en": ("описание по-английски", "english text"),
    "price": ("цена", "стоимость", "монеты", "coins"),
    "branches": ("филиалы", "филиал", "branch"),
    "picture": ("картинка", "фото", "изображение", "image", "photo"),
    "shown": ("показывать", "показан", "виден"),
    "tracked": ("учёт", "учёт остатков", "остаток считать"),
}

BYTES_MAX = 1_000_000
ITEMS_MAX = 1_000
PICTURE_LENGTH_MAX = 100

_YES = frozenset({"да", "yes", "1", "true", "+"})
_NO = frozenset({"нет", "no", "0", "false", "-"})
_NUMBER = re.compile(r"[0-9]{1,18}")
_SEPARATORS = re.compile(r"[\s,;]+")

#: Gives the name of the web copy of a picture. Raises ``PictureRefused``.
Pictures = Callable[[str], str]


def read_catalog(
    content: bytes, *, toml: bool, branches: frozenset[int], picture: Pictures = str
) -> tuple[Item, ...]:
    """Read a whole catalog, from TOML or from CSV, in its order; ``branches`` are those of the school.

    Raises ``ImportRefused`` with all problems, those that ``picture`` has with the pictures among them.
    """
    sources = _blocks(content) if toml else _rows(content)
    problems = list(sources.problems)
    readers = [_Reader(source, branches, picture, problems) for source in sources.found]
    items = [reader.item(place) for place, reader in enumerate(readers, 1)]
    problems += _repeated(items, [reader.source for reader in readers])
    if problems:
        raise refusal(problems)
    if not items:
        # An empty file would take everything out of the shop: rather a slip than a wish.
        raise ImportRefused(
            ["there is nothing in it; a catalog without goods would empty the shop"]
        )
    return tuple(items)


def catalog_rows(items: Iterable[Item]) -> list[tuple[str | int, ...]]:
    """The goods as rows below ``COLUMNS``: a file that ``read_catalog`` takes for the same goods.

    Pictures are named by their web copies, which is all that is known of them.
    """
    rows: list[tuple[str | int, ...]] = []
    for item in items:
        rows.append(
            (
                item.code,
                item.name_ru,
                item.name_en,
                item.category_ru,
                item.category_en,
                item.text_ru,
                item.text_en,
                item.price,
                " ".join(map(str, item.branches)),
                item.picture,
                "yes" if item.shown else "no",
                "yes" if item.tracked else "no",
            )
        )
    return rows


def _repeated(items: Sequence[Item], sources: Sequence[_Source]) -> list[Problem]:
    """Rows whose code an earlier row has already."""
    first: dict[str, _Source] = {}
    return [
        source.problem("code", f"{quoted(item.code)} stands in {first[item.code].place} too")
        for item, source in zip(items, sources, strict=True)
        if item.code and first.setdefault(item.code, source) is not source
    ]


# --- the two kinds of files ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _BlockProblem(Problem):
    """A problem of a block, which is told by its number and its code: nobody counts lines in TOML."""

    code: str

    def __str__(self) -> str:
        where = f"[[item]] {self.line}" + (f" ({self.code})" if self.code else "")
        return (
            f"{where}, {self.column}: {self.reason}" if self.column else f"{where}: {self.reason}"
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """What one row or block says: cells are texts in a row and anything in a block; what is left out is not there."""

    number: int
    cells: Mapping[str, Any]
    block: bool

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"[[item]] {self.number}" if self.block else f"line {self.number}"

    def problem(self, column: str, reason: str) -> Problem:
        """Something that is wrong here."""
        if not self.block:
            return Problem(self.number, column, reason)
        code = self.cells.get("code")
        known = isinstance(code, str) and is_code(code)
        return _BlockProblem(self.number, column, reason, code if known else "")  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Sources:
    """All that a file holds, and what is wrong with the file itself."""

    found: tuple[_Source, ...]
    problems: tuple[Problem, ...] = ()


def _rows(content: bytes) -> _Sources:
    sheet = read_sheet(content, COLUMNS, needed=(("code",), ("name_ru",), ("price",)))
    if len(sheet.rows) > ITEMS_MAX:
        raise refusal([Problem(sheet.rows[ITEMS_MAX].line, "", f"more than {ITEMS_MAX} goods")])
    sources = []
    for row in sheet.rows:
        # An empty cell says nothing, as a key that is left out.
        cells = {name: _unescaped(cell) for name, cell in row.cells.items() if cell}
        sources.append(_Source(row.line, cells, False))
    return _Sources(tuple(sources), sheet.problems)


def _unescaped(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    plain = cell.removeprefix("'")
    return plain if spreadsheet_safe(plain) != plain else cell


def _blocks(content: bytes) -> _Sources:
    data = _parsed(content)
    stray = [
        f"{quoted(name)} is not known{suggestion(name, ['item'])}"
        for name in data
        if name != "item"
    ]
    blocks = data.get("item", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise ImportRefused([*stray, "item: goods stand in blocks, each below a line [[item]]"])
    if stray:
        raise ImportRefused(stray)
    if len(blocks) > ITEMS_MAX:
        raise ImportRefused([f"{len(blocks)} goods, and {ITEMS_MAX} are the limit"])
    sources = tuple(_Source(number, block, True) for number, block in enumerate(blocks, 1))
    problems = (
        source.problem(clean(name)[:CODE_LENGTH_MAX], f"is not known{suggestion(name, COLUMNS)}")
        for source in sources
        for name in source.cells
        if name not in COLUMNS
    )
    return _Sources(sources, tuple(problems))


def _parsed(content: bytes) -> dict[str, Any]:
    if len(content) > BYTES_MAX:
        raise ImportRefused([f"the file has {len(content)} bytes, and {BYTES_MAX} are the limit"])
    try:
        return tomllib.loads(content.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise ImportRefused(["the characters cannot be read; save the file as UTF-8"]) from error
    except (ValueError, OverflowError) as error:
        raise ImportRefused([f"not valid TOML: {clean(str(error))}"]) from error
    except RecursionError as error:
        raise ImportRefused(["not valid TOML: brackets within brackets without an end"]) from error


# --- one row ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one row: what cannot be read is added to ``problems``, and the other cells are read all the same."""

    source: _Source
    branches: frozenset[int]
    pictures: Pictures
    problems: list[Problem]

    def item(self, place: int) -> Item:
        """The goods of this row; of use only if there are no problems."""
        name = self._text("name_ru", NAME_LENGTH_MAX, needed=True)
        return Item(
            code=self._code(),
            name_ru=name,
            name_en=self._text("name_en", NAME_LENGTH_MAX) or name,
            category_ru=self._text("category_ru", NAME_LENGTH_MAX),
            category_en=self._text("category_en", NAME_LENGTH_MAX),
            text_ru=self._text("text_ru", TEXT_LENGTH_MAX),
            text_en=self._text("text_en", TEXT_LENGTH_MAX),
            price=self._price(),
            branches=self._branches(),
            picture=self._picture(),
            place=place,
            shown=self._yes_no("shown"),
            tracked=self._yes_no("tracked"),
        )

    def _complain(self, column: str, reason: str) -> None:
        self.problems.append(self.source.problem(column, reason))

    def _text(self, column: str, length_max: int, *, needed: bool = False) -> str:
        """A text in one line, whatever way it was broken into lines."""
        value = self.source.cells.get(column, "")
        if not isinstance(value, str):
            self._complain(column, f"{_shown(value)} is not a text")
            return ""
        text = clean(value)
        if needed and not text:
            self._complain(column, "is empty")
        if len(text) > length_max:
            self._complain(column, f"has {len(text)} characters, and {length_max} are the limit")
        return text

    def _code(self) -> str:
        """The code in lower case: a spreadsheet likes to begin a cell with a capital."""
        text = self._text("code", CODE_LENGTH_MAX, needed=True)
        code = text.lower() if text.isascii() else text
        if text and len(text) <= CODE_LENGTH_MAX and not is_code(code):
            self._complain(
                "code",
                f"{quoted(text)} is no code: a Latin letter or digit first, then also - and _",
            )
        return code

    def _price(self) -> int:
        value = self.source.cells.get("price", "")
        if value == "":
            self._complain("price", "is empty")
            return 0
        price = (
            int(value)
            if isinstance(value, str) and not self.source.block and _NUMBER.fullmatch(value)
            else value
        )
        if type(price) is not int:
            self._complain("price", f"{_shown(value)} is not a whole number of coins")
            return 0
        if not 1 <= price <= PRICE_MAX:
            self._complain("price", f"{_shown(value)} is not from 1 to {PRICE_MAX}")
        return price

    def _branches(self) -> tuple[int, ...]:
        """Where it is sold, in the order of their numbers; none is everywhere."""
        value = self.source.cells.get("branches", [])
        if isinstance(value, str) and not self.source.block:
            value = [
                int(part) if _NUMBER.fullmatch(part) else part
                for part in _SEPARATORS.split(value)
                if part
            ]
        if not isinstance(value, list):
            self._complain("branches", f"{_shown(value)} is not a list of branches such as [1, 2]")
            return ()
        for one in value:
            if type(one) is not int or one not in self.branches:
                there = ", ".join(map(str, sorted(self.branches)))
                self._complain(
                    "branches",
                    f"{_shown(one)} is no branch of the configuration; there are {there}",
                )
        return tuple(sorted({one for one in value if type(one) is int}))

    def _picture(self) -> str:
        """The name of its web copy, or "" where there is none or where it is not to be had."""
        name = self._text("picture", PICTURE_LENGTH_MAX)
        if not name or len(name) > PICTURE_LENGTH_MAX:
            return ""
        if not is_file_name(name):
            self._complain(
                "picture", f"{quoted(name)} is not the name of a file in the folder of pictures"
            )
            return ""
        try:
            return self.pictures(name)
        except PictureRefused as error:
            self._complain("picture", error.message)
            return ""

    def _yes_no(self, column: str) -> bool:
        value = self.source.cells.get(column, True)
        if isinstance(value, bool):
            return value
        word = folded(value) if isinstance(value, str) else ""
        if self.source.block or word not in _YES | _NO:
            words = "true nor false" if self.source.block else "yes nor no (да, нет)"
            self._complain(column, f"{_shown(value)} is neither {words}")
        return word in _YES


def is_file_name(text: str) -> bool:
    """Tell whether a text names a file and no way to one: no folders, nothing hidden."""
    return bool(text) and not text.startswith(".") and not any(sign in text for sign in "/\\:\0")


def _shown(value: Any) -> str:
    """A value as a problem shows it."""
    return quoted(value if isinstance(value, str) else _written(value))


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return str(value)
    except ValueError:  # Python writes no whole number of several thousand digits.
        return "a number without an end"
