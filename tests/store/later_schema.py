"""A second schema that only tests have: how a database of today comes to one of tomorrow."""

from __future__ import annotations

import shutil
from pathlib import Path

from coinsync.store import database

LATER = "0002_later"
_MIGRATION = '''"""A colour for each branch, and a table of its own."""

from peewee import BigIntegerField, CharField, Database, Model


class Colour(Model):
    id = BigIntegerField(primary_key=True)
    name = CharField(max_length=40)

    class Meta:
        table_name = "colour"


def up(migrator: object, db: Database) -> None:
    with db.bind_ctx([Colour]):
        db.create_tables([Colour])
    # MySQL commits at each statement, so a second attempt may find the column already.
    if "colour" not in {column.name for column in db.get_columns("branch")}:
        db.execute_sql("ALTER TABLE branch ADD COLUMN colour VARCHAR(40) DEFAULT 'red' NOT NULL")
'''


def later_schema(folder: Path) -> Path:
    """A folder with the migrations of this program and one that follows them."""
    migrations = folder / "migrations"
    migrations.mkdir()
    for step in database.schema_steps():
        shutil.copy(database.MIGRATIONS / f"{step}.py", migrations)
    (migrations / f"{LATER}.py").write_text(_MIGRATION, encoding="utf-8")
    return migrations
