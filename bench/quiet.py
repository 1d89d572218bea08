"""A night with nothing new on its whole path, against parsing the pages and looking keys up."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench.environment import environment, numbered
from bench.lessons import order
from bench.night import BRANCH, DAYS, PAGE, TODAY, simulator
from bench.pairs import ratio
from bench.places import Place, places
from bench.visitors import free_port
from coinsync import config
from coinsync.config import Settings
from coinsync.core.ledger import lesson_key
from coinsync.exchange.alfacrm import AlfaCrm
from coinsync.exchange.http import Http
from coinsync.exchange.wire import Bounds, parsed
from coinsync.simulator import School
from coinsync.store import database, writer
from coinsync.store.reader import Reader
from coinsync.sync import Outcome, Sync
from tests.support.school import KEY, RULE

NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)
#: Keys in one statement, as the reader asks for them.
BATCH = 500
GOAL = 3.0


class RecordedHttp(Http):
    """Asks the CRM once for each page; later answers are parsed anew from the same bytes."""

    def __init__(self, url: str) -> None:
        bounds = Bounds(per_second=1000)
        clock, sleep = (lambda: 0.0), (lambda _seconds: None)
        super().__init__(url, "api@school.example", KEY, clock=clock, sleep=sleep, bounds=bounds)
        self.pages: dict[str, bytes] = {}

    def call(
        self, path: str, body: Mapping[str, Any], query: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The page as the strict parser reads it."""
        question = json.dumps([path, body, query])
        if question not in self.pages:
            self.pages[question] = json.dumps(super().call(path, body, query)).encode()
        return parsed(self.pages[question])


def settings(folder: Path) -> Settings:
    """A school of one branch whose group lessons give coins."""
    values = {
        "alfacrm.account": "bench",
        "sync.days_back": DAYS - 1,
        "guards.clock_hours_max": 100_000,
        "branch": [BRANCH],
        "rule": [RULE],
    }
    path = folder / "config.toml"
    path.write_text(config.example(values), encoding="utf-8")
    return config.load(path)


def night(url: str, http: RecordedHttp, school: Settings, *, is_first: bool) -> None:
    """One sync; a later one must find nothing to change."""
    opened = database.open_writable(url)
    here = environment(NOW, numbered().__next__)

    def take(outcome: Outcome) -> bool:
        if outcome.error is not None or outcome.plan is None:
            raise SystemExit(f"the night failed: {outcome.error}")
        if is_first:
            writer.apply(opened, replace(outcome.plan), order(NOW), here)
        elif outcome.plan:
            raise SystemExit("a night with nothing new has a plan")
        return True

    exchange = AlfaCrm(http, school.residents, page_size=PAGE)
    Sync(exchange, Reader(opened), school, NOW).plan_each(school.branches, take)
    opened.close()


def floor(place: Place, url: str, pages: Mapping[str, bytes]) -> Callable[[], None]:
    """Parse all pages, and look up the keys of all attendances."""
    cursor = place.connect(url).cursor()

    def work() -> None:
        keys: list[str] = []
        for page in pages.values():
            for row in json.loads(page)["items"]:
                for detail in row.get("details") or ():
                    keys.append(lesson_key("bench", row["id"], detail["customer_id"]))
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            marks = place.marks(len(batch))
            sql = f"SELECT op_key, seq, coins FROM entry WHERE op_key IN ({marks})"
            cursor.execute(sql, batch)
            cursor.fetchall()

    return work


def main() -> None:
    """Print the line of each engine."""
    school = School(seed=1, residents=2_000, days=DAYS, today=TODAY, branches=1)
    with tempfile.TemporaryDirectory() as name, places(Path(name)) as engines:
        configured, port = settings(Path(name)), free_port()
        http = RecordedHttp(f"http://127.0.0.1:{port}")
        with simulator(school, port, 0, per_second=None):
            http.log_in()
            for place in engines:
                url = place.new()
                night(url, http, configured, is_first=True)
                ours = partial(night, url, http, configured, is_first=False)
                line = f"4 {place.prefix}a night with nothing new : JSON and keys by IN"
                ratio(line, GOAL, ours, floor(place, url, http.pages))


if __name__ == "__main__":
    main()
