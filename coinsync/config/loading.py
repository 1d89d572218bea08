"""``config.toml`` → frozen settings, or every problem of the file at once."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from coinsync.config.address import absolute, without_password
from coinsync.config.checks import contradictions
from coinsync.config.sections import Key, Section
from coinsync.config.settings import Settings, sections
from coinsync.errors import ConfigError

_SECRET_WORDS = re.compile(
    r"(api_?key|password|secret|token|protected_?key|vk_?keys?|service_?key)$", re.IGNORECASE
)
_VALUE_LENGTH_MAX = 60


def load(path: Path) -> Settings:
    """Read the configuration file. Raises ``ConfigError`` with every problem that it has."""
    data = _read_toml(path)
    reading = _FileReading(path)
    reading.refuse_unknown("", data, [section.name for section in sections().values()])
    values = {
        field: reading.section(section, data.get(section.name))
        for field, section in sections().items()
    }
    if reading.problems:
        raise ConfigError(reading.problems)
    settings = _settings(path.resolve(), values)
    # What contradicts something else can only be judged once each value is good by itself.
    problems = list(contradictions(settings))
    if problems:
        raise ConfigError(problems)
    return settings


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        # Windows editors begin a file with a byte order mark, which TOML does not know.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise ConfigError(
            [f"config: {path} cannot be read ({type(error).__name__})"],
            advice='Run "coinsync init", or pass --config FILE.',
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"config: {path}: not valid TOML: {error}"]) from error


def _settings(path: Path, values: Mapping[str, Any]) -> Settings:
    fields: dict[str, Any] = {}
    for field, section in sections().items():
        given = values[field]
        if section.repeated:
            fields[field] = tuple(section.values(**block) for block in given)
        else:
            fields[field] = section.values(**given)
    database = fields["database"]
    fields["database"] = replace(database, url=absolute(database.url, path.parent))
    return Settings(path=path, **fields)


class _FileReading:
    """Takes values out of one file and gathers what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.problems: list[str] = []
        self._file_name = path.name
        self._folder = path.resolve().parent

    def section(self, section: Section, given: Any) -> Any:
        """The values of a section, or a list of them for one that is repeated."""
        if section.repeated:
            return self._blocks(section, given)
        if given is not None and not isinstance(given, dict):
            self._refuse(f"[{section.name}]: expected a section, got {_shown(given)}")
            return {}
        return self._values(f"[{section.name}]", section.keys, given or {})

    def _blocks(self, section: Section, given: Any) -> list[dict[str, Any]]:
        if given is None and section.optional:
            return []
        heading = f"[[{section.name}]]"
        blocks = given if isinstance(given, list) else []
        if not blocks or not all(isinstance(block, dict) for block in blocks):
            self._refuse(f"{heading}: expected at least one block, got {_shown(given)}")
            return []
        return [
            self._values(f"{heading} {number}", section.keys, block)
            for number, block in enumerate(blocks, 1)
        ]

    def _values(self, where: str, keys: Iterable[Key], given: Mapping[str, Any]) -> dict[str, Any]:
        self.refuse_unknown(where, given, [key.name for key in keys])
        values: dict[str, Any] = {}
        for key in keys:
            if key.name not in given and key.required:
                needed = _expected(key)
                self._refuse(f"{where} {key.name}: missing; {needed} is needed")
                continue
            try:
                value = _value(key, given)
            except ValueError as error:
                shown = _shown(given[key.name])
                self._refuse(f"{where} {key.name}: expected {error}, got {shown}")
                continue
            # The program may run in any folder, so a path starts where the file lies.
            values[key.name] = self._folder / value if isinstance(value, Path) else value
        return values

    def refuse_unknown(self, where: str, given: Iterable[str], known: Sequence[str]) -> None:
        """Refuse names that nobody reads; a misspelt key would silently mean its default."""
        for name in given:
            if name in known:
                continue
            # Sections are named in brackets, keys after the section that they stand in.
            path = f"{where} {name}" if where else f"[{name}]"
            if _SECRET_WORDS.search(name):
                self._refuse(
                    f"{path} is a secret and must not stand in {self._file_name};"
                    " put it into the environment or a 0600 file"
                )
            else:
                nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
                self._refuse(f"unknown key {path} (did you mean {nearest}?)")

    def _refuse(self, problem: str) -> None:
        self.problems.append(f"config: {problem}")


def _value(key: Key, given: Mapping[str, Any]) -> Any:
    """The value of a key, or its default. Raises ``ValueError`` for one that it may not have."""
    if key.name not in given:
        return key.default
    # Where nothing is the default, nothing may also be written down.
    if given[key.name] == "" and key.default == "":
        return ""
    return key.setting.kind(given[key.name])


def _expected(key: Key) -> str:
    try:
        key.setting.kind(object())
    except ValueError as error:
        return str(error)
    return "a value"


def _shown(value: Any) -> str:
    """A value as a message repeats it: short, and without the password of an address."""
    text = without_password(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _VALUE_LENGTH_MAX else text[: _VALUE_LENGTH_MAX - 1] + "…"
