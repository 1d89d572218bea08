"""Peak memory of the program: a backfill of three years, and a night before and after it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from bench.night import TODAY, configure, simulator
from bench.pairs import limit
from bench.visitors import free_port
from coinsync.simulator import School
from tests.support.school import Installation, open_installation

RESIDENTS, YEARS = 300, 3
FIRST_DAY = date(TODAY.year - YEARS, TODAY.month, TODAY.day)
MIB_MAX, MIB_MORE_MAX = 150, 2
#: How a program begins that prints its own peak in KiB when it ends. What the system remembers of
#: an ended process would include the memory of the one that started it.
TELL_PEAK = """
import atexit, gc
import cli
def tell():
    with open("/proc/self/status") as file:
        print(file.read().partition("VmHWM:")[2].split()[0])
atexit.register(tell)
gc.set_threshold(cli.GARBAGE_THRESHOLD)
"""
PROGRAM = TELL_PEAK + "cli.run()"


def main() -> None:
    """Print the lines."""
    days = (TODAY - FIRST_DAY).days + 1
    school = School(seed=1, residents=RESIDENTS, days=days, today=TODAY, branches=1)
    with tempfile.TemporaryDirectory() as name:
        installation, port = open_installation(Path(name)), free_port()
        configure(installation, port, calls=1, per_second=1000)
        with simulator(school, port, 0, per_second=None):
            peak_mib(installation)
            before = peak_mib(installation)
            # A day more than there is, so that no window is the same as that of a night.
            backfill = peak_mib(installation, "--since", str(FIRST_DAY - timedelta(days=1)))
            after = peak_mib(installation)
    with_history = f"5 peak of a night after it ({after:.1f} MiB), more than before it"
    limit(f"5 peak memory of a backfill of {YEARS} years", backfill, "MiB", MIB_MAX)
    limit(with_history, max(0.0, after - before), "MiB", MIB_MORE_MAX)


def peak_mib(installation: Installation, *options: str) -> float:
    """The peak memory of one sync in a process of its own."""
    words = ["--config", str(installation.config), "sync", "--quiet", *options]
    program = [sys.executable, "-c", PROGRAM, *words]
    ended = subprocess.run(program, check=True, capture_output=True, text=True)
    return int(ended.stdout) / 1024


if __name__ == "__main__":
    main()
