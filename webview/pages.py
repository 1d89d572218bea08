"""What stands on each page: values of the reader in, frozen page objects out, ready to be printed.

Pure. A page object is the single argument of its template and holds only texts that a family reads, already in the
reader's language and in the school's local time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from coinsync.core.facts import Resident
from coinsync.core.ledger import Entry, Kind, Line
from webview.launch import Reason, Refusal
from webview.texts import ENGLISH, RUSSIAN, Message, Texts, of_language

RESIDENTS_MAX = 20
LINES_MAX = 50
#: A mark made up to a day after the lesson is no news.
LATE_AFTER = timedelta(days=1)
MINUS = "\N{MINUS SIGN}"
#: From this number on, thousands are set apart.
GROUPED_FROM = 10_000


# --- what a page is made from ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Brand:
    """How the school calls itself and its coin, and where its clock stands."""

    school: str
    coin_forms_ru: tuple[str, str, str]
    coin_forms_en: tuple[str, str]
    zone: ZoneInfo


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
    pen = _Pen(of_language(language), brand, now.astimezone(brand.zone).date())
    shown = family.residents[:RESIDENTS_MAX]
    more = pen.texts.children_more.format(count=RESIDENTS_MAX) if len(family.residents) > RESIDENTS_MAX else ""
    children = tuple(_child(resident, family, pen) for resident in shown)
    return Cabinet(brand.school, pen.texts, children, more, pen.fresh(family.synced_at))


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


def declined(count: int, forms: tuple[str, str, str]) -> str:
    """Choose the Russian form of a noun beside a number: (монета, монеты, монет) → 1 монета, 2 монеты, 11 монет."""
    last, teens = abs(count) % 10, abs(count) % 100 // 10 == 1
    if last == 1 and not teens:
        return forms[0]
    return forms[1] if 2 <= last <= 4 and not teens else forms[2]


def _child(resident: Resident, family: Family, pen: _Pen) -> Child:
    balance = family.balances.get(resident.id, 0)
    lines = family.lines.get(resident.id, ())
    return Child(
        id=resident.id,
        name=resident.name.strip() or f"#{resident.id}",
        balance=pen.number(max(balance, 0)),
        coins=pen.coins(max(balance, 0)),
        debt=pen.texts.debt.format(coins=pen.number(-balance)) if balance < 0 else "",
        rows=_rows(lines, family.groups, pen),
        more=pen.texts.history_more.format(count=LINES_MAX) if len(lines) > LINES_MAX else "",
    )


def _rows(lines: Sequence[Line], groups: Mapping[int, str], pen: _Pen) -> tuple[Row, ...]:
    by_number = {line.posted.n: line for line in lines}
    return tuple(_row(line, by_number, groups, pen) for line in lines[:LINES_MAX])


def _row(line: Line, by_number: Mapping[int, Line], groups: Mapping[int, str], pen: _Pen) -> Row:
    entry = line.posted.entry
    notes = (_takes_back(entry, by_number, pen), _late(line, pen), _taken_back(line, by_number, pen))
    return Row(
        what=_what(line, groups, pen),
        why=_why(entry, pen),
        when=pen.day(entry.happened_on),
        day=entry.happened_on.isoformat(),
        notes=tuple(note for note in notes if note),
        amount=pen.amount(entry.coins),
        gain=entry.coins > 0,
        cancelled=line.reversed_by is not None or entry.reverses is not None,
    )


def _what(line: Line, groups: Mapping[int, str], pen: _Pen) -> str:
    """Name a line: a lesson by its groups, hand work by its kind."""
    kind = line.posted.entry.kind
    of_lesson = line.posted.entry.lesson is not None
    lesson = _groups(line.lesson.groups if line.lesson else (), groups) or pen.texts.lesson
    if kind is Kind.AWARD:
        return lesson
    if kind is Kind.REVERSAL and of_lesson:
        return pen.texts.reversal_of.format(what=lesson)
    return pen.texts.kinds[kind]


def _groups(ids: Iterable[int], names: Mapping[int, str]) -> str:
    return ", ".join(name for name in (names.get(id, "").strip() for id in ids) if name)


def _why(entry: Entry, pen: _Pen) -> str:
    """Say why: codes become sentences, what staff typed stays as typed."""
    if entry.kind in (Kind.AWARD, Kind.REVERSAL):
        return pen.texts.reasons.get(entry.reason, entry.reason)
    return entry.reason


def _takes_back(entry: Entry, by_number: Mapping[int, Line], pen: _Pen) -> str:
    """Point from a reversal to what it reverses."""
    if entry.reverses is None:
        return ""
    if entry.lesson is not None:
        return pen.texts.award_reversed.format(day=pen.day(entry.happened_on))
    original = by_number.get(entry.reverses)
    if original is None:
        return pen.texts.older_reversed
    return pen.texts.entry_reversed.format(day=pen.day(original.posted.entry.happened_on))


def _taken_back(line: Line, by_number: Mapping[int, Line], pen: _Pen) -> str:
    """Point from a line to its reversal."""
    if line.reversed_by is None:
        return ""
    reversal = by_number.get(line.reversed_by)
    if reversal is None:
        return pen.texts.reversed_some_day
    return pen.texts.reversed_on.format(day=pen.day(pen.local(reversal.posted.posted_at).date()))


def _late(line: Line, pen: _Pen) -> str:
    entry, posted_on = line.posted.entry, pen.local(line.posted.posted_at).date()
    if posted_on - entry.happened_on <= LATE_AFTER:
        return ""
    text = pen.texts.marked_on if entry.kind is Kind.AWARD else pen.texts.entered_on
    return text.format(day=pen.day(posted_on))


@dataclass(frozen=True, slots=True)
class _Pen:
    """Writes numbers, days and times in one language, for one school, on one day."""

    texts: Texts
    brand: Brand
    today: date

    def number(self, value: int) -> str:
        """Write a number of coins without a sign."""
        grouping = "," if value >= GROUPED_FROM else ""
        return f"{value:{grouping}}".replace(",", self.texts.thousands)

    def amount(self, coins: int) -> str:
        """Write a change with its sign."""
        return ("+" if coins > 0 else MINUS) + self.number(abs(coins))

    def coins(self, count: int) -> str:
        """Choose the form of the coin's name beside a number."""
        if self.texts is RUSSIAN:
            return declined(count, self.brand.coin_forms_ru)
        return self.brand.coin_forms_en[abs(count) != 1]

    def day(self, day: date) -> str:
        """Write a day, with its year only when it is not this year's."""
        text = f"{day.day} {self.texts.months[day.month - 1]}"
        return text if day.year == self.today.year else f"{text} {day.year}"

    def local(self, utc: str) -> datetime:
        """Read a recorded UTC time ("2026-11-22T02:00:07Z") into the school's local time."""
        return datetime.fromisoformat(utc).astimezone(self.brand.zone)

    def fresh(self, synced_at: str | None) -> str:
        """Say how fresh the data is."""
        if synced_at is None:
            return self.texts.fresh_never
        moment = self.local(synced_at)
        texts = {self.today: self.texts.fresh_today, self.today - timedelta(days=1): self.texts.fresh_yesterday}
        text = texts.get(moment.date(), self.texts.fresh_on)
        return text.format(day=self.day(moment.date()), time=f"{moment:%H:%M}")
