"""Every question to the database has its answer in core values."""

from __future__ import annotations

import inspect
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from coinsync.core.catalog import Item, RefundLine
from coinsync.core.facts import (
    Attendance,
    Branch,
    Decision,
    Doubt,
    DoubtKind,
    Group,
    Hold,
    HoldKind,
    LessonRecord,
    LessonType,
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
from coinsync.core.ledger import Head, KeyState, Kind, LedgerRow, lesson_key
from coinsync.core.plan import Plan, Post, Purpose, Put, Scope
from coinsync.core.planning.people import People
from coinsync.core.seal import Seal
from coinsync.errors import CoinsyncError
from coinsync.store import writer
from coinsync.store.engines.sqlite import path_of
from coinsync.store.queries.base import BATCH
from coinsync.store.reader import Reader
from tests.support import engines
from tests.support.goods import Shop, a_shop
from tests.support.makers import (
    ACCOUNT,
    ADA,
    BRANCH,
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
        Put(Link(55, ADA, LinkSource.CRM)),
    ],
)
HOLD = Hold(
    lesson_key(ACCOUNT, 2, GLEB), HoldKind.GUEST, 1, 2, GLEB, LATER, 10, "membership_unknown"
)
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
    Put(Link(55, GLEB, LinkSource.DESK)),
    Put(Link(66, ADA, LinkSource.DESK)),
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
            writer.apply(database, plan, order(), environment(name=f"r{hour}", now=at(hour)))
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
    questions = [
        name
        for name, _ in inspect.getmembers(Reader, inspect.isfunction)
        if not name.startswith("_")
    ]
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in questions if f".{name}(" not in text] == []


# --- people ---------------------------------------------------------------------------------------


def test_facts_are_found_by_the_first_column_of_their_key(reader: Reader) -> None:
    """Several rows may answer to a number, none to an unknown one; asked twice, it answers once."""
    assert reader.recorded(Branch, [2, 1, 2, 99]) == [Branch(1, "Kazan"), Branch(2, "Omsk")]
    assert {one.lesson for one in reader.recorded(Attendance, [2])} == {2}
    assert len(reader.recorded(Attendance, [2])) == 2
    assert reader.recorded(Group, []) == []


def test_all_facts_come_in_the_order_of_their_keys(reader: Reader) -> None:
    """Links by account, then resident."""
    assert (
        reader.all(Link)
        == reader.links()
        == [
            Link(55, ADA, LinkSource.CRM),
            Link(55, GLEB, LinkSource.DESK),
            Link(66, ADA, LinkSource.DESK),
        ]
    )
    assert [one.id for one in reader.all(Resident)] == [ADA, GLEB, MIRA, LEV]
    assert (reader.names(Branch), reader.names(Group)) == (
        {1: "Kazan", 2: "Omsk"},
        {GROUP: "Python"},
    )


def test_the_people_of_a_branch_come_with_what_lessons_refer_to(reader: Reader) -> None:
    """Its residents with their memberships and links, and the residents asked for besides."""
    found = reader.people(1)
    assert found == People(
        (Branch(1, "Kazan"), Branch(2, "Omsk")),
        (LessonType(2, "Group", 2),),
        (Group(GROUP, "Python"),),
        RESIDENTS[:2],
        (Membership(ADA, GROUP), Membership(GLEB, GROUP, date(2026, 9, 1), date(2026, 10, 1))),
        (
            Link(55, ADA, LinkSource.CRM),
            Link(55, GLEB, LinkSource.DESK),
            Link(66, ADA, LinkSource.DESK),
        ),
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
    assert reader.resident(ADA) == reader.find(Resident, ADA) == RESIDENTS[0]
    assert reader.resident(999) is reader.find(Resident, 999) is None
    assert reader.residents_by_id([GLEB, 999, ADA]) == {ADA: RESIDENTS[0], GLEB: RESIDENTS[1]}


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("ада", [ADA]),
        ("АДА", [ADA]),
        ("M", [MIRA, ADA]),
        ("mi", [MIRA]),
        ("м.", [ADA]),
        ("леб", []),
        ("c", [GLEB]),
        ("%", []),
        ("x", []),
    ],
)
def test_residents_are_found_by_a_part_of_the_name(
    reader: Reader, part: str, found: list[int]
) -> None:
    """In any case of letters, Cyrillic too, and no sign stands for others."""
    assert [one.id for one in reader.residents_named(part)] == found


def test_a_visitor_sees_the_linked_residents_alone(reader: Reader) -> None:
    """By name; a stranger sees nobody."""
    assert [one.id for one in reader.residents_of_visitor(55)] == [ADA, GLEB]
    assert [one.id for one in reader.residents_of_visitor(66)] == [ADA]
    assert reader.residents_of_visitor(77) == []


def test_the_links_of_a_resident_are_found(reader: Reader) -> None:
    """By account."""
    assert reader.links_of([ADA]) == [Link(55, ADA, LinkSource.CRM), Link(66, ADA, LinkSource.DESK)]
    assert reader.links_of([MIRA]) == []


def test_the_numbers_of_all_residents_are_known(reader: Reader) -> None:
    """The vanished among them."""
    assert reader.resident_ids() == {ADA, GLEB, MIRA, LEV}


# --- lessons --------------------------------------------------------------------------------------


def test_rolls_are_found_by_branch_and_window(reader: Reader) -> None:
    """Both days are included; another branch's lessons are not."""
    assert reader.lesson_records(1, DAY, LATER) == {
        1: LessonRecord(a_lesson(1), (present(ADA, lesson=1),)),
        2: LessonRecord(
            a_lesson(2, on=LATER), (present(ADA, lesson=2), present(GLEB, Mark.ABSENT, lesson=2))
        ),
    }
    assert list(reader.lesson_records(1, DAY, DAY)) == [1]
    assert list(reader.lesson_records(1, date(2026, 11, 3), LATER)) == [2]
    assert list(reader.lesson_records(2, DAY, LATER)) == [3]
    assert reader.lesson_records(1, LATER, DAY) == {}


def test_rolls_are_found_by_number_wherever_they_are(reader: Reader) -> None:
    """Unknown numbers are left out."""
    assert set(reader.lesson_records_by_id([1, 3, 99])) == {1, 3}


def test_lessons_are_counted_by_their_type(reader: Reader) -> None:
    """Those of a branch, from a day on."""
    lessons = reader.lesson_records(1, date.min, date.max).values()
    types = Counter(record.lesson.type for record in lessons)
    assert reader.lessons_by_type(1, date.min) == types
    assert sum(types.values()) > 1
    assert reader.lessons_by_type(1, LATER + timedelta(days=1)) == {}


def test_a_lesson_without_anybody_has_no_attendances(tmp_path: Path) -> None:
    """It is known all the same."""
    url = new_database(tmp_path)
    with writing(url) as database:
        writer.apply(database, a_plan(Put(a_lesson())), order(), environment())
    with reading(url) as reader:
        assert reader.lesson_records_by_id([1]) == {1: LessonRecord(a_lesson(), ())}


def test_the_lessons_of_a_resident_come_newest_first(reader: Reader) -> None:
    """Each with this resident's attendance alone, in every branch."""
    assert reader.attended_lessons(ADA, DAY, LATER) == [
        LessonRecord(a_lesson(3, on=LATER, branch=2), (present(ADA, lesson=3),)),
        LessonRecord(a_lesson(2, on=LATER), (present(ADA, lesson=2),)),
        LessonRecord(a_lesson(1), (present(ADA, lesson=1),)),
    ]
    assert [record.lesson.id for record in reader.attended_lessons(GLEB, DAY, LATER)] == [2]
    assert reader.attended_lessons(ADA, date(2026, 11, 3), date(2026, 11, 8)) == []


def test_holds_are_found_by_lesson(reader: Reader) -> None:
    """By key."""
    assert reader.holds([1, 2, 3]) == {HOLD.key: HOLD}
    assert reader.holds([1]) == {}


# --- ledger ---------------------------------------------------------------------------------------


def test_the_head_says_how_far_the_ledger_has_come(reader: Reader, fresh: Reader) -> None:
    """Entries, runs and whose it is; nobody's before the first run."""
    assert reader.head() == Head(6, 5, ACCOUNT)
    assert fresh.head() == Head(0, 0, "")


def test_the_hashes_of_runs_are_found(reader: Reader, fresh: Reader) -> None:
    """By number, as far as there are such runs; the newest makes the seal."""
    recorded = {run.id: run.chain for run in reader.run_lines()}
    assert reader.chains([*recorded, 99]) == recorded
    assert len(set(recorded.values())) == 5
    assert reader.seal() == Seal(5, recorded[5][:20])
    assert fresh.seal() == Seal(0, "0" * 20)
    assert [reader.has_seal(Seal(id, chain[:20])) for id, chain in recorded.items()] == [True] * 5
    assert not reader.has_seal(Seal(5, recorded[4][:20]))
    assert not reader.has_seal(Seal(6, "0" * 20))
    assert fresh.has_seal(fresh.seal())


def test_the_newest_line_of_a_resident_has_a_seal(reader: Reader) -> None:
    """Newest is what was posted last, whatever day it is for; who has no line has no seal."""
    lines = reader.last_lines([ADA, GLEB, 999])
    recorded = {run.id: run.chain for run in reader.run_lines()}
    for resident, seal in reader.seals_of(lines).items():
        run = max(line.posted.run for line in lines[resident])
        assert seal == Seal(run, recorded[run][:20])
    assert reader.seals_of(lines).keys() == {ADA, GLEB}


def test_stands_say_where_keys_stand(reader: Reader) -> None:
    """An award is named until it is taken back; a key without entries is left out."""
    one, two = an_award(1).key, an_award(2).key
    assert reader.key_states([one, two, "desk:win", "desk:none"]) == {
        one: KeyState(one, 2, 0, None),
        two: KeyState(two, 1, 10, 2),
        "desk:win": KeyState("desk:win", 1, 50, None),
    }


def test_keys_with_several_entries(reader: Reader) -> None:
    """A key that was taken back is one; a key with its award alone is none."""
    keys = reader.keys_with_several_entries()
    assert an_award(1).key in keys
    assert an_award(2).key not in keys


def test_an_award_after_a_reversal_is_the_one_that_stands(tmp_path: Path) -> None:
    """The third entry of a key is what a fourth would take back."""
    url = new_database(tmp_path)
    plan = a_plan(
        Put(a_resident()),
        Post(an_award()),
        Post(a_reversal(an_award(), n=1)),
        Post(an_award(seq=3, coins=15)),
    )
    with writing(url) as database:
        writer.apply(database, plan, order(), environment())
    with reading(url) as reader:
        key = an_award().key
        assert reader.key_states([key]) == {key: KeyState(key, 3, 15, 3)}


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
    assert len(reader.key_states([f"desk:{n}" for n in many] + ["desk:win"])) == 1


@pytest.mark.parametrize(
    ("day", "coins"),
    [
        (date(2026, 11, 1), 0),
        (DAY, 0),
        (date(2026, 11, 8), 0),
        (LATER, 60),
        (date(2026, 11, 15), 40),
        (date.max, 40),
    ],
)
def test_a_balance_of_a_day_counts_what_happened_by_then(
    reader: Reader, day: date, coins: int
) -> None:
    """By the days on which things happened: the lesson taken back later never counted."""
    assert reader.balance(ADA, day) == coins


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
    assert [line.posted.n for line in reader.lines(ADA, limit=2)] == [6, 5]


def test_the_last_lines_of_several_residents_come_at_once(reader: Reader) -> None:
    """Each as if asked for alone; nobody's lines count against another's."""
    found = reader.last_lines([GLEB, ADA, MIRA, 999])
    assert found == {one: reader.lines(one) for one in (ADA, GLEB, MIRA, 999)}
    assert [line.posted.n for line in reader.last_lines([GLEB, ADA], 2)[ADA]] == [6, 5]
    assert reader.last_lines([]) == {}


def test_older_lines_follow_a_line_in_the_order_of_days(reader: Reader) -> None:
    """Entry 3 was posted after entry 2 and stands below it; a foreign entry has no follower."""
    following = [reader.older_lines(ADA, than) for than in (6, 5, 2, 3, 1)]
    assert [[line.posted.n for line in lines or ()] for lines in following] == [
        [5, 2, 3, 1],
        [2, 3, 1],
        [3, 1],
        [1],
        [],
    ]
    assert [line.posted.n for line in reader.older_lines(ADA, 6, 2) or ()] == [5, 2]
    (foreign, *_) = reader.lines(GLEB)
    assert [reader.older_lines(ADA, than) for than in (foreign.posted.n, 999, 0)] == [None] * 3


def test_entries_come_in_ledger_order(reader: Reader) -> None:
    """All, or so many after a number, with run and time."""
    assert [posted.n for posted in entries_of(reader)] == [1, 2, 3, 4, 5, 6]
    first = entries_of(reader)[0]
    assert (first.entry, first.run, first.posted_at) == (an_award(1), 2, "2026-11-22T02:00:00Z")
    assert {posted.entry.kind for posted in entries_of(reader)} == {
        Kind.AWARD,
        Kind.REVERSAL,
        Kind.CREDIT,
        Kind.DEBIT,
    }


# --- runs -----------------------------------------------------------------------------------------


def test_runs_come_newest_first(reader: Reader) -> None:
    """At most so many."""
    assert [run.id for run in reader.runs(9)] == [5, 4, 3, 2, 1]
    assert [run.id for run in reader.runs(2)] == [5, 4]


def test_one_run_and_what_it_posted(reader: Reader) -> None:
    """By its number; its entries are those that lie in the ledger under it."""
    assert reader.run_numbered(6) is None
    for number in (1, 2, 3, 4, 5):
        run = reader.run_numbered(number)
        assert run is not None
        posted = [line.posted.n for line in reader.lines_of_run(run)]
        assert posted == [row.n for row in reader.ledger() if row.run == number]


def test_one_run_is_found_by_its_own_id(reader: Reader) -> None:
    """Or not at all."""
    run = reader.run("r2-1")
    assert run is not None
    assert (run.id, run.entries, run.coins, run.since) == (2, 2, 20, "2026-11-01")
    assert reader.run("r9-1") is None


def test_the_last_run_of_a_purpose_is_found(reader: Reader) -> None:
    """By branch and purpose."""
    found = [
        reader.last_run(*asked)
        for asked in ((1, "people"), (1, "lessons"), (2, "lessons"), (2, "people"))
    ]
    assert [run and run.id for run in found] == [5, 2, 3, None]


def test_a_run_is_full_when_it_reached_the_day_of_its_reading(reader: Reader) -> None:
    """The last such run of a branch's lessons."""
    found = [reader.last_full_run(branch) for branch in (1, 2, 3)]
    assert [run and run.id for run in found] == [2, 3, None]


def test_the_first_reading_of_a_branch_is_remembered(reader: Reader) -> None:
    """Memberships are known since that day."""
    assert reader.first_read_on(1) == date(2026, 11, 20)
    assert reader.first_read_on(2) is None


def test_the_data_are_as_fresh_as_the_branch_that_waits_longest(
    reader: Reader, fresh: Reader
) -> None:
    """The oldest of the branches' last syncs of lessons; none before the first."""
    assert reader.last_synced_at() == "2026-11-22T02:00:00Z"
    assert fresh.last_synced_at() is None


def test_coins_began_with_the_first_lessons(reader: Reader, fresh: Reader) -> None:
    """Of whichever branch; a run of people alone is no beginning."""
    assert reader.began_at() == "2026-11-22T02:00:00Z"
    assert fresh.began_at() == ""


def test_a_fresh_database_answers_every_question(fresh: Reader) -> None:
    """Nothing is recorded, and nothing fails for that."""
    assert fresh.people(1) == People()
    assert fresh.runs(5) == []
    assert fresh.lines(1) == []
    assert entries_of(fresh) == []
    assert fresh.last_run(1, "people") is None
    assert fresh.first_read_on(1) is None


# --- merged cards ---------------------------------------------------------------------------------

#: The card OLD was merged into ADA, Ada's later into Gleb's; UNDONE was with Gleb's for a while.
OLD, UNDONE = 105, 106
KEY_1, KEY_2 = lesson_key(ACCOUNT, 1, ADA), lesson_key(ACCOUNT, 2, GLEB)
DECISIONS = (
    Decision(KEY_1, 1, ADA, 1, 10, "absent", "anna", LATER, "was there"),
    Decision(KEY_2, 2, GLEB, 0, 0, "membership_unknown", "anna", LATER, ""),
)
MERGES = (
    Merge(ADA, GLEB, (7,), (GLEB,)),
    Merge(OLD, ADA, (), (ADA,)),
    Merge(UNDONE, 0, (), (GLEB,)),
)
ABOUT_A_LESSON, ABOUT_ADA = (
    Doubt(ADA, kind, 1, "", "2026-11-22T02:00:00Z")
    for kind in (DoubtKind.LESSON_COPIES, DoubtKind.CARD_MISSING)
)
CARDS = [
    Put(ABOUT_A_LESSON),
    Put(ABOUT_ADA),
    *(
        Put(a_resident(id, name))
        for id, name in ((OLD, "Ада"), (ADA, "Ада М."), (GLEB, "Ада Минина"), (UNDONE, "Ада Н."))
    ),
    Put(Resident(MIRA, "", Presence.ERASED, ())),
    Put(Resident(LEV, "Лев", Presence.GONE, (1,))),
    *map(Put, MERGES),
    Put(Link(7, ADA, LinkSource.CRM, live=False)),
    Put(Link(7, GLEB, LinkSource.MERGE)),
    Put(Link(7, UNDONE, LinkSource.DESK, live=False)),
    Put(VkPage(GLEB, "ada.m", PageKind.PERSON, 7, LATER)),
    *map(Put, DECISIONS),
    Put(replace(HOLD, resident=ADA, key=KEY_1, lesson=1)),
    Put(HOLD),
]
MOVES = [
    Post(a_credit("1", OLD, 7, note="first")),
    Post(a_credit("2", ADA, 30, on=LATER, note="second")),
    Post(a_credit("3", GLEB, 5, on=LATER)),
    Post(a_credit("4", GLEB, -12, on=date(2026, 11, 12), note="a cap")),
    Post(a_credit("5", UNDONE, 2)),
]


@pytest.fixture(scope="module")
def merged_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three cards of one child with four lines, one that was merged once, one that is erased."""
    url = new_database(tmp_path_factory.mktemp("merged"))
    plans = (a_plan(*CARDS, Put(a_lesson())), a_plan(*MOVES[:3]), a_plan(*MOVES[3:]))
    with writing(url) as database:
        for hour, plan in enumerate(plans, 1):
            writer.apply(database, plan, order(), environment(name=f"m{hour}", now=at(hour)))
    return url


@pytest.fixture
def merged(merged_url: str) -> Iterator[Reader]:
    """A reader of that database."""
    with reading(merged_url) as found:
        yield found


def test_each_merged_card_leads_to_the_one_that_goes_on(merged: Reader, reader: Reader) -> None:
    """Over as many steps as it takes; a merge that was undone leads nowhere."""
    assert merged.survivors() == {ADA: GLEB, OLD: GLEB}
    assert reader.survivors() == {}


def test_all_cards_of_a_child_are_found_from_any_of_them(merged: Reader) -> None:
    """The one that goes on comes first."""
    assert [merged.cards_of(card) for card in (GLEB, ADA, OLD)] == [(GLEB, ADA, OLD)] * 3
    assert merged.cards_of(UNDONE) == (UNDONE,)
    assert merged.cards_of(999) == (999,)


def test_merges_are_found_undone_ones_too(merged: Reader) -> None:
    """With the accounts that moved along and all cards that they ever went on as."""
    assert merged.merges() == sorted(MERGES, key=lambda one: one.resident)


@pytest.mark.parametrize(
    ("merges", "survivors"),
    [
        ([(1, 2), (2, 1)], {2: 1}),
        ([(1, 1)], {}),
        ([(1, 2), (2, 3), (3, 2)], {1: 2, 3: 2}),
        ([(9, 4), (4, 5), (5, 6), (6, 4), (8, 9)], {5: 4, 6: 4, 8: 4, 9: 4}),
        ([(1, 2), (2, 3), (3, 4), (4, 5)], {1: 5, 2: 5, 3: 5, 4: 5}),
    ],
)
def test_a_circle_of_cards_has_an_end_and_a_survivor(
    tmp_path: Path, merges: list[tuple[int, int]], survivors: dict[int, int]
) -> None:
    """However damaged the merges are, everybody's coins are counted once."""
    url = new_database(tmp_path)
    cards = range(1, 10)
    put_in(
        url,
        newcomers(*cards),
        a_plan(*(Post(a_credit(str(card), card, 10**card)) for card in cards)),
    )
    with engines.tampering(url) as connection:
        for merge in merges:
            connection.execute("INSERT INTO merged_card VALUES (?, ?, ',', ',')", merge)
    with reading(url) as reader:
        assert reader.survivors() == survivors
        owners = {survivors.get(card, card) for card in cards}
        assert sum(reader.balances(owners).values()) == sum(10**card for card in cards)
        assert {reader.balance(card) for card in cards} == set(reader.balances(owners).values())


def test_balances_count_the_coins_of_all_cards_together(merged: Reader) -> None:
    """Whichever card is asked for."""
    assert merged.balances([GLEB, ADA, OLD, UNDONE, MIRA]) == {
        GLEB: 30,
        ADA: 30,
        OLD: 30,
        UNDONE: 2,
        MIRA: 0,
    }
    assert [merged.balance(card) for card in (GLEB, ADA, OLD, UNDONE, 999)] == [30, 30, 30, 2, 0]
    assert merged.balances([GLEB], upto=2) == {GLEB: 37}


def test_balances_are_those_of_a_day_when_one_is_named(merged: Reader) -> None:
    """By the days on which things happened, over all cards."""
    days = (date(2026, 11, 1), DAY, LATER, date(2026, 11, 12))
    assert [merged.balances([ADA], until=day)[ADA] for day in days] == [0, 7, 42, 30]
    assert [merged.balance(ADA, day) for day in days] == [0, 7, 42, 30]


def test_coins_by_day_begin_with_all_that_was_before(merged: Reader) -> None:
    """Over all cards; what is up to the first day may stand under several of these days."""
    survivors = merged.survivors()
    owner = survivors.get(ADA, ADA)
    for since, later in (
        (date(2026, 11, 1), {DAY: 7, LATER: 35, date(2026, 11, 12): -12}),
        (LATER, {date(2026, 11, 12): -12}),
        (date.max, {}),
    ):
        coins = merged.coins_by_day([owner, MIRA], since, survivors=survivors)
        assert {day: moved for day, moved in coins[owner].items() if day > since} == later
        assert (coins[owner].total(), coins[MIRA]) == (30, {})


def test_balances_may_be_asked_as_if_cards_were_merged_otherwise(merged: Reader) -> None:
    """What a merge or its undoing would bring is known before it is written."""
    assert merged.balances([GLEB, ADA, OLD], survivors={}) == {GLEB: -7, ADA: 30, OLD: 7}
    assert merged.balances([GLEB, OLD], survivors={OLD: ADA}) == {GLEB: -7, OLD: 37}
    assert merged.balances([UNDONE], survivors={GLEB: UNDONE, ADA: UNDONE, OLD: UNDONE}) == {
        UNDONE: 32
    }


def test_the_lines_of_a_child_come_from_all_cards(merged: Reader) -> None:
    """One history, each line under its own card."""
    lines = [(line.posted.n, line.posted.entry.resident) for line in merged.lines(GLEB)]
    assert lines == [(5, GLEB), (3, GLEB), (2, ADA), (1, OLD)]
    assert merged.lines(ADA) == merged.lines(OLD) == merged.lines(GLEB)


def test_the_last_lines_of_a_child_come_from_all_cards(merged: Reader) -> None:
    """Whichever cards are asked for, and also where two of them are one child's."""
    found = merged.last_lines([OLD, GLEB, UNDONE])
    assert found == {one: merged.lines(one) for one in (OLD, GLEB, UNDONE)}
    assert found[OLD] == found[GLEB]
    newest, *rest = found[GLEB]
    assert merged.older_lines(OLD, newest.posted.n) == rest


def test_a_merged_card_is_not_found_by_name(merged: Reader) -> None:
    """The one that goes on is, and one whose merge was undone."""
    assert [one.id for one in merged.residents_named("ада")] == [GLEB, UNDONE]


def test_a_visitor_sees_through_live_links_alone(merged: Reader) -> None:
    """A revoked link shows nobody, and is told among all links all the same."""
    assert [one.id for one in merged.residents_of_visitor(7)] == [GLEB]
    assert merged.links_of([UNDONE]) == [Link(7, UNDONE, LinkSource.DESK, live=False)]
    assert [one.live for one in merged.links()] == [False, True, False]


def test_people_come_with_vk_answers_and_with_who_is_merged(merged: Reader) -> None:
    """So that the planner knows whom not to ask about and whom not to link."""
    people = merged.people(BRANCH)
    assert people.merged == frozenset({ADA, OLD})
    assert people.pages == (VkPage(GLEB, "ada.m", PageKind.PERSON, 7, LATER),)
    assert people.closed == frozenset({ADA, OLD})
    assert merged.people(BRANCH, {MIRA}).closed == frozenset({ADA, OLD, MIRA})


def test_numbers_of_residents_may_be_asked_by_presence(merged: Reader) -> None:
    """Who is gone, who is erased, or everybody."""
    assert merged.resident_ids(Presence.GONE) == {LEV}
    assert merged.resident_ids(Presence.ERASED) == {MIRA}
    assert merged.resident_ids(Presence.LEAD) == frozenset()
    assert merged.resident_ids() == {ADA, GLEB, MIRA, LEV, OLD, UNDONE}


# --- what persons said ----------------------------------------------------------------------------


def test_decisions_are_found_by_lesson_and_by_resident(merged: Reader, reader: Reader) -> None:
    """By key, and in the order of keys; an own card's alone."""
    assert merged.decisions([1, 2, 3]) == {one.key: one for one in DECISIONS}
    assert merged.decisions([2]) == {KEY_2: DECISIONS[1]}
    assert merged.decisions_of([GLEB, ADA]) == list(DECISIONS)
    assert merged.decisions_of([ADA]) == [DECISIONS[0]]
    assert reader.decisions([1]) == {}


def test_holds_are_found_by_resident(merged: Reader) -> None:
    """An own card's alone."""
    assert [hold.key for hold in merged.holds_of([ADA, GLEB])] == [KEY_1, KEY_2]
    assert merged.holds_of([GLEB]) == [HOLD]
    assert merged.holds_of([OLD]) == []


def test_notes_are_found_by_resident(merged: Reader) -> None:
    """With number and salt, so that each can be dropped."""
    assert [(note.n, note.text) for note in merged.notes_of([GLEB, ADA])] == [
        (2, "second"),
        (5, "a cap"),
    ]
    assert [note.text for note in merged.notes_of([OLD])] == ["first"]
    assert merged.notes_of([UNDONE]) == []
    assert [note.text for note in merged.notes()] == ["first", "second", "a cap"]
    assert all(note.salt for note in merged.notes())


# --- single lines and whole ledgers ---------------------------------------------------------------


def test_a_line_is_found_by_its_number(reader: Reader) -> None:
    """With its lesson, its note and what took it back; or not at all."""
    by_number = {line.posted.n: line for line in reader.lines(ADA)}
    assert {n: reader.line(n) for n in by_number} == by_number
    assert reader.line(7) is None
    assert reader.line(0) is None


def test_lines_are_found_by_key(reader: Reader) -> None:
    """All numbers of a key, in ledger order over all keys; unknown keys answer nothing."""
    keys = ["desk:win", an_award(1).key, "desk:none"]
    assert [line.posted.n for line in reader.lines_under(keys)] == [1, 3, 5]
    assert reader.lines_under([]) == []
    many = [f"desk:{n}" for n in range(BATCH + 3)]
    assert [line.posted.n for line in reader.lines_under(["desk:win", *many, an_award(1).key])] == [
        1,
        3,
        5,
    ]


def test_what_moved_in_a_span_of_days_is_added_up(merged: Reader) -> None:
    """By resident, month, kind and rule, both days included; gains and losses apart."""
    survivors = merged.survivors()
    everybody = [each.id for each in merged.residents() if each.id not in survivors]
    sums = merged.month_sums(everybody, date.min, date.max)
    entries = [line.posted.entry for line in merged.journal()]
    assert sum(total.coins for total in sums) == sum(entry.coins for entry in entries)
    assert {total.resident for total in sums} <= set(everybody)
    assert {(total.month, total.kind, total.rule, total.coins > 0) for total in sums} == {
        (f"{entry.happened_on:%Y-%m}", entry.kind, entry.rule, entry.coins > 0) for entry in entries
    }
    [late] = merged.month_sums([GLEB], LATER, LATER)[:1]
    assert late.month == f"{LATER:%Y-%m}"
    assert merged.month_sums([], date.min, date.max) == []


def test_lines_are_found_by_the_beginning_of_their_keys(reader: Reader) -> None:
    """Up to a colon, and without the key itself; letters alike are no beginning."""
    lesson = an_award(1).key.rpartition(":")[0]
    assert [line.posted.n for line in reader.lines_below(lesson)] == [1, 3]
    assert [line.posted.n for line in reader.lines_below("desk")] == [4, 5, 6]
    assert reader.lines_below("desk:win") == reader.lines_below("des") == []


def test_what_was_posted_lately_is_found(merged: Reader) -> None:
    """From a moment on, that moment included; of the own card alone."""
    two, three = "2026-11-22T02:00:00Z", "2026-11-22T03:00:00Z"
    assert [line.posted.n for line in merged.lines_posted_since([GLEB], two)] == [3, 5]
    assert [
        line.posted.n for line in merged.lines_posted_since([GLEB], "2026-11-22T02:00:01Z")
    ] == [5]
    assert [line.note for line in merged.lines_posted_since([GLEB], three)] == ["a cap"]
    assert merged.lines_posted_since([ADA], three) == []


def test_the_journal_holds_every_line(reader: Reader) -> None:
    """In ledger order, or by day and then by number; both days of a span are included."""
    assert [line.posted.n for line in reader.journal()] == [1, 2, 3, 4, 5, 6]
    assert [line.posted.n for line in reader.journal(by_day=True)] == [1, 3, 4, 2, 5, 6]
    assert [line.posted.n for line in reader.journal(since=LATER, until=LATER)] == [2, 5]
    assert [line.posted.n for line in reader.journal(until=DAY, by_day=True)] == [1, 3, 4]
    lines = {line.posted.n: line for line in reader.journal()}
    assert lines[1] == reader.line(1)
    assert (lines[5].note, lines[1].reversed_by) == ("first place", 3)


def test_the_ledger_comes_as_it_lies_there(reader: Reader) -> None:
    """Row by row in its order, with nothing changed on the way."""
    rows = list(reader.ledger())
    assert [row.n for row in rows] == [1, 2, 3, 4, 5, 6]
    assert (rows[2].kind, rows[2].reverses, rows[2].lesson) == ("reversal", 1, 1)
    assert rows[4].note_digest


DAMAGE = {
    "coins": "UPDATE entry SET coins = 1.5 WHERE n = 2",
    "kind": "UPDATE entry SET kind = 'present' WHERE n = 2",
    "happened_on": "UPDATE entry SET happened_on = 'yesterday' WHERE n = 2",
    "key": "UPDATE entry SET op_key = 'NO KEY' WHERE n = 2",
    "rule": "UPDATE entry SET rule = x'00ff' WHERE n = 2",
    "resident": "PRAGMA foreign_keys = 0; UPDATE entry SET resident_id = 999 WHERE n = 2",
    "n": "UPDATE entry SET n = 9 WHERE n = 2",
}


@pytest.mark.sqlite
@pytest.mark.parametrize("column", DAMAGE)
def test_a_damaged_row_is_read_all_the_same(tmp_path: Path, column: str) -> None:
    """What a proof looks at may be damaged in any way; it comes as it lies there."""
    url = new_database(tmp_path)
    put_in(url, newcomers(), a_plan(*(Post(a_credit(str(n), coins=n)) for n in (1, 2, 3))))
    with reading(url) as reader:
        sound = list(reader.ledger())
    with closing(sqlite3.connect(path_of(url))) as connection, connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("PRAGMA ignore_check_constraints = 1")
        connection.executescript(DAMAGE[column])
    with reading(url) as reader:
        rows = list(reader.ledger())
    (found,) = [row for row in rows if row not in sound]
    assert {
        name for name in LedgerRow._fields if getattr(found, name) != getattr(sound[1], name)
    } == {column}
    assert [row for row in rows if row is not found] == [sound[0], sound[2]]


# --- what a proof asks ----------------------------------------------------------------------------


def test_the_head_and_the_runs_come_as_they_lie_there(reader: Reader, tmp_path: Path) -> None:
    """A missing head is told and not assumed."""
    assert reader.find_head() == reader.head()
    runs = list(reader.run_lines())
    assert [run.id for run in runs] == [1, 2, 3, 4, 5]
    assert (runs[1].purpose, runs[1].since, runs[1].entries) == ("lessons", "2026-11-01", 2)
    url = damaged(tmp_path, "DELETE FROM head")
    with reading(url) as broken:
        assert broken.find_head() is None


def damaged(folder: Path, *statements: str) -> str:
    """Two residents, a lesson and a credit; somebody has changed something behind the guards."""
    url = new_database(folder)
    put_in(url, newcomers(), a_plan(Put(a_lesson()), Put(present()), Post(a_credit("1"))))
    with engines.tampering(url) as connection:
        for statement in statements:
            connection.execute(statement)
    return url


def test_facts_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """The others are read all the same."""
    url = damaged(tmp_path, f"UPDATE resident SET presence = 'lost' WHERE id = {ADA}")
    with reading(url) as reader:
        assert reader.readable(Resident) == ([a_resident(GLEB)], [str(ADA)])
        assert reader.readable(Attendance) == ([present()], [])


def test_the_months_of_lessons_are_known(reader: Reader) -> None:
    """By branch, each once."""
    assert reader.months() == [(1, "2026-11"), (2, "2026-11")]


def test_a_sound_database_has_no_faults(reader: Reader) -> None:
    """Neither by the engine's word nor by ours."""
    assert (reader.damage(), reader.orphans(), reader.guards_missing(), reader.schema_faults()) == (
        [],
        [],
        (),
        [],
    )


def test_each_fault_of_a_database_is_told(tmp_path: Path) -> None:
    """Rows without what they refer to, guards that are gone, columns that are not ours."""
    url = damaged(
        tmp_path,
        "DELETE FROM lesson",
        "DROP TRIGGER run_no_update",
        "ALTER TABLE lesson ADD COLUMN teacher TEXT",
    )
    with reading(engines.as_owner(url)) as reader:
        ((table, _, parent),) = reader.orphans()
        assert (table, parent) == ("attendance", "lesson")
        assert reader.guards_missing() == ("run_no_update",)
        assert reader.schema_faults() == ["column lesson.teacher is not ours"]
        assert reader.damage() == []


@pytest.mark.sqlite
def test_a_text_that_is_no_text_is_an_error_until_it_is_taken(tmp_path: Path) -> None:
    """The error is ours; taken, the text has marks in the place of what is damaged."""
    url = damaged(tmp_path, f"UPDATE resident SET name = CAST(x'41ff42' AS TEXT) WHERE id = {ADA}")
    with reading(url) as reader:
        with pytest.raises(CoinsyncError), reader.speaking():
            reader.resident(ADA)
        reader.take_any_text()
        found = reader.resident(ADA)
        assert found is not None
        assert found.name == "A\N{REPLACEMENT CHARACTER}B"


# --- the shop -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three sales on two days, one at a fair and by two residents, and a refund of one line."""
    made = a_shop(tmp_path_factory.mktemp("shop"))
    made.open_fair()
    made.sell({"mug": 1}, ADA, key="b", day=LATER)
    made.sell({"pen": 1, "lesson": 1}, ADA, (GLEB, 20), key="a", event="fair")
    made.sell({"pen": 2}, GLEB, key="b-2")
    made.refund("a", 1)
    return made


def test_stock_is_a_sum_of_moves(shop: Shop) -> None:
    """0 of what never moved, and of what nobody knows."""
    with reading(shop.url) as reader:
        assert reader.stock(["pen", "mug", "lesson", "nothing"]) == {
            "lesson": 0,
            "mug": 4,
            "nothing": 0,
            "pen": 3,
        }
        assert reader.stock([]) == {}


def test_the_shelf_holds_what_families_see(shop: Shop) -> None:
    """In the order of the catalog, with what is left; what was never counted has nothing left."""
    with reading(shop.url) as reader:
        shelf = reader.shelf(100)
        seen = [item for item in reader.all(Item) if item.shown and not item.archived]
        assert [item for item, _ in shelf] == sorted(seen, key=lambda item: (item.place, item.code))
        assert {item.code: left for item, left in shelf} == reader.stock(item.code for item in seen)
        assert reader.shelf(1) == shelf[:1]


def test_moves_are_found_by_goods_by_sale_and_by_key(shop: Shop) -> None:
    """With their numbers, in their order."""
    with reading(shop.url) as reader:
        everything = reader.stock_moves()
        assert [n for n, _ in everything] == [1, 2, 3, 4, 5, 6]
        assert [move.quantity for _, move in reader.stock_moves(item="pen")] == [5, -1, -2, 1]
        assert reader.stock_moves(sale="a") == [one for one in everything if one[1].sale == "a"]
        assert [move.item for _, move in reader.stock_moves(key="sale:b:mug")] == ["mug"]
        assert reader.stock_keys(["sale:b:mug", "nothing"]) == {"sale:b:mug"}
        assert reader.stock_moves(key="nothing") == reader.stock_moves(item="lesson") == []


def test_every_row_of_the_shop_that_only_grows_comes_with_its_run(shop: Shop) -> None:
    """As it lies there, table by table; the note of a move is a digest alone."""
    with reading(shop.url) as reader:
        rows = list(reader.shop_rows())
        runs = {run.id for run in reader.run_lines()}
    assert list(dict.fromkeys(table for table, _, _ in rows)) == [
        "sale",
        "sale_line",
        "refund_line",
        "stock_move",
    ]
    assert {run for _, run, _ in rows} <= runs
    assert all(run in row for _, run, row in rows)


def test_sales_are_found_by_day_and_by_event(shop: Shop) -> None:
    """In the order in which they were made."""
    with reading(shop.url) as reader:
        assert [one.id for one in reader.sales()] == ["b", "a", "b-2"]
        assert [one.id for one in reader.sales(since=LATER, until=LATER)] == ["b"]
        assert [one.id for one in reader.sales(since=date(2026, 11, 10))] == ["a", "b-2"]
        assert [one.id for one in reader.sales(event="fair")] == ["a"]
        assert [one.id for one in reader.sales(event="")] == ["b", "b-2"]
        assert reader.sales(event="other") == []


def test_the_runs_of_refunds_are_found_by_sale(shop: Shop) -> None:
    """Each refunded line with the run in which it came back."""
    with reading(shop.url) as reader:
        runs = reader.refund_runs(["a", "b", "b-2", "none"])
        recorded = reader.recorded(RefundLine, ["a", "b", "b-2"])
        assert set(runs) == {(refund.sale, refund.line) for refund in recorded}
        assert set(runs.values()) <= {run.id for run in reader.run_lines()}
        assert runs


@pytest.mark.parametrize("many", [0, 600])
def test_what_was_paid_is_found_by_sale(shop: Shop, many: int) -> None:
    """Purchases, then refunds; a sale whose key begins like another's is another sale."""
    asked = ["a", "b", "none", *(f"x{n}" for n in range(many))]
    with reading(shop.url) as reader:
        found = reader.paid(asked)
    assert list(found) == asked
    told = {
        id: [(line.posted.entry.resident, line.posted.entry.coins) for line in found[id]]
        for id in asked[:3]
    }
    assert told == {
        "a": [(ADA, -7), (GLEB, -20), (ADA, 2), (GLEB, 5)],
        "b": [(ADA, -30)],
        "none": [],
    }


def test_doubts_are_found_by_card(merged: Reader) -> None:
    """And not where a lesson has the same number."""
    assert merged.all(Doubt) == [ABOUT_ADA, ABOUT_A_LESSON]
    assert merged.doubts_of([ADA, GLEB]) == [ABOUT_ADA]
    assert merged.doubts_of([GLEB]) == []
