"""The database: db migrate, backup, restore, hold, accept, copy, grants."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Context, Option

from coinsync import config
from coinsync.commands import connections, seals
from coinsync.commands.options import DryRun, Yes
from coinsync.commands.posting import apply, is_agreed
from coinsync.commands.session import Session
from coinsync.core import clocks
from coinsync.core.ledger import utc_text
from coinsync.core.plan import Plan, Purpose
from coinsync.core.proposal import scope_of
from coinsync.core.seal import Seal, parse_seal
from coinsync.errors import ClockWrong, CoinsyncError, StalePlan, UsageError
from coinsync.render.plans import receipt_line
from coinsync.staff_texts import counted
from coinsync.store import database
from coinsync.store.engines.mysql_address import SCHEMES, address_of
from coinsync.store.lock import last_seal
from coinsync.store.operations.backup import (
    back_up,
    dated_file,
    delete_old,
    hold_open,
    looked_through,
)
from coinsync.store.operations.backup import restore as put_back
from coinsync.store.operations.copy import copy_database
from coinsync.store.operations.grants import makers, statements
from coinsync.store.reader import Reader

if TYPE_CHECKING:
    from peewee import Database


def migrate(ctx: Context) -> None:
    """Bring the database to this program's schema.

    On a server this needs the account that owns the tables: name it by COINSYNC_DATABASE_URL.
    """
    session: Session = ctx.obj
    with session.lock("db migrate", 0.0):
        steps = database.migrate(session.database_url)
    session.tell({"applied": steps})
    session.say("\n".join(f"applied {step}" for step in steps) or "nothing to do")


def backup(
    ctx: Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="It must not exist; left out: a new one in [data] backups."
        ),
    ] = None,
    keep: Annotated[
        int | None,
        Option(min=1, max=10_000, help="Without FILE: delete all but the newest so many."),
    ] = None,
) -> None:
    """Write a backup of the whole database, while everything goes on.

    It is a file of SQLite, of a server too; docs/operations.md says how to restore both.
    """
    session: Session = ctx.obj
    folder = session.settings.data.backups
    if file is not None:
        target = file
        if keep is not None:
            raise UsageError("db backup: --keep goes without FILE, for the folder [data] backups")
    elif folder is None:
        raise UsageError("db backup: name a FILE, or a folder as [data] backups")
    else:
        target = dated_file(folder, session.now())
    size, seal = back_up(session.database_url, target)
    deleted = delete_old(target.parent, keep) if keep is not None else []
    data = {"file": str(target), "size_bytes": size, "deleted": deleted, "seal": str(seal)}
    session.tell(data)
    written = f"written, {size / 2**20:.1f} MiB, only you can read it"
    session.say(f"{target}: {written}; it holds seal {seal}")
    for name in deleted:
        session.say(f"{name}: deleted, it was old")


def hold(ctx: Context) -> None:
    """Keep the database's file open, for a web view that may not write beside it.

    SQLite reads a file without the right to write only while two files beside it, -wal and -shm,
    are there: as long as somebody has the database open. It runs until it is stopped.
    """
    session: Session = ctx.obj
    hold_open(session.database_url, session.environment.sleep)


def restore(
    ctx: Context,
    file: Annotated[Path, typer.Argument(metavar="BACKUP", help="A backup that db backup wrote.")],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Put a backup in the place of the database, and go on from it.

    For a database in a file; docs/operations.md says how a server takes its dump.
    """
    session: Session = ctx.obj
    with session.lock("db restore", 0.0):
        seal = looked_through(session.database_url, file, session.settings.account)
        newest = max(_seals_seen(session), key=lambda seen: seen.run, default=seal)
        missing = max(newest.run - seal.run, 0)
        later = f"{counted(missing, 'run')} later"
        shown = f"{file} is sound and ends at {seal}; {newest} was seen here, {later}"
        if dry_run or yes:
            session.say(shown)
        receipt = None
        if not dry_run and (yes or is_agreed(session, f"{shown}. Put it in that one's place?")):
            put_back(session.database_url, file)
            with session.writable() as opened:
                receipt = apply(session, opened, accepting(session))
    session.tell({"dry_run": dry_run, "seal": str(seal), "missing": missing, "receipt": receipt})
    said = f"put back and accepted; {receipt_line(receipt)}" if receipt else "nothing written"
    session.say(said)


def _seals_seen(session: Session) -> list[Seal]:
    # Newest seals of what stands there, as far as it can be read, and of what stood there once.
    found = [last_seal(session.seal_file)]
    with suppress(CoinsyncError), session.reader() as reader:
        found.append(reader.seal())
    return [seal for seal in found if seal is not None]


def accepting(session: Session) -> Plan:
    """A plan that changes nothing: its run says that a person accepts what is there."""
    return Plan.of(Purpose.ACCEPT, scope_of(session.now().date()), ())


def accept(
    ctx: Context,
    seal: Annotated[
        str | None,
        typer.Argument(metavar="[SEAL]", help="Where this ledger ends, though it went back."),
    ] = None,
    clock: Annotated[
        bool, Option("--clock", help="This machine's clock, though the last run has a later time.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Let the database be written again once a person has looked.

    It records a run that moves nothing; what comes after it is compared with that one.
    """
    session: Session = ctx.obj
    if clock == (seal is not None):
        raise UsageError(
            "db accept: say what is accepted: --clock, or the seal of the ledger",
            advice="coinsync reconcile prints the seal at which it ends.",
        )
    typed = parse_seal(seal) if seal is not None else None
    with session.lock("db accept", 0.0), session.writable() as opened:
        if typed is None:
            seals.refuse_older(session, Reader(opened))
            accept_clock(session, opened, dry_run, yes)
        else:
            accept_ledger(session, opened, typed, dry_run)


def accept_ledger(session: Session, opened: Database, typed: Seal, dry_run: bool) -> None:
    """Accept the ledger that ends at a seal, in the place of the one that was seen here."""
    reader = Reader(opened)
    if reader.seal() != typed:
        raise StalePlan(
            f"db accept: the ledger ends at {reader.seal()}; nothing written",
            advice="Look at it first: coinsync reconcile, coinsync journal.",
        )
    # Whoever typed a whole seal need not be asked once more.
    needed = seals.fault(session, reader) is not None
    _accept(session, opened, "ledger" if needed else "", dry_run, agreed=True)
    if not needed:
        session.say("nothing to do: it holds what was seen here")


def _accept(session: Session, opened: Database, what: str, dry_run: bool, *, agreed: bool) -> None:
    # Record that a person accepts it; "" where nothing needs that.
    receipt = None
    if what and agreed and not dry_run:
        receipt = apply(session, opened, accepting(session))
        session.say(f"the {what} is accepted; {receipt_line(receipt)}")
    elif what:
        session.say("nothing written")
    session.tell({"dry_run": dry_run, "needed": bool(what), "receipt": receipt})


def accept_clock(session: Session, opened: Database, dry_run: bool, yes: bool) -> None:
    """Accept this machine's clock. Raises ``ClockWrong`` where the CRM says that it is wrong."""
    now = session.now()
    last_runs = Reader(opened).runs(1)
    if not last_runs or last_runs[0].posted_at <= utc_text(now):
        _accept(session, opened, "", dry_run, agreed=False)
        session.say("nothing to do: no run is later than now")
        return
    last = last_runs[0]
    clocks_shown = (
        f"last run    {last.posted_at}  run {last.id}, {last.purpose}, by {last.actor}\n"
        f"this clock  {utc_text(now)}\n"
        f"the CRM's   {_crm_clock(session, now)}"
    )
    if dry_run or yes:
        session.say(clocks_shown)
    elif not session.json:
        # Nobody says yes to what was not shown, not even under --quiet.
        typer.echo(clocks_shown)
    agreed = dry_run or yes or is_agreed(session, "Is this machine's clock right?")
    _accept(session, opened, "clock", dry_run, agreed=agreed)


def _crm_clock(session: Session, now: datetime) -> str:
    """The CRM's time, for a person, where it can be asked and has one."""
    try:
        with connections.exchange(session) as crm:
            theirs = crm.moment()
        believed = clocks.believed(now, theirs, session.settings.limits.clock_hours_max)
    except ClockWrong as error:
        advice = "Correct it first: a clock that is wrong is not accepted."
        raise ClockWrong(error.message, advice=advice) from error
    except CoinsyncError as error:
        # Whoever mends a ledger need not wait for the CRM.
        return f"not known ({error.message})"
    if theirs is None:
        return "not known"
    return utc_text(theirs) if believed else f"{utc_text(theirs)}, which cannot be"


def copy(
    ctx: Context,
    to: Annotated[str, typer.Argument(metavar="URL", help="An empty database, or one to be made.")],
) -> None:
    """Copy the configured database into another one, and compare them row by row.

    The other may be of the other engine. A password may stand in COINSYNC_COPY_PASSWORD.
    """
    session: Session = ctx.obj
    password = session.environment.environ.get("COINSYNC_COPY_PASSWORD", "")
    url = config.addressed(to, Path.cwd(), password)
    wait_seconds = session.settings.database.wait_seconds
    with session.lock("db copy", 0.0):
        counts = copy_database(session.database_url, url, wait_seconds=wait_seconds)
    session.tell({"copied": counts})
    rows, entries = sum(counts.values()), counts["entry"]
    session.say(f"{rows} rows copied, {entries} of them entries; both databases hold the same")
    session.say('Now let [database] url name the copy, and run "coinsync reconcile".')


def grants(
    ctx: Context,
    host: Annotated[str, Option(help="From where they connect; % is from anywhere.")] = "localhost",
) -> None:
    """Print the statements that give three accounts of a server exactly the rights they need.

    For MySQL and MariaDB. Nothing is changed: an administrator of the server runs them.
    """
    session: Session = ctx.obj
    scheme = session.database_url.partition(":")[0]
    if scheme not in SCHEMES:
        raise UsageError(
            "db grants: the configured database is a file",
            advice="Its rights are those of the file and its folder.",
        )
    name = address_of(session.database_url).name
    for line in makers(host):
        typer.echo(f"-- {line}")
    typer.echo("\n".join(statements(name, host)))
