"""One text for equal contents, so that a digest can name them."""

import dataclasses
import json
from collections.abc import Callable
from datetime import date
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any

_LISTS = frozenset({tuple, list})
#: Kinds that JSON holds as they are. They are most of what a plan is made of.
_PLAIN = frozenset({int, str, bool, type(None)})


def canonical_text(value: Any) -> str:
    """A value as JSON; other values give other texts."""
    return json.dumps(canonical(value), ensure_ascii=False, separators=(",", ":"))


def canonical(value: Any) -> Any:
    """What JSON holds of a value; a dataclass begins with its name."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if kind in _LISTS:
        return list(map(canonical, value))
    simple = _simple_form(kind)
    if simple is not None:
        return simple(value)
    form = [kind.__name__]
    for item in _fields_of(kind)(value):
        # A call spared here is spared a quarter of a million times in a school's first plan.
        form.append(item if type(item) in _PLAIN else canonical(item))
    return form


# A first plan holds tens of thousands of values of a few kinds: how a kind is written is looked up
# once.
@cache
def _simple_form(kind: Any) -> Callable[[Any], Any] | None:
    if kind is date:
        return date.isoformat
    if issubclass(kind, Enum):
        return attrgetter("value")
    if dataclasses.is_dataclass(kind):
        return None
    return lambda value: value


@cache
def _fields_of(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    # Values that are equal have one text, so what is not compared is no part of it.
    names = [field.name for field in dataclasses.fields(kind) if field.compare]
    getter = attrgetter(*names)
    if len(names) > 1:
        return getter
    # With a single name attrgetter gives the bare value.
    return lambda value: (getter(value),)
