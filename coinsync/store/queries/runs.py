"""Questions about runs: the plans that were applied."""

from __future__ import annotations

from datetime import date

from peewee import ModelSelect

from coinsync.core.ledger import Run
from coinsync.core.plan import Purpose
from coinsync.store import statements
from coinsync.store.models import RunRow
from coinsync.store.queries.base import Queries
from coinsync.store.rows import day_of


class RunQueries(Queries):
    """Applied plans, the newest first."""

    def runs(self, limit: int) -> list[Run]:
        """The last runs, newest first."""
        return [Run._make(row) for row in self._constant(statements.LAST_RUNS, [limit])]

    def run(self, uuid: str) -> Run | None:
        """One run by its own id."""
        return self._run(RunRow.select().where(RunRow.uuid == uuid))

    def last_run(self, branch: int, purpose: str) -> Run | None:
        """The last run of a branch with that purpose."""
        return self._run(_of_branch(branch, purpose).order_by(RunRow.id.desc()).limit(1))

    def first_read_on(self, branch: int) -> date | None:
        """The day of the first complete reading of a branch's people."""
        first = self._run(_of_branch(branch, Purpose.PEOPLE).order_by(RunRow.id).limit(1))
        return day_of(first.until) if first else None

    def began_at(self) -> str:
        """When the first lessons of any branch were posted (UTC); "" before that."""
        row = self._constant_row(statements.BEGAN_AT)
        return str(row[0]) if row else ""

    def last_full_run(self, branch: int) -> Run | None:
        """The last run of a branch's lessons up to the day of its reading, so no backfill."""
        row = self._constant_row(statements.LAST_FULL_RUN, [branch])
        return Run._make(row) if row else None

    def last_synced_at(self) -> str | None:
        """The oldest of the branches' last syncs up to the day (UTC); None before the first."""
        row = self._constant_row(statements.LAST_SYNCED_AT)
        return str(row[0]) if row and row[0] else None

    def _run(self, query: ModelSelect[RunRow]) -> Run | None:
        row = self._row(query)
        return Run._make(row) if row else None


def _of_branch(branch: int, purpose: str) -> ModelSelect[RunRow]:
    return RunRow.select().where(RunRow.branch == branch, RunRow.purpose == purpose)
