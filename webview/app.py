"""The window as a WSGI callable: routes that only read, inside a wrapper that holds for every answer.

Bottle finds the route. Around it stands our own wrapper, because a framework forgets headers on errors, prints the
address (VK's signature included) on its error pages, and takes ``get`` for GET.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from zoneinfo import ZoneInfo

import bottle

from coinsync.core.facts import Group
from coinsync.errors import CoinsyncError
from coinsync.store.database import open_readable, reading
from coinsync.store.reader import Reader
from webview import pages
from webview.launch import AGE_SECONDS_DEFAULT, Refusal, verify

METHODS = ("GET", "HEAD")
RETRY_AFTER_SECONDS = 60
#: A page must not wait long for a lock: its thread is one of few.
WAIT_SECONDS = 1.0

_HERE = Path(__file__).parent
_HTML = "text/html; charset=UTF-8"
_JSON = "application/json"
_FRAMED_BY = "https://vk.com https://*.vk.com https://vk.ru https://*.vk.ru"
_REASON = "webview.reason"
_PATH_SHOWN = 100
_LEVELS = {500: logging.ERROR, 503: logging.WARNING}

log = logging.getLogger("webview")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What the window must know of the school and of its VK app; ``keys`` are VK's protected keys, newest first.

    ``hosts`` are the values of the Host header that are answered, any when empty. ``ways`` are Russian and English
    titles of the ways to earn by code, ``zones`` are those of branches, and ``zone`` is for everybody else.
    """

    school: str
    coin_forms_ru: tuple[str, str, str]
    coin_forms_en: tuple[str, str]
    zone: ZoneInfo
    app_id: int
    keys: tuple[str, ...] = field(repr=False)
    age_seconds_max: int = AGE_SECONDS_DEFAULT
    hosts: frozenset[str] = frozenset()
    ways: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    zones: Mapping[int, ZoneInfo] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """One response before it is sent; ``reason`` is for the log."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    reason: str = ""


def make_app(settings: WebSettings, database_url: str, *, now: Callable[[], float]) -> WSGIApplication:
    """Make the window onto one database; ``now`` returns Unix seconds."""
    # Debug mode would print tracebacks and addresses into pages, wherever it was switched on.
    bottle.debug(False)
    brand = pages.Brand(
        settings.school,
        settings.coin_forms_ru,
        settings.coin_forms_en,
        settings.zone,
        settings.ways,
        settings.zones,
    )
    press = Press.set_up()
    inside = _routes(_Views(settings, brand, press, database_url, now))
    return _Wrapper(settings, brand, press, inside, now)


class Press:
    """Prints page objects: templates and style sheet, read and compiled once."""

    def __init__(self, style: str, templates: Mapping[type, Any]) -> None:
        """Keep the style sheet and one compiled template for each kind of page."""
        self._style = style
        self._templates = templates

    @classmethod
    def set_up(cls) -> Press:
        """Read everything that lies beside this module."""
        base = (_HERE / "templates" / "base.html").read_text(encoding="utf-8")
        names = {pages.Cabinet: "cabinet.html", pages.Stranger: "stranger.html", pages.Notice: "notice.html"}
        templates = {kind: cls._compiled(base, name) for kind, name in names.items()}
        return cls((_HERE / "static" / "style.css").read_text(encoding="utf-8"), templates)

    @staticmethod
    def _compiled(base: str, name: str) -> Any:
        content = (_HERE / "templates" / name).read_text(encoding="utf-8")
        template = bottle.SimpleTemplate(base.replace("<!-- content -->\n", content))
        template.co  # noqa: B018  # Compiles now: a mistake in a template must not wait for its first visitor.
        return template

    @property
    def style_source(self) -> str:
        """The Content-Security-Policy source that allows our style sheet and no other."""
        return f"'sha256-{base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()}'"

    def print(self, page: pages.Cabinet | pages.Stranger | pages.Notice) -> bytes:
        """Print one page."""
        text: str = self._templates[type(page)].render(page=page, style=self._style)
        return text.encode()


# --- inside: the routes ----------------------------------------------------------------------------------------------


def _routes(views: _Views) -> WSGIApplication:
    routes = bottle.Bottle()
    # Errors come out to our wrapper; Bottle would print their tracebacks, which hold what people typed.
    routes.config["catchall"] = False
    routes.route("/", "GET", views.cabinet)
    routes.route("/healthz", "GET", views.health)
    routes.default_error_handler = views.missing
    application: WSGIApplication = routes
    return application


@dataclass(frozen=True, slots=True)
class _Views:
    """The routes' answers."""

    settings: WebSettings
    brand: pages.Brand
    press: Press
    database_url: str
    now: Callable[[], float]

    def cabinet(self) -> Any:
        """Show the visitor's residents; identity comes from the verified launch and from nowhere else."""
        moment = self.now()
        visitor = verify(
            _launch_of(bottle.request.environ),
            keys=self.settings.keys,
            app_id=self.settings.app_id,
            now=int(moment),
            age_seconds_max=self.settings.age_seconds_max,
        )
        if isinstance(visitor, Refusal):
            return self._page(403, pages.refused(visitor, self.brand, self.settings.app_id), visitor.reason)
        try:
            family = self._read(lambda reader: gather(reader, visitor.vk))
        except CoinsyncError as error:
            return self._page(503, pages.trouble(self.brand), _name(error))
        if not family.residents:
            return self._page(200, pages.stranger(visitor.vk, self.brand, visitor.language), "stranger")
        today = datetime.fromtimestamp(moment, UTC)
        return self._page(200, pages.cabinet(family, self.brand, visitor.language, today))

    def health(self) -> Any:
        """Say for machines whether the database answers; reading it includes the check of its schema."""
        try:
            synced_at = self._read(lambda reader: reader.last_synced_at())
        except CoinsyncError as error:
            said = {"database": "out", "schema": "unknown", "last_synced_at": None, "error": _name(error)}
            return _response(503, json.dumps(said).encode(), _JSON, _name(error))
        said = {"database": "ok", "schema": "ok", "last_synced_at": synced_at}
        return _response(200, json.dumps(said).encode(), _JSON)

    def missing(self, _error: object) -> bytes:
        """Answer in our own words whatever Bottle has no route for."""
        bottle.response.status = 404
        return self.press.print(pages.missing(self.brand))

    def _page(self, status: int, page: pages.Cabinet | pages.Stranger | pages.Notice, reason: str = "") -> Any:
        return _response(status, self.press.print(page), _HTML, reason)

    def _read(self, question: Callable[[Reader], T]) -> T:
        # A database object of its own for each request: no thread ever sees another's connection, and a file that a
        # restore has put in the place of the old one is seen by the next request.
        database = open_readable(self.database_url, wait_seconds=WAIT_SECONDS)
        with reading(database):
            return question(Reader(database))


def gather(reader: Reader, vk: int) -> pages.Family:
    """Read what a visitor may see: only residents linked to this VK account."""
    residents = tuple(reader.residents_of_visitor(vk)[: pages.RESIDENTS_MAX + 1])
    shown = [resident.id for resident in residents[: pages.RESIDENTS_MAX]]
    lines = {resident: reader.lines(resident, limit=pages.LINES_MAX + 1) for resident in shown}
    lessons = (line.lesson for history in lines.values() for line in history if line.lesson is not None)
    groups = reader.recorded(Group, {group for lesson in lessons for group in lesson.groups})
    return pages.Family(
        residents, reader.balances(shown), lines, {group.id: group.name for group in groups}, reader.last_synced_at()
    )


def _launch_of(environ: Mapping[str, Any]) -> str:
    """The launch query of a request: from our header where there is one, else from the address."""
    raw: str = environ.get("HTTP_X_LAUNCH", environ.get("QUERY_STRING", ""))
    # WSGI hands bytes over as if they were Latin-1.
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")


def _response(status: int, body: bytes, kind: str, reason: str = "") -> Any:
    bottle.request.environ[_REASON] = reason
    headers = {"Content-Type": kind}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return bottle.HTTPResponse(body, status, headers)


def _name(error: Exception) -> str:
    """The class of an error, which is all that is ever said of it: its message may hold names or paths."""
    return type(error).__name__


# --- outside: the wrapper --------------------------------------------------------------------------------------------


class _Wrapper:
    """Everything that must hold whatever the routes do: hosts, methods, headers, errors, the log."""

    def __init__(
        self,
        settings: WebSettings,
        brand: pages.Brand,
        press: Press,
        inside: WSGIApplication,
        now: Callable[[], float],
    ) -> None:
        self._hosts = frozenset(host.lower() for host in settings.hosts)
        self._brand = brand
        self._press = press
        self._inside = inside
        self._now = now
        self._headers = security_headers(press.style_source)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        started = self._now()
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        answer = self._answer(environ, method, path)
        headers = {**answer.headers, "Content-Length": str(len(answer.body)), **self._headers}
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(headers.items()))
        spent_ms = round((self._now() - started) * 1000)
        level = _LEVELS.get(answer.status, logging.INFO)
        log.log(level, "%s %s %d %d ms %s", *_safe(method, path), answer.status, spent_ms, answer.reason or "-")
        return [] if method == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment, method: str, path: str) -> Answer:
        if self._hosts and environ.get("HTTP_HOST", "").lower() not in self._hosts:
            return self._own(421, pages.missing(self._brand), "unknown_host")
        if method not in METHODS:
            return self._own(405, pages.wrong_method(self._brand), "method", {"Allow": ", ".join(METHODS)})
        # Bottle drops bytes that are not UTF-8, which would make "/%FF" the cabinet; no route of ours needs them.
        if not path.isascii():
            return self._own(404, pages.missing(self._brand))
        try:
            return _captured(self._inside, {**environ, "REQUEST_METHOD": "GET"})
        except Exception as error:
            return self._own(500, pages.broken(self._brand), _name(error))

    def _own(self, status: int, page: pages.Notice, reason: str = "", more: Mapping[str, str] | None = None) -> Answer:
        return Answer(status, self._press.print(page), {"Content-Type": _HTML, **(more or {})}, reason)


def security_headers(style_source: str) -> dict[str, str]:
    """The headers of every response; ``style_source`` is what the policy allows as a style sheet."""
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src {style_source}",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "object-src 'none'",
        f"frame-ancestors {_FRAMED_BY}",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, no-store",
    }


def _captured(inside: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Call the routes and keep what they would have sent."""
    sent: list[tuple[str, list[tuple[str, str]]]] = []

    def keep(status: str, headers: list[tuple[str, str]], _exc_info: object = None, /) -> Callable[[bytes], object]:
        sent.append((status, headers))
        return lambda _data: None

    body = b"".join(inside(environ, keep))
    status, headers = sent[-1]
    return Answer(int(status[:3]), body, dict(headers), environ.get(_REASON, ""))


def _safe(method: str, path: str) -> tuple[str, str]:
    """What the log may hold of a request's first line: no control characters, and no query, not even an encoded one."""
    return quote(method, errors="replace")[:10], quote(path.partition("?")[0], errors="replace")[:_PATH_SHOWN]
