"""Every step by which a program changes something outside of itself, told before it is taken.

Python tells a profiler of each call of a C function, and whatever changes a file or asks a database
ends in one. So the program needs to know nothing of this, and whoever writes a new command cannot
forget a step. A step is called after the function of ours that takes it, as in "write_new fsync".
"""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = str(Path(__file__).parents[2] / "coinsync")

#: C functions that change files, by what they belong to: a module, or the type of an open file.
CHANGES = {
    "posix": {
        *("open", "write", "pwrite", "fsync", "fchmod", "chmod", "ftruncate", "mkdir", "rmdir"),
        *("link", "unlink", "remove", "rename", "replace"),
    },
    "TextIOWrapper": {"write", "flush"},
    "BufferedWriter": {"write", "flush"},
    "Connection": {"commit", "rollback", "backup"},
    "Cursor": {"execute", "executemany"},
    "socket": {"sendall"},
}

#: Steps that bring content into a file, that bring it to the disk, and that give it its name.
CONTENT = {"write", "pwrite", "backup"}
NAMING = {"link", "rename", "replace"}


@contextmanager
def told(tell: Callable[[str], None]) -> Iterator[None]:
    """Call ``tell`` with each step before it is taken; what it raises is raised by the step."""

    def look(frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call":
            return
        owner = getattr(function, "__self__", None)
        kind = getattr(owner, "__name__", type(owner).__name__)
        if function.__name__ in CHANGES.get(kind, ()) and not _is_question(frame):
            place = _place(frame)
            if place:
                tell(f"{place} {function.__name__}")

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def _is_question(frame: FrameType) -> bool:
    # Peewee calls its driver from a function that knows the statement. Only one that changes
    # something is worth dying at.
    return str(frame.f_locals.get("sql", "")).startswith(("SELECT", "PRAGMA", "SHOW"))


def _place(frame: FrameType | None) -> str:
    # What Python itself reads and writes while it loads a module is no step of the program.
    while frame is not None and "importlib" not in frame.f_code.co_filename:
        if frame.f_code.co_filename.startswith(ROOT):
            return frame.f_code.co_name
        frame = frame.f_back
    return ""


def steps_of(work: Callable[[], object]) -> list[str]:
    """All steps of what is done to its end."""
    steps: list[str] = []
    with told(steps.append):
        work()
    return steps


def killed_at(at: int, work: Callable[[], object]) -> bool:
    """Do it in a process that is killed before step ``at``, from 1; tell whether it came so far."""

    def die(_step: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def work_and_die() -> None:
        with told(_at(at, die)):
            work()

    return ended(beside(work_and_die))


def beside(work: Callable[[], object]) -> int:
    """Do it in a process of its own, whose number this is."""
    with warnings.catch_warnings():
        # Python warns where threads run, as a CRM's does: the child has none of them, and does not
        # need them.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        # No way back into the tests, whatever happens here.
        try:
            work()
        finally:
            os._exit(0)
    return child


def ended(child: int) -> bool:
    """Wait for the end of such a process; tell whether it was killed."""
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@contextmanager
def failing_at(at: int, number: int = errno.ENOSPC) -> Iterator[None]:
    """Let step ``at`` fail, from 1, as it does where the disk is full or broken."""

    def fail(step: str) -> None:
        if step.rpartition(" ")[2] in {"execute", "executemany", "commit", "rollback", "backup"}:
            is_full = number == errno.ENOSPC
            error = sqlite3.OperationalError("the disk is full" if is_full else "disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL if is_full else sqlite3.SQLITE_IOERR
            raise error
        raise OSError(number, os.strerror(number))

    with told(_at(at, fail)):
        yield


def _at(at: int, strike: Callable[[str], None]) -> Callable[[str], None]:
    steps = count(1)

    def tell(step: str) -> None:
        if next(steps) == at:
            strike(step)

    return tell


def worth_trying(steps: list[str], stride: int) -> list[int]:
    """Numbers of steps from 1: of each kind the first and the last, and every so many of the rest.

    A migration takes a hundred steps of one kind, and most of them tell nothing new.
    """
    first = {step: at for at, step in reversed(list(enumerate(steps, 1)))}
    last = {step: at for at, step in enumerate(steps, 1)}
    return sorted({*first.values(), *last.values(), *range(1, len(steps) + 1, stride)})


def named_too_early(steps: list[str]) -> list[str]:
    """Steps that give a file its name while what it holds may not be on the disk yet.

    No kill shows this, because the system keeps what a dead process has written. A power cut does.
    """
    unsafe: list[str] = []
    unsaved = ""
    for step in steps:
        act = step.rpartition(" ")[2]
        if act in CONTENT:
            unsaved = step
        elif act == "fsync":
            unsaved = ""
        elif act in NAMING and unsaved:
            unsafe.append(f"{step} after {unsaved}")
    return unsafe
