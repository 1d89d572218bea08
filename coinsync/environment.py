"""What the program finds around it: variables, clocks, pauses and chance, all as arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

Probe = Callable[[str], None]
#: Told what is being read, how many rows are in, and how many there will be (0: not known).
Progress = Callable[[str, int, int], None]


def no_probe(_step: str) -> None:
    """The probe of every day: it does nothing."""


def no_progress(_what: str, _done: int, _expected: int) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Variables, clocks, pauses, chance, and the words that the program was called with.

    ``now`` is aware and in UTC, ``monotonic`` and ``sleep`` are in seconds, ``fresh_text`` is 32
    hexadecimal digits that nobody has seen before, ``chance`` lies from 0 up to 1, and ``program``
    is what to call for another command. ``probe`` is told each step of a write, so that a test can
    stop the program at any of them.
    """

    environ: Mapping[str, str]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    fresh_text: Callable[[], str]
    chance: Callable[[], float]
    program: str = "coinsync"
    words: tuple[str, ...] = ()
    probe: Probe = no_probe
