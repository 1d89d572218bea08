"""The first schema: the tables of ``coinsync.store.models``, their guards, and the head row.

Until the first release it is whatever the models say. What a release has made stays as it was: the
first change after one freezes these tables here, and comes as a migration of its own.
"""

from peewee import Database

from coinsync.store import database
from coinsync.store.models import MODELS


def up(migrator: object, db: Database) -> None:
    """Make the tables, their guards and the one row that every writer changes first."""
    with db.bind_ctx(MODELS, bind_refs=False, bind_backrefs=False):
        db.create_tables(MODELS)
    database.make_guards(db)
    # MySQL commits at every statement of this kind: a second attempt may find the row already.
    if not db.execute_sql("SELECT COUNT(*) FROM head").fetchone()[0]:
        db.execute_sql("INSERT INTO head (id, n, runs, account, stock) VALUES (1, 0, 0, '', 0)")
