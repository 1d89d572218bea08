"""A cluster of three: what a node accepts the others have, one may die, and two that write at once are told apart.

Run by ``make test-cluster``; each test finds three nodes that hold the same.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql
import pytest
from pymysql.constants import ER

from tests.cluster import SIZE, Cluster, Node
from tests.mariadb import PASSWORD, USER, Row, until

pytestmark = pytest.mark.cluster

NOT_READY = 1047
#: A node that dies is missed after a second or two; the rest is for a machine that does other things too.
PATIENCE = 30.0


@pytest.fixture(scope="module")
def founded(mariadb_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for this file."""
    with Cluster(tmp_path_factory.mktemp("cluster"), mariadb_template) as cluster:
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
        "CREATE TABLE list (id BIGINT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(40) NOT NULL UNIQUE)",
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


def test_three_nodes_are_one_cluster(cluster: Cluster) -> None:
    """Each says that there are three, that it belongs to them and that it holds what they hold."""
    for node in cluster.nodes:
        figures = ("wsrep_cluster_size", "wsrep_cluster_status", "wsrep_local_state_comment", "wsrep_ready")
        assert [node.status(name) for name in figures] == [str(SIZE), "Primary", "Synced", "ON"]
    assert len({node.status("wsrep_cluster_state_uuid") for node in cluster.nodes}) == 1
    assert len({node.port for node in cluster.nodes}) == SIZE


def test_what_one_accepts_the_others_have(cluster: Cluster, table: str) -> None:
    """A row that is committed on one node is read on another at once by who waits for it there."""
    for n in range(50):
        cluster.node(1 + n % SIZE).execute(f"INSERT INTO list (word) VALUES ('w{n}')", database=table)
        assert seen(cluster.node(1 + (n + 1) % SIZE), table, "SELECT COUNT(*) FROM list") == [(n + 1,)]


def test_the_ledgers_account_works_on_every_node(cluster: Cluster, table: str) -> None:
    """The account and its rights are the same wherever it connects, and the address names every node in order."""
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
    """SIGKILL of a node stops writes until it is missed; then two go on, and who comes back has all rows."""
    cluster.node(1).execute("INSERT INTO list (word) VALUES ('before')", database=table)
    cluster.node(1).kill()
    until(lambda: _wrote(cluster.node(2), table, "after"), "a write of the rest", PATIENCE)
    cluster.wait_size(2)
    _wrote(cluster.node(3), table, "third")
    cluster.node(1).start()
    cluster.wait_size(SIZE)
    for node in cluster.nodes:
        assert seen(node, table, "SELECT word FROM list ORDER BY id") == [("before",), ("after",), ("third",)]


def test_one_leaves_in_peace_and_comes_back(cluster: Cluster, table: str) -> None:
    """A clean stop is no death: the rest writes on at once, and what it missed is sent when it is back."""
    cluster.node(3).stop()
    cluster.node(1).execute("INSERT INTO list (word) VALUES ('missed')", database=table)
    assert cluster.node(2).status("wsrep_cluster_size") == "2"
    cluster.node(3).start()
    assert seen(cluster.node(3), table, "SELECT word FROM list") == [("missed",)]


def test_one_that_is_alone_refuses(cluster: Cluster, table: str) -> None:
    """Where two of three have died the last one answers neither reads nor writes, though it lets people connect."""
    cluster.node(2).kill()
    cluster.node(3).kill()
    alone = cluster.node(1)
    until(lambda: alone.status("wsrep_ready") == "OFF", "the last one knows that it is alone", PATIENCE)
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
    """Of two transactions on two nodes that change one row the second gets 1213 at COMMIT, and nothing of it stays."""
    with closing(writer(cluster.node(1), table)) as first, closing(writer(cluster.node(2), table)) as second:
        for coins, opened in ((80, first), (70, second)):
            opened.cursor().execute("UPDATE counter SET n = n - %s WHERE id = 1", (coins,))
            opened.cursor().execute("INSERT INTO list (word) VALUES (%s)", (str(coins),))
        first.commit()
        with pytest.raises(pymysql.err.OperationalError) as error:
            second.commit()
        assert error.value.args[0] == ER.LOCK_DEADLOCK
    for node in cluster.nodes:
        assert seen(node, table, "SELECT n, (SELECT GROUP_CONCAT(word) FROM list) FROM counter") == [(20, "80")]


def test_a_change_that_changes_nothing_tells_nobody_apart(cluster: Cluster, table: str) -> None:
    """Writing the value that stands there is no conflict: a lock must really change its row."""
    with closing(writer(cluster.node(1), table)) as first, closing(writer(cluster.node(2), table)) as second:
        for opened in (first, second):
            opened.cursor().execute("UPDATE counter SET n = n WHERE id = 1")
            opened.cursor().execute("INSERT INTO list (word) VALUES (UUID())")
        first.commit()
        second.commit()
    assert seen(cluster.node(3), table, "SELECT COUNT(*) FROM list") == [(2,)]


def test_numbers_jump_and_keys_hold(cluster: Cluster, table: str) -> None:
    """Three nodes count in steps, so numbers are not in order of writing; a unique key holds over all of them."""
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


def _wrote(node: Node, database: str, word: str) -> bool:
    try:
        node.execute(f"INSERT INTO list (word) VALUES ('{word}')", database=database)
    except pymysql.err.OperationalError:
        return False
    return True
