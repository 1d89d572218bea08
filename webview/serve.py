"""Serving the web view on a port, behind a proxy that speaks TLS."""

import logging
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Timer
from types import FrameType
from typing import Any
from wsgiref.types import WSGIApplication

import waitress
from waitress import task, wasyncore
from waitress.channel import HTTPChannel

from webview.http_answer import security_headers

THREADS = 8
#: Slow clients wait as open connections of 8 KiB each, not in threads: a thousand of them must not
#: keep others out.
CONNECTIONS_MAX = 2000
#: What is open besides connections: databases, pictures, the log.
FILES_BESIDE = 100
SILENCE_SECONDS_MAX = 30
HEADER_BYTES_MAX = 16 * 1024
TURN_SECONDS = 0.5
#: How long answers take that are under way when the server is stopped, and how long who has not
#: asked yet is waited for.
FINISH_SECONDS_MAX, REQUEST_SECONDS_MAX = 10.0, 1.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def serve(
    app: WSGIApplication,
    host: str,
    port: int,
    threads: int = THREADS,
    listening: Callable[[int], None] = lambda _port: None,
) -> None:
    """Serve ``app`` until a signal or Ctrl-C, and finish; ``OSError`` without the address.

    Port 0 is a free one; ``listening`` is told which.
    """
    listener = _listen(host, port)
    server = server_on(listener, app, threads)
    listening(listener.getsockname()[1])
    with _stop_signals(server) as signals:
        try:
            while not signals:
                _turn(server)
            _finish(server)
        finally:
            server.task_dispatcher.shutdown()
            server.close()


def _turn(server: Any) -> None:
    """Wait a little for clients, and do what there is to do for them."""
    server.asyncore.loop(TURN_SECONDS, use_poll=True, map=server._map, count=1)


def _finish(server: Any) -> None:
    """Answer everybody who has been let in, for a few seconds at most, and nobody else."""
    channels = server.active_channels
    # Whom the system has let in already would be cut off when the listening socket is closed.
    waiting = -1
    while waiting != len(channels):
        waiting = len(channels)
        server.handle_accept()
    wasyncore.dispatcher.close(server)
    too_late, too_late_to_ask = _after(FINISH_SECONDS_MAX), _after(REQUEST_SECONDS_MAX)
    is_awaited = True
    while is_awaited and not too_late.is_set():
        _turn(server)
        is_awaited = any(map(_is_answered, channels.values()))
        # Half a request may be all that ever comes, and browsers connect in case that they ask.
        if not too_late_to_ask.is_set():
            is_awaited = is_awaited or any(map(_is_asking, channels.values()))


def _is_answered(channel: Any) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)


def _is_asking(channel: Any) -> bool:
    return channel.request is not None or channel.last_activity == channel.creation_time


def _after(seconds: float) -> Event:
    passed = Event()
    timer = Timer(seconds, passed.set)
    timer.daemon = True
    timer.start()
    return passed


class _ErrorTask(task.ErrorTask):  # type: ignore[misc]
    # An answer to what is no request, which our program never sees.

    def execute(self) -> None:
        self.response_headers.extend(security_headers("'none'").items())
        super().execute()


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _ErrorTask


def server_on(listener: socket.socket, app: WSGIApplication, threads: int = THREADS) -> Any:
    """A server of ``app`` on a socket that listens."""
    # A queue of one request is no news for whoever reads the log.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = waitress.create_server(
        app,
        sockets=[listener],
        threads=threads,
        connection_limit=_connections_max(),
        asyncore_use_poll=True,
        channel_timeout=SILENCE_SECONDS_MAX,
        max_request_header_size=HEADER_BYTES_MAX,
        # Nothing here reads a body, which would be kept on the disk meanwhile.
        max_request_body_size=0,
        # No Server header: what we run on is nobody's business.
        ident=None,
    )
    server.channel_class = _Channel
    return server


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
def _stop_signals(server: Any) -> Iterator[list[int]]:
    """Keep the signals that ask to stop, instead of breaking off in the middle of an answer."""
    signals: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        server.pull_trigger()

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
