"""What a proof reads: rows as they lie there, and what the engine itself says of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

from peewee import fn

from coinsync.core.facts import Note
from coinsync.core.ledger import Run
from coinsync.store import schema
from coinsync.store.database import speaking
from coinsync.store.models import LessonRow, NoteRow, RunRow
from coinsync.store.queries.base import F, Queries, key_of, select_facts
from coinsync.store.rows import TABLES


class ProofQueries(Queries):
    """Everything that is stored, also where it is damaged."""

    def speaking(self) -> AbstractContextManager[None]:
        """Turn errors of the driver into ours while rows are taken one by one."""
        return speaking(self._database)

    def take_any_text(self) -> None:
        """Mark from now on what cannot be decoded, instead of raising an error."""
        self._engine.take_any_text(self._database)

    def run_lines(self) -> Iterator[Run]:
        """All runs in their order, as they lie there."""
        return map(Run._make, self._stream(RunRow.select().order_by(RunRow.id)))

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
