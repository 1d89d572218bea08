"""Commands that make files and databases, killed or failing at any step.

Whatever the step: each file is as before or as it should be, nothing is lost, and the same command
once more ends as if nothing had happened. That the harness finds what is wrong is tested as well.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from peewee import Database
from PIL import Image

from coinsync import files, pictures
from coinsync.commands import databases, init
from coinsync.core.seal import Seal
from coinsync.errors import UsageError
from coinsync.store import database as opening
from coinsync.store import inserts
from coinsync.store.engines.base import SQLITE_GUARDS
from coinsync.store.operations import backup, copy
from coinsync.store.operations.backup import hold_open
from tests.support import steps
from tests.support.school import Installation, Said

pytestmark = pytest.mark.long

#: Of many steps of one kind every so many are tried, and the first and the last.
STRIDE = 40
#: A draft is a file that has not got its name yet; it may stay where a process was killed.
DRAFTS = ("*.part",)
INIT = (
    *("init", "--school", "Росток", "--branch", "1=Europe/Moscow", "--regular", "2"),
    *("--coins", "10", "--since", "2026-09-01", "--data", "data"),
)
CRM = ("--url", "https://rostok.s20.online", "--email", "api@rostok.example", "--no-probe")
CATALOG = "code;name;price;picture\nmug;Кружка;50;mug.png\nbag;Сумка;90;bag.png\n"

#: A file's mode, and its bytes, or what a database holds.
Content = tuple[int, object]


@dataclass(frozen=True)
class Command:
    """A command line, and the eve of it: a folder in which it is to work."""

    words: tuple[str, ...]
    prepare: Callable[[Path], None]
    checks: tuple[str, ...] = ("reconcile",)
    #: What else may stand there in between.
    between: Callable[[Path], None] | None = None


@dataclass
class Trial:
    """One command in a folder of its own, again and again from its eve."""

    command: Command
    folder: Path
    runs: int = 0

    def __post_init__(self) -> None:
        """See how it is before and after, where nothing disturbs."""
        self.eve = self.folder / "eve"
        self.eve.mkdir()
        self.command.prepare(self.eve)
        self.before = contents(self.eve)
        self.between: dict[str, Content] = {}
        if self.command.between:
            half_way = self._another()
            self.command.between(half_way)
            self.between = contents(half_way)
        done = self._another()
        codes: list[int] = []
        self.steps = steps.steps_of(lambda: codes.append(self.run(done).code))
        assert codes == [0]
        self.after = contents(done)
        self.proved(done)

    def _another(self) -> Path:
        """A copy of the eve."""
        self.runs += 1
        folder = self.folder / str(self.runs)
        shutil.copytree(self.eve, folder)
        return folder

    def run(self, folder: Path) -> Said:
        """Run the command line there, for somebody whose files are closed to all others."""
        words = (word.replace("FOLDER", str(folder)) for word in self.command.words)
        umask = os.umask(0o077)
        try:
            return Installation(folder).run(*words)
        finally:
            os.umask(umask)

    def kill(self, at: int) -> list[str]:
        """Kill it before a step; what is wrong then, and after the same command once more."""
        folder = self._another()
        assert steps.killed_at(at, lambda: self.run(folder))
        return self._wrong(folder)

    def fail(self, at: int, number: int) -> list[str]:
        """Let a step fail; what is wrong then, and after the same command once more."""
        folder = self._another()
        with steps.failing_at(at, number):
            said = self.run(folder)
        wrong = []
        if said.code not in (0, 2, 75):
            wrong.append(f"exit {said.code}: {said.err}")
        if said.code == 0 and contents(folder) != self.after:
            wrong.append("it says that it is done")
        return wrong + self._wrong(folder)

    def _wrong(self, folder: Path) -> list[str]:
        wrong = []
        disturbed = contents(folder)
        for name, content in disturbed.items():
            whole = [state.get(name) for state in (self.before, self.between, self.after)]
            if content not in whole and not is_blank(content):
                wrong.append(f"{name} is half done")
        lost = self.before.keys() - disturbed.keys()
        if lost:
            wrong.append(f"lost: {lost}")
        again = self.run(folder)
        # Where all is done already, a command that makes a new file may say that it is there.
        if again.code != 0 and disturbed != self.after:
            wrong.append(f"once more: exit {again.code}: {again.err}")
        if again.code == 0 and drafts(folder):
            wrong.append(f"once more: drafts stay: {drafts(folder)}")
        repeated = contents(folder)
        for name in sorted({*self.after, *repeated}):
            if repeated.get(name) != self.after.get(name):
                wrong.append(f"once more: {name} is not as it should be")
        # What is equal to the last byte needs no other proof; the run's own row may differ.
        if not wrong and self.runs % 8 == 0:
            self.proved(folder)
        shutil.rmtree(folder)
        return wrong

    def proved(self, folder: Path) -> None:
        """Every check of reconcile is silent there."""
        if self.command.checks:
            Installation(folder).ok(*self.command.checks)


def is_blank(content: Content) -> bool:
    """Whether this is a file or a database that holds nothing yet."""
    return content[1] == b"" or not content[1]


def drafts(folder: Path) -> list[str]:
    """Files that have not got their name."""
    return [path.name for pattern in DRAFTS for path in folder.rglob(pattern)]


def contents(folder: Path) -> dict[str, Content]:
    """Every file and folder of a folder by its name, drafts left out."""
    found: dict[str, Content] = {}
    for path in sorted(folder.rglob("*")):
        # A machine's last seal lies there too, which may be older than the ledger.
        endings = (".part", ".lock", ".seal", "-wal", "-shm", "-journal")
        passing = path.name.endswith(endings)
        if passing:
            continue
        mode = path.stat().st_mode
        name = str(path.relative_to(folder))
        if path.is_dir():
            found[name] = mode, "folder"
        elif path.suffix in (".db", ".backup"):
            found[name] = mode, rows(path)
        else:
            found[name] = mode, path.read_bytes()
    return found


def rows(path: Path) -> dict[str, object]:
    """What a database holds, without moments and numbers that no two runs share."""
    found: dict[str, object] = {}
    with closing(sqlite3.connect(path)) as opened:
        made = opened.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        for kind, name, sql in made:
            found[f"{kind} {name}"] = sql
            if kind == "table":
                read = opened.execute(f"SELECT * FROM {name}").fetchall()
                is_dated = name in ("run", "head", opening.HISTORY)
                found[f"rows of {name}"] = len(read) if is_dated else sorted(read, key=repr)
    # The list of the steps that it has had is made before the first of them.
    if found.get(f"rows of {opening.HISTORY}") == 0:
        del found[f"rows of {opening.HISTORY}"], found[f"table {opening.HISTORY}"]
        found.pop(f"index {opening.HISTORY}_name", None)
    return found


# --- the commands ---------------------------------------------------------------------------------


def nothing(_folder: Path) -> None:
    """A machine on which nothing is set up."""


def school(master: Path) -> Callable[[Path], None]:
    """A school after its first sync, with pictures and a catalog to load."""

    def prepare(folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for name in ("coinsync.db", "coinsync.secrets"):
            shutil.copy(master / name, folder / name)
        Installation(folder).configure(sync__fresh_hours_max=10_000)
        with closing(sqlite3.connect(folder / "coinsync.db")) as opened:
            opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (folder / "pictures").mkdir()
        for name, colour in (("mug", "red"), ("bag", "blue")):
            Image.new("RGB", (90, 60), colour).save(folder / "pictures" / f"{name}.png")
        (folder / "catalog.csv").write_text(CATALOG, encoding="utf-8")

    return prepare


def unguarded(prepare: Callable[[Path], None]) -> Callable[[Path], None]:
    """The same school, of whose database somebody has dropped every guard."""

    def prepare_without(folder: Path) -> None:
        prepare(folder)
        drop_guards(folder / "coinsync.db")

    return prepare_without


def drop_guards(path: Path) -> None:
    """Drop every guard of a database."""
    with closing(sqlite3.connect(path)) as opened, opened:
        for guard in SQLITE_GUARDS:
            opened.execute(f"DROP TRIGGER {guard}")


def emptied(prepare: Callable[[Path], None]) -> Callable[[Path], None]:
    """The same school, whose database was not made yet."""

    def prepare_empty(folder: Path) -> None:
        prepare(folder)
        (folder / "coinsync.db").write_bytes(b"")

    return prepare_empty


def before_a_restore(prepare: Callable[[Path], None]) -> Callable[[Path], None]:
    """The same school with a backup, and with a coin that was given after it."""

    def prepare_backup(folder: Path) -> None:
        prepare(folder)
        installation = Installation(folder)
        installation.ok("db", "backup", str(folder / "coins.backup"))
        installation.ok("credit", "#101", "1", "--reason", "x", "--yes")
        with closing(sqlite3.connect(folder / "coinsync.db")) as opened:
            opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    return prepare_backup


def put_back(folder: Path) -> None:
    """The backup is in the database's place, and nobody has accepted it yet."""
    shutil.copyfile(folder / "coins.backup", folder / "coinsync.db")


def with_empty_copy(folder: Path) -> None:
    """The copy is made, and nothing is in it."""
    opening.create(f"sqlite:///{folder / 'copy.db'}")


@pytest.fixture(scope="module")
def commands(master: Path) -> dict[str, Command]:
    """The commands that make files or databases, by name."""
    synced = school(master)
    empty = ("reconcile", "--check", "schema", "--check", "file", "--check", "chain")
    return {
        "init": Command((*INIT, *CRM), nothing, empty),
        "init for files": Command((*INIT, "--csv-folder", "attendance"), nothing, empty),
        "catalog load": Command(("catalog", "load", "FOLDER/catalog.csv", "--yes"), synced),
        "db migrate": Command(("db", "migrate"), emptied(synced), empty),
        "db migrate of guards": Command(("db", "migrate"), unguarded(synced)),
        "db copy": Command(
            ("db", "copy", "sqlite:///FOLDER/copy.db"), synced, between=with_empty_copy
        ),
        "db restore": Command(
            ("db", "restore", "FOLDER/coins.backup", "--yes"),
            before_a_restore(synced),
            between=put_back,
        ),
        "db backup": Command(("db", "backup", "FOLDER/coins.backup"), synced),
        "export": Command(("export", "--format", "csv", "--to", "FOLDER/coins.csv"), synced),
    }


NAMES = (
    *("init", "init for files", "catalog load", "db migrate", "db migrate of guards"),
    *("db copy", "db restore", "db backup", "export"),
)


@pytest.fixture(scope="module", params=NAMES)
def trial(
    request: pytest.FixtureRequest,
    commands: dict[str, Command],
    tmp_path_factory: pytest.TempPathFactory,
) -> Trial:
    """One of the commands, for all that is tried with it."""
    return Trial(commands[request.param], tmp_path_factory.mktemp("trial"))


def test_killed_at_any_step(trial: Trial) -> None:
    """Each file is old or new, and the same command once more does the rest."""
    for at in steps.worth_trying(trial.steps, STRIDE):
        assert trial.kill(at) == [], trial.steps[at - 1]


def test_failing_at_any_step(trial: Trial) -> None:
    """A full or broken disk is told in a line, and once it is well again the command goes on."""
    # Every second one: a process that is killed there tells most of it already.
    for at in steps.worth_trying(trial.steps, STRIDE)[::2]:
        assert trial.fail(at, (errno.ENOSPC, errno.EIO)[at % 2]) == [], trial.steps[at - 1]


def test_no_file_is_named_before_it_is_on_the_disk(trial: Trial) -> None:
    """So a power cut leaves no name of something half."""
    assert steps.named_too_early(trial.steps) == []


def test_a_database_that_is_held_open(commands: dict[str, Command], tmp_path: Path) -> None:
    """Whoever keeps the file open for a web view is in no command's way, and takes up the file
    that is put in its place.
    """
    trial = Trial(commands["db migrate of guards"], tmp_path)
    folder = tmp_path / "held"
    commands["db backup"].prepare(folder)
    database = folder / "coinsync.db"
    looks = count()

    def look(_seconds: float) -> None:
        match next(looks):
            case 0:
                shutil.copy(database, folder / "restored.db")
                drop_guards(database)
                assert steps.killed_at(len(trial.steps) // 2, lambda: trial.run(folder))
                assert trial.run(folder).code == 0
                assert rows(database) == trial.after["coinsync.db"][1]
                # As a restored backup comes: another file, and nothing beside it.
                for ending in ("-wal", "-shm"):
                    database.with_name(f"{database.name}{ending}").unlink()
                (folder / "restored.db").replace(database)
            case 1:
                assert trial.run(folder).code == 0
                trial.proved(folder)
            case _:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hold_open(f"sqlite:///{database}", look)


# --- is it worth anything? ------------------------------------------------------------------------


def write_at_once(path: Path, content: bytes, mode: int) -> None:
    """Write under the last name, piece by piece."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        for part in (content[:9], content[9:]):
            file.write(part)
            file.flush()
        os.fsync(file.fileno())


def write_in_a_hurry(path: Path, content: bytes, mode: int) -> None:
    """Write under another name, and leave to the system when it comes to the disk."""
    draft = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    draft.replace(path)


def make_and_open(folder: Path, mode: int) -> None:
    """Make a folder first and give it its mode later."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(mode)


def insert_and_commit(database: Database, *what: Any) -> None:
    """End the transaction after a part of it."""
    inserts.insert(database, *what)
    database.commit()
    database.begin()


def facts_and_commit(database: Database, *what: Any) -> None:
    """End the writer's transaction after the facts."""
    inserts_facts(database, *what)
    database.commit()
    database.begin()


inserts_facts = inserts.write_facts


def keep_if_possible(picture: pictures.WebPicture, folder: Path) -> None:
    """Write a picture, and say nothing where that fails."""
    with suppress(OSError):
        files.make_folder(folder, 0o755)
        files.write_whole(folder / picture.name, picture.content, 0o644)


def back_up_once(url: str, file: Path) -> tuple[int, Seal]:
    """Refuse what an earlier try has left."""
    if list(file.parent.glob(f".{file.name}.*.part")):
        raise UsageError("there is half a backup already")
    return backup.back_up(url, file)


#: Bugs as somebody might make them: the command, what stands in the place of what, and what is
#: reported.
BUGS: dict[str, tuple[str, tuple[Any, str, Any], str]] = {
    "a file is written under its last name": (
        *("catalog load", (pictures, "write_whole", write_at_once), "half done"),
    ),
    "half a file is taken for the file": (
        *("init", (init, "write_whole", write_at_once), "once more: exit 2"),
    ),
    "a file is named before it is on the disk": (
        *("catalog load", (pictures, "write_whole", write_in_a_hurry), "after keep write"),
    ),
    "a folder stays without its mode": (
        *("init", (init, "make_folder", make_and_open), "data is not as it should be"),
    ),
    "a copy is committed in the middle": (
        *("db copy", (copy, "insert", insert_and_commit), "copy.db is half done"),
    ),
    "a catalog is committed in the middle": (
        *("catalog load", (inserts, "write_facts", facts_and_commit), "coinsync.db is half done"),
    ),
    "guards come back one by one": (
        "db migrate of guards",
        (Database, "atomic", lambda _database: nullcontext()),
        "coinsync.db is half done",
    ),
    "a rollback is forgotten": (
        "db copy",
        (Database, "rollback", Database.commit),
        "copy.db is half done",
    ),
    "an error is swallowed": (
        *("catalog load", (pictures, "keep", keep_if_possible), "it says that it is done"),
    ),
    "a draft is in the way": (
        *("db backup", (databases, "back_up", back_up_once), "once more: exit 2"),
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_harness_finds(
    bug: str, commands: dict[str, Command], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug that somebody might make is reported at some step."""
    name, (place, attribute, instead), expected = BUGS[bug]
    monkeypatch.setattr(place, attribute, instead)
    assert any(expected in wrong for wrong in all_wrong(Trial(commands[name], tmp_path)))


def all_wrong(trial: Trial) -> Iterator[str]:
    """Whatever is reported, one after another."""
    yield from steps.named_too_early(trial.steps)
    for at in steps.worth_trying(trial.steps, STRIDE):
        yield from trial.kill(at)
        yield from trial.fail(at, errno.ENOSPC)
