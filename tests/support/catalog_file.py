"""The catalog as staff change it: listed into a file, edited there, loaded again."""

from __future__ import annotations

import csv
import io

from tests.support.school import House


def rows_of(house: House) -> dict[str, dict[str, str]]:
    """The rows of ``catalog list --csv`` by code."""
    text = house.ok("catalog", "list", "--csv").out
    return {row["code"]: row for row in csv.DictReader(io.StringIO(text))}


def load_rows(house: House, rows: dict[str, dict[str, str]]) -> str:
    """Load these rows as the whole catalog; what the command says."""
    out = io.StringIO()
    writer = csv.DictWriter(out, next(iter(rows.values())))
    writer.writeheader()
    writer.writerows(rows.values())
    return house.ok("catalog", "load", house.file("changed.csv", out.getvalue()), "--yes").out


def edit_goods(house: House, code: str, **cells: str) -> str:
    """Change cells of one of the goods; what the command says."""
    rows = rows_of(house)
    rows[code] |= cells
    return load_rows(house, rows)


def archive_goods(house: House, *codes: str) -> str:
    """Leave goods out of the file; what the command says."""
    rows = {code: row for code, row in rows_of(house).items() if code not in codes}
    return load_rows(house, rows)
