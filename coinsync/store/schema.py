"""Compare the schema of a database with that of the models: columns, indexes, triggers."""

import re
from collections.abc import Iterator, Sequence

from peewee import Database

from coinsync.store.database import engine_of
from coinsync.store.models import MODELS, TableRow, key_columns_of

#: Some servers say how wide a number is shown, others do not.
_WIDTH = re.compile(r"(?<=int)\(\d+\)")


def faults(database: Database) -> list[str]:
    """Say which parts are missing, changed, or not the program's own; guards are left out.

    An index or a table that somebody added for a report does no harm. A further column or trigger
    may change what is written.
    """
    engine = engine_of(database)
    tables = database.get_tables()
    wrong: list[str] = []
    for model in MODELS:
        table = model._meta.table_name
        if table in tables:
            wrong += _faults_of_columns(database, model)
            wrong += _faults_of_indexes(database, model)
        else:
            wrong.append(f"table {table} is missing")
    wrong += engine.unsafe_tables(database)
    for trigger in sorted(engine.triggers(database).keys() - engine.guards.keys()):
        wrong.append(f"trigger {trigger} is not ours")
    return wrong


def _faults_of_columns(database: Database, model: type[TableRow]) -> Iterator[str]:
    table = model._meta.table_name
    actual: dict[str, str] = {}
    for column in database.get_columns(table):
        kind = _WIDTH.sub("", str(column.full_type).lower())
        actual[column.name] = _words(kind, column.null)
    for field in model._meta.sorted_fields:
        context = database.get_sql_context()
        kind = context.sql(field.ddl_datatype(context)).query()[0].lower()
        wanted = _words(kind, field.null)
        found = actual.pop(field.column_name, "")
        name = f"column {table}.{field.column_name}"
        if not found:
            yield f"{name} is missing"
        elif found != wanted:
            yield f"{name} is {found}, not {wanted}"
    for column_name in actual:
        yield f"column {table}.{column_name} is not ours"


def _words(kind: str, may_be_empty: bool) -> str:
    return kind if may_be_empty else f"{kind} NOT NULL"


def _faults_of_indexes(database: Database, model: type[TableRow]) -> Iterator[str]:
    table = model._meta.table_name
    # By their columns: what an index is called makes no difference.
    actual = {_index(table, True, database.get_primary_keys(table))}
    for index in database.get_indexes(table):
        actual.add(_index(table, index.unique, index.columns))
    wanted = [_index(table, True, key_columns_of(model))]
    for index in model._meta.fields_to_index():
        columns = [field.column_name for field in index._expressions]
        wanted.append(_index(table, index._unique, columns))
    for name in wanted:
        if name not in actual:
            yield f"{name} is missing"


def _index(table: str, is_unique: bool, columns: Sequence[str]) -> str:
    unique = "unique " if is_unique else ""
    return f"{unique}index {table} ({', '.join(columns)})"
