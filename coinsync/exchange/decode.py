"""One record of AlfaCRM to one fact, or ``UnreadableRecord`` that names the path. Pure; touches only named fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

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
from coinsync.core.identity import VK_UNREADABLE, NameForm, VkKind, clean, read_vk, shown_name

ID_MAX = 2**63 - 1
VK_TEXT_LENGTH_MAX = 255
NO_END = date(2030, 12, 31)

_ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?: .*)?", re.ASCII)
_DOTTED_DAY = re.compile(r"(\d\d)\.(\d\d)\.(\d{4})", re.ASCII)
_MINUTE = re.compile(r"(?:\d{4}-\d\d-\d\d[ T])?([01]\d|2[0-3]):([0-5]\d)(?::\d\d)?", re.ASCII)

Record = Mapping[str, Any]


class UnreadableRecord(ValueError):
    """A record says something that cannot be meant; ``path`` names the field."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


# --- values ----------------------------------------------------------------------------------------------------------


def whole(value: Any, path: str) -> int:
    """A whole number from 0 up, as one or as ASCII digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    if type(value) is not int or not 0 <= value <= ID_MAX:
        raise UnreadableRecord(path)
    return value


def number(value: Any, path: str) -> int:
    """A positive whole number, as one or as ASCII digits."""
    found = whole(value, path)
    if not found:
        raise UnreadableRecord(path)
    return found


def optional_number(value: Any, path: str) -> int | None:
    """A positive whole number; None, "" and 0 are none."""
    return None if value in (None, "", 0, "0") else number(value, path)


def numbers(value: Any, path: str) -> tuple[int, ...]:
    """A list of positive whole numbers, sorted, each once; None and "" are an empty list."""
    if value in (None, ""):
        return ()
    if not isinstance(value, list):
        raise UnreadableRecord(path)
    return tuple(sorted({number(one, path) for one in value}))


def day(value: Any, path: str) -> date:
    """A day as ``2026-11-20`` (a time may follow) or ``20.11.2026``."""
    if isinstance(value, str):
        iso, dotted = _ISO_DAY.fullmatch(value), _DOTTED_DAY.fullmatch(value)
        parts = iso.groups() if iso else dotted.groups()[::-1] if dotted else None
        if parts:
            try:
                return date(*map(int, parts))
            except ValueError:
                pass
    raise UnreadableRecord(path)


def optional_day(value: Any, path: str) -> date | None:
    """A day, or None for nothing and for the CRM's "no end"."""
    if value in (None, ""):
        return None
    found = day(value, path)
    return None if found == NO_END else found


def minute(value: Any, path: str) -> str:
    """The "HH:MM" of a local date-time or time; seconds are noise (lessons start at :01)."""
    if value in (None, ""):
        return ""
    match = _MINUTE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise UnreadableRecord(path)
    return f"{match[1]}:{match[2]}"


def flag(value: Any) -> bool:
    """Yes for 1, true and "1"; no for everything else."""
    return value in (1, True, "1")


def text(value: Any) -> str:
    """A text in one line, shortened where it is very long; "" for anything else."""
    return shown_name(value, NameForm.FULL) if isinstance(value, str) else ""


def mark(value: Any) -> Mark:
    """What ``is_attend`` says; whatever is neither yes nor no is *not marked*."""
    if isinstance(value, (int, str)):
        return {1: Mark.ATTENDED, "1": Mark.ATTENDED, 0: Mark.ABSENT, "0": Mark.ABSENT}.get(
            value, Mark.NOT_MARKED
        )
    return Mark.NOT_MARKED


# --- records ---------------------------------------------------------------------------------------------------------


def branch(record: Record) -> Branch:
    """A row of ``branch/index``."""
    return Branch(number(record.get("id"), "id"), text(record.get("name")))


def lesson_type(record: Record) -> LessonType:
    """A row of ``lesson-type/index``."""
    base = optional_number(record.get("type"), "type") or 0
    return LessonType(number(record.get("id"), "id"), text(record.get("name")), base)


def group(record: Record) -> Group:
    """A row of ``group/index``."""
    return Group(number(record.get("id"), "id"), text(record.get("name")))


def resident(
    record: Record, *, today: date, names: NameForm, vk_field: str, vk_pattern: str = ""
) -> Resident:
    """A row of ``customer/index``; of the whole card only these fields are kept.

    ``vk_pattern`` has one group and finds the family's page in a longer text, of which nothing else is kept.
    """
    name = record.get("name")
    return Resident(
        number(record.get("id"), "id"),
        shown_name(name, names) if isinstance(name, str) else "",
        _presence(record, today),
        numbers(record.get("branch_ids"), "branch_ids"),
        _vk_text(record.get(vk_field), vk_pattern) if vk_field else "",
    )


def _presence(record: Record, today: date) -> Presence:
    ended = optional_day(record.get("e_date"), "e_date")
    if record.get("removed") in (1, 2, "1", "2") or (ended is not None and ended < today):
        return Presence.ARCHIVED
    return Presence.CLIENT if flag(record.get("is_study")) else Presence.LEAD


def _vk_text(value: Any, pattern: str) -> str:
    if isinstance(value, list):
        # Of several links none is chosen: together they mean nothing, and a person will look.
        value = " ".join(one for one in value if isinstance(one, str) and "vk" in one.lower())
    if type(value) is int and 0 < value <= ID_MAX:
        value = str(value)
    if pattern and isinstance(value, str):
        found = re.search(pattern, value)
        value = found[1] if found else ""
    text = clean(value)[:VK_TEXT_LENGTH_MAX] if isinstance(value, str) else ""
    meaning, strange = read_vk(text), " " in text or "vk" not in text.lower()
    # What is no VK page may be a telephone, an address or a whole note, which are not ours to keep.
    if meaning.kind is VkKind.UNREADABLE or (meaning.kind is VkKind.NOT_A_PERSON and strange):
        return VK_UNREADABLE
    if " " not in text and "|" not in text:
        return text
    # "@ada (her mother's name)" is kept without the name.
    return (
        f"id{meaning.number}"
        if meaning.kind is VkKind.NUMBER
        else f"@{meaning.name}"
        if meaning.name
        else text
    )


def card_memberships(record: Record) -> tuple[Membership, ...]:
    """The current memberships that a customer row carries under ``groups``: numbers, or objects with days."""
    owner = number(record.get("id"), "id")
    found = record.get("groups")
    if found in (None, ""):
        return ()
    if not isinstance(found, list):
        raise UnreadableRecord("groups")
    return tuple(
        _card_membership(owner, one, f"groups[{index}]") for index, one in enumerate(found)
    )


def _card_membership(owner: int, one: Any, path: str) -> Membership:
    if not isinstance(one, dict):
        return Membership(owner, number(one, path))
    id = one.get("group_id", one.get("id"))
    since, until = (
        optional_day(one.get("b_date"), f"{path}.b_date"),
        optional_day(one.get("e_date"), f"{path}.e_date"),
    )
    return Membership(owner, number(id, f"{path}.id"), since or ALWAYS, until)


def membership(record: Record) -> Membership:
    """A row of ``cgi/index``."""
    return Membership(
        number(record.get("customer_id"), "customer_id"),
        number(record.get("group_id"), "group_id"),
        optional_day(record.get("b_date"), "b_date") or ALWAYS,
        optional_day(record.get("e_date"), "e_date"),
    )


def weekdays(value: Any, path: str) -> tuple[int, ...]:
    """A list of days of the week, 1 Monday to 7 Sunday, at least one."""
    found = numbers(value, path)
    if not found or found[-1] > 7:
        raise UnreadableRecord(path)
    return found


def regular_lesson(record: Record) -> RegularLesson | None:
    """A row of ``regular-lesson/index``; None for a line that is not a group's."""
    if record.get("related_class") != "Group":
        return None
    days = record.get("days")
    on_days = (
        weekdays([record.get("day")], "day") if days in (None, "", []) else weekdays(days, "days")
    )
    return RegularLesson(
        number(record.get("id"), "id"),
        number(record.get("related_id"), "related_id"),
        on_days,
        minute(record.get("time_from_v"), "time_from_v"),
        optional_day(record.get("b_date") or record.get("b_date_v"), "b_date") or ALWAYS,
        optional_day(record.get("e_date") or record.get("e_date_v"), "e_date"),
    )


def record(record: Record, *, branch: int) -> LessonRecord:
    """A row of ``lesson/index`` with everybody whom it lists, read under ``branch``."""
    status = _status(record.get("status"))
    lesson = Lesson(
        number(record.get("id"), "id"),
        optional_number(record.get("branch_id"), "branch_id") or branch,
        _lesson_day(record),
        minute(record.get("time_from"), "time_from"),
        number(record.get("lesson_type_id"), "lesson_type_id"),
        status,
        numbers(record.get("group_ids"), "group_ids"),
        optional_number(record.get("subject_id"), "subject_id"),
        scheduled=optional_number(record.get("regular_id"), "regular_id") is not None,
    )
    return LessonRecord(lesson, _attendance(record, lesson))


def _status(value: Any) -> Status:
    found = number(value, "status")
    if found not in (1, 2, 3):
        raise UnreadableRecord("status")
    return Status(found)


def _lesson_day(record: Record) -> date:
    for name in ("date", "lesson_date", "time_from"):
        if record.get(name) not in (None, ""):
            return day(record[name], name)
    raise UnreadableRecord("date")


def _attendance(record: Record, lesson: Lesson) -> tuple[Attendance, ...]:
    marks = dict.fromkeys(numbers(record.get("customer_ids"), "customer_ids"), Mark.NOT_MARKED)
    marks.update(_marks(record, lesson.status))
    return tuple(Attendance(lesson.id, resident, one) for resident, one in sorted(marks.items()))


def _marks(record: Record, status: Status) -> dict[int, Mark]:
    details = record.get("details")
    if details in (None, "") and status is not Status.CONDUCTED:
        return {}
    if not isinstance(details, list):
        # A conducted lesson without its list says nothing of anybody; absence must not be read into it.
        raise UnreadableRecord("details")
    marks: dict[int, Mark] = {}
    for index, detail in enumerate(details):
        path = f"details[{index}]"
        if not isinstance(detail, dict):
            raise UnreadableRecord(path)
        who = number(detail.get("customer_id"), f"{path}.customer_id")
        one = mark(detail.get("is_attend"))
        if marks.setdefault(who, one) is not one:
            raise UnreadableRecord(f"{path}.is_attend")
    return marks
