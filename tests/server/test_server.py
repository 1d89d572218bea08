"""A whole server on a bare Debian, as docs/operations.md sets it up, and who may do what on it.

Run by ``make test-server``, as root: a Debian is made in a folder and booted, install.sh runs in
it, and an admin without any right but sudo types what the documentation prints.
"""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from tests.server.cabinet import a_viewer, page_of, status, until, until_healthy
from tests.server.conftest import Server
from tests.server.typed import DOCUMENT
from tests.webview.test_serve import free_port

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]

NAME = "coins.school.example"


def test_the_ten_minutes(server: Server) -> None:
    """What the documentation prints, typed by an admin who is no programmer, in that order."""
    outputs = server.follow(DOCUMENT.partition("\n# What was set up\n")[0])
    assert "posted" in outputs["coinsync sync"]
    assert "warn job" not in outputs["coinsync doctor"]


def test_the_certificate_is_of_the_authority(server: Server) -> None:
    """certbot proved the name over port 80, nginx shows what it got, and the new one too."""
    assert server.certificates.signed == 1
    shown = f"openssl s_client -connect 127.0.0.1:443 -servername {NAME} </dev/null 2>/dev/null"
    serial = f"{shown} | openssl x509 -noout -issuer -serial"
    first = server.debian.ok("root", serial)
    assert "An authority of a test" in first
    assert server.debian.ok("root", "systemctl is-enabled certbot.timer") == "enabled\n"
    server.debian.ok("root", "certbot renew --force-renewal --no-random-sleep-on-renew")
    assert server.debian.ok("root", serial) != first


def test_the_installation_can_be_repeated(server: Server) -> None:
    """It brings a newer version, and leaves what the school has."""
    kept = "cat /etc/coinsync/config.toml /etc/coinsync/*.secrets /etc/letsencrypt/live/*/*.pem"
    before = server.debian.ok("root", kept)
    server.debian.ok("anna", f"cd coinsync && sudo sh docs/deploy/install.sh {NAME}")
    assert server.debian.ok("root", kept) == before


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


def test_the_cabinet_serves_a_family(server: Server) -> None:
    """As another user, with its own copy of one key, from a file that it may only read."""
    assert server.debian.ok("root", f"systemctl is-active {' '.join(UNITS)}") == 2 * "active\n"
    until_healthy()
    page = page_of(server)
    # What a clerk does is on the next page, while everything runs.
    server.debian.ok("anna", "coinsync credit 101 7 --reason 'Помогла новичку' --yes")
    viewer = a_viewer(server)
    child = server.debian.ok("anna", f"coinsync links list --json | grep -B3 -A3 {viewer}")
    if '"resident": 101' in child:
        assert page_of(server) != page


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
            until(lambda: status(found.group()) == 200)
            server.typed.add(("anna", "coinsync preview 101"))
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


def test_nginx_accepts_what_was_installed(server: Server) -> None:
    """Both stages, with the server's name in them."""
    server.debian.ok("root", "nginx -t")
    assert NAME in server.debian.ok("root", "cat /etc/nginx/conf.d/coinsync-tls.conf")
