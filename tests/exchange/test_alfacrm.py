"""AlfaCRM as an exchange: what it reads is what the school has, or it says that it is not.

Nearly everything goes over HTTP to the simulator, whose records are compared without passing
through the client. Where the simulator is too well behaved, a scripted connection answers.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Barrier, Event
from time import sleep
from typing import Any

import pytest

from coinsync.config.settings import ResidentSettings
from coinsync.core.facts import (
    Attendance,
    Branch,
    Group,
    Lesson,
    LessonRecord,
    LessonType,
    Mark,
    Membership,
    Presence,
    RegularLesson,
    Resident,
    Status,
)
from coinsync.core.identity import NameForm, VkKind, read_vk
from coinsync.core.plan import Scope
from coinsync.core.planning.compare import COPIES
from coinsync.core.planning.people import People
from coinsync.environment import Progress, no_progress
from coinsync.errors import CrmRefused, IncompleteRead, NotAnAnswer
from coinsync.exchange.alfacrm import STATUSES, AlfaCrm
from coinsync.exchange.base import Unreadable, read_people
from coinsync.exchange.http import Http
from coinsync.exchange.wire import Bounds
from coinsync.simulator import Options, School, Simulator
from coinsync.simulator.tables import (
    FOREVER,
    CrmCustomer,
    CrmLesson,
    CrmMembership,
    CrmRegularLesson,
)
from tests.exchange.test_http import TODAY, Stub, Time, says
from tests.support.contradicting import ContradictingCrm
from tests.support.edited_school import EditedSchool
from tests.support.families import families

SINCE, UNTIL = TODAY - timedelta(days=44), TODAY + timedelta(days=14)
LESSONS = "lesson/index"
SCHOOL = EditedSchool(seed=7, today=TODAY)
MARKS = {1: Mark.ATTENDED, 0: Mark.ABSENT, None: Mark.NOT_MARKED}


# What stands in the books


def record_in_books(lesson: CrmLesson, *, scheduled: bool = True) -> LessonRecord:
    """A lesson of the books as a lesson record."""
    marks = dict.fromkeys(lesson.customer_ids, Mark.NOT_MARKED)
    marks |= {one.customer_id: MARKS[one.is_attend] for one in lesson.details}
    return LessonRecord(
        Lesson(
            lesson.id,
            lesson.branch_id,
            lesson.date,
            f"{lesson.start:%H:%M}",
            lesson.lesson_type_id,
            Status(lesson.status),
            tuple(sorted(lesson.group_ids)),
            lesson.subject_id,
            scheduled=scheduled and lesson.regular_id is not None,
        ),
        tuple(Attendance(lesson.id, who, mark) for who, mark in sorted(marks.items())),
    )


def records_in_books(
    school: School, branch: int, since: date = SINCE, until: date = UNTIL
) -> dict[int, LessonRecord]:
    """All lessons of a branch and window by number."""
    return {
        one.id: record_in_books(one)
        for one in school.tables.visible_lessons()
        if one.branch_id == branch and since <= one.date <= until
    }


def resident_in_books(card: CrmCustomer, today: date) -> Resident:
    """A card of the books as a resident with the full name."""
    active = Presence.CLIENT if card.is_study else Presence.LEAD
    presence = Presence.ARCHIVED if card.archived_on(today) else active
    return Resident(
        card.id,
        " ".join(card.name.split()),
        presence,
        tuple(sorted(card.branch_ids)),
        " ".join((card.vk or "").split()),
    )


def residents_in_books(school: School, branch: int) -> dict[int, Resident]:
    """Everybody of a branch by number."""
    cards = school.tables.customers.values()
    return {
        one.id: resident_in_books(one, school.today) for one in cards if branch in one.branch_ids
    }


def membership_in_books(seat: CrmMembership, *, dated: bool = True) -> Membership:
    """A membership of the books, with its days or without."""
    if not dated:
        return Membership(seat.customer_id, seat.group_id)
    return Membership(
        seat.customer_id,
        seat.group_id,
        seat.b_date,
        None if seat.e_date == FOREVER else seat.e_date,
    )


def memberships_in_books(school: School, branch: int, *, dated: bool = True) -> set[Membership]:
    """Who belongs to which group of a branch today."""
    books = school.tables
    return {
        membership_in_books(seat, dated=dated)
        for group, seats in books.members.items()
        for seat in seats
        if books.groups[group].branch_id == branch and seat.holds_on(school.today)
    }


def in_groups_of(school: School, branch: int, found: tuple[Membership, ...]) -> set[Membership]:
    """Those of the memberships that are in groups of a branch."""
    return {one for one in found if school.tables.groups[one.group].branch_id == branch}


def line_in_books(line: CrmRegularLesson) -> RegularLesson:
    """A line of the schedule of the books."""
    until = None if line.e_date == FOREVER else line.e_date
    return RegularLesson(
        line.id, line.related_id, (line.weekday,), f"{line.start:%H:%M}", line.b_date, until
    )


# The client


@contextmanager
def reading(
    school: School = SCHOOL,
    *,
    page_size: int = 500,
    calls: int = 1,
    progress: Progress = no_progress,
    clock: Time | None = None,
    **options: Any,
) -> Iterator[Any]:
    """A simulator of the school and an exchange that reads from it, as a pair."""
    timing = clock or Time()
    settings = Options(**{"rate_limit": None, **options})
    with ContradictingCrm(school, options=settings, clock=timing) as simulator:
        http = Http(
            simulator.url,
            simulator.email,
            simulator.api_key,
            clock=timing,
            sleep=timing.sleep,
            bounds=Bounds(),
        )
        kept = ResidentSettings(names=NameForm.FULL, vk_field="custom_vk")
        exchange = AlfaCrm(http, kept, page_size=page_size, calls=calls, progress=progress)
        try:
            yield simulator, exchange
        finally:
            exchange.close()


def bodies(simulator: Simulator, path: str) -> list[dict[str, Any]]:
    """The bodies of the calls to a list, in order."""
    return [one.fields() for one in simulator.requests if one.path.endswith(path)]


def by_number(lesson_records: tuple[LessonRecord, ...]) -> dict[int, LessonRecord]:
    """Lesson records by the number of their lesson, each once."""
    found = {one.lesson.id: one for one in lesson_records}
    assert len(found) == len(lesson_records)
    return found


class Scripted(Http):
    """A connection whose answers a function gives; it keeps what was asked."""

    def __init__(self, answer: Callable[[str, Mapping[str, Any]], dict[str, Any]]) -> None:
        clock = Time()
        super().__init__(
            "http://scripted.invalid", "", "", clock=clock, sleep=clock.sleep, bounds=Bounds()
        )
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answer_to = answer

    def log_in(self) -> None:
        """Nothing is to be got."""

    def call(
        self, path: str, body: Mapping[str, Any], query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What the script says."""
        self.calls += 1
        self.asked.append((path, dict(body)))
        return self._answer_to(path, body)


@contextmanager
def scripted(
    answer: Callable[[str, Mapping[str, Any]], dict[str, Any]], calls: int = 1
) -> Iterator[Any]:
    """A scripted connection and the exchange on it, as a pair."""
    http = Scripted(answer)
    exchange = AlfaCrm(http, ResidentSettings(), page_size=500, calls=calls)
    try:
        yield http, exchange
    finally:
        exchange.close()


def page(rows: list[dict[str, Any]], **changed: Any) -> dict[str, Any]:
    """One page that holds all rows; changed says otherwise."""
    return {"total": len(rows), "count": len(rows), "page": 0, "items": rows, **changed}


def row(number: int, **changed: Any) -> dict[str, Any]:
    """A conducted lesson of branch 1."""
    usual = {
        "id": number,
        "branch_id": 1,
        "date": "2026-11-20",
        "time_from": "2026-11-20 17:00:01",
        "status": 3,
    }
    return {**usual, "lesson_type_id": 2, "group_ids": [1], "details": [], **changed}


# Lessons


@pytest.mark.parametrize("branch", [1, 2])
@pytest.mark.parametrize("page_size_max", [500, 20, 7])
def test_the_lesson_records_are_those_of_the_books(branch: int, page_size_max: int) -> None:
    """Every lesson of the branch with everybody it lists, whatever the size of the pages."""
    with reading(page_size_max=page_size_max) as (_, exchange):
        found = exchange.lesson_records(branch, SINCE, UNTIL)
    assert found.complete
    assert found.unreadable == ()
    assert by_number(found.items) == records_in_books(SCHOOL, branch)
    assert {one.lesson.status for one in found.items} == {
        Status.PLANNED,
        Status.CANCELLED,
        Status.CONDUCTED,
    }


# Several calls at once


@pytest.mark.parametrize("calls", [2, 8])
@pytest.mark.parametrize("page_size_max", [500, 20, 7])
def test_several_calls_at_once_read_the_same(calls: int, page_size_max: int) -> None:
    """The same facts for the same requests, a page too many never."""
    requests = []
    for at_once in (1, calls):
        with reading(calls=at_once, page_size_max=page_size_max) as (crm, exchange):
            records = by_number(exchange.lesson_records(1, SINCE, UNTIL).items)
            residents = exchange.residents(1, TODAY).items
            requests.append(len(crm.requests))
        assert records == records_in_books(SCHOOL, 1)
        assert {resident.id: resident for resident in residents} == residents_in_books(SCHOOL, 1)
    assert requests[0] == requests[1]


def test_the_lists_of_a_window_are_asked_for_at_once() -> None:
    """Each answer waits until all three are asked for."""
    all_asked = Barrier(3, timeout=30)

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        all_asked.wait()
        return page([row(body["status"], status=body["status"])])

    with scripted(answer, calls=3) as (_, exchange):
        reading = exchange.lesson_records(1, SINCE, UNTIL)
    assert sorted(by_number(reading.items)) == [1, 2, 3]


def test_the_pages_of_a_list_are_asked_for_at_once() -> None:
    """All but the first one, which says how many there are."""
    others_asked = Barrier(3, timeout=30)

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if body["page"]:
            others_asked.wait()
        return page([{"id": body["page"] + 1}], total=4)

    with scripted(answer, calls=3) as (http, exchange):
        reading = exchange.groups(1)
    assert [group.id for group in reading.items] == [1, 2, 3, 4]
    assert len(http.asked) == 4


def test_never_more_calls_at_once_than_allowed() -> None:
    """Lists and their pages share them."""
    under_way: list[int] = []
    most: list[int] = []

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        under_way.append(1)
        most.append(len(under_way))
        sleep(0.002)
        under_way.pop()
        number = body["status"] * 10 + body["page"]
        return page([row(number, status=body["status"])], total=6)

    with scripted(answer, calls=2) as (_, exchange):
        reading = exchange.lesson_records(1, SINCE, UNTIL)
    assert len(reading.items) == 18
    assert max(most) == 2


@pytest.mark.parametrize("number", [0, 3])
def test_an_error_of_any_call_is_that_of_the_reading(number: int) -> None:
    """Whether it is the first page or a later one; the calls beside it end."""

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if body["page"] == number:
            raise CrmRefused("AlfaCRM refused the key")
        return page([{"id": body["page"] + 1}], total=5)

    with scripted(answer, calls=3) as (_, exchange), pytest.raises(CrmRefused):
        exchange.groups(1)


def test_threads_whose_token_is_lost_log_in_once() -> None:
    """The first one that is refused renews it, the others take the new one."""
    with reading(calls=3, page_size_max=7) as (crm, exchange):
        exchange.branches()
        crm.faults.add("lost_token", at=[1])
        assert exchange.residents(1, TODAY).complete
    assert sum(request.path.endswith("auth/login") for request in crm.requests) == 2


def test_lists_that_are_expected_are_asked_for_ahead() -> None:
    """While the first one is still on its way, in the order in which they will be read."""
    windows = [Scope(1, SINCE, SINCE), Scope(1, UNTIL, UNTIL)]
    next_asked = Event()

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path == "1/regular-lesson/index":
            next_asked.set()
        elif path == "branch/index":
            assert next_asked.wait(30)
        return page([])

    with scripted(answer, calls=5) as (http, exchange):
        exchange.expect(1, windows)
        assert exchange.branches().complete
        assert exchange.residents(1, TODAY).complete
        assert read_everything(exchange, windows)
    assert len(http.asked) == 5 + 2 * len(STATUSES)


def read_everything(exchange: AlfaCrm, windows: list[Scope]) -> bool:
    """Read what a sync reads of branch 1; whether all of it was whole."""
    for reading in (exchange.lesson_types(1), exchange.groups(1), exchange.schedule(1)):
        if not reading.complete:
            return False
    return all(exchange.lesson_records(1, day.since, day.until).complete for day in windows)


@pytest.mark.parametrize("calls", [2, 4])
def test_few_lists_are_asked_for_ahead(calls: int) -> None:
    """Memory does not grow with the number of windows; what is passed over is never read."""
    windows = [Scope(1, SINCE + timedelta(days=day), SINCE) for day in range(30)]
    with scripted(lambda path, body: page([]), calls=calls) as (http, exchange):
        exchange.expect(1, windows)
        assert exchange.schedule(1).complete
    # Branches, cards, types and groups were skipped.
    assert 1 <= len(http.asked) <= 1 + 3 * calls
    assert http.asked[0][0] == "1/regular-lesson/index"


def test_one_call_at_a_time_asks_for_nothing_ahead() -> None:
    """As the CRM's makers advise."""
    with scripted(lambda path, body: page([])) as (http, exchange):
        exchange.expect(1, [Scope(1, SINCE, UNTIL)])
        assert http.asked == []
        assert exchange.groups(1).complete
    assert [path for path, _ in http.asked] == ["1/group/index"]


def test_what_was_promised_and_is_given_up_is_not_asked_for() -> None:
    """A list that ends before its promised pages leaves no calls behind, but those under way."""

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        sleep(0.001)
        return page([{"id": "no number"}] if body["page"] else [{"id": 1}], total=1_000)

    with scripted(answer, calls=2) as (http, exchange):
        assert not exchange.groups(1).complete
        assert not exchange.lesson_types(1).complete
    assert len(http.asked) < 100


def test_an_error_ahead_is_that_of_the_list_it_belongs_to() -> None:
    """What is read before it stands, and the list may be asked for again."""
    refused: list[str] = []

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path == "1/group/index" and not refused:
            refused.append(path)
            raise CrmRefused("AlfaCRM refused the key")
        return page([])

    with scripted(answer, calls=4) as (_, exchange):
        exchange.expect(1, [])
        assert exchange.lesson_types(1).complete
        with pytest.raises(CrmRefused):
            exchange.groups(1)
        assert exchange.schedule(1).complete
        assert exchange.groups(1).complete


def test_both_ends_of_the_window_are_included() -> None:
    """A window of one day is that day."""
    lesson = next(one for one in SCHOOL.tables.visible_lessons() if one.branch_id == 1)
    with reading() as (_, exchange):
        found = exchange.lesson_records(1, lesson.date, lesson.date)
        around = exchange.lesson_records(
            1, lesson.date - timedelta(days=1), lesson.date + timedelta(days=1)
        )
    assert by_number(found.items) == records_in_books(SCHOOL, 1, lesson.date, lesson.date)
    assert lesson.id in by_number(found.items)
    assert set(by_number(found.items)) < set(by_number(around.items))


def test_a_window_without_lessons_is_empty_and_complete() -> None:
    """Holidays: nothing took place, and that is all there is to know."""
    with reading() as (crm, exchange):
        found = exchange.lesson_records(1, date(2020, 1, 1), date(2020, 1, 31))
    assert (found.items, found.complete) == ((), True)
    assert len(crm.requests) == 4


def test_each_status_is_asked_for_by_itself() -> None:
    """Conducted, planned, cancelled; days as the CRM reads them; page 0 first; 500 rows."""
    with reading() as (crm, exchange):
        exchange.lesson_records(1, SINCE, UNTIL)
    usual = {
        "date_from": SINCE.isoformat(),
        "date_to": UNTIL.isoformat(),
        "page": 0,
        "pageSize": 500,
    }
    assert bodies(crm, LESSONS) == [{"status": status, **usual} for status in (3, 1, 2)]
    assert [one.path for one in crm.requests[1:]] == ["/v2api/1/lesson/index"] * 3


def test_pages_are_asked_for_from_0_and_no_further_than_needed() -> None:
    """As many as the rows fill."""
    conducted = sum(
        one.lesson.status is Status.CONDUCTED for one in records_in_books(SCHOOL, 1).values()
    )
    with reading(page_size_max=30) as (crm, exchange):
        exchange.lesson_records(1, SINCE, UNTIL)
    asked = [one["page"] for one in bodies(crm, LESSONS) if one["status"] == 3]
    assert asked == list(range(-(-conducted // 30)))


@pytest.mark.parametrize("size", [10, 50, 500])
def test_the_size_of_a_page_can_be_set(size: int) -> None:
    """For a CRM that does not bear large ones."""
    with reading(page_size=size) as (crm, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert by_number(found.items) == records_in_books(SCHOOL, 1)
    assert {one["pageSize"] for one in bodies(crm, LESSONS)} == {size}


@pytest.mark.parametrize("regular_id", ["present", "null", "missing"])
def test_the_line_behind_a_lesson_may_be_unknown(regular_id: str) -> None:
    """Where the CRM does not say it, no lesson is scheduled by its own word."""
    with reading(regular_id=regular_id) as (_, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    expected = (
        {one.id for one in SCHOOL.tables.lessons.values() if one.regular_id}
        if regular_id == "present"
        else set()
    )
    scheduled = {one.lesson.id for one in found.items if one.lesson.scheduled}
    assert scheduled == expected & set(by_number(found.items))
    assert bool(scheduled) == (regular_id == "present")


@pytest.mark.parametrize(
    "options",
    [
        {"page_size_default": 20},
        {"new_login_kills_old": True},
        {"refusal_code": 403},
        {"login_refusal_code": 401},
        {"past_the_end": "repeat"},
        {"teacher_names": True},
        {"retry_after": 1.0, "rate_limit": 5.0},
    ],
    ids=str,
)
def test_the_ways_of_the_crm_make_no_difference(options: dict[str, Any]) -> None:
    """Whichever way an account behaves, the lesson records are the same."""
    with reading(page_size_max=30, **options) as (crm, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert by_number(found.items) == records_in_books(SCHOOL, 1)
    assert {one.status for one in crm.requests} == {200}


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("kills", [True, False])
def test_a_token_that_dies_between_two_pages_makes_no_difference(code: int, kills: bool) -> None:
    """It is renewed and the page asked for again."""
    options: dict[str, Any] = {
        "token_life": 0.9,
        "refusal_code": code,
        "new_login_kills_old": kills,
    }
    with reading(page_size_max=10, **options) as (crm, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert by_number(found.items) == records_in_books(SCHOOL, 1)
    assert sum(one.status == code for one in crm.requests) > 2


def test_planned_lessons_may_be_bare() -> None:
    """Without pupils and marks they are still lessons."""
    with reading(details_on_planned=False) as (_, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    planned = [one for one in found.items if one.lesson.status is Status.PLANNED]
    assert planned
    assert all(one.attendance == () for one in planned)


def test_what_is_edited_is_read_as_it_is_now() -> None:
    """A flipped mark, a moved lesson, a deleted one and one set back to planned."""
    school = EditedSchool(seed=7, today=TODAY)
    flipped, moved, deleted, planned, gone = conducted_lessons(school, 1)[:5]
    who = flipped.details[0]
    turned = 0 if who.is_attend else 1
    school.act("mark", lesson=flipped.id, customer=who.customer_id, is_attend=turned)
    school.act("move", lesson=moved.id, date=SINCE - timedelta(days=1))
    school.act("delete", lesson=deleted.id)
    school.act("plan", lesson=planned.id)
    school.act("move_branch", lesson=gone.id, branch=2)
    with reading(school) as (_, exchange):
        found = by_number(exchange.lesson_records(1, SINCE, UNTIL).items)
        other = by_number(exchange.lesson_records(2, SINCE, UNTIL).items)
    assert found == records_in_books(school, 1)
    assert not {moved.id, deleted.id, gone.id} & set(found)
    assert found[planned.id].lesson.status is Status.PLANNED
    assert gone.id in other


def conducted_lessons(school: School, branch: int) -> list[CrmLesson]:
    """Conducted lessons with marks, the oldest first."""
    found = [
        one
        for one in school.tables.visible_lessons()
        if one.branch_id == branch and one.status == 3
    ]
    return sorted((one for one in found if one.details), key=lambda one: (one.date, one.id))


# Filters that are not heeded


@pytest.mark.parametrize(
    ("field", "value"), [("status", 2), ("date", "2020-01-01"), ("branch_id", 2)]
)
def test_a_row_that_does_not_fit_the_question_is_left_out(field: str, value: object) -> None:
    """The CRM ignores filters in silence, so each row is checked against them."""
    with reading() as (crm, exchange):
        crm.faults.add("bad_field", match=LESSONS, path=field, value=value, at=[1])
        found = exchange.lesson_records(1, SINCE, UNTIL)
    whole = records_in_books(SCHOOL, 1)
    assert found.complete
    assert len(found.items) == len(whole) - 1
    assert all(whole[id] == record for id, record in by_number(found.items).items())


def test_a_crm_that_ignores_every_filter_is_read_rightly() -> None:
    """All its lessons come to each question, and each is taken where it belongs."""
    rows = [
        row(1),
        row(2, status=1),
        row(3, status=2),
        row(4, branch_id=2),
        row(5, date="2020-01-01"),
    ]
    with scripted(lambda path, body: page(rows)) as (_, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
        assert exchange.find_lesson_record(4, [1, 2]).lesson.branch == 2
        assert exchange.find_lesson_record(9, [1, 2]) is None
    assert found.complete
    assert {id: int(record.lesson.status) for id, record in by_number(found.items).items()} == {
        1: 3,
        2: 1,
        3: 2,
    }
    # Each of the three questions of the first reading brought all five.
    oddities = exchange.oddities()
    assert oddities.pop("other lessons than the one that was looked for") > 5
    assert oddities == {
        "lessons of another branch": 3,
        "lessons of other days": 1,
        "lessons of another status": 8,
    }


# Pages that do not add up


def test_a_row_deleted_between_two_pages_is_noticed() -> None:
    """The list is read again, and then it is whole."""
    with reading(page_size_max=20) as (crm, exchange):
        crm.faults.add("drift_delete", match=LESSONS, at=[2])
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert found.complete
    assert by_number(found.items) == records_in_books(SCHOOL, 1)
    assert [one["page"] for one in bodies(crm, LESSONS)].count(0) == 4


def test_a_row_inserted_between_two_pages_is_noticed() -> None:
    """The row that comes twice is one."""
    with reading(page_size_max=20) as (crm, exchange):
        crm.faults.add("drift_insert", match=LESSONS, at=[2])
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert found.complete
    assert by_number(found.items) == records_in_books(SCHOOL, 1)


def test_ties_that_fall_otherwise_are_noticed() -> None:
    """One row comes twice and its neighbour not at all, while the number of rows is right."""
    with reading(page_size_max=20) as (crm, exchange):
        crm.faults.add("tie_swap", match=LESSONS, at=[3])
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert found.complete
    assert by_number(found.items) == records_in_books(SCHOOL, 1)
    assert [one["page"] for one in bodies(crm, LESSONS)].count(0) == 4


@pytest.mark.parametrize("kind", ["drift_delete", "drift_insert", "tie_swap"])
def test_pages_that_never_add_up_are_incomplete(kind: str) -> None:
    """Read three times, and then nothing is concluded."""
    with reading(page_size_max=20) as (crm, exchange):
        crm.faults.add(kind, match=LESSONS)
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert not found.complete
    assert found.items == ()
    assert found.why.startswith("lessons: ")
    assert found.why.endswith("read 3 times")
    assert [one["page"] for one in bodies(crm, LESSONS)].count(0) == 3


@pytest.mark.parametrize("size", [7, 20, 50, 500])
def test_unstable_ties_never_give_a_wrong_whole(size: int) -> None:
    """Where rows of one day fall anew in every request, a reading is right or incomplete."""
    with reading(page_size_max=size, unstable_ties=True) as (_, exchange):
        for branch in (1, 2):
            found = exchange.lesson_records(branch, SINCE, UNTIL)
            expected = records_in_books(SCHOOL, branch)
            assert by_number(found.items) == (expected if found.complete else {})


@pytest.mark.parametrize("kind", ["wrong_total", "empty_first_page", "missing_row"])
def test_a_list_that_lacks_rows_is_incomplete(kind: str) -> None:
    """Fewer different rows than the total promises prove nothing."""
    with reading() as (crm, exchange):
        crm.faults.add(kind, match=LESSONS)
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert (found.complete, found.items) == (False, ())
    conducted = sum(
        one.lesson.status is Status.CONDUCTED for one in records_in_books(SCHOOL, 1).values()
    )
    assert f"of {conducted + (kind == 'wrong_total')} on" in found.why


@pytest.mark.parametrize("kind", ["wrong_total", "empty_first_page", "missing_row"])
def test_a_list_that_lacks_rows_once_is_read_again(kind: str) -> None:
    """And believed when it adds up."""
    with reading() as (crm, exchange):
        crm.faults.add(kind, match=LESSONS, times=1)
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert by_number(found.items) == records_in_books(SCHOOL, 1)


def test_a_row_that_comes_twice_is_one() -> None:
    """By its number."""
    with reading() as (crm, exchange):
        crm.faults.add("duplicate_row", match=LESSONS, row=3)
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert by_number(found.items) == records_in_books(SCHOOL, 1)


ATTENDED = [{"customer_id": 5, "is_attend": 1}]


def lessons_on(*pages: list[dict[str, Any]]) -> Any:
    """An exchange whose CRM has these rows, page by page, and counts them by their numbers."""

    def answer(_path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        fitting = []
        for rows in pages:
            fitting.append([one for one in rows if one["status"] == body["status"]])
        fitting = [rows for rows in fitting if rows] or [[]]
        numbers = {one["id"] for rows in fitting for one in rows}
        return page(fitting[body["page"]], total=len(numbers))

    return scripted(answer)


@pytest.mark.parametrize(
    "copy",
    [
        row(1, details=[{"customer_id": 5, "is_attend": 0}]),
        row(1, date="2026-11-19"),
        row(1, status=2, details=ATTENDED),
    ],
    ids=["mark", "day", "status"],
)
def test_a_lesson_that_comes_twice_with_unequal_content_is_named(copy: dict[str, Any]) -> None:
    """On one page, on two, or under two statuses; the lessons around it stand."""
    first, other = row(1, details=ATTENDED), row(2, details=ATTENDED)
    for pages in ([[first, copy, other]], [[copy], [first, other]], [[first], [other, copy]]):
        with lessons_on(*pages) as (_, exchange):
            found = exchange.lesson_records(1, SINCE, UNTIL)
        assert found.unreadable_fields() == {1: COPIES}
        assert [record.lesson.id for record in found.whole()] == [2]


def test_copies_that_differ_in_what_is_not_read_are_one() -> None:
    """A note that somebody mended while the list was read."""
    first, mended = row(1, details=ATTENDED), row(1, details=ATTENDED, note="mended")
    with lessons_on([first, mended]) as (_, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert (len(found.whole()), found.unreadable) == (1, ())


def test_a_lost_lesson_that_contradicts_itself_is_not_found() -> None:
    """Neither of its copies says where it is."""
    copies = [row(1, details=ATTENDED), row(1, details=ATTENDED, date="2030-11-20")]
    with lessons_on(copies) as (_, exchange), pytest.raises(IncompleteRead):
        exchange.find_lesson_record(1, [1])


@pytest.mark.parametrize("changed", [{"name": "Somebody else"}, {"groups": [999]}])
def test_nothing_is_taken_of_a_card_that_comes_twice_with_unequal_content(
    changed: dict[str, Any],
) -> None:
    """Of what the copies say unlike; whoever is new is not recorded, and the other cards stand."""
    card = min(one.resident for one in memberships_in_books(SCHOOL, 1))
    with reading() as (crm, exchange):
        whole = read_people(exchange, 1, TODAY).people
    with reading() as (crm, exchange):
        crm.copied = {("customer", card): changed}
        found = read_people(exchange, 1, TODAY)
    assert found.bad_cards | found.bad_memberships == {card: COPIES}
    if "name" in changed:
        assert card not in {resident.id for resident in found.people.residents}
        new = found.completed_from(People())
        assert card not in {seat.resident for seat in new.memberships}
    else:
        assert card not in {seat.resident for seat in found.people.memberships}
    assert set(found.completed_from(whole).residents) == set(whole.residents)
    assert set(found.completed_from(whole).memberships) == set(whole.memberships)


def test_a_schedule_or_a_group_that_contradicts_itself_proves_nothing() -> None:
    """Its line counts as unreadable, its memberships as incomplete."""
    line, seats = next(iter(SCHOOL.tables.regular_lessons)), SCHOOL.tables.memberships
    with reading() as (crm, exchange):
        crm.copied = {("regular-lesson", line): {"time_from_v": "03:33"}}
        assert read_people(exchange, 1, TODAY).bad_schedule_lines == 1
    with reading(with_groups="absent") as (crm, exchange):
        every_seat = [seat.id for rows in seats.values() for seat in rows]
        crm.copied = {("cgi", seat): {"e_date": "01.01.2027"} for seat in every_seat}
        assert not exchange.memberships(1).complete


def test_a_total_that_changes_between_pages_is_incomplete() -> None:
    """Even when as many rows come as the last page says."""

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        rows = [row(number) for number in (1, 2, 3, 4)]
        half = rows[:2] if body["page"] == 0 else rows[2:]
        return page(half, total=5 if body["page"] == 0 else 4)

    with scripted(answer) as (_, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert (found.complete, found.why) == (
        False,
        "lessons: 4 distinct of 4/5 on 2 pages, read 3 times",
    )


def test_a_count_that_is_not_that_of_the_rows_is_incomplete() -> None:
    """A page that announces more than it holds was cut."""
    with scripted(lambda path, body: page([row(1)], count=2)) as (_, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert not found.complete
    assert "1 rows where 2 are announced" in found.why


@pytest.mark.parametrize("count", [None, "1", 1])
def test_a_count_may_be_missing_or_a_text(count: object) -> None:
    """It is one check among others."""
    with scripted(lambda path, body: page([row(1, status=body["status"])], count=count)) as (
        _,
        exchange,
    ):
        assert exchange.lesson_records(1, SINCE, UNTIL).complete


@pytest.mark.parametrize("size", [20, 50, 500])
def test_a_first_page_that_is_just_full_is_not_believed(size: int) -> None:
    """A total that equals the size of a page may be that size, so one page more is asked for."""

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        rows = [row(number, status=body["status"]) for number in range(1, size + 11)]
        return page(rows[body["page"] * size : (body["page"] + 1) * size], total=size)

    with scripted(answer) as (http, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert not found.complete
    assert f"{size + 10} distinct of {size}" in found.why
    assert http.asked[1][1]["page"] == 1


@pytest.mark.parametrize("past", ["empty", "repeat"])
@pytest.mark.parametrize("total", [40, 41])
def test_a_list_ends_where_nothing_new_comes(past: str, total: int) -> None:
    """With an empty page or the last one again, and with a total that promises more."""

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        rows = [row(number, status=body["status"]) for number in range(1, 41)]
        found = rows[body["page"] * 20 : (body["page"] + 1) * 20] or (
            rows[20:] if past == "repeat" else []
        )
        return page(found, total=total)

    with scripted(answer) as (http, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert found.complete == (total == 40)
    assert http.calls == (6 if total == 40 else 9)


def test_a_list_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a last page, whatever the CRM says."""
    monkeypatch.setattr("coinsync.exchange.http.PAGES_MAX", 5)

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return page([row(body["page"] * 2 + 1), row(body["page"] * 2 + 2)], total=10**6)

    with scripted(answer) as (http, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert not found.complete
    assert "more than 5 pages" in found.why
    assert http.calls == 15


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"total": 0},
        {"items": []},
        page([], items=None),
        page([], items={}),
        page([], items=""),
        page([], total=None),
        page([], total=-1),
        page([], total=True),
        page([], total=1.0),
        page([], total="9" * 5000),
        page([], total=10**4000),
        page([], count="many"),
        {"success": False, "errors": {"page": ["x"]}},
        {"name": "Forbidden", "message": "Access Denied", "code": 0, "status": 403},
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_that_is_no_list_is_not_an_answer(answer: dict[str, Any]) -> None:
    """Without rows or without a total there is nothing to conclude from."""
    with (
        scripted(lambda path, body: answer) as (_, exchange),
        pytest.raises(NotAnAnswer, match="a list without"),
    ):
        exchange.lesson_records(1, SINCE, UNTIL)


def test_a_list_without_items_of_the_crm_is_not_an_answer() -> None:
    """The same over HTTP."""
    with reading() as (crm, exchange):
        crm.faults.add("items_null", match=LESSONS)
        with pytest.raises(NotAnAnswer, match="a list without items"):
            exchange.lesson_records(1, SINCE, UNTIL)


def test_totals_and_numbers_may_be_texts() -> None:
    """Digits are digits."""

    def answer(_path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        rows = [row(1, id="1")] if body["status"] == Status.CONDUCTED else []
        return page(rows, total=str(len(rows)))

    with scripted(answer) as (_, exchange):
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert [one.lesson.id for one in found.items] == [1]


# Records that cannot be read


@pytest.mark.parametrize("value", [0, -1, None, "", True, 1.5, "x", 2**63, []], ids=repr)
def test_a_row_without_a_number_makes_the_list_incomplete(value: object) -> None:
    """It can be neither counted nor named."""
    with reading() as (crm, exchange):
        crm.faults.add("bad_field", match=LESSONS, path="id", value=value)
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert (found.complete, found.items) == (False, ())
    assert "a row without a number" in found.why


@pytest.mark.parametrize("items", [[None], ["row"], [7], [[]]], ids=repr)
def test_a_row_that_is_no_record_makes_the_list_incomplete(items: list[Any]) -> None:
    """The same."""
    with scripted(lambda path, body: page(items)) as (_, exchange):
        assert not exchange.lesson_records(1, SINCE, UNTIL).complete


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("date", "2026-13-40", "date"),
        ("status", "x", "status"),
        ("lesson_type_id", None, "lesson_type_id"),
        ("details", None, "details"),
        ("details", [7], "details[0]"),
        ("details.0.customer_id", "x", "details[0].customer_id"),
    ],
)
def test_a_lesson_that_cannot_be_read_is_named_and_the_others_stand(
    path: str, value: object, named: str
) -> None:
    """Number and path of the field, and the reading is complete all the same."""
    with reading() as (crm, exchange):
        crm.faults.add("bad_field", match=LESSONS, path=path, value=value, at=[1])
        found = exchange.lesson_records(1, SINCE, UNTIL)
    whole = records_in_books(SCHOOL, 1)
    (unreadable,) = found.unreadable
    assert found.complete
    assert unreadable.path == named
    assert by_number(found.items) == {
        id: record for id, record in whole.items() if id != unreadable.id
    }
    assert unreadable.id in whole


def test_lessons_without_their_lists_are_all_named() -> None:
    """A CRM that leaves the marks out overnight takes no coin."""
    with reading() as (crm, exchange):
        crm.faults.add("details_missing", match=LESSONS)
        found = exchange.lesson_records(1, SINCE, UNTIL)
    conducted = {
        id
        for id, one in records_in_books(SCHOOL, 1).items()
        if one.lesson.status is Status.CONDUCTED
    }
    assert found.complete
    assert set(found.unreadable) == {Unreadable(id, "details") for id in conducted}
    assert not conducted & set(by_number(found.items))


@pytest.mark.parametrize("value", [2, None, "yes", [], 1.0])
def test_a_mark_that_is_none_is_not_marked(value: object) -> None:
    """The lesson stands, and nobody is paid or taken back by guess."""
    with reading() as (crm, exchange):
        crm.faults.add("bad_field", match=LESSONS, path="details.0.is_attend", value=value, at=[1])
        found = exchange.lesson_records(1, SINCE, UNTIL)
    assert found.unreadable == ()
    whole = records_in_books(SCHOOL, 1)
    (changed,) = (one for one in found.items if one != whole[one.lesson.id])
    (mark,) = set(changed.attendance) - set(whole[changed.lesson.id].attendance)
    assert mark.mark is Mark.NOT_MARKED


# One lesson by number


@pytest.fixture
def edited() -> School:
    """A school of one's own to edit."""
    return EditedSchool(seed=7, today=TODAY)


def test_a_conducted_lesson_is_found_with_one_request(edited: School) -> None:
    """Under its own branch, asked for by number and status, without days."""
    lesson = conducted_lessons(edited, 1)[0]
    with reading(edited) as (crm, exchange):
        assert exchange.find_lesson_record(lesson.id, [1, 2]) == record_in_books(lesson)
    assert bodies(crm, LESSONS) == [{"id": lesson.id, "status": 3, "page": 0, "pageSize": 500}]


@pytest.mark.parametrize("action", ["plan", "cancel"])
def test_a_lesson_that_is_no_longer_conducted_is_found(edited: School, action: str) -> None:
    """Under its new status."""
    lesson = conducted_lessons(edited, 2)[0]
    edited.act(action, lesson=lesson.id)
    with reading(edited) as (_, exchange):
        found = exchange.find_lesson_record(lesson.id, [1, 2])
    assert found == record_in_books(lesson)
    assert found.lesson.status is {"plan": Status.PLANNED, "cancel": Status.CANCELLED}[action]


def test_a_moved_lesson_is_found_whatever_its_day(edited: School) -> None:
    """Also far outside of any window."""
    lesson = conducted_lessons(edited, 1)[0]
    edited.act("move", lesson=lesson.id, date=date(2027, 3, 1))
    with reading(edited) as (_, exchange):
        found = exchange.find_lesson_record(lesson.id, [1])
    assert found.lesson.date == date(2027, 3, 1)


def test_a_lesson_is_found_in_another_branch(edited: School) -> None:
    """The branches are asked one after the other."""
    lesson = conducted_lessons(edited, 1)[0]
    edited.act("move_branch", lesson=lesson.id, branch=2)
    with reading(edited) as (crm, exchange):
        found = exchange.find_lesson_record(lesson.id, [1, 2])
    assert found.lesson.branch == 2
    assert len(crm.requests) == 1 + 4


def test_a_deleted_lesson_is_gone_after_every_question(edited: School) -> None:
    """Three statuses under each branch, and not one request more."""
    lesson = conducted_lessons(edited, 1)[0]
    edited.act("delete", lesson=lesson.id)
    with reading(edited) as (crm, exchange):
        assert exchange.find_lesson_record(lesson.id, [1, 2]) is None
    asked = [(one.path[7], one.fields()["status"]) for one in crm.requests[1:]]
    assert asked == [(branch, status) for branch in "12" for status in (3, 1, 2)]


@pytest.mark.parametrize("kind", ["wrong_total", "empty_first_page", "missing_row"])
def test_a_lesson_is_not_gone_when_the_answer_is_incomplete(edited: School, kind: str) -> None:
    """To say so would take coins away."""
    with reading(edited) as (crm, exchange):
        crm.faults.add(kind, match=LESSONS)
        with pytest.raises(IncompleteRead, match="lesson"):
            exchange.find_lesson_record(conducted_lessons(edited, 1)[0].id, [1])


def test_a_lesson_is_not_gone_when_it_cannot_be_read(edited: School) -> None:
    """It is there."""
    with reading(edited) as (crm, exchange):
        crm.faults.add("details_missing", match=LESSONS)
        with pytest.raises(IncompleteRead, match="record unreadable"):
            exchange.find_lesson_record(conducted_lessons(edited, 1)[0].id, [1])


# People


@pytest.mark.parametrize("branch", [1, 2])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"is_study_default": 0, "removed_default": 0},
        {"is_study_default": 2, "removed_default": 2},
        {"page_size_max": 20},
        {"teacher_names": True},
    ],
    ids=str,
)
def test_the_residents_are_those_of_the_books(branch: int, options: dict[str, Any]) -> None:
    """Clients, leads and the archive, whatever the hidden defaults of the CRM."""
    with reading(**options) as (_, exchange):
        found = exchange.residents(branch, TODAY)
    assert found.complete
    assert {one.id: one for one in found.items} == residents_in_books(SCHOOL, branch)


def test_all_kinds_of_cards_are_among_the_residents() -> None:
    """The school of these tests has each of them."""
    presences = {
        one.presence for branch in (1, 2) for one in residents_in_books(SCHOOL, branch).values()
    }
    assert presences == {Presence.CLIENT, Presence.LEAD, Presence.ARCHIVED}


def test_nothing_is_left_to_the_defaults_of_the_crm() -> None:
    """Kind of card and archive are always said."""
    with reading(page_size_max=20) as (crm, exchange):
        exchange.residents(1, TODAY)
    asked = bodies(crm, "customer/index")
    assert len(asked) > 1
    assert [one.pop("page") for one in asked] == list(range(len(asked)))
    assert all(
        one == {"is_study": 2, "removed": 1, "withGroups": True, "pageSize": 500} for one in asked
    )


def test_a_card_keeps_its_number_through_its_life(edited: School) -> None:
    """Lead, client, archived: the same resident."""
    client = next(
        one
        for one in edited.tables.customers.values()
        if one.is_study and not one.archived_on(TODAY)
    )
    branch, seen = client.branch_ids[0], []
    with reading(edited) as (_, exchange):
        seen.append(presence_of(exchange, branch, client.id))
    edited.act("to_lead", customer=client.id)
    with reading(edited) as (_, exchange):
        seen.append(presence_of(exchange, branch, client.id))
    edited.act("archive", customer=client.id)
    with reading(edited) as (_, exchange):
        seen.append(presence_of(exchange, branch, client.id))
    assert seen == [Presence.CLIENT, Presence.LEAD, Presence.ARCHIVED]


def presence_of(exchange: AlfaCrm, branch: int, number: int) -> Presence:
    """How a resident is carried."""
    return next(one.presence for one in exchange.residents(branch, TODAY).items if one.id == number)


def test_the_vk_field_means_the_families_of_the_books() -> None:
    """Every number that the school holds is read from the text, whichever way it is written."""
    found: dict[int, set[int]] = {}
    with reading() as (_, exchange):
        for one in (*exchange.residents(1, TODAY).items, *exchange.residents(2, TODAY).items):
            meant = read_vk(one.vk)
            if meant.kind is VkKind.NUMBER:
                found.setdefault(meant.number, set()).add(one.id)
    assert found == {number: set(cards) for number, cards in families(SCHOOL)}


def test_a_card_that_cannot_be_read_is_named() -> None:
    """The others stand."""
    with reading() as (crm, exchange):
        crm.faults.add("bad_field", match="customer/index", path="e_date", value="never")
        found = exchange.residents(1, TODAY)
    assert found.complete
    assert [one.path for one in found.unreadable] == ["e_date"]
    assert len(found.items) == len(residents_in_books(SCHOOL, 1)) - 1


# Memberships


@pytest.mark.parametrize("branch", [1, 2])
@pytest.mark.parametrize("with_groups", ["objects", "ids", "absent"])
@pytest.mark.parametrize("cgi_past", [False, True])
def test_the_memberships_are_those_of_the_books(
    branch: int, with_groups: str, cgi_past: bool
) -> None:
    """From the cards with days or without, or group by group where the cards say nothing."""
    with reading(with_groups=with_groups, cgi_past=cgi_past) as (_, exchange):
        found = exchange.memberships(branch)
    today = {one for one in found.items if one.until is None or one.until >= TODAY}
    expected = memberships_in_books(SCHOOL, branch, dated=with_groups != "ids")
    assert found.complete
    assert in_groups_of(SCHOOL, branch, tuple(today)) == expected
    assert cgi_past or set(found.items) == today


def test_memberships_on_cards_cost_no_further_request() -> None:
    """The cards are read once."""
    with reading() as (crm, exchange):
        exchange.residents(1, TODAY)
        exchange.memberships(1)
    assert len(crm.requests) == 2


def test_memberships_by_group_cost_one_request_for_each() -> None:
    """And one for the list of groups."""
    groups = [one for one in SCHOOL.tables.groups.values() if one.branch_id == 1]
    with reading(with_groups="absent") as (crm, exchange):
        exchange.residents(1, TODAY)
        exchange.memberships(1)
    asked = [one.query for one in crm.requests if one.path.endswith("cgi/index")]
    assert asked == [{"group_id": str(group.id)} for group in groups]
    assert len(crm.requests) == 3 + len(groups)


@pytest.mark.parametrize("path", ["customer/index", "group/index", "cgi/index"])
def test_memberships_are_incomplete_when_a_list_behind_them_is(path: str) -> None:
    """Cards, groups, or one group's members."""
    with reading(with_groups="absent") as (crm, exchange):
        crm.faults.add("wrong_total", match=path)
        found = exchange.memberships(1)
    assert (found.complete, found.items) == (False, ())
    assert found.why


def test_members_of_another_group_are_left_out() -> None:
    """A CRM that ignores the query gives all members for every group."""

    def answer(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path.endswith("cgi/index"):
            return page(
                [
                    {"id": 5, "customer_id": 11, "group_id": 1},
                    {"id": 6, "customer_id": 12, "group_id": 2},
                ]
            )
        return page(
            [{"id": 1, "name": "А"}, {"id": 2, "name": "Б"}] if path.endswith("group/index") else []
        )

    with scripted(answer) as (_, exchange):
        assert set(exchange.memberships(1).items) == {Membership(11, 1), Membership(12, 2)}
        assert len(exchange.memberships(1).items) == 2


# Lists that a school fills once


def test_branches_types_groups_and_schedule_are_those_of_the_books() -> None:
    """With numbers and names."""
    books = SCHOOL.tables
    with reading() as (_, exchange):
        assert set(exchange.branches().items) == {
            Branch(one.id, one.name) for one in books.branches.values()
        }
        types = {LessonType(one.id, one.name, one.base) for one in books.lesson_types.values()}
        assert set(exchange.lesson_types(1).items) == types
        for branch in (1, 2):
            groups = {
                Group(one.id, one.name) for one in books.groups.values() if one.branch_id == branch
            }
            assert set(exchange.groups(branch).items) == groups
            lines = {
                line_in_books(one)
                for one in books.regular_lessons.values()
                if one.branch_id == branch and one.related_class == "Group"
            }
            assert set(exchange.schedule(branch).items) == lines


def test_a_regular_lesson_covers_its_lessons() -> None:
    """What the schedule says and what the lessons say of it agree."""
    with reading() as (_, exchange):
        lines, found = exchange.schedule(1).items, exchange.lesson_records(1, SINCE, UNTIL).items
    covered = [one.lesson for one in found if any(line.covers(one.lesson) for line in lines)]
    assert len([one for one in covered if one.scheduled]) > len(found) / 2


def test_an_incomplete_list_of_branches_is_not_remembered() -> None:
    """One bad moment does not spoil the whole run."""
    with reading() as (crm, exchange):
        crm.faults.add("wrong_total", match="branch/index", times=6)
        assert not exchange.branches().complete
        assert exchange.branches().complete
        before = len(crm.requests)
        assert exchange.branches().complete
        assert len(crm.requests) == before


def test_an_incomplete_list_of_cards_is_not_remembered() -> None:
    """The same."""
    with reading() as (crm, exchange):
        crm.faults.add("wrong_total", match="customer/index", times=6)
        assert not exchange.residents(1, TODAY).complete
        assert exchange.residents(1, TODAY).complete


@pytest.mark.parametrize(("answer", "error"), [("forbidden", CrmRefused), ("missing", NotAnAnswer)])
def test_an_unknown_branch_is_told(answer: str, error: type[Exception]) -> None:
    """With the refusal that the CRM gives."""
    with reading(unknown_branch=answer) as (_, exchange), pytest.raises(error):
        exchange.lesson_records(9, SINCE, UNTIL)


# A whole night


def test_a_night_takes_few_requests() -> None:
    """One login, and one request for each list that fits on a page."""
    with reading(rate_limit=5.0) as (crm, exchange):
        for branch in (1, 2):
            exchange.residents(branch, TODAY)
            exchange.branches()
            exchange.lesson_types(branch)
            exchange.groups(branch)
            exchange.memberships(branch)
            exchange.schedule(branch)
            exchange.lesson_records(branch, SINCE, UNTIL)
    assert exchange.calls == len(crm.requests) == 1 + 1 + 2 * 7
    assert {one.status for one in crm.requests} == {200}


def test_nothing_is_ever_written() -> None:
    """Every call is a login or reads a list."""
    with reading() as (crm, exchange):
        for branch in (1, 2):
            exchange.memberships(branch)
            exchange.schedule(branch)
            exchange.lesson_records(branch, SINCE, UNTIL)
        exchange.find_lesson_record(1, [1, 2])
    assert all(one.path.endswith(("/index", "/auth/login")) for one in crm.requests)


def test_progress_is_told_page_by_page() -> None:
    """What is read, how many rows are in, and how many there will be."""
    told: list[tuple[str, int, int]] = []
    with reading(page_size_max=20, progress=lambda *news: told.append(news)) as (_, exchange):
        found = exchange.residents(1, TODAY)
    total = len(found.items)
    assert told == [("residents", min(done, total), total) for done in range(20, total + 20, 20)]


def test_the_moment_is_that_on_the_crms_answers() -> None:
    """Asked for once if nothing was read yet, and then known."""
    head = "Date: Sat, 21 Nov 2026 20:59:59 GMT"
    answers = [says(b'{"token": "t"}'), says(b'{"total": 0, "count": 0, "items": []}', head)]
    clock = Time()
    with Stub(*answers) as stub:
        http = Http(stub.url, "", "", clock=clock, sleep=clock.sleep, bounds=Bounds())
        exchange = AlfaCrm(http, ResidentSettings(), page_size=500)
        moment = exchange.moment()
        assert exchange.moment() == moment
        exchange.close()
        assert len(stub.requests) == 2
    assert moment is not None
    assert moment.isoformat() == "2026-11-21T20:59:59+00:00"


def test_a_crm_without_a_clock_has_no_moment() -> None:
    """And is not asked for it again and again."""
    with scripted(lambda path, body: page([])) as (http, exchange):
        assert exchange.moment() is None
        assert exchange.moment() is None
    assert http.calls == 1
