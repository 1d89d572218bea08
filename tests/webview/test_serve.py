"""Serving on a real port: answers, no word about the server, and a clean end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from webview.serve import serve

PROGRAM = """
import resource, sys
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_NOFILE, tuple(map(int, sys.argv[2:])))
from webview.serve import serve
def app(environ, start):
    start("200 OK", [("Content-Length", "4")])
    return [b"fine"]
serve(app, "127.0.0.1", int(sys.argv[1]))
print("ended")
"""


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> requests.Response:
    """Ask until the server listens, ten seconds at most."""
    session = requests.Session()
    session.mount(
        "http://", HTTPAdapter(max_retries=Retry(total=200, backoff_factor=0.05, backoff_max=0.05))
    )
    with session:
        return session.get(f"http://127.0.0.1:{port}/", timeout=5)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_server_answers_and_ends_cleanly(end: signal.Signals) -> None:
    """It serves without naming itself; SIGTERM and Ctrl-C end it with code 0, and what follows
    still runs.
    """
    port = free_port()
    arguments = [sys.executable, "-c", PROGRAM, str(port)]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        answer = wait_for(port)
        process.send_signal(end)
        out, err = process.communicate(timeout=10)
    assert answer.text == "fine"
    assert "Server" not in answer.headers
    assert (process.returncode, out, err) == (0, "ended\n", "")


@pytest.mark.parametrize(("files", "clients"), [((1024, 4096), 1_200), ((64, 250), 130)])
def test_stalled_clients_keep_nobody_out(files: tuple[int, int], clients: int) -> None:
    """More than the system would let in by itself, also where it lets in few; they have sent half a
    request.
    """
    port = free_port()
    arguments = [sys.executable, "-c", PROGRAM, str(port), *map(str, files)]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for(port)
        with ExitStack() as stack:
            for _ in range(clients):
                stalled = stack.enter_context(
                    socket.create_connection(("127.0.0.1", port), timeout=10)
                )
                stalled.sendall(b"GET / HTTP/1.1\r\n")
            assert wait_for(port).text == "fine"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "ended\n", "")


def nothing(_environ: object, _start: object) -> Iterable[bytes]:
    """An app that is never asked."""
    return []


def test_busy_port_and_unknown_host_are_said_clearly() -> None:
    """An address that cannot be had ends in one clear error."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            OSError, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use"
        ):
            serve(nothing, "127.0.0.1", port)
    with pytest.raises(OSError, match=r"cannot listen on 999\.999\.1\.1:80"):
        serve(nothing, "999.999.1.1", 80)


def test_handler_of_the_caller_is_put_back() -> None:
    """A server that could not start leaves the process's signals alone."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(OSError, match="cannot listen"):
        serve(nothing, "999.999.1.1", 80)
    assert signal.getsignal(signal.SIGTERM) is before


@contextmanager
def started(program: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A program that serves, until the end of the block at the latest."""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(port)], stdout=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(port)
            yield process
        finally:
            process.kill()


SLOW = """
import sys, time
from webview.serve import serve
def app(environ, start):
    time.sleep(0.5)
    start("200 OK", [("Content-Length", "400000")])
    return [b"x" * 400_000]
serve(app, "127.0.0.1", int(sys.argv[1]), 2)
"""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
def test_what_was_accepted_is_answered_before_the_end(end: signal.Signals) -> None:
    """Requests under way, in the queue, and of clients who are about to ask."""
    port = free_port()
    with started(SLOW, port) as process, ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for _ in range(7)
        ]
        for client in clients[:-1]:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        process.send_signal(end)
        clients[-1].sendall(b"GET / HTTP/1.0\r\n\r\n")
        answers = [client.makefile("rb").read() for client in clients]
        assert process.wait(timeout=10) == 0
    assert [len(answer) > 400_000 for answer in answers] == [True] * 7


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\na: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nContent-Length: 150000000\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", b"413"),
    ],
)
def test_what_is_no_request_is_refused_with_our_headers(request_text: bytes, status: bytes) -> None:
    """No body is taken; a refusal is as careful as an answer."""
    port = free_port()
    answer = b""
    with (
        started(PROGRAM, port),
        socket.create_connection(("127.0.0.1", port), timeout=10) as client,
        # What was not read of the request ends the connection.
        suppress(ConnectionResetError),
    ):
        client.sendall(request_text)
        while piece := client.recv(10_000):
            answer += piece
    assert answer.split(b" ")[1] == status
    for header in (b"Content-Security-Policy: default-src 'none'", b"Cache-Control: private"):
        assert b"\r\n" + header in answer
    assert b"\r\nServer:" not in answer
