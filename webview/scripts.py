"""The page's scripts, under an address that changes whenever any of them does.

So each may be kept for ever, and modules find each other by plain relative names.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

KIND = "text/javascript; charset=UTF-8"

_HERE = Path(__file__).parent / "static"
_MAIN = "cabinet.js"
#: Plain scripts that run before the modules: VK Bridge 3.0.2, as its makers publish it.
_CLASSIC = ("vk-bridge.min.js",)


class Scripts:
    """All scripts, under a ``folder`` named by their digest."""

    def __init__(self) -> None:
        """Read what lies beside this module."""
        paths = sorted(_HERE.glob("*.js"))
        self._files = {path.name: path.read_bytes() for path in paths}
        digest = hashlib.sha256()
        for name, content in self._files.items():
            digest.update(name.encode() + b"\0" + content)
        self.folder = digest.hexdigest()[:16]
        #: Addresses: of the module that starts everything, of plain scripts that run before it, and
        #: of the modules that it needs, so that all are fetched at once.
        self.main = self._address(_MAIN)
        self.classic = tuple(map(self._address, _CLASSIC))
        others = sorted(self._files.keys() - {_MAIN, *_CLASSIC})
        self.modules = tuple(map(self._address, others))

    def find(self, folder: str, name: str) -> bytes | None:
        """The content of a script; None where it is not, or was another."""
        return self._files.get(name) if folder == self.folder else None

    def _address(self, name: str) -> str:
        return f"/static/{self.folder}/{name}"
