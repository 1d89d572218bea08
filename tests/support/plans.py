"""Strategies for arbitrary facts, entries and plans, in small alphabets with the awkward values
in them."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from coinsync.core import catalog, facts
from coinsync.core.fact_keys import identity
from coinsync.core.facts import Fact
from coinsync.core.ledger import Entry, KeyState, Kind
from coinsync.core.plan import (
    Change,
    Drop,
    Evidence,
    Plan,
    Post,
    Purpose,
    Put,
    Remark,
    RemarkKind,
    Scope,
    Stock,
)

IDS = st.integers(1, 5) | st.integers(0, 2**63 - 1)
DAYS = st.dates() | st.sampled_from([date.min, date.max, date(2026, 11, 2)])
#: No halves of surrogate pairs: no database and no file holds them, and names are cleaned of them
#: before.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    ["", " ", "'", '"', "%", "?", "ё", "е\u0308", "😀", "\x00", "null", "Ада [/]", "\u2028"]
)
TUPLES_OF_IDS = st.lists(IDS, max_size=4).map(tuple)
COINS = st.integers(-(2**62), 2**62).filter(bool)
KEYS = st.from_regex(r"[a-z0-9][a-z0-9:._-]{0,20}", fullmatch=True)

CODES = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,10}", fullmatch=True)

FACTS: dict[type[Fact], st.SearchStrategy[Fact]] = {
    facts.Branch: st.builds(facts.Branch, IDS, TEXTS),
    facts.LessonType: st.builds(facts.LessonType, IDS, TEXTS, st.integers(0, 3)),
    facts.Group: st.builds(facts.Group, IDS, TEXTS),
    facts.Resident: st.builds(
        facts.Resident, IDS, TEXTS, st.sampled_from(facts.Presence), TUPLES_OF_IDS, TEXTS
    ),
    facts.Membership: st.builds(facts.Membership, IDS, IDS, DAYS, st.none() | DAYS),
    facts.Lesson: st.builds(
        facts.Lesson,
        IDS,
        IDS,
        DAYS,
        st.sampled_from(["", "00:00", "17:30"]),
        IDS,
        st.sampled_from(facts.Status),
        TUPLES_OF_IDS,
        st.none() | IDS,
        st.booleans(),
    ),
    facts.Attendance: st.builds(
        facts.Attendance,
        IDS,
        IDS,
        st.sampled_from(facts.Mark),
        st.sampled_from(facts.GroupStanding),
    ),
    facts.Hold: st.builds(
        facts.Hold,
        KEYS,
        st.sampled_from(facts.HoldKind),
        IDS,
        IDS,
        IDS,
        DAYS,
        st.integers(-99, 99),
        TEXTS,
    ),
    facts.Link: st.builds(facts.Link, IDS, IDS, st.sampled_from(facts.LinkSource), st.booleans()),
    facts.VkPage: st.builds(facts.VkPage, IDS, TEXTS, st.sampled_from(facts.PageKind), IDS, DAYS),
    facts.Merge: st.builds(facts.Merge, IDS, IDS, TUPLES_OF_IDS, TUPLES_OF_IDS),
    facts.Decision: st.builds(
        facts.Decision,
        KEYS,
        IDS,
        IDS,
        st.integers(1, 9),
        st.integers(-99, 99),
        TEXTS,
        TEXTS,
        DAYS,
        TEXTS,
    ),
    facts.Doubt: st.builds(
        facts.Doubt,
        IDS,
        st.sampled_from(facts.DoubtKind),
        IDS,
        st.sampled_from(["", "2026-11", "2026-11-02"]),
        st.just("2026-11-02T02:00:00Z"),
        st.sampled_from(["", "post", "waive"]),
        TEXTS,
        TEXTS,
    ),
    facts.Note: st.builds(facts.Note, IDS, TEXTS, TEXTS),
    catalog.Item: st.builds(
        catalog.Item,
        CODES,
        TEXTS,
        TEXTS,
        TEXTS,
        TEXTS,
        TEXTS,
        TEXTS,
        IDS,
        TUPLES_OF_IDS,
        TEXTS,
        st.integers(0, 99),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    catalog.Event: st.builds(catalog.Event, CODES, TEXTS, DAYS, st.none() | DAYS, TEXTS),
    catalog.Sale: st.builds(catalog.Sale, CODES, DAYS, TEXTS, TEXTS),
    catalog.SaleLine: st.builds(
        catalog.SaleLine, CODES, st.integers(1, 9), CODES, TEXTS, TEXTS, st.integers(1, 9), IDS, IDS
    ),
    catalog.RefundLine: st.builds(catalog.RefundLine, CODES, st.integers(1, 9), DAYS, TEXTS),
}

ENTRIES = st.builds(
    Entry,
    KEYS,
    st.integers(1, 9),
    IDS,
    COINS,
    st.sampled_from(Kind),
    DAYS,
    TEXTS,
    TEXTS,
    TEXTS,
    TEXTS,
    st.none() | IDS,
    st.none() | IDS,
)


def _puts(kind: type[Fact]) -> st.SearchStrategy[Change]:
    return st.builds(Put, FACTS[kind], st.none() | FACTS[kind])


STOCK_MOVES = st.builds(
    catalog.StockMove,
    KEYS,
    CODES,
    st.integers(-99, 99).filter(bool),
    st.sampled_from(catalog.MoveKind),
    DAYS,
    TEXTS,
    TEXTS,
    TEXTS,
)

CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(Post, ENTRIES),
    st.builds(Stock, STOCK_MOVES),
    *map(_puts, FACTS),
    *(st.builds(Drop, strategy) for strategy in FACTS.values()),
)


def place(change: Change) -> tuple[object, ...]:
    """What a change is about; a plan holds one change for each."""
    if isinstance(change, Post):
        return ("post", change.entry.key, change.entry.seq)
    if isinstance(change, Stock):
        return ("stock", change.move.key)
    fact = change.subject
    return (type(change).__name__, type(fact).__name__, *identity(fact))


STANDS = st.builds(KeyState, KEYS, st.integers(0, 9), COINS, st.none() | IDS)
REMARKS = st.builds(
    Remark,
    st.sampled_from(RemarkKind),
    TEXTS,
    st.none() | st.integers(1, 9),
    st.none() | st.integers(1, 9),
    st.integers(-9, 9),
    st.none() | st.integers(1, 9),
)
SCOPES = st.builds(Scope, IDS, DAYS, DAYS)
COUNTS = st.integers(0, 9999)

PLANS: st.SearchStrategy[Plan] = st.builds(
    Plan.of,
    st.sampled_from(Purpose),
    SCOPES,
    st.lists(CHANGES, max_size=6, unique_by=place),
    basis=st.lists(STANDS, max_size=3, unique_by=lambda state: state.key),
    remarks=st.lists(REMARKS, max_size=4, unique=True),
    lessons=st.lists(FACTS[facts.Lesson], max_size=3, unique_by=lambda fact: identity(fact)),
    evidence=st.builds(Evidence, COUNTS, COUNTS, COUNTS, COUNTS),
)
