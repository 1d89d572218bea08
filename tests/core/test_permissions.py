"""What a plan may hold, by its purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coinsync.core.facts import (
    Decision,
    Doubt,
    DoubtKind,
    Link,
    LinkSource,
    Merge,
    Note,
    Presence,
    Resident,
)
from coinsync.core.ledger import Kind
from coinsync.core.permissions import refuse_unpermitted
from coinsync.core.plan import Change, Drop, Post, Purpose, Put
from coinsync.errors import UnsafePlan
from tests.support.makers import (
    ACCOUNT,
    ADA,
    DAY,
    GLEB,
    a_credit,
    a_lesson,
    a_plan,
    a_resident,
    a_reversal,
    an_award,
    present,
)

AWARD = an_award()
ERASED = Resident(ADA, "", Presence.ERASED, ())
LINKED = Link(7, ADA, LinkSource.CRM)
DOUBT = Doubt(ADA, DoubtKind.CARD_MISSING, 1, "", "2026-11-02T02:00:00Z")
PAID = Decision(AWARD.key, 1, ADA, 1, 10, "guest", "anna", DAY, "")


def refuse(purpose: Purpose, *changes: Change) -> None:
    """Ask about a plan that Anna's sync applies."""
    plan = a_plan(*changes, purpose=purpose)
    refuse_unpermitted(
        plan, actor="anna", account=ACCOUNT, by_sync=purpose in ("people", "lessons")
    )


@pytest.mark.parametrize(
    ("purpose", "change"),
    [
        (Purpose.PEOPLE, Post(AWARD)),
        (Purpose.PEOPLE, Put(Merge(ADA, GLEB, (), (GLEB,)))),
        (Purpose.PEOPLE, Put(Note(1, "salt", "text"))),
        (Purpose.PEOPLE, Put(Link(7, ADA, LinkSource.DESK))),
        (Purpose.PEOPLE, Put(LINKED, replace(LINKED, live=False))),
        (Purpose.PEOPLE, Drop(LINKED)),
        (Purpose.PEOPLE, Put(ERASED, a_resident(ADA))),
        (Purpose.PEOPLE, Put(a_resident(ADA), ERASED)),
        (Purpose.LESSONS, Post(a_credit("gift"))),
        (Purpose.LESSONS, Post(replace(AWARD, kind=Kind.CREDIT))),
        (Purpose.LESSONS, Post(replace(AWARD, actor="director"))),
        (Purpose.LESSONS, Post(replace(AWARD, note="for nothing"))),
        (Purpose.LESSONS, Post(replace(AWARD, resident=GLEB))),
        (Purpose.LESSONS, Post(replace(AWARD, lesson=None))),
        (Purpose.LESSONS, Put(replace(PAID, actor="director"))),
        (Purpose.LESSONS, Put(LINKED)),
        (Purpose.LESSONS, Put(Merge(ADA, GLEB, (), (GLEB,)))),
        (Purpose.REVIEW, Post(a_credit("less", coins=-1))),
        (Purpose.REVIEW, Put(LINKED)),
        (Purpose.CATALOG, Post(a_credit("gift"))),
        (Purpose.SALE, Post(a_credit("gift"))),
        (Purpose.SALE, Put(LINKED)),
        (Purpose.ACCEPT, Post(a_credit("gift"))),
    ],
)
def test_what_is_foreign_to_a_plan_is_refused(purpose: Purpose, change: Change) -> None:
    """Credits, links of staff, merges and erasures have purposes of their own."""
    with pytest.raises(UnsafePlan, match=f"a plan of {purpose} may not hold"):
        refuse(purpose, change)


def test_what_a_sync_makes_is_permitted() -> None:
    """People and their links by the card; coins by the rules, or by the answer of who applies."""
    refuse(Purpose.PEOPLE, Put(a_resident(ADA)), Put(LINKED))
    refuse(Purpose.LESSONS, Put(a_lesson()), Put(present()), Post(AWARD))
    refuse(Purpose.LESSONS, Post(a_reversal(AWARD, 1)))
    refuse(Purpose.LESSONS, Post(replace(AWARD, actor="anna")), Put(PAID))
    for purpose in (Purpose.PEOPLE, Purpose.LESSONS):
        refuse(purpose, Put(DOUBT))
        refuse(purpose, Drop(DOUBT))


def test_a_reviewed_doubt_is_permitted() -> None:
    """What a person says of it waits for the next sync."""
    refuse(Purpose.REVIEW, Put(replace(DOUBT, ruling="waive", actor="anna"), DOUBT))
