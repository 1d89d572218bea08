"""What an admin does with the server of test_server.py later, by the same documentation.

Jobs, logs, backups, updates, and the move to a database server; at the end, that nothing of the
documentation was left out.
"""

from __future__ import annotations

import json
import re

import pytest
import requests

from tests.server.cabinet import HERE, page_of, until_healthy
from tests.server.conftest import PASSWORD, Server
from tests.server.test_server import NAME
from tests.server.typed import (
    ADMIN,
    DOCUMENT,
    in_one_folder,
    lines,
    mentioned,
    section,
    setting_up,
)

pytestmark = [pytest.mark.server, pytest.mark.timeout(1800)]

JOBS = ("sync", "deep", "backup", "waiting", "reconcile")
#: What stands in sentences and is nothing to type, with the reason.
NOT_TYPED = {
    "coinsync import FILE": "a file of one's own: test_an_admins_own_files",
    "coinsync catalog load FILE --pictures FOLDER": "a file of one's own, as above",
    "coinsync links add": "it needs a person: tests/cli",
    "coinsync db hold": "a unit runs it, until it is stopped",
    "sudo timedatectl set-ntp true": "a container has the clock of its machine",
    "coinsync serve": "a unit runs it, until it is stopped",
    "coinsync db accept SEAL": "for a ledger that went back: tests/cli",
}


def test_files_of_ones_own(server: Server) -> None:
    """What a command prints goes where the admin sends it."""
    server.follow(section("# What was set up").partition("\n## ")[0])
    ledger = server.debian.ok(ADMIN, "head -n 2 ~/coinsync/ledger.csv ~/coinsync/residents.csv")
    assert ledger.count(",") > 10


@pytest.mark.parametrize("job", JOBS)
def test_a_job_of_the_night(server: Server, job: str) -> None:
    """As the user of its unit, silent when all is well, but for what waits for a person."""
    server.debian.ok("root", f"systemctl start coinsync-job@{job}")
    printed = server.debian.ok("root", f"journalctl -u coinsync-job@{job} -o cat _COMM=coinsync")
    assert job == "waiting" or printed.strip() in {"", "-- No entries --"}


def test_the_jobs_are_looked_at(server: Server) -> None:
    """Each has its timer, and each that ran stands in the journal."""
    outputs = server.follow(section("## The jobs"))
    timers = outputs["systemctl list-timers 'coinsync-*'"]
    journal = outputs["sudo journalctl -u 'coinsync-job@*' --since today"]
    for job in JOBS:
        assert f"coinsync-{job}.timer" in timers
        assert f"Finished coinsync-job@{job}.service" in journal


def test_a_night_that_fails_is_known(server: Server) -> None:
    """The unit fails, the journal says why, and the alarm was tried."""
    address = f"s|{server.simulator.url}|http://127.0.0.1:9|"
    server.debian.ok("root", f"sed -i '{address}' /etc/coinsync/config.toml")
    assert server.debian.run("root", "systemctl start coinsync-job@sync").returncode != 0
    journal = server.debian.ok("root", "journalctl -u coinsync-job@sync -o cat")
    assert "AlfaCRM out of reach" in journal
    back = f"s|http://127.0.0.1:9|{server.simulator.url}|"
    server.debian.ok("root", f"sed -i '{back}' /etc/coinsync/config.toml")


def test_it_is_well(server: Server) -> None:
    """The answer has the fields that the documentation shows, and nobody outside gets it."""
    text = section("## Is it well?")
    (output,) = server.follow(text).values()
    (shown,) = re.findall(r"^\{.*\}$", text, re.MULTILINE)
    answer = json.loads(output)
    assert (answer["database"], answer["schema"]) == ("ok", "ok")
    assert answer.keys() == json.loads(shown).keys()


def test_the_logs_say_what_was_asked(server: Server) -> None:
    """Method, path, status, milliseconds and the reason; no query, so no person."""
    assert requests.get(f"{HERE}/?vk_user_id=100", timeout=10).status_code == 403
    all_lines, refused = server.follow(section("## Logs")).values()
    (line,) = re.findall(r"GET / 403 .*", all_lines)[-1:]
    assert re.fullmatch(r"GET / 403 [0-9.]+ ?ms \w+", line), line
    assert "vk_user_id" not in all_lines
    assert int(refused) >= 1
    server.debian.ok("root", "test -f /etc/logrotate.d/nginx")


def test_a_backup_comes_back(server: Server) -> None:
    """First it is tried, then it takes the place of a ledger that went on."""
    server.debian.ok("root", "systemctl start coinsync-job@backup")
    tried, restored = section("## Backups").split("**To restore SQLite:**")
    restored = restored.partition("**To restore a server:**")[0]
    assert "all is right" in "".join(server.follow(tried).values())
    before = server.debian.ok(ADMIN, "coinsync balance --csv")
    server.debian.ok(ADMIN, "coinsync credit 101 3 --reason 'Потом' --yes")
    assert "all is right" in server.follow(restored)["coinsync reconcile"]
    assert server.debian.ok(ADMIN, "coinsync balance --csv") == before
    modes = server.debian.ok("root", "stat -c '%a %U %G' /var/lib/coinsync/coinsync.db")
    assert modes.strip() == "640 coinsync coinsync-web"
    everything_runs(server)


def everything_runs(server: Server) -> None:
    """Timers and the cabinet do, whatever was stopped and started."""
    until_healthy()
    units = [f"coinsync-{job}.timer" for job in JOBS] + ["coinsync-web"]
    server.debian.ok("root", f"systemctl is-active {' '.join(units)}")


def test_an_update_and_back_again(server: Server) -> None:
    """A version with a step of the schema comes, and the one before it, with its backup."""
    migration = "coinsync/store/migrations/0002_next.py"
    step = '"""The next step."""\n\n\ndef up(migrator, db):\n    """Nothing."""\n'
    new = f"rm -rf next && cp -r coinsync next && echo '{step}' > next/{migration}"
    server.debian.ok(ADMIN, new)
    before = server.debian.ok(ADMIN, "coinsync balance --csv")
    server.debian.ok(ADMIN, "sudo sh -c 'rm /var/backups/coinsync/*.backup'")
    update = section("## Updates")
    outputs = server.follow(update, folder="~/next")
    assert outputs["coinsync db migrate"] == "applied 0002_next\n"
    everything_runs(server)
    server.debian.ok(ADMIN, f"cd coinsync && sudo sh docs/deploy/install.sh {NAME}")
    refused = server.debian.run(ADMIN, "coinsync balance")
    assert (refused.returncode, "newer than this program" in refused.stderr) == (2, True)
    restored = section("## Backups").partition("**To restore SQLite:**")[2]
    server.follow(restored.partition("**To restore a server:**")[0])
    assert server.debian.ok(ADMIN, "coinsync balance --csv") == before
    everything_runs(server)


def test_a_database_server_and_back_again(server: Server) -> None:
    """Every line of the move, a night there, a disaster, and the way back to a file."""
    debian = server.debian
    before = debian.ok(ADMIN, "coinsync balance --csv")
    move, back = section("### From the file to a server, and three accounts").split(
        "**The way back:**"
    )
    outputs = server.follow(move)
    warned = re.findall(r"^warn +(\w+)", outputs["coinsync doctor"], re.MULTILINE)
    assert not {"triggers", "rights", "settings", "writing", "backup", "job"} & set(warned)
    assert debian.ok(ADMIN, "coinsync balance --csv") == before
    everything_runs(server)
    the_web_only_reads(server)
    for job in JOBS:
        debian.ok("root", f"systemctl start coinsync-job@{job}")
    debian.ok(ADMIN, "coinsync credit 101 3 --reason 'Потом' --yes")
    before = debian.ok(ADMIN, "coinsync balance --csv")
    debian.ok("root", "systemctl start coinsync-job@backup")

    debian.ok("root", "mariadb -e 'DROP DATABASE coinsync'")
    server.follow(section("## Backups").partition("**To restore a server:**")[2])
    assert debian.ok(ADMIN, "coinsync balance --csv") == before
    everything_runs(server)
    the_web_only_reads(server)

    server.follow(back)
    assert debian.ok(ADMIN, "coinsync balance --csv") == before
    everything_runs(server)
    page_of(server)
    debian.ok("root", "systemctl start coinsync-job@sync coinsync-job@backup")
    debian.ok("root", "systemctl is-active coinsync-database")
    logged = debian.ok("root", "journalctl -o cat")
    assert PASSWORD not in logged


def the_web_only_reads(server: Server) -> None:
    """The cabinet shows a family its page, and its account may do nothing else."""
    page_of(server)
    client = f"mariadb -u coinsync_web -p{PASSWORD} coinsync -e"
    assert server.debian.ok(ADMIN, f"{client} 'SELECT COUNT(*) FROM entry'")
    for sql in ("UPDATE entry SET coins = 9", "SELECT * FROM decision", "CREATE TABLE x (y INT)"):
        done = server.debian.run(ADMIN, f"{client} '{sql}'")
        assert "command denied" in done.stderr, sql


def test_one_folder_serves_as_well(server: Server) -> None:
    """As the README says, and with nothing that install.sh made."""
    make, install, init = in_one_folder()
    folder = "rm -rf alone && cp -r coinsync alone && cd alone"
    server.debian.ok(ADMIN, f"{folder} && {make} && {install}")
    answers = server.init.partition(" && ")[0].removeprefix("sudo ")
    begin = f"export {answers.replace(' coinsync init', f'; {init}')}"
    server.debian.ok(ADMIN, f"cd alone; {begin} && venv/bin/coinsync sync --yes")
    proof = server.debian.ok(ADMIN, "cd alone && venv/bin/coinsync reconcile")
    assert "all is right" in proof


def test_every_command_in_a_sentence_can_be_typed(server: Server) -> None:
    """By the admin; one that finds something to do says so by 4."""
    commands = mentioned()
    assert NOT_TYPED.keys() <= set(commands)
    typed = {text for _, text in server.typed}
    for command in commands:
        if command in NOT_TYPED or command in typed:
            continue
        done = server.debian.run(ADMIN, f"cd coinsync && {command}")
        assert done.returncode in {0, 4}, f"{command}: {done.stdout}{done.stderr}"


def test_every_line_of_the_documentation_was_typed(server: Server) -> None:
    """The last of all: nothing stands there that was not tried, by whoever is to type it."""
    printed = {(line.user, line.text) for line in lines(DOCUMENT)}
    printed |= {(ADMIN, line) for line in setting_up()}
    assert printed - server.typed == set()
    assert len(printed) > 40
