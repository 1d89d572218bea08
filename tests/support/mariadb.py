"""A MariaDB of the test's own: Debian's program over a data folder of its own, on loopback alone,
ended by its pid.

Nothing of the machine's configuration is read. The ledger's account may do everything in databases
whose names start with ``school`` and has no power over the server; ``execute`` speaks as the
server's root.
"""

from __future__ import annotations

import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from os import geteuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import pymysql
import pytest

HOST = "127.0.0.1"
USER, PASSWORD = "coinsync", "of-the-ledger/?#@:"
SECONDS_MAX = 60.0
LOG_LINES = 25
#: A server takes some 50 MiB, a cluster three times as much and more, files of tests some hundred.
FREE_MIN = 2 << 30
MEMORY = Path("/dev/shm")

#: Below the ports that the kernel gives to outgoing connections: nobody takes one while a server is
#: down.
_PORTS = range(15000, 32000)
_given: set[int] = set()
_PAUSE = 0.02
_FOLDERS = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
_SMALL = (
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=8M",
    "--performance-schema=OFF",
    "--open-files-limit=4096",
    "--table-open-cache=400",
    "--skip-name-resolve",
)
_ACCOUNT = f"""
FLUSH PRIVILEGES;
CREATE USER '{USER}'@'{HOST}' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON `school%`.* TO '{USER}'@'{HOST}';
"""

Row = tuple[Any, ...]


class Broken(AssertionError):
    """A server did not do what was asked of it; the message ends with the last lines of its log."""


def program(name: str, package: str = "mariadb-server") -> str:
    """Where a program is; without it nothing is skipped, the test fails and says what brings it."""
    found = shutil.which(name) or shutil.which(name, path=_FOLDERS)
    if found is None:
        raise Broken(
            f"{name} is not here; run: make programs   (Debian's package {package} brings it)"
        )
    return found


def install(folder: Path) -> Path:
    """Make the data folder of a new server, with the ledger's account in it."""
    me = ["--user=root"] if geteuid() == 0 else []
    with_tables = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    # A server that starts removes what others have in the same folder for temporary tables.
    with tempfile.TemporaryDirectory() as scratch:
        places = [f"--datadir={folder}", f"--tmpdir={scratch}"]
        common = ["--no-defaults", *me, *places, *_SMALL]
        _finish([program("mariadb-install-db"), *common, *with_tables], "")
        _finish([program("mariadbd"), *common, "--bootstrap"], _ACCOUNT)
    return folder


def template(shared: Path) -> Path:
    """A data folder to copy, made once in ``shared``; of several that make it at the same time the
    first one counts.
    """
    ready = shared / "mariadb-template"
    if not ready.is_dir():
        own = shared / f"mariadb-template-{random.SystemRandom().getrandbits(64):016x}"
        install(own)
        try:
            own.rename(ready)
        except OSError:
            if not ready.is_dir():
                raise
            shutil.rmtree(own)
    return ready


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now and that nobody here was given before."""
    found: list[int] = []
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        if port in _given:
            continue
        with closing(socket.socket()) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                one.bind((HOST, port))
                found.append(port)
        if len(found) == count:
            _given.update(found)
            return found
    raise Broken(f"no {count} free ports in {_PORTS.start}–{_PORTS.stop}")


def until(true: Callable[[], bool], what: str, seconds: float = SECONDS_MAX) -> None:
    """Wait for something to become true, and fail with ``what`` when it does not in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise Broken(f"not within {seconds:g} s: {what}")
        time.sleep(_PAUSE)


def memory_has_room() -> bool:
    """Whether files may lie in memory, where nobody waits for a disk."""
    return MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > FREE_MIN


@contextmanager
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for a server, in memory where that is possible, gone afterwards.

    A process that is killed loses nothing there that it would have kept on a disk.
    """
    folder = (
        Path(tempfile.mkdtemp(prefix="coinsync-", dir=MEMORY))
        if memory_has_room()
        else tmp_path_factory.mktemp("mariadb")
    )
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Server:
    """One server. ``with Server(folder) as server:`` starts it and leaves no process behind; its
    files stay.

    ``options`` go to the program as they are. ``data`` is the data folder when it is to be
    elsewhere (a small disk); ``source`` is an installed data folder to copy, without it one is
    made.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        data: Path | None = None,
        source: Path | None = None,
        binlog: bool = False,
    ) -> None:
        self.folder, self.options, self.binlog = folder, options, binlog
        self.data = data or folder / "data"
        self.log = folder / "error.log"
        (self.port,) = free_ports(1)
        self._source = source
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _at: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self.runs:
                self.stop()
        finally:
            self.kill()

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Number of the process."""
        assert self._process is not None, "the server was never started"
        return self._process.pid

    # --- coming and going -----------------------------------------------------------------------

    def start(self) -> None:
        """Start it, over the data that it had, and wait until it answers."""
        self.launch()
        self.wait_ready()

    def launch(self, *options: str) -> None:
        """Start the process, with further ``options`` for this time, and wait for nothing."""
        assert not self.runs, "the server runs already"
        self._dismiss_guard()
        self._install()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.words(), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        # Ends the server when this process ends without having done so: its end closes the guard's
        # input.
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", 'read _; kill -KILL "$1"', "sh", str(self._process.pid)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def words(self) -> list[str]:
        """The program and what it is started with."""
        return [
            program("mariadbd"),
            "--no-defaults",
            *(["--user=root"] if geteuid() == 0 else []),
            f"--datadir={self.data}",
            f"--tmpdir={self.folder}",
            f"--port={self.port}",
            f"--bind-address={HOST}",
            # Seen from the data folder: an address of a socket has room for a hundred characters.
            "--socket=socket",
            "--pid-file=pid",
            *(["--log-bin=binlog", "--server-id=1"] if self.binlog else ["--skip-log-bin"]),
            *_SMALL,
            *self.options,
        ]

    def wait_ready(self, seconds: float = SECONDS_MAX) -> None:
        """Wait until it answers; when it ends instead, say why."""

        def ready() -> bool:
            if not self.runs:
                raise Broken(
                    f"the server ended with {self._ended()} when it started:\n{self.last_words()}"
                )
            return self.answers()

        try:
            until(ready, "the server answers", seconds)
        except Broken as error:
            raise error if not self.runs else Broken(f"{error}\n{self.last_words()}") from None

    def answers(self) -> bool:
        """Whether somebody who connects gets an answer now."""
        try:
            return self.execute("SELECT 1") == [(1,)]
        except pymysql.Error:
            return False

    def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait until it has: everything is on disk, clients are sent
        away.
        """
        self._signal(signal.SIGTERM)
        assert self._process is not None
        # One that was frozen hears of it now; another may have ended already.
        self._process.send_signal(signal.SIGCONT)
        try:
            code = self._process.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Broken(
                f"the server did not end within {SECONDS_MAX:g} s:\n{self.last_words()}"
            ) from None
        self._dismiss_guard()
        if code:
            raise Broken(f"the server ended with {code}:\n{self.last_words()}")

    def kill(self) -> None:
        """End it at once (SIGKILL), as a loss of power would; nothing happens when it has ended."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait(SECONDS_MAX)
        self._dismiss_guard()

    def restart(self) -> None:
        """Stop it cleanly and start it over the same data, at the same port."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let it stand still (SIGSTOP): the kernel still accepts connections, nobody answers."""
        self._signal(signal.SIGSTOP)
        # A thread that runs on another core goes on for a moment.
        until(self._stands_still, "the server stands still")

    def _stands_still(self) -> bool:
        assert self._process is not None
        threads = Path(f"/proc/{self._process.pid}/task").glob("*/stat")
        return all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)

    def thaw(self) -> None:
        """Let it go on after ``freeze``."""
        self._signal(signal.SIGCONT)

    def last_words(self) -> str:
        """The end of its log."""
        lines = (
            self.log.read_text(encoding="utf-8", errors="replace").splitlines()
            if self.log.exists()
            else []
        )
        return "\n".join(lines[-LOG_LINES:])

    # --- what tests ask of it -------------------------------------------------------------------

    def url(self, database: str, user: str = USER, password: str = PASSWORD) -> str:
        """The address of a database, as it is configured."""
        return f"mysql://{quote(user, safe='')}:{quote(password, safe='')}@{HOST}:{self.port}/{database}"  # noqa: E501

    def connect(
        self, database: str | None = None, user: str = "root", password: str = "", **more: Any
    ) -> pymysql.Connection[Any]:
        """A connection of the plain driver, every statement for itself unless ``autocommit`` says
        otherwise.
        """
        asked = {
            "autocommit": True,
            "charset": "utf8mb4",
            "connect_timeout": 5,
            "read_timeout": 60,
            **more,
        }
        # Without TLS: the driver would load the system's authorities anew for each connection.
        asked.update(
            host=HOST,
            port=self.port,
            user=user,
            password=password,
            database=database,
            ssl_disabled=True,
        )
        return pymysql.connect(**asked)

    def execute(self, *sql: str, database: str | None = None) -> list[Row]:
        """Run statements one after another as root, each for itself; the rows of the last one."""
        with closing(self.connect(database)) as opened, opened.cursor() as cursor:
            for one in sql:
                cursor.execute(one)
            return list(cursor.fetchall())

    def new_database(self) -> str:
        """Create an empty database (utf8mb4) and return its name."""
        self._databases += 1
        name = f"school_{self._databases}"
        self.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def copy(self, name: str) -> str:
        """Create a database with the tables, rows and triggers of another; its name."""
        new = self.new_database()
        # One connection for all of it: making connections took longer than what was asked.
        with closing(self.connect(name)) as opened, opened.cursor() as cursor:

            def rows(sql: str) -> list[Row]:
                cursor.execute(sql)
                return list(cursor.fetchall())

            [(collation,)] = rows("SELECT @@collation_database")
            kinds = rows("SHOW FULL TABLES")
            tables = [table for table, kind in kinds if kind == "BASE TABLE"]
            triggers = [row[0] for row in rows("SHOW TRIGGERS")]
            made = [str(rows(f"SHOW CREATE TABLE `{table}`")[0][1]) for table in tables]
            filled = [f"INSERT INTO `{table}` SELECT * FROM `{name}`.`{table}`" for table in tables]
            guarded = [str(rows(f"SHOW CREATE TRIGGER `{guard}`")[0][2]) for guard in triggers]
            rows(f"ALTER DATABASE `{new}` COLLATE {collation}")
            rows(f"USE `{new}`")
            rows("SET foreign_key_checks = 0")
            for statement in (*made, *filled, *guarded):
                rows(statement)
        return new

    def drop(self, name: str) -> None:
        """Remove a database; who still holds it open in a transaction is cut off first, so nobody
        is waited for.
        """
        for id, _, database, _ in self.connections():
            if database == name:
                self._cut(id)
        self.execute(f"DROP DATABASE IF EXISTS {name}")

    def read_only(self, on: bool) -> None:
        """Let the server refuse what the ledger's account writes, or no longer."""
        self.execute(f"SET GLOBAL read_only = {int(on)}")

    def connections(self) -> list[tuple[int, str, str | None, str]]:
        """Who is connected now, without the one who asks: number, account, database, what it is
        doing.
        """
        asked = (
            "SELECT id, user, db, command FROM information_schema.processlist "
            "WHERE id <> CONNECTION_ID() AND user NOT IN ('system user', 'event_scheduler') AND command <> 'Daemon'"  # noqa: E501
        )
        return [
            (int(id), user, database, command)
            for id, user, database, command in self.execute(asked)
        ]

    def kill_connections(self, user: str = USER) -> int:
        """Cut (KILL) every connection of an account; how many there were. They are gone when this
        returns.
        """
        ids = [id for id, name, _, _ in self.connections() if name == user]
        for id in ids:
            self._cut(id)
        until(
            lambda: not {id for id, *_ in self.connections()} & set(ids),
            "connections that were cut are gone",
        )
        return len(ids)

    # --- inside ---------------------------------------------------------------------------------

    def _install(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.data / "mysql").is_dir():
            return
        if self._source is None:
            install(self.data)
        else:
            shutil.copytree(self._source, self.data, dirs_exist_ok=True)

    def _cut(self, id: int) -> None:
        try:
            self.execute(f"KILL {id}")
        except pymysql.err.OperationalError as error:
            if error.args[0] != pymysql.constants.ER.NO_SUCH_THREAD:
                raise

    def _signal(self, number: signal.Signals) -> None:
        if not self.runs:
            raise Broken(f"the server does not run:\n{self.last_words()}")
        assert self._process is not None
        self._process.send_signal(number)

    def _ended(self) -> str:
        return "nothing" if self._process is None else str(self._process.returncode)

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None


def _finish(words: Sequence[str], typed: str) -> None:
    done = subprocess.run(
        words, input=typed.encode(), capture_output=True, timeout=SECONDS_MAX, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace").splitlines()[-LOG_LINES:]
        raise Broken(f"{Path(words[0]).name} ended with {done.returncode}:\n" + "\n".join(said))


# --- fixtures -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def mariadb_template(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An installed data folder, the same for all workers of one test run."""
    base = tmp_path_factory.getbasetemp()
    return template(base.parent if hasattr(request.config, "workerinput") else base)


@pytest.fixture(scope="session")
def mariadb(mariadb_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server of this worker, started by the first test that asks for it."""
    folder = tmp_path_factory.mktemp("mariadb")
    with Server(folder, source=mariadb_template) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def database_url(mariadb: Server) -> Iterator[str]:
    """The address of an empty database on this worker's server, for one test."""
    name = mariadb.new_database()
    yield mariadb.url(name)
    mariadb.drop(name)
