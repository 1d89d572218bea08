"""Files and folders that appear whole and with their mode, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from coinsync.errors import UsageError, reason_of


def make_folder(folder: Path, mode: int) -> None:
    """Make a folder with exactly this mode; one that is there is left as it is."""
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A run that is killed in between must not leave it without its mode: nobody would set that
    # later, and the umask makes it too open or too closed.
    draft = _draft(folder)
    draft.mkdir(exist_ok=True)
    draft.chmod(mode)
    draft.rename(folder)


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file with exactly this mode, in the place of what has its name."""
    draft = _draft(path)
    # What an interrupted run left may belong to anybody, and have any mode.
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        # The mode is meant, whatever the umask takes away: a group may share the folder.
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        # A power cut must not leave the name of a file without what it holds.
        os.fsync(descriptor)
    draft.replace(path)


@contextmanager
def new_file(path: Path, what: str) -> Iterator[Path]:
    """Lend a draft that becomes the file in the end; on an error nothing is left.

    Raises ``UsageError`` where something has that name already, or where it cannot be written.
    """
    if path.exists():
        raise UsageError(
            f"{what}: {path} is there already; nothing written", advice="Choose another name."
        )
    draft = path.with_name(f"{path.name}.part")
    try:
        # A try that was killed has left it, perhaps as a second name of a finished file; or it is
        # somebody else's, and others can read it.
        draft.unlink(missing_ok=True)
        yield draft
        descriptor = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # Unlike renaming, this never replaces what somebody has put there meanwhile.
        os.link(draft, path)
    except OSError as error:
        raise UsageError(f"{what}: {path} cannot be written ({reason_of(error)})") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")
