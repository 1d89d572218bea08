"""Printing page objects: templates, the style sheet and the scripts, read, put together and compiled once."""

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
#: Which parts stand in the frame of a page; what is no page stands without it.
_TEMPLATES = {
    pages.Cabinet: ("base", "cabinet"),
    pages.Stranger: ("base", "stranger"),
    pages.Notice: ("base", "notice"),
    pages.Rows: ("rows", ""),
}


class PageRenderer:
    """Prints page objects."""

    def __init__(self, style: str, scripts: Scripts, templates: Mapping[type, Any]) -> None:
        """Keep the style sheet, the scripts that pages name, and one compiled template for each kind of page."""
        self.scripts = scripts
        self._style = style
        self._templates = templates

    @classmethod
    def set_up(cls, colours: Colours | None = None) -> PageRenderer:
        """Read everything that lies beside this module; the style sheet takes the school's colours."""
        style = theme.properties(colours or Colours()) + (_HERE / "static" / "style.css").read_text(
            encoding="utf-8"
        )
        return cls(
            style, Scripts.set_up(), {kind: _compiled(*names) for kind, names in _TEMPLATES.items()}
        )

    @property
    def style_source(self) -> str:
        """The Content-Security-Policy source that allows our style sheet and no other."""
        return (
            f"'sha256-{base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()}'"
        )

    def print(self, page: pages.Page) -> bytes:
        """Print one page, or a part of one."""
        template = self._templates[type(page)]
        text: str = template.render(
            page=page, texts=page.texts, style=self._style, scripts=self.scripts
        )
        return text.encode()


def _compiled(frame: str, content: str) -> Any:
    template = bottle.SimpleTemplate(_assembled(frame, content))
    template.co  # noqa: B018  # Compiles now: a mistake in a template must not wait for its first visitor.
    return template


def _assembled(name: str, content: str) -> str:
    """A template with the parts that it names put into their places; ``content`` is what stands for "content"."""
    text = (_HERE / "templates" / f"{name}.html").read_text(encoding="utf-8")
    return _PART.sub(
        lambda part: _assembled(content if part[1] == "content" else part[1], ""), text
    )
