"""Compare the schema of a database, as its engine describes it, with that of the models."""

import re
from collections.abc import Iterator

from peewee import Database, ForeignKeyField

from coinsync.store.database import engine_of
from coinsync.store.engines.base import index_name
from coinsync.store.models import MODELS, key_columns_of

_CHECK = re.compile(r"CHECK \((.*)\)")


def faults(database: Database) -> list[str]:
    """Say which parts are missing, changed, or not the program's own; guards are left out."""
    engine = engine_of(database)
    expected = dict(_expected(database))
    actual = engine.described(database)
    missing: list[str] = []
    changed: list[str] = []
    for name, definition in expected.items():
        if name not in actual:
            missing.append(f"{name} is missing")
        elif actual[name] != definition:
            changed.append(f"{name} is {actual[name]}, not {definition}")
    # An index or a table that somebody added for a report does no harm. A further column or trigger
    # may change what is written.
    foreign: list[str] = []
    for name in actual.keys() - expected.keys():
        if name.startswith("column "):
            foreign.append(f"{name} is not ours")
    for trigger in engine.triggers(database).keys() - engine.guards.keys():
        foreign.append(f"trigger {trigger} is not ours")
    return [*missing, *changed, *sorted(foreign)]


def _expected(database: Database) -> Iterator[tuple[str, str]]:
    """Every part of the schema that the models describe, in the engine's words for types."""
    for model in MODELS:
        table = model._meta.table_name
        yield f"table {table}", "transactional"
        yield index_name(table, True, key_columns_of(model)), "whole"
        for index in model._meta.fields_to_index():
            columns = [field.column_name for field in index._expressions]
            yield index_name(table, index._unique, columns), "whole"
        for field in model._meta.sorted_fields:
            context = database.get_sql_context()
            kind = context.sql(field.ddl_datatype(context)).query()[0].lower()
            yield f"column {table}.{field.column_name}", kind if field.null else f"{kind} NOT NULL"
            for constraint in field.constraints or ():
                check = _CHECK.match(constraint.sql)
                if check:
                    yield f"check {table} ({check[1]})", "there"
            if isinstance(field, ForeignKeyField):
                parent = f"{field.rel_model._meta.table_name}.{field.rel_field.column_name}"
                reference = f"to {parent} ON DELETE {field.on_delete}"
                yield f"reference {table}.{field.column_name}", reference
