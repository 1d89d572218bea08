"""The one write: whole or not at all, once, and into a ledger that only grows."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import peewee
import pytest
from peewee import SqliteDatabase

from coinsync.core.facts import (
    Decision,
    Fact,
    Hold,
    HoldKind,
    Link,
    LinkSource,
    Mark,
    Membership,
    Merge,
    PageKind,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.ledger import (
    KeyState,
    Kind,
    Receipt,
    note_digest,
    utc_text,
)
from coinsync.core.plan import Change, Drop, Evidence, Limits, Plan, Post, Purpose, Put
from coinsync.environment import Environment
from coinsync.errors import (
    ClockWrong,
    CoinsyncError,
    DatabaseUnavailable,
    DatabaseUnusable,
    NotEnoughCoins,
    OutcomeUnknown,
    StalePlan,
    UnsafePlan,
)
from coinsync.store import database as opening
from coinsync.store import writer
from coinsync.store.engines.base import TRIES_MAX
from coinsync.store.inserts import ROWS_PER_STATEMENT
from tests.support import chain, engines
from tests.support.makers import (
    ADA,
    BRANCH,
    DAY,
    GLEB,
    GROUP,
    MONTH,
    MORNING,
    a_credit,
    a_lesson,
    a_plan,
    a_resident,
    a_reversal,
    an_award,
    dump,
    entries_of,
    environment,
    new_database,
    newcomers,
    order,
    present,
    put_in,
    reading,
    writing,
)

ENGINES = engines.BOTH


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database in which Ada and Gleb are known."""
    url = new_database(tmp_path)
    put_in(url, newcomers())
    return url


def apply(url: str, plan: Plan, around: Environment | None = None, **more: Any) -> Receipt:
    """Apply one plan on a connection of its own."""
    with writing(url) as database:
        return writer.apply(database, plan, order(**more), around or environment())


def refused(url: str, plan: Plan, kind: type[CoinsyncError], **more: Any) -> CoinsyncError:
    """Apply a plan that must be refused; nothing may have changed, the run number included."""
    before = dump(url)
    with pytest.raises(kind) as caught:
        apply(url, plan, **more)
    assert dump(url) == before
    return caught.value


def a_night(*, note: str = "") -> Plan:
    """A plan of every sort of change upon a database where lesson 1 is known and paid."""
    award = an_award()
    return Plan.of(
        Purpose.DESK,
        MONTH,
        [
            Put(a_lesson(starts="18:00"), a_lesson()),
            Put(present(mark=Mark.ABSENT), present()),
            Put(a_lesson(2)),
            Put(present(GLEB, lesson=2)),
            Put(Membership(ADA, GROUP, DAY)),
            Put(Hold("desk:h", HoldKind.GUEST, BRANCH, 2, ADA, DAY, 10, "membership_unknown")),
            Drop(Link(55, ADA, LinkSource.CRM)),
            Post(a_reversal(award, n=1)),
            Post(an_award(2, GLEB)),
            Post(a_credit("1", GLEB, 5, note=note)),
        ],
        basis=[KeyState(award.key, 1, 10, 1), KeyState(an_award(2, GLEB).key)],
    )


def before_the_night(url: str) -> None:
    """Lesson 1 with its award, and a link."""
    put_in(
        url,
        a_plan(
            Put(a_lesson()), Put(present()), Put(Link(55, ADA, LinkSource.CRM)), Post(an_award())
        ),
    )


# --- what is written ------------------------------------------------------------------------------


def test_a_plan_is_written_with_all_its_parts(url: str) -> None:
    """Facts are recorded, replaced and dropped, entries are posted, and the receipt says so."""
    before_the_night(url)
    plan = a_night(note="well done")
    receipt = apply(url, plan)
    with reading(url) as reader:
        seal = str(reader.seal())
    assert receipt == Receipt(3, "run-1", 2, 4, 5, 7, "2026-11-22T02:00:07Z", seal)
    with reading(url) as reader:
        lesson_records = reader.lesson_records_by_id([1, 2])
        assert lesson_records[1].lesson.starts == "18:00"
        assert lesson_records[1].attendance == (present(mark=Mark.ABSENT),)
        assert lesson_records[2].attendance == (present(GLEB, lesson=2),)
        assert reader.links() == []
        assert list(reader.holds([2])) == ["desk:h"]
        assert [posted.entry for posted in entries_of(reader)[1:]] == [
            replace(entry, note="") for entry in plan.entries
        ]
        assert [posted.n for posted in entries_of(reader)] == [1, 2, 3, 4]
        assert (reader.balance(ADA), reader.balance(GLEB)) == (0, 15)


def test_the_run_row_has_the_totals(url: str) -> None:
    """Who, when, what, how much, and how far the ledger has come."""
    before_the_night(url)
    plan = a_night()
    apply(url, plan)
    with reading(url) as reader:
        (run,) = reader.runs(1)
        assert (run.id, run.uuid, run.purpose, run.branch) == (3, "run-1", "desk", BRANCH)
        assert (run.since, run.until) == ("2026-11-01", "2026-11-30")
        assert (run.actor, run.digest, run.requests) == ("sync", plan.digest, 3)
        assert (run.started_at, run.posted_at) == ("2026-11-22T02:00:07Z",) * 2
        assert (run.entries, run.coins, run.facts, run.n_last) == (3, 5, 7, 4)
        assert reader.head() == replace(reader.head(), n=4, runs=3)


def test_an_empty_plan_is_recorded_as_a_run(url: str) -> None:
    """That all was right at that hour is worth a row."""
    receipt = apply(url, a_plan())
    assert receipt.n_first > receipt.n_last
    assert (receipt.coins, receipt.facts) == (0, 0)
    with reading(url) as reader:
        assert reader.runs(1)[0].entries == 0


def test_a_plan_has_a_transaction_of_its_own(url: str) -> None:
    """Within somebody else's it could not be tried again as a whole."""
    before = dump(url)
    with (
        writing(url) as database,
        database.atomic(),
        pytest.raises(RuntimeError, match="transaction of its own"),
    ):
        writer.apply(database, a_plan(Post(a_credit("1"))), order(), environment())
    assert dump(url) == before


def test_many_entries_are_written_in_batches(url: str) -> None:
    """A large plan is one transaction; every entry has its number and place in the chain."""
    number = 2 * ROWS_PER_STATEMENT + 1
    steps: list[str] = []
    plan = a_plan(*(Post(a_credit(f"{n:05d}", coins=1)) for n in range(number)))
    apply(url, plan, environment(probe=steps.append))
    assert steps.count("entries") == 3
    with reading(url) as reader:
        assert [posted.n for posted in entries_of(reader)] == list(range(1, number + 1))
    check_chain(url)


def test_the_database_belongs_to_the_account_that_wrote_first(url: str) -> None:
    """Numbers of two CRM accounts would be taken for one another."""
    with reading(url) as reader:
        assert reader.head().account == "little-school"
    error = refused(url, a_plan(Post(a_credit("1"))), DatabaseUnusable, account="other-school")
    assert "'little-school'" in error.message
    assert "'other-school'" in error.message
    assert error.exit_code == 2


def test_a_time_is_written_in_utc() -> None:
    """One form everywhere."""
    assert utc_text(MORNING) == "2026-11-22T02:00:07Z"


# --- stale ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "basis",
    [
        KeyState(an_award().key),
        KeyState(an_award().key, 1, 11, 1),
        KeyState(an_award().key, 1, 10, 2),
    ],
)
def test_a_plan_whose_keys_moved_is_refused(url: str, basis: KeyState) -> None:
    """Another number, sum or award under a key than the plan was made from is stale."""
    before_the_night(url)
    plan = a_plan(Post(a_reversal(an_award(), n=1)), basis=(basis,))
    error = refused(url, plan, StalePlan)
    assert error.message == f"plan is stale: 1 of its keys moved, first {an_award().key}"
    assert error.exit_code == 5


def test_a_plan_applied_twice_is_stale_the_second_time(url: str) -> None:
    """What a plan posts cannot be posted again."""
    before_the_night(url)
    apply(url, a_night())
    refused(url, a_night(), StalePlan)


def test_an_unrelated_credit_does_not_make_a_plan_stale(url: str) -> None:
    """Only the keys that a plan changes are its basis."""
    before_the_night(url)
    put_in(url, a_plan(Post(a_credit("unrelated", GLEB))))
    assert apply(url, a_night()).coins == 5


@pytest.mark.parametrize(
    "change",
    [
        Put(a_lesson(starts="18:00"), a_lesson(starts="16:00")),
        Put(a_lesson(starts="18:00")),
        Put(a_lesson(2), a_lesson(2, starts="16:00")),
        Drop(Link(55, ADA, LinkSource.DESK)),
        Put(Link(55, ADA, LinkSource.DESK)),
        Put(present(mark=Mark.ABSENT), present(mark=Mark.NOT_MARKED)),
    ],
)
def test_a_fact_that_moved_makes_a_plan_stale(url: str, change: Change) -> None:
    """What a plan replaces or drops must be as the plan saw it."""
    before_the_night(url)
    error = refused(url, a_plan(change, Post(a_credit("1"))), StalePlan)
    assert error.message.startswith("plan is stale: ")
    assert error.message.endswith(" moved")


@pytest.mark.parametrize("old", [None, a_lesson(starts="16:00")])
def test_a_fact_that_is_already_as_wanted_is_no_error(url: str, old: Any) -> None:
    """Somebody else recorded the same meanwhile: nothing is left to do for that fact."""
    before_the_night(url)
    assert apply(url, a_plan(Put(a_lesson(), old), Post(a_credit("1")))).facts == 0


def test_a_fact_that_is_already_gone_is_no_error(url: str) -> None:
    """Dropping what is not there is done already."""
    assert apply(url, a_plan(Drop(Link(99, ADA, LinkSource.CRM)))).facts == 0


def test_the_clock_may_not_go_back(url: str) -> None:
    """A time long before the last run's is a clock that is wrong."""
    error = refused(
        url,
        a_plan(Post(a_credit("1"))),
        ClockWrong,
        around=environment(now=MORNING - writer.CLOCK_TOLERANCE - timedelta(seconds=1)),
    )
    assert error.message == "clock is before the last run (2026-11-22T02:00:07Z); nothing written"
    assert error.exit_code == 2
    assert apply(url, a_plan(Post(a_credit("1")))).n_last == 1


@pytest.mark.parametrize("behind", [timedelta(seconds=1), writer.CLOCK_TOLERANCE])
def test_two_clocks_of_one_database_may_differ_a_little(url: str, behind: timedelta) -> None:
    """Then the time of the last run is taken: no entry is older than those before it."""
    plan = a_plan(Post(a_credit("1")))
    receipt = apply(url, plan, around=environment(now=MORNING - behind))
    assert receipt.posted_at == "2026-11-22T02:00:07Z"


# --- floors ---------------------------------------------------------------------------------------


def test_no_balance_falls_below_zero(url: str) -> None:
    """One coin too many is refused with the numbers; the last coin can be spent."""
    put_in(url, a_plan(Post(a_credit("1", coins=30))))
    error = refused(url, a_plan(Post(a_credit("2", coins=-31))), NotEnoughCoins)
    assert error.message == f"#{ADA} has 30 coins, 31 needed; nothing written"
    assert error.exit_code == 7
    apply(url, a_plan(Post(a_credit("2", coins=-30))))
    with reading(url) as reader:
        assert reader.balance(ADA) == 0


def test_a_plan_may_spend_what_it_brings(url: str) -> None:
    """What counts is the balance after the whole plan."""
    apply(url, a_plan(Post(a_credit("1", coins=30)), Post(a_credit("2", coins=-30))))
    refused(
        url, a_plan(Post(a_credit("3", coins=30)), Post(a_credit("4", coins=-31))), NotEnoughCoins
    )


def test_one_resident_does_not_pay_for_another(url: str) -> None:
    """Gleb's coins do not lift Ada's floor."""
    refused(
        url, a_plan(Post(a_credit("1", GLEB, 50)), Post(a_credit("2", ADA, -10))), NotEnoughCoins
    )


def test_two_clerks_at_once_cannot_spend_the_same_coins(url: str) -> None:
    """Two threads take a coin fifty times each where there are sixty.

    Sixty go through and forty are refused.
    """
    put_in(url, a_plan(Post(a_credit("start", coins=60))))
    start = Barrier(2)
    said: dict[str, list[str]] = {"a": [], "b": []}

    def clerk(name: str) -> None:
        with writing(url) as database:
            start.wait()
            for number in range(50):
                plan = a_plan(Post(a_credit(f"{name}{number}", coins=-1)))
                try:
                    writer.apply(database, plan, order(), environment(name=f"{name}-{number}"))
                    said[name].append("done")
                except NotEnoughCoins:
                    said[name].append("refused")

    clerks = [Thread(target=clerk, args=(name,)) for name in said]
    for one in clerks:
        one.start()
    for one in clerks:
        one.join()
    together = said["a"] + said["b"]
    assert (together.count("done"), together.count("refused")) == (60, 40)
    with reading(url) as reader:
        assert reader.balance(ADA) == 0
        assert [posted.n for posted in entries_of(reader)] == list(range(1, 62))
    check_chain(url)


# --- the floor of several cards -------------------------------------------------------------------

MIRA = 103


def a_merge(card: int, into: int, *, before: Merge | None = None) -> Plan:
    """A plan that says that one card goes on as another, or on its own if ``into`` is 0."""
    return a_plan(Put(Merge(card, into, (), (GLEB,)), before))


@pytest.fixture
def family(url: str) -> str:
    """Ada's card goes on as Gleb's.

    One brought thirty coins, the other ten, and Mira has five of her own.
    """
    put_in(url, newcomers(MIRA), a_merge(ADA, GLEB))
    credits = ((ADA, 30), (GLEB, 10), (MIRA, 5))
    put_in(url, a_plan(*(Post(a_credit(f"start-{card}", card, coins)) for card, coins in credits)))
    return url


@pytest.mark.parametrize("card", [ADA, GLEB])
def test_coins_of_merged_cards_are_spent_together(family: str, card: int) -> None:
    """Whichever card the debit names, the coins of both may go, and not one more."""
    error = refused(family, a_plan(Post(a_credit("cap", card, -41))), NotEnoughCoins)
    assert error.message == f"#{GLEB} has 40 coins, 41 needed; nothing written"
    put_in(family, a_plan(Post(a_credit("cap", card, -40))))
    with reading(family) as reader:
        assert (reader.balance(ADA), reader.balance(GLEB), reader.balance(MIRA)) == (0, 0, 5)


def test_debits_of_several_cards_of_one_child_count_together(family: str) -> None:
    """Each alone would pass; together they would not."""
    both = a_plan(Post(a_credit("a", ADA, -25)), Post(a_credit("b", GLEB, -16)))
    refused(family, both, NotEnoughCoins)
    put_in(family, a_plan(Post(a_credit("a", ADA, -25)), Post(a_credit("b", GLEB, -15))))


def test_cards_that_a_plan_merges_may_spend_together_in_it(family: str) -> None:
    """What counts is whose the cards are once the plan is written."""
    spend = Post(a_credit("cap", MIRA, -45))
    refused(family, a_plan(spend), NotEnoughCoins)
    put_in(family, a_plan(spend, Put(Merge(MIRA, GLEB, (), (GLEB,)))))


def test_a_merge_is_undone_while_each_card_has_spent_no_more_than_its_own(family: str) -> None:
    """Coins never move between cards: what was spent under one card is gone from that one."""
    put_in(family, a_plan(Post(a_credit("cap", GLEB, -10))))
    put_in(family, a_merge(ADA, 0, before=Merge(ADA, GLEB, (), (GLEB,))))
    with reading(family) as reader:
        assert (reader.balance(ADA), reader.balance(GLEB)) == (30, 0)


@pytest.mark.parametrize(
    ("spender", "short"), [(GLEB, f"#{GLEB} has -1 coins"), (ADA, f"#{ADA} has -1 coins")]
)
def test_a_merge_is_not_undone_after_one_card_spent_the_others_coins(
    family: str, spender: int, short: str
) -> None:
    """Made before the debit or after it, the plan finds the debit under the lock and is refused."""
    undo = a_merge(ADA, 0, before=Merge(ADA, GLEB, (), (GLEB,)))
    put_in(family, a_plan(Post(a_credit("cap", spender, -11 if spender == GLEB else -31))))
    error = refused(family, undo, NotEnoughCoins)
    assert error.message == f"{short}, on its own; nothing written"


def test_a_card_is_not_merged_elsewhere_after_its_coins_were_spent(family: str) -> None:
    """Going on as a third card leaves the second on its own, which must not owe anything."""
    elsewhere = a_merge(ADA, MIRA, before=Merge(ADA, GLEB, (), (GLEB,)))
    put_in(family, a_plan(Post(a_credit("cap", GLEB, -11))))
    refused(family, elsewhere, NotEnoughCoins)
    put_in(family, a_plan(Post(a_credit("back", GLEB, 1))))
    put_in(family, elsewhere)
    with reading(family) as reader:
        assert (reader.balance(MIRA), reader.balance(GLEB)) == (35, 0)


def test_the_middle_card_of_three_takes_the_first_along(family: str) -> None:
    """Undone in the middle, the coins of both cards that leave count together."""
    second = Merge(GLEB, MIRA, (), (MIRA,))
    put_in(family, a_plan(Put(second)))
    put_in(family, a_plan(Post(a_credit("cap", GLEB, -40))))
    refused(
        family,
        a_plan(Put(Merge(ADA, 0, (), (GLEB,)), Merge(ADA, GLEB, (), (GLEB,)))),
        NotEnoughCoins,
    )
    put_in(family, a_plan(Put(Merge(GLEB, 0, (), (MIRA,)), second)))
    with reading(family) as reader:
        assert (reader.balance(ADA), reader.balance(GLEB), reader.balance(MIRA)) == (0, 0, 5)


# --- what a person reviewed -----------------------------------------------------------------------


@pytest.fixture
def spent(url: str) -> str:
    """Ada has spent eight of the ten coins of lesson 1."""
    before_the_night(url)
    put_in(url, a_plan(Post(a_credit("cap", coins=-8))))
    return url


BACK = Post(a_reversal(an_award(), n=1))


def reviewed(*changes: Change) -> Plan:
    """A plan of what a person decided."""
    return a_plan(*changes, purpose=Purpose.REVIEW)


def test_a_reviewed_reversal_may_take_a_balance_below_zero(spent: str) -> None:
    """A person has looked at it; what is missing is made up by the next coins."""
    put_in(spent, reviewed(BACK))
    with reading(spent) as reader:
        assert reader.balance(ADA) == -8
    put_in(spent, a_plan(Post(a_credit("more", coins=3))))
    refused(spent, a_plan(Post(a_credit("less", coins=-1))), NotEnoughCoins)
    put_in(spent, a_plan(Post(a_credit("all", coins=9)), Post(a_credit("some", coins=-4))))
    with reading(spent) as reader:
        assert reader.balance(ADA) == 0


@pytest.mark.parametrize("purpose", [Purpose.DESK, Purpose.LESSONS])
def test_no_other_plan_may_go_below_zero(spent: str, purpose: Purpose) -> None:
    """Neither a clerk's reversal nor the nightly one."""
    plan = a_plan(BACK, purpose=purpose)
    assert (
        refused(spent, plan, NotEnoughCoins).message
        == f"#{ADA} has 2 coins, 10 needed; nothing written"
    )


def test_a_reviewed_plan_holds_no_debit_that_could_go_below_zero(spent: str) -> None:
    """Neither alone nor beside the reversal, be it the same resident's or another's."""
    refused(spent, reviewed(Post(a_credit("less", coins=-3))), UnsafePlan)
    refused(spent, reviewed(BACK, Post(a_credit("less", GLEB, -1))), UnsafePlan)


# --- what a sync may not make ---------------------------------------------------------------------


def test_a_sync_writes_no_plan_of_staff(url: str) -> None:
    """Its order says that no person made the plan, whatever the plan is called."""
    for purpose in set(Purpose) - {Purpose.PEOPLE, Purpose.LESSONS}:
        plan = a_plan(purpose=purpose)
        with writing(url) as database, pytest.raises(UnsafePlan, match="a sync makes no plan"):
            writer.apply(database, plan, replace(order(), by_sync=True), environment())


def test_a_plan_of_a_sync_holds_only_what_a_sync_may_make(url: str) -> None:
    """No accepted digest lets the rest pass: it is refused before anything is begun."""
    merge = a_plan(Put(Merge(ADA, GLEB, (), (GLEB,))), purpose=Purpose.PEOPLE)
    error = refused(url, merge, UnsafePlan, accepted=(merge.digest,))
    assert error.message == "refused: a plan of people may not hold a merge; nothing written"


# --- cards that were erased or merged meanwhile ---------------------------------------------------

FORGOTTEN = Resident(ADA, "", Presence.ERASED, ())
ERASED = a_plan(Put(FORGOTTEN, a_resident(ADA)))
PAGE = VkPage(ADA, "ada.m", PageKind.PERSON, 7, DAY)


@pytest.mark.parametrize(
    "change",
    [
        Put(Link(7, ADA, LinkSource.CRM)),
        Put(PAGE),
        Put(Merge(ADA, GLEB)),
        Put(Merge(GLEB, ADA)),
        Put(Decision("key:1", 1, ADA, 1, 10, "absent", "clerk", DAY, "a note about Ada")),
        Post(a_credit("1", note="a note about Ada")),
    ],
)
def test_an_erased_card_gets_nothing_back(url: str, change: Change) -> None:
    """A plan from before the erasure is stale: no viewer, screen name, other card, or note."""
    put_in(url, ERASED)
    error = refused(url, a_plan(change), StalePlan)
    assert error.message == f"plan is stale: #{ADA} was erased meanwhile"


@pytest.mark.parametrize(
    "change", [Put(Link(7, ADA, LinkSource.CRM)), Put(PAGE), Put(Merge(MIRA, ADA))]
)
def test_a_merged_card_gets_nothing_more(family: str, change: Change) -> None:
    """Viewers and cards belong to the one on which it goes on.

    Two merges that would make a circle are one too many.
    """
    error = refused(family, a_plan(change), StalePlan)
    assert error.message == f"plan is stale: #{ADA} was merged meanwhile"
    assert (
        refused(family, a_merge(GLEB, ADA), StalePlan).message
        == f"plan is stale: #{ADA} was merged meanwhile"
    )


def test_a_merged_card_may_still_lose_a_viewer(family: str) -> None:
    """Revoking, and recording that a link is revoked, is always possible."""
    assert apply(family, a_plan(Put(Link(7, ADA, LinkSource.CRM, live=False)))).facts == 1


@pytest.mark.parametrize(
    "news",
    [
        a_plan(Put(Link(7, ADA, LinkSource.CRM))),
        a_plan(Put(PAGE)),
        a_plan(Post(a_credit("1", note="for Ada"))),
        a_plan(Put(Decision("key:1", 1, ADA, 1, 10, "absent", "clerk", DAY, "a note about Ada"))),
        a_plan(Put(Merge(GLEB, ADA))),
    ],
)
def test_an_erasure_that_would_leave_something_is_stale(url: str, news: Plan) -> None:
    """What came between looking and forgetting must be forgotten too, so the plan is made anew."""
    put_in(url, news)
    assert "more is known by now" in refused(url, ERASED, StalePlan).message


def test_an_erasure_drops_notes_and_the_chain_still_holds(url: str) -> None:
    """The texts go, the entries and their hashes stay, and the ledger goes on after them."""
    put_in(url, a_plan(*(Post(a_credit(str(n), coins=n, note=f"for Ada {n}")) for n in (1, 2))))
    with reading(url) as reader:
        notes, before = reader.notes_of([ADA]), list(reader.ledger())
    (receipt,) = put_in(url, a_plan(Put(FORGOTTEN, a_resident(ADA)), *map(Drop, notes)))
    assert receipt.facts == 3
    assert "for Ada" not in dump(url)
    with reading(url) as reader:
        assert list(reader.ledger()) == before
        assert reader.balance(ADA) == 3
    put_in(url, a_plan(Post(a_credit("3", GLEB))))
    check_chain(url)


def test_a_note_that_is_gone_already_is_no_error(url: str) -> None:
    """Dropping it twice is dropping it once; a note of another text is not dropped."""
    put_in(url, a_plan(Post(a_credit("1", note="for Ada"))))
    with reading(url) as reader:
        (note,) = reader.notes_of([ADA])
    refused(url, a_plan(Drop(replace(note, text="for Gleb"))), StalePlan)
    assert [put_in(url, a_plan(Drop(note)))[0].facts for _ in range(2)] == [1, 0]


# --- guards ---------------------------------------------------------------------------------------

UNSAFE = Plan.of(Purpose.LESSONS, MONTH, [Put(a_lesson(2))], evidence=Evidence(12, 0))


def test_an_unsafe_plan_is_refused_by_name(url: str) -> None:
    """The refusal says what the guard saw."""
    error = refused(url, UNSAFE, UnsafePlan)
    assert error.message == "refused: no lessons where 12 were known; nothing written"
    assert error.exit_code == 5


@pytest.mark.parametrize("given", ["", UNSAFE.digest[:7], a_plan().digest, "all"])
def test_only_the_digest_of_this_plan_accepts_it(url: str, given: str) -> None:
    """Another plan's digest, or too few digits, accept nothing."""
    refused(url, UNSAFE, UnsafePlan, accepted=(given,))


@pytest.mark.parametrize("given", [UNSAFE.digest, UNSAFE.digest[:8], UNSAFE.digest[:12].upper()])
def test_an_unsafe_plan_is_applied_when_a_person_accepts_it(url: str, given: str) -> None:
    """Eight digits or more of its digest are a person's word for exactly this plan."""
    assert apply(url, UNSAFE, accepted=("0" * 8, given)).facts == 1


def test_the_limits_are_those_of_the_order(url: str) -> None:
    """What a branch allows is said with the order."""
    plan = Plan.of(Purpose.LESSONS, MONTH, [Post(an_award())])
    refused(url, plan, UnsafePlan, limits=Limits(coins_per_run_max=9))
    assert apply(url, plan, limits=Limits(coins_per_run_max=10)).coins == 10


# --- append only ----------------------------------------------------------------------------------

NEW = (9, "desk:9", 1, ADA, 5, "credit", "2026-11-02", "r", "a", "", "", None, None, 1, "t")


def row(**other: Any) -> tuple[Any, ...]:
    """An entry as a row, with other values in some columns."""
    names = (
        "n",
        "op_key",
        "seq",
        "resident_id",
        "coins",
        "kind",
        "happened_on",
        "reason",
        "actor",
        "rule",
    )
    more = ("note_digest", "lesson_id", "reverses", "run_id", "posted_at")
    return tuple(other.get(name, value) for name, value in zip(names + more, NEW, strict=True))


MARKS = ", ".join("?" * len(NEW))

TAMPERING: list[tuple[str, tuple[Any, ...]]] = [
    ("UPDATE entry SET coins = 500 WHERE n = 1", ()),
    ("UPDATE OR IGNORE entry SET coins = 500", ()),
    ("UPDATE OR REPLACE entry SET n = 2 WHERE n = 1", ()),
    ("DELETE FROM entry", ()),
    ("DELETE FROM entry WHERE n = 1", ()),
    (f"REPLACE INTO entry VALUES ({MARKS})", row(n=1)),
    (f"REPLACE INTO entry VALUES ({MARKS})", row(op_key="desk:start")),
    (f"INSERT OR REPLACE INTO entry VALUES ({MARKS})", row(reverses=1)),
    (f"INSERT OR IGNORE INTO entry VALUES ({MARKS})", row(n=1)),
    (f"INSERT OR IGNORE INTO entry VALUES ({MARKS})", row(op_key="desk:start")),
    (f"INSERT OR IGNORE INTO entry VALUES ({MARKS})", row(reverses=1)),
    (f"INSERT INTO entry VALUES ({MARKS}) ON CONFLICT DO UPDATE SET coins = 500", row(n=1)),
    (f"INSERT INTO entry VALUES ({MARKS}) ON CONFLICT DO NOTHING", row(n=1)),
    (f"INSERT INTO entry VALUES ({MARKS})", row(coins="many")),
    (f"INSERT INTO entry VALUES ({MARKS})", row(coins=0)),
    (f"INSERT INTO entry VALUES ({MARKS})", row(coins=None)),
    (f"INSERT INTO entry VALUES ({MARKS})", row(resident_id=999)),
    ("DELETE FROM resident", ()),
]


RUN = (99, "u", "desk", 0, "2026-11-02", "2026-11-02", "a", "l", "t", "t", "d", 0, 0, 0, 0, 0, "c")
RUN_MARKS = ", ".join("?" * len(RUN))
RUN_TAMPERING: list[tuple[str, tuple[Any, ...]]] = [
    ("UPDATE run SET coins = 500 WHERE id = 1", ()),
    ("UPDATE OR IGNORE run SET actor = 'nobody'", ()),
    ("DELETE FROM run WHERE id = 1", ()),
    ("DELETE FROM run", ()),
    (f"REPLACE INTO run VALUES ({RUN_MARKS})", (1, *RUN[1:])),
    (f"REPLACE INTO run VALUES ({RUN_MARKS})", (99, "first-1", *RUN[2:])),
    (f"INSERT INTO run VALUES ({RUN_MARKS}) ON CONFLICT DO UPDATE SET coins = 500", (1, *RUN[1:])),
]


@pytest.mark.parametrize(("sql", "values"), TAMPERING)
def test_the_database_itself_refuses_to_change_the_ledger(
    url: str, sql: str, values: tuple[Any, ...]
) -> None:
    """Whoever holds a writing connection can add right entries and nothing else."""
    put_in(
        url, a_plan(Post(a_credit("start")), Post(replace(a_credit("back", coins=-5), reverses=1)))
    )
    before = dump(url)
    # MariaDB takes an insertion that may be ignored for done where it did nothing.
    quiet = not engines.on_sqlite(url) and ("OR IGNORE INTO" in sql or "DO NOTHING" in sql)
    for whose in (url, engines.as_owner(url)):
        with (
            writing(whose) as database,
            nullcontext() if quiet else pytest.raises(peewee.PeeweeException),
        ):
            engines.tampered(database, sql, values)
    assert dump(url) == before


@pytest.mark.sqlite
def test_half_a_coin_is_refused(url: str) -> None:
    """MariaDB would round it without a word; what comes from a plan is a whole number before."""
    with writing(url) as database, pytest.raises(peewee.IntegrityError, match="whole numbers"):
        database.execute_sql(f"INSERT INTO entry VALUES ({MARKS})", row(coins=1.5))


@pytest.mark.sqlite
def test_the_guards_do_not_hang_on_the_connection(url: str) -> None:
    """A plain connection without our settings cannot replace an entry or a run either."""
    put_in(url, a_plan(Post(a_credit("start"))))
    with writing(url) as database:
        database.execute_sql(f"INSERT INTO run VALUES ({RUN_MARKS})", (98, "first-1", *RUN[2:]))
    with closing(sqlite3.connect(opening.path_of(url))) as connection:
        for sql, values in [*TAMPERING[:6], *RUN_TAMPERING]:
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(sql, values)


@pytest.mark.parametrize(("sql", "values"), RUN_TAMPERING)
def test_the_database_itself_refuses_to_change_a_run(
    tmp_path: Path, sql: str, values: tuple[Any, ...]
) -> None:
    """What was done, when and by whom can be added to and not rewritten."""
    url = new_database(tmp_path)
    with writing(url) as database:
        writer.apply(database, newcomers(), order(), environment(name="first"))
    before = dump(url)
    for whose in (url, engines.as_owner(url)):
        refusal = "append-only" if engines.on_sqlite(url) or whose != url else "command denied"
        with writing(whose) as database, pytest.raises(peewee.PeeweeException, match=refusal):
            engines.tampered(database, sql, values)
    assert dump(url) == before


def test_a_right_run_is_taken(url: str) -> None:
    """The refusals above are not for want of a right row."""
    with writing(url) as database:
        engines.tampered(database, f"INSERT INTO run VALUES ({RUN_MARKS})", RUN)
    with reading(url) as reader:
        assert reader.runs(1)[0].id == 99


def test_a_right_entry_is_taken(url: str) -> None:
    """The refusals above are not for want of a right row."""
    with writing(url) as database:
        engines.tampered(database, f"INSERT INTO entry VALUES ({MARKS})", row())
    with reading(url) as reader:
        assert reader.balance(ADA) == 5


@pytest.mark.parametrize(
    "changes",
    [
        [Post(a_credit("start", GLEB, 7))],
        [Post(replace(a_credit("other", coins=-5), kind=Kind.REVERSAL, reverses=1))],
    ],
)
def test_a_plan_cannot_post_what_is_posted(url: str, changes: list[Change]) -> None:
    """A key's number and the reversal of an entry exist once, whatever a plan relies on."""
    put_in(
        url, a_plan(Post(a_credit("start")), Post(replace(a_credit("back", coins=-5), reverses=1)))
    )
    error = refused(url, a_plan(*changes), CoinsyncError)
    assert re.search(
        r"append-only: duplicate; nothing written|the server's error 1062; nothing written",
        error.message,
    )


# --- chain and notes ------------------------------------------------------------------------------


def chain_breaks(url: str) -> list[int]:
    """The runs whose stored hash is not the recomputed one."""
    with engines.tampering(url) as connection:
        return chain.breaks(connection)


def check_chain(url: str) -> None:
    """Every stored hash is the recomputed one."""
    assert chain_breaks(url) == []


def test_the_chain_can_be_recomputed(url: str) -> None:
    """Over several runs, with notes and reversals, every hash follows from the one before.

    A run that posts nothing is a link as well.
    """
    before_the_night(url)
    put_in(url, a_plan(Put(a_lesson(7))))
    apply(url, a_night(note="Ада помогла"))
    put_in(url, a_plan(Post(a_credit("2"))))
    check_chain(url)
    with reading(url) as reader:
        assert reader.head().n == 5


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE entry SET coins = 6 WHERE n = 2",
        "UPDATE entry SET reason = 'good deeds' WHERE n = 2",
        "UPDATE entry SET posted_at = '2026-11-22T02:00:08Z' WHERE n = 2",
        "UPDATE entry SET note_digest = replace(note_digest, substr(note_digest, 1, 1), 'x')"
        " WHERE n = 2",
        "DELETE FROM entry WHERE n = 2",
        "UPDATE run SET actor = 'boris' WHERE n_last = 4",
        "UPDATE run SET login = 'boris(1)' WHERE n_last = 4",
        "UPDATE run SET digest = 'd' WHERE n_last = 4",
    ],
)
def test_a_change_behind_the_guards_breaks_the_chain(url: str, sql: str) -> None:
    """Who takes the guards away and changes a byte is seen by recomputing."""
    put_in(url, a_plan(*(Post(a_credit(str(n), note="a note")) for n in range(4))))
    put_in(url, a_plan(Post(a_credit("after"))))
    with reading(url) as reader:
        last = reader.head().runs
    with engines.unguarded(url) as connection:
        connection.execute(sql)
    assert chain_breaks(url) == [last - 1]


@pytest.mark.sqlite
def test_a_changed_byte_in_the_file_breaks_the_chain(url: str) -> None:
    """SQLite calls such a file sound; the chain does not."""
    put_in(url, a_plan(Post(a_credit("1")), Post(replace(a_credit("2"), reason="seen"))))
    path = opening.path_of(url)
    content = path.read_bytes()
    assert content.count(b"seen") == 1
    path.write_bytes(content.replace(b"seen", b"same"))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with reading(url) as reader:
        assert chain_breaks(url) == [reader.head().runs]


@pytest.mark.parametrize("column", ["n", "runs"])
def test_writing_on_after_a_missing_end_is_refused(url: str, column: str) -> None:
    """Where the last run or its last entry is not there the chain cannot go on."""
    put_in(url, a_plan(Post(a_credit("1"))))
    with reading(url) as reader:
        head = reader.head()
    with engines.tampering(url) as connection:
        connection.execute(f"UPDATE head SET {column} = {column} + 1")
    said = (
        f"ledger is damaged: it ends at run {head.runs}, entry 1, and should at"
        f" run {head.runs + (column == 'runs')}, entry {1 + (column == 'n')}; nothing written"
    )
    for change in (Post(a_credit("2")), Put(a_lesson())):
        assert refused(url, a_plan(change), CoinsyncError).message == said


def test_a_note_lies_beside_the_ledger_with_salt(url: str) -> None:
    """Equal notes have different digests, and a text can be erased later."""
    apply(
        url,
        a_plan(
            Post(a_credit("1", note="won")), Post(a_credit("2", note="won")), Post(a_credit("3"))
        ),
    )
    with writing(url) as database:
        notes = list(database.execute_sql("SELECT n, salt, text FROM note ORDER BY n"))
        digests = [
            digest for (digest,) in database.execute_sql("SELECT note_digest FROM entry ORDER BY n")
        ]
        ledger = str(list(database.execute_sql("SELECT * FROM entry")))
    assert notes == [(1, "run-2", "won"), (2, "run-3", "won")]
    assert digests == [note_digest("run-2", "won"), note_digest("run-3", "won"), ""]
    assert "won" not in ledger


def test_an_erased_note_does_not_break_the_chain(url: str) -> None:
    """The text may go, the digest stays and the hash with it."""
    apply(url, a_plan(Post(a_credit("1", note="won"))))
    with writing(url) as database:
        database.execute_sql("DELETE FROM note")
    check_chain(url)
    with reading(url) as reader:
        assert reader.lines(ADA)[0].note == ""


# --- death at every step --------------------------------------------------------------------------


class Died(Exception):
    """The probe's way to die."""


def dying(at: int, die: Callable[[], object]) -> Callable[[str], None]:
    """A probe that dies at its ``at``-th call."""
    seen: list[str] = []

    def probe(name: str) -> None:
        seen.append(name)
        if len(seen) == at:
            die()

    return probe


def steps_of_the_night(url: str) -> list[str]:
    """The named steps of ``a_night``, in order, gathered while it is applied."""
    steps: list[str] = []
    apply(url, a_night(note="won"), environment(probe=steps.append))
    return steps


def two_databases(tmp_path: Path) -> tuple[str, str]:
    """Two equal databases before the night."""
    urls = []
    for name in ("one.db", "other.db"):
        url = new_database(tmp_path, name)
        with writing(url) as database:
            writer.apply(database, newcomers(), order(), environment(name="people"))
            plan = a_plan(
                Put(a_lesson()),
                Put(present()),
                Put(Link(55, ADA, LinkSource.CRM)),
                Post(an_award()),
            )
            writer.apply(database, plan, order(), environment(name="first"))
        urls.append(url)
    return urls[0], urls[1]


def test_the_steps_of_a_write_are_in_order(tmp_path: Path) -> None:
    """Begin, head, checks, facts in the order of their references, entries, run, commit."""
    url, _ = two_databases(tmp_path)
    assert steps_of_the_night(url) == [
        *(
            "begin",
            "head",
            "checked",
            "insert membership",
            "delete link",
            "insert lesson",
            "update lesson",
        ),
        *(
            "insert attendance",
            "update attendance",
            "insert hold",
            "entries",
            "run",
            "commit",
            "committed",
        ),
    ]


@pytest.mark.parametrize("failure", [Died, KeyboardInterrupt, MemoryError])
def test_an_error_at_any_step_leaves_the_database_as_it_was(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    """On the same connection the same plan then goes through, with the same content."""
    url, other = two_databases(tmp_path)
    before, steps = dump(url), steps_of_the_night(other)
    wanted = dump(other)

    def die() -> None:
        raise failure

    with writing(url) as database:
        for at in range(1, steps.index("committed") + 1):
            with pytest.raises(failure):
                writer.apply(
                    database, a_night(note="won"), order(), environment(probe=dying(at, die))
                )
            assert dump(url) == before, steps[at - 1]
        writer.apply(database, a_night(note="won"), order(), environment())
    assert dump(url) == wanted


def test_an_error_after_the_commit_comes_too_late(tmp_path: Path) -> None:
    """What is committed stays, whatever happens before the receipt is handed over."""
    url, other = two_databases(tmp_path)
    steps = steps_of_the_night(other)

    def die() -> None:
        raise Died

    with pytest.raises(Died):
        apply(url, a_night(note="won"), environment(probe=dying(len(steps), die)))
    assert dump(url) == dump(other)


def test_a_process_killed_at_any_step_leaves_all_or_nothing(tmp_path: Path) -> None:
    """The next run finds the old state and writes the same; after the commit it finds all."""
    url, other = two_databases(tmp_path)
    before, steps = dump(url), steps_of_the_night(other)
    wanted = dump(other)

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    for at, step in enumerate(steps, 1):
        child = os.fork()
        if child == 0:
            try:
                apply(url, a_night(note="won"), environment(probe=dying(at, die)))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), step
        assert dump(url) == (wanted if step == "committed" else before), step


# --- a database that fails ------------------------------------------------------------------------


def failure(code: int, text: str) -> peewee.OperationalError:
    """An error as peewee passes it on when SQLite fails with a number and a text."""
    driver = sqlite3.OperationalError(text)
    driver.sqlite_errorcode = code
    error = peewee.OperationalError(text)
    error.__context__ = driver
    return error


BUSY = failure(sqlite3.SQLITE_BUSY, "database is locked")
FULL = failure(sqlite3.SQLITE_FULL, "database or disk is full")
DISK = failure(sqlite3.SQLITE_IOERR_WRITE, "disk I/O error")
DAMAGED = failure(sqlite3.SQLITE_CORRUPT_VTAB, "database disk image is malformed")
UNREACHABLE = failure(sqlite3.SQLITE_CANTOPEN, "unable to open database file")


class Failing(SqliteDatabase):
    """A database whose statements fail as they are told to."""

    failures: list[Callable[[], object]]
    lost_answers: list[str | peewee.OperationalError]

    @classmethod
    def opened(cls, url: str) -> Failing:
        """Open the database of a URL, without failures yet."""
        settings = {"foreign_keys": 1, "synchronous": 2, "recursive_triggers": 1}
        database = cls(
            f"file:{opening.path_of(url)}?mode=rw",
            uri=True,
            timeout=1,
            lock_type="IMMEDIATE",
            pragmas=settings,
        )
        database.failures, database.lost_answers = [], []
        database.connect()
        return database

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Fail at the first statement of a transaction while there are failures left."""
        if sql.startswith("UPDATE head SET n") and self.failures:
            self.failures.pop(0)()
        return super().execute_sql(sql, params)  # type: ignore[no-untyped-call]

    def commit(self) -> Any:
        """Commit, or not, and lose the answer."""
        if self.lost_answers:
            answer = self.lost_answers.pop(0)
            if isinstance(answer, peewee.OperationalError):
                raise answer
            if answer.startswith("committed"):
                super().commit()
            raise peewee.OperationalError(answer)
        return super().commit()


class Unreachable(Failing):
    """A database that cannot be reached again once its connection is closed."""

    reachable = True

    def connect(self, reuse_if_open: bool = False) -> Any:
        """Fail after the first time."""
        if not self.reachable:
            raise UNREACHABLE
        self.reachable = False
        return super().connect(reuse_if_open=reuse_if_open)


def fails(error: peewee.OperationalError) -> Callable[[], None]:
    """A failure of the driver."""

    def fail() -> None:
        raise error

    return fail


CREDIT = a_plan(Post(a_credit("1", coins=7)))


@pytest.mark.sqlite
@pytest.mark.parametrize("error", [BUSY, FULL, DISK], ids=str)
def test_a_disturbed_write_is_tried_again(url: str, error: peewee.OperationalError) -> None:
    """What may pass is tried again as a whole, with growing pauses, and done once."""
    pauses: list[float] = []
    database = Failing.opened(url)
    database.failures = [fails(error)] * (TRIES_MAX - 1)
    receipt = writer.apply(database, CREDIT, order(), environment(sleep=pauses.append))
    database.close()
    assert receipt.coins == 7
    assert pauses == sorted(pauses)
    assert len(pauses) == TRIES_MAX - 1
    assert sum(pauses) < 10
    with reading(url) as reader:
        assert (reader.balance(ADA), reader.head().runs) == (7, 2)


@pytest.mark.sqlite
def test_trying_again_is_bounded(url: str) -> None:
    """After so many attempts the answer is to try later, and nothing is written."""
    before, pauses = dump(url), list[float]()
    database = Failing.opened(url)
    database.failures = [fails(BUSY)] * 99
    with pytest.raises(DatabaseUnavailable, match=r"coins\.db is busy; nothing written") as caught:
        writer.apply(database, CREDIT, order(), environment(sleep=pauses.append))
    database.close()
    assert caught.value.exit_code == 75
    assert (len(database.failures), len(pauses)) == (99 - TRIES_MAX, TRIES_MAX - 1)
    assert dump(url) == before


@pytest.mark.sqlite
def test_whoever_waited_in_vain_for_a_turn_does_not_wait_again(url: str) -> None:
    """BEGIN waits for other writers as long as it was told to, and no attempt adds to that."""
    pauses: list[float] = []
    database = opening.open_writable(url, wait_seconds=0.1)
    with (
        writing(url) as other,
        other.atomic(),
        pytest.raises(DatabaseUnavailable, match="is busy; nothing written"),
    ):
        writer.apply(database, CREDIT, order(), environment(sleep=pauses.append))
    database.close()
    assert pauses == []


@pytest.mark.sqlite
def test_what_will_not_pass_is_not_tried_again(url: str) -> None:
    """A damaged database is told at once."""
    database = Failing.opened(url)
    database.failures = [fails(DAMAGED)] * 9
    with pytest.raises(CoinsyncError, match="is damaged"):
        writer.apply(database, CREDIT, order(), environment())
    database.close()
    assert len(database.failures) == 8


@pytest.mark.sqlite
def test_a_transaction_that_the_engine_ended_itself_is_tried_again(url: str) -> None:
    """Rolling back fails because nothing is left; the next attempt goes through."""
    database = Failing.opened(url)

    def end() -> None:
        database.rollback()
        raise FULL

    database.failures = [end]
    assert writer.apply(database, CREDIT, order(), environment()).coins == 7
    database.close()


@pytest.mark.sqlite
def test_a_lost_answer_to_a_commit_that_happened_is_looked_up(url: str) -> None:
    """The run is found on a new connection, so it is done, and done once."""
    database = Failing.opened(url)
    database.lost_answers = ["committed, and the line went dead"]
    receipt = writer.apply(database, CREDIT, order(), environment())
    database.close()
    with reading(url) as reader:
        run = reader.run(receipt.uuid)
        assert run is not None
        assert (run.id, run.n_last, run.coins) == (receipt.run, receipt.n_last, 7)
        assert reader.balance(ADA) == 7


@pytest.mark.sqlite
def test_a_lost_answer_to_a_commit_that_did_not_happen_is_an_error(url: str) -> None:
    """The run is looked for and not there: nothing is written, and it is said."""
    before = dump(url)
    database = Failing.opened(url)
    database.lost_answers = ["the line went dead"]
    with pytest.raises(CoinsyncError, match="the line went dead; nothing written"):
        writer.apply(database, CREDIT, order(), environment())
    database.close()
    assert dump(url) == before


@pytest.mark.sqlite
def test_a_busy_commit_is_tried_again(url: str) -> None:
    """A commit that was refused for the moment is repeated with the whole transaction."""
    database = Failing.opened(url)
    database.lost_answers = [BUSY, BUSY]
    assert writer.apply(database, CREDIT, order(), environment()).coins == 7
    database.close()
    with reading(url) as reader:
        assert (reader.balance(ADA), reader.head().runs) == (7, 2)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("text", "coins"), [("committed, and the line went dead", 7), ("the line went dead", 0)]
)
def test_a_lost_answer_that_cannot_be_looked_up_is_said_to_be_unknown(
    url: str, text: str, coins: int
) -> None:
    """Neither done nor not done is claimed; the same command can be run again."""
    database = Unreachable.opened(url)
    database.lost_answers = [text]
    with pytest.raises(OutcomeUnknown, match="answer lost at commit") as caught:
        writer.apply(database, CREDIT, order(), environment())
    assert caught.value.exit_code == 75
    assert "not recorded twice" in caught.value.advice
    with reading(url) as reader:
        assert reader.balance(ADA) == coins


# --- order of facts -------------------------------------------------------------------------------


def test_facts_may_refer_to_facts_of_the_same_plan(tmp_path: Path) -> None:
    """All that is new about a newcomer is recorded in one plan."""
    url = new_database(tmp_path)
    hold = Hold("desk:h", HoldKind.GUEST, BRANCH, 1, 300, DAY, 10, "membership_unknown")
    facts: list[Fact] = [
        hold,
        Link(7, 300, LinkSource.CRM),
        Membership(300, GROUP, date(2026, 9, 1)),
        present(300),
        a_lesson(),
        a_resident(300),
    ]
    receipt = apply(url, a_plan(Post(a_credit("1", 300)), *map(Put, facts)))
    assert receipt.facts == 6
