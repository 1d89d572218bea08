"""What tables, columns, indexes, references and checks are: as the models say, and as ``information_schema`` tells."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from peewee import CompositeKey, Database, ForeignKeyField, Model

from coinsync.store.models import MODELS

TRIGGERS = """
SELECT trigger_name, action_timing, event_manipulation, event_object_table, action_statement
FROM information_schema.triggers WHERE trigger_schema = DATABASE()
"""
_TABLES = """
SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()
"""
_COLUMNS = """
SELECT table_name, column_name, column_type, is_nullable, column_default, collation_name
FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position
"""
_INDEXES = """
SELECT table_name, index_name, non_unique, column_name, sub_part
FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index
"""
#: Who may only read a table is not told of its references otherwise. What is not said is the default: RESTRICT.
_REFERENCE = re.compile(
    r"FOREIGN KEY \(`(\w+)`\) REFERENCES `(\w+)` \(`(\w+)`\)(?: ON DELETE ([A-Z ]+?))?(?: ON |,?$)",
    re.MULTILINE,
)
_CHECK_CLAUSE = re.compile(r"\bCHECK \((.+)\)[,\s]*$", re.MULTILINE)
_EXACTLY = "compared exactly"
_WIDTH = re.compile(r"^(\w*int)\(\d+\)")
_CHECK = re.compile(r"check\s*\((.*)\)", re.IGNORECASE)
_DEFAULT = re.compile(r"DEFAULT (\S+)")


def expected(database: Database) -> dict[str, str]:
    """Every part of the schema that the models describe; ``database`` says how a type is called, and stays closed."""
    found: dict[str, str] = {}
    for model in MODELS:
        table = model._meta.table_name
        found[f"table {table}"] = "InnoDB"
        for field in model._meta.sorted_fields:
            found |= _of_field(database, table, field)
        for unique, columns in _keys(model):
            found[f"{'unique ' if unique else ''}index {table} ({', '.join(columns)})"] = "there"
    return found


def _of_field(
    database: Database, table: str, field: Any
) -> Iterator[tuple[str, str]] | dict[str, str]:
    found: dict[str, str] = {}
    context = database.get_sql_context()
    kind = context.sql(field.ddl_datatype(context)).query()[0].lower()
    words = [kind, *([] if field.null else ["NOT NULL"])]
    for constraint in field.constraints or ():
        if default := _DEFAULT.match(constraint.sql):
            words.append(f"DEFAULT {default[1]}")
        if check := _CHECK.match(constraint.sql):
            found[f"check {table} ({_plain(check[1])})"] = "there"
    if "char" in kind or "text" in kind:
        words.append(_EXACTLY)
    found[f"column {table}.{field.column_name}"] = " ".join(words)
    if isinstance(field, ForeignKeyField):
        parent = field.rel_model._meta.table_name
        found[f"reference {table}.{field.column_name}"] = (
            f"to {parent}.{field.rel_field.column_name} ON DELETE {field.on_delete}"
        )
    return found


def _keys(model: type[Model]) -> Iterator[tuple[bool, tuple[str, ...]]]:
    meta: Any = model._meta
    key = meta.primary_key
    names = key.field_names if isinstance(key, CompositeKey) else (key.name,)
    yield True, tuple(meta.fields[name].column_name for name in names)
    for index in meta.fields_to_index():
        yield bool(index._unique), tuple(field.column_name for field in index._expressions)


def described(database: Database, exact: Collection[str]) -> dict[str, str]:
    """Every part of our tables, and all triggers; ``exact`` are the collations that compare byte by byte."""
    ours = {model._meta.table_name for model in MODELS}
    found = {
        f"table {table}": str(kind)
        for table, kind in database.execute_sql(_TABLES)
        if table in ours
    }
    for table, column, kind, nullable, default, collation in database.execute_sql(_COLUMNS):
        words = [_WIDTH.sub(r"\1", str(kind)), *([] if nullable == "YES" else ["NOT NULL"])]
        # MariaDB calls the missing default of a column that may be empty so.
        words += [f"DEFAULT {default}"] if default not in (None, "NULL") else []
        words += (
            [_EXACTLY if collation in exact else f"compared by {collation}"] if collation else []
        )
        if table in ours:
            found[f"column {table}.{column}"] = " ".join(words)
    found |= dict(_indexes(database, ours))
    for table in sorted(ours & {name.removeprefix("table ") for name in found}):
        [(_, text)] = database.execute_sql(f"SHOW CREATE TABLE {table}").fetchall()
        for column, parent, into, rule in _REFERENCE.findall(text):
            found[f"reference {table}.{column}"] = (
                f"to {parent}.{into} ON DELETE {rule or 'RESTRICT'}"
            )
        for clause in _CHECK_CLAUSE.findall(text):
            found[f"check {table} ({_plain(clause)})"] = "there"
    return found | {f"trigger {name}": "there" for name, *_ in database.execute_sql(TRIGGERS)}


def _indexes(database: Database, ours: Collection[str]) -> Iterator[tuple[str, str]]:
    parts: dict[tuple[str, str, bool], list[tuple[str, object]]] = {}
    for table, name, other, column, length in database.execute_sql(_INDEXES):
        parts.setdefault((table, name, not int(other)), []).append((column, length))
    for (table, _, unique), columns in parts.items():
        if table in ours:
            listed = ", ".join(column for column, _ in columns)
            whole = all(length is None for _, length in columns)
            yield (
                f"{'unique ' if unique else ''}index {table} ({listed})",
                "there" if whole else "partial",
            )


def orphans(database: Database) -> Iterator[tuple[str, object, str]]:
    """Rows that refer to rows that are not there."""
    for model in MODELS:
        table = model._meta.table_name
        for field in model._meta.sorted_fields:
            if isinstance(field, ForeignKeyField):
                parent, into = field.rel_model._meta.table_name, field.rel_field.column_name
                sql = (
                    f"SELECT c.{field.column_name} FROM {table} c LEFT JOIN {parent} p"
                    f" ON p.{into} = c.{field.column_name}"
                    f" WHERE c.{field.column_name} IS NOT NULL AND p.{into} IS NULL ORDER BY 1"
                )
                for (value,) in database.execute_sql(sql):
                    yield table, value, parent


def _plain(clause: str) -> str:
    return " ".join(clause.replace("`", "").replace("(", " ").replace(")", " ").split()).lower()
