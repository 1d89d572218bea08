"""Decoding one record of AlfaCRM: what is understood, and what is refused by its path."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsync.config.settings import ResidentSettings
from coinsync.core.facts import (
    ALWAYS,
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
from coinsync.core.identity import NAME_LENGTH_MAX, VK_UNREADABLE, NameForm, VkKind, read_vk
from coinsync.exchange import decode
from coinsync.exchange.decode import ID_MAX, VK_TEXT_LENGTH_MAX, UnreadableRecord

TODAY = date(2026, 11, 21)
Record = dict[str, Any]

LESSON: Record = {
    "id": 1001,
    "branch_id": 1,
    "date": "2026-11-20",
    "time_from": "2026-11-20 14:00:01",
    "time_to": "2026-11-20 15:29:59",
    "lesson_type_id": 2,
    "status": 3,
    "subject_id": 4,
    "room_id": None,
    "teacher_ids": ["Мария Выдуманная"],
    "customer_ids": [11, 12],
    "group_ids": [7],
    "streaming": [],
    "details": [
        {"id": 1, "customer_id": 11, "is_attend": 1},
        {"id": 2, "customer_id": "12", "is_attend": "0"},
    ],
    "regular_id": 5,
}
CARD: Record = {
    "id": 11,
    "branch_ids": [2, 1],
    "name": "Иванова  Ада Петровна",
    "is_study": 1,
    "e_date": "2030-12-31",
    "custom_vk": " https://vk.com/id12 ",
}


def lesson(**changed: Any) -> LessonRecord:
    """The lesson with some fields changed, decoded."""
    return decode.lesson_record({**LESSON, **changed}, branch=1)


def card(**changed: Any) -> Resident:
    """The card with some fields changed, decoded."""
    return decode.resident(
        {**CARD, **changed},
        today=TODAY,
        kept=ResidentSettings(names=NameForm.FULL, vk_field="custom_vk"),
    )


def without(record: Record, *names: str) -> Record:
    """The record without some fields."""
    return {name: value for name, value in record.items() if name not in names}


def path_of(decoded: Callable[[], object]) -> str:
    """The path of the field that makes the record unreadable."""
    with pytest.raises(UnreadableRecord) as caught:
        decoded()
    return caught.value.path


def short(value: object) -> str:
    """A name for one case of a table."""
    return repr(value)[:30]


# Numbers

GOOD_NUMBERS: list[tuple[object, int]] = [
    (12, 12),
    ("12", 12),
    ("007", 7),
    (1, 1),
    (ID_MAX, ID_MAX),
    (str(ID_MAX), ID_MAX),
]
BAD_NUMBERS: list[object] = [
    0, -1, 1.0, 1.5, True, False, None, "", "0", "-1", "+5", " 12", "12 ", "1_000", "٣", "１２",
    "1.0", "0x1", "1e3",
    "12\n", 2**63, 10**30, 10**4000, "9" * 19, "9" * 5000, [], [1], {}, {"id": 1},
    float("nan"), float("inf"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "number"), GOOD_NUMBERS)
def test_a_number_is_whole_or_ascii_digits(value: object, number: int) -> None:
    """Both ways of writing give the same whole number."""
    assert decode.number({"id": value}, "id") == number
    assert type(decode.number({"id": value}, "id")) is int


@pytest.mark.parametrize("value", BAD_NUMBERS, ids=short)
def test_what_is_no_number_is_refused_by_its_path(value: object) -> None:
    """No rounding, foreign digits, signs, truth values, nor what no database column holds."""
    assert path_of(lambda: decode.number({"customer_id": value}, "customer_id")) == "customer_id"


@pytest.mark.parametrize("value", [None, "", 0, "0"])
def test_nothing_and_zero_are_no_number_where_none_may_be(value: object) -> None:
    """The CRM writes "none" in four ways."""
    assert decode.optional_number({"subject_id": value}, "subject_id") is None


@pytest.mark.parametrize("value", [-1, 1.5, "x", [], {}, True, 2**63])
def test_an_optional_number_is_still_a_number(value: object) -> None:
    """What is there must be readable."""
    assert (
        path_of(lambda: decode.optional_number({"subject_id": value}, "subject_id")) == "subject_id"
    )


@pytest.mark.parametrize(
    ("value", "found"), [(None, ()), ("", ()), ([], ()), ([3, "1", 3], (1, 3))]
)
def test_a_list_of_numbers_is_sorted_and_each_once(value: object, found: tuple[int, ...]) -> None:
    """Nothing at all is an empty list."""
    assert decode.numbers({"group_ids": value}, "group_ids") == found


@pytest.mark.parametrize("value", ["1", 1, {}, {"0": 1}, [None], [[1]], [0], [True], ["Мария"]])
def test_a_list_with_anything_else_is_refused(value: object) -> None:
    """Half a list is not a list."""
    assert path_of(lambda: decode.numbers({"group_ids": value}, "group_ids")) == "group_ids"


@pytest.mark.parametrize(("value", "found"), [(0, 0), ("0", 0), ("15", 15), (ID_MAX, ID_MAX)])
def test_a_total_may_be_zero(value: object, found: int) -> None:
    """Whole numbers start at 0 where rows are counted."""
    assert decode.whole({"total": value}, "total") == found


@pytest.mark.parametrize("value", [-1, "-0", None, "", False, 0.0, 2**63, "9" * 5000])
def test_a_total_is_a_whole_number(value: object) -> None:
    """And nothing that merely equals one."""
    assert path_of(lambda: decode.whole({"total": value}, "total")) == "total"


# Days and times


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-11-20", date(2026, 11, 20)),
        ("20.11.2026", date(2026, 11, 20)),
        ("2026-11-20 23:50:01", date(2026, 11, 20)),
        ("2026-11-20 00:10:01", date(2026, 11, 20)),
        ("2024-02-29", date(2024, 2, 29)),
        ("29.02.2024", date(2024, 2, 29)),
    ],
)
def test_a_day_is_the_one_that_is_written(value: str, day: date) -> None:
    """In both spellings, with a time behind it or without, and never shifted by a zone."""
    assert decode.day({"date": value}, "date") == day


@pytest.mark.parametrize(
    "value",
    [
        "2025-02-29", "31.04.2026", "2026-13-01", "0000-00-00", "00.00.0000", "20.11.26",
        "2026-1-2", "2026/11/20",
        "11.20.2026", "٢٠٢٦-11-20", "2026-11-20T21:00:00Z", " 2026-11-20", "yesterday", "",
        None, 20261120, [], True,
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused(value: object) -> None:
    """No other order, no short years, no days that the calendar lacks."""
    assert path_of(lambda: decode.day({"date": value}, "date")) == "date"


@pytest.mark.parametrize("value", [None, "", "2030-12-31", "31.12.2030", "2030-12-31 00:00:00"])
def test_nothing_and_the_last_day_of_2030_are_no_end(value: object) -> None:
    """The CRM writes "for ever" as a day far away."""
    assert decode.optional_day({"e_date": value}, "e_date") is None


def test_an_optional_day_is_still_a_day() -> None:
    """What is there must be readable."""
    assert decode.optional_day({"e_date": "01.09.2026"}, "e_date") == date(2026, 9, 1)
    assert path_of(lambda: decode.optional_day({"e_date": "soon"}, "e_date")) == "e_date"


@pytest.mark.parametrize(
    ("value", "minute"),
    [
        ("2026-11-20 14:00:01", "14:00"),
        ("2026-11-20 14:00:00", "14:00"),
        ("2026-11-20T14:00:01", "14:00"),
        ("14:00", "14:00"),
        ("23:59:59", "23:59"),
        ("00:10", "00:10"),
        ("", ""),
        (None, ""),
    ],
)
def test_lessons_start_at_a_minute(value: object, minute: str) -> None:
    """Seconds are noise; a missing start is an empty one."""
    assert decode.minute({"time_from": value}, "time_from") == minute


@pytest.mark.parametrize(
    "value", ["24:00", "9:00", "14:60", "14.00", "14:00 MSK", "2026-11-20", 14, [], "14:00\n"]
)
def test_what_is_no_time_is_refused(value: object) -> None:
    """A time that cannot be compared is not kept."""
    assert path_of(lambda: decode.minute({"time_from": value}, "time_from")) == "time_from"


# Marks

NO_MARKS: list[object] = [
    None, "", 2, -1, "2", " 1", "１", "yes", "true", 1.0, 0.0, [], [1], {}, 10**4000,
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "mark"),
    [
        (1, Mark.ATTENDED),
        ("1", Mark.ATTENDED),
        (True, Mark.ATTENDED),
        (0, Mark.ABSENT),
        ("0", Mark.ABSENT),
        (False, Mark.ABSENT),
        *((value, Mark.NOT_MARKED) for value in NO_MARKS),
    ],
    ids=short,
)
def test_a_mark_is_yes_no_or_none(value: object, mark: Mark) -> None:
    """Whatever is neither plainly yes nor plainly no is not marked."""
    assert decode.mark({"is_attend": value}, "is_attend") is mark


def test_a_missing_mark_is_not_a_mark() -> None:
    """An entry without ``is_attend`` lists the resident and says no more."""
    found = lesson(customer_ids=[], details=[{"customer_id": 11}])
    assert found.attendance == (Attendance(1001, 11, Mark.NOT_MARKED),)


# Lessons


def test_a_lesson_in_full() -> None:
    """Every field that coins depend on, and nothing of money, notes or grades."""
    assert lesson() == LessonRecord(
        Lesson(1001, 1, date(2026, 11, 20), "14:00", 2, Status.CONDUCTED, (7,), 4, scheduled=True),
        (Attendance(1001, 11, Mark.ATTENDED), Attendance(1001, 12, Mark.ABSENT)),
    )


def test_fields_that_are_not_needed_may_hold_anything() -> None:
    """Money, bonuses, grades, notes, teachers and streams are never read."""
    noise: Record = {
        "time_to": 5,
        "teacher_ids": None,
        "streaming": {"a": []},
        "note": 1,
        "topic": None,
        "homework": [],
    }
    spent: Record = {
        "commission": "4,5e",
        "bonus": {},
        "grade": "4,5",
        "cost": None,
        "reason_id": [],
        "branch_id": "x",
    }
    details = [{**one, **spent} for one in LESSON["details"]]
    assert lesson(**noise, details=details, balance="nonsense") == lesson()


@pytest.mark.parametrize(
    "name", ["subject_id", "regular_id", "group_ids", "customer_ids", "branch_id"]
)
@pytest.mark.parametrize("value", [None, "", "absent"])
def test_some_fields_of_a_lesson_may_be_missing(name: str, value: object) -> None:
    """A lesson without them stands all the same."""
    record = without(LESSON, name) if value == "absent" else {**LESSON, name: value}
    assert decode.lesson_record(record, branch=1).lesson.id == 1001


def test_a_lesson_without_a_branch_belongs_to_the_branch_it_was_asked_under() -> None:
    """The branch of the address stands in."""
    assert decode.lesson_record(without(LESSON, "branch_id"), branch=3).lesson.branch == 3


@pytest.mark.parametrize("value", [None, "", 0, "0"])
def test_a_lesson_without_a_regular_one_is_not_scheduled(value: object) -> None:
    """A one-off lesson."""
    assert not lesson(regular_id=value).lesson.scheduled


@pytest.mark.parametrize("name", ["lesson_date", "time_from"])
def test_the_day_of_a_lesson_may_stand_elsewhere(name: str) -> None:
    """In ``lesson_date``, or as the day of its start."""
    record = {**without(LESSON, "date", "time_from"), name: "2026-11-19 10:00:01"}
    assert decode.lesson_record(record, branch=1).lesson.date == date(2026, 11, 19)


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        *(({"id": value}, "id") for value in BAD_NUMBERS[:12]),
        ({"branch_id": -1}, "branch_id"),
        ({"date": "20.13.2026"}, "date"),
        ({"date": None, "time_from": None}, "date"),
        ({"time_from": "noon"}, "time_from"),
        ({"lesson_type_id": None}, "lesson_type_id"),
        ({"lesson_type_id": 0}, "lesson_type_id"),
        ({"status": 0}, "status"),
        ({"status": 4}, "status"),
        ({"status": None}, "status"),
        ({"status": "conducted"}, "status"),
        ({"group_ids": {"0": 7}}, "group_ids"),
        ({"customer_ids": ["x"]}, "customer_ids"),
        ({"subject_id": "x"}, "subject_id"),
        ({"regular_id": "x"}, "regular_id"),
        ({"details": None}, "details"),
        ({"details": ""}, "details"),
        ({"details": {"0": {"customer_id": 11}}}, "details"),
        ({"details": [7]}, "details[0]"),
        ({"details": [{"customer_id": 11}, None]}, "details[1]"),
        ({"details": [{"is_attend": 1}]}, "details[0].customer_id"),
        ({"details": [{"customer_id": "11 ", "is_attend": 1}]}, "details[0].customer_id"),
    ],
    ids=short,
)
def test_an_unreadable_field_of_a_lesson_is_named(changed: Record, path: str) -> None:
    """The path and never the value, which may be a name."""
    assert path_of(lambda: lesson(**changed)) == path


def test_a_conducted_lesson_without_its_list_says_nothing() -> None:
    """A missing list is not an empty one: absence must not be read into it."""
    assert path_of(lambda: decode.lesson_record(without(LESSON, "details"), branch=1)) == "details"
    assert [one.mark for one in lesson(details=[]).attendance] == [Mark.NOT_MARKED, Mark.NOT_MARKED]


@pytest.mark.parametrize("status", [1, 2, "1"])
@pytest.mark.parametrize("details", [None, "", []])
def test_other_lessons_may_lack_their_list(status: object, details: object) -> None:
    """A planned or cancelled lesson has nothing to say of anybody yet."""
    assert len(lesson(status=status, details=details).attendance) == 2


def test_everybody_named_anywhere_is_listed_once() -> None:
    """``customer_ids`` united with ``details``, by number."""
    details = [{"customer_id": 30, "is_attend": 1}, {"customer_id": 11, "is_attend": None}]
    assert lesson(customer_ids=[12, 11], details=details).attendance == (
        Attendance(1001, 11, Mark.NOT_MARKED),
        Attendance(1001, 12, Mark.NOT_MARKED),
        Attendance(1001, 30, Mark.ATTENDED),
    )


def test_one_resident_twice_must_be_marked_alike() -> None:
    """The same mark twice is one; two marks are none, and a person will look."""
    twice = [{"customer_id": 11, "is_attend": 1}, {"customer_id": "11", "is_attend": True}]
    assert lesson(customer_ids=[], details=twice).attendance == (
        Attendance(1001, 11, Mark.ATTENDED),
    )
    unlike = [{"customer_id": 11, "is_attend": 1}, {"customer_id": 11, "is_attend": 0}]
    assert path_of(lambda: lesson(details=unlike)) == "details[1].is_attend"


# Cards

NO_TEXTS: list[object] = ["", None, [], {}, 0, -5, 1.5, True, 10**30, [["vk.com/id12"]]]


def test_a_card_in_full() -> None:
    """Number, name, presence, branches and the text about VK: no telephone, no debt, no note."""
    assert card(phone=["+7 900 000-00-00"], balance="-14160.00", dob="06.05.2015") == Resident(
        11, "Иванова Ада Петровна", Presence.CLIENT, (1, 2), "https://vk.com/id12"
    )


def test_a_name_is_shortened_unless_it_is_wanted_in_full() -> None:
    """Given name and the first letter of the surname."""
    assert decode.resident(CARD, today=TODAY, kept=ResidentSettings()).name == "Ада И."


@pytest.mark.parametrize("name", [None, "", "   ", " \u200b\u202e ", 5, [], {"first": "Ада"}])
def test_a_card_without_a_name_is_a_resident(name: object) -> None:
    """It is shown by its number."""
    assert card(name=name).name == ""


def test_a_very_long_name_is_cut_where_one_sees_it() -> None:
    """At 120 characters, the last of them three dots."""
    name = card(name="Ж" * 10_000).name
    assert len(name) == NAME_LENGTH_MAX
    assert name.endswith("…")


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"onmouseover=',
        "{{name}}",
        "${x}",
        "%(x)s",
        "Robert'); DROP TABLE",
        "%_\\",
    ],
)
def test_a_name_is_only_text(name: str) -> None:
    """It is kept as it is; who shows it makes it harmless for that place."""
    assert card(name=name).name == name


@pytest.mark.parametrize(
    "name", ["Ада\r\nИ", "Ада\tИ", "Ада\u2028И", "\x1b[31mАда И", "\ud800Ада И", "А\u200bда\x00 И"]
)
def test_a_name_is_one_line_without_hidden_characters(name: str) -> None:
    """Line ends, escapes, half characters and zero widths are gone."""
    assert card(name=name).name.replace("[31m", "") == "Ада И"


@pytest.mark.parametrize(
    ("changed", "presence"),
    [
        ({}, Presence.CLIENT),
        ({"is_study": "1"}, Presence.CLIENT),
        ({"is_study": True}, Presence.CLIENT),
        ({"is_study": 0}, Presence.LEAD),
        ({"is_study": False}, Presence.LEAD),
        ({"is_study": None}, Presence.LEAD),
        ({"e_date": "2026-11-20"}, Presence.ARCHIVED),
        ({"e_date": "20.11.2026", "is_study": 0}, Presence.ARCHIVED),
        ({"e_date": "2026-11-21"}, Presence.CLIENT),
        ({"e_date": ""}, Presence.CLIENT),
        ({"e_date": None}, Presence.CLIENT),
        ({"removed": 0}, Presence.CLIENT),
        ({"removed": 1}, Presence.ARCHIVED),
        ({"removed": "2"}, Presence.ARCHIVED),
    ],
)
def test_presence(changed: Record, presence: Presence) -> None:
    """A card whose last day is past is archived, else it is a client's or a lead's."""
    assert card(**changed).presence is presence


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"id": None}, "id"),
        ({"id": 2**63}, "id"),
        ({"branch_ids": ["Центр"]}, "branch_ids"),
        ({"branch_ids": 1}, "branch_ids"),
        ({"e_date": "never"}, "e_date"),
    ],
)
def test_an_unreadable_field_of_a_card_is_named(changed: Record, path: str) -> None:
    """The path and not the value."""
    assert path_of(lambda: card(**changed)) == path


@pytest.mark.parametrize(
    ("value", "kind", "number", "name"),
    [
        ("vk.com/id12", VkKind.NUMBER, 12, ""),
        ("12 ", VkKind.NUMBER, 12, ""),
        (12, VkKind.NUMBER, 12, ""),
        ("https://m.vk.com/ada.v?from=x", VkKind.SCREEN_NAME, 0, "ada.v"),
        ("@Ada_V", VkKind.SCREEN_NAME, 0, "ada_v"),
        (["https://example.org/ada", "https://vk.com/id12"], VkKind.NUMBER, 12, ""),
        ("+7 900 000-00-00", VkKind.UNREADABLE, 0, ""),
        ("89000000000", VkKind.UNREADABLE, 0, ""),
        ("vk.com/id12 vk.com/id13", VkKind.UNREADABLE, 0, ""),
        (["https://vk.com/id12", "https://vk.com/id13"], VkKind.UNREADABLE, 0, ""),
        *((value, VkKind.NOTHING, 0, "") for value in NO_TEXTS),
    ],
    ids=short,
)
def test_the_text_about_vk_is_never_guessed(
    value: object, kind: VkKind, number: int, name: str
) -> None:
    """One number, one screen name, or a finding for a person; of two links none is chosen."""
    meant = read_vk(card(custom_vk=value).vk)
    assert (meant.kind, meant.number, meant.name) == (kind, number, name)


def test_the_vk_field_is_read_only_when_one_is_named() -> None:
    """Without a configured field nothing is kept."""
    assert decode.resident(CARD, today=TODAY, kept=ResidentSettings(vk_field="")).vk == ""
    assert decode.resident(CARD, today=TODAY, kept=ResidentSettings(vk_field="other")).vk == ""


def test_a_very_long_text_about_vk_is_cut() -> None:
    """At what the table holds."""
    assert len(card(custom_vk="vk.com/id12?" + "a" * 5000).vk) == VK_TEXT_LENGTH_MAX


@pytest.mark.parametrize(
    "text",
    [
        *("+7 900 000-00-00", "89000000000", "vk.com/id1 vk.com/id2", "спросить маму"),
        *(
            "8/900/000-00-00",
            "ул.Выдуманная/5",
            "https://example.org/ada",
            "vk: id12, мама/папа +7 900 000-00-00",
        ),
    ],
)
def test_a_text_that_is_no_vk_page_is_not_kept(text: str) -> None:
    """It may be a telephone or an address: a question mark stands for it."""
    assert card(custom_vk=text).vk == VK_UNREADABLE


NOTE = (
    "Забирает бабушка, +7 900 000-00-00.\n"
    "vk: https://vk.com/id12 (мама), аллергия на орехи; сестра vk: @olga"
)


def noted(value: object) -> str:
    """What is kept of a note with the family's page."""
    kept = ResidentSettings(vk_field="note")
    return decode.resident({**CARD, "note": value}, today=TODAY, kept=kept).vk


def test_a_link_is_found_in_a_note() -> None:
    """The first one; nothing else of the text is kept."""
    assert noted(NOTE) == "vk.com/id12"
    assert noted("мама Анна, https://m.vk.com/anna_m. Звонить вечером") == "vk.com/anna_m"
    assert noted(["скайп: ada", "vk.ru/ada.v"]) == "vk.ru/ada.v"


@pytest.mark.parametrize(
    "value",
    ["Забирает бабушка", "vk:", "", None, 12, True, [], {"vk": "vk.com/id12"}, "vk.com/wall-1_2"],
)
def test_a_note_without_a_link_says_nothing(value: object) -> None:
    """It is not kept, and it is no trouble either: most notes are about something else."""
    assert noted(value) == ""


def test_a_longer_text_elsewhere_cannot_be_understood() -> None:
    """And is not kept."""
    assert card(custom_vk=NOTE).vk == VK_UNREADABLE


# Memberships, groups, types, timetable


@pytest.mark.parametrize("groups", [None, "", [], "absent"])
def test_a_card_may_be_in_no_group(groups: object) -> None:
    """In all the ways in which the CRM writes nothing."""
    record = CARD if groups == "absent" else {**CARD, "groups": groups}
    assert decode.card_memberships(record) == ()


def test_groups_of_a_card_are_objects_or_numbers() -> None:
    """With days where the CRM gives them; from ever and without end where it does not."""
    groups = [
        {"id": 7, "name": "Группа", "b_date": "01.09.2026", "e_date": "31.12.2030"},
        {"id": 900, "group_id": "8", "b_date": "2026-09-01", "e_date": "20.12.2026"},
        9,
        "10",
    ]
    assert decode.card_memberships({**CARD, "groups": groups}) == (
        Membership(11, 7, date(2026, 9, 1), None),
        Membership(11, 8, date(2026, 9, 1), date(2026, 12, 20)),
        Membership(11, 9, ALWAYS, None),
        Membership(11, 10, ALWAYS, None),
    )


@pytest.mark.parametrize(
    ("groups", "path"),
    [
        ({"0": 7}, "groups"),
        ("7", "groups"),
        ([None], "groups[0]"),
        ([7, {"name": "Группа"}], "groups[1].id"),
        ([{"id": 7, "b_date": "1.9.26"}], "groups[0].b_date"),
        ([{"id": 7, "e_date": 5}], "groups[0].e_date"),
    ],
    ids=str,
)
def test_an_unreadable_group_of_a_card_is_named(groups: object, path: str) -> None:
    """With its place in the list."""
    assert path_of(lambda: decode.card_memberships({**CARD, "groups": groups})) == path


def test_a_membership() -> None:
    """A row of the list of one group."""
    row = {
        "id": 1,
        "customer_id": "11",
        "group_id": 7,
        "b_date": "01.09.2026",
        "e_date": "31.12.2030",
    }
    assert decode.membership(row) == Membership(11, 7, date(2026, 9, 1), None)
    assert decode.membership(without(row, "b_date", "e_date")) == Membership(11, 7, ALWAYS, None)
    assert path_of(lambda: decode.membership(without(row, "customer_id"))) == "customer_id"


REGULAR: Record = {
    "id": 3, "related_class": "Group", "related_id": 7, "day": 2, "days": [4, 2],
    "time_from_v": "17:00",
    "b_date_v": "01.09.2026", "e_date_v": "31.12.2030", "b_date": "2026-09-01",
    "e_date": "2030-12-31",
}  # fmt: skip


def test_a_line_of_the_schedule() -> None:
    """Group, days of the week, start and dates."""
    line = RegularLesson(3, 7, (2, 4), "17:00", date(2026, 9, 1), None)
    assert decode.regular_lesson(REGULAR) == line
    assert decode.regular_lesson(without(REGULAR, "b_date", "e_date")) == line


@pytest.mark.parametrize("days", [None, "", []])
def test_a_line_of_the_schedule_may_name_one_day(days: object) -> None:
    """``day`` stands in where ``days`` is empty."""
    line = decode.regular_lesson({**REGULAR, "days": days})
    assert line is not None
    assert line.weekdays == (2,)


@pytest.mark.parametrize("related", ["Customer", "Teacher", None, 5])
def test_a_line_that_is_not_a_groups_is_passed_over(related: object) -> None:
    """Individual lessons have no group to belong to; their other fields are not looked at."""
    assert decode.regular_lesson({"related_class": related}) is None


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"days": [8]}, "days"),
        ({"days": [0]}, "days"),
        ({"days": {}}, "days"),
        ({"days": [], "day": None}, "day"),
        ({"days": [], "day": 0}, "day"),
        ({"days": [], "day": 8}, "day"),
        ({"related_id": None}, "related_id"),
        ({"time_from_v": "noon"}, "time_from_v"),
        ({"b_date": "soon"}, "b_date"),
    ],
    ids=str,
)
def test_an_unreadable_line_of_the_schedule_is_named(changed: Record, path: str) -> None:
    """A week has seven days, Monday is 1."""
    assert path_of(lambda: decode.regular_lesson({**REGULAR, **changed})) == path


def test_branches_groups_and_types_are_numbers_with_names() -> None:
    """A name may be missing, a number may not."""
    assert decode.branch({"id": "2", "name": " Центр \r\n", "is_active": True}) == Branch(
        2, "Центр"
    )
    assert decode.group({"id": 7, "name": None}) == Group(7, "")
    assert decode.lesson_type({"id": 3, "name": "Пробный", "type": "3"}) == LessonType(
        3, "Пробный", 3
    )
    assert decode.lesson_type({"id": 9, "name": "Новый", "type": None}) == LessonType(9, "Новый", 0)
    for decoder in (decode.branch, decode.group, decode.lesson_type):
        assert path_of(lambda decoder=decoder: decoder({"name": "Центр"})) == "id"  # type: ignore[misc]


def test_an_unreadable_record_tells_the_path_alone() -> None:
    """The value never reaches the message."""
    with pytest.raises(UnreadableRecord) as caught:
        card(branch_ids=["Ада Выдуманная"])
    assert "Ада" not in f"{caught.value!r} {caught.value}"


# Any record at all

DECODERS: dict[str, Callable[[Record], object]] = {
    "branch": decode.branch,
    "lesson_type": decode.lesson_type,
    "group": decode.group,
    "resident": lambda record: decode.resident(record, today=TODAY, kept=ResidentSettings()),
    "card_memberships": decode.card_memberships,
    "membership": decode.membership,
    "regular_lesson": decode.regular_lesson,
    "lesson record": lambda record: decode.lesson_record(record, branch=1),
}
NAMES = sorted(
    {
        *LESSON,
        *CARD,
        *REGULAR,
        "customer_id",
        "group_id",
        "is_attend",
        "groups",
        "type",
        "removed",
        "lesson_date",
    }
)
LIKELY: st.SearchStrategy[Any] = st.sampled_from(
    [0, 1, 2, 3, 7, 11, "1", "3", "", None, True, "2026-11-20", "20.11.2026",
     "2026-11-20 14:00:01", "17:00", "Group", "2030-12-31", "0000-00-00",
     "vk.com/id12", "Ада", 2**63, 10**4000]
)  # fmt: skip
ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    LIKELY | ODD,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=12)


def well_formed(fact: object) -> bool:
    """Whether a fact holds only what the tables can hold."""
    match fact:
        case LessonRecord(one, attendance):
            listed = [mark.resident for mark in attendance]
            own = all(mark.lesson == one.id and isinstance(mark.mark, Mark) for mark in attendance)
            return (
                own
                and listed == sorted(set(listed))
                and well_formed(one)
                and all(map(in_range, listed))
            )
        case Lesson():
            plain = type(one_date := fact.date) is date and isinstance(fact.status, Status)
            ids = (fact.id, fact.branch, fact.type, *fact.groups)
            return (
                plain
                and one_date.year > 0
                and all(map(in_range, ids))
                and len(fact.starts) in (0, 5)
            )
        case Resident():
            short = len(fact.name) <= NAME_LENGTH_MAX and len(fact.vk) <= VK_TEXT_LENGTH_MAX
            return (
                short
                and fact.name.isprintable()
                and fact.vk.isprintable()
                and all(map(in_range, fact.branches))
            )
        case Membership():
            return in_range(fact.resident) and in_range(fact.group)
        case tuple():
            return all(map(well_formed, fact))
        case RegularLesson():
            return (
                in_range(fact.id) and bool(fact.weekdays) and set(fact.weekdays) <= set(range(1, 8))
            )
        case Branch() | Group() | LessonType():
            return in_range(fact.id) and len(fact.name) <= NAME_LENGTH_MAX
        case None:
            return True
    return False


def in_range(number: object) -> bool:
    """Whether it is a number that a table takes as an id."""
    return type(number) is int and 0 < number <= ID_MAX


@pytest.mark.parametrize("kind", DECODERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_record_is_understood_or_refused(kind: str, data: st.DataObject) -> None:
    """Nothing but ``UnreadableRecord`` is ever raised, and what is returned is well formed."""
    base = {
        "lesson record": LESSON,
        "resident": CARD,
        "card_memberships": CARD,
        "regular_lesson": REGULAR,
    }.get(kind, {"id": 1})
    record = data.draw(RECORDS) if data.draw(st.booleans()) else {**base, **data.draw(RECORDS)}
    try:
        fact = DECODERS[kind](record)
    except UnreadableRecord:
        return
    assert well_formed(fact)
