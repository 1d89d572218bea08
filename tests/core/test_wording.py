"""What a family reads about a line: words for every kind and code in both languages, numbers, days,
the coin's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsync.core.facts import Lesson, Status
from coinsync.core.ledger import (
    BOUGHT,
    BY_HAND,
    BY_WAY,
    FORGIVEN,
    OPENED,
    RETURNED,
    TAKEN_BACK,
    Entry,
    Kind,
    Line,
    Posted,
)
from coinsync.core.reasons import REASONS
from coinsync.core.rules import Reason
from coinsync.core.school import SchoolProfile
from coinsync.core.wording import (
    ENGLISH,
    LANGUAGES,
    RUSSIAN,
    LineFormatter,
    Words,
)
from coinsync.staff_texts import declined

CODES = (
    "lesson",
    "rate_changed",
    BY_HAND,
    BY_WAY,
    OPENED,
    TAKEN_BACK,
    FORGIVEN,
    BOUGHT,
    RETURNED,
    *Reason,
)
FORMS = ("монета", "монеты", "монет")
TODAY = date(2026, 11, 22)
MOSCOW, OMSK = ZoneInfo("Europe/Moscow"), ZoneInfo("Asia/Omsk")
WAYS = {"ru": {"olympiad": "Победа в олимпиаде"}, "en": {"olympiad": "Olympiad won"}}
GROUPS = {7: "Роботы", 8: "Рисунок"}


def a_line(
    kind: Kind = Kind.AWARD,
    reason: str = "lesson",
    note: str = "",
    *,
    n: int = 1,
    rule: str = "",
    lesson: bool = True,
    reverses: int | None = None,
    reversed_by: int | None = None,
    posted: str = "2026-11-19T18:00:00Z",
) -> Line:
    """One line for 19 November; of a lesson of group 7 unless said otherwise."""
    day = date(2026, 11, 19)
    known = Lesson(5, 1, day, "18:00", 2, Status.CONDUCTED, (7,)) if lesson else None
    number = 5 if lesson else None
    entry = Entry(
        "desk:1", 1, 41, 10, kind, day, reason, "anna", rule=rule, lesson=number, reverses=reverses
    )
    return Line(Posted(n, entry, posted, 1), known, note, reversed_by)


def pen(language: str = "ru", zone: ZoneInfo = MOSCOW) -> LineFormatter:
    """What writes in one language in November 2026."""
    return LineFormatter(LANGUAGES[language], zone, TODAY, WAYS[language])


def told(line: Line, language: str) -> str:
    """Everything that a family reads about a line."""
    write = pen(language)
    partners = {line.posted.n: line}
    said = (write.what(line, GROUPS), write.why(line), write.takes_back(line, partners))
    return " ".join((*said, write.taken_back(line, partners), write.late(line)))


# --- kinds and codes ----------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_with_every_code_has_words(language: str) -> None:
    """Whatever is posted for whatever reason is named, and all but a plain lesson says why."""
    for kind, code, of_lesson, note in product(Kind, CODES, (True, False), ("", "за помощь")):
        line = a_line(kind, code, note, lesson=of_lesson, rule="olympiad")
        assert pen(language).what(line, GROUPS).strip()
        why = pen(language).why(line)
        assert why or (code, note) == ("lesson", "")
        assert note in why
        assert not why.endswith(": ")


def test_every_code_of_the_ledger_has_words_for_families_and_for_staff() -> None:
    """A code that one of them does not know would be a code that somebody reads."""
    assert set(CODES) == set(RUSSIAN.reasons) == set(ENGLISH.reasons) == {*REASONS, BY_WAY}
    for words in LANGUAGES.values():
        assert all(words.reasons[code] for code in CODES if code != "lesson")
        assert set(words.kinds) == set(Kind)
        assert len(set(words.months.split())) == 12


@given(
    kind=st.sampled_from(Kind),
    code=st.sampled_from(CODES),
    rule=st.sampled_from(["", "olympiad", "given_up_since", "group lesson"]),
    lesson=st.booleans(),
    reverses=st.none() | st.integers(1, 3),
    reversed_by=st.none() | st.integers(1, 3),
    note=st.text(st.characters(codec="utf-8"), max_size=20),
    language=st.sampled_from(sorted(LANGUAGES)),
)
def test_no_code_of_ours_is_ever_shown(
    kind: Kind,
    code: str,
    rule: str,
    lesson: bool,
    reverses: int | None,
    reversed_by: int | None,
    note: str,
    language: str,
) -> None:
    """Whatever the line: with the note taken away, no code, no rule and no kind stands in what is
    read.
    """
    line = a_line(
        kind, code, note, rule=rule, lesson=lesson, reverses=reverses, reversed_by=reversed_by
    )
    bare = a_line(
        kind, code, "", rule=rule, lesson=lesson, reverses=reverses, reversed_by=reversed_by
    )
    assert note.strip() in told(line, language)
    shown = told(bare, language)
    # A word that is a code as well, such as "lesson", is written with a capital here, or within a
    # sentence.
    codes = {one for one in (*CODES, *Kind, rule) if "_" in one} | {
        "olympiad",
        "given_up_since",
        "group lesson",
    }
    assert not [one for one in codes if one in shown]
    assert pen(language).why(bare) not in {*CODES, *Kind}


@pytest.mark.parametrize("code", ["good deed", "code_of_tomorrow", ""])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_code_that_we_do_not_know_is_not_shown_either(language: str, code: str) -> None:
    """What staff typed stands alone, or nothing does."""
    assert pen(language).why(a_line(Kind.SALE, code, lesson=False)) == ""
    assert pen(language).why(a_line(Kind.SALE, code, "Наклейки", lesson=False)) == "Наклейки"


@pytest.mark.parametrize(
    ("code", "note", "russian", "english"),
    [
        (BY_HAND, "за помощь", "за помощь", "за помощь"),
        (BY_HAND, " ", "Внесено сотрудником школы", "Entered by the school's staff"),
        (BY_WAY, "", "Победа в олимпиаде", "Olympiad won"),
        (BY_WAY, "городская", "Победа в олимпиаде: городская", "Olympiad won: городская"),
        (OPENED, "", "Было до того, как появился кабинет", "From before there was a cabinet"),
        (TAKEN_BACK, "дважды", "Исправление: дважды", "Correction: дважды"),
        ("lesson", "", "", ""),
        ("lesson", "была в своей группе", "была в своей группе", "была в своей группе"),
        (
            Reason.ABSENT,
            "",
            "Отметка исправлена: пропуск занятия",
            "Mark corrected: was not at the lesson",
        ),
    ],
)
def test_why(code: str, note: str, russian: str, english: str) -> None:
    """What staff typed is the reason of what they did by hand, and stands behind the words of every
    other code.
    """
    line = a_line(Kind.CREDIT, code, note, rule="olympiad", lesson=False)
    assert (pen("ru").why(line), pen("en").why(line)) == (russian, english)


def test_a_way_that_was_given_up_is_a_reward() -> None:
    """Its title is gone from the configuration, the entry is not."""
    assert (
        pen().why(a_line(Kind.CREDIT, BY_WAY, "городская", rule="chess", lesson=False))
        == "Награда: городская"
    )


@pytest.mark.parametrize(
    ("kind", "lesson", "russian", "english"),
    [
        (Kind.AWARD, True, "Роботы", "Роботы"),
        (Kind.AWARD, False, "Занятие", "Lesson"),
        (Kind.REVERSAL, True, "Отмена: Роботы", "Taken back: Роботы"),
        (Kind.REVERSAL, False, "Отмена", "Taken back"),
        (Kind.GIFT, True, "Подарок", "Gift"),
        (Kind.SALE, False, "Покупка", "Purchase"),
    ],
)
def test_what(kind: Kind, lesson: bool, russian: str, english: str) -> None:
    """A lesson by its groups, hand work by its kind."""
    line = a_line(kind, lesson=lesson)
    assert (pen("ru").what(line, GROUPS), pen("en").what(line, GROUPS)) == (russian, english)


# --- lines that point to each other -------------------------------------------------------------


def test_lines_name_their_partner_by_its_day() -> None:
    """A reversal names what it takes back; that names the day on which it was taken back."""
    original = a_line(Kind.CREDIT, BY_HAND, n=1, lesson=False, reversed_by=2)
    reversal = a_line(
        Kind.REVERSAL, TAKEN_BACK, n=2, lesson=False, reverses=1, posted="2026-11-21T22:00:00Z"
    )
    both = {1: original, 2: reversal}
    assert pen().takes_back(reversal, both) == "отменяет то, что было 19 ноября"
    assert pen().taken_back(original, both) == "отменено 22 ноября"
    assert (pen().takes_back(original, both), pen().taken_back(reversal, both)) == ("", "")
    assert pen().takes_back(reversal, {}) == "отменяет то, что было раньше"
    assert pen().taken_back(original, {}) == "отменено"
    assert (
        pen("en").takes_back(a_line(Kind.REVERSAL, reverses=1), {})
        == "takes back the lesson of 19 November"
    )


def test_what_was_posted_late_says_when_by_the_familys_clock() -> None:
    """A day later is no news; the day turns at another hour in Omsk."""
    assert pen().late(a_line(posted="2026-11-20T20:59:59Z")) == ""
    assert pen().late(a_line(posted="2026-11-20T21:00:00Z")) == "отмечено 21 ноября"
    assert pen(zone=OMSK).late(a_line(posted="2026-11-20T18:00:00Z")) == "отмечено 21 ноября"
    assert pen().late(a_line(Kind.CREDIT, posted="2026-11-25T10:00:00Z")) == "добавлено 25 ноября"


def test_only_awards_of_earlier_days_came_when_the_coins_began() -> None:
    """On the day on which the first lessons were posted, by the family's clock."""
    write = LineFormatter(RUSSIAN, MOSCOW, TODAY, began_at="2026-11-21T21:30:00Z")
    posted = "2026-11-22T01:00:00Z"
    assert write.came_with_start(a_line(posted=posted))
    assert write.late(a_line(posted=posted)) == ""
    assert not write.came_with_start(a_line(posted="2026-11-22T22:00:00Z"))
    assert not write.came_with_start(a_line(Kind.CREDIT, posted=posted))
    assert write.late(a_line(Kind.CREDIT, posted=posted)) == "добавлено 22 ноября"
    assert not pen().came_with_start(a_line(posted=posted))


def test_a_familys_clock_is_its_branchs() -> None:
    """The first branch that has one; the school's for whoever has none."""
    forms_ru, forms_en = ("монета", "монеты", "монет"), ("coin", "coins")
    school = SchoolProfile("Росток", forms_ru, forms_en, MOSCOW, zones={1: MOSCOW, 2: OMSK})
    for branches, zone in {
        (2, 1): OMSK,
        (1,): MOSCOW,
        (9, 2): OMSK,
        (9,): MOSCOW,
        (): MOSCOW,
    }.items():
        assert school.zone_of(branches) is zone


def test_thousands_are_set_apart_from_ten_thousand_on() -> None:
    """Exactly from there: four digits are read at a glance."""
    assert (RUSSIAN.number(9_999), RUSSIAN.number(10_000)) == ("9999", "10\N{NO-BREAK SPACE}000")
    assert (ENGLISH.number(-9_999), ENGLISH.number(-10_000)) == ("−9999", "−10,000")


# --- numbers and days ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(-130, 131))
def test_coin_word_is_declined_rightly(count: int) -> None:
    """1 монета, 2 монеты, 5 and 11 монет, 21 монета; a debt is declined like what it is missing."""
    number = abs(count)
    one = number % 10 == 1 and number % 100 != 11
    few = number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14)
    assert (
        declined(count, FORMS) == RUSSIAN.coin(count, FORMS) == FORMS[0 if one else 1 if few else 2]
    )
    assert ENGLISH.coin(count, ("coin", "coins")) == ("coin" if number == 1 else "coins")


@pytest.mark.parametrize(
    ("value", "number", "amount", "english"),
    [
        (0, "0", "0", "0"),
        (7, "7", "+7", "+7"),
        (-7, "−7", "−7", "−7"),
        (1250, "1250", "+1250", "+1250"),
        (12345, "12\N{NO-BREAK SPACE}345", "+12\N{NO-BREAK SPACE}345", "+12,345"),
        (-12345, "−12\N{NO-BREAK SPACE}345", "−12\N{NO-BREAK SPACE}345", "−12,345"),
    ],
)
def test_numbers(value: int, number: str, amount: str, english: str) -> None:
    """A real minus sign, a plus on a change, thousands set apart where a number is long."""
    assert (RUSSIAN.number(value), RUSSIAN.amount(value), ENGLISH.amount(value)) == (
        number,
        amount,
        english,
    )


@given(st.integers(-(10**12), 10**12))
def test_no_digit_is_lost(value: int) -> None:
    """Whatever stands between the digits, the number is the same."""
    for words in LANGUAGES.values():
        plain = words.number(value).replace(words.thousands, "").replace("−", "-")
        assert int(plain) == value
        assert words.amount(value).lstrip("+") == words.number(value)


@pytest.mark.parametrize(("balance", "text"), [(-4, "осталось отработать 4"), (0, ""), (7, "")])
def test_only_a_balance_below_zero_is_to_be_made_up(balance: int, text: str) -> None:
    """Nobody is told to make up nothing."""
    assert RUSSIAN.to_be_made_up(balance) == text


def test_days() -> None:
    """The year is said unless it is this one."""
    assert pen().day(date(2026, 5, 9)) == "9 мая"
    assert pen("en").day(date(2025, 12, 31)) == "31 December 2025"
    assert RUSSIAN.day(date(2026, 1, 1)) == "1 января 2026"


# --- both languages -----------------------------------------------------------------------------


def texts_of(words: Words) -> Iterator[tuple[str, str]]:
    """Every text of a language, by its place."""
    for one in fields(words):
        value, place = getattr(words, one.name), one.name
        if isinstance(value, str):
            yield place, value
        else:
            pairs = value.items() if hasattr(value, "items") else enumerate(value)
            yield from ((f"{place}.{key}", text) for key, text in pairs)


def test_both_languages_say_the_same_things() -> None:
    """No text is missing, and both take the same values."""
    russian, english = dict(texts_of(RUSSIAN)), dict(texts_of(ENGLISH))
    holes = re.compile(r"\{\w+\}")
    assert russian.keys() == english.keys()
    for place, text in russian.items():
        assert bool(text) == bool(english[place]) == (place != "reasons.lesson"), place
        assert sorted(holes.findall(text)) == sorted(holes.findall(english[place])), place


@pytest.mark.parametrize(("words", "letters"), [(RUSSIAN, r"[A-Za-z]"), (ENGLISH, r"[А-Яа-яЁё]")])
def test_no_language_borrows_from_the_other(words: Words, letters: str) -> None:
    """No letter of the other alphabet, not even one that looks the same."""
    for place, text in texts_of(words):
        if place != "language":
            assert not re.search(letters, re.sub(r"\{\w+\}", "", text)), place
