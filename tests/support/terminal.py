"""A terminal for a test: the real program in a process of its own, a person's answers, and no wait
without an end.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.school import Installation

SECONDS_MAX = 40.0
QUESTION = "[y/N]: "
ENTER, END_OF_INPUT, INTERRUPT = "\n", "\x04", "\x03"
#: No key: closes the terminal, as a lost connection does.
HANG_UP = "\0"

#: A process that leads a session gets the first terminal that it opens; only then do its keys send
#: signals.
_PROGRAM = "import os; os.close(os.open(os.ttyname(0), os.O_RDWR)); import cli; cli.run()"
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[^\[])")


@dataclass(frozen=True, slots=True)
class Shown:
    """What stood on the terminal in the end, and the exit code; negative is the signal that ended
    the program.
    """

    code: int
    raw: str

    @property
    def text(self) -> str:
        """What could be read, without colours."""
        return _ESCAPE.sub("", self.raw)


def in_terminal(
    installation: Installation,
    *words: str,
    answer: str | None = None,
    answers: Sequence[tuple[str, str]] = (),
    columns: int = 80,
    environ: Mapping[str, str] | None = None,
    out: Path | None = None,
    errors_too: bool = False,
) -> Shown:
    """Run a command line in a terminal and give ``answer`` as soon as the question stands there.

    ``answers`` are given one after another, each when the text that it is paired with stands there.
    After an answer that ends in ``HANG_UP`` the terminal is closed at once. Where ``out`` is given,
    the program's output goes there, and ``errors_too`` takes the other stream along.
    """
    script = [*answers] if answer is None else [(QUESTION, answer)]
    ours, theirs = pty.openpty()
    output = theirs if out is None else os.open(out, os.O_WRONLY | os.O_CREAT)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, "--config", str(installation.config), *words],
        stdin=theirs,
        stdout=output,
        stderr=output if errors_too else theirs,
        start_new_session=True,
        env={"TERM": "xterm-256color", **installation.environ, **(environ or {})},
    )
    for descriptor in {theirs, output}:
        os.close(descriptor)
    try:
        raw = _talk(ours, script)
        return Shown(program.wait(SECONDS_MAX), raw)
    finally:
        program.kill()
        program.wait()


def _talk(terminal: int, answers: Sequence[tuple[str, str]]) -> str:
    """Read until the program closes the terminal, or until it is hung up on; the terminal is closed
    in the end.
    """
    shown, end, waiting = b"", time.monotonic() + SECONDS_MAX, [*answers]
    read_from = 0
    try:
        while time.monotonic() < end:
            ready, _, _ = select.select([terminal], [], [], 0.5)
            if not ready:
                is_interrupted = bool(answers) and not waiting and answers[-1][1] == INTERRUPT
                if is_interrupted and b"interrupted" not in shown:
                    # An interrupt just before the program waits for a key is seen with the next
                    # one. A program that has said so is on its way out.
                    os.write(terminal, INTERRUPT.encode())
                continue
            try:
                part = os.read(terminal, 65536)
            except OSError:  # Nobody holds the other side any more.
                part = b""
            if not part:
                return _lines(shown)
            shown += part
            if waiting and waiting[0][0].encode() in shown[read_from:]:
                answer = waiting.pop(0)[1]
                read_from = len(shown)
                os.write(terminal, answer.removesuffix(HANG_UP).encode())
                if answer.endswith(HANG_UP):
                    return _lines(shown)
        raise AssertionError(f"the program goes on for more than {SECONDS_MAX} s: {shown[-500:]!r}")
    finally:
        os.close(terminal)


def _lines(shown: bytes) -> str:
    return shown.decode().replace("\r\n", "\n")
