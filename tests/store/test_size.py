"""A big school: one resident's questions read that resident's entries, not the whole ledger."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta

import pytest

from coinsync.core.ledger import Entry, Kind
from coinsync.core.plan import Post
from coinsync.store.reader import Reader
from tests.support.makers import a_plan, new_database, newcomers, put_in, reading

RESIDENTS, EACH = 1_000, 100
FIRST = date(2026, 1, 1)
SOMEBODY = 500

QUESTIONS: dict[str, Callable[[Reader], object]] = {
    "balance": lambda reader: reader.balance(SOMEBODY),
    "balance as of a day": lambda reader: reader.balance(SOMEBODY, FIRST + timedelta(days=40)),
    "balances of two": lambda reader: reader.balances([SOMEBODY, SOMEBODY + 1]),
    "last lines": lambda reader: reader.lines(SOMEBODY),
    "all lines of a month": lambda reader: reader.lines(
        SOMEBODY, since=FIRST, until=FIRST + timedelta(days=30)
    ),
    "one entry": lambda reader: reader.line(77_777),
    "a key": lambda reader: reader.lines_under([f"desk:{SOMEBODY}-1"]),
    "the last minutes": lambda reader: reader.lines_posted_since(SOMEBODY, "2026-11-22T00:00:00Z"),
    "notes": lambda reader: reader.notes_of([SOMEBODY]),
}


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A thousand residents with a hundred entries each."""
    url = new_database(tmp_path_factory.mktemp("big"))
    put_in(url, newcomers(*range(1, RESIDENTS + 1)))
    for tenth in range(10):
        put_in(
            url,
            a_plan(
                *(
                    Post(entry)
                    for entry in _entries(range(tenth * EACH // 10, (tenth + 1) * EACH // 10))
                )
            ),
        )
    return url


def _entries(numbers: range) -> list[Entry]:
    return [
        Entry(
            f"desk:{resident}-{number}",
            1,
            resident,
            5,
            Kind.CREDIT,
            FIRST + timedelta(days=number),
            "by_hand",
            "clerk",
            note="win",
        )
        for number in numbers
        for resident in range(1, RESIDENTS + 1)
    ]


@pytest.mark.parametrize("question", QUESTIONS)
def test_one_residents_question_searches_by_an_index(question: str, big: str) -> None:
    """No statement behind the question scans the ledger or its notes: the engine's own plan says so."""
    asked: list[str] = []
    with reading(big) as reader:
        assert reader.head().n == RESIDENTS * EACH
        connection = reader._database.connection()
        connection.set_trace_callback(asked.append)
        assert QUESTIONS[question](reader) is not None
        connection.set_trace_callback(None)
    statements = [sql for sql in asked if "entry" in sql or "note" in sql]
    assert statements
    with closing(sqlite3.connect(big.removeprefix("sqlite:///"))) as connection:
        for sql in statements:
            steps = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
            assert steps
            assert not any(step.startswith("SCAN") for step in steps), steps
