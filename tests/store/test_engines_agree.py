"""SQLite and MariaDB side by side: the same history, the same answers, the same rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.fact_keys import identity
from coinsync.core.facts import (
    Link,
    LinkSource,
    Membership,
    Merge,
    Note,
    PageKind,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.ledger import Entry, Kind, Receipt
from coinsync.core.plan import Change, Drop, Plan, Post, Purpose, Put, Stock
from coinsync.errors import CoinsyncError
from coinsync.store import writer
from coinsync.store.reader import Reader
from tests.support import engines
from tests.support.engines import Schools
from tests.support.goods import a_move, an_item
from tests.support.makers import (
    ADA,
    BRANCH,
    DAY,
    GLEB,
    GROUP,
    MONTH,
    MORNING,
    a_credit,
    a_lesson,
    a_plan,
    a_resident,
    a_reversal,
    an_award,
    environment,
    new_database,
    order,
    present,
    reading,
    thorough,
    writing,
)
from tests.support.webview_client import ANYA, NOBODY, OLEG, VERA, Window, launch, school_in

SEAL = r"\d+ · [0-9a-f]{4}(-[0-9a-f]{4}){4}"

#: Texts that engines like to take for one another, to cut, to fold or to lose.
NAMES = (
    *(
        "Ада",
        "ада",
        "АДА",
        "Семён",
        "Семен",
        "Сёма ",
        "Сёма",
        "й",
        "и",
        "и\u0306",
        "A",
        "a",
        "a ",
        "Å",
        "A\u030a",
        "ß",
        "ss",
    ),
    *(
        "😀",
        "😁",
        "👩‍💻",
        "\u200b",
        "",
        " ",
        "\x00",
        "a\x00b",
        "null",
        "%",
        "?",
        "%s",
        "\\",
        "'",
        '"',
        "\u2028",
        "\U0010ffff",
    ),
    *("я" * 120, "😀" * 120),
)
KEYS = ("k1", "k1-", "k-1", "k1.", "k", "k1:a", "k1:b")
CARDS = (ADA, GLEB, 103)
TEXTS = st.sampled_from(NAMES)
CARD, ITEM = st.sampled_from(CARDS), st.sampled_from(["mug", "mu", "pen"])
LESSON = st.integers(1, 3)
CHANGES: st.SearchStrategy[list[Change]] = st.one_of(
    st.builds(lambda card, name: [Put(a_resident(card, name or "x", vk=name[:60]))], CARD, TEXTS),
    st.builds(
        lambda key, card, coins, note, reason: [
            Post(replace(a_credit(key, card, coins, note=note), reason=reason))
        ],
        st.sampled_from(KEYS),
        CARD,
        st.sampled_from([-7, -1, 1, 5, 2**40]),
        TEXTS,
        TEXTS,
    ),
    st.builds(lambda vk, card: [Put(Link(vk, card, LinkSource.DESK))], st.integers(1, 3), CARD),
    st.builds(lambda card, into: [Put(Merge(card, into, (1,), (into,)))], CARD, CARD),
    st.builds(
        lambda card, name: [Put(VkPage(card, name[:64], PageKind.PERSON, 2**62, DAY))], CARD, TEXTS
    ),
    st.builds(
        lambda card, days: [Put(Membership(card, GROUP, DAY + timedelta(days), None))],
        CARD,
        st.integers(0, 2),
    ),
    st.builds(
        lambda lesson, card: [Put(a_lesson(lesson)), Put(present(card, lesson=lesson))],
        st.integers(1, 3),
        CARD,
    ),
    st.builds(lambda lesson, card: [Post(an_award(lesson, card))], LESSON, CARD),
    st.builds(lambda n: [Post(a_reversal(an_award(), n))], st.integers(1, 4)),
    st.builds(
        lambda code, name: [Put(replace(an_item(code), name_ru=name, text_ru=name))],
        ITEM,
        TEXTS,
    ),
    st.builds(
        lambda code, key, many: [Stock(replace(a_move(key, code, many), note=key))],
        st.sampled_from(["mug", "pen"]),
        st.sampled_from(KEYS),
        st.sampled_from([-3, 1, 5]),
    ),
    st.builds(lambda card: [Put(Resident(card, "", Presence.ERASED, ()))], CARD),
)


def a_history(steps: list[list[Change]]) -> list[Plan]:
    """A history of plans: everybody is known first, then one step after another."""
    people = a_plan(*(Put(a_resident(card)) for card in CARDS), purpose=Purpose.PEOPLE)
    return [people, *(Plan.of(Purpose.DESK, MONTH, changes) for changes in steps)]


def grounded(reader: Reader, plan: Plan) -> Plan:
    """The plan with what is recorded now as what it replaces, so that it is not stale at once."""
    changes: list[Change] = []
    for change in plan.changes:
        if isinstance(change, Put):
            found = [one for one in reader.all(type(change.new)) if same(one, change.new)]
            changes.append(Put(change.new, found[0] if found else None))
        else:
            changes.append(change)
    return Plan.of(plan.purpose, plan.scope, changes)


def same(one: object, other: object) -> bool:
    """Whether two facts are about the same."""
    return identity(one) == identity(other)


def said(url: str, plan: Plan, number: int) -> Receipt | str:
    """What became of a plan.

    Its receipt, or what it was refused with, without the engine's own words.
    """
    with writing(url) as database:
        try:
            return writer.apply(
                database, grounded(Reader(database), plan), order(), environment(name=f"r{number}")
            )
        except CoinsyncError as error:
            return (
                type(error).__name__
                if type(error) is CoinsyncError
                else f"{type(error).__name__}: {error.message}"
            )


def answers(url: str) -> list[object]:
    """What a reader makes of everything."""
    with reading(url) as reader:
        return [
            reader.head(),
            reader.balances(CARDS),
            [reader.lines(card) for card in CARDS],
            reader.last_lines(CARDS),
            reader.residents(),
            [reader.residents_named(part) for part in ("а", "ё", "е", "A")],
            reader.people(BRANCH),
            list(reader.ledger()),
            list(reader.journal(by_day=True)),
            list(reader.notes()),
            reader.shelf(10),
            reader.stock(["mug", "pen", "MUG"]),
            reader.links(),
            reader.key_states([f"desk:{key}" for key in KEYS]),
            reader.last_synced_at(),
            (reader.damage(), reader.orphans(), reader.schema_faults()),
        ]


@contextmanager
def two(schools: Schools, folder: Path) -> Iterator[tuple[str, str]]:
    """Two empty databases, one of each engine."""
    file = new_database(folder)
    with engines.using(schools):
        yield file, new_database(folder)


@thorough(25)
@given(st.lists(CHANGES, min_size=1, max_size=12))
def _same_history(schools: Schools, steps: list[list[Change]]) -> None:
    with TemporaryDirectory() as folder, two(schools, Path(folder)) as (file, server):
        for number, plan in enumerate(a_history(steps)):
            assert said(file, plan, number) == said(server, plan, number)
            assert engines.tables(file) == engines.tables(server)
        assert answers(file) == answers(server)


def test_the_same_history_gives_the_same_rows(schools: Schools) -> None:
    """After each step: the same receipt or refusal, every table equal.

    In the end every question has one answer.
    """
    _same_history(schools)


@pytest.mark.parametrize("name", NAMES)
def test_a_text_is_kept_as_it_is(schools: Schools, tmp_path: Path, name: str) -> None:
    """To the last sign, on both, also where it is as long as a name may be."""
    note = a_credit("1", note=name) if name else a_credit("1")
    plan = a_plan(Put(a_resident(ADA, name or "x")), Post(replace(note, reason=name)))
    with two(schools, tmp_path) as urls:
        for url in urls:
            assert isinstance(said(url, plan, 1), Receipt)
            with reading(url) as reader:
                [line] = reader.lines(ADA)
                assert (line.posted.entry.reason, line.note) == (name, name)
                assert reader.resident(ADA) == a_resident(ADA, name or "x")
                assert [one.name for one in reader.residents()] == [name or "x"]
        assert engines.tables(urls[0]) == engines.tables(urls[1])


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("name", Put(a_resident(ADA, "я" * 121))),
        ("reason", Post(replace(a_credit("1"), reason="я" * 201))),
        ("actor", Post(replace(a_credit("1"), actor="я" * 81))),
        ("actor", Stock(replace(a_move(), actor="я" * 81))),
    ],
)
def test_a_text_that_is_too_long_is_refused(
    schools: Schools, tmp_path: Path, what: str, change: Change
) -> None:
    """On both, before anything is written; nothing is cut."""
    people = a_plan(
        Put(a_resident(GLEB)), Put(an_item()), *([] if what == "name" else [Put(a_resident(ADA))])
    )
    with two(schools, tmp_path) as urls:
        for url in urls:
            said(url, people, 1)
            before = engines.tables(url)
            with writing(url) as database, pytest.raises(CoinsyncError, match="too long"):
                writer.apply(database, a_plan(change), order(), environment(name="r2"))
            assert engines.tables(url) == before


def test_keys_that_look_alike_are_different(schools: Schools, tmp_path: Path) -> None:
    """What one engine would take for the same key is another one."""
    keys = ["a", "a.", "a-", "a:"]
    with two(schools, tmp_path) as urls:
        for url in urls:
            posts = [
                Post(Entry(f"desk:{key}x", 1, ADA, 1, Kind.CREDIT, date(2026, 11, 2), "r", "a"))
                for key in keys
            ]
            assert isinstance(said(url, a_plan(Put(a_resident(ADA)), *posts), 1), Receipt)
            with reading(url) as reader:
                assert len(reader.key_states([f"desk:{key}x" for key in keys])) == len(keys)
            with writing(url) as database:
                # Behind the program's back also those that no key may have.
                values = "1, 101, 1, 'credit', '2026-11-02', '', '', '', '', NULL, NULL, 1, ''"
                for n, key in enumerate(("desk:AX", "desk:ax ", "desk:ах"), 50):
                    database.execute_sql(f"INSERT INTO entry VALUES ({n}, '{key}', {values})")


def test_what_is_dropped_is_gone_on_both(schools: Schools, tmp_path: Path) -> None:
    """Notes, links and pages: what an erasure takes away."""
    with two(schools, tmp_path) as urls:
        for url in urls:
            link, page = Link(5, ADA, LinkSource.CRM), VkPage(ADA, "ada", PageKind.PERSON, 5, DAY)
            said(
                url,
                a_plan(Put(a_resident(ADA)), Put(link), Put(page), Post(a_credit("1", note="won"))),
                1,
            )
            with reading(url) as reader:
                [note] = reader.notes()
            assert isinstance(note, Note)
            assert isinstance(said(url, a_plan(Drop(link), Drop(page), Drop(note)), 2), Receipt)
        assert engines.tables(urls[0]) == engines.tables(urls[1])
        assert not engines.tables(urls[1])["note"]


def test_the_clock_of_both_is_ours(schools: Schools, tmp_path: Path) -> None:
    """Nothing that is recorded comes from a server's clock or zone."""
    with two(schools, tmp_path) as urls:
        for url in urls:
            receipt = said(url, a_plan(Put(a_resident(ADA))), 1)
            assert isinstance(receipt, Receipt)
            assert receipt.posted_at == f"{MORNING:%Y-%m-%dT%H:%M:%SZ}"


def test_a_family_sees_the_same_page(schools: Schools, tmp_path: Path) -> None:
    """Byte by byte but for the seals, by the account of the web view; older lines too."""
    file = school_in(tmp_path)
    with engines.using(schools):
        server = school_in(tmp_path)
        one, other = Window(file), Window(engines.as_web(server))
        for visitor in (VERA, OLEG, NOBODY):
            # Each database has runs of its own, and so seals of its own.
            pages = [re.sub(SEAL, "", window.page(visitor)) for window in (one, other)]
            assert pages[0] == pages[1]
        asked = {"path": "/history", "HTTP_X_LAUNCH": launch(VERA)}
        assert (
            one.ask(f"child={ANYA}&before=2", **asked).body
            == other.ask(f"child={ANYA}&before=2", **asked).body
        )
        assert one.ask(path="/healthz").body == other.ask(path="/healthz").body
