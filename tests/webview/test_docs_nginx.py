"""The nginx example of docs/operations.md, as it stands there but for ports, files and names,
before the real app.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.types import WSGIApplication

import pytest
import requests
from urllib3.exceptions import InsecureRequestWarning

from tests.support.webview_client import (
    ANYA,
    HEADERS,
    MISHA,
    NAMES,
    OLEG,
    RITA,
    VERA,
    Got,
    Window,
    check_headers,
    launch,
    school_in,
)
from tests.webview.test_serve import free_port

if TYPE_CHECKING:
    from tests.browser.browser import Site

pytest_plugins = ("tests.browser.browser",)

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"
HOST = "coins.school.example"
#: How many requests of one address are answered at once; the example's burst and the first.
AT_ONCE = 31

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{InsecureRequestWarning.__module__}.{InsecureRequestWarning.__name__}"
)


@dataclass(frozen=True)
class Proxy:
    """nginx on a port, and where it writes."""

    port: int
    folder: Path

    def get(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        """Ask as a browser would that believes the certificate."""
        url = f"https://127.0.0.1:{self.port}{path}"
        return requests.request(
            method, url, headers={"Host": HOST, **headers}, verify=False, timeout=10
        )

    def logs(self) -> str:
        """Everything that nginx has written down."""
        return "".join(
            path.read_text(encoding="utf-8") for path in sorted(self.folder.glob("*.log"))
        )


def example() -> str:
    """The configuration that the docs show."""
    (found,) = re.findall(r"```\n(# VK puts.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def changed(text: str, port: int, app: str, folder: Path) -> str:
    """The same with what must differ on the machine of a test; nothing else is touched."""
    pairs = (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("    listen [::]:443 ssl;\n", ""),
        (f"/etc/letsencrypt/live/{HOST}/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
        ("http://127.0.0.1:8080", app),
    )
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def proxied(app: str, folder: Path) -> Iterator[Proxy]:
    """nginx with the example's server alone, before an app at an address."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program, "there is no program named nginx; Debian's package nginx-light brings it"
    folder.mkdir()
    names = (
        "-keyout",
        str(folder / "privkey.pem"),
        "-out",
        str(folder / "fullchain.pem"),
        "-subj",
        f"/CN={HOST}",
    )
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *names],
        check=True,
        capture_output=True,
    )
    port, config = free_port(), folder / "nginx.conf"
    kinds = ("proxy", "client_body", "fastcgi", "uwsgi", "scgi")
    own = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    server = changed(example(), port, app, folder)
    one = f"daemon off; master_process off; pid {folder}/pid; events {{}}"
    config.write_text(f"{one}\nhttp {{\n{own}\n{server}\n}}\n", encoding="utf-8")
    command = [program, "-p", str(folder), "-e", str(folder / "start.log"), "-c", str(config)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            proxy = Proxy(port, folder)
            _wait_for(proxy, process)
            yield proxy
        finally:
            process.terminate()


@pytest.fixture
def proxy(tmp_path: Path, serve: Callable[[WSGIApplication], Site]) -> Iterator[Proxy]:
    """nginx before a school's cabinet."""
    site = serve(Window(school_in(tmp_path), hosts=frozenset({HOST})).app)
    with proxied(site.origin, tmp_path / "nginx") as proxy:
        yield proxy


def _wait_for(proxy: Proxy, process: subprocess.Popen[str]) -> None:
    for _ in range(100):
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        with suppress(requests.ConnectionError):
            proxy.get("/healthz")
            return
        time.sleep(0.05)
    raise AssertionError(f"nginx does not answer: {proxy.logs()}")


def test_a_page_comes_through_as_the_cabinet_sends_it(proxy: Proxy) -> None:
    """Compressed, with every header once, with TLS's own, and each family with its own page."""
    for vk, names in (
        (VERA, {NAMES[ANYA], NAMES[MISHA]}),
        (OLEG, {NAMES[RITA]}),
        (VERA, {NAMES[ANYA], NAMES[MISHA]}),
    ):
        got = proxy.get(f"/?{launch(vk)}")
        assert (got.status_code, got.headers["Content-Encoding"]) == (200, "gzip")
        assert {name for name in NAMES.values() if name in got.text} == names
        assert got.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        # nginx names itself, without its version.
        sent = {name: value for name, value in got.headers.items() if name != "Server"}
        check_headers(Got(200, sent, got.content))
        assert got.headers["Server"] == "nginx"
    (script,) = re.findall(r'src="([^"]*)" type="module"', got.text)
    assert proxy.get(script).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert proxy.get("/?vk_user_id=1&sign=x").status_code == 403
    assert proxy.get("/", "POST").status_code == 405


def test_no_log_holds_a_launch(proxy: Proxy, tmp_path: Path) -> None:
    """Neither that of requests nor that of errors, whatever goes wrong."""
    query = launch(VERA)
    proxy.get(f"/?{query}")
    proxy.get("/history?child=41&before=9", **{"X-Launch": query})
    proxy.get(f"/nowhere?{query}")
    with proxied(f"http://127.0.0.1:{free_port()}", tmp_path / "alone") as alone:
        assert alone.get(f"/?{query}").status_code == 502
        logs = proxy.logs() + alone.logs()
    assert logs.count("GET /") >= 4
    assert "vk_user_id" not in logs
    assert "sign" not in logs


def test_who_asks_too_often_waits_and_nobody_else(proxy: Proxy) -> None:
    """Pages of one address are limited, pictures and scripts are not."""
    wrong = [proxy.get("/?vk_user_id=1&sign=x").status_code for _ in range(AT_ONCE + 9)]
    assert (wrong[0], wrong[-1], set(wrong)) == (403, 429, {403, 429})
    assert wrong.count(403) >= AT_ONCE
    assert proxy.get("/static/0/none.js").status_code == 404


def test_health_is_for_this_machine(proxy: Proxy) -> None:
    """It answers here; what the example says of others stands there."""
    assert proxy.get("/healthz").json()["database"] == "ok"
    assert "deny all;" in example()
    assert set(HEADERS) <= set(proxy.get("/healthz").headers)
