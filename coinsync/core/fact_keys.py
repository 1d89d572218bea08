"""What identifies each fact among those of its kind, and in which order facts are written.

This is the only place that says so: the order of a plan's changes, the check whether a fact has
changed since the plan was made, and the key columns of the tables all follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coinsync.core.catalog import Event, Item, RefundLine, Sale, SaleLine
from coinsync.core.facts import (
    Attendance,
    Branch,
    Decision,
    Group,
    Hold,
    Lesson,
    LessonType,
    Link,
    Membership,
    Merge,
    Note,
    Resident,
    VkPage,
)

#: Fields of the key by kind of fact. A kind stands after those to which it refers, so that in this
#: order nothing is written before what it refers to.
KEY_FIELDS: Mapping[type[Any], tuple[str, ...]] = {
    Branch: ("id",),
    LessonType: ("id",),
    Group: ("id",),
    Resident: ("id",),
    Merge: ("resident",),
    Membership: ("resident", "group", "since"),
    Link: ("vk", "resident"),
    VkPage: ("resident",),
    Lesson: ("id",),
    Attendance: ("lesson", "resident"),
    Hold: ("key",),
    Decision: ("key",),
    Note: ("n",),
    Item: ("code",),
    Event: ("code",),
    Sale: ("id",),
    SaleLine: ("sale", "line"),
    RefundLine: ("sale", "line"),
}

#: The place of each kind of fact in that order, from 0.
RANK: Mapping[type[Any], int] = {kind: rank for rank, kind in enumerate(KEY_FIELDS)}

#: Facts that exactly one plan writes. One that is recorded already is another plan's doing, even
#: when it is equal.
WRITTEN_ONCE: frozenset[type[Any]] = frozenset({Sale, SaleLine, RefundLine})


def identity(fact: Any) -> tuple[Any, ...]:
    """The values that name a fact among its kind."""
    return tuple(getattr(fact, name) for name in KEY_FIELDS[type(fact)])
