"""The way of a plan into the database: a sync's plans are shown and applied, a clerk's are asked for in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coinsync.commands.session import PARTLY, UNSAFE, Session, confirm, somebody_is_there
from coinsync.errors import CoinsyncError, NotEnoughCoins, StalePlan, UnsafePlan, UsageError

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.core.directory import Directory
    from coinsync.core.ledger import Receipt
    from coinsync.core.plan import Plan, Scope
    from coinsync.core.plan_report import PlanLine, PlanReport
    from coinsync.core.proposal import Proposal
    from coinsync.store.reader import Reader
    from coinsync.sync import Outcome


@dataclass(slots=True)
class Result:
    """What became of one plan: its report, and a receipt or the error that stopped it."""

    branch: str
    scope: Scope
    status: str
    report: PlanReport | None = None
    receipt: Receipt | None = None
    error: CoinsyncError | None = None

    @property
    def unreadable(self) -> tuple[PlanLine, ...]:
        """The records that could not be read, so that what they concern was left as it is."""
        return (
            tuple(line for line in self.report.lines if line.verb == "unreadable")
            if self.report
            else ()
        )

    def complaint(self, *, quiet: bool) -> str:
        """What to say on stderr: one line, and advice below it unless ``quiet``."""
        where = f"{self.branch} {self.scope.since} … {self.scope.until}"
        if self.error is not None:
            tail = "" if "nothing written" in self.error.message else "; nothing written"
            line, advice = f"{where}: {self.error.message}{tail}", self.error.advice
        else:
            first = self.unreadable[0]
            named = f"lesson {first.lesson}" if first.lesson is not None else f"card {first.who}"
            line = (
                f"{where}: {len(self.unreadable)} records unreadable, first: {named} {first.note}"
            )
            advice = "Look at it in the CRM; everything else is done."
        return line if quiet else f"{line}\n  → {advice}"

    def data(self) -> dict[str, Any]:
        """For a program."""
        from coinsync.render.data import as_data

        error = {"message": self.error.message, "advice": self.error.advice} if self.error else None
        return {
            "branch": self.branch,
            "scope": as_data(self.scope),
            "status": self.status,
            "report": as_data(self.report),
            "receipt": as_data(self.receipt),
            "error": error,
        }


@dataclass
class Posting:
    """Plans on their way into the database: each is shown, checked, applied, and what became of it is kept."""

    session: Session
    database: Database
    accepted: tuple[str, ...]
    dry_run: bool
    names: Directory
    results: list[Result] = field(default_factory=list)

    def take(self, outcome: Outcome) -> bool:
        """Show one plan and apply it unless this is a dry run; False when it is not to be counted on."""
        if outcome.plan is None:
            self.results.append(
                Result(self._name(outcome), outcome.scope, "failed", error=outcome.error)
            )
            return False
        report = self._report(outcome, outcome.plan)
        result = Result(report.branch_name, outcome.scope, "planned", report)
        self.results.append(result)
        shown = self._show(outcome, report)
        try:
            if not self.dry_run:
                self._apply(outcome.plan, outcome.calls, result)
        except UnsafePlan as error:
            result.status, result.error = "refused", self._with_the_way_out(error, report)
        except StalePlan as error:
            result.status, result.error = "refused", error
        except NotEnoughCoins as error:
            # The planner counted on coins that somebody spent since: one branch's plan is stale, the others go on.
            result.status, result.error = "refused", StalePlan(f"plan is stale: {error.message}")
        if shown:
            self.session.say("")
        return result.error is None

    def _with_the_way_out(self, error: UnsafePlan, report: PlanReport) -> UnsafePlan:
        """Name the likely cause and the exact command that accepts this plan."""
        from coinsync.core.plan import DIGEST_SHOWN

        command = self.session.repeated_with("--accept-unsafe", report.digest[:DIGEST_SHOWN])
        return UnsafePlan(f"{error.message}. If true: {command}", advice=f"Likely {report.likely}.")

    def _apply(self, plan: Plan, calls: int, result: Result) -> None:
        from coinsync.render.plans import receipt_line

        result.receipt = apply(self.session, self.database, plan, self.accepted, calls)
        result.status = "applied"
        if plan:
            self.session.say(receipt_line(result.receipt))

    def _show(self, outcome: Outcome, report: PlanReport) -> bool:
        if self.session.quiet or self.session.json:
            return False
        from coinsync.render.plans import show_plan
        from coinsync.render.terminal import console

        zone = str(outcome.branch.zone)
        return show_plan(console(), report, zone, outcome.calls, self.session.verbose)

    def _report(self, outcome: Outcome, plan: Plan) -> PlanReport:
        from coinsync.core.plan_report import of_plan
        from coinsync.lookup.residents import names
        from coinsync.store.reader import Reader

        self.names = self.names.joined(names(Reader(self.database), plan))
        return of_plan(
            plan, self.names, self.session.settings.limits, self._name(outcome), outcome.today
        )

    def _name(self, outcome: Outcome) -> str:
        id = outcome.branch.id
        return outcome.branch.name or self.names.branches.get(id, "") or f"{id}"

    @property
    def digest(self) -> str:
        """Digest of all plans that change something; "" when none does."""
        from coinsync.core.plan import digest_of

        digests = [
            result.report.digest
            for result in self.results
            if result.report and result.report.changes
        ]
        return digest_of(digests) if digests else ""

    def data(self) -> dict[str, Any]:
        """For a program."""
        results = [result.data() for result in self.results]
        return {"dry_run": self.dry_run, "digest": self.digest, "results": results}

    def finish(self) -> int:
        """Say what went wrong, branch by branch, and give the exit code."""
        for result in self.results:
            if result.error or result.unreadable:
                self.session.complain(result.complaint(quiet=self.session.quiet))
        return exit_code(self.results)


def apply(
    session: Session, database: Database, plan: Plan, accepted: tuple[str, ...] = (), calls: int = 0
) -> Receipt:
    """Hand a plan to the one writer, under the name and the limits of the door."""
    from coinsync.store import writer

    order = writer.Order(
        session.actor,
        session.settings.account,
        session.now(),
        session.settings.limits,
        accepted,
        calls,
    )
    return writer.apply(database, plan, order, session.environment)


def carry_out(
    session: Session,
    decide: Callable[[Reader], Proposal],
    *,
    dry_run: bool,
    yes: bool,
    before: Callable[[], None] = lambda: None,
) -> int:
    """Show what a clerk's command would write, ask once, write it; the plan shown is the one applied.

    Nobody is asked with ``yes``; where nobody can be asked it is refused without. ``before`` makes the files that the
    plan names: once it is agreed to, and where all is as it should be, in case that a file went missing.
    """
    with session.reader() as reader:
        proposal = decide(reader)
    _show_deed(session, proposal, asking=not (dry_run or yes))
    if dry_run:
        _tell_deed(session, proposal, None, dry_run=True)
        return 0
    if proposal.plan and not yes:
        if not agreed(session):
            session.say("nothing written")
            return 0
        # A person may think for long, and somebody else may have done the same in the meantime.
        with session.reader() as reader:
            again = decide(reader)
        if again.plan.digest != proposal.plan.digest:
            return _done_meanwhile(
                session, again, StalePlan("plan is stale: it was overtaken while it was looked at")
            )
    before()
    if not proposal.plan:
        _tell_deed(session, proposal, None, dry_run=False)
        return 0
    with session.writable() as database:
        try:
            receipt = apply(session, database, proposal.plan)
        except StalePlan as error:
            with session.reader() as reader:
                return _done_meanwhile(session, decide(reader), error)
    _tell_deed(session, proposal, receipt, dry_run=False)
    return 0


def _done_meanwhile(session: Session, proposal: Proposal, error: StalePlan) -> int:
    """Somebody was faster: when just this is done by now, all is well, else the person must look again."""
    if proposal.plan:
        raise StalePlan(
            error.message, advice="Nothing was written. Run the same command again."
        ) from error
    _show_deed(session, proposal, asking=False)
    _tell_deed(session, proposal, None, dry_run=False)
    return 0


def agreed(session: Session) -> bool:
    """Ask a person; one who cannot be asked is told how to say it beforehand."""
    if session.json or not somebody_is_there():
        raise UsageError(
            "nobody is there to ask; nothing written", advice="Pass --yes, or --dry-run to look."
        )
    return confirm("Write it?")


def _show_deed(session: Session, proposal: Proposal, *, asking: bool) -> None:
    from coinsync.render.coins import show_deed
    from coinsync.render.terminal import console

    # Nobody says yes to what was not shown.
    if not session.json and (asking or not session.quiet):
        show_deed(
            console(),
            proposal.moves,
            proposal.words,
            proposal.key,
            every_line=session.verbose,
        )


def _tell_deed(
    session: Session, proposal: Proposal, receipt: Receipt | None, *, dry_run: bool
) -> None:
    from coinsync.render.data import as_data
    from coinsync.render.plans import receipt_line

    if receipt is not None:
        session.say(receipt_line(receipt, len(proposal.plan.stock_moves)))
    elif dry_run and proposal.plan:
        session.say("dry run: nothing written")
    session.tell(
        {
            "dry_run": dry_run,
            "digest": proposal.plan.digest if proposal.plan else "",
            "key": proposal.key,
            "moves": as_data(proposal.moves),
            "words": list(proposal.words),
            "done": list(proposal.done),
            "receipt": as_data(receipt),
        }
    )


def posting_into(
    session: Session, database: Database, accepted: Iterable[str] | None, *, dry_run: bool
) -> Posting:
    """No plan yet; a plan whose digest is ``accepted`` passes the guards."""
    from coinsync.core.directory import Directory

    return Posting(
        session,
        database,
        tuple(accepted or ()),
        dry_run,
        Directory(branches=session.branch_names()),
    )


def exit_code(results: Sequence[Result]) -> int:
    """Refused as unsafe outranks partly done, which outranks the reason why nothing at all was done."""
    codes = [result.error.exit_code for result in results if result.error]
    if UNSAFE in codes:
        return UNSAFE
    if not codes:
        return PARTLY if any(result.unreadable for result in results) else 0
    # Recording who is who is not what a sync is for: without a single window of lessons nothing is done.
    done = any(
        result.report and result.report.purpose == "lessons" and not result.error
        for result in results
    )
    return PARTLY if done else max(codes)
