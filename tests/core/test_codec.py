"""Values survive the way to JSON and back unchanged, and what is damaged does not come back at all."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core import codec
from coinsync.core.facts import Lesson, Membership, Status
from coinsync.core.plan import Change, Fact, Plan, Post, Put
from tests.support.makers import ADA, DAY, GROUP, a_lesson, a_plan, a_resident, an_award, thorough
from tests.support.plans import CHANGES, PLANS


@thorough(150)
@given(PLANS)
def test_any_plan_survives_the_round_trip(plan: Plan) -> None:
    """Through JSON text and back a plan is equal in every part and has the same digest."""
    text = json.dumps(codec.encode(plan), ensure_ascii=False)
    back = codec.decode(json.loads(text), Plan)
    assert back == plan
    assert back.digest == plan.digest


@thorough(100)
@given(st.lists(CHANGES, max_size=3))
def test_the_kinds_of_changes_are_told_apart(changes: list[Change]) -> None:
    """A change comes back as a change of the same kind."""
    back = [codec.decode(codec.encode(change), Change) for change in changes]
    assert [type(one) for one in back] == [type(one) for one in changes]
    assert back == changes


def test_a_value_is_readable_in_json() -> None:
    """Dates are ISO text, enumerations their values, each object says what it is."""
    assert codec.encode(Put(Membership(ADA, GROUP, DAY))) == {
        "is": "Put",
        "new": {
            "is": "Membership",
            "resident": ADA,
            "group": GROUP,
            "since": "2026-11-02",
            "until": None,
        },
        "old": None,
    }
    assert codec.encode(a_lesson())["status"] == 3


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ("1", int),
        (1.0, int),
        (True, int),
        (None, int),
        (1, str),
        (1, bool),
        ("soon", date),
        (20261102, date),
        (None, date),
        (9, Status),
        (True, Status),
        (3.0, Status),
        ([], Status),
        ("3", Status),
        ({}, Lesson),
        ([], Lesson),
        ({"is": "Membership"}, Lesson),
        ({"is": "Lesson"}, Lesson),
        ("x", tuple[int, ...]),
        (["x"], tuple[int, ...]),
        ({"is": "Rule"}, Fact),
        ({"is": ["Lesson"]}, Fact),
        ({}, Fact),
        (None, Fact),
        ({"is": "int"}, int | None),
        (1.5, int | None),
    ],
)
def test_a_value_of_another_kind_is_refused(data: Any, wanted: Any) -> None:
    """Nothing is converted on the way: what does not fit exactly is an error."""
    with pytest.raises((ValueError, TypeError)):
        codec.decode(data, wanted)


PLAN = codec.encode(a_plan(Put(a_resident()), Put(a_lesson()), Post(an_award())))


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [found for key, one in inner for found in ((*path, key), *_places(one, (*path, key)))]


def _damaged(path: tuple[Any, ...], value: Any) -> Any:
    plan = copy.deepcopy(PLAN)
    inner = plan
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return plan


@pytest.mark.parametrize("path", _places(PLAN), ids=lambda path: ".".join(map(str, path)))
def test_a_damaged_plan_is_refused_wherever_the_damage_is(path: tuple[Any, ...]) -> None:
    """In the place of any part something that cannot be there makes the whole unreadable."""
    with pytest.raises((ValueError, TypeError)):
        codec.decode(_damaged(path, 0.5), Plan)


@pytest.mark.parametrize(
    "path", [path for path in _places(PLAN) if isinstance(path[-1], str)], ids=str
)
def test_a_plan_with_a_part_missing_or_renamed_is_refused(path: tuple[Any, ...]) -> None:
    """Every field must be there under its own name, and none besides."""
    plan = copy.deepcopy(PLAN)
    inner = plan
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1] + "_x"] = inner.pop(path[-1])
    with pytest.raises((ValueError, TypeError)):
        codec.decode(plan, Plan)


def test_an_entry_that_must_never_be_posted_does_not_come_back() -> None:
    """The rules that hold at an entry's birth hold for one from a file."""
    data = codec.encode(an_award())
    for name, value in (("coins", 0), ("seq", 0), ("key", "Desk 1")):
        with pytest.raises(ValueError, match=r"coins|numbered|key"):
            codec.decode({**data, name: value}, type(an_award()))


@thorough(150)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["is", "purpose", "x"]), inner | st.just("Plan"), max_size=3
            )
        ),
        max_leaves=8,
    )
)
def test_junk_is_refused_with_an_ordinary_error(data: Any) -> None:
    """Whatever JSON may hold, reading it as a plan raises ValueError or TypeError and nothing else."""
    with pytest.raises((ValueError, TypeError)):
        codec.decode(data, Plan)
