"""The catalog in one sheet, each row one of the shop's goods.

A file is taken as a whole or not at all, and every problem of every row is named. Families see the
goods in the order of the rows.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

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
    digits_in,
    quoted,
    read_sheet,
    refusal,
    repeated,
)
from coinsync.core.identity import folded, plain_number
from coinsync.errors import ImportRefused, PictureRefused

#: The columns of the sheet, and their other headings.
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

ITEMS_MAX = 1_000
PICTURE_LENGTH_MAX = 100

# The last but one of each is what a spreadsheet in Russian makes of "true" and "false".
_YES = frozenset(map(folded, ("да", "yes", "1", "true", "истина", "+")))
_NO = frozenset(map(folded, ("нет", "no", "0", "false", "ложь", "-")))
_SEPARATORS = re.compile(r"[\s,;]+")

#: Gives the name of the web copy of a picture. Raises ``PictureRefused``.
Pictures = Callable[[str], str]


def read_catalog(
    content: bytes, *, branches: frozenset[int], picture: Pictures = str
) -> tuple[Item, ...]:
    """Read a whole catalog from CSV, in its order.

    ``branches`` are those of the school. Raises ``ImportRefused`` with all problems, also those
    that ``picture`` has.
    """
    rows, problems = read_sheet(content, COLUMNS, needed=("code", "name_ru", "price"))
    if len(rows) > ITEMS_MAX:
        line = rows[ITEMS_MAX].line
        raise refusal([Problem(line, "", f"more than {ITEMS_MAX} goods")])
    items = []
    for place, row in enumerate(rows, start=1):
        reader = _ItemReader(row, problems, branches, picture)
        items.append(reader.item(place))
    codes = [item.code for item in items]
    problems += repeated("code", zip(codes, rows, strict=True))
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


@dataclass(slots=True)
class _ItemReader(RowReader):
    known_branches: frozenset[int]
    web_copy: Pictures

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
        cell = self.cell("price")
        if not cell:
            self.complain("price", "is empty")
            return 0
        price = plain_number(digits_in(cell))
        if price is None:
            self.complain("price", f"{quoted(cell)} is not a whole number of coins")
            return 0
        if not 1 <= price <= PRICE_MAX:
            self.complain("price", f"{quoted(cell)} is not from 1 to {PRICE_MAX}")
        return price

    def _branches(self) -> tuple[int, ...]:
        branches = set()
        for part in filter(None, _SEPARATORS.split(self.cell("branches"))):
            branch = plain_number(digits_in(part))
            if branch in self.known_branches:
                branches.add(branch)
            else:
                known = ", ".join(map(str, sorted(self.known_branches)))
                reason = f"{quoted(part)} is no branch of the configuration; there are {known}"
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
        # An empty cell says nothing, as a column that is left out.
        cell = self.cell(column) or "yes"
        word = folded(cell)
        if word not in _YES | _NO:
            self.complain(column, f"{quoted(cell)} is neither yes nor no (да, нет)")
        return word in _YES


def is_file_name(text: str) -> bool:
    """Whether a text names a file and no way to one: no folders, nothing hidden."""
    return bool(text) and not text.startswith(".") and set("/\\:\0").isdisjoint(text)
