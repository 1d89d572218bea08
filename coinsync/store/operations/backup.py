"""A backup of the database in one file, looked at before it gets its name."""

import os
from contextlib import suppress
from datetime import datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path

from coinsync.core.ledger import GENESIS
from coinsync.core.seal import Seal, seal_of
from coinsync.errors import CoinsyncError, UsageError, reason_of
from coinsync.store.database import engine_at, open_readable, reading, speaking
from coinsync.store.engines.sqlite import SQLITE
from coinsync.store.reader import Reader

#: Names of backups that were named by their moment.
DATED_BACKUPS = "coinsync-????-??-??-??????.backup"


def back_up(url: str, file: Path) -> tuple[int, Seal]:
    """Write a backup that only its owner can read, and check it.

    Its size in bytes, and a seal that it was found to hold: the newest one before it was made.

    What has that name already is left alone.
    """
    part = file.parent / f"{file.name}.part"
    if file.exists():
        raise UsageError(
            f"backup: {file} is there already; nothing written", advice="Choose another name."
        )
    engine = engine_at(url)
    engine.must_exist(url)
    opened = open_readable(url)
    with reading(opened):
        newest = next(iter(Reader(opened).runs(1)), None)
    try:
        # A try that was killed has left it, perhaps as a second name of a finished backup.
        part.unlink(missing_ok=True)
        with speaking(open_readable(url)):
            engine.back_up(url, part)
        if engine is SQLITE:
            _look_through(part)
        if newest and not _is_in(part, newest.chain):
            raise CoinsyncError(f"backup: the copy does not hold run {newest.id}")
        _keep(part, file)
    except OSError as error:
        raise UsageError(f"backup: {file} cannot be written ({reason_of(error)})") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return file.stat().st_size, seal_of(newest.id, newest.chain) if newest else seal_of(0, GENESIS)


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


def _look_through(part: Path) -> None:
    # A copy that cannot be read is worth nothing, and the day to find out is today.
    copy = open_readable(f"sqlite:///{part.absolute()}")
    with reading(copy):
        refuse_damaged(Reader(copy), "the copy")


def refuse_damaged(reader: Reader, name: str) -> None:
    """Refuse a copy that the engine finds damaged, or that lacks its end."""
    damage = reader.damage()
    runs = reader.head().runs
    if not damage and reader.seal().run != runs:
        damage = [f"run {runs} is missing"]
    if damage:
        raise CoinsyncError(f"backup: {name} is damaged ({damage[0]})")


def _is_in(file: Path, text: str) -> bool:
    with file.open("rb") as content, mmap(content.fileno(), 0, access=ACCESS_READ) as all_bytes:
        return all_bytes.find(text.encode()) >= 0


def _keep(part: Path, file: Path) -> None:
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    # Unlike renaming, this never replaces what somebody else has put there meanwhile.
    os.link(part, file)
