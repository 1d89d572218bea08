"""Serving the cabinet: what stops it at the start, where it listens, a look without VK."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.school import KEY, VK_KEY, Installation
from tests.webview.test_serve import free_port

#: A client whom a VK account sees, one of the three children whom account 900000001 sees, and a
#: client without a VK page.
LINKED, SIBLINGS, UNLINKED = 101, {101, 102, 103}, 123


def keep(installation: Installation, *keys: str) -> None:
    """Write the keys of the VK app, none of them where none is given."""
    text = f"COINSYNC_ALFACRM_KEY={KEY}\n"
    if keys:
        text += f"COINSYNC_VK_KEYS={','.join(keys)}\n"
    installation.file("coinsync.secrets", text)


@contextmanager
def running(installation: Installation, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The program as a process of its own, ended by SIGTERM if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "--config", str(installation.config), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={},
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=20)


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline()


class TestServe:
    """A server that would refuse every family does not start."""

    @pytest.mark.parametrize(
        ("app_id", "keys", "lines"),
        [
            (0, (VK_KEY,), ["config: [web] app_id is 0"]),
            (7, (), ["secret: COINSYNC_VK_KEYS is missing"]),
            (7, ("short",), ["secret: COINSYNC_VK_KEYS: the key is too short (5 characters)"]),
            (7, (VK_KEY, ""), ["secret: COINSYNC_VK_KEYS: key 2 of 2 is too short (0 characters)"]),
            (
                7,
                (f"{VK_KEY} x",),
                ["secret: COINSYNC_VK_KEYS is doubtful: it has a quote"],
            ),
            (
                0,
                ("short",),
                ["config: [web] app_id is 0", "COINSYNC_VK_KEYS: the key is too short"],
            ),
        ],
    )
    def test_refused(
        self, desk: Installation, app_id: int, keys: tuple[str, ...], lines: list[str]
    ) -> None:
        """2; for each fault one line and one of advice, and no key in them."""
        desk.configure(web__app_id=app_id)
        keep(desk, *keys)
        said = desk.run("serve", "--port", str(free_port()))
        assert (said.code, said.out) == (2, "")
        told = said.err.splitlines()
        assert [line.startswith("  → ") for line in told] == [False, True] * len(lines)
        for line, expected in zip(told[::2], lines, strict=True):
            assert expected in line
        assert VK_KEY not in said.err

    def test_says_where_it_listens(self, desk: Installation) -> None:
        """Once it does: the address answers."""
        port = free_port()
        with running(desk, "serve", "--port", str(port)) as process:
            assert (
                line_of(process)
                == f"The cabinet listens on http://127.0.0.1:{port}/ until Ctrl-C.\n"
            )
            assert requests.get(f"http://127.0.0.1:{port}/", timeout=10).status_code == 403


class TestPreview:
    """A look at the cabinet as a family, from this machine alone."""

    @pytest.mark.parametrize(
        ("resident", "shown"), [(LINKED, SIBLINGS), (UNLINKED, {UNLINKED})], ids=["linked", "not"]
    )
    def test_shows_the_family(self, desk: Installation, resident: int, shown: set[int]) -> None:
        """With the children whom the same account sees; without VK, its key or its app."""
        desk.configure(web__app_id=0, web__hosts=["coins.school.example"])
        keep(desk)
        before = desk.tables()
        with running(desk, "--json", "preview", f"#{resident}") as process:
            said = json.loads(line_of(process))
            page = requests.get(said["link"], timeout=10)
            bare = requests.get(said["link"].partition("?")[0], timeout=10)
        assert set(said["residents"]) == shown
        assert page.status_code == 200
        for number in shown:
            assert f"resident-{number}" in page.text
        assert bare.status_code == 403
        assert desk.tables() == before

    def test_is_no_way_into_the_real_cabinet(self, desk: Installation) -> None:
        """Its link opens nothing there, and a real launch opens nothing here."""
        port = free_port()
        with (
            running(desk, "--json", "preview", f"#{LINKED}") as preview,
            running(desk, "serve", "--port", str(port)) as serve,
        ):
            link = urlsplit(json.loads(line_of(preview))["link"])
            line_of(serve)
            real = requests.get(f"http://127.0.0.1:{port}/?{link.query}", timeout=10)
        assert link.hostname == "127.0.0.1"
        assert real.status_code == 403

    def test_ends_after_an_hour(self, desk: Installation) -> None:
        """By the alarm that it sets itself; the exit is clean."""
        with running(desk, "preview", f"#{LINKED}") as process:
            assert line_of(process) == "The cabinet of this family, for an hour or until Ctrl-C:\n"
            assert line_of(process).startswith("http://127.0.0.1:")
            assert "ssh -L" in line_of(process)
            process.send_signal(signal.SIGALRM)
            assert process.wait(timeout=20) == 0

    def test_nobody_of_that_name(self, desk: Installation) -> None:
        """6, before anything listens."""
        assert desk.run("preview", "Нетаковский").code == 6
