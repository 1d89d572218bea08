"""The doctor is the last word: each of its lines has a case in which it is not "ok".

The CRM answers over real HTTP, VK too. Time stands at noon of the school's day, as the CRM's does.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import cli
from coinsync.commands.checks import machine
from coinsync.commands.checks.examination import FAIL, OK, WARN
from coinsync.core.seal import Seal
from coinsync.simulator import School
from coinsync.store import database as store
from coinsync.store.lock import remember, seal_file
from tests.support import engines
from tests.support.other_user import as_reader, shared_folder
from tests.support.school import (
    KEY,
    SECRETS,
    TODAY,
    VK_KEY,
    Installation,
    Said,
    a_school,
    beside_vk,
    listening,
    open_installation,
)
from tests.support.vk_double import DROP, Trouble

NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
#: Types of the made-up school that no rule names.
SETTINGS: dict[str, Any] = {"lessons__uncounted": [1, 7], "data__backups": "backups"}
#: Cards that name a community.
COMMUNITIES = (122, 123)
JOB = "10 3 * * * coinsync --config config.toml --quiet sync --ping-url https://watcher.example/1\n"


def until_noon() -> timedelta:
    """How much later than now it is for these tests."""
    return NOON - cli.utc_now()


def examined(installation: Installation, *words: str, later: timedelta | None = None) -> Said:
    """What the doctor says at noon, or at another time."""
    return installation.run("doctor", *words, later=until_noon() if later is None else later)


def lines_of(said: Said) -> dict[str, list[tuple[str, str, str]]]:
    """State, text and advice by what is looked at."""
    lines: dict[str, list[tuple[str, str, str]]] = {}
    for line in said.json:
        entry = (line["state"], line["said"], line["advice"])
        lines.setdefault(line["look"], []).append(entry)
    return lines


@pytest.fixture(scope="module")
def synced_school(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Path]:
    """A school whose cards all lead to families, and the folder of its first sync."""
    folder = tmp_path_factory.mktemp("synced")
    school = a_school()
    for card in COMMUNITIES:
        school.act("set_vk", customer=card, text=f"id{card}")
    kept = pickle.dumps(school)
    with engines.using(None), listening(school) as crm:
        # A minute before noon, so that a slow machine posts nothing after it.
        before_noon = until_noon() - timedelta(minutes=1)
        said = open_installation(folder, crm, **SETTINGS).run("sync", later=before_noon)
        assert said.code == 0, said.err
    return kept, folder


@pytest.fixture
def well(synced_school: tuple[bytes, Path], tmp_path: Path) -> Iterator[Installation]:
    """An installation in which nothing is wrong: synced, with a backup, a job and an alarm."""
    kept, folder = synced_school
    school: School = pickle.loads(kept)
    with engines.using(None), listening(school) as crm:
        installation = Installation(tmp_path, crm)
        for name in ("coinsync.db", "coinsync.secrets"):
            shutil.copy(folder / name, tmp_path / name)
        installation.configure(**SETTINGS)
        (tmp_path / "backups").mkdir()
        keep_backup(installation, hours_ago=20)
        add_program(installation, "crontab", f"cat <<'END'\n{JOB}END\n")
        yield installation


def keep_backup(installation: Installation, hours_ago: int) -> None:
    """A file that looks like a backup of some hours ago."""
    path = installation.folder / "backups" / "coinsync-2026-11-19-160000.backup"
    path.touch()
    moment = (NOON - timedelta(hours=hours_ago)).timestamp()
    os.utime(path, (moment, moment))


def add_program(installation: Installation, name: str, script: str) -> None:
    """A program of the machine, in front of its own."""
    folder = installation.folder / "bin"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
    path.chmod(0o755)
    installation.environ["PATH"] = f"{folder}:/usr/bin:/bin"


# --- all is well ----------------------------------------------------------------------------------

LOOKS = (
    *("config", "secrets", "crm", "branches", "types", "vk field", "vk app", "database", "schema"),
    *("ledger", "triggers", "rights", "writing", "settings", "integrity", "seal", "disk"),
    *("backup", "freshness", "lock", "clock", "job", "alarm", "colours", "pictures"),
)
ASKED = {"crm", "branches"}


def test_all_is_well(well: Installation) -> None:
    """One line for each thing, all of them ok."""
    said = examined(well)
    assert said.code == 0, said.out
    lines = said.out.splitlines()
    assert tuple(line[5:16].rstrip() for line in lines) == LOOKS
    assert [line for line in lines if not line.startswith("ok ")] == []
    assert examined(well, "--quiet").out == ""


def test_offline_asks_nobody(well: Installation) -> None:
    """Neither the CRM nor VK; the other lines stand."""
    with beside_vk(well) as vk:
        well.configure(**SETTINGS, vk__api=vk.url)
        before = well.crm.requests[:]
        lines = lines_of(examined(well, "--offline", "--json"))
        assert vk.calls == []
    assert well.crm.requests == before
    assert set(LOOKS) - set(lines) == ASKED


def test_nothing_is_written(well: Installation) -> None:
    """No lock, no file, no byte; a reader's own files beside the database do not count."""

    def kept() -> dict[str, tuple[int, bytes]]:
        files = {}
        for path in well.folder.rglob("*"):
            if path.is_file() and not path.name.endswith(("-wal", "-shm")):
                files[str(path)] = (path.stat().st_mtime_ns, path.read_bytes())
        return files

    before = kept()
    examined(well)
    assert kept() == before
    with closing(sqlite3.connect(well.folder / "coinsync.db")) as opened:
        opened.execute("PRAGMA journal_mode = delete")
    before = kept()
    (setting,) = lines_of(examined(well, "--json"))["settings"]
    assert setting[0] == WARN
    assert setting[1].startswith("journal_mode is delete")
    assert kept() == before


# --- one case for each line -----------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Something wrong, and the line that says so."""

    look: str
    state: str
    said: str
    harm: Callable[[Installation], None]
    code: int = 4


def configured(**changed: Any) -> Callable[[Installation], None]:
    """A configuration with other values."""
    return lambda installation: installation.configure(**{**SETTINGS, **changed})


def with_secrets(text: str, mode: int = 0o600) -> Callable[[Installation], None]:
    """Another file of secrets."""

    def harm(installation: Installation) -> None:
        installation.file("coinsync.secrets", text)
        (installation.folder / "coinsync.secrets").chmod(mode)

    return harm


def without_secrets(installation: Installation) -> None:
    """No file of secrets at all."""
    (installation.folder / "coinsync.secrets").unlink()


def key_in_environment(installation: Installation) -> None:
    """The key that a shell knows and cron does not."""
    installation.file("coinsync.secrets", f"COINSYNC_VK_KEYS={VK_KEY}\n")
    installation.environ["COINSYNC_ALFACRM_KEY"] = KEY


def windows_secrets(installation: Installation) -> None:
    """A comment as an old editor of Windows saves it."""
    installation.file("coinsync.secrets", f"# ключ\n{SECRETS}", "cp1251")


def linked_secrets(installation: Installation) -> None:
    """A link in the place of the file."""
    path = installation.folder / "coinsync.secrets"
    path.rename(installation.folder / "elsewhere")
    path.symlink_to("elsewhere")


def other_key(installation: Installation) -> None:
    """The CRM knows another key than we."""
    installation.crm.api_key = "another"


def sql(statement: str) -> Callable[[Installation], None]:
    """Something done to the database by hand."""

    def harm(installation: Installation) -> None:
        with closing(sqlite3.connect(installation.folder / "coinsync.db")) as opened:
            opened.executescript(statement)

    return harm


def damaged(installation: Installation) -> None:
    """A file whose list of free pages does not add up."""
    path = installation.folder / "coinsync.db"
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(36)
        file.write((5).to_bytes(4, "big"))


def old_backup(installation: Installation) -> None:
    """Nobody has made one for three days."""
    keep_backup(installation, hours_ago=72)


def no_backup(installation: Installation) -> None:
    """A folder with nothing in it."""
    shutil.rmtree(installation.folder / "backups")


def open_lock(installation: Installation) -> None:
    """A lock that everybody may take."""
    path = installation.folder / ".coinsync.lock"
    path.touch()
    path.chmod(0o666)


def linked_lock(installation: Installation) -> None:
    """A link that a run would not follow."""
    (installation.folder / ".coinsync.lock").symlink_to("coinsync.db")


def a_later_seal(installation: Installation) -> None:
    """What was seen here is not in the ledger that lies there."""
    with installation.reader() as reader:
        account = reader.head().account
    file = seal_file(installation.folder, store.place(installation.url), account)
    remember(file, Seal(9999, "0" * 20))


def crontab(text: str) -> Callable[[Installation], None]:
    """Another table of cron."""
    return lambda installation: add_program(installation, "crontab", f"cat <<'END'\n{text}END\n")


OPEN = "every family would be refused"
CASES = (
    Case("config", FAIL, "[school] nam", configured(), 4),
    Case("secrets", FAIL, "can be read by others (mode 0644)", with_secrets(SECRETS, 0o644)),
    Case("secrets", FAIL, "COINSYNC_ALFACRM_KEY is missing", without_secrets),
    Case("secrets", FAIL, "a link is not followed", linked_secrets),
    Case("seal", FAIL, "ledger went back: 9999 ·", a_later_seal),
    Case("secrets", FAIL, "has a quote", with_secrets(f'COINSYNC_ALFACRM_KEY=a"{KEY}\n')),
    Case(
        "secrets",
        FAIL,
        "a comment stands behind it",
        with_secrets(f"COINSYNC_ALFACRM_KEY={KEY} # new\n"),
    ),
    Case("secrets", FAIL, "empty or has", with_secrets("COINSYNC_ALFACRM_KEY=\n")),
    Case("secrets", FAIL, "unknown name", with_secrets(f"{SECRETS}COINSYNC_KEY=1\n")),
    Case("secrets", FAIL, "is not UTF-8", windows_secrets),
    Case("secrets", WARN, "environment alone", key_in_environment, 0),
    Case("crm", FAIL, "127.0.0.1:9", configured(alfacrm__url="http://127.0.0.1:9")),
    Case("crm", FAIL, "refused e-mail or key", other_key),
    Case("crm", FAIL, "does not exist", configured(school__crm="csv")),
    Case("branches", FAIL, "id 9: no such branch", configured(branch=[{"id": 9}])),
    Case(
        "types",
        FAIL,
        "[[rule]] clubs types: 99 is no lesson type",
        configured(
            rule=[
                {"name": "group lesson", "coins": 10, "types": [2], "since": TODAY},
                {"name": "clubs", "coins": 10, "types": [99], "since": TODAY},
            ]
        ),
    ),
    Case("types", WARN, "[lessons] trial: 33 is no", configured(lessons__trial=[3, 33]), 0),
    Case(
        "types",
        WARN,
        "type 7 'Мастер-класс' is not classified",
        configured(lessons__uncounted=[1]),
        0,
    ),
    Case("vk field", FAIL, "no card of the CRM has it", configured(residents__vk_field="custom_w")),
    Case("vk field", WARN, "linked by hand alone", configured(residents__vk_field=""), 0),
    Case("vk field", FAIL, "0 of 2", sql("UPDATE resident SET vk = ''")),
    Case("vk field", WARN, "name a person", sql("UPDATE resident SET vk = '?' WHERE id = 101"), 0),
    Case("vk app", FAIL, f"[web] app_id is 0, so {OPEN}", configured(web__app_id=0)),
    Case(
        "vk app",
        FAIL,
        "COINSYNC_VK_KEYS is missing",
        with_secrets(f"COINSYNC_ALFACRM_KEY={KEY}\n"),
    ),
    Case(
        "vk app",
        FAIL,
        "the key is too short (8 characters)",
        with_secrets(f"COINSYNC_ALFACRM_KEY={KEY}\nCOINSYNC_VK_KEYS=12345678\n"),
    ),
    Case(
        "vk app",
        FAIL,
        "a quote, a space or a letter",
        with_secrets(f"COINSYNC_ALFACRM_KEY={KEY}\nCOINSYNC_VK_KEYS={VK_KEY},'{VK_KEY}'\n"),
    ),
    Case("database", FAIL, "does not exist", configured(database__url="sqlite:///none.db")),
    Case("schema", FAIL, "0001_first is missing", sql("DELETE FROM schema_migration")),
    Case("schema", FAIL, "is not ours", sql("ALTER TABLE resident ADD COLUMN shoe TEXT")),
    Case("triggers", FAIL, "missing: entry_no_delete", sql("DROP TRIGGER entry_no_delete")),
    Case("writing", FAIL, "every writer refuses", sql("DROP TRIGGER entry_no_delete")),
    Case("settings", WARN, "journal_mode is", sql("PRAGMA journal_mode = delete"), 0),
    Case(
        "rights",
        WARN,
        "is open to everybody",
        lambda installation: (installation.folder / "coinsync.db").chmod(0o666),
        0,
    ),
    Case("integrity", FAIL, "reelist", damaged),
    Case("backup", WARN, "nobody knows", configured(data__backups=""), 0),
    Case("backup", WARN, "none yet", no_backup, 0),
    Case("backup", FAIL, "is 3 d 0 h old", old_backup),
    Case("freshness", FAIL, "was never synced", sql("DROP TRIGGER run_no_delete; DELETE FROM run")),
    Case("lock", FAIL, "can be written by everybody (mode 0666)", open_lock),
    Case("lock", FAIL, "is a link", linked_lock),
    Case("job", WARN, "no systemd timer and no line", crontab(f"# {JOB}"), 0),
    Case("job", WARN, "no systemd timer and no line", crontab("1 1 * * * other sync\n"), 0),
    Case("alarm", WARN, "neither a ping address nor", crontab("1 1 * * * coinsync sync\n"), 0),
    Case("colours", FAIL, "has a contrast of 3.61 : 1", configured(brand__accent_light="#2688eb")),
    Case("pictures", FAIL, '"none.svg" cannot be read', configured(brand__logo="none.svg")),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.look}: {case.said[:30]}")
def test_each_line_says_what_is_wrong(well: Installation, case: Case) -> None:
    """With advice, and no secret in it; 4 for what fails, 0 for a warning."""
    well.sleep = lambda _seconds: None
    case.harm(well)
    if case.look == "config":
        text = well.config.read_text(encoding="utf-8").replace("\nname = ", "\nnam = ", 1)
        well.config.write_text(text, encoding="utf-8")
    said = examined(well, "--json")
    entries = lines_of(said).get(case.look, [])
    assert any(entry[0] == case.state and case.said in entry[1] for entry in entries), entries
    assert all(entry[2] for entry in entries if entry[0] != OK)
    assert said.code == case.code
    assert not [secret for secret in (KEY, VK_KEY) if secret in said.out + said.err]


def test_every_line_has_a_case() -> None:
    """Whoever adds a line shows it failing; the numbers of the ledger cannot."""
    apart = {"ledger", "clock", "disk"}
    assert {case.look for case in CASES} | apart == set(LOOKS)


# --- what takes more than a file ------------------------------------------------------------------


def test_every_fault_of_the_configuration(well: Installation) -> None:
    """All of them, each with advice, and nothing else: all the rest needs it."""
    well.configure(**SETTINGS, brand__label="red", web__threads=0, school__crm="paper")
    lines = lines_of(examined(well, "--json"))
    assert [line[0] for line in lines.pop("config")] == [FAIL] * 3
    assert not lines


def test_advice_stands_below(well: Installation) -> None:
    """On a line of its own, under what is said."""
    well.configure(**{**SETTINGS, "data__backups": ""})
    out = examined(well).out
    assert "warn backup     no folder for backups" in out
    assert "\n                → Name one as [data] backups, then: coinsync db backup" in out


def test_before_the_first_sync(installation: Installation) -> None:
    """Nothing fails yet: what comes next is said."""
    installation.configure(**SETTINGS)
    said = examined(installation, "--json")
    assert said.code == 0, said.out
    lines = lines_of(said)
    ((state, _, advice),) = lines["freshness"]
    assert (state, "coinsync sync --dry-run" in advice) == (WARN, True)
    assert "after the first sync" in lines["vk field"][0][1]


def test_a_school_without_a_crm(well: Installation) -> None:
    """Its files are looked at instead."""
    (well.folder / "attendance").mkdir()
    well.configure(**SETTINGS, school__crm="csv")
    lines = lines_of(examined(well, "--json"))
    assert lines["crm"][0][0] == FAIL
    well.file("attendance/branches.csv", "id,name\n1,Казань\n2,Омск\n")
    well.file("attendance/types.csv", "id,name,base\n2,Групповой,group\n")
    lines = lines_of(examined(well, "--json"))
    assert [lines[look][0][0] for look in ("crm", "branches", "vk field")] == [OK, OK, OK]
    assert lines["clock"][0][1] == "not before the ledger's newest run"


def test_a_byte_order_mark_is_no_fault(well: Installation) -> None:
    """Notepad begins a file with one."""
    well.file("coinsync.secrets", SECRETS, "utf-8-sig")
    assert lines_of(examined(well, "--json"))["secrets"][0][0] == OK


def test_vk_is_not_set_up_yet(well: Installation) -> None:
    """That is no fault: the look without VK is named instead."""
    with_secrets(f"COINSYNC_ALFACRM_KEY={KEY}\n")(well)
    well.configure(**SETTINGS, web__app_id=0)
    said = examined(well, "--json")
    ((state, text, advice),) = lines_of(said)["vk app"]
    assert (state, said.code) == (WARN, 0)
    assert "not set up yet" in text
    assert "coinsync preview RESIDENT" in advice


@pytest.mark.parametrize(
    ("trouble", "state"), [(None, OK), (Trouble(code=5), FAIL), (DROP, WARN)], ids=str
)
def test_the_service_key(well: Installation, trouble: Trouble | None, state: str) -> None:
    """VK is asked for one name; a key that it refuses fails, what passes by itself warns."""
    with beside_vk(well) as vk:
        well.configure(**SETTINGS, vk__api=vk.url)
        if trouble is not None:
            vk.always(trouble)
        said = examined(well, "--json")
        assert vk.key not in said.out
    ((found, _, _),) = lines_of(said)["vk service"]
    assert found == state


@pytest.mark.parametrize(
    ("off", "state", "text"),
    [
        (timedelta(minutes=2), WARN, "2 min ahead of the CRM's"),
        (timedelta(hours=3), WARN, "3 h 0 min ahead of the CRM's: families' launches may be"),
        (timedelta(hours=25), FAIL, "1 d 1 h ahead of the CRM's: families' launches may be"),
        (timedelta(days=-2), FAIL, "before the ledger's newest run"),
    ],
    ids=str,
)
def test_the_clock(well: Installation, off: timedelta, state: str, text: str) -> None:
    """Against the CRM's own Date, and against what was written already."""
    well.configure(**SETTINGS, guards__clock_hours_max=24)
    said = examined(well, "--json", later=until_noon() + off)
    ((found, told, advice),) = lines_of(said)["clock"]
    assert (found, text in told, "timedatectl" in advice) == (state, True, True), told


def test_clocks_that_nobody_compares(well: Installation) -> None:
    """Where the days of a made-up CRM go on by hand, as the demo's do."""
    said = examined(well, "--json", later=until_noon() + timedelta(days=3))
    ((found, told, _),) = lines_of(said)["clock"]
    assert (found, told) == (OK, "not before the ledger's newest run")


def test_a_clock_that_is_slow(installation: Installation) -> None:
    """Before the first run there is only the CRM to compare with; one that is less than a day off
    may be a CRM whose own clock is wrong.
    """
    installation.configure(guards__clock_hours_max=24)
    for hours, expected in ((1, WARN), (25, FAIL)):
        said = examined(installation, "--json", later=until_noon() - timedelta(hours=hours))
        ((state, told, _),) = lines_of(said)["clock"]
        assert (state, "behind the CRM's: families' launches" in told) == (expected, True)


def test_a_run_that_goes_on(well: Installation) -> None:
    """Who holds the lock, and since when; for too long is a warning. It is not disturbed."""
    environment = cli.environment({"USER": "anna"})
    for hours, state in ((1, OK), (9, WARN)):
        since = f"{NOON - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
        holder = {"what": "sync", "actor": "cron", "since": since}
        with machine_lock(well, holder, environment.sleep):
            ((found, told, _),) = lines_of(examined(well, "--json"))["lock"]
        assert (found, told) == (state, f"held: sync by cron since {since}")


def machine_lock(well: Installation, holder: dict[str, str], sleep: Any) -> Any:
    """The lock of a run that goes on."""
    from coinsync.store.lock import run_lock

    return run_lock(well.folder / ".coinsync.lock", holder, 0.0, sleep)


def test_a_user_who_may_not(well: Installation) -> None:
    """Another user can neither read the secrets nor write, and is told each of it."""
    with shared_folder() as folder:
        for name in ("coinsync.db", "coinsync.secrets", "config.toml"):
            shutil.copy(well.folder / name, folder / name)
        if os.geteuid() == 0:
            for path in (folder / "coinsync.db", folder / "config.toml"):
                shutil.chown(path, 0, 65534)
                path.chmod(0o640)
        # Somebody holds the file open, so that whoever may not write can read it.
        with closing(sqlite3.connect(folder / "coinsync.db")) as held:
            held.execute("SELECT * FROM run").fetchall()
            other = Installation(folder, environ=well.environ)
            said = as_reader(folder, lambda: examined(other, "--offline", "--json"))
    assert isinstance(said, Said), said
    lines = lines_of(said)
    assert "this user may not write" in lines["writing"][0][1]
    assert "cannot be opened by this user" in lines["lock"][0][1]
    if os.geteuid() == 0:
        assert "belongs to root, and nobody runs this" in lines["secrets"][0][1]


@pytest.mark.parametrize(
    ("free", "size", "state"),
    [(100, 1, FAIL), (500, 1, WARN), (3_000, 2_000, WARN), (3_000, 1, OK)],
)
def test_free_disk(free: int, size: int, state: str) -> None:
    """A night needs some, a backup as much as the database."""
    mib = machine.MIB
    assert machine.room(free * mib, size * mib) == state


def test_timers_of_systemd(tmp_path: Path) -> None:
    """Those of a sync that are switched on."""
    for name in ("coinsync-backup.timer", "apt-daily-sync.timer"):
        (tmp_path / name).touch()
    assert machine.timers_in(tmp_path) == []
    (tmp_path / "coinsync-sync.timer").touch()
    assert machine.timers_in(tmp_path) == ["coinsync-sync.timer"]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("COINSYNC_PING_URL=https://watcher.example/1\n", OK),
        ("#COINSYNC_PING_URL=https://hc-ping.com/…\n", WARN),
        ("COINSYNC_PING_URL=\n", WARN),
    ],
)
def test_the_alarm_of_all_jobs(well: Installation, text: str, state: str) -> None:
    """It stands in a file beside the configuration, from which docs/deploy gives it to the jobs."""
    crontab("10 3 * * * /usr/local/lib/coinsync/job sync\n")(well)
    well.file("jobs.env", text)
    lines = lines_of(examined(well, "--json"))
    assert (lines["alarm"][0][0], lines["job"][0][0]) == (state, OK)


def test_a_mailer_is_an_alarm(well: Installation) -> None:
    """Where cron mails and something delivers it."""
    crontab("MAILTO=admin@school.example\n1 1 * * * coinsync sync\n")(well)
    add_program(well, "sendmail", "")
    ((state, told, _),) = lines_of(examined(well, "--json"))["alarm"]
    assert (state, told) == (OK, "cron mails what goes wrong")


def test_json_is_for_programs(well: Installation) -> None:
    """Four texts for each line, always."""
    for line in json.loads(examined(well, "--json").out):
        assert set(line) == {"look", "state", "said", "advice"}
