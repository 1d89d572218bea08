"""Migrations build the schema of the models, and a database of another age is refused."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
from peewee import SqliteDatabase

from coinsync.errors import DatabaseUnusable
from coinsync.store import database as opening
from coinsync.store.models import MODELS
from tests.store.later_schema import LATER, later_schema
from tests.support.makers import dump, new_database, newcomers, put_in, reading, writing


def described(path: Path) -> dict[str, Any]:
    """Columns, indexes and references of every table of ours, as SQLite itself tells them."""
    with closing(sqlite3.connect(path)) as connection:
        return {
            name: {
                "columns": connection.execute(f"PRAGMA table_xinfo({name})").fetchall(),
                "indexes": sorted(_indexes(connection, name)),
                "references": sorted(
                    row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({name})")
                ),
                "checks": sql.lower().count("check"),
            }
            for name, sql in connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
            )
            if name != opening.HISTORY
        }


def _indexes(connection: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    for _, name, unique, origin, is_partial in connection.execute(
        f"PRAGMA index_list({table})"
    ).fetchall():
        columns = [row[2:5] for row in connection.execute(f"PRAGMA index_xinfo({name})") if row[5]]
        yield (unique, origin, is_partial, tuple(columns))


def modelled(path: Path) -> Path:
    """A database whose tables are made from the models."""
    database = SqliteDatabase(str(path))
    with (
        database.connection_context(),
        database.bind_ctx(MODELS, bind_refs=False, bind_backrefs=False),
    ):
        database.create_tables(MODELS)
    return path


def test_the_migrated_schema_is_the_modelled_one(tmp_path: Path) -> None:
    """Columns, types, nullability, keys, indexes, references and checks are the same."""
    migrated = opening.path_of(new_database(tmp_path))
    assert described(migrated) == described(modelled(tmp_path / "models.db"))


def test_the_description_sees_a_difference(tmp_path: Path) -> None:
    """The comparison above would notice a column, an index or a reference that is missing."""
    path = modelled(tmp_path / "models.db")
    before = described(path)
    seen = [before]
    for change in (
        "ALTER TABLE run ADD COLUMN more INTEGER",
        "CREATE INDEX more ON run (actor)",
        "DROP TABLE hold",
    ):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(change)
        seen.append(described(path))
    assert all(one != other for one, other in pairwise(seen))


def test_a_new_database_has_every_step_and_an_empty_ledger(tmp_path: Path) -> None:
    """The first thing in it is the one row that every writer changes first."""
    url = new_database(tmp_path)
    with writing(url) as database:
        assert opening.applied_steps(database) == opening.schema_steps()
    with reading(url) as reader:
        head = reader.head()
        assert (head.n, head.runs, head.account) == (0, 0, "")


def test_creating_again_changes_nothing(tmp_path: Path) -> None:
    """The second time there is nothing to create, and what was recorded stays."""
    url = f"sqlite:///{tmp_path}/deep/in/coins.db"
    assert opening.create(url) is True
    put_in(url, newcomers())
    before = dump(url)
    assert opening.create(url) is False
    assert opening.migrate(url) == ()
    assert dump(url) == before


def test_a_created_database_can_be_shared_with_a_group(tmp_path: Path) -> None:
    """The file is writable by owner and group and hidden from everybody else."""
    url = f"sqlite:///{tmp_path}/coins.db"
    opening.create(url)
    assert (tmp_path / "coins.db").stat().st_mode & 0o777 == 0o640


def _edit_history(url: str, sql: str) -> None:
    with closing(sqlite3.connect(opening.path_of(url))) as connection, connection:
        connection.execute(sql)


def test_a_newer_schema_is_refused_by_every_way_of_opening(tmp_path: Path) -> None:
    """A database that a later program has migrated is left alone."""
    url = new_database(tmp_path)
    _edit_history(
        url,
        "INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2027-01-01 00:00:00')",
    )
    for way_in in (opening.open_writable, opening.migrate, opening.create, _read):
        with pytest.raises(
            DatabaseUnusable, match="9999_later is newer than this program"
        ) as caught:
            way_in(url)
        assert caught.value.exit_code == 2
        assert "Update coinsync" in caught.value.advice


def test_an_older_schema_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    """Neither reading nor writing goes on before the missing step is taken, and then both do."""
    url = new_database(tmp_path)
    _edit_history(url, f"DELETE FROM schema_migration WHERE name = '{opening.schema_steps()[-1]}'")
    for way_in in (opening.open_writable, _read):
        with pytest.raises(
            DatabaseUnusable, match=f"schema {opening.schema_steps()[-1]} is missing"
        ) as caught:
            way_in(url)
        assert caught.value.exit_code == 2
        assert "coinsync db migrate" in caught.value.advice
    assert opening.migrate(url) == opening.schema_steps()[-1:]
    _read(url)


def _read(url: str) -> None:
    with reading(url) as reader:
        reader.head()


def test_an_empty_file_is_an_older_schema(tmp_path: Path) -> None:
    """A database without any table has had no step yet."""
    (tmp_path / "coins.db").touch()
    url = f"sqlite:///{tmp_path}/coins.db"
    with pytest.raises(DatabaseUnusable, match="is empty"):
        opening.open_writable(url)
    assert opening.migrate(url) == opening.schema_steps()


# --- killed ---------------------------------------------------------------------------------------


def _die_at(at: int, work: Callable[[], object]) -> bool:
    """Work in a child that is killed before a statement; tell whether it came so far."""
    child = os.fork()
    if child == 0:
        numbers = count(1)
        connect = sqlite3.connect

        def die(_sql: str) -> None:
            if next(numbers) == at:
                os.kill(os.getpid(), signal.SIGKILL)

        def traced(*values: Any, **names: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*values, **names)
            connection.set_trace_callback(die)
            return connection

        sqlite3.connect = traced  # type: ignore[assignment]
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.long
def test_a_creation_that_is_killed_leaves_nothing_or_the_whole_schema(tmp_path: Path) -> None:
    """Whichever statement is the last one; the next attempt ends with the whole schema."""
    whole = described(opening.path_of(new_database(tmp_path, "whole.db")))
    deaths = 0
    for at in count(1):
        path = tmp_path / f"{at}.db"
        url = f"sqlite:///{path}"
        if not _die_at(at, partial(opening.create, url)):
            break
        deaths += 1
        assert described(path) in ({}, whole)
        opening.create(url)
        assert described(path) == whole
        with writing(url) as database:
            assert opening.applied_steps(database) == opening.schema_steps()
    assert deaths > 20


def test_an_upgrade_that_is_killed_leaves_the_old_or_the_new_schema(tmp_path: Path) -> None:
    """Whichever statement is the last one; the next attempt ends with the new schema."""
    later = later_schema(tmp_path)
    before = new_database(tmp_path)
    old = described(opening.path_of(before))
    upgraded = new_database(tmp_path, "upgraded.db")
    opening.migrate(upgraded, migrations=later)
    new = described(opening.path_of(upgraded))
    assert old != new
    deaths = 0
    for at in count(1):
        url = new_database(tmp_path, f"{at}.db")
        path = opening.path_of(url)
        if not _die_at(at, partial(opening.migrate, url, migrations=later)):
            break
        deaths += 1
        assert described(path) in (old, new)
        steps = opening.migrate(url, migrations=later)
        assert steps in ((), (LATER,))
        assert described(path) == new
    assert deaths > 5
