"""The web view as a WSGI callable: routes that only read, inside our own wrapper.

A framework forgets headers on errors, prints the address (VK's signature included) on its error
pages, and takes ``get`` for GET; so Bottle only finds the route, and renders templates.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import bottle

from coinsync.core.facts import Group
from coinsync.core.identity import plain_number
from coinsync.core.ledger import Line
from coinsync.core.school import SchoolProfile
from coinsync.errors import CoinsyncError
from coinsync.store.database import Readers
from coinsync.store.reader import Reader
from webview import pages
from webview.gallery import Gallery
from webview.goods import GOODS_MAX
from webview.http_answer import HTML, JSON, HttpAnswer, compressed, security_headers, takes_gzip
from webview.launch import AGE_SECONDS_DEFAULT, LaunchFault, Visitor, verify
from webview.page_renderer import SCRIPT_KIND, PageRenderer
from webview.school_view import SchoolView
from webview.texts import NoticeKind

METHODS = ("GET", "HEAD")
_PATH_SHOWN = 100
_METHOD_SHOWN = 10
_HEADERS_OF_STATUS = {405: {"Allow": ", ".join(METHODS)}, 503: {"Retry-After": "60"}}
_LOG_LEVELS = {500: logging.ERROR, 503: logging.WARNING}

log = logging.getLogger("webview")


@dataclass(frozen=True, slots=True)
class AppSettings:
    """The school and its VK app.

    ``keys`` are newest first; no ``hosts`` means any; ``logo`` and ``coin`` name two of
    ``own_pictures``.
    """

    profile: SchoolProfile
    app_id: int
    keys: tuple[str, ...] = field(repr=False)
    age_seconds_max: int = AGE_SECONDS_DEFAULT
    hosts: frozenset[str] = frozenset()
    own_pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    logo: str = ""
    coin: str = ""


def make_app(
    settings: AppSettings,
    database_url: str,
    *,
    now: Callable[[], float],
    reader: MakeReader = Reader,
) -> WSGIApplication:
    """Make the web view of one database; ``now`` returns Unix seconds, ``reader`` asks it."""
    # Nothing of Bottle's is to tell more than we do, wherever its debug mode was switched on.
    bottle.debug(False)
    return _Wrapper(Views(settings, database_url, now, reader), settings.hosts, now)


class _Wrapper:
    """What holds for every answer: hosts, methods, headers, errors, the log."""

    def __init__(self, views: Views, hosts: Iterable[str], now: Callable[[], float]) -> None:
        self._views = views
        self._hosts = frozenset(host.lower() for host in hosts)
        self._now = now
        renderer = views.renderer
        self._headers = security_headers(renderer.style_source, renderer.init_source)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        started = self._now()
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        answer = self._answer(environ, method, path)
        if takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
            answer = compressed(answer)
        # Only pictures and scripts overrule our headers: how long they may be kept, and what a
        # drawing may do when it is opened by itself.
        headers = {
            **self._headers,
            **answer.headers,
            **_HEADERS_OF_STATUS.get(answer.status, {}),
            "Content-Length": str(len(answer.body)),
        }
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(headers.items()))
        self._log(method, path, answer, started)
        return [] if method == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment, method: str, path: str) -> HttpAnswer:
        if self._hosts and environ.get("HTTP_HOST", "").lower() not in self._hosts:
            return self._views.notice(421, "missing", "unknown_host")
        if method not in METHODS:
            return self._views.notice(405, "wrong_method", "method")
        try:
            return self._views.answer(environ)
        except Exception as error:
            # No message reaches the log: it may hold names or paths.
            return self._views.notice(500, "broken", type(error).__name__)

    def _log(self, method: str, path: str, answer: HttpAnswer, started: float) -> None:
        """Write one line without control characters, and without any query."""
        spent_ms = round((self._now() - started) * 1000)
        log.log(
            _LOG_LEVELS.get(answer.status, logging.INFO),
            "%s %s %d %d ms %s",
            quote(method, errors="replace")[:_METHOD_SHOWN],
            quote(path.partition("?")[0], errors="replace")[:_PATH_SHOWN],
            answer.status,
            spent_ms,
            answer.reason or "-",
        )


#: A page must not wait long for a lock: its thread is one of few.
WAIT_SECONDS = 1.0
#: Names of pictures and scripts hold a digest of their content, so they never change.
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
_A_DAY = "public, max-age=86400"
#: An SVG that somebody opens by itself is a document, and this one may do nothing at all.
_DRAWING_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)

T = TypeVar("T")
Show = Callable[[Reader, Visitor, datetime], HttpAnswer]
#: What asks a database that is open.
MakeReader = Callable[[Any], Reader]


class Views:
    """The answer of each route."""

    def __init__(
        self,
        settings: AppSettings,
        database_url: str,
        now: Callable[[], float],
        reader: MakeReader,
    ) -> None:
        """``now`` returns Unix seconds."""
        profile, own = settings.profile, settings.own_pictures
        self._settings = settings
        self._gallery = Gallery(profile.pictures, own)
        addresses = self._gallery.addresses(own)
        logo, coin = addresses.get(settings.logo, ""), addresses.get(settings.coin, "")
        self._school = SchoolView(profile, logo=logo, coin=coin)
        self.renderer = PageRenderer(profile.colours)
        self._readers = Readers(database_url, wait_seconds=WAIT_SECONDS, now=now)
        self._reader = reader
        self._now = now
        self._routes = bottle.Bottle()
        self._routes.route("/", "GET", self._cabinet)
        self._routes.route("/history", "GET", self._history)
        self._routes.route("/pictures/<name>", "GET", self._picture)
        self._routes.route("/static/<name:path>", "GET", self._script)
        self._routes.route("/favicon.ico", "GET", self._icon)
        self._routes.route("/healthz", "GET", self._health)

    def answer(self, environ: WSGIEnvironment) -> HttpAnswer:
        """Find the view of an address, and ask it."""
        try:
            # Bottle only looks the route up: what it makes of answers and errors is not ours.
            route, arguments = self._routes.match(environ)
        except bottle.HTTPError:
            return self._missing()
        answer: HttpAnswer = route.callback(environ, **arguments)
        return answer

    def _cabinet(self, environ: WSGIEnvironment) -> HttpAnswer:
        """Show the visitor's residents and the shop."""

        def show(reader: Reader, visitor: Visitor, moment: datetime) -> HttpAnswer:
            family = family_of(reader, visitor.vk)
            names = {item.picture for item, _left in family.shelf}
            family = replace(family, pictures=self._gallery.addresses(names))
            if not family.residents:
                page = pages.stranger(visitor.vk, family, self._school, visitor.language, moment)
                return self._page(200, page, "stranger")
            return self._page(200, pages.cabinet(family, self._school, visitor.language, moment))

        name = "HTTP_X_LAUNCH" if "HTTP_X_LAUNCH" in environ else "QUERY_STRING"
        return self._to_visitor(environ.get(name, ""), show)

    def _history(self, environ: WSGIEnvironment) -> HttpAnswer:
        """Show further lines of one of the visitor's residents.

        The page's script asks, so the launch comes in the header and nowhere else.
        """
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        child, before = _number(query, "child"), _number(query, "before")

        def show(reader: Reader, visitor: Visitor, moment: datetime) -> HttpAnswer:
            older = older_of(reader, visitor.vk, child, before) if child and before else None
            if older is None:
                return self._missing()
            return self._page(200, pages.rows(older, self._school, visitor.language, moment))

        return self._to_visitor(environ.get("HTTP_X_LAUNCH", ""), show)

    def _picture(self, _environ: WSGIEnvironment, name: str) -> HttpAnswer:
        """Send a picture; which there are is no secret."""
        picture = self._gallery.find(name)
        if picture is None:
            return self._missing()
        is_drawing = picture.kind == "image/svg+xml"
        more = {"Content-Security-Policy": _DRAWING_POLICY} if is_drawing else {}
        headers = {"Content-Type": picture.kind, **_KEPT, **more}
        return HttpAnswer(200, picture.content, headers)

    def _icon(self, environ: WSGIEnvironment) -> HttpAnswer:
        """Send the school's logo, else a coin, to a browser that asks by itself."""
        if self._settings.logo:
            return self._picture(environ, self._settings.logo)
        headers = {"Content-Type": "image/svg+xml", "Content-Security-Policy": _DRAWING_POLICY}
        return HttpAnswer(200, self.renderer.icon, {**headers, "Cache-Control": _A_DAY})

    def _script(self, environ: WSGIEnvironment, **_name: str) -> HttpAnswer:
        """Send the page's script.

        A page that was made before an upgrade asks for the script of that day. It gets ours, which
        nobody keeps under that name.
        """
        content, is_current = self.renderer.script(environ["PATH_INFO"])
        headers = {"Content-Type": SCRIPT_KIND, **(_KEPT if is_current else {})}
        return HttpAnswer(200, content, headers)

    def _health(self, _environ: WSGIEnvironment) -> HttpAnswer:
        """Say for machines whether the database and its schema answer."""
        state: dict[str, str | None] = {"database": "ok", "schema": "ok"}
        status, name = 200, ""
        try:
            state["last_synced_at"] = self._read(Reader.last_synced_at)
        except CoinsyncError as error:
            status, name = 503, type(error).__name__
            state = {"database": "out", "schema": "unknown", "last_synced_at": None, "error": name}
        return HttpAnswer(status, json.dumps(state).encode(), {"Content-Type": JSON}, name)

    def notice(self, status: int, kind: NoticeKind, reason: str = "") -> HttpAnswer:
        """A page that says one thing to anybody."""
        return self._page(status, pages.notice(self._school, kind), reason)

    def _missing(self) -> HttpAnswer:
        return self.notice(404, "missing")

    def _to_visitor(self, launch: str, show: Show) -> HttpAnswer:
        """Answer the visitor whom the launch, and nothing else, names."""
        moment = self._now()
        visitor = verify(
            # WSGI hands bytes over as if they were Latin-1.
            launch.encode("latin-1", "replace").decode("utf-8", "replace"),
            keys=self._settings.keys,
            app_id=self._settings.app_id,
            now=int(moment),
            age_seconds_max=self._settings.age_seconds_max,
        )
        if isinstance(visitor, LaunchFault):
            page = pages.refused(visitor, self._school, self._settings.app_id)
            return self._page(403, page, visitor)
        local_moment = datetime.fromtimestamp(moment, UTC)
        try:
            return self._read(lambda reader: show(reader, visitor, local_moment))
        except CoinsyncError as error:
            return self.notice(503, "trouble", type(error).__name__)

    def _page(self, status: int, page: pages.Page, reason: str = "") -> HttpAnswer:
        return HttpAnswer(status, self.renderer.print(page), {"Content-Type": HTML}, reason)

    def _read(self, question: Callable[[Reader], T]) -> T:
        # A database that a restore has put in the place of the old one is seen by the next request.
        with self._readers.visit() as database:
            return question(self._reader(database))


def _number(query: Mapping[str, list[str]], name: str) -> int:
    """A number above 0 in the query, in plain digits; else 0."""
    # Of a repeated parameter two readers might believe different values, so neither is believed.
    values = query.get(name, [])
    return plain_number(values[0]) or 0 if len(values) == 1 else 0


def family_of(reader: Reader, vk: int) -> pages.Family:
    """Read what a visitor may see, in as many statements for any family.

    One more of everything is read than is shown: that tells whether there is more.
    """
    residents = tuple(reader.residents_of_visitor(vk)[: pages.RESIDENTS_MAX + 1])
    shown = [resident.id for resident in residents[: pages.RESIDENTS_MAX]]
    lines = reader.last_lines(shown, pages.LINES_MAX + 1)
    every_line = (line for history in lines.values() for line in history)
    return pages.Family(
        residents=residents,
        balances=reader.balances(shown),
        lines=lines,
        seals=reader.seals_of(lines),
        groups=_groups(reader, every_line),
        synced_at=reader.last_synced_at(),
        began_at=reader.began_at(),
        shelf=reader.shelf(GOODS_MAX + 1),
    )


def older_of(reader: Reader, vk: int, child: int, before: int) -> pages.Family | None:
    """Read what follows the line ``before`` of one of the visitor's children."""
    residents = reader.residents_of_visitor(vk)[: pages.RESIDENTS_MAX]
    resident = next((resident for resident in residents if resident.id == child), None)
    if resident is None:
        return None
    lines = reader.older_lines(child, before, pages.OLDER_MAX + 1)
    if lines is None:
        return None
    groups, began_at = _groups(reader, lines), reader.began_at()
    return pages.Family((resident,), lines={child: lines}, groups=groups, began_at=began_at)


def _groups(reader: Reader, lines: Iterable[Line]) -> dict[int, str]:
    ids: set[int] = set()
    for line in lines:
        if line.lesson is not None:
            ids.update(line.lesson.groups)
    return {group.id: group.name for group in reader.recorded(Group, ids)}
