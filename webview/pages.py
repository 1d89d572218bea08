"""What stands on each page: values of the reader in, frozen page objects out.

A page holds only texts as a family reads them: in its language and its local time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from coinsync.core.facts import Resident
from coinsync.core.ledger import Line
from coinsync.core.wording import LineFormatter
from webview.goods import GOODS_MAX, Category, Purse, Shelf, catalog
from webview.launch import LaunchFault
from webview.memo import Earning, coins_per_lesson, memo, rules_on
from webview.school_view import SchoolView
from webview.texts import ENGLISH, RUSSIAN, Message, NoticeKind, Texts, of_language

RESIDENTS_MAX = 20
LINES_MAX = 50
#: How many of them the cabinet itself shows.
LAST_MAX = 5


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


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of a history; ``cancelled`` marks a reversed line and its reversal."""

    what: str
    why: str
    when: str
    day: str
    notes: tuple[str, ...]
    amount: str
    gain: bool
    cancelled: bool


@dataclass(frozen=True, slots=True)
class Child:
    """One resident; further lines are asked from number ``before``, unless 0."""

    id: int
    name: str
    balance: str
    coins: str
    debt: str
    rows: tuple[HistoryRow, ...]
    more: str
    before: int

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
    fresh: str
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
    rows: tuple[HistoryRow, ...]
    before: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A page for anybody: it says one thing in Russian and English."""

    school: SchoolView
    texts: Texts
    translations: tuple[tuple[str, Message], ...]
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
    return Rows(texts, resident.id, *_history(resident, family, school, texts, now))


def refused(fault: LaunchFault, school: SchoolView, app_id: int) -> Notice:
    """Say what helps: mostly to open the app in VK.

    What is wrong with a launch is told apart only when it is genuine: nobody who tries out forged
    launches learns anything.
    """
    address = f"https://vk.com/app{app_id}" if app_id > 0 else ""
    return notice(school, _HELP.get(fault, "refused"), address)


def notice(school: SchoolView, kind: NoticeKind, address: str = "") -> Notice:
    """Say one thing in both languages; ``address`` is for a button."""
    translations = tuple((texts.language, texts.notices[kind]) for texts in (RUSSIAN, ENGLISH))
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
    return Child(
        id=resident.id,
        name=_name(resident),
        balance=texts.words.number(max(balance, 0)),
        coins=school.coin_word(max(balance, 0), texts),
        debt=texts.words.to_be_made_up(balance),
        rows=history,
        more=texts.history_more.format(count=LINES_MAX) if before else "",
        before=before,
    )


def _name(resident: Resident) -> str:
    return resident.name.strip() or f"#{resident.id}"


def _history(
    resident: Resident, family: Family, school: SchoolView, texts: Texts, now: datetime
) -> tuple[tuple[HistoryRow, ...], int]:
    """The rows of a child, and after which number more of them are asked for, unless 0."""
    formatter = school.formatter(texts, resident.branches, now, family.began_at)
    lines = family.lines.get(resident.id, ())
    by_number = {line.posted.n: line for line in lines}
    # When coins begin a whole history is posted in one night. It is said once.
    of_start = (line.posted.n for line in lines if formatter.came_with_start(line))
    newest_of_start = next(of_start, 0)
    history = []
    for line in lines[:LINES_MAX]:
        note = texts.words.at_start if line.posted.n == newest_of_start else ""
        history.append(_row(line, by_number, family.groups, formatter, note))
    before = lines[LINES_MAX - 1].posted.n if len(lines) > LINES_MAX else 0
    return tuple(history), before


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
    return HistoryRow(
        what=formatter.what(line, groups),
        why=formatter.why(line),
        when=formatter.day(entry.happened_on),
        day=entry.happened_on.isoformat(),
        notes=tuple(note for note in notes if note),
        amount=formatter.words.amount(entry.coins),
        gain=entry.coins > 0,
        cancelled=line.reversed_by is not None or entry.reverses is not None,
    )


def _fresh(synced_at: str | None, texts: Texts, formatter: LineFormatter) -> str:
    if synced_at is None:
        return texts.fresh_never
    moment = formatter.local(synced_at)
    text = texts.fresh_on
    if moment.date() == formatter.today:
        text = texts.fresh_today
    elif moment.date() == formatter.today - timedelta(days=1):
        text = texts.fresh_yesterday
    return text.format(day=formatter.day(moment.date()), time=f"{moment:%H:%M}")


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
