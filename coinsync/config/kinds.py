"""What a value of the configuration may be, beyond what values of the domain need."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coinsync.core.setting import Kind, expect, free_text, text

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_DATABASE = re.compile(r"sqlite:///.+|(mysql|mariadb)://[^/@\s]+@[^/\s]+/[^/?#\s]+(\?[^#\s]+)?")


def amount(least: float, most: float) -> Kind:
    """A number between two bounds, both included."""

    def kind(value: Any) -> float:
        fits = type(value) in (int, float) and least <= value <= most
        expect(fits, f"a number from {least:g} to {most:g}")
        return float(value)

    return kind


def texts(count: int | None = None) -> Kind:
    """A list of texts, of any length or of exactly ``count``."""
    expected = "a list of texts" if count is None else f"a list of {count} texts"

    def kind(value: Any) -> tuple[str, ...]:
        fits = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
        expect(fits and count in (None, len(value)), expected)
        return tuple(value)

    return kind


def table_of_texts(value: Any) -> dict[str, str]:
    """A table of texts by name."""
    fits = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    expect(fits, 'a table of texts such as { "X-APP-KEY" = "1" }')
    return dict(value)


def path(value: Any) -> Path:
    """A path; a relative one starts at the folder of the file."""
    return Path(text(value))


def optional_path(value: Any) -> Path | None:
    """A path, or "" for none."""
    return Path(value) if free_text(value) else None


def zone(value: Any) -> ZoneInfo:
    """A time zone by its name."""
    try:
        return ZoneInfo(text(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        expected = 'a time zone such as "Europe/Moscow" (install tzdata if it is right)'
        raise ValueError(expected) from None


def host_url(example: str) -> Kind:
    """The address of a host and nothing more."""

    def kind(value: Any) -> str:
        expected = f"an address such as {example}"
        try:
            parts = urlsplit(text(value))
        except ValueError:
            # It cannot even be taken apart.
            raise ValueError(expected) from None
        # Keys are sent there, so it is TLS, or this machine, where tests and the demo listen.
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
        named = re.fullmatch(r"[\w.:-]+", parts.hostname or "") is not None
        fits = named and plain and (parts.scheme == "https" or local)
        expect(fits, expected)
        return str(value).rstrip("/")

    return kind


def database_url(value: Any) -> str:
    """The address of a database; a server needs an account and a name."""
    fits = isinstance(value, str) and _DATABASE.fullmatch(value) is not None
    expect(fits, "sqlite:///PATH or mysql://USER@HOST/NAME")
    return str(value)
