"""Work done as another user of this machine, who may read what a group may, and write nothing."""

from __future__ import annotations

import os
import pickle
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

#: The user whom every system has for those who own nothing.
NOBODY = 65534


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder that another user can reach, unlike those of a test, with nobody's group."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, 0, NOBODY)
        folder.chmod(0o2750)
        yield folder


def as_reader(folder: Path, work: Callable[[], Any]) -> Any:
    """What ``work`` returns to somebody who is no more than a member of the folder's group.

    Whoever runs the tests without being root becomes such a reader by giving up the right to write.
    An exception comes back as its text.
    """
    if os.geteuid() != 0:
        for path in (folder, *folder.rglob("*")):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.write(writing, pickle.dumps(_result(work)))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    if os.geteuid() != 0:
        for path in (folder, *folder.rglob("*")):
            path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IWUSR)
    return pickle.loads(answer)


def _result(work: Callable[[], Any]) -> Any:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        return work()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
