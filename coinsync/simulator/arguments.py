"""Arguments from a form or from JSON: turned into what the parameter asks for, or refused in one line."""

from collections.abc import Callable
from datetime import date
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

_NOTHING = (None, "", "null", "none", "None")
_YES = ("1", "true", "yes", "on")
_NO = ("0", "false", "no", "off")


def as_type(name: str, value: object, wanted: Any) -> Any:
    """The value as the wanted type; ValueError with one readable line otherwise."""
    origin = get_origin(wanted)
    if origin in (Union, UnionType):
        return _as_optional(name, value, get_args(wanted))
    if origin is Literal:
        return _as_choice(name, value, get_args(wanted))
    if origin is tuple:
        return _as_tuple(name, value, get_args(wanted)[0])
    return _PLAIN[wanted](name, value)


def _as_optional(name: str, value: object, wanted: tuple[Any, ...]) -> Any:
    if NoneType in wanted and value in _NOTHING:
        return None
    return as_type(name, value, next(one for one in wanted if one is not NoneType))


def _as_choice(name: str, value: object, choices: tuple[Any, ...]) -> Any:
    value = int(value) if isinstance(value, bool) else value
    for choice in choices:
        if str(choice) == str(value):
            return choice
    allowed = ", ".join(str(choice) for choice in choices)
    raise ValueError(f"{name} must be one of {allowed}, not {value!r}")


def _as_tuple(name: str, value: object, wanted: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    elif value is None or isinstance(value, int):
        value = [] if value is None else [value]
    if not isinstance(value, list | tuple):
        raise ValueError(f"{name} must be a list, not {value!r}")
    return tuple(as_type(name, one, wanted) for one in value)


def _as_int(name: str, value: object) -> int:
    if isinstance(value, int):
        return int(value)
    if (
        isinstance(value, str)
        and value.isascii()
        and value.removeprefix("-").isdigit()
        and len(value) < 19
    ):
        return int(value)
    raise ValueError(f"{name} must be a whole number, not {value!r}")


def _as_float(name: str, value: object) -> float:
    if isinstance(value, str | int | float):
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if 0 <= number < float("inf"):
            return number
    raise ValueError(f"{name} must be a number from 0 up, not {value!r}")


def _as_bool(name: str, value: object) -> bool:
    text = str(value).lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise ValueError(f"{name} must be true or false, not {value!r}")


def _as_text(name: str, value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError(f"{name} must be a text that is not empty, not {value!r}")


def _as_date(name: str, value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{name} must be a date like 2026-11-21, not {value!r}") from None


def _as_it_is(name: str, value: object) -> object:
    return value


_PLAIN: dict[Any, Callable[[str, object], Any]] = {
    int: _as_int,
    float: _as_float,
    bool: _as_bool,
    str: _as_text,
    date: _as_date,
    object: _as_it_is,
}
