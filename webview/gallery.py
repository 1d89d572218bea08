"""Pictures that are served: copies in a folder, and the school's own in memory.

Names hold a digest of the content, so pictures never change. What a request asks for is looked up
in a table and reaches no file system by itself.
"""

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(r"[a-z0-9_-]{1,60}\.[0-9a-f]{12}\.(webp|svg)")
KINDS = {"webp": "image/webp", "svg": "image/svg+xml"}
BYTES_MAX = 2_000_000
#: More files than that in one folder are not the copies of a shop's catalog.
NAMES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is sent; ``kind`` is its content type."""

    content: bytes
    kind: str


class Gallery:
    """The table of pictures, in ``folder`` and ``own``."""

    def __init__(self, folder: Path | None, own: Mapping[str, bytes]) -> None:
        """Read the names in ``folder``; ``own`` are contents by name."""
        self._folder = folder
        self._own = dict(own)
        try:
            names = sorted(os.listdir(folder)) if folder else []
        except OSError:
            # No picture was made yet, or the folder is closed to us: the cabinet does without.
            names = []
        self._names = {name for name in names[:NAMES_MAX] if self._exists(name)}

    def addresses(self, names: Iterable[str]) -> dict[str, str]:
        """Addresses of those pictures that exist, by name."""
        known = [name for name in set(names) if name in self._own or self._has(name)]
        return {name: f"/pictures/{name}" for name in known}

    def find(self, name: str) -> Picture | None:
        """The picture of a name that is known."""
        content = self._own.get(name)
        if content is None and name in self._names:
            content = self._read(name)
        return None if content is None else Picture(content, KINDS[name.rpartition(".")[2]])

    def _has(self, name: str) -> bool:
        # The catalog was loaded while we are serving: its new copies are looked for one by one.
        if name not in self._names and len(self._names) < NAMES_MAX and self._exists(name):
            self._names.add(name)
        return name in self._names

    def _exists(self, name: str) -> bool:
        if self._folder is None or not NAME.fullmatch(name):
            return False
        try:
            return stat.S_ISREG(os.lstat(self._folder / name).st_mode)
        except OSError:
            return False

    def _read(self, name: str) -> bytes | None:
        if self._folder is None:
            return None
        # A link or a pipe that somebody has put in the place of a picture is not followed.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            with open(os.open(self._folder / name, flags), "rb") as file:
                content = file.read(BYTES_MAX + 1)
        except OSError:
            return None
        return content if len(content) <= BYTES_MAX else None
