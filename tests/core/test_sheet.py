"""A sheet is read as it was meant, or every reason is told why it is not."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coinsync.core.files.sheet import (
    BYTES_MAX,
    COLUMNS_MAX,
    PROBLEMS_MAX,
    ROWS_MAX,
    Problem,
    SheetRow,
    quoted,
    read_sheet,
    refusal,
)
from coinsync.core.identity import folded, unprotected
from coinsync.errors import ImportRefused
from tests.support.makers import thorough

ALIASES = {"who": ("кто", "ребёнок"), "coins": ("монеты", "баллы"), "note": ("за что",)}

#: The encodings that spreadsheets save in, each with the bytes that stand before the text.
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": b"",
    "cp1251": b"",
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
DELIMITERS = (",", ";", "\t")
LINE_ENDS = ("\n", "\r\n", "\r")


def written(rows: Sequence[Sequence[str]], encoding: str, delimiter: str, line_end: str) -> bytes:
    """The rows as a spreadsheet saves them; lines within a cell end like all others."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=line_end).writerows(
        [cell.replace("\n", line_end) for cell in row] for row in rows
    )
    return ENCODINGS[encoding] + out.getvalue().encode(encoding)


def columns(text: str, aliases: Mapping[str, Sequence[str]] = ALIASES) -> list[str]:
    """What the columns of a sheet of one row are taken for."""
    (row,), problems = read_sheet(text.encode(), aliases)
    assert not problems
    return list(row.cells)


def reasons(content: bytes | str, needed: Sequence[str] = ()) -> list[str]:
    """All that is wrong with a file, whether it was refused as a whole or not."""
    try:
        _, problems = read_sheet(
            content if isinstance(content, bytes) else content.encode(), ALIASES, needed
        )
    except ImportRefused as refused:
        return list(refused.problems)
    return [str(problem) for problem in problems]


# --- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=("LF", "CRLF", "CR"))
@pytest.mark.parametrize("delimiter", DELIMITERS, ids=("comma", "semicolon", "tab"))
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_sheet_is_the_same_however_it_was_saved(
    encoding: str, delimiter: str, line_end: str
) -> None:
    """Encoding, delimiter and line ends are found out.

    The lines are those that an editor counts.
    """
    rows = [
        ["Кто", "МОНЕТЫ", "за что"],
        ["Ада", "10", 'за "робота"; и не только, да'],
        ["Глеб", "-5", "в две\nстроки"],
    ]
    rows.append(["Кира", "3", ""])
    content = written(rows, encoding, delimiter, line_end)
    assert read_sheet(content, ALIASES) == (
        [
            SheetRow(2, {"who": "Ада", "coins": "10", "note": 'за "робота"; и не только, да'}),
            SheetRow(3, {"who": "Глеб", "coins": "-5", "note": "в две\nстроки"}),
            SheetRow(5, {"who": "Кира", "coins": "3", "note": ""}),
        ],
        [],
    )


@pytest.mark.parametrize(
    "heading", ["монеты", "Монеты", " МОНЕТЫ ", "coins", "COINS", "Баллы", '"coins"', "\u200bcoins"]
)
def test_a_heading_means_its_column(heading: str) -> None:
    """By its name or any alias, in any case."""
    assert columns(f"кто;{heading}\nАда;1\n") == ["who", "coins"]


@pytest.mark.parametrize(
    "heading", ["ребёнок", "Ребенок", unicodedata.normalize("NFD", "ребёнок"), "РЕБЁНОК"]
)
def test_the_dots_of_a_letter_make_no_difference(heading: str) -> None:
    """Half of all people leave them out, and a Mac writes them as a character of their own."""
    assert columns(f"{heading}\nАда\n") == ["who"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("who\nА\n\n\n", [2]),
        ("\n\nwho\nА", [4]),
        ("who;coins\n\n;\n ; \nА;1\n", [5]),
        ('who;coins\n"";""\nА;1\n;;;;;\n', [3]),
    ],
)
def test_empty_rows_are_passed_over_and_counted(text: str, lines: list[int]) -> None:
    """Above, between and below."""
    rows, _ = read_sheet(text.encode(), ALIASES)
    assert [row.line for row in rows] == lines


@pytest.mark.parametrize(
    "text", ["who;coins;;\nА;1;;\n", "who;coins\nА;1;;\n", "who;coins;\nА;1\n", "who;coins\nА;\n"]
)
def test_empty_cells_at_the_end_of_a_row_are_fine(text: str) -> None:
    """A spreadsheet keeps columns that were emptied."""
    assert columns(text) == ["who", "coins"]


def test_a_delimiter_within_quotes_delimits_nothing() -> None:
    """Also in the headings, and the one that occurs most often is meant."""
    aliases = {"who": ("кто, имя, фамилия",), "coins": (), "note": ()}
    assert columns('"кто, имя, фамилия";coins\nА;1\n', aliases) == ["who", "coins"]
    assert columns("кто, имя, фамилия;coins;note;\nА;1;x\n", aliases) == ["who", "coins", "note"]


def test_headings_alone_are_a_sheet_without_rows() -> None:
    """Nothing is wrong with it."""
    assert read_sheet(b"who;coins\n", ALIASES) == ([], [])


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1: the file is empty"),
        (codecs.BOM_UTF8, "line 1: the file is empty"),
        (b"\n;;\n \r\n", "line 1: the file is empty"),
        (
            b"who\nA\nB\0\n",
            "line 3: a NUL character: this is no CSV file; save the sheet as CSV UTF-8",
        ),
        (
            "who\n".encode("utf-16-le"),
            "line 1: a NUL character: this is no CSV file; save the sheet as CSV UTF-8",
        ),
        (
            b"\x98who\n",
            "line 1: the letters are those of cp866; save the sheet as CSV UTF-8",
        ),
        (
            codecs.BOM_UTF8 + b"\xff\n",
            "line 1: the characters cannot be read; save the sheet as CSV UTF-8",
        ),
        (
            codecs.BOM_UTF16_LE + b"w\0h",
            "line 1: the characters cannot be read; save the sheet as CSV UTF-8",
        ),
        (
            b"x" * (BYTES_MAX + 1),
            f"line 1: the file has {BYTES_MAX + 1} bytes, and {BYTES_MAX} are the limit",
        ),
        (
            b"who\n" + b"x\n" * (ROWS_MAX + 1),
            f"line {ROWS_MAX + 2}: more than {ROWS_MAX} rows; import them in several files",
        ),
        (
            b"who" + b";x" * COLUMNS_MAX,
            f"line 1: {COLUMNS_MAX + 1} columns, and {COLUMNS_MAX} are the limit",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_sheet_is_refused(content: bytes, reason: str) -> None:
    """In one line that says what to do."""
    assert reasons(content) == [reason]


def test_the_limit_of_rows_itself_is_allowed() -> None:
    """So many rows and no more."""
    assert len(read_sheet(b"who\n" + b"x\n" * ROWS_MAX, ALIASES)[0]) == ROWS_MAX


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        ("who;монтеы", ['line 1, column "монтеы": is not known; did you mean "монеты"?']),
        ("who;Coin", ['line 1, column "Coin": is not known; did you mean "coins"?']),
        ("who;телефон", ['line 1, column "телефон": is not known']),
        ("who;coins;монеты", ['line 1, column coins: stands twice, as "coins" and "монеты"']),
        ("who;;coins", ["line 1, column 2: has no heading"]),
        ("coins", ["line 1, column who: is missing"]),
        ("\n\nwhi;;what", ["line 3, column"] * 3),
    ],
)
def test_headings_that_are_not_understood_are_all_named(headings: str, expected: list[str]) -> None:
    """A misspelt column is not passed over as if it were not there."""
    found = reasons(f"{headings}\n1;2;3\n", ["who"])
    if "\n\n" in headings:
        assert [one.split(",")[0] for one in found] == ["line 3"] * 4
    else:
        assert found == expected


def test_rows_of_another_width_are_named_and_the_others_read() -> None:
    """With the first column that has no cell, or the first cell that has no column."""
    rows, problems = read_sheet("who;coins;note\nА;1;x\nБ;2\n\nВ;3;x;y\nГ;4;\n".encode(), ALIASES)
    assert [row.line for row in rows] == [2, 6]
    assert [str(problem) for problem in problems] == [
        "line 3, column note: the row has 2 cells where 3 belong",
        "line 5, column 4: the row has 4 cells where 3 belong",
    ]


@pytest.mark.parametrize(
    "text",
    ['who\nА\n"Б\nВ\n', 'who\nА\n"Б"В\n', 'who\nА\n"Б\n"В"\n', "who\nА\n" + "x" * 200_000],
    ids=range(4),
)
def test_a_cell_without_end_is_named_by_the_line_where_it_begins(text: str) -> None:
    """And what stands above it is read."""
    rows, problems = read_sheet(text.encode(), ALIASES)
    assert [row.line for row in rows] == [2]
    assert [(one.line, one.reason[:21]) for one in problems] == [(3, "a cell has no end: it")]


def test_a_quote_within_a_cell_is_a_character() -> None:
    """Only one at the beginning of a cell opens it."""
    (row,), _ = read_sheet('who;coins\nАда "Ада" М.;1\n'.encode(), ALIASES)
    assert row.cells["who"] == 'Ада "Ада" М.'


# --- how it is told -------------------------------------------------------------------------------


def test_a_problem_is_one_line() -> None:
    """Of where, and why."""
    assert str(Problem(7, "coins", f"{quoted('1,5')} is not a whole number")) == (
        'line 7, column coins: "1,5" is not a whole number'
    )
    assert str(Problem(7, "", "is odd")) == "line 7: is odd"


def test_a_refusal_is_in_order_and_bounded() -> None:
    """So many problems are listed, and the others counted."""
    refused = refusal(
        [Problem(line, "coins", "is odd") for line in range(PROBLEMS_MAX + 50, 0, -1)]
    )
    assert len(refused.problems) == PROBLEMS_MAX
    assert refused.problems[0] == "line 1, column coins: is odd"
    assert refused.count == PROBLEMS_MAX + 50
    first, *_, last = refused.message.splitlines()
    assert (first, last) == (
        f"the file: {PROBLEMS_MAX + 50} problems; nothing written",
        "and 50 more",
    )


def test_a_refusal_names_its_file() -> None:
    """The session knows which it is."""
    assert ImportRefused(["line 1: is odd"], file="coins.csv").message == (
        "coins.csv: 1 problem; nothing written\nline 1: is odd"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1,5", '"1,5"'),
        ("a\n\tb\u202ec", '"a bc"'),
        ("x" * 40, f'"{"x" * 40}"'),
        ("x" * 10**6, f'"{"x" * 39}…"'),
    ],
    ids=range(4),
)
def test_a_cell_is_shown_harmlessly(text: str, shown: str) -> None:
    """In one line, whatever it holds."""
    assert quoted(text) == shown


# --- any file at all ------------------------------------------------------------------------------

WORDS = ["Ада", "ёлка", "Йога", "ПРИЗ", "за", " ", " №", "\u00a0", " aZ ", "09", *",;\"'\t\n-+=|"]
CELLS = st.lists(st.sampled_from(WORDS), max_size=8).map("".join)
HEADINGS = ["кто", "монеты", "за что"]


def no_row_is_empty(rows: list[list[str]]) -> bool:
    """An empty row is passed over, so it does not come back."""
    return all(any(map(str.strip, row)) for row in rows)


@thorough(300)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS).map(list), max_size=5).filter(no_row_is_empty),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    delimiter=st.sampled_from(DELIMITERS),
    line_end=st.sampled_from(LINE_ENDS),
)
def test_what_was_written_is_read(
    rows: list[list[str]], encoding: str, delimiter: str, line_end: str
) -> None:
    """Every cell comes back without the spaces around it, and as it was before our own export."""
    content = written([HEADINGS, *rows], encoding, delimiter, line_end)
    sheet_rows, problems = read_sheet(content, ALIASES)
    assert not problems
    assert [list(row.cells.values()) for row in sheet_rows] == [
        [unprotected(cell.strip()) for cell in row] for row in rows
    ]


@thorough(600)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.tuples(
            st.sampled_from([b"who;coins\n", b"who\n", b"\xff\xfe", b"\xef\xbb\xbf"]),
            st.binary(max_size=80),
        ).map(b"".join),
        st.text('who;coins,"\n\r\t\0 \x85\u2028\ufeffё', max_size=60).map(str.encode),
    )
)
@example(b"PK\x03\x04\x14\0\x06\0")
@example(b"\xff\xfe\0\xd8")
@example(b'"')
def test_any_bytes_are_read_or_told(content: bytes) -> None:
    """One error and no other, and each of its lines says where."""
    found = reasons(content)
    assert all(one.startswith("line ") and one.isprintable() for one in found)


@given(st.text(max_size=30))
def test_a_word_is_folded_once(text: str) -> None:
    """What is compared is the same whether it was folded before or not."""
    assert folded(folded(text)) == folded(text)
