"""One record of AlfaCRM → one fact, or ``UnreadableRecord``.

Only the fields that are named here are touched: the others hold telephones, addresses, money.
AlfaCRM is written in PHP: numbers come as numbers or as texts, and nothing as null, "", 0 or [].
Nothing is guessed beyond these forms. A message never repeats a value, which may be a telephone.
"""

import re
from collections.abc import Mapping
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
from coinsync.core.identity import VK_UNREADABLE, NameForm, VkKind, clean, read_vk, shown_name

#: What a database column holds.
ID_MAX = 2**63 - 1
#: AlfaCRM writes this day where something has no end.
NO_END = date(2030, 12, 31)

_ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?: .*)?", re.ASCII)
_DOTTED_DAY = re.compile(r"(\d\d)\.(\d\d)\.(\d{4})", re.ASCII)
_MINUTE = re.compile(r"(?:\d{4}-\d\d-\d\d[ T])?([01]\d|2[0-3]):([0-5]\d)(?::\d\d)?", re.ASCII)
_MARKS = {1: Mark.ATTENDED, "1": Mark.ATTENDED, 0: Mark.ABSENT, "0": Mark.ABSENT}

VK_TEXT_LENGTH_MAX = 255
#: The first link to a VK page in a note, without the full stop of a sentence, and whole: of
#: "wall-1_2" there is no page "wall".
_LINK_IN_NOTE = re.compile(r"vk\.(?:com|ru)/[A-Za-z0-9_.]*[A-Za-z0-9_](?![-/?\w])")

Record = Mapping[str, Any]


class UnreadableRecord(ValueError):
    """A record says something that cannot be meant; ``path`` names the field."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def whole(record: Record, name: str) -> int:
    """A whole number from 0 up, as one or as ASCII digits."""
    value = record.get(name)
    # Python also takes digits of other scripts for digits, and texts of any length for numbers.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) < 20 else None
    # The type is compared because true is an int to Python, and true is no number of a lesson.
    if type(value) is not int or not 0 <= value <= ID_MAX:
        raise UnreadableRecord(name)
    return value


def number(record: Record, name: str) -> int:
    """A positive whole number, as one or as ASCII digits."""
    positive = whole(record, name)
    if positive == 0:
        raise UnreadableRecord(name)
    return positive


def optional_number(record: Record, name: str) -> int | None:
    """A positive whole number; None, "" and 0 are none."""
    return None if record.get(name) in (None, "", 0, "0") else number(record, name)


def numbers(record: Record, name: str) -> tuple[int, ...]:
    """A list of positive whole numbers, sorted, each once; None and "" are an empty list."""
    items = record.get(name)
    if items in (None, ""):
        return ()
    if not isinstance(items, list):
        raise UnreadableRecord(name)
    return tuple(sorted({number({name: item}, name) for item in items}))


def weekdays(record: Record, name: str) -> tuple[int, ...]:
    """A list of days of the week, 1 Monday to 7 Sunday, at least one."""
    days = numbers(record, name)
    if not days or days[-1] > 7:
        raise UnreadableRecord(name)
    return days


def day(record: Record, name: str) -> date:
    """A day as ``2026-11-20`` (a time may follow) or ``20.11.2026``."""
    value = record.get(name)
    if not isinstance(value, str):
        raise UnreadableRecord(name)
    iso, dotted = _ISO_DAY.fullmatch(value), _DOTTED_DAY.fullmatch(value)
    if iso:
        year, month, number_in_month = iso.groups()
    elif dotted:
        number_in_month, month, year = dotted.groups()
    else:
        raise UnreadableRecord(name)
    try:
        return date(int(year), int(month), int(number_in_month))
    except ValueError:
        # The 31st of a shorter month, or the year 0.
        raise UnreadableRecord(name) from None


def optional_day(record: Record, name: str) -> date | None:
    """A day, or None for nothing and for the CRM's "no end"."""
    if record.get(name) in (None, ""):
        return None
    known_day = day(record, name)
    return None if known_day == NO_END else known_day


def minute(record: Record, name: str) -> str:
    """The "HH:MM" of a local date-time or time, "" for nothing."""
    value = record.get(name)
    if value in (None, ""):
        return ""
    # Seconds are noise: in AlfaCRM most lessons start at :01.
    match = _MINUTE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise UnreadableRecord(name)
    return f"{match[1]}:{match[2]}"


def text(record: Record, name: str) -> str:
    """A text in one line, shortened where it is very long; "" for anything else."""
    value = record.get(name)
    return shown_name(value, NameForm.FULL) if isinstance(value, str) else ""


def mark(record: Record, name: str) -> Mark:
    """Yes for 1, no for 0, as numbers or texts; whatever is neither is *not marked*."""
    value = record.get(name)
    # Lists and objects cannot be looked up, and 1.0 would be found as 1.
    return _MARKS.get(value, Mark.NOT_MARKED) if isinstance(value, (int, str)) else Mark.NOT_MARKED


# --- whole records ---


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
            try:
                memberships.append(_card_membership(resident, item))
            except UnreadableRecord as error:
                raise UnreadableRecord(f"{path}.{error.path}") from None
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
        if not isinstance(detail, dict):
            raise UnreadableRecord(f"details[{index}]")
        try:
            resident, attended = number(detail, "customer_id"), mark(detail, "is_attend")
            # The same pupil twice with two marks: neither of them can be believed.
            if marks.setdefault(resident, attended) is not attended:
                raise UnreadableRecord("is_attend")
        except UnreadableRecord as error:
            raise UnreadableRecord(f"details[{index}].{error.path}") from None
    return marks
