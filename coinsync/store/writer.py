"""The one write: ``apply`` puts a plan into the database, whole or not at all.

The protocol, in this order: begin; change the head row, which is the lock, the fresh snapshot and
the order of the ledger; read again what the plan relies on, and refuse it where that has changed;
insert; commit; only then the receipt. A commit whose answer is lost is looked up on a new
connection. What another writer disturbed is tried again as a whole, a bounded number of times.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from peewee import Database

from coinsync.core import floor, people_policy, permissions, staleness
from coinsync.core.fact_keys import identity
from coinsync.core.facts import Fact, Membership, Merge, Presence, VkPage
from coinsync.core.ledger import GENESIS, Head, Receipt, Run, RunHash, utc_text
from coinsync.core.plan import Drop, Limits, Plan, Purpose, Put
from coinsync.core.seal import seal_of
from coinsync.environment import Environment
from coinsync.errors import (
    ClockWrong,
    CoinsyncError,
    DatabaseUnavailable,
    DatabaseUnusable,
    OutcomeUnknown,
    UnsafePlan,
)
from coinsync.store import inserts
from coinsync.store.database import engine_of, translate
from coinsync.store.engines.base import TRIES_MAX
from coinsync.store.models import RUN_COLUMNS, HeadRow
from coinsync.store.reader import Reader
from coinsync.store.rows import refuse_too_long

PAUSE_SECONDS = 0.05
CLOCK_TOLERANCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Order:
    """Under whose name and with which limits a plan is applied.

    ``account`` names the CRM, ``login`` the account of this machine, ``accepted`` are digests of
    plans that a person accepts although a guard refuses them, ``requests`` is how many calls the
    reading took, ``by_sync`` that no person made the plan.
    """

    actor: str
    account: str
    started_at: datetime
    limits: Limits = field(default=Limits())
    accepted: tuple[str, ...] = ()
    requests: int = 0
    login: str = ""
    by_sync: bool = False


def apply(database: Database, plan: Plan, order: Order, environment: Environment) -> Receipt:
    """Write a plan in one transaction and return its receipt.

    Raises ``UnsafePlan``, ``StalePlan``, ``NotEnoughCoins``, ``OutOfStock`` and database errors of
    ours; then nothing is written, but after ``OutcomeUnknown`` nobody knows.
    """
    refusals = plan.refusals(order.limits, order.accepted)
    if refusals:
        raise UnsafePlan(f"refused: {'; '.join(refusals)}; nothing written")
    permissions.refuse_unpermitted(
        plan, actor=order.actor, account=order.account, by_sync=order.by_sync
    )
    refuse_too_long(plan)
    if database.in_transaction():
        raise RuntimeError(
            "a plan is written in a transaction of its own, or it could not be tried again"
        )
    engine = engine_of(database)
    # Every attempt writes the same id, so that one that succeeded unseen is found and not repeated.
    uuid = environment.fresh_text()
    for attempt in range(1, TRIES_MAX + 1):
        began = False
        try:
            environment.probe("begin")
            database.begin()
            began = True
            return _attempt(database, plan, order, environment, uuid)
        except engine.errors as error:
            known = translate(error, database)
            may_pass = isinstance(known, DatabaseUnavailable)
            may_pass = may_pass and engine.may_try_again(error, began=began)
            if attempt == TRIES_MAX or not may_pass:
                raise known from error
        # It may have been the connection's fault; where its host serves no longer, another one is
        # found.
        database.close()
        environment.sleep(PAUSE_SECONDS * 2**attempt * (0.5 + environment.chance()))
    raise AssertionError("the loop ends by return or raise")


def _attempt(
    database: Database, plan: Plan, order: Order, environment: Environment, uuid: str
) -> Receipt:
    # Nothing may go on after an error: MariaDB has undone the whole transaction after a deadlock,
    # and only one statement after a lock wait, so that a commit would keep a half of the plan.
    try:
        receipt = _write(database, plan, order, environment, uuid)
        environment.probe("commit")
    except BaseException:
        _roll_back(database)
        raise
    try:
        database.commit()
    except engine_of(database).errors as error:
        _roll_back(database)
        return _looked_up(database, receipt, error)
    environment.probe("committed")
    return receipt


def _roll_back(database: Database) -> None:
    try:
        database.rollback()
    except engine_of(database).errors:
        # The engine has rolled back by itself, or the connection is gone: nothing of ours is open.
        database.close()


def _looked_up(database: Database, receipt: Receipt, error: Exception) -> Receipt:
    engine = engine_of(database)
    failures: tuple[type[Exception], ...] = (*engine.errors, CoinsyncError)
    try:
        with engine.look_again(database):
            run = Reader(database).run(receipt.uuid)
    except failures as second:
        raise OutcomeUnknown(
            "database: answer lost at commit; could not look whether it is recorded"
        ) from second
    if run is None:
        raise error
    return receipt


def _write(
    database: Database, plan: Plan, order: Order, environment: Environment, uuid: str
) -> Receipt:
    entries = plan.entries
    # The first statement takes the lock.
    inserts.count_up(database, len(entries), len(plan.stock_moves))
    environment.probe("head")
    # From here on nobody else can write. What was read before may be old; only this counts.
    reader = Reader(database)
    head = reader.head()
    _check_account(database, head.account, order.account)
    last_run = _last_run(reader, head, len(entries))
    posted_at = _posting_time(plan, last_run, environment.now())
    facts = _check_facts(reader, plan)
    _check_basis(reader, plan)
    merges = reader.merges()
    _check_cards(reader, plan, merges)
    _check_stock(reader, plan)
    _check_floors(reader, plan, merges)
    environment.probe("checked")
    run = _run_of(plan, order, head, uuid, posted_at, len(facts))
    run_hash = RunHash(last_run.chain if last_run else GENESIS, run)
    inserts.write_facts(database, facts, run_hash, environment.probe)
    stock_first = head.stock - len(plan.stock_moves) + 1
    inserts.write_stock(database, plan.stock_moves, stock_first, run_hash, environment)
    inserts.write_entries(database, entries, run_hash, environment)
    inserts.insert(database, "run", RUN_COLUMNS, [run._replace(chain=run_hash.chain)])
    environment.probe("run")
    n_first = run.n_last - run.entries + 1
    seal = str(seal_of(run.id, run_hash.chain))
    return Receipt(run.id, uuid, n_first, run.n_last, run.coins, run.facts, posted_at, seal)


def _check_account(database: Database, recorded: str, account: str) -> None:
    if not recorded:
        HeadRow.update({HeadRow.account: account}).where(HeadRow.id == 1).execute(database)
    elif recorded != account:
        raise DatabaseUnusable(
            f"database: it belongs to the CRM account {recorded!r}, "
            f"the configuration names {account!r}; nothing written",
            advice="Use one database for each AlfaCRM account; "
            "numbers of two accounts would be taken for one another.",
        )


def _last_run(reader: Reader, head: Head, entries: int) -> Run | None:
    # The run from which the chain goes on; ``head`` counts this one already, and its entries.
    last_run = next(iter(reader.runs(1)), None)
    id, n_last = (last_run.id, last_run.n_last) if last_run else (0, 0)
    if (id, n_last) != (head.runs - 1, head.n - entries):
        raise CoinsyncError(
            f"ledger is damaged: it ends at run {id}, entry {n_last}, and should at run "
            f"{head.runs - 1}, entry {head.n - entries}; nothing written",
            advice="Restore the database from a backup.",
        )
    return last_run


def _posting_time(plan: Plan, last_run: Run | None, now: datetime) -> str:
    """The time to post at, in UTC. Raises ``ClockWrong``."""
    text = utc_text(now)
    # Only the latest run counts: a person may have accepted that earlier ones were stamped wrongly.
    if last_run is None or text >= last_run.posted_at or plan.purpose is Purpose.ACCEPT:
        return text
    # Two machines of one database differ by seconds, and a clock that is set right goes back a
    # little: for so long the time stands still.
    if datetime.fromisoformat(last_run.posted_at) - now <= CLOCK_TOLERANCE:
        return last_run.posted_at
    raise ClockWrong(
        f"clock is before the last run ({last_run.posted_at}); nothing written",
        advice="Correct the clock of this machine. If it is right and that run was stamped"
        " wrongly: coinsync db accept --clock",
    )


def _check_facts(reader: Reader, plan: Plan) -> list[Put | Drop]:
    first_keys: dict[type[Fact], set[Any]] = {}
    for change in plan.changes:
        if isinstance(change, (Put, Drop)):
            fact = change.subject
            first_keys.setdefault(type(fact), set()).add(identity(fact)[0])
    recorded: list[Fact] = []
    for kind, keys in first_keys.items():
        recorded += reader.recorded(kind, keys)
    return staleness.facts_to_write(plan, recorded)


def _check_basis(reader: Reader, plan: Plan) -> None:
    recorded = reader.key_states(state.key for state in plan.basis)
    staleness.refuse_moved_keys(plan.basis, recorded)


def _check_cards(reader: Reader, plan: Plan, merges: Collection[Merge]) -> None:
    effects = people_policy.effects_on_cards(plan)
    recorded = people_policy.RecordedCards(
        merges,
        reader.resident_ids(Presence.ERASED),
        reader.links_of(effects.joined | effects.forgotten),
        reader.recorded(VkPage, effects.forgotten),
        reader.notes_of(effects.forgotten),
        reader.decisions_of(effects.forgotten),
        reader.holds_of(effects.forgotten),
        reader.recorded(Membership, effects.forgotten),
    )
    people_policy.refuse_stale_cards(plan, recorded)


def _check_stock(reader: Reader, plan: Plan) -> None:
    moves = plan.stock_moves
    recorded_keys = reader.stock_keys(move.key for move in moves)
    pieces_left = reader.stock(move.item for move in moves)
    staleness.refuse_moved_stock(plan, recorded_keys, pieces_left)
    floor.refuse_missing_pieces(plan, pieces_left)


def _check_floors(reader: Reader, plan: Plan, merges: Collection[Merge]) -> None:
    survivors, losses = floor.losses_of_plan(plan, merges)
    coins = reader.coins_by_day(losses, floor.first_day(losses), survivors=survivors)
    floor.refuse_debts(floor.debts(losses, coins, {}))


def _run_of(plan: Plan, order: Order, head: Head, uuid: str, posted_at: str, facts: int) -> Run:
    return Run(
        id=head.runs,
        uuid=uuid,
        purpose=plan.purpose.value,
        branch=plan.scope.branch,
        since=plan.scope.since.isoformat(),
        until=plan.scope.until.isoformat(),
        actor=order.actor,
        login=order.login,
        started_at=utc_text(order.started_at),
        posted_at=posted_at,
        digest=plan.digest,
        requests=order.requests,
        entries=len(plan.entries),
        coins=sum(entry.coins for entry in plan.entries),
        facts=facts,
        n_last=head.n,
        chain="",
    )
