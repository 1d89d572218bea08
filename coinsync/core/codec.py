"""Frozen dataclasses to plain JSON values and back, strictly: what comes back is equal to what went in."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import date
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any

TAG = "is"

_LISTS = frozenset({tuple, list})


def encode(value: Any) -> Any:
    """Turn a value into what JSON can hold; a dataclass becomes an object that names its class under ``is``."""
    kind: Any = type(value)
    if kind in _LISTS:
        return [encode(item) for item in value]
    leaf = _leaf(kind)
    if leaf is not None:
        return leaf(value)
    return {
        TAG: kind.__name__,
        **{name: encode(getattr(value, name)) for name in _field_names(kind)},
    }


def canonical(value: Any) -> Any:
    """The same content as ``encode`` without names of fields: lists that begin with the class, for digests."""
    kind: Any = type(value)
    if kind in _LISTS:
        return [canonical(item) for item in value]
    leaf = _leaf(kind)
    return (
        leaf(value)
        if leaf is not None
        else [kind.__name__, *map(canonical, _fields_of(kind)(value))]
    )


@cache
def _leaf(kind: Any) -> Callable[[Any], Any] | None:
    """How a value that has no parts is written; None for one that has."""
    if kind is date:
        return date.isoformat
    if issubclass(kind, Enum):
        return attrgetter("value")
    return None if dataclasses.is_dataclass(kind) else lambda value: value


def decode(data: Any, wanted: Any) -> Any:
    """Turn JSON values back into ``wanted``, a type as annotations write it; ValueError or TypeError otherwise."""
    origin = typing.get_origin(wanted)
    if origin in (types.UnionType, typing.Union):
        return _decode_union(data, typing.get_args(wanted))
    if origin is tuple:
        (item, _ellipsis) = typing.get_args(wanted)
        if not isinstance(data, list):
            raise TypeError(f"expected a list, got {data!r}")
        return tuple(decode(one, item) for one in data)
    if dataclasses.is_dataclass(wanted):
        return _decode_dataclass(data, typing.cast(type, wanted))
    if wanted is date:
        return date.fromisoformat(data)
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        member = wanted(data)
        if type(member.value) is not type(data):  # True is not the number 1.
            raise TypeError(f"expected {wanted.__name__}, got {data!r}")
        return member
    if type(data) is not wanted:
        raise TypeError(f"expected {wanted.__name__}, got {data!r}")
    return data


def _decode_union(data: Any, choices: tuple[Any, ...]) -> Any:
    if data is None and type(None) in choices:
        return None
    rest = [choice for choice in choices if choice is not type(None)]
    if isinstance(data, dict):
        rest = [choice for choice in rest if choice.__name__ == data.get(TAG)]
    if len(rest) != 1:
        raise TypeError(f"none of the expected kinds: {data!r}")
    return decode(data, rest[0])


def _decode_dataclass(data: Any, wanted: type) -> Any:
    if not isinstance(data, dict) or data.get(TAG) != wanted.__name__:
        raise TypeError(f"expected {wanted.__name__}, got {data!r}")
    hints = _hints(wanted)
    if set(data) - {TAG} != set(hints):
        raise TypeError(f"{wanted.__name__} has the fields {', '.join(hints)}")
    return wanted(**{name: decode(data[name], kind) for name, kind in hints.items()})


@cache
def _field_names(wanted: Any) -> tuple[str, ...]:
    return tuple(one.name for one in dataclasses.fields(wanted))


@cache
def _fields_of(wanted: Any) -> Callable[[Any], tuple[Any, ...]]:
    names = _field_names(wanted)
    getter = attrgetter(*names)
    return getter if len(names) > 1 else lambda value: (getter(value),)


@cache
def _hints(wanted: type) -> dict[str, Any]:
    hints = typing.get_type_hints(wanted)
    return {name: hints[name] for name in _field_names(wanted)}
