"""How a line is measured: ours and the floor in turn, and the median of the ratios of the pairs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

ROUNDS = 5

Work = Callable[[], object]


def ratio(name: str, goal: float, ours: Work, floor: Work, *, rounds: int = ROUNDS) -> None:
    """Measure ``ours`` against ``floor`` and print the line; the goal is what the ratio may be."""
    pairs = [(_milliseconds(ours), _milliseconds(floor)) for _ in range(rounds)]
    median_ratio, ours_median, floor_median = medians(pairs)
    measured = f"{ours_median:.1f} ms {floor_median:.1f} ms"
    line(name, measured, median_ratio, f"{goal:.2f}", met=median_ratio <= goal)


def medians(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """The median of the ratios of pairs, and of their first and second numbers."""
    ratios = [ours / floor for ours, floor in pairs]
    ours_all, floor_all = zip(*pairs, strict=True)
    return statistics.median(ratios), statistics.median(ours_all), statistics.median(floor_all)


def line(name: str, measured: str, median_ratio: float, goal: str, *, met: bool) -> None:
    """Print one line of the table."""
    verdict = "ok" if met else "MISSED"
    print(f"{name:<62}{measured:>26}{median_ratio:>8.2f} x   goal {goal} x   {verdict}", flush=True)


def _milliseconds(work: Work) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)
