"""The same coins for many at once: one plan, one key, each child once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from coinsync.core.facts import Presence
from coinsync.core.ledger import Kind
from coinsync.core.plan import Put
from coinsync.desk import coins as by_hand
from coinsync.desk.gather import Clerk
from coinsync.errors import AboveLimit, LikelyDuplicate, NotFound, PostedOtherwise, StalePlan
from tests.support import engines
from tests.support.desk import ACTOR, LEV, MIRA, TODAY, Desk, refused, settings
from tests.support.makers import ADA, DAY, GLEB, a_resident, reading

ENGINES = engines.BOTH

ALL = (ADA, GLEB, MIRA)


def test_everybody_gets_the_same_in_one_plan(at: Desk) -> None:
    """Each an entry of their own; all are shown, and written in one run."""
    proposal = at.give_all(ALL, 5, "abc")
    assert [(move.resident, move.before, move.after) for move in proposal.moves] == [
        (ADA, 0, 5),
        (GLEB, 0, 5),
        (MIRA, 0, 5),
    ]
    (receipt,) = at.do(proposal)
    assert (receipt.n_first, receipt.n_last, receipt.coins) == (1, 3, 15)
    assert (proposal.key, at.balances()) == ("desk:abc", {ADA: 5, GLEB: 5, MIRA: 5})
    for entry in at.entries():
        assert entry.key == f"desk:abc:{entry.resident}"
        assert (entry.kind, entry.actor, entry.note) == (Kind.CREDIT, ACTOR, "won")


def test_it_is_the_day_at_the_branch_of_each(at: Desk) -> None:
    """In Omsk it is tomorrow already."""
    late = at.later(hours=18)
    late.do(late.give_all(ALL, 5))
    days = {entry.resident: entry.happened_on for entry in at.entries()}
    assert (days[ADA], days[MIRA]) == (TODAY, date(2026, 11, 23))


def test_the_same_key_again_adds_nothing(at: Desk) -> None:
    """As for one: whoever lost the answer repeats the command, on another day as well."""
    at.do(at.give_all(ALL, 5))
    for later in (at, at.later(days=30)):
        proposal = later.give_all(reversed(ALL), 5)  # type: ignore[arg-type]
        assert (bool(proposal.plan), proposal.done) == (False, (1, 2, 3))
        assert proposal.words == ("already posted: entries 1–3",)


def test_one_that_was_taken_back_since_is_posted_all_the_same(at: Desk) -> None:
    """A repeat does not give it again."""
    at.do(at.give_all(ALL, 5))
    at.do(at.reverse(2))
    assert at.give_all(ALL, 5).done == (1, 2, 3)


def test_the_same_key_for_others_is_refused(at: Desk) -> None:
    """Others, more or fewer of them, or somebody alone: nothing is added or overwritten."""
    at.do(at.give_all(ALL[:2], 5))
    for residents in (ALL, ALL[1:], ALL[:1]):
        refused(PostedOtherwise, at.give_all, residents, 5)
    refused(PostedOtherwise, at.give_all, ALL[:2], 6)
    refused(PostedOtherwise, at.give_all, ALL[:2], 5, note="lost")
    refused(PostedOtherwise, at.give_all, ALL[:2], 5, day=DAY)
    refused(PostedOtherwise, at.give, ADA, 5)
    at.given(LEV, 5, "k2")
    refused(PostedOtherwise, at.give_all, (LEV, ADA), 5, "k2")


def test_two_clerks_with_one_key_post_it_once(at: Desk) -> None:
    """The second finds the keys taken."""
    first, second = at.give_all(ALL, 5), at.give_all(ALL, 5)
    at.do(first)
    with pytest.raises(StalePlan):
        at.do(second)
    assert at.balances() == {ADA: 5, GLEB: 5, MIRA: 5}


def test_what_one_of_them_just_got_is_a_likely_duplicate(at: Desk) -> None:
    """Alone or together, under whatever key; nobody gets anything then."""
    at.given(GLEB, 5, "alone")
    refused(LikelyDuplicate, at.give_all, ALL, 5)
    at.do(at.give_all(ALL, 5, allow_duplicate=True))
    refused(LikelyDuplicate, at.give_all, ALL, 5, "k2")
    assert at.later(minutes=11).give_all(ALL, 5, "k2").plan


@pytest.mark.parametrize("presence", [Presence.GONE, Presence.ERASED])
def test_who_is_gone_or_erased_is_left_out_and_named(at: Desk, presence: Presence) -> None:
    """The others get theirs; where nobody is left, that is an error."""
    at.put(Put(a_resident(GLEB, "", presence=presence), at.card(GLEB)))
    proposal = at.give_all(ALL, 5)
    assert [move.resident for move in proposal.moves] == [ADA, MIRA]
    assert proposal.words == (f"left out: #{GLEB} ({presence})",)
    refused(NotFound, at.give_all, [GLEB], 5)


def test_limits_are_of_each_and_of_all(at: Desk) -> None:
    """One child gets no more than by one operation, all together no more than in one run."""
    refused(AboveLimit, at.give_all, ALL, 101)
    limited = replace(settings(), limits=replace(settings().limits, coins_per_run_max=14))
    with reading(at.url) as reader:
        clerk = Clerk(reader, limited, at.author())
        many = [reader.resident(id) for id in ALL]
        error = refused(AboveLimit, by_hand.give_all, clerk, many, 5, note="won")
        assert by_hand.give_all(clerk, many[:2], 5, note="won").plan  # type: ignore[arg-type]
    assert error.message == "15 coins is above the limit of 14 for one run; nothing written"
