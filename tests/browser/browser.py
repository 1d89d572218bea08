"""A real browser for tests: Chromium without a window, the app on a real server, and VK around it.

A test file asks for the fixtures with ``pytest_plugins = ("tests.browser.browser",)`` and imports
this module for types alone. Whatever goes wrong in the browser fails the test at its end, unless
the test has said that it expects it.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any, Literal
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Frame,
    Page,
    Request,
    sync_playwright,
)
from playwright.sync_api import Error as BrowserError
from waitress import wasyncore

from tests.browser.vk_host import Host, Where, page_around
from tests.support.webview_client import APP, VERA, Window, launch, school_in
from webview.serve import server_on

SHOTS = "build/screenshots"
#: Only a test that fails waits so long.
WAIT_MS = 15_000
#: Narrower windows are telephones: they are touched.
TELEPHONE_WIDTH_MAX = 600
DESKTOP_VK, MOBILE_VK = "https://vk.com", "https://m.vk.com"

_THREADS = 4
_FLAGS = (
    "--disable-gpu",
    # Nothing but this machine can be reached.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    # A frame in a process of its own would not be told how sharp the screen is.
    "--disable-site-isolation-trials",
)
#: A browser asks before a public page, such as VK's here, opens a frame from this machine; no
#: visitor of a real school ever meets that question. Addresses stay as they are written, a page is
#: painted as soon as it can be, and the address bar that nobody sees needs no pages of its own,
#: which would take half of the time.
_WITHOUT = (
    "LocalNetworkAccessChecks",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "PaintHolding",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)
#: Without a storage of its own for each pair of sites, the frame of a site gets none within another
#: site's page.
_STORAGE = "ThirdPartyStoragePartitioning"
#: No trouble of ours: the server has no certificate here.
_NOISE = re.compile(
    r"^warning: Mixed Content: .* requested an insecure element 'http://127\.0\.0\.1:"
)
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", event => console.error(
  "Content Security Policy violation:", event.effectiveDirective, event.blockedURI, event.sample));
"""
_AXE = "() => axe.run(document, {resultTypes: ['violations'], iframes: false})"


# --- the app on a server ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the server saw it; ``launch`` is the header that the page's script sends."""

    method: str
    path: str
    query: str
    launch: str


class Site:
    """A WSGI app on a real port of this machine, and what it was asked so far."""

    def __init__(self, app: WSGIApplication) -> None:
        """Take a free port; ``run`` answers on it."""
        self.asked: list[Asked] = []
        self._app = app
        self._server = server_on(socket.create_server(("127.0.0.1", 0)), self._answer, _THREADS)
        self.origin = f"http://127.0.0.1:{self._server.effective_port}"

    @contextmanager
    def running(self) -> Iterator[Site]:
        """Answer requests, until the context ends."""
        thread = Thread(target=self._server.run, name="site")
        thread.start()
        try:
            yield self
        finally:
            # The server's own thread ends when nothing is open any more, and only it may close what
            # it looks at.
            self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._server._map))
            thread.join()
            self._server.task_dispatcher.shutdown()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        self.asked.append(
            Asked(environ["REQUEST_METHOD"], path, query, environ.get("HTTP_X_LAUNCH", ""))
        )
        return self._app(environ, start_response)


# --- what goes wrong ----------------------------------------------------------------------------


class Trouble:
    """Errors and warnings of the console, errors of scripts, failed requests and violations of the
    page's policy.
    """

    def __init__(self, context: BrowserContext) -> None:
        self._lines: list[str] = []
        self._expected: list[str] = []
        context.on("console", self._console)
        context.on(
            "weberror",
            lambda error: self._add(f"script: {error.error.name}: {error.error.message}"),
        )
        context.on("requestfailed", self._failed)

    @property
    def lines(self) -> list[str]:
        """All that was not expected, in order."""
        return [
            line for line in self._lines if not any(re.search(one, line) for one in self._expected)
        ]

    def expect(self, pattern: str) -> list[str]:
        """Do not count what matches, now or later; what matched so far."""
        self._expected.append(pattern)
        return [line for line in self._lines if re.search(pattern, line)]

    def _add(self, line: str) -> None:
        if not _NOISE.search(line):
            self._lines.append(line)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self._add(f"{message.type}: {message.text.strip()} ({_short(message.location['url'])})")

    def _failed(self, request: Request) -> None:
        # What a page gives up by itself is none.
        if request.failure != "net::ERR_ABORTED":
            self._add(f"request: {request.failure} ({_short(request.url)})")


def _short(url: str) -> str:
    """An address without its query, in which a launch may stand."""
    return url.partition("?")[0]


# --- an opened app ------------------------------------------------------------------------------


@dataclass
class MiniApp:
    """The app, opened by a visitor; without VK, ``host`` is never asked."""

    page: Page
    host: Host
    site: Site
    where: Where
    _trouble: Trouble
    _shots: Path

    @property
    def frame(self) -> Frame:
        """Where the app is: VK's inner frame, or the page itself."""
        frame = self.page.frame(name="app") if self.where is Where.FRAME else self.page.main_frame
        assert frame
        return frame

    @property
    def trouble(self) -> list[str]:
        """What went wrong so far and was not expected."""
        self.settle()
        return self._trouble.lines

    def expect(self, pattern: str) -> list[str]:
        """Wait for trouble that matches and do not count it, nor what matches later; the lines so
        far.
        """
        found = self._trouble.expect(pattern)
        for _ in range(WAIT_MS // 50):
            if found:
                break
            self.page.wait_for_timeout(50)
            found = self._trouble.expect(pattern)
        assert found, f"nothing like {pattern!r} happened, but: {self._trouble.lines}"
        return found

    def axe(self) -> list[str]:
        """What axe-core has against the app as it is shown now, a line for each element."""
        return axe(self.frame)

    def shoot(self, name: str, *, tall: bool = False) -> Path:
        """Take a picture of the window, VK's parts included; a ``tall`` one shows all of the app."""
        path = self._shots / f"{name}.png"
        size = self.page.viewport_size
        assert size
        if tall:
            height = self.frame.evaluate("() => document.documentElement.scrollHeight")
            self.page.set_viewport_size(
                {"width": size["width"], "height": max(height, size["height"])}
            )
        self.page.screenshot(path=path, animations="disabled")
        if tall:
            self.page.set_viewport_size(size)
        return path

    def settle(self) -> None:
        """Let in what the browser has told already."""
        for frame in self.page.frames:
            # A frame may be refused, or go away while it is asked.
            with suppress(BrowserError):
                frame.evaluate("0")

    def close(self) -> list[str]:
        """Close the window; the trouble that there was."""
        trouble = self.trouble
        self.page.context.close()
        return trouble


def axe(frame: Frame) -> list[str]:
    """What axe-core has against a frame's document: rule, weight, element and what is wrong with
    it.
    """
    if not frame.evaluate("() => 'axe' in window"):
        frame.evaluate(_axe_core())
    found = frame.evaluate(_AXE)["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {' '.join(map(str, node['target']))}: {_summary(node)}"
        for rule in found
        for node in rule["nodes"]
    ]


def _summary(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for kind in ("any", "all", "none") for check in node[kind])


@cache
def _axe_core() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


# --- the browser --------------------------------------------------------------------------------


class Chromium:
    """Debian's Chromium; it may be used within ``awake`` only.

    Playwright leaves its event loop marked as running in this thread, where other tests want to run
    loops of their own.
    """

    def __init__(self) -> None:
        """Start what starts browsers; ``close`` ends it all."""
        program = shutil.which("chromium")
        assert program, (
            "there is no program named chromium; Debian's package of that name brings it"
        )
        self._program = program
        self._playwright = sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        self._browsers: dict[bool, Browser] = {}
        asyncio._set_running_loop(None)

    @contextmanager
    def awake(self) -> Iterator[Chromium]:
        """Mark the browser's event loop as running, for as long as the context lasts."""
        asyncio._set_running_loop(self._loop)
        try:
            yield self
        finally:
            asyncio._set_running_loop(None)

    def browser(self, *, storage: bool = True) -> Browser:
        """A running browser; one without ``storage`` lets no frame store anything within another
        site's page.
        """
        if storage not in self._browsers:
            without = ",".join(_WITHOUT if storage else (*_WITHOUT, _STORAGE))
            started = self._playwright.chromium.launch(
                executable_path=self._program, args=[*_FLAGS, f"--disable-features={without}"]
            )
            self._browsers[storage] = started
        return self._browsers[storage]

    def close(self) -> None:
        """End everything that was started."""
        for browser in self._browsers.values():
            browser.close()
        self._playwright.stop()


@dataclass
class Opener:
    """Opens the app as many times as a test wants; ``close`` ends them all and tells of any
    trouble.
    """

    chromium: Chromium
    site: Site
    shots: Path
    opened: list[MiniApp] = field(default_factory=list)

    def __call__(
        self,
        *,
        vk: int = VERA,
        language: str = "ru",
        width: int = 390,
        height: int = 844,
        dark: bool = False,
        scale: float = 1,
        still: bool = False,
        scripts: bool = True,
        storage: bool = True,
        where: Where = Where.FRAME,
        parent: str = "",
        query: str | None = None,
        fragment: str = "",
        host: Host | None = None,
        site: Site | None = None,
        wait: Literal["commit", "load"] = "load",
    ) -> MiniApp:
        """Open the app for a visitor and ``wait`` until it is loaded.

        ``still`` wants reduced motion, and without ``storage`` the browser denies storage to a
        frame inside VK: asking for ``localStorage`` is an error. ``parent`` is the origin that
        frames the app, ``query`` the launch if it is not the visitor's usual one, ``fragment`` what
        follows "#" in the address.
        """
        site, host = site or self.site, host or Host()
        telephone = width < TELEPHONE_WIDTH_MAX
        platforms = {Where.ANDROID: "mobile_android", Where.IPHONE: "mobile_iphone"}
        platform = platforms.get(where, "mobile_web" if telephone else "desktop_web")
        query = launch(vk, language=language, vk_platform=platform) if query is None else query
        address = f"{site.origin}/?{query}" if query else f"{site.origin}/"
        address += f"#{fragment}" if fragment else ""
        context = self.chromium.browser(storage=storage).new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=scale,
            is_mobile=telephone,
            has_touch=telephone,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if still else "no-preference",
            java_script_enabled=scripts,
            locale="ru-RU" if language == "ru" else "en-US",
            timezone_id="Europe/Moscow",
        )
        context.set_default_timeout(WAIT_MS)
        context.add_init_script(_TELL_VIOLATIONS)
        trouble = Trouble(context)
        page = context.new_page()
        app = MiniApp(page, host, site, where, trouble, self.shots)
        self.opened.append(app)
        if where is not Where.ALONE:
            host.receive(page, where, vk, query, _surroundings(where, width, height, dark=dark))
        if where is Where.FRAME:
            parent = parent or (MOBILE_VK if telephone else DESKTOP_VK)
            around = page_around(address, controls=telephone)
            page.route(
                f"{parent}/**",
                lambda route: route.fulfill(content_type="text/html; charset=utf-8", body=around),
            )
            address = f"{parent}/app{APP}"
        page.goto(address, wait_until=wait)
        return app

    def close(self) -> None:
        """Close every window; trouble that no test expected is an error."""
        trouble = [line for app in self.opened for line in app.close()]
        # The browser asks for an icon when it likes, also of a server that a test has stopped.
        trouble = [line for line in trouble if "REFUSED" not in line or "favicon.ico" not in line]
        self.opened.clear()
        assert not trouble, "in the browser:\n" + "\n".join(trouble)


def _surroundings(where: Where, width: int, height: int, *, dark: bool) -> dict[str, Any]:
    """What VK tells an app of where it is."""
    told: dict[str, Any] = {
        "app": "vkclient",
        "app_id": str(APP),
        "appearance": "dark" if dark else "light",
        "scheme": "space_gray" if dark else "bright_light",
        "adaptivity": "adaptive",
        "is_layer": False,
        "api_host": "api.vk.ru",
    }
    if where is Where.FRAME:
        return {**told, "viewport_width": width, "viewport_height": height}
    return {**told, "insets": {"top": 0, "right": 0, "bottom": 0, "left": 0}}


# --- fixtures -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The browser, one for all tests of a process."""
    chromium = Chromium()
    yield chromium
    with chromium.awake():
        chromium.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The school of ``tests.support.webview_client``, for tests that want nothing special; they
    share it.
    """
    with Site(Window(school_in(tmp_path_factory.mktemp("site"))).app).running() as site:
        yield site


@pytest.fixture
def serve() -> Iterator[Callable[[WSGIApplication], Site]]:
    """A function that serves an app of the test's own."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(Site(app).running())


@pytest.fixture
def mini_app(chromium: Chromium, site: Site, pytestconfig: pytest.Config) -> Iterator[Opener]:
    """A function that opens the app; at the end of the test nothing may have gone wrong that was
    not expected.
    """
    shots = pytestconfig.rootpath / pytestconfig.getoption("--screenshots", SHOTS)
    with chromium.awake():
        opener = Opener(chromium, site, shots)
        try:
            yield opener
        finally:
            opener.close()
