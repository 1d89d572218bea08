"""What a careful HTTP client needs, whoever answers: paced, bounded in every direction, with no trust in the answer."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, NoReturn, TypeVar

import requests
import tenacity
import urllib3.exceptions

from coinsync.errors import CoinsyncError, ConfigError

CHUNK_BYTES = 65_536

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how much at most; every figure in seconds, bytes or pieces."""

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    answer_seconds: float = 90.0
    answer_bytes: int = 64 * 2**20
    tries: int = 4
    tries_seconds: float = 120.0
    pause_seconds: float = 1.0
    pause_seconds_max: float = 30.0
    retry_after_seconds_max: float = 60.0
    run_seconds: float = 1800.0
    token_seconds: float = 13 * 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """Whom we talk to: how to name it and its answer, what to say of a header that cannot be sent, what to raise."""

    name: str
    answer: str
    unsendable: str
    no_reach: type[CoinsyncError]
    no_answer: type[CoinsyncError]

    def out_of_reach(self, why: str) -> CoinsyncError:
        """The error that says that nothing usable came back."""
        return self.no_reach(f"{self.name} out of reach ({why})")

    def not_an_answer(self, why: str) -> CoinsyncError:
        """The error that says that something else answers there."""
        return self.no_answer(f"not {self.answer} ({why})")


class Pace:
    """At most so many calls per second for the whole account: calls are spaced evenly, the login among them."""

    def __init__(
        self, per_second: float, clock: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        """Keep to ``per_second`` by ``clock`` (monotonic seconds) and ``sleep``."""
        self._gap = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._turn = Lock()

    def wait(self) -> None:
        """Wait for this call's turn; several threads queue."""
        with self._turn:
            now = self._clock()
            if now < self._next:
                self._sleep(self._next - now)
                # A sleep may take longer than asked for; the next gap begins where it really ended.
                now = max(self._clock(), self._next)
            self._next = now + self._gap


class HttpSession(requests.Session):
    """A session that neither follows a redirect nor looks at it: looking would read its body without a bound."""

    def __init__(self) -> None:
        super().__init__()
        # The environment's proxies and .netrc are not ours to follow, least of all with a key in the request.
        self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere."""
        return None


class Transient(Exception):
    """A failure that may pass: ``error`` is what to say if it does not, ``after`` how long we were asked to wait."""

    def __init__(self, error: CoinsyncError, after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.after = after


class Denied(Exception):
    """The service answered 401 or 403."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Wire:
    """Posts to one service and reads the JSON that comes back; several threads may post at once."""

    def __init__(
        self,
        service: Service,
        *,
        pace: Pace,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        bounds: Bounds | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare sessions that send ``headers``; nothing is sent before the first call."""
        self._service = service
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._bounds = bounds or Bounds()
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._sessions: list[requests.Session] = []
        self._mine = threading.local()
        self._lock = Lock()
        self._busy_seconds = 0.0
        self.calls = 0
        self.moment: datetime | None = None

    def close(self) -> None:
        """Close all connections."""
        for session in self._sessions:
            session.close()

    def patiently(self, once: Callable[[], T]) -> T:
        """Try until there is an answer or a bound is reached; the last failure is the one to tell."""
        bounds, began = self._bounds, self._clock()

        def enough(state: tenacity.RetryCallState) -> bool:
            seconds = self._clock() - began + state.upcoming_sleep
            return state.attempt_number >= bounds.tries or seconds > bounds.tries_seconds

        retrying = tenacity.Retrying(
            sleep=self._sleep,
            stop=enough,
            wait=self._pause,
            retry=tenacity.retry_if_exception_type(Transient),
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    return once()
        except Transient as failure:
            tries = retrying.statistics.get("attempt_number", 1)
            raise type(failure.error)(f"{failure.error.message}, {tries} tries") from failure
        finally:
            with self._lock:
                self._busy_seconds += self._clock() - began
        raise AssertionError("retrying ends by return or raise")

    def _pause(self, state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        if isinstance(failure, Transient) and failure.after is not None:
            return failure.after
        grown = self._bounds.pause_seconds * 2.0 ** (state.attempt_number - 1)
        return min(grown, self._bounds.pause_seconds_max)

    def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Post ``body`` as JSON or ``form`` as a form, once, and return the object that comes back.

        Raises ``Transient`` for what may pass, ``Denied`` for 401 and 403, and the service's own errors for the rest.
        """
        service = self._service
        if self._busy_seconds > self._bounds.run_seconds:
            raise service.no_reach(
                f"{service.name}: still reading after {self._bounds.run_seconds:.0f} s"
            )
        self._pace.wait()
        with self._lock:
            self.calls += 1
        try:
            with self._session().post(
                url,
                json=None if body is None else dict(body),
                data=None if form is None else dict(form),
                params=dict(query) if query else None,
                headers=dict(headers or {}),
                timeout=(self._bounds.connect_seconds, self._bounds.read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                self._check_status(response)
                self.moment = _moment(response.headers.get("Date", "")) or self.moment
                return self._parsed(
                    self._text(response), response.headers.get("Content-Type", "no content type")
                )
        except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
            # The text of these shows the header, which may be a secret.
            raise ConfigError([service.unsendable]) from None
        except urllib3.exceptions.DecodeError as error:
            raise Transient(service.not_an_answer("cannot be unpacked")) from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Transient(service.out_of_reach(_kind(error))) from error

    def _session(self) -> requests.Session:
        """This thread's own session."""
        session: requests.Session | None = getattr(self._mine, "session", None)
        if session is None:
            session = self._mine.session = HttpSession()
            session.headers.update(self._headers)
            with self._lock:
                self._sessions.append(session)
        return session

    def _check_status(self, response: requests.Response) -> None:
        status, service = response.status_code, self._service
        if status in (401, 403):
            raise Denied(status)
        if status == 429:
            raise Transient(
                service.no_reach(
                    f"{service.name} answers that there are too many requests (HTTP 429)"
                ),
                self._retry_after(response.headers.get("Retry-After", "")),
            )
        if status >= 500:
            raise Transient(service.out_of_reach(f"HTTP {status}"))
        if 300 <= status < 400:
            # Following would hand the token, and at login the key, to whatever host is named.
            raise service.not_an_answer(f"redirect refused, HTTP {status}")
        if status != 200:
            raise service.not_an_answer(f"HTTP {status}")

    def _retry_after(self, text: str) -> float | None:
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            return None
        seconds, limit = float(text), self._bounds.retry_after_seconds_max
        if seconds > limit:
            service = self._service
            raise service.no_reach(
                f"{service.name} asks to wait {seconds:.0f} s (limit {limit:.0f} s)"
            )
        return seconds

    def _text(self, response: requests.Response) -> bytes:
        """Read the body piece by piece: the time-out of a socket bounds a piece, this bounds the whole answer."""
        deadline = self._clock() + self._bounds.answer_seconds
        pieces: list[bytes] = []
        size = 0
        while piece := response.raw.read1(CHUNK_BYTES, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if size > self._bounds.answer_bytes:
                raise self._service.not_an_answer(f"more than {self._bounds.answer_bytes} bytes")
            if self._clock() > deadline:
                raise self._service.out_of_reach(
                    f"answer not finished in {self._bounds.answer_seconds:.0f} s"
                )
        return b"".join(pieces)

    def _parsed(self, text: bytes, content_type: str) -> dict[str, Any]:
        try:
            return parsed(text)
        except (ValueError, RecursionError) as error:
            # A cut or foreign answer may be a passing fault of a proxy, so it is asked for again before it is told.
            kind = content_type.split(";")[0].strip()[:40]
            shown = "".join(char for char in kind if char.isalnum() or char in "/+-. ")
            raise Transient(self._service.not_an_answer(f"{shown}, {len(text)} bytes")) from error


def parsed(text: bytes) -> dict[str, Any]:
    """Read JSON strictly: no constants that JSON does not have, no name twice, an object outside.

    Raises ``ValueError`` or ``RecursionError``.
    """
    data = json.loads(
        text.decode(), object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse
    )
    if not isinstance(data, dict):
        raise ValueError("not an object")
    return data


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number beyond all bounds")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _kind(error: BaseException) -> str:
    """Name a network failure without its text, which may hold the address with its query."""
    names = {
        requests.exceptions.SSLError: "certificate refused",
        requests.exceptions.ConnectTimeout: "no connection in time",
        requests.exceptions.ReadTimeout: "no answer in time",
        urllib3.exceptions.ReadTimeoutError: "no answer in time",
        requests.exceptions.ConnectionError: "no connection",
        requests.exceptions.InvalidURL: "address not valid",
    }
    return next(
        (text for kind, text in names.items() if isinstance(error, kind)), "connection broken"
    )


def ping(url: str) -> bool:
    """Tell a watcher outside that the night went well; False when it could not be told. Takes at most 5 seconds."""
    try:
        # The status is the answer; a body, however long, is not waited for.
        with (
            HttpSession() as session,
            session.get(url, timeout=(2.0, 3.0), allow_redirects=False, stream=True) as response,
        ):
            return 200 <= response.status_code < 300
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
        return False
