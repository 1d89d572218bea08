"""Page objects to HTML: templates, style sheet and scripts, read and compiled once."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import bottle

from coinsync.core.colour import DARK, LIGHT, Colours, Palette
from webview import pages

_HERE = Path(__file__).parent
SCRIPT_KIND = "text/javascript; charset=UTF-8"
_MAIN_SCRIPT = "cabinet.js"
#: Plain scripts that run before the modules: VK Bridge 3.0.2, as its makers publish it.
_CLASSIC_SCRIPTS = ("vk-bridge.min.js",)
_PART = re.compile(r"<!-- ([a-z]+) -->\n")
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
        sheet = (_HERE / "static" / "style.css").read_text(encoding="utf-8")
        self._style = properties(colours or Colours()) + sheet
        digest = hashlib.sha256(self._style.encode()).digest()
        #: The Content-Security-Policy source that allows our style sheet and no other.
        self.style_source = f"'sha256-{base64.b64encode(digest).decode()}'"
        self.scripts = Scripts()
        self._templates: dict[type, Any] = {}
        for kind, names in _TEMPLATES.items():
            template = bottle.SimpleTemplate(_assembled(*names))
            # This compiles it: a mistake in a template must not wait for its first visitor.
            template.co  # noqa: B018
            self._templates[kind] = template

    def print(self, page: pages.Page) -> bytes:
        """Write one page, or a part of one."""
        template = self._templates[type(page)]
        text: str = template.render(
            page=page, texts=page.texts, style=self._style, scripts=self.scripts
        )
        return text.encode()


def _assembled(name: str, content: str) -> str:
    """A template with its parts in place: Bottle's ``include`` would look them up each time."""
    text = (_HERE / "templates" / f"{name}.html").read_text(encoding="utf-8")

    def part(match: re.Match[str]) -> str:
        return _assembled(content if match[1] == "content" else match[1], "")

    return _PART.sub(part, text)


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


class Scripts:
    """All scripts, under a ``folder`` named by their digest, so that each may be kept for ever."""

    def __init__(self) -> None:
        """Read what lies beside this module."""
        paths = sorted((_HERE / "static").glob("*.js"))
        self._files = {path.name: path.read_bytes() for path in paths}
        digest = hashlib.sha256()
        for name, content in self._files.items():
            digest.update(name.encode() + b"\0" + content)
        self.folder = digest.hexdigest()[:16]
        #: Addresses: of the module that starts everything, of plain scripts that run before it, and
        #: of the modules that it needs, so that all are fetched at once.
        self.main = self._address(_MAIN_SCRIPT)
        self.classic = tuple(map(self._address, _CLASSIC_SCRIPTS))
        others = sorted(self._files.keys() - {_MAIN_SCRIPT, *_CLASSIC_SCRIPTS})
        self.modules = tuple(map(self._address, others))

    def find(self, folder: str, name: str) -> bytes | None:
        """The content of a script; None where it is not, or was another."""
        return self._files.get(name) if folder == self.folder else None

    def _address(self, name: str) -> str:
        return f"/static/{self.folder}/{name}"
