"""A seal: the number of a run and the beginning of its hash, short enough to be written by hand.

"420 · 7c1e-33a0-9f42-d0b8-5511" names run 420 and the first twenty digits of its hash. Whoever
holds one can tell later whether anything up to that run was changed.
"""

import re
from typing import NamedTuple

from coinsync.errors import UsageError

EXAMPLE = "420 · 7c1e-33a0-9f42-d0b8-5511"

_DIGITS = 20
_GROUP = 4


class Seal(NamedTuple):
    """A run, and how its hash begins."""

    run: int
    digits: str

    def __str__(self) -> str:
        groups = re.findall("." * _GROUP, self.digits)
        return f"{self.run} · {'-'.join(groups)}"


def seal_of(run: int, chain: str) -> Seal:
    """The seal of a run with that hash."""
    return Seal(run, chain[:_DIGITS])


def parse_seal(text: str) -> Seal:
    """The seal that somebody typed, whatever stands between its groups. ``UsageError`` if none."""
    # On paper and in messengers dots, spaces and dashes of every kind take each other's places.
    number, *groups = re.findall(r"\w+", text.lower()) or [""]
    digits = "".join(groups)
    if not re.fullmatch("[0-9]{1,18}", number) or not re.fullmatch(
        f"[0-9a-f]{{{_DIGITS}}}", digits
    ):
        raise UsageError(f"{text.strip()[:80]!r} is no seal", advice=f"One looks like {EXAMPLE}.")
    return Seal(int(number), digits)
