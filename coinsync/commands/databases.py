"""Looking after the database: db status, migrate, backup, copy and grants, and the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands.session import DIFFERENT, Session
from coinsync.errors import CoinsyncError, UsageError

if TYPE_CHECKING:
    from coinsync.store.operations.condition import Condition


def migrate(ctx: typer.Context) -> None:
    """Bring the database to this program's schema.

    On a server this needs the account that owns the tables: name it by COINSYNC_DATABASE_URL.
    """
    from coinsync.store import database

    session: Session = ctx.obj
    with session.lock("db migrate", 0.0):
        steps = database.migrate(session.database_url)
    session.tell({"applied": steps})
    session.say("\n".join(f"applied {step}" for step in steps) or "nothing to do")


def status(ctx: typer.Context) -> int:
    """What the database is, and how far the ledger has come; 4 when something of it must be mended."""
    from coinsync.render.data import as_data, json_text
    from coinsync.store.operations import condition

    session: Session = ctx.obj
    found = condition.examine(
        session.database_url, wait_seconds=session.settings.database.wait_seconds
    )
    if session.json:
        last = as_data(found.last_run) if found.last_run else None
        data = {
            "schema": found.schema,
            "entries": found.entries,
            "runs": found.runs,
            "account": found.account,
        }
        more = {
            "engine": found.engine,
            "version": found.version,
            "place": found.place,
            "size_bytes": found.size_bytes,
        }
        data |= more | {"residents": found.residents, "last_run": last, "guards": found.guards_seen}
        typer.echo(json_text(data | {"guards_hidden": found.guards_hidden, "wrong": found.wrong}))
    else:
        for line in _told(found):
            typer.echo(line)
    return DIFFERENT if found.wrong else 0


def _told(found: Condition) -> Iterator[str]:
    account = found.account or "none yet"
    yield (
        f"{found.place}: schema {found.schema}, {found.entries} entries, {found.runs} runs,"
        f" {found.residents} residents, CRM account {account}"
    )
    last = (
        f"last run {found.last_run.posted_at} ({found.last_run.purpose})"
        if found.last_run
        else "no run yet"
    )
    guards = f"{found.guards_seen} guards" + (
        f", {len(found.guards_hidden)} hidden" if found.guards_hidden else ""
    )
    yield f"{found.engine} {found.version}, {found.size_bytes / 2**20:.1f} MiB, {guards}, {last}"
    for one in found.wrong:
        yield f"wrong: {one}"


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="It must not exist.")],
) -> None:
    """Write a backup of the whole database, while everything goes on.

    Of SQLite a copy of the file, of a server a dump of SQL; docs/operations.md says how to restore both.
    """
    from coinsync.store.operations.backup import back_up

    session: Session = ctx.obj
    size = back_up(session.database_url, file)
    session.tell({"file": str(file), "size_bytes": size})
    session.say(f"{file}: written, {size / 2**20:.1f} MiB, only you can read it")


def copy(
    ctx: typer.Context,
    to: Annotated[str, typer.Argument(metavar="URL", help="An empty database, or one to be made.")],
) -> None:
    """Copy the configured database into another one, perhaps of the other engine, and compare them row by row.

    A password may stand in COINSYNC_COPY_PASSWORD.
    """
    from coinsync import config
    from coinsync.store.operations.copy import copy_database

    session: Session = ctx.obj
    url = config.addressed(
        to, Path.cwd(), session.environment.environ.get("COINSYNC_COPY_PASSWORD", "")
    )
    with session.lock("db copy", 0.0):
        counts = copy_database(
            session.database_url, url, wait_seconds=session.settings.database.wait_seconds
        )
    session.tell({"copied": counts})
    many = sum(counts.values())
    session.say(
        f"{many} rows copied, {counts['entry']} of them entries; both databases hold the same"
    )
    session.say('Now let [database] url name the copy, and run "coinsync reconcile".')


def grants(
    ctx: typer.Context,
    owner: Annotated[
        str, typer.Option(help="The account that migrates and makes backups.")
    ] = "coinsync_owner",
    writer: Annotated[
        str, typer.Option(help="The account of all other commands.")
    ] = "coinsync_writer",
    web: Annotated[str, typer.Option(help="The account of the cabinet.")] = "coinsync_web",
    host: Annotated[
        str, typer.Option(help="From where they connect; % is from anywhere.")
    ] = "localhost",
) -> None:
    """Print the statements that give three accounts of a server exactly the rights that they need.

    For MySQL and MariaDB. Nothing is changed: an administrator of the server runs them.
    """
    from coinsync.store.engines.mysql_address import SCHEMES, address_of
    from coinsync.store.operations.grants import Accounts, makers, statements

    session: Session = ctx.obj
    if not session.database_url.startswith(tuple(f"{one}:" for one in SCHEMES)):
        raise UsageError(
            "db grants: the configured database is a file",
            advice="Its rights are those of the file and its folder.",
        )
    accounts = Accounts(owner, writer, web, host)
    name = address_of(session.database_url).name
    typer.echo("\n".join(f"-- {line}" for line in makers(accounts)))
    typer.echo("\n".join(statements(name, accounts)))


# --- the doctor ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found: ``ok``, ``warn`` (it works, and could be better) or ``FAIL``."""

    look: str
    state: str
    said: str


def doctor(ctx: typer.Context) -> int:
    """Look whether all is as it should be: one line for each thing; 4 when something is not.

    Nothing is written and the CRM is not asked.
    """
    session: Session = ctx.obj
    found = list(_looks(session))
    if session.json:
        session.tell(found)
    else:
        for one in found:
            if one.state != "ok" or not session.quiet:
                typer.echo(f"{one.state:<5}{one.look:<11}{one.said}")
    return DIFFERENT if any(one.state == "FAIL" for one in found) else 0


def _looks(session: Session) -> Iterator[Finding]:
    from coinsync.store.operations import condition

    try:
        wait_seconds = session.settings.database.wait_seconds
        url = session.database_url
    except CoinsyncError as error:
        yield Finding("config", "FAIL", error.message.splitlines()[0])
        return
    yield Finding("config", "ok", str(session.config))
    try:
        found = condition.examine(url, wait_seconds=wait_seconds)
    except CoinsyncError as error:
        yield Finding("database", "FAIL", error.message)
        return
    yield Finding("database", "ok", f"{found.place}: {found.engine} {found.version}")
    unknown = [f"{one} is newer than this program" for one in found.steps_unknown]
    faults = [
        *(f"{one} is missing: coinsync db migrate" for one in found.steps_missing),
        *unknown,
        *found.faults,
    ]
    yield Finding("schema", "FAIL" if faults else "ok", "; ".join(faults) or found.schema)
    if found.steps_missing or found.steps_unknown:
        return
    yield _guards(found)
    yield _rights(found)
    yield _settings(found, condition.unsafe_for_writing(url, wait_seconds=wait_seconds))
    yield _fresh(session)


def _guards(found: Condition) -> Finding:
    if found.guards_lost:
        said = f"missing: {', '.join(found.guards_lost)}; coinsync db migrate, unless this server forbids triggers"
        return Finding("triggers", "FAIL", said)
    if found.guards_hidden:
        said = "this account sees none; where the server forbids them, rights and the chain hold instead"
        return Finding("triggers", "ok", said)
    return Finding("triggers", "ok", f"all {found.guards_seen} are there")


def _rights(found: Condition) -> Finding:
    if found.rights:
        return Finding("rights", "warn", "; ".join(found.rights))
    return Finding("rights", "ok", "no more than needed")


def _settings(found: Condition, refusal: str) -> Finding:
    if refusal:
        return Finding("settings", "FAIL", refusal)
    if found.weak_settings:
        return Finding("settings", "warn", "; ".join(found.weak_settings))
    return Finding("settings", "ok", "as a writer needs them")


def _fresh(session: Session) -> Finding:
    from coinsync.lookup.freshness import freshness

    settings = session.settings
    oldest = timedelta(hours=settings.sync.fresh_hours_max)
    late = []
    with session.reader() as reader:
        for branch in freshness(reader, settings, session.now()):
            if branch.is_older_than(oldest):
                last = branch.last
                when = f"was last synced {last.posted_at}" if last else "was never synced"
                late.append(f"branch {branch.branch} {when}")
    return Finding(
        "freshness",
        "FAIL" if late else "ok",
        "; ".join(late) or f"all within {settings.sync.fresh_hours_max} h",
    )
