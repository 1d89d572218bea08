"""Secrets by name, from the environment or from one closed file, never from both."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coinsync.errors import SecretError

DATABASE_URL, DATABASE_PASSWORD = "COINSYNC_DATABASE_URL", "COINSYNC_DATABASE_PASSWORD"
SECRET_NAMES = (
    "COINSYNC_ALFACRM_KEY",
    "COINSYNC_APP_KEY",
    "COINSYNC_VK_KEYS",
    "COINSYNC_VK_SERVICE_KEY",
    DATABASE_URL,
    DATABASE_PASSWORD,
)


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that shows itself to nobody but its one user, who calls ``reveal``."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __str__(self) -> str:
        return "***"


class Secrets:
    """Secrets by name, from the environment or from one file of mode 0600."""

    def __init__(self, file: Path, environ: Mapping[str, str]) -> None:
        """Look in ``environ`` and in ``file``, which is read when a secret is asked for."""
        self._file = file
        self._environ = environ

    def has(self, name: str) -> bool:
        """Tell whether a secret is given at all, rightly or not."""
        return name in self._environ or name in self._in_file()

    def in_environment(self, name: str) -> bool:
        """Tell whether the environment has it."""
        return name in self._environ

    def get(self, name: str) -> Secret:
        """One secret.

        Raises ``SecretError`` when it is missing, empty or given twice, or its file open to others.
        """
        in_environment, in_file = self._environ.get(name), self._in_file().get(name)
        if in_environment is not None and in_file is not None:
            raise SecretError(
                f"secret: {name} is given twice, in the environment and in {self._file.name}"
            )
        text = in_file if in_environment is None else in_environment
        if text is None:
            raise self._unusable(name, "missing")
        # A space or a newline comes from pasting, and a key that has one is refused far away.
        if not text.strip() or text != text.strip() or "\n" in text:
            raise self._unusable(name, "empty or has spaces around it")
        return Secret(text)

    def _unusable(self, name: str, state: str) -> SecretError:
        return SecretError(
            f"secret: {name} is {state}",
            advice=f"Set {name} in the environment, or write {name}=… into {self._file}"
            " (mode 0600).",
        )

    def _in_file(self) -> dict[str, str]:
        try:
            # A link could point to a file that belongs to somebody else.
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise SecretError(
                f"secret: {self._file} cannot be read ({type(error).__name__})"
            ) from error
        with os.fdopen(descriptor, encoding="utf-8") as file:
            # The rights of the file that is open, not of whatever has this name a moment later.
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise SecretError(
                    f"secret: {self._file} can be read by others (mode {mode:04o})",
                    advice=f"Run: chmod 600 {self._file}",
                )
            return self._pairs(file)

    def _pairs(self, lines: Iterable[str]) -> dict[str, str]:
        pairs: dict[str, str] = {}
        for line in lines:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            name, _, value = line.rstrip("\r\n").partition("=")
            name = name.strip()
            if name not in SECRET_NAMES:
                # The line is not shown: it may be a key without its name.
                nearest = difflib.get_close_matches(name, SECRET_NAMES, n=1, cutoff=0.0)[0]
                raise SecretError(
                    f"secret: {self._file.name}: unknown name (did you mean {nearest}?)"
                )
            pairs[name] = value
        return pairs
