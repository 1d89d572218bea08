"""Page objects to HTML: templates, style sheet and scripts, read and compiled once."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bottle

from coinsync.core.colour import Colours
from webview import pages, theme
from webview.scripts import Scripts

_HERE = Path(__file__).parent
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

    def __init__(self, style: str, scripts: Scripts, templates: Mapping[type, Any]) -> None:
        """Keep the style sheet, the scripts, and a template for each kind of page."""
        self.scripts = scripts
        self._style = style
        self._templates = templates

    @classmethod
    def set_up(cls, colours: Colours | None = None) -> PageRenderer:
        """Read all files beside this module; the style sheet takes the school's colours."""
        sheet = (_HERE / "static" / "style.css").read_text(encoding="utf-8")
        style = theme.properties(colours or Colours()) + sheet
        templates = {kind: _compiled(*names) for kind, names in _TEMPLATES.items()}
        return cls(style, Scripts.set_up(), templates)

    @property
    def style_source(self) -> str:
        """The Content-Security-Policy source that allows our style sheet and no other."""
        digest = hashlib.sha256(self._style.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    def print(self, page: pages.Page) -> bytes:
        """Write one page, or a part of one."""
        template = self._templates[type(page)]
        text: str = template.render(
            page=page, texts=page.texts, style=self._style, scripts=self.scripts
        )
        return text.encode()


def _compiled(frame: str, content: str) -> Any:
    template = bottle.SimpleTemplate(_assembled(frame, content))
    # This compiles it: a mistake in a template must not wait for its first visitor.
    template.co  # noqa: B018
    return template


def _assembled(name: str, content: str) -> str:
    """A template with its parts in place: Bottle's ``include`` would look them up each time."""
    text = (_HERE / "templates" / f"{name}.html").read_text(encoding="utf-8")

    def part(found: re.Match[str]) -> str:
        named = found[1]
        return _assembled(content if named == "content" else named, "")

    return _PART.sub(part, text)
