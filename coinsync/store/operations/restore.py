"""Putting a backup in the place of a database that is a file."""

from pathlib import Path

from coinsync.core.seal import Seal
from coinsync.errors import DatabaseUnusable, UsageError
from coinsync.store.database import engine_at, open_readable, reading, speaking
from coinsync.store.engines.sqlite import SQLITE
from coinsync.store.operations.backup import sound_seal
from coinsync.store.reader import Reader


def looked_through(url: str, backup: Path, account: str) -> Seal:
    """The newest seal of a sound backup of this CRM account, which may take a file's place."""
    if engine_at(url) is not SQLITE:
        raise UsageError(
            "db restore: the configured database is on a server",
            advice="docs/operations.md says how a backup comes back there, by coinsync db copy.",
        )
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
    """Put a backup in the place of a file, whole or not at all; others may be reading it."""
    with speaking(open_readable(url)):
        SQLITE.put_back(url, backup)
