"""The web view as a WSGI callable: routes that only read, inside our own wrapper.

A framework forgets headers on errors, prints the address (VK's signature included) on its error
pages, and takes ``get`` for GET; so Bottle only finds the route, and renders templates.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import bottle

from coinsync.core.school import SchoolProfile
from coinsync.store.reader import Reader
from webview.http_answer import HttpAnswer, compressed, security_headers, takes_gzip
from webview.launch import AGE_SECONDS_DEFAULT
from webview.views import MakeReader, Views, error_name

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
            return self._views.notice(500, "broken", error_name(error))

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
