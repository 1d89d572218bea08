"""What to propose to a school that is being set up, by the names of what it has."""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from coinsync.config import kinds
from coinsync.core.facts import LessonType
from coinsync.core.rules import GROUP_BASE
from coinsync.staff_texts import ENGLISH, RUSSIAN

MOSCOW = "Europe/Moscow"
_TRIAL_WORDS = ("пробн", "trial")
_MAKEUP_WORDS = ("отработ", "make-up", "makeup", "make up")
_TRIAL_BASE = 3


def propose_zone(machine_zone: str) -> str:
    """This machine's zone for a branch, else Moscow's."""
    try:
        # A server's clock often stands on UTC wherever the school is.
        is_place = "/" in machine_zone and not machine_zone.startswith("Etc/")
        return str(kinds.zone(machine_zone)) if is_place else MOSCOW
    except ValueError:
        return MOSCOW


def propose_types(
    types: Iterable[LessonType], counts: Mapping[int, int]
) -> tuple[set[int], set[int], set[int]]:
    """Regular, trial and make-up types by their names; of the others the most used is regular."""
    trial, makeup, others = set(), set(), []
    for lesson_type in types:
        name = lesson_type.name.casefold()
        if any(word in name for word in _MAKEUP_WORDS):
            makeup.add(lesson_type.id)
        elif lesson_type.base == _TRIAL_BASE or any(word in name for word in _TRIAL_WORDS):
            trial.add(lesson_type.id)
        else:
            # Where nothing was taught yet, it is rather the lesson of a group.
            use = (counts.get(lesson_type.id, 0), lesson_type.base == GROUP_BASE)
            others.append((use, lesson_type.id))
    regular = {max(others)[1]} if others else set()
    return regular, trial, makeup


def propose_staff_language(names: Iterable[str], environ: Mapping[str, str]) -> str:
    """Russian where names of the school have Russian letters, or the machine's locale is it."""
    locale = environ.get("LC_ALL") or environ.get("LANG", "")
    is_russian = re.search("[а-яё]", " ".join(names).lower()) or locale.startswith("ru")
    return RUSSIAN if is_russian else ENGLISH


def propose_since(today: date) -> date:
    """The first day of this month; in summer that of the coming school year."""
    return date(today.year, 9, 1) if 6 <= today.month <= 8 else today.replace(day=1)
