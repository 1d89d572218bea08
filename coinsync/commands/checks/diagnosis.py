"""What a check says of one thing."""

from __future__ import annotations

from dataclasses import dataclass

from coinsync.errors import CoinsyncError

OK, WARN, FAIL = "ok", "warn", "FAIL"


@dataclass(frozen=True)
class Diagnosis:
    """One thing: ``ok``, ``warn`` (it works, and could be better) or ``FAIL``, and what to do."""

    look: str
    state: str
    said: str
    advice: str = ""


def failed(look: str, error: CoinsyncError, state: str = FAIL) -> Diagnosis:
    """What an error says, as a line of the doctor."""
    return Diagnosis(look, state, error.message.splitlines()[0], error.advice)
