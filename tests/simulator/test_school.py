"""The pretend school: repeatable, full of life, editable by hand."""

import json
from collections import Counter
from datetime import date, timedelta

import pytest

from coinsync.simulator.records import CANCELLED, CONDUCTED, FOREVER, PLANNED, Lesson
from coinsync.simulator.school import School, vk_number
from tests.simulator.fixtures import TODAY, usual_school


@pytest.fixture
def school() -> School:
    """A school of the usual size."""
    return usual_school()


def conducted(school: School) -> Lesson:
    """A conducted group lesson with marked pupils, the latest of them."""
    found = [
        one
        for one in school.books.visible_lessons()
        if one.status == CONDUCTED
        and one.lesson_type_id == 2
        and one.due_on is None
        and len(one.details) > 2
    ]
    return max(found, key=lambda one: (one.date, one.id))


def test_equal_arguments_make_equal_schools() -> None:
    """The same seed gives the same school, another seed another one."""
    assert School.make(seed=3, today=TODAY) == School.make(seed=3, today=TODAY)
    assert School.make(seed=3, today=TODAY) != School.make(seed=4, today=TODAY)


def test_a_school_is_not_equal_to_something_else(school: School) -> None:
    """Comparing with another kind of value is simply false."""
    assert school != "school"


@pytest.mark.parametrize("back", [1, 7, 20])
def test_history_is_made_by_the_same_days_as_the_future(back: int) -> None:
    """45 days of history are 45 - n days of history, and n days lived."""
    younger = School.make(seed=5, days=45 - back, today=TODAY - timedelta(days=back))
    younger.advance(back)
    assert younger == School.make(seed=5, days=45, today=TODAY)


def test_a_description_replays_to_the_same_school(school: School) -> None:
    """Making anew and taking every action again gives the same books, through JSON too."""
    lesson = conducted(school)
    pupil = lesson.details[0].customer_id
    school.mark(lesson.id, pupil, 0)
    school.advance(2)
    school.rename(pupil, "Новая Фамилия")
    school.recreate(lesson.id)
    school.add_lesson(1, None, TODAY, 2, (pupil,))
    school.add_customer(1, "Ирисов Пётр")
    school.empty(2)
    school.advance(3)
    again = School.replay(json.loads(json.dumps(school.description())))
    assert again == school
    assert again.actions == school.actions


def test_an_edit_by_hand_does_not_change_what_happens_elsewhere() -> None:
    """The days after an edit bring every other lesson the same fate, under the same number."""
    left, edited = School.make(seed=9, today=TODAY), School.make(seed=9, today=TODAY)
    hand = edited.add_lesson(1, None, TODAY + timedelta(days=1), 2, (101,))
    edited.add_customer(1, "Ирисов Пётр")
    touched = conducted(edited)
    edited.add_pupil(touched.id, 120 if touched.detail_of(120) is None else 121)
    left.advance(5)
    edited.advance(5)
    for number, lesson in left.books.lessons.items():
        if number != touched.id:
            assert edited.books.lessons[number].status == lesson.status
            assert edited.books.lessons[number].date == lesson.date
            marks = [(one.customer_id, one.is_attend) for one in lesson.details]
            assert [
                (one.customer_id, one.is_attend) for one in edited.books.lessons[number].details
            ] == marks
    assert set(edited.books.lessons) - set(left.books.lessons) == {hand}


@pytest.mark.parametrize(
    ("residents", "branches", "days"), [(1, 1, 1), (3, 2, 20), (13, 1, 30), (40, 4, 45)]
)
def test_small_and_odd_schools_live_too(residents: int, branches: int, days: int) -> None:
    """Any size within the limits can be made."""
    school = School.make(seed=1, residents=residents, branches=branches, days=days, today=TODAY)
    assert school.today == TODAY
    assert len(school.books.branches) == branches


@pytest.mark.parametrize(
    "wrong", [{"residents": 0}, {"days": 0}, {"branches": 11}, {"branches": 0}]
)
def test_impossible_sizes_are_refused(wrong: dict[str, int]) -> None:
    """A school without pupils, days or branches is refused in one line."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        School.make(seed=1, today=TODAY, **wrong)


def test_a_large_school_is_made(school: School) -> None:
    """Two thousand pupils are no trouble, and life grows with the school."""
    large = School.make(seed=1, residents=600, days=10, today=TODAY)
    assert sum(one.is_study for one in large.books.customers.values()) > 600


# What there is


def test_families_share_numbers(school: School) -> None:
    """There is a family of three and several of two, with numbers from an invented range."""
    families = school.families()
    sizes = Counter(len(cards) for _, cards in families)
    assert sizes[3] >= 1
    assert sizes[2] >= 3
    assert all(number >= 900_000_001 for number, _ in families)
    assert list(families) == sorted(families)


def test_links_come_in_many_written_forms(school: School) -> None:
    """Addresses, bare numbers, nicknames, a community, empty and missing ones."""
    links = [one.vk for one in school.books.customers.values()]
    forms = {link.replace(str(vk_number(link)), "N") for link in links if link and vk_number(link)}
    assert {"https://vk.com/idN", "N", "idN", "@idN", "vk.com/idN", "https://m.vk.com/idN"} <= forms
    assert None in links
    assert "" in links
    assert "vk.com/club77" in links
    assert any(link and vk_number(link) is None and "club" not in link for link in links)


def test_special_cards_are_there(school: School) -> None:
    """Two cards of one child, two children of one name, two branches, leads, the archive, doubled spaces."""
    cards = list(school.books.customers.values())
    by_name = Counter(one.name for one in cards)
    assert sum(count > 1 for count in by_name.values()) >= 2
    twins = [one for one in cards if by_name[one.name] > 1]
    assert {one.is_study for one in twins} == {0, 1}
    assert any(
        len(one.branch_ids) == 2 and len(school.books.groups_on(one.id, TODAY)) == 2
        for one in cards
    )
    assert any(one.archived_on(TODAY) for one in cards)
    assert any(not one.is_study for one in cards)
    assert any("  " in one.name for one in cards)


def test_somebody_changed_group_in_mid_term(school: School) -> None:
    """A membership ended and another began on the same day."""
    seats = school.books.seats.values()
    assert any(
        {one.e_date for one in rows} & {one.b_date for one in rows if one.e_date == FOREVER}
        for rows in seats
    )


def test_a_timetable_changed_in_mid_term(school: School) -> None:
    """One regular lesson has an end, and another row goes on from the next day."""
    rows = school.books.regular_lessons.values()
    ended = next(one for one in rows if one.e_date != FOREVER)
    assert any(one.b_date == ended.e_date + timedelta(days=1) for one in rows)


def test_lessons_come_in_all_kinds(school: School) -> None:
    """Every type, every status, deleted ones, and planned ones two weeks ahead."""
    lessons = list(school.books.lessons.values())
    assert {one.lesson_type_id for one in lessons} == {1, 2, 3, 4, 7}
    assert {one.status for one in lessons} == {PLANNED, CANCELLED, CONDUCTED}
    assert any(one.deleted for one in lessons)
    assert max(one.date for one in lessons) == TODAY + timedelta(days=14)
    planned = [
        one
        for one in lessons
        if one.status == PLANNED and one.date > TODAY and one.lesson_type_id == 2
    ]
    assert any(one.customer_ids for one in planned)
    assert any(not one.customer_ids for one in planned)
    assert any(detail.is_attend == 0 for one in planned for detail in one.details)


def test_marks_come_in_all_kinds(school: School) -> None:
    """Came, came free, excused, charged for being absent, not marked."""
    marks = {
        (one.is_attend, one.reason_id, one.commission > 0)
        for lesson in school.books.visible_lessons()
        if lesson.status == CONDUCTED
        for one in lesson.details
    }
    assert {
        (1, None, True),
        (1, None, False),
        (0, 2, False),
        (0, 4, True),
        (None, None, False),
    } <= marks


def test_makeups_come_in_all_shapes(school: School) -> None:
    """Own type alone, own type with the host's group, guest, one-day membership, individual lesson."""
    books = school.books
    made = [one for one in books.lessons.values() if one.key.startswith("makeup")]
    assert any(one.lesson_type_id == 4 and not one.group_ids for one in made)
    assert any(one.lesson_type_id == 4 and one.group_ids for one in made)
    assert any(one.lesson_type_id == 1 for one in made)
    assert any(one.b_date == one.e_date for rows in books.members.values() for one in rows)
    guests = [
        detail
        for lesson in books.visible_lessons()
        if lesson.lesson_type_id == 2 and lesson.status == CONDUCTED
        for detail in lesson.details
        if not any(
            detail.customer_id in books.members_on(group, lesson.date) for group in lesson.group_ids
        )
        and detail.customer_id in lesson.customer_ids
    ]
    assert guests


def test_a_makeup_with_the_hosts_group_is_for_the_guest_alone(school: School) -> None:
    """The group on a make-up does not bring its members."""
    hosted = [
        one
        for one in school.books.lessons.values()
        if one.lesson_type_id == 4 and one.key[:6] == "makeup"
    ]
    assert all(len(one.details) <= 1 for one in hosted)


def test_somebody_has_two_lessons_on_one_day(school: School) -> None:
    """A pupil of two groups, or with a make-up, comes twice on one date."""
    days = Counter(
        (detail.customer_id, lesson.date)
        for lesson in school.books.visible_lessons()
        for detail in lesson.details
        if detail.is_attend
    )
    assert max(days.values()) >= 2


def test_the_past_is_edited(school: School) -> None:
    """Over the weeks there are late marks, moves, restorations, new numbers, renames, archives, removals."""
    rows = school.books.log
    seen = {(row.entity, row.event, *sorted({*row.fields_old, *row.fields_new})) for row in rows}
    for change in ("date", "status", "lesson_type_id"):
        assert ("Lesson", 2, change) in seen
    for change in ("name", "is_study", "e_date"):
        assert ("Customer", 2, change) in seen
    assert any(row.entity == "Customer" and row.event == 3 for row in rows)
    assert any(row.entity == "LessonDetails" and row.event == 3 for row in rows)
    again = [one for one in school.books.lessons.values() if one.key.endswith("'")]
    assert again
    deleted = {row.entity_id for row in rows if row.entity == "Lesson" and row.event == 3}
    assert any(not school.books.lessons[number].deleted for number in deleted)


def test_late_marks_arrive() -> None:
    """A lesson that was conducted without marks is marked some days later by itself."""
    school = usual_school()
    waiting = [
        one
        for one in school.books.visible_lessons()
        if one.due_on and one.status == CONDUCTED and all(d.is_attend is None for d in one.details)
    ]
    assert waiting
    school.advance(16)
    assert any(detail.is_attend is not None for one in waiting for detail in one.details)


# Edits by hand


def test_marks_by_hand(school: School) -> None:
    """A mark can be turned, taken away, given to a new pupil, and the pupil removed."""
    lesson = conducted(school)
    pupil = lesson.details[0].customer_id
    for mark in (0, 1, None):
        school.act(
            "mark", lesson=str(lesson.id), customer=pupil, is_attend="" if mark is None else mark
        )
        detail = lesson.detail_of(pupil)
        assert detail is not None
        assert detail.is_attend == mark
    guest = next(number for number in school.books.customers if lesson.detail_of(number) is None)
    school.add_pupil(lesson.id, guest)
    assert guest in school.books.expected(lesson)
    school.remove_pupil(lesson.id, guest)
    assert lesson.detail_of(guest) is None


def test_lessons_by_hand(school: School) -> None:
    """A lesson can be cancelled, planned, conducted, moved, retyped, put elsewhere, deleted, restored."""
    lesson = conducted(school)
    marks = list(lesson.details)
    school.cancel(lesson.id)
    assert (lesson.status, lesson.details) == (CANCELLED, marks)
    school.plan(lesson.id)
    assert (lesson.status, lesson.details) == (PLANNED, marks)
    school.conduct(lesson.id)
    assert lesson.status == CONDUCTED
    school.move(lesson.id, date(2026, 12, 1))
    assert lesson.date == date(2026, 12, 1)
    school.act("retype", lesson=lesson.id, type=school.add_type("Лагерь", 2))
    assert school.books.lesson_types[lesson.lesson_type_id].name == "Лагерь"
    school.move_branch(lesson.id, 3 - lesson.branch_id)
    school.delete(lesson.id)
    assert lesson not in school.books.visible_lessons()
    school.restore(lesson.id)
    assert lesson in school.books.visible_lessons()
    twin = school.books.lessons[school.recreate(lesson.id)]
    assert twin.id != lesson.id
    assert [one.customer_id for one in twin.details] == [one.customer_id for one in lesson.details]
    assert lesson.deleted


def test_a_lesson_conducted_by_hand_was_attended_by_all(school: School) -> None:
    """The pupils of the group and the named ones get an attendance row each, with 1."""
    number = school.add_lesson(1, 1, TODAY, 2, (150,))
    school.conduct(number)
    lesson = school.books.lessons[number]
    assert {one.customer_id for one in lesson.details} == {150, *school.books.members_on(1, TODAY)}
    assert {one.is_attend for one in lesson.details} == {1}


def test_a_branch_is_emptied_and_refilled(school: School) -> None:
    """All lessons of the branch go from the lists and come back."""
    before = school.books.visible_lessons()
    school.empty(1)
    assert {one.branch_id for one in school.books.visible_lessons()} == {2}
    school.refill(1)
    assert school.books.visible_lessons() == before


def test_people_by_hand(school: School) -> None:
    """Cards are renamed, archived, fetched back, made leads and clients, moved between groups, removed."""
    number = next(
        one.id
        for one in school.books.customers.values()
        if school.books.groups_on(one.id, TODAY) == [1]
    )
    card = school.books.customers[number]
    school.change_group(number, 1, 3)
    assert 3 in school.books.groups_on(number, TODAY + timedelta(days=1))
    assert 1 not in school.books.groups_on(number, TODAY + timedelta(days=1))
    school.rename(number, "Иное Имя")
    school.to_lead(number)
    assert (card.name, card.is_study) == ("Иное Имя", 0)
    school.to_client(number)
    school.archive(number)
    assert card.archived_on(TODAY)
    assert school.books.groups_on(number, TODAY + timedelta(days=1)) == []
    school.unarchive(number)
    assert not card.archived_on(TODAY)
    school.remove_customer(number)
    assert number not in school.books.customers
    assert all(one.customer_id != number for rows in school.books.members.values() for one in rows)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("fly", {}, "there is no action 'fly'"),
        ("cancel", {}, "missing a required argument"),
        ("cancel", {"lesson": 1001, "why": "snow"}, "unexpected keyword argument"),
        ("cancel", {"lesson": "x"}, "cancel: lesson must be a whole number, not 'x'"),
        ("cancel", {"lesson": "٣"}, "whole number"),
        ("cancel", {"lesson": 5}, "there is no lesson 5"),
        ("move", {"lesson": 1001, "date": "soon"}, "date like"),
        ("mark", {"lesson": 1001, "customer": 101, "is_attend": 2}, "must be one of 0, 1"),
        (
            "mark",
            {"lesson": 1001, "customer": 99999, "is_attend": 1},
            "customer 99999 is not in lesson",
        ),
        ("remove_pupil", {"lesson": 1001, "customer": 99999}, "customer 99999 is not in lesson"),
        ("restore", {"lesson": 5}, "lesson 5 is not a deleted one"),
        ("rename", {"customer": 101, "name": " "}, "name must be a text"),
        ("rename", {"customer": 5, "name": "A"}, "there is no customer 5"),
        ("change_group", {"customer": 101, "from_group": 9, "to_group": None}, "is not in group 9"),
        (
            "change_group",
            {"customer": 101, "from_group": "", "to_group": 99},
            "there is no group 99",
        ),
        ("empty", {"branch": 9}, "there is no branch 9"),
        ("retype", {"lesson": 1001, "type": 99}, "there is no lesson type 99"),
        ("add_type", {"name": "A", "base": 4}, "must be one of 1, 2, 3"),
        ("advance", {"days": 0}, "days must be from 1 to 400"),
        (
            "add_lesson",
            {"branch": 1, "group": 1, "date": "2026-11-21", "type": 2, "customers": {}},
            "list",
        ),
    ],
)
def test_a_wrong_action_is_refused_in_one_line(
    school: School, name: str, arguments: dict[str, object], told: str
) -> None:
    """Wrong names and arguments are refused, and nothing changes or is written down."""
    lesson = min(number for number, one in school.books.lessons.items() if not one.deleted)
    arguments = {key: lesson if value == 1001 else value for key, value in arguments.items()}
    version = school.version
    with pytest.raises(ValueError, match=told) as refused:
        school.act(name, **arguments)
    assert "\n" not in str(refused.value)
    assert school.actions == []
    assert school.version == version


def test_adding_a_pupil_twice_is_refused(school: School) -> None:
    """A pupil has one attendance row in a lesson."""
    lesson = conducted(school)
    with pytest.raises(ValueError, match="already in lesson"):
        school.add_pupil(lesson.id, lesson.details[0].customer_id)


@pytest.mark.parametrize(
    "wrong", [{}, {"seed": 1}, [], {"seed": 1, "residents": 5, "days": 2, "branches": 1}]
)
def test_what_is_no_description_is_refused(wrong: dict[str, int]) -> None:
    """A replay of something else is refused in one line."""
    with pytest.raises(ValueError, match="not the description of a school"):
        School.replay(wrong)
