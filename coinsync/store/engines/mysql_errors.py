"""What MySQL's and MariaDB's errors mean, told apart by their numbers and never by their texts."""

import re
import ssl
from collections.abc import Iterator

from coinsync.errors import CoinsyncError, DatabaseUnavailable, DatabaseUnusable
from coinsync.store.engines.base import causes

#: Another writer was first: deadlock, lock wait, row changed since it was read, certification of a
#: cluster failed, too many transactions, rolled back at commit, lock not free.
BUSY = frozenset({1213, 1205, 1020, 1180, 1637, 3101, 3572})
#: The connection is gone: peewee's own 0, shutdown, aborted, packets broken, killed, "gone away",
#: "lost", out of order, idle for too long.
LOST = frozenset(
    {0, 1053, 1077, 1079, 1080, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 2027, 2055, 4031}
)
#: Nobody answers there.
UNREACHABLE = frozenset({2001, 2002, 2003, 2004, 2005, 2012})
#: Too many connections: of all, of one account, or in an hour.
CROWDED = frozenset({1040, 1203, 1226})
#: A node of a cluster that is not part of it just now.
NOT_READY = frozenset({1047})
#: The server takes no writes just now.
READ_ONLY_SERVER = frozenset({1290, 1836, 3100})
#: A connection that reads was asked to write.
READ_ONLY = frozenset({1792})
#: The account, its password, or the way in which it proves who it is.
DENIED = frozenset({1045, 1044, 1698, 1862, 1820, 2059, 1251, 4151})
#: A right that the account lacks, be it to a table, a column or to make triggers.
FORBIDDEN = frozenset({1142, 1143, 1227, 1370, 1410, 1419})
NO_DATABASE = frozenset({1049})
FULL = frozenset({1021, 1114, 3, 28, 1041})
#: Files or tables that the server itself calls crashed or corrupt.
DAMAGED = frozenset({126, 127, 134, 144, 145, 1034, 1035, 1194, 1195, 1712, 1877})
#: A limit of the session on how long a statement may take.
TOO_SLOW = frozenset({1969, 3024})
#: Errors of storage that name the system's own error.
_STORAGE = frozenset({1026, 1030, 1005, 1016})
_NO_SPACE = re.compile(r"\b(errno: |error )28\b")

_DENIED_WORDS = re.compile(r"^(.+?) command denied to user .+? for table (.+)$")


def codes(error: BaseException) -> Iterator[int]:
    """Numbers of an error of the driver and of all that is behind it, the innermost last.

    peewee hides causes: a rollback on a dead connection says ``InterfaceError (0, '')``.
    """
    for cause in causes(error):
        # peewee puts the driver's error before the driver's own arguments.
        numbers = [value for value in cause.args[:2] if type(value) is int]
        if numbers:
            yield numbers[0]


def translate(error: BaseException, place: str) -> CoinsyncError:
    """Say in our words what the driver meant."""
    numbers = set(codes(error))
    if numbers & _STORAGE and _NO_SPACE.search(_text(error)):
        numbers.add(min(FULL))
    if any(_is_tls(cause) for cause in causes(error)):
        return DatabaseUnusable(
            f"database: {place}: TLS failed; nothing written",
            advice="Check ca= in [database] url against the server's certificate, "
            "and the host's name in it.",
        )
    for meant, kind, what in _MEANINGS:
        if numbers & meant:
            return kind(f"database: {what.format(place=place)}; nothing written")
    if numbers & DENIED:
        return DatabaseUnusable(
            f"database: {place}: access denied for this account; nothing written",
            advice="Check user and password in [database] url, COINSYNC_DATABASE_PASSWORD, "
            "and the account's host.",
        )
    if numbers & FORBIDDEN:
        return DatabaseUnusable(
            f"database: {place}: this account may not {_forbidden(error)}; nothing written",
            advice='"coinsync db grants" prints what each account needs.',
        )
    if numbers & NO_DATABASE:
        return DatabaseUnusable(
            f"database: {place} does not exist",
            advice='Run "coinsync init", or correct [database] url.',
        )
    if numbers & DAMAGED:
        return CoinsyncError(
            f"database: {place} is damaged", advice="Do not write to it; restore it from a backup."
        )
    # This comes late: after another error the connection is often gone as well.
    if numbers & LOST:
        return DatabaseUnavailable(f"database: {place}: connection lost; nothing written")
    # The server's own words may repeat what was to be written, such as a child's name.
    which = ", ".join(map(str, sorted(numbers))) or type(error).__name__
    return CoinsyncError(f"database: {place}: the server's error {which}; nothing written")


#: What needs no advice of its own. The first that fits is told.
_MEANINGS: tuple[tuple[frozenset[int], type[CoinsyncError], str], ...] = (
    (FULL, DatabaseUnavailable, "{place}: disk full"),
    (BUSY, DatabaseUnavailable, "{place} is busy"),
    (NOT_READY, DatabaseUnavailable, "{place}: cluster node not ready"),
    (READ_ONLY_SERVER, DatabaseUnavailable, "{place}: the server takes no writes"),
    (READ_ONLY, DatabaseUnusable, "{place} is read-only for this user"),
    (CROWDED, DatabaseUnavailable, "{place}: too many connections"),
    (UNREACHABLE, DatabaseUnavailable, "cannot reach {place}"),
    (TOO_SLOW, DatabaseUnavailable, "{place}: the answer took too long"),
)


def timed_out(error: BaseException) -> bool:
    """Whether we waited for an answer as long as we were told to."""
    return any(isinstance(cause, TimeoutError) for cause in causes(error))


def _is_tls(error: BaseException) -> bool:
    # The driver keeps what it caught beside its own error, not as its cause.
    kept = getattr(error, "original_exception", None)
    is_ssl = isinstance(error, ssl.SSLError) or isinstance(kept, ssl.SSLError)
    return is_ssl or error.args[:1] == (2026,)


def _text(error: BaseException) -> str:
    # What the innermost error of the driver says, else the innermost of all, in one line.
    *_, text = (str(cause) for cause in causes(error))
    for cause in causes(error):
        if any(type(value) is int for value in cause.args[:2]):
            text = str(cause.args[-1])
    return " ".join(text.split())


def _forbidden(error: BaseException) -> str:
    # "UPDATE entry", from "UPDATE command denied to user … for table `coins`.`entry`".
    match = _DENIED_WORDS.match(_text(error))
    if match is None:
        return "do this"
    table = match[2].replace("`", "").split(".")[-1]
    return f"{match[1]} {table}"
