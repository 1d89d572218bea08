"""The first schema: facts of the CRM, decisions of staff, the shop, and the append-only ledgers.

The classes are copies of the models of ``coinsync.store.models``, on purpose: once a database has
been made with this file, what the models become later is the business of a later migration.
"""

from peewee import (
    SQL,
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


class Head(Model):
    id = IntegerField(primary_key=True)
    n = BigIntegerField()
    runs = BigIntegerField()
    account = CharField(max_length=80)
    stock = BigIntegerField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        table_name = "head"


class Run(Model):
    id = BigIntegerField(primary_key=True)
    uuid = CharField(max_length=32, unique=True)
    purpose = CharField(max_length=20)
    branch = BigIntegerField()
    since = CharField(max_length=10)
    until = CharField(max_length=10)
    actor = CharField(max_length=80)
    started_at = CharField(max_length=20)
    posted_at = CharField(max_length=20)
    digest = CharField(max_length=64)
    requests = IntegerField()
    entries = IntegerField()
    coins = BigIntegerField()
    facts = IntegerField()
    n_last = BigIntegerField()

    class Meta:
        table_name = "run"
        indexes = ((("purpose", "branch", "id"), False),)


class Branch(Model):
    id = BigIntegerField(primary_key=True)
    name = CharField(max_length=120)

    class Meta:
        table_name = "branch"


class LessonType(Model):
    id = BigIntegerField(primary_key=True)
    name = CharField(max_length=120)
    base = IntegerField()

    class Meta:
        table_name = "lesson_type"


class StudyGroup(Model):
    id = BigIntegerField(primary_key=True)
    name = CharField(max_length=120)

    class Meta:
        table_name = "study_group"


class Resident(Model):
    id = BigIntegerField(primary_key=True)
    name = CharField(max_length=120)
    presence = CharField(max_length=20)
    branch_ids = TextField()
    vk = CharField(max_length=255)

    class Meta:
        table_name = "resident"


class MergedCard(Model):
    resident = ForeignKeyField(
        Resident, column_name="resident_id", primary_key=True, index=False, on_delete="RESTRICT"
    )
    into_id = BigIntegerField()
    vk_ids = TextField()
    ever_ids = TextField()

    class Meta:
        table_name = "merged_card"


class Membership(Model):
    resident = ForeignKeyField(
        Resident, column_name="resident_id", index=False, on_delete="RESTRICT"
    )
    group_id = BigIntegerField()
    since = CharField(max_length=10)
    until = CharField(max_length=10, null=True)

    class Meta:
        table_name = "membership"
        primary_key = CompositeKey("resident", "group_id", "since")


class Link(Model):
    vk = BigIntegerField()
    resident = ForeignKeyField(
        Resident, column_name="resident_id", index=True, on_delete="RESTRICT"
    )
    source = CharField(max_length=20)
    live = IntegerField(constraints=[SQL("DEFAULT 1")])

    class Meta:
        table_name = "link"
        primary_key = CompositeKey("vk", "resident")


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


class Lesson(Model):
    id = BigIntegerField(primary_key=True)
    branch_id = BigIntegerField()
    held_on = CharField(max_length=10)
    starts = CharField(max_length=5)
    type_id = BigIntegerField()
    status = IntegerField()
    group_ids = TextField()
    subject_id = BigIntegerField(null=True)
    scheduled = IntegerField()

    class Meta:
        table_name = "lesson"
        indexes = ((("branch_id", "held_on"), False),)


class Attendance(Model):
    lesson = ForeignKeyField(Lesson, column_name="lesson_id", index=False, on_delete="RESTRICT")
    resident = ForeignKeyField(
        Resident, column_name="resident_id", index=False, on_delete="RESTRICT"
    )
    mark = CharField(max_length=20)
    standing = CharField(max_length=20)

    class Meta:
        table_name = "attendance"
        primary_key = CompositeKey("lesson", "resident")
        indexes = ((("resident", "lesson"), False),)


class Hold(Model):
    op_key = CharField(max_length=120, primary_key=True)
    kind = CharField(max_length=20)
    branch_id = BigIntegerField()
    lesson_id = BigIntegerField()
    resident = ForeignKeyField(
        Resident, column_name="resident_id", index=True, on_delete="RESTRICT"
    )
    happened_on = CharField(max_length=10)
    coins = BigIntegerField()
    reason = CharField(max_length=40)

    class Meta:
        table_name = "hold"


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


class Entry(Model):
    n = BigIntegerField(primary_key=True)
    op_key = CharField(max_length=120)
    seq = IntegerField()
    resident = ForeignKeyField(
        Resident, column_name="resident_id", index=False, on_delete="RESTRICT"
    )
    coins = BigIntegerField(constraints=[Check("coins <> 0")])
    kind = CharField(max_length=20)
    happened_on = CharField(max_length=10)
    reason = CharField(max_length=200)
    actor = CharField(max_length=80)
    rule = CharField(max_length=80)
    note_digest = CharField(max_length=64)
    lesson_id = BigIntegerField(null=True)
    reverses = BigIntegerField(null=True, unique=True)
    run_id = BigIntegerField()
    posted_at = CharField(max_length=20)
    chain = CharField(max_length=64)

    class Meta:
        table_name = "entry"
        indexes = (
            (("op_key", "seq"), True),
            (("resident", "happened_on", "n", "coins"), False),
        )


class Note(Model):
    n = BigIntegerField(primary_key=True)
    salt = CharField(max_length=32)
    text = TextField()

    class Meta:
        table_name = "note"


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
        indexes = ((("item", "quantity"), False), (("sale_id",), False))


TABLES = [
    Head,
    Run,
    Branch,
    LessonType,
    StudyGroup,
    Resident,
    MergedCard,
    Membership,
    Link,
    VkPage,
    Lesson,
    Attendance,
    Hold,
    Decision,
    Entry,
    Note,
    Item,
    Event,
    Sale,
    SaleLine,
    RefundLine,
    StockMove,
]


def up(migrator: object, db: Database) -> None:
    """Make the tables, their guards and the one row that every writer changes first."""
    with db.bind_ctx(TABLES, bind_refs=False, bind_backrefs=False):
        db.create_tables(TABLES)
    database.make_guards(db)
    # MySQL commits at every statement of this kind: a second attempt may find the row already.
    if not db.execute_sql("SELECT COUNT(*) FROM head").fetchone()[0]:
        db.execute_sql("INSERT INTO head (id, n, runs, account, stock) VALUES (1, 0, 0, '', 0)")
