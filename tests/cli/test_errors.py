"""Wrong use, broken files, missing things.

One line of what and where, one of advice, the right exit code.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

import cli
from coinsync import config
from coinsync.core.ledger import utc_text
from tests.support.school import Installation, open_installation


@pytest.fixture
def empty(tmp_path: Path) -> Installation:
    """An installation whose CRM does not run."""
    return open_installation(tmp_path)


def test_a_missing_configuration_says_what_to_do(tmp_path: Path) -> None:
    """2, and the way out."""
    said = Installation(tmp_path).run("balance")
    assert said.code == 2
    assert "cannot be read" in said.err
    assert 'Run "coinsync init"' in said.err


def test_all_problems_of_a_configuration_are_told_at_once(empty: Installation) -> None:
    """Each with its key, what is expected, and what is there."""
    text = empty.config.read_text(encoding="utf-8")
    text = text.replace("days_back = 30", "days_bakc = 30").replace(
        "page_size = 500", 'page_size = "many"'
    )
    empty.config.write_text(text.replace("port = 8080", "port = 0"), encoding="utf-8")
    said = empty.run("balance")
    assert said.code == 2
    assert "unknown key [sync] days_bakc (did you mean days_back?)" in said.err
    assert '[alfacrm] page_size: expected a whole number from 10 to 500, got "many"' in said.err
    assert "[web] port: expected a whole number from 1 to 65535, got 0" in said.err


def test_toml_that_is_none_says_the_line(empty: Installation) -> None:
    """2, with line and column."""
    empty.config.write_text("[school]\nname = \n", encoding="utf-8")
    said = empty.run("balance")
    assert said.code == 2
    assert "not valid TOML" in said.err
    assert "line 2" in said.err


def test_a_secret_that_others_can_read_is_refused(installation: Installation) -> None:
    """2, and the command that mends it."""
    secrets = installation.folder / "coinsync.secrets"
    secrets.chmod(0o644)
    said = installation.run("sync")
    assert said.code == 2
    assert "can be read by others (mode 0644)" in said.err
    assert f"chmod 600 {secrets}" in said.err


def test_a_missing_secret_says_where_to_put_it(installation: Installation) -> None:
    """2, by name."""
    (installation.folder / "coinsync.secrets").unlink()
    said = installation.run("sync")
    assert said.code == 2
    assert "secret: COINSYNC_ALFACRM_KEY is missing" in said.err


def test_a_missing_database_is_not_made_by_the_way(empty: Installation) -> None:
    """2: a slip in the address must not begin an empty ledger."""
    (empty.folder / "coinsync.db").unlink()
    for command in ("sync", "balance", "journal"):
        said = empty.run(command)
        assert (said.code, "does not exist" in said.err) == (2, True)
    assert not (empty.folder / "coinsync.db").exists()


def test_a_database_of_a_newer_schema_is_left_alone(empty: Installation) -> None:
    """2: this program does not know what it would break."""
    with sqlite3.connect(empty.folder / "coinsync.db") as database:
        database.execute(
            "INSERT INTO schema_migration (name, applied) VALUES ('9999_future', '2030-01-01')"
        )
    database.close()
    for command in ("sync", "balance", "serve"):
        said = empty.run(command)
        assert said.code == 2
        assert "schema 9999_future is newer than this program" in said.err


def test_something_else_than_a_database_is_told(empty: Installation) -> None:
    """1: damaged, and not to be written to."""
    (empty.folder / "coinsync.db").write_bytes(b"this is no database at all, it is a text " * 50)
    said = empty.run("balance")
    assert said.code == 1
    assert "is damaged" in said.err


@pytest.mark.parametrize("table", ["entry", "run", "note", "head"])
def test_a_zeroed_page_of_a_table_that_is_written_to(desk: Installation, table: str) -> None:
    """1, in one line and one of advice, and nothing is written."""
    if desk.address:
        return
    path = desk.folder / "coinsync.db"
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ((page,),) = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
        ((size,),) = opened.execute("PRAGMA page_size")
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = bytes(size)
    path.write_bytes(content)
    said = desk.run("credit", "102", "5", "--reason", "Проба", "--yes")
    assert said.code == 1
    assert said.err.splitlines()[0].endswith("coinsync.db is damaged, or no database")
    assert len(said.err.splitlines()) == 2


@pytest.mark.parametrize(
    "words",
    [["balance"], ["residents", "list"], ["journal"], ["catalog", "list"], ["links", "list"]],
)
def test_one_form_is_asked_for(desk: Installation, words: list[str]) -> None:
    """2: a program that gets the other one would not understand it."""
    said = desk.run(*words, "--json", "--csv")
    assert (said.code, said.out) == (2, "")
    assert "--json and --csv: say one of them" in said.err


@contextmanager
def lock_held(installation: Installation, minutes: int) -> Iterator[str]:
    """Another run has had the lock for so long; since when."""
    since = utc_text(cli.utc_now() - timedelta(minutes=minutes))
    with (installation.folder / ".coinsync.lock").open("w") as lock:
        json.dump({"what": "sync", "actor": "cron", "since": since}, lock)
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield since


def test_a_second_run_waits_or_leaves_with_75(installation: Installation) -> None:
    """The lock is held: 75 with the holder named, and not a word under --quiet."""
    with lock_held(installation, minutes=59) as since:
        said = installation.run("sync")
        quiet = installation.run("sync", "--quiet")
    assert said.code == 75
    assert f"busy: sync by cron since {since} holds the lock; nothing written" in said.err
    assert said.err.count("written") == 1
    assert (quiet.code, quiet.out, quiet.err) == (75, "", "")
    installation.ok("sync", "--quiet")


def test_a_lock_that_is_held_too_long_is_said_at_once(installation: Installation) -> None:
    """Half an hour more than reading may take, also with --quiet: nights would pass in silence."""
    installation.configure(alfacrm__run_minutes=1)
    with lock_held(installation, minutes=32):
        said = installation.run("sync", "--quiet")
    assert said.code == 75
    assert "holds the lock, longer than 31 minutes; nothing written" in said.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["nonsense"], 2, "No such command"),
        (["sync", "--since", "soon"], 2, "'soon' is no day"),
        (["sync", "--since", "2026-11-02", "--until", "2026-11-01"], 2, "is after --until"),
        (["balance", "#99999"], 6, "no resident answers to '#99999'"),
        (["balance", "Никто"], 6, "no resident answers to 'Никто'"),
        (["history", "vk:5"], 6, "no resident answers to 'vk:5'"),
        (["history", "#101", "--kind", "bribe"], 2, "'bribe' is not one of 'award'"),
        (["explain", "#101", "--lesson", "1"], 6, "lesson 1 is not recorded"),
        (["waiting", "--max-age", "soon"], 2, "'soon' is no age"),
        (["--branch", "Nowhere", "sync"], 6, "branch 'Nowhere' is not in the configuration"),
    ],
)
def test_wrong_use_is_told_in_one_line(
    synced: Installation, words: list[str], code: int, says: str
) -> None:
    """What is wrong, one line of advice, the documented code."""
    said = synced.run(*words)
    assert said.code == code
    assert says in said.err
    assert "\n  → " in said.err
    assert "Traceback" not in said.err


def test_an_ambiguous_name_lists_who_is_meant(synced: Installation) -> None:
    """6, with the candidates."""
    said = synced.run("balance", "а")
    assert said.code == 6
    assert "residents answer to 'а'" in said.err
    assert "    #1" in said.err


def test_a_database_of_another_school_is_refused(synced: Installation) -> None:
    """Numbers of two accounts must never meet in one ledger."""
    synced.configure(alfacrm__account="other")
    before = synced.content()
    said = synced.run("sync")
    assert said.code == 2
    assert "belongs to the CRM account 'test'" in said.err
    assert synced.content() == before


def test_an_unexpected_error_shows_no_traceback(
    empty: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line and exit 1; the whole story only with --debug."""

    def broken(_path: Path) -> None:
        raise RuntimeError("key-of-the-test-school")

    monkeypatch.setattr(config, "load", broken)
    said = empty.run("balance")
    assert said.code == 1
    assert "unexpected error (RuntimeError)" in said.err
    assert "key-of-the-test-school" not in said.err
    with pytest.raises(RuntimeError):
        empty.run("balance", "--debug")


def test_a_reader_who_leaves_does_not_stop_a_sync(installation: Installation) -> None:
    """Piped into a program that ends at once, the sync is done all the same."""
    sync = subprocess.Popen(
        [sys.executable, "-m", "cli", "--config", str(installation.config), "sync", "-v"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "USER": "anna"},  # noqa: TID251
    )
    assert sync.stdout is not None
    sync.stdout.close()
    _, err = sync.communicate(timeout=60)
    assert (sync.returncode, err) == (0, b"")
    assert installation.content()


def test_a_terminal_without_letters_gets_escapes(synced: Installation) -> None:
    """Names that the stream cannot show are written as escapes; nothing fails."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", "--config", str(synced.config), "residents", "list"],
        capture_output=True,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii"},  # noqa: TID251
        check=True,
        timeout=60,
    )
    assert b"\\u04" in done.stdout


@pytest.mark.parametrize(
    "words", [["balance"], ["journal"], ["catalog", "list"], ["credit", "1", "--everybody"]]
)
def test_an_unknown_branch_is_refused_by_every_command(
    synced: Installation, words: list[str]
) -> None:
    """A misspelt branch never means all of them."""
    said = synced.run("--branch", "Nowhere", *words)
    assert said.code == 6
    assert "branch 'Nowhere' is not in the configuration" in said.err


@pytest.mark.parametrize(
    "url", ["nonsense", "http://", "ftp://host/x", "http://host:99999/", "http://a b/", "//host/x"]
)
def test_a_broken_address_of_the_watcher_is_refused(installation: Installation, url: str) -> None:
    """Otherwise nobody would notice that nobody is told; it may be a secret and is not repeated."""
    for said in (
        installation.run("sync", "--ping-url", url),
        installation.run("sync", environ={"COINSYNC_PING_URL": url}),
    ):
        assert said.code == 2
        assert "--ping-url or COINSYNC_PING_URL is no web address" in said.err
        assert "host/x" not in said.err


def test_errors_are_json_for_a_program(synced: Installation) -> None:
    """Message, advice and exit code, on stderr; stdout has what the command gives."""
    said = synced.run("balance", "Nobody at all", "--json")
    error = json.loads(said.err)
    assert said.code == error["exit_code"] == 6
    assert error["message"]
    assert error["advice"]
    usage = synced.run("nonsense", "--json")
    assert json.loads(usage.err)["exit_code"] == usage.code == 2
    synced.school.act("empty", branch=1)
    refused = synced.run("sync", "--json")
    assert refused.code == 5
    for line in refused.err.splitlines():
        assert json.loads(line)["message"]


def test_by_night_a_branch_complains_once(synced: Installation) -> None:
    """Not once for each of its months."""
    synced.crm.faults.add("items_null", match="1/lesson/index")
    said = synced.run("sync", "--quiet", "--since", "2026-08-01")
    lines = said.err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("more of this branch)")
    assert len(synced.run("sync", "--since", "2026-08-01").err.splitlines()) > 4


def test_one_branch_is_watched_alone(synced: Installation) -> None:
    """Its runs and how fresh it is; the other branch has a watcher of its own."""
    for words, late in (((), {"sync 1", "sync 2"}), (("--branch", "2"), {"sync 2"})):
        said = synced.run("waiting", "--all", "--json", *words, later=timedelta(days=3))
        keys = {case["key"].rpartition(" ")[0] for case in said.json}
        assert {key for key in keys if key.startswith("sync")} == late
    lines = synced.ok("journal", "--branch", "2", "--json").json
    assert {line["run"]["branch"] for line in lines} == {2}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("balance >&-", 0),
        ("--quiet balance >&- 2>&-", 0),
        ("balance '#999999' 2>&-", 6),
        ("credit '#101' 1 --reason x <&-", 2),
    ],
)
def test_a_closed_stream_changes_no_exit_code(
    synced: Installation, command: str, code: int
) -> None:
    """What cron or a careless script closes."""
    program = f'"{sys.executable}" -m cli --config "{synced.config}" {command}'
    done = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
