"""A watcher outside is told what became of a night."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from coinsync.store.lock import run_lock
from tests.support.school import Installation


@pytest.fixture
def watcher() -> Iterator[tuple[str, list[str]]]:
    """An address, and the paths that were asked for there."""
    seen: list[str] = []

    class Watcher(BaseHTTPRequestHandler):
        """Answers and notes what is asked."""

        def do_GET(self) -> None:
            """Note the path, and what is sent there."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            seen.append(f"{self.path} {body}".rstrip())
            self.send_response(200)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Watcher) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/good-night", seen
        server.shutdown()
        thread.join()


def test_a_good_night_is_told(installation: Installation, watcher: tuple[str, list[str]]) -> None:
    """When it starts, and once after the commit, also where changes have an exit code.

    The watcher gets the seal, and keeps it with a time of its own.
    """
    url, seen = watcher
    assert installation.run("sync", "--quiet", "--detailed-exitcode", "--ping-url", url).code == 4
    installation.ok("sync", "--quiet", "--ping-url", url)
    with installation.reader() as reader:
        seal = str(reader.seal())
    assert seen[0::2] == 2 * ["/good-night/start"]
    assert seen[1].startswith("/good-night 6 · ")
    assert seen[3] == f"/good-night {seal}"


def test_a_bad_night_is_told_as_bad(synced: Installation, watcher: tuple[str, list[str]]) -> None:
    """Nobody waits a day for the alarm."""
    url, seen = watcher
    synced.school.act("empty", branch=1)
    assert synced.run("sync", "--quiet", "--ping-url", f"{url}?key=1").code == 5
    assert seen == ["/good-night/start?key=1", "/good-night/fail?key=1"]


def test_a_dry_run_is_nobodys_business(
    synced: Installation, watcher: tuple[str, list[str]]
) -> None:
    """What did not happen neither succeeded nor failed."""
    url, seen = watcher
    synced.ok("sync", "--dry-run", "--ping-url", url)
    assert seen == []


def test_another_command_tells_of_its_failure_alone(
    installation: Installation, watcher: tuple[str, list[str]]
) -> None:
    """A check or a backup that went well must not hide a sync that never came."""
    url, seen = watcher
    installation.environ["COINSYNC_PING_URL"] = url
    installation.ok("balance", "--quiet")
    assert installation.run("waiting", "--quiet", "--max-age", "26h").code == 4
    assert seen == ["/good-night/fail"]


def test_who_finds_another_at_work_tells_nothing(
    installation: Installation, watcher: tuple[str, list[str]]
) -> None:
    """The other run tells what becomes of it."""
    url, seen = watcher
    with run_lock(installation.folder / ".coinsync.lock", {}, 0.0, time.sleep):
        assert installation.run("sync", "--quiet", "--ping-url", url).code == 75
    assert "/good-night/fail" not in seen


def test_a_watcher_that_is_away_changes_nothing(installation: Installation) -> None:
    """The exit code is that of the sync; -v tells."""
    said = installation.run("sync", "-v", "--ping-url", "http://127.0.0.1:9/")
    assert said.code == 0
    assert "the watcher could not be told (success)" in said.err


def test_a_lock_that_is_held_too_long_is_a_bad_night(
    installation: Installation, watcher: tuple[str, list[str]]
) -> None:
    """The other run will tell nothing any more."""
    url, seen = watcher
    holder = {"what": "sync", "actor": "cron", "since": "2026-01-01T02:00:00Z"}
    with run_lock(installation.folder / ".coinsync.lock", holder, 0.0, time.sleep):
        assert installation.run("sync", "--quiet", "--ping-url", url).code == 75
    assert seen[-1] == "/good-night/fail"
