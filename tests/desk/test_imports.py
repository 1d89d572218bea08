"""Rows of a file: all of them or none, and a second time nothing."""

from __future__ import annotations

import pytest

from coinsync.core.ledger import Kind
from coinsync.errors import (
    Ambiguous,
    CoinsyncError,
    ImportRefused,
    LikelyDuplicate,
    NotEnoughCoins,
    NotFound,
    PostedOtherwise,
    StalePlan,
)
from tests.support import engines
from tests.support.desk import (
    MIRA,
    TODAY,
    Desk,
    owing,
    refused,
)
from tests.support.makers import (
    ADA,
    DAY,
    GLEB,
)

ENGINES = engines.BOTH


# --- imports ----------------------------------------------------------------------------------

FILE = f"""resident;coins;reason;date
#{ADA};30;won;
Глеб;20;helped;2026-11-02
crm:{ADA};-10;a cap;
"""


def test_a_file_is_posted_row_by_row(at: Desk) -> None:
    """Days that it does not say are today; moves follow one another."""
    proposal = at.import_text(FILE)
    assert [(move.resident, move.before, move.coins, move.after) for move in proposal.moves] == [
        (ADA, 0, 30, 30),
        (GLEB, 0, 20, 20),
        (ADA, 30, -10, 20),
    ]
    assert (proposal.plan.scope.since, proposal.plan.scope.until) == (DAY, TODAY)
    at.do(proposal)
    assert at.balances() == {ADA: 20, GLEB: 20}
    assert {
        (entry.resident, entry.coins, entry.happened_on, entry.reason, entry.note)
        for entry in at.entries()
    } == {
        (ADA, 30, TODAY, "by_hand", "won"),
        (GLEB, 20, DAY, "by_hand", "helped"),
        (ADA, -10, TODAY, "by_hand", "a cap"),
    }


def test_a_second_run_adds_nothing(at: Desk) -> None:
    """Days, months or a year later, and although the coins are spent."""
    at.do(at.import_text(FILE))
    at.given(ADA, -20, note="all of it")
    for later in (at, at.later(days=8), at.later(days=400)):
        proposal = later.import_text(FILE)
        assert (bool(proposal.plan), proposal.moves, len(proposal.done)) == (False, (), 3)
        assert proposal.words == ("3 of 3 rows are posted already",)


KEYED = "resident;coins;reason;key\n"


def test_rows_that_are_posted_already_are_left_out(at: Desk) -> None:
    """A file that grew posts what is new."""
    at.do(at.import_text(f"{KEYED}#{ADA};30;won;a\n"))
    proposal = at.import_text(f"{KEYED}#{ADA};30;won;a\n#{GLEB};20;won;b\n#{ADA};30;won;c\n")
    assert proposal.words == ("1 of 3 rows are posted already",)
    assert [(move.resident, move.after) for move in proposal.moves] == [(GLEB, 20), (ADA, 60)]
    at.do(proposal)
    assert at.balances() == {ADA: 60, GLEB: 20}


def test_a_file_is_posted_whole_or_not_at_all(at: Desk) -> None:
    """One row that cannot be stops all; the writer finds what came between."""
    refused(NotEnoughCoins, at.import_text, f"{KEYED}#{GLEB};20;won;a\n#{ADA};-1;a cap;b\n")
    proposal = at.import_text(f"{KEYED}#{GLEB};20;won;a\n#{ADA};30;won;b\n")
    at.do(at.import_text(f"{KEYED}#{ADA};30;won;b\n"))
    with pytest.raises(StalePlan):
        at.do(proposal)
    assert at.balances() == {ADA: 30}


def test_floors_count_over_the_whole_file(at: Desk) -> None:
    """What a file brings it may spend, in whatever order its rows stand.

    One coin more is refused.
    """
    at.given(ADA, 5)
    at.do(at.import_text(f"{KEYED}#{ADA};-25;a cap;a\n#{ADA};20;won;b\n"))
    assert at.balances() == {}
    error = refused(
        NotEnoughCoins, at.import_text, f"{KEYED}#{ADA};-21;a pen;c\n#{ADA};20;helped;d\n"
    )
    assert error.message == (
        f"line 2, column coins: #{ADA} Ада М. has 0 coins, 1 needed; nothing written"
    )


def test_floors_of_a_file_know_merged_cards_and_debts(at: Desk) -> None:
    """Two rows of one child count together.

    Who owes may be given something, and nothing may be taken in all.
    """
    owing(at)
    at.do(at.merge(ADA, GLEB))
    at.do(at.import_text(f"{KEYED}#{ADA};2;won;a\n#{GLEB};1;helped;b\n"))
    assert at.balances() == {ADA: -5, GLEB: -5}
    refused(NotEnoughCoins, at.import_text, f"{KEYED}#{ADA};3;more;c\n#{GLEB};-4;a cap;d\n")
    at.do(at.import_text(f"{KEYED}#{ADA};4;more;c\n#{GLEB};-4;a cap;d\n"))


def test_a_key_of_a_file_with_other_content_is_refused(at: Desk) -> None:
    """Another child, amount, kind, reason or day under the key of a row that is posted."""
    at.do(at.import_text(f"resident;coins;reason;date;key\n#{ADA};30;won;2026-11-02;a\n"))
    for row in (
        f"#{GLEB};30;won;2026-11-02",
        f"#{ADA};31;won;2026-11-02",
        f"#{ADA};30;lost;2026-11-02",
        f"#{ADA};30;won;2026-11-03",
    ):
        error = refused(
            PostedOtherwise, at.import_text, f"resident;coins;reason;date;key\n{row};a\n"
        )
        assert "entry 1, +30" in error.message
    refused(
        PostedOtherwise,
        at.import_text,
        f"resident;coins;kind;reason;date;key\n#{ADA};30;opening;won;2026-11-02;a\n",
    )
    assert at.import_text(f"{KEYED}#{ADA};30;won;a\n").done == (1,)


def test_a_row_of_a_card_that_was_merged_since_is_posted_already(at: Desk) -> None:
    """The file names the old card; it is the same child."""
    at.do(at.import_text(f"{KEYED}#{ADA};30;won;a\n"))
    at.do(at.merge(ADA, GLEB))
    assert at.import_text(f"{KEYED}#{ADA};30;won;a\n").done == (1,)


def test_an_opening_balance_is_told_from_a_credit(at: Desk) -> None:
    """It needs no words."""
    proposal = at.import_text(f"resident;coins;kind\n#{ADA};40;opening\n")
    assert proposal.moves[0].why == "opening balance"
    at.do(proposal)
    assert [(entry.kind, entry.reason) for entry in at.entries()] == [(Kind.OPENING, "opening")]


def test_the_same_row_of_another_file_is_likely_a_duplicate(at: Desk) -> None:
    """A file that was sent twice with a line more has other keys.

    Every such row is named, once, with its line.
    """
    at.do(at.import_text(FILE))
    grown = FILE + f"#{MIRA};5;new;\n"
    error = refused(LikelyDuplicate, at.later(days=7).import_text, grown)
    assert error.message == (
        "another file has posted the same: line 2 is likely entry 2, line 3 is likely entry 1, "
        "line 4 is likely entry 3; nothing written"
    )
    at.do(at.later(days=7).import_text(grown, allow_duplicate=True))
    assert at.balances() == {ADA: 40, GLEB: 40, MIRA: 5}


def test_many_likely_duplicates_are_counted(at: Desk) -> None:
    """Five are named."""
    rows = "".join(f"#{ADA};{coins};won\n" for coins in range(1, 9))
    at.do(at.import_text(f"resident;coins;reason\n{rows}"))
    error = refused(
        LikelyDuplicate, at.import_text, f"resident;coins;reason\n{rows}#{GLEB};1;new\n"
    )
    assert error.message.count("is likely") == 5
    assert "and 3 more" in error.message


def test_after_a_week_the_same_row_is_meant(at: Desk) -> None:
    """Coins for duty come every week."""
    at.do(at.import_text(f"{KEYED}#{ADA};30;duty;a\n"))
    refused(LikelyDuplicate, at.later(days=7).import_text, f"{KEYED}#{ADA};30;duty;b\n")
    at.do(at.later(days=7, seconds=1).import_text(f"{KEYED}#{ADA};30;duty;b\n"))
    assert at.balances() == {ADA: 60}


def test_rows_for_other_days_are_no_duplicates(at: Desk) -> None:
    """Who says the day means that day; of the same day it is likely the same."""
    dated = "resident;coins;reason;date;key\n"
    at.do(at.import_text(f"{dated}#{ADA};30;duty;2026-11-02;a\n"))
    refused(LikelyDuplicate, at.import_text, f"{dated}#{ADA};30;duty;2026-11-02;b\n")
    at.do(at.import_text(f"{dated}#{ADA};30;duty;2026-11-03;b\n"))


def test_equal_rows_of_one_file_are_meant(at: Desk) -> None:
    """Two prizes on one list; also when one of them was posted before, from the same file."""
    at.do(at.import_text(f"resident;coins;reason\n#{ADA};30;won\n#{ADA};30;won\n"))
    assert at.balances() == {ADA: 60}
    at.do(at.import_text(f"{KEYED}#{GLEB};30;won;a\n"))
    at.do(at.import_text(f"{KEYED}#{GLEB};30;won;a\n#{GLEB};30;won;b\n"))
    assert at.balances() == {ADA: 60, GLEB: 60}


def test_what_a_clerk_typed_or_took_back_is_no_duplicate_of_a_row(at: Desk) -> None:
    """Only rows of files are compared, and only those that stand."""
    at.given(ADA, 30)
    at.do(at.import_text(f"{KEYED}#{ADA};30;won;a\n"))
    at.do(at.reverse(2))
    at.do(at.import_text(f"{KEYED}#{ADA};30;won;b\n"))
    assert at.balances() == {ADA: 60}


@pytest.mark.parametrize(
    ("text", "kind"), [("#999", NotFound), ("Никого", NotFound), ("м", Ambiguous)]
)
def test_a_row_whose_resident_is_not_clear_is_named(
    at: Desk, text: str, kind: type[CoinsyncError]
) -> None:
    """With its line; of several who fit, the candidates are told as ever."""
    with pytest.raises(kind, match=r"^line 3, column resident: .*$") as caught:
        at.import_text(f"{KEYED}#{ADA};30;won;a\n{text};30;won;b\n")
    assert caught.value.exit_code == 6
    if isinstance(caught.value, Ambiguous):
        assert len(caught.value.candidates) == 2


def test_all_that_is_wrong_with_a_file_is_named_at_once(at: Desk) -> None:
    """What cells say, names that are unknown or fit several, balances, keys: each by its line."""
    at.do(at.import_text(f"{KEYED}#{ADA};5;won;a\n"))
    text = f"{KEYED}Никого;5;x;\nм;5;x;\n#{ADA};-6;x;\n#{GLEB};1,5;x;\n#{MIRA};5;x;a\nНичей;;;\n"
    error = refused(ImportRefused, at.import_text, text)
    for line in (
        "the file: 8 problems; nothing written",
        "line 2, column resident: no resident answers to 'Никого'",
        "line 3, column resident: 2 residents answer to 'м': #",
        f"line 4, column coins: #{ADA} Ада М. has 5 coins, 6 needed",
        'line 5, column coins: "1,5" is not a whole number',
        "line 6: key csv:a is already posted with other content: entry 1, +5",
        "line 7, column resident: no resident answers to 'Ничей'",
        "line 7, column reason: is empty",
        "line 7, column coins: is empty",
    ):
        assert line in error.message
    assert error.message.count("nothing written") == 1
    assert error.exit_code == 2


def test_names_alone_or_balances_alone_keep_their_exit_code(at: Desk) -> None:
    """6 where nobody or several are meant, 7 where coins are missing, however many rows."""
    names = refused(ImportRefused, at.import_text, f"{KEYED}Никого;5;x;\nм;5;x;\nНичей;5;x;\n")
    assert (names.exit_code, names.message.count("line ")) == (6, 3)
    coins = refused(ImportRefused, at.import_text, f"{KEYED}#{ADA};-5;x;\n#{GLEB};-5;x;\n")
    assert (coins.exit_code, coins.message.count("line ")) == (7, 2)
