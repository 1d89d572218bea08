"""The window as a whole for tests: a school in a real database, the app over it, and a client that
speaks WSGI.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4
from wsgiref.validate import validator
from zoneinfo import ZoneInfo

from coinsync.core.facts import (
    Attendance,
    Group,
    GroupStanding,
    Lesson,
    Link,
    LinkSource,
    Mark,
    Presence,
    Resident,
    Status,
)
from coinsync.core.ledger import BY_HAND, Entry, Kind, lesson_key
from coinsync.core.plan import Change, Plan, Post, Purpose, Put, Scope
from coinsync.core.school import SchoolProfile
from coinsync.environment import Environment
from coinsync.store.database import open_writable
from coinsync.store.writer import Order, apply
from tests.support.makers import new_database
from webview.app import AppSettings, make_app
from webview.launch import sign
from webview.page_renderer import PageRenderer

KEY = "ExampleProtectedKey0001"
APP = 7000001
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
SETTINGS = AppSettings(
    SchoolProfile(
        name="Школа «Лесная тропа»",
        coin_forms_ru=("монета", "монеты", "монет"),
        coin_forms_en=("coin", "coins"),
        zone=ZoneInfo("Europe/Moscow"),
    ),
    app_id=APP,
    keys=(KEY,),
)

#: What a test may change of the app; everything else is the school's profile.
OF_APP = {"app_id", "keys", "age_seconds_max", "hosts", "own_pictures", "logo", "coin"}

#: Two families: Вера (vk 501) has Аня and Миша, Олег (vk 502) has Аня's classmate Рита.
ANYA, MISHA, RITA = 41, 42, 43
VERA, OLEG, NOBODY = 501, 502, 509
NAMES = {ANYA: "Аня Лисицына", MISHA: "Миша Лисицын", RITA: "Рита Совина"}
LINKS = ((VERA, ANYA), (VERA, MISHA), (OLEG, RITA))
MARKS = {ANYA: "наклейка-аня", MISHA: "наклейка-миша", RITA: "наклейка-рита"}


# --- a school in a database ---------------------------------------------------------------------


def founding() -> list[Change]:
    """Two families, a group, a lesson that all three attended, and a line of their own for each."""
    changes: list[Change] = [Put(Group(7, "Роботы по вторникам"))]
    changes += [Put(Resident(id, name, Presence.CLIENT, (1,))) for id, name in NAMES.items()]
    changes += [Put(Link(vk, resident, LinkSource.DESK)) for vk, resident in LINKS]
    changes.append(Put(Lesson(900, 1, date(2026, 11, 17), "18:00", 2, Status.CONDUCTED, (7,))))
    for resident, mark in MARKS.items():
        changes.append(Put(Attendance(900, resident, Mark.ATTENDED, GroupStanding.MEMBER)))
        changes.append(Post(award(900, resident, date(2026, 11, 17), 10 + resident)))
        changes.append(Post(credit(f"desk:{resident}", resident, 5, mark)))
    return changes


def award(lesson: int, resident: int, day: date, coins: int) -> Entry:
    """An award for a lesson."""
    key = lesson_key("school", lesson, resident)
    return Entry(key, 1, resident, coins, Kind.AWARD, day, "lesson", "sync", lesson=lesson)


def credit(key: str, resident: int, coins: int, note: str, **more: Any) -> Entry:
    """A credit by hand, for what staff typed; ``more`` are other fields of the entry."""
    fields = {"reason": BY_HAND, "note": note, **more}
    return Entry(key, 1, resident, coins, Kind.CREDIT, date(2026, 11, 18), actor="desk", **fields)


def record(
    url: str,
    changes: Sequence[Change] = (),
    *,
    purpose: Purpose = Purpose.DESK,
    plan: Plan | None = None,
) -> None:
    """Apply a plan of these changes, as staff would, or another plan."""
    database = open_writable(url)
    around = Environment(
        now=lambda: NOW,
        environ={},
        monotonic=lambda: 0.0,
        fresh_text=lambda: uuid4().hex,
        chance=lambda: 0.5,
        sleep=lambda _seconds: None,
    )
    try:
        plan = plan or Plan.of(purpose, Scope(1, date(2026, 11, 1), TODAY), changes)
        apply(database, plan, Order("sync", "school", NOW), around)
    finally:
        database.close()


def school_in(folder: Path, *changes: Change) -> str:
    """A school's database in a folder, with further ``changes``; its URL."""
    url = new_database(folder)
    record(url, [*founding(), *changes])
    # So the attendance is as fresh as after a night.
    record(url, purpose=Purpose.LESSONS)
    return url


# --- a client -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Got:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def launch(vk: int, *, at: datetime = NOW, language: str = "ru", **more: str) -> str:
    """A signed launch of a visitor."""
    fields = {"vk_app_id": str(APP), "vk_language": language, "vk_platform": "mobile_web"}
    return sign({**fields, "vk_ts": str(int(at.timestamp())), "vk_user_id": str(vk), **more}, KEY)


class Window:
    """The app with a client for it, under the standard library's WSGI validator."""

    def __init__(self, url: str, **changes: Any) -> None:
        self.url = url
        self.now = NOW.timestamp()
        own = {name: changes.pop(name) for name in OF_APP & set(changes)}
        profile = replace(SETTINGS.profile, **changes)
        self.app = make_app(replace(SETTINGS, profile=profile, **own), url, now=lambda: self.now)

    def ask(self, query: str = "", path: str = "/", method: str = "GET", **environ: str) -> Got:
        """Send one request."""
        sent: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Any:
            sent.append((status, headers))
            return lambda _data: None

        request: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": sys.stdin.buffer,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **environ,
        }
        # The validator warns of methods that it does not know, and these are what some tests are
        # about.
        known = method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE")
        body = (validator(self.app) if known else self.app)(request, start)
        content = b"".join(body)
        if hasattr(body, "close"):
            body.close()
        ((status, headers),) = sent
        assert len(dict(headers)) == len(headers)
        return Got(int(status[:3]), dict(headers), content)

    def page(self, vk: int, **environ: str) -> str:
        """The page that a visitor sees."""
        got = self.ask(launch(vk), **environ)
        assert got.status == 200
        return got.text


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
POLICY = (
    "default-src 'none'; script-src 'self' {init}; style-src {style}; img-src 'self'; font-src 'self'; connect-src 'self'; "  # noqa: E501
    "base-uri 'none'; form-action 'none'; object-src 'none'; "
    "frame-ancestors https://vk.com https://*.vk.com https://vk.ru https://*.vk.ru"
)


def check_scripts(page: str) -> None:
    """The page's script elements are the first call to VK, our script and its data, each once."""
    (language,) = re.findall('<html lang="(..)">', page)
    assert re.findall(r"<script[^>]*>", page) == [
        "<script>",
        f'<script src="{PageRenderer().script_addresses[language]}" defer>',
        '<script type="application/json" id="data">',
    ]


def plain(page: str) -> str:
    """What a reader sees of a page: its text without style, data and tags."""
    body = re.sub(r"<(style|script)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", body).split()))


def check_headers(got: Got, *, cache: str = HEADERS["Cache-Control"]) -> None:
    """Every security header is there, exactly, and nothing that says who we are or opens us to
    others.
    """
    assert {name: got.headers[name] for name in HEADERS} == {**HEADERS, "Cache-Control": cache}
    renderer = PageRenderer()
    assert got.headers["Content-Security-Policy"] == POLICY.format(
        style=renderer.style_source, init=renderer.init_source
    )
    for name in (
        "X-Frame-Options",
        "Access-Control-Allow-Origin",
        "Set-Cookie",
        "Server",
        "Location",
    ):
        assert name not in got.headers
    # What nobody keeps varies with nothing.
    assert ("Vary" in got.headers) == cache.startswith("public")
