"""The database and the machine around the program: what could stop a night, or lose one."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from coinsync.commands import seals
from coinsync.commands.checks.examination import FAIL, OK, WARN, CrmAnswers, Examination
from coinsync.errors import CoinsyncError, DatabaseUnusable, TryLater
from coinsync.lookup.school import freshness as freshness_of
from coinsync.render.numbers import age
from coinsync.store import database as store
from coinsync.store import schema
from coinsync.store.engines.sqlite import SQLITE
from coinsync.store.lock import holder_of, last_seal
from coinsync.store.operations.backup import newest_backup
from coinsync.store.reader import Reader

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.commands.session import Session
    from coinsync.core.ledger import Freshness, Head

MIB = 2**20
#: Below this the next night may fail; twice as much as the database is room for a backup too.
FREE_BYTES_MIN, FREE_BYTES_GOOD = 200 * MIB, 1024 * MIB
#: A backup a day, and one that failed.
BACKUP_AGE_MAX = timedelta(hours=50)

_DOCS = "docs/operations.md says what is needed."
#: By so much our clock may differ from the CRM's; launches are refused when VK's is more than five
#: minutes ahead of ours; a day means that lessons are taken for another day's.
CLOCK_OFF_GOOD, CLOCK_OFF_LAUNCH = timedelta(minutes=1), timedelta(minutes=5)
#: Who allows more, as the demo does whose days go on by hand, does not want clocks compared.
HOURS_COMPARED = 365 * 24
#: A run that holds the lock for longer than this hangs.
RUN_MAX = timedelta(hours=6)
#: Where systemd keeps the timers that are switched on.
TIMERS = Path("/etc/systemd/system/timers.target.wants")
#: The address of the alarm, for all jobs, beside the configuration.
JOBS_ENVIRONMENT = "jobs.env"
_SYNC_IN_CRONTAB = re.compile(r"^[^#]*coinsync\S*\s(.*\s)?sync\b", re.MULTILINE)
_PING = re.compile(r"^[^#]*(COINSYNC_PING_URL=|--ping-url).*//", re.MULTILINE)
_MAIL = re.compile(r"^\s*MAILTO=\S", re.MULTILINE)
_SET_CLOCK = "Run: sudo timedatectl set-ntp true"
_AS_SYNC = "Run the command as the user of the nightly sync."


def database(ex: Examination) -> None:
    """Place and size; what is below is asked only if its tables are this program's."""
    if isinstance(ex.trouble, TryLater):
        # It would keep us waiting for a second time.
        raise ex.trouble
    url, wait_seconds = ex.session.database_url, ex.session.settings.database.wait_seconds
    engine = store.engine_at(url)
    engine.must_exist(url)
    opened = store.open_readable(url, wait_seconds=wait_seconds)
    with store.speaking(opened), store.connected(opened):
        ex.size_bytes = engine.size(opened)
        fine = f"{engine.place_of(opened)}: {ex.size_bytes / MIB:.1f} MiB"
        try:
            store.refuse_other_schema(opened)
        except DatabaseUnusable as error:
            ex.ok("database", fine)
            ex.failed("schema", error)
            return
        # A table that cannot be read is told before anything is praised.
        head = Reader(opened).find_head()
        ex.ok("database", fine)
        _look_at_tables(ex, opened, head)
        _look_at_engine(ex, opened)


def _look_at_tables(ex: Examination, database: Database, head: Head | None) -> None:
    """Its tables, and what they hold."""
    reader = Reader(database)
    runs = reader.runs(1)
    faults = schema.faults(database)
    if head is None:
        faults.append("the head row is missing")
    advice = "Somebody changed the tables by hand; compare them with a backup."
    ex.judge("schema", faults, store.schema_steps()[-1], advice)
    last = f"last run {runs[0].posted_at} ({runs[0].purpose})" if runs else "no run yet"
    n, run_count, account = (head.n, head.runs, head.account) if head else (0, 0, "")
    counts = f"{n} entries, {run_count} runs, {len(reader.resident_ids())} residents"
    ex.ok("ledger", f"{counts}, CRM account {account or 'none yet'}, {last}")


def _look_at_engine(ex: Examination, database: Database) -> None:
    """What the engine says of its guards, rights, settings and files."""
    engine = store.engine_of(database)
    lost, hidden = engine.guards_lost(database), engine.guards_hidden(database)
    if lost:
        advice = "Run: coinsync db migrate, unless this server forbids triggers"
        ex.fail("triggers", f"missing: {', '.join(lost)}", advice)
    elif hidden:
        held = "where the server forbids them, rights and the chain hold instead"
        ex.ok("triggers", f"this account sees none; {held}")
    else:
        ex.ok("triggers", f"all {len(engine.guards)} are there")
    ex.judge("rights", engine.rights(database), "no more than needed", _DOCS, WARN)
    unwritable = engine.unwritable(database)
    if unwritable:
        advice = "Run the command as the user of the nightly sync, or give this one the right."
        ex.fail("writing", unwritable, advice)
    elif lost:
        said = f"every writer refuses: append-only guard missing: {', '.join(lost)}"
        ex.fail("writing", said, DatabaseUnusable.advice)
    else:
        try:
            # A writer's connection to a file sets its mode, and its end empties the -wal file.
            if engine is not SQLITE:
                wait_seconds = ex.session.settings.database.wait_seconds
                store.open_writable(ex.session.database_url, wait_seconds=wait_seconds).close()
            ex.ok("writing", "this user may write")
        except CoinsyncError as error:
            ex.failed("writing", error)
    weak = engine.weak_settings(database)
    ex.judge("settings", weak, "as a writer needs them", _DOCS, WARN)
    fine = "the engine finds no damage; reconcile proves the coins"
    advice = "Write nothing; restore the newest backup, then run a sync."
    ex.judge("integrity", engine.damage(database, quick=True), fine, advice)


def seal(ex: Examination) -> None:
    """Whether the ledger holds the seal that was last seen here."""
    seen = last_seal(ex.session.seal_file)
    error = ex.asked(lambda reader: seals.fault(ex.session, reader))
    if error is not None:
        ex.failed("seal", error)
    elif seen is None:
        ex.ok("seal", "none was seen on this machine yet")
    else:
        ex.ok("seal", f"{seen}, last seen on this machine, holds")


def disk(ex: Examination) -> None:
    """Room for the nights to come."""
    folder = ex.session.settings.data_folder
    if not folder.exists():
        ex.fail("disk", f"{folder} is not there", "Make it, or correct [data] folder.")
        return
    free_bytes = shutil.disk_usage(folder).free
    said = f"{free_bytes // MIB} MiB free in {folder}"
    ex.say("disk", room(free_bytes, ex.size_bytes), said, "Delete old backups and logs.")


def room(free_bytes: int, size_bytes: int) -> str:
    """The state of so much free disk for a database of that size."""
    if free_bytes < FREE_BYTES_MIN:
        return FAIL
    return WARN if free_bytes < max(FREE_BYTES_GOOD, 2 * size_bytes) else OK


def backup(ex: Examination) -> None:
    """How old the newest backup in the folder for them is."""
    advice = "Run: coinsync db backup; a job should do it every night."
    if ex.session.settings.data.backups is None:
        advice = "Name one as [data] backups, then: coinsync db backup --keep 14"
    state, said = backup_state(ex.session)
    ex.say("backup", state, said, advice)


def backup_state(session: Session) -> tuple[str, str]:
    """How it is with backups, and what is to be said of it."""
    folder = session.settings.data.backups
    if folder is None:
        return WARN, "no folder for backups is named, so nobody knows whether there are any"
    newest = newest_backup(folder)
    if newest is None:
        return WARN, f"none yet in {folder}"
    span = session.now() - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    return (FAIL if span > BACKUP_AGE_MAX else OK), f"{newest.name} is {age(span)} old"


def freshness(ex: Examination) -> None:
    """How long ago each branch was synced."""
    settings = ex.session.settings
    head = ex.asked(Reader.find_head)
    if head is None:
        return
    if not head.runs:
        advice = "Run: coinsync sync --dry-run, then coinsync sync"
        ex.warn("freshness", "nothing was synced yet", advice)
        return
    branches = ex.asked(lambda reader: freshness_of(reader, settings, ex.session.now())) or []
    hours = settings.sync.fresh_hours_max
    late = []
    for branch in branches:
        if branch.is_older_than(timedelta(hours=hours)):
            late.append(when_synced(branch))
    advice = "Run: coinsync sync --dry-run; look whether the nightly job runs."
    ex.judge("freshness", late, f"all within {hours} h", advice)


def when_synced(branch: Freshness) -> str:
    """When a branch was last synced, in words."""
    synced = f"was last synced {age(branch.age)} ago" if branch.age else "was never synced"
    return f"{branch.name} {synced}"


# --- the machine ---


def lock(ex: Examination) -> None:
    """Who runs just now, and whether this user could."""
    path = ex.session.settings.lock_path
    is_there = os.path.lexists(path)
    mode = stat.S_IMODE(path.lstat().st_mode) if is_there else 0
    if path.is_symlink():
        ex.fail("lock", f"{path} is a link, which no run follows", "Remove it.")
    elif mode & 0o002:
        said = f"{path} can be written by everybody (mode {mode:04o}), who could stop every run"
        ex.fail("lock", said, f"Run: chmod 660 {path}")
    elif not os.access(path if is_there else path.parent, os.R_OK | os.W_OK):
        ex.fail("lock", f"{path} cannot be opened by this user (mode {mode:04o})", _AS_SYNC)
    else:
        _look_at_holder(ex, holder_of(path) if is_there else None)


def _look_at_holder(ex: Examination, holder: dict[str, str] | None) -> None:
    if holder is None:
        ex.ok("lock", f"{ex.session.settings.lock_path} is free")
    elif not holder:
        ex.ok("lock", "held by a run that has just begun")
    else:
        said = f"held: {holder['what']} by {holder['actor']} since {holder['since']}"
        hangs = ex.session.now() - datetime.fromisoformat(holder["since"]) > RUN_MAX
        advice = "It seems to hang; look for it with: ps -ef"
        ex.say("lock", WARN if hangs else OK, said, advice)


def clock(ex: Examination) -> None:
    """The clock, against the CRM's and against what is in the ledger."""
    ahead = ex.crm.clock_ahead if isinstance(ex.crm, CrmAnswers) else None
    hours_max = ex.session.settings.limits.clock_hours_max
    runs = ex.asked(lambda reader: reader.runs(1)) or []
    if runs and ex.session.now() < datetime.fromisoformat(runs[0].posted_at):
        said = f"before the ledger's newest run ({runs[0].posted_at}): nothing can be written"
        ex.fail("clock", said, f"{_SET_CLOCK}; if it is right: coinsync db accept --clock")
    elif ahead is None or hours_max > HOURS_COMPARED:
        fine = "not before the ledger's newest run" if runs else "nothing to compare it with"
        ex.ok("clock", fine)
    elif abs(ahead) <= CLOCK_OFF_GOOD:
        ex.ok("clock", "agrees with the CRM's")
    else:
        side = "ahead of" if ahead > timedelta(0) else "behind"
        said = f"{age(abs(ahead))} {side} the CRM's"
        if abs(ahead) > CLOCK_OFF_LAUNCH:
            said += ": families' launches may be refused"
        # Less may be the fault of a CRM whose own clock is wrong.
        state = FAIL if abs(ahead) > timedelta(hours=hours_max) else WARN
        ex.say("clock", state, said, _SET_CLOCK)


def jobs(ex: Examination) -> None:
    """Whether something runs the sync by itself, and somebody would hear if it failed."""
    crontab, timers = _crontab(ex), timers_in(TIMERS)
    if timers:
        ex.ok("job", f"sync runs by {', '.join(timers)}")
    elif _SYNC_IN_CRONTAB.search(crontab):
        ex.ok("job", "sync runs by the crontab of this user")
    else:
        said = "no systemd timer and no line of this user's crontab runs a sync"
        ex.warn("job", said, "Take the timers of docs/deploy, or crontab.example.")
    path = ex.session.settings.path.with_name(JOBS_ENVIRONMENT)
    is_hidden = path.exists() and not os.access(path, os.R_OK)
    text = path.read_text(encoding="utf-8") if path.exists() and not is_hidden else ""
    if ex.session.ping_url or _PING.search(text) or _PING.search(crontab):
        ex.ok("alarm", "a watcher outside is told of each sync")
    elif is_hidden:
        advice = f"Look there for COINSYNC_PING_URL. {_AS_SYNC}"
        ex.warn("alarm", f"this user cannot read {path}", advice)
    elif _MAIL.search(crontab) and _program(ex, "sendmail"):
        ex.ok("alarm", "cron mails what goes wrong")
    else:
        said = "nobody would hear of a failed sync: neither a ping address nor a mailer is there"
        advice = f"Write COINSYNC_PING_URL=… into {path}, with a check of healthchecks.io or alike."
        ex.warn("alarm", said, advice)


def timers_in(folder: Path) -> list[str]:
    """Timers that run a sync, by their name."""
    return [path.name for path in sorted(folder.glob("coinsync-*sync*.timer"))]


def _crontab(ex: Examination) -> str:
    """This user's table of cron, as cron's own program shows it."""
    program = _program(ex, "crontab")
    if program is None:
        return ""
    try:
        done = subprocess.run([program, "-l"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def _program(ex: Examination, name: str) -> str | None:
    path = ex.session.environment.environ.get("PATH", "")
    return shutil.which(name, path=f"{path}:/usr/sbin:/usr/bin")
