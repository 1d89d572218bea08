"""The cabinet on its server: against a page by hand, beside a sync, beside stalled clients, with a long history."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count, groupby
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from bench.environment import environment
from bench.family import CHILDREN, NOW, VK, School, launch
from bench.lessons import crm_pages
from bench.pairs import ROUNDS, ratio
from bench.visitors import p99, process, rush, site, stalled, stroll
from coinsync.core.facts import Attendance, GroupStanding, Lesson, LessonRecord, Mark, Status
from coinsync.core.plan import Evidence, Limits, Scope
from coinsync.core.planning.compare import Recorded, WindowReading, compare
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.rules import Rule, Rulebook
from coinsync.core.wording import RUSSIAN
from coinsync.exchange import decode
from coinsync.store import database, writer
from coinsync.store.models import ENTRY_COLUMNS
from coinsync.store.reader import Reader
from webview import pages
from webview.goods import Category, Good, Reach
from webview.page_renderer import PageRenderer
from webview.visit import family_of

CONNECTIONS, REQUESTS = (1, 16), 300
#: Three times what all families of a large school ask for in the ten minutes after a message to all.
PER_SECOND, STROLL = 10.0, 100
#: The fastest first import that the CRM's limit allows: five pages of 500 attendances each second.
SYNC_LESSONS, SYNC_PUPILS, SYNC_SCOPE = 250, 10, Scope(1, date(2026, 11, 1), date(2026, 11, 30))
SYNC_RULES = Rulebook((Rule("lesson", 10, frozenset({2}), date(2026, 1, 1)),))
STALLED = (400, 1_000)


def line(name: str, goal: str, found: float, told: str, *, met: bool) -> None:
    """Print one line of the table."""
    print(
        f"{name:<58}{told:>26}{found:>8.2f} x   goal {goal} x   {'ok' if met else 'MISSED'}",
        flush=True,
    )


# --- a page by hand --------------------------------------------------------------------------------------------------


class ByHand:
    """The floor: the same statements by the driver, on one connection a thread, each row put straight into the page.

    It verifies nothing, knows one kind of line and of goods, and takes from a page made before what does not change.
    """

    def __init__(self, school: School) -> None:
        """Learn the statements from a visit, and what stands around lines and goods from its page."""
        self._path, self._here, self._press = (
            database.path_of(school.url),
            threading.local(),
            PageRenderer.set_up(),
        )
        self._statements: list[str] = []
        opened = database.open_readable(school.url)
        with database.reading(opened):
            opened.connection().set_trace_callback(self._statements.append)
            family = family_of(Reader(opened), VK)
            opened.connection().set_trace_callback(None)
        pictures = {item.picture: f"/pictures/{item.picture}" for item, _ in family.shelf}
        self._page = pages.cabinet(replace(family, pictures=pictures), school.words(), "ru", NOW)

    def __call__(self, _environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the page, whatever is asked."""
        body = gzip.compress(self._press.print(self._read()), 5, mtime=0)
        headers = [("Content-Type", "text/html; charset=UTF-8"), ("Content-Encoding", "gzip")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _read(self) -> pages.Cabinet:
        if not hasattr(self._here, "raw"):
            self._here.raw = sqlite3.connect(self._path)
        _, _, lines, balances, groups, _, shelf = [
            self._here.raw.execute(sql).fetchall() for sql in self._statements
        ]
        names, coins = dict(groups), dict(balances)
        rows: dict[int, list[pages.HistoryRow]] = {child: [] for child in CHILDREN}
        for one in lines:
            rows[one[3]].append(_row(one, names))
        children = tuple(
            replace(
                child, balance=str(coins[child.id]), rows=tuple(rows[child.id][: pages.LINES_MAX])
            )
            for child in self._page.children
        )
        return replace(
            self._page,
            children=children,
            shop=replace(self._page.shop, categories=_goods(shelf, children)),
        )


def _row(row: Sequence[Any], names: dict[int, str]) -> pages.HistoryRow:
    day, groups = row[6], row[len(ENTRY_COLUMNS) + 6]
    year = "" if day[:4] == "2026" else f" {day[:4]}"
    when = f"{int(day[8:])} {RUSSIAN.months[int(day[5:7]) - 1]}{year}"
    what = ", ".join(names[int(one)] for one in groups.split(",") if one)
    return pages.HistoryRow(what, "", when, day, (), f"+{row[4]}", gain=True, cancelled=False)


def _goods(shelf: Iterable[Sequence[Any]], children: Sequence[pages.Child]) -> tuple[Category, ...]:
    return tuple(
        Category(number, title, tuple(_good(row, children) for row in run))
        for number, (title, run) in enumerate(groupby(shelf, lambda row: row[3]), 1)
    )


def _good(row: Sequence[Any], children: Sequence[pages.Child]) -> Good:
    code, name, _, _, _, text, _, price, _, picture, *_, left = row
    reach = tuple(Reach(child.id, child.name, True, "хватает") for child in children)
    address, heart = f"/pictures/{picture}", f"В избранное: {name}"
    coins = RUSSIAN.coin(price, ("монета", "монеты", "монет"))
    return Good(
        code,
        name,
        text,
        address,
        name[0],
        price,
        str(price),
        coins,
        f"осталось {left}",
        False,
        reach,
        heart,
    )


# --- asking without a server -----------------------------------------------------------------------------------------


def ask(app: WSGIApplication) -> bytes:
    """The compressed page of the family."""

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


# --- the lines -------------------------------------------------------------------------------------------------------


def against_floor(school: School) -> None:
    """The whole request against the page by hand, both on their servers."""
    if ask(school.app()) != ask(ByHand(school)):
        raise SystemExit("the floor prints another page")
    with site(school.app) as ours, site(lambda: ByHand(school)) as floor:
        for connections in CONNECTIONS:
            rush(ours.port, connections, 50), rush(floor.port, connections, 50)
            pairs = [
                (
                    rush(ours.port, connections, REQUESTS).rate,
                    rush(floor.port, connections, REQUESTS).rate,
                )
                for _ in range(ROUNDS)
            ]
            found = statistics.median(mine / theirs for mine, theirs in pairs)
            mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
            told = f"{mine:.0f}/s {theirs:.0f}/s"
            line(
                f"cabinet : page by hand, {connections} connections",
                "0.70",
                found,
                told,
                met=found >= 0.7,
            )


def beside_sync(school: School) -> None:
    """The slowest of a hundred pages while lessons are being written, against a quiet database."""
    quiet, busy = list[float](), list[float]()
    with site(school.app) as served:
        stroll(served.port, PER_SECOND, 40)
        for number in range(ROUNDS):
            quiet += stroll(served.port, PER_SECOND, STROLL)
            with process(partial(sync, school.url, 10**9 + number * 10**6)):
                time.sleep(1)
                busy += stroll(served.port, PER_SECOND, STROLL)
    found = p99(busy) / p99(quiet)
    told = f"{1000 * p99(busy):.1f} ms {1000 * p99(quiet):.1f} ms"
    name = f"cabinet p99 beside a sync of {SYNC_LESSONS * SYNC_PUPILS} lines/s : quiet"
    line(name, "2.00", found, told, met=found <= 2)


def sync(url: str, first: int) -> None:
    """Decode, compare, plan and write new lessons, as many each second as the CRM's limit lets through."""
    opened = database.open_writable(url)
    tokens = (f"{first + n:032x}" for n in count())
    around = environment(datetime(2026, 11, 30, tzinfo=UTC), tokens.__next__, time.sleep)
    order = writer.Order("bench", "bench", around.now(), Limits(coins_per_run_max=10**8))
    began = time.perf_counter()
    for second in count():
        seen = tuple(lessons(first + second * SYNC_LESSONS))
        recorded = Recorded(residents=Reader(opened).resident_ids())
        found = compare(
            WindowReading(seen, lessons_read=len(seen)), recorded, SYNC_RULES, "bench", None
        )
        plan = plan_lessons(
            SYNC_SCOPE, found, balances={}, evidence=Evidence(lessons_read=len(seen))
        )
        writer.apply(opened, plan, order, around)
        time.sleep(max(0.0, began + second + 1 - time.perf_counter()))


def lessons(first: int) -> Iterator[LessonRecord]:
    """Lessons of one second as they are read from the CRM's pages, members there."""
    everybody = range(SYNC_PUPILS)
    sent = [
        LessonRecord(
            Lesson(
                id,
                1,
                SYNC_SCOPE.since + timedelta(id % 30),
                "17:00",
                2,
                Status.CONDUCTED,
                (7,),
                scheduled=True,
            ),
            tuple(
                Attendance(id, 1_000 + (id + who) % 500, Mark.ATTENDED, GroupStanding.MEMBER)
                for who in everybody
            ),
        )
        for id in range(first, first + SYNC_LESSONS)
    ]
    for text in crm_pages(tuple(sent)):
        for row in json.loads(text)["items"]:
            read = decode.lesson_record(row, branch=1)
            members = tuple(replace(one, standing=GroupStanding.MEMBER) for one in read.attendance)
            yield LessonRecord(read.lesson, members)


def beside_stalled(school: School) -> None:
    """Pages beside clients that have sent half a request, against the same without them."""
    for clients in STALLED:
        with site(school.app) as served:
            rush(served.port, 16, 50)
            pairs, slowest, kib = list[tuple[float, float]](), 0.0, served.kib
            for _ in range(ROUNDS):
                alone = rush(served.port, 16, REQUESTS)
                with stalled(served.port, clients):
                    beside = rush(served.port, 16, REQUESTS)
                    more = served.kib - kib
                pairs.append((beside.rate, alone.rate))
                slowest = max(slowest, *beside.each)
        found = statistics.median(mine / theirs for mine, theirs in pairs)
        told = f"slowest {slowest:.2f} s, +{more} KiB"
        met = found >= 0.5 and slowest < 1
        line(f"cabinet beside {clients} stalled clients : without", "0.50", found, told, met=met)


def long_history(school: School, folder: Path) -> None:
    """A page where others, or all, have a hundred times as many lines, against the usual one."""

    def pages_of(app: WSGIApplication) -> Callable[[], object]:
        return lambda: [ask(app) for _ in range(100)]

    usual, others = school.app(), School.founded(folder / "others", others=6_000, pupils=12).app()
    ratio("page with history x 100 of others : x 1", 1.1, pages_of(others), pages_of(usual))
    everybody = School.founded(folder / "everybody", lines=6_000, others=6_000, pupils=12).app()
    ratio("page with history x 100 of everybody : x 1", 1.1, pages_of(everybody), pages_of(usual))


def main() -> None:
    """Print the lines."""
    with tempfile.TemporaryDirectory() as folder:
        school = School.founded(Path(folder) / "usual")
        against_floor(school)
        beside_stalled(school)
        beside_sync(school)
        long_history(School.founded(Path(folder) / "first", pupils=12), Path(folder))


if __name__ == "__main__":
    main()
