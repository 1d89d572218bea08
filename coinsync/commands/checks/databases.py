"""The database: what it is, whether it can be written, and whether it could be lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from coinsync.commands.checks.diagnosis import FAIL, WARN, Diagnosis, fail, failed, judged, ok, warn
from coinsync.commands.checks.examination import Examination
from coinsync.errors import CoinsyncError
from coinsync.lookup.school import freshness as freshness_of
from coinsync.render.numbers import age
from coinsync.store.operations import condition
from coinsync.store.operations.backup import newest_backup

MIB = 2**20
#: Below this the next night may fail; twice as much as the database is room for a backup too.
FREE_BYTES_MIN, FREE_BYTES_GOOD = 200 * MIB, 1024 * MIB
#: A backup a day, and one that failed.
BACKUP_AGE_MAX = timedelta(hours=50)

_MIGRATE = "Run: coinsync db migrate"


def database(ex: Examination) -> Iterator[Diagnosis]:
    """Engine, place and size."""
    found = ex.condition
    if isinstance(found, CoinsyncError):
        yield failed(found)
    else:
        size = f"{found.size_bytes / MIB:.1f} MiB"
        yield ok(f"{found.place}: {found.engine} {found.version}, {size}")


def schema(ex: Examination) -> Iterator[Diagnosis]:
    """Whether its tables are this program's; what is below is asked only if so."""
    found = ex.condition
    if isinstance(found, CoinsyncError):
        return
    for step in found.steps_missing:
        yield fail(f"{step} is missing", _MIGRATE)
    for step in found.steps_unknown:
        yield fail(f"{step} is newer than this program", "Update coinsync on this machine.")
    if ex.database is not None:
        advice = "Somebody changed the tables by hand; compare them with a backup."
        yield from judged(FAIL, found.faults, found.schema, advice)


def ledger(ex: Examination) -> Iterator[Diagnosis]:
    """The database's numbers."""
    found = ex.database
    if found is not None:
        run = found.last_run
        last = f"last run {run.posted_at} ({run.purpose})" if run else "no run yet"
        counts = f"{found.entries} entries, {found.runs} runs, {found.residents} residents"
        yield ok(f"{counts}, CRM account {found.account or 'none yet'}, {last}")


def triggers(ex: Examination) -> Iterator[Diagnosis]:
    """The guards that keep the ledger from being changed."""
    found = ex.database
    if found is None:
        return
    if found.guards_lost:
        advice = f"{_MIGRATE}, unless this server forbids triggers"
        yield fail(f"missing: {', '.join(found.guards_lost)}", advice)
    elif found.guards_hidden:
        held = "where the server forbids them, rights and the chain hold instead"
        yield ok(f"this account sees none; {held}")
    else:
        yield ok(f"all {found.guards_seen} are there")


def rights(ex: Examination) -> Iterator[Diagnosis]:
    """Whether somebody may do more than is needed."""
    if ex.database is not None:
        advice = "docs/operations.md says which rights are needed."
        yield from judged(WARN, ex.database.rights, "no more than needed", advice)


def writing(ex: Examination) -> Iterator[Diagnosis]:
    """Whether this user may write, and a writer would accept what it finds."""
    found, session = ex.database, ex.session
    if found is None:
        return
    refusal = condition.refusal(
        session.database_url, found, wait_seconds=session.settings.database.wait_seconds
    )
    yield ok("this user may write") if refusal is None else failed(refusal)


def settings(ex: Examination) -> Iterator[Diagnosis]:
    """What could be safer."""
    if ex.database is not None:
        weak, advice = ex.database.weak_settings, "docs/operations.md says what is needed."
        yield from judged(WARN, weak, "as a writer needs them", advice)


def integrity(ex: Examination) -> Iterator[Diagnosis]:
    """The engine's own short check of its files."""
    if ex.database is not None:
        fine = "the engine finds no damage; reconcile proves the coins"
        advice = "Write nothing; restore the newest backup, then run a sync."
        yield from judged(FAIL, ex.database.damage, fine, advice)


def disk(ex: Examination) -> Iterator[Diagnosis]:
    """Room for the nights to come."""
    folder = ex.session.settings.data_folder
    if folder.exists():
        size = ex.database.size_bytes if ex.database else 0
        yield room(folder, shutil.disk_usage(folder).free, size)
    else:
        yield fail(f"{folder} is not there", "Make it, or correct [data] folder.")


def room(folder: Path, free_bytes: int, size_bytes: int) -> Diagnosis:
    """What so much free disk means for a database of that size."""
    said, advice = f"{free_bytes // MIB} MiB free in {folder}", "Delete old backups and logs."
    if free_bytes < FREE_BYTES_MIN:
        return fail(said, advice)
    if free_bytes < max(FREE_BYTES_GOOD, 2 * size_bytes):
        return warn(said, advice)
    return ok(said)


def backup(ex: Examination) -> Iterator[Diagnosis]:
    """How old the newest backup in the folder for them is."""
    folder = ex.session.settings.data.backups
    advice = "Run: coinsync db backup; a job should do it every night."
    if folder is None:
        said = "no folder for backups is named, so nobody knows whether there are any"
        yield warn(said, "Name one as [data] backups, then: coinsync db backup --keep 14")
        return
    newest = newest_backup(folder)
    if newest is None:
        yield warn(f"none yet in {folder}", advice)
        return
    span = ex.session.now() - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    said = f"{newest.name} is {age(span)} old"
    yield fail(said, advice) if span > BACKUP_AGE_MAX else ok(said)


def freshness(ex: Examination) -> Iterator[Diagnosis]:
    """How long ago each branch was synced."""
    if ex.database is None:
        return
    if not ex.database.runs:
        yield warn("nothing was synced yet", "Run: coinsync sync --dry-run, then coinsync sync")
        return
    hours = ex.session.settings.sync.fresh_hours_max
    with ex.session.reader() as reader:
        branches = freshness_of(reader, ex.session.settings, ex.session.now())
    late = []
    for branch in branches:
        if branch.is_older_than(timedelta(hours=hours)):
            synced = f"was last synced {age(branch.age)} ago" if branch.age else "was never synced"
            late.append(f"{branch.name} {synced}")
    advice = "Run: coinsync sync --dry-run; look whether the nightly job runs."
    yield from judged(FAIL, late, f"all within {hours} h", advice)
