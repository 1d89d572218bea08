"""A cluster of three: what a node accepts the others have, and one may die.

Run by ``make test-long``; each test finds three nodes that hold the same.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
import pytest
from pymysql.constants import ER

from coinsync.core.ledger import Kind
from tests.cluster.cluster import SIZE, Cluster, Node
from tests.support.goods import an_item, fill
from tests.support.mariadb import PASSWORD, USER, Row, scratch, until
from tests.support.mariadb_school import (
    Blows,
    ServerInstallation,
    Till,
    Window,
    open_server_installation,
)
from tests.support.mariadb_school import blows as blows
from tests.support.school import APP, Said, a_school, listening

pytestmark = pytest.mark.long

NOT_READY = 1047
#: A node that dies is missed after a second or two; the rest is for a machine that does other
#: things too.
PATIENCE = 30.0
#: Between two buyers at the till.
PAUSE = 0.2
REFUSED, LATER = 7, 75

ADA, RICH = 102, 106
MUG = an_item("mug", 30, name="Кружка")
MANNERS: dict[str, Any] = {"web__app_id": APP, "database__wait_seconds": 20}


@pytest.fixture(scope="module")
def founded(mariadb_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for this file."""
    with scratch(tmp_path_factory) as folder, Cluster(folder, mariadb_template) as cluster:
        yield cluster


@pytest.fixture
def cluster(founded: Cluster) -> Cluster:
    """The cluster with all its nodes, whatever the test before has done to them."""
    founded.heal()
    return founded


@pytest.fixture
def table(cluster: Cluster) -> str:
    """A database with a counter that stands at 100 and an empty list, on all nodes; its name."""
    name = cluster.new_database()
    cluster.node(1).execute(
        "CREATE TABLE counter (id INT PRIMARY KEY, n INT NOT NULL)",
        "CREATE TABLE list "
        "(id BIGINT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(40) NOT NULL UNIQUE)",
        "INSERT INTO counter VALUES (1, 100)",
        database=name,
    )
    cluster.settle()
    return name


def seen(node: Node, database: str, sql: str) -> list[Row]:
    """What a node answers when it has waited for what others have committed."""
    return node.execute("SET SESSION wsrep_sync_wait = 1", sql, database=database)


def writer(node: Node, database: str) -> pymysql.Connection[Any]:
    """A connection of the ledger's account that collects statements to a transaction."""
    return node.connect(database, USER, PASSWORD, autocommit=False)


def wrote(node: Node, database: str, word: str) -> bool:
    """Whether a node takes a word for the list."""
    try:
        node.execute(f"INSERT INTO list (word) VALUES ('{word}')", database=database)
    except pymysql.err.OperationalError:
        return False
    return True


def test_three_nodes_are_one_cluster(cluster: Cluster) -> None:
    """Each says that there are three, that it belongs to them and that it holds what they hold."""
    for node in cluster.nodes:
        figures = (
            "wsrep_cluster_size",
            "wsrep_cluster_status",
            "wsrep_local_state_comment",
            "wsrep_ready",
        )
        assert [node.status(name) for name in figures] == [str(SIZE), "Primary", "Synced", "ON"]
    assert len({node.status("wsrep_cluster_state_uuid") for node in cluster.nodes}) == 1
    assert len({node.port for node in cluster.nodes}) == SIZE


def test_what_one_accepts_the_others_have(cluster: Cluster, table: str) -> None:
    """A row that is committed on one node is read on another at once by who waits for it there."""
    for n in range(50):
        cluster.node(1 + n % SIZE).execute(
            f"INSERT INTO list (word) VALUES ('w{n}')", database=table
        )
        assert seen(cluster.node(1 + (n + 1) % SIZE), table, "SELECT COUNT(*) FROM list") == [
            (n + 1,)
        ]


def test_the_ledgers_account_works_on_every_node(cluster: Cluster, table: str) -> None:
    """An account has the same rights on every node; the address names all in order."""
    address = urlsplit(cluster.url(table))
    account, _, hosts = address.netloc.rpartition("@")
    assert (address.scheme, address.path) == ("mysql", f"/{table}")
    assert [unquote(part) for part in account.split(":")] == [USER, PASSWORD]
    assert hosts.split(",") == [f"127.0.0.1:{node.port}" for node in cluster.nodes]
    for node in cluster.nodes:
        with closing(writer(node, table)) as opened:
            opened.cursor().execute("INSERT INTO list (word) VALUES (%s)", (node.name,))
            opened.commit()
    assert seen(cluster.node(1), table, "SELECT COUNT(*) FROM list") == [(SIZE,)]


def test_one_dies_and_the_rest_go_on(cluster: Cluster, table: str) -> None:
    """SIGKILL of a node stops writes until it is missed.

    Then two go on, and who comes back has all rows.
    """
    cluster.node(1).execute("INSERT INTO list (word) VALUES ('before')", database=table)
    cluster.node(1).kill()
    until(lambda: wrote(cluster.node(2), table, "after"), "a write of the rest", PATIENCE)
    cluster.wait_size(2)
    wrote(cluster.node(3), table, "third")
    cluster.node(1).start()
    cluster.wait_size(SIZE)
    for node in cluster.nodes:
        assert seen(node, table, "SELECT word FROM list ORDER BY id") == [
            ("before",),
            ("after",),
            ("third",),
        ]


def test_one_leaves_in_peace_and_comes_back(cluster: Cluster, table: str) -> None:
    """A clean stop is no death.

    The rest writes on at once, and what it missed is sent when it is back.
    """
    cluster.node(3).stop()
    cluster.node(1).execute("INSERT INTO list (word) VALUES ('missed')", database=table)
    assert cluster.node(2).status("wsrep_cluster_size") == "2"
    cluster.node(3).start()
    assert seen(cluster.node(3), table, "SELECT word FROM list") == [("missed",)]


def test_one_that_is_alone_refuses(cluster: Cluster, table: str) -> None:
    """The last one of three answers neither reads nor writes, though one can connect."""
    cluster.node(2).kill()
    cluster.node(3).kill()
    alone = cluster.node(1)
    until(
        lambda: alone.status("wsrep_ready") == "OFF",
        "the last one knows that it is alone",
        PATIENCE,
    )
    for sql in ("SELECT n FROM counter", "INSERT INTO list (word) VALUES ('alone')"):
        with pytest.raises(pymysql.err.OperationalError) as error:
            alone.execute(sql, database=table)
        assert error.value.args[0] == NOT_READY


def test_all_die_and_start_again(cluster: Cluster, table: str) -> None:
    """After a loss of power everywhere the rows are there and the same on all."""
    cluster.node(2).execute("INSERT INTO list (word) VALUES ('kept')", database=table)
    cluster.settle()
    cluster.kill()
    cluster.start_again()
    for node in cluster.nodes:
        assert seen(node, table, "SELECT word FROM list") == [("kept",)]


def test_two_that_write_one_row_are_told_apart(cluster: Cluster, table: str) -> None:
    """Of two transactions that change one row on two nodes, the second gets 1213 at COMMIT."""
    with (
        closing(writer(cluster.node(1), table)) as first,
        closing(writer(cluster.node(2), table)) as second,
    ):
        for coins, opened in ((80, first), (70, second)):
            opened.cursor().execute("UPDATE counter SET n = n - %s WHERE id = 1", (coins,))
            opened.cursor().execute("INSERT INTO list (word) VALUES (%s)", (str(coins),))
        first.commit()
        with pytest.raises(pymysql.err.OperationalError) as error:
            second.commit()
        assert error.value.args[0] == ER.LOCK_DEADLOCK
    for node in cluster.nodes:
        assert seen(
            node, table, "SELECT n, (SELECT GROUP_CONCAT(word) FROM list) FROM counter"
        ) == [(20, "80")]


def test_a_change_that_changes_nothing_tells_nobody_apart(cluster: Cluster, table: str) -> None:
    """Writing the value that stands there is no conflict: a lock must really change its row."""
    with (
        closing(writer(cluster.node(1), table)) as first,
        closing(writer(cluster.node(2), table)) as second,
    ):
        for opened in (first, second):
            opened.cursor().execute("UPDATE counter SET n = n WHERE id = 1")
            opened.cursor().execute("INSERT INTO list (word) VALUES (UUID())")
        first.commit()
        second.commit()
    assert seen(cluster.node(3), table, "SELECT COUNT(*) FROM list") == [(2,)]


def test_numbers_jump_and_keys_hold(cluster: Cluster, table: str) -> None:
    """Three nodes count in steps, so numbers are not in order of writing.

    A unique key holds over all of them.
    """
    errors = []

    def insert(node: Node) -> None:
        for n in range(20):
            try:
                node.execute(f"INSERT INTO list (word) VALUES ('same{n}')", database=table)
            except pymysql.MySQLError as error:
                errors.append(error.args[0])

    threads = [threading.Thread(target=insert, args=(node,)) for node in cluster.nodes]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for node in cluster.nodes:
        assert seen(node, table, "SELECT COUNT(*) FROM list") == [(20,)]
    assert len(errors) == 2 * 20
    assert set(errors) <= {ER.DUP_ENTRY, ER.LOCK_DEADLOCK}


# --- the school over it ---------------------------------------------------------------------------


@dataclass
class Two:
    """One school in a cluster, worked at from two machines.

    Each names the nodes in an order of its own.
    """

    cluster: Cluster
    database: str
    office: ServerInstallation
    fair: ServerInstallation

    def spent(self) -> int:
        """Coins that were spent, by the ledger."""
        return -sum(
            posted.entry.coins for posted in self.office.ledger() if posted.entry.kind is Kind.SALE
        )

    def check(self) -> None:
        """The same on all nodes, and proven on each."""
        self.cluster.settle()
        ledgers = []
        for node in self.cluster.nodes:
            self.fair.move(node.url(self.database), **MANNERS)
            self.fair.check()
            ledgers.append(self.fair.state())
        assert ledgers[0] == ledgers[1] == ledgers[2]


@pytest.fixture
def two(cluster: Cluster, tmp_path: Path) -> Iterator[Two]:
    """A school after its first sync, with mugs to sell and three days of lessons to read."""
    database = cluster.new_database()
    office, fair = tmp_path / "office", tmp_path / "fair"
    office.mkdir()
    fair.mkdir()
    with listening(a_school(residents=24)) as simulator:
        there = open_server_installation(office, cluster.url(database), simulator, **MANNERS)
        there.ok("sync", "--quiet")
        there.school.act("advance", days=3)
        fill(there, {MUG: 1000}, {ADA: 100 - there.balance(ADA), RICH: 3000})
        shutil.copy(office / "coinsync.secrets", fair)
        here = ServerInstallation(fair, simulator, address=cluster.url(database, first=2))
        here.configure(**MANNERS)
        cluster.settle()
        yield Two(cluster, database, there, here)


def in_process(installation: ServerInstallation, *words: str) -> Said:
    """Run a command in a process of its own."""
    called = [sys.executable, "-m", "cli", "--config", str(installation.config), *words]
    done = subprocess.run(
        called,
        env={"USER": "anna", "PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


STEPS = ("begin", "head", "checked", "commit")


@pytest.mark.parametrize("step", STEPS)
def test_coins_are_spent_once_on_two_nodes(two: Two, blows: Blows, step: str) -> None:
    """While a sale of 90 from 100 is written on one node, 60 are spent on another.

    The first is refused (7).
    """
    said = []
    sell = ("sell", f"#{ADA}", "mug", "--yes", "--quantity")
    with blows.first(step, lambda: said.append(in_process(two.fair, *sell, "2"))):
        refused = two.office.run(*sell, "3")
    assert [one.code for one in said] == [0], said
    assert refused.code == REFUSED, refused
    assert "has 40 coins, 90 needed; nothing written" in refused.err
    assert (two.office.balance(ADA), two.spent()) == (40, 60)
    two.check()


@pytest.mark.parametrize("step", STEPS)
def test_one_key_on_two_nodes(two: Two, blows: Blows, step: str) -> None:
    """The same sale under one key from two machines.

    Both are told that it is sold, and it is sold once.
    """
    said = []
    sell = ("sell", f"#{RICH}", "mug", "--yes", "--key", "0123456789ab")
    with blows.first(step, lambda: said.append(in_process(two.fair, *sell))):
        said.append(two.office.run(*sell))
    assert [one.code for one in said] == [0, 0], said
    assert two.spent() == 30
    two.check()


class Fair:
    """A till in a process of its own, at which one buyer after another takes a mug."""

    def __init__(self, installation: ServerInstallation) -> None:
        self.sold = 0
        self.said: list[str] = []
        self._till = Till(installation)
        self._open = True
        self._seller = threading.Thread(target=self._sell)

    def __enter__(self) -> Fair:
        self._seller.start()
        self.goes_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._seller.join(2 * PATIENCE)
        self._till.close()

    def goes_on(self) -> None:
        """Wait until somebody has bought something."""
        before = self.sold
        until(
            lambda: self.sold > before or not self._seller.is_alive(), "the fair goes on", PATIENCE
        )
        assert self._seller.is_alive(), self.said[-3:]

    def closes(self) -> None:
        """The last buyer is served, and the till counts as we did."""
        self._open = False
        self._seller.join(2 * PATIENCE)
        assert self._till.ends() == (0, f"{self.sold} sales, {30 * self.sold} coins\n"), self.said[
            -3:
        ]

    def _sell(self) -> None:
        self._till.asks("buyer> ")
        while self._open:
            self._till.choose(RICH, "mug")
            self._till.types("y")
            said = self._till.asks("> ")
            self.said.append(said)
            self.sold += "  sold, " in said
            while not said.endswith("buyer> "):
                self._till.types("")
                said = self._till.asks("> ")
            time.sleep(PAUSE)


@pytest.mark.parametrize("step", ["begin", "head", "entries", "commit", "committed"])
def test_a_node_dies_in_a_sync_and_the_fair_goes_on(two: Two, blows: Blows, step: str) -> None:
    """A sync on node 1, a till on node 2, node 1 is killed in mid-sync.

    The sync goes on over another node, the till sells on; when node 1 is back, everything is on all
    three, once. Only what is read between two plans is left to the next run.
    """
    cluster = two.cluster
    with Fair(two.fair) as fair:
        with blows.first(step, cluster.node(1).kill, after="committed"):
            said = two.office.run("sync", "--quiet")
        fair.goes_on()
        fair.closes()
    assert said.code == 0 or (said.code == LATER and step == "committed"), said
    assert two.spent() == 30 * fair.sold
    cluster.heal()
    assert two.office.run("sync", "--quiet").code == 0
    two.check()


def test_the_fairs_own_node_dies(two: Two) -> None:
    """Node 2 is killed while buyers stand at the till that is served by it.

    Sold on over another node, each once.
    """
    with Fair(two.fair) as fair:
        two.cluster.node(2).kill()
        fair.goes_on()
        fair.closes()
    assert two.spent() == 30 * fair.sold
    two.cluster.heal()
    two.check()


def test_one_node_alone_writes_nothing(two: Two) -> None:
    """Where two of three have died: later, because the node is not ready.

    With the others back it is sold, once.
    """
    coins = two.office.balance(RICH)
    two.cluster.node(2).kill()
    two.cluster.node(3).kill()
    alone = two.cluster.node(1)
    until(
        lambda: alone.status("wsrep_ready") == "OFF",
        "the last one knows that it is alone",
        PATIENCE,
    )
    words = ("sell", f"#{RICH}", "mug", "--yes", "--key", "0123456789ab")
    said = two.office.run(*words)
    assert said.code == LATER, said
    assert "nothing written" in said.err
    two.cluster.heal()
    for _ in range(2):
        two.office.ok(*words)
        assert two.office.balance(RICH) == coins - 30
    two.check()


def test_the_web_view_looks_at_another_node(two: Two, tmp_path: Path) -> None:
    """The web view goes on when its node dies, and answers 503 when no node may answer."""
    with closing(Window(two.office, tmp_path / "log")) as window:
        until(window.serves, "the web view serves", PATIENCE)
        two.cluster.node(1).kill()
        until(window.serves, "the web view serves over another node", PATIENCE)
        two.cluster.node(2).kill()
        until(window.regrets, "the web view regrets", PATIENCE)
        two.cluster.heal()
        until(window.serves, "the web view serves again", PATIENCE)
