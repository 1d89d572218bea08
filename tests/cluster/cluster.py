"""A Galera cluster of the test's own.

Three servers of ``tests/mariadb.py`` on loopback that hold the same rows.

Who has gone is noticed after a second or two instead of after Galera's usual five to fifteen, so
that a test of a death takes seconds; nothing else differs from what an administrator would
configure.
"""

from __future__ import annotations

import re
import subprocess
from os import geteuid
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import pymysql

from tests.support.mariadb import (
    HOST,
    PASSWORD,
    SECONDS_MAX,
    USER,
    Broken,
    Server,
    free_ports,
    program,
    until,
)

PROVIDER = Path("/usr/lib/galera/libgalera_smm.so")
SIZE = 3

_NOTICE_SOON = {
    "evs.keepalive_period": "PT0.3S",
    "evs.inactive_check_period": "PT0.3S",
    "evs.suspect_timeout": "PT1S",
    "evs.inactive_timeout": "PT2S",
    "evs.install_timeout": "PT2S",
}
_STATE, _NOT_FIRST, _FIRST = "grastate.dat", "safe_to_bootstrap: 0", "safe_to_bootstrap: 1"
_POSITION = re.compile(r"Recovered position:\s*([0-9a-f-]+:-?\d+)")


class Node(Server):
    """One server of a cluster. ``start`` joins, or joins again, the others that run."""

    def __init__(self, folder: Path, name: str, source: Path | None) -> None:
        super().__init__(folder, source=source)
        self.name = name
        self.group_port, self.transfer_port, self.state_port = free_ports(3)
        self.others: list[Node] = []

    def words(self) -> list[str]:
        """The program and what it is started with: a server that replicates."""
        settings = {
            "gmcast.listen_addr": f"tcp://{HOST}:{self.group_port}",
            "ist.recv_addr": f"{HOST}:{self.transfer_port}",
            "gcache.size": "16M",
            # Else one that comes back within seconds claims to be the member that the others have
            # just given up, and all of them stop.
            "pc.recovery": "no",
            **_NOTICE_SOON,
        }
        options = ";".join(f"{name}={value}" for name, value in settings.items())
        group = ",".join(f"{HOST}:{one.group_port}" for one in (self, *self.others))
        return [
            *self._as_root(),
            *super().words(),
            "--binlog-format=ROW",
            "--innodb-autoinc-lock-mode=2",
            # A server that replicates lets only its master make triggers, unless it is told to
            # trust others too.
            "--log-bin-trust-function-creators=ON",
            "--wsrep-on=ON",
            f"--wsrep-provider={PROVIDER}",
            f"--wsrep-provider-options={options}",
            "--wsrep-cluster-name=school",
            f"--wsrep-cluster-address=gcomm://{group}",
            f"--wsrep-node-name={self.name}",
            f"--wsrep-node-address={HOST}",
            f"--wsrep-node-incoming-address={HOST}:{self.port}",
            "--wsrep-sst-method=rsync",
            f"--wsrep-sst-receive-address={HOST}:{self.state_port}",
        ]

    def start(self) -> None:
        """Join the others and wait until it holds what they hold.

        Only what it missed is sent to it.
        """
        position = self.position()
        self.launch(*([f"--wsrep-start-position={position}"] if position else []))
        self.wait_ready()

    def found(self) -> None:
        """Be the first of a cluster.

        Of a new one, or of its own one that nobody else remembers better.
        """
        position = self.position()
        if position:
            state = self.data / _STATE
            state.write_text(
                state.read_text(encoding="ascii").replace(_NOT_FIRST, _FIRST), encoding="ascii"
            )
        self.launch(
            "--wsrep-new-cluster", *([f"--wsrep-start-position={position}"] if position else [])
        )
        self.wait_ready()

    def position(self) -> str:
        """Where it stood when it ended.

        The cluster's name and the number of the last transaction; "" for a new one.
        """
        assert not self.runs
        if not (self.data / _STATE).exists():
            return ""
        done = subprocess.run(
            [*self.words(), "--wsrep-recover"],
            capture_output=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        said = done.stderr.decode(errors="replace")
        found = _POSITION.findall(said)
        if not found:
            raise Broken(f"{self.name} does not say where it stood:\n{said[-2000:]}")
        return str(found[-1])

    def answers(self) -> bool:
        """Whether it belongs to a cluster that may write, and holds what the others hold."""
        try:
            return (
                self.status("wsrep_ready") == "ON"
                and self.status("wsrep_local_state_comment") == "Synced"
            )
        except pymysql.Error:
            return False

    def status(self, name: str) -> str:
        """One of the figures that the cluster shows."""
        rows = self.execute(f"SHOW GLOBAL STATUS LIKE '{name}'")
        return str(rows[0][1]) if rows else ""

    def _as_root(self) -> list[str]:
        """Words before the program that let the copying of a whole node work for root too.

        Galera's script starts rsync as a server, which gives root's rights away first.
        """
        if geteuid() != 0:
            return []
        programs = self.folder / "programs"
        if not programs.is_dir():
            programs.mkdir(parents=True)
            real, keep = program("rsync", "rsync"), "--dparam=uid=0 --dparam=gid=0"
            script = programs / "rsync"
            script.write_text(
                f'#!/bin/sh\ncase "$1" in --daemon) set -- "$@" {keep};; esac\nexec {real} "$@"\n'
            )
            script.chmod(0o755)
            (programs / "first").write_text(f'PATH="{programs}:$PATH"\n')
        # The server puts its own folder before PATH; the script's shell reads this file after that.
        return ["/usr/bin/env", f"BASH_ENV={programs / 'first'}"]

    def wait_synced(self, seconds: float = SECONDS_MAX) -> None:
        """Wait until it belongs to the cluster and holds what the others hold."""
        self.wait_ready(seconds)


class Cluster:
    """Three nodes. ``with Cluster(folder) as cluster:`` starts them and leaves no process behind.

    Files stay.
    """

    def __init__(self, folder: Path, source: Path | None = None) -> None:
        if not PROVIDER.exists():
            raise Broken(
                f"{PROVIDER} is not here; run: make programs (Debian's package is galera-4)"
            )
        program("rsync", "rsync")
        self.nodes = [Node(folder / f"node{n}", f"node{n}", source) for n in range(1, SIZE + 1)]
        for node in self.nodes:
            node.others = [one for one in self.nodes if one is not node]
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
        self.kill()

    def start(self) -> None:
        """Found the cluster on node 1 and let the others join it, one after another."""
        first, *others = self.nodes
        first.found()
        for node in others:
            node.start()
        self.wait_size(SIZE)

    def start_again(self) -> None:
        """Start all nodes after all have ended.

        The one that knows most founds the cluster again, as by hand.
        """
        known = {node.name: int(node.position().rpartition(":")[2]) for node in self.nodes}
        first, *others = sorted(self.nodes, key=lambda node: -known[node.name])
        first.found()
        for node in others:
            node.start()
        self.wait_size(SIZE)

    def heal(self) -> None:
        """Make it whole again, whatever has happened to its nodes."""
        if not any(node.runs for node in self.nodes):
            self.start_again()
            return
        alone = [
            node
            for node in self.nodes
            if node.runs and node.status("wsrep_cluster_status") != "Primary"
        ]
        if alone and len(alone) == sum(node.runs for node in self.nodes):
            # Who is left may not decide alone that the others are dead; a person may.
            alone[0].execute("SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'")
        for node in self.nodes:
            if not node.runs:
                node.start()
        self.wait_size(SIZE)

    def stop(self) -> None:
        """Stop all that run, cleanly, one after another, the first one last."""
        for node in reversed(self.nodes):
            if node.runs:
                node.stop()

    def kill(self) -> None:
        """End all (SIGKILL), as a loss of power would."""
        for node in self.nodes:
            node.kill()

    def node(self, number: int) -> Node:
        """Node 1, 2 or 3."""
        return self.nodes[number - 1]

    def url(
        self, database: str, user: str = USER, password: str = PASSWORD, *, first: int = 1
    ) -> str:
        """The address of a database with every node as a host, the ``first`` one first."""
        one = urlsplit(self.nodes[0].url(database, user, password))
        account = one.netloc.rpartition("@")[0]
        nodes = [*self.nodes[first - 1 :], *self.nodes[: first - 1]]
        hosts = ",".join(f"{HOST}:{node.port}" for node in nodes)
        return f"{one.scheme}://{account}@{hosts}/{database}"

    def new_database(self) -> str:
        """Create an empty database (utf8mb4) that all nodes that run have; its name."""
        self._databases += 1
        name = f"school_{self._databases}"
        next(node for node in self.nodes if node.runs).execute(
            f"CREATE DATABASE {name} CHARACTER SET utf8mb4"
        )
        self.settle()
        return name

    def settle(self) -> None:
        """Wait until every node that runs holds what any of them has committed."""
        for node in self.nodes:
            if node.runs:
                node.execute(
                    "SET SESSION wsrep_sync_wait = 1",
                    "SELECT COUNT(*) FROM information_schema.schemata",
                )

    def wait_size(self, size: int, seconds: float = SECONDS_MAX) -> None:
        """Wait until all nodes that run are one cluster of ``size`` and hold the same."""

        def agreed() -> bool:
            running = [node for node in self.nodes if node.runs]
            return len(running) >= size and all(
                node.answers() and node.status("wsrep_cluster_size") == str(size)
                for node in running
            )

        try:
            until(agreed, f"a cluster of {size}", seconds)
        except Broken as error:
            words = "\n".join(f"--- {node.name}\n{node.last_words()}" for node in self.nodes)
            raise Broken(f"{error}\n{words}") from None
