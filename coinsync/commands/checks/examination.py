"""What all checks look at: each thing is read once, and only if a line needs it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from coinsync.commands import connections
from coinsync.commands.session import Session
from coinsync.core.facts import Branch, LessonType
from coinsync.errors import CoinsyncError
from coinsync.exchange.base import Exchange
from coinsync.store.operations import condition
from coinsync.store.operations.condition import Condition


class CrmAnswers(NamedTuple):
    """What the CRM says of itself, and the time here when it said so.

    ``fields`` are those of its cards, None where cards have no fields of a school's own.
    """

    moment: datetime | None
    asked_at: datetime
    branches: dict[int, Branch]
    types: dict[int, LessonType]
    fields: frozenset[str] | None


@dataclass
class Examination:
    """One run of the doctor; ``offline`` asks neither the CRM nor VK."""

    session: Session
    offline: bool

    @cached_property
    def condition(self) -> Condition | CoinsyncError:
        """The database, or why it cannot be looked at."""
        try:
            wait_seconds = self.session.settings.database.wait_seconds
            return condition.examine(self.session.database_url, wait_seconds=wait_seconds)
        except CoinsyncError as error:
            return error

    @property
    def database(self) -> Condition | None:
        """The database where its tables can be asked, else None."""
        found = self.condition
        if isinstance(found, CoinsyncError) or found.steps_missing or found.steps_unknown:
            return None
        return found

    @cached_property
    def crm(self) -> CrmAnswers | CoinsyncError | None:
        """What the CRM answers, or why it does not; None when it is not asked."""
        if self.offline:
            return None
        try:
            with connections.exchange(self.session) as exchange:
                return self._answers(exchange)
        except CoinsyncError as error:
            return error

    def _answers(self, exchange: Exchange) -> CrmAnswers:
        branches = {branch.id: branch for branch in exchange.branches().whole()}
        types: dict[int, LessonType] = {}
        fields: frozenset[str] | None = None
        for branch in self.session.settings.branches:
            # A branch that the CRM does not have is a line of its own, and has no lists.
            if branch.id in branches:
                for lesson_type in exchange.lesson_types(branch.id).whole():
                    types[lesson_type.id] = lesson_type
                fields = fields or exchange.card_fields(branch.id)
        return CrmAnswers(exchange.moment(), self.session.now(), branches, types, fields)

    @cached_property
    def crontab(self) -> str:
        """This user's table of cron, as cron's own program shows it."""
        program = self.program("crontab")
        if program is None:
            return ""
        try:
            done = subprocess.run([program, "-l"], capture_output=True, timeout=5, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.decode("utf-8", "replace")

    def program(self, name: str) -> str | None:
        """Where a program of the machine lies."""
        path = self.session.environment.environ.get("PATH", "")
        return shutil.which(name, path=f"{path}:/usr/sbin:/usr/bin")
