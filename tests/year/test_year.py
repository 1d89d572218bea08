"""A year of nights leaves the ledger as it must be; ``make year`` lets it be a whole one."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from coinsync.core import ledger, rules
from coinsync.core.planning import lessons as planner
from coinsync.errors import CoinsyncError
from coinsync.store import writer
from tests.support import engines
from tests.support.school import FastClock, Installation, a_school, listening, open_installation
from tests.year.year import CONFIG, Year

ENGINES = engines.BOTH
#: The nights of the suite.
NIGHTS = 25
SEED = 7


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Installation]:
    """A small school with its CRM, before the first sync; nobody waits for anything."""
    with listening(a_school(residents=16, days=21)) as simulator:
        installation = open_installation(tmp_path, simulator, **CONFIG)
        clock = FastClock()
        installation.sleep, installation.monotonic = clock.sleep, clock.monotonic
        yield installation


def test_some_nights(school: Installation) -> None:
    """The same ones each time."""
    Year(school, SEED).live(NIGHTS)


def nothing(*_anything: Any) -> None:
    """What a part does that somebody forgot."""


NUMBERS = count(1)

#: Bugs as somebody might make them: what stands in the place of what.
BUGS: dict[str, tuple[Any, str, Any]] = {
    "a reversal is forgotten": (planner._Draft, "lose", nothing),
    "a key is another one each time": (ledger, "desk_key", lambda _id: f"desk:{next(NUMBERS)}"),
    "whoever was absent is paid": (rules, "_MARK_REASONS", {}),
    "half of a plan is kept": (writer, "_roll_back", lambda database: database.commit()),
}


@pytest.mark.sqlite
@pytest.mark.long
@pytest.mark.parametrize("bug", BUGS)
def test_the_nights_find(bug: str, school: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that somebody might make does not survive them."""
    monkeypatch.setattr(*BUGS[bug])
    with pytest.raises((AssertionError, CoinsyncError)):
        Year(school, SEED).live(NIGHTS)


@pytest.mark.year
def test_a_whole_year(school: Installation, pytestconfig: pytest.Config) -> None:
    """With --nights so many; the seed is printed and repeats them."""
    nights, seed = pytestconfig.getoption("--nights"), pytestconfig.getoption("--year-seed")
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    sys.stdout.write(f"NIGHTS={nights} SEED={seed}\n")
    sys.stdout.flush()
    Year(school, seed).live(nights)
