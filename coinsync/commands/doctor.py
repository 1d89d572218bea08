"""The doctor: whether configuration, database and web view are as they should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from coinsync import brand
from coinsync.commands.session import DIFFERENT, Session
from coinsync.core import colour
from coinsync.errors import CoinsyncError
from coinsync.lookup.school import freshness
from coinsync.store.operations import condition

if TYPE_CHECKING:
    from coinsync.config import Settings
    from coinsync.store.operations.condition import Condition

OK, WARN, FAIL = "ok", "warn", "FAIL"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found of one thing: ``ok``, ``warn`` (it works, and could be better) or ``FAIL``."""

    look: str
    state: str
    said: str


def doctor(ctx: typer.Context) -> int:
    """Look whether all is as it should be.

    One line for each thing; 4 when something is not. With -v the colours of the cabinet too, each
    pair with its contrast. Nothing is written and the CRM is not asked.
    """
    session: Session = ctx.obj
    found = list(_diagnoses(session))
    session.tell(found)
    for diagnosis in found:
        if session.json or (session.quiet and diagnosis.state == OK):
            continue
        typer.echo(f"{diagnosis.state:<5}{diagnosis.look:<11}{diagnosis.said}")
    return DIFFERENT if any(diagnosis.state == FAIL for diagnosis in found) else 0


def _diagnoses(session: Session) -> Iterator[Diagnosis]:
    """Look at one thing after the other; what cannot be opened is looked at no further."""
    try:
        settings, url = session.settings, session.database_url
    except CoinsyncError as error:
        yield Diagnosis("config", FAIL, error.message.splitlines()[0])
        return
    yield Diagnosis("config", OK, str(session.config))
    yield from _web_view(settings, every_pair=session.verbose)
    try:
        found = condition.examine(url, wait_seconds=settings.database.wait_seconds)
    except CoinsyncError as error:
        yield Diagnosis("database", FAIL, error.message)
        return
    size = f"{found.size_bytes / 2**20:.1f} MiB"
    yield Diagnosis("database", OK, f"{found.place}: {found.engine} {found.version}, {size}")
    yield _schema(found)
    if found.steps_missing or found.steps_unknown:
        return
    yield _ledger(found)
    yield _triggers(found)
    yield _rights(found)
    refusal = condition.unsafe_for_writing(url, wait_seconds=settings.database.wait_seconds)
    yield _settings(found, refusal)
    yield _freshness(session)


# --- the web view ---------------------------------------------------------------------------------


def _web_view(settings: Settings, *, every_pair: bool) -> Iterator[Diagnosis]:
    pairs = colour.pairs(settings.brand)
    problems = brand.colour_problems(settings.brand)
    for problem in problems:
        yield Diagnosis("colours", FAIL, problem)
    if not problems:
        weakest = min(pairs, key=lambda pair: pair.ratio)
        said = f"{len(pairs)} pairs, the weakest has a contrast of {weakest.told} : 1"
        yield Diagnosis("colours", OK, said)
    if every_pair:
        for pair in pairs:
            said = f"{pair.what}, {pair.text} on {pair.ground}: {pair.told} : 1"
            yield Diagnosis("colours", OK if pair.passes else FAIL, said)
    yield from _pictures(settings)


def _pictures(settings: Settings) -> Iterator[Diagnosis]:
    problems = brand.picture_problems(settings.brand)
    for problem in problems:
        yield Diagnosis("pictures", FAIL, problem)
    if not problems:
        paths = (settings.brand.logo, settings.brand.coin)
        names = [path.name for path in paths if path is not None]
        said = ", ".join(names) or "the school has none of its own"
        yield Diagnosis("pictures", OK, said)


# --- the database ---------------------------------------------------------------------------------


def _schema(found: Condition) -> Diagnosis:
    faults = [f"{step} is missing: coinsync db migrate" for step in found.steps_missing]
    faults += [f"{step} is newer than this program" for step in found.steps_unknown]
    faults += found.faults
    if faults:
        return Diagnosis("schema", FAIL, "; ".join(faults))
    return Diagnosis("schema", OK, found.schema)


def _ledger(found: Condition) -> Diagnosis:
    run = found.last_run
    last = f"last run {run.posted_at} ({run.purpose})" if run else "no run yet"
    counts = f"{found.entries} entries, {found.runs} runs, {found.residents} residents"
    account = found.account or "none yet"
    return Diagnosis("ledger", OK, f"{counts}, CRM account {account}, {last}")


def _triggers(found: Condition) -> Diagnosis:
    if found.guards_lost:
        lost = ", ".join(found.guards_lost)
        said = f"missing: {lost}; coinsync db migrate, unless this server forbids triggers"
        return Diagnosis("triggers", FAIL, said)
    if found.guards_hidden:
        said = (
            "this account sees none; where the server forbids them, rights and the chain hold"
            " instead"
        )
        return Diagnosis("triggers", OK, said)
    return Diagnosis("triggers", OK, f"all {found.guards_seen} are there")


def _rights(found: Condition) -> Diagnosis:
    if found.rights:
        return Diagnosis("rights", WARN, "; ".join(found.rights))
    return Diagnosis("rights", OK, "no more than needed")


def _settings(found: Condition, refusal: str) -> Diagnosis:
    if refusal:
        return Diagnosis("settings", FAIL, refusal)
    if found.weak_settings:
        return Diagnosis("settings", WARN, "; ".join(found.weak_settings))
    return Diagnosis("settings", OK, "as a writer needs them")


def _freshness(session: Session) -> Diagnosis:
    hours = session.settings.sync.fresh_hours_max
    with session.reader() as reader:
        branches = freshness(reader, session.settings, session.now())
    late = []
    for branch in branches:
        if branch.last is None or branch.age is None:
            late.append(f"branch {branch.branch} was never synced")
        elif branch.age > timedelta(hours=hours):
            late.append(f"branch {branch.branch} was last synced {branch.last.posted_at}")
    if late:
        return Diagnosis("freshness", FAIL, "; ".join(late))
    return Diagnosis("freshness", OK, f"all within {hours} h")
