"""What MySQL's and MariaDB's errors mean, told apart by their numbers and never by their texts."""

import re
import ssl
from collections.abc import Iterator, Set

from coinsync.errors import CoinsyncError, DatabaseUnavailable, DatabaseUnusable, causes

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
#: The connection is gone: peewee's own 0, shutdown, aborted, packets broken, killed, "gone away",
#: "lost", out of order, idle for too long.
LOST = {0, 1053, 1077, 1079, 1080, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 2027, 2055, 4031}
#: Files or tables that the server itself calls crashed or corrupt.
DAMAGED = {126, 127, 134, 144, 145, 1034, 1035, 1194, 1195, 1712, 1877}
#: Errors of storage that name the system's own error.
_STORAGE = frozenset({1026, 1030, 1005, 1016})
_NO_SPACE = re.compile(r"\b(errno: |error )28\b")
_TLS, _FULL = 2026, 28

_DENIED_WORDS = re.compile(r"^(.+?) command denied to user .+? for table (.+)$")

_CHECK_TLS = (
    "Check ca= in [database] url against the server's certificate, and the host's name in it."
)
_CHECK_ACCOUNT = (
    "Check user and password in [database] url, COINSYNC_DATABASE_PASSWORD, and the account's host."
)
_GRANTS = '"coinsync db grants" prints what each account needs.'
_INIT = 'Run "coinsync init", or correct [database] url.'
_RESTORE = "Do not write to it; restore it from a backup."

#: What numbers mean, and what to do where the class of the error does not say it. The first that
#: fits is told, a lost connection last: after another error it is often gone as well.
_MEANINGS: tuple[tuple[Set[int], type[CoinsyncError], str, str | None], ...] = (
    ({_FULL, 1021, 1114, 3, 1041}, DatabaseUnavailable, "{}: disk full", None),
    ({_TLS}, DatabaseUnusable, "{}: TLS failed", _CHECK_TLS),
    # Another writer was first: deadlock, lock wait, row changed since it was read, certification
    # of a cluster failed, too many transactions, rolled back at commit, lock not free.
    ({1213, 1205, 1020, 1180, 1637, 3101, 3572}, DatabaseUnavailable, "{} is busy", None),
    (NOT_READY, DatabaseUnavailable, "{}: cluster node not ready", None),
    (READ_ONLY_SERVER, DatabaseUnavailable, "{}: the server takes no writes", None),
    (READ_ONLY, DatabaseUnusable, "{} is read-only for this user", None),
    # Too many of all, of one account, or in an hour.
    ({1040, 1203, 1226}, DatabaseUnavailable, "{}: too many connections", None),
    ({2001, 2002, 2003, 2004, 2005, 2012}, DatabaseUnavailable, "cannot reach {}", None),
    # A limit of the session on how long a statement may take.
    ({1969, 3024}, DatabaseUnavailable, "{}: the answer took too long", None),
    (DENIED, DatabaseUnusable, "{}: access denied for this account", _CHECK_ACCOUNT),
    (FORBIDDEN, DatabaseUnusable, "{}: this account may not {forbidden}", _GRANTS),
    (NO_DATABASE, DatabaseUnusable, "{} does not exist", _INIT),
    (DAMAGED, CoinsyncError, "{} is damaged", _RESTORE),
    (LOST, DatabaseUnavailable, "{}: connection lost", None),
)


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
        numbers.add(_FULL)
    if any(map(_is_tls, causes(error))):
        numbers.add(_TLS)
    for meant, kind, what, advice in _MEANINGS:
        if numbers & meant:
            what = what.format(place, forbidden=_forbidden(error))
            return kind(f"database: {what}; nothing written", advice=advice)
    # The server's own words may repeat what was to be written, such as a child's name.
    which = ", ".join(map(str, sorted(numbers))) or type(error).__name__
    return CoinsyncError(f"database: {place}: the server's error {which}; nothing written")


def timed_out(error: BaseException) -> bool:
    """Whether we waited for an answer as long as we were told to."""
    return any(isinstance(cause, TimeoutError) for cause in causes(error))


def _is_tls(error: BaseException) -> bool:
    # The driver keeps what it caught beside its own error, not as its cause.
    kept = getattr(error, "original_exception", None)
    return isinstance(error, ssl.SSLError) or isinstance(kept, ssl.SSLError)


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
