"""No server holds a run for longer than its bound, wherever in an answer it sends byte by byte."""

import socket
import time
from collections.abc import Iterator
from itertools import cycle

import pytest

from coinsync.errors import CrmUnreachable, VkUnavailable
from coinsync.exchange.vk import VkApi
from coinsync.exchange.wire import Bounds, ping
from coinsync.waiting import TookTooLong, within
from tests.exchange.test_http import TOKEN_GIVEN, Answer, Stub, opened

SECONDS = 0.3
#: A server on a slow machine may be late; without a bound these would take a minute.
SECONDS_MAX = 3.0


def drips(begin: bytes, *pieces: bytes) -> Answer:
    """An answer that begins at once and goes on piece by piece, for as long as anybody listens."""

    def send(wire: socket.socket) -> None:
        wire.sendall(begin)
        for piece, _ in zip(cycle(pieces), range(600), strict=False):
            wire.sendall(piece)
            time.sleep(0.02)

    return send


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
DRIPS = {
    "status line": drips(b"HTTP/1.1 200 ", b"O"),
    "header name": drips(OK, b"x"),
    "headers": drips(OK, b"a: b\r\n"),
    "100 Continue": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "chunk size": drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "chunk extension": drips(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "trailers": drips(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"x"),
    "gzip header": drips(
        OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08\0\0\0\0\0\xff", b"x"
    ),
    "empty gzip blocks": drips(
        OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\xff", b"\0\0\0\xff\xff"
    ),
    "body": drips(OK + b"Content-Length: 1000000\r\n\r\n", b" "),
}


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    """Whatever a test does, it is over soon."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < SECONDS_MAX


def test_an_exchange_ends_although_it_was_told_at_a_bad_moment() -> None:
    """Python swallows an error that comes in the middle of tidying up."""
    told: list[str] = []

    def stubborn() -> None:
        for name in ("swallowed", "heard"):
            try:
                while True:
                    time.sleep(0.001)
            except TookTooLong:
                told.append(name)

    with pytest.raises(TookTooLong):
        within(0.05, stubborn)
    assert told == ["swallowed", "heard"]


@pytest.mark.parametrize("where", DRIPS)
def test_the_crm_is_given_up_in_time(where: str) -> None:
    """Once, with its exit code: a second try could take as long."""
    with (
        Stub(TOKEN_GIVEN, DRIPS[where]) as stub,
        opened(stub.url, answer_seconds=SECONDS) as http,
    ):
        with pytest.raises(CrmUnreachable, match="answer not finished in"):
            http.call("branch/index", {})
        assert len(stub.requests) == 2


@pytest.mark.parametrize("where", DRIPS)
def test_vk_is_given_up_in_time(where: str) -> None:
    """The names wait for the next sync."""
    with Stub(DRIPS[where]) as stub:
        api = VkApi(
            stub.url,
            "key",
            clock=time.monotonic,
            sleep=time.sleep,
            bounds=Bounds(answer_seconds=SECONDS),
        )
        resolution = api.resolve(["anna"])
        api.close()
    assert isinstance(resolution.error, VkUnavailable)
    assert "answer not finished in" in resolution.error.message


@pytest.mark.parametrize("where", ["status line", "headers", "100 Continue"])
def test_a_watcher_is_given_up_in_time(where: str) -> None:
    """Whatever it sends, it was not told."""
    with Stub(DRIPS[where]) as stub:
        assert ping(stub.url, "start", SECONDS) is False


def never_found(*_: object, **__: object) -> list[object]:
    """A look-up of a name that does not end in time."""
    time.sleep(2 * SECONDS_MAX)
    return []


def test_a_name_that_is_not_found_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver has no time-out of ours."""
    monkeypatch.setattr(socket, "getaddrinfo", never_found)
    with (
        opened("http://crm.example", answer_seconds=SECONDS) as http,
        pytest.raises(CrmUnreachable, match="answer not finished in"),
    ):
        http.call("branch/index", {})
    assert ping("http://watcher.example", "start", SECONDS) is False
