"""Whether a plan still fits what is recorded when it is written: else it must be made anew."""

from collections.abc import Collection, Iterable, Mapping

from coinsync.core.fact_keys import WRITTEN_ONCE, fact_name, identity
from coinsync.core.facts import Fact, Hold
from coinsync.core.ledger import KeyState
from coinsync.core.plan import Drop, Plan, Put, Stock
from coinsync.errors import StalePlan


def facts_to_write(plan: Plan, recorded: Iterable[Fact]) -> list[Put | Drop]:
    """The changes still to be made of facts, of which ``recorded`` are there now.

    Raises ``StalePlan`` for what is neither as it was nor as it should be.
    """
    recorded_by_key = {(type(fact), identity(fact)): fact for fact in recorded}
    to_write: list[Put | Drop] = []
    for change in plan.changes:
        if not isinstance(change, (Put, Drop)):
            continue
        fact = change.subject
        now = recorded_by_key.get((type(fact), identity(fact)))
        if _is_done(change, now):
            continue
        if now != change.old:
            raise StalePlan(f"plan is stale: {fact_name(fact)} moved")
        to_write.append(change)
    return to_write


def _is_done(change: Put | Drop, now: Fact | None) -> bool:
    # Whether somebody else has made this change already, and it needs no write.
    if isinstance(change, Drop):
        # A hold that is gone was answered by somebody else: this answer comes too late.
        return now is None and not isinstance(change.old, Hold)
    return now == change.new and type(change.new) not in WRITTEN_ONCE


def refuse_moved_keys(basis: Collection[KeyState], recorded: Mapping[str, KeyState]) -> None:
    """Raise ``StalePlan`` where keys do not stand as the plan says."""
    moved: list[str] = []
    for state in basis:
        # A key without entries is not recorded.
        if recorded.get(state.key, KeyState(state.key)) != state:
            moved.append(state.key)
    if moved:
        raise StalePlan(f"plan is stale: {len(moved)} of its keys moved, first {moved[0]}")


def refuse_moved_stock(
    plan: Plan, recorded_keys: Collection[str], pieces_left: Mapping[str, int]
) -> None:
    """Raise ``StalePlan`` for moves that are recorded or rely on another stock."""
    for move in plan.stock_moves:
        if move.key in recorded_keys:
            raise StalePlan(f"plan is stale: {move.key} was recorded meanwhile")
    for change in plan.changes:
        if isinstance(change, Stock) and change.left is not None:
            item = change.move.item
            if change.left != pieces_left[item]:
                raise StalePlan(f"plan is stale: {item} was sold or moved meanwhile")
