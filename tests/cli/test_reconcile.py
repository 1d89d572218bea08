"""Reconcile over a school with a history: silent when all is right, and all damage is named."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from coinsync import config
from coinsync import reconcile as proof
from coinsync.core.facts import Hold, HoldKind
from coinsync.core.ledger import LedgerRow
from coinsync.core.proof.checks import BY_ID, CHECKS, CRM_CHECKS, LEDGER_CHECKS, Severity
from coinsync.store import database as opening
from coinsync.store.models import ENTRY_COLUMNS
from coinsync.store.reader import Reader
from tests.support import chain, engines
from tests.support.school import (
    RULE,
    Installation,
    Said,
    a_school,
    listening,
    move_to_engine,
    open_installation,
)

ENGINES = engines.BOTH

# --- an installation that was used ---------------------------------------------------------------


def live(installation: Installation) -> None:
    """Two syncs, coins by hand, reversals, a merge, an erasure, every ruling on what is held."""
    installation.ok("sync")
    rich = sorted(
        (one for one, coins in installation.balances().items() if coins >= 40),
        key=lambda one: -installation.balances()[one],
    )
    clerk, merged, into, erased, *others = rich
    installation.ok("credit", f"#{clerk}", "50", "--reason", "won a cup", "--yes")
    installation.ok("debit", f"#{clerk}", "20", "--reason", "a badge", "--yes")
    installation.ok("reverse", str(installation.ledger()[-1].n), "--note", "wrong child", "--yes")
    installation.ok("debit", f"#{clerk}", "25", "--reason", "a cap", "--yes")
    installation.ok("reverse", "1", "--note", "was not there", "--yes")
    installation.ok("residents", "merge", f"#{merged}", f"#{into}", "--yes")
    installation.ok("credit", f"#{erased}", "5", "--reason", "tidy desk", "--yes")
    installation.ok("residents", "erase", f"#{erased}", "--yes")
    losers = [
        one for one in others if any(row.entry.resident == one for row in installation.ledger())
    ][-4:]
    for who in losers:
        installation.ok(
            "debit", f"#{who}", str(installation.balances()[who]), "--reason", "spent", "--yes"
        )
        lesson = next(
            row.entry.lesson
            for row in reversed(installation.ledger())
            if row.entry.resident == who and row.entry.lesson
        )
        installation.school.act("mark", lesson=lesson, customer=who, is_attend=0)
    installation.ok("sync")
    with installation.reader() as reader:
        cases = {
            kind: [hold for hold in reader.all(Hold) if hold.kind is kind] for kind in HoldKind
        }
    taken = [f"{one.lesson}:{one.resident}" for one in cases[HoldKind.REVERSAL]]
    visits = [f"{one.lesson}:{one.resident}" for one in cases[HoldKind.GUEST]]
    for word, case in zip(("post", "forgive", "waive"), taken, strict=False):
        installation.ok("review", word, case, "--note", "talked to the family", "--yes")
    for word, case in zip(("post", "waive"), visits, strict=False):
        installation.ok("review", word, case, "--note", "seen there", "--yes")
    installation.ok("sync")
    trade(installation, f"#{clerk}")


def trade(installation: Installation, buyer: str) -> None:
    """Goods with stock and without, sold, one of them taken back, another written off."""
    installation.ok("credit", buyer, "100", "--reason", "a fair is near", "--yes")
    goods = "code,name,price,tracked\nmug,Кружка,10,yes\nsticker,Наклейка,2,no\n"
    installation.ok("catalog", "load", installation.file("goods.csv", goods), "--yes")
    installation.ok("catalog", "stock", "receive", "mug", "5", "--yes")
    installation.ok("sell", buyer, "mug", "--quantity", "2", "--key", "kept", "--yes")
    installation.ok("sell", buyer, "sticker", "--quantity", "3", "--key", "loose", "--yes")
    installation.ok("sell", buyer, "mug", "--key", "back", "--yes")
    installation.ok("refund", "back", "--note", "broken", "--yes")
    installation.ok("catalog", "stock", "write-off", "mug", "1", "--note", "broken", "--yes")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation that was used."""
    folder = tmp_path_factory.mktemp("lived")
    with engines.using(None), listening(a_school()) as simulator:
        live(open_installation(folder, simulator))
    return folder


@pytest.fixture
def lived(furnished: Path, tmp_path: Path) -> Installation:
    """A copy of that installation, for one test alone; opened by whoever may see the guards."""
    installation = Installation(Path(shutil.copytree(furnished, tmp_path / "installation")))
    move_to_engine(installation)
    if installation.address:
        installation.environ["COINSYNC_DATABASE_URL"] = engines.as_owner(installation.address)
    return installation


def test_an_installation_on_this_engine_is_sound(tmp_path: Path) -> None:
    """Everything that staff do, by the account that writes.

    Then nothing is found, and the ledgers agree.
    """
    with listening(a_school()) as simulator:
        installation = open_installation(tmp_path, simulator)
        live(installation)
    said = installation.run("reconcile", "--json")
    assert [one for one in said.json["findings"] if one["severity"] == "error"] == []
    assert said.json["entries"] > 50


def behind_the_guards(installation: Installation) -> AbstractContextManager[Any]:
    """A plain connection to the database without triggers and references.

    The triggers stand again afterwards.
    """
    return engines.unguarded(installation.url)


def reseal(connection: sqlite3.Connection) -> None:
    """Chain the ledger anew and set all totals, as somebody does who hides his traces."""
    rows = [
        LedgerRow(*one)
        for one in connection.execute(f"SELECT {', '.join(ENTRY_COLUMNS)} FROM entry ORDER BY n")
    ]
    for (id,) in connection.execute("SELECT id FROM run").fetchall():
        mine = [row for row in rows if row.run == id]
        last = max((row.n for row in rows if row.run <= id), default=0)
        values = [len(mine), sum(row.coins for row in mine), last, id]
        connection.execute("UPDATE run SET entries = ?, coins = ?, n_last = ? WHERE id = ?", values)
    connection.execute("UPDATE head SET n = ?, runs = (SELECT COUNT(*) FROM run)", [len(rows)])
    chain.rechain(connection)


def one(connection: sqlite3.Connection, sql: str) -> tuple[Any, ...]:
    """The first row that a question finds; there must be one."""
    row = connection.execute(sql).fetchone()
    assert row is not None, sql
    return tuple(row)


# --- silence ------------------------------------------------------------------------------------


def test_an_installation_that_was_used_has_no_finding(lived: Installation) -> None:
    """After everything that a school does: exit 0, and quiet says nothing."""
    report = lived.ok("reconcile", "--json").json
    assert report["findings"] == []
    assert [check["id"] for check in report["checked"]] == list(proof.STORED)
    assert report["entries"] == len(lived.ledger())
    assert report["totals"]["balance"] == sum(row.entry.coins for row in lived.ledger())
    assert min(lived.balances().values()) < 0 < report["held"]
    kinds = {row.entry.kind.value for row in lived.ledger()}
    assert kinds == {"award", "reversal", "credit", "debit", "gift", "sale", "refund"}
    assert lived.ok("reconcile", "--quiet") == Said(0, "", "")


def test_a_person_sees_the_sums(lived: Installation) -> None:
    """A few lines; every check by name with -v."""
    said = lived.ok("reconcile").out
    assert "25 checks" in said
    assert "all is right" in said
    assert "in circulation" in said
    assert "held for a person to decide: coinsync review list" in said
    every = lived.ok("reconcile", "-v").out
    assert all(f"  {check.id} " in every for check in CHECKS if check not in CRM_CHECKS)
    assert every.count(" ok ") == len(proof.STORED)


@pytest.mark.sqlite
def test_the_ledger_is_read_once(lived: Installation) -> None:
    """One statement reads entries, whoever looks at them, and another one only their keys."""
    seen: list[str] = []
    opened = opening.open_readable(lived.url)
    with opening.reading(opened):
        opened.connection().set_trace_callback(seen.append)
        now = datetime.now(UTC)  # noqa: TID251 - the commands of this school ran by the real clock
        proved = proof.prove(Reader(opened), config.load(lived.config), now, branches=[1, 2])
        opened.connection().set_trace_callback(None)
    assert proved.findings == ()
    keys, entries = [sql for sql in seen if re.search(r'(?i)\b(from|join) "?entry\b', sql)]
    assert "GROUP BY" in keys
    assert "ORDER BY" in entries


# --- damage -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Damage:
    """What is done behind the guards.

    It returns what the finding must name. ``hidden``: hashes and totals are redone.

    ``alone`` that no other check speaks.
    """

    check: str
    name: str
    do: Callable[[sqlite3.Connection], str]
    mend: str
    hidden: bool = False
    alone: bool = True


DAMAGES: list[Damage] = []


def damage(
    check: str, mend: str, *, hidden: bool = False, alone: bool = True
) -> Callable[[Callable[[sqlite3.Connection], str]], Callable[[sqlite3.Connection], str]]:
    """Add a damage to the table under the check that is for it."""

    def add(do: Callable[[sqlite3.Connection], str]) -> Callable[[sqlite3.Connection], str]:
        DAMAGES.append(Damage(check, do.__name__, do, mend, hidden, alone))
        return do

    return add


HISTORY = "coinsync history 1"
RUNS = "coinsync journal"
OF_FILES = ("half_a_coin", "an_index_that_lies")


@damage("entry", HISTORY, hidden=True)
def an_entry_without_an_actor(c: sqlite3.Connection) -> str:
    """Nobody did it."""
    c.execute("UPDATE entry SET actor = '' WHERE n = 3")
    return "entry 3 (#"


@damage("entry", HISTORY, hidden=True)
def an_entry_without_a_day(c: sqlite3.Connection) -> str:
    """A day that no calendar has."""
    c.execute("UPDATE entry SET happened_on = '2026-02-30' WHERE n = 3")
    return "no day"


@damage("entry", HISTORY, hidden=True, alone=False)
def an_entry_of_no_coins(c: sqlite3.Connection) -> str:
    """The table forbids it; a file has no such manners."""
    here = isinstance(c, sqlite3.Connection)
    c.execute("PRAGMA ignore_check_constraints = 1" if here else "SET check_constraint_checks = 0")
    c.execute("UPDATE entry SET coins = 0 WHERE n = 3")
    return "entry 3 (#"


@damage("entry", "coinsync journal", alone=False)
def half_a_coin(c: sqlite3.Connection) -> str:
    """SQLite stores a fraction in a column of whole numbers."""
    c.execute("UPDATE entry SET coins = 7.5 WHERE n = 3")
    return "entry 3: coins"


@damage("numbers", "coinsync journal", hidden=True, alone=False)
def an_entry_that_is_gone(c: sqlite3.Connection) -> str:
    """A hole in the middle, everything around it redone."""
    c.execute("DELETE FROM entry WHERE n = 5")
    return "entry 5 is missing"


@damage("numbers", "coinsync journal")
def a_head_that_counts_wrongly(c: sqlite3.Connection) -> str:
    """The next writer would number its entries wrongly."""
    c.execute("UPDATE head SET n = n + 1")
    return "the head counts"


@damage("keys", HISTORY, hidden=True)
def an_award_under_the_key_of_nothing(c: sqlite3.Connection) -> str:
    """A lesson could be paid twice."""
    n, *_ = one(c, "SELECT n FROM entry WHERE kind = 'credit' ORDER BY n DESC")
    c.execute("UPDATE entry SET op_key = 'Desk 1' WHERE n = ?", [n])
    return f"entry {n} (#"


@damage("keys", HISTORY, hidden=True)
def a_number_left_out_under_a_key(c: sqlite3.Connection) -> str:
    """The second entry under a key that has no first."""
    n, *_ = one(c, "SELECT n FROM entry WHERE kind = 'credit'")
    c.execute("UPDATE entry SET seq = 2 WHERE n = ?", [n])
    return "number 2 under its key after 0"


@damage("keys", HISTORY, hidden=True, alone=False)
def a_lesson_paid_twice(c: sqlite3.Connection) -> str:
    """A second award under a key where one stands."""
    n, key = one(c, f"SELECT n, op_key FROM entry WHERE kind = 'award' AND {_UNTOUCHED}")
    columns = ", ".join(ENTRY_COLUMNS)
    values = "(SELECT MAX(n) + 1 FROM entry), op_key, 2, " + ", ".join(ENTRY_COLUMNS[3:])
    c.execute(f"INSERT INTO entry ({columns}) SELECT {values} FROM entry WHERE op_key = ?", [key])
    return f"while entry {n} stands under its key"


@damage("reversals", HISTORY, hidden=True)
def a_reversal_of_another_sum(c: sqlite3.Connection) -> str:
    """It takes back less than was given."""
    n, *_ = one(c, "SELECT n FROM entry WHERE kind = 'reversal' AND coins < 0 ORDER BY n")
    c.execute("UPDATE entry SET coins = coins + 1 WHERE n = ?", [n])
    return f"entry {n} (#"


@damage("reversals", HISTORY, hidden=True)
def a_reversal_of_another_entry(c: sqlite3.Connection) -> str:
    """It names an entry of another key."""
    n, *_ = one(c, "SELECT n FROM entry WHERE kind = 'reversal' ORDER BY n")
    c.execute("UPDATE entry SET reverses = 2 WHERE n = ?", [n])
    return "takes back entry 2"


@damage("floors", HISTORY, hidden=True)
def a_debit_below_zero(c: sqlite3.Connection) -> str:
    """A clerk who took more than there was."""
    taken = "SELECT reverses FROM entry WHERE reverses IS NOT NULL"
    n, who, run = one(
        c, f"SELECT n, resident_id, run_id FROM entry WHERE kind = 'debit' AND n NOT IN ({taken})"
    )
    c.execute("UPDATE entry SET coins = -100000 WHERE n = ?", [n])
    return f"run {run} left #{who} at -"


@damage("floors", HISTORY, hidden=True)
def a_review_that_was_none(c: sqlite3.Connection) -> str:
    """A reversal below zero under another purpose."""
    run, who = one(
        c,
        "SELECT r.id, e.resident_id FROM run r JOIN entry e ON e.run_id = r.id"
        " WHERE r.purpose = 'review' AND r.coins < 0",
    )
    c.execute("UPDATE run SET purpose = 'desk' WHERE id = ?", [run])
    return f"run {run} left #{who} at -"


@damage("chain", RUNS)
def another_reason(c: sqlite3.Connection) -> str:
    """One word, nothing else."""
    c.execute("UPDATE entry SET reason = 'gift' WHERE n = 7")
    run, *_ = one(c, "SELECT run_id FROM entry WHERE n = 7")
    return f"run {run} does not follow"


@damage("chain", RUNS)
def another_actor(c: sqlite3.Connection) -> str:
    """Somebody else is said to have done it."""
    c.execute("UPDATE run SET actor = 'boris' WHERE id = 2")
    return "run 2 does not follow"


@damage("chain", RUNS)
def another_clerk(c: sqlite3.Connection) -> str:
    """The same of a sale."""
    run, *_ = one(c, "SELECT run_id FROM sale ORDER BY run_id")
    c.execute("UPDATE sale SET actor = 'boris' WHERE run_id = ?", [run])
    return f"run {run} does not follow"


@damage("chain", RUNS)
def goods_on_another_day(c: sqlite3.Connection) -> str:
    """What came in is said to have come another day."""
    run, *_ = one(c, "SELECT run_id FROM stock_move WHERE kind = 'receive' ORDER BY n")
    c.execute("UPDATE stock_move SET happened_on = '2020-01-01' WHERE run_id = ?", [run])
    return f"run {run} does not follow"


@damage("runs", RUNS)
def goods_that_nobody_brought(c: sqlite3.Connection) -> str:
    """A move of stock of a run that there is not."""
    c.execute(
        "INSERT INTO stock_move SELECT n + 1, 'new', item_code, 1, 'receive', happened_on, actor,"
        " '', '', 9999, posted_at FROM stock_move ORDER BY n DESC LIMIT 1"
    )
    c.execute("UPDATE head SET stock = stock + 1")
    return "rows of stock_move belong to no recorded run"


@damage("notes", "coinsync catalog stock list")
def another_note_about_goods(c: sqlite3.Connection) -> str:
    """Other words than were typed when pieces were written off."""
    n, *_ = one(c, "SELECT n FROM note WHERE n < 0 ORDER BY n DESC")
    c.execute("UPDATE note SET text = 'stolen' WHERE n = ?", [n])
    return f"move of stock {-n}: its note is another one"


@damage("chain", RUNS, alone=False)
def one_amount(c: sqlite3.Connection) -> str:
    """More coins for a lesson: chain and totals speak, and the engine calls the file sound."""
    n, *_ = one(c, f"SELECT n FROM entry WHERE kind = 'award' AND {_UNTOUCHED}")
    c.execute("UPDATE entry SET coins = 85 WHERE n = ?", [n])
    run, *_ = one(c, f"SELECT run_id FROM entry WHERE n = {n}")
    return f"run {run} does not follow"


@damage("runs", "coinsync journal", alone=False)
def another_total(c: sqlite3.Connection) -> str:
    """A run that says it moved other coins."""
    c.execute("UPDATE run SET coins = coins + 1 WHERE id = 2")
    return "run 2"


@damage("runs", "coinsync journal", alone=False)
def a_run_that_is_gone(c: sqlite3.Connection) -> str:
    """One without entries; nothing else would notice."""
    run, *_ = one(c, "SELECT id FROM run WHERE entries = 0 ORDER BY id")
    c.execute("DELETE FROM run WHERE id = ?", [run])
    return f"it stands where run {run} should"


@damage("circulation", "coinsync balance", hidden=True, alone=False)
def coins_of_no_kind(c: sqlite3.Connection) -> str:
    """Coins of which nobody knows why they came."""
    n, *_ = one(c, "SELECT n FROM entry WHERE kind = 'credit'")
    c.execute("UPDATE entry SET kind = 'bonus' WHERE n = ?", [n])
    return "should be in circulation"


@damage("notes", HISTORY)
def another_note(c: sqlite3.Connection) -> str:
    """Other words than were typed."""
    n, *_ = one(c, "SELECT n FROM note WHERE n > 0 ORDER BY n")
    c.execute("UPDATE note SET text = 'won two cups' WHERE n = ?", [n])
    return f"entry {n} (#"


@damage("notes", HISTORY)
def a_note_that_is_gone(c: sqlite3.Connection) -> str:
    """Nobody was erased, and yet the words are."""
    n, *_ = one(c, "SELECT n FROM note WHERE n > 0 ORDER BY n")
    c.execute("DELETE FROM note WHERE n = ?", [n])
    return f"entry {n} (#"


@damage("notes", "coinsync journal")
def a_note_without_an_entry(c: sqlite3.Connection) -> str:
    """Words that no entry vouches for."""
    c.execute("INSERT INTO note VALUES (1000000, 'salt', 'who says so?')")
    return "note 1000000"


#: Lessons' awards that stand, of residents who have no hold, no decision and no reversal.
_UNTOUCHED = (
    "resident_id NOT IN (SELECT resident_id FROM hold UNION SELECT resident_id FROM decision"
    " UNION SELECT resident_id FROM entry WHERE kind = 'reversal'"
    " UNION SELECT id FROM resident WHERE presence = 'erased'"
    " UNION SELECT resident_id FROM merged_card UNION SELECT into_id FROM merged_card)"
)


@damage("rules", "coinsync sync --rerate --since ", hidden=True)
def an_award_of_another_sum(c: sqlite3.Connection) -> str:
    """More than the rules give, every trace hidden: the rules still do not say so."""
    n, lesson, who = one(
        c, f"SELECT n, lesson_id, resident_id FROM entry WHERE kind = 'award' AND {_UNTOUCHED}"
    )
    c.execute("UPDATE entry SET coins = 11 WHERE n = ?", [n])
    return f"lesson {lesson}, #{who}: posted 11, the rules give 10"


@damage("rules", "coinsync sync --rerate --since ")
def a_mark_that_nobody_made(c: sqlite3.Connection) -> str:
    """A stored mark that earns coins which are not posted."""
    lesson, who = one(
        c,
        "SELECT lesson_id, resident_id FROM attendance"
        f" WHERE mark = 'attended' AND standing = 'member' AND {_UNTOUCHED}"
        " AND EXISTS (SELECT 1 FROM entry WHERE entry.lesson_id = attendance.lesson_id"
        " AND entry.resident_id = attendance.resident_id)",
    )
    c.execute(
        "UPDATE attendance SET mark = 'absent' WHERE lesson_id = ? AND resident_id = ?",
        [lesson, who],
    )
    return f"lesson {lesson}, #{who}: posted 10, the rules give 0 (absent)"


@damage("lessons", HISTORY)
def an_award_for_a_lesson_that_lists_nobody(c: sqlite3.Connection) -> str:
    """The attendance behind an award is gone."""
    n, lesson, who = one(
        c, f"SELECT n, lesson_id, resident_id FROM entry WHERE kind = 'award' AND {_UNTOUCHED}"
    )
    c.execute("DELETE FROM attendance WHERE lesson_id = ? AND resident_id = ?", [lesson, who])
    return f"entry {n}: lesson {lesson} does not list #{who}"


@damage("holds", "coinsync sync --since ")
def a_hold_of_other_coins(c: sqlite3.Connection) -> str:
    """A question that is no longer the one that was asked."""
    key, lesson, who = one(c, "SELECT op_key, lesson_id, resident_id FROM hold ORDER BY op_key")
    c.execute("UPDATE hold SET coins = coins + 1 WHERE op_key = ?", [key])
    return f"lesson {lesson}, #{who}"


@damage("holds", "coinsync sync --since ")
def a_hold_about_nothing(c: sqlite3.Connection) -> str:
    """The lesson is not recorded."""
    who, *_ = one(c, "SELECT MIN(resident_id) FROM hold")
    key = f"alfacrm:test:lesson:999999:{who}"
    c.execute(
        "INSERT INTO hold VALUES (?, 'guest', 1, 999999, ?, '2026-11-02', 10, 'guest')", [key, who]
    )
    return f"lesson 999999, #{who} is not recorded"


@damage("holds", HISTORY, alone=False)
def a_decision_about_other_coins(c: sqlite3.Connection) -> str:
    """A person decided about a stand that never was."""
    lesson, who = one(c, "SELECT lesson_id, resident_id FROM decision ORDER BY op_key")
    c.execute(
        "UPDATE decision SET seq = seq + 5 WHERE lesson_id = ? AND resident_id = ?", [lesson, who]
    )
    return f"decision on lesson {lesson}, #{who}"


@damage("links", "coinsync residents unmerge '#")
def a_link_to_a_merged_card(c: sqlite3.Connection) -> str:
    """Somebody sees a card that goes on as another."""
    card, into = one(c, "SELECT resident_id, into_id FROM merged_card")
    c.execute("INSERT INTO link VALUES (77, ?, 'desk', 1)", [card])
    return f"VK 77 sees #{card}, who goes on as #{into}"


@damage("erased", "coinsync residents erase '#")
def an_open_membership_of_an_erased_card(c: sqlite3.Connection) -> str:
    """A sync went on recording the child."""
    who, *_ = one(c, "SELECT id FROM resident WHERE presence = 'erased'")
    group, *_ = one(c, "SELECT id FROM study_group")
    c.execute("INSERT INTO membership VALUES (?, ?, '2026-11-30', NULL)", [who, group])
    return f"#{who}: an open membership"


@damage("links", "coinsync residents erase '#")
def a_link_to_an_erased_card(c: sqlite3.Connection) -> str:
    """Even a revoked one says whose parent somebody is."""
    who, *_ = one(c, "SELECT id FROM resident WHERE presence = 'erased'")
    c.execute("INSERT INTO link VALUES (77, ?, 'desk', 0)", [who])
    return f"VK 77 with #{who}"


@damage("links", "coinsync residents erase '#")
def a_page_of_an_erased_card(c: sqlite3.Connection) -> str:
    """The screen name of the family."""
    who, *_ = one(c, "SELECT id FROM resident WHERE presence = 'erased'")
    c.execute("INSERT INTO vk_page VALUES (?, 'ada', 'person', 77, '2026-11-02')", [who])
    return f"a VK page of #{who}"


@damage("merges", "coinsync residents unmerge '#", alone=False)
def a_merge_into_nobody(c: sqlite3.Connection) -> str:
    """A card goes on as one that is not recorded."""
    card, *_ = one(c, "SELECT resident_id FROM merged_card")
    c.execute("UPDATE merged_card SET into_id = 888888 WHERE resident_id = ?", [card])
    return f"#{card} goes on as #888888"


@damage("merges", "coinsync residents unmerge '#", alone=False)
def a_circle_of_cards(c: sqlite3.Connection) -> str:
    """Two cards that go on as each other."""
    card, into = one(c, "SELECT resident_id, into_id FROM merged_card")
    c.execute("INSERT INTO merged_card VALUES (?, ?, ',', ?)", [into, card, f",{card},"])
    return f"#{card} goes on as #{into}, and so back to itself"


@damage("erased", "coinsync residents erase '#")
def a_name_of_the_erased(c: sqlite3.Connection) -> str:
    """Somebody wrote it back."""
    who, *_ = one(c, "SELECT id FROM resident WHERE presence = 'erased'")
    c.execute("UPDATE resident SET name = 'Ада М.' WHERE id = ?", [who])
    return f"#{who}: name"


SALES, STOCK = "coinsync shop sales", "coinsync catalog stock list"


@damage("sales", SALES, alone=False)
def a_purchase_without_a_sale(c: sqlite3.Connection) -> str:
    """The coins are gone, and nobody knows for what."""
    c.execute("DELETE FROM sale_line WHERE sale_id = 'loose'")
    c.execute("DELETE FROM sale WHERE id = 'loose'")
    return "sale loose: coins moved"


@damage("sales", SALES, hidden=True)
def a_sale_at_another_price(c: sqlite3.Connection) -> str:
    """The line says less than was paid."""
    c.execute("UPDATE sale_line SET price = 1 WHERE sale_id = 'loose'")
    return "sale loose: its lines cost 3, 6 were paid"


@damage("sales", SALES, alone=False)
def a_sale_of_nothing(c: sqlite3.Connection) -> str:
    """What was bought is forgotten."""
    c.execute("DELETE FROM sale_line WHERE sale_id = 'loose'")
    return "sale loose: nothing was bought"


@damage("sales", SALES, hidden=True)
def a_refund_that_nobody_gave(c: sqlite3.Connection) -> str:
    """The goods came back, the coins did not."""
    c.execute("INSERT INTO refund_line VALUES ('loose', 1, '2026-11-20', 'anna', 2)")
    return "sale loose: lines of 6 came back, 0 were returned"


@damage("sales", SALES, hidden=True)
def a_refund_of_a_line_that_was_never_sold(c: sqlite3.Connection) -> str:
    """The sale has one line."""
    c.execute("INSERT INTO refund_line VALUES ('loose', 7, '2026-11-20', 'anna', 2)")
    return "sale loose: line 7 came back"


@damage("stock", STOCK, hidden=True)
def pieces_that_were_never_there(c: sqlite3.Connection) -> str:
    """More was written off than was left."""
    c.execute("UPDATE stock_move SET quantity = -9 WHERE kind = 'write_off'")
    return "of mug are left"


@damage("stock", STOCK, hidden=True)
def a_receipt_that_takes(c: sqlite3.Connection) -> str:
    """What is written off does not make more."""
    c.execute("UPDATE stock_move SET quantity = 1 WHERE kind = 'write_off'")
    return "+1 by write_off"


@damage("stock", STOCK, hidden=True, alone=False)
def a_move_that_is_missing(c: sqlite3.Connection) -> str:
    """The last move is gone, the head remembers it."""
    c.execute("DELETE FROM stock_move WHERE kind = 'write_off'")
    return "the head counts"


@damage("stock", STOCK, hidden=True, alone=False)
def a_gap_in_the_numbers_of_stock(c: sqlite3.Connection) -> str:
    """A number is skipped."""
    c.execute("UPDATE stock_move SET n = n + 1 WHERE kind = 'write_off'")
    return "stands where"


@damage("stock", SALES, hidden=True)
def more_pieces_than_were_sold(c: sqlite3.Connection) -> str:
    """Two were bought, three left the shelf."""
    c.execute("UPDATE stock_move SET quantity = -3 WHERE sale_id = 'kept'")
    return "sale kept: 3 of mug left, by its lines 2"


@damage("facts", "coinsync doctor")
def a_presence_that_no_program_knows(c: sqlite3.Connection) -> str:
    """A word that nobody understands."""
    who, *_ = one(c, "SELECT MAX(id) FROM resident")
    c.execute("UPDATE resident SET presence = 'asleep' WHERE id = ?", [who])
    return f"resident {who}"


@damage("facts", "coinsync doctor", alone=False)
def a_mark_that_no_program_knows(c: sqlite3.Connection) -> str:
    """The month in which it stands cannot be compared."""
    lesson, day = one(
        c,
        "SELECT l.id, l.held_on FROM lesson l JOIN attendance a ON a.lesson_id = l.id"
        " ORDER BY l.id",
    )
    c.execute("UPDATE attendance SET mark = 'asleep' WHERE lesson_id = ?", [lesson])
    return f"a mark in '{day[:7]}'"


@damage("references", "coinsync doctor")
def a_membership_of_nobody(c: sqlite3.Connection) -> str:
    """It refers to a resident who is not there."""
    c.execute("INSERT INTO membership VALUES (777777, 1, '2026-01-01', NULL)")
    return "membership, row "


@damage("file", "coinsync doctor", alone=False)
def an_index_that_lies(c: sqlite3.Connection) -> str:
    """One byte in the file: a key in the table is no longer the one in its index."""
    key, *_ = one(c, f"SELECT op_key FROM entry WHERE kind = 'award' AND {_UNTOUCHED}")
    c.commit()
    c.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    path = Path(one(c, "PRAGMA database_list")[2])
    content, wrong = path.read_bytes(), key.replace("alfacrm", "alfacrn")
    assert content.count(key.encode()) == 2
    path.write_bytes(content.replace(key.encode(), wrong.encode(), 1))
    return "missing from index"


@damage("schema", "coinsync db migrate")
def a_guard_that_is_gone(c: sqlite3.Connection) -> str:
    """The ledger could be changed by anybody who can write."""
    return "guard entry_no_update"


@damage("schema", "coinsync doctor")
def a_unique_index_that_is_gone(c: sqlite3.Connection) -> str:
    """A lesson could be posted twice by two at once."""
    if isinstance(c, sqlite3.Connection):
        name, *_ = one(
            c, "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%UNIQUE%op_key%'"
        )
        c.execute(f"DROP INDEX {name}")
    else:
        name, *_ = one(
            c,
            "SELECT index_name FROM information_schema.statistics WHERE non_unique = 0"
            " AND table_schema = DATABASE() AND table_name = 'entry' AND column_name = 'op_key'",
        )
        c.execute(f"DROP INDEX {name} ON entry")
    return "unique index entry (op_key, seq) is missing"


@damage("schema", "coinsync doctor")
def a_trigger_that_is_not_ours(c: sqlite3.Connection) -> str:
    """It could do anything whenever somebody writes."""
    here = isinstance(c, sqlite3.Connection)
    body = "BEGIN SELECT 1; END" if here else "FOR EACH ROW SET @seen = 1"
    c.execute(f"CREATE TRIGGER helper AFTER INSERT ON note {body}")
    return "trigger helper is not ours"


@damage("fresh", "coinsync sync --branch 2", hidden=True)
def a_branch_that_was_never_synced(c: sqlite3.Connection) -> str:
    """Nobody would notice that its coins do not come."""
    c.execute("UPDATE run SET branch = 1 WHERE branch = 2")
    return "branch 2 was never synced"


@damage("private", HISTORY, hidden=True)
def a_telephone_as_a_reason(c: sqlite3.Connection) -> str:
    """Families read reasons, and backups keep them."""
    n, *_ = one(c, "SELECT n FROM entry WHERE kind = 'credit'")
    c.execute("UPDATE entry SET reason = 'ask mum, +7 912 000-00-00' WHERE n = ?", [n])
    return f"entry {n} (#"


def done(installation: Installation, wrong: Damage) -> str:
    """Do the damage, with everything redone that hides it."""
    with behind_the_guards(installation) as connection:
        named = wrong.do(connection)
        if wrong.hidden:
            reseal(connection)
    if wrong.name == "a_guard_that_is_gone":
        with engines.tampering(installation.url) as connection:
            connection.execute("DROP TRIGGER entry_no_update")
    return named


def check_found(lived: Installation, wrong: Damage) -> None:
    """Exit 4, the check that is for it, the case named, and the command that shows or mends it."""
    named = done(lived, wrong)
    said = lived.run("reconcile", "--json")
    found = {finding["check"]: finding for finding in said.json["findings"]}
    assert said.code == 4
    assert wrong.check in found, found
    finding = found[wrong.check]
    assert any(named in example for example in finding["examples"]), finding
    assert finding["mend"].startswith(wrong.mend)
    assert finding["severity"] == BY_ID[wrong.check].severity
    if wrong.alone:
        assert list(found) == [wrong.check], found
    alone = lived.run("reconcile", "--check", wrong.check, "--json")
    assert [one["check"] for one in alone.json["findings"]] == [wrong.check]


def told_as(wrong: Damage) -> str:
    """How a damage is named among the tests."""
    return f"{wrong.check}: {wrong.name}"


@pytest.mark.parametrize("wrong", [one for one in DAMAGES if one.name not in OF_FILES], ids=told_as)
def test_each_kind_of_damage_is_found(lived: Installation, wrong: Damage) -> None:
    """On both engines."""
    check_found(lived, wrong)


@pytest.mark.sqlite
@pytest.mark.parametrize("wrong", [one for one in DAMAGES if one.name in OF_FILES], ids=told_as)
def test_damage_that_only_a_file_can_have_is_found(lived: Installation, wrong: Damage) -> None:
    """A server's columns know their types, and its indexes are its own."""
    check_found(lived, wrong)


def test_every_check_has_a_damage() -> None:
    """No check of what is stored is here that nobody has seen speak.

    Those of the CRM are seen below, ``test_seal`` has seals, ``test_doubts`` what is only a note.
    """
    elsewhere = {"seal", *(check.id for check in CRM_CHECKS)}
    errors = {check.id for check in CHECKS if check.severity is not Severity.NOTE}
    assert {wrong.check for wrong in DAMAGES} == errors - elsewhere


# --- damage that reaches deeper -----------------------------------------------------------------


def patched(installation: Installation, old: bytes, new: bytes) -> None:
    """Other bytes in the file of the database, once, past SQLite."""
    path = opening.path_of(installation.url)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


@pytest.mark.sqlite
def test_one_amount_changed_in_the_file_is_found_though_the_engine_calls_it_sound(
    lived: Installation,
) -> None:
    """Five coins become eighty-five: integrity_check says ok, chain and totals do not."""
    with lived.reader() as reader:
        row = next(row for row in reader.ledger() if row.kind == "credit")
    with closing(sqlite3.connect(opening.path_of(lived.url))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    path = opening.path_of(lived.url)
    content = bytearray(path.read_bytes())
    # In a record key, number, resident and coins stand side by side; the kind follows.
    at = content.index(row.key.encode(), 0)
    while content[at + len(row.key) : at + len(row.key) + 60].find(b"credit") < 0:
        at = content.index(row.key.encode(), at + 1)
    coins = content.index(b"credit", at) - 1
    assert content[coins] == row.coins
    content[coins] = 85
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    said = lived.run("reconcile", "--json")
    found = {finding["check"]: finding for finding in said.json["findings"]}
    assert said.code == 4
    assert {"chain", "runs"} <= set(found)
    assert found["chain"]["examples"] == [
        f"run {row.run} does not follow from the run before and what it wrote"
    ]


@pytest.mark.sqlite
def test_a_text_that_is_no_text_is_a_finding(lived: Installation) -> None:
    """Half a letter in a note: all is still checked, and the message does not repeat the text."""
    with engines.tampering(lived.url) as connection:
        n, *_ = one(connection, "SELECT n FROM note WHERE n > 0 ORDER BY n")
        connection.execute("UPDATE note SET text = CAST(x'D0D1' AS TEXT) WHERE n = ?", [n])
    report = lived.run("reconcile", "--json").json
    assert [finding["check"] for finding in report["findings"]] == ["notes"]
    assert len(report["checked"]) == len(proof.STORED)


@pytest.mark.sqlite
def test_half_a_letter_in_an_entry_is_the_chains(lived: Installation) -> None:
    """The row is taken with a mark in the place of what is damaged."""
    with behind_the_guards(lived) as connection:
        connection.execute("UPDATE entry SET reason = CAST(x'D0' AS TEXT) WHERE n = 3")
    report = lived.run("reconcile", "--json").json
    assert [finding["check"] for finding in report["findings"]] == ["chain"]


@pytest.mark.sqlite
def test_a_torn_file_is_a_finding_and_no_traceback(lived: Installation) -> None:
    """Where the engine refuses an answer the checks that needed it are not called right."""
    path = opening.path_of(lived.url)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        root, size = (
            one(connection, "SELECT rootpage, 0 FROM sqlite_master WHERE name = 'entry'")[0],
            4096,
        )
    content = bytearray(path.read_bytes())
    content[(root - 1) * size : (root - 1) * size + 200] = b"\xff" * 200
    path.write_bytes(content)
    said = lived.run("reconcile", "--json")
    assert said.code == 4
    (found,) = [finding for finding in said.json["findings"] if finding["check"] == "file"]
    assert any("not checked: chain, circulation" in example for example in found["examples"])
    made = {check["id"] for check in said.json["checked"]}
    assert not made & {check.id for check in LEDGER_CHECKS}
    assert "links" in made


def test_a_missing_head_is_told(lived: Installation) -> None:
    """The one row that every writer changes first."""
    with engines.tampering(lived.url) as connection:
        connection.execute("DELETE FROM head")
    (found,) = lived.run("reconcile", "--json").json["findings"]
    assert found["examples"] == ["the head is missing"]


def test_a_difference_under_a_broken_ledger_is_the_ledgers(lived: Installation) -> None:
    """Posted coins that the rules do not give are no matter of rules while the chain is broken."""
    wrong = next(wrong for wrong in DAMAGES if wrong.name == "one_amount")
    done(lived, wrong)
    found = {
        finding["check"]: finding for finding in lived.run("reconcile", "--json").json["findings"]
    }
    assert found["rules"]["mend"] == RUNS


# --- the ways out -------------------------------------------------------------------------------


def mend(installation: Installation, check: str) -> None:
    """Run the command that the finding of a check names."""
    found = {
        finding["check"]: finding
        for finding in installation.run("reconcile", "--json").json["findings"]
    }
    words = found[check]["mend"].replace("'", "").split()[1:]
    installation.ok(*words, *(["--yes"] if words[0] in ("residents", "links") else []))


@pytest.mark.parametrize(
    "name",
    [
        "a_guard_that_is_gone",
        "a_link_to_an_erased_card",
        "a_link_to_a_merged_card",
        "a_page_of_an_erased_card",
        "a_name_of_the_erased",
    ],
)
def test_the_way_out_leads_out(lived: Installation, name: str) -> None:
    """The command that a finding names makes the installation clean again."""
    wrong = next(wrong for wrong in DAMAGES if wrong.name == name)
    done(lived, wrong)
    mend(lived, wrong.check)
    left = {finding["check"] for finding in lived.run("reconcile", "--json").json["findings"]}
    # Cards that are parted have visits of their own again, and the next sync pays them.
    assert left == ({"rules"} if name == "a_link_to_a_merged_card" else set())


def test_a_changed_rate_is_a_finding_until_it_is_posted(synced: Installation) -> None:
    """Rules changed in the past move nothing by themselves.

    The named command posts what they give.
    """
    synced.configure(rule=[{**RULE, "coins": 12}], guards__reversals_free=1000)
    said = synced.run("reconcile", "--json")
    found = {finding["check"]: finding for finding in said.json["findings"]}
    # Visits that are held are worth more now too, which the next sync writes down.
    assert (said.code, set(found)) == (4, {"rules", "holds"})
    mend(synced, "rules")
    assert synced.ok("reconcile", "--json").json["findings"] == []


# --- against the CRM ----------------------------------------------------------------------------


def fresh(installation: Installation, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Reconcile against a fresh reading: the exit code, and what was found by check."""
    said = installation.run("reconcile", "--with-crm", "--json", *words)
    return said.code, {finding["check"]: finding for finding in said.json["findings"]}


def test_right_after_a_sync_the_crm_says_what_is_recorded(synced: Installation) -> None:
    """No finding, although visits wait for a person: those are known. Nothing is written."""
    before = synced.content()
    said = synced.ok("reconcile", "--with-crm", "--json").json
    assert said["findings"] == []
    assert said["held"] > 0
    assert [check["id"] for check in said["checked"]] == [check.id for check in CHECKS]
    assert synced.content() == before
    with synced.reader() as reader:
        assert reader.head().runs == 2 + 2 * 2


def test_what_changed_in_the_crm_is_the_crms(synced: Installation) -> None:
    """A mark that was changed: the case with its coins, and sync as the way out."""
    lesson = synced.paid_lessons()[-1].id
    who = synced.paid_resident(lesson)
    synced.school.act("mark", lesson=lesson, customer=who, is_attend=0)
    code, found = fresh(synced)
    assert (code, list(found)) == (4, ["crm"])
    assert found["crm"]["examples"] == [f"lesson {lesson}, #{who}: -10"]
    assert found["crm"]["severity"] == "warning"
    synced.ok(*found["crm"]["mend"].split()[1:])
    assert fresh(synced) == (0, {})


def test_what_a_sync_would_hold_is_a_persons(synced: Installation) -> None:
    """Coins that are spent already: the CRM's fact, and a person's word."""
    lesson = synced.paid_lessons()[-1].id
    who = synced.paid_resident(lesson)
    synced.ok("debit", f"#{who}", str(synced.balances()[who]), "--reason", "spent", "--yes")
    synced.school.act("mark", lesson=lesson, customer=who, is_attend=0)
    code, found = fresh(synced)
    assert (code, set(found)) == (4, {"crm", "person"})
    assert found["person"]["examples"] == [f"lesson {lesson}, #{who}: -10 (absent)"]
    assert "coinsync review list" in found["person"]["mend"]
    synced.ok("sync")
    assert fresh(synced) == (0, {})


def test_what_changed_in_the_rules_is_the_rules(synced: Installation) -> None:
    """Not the CRM's: it says what it said before."""
    synced.configure(rule=[{**RULE, "coins": 12}])
    code, found = fresh(synced)
    assert (code, set(found)) == (4, {"rules", "holds", "person"})
    assert "--rerate" in found["rules"]["mend"]


def test_coins_that_nothing_explains_are_the_ledgers(synced: Installation) -> None:
    """An amount changed behind the guards while the CRM says what it said before."""
    with behind_the_guards(synced) as connection:
        connection.execute("UPDATE entry SET coins = 85 WHERE n = 4")
    code, found = fresh(synced)
    assert code == 4
    assert {"chain", "runs", "rules"} == set(found)
    assert "--rerate" not in found["rules"]["mend"]


def test_what_cannot_be_read_is_told_with_its_own_exit_code(synced: Installation) -> None:
    """Nothing differs as far as is known: 3 where a branch could be read, 75 where none could.

    Told on stderr.
    """
    assert synced.simulator is not None
    synced.simulator.faults.add("empty_first_page", match="2/lesson/index")
    said = synced.run("reconcile", "--with-crm")
    assert said.code == 3
    assert said.err.startswith("unread: ")
    assert "incomplete read" in said.err
    assert "unread" not in said.out
    synced.simulator.faults.clear()
    synced.simulator.faults.add("error_503", match="index")
    code, found = fresh(synced)
    assert (code, list(found)) == (75, ["unread"])
    # A difference that is known outranks what could not be read.
    with behind_the_guards(synced) as connection:
        connection.execute("UPDATE head SET n = n + 1")
    assert fresh(synced)[0] == 4


def test_an_answer_that_a_guard_doubts_is_a_difference(synced: Installation) -> None:
    """An emptied branch is one finding, not hundreds."""
    synced.school.act("empty", branch=2)
    code, found = fresh(synced)
    assert (code, list(found)) == (4, ["crm"])
    assert "residents" in found["crm"]["examples"][0] or "lessons" in found["crm"]["examples"][0]
    assert found["crm"]["mend"] == "coinsync sync --dry-run"


def test_the_branch_can_be_chosen(synced: Installation) -> None:
    """Another one is not read."""
    lesson = synced.paid_lessons()[0]
    synced.school.act("cancel", lesson=lesson.id)
    assert fresh(synced, "--branch", "2") == (0, {})
    code, found = fresh(synced, "--branch", "1")
    assert (code, found["crm"]["mend"]) == (4, "coinsync sync")


# --- how it is called ---------------------------------------------------------------------------


def test_only_named_checks_are_made(lived: Installation) -> None:
    """Several may be named; an unknown id lists the known ones."""
    report = lived.ok("reconcile", "--check", "links", "--check", "chain", "--json").json
    assert [check["id"] for check in report["checked"]] == ["chain", "links"]
    said = lived.run("reconcile", "--check", "everything")
    assert said.code == 2
    assert all(check.id in said.err for check in CHECKS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--check", "crm"], "needs --with-crm"),
        (["--as-of", "2026-11-20", "--check", "links"], "cannot be made with --as-of"),
        (["--as-of", "2026-11-20", "--with-crm"], "--as-of looks back"),
        (["--as-of", "soon"], "is no day"),
    ],
)
def test_what_does_not_go_together_is_refused(
    lived: Installation, words: list[str], told: str
) -> None:
    """Exit 2, and the line says why."""
    said = lived.run("reconcile", *words)
    assert said.code == 2
    assert told in said.err


def test_the_ledger_of_a_day_is_a_part_of_it(lived: Installation) -> None:
    """Only what was posted until then counts, and only the ledger is looked at."""
    last = lived.ledger()[-1].posted_at
    half = len(lived.ledger()) // 2
    with behind_the_guards(lived) as connection:
        run, *_ = one(connection, f"SELECT run_id FROM entry WHERE n = {half}")
        end, *_ = one(connection, f"SELECT MAX(n) FROM entry WHERE run_id = {run}")
        connection.execute(
            "UPDATE entry SET posted_at = '2020-02-01T02:00:00Z' WHERE n <= ?", [end]
        )
        connection.execute("UPDATE run SET posted_at = '2020-02-01T02:00:00Z' WHERE id <= ?", [run])
        reseal(connection)
    report = lived.ok("reconcile", "--as-of", "2020-02-01", "--json").json
    assert report["entries"] == end
    assert report["totals"]["balance"] == sum(row.entry.coins for row in lived.ledger()[:end])
    assert [check["id"] for check in report["checked"]] == list(proof.OF_A_DAY)
    assert lived.ok("reconcile", "--as-of", "2020-01-31", "--json").json["entries"] == 0
    assert lived.ok("reconcile", "--as-of", last[:10], "--json").json["entries"] == len(
        lived.ledger()
    )
    assert "as of the end of 2020-02-01 (UTC)" in lived.ok("reconcile", "--as-of", "2020-02-01").out


def test_a_person_and_a_night_and_a_spreadsheet_are_told(lived: Installation) -> None:
    """Signs by symbol and the way out; one line on stderr when quiet; a row for each finding."""
    with behind_the_guards(lived) as connection:
        connection.execute("UPDATE run SET digest = 'other' WHERE id <= 7")
    said = lived.run("reconcile", "--branch", "1", "-v")
    assert "! chain" in said.out
    assert "… and 2 more" in said.out
    assert "→ coinsync journal" in said.out
    quiet = lived.run("reconcile", "--quiet")
    assert (quiet.code, quiet.out) == (4, "")
    assert quiet.err.startswith("chain: run 1 does not follow")
    assert quiet.err.count("\n") == 1
    table = lived.run("reconcile", "--csv").out.splitlines()
    assert table[0] == "check,severity,count,examples,mend"
    assert table[1].startswith("chain,error,7,")
    late = lived.run("reconcile", later=timedelta(hours=27))
    assert "~ fresh" in late.out
