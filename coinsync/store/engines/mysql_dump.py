"""A backup of a MySQL or MariaDB database by ``mariadb-dump``, checked to its last line."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import NamedTemporaryFile

from coinsync.errors import CoinsyncError, DatabaseUnavailable, DatabaseUnusable
from coinsync.store.engines.mysql_address import ServerAddress

PROGRAMS = ("mariadb-dump", "mysqldump")
#: A dump that is not there by then never will be.
SECONDS_MAX = 4 * 3600
_OPTIONS = (
    # One moment of all tables, without keeping anybody from writing.
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
_ADVICE = 'A backup needs the account that migrates; see "coinsync db grants".'


def dump(address: ServerAddress, file: Path, *, guards: int) -> None:
    """Write one moment of a database into an empty file, from the first of its hosts that answers.

    Raises where the account does not see all ``guards``: a copy without them only looks whole.
    """
    program = _find_program()
    complaint = ""
    for host, port in address.hosts or (("localhost", 0),):
        complaint = _run(program, address, host, port, file)
        if not complaint:
            _check(address, file, guards)
            return
    if "Access denied" in complaint or "command denied" in complaint:
        raise DatabaseUnusable(f"backup: {address}: {complaint}", advice=_ADVICE)
    raise DatabaseUnavailable(f"backup: {address}: {complaint}")


def _find_program() -> str:
    for name in PROGRAMS:
        if program := shutil.which(name):
            return program
    raise DatabaseUnusable(
        f"backup: {PROGRAMS[0]} is not installed", advice="On Debian: apt install mariadb-client"
    )


def _run(program: str, address: ServerAddress, host: str, port: int, file: Path) -> str:
    """Write the dump; what the program complains of, or "" when it is content."""
    # The password must not stand among the words of a process, which everybody may list.
    with NamedTemporaryFile("w", suffix=".cnf", encoding="utf-8") as options:
        options.write(_client_options(address, host, port))
        options.flush()
        descriptor = os.open(file, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "wb") as target:
            done = subprocess.run(
                [program, f"--defaults-file={options.name}", *_OPTIONS, address.name],
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.PIPE,
                timeout=SECONDS_MAX,
                check=False,
            )
    if done.returncode == 0:
        return ""
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else f"{PROGRAMS[0]} ended with {done.returncode}"


def _client_options(address: ServerAddress, host: str, port: int) -> str:
    options = {"user": address.user, "password": address.password}
    if address.socket:
        options |= {"socket": address.socket}
    else:
        options |= {"host": host, "port": str(port), "protocol": "tcp"}
    if address.tls:
        options |= {"ssl-ca": address.ca, "ssl-cert": address.cert, "ssl-key": address.key}
    lines = ["[client]"]
    for name, value in options.items():
        if value:
            escaped = value.replace("\\", "\\\\").replace("\n", "\\n")
            lines.append(f'{name}="{escaped}"')
    if address.tls:
        lines += ["ssl", "ssl-verify-server-cert"]
    return "\n".join(lines) + "\n"


def _check(address: ServerAddress, file: Path, guards: int) -> None:
    with file.open("rb") as content:
        present = sum(len(_TRIGGER.findall(line)) for line in content if b"TRIGGER" in line)
        content.seek(max(0, file.stat().st_size - _TAIL_BYTES))
        is_whole = _DONE in content.read()
    if not is_whole:
        raise CoinsyncError(
            f"backup: {address}: the copy is not whole",
            advice="Look at the disk and make it again.",
        )
    # An account without the TRIGGER right gets a dump without triggers, and no error.
    if present < guards:
        raise DatabaseUnusable(
            f"backup: {address}: the copy has {present} of {guards} append-only guards",
            advice=_ADVICE,
        )
