"""From the CRM to plans: people of a branch, then its lessons by month. Nothing is written."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from coinsync.config import BranchSettings, Settings
from coinsync.core import clocks
from coinsync.core.facts import (
    Doubt,
    DoubtKind,
    Hold,
    HoldKind,
    LessonRecord,
    Membership,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.ledger import lesson_key
from coinsync.core.plan import Limits, Plan, Purpose, Put, Scope, digest_of
from coinsync.core.planning.compare import Recorded, compare
from coinsync.core.planning.doubts import Doubts, believe
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.planning.people import People, names_to_ask, plan_people
from coinsync.core.planning.review import Ruling, plan_review
from coinsync.core.planning.visits import new_visits, questions_about, with_ruling
from coinsync.core.rules import UNCERTAIN, GuestPolicy, LessonContext, by_group, by_resident
from coinsync.errors import ClockWrong, CoinsyncError, IncompleteRead
from coinsync.exchange.base import Exchange, PeopleReading, read_people
from coinsync.exchange.vk import VkApi
from coinsync.exchange.window import read_window, without_copies
from coinsync.store.reader import Reader


@dataclass(frozen=True, slots=True)
class LessonStep:
    """The lessons of one window, to be planned once the branch's people are.

    These were read at ``moment`` (UTC), with these cards ``doubted``.
    """

    branch: BranchSettings
    scope: Scope
    today: date
    context: LessonContext
    read_before: date | None
    moment: datetime
    doubted: frozenset[int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one step: a plan, or the error that says why there is none.

    ``warning`` is a failure that the plan does not depend on, ``missing`` are residents of the
    branch who were not read.
    """

    branch: BranchSettings
    scope: Scope
    today: date
    plan: Plan | None = None
    error: CoinsyncError | None = None
    calls: int = 0
    warning: CoinsyncError | None = None
    steps: tuple[LessonStep, ...] = ()
    lessons: frozenset[int] = frozenset()
    missing: frozenset[int] = frozenset()


@dataclass(slots=True)
class Sync:
    """One run over the branches; ``now`` (aware) serves where the CRM has no clock.

    ``guests`` is what ``actor`` says about new visits whose membership is not known, ``doubted``
    the CRM's time where it cannot be right.

    Balances and residents are those at the start plus what the counted plans bring, applied or
    not: so a dry run and a real one plan alike.
    """

    exchange: Exchange
    reader: Reader
    settings: Settings
    now: datetime
    since: date | None = None
    until: date | None = None
    rerate: bool = False
    vk: VkApi | None = None
    guests: GuestPolicy | None = None
    actor: str = ""
    doubted: datetime | None = None
    _coins_moved: Counter[int] = field(default_factory=Counter)
    _residents: set[int] = field(default_factory=set)
    _vanished: set[int] = field(default_factory=set)
    _asked_about: set[int] = field(default_factory=set)
    _missing_in: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    _lessons_planned: set[int] = field(default_factory=set)
    _start: int = 0
    _calls_counted: int = 0

    def __post_init__(self) -> None:
        """Remember how far the ledger had come and who was known."""
        self._start = self.reader.head().n
        self._residents = set(self.reader.resident_ids())
        gone = set(self.reader.resident_ids(Presence.GONE))
        self._vanished = gone - set(self.reader.survivors())
        self._asked_about = {doubt.id for doubt in self.reader.all(Doubt) if doubt.is_merge}

    def plan_all(self, branches: Iterable[BranchSettings]) -> list[Outcome]:
        """Plan everything as a dry run does: a plan stands when no guard refuses it."""
        outcomes: list[Outcome] = []

        def take(outcome: Outcome) -> bool:
            outcomes.append(outcome)
            return outcome.plan is not None and not outcome.plan.check(self.settings.limits)

        self.plan_each(branches, take)
        return outcomes

    def plan_each(
        self, branches: Iterable[BranchSettings], take: Callable[[Outcome], bool]
    ) -> None:
        """Plan step by step; ``take`` says whether a plan stands, so that the next count on it."""
        for branch in branches:
            people = self.plan_people(branch)
            if not take(people):
                continue
            self.count(people)
            for step in people.steps:
                lessons = self.plan_lessons(step)
                if take(lessons):
                    self.count(lessons)

    def count(self, outcome: Outcome) -> None:
        """Count on what a plan brings, applied or only planned."""
        if outcome.plan is None:
            raise ValueError("there is no plan to count on")
        # A lesson that moved to another day or branch turns up in a later window again. Planned
        # twice, it would be paid or reversed twice.
        self._lessons_planned |= outcome.lessons
        for card in outcome.missing:
            self._missing_in[card].add(outcome.branch.id)
        survivors = self.reader.survivors()
        for entry in outcome.plan.entries:
            owner = survivors[entry.resident]
            self._coins_moved[owner] += entry.coins
        for change in outcome.plan.changes:
            match change:
                case Put(new=Doubt(is_merge=True) as doubt):
                    self._asked_about.add(doubt.id)
                case Put(new=Resident() as resident):
                    self._residents.add(resident.id)
                    self._vanished.discard(resident.id)
                    if resident.presence is Presence.GONE and resident.id not in survivors:
                        self._vanished.add(resident.id)

    def _calls(self) -> int:
        before, self._calls_counted = self._calls_counted, self.exchange.calls
        return self._calls_counted - before

    def plan_people(self, branch: BranchSettings) -> Outcome:
        """Plan the people of a branch; its lessons are further steps."""
        today = self.now.astimezone(branch.zone).date()
        try:
            # The school's day is the CRM's: a wrong clock of ours must not read a day too few.
            moment = self._moment().astimezone(UTC)
            today = moment.astimezone(branch.zone).date()
            return self._people_outcome(branch, today, moment)
        except ClockWrong:
            # It is no trouble of one branch: with a wrong clock nothing may be planned at all.
            raise
        except CoinsyncError as error:
            scope = Scope(branch.id, *self._days(today))
            return Outcome(branch, scope, today, error=error, calls=self._calls())

    def _moment(self) -> datetime:
        theirs = self.exchange.moment()
        hours_max = self.settings.limits.clock_hours_max
        moment = clocks.believed(self.now, theirs, hours_max)
        if moment is None:
            self.doubted = theirs
        return moment or self.now

    def _days(self, today: date) -> tuple[date, date]:
        last = min(self.until or today, today)
        # No day is before the first one that a calendar has.
        days_back = min(self.settings.sync.days_back, last.toordinal() - 1)
        return self.since or last - timedelta(days=days_back), last

    def _windows(self, branch: int, today: date) -> list[Scope]:
        """What to read, and months before it with a held reversal that the child can pay by now."""
        since, until = self._days(today)
        survivors = self.reader.survivors()
        # A whole month, because a day on which nothing is left would be taken for an empty answer.
        begins = set()
        for hold in self.reader.all(Hold):
            is_spent = hold.kind is HoldKind.REVERSAL and hold.reason not in UNCERTAIN
            if not is_spent or hold.branch != branch or hold.happened_on >= since:
                continue
            owner = survivors[hold.resident]
            if self._balances([owner])[owner] >= -hold.coins:
                begins.add(hold.happened_on.replace(day=1))
        held = []
        for begin in sorted(begins):
            before = Scope(branch, begin, since - timedelta(days=1))
            held.append(next(before.months()))
        return [*Scope(branch, since, until).months(), *held]

    def _people_outcome(self, branch: BranchSettings, today: date, moment: datetime) -> Outcome:
        last_run = self.reader.last_run(branch.id, Purpose.PEOPLE)
        read_before = date.fromisoformat(last_run.until) if last_run else None
        windows = self._windows(branch.id, today)
        self.exchange.expect(branch.id, windows)
        reading = read_people(self.exchange, branch.id, today)
        self._check_schedule(reading)
        numbers = {resident.id for resident in reading.people.residents} | set(reading.bad_cards)
        doubted = []
        for doubt in self.reader.all(Doubt):
            if doubt.is_about_card and doubt.branch == branch.id:
                doubted.append(doubt)
                numbers.add(doubt.id)
        known = self.reader.people(branch.id, numbers)
        pages, warning = self._ask_vk(reading.people.residents, known, today)
        read = replace(reading.completed_from(known), pages=pages)
        scope, doubts = Scope(branch.id, today, today), Doubts(moment, doubted)
        plan = plan_people(
            scope,
            read,
            known,
            read_before=read_before,
            doubts=doubts,
            unreadable=reading.bad_cards | reading.bad_memberships,
            missed=self._missing_in,
        )
        here = {resident.id for resident in known.residents if branch.id in resident.branches}
        missing = here.difference(resident.id for resident in read.residents)
        types = {lesson_type.id: lesson_type for lesson_type in (*known.types, *read.types)}
        context = LessonContext(
            types,
            by_resident(plan.facts_after(Membership, known.memberships)),
            by_group(reading.schedule),
            self.reader.first_read_on(branch.id) or today,
        )
        steps = []
        for window in windows:
            step = LessonStep(branch, window, today, context, read_before, moment, doubts.cards)
            steps.append(step)
        return Outcome(
            branch,
            scope,
            today,
            plan,
            calls=self._calls(),
            warning=warning,
            steps=tuple(steps),
            # A card whose absence is doubted may be there all the same.
            missing=frozenset(missing - doubts.cards),
        )

    def _check_schedule(self, reading: PeopleReading) -> None:
        """Refuse a schedule with gaps where rules go by it: lessons would lose their coins."""
        by_schedule = any(rule.scheduled_only for rule in self.settings.rulebook.rules)
        if by_schedule and reading.bad_schedule_lines:
            lines = f"{reading.bad_schedule_lines} lines of the schedule"
            raise IncompleteRead(f"incomplete read: {lines} are unreadable")

    def _ask_vk(
        self, residents: Sequence[Resident], known: People, today: date
    ) -> tuple[tuple[VkPage, ...], CoinsyncError | None]:
        """Ask VK about new screen names; what it does not answer is asked next time."""
        names = names_to_ask(residents, known)
        if self.vk is None or not names:
            return (), None
        resolved = self.vk.resolve(sorted(set(names.values())))
        pages = []
        for resident, name in names.items():
            answer = resolved.answers.get(name)
            if answer is not None:
                pages.append(VkPage(resident, name, answer.kind, answer.number, today))
        return tuple(pages), resolved.error

    def plan_lessons(self, step: LessonStep) -> Outcome:
        """Plan the lessons of one window."""
        try:
            return self._lessons_outcome(step)
        except CoinsyncError as error:
            return Outcome(step.branch, step.scope, step.today, error=error, calls=self._calls())

    def _lessons_outcome(self, step: LessonStep) -> Outcome:
        scope = step.scope
        stored = self.reader.lesson_records(scope.branch, scope.since, scope.until)
        # What an earlier step dealt with is recorded elsewhere once that step is applied. A dry
        # run must see it so too, or it would plan for the lesson twice.
        for number in self._lessons_planned.intersection(stored):
            del stored[number]
        branches = [branch.id for branch in self.settings.branches]
        window = read_window(self.exchange, scope, stored, self._lessons_planned, branches)
        # A lesson that was moved here is recorded under another day or branch.
        read = frozenset(record.lesson.id for record in window.lesson_records)
        moved = self.reader.lesson_records_by_id(read.difference(stored))
        stored.update(moved)
        window = without_copies(self.exchange, window, moved)
        rulebook = self.settings.rulebook
        window, doubts = believe(
            window, stored, scope, rulebook, step.moment, self.reader.all(Doubt)
        )
        context = self._with_visitors(step.context, window.lesson_records)
        settled = _settled(context, window.lesson_records, stored)
        recorded = self._recorded(stored, settled, step.doubted)
        comparison = compare(
            replace(window, lesson_records=settled),
            recorded,
            rulebook,
            self.settings.account,
            step.read_before,
        )
        for gone, heir in comparison.heirs.items():
            doubts.keep(DoubtKind.CARD_MERGED, gone, scope.branch, str(heir))
        comparison = replace(
            comparison,
            facts=(*comparison.facts, *doubts.changes),
            remarks=(*comparison.remarks, *doubts.remarks),
        )
        awards_posted = sum(state.coins > 0 for state in recorded.key_states.values())
        plan = plan_lessons(
            scope,
            comparison,
            balances=self._balances(comparison.losers),
            evidence=replace(window.evidence, awards_posted=awards_posted),
            rerate=self.rerate,
        )
        outcome = Outcome(step.branch, scope, step.today, plan, calls=self._calls(), lessons=read)
        return self.settled(outcome, self.guests) if self.guests else outcome

    def settled(self, outcome: Outcome, policy: GuestPolicy) -> Outcome:
        """An outcome whose new visits are decided as ``review`` would, not held."""
        plan = outcome.plan
        visits = new_visits(plan) if plan else []
        if plan is None or not visits or policy is GuestPolicy.HOLD:
            return outcome
        key_states = self.reader.key_states(visit.key for visit in visits)
        decisions = self.reader.decisions({visit.lesson for visit in visits})
        rulebook = self.settings.rulebook
        questions = questions_about(plan, key_states, decisions, rulebook, outcome.today)
        ruling = Ruling.POST if policy is GuestPolicy.PAY else Ruling.WAIVE
        # A note would stand on every such line that a family reads.
        ruled = plan_review(questions, ruling, actor=self.actor, note="")
        return replace(outcome, plan=with_ruling(plan, ruled))

    def _with_visitors(
        self, context: LessonContext, records: Sequence[LessonRecord]
    ) -> LessonContext:
        """Add what is remembered of visitors from other branches."""
        present = {attendance.resident for record in records for attendance in record.attendance}
        visitors = self.reader.recorded(Membership, present - set(context.memberships))
        return replace(context, memberships={**context.memberships, **by_resident(visitors)})

    def _recorded(
        self,
        stored: dict[int, LessonRecord],
        records: Sequence[LessonRecord],
        doubted: frozenset[int],
    ) -> Recorded:
        account = self.settings.account
        keys = set()
        lessons = set()
        changed = [record for record in records if stored.get(record.lesson.id) is not record]
        for record in (*stored.values(), *changed):
            lesson = record.lesson.id
            lessons.add(lesson)
            for attendance in record.attendance:
                keys.add(lesson_key(account, lesson, attendance.resident))
        survivors = self.reader.survivors()
        return Recorded(
            stored,
            # In their order neighbours in the index are asked for together.
            self.reader.key_states(sorted(keys)),
            self.reader.holds(lessons),
            self.reader.decisions(lessons),
            frozenset(self._residents),
            (doubted | self._vanished).difference(survivors, self._asked_about),
            self.reader.resident_ids(Presence.ERASED),
            survivors,
        )

    def _balances(self, owners: Collection[int]) -> dict[int, int]:
        at_start = self.reader.balances(owners, upto=self._start)
        return {owner: coins + self._coins_moved[owner] for owner, coins in at_start.items()}


def _settled(
    context: LessonContext, records: Sequence[LessonRecord], stored: Mapping[int, LessonRecord]
) -> tuple[LessonRecord, ...]:
    settled_records = []
    for record in records:
        settled = context.settle(record)
        before = stored.get(record.lesson.id)
        # What is as it was is one object from here on, and no longer compared by its values: by
        # night that is nearly everything.
        settled_records.append(before if before == settled else settled)
    return tuple(settled_records)


def run_digest(outcomes: Iterable[Outcome]) -> str:
    """The digest of a run's plans; "" when none changes anything."""
    return digest_of([outcome.plan.digest for outcome in outcomes if outcome.plan])


def unsafe_digests(outcomes: Iterable[Outcome], limits: Limits) -> tuple[str, ...]:
    """Digests of the plans that a guard refuses."""
    plans = [outcome.plan for outcome in outcomes if outcome.plan is not None]
    return tuple(plan.digest for plan in plans if plan.check(limits))
