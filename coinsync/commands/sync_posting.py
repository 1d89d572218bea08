"""The way of a sync's plans into the database: each is shown, applied, and remembered."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coinsync.commands.posting import apply
from coinsync.commands.session import PARTLY, UNSAFE, Session
from coinsync.errors import CoinsyncError, NotEnoughCoins, StalePlan, UnsafePlan

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.core.directory import Directory
    from coinsync.core.ledger import Receipt
    from coinsync.core.plan import Plan, Scope
    from coinsync.core.plan_report import PlanLine, PlanReport
    from coinsync.sync import Outcome

#: Options that name the digest of a run.
DIGEST_OPTIONS = ("--expect", "--accept-unsafe")


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
        """The records that could not be read; what they concern was left as it is."""
        if self.report is None:
            return ()
        return tuple(line for line in self.report.lines if line.verb == "unreadable")

    def complaint(self, *, quiet: bool) -> str:
        """What to say on stderr: one line, and advice below it unless ``quiet``."""
        where = f"{self.branch} {self.scope.since} … {self.scope.until}"
        if self.error is not None:
            line, advice = f"{where}: {self.error.message}", self.error.advice
            if "nothing written" not in self.error.message:
                line += "; nothing written"
        else:
            first = self.unreadable[0]
            named = f"lesson {first.lesson}" if first.lesson is not None else f"card {first.who}"
            count = len(self.unreadable)
            line = f"{where}: {count} records unreadable, first: {named} {first.note}"
            advice = "Look at it in the CRM; everything else is done."
        return line if quiet else f"{line}\n  → {advice}"

    def data(self) -> dict[str, Any]:
        """For a program."""
        from coinsync.render.data import as_data

        error = None
        if self.error is not None:
            error = {"message": self.error.message, "advice": self.error.advice}
        return {
            "branch": self.branch,
            "scope": as_data(self.scope),
            "status": self.status,
            "report": as_data(self.report),
            "receipt": as_data(self.receipt),
            "error": error,
        }


@dataclass(slots=True)
class Posting:
    """A sync's plans on their way into the database: each is shown, applied, and remembered.

    ``accepted`` are digests of plans that are applied although a guard refuses them. ``names`` are
    those of the school, to which the plans add what is new.
    """

    session: Session
    database: Database
    dry_run: bool
    names: Directory
    accepted: tuple[str, ...] = ()
    results: list[Result] = field(default_factory=list)

    def take(self, outcome: Outcome) -> bool:
        """Show one plan and apply it unless this is a dry run; tell whether it stands."""
        if outcome.plan is None:
            self.results.append(
                Result(self._name(outcome), outcome.scope, "failed", error=outcome.error)
            )
            return False
        report = self._report(outcome, outcome.plan)
        result = Result(report.branch_name, outcome.scope, "planned", report)
        self.results.append(result)
        # The plan is shown before any guard speaks: a person must see what was refused.
        shown = self._show(outcome, report)
        if self.dry_run:
            stands = not outcome.plan.refusals(self.session.settings.limits, self.accepted)
        else:
            self._apply(outcome.plan, outcome.calls, result)
            stands = result.error is None
        if shown:
            self.session.say("")
        return stands

    def _apply(self, plan: Plan, calls: int, result: Result) -> None:
        """Apply a plan. What stops it stops this branch or window alone: the others go on."""
        from coinsync.render.plans import receipt_line

        try:
            receipt = apply(self.session, self.database, plan, self.accepted, calls)
        except UnsafePlan as error:
            likely = result.report.likely if result.report else ""
            result.error = UnsafePlan(error.message, advice=f"Likely {likely}.")
        except StalePlan as error:
            result.error = error
        except NotEnoughCoins as error:
            # The planner counted on coins that somebody spent since.
            result.error = StalePlan(f"plan is stale: {error.message}")
        else:
            result.status, result.receipt = "applied", receipt
            if plan:
                self.session.say(receipt_line(receipt))
            return
        result.status = "refused"

    def _show(self, outcome: Outcome, report: PlanReport) -> bool:
        if self.session.quiet or self.session.json:
            return False
        from coinsync.render.plans import plan_page

        zone = str(outcome.branch.zone)
        page = plan_page(report, zone, outcome.calls, every_line=self.session.verbose)
        self.session.print_page(page)
        return bool(page)

    def _report(self, outcome: Outcome, plan: Plan) -> PlanReport:
        from coinsync.core.plan_report import of_plan
        from coinsync.lookup.school import names_in_plan
        from coinsync.store.reader import Reader

        self.names = self.names.joined(names_in_plan(Reader(self.database), plan))
        return of_plan(
            plan, self.names, self.session.settings.limits, self._name(outcome), outcome.today
        )

    def _name(self, outcome: Outcome) -> str:
        """What the branch is called: by the configuration, else by the CRM, else its number."""
        number = outcome.branch.id
        return outcome.branch.name or self.names.branches.get(number, "") or f"{number}"

    @property
    def digest(self) -> str:
        """Digest of the run: of all plans that change something; "" when none does."""
        return _digest_of(self.results)

    @property
    def refused_digest(self) -> str:
        """Digest of what the guards refused; "" when they refused nothing.

        It is the next run's digest when nothing changes until then: only this remains of the run.
        """
        return _digest_of(result for result in self.results if isinstance(result.error, UnsafePlan))

    def say_digest(self) -> None:
        """The last line of a dry run: the digest, and the command that applies just this.

        Nothing where nothing changes, or where the run was accepted by its digest already.
        """
        from coinsync.core.plan import DIGEST_SHOWN

        if not self.digest or self.accepted:
            return
        digest = self.digest[:DIGEST_SHOWN]
        unsafe = any(result.report and result.report.unsafe for result in self.results)
        # --expect alone would apply the rest of it, and be refused the part that is unsafe.
        if unsafe:
            what = "apply it although it is unsafe"
            command = self._this_call_with("--accept-unsafe", digest)
        else:
            what = "apply exactly this"
            command = self._this_call_with("--expect", digest)
        self.session.say(f"digest {digest}   {what}: {command}")

    def _this_call_with(self, option: str, digest: str) -> str:
        """The command line of this very call, for real and about the digest."""
        environment = self.session.environment
        words = []
        rest = iter(environment.words)
        for word in rest:
            name, equals, _ = word.partition("=")
            if name in DIGEST_OPTIONS:
                # What follows is the digest of another run.
                if not equals:
                    next(rest, None)
            elif word not in ("--dry-run", "-q", "--quiet"):
                words.append(word)
        return shlex.join([environment.program, *words, option, digest])

    def data(self) -> dict[str, Any]:
        """For a program."""
        return {
            "dry_run": self.dry_run,
            "digest": self.digest,
            "refused": self.refused_digest,
            "results": [result.data() for result in self.results],
        }

    def finish(self) -> int:
        """Say what went wrong, branch by branch, and how to accept it; give the exit code."""
        from coinsync.core.plan import DIGEST_SHOWN

        for result in self.results:
            if result.error or result.unreadable:
                self.session.complain(result.complaint(quiet=self.session.quiet))
        if self.refused_digest:
            digest = self.refused_digest[:DIGEST_SHOWN]
            command = self._this_call_with("--accept-unsafe", digest)
            self.session.complain(f"If what is refused is true: {command}")
        return exit_code(self.results)


def posting_into(session: Session, database: Database, *, dry_run: bool) -> Posting:
    """A posting that has taken no plan yet."""
    from coinsync.lookup.school import names_of_school
    from coinsync.store.reader import Reader

    return Posting(session, database, dry_run, names_of_school(Reader(database)))


def _digest_of(results: Iterable[Result]) -> str:
    from coinsync.core.plan import digest_of

    reports = [result.report for result in results if result.report is not None]
    return digest_of([report.digest for report in reports if report.changes])


def exit_code(results: Sequence[Result]) -> int:
    """Refused as unsafe outranks partly done, which outranks the reason why nothing was done."""
    codes = [result.error.exit_code for result in results if result.error]
    if UNSAFE in codes:
        return UNSAFE
    if not codes:
        return PARTLY if any(result.unreadable for result in results) else 0
    # Recording who is who is not what a sync is for: without a window of lessons nothing is done.
    for result in results:
        if result.report and result.report.purpose == "lessons" and not result.error:
            return PARTLY
    return max(codes)
