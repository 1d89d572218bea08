"""A whole installation for a test: an made-up school's CRM over HTTP, a configuration, a
database, the real commands.

Commands run in this process through ``cli.main``, with an environment of their own; nothing is
replaced.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults
from zoneinfo import ZoneInfo

import cli
from coinsync import config
from coinsync.core.ledger import Posted
from coinsync.core.school import SchoolProfile
from coinsync.environment import Probe, no_probe
from coinsync.simulator import Options, School, Simulator
from coinsync.simulator.tables import CrmLesson
from coinsync.store import database
from coinsync.store.operations.copy import copy_database
from coinsync.store.reader import Reader
from tests.support import engines
from tests.support.edited_school import EditedSchool
from tests.support.makers import entries_of
from tests.support.vk_double import VkDouble
from webview.app import AppSettings, make_app
from webview.launch import sign

TODAY = date(2026, 11, 20)
ZONE = ZoneInfo("Europe/Moscow")
APP = 7000001
DAYS = 30
NOW = timedelta(0)
KEY = "key-of-the-test-school"
VK_KEY = "protected-key-of-the-test"
SECRETS = f"COINSYNC_ALFACRM_KEY={KEY}\nCOINSYNC_VK_KEYS={VK_KEY}\n"
RULE = {
    "name": "group lesson",
    "coins": 10,
    "types": [2],
    "since": date(2026, 9, 1),
    "guest": "hold",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it said to a program."""
        return json.loads(self.out)


@dataclass
class FastClock:
    """A clock for whom nobody has to wait: where somebody sleeps it goes on by itself."""

    slept: float = 0.0

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.slept += seconds

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic() + self.slept


@dataclass
class Installation:
    """The folder of one school, and its CRM when one runs."""

    folder: Path
    simulator: Simulator | None = None
    environ: dict[str, str] = field(default_factory=lambda: {"USER": "anna"})
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    probe: Probe = no_probe
    address: str = ""

    @property
    def school(self) -> School:
        """The made-up school behind the CRM."""
        return self.crm.school

    @property
    def crm(self) -> Simulator:
        """The pretend CRM; a test that asks for it has one."""
        assert self.simulator is not None
        return self.simulator

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "config.toml"

    @property
    def url(self) -> str:
        """The database: a file of the folder, unless another one is named."""
        return self.address or f"sqlite:///{self.folder / 'coinsync.db'}"

    def configure(self, **changed: Any) -> None:
        """Write the configuration; ``changed`` by section__key replaces values, by section blocks."""  # noqa: E501
        values: dict[str, Any] = {
            "alfacrm.url": self.simulator.url if self.simulator else "http://127.0.0.1:9",
            "alfacrm.email": "api@school.example",
            "alfacrm.account": "test",
            "alfacrm.per_second": 1000,
            "alfacrm.pause_seconds": 0.0,
            "sync.days_back": DAYS,
            # The day of the made-up school does not go on.
            "guards.clock_hours_max": 100_000,
            "branch": [
                {"id": 1, "name": "", "zone": "Europe/Moscow"},
                {"id": 2, "name": "", "zone": "Asia/Omsk"},
            ],
            "rule": [RULE],
        }
        if self.address:
            values["database.url"] = self.address
        values.update({name.replace("__", "."): value for name, value in changed.items()})
        self.config.write_text(config.example(values), encoding="utf-8")

    def run(
        self, *words: str, environ: Mapping[str, str] | None = None, later: timedelta = NOW
    ) -> Said:
        """Run one command line, perhaps ``later`` than now, and return what it said."""
        environment = cli.environment(
            self.environ if environ is None else environ, now=lambda: cli.utc_now() + later
        )
        environment = replace(
            environment, sleep=self.sleep, monotonic=self.monotonic, probe=self.probe
        )
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(["--config", str(self.config), *words], environment)
        return Said(code, out.getvalue(), err.getvalue())

    def ok(self, *words: str) -> Said:
        """Run a command line that must succeed."""
        said = self.run(*words)
        assert said.code == 0, f"{said.code}: {said.err}"
        return said

    @contextlib.contextmanager
    def reader(self) -> Iterator[Reader]:
        """A reader of the database."""
        opened = database.open_readable(self.url)
        with database.reading(opened):
            yield Reader(opened)

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that the database holds, row by row: equal before and after means that nothing
        was written.
        """
        if self.address:
            return engines.tables(self.address)
        with contextlib.closing(sqlite3.connect(self.folder / "coinsync.db")) as opened:
            names = [
                name
                for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            return {
                name: sorted(opened.execute(f"SELECT * FROM {name}"), key=repr) for name in names
            }

    def file(self, name: str, text: str, encoding: str = "utf-8") -> str:
        """A file in the installation's folder, and its path as it is typed."""
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        return str(path)

    def cabinet(self, vk: int) -> str:
        """The page that a VK account is shown."""
        settings = AppSettings(
            SchoolProfile("Росток", ("монета", "монеты", "монет"), ("coin", "coins"), ZONE),
            APP,
            (VK_KEY,),
        )
        now = cli.utc_now().timestamp()
        query = sign({"vk_app_id": str(APP), "vk_ts": str(int(now)), "vk_user_id": str(vk)}, VK_KEY)
        environ: dict[str, Any] = {"QUERY_STRING": query}
        setup_testing_defaults(environ)
        parts = make_app(settings, self.url, now=lambda: now)(environ, lambda *_: bytes)
        return b"".join(parts).decode()

    def balance(self, resident: int) -> int:
        """Coins of one resident."""
        with self.reader() as reader:
            return reader.balance(resident)

    def ledger(self) -> list[Posted]:
        """All entries."""
        with self.reader() as reader:
            return entries_of(reader)

    def content(self) -> list[tuple[object, ...]]:
        """All entries without posting times, run numbers and chain: what two histories may be
        compared by.
        """
        return [(posted.n, posted.entry) for posted in self.ledger()]

    def balances(self) -> dict[int, int]:
        """Balances of all residents."""
        with self.reader() as reader:
            return reader.balances(one.id for one in reader.residents())

    def is_member(self, customer: int, lesson: CrmLesson) -> bool:
        """Whether the CRM's current memberships say that the pupil belonged to a group of the
        lesson on its day.
        """
        return any(
            one.customer_id == customer
            and one.group_id in lesson.group_ids
            and one.holds_on(lesson.date)
            and one.b_date != one.e_date
            and one.e_date >= self.school.today
            for rows in self.school.tables.members.values()
            for one in rows
        )

    def paid_lessons(self, branch: int = 1) -> list[CrmLesson]:
        """Lessons of a branch for which somebody has coins, the oldest first."""
        sums: dict[int, int] = {}
        for posted in self.ledger():
            lesson = posted.entry.lesson or 0
            sums[lesson] = sums.get(lesson, 0) + posted.entry.coins
        lessons = [self.school.tables.lessons[id] for id, coins in sums.items() if coins > 0]
        return sorted(
            (one for one in lessons if one.branch_id == branch), key=lambda one: (one.date, one.id)
        )

    def paid_resident(self, lesson: int) -> int:
        """Somebody who has coins for a lesson."""
        return next(
            posted.entry.resident for posted in self.ledger() if posted.entry.lesson == lesson
        )


def open_installation(
    folder: Path, simulator: Simulator | None = None, **changed: Any
) -> Installation:
    """Set up an installation: configuration, secrets, an empty database."""
    installation = Installation(folder, simulator, address=engines.new_address(folder))
    installation.configure(**changed)
    secrets = folder / "coinsync.secrets"
    with os.fdopen(os.open(secrets, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(SECRETS)
    if not installation.address:
        engines.new_database(folder, "coinsync.db")
    return installation


def copy_installation(
    master: Path, folder: Path, simulator: Simulator | None = None
) -> Installation:
    """An installation with the ledger of the one in ``master``, which stands still."""
    installation = Installation(folder, simulator)
    for name in ("coinsync.db", "coinsync.secrets"):
        shutil.copy(master / name, folder / name)
    move_to_engine(installation)
    installation.configure()
    return installation


def move_to_engine(installation: Installation) -> None:
    """Where it is the other engine's turn, take the installation's rows there; the configuration is
    to be written anew.
    """
    address = engines.new_address(installation.folder)
    if address:
        copy_database(installation.url, engines.as_owner(address), wait_seconds=5)
        installation.address = address


@contextlib.contextmanager
def beside_vk(
    installation: Installation,
    people: Sequence[Mapping[str, Any]] = (),
    others: Sequence[Mapping[str, Any]] = (),
) -> Iterator[VkDouble]:
    """Let VK's API stand beside the installation, with the service key in the environment; nobody
    waits for anything.
    """
    with VkDouble(people, others) as vk:
        installation.configure(vk__api=vk.url)
        installation.environ["COINSYNC_VK_SERVICE_KEY"] = vk.key
        installation.sleep = lambda _seconds: None
        yield vk


@contextlib.contextmanager
def listening(school: School, **options: Any) -> Iterator[Simulator]:
    """A CRM for a school, without a rate limit unless one is asked for."""
    settings = Options(**{"rate_limit": None, **options})
    with Simulator(school, options=settings, email="api@school.example", api_key=KEY) as simulator:
        yield simulator


def a_school(
    *, residents: int = 24, seed: int = 3, days: int = DAYS, today: date = TODAY
) -> School:
    """A small school with a month of history."""
    return EditedSchool(seed=seed, residents=residents, days=days, today=today, branches=2)


def day_before(days: int) -> date:
    """A day counted back from the school's today."""
    return TODAY - timedelta(days=days)
