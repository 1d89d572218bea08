"""A ledger in memory.

What the planner is told about the past, and the plainest way to apply what it says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from coinsync.core.facts import (
    Attendance,
    Decision,
    Fact,
    Hold,
    Lesson,
    LessonRecord,
    Resident,
    Status,
)
from coinsync.core.ledger import Entry, KeyState, Kind, lesson_key
from coinsync.core.plan import Drop, Evidence, Plan, Post, Purpose, Put
from coinsync.core.planning.compare import (
    Comparison,
    Difference,
    Recorded,
    WindowReading,
    compare,
)
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.planning.review import Question, Ruling, plan_review
from coinsync.core.rules import Rulebook, judge
from tests.support.makers import ACCOUNT, ADA, GLEB, MONTH, a_rulebook


@dataclass
class Memory:
    """Facts, holds, decisions and entries of one branch.

    ``apply`` asserts what every plan must keep to. ``survivors`` says as which card a merged one
    goes on; ``vanished`` are residents whom the CRM no longer has.
    """

    rulebook: Rulebook = field(default_factory=a_rulebook)
    residents: set[int] = field(default_factory=lambda: {ADA, GLEB})
    lessons: dict[int, Lesson] = field(default_factory=dict)
    attendance: dict[tuple[int, int], Attendance] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    survivors: dict[int, int] = field(default_factory=dict)
    vanished: set[int] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)

    # --- what is recorded ---------------------------------------------------------------------

    def balance(self, resident: int) -> int:
        """Sum of a resident's entries, with those of every card that counts together."""
        owner = self.owner(resident)
        return sum(entry.coins for entry in self.entries if self.owner(entry.resident) == owner)

    def owner(self, resident: int) -> int:
        """The card on which a resident's coins count."""
        return self.survivors.get(resident, resident)

    def state(self, key: str) -> KeyState:
        """Where a key stands."""
        mine = [(n, entry) for n, entry in enumerate(self.entries, 1) if entry.key == key]
        coins = sum(entry.coins for _, entry in mine)
        award = max((n for n, entry in mine if entry.kind is Kind.AWARD), default=None)
        return KeyState(key, len(mine), coins, award if coins else None)

    def posted(self, lesson: int = 1, resident: int = ADA) -> int:
        """Coins posted for one resident in one lesson."""
        return self.state(lesson_key(ACCOUNT, lesson, resident)).coins

    def recorded(self) -> Recorded:
        """Everything recorded, as the planner asks for it."""
        lesson_records = {
            lesson.id: LessonRecord(
                lesson, tuple(one for one in self.attendance.values() if one.lesson == lesson.id)
            )
            for lesson in self.lessons.values()
        }
        key_states = {entry.key: self.state(entry.key) for entry in self.entries}
        return Recorded(
            lesson_records,
            key_states,
            dict(self.holds),
            dict(self.decisions),
            frozenset(self.residents),
            frozenset(self.vanished),
            survivors=dict(self.survivors),
        )

    # --- planning and applying ----------------------------------------------------------------

    def found(
        self,
        lesson_records: Iterable[LessonRecord],
        gone: Iterable[int] = (),
        read_before: date | None = None,
    ) -> Comparison:
        """The first half of planning."""
        window = WindowReading(tuple(lesson_records), tuple(gone))
        return compare(window, self.recorded(), self.rulebook, ACCOUNT, read_before)

    def plan(
        self,
        *lesson_records: LessonRecord,
        gone: Iterable[int] = (),
        read_before: date | None = None,
        rerate: bool = False,
    ) -> Plan:
        """Plan what a reading brought."""
        found = self.found(lesson_records, gone, read_before)
        balances = {owner: self.balance(owner) for owner in found.losers}
        return plan_lessons(
            MONTH,
            found,
            balances=balances,
            evidence=Evidence(),
            rerate=rerate,
        )

    def night(
        self,
        *lesson_records: LessonRecord,
        gone: Iterable[int] = (),
        read_before: date | None = None,
        rerate: bool = False,
    ) -> Plan:
        """Plan what a reading brought and apply it."""
        plan = self.plan(*lesson_records, gone=gone, read_before=read_before, rerate=rerate)
        self.apply(plan)
        return plan

    def question(self, hold: Hold) -> Question:
        """What is recorded about something held, and what today's rules say of it."""
        lesson, mark = self.lessons[hold.lesson], self.attendance[hold.lesson, hold.resident]
        verdict = judge(lesson, mark, self.rulebook)
        difference = Difference(lesson, hold.resident, verdict, self.state(hold.key), hold)
        return Question(difference, self.decisions.get(hold.key), MONTH.until)

    def ruling(self, ruling: Ruling, *holds: Hold, note: str = "looked at it") -> Plan:
        """Plan what a person says about something held, about everything unless ``holds`` are
        named, and apply it."""
        questions = [self.question(hold) for hold in holds or self.holds.values()]
        plan = plan_review(questions, ruling, actor="anna", note=note)
        self.apply(plan)
        return plan

    def unchanged_records(self) -> list[LessonRecord]:
        """What a reading brings when nothing happened.

        Lessons that are not gone, without those removed from them.
        """
        return [
            replace(
                record, attendance=tuple(one for one in record.attendance if one.mark != "removed")
            )
            for record in self.recorded().lesson_records.values()
            if record.lesson.status is not Status.GONE
        ]

    def spend(self, resident: int, coins: int) -> None:
        """A clerk takes coins."""
        assert self.balance(resident) >= coins
        key = f"desk:{len(self.entries) + 1}"
        day = MONTH.until
        self.entries.append(Entry(key, 1, resident, -coins, Kind.DEBIT, day, "purchase", "clerk"))

    def apply(self, plan: Plan) -> None:
        """Do what a plan says, each part exactly once and only upon what it was made from."""
        keys, posted = {state.key for state in plan.basis}, {entry.key for entry in plan.entries}
        # Who leaves coins as they are relies on them no less than who posts some.
        new = [change.new for change in plan.changes if isinstance(change, Put)]
        decided = {fact.key for fact in new if isinstance(fact, Decision)}
        assert keys >= posted if plan.purpose is Purpose.REVIEW else keys == posted | decided
        for state in plan.basis:
            assert self.state(state.key) == state
        before = {resident: self.balance(resident) for resident in self.residents}
        for change in plan.changes:
            if isinstance(change, Put):
                self._put(change.new, change.old)
            elif isinstance(change, Drop):
                assert isinstance(change.old, Hold)
                assert self.holds.pop(change.old.key) == change.old
            elif isinstance(change, Post):
                self._post(change.entry)
        for resident, coins in before.items():
            assert plan.purpose is Purpose.REVIEW or self.balance(resident) >= min(0, coins)

    def _post(self, entry: Entry) -> None:
        assert entry.seq == self.state(entry.key).seq + 1
        assert entry.resident in self.residents
        if entry.kind is Kind.REVERSAL:
            assert entry.reverses is not None
            award = self.entries[entry.reverses - 1]
            assert award.kind is Kind.AWARD
            assert (award.key, award.seq, award.coins) == (entry.key, entry.seq - 1, -entry.coins)
            assert all(other.reverses != entry.reverses for other in self.entries)
        self.entries.append(entry)

    def _put(self, new: Fact, old: Fact | None) -> None:
        if isinstance(new, Lesson):
            assert self.lessons.get(new.id) == old
            self.lessons[new.id] = new
        elif isinstance(new, Attendance):
            assert self.attendance.get((new.lesson, new.resident)) == old
            self.attendance[new.lesson, new.resident] = new
        elif isinstance(new, Hold):
            assert self.holds.get(new.key) == old
            self.holds[new.key] = new
        elif isinstance(new, Decision):
            assert self.decisions.get(new.key) == old
            self.decisions[new.key] = new
        else:
            assert isinstance(new, Resident)
            assert new.id not in self.residents
            self.residents.add(new.id)
