"""A school for the page's measurements: a family of two children, further pupils, a shop of thirty goods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from wsgiref.types import WSGIApplication
from zoneinfo import ZoneInfo

from bench.environment import environment
from coinsync.core.catalog import Item, MoveKind, StockMove
from coinsync.core.facts import Group, Lesson, Link, LinkSource, Presence, Resident, Status
from coinsync.core.ledger import Entry, Kind, lesson_key
from coinsync.core.plan import Change, Limits, Plan, Post, Purpose, Put, Scope, Stock
from coinsync.core.rules import Rule
from coinsync.core.school import SchoolProfile, Way
from coinsync.store import database, writer
from webview.app import AppSettings, make_app
from webview.launch import sign
from webview.school_view import SchoolView

VK, CHILDREN, GOODS = 501, (41, 42), 30
NOW, TODAY = datetime(2026, 11, 22, 9, tzinfo=UTC), date(2026, 11, 22)
SETTINGS = AppSettings(
    SchoolProfile(
        name="Школа «Лесная тропа»",
        coin_forms_ru=("монета", "монеты", "монет"),
        coin_forms_en=("coin", "coins"),
        zone=ZoneInfo("Europe/Moscow"),
        rules=(Rule("group", 10, frozenset({2}), date(2026, 9, 1)),),
        ways=tuple(
            Way(f"way-{n}", f"Победа номер {n}", f"Win number {n}", 10 * n, "Принеси диплом.")
            for n in range(1, 7)
        ),
    ),
    app_id=7000001,
    keys=("ExampleProtectedKey0001",),
)
GROUPS = {7: "Роботы по вторникам", 8: "Python: первые шаги", 9: "Веб-студия, старшие"}


@dataclass(frozen=True, slots=True)
class School:
    """A school's database and the folder of its pictures."""

    url: str
    pictures: Path

    @classmethod
    def founded(
        cls, folder: Path, *, lines: int = 60, others: int = 60, pupils: int = 20
    ) -> School:
        """Make a school in a folder: so many lines of each of the family's two children and of each other pupil."""
        pictures = folder / "web"
        pictures.mkdir(parents=True)
        for item in goods():
            (pictures / item.picture).write_bytes(b"RIFF")
        url = f"sqlite:///{folder / 'coins.db'}"
        database.create(url)
        people: list[Change] = [Put(Group(id, name)) for id, name in GROUPS.items()]
        people += [
            Put(Resident(id, f"Ученик {id} Лисицын", Presence.CLIENT, (1,)))
            for id in pupil_ids(pupils)
        ]
        people += [Put(Link(VK, child, LinkSource.DESK)) for child in CHILDREN]
        shop: list[Change] = [Put(item) for item in goods()]
        shop += [
            Stock(StockMove(f"stock:{i.code}", i.code, 7, MoveKind.RECEIVE, TODAY, "desk"))
            for i in goods()
        ]
        scope = Scope(1, TODAY - timedelta(days=400), TODAY)
        plans = [
            Plan.of(Purpose.PEOPLE, scope, people),
            Plan.of(Purpose.CATALOG, Scope(1, TODAY, TODAY), shop),
        ]
        plans += [
            Plan.of(Purpose.LESSONS, scope, history(pupil, lines if pupil in CHILDREN else others))
            for pupil in pupil_ids(pupils)
        ]
        tokens = (f"{n:032x}" for n in count())
        # Everything was posted in time.
        around = environment(NOW - timedelta(days=400), tokens.__next__)
        opened = database.open_writable(url)
        for plan in plans:
            writer.apply(
                opened,
                plan,
                writer.Order("bench", "bench", NOW, Limits(coins_per_run_max=10**8)),
                around,
            )
        opened.close()
        return cls(url, pictures)

    def words(self) -> SchoolView:
        """What its pages say in its own words."""
        return SchoolView(SETTINGS.profile)

    def app(self) -> WSGIApplication:
        """Its web view."""
        profile = replace(SETTINGS.profile, pictures=self.pictures)
        return make_app(replace(SETTINGS, profile=profile), self.url, now=NOW.timestamp)


def launch() -> str:
    """The launch of the family's parent."""
    fields = {"vk_app_id": str(SETTINGS.app_id), "vk_language": "ru", "vk_platform": "mobile_web"}
    return sign(
        {**fields, "vk_ts": str(int(NOW.timestamp())), "vk_user_id": str(VK)}, SETTINGS.keys[0]
    )


def pupil_ids(pupils: int) -> range:
    """Numbers of the pupils; the family's children are the first two."""
    return range(CHILDREN[0], CHILDREN[0] + pupils)


def history(pupil: int, lines: int) -> list[Change]:
    """So many paid lessons in groups with names of different length, on two days of the week."""
    return [change for n in range(lines) for change in attended(pupil, pupil * 100_000 + n, n)]


def attended(pupil: int, lesson: int, n: int) -> Iterator[Change]:
    """A lesson and what it gave."""
    day = TODAY - timedelta(days=3 + 3 * n % 400)
    yield Put(Lesson(lesson, 1, day, "18:00", 2, Status.CONDUCTED, (7 + n % 3,)))
    key = lesson_key("bench", lesson, pupil)
    yield Post(Entry(key, 1, pupil, 1 + n % 5, Kind.AWARD, day, "lesson", "sync", lesson=lesson))


def goods() -> list[Item]:
    """A catalog with texts, pictures and stock."""
    return [
        Item(
            f"goods-{n}", f"Товар номер {n} «Росток»", f"Goods number {n}", f"Раздел {n // 10}", f"Part {n // 10}",
            f"Описание товара номер {n}: удобный, прочный и в цветах школы.", "A few words.", 10 + n, (),
            f"goods-{n}.{n:012x}.webp", n, shown=True, tracked=True,
        )
        for n in range(GOODS)
    ]  # fmt: skip
