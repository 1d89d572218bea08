"""The window as a whole, called as WSGI on a real database: who sees what, with which headers,
whatever is asked.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import logging
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import bottle
import peewee
import pytest

from coinsync.core.facts import Link, LinkSource, Merge, Presence, Resident
from coinsync.core.ledger import BY_HAND, BY_WAY, TAKEN_BACK, Entry, Kind
from coinsync.core.plan import Post, Purpose, Put
from coinsync.core.school import Way
from coinsync.core.seal import seal_of
from coinsync.errors import CoinsyncError
from coinsync.store.database import create, open_readable, reading
from coinsync.store.reader import Reader
from tests.support.webview_client import (
    ANYA,
    APP,
    KEY,
    MARKS,
    MISHA,
    NAMES,
    NOBODY,
    OLEG,
    RITA,
    SETTINGS,
    TODAY,
    VERA,
    Window,
    award,
    check_headers,
    check_scripts,
    credit,
    launch,
    plain,
    record,
    school_in,
)
from webview import app as app_module
from webview.launch import sign


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that nobody may change: each test that writes takes a copy."""
    folder = tmp_path_factory.mktemp("school")
    school_in(folder)
    return folder / "coins.db"


@pytest.fixture
def url(founded: Path, tmp_path: Path) -> str:
    """A school's database of the test's own."""
    shutil.copy(founded, tmp_path / "coins.db")
    return f"sqlite:///{tmp_path}/coins.db"


@pytest.fixture
def window(url: str) -> Window:
    """A window onto the test's own database."""
    return Window(url)


# --- what a family sees -------------------------------------------------------------------------


def test_family_sees_its_children_with_balances_and_lines(window: Window) -> None:
    """A parent of two sees both, each with balance and history, and how fresh the data is."""
    page = window.page(VERA)
    assert "<h1><bdi>Школа «Лесная тропа»</bdi></h1>" in page
    for resident in (ANYA, MISHA):
        assert NAMES[resident] in page
        assert MARKS[resident] in page
        assert f"<strong>{15 + resident}</strong> <span>монет" in page
    assert "Роботы по вторникам" in page
    assert "17 ноября" in page
    assert "Обновлено сегодня в 12:00" in plain(page)
    assert '<time datetime="2026-11-22T12:00+03:00" data-day="22 ноября">' in page


def test_a_history_ends_with_the_seal_of_its_newest_line(window: Window, url: str) -> None:
    """Each child's own, which ``reconcile --seal`` holds against the ledger."""
    page = window.page(VERA)
    database = open_readable(url)
    with reading(database):
        reader = Reader(database)
        lines = reader.last_lines([ANYA, MISHA])
        for child in (ANYA, MISHA):
            run = lines[child][0].posted.run
            seal = seal_of(run, reader.chains([run])[run])
            assert f'<p class="hint">Код: {seal}</p>' in page
            assert reader.has_seal(seal)


def test_no_code_of_ours_is_ever_shown(url: str) -> None:
    """What a clerk did stands there in words: what was typed, the way's title, a correction."""
    ways = (Way("olympiad", "Победа в олимпиаде", "Olympiad won", 50),)
    won = credit("desk:won", RITA, 50, "городская", reason=BY_WAY, rule="olympiad")
    slip = credit("desk:slip", RITA, 7, "")
    record(url, [Post(won), Post(slip)], purpose=Purpose.DESK)
    undone = taken_back(url, slip, note="дважды", happened_on=TODAY)
    record(url, [Post(undone)], purpose=Purpose.DESK)
    page = Window(url, ways=ways).page(OLEG)
    for text in (
        "Победа в олимпиаде: городская",
        "Внесено сотрудником школы",
        "Исправление: дважды",
    ):
        assert f"<bdi>{text}</bdi>" in page
    assert "отменяет то, что было 18 ноября" in page
    assert "отменено 22 ноября" in page
    assert not any(
        code in plain(page).split() for code in (BY_HAND, BY_WAY, TAKEN_BACK, "olympiad")
    )
    assert "Olympiad won: городская" in Window(url, ways=ways).ask(launch(OLEG, language="en")).text


def taken_back(url: str, entry: Entry, **more: Any) -> Entry:
    """The entry that takes back one that is recorded, by hand unless ``more`` says otherwise."""
    database = open_readable(url)
    with reading(database):
        (line,) = Reader(database).lines_under([entry.key])
    fields = {"reason": TAKEN_BACK, "note": "", **more}
    return replace(
        entry, seq=2, coins=-entry.coins, kind=Kind.REVERSAL, reverses=line.posted.n, **fields
    )


def test_merged_cards_are_one_child(url: str) -> None:
    """Lines and coins of the card that ended stand on the card that goes on, reversals still point
    to each other.
    """
    given = credit("desk:old", 44, 9, "за старое")
    record(
        url, [Put(Resident(44, "Рита С.", Presence.GONE, (1,))), Post(given)], purpose=Purpose.DESK
    )
    merged = Merge(44, RITA, (), (RITA,))
    record(
        url, [Post(taken_back(url, given, happened_on=TODAY)), Put(merged)], purpose=Purpose.DESK
    )
    window = Window(url)
    page = window.page(OLEG)
    assert page.count("resident-") == 1
    assert f"<strong>{15 + RITA}</strong>" in page
    assert "за старое" in page
    assert "отменяет то, что было 18 ноября" in page
    assert "отменено 22 ноября" in page


def test_nobody_reads_a_balance_below_zero(url: str) -> None:
    """After a reviewed reversal of spent coins: nothing, and what is to be made up."""
    spent = replace(credit("desk:spent", RITA, 60, "набор"), coins=-58, kind=Kind.DEBIT)
    record(url, [Post(spent)], purpose=Purpose.DESK)
    taken = award(900, RITA, date(2026, 11, 17), 10 + RITA)
    record(url, [Post(taken_back(url, taken, reason="absent"))], purpose=Purpose.REVIEW)
    page = Window(url).page(OLEG)
    assert "<strong>0</strong> <span>монет</span>" in page
    assert f'<p class="debt">осталось отработать {10 + RITA}</p>' in page


def test_page_runs_our_scripts_alone_and_knows_no_foreign_address(window: Window) -> None:
    """One complete document; what stands in it for the script is data and not a program."""
    page = window.page(VERA)
    assert not re.search(r"https?://|//\w|javascript:|url\(|\son\w+=|\sstyle=", page)
    check_scripts(page)
    assert page.endswith("</html>\n")


def test_style_sheet_of_the_page_is_the_one_that_the_policy_allows(window: Window) -> None:
    """The hash in the header is that of the text between the style tags."""
    got = window.ask(launch(VERA))
    style = got.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in got.headers["Content-Security-Policy"]
    assert "unsafe" not in got.headers["Content-Security-Policy"]


def test_english_visitor_is_served_in_english(window: Window) -> None:
    """The visitor's language is VK's."""
    page = window.ask(launch(VERA, language="en")).text
    assert '<html lang="en">' in page
    assert "<span>coins</span>" in page


def test_stranger_sees_their_own_number_and_nothing_else(window: Window) -> None:
    """A genuine visitor whom nobody is linked to is told what to tell the office."""
    page = window.page(NOBODY)
    assert f'<p class="number" id="number">{NOBODY}</p>' in page
    assert not any(name in page for name in NAMES.values())


def test_revoked_link_closes_the_cabinet_at_once(window: Window, url: str) -> None:
    """The next request after a link is taken away meets the page of a stranger."""
    assert NAMES[RITA] in window.page(OLEG)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("DELETE FROM link WHERE vk = ?", [OLEG])
    connection.close()
    assert NAMES[RITA] not in window.page(OLEG)


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "{{name}}",
        '" onload="x',
        "🦊",
        "\N{RIGHT-TO-LEFT OVERRIDE}аря",
        "ё" * 120,
    ],
)
def test_hostile_name_from_the_crm_is_only_text(window: Window, url: str, name: str) -> None:
    """Whatever a name is in the CRM, the page shows it as a name."""
    old = Resident(RITA, NAMES[RITA], Presence.CLIENT, (1,))
    record(url, [Put(Resident(RITA, name, Presence.CLIENT, (1,)), old)])
    page = window.page(OLEG)
    assert bottle.html_escape(name) in page
    check_scripts(page)


# --- who you are --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "",
        "vk_user_id=501",
        launch(VERA).rpartition("&sign=")[0],
        launch(VERA)[:-1],
        launch(VERA) + "%3D",
        f"vk_user_id={OLEG}&{launch(VERA)}",
        f"{launch(VERA)}&vk_user_id={OLEG}",
        f"{launch(VERA)}&vk%5Fuser_id={OLEG}",
        launch(VERA).replace("501", "502"),
        launch(VERA, vk_app_id="7000002"),
        launch(VERA, vk_app_id="7000002", vk_platform="mobile_web_ok"),
        launch(VERA, at=datetime(2026, 11, 22, 9, 6, tzinfo=UTC))[:-1],
        launch(VERA) + "&a" * 64,
        launch(VERA) + "&a=" + "a" * 1_000_000,
        "a&" * 200_000,
        "\xff\xfe=\xd1",
    ],
    ids=range(16),
)
def test_unproven_launch_meets_one_and_the_same_page(window: Window, query: str) -> None:
    """403, the page that asks to open the app in VK, and not a word about the cause."""
    got = window.ask(query)
    assert got.status == 403
    assert got.body == window.ask().body
    assert "Откройте приложение ВКонтакте" in got.text
    assert f'href="https://vk.com/app{APP}"' in got.text
    check_headers(got)


def refused(window: Window, query: str) -> str:
    """The page for a launch that opens nothing."""
    got = window.ask(query)
    assert got.status == 403
    assert NAMES[ANYA] not in got.text
    check_headers(got)
    return got.text


@pytest.mark.parametrize(
    "query",
    [
        launch(VERA, vk_platform="mobile_web_ok"),
        launch(VERA, vk_client="ok"),
        "application_key=A&logged_user_id=501&api_server=https%3A%2F%2Fapi.ok.ru%2F&auth_sig=0",
    ],
    ids=["platform", "client", "its own"],
)
def test_odnoklassniki_is_told_where_the_cabinet_works(window: Window, query: str) -> None:
    """In words for that family, with the way to the app in VK."""
    page = refused(window, query)
    assert "В Одноклассниках он не работает" in page
    assert f'href="https://vk.com/app{APP}"' in page


def test_a_slow_clock_of_ours_is_not_the_familys_fault(window: Window) -> None:
    """VK writes the time of a launch: the family is asked to tell the school, nothing else."""
    page = refused(window, launch(VERA, at=datetime(2026, 11, 22, 9, 6, tzinfo=UTC)))
    assert "На сервере школы отстали часы" in page
    assert "Откройте приложение" not in page


def test_after_a_change_of_the_key_the_page_says_what_helps(window: Window) -> None:
    """Opening anew, and if that does not help, the school; a forged launch reads the same."""
    fields = {"vk_app_id": str(APP), "vk_ts": str(int(window.now)), "vk_user_id": str(VERA)}
    page = refused(window, sign(fields, "another-key-of-the-app"))
    assert "закройте приложение и откройте заново" in page
    assert "скажите об этом школе" in page
    assert page == refused(window, launch(VERA)[:-1])


def test_old_launch_is_asked_to_open_again(window: Window) -> None:
    """A day later the same link does not open the cabinet any more."""
    query = launch(VERA)
    window.now += 86400
    assert window.ask(query).status == 200
    window.now += 1
    got = window.ask(query)
    assert got.status == 403
    assert "Откройте приложение ещё раз" in got.text


def test_launch_may_be_used_again_while_it_is_young(window: Window) -> None:
    """VK reloads the frame with the same query; reading twice does no harm."""
    query = launch(VERA)
    assert window.ask(query).body == window.ask(query).body


def test_header_is_read_before_the_address(window: Window) -> None:
    """Where both are given the header decides, also when it proves nothing."""
    assert NAMES[RITA] in window.ask(launch(VERA), HTTP_X_LAUNCH=launch(OLEG)).text
    assert NAMES[RITA] in window.ask("", HTTP_X_LAUNCH=launch(OLEG)).text
    for header in ("", "nonsense", launch(OLEG)[:-1], f"{launch(OLEG)}, {launch(OLEG)}"):
        assert window.ask(launch(VERA), HTTP_X_LAUNCH=header).status == 403


@pytest.mark.parametrize("foreign", [RITA, OLEG, 999])
def test_foreign_number_anywhere_never_widens_what_is_shown(window: Window, foreign: int) -> None:
    """Numbers of others, in the query, in headers or behind a fragment's sign, change nothing at
    all.
    """
    usual = window.page(VERA)
    names = (
        "resident",
        "resident_id",
        "id",
        "vk",
        "user_id",
        "viewer_id",
        "VK_USER_ID",
        "vkuser_id",
        "before",
    )
    for name in names:
        assert window.ask(f"{name}={foreign}&{launch(VERA)}").text == usual
        assert window.ask(f"{launch(VERA)}&{name}={foreign}").text == usual
    for header in (
        "HTTP_X_RESIDENT",
        "HTTP_X_USER_ID",
        "HTTP_COOKIE",
        "HTTP_AUTHORIZATION",
        "HTTP_X_FORWARDED_USER",
    ):
        assert window.page(VERA, **{header: f"vk_user_id={foreign}"}) == usual
    assert window.ask(f"{launch(VERA)}&x=#resident-{foreign}").text == usual


@pytest.mark.parametrize(
    "path", [f"/{RITA}", f"/resident/{RITA}", f"/residents/{RITA}", f"/history/{RITA}", "/child"]
)
def test_no_path_leads_to_a_resident(window: Window, path: str) -> None:
    """Somebody else's child and a child that does not exist are equally not there."""
    got = window.ask(f"{launch(VERA)}&resident={RITA}", path)
    assert got.status == 404
    assert got.body == window.ask(path="/nothing").body


def test_two_visitors_at_once_never_see_each_other(window: Window) -> None:
    """Some hundred interleaved requests on four threads: each page is exactly its visitor's own."""
    own = {vk: window.page(vk) for vk in (VERA, OLEG)}
    assert MARKS[RITA] not in own[VERA]
    assert MARKS[ANYA] not in own[OLEG]
    with ThreadPoolExecutor(4) as pool:
        asked = [VERA, OLEG] * 150
        assert list(pool.map(window.page, asked)) == [own[vk] for vk in asked]


# --- HTTP ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "get", "Head", ""]
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/nothing"])
def test_window_only_reads(window: Window, method: str, path: str) -> None:
    """Anything but GET and HEAD is refused, in capitals, on every path."""
    got = window.ask(launch(VERA), path, method)
    assert (got.status, got.headers["Allow"]) == (405, "GET, HEAD")
    assert NAMES[ANYA] not in got.text
    check_headers(got)


@pytest.mark.parametrize(
    ("query", "path", "status"),
    [
        (launch(VERA), "/", 200),
        (launch(NOBODY), "/", 200),
        ("", "/", 403),
        ("", "/healthz", 200),
        ("", "/x", 404),
    ],
)
def test_head_is_get_without_a_body(window: Window, query: str, path: str, status: int) -> None:
    """HEAD has the status and the headers of GET, its length too, and no body."""
    got, head = window.ask(query, path), window.ask(query, path, "HEAD")
    assert (head.status, head.body) == (status, b"")
    assert head.headers == got.headers
    assert got.headers["Content-Length"] == str(len(got.body))
    check_headers(head)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/robots.txt",
            "/.git/config",
            "/config.toml",
            "/metrics",
            "/index.html",
            "//",
            "/healthz/",
        ),
        *(
            "/..\\app.py",
            "/static/",
            "/\x00",
        ),
        *("/\xff", "/\xd0\xbf", "/" + "a" * 5000),
    ],
)
def test_everything_else_is_not_there(window: Window, path: str) -> None:
    """Our own page, which repeats nothing of what was asked."""
    got = window.ask(launch(VERA), path)
    assert got.status == 404
    assert got.body == window.ask(path="/nothing").body
    check_headers(got)


def test_hosts_are_answered_only_by_name(url: str) -> None:
    """Where hosts are named, another one is turned away before anything is read; its name is
    repeated nowhere.
    """
    window = Window(url, hosts=frozenset({"coins.example.org"}))
    assert window.ask(launch(VERA), HTTP_HOST="Coins.Example.org").status == 200
    for environ in ({"HTTP_HOST": "evil.test"}, {"HTTP_HOST": "coins.example.org.evil.test"}, {}):
        got = window.ask(launch(VERA), **environ)
        assert got.status == 421
        assert "evil" not in got.text
        check_headers(got)


def test_forged_forwarding_headers_reach_no_output(window: Window) -> None:
    """What a proxy is said to have seen appears nowhere."""
    forged = dict.fromkeys(
        ("HTTP_HOST", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO"), "evil.test"
    )
    got = window.ask(launch(VERA), **forged)
    assert "evil" not in got.text + str(got.headers)


def test_conditional_and_partial_requests_get_the_whole_page(window: Window) -> None:
    """Nothing personal is cached, so there is nothing to compare or to continue."""
    for name in ("HTTP_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"):
        assert window.page(VERA, **{name: "bytes=0-1"}) == window.page(VERA)


def test_health_tells_machines_and_nobody_else(window: Window) -> None:
    """Database, schema and the time of the last sync; no names, no numbers of people."""
    got = window.ask(path="/healthz")
    assert got.headers["Content-Type"] == "application/json"
    assert json.loads(got.body) == {
        "database": "ok",
        "schema": "ok",
        "last_synced_at": "2026-11-22T09:00:00Z",
    }
    check_headers(got)


def test_debug_mode_cannot_be_switched_on_before(url: str) -> None:
    """Making the window switches the framework's debug mode off, whoever switched it on."""
    bottle.debug(True)
    Window(url)
    assert bottle.DEBUG is False


# --- when the database is not there -------------------------------------------------------------


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a database so that nobody else can even read it."""
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("PRAGMA journal_mode = delete")
        holder.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        holder.close()


def check_trouble(window: Window) -> None:
    """A calm 503 for people and for machines, with nothing in it that was asked or that went wrong."""  # noqa: E501
    for got in (
        window.ask(launch(VERA)),
        window.ask(launch(VERA), method="HEAD"),
        window.ask(path="/healthz"),
    ):
        assert (got.status, got.headers["Retry-After"]) == (503, "60")
        check_headers(got)
    page = window.ask(launch(VERA)).text
    assert "Зайдите через минуту" in page
    assert "coins.db" not in page
    assert json.loads(window.ask(path="/healthz").body)["database"] == "out"


def test_missing_database_is_trouble(url: str, tmp_path: Path) -> None:
    """No file: please come back."""
    (tmp_path / "coins.db").unlink()
    check_trouble(Window(url))


def test_damaged_database_is_trouble(url: str, tmp_path: Path) -> None:
    """A file that is no database: please come back."""
    (tmp_path / "coins.db").write_bytes(b"this is no database at all" * 200)
    check_trouble(Window(url))


def test_newer_and_older_schema_are_trouble(url: str, tmp_path: Path) -> None:
    """A schema that this program does not know, or that misses a step, is not read."""
    with sqlite3.connect(tmp_path / "coins.db") as connection:
        connection.execute(
            "UPDATE schema_migration SET name = '9999_future' WHERE name = (SELECT MAX(name) FROM schema_migration)"  # noqa: E501
        )
    check_trouble(Window(url))
    connection.execute("DELETE FROM schema_migration")
    connection.commit()
    connection.close()
    check_trouble(Window(url))


def test_locked_database_is_trouble_within_two_seconds(url: str, tmp_path: Path) -> None:
    """Somebody holds the file: please come back, and soon."""
    window = Window(url)
    started = time.monotonic()
    with locked(tmp_path / "coins.db"):
        got = window.ask(launch(VERA))
    assert time.monotonic() - started < 2
    assert got.status == 503


def test_refusals_need_no_database(url: str, tmp_path: Path) -> None:
    """Who proves nothing costs no query."""
    (tmp_path / "coins.db").unlink()
    assert Window(url).ask().status == 403


def test_database_put_back_by_a_restore_is_seen_by_the_next_request(
    window: Window, url: str, tmp_path: Path
) -> None:
    """The file is opened anew for each request."""
    assert MARKS[RITA] in window.page(OLEG)
    restored = tmp_path / "restored.db"
    create(f"sqlite:///{restored}")
    record(
        f"sqlite:///{restored}",
        [
            Put(Resident(77, "Тим Новиков", Presence.CLIENT, ())),
            Put(Link(OLEG, 77, LinkSource.CRM)),
        ],
    )
    restored.replace(tmp_path / "coins.db")
    page = window.page(OLEG)
    assert "Тим Новиков" in page
    assert MARKS[RITA] not in page


def test_error_of_ours_is_a_calm_page(
    window: Window, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that cannot be understood gives 500, our page, and one line in the log that names the
    class alone.
    """
    with sqlite3.connect(tmp_path / "coins.db") as connection:
        connection.execute("UPDATE resident SET presence = 'секрет' WHERE id = ?", [RITA])
    connection.close()
    with caplog.at_level(logging.INFO, "webview"):
        got = window.ask(launch(OLEG))
    assert got.status == 500
    assert "Что-то пошло не так" in got.text
    check_headers(got)
    assert caplog.messages == ["GET / 500 0 ms ValueError"]
    assert "секрет" not in caplog.text


# --- the log ------------------------------------------------------------------------------------


def test_log_tells_what_happened_and_about_nobody(
    window: Window, caplog: pytest.LogCaptureFixture
) -> None:
    """Method, path, status, time and reason; no query, no header, no name, no number of a person."""  # noqa: E501
    with caplog.at_level(logging.DEBUG, "webview"):
        window.ask(launch(VERA))
        window.ask(launch(NOBODY), method="HEAD")
        window.ask("", HTTP_X_LAUNCH=launch(OLEG)[:-1])
        window.ask(launch(VERA), "/where", "POST")
        window.ask("", f"/?{launch(VERA)}")
        window.ask("", "/a\nGET / 200")
    assert caplog.messages == [
        "GET / 200 0 ms -",
        "HEAD / 200 0 ms stranger",
        "GET / 403 0 ms bad_sign_form",
        "POST /where 405 0 ms method",
        "GET / 404 0 ms -",
        "GET /a%0AGET%20/%20200 404 0 ms -",
    ]
    assert {record.name for record in caplog.records} == {"webview"}


def test_settings_do_not_show_their_keys() -> None:
    """A key reaches no log through the settings' own text."""
    assert KEY not in repr(SETTINGS)


# --- the window cannot write --------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO study_group (id, name) VALUES (1, 'x')",
        "UPDATE resident SET name = 'x'",
        "DELETE FROM link",
        "CREATE TABLE t (a)",
        "PRAGMA user_version = 7",
    ],
)
def test_database_refuses_a_write_through_the_windows_connection(url: str, statement: str) -> None:
    """The connection itself is for reading, whatever the program would like to do."""
    database = open_readable(url)
    with pytest.raises((CoinsyncError, peewee.OperationalError)), reading(database):
        database.execute_sql(statement)


def test_window_imports_nothing_that_could_write() -> None:
    """No module of the window names the writer, the sync or the exchange."""
    allowed = {
        "coinsync.core",
        "coinsync.errors",
        "coinsync.store.database",
        "coinsync.store.reader",
    }
    for module in sorted(Path(app_module.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                home = ".".join(name.split(".")[: 2 if name.startswith("coinsync.core") else 3])
                assert not name.startswith("coinsync") or home in allowed, f"{module.name}: {name}"
