"""A careful HTTP client, whoever answers: paced, bounded in every direction, trusting no answer."""

import json
import math
import re
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from threading import Lock
from typing import Any, ClassVar, Literal, TypeVar
from urllib.parse import urlsplit

import requests
import tenacity

from coinsync.errors import CoinsyncError, ConfigError, causes
from coinsync.waiting import TookTooLong, within

_CHUNK_BYTES = 65_536
#: Nine digits of seconds are thirty years; more of them are no time to wait.
_RETRY_AFTER = re.compile("[0-9]{1,9}")

#: What requests unpacks by itself, whatever else is installed.
PACKINGS = ("gzip", "deflate")

#: What a watcher outside is told of a run.
PingEvent = Literal["start", "success", "fail"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How often, how long and how much at most."""

    per_second: float = 4.75
    connect_seconds: float = 10.0
    # Of each silence of a socket, and of a whole answer, which may come without end byte by byte.
    read_seconds: float = 30.0
    answer_seconds: float = 90.0
    # After unpacking; five hundred lessons with long notes are several megabytes.
    answer_bytes: int = 64 * 2**20
    tries: int = 4
    tries_seconds: float = 120.0
    pause_seconds: float = 1.0
    pause_seconds_max: float = 30.0
    retry_after_seconds_max: float = 60.0
    # How long a whole run may wait for the service.
    run_seconds: float = 1800.0
    # Lives of AlfaCRM's tokens from 15 minutes on have been seen.
    token_seconds: float = 13 * 60.0


class Pace:
    """At most so many calls per second, spaced evenly, whichever threads make them."""

    def __init__(
        self, per_second: float, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._gap = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._turn = Lock()

    def wait(self) -> None:
        """Wait until the next call may be made."""
        with self._turn:
            now = self._clock()
            if now < self._next:
                self._sleep(self._next - now)
                # A sleep may take longer than asked for; the next gap begins where it ended.
                now = max(self._clock(), self._next)
            self._next = now + self._gap


class HttpSession(requests.Session):
    """A session that follows nothing and keeps its connections open for further calls."""

    def __init__(self) -> None:
        super().__init__()
        # The environment's proxies and .netrc must not be followed with a key in the request.
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # requests would read the body of a redirect without a bound, even unfollowed.
        return None


class Transient(Exception):
    """A failure that may pass, in ``after`` seconds if the service said so."""

    def __init__(self, error: CoinsyncError, after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after


class Denied(Exception):
    """The service answered 401 or 403."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Wire:
    """Posts to one service and reads the JSON that comes back; several threads may post at once.

    ``moment`` is the time (aware) on the service's latest answer, ``oddities`` counts what came
    without being asked for. A subclass says how to speak of the service, and which errors to raise.
    """

    name: ClassVar[str]
    answer: ClassVar[str]
    bad_header: ClassVar[str]
    unreachable_error: ClassVar[type[CoinsyncError]]
    answer_error: ClassVar[type[CoinsyncError]]

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        bounds: Bounds,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._pace = Pace(bounds.per_second, clock, sleep)
        self._clock = clock
        self._sleep = sleep
        self._bounds = bounds
        self._session = HttpSession()
        asked = {"Accept": "application/json", "Accept-Encoding": ", ".join(PACKINGS)}
        self._session.headers.update({**asked, **(headers or {})})
        self._lock = Lock()
        self._under_way = 0
        self._counted_until = 0.0
        self._busy_seconds = 0.0
        self.calls = 0
        self.moment: datetime | None = None
        self.oddities: Counter[str] = Counter()

    @classmethod
    def unreachable(cls, why: str) -> CoinsyncError:
        """The error for nothing usable that came back."""
        return cls.unreachable_error(f"{cls.name} out of reach ({why})")

    @classmethod
    def not_an_answer(cls, why: str) -> CoinsyncError:
        """The error for something else that answers there."""
        return cls.answer_error(f"not {cls.answer} ({why})")

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def with_retries(self, once: Callable[[], T]) -> T:
        """Try until there is an answer or a bound is reached; then raise the last failure."""
        bounds, began = self._bounds, self._count_time(calls=1)

        def is_enough(state: tenacity.RetryCallState) -> bool:
            seconds = self._clock() - began + state.upcoming_sleep
            return state.attempt_number >= bounds.tries or seconds > bounds.tries_seconds

        retrying = tenacity.Retrying(
            sleep=self._sleep,
            wait=self._pause,
            stop=is_enough,
            retry=tenacity.retry_if_exception_type(Transient),
            reraise=True,
        )
        try:
            return retrying(once)
        except Transient as failure:
            tries = retrying.statistics.get("attempt_number", 1)
            error = failure.error
            message = f"{error.message}, {tries} tries"
            raise type(error)(message, advice=error.advice) from failure
        finally:
            # Pauses count too: the bound of a run is about how long somebody waits for it.
            self._count_time(calls=-1)

    def _pause(self, state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        if isinstance(failure, Transient) and failure.after is not None:
            return failure.after
        grown = self._bounds.pause_seconds * 2.0 ** (state.attempt_number - 1)
        return min(grown, self._bounds.pause_seconds_max)

    def _count_time(self, *, calls: int) -> float:
        """Count the time until now if calls were under way, and that ``calls`` more of them are."""
        with self._lock:
            now = self._clock()
            if self._under_way:
                self._busy_seconds += now - self._counted_until
            self._counted_until = now
            self._under_way += calls
            return now

    def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Post ``body`` as JSON or ``form`` as a form, once, and return the object in the answer.

        Raises ``Transient``, ``Denied``, or an error of the service for what will not pass.
        """
        self._wait_for_turn()
        bounds = self._bounds
        connect_seconds = min(bounds.connect_seconds, bounds.answer_seconds)
        read_seconds = min(bounds.read_seconds, bounds.answer_seconds)

        def exchange() -> dict[str, Any]:
            with self._session.post(
                url,
                json=body,
                data=form,
                params=query,
                headers=headers,
                timeout=(connect_seconds, read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._answer(response)

        try:
            return within(connect_seconds + bounds.answer_seconds, exchange)
        except TookTooLong:
            # Not tried again: the next try could take as long.
            raise self.unreachable(f"answer not finished in {bounds.answer_seconds:g} s") from None
        except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
            # The text of these errors shows the header, which may be a secret.
            raise ConfigError([self.bad_header]) from None
        except requests.exceptions.ContentDecodingError as error:
            raise Transient(self.not_an_answer("cannot be unpacked")) from error
        except OSError as error:  # All errors of requests are kinds of it.
            why, advice = _failure(error)
            message = f"{self.name} out of reach at {_origin(url)} ({why})"
            raise Transient(self.unreachable_error(message, advice=advice)) from error

    def _wait_for_turn(self) -> None:
        limit = self._bounds.run_seconds
        if self._busy_seconds > limit:
            raise self.unreachable_error(f"{self.name}: still reading after {limit:.0f} s")
        self._pace.wait()
        with self._lock:
            self.calls += 1

    def _answer(self, response: requests.Response) -> dict[str, Any]:
        # The body of a refusal is not read: it may be endless, and its status says enough. That
        # costs the connection, which only a body that was read to its end leaves open.
        self._check_status(response)
        # The service's clock decides what "today" is, not the clock of this machine.
        self.moment = _moment(response.headers.get("Date", "")) or self.moment
        packing = response.headers.get("Content-Encoding", "identity").lower()
        if packing not in ("identity", *PACKINGS):
            self.oddities["answers packed in a way that was not asked for"] += 1
        text = self._body(response)
        try:
            return parsed(text)
        except (ValueError, RecursionError) as error:
            # A cut or foreign answer may be a passing fault of a proxy, so it is asked for again.
            kind = _harmless(response.headers.get("Content-Type", "no content type"))
            why = f"{kind}, {len(text)} bytes"
            raise Transient(self.not_an_answer(why)) from error

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            raise Denied(status)
        if status == 429:
            why = f"{self.name} answers that there are too many requests (HTTP 429)"
            after = self._retry_after(response.headers.get("Retry-After", ""))
            raise Transient(self.unreachable_error(why), after)
        if status >= 500:
            raise Transient(self.unreachable(f"HTTP {status}"))
        if 300 <= status < 400:
            # Following would hand the token, and at login the key, to whatever host is named.
            why = f"not {self.answer} (redirect refused, HTTP {status})"
            raise self.answer_error(why, advice=_REDIRECTED)
        if status != 200:
            raise self.not_an_answer(f"HTTP {status}")

    def _retry_after(self, text: str) -> float | None:
        if not _RETRY_AFTER.fullmatch(text):
            return None
        seconds, limit = float(text), self._bounds.retry_after_seconds_max
        if seconds > limit:
            why = f"asks to wait {seconds:.0f} s (limit {limit:.0f} s)"
            raise self.unreachable_error(f"{self.name} {why}")
        return seconds

    def _body(self, response: requests.Response) -> bytes:
        bounds = self._bounds
        deadline = self._clock() + bounds.answer_seconds
        # Left alone, requests waits until a piece is full. This hands it each piece as it arrives,
        # unpacked to no more than its size.
        read = partial(response.raw.read1, _CHUNK_BYTES, decode_content=True)
        response.raw.stream = lambda *_, **__: iter(read, b"")  # type: ignore[method-assign]
        pieces: list[bytes] = []
        size = 0
        try:
            for piece in response.iter_content(_CHUNK_BYTES):
                pieces.append(piece)
                size += len(piece)
                if size > bounds.answer_bytes:
                    raise self.not_an_answer(f"more than {bounds.answer_bytes} bytes")
                if self._clock() > deadline:
                    raise TookTooLong
        except requests.exceptions.ConnectionError as error:
            # What requests makes of a time-out within a body; a cut connection is another error.
            raise Transient(self.unreachable("no answer in time")) from error
        return b"".join(pieces)


def parsed(text: bytes) -> dict[str, Any]:
    """Read JSON strictly, also behind a byte-order mark, which files written on Windows begin with.

    Raises ``ValueError`` or ``RecursionError``.
    """
    # Python alone would also take NaN and Infinity, and read 1e999 as the latter.
    data = json.loads(
        text.decode("utf-8-sig"),
        object_pairs_hook=_unique,
        parse_float=_finite,
        parse_constant=_finite,
    )
    if not isinstance(data, dict):
        raise ValueError("not an object")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Of two values under one name Python would silently take the last.
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return fields


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number beyond all bounds")
    return value


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # At both ends of the calendar the day in another zone may be none.
    is_possible = moment.tzinfo is not None and date.min.year < moment.year < date.max.year
    return moment if is_possible else None


def _harmless(content_type: str) -> str:
    # Whoever answers there chose the characters that a message will show.
    kind = content_type.split(";")[0].strip()[:40]
    return "".join(char for char in kind if char.isalnum() or char in "/+-. ")


_REDIRECTED = "Write the address to which it leads: perhaps with https://, or another host."
#: What is told of an error that one of these lies behind, the special ones first, and what to do.
_FAILURES: Mapping[type[Exception], tuple[str, str | None]] = {
    ssl.SSLCertVerificationError: (
        "certificate refused",
        "Check the host in the address, and this machine's clock and ca-certificates.",
    ),
    ssl.SSLError: ("no https there", "Check the port in the address."),
    socket.gaierror: ("no such host", "Check the host in the address, and this machine's DNS."),
    ConnectionRefusedError: (
        "nothing listens",
        "Check the port in the address, or start what should listen there.",
    ),
    # A time-out of the connection is a kind of connection error too.
    requests.exceptions.ConnectTimeout: ("no connection in time", None),
    requests.exceptions.ReadTimeout: ("no answer in time", None),
    requests.exceptions.ConnectionError: ("no connection", None),
    requests.exceptions.InvalidURL: ("address not valid", None),
}


def _failure(error: OSError) -> tuple[str, str | None]:
    # The text of these errors may hold the address with its query, so it is not shown.
    for kind, failure in _FAILURES.items():
        if any(isinstance(cause, kind) for cause in causes(error)):
            return failure
    return "connection broken", None


def _origin(url: str) -> str:
    """Scheme, host and port of an address: what else stands there may be a secret."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that is not valid"
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def ping(url: str, event: PingEvent, seconds: float = 5.0, body: str = "") -> bool:
    """Tell a watcher outside what became of a run, in so many seconds; False if that failed.

    As healthchecks.io has it: success is the address itself, the others stand below it, and it
    keeps a ``body`` with its own time.
    """

    def exchange(address: str) -> int:
        # The status is the answer; a body, however long, is not waited for.
        with (
            HttpSession() as session,
            session.request(
                "POST" if body else "GET",
                address,
                data=body.encode(),
                timeout=(seconds, seconds),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            return response.status_code

    try:
        if event != "success":
            parts = urlsplit(url)
            url = parts._replace(path=f"{parts.path.rstrip('/')}/{event}").geturl()
        return 200 <= within(seconds, partial(exchange, url)) < 300
    except (OSError, ValueError, TookTooLong):
        return False
