"""Trouble on request: which requests it meets, and what it does to their answers."""

import json
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Literal, get_args

from coinsync.simulator.chance import Chance
from coinsync.simulator.lists import Drift, page_number
from coinsync.simulator.protocol import (
    HTML,
    CallRefused,
    JsonObject,
    Options,
    Request,
    Response,
    as_arguments,
    gateway_page,
)

Kind = Literal[
    "too_many", "error_500", "error_502", "error_503", "error_504", "redirect", "lost_token",
    "html_200", "empty_body", "null_body", "list_body", "cut_json", "duplicate_keys", "nan",
    "huge", "deep", "items_null", "wrong_total", "empty_first_page", "empty_list",
    "duplicate_row", "missing_row", "details_missing", "bad_field", "drift_insert",
    "drift_delete", "tie_swap", "hang", "drip", "drop",
]  # fmt: skip

KINDS: tuple[str, ...] = get_args(Kind)

_BODIES = {
    "empty_body": b"",
    "null_body": b"null",
    "list_body": b"[]",
    # What no encoder would write.
    "duplicate_keys": b'{"total":0,"total":1,"items":[]}',
    "nan": b'{"total":NaN,"items":[]}',
    "huge": b'{"total":' + b"7" * 5_000 + b',"items":[]}',
    "deep": b'{"total":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
}


@dataclass(slots=True)
class Fault:
    """One trouble.

    It meets the requests whose path contains `match`: all of them; or those at the places
    `at`, counted from 1 since it was added; or a share `rate` of them, drawn anew for each; and
    at most `times`.
    """

    kind: Kind
    rate: float | None = None
    at: tuple[int, ...] = ()
    times: int | None = None
    match: str = ""
    seed: int = 0
    seconds: float | None = None
    """How long `hang` waits (60), and `drip` before each byte (0.1)."""
    status: Literal[302, 307] = 302
    to: str = "http://127.0.0.1:9/"
    """Where `redirect` points."""
    where: Literal["before", "middle"] = "before"
    """When `drop` cuts the connection: before or in the middle of the body."""
    path: str = "id"
    """Which field `bad_field` spoils, as `details.0.is_attend`."""
    value: object = None
    row: int = 0
    """Which row of the page a fault of one row takes; -1 is the last."""
    matched: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def strikes(self, path: str) -> bool:
        """Whether it strikes this request; to ask is to count it."""
        # A login carries no token that could be lost.
        login = path.endswith("/auth/login")
        if self.match not in path or (login and self.kind == "lost_token"):
            return False
        self.matched += 1
        if self.times is not None and self.struck >= self.times:
            return False
        due = True
        if self.at:
            due = self.matched in self.at
        elif self.rate is not None:
            due = Chance(self.seed).happens(self.rate, self.kind, self.matched)
        self.struck += due
        return due


class Faults:
    """All troubles that are switched on, in the order in which they were added."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._drifts: dict[str, Drift] = {}

    def add(self, kind: object, /, **settings: Any) -> Fault:
        """Switch one on; settings are the fields of `Fault`. ValueError for a wrong one."""
        fault = Fault(**as_arguments(Fault, {"kind": kind, **settings}))
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all off."""
        self.active.clear()
        self._drifts.clear()

    def strike(self, path: str) -> list[Fault]:
        """Those that strike this request."""
        return [fault for fault in self.active if fault.strikes(path)]

    def drift(self, request: Request, struck: list[Fault]) -> Drift:
        """How the rows have moved for this page, until the read begins anew."""
        # Pages of one read differ in nothing but their number.
        fields = {**request.fields(), "page": 0}
        read = json.dumps([request.path, fields], sort_keys=True)
        if page_number(request) == 0:
            self._drifts.pop(read, None)
            return Drift()
        drift = self._drifts.get(read, Drift())
        kinds = [fault.kind for fault in struck]
        # A row that is inserted at the top pushes all others back.
        inserted = kinds.count("drift_insert") - kinds.count("drift_delete")
        drift = Drift(drift.shift - inserted, drift.total + inserted)
        self._drifts[read] = drift
        return replace(drift, swapped="tie_swap" in kinds)


def too_many_requests(options: Options) -> Response:
    """More requests than the account may make; the real answer was never published."""
    response = CallRefused(429, "Rate limit exceeded.").response()
    if options.too_many_body == "html":
        response.body = gateway_page("429 Too Many Requests")
        response.content_type = HTML
    if options.retry_after is not None:
        response.headers["Retry-After"] = f"{options.retry_after:g}"
    return response


def replacement(struck: list[Fault], options: Options) -> Response | None:
    """The response that a trouble gives instead of any work."""
    for fault in struck:
        if fault.kind == "too_many":
            return too_many_requests(options)
        if fault.kind == "redirect":
            return Response(fault.status, b"", HTML, {"Location": fault.to})
        if fault.kind.startswith("error_"):
            status = HTTPStatus(int(fault.kind.removeprefix("error_")))
            return Response(status, gateway_page(f"{status} {status.phrase}"), HTML)
    return None


def spoil_page(page: JsonObject, fault: Fault) -> None:
    """Falsify one page of a list in place."""
    items = page["items"] or []
    has_row = -len(items) <= fault.row < len(items)
    match fault.kind:
        case "items_null":
            page["items"] = None
        case "wrong_total":
            page["total"] += 1
        case "empty_first_page" if page["page"] == 0:
            page.update(items=[], count=0)
        case "empty_list":
            page.update(items=[], count=0, total=0)
        case "duplicate_row" if has_row:
            items.append(items[fault.row])
            page["count"] += 1
        case "missing_row" if has_row:
            del items[fault.row]
            page["count"] -= 1
        case "details_missing":
            for row in items:
                row.pop("details", None)
        case "bad_field" if has_row:
            _spoil_field(items[fault.row], fault.path, fault.value)


def _spoil_field(row: Any, path: str, value: object) -> None:
    """Set what lies at the path; nothing happens where it leads nowhere."""
    *way, last = path.split(".")
    try:
        for step in way:
            row = row[int(step) if isinstance(row, list) else step]
        row[int(last) if isinstance(row, list) else last] = value
    except (KeyError, IndexError, TypeError, ValueError):
        return


def spoil_response(response: Response, fault: Fault) -> None:
    """Falsify the bytes of a response in place, or the way in which they are sent."""
    match fault.kind:
        case "html_200":
            response.status, response.content_type = 200, HTML
            response.body = gateway_page("Технические работы")
        case "cut_json":
            response.body = response.body[: len(response.body) // 2]
        case "hang":
            response.wait_seconds += 60.0 if fault.seconds is None else fault.seconds
        case "drip":
            response.seconds_per_byte = 0.1 if fault.seconds is None else fault.seconds
        case "drop":
            response.cut = fault.where
        case _:
            response.body = _BODIES.get(fault.kind, response.body)
