"""A nightly sync of a large school over HTTP, against what the CRM's limit asks for."""

from __future__ import annotations

import signal
import tempfile
import time
from contextlib import AbstractContextManager
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from bench.pairs import compared, limit
from bench.visitors import free_port, process, wait_until_open
from coinsync.core.facts import Status
from coinsync.core.plan import Scope
from coinsync.simulator import School, Simulator
from tests.support.school import KEY, Installation, open_installation

TODAY, DAYS, PAGE = date(2026, 11, 20), 45, 500
#: A night takes seconds, most of them spent waiting.
ROUNDS = 3
BRANCH = {"id": 1, "name": "", "zone": "Europe/Moscow"}
#: What AlfaCRM allows, and what is left of it for its own clock.
PER_SECOND = 5.0
#: Milliseconds of latency, calls under way, and what the ratio may be.
NIGHTS = ((500, 4, 1.15), (100, 4, 1.10), (100, 1, 1.10), (500, 1, 2.60))


def main() -> None:
    """Print the lines."""
    school = School(seed=1, residents=2_000, days=DAYS, today=TODAY, branches=1)
    requests = requests_of(school)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        installation = open_installation(folder)
        configure(installation, port, calls=4, per_second=1000)
        with simulator(school, port, 0, per_second=None):
            installation.ok("sync", "--quiet")
        asked: list[int] = []
        for latency, calls, goal in NIGHTS:
            pairs: list[tuple[float, float]] = []
            for _ in range(ROUNDS):
                port = free_port()
                configure(installation, port, calls)
                with simulator(school, port, latency):
                    seconds, calls_made = night(installation)
                pairs.append((seconds, requests / PER_SECOND))
                asked.append(calls_made)
            name = f"1 night of {requests} requests, {latency} ms, calls = {calls}"
            compared(f"{name} : requests / 5 s", goal, pairs, "s")
        limit("2 requests of a night beyond the floor, most", max(asked) - requests, "requests", 0)
        too_many = 100 * (sum(asked) - requests * len(asked)) / sum(asked)
        limit("1 answered 429", too_many, "%", 1)


def configure(installation: Installation, port: int, calls: int, per_second: float = 4.75) -> None:
    """Point an installation to a CRM on a port of this machine."""
    installation.configure(
        alfacrm__url=f"http://127.0.0.1:{port}",
        alfacrm__per_second=per_second,
        alfacrm__calls=calls,
        sync__days_back=DAYS - 1,
        guards__coins_per_run_max=10**8,
        branch=[BRANCH],
    )


def simulator(
    school: School, port: int, latency: int, per_second: float | None = PER_SECOND
) -> AbstractContextManager[int]:
    """The school's CRM in a process of its own, so that it takes no time of the sync."""

    def serve() -> None:
        crm = Simulator(school, api_key=KEY, port=port)
        crm.options.rate_limit = per_second
        if latency:
            crm.faults.add("hang", seconds=latency / 1000)
        with crm:
            signal.pause()

    return process(serve, partial(wait_until_open, port))


def night(installation: Installation) -> tuple[float, int]:
    """Seconds of one sync that finds nothing new, and its requests."""
    began = time.perf_counter()
    report = installation.ok("sync", "--json").json
    seconds = time.perf_counter() - began
    if report["digest"]:
        raise SystemExit("a night with nothing new has a plan")
    return seconds, sum(result["report"]["requests"] for result in report["results"])


def requests_of(school: School) -> int:
    """The login, and the pages of every list that a night reads."""
    tables = school.tables
    rows = [len(tables.branches), len(tables.customers), len(tables.lesson_types)]
    rows += [len(tables.groups), len(tables.regular_lessons)]
    for window in Scope(1, TODAY - timedelta(days=DAYS - 1), TODAY).months():
        for status in (Status.CONDUCTED, Status.PLANNED, Status.CANCELLED):
            rows.append(lessons_in(school, window, status))
    # A list without rows is a page as well.
    return 1 + sum(max(1, -(-count // PAGE)) for count in rows)


def lessons_in(school: School, window: Scope, status: Status) -> int:
    """How many lessons of a status a window holds."""
    count = 0
    for lesson in school.tables.visible_lessons():
        if window.since <= lesson.date <= window.until and lesson.status == status.value:
            count += 1
    return count


if __name__ == "__main__":
    main()
