"""Coins by hand on a real database: what a plan says is what is then in the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from coinsync.core.facts import (
    Decision,
    Hold,
    Mark,
)
from coinsync.core.ledger import Entry, Kind, gift_key
from coinsync.core.plan import Post, Purpose
from coinsync.core.planning.review import Ruling
from coinsync.core.school import Way
from coinsync.errors import (
    AboveLimit,
    AlreadyReversed,
    LikelyDuplicate,
    NotEnoughCoins,
    NotFound,
    NotReversible,
    PostedOtherwise,
    StalePlan,
    UsageError,
)
from tests.support import engines
from tests.support.desk import (
    ACTOR,
    KEY,
    LEV,
    MIRA,
    OMSK,
    TODAY,
    Desk,
    owing,
    refused,
    settings,
)
from tests.support.makers import (
    ACCOUNT,
    ADA,
    DAY,
    GLEB,
    a_credit,
    a_lesson,
    a_record,
    present,
    reading,
)

ENGINES = engines.BOTH


def test_the_school_of_these_tests_has_ways_limits_and_zones() -> None:
    """What is asserted below hangs on these."""
    assert settings().account == ACCOUNT
    assert settings().limits.coins_per_operation_max == 100
    assert {way.code: way.coins for way in settings().ways} == {"olympiad": 50, "project": 30}


# --- credit and debit -------------------------------------------------------------------------


def test_a_credit_is_shown_and_then_written(at: Desk) -> None:
    """The move says what will be.

    The entry is what was shown, under the key that was made before.
    """
    proposal = at.give(ADA, 30, "abc", note="helped Gleb")
    (move,) = proposal.moves
    assert (move.resident, move.name, move.before, move.coins, move.after) == (
        ADA,
        "Ада М.",
        0,
        30,
        30,
    )
    assert (move.kind, move.why, move.day, proposal.key) == (
        "credit",
        "helped Gleb",
        TODAY,
        "desk:abc",
    )
    assert (proposal.plan.purpose, proposal.done) == (Purpose.DESK, ())
    at.do(proposal)
    (entry,) = at.entries()
    assert entry == Entry(
        "desk:abc",
        1,
        ADA,
        30,
        Kind.CREDIT,
        TODAY,
        "by_hand",
        ACTOR,
        note="helped Gleb",
        lesson=None,
        reverses=None,
    )
    assert at.balances() == {ADA: 30}


def test_a_debit_takes_what_there_is_and_no_more(at: Desk) -> None:
    """The last coin may go; one more is refused with the numbers."""
    at.given(ADA, 30)
    proposal = at.give(ADA, -30, "k2", note="a cap")
    assert [(move.kind, move.before, move.after) for move in proposal.moves] == [("debit", 30, 0)]
    error = refused(NotEnoughCoins, at.give, ADA, -31, "k2")
    assert error.message == f"#{ADA} Ада М. has 30 coins, 31 needed; nothing written"
    assert error.exit_code == 7
    at.do(proposal)
    assert at.balances() == {}


def test_a_debit_that_somebody_else_made_impossible_is_refused_by_the_writer(at: Desk) -> None:
    """Two clerks look at the same coins; the second to write is told."""
    at.given(ADA, 30)
    one, other = at.give(ADA, -20, "k2"), at.give(ADA, -20, "k3", note="a pen")
    at.do(one)
    with pytest.raises(NotEnoughCoins):
        at.do(other)
    assert at.balances() == {ADA: 10}


def test_a_credit_is_possible_for_who_owes(at: Desk) -> None:
    """After a reviewed reversal every coin helps, and none can be taken."""
    owing(at)
    at.given(ADA, 3, "k9")
    assert at.balances() == {ADA: -5}
    refused(NotEnoughCoins, at.give, ADA, -1, "k10")


def test_a_way_to_earn_is_named_by_its_code(at: Desk) -> None:
    """The entry keeps the code, a person reads the title, and what was typed beside it."""
    way = settings().ways[0]
    proposal = at.given(ADA, way.coins, note="city round", way=way)
    (entry,) = at.entries()
    assert (entry.reason, entry.rule, entry.note) == ("way", "olympiad", "city round")
    assert proposal.moves[0].why == "Победа в олимпиаде: city round"


@pytest.mark.parametrize(
    ("coins", "passes"), [(100, True), (101, False), (-100, True), (-101, False), (10**11, False)]
)
def test_one_operation_moves_no_more_than_the_limit(at: Desk, coins: int, passes: bool) -> None:
    """Up or down, whatever the balance."""
    at.put(Post(a_credit("start", coins=1000)))
    if passes:
        at.given(ADA, coins)
    else:
        error = refused(AboveLimit, at.give, ADA, coins)
        assert (
            error.message
            == f"{abs(coins)} coins is above the limit of 100 for one operation; nothing written"
        )


# --- the key ----------------------------------------------------------------------------------


def test_the_same_key_again_is_done_already(at: Desk) -> None:
    """Whatever the time, and although the coins are gone by now.

    Nothing to write, and it says so.
    """
    at.given(ADA, 30)
    at.given(ADA, -30, "k2", note="a cap")
    for later in (at, at.later(days=400)):
        for proposal in (later.give(ADA, 30), later.give(ADA, -30, "k2", note="a cap")):
            assert (bool(proposal.plan), len(proposal.done), proposal.moves) == (False, 1, ())
            assert proposal.words == (f"already posted: entry {proposal.done[0]}",)
    assert len(at.entries()) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"resident": GLEB},
        {"coins": 31},
        {"coins": -30},
        {"note": "lost"},
        {"day": DAY},
        {"way": Way("olympiad", "О", "O", 30, "", "")},
    ],
)
def test_the_same_key_with_other_content_is_refused(at: Desk, other: dict[str, Any]) -> None:
    """With what is posted under it; nothing is overwritten and nothing added."""
    at.given(ADA, 30)
    asked = {"resident": ADA, "coins": 30, "key": "k1", **other}
    error = refused(PostedOtherwise, at.give, **asked)
    assert error.message == (
        f"key desk:k1 is already posted with other content: entry 1, +30 for #{ADA} on "
        "2026-11-22; nothing written"
    )


def test_the_same_key_with_its_own_day_is_done_already(at: Desk) -> None:
    """A day that was said, or said to be today's, is the same day."""
    at.given(ADA, 30, day=DAY)
    assert at.give(ADA, 30, day=DAY).done == (1,)
    assert at.give(ADA, 30).done == (1,)


def test_the_same_key_after_a_merge_is_done_already(at: Desk) -> None:
    """The card went on as another: it is the same child, and the same credit."""
    at.given(ADA, 30)
    at.do(at.merge(ADA, GLEB))
    assert at.give(ADA, 30).done == at.give(GLEB, 30).done == (1,)
    refused(PostedOtherwise, at.give, MIRA, 30)


def test_two_clerks_with_one_key_post_once(at: Desk) -> None:
    """Both planned before either wrote: the second is stale, and looking again it is done."""
    one, other = at.give(ADA, 30), at.give(ADA, 30)
    at.do(one)
    with pytest.raises(StalePlan):
        at.do(other)
    assert at.give(ADA, 30).done == (1,)


# --- likely duplicates ------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 1, 599, 600])
def test_the_same_within_ten_minutes_is_likely_a_slip(at: Desk, seconds: int) -> None:
    """The tenth minute is still within; the entry and its age are named."""
    at.given(ADA, 30)
    error = refused(LikelyDuplicate, at.later(seconds=seconds).give, ADA, 30, "k2")
    assert error.message == f"likely the same as entry 1, {seconds} s ago; nothing written"
    assert "--allow-duplicate" in error.advice


def test_after_ten_minutes_it_is_meant(at: Desk) -> None:
    """A second more than ten minutes."""
    at.given(ADA, 30)
    at.later(seconds=601).given(ADA, 30, "k2")
    assert at.balances() == {ADA: 60}


@pytest.mark.parametrize(
    "other", [{"coins": 31}, {"coins": -30}, {"note": "helped"}, {"resident": GLEB}]
)
def test_something_else_is_no_duplicate(at: Desk, other: dict[str, Any]) -> None:
    """Another amount, another reason, the other way, another child."""
    for card in (ADA, GLEB):
        at.given(card, 40, f"start-{card}", note="start")
    at.given(ADA, 30)
    at.given(**{"resident": ADA, "coins": 30, "key": "k2", **other})


def test_twice_may_be_meant(at: Desk) -> None:
    """Said so, it is posted."""
    at.given(ADA, 30)
    at.given(ADA, 30, "k2", allow_duplicate=True)
    assert at.balances() == {ADA: 60}


def test_what_was_taken_back_is_no_duplicate(at: Desk) -> None:
    """A slip that was mended at once may be done rightly at once."""
    at.given(ADA, 30)
    at.do(at.reverse(1))
    at.given(ADA, 30, "k2")
    assert at.balances() == {ADA: 30}


def test_another_day_does_not_make_a_slip_another_credit(at: Desk) -> None:
    """Same resident, amount and reason count, whatever day it is said to be for."""
    at.given(ADA, 30)
    refused(LikelyDuplicate, at.give, ADA, 30, "k2", day=DAY)


# --- days -------------------------------------------------------------------------------------


def test_a_day_may_be_said_and_must_not_be_to_come(at: Desk) -> None:
    """Today and before; tomorrow is a slip."""
    at.given(ADA, 30, day=DAY)
    at.given(ADA, 20, "k2", day=TODAY)
    assert [entry.happened_on for entry in at.entries()] == [DAY, TODAY]
    error = refused(UsageError, at.give, ADA, 10, "k3", day=date(2026, 11, 23))
    assert error.message == "--date 2026-11-23 is still to come; today is 2026-11-22"
    assert error.exit_code == 2


NIGHT = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("resident", "today"),
    [(ADA, TODAY), (GLEB, TODAY), (MIRA, date(2026, 11, 23)), (LEV, TODAY)],
)
def test_today_is_that_of_the_residents_branch(at: Desk, resident: int, today: date) -> None:
    """At half past eight in the evening in UTC it is tomorrow in Omsk.

    Who is in no branch of ours has the first's.
    """
    late = replace(at, now=NIGHT)
    (move,) = late.give(resident, 10).moves
    assert move.day == today
    assert late.give(resident, 10, day=today).plan.scope.until == today
    refused(UsageError, late.give, resident, 10, day=today + timedelta(1))


# --- taking back ------------------------------------------------------------------------------


@pytest.mark.parametrize("coins", [30, -5])
def test_what_a_clerk_did_is_taken_back_today(at: Desk, coins: int) -> None:
    """The entry that takes back mirrors and names the one that is taken back; both stay."""
    at.given(ADA, 10, "start", note="start", day=DAY)
    at.given(ADA, coins, note="won", day=DAY)
    proposal = at.reverse(2, note="the wrong child")
    assert [(move.coins, move.kind, move.day) for move in proposal.moves] == [
        (-coins, "reversal", TODAY)
    ]
    at.do(proposal)
    original, back = at.entries()[1:]
    assert back == replace(
        original,
        seq=2,
        coins=-coins,
        kind=Kind.REVERSAL,
        happened_on=TODAY,
        reason="taken_back",
        note="the wrong child",
        reverses=2,
    )
    assert at.balances() == {ADA: 10}


def test_an_opening_balance_is_taken_back_too(at: Desk) -> None:
    """It is a clerk's work as any other."""
    at.do(at.import_text(f"resident;coins;kind\n#{ADA};40;opening\n"))
    at.do(at.reverse(1))
    assert at.balances() == {}


def test_an_entry_is_taken_back_once(at: Desk) -> None:
    """The second time names the first."""
    at.given(ADA, 30)
    at.do(at.reverse(1))
    error = refused(AlreadyReversed, at.reverse, 1)
    assert error.message == "entry 1 is already reversed by 2; nothing written"


def test_two_clerks_take_back_once(at: Desk) -> None:
    """Planned at once, written one after the other: the second is stale."""
    at.given(ADA, 30)
    one, other = at.reverse(1), at.reverse(1)
    at.do(one)
    with pytest.raises(StalePlan):
        at.do(other)


def test_a_reversal_is_not_taken_back(at: Desk) -> None:
    """A new credit is plainer than a chain of reversals."""
    at.given(ADA, 30)
    at.do(at.reverse(1))
    assert "is a reversal itself" in refused(NotReversible, at.reverse, 2).message


@pytest.mark.parametrize(
    ("kind", "says"), [(Kind.SALE, "coinsync refund"), (Kind.REFUND, "sell again")]
)
def test_what_the_shop_did_is_not_taken_back_by_hand(at: Desk, kind: Kind, says: str) -> None:
    """Goods would stay where they are."""
    at.put(Post(a_credit("start", coins=50)))
    at.put(Post(replace(a_credit("shop", coins=-5 if kind is Kind.SALE else 5), kind=kind)))
    assert says in refused(NotReversible, at.reverse, 2).message


def test_an_unknown_entry_is_not_found(at: Desk) -> None:
    """With where the numbers are shown."""
    assert refused(NotFound, at.reverse, 7).exit_code == 6


def test_a_credit_whose_coins_are_spent_is_not_taken_back(at: Desk) -> None:
    """No staff operation crosses zero."""
    at.given(ADA, 30)
    at.given(ADA, -1, "k2", note="a cap")
    error = refused(NotEnoughCoins, at.reverse, 1)
    assert error.message == f"#{ADA} Ада М. has 29 coins, 30 needed; nothing written"


def test_an_award_taken_back_by_hand_is_not_paid_again(paid: Desk) -> None:
    """On the lesson's day, with a decision.

    No night pays it again, whatever is marked meanwhile.
    """
    proposal = paid.reverse(1, note="was not there")
    paid.do(proposal)
    back = paid.entries()[1]
    assert (back.happened_on, back.lesson, back.reverses, back.actor) == (DAY, 1, 1, ACTOR)
    with reading(paid.url) as reader:
        ruling = Decision(KEY, 1, ADA, 2, 0, "paid", ACTOR, TODAY, "was not there")
        assert reader.decisions([1]) == {KEY: ruling}
    assert not paid.tonight(a_record())
    paid.night(a_record(None, present(mark=Mark.ABSENT)))
    paid.night(a_record())
    assert paid.balances() == {}
    assert "already reversed" in refused(AlreadyReversed, paid.reverse, 1).message


def test_an_award_that_is_held_is_taken_back_with_its_hold(paid: Desk) -> None:
    """Who takes the coins back has decided what was waiting."""
    paid.given(ADA, -10, note="a cap")
    paid.night(a_record(None, present(mark=Mark.ABSENT)))
    paid.given(ADA, 15, "k2", note="won")
    paid.do(paid.reverse(1))
    with reading(paid.url) as reader:
        assert reader.all(Hold) == []
    assert not paid.tonight(a_record(None, present(mark=Mark.ABSENT)))
    assert paid.balances() == {ADA: 5}


def test_a_decision_is_dated_at_the_branch(at: Desk) -> None:
    """Late in the evening in UTC it is the next day in Omsk."""
    at.night(a_record(a_lesson(branch=OMSK), present(MIRA)))
    late = replace(at, now=NIGHT)
    late.do(late.reverse(1))
    with reading(at.url) as reader:
        (ruling,) = reader.decisions([1]).values()
    assert ruling.decided_on == date(2026, 11, 23)


def test_a_gift_is_taken_back(paid: Desk) -> None:
    """Forgiven by mistake: the gift goes as any other line does."""
    paid.given(ADA, -10, note="a cap")
    paid.night(a_record(None, present(mark=Mark.ABSENT)))
    paid.do(paid.review(Ruling.FORGIVE))
    refused(NotEnoughCoins, paid.reverse, 4)
    paid.given(ADA, 10, "k2", note="won")
    paid.do(paid.reverse(4))
    back = paid.entries()[-1]
    assert (back.key, back.seq, back.reverses, back.coins) == (gift_key(1), 2, 4, -10)
    assert not paid.tonight(a_record(None, present(mark=Mark.ABSENT)))


def test_an_entry_of_a_merged_card_is_taken_back_from_the_child(paid: Desk) -> None:
    """The balance that counts is that of all cards; the entry stays under its own."""
    paid.do(paid.merge(ADA, GLEB))
    paid.given(GLEB, 5)
    paid.given(GLEB, -6, "k2", note="a cap")
    error = refused(NotEnoughCoins, paid.reverse, 1)
    assert error.message == f"#{GLEB} Глеб С. has 9 coins, 10 needed; nothing written"
    paid.given(GLEB, 1, "k3", note="one more")
    proposal = paid.reverse(1)
    assert [(move.resident, move.name, move.before, move.after) for move in proposal.moves] == [
        (GLEB, "Глеб С.", 10, 0)
    ]
    paid.do(proposal)
    assert paid.entries()[-1].resident == ADA
    assert not paid.tonight(a_record())
