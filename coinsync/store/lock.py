"""What lies in the state folder: the lock of a run, and the last seal that was seen here.

The lock is a courtesy: people are told who runs, instead of waiting. The database's own locks keep
it correct. A ledger that does not hold the last seal went back: an older copy lies in its place, or
an empty one.
"""

import fcntl
import hashlib
import json
import math
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from coinsync.core.seal import Seal, parse_seal
from coinsync.errors import Busy, DatabaseUnusable, HeldTooLong, TryLater, UsageError, reason_of

TRY_SECONDS = 0.2
_HOLDER_BYTES_MAX = 4096
_SEAL_WIDTH = 79


@contextmanager
def run_lock(
    path: Path,
    holder: dict[str, str],
    wait_seconds: float,
    sleep: Callable[[float], None],
    *,
    minutes_max: float = math.inf,
) -> Iterator[None]:
    """Hold the lock file ``path``; ``holder`` is what others are told meanwhile.

    Raises ``Busy``, naming the other holder, when it is not free within ``wait_seconds``, and
    ``HeldTooLong`` when that one has had it for more than ``minutes_max``.
    """
    try:
        descriptor = open_shared(path)
    except OSError as error:
        raise DatabaseUnusable(
            f"lock: {path} cannot be opened ({reason_of(error)}); nothing written"
        ) from error
    # The kernel releases the lock when the process ends. The file is never removed: then two
    # processes could hold two files of the same name.
    try:
        if not _acquire(descriptor, wait_seconds, sleep):
            raise _refusal(descriptor, holder, minutes_max)
        # Who holds it is a courtesy. A full disk must not stop whoever would tell of it.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder_of(path: Path) -> dict[str, str] | None:
    """What the run that holds a lock file says of itself; None while it is free."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        # Shared and for a moment: others who only look are not in the way.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(descriptor)
    finally:
        os.close(descriptor)
    return None


def _holder(descriptor: int) -> dict[str, str]:
    try:
        return dict(json.loads(os.pread(descriptor, _HOLDER_BYTES_MAX, 0)))
    except (ValueError, TypeError):
        # The other run has taken the lock and not yet written who it is.
        return {}


def open_shared(path: Path) -> int:
    """Open a file of the state folder for every user of its group; it is made where missing."""
    # A link in the place of the file could lead to somebody else's, which would be emptied.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o660)
    status, folder = os.fstat(descriptor), path.parent.stat()
    # Who runs here owns it, or shares the folder. A second name may be that of a file that counts.
    is_expected = status.st_uid in (os.geteuid(), folder.st_uid) or status.st_gid == folder.st_gid
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or not is_expected:
        os.close(descriptor)
        raise OSError(0, "it is no file of this user or of the folder's group")
    # Two users of one group may take turns, whatever the umask of the one who came first. Only the
    # owner can say so.
    if status.st_uid == os.geteuid():
        os.fchmod(descriptor, 0o660)
    return descriptor


def _acquire(descriptor: int, wait_seconds: float, sleep: Callable[[float], None]) -> bool:
    remaining_seconds = wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if remaining_seconds <= 0:
                return False
        sleep(TRY_SECONDS)
        remaining_seconds -= TRY_SECONDS


def _refusal(descriptor: int, holder: dict[str, str], minutes_max: float) -> TryLater:
    """Why the lock is not had; ``holder`` is who asked for it."""
    other = _holder(descriptor)
    try:
        who = f"{other['what']} by {other['actor']} since {other['since']}"
        held = datetime.fromisoformat(holder["since"]) - datetime.fromisoformat(other["since"])
        minutes = held.total_seconds() / 60
    except (ValueError, KeyError, TypeError):
        who, minutes = "another run", 0.0
    message = f"busy: {who} holds the lock"
    if minutes > minutes_max:
        # Runs that find the lock taken end in silence, which nobody would notice for weeks.
        return HeldTooLong(f"{message}, longer than {minutes_max:.0f} minutes; nothing written")
    return Busy(f"{message}; nothing written")


# --- the last seal ---


def seal_file(folder: Path, place: str, account: str) -> Path:
    """The file for one database and one CRM account."""
    name = hashlib.sha256(f"{place}\n{account}".encode()).hexdigest()[:12]
    return folder / f".coinsync-{name}.seal"


def last_seal(file: Path) -> Seal | None:
    """The seal in a file; None where there is none, or none that can be read."""
    try:
        return parse_seal(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, UsageError):
        return None


def remember(file: Path, seal: Seal) -> None:
    """Write a seal down. Raises ``OSError`` where this user may not."""
    descriptor = open_shared(file)
    try:
        # Always of one length, so that two who write at once leave the line of one of them.
        os.pwrite(descriptor, f"{seal!s:<{_SEAL_WIDTH}}\n".encode(), 0)
    finally:
        os.close(descriptor)
