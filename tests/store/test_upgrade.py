"""An upgrade: a database with content gets a schema that follows, on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from coinsync.core.facts import Branch
from coinsync.core.plan import Post, Put
from coinsync.errors import DatabaseUnusable
from coinsync.store import database as opening
from tests.store.later_schema import LATER, later_schema
from tests.support import engines
from tests.support.makers import a_credit, a_plan, new_database, newcomers, put_in

ENGINES = engines.BOTH


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database of today with some content."""
    url = new_database(tmp_path)
    coins = a_plan(Put(Branch(1, "Kazan")), Post(a_credit("win", note="first place")))
    put_in(url, newcomers(), coins)
    return url


def upgrade(url: str, migrations: Path) -> tuple[str, ...]:
    """Migrate as whoever owns the tables."""
    if not engines.on_sqlite(url):
        # The database is no longer one that the next test may have.
        with engines.tampering(url):
            pass
    return opening.migrate(engines.as_owner(url), migrations=migrations)


def test_an_upgrade_keeps_every_row(url: str, tmp_path: Path) -> None:
    """What is new has its default; upgrading again changes nothing."""
    later = later_schema(tmp_path)
    before = engines.tables(url)
    assert upgrade(url, later) == (LATER,)
    after = engines.tables(url)
    assert after.pop("branch") == [(*row, "red") for row in before.pop("branch")]
    assert after == before
    assert upgrade(url, later) == ()


def test_an_upgrade_that_died_between_two_statements_goes_on(url: str, tmp_path: Path) -> None:
    """MySQL commits at each of them: what was done already is not done twice."""
    with engines.tampering(url) as connection:
        kind = "VARCHAR(40) DEFAULT 'red' NOT NULL"
        connection.execute(f"ALTER TABLE branch ADD COLUMN colour {kind}")
    assert upgrade(url, later_schema(tmp_path)) == (LATER,)
    assert engines.tables(url)["branch"] == [(1, "Kazan", "red")]


def test_the_program_of_today_refuses_an_upgraded_database(url: str, tmp_path: Path) -> None:
    """It says which program is needed, for writing and for migrating."""
    upgrade(url, later_schema(tmp_path))
    for way_in in (opening.open_writable, opening.migrate):
        with pytest.raises(DatabaseUnusable, match=f"{LATER} is newer than this program"):
            way_in(engines.as_owner(url))
