"""How time and size grow with a school: `python -m bench.scale` writes docs/scale.svg.

Each school is founded anew in a file. What is measured is time of one processor, the median of some
rounds; a line's exponent is the slope of its logarithms: 0 does not grow at all, 1 grows like the
school.
"""

from __future__ import annotations

import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.family import School
from bench.large import FIRST_VK, NOW, found
from bench.places import Files
from bench.proof import settings
from bench.visitors import request_of, rush, site
from bench.web import ask
from coinsync import reconcile
from coinsync.store import database
from coinsync.store.engines.sqlite import path_of
from coinsync.store.operations.backup import back_up
from coinsync.store.reader import Reader

#: Residents with a usual history, and histories of so many residents: lines of each.
RESIDENTS, USUAL = (100, 300, 1_000, 3_000, 10_000), 50
HISTORIES, FEW = (50, 500, 5_000), 100
AT_ONCE = (1, 4, 16, 64)
ROUNDS, PAGES = 3, 100
PLOT, TABLE = Path("docs/scale.svg"), Path("build/scale.json")


@dataclass(frozen=True, slots=True)
class Figures:
    """One school, and what its work takes."""

    residents: int
    lines: int
    page_ms: float
    reconcile_ms: float
    backup_ms: float
    mib: float

    @property
    def entries(self) -> int:
        """How many entries its ledger has."""
        return self.residents * self.lines


def measured(school: School, residents: int, lines: int) -> Figures:
    """Measure a school."""
    app = school.app()
    vks = range(FIRST_VK + 1, FIRST_VK + 1 + min(residents, PAGES))
    figures = Figures(
        residents,
        lines,
        page_ms=median_ms(lambda: [ask(app, vk) for vk in vks]) / len(vks),
        reconcile_ms=median_ms(lambda: prove(school)),
        backup_ms=median_ms(lambda: copy(school, school.pictures.parent / "copy")),
        mib=path_of(school.url).stat().st_size / 2**20,
    )
    print(figures, flush=True)
    return figures


def median_ms(work: Callable[[], object]) -> float:
    """The median of some rounds, as time of one processor: others may be busy beside."""
    spent: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent)


def prove(school: School) -> None:
    """Make every check of reconcile."""
    opened = database.open_readable(school.url)
    with database.reading(opened):
        reconcile.prove(Reader(opened), settings(), NOW, wanted=reconcile.STORED)


def copy(school: School, file: Path) -> None:
    """Make a backup, which is looked through as well."""
    back_up(school.url, file)
    file.unlink()


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The slope of the logarithms, by least squares."""
    return statistics.linear_regression(
        [math.log(size) for size in sizes], [math.log(value) for value in values]
    ).slope


def rates(school: School) -> dict[int, float]:
    """Pages a second by visitors at once."""
    request = request_of(FIRST_VK + 1)
    with site(school.app) as served:
        rush(served.port, 4, PAGES, request)
        return {many: rush(served.port, many, 3 * PAGES, request).rate for many in AT_ONCE}


# --- the plot ---

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 70, 150, 30, 50
_STYLE = (
    "text { font: 13px sans-serif; fill: #222 } .grid { stroke: #ccc }"
    " .page { stroke: #1565c0 } .reconcile { stroke: #b3590f } .backup { stroke: #2e7d32 }"
    " polyline { fill: none; stroke-width: 2.5 } .paper { fill: #fff }"
    " @media (prefers-color-scheme: dark) { text { fill: #e4e4e4 } .grid { stroke: #444 }"
    " .paper { fill: #161616 } .page { stroke: #6db3ff } .reconcile { stroke: #ffb066 }"
    " .backup { stroke: #7ed685 } }"
)


def plot(schools: Sequence[Figures]) -> str:
    """Milliseconds against residents, both by powers of ten."""
    lines = {
        "page": [school.page_ms for school in schools],
        "reconcile": [school.reconcile_ms for school in schools],
        "backup": [school.backup_ms for school in schools],
    }
    sizes = [school.residents for school in schools]
    highest = math.ceil(math.log10(max(max(values) for values in lines.values())))

    def x(residents: float) -> float:
        share = math.log10(residents / sizes[0]) / math.log10(sizes[-1] / sizes[0])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(ms: float) -> float:
        return HEIGHT - BOTTOM - math.log10(ms) / highest * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        "<title>Milliseconds of a page, a reconcile and a backup by residents</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text x="{LEFT}" y="18">milliseconds of one processor; {USUAL} lines a resident</text>',
    ]
    for power in range(highest + 1):
        at = y(10**power)
        parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="10" y="{at + 4:.1f}">{10**power:,}</text>')
    for residents in sizes:
        at, foot = x(residents), HEIGHT - BOTTOM + 22
        label = f"{residents:,}"
        parts.append(f'<text x="{at:.1f}" y="{foot}" text-anchor="middle">{label}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 8}">residents</text>')
    for name, values in lines.items():
        points = [f"{x(size):.1f},{y(ms):.1f}" for size, ms in zip(sizes, values, strict=True)]
        parts.append(f'<polyline class="{name}" points="{" ".join(points)}"/>')
        at = y(values[-1]) + 4
        # A slope just below 0 would be written as -0.00.
        grows = max(0.0, exponent(sizes, values))
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{at:.1f}">{name}, n^{grows:.2f}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Measure all schools."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "files").mkdir()
        files = Files(folder / "files")
        by_size: list[Figures] = []
        for residents in RESIDENTS:
            school = found(files, folder / f"r{residents}", residents, USUAL)
            by_size.append(measured(school, residents, USUAL))
        by_history: list[Figures] = []
        for lines in HISTORIES:
            school = found(files, folder / f"h{lines}", FEW, lines)
            by_history.append(measured(school, FEW, lines))
        pages_a_second = rates(school)
    tell(by_size, by_history, pages_a_second)


def tell(
    by_size: Sequence[Figures], by_history: Sequence[Figures], pages_a_second: dict[int, float]
) -> None:
    """Write the plot and the figures, print exponents."""
    for title, schools in (("residents", by_size), ("history", by_history)):
        sizes = [school.entries for school in schools]
        for field in ("page_ms", "reconcile_ms", "backup_ms", "mib"):
            values = [getattr(school, field) for school in schools]
            print(f"{title}: {field} grows with exponent {exponent(sizes, values):.2f}")
    print(f"pages a second by visitors at once: {pages_a_second}")
    PLOT.write_text(plot(by_size), encoding="utf-8")
    TABLE.parent.mkdir(exist_ok=True)
    rows = [asdict(school) for school in (*by_size, *by_history)]
    content = {"schools": rows, "pages_a_second": pages_a_second}
    TABLE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
