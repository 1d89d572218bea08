"""MariaDB as the database of the ledger.

Its address, who may do what, what is asserted, and what its errors mean.
"""

from __future__ import annotations

import socket
import struct
import subprocess
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import peewee
import pymysql
import pytest

from coinsync.core.plan import Post, Purpose
from coinsync.errors import (
    CoinsyncError,
    DatabaseUnavailable,
    DatabaseUnusable,
    OutcomeUnknown,
    UsageError,
)
from coinsync.store import database as opening
from coinsync.store import schema, writer
from coinsync.store.engines import base
from coinsync.store.engines.mysql_address import ServerAddress, address_of
from coinsync.store.engines.mysql_errors import translate
from coinsync.store.operations import grants
from coinsync.store.operations.backup import back_up
from coinsync.store.reader import Reader
from tests.support import engines
from tests.support.engines import Schools
from tests.support.makers import (
    ADA,
    a_credit,
    a_plan,
    environment,
    new_database,
    newcomers,
    order,
    put_in,
    reading,
    writing,
)
from tests.support.mariadb import HOST, Server, program
from tests.support.webview_client import Window, launch

ENGINES = ("mariadb",)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database in which Ada and Gleb are known, for the account that writes."""
    url = new_database(tmp_path)
    put_in(url, newcomers(), a_plan(Post(a_credit("1", note="won"))))
    return url


# --- addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mysql://u@db/coins", ServerAddress((("db", 3306),), "coins", "u", "", tls=True)),
        (
            "mariadb://u:p@127.0.0.1:33/coins",
            ServerAddress((("127.0.0.1", 33),), "coins", "u", "p"),
        ),
        ("mysql://u:p@db/coins?tls=off", ServerAddress((("db", 3306),), "coins", "u", "p")),
        (
            "mysql://u:p@localhost/coins?tls=on",
            ServerAddress((("localhost", 3306),), "coins", "u", "p", tls=True),
        ),
        (
            "mysql://u:%2F%3F%40@localhost/m%20y",
            ServerAddress((("localhost", 3306),), "m y", "u", "/?@"),
        ),
        (
            "mysql://u@[::1]:1,localhost/c",
            ServerAddress((("::1", 1), ("localhost", 3306)), "c", "u", ""),
        ),
        (
            "mysql://u@a,b:2/c?ca=/ca.pem",
            ServerAddress((("a", 3306), ("b", 2)), "c", "u", "", True, "/ca.pem"),
        ),
    ],
)
def test_an_address_names_hosts_account_and_database(url: str, address: ServerAddress) -> None:
    """To other machines TLS is the rule, and the exception is said.

    Signs with a meaning are written as %XX.
    """
    assert address_of(url) == address


@pytest.mark.parametrize(
    "url",
    [
        *(
            "mysql://",
            "mysql://db/coins",
            "mysql://u:secret@db",
            "mysql://u:secret@db/",
            "mysql://u:secret@db/a/b",
        ),
        *(
            "mysql://u:secret@db:x/c",
            "mysql://u:secret@db/c?tls=maybe",
            "mysql://u:secret@db/c?what=1",
        ),
        *(
            "mysql://u:secret@db/c?tls=off&ca=/ca",
            "mysql://u:secret@db/c?socket=/s",
            "mysql://u:secret@a,,b/c",
        ),
    ],
)
def test_another_address_is_refused_without_its_password(url: str) -> None:
    """With what is expected."""
    with pytest.raises(DatabaseUnusable, match=r"expected|is no host") as caught:
        address_of(url)
    assert "secret" not in caught.value.message


def test_no_password_is_shown(url: str) -> None:
    """Neither by an address nor by a database, nor by an error of it."""
    assert "pass" not in str(address_of("mysql://u:pass@db/c")) + repr(
        address_of("mysql://u:pass@db/c")
    )
    wrong = url.replace(":of-the", ":not-the")
    with (
        pytest.raises(DatabaseUnusable, match="access denied for this account") as caught,
        reading(wrong),
    ):
        pass
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "not-the" not in str(seen) + repr(seen)
        seen = seen.__cause__ or seen.__context__


# --- several hosts --------------------------------------------------------------------------------


def first_host(url: str, host: str) -> str:
    """The address with another host before its own."""
    return url.replace(f"@{HOST}", f"@{host},{HOST}")


def test_the_first_host_that_answers_is_used(url: str) -> None:
    """One that refuses is passed over at once."""
    with closing(socket.socket()) as nobody:
        nobody.bind((HOST, 0))
        put_in(first_host(url, f"{HOST}:{nobody.getsockname()[1]}"), a_plan(Post(a_credit("2"))))
    with reading(url) as reader:
        assert reader.balance(ADA) == 200


def test_a_host_that_stands_still_is_passed_over(url: str) -> None:
    """A host that accepts and never speaks is waited for no longer than one out of reach."""
    with closing(socket.socket()) as silent:
        silent.bind((HOST, 0))
        silent.listen()
        began = monotonic()
        opened = opening.open_readable(
            first_host(url, f"{HOST}:{silent.getsockname()[1]}"), wait_seconds=0.4
        )
        with opening.reading(opened):
            assert Reader(opened).balance(ADA) == 100
        assert 0.3 < monotonic() - began < 5


def test_a_host_that_takes_no_writes_is_passed_over_by_writers(schools: Schools, url: str) -> None:
    """When there is no other, the answer is to try later; readers do not mind."""
    schools.server.read_only(True)
    try:
        with pytest.raises(DatabaseUnavailable, match="the server takes no writes") as caught:
            opening.open_writable(url)
        assert caught.value.exit_code == 75
        with reading(url) as reader:
            assert reader.balance(ADA) == 100
    finally:
        schools.server.read_only(False)


def drips(listener: socket.socket) -> None:
    """Greet one client, a byte now and then."""
    client, _ = listener.accept()
    with client, suppress(OSError):
        client.sendall(struct.pack("<I", 500))
        for _ in range(200):
            client.sendall(b"x")
            sleep(0.02)


def test_a_host_that_greets_byte_by_byte_is_passed_over(url: str) -> None:
    """Each byte comes in time, and the greeting would not end."""
    with closing(socket.socket()) as listener:
        listener.bind((HOST, 0))
        listener.listen()
        thread = Thread(target=drips, args=[listener])
        thread.start()
        began = monotonic()
        opened = opening.open_readable(
            first_host(url, f"{HOST}:{listener.getsockname()[1]}"), wait_seconds=0.4
        )
        with opening.reading(opened):
            assert Reader(opened).balance(ADA) == 100
        assert 0.7 < monotonic() - began < 3
        thread.join()


def asks_for_a_sealed_password(listener: socket.socket) -> None:
    """Greet one client as MySQL 8 does, and want its password as only TLS may carry it."""
    client, _ = listener.accept()
    features = struct.pack("<H", 0xF7DF), struct.pack("<H", 0xFFFF)
    greeting = (
        b"\n8.0.36\0" + struct.pack("<I", 7) + b"saltsalt\0" + features[0] + b"\xff\2\0"
        + features[1] + b"\x15" + bytes(10) + b"saltsaltsalt\0caching_sha2_password\0"
    )  # fmt: skip
    with client, suppress(OSError):
        client.sendall(struct.pack("<I", len(greeting)) + greeting)
        client.recv(1000)
        client.sendall(b"\2\0\0\2\1\4")
        client.recv(1000)
        key = b"\1no key"
        client.sendall(struct.pack("<I", len(key))[:3] + b"\4" + key)
        client.recv(1000)


def test_an_account_that_wants_tls_is_told(url: str) -> None:
    """What MySQL 8 makes of every new account; the driver alone would end in a traceback."""
    with closing(socket.socket()) as listener:
        listener.bind((HOST, 0))
        listener.listen()
        thread = Thread(target=asks_for_a_sealed_password, args=[listener])
        thread.start()
        address = f"mysql://w:pw@{HOST}:{listener.getsockname()[1]}/school"
        with pytest.raises(DatabaseUnusable, match="the account wants TLS") as caught:
            opening.open_writable(address)
        thread.join()
    assert "tls=on" in caught.value.advice


def test_nobody_answers(url: str) -> None:
    """Try later; host and database are named."""
    with closing(socket.socket()) as nobody:
        nobody.bind((HOST, 0))
        port = nobody.getsockname()[1]
        with pytest.raises(
            DatabaseUnavailable, match=f"cannot reach {HOST}:{port}/coins; nothing written"
        ):
            opening.open_writable(f"mysql://u:p@{HOST}:{port}/coins", wait_seconds=1)


def test_a_database_that_is_not_there(schools: Schools) -> None:
    """It is not made by a slip in the address."""
    with pytest.raises(DatabaseUnusable, match="school_none does not exist") as caught:
        opening.open_writable(schools.server.url("school_none"))
    assert "coinsync init" in caught.value.advice


# --- what is asserted -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER TABLE note ENGINE = Aria", "table note is Aria, not InnoDB"),
        (
            "ALTER TABLE note CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
            "table note compares texts by utf8mb4_general_ci",
        ),
    ],
)
def test_tables_that_cannot_be_relied_on_are_refused(url: str, statement: str, said: str) -> None:
    """Nothing is written where a transaction would be half kept, or two keys taken for one."""
    with engines.tampering(url) as connection:
        connection.execute(statement)
    with pytest.raises(DatabaseUnusable, match=f"unsafe settings: {said}"):
        opening.open_writable(url)
    with reading(url) as reader:
        assert any("note" in fault for fault in reader.schema_faults())


def test_a_session_is_strict_whatever_the_server_is(schools: Schools, url: str) -> None:
    """A server that cuts, rounds and guesses is told not to."""
    lax = ("sql_mode = ''", "character_set_server = latin1", "tx_isolation = 'READ-UNCOMMITTED'")
    schools.server.execute(*(f"SET GLOBAL {one}" for one in lax))
    try:
        with writing(url) as database:
            modes, isolation = database.execute_sql("SELECT @@sql_mode, @@tx_isolation").fetchone()
        assert "STRICT_ALL_TABLES" in modes
        assert isolation == "REPEATABLE-READ"
        put_in(url, a_plan(Post(a_credit("2", note="😀")), purpose=Purpose.DESK))
    finally:
        schools.server.execute("SET GLOBAL sql_mode = DEFAULT", "SET GLOBAL tx_isolation = DEFAULT")
        schools.server.execute("SET GLOBAL character_set_server = DEFAULT")


def test_the_schema_is_the_one_of_the_models(url: str) -> None:
    """For whoever may see all of it, and for whoever may not."""
    for whose in (url, engines.as_owner(url)):
        opened = opening.open_readable(whose)
        with opened.connection_context():
            assert schema.faults(opened) == []


def test_a_migration_that_died_goes_on(schools: Schools) -> None:
    """Each statement commits by itself here.

    Whatever the last one was, the next attempt ends with the whole.
    """
    name = schools.server.new_database()
    url = schools.server.url(name)
    whole = new_whole(url)
    tables = [f"DROP TABLE IF EXISTS {table}" for table in reversed(engines.TABLES)]
    half = (
        "DROP TABLE stock_move",
        "DROP INDEX salerow_event ON sale",
        "DROP TRIGGER sale_no_update",
        f"DELETE FROM {opening.HISTORY} WHERE name = '0001_first'",
    )
    for broken in (
        half,
        [f"DELETE FROM {opening.HISTORY}"],
        ["SET foreign_key_checks = 0", *tables],
    ):
        schools.server.execute(*broken, database=name)
        if len(broken) > len(half):
            schools.server.execute(f"DROP TABLE {opening.HISTORY}", database=name)
        opening.migrate(url)
        assert described(url) == whole
    schools.server.drop(name)


def new_whole(url: str) -> dict[str, str]:
    """What a database looks like that was made at once."""
    opening.create(url)
    return described(url)


def described(url: str) -> dict[str, str]:
    """What the server says of a database, guards included."""
    with writing(url) as database:
        engine = opening.engine_of(database)
        assert engine.guards_lost(database) == ()
        tables = {}
        for table in database.get_tables():
            _, text = database.execute_sql(f"SHOW CREATE TABLE {table}").fetchone()
            # Indexes stand in the order in which they were made, and the last line counts rows.
            lines = (line.strip(" ,") for line in text.splitlines()[1:-1])
            tables[table] = "\n".join(sorted(lines))
        assert engine.unsafe_tables(database) == []
        return {**tables, **engine.triggers(database)}


# --- who may do what ------------------------------------------------------------------------------


def test_every_table_has_its_rights() -> None:
    """None is forgotten, and what only grows is added to and nothing else."""
    assert {*grants.CHANGING, *base.GROWING} == set(engines.TABLES)
    assert set(grants.SHOWN) < set(engines.TABLES)
    told = "\n".join(grants.statements("coins", "localhost"))
    for table in base.GROWING:
        assert (
            f"GRANT SELECT, INSERT ON `coins`.`{table}` TO 'coinsync_writer'@'localhost';" in told
        )
    web = [line for line in told.splitlines() if "coinsync_web" in line]
    assert all(
        line.startswith(("GRANT SELECT ON", "GRANT SELECT (`n`, `text`) ON")) for line in web
    )
    assert not any("`decision`" in line or "`hold`" in line for line in web)


@pytest.mark.parametrize("name", ["", "a'b", "a`b", "a\\", "a@b"])
def test_names_that_mean_more_than_a_name_are_refused(name: str) -> None:
    """What is printed is pasted into an administrator's terminal."""
    with pytest.raises(UsageError, match="is no name"):
        grants.statements("coins", name)


@pytest.mark.parametrize("table", base.GROWING)
@pytest.mark.parametrize(
    "verb", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE TABLE {}", "DROP TABLE {}"]
)
def test_the_writer_cannot_change_what_only_grows(url: str, table: str, verb: str) -> None:
    """By its rights alone, before any trigger."""
    column = (
        "n" if table in ("entry", "stock_move") else "id" if table in ("run", "sale") else "line"
    )
    with writing(url) as database, pytest.raises(peewee.PeeweeException, match="command denied"):
        database.execute_sql(verb.format(table, column, column))


@pytest.mark.parametrize(
    "sql", ["DROP TRIGGER entry_no_update", "ALTER TABLE entry ADD x INT", "CREATE TABLE x (y INT)"]
)
def test_the_writer_cannot_change_the_tables(url: str, sql: str) -> None:
    """Migrating is another account's."""
    with writing(url) as database, pytest.raises(peewee.PeeweeException, match="command denied"):
        database.execute_sql(sql)


@pytest.mark.parametrize("table", engines.TABLES)
def test_the_web_account_reads_what_is_shown(url: str, table: str) -> None:
    """Nothing else, and writes nothing, even without our transaction around it."""
    address = address_of(engines.as_web(url))
    with (
        closing(
            pymysql.connect(
                host=HOST,
                port=address.hosts[0][1],
                user=address.user,
                password=address.password,
                database=address.name,
            )
        ) as plain,
        plain.cursor() as cursor,
    ):
        for sql in (f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM {table}"):
            with pytest.raises(pymysql.MySQLError, match="denied"):
                cursor.execute(sql)
        if table in grants.SHOWN:
            cursor.execute(f"SELECT * FROM {table}")
        else:
            with pytest.raises(pymysql.MySQLError, match="denied"):
                cursor.execute(f"SELECT * FROM {table}")


def test_a_plan_by_an_account_without_rights(url: str) -> None:
    """What may not be done is said, with the command that tells what is needed."""
    with writing(engines.as_web(url)) as database, pytest.raises(DatabaseUnusable) as caught:
        writer.apply(database, a_plan(Post(a_credit("2"))), order(), environment())
    assert "this account may not UPDATE head; nothing written" in caught.value.message
    assert "coinsync db grants" in caught.value.advice


def test_guards_that_nobody_needs_are_not_missed(url: str) -> None:
    """Without guards the writer goes on, because it can do no harm; the owner does not."""
    with engines.tampering(url) as connection:
        connection.execute("DROP TRIGGER entry_no_update")
    with pytest.raises(DatabaseUnusable, match="append-only guard missing: entry_no_update"):
        opening.open_writable(engines.as_owner(url))
    with writing(url) as database:
        engine = opening.engine_of(database)
        assert engine.guards_lost(database) == ()
        assert set(engine.guards_hidden(database)) == set(base.MYSQL_GUARDS)
    assert opening.migrate(engines.as_owner(url)) == ("guard entry_no_update",)
    put_in(engines.as_owner(url), a_plan(Post(a_credit("2"))))


def test_a_server_that_forbids_triggers(tmp_path: Path, mariadb_template: Path) -> None:
    """The database is made all the same.

    Who could change the ledger is refused, who cannot writes.
    """
    with Server(tmp_path / "server", source=mariadb_template, binlog=True) as server:
        name = server.new_database()
        owner = server.url(name)
        opening.create(owner)
        with pytest.raises(
            DatabaseUnusable,
            match="append-only guard missing: entry_no_delete, entry_no_update, ref",
        ):
            opening.open_writable(owner)
        server.execute(*(line.replace("…", "pw") for line in grants.makers(HOST)))
        server.execute(*grants.statements(name, HOST))
        put_in(server.url(name, grants.WRITER, "pw"), newcomers())
        server.execute("SET GLOBAL log_bin_trust_function_creators = 1")
        assert opening.migrate(owner) == tuple(f"guard {one}" for one in sorted(base.MYSQL_GUARDS))
        opening.open_writable(owner).close()


# --- disturbed ------------------------------------------------------------------------------------


def test_a_connection_that_was_cut_while_idle_is_made_anew(schools: Schools, url: str) -> None:
    """The plan is tried again as a whole, and is there once."""
    with writing(url) as database:
        schools.server.kill_connections("coinsync_writer")
        assert (
            writer.apply(database, a_plan(Post(a_credit("2"))), order(), environment()).n_last == 2
        )


def test_reading_goes_on_after_an_idle_connection_was_cut(schools: Schools, url: str) -> None:
    """While the CRM is read the database stands idle, and some servers end that after seconds."""
    with writing(url) as database:
        reader = Reader(database)
        assert reader.balance(ADA) == 100
        schools.server.kill_connections("coinsync_writer")
        assert reader.balance(ADA) == 100


def test_a_snapshot_that_was_cut_is_not_another_one(schools: Schools, url: str) -> None:
    """What is read after it may not belong to what was read before."""
    with pytest.raises(DatabaseUnavailable, match="connection lost"), reading(url) as reader:  # noqa: PT012
        assert reader.balance(ADA) == 100
        schools.server.kill_connections("coinsync_writer")
        reader.balance(ADA)


def test_a_session_may_stand_idle(url: str) -> None:
    """Whatever the server allows to others: reconcile keeps its snapshot while the CRM is read."""
    opened = opening.open_readable(url)
    with opening.reading(opened):
        (row,) = opened.execute_sql("SELECT @@SESSION.wait_timeout").fetchall()
    assert row[0] == 8 * 3600


def test_a_standing_connection_that_was_cut_is_made_anew(schools: Schools, url: str) -> None:
    """A till that stood idle over lunch goes on."""
    standing = opening.PooledConnection(url, wait_seconds=1)
    with standing.use() as first:
        assert Reader(first).balance(ADA) == 100
    schools.server.kill_connections("coinsync_writer")
    with standing.use() as second:
        assert Reader(second).balance(ADA) == 100
        assert second is not first
    standing.close()


def test_who_may_not_make_tables_finds_nothing_to_do(url: str) -> None:
    """The account that writes may run init and migrate again, where all is there."""
    assert opening.create(url) is False
    assert opening.migrate(url) == ()


@pytest.mark.parametrize("step", ["head", "checked", "entries", "run", "commit"])
def test_a_connection_that_is_cut_at_any_step(schools: Schools, url: str, step: str) -> None:
    """As above."""
    cut: list[str] = []

    def probe(name: str) -> None:
        if name == step and not cut:
            cut.append(name)
            schools.server.kill_connections("coinsync_writer")

    with writing(url) as database:
        receipt = writer.apply(
            database, a_plan(Post(a_credit("2", note="x"))), order(), environment(probe=probe)
        )
    assert cut == [step]
    assert receipt.n_last == 2
    with reading(url) as reader:
        assert (reader.balance(ADA), reader.head().runs) == (200, 3)


@pytest.mark.parametrize("committed", [True, False])
def test_an_answer_to_commit_that_is_lost_is_looked_up(
    schools: Schools, url: str, committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the writers' lock.

    What was done is told as done, what was not is done once more, and once in all.
    """
    with writing(url) as database:
        commit, lost = database.commit, list[bool]()

        def losing() -> None:
            if not lost and not committed:
                schools.server.kill_connections("coinsync_writer")
            if not lost:
                lost.append(True)
                if committed:
                    commit()
                raise peewee.OperationalError(pymysql.OperationalError(2013, "lost"), 2013, "lost")
            commit()

        monkeypatch.setattr(database, "commit", losing)
        receipt = writer.apply(database, a_plan(Post(a_credit("2"))), order(), environment())
    with reading(url) as reader:
        run = reader.run(receipt.uuid)
        assert run is not None
        assert (run.n_last, reader.balance(ADA), reader.head().runs) == (2, 200, 3)


def test_an_answer_that_cannot_be_looked_up_is_unknown(
    tmp_path: Path, mariadb_template: Path
) -> None:
    """Neither done nor not done is claimed; the same plan again is written once."""
    with Server(tmp_path / "server", source=mariadb_template) as server:
        url = server.url(server.new_database())
        opening.create(url)
        put_in(url, newcomers())
        plan = a_plan(Post(a_credit("2")))
        around = environment(probe=lambda name: server.kill() if name == "commit" else None)
        with (
            writing(url) as database,
            pytest.raises(OutcomeUnknown, match="answer lost at commit") as caught,
        ):
            writer.apply(database, plan, order(), around)
        assert caught.value.exit_code == 75
        server.start()
        put_in(url, plan)
        with reading(url) as reader:
            assert reader.balance(ADA) == 100


def test_waiting_for_another_writer_is_bounded(url: str) -> None:
    """All tries together wait about as long as was told, and nothing is written."""
    with writing(url) as holder:
        holder.begin()
        holder.execute_sql("UPDATE head SET n = n + 1")
        waiting = opening.open_writable(url, wait_seconds=5)
        began = monotonic()
        with closing(waiting), pytest.raises(DatabaseUnavailable, match="is busy; nothing written"):
            writer.apply(waiting, a_plan(Post(a_credit("2"))), order(), environment())
        assert 4 < monotonic() - began < 15
        holder.rollback()
    with reading(url) as reader:
        assert reader.balance(ADA) == 100


def test_a_plan_is_no_part_of_another_transaction(url: str) -> None:
    """It could not be tried again there."""
    with (
        writing(url) as database,
        database.atomic(),
        pytest.raises(RuntimeError, match="transaction of its own"),
    ):
        writer.apply(database, a_plan(), order(), environment())


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [
        (1213, DatabaseUnavailable, "is busy"),
        (1205, DatabaseUnavailable, "is busy"),
        (1020, DatabaseUnavailable, "is busy"),
        (1047, DatabaseUnavailable, "cluster node not ready"),
        (2006, DatabaseUnavailable, "connection lost"),
        (2013, DatabaseUnavailable, "connection lost"),
        (0, DatabaseUnavailable, "connection lost"),
        (2003, DatabaseUnavailable, "cannot reach"),
        (1040, DatabaseUnavailable, "too many connections"),
        (1226, DatabaseUnavailable, "too many connections"),
        (1290, DatabaseUnavailable, "takes no writes"),
        (1836, DatabaseUnavailable, "takes no writes"),
        (1792, DatabaseUnusable, "is read-only for this user"),
        (1114, DatabaseUnavailable, "disk full"),
        (1045, DatabaseUnusable, "access denied"),
        (1142, DatabaseUnusable, "may not do this"),
        (1049, DatabaseUnusable, "does not exist"),
        (1712, CoinsyncError, "is damaged"),
    ],
)
def test_an_error_is_told_by_its_number(number: int, kind: type[CoinsyncError], said: str) -> None:
    """Also where the library has put another one before it."""
    driver = pymysql.OperationalError(number, "text")
    outer = peewee.InterfaceError(0, "")
    outer.__context__ = peewee.OperationalError(driver, number, "text")
    for error in (driver, outer):
        found = translate(error, "db:3306/coins")
        assert type(found) is kind
        assert "db:3306/coins" in found.message
        assert said in found.message


def test_an_error_that_we_do_not_know_is_told_by_its_number_alone() -> None:
    """The server's own words may repeat a name."""
    driver = pymysql.IntegrityError(1062, "Duplicate entry 'Ada'")
    found = translate(peewee.IntegrityError(driver, 1062, "Duplicate entry 'Ada'"), "db:1/c")
    assert type(found) is CoinsyncError
    assert found.message == "database: db:1/c: the server's error 1062; nothing written"


# --- a reader for the web view --------------------------------------------------------------------


@pytest.fixture
def readers(url: str) -> opening.Readers:
    """Readers with the account of the web view."""
    return opening.Readers(engines.as_web(url), wait_seconds=1.0)


def test_visits_share_connections(readers: opening.Readers, schools: Schools) -> None:
    """One after the other takes the same; at once each has its own."""
    before = set(schools.server.connections())
    for _ in range(5):
        with readers.visit() as database:
            assert Reader(database).balance(ADA) == 100
    assert len({id for id, *_ in schools.server.connections()} - {id for id, *_ in before}) == 1
    seen: list[int] = []

    def visit() -> None:
        with readers.visit() as database:
            seen.append(Reader(database).balance(ADA))

    threads = [Thread(target=visit) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert seen == [100] * 8


def test_a_visit_sees_one_moment_and_the_next_one_another(
    readers: opening.Readers, url: str
) -> None:
    """As with a file."""
    with readers.visit() as database:
        assert Reader(database).balance(ADA) == 100
        put_in(url, a_plan(Post(a_credit("2"))))
        assert Reader(database).balance(ADA) == 100
    with readers.visit() as database:
        assert Reader(database).balance(ADA) == 200


def test_a_visit_cannot_write(url: str) -> None:
    """Not even where the account could."""
    with pytest.raises(DatabaseUnusable, match="is read-only for this user"):  # noqa: SIM117
        with opening.Readers(engines.as_owner(url), wait_seconds=1).visit() as database:
            database.execute_sql("UPDATE head SET n = 9")


def test_the_web_view_serves_again_when_the_database_is_back(
    tmp_path: Path, mariadb_template: Path
) -> None:
    """While it is away the answer is to come back, soon given.

    Afterwards nobody has to do anything.
    """
    with Server(tmp_path / "server", source=mariadb_template) as server:
        url = server.url(server.new_database())
        opening.create(url)
        put_in(url, newcomers())
        window = Window(url)
        assert window.ask(path="/healthz").status == 200
        server.kill()
        began = monotonic()
        assert window.ask(launch(5)).status == 503
        assert monotonic() - began < 5
        server.start()
        assert window.ask(path="/healthz").status == 200
        server.kill_connections()
        assert window.ask(path="/healthz").status == 200


def test_rows_that_were_not_all_taken_are_not_lost_in_silence(url: str) -> None:
    """A second question in the middle of a stream is a mistake of ours, and is told."""
    put_in(url, a_plan(*(Post(a_credit(f"x{n}")) for n in range(5))))
    with reading(url) as reader:
        rows = reader.ledger()
        next(rows)
        with pytest.warns(UserWarning, match="left incomplete"):
            reader.head()
        with pytest.raises(RuntimeError, match="another question"):
            list(rows)


# --- TLS ------------------------------------------------------------------------------------------


def a_certificate(folder: Path, name: str) -> Path:
    """A certificate of this machine, which vouches for itself; its key lies beside it."""
    words = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
    about = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{HOST}"]
    subprocess.run(
        [program("openssl", "openssl"), *words, *files, *about],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return folder / f"{name}.pem"


def test_tls_is_spoken_with_the_server_that_is_meant(
    tmp_path: Path, mariadb_template: Path
) -> None:
    """By its certificate; another one, or none, is refused and no password is sent."""
    ours, other = a_certificate(tmp_path, "ours"), a_certificate(tmp_path, "other")
    options = (f"--ssl-cert={ours}", f"--ssl-key={ours.with_suffix('.key')}")
    with Server(tmp_path / "server", *options, source=mariadb_template) as server:
        url = server.url(server.new_database())
        secure = f"{url}?ca={ours}"
        opening.create(secure)
        put_in(secure, newcomers())
        with writing(secure) as database:
            assert database.execute_sql("SHOW STATUS LIKE 'Ssl_cipher'").fetchone()[1]
        with opening.Readers(secure, wait_seconds=1).visit() as shared:
            assert Reader(shared).resident(ADA) is not None
        for wrong in (f"{url}?ca={other}", f"{url}?tls=on"):
            with pytest.raises(DatabaseUnusable, match="TLS failed; nothing written") as caught:
                opening.open_writable(wrong)
            assert "ca= in [database] url" in caught.value.advice
        file = tmp_path / "coins.sql"
        back_up(secure, file)
        assert file.stat().st_size > 10_000
        with pytest.raises(DatabaseUnusable, match="TLS failed"):
            back_up(f"{url}?ca={other}", tmp_path / "other.sql")


def test_a_server_without_tls_is_refused_where_it_is_asked_for(tmp_path: Path, url: str) -> None:
    """There is no falling back."""
    with pytest.raises(DatabaseUnusable, match="TLS failed"):
        opening.open_writable(f"{url}?ca={a_certificate(tmp_path, 'any')}")
    with pytest.raises(DatabaseUnusable, match=r"none\.pem cannot be used for TLS"):
        opening.open_writable(f"{url}?ca={tmp_path}/none.pem")
