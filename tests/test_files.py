"""Files that appear whole and with their mode, in a folder where another user may lay anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from coinsync.errors import UsageError
from coinsync.files import PART, make_folder, new_file, write_whole
from tests.support.other_user import as_reader, shared_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in which another user of its group may write as well."""
    with shared_folder() as shared:
        shared.chmod(0o2770)
        yield shared


def lay(folder: Path, *names: str) -> Path:
    """Let the other user lay links of these names to a file that matters."""
    kept = folder / "kept"
    kept.write_text("kept")
    kept.chmod(0o600)

    def laid() -> None:
        for name in names:
            (folder / name).symlink_to(kept)

    assert as_reader(folder, laid) is None or os.geteuid() != 0
    return kept


def test_what_another_user_laid_is_not_written_through(folder: Path) -> None:
    """Neither under the last name nor under one that an incomplete file might have."""
    kept = lay(folder, "export", "export.part", ".export.new", ".export.part", ".export.x.part")
    write_whole(folder / "export", b"new", 0o640)
    assert kept.read_text() == "kept"
    status = (folder / "export").lstat()
    assert stat.S_ISREG(status.st_mode)
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (0o640, os.geteuid())


def test_a_new_file_takes_the_place_of_nothing(folder: Path) -> None:
    """A link of its name is something, even where it leads nowhere."""
    kept = lay(folder, "backup")
    kept.unlink()
    with (
        pytest.raises(UsageError, match="file exists"),
        new_file(folder / "backup", "b") as (_, file),
    ):
        file.write(b"new")
    assert not kept.exists()
    assert not list(folder.glob(f"*{PART}"))


def test_a_folder_is_not_made_of_what_another_user_laid(folder: Path) -> None:
    """A folder of ours to which a link leads keeps its mode."""
    ours = folder / "ours"
    ours.mkdir(0o700)
    as_reader(folder, lambda: (folder / ".state.new").symlink_to(ours))
    make_folder(folder / "state", 0o770)
    assert ours.stat().st_mode & 0o777 == 0o700
    assert not (folder / "state").is_symlink()
    assert stat.S_IMODE((folder / "state").stat().st_mode) == 0o770


def test_a_file_put_in_the_place_of_an_incomplete_one_is_noticed(tmp_path: Path) -> None:
    """What a program wrote by that name is not what gets the last name."""
    path = tmp_path / "backup"

    def swap() -> None:
        with new_file(path, "backup") as (part, _):
            part.unlink()
            part.write_text("another")

    with pytest.raises(UsageError, match="another file in its place"):
        swap()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_reads_it_before_it_has_its_mode(umask: int, tmp_path: Path) -> None:
    """Its mode is the one that is asked for, whatever the umask."""
    before = os.umask(umask)
    try:
        with new_file(tmp_path / "export", "export") as (part, file):
            file.write(b"new")
            assert stat.S_IMODE(part.stat().st_mode) == 0o600
        make_folder(tmp_path / "state", 0o700)
    finally:
        os.umask(before)
    assert (tmp_path / "export").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_what_was_interrupted_can_be_repeated(tmp_path: Path) -> None:
    """What a killed run left behind is taken away, and is in nobody's way."""
    for name in (".backup.1.part", ".state.1.part"):
        (tmp_path / name).mkdir() if "state" in name else (tmp_path / name).touch()
    with new_file(tmp_path / "backup", "backup") as (_, file):
        file.write(b"whole")
    make_folder(tmp_path / "state", 0o700)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "state"]
