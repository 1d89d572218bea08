"""How AlfaCRM speaks: requests, responses, refusals, and the values of filters."""

import json
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from typing import Any

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"
TOKEN_HEADER = "x-alfacrm-token"

JsonObject = dict[str, Any]


@dataclass(slots=True)
class Request:
    """One request as it came; names of headers are in small letters."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    number: int = 0
    """Counts the requests to the API from 1."""
    at: float = 0.0
    """When it came, by the simulator's clock."""
    status: int = 0
    """What it was answered with."""

    def json(self) -> Any:
        """The body as JSON; None when it is empty."""
        return json.loads(self.body) if self.body.strip() else None

    def fields(self) -> JsonObject:
        """The body as an object; nothing and `[]` are empty ones. Refuses what is not JSON."""
        try:
            value = self.json()
        except (ValueError, RecursionError):
            message = "Invalid JSON data in request body: Syntax error."
            raise CallRefused(400, message) from None
        return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class Response:
    """What goes back, and how badly: after a wait, byte by byte, or not at all."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.0
    seconds_per_byte: float = 0.0
    cut: str = ""
    """Where the connection is cut: "before" the response or in its "middle"."""


class CallRefused(ValueError):
    """The call is refused with a status and the framework's error body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def response(self) -> Response:
        """The refusal as it goes over the wire."""
        error = {"name": HTTPStatus(self.status).phrase, "message": str(self), "code": 0}
        return Response(self.status, encoded({**error, "status": self.status}))


def encoded(value: object) -> bytes:
    """JSON as the framework prints it: letters unescaped, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def gateway_page(title: str) -> bytes:
    """A page as a gateway in front of the CRM prints it."""
    return f"<html>\r\n<body>\r\n<h1>{title}</h1>\r\n</body>\r\n</html>\r\n".encode()


def as_number(value: object) -> int | None:
    """A whole number, which may arrive as a truth value or a text; None for others."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return int(value) if isinstance(value, int) else None


def as_numbers(value: object) -> frozenset[int] | None:
    """A filter's numbers, one or a list; None: not set, empty: fits nothing."""
    if value is None or value == "" or value == []:
        return None
    numbers = map(as_number, value if isinstance(value, list) else [value])
    return frozenset(number for number in numbers if number is not None)


def as_day(value: object) -> date | None:
    """The date of a filter; None for a spelling that finds nothing, as `dd.mm.yyyy`."""
    text = str(value)
    try:
        # Python also takes shorter forms, as 20261121.
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
