"""What a family reads about its coins, in Russian and English, on screen and paper.

A family never reads a code of ours: without words for it, what staff typed stands alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from coinsync.core.ledger import (
    BOUGHT,
    BY_HAND,
    BY_WAY,
    FORGIVEN,
    NOTE_SAYS_ALL,
    OPENED,
    RETURNED,
    TAKEN_BACK,
    Kind,
    Line,
)
from coinsync.core.rules import Reason
from coinsync.staff_texts import declined

K = TypeVar("K")

MINUS = "\N{MINUS SIGN}"
#: From this number on, thousands are set apart.
GROUPED_FROM = 10_000
#: A mark made up to a day after the lesson is no news.
LATE_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """One language; ``LineFormatter`` fills in braces."""

    language: str
    thousands: str
    months: str
    months_alone: str
    kinds: Mapping[Kind, str]
    reasons: Mapping[str, str]
    lesson: str
    reversal_of: str
    debt: str
    award_reversed: str
    entry_reversed: str
    older_reversed: str
    reversed_on: str
    reversed_some_day: str
    marked_on: str
    entered_on: str
    at_start: str
    statement: Mapping[str, str]

    def number(self, value: int) -> str:
        """Write a number; one below zero has a minus sign."""
        separator = self.thousands if abs(value) >= GROUPED_FROM else ""
        digits = f"{abs(value):,}".replace(",", separator)
        sign = MINUS if value < 0 else ""
        return sign + digits

    def amount(self, coins: int) -> str:
        """Write a change with its sign."""
        sign = "+" if coins > 0 else ""
        return sign + self.number(coins)

    def coin(self, count: int, forms: Sequence[str]) -> str:
        """Choose the form of the coin's name beside a number."""
        if self is RUSSIAN:
            return declined(count, (forms[0], forms[1], forms[2]))
        return forms[0] if abs(count) == 1 else forms[1]

    def day(self, day: date, this_year: int = 0) -> str:
        """Write a day, with its year unless that is ``this_year``."""
        text = f"{day.day} {self.months.split()[day.month - 1]}"
        return text if day.year == this_year else f"{text} {day.year}"

    def month(self, day: date, this_year: int = 0) -> str:
        """Name the month of a day, with its year unless that is ``this_year``."""
        name = self.months_alone.split()[day.month - 1]
        return name if day.year == this_year else f"{name} {day.year}"

    def to_be_made_up(self, balance: int) -> str:
        """Say how many coins a balance below zero lacks, else ""."""
        if balance >= 0:
            return ""
        return self.debt.format(coins=self.number(-balance))


@dataclass(frozen=True, slots=True)
class LineFormatter:
    """Writes lines for one family on one day; ``ways`` are titles by code.

    ``began_at`` is when the school's first lessons were posted (UTC), "" where that is not asked.
    """

    words: Words
    zone: ZoneInfo
    today: date
    ways: Mapping[str, str] = field(default_factory=dict)
    began_at: str = ""

    def day(self, day: date) -> str:
        """Write a day, without this year."""
        return self.words.day(day, self.today.year)

    def local(self, utc: str) -> datetime:
        """Turn a recorded UTC time into the family's local time."""
        return _local(utc, self.zone)

    def what(self, line: Line, groups: Mapping[int, str]) -> str:
        """Name a line: a lesson by its groups, hand work by its kind."""
        kind = line.entry.kind
        names = [groups.get(id, "").strip() for id in line.lesson.groups] if line.lesson else []
        lesson = ", ".join(filter(None, names)) or self.words.lesson
        if kind is Kind.AWARD:
            return lesson
        if kind is Kind.REVERSAL and line.entry.lesson is not None:
            return self.words.reversal_of.format(what=lesson)
        return self.words.kinds[kind]

    def why(self, line: Line) -> str:
        """Say why; what staff typed stays as typed."""
        entry, note = line.entry, line.note.strip()
        if entry.reason in NOTE_SAYS_ALL and note:
            return note
        # A way that the school has given up since has lost its title, not its entries.
        reason = self.words.reasons.get(entry.reason, "")
        if entry.reason == BY_WAY:
            reason = self.ways.get(entry.rule, reason)
        return ": ".join(filter(None, (reason, note)))

    def takes_back(self, line: Line, by_number: Mapping[int, Line]) -> str:
        """Point from a reversal to what it reverses, else ""."""
        entry = line.entry
        if entry.reverses is None:
            return ""
        if entry.lesson is not None:
            return self.words.award_reversed.format(day=self.day(entry.happened_on))
        original = by_number.get(entry.reverses)
        if original is None:
            return self.words.older_reversed
        return self.words.entry_reversed.format(day=self.day(original.entry.happened_on))

    def taken_back(self, line: Line, by_number: Mapping[int, Line]) -> str:
        """Point from a line to its reversal, else ""."""
        if line.reversed_by is None:
            return ""
        reversal = by_number.get(line.reversed_by)
        if reversal is None:
            return self.words.reversed_some_day
        posted_on = self.local(reversal.posted.posted_at).date()
        return self.words.reversed_on.format(day=self.day(posted_on))

    def late(self, line: Line) -> str:
        """Say when a line was posted more than a day late, else ""."""
        entry = line.entry
        posted_on = self.local(line.posted.posted_at).date()
        if posted_on - entry.happened_on <= LATE_AFTER or self.came_with_start(line):
            return ""
        words = self.words
        text = words.marked_on if entry.kind is Kind.AWARD else words.entered_on
        return text.format(day=self.day(posted_on))

    def came_with_start(self, line: Line) -> bool:
        """Whether it is for a lesson before the day on which the school's coins began."""
        entry = line.entry
        if not self.began_at or entry.kind is not Kind.AWARD:
            return False
        began_on = self.local(self.began_at).date()
        posted_on = self.local(line.posted.posted_at).date()
        return entry.happened_on < began_on == posted_on


@lru_cache(maxsize=8192)
def _local(utc: str, zone: ZoneInfo) -> datetime:
    # All lines of one run ask for the same.
    return datetime.fromisoformat(utc).astimezone(zone)


#: One text in Russian, and the same in English.
Texts = tuple[str, str]

#: What a line is called.
_KINDS: Mapping[Kind, Texts] = {
    Kind.AWARD: ("Занятие", "Lesson"),
    Kind.REVERSAL: ("Отмена", "Taken back"),
    Kind.CREDIT: ("Награда", "Reward"),
    Kind.DEBIT: ("Потрачено", "Spent"),
    Kind.OPENING: ("Накоплено раньше", "Saved up before"),
    Kind.GIFT: ("Подарок", "Gift"),
    Kind.SALE: ("Покупка", "Purchase"),
    Kind.REFUND: ("Возврат", "Refund"),
}

#: Why it is there.
_REASONS: Mapping[str, Texts] = {
    "lesson": ("", ""),
    "rate_changed": ("Занятие теперь стоит иначе", "The lesson is worth another amount now"),
    BY_HAND: ("Внесено сотрудником школы", "Entered by the school's staff"),
    BOUGHT: ("Куплено в магазине школы", "Bought in the school's shop"),
    RETURNED: ("Возвращено в магазин школы", "Brought back to the school's shop"),
    BY_WAY: ("Награда", "Reward"),
    OPENED: ("Было до того, как появился кабинет", "From before there was a cabinet"),
    TAKEN_BACK: ("Исправление", "Correction"),
    FORGIVEN: (
        "Отменённое уже потрачено, школа это дарит",
        "What was taken back is spent already, the school makes it a gift",
    ),
    Reason.PAID: ("Занятие засчитано", "The lesson counts"),
    Reason.LESSON_GONE: ("Занятия больше нет в журнале", "The lesson is no longer in the register"),
    Reason.NOT_CONDUCTED: ("Занятие не состоялось", "The lesson did not take place"),
    Reason.REMOVED: (
        "Отметка исправлена: нет в списке занятия",
        "Mark corrected: not on the lesson's list",
    ),
    Reason.ABSENT: ("Отметка исправлена: пропуск занятия", "Mark corrected: was not at the lesson"),
    Reason.NOT_MARKED: ("Отметка о посещении снята", "The attendance mark was removed"),
    Reason.SAME_CHILD: (
        "Занятие уже засчитано по другой карточке",
        "The lesson counts on the other card already",
    ),
    Reason.TRIAL: ("Это было пробное занятие", "It was a trial lesson"),
    Reason.MAKEUP: ("Это была отработка пропуска", "It was a make-up lesson"),
    Reason.TYPE_NOT_COUNTED: (
        "Такие занятия не засчитываются",
        "Lessons of this kind do not count",
    ),
    Reason.TYPE_UNKNOWN: ("Вид занятия ещё не определён", "The kind of lesson is not settled yet"),
    Reason.NO_RULE: (
        "За такое занятие ничего не полагается",
        "No rule gives anything for this lesson",
    ),
    Reason.GUEST: ("Занятие было не в своей группе", "The lesson was in another group"),
    Reason.MEMBERSHIP_UNKNOWN: (
        "Запись в группу ещё не подтверждена",
        "The place in the group is not confirmed yet",
    ),
    Reason.NOT_SCHEDULED: ("Занятие было вне расписания", "The lesson was not on the schedule"),
}

#: Fields of ``Words``.
_TEXTS: Mapping[str, Texts] = {
    "language": ("ru", "en"),
    "thousands": ("\N{NO-BREAK SPACE}", ","),
    "months": (
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
        "January February March April May June July August September October November December",
    ),
    "months_alone": (
        "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
        "January February March April May June July August September October November December",
    ),
    "lesson": ("Занятие", "Lesson"),
    "reversal_of": ("Отмена: {what}", "Taken back: {what}"),
    "debt": ("осталось отработать {coins}", "{coins} to be made up"),
    "award_reversed": ("отменяет занятие {day}", "takes back the lesson of {day}"),
    "entry_reversed": ("отменяет то, что было {day}", "takes back the line of {day}"),
    "older_reversed": ("отменяет то, что было раньше", "takes back an earlier line"),
    "reversed_on": ("отменено {day}", "taken back on {day}"),
    "reversed_some_day": ("отменено", "taken back"),
    "marked_on": ("отмечено {day}", "marked on {day}"),
    "entered_on": ("добавлено {day}", "entered on {day}"),
    "at_start": (
        "за это и более ранние занятия засчитано сразу, при запуске",
        "this and earlier lessons were counted at once, at the start",
    ),
}

#: What the printed statement says around its lines.
_STATEMENT: Mapping[str, Texts] = {
    "title": ("Выписка", "Statement"),
    "number": ("№ {id}", "#{id}"),
    "period": ("{since} – {until}", "{since} – {until}"),
    "printed": ("Напечатано {day}, печать {seal}", "Printed on {day}, seal {seal}"),
    "day": ("День", "Day"),
    "what": ("Что", "What"),
    "why": ("Почему", "Why"),
    "coins": ("+/−", "+/−"),
    "balance": ("Остаток", "Balance"),
    "opening": ("Остаток на начало", "Opening balance"),
    "closing": ("Остаток на конец", "Closing balance"),
    "nothing": ("За это время записей нет.", "There are no lines in this time."),
    "standing": ("На {day}: {number} {coins}", "On {day}: {number} {coins}"),
    "made_up": ("сейчас отрабатывать нечего", "nothing is to be made up now"),
}


def _words(place: int) -> Words:
    def chosen(texts: Mapping[K, Texts]) -> dict[K, str]:
        return {name: pair[place] for name, pair in texts.items()}

    return Words(
        kinds=chosen(_KINDS),
        reasons=chosen(_REASONS),
        statement=chosen(_STATEMENT),
        **chosen(_TEXTS),
    )


RUSSIAN, ENGLISH = _words(0), _words(1)

#: The languages that families are served in.
LANGUAGES: Mapping[str, Words] = {words.language: words for words in (RUSSIAN, ENGLISH)}
