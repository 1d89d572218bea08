"""Rows of an import are understood alike however they were saved, and all or none is taken."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coinsync.core.files.import_rows import (
    COLUMNS,
    KEY_LENGTH_MAX,
    REASON_LENGTH_MAX,
    ImportRow,
    read_import_rows,
)
from coinsync.core.files.sheet import PROBLEMS_MAX, ROWS_MAX, refusal
from coinsync.core.identity import NameForm, answers_to, shown_name, unprotected
from coinsync.core.ledger import Entry, Kind
from coinsync.errors import ImportRefused
from tests.core.test_sheet import CELLS, DELIMITERS, ENCODINGS, LINE_ENDS, written
from tests.support.makers import thorough

TODAY = date(2026, 11, 22)
HEADINGS = ["ученик", "монеты", "вид", "за что", "дата", "ключ"]
RUSSIAN = [
    HEADINGS,
    ["#101", "10", "", "Лучший проект «Робот»", "2026-11-20", ""],
    ["crm:102", "5", "Списание", "наклейка, синяя", "20.11.2026", ""],
    ["Выдуманная Ада", "120", "начальный остаток", "", "", "Start-101"],
]


def read(content: bytes | str, coins_max: int = 1000) -> tuple[ImportRow, ...]:
    """The rows of a file, on the day of these tests."""
    content = content if isinstance(content, bytes) else content.encode()
    rows, wrong = read_import_rows(content, coins_max=coins_max)
    if wrong:
        raise refusal(wrong)
    return rows


def tried(content: bytes | str) -> tuple[tuple[ImportRow, ...], tuple[str, ...]]:
    """The rows of a file, or what is wrong with it: never both, and no other error."""
    try:
        return read(content), ()
    except ImportRefused as refused:
        return (), (*refused.problems, *["no reason"] * (not refused.problems))


def problems(content: bytes | str) -> tuple[str, ...]:
    """What is wrong with a file, or nothing."""
    return tried(content)[1]


def row(**cells: str) -> str:
    """A file of one row: a credit of ten coins to #101, but for the given cells."""
    values = {"resident": "#101", "coins": "10", "reason": "за проект", **cells}
    return f"{';'.join(values)}\n{';'.join(values.values())}\n"


def keys(content: bytes | str) -> list[str]:
    """The ledger keys of a file's rows."""
    return [proposal.key for proposal in read(content)]


# --- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=("LF", "CRLF", "CR"))
@pytest.mark.parametrize("delimiter", DELIMITERS, ids=("comma", "semicolon", "tab"))
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_file_says_the_same_however_it_was_saved(
    encoding: str, delimiter: str, line_end: str
) -> None:
    """Rows and keys are the same in every form that a spreadsheet saves."""
    day = date(2026, 11, 20)
    found = read(written(RUSSIAN, encoding, delimiter, line_end))
    digest = found[0].key.rpartition(":")[0]
    assert re.fullmatch(r"csv:[0-9a-f]{16}", digest)
    assert digest == read(written(RUSSIAN, "utf-8", ";", "\n"))[0].key.rpartition(":")[0]
    assert found == (
        ImportRow(2, "#101", 10, Kind.CREDIT, "Лучший проект «Робот»", day, f"{digest}:2"),
        ImportRow(3, "crm:102", -5, Kind.DEBIT, "наклейка, синяя", day, f"{digest}:3"),
        ImportRow(4, "Выдуманная Ада", 120, Kind.OPENING, "", None, "csv:start-101"),
    )


@pytest.mark.parametrize(
    ("column", "heading"), [(column, one) for column in COLUMNS for one in COLUMNS[column]]
)
def test_every_alias_is_read(column: str, heading: str) -> None:
    """In capitals too."""
    good = row(kind="credit", date="2026-11-20", key="k1")
    assert read(good.replace(column, heading.upper(), 1)) == read(good)


@pytest.mark.parametrize(
    ("coins", "word", "expected", "kind"),
    [
        ("10", "", 10, Kind.CREDIT),
        ("+10", "", 10, Kind.CREDIT),
        ("-10", "", -10, Kind.DEBIT),
        ("−10", "", -10, Kind.DEBIT),
        ("010", "", 10, Kind.CREDIT),
        ("1000", "", 1000, Kind.CREDIT),
        ("10", "credit", 10, Kind.CREDIT),
        ("+10", "Начисление", 10, Kind.CREDIT),
        ("10", "зачисление", 10, Kind.CREDIT),
        ("10", "+", 10, Kind.CREDIT),
        ("10", "debit", -10, Kind.DEBIT),
        ("-10", "СПИСАНИЕ", -10, Kind.DEBIT),
        ("−10", "-", -10, Kind.DEBIT),
        ("10", "−", -10, Kind.DEBIT),
        ("10", "opening", 10, Kind.OPENING),
        ("10", "Остаток", 10, Kind.OPENING),
        ("+10", "начальный  остаток", 10, Kind.OPENING),
    ],
)
def test_the_sign_or_the_kind_decides(coins: str, word: str, expected: int, kind: Kind) -> None:
    """Without a kind a minus makes a debit; with one the number may say so too."""
    (proposal,) = read(row(coins=coins, kind=word))
    assert (proposal.coins, proposal.kind) == (expected, kind)


def test_texts_are_made_harmless() -> None:
    """One line, single spaces, nothing hidden."""
    (proposal,) = read('кому;монеты;за что\n" Ада\u200b \n М. ";1;"за\n\u202eпроект"\n')
    assert (proposal.resident, proposal.reason) == ("Ада М.", "за проект")


@pytest.mark.parametrize("text", ["2026-11-22", "22.11.2026", "2000-01-01", "29.02.2024"])
def test_a_day_is_read_in_two_ways(text: str) -> None:
    """As people and as programs write it; today is a day too."""
    (proposal,) = read(row(date=text))
    assert proposal.day is not None
    assert text in (proposal.day.isoformat(), f"{proposal.day:%d.%m.%Y}")


def test_headings_alone_say_nothing() -> None:
    """And nothing is wrong with that."""
    assert read("resident;coins\n") == ()


# --- keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n#102", "\n\n#102"),
        ("\n#102", "\n;;;;\n#102"),
        ("2026-11-20", "20.11.2026"),
        ("+10", "10"),
        ("начисление", "CREDIT"),
        ("начисление", ""),
        ("ученик", "resident"),
        ("за проект", " за  проект "),
        ("#102;3", '#102;"3\n"'),
    ],
)
def test_keys_stay_while_the_content_does(old: str, new: str) -> None:
    """What a spreadsheet rewrites when it saves, and empty lines, make no other file."""
    text = (
        "ученик;монеты;вид;за что;дата\n"
        "#101;+10;начисление;за проект;2026-11-20\n"
        "#102;3;;за книгу;\n"
    )
    assert old in text
    assert keys(text.replace(old, new, 1)) == keys(text)


def test_keys_stay_when_columns_move() -> None:
    """Their order says nothing, nor does an empty column."""
    assert keys("кому;монеты;за что\nАда;1;x\n") == keys("дата;за что;монеты;кому\n;x;1;Ада\n")


@pytest.mark.parametrize(
    "cells", [{"resident": "#102"}, {"coins": "11"}, {"coins": "-10"}, {"reason": "за книгу"}]
)
@pytest.mark.parametrize("more", [{}, {"date": "2026-11-20"}])
def test_another_content_has_other_keys(cells: dict[str, str], more: dict[str, str]) -> None:
    """Whatever it is that changed."""
    assert keys(row(**cells, **more)) != keys(row(**more))
    assert keys(row(date="2026-11-20")) != keys(row())


def test_equal_rows_have_different_keys() -> None:
    """Two times the same good work is two credits."""
    first, second = keys("кому;монеты;за что\nАда;1;x\nАда;1;x\n")
    assert first != second


@pytest.mark.parametrize("key", ["a", "2026-11-20:7", "Sheet.1_B", "0" * (KEY_LENGTH_MAX - 4)])
def test_a_row_may_bring_its_key(key: str) -> None:
    """It stays the same whatever else changes in the file."""
    assert keys(row(key=key)) == keys(row(key=key, coins="20")) == [f"csv:{key.lower()}"]


@pytest.mark.parametrize("key", ["ключ", "-a", "a b", "a/b", "\u212a1", "0" * (KEY_LENGTH_MAX - 3)])
def test_a_key_outside_the_grammar_is_a_problem(key: str) -> None:
    """The ledger would refuse it."""
    (problem,) = problems(row(key=key))
    assert problem.startswith('line 2, column key: "')


def test_two_rows_with_one_key_are_a_problem() -> None:
    """Also when one is in capitals; the later rows are named."""
    text = "кому;монеты;за что;ключ\nАда;1;x;k1\nАда;1;x;\nГлеб;2;x;K1\nГлеб;2;x;\nКира;3;x;k1\n"
    assert problems(text) == (
        'line 4, column key: "k1" stands in line 2 too',
        'line 6, column key: "k1" stands in line 2 too',
    )


@pytest.mark.parametrize(
    ("coins", "meant"),
    [
        ("1 000", 1000),
        ("1\u00a0000", 1000),
        ("\u200b10\ufeff", 10),
        ("\u2013\u202f5", None),
        *((f"{minus}5", -5) for minus in "-\u2212\u2013\u2014\u2010\u2011"),
    ],
)
def test_a_number_is_read_as_spreadsheets_show_it(coins: str, meant: int | None) -> None:
    """With signs that nobody sees, spaces between thousands, and dashes for a minus."""
    if meant is None:
        assert "is not a whole number" in problems(row(coins=coins))[0]
    else:
        assert [proposal.coins for proposal in read(row(coins=coins))] == [meant]


@pytest.mark.parametrize(
    "text",
    ["1.9.2026", "01.09.2026 0:00", "1.09.2026 00:00:00", "2026-09-01 00:00", "1.9.2026\u00a0"],
)
def test_a_day_is_read_as_spreadsheets_show_it(text: str) -> None:
    """Without zeros, and with a time of day behind it."""
    (proposal,) = read(row(date=text))
    assert proposal.day == date(2026, 9, 1)


@pytest.mark.parametrize(
    "text",
    [
        *("#ИМЯ?", "#Н/Д", "#ССЫЛКА!", "#ЗНАЧ!", "#ДЕЛ/0!", "#ЧИСЛО!", "#ПУСТО!", "#ПЕРЕНОС!"),
        *("#NAME?", "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#GETTING_DATA", "#####"),
        *("Err:508", "Ошибка:508"),
    ],
)
@pytest.mark.parametrize("column", ["resident", "reason"])
def test_an_error_of_the_spreadsheet_is_no_text(text: str, column: str) -> None:
    """A family would read it, and nobody could change it any more."""
    assert problems(row(**{column: text})) == (
        f'line 2, column {column}: "{text}" is an error of the spreadsheet and no text',
    )


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "coins",
    [
        *(
            "1,5",
            "1.5",
            "10,00",
            "10.0",
            "1e3",
            "1 00",
            "1 0000",
            "1\u00a000",
            "1'000",
            "1_000",
            "10 шт",
            "десять",
        ),
        *("٣", "０５", "²", "+", "-", "+-5", "--5", "- 5", "5-", "0x10", "=1+1", "NaN", "∞"),
    ],
)
def test_what_is_not_a_whole_number_is_named(coins: str) -> None:
    """It is shown as it stands, with line and column."""
    shown = coins.replace("\u00a0", " ")
    assert problems(row(coins=coins)) == (f'line 2, column coins: "{shown}" is not a whole number',)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"coins": "0"}, 'coins: "0" moves nothing; leave such a row out'),
        ({"coins": "-000"}, 'coins: "-000" moves nothing; leave such a row out'),
        ({"coins": "0", "kind": "opening"}, 'coins: "0" moves nothing; leave such a row out'),
        ({"coins": "1001"}, 'coins: "1001" is above the limit of 1000 for one row'),
        ({"coins": "-1001"}, 'coins: "-1001" is above the limit of 1000 for one row'),
        ({"coins": "9" * 5000}, f'coins: "{"9" * 39}…" is above the limit of 1000 for one row'),
        ({"coins": ""}, "coins: is empty"),
        ({"coins": "-5", "kind": "credit"}, 'coins: "-5" has the wrong sign for credit'),
        ({"coins": "−5", "kind": "остаток"}, 'coins: "−5" has the wrong sign for opening'),
        ({"coins": "+5", "kind": "списание"}, 'coins: "+5" has the wrong sign for debit'),
        (
            {"kind": "debet"},
            'kind: "debet" is neither credit, debit nor opening; did you mean "debit"?',
        ),
        ({"kind": "подарок"}, 'kind: "подарок" is neither credit, debit nor opening'),
        ({"reason": ""}, "reason: is empty"),
        ({"reason": "\u200b"}, "reason: is empty"),
        ({"reason": "", "coins": "-5"}, "reason: is empty"),
        (
            {"reason": "x" * (REASON_LENGTH_MAX + 1)},
            "reason: has 201 characters, and 200 are the limit",
        ),
        ({"resident": "\u200b"}, "resident: is empty"),
        ({"resident": ""}, "resident: is empty"),
        ({"resident": "x" * 300}, "resident: has 300 characters, and 200 are the limit"),
        ({"date": "31.12.1999"}, 'date: "31.12.1999" is before 2000-01-01'),
        ({"date": "31.11.2026"}, 'date: "31.11.2026" is not a day like 2026-11-20 or 20.11.2026'),
        ({"date": "11/20/2026"}, 'date: "11/20/2026" is not a day like 2026-11-20 or 20.11.2026'),
        ({"date": "0000-01-01"}, 'date: "0000-01-01" is not a day like 2026-11-20 or 20.11.2026'),
        ({"date": "٢026-11-20"}, 'date: "٢026-11-20" is not a day like 2026-11-20 or 20.11.2026'),
        ({"date": "20.11.26"}, 'date: "20.11.26" is not a day like 2026-11-20 or 20.11.2026'),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "",
)
def test_a_bad_cell_is_named_by_line_and_column(cells: dict[str, str], problem: str) -> None:
    """And by what is wrong with it."""
    assert problems(row(**cells)) == (f"line 2, column {problem}",)


@pytest.mark.parametrize(
    ("headings", "problem"),
    [
        ("resident;reason", "line 1, column coins: is missing"),
        ("coins;reason", "line 1, column resident: is missing"),
        (
            "resident;coins;причена",
            'line 1, column "причена": is not known; did you mean "причина"?',
        ),
        ("resident;coins;баллы", 'line 1, column coins: stands twice, as "coins" and "баллы"'),
    ],
)
def test_columns_are_needed_and_known(headings: str, problem: str) -> None:
    """Rows are not judged before it is known what they say."""
    assert problems(f"{headings}\n#101;x;y\n") == (problem,)


def test_all_problems_of_all_rows_are_told() -> None:
    """In the order of the lines, those of the sheet among those of its cells.

    One who mends them once is done.
    """
    text = (
        "кому;монеты;за что;дата\n;1,5;;32.01.2026\nАда;1;x\nАда;1;x;\n\nГлеб;0;x;;y\n"
        "Кира;1;;1999-01-01\n"
        '"Илья"М.;1;x;\nБ;0;0;0\n'
    )
    assert problems(text) == (
        'line 2, column coins: "1,5" is not a whole number',
        "line 2, column resident: is empty",
        "line 2, column reason: is empty",
        'line 2, column date: "32.01.2026" is not a day like 2026-11-20 or 20.11.2026',
        "line 3, column date: the row has 3 cells where 4 belong",
        "line 6, column 5: the row has 5 cells where 4 belong",
        "line 7, column reason: is empty",
        'line 7, column date: "1999-01-01" is before 2000-01-01',
        "line 8: a cell has no end: its closing quote is missing or has text behind it; "
        "the rest was not read",
    )


def test_the_list_of_problems_is_bounded() -> None:
    """And says how many there are."""
    with pytest.raises(ImportRefused) as caught:
        read("кому;монеты;за что\n" + "Ада;x;\n" * 1000)
    assert (len(caught.value.problems), caught.value.count) == (PROBLEMS_MAX, 2000)
    assert caught.value.message.splitlines()[-1] == f"and {2000 - PROBLEMS_MAX} more"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "content",
    [
        "кому;монеты;за что\n" + "Ада;10;за проект\n" * ROWS_MAX,
        "кому;монеты;вид;за что\n" + "Ада;x;debet;\n" * ROWS_MAX,
        "кому;монеты;за что\nАда;" + "0" * 130_000 + "x;x\n",
        "кому;монеты;за что\nАда;1;" + " x" * 65_000 + "\n",
        '"' + "x;" * 2_000_000,
    ],
    ids=["rows", "problems", "zeros", "spaces", "quote"],
)
def test_the_largest_files_are_read_in_seconds(content: str) -> None:
    """Nobody hangs the desk by a file."""
    began = time.monotonic()
    problems(content)
    assert time.monotonic() - began < 30


# --- the page about it ----------------------------------------------------------------------------

PAGE = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_is_read() -> None:
    """As Excel in Russian would save it."""
    proposals = read(PAGE.split("```\n")[1].encode("cp1251"))
    assert [proposal.coins for proposal in proposals] == [10, -5, 120]


def test_the_names_of_the_page_are_those_that_are_kept() -> None:
    """A school that left the setting as it is finds the residents of the example."""
    names = [proposal.resident for proposal in read(PAGE.split("```\n")[1].encode())]
    (name,) = [name for name in names if not name.startswith(("#", "crm:", "vk:"))]
    assert answers_to(shown_name("Выдуманная Ада", NameForm.SURNAME_FIRST), name)


def test_the_page_lists_every_heading() -> None:
    """In the order in which they are known."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.split("\n") if line.startswith("| `")]
    assert {cells[0].strip("`"): tuple(cells[1].split(", ")) for cells in rows} == COLUMNS


# --- any file at all ------------------------------------------------------------------------------

TEXTS = CELLS.filter(str.strip)
LISTED_ROWS = st.tuples(
    TEXTS,
    st.integers(1, 1000).map(str),
    st.sampled_from(["", "credit", "списание", "Остаток"]),
    TEXTS,
    st.one_of(st.just(""), st.dates(date(2000, 1, 1), TODAY).map(date.isoformat)),
    st.just(""),
).map(list)


@thorough(200)
@given(
    rows=st.lists(LISTED_ROWS, min_size=1, max_size=5),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    delimiter=st.sampled_from(DELIMITERS),
    line_end=st.sampled_from(LINE_ENDS),
    gap=st.integers(0, 2),
)
def test_what_was_written_is_read_with_equal_keys(
    rows: list[list[str]], encoding: str, delimiter: str, line_end: str, gap: int
) -> None:
    """Whatever form it was saved in, with or without empty lines, it is the same import."""
    plain = read(written([HEADINGS, *rows], "utf-8", ",", "\n"))
    other = read(written([HEADINGS, *[[""] * 6] * gap, *rows], encoding, delimiter, line_end))
    assert other == tuple(replace(proposal, line=proposal.line + gap) for proposal in plain)
    assert [proposal.resident for proposal in plain] == [
        " ".join(unprotected(cells[0].strip()).split()) for cells in rows
    ]
    assert [abs(proposal.coins) for proposal in plain] == [int(cells[1]) for cells in rows]
    assert len({proposal.key for proposal in plain}) == len(rows)
    for proposal in plain:
        # The ledger takes each key.
        Entry(proposal.key, 1, 101, proposal.coins, proposal.kind, TODAY, proposal.reason, "desk")


CELL = st.sampled_from(
    [
        "",
        "#101",
        "Ада",
        "10",
        "-5",
        "+5",
        "0",
        "1,5",
        "credit",
        "-",
        "x",
        "2026-11-20",
        "31.02.2026",
        "K1",
    ]
)


@thorough(300)
@given(rows=st.lists(st.lists(CELL, min_size=4, max_size=7), max_size=6))
def test_every_problem_of_a_cell_names_line_and_column(rows: Sequence[Sequence[str]]) -> None:
    """Whatever is combined; and what is read would be taken by the ledger."""
    proposals, told = tried(written([HEADINGS, *rows], "utf-8", ";", "\n"))
    columns = "|".join([*COLUMNS, "7"])
    assert all(re.match(rf"line [2-7], column ({columns}): .", problem) for problem in told)
    for proposal in proposals:
        Entry(proposal.key, 1, 101, proposal.coins, proposal.kind, TODAY, proposal.reason, "desk")
        assert (proposal.coins < 0) == (proposal.kind is Kind.DEBIT)


@thorough(600)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=80).map(
            lambda tail: b"resident;coins;reason;date;key\n#101;10;x;;\n" + tail
        ),
        st.text('кому;монеты\n\r"0195,-+.#ё\0\t', max_size=60).map(
            lambda tail: f"кому;монеты;за что\n{tail}".encode()
        ),
    )
)
@example(b"resident;coins\n\xff;1\n")
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """One error and no other, and each of its lines says where."""
    _, told = tried(content)
    assert all(re.match(r"line [0-9]+(, column .+)?: .", problem) for problem in told)
    assert not any(char in problem for problem in told for char in "\n\r\0\x1b\u202e")
