"""The pretend AlfaCRM over real HTTP: connections, the API, and the page for a person."""

import json
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from datetime import time as clock_time
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from inspect import signature
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from threading import Event, Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from bottle import SimpleTemplate

from coinsync.simulator.crm import PREFIX, Crm
from coinsync.simulator.faults import KINDS, Faults
from coinsync.simulator.protocol import HTML, Options, Request, Response, as_arguments, encoded
from coinsync.simulator.school import School

# Whoever reaches the page may change the school: nobody but this machine.
HOST = "127.0.0.1"
# How soon a stop is noticed: short, because a test suite stops hundreds of times.
_POLL_SECONDS = 0.005
_LESSONS_SHOWN = 40


@dataclass(slots=True)
class Control:
    """Answers what is not for the API. `POST /control/NAME` takes an action of the school."""

    school: School
    options: Options
    faults: Faults
    on_change: Callable[[], None] | None

    def answer(self, request: Request) -> Response:
        """The page, or what came of an action."""
        if request.method == "GET" and request.path == "/":
            return Response(200, self._page().encode(), HTML)
        if request.method != "POST" or not request.path.startswith("/control/"):
            return _refused(404, "there is nothing at this address")
        # What `curl -d` sends calls itself a form, also when it is JSON.
        content_type = request.headers.get("content-type", "")
        from_page = "form" in content_type and not request.body.startswith(b"{")
        try:
            arguments = _form_fields(request.body) if from_page else request.fields()
            result = self._do(request.path.removeprefix("/control/"), arguments)
        except ValueError as error:
            return _refused(400, str(error))
        if from_page:
            return Response(303, b"", HTML, {"Location": "/"})
        return Response(200, encoded({"ok": True, **result}))

    def _do(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "options":
            for option, value in as_arguments(Options, arguments).items():
                setattr(self.options, option, value)
            return {"options": asdict(self.options)}
        if name == "fault":
            return {"fault": asdict(self.faults.add(arguments.pop("kind", None), **arguments))}
        if name == "faults/clear":
            self.faults.clear()
            return {}
        result = self.school.act(name, **arguments)
        if self.on_change is not None:
            self.on_change()
        return {"result": result, "today": self.school.today.isoformat()}

    def _page(self) -> str:
        tables = self.school.tables
        lessons = [row for row in tables.visible_lessons() if row.date <= tables.today]
        lessons.sort(key=lambda row: (row.date, row.start, row.id), reverse=True)
        template = SimpleTemplate(Path(__file__).with_name("page.html").read_text("utf-8"))
        page: str = template.render(
            tables=tables,
            lessons=lessons[:_LESSONS_SHOWN],
            faults=self.faults.active,
            kinds=KINDS,
            options=asdict(self.options),
            actions=self.school.actions_by_name(),
            signature=signature,
            as_json=json.dumps,
        )
        return page


def _form_fields(body: bytes) -> dict[str, Any]:
    """Numbers, true, null and lists are as in JSON; other texts are meant as they stand."""
    fields: dict[str, Any] = {}
    for name, text in parse_qsl(body.decode("utf-8", "replace")):
        try:
            fields[name] = json.loads(text)
        except (ValueError, RecursionError):
            fields[name] = text
    return fields


def _refused(status: int, why: str) -> Response:
    return Response(status, encoded({"ok": False, "error": why}))


class HttpServer(ThreadingMixIn, TCPServer):
    """One thread per connection: no slow request blocks another."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Request], Response]) -> None:
        self.answer = answer
        self.stopping = Event()
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__((HOST, port), RequestHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that went away is no error.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Stop listening, cut every connection and wait for its thread."""
        self.stopping.set()
        self.shutdown()
        # Most connections are idle: clients keep them for a next request, for which their
        # threads would wait.
        with self._lock:
            for connection in self._connections:
                _cut(connection)
        self.server_close()


class RequestHandler(BaseHTTPRequestHandler):
    """One connection: reads requests and writes responses until one side ends it."""

    protocol_version = "HTTP/1.1"
    # Head and body are written apart. Without this the body would wait until the client has
    # acknowledged the head, which it may put off for 40 ms.
    disable_nagle_algorithm = True
    server: HttpServer

    def serve(self) -> None:
        """Answer one request."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit():
            # A body of unknown length would be taken for the next request.
            self.send_error(411)
            return
        address = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(address.path),
            query=dict(parse_qsl(address.query, keep_blank_values=True)),
            body=self.rfile.read(int(length)),
            headers={name.lower(): value for name, value in self.headers.items()},
        )
        response = self.server.answer(request)
        seconds = response.wait_seconds
        stopped = seconds > 0 and self.server.stopping.wait(seconds)
        if stopped or response.cut == "before":
            _cut(self.connection)
        else:
            self._send(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if response.cut == "middle":
            self.wfile.write(response.body[: len(response.body) // 2])
            _cut(self.connection)
        elif response.seconds_per_byte:
            for byte in response.body:
                if self.server.stopping.wait(response.seconds_per_byte):
                    return
                self.wfile.write(bytes([byte]))
        else:
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the simulator keeps a list of requests instead."""


def _cut(connection: socket.socket) -> None:
    """End the connection at once, unless the other side was faster."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Simulator:
    """Serves a school. Use as a context manager, or call `start` and `stop`.

    `requests` are all calls to the API; `options`, `faults`, `email` and `api_key` may change at
    any time. `on_change` is called after every action of a person.
    """

    school: School
    email: str = "api@school.example"
    api_key: str = "00000000-0000-0000-0000-simulator000"
    options: Options = field(default_factory=Options)
    port: int = 0
    clock: Callable[[], float] = time.monotonic
    on_change: Callable[[], None] | None = None
    faults: Faults = field(default_factory=Faults, init=False)
    requests: list[Request] = field(default_factory=list, init=False)
    _server: HttpServer | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        options, faults = self.options, self.faults
        self._crm = Crm(
            self.school.tables, options, faults, lambda: (self.email, self.api_key), self.clock
        )
        self._control = Control(self.school, options, faults, self.on_change)
        self._lock = Lock()

    @property
    def url(self) -> str:
        """The address without a slash at its end, once the simulator listens."""
        if self._server is None:
            raise RuntimeError("the simulator does not listen yet")
        return f"http://{HOST}:{self._server.server_address[1]}"

    def start(self) -> "Simulator":
        """Listen, in a thread of its own. OSError when the port is taken."""
        self._server = HttpServer(self.port, self._answer)
        serve = self._server.serve_forever
        Thread(target=serve, args=(_POLL_SECONDS,), name="simulator").start()
        return self

    def stop(self) -> None:
        """Stop listening and cut every connection; harmless when not started."""
        if self._server is not None:
            self._server.stop()
        self._server = None

    def __enter__(self) -> "Simulator":
        return self if self._server is not None else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answer(self, request: Request) -> Response:
        """One at a time: a client must not meet a school that is half edited."""
        with self._lock:
            if not request.path.startswith(PREFIX):
                return self._control.answer(request)
            self.requests.append(request)
            request.number, request.at = len(self.requests), self.clock()
            response = self._crm.answer(request)
            request.status = response.status
            # The school's day: a client that asks what day it is must not be told ours.
            noon = datetime.combine(self.school.today, clock_time(12), UTC)
            response.headers["Date"] = format_datetime(noon, usegmt=True)
            return response
