"""What is held waits for a person, whose ruling settles it."""

from __future__ import annotations

from datetime import date

import pytest

from coinsync.core.facts import (
    GroupStanding,
    Hold,
    HoldKind,
    Mark,
)
from coinsync.core.ledger import lesson_key
from coinsync.core.plan import Put
from coinsync.core.planning.review import Ruling
from coinsync.desk import review
from coinsync.desk.gather import Clerk
from coinsync.errors import (
    CoinPolicy,
    StalePlan,
    UsageError,
)
from tests.support import engines
from tests.support.desk import (
    KEY,
    MIRA,
    Desk,
    refused,
    settings,
)
from tests.support.makers import (
    ACCOUNT,
    ADA,
    DAY,
    GLEB,
    GROUP,
    a_lesson,
    a_record,
    present,
    reading,
)

ENGINES = engines.BOTH


# --- what is held -----------------------------------------------------------------------------


@pytest.fixture
def holding(paid: Desk) -> Desk:
    """Ada's absence is held because she spent her coins.

    Gleb's visit is held because nobody knows his group.
    """
    paid.given(ADA, -10, "spent", note="a cap")
    paid.night(
        a_record(None, present(mark=Mark.ABSENT)),
        a_record(a_lesson(2, on=date(2026, 11, 9)), present(GLEB, standing=GroupStanding.UNKNOWN)),
    )
    return paid


READ = (
    a_record(None, present(mark=Mark.ABSENT)),
    a_record(a_lesson(2, on=date(2026, 11, 9)), present(GLEB, standing=GroupStanding.UNKNOWN)),
)


def test_cases_are_shown_by_day_with_names_and_balances(holding: Desk) -> None:
    """Named as the command line names them."""
    with reading(holding.url) as reader:
        found = review.cases(reader, reversed(reader.all(Hold)))
    assert [(case.id, case.name, case.title, case.balance) for case in found] == [
        (f"1:{ADA}", "Ада М.", f"group {GROUP}", 0),
        (f"2:{GLEB}", "Глеб С.", f"group {GROUP}", 0),
    ]
    assert [(case.hold.kind, case.hold.coins) for case in found] == [
        (HoldKind.REVERSAL, -10),
        (HoldKind.GUEST, 10),
    ]


def test_a_case_of_a_merged_card_shows_the_child(holding: Desk) -> None:
    """The name and the coins of the card that goes on."""
    holding.given(MIRA, 7)
    holding.do(holding.merge(ADA, MIRA))
    with reading(holding.url) as reader:
        first = review.cases(reader, reader.all(Hold))[0]
    assert (first.id, first.name, first.balance) == (f"1:{ADA}", "Мира К.", 7)


@pytest.mark.parametrize(
    ("ruling", "balances"),
    [(Ruling.POST, {ADA: -10, GLEB: 10}), (Ruling.WAIVE, {})],
)
def test_a_word_about_cases_settles_them(
    holding: Desk, ruling: Ruling, balances: dict[int, int]
) -> None:
    """Moves are shown before, coins are there after, the next night has nothing to do."""
    proposal = holding.review(ruling, note="spoke with the family")
    assert {move.resident: move.after for move in proposal.moves} == balances
    holding.do(proposal)
    assert holding.balances() == balances
    with reading(holding.url) as reader:
        assert reader.all(Hold) == []
    after = holding.tonight(*READ)
    assert (bool(after), after.counts.held) == (False, 0)


def test_who_waives_reads_what_stays(holding: Desk) -> None:
    """Nothing moves, so it is said."""
    assert holding.review(Ruling.WAIVE).words == (
        f"lesson 1, #{ADA} Ада М.: 10 coins stay as they are",
        f"lesson 2, #{GLEB} Глеб С.: stays unpaid",
    )
    assert holding.review(Ruling.POST).words == ()


def test_a_visit_cannot_be_forgiven(holding: Desk) -> None:
    """There is nothing to give back."""
    refused(UsageError, holding.review, Ruling.FORGIVE)


def test_a_forgiven_reversal_is_seen_twice_and_costs_nothing(holding: Desk) -> None:
    """The reversal and the gift stand in the history."""
    with reading(holding.url) as reader:
        holds = [hold for hold in reader.all(Hold) if hold.kind is HoldKind.REVERSAL]
        proposal = review.review(
            Clerk(reader, settings(), holding.author()), holds, Ruling.FORGIVE, note="was ill"
        )
    assert sorted((move.kind, move.coins) for move in proposal.moves) == [
        ("gift", 10),
        ("reversal", -10),
    ]
    assert {move.why for move in proposal.moves} == {
        "absent in the CRM: was ill",
        "forgiven: the coins were spent already: was ill",
    }
    holding.do(proposal)
    assert holding.balances() == {}


def test_a_word_without_its_lesson_is_refused(holding: Desk) -> None:
    """A hold of a lesson that is not recorded says nothing that could be decided."""
    stray = Hold(
        lesson_key(ACCOUNT, 9, MIRA), HoldKind.GUEST, 1, 9, MIRA, DAY, 10, "membership_unknown"
    )
    holding.put(Put(stray))
    assert "lesson 9 is not recorded" in refused(CoinPolicy, holding.review, Ruling.WAIVE).message


def test_a_word_that_came_second_is_stale(holding: Desk) -> None:
    """Two persons decided differently; the first word counts."""
    one, other = holding.review(Ruling.WAIVE), holding.review(Ruling.POST)
    holding.do(one)
    with pytest.raises(StalePlan):
        holding.do(other)


def test_rules_that_give_what_is_posted_leave_a_word_without_moves(holding: Desk) -> None:
    """The mark was put right and read meanwhile in another window.

    What is left is said in words.
    """
    holding.put(Put(present(), present(mark=Mark.ABSENT)))
    with reading(holding.url) as reader:
        holds = [hold for hold in reader.all(Hold) if hold.lesson == 1]
        proposal = review.review(
            Clerk(reader, settings(), holding.author()), holds, Ruling.POST, note=""
        )
    assert (proposal.moves, proposal.words) == (
        (),
        (f"lesson 1, #{ADA} Ада М.: 10 coins stay as they are",),
    )
    holding.do(proposal)
    with reading(holding.url) as reader:
        assert KEY not in reader.holds([1])
