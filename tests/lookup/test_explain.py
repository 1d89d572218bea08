"""Why a lesson gave coins or none is answered from what is recorded, without reading a history."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from coinsync.config import Settings
from coinsync.core.facts import GroupStanding, Mark, Resident
from coinsync.core.ledger import lesson_key
from coinsync.core.plan import Post, Purpose, Put
from coinsync.errors import NotFound
from coinsync.lookup.explain import LESSONS_MAX, explain, explain_to_all
from coinsync.store import database
from coinsync.store.reader import Reader
from tests.support.goods import settings
from tests.support.makers import (
    ACCOUNT,
    ADA,
    DAY,
    GLEB,
    a_lesson,
    a_plan,
    a_resident,
    a_reversal,
    an_award,
    new_database,
    newcomers,
    present,
    put_in,
    reading,
)

CHILD = a_resident(ADA)


def absences(count: int) -> list[Put]:
    """Lessons that Ada missed, one a day."""
    changes: list[Put] = []
    for number in range(1, count + 1):
        changes.append(Put(a_lesson(number, on=DAY - timedelta(days=number))))
        changes.append(Put(present(mark=Mark.ABSENT, lesson=number)))
    return changes


def statements_of(url: str, settings: Settings, resident: Resident) -> list[str]:
    """What the database is asked for an explanation of the last lessons."""
    opened = database.open_readable(url)
    statements: list[str] = []
    with database.reading(opened):
        opened.connection().set_trace_callback(statements.append)
        explain(Reader(opened), settings, resident, lesson=None, day=None)
        opened.connection().set_trace_callback(None)
    return statements


def test_ten_lessons_cost_as_many_questions_as_one(tmp_path: Path) -> None:
    """Also those that earned nothing: no line of the history is read but those of their keys."""
    urls = []
    for count in (1, LESSONS_MAX):
        folder = tmp_path / str(count)
        folder.mkdir()
        url = new_database(folder)
        put_in(url, newcomers(), a_plan(*absences(count)))
        urls.append(url)
    one, ten = (statements_of(url, settings(), CHILD) for url in urls)
    assert len(one) == len(ten) > 0
    about_entries = [text for text in ten if "FROM entry" in text]
    assert len(about_entries) == 1
    assert "op_key IN" in about_entries[0]


def test_the_last_ten_are_explained_the_newest_first(tmp_path: Path) -> None:
    """Or the one, or those of the day, that are asked for; what is not recorded is said."""
    url = new_database(tmp_path)
    put_in(url, newcomers(), a_plan(*absences(LESSONS_MAX + 2)))
    with reading(url) as reader:
        last = explain(reader, settings(), CHILD, lesson=None, day=None)
        assert [one.lesson.id for one in last] == list(range(1, LESSONS_MAX + 1))
        [oldest] = explain(reader, settings(), CHILD, lesson=LESSONS_MAX + 2, day=None)
        assert (oldest.lesson.id, oldest.posted, oldest.lines) == (LESSONS_MAX + 2, 0, ())
        [third] = explain(reader, settings(), CHILD, lesson=None, day=DAY - timedelta(days=3))
        assert third.lesson.id == 3
        with pytest.raises(NotFound, match=r"a lesson on 2026-01-01 is not recorded"):
            explain(reader, settings(), CHILD, lesson=None, day=date(2026, 1, 1))
        with pytest.raises(NotFound, match=r"lesson 99 is not recorded"):
            explain(reader, settings(), CHILD, lesson=99, day=None)


def test_a_lesson_that_was_moved_shows_all_its_entries(tmp_path: Path) -> None:
    """Those of the day on which it stood before too, in the order in which they were posted."""
    url = new_database(tmp_path)
    moved = a_lesson(1, on=DAY)
    award = an_award(on=DAY - timedelta(days=7))
    put_in(url, newcomers(), a_plan(Put(moved), Put(present()), Post(award)))
    put_in(url, a_plan(Post(a_reversal(award, 1))))
    again = an_award(seq=3, on=DAY)
    put_in(url, a_plan(Post(again)))
    with reading(url) as reader:
        [explanation] = explain(reader, settings(), CHILD, lesson=1, day=None)
    assert [line.posted.entry.key for line in explanation.lines] == [
        lesson_key(ACCOUNT, 1, ADA)
    ] * 3
    assert [line.posted.entry.coins for line in explanation.lines] == [10, -10, 10]
    assert explanation.posted == 10


def test_a_lesson_is_explained_to_everybody_whom_it_lists(tmp_path: Path) -> None:
    """By name, each with the question at which the rules stopped."""
    url = new_database(tmp_path)
    people = [Put(a_resident(ADA, "Яна К.")), Put(a_resident(GLEB, "Ада М."))]
    put_in(url, a_plan(*people, purpose=Purpose.PEOPLE))
    visits = [Put(present(ADA, Mark.ABSENT)), Put(present(GLEB, standing=GroupStanding.GUEST))]
    put_in(url, a_plan(Put(a_lesson(1)), *visits))
    with reading(url) as reader:
        explanations = explain_to_all(reader, settings(), 1)
    assert [one.resident.name for one in explanations] == ["Ада М.", "Яна К."]
    guest, absent = ([step.passed for step in one.steps] for one in explanations)
    assert guest == [True, True, True, True, True, False]
    assert absent == [True, False, None, None, None, None]
