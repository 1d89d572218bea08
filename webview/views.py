"""The routes' answers: a launch is verified, the database is read, a page comes out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar
from wsgiref.types import WSGIApplication

import bottle

from coinsync.core.facts import Group
from coinsync.core.identity import plain_number
from coinsync.core.ledger import Line
from coinsync.errors import CoinsyncError
from coinsync.store.database import Readers
from coinsync.store.reader import Reader
from webview import pages
from webview.gallery import Gallery
from webview.goods import GOODS_MAX
from webview.http_answer import HTML, JSON, REASON
from webview.launch import LaunchFault, Visitor, verify
from webview.page_renderer import SCRIPT_KIND, PageRenderer
from webview.school_view import SchoolView

RETRY_AFTER_SECONDS = 60
#: Names of pictures and scripts hold a digest of their content, so they never change.
_KEEP_FOR_EVER = "public, max-age=31536000, immutable"
#: An SVG that somebody opens by itself is a document, and this one may do nothing at all.
_DRAWING_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)

T = TypeVar("T")
Show = Callable[[Reader, Visitor, datetime], Any]
#: What asks a database that is open.
MakeReader = Callable[[Any], Reader]


@dataclass(frozen=True, slots=True)
class LaunchTerms:
    """What a launch must satisfy; ``keys`` are newest first."""

    keys: tuple[str, ...]
    app_id: int
    age_seconds_max: int


@dataclass(frozen=True, slots=True)
class Views:
    """The answer of each route; ``now`` returns Unix seconds."""

    terms: LaunchTerms
    school: SchoolView
    renderer: PageRenderer
    gallery: Gallery
    readers: Readers
    reader: MakeReader
    now: Callable[[], float]

    def routes(self) -> WSGIApplication:
        """Make the application that finds the view of an address."""
        app = bottle.Bottle()
        # Errors come out to our wrapper; Bottle would print their tracebacks, which hold what
        # people typed.
        app.config["catchall"] = False
        app.route("/", "GET", self.cabinet)
        app.route("/history", "GET", self.history)
        app.route("/pictures/<name>", "GET", self.picture)
        app.route("/static/<folder>/<name>", "GET", self.script)
        app.route("/healthz", "GET", self.health)
        app.default_error_handler = self.no_route
        application: WSGIApplication = app
        return application

    def cabinet(self) -> Any:
        """Show the visitor's residents and the shop."""

        def show(reader: Reader, visitor: Visitor, moment: datetime) -> Any:
            family = family_of(reader, visitor.vk)
            names = {item.picture for item, _left in family.shelf}
            family = replace(family, pictures=self.gallery.addresses(names))
            if not family.residents:
                page = pages.stranger(visitor.vk, family, self.school, visitor.language, moment)
                return self._page(200, page, "stranger")
            return self._page(200, pages.cabinet(family, self.school, visitor.language, moment))

        environ = bottle.request.environ
        return self._to_visitor(environ.get("HTTP_X_LAUNCH", environ.get("QUERY_STRING", "")), show)

    def history(self) -> Any:
        """Show further lines of one of the visitor's residents.

        The page's script asks, so the launch comes in the header and nowhere else.
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
        picture = self.gallery.find(name)
        if picture is None:
            return self._missing()
        drawn = picture.kind == "image/svg+xml"
        more = {"Content-Security-Policy": _DRAWING_POLICY} if drawn else {}
        return _kept_for_ever(picture.content, picture.kind, **more)

    def script(self, folder: str, name: str) -> Any:
        """Send one of the page's scripts."""
        content = self.renderer.scripts.find(folder, name)
        if content is None:
            return self._missing()
        return _kept_for_ever(content, SCRIPT_KIND)

    def health(self) -> Any:
        """Say for machines whether the database and its schema answer."""
        try:
            synced_at = self._read(lambda reader: reader.last_synced_at())
        except CoinsyncError as error:
            name = error_name(error)
            state = {"database": "out", "schema": "unknown", "last_synced_at": None, "error": name}
            return _response(503, json.dumps(state).encode(), JSON, name)
        state = {"database": "ok", "schema": "ok", "last_synced_at": synced_at}
        return _response(200, json.dumps(state).encode(), JSON)

    def no_route(self, _error: object) -> bytes:
        """Answer in our own words whatever Bottle has no route for."""
        bottle.response.status = 404
        return self.renderer.print(pages.notice(self.school, "missing"))

    def _missing(self) -> Any:
        return self._page(404, pages.notice(self.school, "missing"))

    def _to_visitor(self, launch: str, show: Show) -> Any:
        """Answer the visitor whom the launch, and nothing else, names."""
        moment = self.now()
        visitor = verify(
            # WSGI hands bytes over as if they were Latin-1.
            launch.encode("latin-1", "replace").decode("utf-8", "replace"),
            keys=self.terms.keys,
            app_id=self.terms.app_id,
            now=int(moment),
            age_seconds_max=self.terms.age_seconds_max,
        )
        if isinstance(visitor, LaunchFault):
            page = pages.refused(visitor, self.school, self.terms.app_id)
            return self._page(403, page, visitor)
        local_moment = datetime.fromtimestamp(moment, UTC)
        try:
            return self._read(lambda reader: show(reader, visitor, local_moment))
        except CoinsyncError as error:
            return self._page(503, pages.notice(self.school, "trouble"), error_name(error))

    def _page(self, status: int, page: pages.Page, reason: str = "") -> Any:
        return _response(status, self.renderer.print(page), HTML, reason)

    def _read(self, question: Callable[[Reader], T]) -> T:
        # A database that a restore has put in the place of the old one is seen by the next request.
        with self.readers.visit() as database:
            return question(self.reader(database))


def error_name(error: Exception) -> str:
    """The class of an error; its message may hold names or paths."""
    return type(error).__name__


def _asked_number(name: str) -> int:
    """A number above 0 in the query, in plain digits; else 0."""
    values = bottle.request.query.getall(name)
    # Of a repeated parameter two readers might believe different values, so neither is believed.
    text = values[0] if len(values) == 1 else ""
    return plain_number(text) or 0


def _kept_for_ever(content: bytes, kind: str, **more: str) -> Any:
    """Send what never changes under its name."""
    headers = {"Content-Type": kind, "Cache-Control": _KEEP_FOR_EVER, "Vary": "Accept-Encoding"}
    return bottle.HTTPResponse(content, 200, {**headers, **more})


def _response(status: int, body: bytes, kind: str, reason: str = "") -> Any:
    bottle.request.environ[REASON] = reason
    headers = {"Content-Type": kind}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return bottle.HTTPResponse(body, status, headers)


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
        groups=_groups(reader, every_line),
        synced_at=reader.last_synced_at(),
        began_at=reader.began_at(),
        shelf=reader.shelf(GOODS_MAX + 1),
    )


def older_of(reader: Reader, vk: int, child: int, before: int) -> pages.Older | None:
    """Read what follows the line ``before`` of one of the visitor's children."""
    residents = reader.residents_of_visitor(vk)[: pages.RESIDENTS_MAX]
    resident = next((resident for resident in residents if resident.id == child), None)
    if resident is None:
        return None
    lines = reader.older_lines(child, before, pages.LINES_MAX + 1)
    if lines is None:
        return None
    return pages.Older(resident, lines, _groups(reader, lines), reader.began_at())


def _groups(reader: Reader, lines: Iterable[Line]) -> dict[int, str]:
    ids: set[int] = set()
    for line in lines:
        if line.lesson is not None:
            ids.update(line.lesson.groups)
    return {group.id: group.name for group in reader.recorded(Group, ids)}
