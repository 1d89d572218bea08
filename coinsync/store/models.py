"""The tables of the database, as peewee models.

Dates are text in ISO form and lists of ids text like ",3,7,", the same bytes on every engine.
"""

from __future__ import annotations

import re
from typing import Any

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
CODE = catalog.CODE_LENGTH_MAX


def _table_name(model: type[Model]) -> str:
    # ``LessonTypeRow`` is ``lesson_type``.
    words = re.findall(r"[A-Z][a-z]*", model.__name__.removesuffix("Row"))
    return "_".join(words).lower()


class TableRow(Model):
    """One row of one of our tables."""

    class Meta:
        table_function = _table_name


def _reference(model: type[Model], index: bool = False, **options: Any) -> ForeignKeyField[Any]:
    # An engine makes an index for every reference; most tables have one of their own that serves.
    return ForeignKeyField(model, index=index, on_delete="RESTRICT", **options)


class HeadRow(TableRow):
    """One row that counts entries, runs and moves of stock: the writers' lock."""

    id = IntegerField(primary_key=True)
    n = BigIntegerField()
    runs = BigIntegerField()
    account = CharField(80)
    stock = BigIntegerField()


class RunRow(TableRow):
    """One applied plan: what, when, by whom, and its totals."""

    id = BigIntegerField(primary_key=True)
    uuid = CharField(32, unique=True)
    purpose = CharField(20)
    branch = BigIntegerField()
    since = CharField(DAY)
    until = CharField(DAY)
    actor = CharField(80)
    login = CharField(80)
    started_at = CharField(20)
    posted_at = CharField(20)
    digest = CharField(64)
    requests = IntegerField()
    entries = IntegerField()
    coins = BigIntegerField()
    facts = IntegerField()
    n_last = BigIntegerField()
    chain = CharField(64)

    class Meta:
        indexes = ((("purpose", "branch", "id"), False),)


class BranchRow(TableRow):
    """A site of the school."""

    id = BigIntegerField(primary_key=True)
    name = CharField(NAME)


class LessonTypeRow(TableRow):
    """A kind of lesson."""

    id = BigIntegerField(primary_key=True)
    name = CharField(NAME)
    base = IntegerField()


class GroupRow(TableRow):
    """A group of residents."""

    id = BigIntegerField(primary_key=True)
    name = CharField(NAME)

    class Meta:
        # GROUP is a word of SQL.
        table_name = "study_group"


class ResidentRow(TableRow):
    """A pupil; never deleted."""

    id = BigIntegerField(primary_key=True)
    name = CharField(NAME)
    # Every writer asks under its lock who is erased.
    presence = CharField(20, index=True)
    branches = TextField(column_name="branch_ids")
    vk = CharField(255)


class MembershipRow(TableRow):
    """A resident's time in a group."""

    resident = _reference(ResidentRow)
    group = BigIntegerField(column_name="group_id")
    since = CharField(DAY)
    until = CharField(DAY, null=True)

    class Meta:
        primary_key = CompositeKey("resident", "group", "since")


class LinkRow(TableRow):
    """A VK account that may see a resident."""

    vk = BigIntegerField()
    resident = _reference(ResidentRow, index=True)
    source = CharField(20)
    live = IntegerField()

    class Meta:
        primary_key = CompositeKey("vk", "resident")


class VkPageRow(TableRow):
    """What VK answered about a resident's screen name."""

    resident = _reference(ResidentRow, primary_key=True)
    name = CharField(64)
    kind = CharField(20)
    number = BigIntegerField()
    asked_on = CharField(DAY)


class MergeRow(TableRow):
    """A card that goes on as another one."""

    resident = _reference(ResidentRow, primary_key=True)
    into = BigIntegerField(column_name="into_id")
    links = TextField(column_name="vk_ids")
    ever = TextField(column_name="ever_ids")

    class Meta:
        table_name = "merged_card"


class LessonRow(TableRow):
    """A lesson as the CRM last described it."""

    id = BigIntegerField(primary_key=True)
    branch = BigIntegerField(column_name="branch_id")
    date = CharField(DAY, column_name="held_on")
    starts = CharField(5)
    type = BigIntegerField(column_name="type_id")
    status = IntegerField()
    groups = TextField(column_name="group_ids")
    subject = BigIntegerField(null=True, column_name="subject_id")
    scheduled = IntegerField()

    class Meta:
        indexes = ((("branch", "date"), False),)


class AttendanceRow(TableRow):
    """What happened to one resident in one lesson."""

    lesson = _reference(LessonRow)
    resident = _reference(ResidentRow)
    mark = CharField(20)
    standing = CharField(20)

    class Meta:
        primary_key = CompositeKey("lesson", "resident")
        indexes = ((("resident", "lesson"), False),)


class HoldRow(TableRow):
    """A difference that waits for a person."""

    key = CharField(KEY, primary_key=True, column_name="op_key")
    kind = CharField(20)
    branch = BigIntegerField(column_name="branch_id")
    lesson = BigIntegerField(column_name="lesson_id")
    resident = _reference(ResidentRow, index=True)
    happened_on = CharField(DAY)
    coins = BigIntegerField()
    reason = CharField(40)


class DecisionRow(TableRow):
    """A person's ruling about the coins under a key."""

    key = CharField(KEY, primary_key=True, column_name="op_key")
    lesson = BigIntegerField(column_name="lesson_id", index=True)
    resident = _reference(ResidentRow, index=True)
    seq = IntegerField()
    coins = BigIntegerField()
    reason = CharField(40)
    actor = CharField(80)
    decided_on = CharField(DAY)
    note = TextField()


class DoubtRow(TableRow):
    """Something that the CRM says and that is not believed yet."""

    id = BigIntegerField(column_name="subject_id")
    kind = CharField(20)
    branch = BigIntegerField(column_name="branch_id")
    claim = CharField(DAY)
    since = CharField(20)
    ruling = CharField(20)
    actor = CharField(80)
    note = TextField()

    class Meta:
        primary_key = CompositeKey("id", "kind", "branch")


class EntryRow(TableRow):
    """The ledger. Triggers refuse to change or remove its rows."""

    n = BigIntegerField(primary_key=True)
    op_key = CharField(KEY)
    seq = IntegerField()
    resident = _reference(ResidentRow)
    coins = BigIntegerField(constraints=[Check("coins <> 0")])
    kind = CharField(20)
    happened_on = CharField(DAY)
    reason = CharField(200)
    actor = CharField(80)
    rule = CharField(80)
    note_digest = CharField(64)
    lesson = BigIntegerField(null=True, column_name="lesson_id")
    reverses = BigIntegerField(null=True, unique=True)
    run = BigIntegerField(column_name="run_id")
    posted_at = CharField(20)

    class Meta:
        indexes = (
            (("op_key", "seq"), True),
            # With the coins in it: a balance is read from this index alone.
            (("resident", "happened_on", "n", "coins"), False),
        )


class NoteRow(TableRow):
    """The text of a note, outside of what only grows so that it can be erased.

    That of entry 7 lies under 7, that of the move of stock 7 under -7.
    """

    n = BigIntegerField(primary_key=True)
    salt = CharField(32)
    text = TextField()


class ItemRow(TableRow):
    """One of the shop's goods; never deleted."""

    code = CharField(CODE, primary_key=True)
    name_ru = CharField(NAME)
    name_en = CharField(NAME)
    category_ru = CharField(NAME)
    category_en = CharField(NAME)
    text_ru = TextField()
    text_en = TextField()
    price = BigIntegerField()
    branches = TextField(column_name="branch_ids")
    picture = CharField(NAME)
    place = IntegerField()
    shown = IntegerField()
    tracked = IntegerField()
    archived = IntegerField()


class EventRow(TableRow):
    """A fair."""

    code = CharField(CODE, primary_key=True)
    title = CharField(NAME)
    opened_on = CharField(DAY)
    closed_on = CharField(DAY, null=True)
    closed_by = CharField(80)
    opened_run = BigIntegerField()
    closed_run = BigIntegerField()


class SaleRow(TableRow):
    """One purchase; append-only."""

    id = CharField(CODE, primary_key=True)
    happened_on = CharField(DAY)
    event = CharField(CODE)
    actor = CharField(80)
    run = BigIntegerField(column_name="run_id")

    class Meta:
        indexes = ((("event",), False), (("happened_on",), False))


class SaleLineRow(TableRow):
    """What was bought, at the price of the day; append-only."""

    sale = _reference(SaleRow)
    line = IntegerField()
    item = _reference(ItemRow, column_name="item_code", index=True)
    name_ru = CharField(NAME)
    name_en = CharField(NAME)
    quantity = BigIntegerField()
    price = BigIntegerField()
    listed = BigIntegerField()
    run = BigIntegerField(column_name="run_id")

    class Meta:
        primary_key = CompositeKey("sale", "line")


class RefundLineRow(TableRow):
    """A line of a sale that was taken back; append-only."""

    sale = _reference(SaleRow)
    line = IntegerField()
    happened_on = CharField(DAY)
    actor = CharField(80)
    run = BigIntegerField(column_name="run_id")

    class Meta:
        primary_key = CompositeKey("sale", "line")


class StockMoveRow(TableRow):
    """The ledger of stock; append-only."""

    n = BigIntegerField(primary_key=True)
    op_key = CharField(KEY, unique=True)
    item = _reference(ItemRow, column_name="item_code")
    quantity = BigIntegerField(constraints=[Check("quantity <> 0")])
    kind = CharField(20)
    happened_on = CharField(DAY)
    actor = CharField(80)
    note_digest = CharField(64)
    sale = CharField(CODE, column_name="sale_id")
    run = BigIntegerField(column_name="run_id")
    posted_at = CharField(20)

    class Meta:
        indexes = ((("item", "quantity"), False), (("sale",), False))


#: In this order no row is written before what it refers to.
MODELS: tuple[type[TableRow], ...] = tuple(TableRow.__subclasses__())

MODEL_OF_TABLE: dict[str, type[TableRow]] = {model._meta.table_name: model for model in MODELS}

TABLE_NAMES: tuple[str, ...] = tuple(MODEL_OF_TABLE)


def columns_of(model: type[Model]) -> tuple[str, ...]:
    """The columns of a table, in their order."""
    return tuple(field.column_name for field in model._meta.sorted_fields)


def key_columns_of(model: type[Model]) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    return tuple(field.column_name for field in model._meta.get_primary_keys())


#: Besides entries and runs, what only grows, in the order in which a run writes and hashes it.
SHOP_MODELS: tuple[type[TableRow], ...] = (SaleRow, SaleLineRow, RefundLineRow, StockMoveRow)

ENTRY_COLUMNS = columns_of(EntryRow)
STOCK_COLUMNS = columns_of(StockMoveRow)
RUN_COLUMNS = columns_of(RunRow)
