"""What stands on each page: values of the reader in, frozen page objects out, ready to be printed.

Pure. A page object is the single argument of its template and holds only texts that a family reads, already in the
reader's language and in the school's local time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from coinsync.core.facts import Resident
from coinsync.core.ledger import Line
from coinsync.core.wording import LineFormatter, zone_of
from webview.goods import GOODS_MAX, Buyer, Category, Shelf, catalog
from webview.launch import Reason, Refusal
from webview.memo import Earning, coins_per_lesson, memo, rules_on
from webview.school import School
from webview.texts import ENGLISH, RUSSIAN, Message, Texts, of_language

RESIDENTS_MAX = 20
LINES_MAX = 50
#: How many of them the cabinet itself shows.
LAST_MAX = 5


# --- what a page is made from ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Family:
    """What the reader knows of a visitor's residents, of the shop, and how fresh that is.

    Balances and lines are by resident, group names by group, addresses of pictures by name. ``lines`` are newest first
    and may be one more than ``LINES_MAX``, which tells that there are more; so may ``residents`` and ``shelf``.
    ``synced_at`` is UTC ("2026-11-22T02:00:07Z") or None before the first sync.
    """

    residents: tuple[Resident, ...] = ()
    balances: Mapping[int, int] = field(default_factory=dict)
    lines: Mapping[int, Sequence[Line]] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    synced_at: str | None = None
    shelf: Shelf = ()
    pictures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Older:
    """Further lines of one resident; they may be one more than ``LINES_MAX``, which tells that there are more still."""

    resident: Resident
    lines: Sequence[Line]
    groups: Mapping[int, str]


# --- what a page is --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a history, as read: ``amount`` carries its sign, ``notes`` point to other lines and other days.

    ``cancelled`` marks both a line that is reversed and its reversal: together they come to nothing.
    """

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
    """One resident: ``balance`` is never below zero, what is missing stands in ``debt``.

    ``before`` is the number of the last line shown where there are more, 0 where there are none.
    """

    id: int
    name: str
    balance: str
    coins: str
    debt: str
    rows: tuple[Row, ...]
    more: str
    before: int

    @property
    def last(self) -> tuple[Row, ...]:
        """The rows that stand in the cabinet itself."""
        return self.rows[:LAST_MAX]


@dataclass(frozen=True, slots=True)
class Shop:
    """The screens about goods and about earning, the same for whoever looks; ``more`` says that goods are left out."""

    categories: tuple[Category, ...]
    more: str
    earnings: tuple[Earning, ...]

    @property
    def kinds(self) -> tuple[tuple[int, str], ...]:
        """Numbers and titles of categories to choose from, each once; none where there is no choice."""
        found = {one.number: one.title for one in self.categories}
        return (
            tuple((number, title) for number, title in found.items() if title)
            if len(found) > 1
            else ()
        )

    @property
    def buys(self) -> bool:
        """Whether there is somebody who may have the coins for something."""
        return any(good.reach for one in self.categories for good in one.goods)


@dataclass(frozen=True, slots=True)
class Cabinet:
    """The page of a visitor who is linked to residents; ``data`` is JSON for the page's script."""

    school: School
    texts: Texts
    children: tuple[Child, ...]
    more: str
    fresh: str
    shop: Shop
    data: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """The page of a visitor whom nobody is linked to: ``vk`` is their own number, to be told to the office."""

    school: School
    texts: Texts
    vk: int
    shop: Shop
    data: str


@dataclass(frozen=True, slots=True)
class Rows:
    """No page but a part of one: further rows of a child's history."""

    texts: Texts
    child: int
    rows: tuple[Row, ...]
    before: int


@dataclass(frozen=True, slots=True)
class Said:
    """A message in one language."""

    language: str
    message: Message


@dataclass(frozen=True, slots=True)
class Notice:
    """A page that knows nothing about its visitor, not even a language: it says one thing in Russian and English."""

    school: School
    texts: Texts
    said: tuple[Said, ...]
    address: str = ""


Page = Cabinet | Stranger | Rows | Notice


# --- making pages ----------------------------------------------------------------------------------------------------


def cabinet(family: Family, school: School, language: str, now: datetime) -> Cabinet:
    """Make the page of a family; ``now`` is any aware time, ``language`` a code of VK's."""
    texts = of_language(language)
    shown = family.residents[:RESIDENTS_MAX]
    more = (
        texts.children_more.format(count=RESIDENTS_MAX)
        if len(family.residents) > RESIDENTS_MAX
        else ""
    )
    children = tuple(_child(resident, family, school, texts, now) for resident in shown)
    fresh = _fresh(family.synced_at, texts, school.pen(texts, school.zone, now))
    shop = _shop(family, shown, school, texts, now)
    data = _data(_residents(family, shown, school, now), school, texts)
    return Cabinet(school, texts, children, more, fresh, shop, data)


def stranger(vk: int, family: Family, school: School, language: str, now: datetime) -> Stranger:
    """Make the page of somebody whom nobody is linked to; only the shop of ``family`` is looked at."""
    texts = of_language(language)
    data = _data([], school, texts)
    return Stranger(school, texts, vk, _shop(family, (), school, texts, now), data)


def rows(older: Older, school: School, language: str, now: datetime) -> Rows:
    """Make further rows of a child's history."""
    texts = of_language(language)
    pen = school.pen(texts, zone_of(older.resident, school.zones, school.zone), now)
    return Rows(
        texts, older.resident.id, _rows(older.lines, older.groups, pen), _before(older.lines)
    )


def refused(refusal: Refusal, school: School, app_id: int) -> Notice:
    """Ask to open the app in VK: the same words whatever is wrong, but for a launch that is genuine and too old."""
    address = f"https://vk.com/app{app_id}" if app_id > 0 else ""
    if refusal.reason is Reason.TOO_OLD:
        return _notice(school, RUSSIAN.expired, ENGLISH.expired, address)
    return _notice(school, RUSSIAN.refused, ENGLISH.refused, address)


def trouble(school: School) -> Notice:
    """Ask to come back: the database cannot be read now."""
    return _notice(school, RUSSIAN.trouble, ENGLISH.trouble)


def broken(school: School) -> Notice:
    """Own up to an error of ours."""
    return _notice(school, RUSSIAN.broken, ENGLISH.broken)


def missing(school: School) -> Notice:
    """Say that there is no such page."""
    return _notice(school, RUSSIAN.missing, ENGLISH.missing)


def wrong_method(school: School) -> Notice:
    """Say that the window only shows."""
    return _notice(school, RUSSIAN.wrong_method, ENGLISH.wrong_method)


def _data(residents: Sequence[Mapping[str, Any]], school: School, texts: Texts) -> str:
    """What the script knows: whom it counts for, and the words it says."""
    return as_data(
        {"residents": residents, "words": {**texts.script, "coins": school.coin_forms(texts)}}
    )


def as_data(value: Mapping[str, Any]) -> str:
    """Write a value as JSON that may stand in a document: nothing in it can end the element that it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _notice(school: School, russian: Message, english: Message, address: str = "") -> Notice:
    said = (Said(RUSSIAN.language, russian), Said(ENGLISH.language, english))
    return Notice(school, RUSSIAN, said, address)


# --- children --------------------------------------------------------------------------------------------------------


def _child(
    resident: Resident, family: Family, school: School, texts: Texts, now: datetime
) -> Child:
    pen = school.pen(texts, zone_of(resident, school.zones, school.zone), now)
    balance = family.balances.get(resident.id, 0)
    lines = family.lines.get(resident.id, ())
    return Child(
        id=resident.id,
        name=_name(resident),
        balance=texts.words.number(max(balance, 0)),
        coins=school.coin_word(max(balance, 0), texts),
        debt=texts.words.to_be_made_up(balance),
        rows=_rows(lines, family.groups, pen),
        more=texts.history_more.format(count=LINES_MAX) if len(lines) > LINES_MAX else "",
        before=_before(lines),
    )


def _name(resident: Resident) -> str:
    return resident.name.strip() or f"#{resident.id}"


def _before(lines: Sequence[Line]) -> int:
    return lines[LINES_MAX - 1].posted.n if len(lines) > LINES_MAX else 0


def _rows(lines: Sequence[Line], groups: Mapping[int, str], pen: LineFormatter) -> tuple[Row, ...]:
    by_number = {line.posted.n: line for line in lines}
    return tuple(_row(line, by_number, groups, pen) for line in lines[:LINES_MAX])


def _row(
    line: Line, by_number: Mapping[int, Line], groups: Mapping[int, str], pen: LineFormatter
) -> Row:
    entry = line.posted.entry
    notes = (pen.takes_back(line, by_number), pen.late(line), pen.taken_back(line, by_number))
    return Row(
        what=pen.what(line, groups),
        why=pen.why(line),
        when=pen.day(entry.happened_on),
        day=entry.happened_on.isoformat(),
        notes=tuple(note for note in notes if note),
        amount=pen.words.amount(entry.coins),
        gain=entry.coins > 0,
        cancelled=line.reversed_by is not None or entry.reverses is not None,
    )


def _fresh(synced_at: str | None, texts: Texts, pen: LineFormatter) -> str:
    """Say how fresh the data is, in the school's own time."""
    if synced_at is None:
        return texts.fresh_never
    moment = pen.local(synced_at)
    said = {pen.today: texts.fresh_today, pen.today - timedelta(days=1): texts.fresh_yesterday}
    text = said.get(moment.date(), texts.fresh_on)
    return text.format(day=pen.day(moment.date()), time=f"{moment:%H:%M}")


# --- shop ------------------------------------------------------------------------------------------------------------


def _shop(
    family: Family, residents: Sequence[Resident], school: School, texts: Texts, now: datetime
) -> Shop:
    buyers = [
        Buyer(
            one.id,
            _name(one) if len(residents) > 1 else "",
            one.branches,
            family.balances.get(one.id, 0),
        )
        for one in residents
    ]
    branches = {branch for one in residents for branch in one.branches}
    return Shop(
        catalog(family.shelf, buyers, family.pictures, school, texts),
        texts.catalog_more.format(count=GOODS_MAX) if len(family.shelf) > GOODS_MAX else "",
        memo(school, branches, texts, now.astimezone(school.zone).date()),
    )


def _residents(
    family: Family, residents: Iterable[Resident], school: School, now: datetime
) -> list[dict[str, Any]]:
    """What the script counts with: balances as they are, below zero too, and what the next lesson gives."""
    found = []
    for one in residents:
        today = now.astimezone(zone_of(one, school.zones, school.zone)).date()
        lesson = coins_per_lesson(
            family.lines.get(one.id, ()), rules_on(school.rules, one.branches, today)
        )
        balance = family.balances.get(one.id, 0)
        found.append({"id": one.id, "name": _name(one), "balance": balance, "lesson": lesson})
    return found
