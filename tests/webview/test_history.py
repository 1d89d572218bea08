"""Further lines of a history: fetched by the page's script, of one's own children only, each line
exactly once.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from coinsync.core.facts import Lesson, Merge, Presence, Resident, Status
from coinsync.core.plan import Change, Post, Purpose, Put
from coinsync.store.database import open_readable, reading
from coinsync.store.reader import Reader
from tests.support.webview_client import (
    ANYA,
    MARKS,
    NAMES,
    NOBODY,
    OLEG,
    RITA,
    VERA,
    Got,
    Window,
    award,
    check_headers,
    credit,
    launch,
    record,
    school_in,
)
from webview import pages
from webview.pages import LINES_MAX

COUNT = 130


def lessons(resident: int, count: int, first: int = 1000) -> list[Change]:
    """So many paid lessons, each on a day of its own, recorded in no order of their days."""
    changes: list[Change] = []
    for n in sorted(range(count), key=lambda n: (n * 37) % count):
        day = date(2026, 11, 16) - timedelta(days=n)
        changes.append(Put(Lesson(first + n, 1, day, "18:00", 2, Status.CONDUCTED, (7,))))
        changes.append(Post(award(first + n, resident, day, n + 1)))
    return changes


@pytest.fixture
def window(tmp_path: Path) -> Window:
    """Рита has a long history, and so has Аня of the other family."""
    return Window(school_in(tmp_path, *lessons(RITA, COUNT), *lessons(ANYA, 60, 5000)))


def more(window: Window, vk: int, child: object, before: object, **environ: str) -> Got:
    """What the script is answered."""
    return window.ask(
        f"child={child}&before={before}", "/history", HTTP_X_LAUNCH=launch(vk), **environ
    )


def amounts(text: str) -> list[str]:
    """The amounts of a history, in their order."""
    return re.findall(r'<p class="amount[^"]*">([^<]*)</p>', text)


def shown_first(window: Window, vk: int, child: int) -> tuple[list[str], int]:
    """The amounts that the page itself shows of a child, and the number that further ones come
    after.
    """
    page = window.page(vk)
    history = page.partition(f'data-lines="{child}"')[2].partition("<button")[0]
    (before,) = re.findall(rf'data-child="{child}" data-before="(\d+)"', page)
    return amounts(history), int(before)


def test_every_line_comes_exactly_once_in_the_order_of_days(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over all parts, though many lines were recorded late and stand among older ones."""
    monkeypatch.setattr(pages, "OLDER_MAX", LINES_MAX)
    found, before = shown_first(window, OLEG, RITA)
    assert len(found) == LINES_MAX
    parts = 0
    while before:
        got = more(window, OLEG, RITA, before)
        assert got.status == 200
        parts += 1
        found += amounts(got.text)
        (before,) = map(int, re.findall(r'data-before="(\d+)"', got.text))
    assert parts == 2
    assert found == ["+5", f"+{10 + RITA}", *(f"+{n + 1}" for n in range(COUNT))]


def test_a_part_is_no_page_and_has_every_header(window: Window) -> None:
    """Rows alone, kept nowhere, as HTML."""
    _, before = shown_first(window, OLEG, RITA)
    got = more(window, OLEG, RITA, before)
    assert got.text.startswith(f'<ul data-lines="{RITA}" data-before="0">')
    assert got.text.endswith("</ul>\n")
    assert "<html" not in got.text
    assert got.text.count('<li class="line"') == COUNT + 2 - LINES_MAX
    assert got.headers["Content-Type"] == "text/html; charset=UTF-8"
    check_headers(got)


def test_a_part_speaks_the_visitors_language(window: Window) -> None:
    """As the page does."""
    _, before = shown_first(window, OLEG, RITA)
    query = f"child={RITA}&before={before}"
    assert (
        "September" in window.ask(query, "/history", HTTP_X_LAUNCH=launch(OLEG, language="en")).text
    )


def test_a_short_history_has_no_more(tmp_path: Path) -> None:
    """No button, and nothing behind the last line."""
    window = Window(school_in(tmp_path))
    assert "data-before" not in window.page(OLEG)
    database = open_readable(window.url)
    with reading(database):
        later, earlier = (line.posted.n for line in Reader(database).lines(RITA))
    after = [more(window, OLEG, RITA, n).text for n in (later, earlier)]
    assert [amounts(text) for text in after] == [[f"+{10 + RITA}"], []]
    assert all('data-before="0"' in text for text in after)


@pytest.mark.parametrize(
    "child", [ANYA, 999, 0, -RITA, "", "x", "43x", "4٣", " 43", "+43", "1" * 30, "43&child=43"]
)
def test_somebody_elses_child_and_no_child_are_equally_not_there(
    window: Window, child: object
) -> None:
    """Foreign, unknown, malformed: one answer, that of a page that is not there."""
    missing = window.ask(path="/nothing")
    for before in (1, 60, 10**6):
        got = more(window, OLEG, child, before)
        assert (got.status, got.body) == (404, missing.body)
        check_headers(got)


def test_a_line_of_somebody_else_opens_nothing(window: Window) -> None:
    """A number of a foreign line says nothing about it, and neither does one of no line."""
    _, foreign = shown_first(window, VERA, ANYA)
    for before in (foreign, 10**6, 0, "", "x", "1" * 30):
        got = more(window, OLEG, RITA, before)
        assert (got.status, got.body) == (404, window.ask(path="/nothing").body)


def test_only_the_header_says_who_asks(window: Window) -> None:
    """A signed query in the address is not taken here, nor is any other header."""
    _, before = shown_first(window, OLEG, RITA)
    asked = f"child={RITA}&before={before}"
    refused = window.ask().body
    for got in (
        window.ask(f"{launch(OLEG)}&{asked}", "/history"),
        window.ask(asked, "/history", HTTP_AUTHORIZATION=launch(OLEG)),
        window.ask(asked, "/history", HTTP_COOKIE=launch(OLEG)),
        window.ask(asked, "/history", HTTP_X_LAUNCH=launch(OLEG)[:-1]),
        window.ask(asked, "/history", HTTP_X_LAUNCH=""),
    ):
        assert (got.status, got.body) == (403, refused)
        check_headers(got)
    assert more(window, NOBODY, RITA, before).status == 404


def test_a_page_left_open_too_long_is_told_to_open_again(window: Window) -> None:
    """The launch in the header grows old as the one in the address does."""
    _, before = shown_first(window, OLEG, RITA)
    query = launch(OLEG)
    window.now += 86401
    got = window.ask(f"child={RITA}&before={before}", "/history", HTTP_X_LAUNCH=query)
    assert got.status == 403
    assert "Откройте приложение ещё раз" in got.text


def test_parts_of_merged_cards_are_one_history(tmp_path: Path) -> None:
    """Lines of the card that ended stand among those of the card that goes on."""
    url = school_in(tmp_path, *lessons(RITA, 60))
    record(url, [Put(Resident(44, "Рита С.", Presence.GONE, (1,))), *lessons(44, 60, 3000)])
    record(url, [Put(Merge(44, RITA, (), (RITA,)))], purpose=Purpose.DESK)
    window = Window(url)
    found, before = shown_first(window, OLEG, RITA)
    while before:
        got = more(window, OLEG, RITA, before)
        found += amounts(got.text)
        (before,) = map(int, re.findall(r'data-before="(\d+)"', got.text))
    assert len(found) == 122
    assert more(window, OLEG, 44, 3).status == 404


# --- nobody sees another family's child, whatever is asked --------------------------------------


@pytest.mark.parametrize("path", ["/", "/history", "/pictures/x", "/healthz", "/nothing"])
def test_no_route_shows_another_family(window: Window, path: str) -> None:
    """Every route, with every foreign number in every place that a request has."""
    record(window.url, [Post(credit("desk:secret", ANYA, 1, "тайна"))], purpose=Purpose.DESK)
    _, before = shown_first(window, VERA, ANYA)
    foreign = (NAMES[ANYA], MARKS[ANYA], "тайна", f"resident-{ANYA}", f'data-lines="{ANYA}"')
    for asked in (
        f"child={ANYA}&before={before}",
        f"vk_user_id={VERA}",
        f"resident={ANYA}",
        f"child={RITA}&child={ANYA}",
    ):
        for got in (
            window.ask(asked, path, HTTP_X_LAUNCH=launch(OLEG)),
            window.ask(f"{asked}&{launch(OLEG)}", path),
            window.ask(launch(OLEG), f"{path}?{asked}"),
        ):
            assert not any(text in got.text for text in foreign), (asked, got.status)


def test_the_log_has_no_number_of_a_child(window: Window, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the query of a part nor its header."""
    _, before = shown_first(window, OLEG, RITA)
    with caplog.at_level("DEBUG", "webview"):
        caplog.clear()
        more(window, OLEG, RITA, before)
    assert caplog.messages == ["GET /history 200 0 ms -"]
