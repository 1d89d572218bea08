"""Two runs at once.

The lock keeps them apart, and without the lock nothing is doubled all the same.
"""

from __future__ import annotations

import subprocess
import sys

from tests.support.school import SECRETS, Installation


def together(*installations: Installation) -> list[int]:
    """Sync in several processes at once; their exit codes."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "cli", "--config", str(installation.config), "sync", "--quiet"],
            stderr=subprocess.DEVNULL,
        )
        for installation in installations
    ]
    return [run.wait(60) for run in runs]


def test_two_syncs_of_one_installation(installation: Installation) -> None:
    """One does the work, the other leaves with 75 or finds nothing to do."""
    codes = together(installation, installation)
    assert sorted(codes) in ([0, 0], [0, 75])
    once = installation.content()
    installation.ok("sync")
    assert installation.content() == once


def test_two_syncs_that_do_not_see_each_others_lock(installation: Installation) -> None:
    """Two configurations of one database.

    Keys are unique and the basis is read again, so nothing is paid twice.
    """
    other = Installation(installation.folder / "other", installation.simulator)
    other.folder.mkdir()
    other.configure(database__url=installation.url)
    (other.folder / "coinsync.secrets").write_text(SECRETS)
    (other.folder / "coinsync.secrets").chmod(0o600)
    for _ in range(3):
        assert set(together(installation, other, installation)) <= {0, 3, 5, 75}
        installation.school.act("advance", days=1)
    installation.ok("sync")
    keys = [(entry.key, entry.seq) for _, entry in installation.content()]  # type: ignore[attr-defined]
    assert len(keys) == len(set(keys))
    sums: dict[str, int] = {}
    for posted in installation.ledger():
        sums[posted.entry.key] = sums.get(posted.entry.key, 0) + posted.entry.coins
    assert set(sums.values()) <= {0, 10}
