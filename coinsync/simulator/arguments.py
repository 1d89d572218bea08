"""Values as JSON brings them: what a function or a class takes, or one line that says why not."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from inspect import signature
from typing import Any, Literal, get_args, get_origin, get_type_hints

Records = Mapping[type, Mapping[int, Any]]

_DESCRIPTIONS: dict[Any, str] = {
    int: "a whole number",
    float: "a number from 0 up",
    bool: "true or false",
    str: "a text that is not empty",
    date: "a date like 2026-11-21",
}


def as_arguments(
    target: Callable[..., Any], given: Mapping[str, Any], records: Records | None = None
) -> dict[str, Any]:
    """The values as the types that ``target`` wants; a record is meant by its number."""
    what, wanted = target.__name__.lower(), get_type_hints(target)
    try:
        signature(target).bind(**given)
    except TypeError as error:
        raise ValueError(f"{what}: {error}") from None
    typed = {}
    for name, value in given.items():
        typed[name] = _as_type(f"{what}: {name}", value, wanted[name], records)
    return typed


def _as_type(name: str, value: Any, wanted: Any, records: Records | None) -> Any:
    origin, parts = get_origin(wanted), get_args(wanted)
    # Optional values are written `X | None`, the type first.
    if type(None) in parts:
        return None if value is None else _as_type(name, value, parts[0], records)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{name} must be a list, not {value!r}")
        return tuple(_as_type(name, item, parts[0], records) for item in value)
    if origin is Literal:
        if value not in parts or isinstance(value, bool):
            choices = ", ".join(str(part) for part in parts)
            raise ValueError(f"{name} must be one of {choices}, not {value!r}")
        return value
    if records and wanted in records:
        number = _as_type(name, value, int, None)
        if number not in records[wanted]:
            raise ValueError(f"{name} {number} does not exist")
        return records[wanted][number]
    if wanted is date and isinstance(value, str):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if not _is_plain(value, wanted):
        raise ValueError(f"{name} must be {_DESCRIPTIONS[wanted]}, not {value!r}")
    return value


def _is_plain(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) and wanted not in (bool, object):
        # Python counts true and false among the whole numbers.
        return False
    if wanted is float:
        return isinstance(value, int | float) and 0 <= value < float("inf")
    return isinstance(value, wanted) and (wanted is not str or bool(value.strip()))
