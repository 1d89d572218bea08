"""Screens in a real browser: which is shown when, where back leads, further lines, and the page
without its script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from tests.browser.showcase import ARTYOM, GUEST, LIZA, NAMES, PARENT, SONYA, open_showcase
from tests.browser.vk_host import Where
from tests.support.webview_client import KEY, NOW, OLEG, RITA, Window, launch
from tests.webview.test_budget import a_window
from webview.launch import AGE_SECONDS_DEFAULT
from webview.texts import ENGLISH, RUSSIAN

if TYPE_CHECKING:
    from tests.browser.browser import MiniApp, Opener, Site

pytest_plugins = ("tests.browser.browser",)

SCHOOL = "Школа «Лесная тропа»"
TITLES = {
    "cabinet": SCHOOL,
    "history": f"История · {SCHOOL}",
    "catalog": f"Каталог · {SCHOOL}",
    "favourites": f"Избранное · {SCHOOL}",
    "earn": f"Как заработать · {SCHOOL}",
}
STATE = """() => {
  const seen = selector => [...document.querySelectorAll(selector)].filter(one => one.checkVisibility());
  const focused = document.activeElement;
  return {
    screens: seen("[data-screen]").map(one => one.dataset.screen),
    tabs: seen(".tabs [aria-current=page]").map(one => one.getAttribute("href")),
    children: [...new Set(seen(".child[data-resident], .card[data-resident]").map(one => +one.dataset.resident))],
    chosen: seen(".switcher [aria-current=true]").map(one => +one.dataset.switch),
    title: document.title,
    focus: focused === document.body ? "" : focused.closest("[data-screen]")?.dataset.screen + " " + focused.localName,
    steps: history.length,
    hash: location.hash,
    y: Math.round(scrollY),
  }
}"""

Serve = Callable[[WSGIApplication], "Site"]


@pytest.fixture(scope="module")
def showcase(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """The school that is looked at."""
    return open_showcase(tmp_path_factory.mktemp("showcase"))


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """A school where Рита has a history of years."""
    return a_window(tmp_path_factory.mktemp("lasting"), lines=5_000, of=(RITA,))


@pytest.fixture
def opened(mini_app: Opener, serve: Serve, showcase: Window) -> Iterator[Opener]:
    """A function that opens the school that is looked at."""
    mini_app.site = serve(showcase.app)
    yield mini_app
    # Before its site is: pictures may still be on their way.
    mini_app.close()


def state(app: MiniApp) -> Any:
    """What is shown and where the reader is."""
    return app.frame.evaluate(STATE)


def tab(screen: str) -> str:
    """How the tab of a screen is found."""
    return f'.tabs a[href="#/{"" if screen == "cabinet" else screen}"]'


def shows(app: MiniApp, screen: str) -> Any:
    """Wait until a screen is shown; the state then, in which nothing else is."""
    app.frame.wait_for_function(
        "screen => document.documentElement.dataset.shown === screen", arg=screen
    )
    now = state(app)
    assert now["screens"] == [screen]
    assert now["tabs"] == [f"#/{'' if screen == 'cabinet' else screen}"]
    assert now["title"] == TITLES[screen]
    return now


# --- screens ------------------------------------------------------------------------------------


def test_a_tab_shows_its_screen_and_takes_the_reader_to_its_heading(opened: Opener) -> None:
    """Exactly one screen, one tab, its title, one step in the history; at the start nobody is taken
    anywhere.
    """
    app = opened(vk=PARENT)
    now = shows(app, "cabinet")
    assert (now["focus"], now["y"]) == ("", 0)
    # The heading of the first child is not there for whoever looks at the last.
    app.frame.click(f'[data-switch="{SONYA}"]')
    steps = now["steps"]
    for screen in ("history", "catalog", "favourites", "earn", "cabinet"):
        app.frame.click(tab(screen))
        now = shows(app, screen)
        steps += 1
        assert (now["focus"], now["steps"]) == (f"{screen} h2", steps)
    app.frame.click(tab("cabinet"))
    assert state(app)["steps"] == steps


def test_a_stranger_has_screens_too(opened: Opener) -> None:
    """All but a history."""
    app = opened(vk=GUEST)
    assert not app.frame.locator(tab("history")).count()
    for screen in ("catalog", "favourites", "earn", "cabinet"):
        app.frame.click(tab(screen))
        assert shows(app, screen)["focus"] == f"{screen} h2"


FRAGMENTS = {
    "#/": ("cabinet", None),
    "#/history": ("history", None),
    "#/catalog": ("catalog", None),
    "#/favourites": ("favourites", None),
    "#/earn": ("earn", None),
    f"#resident-{LIZA}": ("cabinet", LIZA),
    f"#history-{SONYA}": ("history", SONYA),
    "#good-robot-kit": ("catalog", None),
    "#": ("cabinet", None),
    "#/nothing": ("cabinet", None),
    "#resident-999": ("cabinet", None),
    "#data": ("cabinet", None),
    "#<img src=x onerror=alert(1)>": ("cabinet", None),
    "#%E0%A4%A": ("cabinet", None),
    "#%2Fhistory": ("history", None),
    "#__proto__": ("cabinet", None),
    "#" + "ё" * 10_000: ("cabinet", None),
}

RELOAD = "fragment => { window.before = true; location.hash = fragment; location.reload() }"


def test_a_fragment_opens_its_screen(opened: Opener) -> None:
    """At the start and later, with the child that it belongs to; what names nothing of ours opens
    the first screen.
    """
    app = opened(vk=PARENT)
    child = ARTYOM
    for fragment, (screen, owner) in FRAGMENTS.items():
        # Who was shown last is remembered, and shown where nothing says another.
        child = owner or child
        app.frame.evaluate(RELOAD, fragment)
        app.frame.wait_for_function("() => !window.before && document.readyState === 'complete'")
        now = shows(app, screen)
        assert now["chosen"] == ([] if screen == "earn" else [child]), fragment
        if screen in ("cabinet", "history"):
            assert now["children"] == [child]
        assert now["focus"] == "", fragment
        assert (now["y"] > 0) == ("good" in fragment), fragment
        app.frame.evaluate("location.hash = '#/earn'")
        shows(app, "earn")
        app.frame.evaluate("fragment => { location.hash = fragment }", fragment)
        assert (shows(app, screen)["chosen"] or [child]) == [child]
    app.frame.evaluate("location.hash = '#good-robot-kit'")
    shows(app, "catalog")
    assert seen_whole(app, "#good-robot-kit h4")


def seen_whole(app: MiniApp, selector: str) -> bool:
    """Whether something lies in the window, and under nothing of ours."""
    found: bool = app.frame.evaluate(
        """selector => {
          const one = document.querySelector(selector), {left, right, top, bottom} = one.getBoundingClientRect();
          const seen = (x, y) => one.contains(document.elementFromPoint(x, y));
          return seen(left + 1, top + 1) && seen(right - 1, bottom - 1);
        }""",
        selector,
    )
    return found


@pytest.mark.parametrize("where", [Where.FRAME, Where.ANDROID])
def test_back_and_forward_lead_through_the_screens(opened: Opener, where: Where) -> None:
    """As VK's back button and swipe do it; each screen is where it was left."""
    app = opened(vk=PARENT, where=where)
    app.frame.click(f'[data-switch="{SONYA}"]')
    app.frame.evaluate("scrollTo(0, 15)")
    for screen, y in (("history", 300), ("catalog", 200)):
        app.frame.click(tab(screen))
        assert shows(app, screen)["y"] == 0
        app.frame.evaluate("y => scrollTo(0, y)", y)
    steps = state(app)["steps"]
    for move, screen, y in (
        ("back", "history", 300),
        ("back", "cabinet", 15),
        ("forward", "history", 300),
        ("forward", "catalog", 200),
        ("back", "history", 300),
    ):
        app.page.evaluate(f"history.{move}()")
        now = shows(app, screen)
        assert (now["y"], now["steps"], now["chosen"]) == (y, steps, [SONYA])
    app.frame.click(tab("catalog"))
    assert shows(app, "catalog")["y"] == 200
    app.frame.click(tab("catalog"))
    now = shows(app, "catalog")
    assert (now["y"], now["steps"]) == (0, steps)


def test_links_lead_where_they_say(opened: Opener) -> None:
    """To the whole history of the child, and to the catalog; a tab beside the app is left to the
    browser.
    """
    app = opened(vk=PARENT)
    app.frame.click(f'[data-switch="{SONYA}"]')
    app.frame.click(f'#resident-{SONYA} [data-to="history"]')
    now = shows(app, "history")
    assert (now["hash"], now["focus"], now["y"]) == (f"#history-{SONYA}", "history h2", 0)
    app.frame.click(tab("cabinet"))
    app.frame.click(f'[data-goal="{SONYA}"] a')
    assert shows(app, "catalog")["focus"] == "catalog h2"
    prevented = """key => {
      const click = new MouseEvent("click", {bubbles: true, cancelable: true, [key]: true});
      const seen = event => { window.ours = event.defaultPrevented; event.preventDefault() };
      addEventListener("click", seen, {once: true});
      document.querySelector(".tabs a").dispatchEvent(click);
      return window.ours;
    }"""
    assert [app.frame.evaluate(prevented, key) for key in ("ctrlKey", "metaKey", "shiftKey")] == [
        False
    ] * 3


@pytest.mark.parametrize("where", [Where.FRAME, Where.IPHONE])
def test_vk_leads_to_a_screen(opened: Opener, where: Where) -> None:
    """By either event; what says nothing new is no step, and what is no fragment is nothing."""
    app = opened(vk=PARENT, where=where)
    app.host.called("VKWebAppInit")
    steps = state(app)["steps"]
    app.host.push("VKWebAppLocationChanged", {"location": ""})
    app.host.push("VKWebAppChangeFragment", {"location": "/history"})
    assert shows(app, "history")["steps"] == steps + 1
    for location in ("/history", "#/history", None, 5, {"a": 1}):
        app.host.push("VKWebAppLocationChanged", {"location": location})
    app.host.push("VKWebAppLocationChanged", {"location": f"#resident-{LIZA}"})
    now = shows(app, "cabinet")
    assert (now["steps"], now["chosen"], now["focus"]) == (steps + 2, [LIZA], "")
    app.host.push("VKWebAppChangeFragment", {"location": "good-backpack"})
    shows(app, "catalog")
    app.host.push("VKWebAppChangeFragment", {"location": "<img src=x onerror=alert(1)>"})
    assert shows(app, "cabinet")["hash"] == "#/"
    app.page.evaluate("history.back()")
    assert shows(app, "catalog")["hash"] == "#good-backpack"


def test_children_are_switched_without_a_request(opened: Opener) -> None:
    """Each shows their own balance, lines and reach of goods; the choice holds on every screen."""
    app = opened(vk=PARENT)
    app.host.called("VKWebAppStorageGet")
    asked = len(app.site.asked)
    balances = []
    for child in (SONYA, LIZA, ARTYOM):
        app.frame.click(f'[data-switch="{child}"]')
        now = shows(app, "cabinet")
        assert (now["chosen"], now["children"]) == ([child], [child])
        assert NAMES[child] in app.frame.inner_text(f"#resident-{child}")
        balances.append(app.frame.inner_text(".child:not([hidden]) .balance strong"))
    assert balances == ["140", "0", "135"]
    steps = now["steps"]
    app.frame.click(f'[data-switch="{LIZA}"]')
    app.frame.click(tab("history"))
    assert shows(app, "history")["children"] == [LIZA]
    app.frame.click(tab("catalog"))
    reach = app.frame.locator("#good-pen .reach:visible")
    assert reach.all_inner_texts() == ["не хватает 15"]
    app.frame.click(f'[data-switch="{SONYA}"]')
    assert reach.all_inner_texts() == ["хватает"]
    app.frame.click(tab("cabinet"))
    now = shows(app, "cabinet")
    assert (now["children"], now["steps"]) == ([SONYA], steps + 3)
    assert {
        one.path for one in app.site.asked[asked:] if not one.path.startswith("/pictures/")
    } == set()


# --- further lines ------------------------------------------------------------------------------

MORE = ".more[data-child]"
#: Presses the button as long as there is one, each time when the lines before are there.
ALL_LINES = """async () => {
  for (let button; (button = document.querySelector(".more[data-child]"));) {
    button.focus();
    button.click();
    await new Promise(done => new MutationObserver(done).observe(button, {attributeFilter: ["aria-disabled"]}));
    if (button.nextElementSibling?.textContent) return button.nextElementSibling.textContent;
  }
  return document.activeElement.matches("li.line");
}"""
LINES = "() => document.querySelectorAll('[data-lines] .line').length"


def test_all_lines_of_a_long_history_come_by_the_button(
    opened: Opener, serve: Serve, lasting: Window
) -> None:
    """Each once, with the launch in a header and never in the address; then the button is gone, the
    focus is not.
    """
    app = opened(vk=OLEG, site=serve(lasting.app), fragment="/history")
    bounded = app.frame.locator("[data-bounded]")
    assert bounded.inner_text() == RUSSIAN.history_more.format(count=50)
    app.frame.locator(MORE).press("Enter")
    app.frame.wait_for_function(
        "() => document.querySelectorAll('[data-lines] .line').length === 550"
    )
    assert bounded.inner_text() == "Показано: 550."
    assert app.frame.evaluate("() => document.activeElement.matches('.more')")
    assert app.frame.evaluate(ALL_LINES) is True
    assert app.frame.evaluate(LINES) == 5_002
    assert (app.frame.locator(MORE).count(), bounded.count()) == (0, 0)
    parts = [one for one in app.site.asked if one.path == "/history"]
    assert len(parts) == 10
    assert {one.launch for one in parts} == {launch(OLEG, vk_platform="mobile_web")}
    assert not [one.query for one in parts if "vk_" in one.query or "sign" in one.query]
    assert len({one.query for one in parts}) == 10
    assert "vk_" not in app.frame.evaluate(
        "performance.getEntriesByType('resource').map(one => one.name).join(' ')"
    )


def test_whatever_goes_wrong_with_further_lines_is_said_calmly(
    opened: Opener, serve: Serve, lasting: Window
) -> None:
    """The launch grew old, the database is out, the network is gone, nobody answers; afterwards the
    button works.
    """
    broken = {"status": ""}

    def unsteady(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/history" and broken["status"]:
            start_response(
                broken["status"], [("Content-Type", "text/html"), ("Content-Length", "4")]
            )
            return [b"Oops"]
        return lasting.app(environ, start_response)

    app = opened(vk=OLEG, site=serve(unsteady), fragment="/history")
    button, said = app.frame.locator(MORE), app.frame.locator(f"{MORE} + [role=status]")

    def press_and_read() -> str:
        button.press("Enter")
        app.frame.wait_for_function(
            "() => !document.querySelector('.more').hasAttribute('aria-disabled')"
        )
        assert app.frame.evaluate("() => document.activeElement.matches('.more')")
        assert button.inner_text() == RUSSIAN.more
        return said.inner_text()

    assert app.frame.evaluate(
        "() => document.querySelector('.more + [role=status]').checkVisibility()"
    )
    lasting.now = NOW.timestamp() + AGE_SECONDS_DEFAULT + 60
    assert press_and_read() == RUSSIAN.script["expired"]
    app.expect("status of 403")
    lasting.now = NOW.timestamp()
    for status in ("503 Service Unavailable", "500 Internal Server Error", "200 OK"):
        broken["status"] = status
        assert press_and_read() == RUSSIAN.script["failed"]
    app.expect("status of 503")
    app.expect("status of 500")
    broken["status"] = ""
    app.page.context.set_offline(True)
    assert press_and_read() == RUSSIAN.script["failed"]
    app.expect("ERR_INTERNET_DISCONNECTED")
    app.page.context.set_offline(False)
    app.page.route("**/history?*", lambda route: None)
    app.page.clock.install()
    button.press("Enter")
    assert button.inner_text() == RUSSIAN.script["loading"]
    button.press("Enter")
    app.page.clock.fast_forward(16_000)
    app.frame.wait_for_function(
        "() => !document.querySelector('.more').hasAttribute('aria-disabled')"
    )
    assert said.inner_text() == RUSSIAN.script["failed"]
    app.page.unroute("**/history?*")
    assert app.frame.evaluate(LINES) == 50
    button.press("Enter")
    app.frame.wait_for_function(
        "() => document.querySelectorAll('[data-lines] .line').length === 550"
    )
    assert said.inner_text() == ""


# --- without a script ---------------------------------------------------------------------------

#: Tops and bottoms of what stands one below the other, and what asks for a tap that nobody would
#: hear.
STACK = """() => {
  const seen = selector => [...document.querySelectorAll(selector)]
    .filter(one => one.checkVisibility({visibilityProperty: true}));
  return {
    rows: seen(".screen, .child, .screen > .card[data-resident], .shelf").map(one => one.id || one.dataset.shelf),
    tops: seen(".screen").map(one => Math.round(one.getBoundingClientRect().top + scrollY)),
    bottoms: seen(".screen").map(one => Math.round(one.getBoundingClientRect().bottom + scrollY)),
    deaf: seen("button").length,
  }
}"""
EVERYTHING = ["/", *(f"resident-{one}" for one in (ARTYOM, LIZA, SONYA)), "/history"]
EVERYTHING += [*(f"history-{one}" for one in (ARTYOM, LIZA, SONYA)), "/catalog", "1", "2", "3", "4"]
EVERYTHING += ["/favourites", "/earn"]


def check_stack(stack: Any) -> None:
    """Everything is there, one below the other."""
    assert stack["rows"] == EVERYTHING
    assert all(
        bottom <= top for bottom, top in zip(stack["bottoms"], stack["tops"][1:], strict=False)
    )


def test_without_a_script_everything_can_be_read(opened: Opener) -> None:
    """One below the other, no button that does nothing, and links jump to what they name."""
    app = opened(vk=PARENT, scripts=False)
    # The page's own script is off; this one is the test's.
    stack = app.frame.evaluate(STACK)
    check_stack(stack)
    assert stack["deaf"] == 0
    for selector, target in (
        (tab("history"), '[id="/history"] h2'),
        (tab("earn"), '[id="/earn"] h2'),
        (f'[data-switch="{SONYA}"]', f"#name-{SONYA}"),
        (f'#resident-{SONYA} [data-to="history"]', f"#history-{SONYA} h3"),
        (tab("catalog"), '[id="/catalog"] h2'),
    ):
        app.frame.click(selector)
        assert seen_whole(app, target), target


def test_a_script_that_does_not_come_hides_nothing(
    opened: Opener, serve: Serve, showcase: Window
) -> None:
    """What waits for it appears by itself after a while."""

    def bare(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        lost = (
            {**environ, "PATH_INFO": "/nothing"}
            if environ["PATH_INFO"].startswith("/static/")
            else environ
        )
        return showcase.app(lost, start_response)

    app = opened(vk=PARENT, site=serve(bare))
    assert app.frame.evaluate(STACK)["rows"] == ["/", f"resident-{ARTYOM}"]
    app.frame.evaluate("document.getAnimations().forEach(one => one.finish())")
    check_stack(app.frame.evaluate(STACK))
    app.expect("status of 404")
    app.expect("Refused to execute script|MIME type")


# --- who has no cabinet -------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True])
def test_who_has_no_cabinet_reads_something_calm(
    opened: Opener, serve: Serve, tmp_path_factory: pytest.TempPathFactory, dark: bool
) -> None:
    """Strangers, old, unsigned and forged launches, a database that is out: words and a way on, in
    both languages.
    """
    nothing = serve(Window(f"sqlite:///{tmp_path_factory.mktemp('nothing')}/none.db").app)
    stranger = opened(vk=GUEST, dark=dark)
    said = stranger.frame.inner_text("main")
    assert RUSSIAN.stranger.title in said
    assert str(GUEST) in said
    assert stranger.frame.get_by_role("button", name=RUSSIAN.copy).is_visible()
    stale = launch(PARENT, at=NOW - timedelta(seconds=AGE_SECONDS_DEFAULT + 60))
    for query, site, status, russian, english in (
        (stale, None, 403, RUSSIAN.notices["expired"], ENGLISH.notices["expired"]),
        ("", None, 403, RUSSIAN.notices["refused"], ENGLISH.notices["refused"]),
        (
            launch(PARENT).replace("sign=", "sign=A"),
            None,
            403,
            RUSSIAN.notices["refused"],
            ENGLISH.notices["refused"],
        ),
        (
            launch(PARENT)[:-43] + "A" * 43,
            None,
            403,
            RUSSIAN.notices["refused"],
            ENGLISH.notices["refused"],
        ),
        (launch(PARENT), nothing, 503, RUSSIAN.notices["trouble"], ENGLISH.notices["trouble"]),
    ):
        app = opened(query=query, site=site, dark=dark)
        app.expect(f"status of {status}")
        for message in (russian, english):
            assert message.title in app.frame.inner_text("main")
            assert message.text in app.frame.inner_text("main")
        link = app.frame.get_by_role("link", name=RUSSIAN.open_app)
        assert link.count() == (status == 403)
        # VK itself opens the link, in a window of its own.
        assert status == 503 or link.get_attribute("target") == "_blank"
        assert app.host.called("VKWebAppInit").answered
        opened.opened.remove(app)
        assert app.close() == []
    assert KEY not in stranger.frame.content()
