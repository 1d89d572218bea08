"""Every question to the database has its answer in core values."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from coinsync.core.facts import (
    Attendance,
    Branch,
    Group,
    Hold,
    HoldKind,
    LessonType,
    Link,
    Mark,
    Membership,
    Presence,
    Resident,
    Roll,
)
from coinsync.core.ledger import Head, Kind, Stand, lesson_key
from coinsync.core.plan import Plan, Post, Purpose, Put, Scope
from coinsync.core.planner import People
from coinsync.store import writer
from coinsync.store.reader import BATCH, Reader
from tests.makers import (
    ACCOUNT,
    ADA,
    DAY,
    GLEB,
    GROUP,
    MONTH,
    a_credit,
    a_lesson,
    a_plan,
    a_resident,
    a_reversal,
    an_award,
    new_database,
    order,
    present,
    reading,
    surroundings,
    writing,
)

MIRA, LEV = 103, 104
LATER = date(2026, 11, 9)

RESIDENTS = (
    a_resident(ADA, "Ада М."),
    a_resident(GLEB, "Глеб С.", branches=(1, 2)),
    a_resident(MIRA, "Mira K.", branches=(2, 11)),
    Resident(LEV, "", Presence.GONE, ()),
)
PEOPLE = Plan.of(
    Purpose.PEOPLE,
    Scope(1, date(2026, 11, 20), date(2026, 11, 20)),
    [
        *map(Put, RESIDENTS),
        Put(Branch(1, "Kazan")),
        Put(Branch(2, "Omsk")),
        Put(LessonType(2, "Group", 2)),
        Put(Group(GROUP, "Python")),
        Put(Membership(ADA, GROUP)),
        Put(Membership(GLEB, GROUP, date(2026, 9, 1), date(2026, 10, 1))),
        Put(Membership(MIRA, 12)),
        Put(Link(55, ADA, "crm")),
        Put(Link(55, GLEB, "desk")),
        Put(Link(66, ADA, "desk")),
    ],
)
HOLD = Hold(lesson_key(ACCOUNT, 2, GLEB), HoldKind.GUEST, 1, 2, GLEB, LATER, 10, "membership_unknown")
LESSONS = Plan.of(
    Purpose.LESSONS,
    MONTH,
    [
        Put(a_lesson(1)),
        Put(a_lesson(2, on=LATER)),
        Put(a_lesson(3, on=LATER, branch=2)),
        Put(present(ADA, lesson=1)),
        Put(present(ADA, lesson=2)),
        Put(present(GLEB, Mark.ABSENT, lesson=2)),
        Put(present(ADA, lesson=3)),
        Put(HOLD),
        Post(an_award(1)),
        Post(an_award(2, on=LATER)),
    ],
)
AFTERWARDS = a_plan(
    Post(a_reversal(an_award(1), n=1)),
    Post(a_credit("win", coins=50, on=LATER, note="first place")),
    Post(a_credit("shop", coins=-20, on=date(2026, 11, 15))),
    Post(a_credit("gift", GLEB, 5)),
)


def at(hour: int) -> datetime:
    """An hour of the day on which everything was recorded."""
    return datetime(2026, 11, 22, hour, tzinfo=UTC)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two branches, four residents, three lessons, six entries, five runs."""
    url = new_database(tmp_path_factory.mktemp("reader"))
    omsk = Plan.of(Purpose.LESSONS, replace(MONTH, branch=2), [])
    later = replace(PEOPLE, scope=Scope(1, date(2026, 11, 21), date(2026, 11, 21)), changes=())
    with writing(url) as database:
        for hour, plan in enumerate((PEOPLE, LESSONS, omsk, AFTERWARDS, later), 1):
            writer.apply(database, plan, order(), surroundings(name=f"r{hour}", now=at(hour)))
    return url


@pytest.fixture
def reader(url: str) -> Iterator[Reader]:
    """A reader of that database."""
    with reading(url) as found:
        yield found


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Reader]:
    """A reader of a database in which nothing is recorded."""
    with reading(new_database(tmp_path)) as found:
        yield found


def test_every_question_is_asked_in_this_file() -> None:
    """A question that is added gets its test."""
    questions = [name for name, _ in inspect.getmembers(Reader, inspect.isfunction) if not name.startswith("_")]
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in questions if f".{name}(" not in text] == []


# --- people ----------------------------------------------------------------------------------------------------------


def test_facts_are_found_by_the_first_column_of_their_key(reader: Reader) -> None:
    """Several rows may answer to one number; unknown numbers answer nothing; a number asked twice answers once."""
    assert reader.recorded(Branch, [2, 1, 2, 99]) == [Branch(1, "Kazan"), Branch(2, "Omsk")]
    assert {one.lesson for one in reader.recorded(Attendance, [2])} == {2}
    assert len(reader.recorded(Attendance, [2])) == 2
    assert reader.recorded(Group, []) == []


def test_all_facts_come_in_the_order_of_their_keys(reader: Reader) -> None:
    """Links by account, then resident."""
    assert reader.all(Link) == reader.links() == [Link(55, ADA, "crm"), Link(55, GLEB, "desk"), Link(66, ADA, "desk")]
    assert [one.id for one in reader.all(Resident)] == [ADA, GLEB, MIRA, LEV]


def test_the_people_of_a_branch_come_with_what_lessons_refer_to(reader: Reader) -> None:
    """Its residents with their memberships and links, and the residents asked for besides."""
    found = reader.people(1)
    assert found == People(
        (Branch(1, "Kazan"), Branch(2, "Omsk")),
        (LessonType(2, "Group", 2),),
        (Group(GROUP, "Python"),),
        RESIDENTS[:2],
        (Membership(ADA, GROUP), Membership(GLEB, GROUP, date(2026, 9, 1), date(2026, 10, 1))),
        (Link(55, ADA, "crm"), Link(55, GLEB, "desk"), Link(66, ADA, "desk")),
    )
    more = reader.people(1, {MIRA, 999})
    assert {one.id for one in more.residents} == {ADA, GLEB, MIRA}
    assert Membership(MIRA, 12) in more.memberships


def test_residents_come_by_name(reader: Reader) -> None:
    """All, or those of a branch; branch 1 is not found in 11."""
    assert [one.id for one in reader.residents()] == [LEV, MIRA, ADA, GLEB]
    assert [one.id for one in reader.residents(1)] == [ADA, GLEB]
    assert [one.id for one in reader.residents(2)] == [MIRA, GLEB]
    assert [one.id for one in reader.residents(11)] == [MIRA]
    assert reader.residents(3) == []


def test_one_resident_is_found_by_number(reader: Reader) -> None:
    """Or not at all."""
    assert reader.resident(ADA) == RESIDENTS[0]
    assert reader.resident(999) is None


@pytest.mark.parametrize(
    ("part", "found"),
    [("ада", [ADA]), ("АДА", [ADA]), ("M", [MIRA]), ("м.", [ADA]), ("леб", [GLEB]), ("%", []), ("x", [])],
)
def test_residents_are_found_by_a_part_of_the_name(reader: Reader, part: str, found: list[int]) -> None:
    """In any case of letters, Cyrillic too, and no sign stands for others."""
    assert [one.id for one in reader.residents_named(part)] == found


def test_a_visitor_sees_the_linked_residents_alone(reader: Reader) -> None:
    """By name; a stranger sees nobody."""
    assert [one.id for one in reader.residents_of_visitor(55)] == [ADA, GLEB]
    assert [one.id for one in reader.residents_of_visitor(66)] == [ADA]
    assert reader.residents_of_visitor(77) == []


def test_the_links_of_a_resident_are_found(reader: Reader) -> None:
    """By account."""
    assert reader.links_of(ADA) == [Link(55, ADA, "crm"), Link(66, ADA, "desk")]
    assert reader.links_of(MIRA) == []


def test_the_numbers_of_all_residents_are_known(reader: Reader) -> None:
    """The vanished among them."""
    assert reader.resident_ids() == {ADA, GLEB, MIRA, LEV}


# --- lessons ---------------------------------------------------------------------------------------------------------


def test_rolls_are_found_by_branch_and_window(reader: Reader) -> None:
    """Both days are included; another branch's lessons are not."""
    assert reader.rolls(1, DAY, LATER) == {
        1: Roll(a_lesson(1), (present(ADA, lesson=1),)),
        2: Roll(a_lesson(2, on=LATER), (present(ADA, lesson=2), present(GLEB, Mark.ABSENT, lesson=2))),
    }
    assert list(reader.rolls(1, DAY, DAY)) == [1]
    assert list(reader.rolls(1, date(2026, 11, 3), LATER)) == [2]
    assert list(reader.rolls(2, DAY, LATER)) == [3]
    assert reader.rolls(1, LATER, DAY) == {}


def test_rolls_are_found_by_number_wherever_they_are(reader: Reader) -> None:
    """Unknown numbers are left out."""
    assert set(reader.rolls_by_id([1, 3, 99])) == {1, 3}


def test_a_lesson_without_anybody_has_an_empty_roll(tmp_path: Path) -> None:
    """It is known all the same."""
    url = new_database(tmp_path)
    with writing(url) as database:
        writer.apply(database, a_plan(Put(a_lesson())), order(), surroundings())
    with reading(url) as reader:
        assert reader.rolls_by_id([1]) == {1: Roll(a_lesson(), ())}


def test_the_lessons_of_a_resident_come_newest_first(reader: Reader) -> None:
    """Each with this resident's attendance alone, in every branch."""
    assert reader.attended_lessons(ADA, DAY, LATER) == [
        Roll(a_lesson(3, on=LATER, branch=2), (present(ADA, lesson=3),)),
        Roll(a_lesson(2, on=LATER), (present(ADA, lesson=2),)),
        Roll(a_lesson(1), (present(ADA, lesson=1),)),
    ]
    assert [roll.lesson.id for roll in reader.attended_lessons(GLEB, DAY, LATER)] == [2]
    assert reader.attended_lessons(ADA, date(2026, 11, 3), date(2026, 11, 8)) == []


def test_holds_are_found_by_lesson(reader: Reader) -> None:
    """By key."""
    assert reader.holds([1, 2, 3]) == {HOLD.key: HOLD}
    assert reader.holds([1]) == {}


# --- ledger ----------------------------------------------------------------------------------------------------------


def test_the_head_says_how_far_the_ledger_has_come(reader: Reader, fresh: Reader) -> None:
    """Entries, runs and whose it is; nobody's before the first run."""
    assert reader.head() == Head(6, 5, ACCOUNT)
    assert fresh.head() == Head(0, 0, "")


def test_the_hash_of_an_entry_is_found(reader: Reader) -> None:
    """By number, or None."""
    posted = {one.n: one.chain for one in reader.entries()}
    assert [reader.chain(n) for n in posted] == list(posted.values())
    assert len(set(posted.values())) == 6
    assert reader.chain(7) is None


def test_stands_say_where_keys_stand(reader: Reader) -> None:
    """An award that stands is named, one that was taken back is not; a key without entries is left out."""
    one, two = an_award(1).key, an_award(2).key
    assert reader.stands([one, two, "desk:win", "desk:none"]) == {
        one: Stand(one, 2, 0, None),
        two: Stand(two, 1, 10, 2),
        "desk:win": Stand("desk:win", 1, 50, None),
    }


def test_an_award_after_a_reversal_is_the_one_that_stands(tmp_path: Path) -> None:
    """The third entry of a key is what a fourth would take back."""
    url = new_database(tmp_path)
    plan = a_plan(
        Put(a_resident()), Post(an_award()), Post(a_reversal(an_award(), n=1)), Post(an_award(seq=3, coins=15))
    )
    with writing(url) as database:
        writer.apply(database, plan, order(), surroundings())
    with reading(url) as reader:
        key = an_award().key
        assert reader.stands([key]) == {key: Stand(key, 3, 15, 3)}


def test_balances_are_sums(reader: Reader) -> None:
    """0 for those without entries, and for the past as far as a number goes."""
    assert reader.balances([ADA, GLEB, MIRA, ADA]) == {ADA: 40, GLEB: 5, MIRA: 0}
    assert reader.balances([ADA], upto=2) == {ADA: 20}
    assert reader.balances([ADA], upto=0) == {ADA: 0}
    assert reader.balances([]) == {}
    assert [reader.balance(one) for one in (ADA, GLEB, MIRA, 999)] == [40, 5, 0, 0]


def test_more_keys_than_one_statement_takes_are_asked_in_batches(reader: Reader) -> None:
    """Nobody is lost at the edge of a batch."""
    many = range(1, 2 * BATCH + 7)
    found = reader.balances(many)
    assert list(found) == list(many)
    assert {one: coins for one, coins in found.items() if coins} == {ADA: 40, GLEB: 5}
    assert len(reader.stands([f"desk:{n}" for n in many] + ["desk:win"])) == 1


@pytest.mark.parametrize(
    ("day", "coins"),
    [(date(2026, 11, 1), 0), (DAY, 0), (date(2026, 11, 8), 0), (LATER, 60), (date(2026, 11, 15), 40), (date.max, 40)],
)
def test_a_balance_of_a_day_counts_what_happened_by_then(reader: Reader, day: date, coins: int) -> None:
    """By the days on which things happened: the lesson taken back later never counted."""
    assert reader.balance_until(ADA, day) == coins


def test_the_lines_of_a_resident_come_newest_first_with_their_lessons(reader: Reader) -> None:
    """By day, then number; each with its lesson, its note and what took it back."""
    lines = reader.lines(ADA)
    assert [(line.posted.n, line.posted.entry.coins) for line in lines] == [
        (6, -20),
        (5, 50),
        (2, 10),
        (3, -10),
        (1, 10),
    ]
    by_number = {line.posted.n: line for line in lines}
    assert by_number[1].lesson == by_number[3].lesson == a_lesson(1)
    assert by_number[2].lesson == a_lesson(2, on=LATER)
    assert by_number[5].lesson is None
    assert {n: line.note for n, line in by_number.items() if line.note} == {5: "first place"}
    assert {n: line.reversed_by for n, line in by_number.items() if line.reversed_by} == {1: 3}
    assert by_number[3].posted.entry.reverses == 1
    assert reader.lines(MIRA) == []


def test_lines_are_bounded_by_days_number_and_limit(reader: Reader) -> None:
    """Both days are included, the number is not."""
    assert [line.posted.n for line in reader.lines(ADA, since=LATER)] == [6, 5, 2]
    assert [line.posted.n for line in reader.lines(ADA, until=LATER)] == [5, 2, 3, 1]
    assert [line.posted.n for line in reader.lines(ADA, since=DAY, until=DAY)] == [3, 1]
    assert [line.posted.n for line in reader.lines(ADA, before=3)] == [2, 1]
    assert [line.posted.n for line in reader.lines(ADA, limit=2)] == [6, 5]


def test_entries_come_in_ledger_order(reader: Reader) -> None:
    """All, or so many after a number, with run and time."""
    assert [posted.n for posted in reader.entries()] == [1, 2, 3, 4, 5, 6]
    assert [posted.n for posted in reader.entries(2, 3)] == [3, 4, 5]
    first = next(iter(reader.entries()))
    assert (first.entry, first.run, first.posted_at) == (an_award(1), 2, "2026-11-22T02:00:00Z")
    assert {posted.entry.kind for posted in reader.entries()} == {Kind.AWARD, Kind.REVERSAL, Kind.CREDIT, Kind.DEBIT}


# --- runs ------------------------------------------------------------------------------------------------------------


def test_runs_come_newest_first(reader: Reader) -> None:
    """All, or a branch's, at most so many."""
    assert [run.id for run in reader.runs(9)] == [5, 4, 3, 2, 1]
    assert [run.id for run in reader.runs(2)] == [5, 4]
    assert [run.id for run in reader.runs(9, branch=2)] == [3]
    assert reader.runs(9, branch=3) == []


def test_one_run_is_found_by_its_own_id(reader: Reader) -> None:
    """Or not at all."""
    run = reader.run("r2-1")
    assert run is not None
    assert (run.id, run.entries, run.coins, run.since) == (2, 2, 20, MONTH.since)
    assert reader.run("r9-1") is None


def test_the_last_run_of_a_purpose_is_found(reader: Reader) -> None:
    """By branch and purpose."""
    found = [reader.last_run(*asked) for asked in ((1, "people"), (1, "lessons"), (2, "lessons"), (2, "people"))]
    assert [run and run.id for run in found] == [5, 2, 3, None]


def test_a_run_is_full_when_it_reached_the_day_of_its_reading(reader: Reader) -> None:
    """The last such run of a branch's lessons."""
    found = [reader.last_full_run(branch) for branch in (1, 2, 3)]
    assert [run and run.id for run in found] == [2, 3, None]


def test_the_first_reading_of_a_branch_is_remembered(reader: Reader) -> None:
    """Memberships are known since that day."""
    assert reader.first_read_on(1) == date(2026, 11, 20)
    assert reader.first_read_on(2) is None


def test_the_data_are_as_fresh_as_the_branch_that_waits_longest(reader: Reader, fresh: Reader) -> None:
    """The oldest of the branches' last syncs of lessons; none before the first."""
    assert reader.last_synced_at() == "2026-11-22T02:00:00Z"
    assert fresh.last_synced_at() is None


def test_a_fresh_database_answers_every_question(fresh: Reader) -> None:
    """Nothing is recorded, and nothing fails for that."""
    assert fresh.people(1) == People()
    assert fresh.runs(5) == []
    assert fresh.lines(1) == []
    assert list(fresh.entries()) == []
    assert fresh.last_run(1, "people") is None
    assert fresh.first_read_on(1) is None
