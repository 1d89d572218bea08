"""Actions that a person takes on the pretend school: checked, carried out, and written down for a replay."""

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, get_type_hints

from coinsync.simulator.arguments import as_type


class Handled(Protocol):
    """What actions are taken on: it remembers them, and knows when a person's hand is at work."""

    actions: list[dict[str, Any]]

    def hand(self) -> AbstractContextManager[None]:
        """While a person writes."""


P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=Handled)

_METHODS: dict[str, Callable[..., Any]] = {}


def action(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """Make the method an action: its arguments may come from a form, its use is kept in `school.actions`."""
    name = method.__name__

    @functools.wraps(method)
    def carry_out(school: S, /, *given: P.args, **named: P.kwargs) -> R:
        arguments = _checked(name, method, given, named)
        with school.hand():
            result = method(school, **arguments)  # type: ignore[call-arg]
        school.actions.append(
            {"action": name, **{key: _plain(value) for key, value in arguments.items()}}
        )
        return result

    _METHODS[name] = carry_out
    return carry_out


def named(name: str) -> Callable[..., Any]:
    """The action of that name; ValueError if there is none."""
    if name not in _METHODS:
        raise ValueError(f"there is no action {name!r}")
    return _METHODS[name]


def described() -> dict[str, dict[str, str]]:
    """Every action with its arguments and what they must be, for a person who asks."""
    return {name: _arguments_of(method) for name, method in _METHODS.items()}


def _arguments_of(method: Callable[..., Any]) -> dict[str, str]:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return {
        one.name: inspect.formatannotation(one.annotation)
        + ("" if one.default is one.empty else f", {_plain(one.default)!r} unless given")
        for one in parameters
    }


def _checked(
    name: str, method: Callable[..., Any], given: tuple[object, ...], named: dict[str, Any]
) -> dict[str, Any]:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    signature = inspect.Signature(parameters)
    try:
        bound = signature.bind(*given, **named)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None
    bound.apply_defaults()
    hints = get_type_hints(method)
    return {
        key: as_type(f"{name}: {key}", value, hints[key]) for key, value in bound.arguments.items()
    }


def _plain(value: object) -> object:
    """The value as JSON keeps it."""
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
