"""A sync's plans: applied, remembered, and shown as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coinsync.commands.posting import apply, call_with
from coinsync.commands.session import PARTLY, UNSAFE, Session
from coinsync.errors import CoinsyncError, NotEnoughCoins, StalePlan, UnsafePlan

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.core.directory import Directory
    from coinsync.core.ledger import Receipt
    from coinsync.core.plan import Plan, Scope
    from coinsync.core.plan_report import PlanLine, PlanReport
    from coinsync.core.rules import GuestPolicy
    from coinsync.sync import Outcome

#: What to say of the first sync's question where it is not put.
NOT_ASKED = (
    "Nobody was asked whether to pay, hold or refuse them, so the rules hold them. "
    'All are paid by "coinsync review post --all --kind guest"; "coinsync review list" shows each.'
)
WOULD_ASK = "At a terminal a first sync asks whether to pay, hold or refuse them; or say --guests."


@dataclass(slots=True)
class Result:
    """What became of one plan."""

    branch: str
    scope: Scope
    status: str
    report: PlanReport | None = None
    receipt: Receipt | None = None
    error: CoinsyncError | None = None

    @property
    def unreadable(self) -> list[PlanLine]:
        """The records that could not be read."""
        lines = self.report.lines if self.report else ()
        return [line for line in lines if line.verb == "unreadable"]

    def complaint(self, *, quiet: bool) -> str:
        """What to say on stderr, with advice unless ``quiet``."""
        if self.error is not None:
            message = self.error.message
            # It is said once, and where there is no advice too.
            advice = self.error.advice.removeprefix("Nothing was written. ")
            if "nothing written" not in message:
                message += "; nothing written"
        else:
            first, count = self.unreadable[0], len(self.unreadable)
            named = f"lesson {first.lesson}" if first.lesson is not None else f"card {first.who}"
            message = f"{count} records unreadable, first: {named} {first.note}"
            advice = "Look at it in the CRM; everything else is done."
        line = f"{self.branch} {self.scope.since} … {self.scope.until}: {message}"
        return line if quiet else f"{line}\n  → {advice}"


@dataclass(slots=True)
class Posting:
    """A sync's plans; those of ``accepted`` digests pass every guard.

    ``is_first`` before any lesson was ever synced; ``guests`` is what a person answered, and
    ``is_shown`` that the person has seen the plans.
    """

    session: Session
    database: Database
    dry_run: bool
    accepted: tuple[str, ...] = ()
    results: list[Result] = field(default_factory=list)
    is_first: bool = False
    guests: GuestPolicy | None = None
    is_shown: bool = False
    _names: Directory = field(init=False)

    def __post_init__(self) -> None:
        from coinsync.lookup.school import names_of_school
        from coinsync.store.reader import Reader

        self._names = names_of_school(Reader(self.database))

    def take(self, outcome: Outcome) -> bool:
        """Apply one plan unless this is a dry run; whether it stands."""
        from coinsync.core.facts import Branch
        from coinsync.core.plan_report import of_plan
        from coinsync.lookup.school import names_in_plan
        from coinsync.store.reader import Reader

        plan, limits = outcome.plan, self.session.settings.limits
        if plan is not None:
            # A branch that was never read before is named by this very plan.
            self._names = self._names.joined(names_in_plan(Reader(self.database), plan))
        branch = outcome.branch
        name = branch.name or self._names.name(Branch, branch.id) or f"branch {branch.id}"
        result = Result(name, outcome.scope, "planned")
        self.results.append(result)
        if plan is None:
            result.status, result.error = "failed", outcome.error
            return False
        where = (name, str(branch.zone))
        result.report = of_plan(plan, self._names, limits, where, outcome.today, outcome.calls)
        if self.dry_run:
            return not plan.refusals(limits, self.accepted)
        return self._apply(plan, outcome.calls, result)

    def _apply(self, plan: Plan, calls: int, result: Result) -> bool:
        """Apply a plan. What stops it stops this branch or window alone: the others go on."""
        result.status = "refused"
        try:
            result.receipt = apply(
                self.session, self.database, plan, self.accepted, calls, by_sync=True
            )
        except UnsafePlan as error:
            likely = result.report.likely if result.report else ""
            result.error = UnsafePlan(error.message, advice=f"Likely {likely}.")
        except StalePlan as error:
            result.error = error
        except NotEnoughCoins as error:
            # The planner counted on coins that somebody spent since.
            result.error = StalePlan(f"plan is stale: {error.message}")
        else:
            result.status = "applied"
        return result.receipt is not None

    @property
    def reports(self) -> list[PlanReport]:
        """All plans that could be made."""
        return [result.report for result in self.results if result.report is not None]

    def show(self, *, lines: bool = True) -> None:
        """Show all plans, what they come to first; without ``lines`` only that."""
        session = self.session
        if session.quiet or session.json:
            return
        from coinsync.render.plans import run_page

        failed = {result.scope.branch for result in self.results if result.report is None}
        page = run_page(
            self.reports,
            self.digest,
            is_first=self.is_first,
            incomplete=failed,
            lines=lines,
            every_line=session.verbose,
        )
        if lines and self.is_first and any(report.counts.held for report in self.reports):
            page += ["", WOULD_ASK if self.dry_run else NOT_ASKED]
        session.print_page(page)

    def show_results(self) -> None:
        """Show what was planned, and what was written of it."""
        from coinsync.render.plans import receipts_line

        if not self.is_shown:
            self.show()
        receipts = []
        for result in self.results:
            if result.receipt and result.report and result.report.changes:
                receipts.append(result.receipt)
        if receipts:
            newest = [result.receipt for result in self.results if result.receipt][-1]
            self.session.say(f"\n{receipts_line(receipts, newest)}")

    @property
    def seal(self) -> str:
        """The newest seal, perhaps of a run that changed nothing; "" where nothing was written."""
        # Not read from the database: it may be out of reach by now, and all is written.
        seals = [result.receipt.seal for result in self.results if result.receipt]
        return seals[-1] if seals else ""

    @property
    def digest(self) -> str:
        """Digest of all plans that change something; "" when none does."""
        return _digest_of(self.results)

    @property
    def refused_digest(self) -> str:
        """Digest of what the guards refused, which is the next run's if nothing changes."""
        return _digest_of(result for result in self.results if isinstance(result.error, UnsafePlan))

    def say_digest(self) -> None:
        """The last line of a dry run: the command that applies just this."""
        if not self.digest or self.accepted:
            return
        what, option = "apply exactly this", "--expect"
        if any(result.report and result.report.unsafe for result in self.results):
            # --expect alone would apply the rest of it, and be refused the part that is unsafe.
            what, option = "apply it although it is unsafe", "--accept-unsafe"
        # The command has a line of its own, which is not broken, so that it can be copied.
        self.session.say(f"\nTo {what}:\n{self._this_call_with(option, self.digest)}")

    def _this_call_with(self, option: str, digest: str) -> str:
        # What was answered belongs to the plan that the digest names.
        answered = ["--guests", self.guests] if self.guests else []
        return call_with(self.session, *answered, option, digest)

    def data(self) -> dict[str, Any]:
        """For a program."""
        return {
            "dry_run": self.dry_run,
            "digest": self.digest,
            "refused": self.refused_digest,
            "results": self.results,
        }

    def finish(self) -> int:
        """Say what went wrong, and how to accept it; the exit code."""
        self.complain()
        if self.refused_digest:
            command = self._this_call_with("--accept-unsafe", self.refused_digest)
            self.session.complain(f"If what is refused is true: {command}")
        return exit_code(self.results)

    def complain(self) -> None:
        """Say what went wrong."""
        quiet = self.session.quiet
        complaints: dict[str, list[str]] = {}
        # Errors come before records that could not be read.
        for result in sorted(self.results, key=lambda result: result.error is None):
            if result.error or result.unreadable:
                complaints.setdefault(result.branch, []).append(result.complaint(quiet=quiet))
        for lines in complaints.values():
            # By night the same trouble in each window of a branch is one trouble.
            if quiet and len(lines) > 1:
                lines = [f"{lines[0]} (and {len(lines) - 1} more of this branch)"]
            for line in lines:
                self.session.complain(line)


def _digest_of(results: Iterable[Result]) -> str:
    from coinsync.core.plan import digest_of

    reports = [result.report for result in results if result.report is not None]
    return digest_of([report.digest for report in reports if report.changes])


def exit_code(results: Sequence[Result]) -> int:
    """Refused as unsafe, else partly done, else why nothing was done."""
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
