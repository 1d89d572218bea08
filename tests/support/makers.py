"""Builders of small, complete values for the tests of the core and the store.

Every name in them is invented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count

from hypothesis import settings
from peewee import Database

from coinsync.core.facts import (
    Attendance,
    GroupStanding,
    Lesson,
    LessonRecord,
    Mark,
    Presence,
    Resident,
    Status,
)
from coinsync.core.ledger import Entry, KeyState, Kind, Posted, Receipt, lesson_key
from coinsync.core.plan import Change, Limits, Plan, Purpose, Put, Scope
from coinsync.core.rules import Rule, Rulebook
from coinsync.environment import Environment, no_probe
from coinsync.store import database as opening
from coinsync.store import writer
from coinsync.store.reader import Reader
from coinsync.store.writer import Order
from tests.support.engines import dump as dump
from tests.support.engines import new_database as new_database

ACCOUNT = "little-school"
BRANCH = 1

#: Types of lessons: the school pays for ``PAID_TYPE``; nobody has said what ``NEW_TYPE`` is.
PAID_TYPE, TRIAL_TYPE, MAKEUP_TYPE, CAMP_TYPE, NEW_TYPE = 2, 3, 4, 5, 7

#: A Monday, the group that learns on it and two of its residents.
DAY = date(2026, 11, 2)
GROUP = 11
ADA, GLEB = 101, 102

MONTH = Scope(BRANCH, date(2026, 11, 1), date(2026, 11, 30))
MORNING = datetime(2026, 11, 22, 2, 0, 7, tzinfo=UTC)


def thorough(examples: int) -> settings:
    """Settings of a property test.

    The same examples each time, no clock and no memory of earlier runs.
    """
    return settings(max_examples=examples, derandomize=True, deadline=None, database=None)


# --- facts ------------------------------------------------------------------------------------


def a_lesson(
    id: int = 1,
    *,
    on: date = DAY,
    starts: str = "17:00",
    type: int = PAID_TYPE,
    status: Status = Status.CONDUCTED,
    groups: tuple[int, ...] = (GROUP,),
    branch: int = BRANCH,
    subject: int | None = None,
    scheduled: bool = False,
) -> Lesson:
    """A conducted lesson of the group, of a type that earns coins, unless said otherwise."""
    return Lesson(id, branch, on, starts, type, status, groups, subject, scheduled)


def present(
    resident: int = ADA,
    mark: Mark = Mark.ATTENDED,
    standing: GroupStanding = GroupStanding.MEMBER,
    lesson: int = 1,
) -> Attendance:
    """A member of the group who attended, unless said otherwise; ``a_record`` sets the lesson."""
    return Attendance(lesson, resident, mark, standing)


def a_record(lesson: Lesson | None = None, *attendance: Attendance) -> LessonRecord:
    """A lesson with those whom it lists; Ada alone unless somebody is given."""
    lesson = lesson or a_lesson()
    return LessonRecord(
        lesson, tuple(replace(one, lesson=lesson.id) for one in attendance or (present(),))
    )


def a_resident(
    id: int = ADA,
    name: str = "",
    *,
    branches: tuple[int, ...] = (BRANCH,),
    vk: str = "",
    presence: Presence = Presence.CLIENT,
) -> Resident:
    """A client of the branch."""
    return Resident(id, name or f"Resident {id}", presence, branches, vk)


# --- rules ------------------------------------------------------------------------------------


def a_rule(
    name: str = "group", coins: int = 10, *, since: date = date(2026, 1, 1), **more: object
) -> Rule:
    """A rule for lessons of the paid type; ``more`` are other fields of the rule."""
    return replace(Rule(name, coins, frozenset({PAID_TYPE}), since), **more)  # type: ignore[arg-type]


def a_rulebook(*rules: Rule) -> Rulebook:
    """A rulebook with the school's types.

    Ten coins for each lesson of the paid type unless rules are given.
    """
    return Rulebook(
        rules or (a_rule(),),
        trials=frozenset({TRIAL_TYPE}),
        makeups=frozenset({MAKEUP_TYPE}),
        uncounted=frozenset({CAMP_TYPE}),
    )


# --- ledger and plans -------------------------------------------------------------------------


def an_award(
    lesson: int = 1, resident: int = ADA, coins: int = 10, *, seq: int = 1, on: date = DAY
) -> Entry:
    """Coins for a lesson."""
    key = lesson_key(ACCOUNT, lesson, resident)
    return Entry(
        key, seq, resident, coins, Kind.AWARD, on, "lesson", "sync", "group", lesson=lesson
    )


def a_reversal(award: Entry, n: int, reason: str = "absent") -> Entry:
    """The entry that takes back ``award``, which is posted under the number ``n``."""
    return replace(
        award, seq=award.seq + 1, coins=-award.coins, kind=Kind.REVERSAL, reason=reason, reverses=n
    )


def a_credit(
    key: str, resident: int = ADA, coins: int = 100, *, on: date = DAY, note: str = ""
) -> Entry:
    """Coins given by hand, or taken if ``coins`` is negative."""
    kind = Kind.CREDIT if coins > 0 else Kind.DEBIT
    return Entry(f"desk:{key}", 1, resident, coins, kind, on, "good deed", "clerk", note=note)


def a_plan(
    *changes: Change, basis: tuple[KeyState, ...] = (), purpose: Purpose = Purpose.DESK
) -> Plan:
    """A plan of the first branch for November."""
    return Plan.of(purpose, MONTH, changes, basis=basis)


def newcomers(*residents: int) -> Plan:
    """A plan that records residents, so that entries may refer to them."""
    return a_plan(*(Put(a_resident(id)) for id in residents or (ADA, GLEB)), purpose=Purpose.PEOPLE)


# --- store ------------------------------------------------------------------------------------


def order(
    *, account: str = ACCOUNT, limits: Limits | None = None, accepted: tuple[str, ...] = ()
) -> Order:
    """An order of the night's sync."""
    return Order("sync", account, MORNING, limits or Limits(), accepted, requests=3)


def environment(
    *,
    now: datetime = MORNING,
    name: str = "run",
    sleep: Callable[[float], None] = lambda _seconds: None,
    probe: Callable[[str], None] = no_probe,
) -> Environment:
    """A clock that stands still, tokens ``name-1``, ``name-2`` …, and pauses of no length."""
    numbers = count(1)
    return Environment(
        environ={},
        now=lambda: now,
        monotonic=lambda: 0.0,
        sleep=sleep,
        fresh_text=lambda: f"{name}-{next(numbers)}",
        chance=lambda: 0.5,
        probe=probe,
    )


@contextmanager
def writing(url: str) -> Iterator[Database]:
    """A writing connection, closed at the end."""
    opened = opening.open_writable(url)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """A reader on a connection of its own."""
    opened = opening.open_readable(url)
    with opening.reading(opened):
        yield Reader(opened)


_RUNS = count(1)


def entries_of(reader: Reader) -> list[Posted]:
    """All entries in ledger order."""
    return [line.posted for line in reader.journal()]


def put_in(url: str, *plans: Plan, account: str = ACCOUNT) -> list[Receipt]:
    """Apply plans one after the other, each under run ids of its own; their receipts."""
    with writing(url) as database:
        return [
            writer.apply(
                database, plan, order(account=account), environment(name=f"put-{next(_RUNS)}")
            )
            for plan in plans
        ]
