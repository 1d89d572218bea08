"""The window as a WSGI callable: routes that only read, inside a wrapper that holds for every answer.

Bottle finds the route. Around it stands our own wrapper, because a framework forgets headers on errors, prints the
address (VK's signature included) on its error pages, and takes ``get`` for GET.
"""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from zoneinfo import ZoneInfo

import bottle

from coinsync.core.colour import Colours
from coinsync.core.rules import Rule
from coinsync.core.school import Way
from coinsync.errors import CoinsyncError
from coinsync.store.database import Readers
from coinsync.store.reader import Reader
from webview import pages, scripts
from webview.gallery import Gallery, Picture
from webview.launch import AGE_SECONDS_DEFAULT, Refusal, Visitor, verify
from webview.page_renderer import PageRenderer
from webview.school import School
from webview.visit import family_of, older_of

METHODS = ("GET", "HEAD")
RETRY_AFTER_SECONDS = 60
#: A page must not wait long for a lock: its thread is one of few.
WAIT_SECONDS = 1.0

_HTML = "text/html; charset=UTF-8"
_JSON = "application/json"
#: Names of pictures and scripts hold a digest of their content.
_FOR_EVER = "public, max-age=31536000, immutable"
#: An SVG that somebody opens by itself is a document, and this one may do nothing at all.
_DRAWING_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
_NUMBER_DIGITS_MAX = 18
_FRAMED_BY = "https://vk.com https://*.vk.com https://vk.ru https://*.vk.ru"
_REASON = "webview.reason"
_PATH_SHOWN = 100
#: What becomes smaller by compression, and from how many bytes on it is worth the work. Nothing that a request says is
#: repeated in an answer, so its size tells nobody anything.
_COMPRESSED = ("text/", _JSON, "image/svg+xml")
_COMPRESSED_FROM = 1024
_COMPRESSION = 5
_LEVELS = {500: logging.ERROR, 503: logging.WARNING}

log = logging.getLogger("webview")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What the window must know of the school and of its VK app; ``keys`` are VK's protected keys, newest first.

    ``hosts`` are the values of the Host header that are answered, any when empty. ``zones`` are those of branches, and
    ``zone`` is for everybody else. ``lessons`` are Russian and English names of what a rule pays for, by the rule's
    name. ``pictures`` is the folder of the goods' pictures; ``logo`` and ``coin`` are names of ``own_pictures``.
    """

    school: str
    coin_forms_ru: tuple[str, str, str]
    coin_forms_en: tuple[str, str]
    zone: ZoneInfo
    app_id: int
    keys: tuple[str, ...] = field(repr=False)
    age_seconds_max: int = AGE_SECONDS_DEFAULT
    hosts: frozenset[str] = frozenset()
    ways: tuple[Way, ...] = ()
    zones: Mapping[int, ZoneInfo] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    lessons: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    colours: Colours = field(default_factory=Colours)
    pictures: Path | None = None
    own_pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    logo: str = ""
    coin: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response before it is sent; ``reason`` is for the log."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    reason: str = ""


def make_app(
    settings: WebSettings, database_url: str, *, now: Callable[[], float]
) -> WSGIApplication:
    """Make the window onto one database; ``now`` returns Unix seconds."""
    # Debug mode would print tracebacks and addresses into pages, wherever it was switched on.
    bottle.debug(False)
    gallery = Gallery(settings.pictures, settings.own_pictures)
    own = gallery.addresses(settings.own_pictures)
    school = School(
        settings.school,
        settings.coin_forms_ru,
        settings.coin_forms_en,
        settings.zone,
        settings.ways,
        settings.zones,
        settings.rules,
        settings.lessons,
        logo=own.get(settings.logo, ""),
        coin=own.get(settings.coin, ""),
    )
    press = PageRenderer.set_up(settings.colours)
    readers = Readers(database_url, wait_seconds=WAIT_SECONDS)
    inside = _routes(_Views(settings, school, press, gallery, readers, now))
    return _Wrapper(settings, school, press, inside, now)


# --- inside: the routes ----------------------------------------------------------------------------------------------


def _routes(views: _Views) -> WSGIApplication:
    routes = bottle.Bottle()
    # Errors come out to our wrapper; Bottle would print their tracebacks, which hold what people typed.
    routes.config["catchall"] = False
    routes.route("/", "GET", views.cabinet)
    routes.route("/history", "GET", views.history)
    routes.route("/pictures/<name>", "GET", views.picture)
    routes.route("/static/<folder>/<name>", "GET", views.script)
    routes.route("/healthz", "GET", views.health)
    routes.default_error_handler = views.nowhere
    application: WSGIApplication = routes
    return application


@dataclass(frozen=True, slots=True)
class _Views:
    """The routes' answers."""

    settings: WebSettings
    school: School
    press: PageRenderer
    gallery: Gallery
    readers: Readers
    now: Callable[[], float]

    def cabinet(self) -> Any:
        """Show the visitor's residents and the shop."""

        def show(reader: Reader, visitor: Visitor, moment: datetime) -> Any:
            family = family_of(reader, visitor.vk)
            family = replace(
                family, pictures=self.gallery.addresses(item.picture for item, _ in family.shelf)
            )
            if not family.residents:
                page = pages.stranger(visitor.vk, family, self.school, visitor.language, moment)
                return self._page(200, page, "stranger")
            return self._page(200, pages.cabinet(family, self.school, visitor.language, moment))

        environ = bottle.request.environ
        return self._to_visitor(environ.get("HTTP_X_LAUNCH", environ.get("QUERY_STRING", "")), show)

    def history(self) -> Any:
        """Show further lines of one of the visitor's residents, as a part of a page.

        This is asked by the page's script, so the launch comes in the header, and here nowhere else.
        """
        child, before = _asked_number("child"), _asked_number("before")

        def show(reader: Reader, visitor: Visitor, moment: datetime) -> Any:
            older = older_of(reader, visitor.vk, child, before) if child and before else None
            if older is None:
                return self._missing()
            return self._page(200, pages.rows(older, self.school, visitor.language, moment))

        return self._to_visitor(bottle.request.environ.get("HTTP_X_LAUNCH", ""), show)

    def picture(self, name: str) -> Any:
        """Send a picture; which there are is no secret."""
        found = self.gallery.find(name)
        return self._missing() if found is None else _picture(found)

    def script(self, folder: str, name: str) -> Any:
        """Send one of the page's scripts."""
        found = self.press.scripts.find(folder, name)
        if found is None:
            return self._missing()
        return _for_ever(found, scripts.KIND)

    def health(self) -> Any:
        """Say for machines whether the database answers; reading it includes the check of its schema."""
        try:
            synced_at = self._read(lambda reader: reader.last_synced_at())
        except CoinsyncError as error:
            said = {
                "database": "out",
                "schema": "unknown",
                "last_synced_at": None,
                "error": _name(error),
            }
            return _response(503, json.dumps(said).encode(), _JSON, _name(error))
        said = {"database": "ok", "schema": "ok", "last_synced_at": synced_at}
        return _response(200, json.dumps(said).encode(), _JSON)

    def nowhere(self, _error: object) -> bytes:
        """Answer in our own words whatever Bottle has no route for."""
        bottle.response.status = 404
        return self.press.print(pages.missing(self.school))

    def _missing(self) -> Any:
        return self._page(404, pages.missing(self.school))

    def _to_visitor(self, launch: str, show: Callable[[Reader, Visitor, datetime], Any]) -> Any:
        """Answer somebody for whom VK vouches; identity comes from the verified launch and from nowhere else."""
        moment = self.now()
        visitor = verify(
            # WSGI hands bytes over as if they were Latin-1.
            launch.encode("latin-1", "replace").decode("utf-8", "replace"),
            keys=self.settings.keys,
            app_id=self.settings.app_id,
            now=int(moment),
            age_seconds_max=self.settings.age_seconds_max,
        )
        if isinstance(visitor, Refusal):
            return self._page(
                403, pages.refused(visitor, self.school, self.settings.app_id), visitor.reason
            )
        try:
            return self._read(
                lambda reader: show(reader, visitor, datetime.fromtimestamp(moment, UTC))
            )
        except CoinsyncError as error:
            return self._page(503, pages.trouble(self.school), _name(error))

    def _page(self, status: int, page: pages.Page, reason: str = "") -> Any:
        return _response(status, self.press.print(page), _HTML, reason)

    def _read(self, question: Callable[[Reader], T]) -> T:
        # A database that a restore has put in the place of the old one is seen by the next request.
        with self.readers.visit() as database:
            return question(Reader(database))


def _asked_number(name: str) -> int:
    """A number above 0 in the query, written in plain digits; 0 where there is none."""
    values = bottle.request.query.getall(name)
    text = values[0] if len(values) == 1 else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS_MAX else 0


def _picture(picture: Picture) -> Any:
    drawing = (
        {"Content-Security-Policy": _DRAWING_POLICY} if picture.kind == "image/svg+xml" else {}
    )
    return _for_ever(picture.content, picture.kind, **drawing)


def _for_ever(content: bytes, kind: str, **more: str) -> Any:
    """Send what never changes under its name; a cache keeps it apart as it was compressed."""
    headers = {"Content-Type": kind, "Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding", **more}
    return bottle.HTTPResponse(content, 200, headers)


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
        school: School,
        press: PageRenderer,
        inside: WSGIApplication,
        now: Callable[[], float],
    ) -> None:
        self._hosts = frozenset(host.lower() for host in settings.hosts)
        self._school = school
        self._press = press
        self._inside = inside
        self._now = now
        self._headers = security_headers(press.style_source)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        started = self._now()
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        answer = self._answer(environ, method, path)
        if _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
            answer = _compressed(answer)
        # Ours first: only pictures and scripts say otherwise, about keeping them and what they may do by themselves.
        headers = {**self._headers, **answer.headers, "Content-Length": str(len(answer.body))}
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(headers.items()))
        spent_ms = round((self._now() - started) * 1000)
        level = _LEVELS.get(answer.status, logging.INFO)
        log.log(
            level,
            "%s %s %d %d ms %s",
            *_safe(method, path),
            answer.status,
            spent_ms,
            answer.reason or "-",
        )
        return [] if method == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment, method: str, path: str) -> Answer:
        if self._hosts and environ.get("HTTP_HOST", "").lower() not in self._hosts:
            return self._own(421, pages.missing(self._school), "unknown_host")
        if method not in METHODS:
            return self._own(
                405, pages.wrong_method(self._school), "method", {"Allow": ", ".join(METHODS)}
            )
        # Bottle drops bytes that are not UTF-8, which would make "/%FF" the cabinet; no route of ours needs them.
        if not path.isascii():
            return self._own(404, pages.missing(self._school))
        try:
            return _captured(self._inside, {**environ, "REQUEST_METHOD": "GET"})
        except Exception as error:
            return self._own(500, pages.broken(self._school), _name(error))

    def _own(
        self,
        status: int,
        page: pages.Notice,
        reason: str = "",
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        return Answer(
            status, self._press.print(page), {"Content-Type": _HTML, **(more or {})}, reason
        )


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

    def keep(
        status: str, headers: list[tuple[str, str]], _exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        sent.append((status, headers))
        return lambda _data: None

    body = b"".join(inside(environ, keep))
    status, headers = sent[-1]
    return Answer(int(status[:3]), body, dict(headers), environ.get(_REASON, ""))


def _takes_gzip(accepted: str) -> bool:
    """Whether a client names gzip and does not refuse it (``q=0``)."""
    for coding in accepted.lower().split(","):
        name, _, parameters = coding.partition(";")
        if name.strip() == "gzip":
            return parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def _compressed(answer: Answer) -> Answer:
    if len(answer.body) < _COMPRESSED_FROM or not answer.headers.get("Content-Type", "").startswith(
        _COMPRESSED
    ):
        return answer
    # Without a time in it, the same page is the same bytes.
    body = gzip.compress(answer.body, _COMPRESSION, mtime=0)
    return replace(answer, body=body, headers={**answer.headers, "Content-Encoding": "gzip"})


def _safe(method: str, path: str) -> tuple[str, str]:
    """What the log may hold of a request's first line: no control characters, and no query, not even an encoded one."""
    return quote(method, errors="replace")[:10], quote(path.partition("?")[0], errors="replace")[
        :_PATH_SHOWN
    ]
