"""The first sync of a database: what it would bring, and what a person says to it."""

from collections.abc import Sequence

import typer

from coinsync.commands.session import at_terminal, confirm
from coinsync.commands.sync_posting import Posting
from coinsync.core.facts import Hold
from coinsync.core.planning.visits import new_visits
from coinsync.core.rules import GuestPolicy
from coinsync.sync import Outcome, Sync


def agreed(posting: Posting, run: Sync, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """What the person agrees to: the plans, their visits decided, or none of them."""
    preview = Posting(posting.session, posting.database, dry_run=True, is_first=True)
    visits: list[Hold] = []
    for outcome in outcomes:
        preview.take(outcome)
        visits += new_visits(outcome.plan) if outcome.plan else []
    preview.show(lines=False)
    preview.complain()
    posting.is_shown = True
    if not preview.digest:
        return outcomes
    if visits and run.guests is None:
        policy = _ask_about(visits)
        posting.guests = policy
        outcomes = [run.settled(outcome, policy) for outcome in outcomes]
    if not confirm("Apply it?"):
        posting.session.say("nothing written")
        return ()
    return outcomes


@at_terminal()
def _ask_about(visits: Sequence[Hold]) -> GuestPolicy:
    """One answer for all visits."""
    coins = sum(visit.coins for visit in visits)
    typer.echo(
        f"\nOf {len(visits)} visits nobody knows whether the child was in that group on that\n"
        "day: the CRM forgets memberships that have ended.\n"
        f"  pay      give the coins, {coins:+} in all, in your name\n"
        "  hold     a clerk decides about each: coinsync review list\n"
        "  refuse   give nothing, in your name"
    )
    while True:
        answer = str(typer.prompt("pay, hold or refuse")).strip().lower()
        for policy in GuestPolicy:
            if answer and policy.startswith(answer):
                return policy
