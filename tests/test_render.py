"""How things look: numbers, ages, cells for a spreadsheet, the bar, and text that stays text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from enum import Enum
from itertools import chain

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from coinsync.core.identity import harmless, unprotected
from coinsync.core.plan import Scope
from coinsync.core.report import MonthLines
from coinsync.render import data, numbers, progress, terminal
from coinsync.render.listing import Grid, TextLine
from coinsync.render.report import month_report
from tests.support.makers import thorough


def plain_console(width: int = 160) -> Console:
    """A console that writes to memory."""
    return Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)


@pytest.mark.parametrize(
    ("amount", "shown"), [(10, "+10"), (-10, "-10"), (1250, "+1 250"), (-1234567, "-1 234 567")]
)
def test_coins_carry_their_sign(amount: int, shown: str) -> None:
    """A reader without colours sees which way they went."""
    assert numbers.signed(amount) == shown


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=26, minutes=5), "1 d 2 h"),
        (timedelta(hours=2), "2 h 0 min"),
        (timedelta(seconds=-3), "0 min"),
    ],
)
def test_ages_are_told_in_the_units_that_matter(span: timedelta, shown: str) -> None:
    """Two units at most."""
    assert numbers.age(span) == shown


@given(st.text())
def test_no_text_reaches_a_terminal_with_a_control_character(value: str) -> None:
    """Whatever stands in a name, it is one line of inert text."""
    out = plain_console()
    terminal.show(out, [Grid(("name",), rows=[(value,)]), value, TextLine(value)])
    shown = out.file.getvalue()  # type: ignore[attr-defined]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


@pytest.mark.parametrize(
    "value", ["[red]x[/red]", "Аня [/]", ":smile:", "[link=https://evil.test]x[/link]"]
)
def test_markup_is_shown_as_it_is_written(value: str) -> None:
    """Nothing is coloured, linked or replaced."""
    out = plain_console()
    terminal.show(out, [Grid(("name",), rows=[(value,)]), value, TextLine(value)])
    assert value in out.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@sum", "=HYPERLINK(1)"])
def test_a_formula_becomes_text_in_a_spreadsheet(value: str) -> None:
    """An apostrophe stands before it."""
    assert data.csv_text(("name",), [(value,)]) == f"name\r\n'{value}"


def test_numbers_stay_numbers_in_a_spreadsheet() -> None:
    """A negative number is no formula."""
    assert data.csv_text(("coins",), [(-10,)]) == "coins\r\n-10"


def test_values_become_json() -> None:
    """Days, enumerations, spans, nested values."""

    class Colour(Enum):
        RED = "red"

    value = {
        "scope": Scope(1, date(2026, 11, 1), date(2026, 11, 2)),
        "colour": Colour.RED,
        "age": timedelta(hours=1),
    }
    assert data.json_text(value) == (
        '{"scope": {"branch": 1, "since": "2026-11-01", "until": "2026-11-02"}, '
        '"colour": "red", "age": 3600}'
    )


def test_a_narrow_terminal_folds_and_loses_nothing() -> None:
    """Every word is still there at forty columns."""
    out = plain_console(40)
    grid = Grid(("name", ">coins"))
    grid.add("Константин Константинопольский", "+1 250")
    terminal.show(out, [grid])
    shown = out.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, shown.splitlines())) <= 40
    assert "+1 250" in shown


def test_a_bar_that_is_not_shown_does_nothing() -> None:
    """Cron's mail holds no progress."""
    with progress.Bar(shown=False) as bar:
        bar("lessons", 1, 2)
        bar.rest()


def test_json_has_no_command_for_a_terminal() -> None:
    """Not those either that JSON itself lets pass; what is read back is the same."""
    text = "Аня \x1b[2J\x9b31m\x7f\u202eabc\u2028\ufeff\ud800 ё"
    shown = data.json_text({"name": text})
    assert shown.isprintable()
    assert "Аня" in shown
    assert json.loads(shown)["name"] == text


DANGEROUS = st.lists(
    st.sampled_from([*"=+-@＝;,'\" \t\n", "=1", "Ада", ";=HYPERLINK(1)", ",-5", '"'])
).map("".join)


@thorough(300)
@given(st.lists(st.tuples(DANGEROUS, st.integers(-9, 9), DANGEROUS), min_size=1, max_size=3))
@example([("Ада;=HYPERLINK(1)", -5, 'x;"=1')])
def test_no_part_of_a_csv_file_is_a_formula(rows: list[tuple[str, int, str]]) -> None:
    """Whatever a spreadsheet splits it at, and whether it honours quotes or not."""
    written = data.csv_text(["name", "coins", "why"], rows)
    for delimiter in (",", ";", "\t"):
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            reader = csv.reader(io.StringIO(written), delimiter=delimiter, quoting=quoting)
            for cell in chain.from_iterable(reader):
                is_number = delimiter == "," and cell.removeprefix("-").isdigit()
                assert is_number or not cell.strip().startswith(tuple("=+-@＝"))
    read = list(csv.reader(io.StringIO(written)))[1:]
    for (name, coins, why), cells in zip(rows, read, strict=True):
        assert cells[1] == str(coins)
        texts = [unprotected(cells[0]), unprotected(cells[2])]
        assert texts == [harmless(name), harmless(why)]


def test_a_report_shows_ten_groups_and_the_rest_on_demand() -> None:
    """A school of thousands has hundreds of them; how many are left out is said."""
    lines: MonthLines = defaultdict(Counter)
    for number in range(13):
        lines["2026-11", "group", f"#{number:02} Python"]["coins"] = number
    for every_line, groups, more in ((False, 10, "… 3 more, shown with -v"), (True, 13, "")):
        out = plain_console()
        terminal.show(out, month_report(lines, "2026-11", every_line=every_line).page)
        text = out.file.getvalue()  # type: ignore[attr-defined]
        assert (text.count("Python"), more in text) == (groups, True)
        assert ("more, shown with -v" in text) == bool(more)
