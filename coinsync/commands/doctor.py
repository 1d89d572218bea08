"""Whether configuration, database and web view are as they should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import typer
from typer import Context

from coinsync import brand
from coinsync.commands.checks.diagnosis import FAIL, OK, WARN, Diagnosis
from coinsync.commands.session import DIFFERENT, Session
from coinsync.core import colour
from coinsync.errors import CoinsyncError
from coinsync.lookup.school import freshness
from coinsync.store.operations import condition

if TYPE_CHECKING:
    from coinsync.config import BrandSettings
    from coinsync.store.operations.condition import Condition


def doctor(ctx: Context) -> int:
    """Look whether all is as it should be.

    One line for each thing; 4 when something is not. With -v the colours of the cabinet too, each
    pair with its contrast. Nothing is written and the CRM is not asked.
    """
    session: Session = ctx.obj
    diagnoses = list(_diagnoses(session))
    session.tell(diagnoses)
    for diagnosis in diagnoses:
        if session.json or (session.quiet and diagnosis.state == OK):
            continue
        typer.echo(f"{diagnosis.state:<5}{diagnosis.look:<11}{diagnosis.said}")
    return DIFFERENT if any(diagnosis.state == FAIL for diagnosis in diagnoses) else 0


def _judged(look: str, problems: Sequence[str], fine: str, state: str = FAIL) -> Diagnosis:
    if problems:
        return Diagnosis(look, state, "; ".join(problems))
    return Diagnosis(look, OK, fine)


def _diagnoses(session: Session) -> Iterator[Diagnosis]:
    """Look at one thing after the other; what cannot be opened is looked at no further."""
    try:
        settings, url = session.settings, session.database_url
    except CoinsyncError as error:
        yield Diagnosis("config", FAIL, error.message.splitlines()[0])
        return
    yield Diagnosis("config", OK, str(session.config))
    yield from _colours(settings.brand, every_pair=session.verbose)
    yield from _pictures(settings.brand)
    wait_seconds = settings.database.wait_seconds
    try:
        database = condition.examine(url, wait_seconds=wait_seconds)
    except CoinsyncError as error:
        yield Diagnosis("database", FAIL, error.message)
        return
    size = f"{database.size_bytes / 2**20:.1f} MiB"
    yield Diagnosis(
        "database", OK, f"{database.place}: {database.engine} {database.version}, {size}"
    )
    faults = [f"{step} is missing: coinsync db migrate" for step in database.steps_missing]
    faults += [f"{step} is newer than this program" for step in database.steps_unknown]
    yield _judged("schema", [*faults, *database.faults], database.schema)
    if faults:
        return
    yield _ledger(database)
    yield _triggers(database)
    yield _judged("rights", database.rights, "no more than needed", WARN)
    refusal = condition.unsafe_for_writing(url, wait_seconds=wait_seconds)
    if refusal:
        yield Diagnosis("settings", FAIL, refusal)
    else:
        yield _judged("settings", database.weak_settings, "as a writer needs them", WARN)
    yield _freshness(session)


def _colours(settings: BrandSettings, *, every_pair: bool) -> Iterator[Diagnosis]:
    pairs = colour.pairs(settings)
    problems = colour.problems(settings)
    for problem in problems:
        yield Diagnosis("colours", FAIL, problem)
    if not problems:
        weakest = min(pairs, key=lambda pair: pair.ratio)
        contrast = f"{len(pairs)} pairs, the weakest has a contrast of {weakest.told} : 1"
        yield Diagnosis("colours", OK, contrast)
    if every_pair:
        for pair in pairs:
            contrast = f"{pair.what}, {pair.text} on {pair.ground}: {pair.told} : 1"
            yield Diagnosis("colours", OK if pair.passes else FAIL, contrast)


def _pictures(settings: BrandSettings) -> Iterator[Diagnosis]:
    problems = brand.picture_problems(settings)
    for problem in problems:
        yield Diagnosis("pictures", FAIL, problem)
    if not problems:
        names = [path.name for path in (settings.logo, settings.coin) if path is not None]
        yield Diagnosis("pictures", OK, ", ".join(names) or "the school has none of its own")


def _ledger(database: Condition) -> Diagnosis:
    run = database.last_run
    last = f"last run {run.posted_at} ({run.purpose})" if run else "no run yet"
    counts = f"{database.entries} entries, {database.runs} runs, {database.residents} residents"
    return Diagnosis(
        "ledger", OK, f"{counts}, CRM account {database.account or 'none yet'}, {last}"
    )


def _triggers(database: Condition) -> Diagnosis:
    if database.guards_lost:
        lost = ", ".join(database.guards_lost)
        advice = "coinsync db migrate, unless this server forbids triggers"
        return Diagnosis("triggers", FAIL, f"missing: {lost}; {advice}")
    fine = f"all {database.guards_seen} are there"
    if database.guards_hidden:
        fine = "this account sees none; where the server forbids them, rights and the chain hold"
        fine += " instead"
    return Diagnosis("triggers", OK, fine)


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
    return _judged("freshness", late, f"all within {hours} h")
