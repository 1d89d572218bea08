"""The catalog in one file: TOML blocks or the rows of a spreadsheet, each one of the shop's goods.

A file is taken as a whole or not at all, and every problem of every row is named. Families see the
goods in the order of the rows.
"""

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
from coinsync.core.files.sheet import (
    Problem,
    RowReader,
    SheetRow,
    digits_in,
    quoted,
    read_sheet,
    refusal,
    repeated,
    shown,
    suggestion,
)
from coinsync.core.files.toml import toml_problem
from coinsync.core.identity import clean, folded, plain_number
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

# The last but one of each is what a spreadsheet in Russian makes of "true" and "false".
_YES = frozenset(map(folded, ("да", "yes", "1", "true", "истина", "+")))
_NO = frozenset(map(folded, ("нет", "no", "0", "false", "ложь", "-")))
_SEPARATORS = re.compile(r"[\s,;]+")

#: Gives the name of the web copy of a picture. Raises ``PictureRefused``.
Pictures = Callable[[str], str]


def read_catalog(
    content: bytes, *, toml: bool, branches: frozenset[int], picture: Pictures = str
) -> tuple[Item, ...]:
    """Read a whole catalog, from TOML or from CSV, in its order.

    ``branches`` are those of the school. Raises ``ImportRefused`` with all problems, also those
    that ``picture`` has.
    """
    sources, problems = _blocks(content) if toml else _rows(content)
    items = []
    for place, source in enumerate(sources, start=1):
        reader = _ItemReader(source, problems, branches, picture)
        items.append(reader.item(place))
    codes = [item.code for item in items]
    problems += repeated("code", zip(codes, sources, strict=True))
    if problems:
        raise refusal(problems)
    if not items:
        # It would take everything out of the shop.
        raise ImportRefused(["there is nothing in it: a shop without goods is rather a slip"])
    return tuple(items)


def catalog_rows(items: Iterable[Item]) -> list[list[str]]:
    """The rows of a sheet, its columns ``COLUMNS``, from which the same catalog is read again.

    What is archived is left out, as in a catalog that is loaded; a picture is its web copy.
    """
    rows = []
    for item in sorted(items, key=lambda item: item.place):
        if not item.archived:
            rows.append([_cell(getattr(item, column)) for column in COLUMNS])
    return rows


def _cell(value: str | int | bool | tuple[int, ...]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return str(value)


@dataclass(frozen=True, slots=True)
class _Block(SheetRow):
    # One block of a TOML file, ``line`` its number; its values may be anything.

    @property
    def place(self) -> str:
        return f"[[item]] {self.line}"

    def problem(self, column: str, reason: str) -> Problem:
        where = self.place
        code = self.cells.get("code")
        if isinstance(code, str) and is_code(code):
            where += f" ({code})"
        if column:
            where += f", {column}"
        return Problem(self.line, column, reason, where)


def _rows(content: bytes) -> tuple[Sequence[SheetRow], list[Problem]]:
    sheet = read_sheet(content, COLUMNS, needed=(("code",), ("name_ru",), ("price",)))
    if len(sheet.rows) > ITEMS_MAX:
        line = sheet.rows[ITEMS_MAX].line
        raise refusal([Problem(line, "", f"more than {ITEMS_MAX} goods")])
    rows = []
    for row in sheet.rows:
        # An empty cell says nothing, as a key that is left out.
        cells = {name: cell for name, cell in row.cells.items() if cell}
        rows.append(SheetRow(row.line, cells))
    return rows, list(sheet.problems)


def _blocks(content: bytes) -> tuple[Sequence[SheetRow], list[Problem]]:
    data = _parsed(content)
    stray = []
    for name in data:
        if name != "item":
            stray.append(f"{quoted(name)} is not known{suggestion(name, ['item'])}")
    blocks = data.get("item", [])
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        stray.append("item: goods stand in blocks, each below a line [[item]]")
    if stray:
        raise ImportRefused(stray)
    if len(blocks) > ITEMS_MAX:
        raise ImportRefused([f"{len(blocks)} goods, and {ITEMS_MAX} are the limit"])
    sources = [_Block(number, block) for number, block in enumerate(blocks, start=1)]
    problems = []
    for source in sources:
        for name in source.cells:
            if name not in COLUMNS:
                key = clean(name)[:CODE_LENGTH_MAX]
                problems.append(source.problem(key, f"is not known{suggestion(name, COLUMNS)}"))
    return sources, problems


def _parsed(content: bytes) -> dict[str, Any]:
    if len(content) > BYTES_MAX:
        raise ImportRefused([f"the file has {len(content)} bytes, and {BYTES_MAX} are the limit"])
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ImportRefused(["the characters cannot be read; save the file as UTF-8"]) from error
    try:
        return tomllib.loads(text)
    except (ValueError, OverflowError) as error:
        raise ImportRefused([clean(toml_problem(text, error))]) from error
    except RecursionError as error:
        raise ImportRefused(["not valid TOML: brackets within brackets without an end"]) from error


@dataclass(slots=True)
class _ItemReader(RowReader):
    # A block has values of TOML's own types, a row texts alone: a text that says a number or yes is
    # understood in a row only.

    known_branches: frozenset[int]
    web_copy: Pictures

    @property
    def _is_sheet(self) -> bool:
        return not isinstance(self.row, _Block)

    def item(self, place: int) -> Item:
        """The goods of this row; of use only if there are no problems."""
        name = self.text("name_ru", NAME_LENGTH_MAX, needed=True)
        return Item(
            code=self._code(),
            name_ru=name,
            name_en=self.text("name_en", NAME_LENGTH_MAX) or name,
            category_ru=self.text("category_ru", NAME_LENGTH_MAX),
            category_en=self.text("category_en", NAME_LENGTH_MAX),
            text_ru=self.text("text_ru", TEXT_LENGTH_MAX),
            text_en=self.text("text_en", TEXT_LENGTH_MAX),
            price=self._price(),
            branches=self._branches(),
            picture=self._picture(),
            place=place,
            shown=self._yes_no("shown"),
            tracked=self._yes_no("tracked"),
        )

    def _code(self) -> str:
        # A spreadsheet likes to begin a cell with a capital.
        text = self.text("code", CODE_LENGTH_MAX, needed=True)
        code = text.lower() if text.isascii() else text
        if text and len(text) <= CODE_LENGTH_MAX and not is_code(code):
            reason = f"{quoted(text)} is no code: a Latin letter or digit first, then also - and _"
            self.complain("code", reason)
        return code

    def _price(self) -> int:
        value = self.row.cells.get("price", "")
        if value == "":
            self.complain("price", "is empty")
            return 0
        price = self._number(value)
        if price is None:
            self.complain("price", f"{shown(value)} is not a whole number of coins")
            return 0
        if not 1 <= price <= PRICE_MAX:
            self.complain("price", f"{shown(value)} is not from 1 to {PRICE_MAX}")
        return price

    def _number(self, value: Any) -> int | None:
        if self._is_sheet:
            return plain_number(digits_in(value))
        # In Python "true" is a whole number as well.
        return value if type(value) is int else None

    def _branches(self) -> tuple[int, ...]:
        value = self.row.cells.get("branches", [])
        if self._is_sheet and isinstance(value, str):
            value = list(filter(None, _SEPARATORS.split(value)))
        if not isinstance(value, list):
            reason = f"{shown(value)} is not a list of branches such as [1, 2]"
            self.complain("branches", reason)
            return ()
        branches = set()
        for part in value:
            branch = self._number(part)
            if branch in self.known_branches:
                branches.add(branch)
            else:
                known = ", ".join(map(str, sorted(self.known_branches)))
                reason = f"{shown(part)} is no branch of the configuration; there are {known}"
                self.complain("branches", reason)
        return tuple(sorted(branches))

    def _picture(self) -> str:
        name = self.text("picture", PICTURE_LENGTH_MAX)
        if not name or len(name) > PICTURE_LENGTH_MAX:
            return ""
        if not is_file_name(name):
            reason = f"{quoted(name)} is not the name of a file in the folder of pictures"
            self.complain("picture", reason)
            return ""
        try:
            return self.web_copy(name)
        except PictureRefused as error:
            self.complain("picture", error.message)
            return ""

    def _yes_no(self, column: str) -> bool:
        value = self.row.cells.get(column, True)
        if isinstance(value, bool):
            return value
        if self._is_sheet:
            word = folded(value)
            if word not in _YES | _NO:
                self.complain(column, f"{shown(value)} is neither yes nor no (да, нет)")
            return word in _YES
        self.complain(column, f"{shown(value)} is neither true nor false")
        return False


def is_file_name(text: str) -> bool:
    """Whether a text names a file and no way to one: no folders, nothing hidden."""
    return bool(text) and not text.startswith(".") and set("/\\:\0").isdisjoint(text)
