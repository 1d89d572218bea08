"""What a plan may still do to cards when it is written, asked with plain values."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from coinsync.core.facts import (
    Decision,
    Doubt,
    DoubtKind,
    Link,
    LinkSource,
    Membership,
    Merge,
    Note,
    PageKind,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.people_policy import (
    RecordedCards,
    effects_on_cards,
    refuse_stale_cards,
)
from coinsync.core.plan import Change, Drop, Plan, Post, Put
from coinsync.errors import StalePlan
from tests.support.makers import (
    ADA,
    DAY,
    GLEB,
    GROUP,
    a_credit,
    a_plan,
    a_resident,
    a_reversal,
    an_award,
    present,
)

MIRA = 103
OLD_CARD = 104

LINK = Link(7, ADA, LinkSource.CRM)
REVOKED = Link(7, ADA, LinkSource.CRM, live=False)
PAGE = VkPage(ADA, "ada.m", PageKind.PERSON, 7, DAY)
NOTE = Note(1, "salt", "for Ada")
TAKEN_BACK = a_reversal(a_credit("1"), 1)
FORGOTTEN = Resident(ADA, "", Presence.ERASED, ())


def a_decision(note: str = "") -> Decision:
    """What a clerk decided about Ada's coins for a lesson."""
    return Decision("key:1", 1, ADA, 1, 10, "absent", "clerk", DAY, note)


def refusal(plan: Plan, recorded: RecordedCards) -> str:
    """What a plan is refused with."""
    with pytest.raises(StalePlan) as caught:
        refuse_stale_cards(plan, recorded)
    return caught.value.message


# --- what is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "viewers", "forgotten"),
    [
        (Put(LINK), set(), set()),
        (Put(REVOKED), set(), set()),
        (Drop(LINK), set(), set()),
        (Put(PAGE), set(), set()),
        (Put(a_resident(ADA)), set(), set()),
        (Put(a_decision()), set(), set()),
        (Put(a_decision("a note")), set(), set()),
        (Post(a_credit("1")), set(), set()),
        (Post(a_credit("1", note="a note")), set(), set()),
        (Put(Merge(ADA, GLEB)), {ADA}, set()),
        (Put(Merge(ADA, GLEB), Merge(ADA, 0)), {ADA}, set()),
        (Put(Merge(ADA, GLEB), Merge(ADA, MIRA)), {ADA}, set()),
        (Put(Merge(ADA, GLEB, (7,)), Merge(ADA, GLEB)), set(), set()),
        (Put(Merge(ADA, 0), Merge(ADA, GLEB)), set(), set()),
        (Put(FORGOTTEN, a_resident(ADA)), {ADA}, {ADA}),
    ],
)
def test_only_the_cards_that_matter_are_read_again(
    change: Change, viewers: set[int], forgotten: set[int]
) -> None:
    """A night of lessons without notes asks nothing; each other change asks about its own cards."""
    asked = effects_on_cards(a_plan(change))
    assert asked.joined | asked.forgotten == viewers
    assert set(asked.forgotten) == forgotten


# --- cards that were erased or merged -------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        Put(LINK),
        Put(PAGE),
        Put(Merge(ADA, GLEB)),
        Put(Merge(GLEB, ADA)),
        Put(a_decision("a note")),
        Post(a_credit("1", note="a note")),
        Post(a_credit("1")),
        Post(an_award()),
        Put(present()),
        Put(Membership(ADA, GROUP, DAY)),
        Put(Doubt(ADA, DoubtKind.CARD_MISSING, 1, "", "2026-11-20T02:00:00Z")),
    ],
)
def test_an_erased_card_gets_nothing_back(change: Change) -> None:
    """No viewer, page or other card, and no note that would outlive the wish to be forgotten."""
    recorded = RecordedCards(erased={ADA})
    assert refusal(a_plan(change), recorded) == f"plan is stale: #{ADA} was erased meanwhile"
    refuse_stale_cards(a_plan(change), RecordedCards())


@pytest.mark.parametrize(
    "change",
    [Put(REVOKED), Drop(LINK), Put(a_decision()), Post(TAKEN_BACK), Put(a_resident(ADA))],
)
def test_what_gives_nothing_is_done_to_an_erased_card_too(change: Change) -> None:
    """Revoking, deciding and correcting leave no trace of whom they are about."""
    refuse_stale_cards(a_plan(change), RecordedCards(erased={ADA}))


@pytest.mark.parametrize("change", [Put(LINK), Put(PAGE), Put(Merge(MIRA, ADA))])
def test_a_merged_card_gets_nothing_more(change: Change) -> None:
    """Viewers, pages and other cards belong to the card on which it goes on."""
    recorded = RecordedCards(merges=[Merge(ADA, GLEB)])
    assert refusal(a_plan(change), recorded) == f"plan is stale: #{ADA} was merged meanwhile"
    refuse_stale_cards(a_plan(change), RecordedCards(merges=[Merge(ADA, 0), Merge(8, 9)]))


@pytest.mark.parametrize("change", [Put(a_decision("a note")), Post(a_credit("1", note="a note"))])
def test_a_note_may_be_about_a_merged_card(change: Change) -> None:
    """It is read with the card that goes on."""
    refuse_stale_cards(a_plan(change), RecordedCards(merges=[Merge(ADA, GLEB)]))


def test_a_card_may_be_given_what_the_plan_itself_makes_possible() -> None:
    """A card that this plan takes out of its merge gets its viewers back."""
    plan = a_plan(Put(Merge(ADA, 0), Merge(ADA, GLEB)), Put(LINK, REVOKED))
    refuse_stale_cards(plan, RecordedCards(merges=[Merge(ADA, GLEB)]))


def test_the_first_card_is_named() -> None:
    """Of several the one with the lowest number, whichever change is about it."""
    plan = a_plan(Put(Link(7, GLEB, LinkSource.CRM)), Post(a_credit("1", note="a note")))
    recorded = RecordedCards(merges=[Merge(GLEB, MIRA)], erased={ADA})
    assert refusal(plan, recorded) == f"plan is stale: #{ADA} was erased meanwhile"


# --- viewers of a card that is merged -------------------------------------------------------------


def test_a_viewer_who_came_meanwhile_is_not_left_behind() -> None:
    """The plan that merges a card moves its viewers; one that it does not know makes it stale."""
    plan = a_plan(Put(Merge(ADA, GLEB)))
    recorded = RecordedCards(links=[LINK])
    assert refusal(plan, recorded) == f"plan is stale: VK 7 was linked meanwhile to #{ADA}"


@pytest.mark.parametrize(
    ("changes", "links"),
    [
        ((Put(Merge(ADA, GLEB)), Put(REVOKED, LINK)), [LINK]),
        ((Put(Merge(ADA, GLEB)),), [REVOKED]),
        ((Put(Merge(ADA, GLEB)),), [Link(7, GLEB, LinkSource.CRM)]),
        ((Put(Merge(ADA, 0), Merge(ADA, GLEB)),), [LINK]),
    ],
    ids=["moved by the plan", "revoked", "of the other card", "taken out of a merge"],
)
def test_other_viewers_do_not_matter(changes: tuple[Change, ...], links: Collection[Link]) -> None:
    """Only who still sees the card, and is not moved along, would be left behind."""
    refuse_stale_cards(a_plan(*changes), RecordedCards(links=links))


# --- who is forgotten -----------------------------------------------------------------------------

MORE_IS_KNOWN = "plan is stale: more is known by now about whom it forgets"


@pytest.mark.parametrize(
    "recorded",
    [
        RecordedCards(links=[LINK]),
        RecordedCards(links=[REVOKED]),
        RecordedCards(pages=[PAGE]),
        RecordedCards(notes=[NOTE]),
        RecordedCards(decisions=[a_decision("a note")]),
        RecordedCards(merges=[Merge(GLEB, ADA)]),
        RecordedCards(merges=[Merge(ADA, GLEB)]),
        RecordedCards(merges=[Merge(ADA, GLEB), Merge(MIRA, GLEB)], erased=[GLEB]),
    ],
)
def test_nobody_is_forgotten_in_part(recorded: RecordedCards) -> None:
    """A link, even a revoked one, a page, a note or another card that the plan does not know of."""
    plan = a_plan(Put(FORGOTTEN, a_resident(ADA)))
    assert refusal(plan, recorded) == MORE_IS_KNOWN


def test_who_is_forgotten_whole_is_forgotten() -> None:
    """All that is recorded is dropped, and the other card was erased before or is erased too."""
    drops = [Drop(LINK), Drop(PAGE), Drop(NOTE)]
    plan = a_plan(Put(FORGOTTEN, a_resident(ADA)), *drops)
    traces = {"links": [LINK], "pages": [PAGE], "notes": [NOTE]}
    refuse_stale_cards(plan, RecordedCards(**traces))  # type: ignore[arg-type]
    refuse_stale_cards(plan, RecordedCards(merges=[Merge(GLEB, ADA)], erased={GLEB}))
    both = a_plan(*plan.changes, Put(Resident(GLEB, "", Presence.ERASED, ()), a_resident(GLEB)))
    refuse_stale_cards(both, RecordedCards(merges=[Merge(GLEB, ADA)]))


def test_a_decision_about_who_is_forgotten_stays_without_its_note() -> None:
    """One that never had a note says nothing, one that had loses it in the same plan."""
    forgets = Put(FORGOTTEN, a_resident(ADA))
    noted = a_decision("a note")
    refuse_stale_cards(a_plan(forgets), RecordedCards(decisions=[a_decision()]))
    refuse_stale_cards(a_plan(forgets, Put(a_decision(), noted)), RecordedCards(decisions=[noted]))


def test_what_is_only_changed_is_not_forgotten() -> None:
    """A link that is revoked in the same plan still says whose parent saw whom."""
    plan = a_plan(Put(FORGOTTEN, a_resident(ADA)), Put(REVOKED, LINK))
    assert refusal(plan, RecordedCards(links=[LINK])) == MORE_IS_KNOWN


def test_nobody_else_is_asked_to_be_forgotten() -> None:
    """A plan that forgets nobody does not care who goes on as whom."""
    refuse_stale_cards(a_plan(Put(a_resident(ADA))), RecordedCards(merges=[Merge(ADA, GLEB)]))


def test_of_two_cards_one_merged_and_one_forgotten_each_has_its_own_links() -> None:
    """The link of the card that is merged is no trace of the card that is forgotten."""
    link = Link(9, MIRA, LinkSource.CRM)
    revoked = Link(9, MIRA, LinkSource.CRM, live=False)
    plan = a_plan(
        Put(FORGOTTEN, a_resident(ADA)), Put(Merge(MIRA, GLEB)), Put(revoked, link), Drop(LINK)
    )
    refuse_stale_cards(plan, RecordedCards(links=[link, LINK]))


# --- merges ---------------------------------------------------------------------------------------


def test_merges_after_a_plan_are_those_recorded_with_its_own() -> None:
    """A merge of the plan stands in the place of the one that it changes."""
    others: list[Change] = [Put(LINK), Drop(REVOKED), Post(a_credit("1"))]
    plan = a_plan(Put(Merge(ADA, 0), Merge(ADA, GLEB)), Put(Merge(8, 9)), *others)
    after = plan.facts_after(Merge, [Merge(ADA, GLEB), Merge(MIRA, GLEB)])
    assert after == [Merge(ADA, 0), Merge(MIRA, GLEB), Merge(8, 9)]
