"""The director's month, as it is read."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

import cli
from coinsync.core.ledger import Kind
from tests.support.goods import an_item, fill
from tests.support.school import Installation, Said

#: The school's lessons are in October and November.
IN_DECEMBER = datetime(2026, 12, 10, tzinfo=UTC)


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync, with goods in its shop."""
    fill(desk, {an_item("cap", 50): 2})
    return desk


def report(installation: Installation, *words: str) -> Said:
    """What a report says in December, wherever the machine's clock stands."""
    return installation.run("report", *words, later=IN_DECEMBER - cli.utc_now())


def november(installation: Installation, *words: str) -> Said:
    """The report of November."""
    said = report(installation, "--month", "2026-11", *words)
    assert said.code == 0, said.err
    return said


def test_a_month_stands_on_one_screen(installation: Installation) -> None:
    """At 80 columns, the school first, beside the month before."""
    out = november(installation).out
    lines = out.splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["school", "2026-10"],
        ["school", "2026-11"],
    ]
    for part in ("for       group lesson", "branch    Казань", "group     #2 Python-2"):
        assert part in out
    assert "26 of 26 residents spent nothing" in out
    assert "1 of 1 goods were not sold" in out
    named = november(installation, "-v").out
    assert "#102 Ада Д." in named
    assert "not sold: Вещь cap" in named


def test_programs_and_spreadsheets_read_the_same(installation: Installation) -> None:
    """Each part and each resident of both months, in one vocabulary."""
    data = november(installation, "--json").json
    rows = list(csv.DictReader(io.StringIO(november(installation, "--csv").out)))
    assert [list(row) for row in rows] == [list(each) for each in data]
    assert list(rows[0])[:3] == ["month", "part", "name"]
    [school] = [each for each in data if (each["month"], each["part"]) == ("2026-11", "school")]
    listed = installation.ok("balance", "--as-of", "2026-11-30", "--json").json
    assert school["coins"] == sum(each["balance"] for each in listed)
    assert {each["month"] for each in data} == {"2026-10", "2026-11"}


def test_what_was_taken_back_counts_where_it_was_given(installation: Installation) -> None:
    """Whoever was absent after all: under the rule, though none gives the lesson anything now."""
    before = november(installation, "--json").json
    number = next(
        posted.n
        for posted in installation.ledger()
        if posted.entry.kind is Kind.AWARD and posted.entry.happened_on.month == 11
    )
    installation.ok("reverse", str(number), "--note", "x", "--yes")
    after = november(installation, "--json").json
    changed = [each for each in after if each["part"] == "for" and each not in before]
    assert {(each["name"], each["reversed"]) for each in changed} == {("group lesson", -10)}


def test_a_report_is_of_the_branches_that_are_named(installation: Installation) -> None:
    """As everything else."""
    out = november(installation, "--branch", "Иннополис").out
    assert "Иннополис" in out
    assert "Казань" not in out
    assert "12 of 12 residents spent nothing" in out


def test_this_month_is_meant_where_none_is_named(installation: Installation) -> None:
    """As far as it has come."""
    assert "2026-12" in report(installation).out


@pytest.mark.parametrize("month", ["2027-01", "0001-01", "1999-12", "2026-13", "november", ""])
def test_a_month_that_cannot_be(installation: Installation, month: str) -> None:
    """2; one that is still to come has nothing to report."""
    said = report(installation, "--month", month)
    assert said.code == (2 if month else 0)
    # What is said to be wrong is what was typed.
    assert not month or f"--month {month}" in said.err.replace("'", "")
