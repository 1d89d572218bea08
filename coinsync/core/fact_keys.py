"""What identifies each fact among those of its kind, and in which order facts are written."""

from collections.abc import Mapping
from typing import Any

from coinsync.core import facts
from coinsync.core.catalog import Event, Item, RefundLine, Sale, SaleLine

#: Fields of the key by kind of fact. In this order nothing is written before what it refers to.
KEY_FIELDS: Mapping[type[Any], tuple[str, ...]] = {
    facts.Branch: ("id",),
    facts.LessonType: ("id",),
    facts.Group: ("id",),
    facts.Resident: ("id",),
    facts.Merge: ("resident",),
    facts.Membership: ("resident", "group", "since"),
    facts.Link: ("vk", "resident"),
    facts.VkPage: ("resident",),
    facts.Lesson: ("id",),
    facts.Attendance: ("lesson", "resident"),
    facts.Hold: ("key",),
    facts.Decision: ("key",),
    facts.Doubt: ("id", "kind", "branch"),
    facts.Note: ("n",),
    Item: ("code",),
    Event: ("code",),
    Sale: ("id",),
    SaleLine: ("sale", "line"),
    RefundLine: ("sale", "line"),
}

#: The place of each kind of fact in that order, from 0.
RANK: Mapping[type[Any], int] = {kind: rank for rank, kind in enumerate(KEY_FIELDS)}

#: Facts that one plan writes: one that is recorded already is another's, even when it is equal.
WRITTEN_ONCE: frozenset[type[Any]] = frozenset({Sale, SaleLine, RefundLine})


def identity(fact: Any) -> tuple[Any, ...]:
    """The values that name a fact among its kind."""
    # A list and no generator, which takes half as long again: a plan asks for each of its facts.
    return tuple([getattr(fact, name) for name in KEY_FIELDS[type(fact)]])


def fact_name(fact: Any) -> str:
    """How a fact is named to a person, by its numbers: "membership 101/7/2026-09-01"."""
    return f"{type(fact).__name__.lower()} {'/'.join(map(str, identity(fact)))}"
