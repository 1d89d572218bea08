"""The checks of lessons: what is posted against what the rules give over the stored facts."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date

from coinsync.core.facts import Decision, Hold, LessonRecord
from coinsync.core.ledger import KeyState, lesson_key
from coinsync.core.plan import Drop, Evidence, Put, Scope
from coinsync.core.planning.compare import (
    Comparison,
    Recorded,
    WindowReading,
    compare,
    entered_twice,
)
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.proof.checks import Findings, command_for_days, history_command, lesson_case
from coinsync.core.proof.ledger import LedgerPass
from coinsync.core.proof.people import StoredPeople
from coinsync.core.rules import Rulebook, judge_all


class LessonsPass:
    """One pass over the stored lessons, one branch and window after the other.

    Coins that have their lesson are taken out of what the ledger's pass found: those are left in
    the end that have none. ``key_states`` asks the ledger which entries brought these.
    """

    def __init__(
        self,
        account: str,
        ledger: LedgerPass,
        people: StoredPeople,
        rulebook: Rulebook,
        key_states: Callable[[Iterable[str]], Mapping[str, KeyState]],
        findings: Findings,
    ) -> None:
        self._account = account
        self._key_states = key_states
        self._rulebook = rulebook
        self._findings = findings
        self._posted = ledger.keys
        self._people = people
        self._residents = frozenset(people.residents)
        cards = people.cards
        self._survivors, self._families = cards.survivors, cards.families
        self._balances: Counter[int] = Counter()
        for resident, coins in ledger.balances.items():
            self._balances[self._survivors.get(resident, resident)] += coins
        #: Lessons about which something waits for a person, and keys whose lesson is still to come.
        self._waiting = {hold.lesson for hold in people.holds.values()}
        self._waiting |= {decision.lesson for decision in people.decisions.values()}
        self._without_lesson = {*people.holds, *people.decisions}
        self._against_rules: list[tuple[date, str]] = []
        self._out_of_date: list[tuple[date, str]] = []
        for decision in people.decisions.values():
            self._check_decision(decision)

    def take(self, scope: Scope, records: Mapping[int, LessonRecord]) -> None:
        """Look at the lessons of one window.

        What is plainly right is set aside first, because that is nearly everything; the rest goes
        through the comparison and the planner of a sync, so that the two never differ about what is
        right.
        """
        for lesson, first in entered_twice(records.values()):
            case = f"lesson {lesson} has the group, day, hour, type and pupils of lesson {first}"
            self._findings.add("twice", case, f"coinsync explain --lesson {lesson}")
        doubtful: dict[int, LessonRecord] = {}
        key_states: dict[str, KeyState] = {}
        for id, record in records.items():
            coins = self._posted.of_lessons.get(id, {})
            if not self._is_right(record, coins):
                doubtful[id] = record
                for attendance in record.attendance:
                    state = self._posted.state(id, attendance.resident)
                    key_states[state.key] = state
            for attendance in record.attendance:
                coins.pop(attendance.resident, None)
        if not doubtful:
            return
        self._without_lesson.difference_update(key_states)
        people = self._people
        recorded = Recorded(
            doubtful,
            key_states,
            people.holds,
            people.decisions,
            self._residents,
            erased=people.erased,
            survivors=self._survivors,
        )
        reading = WindowReading(tuple(doubtful.values()))
        comparison = compare(reading, recorded, self._rulebook, self._account, None)
        self._find_differences(comparison)
        self._find_old_holds(scope, comparison)

    def finish(self, *, whole: bool) -> None:
        """Say what was found; ``whole`` that every window could be read."""
        # A lesson that could not be read may be that of any key.
        if whole:
            self._find_waiting_without_lesson()
            self._find_awards_without_lesson()
        self._add_cases("rules", self._against_rules, "coinsync sync --rerate")
        self._add_cases("holds", self._out_of_date, "coinsync sync")

    def _check_decision(self, decision: Decision) -> None:
        state = self._posted.state(decision.lesson, decision.resident)
        # Where the key has gone on since, the decision is of the past and its coins too.
        is_same = (decision.seq, decision.coins) == (state.seq, state.coins)
        fits = decision.seq < state.seq or is_same
        if decision.key != state.key or not fits:
            case = f"decision on {lesson_case(decision.lesson, decision.resident)}"
            self._findings.add("holds", case, history_command(decision.resident))

    def _is_right(self, record: LessonRecord, coins: Mapping[int, int]) -> bool:
        right = record.lesson.id not in self._waiting
        verdicts = judge_all(record, self._rulebook)
        for attendance, verdict in zip(record.attendance, verdicts, strict=True):
            posted = coins.get(attendance.resident, 0)
            if verdict.held or posted != verdict.coins:
                right = False
            elif attendance.resident in self._families:
                # Which of a child's cards is paid, the comparison alone can say.
                right = False
        return right

    def _find_differences(self, comparison: Comparison) -> None:
        for difference in comparison.differences:
            # What is held is known to a person.
            if difference.hold is not None:
                continue
            lesson, verdict = difference.lesson, difference.verdict
            case = lesson_case(lesson.id, difference.resident)
            posted, given = difference.state.coins, verdict.coins or verdict.held
            words = f"posted {posted}, the rules give {given} ({verdict.reason.value})"
            self._against_rules.append((lesson.date, f"{case}: {words}"))

    def _find_old_holds(self, scope: Scope, comparison: Comparison) -> None:
        # A hold that a sync would change or drop is out of date.
        plan = plan_lessons(
            scope,
            comparison,
            balances=self._balances,
            evidence=Evidence(),
        )
        for change in plan.changes:
            match change:
                case Put(old=Hold() as hold) | Drop(old=Hold() as hold):
                    case = f"{lesson_case(hold.lesson, hold.resident)}: {hold.coins:+} is held"
                    self._out_of_date.append((hold.happened_on, case))

    def _find_waiting_without_lesson(self) -> None:
        for key in self._without_lesson:
            waiting = self._people.holds.get(key) or self._people.decisions[key]
            day = waiting.happened_on if isinstance(waiting, Hold) else waiting.decided_on
            case = f"{lesson_case(waiting.lesson, waiting.resident)} is not recorded"
            self._out_of_date.append((day, case))

    def _find_awards_without_lesson(self) -> None:
        for lesson, residents in self._posted.of_lessons.items():
            for resident in residents:
                key = lesson_key(self._account, lesson or 0, resident)
                state = self._key_states([key]).get(key)
                case = f"lesson {lesson} does not list #{resident}"
                if state and state.award:
                    case = f"entry {state.award}: {case}"
                self._findings.add("lessons", case, history_command(resident))

    def _add_cases(self, check: str, cases: list[tuple[date, str]], command: str) -> None:
        if not cases:
            return
        mend = command_for_days(command, [day for day, _ in cases])
        for _, case in sorted(cases):
            self._findings.add(check, case, mend)
