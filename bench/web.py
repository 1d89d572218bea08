"""The cabinet on its server: against a page by hand, beside others, and with a long history."""

from __future__ import annotations

import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from bench.by_hand import PageByHand
from bench.environment import environment, numbered
from bench.family import School, launch
from bench.lessons import crm_pages, first_plan, lesson_record, order
from bench.pairs import ROUNDS, line, medians, ratio, ratios_of
from bench.places import Files, Place, places
from bench.visitors import p99, process, rush, site, stalled, stroll
from coinsync.core.facts import GroupStanding, LessonRecord
from coinsync.core.plan import Scope
from coinsync.exchange import decode
from coinsync.store import database, writer
from coinsync.store.reader import Reader

CONNECTIONS, REQUESTS = (1, 16), 300
#: Three times what all families of a large school ask for in ten minutes after a message to all.
PER_SECOND, STROLL = 10.0, 100
#: The fastest first import that the CRM's limit allows: five pages of 500 attendances each second.
SYNC_LESSONS, SYNC_PUPILS, SYNC_SCOPE = 250, 10, Scope(1, date(2026, 11, 1), date(2026, 11, 30))
NOW = datetime(2026, 11, 30, tzinfo=UTC)
STALLED = (400, 1_000)


def ask(app: WSGIApplication) -> bytes:
    """The compressed page of the family, without a server."""

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
        "QUERY_STRING": launch(),
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


def beside_sync(school: School) -> None:
    """The slowest of a hundred pages while lessons are being written, against a quiet database."""
    quiet: list[float] = []
    busy: list[float] = []
    with site(school.app) as served:
        stroll(served.port, PER_SECOND, 40)
        for number in range(ROUNDS):
            quiet += stroll(served.port, PER_SECOND, STROLL)
            with process(partial(sync, school.url, 10**9 + number * 10**6)):
                time.sleep(1)
                busy += stroll(served.port, PER_SECOND, STROLL)
    slowdown = p99(busy) / p99(quiet)
    measured = f"{1000 * p99(busy):.1f} ms {1000 * p99(quiet):.1f} ms"
    name = f"8 cabinet p99 beside a sync of {SYNC_LESSONS * SYNC_PUPILS} lines/s : quiet"
    line(name, measured, slowdown, "2.00 x", met=slowdown <= 2)


def sync(url: str, first: int) -> None:
    """Decode, compare, plan and write new lessons, as many each second as the CRM lets through."""
    opened = database.open_writable(url)
    here = environment(NOW, numbered(first).__next__, time.sleep)
    began = time.perf_counter()
    for second in count():
        records = list(lessons(first + second * SYNC_LESSONS))
        plan = first_plan(SYNC_SCOPE, records, Reader(opened).resident_ids())
        writer.apply(opened, plan, order(NOW), here)
        time.sleep(max(0.0, began + second + 1 - time.perf_counter()))


def lessons(first: int) -> Iterator[LessonRecord]:
    """Lessons of one second as they are read from the CRM's pages, all pupils members."""
    records: list[LessonRecord] = []
    for id in range(first, first + SYNC_LESSONS):
        pupils = [1_000 + (id + number) % 500 for number in range(SYNC_PUPILS)]
        day = SYNC_SCOPE.since + timedelta(id % 30)
        records.append(lesson_record(id, day, pupils, group=7))
    for text in crm_pages(records):
        for row in json.loads(text)["items"]:
            record = decode.lesson_record(row, branch=1)
            members = [
                replace(attendance, standing=GroupStanding.MEMBER)
                for attendance in record.attendance
            ]
            yield LessonRecord(record.lesson, tuple(members))


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


def long_history(files: Files, folder: Path) -> None:
    """A page where others, or all, have a hundred times as many lines, against the usual one."""

    def hundred_pages(name: str, **sizes: int) -> Callable[[], object]:
        app = School.founded(files, folder / name, pupils=12, **sizes).app()
        return lambda: [ask(app) for _ in range(100)]

    usual = hundred_pages("first")
    others = hundred_pages("others", others=6_000)
    ratio("10 page with history x 100 of others : x 1", 1.1, others, usual)
    everybody = hundred_pages("everybody", lines=6_000, others=6_000)
    ratio("10 page with history x 100 of everybody : x 1", 1.1, everybody, usual)


def main() -> None:
    """Print the lines."""
    with tempfile.TemporaryDirectory() as name, places(Path(name)) as (files, server):
        folder = Path(name)
        school = School.founded(files, folder / "usual")
        against_floor(files, school)
        against_floor(server, School.founded(server, folder / "on server"))
        beside_stalled(school)
        beside_sync(school)
        long_history(files, folder)


if __name__ == "__main__":
    main()
