"""The run lock: one writing run at a time on this machine, as a courtesy. Correctness never rests on it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from coinsync.errors import Busy, DatabaseUnusable

TRY_SECONDS = 0.2


@contextmanager
def run_lock(
    path: Path, holder: dict[str, str], wait_seconds: float, sleep: Callable[[float], None]
) -> Iterator[None]:
    """Hold the lock file ``path``; raise ``Busy``, naming the holder, when it is not free within ``wait_seconds``.

    The kernel lets go of it when the process ends, however that happens. The file is never removed: removing it would
    let two processes hold two files of one name.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    except OSError as error:
        raise DatabaseUnusable(
            f"lock: {path} cannot be opened ({type(error).__name__}); nothing written"
        ) from error
    try:
        _acquire(descriptor, wait_seconds, sleep)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, wait_seconds: float, sleep: Callable[[float], None]) -> None:
    left = wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if left <= 0:
                raise Busy(f"busy: {_holder(descriptor)} holds the lock; nothing written") from None
        sleep(TRY_SECONDS)
        left -= TRY_SECONDS


def _holder(descriptor: int) -> str:
    try:
        known = json.loads(os.pread(descriptor, 4096, 0))
        return f"{known['what']} by {known['actor']} since {known['since']}"
    except (ValueError, KeyError, TypeError):
        return "another run"
