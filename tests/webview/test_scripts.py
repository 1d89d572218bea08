"""The page's script, its style, and compression: what they are served as, which browsers they run
in, and how small everything is on its way.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import esprima
import pytest

from tests.support.webview_client import (
    KEY,
    NOBODY,
    VERA,
    Got,
    Window,
    check_headers,
    launch,
    school_in,
)
from webview.page_renderer import SCRIPT_KIND, PageRenderer

STATIC = Path(__file__).parents[2] / "webview" / "static"
#: Of the file that the makers of VK Bridge 2.15.11 publish.
BRIDGE_SHA256 = "8a818801c20e998c2f75346f52798b0e0a22613c0c7582280d1429121a4dba6e"
FOR_EVER = "public, max-age=31536000, immutable"
RENDERER = PageRenderer()
ADDRESS = RENDERER.script_addresses["ru"]
SCRIPT = RENDERER.scripts[ADDRESS]
#: The parts of our script, as their authors wrote them.
OWN = sorted(path for path in STATIC.glob("*.js") if path.name != "vk-bridge.min.js")
TOP_LEVEL = r"^(?:async )?(?:function|const|let) (\w+)"
INIT_POLICY = re.compile(r"script-src 'self' '(sha256-[^']+)'; ")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Window:
    """A window onto a school."""
    return Window(school_in(tmp_path_factory.mktemp("school")))


def script_of(page: str) -> str:
    """The address of the only script that the page fetches."""
    (address,) = re.findall(r'<script src="([^"]*)" defer>', page)
    return str(address)


# --- the script ---------------------------------------------------------------------------------


def test_the_page_has_one_script_and_keeps_it_for_ever(window: Window) -> None:
    """VK Bridge and every part of ours in one file, under a name of its content."""
    address = script_of(window.page(VERA))
    got = window.ask(path=address)
    assert (got.status, got.headers["Content-Type"]) == (200, SCRIPT_KIND)
    check_headers(got, cache=FOR_EVER)
    assert hashlib.sha256(got.body).hexdigest()[:16] in address
    bridge = (STATIC / "vk-bridge.min.js").read_text(encoding="utf-8").splitlines()[0]
    assert got.text.startswith(bridge)
    named = []
    for path in OWN:
        named += re.findall(TOP_LEVEL, path.read_text(encoding="utf-8"), re.MULTILINE)
    for name in named:
        assert re.search(rf"(function|const|let) {name}\b", got.text), name
    # All of them share one function.
    assert len(set(named)) == len(named) > 100


def test_the_script_speaks_the_language_of_the_page(window: Window) -> None:
    """Each language has a file of its own, now and in whatever an older page asks for."""
    english = window.ask(launch(VERA, language="en")).text
    assert script_of(english) == RENDERER.script_addresses["en"] != ADDRESS
    for path in (script_of(english), "/static/cabinet.en.0123456789abcdef.js"):
        assert "Saving up for" in window.ask(path=path).text
    assert "Saving up for" not in SCRIPT.decode()


def test_the_bridge_is_the_one_that_was_published_with_its_licence() -> None:
    """Byte by byte; the licence asks to stand beside every copy."""
    assert hashlib.sha256((STATIC / "vk-bridge.min.js").read_bytes()).hexdigest() == BRIDGE_SHA256
    assert "MIT License" in (STATIC / "vk-bridge.LICENSE.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/0123456789abcdef/cabinet.js",
        "/static/cabinet.0123456789abcdef.js",
        "/static/nothing.js",
        "/static/../app.py",
        "/static//etc/passwd",
        "/static/cabinet.js\0",
    ],
)
def test_whatever_else_is_asked_for_there_is_the_script_of_today(window: Window, path: str) -> None:
    """A page that an older program made gets a script that knows it; nobody keeps it by that name,
    and no file is ever looked for.
    """
    got = window.ask(path=path)
    if path != "/static/":
        assert (got.status, got.body) == (200, SCRIPT)
    check_headers(got)


def test_the_script_is_served_while_the_database_is_not_there(tmp_path: Path) -> None:
    """And so is the page that says so, with the call that lets VK show it."""
    window = Window(f"sqlite:///{tmp_path}/nothing.db")
    got = window.ask(launch(VERA))
    assert got.status == 503
    assert "VKWebAppInit" in got.text
    assert window.ask(path=script_of(got.text)).status == 200


def test_the_first_call_stands_in_every_page_and_is_the_same_for_everybody(window: Window) -> None:
    """The policy allows exactly these bytes, before anything else is fetched."""
    asked = [launch(VERA), launch(NOBODY), "forged=1"]
    scripts = set()
    for query in asked:
        got = window.ask(query)
        script = got.text.partition("<script>")[2].partition("</script>")[0]
        assert got.text.index("<script>") < min(
            got.text.index("<script src"), got.text.index("<style>")
        )
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy = INIT_POLICY.search(got.headers["Content-Security-Policy"])
        assert policy
        assert policy[1] == f"sha256-{digest}"
        scripts.add(script)
    assert len(scripts) == 1


# --- old browsers: Chromium 71 and Safari 13 ------------------------------------------------------

#: Names that are newer, of objects, methods and options; also where they stand in a selector.
NEWER_NAMES = frozenset(
    {
        "replaceChildren",
        "at",
        "replaceAll",
        "fromEntries",
        "allSettled",
        "any",
        "matchAll",
        "structuredClone",
        "findLast",
        "findLastIndex",
        "toSorted",
        "toReversed",
        "with",
        "groupBy",
        "hasOwn",
        "ResizeObserver",
        "requestIdleCallback",
        "inert",
        "showPopover",
        "showModal",
        "randomUUID",
        "checkVisibility",
        "ListFormat",
        "RelativeTimeFormat",
        "DisplayNames",
        "WeakRef",
        "AggregateError",
        "BigInt",
        "requestSubmit",
        "visualViewport",
        "scrollend",
    }
)
NEWER_SELECTORS = re.compile(r":(is|where|has|focus-visible|user-valid|modal)\b")
#: What CSS functions and units those browsers may not know.
NEWER_VALUES = re.compile(r"\b(min|max|clamp|color-mix|light-dark)\(|\d(cq\w+|[dsl]v[hw])\b")
NEWER_PROPERTIES = frozenset(
    {
        "inset",
        "inset-inline",
        "inset-block",
        "gap",
        "row-gap",
        "column-gap",
        "translate",
        "rotate",
        "scale",
    }
)
CONDITIONS = ("@supports", "@media (scripting")


def test_the_script_is_short() -> None:
    """What a family's telephone reads must stay what one person reads in an hour."""
    lines = [path.read_text(encoding="utf-8").count("\n") for path in OWN]
    assert sum(lines) < 950
    assert all("\t" not in path.read_text(encoding="utf-8") for path in OWN)


def test_the_script_is_read_by_old_browsers() -> None:
    """A parser that knows no syntax newer than ES2018 reads it; the first call is of ES5."""
    esprima.parseScript(SCRIPT.decode())
    first = (STATIC / "init.js").read_text(encoding="utf-8")
    esprima.parseScript(first)
    kinds = {(token.type, token.value) for token in esprima.tokenize(first)}
    assert not kinds & {("Keyword", "let"), ("Keyword", "const"), ("Punctuator", "=>")}
    assert "Template" not in {kind for kind, _ in kinds}


@pytest.mark.parametrize("newer", ["a?.b", "a ?? b", "a ||= b", "1_000", "try {} catch {}"])
def test_the_parser_refuses_what_is_newer(newer: str) -> None:
    """So that the test before this one means something."""
    with pytest.raises(esprima.Error):
        esprima.parseScript(newer)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_script_calls_nothing_newer(path: Path) -> None:
    """Nothing that Chromium 71 and Safari 13 lack; a list of the media has no newer listener."""
    tokens = esprima.tokenize(path.read_text(encoding="utf-8"))
    names = {token.value for token in tokens if token.type == "Identifier"}
    assert not names & NEWER_NAMES
    texts = [token.value for token in tokens if token.type in ("String", "Template")]
    assert not [text for text in texts if NEWER_SELECTORS.search(text)]
    assert not re.search(r"matchMedia\([^\n]*\)\.addEventListener", path.read_text())


def rules_of(sheet: str) -> Iterator[tuple[str, str, bool]]:
    """Selector and declarations of each rule, and whether it stands within a condition."""
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    outer: list[str] = []
    for text, sign in re.findall(r"([^{}]*)([{}])", sheet):
        if sign == "{":
            outer.append(text.strip())
            continue
        selector = outer.pop()
        if text.strip():
            yield selector, text, any(name.startswith(CONDITIONS) for name in outer)


def newer_in(selector: str, declarations: str) -> Iterator[str]:
    """What an old browser drops of a rule without having read something older before it."""
    is_newer_part = [bool(NEWER_SELECTORS.search(part)) for part in selector.split(",")]
    if any(is_newer_part) and not all(is_newer_part):
        # One selector that is not known takes the whole list with it.
        yield selector
    if re.search(r":(is|where|has)\(", selector):
        yield selector
    known: set[str] = set()
    for declaration in declarations.split(";"):
        name, _, value = declaration.strip().partition(":")
        # "padding" is a fallback of "padding-left" too.
        has_fallback = bool(known & {name, name.partition("-")[0]})
        is_newer = bool(NEWER_VALUES.search(value))
        if name in NEWER_PROPERTIES or (is_newer and not has_fallback):
            yield f"{selector}: {declaration.strip()}"
        known.add(name)


def test_the_style_is_read_by_old_browsers() -> None:
    """Whatever is newer has a fallback before it, or stands within a condition."""
    sheet = (STATIC / "style.css").read_text(encoding="utf-8")
    found = [
        fault
        for selector, declarations, conditional in rules_of(sheet)
        if not conditional
        for fault in newer_in(selector, declarations)
    ]
    assert found == []


@pytest.mark.parametrize(
    "newer",
    [
        "a { inset: 0 }",
        ":is(a, b) { top: 0 }",
        "a, b:focus-visible { top: 0 }",
        "a { --x: max(1px, 2px) }",
        "a { width: min(1px, 2px) }",
        "a { display: flex; gap: 2px }",
        "@media print { a { width: 3cqi } }",
    ],
)
def test_the_reader_of_style_finds_what_is_newer(newer: str) -> None:
    """So that the test before this one means something."""
    ((selector, declarations, conditional),) = rules_of(newer)
    assert not conditional
    assert list(newer_in(selector, declarations))


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
    """The script, compressed, so that with a page of 10 KB all stays under 24 KB."""
    assert len(sent(window, "gzip", path=ADDRESS).body) <= 14 * 1024


def test_no_key_reaches_a_script(window: Window) -> None:
    """They are the same for everybody."""
    assert KEY.encode() not in SCRIPT
