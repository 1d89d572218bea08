"""The last seal that this machine has seen of a database, in a small file beside the lock.

A ledger that does not hold it went back: an older copy lies in its place, or an empty one.
"""

import hashlib
import os
from pathlib import Path

from coinsync.core.seal import Seal, parse_seal
from coinsync.errors import UsageError
from coinsync.store.lock import open_shared

_WIDTH = 79


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
        os.pwrite(descriptor, f"{seal!s:<{_WIDTH}}\n".encode(), 0)
    finally:
        os.close(descriptor)
