"""Pictures that are served: copies in a folder, and the school's own in memory.

Names hold a digest of the content, so pictures never change. Only such a name reaches the folder.
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


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it is sent; ``kind`` is its content type."""

    content: bytes
    kind: str


class Gallery:
    """The pictures in ``folder`` and ``own``, which are contents by name."""

    def __init__(self, folder: Path | None, own: Mapping[str, bytes]) -> None:
        self._folder = folder
        self._own = dict(own)
        self._seen: set[str] = set()

    def addresses(self, names: Iterable[str]) -> dict[str, str]:
        """Addresses of those pictures that exist, by name."""
        # Whoever loads the catalog while we are serving makes new copies, so what is missing is
        # looked for each time; what was there stays.
        for name in set(names) - self._seen:
            if name in self._own or self._exists(name):
                self._seen.add(name)
        return {name: f"/pictures/{name}" for name in names if name in self._seen}

    def find(self, name: str) -> Picture | None:
        """The picture of a name."""
        content = self._own.get(name) or self._read(name)
        return Picture(content, KINDS[name.rpartition(".")[2]]) if content else None

    def _exists(self, name: str) -> bool:
        if self._folder is None or not NAME.fullmatch(name):
            return False
        try:
            return stat.S_ISREG(os.lstat(self._folder / name).st_mode)
        except OSError:
            # No picture was made yet, or the folder is closed to us: the cabinet does without.
            return False

    def _read(self, name: str) -> bytes | None:
        if self._folder is None or not self._exists(name):
            return None
        # A link or a pipe that somebody has put in the place of a picture is not followed.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            with open(os.open(self._folder / name, flags), "rb") as file:
                content = file.read(BYTES_MAX + 1)
        except OSError:
            return None
        return content if len(content) <= BYTES_MAX else None
