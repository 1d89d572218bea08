"""The pretend AlfaCRM over real HTTP: the API, the faults, and the page and addresses for a person."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock_time
from email.utils import format_datetime
from ipaddress import ip_address
from threading import Event, RLock, Thread
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlencode

from bottle import Bottle, HTTPResponse, request

from coinsync.simulator.control import Control
from coinsync.simulator.crm import Crm
from coinsync.simulator.dialect import JSON, Answer, Call, Refusal, encoded, too_many
from coinsync.simulator.faults import Fault, Faults, instead, spoil_answer, spoil_page
from coinsync.simulator.gate import APP_KEY_HEADER, TOKEN_HEADER, Gate
from coinsync.simulator.options import Options
from coinsync.simulator.page import Page
from coinsync.simulator.school import School
from coinsync.simulator.wires import CONNECTION, Wires, cut

# How soon a stop is noticed: short, because a test-suite stops hundreds of times.
_POLL_SECONDS = 0.005

_HEADERS_OF_INTEREST = ("content-type", "accept", "accept-encoding", "user-agent", APP_KEY_HEADER)


@dataclass(slots=True)
class Seen:
    """One request to the API as it came, when, and the status it was answered with."""

    number: int
    at: float
    method: str
    path: str
    query: dict[str, str]
    body: bytes
    has_token: bool
    headers: dict[str, str]
    status: int = 0

    def json(self) -> Any:
        """The body as JSON; None when it is empty."""
        return json.loads(self.body) if self.body else None


class Simulator:
    """Serves a school. Use as a context manager, or call `start` and `stop`, or `serve_forever`.

    `requests` is the list of all calls to the API; `options` and `faults` may be changed at any time.
    """

    def __init__(
        self,
        school: School,
        *,
        options: Options | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        email: str = "api@school.example",
        api_key: str = "00000000-0000-0000-0000-simulator000",
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self.school = school
        self.options = options or Options()
        self.faults = Faults()
        self.email = email
        self.api_key = api_key
        self.requests: list[Seen] = []
        self._address = (host, port)
        self._clock = clock
        self._gate = Gate(self.options, email, api_key, clock)
        self._crm = Crm(school, self.options, self._gate)
        self._control = Control(school, self.options, self.faults, on_change)
        self._lock = RLock()
        self._stopping = Event()
        self._app = self._make_app()
        self._wires: Wires | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """The address without a slash at its end; known once the simulator listens."""
        if self._wires is None:
            raise RuntimeError("the simulator does not listen yet")
        return f"http://{self._address[0]}:{self._wires.server_port}"

    @property
    def branch_ids(self) -> tuple[int, ...]:
        """The numbers of all branches."""
        return tuple(sorted(self.school.books.branches))

    def start(self) -> "Simulator":
        """Listen, in a thread of its own. OSError when the port is taken."""
        wires = self._listen()
        self._thread = Thread(target=wires.serve_forever, args=(_POLL_SECONDS,), name="simulator")
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening, cut every connection and wait for all threads; harmless when not started."""
        wires, thread = self._wires, self._thread
        self._stopping.set()
        if wires is not None:
            wires.shutdown()
            wires.hang_up()
        if thread is not None:
            thread.join()
        self._wires = self._thread = None

    def serve_forever(self) -> None:
        """Listen in this thread until it is interrupted."""
        wires = self._wires or self._listen()
        try:
            wires.serve_forever()
        finally:
            self.stop()

    def _listen(self) -> Wires:
        self._stopping.clear()
        self._wires = Wires(*self._address, self._app)
        return self._wires

    def __enter__(self) -> "Simulator":
        """Start, when it is not running yet."""
        return self if self._wires is not None else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    # The API

    def _serve_api(self, rest: str) -> HTTPResponse:
        # Read before the lock is taken: a client that sends slowly must not hold up the others.
        body = request.body.read()
        with self._lock:
            call, seen = self._take_down(body)
            answer = self._answer(call)
            seen.status = answer.status
        return self._response(answer)

    def _take_down(self, body: bytes) -> tuple[Call, Seen]:
        query = dict(parse_qsl(request.query_string, keep_blank_values=True))
        headers = {name.lower(): value for name, value in request.headers.items()}
        number = len(self.requests) + 1
        call = Call(number, request.method, request.path, query, body, headers)
        seen = Seen(
            number,
            self._clock(),
            call.method,
            call.path,
            query,
            call.body,
            TOKEN_HEADER in headers,
            {name: headers[name] for name in _HEADERS_OF_INTEREST if name in headers},
        )
        self.requests.append(seen)
        return call, seen

    def _answer(self, call: Call) -> Answer:
        crowded = self._gate.crowd()
        if crowded is not None:
            return crowded
        struck = self.faults.strike(call.path)
        answer = self._instead(struck) or self._work(call, struck)
        for fault in struck:
            spoil_answer(answer, fault)
        answer.wait += self.options.latency
        return answer

    def _instead(self, struck: list[Fault]) -> Answer | None:
        answers = (instead(fault, lambda: too_many(self.options)) for fault in struck)
        return next((one for one in answers if one is not None), None)

    def _work(self, call: Call, struck: list[Fault]) -> Answer:
        try:
            if call.is_login:
                return self._gate.login(call)
            if any(fault.kind == "lost_token" for fault in struck):
                self._gate.forget(call)
            return self._read_or_write(call, struck)
        except Refusal as refusal:
            return refusal.answer()

    def _read_or_write(self, call: Call, struck: list[Fault]) -> Answer:
        address = self._crm.admit(call)
        if not address.lists:
            before = self.school.version
            answer = self._crm.write(address, call)
            if self.school.version != before:
                self._control.changed()
            return answer
        page = self._crm.page(address, call, self.faults.drift(call, struck))
        for fault in struck:
            spoil_page(page, fault)
        return Answer(200, encoded(page))

    def _response(self, answer: Answer) -> HTTPResponse:
        connection = request.environ[CONNECTION]
        if answer.wait and self._stopping.wait(answer.wait):
            cut(connection)
        if answer.drop == "before":
            cut(connection)
        headers = {
            **answer.headers,
            "Date": self._date(),
            "Content-Type": answer.content_type,
            "Content-Length": str(len(answer.body)),
        }
        body: bytes | Iterator[bytes] = answer.body
        if answer.drop == "middle":
            body = _half(answer.body, lambda: cut(connection))
        elif answer.drip:
            body = self._drops(answer.body, answer.drip)
        return HTTPResponse(body, answer.status, headers)

    def _date(self) -> str:
        """The school's own day at noon: a client that asks what day it is must not be told ours."""
        noon = datetime.combine(self.school.today, clock_time(12), UTC)
        return format_datetime(noon, usegmt=True)

    def _drops(self, body: bytes, pause: float) -> Iterator[bytes]:
        """One byte after another, each after a pause."""
        for place in range(len(body)):
            if self._stopping.wait(pause):
                return
            yield body[place : place + 1]

    # For a person

    def _make_app(self) -> Bottle:
        app = Bottle()
        app.default_error_handler = lambda error: error.status_line
        app.route("/v2api<rest:path>", "ANY", self._serve_api)
        app.route("/", "GET", self._show_page)
        app.route("/control", "GET", lambda: self._tell(self._control.overview))
        app.route("/control/lessons", "GET", lambda: self._tell(self._lessons))
        app.route("/control/customers", "GET", lambda: self._tell(self._control.customers))
        app.route("/control/<what:path>", "POST", self._do)
        return app

    def _lessons(self) -> list[dict[str, Any]]:
        return self._control.lessons(dict(parse_qsl(request.query_string)))

    def _show_page(self) -> HTTPResponse:
        query = dict(parse_qsl(request.query_string))
        with self._lock:
            _only_from_here()
            try:
                day = date.fromisoformat(query["date"])
            except (KeyError, ValueError):
                day = self.school.today
            account = {"address": self.url, "e-mail": self.email, "key": self.api_key}
            text = Page(self._control, account, day, query.get("said", "")).html()
        return HTTPResponse(text.encode(), 200, {"Content-Type": "text/html; charset=UTF-8"})

    def _tell(self, what: Callable[[], Any]) -> HTTPResponse:
        try:
            with self._lock:
                _only_from_here()
                return _json(200, what())
        except ValueError as error:
            return _json(400, {"ok": False, "error": str(error)})

    def _do(self, what: str) -> HTTPResponse:
        back: str | None = None
        try:
            _only_from_here()
            arguments = _arguments()
            back = arguments.pop("back", None)
            with self._lock:
                result = self._control.do(what, arguments)
        except ValueError as error:
            if back is not None:
                return _see(back, f"Not done: {error}")
            return _json(400, {"ok": False, "error": str(error)})
        return _json(200, {"ok": True, **result}) if back is None else _see(back, f"Done: {what}")


def _only_from_here() -> None:
    """Nobody but this machine may look behind the curtain."""
    if not ip_address(request.environ["REMOTE_ADDR"]).is_loopback:
        raise _json(403, {"ok": False, "error": "only from this machine"})


def _arguments() -> dict[str, Any]:
    """The arguments of a JSON body, or of a form; an empty field of a form is one not given."""
    body = request.body.read()
    if not body.strip():
        return {}
    # What `curl -d` sends calls itself a form, also when it is JSON.
    form = (request.content_type or "").startswith("application/x-www-form-urlencoded")
    if form and not body.lstrip().startswith(b"{"):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        arguments = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(arguments, dict):
        raise ValueError("the body must be a JSON object")
    return arguments


def _json(status: int, value: object) -> HTTPResponse:
    return HTTPResponse(encoded(value), status, {"Content-Type": JSON})


def _see(day: str, said: str) -> HTTPResponse:
    """Back to the page, with one line about what was done."""
    query = {"date": day, "said": said} if day else {"said": said}
    return HTTPResponse(b"", 303, {"Location": f"/?{urlencode(query)}"})


def _half(body: bytes, then: Callable[[], None]) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    then()
