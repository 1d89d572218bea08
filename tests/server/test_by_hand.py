"""A Debian of its own, before the others: what install.sh prints, and cron, in its place."""

from __future__ import annotations

import re

import pytest

from tests.server.conftest import a_server
from tests.server.debian import PROJECT

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]


def test_by_hand() -> None:
    """What ``install.sh --dry-run`` prints, typed line by line as root, and the jobs by cron."""
    with a_server() as server:
        debian = server.debian
        dry_run = "cd coinsync && sudo sh docs/deploy/install.sh --dry-run"
        printed = debian.ok("anna", dry_run).splitlines()
        commands = [line.removeprefix(" + ") for line in printed if line.startswith(" + ")]
        assert len(commands) > 20
        for command in commands:
            debian.ok("root", command)
        debian.ok("root", "usermod --append --groups coinsync-admin anna")
        debian.ok("anna", server.init)
        debian.ok("anna", "coinsync sync --yes")
        debian.ok("root", "systemctl restart coinsync-database")
        assert "all is right" in debian.ok("anna", "coinsync reconcile")
        debian.ok("anna", "cd coinsync && sudo crontab -u coinsync crontab.example")
        table = debian.ok("root", "crontab -u coinsync -l")
        assert table == (PROJECT / "crontab.example").read_text(encoding="utf-8")
        jobs = re.findall(r"^[0-9*]+(?: +[0-9*]+){4} +(.*)$", table, re.MULTILINE)
        assert len(jobs) == 5
        for job in jobs:
            # As cron does: by sh, as that user, with next to no environment.
            bare = "env -i HOME=/var/lib/coinsync LOGNAME=coinsync PATH=/usr/bin:/bin"
            cron = f"setpriv --reuid coinsync --regid coinsync --init-groups {bare} sh -c '{job}'"
            said = debian.ok("root", f"cd /var/lib/coinsync && {cron} 2>&1")
            if job.endswith(" waiting"):
                # What waits is told, and the next morning only what has come since.
                assert "coinsync review" in said
                said = debian.ok("root", f"cd /var/lib/coinsync && {cron} 2>&1")
            assert said == ""
