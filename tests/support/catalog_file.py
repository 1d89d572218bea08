"""The catalog as staff change it: listed into a file, edited there, loaded again."""

from __future__ import annotations

import csv
import io

from tests.support.school import Installation


def rows_of(installation: Installation) -> dict[str, dict[str, str]]:
    """The rows of ``catalog list --csv`` by code."""
    text = installation.ok("catalog", "list", "--csv").out
    return {row["code"]: row for row in csv.DictReader(io.StringIO(text))}


def csv_of(installation: Installation, rows: dict[str, dict[str, str]]) -> str:
    """These rows as a file, and its path."""
    out = io.StringIO()
    writer = csv.DictWriter(out, next(iter(rows.values())))
    writer.writeheader()
    writer.writerows(rows.values())
    return installation.file("changed.csv", out.getvalue())


def load_rows(installation: Installation, rows: dict[str, dict[str, str]]) -> str:
    """Load these rows as the whole catalog; what the command says."""
    return installation.ok("catalog", "load", csv_of(installation, rows), "--yes").out


def edit_goods(installation: Installation, code: str, /, **cells: str) -> str:
    """Change cells of one of the goods; what the command says."""
    rows = rows_of(installation)
    rows[code] |= cells
    return load_rows(installation, rows)


def archive_goods(installation: Installation, *codes: str) -> str:
    """Leave goods out of the file; what the command says."""
    rows = {code: row for code, row in rows_of(installation).items() if code not in codes}
    return load_rows(installation, rows)
