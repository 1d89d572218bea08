"""A sync's plans: shown, applied, and remembered."""

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
            message, advice = self.error.message, self.error.advice
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
    """A sync's plans; those of ``accepted`` digests pass every guard."""

    session: Session
    database: Database
    dry_run: bool
    accepted: tuple[str, ...] = ()
    results: list[Result] = field(default_factory=list)
    _names: Directory = field(init=False)

    def __post_init__(self) -> None:
        from coinsync.lookup.school import names_of_school
        from coinsync.store.reader import Reader

        self._names = names_of_school(Reader(self.database))

    def take(self, outcome: Outcome) -> bool:
        """Show one plan and apply it unless this is a dry run; whether it stands."""
        branch = outcome.branch
        # By the configuration, else by the CRM, else its number.
        name = branch.name or self._names.branches.get(branch.id) or str(branch.id)
        result = Result(name, outcome.scope, "planned")
        self.results.append(result)
        if outcome.plan is None:
            result.status, result.error = "failed", outcome.error
            return False
        result.report = self._report(outcome, outcome.plan, name)
        # The plan is shown before any guard speaks: a person must see what was refused.
        is_shown = self._show(outcome, result.report)
        if self.dry_run:
            stands = not outcome.plan.refusals(self.session.settings.limits, self.accepted)
        else:
            stands = self._apply(outcome.plan, outcome.calls, result)
        if is_shown:
            self.session.say("")
        return stands

    def _apply(self, plan: Plan, calls: int, result: Result) -> bool:
        """Apply a plan. What stops it stops this branch or window alone: the others go on."""
        from coinsync.render.plans import receipt_line

        try:
            result.receipt = apply(self.session, self.database, plan, self.accepted, calls)
        except UnsafePlan as error:
            likely = result.report.likely if result.report else ""
            result.error = UnsafePlan(error.message, advice=f"Likely {likely}.")
        except StalePlan as error:
            result.error = error
        except NotEnoughCoins as error:
            # The planner counted on coins that somebody spent since.
            result.error = StalePlan(f"plan is stale: {error.message}")
        if result.receipt is None:
            result.status = "refused"
            return False
        result.status = "applied"
        if plan:
            self.session.say(receipt_line(result.receipt))
        return True

    def _show(self, outcome: Outcome, report: PlanReport) -> bool:
        session = self.session
        if session.quiet or session.json:
            return False
        from coinsync.render.plans import plan_page

        zone = str(outcome.branch.zone)
        page = plan_page(report, zone, outcome.calls, every_line=session.verbose)
        session.print_page(page)
        return bool(page)

    def _report(self, outcome: Outcome, plan: Plan, branch: str) -> PlanReport:
        from coinsync.core.plan_report import of_plan
        from coinsync.lookup.school import names_in_plan
        from coinsync.store.reader import Reader

        self._names = self._names.joined(names_in_plan(Reader(self.database), plan))
        return of_plan(plan, self._names, self.session.settings.limits, branch, outcome.today)

    @property
    def digest(self) -> str:
        """Digest of all plans that change something; "" when none does."""
        return _digest_of(self.results)

    @property
    def refused_digest(self) -> str:
        """Digest of what the guards refused, which is the next run's if nothing changes."""
        return _digest_of(result for result in self.results if isinstance(result.error, UnsafePlan))

    def say_digest(self) -> None:
        """The last line of a dry run: the digest, and the command that applies just this."""
        from coinsync.core.plan import DIGEST_SHOWN

        if not self.digest or self.accepted:
            return
        what, option = "apply exactly this", "--expect"
        if any(result.report and result.report.unsafe for result in self.results):
            # --expect alone would apply the rest of it, and be refused the part that is unsafe.
            what, option = "apply it although it is unsafe", "--accept-unsafe"
        command = self._this_call_with(option, self.digest)
        self.session.say(f"digest {self.digest[:DIGEST_SHOWN]}   {what}: {command}")

    def _this_call_with(self, option: str, digest: str) -> str:
        from coinsync.core.plan import DIGEST_SHOWN

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
        return shlex.join([environment.program, *words, option, digest[:DIGEST_SHOWN]])

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
        for result in self.results:
            if result.error or result.unreadable:
                self.session.complain(result.complaint(quiet=self.session.quiet))
        if self.refused_digest:
            command = self._this_call_with("--accept-unsafe", self.refused_digest)
            self.session.complain(f"If what is refused is true: {command}")
        return exit_code(self.results)


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
