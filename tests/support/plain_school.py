"""A school of two branches over plain values, with a database, for tests of a sync's memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

from coinsync import config
from coinsync.config import Settings
from coinsync.core.facts import (
    Attendance,
    Branch,
    Doubt,
    Group,
    LessonRecord,
    LessonType,
    Mark,
    Membership,
    Merge,
    Resident,
)
from coinsync.core.ledger import Entry
from coinsync.core.plan import Plan, Post, Put, RemarkKind
from coinsync.core.proposal import Author, Proposal
from coinsync.desk.gather import Clerk, recorded_resident
from coinsync.store import database as opening
from coinsync.store.reader import Reader
from coinsync.sync import Outcome, Sync
from tests.support.makers import (
    ACCOUNT,
    ADA,
    GLEB,
    PAID_TYPE,
    a_credit,
    a_lesson,
    a_plan,
    a_resident,
    a_rule,
    new_database,
    put_in,
    reading,
)
from tests.support.plain import PlainExchange

LEFT, RIGHT = 1, 2
#: Their groups; residents of both branches belong to both.
LEFT_GROUP, RIGHT_GROUP = 11, 21
GROUPS = {LEFT: LEFT_GROUP, RIGHT: RIGHT_GROUP}
MILA = 103
#: The CRM's clock at the first reading, and the school's day then.
NOW = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 10)
#: With the days of both months, so that a branch has two windows of lessons.
OCTOBER, NOVEMBER = date(2026, 10, 29), date(2026, 11, 3)


def settings_in(folder: Path) -> Settings:
    """A configuration of two branches, the second six hours ahead, and one rule."""
    path = folder / "config.toml"
    branches = [
        {"id": LEFT, "name": "Left", "zone": "Europe/Moscow"},
        {"id": RIGHT, "name": "Right", "zone": "Asia/Krasnoyarsk"},
    ]
    values = {"alfacrm.account": ACCOUNT, "branch": branches, "sync.days_back": 30}
    path.write_text(config.example(values), encoding="utf-8")
    return replace(config.load(path), rules=(a_rule(),))


def held(
    id: int = 1,
    *residents: int,
    on: date = NOVEMBER,
    branch: int = LEFT,
    mark: Mark = Mark.ATTENDED,
    **more: object,
) -> LessonRecord:
    """A lesson of the branch's group that these residents attended; Ada where nobody is named."""
    lesson = a_lesson(id, on=on, branch=branch, groups=(GROUPS[branch],))
    lesson = replace(lesson, **more)  # type: ignore[arg-type]
    attendance = tuple(Attendance(id, resident, mark) for resident in residents or (ADA,))
    return LessonRecord(lesson, attendance)


@dataclass
class PlainSchool:
    """What the CRM says, what is recorded, and how a sync is run over it.

    ``cards`` are the residents as their cards are; each belongs to the groups of its branches.
    """

    folder: Path
    settings: Settings
    url: str
    cards: list[Resident] = field(default_factory=list)
    lessons: list[LessonRecord] = field(default_factory=list)
    now: datetime = NOW
    #: For whatever a test changes in the answers.
    spoil: Callable[[PlainExchange], PlainExchange] = lambda exchange: exchange
    last_exchange: PlainExchange | None = None
    #: For keys of what clerks do.
    numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    def founded(cls, folder: Path) -> PlainSchool:
        """Ada and Gleb learn in the left branch, Mila in the right one; no lesson yet."""
        cards = [a_resident(ADA), a_resident(GLEB), a_resident(MILA, branches=(RIGHT,))]
        return cls(folder, settings_in(folder), new_database(folder), cards)

    def exchange(self) -> PlainExchange:
        """The CRM as it is now."""
        residents, memberships = {}, {}
        for branch, group in GROUPS.items():
            here = tuple(card for card in self.cards if branch in card.branches)
            residents[branch] = here
            memberships[branch] = tuple(
                Membership(card.id, group, date(2026, 1, 1)) for card in here
            )
        plain = PlainExchange(
            (Branch(LEFT, "Left"), Branch(RIGHT, "Right")),
            (LessonType(PAID_TYPE, "Group", 2),),
            {branch: (Group(group, f"Group {group}"),) for branch, group in GROUPS.items()},
            residents,
            memberships,
            records=tuple(self.lessons),
            now=self.now,
        )
        self.last_exchange = self.spoil(plain)
        return self.last_exchange

    def dry_run(
        self,
        *,
        since: date | None = None,
        until: date | None = None,
        branches: tuple[int, ...] = (LEFT, RIGHT),
    ) -> list[Outcome]:
        """What a dry run finds."""
        chosen = [branch for branch in self.settings.branches if branch.id in branches]
        with self.run(since, until) as run:
            return run.plan_all(chosen)

    @contextmanager
    def run(self, since: date | None = None, until: date | None = None) -> Iterator[Sync]:
        """A run whose host's clock is a day behind the CRM's."""
        host = self.now - timedelta(days=1)
        opened = opening.open_readable(self.url)
        with opening.reading(opened):
            yield Sync(self.exchange(), Reader(opened), self.settings, host, since, until)

    def night(self) -> list[Outcome]:
        """A sync that applies what it plans, all of which must be safe."""
        outcomes = self.dry_run()
        for outcome in outcomes:
            assert outcome.plan is not None, outcome.error
            assert not outcome.plan.check(self.settings.limits)
            put_in(self.url, outcome.plan)
        assert not any(outcome.plan for outcome in self.dry_run())
        return outcomes

    def merge(self, card: int, into: int) -> None:
        """A clerk merges two cards."""
        put_in(self.url, a_plan(Put(Merge(card, into, ever=(into,)))))

    def part(self, card: int, into: int) -> None:
        """A clerk undoes a merge."""
        merged = Merge(card, into, ever=(into,))
        put_in(self.url, a_plan(Put(replace(merged, into=0), merged)))

    def spend(self, resident: int, coins: int) -> None:
        """A clerk takes coins."""
        self.earn(resident, -coins)

    def earn(self, resident: int, coins: int) -> None:
        """A clerk gives coins."""
        key = f"by-hand-{next(self.numbers)}"
        put_in(self.url, a_plan(Post(a_credit(key, resident, coins, on=TODAY))))

    def carry_out(self, decide: Callable[[Clerk], Proposal]) -> None:
        """What a clerk decides is applied."""
        with reading(self.url) as reader:
            proposal = decide(Clerk(reader, self.settings, Author("anna", self.now)))
        put_in(self.url, proposal.plan)

    def card(self, id: int) -> Resident:
        """A card as it is recorded."""
        with reading(self.url) as reader:
            return recorded_resident(reader, id)

    def doubts(self) -> list[Doubt]:
        """All that is doubted."""
        with reading(self.url) as reader:
            return reader.all(Doubt)


def plans(outcomes: list[Outcome]) -> list[Plan]:
    """All plans of a run."""
    return [outcome.plan for outcome in outcomes if outcome.plan is not None]


def entries(outcomes: list[Outcome]) -> list[Entry]:
    """All entries that a run would post."""
    return [entry for plan in plans(outcomes) for entry in plan.entries]


def remarks(outcomes: list[Outcome], kind: RemarkKind) -> list[tuple[int | None, ...]]:
    """Lesson, resident and other one of each remark of a kind."""
    return [
        (remark.lesson, remark.resident, remark.other)
        for plan in plans(outcomes)
        for remark in plan.remarks
        if remark.kind is kind
    ]
