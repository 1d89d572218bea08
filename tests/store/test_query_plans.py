"""No question reads a table that grows from its first row to its last, unless it is meant to.

Every statement that a reader or a writer sends is handed back to the engine, which says how it goes
about it. Some thousands of rows are enough for the engines to choose as they do for a million.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from coinsync.core.catalog import Event, Item, MoveKind, RefundLine, Sale, SaleLine, StockMove
from coinsync.core.facts import (
    Attendance,
    Fact,
    Group,
    GroupStanding,
    Lesson,
    Link,
    LinkSource,
    Mark,
    Membership,
    Merge,
    Note,
    PageKind,
    Presence,
    Resident,
    Status,
    VkPage,
)
from coinsync.core.ledger import Entry, KeyState, Kind, lesson_key, refund_key, sale_key
from coinsync.core.plan import Change, Drop, Plan, Post, Purpose, Put, Stock
from coinsync.core.seal import Seal
from coinsync.store import writer
from coinsync.store.models import MODELS, columns_of
from coinsync.store.reader import Reader
from coinsync.store.rows import TABLES
from tests.store.plan_of_query import GROWING, statements_sent, ways_to_read_whole
from tests.support import engines
from tests.support.makers import ACCOUNT, a_plan, environment, new_database, order, reading, writing

ENGINES = engines.BOTH

RESIDENTS, LESSONS, SALES, RUNS = 300, 3_000, 600, 1_500
FIRST = date(2025, 1, 1)
SOMEBODY, SISTER, OLD_CARD = 150, 151, 299
LESSON, SALE, ENTRY = 1_500, "sale-300", 4_000
DAY = FIRST + timedelta(days=LESSON // 6)
AWARD = lesson_key(ACCOUNT, LESSON, 1 + LESSON % RESIDENTS)

# --- a school of some size ------------------------------------------------------------------------


def _facts() -> Iterator[Any]:
    """What is recorded of people, lessons and the shop."""
    yield Group(7, "Python")
    for id in range(1, RESIDENTS + 1):
        yield Resident(id, f"Resident {id}", Presence.CLIENT, (1 + id % 2,))
        yield Membership(id, 7)
        yield VkPage(id, f"name{id}", PageKind.PERSON, id, FIRST)
    for child in (SOMEBODY, SISTER):
        yield Link(501, child, LinkSource.DESK)
    yield Merge(OLD_CARD, SOMEBODY, (), (SOMEBODY,))
    for id in range(1, LESSONS + 1):
        day = FIRST + timedelta(days=id // 6)
        yield Lesson(id, 1 + id % 2, day, "17:00", 2, Status.CONDUCTED, (7,))
        for at in range(2):
            yield Attendance(id, 1 + (id + at) % RESIDENTS, Mark.ATTENDED, GroupStanding.MEMBER)
    for number in range(20):
        yield Item(f"item-{number}", "Кружка", "Mug", "", "", "", "", 3, (), "", number, True, True)
    for number in range(SALES):
        sale, day = f"sale-{number}", FIRST + timedelta(days=number)
        item = f"item-{number % 20}"
        yield Sale(sale, day, f"fair-{number // 50}", "anna")
        yield SaleLine(sale, 1, item, "Кружка", "Mug", 1, 3, 3)
        yield SaleLine(sale, 2, item, "Кружка", "Mug", 1, 3, 3)
        yield RefundLine(sale, 1, day, "anna")
    for n in range(1, 2 * LESSONS + 2 * SALES + 1, 4):
        yield Note(n, "salt", "a note")


def _entries() -> Iterator[tuple[Any, ...]]:
    """Awards for the lessons, and what was paid for the sales and given back."""
    rows: list[tuple[str, int, str, date, int | None]] = []
    for id in range(1, LESSONS + 1):
        for at in range(2):
            resident = 1 + (id + at) % RESIDENTS
            day = FIRST + timedelta(days=id // 6)
            rows.append((lesson_key(ACCOUNT, id, resident), resident, "award", day, id))
    for number in range(SALES):
        resident, day = 1 + number % RESIDENTS, FIRST + timedelta(days=number)
        sale = f"sale-{number}"
        rows.append((sale_key(sale, resident), resident, "sale", day, None))
        rows.append((refund_key(sale, 1, resident), resident, "refund", day, None))
    for n, (key, resident, kind, day, lesson) in enumerate(rows, 1):
        texts = ("reason", "sync", "rule", "")
        posted = (1 + n % RUNS, f"{day}T20:00:00Z")
        # Some take back what came before them.
        reverses = n - 7 if n % 20 == 0 else None
        yield (n, key, 1, resident, 5, kind, day.isoformat(), *texts, lesson, reverses, *posted)


def _runs() -> Iterator[tuple[Any, ...]]:
    """Nights of two branches, people and lessons, and what was done at the desk meanwhile."""
    for id in range(1, RUNS + 1):
        purpose, branch = (
            ("people", 1),
            ("lessons", 1),
            ("desk", 0),
            ("people", 2),
            ("lessons", 2),
        )[id % 5]
        day = str(FIRST + timedelta(days=id // 5))
        times = (f"{day}T20:00:00Z", f"{day}T20:00:00Z")
        words = (purpose, branch, day, day, "sync", "sync(1)", *times, "digest")
        # The last one ends where the ledger ends.
        n_last = 2 * LESSONS + 2 * SALES if id == RUNS else id
        yield (id, f"run-{id}", *words, 1, 1, 1, 1, n_last, "c")


def _moves() -> Iterator[tuple[Any, ...]]:
    """What was sold, and before it what came in."""
    for n in range(1, SALES + 1):
        sold = ("sale", f"sale-{n}") if n > 20 else ("receive", "")
        day = str(FIRST + timedelta(days=n))
        quantity = -1 if n > 20 else 1_000
        texts = ("anna", "", sold[1])
        yield (
            n,
            f"move-{n}",
            f"item-{n % 20}",
            quantity,
            sold[0],
            day,
            *texts,
            1,
            f"{day}T20:00:00Z",
        )


def _filled(url: str) -> None:
    """Put the rows in by plain statements, and let a server look at what there is."""
    rows: dict[str, list[Any]] = {}
    for fact in _facts():
        table = TABLES[type(fact)]
        run = [1] if table.only_grows else []
        rows.setdefault(table.name, []).append([*table.row(fact), *run])
    rows |= {"entry": list(_entries()), "run": list(_runs()), "stock_move": list(_moves())}
    columns = {model._meta.table_name: columns_of(model) for model in MODELS}
    with engines.tampering(url) as connection:
        for name, content in rows.items():
            named = f"({', '.join(columns[name])})" if name in columns else ""
            for start in range(0, len(content), 500):
                part = content[start : start + 500]
                marks = ", ".join([f"({', '.join('?' * len(part[0]))})"] * len(part))
                values = [value for row in part for value in row]
                connection.execute(f"INSERT INTO {name} {named} VALUES {marks}", values)
        counts = [len(rows["entry"]), RUNS, SALES, ACCOUNT]
        connection.execute("UPDATE head SET n = ?, runs = ?, stock = ?, account = ?", counts)
        connection.commit()
        if not engines.on_sqlite(url):
            # A server does it by itself after a while; a test cannot wait for that.
            for model in MODELS:
                connection.execute(f"ANALYZE TABLE {model._meta.table_name}").fetchall()


@pytest.fixture(scope="module")
def school(engine: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A school of some years."""
    url = new_database(tmp_path_factory.mktemp("school"))
    _filled(url)
    return url


# --- what is asked --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """A call of a reader's method; ``whole`` are tables that it is meant to read whole."""

    ask: Callable[[Reader], Any]
    whole: frozenset[str] = frozenset()
    why: str = ""


def asked(ask: Callable[[Reader], Any]) -> Question:
    """A question that must read no growing table whole."""
    return Question(ask)


def whole(*tables: str, why: str, ask: Callable[[Reader], Any]) -> Question:
    """A question that is meant to read tables whole."""
    return Question(ask, frozenset(tables), why)


PROOF = "reconcile proves every row"
NEWEST = "in the order of the primary key from its end, and no more than are asked for"
OLDEST = "in the order of the primary key from its beginning, where the first of them lies"
RECORDED = (
    Resident,
    Membership,
    VkPage,
    Lesson,
    Attendance,
    Item,
    Sale,
    SaleLine,
    RefundLine,
    Note,
)
ONE_OF = {Lesson: LESSON, Attendance: LESSON, Note: 1, Item: "item-3"}


def one_of(kind: type[Any]) -> Any:
    """A key of a fact of a kind."""
    return ONE_OF.get(kind, SALE if kind in (Sale, SaleLine, RefundLine) else SOMEBODY)


def recorded(kind: type[Any], reader: Reader) -> list[Any]:
    """What is recorded under one key."""
    return reader.recorded(kind, [one_of(kind)])


QUESTIONS: dict[str, list[Question]] = {
    # facts
    "recorded": [asked(partial(recorded, kind)) for kind in RECORDED],
    "find": [asked(lambda r: r.find(Sale, SALE))],
    "all": [asked(lambda r: r.all(Resident))],
    "names": [asked(lambda r: r.names(Group))],
    "people": [asked(lambda r: r.people(1, [SOMEBODY]))],
    "residents": [asked(lambda r: r.residents()), asked(lambda r: r.residents(1))],
    "resident": [asked(lambda r: r.resident(SOMEBODY))],
    "residents_by_id": [asked(lambda r: r.residents_by_id([SOMEBODY, SISTER]))],
    "survivors": [asked(lambda r: r.survivors())],
    "cards_of": [asked(lambda r: r.cards_of(SOMEBODY))],
    "residents_named": [asked(lambda r: r.residents_named("resident 15"))],
    "residents_of_visitor": [asked(lambda r: r.residents_of_visitor(501))],
    "links": [asked(lambda r: r.links())],
    "links_of": [asked(lambda r: r.links_of([SOMEBODY]))],
    "lesson_records": [asked(lambda r: r.lesson_records(1, DAY, DAY + timedelta(days=20)))],
    "lessons_by_type": [asked(lambda r: r.lessons_by_type(1, DAY))],
    "lesson_records_by_id": [asked(lambda r: r.lesson_records_by_id([LESSON]))],
    "attended_lessons": [
        asked(lambda r: r.attended_lessons(SOMEBODY, date.min, date.max)),
        asked(lambda r: r.attended_lessons(SOMEBODY, DAY, DAY)),
    ],
    "holds": [asked(lambda r: r.holds([LESSON]))],
    "holds_of": [asked(lambda r: r.holds_of([SOMEBODY]))],
    "decisions": [asked(lambda r: r.decisions([LESSON]))],
    "decisions_of": [asked(lambda r: r.decisions_of([SOMEBODY]))],
    "doubts_of": [asked(lambda r: r.doubts_of([SOMEBODY]))],
    "merges": [asked(lambda r: r.merges())],
    "notes_of": [asked(lambda r: r.notes_of([SOMEBODY]))],
    "resident_ids": [
        asked(lambda r: r.resident_ids()),
        asked(lambda r: r.resident_ids(Presence.GONE)),
    ],
    # ledger
    "head": [asked(lambda r: r.head())],
    "find_head": [asked(lambda r: r.find_head())],
    "chains": [asked(lambda r: r.chains([7, 8]))],
    "has_seal": [asked(lambda r: r.has_seal(Seal(7, "c")))],
    "seals_of": [asked(lambda r: r.seals_of(r.last_lines([SOMEBODY, SISTER], 50)))],
    "seal": [whole("run", why=NEWEST, ask=lambda r: r.seal())],
    "shop_rows": [
        whole(
            *("sale", "sale_line", "refund_line", "stock_move"),
            why=PROOF,
            ask=lambda r: list(r.shop_rows()),
        )
    ],
    "key_states": [asked(lambda r: r.key_states([AWARD, "desk:none"]))],
    "keys_with_several_entries": [
        whole("entry", why=PROOF, ask=lambda r: r.keys_with_several_entries())
    ],
    "balances": [
        asked(lambda r: r.balances([SOMEBODY, SISTER])),
        asked(lambda r: r.balances([SOMEBODY, SISTER], upto=ENTRY, until=DAY)),
    ],
    "coins_by_day": [
        asked(lambda r: r.coins_by_day([SOMEBODY, SISTER], DAY, survivors={OLD_CARD: SISTER}))
    ],
    "balance": [asked(lambda r: r.balance(SOMEBODY)), asked(lambda r: r.balance(SOMEBODY, DAY))],
    "lines": [
        asked(lambda r: r.lines(SISTER)),
        asked(lambda r: r.lines(SOMEBODY, since=DAY, until=DAY + timedelta(days=30))),
        asked(lambda r: r.lines(SOMEBODY, limit=10_000)),
    ],
    "last_lines": [
        asked(lambda r: r.last_lines([SISTER], 50)),
        asked(lambda r: r.last_lines([SOMEBODY, SISTER], 50)),
        asked(lambda r: r.last_lines(range(1, 26), 50)),
    ],
    "older_lines": [asked(lambda r: r.older_lines(SOMEBODY, r.lines(SOMEBODY)[0].posted.n))],
    "line": [asked(lambda r: r.line(ENTRY))],
    "lines_under": [asked(lambda r: r.lines_under([AWARD]))],
    "month_sums": [
        asked(lambda r: r.month_sums([SOMEBODY, SISTER], DAY, DAY + timedelta(days=60)))
    ],
    "lines_of_run": [asked(lambda r: r.lines_of_run(r.runs(1)[0]))],
    "lines_below": [asked(lambda r: r.lines_below(f"sale:{SALE}"))],
    "lines_posted_since": [
        asked(lambda r: r.lines_posted_since([SOMEBODY, SISTER], f"{DAY}T00:00:00Z"))
    ],
    "journal": [
        whole("entry", why="an export prints the ledger", ask=lambda r: list(r.journal())),
        whole(
            *("entry", "lesson", "note"),
            why="an export by day sorts the ledger",
            ask=lambda r: list(r.journal(since=DAY, until=DAY, by_day=True)),
        ),
    ],
    "ledger": [whole("entry", why=PROOF, ask=lambda r: list(r.ledger()))],
    # shop
    "shelf": [asked(lambda r: r.shelf(301))],
    "stock": [asked(lambda r: r.stock(["item-3"]))],
    "stock_keys": [asked(lambda r: r.stock_keys(["move-3", "move-none"]))],
    "stock_moves": [
        asked(lambda r: r.stock_moves(item="item-3")),
        asked(lambda r: r.stock_moves(sale=SALE)),
        asked(lambda r: r.stock_moves(key="move-3")),
        whole("stock_move", why=PROOF, ask=lambda r: r.stock_moves()),
        whole(
            "stock_move",
            why="a fair's report",
            ask=lambda r: r.stock_moves(fair=Event("f", "", DAY, closed_run=9)),
        ),
    ],
    "sales": [
        asked(lambda r: r.sales(since=DAY, until=DAY + timedelta(days=7))),
        asked(lambda r: r.sales(event="fair-3")),
    ],
    "refund_runs": [asked(lambda r: r.refund_runs([SALE]))],
    "paid": [
        asked(lambda r: r.paid([SALE])),
        asked(lambda r: r.paid([f"none-{n}" for n in range(501)])),
    ],
    # runs
    "runs": [whole("run", why=NEWEST, ask=lambda r: r.runs(10))],
    "run_numbered": [asked(lambda r: r.run_numbered(5))],
    "run": [asked(lambda r: r.run("run-3"))],
    "last_run": [asked(lambda r: r.last_run(1, "people"))],
    "first_read_on": [asked(lambda r: r.first_read_on(1))],
    "last_full_run": [asked(lambda r: r.last_full_run(1))],
    "began_at": [whole("run", why=OLDEST, ask=lambda r: r.began_at())],
    "last_synced_at": [asked(lambda r: r.last_synced_at())],
    # what is proved
    "run_lines": [whole("run", why=PROOF, ask=lambda r: list(r.run_lines()))],
    "notes": [whole("note", why=PROOF, ask=lambda r: list(r.notes()))],
    "months": [whole("lesson", why=PROOF, ask=lambda r: r.months())],
    "readable": [whole("sale_line", why=PROOF, ask=lambda r: r.readable(SaleLine))],
    "guards_missing": [asked(lambda r: r.guards_missing())],
    "schema_faults": [asked(lambda r: r.schema_faults())],
    "orphans": [whole(*GROWING, why=PROOF, ask=lambda r: r.orphans())],
}
#: Every writer asks for the newest run.
LAST_OF_RUNS = frozenset({"run"})
#: These send no statement, or tell the engine to check its own tables.
SILENT = {"damage", "speaking", "take_any_text"}


def refusals(url: str, statements: Iterable[str], meant: frozenset[str] = frozenset()) -> list[str]:
    """Statements that read a growing table whole though they are not meant to."""
    wrong: list[str] = []
    with engines.tampering(url) as connection:
        for sql in statements:
            for tables in ways_to_read_whole(connection, sql, on_sqlite=engines.on_sqlite(url)):
                if tables - meant:
                    wrong.append(f"{', '.join(sorted(tables - meant))}: {sql}")
    return wrong


def test_every_question_of_the_reader_is_here() -> None:
    """A new one must say how its statements go about it."""
    methods = {name for name, _ in inspect.getmembers(Reader, inspect.isfunction)}
    public = {name for name in methods if not name.startswith("_")}
    assert set(QUESTIONS) | SILENT == public


@pytest.mark.parametrize("method", QUESTIONS)
def test_no_question_reads_a_growing_table_whole(method: str, school: str) -> None:
    """But those that are meant to, which say why."""
    for question in QUESTIONS[method]:
        with reading(school) as reader, statements_sent(school, reader._database) as statements:
            assert question.ask(reader) is not None
        assert statements
        assert bool(question.whole) == bool(question.why)
        assert refusals(school, statements, question.whole) == []


def test_the_statement_that_read_the_whole_ledger_is_refused(school: str) -> None:
    """It asked for the lines of two children, and for MariaDB its union was a dependent one."""
    parts: list[str] = []
    for child in (SOMEBODY, SISTER):
        last = f"SELECT n FROM entry WHERE resident_id = {child} ORDER BY n DESC LIMIT 50"
        parts.append(f"SELECT n FROM ({last}) last_{child}")
    sql = f"SELECT e.n, e.coins FROM entry e WHERE e.n IN ({' UNION ALL '.join(parts)})"
    expected = [] if engines.on_sqlite(school) else [f"entry: {sql}"]
    assert refusals(school, [sql]) == expected
    scanning = "SELECT COUNT(*) FROM entry WHERE reason = 'lesson'"
    assert set(refusals(school, [scanning])) == {f"entry: {scanning}"}


# --- what a writer reads again --------------------------------------------------------------------


def a_night(reader: Reader) -> Plan:
    """A new lesson, one that moved, and coins for both."""
    new = Lesson(9_001, 1, DAY, "17:00", 2, Status.CONDUCTED, (7,))
    [old] = reader.recorded(Lesson, [LESSON])
    state = reader.key_states([AWARD])[AWARD]
    reversal = Entry(
        AWARD,
        2,
        1,
        -5,
        Kind.REVERSAL,
        DAY,
        "absent",
        "sync",
        "",
        lesson=LESSON,
        reverses=state.award,
    )
    award = Entry(
        lesson_key(ACCOUNT, 9_001, 1), 1, 1, 5, Kind.AWARD, DAY, "lesson", "sync", lesson=9_001
    )
    changes: list[Change] = [
        Put(new),
        Put(replace(old, starts="18:00"), old),
        Put(Attendance(9_001, 1, Mark.ATTENDED, GroupStanding.MEMBER)),
        Post(award),
        Post(reversal),
    ]
    return a_plan(*changes, basis=(state, KeyState(award.key)), purpose=Purpose.LESSONS)


def a_sale(reader: Reader) -> Plan:
    """A mug, paid from two cards of one child."""
    payment = Entry(
        sale_key("new", SOMEBODY), 1, SOMEBODY, -3, Kind.SALE, DAY, "bought", "anna", note="gift"
    )
    move = StockMove("sale:new:1", "item-3", -1, MoveKind.SALE, DAY, "anna", "", "new")
    line = SaleLine("new", 1, "item-3", "Кружка", "Mug", 1, 3, 3)
    return a_plan(Put(Sale("new", DAY, "", "anna")), Put(line), Stock(move), Post(payment))


def a_refund(reader: Reader) -> Plan:
    """A line of an old sale comes back."""
    payment = Entry(refund_key(SALE, 2, 1), 1, 1, 3, Kind.REFUND, DAY, "returned", "anna")
    move = StockMove(f"refund:{SALE}:2", "item-0", 1, MoveKind.REFUND, DAY, "anna", "", SALE)
    return a_plan(Put(RefundLine(SALE, 2, DAY, "anna")), Stock(move), Post(payment))


def a_merge(reader: Reader) -> Plan:
    """One card goes on as another."""
    return a_plan(Put(Merge(201, 202, (), (202,))))


def a_wish_to_be_forgotten(reader: Reader) -> Plan:
    """Name, screen name and notes go."""
    [known] = reader.recorded(Resident, [77])
    forgotten = replace(known, name="", presence=Presence.ERASED)
    gone: list[Fact] = [*reader.recorded(VkPage, [77]), *reader.notes_of([77])]
    ended = []
    for seat in reader.recorded(Membership, [77]):
        ended.append(Put(replace(seat, until=seat.since), seat))
    return a_plan(Put(forgotten, known), *ended, *map(Drop, gone))


@pytest.mark.parametrize("make", [a_night, a_sale, a_refund, a_merge, a_wish_to_be_forgotten])
def test_no_writer_reads_a_growing_table_whole(make: Callable[[Reader], Plan], school: str) -> None:
    """Others wait for it meanwhile."""
    with reading(school) as reader:
        plan = make(reader)
    with writing(school) as database, statements_sent(school, database) as statements:
        writer.apply(database, plan, order(), environment(name=make.__name__))
    assert len(statements) > 5
    assert refusals(school, statements, LAST_OF_RUNS) == []
