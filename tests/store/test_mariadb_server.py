"""The MariaDB that tests are given does what it is asked.

It comes, goes, dies, and leaves nothing running.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pymysql
import pytest
from pymysql.constants import ER

from tests.support.mariadb import HOST, PASSWORD, USER, Broken, Server, program, template, until

RUNNING = """
import sys, time
from pathlib import Path
from tests.support.mariadb import Server
server = Server(Path(sys.argv[1]), source=Path(sys.argv[2]))
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def server(tmp_path: Path, mariadb_template: Path) -> Iterator[Server]:
    """A server for one test, which may break it."""
    with Server(tmp_path / "server", source=mariadb_template) as one:
        yield one


def lives(pid: int) -> bool:
    """Whether a process is there that is not dead already."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def code_of(error: pytest.ExceptionInfo[pymysql.MySQLError]) -> int:
    """The server's or the driver's number of an error."""
    return int(error.value.args[0])


def filled(server: Server) -> str:
    """A database with a table of one row; its name."""
    name = server.new_database()
    server.execute(
        "CREATE TABLE coin (id INT PRIMARY KEY)", "INSERT INTO coin VALUES (1)", database=name
    )
    return name


def test_killed_it_keeps_what_was_committed(server: Server) -> None:
    """After SIGKILL the committed row is there, that of an open transaction is not."""
    name = filled(server)
    with closing(server.connect(name, autocommit=False)) as open_one:
        open_one.cursor().execute("INSERT INTO coin VALUES (2)")
        server.execute("INSERT INTO coin VALUES (3)", database=name)
        pid = server.pid
        server.kill()
        assert not lives(pid)
        assert not server.answers()
        with pytest.raises(pymysql.err.OperationalError) as error:
            open_one.commit()
        assert code_of(error) in (2006, 2013)
    server.start()
    assert server.pid != pid
    assert server.execute("SELECT id FROM coin ORDER BY id", database=name) == [(1,), (3,)]


def test_restarted_it_is_the_same_at_the_same_address(server: Server) -> None:
    """A clean restart keeps the address and the rows, and cuts who was connected."""
    name, url = filled(server), server.url("school")
    with closing(server.connect(name)) as guest:
        server.restart()
        with pytest.raises(pymysql.err.OperationalError):
            guest.ping(reconnect=False)
    assert server.url("school") == url
    assert server.execute("SELECT id FROM coin", database=name) == [(1,)]


def test_the_ledgers_account_is_no_master(mariadb: Server) -> None:
    """It may do everything in a school's database, and nothing elsewhere."""
    name = mariadb.new_database()
    with closing(mariadb.connect(name, USER, PASSWORD)) as opened, opened.cursor() as cursor:
        cursor.execute("CREATE TABLE coin (id INT PRIMARY KEY)")
        cursor.execute(
            "CREATE TRIGGER no_delete BEFORE DELETE ON coin FOR EACH ROW SIGNAL SQLSTATE '45000'"
        )
        cursor.execute("INSERT INTO coin VALUES (1)")
        for refused in (
            "SELECT * FROM mysql.global_priv",
            "SET GLOBAL read_only = 0",
            "CREATE DATABASE other",
        ):
            with pytest.raises(pymysql.err.OperationalError):
                cursor.execute(refused)
    mariadb.drop(name)


def test_read_only_refuses_the_ledgers_account(server: Server) -> None:
    """Switched on it refuses to write, also at the end of a transaction that began before.

    Switched off it serves.
    """
    name = filled(server)
    with closing(server.connect(name, USER, PASSWORD, autocommit=False)) as early:
        early.cursor().execute("INSERT INTO coin VALUES (2)")
        server.read_only(True)
        with pytest.raises(pymysql.err.OperationalError) as error:
            early.commit()
        assert code_of(error) == ER.OPTION_PREVENTS_STATEMENT
        early.rollback()
        with early.cursor() as cursor:
            cursor.execute("SELECT id FROM coin")
            assert cursor.fetchall() == ((1,),)
        server.read_only(False)
        early.cursor().execute("INSERT INTO coin VALUES (4)")
        early.commit()
    assert server.execute("SELECT id FROM coin ORDER BY id", database=name) == [(1,), (4,)]


def test_a_connection_is_cut(mariadb: Server) -> None:
    """KILL ends the connections of one account, with its transaction, and of no other."""
    name = filled(mariadb)
    with (
        closing(mariadb.connect(name, USER, PASSWORD, autocommit=False)) as cut,
        closing(mariadb.connect(name)) as spared,
    ):
        cut.cursor().execute("INSERT INTO coin VALUES (2)")
        assert sorted(
            user for _, user, database, _ in mariadb.connections() if database == name
        ) == [USER, "root"]
        assert mariadb.kill_connections(USER) == 1
        assert mariadb.kill_connections(USER) == 0
        with pytest.raises(pymysql.err.OperationalError) as error:
            cut.cursor().execute("SELECT 1")
        assert code_of(error) in (2006, 2013)
        with spared.cursor() as cursor:
            cursor.execute("SELECT id FROM coin")
            assert cursor.fetchall() == ((1,),)
    mariadb.drop(name)


def test_databases_are_fresh_and_go(mariadb: Server) -> None:
    """Each new database is empty, of its own name and utf8mb4.

    A transaction in it does not keep it from going.
    """
    names = [mariadb.new_database() for _ in range(2)]
    assert len(set(names)) == 2
    for name in names:
        (asked,) = mariadb.execute(
            "SELECT default_character_set_name FROM information_schema.schemata"
            f" WHERE schema_name = '{name}'"
        )
        assert asked == ("utf8mb4",)
        assert mariadb.execute("SHOW TABLES", database=name) == []
    mariadb.execute("CREATE TABLE coin (id INT PRIMARY KEY)", database=names[0])
    with closing(mariadb.connect(names[0], autocommit=False)) as opened:
        opened.cursor().execute("INSERT INTO coin VALUES (1)")
        for name in names:
            mariadb.drop(name)
    assert not set(names) & {name for (name,) in mariadb.execute("SHOW DATABASES")}


def test_a_database_of_ones_own(database_url: str, mariadb: Server) -> None:
    """The fixture's address is one of an empty database on this worker's server."""
    base, _, name = database_url.rpartition("/")
    assert base == mariadb.url("").rstrip("/")
    assert mariadb.execute("SHOW TABLES", database=name) == []


def test_only_loopback_is_served(mariadb: Server) -> None:
    """The process listens on 127.0.0.1 at its port and at nothing else."""
    listening = "0A"
    sockets = {
        os.readlink(one) for one in Path(f"/proc/{mariadb.pid}/fd").iterdir() if one.is_symlink()
    }
    heard = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == listening and f"socket:[{fields[9]}]" in sockets:
                heard.add(fields[1])
    here = int.from_bytes(socket.inet_aton(HOST), sys.byteorder)
    assert heard == {f"{here:08X}:{mariadb.port:04X}"}


def test_two_beside_each_other(mariadb: Server, server: Server) -> None:
    """A second server has its own address, its own data and its own end."""
    assert (server.port, server.data, server.pid) != (mariadb.port, mariadb.data, mariadb.pid)
    server.execute("CREATE DATABASE only_here")
    assert ("only_here",) not in mariadb.execute("SHOW DATABASES")
    server.kill()
    assert mariadb.answers()


def test_a_frozen_server_answers_nobody_until_it_goes_on(server: Server) -> None:
    """Stopped in its tracks it lets clients wait; it goes on where it was."""
    server.freeze()
    with pytest.raises(pymysql.err.OperationalError) as error:
        server.connect(connect_timeout=1, read_timeout=1)
    assert code_of(error) in (2003, 2013)
    server.thaw()
    assert server.answers()


def test_the_binary_log_is_a_choice(
    mariadb: Server, tmp_path: Path, mariadb_template: Path
) -> None:
    """Without asking there is none."""
    assert mariadb.execute("SELECT @@log_bin") == [(0,)]
    with Server(tmp_path / "logged", source=mariadb_template, binlog=True) as logged:
        assert logged.execute("SELECT @@log_bin") == [(1,)]


def test_data_and_options_where_they_are_told(tmp_path: Path, mariadb_template: Path) -> None:
    """The data folder may be elsewhere, and an option reaches the program."""
    elsewhere = tmp_path / "small-disk" / "data"
    with Server(
        tmp_path / "server", "--max-connections=17", data=elsewhere, source=mariadb_template
    ) as server:
        assert server.execute("SELECT @@max_connections, @@datadir") == [(17, f"{elsewhere}/")]
    assert not (tmp_path / "server" / "data").exists()


def test_a_start_that_fails_says_why(tmp_path: Path, mariadb_template: Path) -> None:
    """The error carries what the server wrote last, and nothing runs."""
    server = Server(tmp_path / "server", "--no-such-option", source=mariadb_template)
    with pytest.raises(Broken, match="unknown option '--no-such-option'"), server:
        pass
    assert not server.runs


def test_nothing_is_left_when_it_closes(tmp_path: Path, mariadb_template: Path) -> None:
    """Its process has ended after the block, and the one that watches over it too."""
    before = children()
    with Server(tmp_path / "server", source=mariadb_template) as server:
        pid = server.pid
        assert len(children() - before) == 2
    assert not lives(pid)
    assert children() <= before


def test_nothing_is_left_when_the_test_fails(tmp_path: Path, mariadb_template: Path) -> None:
    """The same when the block ends with an error."""
    before, server = children(), Server(tmp_path / "server", source=mariadb_template)
    with pytest.raises(ZeroDivisionError), server:
        1 / 0  # noqa: B018
    assert not lives(server.pid)
    assert children() <= before


def children() -> set[str]:
    """Processes that this one started and that are there still."""
    return set(
        Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    )


def test_nothing_is_left_when_the_test_is_killed(tmp_path: Path, mariadb_template: Path) -> None:
    """A test run that dies by SIGKILL takes its server with it."""
    words = [sys.executable, "-c", RUNNING, str(tmp_path / "server"), str(mariadb_template)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as run:
        assert run.stdout is not None
        pid = int(run.stdout.readline())
        assert lives(pid)
        run.send_signal(signal.SIGKILL)
    until(lambda: not lives(pid), "the server of a dead test run has ended")


def test_the_template_is_made_once(tmp_path: Path) -> None:
    """Whoever comes later gets the one that is there; nothing half-made stays beside it."""
    made = template(tmp_path)
    assert (made / "mysql").is_dir()
    written = made.stat().st_mtime_ns
    assert template(tmp_path) == made
    assert made.stat().st_mtime_ns == written
    assert list(tmp_path.iterdir()) == [made]


def test_without_the_program_the_test_fails_and_says_what_to_do() -> None:
    """Nothing is skipped: the line says how the program comes here."""
    with pytest.raises(
        Broken, match=r"mariadbd-of-nowhere is not here; run: make programs .*mariadb-server"
    ):
        program("mariadbd-of-nowhere")
