"""What one page costs: bytes, statements, and how it grows; and that its form holds whatever is in
it.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from coinsync.core.catalog import Item, MoveKind, StockMove
from coinsync.core.facts import Group, Lesson, Link, LinkSource, Presence, Resident, Status
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Scope, Stock
from coinsync.core.rules import Rule
from coinsync.core.school import Way
from coinsync.store.database import open_readable, reading
from coinsync.store.reader import Reader
from tests.support.webview_client import (
    ANYA,
    MISHA,
    NOBODY,
    OLEG,
    RITA,
    TODAY,
    VERA,
    Window,
    award,
    record,
    school_in,
)
from webview.app import family_of, older_of

RULE = Rule("group", 10, frozenset({2}), date(2026, 9, 1))
WAYS = tuple(
    Way(
        f"way-{n}",
        f"Победа номер {n}",
        f"Win number {n}",
        10 * n,
        "Принеси диплом.",
        "Bring a diploma.",
    )
    for n in range(1, 7)
)


def history(resident: int, count: int, first: int) -> list[Change]:
    """So many paid lessons in groups with names of different length."""
    changes: list[Change] = []
    for n in range(count):
        day = date(2026, 11, 16) - timedelta(days=n % 400)
        changes.append(Put(Lesson(first + n, 1, day, "18:00", 2, Status.CONDUCTED, (7 + n % 3,))))
        changes.append(Post(award(first + n, resident, day, 1 + n % 5)))
    return changes


def a_shop(count: int) -> Plan:
    """A catalog of so many goods, with texts, pictures and stock."""
    items = [
        Item(
            f"goods-{n}", f"Товар номер {n} «Росток»", f"Goods number {n}", f"Раздел {n // 10}", f"Part {n // 10}",  # noqa: E501
            f"Описание товара номер {n}: удобный, прочный и в цветах школы.", "A few words.", 10 + n, (),  # noqa: E501
            f"goods-{n}.{n:012x}.webp", n, shown=True, tracked=True,
        )
        for n in range(count)
    ]  # fmt: skip
    moves = [
        Stock(StockMove(f"stock:{one.code}", one.code, 7, MoveKind.RECEIVE, TODAY, "desk"))
        for one in items
    ]
    return Plan.of(Purpose.CATALOG, Scope(1, TODAY, TODAY), [*map(Put, items), *moves])


def a_window(
    folder: Path,
    *,
    lines: int = 0,
    goods: int = 0,
    children: int = 0,
    of: tuple[int, ...] = (ANYA, MISHA, RITA),
) -> Window:
    """A school of some size: so many lines of some children, so many goods, so many brothers and
    sisters of Рита.
    """
    changes: list[Change] = [
        Put(Group(8, "Python: первые шаги")),
        Put(Group(9, "Веб-студия, старшие")),
    ]
    changes += [change for resident in of for change in history(resident, lines, 10_000 * resident)]
    for n in range(children):
        changes += [
            Put(Resident(700 + n, f"Сестра {n}", Presence.CLIENT, (1,))),
            Put(Link(OLEG, 700 + n, LinkSource.DESK)),
        ]
    url = school_in(folder, *changes)
    record(url, plan=a_shop(goods))
    pictures = folder / "web"
    pictures.mkdir()
    for n in range(goods):
        (pictures / f"goods-{n}.{n:012x}.webp").write_bytes(b"RIFF")
    return Window(url, rules=(RULE,), ways=WAYS, pictures=pictures)


# --- bytes --------------------------------------------------------------------------------------


def test_the_page_of_two_children_arrives_in_one_flight(tmp_path: Path) -> None:
    """Fifty lines of each, thirty goods, the memo and the style: 10 KB as a proxy compresses it."""
    page = a_window(tmp_path, lines=60, goods=30).page(VERA)
    assert page.count('<li class="line') == 2 * (50 + 3)
    assert page.count('<li class="good"') == 30
    assert page.count("<img") == 30
    assert len(gzip.compress(page.encode(), 6)) <= 10 * 1024


def test_three_hundred_goods_and_five_thousand_lines_are_a_page(tmp_path: Path) -> None:
    """All the goods, and of the lines as many as of a hundred."""
    page = a_window(tmp_path, lines=5_000, goods=300, of=(RITA,)).page(OLEG)
    assert page.count('<li class="good"') == 300
    assert page.count('<li class="line') == 53
    assert len(gzip.compress(page.encode(), 5)) <= 40 * 1024


# --- statements ---------------------------------------------------------------------------------


def statements(url: str, ask: Callable[[Reader], object]) -> int:
    """How many statements a visit takes, counted by SQLite itself; all of them only read."""
    seen: list[str] = []
    database = open_readable(url)
    with reading(database):
        database.connection().set_trace_callback(seen.append)
        ask(Reader(database))
        database.connection().set_trace_callback(None)
    assert not [sql for sql in seen if not sql.lstrip().startswith("SELECT")]
    return len(seen)


def test_a_page_takes_as_many_statements_however_much_there_is(tmp_path: Path) -> None:
    """Whatever the number of lines, children and goods."""
    sizes: tuple[dict[str, int], ...] = (
        {"goods": 1},
        {"lines": 300, "goods": 1},
        {"goods": 200},
        {"goods": 1, "children": 12},
        {"lines": 80, "goods": 90, "children": 25},
    )
    counts = set()
    for n, size in enumerate(sizes):
        folder = tmp_path / str(n)
        folder.mkdir()
        url = a_window(folder, **size).url  # type: ignore[arg-type]
        counts |= {statements(url, partial(family_of, vk=vk)) for vk in (VERA, OLEG)}
    assert counts == {9}


def test_a_stranger_and_a_further_part_take_no_more(tmp_path: Path) -> None:
    """Nor does a line that is not there."""
    url = a_window(tmp_path, lines=120, goods=20).url
    assert statements(url, partial(family_of, vk=NOBODY)) <= 7
    assert statements(url, partial(older_of, vk=VERA, child=ANYA, before=1)) <= 7
    assert statements(url, partial(older_of, vk=VERA, child=RITA, before=1)) == 1


# --- form ---------------------------------------------------------------------------------------

BARE = {
    "hidden", "disabled", "defer",
    "data-banner", "data-copied", "data-goal-bar", "data-goal-label", "data-goal-name",
    "data-goal-text",
    "data-kinds", "data-none", "data-reload", "data-together", "data-favourites", "data-favourites-empty", "data-filters", "data-nothing", "data-home-screen", "data-status",  # noqa: E501
}  # fmt: skip
VOID = {"meta", "img", "link"}


@pytest.mark.parametrize(
    "text",
    [
        "слово",
        "<script>alert(1)</script>",
        '" onload="x',
        "' x='",
        "\N{RIGHT-TO-LEFT OVERRIDE}аря",
        "ё" * 120,
    ],
)
def test_every_attribute_is_quoted_every_tag_closed_and_no_name_is_used_twice(
    tmp_path: Path, text: str
) -> None:
    """In the document itself, whatever names and texts are in it."""
    window = a_window(tmp_path, lines=60, goods=12, children=3)
    old = Resident(RITA, "Рита Совина", Presence.CLIENT, (1,))
    record(
        window.url,
        [Put(replace(old, name=text), old), Put(Group(7, text), Group(7, "Роботы по вторникам"))],
    )
    page = window.page(OLEG)
    body = re.sub(r"<(style|script)([^>]*)>.*?</\1>", r"<\1\2></\1>", page, flags=re.DOTALL)
    open_tags: list[str] = []
    for closing, name, rest in re.findall(r"<(/?)([a-z0-9]+)([^>]*)>", body):
        if closing:
            assert open_tags.pop() == name
            continue
        left = re.sub(r'\s[a-zA-Z-]+="[^"<>]*"', "", rest)
        assert set(left.rstrip("/").split()) <= BARE, (name, rest)
        if name not in VOID and not rest.endswith("/"):
            open_tags.append(name)
    assert open_tags == []
    ids = re.findall(r'\sid="([^"]*)"', body)
    assert len(set(ids)) == len(ids)
    targets = re.findall(r'href="#([^"]*)"', body)
    assert set(targets) <= set(ids)
