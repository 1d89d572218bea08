"""What an installation brings, and from where."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Sequence
from email.message import Message
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from coinsync import __version__

HERE = Path(__file__).resolve().parent.parent
LISTS = ("requirements.txt", "requirements-test.txt")
PROGRAM = "coinsync-0.1.0.dist-info"


def pins(name: str) -> dict[str, str]:
    """What a list installs: the release of each project, by its name."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", "\n".join(lines), re.MULTILINE))


def run(words: Sequence[str | Path], folder: Path) -> str:
    """What a program printed that must succeed."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend that the list installs and that runs here."""
    folder = tmp_path_factory.mktemp("wheel")
    names = run(["git", "ls-files"], HERE).splitlines()
    # From a copy: a build leaves its own folders beside what it builds.
    with tarfile.open(folder / "source.tar", "w") as archive:
        for name in names:
            if (HERE / name).exists():
                archive.add(HERE / name, name)
    with tarfile.open(folder / "source.tar") as archive:
        archive.extractall(folder / "source", filter="data")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    run([sys.executable, "-m", "pip", "wheel", *options, "-w", folder, folder / "source"], folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """What the wheel says of itself."""
    with zipfile.ZipFile(wheel) as opened:
        return email.message_from_bytes(opened.read(f"{PROGRAM}/METADATA"))


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
    assert {"config.toml.example", "crontab.example", "Makefile", *LISTS} <= names
    assert {
        "coinsync/simulator/goods/catalog.csv",
        "coinsync/simulator/goods/mug.svg",
        "coinsync/simulator/names.toml",
        "coinsync/simulator/page.html",
        "coinsync/store/migrations/0001_first.py",
        "webview/templates/base.html",
        "webview/static/style.css",
    } <= names


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    """Modules and data alike, the marks that say "typed" among them, and nothing else."""
    listed = run(["git", "ls-files", "cli.py", "coinsync", "webview"], HERE).splitlines()
    with zipfile.ZipFile(wheel) as opened:
        names = {name for name in opened.namelist() if not name.startswith(PROGRAM)}
    assert names == {name for name in listed if (HERE / name).exists()}
    assert {"coinsync/py.typed", "webview/py.typed"} <= names


def test_the_wheel_says_what_it_is(metadata: Message) -> None:
    """Its licence in SPDX's words, the Pythons that it runs on, and a bound for every library."""
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "MIT"
    classifiers = metadata.get_all("Classifier") or []
    for minor in (11, 12, 13, 14):
        assert f"Programming Language :: Python :: 3.{minor}" in classifiers
    required = [Requirement(text) for text in metadata.get_all("Requires-Dist") or []]
    unbounded = {one.name for one in required if "<" not in str(one.specifier) and not one.marker}
    # Its releases are years.
    assert unbounded == {"tzdata"}


def test_the_wheel_starts_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """As ``pipx install`` puts it into one: the program is there, and needs none of the source."""
    venv.create(tmp_path / "empty", symlinks=True)
    python = tmp_path / "empty" / "bin" / "python"
    install: list[str | Path] = ["install", "--quiet", "--no-index", "--no-deps", wheel]
    run([sys.executable, "-m", "pip", "--python", python, *install], tmp_path)
    program = tmp_path / "empty" / "bin" / "coinsync"
    assert run([program, "--version"], tmp_path) == f"coinsync {__version__}\n"
    modules = "import cli, coinsync, webview; print(cli.__file__)"
    assert str(tmp_path / "empty") in run([python, "-c", modules], tmp_path)


def test_every_file_that_is_installed_is_known_by_its_hash() -> None:
    """Both lists name one release and a hash for each project, as ``--require-hashes`` wants it."""
    for name in LISTS:
        text = (HERE / name).read_text(encoding="utf-8").replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line != "-r requirements.txt"]
        assert lines
        for line in lines:
            assert re.fullmatch(r"[a-z0-9-]+==\S+(\s+--hash=sha256:[0-9a-f]{64})+", line), line


def test_the_lists_are_what_the_package_asks_for(metadata: Message) -> None:
    """Each library and the build backend within its bounds; what only tests need stands apart."""
    runtime, testing = (pins(name) for name in LISTS)
    assert not runtime.keys() & testing.keys()
    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))
    backend = [Requirement(text) for text in project["build-system"]["requires"]]
    required = [Requirement(text) for text in metadata.get_all("Requires-Dist") or []]
    for requirement in backend + required:
        name = canonicalize_name(requirement.name)
        listed = testing if requirement.marker else runtime
        assert requirement.specifier.contains(listed[name]), name
