"""What a database engine must be able to do; outside ``engines`` nobody asks which one it is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from peewee import Database

from coinsync.errors import CoinsyncError

# --- the triggers that keep ledgers, sales and runs append-only ---

#: Every table whose rows are neither changed nor removed: what a refusal calls it, and whether a
#: new row would take the place of one that is there.
_GROWING = {
    "entry": (
        "ledger is",
        "n = NEW.n OR (op_key = NEW.op_key AND seq = NEW.seq) OR reverses = NEW.reverses",
    ),
    "run": ("runs are", "id = NEW.id OR uuid = NEW.uuid"),
    "stock_move": ("stock is", "n = NEW.n OR op_key = NEW.op_key"),
    "sale": ("sales are", "id = NEW.id"),
    "sale_line": ("sales are", "sale_id = NEW.sale_id AND line = NEW.line"),
    "refund_line": ("refunds are", "sale_id = NEW.sale_id AND line = NEW.line"),
}

GROWING = tuple(_GROWING)


def _append_only(refuse: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for table, (subject, _) in _GROWING.items():
        for verb in ("UPDATE", "DELETE"):
            refusal = refuse.format(f"{subject} append-only: {verb} refused")
            texts[f"{table}_no_{verb.lower()}"] = f"BEFORE {verb} ON {table} {refusal}"
    return texts


def _for_new_rows() -> dict[str, str]:
    texts: dict[str, str] = {}
    # REPLACE deletes without asking the trigger against DELETE, unless the connection has
    # recursive_triggers. So what is there already is refused before it can be replaced.
    for table, (subject, is_same) in _GROWING.items():
        condition = f"EXISTS (SELECT 1 FROM {table} WHERE {is_same})"
        refusal = _REFUSE_IN_SQLITE.format(f"{subject} append-only: duplicate")
        texts[f"{table}_no_replace"] = f"BEFORE INSERT ON {table} WHEN {condition} {refusal}"
    # SQLite stores a fraction in an integer column without an error. (MariaDB rounds it, also
    # without one; what comes from a plan is a whole number before.)
    for table, column, noun in (("entry", "coins", "coins"), ("stock_move", "quantity", "pieces")):
        condition = f"typeof(NEW.{column}) <> 'integer'"
        refusal = _REFUSE_IN_SQLITE.format(f"{noun} are whole numbers")
        texts[f"{table}_whole_{noun}"] = f"BEFORE INSERT ON {table} WHEN {condition} {refusal}"
    return texts


_REFUSE_IN_SQLITE = "BEGIN SELECT RAISE(ABORT, '{}'); END"
_REFUSE_IN_MYSQL = "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{}'"

SQLITE_GUARDS: Mapping[str, str] = _append_only(_REFUSE_IN_SQLITE) | _for_new_rows()
#: Here REPLACE fires the trigger against DELETE, ON DUPLICATE KEY UPDATE that against UPDATE.
MYSQL_GUARDS: Mapping[str, str] = _append_only(_REFUSE_IN_MYSQL)


# --- what an engine does ---

Values = Sequence[Any]

#: How often a plan is tried when something disturbs it. Where each try waits by itself, they share
#: the time that a writer was told to wait.
TRIES_MAX = 5


@contextmanager
def connected(database: Database) -> Iterator[None]:
    """A connection for a while; whoever opened it closes it."""
    # Not peewee's own context: it loses count where the connection is renewed inside it, and its
    # IndexError would hide that the server is gone.
    opened = database.connect(reuse_if_open=True)
    try:
        yield
    finally:
        if opened:
            database.close()


class Engine(ABC):
    """One kind of database: how it is reached, what must hold there, and what its errors mean.

    Methods that take a URL refuse a malformed one, and leave nothing open.
    """

    #: Errors of the driver, as it raises them itself and as peewee passes them on.
    errors: tuple[type[Exception], ...]
    #: The append-only triggers by name, each with its text after ``CREATE TRIGGER name``.
    guards: Mapping[str, str]

    @abstractmethod
    def must_exist(self, url: str) -> object:
        """Refuse a URL without a database; a mark that is equal while it is the same database."""

    @abstractmethod
    def prepare(self, url: str) -> bool:
        """Make an empty database where none is yet; tell whether it was made."""

    @abstractmethod
    def to_write(self, url: str, *, wait_seconds: float) -> Database:
        """A database for writing, not yet connected; it waits so long for other writers."""

    @abstractmethod
    def to_read(self, url: str, *, wait_seconds: float, shared: bool = False) -> Database:
        """A database for reading alone, not yet connected; ``shared``: by threads, in turn."""

    def beside(self, url: str) -> object:
        """A mark of what lies beside a database in use; a backup that is put there changes it."""
        return None

    @abstractmethod
    def place_of(self, database: Database) -> str:
        """What messages call a database, connected or not: never its password."""

    @abstractmethod
    def begin_reading(self, database: Database) -> None:
        """Begin a transaction that reads one moment and writes nothing."""

    @abstractmethod
    def may_try_again(self, error: BaseException, *, began: bool) -> bool:
        """Whether another try is worth it: not where we have waited in vain as long as told.

        ``began`` tells whether the transaction had begun when the error came.
        """

    def is_alive(self, database: Database) -> bool:
        """Whether the connection still leads somewhere."""
        return True

    @abstractmethod
    def look_again(self, database: Database) -> AbstractContextManager[None]:
        """A new connection that sees whatever was committed, also what was still on its way."""

    @abstractmethod
    def stream(self, database: Database, sql: str, values: Values) -> Iterator[tuple[Any, ...]]:
        """Rows of a statement one after another, without having all of them in memory."""

    def take_any_text(self, database: Database) -> None:
        """From now on mark what is damaged in a text, instead of refusing the text."""
        return

    @abstractmethod
    def translate(self, error: BaseException, place: str) -> CoinsyncError:
        """Say in our words what the driver meant."""

    @abstractmethod
    def ready_to_migrate(self, database: Database) -> None:
        """Set what lasts and what the tables to come depend on."""

    def unsafe_settings(self, database: Database) -> list[str]:
        """What a writer relies on and is not so; what can be put right is put right."""
        return []

    def weak_settings(self, database: Database) -> list[str]:
        """What is less safe than it should be, though a writer may go on."""
        return []

    def unsafe_tables(self, database: Database) -> list[str]:
        """Which of our tables a writer cannot rely on, and why."""
        return []

    @abstractmethod
    def triggers(self, database: Database) -> Mapping[str, str]:
        """All triggers by name, each with its text after ``CREATE TRIGGER name``."""

    def put_guard(self, database: Database, name: str, body: str) -> bool:
        """Make a trigger, whatever has its name now; False where the server forbids triggers."""
        database.execute_sql(f"DROP TRIGGER IF EXISTS {name}")
        database.execute_sql(f"CREATE TRIGGER {name} {body}")
        return True

    def guards_lost(self, database: Database) -> tuple[str, ...]:
        """Guards that are missing or changed, though this account may do what they refuse."""
        texts = self.triggers(database)
        return tuple(sorted(name for name, body in self.guards.items() if texts.get(name) != body))

    def guards_hidden(self, database: Database) -> tuple[str, ...]:
        """Guards that this account cannot see; it may not do what they refuse either."""
        return ()

    @abstractmethod
    def damage(self, database: Database, *, quick: bool = False) -> list[str]:
        """What the engine finds wrong with its own files; ``quick`` leaves out what takes long."""

    @abstractmethod
    def orphans(self, database: Database) -> list[tuple[str, object, str]]:
        """Rows that refer to missing ones: table, row, the table referred to."""

    @abstractmethod
    def rights(self, database: Database) -> tuple[str, ...]:
        """What whoever opened it may do and should not need to."""

    @abstractmethod
    def unwritable(self, database: Database) -> str:
        """Why whoever opened it for reading could not write there; "" when that is allowed."""

    @abstractmethod
    def size(self, database: Database) -> int:
        """Bytes that the database takes on disk."""
