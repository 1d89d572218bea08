"""Serving the web view on a port, behind a proxy that speaks TLS."""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any
from wsgiref.types import WSGIApplication

import waitress

THREADS = 8
#: Slow clients wait as open connections of 8 KiB each, not in threads: a thousand of them must not
#: keep others out.
CONNECTIONS_MAX = 2000
#: What is open besides connections: databases, pictures, the log.
FILES_BESIDE = 100
SILENCE_SECONDS_MAX = 30
HEADER_BYTES_MAX = 16 * 1024


def serve(
    app: WSGIApplication,
    host: str,
    port: int,
    threads: int = THREADS,
    listening: Callable[[int], None] = lambda _port: None,
) -> None:
    """Serve ``app`` until SIGTERM or Ctrl-C; ``OSError`` without the address.

    Port 0 is a free one; ``listening`` is told which.
    """
    listener = _listen(host, port)
    server = server_on(listener, app, threads)
    listening(listener.getsockname()[1])
    with _ended_by_sigterm():
        try:
            server.run()
        finally:
            server.close()


def server_on(listener: socket.socket, app: WSGIApplication, threads: int = THREADS) -> Any:
    """A server of ``app`` on a socket that listens."""
    # A queue of one request is no news for whoever reads the log.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    return waitress.create_server(
        app,
        sockets=[listener],
        threads=threads,
        connection_limit=_connections_max(),
        asyncore_use_poll=True,
        channel_timeout=SILENCE_SECONDS_MAX,
        max_request_header_size=HEADER_BYTES_MAX,
        # No Server header: what we run on is nobody's business.
        ident=None,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Take the address first: in a failure waitress would leave a socket open."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {cause}") from error


def _connections_max() -> int:
    """Raise the limit of open files: one connection too many makes waitress spin."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = CONNECTIONS_MAX + FILES_BESIDE
    if 0 <= soft < files:
        if hard >= 0:
            files = min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(files - FILES_BESIDE, 1)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the server the way Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
