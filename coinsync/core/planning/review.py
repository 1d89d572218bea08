"""Plan what a person decided about something held."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from coinsync.core.facts import Decision, HoldKind
from coinsync.core.ledger import FORGIVEN, Entry, KeyState, Kind, gift_key
from coinsync.core.plan import Change, Drop, Plan, Post, Purpose, Put, Scope
from coinsync.core.planning.compare import Difference
from coinsync.core.planning.lessons import entries_towards


class Ruling(StrEnum):
    """What a person may say about something held."""

    POST = "post"
    FORGIVE = "forgive"
    WAIVE = "waive"


@dataclass(frozen=True, slots=True)
class Question:
    """A held difference, and what was decided ``before``."""

    difference: Difference
    before: Decision | None
    today: date


def plan_review(
    questions: Sequence[Question],
    ruling: Ruling,
    *,
    actor: str,
    note: str,
    erased: Collection[int] = (),
) -> Plan:
    """Plan what a ruling does to what is held: one question at least.

    *Forgive* takes the award back and gives the same as a gift; *waive* leaves the coins. What then
    differs from the rules is a decision. Of ``erased`` residents no note is kept.
    """
    changes: list[Change] = []
    basis: list[KeyState] = []
    for question in questions:
        difference, state = question.difference, question.difference.state
        kept_note = "" if difference.resident in erased else note
        # Also where no coins move the ruling relies on where the key stood: it answers no other
        # question than the one that the person saw.
        basis.append(state)
        if difference.hold is not None:
            changes.append(Drop(difference.hold))
        due = state.coins if ruling is Ruling.WAIVE else _due(difference)
        seq = state.seq
        # Since it was held the rules may have changed, and give what is posted: nothing moves.
        if due != state.coins:
            entries = entries_towards(due, difference, actor=actor, note=kept_note)
            seq += len(entries)
            changes += map(Post, entries)
        if ruling is Ruling.FORGIVE and due < state.coins:
            gift = _gift(difference, state.coins - due, actor, kept_note)
            basis.append(KeyState(gift.key))
            changes.append(Post(gift))
        if due != difference.verdict.coins or difference.verdict.held:
            # Without it the next sync would find the same difference and hold it again.
            decision = _decision(question, seq, due, actor, kept_note)
            changes.append(Put(decision, question.before))
    days = [question.today for question in questions]
    return Plan.of(Purpose.REVIEW, Scope(0, min(days), max(days)), changes, basis=basis)


def _decision(question: Question, seq: int, coins: int, actor: str, note: str) -> Decision:
    difference = question.difference
    return Decision(
        key=difference.state.key,
        lesson=difference.lesson.id,
        resident=difference.resident,
        seq=seq,
        coins=coins,
        reason=difference.verdict.reason.value,
        actor=actor,
        decided_on=question.today,
        note=note,
    )


def _due(difference: Difference) -> int:
    # Without a hold it is a visit that is answered before it was ever held.
    is_visit = difference.hold is None or difference.hold.kind is HoldKind.GUEST
    verdict = difference.verdict
    return verdict.coins + verdict.held if is_visit else verdict.coins


def _gift(difference: Difference, coins: int, actor: str, note: str) -> Entry:
    return Entry(
        key=gift_key(difference.state.award or 0),
        seq=1,
        resident=difference.resident,
        coins=coins,
        kind=Kind.GIFT,
        happened_on=difference.lesson.date,
        reason=FORGIVEN,
        actor=actor,
        note=note,
        lesson=difference.lesson.id,
    )
