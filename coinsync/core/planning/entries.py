"""The entries that bring a key from what is posted to what is due."""

from __future__ import annotations

from coinsync.core.ledger import Entry, Kind
from coinsync.core.planning.compare import Difference
from coinsync.core.rules import Reason


def entries_towards(due: int, difference: Difference, *, actor: str, note: str = "") -> list[Entry]:
    """The reversal of what is posted, if any, and an award of ``due`` coins, if any.

    Never an entry of the difference alone: each award says what its lesson is worth, and each
    reversal mirrors the award that it names.
    """
    state, verdict = difference.state, difference.verdict
    entries = []
    if state.coins:
        # The lesson is still paid, so the reason to reverse its award is another amount.
        rate_changed = verdict.reason is Reason.PAID
        reversal = Entry(
            key=state.key,
            seq=state.seq + 1,
            resident=difference.resident,
            coins=-state.coins,
            kind=Kind.REVERSAL,
            happened_on=difference.lesson.date,
            reason="rate_changed" if rate_changed else verdict.reason.value,
            actor=actor,
            rule=verdict.rule,
            note=note,
            lesson=difference.lesson.id,
            reverses=state.award,
        )
        entries.append(reversal)
    if due:
        award = Entry(
            key=state.key,
            seq=state.seq + len(entries) + 1,
            resident=difference.resident,
            coins=due,
            kind=Kind.AWARD,
            happened_on=difference.lesson.date,
            reason="lesson",
            actor=actor,
            rule=verdict.rule,
            note=note,
            lesson=difference.lesson.id,
        )
        entries.append(award)
    return entries
