"""Coins for many at once: a group, a lesson, a branch."""

from __future__ import annotations

import pytest

from tests.support.school import Installation

#: Who is in the group "Python-2": in both branches.
PYTHON_2 = {104, 106, 108, 111, 114, 119, 120}
WHY = ("--reason", "Выставка", "--yes")


@pytest.fixture
def installation(desk: Installation) -> Installation:
    """A school after its first sync."""
    return desk


def receivers(installation: Installation, *words: str) -> set[int]:
    """Who would get five coins."""
    told = installation.ok("credit", "5", *words, *WHY, "--dry-run", "--json").json
    assert {move["coins"] for move in told["moves"]} == {5}
    return {move["resident"] for move in told["moves"]}


def test_a_group_gets_the_same_each(installation: Installation) -> None:
    """One question with the total, one run, and a repeat under the shown key adds nothing."""
    before = installation.balances()
    out = installation.ok("credit", "5", "--group", "python-2", *WHY, "--key", "k-1").out
    assert "7 entries, +35 coins" in out
    assert "entries 109–115 posted (+35)" in out
    assert "key k-1" in out
    for resident, coins in installation.balances().items():
        assert coins == before[resident] + 5 * (resident in PYTHON_2)
    with installation.reader() as reader:
        assert reader.runs(1)[0].entries == 7
    again = installation.ok("credit", "5", "--group", "python-2", *WHY, "--key", "k-1")
    assert again.out == "already posted: entries 109–115\n"


def test_who_is_meant(installation: Installation) -> None:
    """A group, who attended, all clients; those of one branch where it is named."""
    assert receivers(installation, "--group", "#2") == PYTHON_2
    assert receivers(installation, "--group", "#2", "--branch", "1") == {106}
    lesson = installation.ledger()[0].entry.lesson
    paid = {one.entry.resident for one in installation.ledger() if one.entry.lesson == lesson}
    assert receivers(installation, "--lesson", str(lesson)) >= paid
    everybody = receivers(installation, "--everybody")
    assert len(everybody) == 26
    assert receivers(installation, "--everybody", "--branch", "2") < everybody


def test_the_group_is_that_of_the_day(installation: Installation) -> None:
    """Who came later was no member then."""
    joined = receivers(installation, "--group", "2") - receivers(
        installation, "--group", "2", "--date", "2026-10-01"
    )
    assert joined == {120}


def test_ten_names_are_shown_and_the_rest_on_demand(installation: Installation) -> None:
    """The total always."""
    words = ("credit", "5", "--everybody", *WHY, "--dry-run")
    out = installation.ok(*words).out
    assert "… 16 more, shown with -v" in out
    assert "26 entries, +130 coins" in out
    assert installation.ok(*words, "-v").out.count("Выставка") == 26


def test_a_way_gives_its_amount_to_each(installation: Installation) -> None:
    """Then no number is typed at all."""
    installation.ok("credit", "--for", "project", "--group", "2", "--yes")
    assert {posted.entry.coins for posted in installation.ledger()[-7:]} == {30}


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("5",), 2, "how many coins"),
        ((), 2, "name RESIDENT, --group, --lesson or --everybody, one of them"),
        (("#102", "5", "--group", "2"), 2, "one of them"),
        (("5", "--group", "2", "--everybody"), 2, "one of them"),
        (("--group", "2"), 2, "how many coins"),
        (("101", "--group", "2"), 7, "707 coins is above the limit of 700 for one run"),
        (("5", "--group", "2", "--for", "project"), 2, "project gives 30"),
        (("5", "--group", "python"), 6, "#2 Python-2 (Казань, Иннополис)"),
        (("5", "--group", "Java"), 6, "that day: Python-1, Python-2, Roblox-3, Roblox-4."),
        (("5", "--lesson", "999999"), 6, "nobody is there to get coins"),
    ],
)
def test_wrong_words_write_nothing(
    installation: Installation, words: tuple[str, ...], code: int, says: str
) -> None:
    """Told in one line, as for one resident."""
    installation.configure(guards__coins_per_run_max=700)
    before = installation.tables()
    said = installation.run("credit", *words, *WHY)
    assert (said.code, says in said.err) == (code, True), said.err
    assert installation.tables() == before
