"""A catalog in one file: TOML and CSV say the same, and every bad row is named."""

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
    BYTES_MAX,
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

TOML = """
[[item]]
code = "mug"
name_ru = "Кружка"
name_en = "Mug"
category_ru = "С символикой"
category_en = "With our sign"
text_ru = "Керамическая,\\n  330 мл."
text_en = "Ceramic."
price = 50
branches = [2, 1, 2]
picture = "mug.png"
shown = false
tracked = false

[[item]]
code = "pen"
name_ru = "Ручка"
price = 15
"""

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


def toml(text: str | bytes) -> tuple[Item, ...]:
    """The goods of a TOML file."""
    return read_catalog(
        text if isinstance(text, bytes) else text.encode(), toml=True, branches=BRANCHES
    )


def sheet(text: str | bytes) -> tuple[Item, ...]:
    """The goods of a CSV file."""
    return read_catalog(
        text if isinstance(text, bytes) else text.encode(), toml=False, branches=BRANCHES
    )


def problems(content: str | bytes, *, is_toml: bool) -> tuple[str, ...]:
    """What is wrong with a file; ("fine",) when nothing is."""
    try:
        toml(content) if is_toml else sheet(content)
    except ImportRefused as refused:
        return refused.problems or ("no reason",)
    return ("fine",)


def block(**values: str) -> str:
    """A file of one block: a mug for 50, with the given values written as they are."""
    lines = {"code": '"mug"', "name_ru": '"Кружка"', "price": "50", **values}
    return "[[item]]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())


def row(**cells: str) -> str:
    """A file of one row: a mug for 50, but for the given cells."""
    values = {"code": "mug", "name_ru": "Кружка", "price": "50", **cells}
    return f"{';'.join(values)}\n{';'.join(values.values())}\n"


class TestWhatIsRead:
    """Two kinds of files, one catalog."""

    def test_toml(self) -> None:
        """Blocks in their order; what is left out has its usual value."""
        assert toml(TOML) == MEANT

    @pytest.mark.parametrize("delimiter", DELIMITERS, ids=("comma", "semicolon", "tab"))
    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_a_spreadsheet(self, encoding: str, delimiter: str) -> None:
        """The same goods, with Russian or English headings, whatever saved it."""
        assert sheet(written(ROWS, encoding, delimiter, "\r\n")) == MEANT

    def test_toml_of_a_windows_editor(self) -> None:
        """A mark at the beginning and other line ends mean nothing."""
        assert toml(b"\xef\xbb\xbf" + TOML.replace("\n", "\r\n").encode()) == MEANT

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
        assert toml(block(name_en='" "'))[0].name_en == "Кружка"
        assert toml(block(name_en='"Mug"'))[0].category_en == ""

    def test_every_heading_means_one_column(self) -> None:
        """No word stands for two of them."""
        words = [word for column, others in COLUMNS.items() for word in (column, *others)]
        assert len(words) == len(set(words))

    @pytest.mark.parametrize("is_toml", [True, False])
    def test_the_examples_of_the_documentation(self, is_toml: bool) -> None:
        """Are good catalogs."""
        page = Path(__file__).parents[2] / "docs" / "catalog.md"
        beginning = "```toml\n" if is_toml else "```\nкод;"
        text = page.read_text(encoding="utf-8").split(beginning)[1].split("```")[0]
        items = toml(text) if is_toml else sheet(f"код;{text}")
        assert [(item.code, item.price) for item in items][:2] == [("mug", 50), ("t-shirt", 90)]
        assert (items[1].branches, items[1].shown) == ((1, 2), False)

    def test_texts_are_one_harmless_paragraph(self) -> None:
        """Line breaks, tabs and what cannot be seen are gone."""
        item = toml(
            block(text_ru='"""\n  Одна\n\tдве\\u202e\\u0007 """', name_ru='" А\\u200b  Б "')
        )[0]
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
        found = problems(row(**cells), is_toml=False)
        assert len(found) == 1
        assert found[0].startswith("line 2, column ")
        assert says in found[0]

    @pytest.mark.parametrize(
        ("values", "says"),
        [
            ({"code": "5"}, '[[item]] 1, code: "5" is not a text'),
            ({"code": '"Ключ"'}, '[[item]] 1, code: "Ключ" is no code'),
            ({"price": '"50"'}, '[[item]] 1 (mug), price: "50" is not a whole number of coins'),
            ({"price": "50.0"}, 'price: "50.0" is not a whole number'),
            ({"price": "true"}, 'price: "true" is not a whole number'),
            ({"price": "0x" + "f" * 9000}, "price: "),
            ({"price": "-1"}, 'price: "-1" is not from 1'),
            ({"name_ru": "[]"}, '[[item]] 1 (mug), name_ru: "[]" is not a text'),
            ({"branches": "1"}, 'branches: "1" is not a list of branches such as [1, 2]'),
            ({"branches": "[1, true]"}, 'branches: "true" is no branch of the configuration'),
            ({"branches": '["1"]'}, 'branches: "1" is no branch'),
            ({"shown": '"да"'}, 'shown: "да" is neither true nor false'),
            ({"shown": "1"}, 'shown: "1" is neither true nor false'),
            ({"prise": "5"}, '[[item]] 1 (mug), prise: is not known; did you mean "price"?'),
            ({"archived": "true"}, "archived: is not known"),
            ({"name_ru": "2026-11-20"}, 'name_ru: "2026-11-20" is not a text'),
        ],
    )
    def test_of_toml(self, values: dict[str, str], says: str) -> None:
        """With the number of the block and its code."""
        found = problems(block(**values), is_toml=True)
        assert len(found) == 1
        assert says in found[0]

    def test_all_of_them_at_once(self) -> None:
        """One round of corrections is enough."""
        found = problems(
            "code;name_ru;price;shown\nmug;Кружка;0;да\nMUG;;5;ой\npen;Ручка;x;да;лишнее\n",
            is_toml=False,
        )
        assert found == (
            'line 2, column price: "0" is not from 1 to 1000000',
            "line 3, column name_ru: is empty",
            'line 3, column shown: "ой" is neither yes nor no (да, нет)',
            'line 3, column code: "mug" stands in line 2 too',
            "line 4, column 5: the row has 5 cells where 4 belong",
        )
        found = problems(TOML + TOML.replace("price = 15", 'price = "x"\nprize = 1'), is_toml=True)
        assert found == (
            '[[item]] 3 (mug), code: "mug" stands in [[item]] 1 too',
            '[[item]] 4 (pen), prize: is not known; did you mean "price"?',
            '[[item]] 4 (pen), price: "x" is not a whole number of coins',
            '[[item]] 4 (pen), code: "pen" stands in [[item]] 2 too',
        )

    def test_an_unknown_column(self) -> None:
        """It may be a misspelt one, so nothing is guessed."""
        found = problems("code;name_ru;price;катагория\nmug;Кружка;5;x\n", is_toml=False)
        assert found == ('line 1, column "катагория": is not known; did you mean "категория"?',)

    @pytest.mark.parametrize("missing", ["code", "name_ru", "price"])
    def test_a_column_that_is_needed(self, missing: str) -> None:
        """Told once and not for every row."""
        columns = [column for column in ("code", "name_ru", "price") if column != missing]
        found = problems(f"{';'.join(columns)}\n{';'.join('5' * len(columns))}\n", is_toml=False)
        assert found == (f"line 1, column {missing}: is missing",)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("[[itme]]\ncode = 'mug'", '"itme" is not known; did you mean "item"?'),
            ("item = 5", "item: goods stand in blocks, each below a line [[item]]"),
            ("[item]\ncode = 'mug'", "item: goods stand in blocks"),
            ("[[item]\n", "not valid TOML: "),
            ("x = " + "[" * 5000, "not valid TOML: brackets within brackets"),
            ("a = 1\na = 2", "not valid TOML: "),
            (f"a = {'9' * 5000}", "not valid TOML: "),
        ],
    )
    def test_a_file_that_holds_no_blocks(self, text: str, says: str) -> None:
        """What it should look like is said."""
        assert problems(text, is_toml=True)[0].startswith(says)

    def test_toml_in_another_encoding(self) -> None:
        """It has one."""
        assert problems(TOML.encode("cp1251"), is_toml=True) == (
            "the characters cannot be read; save the file as UTF-8",
        )

    @pytest.mark.parametrize(
        ("content", "is_toml"), [("", True), ("# nothing yet\n", True), (";".join(HEADINGS), False)]
    )
    def test_a_file_without_goods(self, content: str, is_toml: bool) -> None:
        """It would empty the shop, and is rather a slip."""
        assert problems(content, is_toml=is_toml) == (
            "there is nothing in it: a shop without goods is rather a slip",
        )

    def test_too_much(self) -> None:
        """Everything has an end."""
        rows = "".join(f"a{n};А;5\n" for n in range(ITEMS_MAX + 1))
        assert problems(f"code;name_ru;price\n{rows}", is_toml=False) == (
            f"line {ITEMS_MAX + 2}: more than 1000 goods",
        )
        blocks = "[[item]]\n" * (ITEMS_MAX + 1)
        assert problems(blocks, is_toml=True) == ("1001 goods, and 1000 are the limit",)
        assert (
            "1000001 bytes, and 1000000 are the limit"
            in problems(b"#" * (BYTES_MAX + 1), is_toml=True)[0]
        )


class TestPictures:
    """Who knows pictures is asked, and what he says of one is a problem of its row."""

    def test_the_name_of_the_copy_is_taken(self) -> None:
        """Goods without a picture are not asked about."""
        asked: list[str] = []

        def picture(name: str) -> str:
            asked.append(name)
            return f"copy of {name}"

        items = read_catalog(TOML.encode(), toml=True, branches=BRANCHES, picture=picture)
        assert [item.picture for item in items] == ["copy of mug.png", ""]
        assert asked == ["mug.png"]

    def test_a_bad_picture_is_named_beside_all_else(self) -> None:
        """In the same round."""

        def picture(name: str) -> str:
            raise PictureRefused(f"{name} is no picture")

        with pytest.raises(ImportRefused) as refused:
            read_catalog(
                row(price="0", picture="a.png").encode(),
                toml=False,
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
@given(st.binary(max_size=400), st.booleans())
@example(b"\xff\xfe\x00\xd8", False)
@example(b"[[item]]\n[[item.a]]\n", True)
@example(b"[[item]]\ncode=1979-05-27T07:32:00-99:99\n", True)
def test_any_bytes_are_goods_or_refused(content: bytes, is_toml: bool) -> None:
    """Never another error."""
    assert problems(content, is_toml=is_toml)


@thorough(300)
@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, CELLS)), max_size=4))
def test_any_rows_are_goods_or_refused(rows: list[dict[str, str]]) -> None:
    """With headings that are right, too."""
    columns = list(COLUMNS)
    lines = [columns, *([one.get(column, "") for column in columns] for one in rows)]
    assert problems(written(lines, "utf-8", ";", "\n"), is_toml=False)


VALUES = st.one_of(
    st.integers().map(str),
    st.booleans().map(lambda one: str(one).lower()),
    st.sampled_from(
        ['"mug"', '"a/b"', "[]", "[1, 2]", "[[1]]", "{}", "1.5", "inf", "2026-11-20", "'x y'", '""']
    ),
)


@thorough(300)
@given(st.lists(st.dictionaries(st.sampled_from([*COLUMNS, "x"]), VALUES), min_size=1, max_size=4))
def test_any_blocks_are_goods_or_refused(blocks: list[dict[str, str]]) -> None:
    """Values of every type in every key; each problem stands at its block."""
    text = "".join(
        "[[item]]\n" + "".join(f"{name} = {one}\n" for name, one in block.items())
        for block in blocks
    )
    found = problems(text, is_toml=True)
    assert found == ("fine",) or all(line.startswith("[[item]] ") for line in found)


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
