"""From the CRM to plans: one branch, one window of at most a month after the other. Reads all, writes nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from coinsync.config import BranchSettings, Settings
from coinsync.core.fact_keys import identity
from coinsync.core.facts import (
    LessonRecord,
    Membership,
    Presence,
    RegularLesson,
    Resident,
    Status,
    VkPage,
)
from coinsync.core.ledger import lesson_key
from coinsync.core.plan import Evidence, Plan, Purpose, Put, Scope
from coinsync.core.planning.compare import Recorded, WindowReading, compare
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.planning.people import People, names_to_ask, plan_people
from coinsync.core.rules import LessonContext, by_group, by_resident
from coinsync.errors import CoinsyncError, ConfigError, IncompleteRead
from coinsync.exchange.base import Exchange, Reading
from coinsync.exchange.vk import VkApi
from coinsync.store.reader import Reader

WINDOW_DAYS_MAX = 31
#: Missing lessons that are asked for one by one; more of them are a fault of the answer.
MISSING_ASKED_MAX = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one branch and window: a plan, or the error that says why nothing can be said.

    ``today`` is the school's day of the reading, ``calls`` how many requests it took; ``warning`` is what could not be
    asked, though the plan does not depend on it.
    """

    branch: BranchSettings
    scope: Scope
    today: date
    plan: Plan | None = None
    error: CoinsyncError | None = None
    calls: int = 0
    warning: CoinsyncError | None = None


@dataclass(slots=True)
class Sync:
    """One run over the branches. Plans come one by one, so that each can be applied before the next is made.

    Balances and residents are those at the start plus what the plans so far bring, and a lesson that one plan dealt
    with is no matter for the next, so that a dry run and a real one plan alike. Plans that a guard refuses bring
    nothing, unless their digests are ``accepted``; one that could not be applied is taken back with ``refuse``.
    """

    exchange: Exchange
    reader: Reader
    settings: Settings
    rerate: bool = False
    accepted: tuple[str, ...] = ()
    vk: VkApi | None = None
    _moved: Counter[int] = field(default_factory=Counter)
    _known: set[int] = field(default_factory=set)
    _vanished: set[int] = field(default_factory=set)
    _missed: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    _done: set[int] = field(default_factory=set)
    _start: int = 0
    _calls: int = 0
    _refused: Plan | None = None

    def __post_init__(self) -> None:
        """Remember how far the ledger had come and who was known when the run began."""
        self._start = self.reader.head().n
        self._known = set(self.reader.resident_ids())
        self._vanished = set(self.reader.resident_ids(Presence.GONE)) - set(self.reader.survivors())

    def refuse(self, plan: Plan) -> None:
        """Take note that the plan that came last was not applied."""
        self._refused = plan

    def outcomes(
        self,
        branches: Iterable[BranchSettings],
        since: date | None,
        until: date | None,
        now: datetime,
    ) -> Iterator[Outcome]:
        """Plan branch by branch, window by window; ``now`` (aware) serves where the CRM has no clock of its own.

        The window is the configured number of days up to today unless ``since`` and ``until`` say otherwise.
        """
        for branch in branches:
            today = now.astimezone(branch.zone).date()
            first, last = since or today - timedelta(self.settings.sync.days_back), until or today
            try:
                today = (self.exchange.moment() or now).astimezone(branch.zone).date()
                last = min(until or today, today)
                first = since or last - timedelta(self.settings.sync.days_back)
                yield from self._branch(branch, first, last, today)
            except CoinsyncError as error:
                yield Outcome(
                    branch,
                    Scope(branch.id, first, last),
                    today,
                    error=error,
                    calls=self._calls_since(),
                )

    def _branch(
        self, branch: BranchSettings, since: date, until: date, today: date
    ) -> Iterator[Outcome]:
        """First the people of a branch, then its lessons window by window."""
        run = self.reader.last_run(branch.id, Purpose.PEOPLE)
        read_before = run.until if run else None
        people, context, warning = self._plan_people(
            branch.id, self._read_people(branch.id, today), today, read_before
        )
        if not (yield from self._offer(branch, people, today, warning)):
            # Who is not there has not attended either: without its people nothing can be said of a branch's lessons.
            return
        for scope in windows(branch.id, since, until):
            try:
                plan, seen = self._plan_window(scope, context, read_before)
            except CoinsyncError as error:
                yield Outcome(branch, scope, today, error=error, calls=self._calls_since())
            else:
                if (yield from self._offer(branch, plan, today)):
                    self._done |= seen

    def _offer(
        self, branch: BranchSettings, plan: Plan, today: date, warning: CoinsyncError | None = None
    ) -> Generator[Outcome, None, bool]:
        """Hand a plan out and, unless it is refused, count on what it brings; tell whether it counts."""
        yield Outcome(branch, plan.scope, today, plan, calls=self._calls_since(), warning=warning)
        if plan is self._refused or plan.refusals(self.settings.limits, self.accepted):
            return False
        survivors = self.reader.survivors()
        for entry in plan.entries:
            self._moved[survivors.get(entry.resident, entry.resident)] += entry.coins
        people = [
            change.new
            for change in plan.changes
            if isinstance(change, Put) and isinstance(change.new, Resident)
        ]
        self._known |= {one.id for one in people}
        self._vanished -= {one.id for one in people}
        self._vanished |= {one.id for one in people if one.presence is Presence.GONE} - set(
            survivors
        )
        return True

    def _calls_since(self) -> int:
        before, self._calls = self._calls, self.exchange.calls
        return self._calls - before

    # --- people -------------------------------------------------------------------------------------------------

    def _read_people(self, branch: int, today: date) -> _PeopleRead:
        branches = _whole(self.exchange.branches())
        if branch not in {one.id for one in branches}:
            there = ", ".join(f"{one.id} {one.name}".rstrip() for one in branches)
            raise ConfigError(
                [f"config: [[branch]] id {branch}: no such branch in the CRM"],
                advice=f"The CRM has: {there}.",
            )
        self.exchange.expect(branch, today)
        residents, memberships = self.exchange.residents(branch), self.exchange.memberships(branch)
        read = People(
            branches,
            _whole(self.exchange.lesson_types(branch)),
            _whole(self.exchange.groups(branch)),
            _whole(residents),
            _whole(memberships),
        )
        schedule = self.exchange.schedule(branch)
        if schedule.unreadable and any(
            rule.scheduled_only for rule in self.settings.rulebook.rules
        ):
            # Lessons on a line that cannot be read would count as unscheduled and lose their coins.
            raise IncompleteRead(
                f"incomplete read: {len(schedule.unreadable)} lines of the schedule are unreadable"
            )
        return _PeopleRead(
            read,
            {one.id: one.path for one in residents.unreadable},
            {one.id: one.path for one in memberships.unreadable},
            by_group(_whole(schedule)),
        )

    def _plan_people(
        self, branch: int, people: _PeopleRead, today: date, read_before: date | None
    ) -> tuple[Plan, LessonContext, CoinsyncError | None]:
        known = self.reader.people(
            branch, {one.id for one in people.read.residents} | set(people.residents_unreadable)
        )
        # What cannot be read today stays as it was: its owner is there all the same.
        residents = [one for one in known.residents if one.id in people.residents_unreadable]
        memberships = [
            one for one in known.memberships if one.resident in people.memberships_unreadable
        ]
        pages, warning = self._ask_vk(people.read.residents, known, today)
        read = replace(
            people.read,
            residents=(*people.read.residents, *residents),
            memberships=(*people.read.memberships, *memberships),
            pages=pages,
        )
        scope, unreadable = (
            Scope(branch, today, today),
            people.residents_unreadable | people.memberships_unreadable,
        )
        plan = plan_people(
            scope, read, known, read_before=read_before, unreadable=unreadable, missed=self._missed
        )
        for absent in {one.id for one in known.residents if branch in one.branches} - {
            one.id for one in read.residents
        }:
            self._missed[absent].add(branch)
        after = {identity(one): one for one in known.memberships}
        news = (change.new for change in plan.changes if isinstance(change, Put))
        after.update((identity(one), one) for one in news if isinstance(one, Membership))
        types = {one.id: one for one in (*known.types, *read.types)}
        first_read = self.reader.first_read_on(branch) or today
        return (
            plan,
            LessonContext(types, by_resident(after.values()), people.schedule, first_read),
            warning,
        )

    def _ask_vk(
        self, read: Sequence[Resident], known: People, today: date
    ) -> tuple[tuple[VkPage, ...], CoinsyncError | None]:
        """Ask VK about screen names on cards that it was not asked about; what it does not say is asked next time."""
        names = names_to_ask(read, known) if self.vk is not None else {}
        if self.vk is None or not names:
            return (), None
        found = self.vk.resolve(sorted(set(names.values())))
        answers = ((resident, name, found.answers.get(name)) for resident, name in names.items())
        pages = (
            VkPage(resident, name, one.kind, one.number, today)
            for resident, name, one in answers
            if one is not None
        )
        return tuple(pages), found.error

    # --- lessons ------------------------------------------------------------------------------------------------

    def _plan_window(
        self, scope: Scope, context: LessonContext, read_before: date | None
    ) -> tuple[Plan, frozenset[int]]:
        """Plan one window, and say which lessons the plan deals with."""
        reading = self.exchange.lesson_records(scope.branch, scope.since, scope.until)
        stored = self.reader.lesson_records(scope.branch, scope.since, scope.until)
        window = self._sight(scope, reading, stored)
        stored.update(
            self.reader.lesson_records_by_id(
                {record.lesson.id for record in window.lesson_records} - set(stored)
            )
        )
        settled = tuple(
            map(self._with_visitors(context, window.lesson_records).settle, window.lesson_records)
        )
        recorded = self._recorded(stored, settled)
        found = compare(
            replace(window, lesson_records=settled),
            recorded,
            self.settings.rulebook,
            self.settings.account,
            read_before,
        )
        evidence = Evidence(
            window.lessons_known,
            window.lessons_read,
            recorded.awards_posted,
            window.lessons_unasked,
        )
        balances = self._balances(found.losers)
        survivors = self.reader.survivors()
        plan = plan_lessons(
            scope,
            found,
            balances=balances,
            evidence=evidence,
            survivors=survivors,
            rerate=self.rerate,
        )
        return plan, frozenset(record.lesson.id for record in settled)

    def _sight(
        self, scope: Scope, reading: Reading[LessonRecord], stored: dict[int, LessonRecord]
    ) -> WindowReading:
        """Complete what was read with what became of the recorded lessons that the answer lacks."""
        lesson_records = {
            record.lesson.id: record
            for record in _whole(reading)
            if record.lesson.id not in self._done
        }
        unreadable = {one.id: one.path for one in reading.unreadable}
        accounted = {*lesson_records, *unreadable, *self._done}
        missing = [
            id
            for id, record in stored.items()
            if id not in accounted and record.lesson.status is not Status.GONE
        ]
        known = sum(record.lesson.status is Status.CONDUCTED for record in stored.values())
        # Where so much has vanished it is the answer that must be doubted: nothing is asked for, the guard will speak.
        doubtful = len(missing) > MISSING_ASKED_MAX or bool(known and not reading.items)
        found = {} if doubtful else self._ask_for(missing, scope.branch)
        return WindowReading(
            (*lesson_records.values(), *found.values()),
            gone=tuple(id for id in missing if id not in found),
            unreadable=unreadable,
            lessons_read=len(reading.items),
            lessons_known=known,
            lessons_unasked=len(missing) if doubtful else 0,
        )

    def _ask_for(self, lessons: Iterable[int], branch: int) -> dict[int, LessonRecord]:
        order = [branch, *(other.id for other in self.settings.branches if other.id != branch)]
        answers = {lesson: self.exchange.find_lesson_record(lesson, order) for lesson in lessons}
        return {lesson: record for lesson, record in answers.items() if record is not None}

    def _with_visitors(
        self, context: LessonContext, lesson_records: Sequence[LessonRecord]
    ) -> LessonContext:
        """Add what is remembered of visitors from other branches, who are not among this branch's people."""
        present = {one.resident for record in lesson_records for one in record.attendance}
        visitors = self.reader.recorded(Membership, present - set(context.memberships))
        return replace(context, memberships={**context.memberships, **by_resident(visitors)})

    def _recorded(
        self, stored: dict[int, LessonRecord], lesson_records: Sequence[LessonRecord]
    ) -> Recorded:
        account = self.settings.account
        pairs = {
            (record.lesson.id, one.resident)
            for record in (*stored.values(), *lesson_records)
            for one in record.attendance
        }
        key_states = self.reader.key_states(lesson_key(account, *pair) for pair in sorted(pairs))
        lessons = {lesson for lesson, _ in pairs}
        posted = sum(state.coins > 0 for state in key_states.values())
        return Recorded(
            stored,
            key_states,
            self.reader.holds(lessons),
            self.reader.decisions(lessons),
            frozenset(self._known),
            frozenset(self._vanished),
            posted,
        )

    def _balances(self, residents: Iterable[int]) -> dict[int, int]:
        survivors = self.reader.survivors()
        owners = {survivors.get(one, one) for one in residents}
        found = self.reader.balances(owners, upto=self._start)
        return {owner: coins + self._moved[owner] for owner, coins in found.items()}


@dataclass(frozen=True, slots=True)
class _PeopleRead:
    read: People
    residents_unreadable: dict[int, str]
    memberships_unreadable: dict[int, str]
    schedule: dict[int, list[RegularLesson]]


def windows(branch: int, since: date, until: date) -> Iterator[Scope]:
    """Cut a span of days into calendar months, the oldest first."""
    while since <= until:
        next_month = (since.replace(day=1) + timedelta(days=WINDOW_DAYS_MAX + 1)).replace(day=1)
        end = min(until, next_month - timedelta(days=1))
        yield Scope(branch, since, end)
        since = end + timedelta(days=1)


def _whole(reading: Reading[T]) -> tuple[T, ...]:
    """The items of a complete reading; an incomplete one proves nothing and stops here."""
    if not reading.complete:
        raise IncompleteRead(f"incomplete read: {reading.why}")
    return reading.items
