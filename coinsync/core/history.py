"""What became of a resident's coins, as values: an explanation, a history, a statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from coinsync.core.facts import Hold, Lesson, Resident
from coinsync.core.ledger import Line
from coinsync.core.rules import Verdict
from coinsync.core.wording import Total


@dataclass(frozen=True, slots=True)
class Step:
    """One question of the rules and its answer; ``passed`` None was not reached."""

    question: str
    answer: str
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one lesson gave one resident what it gave."""

    resident: Resident
    lesson: Lesson
    title: str
    type_name: str
    steps: tuple[Step, ...]
    verdict: Verdict
    posted: int
    lines: tuple[Line, ...]
    hold: Hold | None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A line of a history: an entry with the balance after it, or a lesson that earned nothing.

    ``line`` is None for such a lesson.
    """

    day: date
    title: str
    coins: int
    reason: str
    kind: str
    balance: int | None = None
    line: Line | None = None
    lesson: Lesson | None = None
    rule: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """A resident's lines, newest first."""

    resident: Resident
    balance: int
    lines: tuple[HistoryLine, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A line of a statement: ``what`` and ``why`` as a family reads them, ``balance`` after it.

    ``n`` is its entry.
    """

    n: int
    day: date
    kind: str
    what: str
    why: str
    coins: int
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A resident's coins from one day to another, oldest line first.

    ``opening`` and the lines make ``closing``.

    ``totals`` say what the lines came to, and name only what occurred. ``coins`` is what the school
    calls its coin, in the form that stands beside what the resident has at the end, which is never
    less than nothing.
    """

    school: str
    language: str
    resident: int
    name: str
    since: date
    until: date
    printed_on: date
    opening: int
    lines: tuple[StatementLine, ...]
    totals: Mapping[Total, int]
    closing: int
    coins: str
