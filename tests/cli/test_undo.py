"""A whole run made by hand is taken back: all of it, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.support.goods import an_item, fill
from tests.support.school import Installation

NOTE = ("--note", "по ошибке")
ROWS = "resident;coins;reason\n101;50;олимпиада\n102;60;олимпиада\n103;70;олимпиада\n"


def newest_run(school: Installation) -> str:
    """The number of what was done last."""
    return str(school.ok("journal", "--limit", "1", "--json").json[0]["run"]["id"])


def imported(school: Installation) -> None:
    """Three credits by one file."""
    school.ok("import", school.file("rows.csv", ROWS), "--yes")


def credited(school: Installation) -> None:
    """One credit."""
    school.ok("credit", "#101", "50", "--reason", "победа", "--yes")


def given_to_all(school: Installation) -> None:
    """The same for everybody."""
    school.ok("credit", "5", "--everybody", "--reason", "праздник", "--yes")


def debited(school: Installation) -> None:
    """One debit."""
    school.ok("debit", "#101", "5", "--reason", "сломал", "--yes")


def sold(school: Installation) -> None:
    """Two pieces, paid by two."""
    words = ("--quantity", "2", "--also", "#102=3", "--key", "s-1")
    school.ok("sell", "#101", "mug", *words, "--yes")


@pytest.fixture
def school(synced: Installation) -> Installation:
    """A school with a shop, in which nobody is poor."""
    fill(synced, {an_item("mug", 5, name="Кружка"): 4}, {101: 20, 102: 20, 103: 20})
    return synced


@pytest.mark.parametrize("done", [imported, credited, given_to_all, debited, sold])
def test_all_is_as_it_was(school: Installation, done: Callable[[Installation], None]) -> None:
    """Balances and stock; a dry run writes nothing, and a second undo is refused."""
    with school.reader() as reader:
        stock = reader.stock(["mug"])
    balances = school.balances()
    done(school)
    run, entries = newest_run(school), len(school.ledger())
    assert school.balances() != balances
    school.ok("undo", run, *NOTE, "--dry-run")
    assert len(school.ledger()) == entries
    school.ok("undo", run, *NOTE, "--yes")
    assert school.balances() == balances
    with school.reader() as reader:
        assert reader.stock(["mug"]) == stock
    before = school.tables()
    refuse_second_undo(school, run)
    assert school.tables() == before
    school.ok("reconcile")


def refuse_second_undo(school: Installation, run: str) -> None:
    """As what is reversed twice, or refunded twice: 7."""
    said = school.run("undo", run, *NOTE, "--yes")
    assert said.code == 7
    assert re.search("is (taken back|refunded) already; nothing written", said.err)


def test_coins_that_were_spent_are_named_and_nothing_is_written(school: Installation) -> None:
    """Everybody who has too few, and not only the first of them."""
    imported(school)
    run, balances = newest_run(school), school.balances()
    for resident in (101, 103):
        coins = str(balances[resident] - 1)
        school.ok("debit", f"#{resident}", coins, "--reason", "купил", "--yes")
    before = school.tables()
    refused = school.run("undo", run, *NOTE, "--yes")
    assert refused.code == 7
    assert "#101" in refused.err
    assert "#103" in refused.err
    assert "#102" not in refused.err
    assert school.tables() == before


def test_what_was_taken_back_by_itself_is_left_out(school: Installation) -> None:
    """Only the rest is taken back, and that is said."""
    balances = school.balances()
    imported(school)
    run, first = newest_run(school), school.ledger()[-3].n
    school.ok("reverse", str(first), *NOTE, "--yes")
    assert "1 of its entries were taken back before" in school.ok("undo", run, *NOTE, "--yes").out
    assert school.balances() == balances
    fill(school, {an_item("pen", 5, name="Ручка"): 4})
    for item in ("mug", "pen"):
        school.ok("sell", "#101", item, "--key", f"s-{item}", "--yes")
        run = newest_run(school)
        school.ok("refund", f"s-{item}", *NOTE, "--yes")
        refuse_second_undo(school, run)
    assert school.balances() == balances


def test_what_is_no_hand_work_is_refused_with_what_to_do(school: Installation) -> None:
    """Runs of a sync, of a review, of cards, and what takes something back itself."""
    runs = {line["what"]: line["run"]["id"] for line in school.ok("journal", "--json").json}
    credited(school)
    school.ok("undo", newest_run(school), *NOTE, "--yes")
    runs["reversal"] = int(newest_run(school))
    sold(school)
    school.ok("refund", "s-1", *NOTE, "--yes")
    runs["refund"] = int(newest_run(school))
    school.ok("residents", "erase", "#104", "--yes")
    runs["erased"] = int(newest_run(school))
    before = school.tables()
    for what, advice in {
        "lessons": "coinsync reverse ENTRY",
        "people": "correct the CRM",
        "reversal": "post a new credit or debit",
        "refund": "sell again",
        "erased": "nothing brings back what was erased",
    }.items():
        refused = school.run("undo", str(runs[what]), *NOTE, "--yes")
        assert (refused.code, advice in refused.err) == (7, True), refused.err
    assert school.run("undo", "999", *NOTE, "--yes").code == 6
    assert school.run("undo", "1", "--yes").code == 2
    assert school.tables() == before


def test_who_is_erased_gets_no_note(school: Installation) -> None:
    """Their coins are taken back like those of the others."""
    imported(school)
    run = newest_run(school)
    school.ok("residents", "erase", "#102", "--yes")
    school.ok("undo", run, *NOTE, "--yes")
    with school.reader() as reader:
        newest = {resident: reader.lines(resident)[0] for resident in (101, 102)}
    assert [newest[101].note, newest[102].note] == ["по ошибке", ""]
