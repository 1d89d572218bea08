"""How AlfaCRM speaks: requests, responses, refusals, and the values of filters."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from http import HTTPStatus
from inspect import signature
from typing import Any, Literal, get_args, get_origin, get_type_hints

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

    def fields(self) -> JsonObject:
        """The body as an object; nothing and `[]` are empty ones. Refuses what is not JSON."""
        try:
            value = json.loads(self.body.strip() or b"{}")
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


@dataclass(slots=True)
class Options:
    """Settings, also while it runs. The defaults are what a school most likely meets."""

    token_life: float = 900.0
    """Seconds for which a token is good."""
    refusal_code: Literal[401, 403] = 401
    """Status for a missing, wrong or expired token."""
    login_refusal_code: Literal[401, 403] = 403
    """Status for a wrong e-mail or key."""
    new_login_kills_old: bool = False
    """Whether a login makes all earlier tokens worthless."""
    user_without_right: bool = False
    """Whether the role of the user may not use the API at all."""
    required_app_key: str | None = None
    """What the header X-APP-KEY must hold; None: the header is not looked at."""
    page_size_default: int = 50
    page_size_max: int = 500
    past_the_end: Literal["empty", "repeat"] = "empty"
    """What a page after the last one holds: nothing, or the last one again."""
    unstable_ties: bool = False
    """Whether rows with equal sort keys fall differently in every request."""
    is_study_default: Literal[0, 1, 2] = 1
    """Which cards `customer/index` gives when nobody asks: leads, clients, both."""
    removed_default: Literal[0, 1, 2] = 0
    """Which cards `customer/index` gives when nobody asks: active, all, archived."""
    with_groups: Literal["objects", "ids", "absent"] = "objects"
    """What `withGroups: true` adds to a card."""
    regular_id: Literal["present", "null", "missing"] = "present"
    details_on_planned: bool = True
    """Whether planned lessons already show pupils and attendance rows."""
    teacher_names: bool = False
    """Whether `teacher_ids` holds names instead of numbers."""
    cgi_past: bool = False
    """Whether `cgi/index` also lists memberships that have ended."""
    unknown_branch: Literal["forbidden", "missing", "empty"] = "forbidden"
    """Answer for a branch that is not there: 403, 404 or an empty list."""
    rate_limit: float | None = 5.0
    """Requests answered in a second, login and all branches together; None: no limit."""
    retry_after: float | None = None
    """Seconds in the header Retry-After of a 429; None: no such header."""
    too_many_body: Literal["json", "html"] = "json"


Records = Mapping[type, Mapping[int, Any]]

_DESCRIPTIONS: dict[Any, str] = {
    int: "a whole number",
    float: "a number from 0 up",
    bool: "true or false",
    str: "a text that is not empty",
    date: "a date like 2026-11-21",
}


def as_arguments(
    target: Callable[..., Any], given: Mapping[str, Any], records: Records | None = None
) -> dict[str, Any]:
    """The values as the types that ``target`` wants; a record is meant by its number."""
    what, wanted = target.__name__.lower(), get_type_hints(target)
    try:
        signature(target).bind(**given)
    except TypeError as error:
        raise ValueError(f"{what}: {error}") from None
    typed = {}
    for name, value in given.items():
        typed[name] = _as_type(f"{what}: {name}", value, wanted[name], records)
    return typed


def _as_type(name: str, value: Any, wanted: Any, records: Records | None) -> Any:
    parts = get_args(wanted)
    # Optional values are written `X | None`, the type first.
    if type(None) in parts:
        return None if value is None else _as_type(name, value, parts[0], records)
    if get_origin(wanted) is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError(f"{name} must be a list, not {value!r}")
        return tuple(_as_type(name, item, parts[0], records) for item in value)
    if records and wanted in records:
        number = _as_type(name, value, int, None)
        if number not in records[wanted]:
            raise ValueError(f"{name} {number} does not exist")
        return records[wanted][number]
    if wanted is date and isinstance(value, str):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if not _fits(value, wanted):
        expected = f"one of {', '.join(map(str, parts))}" if parts else _DESCRIPTIONS[wanted]
        raise ValueError(f"{name} must be {expected}, not {value!r}")
    return value


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) and wanted not in (bool, object):
        # Python counts true and false among the whole numbers.
        return False
    if get_origin(wanted) is Literal:
        return value in get_args(wanted)
    if wanted is float:
        return isinstance(value, int | float) and 0 <= value < float("inf")
    return isinstance(value, wanted) and (wanted is not str or bool(value.strip()))
