"""Fixtures that several files share."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.house import House, a_school, listening, open_house

settings.register_profile("house", derandomize=True, deadline=None, database=None)
settings.load_profile("house")

_SCHOOL = pickle.dumps(a_school())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A furnished house with its CRM, before the first sync."""
    with listening(pickle.loads(_SCHOOL)) as simulator:
        yield open_house(tmp_path, simulator)


@pytest.fixture
def synced(house: House) -> House:
    """A house after its first sync."""
    said = house.run("sync")
    assert said.code == 0, said.err
    return house
