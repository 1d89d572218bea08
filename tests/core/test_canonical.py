"""The canonical form says everything about a value, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from coinsync.core.facts import Branch, Group, Membership
from coinsync.core.plan import Change, Drop, Put, canonical_text
from tests.support.makers import ADA, DAY, GROUP, a_lesson, thorough
from tests.support.plans import CHANGES


def canonical(value: object) -> Any:
    """What the text of a value holds."""
    return json.loads(canonical_text(value))


def test_a_value_is_written_with_its_kind_and_without_names_of_fields() -> None:
    """Dates are ISO text, enumerations their values, each object says what it is."""
    assert canonical(Put(Membership(ADA, GROUP, DAY))) == [
        "Put",
        ["Membership", ADA, GROUP, "2026-11-02", None],
        None,
    ]
    assert canonical(a_lesson())[6] == 3


def test_a_value_of_one_field_is_written_like_any_other() -> None:
    """A kind with a single field has a list of its own too."""
    assert canonical(Drop(Group(GROUP, "Python"))) == ["Drop", ["Group", GROUP, "Python"]]


def test_kinds_with_equal_fields_are_told_apart() -> None:
    """A group and a branch of one number and name are not the same."""
    assert canonical_text(Group(1, "Kazan")) != canonical_text(Branch(1, "Kazan"))


@pytest.mark.parametrize(
    ("value", "text"), [((), "[]"), ("Ада", '"Ада"'), ((1, None, True), "[1,null,true]")]
)
def test_the_text_is_json_without_blanks(value: object, text: str) -> None:
    """Letters stand as they are."""
    assert canonical_text(value) == text


@thorough(150)
@given(CHANGES, CHANGES)
def test_only_equal_changes_have_equal_texts(first: Change, second: Change) -> None:
    """Two changes share a text when they are equal, and only then."""
    assert (canonical_text(first) == canonical_text(second)) is (first == second)
