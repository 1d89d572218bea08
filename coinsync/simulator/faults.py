"""Trouble on request: which requests it meets, and what it does to their answers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args, get_type_hints

from coinsync.simulator.arguments import as_type
from coinsync.simulator.chance import Chance
from coinsync.simulator.dialect import HTML, Answer, Call, Drift, Row, encoded, html, page_number

Kind = Literal[
    "too_many", "error_500", "error_502", "error_503", "error_504", "redirect", "lost_token",
    "html_200", "empty_body", "null_body", "list_body", "cut_json", "duplicate_keys", "nan", "huge", "deep",
    "items_null", "wrong_total", "empty_first_page", "empty_list", "duplicate_row", "missing_row", "details_missing",
    "bad_field", "drift_insert", "drift_delete", "tie_swap",
    "hang", "drip", "drop",
]  # fmt: skip

KINDS: tuple[str, ...] = get_args(Kind)

_TITLES = {
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
    504: "504 Gateway Time-out",
}
_PLACE = "\u0001place\u0001"


@dataclass(slots=True)
class Fault:
    """One trouble.

    It meets the requests whose path contains `match`: all of them; or those at the places `at`, counted
    from 1 since the fault was added; or a share `rate` of them, drawn anew for each; and at most `times`.
    """

    kind: Kind
    rate: float | None = None
    at: tuple[int, ...] = ()
    times: int | None = None
    match: str = ""
    seed: int = 0
    seconds: float | None = None
    """How long `hang` hangs (60), and how long `drip` waits before each byte (0.1)."""
    status: Literal[302, 307] = 302
    to: str = "http://127.0.0.1:9/"
    """Where `redirect` points."""
    where: Literal["before", "middle"] = "before"
    """When `drop` closes the connection: before the answer, or in the middle of its body."""
    path: str = "id"
    """Which field `bad_field` spoils, as `details.0.is_attend`; a path that is not there spoils nothing."""
    value: object = None
    row: int = 0
    """Which row of the page `bad_field` and `missing_row` take, `duplicate_row` repeats; -1 is the last."""
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def meets(self, path: str) -> bool:
        """Whether it strikes this request; to ask is to count it."""
        if self.match not in path or (self.kind == "lost_token" and path.endswith("/auth/login")):
            return False
        self.seen += 1
        if self.times is not None and self.struck >= self.times:
            return False
        struck = self._is_due()
        self.struck += struck
        return struck

    def _is_due(self) -> bool:
        if self.at:
            return self.seen in self.at
        return self.rate is None or Chance(self.seed).happens(self.rate, self.kind, self.seen)


class Faults:
    """All troubles that are switched on."""

    def __init__(self) -> None:
        self.active: list[Fault] = []
        self._drifts: dict[str, Drift] = {}

    def __iter__(self) -> Iterator[Fault]:
        """The troubles in the order in which they were added."""
        return iter(self.active)

    def add(self, kind: object, /, **settings: Any) -> Fault:
        """Switch one on; settings are the fields of `Fault`. ValueError with one line if one is wrong."""
        hints = get_type_hints(Fault)
        for name in settings:
            if name not in hints or name in ("seen", "struck"):
                raise ValueError(f"a fault has no setting {name!r}")
        typed = {name: as_type(name, value, hints[name]) for name, value in settings.items()}
        fault = Fault(as_type("kind", kind, Kind), **typed)
        self.active.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Switch one off."""
        self.active = [one for one in self.active if one is not fault]

    def clear(self) -> None:
        """Switch all off."""
        self.active.clear()
        self._drifts.clear()

    def strike(self, path: str) -> list[Fault]:
        """Those that meet this request."""
        return [one for one in self.active if one.meets(path)]

    def described(self) -> list[dict[str, Any]]:
        """All troubles with their settings and counts."""
        return [asdict(one) for one in self.active]

    def drift(self, call: Call, struck: list[Fault]) -> Drift:
        """How the rows have moved for this page; a drift lasts until the read begins anew."""
        fields = {name: value for name, value in call.fields().items() if name != "page"}
        read = json.dumps([call.path, fields], sort_keys=True)
        if page_number(call.fields()) == 0:
            self._drifts.pop(read, None)
            return Drift()
        drift = self._drifts.get(read, Drift())
        for fault in struck:
            step = {"drift_insert": 1, "drift_delete": -1}.get(fault.kind, 0)
            if step:
                drift = self._drifts[read] = Drift(drift.shift - step, drift.total + step)
        swapped = any(fault.kind == "tie_swap" for fault in struck)
        return Drift(drift.shift, drift.total, swapped)


def instead(fault: Fault, crowd: Callable[[], Answer]) -> Answer | None:
    """The answer that this trouble gives instead of any work; `crowd` makes that of a 429."""
    if fault.kind == "too_many":
        return crowd()
    if fault.kind == "redirect":
        return Answer(fault.status, b"", HTML, {"Location": fault.to})
    if fault.kind.startswith("error_"):
        status = int(fault.kind.removeprefix("error_"))
        return Answer(status, html(_TITLES[status]), HTML)
    return None


def spoil_page(page: Row, fault: Fault) -> None:
    """Falsify one page of a list in place."""
    if fault.kind in _OF_PAGE:
        _OF_PAGE[fault.kind](page, fault)


def _items_null(page: Row, fault: Fault) -> None:
    page["items"] = None


def _wrong_total(page: Row, fault: Fault) -> None:
    page["total"] += 1


def _empty_first_page(page: Row, fault: Fault) -> None:
    if page["page"] == 0:
        page["items"], page["count"] = [], 0


def _empty_list(page: Row, fault: Fault) -> None:
    page["items"], page["count"], page["total"] = [], 0, 0


def _duplicate_row(page: Row, fault: Fault) -> None:
    if _has_row(page, fault):
        page["items"].append(page["items"][fault.row])
        page["count"] += 1


def _missing_row(page: Row, fault: Fault) -> None:
    if _has_row(page, fault):
        del page["items"][fault.row]
        page["count"] -= 1


def _details_missing(page: Row, fault: Fault) -> None:
    for row in page["items"] or ():
        row.pop("details", None)


def _bad_field(page: Row, fault: Fault) -> None:
    if not _has_row(page, fault):
        return
    *way, last = fault.path.split(".")
    place: Any = page["items"][fault.row]
    for step in way:
        place = _inside(place, step)
    if isinstance(place, dict):
        place[last] = fault.value
    elif isinstance(place, list) and last.isdigit() and int(last) < len(place):
        place[int(last)] = fault.value


def _inside(place: Any, step: str) -> Any:
    if isinstance(place, dict):
        return place.get(step)
    if isinstance(place, list) and step.isdigit() and int(step) < len(place):
        return place[int(step)]
    return None


def _has_row(page: Row, fault: Fault) -> bool:
    count = len(page["items"] or ())
    return -count <= fault.row < count


_OF_PAGE: dict[str, Callable[[Row, Fault], None]] = {
    "items_null": _items_null,
    "wrong_total": _wrong_total,
    "empty_first_page": _empty_first_page,
    "empty_list": _empty_list,
    "duplicate_row": _duplicate_row,
    "missing_row": _missing_row,
    "details_missing": _details_missing,
    "bad_field": _bad_field,
}


def spoil_answer(answer: Answer, fault: Fault) -> None:
    """Falsify the bytes of an answer in place, or the way in which they are sent."""
    if fault.kind == "html_200":
        answer.status, answer.body, answer.content_type = 200, html("Технические работы"), HTML
    elif fault.kind in _BODIES:
        answer.body = _BODIES[fault.kind]
    elif fault.kind in _VALUES:
        answer.body = _with_value(answer.body, _VALUES[fault.kind])
    elif fault.kind == "cut_json":
        answer.body = answer.body[: len(answer.body) // 2]
    elif fault.kind == "duplicate_keys":
        answer.body = _with_key_twice(answer.body)
    else:
        _hinder(answer, fault)


def _hinder(answer: Answer, fault: Fault) -> None:
    if fault.kind == "hang":
        answer.wait += 60.0 if fault.seconds is None else fault.seconds
    elif fault.kind == "drip":
        answer.drip = 0.1 if fault.seconds is None else fault.seconds
    elif fault.kind == "drop":
        answer.drop = fault.where


_BODIES = {"empty_body": b"", "null_body": b"null", "list_body": b"[]"}

_VALUES = {"nan": b"NaN", "huge": b"7" * 5_000, "deep": b"[" * 200_000 + b"]" * 200_000}


def _with_value(body: bytes, value: bytes) -> bytes:
    """The object with the value of its first key replaced by what no encoder would write."""
    row = _object_in(body)
    if row is None:
        return body
    row[next(iter(row))] = _PLACE
    return encoded(row).replace(encoded(_PLACE), value, 1)


def _with_key_twice(body: bytes) -> bytes:
    """The object with its first key once more, and another value, in front."""
    row = _object_in(body)
    if row is None:
        return body
    first = next(iter(row))
    return b"{" + encoded(first) + b":0," + body.lstrip()[1:]


def _object_in(body: bytes) -> Row | None:
    try:
        row = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and row else None
