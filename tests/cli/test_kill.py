"""Killed anywhere: the transaction is whole or absent, and the next sync finishes the job."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from coinsync.core.ledger import Kind
from tests.support import chain, engines
from tests.support.school import Installation, a_school, listening, open_installation

KILLED = -9
RANDOM_KILLS = 12
#: Steps are tried in so many tests, which several cores can share.
SHARES = 3


@dataclass
class Scene:
    """A synced school on the eve of a sync that awards, reverses and records."""

    installation: Installation
    master: Path
    before: list[tuple[object, ...]]
    after: list[tuple[object, ...]]
    starter: subprocess.Popen[str]
    between: list[tuple[object, ...]] | None = None

    def reset(self) -> None:
        """Put the database back as it was before, on a machine that has not seen it go on."""
        for pattern in ("coinsync.db*", ".coinsync-*.seal"):
            for path in self.installation.folder.glob(pattern):
                path.unlink()
        shutil.copy(self.master, self.installation.folder / "coinsync.db")

    def start(self, at: int) -> int:
        """Start the sync that dies at pass ``at``; the number of its process."""
        assert self.starter.stdin is not None
        self.starter.stdin.write(f"{at}\n")
        self.starter.stdin.flush()
        return self._answer()

    def ended(self) -> int:
        """Wait for the end of what was started; its exit code."""
        return self._answer()

    def _answer(self) -> int:
        assert self.starter.stdout is not None
        return int(self.starter.stdout.readline())

    def run(self, at: int) -> int:
        """Let the sync die at pass ``at``, or not at all; its exit code."""
        self.start(at)
        return self.ended()

    def check(self) -> None:
        """Whole or absent, chained, and finished by the next sync.

        After that nothing is left to do.
        """
        assert self.installation.content() in (self.before, self.between, self.after)
        check_chain(self.installation)
        self.installation.ok("sync", "--quiet")
        assert self.installation.content() == self.after
        check_chain(self.installation)
        report = self.installation.ok("sync", "--json").json
        assert [result["report"]["changes"] for result in report["results"]] == [0] * len(
            report["results"]
        )


def check_chain(installation: Installation) -> None:
    """Every entry is numbered without a gap, and every run follows from the one before."""
    ledger = installation.ledger()
    assert [posted.n for posted in ledger] == list(range(1, len(ledger) + 1))
    with engines.tampering(installation.url) as connection:
        assert chain.breaks(connection) == []


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One branch, one month, then a day passes and a lesson is cancelled."""
    folder = tmp_path_factory.mktemp("scene")
    with listening(a_school(residents=12, days=18)) as simulator:
        branch = [{"id": 1, "name": "", "zone": "Europe/Moscow"}]
        installation = open_installation(
            folder, simulator, branch=branch, sync__days_back=18, guards__reversals_free=50
        )
        installation.ok("sync", "--quiet")
        before = installation.content()
        master = folder / "master.db"
        installation.simulator.school.act("advance", days=3)  # type: ignore[union-attr]
        installation.school.act("cancel", lesson=installation.paid_lessons()[2].id)
        # The file itself, in the journal mode that the program has chosen: changing that once more
        # is not what is to be killed.
        with contextlib.closing(sqlite3.connect(folder / "coinsync.db")) as opened:
            opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(folder / "coinsync.db", master)
        installation.ok("sync", "--quiet")
        after = installation.content()
        kinds = {entry.kind for _, entry in after[len(before) :]}  # type: ignore[attr-defined]
        assert kinds == {Kind.AWARD, Kind.REVERSAL}
        words = [str(folder / "passes"), "--config", str(installation.config), "sync", "--quiet"]
        with subprocess.Popen(
            [sys.executable, "-m", "tests.support.dying", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as starter:
            yield Scene(installation, master, before, after, starter)


@pytest.mark.parametrize("share", range(SHARES))
def test_every_step_of_apply(scene: Scene, share: int) -> None:
    """SIGKILL at each pass of each probe: old or new, never between; then it converges."""
    scene.reset()
    assert scene.run(0) == 0
    passes = (scene.installation.folder / "passes").read_text(encoding="utf-8").split("\n")
    assert {"begin", "head", "checked", "entries", "run", "commit", "committed"} <= set(passes)
    assert len(passes) > 15
    for at in range(1 + share, len(passes) + 1, SHARES):
        scene.reset()
        assert scene.run(at) == KILLED, passes[at - 1]
        scene.check()


def test_any_moment(scene: Scene) -> None:
    """SIGKILL at moments spread over the whole run, the reading of the CRM among them."""
    scene.reset()
    began = time.monotonic()
    assert scene.run(0) == 0
    whole = time.monotonic() - began
    for step in range(RANDOM_KILLS):
        scene.reset()
        child = scene.start(0)
        time.sleep(whole * (step + 0.5) / RANDOM_KILLS)
        # One that has ended a little sooner has done what the check wants to see as well.
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        scene.ended()
        scene.check()
