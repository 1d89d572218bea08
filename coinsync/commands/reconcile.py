"""Proving that every coin is right: reconcile."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Context, Option

from coinsync import reconcile as proving
from coinsync.commands import connections, seals
from coinsync.commands.options import AsCsv, LockTimeout, day_option
from coinsync.commands.session import DIFFERENT, PARTLY, Session
from coinsync.core.proof.checks import BY_ID, CRM_CHECKS, Findings, Proof, Severity
from coinsync.core.proof.crm import check_reading
from coinsync.core.seal import Seal, parse_seal
from coinsync.errors import UsageError, reason_of
from coinsync.render.proof import finding_line
from coinsync.render.proof import proof as proof_listing
from coinsync.store.lock import last_seal

if TYPE_CHECKING:
    from coinsync.store.reader import Reader
    from coinsync.sync import Outcome

SealOption = Annotated[
    list[str] | None, Option(metavar="SEAL", help="Does this seal hold? May be repeated.")
]
SealFile = Annotated[
    Path | None, Option("--seals", metavar="FILE", help="Do all of these hold? One on each line.")
]
Against = Annotated[
    str | None, Option(metavar="BACKUP", help="Also against a backup, or a restored one's URL.")
]


def reconcile(
    ctx: Context,
    check: Annotated[
        list[str] | None, Option(metavar="ID", help="Only this check; may be repeated.")
    ] = None,
    as_of: Annotated[date | None, day_option("The ledger at the end of that day, UTC.")] = None,
    with_crm: Annotated[
        bool, Option("--with-crm", help="Also against a fresh reading of the CRM.")
    ] = False,
    seal: SealOption = None,
    seal_file: SealFile = None,
    against: Against = None,
    lock_timeout: LockTimeout = 0,
    as_csv: AsCsv = False,
) -> int:
    """Prove that every coin is right.

    Every finding says where to look and what mends it.
    """
    session: Session = ctx.obj
    if as_of is not None and with_crm:
        raise UsageError("--as-of looks back, --with-crm reads the CRM as it is today")
    given = _seals(seal or (), seal_file)
    if as_of is not None and (given or against):
        raise UsageError("--as-of looks back, seals and copies are held against what is there now")
    named = [*check, "seal"] if check and (given or against) else check or ()
    wanted = _wanted(named, day=as_of is not None, with_crm=with_crm)
    outcomes: list[Outcome] = []
    # A sync that runs meanwhile would look like differences to the CRM.
    lock = session.lock("reconcile", lock_timeout) if with_crm else nullcontext()
    with lock, session.reader() as reader, _copy(session, against) as copy:
        if as_of is not None:
            proof = proving.prove_day(reader, session.settings, as_of, wanted=wanted)
        else:
            proof = _proof(session, reader, wanted, given, copy)
        if with_crm:
            with connections.sync(session, reader, (None, None)) as (run, _):
                outcomes = run.plan_all(session.chosen_branches())
            proof = _with_the_crm(session, proof, outcomes, wanted)
    _tell(session, proof, as_of, as_csv)
    return _exit_code(proof, outcomes)


def _wanted(named: Sequence[str], *, day: bool, with_crm: bool) -> tuple[str, ...]:
    fresh = tuple(check.id for check in CRM_CHECKS)
    possible = proving.OF_A_DAY if day else proving.STORED
    if with_crm:
        possible = (*possible, *fresh)
    for id in named:
        if id not in BY_ID:
            raise UsageError(f"no check is called {id!r}", advice=f"There are: {', '.join(BY_ID)}.")
        if id not in possible:
            needed = "needs --with-crm" if id in fresh else "cannot be made with --as-of"
            raise UsageError(
                f"check {id} {needed}", advice=f"Possible here: {', '.join(possible)}."
            )
    return tuple(named) or possible


def _seals(typed: Sequence[str], file: Path | None) -> list[Seal]:
    lines = list(typed)
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise UsageError(f"--seals: {file} cannot be read ({reason_of(error)})") from error
        lines += filter(str.strip, text.splitlines())
    return list(map(parse_seal, lines))


@contextmanager
def _copy(session: Session, against: str | None) -> Iterator[Reader | None]:
    """A backup in a file, or another database, to compare with."""
    if against is None:
        yield None
        return
    from coinsync import config
    from coinsync.store import database
    from coinsync.store.reader import Reader

    password = session.environment.environ.get("COINSYNC_COPY_PASSWORD", "")
    url = against if "://" in against else f"sqlite:///{against}"
    opened = database.open_readable(config.addressed(url, Path.cwd(), password))
    with database.reading(opened):
        yield Reader(opened)


def _proof(
    session: Session,
    reader: Reader,
    wanted: Collection[str],
    given: Sequence[Seal],
    copy: Reader | None,
) -> Proof:
    held = [(seal, "coinsync journal") for seal in given]
    seen = last_seal(session.seal_file)
    # That it holds is no news; that it does not is what stops every writer.
    if seen is not None and not reader.has_seal(seen):
        accept = seals.accept_command(reader)
        held.append((seen, f"coinsync db restore FILE, or if this ledger is right: {accept}"))
    branches = [branch.id for branch in session.chosen_branches()]
    with session.progress_bar() as bar:
        return proving.prove(
            reader,
            session.settings,
            session.now(),
            wanted=wanted,
            branches=branches,
            seals=held,
            copy=copy,
            progress=bar,
        )


def _with_the_crm(
    session: Session, proof: Proof, outcomes: Iterable[Outcome], wanted: Collection[str]
) -> Proof:
    """The proof with what the fresh reading adds to it."""
    names = session.branch_names()
    findings = Findings()
    for outcome in outcomes:
        branch = names.get(outcome.branch.id, f"branch {outcome.branch.id}")
        where = f"{branch} {outcome.scope.since} … {outcome.scope.until}"
        error = outcome.error.message if outcome.error else ""
        check_reading(where, outcome.plan, error, session.settings.limits, findings)
    fresh = [check for check in CRM_CHECKS if check.id in wanted]
    # Differences of the rules are those over the stored facts, which were looked at in full.
    return replace(
        proof,
        findings=(*proof.findings, *findings.of({check.id for check in fresh})),
        checked=tuple(dict.fromkeys((*proof.checked, *fresh))),
    )


def _tell(session: Session, proof: Proof, day: date | None, as_csv: bool) -> None:
    if session.json or as_csv or not session.quiet:
        listing = proof_listing(proof, day, every_check=session.verbose)
        session.print_listing(listing, as_csv)
    for finding in proof.findings:
        is_wrong = finding.severity is not Severity.NOTE
        if (session.quiet and is_wrong) or finding.check == "unread":
            session.complain(finding_line(finding))


def _exit_code(proof: Proof, outcomes: Sequence[Outcome]) -> int:
    """Differences outrank what could not be read, and that what was read only in part."""
    wrong = [finding for finding in proof.findings if finding.severity is not Severity.NOTE]
    if any(finding.check != "unread" for finding in wrong):
        return DIFFERENT
    codes = [outcome.error.exit_code for outcome in outcomes if outcome.error]
    if not codes:
        return PARTLY if wrong else 0
    plans = [outcome.plan for outcome in outcomes if outcome.plan is not None]
    read_something = any(plan.purpose == "lessons" for plan in plans)
    return PARTLY if read_something else max(codes)
