"""Reconcile against one reading of the same rows with a SHA-256 of each, by the bare driver."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench import pairs
from bench.environment import environment, numbered
from bench.lessons import ACCOUNT, RULES, first_plan, lesson_record, order
from bench.memory import TELL_PEAK
from bench.places import Place, places
from coinsync import config, reconcile
from coinsync.config import Settings
from coinsync.core.facts import LessonRecord
from coinsync.core.plan import Scope
from coinsync.store import database, writer
from coinsync.store.reader import Reader

MONTHS, PUPILS, RESIDENTS = 20, 10, 500
#: Lessons of a month in the smaller and in the larger ledger: 100,000 entries and a million.
SMALL, LARGE = 500, 5_000
NOW = datetime(2027, 12, 30, tzinfo=UTC)
TABLES = ("entry", "attendance", "lesson", "resident", "run")
#: The larger ledger takes a minute for each side of a pair.
ROUNDS_OF_LARGE = 3
RATIO_MAX, MIB_MAX, EXPONENT_MAX = 2.5, 200, 1.05
PROGRAM = f"""{TELL_PEAK}
from bench.proof import proving, reconcile
proving({{!r}}, {{}}, reconcile.STORED)()
"""


def settings() -> Settings:
    """The example's settings, with a rule for the lessons here."""
    example = config.load(Path(__file__).resolve().parent.parent / "config.toml.example")
    return replace(example, rules=RULES.rules, alfacrm=replace(example.alfacrm, account=ACCOUNT))


def entries_of(lessons: int) -> int:
    """How many entries a ledger has whose months have so many lessons."""
    return MONTHS * lessons * PUPILS


def fill(url: str, lessons: int) -> None:
    """Months of lessons, everybody there, each month a plan."""
    opened = database.open_writable(url)
    here = environment(NOW, numbered().__next__)
    for month in range(MONTHS):
        first = date(2026 + month // 12, 1 + month % 12, 1)
        scope = Scope(1, first, first.replace(day=28))
        records = [a_record(scope, 1 + month * lessons + number) for number in range(lessons)]
        plan = first_plan(scope, records, Reader(opened).resident_ids())
        writer.apply(opened, plan, order(NOW), here)
    opened.close()


def a_record(scope: Scope, id: int) -> LessonRecord:
    """One lesson of ten pupils."""
    pupils = [1 + (id * 7 + number) % RESIDENTS for number in range(PUPILS)]
    return lesson_record(id, scope.since + timedelta(id % 28), pupils, group=1 + id)


def proving(url: str, lessons: int, checks: Sequence[str]) -> Callable[[], None]:
    """Make the checks; nothing may be found."""
    school = settings()

    def work() -> None:
        opened = database.open_readable(url)
        with database.reading(opened):
            proof = reconcile.prove(Reader(opened), school, NOW, wanted=checks)
        if proof.findings or proof.entries != entries_of(lessons):
            raise SystemExit(f"the ledger is not proved: {proof.findings}")

    return work


def hashing(place: Place, url: str, tables: Sequence[str]) -> Callable[[], None]:
    """Read all rows once, one after the other, and hash each."""

    def work() -> None:
        for table in tables:
            for row in place.rows(url, f"SELECT * FROM {table}"):
                hashlib.sha256(repr(row).encode()).digest()

    return work


def peak_mib(url: str, lessons: int) -> float:
    """The peak memory of all checks in a process of their own."""
    program = [sys.executable, "-c", PROGRAM.format(url, lessons)]
    ended = subprocess.run(program, check=True, capture_output=True, text=True)
    return int(ended.stdout) / 1024


def measure(place: Place) -> None:
    """Print the lines of one engine."""
    seconds: list[float] = []
    for lessons, rounds in ((SMALL, pairs.ROUNDS), (LARGE, ROUNDS_OF_LARGE)):
        url = place.new()
        fill(url, lessons)
        entries = entries_of(lessons)
        name = f"14 {place.prefix}reconcile {{}}, {entries} entries : all rows + SHA-256"
        ledger_alone = proving(url, lessons, reconcile.OF_A_DAY), hashing(place, url, TABLES[:1])
        everything = proving(url, lessons, reconcile.STORED), hashing(place, url, TABLES)
        if lessons == SMALL:
            pairs.ratio(name.format("the ledger"), RATIO_MAX, *ledger_alone, rounds=rounds)
        seconds.append(pairs.ratio(name.format("all"), RATIO_MAX, *everything, rounds=rounds))
        name = f"14 {place.prefix}peak memory of it, {entries} entries"
        pairs.limit(name, peak_mib(url, lessons), "MiB", MIB_MAX)
    exponent = math.log(seconds[1] / seconds[0]) / math.log(LARGE / SMALL)
    name = f"14 {place.prefix}growth exponent of its time"
    pairs.line(name, "", exponent, f"{EXPONENT_MAX}", met=exponent <= EXPONENT_MAX)


def main() -> None:
    """Print the lines of each engine."""
    with tempfile.TemporaryDirectory() as folder, places(Path(folder)) as engines:
        for place in engines:
            measure(place)


if __name__ == "__main__":
    main()
