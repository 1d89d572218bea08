"""A page that is visited every day, in a real browser: what is new, what is remembered, what is
saved up for, whom to ask, and what becomes of a page that stays open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from coinsync.core.facts import Link, LinkSource, Presence, Resident
from coinsync.core.plan import Post, Purpose, Put
from coinsync.core.school import Contact
from tests.browser.showcase import ARTYOM, GUEST, LIZA, PARENT, SONYA, open_showcase
from tests.browser.vk_host import Cloud, Host, Where, error, late, never
from tests.support.stall import Slow, again, go, open_stall, tap, until
from tests.support.webview_client import (
    ANYA,
    MISHA,
    NOBODY,
    VERA,
    Window,
    credit,
    launch,
    record,
    school_in,
)
from webview.texts import RUSSIAN

if TYPE_CHECKING:
    from tests.browser.browser import MiniApp, Opener, Site

pytest_plugins = ("tests.browser.browser",)

GET, SET, COPY = "VKWebAppStorageGet", "VKWebAppStorageSet", "VKWebAppCopyText"
CONTACT = Contact(
    "Заказы выдаёт администратор.", "", "Магазин открыт по пятницам.", "", "https://vk.me/rostok"
)
OFFLINE, EXPIRED = str(RUSSIAN.script["offline"]), str(RUSSIAN.script["expired"])
COME_BACK = """() => document.dispatchEvent(new Event("visibilitychange"))"""
MARKED = """() => [...document.querySelectorAll("[data-new]")].filter(one => one.checkVisibility())
  .map(one => one.closest(".line").querySelector(".what").textContent)"""
VISIBLE = """() => [...document.querySelectorAll("main .line")].filter(one => one.checkVisibility())
  .map(one => one.dataset.kind)"""

Serve = Callable[[WSGIApplication], "Site"]


@pytest.fixture(scope="module")
def stall(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """A school with a stall, and somebody to ask."""
    return open_stall(tmp_path_factory.mktemp("stall"), contact=CONTACT)


@pytest.fixture(scope="module")
def showcase(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """The school that is looked at."""
    return open_showcase(tmp_path_factory.mktemp("showcase"), contact=CONTACT)


@pytest.fixture
def changing(tmp_path: Path) -> Window:
    """A school of this test's own."""
    return Window(school_in(tmp_path))


def remembers(vk: int, value: str, favourites: str = "", kind: type[Host] = Host) -> Host:
    """VK that remembers something of a visitor already."""
    host = kind(Cloud())
    host.cloud.put(vk, "me1", value)
    host.cloud.put(vk, "fav1", favourites)
    return host


def memory(app: MiniApp) -> str:
    """What VK remembers of the visitor, in order."""
    return ",".join(sorted(app.host.cloud.of(app.host.vk).get("me1", "").split(",")))


def balance(app: MiniApp) -> str:
    """Who is shown, with how many coins."""
    return " ".join(app.frame.inner_text(f".purse:visible {part}") for part in ("h2", "strong"))


def banner(app: MiniApp) -> str:
    """What the page says until it is over."""
    return app.frame.inner_text("[data-banner]")


def pages_asked(app: MiniApp) -> int:
    """How often the page was fetched."""
    return sum(asked.path == "/" for asked in app.site.asked)


# --- a page that stays open ---------------------------------------------------------------------


def test_page_that_is_seen_again_after_ten_minutes_is_a_new_one(
    mini_app: Opener, serve: Serve, changing: Window
) -> None:
    """By the same launch, in a header; what has not changed is left alone, and so are the screen
    and the child.
    """
    host = remembers(VERA, "seen.41:99,seen.42:5", kind=Slow)
    app = mini_app(vk=VERA, host=host, site=serve(changing.app))
    app.host.called(GET)
    app.frame.click(f'[data-switch="{MISHA}"]')
    assert balance(app) == "Миша Лисицын 57"
    app.frame.evaluate("document.getElementById('/catalog').same = true")
    record(changing.url, [Post(credit("desk:new", MISHA, 30, "олимпиада"))], purpose=Purpose.DESK)
    app.frame.evaluate(COME_BACK)
    app.settle()
    assert pages_asked(app) == 1
    app.page.clock.fast_forward(11 * 60 * 1000)
    app.frame.evaluate(COME_BACK)
    until(app, lambda: balance(app) == "Миша Лисицын 87", "the new balance")
    assert [asked.launch for asked in app.site.asked if asked.path == "/"][1:] == [
        launch(VERA, vk_platform="mobile_web")
    ]
    assert app.site.asked[-1].query == ""
    assert app.frame.evaluate("document.getElementById('/catalog').same")
    assert app.frame.evaluate(MARKED) == ["олимпиада"]
    assert app.frame.inner_text(f'[data-switch="{MISHA}"] b') == "87"
    app.frame.evaluate(COME_BACK)
    assert pages_asked(app) == 2


def test_page_says_when_it_cannot_be_new(mini_app: Opener, serve: Serve, tmp_path: Path) -> None:
    """Without a network it keeps what it shows; a launch that grew old says how to open it again."""
    window = Window(school_in(tmp_path))
    app = mini_app(vk=VERA, site=serve(window.app))
    fresh = app.frame.locator("[data-reload]")
    fresh.click()
    until(app, lambda: app.frame.inner_text("[data-status]") == RUSSIAN.script["up_to_date"])
    app.page.context.set_offline(True)
    until(app, lambda: banner(app) == OFFLINE, "it is offline")
    fresh.click()
    app.expect("ERR_INTERNET_DISCONNECTED")
    assert (banner(app), balance(app)) == (OFFLINE, "Аня Лисицына 56")
    app.page.context.set_offline(False)
    until(app, lambda: banner(app) == "", "it is online again")
    window.now += timedelta(days=8).total_seconds()
    fresh.click()
    until(app, lambda: banner(app) == EXPIRED, "the launch is old")
    app.expect("status of 403")
    assert balance(app) == "Аня Лисицына 56"


def test_today_is_today_only_for_a_day(mini_app: Opener, serve: Serve, stall: Window) -> None:
    """A page that VK keeps says another day on another day, in the time of the school."""
    app = mini_app(vk=VERA, site=serve(stall.app), host=Slow())
    fresh = app.frame.locator("[data-reload]")
    for moment, text in (
        (datetime(2026, 11, 22, 20, 59, tzinfo=UTC), "сегодня в 12:00"),
        (datetime(2026, 11, 22, 21, 1, tzinfo=UTC), "вчера в 12:00"),
        (datetime(2026, 11, 24, 9, 0, tzinfo=UTC), "22 ноября в 12:00"),
    ):
        app.page.clock.set_fixed_time(moment)
        app.frame.evaluate(COME_BACK)
        assert fresh.inner_text() == f"Обновлено {text}"
    app.host.push("VKWebAppViewRestore", {})
    app.settle()


def test_stranger_who_was_let_in_gets_the_cabinet(
    mini_app: Opener, serve: Serve, changing: Window
) -> None:
    """Another page altogether takes the place of the first one."""
    app = mini_app(vk=NOBODY, site=serve(changing.app), host=Slow())
    assert app.frame.inner_text("h2 >> nth=0") == RUSSIAN.stranger.title
    record(changing.url, [Put(Link(NOBODY, ANYA, LinkSource.DESK))], purpose=Purpose.DESK)
    app.page.clock.fast_forward(11 * 60 * 1000)
    app.frame.evaluate(COME_BACK)
    until(app, lambda: app.frame.locator(".purse").count() == 1, "the cabinet")


# --- what is new --------------------------------------------------------------------------------


def test_what_is_new_since_last_time_is_told_once(
    mini_app: Opener, serve: Serve, stall: Window
) -> None:
    """With its reason where it is one thing; each child has a last time of its own, on all devices."""
    host = remembers(VERA, "seen.41:2,seen.42:1")
    app = mini_app(vk=VERA, site=serve(stall.app), host=host)
    badge = app.frame.locator(".news:visible")
    until(app, lambda: badge.count() == 1, "a badge")
    news = app.frame.evaluate(MARKED)
    assert badge.inner_text() == f"+{balance_of_new(app)} · {news[0]}"
    assert app.frame.evaluate("document.querySelector('.won .coin') !== null")
    app.frame.click(f'[data-switch="{MISHA}"]')
    until(app, lambda: "seen.42:" in memory(app) and "seen.42:1," not in memory(app) + ",")
    other = mini_app(vk=VERA, site=app.site, host=Host(app.host.cloud))
    other.host.called(GET)
    other.settle()
    assert other.frame.evaluate(MARKED) == []
    assert other.frame.locator(".news:visible").count() == 0


def balance_of_new(app: MiniApp) -> int:
    """What the new lines that are shown came to."""
    amounts = app.frame.locator(".child:visible [data-new]").all_inner_texts()
    return sum(int(text.replace("−", "-").split()[0]) for text in amounts)


@pytest.mark.parametrize("where", [Where.FRAME, Where.ALONE])
def test_first_visit_has_no_news(
    mini_app: Opener, serve: Serve, stall: Window, where: Where
) -> None:
    """All of it is new then; the second visit knows what the first one saw, with VK and without."""
    app = mini_app(vk=VERA, site=serve(stall.app), where=where)
    app.page.wait_for_timeout(100)
    for _ in range(2):
        assert app.frame.evaluate(MARKED) == []
        again(app)
        app.page.wait_for_timeout(100)


@pytest.mark.parametrize("behaviour", [never, error(1), late(0.2)])
def test_news_do_not_hang_on_vk(
    mini_app: Opener, serve: Serve, stall: Window, behaviour: Any
) -> None:
    """Silent, refusing or late: what this browser remembers counts."""
    host = Slow()
    host.behave(GET, behaviour)
    app = mini_app(vk=VERA, site=serve(stall.app), host=host)
    first = app.host.called(GET)
    if behaviour is not never:
        until(app, lambda: first.answered, "an answer")
        app.page.wait_for_timeout(50)
    app.frame.evaluate("localStorage.setItem('coinsync.me1.501', 'seen.41:2,child:42')")
    again(app)
    assert balance(app) == "Миша Лисицын 0"
    app.frame.click(f'[data-switch="{ANYA}"]')
    app.host.called(GET, 2)
    if behaviour is never:
        app.settle()
        app.page.clock.run_for(5_000)
    until(app, lambda: bool(app.frame.evaluate(MARKED)), "news")


@pytest.mark.parametrize("still", [False, True])
def test_one_coin_falls_once_and_lies_for_whoever_wants_it_still(
    mini_app: Opener, serve: Serve, stall: Window, still: bool
) -> None:
    """And nothing else of the page moves."""
    host = remembers(VERA, "seen.41:2")
    app = mini_app(vk=VERA, site=serve(stall.app), host=host, still=still)
    until(app, lambda: app.frame.locator(".won").count() == 1, "a gain")
    rounds = app.frame.evaluate(
        """() => document.getAnimations().map(one => [one.animationName, one.effect.getTiming().iterations])"""
    )
    assert rounds == ([] if still else [["drop", 1], ["pop", 1]])


# --- what is remembered -------------------------------------------------------------------------


def test_child_that_was_shown_is_shown_again(
    mini_app: Opener, serve: Serve, showcase: Window
) -> None:
    """On this device at once, and on the next one by VK."""
    app = mini_app(vk=PARENT, site=serve(showcase.app))
    assert app.frame.inner_text(".switcher").split()[0] == "Артём"
    app.frame.click(f'[data-switch="{SONYA}"]')
    until(app, lambda: f"child:{SONYA}" in memory(app), "VK remembers")
    again(app)
    assert balance(app) == "Соня Журавлёва 140"
    other = mini_app(vk=PARENT, site=app.site, host=Host(app.host.cloud))
    until(other, lambda: balance(other) == "Соня Журавлёва 140", "the other device knows")
    hasty = mini_app(vk=PARENT, site=app.site, host=remembers(PARENT, f"child:{LIZA}"))
    hasty.host.behave(GET, late(0.5))
    again(hasty)
    hasty.frame.click(f'[data-switch="{SONYA}"]')
    until(hasty, lambda: all(call.answered for call in hasty.host.of(GET)), "the late answer")
    hasty.settle()
    assert balance(hasty) == "Соня Журавлёва 140"
    # Nor is the child changed under the eyes of whoever is looking already.
    hasty.host.cloud.put(PARENT, "me1", f"child:{LIZA}")
    asked = len(hasty.host.of(GET))
    again(hasty)
    call = hasty.host.called(GET, asked + 1)
    until(hasty, lambda: call.answered, "another late answer")
    hasty.settle()
    assert balance(hasty) == "Соня Журавлёва 140"


def test_chosen_child_is_in_sight_among_many(
    mini_app: Opener, serve: Serve, changing: Window
) -> None:
    """With the balances of all of them, however many there are."""
    names = [f"Ученик номер {n}" for n in range(8)]
    record(
        changing.url,
        [
            change
            for n, name in enumerate(names)
            for change in (
                Put(Resident(700 + n, name, Presence.CLIENT, (1,))),
                Put(Link(VERA, 700 + n, LinkSource.DESK)),
            )
        ],
    )
    app = mini_app(vk=VERA, site=serve(changing.app), host=remembers(VERA, "child:707"))
    until(app, lambda: balance(app) == "Ученик номер 7 0", "the last child")
    place = app.frame.locator('[data-switch="707"]').bounding_box()
    assert place
    assert 0 <= place["x"] <= 390 - place["width"]
    assert app.frame.locator("[data-switch] b").all_inner_texts()[:2] == ["56", "57"]


STRANGE = (
    "child:999",
    "child:<b>,seen.41:x",
    "a" * 4000,
    "wish.41:../../x",
    ":,:,,",
    "__proto__:x",
)


def test_whatever_vk_remembers_does_no_harm(mini_app: Opener, serve: Serve, stall: Window) -> None:
    """It is read strictly; nothing of it becomes a part of the page."""
    cloud = Cloud()
    app = mini_app(vk=VERA, site=serve(stall.app), host=Host(cloud))
    for times, value in enumerate(STRANGE, 2):
        cloud.put(VERA, "me1", value)
        app.frame.evaluate("localStorage.clear()")
        again(app)
        app.host.called(GET, times)
        assert balance(app).startswith("Аня Лисицына")


# --- what is saved up for -----------------------------------------------------------------------


def wish(app: MiniApp) -> str:
    """The name of what the child that is shown saves up for."""
    return app.frame.inner_text(".wish:visible [data-goal-name]")


def test_wish_is_chosen_by_a_tap_and_leads_to_the_goods(
    mini_app: Opener, serve: Serve, stall: Window
) -> None:
    """It has a picture, a bar and the lessons that are left, and is the same on all devices."""
    host = remembers(VERA, "seen.41:99", "scarf,robot,mug")
    app = mini_app(vk=VERA, site=serve(stall.app), host=host)
    until(app, lambda: wish(app) == "Шарф", "the nearest")
    bar = app.frame.locator(".wish:visible progress")
    assert bar.evaluate("one => [one.value, one.max, one.hidden]") == [56, 86, False]
    go(app, "favourites")
    app.frame.click('[data-favourites] [data-item="robot"] .choice')
    pressed = app.frame.locator('.choice[aria-pressed="true"]')
    assert pressed.evaluate_all(
        "all => all.map(one => one.closest('[data-item]').dataset.item)"
    ) == ["robot"]
    until(app, lambda: "wish.41:robot" in memory(app), "VK remembers")
    go(app, "")
    assert wish(app) == "Робот"
    app.frame.click(".wish:visible a")
    assert app.frame.evaluate("location.hash") == "#good-robot"
    other = mini_app(vk=VERA, site=app.site, host=Host(app.host.cloud))
    until(other, lambda: wish(other) == "Робот", "the other device knows")
    tap(other, "robot")
    assert wish(other) == "Шарф"


def test_wish_that_is_reached_is_gold_and_says_where_to_get_it(
    mini_app: Opener, serve: Serve, stall: Window
) -> None:
    """One wish is promised; of several that fit one by one it is said when they do not together."""
    host = remembers(VERA, "seen.41:99,wish.41:mug", "mug")
    app = mini_app(vk=VERA, site=serve(stall.app), host=host)
    until(app, lambda: wish(app) == "Кружка", "the wish")
    assert app.frame.locator(".wish.reached:visible").count() == 1
    text = app.frame.inner_text(".wish:visible")
    for part in ("Можно забирать!", CONTACT.text_ru, CONTACT.hours_ru):
        assert part in text
    assert app.axe() == []


def test_two_that_fit_one_by_one_are_not_both_promised(
    mini_app: Opener, serve: Serve, showcase: Window
) -> None:
    """Together they are said to be too much, for the child that is shown."""
    host = remembers(PARENT, "child:51,seen.51:999", "stickers,board-game")
    app = mini_app(vk=PARENT, site=serve(showcase.app), host=host)
    until(app, lambda: balance(app) == "Соня Журавлёва 140", "the eldest")
    go(app, "favourites")
    together = app.frame.locator("[data-together]")
    assert not together.is_visible()
    tap(app, "pen")
    assert together.inner_text() == "Хватает на что-нибудь одно: вместе это 145 монет."
    app.frame.click(f'[data-switch="{LIZA}"]')
    assert not together.is_visible()


# --- a history ----------------------------------------------------------------------------------


def test_lines_of_one_kind_are_found_with_what_they_came_to(
    mini_app: Opener, serve: Serve, showcase: Window
) -> None:
    """By one tap; the months say what came and went by these lines."""
    app = mini_app(
        vk=PARENT, site=serve(showcase.app), fragment="/history", host=remembers(PARENT, "child:51")
    )
    until(app, lambda: balance_hidden(app) == "Соня Журавлёва", "the eldest")
    everything = app.frame.evaluate(VISIBLE)
    assert len(everything) == 50
    app.frame.get_by_role("button", name="Покупки").click()
    assert app.frame.evaluate(VISIBLE) == ["shop"] * 3
    assert app.frame.locator(".month:visible h4").all_inner_texts() == [
        "ноябрь\n−160",
        "октябрь\n−300",
    ]
    assert app.axe() == []
    app.frame.click(f'[data-switch="{LIZA}"]')
    app.frame.click(f'[data-switch="{ARTYOM}"]')
    assert app.frame.evaluate(VISIBLE) == []
    assert app.frame.locator("[data-none]:visible").inner_text() == RUSSIAN.kind_empty
    app.frame.get_by_role("button", name="Всё").click()
    assert len(app.frame.evaluate(VISIBLE)) == 12


def balance_hidden(app: MiniApp) -> str:
    """Whose history is shown."""
    return app.frame.inner_text("[data-screen=history] .card:visible h3")


def test_what_is_out_of_sight_is_not_laid_out(
    mini_app: Opener, serve: Serve, showcase: Window
) -> None:
    """So that a history of years is as quick as one of weeks."""
    app = mini_app(
        vk=PARENT, site=serve(showcase.app), fragment="/history", host=remembers(PARENT, "child:51")
    )
    until(app, lambda: balance_hidden(app) == "Соня Журавлёва", "the eldest")
    app.page.wait_for_timeout(50)
    laid_out = app.frame.evaluate(
        """() => [...document.querySelectorAll("#history-51 .month")].map(
          one => one.firstElementChild.checkVisibility({contentVisibilityAuto: true}))"""
    )
    assert laid_out[0]
    assert not laid_out[-1]


def test_what_is_printed_is_the_balance_and_the_whole_history(
    mini_app: Opener, serve: Serve, showcase: Window
) -> None:
    """Of the child that is shown, from whichever screen; nothing that can only be tapped."""
    app = mini_app(vk=PARENT, site=serve(showcase.app), fragment="/catalog", where=Where.ALONE)
    app.frame.click(f'[data-switch="{ARTYOM}"]')
    app.page.emulate_media(media="print")
    shown = """selector => [...document.querySelectorAll(selector)].filter(one => one.checkVisibility()).length"""
    assert app.frame.evaluate(shown, ".purse") == 1
    assert app.frame.evaluate(shown, f"#history-{ARTYOM} .line") == 12
    for selector in (f"#history-{SONYA}", ".recent", ".good", ".tabs", ".switcher", "button"):
        assert app.frame.evaluate(shown, selector) == 0, selector


# --- whom to ask --------------------------------------------------------------------------------


def test_five_questions_take_two_taps_at_most(
    mini_app: Opener, serve: Serve, stall: Window
) -> None:
    """From the open page: how much, why, how far, where, and whom to ask."""
    host = remembers(VERA, "seen.41:99", "scarf")
    app = mini_app(vk=VERA, site=serve(stall.app), host=host)
    until(app, lambda: wish(app) == "Шарф", "the wish")
    assert app.frame.locator(".balance:visible strong").is_visible()
    assert app.frame.locator(".recent:visible .line .what").first.is_visible()
    assert "ещё" in app.frame.inner_text(".wish:visible")
    go(app, "catalog")
    for text in (RUSSIAN.how_to_get, CONTACT.text_ru, CONTACT.hours_ru):
        assert app.frame.get_by_text(text).locator("visible=true").count() == 1
    go(app, "earn")
    link = app.frame.get_by_role("link", name=RUSSIAN.write)
    assert link.is_visible()
    assert link.get_attribute("href") == CONTACT.link


def test_stranger_sends_the_number_in_two_taps(
    mini_app: Opener, serve: Serve, stall: Window
) -> None:
    """The link to the school copies the number on its way; VK does it, or the browser."""
    host = Host(knows={COPY: lambda _params: {"result": True}})
    app = mini_app(vk=NOBODY, site=serve(stall.app), host=host)
    link = app.frame.locator("[data-copy]")
    assert link.get_attribute("href") == CONTACT.link
    # The test goes nowhere.
    app.frame.evaluate("document.addEventListener('click', event => event.preventDefault())")
    link.click()
    host.called(COPY)
    assert host.of(COPY)[0].params == {"text": str(NOBODY)}
    until(app, lambda: app.frame.inner_text("[data-status]") == RUSSIAN.script["copied"])


def test_picture_that_does_not_come_leaves_its_letter(
    mini_app: Opener, serve: Serve, showcase: Window
) -> None:
    """No sign of something broken, in the catalog or beside a wish."""

    def without(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_lost = environ["PATH_INFO"].startswith("/pictures/")
        return showcase.app(
            {**environ, "PATH_INFO": "/lost"} if is_lost else environ, start_response
        )

    app = mini_app(vk=GUEST, site=serve(without), fragment="/catalog")
    first = app.frame.locator(".good .picture").first
    until(app, lambda: first.locator("img").count() == 0, "the picture is gone")
    assert first.inner_text().strip() == "Н"
    app.expect("status of 404")
