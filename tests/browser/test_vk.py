"""The page and VK in a real browser: what is said to VK, what is believed of it, and what happens
when it is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from coinsync.core.colour import DARK, LIGHT
from tests.browser.vk_host import Behaviour, Data, Host, Where, error, late, never
from tests.support.stall import Slow, again, go, hearts, kept, open_stall, tap, until
from tests.support.webview_client import ANYA, NOBODY, NOW, OLEG, VERA, Window, launch
from webview.texts import RUSSIAN

if TYPE_CHECKING:
    from tests.browser.browser import MiniApp, Opener, Site

pytest_plugins = ("tests.browser.browser",)

INIT, GET, SET = "VKWebAppInit", "VKWebAppStorageGet", "VKWebAppStorageSet"
BARS, RESIZE, SWIPE = "VKWebAppSetViewSettings", "VKWebAppResizeWindow", "VKWebAppSetSwipeSettings"
ASK_HOME, ADD_HOME, COPY = (
    "VKWebAppAddToHomeScreenInfo",
    "VKWebAppAddToHomeScreen",
    "VKWebAppCopyText",
)
EVERYTHING = (INIT, GET, SET, BARS, RESIZE, SWIPE, ASK_HOME, ADD_HOME, COPY)
COPIED, NOT_COPIED = str(RUSSIAN.script["copied"]), str(RUSSIAN.script["not_copied"])

LOOKS = """() => {
  const style = getComputedStyle(document.documentElement);
  return [style.getPropertyValue("--ground").trim(), style.colorScheme];
}"""
INSETS = """() => ["top", "right", "bottom", "left"].map(
  side => document.documentElement.style.getPropertyValue(`--inset-${side}`))"""
CLIPBOARD = """works => {
  window.copied = [];
  const writeText = async text => { if (!works) throw new Error("no"); copied.push(text) };
  Object.defineProperty(navigator, "clipboard", {value: {writeText}, configurable: true});
}"""


@pytest.fixture(scope="module")
def stall(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """The school with its stall."""
    return open_stall(tmp_path_factory.mktemp("stall"))


@pytest.fixture
def opened(mini_app: Opener, serve: Callable[[WSGIApplication], Site], stall: Window) -> Opener:
    """A function that opens the stall; its site knows only of this test."""
    mini_app.site = serve(stall.app)
    return mini_app


def silent(*methods: str, kind: type[Host] = Host) -> Host:
    """VK that says nothing to some calls."""
    made = kind()
    for method in methods:
        made.behave(method, never)
    return made


def methods(app: MiniApp, since: int = 0) -> list[str]:
    """What VK was asked so far, from some call on."""
    app.settle()
    return [call.method for call in app.host.calls[since:]]


def answered(app: MiniApp, method: str, times: int = 1) -> None:
    """Wait until VK was asked so often and has answered."""
    call = app.host.called(method, times)
    until(app, lambda: call.answered, f"an answer to {method}")
    app.settle()


def saying(told: Data, _params: Data) -> Data:
    """What a method of VK's does that always answers the same."""
    return told


def said(app: MiniApp, text: str) -> None:
    """Wait until the page says something in passing."""
    status = app.frame.locator("[data-status]")
    until(app, lambda: status.inner_text() == text, f"{text!r} is said")


def purse(app: MiniApp) -> str:
    """Who is shown, and with how many coins."""
    return " ".join(app.frame.inner_text(f".purse:visible {part}") for part in ("h2", "strong"))


# --- the first word -----------------------------------------------------------------------------


@pytest.mark.parametrize("where", [Where.FRAME, Where.ANDROID, Where.IPHONE])
def test_vk_hears_of_every_page_at_once(
    opened: Opener, serve: Callable[[WSGIApplication], Site], tmp_path: Path, where: Where
) -> None:
    """The first call of all, once, and no other waits for its answer; VK shows its own screen over
    ours until then.
    """
    app = opened(host=silent(INIT), where=where)
    broken = serve(Window(f"sqlite:///{tmp_path}/none.db").app).origin
    pages = {
        f"{app.site.origin}/?{launch(VERA)}": "Аня Лисицына",
        f"{app.site.origin}/?{launch(NOBODY)}": RUSSIAN.stranger.title,
        f"{app.site.origin}/?{launch(VERA, at=NOW - timedelta(days=30))}": RUSSIAN.notices[
            "expired"
        ].title,
        f"{app.site.origin}/?vk_user_id=501&sign=forged": RUSSIAN.notices["refused"].title,
        f"{app.site.origin}/nowhere": RUSSIAN.notices["missing"].title,
        f"{broken}/?{launch(VERA)}": RUSSIAN.notices["trouble"].title,
    }
    for times, (address, title) in enumerate(pages.items(), 2):
        app.host.called(INIT, times - 1)
        before = len(methods(app))
        app.frame.goto(address)
        app.host.called(INIT, times)
        assert app.frame.inner_text("main h2 >> nth=0") == title
        if times < 4:
            app.host.called(GET, times)
        asked = methods(app, before)
        assert (asked[0], asked.count(INIT)) == (INIT, 1)
    for status in (403, 404, 503):
        app.expect(f"status of {status}")


@pytest.mark.parametrize("where", [Where.FRAME, Where.ANDROID, Where.IPHONE])
def test_vk_hears_of_a_page_whose_script_is_lost(
    opened: Opener, serve: Callable[[WSGIApplication], Site], where: Where
) -> None:
    """The first call waits for nothing that has to be fetched, and a script that comes at last
    hears what VK has said meanwhile.
    """
    school = opened.site._app
    script = Event()

    def slow(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/static/"):
            script.wait(15)
        return school(environ, start_response)

    host = Host()
    app = opened(host=host, where=where, site=serve(slow), wait="commit")
    host.called(INIT)
    app.page.wait_for_timeout(100)
    assert methods(app) == [INIT]
    script.set()
    host.called(GET)
    assert methods(app).count(INIT) == 1
    until(
        app, lambda: app.frame.evaluate(LOOKS)[1] == "light", "what VK said of its looks is heard"
    )


def test_what_one_part_of_the_script_stumbles_over_stops_no_other(opened: Opener) -> None:
    """Each begins by itself; the error is told to the console and to nobody else."""
    app = opened(where=Where.ALONE)
    app.page.add_init_script("window.matchMedia = () => { throw new Error('no media') }")
    app.page.reload()
    app.expect("script: Error: no media")
    go(app, "catalog")
    tap(app, "mug")
    assert hearts(app) == ["mug"]


def test_without_vk_nothing_is_said_to_it_and_everything_works(opened: Opener) -> None:
    """In a tab of its own the bridge would talk to the page itself."""
    app = opened(where=Where.ALONE, vk=VERA, width=1280)
    app.page.add_init_script(
        "window.said = []; addEventListener('message', event => said.push(event.data))"
    )
    app.page.reload()
    go(app, "catalog")
    app.frame.get_by_role("button", name=RUSSIAN.affordable).click()
    tap(app, "mug", "cap")
    go(app, "favourites")
    assert hearts(app, "favourites") == ["mug", "cap"]
    again(app)
    assert hearts(app) == ["mug", "cap"]
    assert not app.frame.is_visible("[data-home-screen]")
    app.page.goto(f"{app.site.origin}/?{launch(NOBODY)}")
    app.frame.evaluate(CLIPBOARD, True)
    app.frame.get_by_role("button", name=RUSSIAN.copy).click()
    said(app, COPIED)
    assert app.frame.evaluate("[said, copied]") == [[], [str(NOBODY)]]
    assert app.host.calls == []


# --- VK that is silent, late, refuses, or is somebody else --------------------------------------


def test_vk_that_says_nothing_at_all_hinders_nobody(opened: Opener) -> None:
    """Nothing waits, nothing hangs, nothing is offered that VK would have to do."""
    app = opened(host=silent(*EVERYTHING, kind=Slow), where=Where.ANDROID)
    app.host.called(ASK_HOME)
    app.frame.click('[data-switch="42"]')
    assert purse(app) == "Миша Лисицын 0"
    tap(app, "mug")
    assert hearts(app) == ["mug"]
    for _ in range(4):
        app.settle()
        app.page.clock.run_for(5_000)
    go(app, "history")
    assert app.frame.is_visible("#history")
    go(app, "favourites")
    assert hearts(app, "favourites") == ["mug"]
    go(app, "")
    assert not app.frame.is_visible("[data-home-screen]")
    assert app.host.of(SET) == []


@pytest.mark.parametrize(
    "refusal", [error(1), error(6), error(8, "auth_error"), error(10, "api_error"), late(0.3)]
)
def test_refusals_and_late_answers_are_no_trouble(opened: Opener, refusal: Behaviour) -> None:
    """Of any kind, from whatever was asked."""
    host = Host()
    for method in EVERYTHING:
        host.behave(method, refusal)
    app = opened(host=host, where=Where.ANDROID)
    tap(app, "mug")
    app.host.called(GET, 2)
    if not refusal.error:
        app.host.called(SET)
        until(app, lambda: kept(app) == "mug", "VK keeps it")
        until(app, lambda: app.frame.is_visible("[data-home-screen]"), "an offer")
    else:
        app.settle()
        assert not app.frame.is_visible("[data-home-screen]")
    assert hearts(app) == ["mug"]


def test_forged_answers_change_no_identity_and_no_balance(opened: Opener) -> None:
    """Whoever holds our window can send them; they reach conveniences alone, and VK is asked again
    before a write.
    """
    host = Host()
    host.cloud.of(VERA)["fav1"] = "scarf"
    host.behave(GET, never, late(0))
    app = opened(host=host)
    call = app.host.called(GET)
    before = purse(app)
    forged: dict[str, Any] = {
        "VKWebAppStorageGetResult": {
            "keys": [{"key": "fav1", "value": "pen"}],
            "request_id": call.request_id,
        },
        "VKWebAppGetLaunchParamsResult": {"vk_user_id": OLEG, "sign": "x" * 43},
        "VKWebAppGetUserInfoResult": {"id": OLEG, "first_name": "Олег"},
        "VKWebAppUpdateConfig": {
            "appearance": "dark",
            "user_id": OLEG,
            "residents": [{"id": ANYA, "balance": 9_999}],
        },
        "VKWebAppSomething": {},
    }
    for event, data in forged.items():
        app.host.forge(event, data)
    app.host.forge("VKWebAppChangeFragment", {"location": "https://stranger.example/"})
    app.host.forge("VKWebAppLocationChanged", {"location": 5})
    stranger = app.page.frame(name="stranger")
    assert stranger
    nonsense: tuple[Any, ...] = (None, "top", 5, [], {"insets": None, "location": None})
    for data in nonsense:
        for event in (
            "VKWebAppUpdateConfig",
            "VKWebAppChangeFragment",
            "VKWebAppStorageGetResult",
            "",
        ):
            stranger.evaluate(
                "said => parent[0].postMessage(said, '*')", {"type": event, "data": data}
            )
    until(app, lambda: app.frame.evaluate(LOOKS)[1] == "dark", "what was forged has come")
    assert purse(app) == before == "Аня Лисицына 56"
    assert app.frame.url.startswith(f"{app.site.origin}/?")
    tap(app, "mug")
    until(app, lambda: kept(app) == "scarf,mug", "VK keeps both")
    assert {asked.query for asked in app.site.asked if asked.path == "/"} == {launch(VERA)}


# --- light and dark, insets ---------------------------------------------------------------------


def looks(app: MiniApp, wanted: list[str]) -> None:
    """Wait until the page has this ground and this colour scheme."""
    until(app, lambda: app.frame.evaluate(LOOKS) == wanted, f"it looks so: {wanted}")


@pytest.mark.parametrize("dark", [False, True])
def test_vk_decides_whether_it_is_light_or_dark(opened: Opener, dark: bool) -> None:
    """Against the system, and as often as it changes; what is neither is nothing, and without VK
    the system decides.
    """
    shades = {"light": [LIGHT.ground, "light"], "dark": [DARK.ground, "dark"]}
    first, other = ("dark", "light") if dark else ("light", "dark")
    app = opened(host=silent(INIT), dark=dark)
    app.host.called(INIT)
    assert app.frame.evaluate(LOOKS) == [shades[first][0], "light dark"]
    for appearance in (other, first, other):
        app.host.configure(appearance=appearance)
        looks(app, shades[appearance])
    for strange in ("", "blue", None, 1, "client_light", ["light"]):
        app.host.configure(appearance=strange)
    app.host.configure(appearance=first, scheme="space_gray")
    looks(app, shades[first])
    app.host.configure(appearance="__proto__", scheme="bright_light")
    app.settle()
    assert app.frame.evaluate(LOOKS) == shades[first]


def test_insets_reach_the_style_within_bounds(opened: Opener) -> None:
    """Nothing is taken for an inset that cannot be one, and what VK leaves out stays as it was."""
    app = opened(where=Where.ANDROID)
    until(app, lambda: app.frame.evaluate(INSETS) == ["0px"] * 4, "VK's own")
    told: list[tuple[Any, list[str]]] = [
        ({"top": 24, "right": 1.5, "bottom": 34, "left": 0}, ["24px", "1.5px", "34px", "0px"]),
        ({"top": 400, "right": 401, "bottom": -1, "left": "7"}, ["400px", "1.5px", "34px", "7px"]),
        ({"top": 30, "right": "1px;color:red", "left": "NaN"}, ["30px", "1.5px", "34px", "7px"]),
        (None, ["30px", "1.5px", "34px", "7px"]),
        ("top", ["30px", "1.5px", "34px", "7px"]),
        ({"top": 0, "right": 0, "bottom": 300, "left": 0}, ["0px", "0px", "300px", "0px"]),
    ]
    for insets, wanted in told:
        app.host.configure(insets=insets)
        app.settle()
        assert app.frame.evaluate(INSETS) == wanted, insets
    app.host.push("VKWebAppUpdateConfig", {})
    app.settle()
    padding = app.frame.evaluate("getComputedStyle(document.querySelector('.tabs')).paddingBottom")
    assert float(padding.removesuffix("px")) >= 300


# --- the telephone, the desktop -----------------------------------------------------------------


def bars(app: MiniApp) -> Data:
    """How the telephone's bars were asked for last."""
    app.settle()
    return app.host.of(BARS)[-1].params


LIGHT_BARS = {
    "status_bar_style": "dark",
    "action_bar_color": LIGHT.ground,
    "navigation_bar_color": LIGHT.card,
}
DARK_BARS = {
    "status_bar_style": "light",
    "action_bar_color": DARK.ground,
    "navigation_bar_color": DARK.card,
}


@pytest.mark.parametrize("where", [Where.ANDROID, Where.IPHONE])
def test_bars_of_a_telephone_take_our_colours(opened: Opener, where: Where) -> None:
    """With icons that can be seen on them, and again after each change, be it VK's or the system's."""
    app = opened(where=where, host=silent(INIT))
    app.host.called(BARS)
    assert bars(app) == LIGHT_BARS
    app.page.emulate_media(color_scheme="dark")
    until(app, lambda: bars(app) == DARK_BARS, "dark bars by the system")
    app.host.configure(appearance="light")
    until(app, lambda: bars(app) == LIGHT_BARS, "light bars by VK")
    app.host.configure(appearance="dark")
    until(app, lambda: bars(app) == DARK_BARS, "dark bars by VK")
    app.page.emulate_media(color_scheme="light")
    app.settle()
    assert bars(app) == DARK_BARS
    swipes = [{"history": True}] if where is Where.IPHONE else []
    assert [call.params for call in app.host.of(SWIPE)] == swipes
    assert app.host.of(RESIZE) == []


def test_frame_on_a_desktop_is_as_high_as_it_may_be(opened: Opener) -> None:
    """Within VK's limits and as wide as it was, once for each height; a browser has no bars."""
    app = opened(width=1280, height=900)
    app.host.called(RESIZE)
    for height in (900, 900, 700, 700, "700", 100, 5000, 4000, 0, -5, "much", None, 900):
        app.host.configure(viewport_height=height)
    app.settle()
    assert [call.params for call in app.host.of(RESIZE)] == [
        {"width": 1000, "height": height} for height in (780, 580, 500, 1200, 780)
    ]
    assert app.host.of(BARS) == app.host.of(SWIPE) == []


def test_mobile_web_is_asked_for_none_of_it(opened: Opener) -> None:
    """There it would only be refused."""
    app = opened()
    app.host.configure(appearance="dark", viewport_height=600)
    app.host.called(ASK_HOME)
    assert set(methods(app)) == {INIT, GET, ASK_HOME}


# --- the home screen ----------------------------------------------------------------------------


def test_place_on_the_home_screen_is_offered_once_and_taken_once(opened: Opener) -> None:
    """Whoever taps twice is asked once, who denies may think better of it, and who has it is not
    asked again.
    """
    host = Host()
    host.behave(ADD_HOME, error(4), late(0.3))
    app = opened(where=Where.ANDROID, host=host)
    button = app.frame.get_by_role("button", name=RUSSIAN.home_screen)
    button.click()
    answered(app, ADD_HOME)
    assert button.is_visible()
    button.dblclick()
    until(app, lambda: not button.is_visible(), "the offer is gone")
    assert len(app.host.of(ADD_HOME)) == 2
    again(app)
    answered(app, ASK_HOME, 2)
    assert not button.is_visible()


def test_home_screen_is_not_offered_where_vk_cannot_give_one(opened: Opener) -> None:
    """Or will not say."""
    for where in (Where.FRAME, Where.IPHONE):
        app = opened(where=where)
        answered(app, ASK_HOME)
        assert not app.frame.is_visible("[data-home-screen]")
    odd: tuple[dict[str, bool], ...] = (
        {},
        {"is_feature_supported": False},
        {"is_added_to_home_screen": False},
    )
    for times, told in enumerate(odd, 2):
        app.host.knows[ASK_HOME] = partial(saying, told)
        again(app)
        answered(app, ASK_HOME, times)
        assert not app.frame.is_visible("[data-home-screen]")


# --- strangers ----------------------------------------------------------------------------------


def copying(app: MiniApp, *, clipboard: bool) -> None:
    """Tap the button that copies, in a browser that lets us at its clipboard or does not."""
    app.frame.evaluate(CLIPBOARD, clipboard)
    app.frame.get_by_role("button", name=RUSSIAN.copy).click()


def test_strangers_copy_their_number(opened: Opener) -> None:
    """By VK; by the browser where VK refuses; else they are told to do it themselves."""
    host = Host(knows={COPY: lambda _params: {"result": True}})
    host.behave(COPY, late(0), error(6))
    app = opened(vk=NOBODY, host=host)
    copying(app, clipboard=True)
    said(app, COPIED)
    assert app.host.of(COPY)[0].params == {"text": str(NOBODY)}
    assert app.frame.evaluate("copied") == []
    copying(app, clipboard=False)
    said(app, NOT_COPIED)
    copying(app, clipboard=True)
    said(app, COPIED)
    assert app.frame.evaluate("copied") == [str(NOBODY)]


def test_strangers_do_not_wait_long_for_a_vk_that_is_silent(opened: Opener) -> None:
    """Nor where a browser has no clipboard at all."""
    app = opened(vk=NOBODY, host=Slow(), where=Where.ANDROID)
    app.page.clock.pause_at(app.frame.evaluate("Date.now() / 1000 + 60"))
    copying(app, clipboard=True)
    app.settle()
    app.page.clock.run_for(1_600)
    said(app, COPIED)
    app.frame.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    app.frame.get_by_role("button", name=RUSSIAN.copy).click()
    app.settle()
    app.page.clock.run_for(1_600)
    said(app, NOT_COPIED)
