"""The statement for a parent, balances as of a day, and histories with what staff typed.

They add up and agree.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from coinsync import config
from coinsync.config import Settings
from coinsync.core.facts import Merge
from coinsync.core.history import Statement, StatementLine
from coinsync.core.ledger import BY_HAND, Entry, Kind
from coinsync.core.plan import Post, Purpose, Put
from coinsync.core.wording import LANGUAGES
from coinsync.lookup.history import statement
from coinsync.render.history import statement as statement_listing
from coinsync.render.terminal import show
from tests.cli.test_spent import the_last_paid
from tests.support.makers import (
    ADA,
    GLEB,
    a_credit,
    a_plan,
    a_resident,
    new_database,
    newcomers,
    put_in,
    reading,
    thorough,
)
from tests.support.school import TODAY, Installation

EXAMPLE = Path(__file__).resolve().parents[2] / "config.toml.example"
FIRST = TODAY - timedelta(days=30)
MINUS = "−"


def period(since: date = FIRST, until: date = TODAY) -> tuple[str, ...]:
    """The options that name a period."""
    return ("--since", since.isoformat(), "--until", until.isoformat())


def the_richest(installation: Installation) -> int:
    """Somebody with many lines."""
    balances = installation.balances()
    return max(balances, key=lambda id: (balances[id], -id))


def a_busy_resident(installation: Installation) -> int:
    """Somebody with lessons, credits, a debit, a slip that was taken back and a lesson that was."""
    who = the_richest(installation)
    day = (TODAY - timedelta(days=3)).isoformat()
    installation.ok(
        "credit", f"#{who}", "25", "--reason", "Помог убрать класс", "--date", day, "--yes"
    )
    installation.ok(
        "credit", f"#{who}", "--for", "olympiad", "--reason", "городская", "--date", day, "--yes"
    )
    installation.ok("debit", f"#{who}", "30", "--reason", "Наклейки", "--date", day, "--yes")
    installation.ok("credit", f"#{who}", "12", "--reason", "Не тому", "--date", day, "--yes")
    slip = installation.ledger()[-1].n
    installation.ok("reverse", str(slip), "--note", "ошибка", "--yes")
    lesson = next(
        one.entry.lesson
        for one in installation.ledger()
        if one.entry.resident == who and one.entry.lesson
    )
    installation.school.act("mark", lesson=lesson, customer=who, is_attend=0)
    installation.ok("sync")
    return who


# --- it adds up -------------------------------------------------------------------------------


def test_it_adds_up_and_equals_the_balance_of_every_day(synced: Installation) -> None:
    """Opening and lines make the closing and each balance; `balance --as-of` says the same."""
    who = a_busy_resident(synced)
    for days in (0, 2, 3, 5, 9, 17, 30, 400):
        until = datetime.now(UTC).date() - timedelta(days=days)  # noqa: TID251
        found = synced.ok(
            "statement", f"#{who}", *period(until - timedelta(days=13), until), "--json"
        ).json
        running = found["opening"]
        for line in found["lines"]:
            running += line["coins"]
            assert line["balance"] == running
        assert running == found["closing"]
        assert [line["day"] for line in found["lines"]] == sorted(
            line["day"] for line in found["lines"]
        )
        as_of = synced.ok("balance", f"#{who}", "--as-of", until.isoformat(), "--json").json
        assert as_of == [
            {
                "resident": who,
                "name": found["name"],
                "balance": found["closing"],
                "day": until.isoformat(),
            }
        ]
        before = (until - timedelta(days=14)).isoformat()
        assert (
            synced.ok("balance", f"#{who}", "--as-of", before, "--json").json[0]["balance"]
            == found["opening"]
        )


def test_the_next_statement_begins_where_the_last_one_ended(synced: Installation) -> None:
    """No line is lost between two pages, and none stands on both."""
    who = a_busy_resident(synced)
    middle = TODAY - timedelta(days=10)
    whole, first, second = (
        synced.ok("statement", f"#{who}", *period(*days), "--json").json
        for days in ((FIRST, TODAY), (FIRST, middle), (middle + timedelta(days=1), TODAY))
    )
    assert first["closing"] == second["opening"]
    assert first["lines"] + second["lines"] == whole["lines"]


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(Kind), st.integers(1, 90), st.integers(0, 40), st.sampled_from([ADA, GLEB])
    ),
    max_size=12,
)


def an_entry(n: int, kind: Kind, coins: int, days: int, resident: int) -> Entry:
    """An entry by hand of any kind, some days into November.

    What takes coins away is small enough for anybody.
    """
    sign = -1 if kind in (Kind.DEBIT, Kind.SALE) else 1
    day = date(2026, 11, 1) + timedelta(days=days)
    kept = Kind.CREDIT if kind is Kind.REVERSAL else kind
    return Entry(
        f"desk:{n}", 1, resident, sign * coins, kept, day, BY_HAND, "anna", note=f"запись {n}"
    )


@thorough(40)
@given(entries=ENTRIES, merged=st.booleans(), since=st.integers(-3, 42), length=st.integers(0, 42))
def test_it_adds_up_whatever_was_posted(
    entries: list[tuple[Kind, int, int, int]], merged: bool, since: int, length: int
) -> None:
    """Any entries on any days in any order, two cards apart or as one."""
    openings = [a_credit(f"opening-{id}", id, 2000, on=date(2026, 10, 1)) for id in (ADA, GLEB)]
    posts = [
        Post(one) for one in (*openings, *(an_entry(n, *one) for n, one in enumerate(entries)))
    ]
    first = date(2026, 11, 1) + timedelta(days=since)
    last = first + timedelta(days=length)
    with TemporaryDirectory() as folder:
        url = new_database(Path(folder))
        merges = [a_plan(Put(Merge(GLEB, ADA, (), (ADA,))), purpose=Purpose.DESK)] if merged else []
        put_in(url, newcomers(), a_plan(*posts), *merges)
        with reading(url) as reader:
            settings = the_settings()
            found = statement(reader, settings, a_resident(), first, last, "ru", today=last)
            assert (
                found.closing
                == reader.balance(ADA, last)
                == reader.balances([ADA], until=last)[ADA]
            )
    ours = {ADA, GLEB} if merged else {ADA}
    chosen = [post.entry for post in posts if post.entry.resident in ours]
    assert found.opening == sum(one.coins for one in chosen if one.happened_on < first)
    assert sorted(line.coins for line in found.lines) == sorted(
        one.coins for one in chosen if first <= one.happened_on <= last
    )
    assert found.opening + sum(line.coins for line in found.lines) == found.closing


def the_settings() -> Settings:
    """Those of the example."""
    return config.load(EXAMPLE)


def test_a_statement_may_reach_over_all_time(synced: Installation) -> None:
    """From the first day that there is: nothing was before it."""
    who = the_richest(synced)
    found = synced.ok("statement", f"#{who}", *period(date.min), "--json").json
    assert (found["opening"], found["closing"]) == (0, synced.balances()[who])


# --- what a parent reads ----------------------------------------------------------------------


def test_a_parent_reads_it(synced: Installation) -> None:
    """School, child, period, lines in words, the balance in coins, the day of printing.

    No code of ours.
    """
    who = a_busy_resident(synced)
    out = synced.ok("statement", f"#{who}", *period()).out
    today = datetime.now(UTC).astimezone(the_settings().branches[0].zone).date()  # noqa: TID251
    name = synced.ok("balance", f"#{who}", "--json").json[0]["name"]
    for text in (
        config.load(synced.config).school.name,
        f"Выписка: {name}, № {who}",
        "21 октября 2026 – 20 ноября 2026",
        "Остаток на начало",
        "Остаток на конец",
        "Помог убрать класс",
        "Победа в олимпиаде: городская",
        "Наклейки",
        "Отметка исправлена: пропуск занятия",
        "Отмена: ",
        f"Напечатано {LANGUAGES['ru'].day(today)}",
    ):
        assert text in out
    assert re.search(
        rf"^17 ноября( 2026)? +Потрачено +Наклейки +{MINUS}30 +\d+$", out, re.MULTILINE
    )
    assert re.search(r"^На 20 ноября 2026: \d+ монет(а|ы)?$", out, re.MULTILINE)
    assert not re.search(r"by_hand|taken_back|olympiad|absent|group lesson| -\d|\x1b", out)
    assert "осталось отработать" not in out


def test_a_line_that_is_taken_back_and_the_one_that_does_it_name_each_other(
    synced: Installation,
) -> None:
    """Also where the other one happened on a day that the page does not show."""
    who = a_busy_resident(synced)
    day = TODAY - timedelta(days=3)
    found = synced.ok("statement", f"#{who}", *period(day, day), "--json").json
    slip = next(line for line in found["lines"] if line["coins"] == 12)
    assert re.fullmatch(r"Не тому; отменено \d+ \w+( \d{4})?", slip["why"])
    today = datetime.now(UTC).date() + timedelta(days=1)  # noqa: TID251
    later = synced.ok(
        "statement", f"#{who}", *period(day + timedelta(days=1), today), "--json"
    ).json
    reversal = next(line for line in later["lines"] if line["coins"] == -12)
    assert reversal["what"] == "Отмена"
    assert re.fullmatch(
        r"Исправление: ошибка; отменяет то, что было 17 ноября( 2026)?", reversal["why"]
    )


def test_an_english_parent_reads_it_too(synced: Installation) -> None:
    """Everything but what staff typed and what the school calls itself."""
    who = a_busy_resident(synced)
    out = synced.ok("statement", f"#{who}", *period(), "--lang", "en").out
    for text in (
        "Opening balance",
        "Closing balance",
        "Olympiad won: городская",
        "Mark corrected: was not",
    ):
        assert text in out
    assert re.search(r"^On 20 November 2026: \d+ coins?$", out, re.MULTILINE)
    assert not re.search(r"[А-Яа-я]{3,} (ноября|октября)|Остаток|Отмен", out)


def test_no_other_language_is_spoken(synced: Installation) -> None:
    """2, and which there are."""
    said = synced.run("statement", f"#{the_richest(synced)}", "--lang", "de")
    assert said.code == 2
    assert "is not one of 'ru', 'en'" in said.err


def test_an_empty_period_is_a_page_as_well(synced: Installation) -> None:
    """What there was is what there is."""
    who = the_richest(synced)
    balance = synced.balances()[who]
    since, until = TODAY + timedelta(days=400), TODAY + timedelta(days=430)
    out = synced.ok("statement", f"#{who}", *period(since, until)).out
    assert "За это время записей нет." in out
    assert len(re.findall(rf"Остаток на (начало|конец) +{balance}$", out, re.MULTILINE)) == 2
    found = synced.ok("statement", f"#{who}", *period(since, until), "--json").json
    assert (found["opening"], found["lines"], found["closing"]) == (balance, [], balance)


def test_a_period_that_ends_before_it_begins_is_refused(synced: Installation) -> None:
    """2, whether both days were said or only the first, and for what is no day at all."""
    who = f"#{the_richest(synced)}"
    assert synced.run("statement", who, *period(TODAY, TODAY - timedelta(days=1))).code == 2
    said = synced.run("statement", who, "--since", "2100-01-01")
    assert said.code == 2
    assert "--since 2100-01-01 is after" in said.err
    assert synced.run("statement", who, "--until", "завтра").code == 2
    assert synced.run("statement", "#999999").code == 6


def test_the_month_so_far_by_default(synced: Installation) -> None:
    """From the first of the month to today.

    With --until alone from the first of that day's month.
    """
    who = f"#{the_richest(synced)}"
    found = synced.ok("statement", who, "--json").json
    assert found["until"] == found["printed_on"]
    assert found["since"] == f"{found['until'][:8]}01"
    found = synced.ok("statement", who, "--until", "2026-11-09", "--json").json
    assert (found["since"], found["until"]) == ("2026-11-01", "2026-11-09")


@pytest.mark.parametrize(
    ("time", "moscow", "omsk"), [("17:59", 22, 22), ("18:30", 22, 23), ("21:30", 23, 23)]
)
def test_today_is_that_of_the_residents_branch(
    synced: Installation, time: str, moscow: int, omsk: int
) -> None:
    """Omsk's day begins three hours before Moscow's; the server's zone does not matter."""
    now = datetime.fromisoformat(f"2026-11-22T{time}:00Z")
    with synced.reader() as reader:
        branches = {one.branches: one.id for one in reader.residents()}
    for branch, day in ((1, moscow), (2, omsk)):
        later = now - datetime.now(UTC)  # noqa: TID251
        said = synced.run("statement", f"#{branches[(branch,)]}", "--json", later=later)
        assert said.json["printed_on"] == f"2026-11-{day}"


def test_a_lesson_taken_back_later_leaves_no_debt(synced: Installation) -> None:
    """Its coins were spent, and others were earned since: on no day did the child owe anything."""
    lesson, who = the_last_paid(synced)
    balance = synced.balances()[who]
    day = TODAY.isoformat()
    synced.ok("debit", f"#{who}", str(balance), "--reason", "Робот", "--date", day, "--yes")
    synced.ok("credit", f"#{who}", "40", "--reason", "Помог", "--yes")
    synced.school.act("mark", lesson=lesson, customer=who, is_attend=0)
    synced.ok("sync")
    assert synced.balances()[who] == 30
    out = synced.ok("statement", f"#{who}", *period()).out
    assert "На 20 ноября 2026: 0 монет, сейчас отрабатывать нечего\n" in out
    assert "осталось отработать" not in out
    assert synced.ok("statement", f"#{who}", *period(), "--json").json["owes"] is False


def test_a_debit_of_a_day_that_is_past_leaves_no_debt_since(synced: Installation) -> None:
    """What was spent meanwhile is not there any more, whatever was earned later; under the lock of
    the writer as before it.
    """
    _, who = the_last_paid(synced)
    balance = synced.balances()[who]
    spent = (
        *("debit", f"#{who}", str(balance), "--reason", "Робот"),
        *("--allow-duplicate", "--yes"),
    )
    synced.ok(*spent, "--date", TODAY.isoformat())
    synced.ok("credit", f"#{who}", str(balance), "--reason", "Помог", "--yes")
    before = synced.tables()
    said = synced.run(*spent, "--date", (TODAY - timedelta(days=1)).isoformat())
    assert (said.code, f"coins on {TODAY - timedelta(days=1)}, " in said.err) == (7, True)
    assert synced.tables() == before
    synced.ok(*spent)
    assert synced.balances()[who] == 0


def test_coins_to_be_made_up_are_said(synced: Installation) -> None:
    """After a reviewed reversal of spent coins.

    The sum is below zero, what the child has is not.
    """
    lesson, who = the_last_paid(synced)
    balance = synced.balances()[who]
    synced.ok(
        "debit", f"#{who}", str(balance), "--reason", "Робот", "--date", TODAY.isoformat(), "--yes"
    )
    synced.school.act("mark", lesson=lesson, customer=who, is_attend=0)
    synced.ok("sync")
    synced.ok("review", "post", f"{lesson}:{who}", "--yes")
    assert synced.balances()[who] == -10
    out = synced.ok("statement", f"#{who}", *period()).out
    assert "На 20 ноября 2026: 0 монет, осталось отработать 10\n" in out
    assert re.search(rf"Остаток на конец +{MINUS}10$", out, re.MULTILINE)
    english = synced.ok("statement", f"#{who}", *period(), "--lang", "en").out
    assert "On 20 November 2026: 0 coins, 10 to be made up\n" in english
    after = synced.ok(
        "statement", f"#{who}", *period(TODAY + timedelta(days=1), TODAY + timedelta(days=2))
    ).out
    assert re.search(rf"Остаток на начало +{MINUS}10$", after, re.MULTILINE)
    found = synced.ok("statement", f"#{who}", *period(), "--json").json
    assert found["closing"] == -10
    for words in (("balance",), ("balance", f"#{who}"), ("residents", "list", "--all")):
        assert re.search(
            rf"^ *#{who} .* 0 \(10 to be made up\)$", synced.ok(*words).out, re.MULTILINE
        )
        data = {one["resident"]: one["balance"] for one in synced.ok(*words, "--json").json}
        rows = {
            int(row["resident"]): int(row["balance"])
            for row in csv.DictReader(io.StringIO(synced.ok(*words, "--csv").out))
        }
        assert data[who] == rows[who] == -10
    assert "balance      0 (10 to be made up)" in synced.ok("residents", "show", f"#{who}").out


def test_two_cards_of_one_child_make_one_page(synced: Installation) -> None:
    """The lines of both, under the card that goes on, by whichever number it is asked for."""
    ended, heir = sorted(synced.balances(), key=lambda id: -synced.balances()[id])[:2]
    apart = {id: synced.ok("statement", f"#{id}", *period(), "--json").json for id in (ended, heir)}
    synced.ok("residents", "merge", f"#{ended}", f"#{heir}", "--yes")
    found = synced.ok("statement", f"#{heir}", *period(), "--json").json
    assert synced.ok("statement", f"#{ended}", *period(), "--json").json == found
    assert found["resident"] == heir
    assert found["closing"] == sum(one["closing"] for one in apart.values())
    numbers = sorted(line["entry"] for one in apart.values() for line in one["lines"])
    assert sorted(line["entry"] for line in found["lines"]) == numbers
    # Their coins are counted once, on the card that goes on.
    for words in (
        ("balance",),
        ("residents", "list", "--all"),
        ("balance", "--branch", "1", "--branch", "2"),
    ):
        listed = {one["resident"]: one["balance"] for one in synced.ok(*words, "--json").json}
        assert ended not in listed
        assert listed[heir] == found["closing"]
    assert sum(one["balance"] for one in synced.ok("balance", "--json").json) == sum(
        posted.entry.coins for posted in synced.ledger()
    )


# --- for spreadsheets and programs ------------------------------------------------------------


def test_csv_adds_up_in_a_spreadsheet(synced: Installation) -> None:
    """ISO days, plain whole numbers, first what there was and last what there is."""
    who = a_busy_resident(synced)
    rows = list(
        csv.DictReader(io.StringIO(synced.ok("statement", f"#{who}", *period(), "--csv").out))
    )
    found = synced.ok("statement", f"#{who}", *period(), "--json").json
    assert list(rows[0]) == ["day", "kind", "what", "why", "coins", "balance"]
    assert [rows[0][name] for name in ("day", "what", "coins")] == [
        "2026-10-21",
        "Остаток на начало",
        "",
    ]
    assert [rows[-1][name] for name in ("day", "what", "coins")] == [
        "2026-11-20",
        "Остаток на конец",
        "",
    ]
    assert int(rows[0]["balance"]) + sum(int(row["coins"]) for row in rows[1:-1]) == int(
        rows[-1]["balance"]
    )
    assert [int(row["balance"]) for row in rows[1:-1]] == [
        line["balance"] for line in found["lines"]
    ]
    assert [row["why"] for row in rows[1:-1]] == [line["why"] for line in found["lines"]]


def test_a_formula_that_staff_typed_is_harmless(synced: Installation) -> None:
    """On paper it stands as typed, in a spreadsheet behind an apostrophe."""
    who = the_richest(synced)
    synced.ok(
        "credit", f"#{who}", "5", "--reason", "=HYPERLINK(1)", "--date", TODAY.isoformat(), "--yes"
    )
    assert " =HYPERLINK(1)" in synced.ok("statement", f"#{who}", *period()).out
    assert "'=HYPERLINK(1)" in synced.ok("statement", f"#{who}", *period(), "--csv").out
    assert "'=HYPERLINK(1)" in synced.ok("history", f"#{who}", "--csv").out


def test_the_json_of_a_statement_holds_no_more_than_the_page(synced: Installation) -> None:
    """Neither VK pages nor who works there: it may be handed on."""
    found = synced.ok("statement", f"#{a_busy_resident(synced)}", *period(), "--json").json
    assert set(found) == {
        *("school", "language", "resident", "name", "since", "until", "printed_on"),
        *("opening", "lines", "closing", "coin_word", "owes", "seal"),
    }
    assert set(found["lines"][0]) == {"entry", "day", "kind", "what", "why", "coins", "balance"}


# --- how wide it is ---------------------------------------------------------------------------

LONG = "Помог малышам из соседней группы починить робота, которого сам же и уронил"


def a_statement(language: str = "ru") -> Statement:
    """A page with long names, long reasons and long numbers."""
    lines, running = [], 0
    for n, coins in enumerate((7, 1250, -7, 12345, -1234, 999999), 1):
        running += coins
        what = "Занимательная робототехника, Программирование на Python" if n % 2 else "Начисление"
        lines.append(
            StatementLine(
                n, date(2025, 9, 28), "credit", what, LONG if n > 1 else "", coins, running
            )
        )
    school = (
        "Школа программирования и робототехники «Очень длинное и очень красивое название» "
        "на Лесной улице"
    )
    days = (date(2025, 9, 1), date(2026, 9, 30), date(2026, 11, 22))
    return Statement(
        school,
        language,
        101,
        "Аделаида-Виктория М.",
        *days,
        0,
        tuple(lines),
        running,
        "монет",
        False,
        "420 · 7c1e-33a0-9f42-d0b8-5511",
    )


def printed(statement: Statement, width: int) -> list[str]:
    """The lines of a page of some width."""
    out = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False)
    show(out, statement_listing(statement).page)
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    return text.splitlines()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [40, 50, 71, 72, 80])
def test_it_fits_its_paper_and_loses_nothing(width: int, language: str) -> None:
    """Words are folded, numbers never; every word is still there."""
    statement = a_statement(language)
    lines = printed(statement, width)
    assert max(map(cell_len, lines)) <= width
    assert not any(line != line.rstrip() for line in lines)
    together = "".join("".join(lines).split())
    assert "+7" in together
    for number in (statement.closing, *(line.coins for line in statement.lines)):
        shown = LANGUAGES[language].number(number).replace("\N{NO-BREAK SPACE}", " ")
        assert any(shown in line for line in lines)
    for word in ("починить", "уронил", "робототехника,", "красивое"):
        assert word in together


def test_a_pipe_is_paper(synced: Installation) -> None:
    """Where nobody looks it is eighty columns wide and without colours, ready for a printer.

    Numbers in columns.
    """
    who = a_busy_resident(synced)
    synced.ok("credit", f"#{who}", "7", "--reason", LONG * 2, "--date", TODAY.isoformat(), "--yes")
    lines = synced.ok("statement", f"#{who}", *period()).out.splitlines()
    assert max(map(cell_len, lines)) <= 80
    head = next(line for line in lines if line.startswith("День"))
    ends = [
        line
        for line in lines
        if re.match(r"\d+ \w+ ", line) and re.search(r"\d$", line) and "–" not in line
    ]
    assert len(ends) > 5
    assert {cell_len(line) for line in ends} == {cell_len(head)}


def test_a_page_without_reasons_has_no_column_for_them(synced: Installation) -> None:
    """Lessons alone speak for themselves."""
    head = synced.ok("statement", f"#{the_richest(synced)}", *period()).out.splitlines()[4]
    assert head.split() == ["День", "Что", "+/−", "Остаток"]


@pytest.mark.parametrize("name", ["Ада [/]", "=1", ":smile:", "\x1b[2J"])
def test_names_are_only_text(name: str) -> None:
    """Nothing that stands in a name colours or breaks the page."""
    out = "\n".join(printed(replace(a_statement(), name=name, school=name), 80))
    assert "\x1b" not in out
    assert name.replace("\x1b", "") in out


def test_somebody_without_a_name_is_a_number() -> None:
    """Who was erased has a number and coins."""
    assert "Выписка: № 101" in printed(replace(a_statement(), name=""), 80)[2:4]


# --- balances of a day, histories -------------------------------------------------------------


def test_balances_as_of_a_day_say_of_which(synced: Installation) -> None:
    """All of them, by the days on which things happened, not on which they were posted."""
    day = TODAY - timedelta(days=9)
    expected = dict.fromkeys(synced.balances(), 0)
    for posted in synced.ledger():
        expected[posted.entry.resident] += (
            posted.entry.coins if posted.entry.happened_on <= day else 0
        )
    words = ("balance", "--as-of", day.isoformat())
    assert {one["resident"]: one["balance"] for one in synced.ok(*words, "--json").json} == expected
    rows = list(csv.DictReader(io.StringIO(synced.ok(*words, "--csv").out)))
    assert {int(row["resident"]): int(row["balance"]) for row in rows} == expected
    assert {row["day"] for row in rows} == {"2026-11-11"}
    assert synced.ok(*words).out.startswith(
        "at the end of 2026-11-11 Wed, by the days on which things happened\n"
    )
    assert "at the end of" not in synced.ok("balance").out
    assert synced.run("balance", "--as-of", "gestern").code == 2


def test_a_history_says_what_staff_typed_and_with_v_who_did_it(synced: Installation) -> None:
    """In the table, in JSON and in CSV; the way to earn by its title, its code beside it."""
    who = a_busy_resident(synced)
    out = synced.ok("history", f"#{who}").out
    for text in (
        "Помог убрать класс",
        "Победа в олимпиаде: городская",
        "taken back by hand: ошибка, reverses",
    ):
        assert text in out
    assert "anna" not in out
    verbose = synced.ok("history", f"#{who}", "-v").out
    assert re.search(r"Наклейки .* anna$", verbose, re.MULTILINE)
    assert re.search(r"lesson attended .* sync$", verbose, re.MULTILINE)
    expected = {
        ("by_hand", "", "Наклейки"),
        ("way", "olympiad", "городская"),
        ("taken_back", "", "ошибка"),
    }
    data = synced.ok("history", f"#{who}", "--json").json["lines"]
    assert expected <= {(line["reason"], line["rule"], line["note"]) for line in data}
    rows = csv.DictReader(io.StringIO(synced.ok("history", f"#{who}", "--csv").out))
    assert expected <= {(row["reason"], row["rule"], row["note"]) for row in rows}


def test_an_explanation_says_why_an_award_was_taken_back(synced: Installation) -> None:
    """With the words of the person who did it."""
    lesson, who = the_last_paid(synced)
    n = next(
        one.n for one in synced.ledger() if (one.entry.lesson, one.entry.resident) == (lesson, who)
    )
    synced.ok("reverse", str(n), "--note", "ушла раньше", "--yes")
    assert (
        "taken back by hand: ушла раньше"
        in synced.ok("explain", f"#{who}", "--lesson", str(lesson)).out
    )
