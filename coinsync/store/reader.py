"""Every question to the database: rows come in, values of the core go out.

The questions of each noun lie in ``queries``. Here are those about all of it: runs, and what a
proof reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

from peewee import ModelSelect, fn

from coinsync.core.facts import Note
from coinsync.core.ledger import GENESIS, Run
from coinsync.core.plan import Purpose
from coinsync.core.seal import Seal, seal_of
from coinsync.store import schema, statements
from coinsync.store.database import speaking
from coinsync.store.models import SHOP_MODELS, LessonRow, NoteRow, RunRow, columns_of
from coinsync.store.queries.base import F, Row, key_of, select_facts
from coinsync.store.queries.ledger import N_MAX as N_MAX
from coinsync.store.queries.lessons import LessonQueries
from coinsync.store.queries.people import PeopleQueries
from coinsync.store.queries.shop import ShopQueries
from coinsync.store.rows import TABLES, day_of


class Reader(PeopleQueries, LessonQueries, ShopQueries):
    """Questions to one database, through a connection that somebody else has opened."""

    def runs(self, limit: int, before: int = N_MAX) -> list[Run]:
        """The last runs before one, newest first."""
        return [Run._make(row) for row in self._constant(statements.LAST_RUNS, [before, limit])]

    def seal(self) -> Seal:
        """The newest seal, which vouches for all that is recorded."""
        for run in self.runs(1):
            return seal_of(run.id, run.chain)
        return seal_of(0, GENESIS)

    def has_seal(self, seal: Seal) -> bool:
        """Whether the run that a seal names has that hash."""
        chain = self.chains([seal.run]).get(seal.run, "")
        return chain.startswith(seal.digits) if seal.run else True

    def run(self, uuid: str) -> Run | None:
        """One run by its own id."""
        return self._run(RunRow.select().where(RunRow.uuid == uuid))

    def run_numbered(self, id: int) -> Run | None:
        """One run by its number."""
        return self._run(RunRow.select().where(RunRow.id == id))

    def last_run(self, branch: int, purpose: str) -> Run | None:
        """The last run of a branch with that purpose."""
        return self._run(_runs_of(branch, purpose).order_by(RunRow.id.desc()).limit(1))

    def first_read_on(self, branch: int) -> date | None:
        """The day of the first complete reading of a branch's people."""
        first = self._run(_runs_of(branch, Purpose.PEOPLE).order_by(RunRow.id).limit(1))
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

    def speaking(self) -> AbstractContextManager[None]:
        """Turn errors of the driver into ours while rows are taken one by one."""
        return speaking(self._database)

    def take_any_text(self) -> None:
        """Mark from now on what cannot be decoded, instead of raising an error."""
        self._engine.take_any_text(self._database)

    def run_lines(self) -> Iterator[Run]:
        """All runs in their order, as they lie there."""
        return map(Run._make, self._stream(RunRow.select().order_by(RunRow.id)))

    def shop_rows(self) -> Iterator[tuple[str, Any, Row]]:
        """Every row of the shop that only grows: its table, its run, and all that it holds.

        They come in the order in which a run's hash takes them in.
        """
        for model in SHOP_MODELS:
            columns = columns_of(model)
            name, run_at = model._meta.table_name, columns.index("run_id")
            for row in self._stream(model.select().order_by(*model._meta.get_primary_keys())):
                yield name, row[run_at], row

    def notes(self) -> Iterator[Note]:
        """All stored notes, one by one."""
        query = select_facts(Note).order_by(NoteRow.n)
        return map(TABLES[Note].value, self._stream(query))

    def readable(self, kind: type[F]) -> tuple[list[F], list[str]]:
        """All facts of a kind that can be read, and the keys of those that cannot."""
        table = TABLES[kind]
        facts: list[F] = []
        broken: list[str] = []
        for row in self._rows(select_facts(kind).order_by(*key_of(kind))):
            try:
                facts.append(table.value(row))
            except (TypeError, ValueError, AttributeError):
                broken.append("/".join(str(row[at]) for at in table.key_at))
        return facts, broken

    def months(self) -> list[tuple[int, str]]:
        """Branches with the months ("2026-11") in which they have lessons."""
        month = fn.SUBSTR(LessonRow.date, 1, 7)
        query = LessonRow.select(LessonRow.branch, month).distinct()
        return sorted((branch, text) for branch, text in self._rows(query))

    def damage(self) -> list[str]:
        """What the engine finds wrong with its own files."""
        return self._engine.damage(self._database)

    def orphans(self) -> list[tuple[str, object, str]]:
        """Rows that refer to missing ones: table, row, the table referred to."""
        return self._engine.orphans(self._database)

    def guards_missing(self) -> tuple[str, ...]:
        """Append-only guards that are missing or changed, where this account needs them."""
        return self._engine.guards_lost(self._database)

    def schema_faults(self) -> list[str]:
        """Where the schema is not the program's; guards are not looked at."""
        return schema.faults(self._database)


def _runs_of(branch: int, purpose: str) -> ModelSelect[RunRow]:
    return RunRow.select().where(RunRow.branch == branch, RunRow.purpose == purpose)
