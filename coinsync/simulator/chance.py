"""Repeatable chance: every draw is named, so one draw never shifts another."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from heapq import nsmallest
from typing import TypeVar

T = TypeVar("T")

_WIDTH = 7
_LIMIT = float(256**_WIDTH)


class Chance:
    """Draws that depend on the seed and on what they are about, and on nothing else.

    A sequential generator would hand every later lesson another fate as soon as a person adds
    one pupil by hand.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def share(self, *about: object) -> float:
        """A number from 0 up to, but without, 1."""
        text = ":".join(str(part) for part in (self._seed, *about))
        digest = blake2b(text.encode(), digest_size=_WIDTH).digest()
        return int.from_bytes(digest, "big") / _LIMIT

    def happens(self, probability: float, *about: object) -> bool:
        """True in that share of all cases."""
        return self.share(*about) < probability

    def between(self, low: int, high: int, *about: object) -> int:
        """A whole number, both ends included."""
        return low + int(self.share(*about) * (high - low + 1))

    def pick(self, choices: Sequence[T], *about: object) -> T:
        """One of the choices."""
        return choices[int(self.share(*about) * len(choices))]

    def some(
        self, candidates: Iterable[T], count: int, name: Callable[[T], object], *about: object
    ) -> list[T]:
        """A few of the candidates; others, more or fewer, do not change who is drawn first."""
        return nsmallest(count, candidates, key=lambda item: self.share(*about, name(item)))
