"""What a check says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from coinsync.errors import CoinsyncError

OK, WARN, FAIL = "ok", "warn", "FAIL"


class Diagnosis(NamedTuple):
    """What is so: ``ok``, ``warn`` (it works, and could be better) or ``FAIL``, and what to do."""

    state: str
    said: str
    advice: str = ""


def ok(said: str) -> Diagnosis:
    """Something is as it should be."""
    return Diagnosis(OK, said)


def warn(said: str, advice: str) -> Diagnosis:
    """Something works, and could be better."""
    return Diagnosis(WARN, said, advice)


def fail(said: str, advice: str) -> Diagnosis:
    """Something must be mended."""
    return Diagnosis(FAIL, said, advice)


def failed(error: CoinsyncError) -> Diagnosis:
    """An error that a command would end with."""
    return fail(error.message.splitlines()[0], error.advice)


def judged(state: str, problems: Sequence[str], fine: str, advice: str) -> Iterator[Diagnosis]:
    """A line for each problem, or what is fine."""
    for problem in problems:
        yield Diagnosis(state, problem, advice)
    if not problems:
        yield ok(fine)
