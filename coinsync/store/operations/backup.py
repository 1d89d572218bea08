"""A backup of the database in one file, looked at before it gets its name."""

from __future__ import annotations

import os
from pathlib import Path

from coinsync.errors import CoinsyncError, UsageError
from coinsync.store import database as opening
from coinsync.store.engines.sqlite import SQLITE
from coinsync.store.reader import Reader


def back_up(url: str, file: Path) -> int:
    """Write a backup that only its owner can read; its size in bytes. What stands under that name is left alone.

    A file of SQLite is opened and looked through; a dump of a server is checked to its last line and for its guards.
    """
    part = file.with_name(f"{file.name}.part")
    for one in (file, part):
        if one.exists():
            raise UsageError(
                f"backup: {one} is there already; nothing written", advice="Choose another name."
            )
    engine = opening.engine_at(url)
    engine.must_exist(url)
    try:
        database = opening.open_readable(url)
        with opening.speaking(database):
            engine.back_up(url, part)
        if engine is SQLITE:
            _look_through(part)
        _keep(part, file)
    except OSError as error:
        raise UsageError(
            f"backup: {file} cannot be written ({error.strerror or type(error).__name__})"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return file.stat().st_size


def _look_through(part: Path) -> None:
    copy = opening.open_readable(f"sqlite:///{part.absolute()}")
    with opening.reading(copy):
        reader = Reader(copy)
        head = reader.head()
        wrong = reader.damage()
        if wrong or (head.n and reader.chain(head.n) is None):
            raise CoinsyncError(
                f"backup: the copy is damaged ({wrong[0] if wrong else f'entry {head.n} is missing'})"
            )


def _keep(part: Path, file: Path) -> None:
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    # Unlike renaming, this never replaces what somebody else has put there meanwhile.
    os.link(part, file)
