"""Connections that stay open between visits: which are used again, and what a visit sees."""

from __future__ import annotations

import gc
import shutil
import sqlite3
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from coinsync.core.facts import Link, LinkSource, Presence, Resident
from coinsync.core.plan import Put
from coinsync.errors import DatabaseUnusable
from coinsync.store.database import Readers, create
from coinsync.store.engines.sqlite import path_of
from coinsync.store.reader import Reader
from tests.support.makers import new_database
from tests.support.webview_client import record


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database where nobody is linked to anybody."""
    return new_database(tmp_path)


def link(url: str, vk: int) -> None:
    """Link an account to a resident of the same number."""
    record(
        url, [Put(Resident(vk, "Рита", Presence.CLIENT, (1,))), Put(Link(vk, vk, LinkSource.DESK))]
    )


def linked(readers: Readers) -> list[int]:
    """Accounts that a visit sees."""
    with readers.visit() as database:
        return sorted(one.vk for one in Reader(database).links())


def connections(readers: Readers, visits: int = 4) -> int:
    """How many connections so many visits use, one after the other."""
    found = set()
    for _ in range(visits):
        with readers.visit() as database:
            found.add(database.connection())
    return len(found)


def test_a_connection_is_used_again_and_sees_what_was_written_meanwhile(url: str) -> None:
    """Each visit sees the ledger as it is then."""
    readers = Readers(url, wait_seconds=1)
    assert linked(readers) == []
    link(url, 501)
    assert linked(readers) == [501]
    assert connections(readers) == 1


def test_a_visit_sees_one_moment_and_cannot_write(url: str) -> None:
    """Whatever is written while it lasts."""
    with Readers(url, wait_seconds=1).visit() as database:
        assert not Reader(database).links()
        link(url, 501)
        assert not Reader(database).links()
        with pytest.raises(Exception, match="readonly"):
            database.execute_sql("DELETE FROM resident")


def test_visits_at_once_have_connections_of_their_own(url: str) -> None:
    """Also when a connection was opened in another thread."""
    readers = Readers(url, wait_seconds=1)
    with ExitStack() as stack:
        opened = {stack.enter_context(readers.visit()).connection() for _ in range(3)}
    assert len(opened) == 3
    seen: list[list[int]] = []
    threads = [threading.Thread(target=lambda: seen.append(linked(readers))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[], [], []]


def test_a_connection_is_closed_after_an_error(url: str) -> None:
    """Nothing is known of the state that an error left."""
    readers = Readers(url, wait_seconds=1)
    with pytest.raises(RuntimeError), readers.visit() as database:
        raise RuntimeError
    assert database.is_closed()
    assert linked(readers) == []


def test_a_pool_that_is_forgotten_leaves_nothing_open(url: str) -> None:
    """Nobody has to close it."""
    readers = Readers(url, wait_seconds=1)
    with readers.visit() as database:
        pass
    assert not database.is_closed()
    del readers
    gc.collect()
    assert database.is_closed()


@pytest.mark.parametrize("way", ["moved", "copied"])
def test_a_restored_backup_is_seen_by_the_next_visit(way: str, url: str, tmp_path: Path) -> None:
    """Put in the place of the old file or written over it; the files beside it are removed."""
    backup, path = tmp_path / "backup.db", path_of(url)
    create(f"sqlite:///{backup}")
    link(f"sqlite:///{backup}", 502)
    readers = Readers(url, wait_seconds=1)
    link(url, 501)
    assert linked(readers) == [501]
    assert not Path(f"{backup}-wal").exists()
    backup.replace(path) if way == "moved" else shutil.copyfile(backup, path)
    for beside in ("-wal", "-shm"):
        Path(f"{path}{beside}").unlink()
    assert linked(readers) == [502]
    link(url, 503)
    assert linked(readers) == [502, 503]
    assert connections(readers) == 1


def test_a_schema_that_changes_between_visits_is_refused(url: str) -> None:
    """A program that is older than the database stops reading it at once."""
    readers = Readers(url, wait_seconds=1)
    assert linked(readers) == []
    with closing(sqlite3.connect(path_of(url))) as other, other:
        other.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '')")
    with pytest.raises(DatabaseUnusable, match="newer than this program"):
        linked(readers)


def test_a_database_that_is_gone_is_not_made(url: str) -> None:
    """Not by a visit."""
    readers = Readers(url, wait_seconds=1)
    assert linked(readers) == []
    path_of(url).unlink()
    with pytest.raises(DatabaseUnusable, match="does not exist"):
        linked(readers)
