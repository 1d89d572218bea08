"""Files and folders that appear whole and with their mode, or not at all.

Whatever is written for staff, cron or the web view is written here. The folder may be shared with
another user, who can lay anything there beforehand: so what is not complete yet has a name that
nobody can foresee, and nothing that has it already is opened.
"""

import glob
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp, mkstemp
from typing import BinaryIO

from coinsync.errors import UsageError, reason_of

#: How the names of incomplete files and folders end.
PART = ".part"


def make_folder(folder: Path, mode: int) -> None:
    """Make a folder with exactly this mode; one that is there is left as it is."""
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A run that is killed in between must not leave it without its mode: nobody would set that
    # later, and the umask makes it too open or too closed.
    for remains in _remains(folder):
        with suppress(OSError):
            remains.rmdir()
    part = Path(mkdtemp(PART, f".{folder.name}.", folder.parent))
    part.chmod(mode)
    part.rename(folder)


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file with exactly this mode, in the place of what has its name."""
    with _draft(path, mode, os.replace) as (_, file):
        file.write(content)


@contextmanager
def new_file(path: Path, what: str) -> Iterator[tuple[Path, BinaryIO]]:
    """Lend a private file that gets its name in the end, and the name that it has until then.

    Raises ``UsageError`` where something has that name already, or where it cannot be written.
    """
    if path.exists():
        raise UsageError(
            f"{what}: {path} is there already; nothing written", advice="Choose another name."
        )
    try:
        # Unlike renaming, a link never replaces what somebody has put there meanwhile.
        with _draft(path, 0o600, os.link) as draft:
            yield draft
    except OSError as error:
        raise UsageError(f"{what}: {path} cannot be written ({reason_of(error)})") from error


@contextmanager
def _draft(
    path: Path, mode: int, give_name: Callable[[Path, Path], object]
) -> Iterator[tuple[Path, BinaryIO]]:
    # What a killed run left is of no use; what is somebody else's stays, and does no harm.
    for remains in _remains(path):
        with suppress(OSError):
            remains.unlink()
    # Exclusive, never through a link, and for this user alone until the mode is set below.
    descriptor, name = mkstemp(PART, f".{path.name}.", path.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # The mode is meant, whatever the umask takes away: a group may share the folder.
            os.fchmod(descriptor, mode)
            yield part, file
            file.flush()
            # A power cut must not leave the name of a file without what it holds.
            os.fsync(descriptor)
            # SQLite opens it by its name.
            if not os.path.samestat(part.lstat(), os.fstat(descriptor)):
                raise FileNotFoundError(0, "somebody has put another file in its place")
        give_name(part, path)
    finally:
        part.unlink(missing_ok=True)


def _remains(path: Path) -> Iterator[Path]:
    return path.parent.glob(f".{glob.escape(path.name)}.*{PART}")
