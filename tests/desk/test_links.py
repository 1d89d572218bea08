"""Which VK account sees whom: linked by hand, revoked for good."""

from __future__ import annotations

from coinsync.core.facts import (
    Link,
    LinkSource,
)
from coinsync.errors import (
    NotFound,
)
from tests.support import engines
from tests.support.desk import (
    GRANNY,
    MIRA,
    PARENT,
    Desk,
    refused,
    sees,
)
from tests.support.makers import (
    ADA,
    GLEB,
    reading,
)

ENGINES = engines.BOTH


# --- links ------------------------------------------------------------------------------------


def test_a_link_says_whom_the_account_sees_besides(family: Desk) -> None:
    """A slip in a number shows another family."""
    proposal = family.link(MIRA, PARENT)
    assert proposal.words[0] == f"VK {PARENT} will see #{MIRA} Мира К."
    assert all(name in proposal.words[1] for name in ("Ада М.", "Глеб С."))
    family.do(proposal)
    assert (PARENT, MIRA) in sees(family)
    assert len(family.link(MIRA, 777).words) == 1


def test_what_is_linked_or_revoked_already_needs_no_plan(family: Desk) -> None:
    """And says so."""
    assert not family.link(ADA, PARENT).plan
    assert "already" in family.link(ADA, PARENT).words[0]
    family.do(family.revoke(ADA, PARENT))
    assert not family.revoke(ADA, PARENT).plan
    assert sees(family) == {(GRANNY, ADA), (PARENT, GLEB)}


def test_a_revoked_link_may_be_made_again_by_hand(family: Desk) -> None:
    """It says that it was revoked, and is the desk's from then on."""
    family.do(family.revoke(ADA, PARENT))
    proposal = family.link(ADA, PARENT)
    assert "this link was revoked before" in proposal.words
    family.do(proposal)
    with reading(family.url) as reader:
        assert Link(PARENT, ADA, LinkSource.DESK) in reader.links()


def test_a_link_that_never_was_cannot_be_revoked(family: Desk) -> None:
    """The number is likely wrong."""
    assert refused(NotFound, family.revoke, MIRA, PARENT).exit_code == 6


def test_links_are_made_with_the_child_and_not_with_a_merged_card(family: Desk) -> None:
    """Whoever is named."""
    family.do(family.merge(ADA, GLEB))
    family.do(family.link(ADA, 777))
    family.do(family.revoke(ADA, PARENT))
    assert sees(family) == {(GRANNY, GLEB), (777, GLEB)}
