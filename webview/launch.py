"""Who opened the app: the check of VK's signed launch query.

It never raises, whatever the text. Names and values are handled as bytes, so that two different
texts never look the same.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from urllib.parse import quote, unquote_to_bytes

from coinsync.core.identity import VK_ID_MAX

QUERY_BYTES_MAX = 4096
FIELDS_MAX = 64
KEY_LENGTH_MIN = 16
AGE_SECONDS_DEFAULT = 24 * 60 * 60
#: No setting makes a launch valid for longer than this.
AGE_SECONDS_CEILING = 7 * 24 * 60 * 60
#: How far VK's clock may be ahead of ours.
AHEAD_SECONDS_MAX = 5 * 60

_SIGN = re.compile(rb"[A-Za-z0-9_-]{43}")
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_USER = re.compile(rb"[1-9][0-9]{0,18}")
#: What Odnoklassniki itself adds to the address of an app.
_NAMES_OF_ODNOKLASSNIKI = frozenset({b"api_server", b"logged_user_id", b"auth_sig"})

Pair = tuple[bytes, bytes]


class LaunchFault(StrEnum):
    """Why a launch is refused; for the log alone."""

    NO_KEY = auto()
    NO_APP = auto()
    TOO_LONG = auto()
    TOO_MANY_FIELDS = auto()
    REPEATED = auto()
    NO_SIGN = auto()
    BAD_SIGN_FORM = auto()
    BAD_SIGNATURE = auto()
    WRONG_APP = auto()
    BAD_TIMESTAMP = auto()
    TOO_OLD = auto()
    FROM_THE_FUTURE = auto()
    BAD_USER = auto()
    ODNOKLASSNIKI = auto()


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who launched the app, as VK vouches for it."""

    vk: int
    language: str


def verify(
    query: str,
    *,
    keys: Sequence[str],
    app_id: int,
    now: int,
    age_seconds_max: int = AGE_SECONDS_DEFAULT,
) -> Visitor | LaunchFault:
    """Check a launch query, without "?", at ``now`` in Unix seconds.

    Any of ``keys`` may have signed it, so that a key can be changed while old launches live.
    """
    # A short key could be guessed; a deployment that has one is refused as if it had none.
    usable_keys = [key for key in keys if len(key) >= KEY_LENGTH_MIN]
    if not usable_keys:
        return LaunchFault.NO_KEY
    if app_id <= 0:
        return LaunchFault.NO_APP
    fields = _signed_fields(query, usable_keys)
    if isinstance(fields, LaunchFault):
        return fields
    fault = _misfit(fields, app_id)
    if fault:
        return fault
    launched_at = int(fields[b"vk_ts"])
    if now - launched_at > min(age_seconds_max, AGE_SECONDS_CEILING):
        return LaunchFault.TOO_OLD
    if launched_at - now > AHEAD_SECONDS_MAX:
        return LaunchFault.FROM_THE_FUTURE
    return Visitor(
        vk=int(fields[b"vk_user_id"]),
        language=fields.get(b"vk_language", b"").decode("utf-8", "replace"),
    )


def signature(pairs: Iterable[Pair], key: str) -> bytes:
    """Sign the pairs named ``vk_…``, ordered by name: 43 bytes."""
    signed = sorted((name, value) for name, value in pairs if name.startswith(b"vk_"))
    text = b"&".join(name + b"=" + quote(value, safe="").encode() for name, value in signed)
    digest = hmac.digest(key.encode("utf-8", "surrogatepass"), text, hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=")


def sign(fields: Mapping[str, str], key: str) -> str:
    """Write the launch query that VK would send for ``fields``."""
    pairs = [(name.encode(), value.encode()) for name, value in fields.items()]
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    return f"{query}&sign={signature(pairs, key).decode()}"


def _signed_fields(query: str, keys: Sequence[str]) -> dict[bytes, bytes] | LaunchFault:
    """Read the fields that VK signed, or say why nothing can be believed."""
    # A character is at least a byte, so the cheap test spares the work on a very long text.
    if len(query) > QUERY_BYTES_MAX:
        return LaunchFault.TOO_LONG
    raw = query.encode("utf-8", "surrogatepass")
    if len(raw) > QUERY_BYTES_MAX:
        return LaunchFault.TOO_LONG
    if raw.count(b"&") >= FIELDS_MAX:
        return LaunchFault.TOO_MANY_FIELDS
    fields: dict[bytes, bytes] = {}
    from_odnoklassniki = False
    for part in raw.split(b"&"):
        # Names are decoded before they are compared: "%76k_user_id" is vk_user_id as well.
        name, _, value = map(unquote_to_bytes, part.replace(b"+", b" ").partition(b"="))
        from_odnoklassniki |= name in _NAMES_OF_ODNOKLASSNIKI
        if not name.startswith(b"vk_") and name != b"sign":
            continue
        # A reader that takes the first and one that takes the last of two equal names would see
        # different visitors.
        if name in fields:
            return LaunchFault.REPEATED
        fields[name] = value
    fault = _signature_fault(fields.pop(b"sign", b""), fields, keys)
    if fault is LaunchFault.NO_SIGN and from_odnoklassniki:
        # Signed in a way of its own, which is not read: these names only choose the words.
        return LaunchFault.ODNOKLASSNIKI
    return fault or fields


def _signature_fault(
    given: bytes, fields: Mapping[bytes, bytes], keys: Sequence[str]
) -> LaunchFault | None:
    if not given:
        return LaunchFault.NO_SIGN
    if not _SIGN.fullmatch(given):
        return LaunchFault.BAD_SIGN_FORM
    # The list is built in full before any() looks at it: how long this takes does not tell which
    # key was the right one.
    matches = [hmac.compare_digest(signature(fields.items(), key), given) for key in keys]
    return None if any(matches) else LaunchFault.BAD_SIGNATURE


def _misfit(fields: Mapping[bytes, bytes], app_id: int) -> LaunchFault | None:
    if fields.get(b"vk_app_id") != str(app_id).encode():
        return LaunchFault.WRONG_APP
    if not _TIMESTAMP.fullmatch(fields.get(b"vk_ts", b"")):
        return LaunchFault.BAD_TIMESTAMP
    user = fields.get(b"vk_user_id", b"")
    if not _USER.fullmatch(user) or int(user) > VK_ID_MAX:
        return LaunchFault.BAD_USER
    # What vk_user_id means inside Odnoklassniki is not documented; it must not open somebody
    # else's cabinet.
    if fields.get(b"vk_client") == b"ok" or fields.get(b"vk_platform", b"").endswith(b"_ok"):
        return LaunchFault.ODNOKLASSNIKI
    return None
