"""One record of AlfaCRM → one fact, or ``UnreadableRecord``.

Only the fields that are named here are touched: the others hold telephones, addresses, money.
"""

import re
from datetime import date
from typing import Any

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
from coinsync.core.identity import VK_UNREADABLE, VkKind, clean, read_vk, shown_name
from coinsync.exchange.values import (
    ID_MAX,
    Record,
    UnreadableRecord,
    day,
    mark,
    minute,
    number,
    numbers,
    optional_day,
    optional_number,
    text,
    weekdays,
    within,
)

VK_TEXT_LENGTH_MAX = 255
#: The first link to a VK page in a note, without the full stop of a sentence, and whole: of
#: "wall-1_2" there is no page "wall".
_LINK_IN_NOTE = re.compile(r"vk\.(?:com|ru)/[A-Za-z0-9_.]*[A-Za-z0-9_](?![-/?\w])")


def branch(record: Record) -> Branch:
    """A row of ``branch/index``."""
    return Branch(number(record, "id"), text(record, "name"))


def lesson_type(record: Record) -> LessonType:
    """A row of ``lesson-type/index``."""
    base = optional_number(record, "type") or 0
    return LessonType(number(record, "id"), text(record, "name"), base)


def group(record: Record) -> Group:
    """A row of ``group/index``."""
    return Group(number(record, "id"), text(record, "name"))


def resident(record: Record, *, today: date, kept: ResidentSettings) -> Resident:
    """A row of ``customer/index``; of the whole card only these fields are kept."""
    name = record.get("name")
    return Resident(
        number(record, "id"),
        shown_name(name, kept.names) if isinstance(name, str) else "",
        _presence(record, today),
        numbers(record, "branch_ids"),
        vk_text(kept.vk_field, record.get(kept.vk_field)) if kept.vk_field else "",
    )


def _presence(record: Record, today: date) -> Presence:
    # Not every answer has ``removed``; a card whose last day is past is in the archive as well.
    last_day = optional_day(record, "e_date")
    removed = record.get("removed") in (1, 2, "1", "2")
    if removed or (last_day is not None and last_day < today):
        return Presence.ARCHIVED
    return Presence.CLIENT if record.get("is_study") in (1, True, "1") else Presence.LEAD


def vk_text(field: str, value: Any) -> str:
    """What a card's field says of the family's VK page, "" for nothing."""
    text = _field_text(value)
    if field == "note":
        # Most notes are about something else, and any word might be taken for a page.
        link = _LINK_IN_NOTE.search(text)
        text = link[0] if link else ""
    page = clean(text)[:VK_TEXT_LENGTH_MAX]
    meaning = read_vk(page)
    # What is no VK page may be a telephone, an address or a whole note, which must not be kept.
    if meaning.kind is VkKind.UNREADABLE:
        return VK_UNREADABLE
    looks_like_a_page = "vk" in page.lower() and " " not in page
    if meaning.kind is VkKind.NOT_A_PERSON and not looks_like_a_page:
        return VK_UNREADABLE
    if " " not in page and "|" not in page:
        return page
    # Of "@ada (her mother's name)" the name is not kept.
    if meaning.kind is VkKind.NUMBER:
        return f"id{meaning.number}"
    return f"@{meaning.name}" if meaning.name else page


def _field_text(value: Any) -> str:
    if isinstance(value, list):
        # Of several links none is chosen: together they mean nothing, and a person will look.
        links = [link for link in value if isinstance(link, str) and "vk" in link.lower()]
        return " ".join(links)
    if type(value) is int and 0 < value <= ID_MAX:
        return str(value)
    return value if isinstance(value, str) else ""


def card_memberships(record: Record) -> tuple[Membership, ...]:
    """The current memberships under ``groups`` of a customer row: numbers, or objects with days."""
    resident = number(record, "id")
    groups = record.get("groups")
    if groups in (None, ""):
        return ()
    if not isinstance(groups, list):
        raise UnreadableRecord("groups")
    memberships = []
    for index, item in enumerate(groups):
        path = f"groups[{index}]"
        if isinstance(item, dict):
            with within(path):
                memberships.append(_card_membership(resident, item))
        else:
            memberships.append(Membership(resident, number({path: item}, path)))
    return tuple(memberships)


def _card_membership(resident: int, item: Record) -> Membership:
    # An object is the group itself, or a membership that names the group and has an id of its own.
    group = number({"id": item.get("group_id", item.get("id"))}, "id")
    since, until = optional_day(item, "b_date"), optional_day(item, "e_date")
    return Membership(resident, group, since or ALWAYS, until)


def membership(record: Record) -> Membership:
    """A row of ``cgi/index``."""
    return Membership(
        number(record, "customer_id"),
        number(record, "group_id"),
        optional_day(record, "b_date") or ALWAYS,
        optional_day(record, "e_date"),
    )


def regular_lesson(record: Record) -> RegularLesson | None:
    """A row of ``regular-lesson/index``; None for a line that is not a group's."""
    if record.get("related_class") != "Group":
        return None
    # A line has one ``day`` or a list of ``days``; where both stand, the list says more.
    days = record.get("days")
    if days in (None, "", []):
        on_days = weekdays({"day": [record.get("day")]}, "day")
    else:
        on_days = weekdays(record, "days")
    return RegularLesson(
        number(record, "id"),
        number(record, "related_id"),
        on_days,
        minute(record, "time_from_v"),
        _either_day(record, "b_date") or ALWAYS,
        _either_day(record, "e_date"),
    )


def _either_day(record: Record, name: str) -> date | None:
    # The same day stands as 2026-09-01 and, with _v, as 01.09.2026; either may be missing.
    return optional_day(record, name if record.get(name) else f"{name}_v")


def lesson_record(record: Record, *, branch: int) -> LessonRecord:
    """A row of ``lesson/index`` with everybody whom it lists, read under ``branch``."""
    status = number(record, "status")
    # 1 planned, 2 cancelled, 3 conducted; what a fourth would mean for coins nobody knows.
    if status not in (1, 2, 3):
        raise UnreadableRecord("status")
    lesson = Lesson(
        number(record, "id"),
        optional_number(record, "branch_id") or branch,
        _lesson_day(record),
        minute(record, "time_from"),
        number(record, "lesson_type_id"),
        Status(status),
        numbers(record, "group_ids"),
        optional_number(record, "subject_id"),
        # Not every account's lessons name the regular lesson that they come from, so this says
        # yes for certain and leaves the rest to the schedule.
        scheduled=optional_number(record, "regular_id") is not None,
    )
    return LessonRecord(lesson, _attendance(record, lesson))


def _lesson_day(record: Record) -> date:
    # Clients of different years have seen the day under different names.
    for name in ("date", "lesson_date", "time_from"):
        if record.get(name) not in (None, ""):
            return day(record, name)
    raise UnreadableRecord("date")


def _attendance(record: Record, lesson: Lesson) -> tuple[Attendance, ...]:
    # A pupil may stand in ``customer_ids`` alone, or in ``details`` alone: that list of pupils
    # proves nothing, but without it a pupil whose mark is missing would seem to be removed.
    listed = numbers(record, "customer_ids")
    marks = dict.fromkeys(listed, Mark.NOT_MARKED)
    marks.update(_marks(record, lesson.status))
    return tuple(Attendance(lesson.id, resident, marks[resident]) for resident in sorted(marks))


def _marks(record: Record, status: Status) -> dict[int, Mark]:
    details = record.get("details")
    if details in (None, "") and status is not Status.CONDUCTED:
        return {}
    if not isinstance(details, list):
        # A conducted lesson without its list says nothing of anybody, absence least of all.
        raise UnreadableRecord("details")
    marks: dict[int, Mark] = {}
    for index, detail in enumerate(details):
        path = f"details[{index}]"
        if not isinstance(detail, dict):
            raise UnreadableRecord(path)
        with within(path):
            resident, attended = number(detail, "customer_id"), mark(detail, "is_attend")
            # The same pupil twice with two marks: neither of them can be believed.
            if marks.setdefault(resident, attended) is not attended:
                raise UnreadableRecord("is_attend")
    return marks
