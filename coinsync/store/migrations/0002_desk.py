"""What the desk needs: revoked links, answers of VK, merged cards, decisions; runs are append-only from now on."""

from peewee import (
    BigIntegerField,
    CharField,
    Database,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from coinsync.store import database

# Frozen copies of the models as they were on this day, independent of coinsync.store.rows.


class Resident(Model):
    id = BigIntegerField(primary_key=True)

    class Meta:
        table_name = "resident"


class VkPage(Model):
    resident = ForeignKeyField(
        Resident, column_name="resident_id", primary_key=True, index=False, on_delete="RESTRICT"
    )
    name = CharField(max_length=64)
    kind = CharField(max_length=20)
    number = BigIntegerField()
    asked_on = CharField(max_length=10)

    class Meta:
        table_name = "vk_page"


class MergedCard(Model):
    resident = ForeignKeyField(
        Resident, column_name="resident_id", primary_key=True, index=False, on_delete="RESTRICT"
    )
    into_id = BigIntegerField()
    vk_ids = TextField()
    ever_ids = TextField()

    class Meta:
        table_name = "merged_card"


class Decision(Model):
    op_key = CharField(max_length=120, primary_key=True)
    lesson_id = BigIntegerField(index=True)
    resident = ForeignKeyField(
        Resident, column_name="resident_id", index=True, on_delete="RESTRICT"
    )
    seq = IntegerField()
    coins = BigIntegerField()
    reason = CharField(max_length=40)
    actor = CharField(max_length=80)
    decided_on = CharField(max_length=10)
    note = TextField()

    class Meta:
        table_name = "decision"


TABLES = [VkPage, MergedCard, Decision]


def up(migrator: object, db: Database) -> None:
    with db.bind_ctx([Resident, *TABLES], bind_refs=False, bind_backrefs=False):
        db.create_tables(TABLES)
    if "live" not in {column.name for column in db.get_columns("link")}:
        kind = db.get_context_options()["field_types"]["INT"]
        db.execute_sql(f"ALTER TABLE link ADD COLUMN live {kind} DEFAULT 1 NOT NULL")
    database.restore_guards(db)
