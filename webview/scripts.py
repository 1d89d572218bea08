"""The page's scripts, under an address that changes whenever any of them does.

So each may be kept for ever, and modules find each other by plain relative names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KIND = "text/javascript; charset=UTF-8"

_HERE = Path(__file__).parent / "static"
_MAIN = "cabinet.js"
#: Plain scripts that run before the modules: VK Bridge 3.0.2, as its makers publish it.
_CLASSIC = ("vk-bridge.min.js",)


@dataclass(frozen=True, slots=True)
class Scripts:
    """All scripts by name, under ``folder``, which is a digest of the whole."""

    folder: str
    files: Mapping[str, bytes]

    @classmethod
    def set_up(cls) -> Scripts:
        """Read what lies beside this module."""
        files = {path.name: path.read_bytes() for path in sorted(_HERE.glob("*.js"))}
        digest = hashlib.sha256()
        for name, content in files.items():
            digest.update(name.encode() + b"\0" + content)
        return cls(digest.hexdigest()[:16], files)

    @property
    def main(self) -> str:
        """Address of the module that starts everything."""
        return self._address(_MAIN)

    @property
    def classic(self) -> tuple[str, ...]:
        """Addresses of plain scripts, which run before the modules."""
        return tuple(map(self._address, _CLASSIC))

    @property
    def modules(self) -> tuple[str, ...]:
        """Addresses of what the main module needs, to be fetched at once."""
        others = [name for name in self.files if name not in {_MAIN, *_CLASSIC}]
        return tuple(map(self._address, others))

    def find(self, folder: str, name: str) -> bytes | None:
        """The content of a script; None where it is not, or was another."""
        return self.files.get(name) if folder == self.folder else None

    def _address(self, name: str) -> str:
        return f"/static/{self.folder}/{name}"
