"""What stands on each page: values of the reader in, frozen page objects out.

A page holds only texts as a family reads them: in its language and its local time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from coinsync.core.facts import Resident
from coinsync.core.ledger import Kind, Line
from coinsync.core.seal import Seal
from coinsync.core.wording import LineFormatter
from webview.goods import GOODS_MAX, Category, Purse, Shelf, catalog
from webview.launch import LaunchFault
from webview.memo import Earning, coins_per_lesson, memo, rules_on
from webview.school_view import SchoolView
from webview.texts import ENGLISH, RUSSIAN, Message, NoticeKind, Texts, of_language

RESIDENTS_MAX = 20
LINES_MAX = 50
#: How many come at once when more of them are asked for.
OLDER_MAX = 500
#: How many of them the cabinet itself shows.
LAST_MAX = 3

#: By what a family looks for a line. A correction stays with what it corrects.
_LOOKED_FOR: Mapping[Kind, str] = {
    Kind.AWARD: "lesson",
    Kind.SALE: "shop",
    Kind.DEBIT: "shop",
    Kind.REFUND: "shop",
    Kind.REVERSAL: "correction",
}

#: What helps against a fault of a genuine launch.
_HELP: Mapping[LaunchFault, NoticeKind] = {
    LaunchFault.TOO_OLD: "expired",
    # VK's servers write the time of a launch, so it is our clock that is slow.
    LaunchFault.FROM_THE_FUTURE: "clock",
    LaunchFault.ODNOKLASSNIKI: "elsewhere",
}


@dataclass(frozen=True, slots=True)
class Family:
    """What the reader knows of a visitor's residents and of the shop.

    ``residents``, ``lines`` (newest first) and ``shelf`` may be one more than is shown, which
    tells that there are more.
    """

    residents: tuple[Resident, ...] = ()
    balances: Mapping[int, int] = field(default_factory=dict)
    lines: Mapping[int, Sequence[Line]] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    synced_at: str | None = None
    began_at: str = ""
    shelf: Shelf = ()
    pictures: Mapping[str, str] = field(default_factory=dict)
    seals: Mapping[int, Seal] = field(default_factory=dict)


class HistoryRow(NamedTuple):
    """One line of a history; ``cancelled`` marks a reversed line and its reversal.

    ``what`` is what a family wants to know of it, ``more`` stands small below.
    """

    number: int
    kind: str
    what: str
    more: str
    when: str
    day: str
    notes: tuple[str, ...]
    coins: int
    amount: str
    gain: bool
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Month:
    """The lines of one month, such as "2026-11"; ``sums`` are "" until all of them are there."""

    key: str
    title: str
    sums: str
    rows: tuple[HistoryRow, ...]


@dataclass(frozen=True, slots=True)
class Fresh:
    """How fresh the data is: ``text`` of local time ``moment``; both "" before the first sync."""

    label: str
    moment: str
    day: str
    text: str


@dataclass(frozen=True, slots=True)
class Child:
    """One resident; further lines are asked from number ``before``, unless 0."""

    id: int
    name: str
    balance: str
    coins: str
    debt: str
    this_month: str
    rows: tuple[HistoryRow, ...]
    months: tuple[Month, ...]
    more: str
    before: int
    seal: str

    @property
    def last(self) -> tuple[HistoryRow, ...]:
        """The rows in the cabinet itself."""
        return self.rows[:LAST_MAX]


@dataclass(frozen=True, slots=True)
class Shop:
    """The screens about goods and about earning."""

    categories: Sequence[Category]
    more: str
    earnings: tuple[Earning, ...]

    @property
    def kinds(self) -> tuple[tuple[int, str], ...]:
        """Numbers and titles of categories, where there is a choice."""
        titles = {category.number: category.title for category in self.categories}
        if len(titles) < 2:
            return ()
        return tuple((number, title) for number, title in titles.items() if title)

    @property
    def buys(self) -> bool:
        """Whether somebody may have coins for something."""
        return any(good.reach for category in self.categories for good in category.goods)


@dataclass(frozen=True, slots=True)
class Cabinet:
    """The page of a visitor who has residents; ``data`` is JSON."""

    school: SchoolView
    texts: Texts
    children: tuple[Child, ...]
    more: str
    fresh: Fresh
    shop: Shop
    data: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """The page of a visitor without residents; the office needs ``vk``."""

    school: SchoolView
    texts: Texts
    vk: int
    shop: Shop
    data: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A part of a page: further rows of a child's history."""

    texts: Texts
    child: int
    months: tuple[Month, ...]
    before: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A page for anybody: it says one thing in Russian and English."""

    school: SchoolView
    texts: Texts
    translations: tuple[tuple[Texts, Message], ...]
    address: str = ""


Page = Cabinet | Stranger | Rows | Notice


def cabinet(family: Family, school: SchoolView, language: str, now: datetime) -> Cabinet:
    """Make the page of a family; ``language`` is a code of VK's."""
    texts = of_language(language)
    residents = family.residents[:RESIDENTS_MAX]
    are_more = len(family.residents) > RESIDENTS_MAX
    figures = [_figures(resident, family, school, now) for resident in residents]
    return Cabinet(
        school=school,
        texts=texts,
        children=tuple(_child(resident, family, school, texts, now) for resident in residents),
        more=texts.children_more.format(count=RESIDENTS_MAX) if are_more else "",
        fresh=_fresh(family.synced_at, texts, school.formatter(texts, (), now)),
        shop=_shop(family, residents, school, texts, now),
        data=_data(figures, school, texts),
    )


def stranger(vk: int, family: Family, school: SchoolView, language: str, now: datetime) -> Stranger:
    """Make the page of a visitor without residents."""
    texts = of_language(language)
    shop = _shop(family, (), school, texts, now)
    return Stranger(school, texts, vk, shop, _data([], school, texts))


def rows(family: Family, school: SchoolView, language: str, now: datetime) -> Rows:
    """Make further rows of the history of a family's only child."""
    texts = of_language(language)
    (resident,) = family.residents
    lines, before = _history(resident, family, school, texts, now, OLDER_MAX)
    months = _months(lines, school.profile.today(resident.branches, now), texts, whole=not before)
    return Rows(texts, resident.id, months, before)


def refused(fault: LaunchFault, school: SchoolView, app_id: int) -> Notice:
    """Say what helps: mostly to open the app in VK.

    What is wrong with a launch is told apart only when it is genuine: nobody who tries out forged
    launches learns anything.
    """
    address = f"https://vk.com/app{app_id}" if app_id > 0 else ""
    return notice(school, _HELP.get(fault, "refused"), address)


def notice(school: SchoolView, kind: NoticeKind, address: str = "") -> Notice:
    """Say one thing in both languages; ``address`` is for a button."""
    translations = tuple((texts, texts.notices[kind]) for texts in (RUSSIAN, ENGLISH))
    return Notice(school, RUSSIAN, translations, address)


def _data(figures: Sequence[Mapping[str, Any]], school: SchoolView, texts: Texts) -> str:
    return as_data({"residents": figures, "coins": school.coin_forms(texts)})


def as_data(value: Mapping[str, Any]) -> str:
    """Write JSON that may stand in a document: nothing ends its element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _child(
    resident: Resident, family: Family, school: SchoolView, texts: Texts, now: datetime
) -> Child:
    balance = family.balances.get(resident.id, 0)
    history, before = _history(resident, family, school, texts, now)
    today = school.profile.today(resident.branches, now)
    months = _months(history, today, texts, whole=not before)
    return Child(
        id=resident.id,
        name=_name(resident),
        balance=texts.words.number(max(balance, 0)),
        coins=school.coin_word(max(balance, 0), texts),
        debt=texts.words.to_be_made_up(balance),
        this_month=_this_month(months, today, texts),
        rows=history,
        months=months,
        more=texts.history_more.format(count=LINES_MAX) if before else "",
        before=before,
        seal=str(family.seals.get(resident.id, "")),
    )


def _name(resident: Resident) -> str:
    return resident.name.strip() or f"#{resident.id}"


def _history(
    resident: Resident,
    family: Family,
    school: SchoolView,
    texts: Texts,
    now: datetime,
    count: int = LINES_MAX,
) -> tuple[tuple[HistoryRow, ...], int]:
    """The rows of a child, and after which number more of them are asked for, unless 0."""
    formatter = school.formatter(texts, resident.branches, now, family.began_at)
    lines = family.lines.get(resident.id, ())
    by_number = {line.posted.n: line for line in lines}
    # When coins begin a whole history is posted in one night. It is said once.
    of_start = (line.posted.n for line in lines if formatter.came_with_start(line))
    newest_of_start = next(of_start, 0)
    history = []
    for line in lines[:count]:
        note = texts.words.at_start if line.posted.n == newest_of_start else ""
        history.append(_row(line, by_number, family.groups, formatter, note))
    before = lines[count - 1].posted.n if len(lines) > count else 0
    return tuple(history), before


def _months(
    rows: Sequence[HistoryRow], today: date, texts: Texts, *, whole: bool
) -> tuple[Month, ...]:
    """Rows by month; of the last one more may follow, unless the history is ``whole``."""
    months = []
    for key, group in groupby(rows, lambda row: row.day[:7]):
        lines = tuple(group)
        is_complete = whole or lines[-1] is not rows[-1]
        title = texts.words.month(date.fromisoformat(lines[0].day), today.year)
        months.append(Month(key, title, _sums(lines, texts) if is_complete else "", lines))
    return tuple(months)


def _sums(rows: Sequence[HistoryRow], texts: Texts) -> str:
    """What came and what went. A line and its reversal are neither, in whichever months."""
    changes = [row.coins for row in rows if not row.cancelled]
    sums = (sum(coins for coins in changes if coins > 0), sum(min(coins, 0) for coins in changes))
    return " ".join(texts.words.amount(coins) for coins in sums if coins)


def _this_month(months: Sequence[Month], today: date, texts: Texts) -> str:
    """What this month's lessons gave; "" where some of its lines are not at hand."""
    if not months or months[0].key != f"{today:%Y-%m}" or not months[0].sums:
        return ""
    awards = [row.coins for row in months[0].rows if row.kind == "lesson" and not row.cancelled]
    if not awards:
        return ""
    lessons = texts.words.coin(len(awards), texts.lessons)
    coins = texts.words.amount(sum(awards))
    return texts.this_month.format(coins=coins, lessons=f"{len(awards)} {lessons}")


def _row(
    line: Line,
    by_number: Mapping[int, Line],
    groups: Mapping[int, str],
    formatter: LineFormatter,
    note: str,
) -> HistoryRow:
    entry = line.posted.entry
    notes = (
        note,
        formatter.takes_back(line, by_number),
        formatter.late(line),
        formatter.taken_back(line, by_number),
    )
    what, more = formatter.what(line, groups), formatter.why(line)
    kind = _LOOKED_FOR.get(entry.kind, "reward")
    if entry.lesson is not None:
        kind = "lesson"
    elif entry.reverses is None and more:
        # The reason of hand work is what a family wants to know, and its kind comes second.
        what, more = more, what
    return HistoryRow(
        number=line.posted.n,
        kind=kind,
        what=what,
        more=more,
        when=formatter.day(entry.happened_on),
        day=entry.happened_on.isoformat(),
        notes=tuple(note for note in notes if note),
        coins=entry.coins,
        amount=formatter.words.amount(entry.coins),
        gain=entry.coins > 0,
        cancelled=line.reversed_by is not None or entry.reverses is not None,
    )


def _fresh(synced_at: str | None, texts: Texts, formatter: LineFormatter) -> Fresh:
    if synced_at is None:
        return Fresh(texts.fresh_never, "", "", "")
    moment = formatter.local(synced_at)
    days = {formatter.today: "today", formatter.today - timedelta(days=1): "yesterday"}
    day = formatter.day(moment.date())
    text = texts.fresh_on[days.get(moment.date(), "earlier")]
    shown = text.format(day=day, time=f"{moment:%H:%M}")
    return Fresh(texts.fresh, moment.isoformat(timespec="minutes"), day, shown)


def _shop(
    family: Family, residents: Sequence[Resident], school: SchoolView, texts: Texts, now: datetime
) -> Shop:
    purses = []
    branches: set[int] = set()
    for resident in residents:
        # One child alone needs no name beside "enough" and "12 more".
        name = _name(resident) if len(residents) > 1 else ""
        balance = family.balances.get(resident.id, 0)
        purses.append(Purse(resident.id, name, resident.branches, balance))
        branches.update(resident.branches)
    are_more = len(family.shelf) > GOODS_MAX
    return Shop(
        catalog(family.shelf, purses, family.pictures, school, texts),
        texts.catalog_more.format(count=GOODS_MAX) if are_more else "",
        memo(school, branches, texts, school.profile.today((), now)),
    )


def _figures(
    resident: Resident, family: Family, school: SchoolView, now: datetime
) -> dict[str, Any]:
    """What the script counts with."""
    today = school.profile.today(resident.branches, now)
    rules = rules_on(school.profile.rules, resident.branches, today)
    return {
        "id": resident.id,
        "name": _name(resident),
        "balance": family.balances.get(resident.id, 0),
        "lesson": coins_per_lesson(family.lines.get(resident.id, ()), rules),
    }
