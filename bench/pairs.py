"""How a line is measured: ours and the floor in turn, and the median of the ratios of the pairs."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROUNDS = 5

Work = Callable[[], object]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of the table: what was measured, and whether the goal is met."""

    name: str
    measured: str
    ratio: float
    lowest: float
    highest: float
    goal: str
    met: bool


#: All lines of this run, in their order.
MEASURED: list[Measured] = []


def ratio(name: str, goal: float, ours: Work, floor: Work, *, rounds: int = ROUNDS) -> float:
    """Measure ``ours`` against ``floor`` and print the line; the goal is what the ratio may be.

    Returns the median of ``ours`` in milliseconds.
    """
    pairs = [(milliseconds(ours), milliseconds(floor)) for _ in range(rounds)]
    compared(name, goal, pairs)
    return statistics.median(ours_ms for ours_ms, _ in pairs)


def compared(name: str, goal: float, pairs: Sequence[Pair], unit: str = "ms") -> None:
    """Print the line of pairs that were measured already; the goal is what the ratio may be."""
    median_ratio, ours_median, floor_median = medians(pairs)
    measured = f"{ours_median:.1f} {unit} {floor_median:.1f} {unit}"
    met = median_ratio <= goal
    line(name, measured, median_ratio, f"{goal:.2f} x", met=met, ratios=ratios_of(pairs))


def ratios_of(pairs: Sequence[Pair]) -> list[float]:
    """The ratio of each pair."""
    return [ours / floor for ours, floor in pairs]


def medians(pairs: Sequence[Pair]) -> tuple[float, float, float]:
    """The median of the ratios of pairs, and of their first and second numbers."""
    ours_all, floor_all = zip(*pairs, strict=True)
    ratio_median = statistics.median(ratios_of(pairs))
    return ratio_median, statistics.median(ours_all), statistics.median(floor_all)


def line(
    name: str,
    measured: str,
    median_ratio: float,
    goal: str,
    *,
    met: bool,
    ratios: Sequence[float] = (),
) -> None:
    """Print one line of the table, and keep it; ``ratios`` are those of the single rounds."""
    lowest, highest = min(ratios, default=median_ratio), max(ratios, default=median_ratio)
    MEASURED.append(Measured(name, measured, median_ratio, lowest, highest, goal, met))
    spread = f"{median_ratio:6.2f} ({lowest:.2f}-{highest:.2f})"
    verdict = "ok" if met else "MISSED"
    print(f"{name:<66}{measured:>26}  {spread:<20} goal {goal:<10} {verdict}", flush=True)


def limit(name: str, value: float, unit: str, most: float) -> None:
    """Print a line that has a limit and no floor; its ratio is the part of the limit."""
    measured = f"{value:.1f} {unit}"
    line(name, measured, value / most if most else value, f"{most:g} {unit}", met=value <= most)


def write(path: Path) -> None:
    """Write all lines of this run as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [asdict(measured) for measured in MEASURED]
    path.write_text(json.dumps(lines, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def milliseconds(work: Work) -> float:
    """How long some work takes."""
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)
