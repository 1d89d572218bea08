"""Other programs read our exports, and two that we did not write count the coins again and agree.

The checkers are the real ``bean-check`` and ``hledger``. ``make test`` brings them; where one is
missing, these tests fail.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count, islice
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import realization
from beancount.core.data import Open, Transaction
from hypothesis import given
from hypothesis import strategies as st

from coinsync import export
from coinsync.core.identity import spreadsheet_safe
from coinsync.core.ledger import Entry, Kind, Line, Posted
from coinsync.core.plan import Post, Put
from coinsync.export import Roster
from tests.support.makers import (
    ADA,
    DAY,
    GLEB,
    a_credit,
    a_lesson,
    a_plan,
    a_resident,
    a_reversal,
    an_award,
    entries_of,
    new_database,
    newcomers,
    put_in,
    reading,
    thorough,
)

#: A second card of Ada's, merged into hers.
ADA_AGAIN = 205
HEADS = {ADA_AGAIN: ADA}
POSTED_AT = "2026-11-22T02:00:07Z"

#: What staff, a CRM or an attacker may have typed. Each of them breaks a journal that trusts it.
NASTY = (
    'say "hi"',
    "back\\slash\\",
    'mixed \\" end\\',
    "two\nlines",
    "2026-11-03 * forged\r\n    Assets:Residents:R101  999 COIN\n    Income:Lessons",
    "; comment",
    "payee | note",
    "[/]",
    "[2026-13-45]",
    "date: 2020-01-01, n: 7, type: X",
    "(9) code",
    "! * #tag ^link @ {1}",
    "= 5 COIN",
    "tab\tand  spaces",
    "\x00\x1b[31mred\x07\x7f",
    "\u2028line\u2029paragraph\x85next\x0b\x0c",
    "‮right to left‬\u200b\ufeff",
    "👩\u200d👩\u200d👧 🎉",
    "half \ud83d",
    "=1+1",
    "+7 900",
    "-1",
    "@SUM(A1)",
    " \t=1+1",
    "%s {0} $HOME `id`",
    "",
    "   ",
)


# --- ledgers --------------------------------------------------------------------------------------


def posted(*entries: Entry) -> list[Posted]:
    """Entries as they would be posted, in this order."""
    return [Posted(n, entry, POSTED_AT, 1) for n, entry in enumerate(entries, 1)]


def noted(ledger: Iterable[Posted], notes: Mapping[int, str] | None = None) -> list[Line]:
    """A ledger as a journal wants it: by day and number, with the notes of some."""
    ordered = sorted(ledger, key=lambda posted: (posted.entry.happened_on, posted.n))
    return [Line(posted, None, (notes or {}).get(posted.n, "")) for posted in ordered]


def by_hand(
    kind: Kind, coins: int, resident: int = ADA, *, on: date = DAY, reason: str = "reason"
) -> Entry:
    """An entry of any kind under a key of its own."""
    return Entry(
        f"desk:{kind}-{resident}-{on}-{coins}", 1, resident, coins, kind, on, reason, "clerk"
    )


def a_roster(
    ledger: Iterable[Posted],
    survivors: Mapping[int, int] | None = None,
    *,
    with_names: bool = False,
    names: Mapping[int, str] | None = None,
) -> Roster:
    """Everybody whom the ledger names, with the sums that it comes to.

    Some with names of their own.
    """
    survivors, names = survivors or {}, names or {}
    coins: Counter[int] = Counter()
    residents = set(survivors) | set(survivors.values()) | {ADA, GLEB}
    for one in ledger:
        residents.add(one.entry.resident)
        coins[survivors.get(one.entry.resident, one.entry.resident)] += one.entry.coins
    people = [a_resident(id, names.get(id, f"Name {id}")) for id in sorted(residents)]
    return Roster(people, coins, survivors, with_names)


def every_kind() -> list[Posted]:
    """Entries of all kinds, days out of order, a debt, a merged card, reversals of four kinds."""
    award = an_award(1, on=DAY + timedelta(days=5))
    credit, sale = by_hand(Kind.CREDIT, 100), by_hand(Kind.SALE, -40, on=DAY + timedelta(days=2))
    gift = replace(by_hand(Kind.GIFT, 7), lesson=1)
    return posted(
        award,
        credit,
        by_hand(Kind.OPENING, 50, on=DAY - timedelta(days=300)),
        sale,
        by_hand(Kind.REFUND, 15, on=DAY - timedelta(days=1)),
        by_hand(Kind.DEBIT, -30, GLEB),
        an_award(2, ADA_AGAIN, 20),
        gift,
        a_reversal(award, 1),
        replace(a_reversal(credit, 2), happened_on=DAY + timedelta(days=9)),
        a_reversal(sale, 4),
        a_reversal(gift, 8),
        an_award(3, GLEB, 10),
        replace(award, seq=3),
    )


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[list[Posted], dict[int, int], dict[int, str]]:
    """Any ledger of a few residents, with merged cards and with notes.

    Texts are of any characters at all.
    """
    texts = st.text(st.characters(exclude_categories=[]), max_size=12) | st.sampled_from(NASTY)
    residents = st.integers(1, 6)
    days = st.dates(date(2020, 1, 1), date(2030, 12, 31))
    coins = st.integers(1, 10**9)
    entries: list[Entry] = []
    open_numbers: list[int] = []
    for n in range(1, draw(st.integers(0, 12)) + 1):
        if draw(st.booleans()) and open_numbers:
            target = open_numbers.pop(draw(st.integers(0, len(open_numbers) - 1)))
            entry = replace(
                a_reversal(entries[target - 1], target, draw(texts)), happened_on=draw(days)
            )
        else:
            kind = draw(st.sampled_from([kind for kind in Kind if kind is not Kind.REVERSAL]))
            sign = -1 if kind in (Kind.DEBIT, Kind.SALE) else 1
            lesson = n if kind is Kind.AWARD else None
            entry = Entry(
                f"k:{n}",
                1,
                draw(residents),
                sign * draw(coins),
                kind,
                draw(days),
                draw(texts),
                draw(texts),
                draw(texts),
                lesson=lesson,
            )
            open_numbers.append(n)
        entries.append(entry)
    survivors = dict.fromkeys(draw(st.sets(st.integers(1, 5), max_size=2)), 6)
    return (
        posted(*entries),
        survivors,
        {n: draw(texts) for n in draw(st.sets(st.integers(1, 12), max_size=4))},
    )


# --- the checkers ---------------------------------------------------------------------------------

Write = Callable[[Iterable[Line], Roster], Iterator[str]]
Check = Callable[[Path], str]
Count = Callable[[Path], dict[str, int]]


def ran(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program, which must be there, in a locale that knows all letters."""
    return subprocess.run(
        ["env", "LC_ALL=C.UTF-8", *map(str, words)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )


def written(lines: Iterable[str]) -> Path:
    """A file of these lines in the folder of the test."""
    path = Path("journal")
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="")
    return path


def bean_check(path: Path) -> str:
    """What beancount's own program has against a ledger; "" when it accepts it."""
    done = ran(Path(sys.executable).with_name("bean-check"), "--no-cache", path)
    said = done.stdout + done.stderr
    assert bool(done.returncode) == bool(said), said
    return said


def hledger_check(path: Path) -> str:
    """What hledger has against a journal by all checks that it knows; "" when it accepts it."""
    said = ""
    for checks in (
        [],
        ["--strict"],
        ["accounts", "commodities", "ordereddates", "payees", "uniqueleafnames"],
    ):
        done = ran("hledger", "-f", path, "check", *checks)
        assert bool(done.returncode) == bool(done.stderr), done.stderr
        said += done.stderr
    return said


def bean_balances(path: Path) -> dict[str, int]:
    """Coins by account, as beancount adds them up from the transactions."""
    return counted_by_beancount(path.read_text(encoding="utf-8"))


def counted_by_beancount(text: str) -> dict[str, int]:
    """Coins by account, as beancount adds them up in this process without any complaint."""
    directives, problems, _ = loader.load_string(text)
    assert not problems, problems
    found = {}
    tree = realization.realize(directives)  # type: ignore[no-untyped-call]
    for leaf in realization.iter_children(tree, leaf_only=True):  # type: ignore[no-untyped-call]
        units = leaf.balance.get_currency_units("COIN").number
        assert isinstance(units, Decimal)
        found[str(leaf.account)] = int(units)
    return found


def hledger_balances(path: Path) -> dict[str, int]:
    """Coins by account, as hledger adds them up."""
    words = ("balance", "--empty", "--flat", "--no-total", "--layout=bare", "--output-format=csv")
    done = ran("hledger", "-f", path, *words)
    assert done.returncode == 0, done.stderr
    return {row["account"]: int(row["balance"]) for row in csv.DictReader(done.stdout.splitlines())}


CHECKERS: tuple[tuple[Write, Check, Count], ...] = (
    (export.beancount, bean_check, bean_balances),
    (export.hledger, hledger_check, hledger_balances),
)
both = pytest.mark.parametrize(
    ("write", "check", "balances"), CHECKERS, ids=["beancount", "hledger"]
)


def purses(counted: Mapping[str, int]) -> dict[int, int]:
    """Coins by owner, of those who have an account with entries."""
    start = "Assets:Residents:R"
    return {
        int(account.removeprefix(start)): coins
        for account, coins in counted.items()
        if account.startswith(start)
    }


def same_for_everybody(counted: Mapping[str, int], roster: Roster) -> bool:
    """Whether an outside program comes to our balance for every owner, and nobody else has any."""
    ours = purses({account: coins for account, _, coins in roster.accounts()})
    # A program may leave out an account on which nothing was ever booked.
    return {**dict.fromkeys(ours, 0), **purses(counted)} == ours


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# --- journals -------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("with_names", [False, True])
def test_an_outside_program_comes_to_our_balances(
    write: Write, check: Check, balances: Count, with_names: bool
) -> None:
    """For every resident, with entries of all kinds, days out of order, debts and a merged card."""
    ledger = every_kind()
    roster = a_roster(ledger, HEADS, with_names=with_names)
    path = written(write(noted(ledger, {2: "for the fair", 9: "was ill"}), roster))
    assert check(path) == ""
    counted = balances(path)
    assert same_for_everybody(counted, roster)
    assert purses(counted) == {ADA: 50 + 15 + 20 + 10, GLEB: -30 + 10}


@both
def test_coins_stand_against_the_account_of_their_kind(
    write: Write, check: Check, balances: Count
) -> None:
    """A reversal goes back to the account of what it reverses."""
    ledger = every_kind()
    counted = balances(written(write(noted(ledger), a_roster(ledger, HEADS))))
    others = {
        account: coins for account, coins in counted.items() if coins and "Residents" not in account
    }
    assert others == {
        "Income:Lessons": -40,
        "Equity:Opening": -50,
        "Expenses:Shop": -15,
        "Expenses:Debits": 30,
    }
    assert sum(counted.values()) == 0


@both
def test_a_reversal_dated_before_what_it_reverses_stands_apart(
    write: Write, check: Check, balances: Count
) -> None:
    """Its account is not known yet when a journal is written by day.

    The balances are right all the same.
    """
    credit = a_credit("early")
    ledger = posted(credit, replace(a_reversal(credit, 1), happened_on=DAY - timedelta(days=1)))
    roster = a_roster(ledger)
    path = written(write(noted(ledger), roster))
    assert check(path) == ""
    counted = balances(path)
    assert same_for_everybody(counted, roster)
    assert (counted["Income:Credits"], counted["Equity:Unmatched"]) == (-100, 100)


@both
def test_a_changed_amount_is_refused(write: Write, check: Check, balances: Count) -> None:
    """On one side of a transaction, on both, and in our own balance: the checks can fail."""
    ledger = every_kind()
    roster = a_roster(ledger, HEADS)
    lines = list(write(noted(ledger), roster))
    at = next(
        i for i, line in enumerate(lines) if line.strip() == f"Assets:Residents:R{ADA}  20 COIN"
    )
    one_side = [*lines[:at], lines[at].replace("20", "21"), *lines[at + 1 :]]
    both_sides = [*one_side[: at + 1], one_side[at + 1].replace("-20", "-21"), *one_side[at + 2 :]]
    left_out = [*lines[:at], *lines[at + 2 :]]
    other_sums = write(noted(ledger), replace(roster, balances={**roster.balances, GLEB: -19}))
    unknown_sums = write(noted(ledger), replace(roster, balances={}))
    for changed in (one_side, both_sides, left_out, other_sums, unknown_sums):
        assert check(written(changed)) != ""
    assert check(written(lines)) == ""


@both
def test_an_account_that_is_not_declared_is_refused(
    write: Write, check: Check, balances: Count
) -> None:
    """An entry of somebody whom the roster does not know cannot pass unseen, nor a balance."""
    ledger = posted(an_award(1, 999))
    assert check(written(write(noted(ledger), Roster([a_resident()], {})))) != ""
    assert check(written(write([], Roster([a_resident()], {999: 10})))) != ""


@both
def test_no_text_breaks_a_journal(write: Write, check: Check, balances: Count) -> None:
    """Reasons, notes, actors and rules may hold anything."""
    entries = [
        replace(a_credit(f"k{i}", coins=i + 1), reason=text, actor=text, rule=text)
        for i, text in enumerate(NASTY)
    ]
    ledger = posted(*entries)
    roster = a_roster(ledger, with_names=True)
    lines = list(write(noted(ledger, dict(enumerate(NASTY, 1))), roster))
    assert all(line.isprintable() for line in lines)
    path = written(lines)
    assert check(path) == ""
    assert same_for_everybody(balances(path), roster)


@both
@pytest.mark.parametrize("text", NASTY)
def test_no_name_breaks_a_journal(write: Write, check: Check, balances: Count, text: str) -> None:
    """Names stand in another place than other texts: at the account."""
    ledger = posted(replace(an_award(), actor=text))
    roster = a_roster(ledger, with_names=True, names={ADA: text})
    path = written(write(noted(ledger, {1: text}), roster))
    assert check(path) == ""
    assert same_for_everybody(balances(path), roster)


def test_hledger_finds_only_the_tags_that_we_set() -> None:
    """No text passes for a tag or a code of its own."""
    texts = ["a, entry: 77", "x, key: forged", "[2020-01-01]", "; entry: 78", "d | e"]
    entries = [replace(a_credit(f"k{i}"), actor=text, reason=text) for i, text in enumerate(texts)]
    ledger = posted(*entries)
    path = written(
        export.hledger(noted(ledger, dict(enumerate(texts, 1))), a_roster(ledger, with_names=True))
    )
    numbers = ran("hledger", "-f", path, "tags", "^entry$", "--values").stdout.split()
    assert sorted(numbers, key=int) == ["1", "2", "3", "4", "5"]
    assert ran("hledger", "-f", path, "tags").stdout.split() == [
        "actor",
        "entry",
        "key",
        "kind",
        "name",
    ]
    actors = ran("hledger", "-f", path, "tags", "actor", "--values").stdout.splitlines()
    assert sorted(actors) == [
        "; entry: 78",
        "[2020-01-01]",
        "a; entry: 77",
        "d | e",
        "x; key: forged",
    ]
    notes = ran("hledger", "-f", path, "notes").stdout.splitlines()
    whole = [f"{text} – {text}" for text in texts if ";" not in text]
    assert sorted(notes) == sorted([", entry: 78 – , entry: 78", "balances", *whole])
    assert ran("hledger", "-f", path, "payees").stdout.split() == sorted([*Kind, "balances"])


def test_beancount_keeps_what_our_entry_says() -> None:
    """Number, key, kind, actor and card as metadata, the reason as text, reversals as links."""
    award = an_award(2, ADA_AGAIN)
    ledger = posted(award, replace(a_reversal(award, 1, 'say "no" \\'), actor="anna"))
    lines = export.beancount(
        noted(ledger, {2: "seen by Olga"}), a_roster(ledger, HEADS, with_names=True)
    )
    directives, problems, options = loader.load_string("\n".join(lines))
    assert not problems
    first, second = (one for one in directives if isinstance(one, Transaction))
    assert (first.narration, first.tags, first.links) == (
        "lesson attended",
        frozenset(),
        frozenset({"n1"}),
    )
    assert second.narration == 'say "no" \\ – seen by Olga'
    assert (second.tags, second.links) == (frozenset({"reversal"}), frozenset({"n1", "n2"}))
    told = {name: second.meta[name] for name in ("entry", "key", "kind", "actor", "resident")}
    assert told == {
        "entry": Decimal(2),
        "key": award.key,
        "kind": "reversal",
        "actor": "anna",
        "resident": str(ADA_AGAIN),
    }
    opened = {one.account: one.meta.get("name") for one in directives if isinstance(one, Open)}
    assert opened[f"Assets:Residents:R{ADA}"] == f"Name {ADA}"
    assert f"Assets:Residents:R{ADA_AGAIN}" not in opened
    assert (options["title"], options["operating_currency"]) == ("coinsync", ["COIN"])


@both
def test_a_ledger_without_entries_is_a_journal_too(
    write: Write, check: Check, balances: Count
) -> None:
    """With residents of 0 coins, and with nobody at all."""
    for roster in (a_roster([]), Roster([], {})):
        path = written(write([], roster))
        assert check(path) == ""
        assert same_for_everybody(balances(path), roster)


@pytest.mark.parametrize("write", [export.beancount, export.hledger])
def test_entries_out_of_order_are_refused(write: Write) -> None:
    """By day, and by number within a day; nothing that follows is written."""
    ledger = posted(an_award(1), an_award(2), an_award(3, on=DAY - timedelta(days=1)))
    roster = a_roster(ledger)
    for wrong in ([ledger[0], ledger[2]], [ledger[1], ledger[0]], [ledger[0], ledger[0]]):
        with pytest.raises(ValueError, match="comes too late"):
            list(write([Line(posted, None) for posted in wrong], roster))


@thorough(150)
@given(ledgers(), st.booleans())
def test_beancount_agrees_with_any_ledger(
    drawn: tuple[list[Posted], dict[int, int], dict[int, str]], with_names: bool
) -> None:
    """Read in this process: no complaint, and everybody's coins."""
    ledger, survivors, notes = drawn
    roster = a_roster(ledger, survivors, with_names=with_names)
    text = "\n".join(export.beancount(noted(ledger, notes), roster))
    assert same_for_everybody(counted_by_beancount(text), roster)


@thorough(15)
@given(ledgers(), st.booleans())
def test_both_programs_agree_with_any_ledger(
    drawn: tuple[list[Posted], dict[int, int], dict[int, str]], with_names: bool
) -> None:
    """As programs of their own, which exit with 0.

    And they agree with each other about every account.
    """
    ledger, survivors, notes = drawn
    roster = a_roster(ledger, survivors, with_names=with_names)
    counted = []
    for write, check, balances in CHECKERS:
        path = written(write(noted(ledger, notes), roster))
        assert check(path) == ""
        counted.append({account: coins for account, coins in balances(path).items() if coins})
        assert same_for_everybody(counted[-1], roster)
    assert counted[0] == counted[1]


@both
def test_a_real_database_is_counted_again(
    write: Write, check: Check, balances: Count, tmp_path: Path
) -> None:
    """Entries and balances are two answers of the database, which the program compares."""
    url = new_database(tmp_path)
    put_in(url, newcomers(ADA, GLEB, 103))
    lessons = [Put(a_lesson(id)) for id in (1, 2)]
    put_in(
        url,
        a_plan(
            *lessons, *(Post(an_award(lesson, who)) for lesson in (1, 2) for who in (ADA, GLEB))
        ),
    )
    put_in(
        url,
        a_plan(
            Post(a_reversal(an_award(1), 1)), Post(a_credit("c1", coins=5, on=date(2025, 1, 1)))
        ),
    )
    put_in(url, a_plan(Post(a_credit("c2", coins=-3, on=DAY + timedelta(days=20), note="a pen"))))
    with reading(url) as reader:
        residents = reader.residents()
        roster = Roster(residents, reader.balances(card.id for card in residents))
        path = written(write(noted(entries_of(reader)), roster))
    assert check(path) == ""
    assert same_for_everybody(balances(path), roster)
    assert sum(roster.balances.values()) == 32


# --- spreadsheets and scripts ---------------------------------------------------------------------


def read_csv(lines: Iterable[str]) -> list[dict[str, str]]:
    """Rows as another program reads them."""
    return list(csv.DictReader((f"{line}\r\n" for line in lines), strict=True))


def test_entries_for_a_spreadsheet_have_these_columns() -> None:
    """Names and notes only where they are asked for."""
    ledger = every_kind()
    heading = next(export.csv_lines([], a_roster([])))
    assert heading == (
        "entry,key,seq,resident,owner,coins,kind,day,posted_at,"
        "actor,reason,rule,lesson,reverses,run"
    )
    rows = read_csv(
        export.csv_lines(
            [Line(posted, None, "a note") for posted in ledger],
            a_roster(ledger, HEADS, with_names=True),
        )
    )
    assert rows[6] == {
        "entry": "7",
        "key": "alfacrm:little-school:lesson:2:205",
        "seq": "1",
        "resident": "205",
        "owner": "101",
        "name": "Name 205",
        "coins": "20",
        "kind": "award",
        "day": "2026-11-02",
        "posted_at": POSTED_AT,
        "actor": "sync",
        "reason": "lesson",
        "note": "a note",
        "rule": "group",
        "lesson": "2",
        "reverses": "",
        "run": "1",
    }
    assert [int(row["coins"]) for row in rows] == [one.entry.coins for one in ledger]
    assert rows[8]["reverses"] == "1"


@pytest.mark.parametrize("text", NASTY)
def test_a_spreadsheet_gets_one_line_and_no_formula(text: str) -> None:
    """Whatever a text holds; the number of cells stays."""
    ledger = posted(replace(an_award(), reason=text, actor=text, rule=text))
    lines = list(
        export.csv_lines(
            noted(ledger, {1: text}), a_roster(ledger, with_names=True, names={ADA: text})
        )
    )
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    (row,) = read_csv(lines)
    assert list(row) == list(export.COLUMNS)
    assert not any(
        row[column].startswith(tuple("=+-@\t\r"))
        for column in ("reason", "actor", "rule", "note", "name")
    )


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("-", "'-"),
        ("\u200b@x", "'@x"),
        ("\t=1", " '=1"),
        ("a;=1, -5", "a;'=1, '-5"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_a_formula_becomes_a_text(text: str, safe: str) -> None:
    """Also one that hides behind a character without width."""
    assert spreadsheet_safe(text) == safe


def test_coins_that_are_taken_stay_numbers() -> None:
    """A minus before a number is no formula."""
    ledger = posted(a_credit("less", coins=-10))
    assert read_csv(export.csv_lines(noted(ledger), a_roster(ledger)))[0]["coins"] == "-10"


@pytest.mark.parametrize("text", NASTY)
def test_a_script_gets_texts_as_they_are(text: str) -> None:
    """On one line that nothing splits, and that any encoding of Unicode can hold."""
    ledger = posted(replace(an_award(), reason=text))
    lines = list(export.json_lines(noted(ledger, {1: text}), a_roster(ledger, with_names=True)))
    assert len("\n".join(lines).encode().decode().splitlines()) == 1
    read = json.loads(lines[0])
    assert (read["entry"], read["reason"], read["note"]) == (1, text, text)
    assert read["reverses"] is None


def test_a_script_gets_the_owner_of_the_coins() -> None:
    """Of a merged card the card that carries on; Cyrillic letters stay readable."""
    ledger = posted(an_award(), an_award(2, ADA_AGAIN))
    roster = a_roster(ledger, HEADS, with_names=True, names={ADA: "Ада М."})
    lines = list(export.json_lines(noted(ledger), roster))
    entries = [json.loads(line) for line in lines]
    assert [(entry["resident"], entry["owner"]) for entry in entries] == [
        (ADA, ADA),
        (ADA_AGAIN, ADA),
    ]
    assert list(entries[0]) == list(export.COLUMNS)
    assert "Ада М." in lines[0]


# --- names ----------------------------------------------------------------------------------------

WRITERS: Sequence[Write] = (
    export.csv_lines,
    export.json_lines,
    export.beancount,
    export.hledger,
)


@pytest.mark.parametrize("write", WRITERS)
def test_nobody_is_named_unless_asked_for(write: Write) -> None:
    """Neither a name nor a note; with names they are there."""
    ledger = every_kind()
    entries = noted(ledger, {one.n: "Olga said so" for one in ledger})
    silent, telling = (
        "\n".join(write(entries, a_roster(ledger, HEADS, with_names=with_names)))
        for with_names in (False, True)
    )
    for secret in ("Name", "Olga"):
        assert secret not in silent
        assert secret in telling


@pytest.mark.parametrize("write", WRITERS)
def test_memory_does_not_grow_with_history(write: Write) -> None:
    """A ledger without end is written as it comes: nothing waits for the last entry."""
    asked = count(1)
    endless = (Line(Posted(n, an_award(n), POSTED_AT, 1), None) for n in asked)
    lines = list(islice(write(endless, a_roster([])), 500))
    assert len(lines) == 500
    assert next(asked) < 510
