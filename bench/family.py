"""A school for the measurements of pages: a family of two children, other pupils, thirty goods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from wsgiref.types import WSGIApplication
from zoneinfo import ZoneInfo

from bench.environment import environment, numbered
from bench.lessons import ACCOUNT, order
from bench.places import Place
from coinsync.core.catalog import Item, MoveKind, StockMove
from coinsync.core.facts import Group, Lesson, Link, LinkSource, Presence, Resident, Status
from coinsync.core.ledger import Entry, Kind, lesson_key
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Scope, Stock
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
        cls, place: Place, folder: Path, *, lines: int = 60, others: int = 60, pupils: int = 20
    ) -> School:
        """Make a school: so many lines of each of the two children and of each other pupil."""
        pictures = folder / "web"
        pictures.mkdir(parents=True)
        for item in goods():
            (pictures / item.picture).write_bytes(b"RIFF")
        url = place.new()
        opened = database.open_writable(url)
        # Everything was posted in time.
        here = environment(NOW - timedelta(days=400), numbered().__next__)
        for plan in _plans(lines, others, pupils):
            writer.apply(opened, plan, order(NOW), here)
        opened.close()
        return cls(url, pictures)

    def words(self) -> SchoolView:
        """What its pages say in its own words."""
        return SchoolView(SETTINGS.profile)

    def app(self) -> WSGIApplication:
        """Its web view."""
        profile = replace(SETTINGS.profile, pictures=self.pictures)
        return make_app(replace(SETTINGS, profile=profile), self.url, now=NOW.timestamp)


def _plans(lines: int, others: int, pupils: int) -> Iterator[Plan]:
    """What is recorded: people, the shop, and the history of each pupil."""
    pupil_ids = range(CHILDREN[0], CHILDREN[0] + pupils)
    people: list[Change] = [Put(Group(id, name)) for id, name in GROUPS.items()]
    for id in pupil_ids:
        people.append(Put(Resident(id, f"Ученик {id} Лисицын", Presence.CLIENT, (1,))))
    for child in CHILDREN:
        people.append(Put(Link(VK, child, LinkSource.CRM)))
    scope = Scope(1, TODAY - timedelta(days=400), TODAY)
    yield Plan.of(Purpose.PEOPLE, scope, people)
    yield shop_plan()
    for id in pupil_ids:
        history = _history(id, lines if id in CHILDREN else others)
        yield Plan.of(Purpose.DESK, scope, list(history))


def shop_plan() -> Plan:
    """The goods, and seven pieces of each."""
    shop: list[Change] = []
    for item in goods():
        key = f"stock:{item.code}"
        move = StockMove(key, item.code, 7, MoveKind.RECEIVE, TODAY, "desk")
        shop += [Put(item), Stock(move)]
    return Plan.of(Purpose.CATALOG, Scope(1, TODAY, TODAY), shop)


def _history(pupil: int, lines: int) -> Iterator[Change]:
    """So many paid lessons in groups with names of different length, and what they gave."""
    for n in range(lines):
        lesson = pupil * 100_000 + n
        day = TODAY - timedelta(days=3 + 3 * n % 400)
        key = lesson_key(ACCOUNT, lesson, pupil)
        award = Entry(key, 1, pupil, 1 + n % 5, Kind.AWARD, day, "lesson", "sync", lesson=lesson)
        yield Put(Lesson(lesson, 1, day, "18:00", 2, Status.CONDUCTED, (7 + n % 3,)))
        yield Post(award)


def launch(vk: int = VK) -> str:
    """The launch of a parent, by default of the family's."""
    fields = {
        "vk_app_id": str(SETTINGS.app_id),
        "vk_language": "ru",
        "vk_platform": "mobile_web",
        "vk_ts": str(int(NOW.timestamp())),
        "vk_user_id": str(vk),
    }
    return sign(fields, SETTINGS.keys[0])


def goods() -> list[Item]:
    """A catalog with texts, pictures and stock."""
    items: list[Item] = []
    for n in range(GOODS):
        text = f"Описание товара номер {n}: удобный, прочный и в цветах школы."
        item = Item(
            code=f"goods-{n}",
            name_ru=f"Товар номер {n} «Росток»",
            name_en=f"Goods number {n}",
            category_ru=f"Раздел {n // 10}",
            category_en=f"Part {n // 10}",
            text_ru=text,
            text_en="A few words.",
            price=10 + n,
            branches=(),
            picture=f"goods-{n}.{n:012x}.webp",
            place=n,
            shown=True,
            tracked=True,
        )
        items.append(item)
    return items
