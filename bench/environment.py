"""The environment of a measurement: a clock that stands still, numbered texts, no pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import count

from coinsync.environment import Environment


def environment(
    now: datetime,
    fresh_text: Callable[[], str],
    sleep: Callable[[float], None] = lambda _seconds: None,
) -> Environment:
    """An environment whose clock stands at ``now``."""
    return Environment(
        environ={},
        now=lambda: now,
        monotonic=lambda: 0.0,
        sleep=sleep,
        fresh_text=fresh_text,
        chance=lambda: 0.5,
    )


def numbered(first: int = 0) -> Iterator[str]:
    """Texts for the ids of runs, all different."""
    return (f"{number:032x}" for number in count(first))
