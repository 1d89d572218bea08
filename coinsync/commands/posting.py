"""A clerk's plan: shown, asked about, applied by the one writer."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from coinsync.commands.options import author_of, digests_of
from coinsync.commands.session import Session, account_of_machine, confirm, somebody_is_there
from coinsync.errors import StalePlan, UnsafePlan, UsageError
from coinsync.staff_texts import phrase

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.core.ledger import Receipt
    from coinsync.core.plan import Plan
    from coinsync.core.proposal import Author, Proposal
    from coinsync.desk.gather import Clerk

#: Options that name the digest of a plan.
DIGEST_OPTIONS = ("--expect", "--accept-unsafe")
WRITE_IT = phrase("write_it")


def apply(
    session: Session,
    database: Database,
    plan: Plan,
    accepted: tuple[str, ...] = (),
    calls: int = 0,
    *,
    by_sync: bool = False,
) -> Receipt:
    """Hand a plan to the one writer, under the session's name and limits."""
    from coinsync.commands import seals
    from coinsync.core.plan import Purpose
    from coinsync.core.seal import parse_seal
    from coinsync.store import writer
    from coinsync.store.reader import Reader

    settings = session.settings
    order = writer.Order(
        session.actor,
        settings.account,
        session.now(),
        settings.limits,
        accepted,
        calls,
        account_of_machine(),
        by_sync,
    )
    if plan.purpose is not Purpose.ACCEPT:
        seals.refuse_older(session, Reader(database))
    receipt = writer.apply(database, plan, order, session.environment)
    seals.keep(session, parse_seal(receipt.seal))
    return receipt


def call_with(session: Session, *options: str) -> str:
    """The command as it was called, with ``options``, whose last word is a digest."""
    from coinsync.core.plan import DIGEST_SHOWN

    environment = session.environment
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
    *named, digest = options
    return shlex.join([environment.program, *words, *named, digest[:DIGEST_SHOWN]])


def carry_out(
    session: Session,
    decide: Callable[[Clerk], Proposal],
    dry_run: bool,
    yes: bool,
    author: Author | None = None,
    before: Callable[[], None] = lambda: None,
    accept_unsafe: str | None = None,
) -> int:
    """Show what a clerk's command would write, ask once unless ``yes``, and write just that.

    What a guard refuses is written only where ``accept_unsafe`` is its digest.

    Without an ``author`` it is whoever called, who named neither day nor key. ``before`` makes the
    files that the plan names, once it is agreed to; also where nothing changes, in case that a file
    went missing.
    """
    from coinsync.desk.gather import Clerk

    # The key is made before anything is asked, and is the same however often it is decided.
    author = author or author_of(session)
    accepted = tuple(digests_of(accept_unsafe))

    def decided() -> Proposal:
        with session.reader() as reader:
            return decide(Clerk(reader, session.settings, author))

    proposal = decided()
    _show(session, proposal, asking=not (dry_run or yes))
    if dry_run:
        return _finish(session, proposal, dry_run=True)
    _refuse_unsafe(session, proposal.plan, accepted)
    if proposal.plan and not yes:
        if not is_agreed(session):
            session.say(phrase("not_written"))
            return 0
        # A person may think for long, and somebody else may have done the same meanwhile.
        again = decided()
        if again.plan.digest != proposal.plan.digest:
            overtaken = StalePlan("plan is stale: it was overtaken while it was looked at")
            return _finish_done_meanwhile(session, again, overtaken)
    before()
    if not proposal.plan:
        return _finish(session, proposal)
    with session.writable() as database:
        try:
            receipt = apply(session, database, proposal.plan, accepted)
        except StalePlan as error:
            return _finish_done_meanwhile(session, decided(), error)
    return _finish(session, proposal, receipt)


def _finish_done_meanwhile(session: Session, proposal: Proposal, error: StalePlan) -> int:
    """Somebody was faster: where just this is done by now, all is well."""
    if proposal.plan:
        advice = "Nothing was written. Run the same command again."
        raise StalePlan(error.message, advice=advice) from error
    _show(session, proposal, asking=False)
    return _finish(session, proposal)


def _refuse_unsafe(session: Session, plan: Plan, accepted: tuple[str, ...]) -> None:
    from coinsync.core.plan_report import likely_cause

    limits = session.settings.limits
    refusals = plan.refusals(limits, accepted)
    if refusals:
        command = call_with(session, "--accept-unsafe", plan.digest)
        raise UnsafePlan(
            f"refused: {'; '.join(refusals)}; nothing written",
            advice=f"Likely {likely_cause(plan, limits)}. If it is right: {command}",
        )


def is_agreed(session: Session, question: str = WRITE_IT) -> bool:
    """Whether the person says yes. Raises ``UsageError`` where nobody is there to ask."""
    if session.json or not somebody_is_there():
        raise UsageError(
            "nobody is there to ask; nothing written", advice="Pass --yes, or --dry-run to look."
        )
    return confirm(session.for_staff(question))


def _show(session: Session, proposal: Proposal, *, asking: bool) -> None:
    from coinsync.render.coins import proposal_page

    # Nobody says yes to what was not shown.
    if not session.json and (asking or not session.quiet):
        unsafe = proposal.plan.check(session.settings.limits)
        session.print_page(proposal_page(proposal, unsafe, every_line=session.verbose))


def _finish(
    session: Session, proposal: Proposal, receipt: Receipt | None = None, dry_run: bool = False
) -> int:
    from coinsync.render.plans import receipt_line

    plan = proposal.plan
    unsafe = plan.check(session.settings.limits)
    if receipt is not None:
        session.say(receipt_line(receipt, len(plan.stock_moves)))
    elif dry_run and plan:
        session.say(phrase("dry_run"))
        if unsafe:
            command = call_with(session, "--accept-unsafe", plan.digest)
            session.say(f"\nTo apply it although it is unsafe:\n{command}")
    session.tell(
        {
            "dry_run": dry_run,
            "digest": plan.digest if plan else "",
            "unsafe": unsafe,
            "key": proposal.key,
            "moves": proposal.moves,
            "words": proposal.words,
            "done": proposal.done,
            "receipt": receipt,
        }
    )
    return 0
