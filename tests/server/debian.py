"""A bare Debian in a folder, made by debootstrap and booted as a container, with its own systemd.

Programs in it share the network of this machine, so that they reach a simulator here.
"""

from __future__ import annotations

import shutil
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
#: What a server has before anything is installed, and what lines of the documentation fetch. They
#: are typed as well, and find everything there.
PACKAGES = (
    "systemd,dbus,ca-certificates,python3,python3-venv,sudo,util-linux,nginx-light,certbot,openssl,"
    "python3-cffi-backend,nano,cron,curl,mariadb-server"
)
#: Where Debian's packages are kept for the next time, under a name that tells which they are.
PACKED = PROJECT / "build" / f"debian-{zlib.crc32(PACKAGES.encode()):08x}.tgz"
#: What lets a program in it reach the network as this machine does.
MACHINE = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "*_cache", "__pycache__", "demo")
SECONDS_MAX = 600


@dataclass(frozen=True)
class Debian:
    """The folder that is the root of its file system, and its first process as seen from here."""

    root: Path
    leader: int

    def path(self, absolute: str) -> Path:
        """A path of it, as seen from outside."""
        return self.root / absolute.lstrip("/")

    def command(self, user: str, script: str) -> list[str]:
        """The words that run a script of the shell as a user who has logged in."""
        inside = ["nsenter", "--target", str(self.leader), "--mount", "--uts", "--ipc", "--pid"]
        return [*inside, "su", "-s", "/bin/bash", "-", user, "-c", script]

    def run(self, user: str, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script as a user."""
        return subprocess.run(
            self.command(user, script),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
        )

    def ok(self, user: str, script: str) -> str:
        """Run a script that must succeed; what it said."""
        done = self.run(user, script)
        assert done.returncode == 0, f"{script}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@contextmanager
def bare(root: Path) -> Iterator[Debian]:
    """A running Debian with an admin's account, and this project in a folder of hers."""
    PACKED.parent.mkdir(exist_ok=True)
    words = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}"]
    if not PACKED.exists():
        _must_run([*words, f"--make-tarball={PACKED}", "bookworm", f"{root}-packages"])
    _must_run([*words, f"--unpack-tarball={PACKED}", "bookworm", str(root)])
    for file in MACHINE:
        if Path(file).exists():
            shutil.copyfile(file, root / file.lstrip("/"))
    # Nothing is fetched while the tests run: what has to be there is.
    (root / "etc/apt/sources.list").write_text("")
    shutil.copytree(PROJECT, root / "srv" / "coinsync", ignore=LEFT_OUT)
    with _booted(root) as debian:
        debian.ok("root", "useradd --create-home --shell /bin/bash anna && chmod 700 /home/anna")
        debian.ok("root", "echo 'anna ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/anna")
        debian.ok("root", "mv /srv/coinsync /home/anna/ && chown -R anna:anna /home/anna")
        yield debian


def remove(root: Path) -> None:
    """Remove it whole, and nothing of this machine.

    A debootstrap that was interrupted leaves /proc and /sys of this machine mounted below it.
    """
    for mounted in ("proc", "sys"):
        subprocess.run(["umount", str(root / mounted)], capture_output=True, check=False)
    _must_run(["rm", "-rf", "--one-file-system", str(root)])


@contextmanager
def _booted(root: Path) -> Iterator[Debian]:
    words = ["systemd-nspawn", "--register=no", "--keep-unit", "--quiet", "--resolv-conf=off"]
    log = root.with_name(f"{root.name}.log")
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*words, "--directory", str(root), "--boot"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as container,
    ):
        try:
            debian = Debian(root, _leader(container))
            try:
                yield debian
            finally:
                # Its systemd outlives the program that booted it, and would keep its ports.
                debian.run("root", "systemctl poweroff")
                container.wait(180)
        finally:
            container.kill()
            log.unlink()


def _leader(container: subprocess.Popen[bytes]) -> int:
    """The first process of the container, once its systemd has started everything."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        assert container.poll() is None, "systemd-nspawn ended: it needs a machine's root"
        children = Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text()
        if children:
            leader = int(children.split()[0])
            state = Debian(Path(), leader).run("root", "systemctl is-system-running").stdout
            if state.strip() in {"running", "degraded"}:
                return leader
        time.sleep(0.2)
    raise AssertionError("the container does not start")


def _must_run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
