"""The run lock: one writing run at a time, named to whoever waits, and let go of by the kernel."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coinsync.errors import Busy, DatabaseUnusable
from coinsync.store.lock import TRY_SECONDS, run_lock
from tests.support.other_user import NOBODY

HOLDER = {"what": "sync", "actor": "cron", "since": "2026-11-22T02:00:07Z"}
OTHER = {"what": "credit", "actor": "ada", "since": "2026-11-22T02:01:00Z"}


def no_sleep(_seconds: float) -> None:
    """Nobody waits here."""
    raise AssertionError("nothing to wait for")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The lock file."""
    return tmp_path / "coinsync.lock"


def test_the_second_holder_is_told_who_is_the_first(path: Path) -> None:
    """The message names what runs, by whom and since when, and asks to try later."""
    with (
        run_lock(path, HOLDER, 0, no_sleep),
        pytest.raises(Busy) as caught,
        run_lock(path, OTHER, 0, no_sleep),
    ):
        pytest.fail("two runs at once")
    assert (
        caught.value.message
        == "busy: sync by cron since 2026-11-22T02:00:07Z holds the lock; nothing written"
    )
    assert caught.value.exit_code == 75
    assert "--lock-timeout" in caught.value.advice


def test_the_lock_is_free_after_its_run(path: Path) -> None:
    """Also when the run ended with an error."""
    with pytest.raises(ZeroDivisionError), run_lock(path, HOLDER, 0, no_sleep):
        raise ZeroDivisionError
    with run_lock(path, OTHER, 0, no_sleep):
        assert json.loads(path.read_text()) == OTHER


def test_the_file_is_never_removed(path: Path) -> None:
    """Two processes can never hold two files of one name."""
    numbers = set()
    for holder in (HOLDER, OTHER, HOLDER):
        with run_lock(path, holder, 0, no_sleep):
            numbers.add(path.stat().st_ino)
        numbers.add(path.stat().st_ino)
    assert len(numbers) == 1


def test_a_longer_name_leaves_nothing_behind(path: Path) -> None:
    """The file always holds exactly one holder."""
    with run_lock(path, {**HOLDER, "actor": "a" * 500}, 0, no_sleep):
        pass
    with run_lock(path, HOLDER, 0, no_sleep):
        assert json.loads(path.read_text()) == HOLDER


def test_a_waiting_run_goes_on_when_the_lock_is_free(path: Path) -> None:
    """It tries again and again within its time."""
    first = run_lock(path, HOLDER, 0, no_sleep)
    first.__enter__()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            first.__exit__(None, None, None)

    with run_lock(path, OTHER, 60, sleep):
        assert json.loads(path.read_text()) == OTHER
    assert slept == [TRY_SECONDS] * 3


def test_waiting_is_bounded(path: Path) -> None:
    """After its time a run gives up."""
    slept: list[float] = []
    with (
        run_lock(path, HOLDER, 0, no_sleep),
        pytest.raises(Busy),
        run_lock(path, OTHER, 1, slept.append),
    ):
        pytest.fail("two runs at once")
    assert 1 <= sum(slept) < 1 + 2 * TRY_SECONDS


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_two_users_of_a_group_share_the_file(umask: int, path: Path) -> None:
    """Whatever the umask, owner and group may write it and nobody else may read it."""
    before = os.umask(umask)
    try:
        with run_lock(path, HOLDER, 0, no_sleep):
            assert path.stat().st_mode & 0o777 == 0o660
    finally:
        os.umask(before)


def test_a_link_in_the_place_of_the_file_is_not_followed(path: Path, tmp_path: Path) -> None:
    """Nobody can make a run empty another file by a link of the lock's name."""
    other = tmp_path / "other"
    other.write_text("kept")
    path.symlink_to(other)
    with (
        pytest.raises(DatabaseUnusable, match="cannot be opened"),
        run_lock(path, HOLDER, 0, no_sleep),
    ):
        pytest.fail("a link was followed")
    assert other.read_text() == "kept"


def test_only_a_file_of_this_user_or_group_is_taken_for_the_lock(tmp_path: Path) -> None:
    """No pipe that never answers, no second name of another file, nobody else's file."""
    pipe, second_name, kept = tmp_path / "pipe", tmp_path / "second", tmp_path / "kept"
    os.mkfifo(pipe)
    kept.write_text("kept")
    second_name.hardlink_to(kept)
    laid = [pipe, second_name]
    if os.geteuid() == 0:
        foreign = tmp_path / "foreign"
        foreign.touch(0o666)
        os.chown(foreign, NOBODY, NOBODY)
        laid.append(foreign)
    for path in laid:
        with (
            pytest.raises(DatabaseUnusable, match="no file of this user"),
            run_lock(path, HOLDER, 0, no_sleep),
        ):
            pytest.fail("it was taken")
    assert kept.read_text() == "kept"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b"null", b'"x"'])
def test_an_unreadable_holder_is_another_run(content: bytes, path: Path) -> None:
    """Whatever stands in the file, the lock itself is the kernel's."""
    with run_lock(path, HOLDER, 0, no_sleep):
        path.write_bytes(content)
        with (
            pytest.raises(Busy, match="busy: another run holds the lock"),
            run_lock(path, OTHER, 0, no_sleep),
        ):
            pytest.fail("two runs at once")


# --- another process ------------------------------------------------------------------------------


@contextmanager
def a_child_that_holds(path: Path) -> Iterator[int]:
    """A child process that has the lock until it is killed; its number."""
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with run_lock(path, HOLDER, 0, no_sleep):
                os.write(tell, b"1")
                signal.pause()
        finally:
            os._exit(1)
    os.close(tell)
    try:
        assert os.read(ready, 1) == b"1"
        yield child
    finally:
        os.close(ready)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_run_of_another_process_is_respected(path: Path) -> None:
    """The lock holds between processes, with the holder's name."""
    with (
        a_child_that_holds(path),
        pytest.raises(Busy, match="sync by cron"),
        run_lock(path, OTHER, 0, no_sleep),
    ):
        pytest.fail("two runs at once")


def test_a_killed_run_lets_go_at_once(path: Path) -> None:
    """The kernel frees the lock however the process ends; nobody has to remove a file."""
    with a_child_that_holds(path):
        pass
    with run_lock(path, OTHER, 0, no_sleep):
        assert json.loads(path.read_text()) == OTHER
