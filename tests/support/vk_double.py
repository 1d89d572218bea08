"""A small VK API on this machine over real HTTP: what the field notes say of it, written apart from
the client.

People are dicts such as ``{"id": 5, "screen_name": "ada.example"}``, with ``deactivated`` for who
is gone and ``nameless`` for who is shown without a screen name. Other names are dicts such as
``{"screen_name": "chess", "type": "group", "object_id": 7}``; a ``user`` among them is missed by
``users.get`` only.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

FORM = "application/x-www-form-urlencoded"
MESSAGES = {
    3: "Unknown method passed",
    5: "User authorization failed: invalid access_token",
    6: "Too many requests per second",
    8: "Invalid request",
    100: "One of the parameters specified was missing or invalid",
    113: "Invalid user id",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came: the method of the API, the parameters, the headers in lower case, and
    when.
    """

    verb: str
    method: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    at: float

    @property
    def names(self) -> list[str]:
        """Whom ``users.get`` was asked for."""
        return self.params.get("user_ids", "").split(",")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happens to a call instead of an answer: one of an API error, a status, other bytes, a
    cut, silence.
    """

    code: int = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    response: Any = None
    drop: bool = False
    seconds: float = 0.0


HTML = Trouble(body=b"<html>We are working on it</html>", headers={"Content-Type": "text/html"})
CUT_JSON = Trouble(body=b'{"response": [{"id": 1, "screen_')
DROP = Trouble(drop=True)


class _Refusal(Exception):
    """An error of the API."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class VkDouble:
    """Listens on this machine while it is entered; ``per_second`` is its limit, None for none."""

    def __init__(
        self,
        people: Sequence[Mapping[str, Any]] = (),
        others: Sequence[Mapping[str, Any]] = (),
        *,
        key: str = "service-key-that-nobody-may-see",
        per_second: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.key = key
        self.per_second = per_second
        self.calls: list[Call] = []
        #: Names that ``users.get`` and ``utils.resolveScreenName`` refuse, with the error of each.
        self.refuses: dict[str, int] = {}
        self.refuses_singly: dict[str, int] = {}
        self._people = [dict(person) for person in people]
        self._others = {str(other["screen_name"]).lower(): other for other in others}
        self._clock = clock
        self._chance = random.Random(7)
        self._troubles: deque[Trouble | None] = deque()
        self._always: Trouble | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="vk")

    @property
    def url(self) -> str:
        """The address to give to the client as VK's host."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> VkDouble:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def next(self, trouble: Trouble, *, times: int = 1, after: int = 0) -> None:
        """Let ``trouble`` befall the next calls, ``after`` so many that go well."""
        self._troubles += [None] * after + [trouble] * times

    def always(self, trouble: Trouble) -> None:
        """Let ``trouble`` befall every call from now on."""
        self._always = trouble

    def forget(self) -> None:
        """Forget the calls so far, and the troubles that have not come yet."""
        with self._lock:
            self.calls.clear()
            self._troubles.clear()
            self._always = None

    def methods(self) -> list[str]:
        """The methods that were called, in order."""
        return [call.method for call in self.calls]

    # --- what the API does ----------------------------------------------------------------------

    def _answer(self, call: Call, is_form: bool) -> Any:
        """The ``response`` of a call."""
        if "v" not in call.params:
            raise _Refusal(8)
        method = {"users.get": self._users_get, "utils.resolveScreenName": self._resolve}.get(
            call.method
        )
        if method is None:
            raise _Refusal(3)
        token = call.headers.get("authorization", "").removeprefix("Bearer ") or call.params.get(
            "access_token"
        )
        if token != self.key:
            raise _Refusal(5)
        if self._is_crowded(call):
            raise _Refusal(6)
        return method(call.params if is_form else {})

    def _is_crowded(self, call: Call) -> bool:
        recent = [one for one in self.calls if one is not call and call.at - one.at < 1.0]
        return self.per_second is not None and len(recent) >= self.per_second

    def _users_get(self, params: Mapping[str, str]) -> list[dict[str, Any]]:
        wanted = [
            name.strip().lower() for name in params.get("user_ids", "").split(",") if name.strip()
        ]
        if not wanted or len(wanted) > 1000:
            raise _Refusal(100)
        for name in wanted:
            if name in self.refuses:
                raise _Refusal(self.refuses[name])
        fields = params.get("fields", "").split(",")
        shown = [
            self._shown(person, fields) for person in self._people if self._is_meant(person, wanted)
        ]
        self._chance.shuffle(shown)
        return shown

    def _is_meant(self, person: Mapping[str, Any], wanted: Sequence[str]) -> bool:
        ways = {str(person["id"]), f"id{person['id']}", str(person.get("screen_name", "")).lower()}
        return not ways.isdisjoint(wanted)

    def _shown(self, person: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
        shown = {"id": person["id"], "first_name": "Ада", "last_name": "Примерова"}
        if "deactivated" in person:
            shown["deactivated"] = person["deactivated"]
        else:
            shown |= {"is_closed": False, "can_access_closed": True}
        if "screen_name" in fields and not person.get("nameless"):
            shown["screen_name"] = person.get("screen_name", f"id{person['id']}")
        return shown

    def _resolve(self, params: Mapping[str, str]) -> Any:
        name = params.get("screen_name", "").lower()
        if not name:
            raise _Refusal(100)
        if name in self.refuses_singly:
            raise _Refusal(self.refuses_singly[name])
        if name in self._others:
            other = self._others[name]
            return {"type": other["type"], "object_id": other["object_id"]}
        found = [
            person["id"]
            for person in self._people
            if str(person.get("screen_name", "")).lower() == name
        ]
        return {"type": "user", "object_id": found[0]} if found else []

    # --- how it is said -------------------------------------------------------------------------

    def _take(self, call: Call) -> Trouble | None:
        with self._lock:
            self.calls.append(call)
            if self._always is not None:
                return self._always
            return self._troubles.popleft() if self._troubles else None

    def _reply(self, call: Call, is_form: bool) -> Trouble:
        """The bytes to send for a call, in the shape of a trouble."""
        trouble = self._take(call)
        if trouble is not None:
            self._stopping.wait(trouble.seconds)
            if trouble.response is not None:
                return Trouble(body=json.dumps({"response": trouble.response}).encode())
            if not trouble.code:
                return trouble
        try:
            if trouble is not None:
                raise _Refusal(trouble.code)
            said: dict[str, Any] = {"response": self._answer(call, is_form)}
        except _Refusal as refusal:
            said = {"error": _error(refusal.code, call)}
        return Trouble(body=json.dumps(said, ensure_ascii=False).encode())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 2.0
            # Head and body leave together: apart, each answer would wait for the other side's
            # delayed word.
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._serve(urlsplit(self.path).query, is_form=True)

            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                is_form = (
                    self.headers.get_content_type() if "Content-Type" in self.headers else ""
                ) == FORM
                query = urlsplit(self.path).query
                self._serve(
                    "&".join(part for part in (query, text if is_form else "") if part),
                    is_form=is_form,
                )

            def _serve(self, text: str, *, is_form: bool) -> None:
                path = urlsplit(self.path).path
                if not path.startswith("/method/"):
                    self._send(
                        Trouble(
                            status=404,
                            body=b"<html>404</html>",
                            headers={"Content-Type": "text/html"},
                        )
                    )
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                params = dict(parse_qsl(text, keep_blank_values=True))
                call = Call(
                    self.command, path.removeprefix("/method/"), params, headers, double._clock()
                )
                reply = double._reply(call, is_form)
                if reply.drop:
                    self.close_connection = True
                else:
                    self._send(reply)

            def _send(self, reply: Trouble) -> None:
                body = reply.body or b""
                self.send_response(reply.status)
                for name, value in {
                    "Content-Type": "application/json; charset=utf-8",
                    **reply.headers,
                }.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._wires: list[socket.socket] = []

    def get_request(self) -> tuple[socket.socket, Any]:
        """Remember who is on the line."""
        wire, address = super().get_request()
        self._wires.append(wire)
        return wire, address

    def hang_up(self) -> None:
        """End all connections: a client may keep one for its next question, and nobody waits for
        that.
        """
        for wire in self._wires:
            with contextlib.suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


def _error(code: int, call: Call) -> dict[str, Any]:
    """An error as VK tells it, with all that was asked."""
    asked = [("method", call.method), ("oauth", "1"), *call.params.items()]
    message = MESSAGES.get(code, "Something else is wrong")
    return {
        "error_code": code,
        "error_msg": f"{message}: {call.params.get('user_ids', call.params.get('screen_name', ''))[:200]}",  # noqa: E501
        "request_params": [{"key": key, "value": value} for key, value in asked],
    }
