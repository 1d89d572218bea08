"""Residents are found as staff name them, and all that is held of them is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from coinsync.core.facts import (
    Branch,
    Group,
    Link,
    LinkSource,
    Mark,
    Membership,
    PageKind,
    Presence,
    Resident,
    Status,
    VkPage,
)
from coinsync.core.plan import Put
from coinsync.errors import (
    Ambiguous,
    NotFound,
)
from coinsync.lookup.explain import explain
from coinsync.lookup.history import history
from coinsync.lookup.residents import (
    attended,
    dossier,
    find_card,
    find_resident,
    links,
    members_of,
    residents_of,
)
from coinsync.lookup.vk_pages import vk_coverage
from tests.support import engines
from tests.support.desk import (
    BRANCHES,
    GRANNY,
    LEV,
    MIRA,
    NAMES,
    OMSK,
    PARENT,
    Desk,
    settings,
    who,
)
from tests.support.makers import (
    ADA,
    DAY,
    GLEB,
    GROUP,
    a_lesson,
    a_record,
    a_resident,
    present,
    reading,
)

ENGINES = engines.BOTH


# --- looking ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [f"#{ADA}", str(ADA), f"crm:{ADA}", " #101 ", "\u200b#１０１"])
def test_a_merged_card_leads_to_the_child(family: Desk, text: str) -> None:
    """Found by its number it is the card on which it goes on; as a card it is itself."""
    family.do(family.merge(ADA, GLEB))
    with reading(family.url) as reader:
        assert find_resident(reader, text).id == GLEB
        assert find_card(reader, text).id == ADA


def test_a_number_is_a_number_also_where_a_name_begins_with_it(at: Desk) -> None:
    """Plain digits mean the card alone; what is no number alone is looked for in names."""
    at.put(Put(a_resident(101, "Ада М.")), Put(a_resident(7, "101 Далматинец")))
    with reading(at.url) as reader:
        assert find_resident(reader, "101").id == 101
        assert find_resident(reader, "101 Д").id == 7
        with pytest.raises(NotFound):
            find_resident(reader, "10")


def test_a_visitor_leads_to_the_children_whom_it_sees(family: Desk) -> None:
    """One, or the candidates; a revoked link leads nowhere."""
    with reading(family.url) as reader:
        assert find_resident(reader, f"vk:{GRANNY}").id == ADA
        with pytest.raises(Ambiguous) as caught:
            find_resident(reader, f"vk:{PARENT}")
    assert len(caught.value.candidates) == 2
    family.do(family.revoke(ADA, GRANNY))
    with reading(family.url) as reader, pytest.raises(NotFound):
        find_resident(reader, f"vk:{GRANNY}")


@pytest.mark.parametrize("text", ["Серёня", "серeня", "Ceрëня\u00a0М.", "Серёня  м"])
def test_cards_that_look_alike_are_both_candidates(family: Desk, text: str) -> None:
    """However each of them, and what is looked for, was typed: the wrong child is never meant."""
    family.put(Put(a_resident(501, "Серёня М.")), Put(a_resident(502, "Cеpеня\u00a0М.")))
    with reading(family.url) as reader, pytest.raises(Ambiguous) as caught:
        find_resident(reader, text)
    assert [line.split()[0] for line in caught.value.candidates] == ["#502", "#501"]


def test_candidates_that_are_not_told_are_counted(family: Desk) -> None:
    """The last line says how many more there are, and cannot be chosen."""
    family.put(*(Put(a_resident(number, "Ася А.")) for number in range(501, 524)))
    with reading(family.url) as reader, pytest.raises(Ambiguous) as caught:
        find_resident(reader, "ася")
    assert len(caught.value.candidates) == 20
    message, _ = caught.value.in_language("en")
    assert message.endswith("\n    and 3 more: type more of the name")


def test_candidates_are_told_apart_clients_first(family: Desk) -> None:
    """Each with its number, branch, presence and coins."""
    family.put(
        Put(a_resident(501, "Ася А.", presence=Presence.ARCHIVED)), Put(a_resident(502, "Ася Б."))
    )
    with reading(family.url) as reader, pytest.raises(Ambiguous) as caught:
        find_resident(reader, "ася")
    assert caught.value.candidates == (
        "#502 Ася Б. (branch 1, client, 0 coins)",
        "#501 Ася А. (branch 1, archived, 0 coins)",
    )


def test_links_are_listed_with_names_revoked_ones_too(family: Desk) -> None:
    """By account."""
    family.do(family.revoke(ADA, PARENT))
    with reading(family.url) as reader:
        assert [(line.vk, line.name, line.source, line.live) for line in links(reader)] == [
            (PARENT, "Ада М.", "crm", False),
            (PARENT, "Глеб С.", "crm", True),
            (GRANNY, "Ада М.", "desk", True),
        ]


TEXTS = {
    "id700": ("", [(PARENT, True)]),
    "id701": ("changed", [(PARENT, True)]),
    "id702": ("waiting", []),
    "id703": ("revoked", [(703, False)]),
    "vk.com/ada": ("screen_name", []),
    "vk.com/mother": ("", [(PARENT, True)]),
    "vk.com/group": ("community", []),
    "club12": ("community", []),
    "?": ("unreadable", []),
    "": ("", []),
}
PAGES = {"mother": (PageKind.PERSON, PARENT), "group": (PageKind.COMMUNITY, 5)}


@pytest.mark.parametrize("text", TEXTS)
def test_cards_whose_page_leads_to_nobody_are_told(at: Desk, text: str) -> None:
    """With the text as it stands in the CRM and what is wrong with it."""
    problem, links = TEXTS[text]
    name = text.removeprefix("vk.com/")
    at.put(
        Put(a_resident(ADA, "Ада М.", vk=text), a_resident(ADA, "Ада М.")),
        *(Put(Link(vk, ADA, LinkSource.CRM, live)) for vk, live in links),
        *([Put(VkPage(ADA, name, *PAGES[name], DAY))] if name in PAGES else []),
    )
    with reading(at.url) as reader:
        told = [
            (one.resident, one.name, one.text, one.problem) for one in vk_coverage(reader).problems
        ]
    assert told == ([(ADA, "Ада М.", text, problem)] if problem else [])


# --- groups and lessons -----------------------------------------------------------------------

#: Two of one name, one that has the other's name as its beginning, one that nobody is in.
GROUPS = (Group(1, "Питон-2"), Group(2, "Питон-2"), Group(3, "Питон-21"), Group(4, "Roblox"))


@pytest.fixture
def grouped(at: Desk) -> Desk:
    """Ada and Gleb in groups of their branches, Mira in two of them, once."""
    memberships = (
        Membership(ADA, 1, DAY),
        Membership(GLEB, 2),
        Membership(GLEB, 3),
        Membership(MIRA, 3, date(2026, 1, 1), DAY),
        # A make-up of one day makes nobody a member.
        Membership(MIRA, 4, DAY, DAY),
    )
    at.put(Put(Branch(1, "Kazan")), Put(Branch(OMSK, "Omsk")), *map(Put, GROUPS + memberships))
    return at


def members(at: Desk, text: str, day: date, branches: tuple[int, ...] | None = None) -> list[int]:
    """Who is in a group on a day."""
    with reading(at.url) as reader:
        residents = residents_of(reader, branches)
        return [each.id for each in members_of(reader, residents, text, lambda _branches: day)]


def test_a_group_is_found_by_its_number_or_the_beginning_of_its_name(grouped: Desk) -> None:
    """As residents are, whatever the case; a whole name means that group alone."""
    assert members(grouped, "#3", DAY) == members(grouped, "3", DAY) == [GLEB, MIRA]
    assert members(grouped, "питон-21", DAY) == members(grouped, "ПИТОH-21", DAY) == [GLEB, MIRA]
    assert members(grouped, "питон-2", DAY, (OMSK,)) == [GLEB]


def test_a_name_that_stands_in_two_branches_is_ambiguous(grouped: Desk) -> None:
    """The candidates say in which; the number or the branch decides."""
    for text in ("Питон-2", "пит"):
        with pytest.raises(Ambiguous) as caught:
            members(grouped, text, DAY)
        assert caught.value.exit_code == 6
        assert caught.value.candidates[:2] == ("#1 Питон-2 (Kazan)", "#2 Питон-2 (Kazan, Omsk)")
    assert members(grouped, "2", DAY) == [GLEB]


def test_members_are_those_of_the_day(grouped: Desk) -> None:
    """Who has left or not come yet is none; a group without members is not found."""
    day_after = DAY + timedelta(days=1)
    assert members(grouped, "3", day_after) == [GLEB]
    for text, day in (("1", DAY - timedelta(days=1)), ("Roblox", DAY), ("5", DAY), ("", DAY)):
        with pytest.raises(NotFound) as caught:
            members(grouped, text, day)
        assert "on that day: Питон-2" in str(caught.value.advice)


def test_the_groups_of_merged_cards_are_those_of_the_child(grouped: Desk) -> None:
    """Who is in one group with both cards is in it once."""
    grouped.do(grouped.merge(GLEB, MIRA))
    assert members(grouped, "3", DAY) == members(grouped, "2", DAY) == [MIRA]


def test_who_attended_a_lesson_is_found(at: Desk) -> None:
    """By the mark, of a lesson that was held; a child with two cards once."""
    here, absent = present(GLEB), present(LEV, Mark.ABSENT)
    at.night(a_record(None, present(ADA), here, absent))
    at.night(a_record(a_lesson(2, status=Status.CANCELLED), present(ADA)))
    at.do(at.merge(ADA, MIRA))
    with reading(at.url) as reader:
        residents = residents_of(reader, None)
        assert [each.id for each in attended(reader, residents, 1)] == [GLEB, MIRA]
        assert attended(reader, residents, 2) == attended(reader, residents, 99) == []


# --- VK pages ---------------------------------------------------------------------------------


def test_closed_cards_have_no_problems(family: Desk) -> None:
    """Neither who is erased nor a card that goes on as another."""
    for card in (ADA, GLEB):
        family.put(Put(replace(family_card(card), vk="club1"), family_card(card)))
    with reading(family.url) as reader:
        assert [one.resident for one in vk_coverage(reader).problems] == [ADA, GLEB]
    family.do(family.merge(ADA, GLEB))
    with reading(family.url) as reader:
        assert [one.resident for one in vk_coverage(reader).problems] == [GLEB]
    family.do(family.erase(GLEB))
    with reading(family.url) as reader:
        assert vk_coverage(reader).problems == ()


def family_card(card: int) -> Resident:
    """A card as it was recorded."""
    return a_resident(card, NAMES[card], branches=BRANCHES[card])


def test_a_dossier_holds_everything_about_a_child(known: Desk) -> None:
    """From every table and every card, and of nobody else."""
    known.night(a_record(a_lesson(2), present(MIRA), present(GLEB)))
    with reading(known.url) as reader:
        held = dossier(reader, who(reader, MIRA))
    assert [(card.id, card.name) for card in held.cards] == [(ADA, "Ада М."), (MIRA, "Мира К.")]
    assert held.balance == 14
    assert [(one.resident, one.into) for one in held.merges] == [(MIRA, ADA)]
    assert [one.group for one in held.memberships] == [GROUP]
    assert {(one.vk, one.resident, one.live) for one in held.links} == {
        (700700, ADA, True),
        (701701, ADA, True),
        (701701, MIRA, False),
    }
    assert [one.name for one in held.vk_pages] == ["ada.minina"]
    assert [
        (record.lesson.id, [one.resident for one in record.attendance]) for record in held.lessons
    ] == [
        (1, [ADA]),
        (2, [MIRA]),
    ]
    numbers = [line.posted.n for line in held.entries]
    assert [line.note for line in held.entries if line.note] == [
        "won",
        "hurt her knee",
        "won",
        "won",
    ]
    assert (len(numbers), len(set(numbers))) == (6, 6)
    assert [one.note for one in held.decisions] == ["was there, says her mother"]
    assert held.held == ()


def test_lessons_of_merged_cards_are_explained_as_the_childs(paid: Desk) -> None:
    """The lesson lists the old card; whoever asks for the child reads why it gave what it gave."""
    paid.night(
        a_record(),
        a_record(a_lesson(2, on=date(2026, 11, 9)), present(ADA, Mark.ABSENT), present(GLEB)),
    )
    paid.do(paid.merge(ADA, GLEB))
    with reading(paid.url) as reader:
        child = who(reader, ADA)
        told = explain(reader, settings(), child, lesson=None, day=None)
        assert [(one.lesson.id, one.posted, len(one.lines)) for one in told] == [
            (2, 10, 1),
            (2, 0, 0),
            (1, 10, 1),
        ]
        assert [one.posted for one in explain(reader, settings(), child, lesson=1, day=None)] == [
            10
        ]
        seen = history(reader, settings(), child, with_ineligible=True)
    assert [(line.coins, line.reason) for line in seen.lines] == [
        (10, "lesson"),
        (0, "absent"),
        (10, "lesson"),
    ]
    assert seen.balance == 20
