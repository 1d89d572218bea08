"""What became of a resident's coins: an explanation, a history, a statement."""

from dataclasses import dataclass
from datetime import date

from coinsync.core.facts import Decision, Hold, Lesson, Resident
from coinsync.core.ledger import Line
from coinsync.core.rules import Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """One question of the rules and its answer; ``passed`` None was not reached."""

    question: str
    answer: str
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one lesson gave one resident what it gave; ``decision`` is a person's answer to it."""

    resident: Resident
    lesson: Lesson
    title: str
    type_name: str
    steps: tuple[Step, ...]
    verdict: Verdict
    posted: int
    lines: tuple[Line, ...]
    hold: Hold | None
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """An entry with the balance after it; without ``line`` a lesson that earned nothing."""

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
    """An entry as a family reads it, with the balance after it."""

    entry: int
    day: date
    kind: str
    what: str
    why: str
    coins: int
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A resident's coins from one day to another, oldest line first.

    ``coin_word`` is the school's word beside the closing balance. ``owes``: what the closing
    balance lacks is lacking today too. ``seal`` vouches for every line.
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
    closing: int
    coin_word: str
    owes: bool
    seal: str
