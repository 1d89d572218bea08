"""The database: what it is, whether it can be written, and whether it could be lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from coinsync.commands.checks.examination import (
    WARN,
    Diagnosis,
    Examination,
    fail,
    failed,
    judged,
    ok,
    warn,
)
from coinsync.errors import CoinsyncError, DatabaseUnusable, TryLater
from coinsync.lookup.school import freshness as freshness_of
from coinsync.render.numbers import age
from coinsync.store import database as store
from coinsync.store import schema
from coinsync.store.engines.sqlite import SQLITE
from coinsync.store.operations.backup import newest_backup
from coinsync.store.reader import Reader

if TYPE_CHECKING:
    from peewee import Database

MIB = 2**20
#: Below this the next night may fail; twice as much as the database is room for a backup too.
FREE_BYTES_MIN, FREE_BYTES_GOOD = 200 * MIB, 1024 * MIB
#: A backup a day, and one that failed.
BACKUP_AGE_MAX = timedelta(hours=50)

_MIGRATE = "Run: coinsync db migrate"
_DOCS = "docs/operations.md says what is needed."


def database(ex: Examination) -> Iterator[Diagnosis]:
    """Engine, place and size; what is below is asked only if its tables are this program's."""
    if isinstance(ex.trouble, TryLater):
        # It would keep us waiting for a second time.
        raise ex.trouble
    url, wait_seconds = ex.session.database_url, ex.session.settings.database.wait_seconds
    engine = store.engine_at(url)
    engine.must_exist(url)
    opened = store.open_readable(url, wait_seconds=wait_seconds)
    with store.speaking(opened), opened.connection_context():
        ex.size_bytes = engine.size(opened)
        product = " ".join(engine.product(opened))
        size = f"{ex.size_bytes / MIB:.1f} MiB"
        yield ok("database", f"{engine.place_of(opened)}: {product}, {size}")
        steps, known = store.applied_steps(opened), store.schema_steps()
        for step in known:
            if step not in steps:
                yield fail("schema", f"{step} is missing", _MIGRATE)
        for step in steps:
            if step not in known:
                said = f"{step} is newer than this program"
                yield fail("schema", said, "Update coinsync on this machine.")
        if steps == known:
            yield from _ledger(opened, steps[-1])
            yield from _state(ex, opened)


def _ledger(database: Database, schema_step: str) -> Iterator[Diagnosis]:
    """Its tables, and what they hold."""
    reader = Reader(database)
    head, runs = reader.find_head(), reader.runs(1)
    faults = schema.faults(database)
    if head is None:
        faults.append("the head row is missing")
    advice = "Somebody changed the tables by hand; compare them with a backup."
    yield from judged("schema", faults, schema_step, advice)
    last = f"last run {runs[0].posted_at} ({runs[0].purpose})" if runs else "no run yet"
    n, run_count, account = (head.n, head.runs, head.account) if head else (0, 0, "")
    counts = f"{n} entries, {run_count} runs, {len(reader.resident_ids())} residents"
    yield ok("ledger", f"{counts}, CRM account {account or 'none yet'}, {last}")


def _state(ex: Examination, database: Database) -> Iterator[Diagnosis]:
    """What the engine says of its guards, rights, settings and files."""
    engine = store.engine_of(database)
    lost, hidden = engine.guards_lost(database), engine.guards_hidden(database)
    if lost:
        advice = f"{_MIGRATE}, unless this server forbids triggers"
        yield fail("triggers", f"missing: {', '.join(lost)}", advice)
    elif hidden:
        held = "where the server forbids them, rights and the chain hold instead"
        yield ok("triggers", f"this account sees none; {held}")
    else:
        yield ok("triggers", f"all {len(engine.guards)} are there")
    yield from judged("rights", engine.rights(database), "no more than needed", _DOCS, WARN)
    yield _writing(ex, database, lost)
    weak = engine.weak_settings(database)
    yield from judged("settings", weak, "as a writer needs them", _DOCS, WARN)
    fine = "the engine finds no damage; reconcile proves the coins"
    advice = "Write nothing; restore the newest backup, then run a sync."
    yield from judged("integrity", engine.damage(database, quick=True), fine, advice)


def _writing(ex: Examination, database: Database, guards_lost: tuple[str, ...]) -> Diagnosis:
    """Whether this user may write, and a writer would accept what it finds."""
    engine = store.engine_of(database)
    unwritable = engine.unwritable(database)
    if unwritable:
        advice = "Run the command as the user of the nightly sync, or give this one the right."
        return fail("writing", unwritable, advice)
    if guards_lost:
        said = f"every writer refuses: append-only guard missing: {', '.join(guards_lost)}"
        return fail("writing", said, DatabaseUnusable.advice)
    # A writer's connection to a file sets its mode, and empties the -wal file when it is closed.
    if engine is not SQLITE:
        wait_seconds = ex.session.settings.database.wait_seconds
        try:
            store.open_writable(ex.session.database_url, wait_seconds=wait_seconds).close()
        except CoinsyncError as error:
            return failed("writing", error)
    return ok("writing", "this user may write")


def disk(ex: Examination) -> Iterator[Diagnosis]:
    """Room for the nights to come."""
    folder = ex.session.settings.data_folder
    if not folder.exists():
        yield fail("disk", f"{folder} is not there", "Make it, or correct [data] folder.")
        return
    free_bytes = shutil.disk_usage(folder).free
    said = f"{free_bytes // MIB} MiB free in {folder}"
    yield room(free_bytes, ex.size_bytes, said)


def room(free_bytes: int, size_bytes: int, said: str = "") -> Diagnosis:
    """What so much free disk means for a database of that size."""
    advice = "Delete old backups and logs."
    if free_bytes < FREE_BYTES_MIN:
        return fail("disk", said, advice)
    if free_bytes < max(FREE_BYTES_GOOD, 2 * size_bytes):
        return warn("disk", said, advice)
    return ok("disk", said)


def backup(ex: Examination) -> Iterator[Diagnosis]:
    """How old the newest backup in the folder for them is."""
    folder = ex.session.settings.data.backups
    advice = "Run: coinsync db backup; a job should do it every night."
    if folder is None:
        said = "no folder for backups is named, so nobody knows whether there are any"
        advice = "Name one as [data] backups, then: coinsync db backup --keep 14"
        yield warn("backup", said, advice)
        return
    newest = newest_backup(folder)
    if newest is None:
        yield warn("backup", f"none yet in {folder}", advice)
        return
    span = ex.session.now() - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    said = f"{newest.name} is {age(span)} old"
    yield fail("backup", said, advice) if span > BACKUP_AGE_MAX else ok("backup", said)


def freshness(ex: Examination) -> Iterator[Diagnosis]:
    """How long ago each branch was synced."""
    settings = ex.session.settings
    head = ex.asked(Reader.find_head)
    if head is None:
        return
    if not head.runs:
        advice = "Run: coinsync sync --dry-run, then coinsync sync"
        yield warn("freshness", "nothing was synced yet", advice)
        return
    branches = ex.asked(lambda reader: freshness_of(reader, settings, ex.session.now())) or []
    hours = settings.sync.fresh_hours_max
    late = []
    for branch in branches:
        if branch.is_older_than(timedelta(hours=hours)):
            synced = f"was last synced {age(branch.age)} ago" if branch.age else "was never synced"
            late.append(f"{branch.name} {synced}")
    advice = "Run: coinsync sync --dry-run; look whether the nightly job runs."
    yield from judged("freshness", late, f"all within {hours} h", advice)
