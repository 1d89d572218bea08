"""Fixtures that several files share."""

from __future__ import annotations

import pickle
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import settings

from tests.support import engines
from tests.support.engines import Schools
from tests.support.mariadb import MEMORY, Server, memory_has_room
from tests.support.mariadb import database_url as database_url
from tests.support.mariadb import mariadb as mariadb
from tests.support.mariadb import mariadb_template as mariadb_template
from tests.support.school import (
    Installation,
    a_school,
    copy_installation,
    listening,
    open_installation,
)

settings.register_profile("installation", derandomize=True, deadline=None, database=None)
settings.load_profile("installation")

_SCHOOL = pickle.dumps(a_school())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Knobs of ``make soak`` and ``make year``; without them the same few lives and nights pass."""
    parser.addoption(
        "--lives",
        type=int,
        default=0,
        help="how often the machine of test_machine.py lives, at random",
    )
    parser.addoption(
        "--lives-seed", type=int, default=None, help="repeat the lives of a seed that was printed"
    )
    parser.addoption(
        "--nights", type=int, default=365, help="how many nights the year of tests/year has"
    )
    parser.addoption(
        "--year-seed", type=int, default=None, help="repeat the year of a seed that was printed"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Words that tests of both engines are marked with, and where all files lie."""
    if not config.option.basetemp and memory_has_room():
        # Each of thousands of commits would wait for the disk. ``--basetemp`` keeps the files.
        folder = mkdtemp(prefix="coinsync-tests-", dir=MEMORY)
        config.option.basetemp = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    config.addinivalue_line(
        "markers", "sqlite: is about files, what SQLite says, or no engine at all: runs on it alone"
    )
    # A shell starts what runs in its background without Ctrl-C, and programs inherit that: whoever
    # tests Ctrl-C on a program would wait in vain for its end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The same with ``nohup`` and the end of a session.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A suite that names ``ENGINES`` runs on each of them."""
    named = getattr(metafunc.module, "ENGINES", ())
    if named and not any(metafunc.definition.iter_markers("sqlite")):
        metafunc.parametrize("engine", named, indirect=True, scope="module")


@pytest.fixture(scope="session")
def schools(mariadb_template: Path) -> Iterator[Schools]:
    """A server that is fast because nothing of it needs to outlive the tests, with databases to
    take from it.
    """
    folder = Path(mkdtemp(prefix="coinsync-", dir=MEMORY if memory_has_room() else None))
    hasty = (
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-flush-method=nosync",
        "--innodb-doublewrite=OFF",
        # A database is made twice as fast where its tables are no files of their own.
        "--innodb-file-per-table=OFF",
    )
    try:
        with Server(folder / "server", *hasty, source=mariadb_template) as server:
            yield Schools(server)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module", autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where databases are made: in files, unless the suite runs on both engines and it is the
    other's turn.
    """
    kind = getattr(request, "param", "sqlite")
    with engines.using(request.getfixturevalue("schools") if kind == "mariadb" else None):
        yield


@pytest.fixture(autouse=True)
def _tidy(engine: None) -> Iterator[None]:
    """What a test has made is not kept longer than the test."""
    with engines.tidied():
        yield


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """An installation with its CRM, before the first sync."""
    with listening(pickle.loads(_SCHOOL)) as simulator:
        yield open_installation(tmp_path, simulator)


@pytest.fixture(scope="session")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation after its first sync, for copies."""
    folder = tmp_path_factory.mktemp("master")
    with engines.using(None), listening(pickle.loads(_SCHOOL)) as simulator:
        open_installation(folder, simulator).ok("sync", "--quiet")
    return folder


@pytest.fixture
def desk(tmp_path: Path, master: Path) -> Installation:
    """An installation after its first sync, without its CRM: enough for work by hand."""
    return copy_installation(master, tmp_path)


@pytest.fixture
def open_desk(tmp_path: Path, master: Path) -> Iterator[Installation]:
    """An installation after its first sync, with its CRM, sooner than by syncing."""
    with listening(pickle.loads(_SCHOOL)) as simulator:
        yield copy_installation(master, tmp_path, simulator)


@pytest.fixture
def synced(open_desk: Installation) -> Installation:
    """An installation after its first sync."""
    return open_desk
