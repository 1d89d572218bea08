"""The pretend school: repeatable, full of life, editable by hand."""

import copy
import json
from collections import Counter
from datetime import date, timedelta

import pytest

from coinsync.simulator import School
from coinsync.simulator.tables import CANCELLED, CONDUCTED, FOREVER, PLANNED, CrmLesson, CrmTables
from tests.simulator.fixtures import TODAY, usual_school
from tests.support.edited_school import EditedSchool
from tests.support.families import families, vk_number


@pytest.fixture
def school() -> School:
    """A school of the usual size."""
    return usual_school()


def conducted(school: School) -> CrmLesson:
    """A conducted group lesson with marked pupils, the latest of them."""
    found = [
        one
        for one in school.tables.visible_lessons()
        if one.status == CONDUCTED
        and one.lesson_type_id == 2
        and one.due_on is None
        and len(one.details) > 2
    ]
    return max(found, key=lambda one: (one.date, one.id))


def test_equal_arguments_make_equal_schools() -> None:
    """The same seed gives the same school, another seed another one."""
    tables = [EditedSchool(seed=seed, today=TODAY).tables for seed in (3, 3, 4)]
    assert tables[0] == tables[1] != tables[2]


@pytest.mark.parametrize("back", [1, 7, 20])
def test_history_is_made_by_the_same_days_as_the_future(back: int) -> None:
    """45 days of history are 45 - n days of history, and n days lived."""
    younger = EditedSchool(seed=5, days=45 - back, today=TODAY - timedelta(days=back))
    younger.act("advance", days=back)
    assert younger.tables == EditedSchool(seed=5, days=45, today=TODAY).tables


def test_a_description_replays_to_the_same_school(school: School) -> None:
    """Making anew and taking every action again gives the same tables, through JSON too."""
    lesson = conducted(school)
    pupil = lesson.details[0].customer_id
    school.act("mark", lesson=lesson.id, customer=pupil, is_attend=0)
    school.act("advance", days=2)
    school.act("rename", customer=pupil, name="Новая Фамилия")
    school.act("recreate", lesson=lesson.id)
    school.act("add_lesson", branch=1, group=None, date=TODAY, type=2, customers=(pupil,))
    school.act("add_customer", branch=1, name="Ирисов Пётр")
    school.act("empty", branch=2)
    school.act("advance", days=3)
    description = json.loads(json.dumps(school.description()))
    again = EditedSchool.replay(description)
    assert again.tables == school.tables
    assert again.description() == description


def test_an_edit_by_hand_does_not_change_what_happens_elsewhere() -> None:
    """The days after an edit bring every other lesson the same fate, under the same number."""
    left, edited = EditedSchool(seed=9, today=TODAY), EditedSchool(seed=9, today=TODAY)
    tomorrow = TODAY + timedelta(days=1)
    lesson = {"branch": 1, "group": None, "date": tomorrow, "type": 2, "customers": [101]}
    hand = edited.act("add_lesson", **lesson)
    edited.act("add_customer", branch=1, name="Ирисов Пётр")
    touched = conducted(edited)
    guest = 120 if touched.detail_of(120) is None else 121
    edited.act("mark", lesson=touched.id, customer=guest, is_attend=1)
    left.act("advance", days=5)
    edited.act("advance", days=5)
    assert set(edited.tables.lessons) - set(left.tables.lessons) == {hand}
    for number, expected in left.tables.lessons.items():
        found = edited.tables.lessons[number]
        if number != touched.id:
            assert (found.status, found.date) == (expected.status, expected.date)
            assert marks_of(found) == marks_of(expected)


def marks_of(lesson: CrmLesson) -> list[tuple[int, int | None]]:
    """Who came to the lesson, and who did not."""
    return [(detail.customer_id, detail.is_attend) for detail in lesson.details]


@pytest.mark.parametrize(
    ("residents", "branches", "days"), [(1, 1, 1), (3, 2, 20), (13, 1, 30), (40, 4, 45)]
)
def test_small_and_odd_schools_live_too(residents: int, branches: int, days: int) -> None:
    """A school of one pupil, of one day or of one branch is a school."""
    school = EditedSchool(seed=1, residents=residents, branches=branches, days=days, today=TODAY)
    assert school.today == TODAY
    assert len(school.tables.branches) == branches


def test_a_large_school_is_made(school: School) -> None:
    """Two thousand pupils are no trouble, and life grows with the school."""
    large = EditedSchool(seed=1, residents=600, days=10, today=TODAY)
    assert sum(one.is_study for one in large.tables.customers.values()) > 600


# What there is


def test_families_share_numbers(school: School) -> None:
    """There is a family of three and several of two, with numbers from an invented range."""
    found = families(school)
    sizes = Counter(len(cards) for _, cards in found)
    assert sizes[3] >= 1
    assert sizes[2] >= 3
    assert all(number >= 900_000_001 for number, _ in found)
    assert found == sorted(found)


def test_links_come_in_many_written_forms(school: School) -> None:
    """Addresses, bare numbers, nicknames, a community, empty and missing ones."""
    links = [one.vk for one in school.tables.customers.values()]
    forms = {link.replace(str(vk_number(link)), "N") for link in links if link and vk_number(link)}
    assert {"https://vk.com/idN", "N", "idN", "@idN", "vk.com/idN", "https://m.vk.com/idN"} <= forms
    assert None in links
    assert "" in links
    assert "vk.com/club77" in links
    assert any(link and vk_number(link) is None and "club" not in link for link in links)


def test_special_cards_are_there(school: School) -> None:
    """One child on two cards, one name twice, two branches, leads, archive, doubled spaces."""
    cards = list(school.tables.customers.values())
    by_name = Counter(one.name for one in cards)
    assert sum(count > 1 for count in by_name.values()) >= 2
    twins = [one for one in cards if by_name[one.name] > 1]
    assert {one.is_study for one in twins} == {0, 1}
    assert any(
        len(one.branch_ids) == 2 and len(school.tables.groups_on(one.id, TODAY)) == 2
        for one in cards
    )
    assert any(one.archived_on(TODAY) for one in cards)
    assert any(not one.is_study for one in cards)
    assert any("  " in one.name for one in cards)


def test_somebody_changed_group_in_mid_term(school: School) -> None:
    """A membership ended and another began on the same day."""
    seats = school.tables.memberships.values()
    assert any(
        {one.e_date for one in rows} & {one.b_date for one in rows if one.e_date == FOREVER}
        for rows in seats
    )


def test_a_timetable_changed_in_mid_term(school: School) -> None:
    """One regular lesson has an end, and another row goes on from the next day."""
    rows = school.tables.regular_lessons.values()
    ended = next(one for one in rows if one.e_date != FOREVER)
    assert any(one.b_date == ended.e_date + timedelta(days=1) for one in rows)


def test_lessons_come_in_all_kinds(school: School) -> None:
    """Every type, every status, deleted ones, and planned ones two weeks ahead."""
    lessons = list(school.tables.lessons.values())
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
        for lesson in school.tables.visible_lessons()
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
    """Own type, own type with the host's group, guest, membership of a day, individual lesson."""
    books = school.tables
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
        for one in school.tables.lessons.values()
        if one.lesson_type_id == 4 and one.key[:6] == "makeup"
    ]
    assert all(len(one.details) <= 1 for one in hosted)


def test_somebody_has_two_lessons_on_one_day(school: School) -> None:
    """A pupil of two groups, or with a make-up, comes twice on one date."""
    days = Counter(
        (detail.customer_id, lesson.date)
        for lesson in school.tables.visible_lessons()
        for detail in lesson.details
        if detail.is_attend
    )
    assert max(days.values()) >= 2


def test_the_past_is_edited() -> None:
    """In a month, everything happens to lessons that were conducted, and to cards."""
    school = usual_school()
    changes: set[str] = set()
    for _ in range(30):
        before = copy.deepcopy(school.tables)
        school.act("advance")
        changes |= lesson_changes(before, school.tables) | card_changes(before, school.tables)
    assert changes == {
        "cancelled", "marked anew", "pupil forgotten", "deleted", "entered again", "new card",
        "removed", "renamed", "archived", "to client", "to lead", "in another group",
    }  # fmt: skip


def lesson_changes(before: CrmTables, after: CrmTables) -> set[str]:
    """What a day did to lessons that were conducted before it, in words."""
    changes = set()
    for number, new in after.lessons.items():
        old = before.lessons.get(number)
        if old is None:
            changes |= {"entered again"} if new.key.endswith("'") else set()
        elif old.deleted or new.deleted:
            changes |= {"deleted"} if not old.deleted else set()
        elif old.status == CONDUCTED:
            marks, new_marks = dict(marks_of(old)), dict(marks_of(new))
            turned = any(marks[pupil] != new_marks.get(pupil, marks[pupil]) for pupil in marks)
            facts = {
                "cancelled": new.status == CANCELLED,
                "marked anew": turned,
                "pupil forgotten": not marks.keys() <= new_marks.keys(),
            }
            changes |= {word for word, holds in facts.items() if holds}
    return changes


def card_changes(before: CrmTables, after: CrmTables) -> set[str]:
    """What a day did to cards, in words."""
    changes = {"removed"} if before.customers.keys() - after.customers.keys() else set()
    for number, new in after.customers.items():
        old = before.customers.get(number)
        if old is None:
            changes.add("new card")
            continue
        tomorrow = after.today + timedelta(days=1)
        facts = {
            "renamed": old.name != new.name,
            "archived": old.e_date > new.e_date,
            "to client": old.is_study < new.is_study,
            "to lead": old.is_study > new.is_study,
            "in another group": new.is_study == old.is_study == 1
            and not set(after.groups_on(number, tomorrow)) <= set(before.groups_on(number, TODAY)),
        }
        changes |= {word for word, holds in facts.items() if holds}
    return changes


def test_late_marks_arrive() -> None:
    """A lesson that was conducted without marks is marked some days later by itself."""
    school = usual_school()
    waiting = [
        one
        for one in school.tables.visible_lessons()
        if one.due_on and one.status == CONDUCTED and all(d.is_attend is None for d in one.details)
    ]
    assert waiting
    school.act("advance", days=16)
    assert any(detail.is_attend is not None for one in waiting for detail in one.details)


# Edits by hand


def test_marks_by_hand(school: School) -> None:
    """A mark can be turned, taken away, given to a guest, and the guest removed."""
    lesson = conducted(school)
    pupil = lesson.details[0].customer_id
    for mark in (0, 1, None):
        school.act("mark", lesson=lesson.id, customer=pupil, is_attend=mark)
        assert marks_of(lesson)[0] == (pupil, mark)
    guest = next(number for number in school.tables.customers if lesson.detail_of(number) is None)
    school.act("mark", lesson=lesson.id, customer=guest, is_attend=1)
    assert marks_of(lesson)[-1] == (guest, 1)
    assert lesson.customer_ids[-1] == guest
    school.act("remove_pupil", lesson=lesson.id, customer=guest)
    assert guest not in school.tables.expected(lesson)


def test_lessons_by_hand(school: School) -> None:
    """Cancelled, planned, conducted, moved, retyped, put elsewhere, deleted, restored, anew."""
    lesson = conducted(school)
    marks = list(lesson.details)
    school.act("cancel", lesson=lesson.id)
    assert (lesson.status, lesson.details) == (CANCELLED, marks)
    school.act("plan", lesson=lesson.id)
    assert (lesson.status, lesson.details) == (PLANNED, marks)
    school.act("conduct", lesson=lesson.id)
    assert lesson.status == CONDUCTED
    school.act("move", lesson=lesson.id, date=date(2026, 12, 1))
    assert lesson.date == date(2026, 12, 1)
    camp = school.act("add_type", name="Лагерь", base=2)
    school.act("retype", lesson=lesson.id, type=camp)
    assert school.tables.lesson_types[lesson.lesson_type_id].name == "Лагерь"
    branch = 3 - lesson.branch_id
    school.act("move_branch", lesson=lesson.id, branch=branch)
    assert lesson.branch_id == branch
    school.act("delete", lesson=lesson.id)
    assert lesson not in school.tables.visible_lessons()
    school.act("restore", lesson=lesson.id)
    assert lesson in school.tables.visible_lessons()
    twin = school.act("recreate", lesson=lesson.id)
    assert twin not in (None, lesson.id)
    assert marks_of(school.tables.lessons[twin or 0]) == marks_of(lesson)
    assert lesson.deleted


def test_a_lesson_conducted_by_hand_was_attended_by_all(school: School) -> None:
    """The pupils of the group and the named ones get an attendance row each, with 1."""
    number = school.act("add_lesson", branch=1, group=1, date=TODAY, type=2, customers=[150])
    school.act("conduct", lesson=number)
    marks = marks_of(school.tables.lessons[number or 0])
    assert {pupil for pupil, _ in marks} == {150, *school.tables.members_on(1, TODAY)}
    assert {mark for _, mark in marks} == {1}


def test_a_branch_is_emptied_and_refilled(school: School) -> None:
    """All lessons of the branch go from the lists and come back."""
    before = school.tables.visible_lessons()
    school.act("empty", branch=1)
    assert {one.branch_id for one in school.tables.visible_lessons()} == {2}
    school.act("refill", branch=1)
    assert school.tables.visible_lessons() == before


def test_people_by_hand(school: School) -> None:
    """Cards are renamed, made leads and clients, moved between groups, archived, removed."""
    tables, tomorrow = school.tables, TODAY + timedelta(days=1)
    number = next(number for number in tables.customers if tables.groups_on(number, TODAY) == [1])
    card = tables.customers[number]
    school.act("change_group", customer=number, from_group=1, to_group=3)
    assert tables.groups_on(number, tomorrow) == [3]
    school.act("rename", customer=number, name="Иное Имя")
    school.act("to_lead", customer=number)
    assert (card.name, card.is_study) == ("Иное Имя", 0)
    school.act("to_client", customer=number)
    school.act("archive", customer=number)
    assert (card.is_study, card.archived_on(TODAY)) == (1, True)
    assert tables.groups_on(number, tomorrow) == []
    school.act("remove_customer", customer=number)
    assert number not in tables.customers
    assert all(one.customer_id != number for rows in tables.members.values() for one in rows)


def test_two_cards_of_one_child_become_one(school: School) -> None:
    """Attendance, places on lists, memberships and branches go to the other card."""
    tables = school.tables
    lesson = conducted(school)
    old, new = lesson.details[0].customer_id, school.act("add_customer", branch=2, name="Ирис П.")
    groups, came = tables.groups_on(old, TODAY), lesson.details[0].is_attend
    school.act("merge_customers", customer=old, into=new)
    assert old not in tables.customers
    assert marks_of(lesson)[0] == (new, came)
    assert tables.groups_on(new or 0, TODAY) == groups
    assert all(old not in tables.expected(row) for row in tables.lessons.values())


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("fly", {}, "there is no action 'fly'"),
        ("cancel", {}, "missing a required argument"),
        ("cancel", {"lesson": 1002, "why": "snow"}, "unexpected keyword argument"),
        ("cancel", {"lesson": "1002"}, "cancel: lesson must be a whole number, not '1002'"),
        ("cancel", {"lesson": True}, "whole number"),
        ("cancel", {"lesson": 5}, "cancel: lesson 5 does not exist"),
        ("move", {"lesson": 1002, "date": "soon"}, "date like"),
        ("mark", {"lesson": 1002, "customer": 101, "is_attend": 2}, "must be one of 0, 1"),
        ("mark", {"lesson": 1002, "customer": 9, "is_attend": 1}, "there is no customer 9"),
        ("remove_pupil", {"lesson": 1002, "customer": 99999}, "customer 99999 is not in lesson"),
        ("restore", {"lesson": 1002}, "lesson 1002 is not a deleted one"),
        ("rename", {"customer": 101, "name": " "}, "name must be a text"),
        ("rename", {"customer": 5, "name": "A"}, "customer 5 does not exist"),
        ("merge_customers", {"customer": 101, "into": 101}, "cannot be merged into itself"),
        ("change_group", {"customer": 101, "from_group": 9, "to_group": None}, "not in group 9"),
        ("change_group", {"customer": 101, "from_group": 1, "to_group": 99}, "99 does not exist"),
        ("empty", {"branch": 9}, "branch 9 does not exist"),
        ("retype", {"lesson": 1002, "type": 99}, "type 99 does not exist"),
        ("add_type", {"name": "A", "base": 4}, "must be one of 1, 2, 3"),
        ("advance", {"days": 0}, "days must be from 1 to 400"),
        (
            "add_lesson",
            {"branch": 1, "group": 1, "date": "2026-11-21", "type": 2, "customers": {}},
            "customers must be a list",
        ),
    ],
)
def test_a_wrong_action_is_refused_in_one_line(
    school: School, name: str, arguments: dict[str, object], told: str
) -> None:
    """Wrong names and arguments are refused, and nothing changes or is written down."""
    assert not school.tables.lessons[1002].deleted
    before = copy.deepcopy(school.tables)
    with pytest.raises(ValueError, match=told) as refused:
        school.act(name, **arguments)
    assert "\n" not in str(refused.value)
    assert school.actions == []
    assert school.tables == before


@pytest.mark.parametrize(
    "wrong", [{}, {"seed": 1}, [], {"seed": 1, "residents": 5, "days": 2, "branches": 1}]
)
def test_what_is_no_description_is_refused(wrong: dict[str, int]) -> None:
    """A replay of something else is refused in one line."""
    with pytest.raises(ValueError, match="not the description of a school"):
        EditedSchool.replay(wrong)
