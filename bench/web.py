"""The cabinet on its server: against a page by hand, beside stalled clients, and over histories."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from bench.by_hand import PageByHand
from bench.family import CHILDREN, VK, School, launch
from bench.pairs import ROUNDS, line, medians, milliseconds, ratio, ratios_of
from bench.places import Place, places
from bench.visitors import rush, site, stalled

CONNECTIONS, REQUESTS = (1, 16), 300
STALLED = (400, 1_000)


def ask(app: WSGIApplication, vk: int = VK) -> bytes:
    """The compressed page of a parent, without a server."""

    def start(
        status: str, _headers: object, _exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        if not status.startswith("200 "):
            raise SystemExit(f"the page answered {status}")
        return lambda _data: None

    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": launch(vk),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "HTTP_ACCEPT_ENCODING": "gzip",
    }
    return b"".join(app(environ, start))


# --- the lines ------------------------------------------------------------------------------------


def against_floor(place: Place, school: School) -> None:
    """The whole request against the page by hand, both on their servers."""
    by_hand = partial(PageByHand, place, school)
    if ask(school.app()) != ask(by_hand()):
        raise SystemExit("the floor prints another page")
    with site(school.app) as ours, site(by_hand) as floor:
        for connections in CONNECTIONS:
            for server in (ours, floor):
                rush(server.port, connections, 50)
            pairs: list[tuple[float, float]] = []
            for _ in range(ROUNDS):
                ours_rush = rush(ours.port, connections, REQUESTS)
                floor_rush = rush(floor.port, connections, REQUESTS)
                pairs.append((ours_rush.rate, floor_rush.rate))
            median_ratio, ours_rate, floor_rate = medians(pairs)
            name = f"7 {place.prefix}cabinet : page by hand, {connections} connections"
            measured = f"{ours_rate:.0f}/s {floor_rate:.0f}/s"
            met = median_ratio >= 0.7
            line(name, measured, median_ratio, "0.70 x", met=met, ratios=ratios_of(pairs))


def beside_stalled(school: School) -> None:
    """Pages beside clients that have sent half a request, against the same without them."""
    for clients in STALLED:
        with site(school.app) as served:
            rush(served.port, 16, 50)
            pairs: list[tuple[float, float]] = []
            slowest, before_kib, more_kib = 0.0, served.kib, 0
            for _ in range(ROUNDS):
                alone = rush(served.port, 16, REQUESTS)
                with stalled(served.port, clients):
                    beside = rush(served.port, 16, REQUESTS)
                    more_kib = served.kib - before_kib
                pairs.append((beside.rate, alone.rate))
                slowest = max(slowest, *beside.each)
        share = statistics.median(beside_rate / alone_rate for beside_rate, alone_rate in pairs)
        measured = f"slowest {slowest:.2f} s, +{more_kib} KiB"
        name = f"9 cabinet beside {clients} stalled clients : without"
        line(name, measured, share, "0.50 x", met=share >= 0.5 and slowest < 1)


def long_history(place: Place, folder: Path) -> None:
    """A page where others, or the family itself, have many more lines, against the usual one."""

    def hundred_pages(name: str, **sizes: int) -> Callable[[], object]:
        app = School.founded(place, folder / name, pupils=12, **sizes).app()
        return lambda: [ask(app) for _ in range(100)]

    usual = hundred_pages("first")
    others = hundred_pages("others", others=6_000)
    ratio(f"10 {place.prefix}page, history x 100 of others : x 1", 1.05, others, usual)
    tenfold = hundred_pages("tenfold", lines=600)
    ratio(f"10 {place.prefix}page, history x 10 of its own : x 1", 1.1, tenfold, usual)
    hundredfold = hundred_pages("hundredfold", lines=6_000)
    # Adding 12,000 coins up takes its time by any program: so the bare sums are the floor.
    pairs: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        pairs.append((milliseconds(hundredfold), milliseconds(usual)))
    more_ms = 1000 * bare_sum(place, folder / "sums")
    median_ratio, ours_ms, usual_ms = medians(pairs)
    allowed = (usual_ms + 100 * more_ms) / usual_ms
    name = f"10 {place.prefix}page, history x 100 of its own : x 1"
    measured = f"{ours_ms:.1f} ms {usual_ms:.1f} ms"
    met = median_ratio <= 1.1 * allowed
    line(name, measured, median_ratio, f"{allowed:.2f} x", met=met, ratios=ratios_of(pairs))


def bare_sum(place: Place, folder: Path) -> float:
    """Seconds that the sum of two long histories takes by the bare driver."""
    url = School.founded(place, folder, lines=6_000, others=1, pupils=3).url
    with closing(place.connect(url)) as connection:
        cursor = connection.cursor()
        spent: list[float] = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for child in CHILDREN:
                cursor.execute(f"SELECT SUM(coins) FROM entry WHERE resident_id = {child}")
                cursor.fetchall()
            spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def main() -> None:
    """Print the lines."""
    with tempfile.TemporaryDirectory() as name, places(Path(name)) as (files, server):
        folder = Path(name)
        school = School.founded(files, folder / "usual")
        against_floor(files, school)
        against_floor(server, School.founded(server, folder / "on server"))
        beside_stalled(school)
        long_history(files, folder / "histories")
        long_history(server, folder / "histories on server")


if __name__ == "__main__":
    main()
