"""The environment of a measurement: a clock that is given, numbers that are counted, no pauses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

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
