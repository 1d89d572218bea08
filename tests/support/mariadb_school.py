"""An installation with its coins on a server, and blows that fall at an exact step of writing.

The blow falls in the test's own process between two statements of the writer: what was sent before
has been answered, what comes after meets a server that has died, was cut off or refuses.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

import cli
from coinsync.environment import Environment
from coinsync.simulator import Simulator
from coinsync.store import database as opening
from tests.support import engines
from tests.support.mariadb import HOST, free_ports
from tests.support.school import APP, SECRETS, VK_KEY, Installation
from webview.launch import sign

#: Tables with times, numbers of runs or what is drawn at random; what they say is in
#: ``ServerInstallation.state`` otherwise.
_OF_THE_MOMENT = frozenset({"head", "run", "entry", "note", "stock_move"})


SECONDS_MAX = 60.0


@dataclass
class ServerInstallation(Installation):
    """An installation with an address of a database in the place of a file."""

    address: str = ""

    @property
    def url(self) -> str:
        """The database."""
        return self.address

    @property
    def name(self) -> str:
        """What the server calls the database."""
        return self.address.rpartition("/")[2]

    def configure(self, **changed: Any) -> None:
        """Write the configuration, with the address and with little patience for other writers."""
        super().configure(**{"database__url": self.address, "database__wait_seconds": 5, **changed})

    def move(self, address: str, **changed: Any) -> None:
        """Keep coins at another address from now on."""
        self.address = address
        self.configure(**changed)

    def facts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table that does not depend on the moment when it was written."""
        return {
            name: rows
            for name, rows in engines.tables(self.url).items()
            if name not in _OF_THE_MOMENT
        }

    def state(self) -> tuple[object, ...]:
        """Everything that the database holds, without times and keys made at random: equal states,
        equal content.
        """
        with self.reader() as reader:
            moves = reader.stock_moves()
        return (self.content(), moves, self.facts())

    def check(self, *expected: str) -> None:
        """Entries are numbered without a gap, and every proof finds nothing but what the named
        checks are to find.
        """
        ledger = self.ledger()
        assert [posted.n for posted in ledger] == list(range(1, len(ledger) + 1))
        said = self.run("reconcile", "--json")
        assert {finding["check"] for finding in said.json["findings"]} == set(expected), (
            said.out + said.err
        )


def open_server_installation(
    folder: Path, address: str, simulator: Simulator | None = None, **changed: Any
) -> ServerInstallation:
    """Set up an installation with an empty database at an address."""
    installation = ServerInstallation(folder, simulator, address=address)
    installation.configure(**changed)
    secrets = folder / "coinsync.secrets"
    secrets.touch(mode=0o600)
    secrets.write_text(SECRETS)
    opening.create(address)
    return installation


class Blows:
    """Lets the writer's passes be counted, and something happen at one of them, once."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self._at = 0
        self._blow: Callable[[], object] | None = None
        self._watcher: Callable[[str], object] | None = None

    def __call__(self, name: str) -> None:
        """The writer passes a step."""
        self.passed.append(name)
        if self._watcher is not None:
            self._watcher(name)
        if len(self.passed) == self._at and self._blow is not None:
            self._blow()

    @contextmanager
    def watched(self, watcher: Callable[[str], object]) -> Iterator[None]:
        """Let somebody see the name of every pass."""
        self._watcher = watcher
        try:
            yield
        finally:
            self._watcher = None

    @contextmanager
    def first(self, step: str, blow: Callable[[], object], after: str = "") -> Iterator[None]:
        """Let ``blow`` fall at the first pass of ``step``, or the first after one of ``after``;
        insist that it fell.
        """
        fell: list[str] = []
        self.passed = []

        def watch(name: str) -> None:
            if name == step and not fell and (not after or after in self.passed[:-1]):
                fell.append(name)
                blow()

        with self.watched(watch):
            yield
        assert fell, f"no pass of {step}: {self.passed}"

    @contextmanager
    def at(self, number: int, blow: Callable[[], object]) -> Iterator[None]:
        """Let ``blow`` fall at pass ``number`` (from 1), and insist that it fell."""
        self.passed, self._at, self._blow = [], number, blow
        try:
            yield
        finally:
            self._at = 0
        assert len(self.passed) >= number, f"only {len(self.passed)} passes"


@pytest.fixture
def blows(monkeypatch: pytest.MonkeyPatch) -> Blows:
    """Passes of the writer in this process."""
    made, main = Blows(), cli.main

    def probed(words: Sequence[str], environment: Environment) -> int:
        return main(words, replace(environment, probe=made))

    monkeypatch.setattr(cli, "main", probed)
    return made


class Till:
    """A till in a process of its own, at which somebody types when it asks."""

    def __init__(self, installation: ServerInstallation) -> None:
        words = [sys.executable, "-m", "cli", "--config", str(installation.config), "till"]
        environ = {"USER": "anna", "PATH": os.defpath, "LANG": "C.UTF-8", "TERM": "dumb"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            words, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, env=environ
        )

    def asks(self, question: str) -> str:
        """Wait until it asks; what it has said since the last question."""
        assert self._process.stdout is not None
        end, said = time.monotonic() + SECONDS_MAX, ""
        while not said.endswith(question):
            ready, _, _ = select.select(
                [self._process.stdout], [], [], max(0.0, end - time.monotonic())
            )
            part = os.read(self._process.stdout.fileno(), 65536).decode() if ready else ""
            assert part, f"it does not ask {question!r}: {said!r}"
            said += part
        return said

    def types(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def choose(self, buyer: int, goods: str) -> None:
        """A buyer and what he wants, as far as the last question; it has asked for a buyer before."""  # noqa: E501
        self.types(f"#{buyer} {goods}")
        self.asks("[Y/n] ")

    def ends(self) -> tuple[int, str]:
        """Leave the till; its exit code and last words."""
        self.types("0")
        out, _ = self._process.communicate(timeout=SECONDS_MAX)
        return self._process.returncode, out.decode()

    def close(self) -> None:
        """Let nothing run on."""
        self._process.kill()
        self._process.communicate()


class Window:
    """The web view in a process of its own, and a visitor."""

    def __init__(self, installation: ServerInstallation, log: Path) -> None:
        (self.port,) = free_ports(1)
        words = [
            sys.executable,
            "-m",
            "cli",
            "--config",
            str(installation.config),
            "serve",
            "--port",
            str(self.port),
        ]
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                words, stdout=file, stderr=file, env={"PATH": os.defpath}
            )

    def status(self, path: str) -> int:
        """The status of an answer; 0 where nobody answers."""
        try:
            status: int = requests.get(
                f"http://{HOST}:{self.port}{path}", timeout=SECONDS_MAX
            ).status_code
        except requests.ConnectionError:
            return 0
        return status

    def launch(self) -> str:
        """The address that a visitor of this moment comes with."""
        fields = {
            "vk_app_id": str(APP),
            "vk_ts": str(int(cli.utc_now().timestamp())),
            "vk_user_id": "501",
        }
        return "/?" + sign(fields, VK_KEY)

    def serves(self) -> bool:
        """Whether a visitor is served now."""
        return (self.status(self.launch()), self.status("/healthz")) == (200, 200)

    def regrets(self) -> bool:
        """Whether a visitor is told to come back later."""
        return (self.status(self.launch()), self.status("/healthz")) == (503, 503)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
