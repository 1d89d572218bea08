"""Setting up: a configuration, a file of secrets and a database from nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from coinsync import config
from tests.support.school import Installation

CHOSEN = ("--regular", "2", "--coins", "10", "--since", "2026-09-01")
SCHOOL = ("init", "--school", "Росток")
CRM = ("--url", "https://rostok.s20.online", "--email", "api@rostok.example", "--no-probe")
BRANCHES = ("--branch", "1=Europe/Moscow", "--branch", "2")
WORDS = (*SCHOOL, *CRM, *BRANCHES, *CHOSEN)


class TestOptions:
    """Without a terminal options answer everything."""

    def test_a_school_from_options(self, tmp_path: Path) -> None:
        """Files that load, with the modes that they need, and what to do next."""
        installation = Installation(tmp_path)
        said = installation.ok(*WORDS)
        assert "coinsync sync --dry-run" in said.out
        assert "COINSYNC_ALFACRM_KEY" in said.out
        assert installation.config.stat().st_mode & 0o777 == 0o644
        assert "0 entries, 0 runs, 0 residents" in installation.run("doctor").out
        settings = config.load(installation.config)
        assert (settings.school.name, settings.account) == ("Росток", "rostok")
        assert [(branch.id, str(branch.zone)) for branch in settings.branches] == [
            (1, "Europe/Moscow"),
            (2, "Europe/Moscow"),
        ]

    def test_again_changes_nothing(self, tmp_path: Path) -> None:
        """A second init leaves file and database as they are."""
        installation = Installation(tmp_path)
        installation.ok(*WORDS)
        before = installation.config.read_bytes()
        assert "there already" in installation.ok(*WORDS).out
        assert installation.config.read_bytes() == before

    @pytest.mark.parametrize(
        "option", ["--school", "--url", "--email", "--branch", "--regular", "--coins", "--since"]
    )
    def test_what_is_missing_is_named_when_nobody_can_be_asked(
        self, tmp_path: Path, option: str
    ) -> None:
        """2, in one line, and no half of a configuration."""
        words = list(WORDS)
        while option in words:
            del words[words.index(option) : words.index(option) + 2]
        said = Installation(tmp_path).run(*words)
        assert said.code == 2
        assert f"init: {option} is missing" in said.err
        assert not list(tmp_path.iterdir())

    def test_a_school_without_a_crm(self, tmp_path: Path) -> None:
        """Attendance in CSV files, from init to coins."""
        installation = Installation(tmp_path)
        installation.ok(*SCHOOL, "--csv-folder", "attendance", "--branch", "1", *CHOSEN)
        folder = tmp_path / "attendance"
        for name, text in {
            "branches": "1;Казань",
            "types": "2;Группа;2",
            "groups": "5;Python;1",
            "residents": "7;Ада М.;1;id900000009;client",
            "memberships": "7;5;2026-09-01;",
            "lessons": "70;1;2026-11-18;17:00;2;conducted;5;",
            "attendance": "70;7;attended",
        }.items():
            with (folder / f"{name}.csv").open("a", encoding="utf-8") as file:
                file.write(text + "\n")
        installation.ok("sync", "--since", "2026-11-01", "--until", "2026-11-20")
        assert [(p.entry.key, p.entry.coins) for p in installation.ledger()] == [
            ("alfacrm:csv:lesson:70:7", 10)
        ]

    def test_migrate_has_nothing_to_do_after_init(self, tmp_path: Path) -> None:
        """The schema is made whole."""
        installation = Installation(tmp_path)
        installation.ok(*WORDS)
        assert installation.ok("db", "migrate").out == "nothing to do\n"
