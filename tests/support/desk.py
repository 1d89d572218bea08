"""A clerk's desk for a test.

A database, the time on the clock, and what staff do, planned and written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from coinsync import config
from coinsync.config import Settings
from coinsync.core.facts import (
    Hold,
    LessonRecord,
    Link,
    LinkSource,
    Mark,
    Membership,
    PageKind,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.files.import_rows import ImportRow, read_import_rows
from coinsync.core.files.sheet import Problem
from coinsync.core.ledger import Entry, Receipt, lesson_key
from coinsync.core.plan import Change, Evidence, Plan, Purpose, Put
from coinsync.core.planning.compare import Recorded, WindowReading, compare
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.planning.review import Ruling
from coinsync.core.proposal import Author, Proposal
from coinsync.desk import coins as by_hand
from coinsync.desk import imports, people, review
from coinsync.desk.gather import Clerk
from coinsync.errors import (
    CoinsyncError,
    NotFound,
    UsageError,
)
from coinsync.lookup.residents import find_resident
from coinsync.store import writer
from coinsync.store.reader import Reader
from tests.support.makers import (
    ACCOUNT,
    ADA,
    DAY,
    GLEB,
    GROUP,
    MONTH,
    MORNING,
    a_plan,
    a_record,
    a_resident,
    environment,
    new_database,
    order,
    present,
    reading,
    writing,
)

MIRA, LEV = 103, 104
OMSK = 2
NAMES = {ADA: "Ада М.", GLEB: "Глеб С.", MIRA: "Мира К.", LEV: "Лев Т."}
BRANCHES = {ADA: (1,), GLEB: (1, OMSK), MIRA: (OMSK,), LEV: (9,)}
TODAY = date(2026, 11, 22)
ACTOR = "anna"
PARENT, GRANNY = 700, 701
KEY = lesson_key(ACCOUNT, 1, ADA)


@cache
def settings() -> Settings:
    """A school with branches in Moscow's zone and in Omsk's, and ways to earn."""
    values = {
        "alfacrm.account": ACCOUNT,
        "branch": [{"id": 1, "zone": "Europe/Moscow"}, {"id": OMSK, "zone": "Asia/Omsk"}],
        "rule": [{"name": "group", "coins": 10, "types": [2], "since": date(2026, 1, 1)}],
        "guards.coins_per_operation_max": 100,
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_text(config.example(values), encoding="utf-8")
        return config.load(path)


_RUNS = count(1)


@dataclass
class Desk:
    """A clerk's desk: a database, and the time on the clock."""

    url: str
    now: datetime = MORNING

    def later(self, **span: float) -> Desk:
        """The same desk some time after."""
        return Desk(self.url, self.now + timedelta(**span))

    def author(
        self, key: str = "k1", *, day: date | None = None, allow_duplicate: bool = False
    ) -> Author:
        """Anna's hand, now."""
        return Author(ACTOR, self.now, key, day, allow_duplicate)

    def do(self, *proposals: Proposal | Plan) -> list[Receipt]:
        """Write what operations plan, one after the other."""
        plans = [
            proposal.plan if isinstance(proposal, Proposal) else proposal for proposal in proposals
        ]
        by = replace(order(), actor=ACTOR, limits=settings().limits, started_at=self.now)
        with writing(self.url) as database:
            return [
                writer.apply(database, plan, by, environment(now=self.now, name=f"d{next(_RUNS)}"))
                for plan in plans
            ]

    def put(self, *changes: Change, purpose: Purpose = Purpose.DESK) -> None:
        """Record something without asking the desk."""
        self.do(a_plan(*changes, purpose=purpose))

    def card(self, id: int) -> Resident:
        """A card as it is recorded."""
        with reading(self.url) as reader:
            return found(reader, id)

    def balances(self) -> dict[int, int]:
        """What everybody has who has something."""
        with reading(self.url) as reader:
            found = reader.balances(NAMES)
        return {resident: coins for resident, coins in found.items() if coins}

    def entries(self) -> list[Entry]:
        """The whole ledger, notes put back in."""
        with reading(self.url) as reader:
            return [replace(line.posted.entry, note=line.note) for line in reader.journal()]

    # --- operations ------------------------------------------------------------------------------

    def give(
        self, resident: int, coins: int, key: str = "k1", *, note: str = "won", **more: Any
    ) -> Proposal:
        """Plan a credit or a debit; ``more`` goes to the hand."""
        way = more.pop("way", None)
        with reading(self.url) as reader:
            author = self.author(key, **more)
            return by_hand.give(
                Clerk(reader, settings(), author), who(reader, resident), coins, note=note, way=way
            )

    def give_all(
        self, residents: Sequence[int], coins: int, key: str = "k1", note: str = "won", **more: Any
    ) -> Proposal:
        """Plan the same credit for many; ``more`` goes to the author."""
        with reading(self.url) as reader:
            clerk = Clerk(reader, settings(), self.author(key, **more))
            receivers = [found(reader, id) for id in residents]
            return by_hand.give_all(clerk, receivers, coins, note=note)

    def given(self, resident: int, coins: int, key: str = "k1", **more: Any) -> Proposal:
        """A credit or a debit, written."""
        proposal = self.give(resident, coins, key, **more)
        self.do(proposal)
        return proposal

    def reverse(self, n: int, *, note: str = "a slip") -> Proposal:
        """Plan to take an entry back."""
        with reading(self.url) as reader:
            return by_hand.reverse(Clerk(reader, settings(), self.author()), n, note=note)

    def import_text(self, text: str, **more: Any) -> Proposal:
        """Plan the rows of a file."""
        rows, problems = read_import_rows(
            text.encode(),
            coins_max=settings().limits.coins_per_operation_max,
        )
        return self.import_rows(*rows, problems=problems, **more)

    def import_rows(
        self, *rows: ImportRow, problems: Sequence[Problem] = (), **more: Any
    ) -> Proposal:
        """Plan rows."""
        with reading(self.url) as reader:
            return imports.import_rows(
                Clerk(reader, settings(), self.author(**more)),
                rows,
                problems,
                lambda text: find_resident(reader, text),
            )

    def review(self, ruling: Ruling, *, note: str = "looked at it") -> Proposal:
        """Plan a word about everything that is held."""
        with reading(self.url) as reader:
            return review.review(
                Clerk(reader, settings(), self.author()), reader.all(Hold), ruling, note=note
            )

    def merge(self, card: int, into: int) -> Proposal:
        """Plan to merge two cards."""
        with reading(self.url) as reader:
            return people.merge(
                Clerk(reader, settings(), self.author()), found(reader, card), found(reader, into)
            )

    def unmerge(self, card: int) -> Proposal:
        """Plan to undo a merge."""
        with reading(self.url) as reader:
            return people.unmerge(Clerk(reader, settings(), self.author()), found(reader, card))

    def erase(self, resident: int) -> Proposal:
        """Plan to forget somebody."""
        with reading(self.url) as reader:
            return people.erase(Clerk(reader, settings(), self.author()), who(reader, resident))

    def link(self, resident: int, vk: int) -> Proposal:
        """Plan a link."""
        with reading(self.url) as reader:
            return people.link(Clerk(reader, settings(), self.author()), who(reader, resident), vk)

    def revoke(self, resident: int, vk: int) -> Proposal:
        """Plan to revoke a link."""
        with reading(self.url) as reader:
            return people.revoke(
                Clerk(reader, settings(), self.author()), who(reader, resident), vk
            )

    # --- nights -------------------------------------------------------------------------------

    def tonight(self, *lesson_records: LessonRecord) -> Plan:
        """What a reading of these lessons plans."""
        with reading(self.url) as reader:
            stored = reader.lesson_records_by_id(record.lesson.id for record in lesson_records)
            keys = [
                lesson_key(ACCOUNT, one.lesson, one.resident)
                for record in lesson_records
                for one in record.attendance
            ]
            recorded = Recorded(
                stored,
                reader.key_states(keys),
                reader.holds(stored),
                reader.decisions(stored),
                reader.resident_ids(),
                erased=reader.resident_ids(Presence.ERASED),
                survivors=reader.survivors(),
            )
            comparison = compare(
                WindowReading(lesson_records), recorded, settings().rulebook, ACCOUNT, None
            )
            balances = reader.balances(comparison.losers)
            return plan_lessons(MONTH, comparison, balances=balances, evidence=Evidence())

    def night(self, *lesson_records: LessonRecord) -> None:
        """A reading, written."""
        self.do(self.tonight(*lesson_records))


def found(reader: Reader, id: int) -> Resident:
    """One card."""
    one = reader.resident(id)
    assert one is not None
    return one


def who(reader: Reader, id: int) -> Resident:
    """A resident as commands find them."""
    return find_resident(reader, f"#{id}")


def refused(kind: type[CoinsyncError], does: Any, *words: Any, **more: Any) -> CoinsyncError:
    """What must be refused; it says that nothing is written but where it is about typing."""
    with pytest.raises(kind) as caught:
        does(*words, **more)
    assert type(caught.value) is kind
    assert kind in (UsageError, NotFound) or "nothing written" in caught.value.message
    return caught.value


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    """A desk at which four residents are known."""
    return opened(tmp_path)


def opened(folder: Path) -> Desk:
    """A desk with a database in a folder."""
    fresh = Desk(new_database(folder))
    cards = (a_resident(id, name, branches=BRANCHES[id]) for id, name in NAMES.items())
    fresh.put(*map(Put, cards), purpose=Purpose.PEOPLE)
    return fresh


@pytest.fixture
def paid(at: Desk) -> Desk:
    """The same desk after a night in which Ada was paid for lesson 1."""
    at.night(a_record())
    return at


@pytest.fixture
def family(at: Desk) -> Desk:
    """Ada with thirty coins, seen by parent and grandmother; Gleb with five, seen by the parent."""
    at.given(ADA, 30)
    at.given(GLEB, 5, "k2")
    at.put(
        Put(Link(PARENT, ADA, LinkSource.CRM)),
        Put(Link(GRANNY, ADA, LinkSource.DESK)),
        Put(Link(PARENT, GLEB, LinkSource.CRM)),
    )
    return at


def sees(at: Desk) -> set[tuple[int, int]]:
    """Who sees whom: account and card."""
    with reading(at.url) as reader:
        return {(link.vk, link.resident) for link in reader.links() if link.live}


def owing(at: Desk) -> None:
    """Ada spent eight of ten coins that were then taken back after a review."""
    at.night(a_record())
    at.given(ADA, -8, "owed")
    at.night(a_record(None, present(mark=Mark.ABSENT)))
    at.do(at.review(Ruling.POST))


@pytest.fixture
def known(paid: Desk) -> Desk:
    """Ada with coins and notes, a screen name, two viewers, a merged card and a decision."""
    paid.put(Put(a_resident(ADA, "Ада М.", vk="vk.com/ada.minina"), a_resident(ADA, "Ада М.")))
    paid.put(
        Put(Link(700700, ADA, LinkSource.CRM)),
        Put(Link(701701, MIRA, LinkSource.DESK)),
        Put(Link(701701, LEV, LinkSource.DESK, live=False)),
        Put(VkPage(ADA, "ada.minina", PageKind.PERSON, 700700, DAY)),
        Put(Membership(ADA, GROUP)),
    )
    paid.given(ADA, 30, note="won")
    paid.given(MIRA, 5, "k2", note="hurt her knee")
    paid.do(paid.merge(MIRA, ADA))
    paid.given(ADA, -45, "k3", note="won")
    paid.night(a_record(None, present(mark=Mark.ABSENT)))
    paid.do(paid.review(Ruling.WAIVE, note="was there, says her mother"))
    paid.given(ADA, 4, "k4", note="won")
    return paid
