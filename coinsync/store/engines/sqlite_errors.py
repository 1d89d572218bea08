"""What SQLite's errors mean, told apart by their numbers and never by their texts."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator

from coinsync.errors import CoinsyncError, DatabaseUnavailable, DatabaseUnusable
from coinsync.store.engines.base import causes
from coinsync.store.engines.sqlite_files import missing

#: A number of SQLite's says in its lowest byte what happened, in the others where.
_PRIMARY = 0xFF

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def translate(error: BaseException, place: str) -> CoinsyncError:
    """Say in our words what SQLite meant."""
    # One failure leads to others: a full disk ends the transaction, and rolling back fails then for
    # want of one. So all causes are looked through, and what explains the others comes first.
    found = set(_codes(error))
    if found & _BUSY:
        return DatabaseUnavailable(f"database: {place} is busy; nothing written")
    if sqlite3.SQLITE_FULL in found:
        return DatabaseUnavailable(f"database: {place}: disk full; nothing written")
    if sqlite3.SQLITE_READONLY in found:
        return DatabaseUnusable(f"database: {place} is read-only for this user; nothing written")
    # A missing file cannot be opened; a folder in its place can, but it cannot be read.
    is_missing = sqlite3.SQLITE_CANTOPEN in found and not os.path.exists(place)
    if is_missing or (sqlite3.SQLITE_IOERR in found and os.path.isdir(place)):
        return missing(place)
    if sqlite3.SQLITE_CANTOPEN in found:
        return DatabaseUnavailable(f"database: cannot open {place}; nothing written")
    if found & _DAMAGED:
        return CoinsyncError(
            f"database: {place} is damaged",
            advice="Do not write to it; restore it from a backup.",
        )
    if sqlite3.SQLITE_IOERR in found:
        return DatabaseUnavailable(f"database: {place}: disk error; nothing written")
    *_, innermost = causes(error)
    return CoinsyncError(f"database: {place}: {innermost}; nothing written")


def _codes(error: BaseException) -> Iterator[int]:
    for cause in causes(error):
        # Errors of Python's own module, such as a closed connection, have no number.
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None:
            yield code & _PRIMARY
