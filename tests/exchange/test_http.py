"""One call to the CRM over real HTTP: paced, bounded, its token renewed, no answer trusted.

The simulator plays the CRM where it knows the trouble; where it does not, a stub writes bytes on a
socket.
"""

import gzip
import json
import socket
import ssl
import struct
import subprocess
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.errors import CoinsyncError, ConfigError, CrmRefused, CrmUnreachable, NotAnAnswer
from coinsync.exchange.http import Http
from coinsync.exchange.wire import Bounds, Pace, ping
from coinsync.simulator import Options, Simulator
from tests.support.edited_school import EditedSchool

TODAY = date(2026, 11, 21)
PER_SECOND = 5 * 0.95
SCHOOL = EditedSchool(seed=7, residents=20, days=10, today=TODAY)
BRANCHES = "branch/index"
KEY = "key-that-nobody-may-see"
TOKEN = "token-that-nobody-may-see"


class Time:
    """A clock and a sleep that take no time; ``slept`` keeps sleeps, ``late`` is added to each."""

    def __init__(self, late: float = 0.0) -> None:
        self.now = 1000.0
        self.late = late
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Monotonic seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.slept.append(seconds)
        self.now += seconds + self.late


# The stub

Answer = Callable[[socket.socket], None]


def greets(wire: socket.socket) -> None:
    """The first line of a mail server."""
    wire.sendall(b"220 mail.example ESMTP\r\n")


def says(body: bytes, *headers: str, status: str = "200 OK") -> Answer:
    """A whole answer; headers may replace the length and the type."""
    given = {line.split(":")[0].lower() for line in headers}
    if "transfer-encoding" in given:
        given.add("content-length")
    usual = {"Content-Type": "application/json; charset=UTF-8", "Content-Length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in usual.items() if name.lower() not in given]
    head = "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *lines, *headers])
    return lambda wire: wire.sendall(head.encode("latin-1") + b"\r\n\r\n" + body)


def resets(answer: Answer) -> Answer:
    """What the answer sends, and then a reset instead of an orderly end."""

    def send(wire: socket.socket) -> None:
        answer(wire)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return send


def nothing(wire: socket.socket) -> None:
    """Not a byte."""


def endless(head: Answer) -> Answer:
    """An answer that goes on for as long as anybody listens."""

    def send(wire: socket.socket) -> None:
        head(wire)
        while True:
            wire.sendall(bytes(65_536))

    return send


TOKEN_GIVEN = says(json.dumps({"token": TOKEN}).encode())
FINE = says(b'{"total": 0, "count": 0, "page": 0, "items": []}')


class Stub:
    """Listens on this machine and gives one answer per connection, the last one again and again."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self._answers = answers
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.02)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="stub")

    @property
    def url(self) -> str:
        """The address, with the scheme it speaks."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> "Stub":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                wire, _ = self._listener.accept()
            except TimeoutError:
                continue
            with wire:
                wire.settimeout(5.0)
                try:
                    self._answer(wire)
                except OSError:
                    continue

    def _answer(self, wire: socket.socket) -> None:
        if self._tls is None:
            self._talk(wire)
            return
        with self._tls.wrap_socket(wire, server_side=True) as spoken:
            self._talk(spoken)

    def _talk(self, wire: socket.socket) -> None:
        self.requests.append(_request(wire))
        self._answers[min(len(self.requests), len(self._answers)) - 1](wire)


def _request(wire: socket.socket) -> bytes:
    """One whole request."""
    text = b""
    while b"\r\n\r\n" not in text:
        piece = wire.recv(65_536)
        if not piece:
            raise ConnectionError
        text += piece
    head, _, body = text.partition(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1]
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    while lengths and len(body) < int(lengths[0]):
        body += wire.recv(65_536)
    return head + b"\r\n\r\n" + body


# The client


@contextmanager
def opened(
    url: str,
    *,
    clock: Time | None = None,
    key: str = KEY,
    email: str = "api@school.example",
    per_second: float = 1e9,
    headers: dict[str, str] | None = None,
    **bounds: Any,
) -> Iterator[Http]:
    """A connection that waits for nothing; ``answer_seconds`` gives it a real clock."""
    timing = clock or Time()
    http = Http(
        url,
        email,
        key,
        clock=timing if "answer_seconds" not in bounds else time.monotonic,
        sleep=timing.sleep,
        bounds=Bounds(per_second=per_second, **bounds),
        headers=headers,
    )
    try:
        yield http
    finally:
        http.close()


@contextmanager
def pretended(
    options: Options | None = None, clock: Time | None = None, **settings: Any
) -> Iterator[Any]:
    """A simulator and a connection to it, as a pair."""
    timing: dict[str, Any] = {"clock": clock} if clock else {}
    with (
        Simulator(SCHOOL, options=options or Options(rate_limit=None), **timing) as simulator,
        opened(simulator.url, clock=clock, **{"key": simulator.api_key, **settings}) as http,
    ):
        yield simulator, http


def statuses(simulator: Simulator) -> list[int]:
    """The statuses of all answers so far."""
    return [one.status for one in simulator.requests]


def logins(simulator: Simulator) -> int:
    """How often a token was asked for."""
    return sum(one.path.endswith("auth/login") for one in simulator.requests)


# Pace


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0, 0.5))
def test_calls_are_never_closer_than_the_pace(work: list[float], late: float) -> None:
    """Whatever the work between two calls, and however late a sleep ends."""
    clock = Time(late)
    pace = Pace(PER_SECOND, clock, clock.sleep)
    moments = []
    for seconds in [0.0, *work]:
        clock.now += seconds
        pace.wait()
        moments.append(clock.now)
    assert all(later - earlier > 1 / PER_SECOND - 1e-9 for earlier, later in pairwise(moments))


def test_the_login_is_counted_by_the_pace() -> None:
    """A CRM that allows 5 in any second never sees a sixth, login and renewals among them."""
    clock = Time()
    with pretended(Options(rate_limit=5.0, token_life=2.0), clock, per_second=PER_SECOND) as (
        crm,
        http,
    ):
        for _ in range(40):
            http.call(BRANCHES, {})
    moments = [one.at for one in crm.requests]
    assert logins(crm) > 3
    assert 429 not in statuses(crm)
    assert all(later - earlier > 1 / PER_SECOND - 1e-9 for earlier, later in pairwise(moments))


def test_tries_keep_to_the_pace_too() -> None:
    """A pause of nothing is still a turn to wait for."""
    clock = Time()
    with pretended(clock=clock, per_second=PER_SECOND, pause_seconds=0.0) as (crm, http):
        crm.faults.add("error_500")
        with pytest.raises(CrmUnreachable):
            http.call(BRANCHES, {})
    assert sum(clock.slept) > 2 / PER_SECOND


# The token


def test_one_login_serves_many_calls() -> None:
    """The token is kept."""
    with pretended() as (crm, http):
        for _ in range(5):
            http.call(BRANCHES, {})
    assert logins(crm) == 1
    assert http.calls == len(crm.requests) == 6


def test_a_token_is_not_kept_for_14_minutes() -> None:
    """A CRM whose tokens live 14 minutes never has to refuse one."""
    clock = Time()
    with pretended(Options(rate_limit=None, token_life=14 * 60.0), clock) as (crm, http):
        for _ in range(120):
            http.call(BRANCHES, {})
            clock.now += 30
    assert set(statuses(crm)) == {200}
    assert logins(crm) == 5


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_token_is_renewed_once_and_the_call_repeated(code: int) -> None:
    """Whichever of the two statuses the CRM uses, and however short its tokens live."""
    clock = Time()
    options = Options(rate_limit=None, token_life=60.0, refusal_code=code)  # type: ignore[arg-type]
    with pretended(options, clock) as (crm, http):
        http.call(BRANCHES, {})
        clock.now += 60
        assert http.call(BRANCHES, {})["total"] == 2
    assert statuses(crm) == [200, 200, code, 200, 200]


def test_a_token_lost_in_mid_run_is_renewed() -> None:
    """The run goes on."""
    with pretended() as (crm, http):
        crm.faults.add("lost_token", at=[2, 4])
        for _ in range(3):
            assert http.call(BRANCHES, {})["total"] == 2
    assert statuses(crm) == [200, 200, 401, 200, 200, 401, 200, 200]


def test_another_login_may_kill_our_token() -> None:
    """We log in again."""
    with pretended(Options(rate_limit=None, new_login_kills_old=True)) as (crm, http):
        http.call(BRANCHES, {})
        with opened(crm.url, key=crm.api_key) as other:
            other.call(BRANCHES, {})
        assert http.call(BRANCHES, {})["total"] == 2
    assert statuses(crm) == [200, 200, 200, 200, 401, 200, 200]


def test_a_second_refusal_is_the_last_word() -> None:
    """A role without the right: refused after one fresh login, not in a loop."""
    with (
        pretended(Options(rate_limit=None, user_without_right=True)) as (crm, http),
        pytest.raises(CrmRefused, match=r"HTTP 403, twice"),
    ):
        http.call(BRANCHES, {})
    assert statuses(crm) == [200, 403, 200, 403]
    assert CrmRefused.exit_code == 2


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_login_is_not_repeated(code: int) -> None:
    """A wrong key stays wrong: one request in all, however often the run asks."""
    options = Options(rate_limit=None, login_refusal_code=code)  # type: ignore[arg-type]
    with pretended(options, key="wrong") as (crm, http):
        for _ in range(3):
            with pytest.raises(CrmRefused, match=f"refused e-mail or key .HTTP {code}."):
                http.call(BRANCHES, {})
    assert statuses(crm) == [code]


def test_a_lost_answer_to_the_login_is_asked_for_again() -> None:
    """A login may be repeated safely."""
    with pretended() as (crm, http):
        crm.faults.add("drop", match="auth/login", times=1)
        assert http.call(BRANCHES, {})["total"] == 2
    assert logins(crm) == 2


@pytest.mark.parametrize(
    "answer",
    [b"{}", b'{"token": ""}', b'{"token": null}', b'{"token": 5}', b'{"token": " a"}',
     b'{"token": "a\\nb"}', '{"token": "ключ"}'.encode()]
)  # fmt: skip
def test_a_login_without_a_token_is_no_answer(answer: bytes) -> None:
    """A token is one word that a header can carry."""
    with (
        Stub(says(answer)) as stub,
        opened(stub.url) as http,
        pytest.raises(NotAnAnswer, match="without a token"),
    ):
        http.call(BRANCHES, {})


# What is sent


def test_a_call_is_json_over_post() -> None:
    """Address, query, body and headers as the CRM wants them; no token at the login."""
    with pretended(headers={"X-APP-KEY": "school"}) as (crm, http):
        http.call("1/cgi/index", {"page": 0, "pageSize": 500}, {"group_id": 1})
    login, call = crm.requests
    assert (login.method, login.path) == ("POST", "/v2api/auth/login")
    assert "x-alfacrm-token" not in login.headers
    assert login.fields() == {"email": crm.email, "api_key": crm.api_key}
    assert (call.method, call.path, call.query) == ("POST", "/v2api/1/cgi/index", {"group_id": "1"})
    assert call.fields() == {"page": 0, "pageSize": 500}
    assert call.headers["x-alfacrm-token"]
    for seen in crm.requests:
        assert seen.headers["content-type"] == seen.headers["accept"] == "application/json"
        assert seen.headers["x-app-key"] == "school"


def test_a_required_application_key_can_be_sent() -> None:
    """A further header from the configuration lets us in."""
    with pretended(
        Options(rate_limit=None, required_app_key="school"), headers={"X-APP-KEY": "school"}
    ) as (_, http):
        assert http.call(BRANCHES, {})["total"] == 2


def test_the_address_may_end_with_a_slash() -> None:
    """One slash between host and path all the same."""
    with Simulator(SCHOOL) as crm, opened(crm.url + "/", key=crm.api_key) as http:
        http.call(BRANCHES, {})
    assert [one.path for one in crm.requests] == ["/v2api/auth/login", "/v2api/branch/index"]


def test_the_time_on_the_answer_is_kept() -> None:
    """The CRM's own idea of now, aware; what is no time is passed over."""
    dates = [
        "Sat, 21 Nov 2026 10:00:00 GMT",
        "soon",
        "Sat, 21 Nov 2026 10:00:00 +99999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ]
    answers = [says(b"{}", f"Date: {text}") for text in dates]
    with Stub(TOKEN_GIVEN, *answers) as stub, opened(stub.url) as http:
        assert http.moment is None
        for _ in dates:
            http.call(BRANCHES, {})
            assert http.moment == datetime(2026, 11, 21, 10, tzinfo=UTC)


# 429


def test_retry_after_is_honoured() -> None:
    """We wait as long as we are asked to."""
    clock = Time()
    with pretended(Options(rate_limit=None, retry_after=2.0), clock) as (crm, http):
        crm.faults.add("too_many", times=1)
        assert http.call(BRANCHES, {})["total"] == 2
    assert [seconds for seconds in clock.slept if seconds > 0.1] == [2.0]


def test_a_long_retry_after_is_refused_at_once() -> None:
    """Nobody waits longer than a minute for one answer."""
    clock = Time()
    with pretended(Options(rate_limit=None, retry_after=61.0), clock) as (crm, http):
        crm.faults.add("too_many")
        with pytest.raises(CrmUnreachable, match=r"asks to wait 61 s \(limit 60 s\)"):
            http.call(BRANCHES, {})
    assert len(crm.requests) == 1
    assert sum(clock.slept) < 0.1


@pytest.mark.parametrize("body", ["json", "html"])
def test_without_retry_after_the_pauses_grow(body: str) -> None:
    """1, 2 and 4 seconds, and then it is said."""
    clock = Time()
    with pretended(Options(rate_limit=None, too_many_body=body), clock) as (crm, http):  # type: ignore[arg-type]
        crm.faults.add("too_many", match=BRANCHES)
        with pytest.raises(CrmUnreachable, match=r"too many requests \(HTTP 429\), 4 tries"):
            http.call(BRANCHES, {})
    assert statuses(crm) == [200, 429, 429, 429, 429]
    assert [seconds for seconds in clock.slept if seconds > 0.1] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "text", ["Sat, 21 Nov 2026 10:00:00 GMT", "-1", "1e9", "2.5", "soon", "9" * 30, ""]
)
def test_a_retry_after_that_is_no_number_is_passed_over(text: str) -> None:
    """The usual pause is made instead."""
    clock = Time()
    crowded = says(b"{}", f"Retry-After: {text}", status="429 Too Many Requests")
    with Stub(TOKEN_GIVEN, crowded, FINE) as stub, opened(stub.url, clock=clock) as http:
        assert http.call(BRANCHES, {})["total"] == 0
    assert [seconds for seconds in clock.slept if seconds > 0.1] == [1.0]


# Server errors


@pytest.mark.parametrize("kind", ["error_500", "error_502", "error_503", "error_504"])
def test_a_server_error_that_passes_is_not_told(kind: str) -> None:
    """Two, and then the answer."""
    with pretended() as (crm, http):
        crm.faults.add(kind, match=BRANCHES, times=2)
        assert http.call(BRANCHES, {})["total"] == 2
    assert len(crm.requests) == 4


@pytest.mark.parametrize("kind", ["error_500", "error_502", "error_503", "error_504"])
def test_a_server_error_that_stays_is_told_after_four_tries(kind: str) -> None:
    """With its status."""
    with pretended() as (crm, http):
        crm.faults.add(kind, match=BRANCHES)
        with pytest.raises(CrmUnreachable, match=rf"HTTP {kind[-3:]}\), 4 tries"):
            http.call(BRANCHES, {})
    assert len(crm.requests) == 5
    assert CrmUnreachable.exit_code == 75


def test_the_tries_of_one_call_end_with_its_time() -> None:
    """Two minutes, whatever the number of tries."""
    clock = Time()
    with pretended(clock=clock, tries=50) as (crm, http):
        crm.faults.add("error_503", match=BRANCHES)
        with pytest.raises(CrmUnreachable):
            http.call(BRANCHES, {})
    assert 60 < sum(clock.slept) <= 121
    assert len(crm.requests) < 10


def read_on(http: Http) -> None:
    """Call and call again."""
    while True:
        http.call(BRANCHES, {})


def test_a_run_ends_with_its_time() -> None:
    """A CRM that is slow but steady is read for as long as the bound says."""
    clock = Time()
    with pretended(clock=clock, per_second=1 / 60, run_seconds=300.0) as (crm, http):
        for _ in range(5):
            http.call(BRANCHES, {})
        with pytest.raises(CrmUnreachable, match="still reading after 300 s"):
            read_on(http)
    assert len(crm.requests) == 7


def test_time_between_calls_is_not_the_crms() -> None:
    """A person who thinks about a plan for an hour does not use up the run's time."""
    clock = Time()
    with pretended(clock=clock, run_seconds=300.0) as (_, http):
        for _ in range(3):
            http.call(BRANCHES, {})
            clock.now += 3600


# Not an answer

SPOILT = [
    "html_200",
    "empty_body",
    "null_body",
    "list_body",
    "cut_json",
    "duplicate_keys",
    "nan",
    "huge",
    "deep",
]


@pytest.mark.parametrize("kind", SPOILT)
def test_what_is_not_an_answer_is_told_after_four_tries(kind: str) -> None:
    """A strange answer is never taken for data."""
    with pretended() as (crm, http):
        crm.faults.add(kind, match=BRANCHES)
        with pytest.raises(
            NotAnAnswer, match=r"not an AlfaCRM answer \((text/html|application/json), \d+ bytes\)"
        ):
            http.call(BRANCHES, {})
    assert len(crm.requests) == 5
    assert NotAnAnswer.exit_code == 75


@pytest.mark.parametrize("kind", SPOILT)
def test_what_is_not_an_answer_once_is_asked_for_again(kind: str) -> None:
    """A passing fault of something in between is not told."""
    with pretended() as (crm, http):
        crm.faults.add(kind, times=1, match=BRANCHES)
        assert http.call(BRANCHES, {})["total"] == 2


@pytest.mark.parametrize(
    "body",
    [
        b'{"total": Infinity}', b'{"total": -Infinity}', b'{"total": 1e400}',
        b'{"total": -1e400}', b'"text"', b"7",
        b'{"items": [{"id": 1, "id": 2}]}', b'{"total": "\xff"}',
        b'\xef\xbb\xbf\xef\xbb\xbf{"total": 1}',
        b'{"total": 1} x',
        b'{"total": 1}{"total": 2}', b'{"total": 01}', b'{\'total\': 1}', b'{"total": 1,}',
        b'{"a": "\n"}', b"\x00",
        b'{"items": ' + b'[{"a": ' * 100_000,
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)  # fmt: skip
def test_json_is_read_strictly(body: bytes) -> None:
    """No constants that JSON lacks, no infinite number, no name twice, nothing after the end."""
    with (
        Stub(TOKEN_GIVEN, says(body)) as stub,
        opened(stub.url, tries=1) as http,
        pytest.raises(NotAnAnswer),
    ):
        http.call(BRANCHES, {})


def test_a_byte_order_mark_is_passed_over() -> None:
    """A proxy, or a file that PHP includes, writes one before the answer."""
    with Stub(TOKEN_GIVEN, says(b'\xef\xbb\xbf{"total": 1}')) as stub, opened(stub.url) as http:
        assert http.call(BRANCHES, {}) == {"total": 1}


@pytest.mark.parametrize("status", [201, 204, 206, 400, 404, 405, 418, 422])
def test_any_other_status_is_no_answer_and_not_asked_again(status: int) -> None:
    """An address that is wrong stays wrong."""
    with Stub(TOKEN_GIVEN, says(b"{}", status=f"{status} Odd")) as stub, opened(stub.url) as http:
        with pytest.raises(NotAnAnswer, match=f"HTTP {status}"):
            http.call(BRANCHES, {})
        assert len(stub.requests) == 2


def test_the_type_of_a_strange_answer_is_told_harmlessly() -> None:
    """Without control characters, and not all of it."""
    odd = says(b"<html>", "Content-Type: text/html\x1b[31m" + "x" * 200)
    with (
        Stub(TOKEN_GIVEN, odd) as stub,
        opened(stub.url) as http,
        pytest.raises(NotAnAnswer) as caught,
    ):
        http.call(BRANCHES, {})
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 120


# Redirects


@pytest.mark.parametrize(
    "status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"]
)
@pytest.mark.parametrize("at_login", [True, False])
def test_a_redirect_is_refused(status: str, at_login: bool) -> None:
    """No second request, so neither the key nor the token is handed to another host."""
    with Stub(FINE) as elsewhere:
        redirect = says(b"", f"Location: {elsewhere.url}/v2api/auth/login", status=status)
        answers = [redirect] if at_login else [TOKEN_GIVEN, redirect]
        with Stub(*answers) as stub, opened(stub.url) as http:
            refused = pytest.raises(NotAnAnswer, match=f"redirect refused, HTTP {status[:3]}")
            with refused as caught:
                http.call(BRANCHES, {})
            assert "https://" in caught.value.advice
            assert len(stub.requests) == len(answers)
        assert elsewhere.requests == []


@pytest.mark.parametrize("kind", [302, 307])
def test_a_redirect_of_the_crm_is_refused(kind: int) -> None:
    """Also when it comes from the CRM itself, in mid-run."""
    with Stub(FINE) as elsewhere, pretended() as (crm, http):
        http.call(BRANCHES, {})
        crm.faults.add("redirect", status=kind, to=f"{elsewhere.url}/")
        with pytest.raises(NotAnAnswer, match="redirect refused"):
            http.call(BRANCHES, {})
        assert elsewhere.requests == []
    assert len(crm.requests) == 3


@pytest.mark.parametrize(
    "to", ["file:///etc/hostname", "http://[", "//", "/v2api/branch/index", "data:,x", "\xff"]
)
def test_where_a_redirect_leads_does_not_matter(to: str) -> None:
    """To a file, to nowhere, or back to itself."""
    redirect = says(b"", f"Location: {to}", status="302 Found")
    with Stub(TOKEN_GIVEN, redirect) as stub, opened(stub.url) as http:
        with pytest.raises(NotAnAnswer, match="redirect refused"):
            http.call(BRANCHES, {})
        assert len(stub.requests) == 2


def test_the_body_of_a_redirect_is_not_read() -> None:
    """However much of it there is."""
    redirect = endless(
        says(b"", "Location: /elsewhere", "Content-Length: 1000000000000", status="302 Found")
    )
    with (
        Stub(TOKEN_GIVEN, redirect) as stub,
        opened(stub.url) as http,
        pytest.raises(NotAnAnswer, match="redirect refused"),
    ):
        http.call(BRANCHES, {})


# Bodies without end


def test_a_packed_answer_is_unpacked() -> None:
    """Gzip is what most servers send."""
    packed = says(gzip.compress(b'{"total": 3}'), "Content-Encoding: gzip")
    with Stub(TOKEN_GIVEN, packed) as stub, opened(stub.url) as http:
        assert http.call(BRANCHES, {}) == {"total": 3}


def test_packing_that_was_not_asked_for_is_counted() -> None:
    """It is read where it can be, and it is a sign of something in between."""
    body = gzip.compress(b'{"total": 3}')
    answers = [says(body, f"Content-Encoding: {how}") for how in ("gzip", "x-gzip", "br")]
    with Stub(TOKEN_GIVEN, *answers) as stub, opened(stub.url, tries=1) as http:
        assert http.call(BRANCHES, {}) == http.call(BRANCHES, {}) == {"total": 3}
        with pytest.raises(NotAnAnswer):
            http.call(BRANCHES, {})
    assert b"accept-encoding: gzip, deflate\r\n" in stub.requests[0].lower()
    assert dict(http.oddities) == {"answers packed in a way that was not asked for": 2}


def test_an_answer_in_chunks_is_put_together() -> None:
    """The other way of sending a body."""
    chunks = says(b'5\r\n{"tot\r\n7\r\nal": 3}\r\n0\r\n\r\n', "Transfer-Encoding: chunked")
    with Stub(TOKEN_GIVEN, chunks) as stub, opened(stub.url) as http:
        assert http.call(BRANCHES, {}) == {"total": 3}


@pytest.mark.parametrize(
    "body",
    [b"rubbish", gzip.compress(b'{"total": 3}', mtime=0)[:-12], b""],
    ids=["rubbish", "cut", "empty"],
)
def test_rubbish_in_the_place_of_gzip_is_no_answer(body: bytes) -> None:
    """After four tries."""
    packed = says(body, "Content-Encoding: gzip")
    with Stub(TOKEN_GIVEN, packed) as stub, opened(stub.url) as http:
        with pytest.raises(NotAnAnswer):
            http.call(BRANCHES, {})
        assert len(stub.requests) == 5


def test_a_packed_bomb_is_stopped_at_the_limit() -> None:
    """200 MB of zeros in 200 kB: what is held in memory stays near the limit."""
    bomb = gzip.compress(bytes(200 * 2**20), 1)
    with Stub(TOKEN_GIVEN, says(bomb, "Content-Encoding: gzip")) as stub:
        tracemalloc.start()
        try:
            with (
                opened(stub.url, answer_bytes=2**20) as http,
                pytest.raises(NotAnAnswer, match="more than 1048576"),
            ):
                http.call(BRANCHES, {})
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert len(stub.requests) == 2
    assert peak < 16 * 2**20


def test_a_plain_answer_is_stopped_at_the_limit() -> None:
    """A server that never ends is not listened to for ever."""
    flood = endless(says(b"", "Content-Length: 1000000000000"))
    with (
        Stub(TOKEN_GIVEN, flood) as stub,
        opened(stub.url, answer_bytes=2**20) as http,
        pytest.raises(NotAnAnswer, match="more than 1048576 bytes"),
    ):
        http.call(BRANCHES, {})


def test_a_drip_is_stopped_at_the_deadline() -> None:
    """A byte now and then satisfies the time-out of a socket, but not that of the whole answer."""
    with pretended(answer_seconds=0.2) as (crm, http):
        crm.faults.add("drip", match=BRANCHES, seconds=0.02)
        began = time.monotonic()
        with pytest.raises(CrmUnreachable, match="answer not finished in"):
            http.call(BRANCHES, {})
        assert time.monotonic() - began < 2
    assert len(crm.requests) == 2


def test_silence_is_stopped_by_the_time_out() -> None:
    """An answer that does not even begin, as often as there are tries."""
    with pretended(read_seconds=0.1, tries=2) as (crm, http):
        crm.faults.add("hang", match=BRANCHES, seconds=30)
        with pytest.raises(CrmUnreachable, match=r"no answer in time\), 2 tries"):
            http.call(BRANCHES, {})
    assert len(crm.requests) == 3


# The wire


@pytest.mark.parametrize("where", ["before", "middle"])
def test_a_dropped_answer_is_asked_for_again(where: str) -> None:
    """A cut connection passes."""
    with pretended() as (crm, http):
        crm.faults.add("drop", where=where, match=BRANCHES, times=3)
        assert http.call(BRANCHES, {})["total"] == 2
    assert len(crm.requests) == 5


@pytest.mark.parametrize("where", ["before", "middle"])
def test_a_connection_that_is_always_cut_is_told(where: str) -> None:
    """After four tries."""
    with pretended() as (crm, http):
        crm.faults.add("drop", where=where, match=BRANCHES)
        with pytest.raises(CrmUnreachable, match="4 tries"):
            http.call(BRANCHES, {})


@pytest.mark.parametrize(
    "cut",
    [
        nothing,
        says(b'{"total"', "Content-Length: 5000"),
        says(b'5\r\n{"tot\r\n7\r\nal"', "Transfer-Encoding: chunked"),
        lambda wire: wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Le"),
    ],
    ids=["before", "body", "chunk", "headers"],
)
def test_a_reset_is_asked_for_again(cut: Answer) -> None:
    """Before the answer, in its headers, in its body or between two chunks."""
    with Stub(TOKEN_GIVEN, resets(cut), FINE) as stub, opened(stub.url) as http:
        assert http.call(BRANCHES, {})["total"] == 0
        assert len(stub.requests) == 3


def test_a_reset_after_the_answer_does_no_harm() -> None:
    """What came is complete."""
    with Stub(TOKEN_GIVEN, resets(FINE)) as stub, opened(stub.url) as http:
        assert http.call(BRANCHES, {})["total"] == 0


def test_a_wire_that_speaks_something_else_is_out_of_reach() -> None:
    """What is not HTTP is not read."""
    with Stub(greets) as stub, opened(stub.url) as http, pytest.raises(CrmUnreachable):
        http.call(BRANCHES, {})


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_a_refused_connection_is_told() -> None:
    """With the address, the kind of failure and the number of tries."""
    clock, url = Time(), f"http://127.0.0.1:{closed_port()}"
    with opened(url, clock=clock) as http:
        with pytest.raises(CrmUnreachable) as caught:
            http.call(BRANCHES, {})
        assert http.calls == 4
    expected = f"AlfaCRM out of reach at {url} (nothing listens), 4 tries"
    assert caught.value.message == expected
    assert "port" in caught.value.advice


def test_a_host_that_is_not_there_is_another_thing_than_a_closed_port() -> None:
    """What is to be looked at differs; user and password in an address are never shown."""
    url = "http://anna:secret@school.invalid:81"
    with opened(url, tries=1) as http, pytest.raises(CrmUnreachable) as caught:
        http.call(BRANCHES, {})
    assert caught.value.message.startswith(
        "AlfaCRM out of reach at http://school.invalid:81 (no such host)"
    )
    assert "DNS" in caught.value.advice


def test_https_towards_a_port_that_speaks_http_is_told_apart() -> None:
    """It is no matter of certificates."""
    with Stub(TOKEN_GIVEN) as stub:
        url = stub.url.replace("http:", "https:")
        with opened(url, tries=1) as http, pytest.raises(CrmUnreachable) as caught:
            http.call(BRANCHES, {})
    assert caught.value.message.startswith(f"AlfaCRM out of reach at {url} (no https there)")


@pytest.mark.parametrize(
    "url", ["http://school.invalid", "http://.example", "http://[::1", "gopher://127.0.0.1"]
)
def test_an_address_that_leads_nowhere_is_told(url: str) -> None:
    """An unknown host, or no host at all."""
    with opened(url, tries=1) as http, pytest.raises(CrmUnreachable, match="out of reach"):
        http.call(BRANCHES, {})


# The surroundings


def test_proxies_and_netrc_of_the_environment_are_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A key in the body goes to the CRM and nowhere else."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Stub(FINE) as proxy, Stub(TOKEN_GIVEN, FINE) as stub:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        with opened(stub.url) as http:
            http.call(BRANCHES, {})
        assert ping(f"{stub.url}/ping", "success")
        assert proxy.requests == []
        assert len(stub.requests) == 3
        assert all(b"authorization" not in request.lower() for request in stub.requests)


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine that nobody vouches for, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    order = ["openssl", "req", "-x509", "-newkey", "ec",
             "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    subprocess.run(order, check=True, capture_output=True)
    return certificate, key


def test_a_certificate_that_nobody_vouches_for_is_refused(
    self_signed: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request is not even sent, and no variable of the environment changes that."""
    certificate, key = self_signed
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Stub(TOKEN_GIVEN, tls=context) as stub, opened(stub.url) as http:
        with pytest.raises(CrmUnreachable, match="certificate refused"):
            http.call(BRANCHES, {})
        assert stub.requests == []


# Secrets


def told(error: BaseException) -> str:
    """Everything that a person may see of an error: messages, notes and the whole traceback."""
    whole = "".join(traceback.format_exception(error))
    return f"{error} {error!r} {error.args} {whole} {vars(error)}"


TROUBLES: dict[str, Sequence[Answer]] = {
    "refused": [TOKEN_GIVEN, says(KEY.encode(), status="401 Unauthorized")],
    "login refused": [says(KEY.encode(), status="403 Forbidden")],
    "login not json": [says(f"{KEY} {TOKEN}".encode())],
    "login unfit": [says(json.dumps({"token": f"\n{TOKEN}"}).encode())],
    "html": [TOKEN_GIVEN, says(f"<p>{TOKEN}</p>".encode(), "Content-Type: text/html")],
    "redirect": [
        TOKEN_GIVEN,
        says(b"", f"Location: http://127.0.0.1:9/{TOKEN}", status="302 Found"),
    ],
    "error": [TOKEN_GIVEN, says(f"{KEY} {TOKEN}".encode(), status=f"500 {TOKEN}")],
    "crowd": [TOKEN_GIVEN, says(b"", "Retry-After: 4000", status="429 Too Many")],
    "reset": [TOKEN_GIVEN, resets(nothing)],
    "cut": [TOKEN_GIVEN, says(TOKEN.encode(), "Content-Length: 5000")],
    "gzip": [TOKEN_GIVEN, says(TOKEN.encode(), "Content-Encoding: gzip")],
    "twice": [TOKEN_GIVEN, says(f'{{"{KEY}": 1, "{KEY}": 2}}'.encode())],
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_no_trouble_tells_a_secret(trouble: str) -> None:
    """Neither the key nor the token stands in any message or traceback."""
    with Stub(*TROUBLES[trouble]) as stub, opened(stub.url) as http:
        with pytest.raises(CoinsyncError) as caught:
            http.call(BRANCHES, {})
        text = f"{told(caught.value)} {http!r}"
    assert KEY not in text
    assert TOKEN not in text


@pytest.mark.parametrize("value", [f"{KEY}\r\nX-Other: 1", f" {KEY}", f"{KEY}ключ"])
def test_a_header_that_cannot_be_sent_is_told_without_its_value(value: str) -> None:
    """The configuration is wrong, and a header may be a secret."""
    with Stub(FINE) as stub, opened(stub.url, headers={"X-APP-KEY": value}) as http:
        with pytest.raises(ConfigError, match="headers") as caught:
            http.call(BRANCHES, {})
        assert stub.requests == []
    assert KEY not in told(caught.value)


def test_a_connection_does_not_show_its_key() -> None:
    """It may stand in a traceback."""
    with opened("http://crm.invalid") as http:
        assert KEY not in repr(http)


# The watcher outside


@pytest.mark.parametrize(
    ("status", "heard"),
    [
        ("200 OK", True),
        ("204 No Content", True),
        ("302 Found", False),
        ("404 Not Found", False),
        ("500 Oh", False),
    ],
)
def test_a_ping_says_whether_it_was_heard(status: str, heard: bool) -> None:
    """Only a plain yes is one."""
    with Stub(says(b"", "Location: /elsewhere", status=status)) as stub:
        assert ping(f"{stub.url}/ping", "fail") is heard
        assert len(stub.requests) == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}", "http://[::1", "nonsense", "http://.example", ""]
)
def test_a_ping_that_reaches_nobody_is_not_an_error(url: str) -> None:
    """It is only not told."""
    assert ping(url.format(port=closed_port()), "success") is False
    assert ping(url.format(port=closed_port()), "start") is False


def test_a_ping_does_not_listen_to_a_body() -> None:
    """The status is the answer."""
    with Stub(endless(says(b"", "Content-Length: 1000000000000"))) as stub:
        assert ping(stub.url, "success")
