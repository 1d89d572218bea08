"""The server of these tests: a Debian with the program on it, and who types there."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import pytest

import cli
from coinsync.simulator import Simulator
from tests.server import debian as debian_of
from tests.server.acme import Authority, authority
from tests.server.debian import Debian
from tests.server.typed import Line, lines
from tests.support.school import KEY, a_school, listening

VK_KEY = "protectedkey0protected"
APP = 7000001
PASSWORD = "of-the-three-accounts"
#: What a hand puts into files where the document does not print it.
EDITED = {
    "/etc/coinsync/jobs.env": "COINSYNC_PING_URL=http://127.0.0.1:9/ping",
    "/etc/coinsync/web.secrets": f"COINSYNC_VK_KEYS={VK_KEY}",
    "/etc/coinsync/config.toml": f"[web]\napp_id = {APP}",
}
#: Runs a line at a terminal, and types the password there once it is asked for.
AT_A_TERMINAL = """
import os, pty, sys

def answered(terminal):
    output = os.read(terminal, 1024)
    if b"password:" in output:
        os.write(terminal, sys.argv[2].encode() + b"\\n")
    return output

sys.exit(os.waitstatus_to_exitcode(pty.spawn(["bash", "-c", sys.argv[1]], answered)))
"""
#: Between what two lines print.
_END = "\x1e"


@dataclass
class Server:
    """A Debian with the program, and the CRM that it asks."""

    debian: Debian
    simulator: Simulator
    certificates: Authority
    #: What was typed of the document: by whom, and the line as it is printed.
    typed: set[tuple[str, str]] = field(default_factory=set)

    @property
    def init(self) -> str:
        """``sudo coinsync init`` with the answers of a person, who would type the key there."""
        return (
            f"sudo COINSYNC_ALFACRM_KEY={KEY} coinsync init --school Росток"
            f" --url {self.simulator.url} --email api@school.example --branch '1 2'"
            " --regular 2 --trial 3 --makeup 4 --coins 10 --since 2026-09-01"
            " --vk-field custom_vk --vk-app none --staff-language en &&"
            f" echo COINSYNC_ALFACRM_KEY={KEY} |"
            " sudo install -m 600 -o coinsync /dev/stdin /etc/coinsync/coinsync.secrets"
        )

    def follow(self, text: str, folder: str = "~/coinsync") -> dict[str, str]:
        """Type every line of a part of the document; what each printed."""
        outputs: dict[str, str] = {}
        for (user, _), group in groupby(lines(text), key=lambda line: (line.user, line.login)):
            # A preview runs until it is stopped, and has a test of its own.
            typed = [line for line in group if not line.text.startswith("coinsync preview")]
            outputs |= self._type(user, typed, folder)
        return outputs

    def _type(self, user: str, typed: list[Line], folder: str) -> dict[str, str]:
        # One shell runs them all: a line may export what the next one reads.
        script = f"cd {folder}\n" if user != "root" else ""
        for line in typed:
            script += f"{{ {self._by_hand(line)}\n}} 2>&1; printf '{_END}%s{_END}' $?\n"
        parts = self.debian.run(user, script).stdout.split(_END)
        outputs: dict[str, str] = {}
        for line, output, code in zip(typed, parts[0::2], parts[1::2], strict=False):
            # The doctor may warn of what a made-up school lacks.
            may_warn = line.text == "coinsync doctor" and code == "4" and "FAIL" not in output
            assert code == "0" or may_warn, f"{line.text}: {code}\n{output}"
            assert "Traceback" not in output
            self.typed.add((user, line.text))
            outputs[line.text] = output
        # A line that ended the shell would hide those behind it.
        assert outputs.keys() == {line.text for line in typed}, parts[-1]
        return outputs

    def _by_hand(self, line: Line) -> str:
        """What stands for a line where nobody has hands: an answer, or a change of a file."""
        text, given = line.text, line.given.replace("…", PASSWORD)
        if text == "sudo coinsync init":
            return self.init
        if text == "coinsync sync":
            return "coinsync sync --yes"
        if text == "sudo mariadb":
            return f"{text} <<'END'\n{given}END"
        if text.startswith("sudo nano "):
            file = text.removeprefix("sudo nano ")
            return edit(file, given or EDITED[file])
        if text.startswith("mariadb ") and " -p " in text:
            return f"python3 -c {shlex.quote(AT_A_TERMINAL)} {shlex.quote(text)} {PASSWORD}"
        return re.sub(r"^(read -rs \w+)", rf"\1 <<< {PASSWORD}", text)


def edit(file: str, given: str) -> str:
    """A line of the shell that puts text into a file, as an admin would in an editor."""
    if not file.endswith(".toml"):
        return f"echo {shlex.quote(given.strip())} | sudo tee -a {file} > /dev/null"
    header, _, setting = given.strip().partition("\n")
    key = setting.partition(" ")[0]
    its_lines = f"/^{re.escape(header)}$/,/^\\[/"
    changed = f"sudo sed -i {shlex.quote(f'{its_lines} s|^#* *{key} *=.*|{setting}|')} {file}"
    return f"{changed}; grep -qxF {shlex.quote(setting)} {file}"


@contextmanager
def a_server() -> Iterator[Server]:
    """A server before the first step of the documentation, beside a CRM and an authority."""
    assert os.geteuid() == 0, "make test-server boots a system of its own: run it as root"
    root = Path("/var/tmp") / f"coinsync-server-{os.getpid()}"
    with (
        tempfile.TemporaryDirectory() as folder,
        authority(Path(folder)) as certificates,
        # A clock that differs from the CRM's would be told.
        listening(a_school(today=cli.utc_now().date())) as simulator,
    ):
        try:
            with debian_of.bare(root) as debian:
                # What certbot asks a person at a terminal; the address is Let's Encrypt's.
                answers = "email = admin@school.example\nagree-tos = true\nno-eff-email = true"
                asked = f"{answers}\nserver = {certificates.url}/directory\n"
                debian.path("/etc/letsencrypt/cli.ini").write_text(asked, encoding="utf-8")
                yield Server(debian, simulator, certificates)
        finally:
            debian_of.remove(root)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server of all these tests, in their order: each goes on where another stopped."""
    with a_server() as running:
        yield running
