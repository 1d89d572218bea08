"""Free text that looks as if it held personal data, which belongs into no note."""

from __future__ import annotations

import re

_EMAIL = r"[^\s@]+@[^\s@]+\.[^\s@.]{2,}"
#: A Russian mobile number, ten digits that begin with 9, with or without +7 or 8 before it.
_RUSSIAN_MOBILE = (
    r"(?<![\w.])(?:\+\d{1,3}|8|7)?[\s(-]{0,2}9\d{2}[\s)-]{0,2}\d{3}[\s-]?\d{2}[\s-]?\d{2}(?!\w)"
)
_INTERNATIONAL = r"\+\d[\d\s()-]{8,16}\d"
_PRIVATE = re.compile(f"{_EMAIL}|{_RUSSIAN_MOBILE}|{_INTERNATIONAL}")


def is_private(text: str) -> bool:
    """Tell whether a text looks as if it held a telephone or an e-mail address."""
    return _PRIVATE.search(text) is not None
