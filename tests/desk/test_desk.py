"""What a clerk does, on a real database: every deed is a plan, and what it says is what is then in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync import config
from coinsync.config import Settings
from coinsync.core.facts import (
    Decision,
    GroupStanding,
    Hold,
    HoldKind,
    LessonRecord,
    Link,
    LinkSource,
    Mark,
    Membership,
    Merge,
    PageKind,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.files.import_rows import ImportRow, read_import_rows
from coinsync.core.ledger import GENESIS, Entry, Kind, Receipt, gift_key, lesson_key, row_hash
from coinsync.core.plan import Change, Drop, Evidence, Plan, Post, Purpose, Put
from coinsync.core.planning.compare import Recorded, WindowReading, compare
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.planning.review import Ruling
from coinsync.core.proposal import Author, Proposal
from coinsync.core.school import Way
from coinsync.desk import coins as by_hand
from coinsync.desk import imports, links, people, review
from coinsync.errors import (
    AboveLimit,
    AlreadyReversed,
    Ambiguous,
    CoinPolicy,
    CoinsyncError,
    LikelyDuplicate,
    NotEnoughCoins,
    NotFound,
    NotReversible,
    PostedOtherwise,
    StalePlan,
    UsageError,
)
from coinsync.lookup import links as lookup_links
from coinsync.lookup import residents
from coinsync.lookup.explain import explain
from coinsync.lookup.history import history
from coinsync.lookup.residents import find_card, find_resident
from coinsync.store import writer
from coinsync.store.reader import Reader
from tests.support import engines
from tests.support.makers import (
    ACCOUNT,
    ADA,
    DAY,
    GLEB,
    GROUP,
    MONTH,
    MORNING,
    a_credit,
    a_lesson,
    a_plan,
    a_record,
    a_resident,
    dump,
    environment,
    new_database,
    order,
    present,
    reading,
    thorough,
    writing,
)

ENGINES = engines.BOTH

MIRA, LEV = 103, 104
OMSK = 2
NAMES = {ADA: "Ада М.", GLEB: "Глеб С.", MIRA: "Мира К.", LEV: "Лев Т."}
BRANCHES = {ADA: (1,), GLEB: (1, OMSK), MIRA: (OMSK,), LEV: (9,)}
TODAY = date(2026, 11, 22)
ACTOR = "anna"
KEY = lesson_key(ACCOUNT, 1, ADA)


@cache
def settings() -> Settings:
    """The configuration of a school with branches in Moscow's zone and in Omsk's, and the example's ways to earn."""
    values = {
        "alfacrm.account": ACCOUNT,
        "branch": [{"id": 1, "zone": "Europe/Moscow"}, {"id": OMSK, "zone": "Asia/Omsk"}],
        "rule": [{"name": "group", "coins": 10, "types": [2], "since": date(2026, 1, 1)}],
        "guards.coins_per_operation_max": 100,
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_text(config.example(values), encoding="utf-8")
        return config.load(path)


_RUNS = count(1)


@dataclass
class Desk:
    """A clerk's desk: a database, and the time on the clock."""

    url: str
    now: datetime = MORNING

    def later(self, **span: float) -> Desk:
        """The same desk some time after."""
        return Desk(self.url, self.now + timedelta(**span))

    def author(
        self, key: str = "k1", *, day: date | None = None, allow_duplicate: bool = False
    ) -> Author:
        """Anna's hand, now."""
        return Author(ACTOR, self.now, key, day, allow_duplicate)

    def do(self, *proposals: Proposal | Plan) -> list[Receipt]:
        """Write what deeds plan, one after the other."""
        plans = [
            proposal.plan if isinstance(proposal, Proposal) else proposal for proposal in proposals
        ]
        by = replace(order(), actor=ACTOR, limits=settings().limits, started_at=self.now)
        with writing(self.url) as database:
            return [
                writer.apply(database, plan, by, environment(now=self.now, name=f"d{next(_RUNS)}"))
                for plan in plans
            ]

    def put(self, *changes: Change, purpose: Purpose = Purpose.DESK) -> None:
        """Record something without asking the desk."""
        self.do(a_plan(*changes, purpose=purpose))

    def balances(self) -> dict[int, int]:
        """What everybody has who has something."""
        with reading(self.url) as reader:
            found = reader.balances(NAMES)
        return {resident: coins for resident, coins in found.items() if coins}

    def entries(self) -> list[Entry]:
        """The whole ledger, notes put back in."""
        with reading(self.url) as reader:
            return [replace(line.posted.entry, note=line.note) for line in reader.journal()]

    # --- deeds --------------------------------------------------------------------------------------------------

    def give(
        self, resident: int, coins: int, key: str = "k1", *, note: str = "won", **more: Any
    ) -> Proposal:
        """Plan a credit or a debit; ``more`` goes to the hand."""
        way = more.pop("way", None)
        with reading(self.url) as reader:
            author = self.author(key, **more)
            return by_hand.give(
                reader, settings(), who(reader, resident), coins, author, note=note, way=way
            )

    def given(self, resident: int, coins: int, key: str = "k1", **more: Any) -> Proposal:
        """A credit or a debit, written."""
        proposal = self.give(resident, coins, key, **more)
        self.do(proposal)
        return proposal

    def reverse(self, n: int, *, note: str = "a slip") -> Proposal:
        """Plan to take an entry back."""
        with reading(self.url) as reader:
            return by_hand.reverse(reader, settings(), n, self.author(), note=note)

    def import_text(self, text: str, **more: Any) -> Proposal:
        """Plan the rows of a file."""
        rows = read_import_rows(
            text.encode(),
            ways={way.code: way.coins for way in settings().ways},
            coins_max=settings().limits.coins_per_operation_max,
        )
        return self.import_rows(*rows, **more)

    def import_rows(self, *rows: ImportRow, **more: Any) -> Proposal:
        """Plan rows."""
        with reading(self.url) as reader:
            return imports.import_rows(
                reader,
                settings(),
                rows,
                lambda text: find_resident(reader, text),
                self.author(**more),
            )

    def review(self, ruling: Ruling, *, note: str = "looked at it") -> Proposal:
        """Plan a word about everything that is held."""
        with reading(self.url) as reader:
            return review.review(
                reader, settings(), reader.all(Hold), ruling, self.author(), note=note
            )

    def merge(self, card: int, into: int) -> Proposal:
        """Plan to merge two cards."""
        with reading(self.url) as reader:
            return people.merge(
                reader, settings(), found(reader, card), found(reader, into), self.author()
            )

    def unmerge(self, card: int) -> Proposal:
        """Plan to undo a merge."""
        with reading(self.url) as reader:
            return people.unmerge(reader, settings(), found(reader, card), self.author())

    def erase(self, resident: int) -> Proposal:
        """Plan to forget somebody."""
        with reading(self.url) as reader:
            return people.erase(reader, settings(), who(reader, resident), self.author())

    def link(self, resident: int, vk: int) -> Proposal:
        """Plan a link."""
        with reading(self.url) as reader:
            return links.link(reader, settings(), who(reader, resident), vk, self.author())

    def revoke(self, resident: int, vk: int) -> Proposal:
        """Plan to revoke a link."""
        with reading(self.url) as reader:
            return links.revoke(reader, settings(), who(reader, resident), vk, self.author())

    # --- nights -------------------------------------------------------------------------------------------------

    def tonight(self, *lesson_records: LessonRecord) -> Plan:
        """What a reading of these lessons plans."""
        with reading(self.url) as reader:
            stored = reader.lesson_records_by_id(record.lesson.id for record in lesson_records)
            keys = [
                lesson_key(ACCOUNT, one.lesson, one.resident)
                for record in lesson_records
                for one in record.attendance
            ]
            recorded = Recorded(
                stored,
                reader.key_states(keys),
                reader.holds(stored),
                reader.decisions(stored),
                reader.resident_ids(),
            )
            comparison = compare(
                WindowReading(lesson_records), recorded, settings().rulebook, ACCOUNT, None
            )
            survivors = reader.survivors()
            balances = reader.balances({survivors.get(one, one) for one in comparison.losers})
            return plan_lessons(
                MONTH, comparison, balances=balances, evidence=Evidence(), survivors=survivors
            )

    def night(self, *lesson_records: LessonRecord) -> None:
        """A reading, written."""
        self.do(self.tonight(*lesson_records))


def found(reader: Reader, id: int) -> Resident:
    """One card."""
    one = reader.resident(id)
    assert one is not None
    return one


def who(reader: Reader, id: int) -> Resident:
    """A resident as commands find them."""
    return find_resident(reader, f"#{id}")


def refused(kind: type[CoinsyncError], does: Any, *words: Any, **more: Any) -> CoinsyncError:
    """A deed that must be refused, and says that nothing is written unless it is a matter of typing."""
    with pytest.raises(kind) as caught:
        does(*words, **more)
    assert type(caught.value) is kind
    assert kind in (UsageError, NotFound) or caught.value.message.endswith("nothing written")
    return caught.value


@pytest.fixture
def at(tmp_path: Path) -> Desk:
    """A desk at which four residents are known."""
    return opened(tmp_path)


def opened(folder: Path) -> Desk:
    """A desk with a database in a folder."""
    fresh = Desk(new_database(folder))
    cards = (a_resident(id, name, branches=BRANCHES[id]) for id, name in NAMES.items())
    fresh.put(*map(Put, cards), purpose=Purpose.PEOPLE)
    return fresh


@pytest.fixture
def paid(at: Desk) -> Desk:
    """The same desk after a night in which Ada was paid for lesson 1."""
    at.night(a_record())
    return at


def test_the_school_of_these_tests_has_ways_limits_and_zones() -> None:
    """What is asserted below hangs on these."""
    assert settings().account == ACCOUNT
    assert settings().limits.coins_per_operation_max == 100
    assert {way.code: way.coins for way in settings().ways} == {"olympiad": 50, "project": 30}


# --- credit and debit ------------------------------------------------------------------------------------------------


def test_a_credit_is_shown_and_then_written(at: Desk) -> None:
    """The move says what will be; the entry is what was shown, under the key that was made before."""
    proposal = at.give(ADA, 30, "abc", note="helped Gleb")
    (move,) = proposal.moves
    assert (move.resident, move.name, move.before, move.coins, move.after) == (
        ADA,
        "Ада М.",
        0,
        30,
        30,
    )
    assert (move.kind, move.why, move.day, proposal.key) == (
        "credit",
        "helped Gleb",
        TODAY,
        "desk:abc",
    )
    assert (proposal.plan.purpose, proposal.done) == (Purpose.DESK, ())
    at.do(proposal)
    (entry,) = at.entries()
    assert entry == Entry(
        "desk:abc",
        1,
        ADA,
        30,
        Kind.CREDIT,
        TODAY,
        "by_hand",
        ACTOR,
        note="helped Gleb",
        lesson=None,
        reverses=None,
    )
    assert at.balances() == {ADA: 30}


def test_a_debit_takes_what_there_is_and_no_more(at: Desk) -> None:
    """The last coin may go; one more is refused with the numbers."""
    at.given(ADA, 30)
    proposal = at.give(ADA, -30, "k2", note="a cap")
    assert [(move.kind, move.before, move.after) for move in proposal.moves] == [("debit", 30, 0)]
    error = refused(NotEnoughCoins, at.give, ADA, -31, "k2")
    assert error.message == f"#{ADA} Ада М. has 30 coins, 31 needed; nothing written"
    assert error.exit_code == 7
    at.do(proposal)
    assert at.balances() == {}


def test_a_debit_that_somebody_else_made_impossible_is_refused_by_the_writer(at: Desk) -> None:
    """Two clerks look at the same coins; the second to write is told."""
    at.given(ADA, 30)
    one, other = at.give(ADA, -20, "k2"), at.give(ADA, -20, "k3", note="a pen")
    at.do(one)
    with pytest.raises(NotEnoughCoins):
        at.do(other)
    assert at.balances() == {ADA: 10}


def test_a_credit_is_possible_for_who_owes(at: Desk) -> None:
    """After a reviewed reversal every coin helps, and none can be taken."""
    owing(at)
    at.given(ADA, 3, "k9")
    assert at.balances() == {ADA: -5}
    refused(NotEnoughCoins, at.give, ADA, -1, "k10")


def owing(at: Desk) -> None:
    """Ada spent eight of ten coins that were then taken back after a review."""
    at.night(a_record())
    at.given(ADA, -8, "owed")
    at.night(a_record(None, present(mark=Mark.ABSENT)))
    at.do(at.review(Ruling.POST))


def test_a_way_to_earn_is_named_by_its_code(at: Desk) -> None:
    """The entry keeps the code, a person reads the title, and what was typed beside it."""
    way = settings().ways[0]
    proposal = at.given(ADA, way.coins, note="city round", way=way)
    (entry,) = at.entries()
    assert (entry.reason, entry.rule, entry.note) == ("way", "olympiad", "city round")
    assert proposal.moves[0].why == "Победа в олимпиаде: city round"


@pytest.mark.parametrize(
    ("coins", "passes"), [(100, True), (101, False), (-100, True), (-101, False), (10**11, False)]
)
def test_one_operation_moves_no_more_than_the_limit(at: Desk, coins: int, passes: bool) -> None:
    """Up or down, whatever the balance."""
    at.put(Post(a_credit("start", coins=1000)))
    if passes:
        at.given(ADA, coins)
    else:
        error = refused(AboveLimit, at.give, ADA, coins)
        assert (
            error.message
            == f"{abs(coins)} coins is above the limit of 100 for one operation; nothing written"
        )


# --- the key ---------------------------------------------------------------------------------------------------------


def test_the_same_key_again_is_done_already(at: Desk) -> None:
    """Whatever the time, and although the coins are gone by now: nothing to write, and it says so."""
    at.given(ADA, 30)
    at.given(ADA, -30, "k2", note="a cap")
    for later in (at, at.later(days=400)):
        for proposal in (later.give(ADA, 30), later.give(ADA, -30, "k2", note="a cap")):
            assert (bool(proposal.plan), len(proposal.done), proposal.moves) == (False, 1, ())
            assert proposal.words == (f"already posted: entry {proposal.done[0]}",)
    assert len(at.entries()) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"resident": GLEB},
        {"coins": 31},
        {"coins": -30},
        {"note": "lost"},
        {"day": DAY},
        {"way": Way("olympiad", "О", "O", 30, "", "")},
    ],
)
def test_the_same_key_with_other_content_is_refused(at: Desk, other: dict[str, Any]) -> None:
    """With what is posted under it; nothing is overwritten and nothing added."""
    at.given(ADA, 30)
    asked = {"resident": ADA, "coins": 30, "key": "k1", **other}
    error = refused(PostedOtherwise, at.give, **asked)
    assert error.message == (
        f"key desk:k1 is already posted with other content: entry 1, +30 for #{ADA} on 2026-11-22; nothing written"
    )


def test_the_same_key_with_its_own_day_is_done_already(at: Desk) -> None:
    """A day that was said, or said to be today's, is the same day."""
    at.given(ADA, 30, day=DAY)
    assert at.give(ADA, 30, day=DAY).done == (1,)
    assert at.give(ADA, 30).done == (1,)


def test_the_same_key_after_a_merge_is_done_already(at: Desk) -> None:
    """The card went on as another: it is the same child, and the same deed."""
    at.given(ADA, 30)
    at.do(at.merge(ADA, GLEB))
    assert at.give(ADA, 30).done == at.give(GLEB, 30).done == (1,)
    refused(PostedOtherwise, at.give, MIRA, 30)


def test_two_clerks_with_one_key_post_once(at: Desk) -> None:
    """Both planned before either wrote: the second is stale, and looking again it is done."""
    one, other = at.give(ADA, 30), at.give(ADA, 30)
    at.do(one)
    with pytest.raises(StalePlan):
        at.do(other)
    assert at.give(ADA, 30).done == (1,)


# --- likely duplicates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 1, 599, 600])
def test_the_same_within_ten_minutes_is_likely_a_slip(at: Desk, seconds: int) -> None:
    """The tenth minute is still within; the entry and its age are named."""
    at.given(ADA, 30)
    error = refused(LikelyDuplicate, at.later(seconds=seconds).give, ADA, 30, "k2")
    assert error.message == f"likely the same as entry 1, {seconds} s ago; nothing written"
    assert "--allow-duplicate" in error.advice


def test_after_ten_minutes_it_is_meant(at: Desk) -> None:
    """A second more than ten minutes."""
    at.given(ADA, 30)
    at.later(seconds=601).given(ADA, 30, "k2")
    assert at.balances() == {ADA: 60}


@pytest.mark.parametrize(
    "other", [{"coins": 31}, {"coins": -30}, {"note": "helped"}, {"resident": GLEB}]
)
def test_something_else_is_no_duplicate(at: Desk, other: dict[str, Any]) -> None:
    """Another amount, another reason, the other way, another child."""
    for card in (ADA, GLEB):
        at.given(card, 40, f"start-{card}", note="start")
    at.given(ADA, 30)
    at.given(**{"resident": ADA, "coins": 30, "key": "k2", **other})


def test_twice_may_be_meant(at: Desk) -> None:
    """Said so, it is posted."""
    at.given(ADA, 30)
    at.given(ADA, 30, "k2", allow_duplicate=True)
    assert at.balances() == {ADA: 60}


def test_what_was_taken_back_is_no_duplicate(at: Desk) -> None:
    """A slip that was mended at once may be done rightly at once."""
    at.given(ADA, 30)
    at.do(at.reverse(1))
    at.given(ADA, 30, "k2")
    assert at.balances() == {ADA: 30}


def test_another_day_does_not_make_a_slip_another_deed(at: Desk) -> None:
    """Same resident, amount and reason count, whatever day it is said to be for."""
    at.given(ADA, 30)
    refused(LikelyDuplicate, at.give, ADA, 30, "k2", day=DAY)


# --- days ------------------------------------------------------------------------------------------------------------


def test_a_day_may_be_said_and_must_not_be_to_come(at: Desk) -> None:
    """Today and before; tomorrow is a slip."""
    at.given(ADA, 30, day=DAY)
    at.given(ADA, 20, "k2", day=TODAY)
    assert [entry.happened_on for entry in at.entries()] == [DAY, TODAY]
    error = refused(UsageError, at.give, ADA, 10, "k3", day=date(2026, 11, 23))
    assert error.message == "--date 2026-11-23 is still to come; today is 2026-11-22"
    assert error.exit_code == 2


NIGHT = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("resident", "today"),
    [(ADA, TODAY), (GLEB, TODAY), (MIRA, date(2026, 11, 23)), (LEV, TODAY)],
)
def test_today_is_that_of_the_residents_branch(at: Desk, resident: int, today: date) -> None:
    """At half past eight in the evening in UTC it is tomorrow in Omsk; who is in no branch of ours has the first's."""
    late = replace(at, now=NIGHT)
    (move,) = late.give(resident, 10).moves
    assert move.day == today
    assert late.give(resident, 10, day=today).plan.scope.until == today
    refused(UsageError, late.give, resident, 10, day=today + timedelta(1))


# --- taking back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coins", [30, -5])
def test_what_a_clerk_did_is_taken_back_today(at: Desk, coins: int) -> None:
    """The entry that takes back mirrors and names the one that is taken back; both stay."""
    at.given(ADA, 10, "start", note="start", day=DAY)
    at.given(ADA, coins, note="won", day=DAY)
    proposal = at.reverse(2, note="the wrong child")
    assert [(move.coins, move.kind, move.day) for move in proposal.moves] == [
        (-coins, "reversal", TODAY)
    ]
    at.do(proposal)
    original, back = at.entries()[1:]
    assert back == replace(
        original,
        seq=2,
        coins=-coins,
        kind=Kind.REVERSAL,
        happened_on=TODAY,
        reason="taken_back",
        note="the wrong child",
        reverses=2,
    )
    assert at.balances() == {ADA: 10}


def test_an_opening_balance_is_taken_back_too(at: Desk) -> None:
    """It is a clerk's work as any other."""
    at.do(at.import_text(f"resident;coins;kind\n#{ADA};40;opening\n"))
    at.do(at.reverse(1))
    assert at.balances() == {}


def test_an_entry_is_taken_back_once(at: Desk) -> None:
    """The second time names the first."""
    at.given(ADA, 30)
    at.do(at.reverse(1))
    error = refused(AlreadyReversed, at.reverse, 1)
    assert error.message == "entry 1 is already reversed by 2; nothing written"


def test_two_clerks_take_back_once(at: Desk) -> None:
    """Planned at once, written one after the other: the second is stale."""
    at.given(ADA, 30)
    one, other = at.reverse(1), at.reverse(1)
    at.do(one)
    with pytest.raises(StalePlan):
        at.do(other)


def test_a_reversal_is_not_taken_back(at: Desk) -> None:
    """A new credit is plainer than a chain of reversals."""
    at.given(ADA, 30)
    at.do(at.reverse(1))
    assert "is a reversal itself" in refused(NotReversible, at.reverse, 2).message


@pytest.mark.parametrize(
    ("kind", "says"), [(Kind.SALE, "coinsync refund"), (Kind.REFUND, "sell again")]
)
def test_what_the_shop_did_is_not_taken_back_by_hand(at: Desk, kind: Kind, says: str) -> None:
    """Goods would stay where they are."""
    at.put(Post(a_credit("start", coins=50)))
    at.put(Post(replace(a_credit("shop", coins=-5 if kind is Kind.SALE else 5), kind=kind)))
    assert says in refused(NotReversible, at.reverse, 2).message


def test_an_unknown_entry_is_not_found(at: Desk) -> None:
    """With where the numbers are shown."""
    assert refused(NotFound, at.reverse, 7).exit_code == 6


def test_a_credit_whose_coins_are_spent_is_not_taken_back(at: Desk) -> None:
    """No staff operation crosses zero."""
    at.given(ADA, 30)
    at.given(ADA, -1, "k2", note="a cap")
    error = refused(NotEnoughCoins, at.reverse, 1)
    assert error.message == f"#{ADA} Ада М. has 29 coins, 30 needed; nothing written"


def test_an_award_taken_back_by_hand_is_not_paid_again(paid: Desk) -> None:
    """On the lesson's day, with a decision: no night pays it again, whatever is marked meanwhile."""
    proposal = paid.reverse(1, note="was not there")
    paid.do(proposal)
    back = paid.entries()[1]
    assert (back.happened_on, back.lesson, back.reverses, back.actor) == (DAY, 1, 1, ACTOR)
    with reading(paid.url) as reader:
        ruling = Decision(KEY, 1, ADA, 2, 0, "paid", ACTOR, TODAY, "was not there")
        assert reader.decisions([1]) == {KEY: ruling}
    assert not paid.tonight(a_record())
    paid.night(a_record(None, present(mark=Mark.ABSENT)))
    paid.night(a_record())
    assert paid.balances() == {}
    assert "already reversed" in refused(AlreadyReversed, paid.reverse, 1).message


def test_an_award_that_is_held_is_taken_back_with_its_hold(paid: Desk) -> None:
    """Who takes the coins back has decided what was waiting."""
    paid.given(ADA, -10, note="a cap")
    paid.night(a_record(None, present(mark=Mark.ABSENT)))
    paid.given(ADA, 15, "k2", note="won")
    paid.do(paid.reverse(1))
    with reading(paid.url) as reader:
        assert reader.all(Hold) == []
    assert not paid.tonight(a_record(None, present(mark=Mark.ABSENT)))
    assert paid.balances() == {ADA: 5}


def test_a_decision_is_dated_at_the_branch(at: Desk) -> None:
    """Late in the evening in UTC it is the next day in Omsk."""
    at.night(a_record(a_lesson(branch=OMSK), present(MIRA)))
    late = replace(at, now=NIGHT)
    late.do(late.reverse(1))
    with reading(at.url) as reader:
        (ruling,) = reader.decisions([1]).values()
    assert ruling.decided_on == date(2026, 11, 23)


def test_a_gift_is_taken_back(paid: Desk) -> None:
    """Forgiven by mistake: the gift goes as any other line does."""
    paid.given(ADA, -10, note="a cap")
    paid.night(a_record(None, present(mark=Mark.ABSENT)))
    paid.do(paid.review(Ruling.FORGIVE))
    refused(NotEnoughCoins, paid.reverse, 4)
    paid.given(ADA, 10, "k2", note="won")
    paid.do(paid.reverse(4))
    back = paid.entries()[-1]
    assert (back.key, back.seq, back.reverses, back.coins) == (gift_key(1), 2, 4, -10)
    assert not paid.tonight(a_record(None, present(mark=Mark.ABSENT)))


def test_an_entry_of_a_merged_card_is_taken_back_from_the_child(paid: Desk) -> None:
    """The balance that counts is that of all cards; the entry stays under its own."""
    paid.do(paid.merge(ADA, GLEB))
    paid.given(GLEB, 5)
    paid.given(GLEB, -6, "k2", note="a cap")
    error = refused(NotEnoughCoins, paid.reverse, 1)
    assert error.message == f"#{GLEB} Глеб С. has 9 coins, 10 needed; nothing written"
    paid.given(GLEB, 1, "k3", note="one more")
    proposal = paid.reverse(1)
    assert [(move.resident, move.name, move.before, move.after) for move in proposal.moves] == [
        (GLEB, "Глеб С.", 10, 0)
    ]
    paid.do(proposal)
    assert paid.entries()[-1].resident == ADA
    assert not paid.tonight(a_record())


# --- imports ---------------------------------------------------------------------------------------------------------

FILE = f"""resident;coins;reason;date
#{ADA};30;won;
Глеб;20;helped;2026-11-02
crm:{ADA};-10;a cap;
"""


def test_a_file_is_posted_row_by_row(at: Desk) -> None:
    """Days that it does not say are today; moves follow one another."""
    proposal = at.import_text(FILE)
    assert [(move.resident, move.before, move.coins, move.after) for move in proposal.moves] == [
        (ADA, 0, 30, 30),
        (GLEB, 0, 20, 20),
        (ADA, 30, -10, 20),
    ]
    assert (proposal.plan.scope.since, proposal.plan.scope.until) == (DAY, TODAY)
    at.do(proposal)
    assert at.balances() == {ADA: 20, GLEB: 20}
    assert {
        (entry.resident, entry.coins, entry.happened_on, entry.reason, entry.note)
        for entry in at.entries()
    } == {
        (ADA, 30, TODAY, "by_hand", "won"),
        (GLEB, 20, DAY, "by_hand", "helped"),
        (ADA, -10, TODAY, "by_hand", "a cap"),
    }


def test_a_second_run_adds_nothing(at: Desk) -> None:
    """Days, months or a year later, and although the coins are spent."""
    at.do(at.import_text(FILE))
    at.given(ADA, -20, note="all of it")
    for later in (at, at.later(days=8), at.later(days=400)):
        proposal = later.import_text(FILE)
        assert (bool(proposal.plan), proposal.moves, len(proposal.done)) == (False, (), 3)
        assert proposal.words == ("3 of 3 rows are posted already",)


KEYED = "resident;coins;reason;key\n"


def test_rows_that_are_posted_already_are_left_out(at: Desk) -> None:
    """A file that grew posts what is new."""
    at.do(at.import_text(f"{KEYED}#{ADA};30;won;a\n"))
    proposal = at.import_text(f"{KEYED}#{ADA};30;won;a\n#{GLEB};20;won;b\n#{ADA};30;won;c\n")
    assert proposal.words == ("1 of 3 rows are posted already",)
    assert [(move.resident, move.after) for move in proposal.moves] == [(GLEB, 20), (ADA, 60)]
    at.do(proposal)
    assert at.balances() == {ADA: 60, GLEB: 20}


def test_a_file_is_posted_whole_or_not_at_all(at: Desk) -> None:
    """One row that cannot be stops all; the writer finds what came between."""
    refused(NotEnoughCoins, at.import_text, f"{KEYED}#{GLEB};20;won;a\n#{ADA};-1;a cap;b\n")
    proposal = at.import_text(f"{KEYED}#{GLEB};20;won;a\n#{ADA};30;won;b\n")
    at.do(at.import_text(f"{KEYED}#{ADA};30;won;b\n"))
    with pytest.raises(StalePlan):
        at.do(proposal)
    assert at.balances() == {ADA: 30}


def test_floors_count_over_the_whole_file(at: Desk) -> None:
    """What a file brings it may spend, in whatever order its rows stand; one coin more is refused."""
    at.given(ADA, 5)
    at.do(at.import_text(f"{KEYED}#{ADA};-25;a cap;a\n#{ADA};20;won;b\n"))
    assert at.balances() == {}
    error = refused(
        NotEnoughCoins, at.import_text, f"{KEYED}#{ADA};-21;a pen;c\n#{ADA};20;helped;d\n"
    )
    assert error.message == f"#{ADA} Ада М. has 0 coins, 1 needed; nothing written"


def test_floors_of_a_file_know_merged_cards_and_debts(at: Desk) -> None:
    """Two rows of one child count together; who owes may be given something, and nothing may be taken in all."""
    owing(at)
    at.do(at.merge(ADA, GLEB))
    at.do(at.import_text(f"{KEYED}#{ADA};2;won;a\n#{GLEB};1;helped;b\n"))
    assert at.balances() == {ADA: -5, GLEB: -5}
    refused(NotEnoughCoins, at.import_text, f"{KEYED}#{ADA};3;more;c\n#{GLEB};-4;a cap;d\n")
    at.do(at.import_text(f"{KEYED}#{ADA};4;more;c\n#{GLEB};-4;a cap;d\n"))


def test_a_key_of_a_file_with_other_content_is_refused(at: Desk) -> None:
    """Another child, amount, kind, reason or day under the key of a row that is posted."""
    at.do(at.import_text(f"resident;coins;reason;date;key\n#{ADA};30;won;2026-11-02;a\n"))
    for row in (
        f"#{GLEB};30;won;2026-11-02",
        f"#{ADA};31;won;2026-11-02",
        f"#{ADA};30;lost;2026-11-02",
        f"#{ADA};30;won;2026-11-03",
    ):
        error = refused(
            PostedOtherwise, at.import_text, f"resident;coins;reason;date;key\n{row};a\n"
        )
        assert "entry 1, +30" in error.message
    refused(
        PostedOtherwise,
        at.import_text,
        f"resident;coins;kind;reason;date;key\n#{ADA};30;opening;won;2026-11-02;a\n",
    )
    assert at.import_text(f"{KEYED}#{ADA};30;won;a\n").done == (1,)


def test_a_row_of_a_card_that_was_merged_since_is_posted_already(at: Desk) -> None:
    """The file names the old card; it is the same child."""
    at.do(at.import_text(f"{KEYED}#{ADA};30;won;a\n"))
    at.do(at.merge(ADA, GLEB))
    assert at.import_text(f"{KEYED}#{ADA};30;won;a\n").done == (1,)


def test_what_a_way_gives_may_change_after_its_rows_were_posted(at: Desk) -> None:
    """The row is posted with what the way gave then, and stays so."""
    row = ImportRow(2, f"#{ADA}", 50, Kind.CREDIT, "city round", "olympiad", None, "csv:a")
    at.do(at.import_rows(row))
    (entry,) = at.entries()
    assert (entry.reason, entry.rule, entry.coins) == ("way", "olympiad", 50)
    assert at.import_rows(replace(row, coins=70)).done == (1,)


def test_an_opening_balance_is_told_from_a_credit(at: Desk) -> None:
    """It needs no words."""
    proposal = at.import_text(f"resident;coins;kind\n#{ADA};40;opening\n")
    assert proposal.moves[0].why == "opening balance"
    at.do(proposal)
    assert [(entry.kind, entry.reason) for entry in at.entries()] == [(Kind.OPENING, "opening")]


def test_the_same_row_of_another_file_is_likely_a_duplicate(at: Desk) -> None:
    """A file that was sent twice with a line more has other keys: every such row is named, once, with its line."""
    at.do(at.import_text(FILE))
    grown = FILE + f"#{MIRA};5;new;\n"
    error = refused(LikelyDuplicate, at.later(days=7).import_text, grown)
    assert error.message == (
        "another file has posted the same: line 2 is likely entry 2, line 3 is likely entry 1, "
        "line 4 is likely entry 3; nothing written"
    )
    at.do(at.later(days=7).import_text(grown, allow_duplicate=True))
    assert at.balances() == {ADA: 40, GLEB: 40, MIRA: 5}


def test_many_likely_duplicates_are_counted(at: Desk) -> None:
    """Five are named."""
    rows = "".join(f"#{ADA};{coins};won\n" for coins in range(1, 9))
    at.do(at.import_text(f"resident;coins;reason\n{rows}"))
    error = refused(
        LikelyDuplicate, at.import_text, f"resident;coins;reason\n{rows}#{GLEB};1;new\n"
    )
    assert error.message.count("is likely") == 5
    assert "and 3 more" in error.message


def test_after_a_week_the_same_row_is_meant(at: Desk) -> None:
    """Coins for duty come every week."""
    at.do(at.import_text(f"{KEYED}#{ADA};30;duty;a\n"))
    refused(LikelyDuplicate, at.later(days=7).import_text, f"{KEYED}#{ADA};30;duty;b\n")
    at.do(at.later(days=7, seconds=1).import_text(f"{KEYED}#{ADA};30;duty;b\n"))
    assert at.balances() == {ADA: 60}


def test_rows_for_other_days_are_no_duplicates(at: Desk) -> None:
    """Who says the day means that day; of the same day it is likely the same."""
    dated = "resident;coins;reason;date;key\n"
    at.do(at.import_text(f"{dated}#{ADA};30;duty;2026-11-02;a\n"))
    refused(LikelyDuplicate, at.import_text, f"{dated}#{ADA};30;duty;2026-11-02;b\n")
    at.do(at.import_text(f"{dated}#{ADA};30;duty;2026-11-03;b\n"))


def test_equal_rows_of_one_file_are_meant(at: Desk) -> None:
    """Two prizes on one list; also when one of them was posted before, from the same file."""
    at.do(at.import_text(f"resident;coins;reason\n#{ADA};30;won\n#{ADA};30;won\n"))
    assert at.balances() == {ADA: 60}
    at.do(at.import_text(f"{KEYED}#{GLEB};30;won;a\n"))
    at.do(at.import_text(f"{KEYED}#{GLEB};30;won;a\n#{GLEB};30;won;b\n"))
    assert at.balances() == {ADA: 60, GLEB: 60}


def test_what_a_clerk_typed_or_took_back_is_no_duplicate_of_a_row(at: Desk) -> None:
    """Only rows of files are compared, and only those that stand."""
    at.given(ADA, 30)
    at.do(at.import_text(f"{KEYED}#{ADA};30;won;a\n"))
    at.do(at.reverse(2))
    at.do(at.import_text(f"{KEYED}#{ADA};30;won;b\n"))
    assert at.balances() == {ADA: 60}


@pytest.mark.parametrize(
    ("text", "kind"), [("#999", NotFound), ("Никого", NotFound), ("м", Ambiguous)]
)
def test_a_row_whose_resident_is_not_clear_is_named(
    at: Desk, text: str, kind: type[CoinsyncError]
) -> None:
    """With its line; of several who fit, the candidates are told as ever."""
    with pytest.raises(kind, match=r"^line 3, column resident: .*; nothing written$") as caught:
        at.import_text(f"{KEYED}#{ADA};30;won;a\n{text};30;won;b\n")
    assert caught.value.exit_code == 6
    if isinstance(caught.value, Ambiguous):
        assert len(caught.value.candidates) == 2


# --- what is held ----------------------------------------------------------------------------------------------------


@pytest.fixture
def holding(paid: Desk) -> Desk:
    """Ada's absence is held because she spent her coins; Gleb's visit is held because nobody knows his group."""
    paid.given(ADA, -10, "spent", note="a cap")
    paid.night(
        a_record(None, present(mark=Mark.ABSENT)),
        a_record(a_lesson(2, on=date(2026, 11, 9)), present(GLEB, standing=GroupStanding.UNKNOWN)),
    )
    return paid


READ = (
    a_record(None, present(mark=Mark.ABSENT)),
    a_record(a_lesson(2, on=date(2026, 11, 9)), present(GLEB, standing=GroupStanding.UNKNOWN)),
)


def test_cases_are_shown_by_day_with_names_and_balances(holding: Desk) -> None:
    """Named as the command line names them."""
    with reading(holding.url) as reader:
        found = review.cases(reader, reversed(reader.all(Hold)))
    assert [(case.id, case.name, case.title, case.balance) for case in found] == [
        (f"1:{ADA}", "Ада М.", f"group {GROUP}", 0),
        (f"2:{GLEB}", "Глеб С.", f"group {GROUP}", 0),
    ]
    assert [(case.hold.kind, case.hold.coins) for case in found] == [
        (HoldKind.REVERSAL, -10),
        (HoldKind.GUEST, 10),
    ]


def test_a_case_of_a_merged_card_shows_the_child(holding: Desk) -> None:
    """The name and the coins of the card that goes on."""
    holding.given(MIRA, 7)
    holding.do(holding.merge(ADA, MIRA))
    with reading(holding.url) as reader:
        first = review.cases(reader, reader.all(Hold))[0]
    assert (first.id, first.name, first.balance) == (f"1:{ADA}", "Мира К.", 7)


@pytest.mark.parametrize(
    ("ruling", "balances"),
    [(Ruling.POST, {ADA: -10, GLEB: 10}), (Ruling.WAIVE, {})],
)
def test_a_word_about_cases_settles_them(
    holding: Desk, ruling: Ruling, balances: dict[int, int]
) -> None:
    """The moves are shown before, the coins are there after, and the next night has nothing to do."""
    proposal = holding.review(ruling, note="spoke with the family")
    assert {move.resident: move.after for move in proposal.moves} == balances
    holding.do(proposal)
    assert holding.balances() == balances
    with reading(holding.url) as reader:
        assert reader.all(Hold) == []
    after = holding.tonight(*READ)
    assert (bool(after), after.counts.held) == (False, 0)


def test_who_waives_reads_what_stays(holding: Desk) -> None:
    """Nothing moves, so it is said."""
    assert holding.review(Ruling.WAIVE).words == (
        f"lesson 1, #{ADA} Ада М.: 10 coins stay as they are",
        f"lesson 2, #{GLEB} Глеб С.: stays unpaid",
    )
    assert holding.review(Ruling.POST).words == ()


def test_a_visit_cannot_be_forgiven(holding: Desk) -> None:
    """There is nothing to give back."""
    refused(UsageError, holding.review, Ruling.FORGIVE)


def test_a_forgiven_reversal_is_seen_twice_and_costs_nothing(holding: Desk) -> None:
    """The reversal and the gift stand in the history."""
    with reading(holding.url) as reader:
        holds = [hold for hold in reader.all(Hold) if hold.kind is HoldKind.REVERSAL]
        proposal = review.review(
            reader, settings(), holds, Ruling.FORGIVE, holding.author(), note="was ill"
        )
    assert sorted((move.kind, move.coins) for move in proposal.moves) == [
        ("gift", 10),
        ("reversal", -10),
    ]
    assert {move.why for move in proposal.moves} == {
        "absent in the CRM: was ill",
        "forgiven: the coins were spent already: was ill",
    }
    holding.do(proposal)
    assert holding.balances() == {}


def test_a_word_without_its_lesson_is_refused(holding: Desk) -> None:
    """A hold of a lesson that is not recorded says nothing that could be decided."""
    stray = Hold(
        lesson_key(ACCOUNT, 9, MIRA), HoldKind.GUEST, 1, 9, MIRA, DAY, 10, "membership_unknown"
    )
    holding.put(Put(stray))
    assert "lesson 9 is not recorded" in refused(CoinPolicy, holding.review, Ruling.WAIVE).message


def test_a_word_that_came_second_is_stale(holding: Desk) -> None:
    """Two persons decided differently; the first word counts."""
    one, other = holding.review(Ruling.WAIVE), holding.review(Ruling.POST)
    holding.do(one)
    with pytest.raises(StalePlan):
        holding.do(other)


def test_rules_that_give_what_is_posted_leave_a_word_without_moves(holding: Desk) -> None:
    """The mark was put right and read meanwhile in another window: what is left is said in words."""
    holding.put(Put(present(), present(mark=Mark.ABSENT)))
    with reading(holding.url) as reader:
        holds = [hold for hold in reader.all(Hold) if hold.lesson == 1]
        proposal = review.review(reader, settings(), holds, Ruling.POST, holding.author(), note="")
    assert (proposal.moves, proposal.words) == (
        (),
        (f"lesson 1, #{ADA} Ада М.: 10 coins stay as they are",),
    )
    holding.do(proposal)
    with reading(holding.url) as reader:
        assert KEY not in reader.holds([1])


# --- cards -----------------------------------------------------------------------------------------------------------

PARENT, GRANNY = 700, 701


def sees(at: Desk) -> set[tuple[int, int]]:
    """Who sees whom: account and card."""
    with reading(at.url) as reader:
        return {(link.vk, link.resident) for link in reader.links() if link.live}


@pytest.fixture
def family(at: Desk) -> Desk:
    """Ada with thirty coins, seen by parent and grandmother; Gleb with five, seen by the parent."""
    at.given(ADA, 30)
    at.given(GLEB, 5, "k2")
    at.put(
        Put(Link(PARENT, ADA, LinkSource.CRM)),
        Put(Link(GRANNY, ADA, LinkSource.DESK)),
        Put(Link(PARENT, GLEB, LinkSource.CRM)),
    )
    return at


def test_a_merge_moves_no_coins_and_brings_the_viewers_along(family: Desk) -> None:
    """Coins count together on the card that goes on, and everybody sees that one."""
    proposal = family.merge(ADA, GLEB)
    assert proposal.words == (
        f"#{ADA} Ада М. (30) goes on as #{GLEB} Глеб С. (5): together 35",
        f"VK {GRANNY} will see it",
        f"#{ADA} is still a client in the CRM; its lessons go on counting",
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
    family.put(Post(a_credit("cap", under, coins)))
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
    """A revoked link of the card that goes on stays revoked, though the other card had a live one."""
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
    """The parent lost sight of the first two cards and sees the third in its own right: the first does not return."""
    family.put(Put(Link(PARENT, MIRA, LinkSource.CRM)))
    family.do(family.merge(ADA, GLEB))
    family.do(family.revoke(GLEB, PARENT))
    family.do(family.merge(GLEB, MIRA))
    assert sees(family) == {(PARENT, MIRA), (GRANNY, MIRA)}
    family.do(family.unmerge(ADA))
    assert sees(family) == {(PARENT, MIRA), (GRANNY, ADA)}


def test_two_cards_that_brought_one_viewer_are_parted_one_by_one(family: Desk) -> None:
    """The parent goes on seeing the child for the sake of the second card, and sees each card again in the end."""
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


def test_a_chain_of_cards_is_parted_in_any_order(family: Desk) -> None:
    """The first of three may leave first: its viewers come back from the last."""
    family.put(*without(family, PARENT, GLEB))
    family.do(family.merge(ADA, GLEB))
    family.do(family.merge(GLEB, MIRA))
    assert sees(family) == {(PARENT, MIRA), (GRANNY, MIRA)}
    proposal = family.unmerge(ADA)
    assert proposal.words == (
        f"#{ADA} Ада М. has 30 on its own",
        f"#{MIRA} Мира К. has 5 on its own",
    )
    family.do(proposal)
    assert sees(family) == {(PARENT, ADA), (GRANNY, ADA)}
    family.do(family.unmerge(GLEB))
    assert sees(family) == {(PARENT, ADA), (GRANNY, ADA)}
    with reading(family.url) as reader:
        assert all(not merge.links for merge in reader.merges())


def test_the_end_of_a_long_chain_is_found(family: Desk) -> None:
    """Four cards of one child, coins on each; the first leaves."""
    for card in (MIRA, LEV):
        family.given(card, 7, f"k-{card}")
    for card, into in ((ADA, GLEB), (GLEB, MIRA), (MIRA, LEV)):
        family.do(family.merge(card, into))
    assert set(family.balances().values()) == {49}
    family.do(family.unmerge(ADA))
    assert family.balances() == {ADA: 30, GLEB: 19, MIRA: 19, LEV: 19}


# --- forgetting ------------------------------------------------------------------------------------------------------

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


@pytest.fixture
def known(paid: Desk) -> Desk:
    """Ada with coins and notes, a screen name, two viewers, a merged card with a note of its own, and a decision."""
    paid.put(Put(a_resident(ADA, "Ада М.", vk="vk.com/ada.minina"), a_resident(ADA, "Ада М.")))
    paid.put(
        Put(Link(700700, ADA, LinkSource.CRM)),
        Put(Link(701701, MIRA, LinkSource.DESK)),
        Put(Link(701701, LEV, LinkSource.DESK, live=False)),
        Put(VkPage(ADA, "ada.minina", PageKind.PERSON, 700700, DAY)),
        Put(Membership(ADA, GROUP)),
    )
    paid.given(ADA, 30, note="won")
    paid.given(MIRA, 5, "k2", note="hurt her knee")
    paid.do(paid.merge(MIRA, ADA))
    paid.given(ADA, -45, "k3", note="won")
    paid.night(a_record(None, present(mark=Mark.ABSENT)))
    paid.do(paid.review(Ruling.WAIVE, note="was there, says her mother"))
    paid.given(ADA, 4, "k4", note="won")
    return paid


def test_who_is_erased_leaves_no_trace_but_numbers(known: Desk) -> None:
    """No name, no note and no account stands anywhere in the database; coins, entries and the chain stay."""
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
        chain = GENESIS
        for row in reader.ledger():
            chain = row_hash(chain, row)
            assert row.chain == chain


def test_an_erasure_says_what_goes_and_what_stays(known: Desk) -> None:
    """Before anybody says yes."""
    first, second, third = known.erase(ADA).words
    assert first == f"#{ADA} Ада М.: the name, 3 VK links and 5 notes go"
    assert second.startswith("4 coins and every entry stay under the number")
    assert "backups" in third


def test_whoever_is_named_all_cards_of_the_child_are_erased(known: Desk) -> None:
    """The family asked to be forgotten, not a card."""
    with reading(known.url) as reader:
        proposal = people.erase(reader, settings(), found(reader, MIRA), known.author())
    known.do(proposal)
    with reading(known.url) as reader:
        assert reader.resident_ids(Presence.ERASED) == {ADA, MIRA}


def test_erasing_twice_is_erasing_once(known: Desk) -> None:
    """The second time there is nothing to do, and it says so."""
    known.do(known.erase(ADA))
    proposal = known.erase(ADA)
    assert (bool(proposal.plan), proposal.words) == (False, (f"#{ADA} is erased already",))


def test_nothing_is_noted_of_who_is_erased(known: Desk) -> None:
    """No credit, no debit, no row of a file; and what is taken back is taken back without a word."""
    known.do(known.erase(ADA))
    before = dump(known.url)
    for coins in (1, -1):
        refused(CoinPolicy, known.give, ADA, coins, note="Ада М. again")
    error = refused(
        CoinPolicy,
        known.import_text,
        f"key,resident,coins,reason\nr1,#{GLEB},1,x\nr2,#{ADA},1,Ада М.\n",
    )
    assert error.message.startswith(f"line 3: #{ADA} is erased")
    assert dump(known.url) == before
    [n] = [
        n
        for n, one in enumerate(known.entries(), 1)
        if one.resident == ADA and one.kind is Kind.DEBIT
    ][:1]
    known.do(known.reverse(n, note="Ада М. again"))
    assert known.entries()[-1].reverses == n
    assert "Ада М." not in dump(known.url)


@pytest.mark.parametrize("ruling", [Ruling.WAIVE, Ruling.FORGIVE])
def test_a_word_about_who_is_erased_counts_without_its_reason(paid: Desk, ruling: Ruling) -> None:
    """What is decided is decided; why is nobody's any more."""
    paid.given(ADA, -4, "k3", note="won")
    paid.night(a_record(None, present(mark=Mark.ABSENT)))
    paid.do(paid.erase(ADA))
    paid.do(paid.review(ruling, note="Ада М. again"))
    with reading(paid.url) as reader:
        assert not reader.all(Hold)
        assert [one.note for one in reader.all(Decision)] == (
            [""] if ruling is Ruling.WAIVE else []
        )
    assert "Ада М." not in dump(paid.url)


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


def test_the_lessons_of_an_erased_child_go_on(known: Desk) -> None:
    """What was decided stays decided, though its words are gone; a correction is posted as ever."""
    known.do(known.erase(ADA))
    assert not known.tonight(a_record(None, present(mark=Mark.ABSENT)))
    known.night(a_record(a_lesson(2)))
    assert known.balances() == {ADA: 14, MIRA: 14}


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


# --- links -----------------------------------------------------------------------------------------------------------


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


# --- looking ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [f"#{ADA}", str(ADA), f"crm:{ADA}", " #101 "])
def test_a_merged_card_leads_to_the_child(family: Desk, text: str) -> None:
    """Found by its number it is the card on which it goes on; as a card it is itself."""
    family.do(family.merge(ADA, GLEB))
    with reading(family.url) as reader:
        assert find_resident(reader, text).id == GLEB
        assert find_card(reader, text).id == ADA


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


def test_links_are_listed_with_names_revoked_ones_too(family: Desk) -> None:
    """By account."""
    family.do(family.revoke(ADA, PARENT))
    with reading(family.url) as reader:
        assert [
            (line.vk, line.name, line.source, line.live) for line in lookup_links.links(reader)
        ] == [
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
            (one.resident, one.name, one.text, one.problem)
            for one in lookup_links.link_problems(reader)
        ]
    assert told == ([(ADA, "Ада М.", text, problem)] if problem else [])


def test_closed_cards_have_no_problems(family: Desk) -> None:
    """Neither who is erased nor a card that goes on as another."""
    for card in (ADA, GLEB):
        family.put(Put(replace(family_card(card), vk="club1"), family_card(card)))
    with reading(family.url) as reader:
        assert [one.resident for one in lookup_links.link_problems(reader)] == [ADA, GLEB]
    family.do(family.merge(ADA, GLEB))
    with reading(family.url) as reader:
        assert [one.resident for one in lookup_links.link_problems(reader)] == [GLEB]
    family.do(family.erase(GLEB))
    with reading(family.url) as reader:
        assert lookup_links.link_problems(reader) == []


def family_card(card: int) -> Resident:
    """A card as it was recorded."""
    return a_resident(card, NAMES[card], branches=BRANCHES[card])


def test_a_dossier_holds_everything_about_a_child(known: Desk) -> None:
    """From every table and every card, and of nobody else."""
    known.night(a_record(a_lesson(2), present(MIRA), present(GLEB)))
    with reading(known.url) as reader:
        dossier = residents.dossier(reader, who(reader, MIRA))
    assert [(card.id, card.name) for card in dossier.cards] == [(ADA, "Ада М."), (MIRA, "Мира К.")]
    assert dossier.balance == 14
    assert [(one.resident, one.into) for one in dossier.merges] == [(MIRA, ADA)]
    assert [one.group for one in dossier.memberships] == [GROUP]
    assert {(one.vk, one.resident, one.live) for one in dossier.links} == {
        (700700, ADA, True),
        (701701, ADA, True),
        (701701, MIRA, False),
    }
    assert [one.name for one in dossier.vk_pages] == ["ada.minina"]
    assert [
        (record.lesson.id, [one.resident for one in record.attendance])
        for record in dossier.lessons
    ] == [
        (1, [ADA]),
        (2, [MIRA]),
    ]
    numbers = [line.posted.n for line in dossier.entries]
    assert [line.note for line in dossier.entries if line.note] == [
        "won",
        "hurt her knee",
        "won",
        "won",
    ]
    assert (len(numbers), len(set(numbers))) == (6, 6)
    assert [one.note for one in dossier.decisions] == ["was there, says her mother"]
    assert dossier.held == ()


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


# --- any order of deeds ----------------------------------------------------------------------------------------------

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


@thorough(60)
@given(LINKS, STEPS)
def test_whatever_is_merged_and_parted(
    links: set[tuple[int, int]], steps: list[tuple[str, int, int]]
) -> None:
    """Nobody ever sees through a merged card or comes back after being revoked; without revoking, all is as before."""
    with TemporaryDirectory() as folder:
        at = opened(Path(folder))
        at.put(*(Put(Link(vk, card, LinkSource.CRM)) for vk, card in links))
        revoked: set[tuple[int, int]] = set()
        for verb, card, other in steps:
            _step(at, verb, card, other, revoked)
        with reading(at.url) as reader:
            merged = sorted(reader.survivors(), reverse=True)
        for card in merged:
            at.do(at.unmerge(card))
        assert sees(at) <= links
        assert not revoked & sees(at)
        if not revoked:
            assert sees(at) == links


def _step(at: Desk, verb: str, card: int, other: int, revoked: set[tuple[int, int]]) -> None:
    """One deed, if it is possible, and what must be true after every one."""
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
