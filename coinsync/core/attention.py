"""What waits for a person."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits; ``key`` changes when there is something new to tell about it."""

    key: str
    text: str
    command: str
