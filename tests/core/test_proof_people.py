"""The checks of people over plain values: links, merges, and what is left of the erased."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coinsync.core.facts import (
    Decision,
    Link,
    LinkSource,
    Merge,
    PageKind,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.proof.checks import BY_ID, Findings
from coinsync.core.proof.people import MergedCards, StoredPeople, check_people
from tests.support.makers import ADA, DAY, GLEB, a_resident

KIRA = 103
ERASED = Resident(KIRA, "", Presence.ERASED, ())
PEOPLE = StoredPeople(
    residents={ADA: a_resident(ADA, "Ада М."), GLEB: a_resident(GLEB, "Глеб Р."), KIRA: ERASED},
    merges=(Merge(GLEB, ADA, ever=(ADA,)),),
    links=(Link(1, ADA, LinkSource.CRM), Link(2, GLEB, LinkSource.CRM, live=False)),
    pages=(VkPage(ADA, "ada", PageKind.PERSON, 1, DAY),),
)


def cases(people: StoredPeople) -> list[tuple[str, str, str]]:
    """What is found: the check, the first case, and what mends it."""
    findings = Findings()
    check_people(people, findings)
    return [(found.check, found.examples[0], found.mend) for found in findings.of(BY_ID)]


def a_decision(note: str, resident: int = ADA) -> StoredPeople:
    """The people, with a decision about one of them."""
    decision = Decision("k", 7, resident, 1, 10, "absent", "anna", DAY, note)
    return replace(PEOPLE, decisions={"k": decision})


def test_people_as_they_should_be() -> None:
    """A merged card whose link is revoked, and an erased card of which only its number is left."""
    assert cases(PEOPLE) == []
    assert cases(a_decision("was ill")) == []


@pytest.mark.parametrize("live", [True, False])
def test_nobody_sees_an_erased_card(live: bool) -> None:
    """Nor did anybody once: a link that was revoked goes as well."""
    link = Link(3, KIRA, LinkSource.DESK, live=live)
    case = "VK 3 with #103, who is erased"
    mend = "coinsync residents erase '#103'"
    assert cases(replace(PEOPLE, links=(link,))) == [("links", case, mend)]


def test_an_erased_card_has_no_vk_page() -> None:
    """VK's answer names the person as well as a link does."""
    page = VkPage(KIRA, "kira", PageKind.PERSON, 3, DAY)
    ((check, case, _),) = cases(replace(PEOPLE, pages=(page,)))
    assert (check, case) == ("links", "a VK page of #103, who is erased")


def test_a_merged_card_is_seen_as_the_one_that_it_goes_on_as() -> None:
    """A link that is live shows half of a history."""
    link = Link(2, GLEB, LinkSource.CRM)
    case = "VK 2 sees #102, who goes on as #101"
    mend = "coinsync residents unmerge '#102'"
    assert cases(replace(PEOPLE, links=(link,))) == [("links", case, mend)]


@pytest.mark.parametrize(
    ("merges", "words"),
    [
        ((Merge(GLEB, 999),), ["#102 goes on as #999, which is not recorded"]),
        ((Merge(GLEB, KIRA),), ["#102 goes on as #103, and one of the two is erased"]),
        ((Merge(KIRA, GLEB),), ["#103 goes on as #102, and one of the two is erased"]),
        ((Merge(GLEB, ADA), Merge(ADA, GLEB)), ["#102 goes on as #101, and so back to itself"]),
        ((Merge(GLEB, 0, ever=(ADA,)),), []),
    ],
)
def test_merged_cards_go_on_as_others(merges: tuple[Merge, ...], words: list[str]) -> None:
    """As recorded ones, without a circle; an undone merge leads nowhere."""
    found = cases(replace(PEOPLE, merges=merges, links=()))
    assert [case for _, case, _ in found] == words
    assert all(check == "merges" for check, _, _ in found)


def test_a_card_that_leads_into_a_circle_is_not_in_it() -> None:
    """The two that make the circle are named, and looking for it comes to an end."""
    residents = {**PEOPLE.residents, 104: a_resident(104)}
    merges = (Merge(104, ADA), Merge(ADA, GLEB), Merge(GLEB, ADA))
    findings = Findings()
    check_people(replace(PEOPLE, residents=residents, merges=merges, links=()), findings)
    (found,) = findings.of(BY_ID)
    assert [case.split()[0] for case in found.examples] == ["#101", "#102"]


@pytest.mark.parametrize(
    ("leftover", "values"),
    [("name", {"name": "Кира"}), ("VK page", {"vk": "kira"}), ("branches", {"branches": (1,)})],
)
def test_nothing_is_left_of_an_erased_card(leftover: str, values: dict[str, object]) -> None:
    """Each thing that is left is named, and never said."""
    card = replace(ERASED, **values)  # type: ignore[arg-type]
    people = replace(PEOPLE, residents={**PEOPLE.residents, KIRA: card})
    mend = "coinsync residents erase '#103'"
    assert cases(people) == [("erased", f"#103: {leftover}", mend)]


def test_what_staff_wrote_about_an_erased_card_is_gone() -> None:
    """The note of a decision, and the VK accounts that a merge took along."""
    assert cases(a_decision("was ill", KIRA))[0][1] == "#103: a decision's note"
    assert cases(a_decision("", KIRA)) == []
    merge = Merge(KIRA, 0, ever=(ADA,), links=(5,))
    people = replace(PEOPLE, merges=(merge,), links=())
    assert cases(people)[0][1] == "#103: VK accounts of a merge"


def test_a_decision_whose_note_looks_private_is_named_by_number() -> None:
    """The note is not repeated."""
    case = ("private", "decision on lesson 7, #101", "coinsync history 101")
    assert cases(a_decision("call +7 912 000-00-00")) == [case]


def test_families_grow_together() -> None:
    """A merge joins whole families, whatever the order in which the merges are read."""
    merges = [Merge(1, 2), Merge(3, 4), Merge(2, 0, ever=(3,))]
    for order in (merges, merges[::-1]):
        assert set(MergedCards(order).families.values()) == {frozenset({1, 2, 3, 4})}
