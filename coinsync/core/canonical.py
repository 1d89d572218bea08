"""One text for equal contents, so that a digest can name them."""

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any


def canonical_text(value: Any) -> str:
    """A value as JSON, a dataclass beginning with its name; other values give other texts."""
    return json.dumps(value, default=_parts, ensure_ascii=False, separators=(",", ":"))


def _parts(value: Any) -> Any:
    # All else that plans hold JSON knows by itself, members of our enumerations too.
    if isinstance(value, date):
        return value.isoformat()
    kind: Any = type(value)
    return [kind.__name__, *_fields_of(kind)(value)]


@cache
def _fields_of(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    # Values that are equal have one text, so what is not compared is no part of it.
    names = [field.name for field in fields(kind) if field.compare]
    getter = attrgetter(*names)
    if len(names) > 1:
        return getter
    # With a single name attrgetter gives the bare value.
    return lambda value: (getter(value),)
