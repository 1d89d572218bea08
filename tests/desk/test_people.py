"""Cards are merged, parted and forgotten, and no coin moves by it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.facts import (
    Group,
    Hold,
    Link,
    LinkSource,
    Mark,
    Membership,
    Merge,
    Presence,
    Resident,
)
from coinsync.core.ledger import Kind
from coinsync.core.plan import Change, Drop, Post, Put
from coinsync.desk import people
from coinsync.desk.gather import Clerk
from coinsync.errors import (
    CoinPolicy,
    CoinsyncError,
    NotEnoughCoins,
    NotFound,
    StalePlan,
    UsageError,
)
from coinsync.lookup import residents
from coinsync.lookup.residents import find_resident
from tests.support import chain, engines
from tests.support.desk import (
    GRANNY,
    LEV,
    MIRA,
    NAMES,
    PARENT,
    TODAY,
    Desk,
    found,
    opened,
    refused,
    sees,
    settings,
    who,
)
from tests.support.makers import (
    ADA,
    DAY,
    GLEB,
    GROUP,
    a_credit,
    a_lesson,
    a_record,
    dump,
    present,
    reading,
    thorough,
)

ENGINES = engines.BOTH


# --- cards ------------------------------------------------------------------------------------


def test_a_merge_moves_no_coins_and_brings_the_viewers_along(family: Desk) -> None:
    """Coins count together on the card that goes on, and everybody sees that one."""
    proposal = family.merge(ADA, GLEB)
    assert proposal.words == (
        f"#{ADA} Ада М. (30) goes on as #{GLEB} Глеб С. (5): together 35",
        f"VK {GRANNY} will see it",
        f"#{ADA} is still a client in the CRM; its lessons go on counting",
        "a lesson for which both are paid counts once; reconcile names what no sync reads",
    )
    assert (proposal.moves, proposal.plan.entries) == ((), ())
    family.do(proposal)
    assert family.balances() == {ADA: 35, GLEB: 35}
    assert sees(family) == {(PARENT, GLEB), (GRANNY, GLEB)}


def test_undoing_a_merge_brings_everything_back(family: Desk) -> None:
    """Coins and viewers are what they were, as if nothing had been."""
    before = sees(family)
    family.do(family.merge(ADA, GLEB))
    proposal = family.unmerge(ADA)
    assert proposal.words == (
        f"#{ADA} Ада М. has 30 on its own",
        f"#{GLEB} Глеб С. has 5 on its own",
    )
    family.do(proposal)
    assert family.balances() == {ADA: 30, GLEB: 5}
    assert sees(family) == before
    with reading(family.url) as reader:
        assert reader.merges() == [Merge(ADA, 0, (), (GLEB,))]
        assert {(link.vk, link.resident): link.source for link in reader.links()} == {
            (PARENT, ADA): LinkSource.CRM,
            (GRANNY, ADA): LinkSource.DESK,
            (PARENT, GLEB): LinkSource.CRM,
        }


def test_a_card_may_be_merged_again_elsewhere(family: Desk) -> None:
    """All cards that it ever went on as are remembered, each once."""
    for into in (GLEB, MIRA, GLEB):
        family.do(family.merge(ADA, into))
        assert (GRANNY, into) in sees(family)
        family.do(family.unmerge(ADA))
    with reading(family.url) as reader:
        assert reader.merges() == [Merge(ADA, 0, (), (GLEB, MIRA))]
    assert sees(family) == {(PARENT, ADA), (GRANNY, ADA), (PARENT, GLEB)}


@pytest.mark.parametrize(
    ("card", "into", "kind", "says"),
    [
        (ADA, ADA, UsageError, "are one card"),
        (ADA, MIRA, CoinPolicy, f"#{ADA} is merged into #{GLEB} already"),
        (GLEB, ADA, CoinPolicy, f"#{ADA} is merged into #{GLEB} already"),
        (LEV, MIRA, CoinPolicy, f"#{LEV} is erased"),
        (MIRA, LEV, CoinPolicy, f"#{LEV} is erased"),
    ],
)
def test_what_cannot_be_merged(
    family: Desk, card: int, into: int, kind: type[CoinsyncError], says: str
) -> None:
    """One card with itself, one that is merged, one that is erased."""
    if card != into:
        family.do(family.merge(ADA, GLEB), family.erase(LEV))
    assert says in refused(kind, family.merge, card, into).message


def test_a_card_is_merged_into_the_one_that_goes_on(family: Desk) -> None:
    """Whoever names a merged card means the child."""
    family.do(family.merge(ADA, GLEB))
    family.do(family.merge(MIRA, ADA))
    with reading(family.url) as reader:
        assert reader.survivors() == {ADA: GLEB, MIRA: GLEB}


def test_merging_never_makes_a_circle(family: Desk) -> None:
    """Two clerks merge the same cards into one another: the second is told to look again."""
    one, other = family.merge(ADA, GLEB), family.merge(GLEB, ADA)
    family.do(one)
    with pytest.raises(StalePlan):
        family.do(other)


def test_only_a_merged_card_is_unmerged(family: Desk) -> None:
    """Not the one that goes on, and none twice."""
    family.do(family.merge(ADA, GLEB))
    refused(CoinPolicy, family.unmerge, GLEB)
    family.do(family.unmerge(ADA))
    refused(CoinPolicy, family.unmerge, ADA)


@pytest.mark.parametrize(
    ("coins", "who_owes"), [(-31, "Ада М. would have -1"), (-6, "Глеб С. would have -1")]
)
def test_cards_that_spent_each_others_coins_stay_together(
    family: Desk, coins: int, who_owes: str
) -> None:
    """Parted, one of them would owe what nobody asked for."""
    family.do(family.merge(ADA, GLEB))
    under = ADA if coins == -31 else GLEB
    family.put(Post(a_credit("cap", under, coins, on=TODAY)))
    assert who_owes in refused(NotEnoughCoins, family.unmerge, ADA).message


def test_coins_spent_meanwhile_keep_cards_together(family: Desk) -> None:
    """Planned before the purchase, written after it: refused by the writer."""
    family.do(family.merge(ADA, GLEB))
    undo = family.unmerge(ADA)
    family.given(GLEB, -6, "k3", note="a cap")
    with pytest.raises(NotEnoughCoins):
        family.do(undo)


def test_who_was_revoked_in_between_stays_revoked(family: Desk) -> None:
    """The grandmother no longer sees the child, neither as one nor as two."""
    family.do(family.merge(ADA, GLEB))
    family.do(family.revoke(GLEB, GRANNY))
    family.do(family.unmerge(ADA))
    assert sees(family) == {(PARENT, ADA), (PARENT, GLEB)}
    family.do(family.merge(ADA, GLEB))
    assert sees(family) == {(PARENT, GLEB)}


def test_who_was_revoked_before_does_not_come_back_by_merging(family: Desk) -> None:
    """The link of the card that goes on stays revoked, though the other had a live one."""
    family.do(family.revoke(GLEB, PARENT))
    family.do(family.merge(ADA, GLEB))
    assert sees(family) == {(GRANNY, GLEB)}


def test_who_was_linked_in_between_stays_linked(family: Desk) -> None:
    """Revoked and linked anew by hand, the grandmother sees both cards after they part."""
    family.do(family.merge(ADA, GLEB))
    family.do(family.revoke(GLEB, GRANNY))
    family.do(family.link(GLEB, GRANNY))
    family.do(family.unmerge(ADA))
    assert sees(family) == {(PARENT, ADA), (GRANNY, ADA), (PARENT, GLEB), (GRANNY, GLEB)}


def test_who_was_revoked_in_the_middle_of_a_chain_stays_revoked(family: Desk) -> None:
    """The parent lost sight of the first two cards and sees the third in its own right.

    The first does not return.
    """
    family.put(Put(Link(PARENT, MIRA, LinkSource.CRM)))
    family.do(family.merge(ADA, GLEB))
    family.do(family.revoke(GLEB, PARENT))
    family.do(family.merge(GLEB, MIRA))
    assert sees(family) == {(PARENT, MIRA), (GRANNY, MIRA)}
    family.do(family.unmerge(GLEB))
    family.do(family.unmerge(ADA))
    assert sees(family) == {(PARENT, MIRA), (GRANNY, ADA)}


def test_two_cards_that_brought_one_viewer_are_parted_one_by_one(family: Desk) -> None:
    """The parent goes on seeing the child for the second card, and each card in the end."""
    family.put(Put(Link(PARENT, MIRA, LinkSource.CRM)), *without(family, PARENT, GLEB))
    family.do(family.merge(ADA, GLEB))
    family.do(family.merge(MIRA, GLEB))
    assert sees(family) == {(PARENT, GLEB), (GRANNY, GLEB)}
    family.do(family.unmerge(ADA))
    assert sees(family) == {(PARENT, ADA), (GRANNY, ADA), (PARENT, GLEB)}
    family.do(family.unmerge(MIRA))
    assert sees(family) == {(PARENT, ADA), (GRANNY, ADA), (PARENT, MIRA)}


def without(at: Desk, vk: int, card: int) -> list[Change]:
    """Forget a link altogether, as if it had never been."""
    with reading(at.url) as reader:
        return [Drop(link) for link in reader.links_of([card]) if link.vk == vk]


def test_a_chain_of_cards_is_parted_from_its_end(family: Desk) -> None:
    """The first of three cannot leave before the second; each gets its viewers back."""
    family.put(*without(family, PARENT, GLEB))
    family.do(family.merge(ADA, GLEB))
    family.do(family.merge(GLEB, MIRA))
    assert sees(family) == {(PARENT, MIRA), (GRANNY, MIRA)}
    advice = refused(CoinPolicy, family.unmerge, ADA).advice
    assert f"coinsync residents unmerge {GLEB}" in advice
    family.do(family.unmerge(GLEB))
    assert sees(family) == {(PARENT, GLEB), (GRANNY, GLEB)}
    proposal = family.unmerge(ADA)
    assert proposal.words[0] == f"#{ADA} Ада М. has 30 on its own"
    family.do(proposal)
    assert sees(family) == {(PARENT, ADA), (GRANNY, ADA)}
    with reading(family.url) as reader:
        assert all(not merge.links for merge in reader.merges())


def test_the_end_of_a_long_chain_is_found(family: Desk) -> None:
    """Four cards of one child, coins on each; the last merge is undone."""
    for card in (MIRA, LEV):
        family.given(card, 7, f"k-{card}")
    for card, into in ((ADA, GLEB), (GLEB, MIRA), (MIRA, LEV)):
        family.do(family.merge(card, into))
    assert set(family.balances().values()) == {49}
    family.do(family.unmerge(MIRA))
    assert family.balances() == {ADA: 42, GLEB: 42, MIRA: 42, LEV: 7}


# --- forgetting -------------------------------------------------------------------------------

#: Everything about Ada that must be gone, in whatever table it stood.
TRACES = (
    "Ада М.",
    "ada.minina",
    "700700",
    "701701",
    "hurt her knee",
    "was there, says her mother",
    "won",
)


def test_who_is_erased_leaves_no_trace_but_numbers(known: Desk) -> None:
    """No name, no note and no account stands anywhere in the database.

    Coins, entries and the chain stay.
    """
    with reading(known.url) as reader:
        before, balances = list(reader.ledger()), reader.balances(NAMES)
    text = dump(known.url)
    assert [trace for trace in TRACES if trace not in text] == []
    proposal = known.erase(ADA)
    assert proposal.plan.entries == ()
    known.do(proposal)
    text = dump(known.url)
    # The visitor who also sees Lev, though revoked, is Lev's matter.
    assert [trace for trace in TRACES if trace in text] == ["701701"]
    with reading(known.url) as reader:
        assert list(reader.ledger()) == before
        assert reader.balances(NAMES) == balances
        assert {card: reader.resident(card) for card in (ADA, MIRA)} == {
            card: Resident(card, "", Presence.ERASED, ()) for card in (ADA, MIRA)
        }
        assert [(link.vk, link.resident) for link in reader.links()] == [(701701, LEV)]
        assert reader.survivors() == {MIRA: ADA}
        assert [(one.coins, one.note) for one in reader.decisions([1]).values()] == [(10, "")]
        assert residents.dossier(reader, who(reader, ADA)).links == ()
    with engines.tampering(known.url) as connection:
        assert chain.breaks(connection) == []


def test_an_erasure_says_what_goes_and_what_stays(known: Desk) -> None:
    """Before anybody says yes."""
    first, second, third = known.erase(ADA).words
    assert first == f"#{ADA} Ада М.: the name, 3 VK links and 5 notes go"
    assert second.startswith("4 coins and every entry stay under the number")
    assert "backups" in third


def test_whoever_is_named_all_cards_of_the_child_are_erased(known: Desk) -> None:
    """The family asked to be forgotten, not a card."""
    with reading(known.url) as reader:
        proposal = people.erase(Clerk(reader, settings(), known.author()), found(reader, MIRA))
    known.do(proposal)
    with reading(known.url) as reader:
        assert reader.resident_ids(Presence.ERASED) == {ADA, MIRA}


def test_erasing_twice_is_erasing_once(known: Desk) -> None:
    """The second time there is nothing to do, and it says so."""
    known.do(known.erase(ADA))
    proposal = known.erase(ADA)
    assert (bool(proposal.plan), proposal.words) == (False, (f"#{ADA} is erased already",))


def test_nothing_is_noted_of_who_is_erased(known: Desk) -> None:
    """No credit, no debit, no row of a file.

    And what is taken back is taken back without a word.
    """
    known.do(known.erase(ADA))
    before = dump(known.url)
    for coins in (1, -1):
        refused(CoinPolicy, known.give, ADA, coins, note="Ада М. again")
    error = refused(
        CoinPolicy,
        known.import_text,
        f"key,resident,coins,reason\nr1,#{GLEB},1,x\nr2,#{ADA},1,Ада М.\n",
    )
    assert error.message.startswith(f"line 3, column resident: #{ADA} is erased")
    assert dump(known.url) == before
    [n] = [
        n
        for n, one in enumerate(known.entries(), 1)
        if one.resident == ADA and one.kind is Kind.DEBIT
    ][:1]
    known.do(known.reverse(n, note="Ада М. again"))
    assert known.entries()[-1].reverses == n
    assert "Ада М." not in dump(known.url)


def test_nothing_waits_about_who_is_erased(paid: Desk) -> None:
    """What was held goes with the name, and is not held again; the coins stay as they were."""
    paid.given(ADA, -4, "k3", note="won")
    paid.night(a_record(None, present(mark=Mark.ABSENT)))
    before = paid.balances()
    paid.do(paid.erase(ADA))
    assert not paid.tonight(a_record(None, present(mark=Mark.ABSENT)))
    with reading(paid.url) as reader:
        assert not reader.all(Hold)
    assert paid.balances() == before


def test_a_note_that_was_decided_before_an_erasure_is_stale(known: Desk) -> None:
    """What a clerk was shown before the family asked to be forgotten is not written after it."""
    proposal = known.give(ADA, 1, "k9", note="Ада М. again")
    known.do(known.erase(ADA))
    before = dump(known.url)
    with pytest.raises(StalePlan, match=f"#{ADA} was erased meanwhile"):
        known.do(proposal)
    assert dump(known.url) == before


def test_an_erased_card_is_not_found_by_its_name_nor_linked(known: Desk) -> None:
    """By its number it is, with its coins."""
    known.do(known.erase(ADA))
    with reading(known.url) as reader:
        with pytest.raises(NotFound):
            find_resident(reader, "Ада")
        with pytest.raises(NotFound):
            find_resident(reader, "vk:700700")
        assert reader.balance(who(reader, ADA).id) == 4
    refused(CoinPolicy, known.link, ADA, 700700)


def test_nothing_more_is_recorded_of_an_erased_child(known: Desk) -> None:
    """A lesson corrected afterwards plans nothing for the number, and a later one records none."""
    overtaken = known.tonight(a_record(a_lesson(3)))
    known.do(known.erase(ADA))
    balances = known.balances()
    assert not known.tonight(a_record(None, present(mark=Mark.ABSENT)))
    known.night(a_record(a_lesson(2), present(lesson=2), present(GLEB, lesson=2)))
    assert known.balances() == {**balances, GLEB: balances.get(GLEB, 0) + 10}
    with reading(known.url) as reader:
        record = reader.lesson_records_by_id([2])[2]
    assert [mark.resident for mark in record.attendance] == [GLEB]
    with pytest.raises(StalePlan, match=f"#{ADA} was erased meanwhile"):
        known.do(overtaken)


def test_no_membership_of_an_erased_child_is_open(known: Desk) -> None:
    """It ends with the day, and no reading that shows it opens another."""
    known.put(Put(Group(GROUP, "Python")), Put(Membership(ADA, GROUP, DAY)))
    known.do(known.erase(ADA))
    with reading(known.url) as reader:
        seats = reader.recorded(Membership, [ADA])
    assert len(seats) == 2
    assert all(seat.until is not None for seat in seats)
    with pytest.raises(StalePlan, match=f"#{ADA} was erased meanwhile"):
        known.put(Put(Membership(ADA, GROUP, DAY + timedelta(days=90))))


def test_a_card_that_was_merged_once_is_erased_alone(family: Desk) -> None:
    """Who stands on its own again is somebody else."""
    family.do(family.merge(ADA, GLEB))
    family.do(family.unmerge(ADA))
    family.do(family.erase(ADA))
    with reading(family.url) as reader:
        assert reader.resident_ids(Presence.ERASED) == {ADA}
    assert sees(family) == {(PARENT, GLEB)}


def test_an_erasure_that_was_overtaken_is_stale(family: Desk) -> None:
    """A viewer linked, or a card merged, between looking and writing must be forgotten too."""
    for proposal in (family.link(ADA, 777), family.merge(MIRA, ADA)):
        erasure = family.erase(ADA)
        family.do(proposal)
        with pytest.raises(StalePlan):
            family.do(erasure)
    family.do(family.erase(ADA))
    assert sees(family) == {(PARENT, GLEB)}


# --- any order of operations --------------------------------------------------------------------

ACCOUNTS = (701, 702)
CARDS = (ADA, GLEB, MIRA)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), st.sampled_from(CARDS), st.sampled_from(CARDS)),
        st.tuples(st.just("unmerge"), st.sampled_from(CARDS), st.just(0)),
        st.tuples(st.just("revoke"), st.sampled_from(CARDS), st.sampled_from(ACCOUNTS)),
    ),
    max_size=8,
)
LINKS = st.sets(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(CARDS)))


# What is decided is the point here; that both engines keep merges and links alike is shown by the
# tests above and by histories of test_engines_agree.
@pytest.mark.sqlite
@thorough(60)
@given(LINKS, STEPS)
def test_whatever_is_merged_and_parted(
    links: set[tuple[int, int]], steps: list[tuple[str, int, int]]
) -> None:
    """Nobody ever sees through a merged card or comes back after being revoked.

    Without revoking, all is as before.
    """
    with TemporaryDirectory() as folder:
        at = opened(Path(folder))
        at.put(*(Put(Link(vk, card, LinkSource.CRM)) for vk, card in links))
        revoked: set[tuple[int, int]] = set()
        for verb, card, other in steps:
            _step(at, verb, card, other, revoked)
        while merged := merged_cards(at):
            # The last merge of a chain is undone first.
            card = next(card for card, into in merged.items() if into not in merged)
            at.do(at.unmerge(card))
        assert sees(at) <= links
        assert not revoked & sees(at)
        if not revoked:
            assert sees(at) == links


def merged_cards(at: Desk) -> dict[int, int]:
    """What each merged card goes on as."""
    with reading(at.url) as reader:
        return {merge.resident: merge.into for merge in reader.merges() if merge.into}


def _step(at: Desk, verb: str, card: int, other: int, revoked: set[tuple[int, int]]) -> None:
    """One operation, if it is possible, and what must be true after every one."""
    with reading(at.url) as reader:
        family = reader.cards_of(card)
    try:
        if verb == "merge":
            at.do(at.merge(card, other))
        elif verb == "unmerge":
            at.do(at.unmerge(card))
        else:
            at.do(at.revoke(card, other))
            revoked |= {(other, one) for one in family}
    except (CoinPolicy, UsageError, NotFound):
        return
    with reading(at.url) as reader:
        merged = reader.survivors()
        live = [link for link in reader.links() if link.live]
        assert not [link for link in live if link.resident in merged]
        assert not [link for link in live if (link.vk, link.resident) in revoked]
