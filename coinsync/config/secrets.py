"""Secrets by name, and the database's address with the password that is kept apart from it."""

from __future__ import annotations

import difflib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from coinsync.config import kinds
from coinsync.config.settings import Settings
from coinsync.core.identity import clean, harmless
from coinsync.errors import SecretError, UsageError, reason_of, without_password

DATABASE_URL, DATABASE_PASSWORD = "COINSYNC_DATABASE_URL", "COINSYNC_DATABASE_PASSWORD"
ALFACRM_KEY, VK_KEYS = "COINSYNC_ALFACRM_KEY", "COINSYNC_VK_KEYS"
VK_SERVICE_KEY = "COINSYNC_VK_SERVICE_KEY"
SECRET_NAMES = (
    ALFACRM_KEY,
    "COINSYNC_APP_KEY",
    VK_KEYS,
    VK_SERVICE_KEY,
    DATABASE_URL,
    DATABASE_PASSWORD,
)
#: A variable of the environment that names one file in the place of those in the configuration.
SECRETS_FILE = "COINSYNC_SECRETS"

_FILE = "sqlite:"
_QUOTES = "\"'`“”«»„"


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
    """Secrets by name, from the environment or from a file of mode 0600, never from both.

    The keys of the VK app may stand in a file of their own, ``web_file``: the web view is given
    that one alone.
    """

    def __init__(
        self, file: Path, environ: Mapping[str, str], web_file: Path | None = None
    ) -> None:
        """Look in ``environ`` and in files, which are read when a secret is asked for."""
        self.files = [file] if web_file is None else [file, web_file]
        self._environ = environ
        self._kept_in = file

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str]) -> Secrets:
        """Secrets from where the configuration says, or ``environ`` by the name of one file."""
        named = environ.get(SECRETS_FILE)
        if named:
            secrets = cls(Path(named), environ)
            # What the environment names may be a copy, which goes with the process.
            secrets._kept_in = settings.secrets.web_file
            return secrets
        return cls(settings.secrets.file, environ, settings.secrets.web_file)

    def has(self, name: str) -> bool:
        """Tell whether a secret is given, rightly or not."""
        return name in self._environ or bool(self._in_files(name))

    def in_environment(self, name: str) -> bool:
        """Tell whether the environment has it."""
        return name in self._environ

    def get(self, name: str) -> Secret:
        """One secret. Raises ``SecretError`` when it is missing, empty or given twice."""
        given = self._in_files(name)
        if name in self._environ:
            given = {"the environment": self._environ[name], **given}
        if len(given) > 1:
            raise SecretError(f"secret: {name} is given twice, in {' and in '.join(given)}")
        text = next(iter(given.values()), None)
        if text is None:
            raise self._unusable(name, "missing")
        # Some programs that read such files take quotes off, others do not.
        if len(text) > 1 and text[0] in _QUOTES and text[-1] == text[0]:
            text = text[1:-1]
        fault = _fault(name, text)
        if fault:
            raise self._unusable(name, fault)
        return Secret(text)

    def _unusable(self, name: str, state: str) -> SecretError:
        # The web view is given no other secret.
        path = self._kept_in if name == VK_KEYS else self.files[0]
        file = f"write {name}=… into {path} (mode 0600)"
        advice = f"Set {name} in the environment, or {file}."
        return SecretError(f"secret: {name} is {state}", advice=advice)

    def _in_files(self, name: str) -> dict[str, str]:
        # What the files say under this name, by file. The web view's file is not looked at for
        # anything else: it may name an account of the database that can only read.
        values: dict[str, str] = {}
        for file in self.files if name == VK_KEYS else self.files[:1]:
            pairs = read_file(file)
            if name in pairs:
                values[file.name] = pairs[name]
        return values


def _fault(name: str, text: str) -> str:
    """What pasting made of a secret, which would be refused far away without a reason."""
    if not text.strip() or text != text.strip():
        return "empty or has spaces around it"
    if harmless(text) != text:
        return "doubtful: it has signs that nobody sees, or line breaks"
    if " #" in text:
        return "doubtful: a comment stands behind it"
    # Spaces may stand between the keys of the VK app; a password may have any letters.
    key = "" if name in (DATABASE_URL, DATABASE_PASSWORD) else text.replace(", ", ",")
    if not key.isascii() or set(key) & {" ", *_QUOTES}:
        return "doubtful: it has a quote, a space or a letter that no key has"
    return ""


def read_file(path: Path) -> dict[str, str]:
    """The names and values of a file; none where there is no file. Raises ``SecretError``."""
    if os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        said = f"secret: {path} is no file, and a link is not followed"
        raise SecretError(said, advice="Put the file itself there.")
    try:
        # A link could point to a file that belongs to somebody else, and a pipe waits for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SecretError(f"secret: {path} cannot be read ({reason_of(error)})") from error
    # Windows editors begin a file with a byte order mark.
    with os.fdopen(descriptor, encoding="utf-8-sig") as file:
        # The rights of the file that is open, not of whatever has this name a moment later.
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise SecretError(
                f"secret: {path} can be read by others (mode {mode:04o})",
                advice=f"Run: chmod 600 {path}",
            )
        try:
            lines = file.read().split("\n")
        except UnicodeDecodeError:
            advice = "Save it as UTF-8, or write comments in Latin letters."
            raise SecretError(f"secret: {path} is not UTF-8", advice=advice) from None
    pairs: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"secret: {path.name}, line {number}"
        name, _, value = line.partition("=")
        name = clean(name)
        if name.startswith("export "):
            raise SecretError(f"{where}: write NAME=value, without the word export")
        if name not in SECRET_NAMES:
            # The line is not shown: it may be a key without its name.
            nearest = difflib.get_close_matches(name, SECRET_NAMES, n=1, cutoff=0.0)[0]
            raise SecretError(f"{where}: unknown name (did you mean {nearest}?)")
        if name in pairs:
            raise SecretError(f"{where}: {name} stands there twice")
        pairs[name] = value
    return pairs


# --- the database's address ---


def database_url(settings: Settings, secrets: Secrets) -> str:
    """The database's address with its password; it is a secret from here on."""
    url = settings.database.url
    is_file = url.startswith(_FILE)
    # A database file has no password: only the environment may name another one then, so that a
    # file of secrets with wrong rights stops nobody who only asks for a balance.
    if secrets.in_environment(DATABASE_URL) or (not is_file and secrets.has(DATABASE_URL)):
        try:
            known = kinds.database_url(secrets.get(DATABASE_URL).reveal())
        except ValueError as error:
            raise SecretError(f"secret: {DATABASE_URL}: expected {error}") from None
        url = absolute(known, settings.data_folder)
        # It stands in for the whole address, with the password that it may have.
        if _has_password(url):
            return url
    if url.startswith(_FILE) or not secrets.has(DATABASE_PASSWORD):
        return url
    if _has_password(url):
        raise SecretError(f"secret: {DATABASE_PASSWORD} is given twice, here and in [database] url")
    return _with_password(url, secrets.get(DATABASE_PASSWORD).reveal())


def addressed(url: str, folder: Path, password: str = "") -> str:
    """Another database's address as it is typed; a relative path starts at ``folder``."""
    try:
        known = absolute(kinds.database_url(url), folder)
    except ValueError as error:
        raise UsageError(f"{without_password(url)}: expected {error}") from None
    if password and not known.startswith(_FILE):
        return _with_password(known, password)
    return known


def absolute(url: str, folder: Path) -> str:
    """The address with the path of a file made absolute; a server's stays as it is."""
    file = url.removeprefix("sqlite:///")
    return url if file == url else f"sqlite:///{folder / file}"


def _has_password(url: str) -> bool:
    return ":" in urlsplit(url).netloc.rpartition("@")[0]


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    account, at, hosts = parts.netloc.rpartition("@")
    user = account.partition(":")[0]
    netloc = f"{user}:{quote(password, safe='')}{at}{hosts}"
    return parts._replace(netloc=netloc).geturl()
