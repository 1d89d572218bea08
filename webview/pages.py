"""What stands on each page: values of the reader in, frozen page objects out, ready to be printed.

Pure. A page object is the single argument of its template and holds only texts that a family reads, already in the
reader's language and in the school's local time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from coinsync.core.facts import Resident
from coinsync.core.ledger import Line
from coinsync.core.wording import Pen, zone_of
from webview.launch import Reason, Refusal
from webview.texts import ENGLISH, RUSSIAN, Message, Texts, of_language

RESIDENTS_MAX = 20
LINES_MAX = 50


# --- what a page is made from ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Brand:
    """How the school calls itself, its coin and its ways to earn, and where its clocks stand.

    ``ways`` are Russian and English titles by code; ``zones`` are those of branches, ``zone`` is for everybody else.
    """

    school: str
    coin_forms_ru: tuple[str, str, str]
    coin_forms_en: tuple[str, str]
    zone: ZoneInfo
    ways: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    zones: Mapping[int, ZoneInfo] = field(default_factory=dict)

    def coin(self, count: int, texts: Texts) -> str:
        """Choose the form of the coin's name beside a number."""
        return texts.words.coin(count, self.coin_forms_ru if texts is RUSSIAN else self.coin_forms_en)

    def pen(self, texts: Texts, zone: ZoneInfo, now: datetime) -> Pen:
        """What writes the lines of a family whose clock stands in ``zone``."""
        ways = {code: titles[texts is not RUSSIAN] for code, titles in self.ways.items()}
        return Pen(texts.words, zone, now.astimezone(zone).date(), ways)


@dataclass(frozen=True, slots=True)
class Family:
    """What the reader knows of a visitor's residents: balances and lines by resident, group names by group.

    ``lines`` are newest first and may be one more than ``LINES_MAX``, which tells that there are more; so may
    ``residents``. ``synced_at`` is UTC ("2026-11-22T02:00:07Z") or None before the first sync.
    """

    residents: tuple[Resident, ...] = ()
    balances: Mapping[int, int] = field(default_factory=dict)
    lines: Mapping[int, Sequence[Line]] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    synced_at: str | None = None


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
    """One resident: ``balance`` is never below zero, what is missing stands in ``debt``."""

    id: int
    name: str
    balance: str
    coins: str
    debt: str
    rows: tuple[Row, ...]
    more: str


@dataclass(frozen=True, slots=True)
class Cabinet:
    """The page of a visitor who is linked to residents."""

    school: str
    texts: Texts
    children: tuple[Child, ...]
    more: str
    fresh: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """The page of a visitor whom nobody is linked to: ``vk`` is their own number, to be told to the office."""

    school: str
    texts: Texts
    vk: int


@dataclass(frozen=True, slots=True)
class Said:
    """A message in one language."""

    language: str
    message: Message


@dataclass(frozen=True, slots=True)
class Notice:
    """A page that knows nothing about its visitor, not even a language: it says one thing in Russian and English."""

    school: str
    texts: Texts
    said: tuple[Said, ...]
    address: str = ""


# --- making pages ----------------------------------------------------------------------------------------------------


def cabinet(family: Family, brand: Brand, language: str, now: datetime) -> Cabinet:
    """Make the page of a family; ``now`` is any aware time, ``language`` a code of VK's."""
    texts = of_language(language)
    shown = family.residents[:RESIDENTS_MAX]
    more = texts.children_more.format(count=RESIDENTS_MAX) if len(family.residents) > RESIDENTS_MAX else ""
    children = tuple(_child(resident, family, brand, texts, now) for resident in shown)
    fresh = _fresh(family.synced_at, texts, brand.pen(texts, brand.zone, now))
    return Cabinet(brand.school, texts, children, more, fresh)


def stranger(vk: int, brand: Brand, language: str) -> Stranger:
    """Make the page of somebody whom nobody is linked to."""
    return Stranger(brand.school, of_language(language), vk)


def refused(refusal: Refusal, brand: Brand, app_id: int) -> Notice:
    """Ask to open the app in VK: the same words whatever is wrong, but for a launch that is genuine and too old."""
    address = f"https://vk.com/app{app_id}" if app_id > 0 else ""
    if refusal.reason is Reason.TOO_OLD:
        return _notice(brand, RUSSIAN.expired, ENGLISH.expired, address)
    return _notice(brand, RUSSIAN.refused, ENGLISH.refused, address)


def trouble(brand: Brand) -> Notice:
    """Ask to come back: the database cannot be read now."""
    return _notice(brand, RUSSIAN.trouble, ENGLISH.trouble)


def broken(brand: Brand) -> Notice:
    """Own up to an error of ours."""
    return _notice(brand, RUSSIAN.broken, ENGLISH.broken)


def missing(brand: Brand) -> Notice:
    """Say that there is no such page."""
    return _notice(brand, RUSSIAN.missing, ENGLISH.missing)


def wrong_method(brand: Brand) -> Notice:
    """Say that the window only shows."""
    return _notice(brand, RUSSIAN.wrong_method, ENGLISH.wrong_method)


def _notice(brand: Brand, russian: Message, english: Message, address: str = "") -> Notice:
    said = (Said(RUSSIAN.language, russian), Said(ENGLISH.language, english))
    return Notice(brand.school, RUSSIAN, said, address)


def _child(resident: Resident, family: Family, brand: Brand, texts: Texts, now: datetime) -> Child:
    pen = brand.pen(texts, zone_of(resident, brand.zones, brand.zone), now)
    balance = family.balances.get(resident.id, 0)
    lines = family.lines.get(resident.id, ())
    return Child(
        id=resident.id,
        name=resident.name.strip() or f"#{resident.id}",
        balance=texts.words.number(max(balance, 0)),
        coins=brand.coin(max(balance, 0), texts),
        debt=texts.words.to_be_made_up(balance),
        rows=_rows(lines, family.groups, pen),
        more=texts.history_more.format(count=LINES_MAX) if len(lines) > LINES_MAX else "",
    )


def _rows(lines: Sequence[Line], groups: Mapping[int, str], pen: Pen) -> tuple[Row, ...]:
    by_number = {line.posted.n: line for line in lines}
    return tuple(_row(line, by_number, groups, pen) for line in lines[:LINES_MAX])


def _row(line: Line, by_number: Mapping[int, Line], groups: Mapping[int, str], pen: Pen) -> Row:
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


def _fresh(synced_at: str | None, texts: Texts, pen: Pen) -> str:
    """Say how fresh the data is, in the school's own time."""
    if synced_at is None:
        return texts.fresh_never
    moment = pen.local(synced_at)
    said = {pen.today: texts.fresh_today, pen.today - timedelta(days=1): texts.fresh_yesterday}
    text = said.get(moment.date(), texts.fresh_on)
    return text.format(day=pen.day(moment.date()), time=f"{moment:%H:%M}")
