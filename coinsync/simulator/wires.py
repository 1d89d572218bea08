"""The listening socket: one thread per connection, and connections that can be cut."""

import socket
from collections.abc import Callable, Iterable
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

CONNECTION = "simulator.connection"

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Handler(WSGIRequestHandler):
    """Hands the connection to the application, and keeps quiet."""

    def get_environ(self) -> dict[str, Any]:
        """The WSGI environment, with the connection that a fault may cut."""
        return {**super().get_environ(), CONNECTION: self.connection}

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the simulator keeps a list of requests instead."""


class Wires(ThreadingMixIn, WSGIServer):
    """A server that lets no slow request block another, and can be stopped in the middle of any of them."""

    request_queue_size = 128
    daemon_threads = False

    def __init__(self, host: str, port: int, app: WsgiApp) -> None:
        self._open: set[socket.socket] = set()
        self._open_lock = Lock()
        super().__init__((host, port), Handler)
        self.set_app(app)

    def server_bind(self) -> None:
        """Bind without asking the name service who we are, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Note the connection and hand it to a thread of its own."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close the connection and forget it."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error; nothing else can reach this place."""

    def hang_up(self) -> None:
        """Cut every open connection and wait for its thread."""
        with self._open_lock:
            for connection in self._open:
                cut(connection)
        self.server_close()


def cut(connection: socket.socket) -> None:
    """End the connection at once, whatever was still to be said on it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other side was faster.
        return
