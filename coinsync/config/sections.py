"""How ``Settings`` declares the sections of the file, and which keys each of them may have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import Field, dataclass
from inspect import cleandoc
from typing import Any

from coinsync.core.setting import SETTING, Setting

_SECTION = "section"


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section: the field that it fills, and what that may hold."""

    field: Field[Any]
    setting: Setting

    @property
    def name(self) -> str:
        """Its name in the file and in the dataclass."""
        return self.field.name

    @property
    def required(self) -> bool:
        """Tell whether it may not be left out."""
        without = self.field.default is dataclasses.MISSING
        return without and self.field.default_factory is dataclasses.MISSING

    @property
    def default(self) -> Any:
        """What it is when it is left out; None for one that is required."""
        if self.field.default_factory is not dataclasses.MISSING:
            return self.field.default_factory()
        return None if self.required else self.field.default

    @property
    def shown(self) -> Any:
        """What the example file shows."""
        return self.default if self.setting.sample is None else self.setting.sample


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the file: the class of its values, and its comment.

    A ``repeated`` one stands for blocks, ``[[name]]``, of which the example shows ``samples``; an
    ``optional`` one may be missing.
    """

    values: type[Any]
    name: str
    comment: str
    samples: tuple[Mapping[str, Any], ...] = ()
    repeated: bool = False
    optional: bool = False

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys that it may have, in the order of the example."""
        fields = dataclasses.fields(self.values)
        return tuple(Key(field, field.metadata[SETTING]) for field in fields)


def section(values: type[Any], name: str, comment: str = "") -> Any:
    """A field of ``Settings`` for ``[name]``; the comment is the class's docstring, or its own."""
    comment = comment or cleandoc(values.__doc__ or "")
    return dataclasses.field(metadata={_SECTION: Section(values, name, comment)})


def blocks(
    values: type[Any],
    name: str,
    comment: str,
    *,
    samples: tuple[Mapping[str, Any], ...],
    optional: bool = False,
) -> Any:
    """A field of ``Settings`` for any number of ``[[name]]``."""
    declared = Section(values, name, comment, samples, repeated=True, optional=optional)
    return dataclasses.field(metadata={_SECTION: declared})


def sections_of(settings: type[Any]) -> dict[str, Section]:
    """The sections that a dataclass declares, by their fields and in their order."""
    fields = dataclasses.fields(settings)
    return {field.name: field.metadata[_SECTION] for field in fields if _SECTION in field.metadata}
