"""The one write: ``apply`` puts a plan into the database, whole or not at all.

Protocol, in this order: begin; change the head row (the lock, the fresh snapshot, the order); read again what the plan
relied on; check the floors; insert; commit; only then the receipt. A commit whose answer is lost is looked up on a new
connection. What another writer disturbed is tried again as a whole, a bounded number of times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

import peewee
from peewee import Database

from coinsync.core.catalog import RefundLine, Sale, SaleLine, quantities
from coinsync.core.facts import Decision, Hold, Link, Merge, Presence, Resident, VkPage
from coinsync.core.ledger import (
    GENESIS,
    Entry,
    Head,
    Kind,
    Posted,
    Receipt,
    link_hash,
    note_digest,
    survivors_of,
    utc_text,
)
from coinsync.core.plan import (
    Drop,
    Fact,
    Limits,
    Plan,
    Post,
    Purpose,
    Put,
    Stock,
)
from coinsync.environment import Environment
from coinsync.errors import (
    ClockWrong,
    CoinsyncError,
    DatabaseUnavailable,
    DatabaseUnusable,
    NotEnoughCoins,
    OutcomeUnknown,
    OutOfStock,
    StalePlan,
    UnsafePlan,
)
from coinsync.store.database import engine_of, translate
from coinsync.store.engines.base import TRIES_MAX, marked
from coinsync.store.reader import Reader
from coinsync.store.rows import (
    ENTRY_COLUMNS,
    ENTRY_LIMITS,
    RUN_COLUMNS,
    STOCK_COLUMNS,
    STOCK_LIMITS,
    TABLES,
    Table,
)

ATTEMPTS_MAX = TRIES_MAX
PAUSE_SECONDS = 0.05
ROWS_PER_STATEMENT = 500

#: Facts each of which is the doing of one plan: where one is there already, it is somebody else's.
_ONCE = frozenset({Sale.__name__, SaleLine.__name__, RefundLine.__name__})


@dataclass(frozen=True, slots=True)
class Order:
    """Under whose name, with which limits and on what grounds a plan is applied.

    ``accepted`` is the digest of a plan that a person accepts although a guard refuses it; ``requests`` is how many
    calls the reading took; ``account`` names the CRM that the database belongs to.
    """

    actor: str
    account: str
    started_at: datetime
    limits: Limits = field(default=Limits())
    accepted: tuple[str, ...] = ()
    requests: int = 0


def apply(database: Database, plan: Plan, order: Order, environment: Environment) -> Receipt:
    """Write a plan in one transaction and return its receipt.

    Raises ``UnsafePlan`` when a guard refuses, ``StalePlan`` when its basis moved, ``NotEnoughCoins`` when a balance
    would fall below zero, and database errors of ours; in each case nothing is written.
    """
    refusals = plan.refusals(order.limits, order.accepted)
    if refusals:
        raise UnsafePlan(f"refused: {'; '.join(refusals)}; nothing written")
    _refuse_too_long(plan)
    if database.in_transaction():
        raise RuntimeError(
            "a plan is written in a transaction of its own, or it could not be tried again"
        )
    engine, uuid = engine_of(database), environment.fresh_text()
    for attempt in range(1, ATTEMPTS_MAX + 1):
        began = False
        try:
            environment.probe("begin")
            database.begin()
            began = True
            return _attempt(database, plan, order, environment, uuid)
        except peewee.PeeweeException as error:
            known = translate(error, database)
            again = isinstance(known, DatabaseUnavailable) and engine.may_try_again(
                error, began=began
            )
            if attempt == ATTEMPTS_MAX or not again:
                raise known from error
        engine.renew(database)
        environment.sleep(PAUSE_SECONDS * 2**attempt * (0.5 + environment.chance()))
    raise AssertionError("the loop ends by return or raise")


def _refuse_too_long(plan: Plan) -> None:
    """Refuse what one engine would keep and another would not: texts beyond what their columns hold."""
    for change in plan.changes:
        if isinstance(change, Put):
            what: object = change.new
            limits = TABLES[type(change.new)].limits
        elif isinstance(change, Post):
            what, limits = change.entry, ENTRY_LIMITS
        elif isinstance(change, Stock):
            what, limits = change.move, STOCK_LIMITS
        else:
            continue
        for name, most in limits:
            if len(getattr(what, name)) > most:
                kind = type(what).__name__.lower()
                raise CoinsyncError(
                    f"{kind}: {name} is too long, {most} signs are the limit; nothing written",
                    advice="Shorten it where it comes from, and run the command again.",
                )


def _attempt(
    database: Database, plan: Plan, order: Order, environment: Environment, uuid: str
) -> Receipt:
    try:
        receipt = _write(database, plan, order, environment, uuid)
        environment.probe("commit")
    except BaseException:
        _roll_back(database)
        raise
    try:
        database.commit()
    except peewee.PeeweeException as error:
        _roll_back(database)
        return _looked_up(database, receipt, error)
    environment.probe("committed")
    return receipt


def _roll_back(database: Database) -> None:
    try:
        database.rollback()
    except peewee.PeeweeException:
        # The engine has rolled back by itself or the connection is gone: either way nothing of ours is open, and the
        # error that brought us here is the one to tell. The next statement connects anew.
        database.close()


def _looked_up(database: Database, receipt: Receipt, error: peewee.PeeweeException) -> Receipt:
    """After a lost answer to COMMIT: ask a new connection whether the run is there."""
    try:
        with engine_of(database).look_again(database):
            run = Reader(database).run(receipt.uuid)
    except (peewee.PeeweeException, CoinsyncError) as second:
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
    # The first statement takes the lock and must change the row, also when no entry is posted.
    counted = [len(entries), len(plan.stock_moves)]
    database.execute_sql(
        marked(
            database, "UPDATE head SET n = n + ?, stock = stock + ?, runs = runs + 1 WHERE id = 1"
        ),
        counted,
    )
    environment.probe("head")
    reader = Reader(database)
    head = reader.head()
    _check_account(database, head.account, order.account)
    posted_at = utc_text(environment.now())
    _check_clock(reader, posted_at)
    facts = _check_facts(reader, plan)
    _check_basis(reader, plan)
    _check_cards(reader, plan)
    _check_stock(reader, plan)
    _check_floors(reader, plan)
    environment.probe("checked")
    _write_facts(database, facts, environment)
    receipt = Receipt(
        head.runs,
        uuid,
        head.n - len(entries) + 1,
        head.n,
        sum(entry.coins for entry in entries),
        len(facts),
        posted_at,
    )
    _write_entries(database, reader, entries, receipt, environment)
    _write_stock(database, plan, head, receipt, environment)
    insert(database, "run", RUN_COLUMNS, [_run_row(plan, order, receipt, len(entries))])
    environment.probe("run")
    return receipt


def _check_account(database: Database, recorded: str, ours: str) -> None:
    if not recorded:
        database.execute_sql(marked(database, "UPDATE head SET account = ? WHERE id = 1"), [ours])
    elif recorded != ours:
        raise DatabaseUnusable(
            f"database: it belongs to the CRM account {recorded!r}, the configuration names {ours!r}; nothing written",
            advice="Use one database for each AlfaCRM account; numbers of two accounts would be taken for one another.",
        )


def _check_clock(reader: Reader, posted_at: str) -> None:
    last = next(iter(reader.runs(1)), None)
    if last is not None and posted_at < last.posted_at:
        raise ClockWrong(f"clock is before the last run ({last.posted_at}); nothing written")


def _check_facts(reader: Reader, plan: Plan) -> list[Put | Drop]:
    """Compare each fact that the plan replaces with what is recorded now; those already as wanted need no write.

    Not so a hold that the plan drops: where it is gone, its question was answered, and this answer comes too late.
    """
    changes = [change for change in plan.changes if isinstance(change, (Put, Drop))]
    wanted: list[Put | Drop] = []
    for kind, group in groupby(sorted(changes, key=_kind_name), key=_kind_name):
        of_kind = list(group)
        table = next(table for table in TABLES.values() if table.fact.__name__ == kind)
        keys = [table.key(change.subject) for change in of_kind]
        now = {
            table.key(fact): fact for fact in reader.recorded(table.fact, {key[0] for key in keys})
        }
        for change, key in zip(of_kind, keys, strict=True):
            recorded = now.get(key)
            answered = isinstance(change, Drop) and isinstance(change.old, Hold)
            if (
                recorded == (change.new if isinstance(change, Put) else None)
                and kind not in _ONCE
                and not answered
            ):
                continue
            if recorded != change.old:
                raise StalePlan(f"plan is stale: {kind.lower()} {'/'.join(map(str, key))} moved")
            wanted.append(change)
    return wanted


def _kind_name(change: Put | Drop) -> str:
    return type(change.subject).__name__


def _check_basis(reader: Reader, plan: Plan) -> None:
    now = reader.key_states(state.key for state in plan.basis)
    moved = [
        state.key
        for state in plan.basis
        if (now[state.key] if state.key in now else type(state)(state.key)) != state
    ]
    if moved:
        raise StalePlan(f"plan is stale: {len(moved)} of its keys moved, first {moved[0]}")


def _merges_after(reader: Reader, plan: Plan) -> list[Merge]:
    """All merges as they are once the plan is written."""
    news = (change.new for change in plan.changes if isinstance(change, Put))
    merges = {one.resident: one for one in reader.merges()}
    return list((merges | {one.resident: one for one in news if isinstance(one, Merge)}).values())


def _check_cards(reader: Reader, plan: Plan) -> None:
    """Refuse a plan that would undo a part of what was done meanwhile: a card erased, or merged into another."""
    puts = [(change.new, change.old) for change in plan.changes if isinstance(change, Put)]
    joins = {
        new.resident: new.into
        for new, old in puts
        if isinstance(new, Merge) and new.into and _joins(new, old)
    }
    ends = {
        new.resident
        for new, _ in puts
        if isinstance(new, VkPage) or (isinstance(new, Link) and new.live)
    }
    ends |= set(joins.values())
    # What is noted of somebody would outlive the wish to be forgotten.
    noted = {entry.resident for entry in plan.entries if entry.note}
    noted |= {new.resident for new, _ in puts if isinstance(new, Decision) and new.note}
    if ends or noted:
        erased = _erased(reader, ends | set(joins) | noted)
        ours = {new.resident for new, _ in puts if isinstance(new, Merge)}
        merged = {one.resident for one in reader.merges() if one.into} - ours
        for card in sorted(erased | (merged & ends)):
            raise StalePlan(
                f"plan is stale: #{card} was {'erased' if card in erased else 'merged'} meanwhile"
            )
    left_behind = {one for one in reader.links_of(joins) if one.live} - {old for _, old in puts}
    for link in left_behind:
        raise StalePlan(f"plan is stale: VK {link.vk} was linked meanwhile to #{link.resident}")
    forgotten = {
        new.id for new, _ in puts if isinstance(new, Resident) and new.presence is Presence.ERASED
    }
    if forgotten:
        pairs = [pair for pair in reader.survivors().items() if not forgotten.isdisjoint(pair)]
        late = {card for pair in pairs for card in pair} - forgotten
        left = {
            *reader.links_of(forgotten),
            *reader.recorded(VkPage, forgotten),
            *reader.notes_of(forgotten),
        }
        if late - _erased(reader, late) or left - {
            change.old for change in plan.changes if isinstance(change, Drop)
        }:
            raise StalePlan("plan is stale: more is known by now about whom it forgets")


def _joins(new: Merge, old: Fact | None) -> bool:
    return not (isinstance(old, Merge) and old.into == new.into)


def _erased(reader: Reader, cards: Collection[int]) -> set[int]:
    return {one.id for one in reader.recorded(Resident, cards) if one.presence is Presence.ERASED}


def _check_floors(reader: Reader, plan: Plan) -> None:
    """Refuse what would take any balance below zero: read under the lock, so that no one can spend in between.

    A reversal that a person reviewed may do so, and nothing else.
    """
    changed = [
        change
        for change in plan.changes
        if isinstance(change, Put) and isinstance(change.new, Merge)
    ]
    survivors, moves, guarded = (
        survivors_of(_merges_after(reader, plan)),
        Counter[int](),
        set[int](),
    )
    for entry in plan.entries:
        owner = survivors.get(entry.resident, entry.resident)
        moves[owner] += entry.coins
        if entry.coins < 0 and not (plan.purpose is Purpose.REVIEW and entry.kind is Kind.REVERSAL):
            guarded.add(owner)
    losing = {owner: coins for owner, coins in moves.items() if coins < 0 and owner in guarded}
    for one, before in ((change.new, change.old) for change in changed):
        if (
            isinstance(one, Merge)
            and isinstance(before, Merge)
            and before.into
            and one.into != before.into
        ):
            # Who is on its own again must have spent no more than is its own.
            losing |= {
                survivors.get(card, card): 0 for card in (one.resident, before.into)
            } | losing
    for owner, balance in reader.balances(losing, survivors=survivors).items():
        if balance + losing[owner] < 0:
            needed = f"{-losing[owner]} needed" if losing[owner] else "on its own"
            raise NotEnoughCoins(f"#{owner} has {balance} coins, {needed}; nothing written")


def _check_stock(reader: Reader, plan: Plan) -> None:
    """Refuse what was recorded meanwhile, and what would leave fewer than no pieces: the last one is sold once."""
    for move in plan.stock_moves:
        if reader.stock_moves(key=move.key):
            raise StalePlan(f"plan is stale: {move.key} was recorded meanwhile")
    moves = quantities(plan.stock_moves)
    left = reader.stock(moves)
    for change in plan.changes:
        if isinstance(change, Stock) and change.left not in (None, left[change.move.item]):
            raise StalePlan(f"plan is stale: {change.move.item} was sold or moved meanwhile")
    for item, quantity in moves.items():
        if quantity < 0 and left[item] + quantity < 0:
            raise OutOfStock(f"{item}: {left[item]} left, {-quantity} needed; nothing written")


def _write_facts(
    database: Database, changes: Sequence[Put | Drop], environment: Environment
) -> None:
    """Write facts in the plan's order of kinds, so that nothing refers to what is not there yet."""
    rank = {fact.__name__: position for position, fact in enumerate(TABLES)}

    def kind_and_verb(change: Put | Drop) -> tuple[int, str]:
        verb = (
            "delete" if isinstance(change, Drop) else "insert" if change.old is None else "update"
        )
        return (rank[_kind_name(change)], verb)

    for (_, verb), group in groupby(sorted(changes, key=kind_and_verb), key=kind_and_verb):
        subjects = [change.subject for change in group]
        table = TABLES[type(subjects[0])]
        if verb == "insert":
            insert(database, table.name, table.columns, [table.row(fact) for fact in subjects])
        elif verb == "update":
            _update(database, table, subjects)
        else:
            where = " AND ".join(f"{column} = ?" for column in table.key_columns)
            _many(
                database,
                f"DELETE FROM {table.name} WHERE {where}",
                [table.key(fact) for fact in subjects],
            )
        environment.probe(f"{verb} {table.name}")


def _update(database: Database, table: Table, subjects: Sequence[Fact]) -> None:
    columns = ", ".join(f"{column} = ?" for column in table.columns)
    where = " AND ".join(f"{column} = ?" for column in table.key_columns)
    rows = [[*table.row(fact), *table.key(fact)] for fact in subjects]
    _many(database, f"UPDATE {table.name} SET {columns} WHERE {where}", rows)


def _write_entries(
    database: Database,
    reader: Reader,
    entries: Sequence[Entry],
    receipt: Receipt,
    environment: Environment,
) -> None:
    before = _chain_before(reader, receipt.n_first - 1) if entries else GENESIS
    rows: list[tuple[Any, ...]] = []
    notes: list[tuple[Any, ...]] = []
    for n, entry in enumerate(entries, receipt.n_first):
        salt = environment.fresh_text() if entry.note else ""
        digest = note_digest(salt, entry.note)
        before = link_hash(before, Posted(n, entry, receipt.posted_at, receipt.run), digest)
        rows.append(_entry_row(n, entry, receipt, digest, before))
        if entry.note:
            notes.append((n, salt, entry.note))
    for batch in _batched(rows):
        insert(database, "entry", ENTRY_COLUMNS, batch)
        environment.probe("entries")
    insert(database, "note", ("n", "salt", "text"), notes)


def _write_stock(
    database: Database, plan: Plan, head: Head, receipt: Receipt, environment: Environment
) -> None:
    first = head.stock - len(plan.stock_moves) + 1
    rows = [
        (
            n,
            move.key,
            move.item,
            move.quantity,
            move.kind.value,
            move.happened_on.isoformat(),
            move.actor,
            move.note,
            move.sale,
            receipt.run,
            receipt.posted_at,
        )
        for n, move in enumerate(plan.stock_moves, first)
    ]
    insert(database, "stock_move", STOCK_COLUMNS, rows)
    if rows:
        environment.probe("stock")


def _chain_before(reader: Reader, n: int) -> str:
    if n == 0:
        return GENESIS
    before = reader.chain(n)
    if before is None:
        raise CoinsyncError(
            f"ledger is damaged: entry {n} is missing; nothing written",
            advice="Restore the database from a backup.",
        )
    return before


def _entry_row(n: int, entry: Entry, receipt: Receipt, digest: str, chain: str) -> tuple[Any, ...]:
    return (
        n,
        entry.key,
        entry.seq,
        entry.resident,
        entry.coins,
        entry.kind.value,
        entry.happened_on.isoformat(),
        entry.reason,
        entry.actor,
        entry.rule,
        digest,
        entry.lesson,
        entry.reverses,
        receipt.run,
        receipt.posted_at,
        chain,
    )


def _run_row(plan: Plan, order: Order, receipt: Receipt, entries: int) -> tuple[Any, ...]:
    scope = plan.scope
    return (
        receipt.run,
        receipt.uuid,
        plan.purpose.value,
        scope.branch,
        scope.since.isoformat(),
        scope.until.isoformat(),
        order.actor,
        utc_text(order.started_at),
        receipt.posted_at,
        plan.digest,
        order.requests,
        entries,
        receipt.coins,
        receipt.facts,
        receipt.n_last,
    )


def insert(
    database: Database, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows, plainly: what is there already is an error, and nothing is replaced."""
    marks = ", ".join("?" * len(columns))
    _many(database, f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)


def _many(database: Database, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run one statement for many rows through one cursor: seven times faster than row objects."""
    if rows:
        with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
            database.cursor().executemany(marked(database, sql), rows)


def _batched(rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    return (
        rows[start : start + ROWS_PER_STATEMENT]
        for start in range(0, len(rows), ROWS_PER_STATEMENT)
    )
