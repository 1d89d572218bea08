"""Page objects to HTML: templates, style sheet and script, read and compiled once."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import bottle

from coinsync.core.colour import DARK, LIGHT, Colours, Palette
from webview import pages
from webview.texts import ENGLISH, RUSSIAN, Texts

_HERE = Path(__file__).parent
SCRIPT_KIND = "text/javascript; charset=UTF-8"
#: VK Bridge as its makers publish it: 2.15.11, because 3 needs a browser of 2020.
_BRIDGE = "vk-bridge.min.js"
#: The parts of the page's script in the order of the one file. They share one function, and each
#: uses only earlier ones while it is read.
_PARTS = (
    "words",
    "vk",
    "appearance",
    "memory",
    "screens",
    "favourites",
    "goods",
    "history",
    "fresh",
    "cabinet",
)
#: Of a style sheet also spaces and ends of lines around its signs.
_STYLE_SPACES = re.compile(r"(?<=[{:;,]) |\s*(?=[{}])|(?<=[{};,])\n")
#: What only a reader of the source needs: comments and empty lines, and how far lines are set in.
_FOR_READERS = re.compile(r"^\s*/\*(?:[^*]|\*(?!/))*\*/\s*\n|^\s*//.*\n|^[ \t]+|^\n", re.MULTILINE)
_INCLUDED = re.compile(r"<!-- ([a-z]+) -->\n")
#: The frame of each kind of page and what stands in it; what is no page stands without a frame.
_TEMPLATES = {
    pages.Cabinet: ("base", "cabinet"),
    pages.Stranger: ("base", "stranger"),
    pages.Notice: ("base", "notice"),
    pages.Rows: ("rows", ""),
}


class PageRenderer:
    """Writes page objects as HTML."""

    def __init__(self, colours: Colours | None = None) -> None:
        """Read all files; the style sheet takes the school's colours."""
        self._style = properties(colours or Colours()) + _STYLE_SPACES.sub(
            "", _lean(_static("style.css"))
        )
        self._init = _lean(_static("init.js"))
        #: The Content-Security-Policy sources that allow our style sheet, and the script that
        #: stands in the page, and no others.
        self.style_source, self.init_source = _source(self._style), _source(self._init)
        self.icon = _static("coin.svg").encode()
        #: The page's script by language, and by a name that holds its digest, so that it may be
        #: kept for ever.
        self.scripts: dict[str, bytes] = {}
        self.script_addresses: dict[str, str] = {}
        for texts in (ENGLISH, RUSSIAN):
            script = _one_script(texts).encode()
            digest = hashlib.sha256(script).hexdigest()
            address = f"/static/cabinet.{texts.language}.{digest[:16]}.js"
            self.scripts[address] = script
            self.script_addresses[texts.language] = address
        self._templates: dict[type, Any] = {}
        for kind, names in _TEMPLATES.items():
            template = bottle.SimpleTemplate(_assembled(*names))
            # This compiles it: a mistake in a template must not wait for its first visitor.
            template.co  # noqa: B018
            self._templates[kind] = template

    def script(self, address: str) -> tuple[bytes, bool]:
        """The script of an address, and whether it is of today; else the one of today."""
        content = self.scripts.get(address)
        if content is not None:
            return content, True
        # The language stands in the names of all days.
        language = ENGLISH.language if ".en." in address else RUSSIAN.language
        return self.scripts[self.script_addresses[language]], False

    def print(self, page: pages.Page) -> bytes:
        """Write one page, or a part of one."""
        template = self._templates[type(page)]
        text: str = template.render(
            page=page,
            texts=page.texts,
            style=self._style,
            init=self._init,
            script=self.script_addresses[page.texts.language],
        )
        return text.encode()


def _static(name: str) -> str:
    return (_HERE / "static" / name).read_text(encoding="utf-8")


def _lean(text: str) -> str:
    return _FOR_READERS.sub("", text)


def _source(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _one_script(texts: Texts) -> str:
    """VK Bridge, what the script says, and all of its parts, as one file."""
    words = {**texts.script, "thousands": texts.words.thousands}
    lines = [_static(_BRIDGE), "(function () {", '"use strict";']
    lines.append(f"const words = {json.dumps(words, ensure_ascii=False)};")
    for name in _PARTS:
        lines.append(_static(f"{name}.js"))
    lines.append("})();")
    return _lean("\n".join(lines))


def _assembled(name: str, content: str) -> str:
    """A template with its parts in place: Bottle's ``include`` would look them up each time."""
    text = (_HERE / "templates" / f"{name}.html").read_text(encoding="utf-8")

    def part(match: re.Match[str]) -> str:
        return _assembled(content if match[1] == "content" else match[1], "")

    return _INCLUDED.sub(part, text)


def properties(colours: Colours) -> str:
    """Style rules that name every colour, for light and dark.

    The system's appearance decides, unless ``data-appearance`` says what VK says.
    """
    light_link, dark_link = colours.links
    light = _declared(LIGHT, colours.accent_light, colours.label, light_link)
    dark = _declared(DARK, colours.accent_dark, colours.label, dark_link)
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        "@media (prefers-color-scheme: dark) "
        f'{{ :root:not([data-appearance="light"]) {{ {dark} }} }}\n'
        f':root[data-appearance="dark"] {{ color-scheme: dark; {dark} }}\n'
        ':root[data-appearance="light"] { color-scheme: light; }\n'
    )


def _declared(palette: Palette, accent: str, label: str, link: str) -> str:
    named = {name: getattr(palette, name) for name in Palette.__slots__}
    named |= {"accent": accent, "label": label, "link": link}
    return " ".join(f"--{name}: {colour};" for name, colour in named.items())
