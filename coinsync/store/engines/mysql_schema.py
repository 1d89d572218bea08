"""What tables, columns, indexes, references and checks are on MySQL and MariaDB."""

import re
from collections.abc import Collection, Iterator

from peewee import Database, ForeignKeyField

from coinsync.store.engines.base import index_name
from coinsync.store.models import MODELS, TABLE_NAMES

_TRIGGERS = """
SELECT trigger_name, action_timing, event_manipulation, event_object_table, action_statement
FROM information_schema.triggers WHERE trigger_schema = DATABASE()
"""
_TABLES = """
SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()
"""
_COLUMNS = """
SELECT table_name, column_name, column_type, is_nullable, column_default, collation_name
FROM information_schema.columns WHERE table_schema = DATABASE()
ORDER BY table_name, ordinal_position
"""
_INDEXES = """
SELECT table_name, index_name, non_unique, column_name, sub_part
FROM information_schema.statistics WHERE table_schema = DATABASE()
ORDER BY table_name, index_name, seq_in_index
"""
#: Read from ``SHOW CREATE TABLE``, because ``information_schema`` hides references from accounts
#: that may only read. Where no rule is named it is the default, RESTRICT.
_REFERENCE = re.compile(
    r"FOREIGN KEY \(`(\w+)`\) REFERENCES `(\w+)` \(`(\w+)`\)(?: ON DELETE ([A-Z ]+?))?(?: ON |,?$)",
    re.MULTILINE,
)
_CHECK_CLAUSE = re.compile(r"\bCHECK \((.+)\)[,\s]*$", re.MULTILINE)
_WIDTH = re.compile(r"^(\w*int)\(\d+\)")


def described(database: Database, exact: Collection[str]) -> dict[str, str]:
    """Every part of our tables, by name; ``exact`` collations compare byte by byte."""
    parts: dict[str, str] = {}
    for table, kind in database.execute_sql(_TABLES).fetchall():
        if table in TABLE_NAMES:
            parts[f"table {table}"] = "transactional" if kind == "InnoDB" else str(kind)
            parts |= _references_and_checks(database, table)
    for table, column, kind, nullable, default, collation in database.execute_sql(_COLUMNS):
        if table in TABLE_NAMES:
            words = _column_words(kind, nullable, default, collation, exact)
            parts[f"column {table}.{column}"] = words
    parts |= _indexes(database)
    return parts


def triggers(database: Database) -> dict[str, str]:
    """All triggers by name, each with its text after ``CREATE TRIGGER name``."""
    texts = {}
    for name, timing, event, table, statement in database.execute_sql(_TRIGGERS):
        texts[name] = f"{timing} {event} ON {table} FOR EACH ROW {statement}"
    return texts


def _column_words(
    kind: str, nullable: str, default: str | None, collation: str | None, exact: Collection[str]
) -> str:
    # Some servers say how wide a number is shown, others do not.
    words = [_WIDTH.sub(r"\1", str(kind))]
    if nullable != "YES":
        words.append("NOT NULL")
    # MariaDB calls the missing default of a column that may be empty "NULL".
    if default not in (None, "NULL"):
        words.append(f"DEFAULT {default}")
    if collation and collation not in exact:
        words.append(f"compared by {collation}")
    return " ".join(words)


def _indexes(database: Database) -> Iterator[tuple[str, str]]:
    columns_of: dict[tuple[str, str, bool], list[str]] = {}
    partial: set[tuple[str, str, bool]] = set()
    for table, name, is_repeatable, column, length in database.execute_sql(_INDEXES):
        index = (table, name, not int(is_repeatable))
        columns_of.setdefault(index, []).append(column)
        if length is not None:
            partial.add(index)
    for index, columns in columns_of.items():
        table, _, is_unique = index
        if table in TABLE_NAMES:
            what = "partial" if index in partial else "whole"
            yield index_name(table, is_unique, columns), what


def _references_and_checks(database: Database, table: str) -> dict[str, str]:
    _, text = database.execute_sql(f"SHOW CREATE TABLE {table}").fetchone()
    parts: dict[str, str] = {}
    for column, parent, into, rule in _REFERENCE.findall(text):
        what = f"to {parent}.{into} ON DELETE {rule or 'RESTRICT'}"
        parts[f"reference {table}.{column}"] = what
    for clause in _CHECK_CLAUSE.findall(text):
        parts[f"check {table} ({_plain(clause)})"] = "there"
    return parts


def orphans(database: Database) -> Iterator[tuple[str, object, str]]:
    """Rows that refer to rows that are not there."""
    for model in MODELS:
        table = model._meta.table_name
        for field in model._meta.sorted_fields:
            if not isinstance(field, ForeignKeyField):
                continue
            column = field.column_name
            parent, into = field.rel_model._meta.table_name, field.rel_field.column_name
            sql = (
                f"SELECT c.{column} FROM {table} c LEFT JOIN {parent} p ON p.{into} = c.{column}"
                f" WHERE c.{column} IS NOT NULL AND p.{into} IS NULL ORDER BY 1"
            )
            for (value,) in database.execute_sql(sql):
                yield table, value, parent


def _plain(clause: str) -> str:
    # Some servers write more quotes and brackets than others.
    bare = clause.replace("`", "").replace("(", " ").replace(")", " ")
    return " ".join(bare.split()).lower()
