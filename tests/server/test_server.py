"""A whole server on a bare Debian, as docs/operations.md sets it up, and who may do what on it.

Run by ``make test-server``, as root: a Debian is made in a folder and booted, install.sh runs in
it, and an admin without any right but sudo types what the documentation prints.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

import cli
from coinsync.simulator import Simulator
from tests.deploy.test_nginx import certify
from tests.server.debian import PROJECT, Debian, bare
from tests.support.school import KEY, a_school, listening
from tests.webview.test_serve import free_port
from webview.launch import sign

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]

NAME = "coins.school.example"
VK_KEY = "protectedkey0protected"
APP = 7000001
INSTALL = f"cd coinsync && sudo sh docs/deploy/install.sh --without-packages {NAME}"
#: What stands for a hand in an editor: the file, and the line that is put there.
EDITED = {
    "/etc/coinsync/jobs.env": "COINSYNC_PING_URL=http://127.0.0.1:9/ping",
    "/etc/coinsync/web.secrets": f"COINSYNC_VK_KEYS={VK_KEY}",
    "/etc/coinsync/config.toml": f"app_id = {APP}",
}


@dataclass
class Server:
    """A Debian with the program, and the CRM that it asks."""

    debian: Debian
    simulator: Simulator

    @property
    def init(self) -> str:
        """``sudo coinsync init`` with the answers of a person, who would type the key there."""
        return (
            f"sudo COINSYNC_ALFACRM_KEY={KEY} coinsync init --school Росток"
            f" --url {self.simulator.url} --email api@school.example --branch '1 2'"
            " --regular 2 --trial 3 --makeup 4 --coins 10 --since 2026-09-01"
            f" --vk-field custom_vk --vk-app none && echo COINSYNC_ALFACRM_KEY={KEY} |"
            " sudo install -m 600 -o coinsync /dev/stdin /etc/coinsync/coinsync.secrets"
        )

    def by_hand(self, command: str) -> str:
        """What stands for one command of the documentation where nobody has hands."""
        if command.startswith("sudo sh docs/deploy/install.sh"):
            return INSTALL
        if command == "sudo coinsync init":
            return self.init
        if command.startswith("sudo nano "):
            file = command.removeprefix("sudo nano ")
            key = EDITED[file].partition("=")[0].strip()
            edited = f"s|^#* *{key} *=.*|{EDITED[file]}|"
            return (
                f"sudo sed -i '{edited}' {file};"
                f" sudo grep -q '^{key}' {file} || echo '{EDITED[file]}' | sudo tee -a {file}"
            )
        if command == "coinsync sync":
            return "coinsync sync --yes"
        return command


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server before the first step of the documentation, but for a certificate."""
    assert os.geteuid() == 0, "make test-server boots a system of its own: run it as root"
    root = Path("/var/tmp") / f"coinsync-server-{os.getpid()}"
    # A clock that differs from the CRM's would be told.
    with listening(a_school(today=cli.utc_now().date())) as simulator:
        try:
            with bare(root) as debian:
                certificate = debian.path(f"/etc/letsencrypt/live/{NAME}")
                certificate.mkdir(parents=True)
                certify(certificate)
                yield Server(debian, simulator)
        finally:
            shutil.rmtree(root, ignore_errors=True)


def test_by_hand() -> None:
    """What ``install.sh --dry-run`` prints, typed line by line as root, on a Debian of its own."""
    root = Path("/var/tmp") / f"coinsync-by-hand-{os.getpid()}"
    with listening(a_school(today=cli.utc_now().date())) as simulator:
        try:
            with bare(root) as debian:
                server = Server(debian, simulator)
                dry_run = INSTALL.replace("install.sh", "install.sh --dry-run")
                lines = debian.ok("anna", dry_run.replace(NAME, "")).splitlines()
                commands = [line.removeprefix(" + ") for line in lines if line.startswith(" + ")]
                assert len(commands) > 20
                for command in commands:
                    debian.ok("root", command)
                debian.ok("root", "usermod --append --groups coinsync-admin anna")
                debian.ok("anna", server.init)
                debian.ok("anna", "coinsync sync --yes")
                debian.ok("root", "systemctl restart coinsync-database")
                assert "all is right" in debian.ok("anna", "coinsync reconcile")
        finally:
            shutil.rmtree(root, ignore_errors=True)


def steps() -> list[str]:
    """The commands of the ten minutes, in their order."""
    text = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    ten_minutes = text.partition("\n# What was set up")[0]
    lines: list[str] = []
    for block in re.findall(r"```sh\n(.*?)```", ten_minutes, re.DOTALL):
        lines += block.splitlines()
    return lines


def test_the_ten_minutes(server: Server) -> None:
    """What the documentation prints, typed by an admin who is no programmer, in that order."""
    said: dict[str, str] = {}
    for command in steps():
        if "preview" in command:
            continue  # It runs until it is stopped, and has a test of its own.
        done = server.debian.run("anna", server.by_hand(command))
        said[command] = done.stdout + done.stderr
        may_warn = command == "coinsync doctor" and done.returncode == 4
        assert done.returncode == 0 or may_warn, f"{command}: {said[command]}"
        assert "Traceback" not in said[command]
    assert "posted" in said["coinsync sync"]
    assert "FAIL" not in said["coinsync doctor"], said["coinsync doctor"]
    assert "warn job" not in said["coinsync doctor"]


def test_the_installation_can_be_repeated(server: Server) -> None:
    """It brings a newer version, and leaves what the school has."""
    before = server.debian.ok("root", "cat /etc/coinsync/config.toml /etc/coinsync/*.secrets")
    server.debian.ok("anna", INSTALL)
    after = server.debian.ok("root", "cat /etc/coinsync/config.toml /etc/coinsync/*.secrets")
    assert after == before


FORBIDDEN = {
    "the key of the CRM": "cat /etc/coinsync/coinsync.secrets",
    "the file that holds the key of the VK app": "cat /etc/coinsync/web.secrets",
    "the ledger": "echo x >> /var/lib/coinsync/coinsync.db",
    "the ledger's files": "echo x >> /var/lib/coinsync/coinsync.db-wal",
    "the place of the ledger": "mv /var/lib/coinsync/coinsync.db /var/lib/coinsync/other.db",
    "pictures": "touch /var/lib/coinsync/pictures.web/x.webp",
    "state": "ls /var/lib/coinsync/state",
    "the lock": "flock -n /var/lib/coinsync/state/.coinsync.lock true",
    "backups": "ls /var/backups/coinsync",
    "the program": "touch /opt/coinsync/venv/bin/coinsync",
    "the program's code": "echo x >> /opt/coinsync/venv/lib/python3*/site-packages/cli.py",
    "the configuration": "echo x >> /etc/coinsync/config.toml",
    "the folder of the configuration": "touch /etc/coinsync/other.toml",
    "the command for people": "echo x >> /usr/local/bin/coinsync",
    "the jobs of the night": "echo x >> /usr/local/lib/coinsync/job",
    "nginx": "echo x >> /etc/nginx/conf.d/coinsync-tls.conf",
}
#: What the user may do anywhere else, and the unit may not.
SANDBOXED = {
    "any file": "echo x > /var/x",
    "other machines": "exec 3<>/dev/tcp/192.0.2.1/80",
    "other processes": "ls /proc/1/cwd",
    "homes": "ls /home",
}
#: The programs that run all the time.
UNITS = ("coinsync-database", "coinsync-web")


@pytest.mark.parametrize("script", FORBIDDEN.values(), ids=list(FORBIDDEN))
def test_the_cabinets_user_can_do_nothing_else(server: Server, script: str) -> None:
    """Whatever code runs in the cabinet: it reads what it shows, and writes nowhere."""
    assert server.debian.run("coinsync-web", script).returncode != 0


def until(happened: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_cabinet_serves_a_family(server: Server) -> None:
    """As another user, with its own copy of one key, from a file that it may only read."""
    assert server.debian.ok("root", f"systemctl is-active {' '.join(UNITS)}") == 2 * "active\n"
    links = server.debian.ok("anna", "coinsync links list --json")
    vk = re.findall(r'"vk": ?(\d+)', links)[0]
    until(lambda: _status("http://127.0.0.1:8080/healthz") == 200)
    page = _page(vk)
    assert "Росток" in page
    # What a clerk does is on the next page, while everything runs.
    server.debian.ok("anna", "coinsync credit 101 7 --reason 'Помогла новичку' --yes")
    child = server.debian.ok("anna", f"coinsync links list --json | grep -B3 -A3 {vk}")
    if '"resident": 101' in child:
        assert _page(vk) != page


def _page(vk: str) -> str:
    fields = {
        "vk_app_id": str(APP),
        "vk_user_id": vk,
        "vk_ts": f"{cli.utc_now().timestamp():.0f}",
    }
    answer = requests.get(f"http://127.0.0.1:8080/?{sign(fields, VK_KEY)}", timeout=10)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("script", [*FORBIDDEN.values(), *SANDBOXED.values()])
def test_code_in_the_cabinets_process_can_do_nothing_else(server: Server, script: str) -> None:
    """Whatever runs in the place of the program, with the unit's own settings."""
    unit = server.debian.ok("root", "cat /etc/systemd/system/coinsync-web.service")
    probe = re.sub(
        r"^ExecStart=.*$", f"ExecStart=/bin/sh -c {shlex.quote(script)}", unit, flags=re.M
    )
    probe = re.sub(r"^Restart=.*$", "Type=oneshot", probe, flags=re.M)
    server.debian.path("/etc/systemd/system/probe.service").write_text(probe, encoding="utf-8")
    server.debian.ok("root", "systemctl daemon-reload")
    assert server.debian.run("root", "systemctl start probe").returncode != 0
    # What it may do, it can: otherwise the refusals above would prove nothing.
    allowed = "cat /var/lib/coinsync/coinsync.db > /dev/null; test -s %d/web.secrets"
    probe = re.sub(r"^ExecStart=.*$", f'ExecStart=/bin/sh -c "{allowed}"', probe, flags=re.M)
    server.debian.path("/etc/systemd/system/probe.service").write_text(probe, encoding="utf-8")
    server.debian.ok("root", "systemctl daemon-reload && systemctl start probe")


def _status(url: str) -> int:
    try:
        return requests.get(url, timeout=5).status_code
    except requests.ConnectionError:
        return 0


def test_a_preview_opens_on_this_machine(server: Server) -> None:
    """An admin sees a family's page before there is anything in VK."""
    script = f"exec coinsync preview 101 --port {free_port()} 2>&1"
    command = server.debian.command("anna", script)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = ""
            for line in process.stdout:
                said += line
                found = re.search(r"http://127\.0\.0\.1:\d+/\S+", line)
                if found:
                    break
            assert found, said
            until(lambda: _status(found.group()) == 200)
        finally:
            server.debian.run("root", "pkill -f 'coinsync previe[w]'")
            process.terminate()


def test_an_admins_own_files(server: Server) -> None:
    """Import, catalog with pictures, and exports work from and to a home that nobody else reads."""
    script = r"""
    set -e; cd; umask 077; mkdir -p shop/photos
    printf 'key;resident;coins;reason\nk1;101;5;Олимпиада\n' > wins.csv
    printf 'code;name_ru;price;picture\nmug;Кружка;5;mug.png\n' > shop/mug.csv
    cp coinsync/tests/server/mug.png shop/photos/
    coinsync import wins.csv --yes
    coinsync catalog load shop/mug.csv --pictures shop/photos --yes
    coinsync catalog list --csv > goods.csv
    coinsync export --format csv > ledger.csv
    coinsync db backup
    grep -q Кружка goods.csv && grep -q credit ledger.csv && ls shop/photos/mug.png
    coinsync import nothing.csv --yes || test $? = 2
    """
    done = server.debian.run("anna", script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing.csv cannot be read (no such file or directory)" in done.stderr
    history = server.debian.ok("anna", "coinsync history 101 --json")
    assert "anna" in history
    picture = "cat /var/lib/coinsync/pictures.web/mug.*.webp | wc -c"
    assert int(server.debian.ok("coinsync-web", picture)) > 50
    assert server.debian.ok("root", "ls -d /tmp/tmp.* 2>/dev/null || true") == ""


def test_tab_completes(server: Server) -> None:
    """Through the wrapper, which another user's program answers."""
    script = (
        ". /etc/bash_completion.d/coinsync; COMP_WORDS=(coinsync credit 10); COMP_CWORD=2;"
        ' _coinsync_completion coinsync; echo "${COMPREPLY[@]}"'
    )
    assert re.search(r"\d{3}", server.debian.ok("anna", script))


def test_who_is_not_in_the_group_is_told(server: Server) -> None:
    """What to run, in one line."""
    server.debian.ok("root", "id boris >/dev/null 2>&1 || useradd --create-home boris")
    done = server.debian.run("boris", "coinsync balance")
    assert (done.returncode, done.stdout) == (2, "")
    assert "usermod -aG coinsync-admin boris" in done.stderr


@pytest.mark.parametrize("job", ["sync", "deep", "backup", "freshness", "reconcile"])
def test_a_job_of_the_night(server: Server, job: str) -> None:
    """As the user of its unit, silent when all is well."""
    server.debian.ok("root", f"systemctl start coinsync-job@{job}")
    said = server.debian.ok("root", f"journalctl -u coinsync-job@{job} -o cat _COMM=coinsync")
    assert said.strip() in {"", "-- No entries --"}
    assert f"coinsync-{job}.timer" in server.debian.ok("anna", "systemctl list-timers 'coinsync-*'")


def test_a_night_that_fails_is_known(server: Server) -> None:
    """The unit fails, the journal says why, and the alarm was tried."""
    address = f"s|{server.simulator.url}|http://127.0.0.1:9|"
    server.debian.ok("root", f"sed -i '{address}' /etc/coinsync/config.toml")
    assert server.debian.run("root", "systemctl start coinsync-job@sync").returncode != 0
    said = server.debian.ok("root", "journalctl -u coinsync-job@sync -o cat")
    assert "AlfaCRM out of reach" in said
    back = f"s|http://127.0.0.1:9|{server.simulator.url}|"
    server.debian.ok("root", f"sed -i '{back}' /etc/coinsync/config.toml")


def test_a_backup_comes_back(server: Server) -> None:
    """By the commands of the documentation, as root."""
    text = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    backups = text.partition("\n## Backups")[2].partition("\n## Updates")[0]
    tried, restored = re.findall(r"```sh\n(.*?)```", backups, re.DOTALL)
    server.debian.ok("root", "systemctl start coinsync-job@backup")
    assert "all is right" in server.debian.ok("root", tried)
    before = server.debian.ok("anna", "coinsync balance --csv")
    stop = "systemctl stop 'coinsync-*.timer' coinsync-database"
    server.debian.ok("root", f"{stop}\n{restored}\nsystemctl start coinsync-database")
    assert server.debian.ok("anna", "coinsync balance --csv") == before
    modes = server.debian.ok("root", "stat -c '%a %U %G' /var/lib/coinsync/coinsync.db")
    assert modes.strip() == "640 coinsync coinsync-web"


def test_nginx_accepts_what_was_installed(server: Server) -> None:
    """Both stages, with the server's name in them."""
    server.debian.ok("root", "nginx -t")
    assert NAME in server.debian.ok("root", "cat /etc/nginx/conf.d/coinsync-tls.conf")
