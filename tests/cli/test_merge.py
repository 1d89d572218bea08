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
    command = f"coinsync residents merge {card} {other}"
    for _night in range(2):
        assert command in " ".join(synced.ok("sync").out.split())
    assert command in " ".join(synced.ok("waiting", "--all").out.split())
    synced.ok("residents", "merge", str(card), str(other), "--yes")
    assert command not in " ".join(synced.ok("waiting", "--all").out.split())
    assert synced.balances()[other] == before[card] + before[other]
    assert f"#{other}" in synced.ok("balance", f"#{card}").out
    assert synced.ok("sync", "--json").json["digest"] == ""


def test_a_merge_that_a_person_refuses_is_asked_no_more(synced: Installation) -> None:
    """The case stands in ``review list`` until it is waived; then no night says it again."""
    synced.configure(guards__reversals_free=100)
    card, other = two_of_a_group(synced)
    synced.school.act("merge_customers", customer=card, into=other)
    synced.ok("sync")
    case = f"card-merged:{card}:1"
    assert case in synced.ok("review", "list").out
    refused = synced.run("review", "post", case, "--yes")
    assert (refused.code, "can only be waived" in refused.err) == (2, True)
    synced.ok("review", "waive", case, "--note", "twins", "--yes")
    assert case not in synced.ok("review", "list").out
    assert case not in synced.ok("waiting", "--all").out
    assert case not in synced.ok("sync").out


def two_who_were_together(installation: Installation) -> tuple[int, int]:
    """Two pupils who have coins for the same lesson."""
    paid: dict[int, list[int]] = {}
    for posted in installation.ledger():
        if posted.entry.lesson:
            paid.setdefault(posted.entry.lesson, []).append(posted.entry.resident)
    first, second, *_ = next(cards for cards in paid.values() if len(cards) > 1)
    return first, second


def test_lessons_that_were_paid_twice_before_the_window_are_named(synced: Installation) -> None:
    """A merge moves nothing; reconcile says what no night reads any more, and how to mend it."""
    synced.configure(guards__reversals_free=100, sync__days_back=1)
    card, other = two_who_were_together(synced)
    out = synced.ok("residents", "merge", str(card), str(other), "--yes").out
    assert "counts once" in out
    synced.ok("sync")
    together = synced.balances()[other]
    (finding,) = synced.run("reconcile", "--json", "--check", "rules").json["findings"]
    assert "posted 10, the rules give 0 (same_child)" in finding["examples"][0]
    synced.ok(*finding["mend"].split()[1:])
    assert "all is right" in synced.ok("reconcile").out
    assert synced.balances()[other] == together - 10 * finding["count"]
    explained = " ".join(synced.ok("explain", f"#{other}").out.split())
    assert "attended, and the child's other card is paid" in explained


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
