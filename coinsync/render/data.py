"""Report values for programs: JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

from coinsync.core.identity import spreadsheet_safe


def as_data(value: Any) -> Any:
    """Turn report values into what JSON can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: as_data(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return as_data(value._asdict())
    if isinstance(value, Mapping):
        return {str(name): as_data(one) for name, one in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (tuple, list, frozenset, set)):
        return [as_data(one) for one in value]
    return value


def json_text(value: Any) -> str:
    """Report values as one line of JSON."""
    return json.dumps(as_data(value), ensure_ascii=False)


def json_page(value: Any) -> str:
    """Report values as JSON that a person can read."""
    return json.dumps(as_data(value), ensure_ascii=False, indent=2)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows for a spreadsheet; a text that it would take for a formula is made harmless by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return out.getvalue().rstrip("\r\n")


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return as_data(value)
    return spreadsheet_safe(value)
