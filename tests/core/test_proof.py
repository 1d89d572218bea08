"""The pure checks: whole ledgers have no finding, damaged ones always have."""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.facts import Hold, HoldKind, Mark, Merge, Note
from coinsync.core.ledger import (
    GENESIS,
    Freshness,
    Head,
    LedgerRow,
    Run,
    RunHash,
    lesson_key,
    note_digest,
)
from coinsync.core.plan import Evidence, Limits, Plan, Post, Purpose, Put, Remark, RemarkKind
from coinsync.core.proof.checks import (
    BY_ID,
    CHECKS,
    EXAMPLES_MAX,
    LEDGER_CHECKS,
    Circulation,
    Finding,
    Findings,
    Severity,
)
from coinsync.core.proof.crm import check_fresh, check_reading
from coinsync.core.proof.ledger import LedgerPass, StoredNotes
from coinsync.core.proof.people import MergedCards
from coinsync.core.proof.rows import is_private
from tests.support.makers import (
    ACCOUNT,
    ADA,
    DAY,
    GLEB,
    MONTH,
    a_lesson,
    a_resident,
    an_award,
    present,
    thorough,
)

NIGHT = "2026-11-22T02:00:07Z"
THIRD = 103
#: Key, resident, coins, kind, lesson, and the number of the entry that is taken back.
Move = tuple[str, int, int, str, int | None, int | None]
OF_THE_LEDGER = {*(check.id for check in LEDGER_CHECKS), "notes"}
EVERYBODY = frozenset({ADA, GLEB, THIRD})


@dataclass
class Books:
    """A ledger and its runs as they lie in a database, written by hand and always sealed."""

    rows: list[LedgerRow] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def run(self, *moves: Move, purpose: Purpose = Purpose.DESK) -> None:
        """Post moves (key, resident, coins, kind, lesson, reverses) as one run."""
        id = len(self.runs) + 1
        for key, resident, coins, kind, lesson, reverses in moves:
            n, seq = len(self.rows) + 1, 1 + sum(row.key == key for row in self.rows)
            words = (kind, "2026-11-02", "why", "anna", "", "")
            self.rows.append(
                LedgerRow(n, key, seq, resident, coins, *words, lesson, reverses, id, NIGHT)
            )
        mine = [row for row in self.rows if row.run == id]
        self.runs.append(
            Run(
                id, f"{id:032x}", purpose.value, 0, "2026-11-02", "2026-11-02", "anna",
                "anna(1000)", NIGHT, NIGHT, "d", 0, len(mine), sum(row.coins for row in mine), 0,
                len(self.rows), "",
            )
        )  # fmt: skip
        self.seal()

    def seal(self) -> None:
        """Set the totals of the runs, and chain them anew."""
        chain = GENESIS
        for at, told in enumerate(self.runs):
            mine = [row for row in self.rows if row.run == told.id]
            last = max((row.n for row in self.rows if row.run <= told.id), default=0)
            coins = sum(row.coins for row in mine)
            run_hash = RunHash(chain, told._replace(entries=len(mine), coins=coins, n_last=last))
            for row in mine:
                run_hash.add("entry", row)
            chain = run_hash.chain
            self.runs[at] = run_hash.run._replace(chain=chain)

    def change(self, n: int, /, **values: Any) -> Books:
        """The books with one entry changed, the hash left as it was."""
        rows = [row._replace(**values) if row.n == n else row for row in self.rows]
        return Books(rows, list(self.runs))

    @property
    def head(self) -> Head:
        """The head that belongs to these books."""
        return Head(len(self.rows), len(self.runs), ACCOUNT)

    def look(
        self,
        *,
        cards: MergedCards | None = None,
        notes: StoredNotes | None = None,
        head: Head | None = None,
    ) -> Seen:
        """One pass over the books."""
        findings = Findings()
        runs = {told.id: told for told in self.runs}
        entries = Counter(row.key for row in self.rows)
        ledger = LedgerPass(
            ACCOUNT,
            runs,
            cards or MergedCards(),
            notes or StoredNotes(),
            findings,
            several=[key for key in entries if entries[key] > 1],
        )
        ledger.take(iter(self.rows))
        totals = ledger.finish(EVERYBODY)
        ledger.check_head(head or self.head)
        return Seen(ledger, {one.check: one for one in findings.of(BY_ID)}, totals)


@dataclass
class Seen:
    """What a pass found, by check."""

    ledger: LedgerPass
    found: dict[str, Finding]
    totals: Circulation


def award(lesson: int, resident: int = ADA, coins: int = 10) -> Move:
    """Coins for a lesson."""
    return (lesson_key(ACCOUNT, lesson, resident), resident, coins, "award", lesson, None)


def by_hand(key: str, coins: int, resident: int = ADA, kind: str = "") -> Move:
    """Coins by hand, a credit or a debit unless said otherwise."""
    place = f"{kind}:{key}:{resident}" if kind in ("sale", "refund") else f"desk:{key}"
    return (place, resident, coins, kind or ("credit" if coins > 0 else "debit"), None, None)


def back(of: Move, n: int, kind: str = "reversal") -> Move:
    """What takes back a move that was posted under the number ``n``."""
    key, resident, coins, _, lesson, _ = of
    return (key, resident, -coins, kind, lesson, n)


def some_books() -> Books:
    """Entries of every kind.

    1 and 5 award, 2 credit, 3 debit, 4 and 7 reversal, 6 sale, 8 refund, 9 opening, 10 gift.
    """
    books = Books()
    books.run(award(1), by_hand("a", 50), by_hand("b", -20), purpose=Purpose.LESSONS)
    books.run(back(award(1), 1), award(1))
    books.run()
    books.run(by_hand("s", -15, kind="sale"))
    books.run(back(by_hand("b", -20), 3), by_hand("r", 5, kind="refund"))
    books.run(by_hand("o", 7, GLEB, kind="opening"), by_hand("g", 3, GLEB, kind="gift"))
    return books


# --- whole ledgers --------------------------------------------------------------------------------


def test_a_whole_ledger_has_no_finding() -> None:
    """Entries of every kind, taken back and posted anew, an empty run among them."""
    seen = some_books().look()
    assert seen.found == {}
    assert (seen.ledger.entries, seen.ledger.balances) == (10, {ADA: 50, GLEB: 10})


def test_coins_in_circulation_are_told_by_what_became_of_them() -> None:
    """A reversal counts by what it takes back: coins that were issued, or that were spent."""
    totals = some_books().look().totals
    assert totals == Circulation(
        issued=10 + 50 + 10 + 7 + 3, reversed=10, spent=20 + 15, refunded=20 + 5, balance=60
    )
    assert totals.expected == totals.balance


def test_an_empty_ledger_is_whole() -> None:
    """Nothing posted is no damage."""
    assert Books().look().found == {}


def test_a_refund_may_stand_under_the_key_of_its_sale() -> None:
    """It mirrors the sale like a reversal, and its coins are refunded."""
    sale = by_hand("s", -15, kind="sale")
    books = Books()
    books.run(by_hand("a", 20), sale)
    books.run(back(sale, 2, "refund"))
    seen = books.look()
    assert seen.found == {}
    assert seen.totals == Circulation(20, 0, 15, 15, 20)


def test_a_balance_may_dip_inside_a_run() -> None:
    """What counts is the balance at its end."""
    books = Books()
    books.run(by_hand("a", -5), by_hand("b", 5))
    assert books.look().found == {}


def test_a_reviewed_reversal_may_go_below_zero_and_nothing_else() -> None:
    """Whoever is below zero already may lose nothing more without a review, and may gain."""
    books = Books()
    books.run(award(1))
    books.run(by_hand("a", -10))
    books.run(back(award(1), 1), purpose=Purpose.REVIEW)
    books.run(by_hand("b", 5))
    assert books.look().found == {}
    books.run(by_hand("c", -1))
    (found,) = books.look().found.values()
    assert (found.check, found.examples) == (
        "floors",
        ("run 5 left #101 at -6, and nobody reviewed it",),
    )


# --- merged cards ---------------------------------------------------------------------------------


def test_cards_that_were_ever_merged_are_kin() -> None:
    """Undone merges count, over several steps, and erasing one forgets the notes of all."""
    cards = MergedCards(
        [Merge(1, 0, ever=(2,)), Merge(3, 2, ever=(2,)), Merge(7, 8, ever=(8,))], erased=[3]
    )
    assert cards.families[1] == cards.families[2] == cards.families[3] == {1, 2, 3}
    assert cards.forgotten == {1, 2, 3}
    assert (cards.survivor(3), cards.survivor(1), cards.survivor(9)) == (2, 1, 9)


def test_cards_that_count_together_have_one_floor() -> None:
    """Each alone may be below zero.

    Together they may not, unless somebody reviewed a reversal of theirs.
    """
    books = Books()
    books.run(by_hand("a", 10), by_hand("b", -10, GLEB))
    together = MergedCards([Merge(GLEB, ADA, ever=(ADA,))])
    assert books.look(cards=together).found == {}
    assert "floors" in books.look().found
    books.run(by_hand("c", -4, GLEB))
    (found,) = books.look(cards=together).found.values()
    assert found.examples == ("#101 has -4, and nobody reviewed it",)
    books.run(award(1, GLEB))
    books.run(back(award(1, GLEB), 4), purpose=Purpose.REVIEW)
    assert books.look(cards=together).found == {}


# --- damage ---------------------------------------------------------------------------------------

#: What is done to which entry of ``some_books``, sealed again, and which checks speak then.
SEALED: list[tuple[int, dict[str, object], set[str]]] = [
    (2, {"coins": 0}, {"entry"}),
    (2, {"coins": -50}, {"entry", "floors"}),
    (3, {"coins": 20}, {"entry", "reversals"}),
    (2, {"kind": "bonus"}, {"entry", "circulation"}),
    (2, {"happened_on": "2026-13-01"}, {"entry"}),
    (2, {"happened_on": ""}, {"entry"}),
    (2, {"happened_on": "20261102"}, {"entry"}),
    (2, {"reason": " "}, {"entry"}),
    (2, {"actor": ""}, {"entry"}),
    (2, {"posted_at": "yesterday"}, {"entry", "runs"}),
    (2, {"posted_at": "2026-11-22T02:00:08Z"}, {"runs"}),
    (2, {"run": 9}, {"runs"}),
    (2, {"key": "desk A"}, {"keys"}),
    (2, {"key": "x" * 121}, {"keys"}),
    (2, {"seq": 2}, {"keys"}),
    (2, {"key": "desk:g"}, {"keys"}),
    (5, {"lesson": 2}, {"keys"}),
    (5, {"lesson": None}, {"keys"}),
    (5, {"resident": GLEB}, {"keys"}),
    (4, {"coins": -9}, {"reversals"}),
    (4, {"coins": 10}, {"reversals"}),
    (4, {"resident": GLEB}, {"reversals", "floors"}),
    (4, {"reverses": 2}, {"reversals"}),
    (4, {"reverses": 5}, {"reversals"}),
    (4, {"reverses": None}, {"reversals"}),
    (4, {"key": "desk:a"}, {"reversals", "keys"}),
    (8, {"reverses": 6}, {"reversals"}),
    (9, {"reverses": 2}, {"reversals"}),
    (6, {"coins": -1000}, {"floors"}),
    (10, {"resident": 999}, {"circulation"}),
    (7, {"reason": "call +7 912 000-00-00"}, {"private"}),
]


@pytest.mark.parametrize(("n", "values", "checks"), SEALED)
def test_what_the_seals_hide_another_check_finds(
    n: int, values: dict[str, object], checks: set[str]
) -> None:
    """Somebody who recomputes hashes and totals still meets the check for such damage."""
    books = some_books().change(n, **values)
    books.seal()
    found = books.look().found
    assert checks <= set(found)
    assert set(found) <= checks | {"circulation", "runs", "keys", "reversals", "floors", "private"}
    if not checks & {"floors", "circulation"}:
        named = [example for check in checks for example in found[check].examples]
        assert any(
            f"entry {n} " in example or f"run {values.get('run')}" in example for example in named
        )
    assert all(one.mend.startswith("coinsync ") for one in found.values())


@pytest.mark.parametrize("name", LedgerRow._fields)
@pytest.mark.parametrize("value", [None, b"\xff", 1.5, "many", 7])
def test_a_value_of_the_wrong_kind_is_a_finding_and_no_error(name: str, value: object) -> None:
    """Whatever lies in a column, the pass goes to its end and says that something is wrong."""
    books = some_books()
    if getattr(books.rows[3], name) == value:
        return
    assert books.change(4, **{name: value}).look().found


FIELDS: dict[str, st.SearchStrategy[object]] = {
    **dict.fromkeys(
        ("n", "seq", "resident", "coins", "lesson", "reverses", "run"), st.integers(-3, 12)
    ),
    **dict.fromkeys(
        (
            "key",
            "kind",
            "happened_on",
            "reason",
            "actor",
            "rule",
            "note_digest",
            "posted_at",
        ),
        st.text(max_size=3)
        | st.sampled_from(["award", "credit", "2026-11-03", "desk:a", GENESIS, NIGHT]),
    ),
}


@st.composite
def whole_books(draw: st.DrawFn) -> Books:
    """Books as the writer would write them: coins come, go and are taken back, never below zero."""
    books = Books()
    for _ in range(draw(st.integers(1, 5))):
        moves: list[Move] = []
        for _ in range(draw(st.integers(0, 3))):
            moves.append(_a_move(draw, books, moves))
        books.run(*moves, purpose=draw(st.sampled_from([Purpose.DESK, Purpose.LESSONS])))
    return books


def _a_move(draw: st.DrawFn, books: Books, moves: Sequence[Move]) -> Move:
    """One more move that is right after all that was posted, and after ``moves`` of this run."""
    n, resident = len(books.rows) + len(moves) + 1, draw(st.sampled_from([ADA, GLEB]))
    taken = {row.reverses for row in books.rows} | {move[5] for move in moves}
    has = sum(row.coins for row in books.rows if row.resident == resident)
    has += sum(move[2] for move in moves if move[1] == resident)
    open_ = [
        row
        for row in books.rows
        if row.reverses is None
        and row.n not in taken
        and row.resident == resident
        and row.coins <= has
    ]
    what = draw(st.sampled_from(["award", "credit", "debit", "back"]))
    if what == "back" and open_:
        row = draw(st.sampled_from(open_))
        return (row.key, row.resident, -row.coins, "reversal", row.lesson, row.n)
    if what == "debit" and has:
        return by_hand(str(n), -draw(st.integers(1, has)), resident)
    return (
        award(n, resident)
        if what == "award"
        else by_hand(str(n), draw(st.integers(1, 9)), resident)
    )


@thorough(150)
@given(whole_books())
def test_whatever_the_writer_writes_is_whole(books: Books) -> None:
    """No history of awards, credits, debits and reversals has a finding, and the sums agree."""
    seen = books.look()
    assert seen.found == {}
    assert seen.totals.balance == sum(row.coins for row in books.rows)


@thorough(400)
@given(whole_books().filter(lambda books: bool(books.rows)), st.data())
def test_no_single_field_can_be_changed_unseen(books: Books, data: st.DataObject) -> None:
    """One value in one row is another: some check speaks."""
    row = data.draw(st.sampled_from(books.rows))
    name = data.draw(st.sampled_from(LedgerRow._fields))
    value = data.draw(FIELDS[name].filter(lambda value: value != getattr(row, name)))
    found = books.change(row.n, **{name: value}).look().found
    assert not found.keys().isdisjoint(OF_THE_LEDGER)


@thorough(100)
@given(whole_books().filter(lambda books: bool(books.rows)), st.data())
def test_no_entry_can_go_or_come_unseen(books: Books, data: st.DataObject) -> None:
    """A row that is gone, the last one too, or that stands there twice, is found."""
    row = data.draw(st.sampled_from(books.rows))
    fewer = Books([one for one in books.rows if one.n != row.n], books.runs)
    assert fewer.look(head=books.head).found
    assert Books([*books.rows, row], books.runs).look(head=books.head).found


@thorough(100)
@given(whole_books(), st.data())
def test_no_total_of_a_run_can_be_changed_unseen(books: Books, data: st.DataObject) -> None:
    """Entries, coins, last number and time of a run follow from its entries and its neighbours."""
    told = data.draw(st.sampled_from(books.runs))
    name = data.draw(
        st.sampled_from(["id", "entries", "coins", "n_last", "posted_at", "purpose", "actor"])
    )
    value: Any = "" if isinstance(getattr(told, name), str) else getattr(told, name) + 1
    runs = [one._replace(**{name: value}) if one is told else one for one in books.runs]
    found = Books(books.rows, runs).look().found
    assert {"runs"} <= set(found)


@pytest.mark.parametrize(
    ("values", "recorded"),
    [
        ({"entries": 4}, "4 (25) up to 8"),
        ({"coins": 26}, "2 (26) up to 8"),
        ({"n_last": 9}, "2 (25) up to 9"),
    ],
)
def test_the_totals_of_a_run_are_those_of_its_entries(
    values: dict[str, Any], recorded: str
) -> None:
    """Entries, coins and last number; what was counted and what is recorded are named."""
    books = some_books()
    books.runs[4] = books.runs[4]._replace(**values)
    cases = books.look().found["runs"].examples
    assert cases[0] == f"run 5: 2 entries (+25) up to 8, recorded {recorded}"


def test_a_run_whose_entries_are_all_gone_is_named() -> None:
    """Also where nothing else in the ledger misses them, as at its end."""
    books = some_books()
    del books.rows[8:]
    head = Head(8, 6, ACCOUNT)
    found = books.look(head=head).found
    assert found["runs"].examples == ("run 6: its 2 entries (+10) are missing",)


def test_only_reversals_and_refunds_take_something_back() -> None:
    """An entry of another kind that names one does not."""
    books = some_books().change(9, reverses=2)
    books.seal()
    case = "entry 9 (#102): names an entry, but is of kind opening"
    assert case in books.look().found["reversals"].examples


def test_a_reversal_names_what_it_takes_back() -> None:
    """Without a name nobody knows which of several originals it was."""
    books = some_books().change(4, reverses=None)
    books.seal()
    assert books.look().found["reversals"].examples == ("entry 4 (#101): takes back no entry",)


def test_nothing_is_taken_back_twice() -> None:
    """Under its key nothing stands any more."""
    books = Books()
    books.run(by_hand("a", 5), by_hand("b", 5))
    books.run(back(by_hand("a", 5), 1))
    books.run(back(by_hand("a", 5), 1))
    (case,) = books.look().found["reversals"].examples
    assert case == "entry 4 (#101): takes back entry 1, which does not stand under its key"


@pytest.mark.parametrize(("n", "kind"), [(6, "sale"), (8, "refund")])
def test_coins_of_the_shop_stand_under_keys_of_the_shop(n: int, kind: str) -> None:
    """Or else no check of sales would see them."""
    books = some_books().change(n, key=f"desk:{n}")
    books.seal()
    (case,) = books.look().found["keys"].examples
    assert case == f"entry {n} (#101): its key is not that of a {kind}"


def test_the_shop_is_asked_for_its_own_coins() -> None:
    """Those under the keys of sales and of refunds, and no others."""
    coins = some_books().look().ledger.keys.of_shop
    assert coins == {"sale:s:101": -15, "refund:r:101": 5}


def test_a_review_lets_only_those_below_zero_whose_coins_it_took_back() -> None:
    """Another resident who lost coins in the same run was not reviewed."""
    books = Books()
    books.run(award(1), by_hand("a", 5, GLEB))
    books.run(by_hand("b", -10))
    books.run(back(award(1), 1), by_hand("c", -6, GLEB), purpose=Purpose.REVIEW)
    assert books.look().found["floors"].examples == (
        "run 3 left #102 at -1, and nobody reviewed it",
    )


def test_a_run_that_cannot_be_read_is_one_case() -> None:
    """The run after it is compared with the last one that can be read."""
    books = some_books()
    books.runs[2] = books.runs[2]._replace(posted_at=7)  # type: ignore[arg-type]
    assert books.look().found["runs"].examples == ("run 3: it cannot be read",)


def test_a_run_without_a_time_is_found() -> None:
    """Once with the run, and once with its first entry."""
    books = some_books()
    books.runs[3] = books.runs[3]._replace(posted_at="noon")
    books.rows[5] = books.rows[5]._replace(posted_at="noon")
    books.seal()
    found = books.look().found
    assert found["entry"].examples == ("entry 6 (#101): no time",)
    assert found["runs"].examples[0] == "run 4: purpose, actor, days or time are wrong"


@pytest.mark.parametrize(("moments", "found"), [((8, 7), 1), ((7, 7), 0), ((7, 8), 0)])
def test_no_run_was_posted_before_the_run_before_it(moments: tuple[int, int], found: int) -> None:
    """A clock that went back is noticed; two runs within one second are as they should be."""
    books = Books()
    books.run(by_hand("a", 5))
    books.run(by_hand("b", 5))
    for at, second in enumerate(moments):
        moment = f"2026-11-22T02:00:{second:02d}Z"
        books.runs[at] = books.runs[at]._replace(posted_at=moment)
        books.rows[at] = books.rows[at]._replace(posted_at=moment)
    books.seal()
    findings = books.look().found
    assert set(findings) == ({"runs"} if found else set())
    if found:
        assert findings["runs"].examples == ("run 2: it does not go on where the run before ended",)


def test_only_an_accepted_clock_may_step_back() -> None:
    """The run by which a person accepts the clock is earlier than the one before; what follows is
    compared with that run.
    """
    for late, found in (("03", 0), ("01", 1)):
        books = Books()
        books.run(by_hand("a", 5))
        books.run(purpose=Purpose.ACCEPT)
        books.run(by_hand("b", 5))
        moments = ("2028-01-01T00:00:00Z", "2026-11-22T02:00:02Z", f"2026-11-22T02:00:{late}Z")
        for at, moment in enumerate(moments):
            books.runs[at] = books.runs[at]._replace(posted_at=moment)
        for at, run in ((0, 0), (1, 2)):
            books.rows[at] = books.rows[at]._replace(posted_at=moments[run])
        books.seal()
        assert len(books.look().found) == found


@pytest.mark.parametrize(
    "head",
    [Head(11, 6, ACCOUNT), Head(9, 6, ACCOUNT), Head(10, 7, ACCOUNT), Head(10, 6, "other-school")],
)
def test_the_head_says_how_far_the_ledger_goes(head: Head) -> None:
    """Its counts, and the account that the database belongs to."""
    assert set(some_books().look(head=head).found) == {"numbers"}


def test_a_missing_head_is_a_finding() -> None:
    """Without it nobody can write."""
    findings = Findings()
    ledger = LedgerPass(ACCOUNT, {}, MergedCards(), StoredNotes(), findings, several=[])
    ledger.check_head(None)
    assert [found.check for found in findings.of(BY_ID)] == ["numbers"]


# --- notes ----------------------------------------------------------------------------------------


def noted(text: str = "well done", resident: int = ADA) -> tuple[Books, StoredNotes]:
    """Books with one entry that has a note."""
    books = Books()
    books.run(by_hand("a", 5, resident))
    books.rows[0] = books.rows[0]._replace(note_digest=note_digest("salt", text))
    books.seal()
    return books, StoredNotes.of([Note(1, "salt", text)])


def test_a_note_is_vouched_for_by_its_entry() -> None:
    """The same text under the same salt and no other."""
    books, notes = noted()
    assert books.look(notes=notes).found == {}
    for other in (Note(1, "salt", "well dome"), Note(1, "sale", "well done")):
        assert set(books.look(notes=StoredNotes.of([other])).found) == {"notes"}


def test_a_note_may_be_missing_only_of_the_erased() -> None:
    """Of an erased card, and of those that ever counted with it; of an erased card it must be."""
    books, notes = noted()
    assert set(books.look().found) == {"notes"}
    assert books.look(cards=MergedCards(erased=[ADA])).found == {}
    assert books.look(cards=MergedCards([Merge(ADA, 0, ever=(GLEB,))], erased=[GLEB])).found == {}
    assert set(books.look(cards=MergedCards(erased=[ADA]), notes=notes).found) == {"erased"}


def test_a_note_belongs_to_an_entry() -> None:
    """One that no entry vouches for is found."""
    books, notes = noted()
    extra = StoredNotes.of([Note(1, "salt", "well done"), Note(7, "salt", "who said so?")])
    assert books.look(notes=notes).found == {}
    assert books.look(notes=extra).found["notes"].examples == (
        "note 7 belongs to no entry that vouches for it",
    )


def test_a_note_that_looks_private_is_named_by_number() -> None:
    """The text is not repeated."""
    books, notes = noted("ask at ada@family.example")
    (found,) = books.look(notes=notes).found.values()
    assert (found.check, found.severity, found.examples) == (
        "private",
        Severity.WARNING,
        ("entry 1 (#101): its note",),
    )


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("+7 912 345-67-89", True),
        ("8(912)3456789", True),
        ("89123456789", True),
        ("мама 912 345 67 89", True),
        ("+44 20 7946 0958", True),
        ("write to ada@family.example", True),
        ("won the cup of 2026-11-19, 10:30", False),
        ("lesson 48112, 10 coins", False),
        ("sale 1000000000000", False),
        ("@ada", False),
        ("key 6a217b16ad68", False),
        ("", False),
    ],
)
def test_what_looks_private(text: str, private: bool) -> None:
    """Telephones as they are written here, and e-mail addresses.

    Neither days nor numbers of lessons.
    """
    assert is_private(text) is private


# --- findings -------------------------------------------------------------------------------------


def test_findings_count_all_and_name_a_few() -> None:
    """Five examples at most, in the order of the checks, and the first case says what mends it."""
    one, other = Findings(), Findings()
    other.add("chain", "entry 0", "coinsync mend")
    for n in range(1, 9):
        one.add("chain", f"entry {n}", f"coinsync {n}")
    one.add("numbers", "entries 3 … 9 are missing", "coinsync journal", count=7)
    other.join(one)
    numbers, chain = other.of(BY_ID)
    assert (numbers.check, numbers.count) == ("numbers", 7)
    assert (chain.count, len(chain.examples), chain.examples[0]) == (9, EXAMPLES_MAX, "entry 0")
    assert chain.mend == "coinsync mend"
    assert other.of({"keys"}) == ()


def test_what_the_rules_do_not_explain_is_the_ledgers_where_it_was_touched() -> None:
    """With a whole ledger the rules differ.

    With a broken one nobody can say, and the ledger comes first.
    """
    findings = Findings()
    findings.add("rules", "lesson 1, #101", "coinsync sync --rerate")
    assert findings.of({"rules"})[0].mend == "coinsync sync --rerate"
    findings.add("chain", "entry 1", "coinsync history 101")
    (found,) = findings.of({"rules"})
    assert found.mend == "coinsync history 101"


def test_every_check_has_one_id_and_words() -> None:
    """Ids are short words that can be typed."""
    assert len(BY_ID) == len(CHECKS)
    assert all(check.id.isalpha() and check.id.islower() and check.title for check in CHECKS)


# --- how fresh, and a fresh reading ---------------------------------------------------------------


def a_run(posted_at: str) -> Run:
    """A sync of one branch up to its day."""
    days = (DAY.isoformat(), DAY.isoformat())
    return Run(
        1, "u", "lessons", 1, *days, "sync", "sync(1)", posted_at, posted_at, "d", 0, 0, 0, 0, 0, ""
    )


def test_a_branch_is_fresh_for_so_many_hours() -> None:
    """To the hour; one that was never synced is named too."""
    findings = Findings()
    now = datetime(2026, 11, 23, 4, 0, 7, tzinfo=UTC)
    branches = [
        Freshness.of(id, f"branch {id}", a_run(posted_at) if posted_at else None, now)
        for id, posted_at in ((1, NIGHT), (2, "2026-11-22T02:00:06Z"), (3, ""))
    ]
    check_fresh(branches, 26, findings)
    (found,) = findings.of(BY_ID)
    assert (found.count, found.mend) == (2, "coinsync sync --branch 2")
    assert found.examples[1] == "branch 3 was never synced"


def answered(plan: Plan | None, error: str = "") -> dict[str, Finding]:
    """What one answer of the CRM leads to, by check."""
    findings = Findings()
    check_reading("Kazan", plan, error, Limits(), findings)
    return {one.check: one for one in findings.of(BY_ID)}


def remarked(kind: RemarkKind, **more: object) -> Plan:
    """A plan that changes nothing and has something to say."""
    remark = replace(Remark(kind, "absent", 1, ADA, -10), **more)  # type: ignore[arg-type]
    return Plan.of(Purpose.LESSONS, MONTH, (), remarks=[remark])


HELD = Hold("k", HoldKind.REVERSAL, 1, 1, ADA, DAY, -10, "absent")

ANSWERS: list[tuple[str, Callable[[], Plan | None], str, str, str]] = [
    ("a new fact", lambda: _facts(Put(a_lesson())), "crm", "lesson 1", "coinsync sync"),
    (
        "a mark",
        lambda: _facts(Put(present(mark=Mark.ABSENT), present())),
        "crm",
        "lesson 1, #101",
        "coinsync sync",
    ),
    (
        "coins",
        lambda: _facts(Put(present()), Post(an_award())),
        "crm",
        "lesson 1, #101: +10",
        "coinsync sync",
    ),
    ("a person", lambda: _facts(Put(a_resident())), "crm", "resident 101", "coinsync sync"),
    (
        "held now",
        lambda: remarked(RemarkKind.HOLD),
        "person",
        "lesson 1, #101: -10",
        "coinsync review list",
    ),
    (
        "a rule",
        lambda: remarked(RemarkKind.RERATE),
        "rules",
        "lesson 1, #101: -10",
        "coinsync sync --rerate",
    ),
    (
        "unreadable",
        lambda: remarked(RemarkKind.UNREADABLE, detail="date"),
        "unread",
        "Kazan: lesson 1, field date",
        "",
    ),
    ("an error", lambda: None, "unread", "Kazan: incomplete read", ""),
    (
        "a refused plan",
        lambda: _facts(Put(a_lesson()), known=9),
        "crm",
        "no lessons where 9 were known",
        "--dry-run",
    ),
]


def _facts(*changes: Put | Post, known: int = 0) -> Plan:
    return Plan.of(Purpose.LESSONS, MONTH, changes, evidence=Evidence(lessons_known=known))


@pytest.mark.parametrize(("_name", "plan", "check", "case", "mend"), ANSWERS)
def test_every_difference_has_an_owner(
    _name: str, plan: Callable[[], Plan | None], check: str, case: str, mend: str
) -> None:
    """The CRM's, the rules', a person's, or the reading's; the case and the way out are named."""
    (found,) = answered(plan(), "incomplete read").values()
    assert found.check == check
    assert case in found.examples[0]
    assert mend in found.mend


@pytest.mark.parametrize("kind", [RemarkKind.SKIP, RemarkKind.LATE, RemarkKind.TYPE_UNKNOWN])
def test_a_remark_that_is_no_difference_is_none(kind: RemarkKind) -> None:
    """What earns nothing by its kind is as it should be."""
    assert answered(remarked(kind)) == {}


def test_what_is_held_already_is_known_by_name() -> None:
    """A hold that a sync would leave as it is is no difference."""
    assert answered(remarked(RemarkKind.HOLD, known=True)) == {}
    assert answered(Plan.of(Purpose.LESSONS, MONTH, [Put(HELD)])) == {}


# --- the hash -------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(
    ['"', "\\", "a\nb", "\u2028", "\x7f", "ё"]
)
NUMBERS = st.integers(-5, 2**63)


@thorough(500)
@given(
    st.builds(
        LedgerRow, NUMBERS, TEXTS, NUMBERS, NUMBERS, NUMBERS, *[TEXTS] * 6,
        st.none() | NUMBERS, st.none() | NUMBERS, NUMBERS, TEXTS,
    )
)  # fmt: skip
def test_what_is_hashed_says_all_of_a_row(row: LedgerRow) -> None:
    """Whatever the texts hold, it can be read back, so that no two rows have one form."""
    run = a_run(NIGHT)
    run_hash = RunHash(GENESIS, run)
    run_hash.add("entry", row)
    form = f"{GENESIS!a}\nrun {run[:-1]!a}\nentry {tuple(row)!a}"
    assert run_hash.chain == hashlib.sha256(form.encode()).hexdigest()
    assert len(form.split("\n")) == 3
    assert ast.literal_eval(form.split("\n")[2].removeprefix("entry ")) == tuple(row)


def test_the_page_says_of_every_check_what_it_proves() -> None:
    """docs/reconcile.md has a heading for each check, in their order, and none besides."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "reconcile.md").read_text(
        encoding="utf-8"
    )
    assert re.findall(r"^### `(\w+)`$", page, re.MULTILINE) == [check.id for check in CHECKS]
