"""Entries are whole at birth, keys can be read back, and the chain vouches for every field."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from coinsync.core.ledger import (
    GENESIS,
    KEY_LENGTH_MAX,
    Entry,
    Kind,
    Posted,
    Run,
    RunHash,
    ledger_row,
    lesson_key,
    note_digest,
)
from tests.support.makers import a_credit, an_award

# --- entries ----------------------------------------------------------------------------------


@pytest.mark.parametrize("coins", [0, 1.0, 1.5, True, "1", None])
def test_an_entry_moves_whole_coins(coins: Any) -> None:
    """Nothing, fractions, truth values and texts are no coins."""
    with pytest.raises(ValueError, match="whole coins"):
        replace(an_award(), coins=coins)


@pytest.mark.parametrize("seq", [0, -1])
def test_entries_are_numbered_from_one(seq: int) -> None:
    """There is no entry before the first."""
    with pytest.raises(ValueError, match="numbered from 1"):
        replace(an_award(), seq=seq)


@pytest.mark.parametrize(
    "key", ["", ":x", "Desk:1", "desk 1", "desk:ё", "desk:1\n", "x" * (KEY_LENGTH_MAX + 1)]
)
def test_a_key_outside_the_grammar_is_refused(key: str) -> None:
    """Keys are short and of small ASCII letters, digits and few signs, so that every database
    tells them apart."""
    with pytest.raises(ValueError, match="not a key"):
        replace(an_award(), key=key)


@pytest.mark.parametrize(
    "key", ["a", "desk:01", "csv:0a1b:7", "sale:x.y_z-1:9", "x" * KEY_LENGTH_MAX]
)
def test_a_key_within_the_grammar_is_taken(key: str) -> None:
    """The grammar has room for hand work, files and sales."""
    assert replace(an_award(), key=key).key == key


# --- keys -------------------------------------------------------------------------------------


def test_the_key_of_a_lesson_names_account_lesson_and_resident() -> None:
    """The key does not depend on the date, so a lesson that moves keeps its coins."""
    assert lesson_key("school", 48112, 207) == "alfacrm:school:lesson:48112:207"


# --- chain ------------------------------------------------------------------------------------

POSTED = Posted(7, replace(an_award(), reverses=3, seq=2), "2026-11-22T02:00:07Z", 4)

OTHERS: dict[str, Any] = {
    "key": "desk:1",
    "seq": 3,
    "resident": 999,
    "coins": 11,
    "kind": Kind.GIFT,
    "happened_on": date(2026, 11, 3),
    "reason": "other",
    "actor": "other",
    "rule": "other",
    "lesson": None,
    "reverses": None,
}


NIGHT = "2026-11-22T02:00:07Z"
RUN = Run(
    4, "uuid", "lessons", 1, "2026-11-01", "2026-11-30", "cron", "cron(105)",
    "2026-11-22T02:00:00Z", NIGHT, "digest", 9, 1, 10, 3, 7, "",
)  # fmt: skip


def link_hash(before: str, posted: Posted, digest_of_note: str, run: Run = RUN) -> str:
    """The hash of a run that posted one entry."""
    run_hash = RunHash(before, run)
    run_hash.add("entry", ledger_row(posted, digest_of_note))
    return run_hash.chain


def test_the_hash_of_a_run_is_known() -> None:
    """The chain's form is fixed: this run had this hash when the ledger began."""
    found = link_hash(GENESIS, Posted(7, an_award(), NIGHT, 4), "")
    assert found == "f7e3db9203a6f0c4521d8b16a6f83c78f631bd2f7f389d0f671dcafcc6b2713f"


@pytest.mark.parametrize("name", Run._fields)
def test_every_field_of_a_run_is_in_its_hash(name: str) -> None:
    """Who, when, what for and how much: all but the hash itself."""
    value: Any = "other" if isinstance(getattr(RUN, name), str) else 99
    other = RUN._replace(**{name: value})
    is_same = link_hash(GENESIS, POSTED, "", other) == link_hash(GENESIS, POSTED, "")
    assert is_same == (name == "chain")


def test_a_row_of_one_table_is_none_of_another() -> None:
    """Rows in another order, or of another table, give another hash."""
    made = set()
    for rows in ([("sale", (1,)), ("entry", (2,))], [("entry", (2,)), ("sale", (1,))],
                 [("entry", (1,)), ("entry", (2,))], [("entry", (1, 2))], []):  # fmt: skip
        run_hash = RunHash(GENESIS, RUN)
        for table, row in rows:
            run_hash.add(table, row)
        made.add(run_hash.chain)
    assert len(made) == 5


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_every_field_of_an_entry_is_in_its_hash(name: str) -> None:
    """Whatever is changed in an entry, its hash changes."""
    other = POSTED._replace(entry=replace(POSTED.entry, **{name: OTHERS[name]}))
    assert link_hash(GENESIS, other, "") != link_hash(GENESIS, POSTED, "")


@pytest.mark.parametrize("other", [{"n": 8}, {"run": 5}, {"posted_at": "2026-11-22T02:00:08Z"}])
def test_number_run_and_time_are_in_the_hash(other: dict[str, Any]) -> None:
    """Where and when an entry was posted is vouched for too."""
    assert link_hash(GENESIS, POSTED._replace(**other), "") != link_hash(GENESIS, POSTED, "")


def test_the_hash_before_and_the_note_are_in_the_hash() -> None:
    """A change anywhere earlier, or in the note, changes every hash after it."""
    plain = link_hash(GENESIS, POSTED, "")
    assert link_hash("1" * 64, POSTED, "") != plain
    assert link_hash(GENESIS, POSTED, note_digest("salt", "note")) != plain


def test_the_text_of_the_note_is_not_hashed() -> None:
    """The text of a note may be erased later; only its digest is vouched for."""
    without = POSTED._replace(entry=replace(POSTED.entry, note="Ада"))
    assert link_hash(GENESIS, without, "") == link_hash(GENESIS, POSTED, "")


def test_the_fields_of_an_entry_cannot_run_into_each_other() -> None:
    """Moving a letter from one field to the next is another entry."""
    one = replace(a_credit("1"), reason="ab", actor="c")
    other = replace(a_credit("1"), reason="a", actor="bc")
    hashes = {link_hash(GENESIS, Posted(1, entry, "", 1), "") for entry in (one, other)}
    assert len(hashes) == 2


def test_a_note_without_text_has_no_digest() -> None:
    """No note, no digest; the same note under two salts has two."""
    assert note_digest("salt", "") == ""
    assert note_digest("a", "note") != note_digest("b", "note")


def test_an_entry_is_equal_to_one_with_equal_content() -> None:
    """Entries are values."""
    assert an_award() == an_award()
    assert len({an_award(), an_award()}) == 1
    assert isinstance(an_award(), Entry)
