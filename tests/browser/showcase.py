"""The school that is looked at: three children with lines of every kind, and the demo's goods with
their pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

from peewee import Database

from coinsync import pictures
from coinsync.core.catalog import MoveKind, StockMove
from coinsync.core.facts import Group, Lesson, Link, LinkSource, Presence, Resident, Status
from coinsync.core.files.catalog import read_catalog
from coinsync.core.ledger import BOUGHT, BY_HAND, BY_WAY, Entry, Kind, lesson_key
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Scope, Stock
from coinsync.core.rules import Reason, Rule
from coinsync.core.school import Way
from coinsync.environment import Environment
from coinsync.simulator.school import GOODS
from coinsync.store.database import open_writable
from coinsync.store.reader import Reader
from coinsync.store.writer import Order, apply
from tests.support.makers import entries_of, new_database
from tests.support.webview_client import TODAY, Window, record

PARENT, GUEST = 601, 609
SONYA, ARTYOM, LIZA = 51, 52, 53
CHILDREN = (SONYA, ARTYOM, LIZA)
NAMES = {SONYA: "Соня Журавлёва", ARTYOM: "Артём Журавлёв", LIZA: "Лиза Журавлёва"}
#: How many lessons of each were paid for; the youngest has only just begun.
LESSONS: Mapping[int, int] = {SONYA: 50, ARTYOM: 9, LIZA: 0}
GROUPS = {7: "Роботы по вторникам", 8: "Python: первые шаги", 9: "Веб-студия, старшие"}
RULE = Rule("group", 10, frozenset({2}), date(2026, 9, 1))
WAYS = (
    Way(
        "olympiad",
        "Победа на олимпиаде",
        "A prize at an olympiad",
        100,
        "Принеси диплом или грамоту.",
        "",
    ),
    Way(
        "project",
        "Свой проект",
        "A project of one's own",
        50,
        "Покажи группе игру или сайт, которые сделал сам.",
        "",
    ),
    Way(
        "help",
        "Помощь товарищу",
        "Helping a friend",
        15,
        "Объясни тему тому, кто её пропустил.",
        "",
    ),
    Way(
        "friend", "Приведи друга", "Bring a friend", 80, "Когда друг придёт на второе занятие.", ""
    ),
)
SOLD_OUT = "mug"
FOUNDED, CORRECTED = date(2026, 4, 1), date(2026, 11, 21)


def open_showcase(folder: Path, **settings: Any) -> Window:
    """The window onto it; ``settings`` are further ones of the window's."""
    url = new_database(folder)
    database = open_writable(url)
    _record(database, FOUNDED, _people())
    for day, entries in groupby(sorted(_lines(), key=_day_of), _day_of):
        _record(database, day, map(Post, entries))
    _record(database, CORRECTED, [Post(_correction(Reader(database)))])
    database.close()
    record(url, plan=Plan.of(Purpose.CATALOG, Scope(1, TODAY, TODAY), _goods(folder / "web")))
    record(url)
    return Window(url, rules=(RULE,), ways=WAYS, pictures=folder / "web", **settings)


def _people() -> Iterator[Change]:
    yield from (Put(Group(id, name)) for id, name in GROUPS.items())
    yield from (Put(Resident(id, name, Presence.CLIENT, (1,))) for id, name in NAMES.items())
    yield from (Put(Link(PARENT, child, LinkSource.DESK)) for child in CHILDREN)
    for child, count in LESSONS.items():
        for n in range(count):
            groups = (7 + (child + n % 2) % 3,)
            yield Put(
                Lesson(_lesson(child, n), 1, _lesson_day(n), "18:00", 2, Status.CONDUCTED, groups)
            )


def _lesson(child: int, n: int) -> int:
    return child * 1000 + n


def _lesson_day(n: int) -> date:
    """Two lessons a week, the latest, 0, a few days ago."""
    return TODAY - timedelta(days=5 + 7 * n // 2)


def _lines() -> Iterator[Entry]:
    """What lessons gave, a prize, purchases, a correction, and a few coins from the desk."""
    for child, count in LESSONS.items():
        for n in range(count):
            lesson = _lesson(child, n)
            key = lesson_key("school", lesson, child)
            yield Entry(
                key, 1, child, 10, Kind.AWARD, _lesson_day(n), "lesson", "sync", lesson=lesson
            )
    yield _entry(
        "shop:1", SONYA, -300, Kind.SALE, date(2026, 10, 10), BOUGHT, note="Набор «Собери робота»"
    )
    yield _entry(
        "shop:2", SONYA, -90, Kind.SALE, date(2026, 11, 14), BOUGHT, note="Футболка «Росток»"
    )
    yield _entry("way:1", SONYA, 100, Kind.CREDIT, date(2026, 11, 19), BY_WAY, rule="olympiad")
    yield _entry("shop:3", SONYA, -70, Kind.SALE, date(2026, 11, 20), BOUGHT, note="Кепка")
    yield _entry("way:2", ARTYOM, 50, Kind.CREDIT, date(2026, 11, 12), BY_WAY, rule="project")
    yield _entry(
        "desk:1",
        ARTYOM,
        5,
        Kind.CREDIT,
        date(2026, 11, 18),
        BY_HAND,
        note="Помог расставить стулья",
    )


def _entry(
    key: str,
    child: int,
    coins: int,
    kind: Kind,
    day: date,
    reason: str,
    *,
    note: str = "",
    rule: str = "",
) -> Entry:
    return Entry(key, 1, child, coins, kind, day, reason, "desk", rule=rule, note=note)


def _correction(reader: Reader) -> Entry:
    """What takes back the latest award of the second child, who was not at that lesson."""
    key = lesson_key("school", _lesson(ARTYOM, 0), ARTYOM)
    number = next(posted.n for posted in entries_of(reader) if posted.entry.key == key)
    return Entry(
        key, 2, ARTYOM, -10, Kind.REVERSAL, CORRECTED, Reason.ABSENT, "sync", reverses=number
    )


def _record(database: Database, day: date, changes: Iterable[Change]) -> None:
    """Apply a plan of these changes in the evening of a day."""
    now = datetime.combine(day, time(20), UTC)
    around = Environment(
        now=lambda: now,
        environ={},
        monotonic=lambda: 0.0,
        fresh_text=lambda: uuid4().hex,
        chance=lambda: 0.5,
        sleep=lambda _seconds: None,
    )
    scope = Scope(1, day, day)
    # What staff did stands beside what a sync did; the empty plan says how fresh it is.
    for plan in (Plan.of(Purpose.DESK, scope, changes), Plan.of(Purpose.LESSONS, scope, ())):
        apply(database, plan, Order("sync", "school", now), around)


def _day_of(entry: Entry) -> date:
    return entry.happened_on


def _goods(folder: Path) -> Sequence[Change]:
    """The demo's catalog, with copies of its pictures in ``folder``; all pieces of one of them are
    sold.
    """

    def copied(name: str) -> str:
        copy = pictures.web_picture(GOODS / name)
        pictures.keep(copy, folder)
        return copy.name

    content = (GOODS / "catalog.csv").read_bytes()
    items = read_catalog(content, branches=frozenset({1}), picture=copied)
    there = [item for item in items if item.tracked and item.code != SOLD_OUT]
    moves = [
        StockMove(
            f"stock:{one.code}", one.code, 1 + 300 // one.price, MoveKind.RECEIVE, TODAY, "desk"
        )
        for one in there
    ]
    return [*map(Put, items), *map(Stock, moves)]
