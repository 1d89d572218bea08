"""The cabinet in a browser on a slow telephone: the first paint against a page of 100 bytes, and what had to arrive."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from playwright.sync_api import Browser, sync_playwright

from bench.family import School, launch
from bench.visitors import HOST, Site, site

ROUNDS = 9
#: Slow 4G as browsers' tools know it: bytes per second down and up, milliseconds there and back.
NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 750e3 / 8,
}
SLOWER = 4
GOAL, FIRST_KB, ALL_KB = 1.25, 14, 30
#: As in the tests: no graphics card, and nothing but this machine can be reached.
FLAGS = (
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-features=LocalNetworkAccessChecks,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,PaintHolding",
)
WATCH = """
window.shift = 0;
new PerformanceObserver(list => { for (const one of list.getEntries()) window.shift += one.value; })
  .observe({type: "layout-shift", buffered: true});
"""
PAINT = """() => new Promise(tell => new PerformanceObserver((list, observer) => {
  for (const one of list.getEntriesByName("first-contentful-paint")) { observer.disconnect(); tell(one.startTime); }
}).observe({type: "paint", buffered: true}))"""
BLOCKING = """() => performance.getEntriesByType("resource")
  .filter(one => one.renderBlockingStatus !== "non-blocking").map(one => one.name)"""
SMALL = b"<!doctype html><title>.</title><p>".ljust(100, b".")


@dataclass
class View:
    """One first visit: milliseconds to the first paint, layout shift, compressed bytes and kind by request."""

    paint: float = 0.0
    shift: float = 0.0
    blocking: frozenset[str] = frozenset()
    asked: dict[str, tuple[str, str]] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)

    @property
    def first(self) -> float:
        """Bytes without which nothing is painted: the document, and what it says that painting must wait for."""
        wanted = (
            id
            for id, (kind, url) in self.asked.items()
            if kind == "Document" or url in self.blocking
        )
        return sum(self.sizes[id] for id in wanted)

    @property
    def all(self) -> float:
        """Bytes of everything but pictures."""
        return sum(
            self.sizes[id] for id, (kind, _) in self.asked.items() if kind in ("Document", "Script")
        )


def small(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The floor: a page of 100 bytes."""
    start_response(
        "200 OK",
        [("Content-Type", "text/html; charset=UTF-8"), ("Content-Length", str(len(SMALL)))],
    )
    return [SMALL]


def visit(browser: Browser, address: str) -> View:
    """Open an address for the first time on a slow telephone."""
    view = View()
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        locale="ru-RU",
    )
    context.add_init_script(WATCH)
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.on("Network.requestWillBeSent", lambda event: _begun(view, event))
    tools.on("Network.loadingFinished", lambda event: _ended(view, event))
    tools.send("Network.enable")
    tools.send("Network.emulateNetworkConditions", NETWORK)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address)
    view.paint = page.evaluate(PAINT)
    # Whatever the scripts do to the page, they do it in this time.
    page.wait_for_timeout(1000)
    view.shift = page.evaluate("window.shift")
    view.blocking = frozenset(page.evaluate(BLOCKING))
    context.close()
    return view


def _begun(view: View, event: dict[str, Any]) -> None:
    view.asked[event["requestId"]] = event["type"], event["request"]["url"]


def _ended(view: View, event: dict[str, Any]) -> None:
    view.sizes[event["requestId"]] = event["encodedDataLength"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's browser, without a window."""
    program = shutil.which("chromium")
    if not program:
        raise SystemExit(
            "there is no program named chromium; Debian's package of that name brings it"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def measure(browser: Browser, ours: Site, floor: Site) -> None:
    """Print the lines."""
    cabinet, nothing = f"http://{HOST}:{ours.port}/?{launch()}", f"http://{HOST}:{floor.port}/"
    visit(browser, cabinet), visit(browser, nothing)
    pairs = [(visit(browser, cabinet), visit(browser, nothing)) for _ in range(ROUNDS)]
    found = statistics.median(mine.paint / theirs.paint for mine, theirs in pairs)
    mine, theirs = (
        statistics.median(view.paint for view in column) for column in zip(*pairs, strict=True)
    )
    verdict = "ok" if found <= GOAL else "MISSED"
    name = "first paint, slow 4G and slow telephone : 100 bytes"
    print(
        f"{name:<58}{mine:>10.1f} ms{theirs:>10.1f} ms{found:>8.2f} x   goal {GOAL:.2f} x   {verdict}"
    )
    views = [view for view, _ in pairs]
    shift = max(view.shift for view in views)
    print(
        f"{'layout shift, the worst':<58}{shift:>34.4f}     goal 0        {'ok' if shift == 0 else 'MISSED'}"
    )
    _kilobytes("what the first paint waits for", max(view.first for view in views) / 1024, FIRST_KB)
    _kilobytes(
        "the whole first view, without pictures", max(view.all for view in views) / 1024, ALL_KB
    )


def _kilobytes(name: str, found: float, goal: int) -> None:
    print(
        f"{name:<58}{found:>31.1f} KB     goal {goal} KB    {'ok' if found <= goal else 'MISSED'}"
    )


def main() -> None:
    """Measure a fresh school's cabinet."""
    with tempfile.TemporaryDirectory() as folder:
        school = School.founded(Path(folder) / "usual")
        with site(school.app) as ours, site(lambda: small) as floor, chromium() as browser:
            measure(browser, ours, floor)


if __name__ == "__main__":
    main()
