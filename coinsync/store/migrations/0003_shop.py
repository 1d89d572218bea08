"""The shop: goods, fairs, sales, refunds, and stock as a ledger of its own."""

from peewee import (
    BigIntegerField,
    CharField,
    Check,
    CompositeKey,
    Database,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from coinsync.store import database

# Frozen copies of the models as they were on this day, independent of coinsync.store.rows.


class Item(Model):
    code = CharField(max_length=40, primary_key=True)
    name_ru = CharField(max_length=120)
    name_en = CharField(max_length=120)
    category_ru = CharField(max_length=120)
    category_en = CharField(max_length=120)
    text_ru = TextField()
    text_en = TextField()
    price = BigIntegerField()
    branch_ids = TextField()
    picture = CharField(max_length=120)
    place = IntegerField()
    shown = IntegerField()
    tracked = IntegerField()
    archived = IntegerField()

    class Meta:
        table_name = "item"


class Event(Model):
    code = CharField(max_length=40, primary_key=True)
    title = CharField(max_length=120)
    opened_on = CharField(max_length=10)
    closed_on = CharField(max_length=10, null=True)
    closed_by = CharField(max_length=80)

    class Meta:
        table_name = "event"


class Sale(Model):
    id = CharField(max_length=40, primary_key=True)
    happened_on = CharField(max_length=10)
    event = CharField(max_length=40)
    actor = CharField(max_length=80)

    class Meta:
        table_name = "sale"
        indexes = ((("event",), False), (("happened_on",), False))


class SaleLine(Model):
    sale = ForeignKeyField(Sale, column_name="sale_id", index=False, on_delete="RESTRICT")
    line = IntegerField()
    item = ForeignKeyField(Item, column_name="item_code", index=True, on_delete="RESTRICT")
    name_ru = CharField(max_length=120)
    name_en = CharField(max_length=120)
    quantity = BigIntegerField()
    price = BigIntegerField()
    listed = BigIntegerField()

    class Meta:
        table_name = "sale_line"
        primary_key = CompositeKey("sale", "line")


class RefundLine(Model):
    sale = ForeignKeyField(Sale, column_name="sale_id", index=False, on_delete="RESTRICT")
    line = IntegerField()
    happened_on = CharField(max_length=10)
    actor = CharField(max_length=80)

    class Meta:
        table_name = "refund_line"
        primary_key = CompositeKey("sale", "line")


class StockMove(Model):
    n = BigIntegerField(primary_key=True)
    op_key = CharField(max_length=120, unique=True)
    item = ForeignKeyField(Item, column_name="item_code", index=False, on_delete="RESTRICT")
    quantity = BigIntegerField(constraints=[Check("quantity <> 0")])
    kind = CharField(max_length=20)
    happened_on = CharField(max_length=10)
    actor = CharField(max_length=80)
    note = CharField(max_length=200)
    sale_id = CharField(max_length=40)
    run_id = BigIntegerField()
    posted_at = CharField(max_length=20)

    class Meta:
        table_name = "stock_move"
        indexes = ((("item", "quantity"), False),)


TABLES = [Item, Event, Sale, SaleLine, RefundLine, StockMove]


def up(migrator: object, db: Database) -> None:
    with db.bind_ctx(TABLES, bind_refs=False, bind_backrefs=False):
        db.create_tables(TABLES)
    if "stock" not in {column.name for column in db.get_columns("head")}:
        kind = db.get_context_options()["field_types"]["INT"]
        db.execute_sql(f"ALTER TABLE head ADD COLUMN stock {kind} DEFAULT 0 NOT NULL")
    database.restore_guards(db)
