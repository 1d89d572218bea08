"""Looking after the database.

Its condition, backups that come back, copies that hold the same, and who may do what.
"""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from coinsync.store import database
from coinsync.store.engines.mysql_address import address_of
from coinsync.store.operations import grants
from tests.support import engines
from tests.support.engines import Schools
from tests.support.mariadb import HOST
from tests.support.school import Installation

ENGINES = engines.BOTH
#: The last step of the schema.
SCHEMA = database.schema_steps()[-1]


@pytest.fixture
def kept(desk: Installation) -> Installation:
    """An installation after its first sync, with something typed by hand.

    Opened by whoever may see everything.
    """
    who = str(desk.ok("residents", "list", "--json").json[0]["resident"])
    desk.ok("credit", f"#{who}", "5", "--reason", "Ёлка 😀", "--yes")
    desk.environ["COINSYNC_DATABASE_URL"] = engines.as_owner(desk.url)
    return desk


def beside(installation: Installation, url: str) -> Installation:
    """The same installation with another database."""
    return Installation(
        installation.folder,
        environ={**installation.environ, "COINSYNC_DATABASE_URL": url},
        address=url,
    )


def content(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Everything that a database holds."""
    return engines.tables(engines.as_owner(url))


class TestBackup:
    """A file that can be trusted, and that comes back."""

    def test_it_comes_back(self, kept: Installation, tmp_path: Path, schools: Schools) -> None:
        """As docs/operations.md says: every row, and reconcile finds nothing."""
        file = tmp_path / "coins.backup"
        assert "only you can read it" in kept.ok("db", "backup", str(file)).out
        assert file.stat().st_mode & 0o777 == 0o600
        assert not list(tmp_path.glob(".*.part"))
        restored = beside(kept, self.restored(kept, file, tmp_path, schools))
        assert content(restored.address) == content(kept.url)
        checks = (
            "chain",
            "circulation",
            "entry",
            "file",
            "keys",
            "notes",
            "numbers",
            "references",
            "runs",
            "schema",
        )
        restored.ok("reconcile", *(word for check in checks for word in ("--check", check)))
        assert restored.run("doctor", "--offline").out.count("FAIL") == 0

    def test_old_ones_go_when_a_new_one_is_there(self, kept: Installation, tmp_path: Path) -> None:
        """The newest stay, and so does every file that was not named by its moment."""
        folder = tmp_path / "backups"
        folder.mkdir()
        for name in ("coinsync-2026-11-01-034000.backup", "coinsync-before-the-fair.backup"):
            (folder / name).touch()
        kept.configure(data__backups=str(folder))
        said = kept.ok("db", "backup", "--keep", "2")
        assert "deleted" not in said.out
        said = kept.run("db", "backup", "--keep", "1", later=timedelta(days=1))
        assert said.code == 0
        assert said.out.count("deleted, it was old") == 2
        first, other = sorted(path.name for path in folder.iterdir())
        assert first.startswith("coinsync-2")
        assert other == "coinsync-before-the-fair.backup"
        assert kept.run("db", "backup", str(tmp_path / "b"), "--keep", "3").code == 2

    def test_without_a_folder_a_file_is_named(self, kept: Installation) -> None:
        """Nothing is written to where nobody looks."""
        said = kept.run("db", "backup")
        assert said.code == 2
        assert "name a FILE" in said.err

    def restored(self, kept: Installation, file: Path, folder: Path, schools: Schools) -> str:
        """Bring a backup back into a new database, by the documented command; its URL."""
        if engines.on_sqlite(kept.url):
            shutil.copy(file, folder / "restored.db")
            return f"sqlite:///{folder / 'restored.db'}"
        name = schools.server.new_database()
        schools.server.execute(grants.statements(name, HOST)[0])
        target = schools.url(name, grants.OWNER)
        beside(kept, f"sqlite:///{file}").ok("db", "copy", target)
        return target

    def test_what_is_there_is_left_alone(self, kept: Installation, tmp_path: Path) -> None:
        """Neither a backup nor a half one is written over."""
        file = tmp_path / "b"
        file.write_text("mine")
        said = kept.run("db", "backup", str(file))
        assert (said.code, "is there already" in said.err) == (2, True)
        assert file.read_text() == "mine"

    def test_a_folder_that_is_not_there(self, kept: Installation, tmp_path: Path) -> None:
        """One line, and nothing left behind."""
        said = kept.run("db", "backup", str(tmp_path / "none" / "b"))
        assert said.code == 2
        assert "cannot be written" in said.err

    def test_the_account_of_the_nightly_sync_is_enough(
        self, kept: Installation, tmp_path: Path
    ) -> None:
        """It reads every row; guards come from the schema."""
        kept.environ.pop("COINSYNC_DATABASE_URL", None)
        kept.ok("db", "backup", str(tmp_path / "b"))
        copy = f"sqlite:///{tmp_path / 'b'}"
        assert beside(kept, copy).run("reconcile", "--check", "schema").code == 0


class TestCopy:
    """From one engine to the other and back."""

    def targets(
        self, installation: Installation, folder: Path, schools: Schools
    ) -> tuple[str, str]:
        """Two empty databases: of the other engine, and of the same."""
        name = schools.server.new_database()
        schools.server.execute(grants.statements(name, HOST)[0])
        server, file = schools.url(name, grants.OWNER), f"sqlite:///{folder / 'copy.db'}"
        return (server, file) if engines.on_sqlite(installation.url) else (file, server)

    def test_there_and_back(self, kept: Installation, tmp_path: Path, schools: Schools) -> None:
        """Every row, key and the chain.

        Reconcile finds on the copy what it finds on the original.
        """
        other, same = self.targets(kept, tmp_path, schools)
        before = content(kept.url)
        said = kept.ok("db", "copy", other)
        assert f"{len(before['entry'])} of them entries" in said.out
        there = beside(kept, other)
        assert content(other) == before
        assert (
            there.run("reconcile", "--json").json["findings"]
            == kept.run("reconcile", "--json").json["findings"]
        )
        there.ok("db", "copy", same)
        assert content(same) == before
        who = str(kept.ok("residents", "list", "--json").json[0]["resident"])
        for installation in (there, beside(kept, same)):
            assert (
                installation.ok("balance", f"#{who}", "--json").json
                == kept.ok("balance", f"#{who}", "--json").json
            )
            installation.ok("credit", f"#{who}", "1", "--reason", "later", "--yes")

    def test_a_target_that_holds_something_is_refused(
        self, kept: Installation, tmp_path: Path, schools: Schools
    ) -> None:
        """And stays as it is; where it holds just this, the copy was made already."""
        other, _ = self.targets(kept, tmp_path, schools)
        kept.ok("db", "copy", other)
        before = content(other)
        assert "both databases hold the same" in kept.ok("db", "copy", other).out
        who = str(kept.ok("residents", "list", "--json").json[0]["resident"])
        kept.ok("credit", f"#{who}", "1", "--reason", "later", "--yes")
        said = kept.run("db", "copy", other)
        assert (said.code, "is not empty" in said.err) == (2, True)
        assert content(other) == before
        said = kept.run("db", "copy", engines.as_owner(kept.url))
        assert (said.code, "onto itself" in said.err) == (2, True)

    def test_no_password_is_said(self, kept: Installation) -> None:
        """Of an address that cannot be."""
        said = kept.run("db", "copy", "oracle://u:secret@db/c")
        assert said.code == 2
        assert "secret" not in said.err + said.out


class TestGrants:
    """What an administrator of the server types."""

    def test_the_statements_are_those_that_tests_run_under(self, kept: Installation) -> None:
        """Printed whole, one on each line, after those that make the accounts."""
        said = kept.run("db", "grants", "--host", HOST)
        if engines.on_sqlite(kept.url):
            assert (said.code, "the configured database is a file" in said.err) == (2, True)
            return
        name = address_of(kept.address).name
        lines = [line for line in said.out.splitlines() if not line.startswith("--")]
        assert lines == list(grants.statements(name, HOST))
        assert said.out.count("CREATE USER") == 3


class TestDoctor:
    """What the doctor says of a database; everything else of it stands in test_doctor.py."""

    LOOKS = (
        *("database", "schema", "ledger", "triggers", "rights", "writing", "settings"),
        *("integrity", "disk", "backup", "freshness"),
    )

    def said(
        self, installation: Installation, later: timedelta = timedelta(0)
    ) -> dict[str, list[str]]:
        """What is said of each thing, with its state."""
        lines: dict[str, list[str]] = {}
        for line in installation.run("doctor", "--offline", "--json", later=later).json:
            lines.setdefault(line["look"], []).append(f"{line['state']} {line['said']}")
        return lines

    def failures(self, installation: Installation) -> list[str]:
        """The lines that fail."""
        out = installation.run("doctor", "--offline").out
        return [line for line in out.splitlines() if line.startswith("FAIL")]

    def test_all_is_well(self, kept: Installation) -> None:
        """After a sync, for the account that writes."""
        kept.environ.pop("COINSYNC_DATABASE_URL")
        kept.configure(sync__fresh_hours_max=10_000)
        said = self.said(kept)
        assert tuple(look for look in said if look in self.LOOKS) == self.LOOKS
        # The server of the tests is fast because it does not wait for its disk, and that is said.
        warned = {"backup"} if engines.on_sqlite(kept.url) else {"backup", "settings"}
        for look in self.LOOKS:
            (line,) = said[look]
            assert line.startswith("warn " if look in warned else "ok "), line
        assert kept.run("doctor", "--offline").code == 0

    def test_what_the_database_is(self, kept: Installation) -> None:
        """Place, size, schema, and how far the ledger has come."""
        lines = self.said(kept)
        assert re.search(r": [0-9.]+ MiB$", lines["database"][0])
        assert lines["schema"] == [f"ok {SCHEMA}"]
        tables = content(kept.url)
        counts = f"{len(tables['entry'])} entries, {len(tables['run'])} runs"
        residents = f"{len(tables['resident'])} residents, CRM account test, last run 20"
        assert lines["ledger"][0].startswith(f"ok {counts}, {residents}")
        assert re.fullmatch("ok all [0-9]+ are there", lines["triggers"][0])

    def test_an_older_schema(self, kept: Installation) -> None:
        """It is told with what to do, and nothing below it is asked."""
        with engines.tampering(kept.url) as connection:
            connection.execute(f"DELETE FROM schema_migration WHERE name = '{SCHEMA}'")
        said = kept.run("doctor", "--offline")
        assert said.code == 4
        assert f": schema {SCHEMA} is missing\n" in said.out
        assert '→ Nothing was written. Run "coinsync db migrate".\n' in said.out
        assert not {"ledger", "writing", "freshness"} & self.said(kept).keys()
        kept.ok("db", "migrate")
        assert self.failures(kept) == []

    def test_an_account_that_may_too_much(self, kept: Installation) -> None:
        """It is a warning: the triggers hold."""
        kept.configure(sync__fresh_hours_max=10_000)
        said = self.said(kept)
        too_much = "warn this account may UPDATE entry"
        assert said["rights"][0].startswith(too_much) != engines.on_sqlite(kept.url)
        assert said["triggers"][0].startswith("ok all")

    def test_an_account_that_may_not_write(self, kept: Installation, schools: Schools) -> None:
        """It is told before a night fails; the web view's account may not even look."""
        if engines.on_sqlite(kept.url):
            # Files have rights instead of accounts: see test_doctor.py.
            return
        writer = f"{grants.WRITER}@{HOST}"
        kept.environ.pop("COINSYNC_DATABASE_URL")
        name = address_of(kept.url).name
        schools.server.execute(f"REVOKE UPDATE ON `{name}`.`head` FROM {writer}")
        try:
            said = self.said(kept)["writing"]
        finally:
            schools.server.execute(f"GRANT UPDATE ON `{name}`.`head` TO {writer}")
        assert said == ["FAIL this account may not write"]
        kept.environ["COINSYNC_DATABASE_URL"] = engines.as_web(kept.url)
        assert "this account may not SELECT head" in self.said(kept)["database"][0]

    def test_what_is_wrong(self, kept: Installation) -> None:
        """A guard that is gone stops every writer, and the doctor says so before one comes."""
        with engines.tampering(kept.url) as connection:
            connection.execute("DROP TRIGGER run_no_delete")
        said = kept.run("doctor", "--offline")
        assert said.code == 4
        assert "FAIL triggers   missing: run_no_delete" in said.out
        assert "FAIL writing    every writer refuses" in said.out
        assert kept.ok("db", "migrate").out == "applied guard run_no_delete\n"
        assert self.failures(kept) == []

    def test_branches_that_are_late(self, kept: Installation) -> None:
        """By the same measure as reconcile."""
        kept.configure(sync__fresh_hours_max=1)
        late = self.said(kept, later=timedelta(hours=2))["freshness"]
        assert [line.startswith("FAIL ") for line in late] == [True, True]
        assert "was last synced 2 h" in late[0]

    def test_a_database_that_cannot_be_reached(self, kept: Installation) -> None:
        """It is said, and looked no further."""
        kept.environ["COINSYNC_DATABASE_URL"] = "mysql://u:hidden-word@127.0.0.1:9/coins"
        said = kept.run("doctor", "--offline")
        assert said.code == 4
        assert "FAIL database   database: cannot reach 127.0.0.1:9/coins" in said.out
        assert "hidden-word" not in said.out + said.err
