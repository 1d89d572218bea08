"""The real command line with a weak heart: it dies by SIGKILL at the k-th pass of a probe.

Usage: ``python -m tests.support.dying FILE WORDS…``. For each number K on a line of its input it
runs ``WORDS`` in a process of its own, which dies at pass K (from 1); 0 writes the names of all
passes to FILE. It answers with the number of that process and, when that has ended, with its exit
code; a negative one is a signal. Processes are forked from one that has loaded the program: loading
takes longer than running, and a moment of dying is to fall into the run.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import cli
import coinsync


def main(file: Path, words: list[str]) -> None:
    """Run ``words`` as often as somebody asks for it."""
    load()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            # No way back into the loop of the parent, whatever happens here.
            os._exit(run(file, int(line), words))
        say(child)
        _, status = os.waitpid(child, 0)
        say(os.waitstatus_to_exitcode(status))


def load() -> None:
    """Load the whole program, so that no child spends its time on that."""
    for module in pkgutil.walk_packages(coinsync.__path__, "coinsync."):
        importlib.import_module(module.name)


def say(number: int) -> None:
    """Answer with a number on a line of its own."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def run(file: Path, at: int, words: list[str]) -> int:
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
    main(Path(sys.argv[1]), sys.argv[2:])
