"""Scripts and compression: what the page's script is served as, and how small everything is on its
way.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from tests.support.webview_client import KEY, VERA, Got, Window, check_headers, launch, school_in
from webview.page_renderer import SCRIPT_KIND, Scripts

STATIC = Path(__file__).parents[2] / "webview" / "static"
#: Of the file that the makers of VK Bridge 3.0.2 publish.
BRIDGE_SHA256 = "827ba6f457cd9e73519b58b2c66564caf138645202f1bba37dca0b567f601bb4"
FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """A window onto a school."""
    return Window(school_in(tmp_path_factory.mktemp("school")))


def scripts_of(window: Window) -> list[str]:
    """Addresses of all scripts that the page names."""
    return re.findall(r'"(/static/[^"]*)"', window.page(VERA))


# --- scripts ------------------------------------------------------------------------------------


def test_every_script_that_the_page_names_is_there_for_ever(window: Window) -> None:
    """With its type, and with the headers of every answer."""
    names = scripts_of(window)
    assert len(names) == len(set(names)) == len(list(STATIC.glob("*.js")))
    for name in names:
        got = window.ask(path=name)
        assert (got.status, got.headers["Content-Type"]) == (200, SCRIPT_KIND)
        check_headers(got, cache=FOR_EVER)
        assert got.body == (STATIC / name.rpartition("/")[2]).read_bytes()


def test_what_a_module_imports_lies_beside_it_and_is_fetched_at_once(window: Window) -> None:
    """No module waits for another to be read first."""
    named = {name.rpartition("/")[2] for name in scripts_of(window)}
    for path in STATIC.glob("*.js"):
        imported = set(
            re.findall(
                r'^import .* from "\./([^"]+)";$', path.read_text(encoding="utf-8"), re.MULTILINE
            )
        )
        assert imported <= named, path.name
    assert not re.search(r"https?://", "".join(scripts_of(window)))


def test_the_bridge_is_the_one_that_was_published_with_its_licence() -> None:
    """Byte by byte; the licence asks to stand beside every copy."""
    assert hashlib.sha256((STATIC / "vk-bridge.min.js").read_bytes()).hexdigest() == BRIDGE_SHA256
    assert "MIT License" in (STATIC / "vk-bridge.LICENSE.txt").read_text(encoding="utf-8")


def test_the_folder_of_scripts_is_another_after_any_change() -> None:
    """So that nobody ever meets an old script beside a new page."""
    ours = Scripts()
    main = ours.main.rpartition("/")[2]
    assert ours.find(ours.folder, main) == (STATIC / main).read_bytes()
    assert ours.find(ours.folder[::-1], main) is None


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/{folder}",
        "/static/{folder}/",
        "/static/{folder}/nothing.js",
        "/static/{folder}/style.css",
        "/static/{folder}/../app.py",
        "/static/{folder}/%2e%2e/app.py",
        "/static/{folder}/..\\app.py",
        "/static/{folder}//etc/passwd",
        "/static/{folder}/cabinet.js\0",
        "/static/0123456789abcdef/cabinet.js",
        "/static/cabinet.js",
    ],
)
def test_nothing_else_is_served_from_there(window: Window, path: str) -> None:
    """Neither an older folder nor any other file."""
    got = window.ask(path=path.format(folder=Scripts().folder))
    assert got.status == 404
    check_headers(got)


def test_scripts_are_served_while_the_database_is_not_there(tmp_path: Path) -> None:
    """And so is the page that says so, with the script that lets VK show it."""
    window = Window(f"sqlite:///{tmp_path}/nothing.db")
    got = window.ask(launch(VERA))
    assert got.status == 503
    (main,) = re.findall(r'<script src="([^"]*)" type="module">', got.text)
    assert window.ask(path=main).status == 200


# --- compression --------------------------------------------------------------------------------


def sent(window: Window, accepted: str | None, *, path: str = "/", method: str = "GET") -> Got:
    """An answer to somebody who accepts such codings."""
    more = {} if accepted is None else {"HTTP_ACCEPT_ENCODING": accepted}
    return window.ask(launch(VERA) if path == "/" else "", path, method, **more)


@pytest.mark.parametrize(
    "accepted", ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.5", "deflate,gzip"]
)
def test_a_page_is_compressed_for_whoever_takes_it(window: Window, accepted: str) -> None:
    """The same page, smaller; its length is that of what is sent."""
    whole, small = sent(window, None), sent(window, accepted)
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.body) == whole.body
    assert len(small.body) < len(whole.body) / 3
    assert small.headers["Content-Length"] == str(len(small.body))
    check_headers(small)
    head = sent(window, accepted, method="HEAD")
    assert (head.headers, head.body) == (small.headers, b"")
    assert sent(window, accepted).body == small.body


@pytest.mark.parametrize(
    "accepted", [None, "", "br", "identity", "gzip;q=0", "gzip; q=0.0, br", "xgzip", "*;q=0"]
)
def test_a_page_is_plain_for_everybody_else(window: Window, accepted: str | None) -> None:
    """Readable by those who said nothing or no."""
    got = sent(window, accepted)
    assert "Content-Encoding" not in got.headers
    assert got.text.startswith("<!doctype html>")


def test_what_gains_nothing_is_left_as_it_is(window: Window, tmp_path: Path) -> None:
    """Short answers, and pictures that are compressed by themselves."""
    assert "Content-Encoding" not in sent(window, "gzip", path="/healthz").headers
    own = {
        "logo.0123456789ab.webp": bytes(5000),
        "coin.0123456789ab.svg": b"<svg>" + b" " * 5000 + b"</svg>",
    }
    pictures = Window(school_in(tmp_path), own_pictures=own)
    plain, drawing = (sent(pictures, "gzip", path=f"/pictures/{name}") for name in own)
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(drawing.body) == own["coin.0123456789ab.svg"]
    assert plain.headers["Vary"] == drawing.headers["Vary"] == "Accept-Encoding"


def test_everything_that_the_first_view_needs_is_small(window: Window) -> None:
    """All scripts together, compressed, so that with a page of 14 KB all stays under 30 KB."""
    sizes = [len(sent(window, "gzip", path=name).body) for name in scripts_of(window)]
    assert sum(sizes) <= 15 * 1024, sizes


def test_no_key_reaches_a_script(window: Window) -> None:
    """They are the same for everybody."""
    assert not any(KEY.encode() in window.ask(path=name).body for name in scripts_of(window))
