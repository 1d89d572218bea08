"""Who did what, when, why, and how it is taken back."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import Any

import pytest

from tests.support.goods import an_item, fill
from tests.support.school import Installation


@pytest.fixture
def worked(synced: Installation) -> Installation:
    """A school in which two clerks have worked."""
    synced.ok("credit", "#101", "50", "--reason", "победил в конкурсе", "--yes")
    synced.ok("credit", "#102", "7", "--reason", "помог убрать класс", "--yes", "--actor", "Vera")
    rows = "resident;coins;reason\n101;5;олимпиада\n103;6;олимпиада\n"
    synced.ok("import", synced.file("rows.csv", rows), "--yes")
    return synced


def journal(school: Installation, *words: str) -> list[dict[str, Any]]:
    """The journal as a program reads it."""
    lines: list[dict[str, Any]] = school.ok("journal", *words, "--json").json
    return lines


def of_entries(school: Installation, *words: str) -> list[tuple[str, int, str]]:
    """What was done by hand, how many coins, and why."""
    lines = journal(school, *words)
    return [(line["what"], line["run"]["coins"], line["why"]) for line in lines]


CREDIT = ("credit", 50, "победил в конкурсе")
OTHER = ("credit", 7, "помог убрать класс")
IMPORT = ("import", 11, "олимпиада")


def test_each_run_is_one_line_newest_first(worked: Installation) -> None:
    """What is done by hand with its reason, a sync with its branch."""
    lines = of_entries(worked)
    assert lines[:3] == [IMPORT, OTHER, CREDIT]
    assert {what for what, _, _ in lines[3:]} == {"people", "lessons"}


def test_a_journal_that_is_cut_or_empty_says_so(worked: Installation) -> None:
    """With how the rest is seen, as a history does."""
    older = "… older runs: pass --limit, --since or --until"
    assert worked.ok("journal", "--limit", "2").out.splitlines()[-1] == older
    assert older not in worked.ok("journal", "--limit", "1000").out
    assert worked.ok("journal", "--until", "2020-01-01").out == "no runs\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--limit", "1"), [IMPORT]),
        (("--actor", "vera"), [OTHER]),
        (("--resident", "#101"), [IMPORT, CREDIT]),
        (("--find", "ОЛИМПИАДА"), [IMPORT]),
        (("--kind", "credit"), [IMPORT, OTHER, CREDIT]),
        (("--kind", "sale"), []),
        (("--until", "2020-01-01"), []),
        (("--since", "2999-01-01"), []),
    ],
)
def test_lines_are_chosen(worked: Installation, words: tuple[str, ...], expected: Any) -> None:
    """By who did it, whose coins moved, what was posted, why, and when."""
    assert of_entries(worked, *words) == expected


def test_today_is_the_schools_day(worked: Installation) -> None:
    """What was done yesterday is not there."""
    assert of_entries(worked, "--today", "--find", "олимпиада") == [IMPORT]
    tomorrow = worked.run("journal", "--today", "--json", later=timedelta(days=1))
    assert tomorrow.json == []
    assert worked.run("journal", "--today", "--since", "2026-01-01").code == 2


def test_the_account_stands_beside_another_name(worked: Installation) -> None:
    """Whoever was named need not be who logged in."""
    (line,) = journal(worked, "--actor", "vera")
    assert (line["run"]["actor"], line["run"]["login"][-1]) == ("Vera", ")")
    assert line["run"]["login"] in worked.ok("journal", "--actor", "vera").out


def test_a_branch_sees_what_moved_its_coins(worked: Installation) -> None:
    """By hand too, though that belongs to no branch itself."""
    with worked.reader() as reader:
        branch_of = {who.id: who.branches for who in reader.residents_by_id([101, 102]).values()}
    for branch in (1, 2):
        lines = of_entries(worked, "--branch", str(branch))
        assert (CREDIT in lines) == (branch in branch_of[101])
        assert (OTHER in lines) == (branch in branch_of[102])


def test_the_command_named_takes_it_back(worked: Installation) -> None:
    """One entry, a sale; afterwards no command is named, and a reversal has none."""
    fill(worked, {an_item("mug", 3, name="Кружка"): 5}, {})
    worked.ok("sell", "#101", "mug", "--yes")
    for find in ("помог", "Кружка"):
        (line,) = journal(worked, "--find", find)
        program, *words = line["undo"].replace("TEXT", "ошибка").split()
        assert program == "coinsync"
        worked.ok(*words, "--yes")
        lines = journal(worked, "--limit", "2" if find == "Кружка" else "1")
        assert {line["undo"] for line in lines} == {""}
    (line,) = journal(worked, "--find", "помог")
    assert line["undo"] == ""


def test_a_forgotten_resident_stays_forgotten(worked: Installation) -> None:
    """Names and notes are gone, number and coins stay."""
    worked.ok("residents", "erase", "#102", "--yes")
    (line,) = journal(worked, "--actor", "vera")
    assert (line["why"], line["residents"]) == ("by hand", ["#102"])


def test_a_spreadsheet(worked: Installation) -> None:
    """One row for each run."""
    rows = list(csv.DictReader(worked.ok("journal", "--csv").out.splitlines()))
    assert [row["what"] for row in rows[:2]] == ["import", "credit"]
    assert rows[0]["coins"] == "11"
