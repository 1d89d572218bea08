"""A bare Debian in a folder, made by debootstrap, in which scripts run as one user or another.

Programs in it share the network of this machine, so that they reach a simulator here. There is no
systemd: what it would start is started by hand.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
#: What a server has before anything is installed, and what install.sh would fetch.
PACKAGES = "ca-certificates,python3,python3-venv,sudo,util-linux,nginx-light,openssl,nano"
#: Where Debian's packages are kept for the next time.
PACKED = PROJECT / "build" / "debian-packages.tgz"
#: What lets a program in it reach the network as this machine does.
MACHINE = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "*_cache", "__pycache__", "demo")


@dataclass(frozen=True)
class Debian:
    """The folder that is the root of its file system."""

    root: Path

    def path(self, absolute: str) -> Path:
        """A path of it, as seen from outside."""
        return self.root / absolute.lstrip("/")

    def command(
        self, user: str, script: str, environ: Mapping[str, str] | None = None
    ) -> list[str]:
        """The words that run a script of the shell as a user who has logged in."""
        exports = ""
        for name, value in (environ or {}).items():
            exports += f"export {name}={shlex.quote(value)}; "
        root = shlex.quote(str(self.root))
        inner = shlex.quote(exports + script)
        # The mounts are this command's own, and go with it.
        mounts = f"mount --bind /dev {root}/dev && mount -t proc proc {root}/proc"
        shell = f"{mounts} && exec chroot {root} su -s /bin/bash - {user} -c {inner}"
        return ["unshare", "--mount", "sh", "-c", shell]

    def run(
        self,
        user: str,
        script: str,
        environ: Mapping[str, str] | None = None,
        *,
        keys: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run a script as a user; ``keys`` is what it reads."""
        return subprocess.run(
            self.command(user, script, environ),
            input=keys,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    def ok(self, user: str, script: str, environ: Mapping[str, str] | None = None) -> str:
        """Run a script that must succeed; what it said."""
        done = self.run(user, script, environ)
        assert done.returncode == 0, f"{script}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def running(
        self, user: str, script: str, environ: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """A program that runs until the end, as a unit would run it."""
        command = self.command(user, f"exec {script}", environ)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.terminate()


def bare(root: Path) -> Debian:
    """A Debian with an admin's account, and this project in a folder of hers."""
    PACKED.parent.mkdir(exist_ok=True)
    words = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}"]
    if not PACKED.exists():
        _must_run([*words, f"--make-tarball={PACKED}", "bookworm", f"{root}-packages"])
    _must_run([*words, f"--unpack-tarball={PACKED}", "bookworm", str(root)])
    debian = Debian(root)
    for file in MACHINE:
        if Path(file).exists():
            shutil.copyfile(file, debian.path(file))
    debian.ok("root", "useradd --create-home --shell /bin/bash anna && usermod -aG sudo anna")
    debian.path("/etc/sudoers.d/anna").write_text("anna ALL=(ALL) NOPASSWD: ALL\n")
    shutil.copytree(PROJECT, debian.path("/home/anna/coinsync"), ignore=LEFT_OUT)
    debian.ok("root", "chown -R anna:anna /home/anna && chmod 700 /home/anna")
    return debian


def _must_run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
