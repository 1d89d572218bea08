"""A reader without any right to write reads the database while somebody holds it open."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coinsync import config
from coinsync.core.facts import Presence, Resident
from coinsync.core.plan import Put
from coinsync.errors import UsageError
from coinsync.store.database import Readers, create
from coinsync.store.operations.backup import hold_open
from coinsync.store.reader import Reader
from tests.support.other_user import as_reader, shared_folder
from tests.support.webview_client import record


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a school's configuration and database, readable by another user."""
    with shared_folder() as folder:
        text = config.example({"database.url": "sqlite:///coins.db"})
        (folder / "config.toml").write_text(text, encoding="utf-8")
        create(_url(folder))
        yield folder


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'coins.db'}"


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command that keeps the file open, killed at the end."""
    words = ["--config", str(folder / "config.toml"), "db", "hold"]
    with subprocess.Popen([sys.executable, "-m", "cli", *words]) as process:
        deadline = time.monotonic() + 30
        while not (folder / "coins.db-shm").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        try:
            yield process
        finally:
            process.kill()


def add_resident(folder: Path, number: int) -> None:
    """Record one more resident."""
    record(_url(folder), [Put(Resident(number, "Рита", Presence.CLIENT, (1,)))])


def residents(folder: Path) -> object:
    """Numbers of residents that a reader sees who may write nothing."""

    def read() -> list[int]:
        with Readers(_url(folder), wait_seconds=5.0).visit() as database:
            return sorted(resident.id for resident in Reader(database).all(Resident))

    return as_reader(folder, read)


def test_without_a_holder_it_cannot_be_read(folder: Path) -> None:
    """This is why there is one: SQLite cannot make the files that it needs."""
    assert "DatabaseUn" in str(residents(folder))


def test_a_reader_sees_every_commit(folder: Path) -> None:
    """Whoever else writes, and whether the holder lives on or was killed."""
    with held(folder):
        assert residents(folder) == []
        add_resident(folder, 101)
        assert residents(folder) == [101]
        add_resident(folder, 102)
        assert residents(folder) == [101, 102]
    assert residents(folder) == [101, 102]


def test_a_reader_can_change_nothing(folder: Path) -> None:
    """Neither the files that are there nor the folder, whatever code runs in it."""
    with held(folder):
        names = sorted(path.name for path in folder.iterdir())

        def attempts() -> list[str]:
            refused = []
            for name in names:
                for flags in (os.O_WRONLY, os.O_RDWR):
                    try:
                        os.close(os.open(folder / name, flags))
                    except PermissionError:
                        refused.append(name)
            try:
                (folder / "coins.db").rename(folder / "away.db")
            except PermissionError:
                refused.append("rename")
            return refused

        expected = [*sorted([*names, *names]), "rename"]
        assert as_reader(folder, attempts) == expected
    assert {"coins.db", "coins.db-shm", "coins.db-wal"} <= set(names)


def test_another_file_in_its_place_is_held_too(folder: Path) -> None:
    """As after a backup was put back."""
    with held(folder):
        other = folder / "other.db"
        create(f"sqlite:///{other}")
        for suffix in ("-wal", "-shm"):
            (folder / f"coins.db{suffix}").unlink()
        other.rename(folder / "coins.db")
        deadline = time.monotonic() + 30
        while not (folder / "coins.db-shm").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert residents(folder) == []


def test_a_server_needs_none(folder: Path) -> None:
    """It keeps its files itself."""
    with pytest.raises(UsageError, match="only a database in a file"):
        hold_open("mysql://coinsync@localhost/coinsync", time.sleep)
