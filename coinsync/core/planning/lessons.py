"""Decide about the coins of lessons: what is posted, what is held, and what waits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from coinsync.core.facts import Hold, HoldKind, Lesson
from coinsync.core.ledger import Entry, KeyState, Kind
from coinsync.core.permissions import SYNC_ACTOR
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
)
from coinsync.core.planning.compare import Comparison, Difference
from coinsync.core.rules import UNCERTAIN, Reason


def plan_lessons(
    scope: Scope,
    comparison: Comparison,
    *,
    balances: Mapping[int, int],
    evidence: Evidence,
    rerate: bool = False,
) -> Plan:
    """Plan the coins for what ``compare`` found.

    ``balances`` must hold those of all ``losers``: none falls below zero. What only the rules
    explain moves nothing unless ``rerate``.
    """
    draft = _Draft(dict(balances), comparison, rerate)
    in_order = sorted(comparison.differences, key=_order)
    # Gains come first: a lesson entered anew pays for the reversal of the one that it replaces,
    # so that nobody's coins are held because the office deleted a lesson and typed it again.
    for difference in in_order:
        if difference.verdict.coins >= difference.state.coins:
            draft.gain(difference)
    for difference in in_order:
        if difference.verdict.coins < difference.state.coins:
            draft.lose(difference)
    entries = [change.entry for change in draft.changes if isinstance(change, Post)]
    remarks = [*comparison.remarks, *draft.remarks, *_replaced(entries, comparison.lessons)]
    named = {remark.lesson for remark in remarks}
    named.update(entry.lesson for entry in entries)
    return Plan.of(
        Purpose.LESSONS,
        scope,
        [*comparison.facts, *draft.changes],
        basis=draft.basis,
        remarks=remarks,
        lessons=[lesson for lesson in comparison.lessons if lesson.id in named],
        evidence=evidence,
    )


def _order(difference: Difference) -> tuple[date, int, int]:
    return (difference.lesson.date, difference.lesson.id, difference.resident)


@dataclass(slots=True)
class _Draft:
    available: dict[int, int]
    comparison: Comparison
    rerate: bool
    changes: list[Change] = field(default_factory=list)
    basis: list[KeyState] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def gain(self, difference: Difference) -> None:
        verdict, state = difference.verdict, difference.state
        owed = verdict.coins - state.coins
        if owed and not difference.facts_changed and not self.rerate:
            # A rate that was raised pays past lessons only when somebody asks for it.
            self._remark(RemarkKind.RERATE, difference, owed)
            return
        if verdict.held:
            # A guest perhaps: a person says whether the visit earns.
            self._hold(difference, HoldKind.GUEST, verdict.held)
            return
        self._drop_hold(difference)
        if owed:
            self._post(difference)
            owner = self.comparison.owner(difference.resident)
            self.available[owner] = self.available.get(owner, 0) + owed

    def lose(self, difference: Difference) -> None:
        lost = difference.state.coins - difference.verdict.coins
        by_rules = not difference.facts_changed and difference.hold is None
        if by_rules and not self.rerate:
            self._remark(RemarkKind.RERATE, difference, -lost)
            return
        owner = self.comparison.owner(difference.resident)
        verdict = difference.verdict
        # What is not known takes nothing away, and what is spent cannot be taken. What is held
        # already is tried again: the child may have earned enough since. Where the rules have
        # changed meanwhile, that is another question.
        is_same = difference.hold is None or difference.hold.reason == verdict.reason
        is_known = verdict.reason not in UNCERTAIN and (difference.facts_changed or is_same)
        if not is_known or self.available[owner] < lost:
            self._hold(difference, HoldKind.REVERSAL, -lost)
            return
        self._drop_hold(difference)
        self._post(difference)
        self.available[owner] -= lost

    def _post(self, difference: Difference) -> None:
        self.basis.append(difference.state)
        entries = entries_towards(difference.verdict.coins, difference, actor=SYNC_ACTOR)
        self.changes += map(Post, entries)

    def _drop_hold(self, difference: Difference) -> None:
        if difference.hold is not None:
            self.changes.append(Drop(difference.hold))

    def _hold(self, difference: Difference, kind: HoldKind, coins: int) -> None:
        # What cannot be decided is said every night and written once.
        lesson = difference.lesson
        hold = Hold(
            key=difference.state.key,
            kind=kind,
            branch=lesson.branch,
            lesson=lesson.id,
            resident=difference.resident,
            happened_on=lesson.date,
            coins=coins,
            reason=difference.verdict.reason.value,
        )
        unchanged = hold == difference.hold
        if not unchanged:
            self.changes.append(Put(hold, difference.hold))
        self._remark(RemarkKind.HOLD, difference, coins, known=unchanged)

    def _remark(
        self, kind: RemarkKind, difference: Difference, coins: int, *, known: bool = False
    ) -> None:
        reason, lesson = difference.verdict.reason.value, difference.lesson.id
        self.remarks.append(Remark(kind, reason, lesson, difference.resident, coins, known=known))


def _replaced(entries: Iterable[Entry], lessons: Iterable[Lesson]) -> list[Remark]:
    # A lesson that was entered anew is shown as a pair of entries; this decides nothing.
    groups_of = {lesson.id: lesson.groups for lesson in lessons}
    awards, reversals = defaultdict(list), []
    for entry in entries:
        place = (entry.resident, entry.happened_on, groups_of.get(entry.lesson or 0))
        if entry.kind is Kind.AWARD:
            awards[place].append(entry.lesson)
        elif entry.reason == Reason.LESSON_GONE:
            reversals.append((place, entry))
    remarks = []
    for place, entry in reversals:
        if awards[place]:
            # Of two lessons on one day each replaces another one.
            other = awards[place].pop(0)
            about = (entry.lesson, entry.resident, entry.coins, other)
            remarks.append(Remark(RemarkKind.REPLACED, "replaced", *about))
    return remarks


def entries_towards(due: int, difference: Difference, *, actor: str, note: str = "") -> list[Entry]:
    """The reversal of what is posted, and an award of ``due`` coins.

    Never the difference alone: each award says what its lesson is worth.
    """
    state, verdict, lesson = difference.state, difference.verdict, difference.lesson
    entries: list[Entry] = []

    def post(kind: Kind, coins: int, reason: str, reverses: int | None = None) -> None:
        entry = Entry(
            key=state.key,
            seq=state.seq + len(entries) + 1,
            resident=difference.resident,
            coins=coins,
            kind=kind,
            happened_on=lesson.date,
            reason=reason,
            actor=actor,
            rule=verdict.rule,
            note=note,
            lesson=lesson.id,
            reverses=reverses,
        )
        entries.append(entry)

    if state.coins:
        # The lesson is still paid, so the reason to reverse its award is another amount.
        rate_changed = verdict.reason is Reason.PAID
        reason = "rate_changed" if rate_changed else verdict.reason.value
        post(Kind.REVERSAL, -state.coins, reason, state.award)
    if due:
        post(Kind.AWARD, due, "lesson")
    return entries
