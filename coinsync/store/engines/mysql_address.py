"""The address of a MySQL or MariaDB database: hosts, an account, a database, and TLS.

    mysql://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT] …]/NAME[?OPTION=VALUE&…]

Special characters are written as %XX, also in the password. Options: ``socket`` (path of a Unix
socket instead of hosts), ``tls`` (``on`` or ``off``), ``ca``, ``cert``, ``key`` (PEM files).
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from coinsync.errors import DatabaseUnusable, reason_of

SCHEMES = ("mysql", "mariadb")
PORT = 3306
_OPTIONS = ("socket", "tls", "ca", "cert", "key")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_EXPECTED = "expected mysql://USER:PASSWORD@HOST/NAME"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a database is and as whom it is opened; a host is a name and a port."""

    hosts: tuple[tuple[str, int], ...]
    name: str
    user: str
    password: str = field(repr=False)
    socket: str = ""
    tls: bool = False
    ca: str = ""
    cert: str = ""
    key: str = ""

    def __str__(self) -> str:
        """For messages: host and database, neither account nor password."""
        hosts = ",".join(f"{host}:{port}" for host, port in self.hosts)
        return f"{self.socket or hosts}/{self.name}"

    def context(self) -> ssl.SSLContext | None:
        """How to speak TLS; None without it."""
        # Making one takes longer than connecting, so each is made once.
        return _context(self.ca, self.cert, self.key) if self.tls else None


@lru_cache(maxsize=8)
def _context(ca: str, cert: str, key: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca or None)
        if cert:
            context.load_cert_chain(cert, key or None)
    except (OSError, ssl.SSLError) as error:
        files = " or ".join(file for file in (ca, cert, key) if file)
        raise DatabaseUnusable(
            f"database: {files} cannot be used for TLS ({reason_of(error)})"
        ) from error
    return context


def address_of(url: str) -> ServerAddress:
    """Read an address. Raises ``DatabaseUnusable``, which never says the password."""
    parts = urlsplit(url)
    account, _, hosts = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    name = unquote(parts.path[1:])
    if parts.scheme not in SCHEMES or not user or not name or "/" in name or parts.fragment:
        raise DatabaseUnusable(f"database: {shown(url)}: {_EXPECTED}")
    options = _options(parts.query, url)
    socket = options.get("socket", "")
    if (socket and hosts not in ("", "localhost")) or not (socket or hosts):
        raise DatabaseUnusable(
            f"database: {shown(url)}: expected hosts, or socket= after localhost"
        )
    servers = () if socket else tuple(_host(text, url) for text in hosts.split(","))
    is_local = all(host in _LOOPBACK for host, _ in servers)
    # Names of children leave this machine only encrypted, unless somebody says otherwise.
    default_tls = "off" if is_local and "ca" not in options else "on"
    return ServerAddress(
        servers,
        name,
        unquote(user),
        unquote(password),
        socket,
        tls=options.get("tls", default_tls) == "on",
        ca=options.get("ca", ""),
        cert=options.get("cert", ""),
        key=options.get("key", ""),
    )


def shown(url: str) -> str:
    """The address without its password."""
    scheme, mark, rest = url.partition("://")
    account, at, place = rest.rpartition("@")
    user, colon, _ = account.partition(":")
    return f"{scheme}{mark}{user}{':***' if colon else ''}{at}{place}"


def _options(query: str, url: str) -> Mapping[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    for name, value in pairs:
        if name not in _OPTIONS or not value or (name == "tls" and value not in ("on", "off")):
            listed = "tls=on, tls=off, ca=, cert=, key=, socket="
            raise DatabaseUnusable(f"database: {shown(url)}: expected options {listed}")
    if options.get("tls") == "off" and any(name in options for name in ("ca", "cert", "key")):
        raise DatabaseUnusable(f"database: {shown(url)}: expected tls=on with ca=, cert= and key=")
    return options


def _host(text: str, url: str) -> tuple[str, int]:
    """``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``."""
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname and not parts.path:
            return parts.hostname, parts.port or PORT
    except ValueError:
        pass
    raise DatabaseUnusable(f"database: {shown(url)}: {text!r} is no host")
