"""``--branch``: every command honours it, or refuses it in one line."""

from __future__ import annotations

import pytest

from tests.cli.test_program import ALL
from tests.support.school import Installation

BY_BRANCH = [words for words, command in ALL.items() if command.by_branch]
OTHERS = [words for words, command in ALL.items() if not command.by_branch]
#: What makes a call complete that says something of one branch alone; these write or set up, and
#: tests of their own say what of.
ELSEWHERE = {
    ("init",),
    ("sync",),
    ("credit",),
    ("reconcile",),
    ("review", "post"),
    ("review", "forgive"),
    ("review", "waive"),
}


@pytest.fixture
def stocked(desk: Installation) -> Installation:
    """A school of two branches with goods of each, of which something is held."""
    rows = "a;А;1;1\nb;Б;1;2\n"
    goods = desk.file("goods.csv", f"code;name_ru;price;branches\n{rows}")
    desk.ok("catalog", "load", goods, "--yes")
    return desk


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_what_knows_no_branch_refuses_it(desk: Installation, words: tuple[str, ...]) -> None:
    """2, in one line, before anything else is looked at."""
    said = desk.run("--branch", "2", *words)
    assert said.code == 2
    assert (
        said.err == f"coinsync: {words[-1]}: --branch says nothing here\n  → Leave --branch out.\n"
    )


@pytest.mark.parametrize("words", sorted({*BY_BRANCH} - ELSEWHERE), ids=" ".join)
def test_what_knows_branches_shows_one_alone(stocked: Installation, words: tuple[str, ...]) -> None:
    """Both together are not what one of them is."""
    first, second, both = (
        stocked.run(*branch, *words, "--json").out
        for branch in (("--branch", "1"), ("--branch", "2"), ())
    )
    assert len({first, second, both}) == 3


@pytest.mark.parametrize(
    "words",
    [
        ("balance", "101"),
        ("credit", "101", "1", "--reason", "x", "--yes"),
        ("review", "post", "1:101", "--yes"),
        ("catalog", "stock", "list", "a"),
    ],
    ids=" ".join,
)
def test_where_one_is_named_a_branch_is_refused(
    stocked: Installation, words: tuple[str, ...]
) -> None:
    """It would be ignored."""
    before = stocked.tables()
    said = stocked.run("--branch", "2", *words)
    assert (said.code, stocked.tables()) == (2, before)
    assert "--branch says nothing here" in said.err
