"""What the fields of ``Settings`` say of the file: its sections, and the keys of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import Field, dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from coinsync.core.setting import Setting


@dataclass(frozen=True, slots=True)
class Section:
    """Marks a field of ``Settings`` as a section of the file, with its comment there.

    A field that holds a tuple stands for blocks, ``[[name]]``, of which the example shows
    ``samples``. An ``optional`` section may be missing where its blocks may.
    """

    name: str
    comment: str
    samples: tuple[Mapping[str, Any], ...] = ()
    optional: bool = False


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
class SectionOfFile:
    """A section with the field of ``Settings`` that it fills, the class of its values, its keys."""

    field: str
    section: Section
    values: type[Any]
    keys: tuple[Key, ...]
    repeated: bool

    @property
    def name(self) -> str:
        """Its name in the file."""
        return self.section.name


def sections_of(settings: type[Any]) -> tuple[SectionOfFile, ...]:
    """The sections that a dataclass declares, in the order of its fields."""
    sections = []
    for name, hint in get_type_hints(settings, include_extras=True).items():
        if get_origin(hint) is not Annotated:
            continue
        inner, section = get_args(hint)
        repeated = get_origin(inner) is tuple
        values = get_args(inner)[0] if repeated else inner
        sections.append(SectionOfFile(name, section, values, _keys_of(values), repeated))
    return tuple(sections)


def _keys_of(values: type[Any]) -> tuple[Key, ...]:
    hints = get_type_hints(values, include_extras=True)
    return tuple(Key(field, get_args(hints[field.name])[1]) for field in dataclasses.fields(values))
