"""Reconcile against one reading of the same rows with a SHA-256 of each, by the bare driver."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bench.environment import environment, numbered
from bench.lessons import ACCOUNT, RULES, first_plan, lesson_record, order
from bench.pairs import ratio
from coinsync import config, reconcile
from coinsync.config import Settings
from coinsync.core.facts import LessonRecord
from coinsync.core.plan import Scope
from coinsync.store import database, writer
from coinsync.store.engines.sqlite import path_of
from coinsync.store.reader import Reader

MONTHS, LESSONS, PUPILS, RESIDENTS = 5, 2_000, 10, 500
ENTRIES = MONTHS * LESSONS * PUPILS
NOW = datetime(2026, 11, 30, tzinfo=UTC)
TABLES = ("entry", "attendance", "lesson", "resident", "run")


def settings() -> Settings:
    """The example's settings, with a rule for the lessons here."""
    example = config.load(Path(__file__).resolve().parent.parent / "config.toml.example")
    return replace(example, rules=RULES.rules, alfacrm=replace(example.alfacrm, account=ACCOUNT))


def fill(url: str) -> None:
    """Five months of lessons, everybody there, each month a plan."""
    database.create(url)
    opened = database.open_writable(url)
    here = environment(NOW, numbered().__next__)
    for month in range(1, MONTHS + 1):
        scope = Scope(1, date(2026, month, 1), date(2026, month, 28))
        records = [a_record(scope, month * LESSONS + number) for number in range(LESSONS)]
        plan = first_plan(scope, records, Reader(opened).resident_ids())
        writer.apply(opened, plan, order(NOW), here)
    opened.close()


def a_record(scope: Scope, id: int) -> LessonRecord:
    """One lesson of ten pupils."""
    pupils = [1 + (id * 7 + number) % RESIDENTS for number in range(PUPILS)]
    return lesson_record(id, scope.since + timedelta(id % 28), pupils)


def proving(url: str, checks: Sequence[str]) -> Callable[[], None]:
    """Make the checks; nothing may be found."""
    school = settings()

    def work() -> None:
        opened = database.open_readable(url)
        with database.reading(opened):
            proof = reconcile.prove(Reader(opened), school, NOW, wanted=checks)
        if proof.findings or proof.entries != ENTRIES:
            raise SystemExit(f"the ledger is not proved: {proof.findings}")

    return work


def hashing(url: str, tables: Sequence[str]) -> Callable[[], None]:
    """Read all rows once and hash each."""
    raw = sqlite3.connect(path_of(url))

    def work() -> None:
        for table in tables:
            for row in raw.execute(f"SELECT * FROM {table}"):
                hashlib.sha256(repr(row).encode()).digest()

    return work


def main() -> None:
    """Print the lines."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        fill(url)
        name = f"14 reconcile the ledger of {ENTRIES} : SELECT + SHA-256"
        ratio(name, 2.5, proving(url, reconcile.OF_A_DAY), hashing(url, TABLES[:1]))
        name = f"14 reconcile everything, {ENTRIES} entries : all rows + SHA-256"
        ratio(name, 2.5, proving(url, reconcile.STORED), hashing(url, TABLES))


if __name__ == "__main__":
    main()
