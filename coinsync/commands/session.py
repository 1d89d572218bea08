"""The door: what a command finds around it, opens on its way in and says; how options are read and a person is asked.

Nothing here asks the clock, sleeps, draws or reads the environment: ``Environment`` brings what does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coinsync.commands import completion
from coinsync.errors import CoinsyncError, ConfigError, NotFound, UsageError

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.config import BranchSettings, Secrets, Settings
    from coinsync.environment import Environment
    from coinsync.exchange.base import Exchange, Progress
    from coinsync.exchange.vk import VkApi
    from coinsync.store.database import PooledConnection
    from coinsync.store.reader import Reader

# Exit codes of a whole command: something changed or is too old, a guard refused, a part could not be done.
DIFFERENT, UNSAFE, PARTLY = 4, 5, 3

Day = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD")]
AsCsv = Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")]
Who = Annotated[
    str,
    typer.Argument(
        metavar="RESIDENT",
        help="#id, crm:123, vk:456, or a part of the name.",
        autocompletion=completion.residents,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would write, write nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass
class Session:
    """What the global options say, and what a command opens on its way in."""

    config: Path
    branches: tuple[str, ...]
    actor: str
    json: bool
    quiet: bool
    verbose: bool
    environment: Environment

    @cached_property
    def settings(self) -> Settings:
        """The configuration, read once."""
        from coinsync import config

        return config.load(self.config)

    @property
    def secrets(self) -> Secrets:
        """Where secrets are."""
        from coinsync.config import Secrets

        return Secrets(self.settings.secrets.file, self.environment.environ)

    @cached_property
    def database_url(self) -> str:
        """The database's address; it may hold a password, and is told to nobody."""
        from coinsync import config

        return config.database_url(self.settings, self.secrets)

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return self.environment.now()

    def branch_names(self) -> dict[int, str]:
        """What branches are called: by the configuration, else by the CRM, as far as it was read."""
        from coinsync.core.facts import Branch

        try:
            with self.reader() as reader:
                names = {branch.id: branch.name for branch in reader.all(Branch)}
        except CoinsyncError:
            names = {}
        return names | {branch.id: branch.name for branch in self.settings.branches if branch.name}

    def chosen_branches(self) -> tuple[BranchSettings, ...]:
        """The branches that ``--branch`` names by id or name, or all."""
        known = self.settings.branches
        if not self.branches:
            return known
        names, chosen = self.branch_names(), []
        for wanted in self.branches:
            fits = [one for one in known if wanted in (str(one.id), names.get(one.id))]
            if not fits:
                listed = ", ".join(f"{one.id} {names.get(one.id, '')}".rstrip() for one in known)
                raise NotFound(
                    f"branch {wanted!r} is not in the configuration", advice=f"There are: {listed}."
                )
            chosen += fits
        return tuple(dict.fromkeys(chosen))

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A reader on a read-only connection and one snapshot."""
        from coinsync.store import database
        from coinsync.store.reader import Reader

        opened = database.open_readable(
            self.database_url, wait_seconds=self.settings.database.wait_seconds
        )
        with database.reading(opened):
            yield Reader(opened)

    @contextmanager
    def writable(self) -> Iterator[Database]:
        """A writing connection."""
        from coinsync.store import database

        opened = database.open_writable(
            self.database_url, wait_seconds=self.settings.database.wait_seconds
        )
        try:
            with database.speaking(opened):
                yield opened
        finally:
            opened.close()

    @contextmanager
    def standing(self) -> Iterator[PooledConnection]:
        """A writing connection for many small plans; closed in the end."""
        from coinsync.store.database import PooledConnection

        made = PooledConnection(self.database_url, wait_seconds=self.settings.database.wait_seconds)
        try:
            yield made
        finally:
            made.close()

    @contextmanager
    def lock(self, what: str, wait_seconds: float) -> Iterator[None]:
        """The run lock beside the configuration."""
        from coinsync.core.ledger import utc_text
        from coinsync.store.lock import run_lock

        holder = {"what": what, "actor": self.actor, "since": utc_text(self.now())}
        with run_lock(
            self.settings.path.parent / ".coinsync.lock",
            holder,
            wait_seconds,
            self.environment.sleep,
        ):
            yield

    @contextmanager
    def exchange(self, progress: Progress) -> Iterator[Exchange]:
        """The school's CRM."""
        from coinsync.exchange.csvfile import CsvExchange

        settings = self.settings
        if settings.school.crm == "csv" and not settings.csv.folder.is_dir():
            raise ConfigError(
                [f"config: [csv] folder: {settings.csv.folder} does not exist"],
                advice="Put the attendance files there; docs/csv.md describes them.",
            )
        exchange = (
            CsvExchange(settings.csv.folder)
            if settings.school.crm == "csv"
            else self._alfacrm(progress)
        )
        try:
            yield exchange
        finally:
            exchange.close()

    def _alfacrm(self, progress: Progress) -> Exchange:
        from coinsync.exchange.alfacrm import AlfaCrm
        from coinsync.exchange.http import Http, Login
        from coinsync.exchange.wire import Bounds, Pace

        crm, vault = self.settings.alfacrm, self.secrets
        key = vault.get("COINSYNC_ALFACRM_KEY").reveal()
        headers = {
            name: vault.get(value[1:]).reveal() if value.startswith("$") else value
            for name, value in crm.headers.items()
        }
        http = Http(
            crm.url,
            Login("auth/login", {"email": crm.email, "api_key": key}),
            pace=Pace(
                crm.per_second,
                self.environment.monotonic,
                self.environment.sleep,
            ),
            clock=self.environment.monotonic,
            sleep=self.environment.sleep,
            bounds=Bounds(
                connect_seconds=min(Bounds().connect_seconds, crm.answer_seconds),
                read_seconds=min(Bounds().read_seconds, crm.answer_seconds),
                tries=crm.tries,
                pause_seconds=crm.pause_seconds,
                answer_seconds=crm.answer_seconds,
            ),
            headers=headers,
        )
        settings = self.settings
        return AlfaCrm(http, settings.residents, page_size=crm.page_size, progress=progress)

    @contextmanager
    def vk(self) -> Iterator[VkApi | None]:
        """VK's API, for whoever gave it a service key; None without one."""
        from coinsync.exchange.vk import VkApi

        vault = self.secrets
        if not vault.has("COINSYNC_VK_SERVICE_KEY"):
            yield None
            return
        key = vault.get("COINSYNC_VK_SERVICE_KEY").reveal()
        api = VkApi(
            self.settings.vk.api,
            key,
            clock=self.environment.monotonic,
            sleep=self.environment.sleep,
        )
        try:
            yield api
        finally:
            api.close()

    def say(self, line: str) -> None:
        """Print a line for a person; nothing when quiet or when a program reads."""
        if not (self.quiet or self.json):
            typer.echo(line)

    def tell(self, data: Any) -> None:
        """Print data for a program, when one reads."""
        if self.json:
            from coinsync.render.data import json_text

            typer.echo(json_text(data))

    def complain(self, line: str) -> None:
        """Print a line to stderr, always."""
        typer.echo(line, err=True)


def day_of(text: str | None) -> date | None:
    """The day that was written, when one was."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day", advice="Write days as 2026-11-22.") from None


def span(since: str | None, until: str | None) -> tuple[date | None, date | None]:
    """First and last day of a command that takes ``--since`` and ``--until``; None where it is open."""
    first, last = day_of(since), day_of(until)
    if first and last and first > last:
        raise UsageError(f"--since {first} is after --until {last}")
    return first, last


def somebody_is_there() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def ask(command: str, question: str, option: str) -> str:
    """The answer of the person at the terminal; where nobody is there ``option`` would have had to say it."""
    if not somebody_is_there():
        raise UsageError(f"{command}: {option} is missing, and nobody is there to ask")
    return str(typer.prompt(question))


def confirm(question: str) -> bool:
    """Whether the person at the terminal says yes; silence is no, and so is the end of input."""
    try:
        return bool(typer.confirm(question, default=False))
    except typer.Abort as aborted:
        typer.echo()  # What follows begins on a line of its own.
        if isinstance(aborted.__context__, EOFError):
            return False
        raise


def number_of(text: str, what: str) -> int:
    """A whole number above 0 as typed: plain digits, nothing else. Raises ``UsageError``."""
    digits = text.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19 and int(digits)):
        raise UsageError(
            f"{text!r} is no {what}",
            advice="Write a whole number above 0 in plain digits, such as 10.",
        )
    return int(digits)
