"""The exchange over plain values, which other tests use, keeps the contract of all exchanges."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from coinsync.core.facts import Branch, Group, LessonType
from tests.exchange.test_alfacrm import (
    line_in_books,
    memberships_in_books,
    records_in_books,
    residents_in_books,
)
from tests.exchange.test_contract import BRANCHES, SCHOOL, ExchangeContract
from tests.support.plain import PlainExchange


def plainly() -> PlainExchange:
    """The contract's school as plain values."""
    books = SCHOOL.tables
    lines = [one for one in books.regular_lessons.values() if one.related_class == "Group"]
    lesson_records = [
        records_in_books(SCHOOL, branch, date.min, date.max).values() for branch in BRANCHES
    ]
    return PlainExchange(
        tuple(Branch(one.id, one.name) for one in books.branches.values()),
        tuple(LessonType(one.id, one.name, one.base) for one in books.lesson_types.values()),
        {
            id: tuple(
                Group(one.id, one.name) for one in books.groups.values() if one.branch_id == id
            )
            for id in BRANCHES
        },
        {id: tuple(residents_in_books(SCHOOL, id).values()) for id in BRANCHES},
        {id: tuple(memberships_in_books(SCHOOL, id)) for id in BRANCHES},
        {id: tuple(line_in_books(one) for one in lines if one.branch_id == id) for id in BRANCHES},
        tuple(record for found in lesson_records for record in found),
    )


class TestPlain(ExchangeContract):
    """Plain values keep the contract."""

    @pytest.fixture
    def exchange(self) -> PlainExchange:
        """All is well."""
        return plainly()

    @pytest.fixture
    def broken(self) -> PlainExchange:
        """The list of lessons is torn."""
        return replace(plainly(), torn="lessons")

    @pytest.fixture
    def spoilt(self) -> PlainExchange:
        """The first lesson of the first branch cannot be understood."""
        return replace(plainly(), spoilt=frozenset({min(records_in_books(SCHOOL, BRANCHES[0]))}))
