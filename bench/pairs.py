"""How a line is measured: ours and the floor in turn, several rounds, the ratio of each pair, its median."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

ROUNDS = 5


Work = Callable[[], object]


def ratio(name: str, goal: float, ours: Work, floor: Work, *, rounds: int = ROUNDS) -> float:
    """Measure ``ours`` against ``floor`` and print the line."""
    pairs = [(_seconds(ours), _seconds(floor)) for _ in range(rounds)]
    found = statistics.median(mine / theirs for mine, theirs in pairs)
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    verdict = "ok" if found <= goal else "MISSED"
    print(
        f"{name:<58}{1000 * mine:>10.1f} ms{1000 * theirs:>10.1f} ms{found:>8.2f} x   goal {goal:.2f} x   {verdict}"
    )
    return found


def _seconds(work: Work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
