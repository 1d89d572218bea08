"""Visitors of a server in a process of its own, keep-alive or stalled, and what they measure."""

from __future__ import annotations

import multiprocessing
import os
import selectors
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from wsgiref.types import WSGIApplication

from bench.family import VK, launch
from webview.serve import serve

HOST = "127.0.0.1"
STARTING_SECONDS = 15.0
ANSWER_SECONDS = 60.0
PIECE = 1 << 16


def request_of(vk: int) -> bytes:
    """The request of a parent for the whole cabinet."""
    return f"GET /?{launch(vk)} HTTP/1.1\r\nHost: {HOST}\r\nAccept-Encoding: gzip\r\n\r\n".encode()


REQUEST = request_of(VK)


@dataclass(frozen=True, slots=True)
class Site:
    """A server that is running; ``pid`` is its process."""

    port: int
    pid: int

    @property
    def kib(self) -> int:
        """Its memory now."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@contextmanager
def process(work: Callable[[], object], ready: Callable[[], object] = int) -> Iterator[int]:
    """A process that works until the context ends; its number. Ending by itself is an error.

    The context begins when ``ready`` returns.
    """
    started = multiprocessing.get_context("fork").Process(target=work)
    started.start()
    try:
        ready()
        yield started.pid or 0
    finally:
        ended = started.exitcode
        started.terminate()
        started.join(30)
    if ended is not None:
        raise SystemExit(f"a process ended with {ended}")


@contextmanager
def site(make: Callable[[], WSGIApplication]) -> Iterator[Site]:
    """An app on a free port of this machine, served as a school serves it."""
    port = free_port()
    with process(lambda: serve(make(), HOST, port), lambda: wait_until_open(port)) as pid:
        yield Site(port, pid)


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def wait_until_open(port: int) -> None:
    """Wait until somebody listens on a port."""
    end = time.perf_counter() + STARTING_SECONDS
    while True:
        try:
            connection(port).close()
            return
        except ConnectionRefusedError:
            if time.perf_counter() > end:
                raise
            time.sleep(0.02)


def connection(port: int) -> socket.socket:
    """A connection to a server here."""
    opened = socket.create_connection((HOST, port), timeout=ANSWER_SECONDS)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


class Talk:
    """One keep-alive connection, and when its question was asked."""

    def __init__(self, port: int) -> None:
        self.socket = connection(port)
        self._asked_at = 0.0
        self._got = b""

    def ask(self, request: bytes = REQUEST) -> None:
        """Send a request."""
        self._asked_at, self._got = time.perf_counter(), b""
        self.socket.sendall(request)

    def hear(self) -> float | None:
        """Read what has come: the seconds that the answer took, None until it is whole.

        All but a page is an error.
        """
        piece = self.socket.recv(PIECE)
        self._got += piece
        if not piece:
            raise ConnectionError("the server hung up")
        headers, end, body = self._got.partition(b"\r\n\r\n")
        if not end:
            return None
        if not headers.startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(f"not a page but {headers[:40]!r}")
        length = int(headers.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        return time.perf_counter() - self._asked_at if len(body) >= length else None

    def answer(self, request: bytes = REQUEST) -> float:
        """Ask, and wait for the whole answer."""
        self.ask(request)
        spent = None
        while spent is None:
            spent = self.hear()
        return spent


@dataclass(frozen=True, slots=True)
class Rush:
    """What many requests took: all seconds of each, and of all together."""

    each: list[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.each) / self.seconds


def rush(port: int, connections: int, requests: int, request: bytes = REQUEST) -> Rush:
    """Ask for so many pages on so many connections, each as soon as it has the answer before."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        began, each, asked = time.perf_counter(), list[float](), 0
        for _ in range(connections):
            talk = Talk(port)
            stack.enter_context(closing(talk.socket))
            selector.register(talk.socket, selectors.EVENT_READ, talk)
            talk.ask(request)
            asked += 1
        while len(each) < requests:
            events = selector.select(ANSWER_SECONDS)
            if not events:
                raise TimeoutError(f"no answer in {ANSWER_SECONDS} s")
            for key, _ in events:
                spent = key.data.hear()
                if spent is not None:
                    each.append(spent)
                    if asked < requests:
                        key.data.ask(request)
                        asked += 1
        return Rush(each, time.perf_counter() - began)


def stroll(
    port: int, per_second: float, requests: int, visitors: Sequence[bytes] = (REQUEST,)
) -> list[float]:
    """Visitors ask in turn at an even pace; seconds of each from the moment when it was due."""
    talk = Talk(port)
    with closing(talk.socket):
        began, spent = time.perf_counter(), []
        for number in range(requests):
            due = began + number / per_second
            time.sleep(max(0.0, due - time.perf_counter()))
            talk.answer(visitors[number % len(visitors)])
            spent.append(time.perf_counter() - due)
    return spent


@contextmanager
def stalled(port: int, clients: int) -> Iterator[None]:
    """So many clients that have sent half a request and are silent; all are accepted."""
    with ExitStack() as stack:
        for _ in range(clients):
            stack.enter_context(closing(connection(port))).sendall(REQUEST[: len(REQUEST) // 2])
        rush(port, 1, 1)
        yield
    rush(port, 1, 1)


def p99(spent: list[float]) -> float:
    """What one of a hundred exceeds."""
    return statistics.quantiles(spent, n=100, method="inclusive")[98]
