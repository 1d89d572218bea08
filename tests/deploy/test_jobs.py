"""Jobs of the night, for systemd and for cron, and how little their processes may do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.school import Installation

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
CRONTAB = Path(__file__).parents[2] / "crontab.example"
SERVICES = sorted((DEPLOY / "systemd").glob("*.service"))
JOBS = ("sync", "backup", "waiting", "deep", "reconcile")


def schedules_of_timers() -> dict[str, str]:
    """The times of jobs by their names, as cron writes them: minute, hour, weekday."""
    schedules = {}
    for timer in (DEPLOY / "systemd").glob("*.timer"):
        text = timer.read_text(encoding="utf-8")
        (job,) = re.findall(r"^Unit=coinsync-job@(\w+)\.service$", text, re.MULTILINE)
        (when,) = re.findall(r"^OnCalendar=(.*)$", text, re.MULTILINE)
        ((day, hour, minute),) = re.findall(r"^(Sun )?\*-\*-\* (\d\d):(\d\d):00$", when)
        assert timer.stem == f"coinsync-{job}"
        schedules[job] = f"{int(minute)} {int(hour)} * * {0 if day else '*'}"
    return schedules


def test_cron_and_timers_do_the_same_at_the_same_time() -> None:
    """Whoever has no systemd misses nothing."""
    lines = re.findall(
        r"^([0-9*]+ [0-9*]+ [0-9*]+ [0-9*]+ [0-9*]+) +/usr/local/lib/coinsync/job (\w+)$",
        CRONTAB.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert {job: when for when, job in lines} == schedules_of_timers()
    assert set(schedules_of_timers()) == set(JOBS)


@pytest.mark.parametrize("job", JOBS)
def test_a_job_runs_and_says_nothing(synced: Installation, job: str) -> None:
    """Each does what it is called, on a school where all is well and nothing new waits."""
    backups = synced.folder / "backups"
    backups.mkdir()
    synced.configure(data__backups=str(backups))
    synced.ok("waiting")
    given = [f"COINSYNC_CONFIG={synced.config}", f"COINSYNC_PROGRAM={sys.executable} -m cli"]
    done = subprocess.run(
        ["env", *given, "sh", str(DEPLOY / "job"), job], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(list(backups.iterdir())) == (job == "backup")


def test_an_unknown_job_is_refused() -> None:
    """With what there is."""
    done = subprocess.run(
        ["sh", str(DEPLOY / "job"), "nightly"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert all(job in done.stderr for job in JOBS)


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_process_may_do_little(service: Path) -> None:
    """By systemd's own measure: an exposure of at most 2 of 10."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(service)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_process_writes_only_where_it_must(service: Path) -> None:
    """The cabinet nowhere at all."""
    lines = service.read_text(encoding="utf-8").splitlines()
    writable = [line for line in lines if line.startswith(("ReadWritePaths=", "StateDirectory="))]
    assert "ProtectSystem=strict" in lines
    if service.name == "coinsync-web.service":
        assert writable == []
        assert "User=coinsync-web" in lines
    else:
        assert "User=coinsync" in lines
        assert writable


@pytest.mark.parametrize("script", ["install.sh", "coinsync", "job"])
def test_scripts_are_plain_shell(script: str) -> None:
    """Any sh of Debian reads them."""
    subprocess.run(["sh", "-n", str(DEPLOY / script)], check=True)


def test_a_dry_run_of_the_installation_does_nothing() -> None:
    """Each step is said, also to somebody who is not root, and none is done."""
    done = subprocess.run(
        ["sh", str(DEPLOY / "install.sh"), "--dry-run", "coins.other.example"],
        capture_output=True,
        text=True,
        check=True,
    )
    for unit in (DEPLOY / "systemd").iterdir():
        assert f"/etc/systemd/system/{unit.name}" in done.stdout
    assert "certbot certonly --webroot -w /var/www/coinsync -d coins.other.example" in done.stdout


@pytest.mark.parametrize("words", [["--no"], ["coins school"], ["$(id)"]])
def test_what_is_no_name_of_a_server_is_refused(words: list[str]) -> None:
    """Before anything is done."""
    done = subprocess.run(
        ["sh", str(DEPLOY / "install.sh"), "--dry-run", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")


def test_completion_is_what_the_program_prints() -> None:
    """The file was not forgotten when the program changed."""
    printed = subprocess.run(
        ["env", "_COINSYNC_COMPLETE=source_bash", sys.executable, "-m", "cli"],
        capture_output=True,
        text=True,
        check=True,
    )
    kept = (DEPLOY / "completion.bash").read_text(encoding="utf-8").partition("\n")[2]
    assert kept.split() == printed.stdout.split()
