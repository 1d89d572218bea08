"""How AlfaCRM speaks: calls, answers, the list envelope, paging, error bodies, values of filters."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from coinsync.simulator.options import Options

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API, taken apart. `number` counts the requests from 1."""

    number: int
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def is_login(self) -> bool:
        """Whether this asks for a token."""
        return self.path == "/v2api/auth/login"

    def fields(self) -> Row:
        """The body as an object; nothing, `[]` and `{}` are the same. Refuses what is not JSON."""
        if not self.body.strip():
            return {}
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Refusal(
                400, "Bad Request", "Invalid JSON data in request body: Syntax error."
            ) from None
        return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class Answer:
    """What goes back, and how badly: after a wait, byte by byte, or not at all."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    drip: float = 0.0
    drop: str = ""


class Refusal(Exception):
    """The call is refused with a status and the framework's error body."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = name
        self.message = message

    def answer(self) -> Answer:
        """The refusal as it goes over the wire."""
        body = {"name": self.name, "message": self.message, "code": 0, "status": self.status}
        return Answer(self.status, encoded(body))


def encoded(value: object) -> bytes:
    """JSON as the framework prints it: letters unescaped, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def unauthorized(status: int) -> Refusal:
    """A token that is missing, wrong or expired."""
    name = "Unauthorized" if status == 401 else "Forbidden"
    return Refusal(status, name, "Your request was made with invalid credentials.")


def access_denied() -> Refusal:
    """A role that may not do this."""
    return Refusal(403, "Forbidden", "Access Denied")


def not_found() -> Refusal:
    """An address, an entity or an action that does not exist."""
    return Refusal(404, "Not Found", "Страница не найдена.")


def parameter_missing(name: str) -> Refusal:
    """A parameter that belongs into the query and is not there."""
    return Refusal(400, "Bad Request", f"Отсутствуют обязательные параметры: {name}")


def wrong_method() -> Refusal:
    """Everything is POST, reading too."""
    return Refusal(
        405,
        "Method Not Allowed",
        "Method Not Allowed. This URL can only handle the following request methods: POST.",
    )


def too_many(options: Options) -> Answer:
    """More requests than the account may make; what the real one looks like was never published."""
    answer = Refusal(429, "Too Many Requests", "Rate limit exceeded.").answer()
    if options.too_many_body == "html":
        answer.body, answer.content_type = html("429 Too Many Requests"), HTML
    if options.retry_after is not None:
        answer.headers["Retry-After"] = f"{options.retry_after:g}"
    return answer


def html(title: str) -> bytes:
    """A page as a gateway in front of the CRM prints it."""
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that a read finds, in order, and how one record of it is printed."""

    records: Sequence[Any]
    shape: Callable[[Any], Row]


@dataclass(slots=True)
class Drift:
    """How far the rows have moved since the first page of this read was taken."""

    shift: int = 0
    total: int = 0
    swapped: bool = False


def envelope(listing: Listing, call: Call, options: Options, drift: Drift) -> Row:
    """One page of the listing. Only the rows of this page are printed."""
    fields = call.fields()
    size = page_size(fields, call.query, options)
    page = page_number(fields)
    records = _window(listing.records, page, size, drift)
    if not records and options.past_the_end == "repeat" and listing.records:
        records = _window(listing.records, (len(listing.records) - 1) // size, size, drift)
    items = [listing.shape(one) for one in records]
    return {
        "total": len(listing.records) + drift.total,
        "count": len(items),
        "page": page,
        "items": items,
    }


def _window(records: Sequence[Any], page: int, size: int, drift: Drift) -> list[Any]:
    start = page * size + (drift.shift if page else 0)
    rows = list(records[max(start, 0) : max(start + size, 0)])
    if drift.swapped and rows and start > 0:
        # Two rows with one sort key fell differently: the last of the page before comes again.
        rows[0] = records[start - 1]
    return rows


def page_number(fields: Row) -> int:
    """The page asked for, counted from 0."""
    return max(as_number(fields.get("page")) or 0, 0)


def page_size(fields: Row, query: dict[str, str], options: Options) -> int:
    """The page size: `per-page` of the query, else `pageSize` of the body; other spellings are not known."""
    asked = as_number(query.get("per-page")) or as_number(fields.get("pageSize"))
    if asked is None and options.count_in_body:
        asked = as_number(fields.get("count"))
    if asked is None or asked < 1:
        asked = options.page_size_default
    return min(asked, options.page_size_max)


def as_number(value: object) -> int | None:
    """A whole number that may arrive as a number, a truth value or a text; None for anything else."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return None


def as_numbers(value: object) -> frozenset[int] | None:
    """The numbers of a filter, one or a list; None when the filter is not set, empty when it fits nothing."""
    if value is None or value == "" or value == []:
        return None
    listed = value if isinstance(value, list) else [value]
    return frozenset(number for number in map(as_number, listed) if number is not None)


def as_day(value: object, options: Options) -> date | None:
    """The date of a filter; None for a spelling that finds nothing."""
    if not isinstance(value, str) or len(value) != 10:
        return None
    if options.dates_dotted == "accepted" and value[2] == value[5] == ".":
        value = f"{value[6:]}-{value[3:5]}-{value[:2]}"
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
