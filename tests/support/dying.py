"""The real command line with a weak heart: it dies by SIGKILL at the k-th pass of a probe, or only lists the probes.

Usage: ``python -m tests.support.dying FILE K WORDS…``: pass number K (from 1) kills; 0 writes the names of all passes to FILE.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import cli


def main(file: Path, at: int, words: list[str]) -> int:
    """Run ``words`` and die at the given pass."""
    passed: list[str] = []

    def probe(name: str) -> None:
        passed.append(name)
        if len(passed) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    environment = replace(cli.environment({"USER": "anna"}), probe=probe)
    code = cli.main(words, environment)
    file.write_text("\n".join(passed), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
