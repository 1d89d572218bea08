"""Putting a backup in the place of a database that is a file."""

from pathlib import Path

from coinsync.core.seal import Seal
from coinsync.errors import DatabaseUnusable, UsageError
from coinsync.store.database import engine_at, open_readable, reading, speaking
from coinsync.store.engines.sqlite import SQLITE
from coinsync.store.operations.backup import sound_seal
from coinsync.store.reader import Reader


def looked_through(backup: Path, account: str) -> Seal:
    """The newest seal of a backup that is sound and belongs to a CRM account."""
    opened = open_readable(f"sqlite:///{backup.absolute()}")
    with reading(opened):
        reader = Reader(opened)
        seal = sound_seal(reader, str(backup))
        recorded = reader.head().account
        if recorded not in ("", account):
            raise DatabaseUnusable(
                f"restore: {backup} belongs to the CRM account {recorded!r}, not to {account!r}"
            )
        return seal


def restore(url: str, backup: Path) -> None:
    """Put a backup in the place of a database, whole or not at all; others may be reading it."""
    if engine_at(url) is not SQLITE:
        raise UsageError(
            "db restore: only a database in a file is restored so",
            advice="docs/operations.md says how a server takes a dump; then: coinsync db accept",
        )
    with speaking(open_readable(url)):
        SQLITE.put_back(url, backup)
