"""The browser of the tests and its VK are honest: a fault of theirs must not look like one of the
app, or hide one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest

from tests.browser.vk_host import Cloud, Host, Where, error, late, never, unheard
from tests.support.webview_client import OLEG, VERA
from webview.http_answer import security_headers

if TYPE_CHECKING:
    from tests.browser.browser import Chromium, MiniApp, Opener, Site

pytest_plugins = ("tests.browser.browser",)

BRIDGE = Path(__file__).parents[2] / "webview" / "static" / "vk-bridge.min.js"
PAGE = """<!doctype html>
<html lang="en"><head><title>App</title><script src="/bridge.js"></script></head>
<body><main><h1>App</h1><p id="origin">Here</p></main></body></html>
"""
DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>'
FAULTY = PAGE.replace("<p id", '<input><img src="/dot.svg"><p id')

SEND = "([method, params]) => vkBridge.send(method, params).then(said => ['result', said], said => ['failed', said])"
#: What became of a call after a while.
RACE = f"([call, ms]) => Promise.race([({SEND})(call), new Promise(done => setTimeout(done, ms, ['pending', null]))])"
LISTEN = "() => { window.heard = []; vkBridge.subscribe(event => heard.push([event.detail.type, event.detail.data])) }"

Serve = Callable[[WSGIApplication], "Site"]


def tiny(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A page with VK Bridge and nothing else, under our headers; "/faulty" has faults."""
    pages = {
        "/": PAGE.encode(),
        "/faulty": FAULTY.encode(),
        "/bridge.js": BRIDGE.read_bytes(),
        "/dot.svg": DOT.encode(),
        "/favicon.ico": b"",
    }
    path = environ["PATH_INFO"]
    kinds = {".js": "text/javascript", ".svg": "image/svg+xml"}
    headers = {
        **security_headers("'none'"),
        "Content-Type": kinds.get(Path(path).suffix, "text/html"),
    }
    start_response("200 OK" if path in pages else "404 Not Found", list(headers.items()))
    return [pages.get(path, b"")]


@pytest.fixture
def opened(mini_app: Opener, serve: Serve) -> Opener:
    """A function that opens the tiny page."""
    mini_app.site = serve(tiny)
    return mini_app


def send(app: MiniApp, method: str, **params: Any) -> tuple[str, Any]:
    """Send a call by VK Bridge and wait for its end: "result" or "failed", and with what."""
    outcome, said = app.frame.evaluate(SEND, [method, params])
    return outcome, said


def after(app: MiniApp, milliseconds: int, method: str, **params: Any) -> str:
    """What became of a call after a while: "result", "failed" or "pending"."""
    outcome: str = app.frame.evaluate(RACE, [[method, params], milliseconds])[0]
    return outcome


def heard(app: MiniApp, count: int) -> list[Any]:
    """The events that the page hears, as soon as there are so many."""
    app.frame.wait_for_function(f"heard.length >= {count}")
    found: list[Any] = app.frame.evaluate("heard")
    return found


# --- VK's answers -------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [Where.FRAME, Where.ANDROID, Where.IPHONE])
def test_vk_answers_and_tells_of_its_surroundings(opened: Opener, where: Where) -> None:
    """In a frame and in both WebViews; the surroundings come after the first call, without being
    asked for.
    """
    app = opened(where=where, dark=True)
    app.frame.evaluate(LISTEN)
    assert send(app, "VKWebAppInit") == ("result", {"result": True})
    events = heard(app, 2)
    assert [event for event, _ in events] == ["VKWebAppInitResult", "VKWebAppUpdateConfig"]
    assert events[1][1]["appearance"] == "dark"
    assert ("insets" in events[1][1]) == (where is not Where.FRAME)
    (call,) = app.host.calls
    assert (call.method, call.params, call.waiting, call.answered) == (
        "VKWebAppInit",
        {},
        ("VKWebAppInit",),
        True,
    )
    if where is Where.FRAME:
        assert (call.version, call.frame_id) == ("2.15.11", None)
        send(app, "VKWebAppGetConfig")
        assert app.host.calls[1].frame_id == "frame-1"


def test_launch_is_returned_with_numbers(opened: Opener) -> None:
    """As VK does; identity is another matter."""
    outcome, said = send(opened(vk=OLEG), "VKWebAppGetLaunchParams")
    assert outcome == "result"
    assert (said["vk_user_id"], said["vk_platform"]) == (OLEG, "mobile_web")
    assert len(said["sign"]) == 43


def test_error_rejects_and_the_last_behaviour_stays(opened: Opener) -> None:
    """Behaviours are used up one after another."""
    app = opened()
    app.host.behave("VKWebAppStorageSet", error(4), error(9, "api_error"))
    outcome, said = send(app, "VKWebAppStorageSet", key="a", value="1")
    assert (outcome, said["error_type"], said["error_data"]["error_code"]) == (
        "failed",
        "client_error",
        4,
    )
    for _ in range(2):
        outcome, said = send(app, "VKWebAppStorageSet", key="a", value="1")
        assert (outcome, said["error_type"], said["error_data"]["error_code"]) == (
            "failed",
            "api_error",
            9,
        )
    assert app.host.cloud.of(VERA) == {}


def test_silence_and_lateness(opened: Opener) -> None:
    """What VK never answers stays pending; late is late, and only then is it done."""
    app = opened()
    kept = app.host.cloud.of(VERA)
    app.host.behave("VKWebAppStorageSet", never, unheard, late(1.0))
    assert after(app, 150, "VKWebAppStorageSet", key="never", value="1") == "pending"
    assert after(app, 150, "VKWebAppStorageSet", key="unheard", value="1") == "pending"
    assert after(app, 150, "VKWebAppStorageSet", key="late", value="1") == "pending"
    assert kept == {"unheard": "1"}
    while "late" not in kept:
        app.page.wait_for_timeout(50)
    assert kept == {"unheard": "1", "late": "1"}
    assert [call.answered for call in app.host.calls] == [False, False, True]


def test_calls_at_once_are_counted(opened: Opener) -> None:
    """One after another is one at once; all together are as many as there are."""
    app = opened()
    for _ in range(3):
        send(app, "VKWebAppStorageSet", key="a", value="1")
    assert app.host.at_once() == 1
    for method in ("VKWebAppStorageGet", "VKWebAppGetConfig"):
        app.host.behave(method, late(0.2))
    app.frame.evaluate("""() => Promise.all([vkBridge.send("VKWebAppGetConfig"),
      ...[1, 2].map(() => vkBridge.send("VKWebAppStorageGet", {keys: ["a"]}))])""")
    assert app.host.at_once() == app.host.at_once("VKWebAppStorageGet", "VKWebAppGetConfig") == 3
    assert app.host.at_once("VKWebAppStorageGet", "VKWebAppStorageSet") == 2
    assert app.host.at_once("VKWebAppStorageSet") == 1


def test_unknown_methods_are_refused_in_a_frame_and_swallowed_by_a_webview(opened: Opener) -> None:
    """VK Bridge sends nothing to a WebView that lacks a method, so that its promise never settles."""
    app = opened()
    for method in ("VKWebAppSomethingNew", "VKWebAppSetViewSettings", "VKWebAppResizeWindow"):
        outcome, said = send(app, method)
        assert (outcome, said["error_data"]["error_code"]) == ("failed", 6)
    assert app.frame.evaluate("() => vkBridge.supportsAsync('VKWebAppSetViewSettings')")
    assert not app.frame.evaluate("() => vkBridge.supportsAsync('VKWebAppSomethingNew')")
    telephone = opened(where=Where.ANDROID)
    assert after(telephone, 150, "VKWebAppSetSwipeSettings", history=True) == "pending"
    assert telephone.host.calls == []
    assert send(telephone, "VKWebAppSetViewSettings", status_bar_style="dark")[0] == "result"


def test_window_is_resized_on_a_desktop(opened: Opener) -> None:
    """Within VK's limits."""
    app = opened(width=1280)
    assert send(app, "VKWebAppResizeWindow", width=700, height=900) == (
        "result",
        {"width": 700, "height": 900},
    )
    assert app.frame.evaluate("[innerWidth, innerHeight]") == [700, 900]
    assert (
        send(app, "VKWebAppResizeWindow", width=100, height=900)[1]["error_data"]["error_code"] == 5
    )


def test_icon_on_the_home_screen(opened: Opener) -> None:
    """On Android it can be put there, elsewhere not."""
    app = opened(where=Where.ANDROID)
    asked = {"is_feature_supported": True, "is_added_to_home_screen": False}
    assert send(app, "VKWebAppAddToHomeScreenInfo") == ("result", asked)
    send(app, "VKWebAppAddToHomeScreen")
    assert send(app, "VKWebAppAddToHomeScreenInfo")[1]["is_added_to_home_screen"]
    assert not send(opened(), "VKWebAppAddToHomeScreenInfo")[1]["is_feature_supported"]


# --- VK's storage -------------------------------------------------------------------------------


def test_long_values_are_cut_without_a_word(opened: Opener) -> None:
    """At 4096 characters, where a quotation mark counts as six."""
    app = opened()
    for value, kept in (
        ("1" * 5000, "1" * 4096),
        ('"' * 700, '"' * 682 + "&quo"),
        ('"' * 682, '"' * 682),
    ):
        assert send(app, "VKWebAppStorageSet", key="a", value=value) == ("result", {"result": True})
        assert send(app, "VKWebAppStorageGet", keys=["a"]) == (
            "result",
            {"keys": [{"key": "a", "value": kept}]},
        )


def test_two_telephones_of_one_visitor_share_what_vk_keeps(opened: Opener) -> None:
    """And another visitor's storage is another."""
    cloud = Cloud()
    first, second = opened(host=Host(cloud)), opened(host=Host(cloud), where=Where.ANDROID)
    other = opened(vk=OLEG, host=Host(cloud))
    send(first, "VKWebAppStorageSet", key="a", value="1,2")
    assert send(second, "VKWebAppStorageGet", keys=["a"])[1] == {
        "keys": [{"key": "a", "value": "1,2"}]
    }
    assert send(second, "VKWebAppStorageGetKeys", count=10, offset=0)[1] == {"keys": ["a"]}
    assert send(other, "VKWebAppStorageGet", keys=["a"])[1] == {"keys": [{"key": "a", "value": ""}]}
    cloud.shows_missing = False
    assert send(other, "VKWebAppStorageGet", keys=["a"])[1] == {"keys": []}
    send(second, "VKWebAppStorageSet", key="a", value="")
    assert cloud.of(VERA) == {}


@pytest.mark.parametrize(
    "params", [{"key": "ключ", "value": "1"}, {"key": "a", "value": 1}, {"value": "1"}]
)
def test_bad_keys_and_values_are_refused(opened: Opener, params: dict[str, Any]) -> None:
    """As invalid parameters."""
    app = opened()
    outcome, said = send(app, "VKWebAppStorageSet", **params)
    assert (outcome, said["error_data"]["error_code"]) == ("failed", 5)


# --- events and forgers -------------------------------------------------------------------------


@pytest.mark.parametrize("where", [Where.FRAME, Where.ANDROID])
def test_events_come_without_being_asked_for(opened: Opener, where: Where) -> None:
    """One as it is, and the surroundings as a whole."""
    app = opened(where=where)
    app.frame.evaluate(LISTEN)
    app.host.push("VKWebAppChangeFragment", {"location": "shop"})
    app.host.configure(appearance="dark")
    events = heard(app, 2)
    assert events[0] == ["VKWebAppChangeFragment", {"location": "shop"}]
    assert (events[1][0], events[1][1]["appearance"], events[1][1]["app"]) == (
        "VKWebAppUpdateConfig",
        "dark",
        "vkclient",
    )


def test_strange_frame_can_forge_an_answer(opened: Opener) -> None:
    """VK Bridge believes it, which is why the app must not; VK itself does not hear strangers."""
    app = opened()
    app.host.behave("VKWebAppStorageGet", never)
    app.frame.evaluate(
        "() => { vkBridge.send('VKWebAppStorageGet', {keys: ['a']}).then(said => window.got = said) }"
    )
    call = app.host.called("VKWebAppStorageGet")
    for _ in range(2):
        app.host.forge(
            "VKWebAppStorageGetResult", {"keys": "forged", "request_id": call.request_id}
        )
    app.frame.wait_for_function("window.got?.keys === 'forged'")
    stranger = app.page.frame(name="stranger")
    assert stranger
    stranger.evaluate(
        "parent.postMessage({type: 'vk-connect', handler: 'VKWebAppClose', params: {}}, '*')"
    )
    app.settle()
    assert len(app.host.calls) == 1


def test_waiting_for_a_call_ends(opened: Opener) -> None:
    """With a word about what came instead."""
    app = opened()
    with pytest.raises(AssertionError, match="VKWebAppInit was called 0 times, not 1"):
        app.host.called("VKWebAppInit", seconds=0.05)


# --- the browser --------------------------------------------------------------------------------


@pytest.mark.parametrize("parent", ["https://vk.com", "https://m.vk.ru"])
def test_vk_may_frame_the_app(opened: Opener, parent: str) -> None:
    """On its hosts; the app is another site there, and a secure one."""
    app = opened(parent=parent)
    assert app.frame.evaluate(
        "[origin, isSecureContext, parent === window, document.referrer]"
    ) == [
        app.site.origin,
        True,
        False,
        "",
    ]
    assert app.page.url.startswith(f"{parent}/app")


@pytest.mark.parametrize("parent", ["https://example.org", "https://vk.com.example.org"])
def test_strangers_may_not(opened: Opener, parent: str) -> None:
    """The browser itself refuses, by the policy that our server sends."""
    app = opened(parent=parent)
    assert "frame-ancestors" in app.expect("Content Security Policy")[0]
    app.expect("request: net::ERR_BLOCKED_BY_RESPONSE")
    assert not app.frame.locator("#origin").count()


def test_real_app_opens_inside_vk(mini_app: Opener) -> None:
    """The school of the tests, served for real; the launch came in the address."""
    app = mini_app(vk=VERA)
    assert "Аня" in app.frame.inner_text("body")
    assert any(
        asked.path == "/" and f"vk_user_id={VERA}" in asked.query for asked in app.site.asked
    )


def test_app_alone_has_no_vk(opened: Opener) -> None:
    """Opened in a tab of its own."""
    app = opened(where=Where.ALONE, query="", fragment="shop")
    assert app.frame.url == f"{app.site.origin}/#shop"
    assert app.frame.evaluate("vkBridge.isStandalone()")
    assert after(app, 150, "VKWebAppInit") == "pending"
    assert app.host.calls == []


@pytest.mark.parametrize("storage", [True, False])
def test_storage_may_be_denied(opened: Opener, storage: bool) -> None:
    """By the browser, as Safari and careful people have it."""
    app = opened(storage=storage)
    tried = "() => { try { localStorage.a = 1; return '' } catch (error) { return error.name } }"
    assert app.frame.evaluate(tried) == ("" if storage else "SecurityError")


def test_visitors_windows_and_wishes(opened: Opener) -> None:
    """Size, colours, motion, language and sharpness are those that the test asked for."""
    asked = """[innerWidth, devicePixelRatio, navigator.maxTouchPoints > 0, navigator.language,
      matchMedia("(prefers-color-scheme: dark)").matches, matchMedia("(prefers-reduced-motion: reduce)").matches]"""
    usual, other = opened(), opened(width=1024, dark=True, still=True, scale=2, language="en")
    assert usual.frame.evaluate(asked) == [390, 1, True, "ru-RU", False, False]
    assert other.frame.evaluate(asked) == [1024, 2, False, "en-US", True, True]


def test_scripts_may_be_off(opened: Opener) -> None:
    """Then the page is only what the server sent."""
    app = opened(scripts=False)
    assert app.frame.inner_text("#origin") == "Here"
    assert app.frame.evaluate("typeof vkBridge") == "undefined"


def test_taken_pictures_are_files(opened: Opener, tmp_path: Path) -> None:
    """A tall one is higher than the window when the page is."""
    app = opened(height=300)
    app._shots = tmp_path / "shots"
    assert app.shoot("usual").read_bytes().startswith(b"\x89PNG")
    app.frame.evaluate(
        "document.body.append(Object.assign(document.createElement('div'), {style: 'height: 900px'}))"
    )
    sizes = [
        int.from_bytes(app.shoot(name, tall=name == "tall").read_bytes()[20:24])
        for name in ("usual", "tall")
    ]
    assert sizes[0] == 300
    assert sizes[1] > 900


def test_other_tests_may_run_event_loops(chromium: Chromium, opened: Opener) -> None:
    """While the browser sleeps; it wakes up where it was."""
    app = opened()
    asyncio._set_running_loop(None)
    asyncio.run(asyncio.sleep(0))
    with chromium.awake():
        assert app.frame.inner_text("#origin") == "Here"
    asyncio.run(asyncio.sleep(0))
    asyncio._set_running_loop(chromium._loop)


# --- trouble ------------------------------------------------------------------------------------

TROUBLES = {
    "console.error('too bad')": "error: too bad",
    "console.warn('beware')": "warning: beware",
    "setTimeout(() => { throw new Error('broken') })": "script: Error: broken",
    "Promise.reject(new Error('rejected'))": "script: Error: rejected",
    "fetch('/none').then(got => got.status)": "status of 404",
    "fetch('https://elsewhere.example/').catch(() => {})": "Content Security Policy",
    "document.body.append(Object.assign(document.createElement('script'), {text: '0'}))": "Content Security Policy",
    "document.body.setAttribute('style', 'color: red')": "Content Security Policy",
}


def test_trouble_of_every_kind_fails_a_test(opened: Opener) -> None:
    """Of the console, of scripts, of requests, and of the page's policy."""
    app = opened()
    assert app.trouble == []
    for code, pattern in TROUBLES.items():
        before = len(app.trouble)
        app.frame.evaluate(f"() => {{ {code} }}")
        while not any(pattern in line for line in app.trouble[before:]):
            app.page.wait_for_timeout(10)
    with pytest.raises(AssertionError) as caught:
        opened.close()
    assert all(pattern in str(caught.value) for pattern in TROUBLES.values())


def test_expected_trouble_is_forgiven(opened: Opener) -> None:
    """Before it happens again and afterwards; other trouble is not."""
    app = opened()
    app.frame.evaluate("() => { console.error('too bad'); console.error('worse') }")
    assert app.expect("too bad")[0].startswith("error: too bad")
    app.frame.evaluate("console.error('too bad')")
    assert [line.partition(" (")[0] for line in app.trouble] == ["error: worse"]
    app.expect("worse")


def test_violations_are_told_by_the_page_too(opened: Opener) -> None:
    """With the directive and what it refused."""
    app = opened()
    app.frame.evaluate("document.body.setAttribute('style', 'color: red')")
    assert app.expect("Content Security Policy violation: style-src-attr inline")
    app.expect("Content Security Policy directive")


def test_nothing_to_forgive_is_an_error(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test expects must happen."""
    app = opened()
    monkeypatch.setattr("tests.browser.browser.WAIT_MS", 100)
    with pytest.raises(AssertionError, match="nothing like 'too bad' happened"):
        app.expect("too bad")


def test_axe_judges_the_frame(opened: Opener) -> None:
    """Under the strict policy of our pages, without breaking it."""
    app = opened()
    assert app.axe() == []
    app.frame.goto(f"{app.site.origin}/faulty")
    assert app.frame.evaluate("document.images[0].naturalWidth") == 7
    found = app.axe()
    assert [line.partition(":")[0] for line in found] == [
        "image-alt (critical)",
        "label (critical)",
    ]
    assert "img" in found[0]
