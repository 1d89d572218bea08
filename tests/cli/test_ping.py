"""A watcher outside is told of a good night, and only of a good one."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.support.school import Installation


@pytest.fixture
def watcher() -> Iterator[tuple[str, list[str]]]:
    """An address, and the paths that were asked for there."""
    seen: list[str] = []

    class Watcher(BaseHTTPRequestHandler):
        """Answers every GET and notes it."""

        def do_GET(self) -> None:
            """Note the path."""
            seen.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Watcher) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/good-night", seen
        server.shutdown()
        thread.join()


def test_a_good_night_is_told(installation: Installation, watcher: tuple[str, list[str]]) -> None:
    """Once, after the commit."""
    url, seen = watcher
    installation.ok("sync", "--quiet", "--ping-url", url)
    assert seen == ["/good-night"]


def test_a_bad_night_and_a_dry_run_are_not(
    synced: Installation, watcher: tuple[str, list[str]]
) -> None:
    """Silence is what raises the alarm."""
    url, seen = watcher
    synced.ok("sync", "--dry-run", "--ping-url", url)
    synced.school.act("empty", branch=1)
    assert synced.run("sync", "--quiet", "--ping-url", url).code == 5
    assert seen == []


def test_a_watcher_that_is_away_changes_nothing(installation: Installation) -> None:
    """The exit code is that of the sync; -v tells."""
    said = installation.run("sync", "-v", "--ping-url", "http://127.0.0.1:9/")
    assert said.code == 0
    assert "the watcher could not be told" in said.err
