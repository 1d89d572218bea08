"""One small made-up school at one moment, for what the documents print.

What it prints is the same on every machine: the clock stands still, chance is counted, and what
belongs to a machine (accounts, folders, ports, hashes) is replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import cli
from tests.support.school import (
    KEY,
    FastClock,
    Installation,
    Said,
    a_school,
    listening,
    open_installation,
)

#: The school's today: ten in the morning, and ten at night in Moscow.
MORNING = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
EVENING = datetime(2026, 11, 20, 19, 0, tzinfo=UTC)
GOODS = """\
code;name_ru;name_en;category_ru;price;tracked
mug;Кружка;Mug;С символикой;50;
robot;Робот;Robot;Игрушки;90;
sweet;Конфета;Sweet;Мелочи;2;no
"""
#: A day's work, so that every listing has something to show.
WORK = (
    ("sync", "--yes", "--guests", "hold"),
    ("catalog", "load", "goods.csv", "--yes"),
    ("catalog", "stock", "receive", "mug", "20", "--note", "От поставщика", "--yes"),
    ("catalog", "stock", "receive", "robot", "3", "--yes"),
    ("credit", "107", "30", "--reason", "Помогла новичку", "--yes"),
    ("credit", "108", "--for", "olympiad", "--yes"),
    ("sell", "107", "mug", "--yes", "--key", "3f9a12cd45ef"),
    ("shop", "open", "fair-2026-11", "--title", "Ярмарка", "--yes"),
    ("sell", "108", "mug", "--also", "103=20", "--event", "fair-2026-11", "--yes"),
    ("refund", "3f9a12cd45ef", "--note", "Разбилась", "--yes"),
    ("residents", "merge", "106", "107", "--yes"),
    # Families read it, so `reconcile` finds it.
    ("credit", "104", "5", "--reason", "Спросить mama@school.example", "--yes"),
)

#: What a machine or a run makes of its own, and what stands for it. The digits are those of the
#: other documents' examples.
_REPLACED = (
    (re.compile(r"(?:[0-9a-f]{4}-){4}[0-9a-f]{4}"), "7c1e-33a0-9f42-d0b8-5511"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "7f3a91c2" + "0" * 56),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "https://school.s20.online"),
    (re.compile(r"(?:\buid )?\b[\w-]+\(\d+\)"), "anna(1000)"),
)


class Answers(io.StringIO):
    """What a person types; it is seen on the screen, as a terminal shows it."""

    def isatty(self) -> bool:
        """A person is there."""
        return True

    def readline(self, *size: int) -> str:  # type: ignore[override]
        """The next line that is typed."""
        line = super().readline(*size)
        sys.stdout.write(line)
        return line


class Screen(io.StringIO):
    """Where a person reads."""

    def isatty(self) -> bool:
        """A person is there."""
        return True


class BesideScreen(io.StringIO):
    """A stream that is read on the same screen, by nobody in particular: no progress bar."""

    def write(self, text: str) -> int:
        """Write to the screen."""
        return sys.stdout.write(text)


@dataclass
class SampleSchool:
    """An installation whose clock stands where it is put, and whose chance is counted."""

    installation: Installation
    now: datetime = EVENING

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self._clock = FastClock()

    def run(self, *words: str, answers: str = "", on_screen: bool = False) -> Said:
        """Run a command line; files are named as they lie in the school's folder.

        On a screen the person's answers and what is complained of stand in ``out``.
        """
        folder = self.installation.folder
        typed = [str(folder / word) if (folder / word).is_file() else word for word in words]
        environment = replace(
            cli.environment(self.installation.environ, now=lambda: self.now),
            monotonic=self._clock.monotonic,
            sleep=self._clock.sleep,
            fresh_text=self._fresh_text,
            chance=lambda: 0.0,
        )
        out = Screen() if on_screen else io.StringIO()
        err = BesideScreen() if on_screen else io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "stdin", Answers(answers) if on_screen else io.StringIO())
            # What a screen of eighty columns without colours shows.
            patch.setenv("COLUMNS", "80")
            patch.setenv("NO_COLOR", "1")
            code = cli.main(["--config", str(self.installation.config), *typed], environment)
        return Said(code, self._neutral(out.getvalue()), self._neutral(err.getvalue()))

    def ok(self, *words: str, answers: str = "", on_screen: bool = False) -> Said:
        """Run a command line that must succeed."""
        said = self.run(*words, answers=answers, on_screen=on_screen)
        assert said.code == 0, f"{words}: {said.code} {said.err}"
        return said

    def wait(self, **span: int) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def _fresh_text(self) -> str:
        return hashlib.sha256(str(next(self._numbers)).encode()).hexdigest()[:32]

    def _neutral(self, text: str) -> str:
        text = text.replace(f"{self.installation.folder}/", "")
        for pattern, sample in _REPLACED:
            text = pattern.sub(sample, text)
        return text


@contextlib.contextmanager
def sample_school() -> Iterator[SampleSchool]:
    """The school before its first sync."""
    with (
        TemporaryDirectory() as folder,
        listening(a_school(residents=8, days=21)) as simulator,
    ):
        school = SampleSchool(open_installation(Path(folder), simulator))
        school.installation.file("goods.csv", GOODS)
        yield school


@contextlib.contextmanager
def new_school() -> Iterator[SampleSchool]:
    """The school on the day on which coinsync comes: it has its CRM and nothing else."""
    with (
        TemporaryDirectory() as folder,
        listening(a_school(residents=8, days=21)) as simulator,
    ):
        # A key is asked for past any stream that a test could answer.
        environ = {"USER": "anna", "COINSYNC_ALFACRM_KEY": KEY}
        yield SampleSchool(Installation(Path(folder), simulator, environ), MORNING)


@contextlib.contextmanager
def working_school() -> Iterator[SampleSchool]:
    """The school after a day's work."""
    with sample_school() as school:
        # A page of a community is nobody's.
        school.installation.school.act("set_vk", customer=105, text="vk.com/club1")
        for words in WORK:
            school.ok(*words)
            school.wait(minutes=1)
        # The office corrects a mark, so that a plan has something to do.
        award = school.installation.ledger()[0].entry
        crm = school.installation.school
        crm.act("mark", lesson=award.lesson, customer=award.resident, is_attend=0)
        yield school
