"""The cabinet of the server, asked as nginx and a family's telephone do."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import requests

import cli
from tests.server.conftest import APP, VK_KEY, Server
from webview.launch import sign

HERE = "http://127.0.0.1:8080"


def until(happened: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def status(url: str) -> int:
    """What an address answers with; 0 while nobody is there."""
    try:
        return requests.get(url, timeout=5).status_code
    except requests.ConnectionError:
        return 0


def until_healthy() -> None:
    """Wait until the cabinet says that all is well."""
    until(lambda: status(f"{HERE}/healthz") == 200)


def a_viewer(server: Server) -> str:
    """A VK account that sees somebody."""
    links = server.debian.ok("anna", "coinsync links list --json")
    found = re.search(r'"vk": ?(\d+)', links)
    assert found
    return found.group(1)


def page_of(server: Server) -> str:
    """The page that a viewer is shown."""
    fields = {
        "vk_app_id": str(APP),
        "vk_user_id": a_viewer(server),
        "vk_ts": f"{cli.utc_now().timestamp():.0f}",
    }
    answer = requests.get(f"{HERE}/?{sign(fields, VK_KEY)}", timeout=10)
    assert answer.status_code == 200
    assert "Росток" in answer.text
    return answer.text
