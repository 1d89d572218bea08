"""The way of a clerk's plan into the database: shown, asked about, applied by the one writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from coinsync.commands.session import Session, confirm, somebody_is_there
from coinsync.errors import StalePlan, UsageError

if TYPE_CHECKING:
    from peewee import Database

    from coinsync.core.ledger import Receipt
    from coinsync.core.plan import Plan
    from coinsync.core.proposal import Proposal
    from coinsync.store.reader import Reader


def apply(
    session: Session, database: Database, plan: Plan, accepted: tuple[str, ...] = (), calls: int = 0
) -> Receipt:
    """Hand a plan to the one writer, under the name and the limits of the session."""
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
    """Show what a clerk's command would write, ask once, and write it.

    The plan that is shown is the one that is applied. Nobody is asked with ``yes``; where nobody
    can be asked it is refused without. ``before`` makes the files that the plan names: once it is
    agreed to, and where all is as it should be, in case that a file went missing.
    """
    with session.reader() as reader:
        proposal = decide(reader)
    _show_proposal(session, proposal, asking=not (dry_run or yes))
    if dry_run:
        _tell_proposal(session, proposal, None, dry_run=True)
        return 0
    if proposal.plan and not yes:
        if not agreed(session):
            session.say("nothing written")
            return 0
        # A person may think for long, and somebody else may have done the same meanwhile.
        with session.reader() as reader:
            again = decide(reader)
        if again.plan.digest != proposal.plan.digest:
            return _done_meanwhile(
                session, again, StalePlan("plan is stale: it was overtaken while it was looked at")
            )
    before()
    if not proposal.plan:
        _tell_proposal(session, proposal, None, dry_run=False)
        return 0
    with session.writable() as database:
        try:
            receipt = apply(session, database, proposal.plan)
        except StalePlan as error:
            with session.reader() as reader:
                return _done_meanwhile(session, decide(reader), error)
    _tell_proposal(session, proposal, receipt, dry_run=False)
    return 0


def _done_meanwhile(session: Session, proposal: Proposal, error: StalePlan) -> int:
    """Somebody was faster: when just this is done by now, all is well.

    Else the person must look again: ``error`` is raised.
    """
    if proposal.plan:
        raise StalePlan(
            error.message, advice="Nothing was written. Run the same command again."
        ) from error
    _show_proposal(session, proposal, asking=False)
    _tell_proposal(session, proposal, None, dry_run=False)
    return 0


def agreed(session: Session) -> bool:
    """Ask a person. Raises ``UsageError``, with how to say it beforehand, where nobody is there."""
    if session.json or not somebody_is_there():
        raise UsageError(
            "nobody is there to ask; nothing written", advice="Pass --yes, or --dry-run to look."
        )
    return confirm("Write it?")


def _show_proposal(session: Session, proposal: Proposal, *, asking: bool) -> None:
    from coinsync.render.coins import proposal_page

    # Nobody says yes to what was not shown.
    if not session.json and (asking or not session.quiet):
        session.print_page(proposal_page(proposal, every_line=session.verbose))


def _tell_proposal(
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
