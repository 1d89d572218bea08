"""Coins that are spent already.

A reversal that would cross zero waits for a person, and nothing else waits with it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from coinsync.core.plan import Plan, Post, Purpose, Scope
from coinsync.store import writer
from tests.support.makers import a_credit, environment, order, writing
from tests.support.school import TODAY, Installation


def spend(installation: Installation, resident: int, coins: int) -> None:
    """Take coins as the desk does: by a plan, through the one writer."""
    with installation.reader() as reader:
        key = f"spent-{reader.head().runs}"
    plan = Plan.of(
        Purpose.DESK, Scope(1, TODAY, TODAY), [Post(a_credit(key, resident, -coins, on=TODAY))]
    )
    now = datetime.now(UTC)  # noqa: TID251
    with writing(installation.url) as database:
        writer.apply(database, plan, order(account="test"), environment(now=now, name=key))


def the_last_paid(installation: Installation) -> tuple[int, int]:
    """A paid lesson and somebody who has coins for it."""
    lesson = installation.paid_lessons()[-1].id
    return lesson, installation.paid_resident(lesson)


def test_a_reversal_of_spent_coins_is_held_and_comes_back_every_night(synced: Installation) -> None:
    """Nothing is taken, the line says why, and the next sync says it again."""
    lesson, who = the_last_paid(synced)
    spend(synced, who, synced.balances()[who])
    synced.school.act("mark", lesson=lesson, customer=who, is_attend=0)
    said = synced.ok("sync")
    assert "absent in the CRM, the coins are spent" in said.out
    assert synced.balances()[who] == 0
    before = synced.content()
    assert "held" in synced.ok("sync", "-v").out
    assert synced.content() == before
    assert "held: -10" in synced.ok("explain", f"#{who}", "--lesson", str(lesson)).out


def test_coins_spent_between_plan_and_apply_make_the_plan_stale(synced: Installation) -> None:
    """Exit 5, that window untouched, no balance below zero, the other branch done all the same."""
    lesson, who = the_last_paid(synced)
    synced.school.act("mark", lesson=lesson, customer=who, is_attend=0)
    other = synced.paid_lessons(branch=2)[-1].id
    synced.school.act("mark", lesson=other, customer=synced.paid_resident(other), is_attend=0)

    def meanwhile(step: str) -> None:
        """A clerk takes all coins when the sync is about to write for the first time."""
        if step == "begin" and synced.balances()[who]:
            spend(synced, who, synced.balances()[who])

    synced.probe = meanwhile
    said = synced.run("sync")
    assert said.code == 5
    assert f"plan is stale: #{who} has 0 coins, 10 needed" in said.err
    assert synced.balances()[who] == 0
    reversed_ = {
        posted.entry.lesson for posted in synced.ledger() if posted.entry.kind == "reversal"
    }
    assert reversed_ == {other}
