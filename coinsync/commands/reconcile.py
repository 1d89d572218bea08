"""Proving that every coin is right: reconcile."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from coinsync.commands.session import DIFFERENT, PARTLY, AsCsv, Day, Session, day_of, span
from coinsync.errors import UsageError

if TYPE_CHECKING:
    from coinsync.core.proof.checks import Proof
    from coinsync.core.proof.crm import CrmReading
    from coinsync.store.reader import Reader
    from coinsync.sync import Outcome


def reconcile(
    ctx: typer.Context,
    check: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this check; may be repeated.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="YYYY-MM-DD", help="The ledger at the end of that day, UTC."
        ),
    ] = None,
    with_crm: Annotated[
        bool, typer.Option("--with-crm", help="Also against a fresh reading of the CRM.")
    ] = False,
    since: Day = None,
    until: Day = None,
    lock_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="Wait so long for another run.")
    ] = 0.0,
    as_csv: AsCsv = False,
) -> int:
    """Prove that every coin is right.

    Every finding says where to look and what mends it.
    """
    session: Session = ctx.obj
    days, day = span(since, until), day_of(as_of)
    if day is not None and with_crm:
        raise UsageError("--as-of looks back, --with-crm reads the CRM as it is today")
    if days != (None, None) and not with_crm:
        raise UsageError("--since and --until say what to read with --with-crm")
    wanted = _wanted(check or (), day=day is not None, with_crm=with_crm)
    outcomes: list[Outcome] = []
    # Only what is held against the CRM needs the lock: a sync that runs meanwhile would look like differences.
    with (
        session.lock("reconcile", lock_timeout) if with_crm else nullcontext(),
        session.reader() as reader,
    ):
        proof = _proof(session, reader, wanted, day)
        if with_crm:
            outcomes = _outcomes(session, reader, days)
            proof = _with_the_crm(session, proof, outcomes, wanted, days)
    _tell(session, proof, day, as_csv=as_csv)
    return _exit_code(proof, outcomes)


def _wanted(named: Sequence[str], *, day: bool, with_crm: bool) -> tuple[str, ...]:
    """The ids of the checks to make: those named, or all that can be made."""
    from coinsync import reconcile as proof
    from coinsync.core.proof.checks import BY_ID, CRM_CHECKS

    fresh = tuple(check.id for check in CRM_CHECKS)
    possible = proof.OF_A_DAY if day else (*proof.STORED, *fresh) if with_crm else proof.STORED
    for id in named:
        if id not in BY_ID:
            raise UsageError(f"no check is called {id!r}", advice=f"There are: {', '.join(BY_ID)}.")
        if id not in possible:
            needed = "needs --with-crm" if id in fresh else "cannot be made with --as-of"
            raise UsageError(
                f"check {id} {needed}", advice=f"Possible here: {', '.join(possible)}."
            )
    return tuple(named) or possible


def _proof(session: Session, reader: Reader, wanted: Collection[str], day: date | None) -> Proof:
    from coinsync import reconcile as proof
    from coinsync.render.progress import Bar

    if day is not None:
        return proof.prove_day(reader, session.settings, day, wanted=wanted)
    branches = [branch.id for branch in session.chosen_branches()]
    with Bar(shown=sys.stderr.isatty() and not (session.quiet or session.json)) as bar:
        return proof.prove(
            reader, session.settings, session.now(), wanted=wanted, branches=branches, progress=bar
        )


# --- against the CRM -------------------------------------------------------------------------------------------------


def _outcomes(
    session: Session, reader: Reader, days: tuple[date | None, date | None]
) -> list[Outcome]:
    """What a sync would do now, as its dry run finds it."""
    from coinsync.render.progress import Bar
    from coinsync.sync import Sync

    bar = Bar(shown=sys.stderr.isatty() and not (session.quiet or session.json))
    with bar, session.exchange(bar) as exchange, session.vk() as vk:
        run = Sync(exchange, reader, session.settings, vk=vk)
        return list(run.outcomes(session.chosen_branches(), *days, session.now()))


def _with_the_crm(
    session: Session,
    proof: Proof,
    outcomes: Iterable[Outcome],
    wanted: Collection[str],
    days: tuple[date | None, date | None],
) -> Proof:
    """The proof with what the fresh reading adds to it."""
    from coinsync.core.proof.checks import CRM_CHECKS, Findings
    from coinsync.core.proof.crm import check_readings

    names = session.branch_names()
    found = Findings()
    window = (f" --{name} {day}" for name, day in zip(("since", "until"), days, strict=True) if day)
    readings = (_reading(names, outcome) for outcome in outcomes)
    check_readings(readings, session.settings.limits, found, "coinsync sync" + "".join(window))
    fresh = [check for check in CRM_CHECKS if check.id in wanted]
    # Differences of the rules are those over the stored facts, which were looked at in full.
    return replace(
        proof,
        findings=(*proof.findings, *found.of({check.id for check in fresh})),
        checked=tuple(dict.fromkeys((*proof.checked, *fresh))),
    )


def _reading(names: dict[int, str], outcome: Outcome) -> CrmReading:
    from coinsync.core.proof.crm import CrmReading

    branch, scope = names.get(outcome.branch.id, f"branch {outcome.branch.id}"), outcome.scope
    where = f"{branch} {scope.since} … {scope.until}"
    return CrmReading(where, outcome.plan, outcome.error.message if outcome.error else "")


# --- telling ---------------------------------------------------------------------------------------------------------


def _tell(session: Session, proof: Proof, day: date | None, *, as_csv: bool) -> None:
    from coinsync.render.data import csv_text
    from coinsync.render.proof import finding_line, show_proof
    from coinsync.render.terminal import console

    if session.json:
        session.tell(proof)
    elif as_csv:
        columns = ("check", "severity", "owner", "count", "examples", "mend")
        rows = (tuple(getattr(one, name) for name in columns) for one in proof.findings)
        typer.echo(csv_text(columns, ((*row[:4], "; ".join(row[4]), row[5]) for row in rows)))
    elif not session.quiet:
        show_proof(console(), proof, day, every_check=session.verbose)
    for one in proof.findings:
        if session.quiet or one.check == "unread":
            session.complain(finding_line(one))


def _exit_code(proof: Proof, outcomes: Sequence[Outcome]) -> int:
    """Differences outrank what could not be read, and that what was read only in part."""
    if any(one.check != "unread" for one in proof.findings):
        return DIFFERENT
    codes = [outcome.error.exit_code for outcome in outcomes if outcome.error]
    if not codes:
        return PARTLY if proof.findings else 0
    read = any(
        outcome.plan is not None and outcome.plan.purpose == "lessons" for outcome in outcomes
    )
    return PARTLY if read else max(codes)
