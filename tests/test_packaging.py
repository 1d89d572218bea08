"""What an installation brings, and that the README speaks of what there is."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from coinsync.commands.program import COMMANDS

HERE = Path(__file__).resolve().parent.parent


def test_an_installation_brings_three_names_and_one_program() -> None:
    """Nothing else lands at the root of site-packages."""
    installed = distribution("coinsync")
    assert (installed.read_text("top_level.txt") or "").split() == ["cli", "coinsync", "webview"]
    assert [(one.name, one.value) for one in installed.entry_points] == [("coinsync", "cli:run")]


def test_a_source_archive_holds_all_that_is_needed(tmp_path: Path) -> None:
    """The examples, the migrations and the page templates among it."""
    archive = [
        sys.executable,
        "setup.py",
        "-q",
        "egg_info",
        "-e",
        str(tmp_path),
        "sdist",
        "-d",
        str(tmp_path),
    ]
    subprocess.run(archive, cwd=HERE, check=True, capture_output=True, timeout=120)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"config.toml.example", "crontab.example", "Makefile", "constraints.txt"} <= names
    assert {
        "coinsync/simulator/goods/catalog.csv",
        "coinsync/simulator/goods/mug.svg",
        "coinsync/simulator/names.toml",
        "coinsync/simulator/page.html",
        "coinsync/store/migrations/0001_first.py",
        "webview/templates/base.html",
        "webview/static/style.css",
    } <= names


@pytest.mark.parametrize("readme", ["README.md", "README.ru.md"])
def test_every_command_of_the_readme_exists(readme: str) -> None:
    """What stands behind ``coinsync`` there is a command here, with the options that are named
    beside it.
    """
    text = (HERE / readme).read_text(encoding="utf-8")
    called = re.findall(r"(?:`|bin/)coinsync(?: --config \S+)? ([a-z]+)", text)
    assert called
    assert set(called) <= set(COMMANDS)


@pytest.mark.parametrize(
    "readme",
    [
        *("README.md", "README.ru.md", "CONTRIBUTING.md"),
        *("docs/architecture.md", "docs/csv.md", "docs/operations.md"),
    ],
)
def test_every_link_of_the_documents_leads_somewhere(readme: str) -> None:
    """To a file of the project."""
    path = HERE / readme
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text(encoding="utf-8"))
    assert all((path.parent / target).exists() for target in targets)
