"""A backup of a MySQL or MariaDB database by ``mariadb-dump``, checked to its last line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from coinsync.errors import CoinsyncError, DatabaseUnavailable, DatabaseUnusable
from coinsync.store.engines.mysql_address import Address

PROGRAMS = ("mariadb-dump", "mysqldump")
#: A dump that is not there by then never will be.
SECONDS_MAX = 4 * 3600
_OPTIONS = (
    "--single-transaction",
    "--skip-lock-tables",
    "--routines",
    "--triggers",
    "--hex-blob",
    "--no-tablespaces",
    "--default-character-set=utf8mb4",
)
_TRIGGER = re.compile(rb"^/\*!50003 CREATE\*/.*\bTRIGGER\b|^CREATE\b.*\bTRIGGER\b", re.MULTILINE)
_DONE = b"-- Dump completed"
_TAIL_BYTES = 200


def dump(address: Address, file: Path, *, guards: int) -> None:
    """Write all of a database, one moment of it, into a new file; the first of its hosts that answers is asked.

    Raises where the account may not see all ``guards``: a copy without them would look whole and not be.
    """
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        raise DatabaseUnusable(
            f"backup: {PROGRAMS[0]} is not installed",
            advice="On Debian: apt install mariadb-client",
        )
    said = ""
    for host, port in address.hosts or (("localhost", 0),):
        said = _dumped(program, address, host, port, file)
        if not said:
            _check(address, file, guards)
            return
    if "Access denied" in said or "command denied" in said:
        raise DatabaseUnusable(
            f"backup: {address}: {said}",
            advice='A backup needs the account that migrates; see "coinsync db grants".',
        )
    raise DatabaseUnavailable(f"backup: {address}: {said}")


def _dumped(program: str, address: Address, host: str, port: int, file: Path) -> str:
    """Run the program; what it complains about, "" when it does not."""
    with TemporaryDirectory() as folder:
        # The password must not stand among the words of a process, where everybody sees it.
        options = Path(folder) / "options.cnf"
        with os.fdopen(
            os.open(options, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as written:
            written.write(_client(address, host, port))
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
            done = subprocess.run(
                [program, f"--defaults-file={options}", *_OPTIONS, address.name],
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.PIPE,
                timeout=SECONDS_MAX,
                check=False,
            )
            os.fsync(target.fileno())
    if done.returncode == 0:
        return ""
    lines = done.stderr.decode("utf-8", "replace").split("\n")
    return next(
        (line.strip() for line in lines if line.strip()),
        f"{PROGRAMS[0]} ended with {done.returncode}",
    )


def _client(address: Address, host: str, port: int) -> str:
    given = {"user": address.user, "password": address.password}
    given |= (
        {"socket": address.socket}
        if address.socket
        else {"host": host, "port": str(port), "protocol": "tcp"}
    )
    if address.tls:
        given |= {"ssl-ca": address.ca, "ssl-cert": address.cert, "ssl-key": address.key}
    lines = [f'{name}="{_escaped(value)}"' for name, value in given.items() if value]
    if address.tls:
        lines += ["ssl", "ssl-verify-server-cert"]
    return "\n".join(["[client]", *lines]) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _check(address: Address, file: Path, guards: int) -> None:
    with file.open("rb") as written:
        found = sum(len(_TRIGGER.findall(line)) for line in written if b"TRIGGER" in line)
        written.seek(max(0, file.stat().st_size - _TAIL_BYTES))
        whole = _DONE in written.read()
    if not whole:
        raise CoinsyncError(
            f"backup: {address}: the copy is not whole",
            advice="Look at the disk and make it again.",
        )
    if found < guards:
        raise DatabaseUnusable(
            f"backup: {address}: the copy has {found} of {guards} append-only guards",
            advice='A backup needs the account that migrates; see "coinsync db grants".',
        )
