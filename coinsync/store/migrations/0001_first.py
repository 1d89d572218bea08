"""The first schema: facts, runs, and the numbered, chained, append-only ledger."""

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


class Head(Model):
    id = IntegerField(primary_key=True)
    n = BigIntegerField()
    runs = BigIntegerField()
    account = CharField(max_length=80)

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
        indexes = ((("branch", "purpose", "id"), False),)


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

    class Meta:
        table_name = "link"
        primary_key = CompositeKey("vk", "resident")


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


TABLES = [
    Head,
    Run,
    Branch,
    LessonType,
    StudyGroup,
    Resident,
    Membership,
    Link,
    Lesson,
    Attendance,
    Hold,
    Entry,
    Note,
]


def up(migrator: object, db: Database) -> None:
    with db.bind_ctx(TABLES, bind_refs=False, bind_backrefs=False):
        db.create_tables(TABLES)
    database.restore_guards(db)
    if not db.execute_sql("SELECT COUNT(*) FROM head").fetchone()[0]:
        db.execute_sql("INSERT INTO head (id, n, runs, account) VALUES (1, 0, 0, '')")
