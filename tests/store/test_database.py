"""Opening the database: what is asserted, what is refused, and how the driver's errors are told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import peewee
import pytest

from coinsync.core.plan import Post, Put
from coinsync.errors import CoinsyncError, DatabaseUnavailable, DatabaseUnusable
from coinsync.store import database as opening
from coinsync.store import writer
from coinsync.store.engines import base
from coinsync.store.reader import Reader
from tests.support.makers import (
    ADA,
    a_credit,
    a_plan,
    a_resident,
    dump,
    environment,
    new_database,
    newcomers,
    order,
    present,
    put_in,
    reading,
    writing,
)

# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///coins.db", "coins.db"),
        ("sqlite:///data/coins.db", "data/coins.db"),
        ("sqlite:////srv/coins.db", "/srv/coins.db"),
        ("sqlite:////srv/Школа монет/coins 100%.db", "/srv/Школа монет/coins 100%.db"),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    """Three strokes before a relative path, four before an absolute one; nothing is decoded."""
    assert opening.path_of(url) == Path(path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "coins.db",
        "sqlite://",
        "sqlite:///",
        "sqlite://host/coins.db",
        "file:coins.db",
        "sqlite:///a?b",
        "sqlite:///a#b",
    ],
)
def test_another_url_is_refused(url: str) -> None:
    """What is no address of a file is named, with the form that is expected."""
    with pytest.raises(DatabaseUnusable, match="expected sqlite:///PATH") as caught:
        opening.path_of(url)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "name",
    ["coins.db", "my coins.db", "монеты школы.db", "100%.db", "a%20b.db", "q&a=b.db", "ё\u0308.db"],
)
def test_any_file_name_is_opened_as_it_is_written(name: str, tmp_path: Path) -> None:
    """Spaces, Cyrillic and signs that mean something in addresses mean nothing here."""
    folder = tmp_path / "Школа монет"
    url = f"sqlite:///{folder}/{name}"
    opening.create(url)
    put_in(url, newcomers())
    with reading(url) as reader:
        assert reader.resident(ADA) == a_resident()
    assert name in {path.name for path in folder.iterdir()}
    with writing(url) as database:
        assert opening.file_of(database) == folder / name
    assert opening.file_of(opening.open_readable(url)) == folder / name


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("foreign_keys", 1),
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("recursive_triggers", 1),
        ("busy_timeout", 30_000),
    ],
)
def test_a_writing_connection_has_the_settings_that_the_ledger_relies_on(
    name: str, value: object, tmp_path: Path
) -> None:
    """References are kept, commits reach the disk, guards see REPLACE, others are waited for."""
    with writing(new_database(tmp_path)) as database:
        assert database.execute_sql(f"PRAGMA {name}").fetchone() == (value,)


def test_a_copy_in_another_journal_mode_is_brought_back(tmp_path: Path) -> None:
    """A backup that was put in the place of the database writes as the database did."""
    url = new_database(tmp_path)
    with closing(sqlite3.connect(opening.path_of(url))) as connection:
        connection.execute("PRAGMA journal_mode = delete")
    with writing(url) as database:
        assert database.execute_sql("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_journal_mode_that_cannot_be_mended_is_refused(tmp_path: Path) -> None:
    """In another mode a reader could stop the writer: beside one nothing is written."""
    url = new_database(tmp_path)
    with closing(sqlite3.connect(opening.path_of(url))) as reader:
        reader.execute("PRAGMA journal_mode = delete")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM head").fetchall()
        with pytest.raises(CoinsyncError, match=r"unsafe settings: journal_mode|is busy") as caught:
            opening.open_writable(url, wait_seconds=0.05)
    assert caught.value.exit_code in (2, 75)


@pytest.mark.parametrize("guard", sorted(base.SQLITE_GUARDS))
def test_a_database_without_one_of_its_guards_is_refused(guard: str, tmp_path: Path) -> None:
    """Nothing is written to a ledger that somebody could change."""
    url = new_database(tmp_path)
    with closing(sqlite3.connect(opening.path_of(url))) as connection:
        connection.execute(f"DROP TRIGGER {guard}")
    with pytest.raises(DatabaseUnusable, match=f"append-only guard missing: {guard}") as caught:
        opening.open_writable(url)
    assert caught.value.exit_code == 2
    with reading(url) as reader:
        assert reader.head().n == 0


# --- what is refused ------------------------------------------------------------------------------

WayIn = Callable[[str], object]


def _read(url: str) -> None:
    with reading(url) as reader:
        reader.head()


@pytest.mark.parametrize("way_in", [opening.open_writable, opening.migrate, _read])
def test_a_missing_file_is_not_made(way_in: WayIn, tmp_path: Path) -> None:
    """A slip in the address does not create an empty database; only ``create`` makes one."""
    with pytest.raises(DatabaseUnusable, match=r"typo\.db does not exist") as caught:
        way_in(f"sqlite:///{tmp_path}/typo.db")
    assert caught.value.exit_code == 2
    assert "coinsync init" in caught.value.advice
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way_in", [opening.open_writable, opening.migrate, _read])
def test_a_directory_is_no_database(way_in: WayIn, tmp_path: Path) -> None:
    """A directory in the place of the file is called one."""
    with pytest.raises(DatabaseUnusable, match="is a folder"):
        way_in(f"sqlite:///{tmp_path}")


def test_a_directory_cannot_become_a_database(tmp_path: Path) -> None:
    """Creating in the place of a directory fails with an error of ours."""
    with pytest.raises(DatabaseUnusable, match="is a folder") as caught:
        opening.create(f"sqlite:///{tmp_path}")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("way_in", [opening.open_writable, opening.migrate, opening.create, _read])
def test_another_file_is_not_taken_for_a_database(way_in: WayIn, tmp_path: Path) -> None:
    """What is no database is left as it is."""
    path = tmp_path / "coins.db"
    path.write_text("branch;lesson;resident\n" * 100)
    with pytest.raises(CoinsyncError, match="is damaged") as caught:
        way_in(f"sqlite:///{path}")
    assert caught.value.exit_code == 1
    assert "restore it from a backup" in caught.value.advice
    assert path.read_text().startswith("branch;lesson")


def test_a_refused_opening_leaves_no_connection_behind(tmp_path: Path) -> None:
    """After a refusal the file can be moved away and used."""
    url = new_database(tmp_path)
    path = opening.path_of(url)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER entry_no_update")
    for _ in range(3):
        with pytest.raises(DatabaseUnusable):
            opening.open_writable(url)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["coins.db"]


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO branch (id, name) VALUES (1, 'Kazan')",
        "UPDATE head SET n = 9",
        "DELETE FROM head",
        "CREATE TABLE more (id INTEGER)",
        "PRAGMA user_version = 7",
    ],
)
def test_a_reading_connection_cannot_write(sql: str, tmp_path: Path) -> None:
    """Whatever is tried through it, the database stays as it is and the error is ours."""
    url = new_database(tmp_path)
    before = dump(url)
    opened = opening.open_readable(url)
    with pytest.raises(DatabaseUnusable, match="read-only") as caught, opening.reading(opened):
        opened.execute_sql(sql)
    assert caught.value.exit_code == 2
    assert dump(url) == before


def test_a_reading_connection_cannot_write_though_the_pragma_is_lifted(tmp_path: Path) -> None:
    """The file itself is opened for reading; the setting is the second lock."""
    opened = opening.open_readable(new_database(tmp_path))
    with opened.connection_context():
        opened.execute_sql("PRAGMA query_only = 0")
        with pytest.raises(peewee.OperationalError, match="readonly"):
            opened.execute_sql("UPDATE head SET n = 9")


def test_the_plan_cannot_be_applied_through_a_reading_connection(tmp_path: Path) -> None:
    """The one writing function fails on it as on a file without the right to write."""
    url = new_database(tmp_path)
    opened = opening.open_readable(url)
    with (
        opened.connection_context(),
        pytest.raises(DatabaseUnusable, match=r"coins\.db is read-only"),
    ):
        writer.apply(opened, newcomers(), order(), environment())


def test_a_visit_sees_one_moment(tmp_path: Path) -> None:
    """What is written while a reader looks is seen by its next visit, not by this one."""
    url = new_database(tmp_path)
    with reading(url) as reader:
        assert reader.head().runs == 0
        put_in(url, newcomers())
        assert reader.head().runs == 0
        assert reader.resident_ids() == frozenset()
    with reading(url) as reader:
        assert reader.head().runs == 1


def test_a_visit_ends_its_connection_also_when_it_fails(tmp_path: Path) -> None:
    """An error of the visitor's own passes unchanged and nothing stays open."""
    opened = opening.open_readable(new_database(tmp_path))
    with pytest.raises(ZeroDivisionError), opening.reading(opened):
        raise ZeroDivisionError
    assert opened.is_closed()
    with opening.reading(opened):
        assert Reader(opened).head().n == 0


# --- busy -----------------------------------------------------------------------------------------


def test_a_writer_waits_as_long_as_it_was_told_and_gives_up(tmp_path: Path) -> None:
    """While another writer holds it, the answer is to try later, after the configured wait."""
    url = new_database(tmp_path)
    with writing(url) as holder:
        holder.begin()
        waiting = opening.open_writable(url, wait_seconds=0.3)
        began = monotonic()
        try:
            with pytest.raises(
                DatabaseUnavailable, match=r"coins\.db is busy; nothing written"
            ) as caught:
                writer.apply(waiting, newcomers(), order(), environment())
        finally:
            waiting.close()
            holder.rollback()
    assert caught.value.exit_code == 75
    assert 0.25 < monotonic() - began < 3
    with reading(url) as reader:
        assert reader.head().runs == 0


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    """Reading goes on while somebody writes, and sees what was before."""
    url = new_database(tmp_path)
    with writing(url) as database, database.atomic():
        database.execute_sql("UPDATE head SET n = 5")
        began = monotonic()
        with reading(url) as reader:
            assert reader.head().n == 0
        database.rollback()
        database.begin()
    assert monotonic() - began < 1


# --- errors ---------------------------------------------------------------------------------------


def sqlite_error(number: int, text: str) -> sqlite3.OperationalError:
    """An error of SQLite with its number."""
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = number
    return error


@pytest.mark.parametrize(
    ("number", "kind", "code", "said"),
    [
        (sqlite3.SQLITE_BUSY, DatabaseUnavailable, 75, "is busy; nothing written"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, DatabaseUnavailable, 75, "is busy; nothing written"),
        (sqlite3.SQLITE_LOCKED, DatabaseUnavailable, 75, "is busy"),
        (sqlite3.SQLITE_PROTOCOL, DatabaseUnavailable, 75, "is busy"),
        (sqlite3.SQLITE_FULL, DatabaseUnavailable, 75, "disk full; nothing written"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, DatabaseUnavailable, 75, "disk full; nothing written"),
        (sqlite3.SQLITE_READONLY, DatabaseUnusable, 2, "read-only for this user; nothing written"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, DatabaseUnusable, 2, "read-only for this user"),
        (sqlite3.SQLITE_CANTOPEN, DatabaseUnusable, 2, "does not exist"),
        (sqlite3.SQLITE_NOTADB, CoinsyncError, 1, "is damaged"),
        (sqlite3.SQLITE_CORRUPT, CoinsyncError, 1, "is damaged"),
        (sqlite3.SQLITE_IOERR_WRITE, DatabaseUnavailable, 75, "disk error; nothing written"),
        (sqlite3.SQLITE_ERROR, CoinsyncError, 1, "the shelf is full; nothing written"),
    ],
)
@pytest.mark.parametrize("library", [None, peewee.OperationalError, peewee.DatabaseError])
def test_an_error_of_the_driver_is_told_in_our_words(
    library: type[Exception] | None, number: int, kind: type[CoinsyncError], code: int, said: str
) -> None:
    """By its number, whatever its text: the file, the exit code of its kind, and its cause."""
    driver = sqlite_error(number, "the shelf is full")
    error: Exception = driver
    if library is not None:
        error = library("the shelf is full")
        error.__cause__ = driver
    with (
        pytest.raises(CoinsyncError) as caught,
        opening.speaking(opening.open_readable("sqlite:////srv/coins.db")),
    ):
        raise error
    assert type(caught.value) is kind
    assert caught.value.exit_code == code
    assert "/srv/coins.db" in caught.value.message
    assert said in caught.value.message
    assert isinstance(caught.value.__cause__, library or sqlite3.OperationalError)


def test_a_file_that_is_there_may_be_opened_later(tmp_path: Path) -> None:
    """Too many open files, or a folder that is locked for a while."""
    url = new_database(tmp_path)
    error = sqlite_error(sqlite3.SQLITE_CANTOPEN, "unable to open database file")
    found = opening.translate(error, opening.open_readable(url))
    assert isinstance(found, DatabaseUnavailable)
    assert found.message == f"database: cannot open {opening.path_of(url)}; nothing written"


def test_an_error_without_a_number_keeps_its_words() -> None:
    """Python's own module has errors that SQLite knows nothing of."""
    error = sqlite3.ProgrammingError("the file is locked and full")
    found = opening.translate(error, opening.open_readable("sqlite:///coins.db"))
    assert type(found) is CoinsyncError
    assert found.message == "database: coins.db: the file is locked and full; nothing written"


def test_a_hidden_cause_is_found() -> None:
    """The library covers the driver's error with one of its own when it cannot roll back."""
    error = peewee.OperationalError("cannot rollback - no transaction is active")
    error.__context__ = sqlite_error(sqlite3.SQLITE_ERROR, "cannot rollback")
    error.__context__.__context__ = sqlite_error(sqlite3.SQLITE_FULL, "database or disk is full")
    found = opening.translate(error, opening.open_readable("sqlite:///coins.db"))
    assert isinstance(found, DatabaseUnavailable)
    assert "disk full" in found.message


def test_causes_in_a_circle_come_to_an_end() -> None:
    """An error that is its own cause is still told."""
    one, other = peewee.OperationalError("one"), peewee.OperationalError("other")
    one.__context__, other.__context__ = other, one
    assert "other" in opening.translate(one, opening.open_readable("sqlite:///coins.db")).message


def test_errors_of_ours_pass_unchanged() -> None:
    """What was told already is not told again."""
    ours = DatabaseUnavailable("busy")
    with (
        pytest.raises(DatabaseUnavailable) as caught,
        opening.speaking(opening.open_readable("sqlite:///coins.db")),
    ):
        raise ours
    assert caught.value is ours


def test_a_broken_reference_is_refused(tmp_path: Path) -> None:
    """Attendance of an unknown lesson cannot be recorded, and the error is ours."""
    url = new_database(tmp_path)
    with pytest.raises(CoinsyncError, match="FOREIGN KEY constraint failed; nothing written"):
        put_in(url, a_plan(Put(present())))


def test_a_database_with_a_guard_that_was_changed_is_refused(tmp_path: Path) -> None:
    """A trigger of the right name that lets everything pass guards nothing."""
    url = f"sqlite:///{tmp_path / 'c.db'}"
    opening.create(url)
    with sqlite3.connect(tmp_path / "c.db") as connection:
        connection.execute("DROP TRIGGER entry_no_update")
        connection.execute(
            "CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry BEGIN SELECT 1; END"
        )
    connection.close()
    with pytest.raises(DatabaseUnusable, match="append-only guard missing: entry_no_update"):
        opening.open_writable(url)


# --- migrating ------------------------------------------------------------------------------------


def changed(url: str, *statements: str) -> None:
    """Somebody with another program changes the file."""
    with closing(sqlite3.connect(opening.path_of(url))) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_migrating_puts_lost_guards_back_and_names_them(tmp_path: Path) -> None:
    """Those that are missing and those that guard nothing; the content stays."""
    url = new_database(tmp_path)
    put_in(url, newcomers(), a_plan(Post(a_credit("1"))))
    before = dump(url)
    changed(
        url,
        "DROP TRIGGER entry_no_delete",
        "DROP TRIGGER run_no_update",
        "CREATE TRIGGER run_no_update BEFORE UPDATE ON run BEGIN SELECT 1; END",
    )
    assert opening.migrate(url) == ("guard entry_no_delete", "guard run_no_update")
    assert sorted(dump(url).splitlines()) == sorted(before.splitlines())
    with writing(url) as database:
        assert opening.engine_of(database).guards_lost(database) == ()
        for sql in ("DELETE FROM entry", "UPDATE run SET coins = 1"):
            with pytest.raises(peewee.IntegrityError, match="append-only"):
                database.execute_sql(sql)
    assert opening.migrate(url) == ()


def test_every_guard_is_put_back_at_once(tmp_path: Path) -> None:
    """A database that was restored without any of them."""
    url = new_database(tmp_path)
    changed(url, *(f"DROP TRIGGER {name}" for name in base.SQLITE_GUARDS))
    assert opening.migrate(url) == tuple(f"guard {name}" for name in sorted(base.SQLITE_GUARDS))
    put_in(url, newcomers())


# --- a connection that stays open -----------------------------------------------------------------


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[opening.PooledConnection]:
    """A pooled connection to a database in which Ada and Gleb are known."""
    url = new_database(tmp_path)
    put_in(url, newcomers())
    made = opening.PooledConnection(url, wait_seconds=1)
    yield made
    made.close()


def test_a_pooled_connection_stays_open(pooled: opening.PooledConnection) -> None:
    """Use after use it is the same, and it can write."""
    with pooled.use() as first:
        writer.apply(first, a_plan(Post(a_credit("1"))), order(), environment(name="one"))
    with pooled.use() as second:
        assert second is first
        assert Reader(second).balance(ADA) == 100
    pooled.close()
    assert first.is_closed()
    with pooled.use() as third:
        assert not third.is_closed()


def test_a_pooled_connection_is_opened_anew_after_an_error(
    pooled: opening.PooledConnection,
) -> None:
    """Whatever it was; the driver's errors become ours."""
    with pytest.raises(CoinsyncError, match="no such table"), pooled.use() as first:
        first.execute_sql("SELECT * FROM nobody")
    assert first.is_closed()
    with pooled.use() as second:
        assert Reader(second).balance(ADA) == 0
    with pytest.raises(ZeroDivisionError), pooled.use():
        raise ZeroDivisionError
    assert second.is_closed()


def test_a_pooled_connection_follows_a_restored_backup(
    pooled: opening.PooledConnection, tmp_path: Path
) -> None:
    """What is written goes into the file that is there now, not into the one moved away."""
    restored = new_database(tmp_path, "restored.db")
    put_in(restored, newcomers(), a_plan(Post(a_credit("1", coins=7))))
    with pooled.use() as before:
        assert Reader(before).balance(ADA) == 0
    for path in tmp_path.glob("coins.db*"):
        path.rename(tmp_path / f"old-{path.name}")
    (tmp_path / "restored.db").rename(tmp_path / "coins.db")
    with pooled.use() as after:
        assert Reader(after).balance(ADA) == 7


def test_a_pooled_connection_needs_a_database(tmp_path: Path) -> None:
    """Nothing is created."""
    connection = opening.PooledConnection(f"sqlite:///{tmp_path / 'none.db'}", wait_seconds=1)
    with pytest.raises(DatabaseUnusable, match="does not exist"), connection.use():
        pass
    assert not (tmp_path / "none.db").exists()


def test_a_connection_that_is_renewed_hides_no_error(tmp_path: Path) -> None:
    """What goes wrong after it was closed for another try is told as it is; nothing stays open."""
    database = opening.open_readable(new_database(tmp_path))

    def lost() -> None:
        with opening.connected(database):
            database.close()
            raise ValueError("gone")

    with pytest.raises(ValueError, match="gone"):
        lost()
    assert database.is_closed()
    with opening.connected(database), opening.connected(database):
        pass
    assert database.is_closed()
