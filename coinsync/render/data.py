"""Values for programs: JSON and CSV."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

from coinsync.core.identity import spreadsheet_safe
from coinsync.errors import CoinsyncError

#: Control characters that JSON itself lets pass, what turns the direction of writing or cannot be
#: seen, and halves of characters.
_COMMANDS = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


#: What a field is called outside, where its own name says the same in another word.
_CALLED = {"happened_on": "day", "date": "day", "quantity": "pieces"}


def as_data(value: Any) -> Any:
    """What JSON can hold: fields by name, days as text, spans in seconds."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return {_CALLED.get(name, name): as_data(getattr(value, name)) for name in names}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return as_data(value._asdict())
    if isinstance(value, CoinsyncError):
        return {"message": value.message, "advice": value.advice}
    if isinstance(value, Mapping):
        return {str(name): as_data(item) for name, item in value.items()}
    if isinstance(value, (tuple, list, frozenset, set)):
        return list(map(as_data, value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, date):
        return value.isoformat()
    return value


def json_text(value: Any, *, indent: int | None = None) -> str:
    """A value as JSON, without a character that a terminal would take for a command."""
    text = json.dumps(as_data(value), ensure_ascii=False, indent=indent)
    return _COMMANDS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows for a spreadsheet, none of them a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow(map(_cell, row))
    return out.getvalue().rstrip("\r\n")


def _cell(value: Any) -> Any:
    if isinstance(value, tuple):
        separator = "; " if value and isinstance(value[0], str) else " "
        value = separator.join(map(str, value))
    return spreadsheet_safe(value) if isinstance(value, str) else as_data(value)
