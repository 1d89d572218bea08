"""The address of a MySQL or MariaDB database: hosts, an account, a database, and TLS.

    mysql://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT] …]/NAME[?OPTION=VALUE&…]

Special characters are written as %XX, also in the password. Options: ``tls`` (``on`` or ``off``),
and ``ca``, a PEM file with the authorities that are trusted.
"""

import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from coinsync.errors import DatabaseUnusable, reason_of, without_password

SCHEMES = ("mysql", "mariadb")
PORT = 3306
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_EXPECTED = "expected mysql://USER:PASSWORD@HOST/NAME"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a database is and as whom it is opened; a host is a name and a port."""

    hosts: tuple[tuple[str, int], ...]
    name: str
    user: str
    password: str = field(repr=False)
    tls: bool = False
    ca: str = ""

    def __str__(self) -> str:
        """For messages: host and database, neither account nor password."""
        hosts = ",".join(f"{host}:{port}" for host, port in self.hosts)
        return f"{hosts}/{self.name}"

    def context(self) -> ssl.SSLContext | None:
        """How to speak TLS; None without it."""
        # Making one takes longer than connecting, so each is made once.
        return _context(self.ca) if self.tls else None


@lru_cache(maxsize=8)
def _context(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError) as error:
        raise DatabaseUnusable(
            f"database: {ca} cannot be used for TLS ({reason_of(error)})"
        ) from error


def address_of(url: str) -> ServerAddress:
    """Read an address. Raises ``DatabaseUnusable``, which never says the password."""
    parts = urlsplit(url)
    account, _, hosts = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    name = unquote(parts.path[1:])
    if parts.scheme not in SCHEMES or not user or not name or "/" in name or parts.fragment:
        raise DatabaseUnusable(f"database: {without_password(url)}: {_EXPECTED}")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    ca = options.pop("ca", None)
    servers = tuple(_host(text, url) for text in hosts.split(","))
    is_local = all(host in _LOOPBACK for host, _ in servers)
    # Names of children leave this machine only encrypted, unless somebody says otherwise.
    default_tls = "off" if is_local and ca is None else "on"
    tls = options.pop("tls", default_tls)
    if options or tls not in ("on", "off") or ca == "" or (ca and tls == "off"):
        expected = "expected options tls=on, tls=off, or ca=FILE with TLS"
        raise DatabaseUnusable(f"database: {without_password(url)}: {expected}")
    return ServerAddress(
        servers, name, unquote(user), unquote(password), tls=tls == "on", ca=ca or ""
    )


def _host(text: str, url: str) -> tuple[str, int]:
    """``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``."""
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname and not parts.path:
            return parts.hostname, parts.port or PORT
    except ValueError:
        pass
    raise DatabaseUnusable(f"database: {without_password(url)}: {text!r} is no host")
