"""The web view as a WSGI callable: routes that only read, inside our own wrapper.

A framework forgets headers on errors, prints the address (VK's signature included) on its error
pages, and takes ``get`` for GET.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import bottle

from coinsync.core.school import SchoolProfile
from coinsync.store.database import Readers
from coinsync.store.reader import Reader
from webview import pages
from webview.gallery import Gallery
from webview.http_answer import HTML, HttpAnswer, captured, compressed, security_headers, takes_gzip
from webview.launch import AGE_SECONDS_DEFAULT
from webview.page_renderer import PageRenderer
from webview.school_view import SchoolView
from webview.views import LaunchTerms, MakeReader, Views, error_name

METHODS = ("GET", "HEAD")
#: A page must not wait long for a lock: its thread is one of few.
WAIT_SECONDS = 1.0
_PATH_SHOWN = 100
_METHOD_SHOWN = 10
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
    # Debug mode would print tracebacks and addresses into pages, wherever it was switched on.
    bottle.debug(False)
    gallery = Gallery(settings.profile.pictures, settings.own_pictures)
    addresses = gallery.addresses(settings.own_pictures)
    school = SchoolView(
        settings.profile,
        logo=addresses.get(settings.logo, ""),
        coin=addresses.get(settings.coin, ""),
    )
    renderer = PageRenderer(settings.profile.colours)
    terms = LaunchTerms(settings.keys, settings.app_id, settings.age_seconds_max)
    readers = Readers(database_url, wait_seconds=WAIT_SECONDS, now=now)
    routes = Views(terms, school, renderer, gallery, readers, reader, now).routes()
    hosts = frozenset(host.lower() for host in settings.hosts)
    return _Wrapper(hosts, school, renderer, routes, now)


@dataclass(frozen=True, slots=True)
class _Wrapper:
    """What holds for every answer: hosts, methods, headers, errors, the log."""

    hosts: frozenset[str]
    school: SchoolView
    renderer: PageRenderer
    routes: WSGIApplication
    now: Callable[[], float]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        started = self.now()
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        answer = self._answer(environ, method, path)
        if takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
            answer = compressed(answer)
        # Only pictures and scripts overrule our headers: how long they may be kept, and what a
        # drawing may do when it is opened by itself.
        headers = {
            **security_headers(self.renderer.style_source),
            **answer.headers,
            "Content-Length": str(len(answer.body)),
        }
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(headers.items()))
        self._log(method, path, answer, started)
        return [] if method == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment, method: str, path: str) -> HttpAnswer:
        if self.hosts and environ.get("HTTP_HOST", "").lower() not in self.hosts:
            return self._notice(421, pages.notice(self.school, "missing"), "unknown_host")
        if method not in METHODS:
            allowed = {"Allow": ", ".join(METHODS)}
            return self._notice(405, pages.notice(self.school, "wrong_method"), "method", allowed)
        # Bottle drops bytes that are not UTF-8, which would make "/%FF" the cabinet; no route of
        # ours needs them.
        if not path.isascii():
            return self._notice(404, pages.notice(self.school, "missing"))
        try:
            return captured(self.routes, {**environ, "REQUEST_METHOD": "GET"})
        except Exception as error:
            return self._notice(500, pages.notice(self.school, "broken"), error_name(error))

    def _notice(
        self,
        status: int,
        page: pages.Notice,
        reason: str = "",
        more: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        headers = {"Content-Type": HTML, **(more or {})}
        return HttpAnswer(status, self.renderer.print(page), headers, reason)

    def _log(self, method: str, path: str, answer: HttpAnswer, started: float) -> None:
        """Write one line without control characters, and without any query."""
        spent_ms = round((self.now() - started) * 1000)
        log.log(
            _LOG_LEVELS.get(answer.status, logging.INFO),
            "%s %s %d %d ms %s",
            quote(method, errors="replace")[:_METHOD_SHOWN],
            quote(path.partition("?")[0], errors="replace")[:_PATH_SHOWN],
            answer.status,
            spent_ms,
            answer.reason or "-",
        )
