"""The database's address: made absolute, and given the password that is kept apart from it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, urlsplit

from coinsync.config import kinds
from coinsync.config.secrets import DATABASE_PASSWORD, DATABASE_URL, Secrets
from coinsync.config.settings import Settings
from coinsync.errors import SecretError, UsageError

_FILE = "sqlite:"
_PASSWORD = re.compile(r"(://[^:/@\s]*:).*@")


def database_url(settings: Settings, secrets: Secrets) -> str:
    """The database's address with its password; it is a secret from here on.

    A whole address in the place of the configured one lets the same configuration serve another
    account.
    """
    url = settings.database.url
    is_file = url.startswith(_FILE)
    # A file has no password: only the environment may name another database then, so that a file of
    # secrets with wrong rights stops nobody who only asks for a balance.
    if secrets.in_environment(DATABASE_URL) or (not is_file and secrets.has(DATABASE_URL)):
        return _from_secrets(secrets, settings.path.parent)
    if is_file or not secrets.has(DATABASE_PASSWORD):
        return url
    if ":" in urlsplit(url).netloc.rpartition("@")[0]:
        raise SecretError(f"secret: {DATABASE_PASSWORD} is given twice, here and in [database] url")
    return _with_password(url, secrets.get(DATABASE_PASSWORD).reveal())


def addressed(url: str, folder: Path, password: str = "") -> str:
    """Another database's address as it is typed; a relative path starts at ``folder``.

    Raises ``UsageError``.
    """
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


def without_password(text: str) -> str:
    """A text that may hold an address, as a message may show it."""
    return _PASSWORD.sub(r"\1***@", text)


def _from_secrets(secrets: Secrets, folder: Path) -> str:
    try:
        return absolute(kinds.database_url(secrets.get(DATABASE_URL).reveal()), folder)
    except ValueError as error:
        raise SecretError(f"secret: {DATABASE_URL}: expected {error}") from None


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    account, at, hosts = parts.netloc.rpartition("@")
    user = account.partition(":")[0]
    netloc = f"{user}:{quote(password, safe='')}{at}{hosts}"
    return parts._replace(netloc=netloc).geturl()
