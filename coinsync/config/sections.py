"""How ``Settings`` declares the sections of the file, and which keys each of them may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from inspect import cleandoc
from typing import Any

from coinsync.core.setting import SETTING, Setting


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
        for entry in fields(self.values):
            factory = entry.default_factory
            default = entry.default if factory is MISSING else factory()
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
    return field(metadata={SETTING: Section(values, name, comment, samples, optional)})
