"""From the CRM to plans, below the command line: windows, and what a run remembers while it goes.

The first half has a CRM of plain values, which says exactly what a test needs; the second half has
the simulator behind real HTTP.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.facts import (
    LessonRecord,
    Mark,
    Presence,
    RegularLesson,
    Resident,
    Status,
)
from coinsync.core.plan import Limits, Purpose, Put, RemarkKind, Scope
from coinsync.core.planning.review import Ruling
from coinsync.desk import people as desk
from coinsync.desk import review
from coinsync.errors import CrmUnreachable, IncompleteRead
from coinsync.exchange.base import Reading, Unreadable
from coinsync.exchange.window import MISSING_ASKED_MAX
from coinsync.sync import Outcome, run_digest, unsafe_digests
from tests.support.makers import ADA, GLEB, a_resident, a_rule, put_in
from tests.support.plain import UNREACHABLE, PlainExchange
from tests.support.plain_school import (
    LEFT,
    LEFT_GROUP,
    MILA,
    NOVEMBER,
    OCTOBER,
    RIGHT,
    TODAY,
    PlainSchool,
    entries,
    held,
    plans,
    remarks,
)
from tests.support.school import Installation

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
#: A resident who comes in the middle of a test.
NEW = 104


@pytest.fixture
def school(tmp_path: Path) -> PlainSchool:
    """Two branches and no lesson."""
    return PlainSchool.founded(tmp_path)


def proposed(outcomes: list[Outcome]) -> list[tuple[int, int]]:
    """Which cards a run asks about: one that is gone, and one that may be the same child's."""
    pairs = []
    for plan in plans(outcomes):
        for remark in plan.remarks:
            doubt = remark.doubt
            if doubt is not None and doubt.is_merge and not doubt.ruling:
                pairs.append((doubt.id, int(doubt.claim)))
    return pairs


def coins(outcomes: list[Outcome]) -> list[tuple[int | None, int, int]]:
    """Lesson, resident and coins of each entry that a run would post."""
    return [(entry.lesson, entry.resident, entry.coins) for entry in entries(outcomes)]


# --- windows ---------------------------------------------------------------------------------


@given(DAYS, st.integers(0, 800))
def test_windows_cover_every_day_once(since: date, length: int) -> None:
    """In order, without gap or overlap, none longer than a month."""
    until = since + timedelta(days=length)
    found = list(Scope(7, since, until).months())
    assert (found[0].since, found[-1].until) == (since, until)
    for before, after in pairwise(found):
        assert after.since == before.until + timedelta(days=1)
    assert all(
        (scope.until - scope.since).days < 31 and scope.since.month == scope.until.month
        for scope in found
    )


def test_no_window_for_an_empty_span() -> None:
    """A span that ends before it begins has no days."""
    assert list(Scope(7, date(2026, 2, 1), date(2026, 1, 1)).months()) == []


# --- which days are read ---------------------------------------------------------------------


def spans(outcomes: list[Outcome]) -> list[tuple[int, date, date]]:
    """Branch, first and last day of each window of lessons."""
    return [
        (outcome.scope.branch, outcome.scope.since, outcome.scope.until)
        for outcome in outcomes
        if outcome.plan is not None and outcome.plan.purpose is Purpose.LESSONS
    ]


def test_the_window_reaches_from_so_many_days_back_to_the_crms_today(school: PlainSchool) -> None:
    """The host's clock is a day behind; the CRM's decides."""
    first = TODAY - timedelta(days=school.settings.sync.days_back)
    found = spans(school.dry_run(branches=(LEFT,)))
    assert found[0][1] == first
    assert found[-1][2] == TODAY


def test_a_branch_has_the_day_of_its_own_zone(school: PlainSchool) -> None:
    """At eight in the evening in Moscow the next day has begun in Krasnoyarsk."""
    school.now = school.now.replace(hour=18)
    last = {branch: until for branch, _, until in spans(school.dry_run())}
    assert last == {LEFT: TODAY, RIGHT: TODAY + timedelta(days=1)}


def test_nothing_is_read_of_days_still_to_come(school: PlainSchool) -> None:
    """An end in the future is today: neither a window nor a coin is of later days."""
    tomorrow = TODAY + timedelta(days=1)
    school.lessons = [held(1, on=TODAY), held(2, on=tomorrow)]
    outcomes = school.dry_run(until=TODAY + timedelta(days=40), branches=(LEFT,))
    assert spans(outcomes)[-1][2] == TODAY
    assert coins(outcomes) == [(1, ADA, 10)]


def test_an_earlier_end_bounds_what_is_read(school: PlainSchool) -> None:
    """The days are counted back from there."""
    found = spans(school.dry_run(until=OCTOBER, branches=(LEFT,)))
    assert found[-1][2] == OCTOBER
    assert found[0][1] == OCTOBER - timedelta(days=school.settings.sync.days_back)


def test_a_start_bounds_what_is_read(school: PlainSchool) -> None:
    """One window where both ends lie in one month."""
    assert spans(school.dry_run(since=NOVEMBER, branches=(LEFT,))) == [(LEFT, NOVEMBER, TODAY)]


def test_a_crm_without_a_clock_has_the_hosts_day(school: PlainSchool) -> None:
    """Files know no time."""
    school.spoil = lambda exchange: replace(exchange, now=None)
    yesterday = TODAY - timedelta(days=1)
    assert spans(school.dry_run(branches=(LEFT,)))[-1][2] == yesterday


# --- what one step knows of those before it --------------------------------------------------


def test_a_lesson_is_planned_once_though_two_windows_show_it(school: PlainSchool) -> None:
    """Moved to the next month and taken back: the window that misses it reverses it."""
    school.lessons = [held(1, on=OCTOBER), held(2, on=OCTOBER)]
    school.night()
    school.lessons = [held(1, on=NOVEMBER, mark=Mark.ABSENT), held(2, on=OCTOBER)]
    outcomes = school.dry_run()
    assert coins(outcomes) == [(1, ADA, -10)]
    assert [plan.counts.reversals for plan in plans(outcomes)] == [0, 1, 0, 0, 0, 0]
    school.night()


def test_a_lesson_is_planned_once_though_two_branches_show_it(school: PlainSchool) -> None:
    """Moved to the other branch: whoever is read first plans it, the other leaves it alone."""
    school.cards.append(a_resident(NEW, branches=(LEFT, RIGHT)))
    school.lessons = [held(1, NEW), held(2, ADA)]
    school.night()
    school.lessons = [held(1, NEW, branch=RIGHT, mark=Mark.ABSENT), held(2, ADA)]
    assert coins(school.dry_run()) == [(1, NEW, -10)]
    school.night()


def test_a_lesson_of_a_plan_that_does_not_stand_is_planned_by_the_next(
    school: PlainSchool,
) -> None:
    """What a guard refused in one window was not dealt with."""
    school.lessons = [held(1, on=OCTOBER), held(2, on=OCTOBER)]
    school.night()
    school.settings = replace(
        school.settings, limits=Limits(reversals_checked_from=1, reversals_free=1)
    )
    school.lessons = [
        held(1, on=NOVEMBER, mark=Mark.ABSENT),
        held(2, on=OCTOBER, mark=Mark.ABSENT),
    ]
    outcomes = school.dry_run(branches=(LEFT,))
    assert len(unsafe_digests(outcomes, school.settings.limits)) == 1
    assert [plan.counts.reversals for plan in plans(outcomes)] == [0, 2, 1]


def test_a_lesson_that_comes_back_under_an_earlier_day_is_not_gone_under_its_old_one(
    school: PlainSchool,
) -> None:
    """October's plan has it; what is still recorded in November is no question any more."""
    others = [held(2, GLEB, on=OCTOBER), held(3, GLEB)]
    school.lessons = [held(1), *others]
    school.night()
    school.spend(ADA, 10)
    school.lessons = others
    assert remarks(school.night(), RemarkKind.HOLD) == [(1, ADA, None)]
    school.lessons = [held(1, on=OCTOBER), *others]
    outcomes = school.dry_run()
    assert (coins(outcomes), remarks(outcomes, RemarkKind.HOLD)) == ([], [])
    school.night()


def test_coins_of_one_window_are_there_in_the_next(school: PlainSchool) -> None:
    """What October gives pays for the reversal in November, in a dry run as in a real one."""
    school.lessons = [held(1)]
    school.night()
    school.spend(ADA, 10)
    school.lessons = [held(2, on=OCTOBER), held(1, mark=Mark.ABSENT)]
    assert coins(school.dry_run()) == [(2, ADA, 10), (1, ADA, -10)]
    school.night()


def test_coins_that_one_window_takes_are_gone_in_the_next(school: PlainSchool) -> None:
    """Of two reversals with coins for one, in two windows, the second is held."""
    school.lessons = [held(1, on=OCTOBER), held(2)]
    school.night()
    school.spend(ADA, 10)
    school.lessons = [held(1, on=OCTOBER, mark=Mark.ABSENT), held(2, mark=Mark.ABSENT)]
    outcomes = school.dry_run()
    assert coins(outcomes) == [(1, ADA, -10)]
    assert remarks(outcomes, RemarkKind.HOLD) == [(2, ADA, None)]
    school.night()


def test_coins_of_a_plan_that_does_not_stand_are_not_there(school: PlainSchool) -> None:
    """October is refused, so its coins do not pay for the reversal in November."""
    school.lessons = [held(1)]
    school.night()
    school.spend(ADA, 10)
    school.settings = replace(school.settings, limits=Limits(coins_per_run_max=9))
    school.lessons = [held(2, on=OCTOBER), held(1, mark=Mark.ABSENT)]
    outcomes = school.dry_run()
    assert coins(outcomes) == [(2, ADA, 10)]
    assert remarks(outcomes, RemarkKind.HOLD) == [(1, ADA, None)]


def test_a_merged_card_and_the_one_it_goes_on_as_share_what_moved(school: PlainSchool) -> None:
    """Coins for the old card in October pay for the new card's reversal in November."""
    school.lessons = [held(1, ADA)]
    school.night()
    school.spend(ADA, 10)
    school.merge(GLEB, ADA)
    school.lessons = [held(2, GLEB, on=OCTOBER), held(1, ADA, mark=Mark.ABSENT)]
    assert coins(school.dry_run()) == [(2, GLEB, 10), (1, ADA, -10)]


def test_who_is_new_in_this_run_is_no_stranger_in_its_lessons(school: PlainSchool) -> None:
    """The people's plan records the card with its name; the lessons' plan records nobody again."""
    school.cards.append(a_resident(NEW))
    school.lessons = [held(1, NEW)]
    new = [
        change.new
        for plan in plans(school.dry_run())
        for change in plan.changes
        if isinstance(change, Put) and isinstance(change.new, Resident) and change.new.id == NEW
    ]
    assert new == [a_resident(NEW)]


def test_a_stranger_of_one_window_is_known_in_the_next(school: PlainSchool) -> None:
    """Whom no list of residents shows is recorded once."""
    school.lessons = [held(1, 777, on=OCTOBER), held(2, 777)]
    outcomes = school.dry_run(branches=(LEFT,))
    strangers = [
        change.new
        for plan in plans(outcomes)
        for change in plan.changes
        if isinstance(change, Put) and change.new == Resident(777, "", Presence.GONE, ())
    ]
    assert len(strangers) == 1


def test_a_card_that_vanishes_in_this_run_has_its_heir_proposed_at_once(
    school: PlainSchool,
) -> None:
    """Gleb's card is gone and another stands in its lesson: the plan of the same run says so."""
    school.lessons = [held(1, ADA, GLEB)]
    school.night()
    school.cards = [a_resident(ADA), a_resident(NEW), school.cards[2]]
    school.lessons = [held(1, ADA, NEW)]
    assert proposed(school.dry_run()) == [(GLEB, NEW)]


def test_a_card_that_is_back_is_nobodys_predecessor(school: PlainSchool) -> None:
    """Gleb was gone for a night; the next run shows the card again, and proposes nothing."""
    school.lessons = [held(1, ADA, GLEB)]
    school.night()
    everybody = list(school.cards)
    school.cards = [card for card in everybody if card.id != GLEB]
    school.night()
    school.cards = [*everybody, a_resident(NEW)]
    school.lessons = [held(1, ADA, NEW)]
    assert proposed(school.dry_run()) == []


def test_a_merged_card_that_vanishes_is_not_proposed_again(school: PlainSchool) -> None:
    """A person merged it already: neither in the run in which it vanishes nor in later ones."""
    school.lessons = [held(1, ADA, GLEB)]
    school.night()
    school.merge(GLEB, ADA)
    school.cards = [a_resident(ADA), a_resident(NEW), school.cards[2]]
    without_it = [held(1, ADA, NEW)]
    before, school.lessons = school.lessons, without_it
    assert proposed(school.dry_run()) == []
    school.lessons = before
    school.night()
    school.lessons = without_it
    assert proposed(school.dry_run()) == []


@pytest.fixture
def replaced_card(school: PlainSchool) -> PlainSchool:
    """Gleb's card is gone and another stands in its lesson since last night."""
    school.lessons = [held(1, ADA, GLEB)]
    school.night()
    school.cards = [a_resident(ADA), a_resident(NEW), school.cards[2]]
    school.lessons = [held(1, ADA, NEW)]
    school.night()
    school.now += timedelta(hours=12)
    return school


def test_a_merge_is_proposed_until_it_is_made(replaced_card: PlainSchool) -> None:
    """Every night, though nothing is new any more; then the question is gone, for good."""
    school = replaced_card
    for _night in range(3):
        assert proposed(school.night()) == [(GLEB, NEW)]
        school.now += timedelta(days=1)
    school.carry_out(lambda clerk: desk.merge(clerk, school.card(GLEB), school.card(NEW)))
    assert school.doubts() == []
    assert proposed(school.night()) == []


def test_a_merge_that_a_person_refuses_is_not_proposed_again(replaced_card: PlainSchool) -> None:
    """The *no* is kept, with who said it."""
    school = replaced_card
    school.night()
    (question,) = school.doubts()
    school.carry_out(
        lambda clerk: review.review_doubts(clerk, [question], Ruling.WAIVE, note="twins")
    )
    for _night in range(2):
        assert proposed(school.night()) == []
        school.now += timedelta(days=1)
    assert [(one.ruling, one.actor, one.note) for one in school.doubts()] == [
        ("waive", "anna", "twins")
    ]


def test_a_merge_that_is_waited_for_ends_when_the_card_comes_back(
    replaced_card: PlainSchool,
) -> None:
    """Nobody need answer any more."""
    replaced_card.night()
    replaced_card.cards.append(a_resident(GLEB))
    assert proposed(replaced_card.night()) == []
    assert replaced_card.doubts() == []


def test_a_merge_is_asked_once_in_a_run_and_its_plan_is_that_of_the_dry_run(
    school: PlainSchool,
) -> None:
    """Two windows show the same; the second plan of a real run asks no more than a dry run's."""
    school.lessons = [held(1, ADA, GLEB, on=OCTOBER), held(2, ADA, GLEB)]
    school.night()
    school.cards = [a_resident(ADA), a_resident(NEW), school.cards[2]]
    school.lessons = [held(1, ADA, NEW, on=OCTOBER), held(2, ADA, NEW)]
    assert proposed(school.dry_run()) == [(GLEB, NEW)]
    assert proposed(school.night()) == [(GLEB, NEW)]


# --- what was held before the window ----------------------------------------------------------


@pytest.fixture
def spent_long_ago(school: PlainSchool) -> PlainSchool:
    """Ada was absent in a lesson that was paid and spent; since then weeks have passed."""
    school.lessons = [held(1)]
    school.night()
    school.spend(ADA, 10)
    school.lessons = [held(1, mark=Mark.ABSENT)]
    assert remarks(school.night(), RemarkKind.HOLD) == [(1, ADA, None)]
    school.now += timedelta(days=40)
    return school


def reads_that_day(outcomes: list[Outcome]) -> bool:
    """Whether a run read lessons of the day of the held reversal."""
    return any(outcome.scope.since <= NOVEMBER for outcome in outcomes)


def test_a_held_reversal_before_the_window_is_posted_once_there_is_enough(
    spent_long_ago: PlainSchool,
) -> None:
    """Until then no night reads that day; afterwards none does either."""
    school = spent_long_ago
    (today,) = {outcome.today for outcome in school.night() if outcome.branch.id == LEFT}
    assert {outcome.scope.since for outcome in school.night()} >= {today}
    assert not reads_that_day(school.night())
    school.earn(ADA, 9)
    assert coins(school.night()) == []
    school.earn(ADA, 1)
    outcomes = school.night()
    assert coins(outcomes) == [(1, ADA, -10)]
    assert reads_that_day(outcomes)
    assert not reads_that_day(school.night())


def test_a_held_reversal_of_a_lesson_that_is_gone_is_posted_too(
    spent_long_ago: PlainSchool,
) -> None:
    """Nothing is left on its day, which is no empty answer while its month has lessons."""
    school = spent_long_ago
    school.lessons = [held(2, GLEB, on=NOVEMBER + timedelta(days=1))]
    school.earn(ADA, 10)
    assert sorted(coins(school.night())) == [(1, ADA, -10), (2, GLEB, 10)]


def test_a_merged_card_pays_for_a_held_reversal_before_the_window(
    spent_long_ago: PlainSchool,
) -> None:
    """Coins count together, and once for each reversal."""
    school = spent_long_ago
    school.earn(GLEB, 10)
    assert coins(school.dry_run()) == []
    school.merge(ADA, GLEB)
    assert coins(school.night()) == [(1, ADA, -10)]


def test_what_a_person_must_decide_is_not_read_again(spent_long_ago: PlainSchool) -> None:
    """A mark that was wiped takes no coins, however many there are."""
    school = spent_long_ago
    school.lessons = [held(1, mark=Mark.NOT_MARKED)]
    assert remarks(school.dry_run(since=NOVEMBER), RemarkKind.HOLD) == [(1, ADA, None)]
    for outcome in school.dry_run(since=NOVEMBER):
        put_in(school.url, *plans([outcome]))
    school.earn(ADA, 50)
    assert not reads_that_day(school.night())


# --- two cards of one child ------------------------------------------------------------------


def test_cards_that_are_merged_before_the_first_sync_are_paid_once(school: PlainSchool) -> None:
    """The card that goes on; the next night finds nothing to do."""
    school.night()
    school.merge(ADA, GLEB)
    school.lessons = [held(1, ADA, GLEB)]
    assert coins(school.night()) == [(1, GLEB, 10)]


def test_cards_that_are_merged_after_they_were_paid_lose_the_second_award(
    school: PlainSchool,
) -> None:
    """As facts differ, not rules; and get it back when they are parted."""
    school.lessons = [held(1, ADA, GLEB)]
    school.night()
    school.merge(ADA, GLEB)
    assert coins(school.night()) == [(1, ADA, -10)]
    school.part(ADA, GLEB)
    outcomes = school.night()
    assert coins(outcomes) == [(1, ADA, 10)]
    # It was marked in time.
    assert remarks(outcomes, RemarkKind.LATE) == []


# --- people ----------------------------------------------------------------------------------


def gone(outcomes: list[Outcome]) -> list[int]:
    """Whom a run would record as gone."""
    return [
        change.new.id
        for plan in plans(outcomes)
        for change in plan.changes
        if isinstance(change, Put)
        and isinstance(change.new, Resident)
        and change.new.presence is Presence.GONE
    ]


def test_who_is_missing_from_both_branches_is_gone(school: PlainSchool) -> None:
    """The second branch knows that the first one does not show the card either."""
    school.cards.append(a_resident(NEW, branches=(LEFT, RIGHT)))
    school.night()
    school.cards.pop()
    assert gone(school.night()) == []
    school.now += timedelta(hours=12)
    assert gone(school.dry_run(branches=(RIGHT,))) == []
    assert gone(school.dry_run()) == [NEW]


def doubted(outcomes: list[Outcome]) -> list[tuple[str, bool]]:
    """The cases that a run doubts, and whether that was said before."""
    return [
        (remark.doubt.case, remark.known)
        for plan in plans(outcomes)
        for remark in plan.remarks
        if remark.doubt is not None
    ]


def test_a_card_that_is_missing_for_one_reading_costs_nothing(school: PlainSchool) -> None:
    """Neither a lesson of that very day, nor one that comes meanwhile; and it ends by itself."""
    everybody, case = list(school.cards), f"card-missing:{GLEB}:{LEFT}"
    school.lessons = [held(1, GLEB, on=TODAY)]
    school.night()
    school.cards = [card for card in everybody if card.id != GLEB]
    school.lessons += [held(2, GLEB, on=TODAY)]
    outcomes = school.night()
    assert doubted(outcomes) == [(case, False)]
    assert (coins(outcomes), gone(outcomes)) == ([(2, GLEB, 10)], [])
    for hours in (0, 11):
        school.now += timedelta(hours=hours)
        assert doubted(school.night()) == [(case, True)]
    school.cards = everybody
    outcomes = school.night()
    assert (doubted(outcomes), coins(outcomes), gone(outcomes)) == ([], [], [])


def test_a_card_that_stays_away_is_gone_and_its_lessons_stay_paid(school: PlainSchool) -> None:
    """Also those of the very day on which that became certain."""
    school.lessons = [held(1, GLEB), held(2, GLEB, on=TODAY)]
    school.night()
    school.cards = [card for card in school.cards if card.id != GLEB]
    school.night()
    school.now += timedelta(hours=12)
    outcomes = school.night()
    assert (coins(outcomes), gone(outcomes), doubted(outcomes)) == ([], [GLEB], [])
    school.now += timedelta(days=1)
    school.lessons += [held(3, GLEB, on=school.now.date())]
    assert coins(school.night()) == []


def test_a_card_that_moves_to_the_other_branch_leaves_its_old_group_in_the_end(
    school: PlainSchool,
) -> None:
    """Both memberships hold until the absence is certain; nobody is gone, no coin moves."""
    school.lessons = [held(1, GLEB)]
    school.night()
    school.cards[1] = a_resident(GLEB, branches=(RIGHT,))
    assert doubted(school.night()) == [(f"card-missing:{GLEB}:{LEFT}", False)]
    school.now += timedelta(hours=12)
    outcomes = school.night()
    assert (coins(outcomes), gone(outcomes), doubted(outcomes)) == ([], [], [])
    with school.run() as run:
        people = run.reader.people(RIGHT)
    ended = {seat.group for seat in people.memberships if seat.until and seat.resident == GLEB}
    assert ended == {LEFT_GROUP}


@pytest.mark.parametrize("old", [OCTOBER, NOVEMBER])
@pytest.mark.parametrize("new", [date(2025, 12, 31), date(2028, 1, 1)])
def test_a_lesson_that_jumps_is_taken_back_by_the_second_reading_alone(
    school: PlainSchool, old: date, new: date
) -> None:
    """Out of every rule; or ahead by more than a year, where its coins only move along."""
    # An empty window is refused, whatever became of its lessons.
    others = [held(2), held(4, on=OCTOBER)]
    school.lessons = [held(1, GLEB, on=old), *others]
    school.night()
    school.lessons = [held(1, GLEB, on=new), *others]
    case = f"lesson-date:1:{LEFT}"
    assert doubted(school.dry_run()) == [(case, False)]
    assert coins(school.night()) == []
    for hours in (0, 11):
        school.now += timedelta(hours=hours)
        outcomes = school.night()
        assert (coins(outcomes), doubted(outcomes)) == ([], [(case, True)])
    school.now += timedelta(hours=1)
    outcomes = school.night()
    assert coins(outcomes) == ([(1, GLEB, -10)] if new < old else [])
    assert doubted(outcomes) == []


def test_a_lesson_whose_copies_differ_stays_as_it_is(school: PlainSchool) -> None:
    """For ever; a new one is not recorded."""
    school.lessons = [held(1), held(2)]
    school.night()
    school.lessons = [held(1, status=Status.CANCELLED), held(2), held(3, GLEB)]
    school.spoil = lambda exchange: replace(exchange, copied=frozenset({1, 3}))
    outcomes = school.night()
    assert coins(outcomes) == []
    cases = [f"lesson-copies:1:{LEFT}", f"lesson-copies:3:{LEFT}"]
    assert doubted(outcomes) == [(case, False) for case in cases]
    school.now += timedelta(days=3)
    assert doubted(school.night()) == [(case, True) for case in cases]
    school.spoil = lambda exchange: exchange
    assert sorted(coins(school.night())) == [(1, ADA, -10), (3, GLEB, 10)]


def test_a_lost_lesson_whose_copies_differ_takes_no_coins(school: PlainSchool) -> None:
    """Its old window is not planned, because nobody knows what became of it."""
    school.lessons = [held(1, on=OCTOBER), held(4, on=OCTOBER)]
    school.night()
    school.lessons = [held(1, status=Status.CANCELLED), held(4, on=OCTOBER)]
    school.spoil = lambda exchange: replace(exchange, copied=frozenset({1}))
    outcomes = school.dry_run(branches=(LEFT,))
    assert [type(outcome.error) for outcome in outcomes[1:]] == [IncompleteRead, type(None)]
    assert coins(outcomes) == []


@pytest.mark.parametrize(
    "copy",
    [
        held(1, on=OCTOBER, mark=Mark.ABSENT),
        held(1, branch=RIGHT, mark=Mark.ABSENT),
        held(1, on=OCTOBER, status=Status.CANCELLED),
        held(1, branch=RIGHT, on=OCTOBER, status=Status.PLANNED),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_lesson_whose_copies_lie_in_two_windows_or_branches_stays_as_it_is(
    school: PlainSchool, copy: LessonRecord, is_first: bool
) -> None:
    """Whichever is read first: neither is believed against what is recorded."""
    others = [held(2), held(3, on=OCTOBER)]
    others += [held(4, branch=RIGHT), held(5, branch=RIGHT, on=OCTOBER)]
    school.lessons = [held(1), *others]
    school.night()
    school.lessons = [copy, held(1), *others] if is_first else [held(1), copy, *others]
    for _ in range(3):
        school.now += timedelta(days=1)
        assert coins(school.night()) == []
    school.lessons = [copy, *others]
    assert coins(school.night()) == [(1, ADA, -10)]


def test_the_only_lesson_of_a_window_is_no_empty_answer_when_its_copies_differ(
    school: PlainSchool,
) -> None:
    """The guard is silent: something was read."""
    school.lessons = [held(1)]
    school.night()
    school.spoil = lambda exchange: replace(exchange, copied=frozenset({1}))
    assert doubted(school.night()) == [(f"lesson-copies:1:{LEFT}", False)]


def test_an_heir_is_proposed_although_the_absence_is_doubted(school: PlainSchool) -> None:
    """A night later the lessons would not show any more who took whose place."""
    school.lessons = [held(1, ADA, GLEB)]
    school.night()
    school.cards = [a_resident(ADA), a_resident(NEW), school.cards[2]]
    school.lessons = [held(1, ADA, NEW)]
    outcomes = school.night()
    assert proposed(outcomes) == [(GLEB, NEW)]
    cases = [f"card-missing:{GLEB}:{LEFT}", f"card-merged:{GLEB}:{LEFT}"]
    assert doubted(outcomes) == [(case, False) for case in cases]
    school.now += timedelta(hours=12)
    assert gone(school.night()) == [GLEB]


def test_a_lesson_entered_twice_is_said_once(school: PlainSchool) -> None:
    """Both are paid."""
    school.lessons = [held(1, ADA, GLEB), held(2, GLEB, ADA)]
    outcomes = school.night()
    assert len(coins(outcomes)) == 4
    assert remarks(outcomes, RemarkKind.TWICE) == [(2, None, 1)]
    twice = [
        remark.known
        for plan in plans([*outcomes, *school.night()])
        for remark in plan.remarks
        if remark.kind is RemarkKind.TWICE
    ]
    assert twice == [False, True]


def test_a_branch_that_was_refused_says_of_nobody_that_they_are_missing(
    school: PlainSchool,
) -> None:
    """The left branch answers with nobody; who is missing from the right one may be there."""
    school.cards.append(a_resident(NEW, branches=(LEFT, RIGHT)))
    school.night()
    school.cards.pop()

    def without_people(exchange: PlainExchange) -> PlainExchange:
        residents = {LEFT: (), RIGHT: exchange.residents_of[RIGHT]}
        return replace(exchange, residents_of=residents)

    school.spoil = without_people
    outcomes = school.dry_run()
    assert NEW not in gone(outcomes[1:])


def test_without_its_people_nothing_is_said_of_a_branchs_lessons(school: PlainSchool) -> None:
    """The guard refuses the people of one branch: only the other's lessons are read."""
    school.lessons = [held(1), held(2, MILA, branch=RIGHT)]
    school.night()
    school.lessons += [held(3), held(4, MILA, branch=RIGHT)]
    school.spoil = lambda exchange: replace(
        exchange, residents_of={**exchange.residents_of, LEFT: ()}
    )
    outcomes = school.dry_run()
    assert {branch for branch, _, _ in spans(outcomes)} == {RIGHT}
    assert coins(outcomes) == [(4, MILA, 10)]
    (unsafe,) = unsafe_digests(outcomes, school.settings.limits)
    assert plans(outcomes)[0].digest == unsafe


@pytest.mark.parametrize(
    "torn", ["branches", "lesson_types", "groups", "residents", "memberships", "schedule"]
)
def test_a_branch_with_a_torn_list_of_people_has_an_error_and_no_plan(
    school: PlainSchool, torn: str
) -> None:
    """One error for the whole span of days, for each branch."""
    school.spoil = lambda exchange: replace(exchange, torn=torn)
    outcomes = school.dry_run()
    assert [type(outcome.error) for outcome in outcomes] == [IncompleteRead, IncompleteRead]
    first = TODAY - timedelta(days=school.settings.sync.days_back)
    assert (outcomes[0].scope.since, outcomes[0].scope.until) == (first, TODAY)


def test_a_crm_out_of_reach_is_an_error_for_each_branch(school: PlainSchool) -> None:
    """Nothing is planned, and nothing is raised."""
    school.spoil = lambda exchange: replace(exchange, torn=UNREACHABLE)
    assert [type(outcome.error) for outcome in school.dry_run()] == [CrmUnreachable] * 2


def test_only_a_plan_can_be_counted_on(school: PlainSchool) -> None:
    """What could not be read brings nothing."""
    school.spoil = lambda exchange: replace(exchange, torn=UNREACHABLE)
    with school.run() as run:
        unread = run.plan_people(school.settings.branches[0])
        with pytest.raises(ValueError, match="no plan"):
            run.count(unread)


def test_a_card_that_cannot_be_read_stays_as_it_was(school: PlainSchool) -> None:
    """Its owner is there all the same, and is paid as the member that is remembered."""
    school.night()
    school.lessons = [held(1, GLEB)]
    school.spoil = unreadable_gleb
    outcomes = school.dry_run()
    assert gone(outcomes) == []
    assert coins(outcomes) == [(1, GLEB, 10)]
    assert remarks(outcomes, RemarkKind.UNREADABLE) == [(None, GLEB, None)]


def test_a_new_card_that_cannot_be_read_leaves_its_branch_alone(school: PlainSchool) -> None:
    """Its groups can be read, but are of nobody who is recorded."""

    class NoCard(PlainExchange):
        """Gleb's card cannot be understood."""

        def residents(self, branch: int, today: date) -> Reading[Resident]:
            """All but Gleb."""
            others = tuple(card for card in self.residents_of[branch] if card.id != GLEB)
            return Reading(others, unreadable=(Unreadable(GLEB, "name"),) if branch == LEFT else ())

    def without_card(exchange: PlainExchange) -> PlainExchange:
        named = {each.name: getattr(exchange, each.name) for each in fields(exchange)}
        return NoCard(**named)

    school.spoil = without_card
    school.night()
    with school.run() as run:
        assert [card.id for card in run.reader.people(LEFT).residents] == [ADA]


def unreadable_gleb(exchange: PlainExchange) -> PlainExchange:
    """Neither Gleb's card nor his membership can be understood."""

    class Spoilt(PlainExchange):
        """The same school."""

        def residents(self, branch: int, today: date) -> Reading[Resident]:
            """All but Gleb."""
            items = super().residents(branch, today).items
            bad = tuple(Unreadable(card.id, "name") for card in items if card.id == GLEB)
            return Reading(tuple(card for card in items if card.id != GLEB), unreadable=bad)

        def memberships(self, branch: int) -> Reading:  # type: ignore[type-arg]
            """All but Gleb's."""
            items = super().memberships(branch).items
            bad = tuple(Unreadable(one.resident, "b_date") for one in items if one.resident == GLEB)
            return Reading(tuple(one for one in items if one.resident != GLEB), unreadable=bad)

    return Spoilt(
        exchange.all_branches,
        exchange.all_types,
        exchange.groups_of,
        exchange.residents_of,
        exchange.memberships_of,
        records=exchange.records,
        now=exchange.now,
    )


# --- lessons ---------------------------------------------------------------------------------


def asked(school: PlainSchool) -> list[int]:
    """The lessons that the last run looked for by number."""
    assert school.last_exchange is not None
    return school.last_exchange.asked_for


def test_a_missing_lesson_is_asked_for_before_it_is_gone(school: PlainSchool) -> None:
    """It is looked for by its number, and reversed when it is nowhere; after that nobody asks."""
    school.lessons = [held(1), held(2)]
    school.night()
    school.lessons = [held(2)]
    assert coins(school.dry_run()) == [(1, ADA, -10)]
    assert asked(school) == [1]
    school.night()
    assert asked(school) == []


def test_an_empty_answer_is_doubted_and_nothing_is_asked_for(school: PlainSchool) -> None:
    """Where lessons were known an answer without any is the CRM's fault: the guard refuses it."""
    school.lessons = [held(1)]
    school.night()
    school.lessons = []
    outcomes = school.dry_run(branches=(LEFT,))
    assert asked(school) == []
    assert [plan.check(school.settings.limits) for plan in plans(outcomes)] == [
        (),
        (),
        ("no lessons where 1 were known",),
    ]


def test_where_only_planned_lessons_were_known_they_are_asked_for(school: PlainSchool) -> None:
    """No coins hang on a lesson that was not held yet."""
    school.lessons = [held(1, status=Status.PLANNED)]
    school.night()
    school.lessons = []
    school.dry_run(branches=(LEFT,))
    assert asked(school) == [1]


@pytest.mark.parametrize(("missing", "are_asked"), [(MISSING_ASKED_MAX, True), (51, False)])
def test_many_missing_lessons_are_doubted(
    school: PlainSchool, missing: int, are_asked: bool
) -> None:
    """Up to so many are asked for one by one; of more the guard says that the answer lacks them."""
    numbers = range(2, missing + 2)
    school.settings = replace(school.settings, limits=Limits(reversals_free=100))
    school.lessons = [held(1), *(held(number) for number in numbers)]
    school.night()
    school.lessons = [held(1)]
    outcomes = school.dry_run(branches=(LEFT,))
    assert asked(school) == (list(numbers) if are_asked else [])
    refusals = plans(outcomes)[-1].check(school.settings.limits)
    text = f"{missing} of {missing + 1} known lessons are missing from the answer"
    assert refusals == (() if are_asked else (text,))


def test_an_unreadable_lesson_is_neither_asked_for_nor_gone(school: PlainSchool) -> None:
    """It is there; only what it says is not known."""
    school.lessons = [held(1), held(2)]
    school.night()
    school.spoil = lambda exchange: replace(exchange, spoilt=frozenset({1}))
    outcomes = school.dry_run()
    assert (coins(outcomes), asked(school)) == ([], [])
    assert remarks(outcomes, RemarkKind.UNREADABLE) == [(1, None, None)]


def test_a_window_that_cannot_be_read_leaves_the_others_alone(school: PlainSchool) -> None:
    """October's lost lesson cannot be asked for; November is planned all the same."""
    school.lessons = [held(1, on=OCTOBER), held(3, on=OCTOBER)]
    school.night()
    school.lessons = [held(3, on=OCTOBER), held(2)]
    school.spoil = lambda exchange: replace(exchange, torn="single lessons")
    outcomes = school.dry_run(branches=(LEFT,))
    assert [type(outcome.error) for outcome in outcomes] == [
        type(None),
        IncompleteRead,
        type(None),
    ]
    assert coins(outcomes) == [(2, ADA, 10)]


def test_a_visitor_from_the_other_branch_is_known_there(school: PlainSchool) -> None:
    """Mila is of the right branch; in a joint lesson with one of her groups she is a member."""
    school.night()
    joint = held(1, ADA, MILA, groups=(LEFT_GROUP, 21))
    school.lessons = [joint]
    assert coins(school.dry_run()) == [(1, ADA, 10), (1, MILA, 10)]


def test_a_schedule_with_gaps_stops_a_school_that_goes_by_it(school: PlainSchool) -> None:
    """Its lessons might count as unscheduled. Where no rule asks for it, nothing is lost."""

    class Gaps(PlainExchange):
        """A line of the schedule cannot be understood."""

        def schedule(self, branch: int) -> Reading[RegularLesson]:
            """One line is missing."""
            return Reading(unreadable=(Unreadable(5, "day"),))

    def with_gaps(exchange: PlainExchange) -> PlainExchange:
        return Gaps(
            exchange.all_branches,
            exchange.all_types,
            exchange.groups_of,
            exchange.residents_of,
            exchange.memberships_of,
            now=exchange.now,
        )

    school.spoil = with_gaps
    assert all(outcome.error is None for outcome in school.dry_run())
    school.settings = replace(school.settings, rules=(a_rule(scheduled_only=True),))
    (error, _) = [outcome.error for outcome in school.dry_run()]
    assert isinstance(error, IncompleteRead)
    assert "1 lines of the schedule are unreadable" in error.message


def test_a_mark_is_late_when_the_reading_before_could_have_brought_it(
    school: PlainSchool,
) -> None:
    """On the day of the lesson itself a teacher may still be marking."""
    school.lessons = [
        held(1, on=TODAY, mark=Mark.NOT_MARKED),
        held(2, on=TODAY - timedelta(days=1), mark=Mark.NOT_MARKED),
    ]
    school.night()
    school.now += timedelta(days=3)
    school.lessons = [held(1, on=TODAY), held(2, on=TODAY - timedelta(days=1))]
    outcomes = school.dry_run()
    assert sorted(coins(outcomes)) == [(1, ADA, 10), (2, ADA, 10)]
    assert remarks(outcomes, RemarkKind.LATE) == [(2, ADA, None)]


def test_each_step_says_how_many_requests_it_took(school: PlainSchool) -> None:
    """Together they are all of them."""
    outcomes = school.dry_run()
    assert school.last_exchange is not None
    assert [outcome.calls for outcome in outcomes] == [6, 1, 1, 6, 1, 1]
    assert school.last_exchange.calls == 16


def test_the_digest_of_a_run_is_that_of_its_changes(school: PlainSchool) -> None:
    """A branch where nothing changes is no part of it; without any change there is none."""
    school.night()
    assert run_digest(school.dry_run()) == ""
    school.lessons = [held(1)]
    alone = run_digest(school.dry_run(branches=(LEFT,)))
    assert run_digest(school.dry_run()) == alone
    school.lessons += [held(2, MILA, branch=RIGHT)]
    assert run_digest(school.dry_run()) != alone


# --- behind real HTTP ------------------------------------------------------------------------


def test_a_night_takes_few_requests(synced: Installation) -> None:
    """One login and the branches, then for each branch four lists and three for each window.

    Nothing more.
    """
    assert synced.simulator is not None
    synced.simulator.requests.clear()
    synced.ok("sync")
    assert len(synced.simulator.requests) == 2 + 2 * (4 + 2 * 3)


def test_faults_in_the_middle_of_a_run_pass(synced: Installation) -> None:
    """A lost token or a failing answer is mended, and the plan is as empty as before."""
    assert synced.simulator is not None
    # The second loss comes when the calls that met the first one have been repeated: a call that
    # meets both is refused for good.
    synced.simulator.faults.add("lost_token", at=(4, 15))
    synced.simulator.faults.add("error_503", at=(6,))
    assert synced.ok("sync", "--json").json["digest"] == ""


def test_memberships_are_remembered_after_the_crm_forgets_them(synced: Installation) -> None:
    """A pupil who changes group keeps the coins of the lessons before."""
    books = synced.school.tables
    lesson = synced.paid_lessons()[-1]
    who = synced.paid_resident(lesson.id)
    other = next(
        group.id
        for group in books.groups.values()
        if group.branch_id == 1 and group.id not in lesson.group_ids
    )
    before = synced.balances()[who]
    synced.school.act("change_group", customer=who, from_group=lesson.group_ids[0], to_group=other)
    synced.ok("sync")
    synced.school.act("advance", days=1)
    synced.configure(guards__reversals_free=100)
    synced.ok("sync")
    assert synced.balances()[who] >= before
    out = synced.ok("explain", f"#{who}", "--lesson", str(lesson.id)).out
    assert "member of the group that day" in out


def test_the_crm_decides_what_today_is(installation: Installation) -> None:
    """Lessons up to the school's own day are read, whatever the day is here."""
    installation.ok("sync")
    with installation.reader() as reader:
        assert {run.until for run in reader.runs(50) if run.purpose == "people"} == {
            installation.school.today.isoformat()
        }


def test_several_calls_at_once_read_the_same(synced: Installation) -> None:
    """With three calls under way the plan is as empty as with one, and takes no request more."""
    assert synced.simulator is not None
    synced.configure(alfacrm__calls=3)
    synced.simulator.requests.clear()
    report = synced.ok("sync", "--json").json
    assert {result["report"]["changes"] for result in report["results"]} == {0}
    assert len(synced.simulator.requests) == 2 + 2 * (4 + 2 * 3)
    assert sum(seen.path.endswith("auth/login") for seen in synced.simulator.requests) == 1


def test_several_calls_at_once_survive_faults(synced: Installation) -> None:
    """A lost token or a failing answer in one thread is mended without disturbing the others."""
    assert synced.simulator is not None
    synced.configure(alfacrm__calls=3)
    # The second loss comes when the calls that met the first one have been repeated: a call that
    # meets both is refused for good.
    synced.simulator.faults.add("lost_token", at=(4, 15))
    synced.simulator.faults.add("error_503", at=(6,))
    assert synced.ok("sync", "--json").json["digest"] == ""
