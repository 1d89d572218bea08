"""One field of somebody else's record → a plain value, or ``UnreadableRecord`` with the path.

AlfaCRM is written in PHP: numbers come as numbers or as texts, and nothing as null, "", 0 or [].
Nothing is guessed beyond these forms. A message never repeats a value, which may be a telephone.
"""

from __future__ import annotations

import re
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


class UnreadableRecord(ValueError):
    """A record says something that cannot be meant; ``path`` names the field."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def whole(value: Any, path: str) -> int:
    """A whole number from 0 up, as one or as ASCII digits."""
    # Python also takes digits of other scripts for digits, and texts of any length for numbers.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) < 20 else None
    # The type is compared because true is an int to Python, and true is no number of a lesson.
    if type(value) is not int or not 0 <= value <= ID_MAX:
        raise UnreadableRecord(path)
    return value


def number(value: Any, path: str) -> int:
    """A positive whole number, as one or as ASCII digits."""
    positive = whole(value, path)
    if positive == 0:
        raise UnreadableRecord(path)
    return positive


def optional_number(value: Any, path: str) -> int | None:
    """A positive whole number; None, "" and 0 are none."""
    return None if value in (None, "", 0, "0") else number(value, path)


def numbers(value: Any, path: str) -> tuple[int, ...]:
    """A list of positive whole numbers, sorted, each once; None and "" are an empty list."""
    if value in (None, ""):
        return ()
    if not isinstance(value, list):
        raise UnreadableRecord(path)
    return tuple(sorted({number(item, path) for item in value}))


def weekdays(value: Any, path: str) -> tuple[int, ...]:
    """A list of days of the week, 1 Monday to 7 Sunday, at least one."""
    days = numbers(value, path)
    if not days or days[-1] > 7:
        raise UnreadableRecord(path)
    return days


def day(value: Any, path: str) -> date:
    """A day as ``2026-11-20`` (a time may follow) or ``20.11.2026``."""
    if not isinstance(value, str):
        raise UnreadableRecord(path)
    iso, dotted = _ISO_DAY.fullmatch(value), _DOTTED_DAY.fullmatch(value)
    if iso:
        year, month, number_in_month = iso.groups()
    elif dotted:
        number_in_month, month, year = dotted.groups()
    else:
        raise UnreadableRecord(path)
    try:
        return date(int(year), int(month), int(number_in_month))
    except ValueError:
        # The 31st of a shorter month, or the year 0.
        raise UnreadableRecord(path) from None


def optional_day(value: Any, path: str) -> date | None:
    """A day, or None for nothing and for the CRM's "no end"."""
    if value in (None, ""):
        return None
    known_day = day(value, path)
    return None if known_day == NO_END else known_day


def minute(value: Any, path: str) -> str:
    """The "HH:MM" of a local date-time or time, "" for nothing."""
    # Seconds are noise: in AlfaCRM most lessons start at :01.
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
    # Lists and objects cannot be looked up, and 1.0 would be found as 1.
    return _MARKS.get(value, Mark.NOT_MARKED) if isinstance(value, (int, str)) else Mark.NOT_MARKED
