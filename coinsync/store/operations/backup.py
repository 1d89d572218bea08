"""A backup of the database in one file: made, looked at before it gets its name, put back.

It is a database of SQLite, whatever the engine: ``db copy`` brings it back to a server.
"""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from coinsync.core.seal import Seal
from coinsync.errors import CoinsyncError, DatabaseUnusable, UsageError
from coinsync.files import new_file
from coinsync.store.database import engine_at, open_readable, open_writable, reading, speaking
from coinsync.store.engines.sqlite import SQLITE, path_of
from coinsync.store.operations.copy import copy_database
from coinsync.store.reader import Reader

#: Names of backups that were named by their moment.
DATED_BACKUPS = "coinsync-????-??-??-??????.backup"

#: How long a server is waited for.
WAIT_SECONDS = 30.0


def back_up(url: str, file: Path) -> tuple[int, Seal]:
    """Write a backup that only its owner can read, and check it: its size in bytes, its seal.

    What has that name already is left alone.
    """
    engine = engine_at(url)
    engine.must_exist(url)
    with new_file(file, "backup") as (part, _):
        copy_url = f"sqlite:///{part.absolute()}"
        if engine is SQLITE:
            with speaking(open_readable(url)):
                SQLITE.back_up(url, part)
        else:
            copy_database(url, copy_url, wait_seconds=WAIT_SECONDS)
            SQLITE.make_one_file(part)
        # A copy that cannot be read is worth nothing, and the day to find out is today.
        copy = open_readable(copy_url)
        with reading(copy):
            seal = sound_seal(Reader(copy), "the copy")
    return file.stat().st_size, seal


def dated_file(folder: Path, now: datetime) -> Path:
    """The file for a backup made at this moment."""
    return folder / f"coinsync-{now:%Y-%m-%d-%H%M%S}.backup"


def newest_backup(folder: Path) -> Path | None:
    """The backup in a folder that was written last, whatever it is called."""
    backups = folder.glob("*.backup")
    return max(backups, key=lambda path: path.stat().st_mtime, default=None)


def delete_old(folder: Path, keep: int) -> list[str]:
    """Delete dated backups but the newest ``keep``; the names of those that went."""
    # The names are in the order of time; whatever else lies there is not ours.
    newest_first = sorted(folder.glob(DATED_BACKUPS), reverse=True)
    deleted = []
    for path in newest_first[keep:]:
        path.unlink(missing_ok=True)
        deleted.append(path.name)
    return deleted


def sound_seal(reader: Reader, name: str) -> Seal:
    """The newest seal of a copy that the engine finds sound, and that does not lack its end."""
    damage = reader.damage()
    seal, runs = reader.seal(), reader.head().runs
    if not damage and seal.run != runs:
        damage = [f"run {runs} is missing"]
    if damage:
        raise CoinsyncError(f"backup: {name} is damaged ({damage[0]})")
    return seal


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


#: How soon a file that was put in the place of another is noticed.
LOOK_SECONDS = 1.0


def hold_open(url: str, sleep: Callable[[float], None]) -> None:
    """Keep a SQLite database open until interrupted; no lock is held meanwhile.

    A reader in WAL mode needs the -wal and -shm files. SQLite deletes both when the last connection
    is closed, and whoever may not write cannot make them anew. Raises ``UsageError`` for a server.
    """
    if engine_at(url) is not SQLITE:
        raise UsageError("db hold: only a database in a file needs it")
    path = path_of(url)
    while True:
        with closing(open_writable(url)) as database, speaking(database):
            # The two files come with the first question.
            database.execute_sql("SELECT 1 FROM sqlite_master LIMIT 1")
            held = SQLITE.must_exist(url), SQLITE.beside(url)
            while path.is_file() and (SQLITE.must_exist(url), SQLITE.beside(url)) == held:
                sleep(LOOK_SECONDS)
