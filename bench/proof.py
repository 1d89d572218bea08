"""Reconcile against one reading of the same rows with a SHA-256 of each, by the raw driver."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

from bench.environment import environment
from bench.pairs import ratio
from coinsync import config
from coinsync import reconcile as proof
from coinsync.config import Settings
from coinsync.core.facts import Attendance, GroupStanding, Lesson, LessonRecord, Mark, Status
from coinsync.core.plan import Evidence, Limits, Scope
from coinsync.core.planning.compare import Recorded, WindowReading, compare
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.rules import Rule, Rulebook
from coinsync.store import database, writer
from coinsync.store.reader import Reader

MONTHS, LESSONS, PUPILS, RESIDENTS = 5, 2_000, 10, 500
NOW = datetime(2026, 11, 30, tzinfo=UTC)
RULES = Rulebook((Rule("lesson", 10, frozenset({2}), date(2026, 1, 1)),))
TABLES = ("entry", "attendance", "lesson", "resident", "run")


def settings() -> Settings:
    """The example's settings, with a rule for the lessons here."""
    example = config.load(Path(__file__).resolve().parent.parent / "config.toml.example")
    return replace(example, rules=RULES.rules, alfacrm=replace(example.alfacrm, account="bench"))


def fill(url: str) -> None:
    """Five months of lessons, everybody there, each month a plan."""
    database.create(url)
    opened = database.open_writable(url)
    around = environment(NOW, tokens().__next__)
    order = writer.Order("bench", "bench", NOW, Limits(coins_per_run_max=10**8))
    for month in range(1, MONTHS + 1):
        scope = Scope(1, date(2026, month, 1), date(2026, month, 28))
        known = Reader(opened).resident_ids()
        seen = tuple(record(scope, month * LESSONS + id) for id in range(LESSONS))
        found = compare(
            WindowReading(seen, lessons_read=len(seen)),
            Recorded(residents=known),
            RULES,
            "bench",
            None,
        )
        plan = plan_lessons(scope, found, balances={}, evidence=Evidence(lessons_read=len(seen)))
        writer.apply(opened, plan, order, around)
    opened.close()


def tokens() -> Iterator[str]:
    """Texts that are all different."""
    return (f"{n:032x}" for n in count())


def record(scope: Scope, id: int) -> LessonRecord:
    """One lesson of ten pupils."""
    day = scope.since + timedelta(id % 28)
    lesson = Lesson(id, 1, day, "17:00", 2, Status.CONDUCTED, (5,), scheduled=True)
    who = (1 + (id * 7 + at) % RESIDENTS for at in range(PUPILS))
    return LessonRecord(
        lesson, tuple(Attendance(id, one, Mark.ATTENDED, GroupStanding.MEMBER) for one in who)
    )


def reconcile(url: str, checks: Sequence[str]) -> Callable[[], None]:
    """Make the checks; nothing may be found."""
    ours = settings()

    def work() -> None:
        opened = database.open_readable(url)
        with database.reading(opened):
            found = proof.prove(Reader(opened), ours, NOW, wanted=checks)
        assert not found.findings, found.findings  # noqa: S101
        assert found.entries == MONTHS * LESSONS * PUPILS  # noqa: S101

    return work


def hashed(url: str, tables: Sequence[str]) -> Callable[[], None]:
    """Read all rows once and hash each."""
    raw = sqlite3.connect(database.path_of(url))

    def work() -> None:
        for table in tables:
            for row in raw.execute(f"SELECT * FROM {table}"):
                hashlib.sha256(repr(row).encode()).digest()

    return work


def main() -> None:
    """Print the lines."""
    entries = MONTHS * LESSONS * PUPILS
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        fill(url)
        ledger = reconcile(url, proof.OF_A_DAY)
        ratio(
            f"reconcile the ledger of {entries} : SELECT + SHA-256",
            3.0,
            ledger,
            hashed(url, TABLES[:1]),
        )
        whole = reconcile(url, proof.STORED)
        ratio(
            f"reconcile everything, {entries} entries : all rows + SHA-256",
            3.0,
            whole,
            hashed(url, TABLES),
        )


if __name__ == "__main__":
    main()
