"""A CRM merges two cards of one child.

The plan proposes the same, and no coin is lost on the way.
"""

from __future__ import annotations

from tests.support.school import Installation


def held(installation: Installation, card: int) -> list[int]:
    """Coins of a card that wait for a person."""
    return [
        one["hold"]["coins"]
        for one in installation.ok("review", "list", "--json").json
        if "hold" in one and one["hold"]["resident"] == card
    ]


def two_of_a_group(installation: Installation) -> tuple[int, int]:
    """A pupil who has coins for lessons, and another who was in none of them."""
    lessons: dict[int, set[int]] = {}
    for posted in installation.ledger():
        lessons.setdefault(posted.entry.resident, set()).add(posted.entry.lesson or 0)
    card = max(lessons, key=lambda one: (len(lessons[one]), -one))
    there = installation.school.tables.lessons
    taken = {pupil for one in lessons[card] for pupil in there[one].customer_ids}
    taken |= {detail.customer_id for one in lessons[card] for detail in there[one].details}
    other = next(one for one in sorted(installation.school.tables.customers) if one not in taken)
    return card, other


def test_a_merge_in_the_crm_is_proposed_and_loses_nothing(synced: Installation) -> None:
    """The card vanishes, the other stands in its lessons.

    The night says so, and together they have what they had.
    """
    synced.configure(guards__reversals_free=100)
    card, other = two_of_a_group(synced)
    before = synced.balances()
    synced.school.act("merge_customers", customer=card, into=other)
    said = synced.ok("sync")
    assert f"coinsync residents merge {card} {other}" in said.out
    synced.ok("residents", "merge", str(card), str(other), "--yes")
    assert synced.balances()[other] == before[card] + before[other]
    assert f"#{other}" in synced.ok("balance", f"#{card}").out
    assert synced.ok("sync", "--json").json["digest"] == ""


def test_a_merge_after_the_coins_were_spent_ends_with_what_was_left(synced: Installation) -> None:
    """The new card is paid, the old one's reversals are held.

    Once the cards are one there is enough to post them.
    """
    synced.configure(guards__reversals_free=100)
    card, other = two_of_a_group(synced)
    before = synced.balances()
    synced.ok("debit", f"#{card}", str(before[card]), "--reason", "Футболка", "--yes")
    synced.school.act("merge_customers", customer=card, into=other)
    synced.ok("sync")
    assert sum(coins for coins in held(synced, card) if coins < 0) == -before[card]
    synced.ok("residents", "merge", str(card), str(other), "--yes")
    synced.ok("review", "post", "--all", "--kind", "reversal", "--yes")
    assert synced.balances()[other] == before[other]
    assert synced.ok("sync", "--json").json["digest"] == ""
