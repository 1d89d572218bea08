"""The cabinet in a browser on a slow telephone, against a page of 100 bytes."""

from __future__ import annotations

import re
import shutil
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

import requests
from playwright.sync_api import Browser, sync_playwright

from bench.family import School, launch
from bench.pairs import limit, line, medians
from bench.places import Files
from bench.visitors import HOST, Site, site

Network = dict[str, bool | float]

ROUNDS = 9
#: What is done until the first paint, as the browser names it.
STAGES = {
    "ParseHTML": "parsing",
    "UpdateLayoutTree": "style",
    "Layout": "layout",
    "Paint": "painting",
    "ThreadControllerImpl::RunTask": "in all",
}
PART_ROUNDS = 5
#: Networks as browsers' tools know them: bytes per second down and up, milliseconds there and back.
SLOW_4G: Network = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1.6e6 / 8,
    "uploadThroughput": 750e3 / 8,
}
#: Here the document comes piece by piece, and is painted before it is whole.
EDGE: Network = {
    "offline": False,
    "latency": 840,
    "downloadThroughput": 240e3 / 8,
    "uploadThroughput": 200e3 / 8,
}
#: On EDGE the script comes this late.
EDGE_SECONDS = 6.0
SLOWER = 4
GOAL, FIRST_KB, ALL_KB = 1.25, 10, 24
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
  for (const one of list.getEntriesByName("first-contentful-paint")) {
    observer.disconnect();
    tell(one.startTime);
  }
}).observe({type: "paint", buffered: true}))"""
BLOCKING = """() => performance.getEntriesByType("resource")
  .filter(one => one.renderBlockingStatus !== "non-blocking").map(one => one.name)"""
SMALL = b"<!doctype html><title>.</title><p>".ljust(100, b".")


@dataclass
class View:
    """One first visit: milliseconds to the first paint, layout shift, and what was asked for."""

    paint: float = 0.0
    shift: float = 0.0
    blocking: frozenset[str] = frozenset()
    asked: dict[str, tuple[str, str]] = field(default_factory=dict)
    sizes: dict[str, float] = field(default_factory=dict)

    @property
    def first(self) -> float:
        """Bytes without which nothing is painted: the document, and what blocks painting."""
        size = 0.0
        for id, (kind, url) in self.asked.items():
            if kind == "Document" or url in self.blocking:
                size += self.sizes[id]
        return size

    @property
    def all(self) -> float:
        """Bytes of everything but pictures."""
        size = 0.0
        for id, (kind, _) in self.asked.items():
            if kind in ("Document", "Script"):
                size += self.sizes[id]
        return size


def small(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The floor: a page of 100 bytes."""
    start_response(
        "200 OK",
        [("Content-Type", "text/html; charset=UTF-8"), ("Content-Length", str(len(SMALL)))],
    )
    return [SMALL]


def visit(browser: Browser, address: str, network: Network = SLOW_4G, seconds: float = 1.0) -> View:
    """Open an address for the first time on a slow telephone.

    Whatever the scripts do to the page, they do it within ``seconds`` after the first paint.
    """
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
    tools.send("Network.emulateNetworkConditions", network)
    tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address)
    view.paint = page.evaluate(PAINT)
    page.wait_for_timeout(1000 * seconds)
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
    cabinet = f"http://{HOST}:{ours.port}/?{launch()}"
    nothing = f"http://{HOST}:{floor.port}/"
    # The first visits warm the browser and the servers, and do not count.
    visit(browser, cabinet)
    visit(browser, nothing)
    views: list[View] = []
    paints: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        views.append(visit(browser, cabinet))
        paints.append((views[-1].paint, visit(browser, nothing).paint))
    median_ratio, ours_paint, floor_paint = medians(paints)
    measured = f"{ours_paint:.1f} ms {floor_paint:.1f} ms"
    name = "11 first paint, slow 4G and slow telephone : 100 bytes"
    line(name, measured, median_ratio, f"{GOAL:.2f} x", met=median_ratio <= GOAL)
    limit("11 layout shift, the worst", max(view.shift for view in views), "", 0)
    on_edge = visit(browser, cabinet, EDGE, EDGE_SECONDS)
    limit("11 layout shift on EDGE", on_edge.shift, "", 0)
    first = max(view.first for view in views) / 1024
    limit("12 what the first paint waits for", first, "KB", FIRST_KB)
    everything = max(view.all for view in views) / 1024
    limit("12 the first view without pictures", everything, "KB", ALL_KB)


def without(page: str, begin: str, end: str) -> str:
    """The page without what stands from one text on until another."""
    start = page.index(begin)
    return page[:start] + page[page.index(end, start) :]


def parts_of(page: str) -> dict[str, str]:
    """The page without one part at a time."""
    history = '<section class="screen" id="/history"'
    catalog = '<section class="screen" id="/catalog"'
    return {
        "whole": page,
        "without the script": without(page, "<script src", "</head>"),
        "without the style sheet": without(page, "<style>", "</style>"),
        "without the history": without(page, history, catalog),
        "without the shop and the memo": without(page, catalog, "</main>"),
        "without all three screens": without(page, history, "</main>"),
        "without drawings": re.sub("<svg.*?</svg>", "", page, flags=re.DOTALL),
    }


def measure_parts(browser: Browser, ours: Site) -> None:
    """Print how long the page's own thread works until the first paint, without each part.

    This is processor time of this machine, not of a telephone, and without the network: the times
    of first paints differ more from visit to visit than by any part of the page.
    """
    parts = parts_of(requests.get(f"http://{HOST}:{ours.port}/?{launch()}", timeout=30).text)
    parts["100 bytes"] = SMALL.decode()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        content = parts.get(environ["PATH_INFO"].strip("/"), "").encode()
        start_response("200 OK", [("Content-Type", "text/html; charset=UTF-8")])
        return [content]

    with site(lambda: answer) as copies:
        for name in parts:
            address = f"http://{HOST}:{copies.port}/{quote(name)}"
            visits = [stages_of(browser, address) for _ in range(PART_ROUNDS)]
            medians_of_stages = []
            for stage in STAGES:
                milliseconds = statistics.median(visit[stage] for visit in visits)
                medians_of_stages.append(f"{STAGES[stage]} {milliseconds:.1f}")
            print(f"11 {name:<34} {' · '.join(medians_of_stages)} ms")


def stages_of(browser: Browser, address: str) -> Counter[str]:
    """Milliseconds of processor time of each stage from the answer to the first paint."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page = context.new_page()
    tools = browser.new_browser_cdp_session()
    events: list[dict[str, Any]] = []
    ended: list[object] = []
    tools.on("Tracing.dataCollected", lambda chunk: events.extend(chunk["value"]))
    tools.on("Tracing.tracingComplete", lambda end: ended.append(end))
    tools.send("Tracing.start", {"categories": "toplevel,devtools.timeline,loading"})
    page.goto(address)
    page.evaluate(PAINT)
    tools.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(10)
    context.close()
    tools.detach()
    painted = [event for event in events if event["name"] == "firstContentfulPaint"][-1]
    stages: Counter[str] = Counter()
    for event in events:
        same_thread = (event["pid"], event["tid"]) == (painted["pid"], painted["tid"])
        if same_thread and event["ts"] <= painted["ts"]:
            stages[event["name"]] += event.get("tdur", 0) / 1000
    return stages


def main() -> None:
    """Measure a fresh school's cabinet."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        school = School.founded(Files(folder), folder / "usual")
        with site(school.app) as ours, site(lambda: small) as floor, chromium() as browser:
            measure(browser, ours, floor)
            measure_parts(browser, ours)


if __name__ == "__main__":
    main()
