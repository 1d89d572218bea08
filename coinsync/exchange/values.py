"""One field of somebody else's record → a plain value, or ``UnreadableRecord`` with the path.

AlfaCRM is written in PHP: numbers come as numbers or as texts, and nothing as null, "", 0 or [].
Nothing is guessed beyond these forms. A message never repeats a value, which may be a telephone.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from coinsync.core.facts import Mark
from coinsync.core.identity import NameForm, shown_name

#: What a database column holds.
ID_MAX = 2**63 - 1
#: AlfaCRM writes this day where something has no end.
NO_END = date(2030, 12, 31)

_ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?: .*)?", re.ASCII)
_DOTTED_DAY = re.compile(r"(\d\d)\.(\d\d)\.(\d{4})", re.ASCII)
_MINUTE = re.compile(r"(?:\d{4}-\d\d-\d\d[ T])?([01]\d|2[0-3]):([0-5]\d)(?::\d\d)?", re.ASCII)


_MARKS = {1: Mark.ATTENDED, "1": Mark.ATTENDED, 0: Mark.ABSENT, "0": Mark.ABSENT}

Record = Mapping[str, Any]


class UnreadableRecord(ValueError):
    """A record says something that cannot be meant; ``path`` names the field."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@contextmanager
def within(path: str) -> Iterator[None]:
    """Name the fields of an inner record after the field that holds it."""
    try:
        yield
    except UnreadableRecord as error:
        raise UnreadableRecord(f"{path}.{error.path}") from None


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
