"""A catalog in one sheet: what is read, and every bad row is named."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from coinsync.core.catalog import PRICE_MAX, Item, after_loading
from coinsync.core.files.catalog import (
    COLUMNS,
    ITEMS_MAX,
    catalog_rows,
    is_file_name,
    read_catalog,
)
from coinsync.errors import ImportRefused, PictureRefused
from coinsync.render.data import csv_text
from tests.core.test_sheet import CELLS as SHEET_CELLS
from tests.core.test_sheet import DELIMITERS, ENCODINGS, written
from tests.support.makers import thorough

BRANCHES = frozenset({1, 2, 7})

HEADINGS = [
    "Код",
    "Название",
    "Название по-английски",
    "Категория",
    "English category",
    "Описание",
    "text_en",
    "ЦЕНА",
    "Филиалы",
    "Картинка",
    "Показывать",
    "Учет",
]
ROWS = [
    HEADINGS,
    [
        "Mug",
        "Кружка",
        "Mug",
        "С символикой",
        "With our sign",
        "Керамическая,  330 мл.",
        "Ceramic.",
        "50",
        "2 1, 2",
        "mug.png",
        "Нет",
        "0",
    ],
    ["pen", "Ручка", *[""] * 5, "15", *[""] * 4],
]

MEANT = (
    Item(
        "mug",
        "Кружка",
        "Mug",
        "С символикой",
        "With our sign",
        "Керамическая, 330 мл.",
        "Ceramic.",
        50,
        (1, 2),
        "mug.png",
        1,
        False,
        False,
    ),
    Item("pen", "Ручка", "Ручка", "", "", "", "", 15, (), "", 2, True, True),
)


def sheet(text: str | bytes) -> tuple[Item, ...]:
    """The goods of a CSV file."""
    return read_catalog(text if isinstance(text, bytes) else text.encode(), branches=BRANCHES)


def problems(content: str | bytes) -> tuple[str, ...]:
    """What is wrong with a file; ("fine",) when nothing is."""
    try:
        sheet(content)
    except ImportRefused as refused:
        return refused.problems or ("no reason",)
    return ("fine",)


def row(**cells: str) -> str:
    """A file of one row: a mug for 50, but for the given cells."""
    values = {"code": "mug", "name_ru": "Кружка", "price": "50", **cells}
    return f"{';'.join(values)}\n{';'.join(values.values())}\n"


class TestWhatIsRead:
    """Rows in their order; what is left out has its usual value."""

    @pytest.mark.parametrize("delimiter", DELIMITERS, ids=("comma", "semicolon", "tab"))
    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_a_spreadsheet(self, encoding: str, delimiter: str) -> None:
        """The same goods, with Russian or English headings, whatever saved it."""
        assert sheet(written(ROWS, encoding, delimiter, "\r\n")) == MEANT

    def test_the_order_of_the_columns_and_empty_rows_mean_nothing(self) -> None:
        """And the order of the rows is that of the catalog."""
        found = sheet("цена;код;название\n5;b;Б\n;;\n7;a;А\n")
        assert [(item.code, item.price, item.place) for item in found] == [("b", 5, 1), ("a", 7, 2)]

    @pytest.mark.parametrize("yes", ["да", "ДА", "yes", "1", "true", "+", ""])
    @pytest.mark.parametrize("no", ["нет", "No", "0", "false", "-"])
    def test_words_for_yes_and_no(self, yes: str, no: str) -> None:
        """In both languages; an empty cell is the usual yes."""
        item = sheet(row(shown=yes, tracked=no))[0]
        assert (item.shown, item.tracked) == (True, False)

    def test_a_name_of_one_language_serves_for_both(self) -> None:
        """Nothing has an empty name; categories and texts may be empty."""
        assert sheet(row(name_en=" "))[0].name_en == "Кружка"
        assert sheet(row(name_en="Mug"))[0].category_en == ""

    def test_every_heading_means_one_column(self) -> None:
        """No word stands for two of them."""
        words = [word for column, others in COLUMNS.items() for word in (column, *others)]
        assert len(words) == len(set(words))

    def test_the_example_of_the_documentation(self) -> None:
        """Is a good catalog."""
        page = Path(__file__).parents[2] / "docs" / "catalog.md"
        text = page.read_text(encoding="utf-8").split("```\nкод;")[1].split("```")[0]
        items = sheet(f"код;{text}")
        assert [(item.code, item.price) for item in items][:2] == [("mug", 50), ("t-shirt", 90)]
        assert (items[1].branches, items[1].shown) == ((1, 2), False)

    def test_texts_are_one_harmless_paragraph(self) -> None:
        """Line breaks, tabs and what cannot be seen are gone."""
        text = '"\n  Одна\n\tдве\u202e\u0007 "'
        item = sheet(row(text_ru=text, name_ru=" А\u200b  Б "))[0]
        assert (item.text_ru, item.name_ru) == ("Одна две", "А Б")


class TestBadRows:
    """Each by where it stands and why, all at once."""

    @pytest.mark.parametrize(
        ("cells", "says"),
        [
            ({"code": ""}, "code: is empty"),
            ({"code": "кружка"}, 'code: "кружка" is no code'),
            ({"code": "-mug"}, 'code: "-mug" is no code'),
            ({"code": "a b"}, 'code: "a b" is no code'),
            ({"code": "\u212a"}, "is no code"),
            ({"code": "x" * 41}, "code: has 41 characters, and 40 are the limit"),
            ({"name_ru": ""}, "name_ru: is empty"),
            ({"name_ru": "я" * 121}, "name_ru: has 121 characters, and 120 are the limit"),
            ({"name_en": "я" * 121}, "name_en: has 121 characters"),
            ({"category_ru": "я" * 121}, "category_ru: has 121 characters"),
            ({"category_en": "я" * 121}, "category_en: has 121 characters"),
            ({"text_ru": "я" * 1001}, "text_ru: has 1001 characters, and 1000 are the limit"),
            ({"text_en": "я" * 1001}, "text_en: has 1001 characters"),
            ({"price": ""}, "price: is empty"),
            ({"price": "1,5"}, 'price: "1,5" is not a whole number of coins'),
            ({"price": "-5"}, 'price: "-5" is not a whole number'),
            ({"price": "٥"}, "is not a whole number"),
            ({"price": "0"}, 'price: "0" is not from 1 to 1000000'),
            ({"price": str(PRICE_MAX + 1)}, 'price: "1000001" is not from 1 to 1000000'),
            (
                {"branches": "1 3"},
                'branches: "3" is no branch of the configuration; there are 1, 2, 7',
            ),
            ({"branches": "Казань"}, 'branches: "Казань" is no branch'),
            (
                {"picture": "a/b.png"},
                'picture: "a/b.png" is not the name of a file in the folder of pictures',
            ),
            ({"picture": "..\\b.png"}, "is not the name of a file"),
            ({"picture": "C:b.png"}, "is not the name of a file"),
            ({"picture": ".hidden"}, "is not the name of a file"),
            ({"picture": "x" * 101}, "picture: has 101 characters, and 100 are the limit"),
            ({"shown": "maybe"}, 'shown: "maybe" is neither yes nor no (да, нет)'),
            ({"tracked": "2"}, 'tracked: "2" is neither yes nor no'),
        ],
    )
    def test_of_a_spreadsheet(self, cells: dict[str, str], says: str) -> None:
        """With line and column."""
        found = problems(row(**cells))
        assert len(found) == 1
        assert found[0].startswith("line 2, column ")
        assert says in found[0]

    def test_all_of_them_at_once(self) -> None:
        """One round of corrections is enough."""
        found = problems(
            "code;name_ru;price;shown\nmug;Кружка;0;да\nMUG;;5;ой\npen;Ручка;x;да;лишнее\n",
        )
        assert found == (
            'line 2, column price: "0" is not from 1 to 1000000',
            "line 3, column name_ru: is empty",
            'line 3, column shown: "ой" is neither yes nor no (да, нет)',
            'line 3, column code: "mug" stands in line 2 too',
            "line 4, column 5: the row has 5 cells where 4 belong",
        )

    def test_an_unknown_column(self) -> None:
        """It may be a misspelt one, so nothing is guessed."""
        found = problems("code;name_ru;price;катагория\nmug;Кружка;5;x\n")
        assert found == ('line 1, column "катагория": is not known; did you mean "категория"?',)

    @pytest.mark.parametrize("missing", ["code", "name_ru", "price"])
    def test_a_column_that_is_needed(self, missing: str) -> None:
        """Told once and not for every row."""
        columns = [column for column in ("code", "name_ru", "price") if column != missing]
        found = problems(f"{';'.join(columns)}\n{';'.join('5' * len(columns))}\n")
        assert found == (f"line 1, column {missing}: is missing",)

    def test_a_file_without_goods(self) -> None:
        """It would empty the shop, and is rather a slip."""
        assert problems(";".join(HEADINGS)) == (
            "there is nothing in it: a shop without goods is rather a slip",
        )

    def test_too_much(self) -> None:
        """Everything has an end."""
        rows = "".join(f"a{n};А;5\n" for n in range(ITEMS_MAX + 1))
        assert problems(f"code;name_ru;price\n{rows}") == (
            f"line {ITEMS_MAX + 2}: more than 1000 goods",
        )


class TestPictures:
    """Who knows pictures is asked, and what he says of one is a problem of its row."""

    def test_the_name_of_the_copy_is_taken(self) -> None:
        """Goods without a picture are not asked about."""
        asked: list[str] = []

        def picture(name: str) -> str:
            asked.append(name)
            return f"copy of {name}"

        content = written(ROWS, "utf-8", ";", "\n")
        items = read_catalog(content, branches=BRANCHES, picture=picture)
        assert [item.picture for item in items] == ["copy of mug.png", ""]
        assert asked == ["mug.png"]

    def test_a_bad_picture_is_named_beside_all_else(self) -> None:
        """In the same round."""

        def picture(name: str) -> str:
            raise PictureRefused(f"{name} is no picture")

        with pytest.raises(ImportRefused) as refused:
            read_catalog(
                row(price="0", picture="a.png").encode(),
                branches=BRANCHES,
                picture=picture,
            )
        assert refused.value.problems == (
            'line 2, column price: "0" is not from 1 to 1000000',
            "line 2, column picture: a.png is no picture",
        )

    @pytest.mark.parametrize("name", ["mug.png", "Кружка 1.JPG", "a", "a..b"])
    def test_names_of_files(self, name: str) -> None:
        """Any name that leads nowhere else."""
        assert is_file_name(name)

    @pytest.mark.parametrize("name", ["", ".", "..", ".a", "/a", "a/b", "a\\b", "C:a", "a\0b"])
    def test_names_that_lead_elsewhere(self, name: str) -> None:
        """None of them."""
        assert not is_file_name(name)


# --- whatever comes -------------------------------------------------------------------------------

CELLS = st.text(st.sampled_from("aб1 ;,\"'\n\t[]=-.\\\0\u202e{}"), max_size=12)


@thorough(300)
@given(st.binary(max_size=400))
@example(b"\xff\xfe\x00\xd8")
def test_any_bytes_are_goods_or_refused(content: bytes) -> None:
    """Never another error."""
    assert problems(content)


@thorough(300)
@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, CELLS)), max_size=4))
def test_any_rows_are_goods_or_refused(rows: list[dict[str, str]]) -> None:
    """With headings that are right, too."""
    columns = list(COLUMNS)
    lines = [columns, *([one.get(column, "") for column in columns] for one in rows)]
    assert problems(written(lines, "utf-8", ";", "\n"))


#: Texts as a catalog keeps them: in one line, without spaces around them.
NAMES = SHEET_CELLS.map(lambda text: " ".join(text.split()))
GOODS = st.builds(
    Item,
    st.from_regex(r"\A[a-z0-9][a-z0-9_-]{0,20}\Z"),
    NAMES.filter(bool),
    NAMES.filter(bool),
    *[NAMES] * 4,
    st.integers(1, PRICE_MAX),
    st.sets(st.sampled_from(sorted(BRANCHES))).map(lambda ids: tuple(sorted(ids))),
    st.sampled_from(["", "a.png", "=b.png"]),
    st.just(0),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@thorough(200)
@given(st.lists(GOODS, min_size=1, max_size=5, unique_by=lambda item: item.code))
def test_a_catalog_that_is_listed_changes_nothing_when_it_is_loaded(goods: list[Item]) -> None:
    """The rows of a whole catalog, as they are printed for a spreadsheet, are that catalog."""
    goods.sort(key=lambda item: item.archived)
    recorded = [replace(item, place=place) for place, item in enumerate(goods, start=1)]
    assume(not recorded[0].archived)
    printed = csv_text(list(COLUMNS), catalog_rows(reversed(recorded)))
    assert after_loading(sheet(printed), recorded) == []


def test_what_is_listed_is_harmless_to_a_spreadsheet() -> None:
    """No cell begins like a formula; an apostrophe that staff typed stays."""
    names = ("=1+1", "'=1+1", "-5", "@x", "'x'", "+", "Кепка;=1+1", 'а, "=1', "a;'=1", "＝1")
    goods = [
        replace(MEANT[1], code=f"c{place}", name_ru=name, name_en=name, place=place)
        for place, name in enumerate(names, start=1)
    ]
    printed = csv_text(list(COLUMNS), catalog_rows(goods))
    cells = [cell for row in csv.reader(io.StringIO(printed)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@＝"))]
    assert [item.name_ru for item in sheet(printed)] == list(names)
