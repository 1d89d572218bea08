"""The text of ``config.toml.example``, and of the file that ``coinsync init`` writes."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from coinsync.config.sections import Key, Section
from coinsync.config.settings import sections

#: Comments of keys stand in one column where the values leave room for it.
_COMMENT_COLUMN = 43
_COMMENT_WIDTH = 100


def example(values: Mapping[str, Any] | None = None) -> str:
    """The text of a configuration that shows every key.

    ``values`` by "section.key", or by section for blocks, stand in the place of samples.
    """
    given = values or {}
    text = "# coinsync. Dates without quotes, texts in quotes. Secrets never stand in this file.\n"
    for section in sections().values():
        text += _comment(section.comment)
        if section.repeated:
            text += _blocks(section, given.get(section.name, section.samples))
        else:
            text += f"[{section.name}]\n"
            for key in section.keys:
                text += _line(key, given.get(f"{section.name}.{key.name}", key.shown))
            text += "\n"
    return text.rstrip() + "\n"


def _comment(text: str) -> str:
    lines = textwrap.wrap(text, _COMMENT_WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "".join(f"# {line}\n" for line in lines)


def _blocks(section: Section, blocks: Iterable[Mapping[str, Any]]) -> str:
    text = ""
    for block in blocks:
        text += f"[[{section.name}]]\n"
        for key in section.keys:
            if key.name in block:
                text += _line(key, block[key.name])
        text += "\n"
    return text


def _line(key: Key, value: Any) -> str:
    line = f"{key.name} = {_toml(value)}"
    comment = key.setting.comment
    return f"{line:<{_COMMENT_COLUMN}} # {comment}\n" if comment else f"{line}\n"


def _toml(value: Any) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        pairs = (f"{json.dumps(name)} = {_toml(item)}" for name, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, frozenset):
        return _toml(sorted(value))
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, (str, Path)):
        return json.dumps(str(value), ensure_ascii=False)
    return str(value)
