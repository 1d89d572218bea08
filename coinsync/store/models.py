"""The tables of the database, as peewee models.

Dates are text in ISO form and lists of ids are text like ",3,7,", so that every engine stores,
sorts and returns the same bytes.
"""

from __future__ import annotations

import re

from peewee import (
    BigIntegerField,
    CharField,
    Check,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from coinsync.core import catalog, ledger

DAY = 10
NAME = 120
KEY = ledger.KEY_LENGTH_MAX


def _table_name(model: type[Model]) -> str:
    """A table is called as its model, without "Row": ``LessonTypeRow`` is ``lesson_type``."""
    words = re.findall(r"[A-Z][a-z]*", model.__name__.removesuffix("Row"))
    return "_".join(words).lower()


class TableRow(Model):
    """One row of a table of ours."""

    class Meta:
        """What all tables share."""

        table_function = _table_name


class HeadRow(TableRow):
    """The one row that every writing transaction changes first.

    It is the writers' lock, and it counts entries, runs and moves of stock.
    """

    id = IntegerField(primary_key=True)
    n = BigIntegerField()
    runs = BigIntegerField()
    account = CharField(max_length=80)
    stock = BigIntegerField()


class RunRow(TableRow):
    """One applied plan: what, when, by whom, and its totals."""

    id = BigIntegerField(primary_key=True)
    uuid = CharField(max_length=32, unique=True)
    purpose = CharField(max_length=20)
    branch = BigIntegerField()
    since = CharField(max_length=DAY)
    until = CharField(max_length=DAY)
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
        """Runs of a purpose are looked up by branch, the latest first."""

        indexes = ((("purpose", "branch", "id"), False),)


class BranchRow(TableRow):
    """A site of the school."""

    id = BigIntegerField(primary_key=True)
    name = CharField(max_length=NAME)


class LessonTypeRow(TableRow):
    """A kind of lesson."""

    id = BigIntegerField(primary_key=True)
    name = CharField(max_length=NAME)
    base = IntegerField()


class GroupRow(TableRow):
    """A group of residents."""

    id = BigIntegerField(primary_key=True)
    name = CharField(max_length=NAME)

    class Meta:
        """GROUP is a word of SQL."""

        table_name = "study_group"


class ResidentRow(TableRow):
    """A pupil; never deleted."""

    id = BigIntegerField(primary_key=True)
    name = CharField(max_length=NAME)
    presence = CharField(max_length=20)
    branches = TextField(column_name="branch_ids")
    vk = CharField(max_length=255)


class MembershipRow(TableRow):
    """A resident's time in a group."""

    resident = ForeignKeyField(ResidentRow, index=False, on_delete="RESTRICT")
    group = BigIntegerField(column_name="group_id")
    since = CharField(max_length=DAY)
    until = CharField(max_length=DAY, null=True)

    class Meta:
        """One row for each stay."""

        primary_key = CompositeKey("resident", "group", "since")


class LinkRow(TableRow):
    """A VK account that may see a resident."""

    vk = BigIntegerField()
    resident = ForeignKeyField(ResidentRow, index=True, on_delete="RESTRICT")
    source = CharField(max_length=20)
    live = IntegerField()

    class Meta:
        """Many to many."""

        primary_key = CompositeKey("vk", "resident")


class VkPageRow(TableRow):
    """What VK answered about a resident's screen name."""

    resident = ForeignKeyField(ResidentRow, primary_key=True, index=False, on_delete="RESTRICT")
    name = CharField(max_length=64)
    kind = CharField(max_length=20)
    number = BigIntegerField()
    asked_on = CharField(max_length=DAY)


class MergeRow(TableRow):
    """A card that goes on as another one."""

    resident = ForeignKeyField(ResidentRow, primary_key=True, index=False, on_delete="RESTRICT")
    into = BigIntegerField(column_name="into_id")
    links = TextField(column_name="vk_ids")
    ever = TextField(column_name="ever_ids")

    class Meta:
        """A card goes on as one other at most; 0 is none."""

        table_name = "merged_card"


class LessonRow(TableRow):
    """A lesson as the CRM last described it."""

    id = BigIntegerField(primary_key=True)
    branch = BigIntegerField(column_name="branch_id")
    date = CharField(max_length=DAY, column_name="held_on")
    starts = CharField(max_length=5)
    type = BigIntegerField(column_name="type_id")
    status = IntegerField()
    groups = TextField(column_name="group_ids")
    subject = BigIntegerField(null=True, column_name="subject_id")
    scheduled = IntegerField()

    class Meta:
        """Read by branch and window."""

        indexes = ((("branch", "date"), False),)


class AttendanceRow(TableRow):
    """What happened to one resident in one lesson."""

    lesson = ForeignKeyField(LessonRow, index=False, on_delete="RESTRICT")
    resident = ForeignKeyField(ResidentRow, index=False, on_delete="RESTRICT")
    mark = CharField(max_length=20)
    standing = CharField(max_length=20)

    class Meta:
        """Read by lesson in a sync and by resident in a history."""

        primary_key = CompositeKey("lesson", "resident")
        indexes = ((("resident", "lesson"), False),)


class HoldRow(TableRow):
    """A difference that waits for a person."""

    key = CharField(max_length=KEY, primary_key=True, column_name="op_key")
    kind = CharField(max_length=20)
    branch = BigIntegerField(column_name="branch_id")
    lesson = BigIntegerField(column_name="lesson_id")
    resident = ForeignKeyField(ResidentRow, index=True, on_delete="RESTRICT")
    happened_on = CharField(max_length=DAY)
    coins = BigIntegerField()
    reason = CharField(max_length=40)


class DecisionRow(TableRow):
    """A person's ruling about the coins under a key."""

    key = CharField(max_length=KEY, primary_key=True, column_name="op_key")
    lesson = BigIntegerField(column_name="lesson_id", index=True)
    resident = ForeignKeyField(ResidentRow, index=True, on_delete="RESTRICT")
    seq = IntegerField()
    coins = BigIntegerField()
    reason = CharField(max_length=40)
    actor = CharField(max_length=80)
    decided_on = CharField(max_length=DAY)
    note = TextField()


class EntryRow(TableRow):
    """The ledger. Triggers refuse to change or remove its rows.

    The index by resident holds the coins too, so that a balance is read from the index alone.
    """

    n = BigIntegerField(primary_key=True)
    op_key = CharField(max_length=KEY)
    seq = IntegerField()
    resident = ForeignKeyField(ResidentRow, index=False, on_delete="RESTRICT")
    coins = BigIntegerField(constraints=[Check("coins <> 0")])
    kind = CharField(max_length=20)
    happened_on = CharField(max_length=DAY)
    reason = CharField(max_length=200)
    actor = CharField(max_length=80)
    rule = CharField(max_length=80)
    note_digest = CharField(max_length=64)
    lesson = BigIntegerField(null=True, column_name="lesson_id")
    reverses = BigIntegerField(null=True, unique=True)
    run = BigIntegerField(column_name="run_id")
    posted_at = CharField(max_length=20)
    chain = CharField(max_length=64)

    class Meta:
        """Unique by key and number; read by resident and day."""

        indexes = (
            (("op_key", "seq"), True),
            (("resident", "happened_on", "n", "coins"), False),
        )


class NoteRow(TableRow):
    """The text of a note, outside the ledger so that it can be erased.

    The entry keeps its salted digest.
    """

    n = BigIntegerField(primary_key=True)
    salt = CharField(max_length=32)
    text = TextField()


class ItemRow(TableRow):
    """One of the shop's goods; never deleted."""

    code = CharField(max_length=catalog.CODE_LENGTH_MAX, primary_key=True)
    name_ru = CharField(max_length=NAME)
    name_en = CharField(max_length=NAME)
    category_ru = CharField(max_length=NAME)
    category_en = CharField(max_length=NAME)
    text_ru = TextField()
    text_en = TextField()
    price = BigIntegerField()
    branches = TextField(column_name="branch_ids")
    picture = CharField(max_length=NAME)
    place = IntegerField()
    shown = IntegerField()
    tracked = IntegerField()
    archived = IntegerField()


class EventRow(TableRow):
    """A fair."""

    code = CharField(max_length=catalog.CODE_LENGTH_MAX, primary_key=True)
    title = CharField(max_length=NAME)
    opened_on = CharField(max_length=DAY)
    closed_on = CharField(max_length=DAY, null=True)
    closed_by = CharField(max_length=80)


class SaleRow(TableRow):
    """One purchase; append-only."""

    id = CharField(max_length=catalog.CODE_LENGTH_MAX, primary_key=True)
    happened_on = CharField(max_length=DAY)
    event = CharField(max_length=catalog.CODE_LENGTH_MAX)
    actor = CharField(max_length=80)

    class Meta:
        """Reported by event and by day."""

        indexes = ((("event",), False), (("happened_on",), False))


class SaleLineRow(TableRow):
    """What was bought, at the price of the day; append-only."""

    sale = ForeignKeyField(SaleRow, index=False, on_delete="RESTRICT")
    line = IntegerField()
    item = ForeignKeyField(ItemRow, column_name="item_code", index=True, on_delete="RESTRICT")
    name_ru = CharField(max_length=NAME)
    name_en = CharField(max_length=NAME)
    quantity = BigIntegerField()
    price = BigIntegerField()
    listed = BigIntegerField()

    class Meta:
        """Numbered within the sale."""

        primary_key = CompositeKey("sale", "line")


class RefundLineRow(TableRow):
    """A line of a sale that was taken back; append-only."""

    sale = ForeignKeyField(SaleRow, index=False, on_delete="RESTRICT")
    line = IntegerField()
    happened_on = CharField(max_length=DAY)
    actor = CharField(max_length=80)

    class Meta:
        """Each line once."""

        primary_key = CompositeKey("sale", "line")


class StockMoveRow(TableRow):
    """The ledger of stock; append-only."""

    n = BigIntegerField(primary_key=True)
    op_key = CharField(max_length=KEY, unique=True)
    item = ForeignKeyField(ItemRow, column_name="item_code", index=False, on_delete="RESTRICT")
    quantity = BigIntegerField(constraints=[Check("quantity <> 0")])
    kind = CharField(max_length=20)
    happened_on = CharField(max_length=DAY)
    actor = CharField(max_length=80)
    note = CharField(max_length=200)
    sale = CharField(max_length=catalog.CODE_LENGTH_MAX, column_name="sale_id")
    run = BigIntegerField(column_name="run_id")
    posted_at = CharField(max_length=20)

    class Meta:
        """Added up by item."""

        indexes = ((("item", "quantity"), False), (("sale",), False))


MODELS: tuple[type[Model], ...] = (
    HeadRow,
    RunRow,
    BranchRow,
    LessonTypeRow,
    GroupRow,
    ResidentRow,
    MergeRow,
    MembershipRow,
    LinkRow,
    VkPageRow,
    LessonRow,
    AttendanceRow,
    HoldRow,
    DecisionRow,
    EntryRow,
    NoteRow,
    ItemRow,
    EventRow,
    SaleRow,
    SaleLineRow,
    RefundLineRow,
    StockMoveRow,
)

TABLE_NAMES: tuple[str, ...] = tuple(model._meta.table_name for model in MODELS)


def columns_of(model: type[Model]) -> tuple[str, ...]:
    """The columns of a table, in their order."""
    return tuple(field.column_name for field in model._meta.sorted_fields)


def key_columns_of(model: type[Model]) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    return tuple(field.column_name for field in model._meta.get_primary_keys())


ENTRY_COLUMNS = columns_of(EntryRow)
STOCK_COLUMNS = columns_of(StockMoveRow)
RUN_COLUMNS = columns_of(RunRow)
