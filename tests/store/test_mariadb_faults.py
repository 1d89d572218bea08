"""MariaDB dies, goes, stands still, cuts us off, refuses or is full in the middle of our work.

Whatever happens to it: a plan is written whole or not at all, the exit code says "later" (75) and
never "fine" for what is not there, the next run finishes without anything twice, and every proof
finds nothing.
"""

from __future__ import annotations

import os
import random
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql
import pytest

from coinsync.errors import DatabaseUnavailable
from coinsync.store import database as opening
from coinsync.store.engines import mysql_connection
from tests.support import engines
from tests.support.goods import an_item, fill
from tests.support.mariadb import HOST, Server, free_ports, scratch, until
from tests.support.mariadb_school import (
    Blows,
    ServerInstallation,
    Till,
    Window,
    open_server_installation,
)
from tests.support.mariadb_school import blows as blows
from tests.support.school import APP, Installation, Said, a_school, listening, open_installation

pytestmark = pytest.mark.long

LATER = 75
SECONDS_MAX = 60.0
ROUNDS = 6
SALES_MAX = 300

ADA = 102
MUG = an_item("mug", 30, name="Кружка")
BRANCH = [{"id": 1, "name": "", "zone": "Europe/Moscow"}]
SYNC = ("sync", "--quiet")
SALE = ("sell", f"#{ADA}", "mug", "--yes", "--key", "0123456789ab")


# --- scenes ---------------------------------------------------------------------------------------


@dataclass
class Scene:
    """A school on the eve of a command, as often as one likes.

    Each time in a database of its own.
    """

    server: Server
    installation: ServerInstallation
    eve: str
    words: tuple[str, ...]
    #: What the database may hold: before, after each plan, and in the end; and the passes of the
    #: writer on this way.
    states: list[tuple[object, ...]] = field(default_factory=list)
    passes: list[str] = field(default_factory=list)

    def again(self) -> None:
        """Back to the eve."""
        used = self.installation.name
        self.installation.move(
            self.server.url(self.server.copy(self.eve)), branch=BRANCH, **MANNERS
        )
        if used != self.eve:
            self.server.drop(used)

    def learn(self, blows: Blows) -> None:
        """See what happens when nothing happens."""
        if self.states:
            return
        self.again()
        self.states.append(self.installation.state())
        steps: list[str] = []

        def watch(name: str) -> None:
            steps.append(name)
            if name == "committed":
                self.states.append(self.installation.state())

        with blows.watched(watch):
            self.installation.ok(*self.words)
        self.passes = steps
        assert self.installation.state() == self.states[-1] != self.states[0]

    def run(self) -> Said:
        """Run the command, without waiting between its tries."""
        return self.installation.run(*self.words)

    def check(self, *states: tuple[object, ...]) -> None:
        """Whole or absent, or one of the named states; proven, and finished by the next run, which
        nobody disturbs.
        """
        assert self.installation.state() in (states or self.states)
        self.installation.check()
        said = self.run()
        assert (said.code, said.err) == (0, "")
        assert self.installation.state() == self.states[-1]

    def done(self, said: Said) -> None:
        """The command ended as if nothing had happened; everything is there once."""
        assert (said.code, said.err) == (0, "")
        assert self.installation.state() == self.states[-1]
        self.installation.check()


MANNERS: dict[str, Any] = {"sync__days_back": 18, "guards__reversals_free": 50, "web__app_id": APP}


@pytest.fixture(scope="module")
def server(mariadb_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for this file, which keeps what it has promised, and which these tests break."""
    # Each scene is a copy: those are made twice as fast where tables are no files of their own.
    option = "--innodb-file-per-table=OFF"
    with (
        scratch(tmp_path_factory) as folder,
        Server(folder, option, source=mariadb_template) as one,
    ):
        yield one


@pytest.fixture(scope="module")
def school(
    server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerInstallation]:
    """One branch after its first sync, with mugs to sell.

    Then three days pass and a lesson is cancelled.
    """
    with listening(a_school(residents=12, days=18)) as simulator:
        address = server.url(server.new_database())
        installation = open_server_installation(
            tmp_path_factory.mktemp("school"), address, simulator, branch=BRANCH, **MANNERS
        )
        installation.sleep = lambda _seconds: None
        installation.ok(*SYNC)
        installation.school.act("advance", days=3)
        installation.school.act("cancel", lesson=installation.paid_lessons()[2].id)
        fill(installation, {MUG: 5}, {ADA: 100})
        yield installation


def scene_of(
    server: Server, school: ServerInstallation, folder: Path, words: tuple[str, ...]
) -> Scene:
    """A school of its own on the eve of a command."""
    installation = ServerInstallation(
        folder, school.simulator, sleep=school.sleep, address=school.address
    )
    shutil.copy(school.folder / "coinsync.secrets", folder)
    return Scene(server, installation, school.name, words)


@pytest.fixture(scope="module")
def eve_of_sync(
    server: Server, school: ServerInstallation, tmp_path_factory: pytest.TempPathFactory
) -> Scene:
    """The eve of a sync that records, awards and reverses."""
    return scene_of(server, school, tmp_path_factory.mktemp("sync"), SYNC)


@pytest.fixture(scope="module")
def eve_of_sale(
    server: Server, school: ServerInstallation, tmp_path_factory: pytest.TempPathFactory
) -> Scene:
    """The eve of a sale."""
    return scene_of(server, school, tmp_path_factory.mktemp("sale"), SALE)


# A sync takes the same steps as a sale, in several plans: three times as long. It has its place
# beside the cluster, which is about dying servers as well.
@pytest.fixture(params=["sync", "sale"])
def scene(request: pytest.FixtureRequest, server: Server, blows: Blows) -> Iterator[Scene]:
    """The eve of a sync, then of a sale, on a server that takes writes.

    In the end the command has been carried out.
    """
    if not server.runs:
        server.start()
    server.read_only(False)
    found: Scene = request.getfixturevalue(f"eve_of_{request.param}")
    found.learn(blows)
    found.again()
    yield found
    # Whatever has happened: by now it is finished, and there is nothing left to do.
    found.done(found.run())


# --- before anything ------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [Server.stop, Server.kill])
def test_not_there_when_it_begins(scene: Scene, end: Callable[[Server], None]) -> None:
    """A server that is not there.

    Later, in one line that says where, and not with which password.
    """
    end(scene.server)
    said = scene.run()
    scene.server.start()
    assert said.code == LATER
    assert said.out == ""
    assert (
        f"cannot reach {HOST}:{scene.server.port}/{scene.installation.name}; nothing written"
        in said.err
    )
    scene.check(scene.states[0])


def test_frozen_when_it_begins(scene: Scene) -> None:
    """A server that lets everybody in and answers nobody is not waited for without end."""
    scene.installation.configure(branch=BRANCH, database__wait_seconds=1, **MANNERS)
    scene.server.freeze()
    try:
        said = scene.run()
    finally:
        scene.server.thaw()
    assert said.code == LATER, said.err
    scene.check(scene.states[0])


# --- at each step of writing ----------------------------------------------------------------------


def test_the_steps_are_those_of_writing(scene: Scene) -> None:
    """What is struck below: every step of the protocol, in each plan that the command writes."""
    assert {"begin", "head", "checked", "entries", "run", "commit", "committed"} <= set(
        scene.passes
    )
    assert scene.passes.count("committed") == len(scene.states) - 1
    assert scene.passes[-1] == "committed"


def test_killed_at_each_step(scene: Scene, blows: Blows) -> None:
    """SIGKILL of the server: old or new, never between; "later" unless all was written.

    Then it converges.
    """
    for number, step in enumerate(scene.passes, 1):
        scene.again()
        with blows.at(number, scene.server.kill):
            said = scene.run()
        scene.server.start()
        written = scene.passes[:number].count("committed")
        assert said.code == (0 if number == len(scene.passes) else LATER), (
            f"{number} {step}: {said}"
        )
        scene.check(scene.states[written])


def test_killed_and_back_at_each_step(scene: Scene, blows: Blows) -> None:
    """A server that was killed and is back at once: the plan is tried again as a whole, and
    between two plans the connection is made anew.
    """

    def reborn() -> None:
        scene.server.kill()
        scene.server.start()

    for number in range(1, len(scene.passes) + 1):
        scene.again()
        with blows.at(number, reborn):
            said = scene.run()
        scene.done(said)


def test_restarted_in_the_middle(scene: Scene, blows: Blows) -> None:
    """The same when an administrator restarts it, which ends every connection in peace."""
    for step in ("head", "commit"):
        scene.again()
        with blows.at(scene.passes.index(step) + 1, scene.server.restart):
            said = scene.run()
        scene.done(said)


def test_cut_at_each_step(scene: Scene, blows: Blows) -> None:
    """KILL of the connection: the plan is tried again as a whole, and between two plans the
    connection is made anew.
    """
    for number in range(1, len(scene.passes) + 1):
        scene.again()
        with blows.at(number, scene.server.kill_connections):
            said = scene.run()
        scene.done(said)


def test_cut_again_and_again(scene: Scene, blows: Blows) -> None:
    """Whoever is cut at every try gives up and says "later"; nothing is there."""

    def cut(_name: str) -> None:
        if _name == "run":
            scene.server.kill_connections()

    with blows.watched(cut):
        said = scene.run()
    assert said.code == LATER, said
    assert "connection lost; nothing written" in said.err
    scene.check(scene.states[0])


def test_read_only_at_each_step(scene: Scene, blows: Blows) -> None:
    """A server that is switched to reading alone refuses at the latest at COMMIT.

    Later, and nothing half-done.
    """
    for number, step in enumerate(scene.passes, 1):
        scene.again()
        with blows.at(number, lambda: scene.server.read_only(True)):
            said = scene.run()
        scene.server.read_only(False)
        written = scene.passes[:number].count("committed")
        assert said.code == (0 if number == len(scene.passes) else LATER), (
            f"{number} {step}: {said}"
        )
        scene.check(scene.states[written])


@pytest.mark.parametrize("step", ["head", "commit"])
def test_frozen_in_the_middle(
    scene: Scene, blows: Blows, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that stands still: we stop waiting.

    What it does with our words later is the whole or nothing.
    """
    monkeypatch.setattr(mysql_connection, "ANSWER_SECONDS", 0.5)
    scene.installation.configure(branch=BRANCH, database__wait_seconds=1, **MANNERS)
    try:
        with blows.at(scene.passes.index(step) + 1, scene.server.freeze):
            said = scene.run()
    finally:
        scene.server.thaw()
    assert said.code == LATER, said
    scene.installation.configure(branch=BRANCH, **MANNERS)
    scene.check()


# --- inside COMMIT --------------------------------------------------------------------------------


class Line:
    """A line to the server that may break once.

    When COMMIT is on its way there, or when its answer comes back.
    """

    def __init__(self, port: int) -> None:
        self.port, self._to = free_ports(1)[0], port
        self.breaks = ""
        self.stays_broken = False
        self.broken = threading.Event()
        self._listener = socket.create_server((HOST, self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let nobody through any more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                if self.broken.is_set() and self.stays_broken:
                    ours.close()
                    continue
                theirs = socket.create_connection((HOST, self._to))
                threading.Thread(target=self._carry, args=(ours, theirs), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with closing(client), closing(server), suppress(OSError):
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for one, other in ((client, server), (server, client)):
                    if one not in ready:
                        continue
                    data = one.recv(65536)
                    if not data:
                        return
                    commits = (
                        one is client and data[4:] == b"\x03COMMIT" and not self.broken.is_set()
                    )
                    if commits and self.breaks == "on the way there":
                        self.broken.set()
                        return
                    other.sendall(data)
                    if commits and self.breaks == "on the way back":
                        assert server.recv(65536)
                        self.broken.set()
                        return


@pytest.fixture
def line(scene: Scene) -> Iterator[Line]:
    """A line between the scene's installation and its server."""
    line = Line(scene.server.port)
    direct = scene.installation.address
    scene.installation.move(
        direct.replace(f":{scene.server.port}/", f":{line.port}/"), branch=BRANCH, **MANNERS
    )
    with closing(line):
        yield line
    scene.installation.move(direct, branch=BRANCH, **MANNERS)


@pytest.mark.parametrize("where", ["on the way there", "on the way back"])
def test_the_answer_to_commit_is_lost(scene: Scene, line: Line, where: str) -> None:
    """It is looked up on a new connection; only what is not there is written again."""
    line.breaks = where
    said = scene.run()
    assert line.broken.is_set()
    scene.done(said)


@pytest.mark.parametrize("where", ["on the way there", "on the way back"])
def test_the_answer_is_lost_and_nobody_can_look(scene: Scene, line: Line, where: str) -> None:
    """Then it says that it does not know, and the same command finds out."""
    line.breaks, line.stays_broken = where, True
    said = scene.run()
    assert said.code == LATER
    assert "answer lost at commit; could not look whether it is recorded" in said.err
    line.stays_broken = False
    scene.check(scene.states[1 if where == "on the way back" else 0])


def test_killed_inside_commit(scene: Scene, blows: Blows) -> None:
    """SIGKILL at a moment around COMMIT: what is said to be written is there.

    Else the next run finds out.
    """
    chance = random.Random(7)
    for _ in range(ROUNDS):
        scene.again()
        killer = threading.Timer(chance.random() * 0.004, scene.server.kill)
        with blows.at(scene.passes.index("commit") + 1, killer.start):
            said = scene.run()
        killer.join()
        scene.server.start()
        assert said.code in (0, LATER), said
        scene.check(*scene.states[-1:] if said.code == 0 else scene.states)


# --- real processes, any moment -------------------------------------------------------------------


def test_killed_at_any_moment_of_a_process(scene: Scene) -> None:
    """The server is killed at moments spread over the whole run of a process."""
    words = [sys.executable, "-m", "cli", "--config", str(scene.installation.config), *scene.words]
    environ = {"USER": "anna", "PATH": os.defpath}
    began = time.monotonic()
    assert (
        subprocess.run(
            words, env=environ, timeout=SECONDS_MAX, check=False, capture_output=True
        ).returncode
        == 0
    )
    whole = time.monotonic() - began
    for step in range(ROUNDS):
        scene.again()
        with subprocess.Popen(
            words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as run:
            time.sleep(whole * (0.4 + 0.6 * step / ROUNDS))
            scene.server.kill()
            time.sleep(0.05)
            scene.server.start()
            out, err = run.communicate(timeout=SECONDS_MAX)
        assert run.returncode in (0, LATER), out + err
        assert "Traceback" not in err
        scene.check(*scene.states[-1:] if run.returncode == 0 else scene.states)


# --- a disk that is full --------------------------------------------------------------------------


@dataclass
class SmallDisk:
    """A server whose room for data has an end."""

    server: Server
    fill: Callable[[], None]
    free: Callable[[], None]


@contextmanager
def fixed_size(folder: Path, source: Path) -> Iterator[SmallDisk]:
    """All tables in one file that may not grow; needs no rights. Other files still may."""
    limits = ("--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M;ibdata2:8M")

    def heap_up() -> None:
        one.execute("CREATE DATABASE ballast")
        # What is left after a large table is room for small ones.
        for number in range(ROUNDS * 100):
            one.execute(f"CREATE TABLE ballast.sand{number} (a LONGBLOB) ENGINE = InnoDB")
            with suppress(pymysql.err.OperationalError):
                while True:
                    one.execute(f"INSERT INTO ballast.sand{number} VALUES (REPEAT('x', 8000))")

    def fill() -> None:
        with pytest.raises(pymysql.MySQLError, match=r"is full|errno: 1(35|68)\b"):
            heap_up()

    def free() -> None:
        one.drop("ballast")
        # What was dropped is room only when the server has cleared it away; this waits for that.
        one.execute("SET GLOBAL innodb_max_purge_lag_wait = 0")

    with Server(folder, *limits, source=source) as one:
        yield SmallDisk(one, fill, free)
        one.kill()


@contextmanager
def small_file_system(folder: Path, source: Path) -> Iterator[SmallDisk]:
    """A file system of its own with nothing left for anybody; needs the right to mount."""
    disk = folder / "disk"
    disk.mkdir()
    try:
        words = ["mount", "-t", "tmpfs", "-o", "size=64M", "tmpfs", str(disk)]
        done = subprocess.run(words, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no program mount here")
    if done.returncode:
        pytest.skip(f"nothing may be mounted here: {done.stderr.decode().strip()}")
    sand = disk / "sand"

    def fill() -> None:
        with sand.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        assert shutil.disk_usage(disk).free == 0

    try:
        with Server(folder / "server", data=disk / "data", source=source) as server:
            yield SmallDisk(server, fill, sand.unlink)
            server.kill()
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.fixture(params=[fixed_size, small_file_system])
def small_disk(
    request: pytest.FixtureRequest, mariadb_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallDisk]:
    """A server with little room, in each of two ways."""
    with scratch(tmp_path_factory) as folder, request.param(folder, mariadb_template) as disk:
        yield disk


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A school with more to record than fits into what is left of the disk."""
    with listening(a_school(residents=40)) as simulator:
        installation = open_installation(tmp_path_factory.mktemp("busy"), simulator)
        installation.ok(*SYNC)
        yield installation


def essence(installation: Installation) -> tuple[object, ...]:
    """What a school has recorded, in whatever order its branches were."""
    tables = engines.tables(installation.url)
    kept = ("resident", "study_group", "membership", "link", "lesson", "attendance", "hold")
    return sorted(repr(posted.entry) for posted in installation.ledger()), [
        tables[name] for name in kept
    ]


def test_disk_full_in_a_sync(small_disk: SmallDisk, busy: Installation, tmp_path: Path) -> None:
    """No room: later, by its name, and nothing half-done; with room again the next run finishes."""
    server = small_disk.server
    installation = open_server_installation(
        tmp_path, server.url(server.new_database()), busy.simulator
    )
    installation.sleep = lambda _seconds: None
    small_disk.fill()
    said = installation.run(*SYNC)
    assert said.code == LATER, said
    assert "disk full; nothing written" in said.err
    assert essence(installation) != essence(busy)
    installation.check("fresh")
    small_disk.free()
    installation.ok(*SYNC)
    assert essence(installation) == essence(busy)
    installation.check()


def test_disk_full_at_the_till(small_disk: SmallDisk, tmp_path: Path) -> None:
    """Sales until there is no room.

    Each is whole or absent, and goes through under its key when there is room.
    """
    server = small_disk.server
    with listening(a_school(residents=12, days=3)) as simulator:
        installation = open_server_installation(
            tmp_path, server.url(server.new_database()), simulator
        )
        installation.sleep = lambda _seconds: None
        installation.ok(*SYNC)
    fill(installation, {an_item("pen", 1): 100_000}, {ADA: 100_000})
    coins = installation.balance(ADA)
    small_disk.fill()
    sold, said = 0, Said(0, "", "")
    while said.code == 0:
        assert sold < SALES_MAX, "the disk is never full"
        words = ("sell", f"#{ADA}", "pen", "--yes", "--reason", "x" * 100, "--key", f"{sold:012x}")
        before = installation.state()
        said = installation.run(*words)
        sold += said.code == 0
    assert said.code == LATER, said
    assert "disk full; nothing written" in said.err
    assert installation.state() == before
    small_disk.free()
    installation.ok(*words)
    assert installation.balance(ADA) == coins - sold - 1
    installation.check()


# --- making the database --------------------------------------------------------------------------


def test_killed_while_the_tables_are_made(server: Server, tmp_path: Path) -> None:
    """A migration that dies with the server is finished by the next one."""
    whole = server.url(server.new_database())
    began = time.monotonic()
    opening.create(whole)
    seconds = time.monotonic() - began
    for step in range(ROUNDS):
        address = server.url(server.new_database())
        killer = threading.Timer(seconds * (step + 0.5) / ROUNDS, server.kill)
        killer.start()
        with suppress(DatabaseUnavailable):
            opening.create(address)
        killer.join()
        server.start()
        opening.create(address)
        assert schema_of(server, address) == schema_of(server, whole)
        opening.open_writable(address).close()


def schema_of(server: Server, address: str) -> dict[str, str]:
    """Every table and trigger as the server writes it, and the migrations applied."""
    name = address.rpartition("/")[2]
    tables = [row[0] for row in server.execute("SHOW TABLES", database=name)]
    triggers = [row[0] for row in server.execute("SHOW TRIGGERS", database=name)]
    made = {
        one: str(server.execute(f"SHOW CREATE TABLE {one}", database=name)[0][1]) for one in tables
    }
    made |= {
        one: str(server.execute(f"SHOW CREATE TRIGGER {one}", database=name)[0][2])
        for one in triggers
    }
    steps = server.execute(f"SELECT name FROM {opening.HISTORY} ORDER BY name", database=name)
    return made | {"steps": str(steps)}


# --- the till -------------------------------------------------------------------------------------


@pytest.fixture
def till(eve_of_sale: Scene) -> Iterator[Till]:
    """A till of a school on the eve of a sale."""
    server = eve_of_sale.server
    if not server.runs:
        server.start()
    server.read_only(False)
    eve_of_sale.again()
    with closing(Till(eve_of_sale.installation)) as opened:
        yield opened


def test_the_till_outlives_the_server(till: Till, eve_of_sale: Scene) -> None:
    """Killed between choice and yes: the till says so and stands.

    When the server is back the sale goes through.
    """
    installation, server = eve_of_sale.installation, eve_of_sale.server
    coins = installation.balance(ADA)
    till.asks("buyer> ")
    till.choose(ADA, "mug")
    server.kill()
    till.types("y")
    said = till.asks("> ")
    assert "cannot reach" in said or "connection lost" in said
    assert "  sold, " not in said
    server.start()
    assert installation.balance(ADA) == coins
    till.choose(ADA, "mug")
    till.types("y")
    assert "  sold, " in till.asks("buyer> ")
    assert till.ends() == (0, "1 sale, 30 coins\n")
    assert installation.balance(ADA) == coins - 30
    installation.check()


@pytest.mark.parametrize("blow", [Server.restart, Server.kill_connections])
def test_the_till_does_not_notice_what_is_over(
    till: Till, eve_of_sale: Scene, blow: Callable[[Server], object]
) -> None:
    """A server that restarts, or a connection that is cut, while the buyer thinks: sold, once."""
    installation = eve_of_sale.installation
    coins = installation.balance(ADA)
    till.asks("buyer> ")
    till.choose(ADA, "mug")
    blow(eve_of_sale.server)
    till.types("y")
    assert "  sold, " in till.asks("buyer> ")
    assert till.ends() == (0, "1 sale, 30 coins\n")
    assert installation.balance(ADA) == coins - 30
    installation.check()


# --- the web view -------------------------------------------------------------------------------


@pytest.fixture
def window(eve_of_sale: Scene, tmp_path: Path) -> Iterator[Window]:
    """The web view of the school, serving."""
    server = eve_of_sale.server
    if not server.runs:
        server.start()
    server.read_only(False)
    eve_of_sale.again()
    with closing(Window(eve_of_sale.installation, tmp_path / "log")) as opened:
        until(opened.serves, "the web view serves", SECONDS_MAX)
        yield opened


@pytest.mark.parametrize("end", [Server.stop, Server.kill])
def test_the_web_view_serves_again_by_itself(
    window: Window, eve_of_sale: Scene, end: Callable[[Server], None]
) -> None:
    """While the database is away it asks people to come later (503).

    When it is back the next visitor is served.
    """
    server = eve_of_sale.server
    for _ in range(2):
        end(server)
        assert window.regrets()
        assert window.regrets()
        server.start()
        assert window.serves()


def test_the_web_view_does_not_notice_what_it_does_not_need(
    window: Window, eve_of_sale: Scene
) -> None:
    """Connections that were cut, a restart between two visits, and a server that only reads.

    Everybody is served.
    """
    server = eve_of_sale.server
    server.kill_connections()
    assert window.serves()
    server.restart()
    assert window.serves()
    server.read_only(True)
    assert window.serves()


def test_the_web_view_waits_little_for_a_frozen_database(
    window: Window, eve_of_sale: Scene
) -> None:
    """A database that stands still keeps nobody waiting for long, and is used again later."""
    server = eve_of_sale.server
    server.freeze()
    try:
        assert window.regrets()
    finally:
        server.thaw()
    until(window.serves, "the web view serves again", SECONDS_MAX)
