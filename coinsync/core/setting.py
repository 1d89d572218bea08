"""How a field is declared that the school may set; loading and the example file follow from that.

coins: int = setting(whole(1, 1_000_000), "Coins for one lesson.", 10)
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from inspect import cleandoc
from typing import Any

from coinsync.core.catalog import is_code

#: Makes a value of what stands in the file. Raises ``ValueError`` with what was expected.
Kind = Callable[[Any], Any]

#: Under this name the metadata of a field hold its ``Setting``.
SETTING = "setting"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a field may be, and what the example shows: a comment, and a sample or the default."""

    kind: Kind
    comment: str
    sample: Any


def setting(
    kind: Kind,
    comment: str = "",
    default: Any = dataclasses.MISSING,
    *,
    sample: Any = None,
    **options: Any,
) -> Any:
    """A field of a dataclass that the school may set; without a ``default`` it must."""
    metadata = {SETTING: Setting(kind, comment, sample)}
    return dataclasses.field(default=default, metadata=metadata, **options)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section: what it may hold, and its default, MISSING where it must be given."""

    name: str
    setting: Setting
    default: Any


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the file; one that has samples is repeated, as blocks."""

    values: type[Any]
    name: str
    comment: str
    samples: tuple[Mapping[str, Any], ...]
    optional: bool

    @property
    def repeated(self) -> bool:
        """Whether there may be any number of ``[[name]]``."""
        return bool(self.samples)

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that it may have, in the order of the example."""
        keys = []
        for entry in dataclasses.fields(self.values):
            factory = entry.default_factory
            default = entry.default if factory is dataclasses.MISSING else factory()
            keys.append(Key(entry.name, entry.metadata[SETTING], default))
        return tuple(keys)


def section(
    values: type[Any],
    name: str,
    comment: str = "",
    *samples: Mapping[str, Any],
    optional: bool = False,
) -> Any:
    """A field of ``Settings``; the comment is its own or the class's docstring."""
    comment = comment or cleandoc(values.__doc__ or "")
    return dataclasses.field(metadata={SETTING: Section(values, name, comment, samples, optional)})


# --- what a value may be ---


def expect(fits: bool, expected: str) -> None:
    """Raise ``ValueError`` with what was expected unless the value fits."""
    if not fits:
        raise ValueError(expected)


def text(value: Any) -> str:
    """A text that says something."""
    expect(isinstance(value, str) and bool(value.strip()), "text")
    return str(value)


def free_text(value: Any) -> str:
    """A text that may be empty."""
    expect(isinstance(value, str), "text")
    return str(value)


def yes_no(value: Any) -> bool:
    """A truth value, not a number that stands for one."""
    expect(isinstance(value, bool), "true or false")
    return bool(value)


def whole(least: int, most: int) -> Kind:
    """A whole number between two bounds, both included."""

    def kind(value: Any) -> int:
        # Python takes true for 1, so the type is compared and not asked for by isinstance.
        fits = type(value) is int and least <= value <= most
        expect(fits, f"a whole number from {least} to {most}")
        return int(value)

    return kind


def day(value: Any) -> date:
    """A date; a date-time is a kind of date to Python, and is refused."""
    expect(type(value) is date, "a date such as 2026-09-01, without quotes")
    return date(value.year, value.month, value.day)


def ids(value: Any) -> frozenset[int]:
    """Numbers of things in the CRM."""
    fits = isinstance(value, list) and all(type(id) is int and id > 0 for id in value)
    expect(fits, "a list of numbers such as [2, 5]")
    return frozenset(value)


def code(value: Any) -> str:
    """A short word that stands in keys and on command lines."""
    expect(isinstance(value, str) and is_code(value), "a-z, 0-9, _ or -")
    return str(value)


def choice(*values: str) -> Kind:
    """One of a few words, or of the members of an enumeration."""
    expected = " or ".join(f'"{value}"' for value in values)

    def kind(value: Any) -> str:
        expect(value in values, expected)
        return values[values.index(value)]

    return kind
