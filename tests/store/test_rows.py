"""Facts and entries become rows and come back as they were, through a real database."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peewee import SqliteDatabase

from coinsync.core.fact_keys import identity
from coinsync.core.facts import (
    Branch,
    Fact,
)
from coinsync.core.ledger import Entry
from coinsync.core.plan import Post, Put
from coinsync.store.models import ENTRY_COLUMNS, MODELS, EntryRow
from coinsync.store.reader import Reader
from coinsync.store.rows import TABLES, ids_text
from tests.support import engines
from tests.support.makers import (
    a_plan,
    a_resident,
    entries_of,
    new_database,
    put_in,
    reading,
    thorough,
    writing,
)
from tests.support.plans import ENTRIES, FACTS

ENGINES = engines.BOTH


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
def test_a_fact_survives_the_database(kind: type[Fact], tmp_path: Path) -> None:
    """Any fact is read back equal, found by the first column of its key."""
    table = TABLES[kind]
    run = {"run_id": 1} if table.only_grows else {}
    columns = ", ".join([*table.columns, *run])
    marks = ", ".join("?" * len([*table.columns, *run]))
    with writing(new_database(tmp_path)) as database:

        @thorough(60)
        @given(FACTS[kind])
        def survives(fact: Fact) -> None:
            with database.atomic() as transaction:
                later = isinstance(database, SqliteDatabase)
                database.execute_sql(
                    "PRAGMA defer_foreign_keys = 1" if later else "SET foreign_key_checks = 0"
                )
                sql = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"
                values = [*table.row(fact), *run.values()]
                database.execute_sql(sql.replace("?", database.param), values)
                try:
                    assert Reader(database).recorded(kind, [table.key(fact)[0]]) == [fact]
                    assert Reader(database).all(kind) == [fact]
                finally:
                    transaction.rollback()

        survives()


@thorough(40)
@given(
    st.lists(ENTRIES, min_size=1, max_size=4, unique_by=lambda entry: (entry.key, entry.seq)).map(
        lambda entries: [
            replace(
                entry,
                coins=abs(entry.coins) % 2**40 + 1,
                reverses=entry.reverses and entry.seq * 1000 + place,
            )
            for place, entry in enumerate(entries)
        ]
    )
)
def test_an_entry_survives_the_database(entries: list[Entry]) -> None:
    """Any entry is read back equal but for its note, which comes with the line."""
    with TemporaryDirectory() as folder:
        url = new_database(Path(folder))
        residents = [Put(a_resident(id)) for id in {entry.resident for entry in entries}]
        plan = a_plan(*residents, *map(Post, entries))
        put_in(url, plan)
        with reading(url) as reader:
            posted = entries_of(reader)
            assert [one.entry for one in posted] == [
                replace(entry, note="") for entry in plan.entries
            ]
            notes = {
                line.posted.n: line.note
                for one in posted
                for line in reader.lines(one.entry.resident)
            }
            assert [notes[one.n] for one in posted] == [entry.note for entry in plan.entries]


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
@thorough(30)
@given(data=st.data())
def test_two_facts_share_a_key_exactly_if_they_share_an_identity(
    kind: type[Fact], data: st.DataObject
) -> None:
    """What the plan calls the same fact is the same row, and no other."""
    one, other = data.draw(FACTS[kind]), data.draw(FACTS[kind])
    table = TABLES[kind]
    assert (table.key(one) == table.key(other)) == (identity(one) == identity(other))


@pytest.mark.parametrize(("ids", "text"), [((), ","), ((3,), ",3,"), ((3, 7, 37), ",3,7,37,")])
def test_ids_are_written_so_that_each_can_be_found(ids: tuple[int, ...], text: str) -> None:
    """Every id stands between commas, so that 3 is not found in 37."""
    assert ids_text(ids) == text


def test_every_kind_of_fact_has_a_table_of_its_own() -> None:
    """A plan can name nothing that has no place, and each field has a column."""
    assert set(TABLES) == set(FACTS)
    assert len({table.name for table in TABLES.values()}) == len(TABLES)
    for kind, table in TABLES.items():
        assert len(table.columns) == len(fields(kind)) == len(set(table.columns))
        assert set(table.key_columns) <= set(table.columns)


def test_the_columns_of_an_entry_are_those_of_its_row() -> None:
    """The order in which entries are written is the order of the model."""
    assert ENTRY_COLUMNS[:4] == ("n", "op_key", "seq", "resident_id")
    assert len(ENTRY_COLUMNS) == len(EntryRow._meta.sorted_fields)


def test_every_table_has_a_model() -> None:
    """The models are all the tables there are, and no name is a word of SQL."""
    names = [model._meta.table_name for model in MODELS]
    assert len(set(names)) == len(names)
    assert not {"group", "key", "order"} & set(names)
    assert TABLES[Branch].row(Branch(1, "Kazan")) == [1, "Kazan"]
