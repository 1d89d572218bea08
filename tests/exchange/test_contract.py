"""The contract that every exchange keeps, whatever the CRM behind it.

To add an exchange for another CRM, subclass ``ExchangeContract`` in a test file of its own and give
it three fixtures; all tests below then run against it::

    class TestMyCrm(ExchangeContract):
        @pytest.fixture
        def exchange(self, tmp_path): ...  # an exchange that reads the whole of SCHOOL

        @pytest.fixture
        def broken(self, tmp_path): ...  # one whose list of lessons can never be read whole

        @pytest.fixture
        def spoilt(self, tmp_path): ...  # one of whose lessons at least one cannot be understood

``SCHOOL`` is an made-up school with two branches; ``SCHOOL.tables`` holds every card, group and
lesson of it as plain records. Put them into the CRM in the CRM's own words, as ``written`` does for
a folder of files. Where the CRM knows less than that, say so in the class: ``tells_the_line`` is
whether a lesson itself says that it is a regular one.
"""

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from coinsync.core.facts import (
    Branch,
    Group,
    GroupStanding,
    LessonRecord,
    LessonType,
    Mark,
    Presence,
    Status,
)
from coinsync.errors import CoinsyncError, IncompleteRead
from coinsync.exchange.base import Exchange, Reading
from coinsync.exchange.csvfile import CsvExchange
from coinsync.simulator import School
from coinsync.simulator.tables import FOREVER
from tests.exchange.test_alfacrm import (
    LESSONS,
    SINCE,
    UNTIL,
    by_number,
    in_groups_of,
    line_in_books,
    memberships_in_books,
    reading,
    records_in_books,
    residents_in_books,
)
from tests.exchange.test_http import TODAY
from tests.support.edited_school import EditedSchool

T = TypeVar("T")

SCHOOL = EditedSchool(seed=11, residents=40, days=30, today=TODAY)
BRANCHES = sorted(SCHOOL.tables.branches)


class ExchangeContract(ABC):
    """What coinsync relies on. See the head of this file for how to use it."""

    tells_the_line = True

    @abstractmethod
    def exchange(self) -> Exchange:
        """A fixture: an exchange that reads the whole of ``SCHOOL``."""

    @abstractmethod
    def broken(self) -> Exchange:
        """A fixture: an exchange whose list of lessons can never be read whole."""

    @abstractmethod
    def spoilt(self) -> Exchange:
        """A fixture: an exchange that cannot understand at least one lesson of the first branch."""

    # What is read

    def test_the_branches(self, exchange: Exchange) -> None:
        """All of them, with their names."""
        expected = {Branch(one.id, one.name) for one in SCHOOL.tables.branches.values()}
        assert set(whole(exchange.branches())) == expected

    def test_the_lesson_types(self, exchange: Exchange) -> None:
        """All of them in every branch, with the kind on which each is based."""
        expected = {
            LessonType(one.id, one.name, one.base) for one in SCHOOL.tables.lesson_types.values()
        }
        for branch in BRANCHES:
            assert set(whole(exchange.lesson_types(branch))) == expected

    def test_the_groups(self, exchange: Exchange) -> None:
        """Those of the branch."""
        for branch in BRANCHES:
            expected = {
                Group(one.id, one.name)
                for one in SCHOOL.tables.groups.values()
                if one.branch_id == branch
            }
            assert set(whole(exchange.groups(branch))) == expected

    def test_the_residents(self, exchange: Exchange) -> None:
        """Pupils, leads and the archive, once each, under every branch that they belong to."""
        for branch in BRANCHES:
            found = whole(exchange.residents(branch, SCHOOL.today))
            assert {one.id: one for one in found} == residents_in_books(SCHOOL, branch)
            assert len(found) == len({one.id for one in found})

    def test_archived_residents_are_there(self, exchange: Exchange) -> None:
        """Nobody is gone because a card lies in the archive."""
        found = [
            one for branch in BRANCHES for one in whole(exchange.residents(branch, SCHOOL.today))
        ]
        assert {one.presence for one in found} == {
            Presence.CLIENT,
            Presence.LEAD,
            Presence.ARCHIVED,
        }

    def test_the_memberships(self, exchange: Exchange) -> None:
        """Of the groups of the branch today; others only of the branch's own residents."""
        for branch in BRANCHES:
            found = whole(exchange.memberships(branch))
            here = in_groups_of(SCHOOL, branch, found)
            assert here == memberships_in_books(SCHOOL, branch)
            residents = {one.id for one in whole(exchange.residents(branch, SCHOOL.today))}
            assert {one.resident for one in set(found) - here} <= residents
            assert len(found) == len(set(found))

    def test_the_schedule(self, exchange: Exchange) -> None:
        """The regular lessons of the branch's groups."""
        for branch in BRANCHES:
            expected = {
                line_in_books(one)
                for one in SCHOOL.tables.regular_lessons.values()
                if one.branch_id == branch and one.related_class == "Group"
            }
            assert set(whole(exchange.schedule(branch))) == expected

    def test_the_lesson_records(self, exchange: Exchange) -> None:
        """All lessons of branch and window, of any status, with everybody whom they list."""
        for branch in BRANCHES:
            found = by_number(whole(exchange.lesson_records(branch, SINCE, UNTIL)))
            assert found == self.expected(branch)
            assert {one.lesson.status for one in found.values()} >= {
                Status.PLANNED,
                Status.CONDUCTED,
            }

    def test_the_marks(self, exchange: Exchange) -> None:
        """All three are among them."""
        lesson_records = whole(exchange.lesson_records(BRANCHES[0], SINCE, UNTIL))
        marks = {one.mark for record in lesson_records for one in record.attendance}
        assert marks == {Mark.ATTENDED, Mark.ABSENT, Mark.NOT_MARKED}

    def expected(
        self, branch: int, since: date = SINCE, until: date = UNTIL
    ) -> dict[int, LessonRecord]:
        """What the books say of the lessons of a branch and window."""
        found = records_in_books(SCHOOL, branch, since, until)
        if self.tells_the_line:
            return found
        return {
            id: replace(record, lesson=replace(record.lesson, scheduled=False))
            for id, record in found.items()
        }

    # How it is read

    def test_a_lesson_record_is_in_order(self, exchange: Exchange) -> None:
        """Each resident once, in ascending order; the standing is left to the rules."""
        for record in whole(exchange.lesson_records(BRANCHES[0], SINCE, UNTIL)):
            listed = [one.resident for one in record.attendance]
            assert listed == sorted(set(listed))
            assert {one.lesson for one in record.attendance} <= {record.lesson.id}
            assert {one.standing for one in record.attendance} <= {GroupStanding.UNSETTLED}

    def test_both_ends_of_a_window_are_included(self, exchange: Exchange) -> None:
        """A window may be a single day."""
        day = max(record.lesson.date for record in self.expected(BRANCHES[0]).values())
        found = by_number(whole(exchange.lesson_records(BRANCHES[0], day, day)))
        assert found
        assert found == self.expected(BRANCHES[0], day, day)

    def test_windows_add_up(self, exchange: Exchange) -> None:
        """Two windows side by side are one."""
        half = SINCE + (UNTIL - SINCE) / 2
        first = whole(exchange.lesson_records(BRANCHES[0], SINCE, half))
        second = whole(exchange.lesson_records(BRANCHES[0], half + timedelta(days=1), UNTIL))
        assert first
        assert second
        assert by_number((*first, *second)) == self.expected(BRANCHES[0])

    def test_a_window_without_lessons_is_empty(self, exchange: Exchange) -> None:
        """Nothing took place, and that is certain."""
        assert (
            whole(exchange.lesson_records(BRANCHES[0], date(2020, 1, 1), date(2020, 1, 31))) == ()
        )

    def test_reading_twice_gives_the_same(self, exchange: Exchange) -> None:
        """Reading changes nothing."""
        branch = BRANCHES[0]
        assert exchange.residents(branch, SCHOOL.today) == exchange.residents(branch, SCHOOL.today)
        assert exchange.memberships(branch) == exchange.memberships(branch)
        assert exchange.groups(branch) == exchange.groups(branch)
        assert exchange.schedule(branch) == exchange.schedule(branch)
        assert exchange.lesson_records(branch, SINCE, UNTIL) == exchange.lesson_records(
            branch, SINCE, UNTIL
        )

    def test_every_lesson_is_found_by_its_number(self, exchange: Exchange) -> None:
        """As the list has it, whichever branch is asked first."""
        for branch in BRANCHES:
            for record in list(self.expected(branch).values())[::9]:
                assert exchange.find_lesson_record(record.lesson.id, BRANCHES) == record
                assert exchange.find_lesson_record(record.lesson.id, BRANCHES[::-1]) == record

    def test_what_is_nowhere_is_gone(self, exchange: Exchange) -> None:
        """A deleted lesson, and one that never was."""
        deleted = next(one.id for one in SCHOOL.tables.lessons.values() if one.deleted)
        assert exchange.find_lesson_record(deleted, BRANCHES) is None
        assert exchange.find_lesson_record(987_654_321, BRANCHES) is None

    def test_the_moment_is_aware(self, exchange: Exchange) -> None:
        """Or there is none."""
        moment = exchange.moment()
        assert moment is None or moment.utcoffset() is not None

    def test_requests_are_counted(self, exchange: Exchange) -> None:
        """From 0 up."""
        before = exchange.calls
        exchange.lesson_records(BRANCHES[0], SINCE, UNTIL)
        assert 0 == before <= exchange.calls

    def test_closing_twice_does_no_harm(self, exchange: Exchange) -> None:
        """With something read before or not."""
        exchange.close()
        exchange.close()

    # When it cannot be read

    def test_what_is_not_whole_says_so(self, broken: Exchange) -> None:
        """Incomplete, with a reason and without lessons; or an error that was foreseen."""
        try:
            found = broken.lesson_records(BRANCHES[0], SINCE, UNTIL)
        except CoinsyncError:
            return
        assert (found.items, found.complete) == ((), False)
        assert found.why

    def test_nothing_is_gone_from_what_is_not_whole(self, broken: Exchange) -> None:
        """To call a lesson gone takes its coins away."""
        lesson = next(iter(self.expected(BRANCHES[0])))
        with pytest.raises(CoinsyncError):
            broken.find_lesson_record(lesson, BRANCHES)

    def test_what_cannot_be_understood_is_named(self, spoilt: Exchange) -> None:
        """By number and path; the other lessons stand."""
        expected, found = (
            self.expected(BRANCHES[0]),
            spoilt.lesson_records(BRANCHES[0], SINCE, UNTIL),
        )
        bad = {one.id for one in found.unreadable}
        assert found.complete
        assert bad
        assert all(one.path for one in found.unreadable)
        assert by_number(found.items) == {
            id: record for id, record in expected.items() if id not in bad
        }

    def test_what_cannot_be_understood_is_not_gone(self, spoilt: Exchange) -> None:
        """It is there, whatever it says."""
        for one in spoilt.lesson_records(BRANCHES[0], SINCE, UNTIL).unreadable:
            with pytest.raises(IncompleteRead):
                spoilt.find_lesson_record(one.id, BRANCHES)


def whole(found: Reading[T]) -> tuple[T, ...]:
    """The items of a reading that is complete and wholly understood."""
    assert (found.complete, found.why, found.unreadable) == (True, "", ())
    return found.items


# AlfaCRM


@contextmanager
def on_simulator(kind: str = "", **fault: object) -> Iterator[Exchange]:
    """AlfaCRM as the simulator plays it, with a fault in its lists of lessons."""
    with reading(SCHOOL, page_size_max=50) as (crm, exchange):
        if kind:
            crm.faults.add(kind, match=LESSONS, **fault)
        yield exchange


class TestAlfaCrm(ExchangeContract):
    """AlfaCRM keeps the contract."""

    @pytest.fixture
    def exchange(self) -> Iterator[Exchange]:
        """All is well."""
        with on_simulator() as exchange:
            yield exchange

    @pytest.fixture
    def broken(self) -> Iterator[Exchange]:
        """Every total is wrong."""
        with on_simulator("wrong_total") as exchange:
            yield exchange

    @pytest.fixture
    def spoilt(self) -> Iterator[Exchange]:
        """The first lesson of every page has no type."""
        with on_simulator("bad_field", path="lesson_type_id", value="none") as exchange:
            yield exchange


# A folder of files


def written(folder: Path, school: School) -> Path:
    """The school as a folder of CSV files."""
    books = school.tables
    lessons = books.visible_lessons()
    _write(folder, "branches", "id,name", ((one.id, one.name) for one in books.branches.values()))
    _write(
        folder,
        "types",
        "id,name,base",
        ((one.id, one.name, one.base) for one in books.lesson_types.values()),
    )
    _write(
        folder,
        "groups",
        "id,name,branch",
        ((one.id, one.name, one.branch_id) for one in books.groups.values()),
    )
    cards = {
        one.id: one
        for branch in books.branches
        for one in residents_in_books(school, branch).values()
    }
    people = (
        (one.id, one.name, _list(one.branches), one.vk, one.presence.value)
        for one in cards.values()
    )
    _write(folder, "residents", "id,name,branches,vk,presence", people)
    seats = (one for held in books.members.values() for one in held if one.holds_on(school.today))
    _write(
        folder,
        "memberships",
        "resident,group,since,until",
        (
            (one.customer_id, one.group_id, one.b_date, "" if one.e_date == FOREVER else one.e_date)
            for one in seats
        ),
    )
    lines = (
        line_in_books(one) for one in books.regular_lessons.values() if one.related_class == "Group"
    )
    _write(
        folder,
        "schedule",
        "id,group,weekdays,starts,since,until",
        (
            (one.id, one.group, _list(one.weekdays), one.starts, one.since, one.until or "")
            for one in lines
        ),
    )
    words = {1: "planned", 2: "cancelled", 3: "conducted"}
    _write(
        folder,
        "lessons",
        "id,branch,date,starts,type,status,groups,subject",
        (
            (
                one.id,
                one.branch_id,
                one.date,
                f"{one.start:%H:%M}",
                one.lesson_type_id,
                words[one.status],
                _list(one.group_ids),
                one.subject_id,
            )
            for one in lessons
        ),
    )
    marks = {1: "attended", 0: "absent", None: ""}
    attendance: dict[tuple[int, int], str] = {}
    for lesson in lessons:
        attendance |= {(lesson.id, who): "" for who in lesson.customer_ids}
        attendance |= {(lesson.id, one.customer_id): marks[one.is_attend] for one in lesson.details}
    _write(
        folder,
        "attendance",
        "lesson,resident,mark",
        ((*pair, mark) for pair, mark in attendance.items()),
    )
    return folder


def _list(numbers: Iterable[int]) -> str:
    return " ".join(map(str, numbers))


def _write(folder: Path, name: str, header: str, rows: Iterable[Sequence[object]]) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(header.split(","))
        out.writerows(rows)


class TestCsv(ExchangeContract):
    """A folder of CSV files keeps the contract."""

    tells_the_line = False

    @pytest.fixture
    def exchange(self, tmp_path: Path) -> Exchange:
        """All is well."""
        return CsvExchange(written(tmp_path, SCHOOL))

    @pytest.fixture
    def broken(self, tmp_path: Path) -> Exchange:
        """The file of lessons is missing."""
        (written(tmp_path, SCHOOL) / "lessons.csv").unlink()
        return CsvExchange(tmp_path)

    @pytest.fixture
    def spoilt(self, tmp_path: Path) -> Exchange:
        """One mark of the first branch is a word that means nothing."""
        lesson = next(
            id for id, record in records_in_books(SCHOOL, BRANCHES[0]).items() if record.attendance
        )
        path = written(tmp_path, SCHOOL) / "attendance.csv"
        head, found, tail = path.read_text(encoding="utf-8").partition(f"\n{lesson},")
        cells, _, rest = tail.partition("\n")
        path.write_text(f"{head}{found}{cells.split(',')[0]},perhaps\n{rest}", encoding="utf-8")
        return CsvExchange(tmp_path)
