"""Seals: where they are printed, what they alone see, and a ledger that went back."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from coinsync.core.seal import parse_seal
from coinsync.store import database as opening
from coinsync.store.lock import last_seal, seal_file
from tests.support import chain, engines
from tests.support.school import Installation

ENGINES = engines.BOTH
SEAL = re.compile(r"\d+ · [0-9a-f]{4}(?:-[0-9a-f]{4}){4}")


@pytest.fixture
def known(synced: Installation) -> Installation:
    """After a sync and a credit of +30; opened by whoever may see the guards."""
    synced.environ["COINSYNC_DATABASE_URL"] = engines.as_owner(synced.url)
    synced.ok("credit", f"#{somebody(synced)}", "30", "--reason", "won a cup", "--yes")
    return synced


def somebody(installation: Installation) -> int:
    """A resident who has coins."""
    balances = installation.balances()
    return max(balances, key=lambda who: balances[who])


def newest(installation: Installation) -> str:
    """The seal of the newest run."""
    with installation.reader() as reader:
        return str(reader.seal())


def memory(installation: Installation) -> Path:
    """The file that remembers the last seal."""
    with installation.reader() as reader:
        account = reader.head().account
    return seal_file(installation.folder, opening.place(installation.url), account)


def credit(installation: Installation, coins: int = 1) -> Any:
    """One more credit, whatever comes of it."""
    who = f"#{somebody(installation)}"
    words = ("--reason", "helped", "--allow-duplicate", "--yes")
    return installation.run("credit", who, str(coins), *words)


# --- where seals are printed ----------------------------------------------------------------------


def test_every_receipt_and_report_holds_the_newest_seal(
    known: Installation, tmp_path: Path
) -> None:
    """Credits, debits, reversals, sales, imports, fairs, statements, backups and reconcile."""
    who = f"#{somebody(known)}"
    rows = f"resident,coins,reason\n{who},5,tidy desk\n"
    goods = "code,name,price,tracked\nsticker,Наклейка,2,no\n"
    commands: list[tuple[str, ...]] = [
        ("credit", who, "5", "--reason", "helped", "--yes"),
        ("debit", who, "5", "--reason", "a badge", "--yes"),
        ("reverse", str(known.ledger()[-1].n), "--note", "wrong child", "--yes"),
        ("import", known.file("rows.csv", rows), "--yes"),
        ("catalog", "load", known.file("goods.csv", goods), "--yes"),
        ("shop", "open", "fair", "--yes"),
        ("sell", who, "sticker", "--event", "fair", "--yes"),
        ("shop", "close", "fair", "--yes"),
        ("sync",),
        ("statement", who, "--lang", "en"),
        ("db", "backup", str(tmp_path / "coins.backup")),
        ("reconcile",),
    ]
    known.school.act(
        "mark",
        lesson=known.ledger()[0].entry.lesson,
        is_attend=0,
        customer=known.ledger()[0].entry.resident,
    )
    for words in commands:
        said = known.ok(*words).out
        assert SEAL.findall(said)[-1] == newest(known), words
    assert known.ok("credit", who, "7", "--reason", "won", "--yes", "--json").json["receipt"][
        "seal"
    ] == newest(known)
    assert known.ok("reconcile", "--json").json["seal"] == newest(known)
    assert last_seal(memory(known)) == parse_seal(newest(known))


def test_a_seal_is_read_however_it_was_written_down(known: Installation) -> None:
    """Dashes, dots, spaces and capitals make no difference; anything else is said in one line."""
    seal = newest(known)
    run, digits = seal.split(" · ")
    for typed in (
        seal,
        f"{run} {digits}",
        f"{run}–{digits.upper()}",
        f" {run}. {digits.replace('-', ' ')} ",
    ):
        assert f"seal {seal} holds" in known.ok("reconcile", "--seal", typed).out
    for typed in ("", "420", digits, f"{run} {digits}0", f"{run} {digits[:-1]}x"):
        said = known.run("reconcile", "--seal", typed)
        assert (said.code, "is no seal" in said.err) == (2, True), typed


def test_any_number_of_seals_is_held_against_the_ledger(known: Installation) -> None:
    """From the command line and from a file; one that does not hold is a finding, exit 4."""
    with known.reader() as reader:
        seals = [f"{run.id} {run.chain[:20]}" for run in reader.run_lines()]
    file = known.file("seals.txt", "\n\n".join(seals))
    assert known.ok("reconcile", "--seals", file).out.count(" holds\n") == len(seals)
    wrong, far = f"1 {'0' * 20}", f"9999 {'0' * 20}"
    said = known.run("reconcile", "--seal", wrong, "--seal", far, "--seals", file, "--json")
    assert said.code == 4
    (found,) = said.json["findings"]
    assert (found["check"], found["count"], len(said.json["holds"])) == ("seal", 2, len(seals))
    assert found["examples"][0].endswith("run 1 is not what was sealed")
    assert found["examples"][1].endswith(f"the ledger ends at run {len(seals)}")
    assert known.run("reconcile", "--seal", wrong, "--as-of", "2026-11-01").code == 2


# --- an insider -----------------------------------------------------------------------------------


def rewrite(connection: Any) -> None:
    """What an insider does who knows the program: +30 becomes +800, and all is hashed anew."""
    n, run = connection.execute("SELECT n, run_id FROM entry WHERE coins = 30").fetchone()
    connection.execute("UPDATE entry SET coins = 800 WHERE n = ?", [n])
    connection.execute("UPDATE run SET coins = coins + 770 WHERE id = ?", [run])
    chain.rechain(connection)


def test_a_rewritten_past_is_seen_by_a_seal_alone(known: Installation, tmp_path: Path) -> None:
    """The owner drops the guards, rewrites, hashes anew, puts them back; reconcile finds nothing.

    Any seal from then on says that it is not, and so does a backup, by the first run that differs.
    """
    before = f"1 {known_chain(known, 1)}"
    sealed = newest(known)
    assert credit(known).code == 0
    backup = tmp_path / "coins.backup"
    known.ok("db", "backup", str(backup))
    witness = copied(known, tmp_path)
    memory(known).unlink()
    with engines.unguarded(known.url) as connection:
        rewrite(connection)
    assert "all is right" in known.ok("reconcile").out
    assert known.ok("reconcile", "--seal", before).code == 0
    said = known.run("reconcile", "--seal", sealed)
    run = sealed.split()[0]
    assert (said.code, f"run {run} is not what was sealed" in said.out) == (4, True)
    said = known.run("reconcile", "--against", witness)
    assert (said.code, f"against the copy: run {run}, posted" in said.out) == (4, True)


def known_chain(installation: Installation, run: int) -> str:
    """How the hash of a run begins."""
    with installation.reader() as reader:
        return reader.chains([run])[run][:20]


def copied(installation: Installation, folder: Path) -> str:
    """A copy of the database in a file, by coinsync's own means."""
    url = f"sqlite:///{folder / 'witness.db'}"
    installation.ok("db", "copy", url)
    return url if not engines.on_sqlite(installation.url) else str(folder / "witness.db")


def test_a_copy_that_is_the_same_or_older_holds(known: Installation, tmp_path: Path) -> None:
    """And one that goes further says what is missing here."""
    witness = copied(known, tmp_path)
    assert credit(known).code == 0
    run = int(newest(known).split()[0])
    assert (
        f"every run of the copy, up to {run - 1}, holds"
        in known.ok("reconcile", "--against", witness).out
    )


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE run SET actor = 'boris' WHERE id = 2",
        "UPDATE run SET login = 'boris(1)' WHERE id = 2",
        "UPDATE run SET digest = 'd' WHERE id = 2",
        "UPDATE sale SET actor = 'boris'",
        "UPDATE sale_line SET name_ru = 'Кепка'",
        "UPDATE refund_line SET actor = 'boris'",
        "UPDATE stock_move SET note_digest = ''",
        "UPDATE stock_move SET actor = 'boris'",
        "DELETE FROM run WHERE id = 2",
    ],
)
def test_what_was_in_no_chain_is_in_one(traded: Installation, sql: str) -> None:
    """Runs, sales, lines taken back and moves of stock: without hashing anew reconcile sees it."""
    traded.ok("reconcile")
    with engines.unguarded(traded.url) as connection:
        connection.execute(sql)
    said = traded.run("reconcile", "--json")
    assert said.code == 4
    assert {"chain"} <= {finding["check"] for finding in said.json["findings"]}


@pytest.fixture
def traded(known: Installation) -> Installation:
    """Goods that nobody counts were sold, others sold and taken back, written off with a note."""
    who = f"#{somebody(known)}"
    goods = "code,name,price,tracked\nmug,Кружка,1,yes\nsticker,Наклейка,1,no\n"
    known.ok("catalog", "load", known.file("goods.csv", goods), "--yes")
    known.ok("catalog", "stock", "receive", "mug", "5", "--yes")
    known.ok("catalog", "stock", "write-off", "mug", "1", "--note", "Аня разбила", "--yes")
    known.ok("sell", who, "sticker", "--key", "uncounted", "--yes")
    known.ok("sell", who, "mug", "--key", "back", "--yes")
    known.ok("refund", "back", "--note", "broken", "--yes")
    return known


def test_the_note_of_a_move_can_go_and_the_seal_holds(traded: Installation) -> None:
    """It is shown as long as it is there, and lies nowhere but among the notes."""
    seal = newest(traded)
    assert "Аня разбила" in traded.ok("catalog", "stock", "list", "mug").out
    with engines.tampering(traded.url) as connection:
        assert "Аня" not in str(connection.execute("SELECT * FROM stock_move").fetchall())
        connection.execute("DELETE FROM note WHERE text = 'Аня разбила'")
    assert "Аня" not in traded.ok("catalog", "stock", "list", "mug").out
    traded.ok("reconcile", "--seal", seal)


def test_whoever_may_only_add_is_seen(known: Installation) -> None:
    """The writer's account may not change a row.

    What it adds beside the program, to a run that is there or to none, reconcile sees.
    """
    url = known.url if engines.on_sqlite(known.url) else known.address
    writable = opening.open_writable(url.replace("coinsync_owner", "coinsync_writer"))
    columns = "resident_id, coins * 9, kind, happened_on, reason, actor, rule, '', NULL, NULL"
    with closing(writable):
        for key, run in (("desk:more", "run_id"), ("desk:most", "9999")):
            writable.execute_sql(
                f"INSERT INTO entry SELECT n + 1, '{key}', 1, {columns}, {run}, posted_at"
                " FROM entry ORDER BY n DESC LIMIT 1"
            )
        writable.execute_sql("UPDATE head SET n = n + 2")
    found = known.run("reconcile", "--json").json["findings"]
    assert {"chain", "runs"} <= {finding["check"] for finding in found}


# --- a ledger that went back ----------------------------------------------------------------------


def went_back(installation: Installation) -> None:
    """An older copy is put in the place of the database, as it was before the last credit."""
    if engines.on_sqlite(installation.url):
        file = opening.path_of(installation.url)
        older = file.with_name("older.db")
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(older)) as target:
            source.backup(target)
        assert credit(installation).code == 0
        for ending in ("-wal", "-shm"):
            file.with_name(file.name + ending).unlink(missing_ok=True)
        older.replace(file)
        return
    assert credit(installation).code == 0
    with engines.unguarded(installation.url) as connection:
        connection.execute("DELETE FROM note WHERE n = (SELECT MAX(n) FROM entry)")
        connection.execute("DELETE FROM entry ORDER BY n DESC LIMIT 1")
        connection.execute("DELETE FROM run ORDER BY id DESC LIMIT 1")
        connection.execute("UPDATE head SET n = n - 1, runs = runs - 1")


def test_a_ledger_that_went_back_is_refused_until_a_person_accepts_it(known: Installation) -> None:
    """By every writer, by doctor and reconcile, with the command that accepts it; kept as a run."""
    sealed = newest(known)
    went_back(known)
    assert newest(known) == sealed
    command = f'coinsync db accept "{sealed}"'
    for said in (credit(known), known.run("sync")):
        assert (said.code, command in said.err) == (5, True)
        assert "ledger went back" in said.err
    assert "FAIL" in next(
        line for line in known.run("doctor", "--offline").out.splitlines() if " seal " in line
    )
    said = known.run("reconcile")
    assert (said.code, command in said.out) == (4, True)
    assert known.ok("sync", "--dry-run").code == 0
    assert known.run("db", "accept", f"1 {'0' * 20}").code == 5
    assert "nothing written" in known.ok("db", "accept", sealed, "--dry-run").out
    assert credit(known).code == 5
    known.ok("db", "accept", sealed)
    with known.reader() as reader:
        (last,) = reader.runs(1)
    assert (last.purpose, last.entries) == ("accept", 0)
    assert credit(known).code == 0
    known.ok("reconcile", "--seal", sealed)
    assert "nothing to do" in known.ok("db", "accept", newest(known)).out


@pytest.mark.sqlite
def test_an_emptied_file_is_not_taken_for_a_new_one(known: Installation, tmp_path: Path) -> None:
    """The advice is a backup first; whoever makes it anew all the same cannot write to it."""
    backup = tmp_path / "coins.backup"
    known.ok("db", "backup", str(backup))
    file = opening.path_of(known.url)
    for ending in ("", "-wal", "-shm"):
        path = file.with_name(file.name + ending)
        if path.exists():
            path.write_bytes(b"")
    said = known.run("sync")
    assert (said.code, "is empty" in said.err, "db restore" in said.err) == (2, True, True)
    known.ok("db", "migrate")
    assert (known.run("sync").code, known.run("reconcile").code) == (5, 4)
    known.ok("db", "restore", str(backup), "--yes")
    known.ok("reconcile")
    assert known.run("sync").code == 0


@pytest.mark.sqlite
def test_a_file_without_what_lay_beside_it_is_noticed(known: Installation, tmp_path: Path) -> None:
    """Copied without its -wal it has lost what was last written."""
    file = opening.path_of(known.url)
    with closing(sqlite3.connect(file)) as held:
        held.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        held.execute("SELECT 1 FROM run").fetchall()
        assert credit(known).code == 0
        copy = tmp_path / "copy.db"
        shutil.copy(file, copy)
    for ending in ("-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)
    copy.replace(file)
    assert credit(known).code == 5


@pytest.mark.sqlite
def test_a_backup_is_put_back_by_one_command(known: Installation, tmp_path: Path) -> None:
    """It says what is missing, asks, and is accepted; a damaged or another's is refused."""
    backup = tmp_path / "coins.backup"
    known.ok("db", "backup", str(backup))
    held = newest(known)
    assert (credit(known).code, credit(known).code) == (0, 0)
    later = newest(known)
    said = known.ok("db", "restore", str(backup), "--dry-run").out
    assert (held in said, later in said, "2 runs later" in said) == (True, True, True)
    assert newest(known) == later
    assert known.run("db", "restore", str(backup)).code == 2
    torn = tmp_path / "torn.backup"
    content = bytearray(backup.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    torn.write_bytes(content)
    assert known.run("db", "restore", str(torn), "--yes").code != 0
    assert newest(known) == later
    known.ok("db", "restore", str(backup), "--yes")
    with known.reader() as reader:
        (last,) = reader.runs(1)
    assert (last.purpose, last.id) == ("accept", int(held.split()[0]) + 1)
    known.ok("reconcile", "--seal", held)
    assert known.run("reconcile", "--seal", later).code == 4
    assert credit(known).code == 0


def test_who_may_not_remember_is_told_once_and_writes_all_the_same(known: Installation) -> None:
    """A user without a right to the state folder posts; a first command on a machine does too."""
    file = memory(known)
    file.unlink()
    said = credit(known)
    assert (said.code, said.err, last_seal(file)) == (0, "", parse_seal(newest(known)))
    file.unlink()
    file.mkdir()
    said = credit(known)
    assert (said.code, said.err.count("cannot be written")) == (0, 1)
    known.ok("reconcile")


# --- who it was -----------------------------------------------------------------------------------


def test_another_name_does_not_hide_the_account(known: Installation) -> None:
    """The account of the machine stands beside the name that was given."""
    who = f"#{somebody(known)}"
    known.ok("--actor", "director", "credit", who, "3", "--reason", "won", "--yes")
    run = known.ok("journal", "--json").json[0]["run"]
    assert run["actor"] == "director"
    assert re.fullmatch(r"[\w.-]+\(\d+\)", run["login"])
    assert run["login"] in known.ok("journal").out


def test_a_server_takes_no_file(known: Installation, tmp_path: Path) -> None:
    """Its backup comes back by ``db copy``, and nothing is asked before that is said."""
    if engines.on_sqlite(known.url):
        return
    backup = tmp_path / "coins.backup"
    known.ok("db", "backup", str(backup))
    said = known.run("db", "restore", str(backup), "--dry-run")
    assert (said.code, "on a server" in said.err, "db copy" in said.err) == (2, True, True)
