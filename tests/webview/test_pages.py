"""What stands on each page: names, numbers, days and reasons as a family reads them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from coinsync.core.catalog import Item
from coinsync.core.facts import Lesson, Presence, Resident, Status
from coinsync.core.ledger import BY_HAND, BY_WAY, TAKEN_BACK, Entry, Kind, Line, Posted
from coinsync.core.school import SchoolProfile, Way
from webview import pages
from webview.launch import LaunchFault
from webview.page_renderer import PageRenderer
from webview.school_view import SchoolView
from webview.texts import ENGLISH, RUSSIAN, EnglishTexts, Texts, of_language

WEBVIEW = Path(pages.__file__).parent
FORMS = ("монета", "монеты", "монет")
SCHOOL = SchoolView(
    SchoolProfile("Школа «Лесная тропа»", FORMS, ("coin", "coins"), ZoneInfo("Europe/Moscow"))
)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ANYA = Resident(41, "Аня Л.", Presence.CLIENT, (1,))
SYNCED = "2026-11-22T02:00:07Z"


def changed(**profile: Any) -> SchoolView:
    """The school with something of its profile changed."""
    return SchoolView(replace(SCHOOL.profile, **profile))


def line(
    n: int = 1,
    coins: int = 10,
    *,
    kind: Kind = Kind.AWARD,
    day: str = "2026-11-19",
    posted: str = "",
    reason: str = "lesson",
    rule: str = "",
    note: str = "",
    lesson: bool = True,
    groups: tuple[int, ...] = (7,),
    reverses: int | None = None,
    reversed_by: int | None = None,
) -> Line:
    """One line of a history; of a lesson in group 7 unless said otherwise."""
    happened_on = date.fromisoformat(day)
    known = Lesson(n, 1, happened_on, "18:00", 2, Status.CONDUCTED, groups) if lesson else None
    number = n if lesson else None
    entry = Entry(
        f"key:{n}",
        1,
        41,
        coins,
        kind,
        happened_on,
        reason,
        "sync",
        rule=rule,
        lesson=number,
        reverses=reverses,
    )
    return Line(Posted(n, entry, posted or f"{day}T18:00:00Z", 1), known, note, reversed_by)


def child(
    *lines: Line, balance: int = 0, resident: Resident = ANYA, language: str = "ru"
) -> pages.Child:
    """The only child of a page."""
    family = pages.Family(
        (resident,), {resident.id: balance}, {resident.id: lines}, {7: "Роботы · вт", 8: "Рисунок"}
    )
    return pages.cabinet(family, SCHOOL, language, NOW).children[0]


def row(one: Line, *others: Line, language: str = "ru") -> pages.HistoryRow:
    """The row of one line among others."""
    return child(one, *others, language=language).rows[0]


# --- balances -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("balance", "text"), [(0, "0 coins"), (1, "1 coin"), (2, "2 coins"), (12345, "12,345 coins")]
)
def test_english_balance(balance: int, text: str) -> None:
    """English knows one coin and many coins."""
    shown = child(balance=balance, language="en")
    assert f"{shown.balance} {shown.coins}" == text


def test_russian_balance() -> None:
    """A balance stands beside its word; thousands are set apart where the number is long."""
    shown = [child(balance=balance) for balance in (1, 160, 1250, 12345)]
    assert [f"{one.balance} {one.coins}" for one in shown] == [
        "1 монета",
        "160 монет",
        "1250 монет",
        "12\N{NO-BREAK SPACE}345 монет",
    ]
    assert not any(one.debt for one in shown)


def test_balance_below_zero_is_shown_as_zero_and_a_debt() -> None:
    """Nobody reads a negative balance."""
    shown = child(balance=-25)
    assert (shown.balance, shown.coins, shown.debt) == ("0", "монет", "осталось отработать 25")
    assert child(balance=-25, language="en").debt == "25 to be made up"


def test_resident_without_a_name_is_shown_by_number() -> None:
    """An empty name, or one of blanks, becomes the number."""
    assert child(resident=Resident(41, "  ", Presence.GONE, ())).name == "#41"


def test_resident_without_entries_has_nothing() -> None:
    """A linked child who never earned anything has 0 and an empty history."""
    page = pages.cabinet(pages.Family((ANYA,)), SCHOOL, "ru", NOW)
    assert (page.children[0].balance, page.children[0].rows) == ("0", ())


# --- lines --------------------------------------------------------------------------------------


def test_award_is_named_by_its_group() -> None:
    """What a lesson was is said by its group's name, with a plus and its day."""
    shown = row(line())
    assert (shown.what, shown.more, shown.when, shown.day) == (
        "Роботы · вт",
        "",
        "19 ноября",
        "2026-11-19",
    )
    assert (shown.amount, shown.gain, shown.cancelled, shown.notes) == ("+10", True, False, ())


@pytest.mark.parametrize(
    ("groups", "what"),
    [((), "Занятие"), ((99,), "Занятие"), ((7, 8), "Роботы · вт, Рисунок"), ((99, 8), "Рисунок")],
)
def test_lesson_without_a_known_group_is_a_lesson(groups: tuple[int, ...], what: str) -> None:
    """Where no group's name is known, a lesson is called a lesson."""
    assert row(line(groups=groups)).what == what


def test_losses_carry_a_real_minus_sign() -> None:
    """The sign is a symbol that a screen reader reads, not a hyphen and not a colour."""
    shown = row(line(coins=-12500, kind=Kind.SALE, lesson=False, note="Конструктор"))
    assert (shown.amount, shown.gain) == ("\N{MINUS SIGN}12\N{NO-BREAK SPACE}500", False)


@pytest.mark.parametrize(
    ("day", "russian", "english"),
    [
        ("2026-01-01", "1 января", "1 January"),
        ("2026-05-09", "9 мая", "9 May"),
        ("2025-12-31", "31 декабря 2025", "31 December 2025"),
    ],
)
def test_year_is_said_only_when_it_is_another(day: str, russian: str, english: str) -> None:
    """Days of this year carry no year."""
    assert row(line(day=day)).when == russian
    assert row(line(day=day), language="en").when == english


def test_this_year_is_the_schools() -> None:
    """At 01:00 on 1 January in Moscow it is still the old year in UTC: the school's clock decides."""  # noqa: E501
    family = pages.Family((ANYA,), {}, {41: [line(day="2026-12-31")]})
    page = pages.cabinet(family, SCHOOL, "ru", datetime(2026, 12, 31, 22, 0, tzinfo=UTC))
    assert page.children[0].rows[0].when == "31 декабря 2026"


@pytest.mark.parametrize(
    "kind", [Kind.CREDIT, Kind.DEBIT, Kind.OPENING, Kind.GIFT, Kind.SALE, Kind.REFUND]
)
def test_hand_entries_show_what_staff_typed(kind: Kind) -> None:
    """The reason comes first, as typed, also where it looks like a code; the kind stands below."""
    shown = row(line(kind=kind, lesson=False, reason=BY_HAND, note="absent"))
    assert (shown.what, shown.more) == ("absent", RUSSIAN.words.kinds[kind])


def test_a_reward_is_called_as_the_memo_calls_it() -> None:
    """The title of the way to earn in the family's language, and what staff added; a way given up
    is a reward.
    """
    won = line(kind=Kind.CREDIT, lesson=False, reason=BY_WAY, rule="olympiad", note="городская")
    school = changed(ways=(Way("olympiad", "Победа в олимпиаде", "Olympiad won", 50),))
    family = pages.Family((ANYA,), {}, {41: [won]})
    shown = [
        pages.cabinet(family, school, language, NOW).children[0].rows[0].what
        for language in ("ru", "en")
    ]
    assert shown == ["Победа в олимпиаде: городская", "Olympiad won: городская"]
    assert row(won).what == "Награда: городская"


def test_days_of_posting_are_those_of_the_childs_branch() -> None:
    """One family, two branches: what was posted at 19:00 UTC was posted today in Moscow, tomorrow
    in Omsk.
    """
    late = line(posted="2026-11-25T19:00:00Z")
    omsk = Resident(42, "Миша Л.", Presence.CLIENT, (9, 2))
    family = pages.Family((ANYA, omsk), {}, {41: [late], 42: [late]})
    school = changed(zones={1: SCHOOL.profile.zone, 2: ZoneInfo("Asia/Omsk")})
    page = pages.cabinet(family, school, "ru", NOW)
    assert [one.rows[0].notes for one in page.children] == [
        ("отмечено 25 ноября",),
        ("отмечено 26 ноября",),
    ]


def test_mark_made_a_day_later_is_no_news() -> None:
    """Only what was posted more than a day after the lesson tells when."""
    assert row(line(posted="2026-11-20T20:59:59Z")).notes == ()
    assert row(line(posted="2026-11-22T18:00:00Z")).notes == ("отмечено 22 ноября",)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ru", "за это и более ранние занятия засчитано сразу, при запуске"),
        ("en", "this and earlier lessons were counted at once, at the start"),
    ],
)
def test_what_came_when_the_coins_began_is_said_once(language: str, text: str) -> None:
    """On the newest of those lines; what was marked late before or since says its own day."""
    began = "2026-11-25T01:00:00Z"
    lines = [
        line(n=6, day="2026-11-25", posted="2026-11-27T01:00:00Z"),
        line(n=5, day="2026-11-24", posted="2026-11-25T02:00:00Z"),
        line(n=4, day="2026-11-19", posted="2026-11-25T02:00:00Z"),
        line(n=7, day="2026-11-18", posted="2026-11-27T02:00:00Z"),
        line(n=3, day="2026-11-12", posted="2026-11-25T01:00:00Z"),
    ]
    family = pages.Family((ANYA,), {}, {41: lines}, began_at=began)
    page = pages.cabinet(family, SCHOOL, language, NOW)
    late = "отмечено 27 ноября" if language == "ru" else "marked on 27 November"
    assert [row.notes for row in page.children[0].rows] == [(late,), (text,), (), (late,), ()]
    older = pages.rows(replace(family, lines={41: lines[2:]}), SCHOOL, language, NOW)
    assert [row.notes for row in older.months[0].rows] == [(text,), (late,), ()]


def test_day_of_posting_is_the_schools() -> None:
    """What was posted at 21:00 UTC was posted after midnight in Moscow."""
    assert row(line(posted="2026-11-20T21:00:00Z")).notes == ("отмечено 21 ноября",)


def test_hand_entry_dated_back_says_when_it_was_entered() -> None:
    """A line entered for an earlier day tells both days."""
    shown = row(
        line(
            kind=Kind.CREDIT,
            lesson=False,
            reason=BY_HAND,
            note="за помощь",
            posted="2026-11-25T10:00:00Z",
        )
    )
    assert (shown.when, shown.notes) == ("19 ноября", ("добавлено 25 ноября",))


def test_award_and_its_reversal_name_each_other() -> None:
    """Both step back, and each says where the other is."""
    award = line(17, reversed_by=18)
    reversal = line(
        18, -10, kind=Kind.REVERSAL, reason="absent", reverses=17, posted="2026-11-21T12:00:00Z"
    )
    above, below = child(reversal, award).rows
    assert (above.what, above.more) == (
        "Отмена: Роботы · вт",
        "Отметка исправлена: пропуск занятия",
    )
    assert above.notes == ("отменяет занятие 19 ноября", "добавлено 21 ноября")
    assert (above.amount, above.cancelled) == ("−10", True)
    assert (below.notes, below.cancelled) == (("отменено 21 ноября",), True)


def test_reversal_of_a_hand_entry_names_its_day() -> None:
    """A clerk's mistake and its correction stand for themselves."""
    sale = line(5, -40, kind=Kind.SALE, lesson=False, note="Наклейки", reversed_by=6)
    reversal = line(
        6,
        40,
        kind=Kind.REVERSAL,
        lesson=False,
        reason=TAKEN_BACK,
        note="не тот",
        reverses=5,
        day="2026-11-20",
    )
    above, below = child(reversal, sale).rows
    assert (above.what, above.more, above.notes) == (
        "Отмена",
        "Исправление: не тот",
        ("отменяет то, что было 19 ноября",),
    )
    assert below.notes == ("отменено 20 ноября",)


def test_pair_that_is_cut_by_the_pages_end_is_still_marked() -> None:
    """Where the other line is not at hand, the pointing is done without its day."""
    alone = row(line(6, 40, kind=Kind.REVERSAL, lesson=False, reason=TAKEN_BACK, reverses=5))
    assert alone.notes == ("отменяет то, что было раньше",)
    assert row(line(5, reversed_by=6)).notes == ("отменено",)


def test_fifty_lines_are_shown_and_more_are_mentioned() -> None:
    """The page is bounded and says so."""
    shown = child(*(line(n) for n in range(51, 0, -1)))
    assert (len(shown.rows), shown.more) == (50, "Показаны последние 50.")
    assert child(*(line(n) for n in range(50, 0, -1))).more == ""


def test_twenty_children_are_shown_and_more_are_mentioned() -> None:
    """Somebody linked to a whole class still gets a page of bounded size."""
    many = tuple(Resident(n, f"Ученик {n}", Presence.CLIENT, (1,)) for n in range(1, 22))
    page = pages.cabinet(pages.Family(many), SCHOOL, "ru", NOW)
    assert (len(page.children), bool(page.more)) == (20, True)


# --- freshness -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("synced_at", "text"),
    [
        (SYNCED, "Обновлено сегодня в 05:00"),
        ("2026-11-21T02:00:07Z", "Обновлено вчера в 05:00"),
        ("2026-11-21T21:30:00Z", "Обновлено сегодня в 00:30"),
        ("2026-11-19T21:30:00Z", "Обновлено 20 ноября в 00:30"),
        ("2025-11-19T02:00:00Z", "Обновлено 19 ноября 2025 в 05:00"),
        (None, "Данные о занятиях ещё не загружены"),
    ],
)
def test_freshness_is_told_in_the_schools_time(synced_at: str | None, text: str) -> None:
    """How fresh the data is: today, yesterday, a day, or not at all."""
    fresh = pages.cabinet(pages.Family((ANYA,), synced_at=synced_at), SCHOOL, "ru", NOW).fresh
    assert f"{fresh.label} {fresh.text}".strip() == text
    assert bool(fresh.moment) == bool(synced_at)


# --- months -------------------------------------------------------------------------------------


def test_lines_stand_under_their_month_with_what_came_and_went() -> None:
    """A line and its reversal are neither; of a month that is cut nothing is added up."""
    lines = [
        line(9, -30, kind=Kind.SALE, lesson=False, note="Ручка"),
        line(8, day="2026-11-12"),
        line(7, -10, kind=Kind.REVERSAL, day="2026-11-11", reverses=6, reason="absent"),
        line(6, day="2026-11-11", reversed_by=7),
        line(5, day="2026-10-30"),
        line(4, day="2025-12-01"),
    ]
    months = child(*lines).months
    assert [(month.key, month.title, month.sums) for month in months] == [
        ("2026-11", "ноябрь", "+10 −30"),
        ("2026-10", "октябрь", "+10"),
        ("2025-12", "декабрь 2025", "+10"),
    ]
    assert [len(month.rows) for month in months] == [4, 1, 1]
    cut = child(*(line(n, day="2026-10-30" if n < 30 else "2026-11-01") for n in range(60, 0, -1)))
    assert [month.sums for month in cut.months] == ["+310", ""]
    assert child(lines[0], language="en").months[0].title == "November"


def test_this_months_lessons_stand_beside_the_balance() -> None:
    """Only lessons that count, only of this month, and nothing where some of them are not shown."""
    lines = [
        line(9, 50, kind=Kind.CREDIT, lesson=False, note="Олимпиада"),
        line(8, 20, day="2026-11-12"),
        line(7, -10, kind=Kind.REVERSAL, day="2026-11-11", reverses=6, reason="absent"),
        line(6, day="2026-11-11", reversed_by=7),
        line(5, day="2026-11-01"),
        line(4, day="2026-10-30"),
    ]
    assert child(*lines).this_month == "В этом месяце +30 за 2 занятия"
    assert child(*lines, language="en").this_month == "+30 this month for 2 lessons"
    assert child(lines[0]).this_month == child(lines[-1]).this_month == child().this_month == ""
    assert child(*(line(n) for n in range(60, 0, -1))).this_month == ""


@pytest.mark.parametrize(
    ("kind", "looked_for"),
    [
        (Kind.CREDIT, "reward"),
        (Kind.GIFT, "reward"),
        (Kind.OPENING, "reward"),
        (Kind.SALE, "shop"),
        (Kind.DEBIT, "shop"),
        (Kind.REFUND, "shop"),
    ],
)
def test_lines_are_looked_for_by_what_a_family_calls_them(kind: Kind, looked_for: str) -> None:
    """Each kind is found by one button; a correction stays with what it corrects."""
    assert row(line(kind=kind, lesson=False, note="слово")).kind == looked_for
    assert row(line()).kind == "lesson"
    assert row(line(18, -10, kind=Kind.REVERSAL, reverses=17)).kind == "lesson"
    undone = line(18, -10, kind=Kind.REVERSAL, lesson=False, reason=TAKEN_BACK, reverses=17)
    assert row(undone).kind == "correction"


# --- language -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("ru", "ru"),
        ("uk", "ru"),
        ("ua", "ru"),
        ("be", "ru"),
        ("kz", "ru"),
        ("", "ru"),
        ("en", "en"),
        ("pt", "en"),
    ],
)
def test_language_follows_vk(code: str, language: str) -> None:
    """Russian for those who read it, English for everybody else."""
    assert of_language(code).language == language


def test_texts_of_both_languages_are_complete() -> None:
    """No text is missing in either language, and both take the same values."""
    holes = re.compile(r"\{\w+\}")
    names = {name for name in vars(Texts) if not name.startswith("_")} - {"of"}
    assert names == {name for name in vars(EnglishTexts) if not name.startswith("_")}
    for name in names:
        russian, english = getattr(RUSSIAN, name), getattr(ENGLISH, name)
        assert russian
        assert english
        assert sorted(holes.findall(str(russian))) == sorted(holes.findall(str(english)))


# --- other pages --------------------------------------------------------------------------------


def test_every_refusal_says_the_same_but_for_genuine_launches() -> None:
    """A visitor learns nothing about why, except what is wrong with a launch that VK signed."""
    made = {fault: pages.refused(fault, SCHOOL, 7000001) for fault in LaunchFault}
    old = made.pop(LaunchFault.TOO_OLD)
    for fault in (LaunchFault.FROM_THE_FUTURE, LaunchFault.ODNOKLASSNIKI):
        assert made.pop(fault) not in (old, made[LaunchFault.NO_KEY])
    assert all(page == made[LaunchFault.NO_KEY] for page in made.values())
    assert old != made[LaunchFault.NO_KEY]
    assert old.translations[0][1].title == "Откройте приложение ещё раз"
    assert old.address == "https://vk.com/app7000001"


def test_notices_speak_both_languages() -> None:
    """A page that knows no visitor speaks Russian first and English after it."""
    for page in (
        pages.notice(SCHOOL, "trouble"),
        pages.notice(SCHOOL, "broken"),
        pages.notice(SCHOOL, "missing"),
        pages.notice(SCHOOL, "wrong_method"),
    ):
        assert [texts.language for texts, _ in page.translations] == ["ru", "en"]
        assert not page.address


# --- printing -----------------------------------------------------------------------------------

PRESS = PageRenderer()

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{name}}",
    "{{!style}}",
    "% import os",
    "<!-- content -->",
    "</style><b>",
    "&lt;b&gt;",
    "🦊👩‍👩‍👧",
    "\N{RIGHT-TO-LEFT OVERRIDE}аря",
    "שלום",
    "a\x00b",
    "ё" * 200,
]


def printed_as(text: str) -> str:
    """A text as it stands in HTML when it is nothing but text."""
    for raw, safe in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("'", "&#039;"),
    ):
        text = text.replace(raw, safe)
    return text


def printed_cabinet(text: str) -> str:
    """A cabinet in which everything that people can type says ``text``."""
    lines: Sequence[Line] = [
        line(2, kind=Kind.GIFT, lesson=False, reason=BY_HAND, note=text),
        line(1),
    ]
    item = Item("mug", text, text, text, text, text, text, 5, (), "", 1, shown=True, tracked=True)
    residents = (Resident(42, text, Presence.CLIENT, ()), ANYA)
    family = pages.Family(residents, {}, {42: lines}, {7: text}, shelf=[(item, 1)])
    way = Way("way", text, text, 5, text, text)
    zone = SCHOOL.profile.zone
    school = SchoolView(SchoolProfile(text, (text, text, text), (text, text), zone, ways=(way,)))
    return PRESS.print(pages.cabinet(family, school, "ru", NOW)).decode()


def bones(page: str) -> str:
    """A page without its texts: tags and attributes, but for what labels say."""
    return re.sub(r">[^<]*<", "><", re.sub(r'(aria-label)="[^"]*"', r"\1", page))


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_people_type_is_only_text(text: str) -> None:
    """Names, groups, reasons, the school and its coin are inert, and cut by nothing."""
    usual, page = bones(printed_cabinet("слово")), bones(printed_cabinet(text))
    assert printed_cabinet(text).count(printed_as(text.strip())) >= 20
    assert page == usual


def test_printed_cabinet_has_a_switcher_only_for_several_children() -> None:
    """One child needs no links to itself; two are each a link away."""
    two = printed_cabinet("слово")
    assert two.count('href="#resident-41"') == 1
    one = PRESS.print(pages.cabinet(pages.Family((ANYA,)), SCHOOL, "en", NOW)).decode()
    assert "switcher" not in one.partition("</style>")[2]
    assert '<html lang="en">' in one


def test_templates_quote_every_attribute_and_escape_everything_but_style_and_data() -> None:
    """An unquoted attribute is not protected by escaping, and ``!`` would switch escaping off."""
    for template in sorted((WEBVIEW / "templates").glob("*.html")):
        source = template.read_text(encoding="utf-8")
        bare = re.sub(r'="[^"]*"', "", re.sub(r"(?m)^%.*$", "", source))
        assert not re.search(r"<[^>]*=", bare), template.name
        assert not re.findall(r"\{\{!(?!style\}\}|init\}\}|page\.data\}\})", source), template.name
        assert " on" not in source.lower()
        assert "style=" not in source


def test_style_is_small() -> None:
    """It stands in every page."""
    assert len(gzip.compress(PRESS._style.encode(), 6)) < 4.5 * 1024


def test_what_stands_in_the_page_for_the_script_is_what_was_meant() -> None:
    """JSON that no text in it can break out of: what comes out is what went in."""
    for text in HOSTILE:
        page = printed_cabinet(text)
        (data,) = re.findall(
            r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL
        )
        assert not set("<>&") & set(data)
        residents = json.loads(data)["residents"]
        assert [one["name"] for one in residents] == [text.strip(), ANYA.name]
