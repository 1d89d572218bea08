"""`python -m bench` measures all lines, `python -m bench 3 14` those of these numbers."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from pathlib import Path

import cli
from bench import pairs

#: Which lines each module measures; one that shares a module with others brings them along.
MODULES = {
    "night": (1, 2),
    "ledger": (3,),
    "quiet": (4,),
    "memory": (5,),
    "crowd": (6, 8),
    "web": (7, 9, 10),
    "paint": (11, 12),
    "startup": (13,),
    "proof": (14,),
    "shop": (15,),
}
TABLE = Path("build/bench.json")


def main() -> None:
    """Measure, and write the table as JSON."""
    # As the program itself does it when it starts.
    gc.set_threshold(cli.GARBAGE_THRESHOLD)
    wanted = {int(number) for number in sys.argv[1:]}
    for name, numbers in MODULES.items():
        if not wanted or wanted.intersection(numbers):
            import_module(f"bench.{name}").main()
    pairs.write(TABLE)


if __name__ == "__main__":
    main()
