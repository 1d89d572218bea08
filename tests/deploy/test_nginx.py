"""The files for nginx in docs/deploy before the real app.

They are as they stand there, but for ports, files and names.
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
from webview.http_answer import security_headers

if TYPE_CHECKING:
    from tests.browser.browser import Site

pytest_plugins = ("tests.browser.browser",)

FILES = Path(__file__).parents[2] / "docs" / "deploy" / "nginx"
HOST = "coins.school.example"
#: How many requests of one address are answered at once; the burst and the first.
AT_ONCE = 201

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


def changed(name: str, port: int, app: str, folder: Path) -> str:
    """A file with what must differ on the machine of a test; nothing else is touched."""
    text = (FILES / name).read_text(encoding="utf-8")
    pairs = (
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("    listen [::]:80;\n", ""),
        (f"/etc/letsencrypt/live/{HOST}/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
        ("/var/www/coinsync", str(FILES if "tls" in name else folder)),
        ("http://127.0.0.1:8080", app),
    )
    for old, new in pairs:
        text = text.replace(old, new)
    return text


def certify(folder: Path) -> None:
    """Put a certificate into a folder, for the name in the files."""
    names = ("-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            *names,
            "-subj",
            f"/CN={HOST}",
        ],
        check=True,
        capture_output=True,
    )


def command(folder: Path, *servers: str) -> list[str]:
    """nginx with these servers alone."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program, "there is no program named nginx; Debian's package nginx-light brings it"
    temporary = ""
    for kind in ("proxy", "client_body", "fastcgi", "uwsgi", "scgi"):
        temporary += f"{kind}_temp_path {folder}/{kind};\n"
    process = f"daemon off; master_process off; pid {folder}/pid; events {{}}"
    config = folder / "nginx.conf"
    config.write_text(f"{process}\nhttp {{\n{temporary}{''.join(servers)}}}\n", encoding="utf-8")
    return [program, "-p", str(folder), "-e", str(folder / "start.log"), "-c", str(config)]


@contextmanager
def proxied(app: str, folder: Path) -> Iterator[Proxy]:
    """nginx with the server for TLS, before an app at an address."""
    folder.mkdir()
    certify(folder)
    port = free_port()
    words = command(folder, changed("coinsync-tls.conf", port, app, folder))
    with subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
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
    (script,) = re.findall(r'<script src="([^"]*)"', got.text)
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


def until_it_is_too_often(proxy: Proxy) -> list[requests.Response]:
    """Ask over one connection, faster than anybody may for long, until nginx refuses."""
    answers = []
    with requests.Session() as session:
        for _ in range(10 * AT_ONCE):
            url = f"https://127.0.0.1:{proxy.port}/?vk_user_id=1&sign=x"
            answer = session.get(url, headers={"Host": HOST}, verify=False, timeout=10)
            answers.append(answer)
            if answer.status_code == 429:
                break
    return answers


def test_who_asks_too_often_waits_and_nobody_else(proxy: Proxy) -> None:
    """Pages of one address are, far above what a school needs; pictures and scripts are not."""
    codes = [answer.status_code for answer in until_it_is_too_often(proxy)]
    assert (set(codes[:-1]), codes[-1]) == ({403}, 429)
    assert len(codes) > AT_ONCE
    assert proxy.get("/static/0/none.js").status_code == 200


def test_health_is_for_this_machine(proxy: Proxy) -> None:
    """It answers here; what the example says of others stands there."""
    assert proxy.get("/healthz").json()["database"] == "ok"
    assert "deny all;" in (FILES / "coinsync-tls.conf").read_text(encoding="utf-8")
    assert set(HEADERS) <= set(proxy.get("/healthz").headers)


def test_what_nginx_says_itself_is_calm_and_framed_by_vk(tmp_path: Path) -> None:
    """A page in Russian with the headers of all pages, instead of a white frame."""
    with proxied(f"http://127.0.0.1:{free_port()}", tmp_path / "alone") as alone:
        away, *_, busy = until_it_is_too_often(alone)
    assert (away.status_code, busy.status_code) == (502, 429)
    assert "Кабинет ненадолго закрыт" in away.text
    assert "Подождите полминуты" in busy.text
    ours = security_headers("'unsafe-inline'")
    framed = ours.pop("Content-Security-Policy").partition("frame-ancestors")[2]
    for answer in (away, busy):
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert ours.items() <= answer.headers.items()
        assert answer.headers["Content-Security-Policy"].endswith(f"frame-ancestors{framed}")
        assert "X-Frame-Options" not in answer.headers
        assert answer.headers["Strict-Transport-Security"]


def test_each_stage_is_accepted_by_itself(tmp_path: Path) -> None:
    """Port 80 before there is a certificate, and TLS beside it once there is one."""
    first = changed("coinsync.conf", 8081, "http://127.0.0.1:9", tmp_path)
    second = changed("coinsync-tls.conf", 8082, "http://127.0.0.1:9", tmp_path)
    without = subprocess.run(
        [*command(tmp_path, first, second), "-t"], capture_output=True, check=False
    )
    assert without.returncode != 0
    subprocess.run([*command(tmp_path, first), "-t"], check=True, capture_output=True)
    certify(tmp_path)
    subprocess.run([*command(tmp_path, first, second), "-t"], check=True, capture_output=True)


def test_port_80_proves_the_name_and_leads_to_tls(tmp_path: Path) -> None:
    """Nobody's launch is asked for over a line that can be read."""
    proof = tmp_path / ".well-known" / "acme-challenge" / "abc"
    proof.parent.mkdir(parents=True)
    proof.write_text("proof", encoding="utf-8")
    port = free_port()
    words = command(tmp_path, changed("coinsync.conf", port, "", tmp_path))
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            answer = _first_answer(f"{url}/.well-known/acme-challenge/abc")
            assert answer.text == "proof"
            moved = requests.get(
                f"{url}/?vk_user_id=1&sign=x",
                headers={"Host": HOST},
                allow_redirects=False,
                timeout=10,
            )
            assert (moved.status_code, moved.headers["Location"]) == (301, f"https://{HOST}/")
        finally:
            process.terminate()


def _first_answer(url: str) -> requests.Response:
    for _ in range(100):
        with suppress(requests.ConnectionError):
            return requests.get(url, timeout=10)
        time.sleep(0.05)
    raise AssertionError(f"nobody answers at {url}")
