"""What a family reads about its coins, in Russian and English, on screen and paper.

A family never reads a code of ours: without words for it, what staff typed stands alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
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
    Entry,
    Kind,
    Line,
)
from coinsync.core.rules import Reason

MINUS = "\N{MINUS SIGN}"
#: From this number on, thousands are set apart.
GROUPED_FROM = 10_000
#: A mark made up to a day after the lesson is no news.
LATE_AFTER = timedelta(days=1)


class Total(StrEnum):
    """What coins of a period came to, in reading order."""

    CARRIED_OVER = "carried_over"
    EARNED = "earned"
    GIVEN = "given"
    TAKEN_BACK = "taken_back"
    SPENT = "spent"
    REFUNDED = "refunded"


TOTAL_OF: Mapping[Kind, Total] = {
    Kind.OPENING: Total.CARRIED_OVER,
    Kind.AWARD: Total.EARNED,
    Kind.CREDIT: Total.EARNED,
    Kind.GIFT: Total.GIVEN,
    Kind.REVERSAL: Total.TAKEN_BACK,
    Kind.SALE: Total.SPENT,
    Kind.DEBIT: Total.SPENT,
    Kind.REFUND: Total.REFUNDED,
}


@dataclass(frozen=True, slots=True)
class StatementWords:
    """What the printed statement says around its lines."""

    title: str
    number: str
    period: str
    printed: str
    day: str
    what: str
    why: str
    coins: str
    balance: str
    opening: str
    closing: str
    nothing: str
    standing: str
    totals: Mapping[Total, str]


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """One language; ``LineFormatter`` fills in braces."""

    language: str
    thousands: str
    months: str
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
    statement: StatementWords

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

    def to_be_made_up(self, balance: int) -> str:
        """Say how many coins a balance below zero lacks, else ""."""
        if balance >= 0:
            return ""
        return self.debt.format(coins=self.number(-balance))


def declined(count: int, forms: tuple[str, str, str]) -> str:
    """Choose a Russian form: 1 монета, 2 монеты, 5 монет; 11 to 14 монет."""
    one, few, many = forms
    teens = abs(count) % 100 // 10 == 1
    last_digit = abs(count) % 10
    if teens:
        return many
    if last_digit == 1:
        return one
    return few if 2 <= last_digit <= 4 else many


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
        return datetime.fromisoformat(utc).astimezone(self.zone)

    def what(self, line: Line, groups: Mapping[int, str]) -> str:
        """Name a line: a lesson by its groups, hand work by its kind."""
        kind = line.posted.entry.kind
        lesson = self.words.lesson
        if line.lesson is not None:
            lesson = _joined_names(line.lesson.groups, groups) or lesson
        if kind is Kind.AWARD:
            return lesson
        if kind is Kind.REVERSAL and line.posted.entry.lesson is not None:
            return self.words.reversal_of.format(what=lesson)
        return self.words.kinds[kind]

    def why(self, line: Line) -> str:
        """Say why; what staff typed stays as typed."""
        entry, note = line.posted.entry, line.note.strip()
        if entry.reason in NOTE_SAYS_ALL and note:
            return note
        reason = self._reason(entry)
        if reason and note:
            return f"{reason}: {note}"
        return reason or note

    def _reason(self, entry: Entry) -> str:
        if entry.reason == BY_WAY and entry.rule in self.ways:
            return self.ways[entry.rule]
        # A way that the school has given up since has lost its title, not its entries.
        return self.words.reasons.get(entry.reason, "")

    def takes_back(self, line: Line, by_number: Mapping[int, Line]) -> str:
        """Point from a reversal to what it reverses, else ""."""
        entry = line.posted.entry
        if entry.reverses is None:
            return ""
        if entry.lesson is not None:
            return self.words.award_reversed.format(day=self.day(entry.happened_on))
        original = by_number.get(entry.reverses)
        if original is None:
            return self.words.older_reversed
        return self.words.entry_reversed.format(day=self.day(original.posted.entry.happened_on))

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
        entry = line.posted.entry
        posted_on = self.local(line.posted.posted_at).date()
        if posted_on - entry.happened_on <= LATE_AFTER or self.came_with_start(line):
            return ""
        words = self.words
        text = words.marked_on if entry.kind is Kind.AWARD else words.entered_on
        return text.format(day=self.day(posted_on))

    def came_with_start(self, line: Line) -> bool:
        """Whether it is for a lesson before the day on which the school's coins began."""
        entry = line.posted.entry
        if not self.began_at or entry.kind is not Kind.AWARD:
            return False
        began_on = self.local(self.began_at).date()
        posted_on = self.local(line.posted.posted_at).date()
        return entry.happened_on < began_on == posted_on


def _joined_names(ids: Iterable[int], names: Mapping[int, str]) -> str:
    known = [names.get(id, "").strip() for id in ids]
    return ", ".join(name for name in known if name)


RUSSIAN = Words(
    language="ru",
    thousands="\N{NO-BREAK SPACE}",
    months="января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    kinds={
        Kind.AWARD: "Занятие",
        Kind.REVERSAL: "Отмена",
        Kind.CREDIT: "Начисление",
        Kind.DEBIT: "Списание",
        Kind.OPENING: "Начальный остаток",
        Kind.GIFT: "Подарок",
        Kind.SALE: "Покупка",
        Kind.REFUND: "Возврат",
    },
    reasons={
        "lesson": "",
        "rate_changed": "Изменён размер начисления за занятие",
        BY_HAND: "Внесено сотрудником школы",
        BOUGHT: "Куплено в магазине школы",
        RETURNED: "Возвращено в магазин школы",
        BY_WAY: "Награда",
        OPENED: "Перенесено из прежнего учёта",
        TAKEN_BACK: "Исправление",
        FORGIVEN: "Отменённое начисление уже потрачено, школа его дарит",
        Reason.PAID: "Занятие засчитано",
        Reason.LESSON_GONE: "Занятия больше нет в журнале",
        Reason.NOT_CONDUCTED: "Занятие не состоялось",
        Reason.REMOVED: "Отметка исправлена: нет в списке занятия",
        Reason.ABSENT: "Отметка исправлена: пропуск занятия",
        Reason.NOT_MARKED: "Отметка о посещении снята",
        Reason.TRIAL: "Это было пробное занятие",
        Reason.MAKEUP: "Это была отработка пропуска",
        Reason.TYPE_NOT_COUNTED: "Такие занятия не засчитываются",
        Reason.TYPE_UNKNOWN: "Вид занятия ещё не определён",
        Reason.NO_RULE: "За это занятие начисление не предусмотрено",
        Reason.GUEST: "Занятие было не в своей группе",
        Reason.MEMBERSHIP_UNKNOWN: "Запись в группу ещё не подтверждена",
        Reason.NOT_SCHEDULED: "Занятие было вне расписания",
    },
    lesson="Занятие",
    reversal_of="Отмена: {what}",
    debt="осталось отработать {coins}",
    award_reversed="отмена начисления за {day}",
    entry_reversed="отмена записи от {day}",
    older_reversed="отмена более ранней записи",
    reversed_on="отменено {day}",
    reversed_some_day="отменено",
    marked_on="начислено {day}",
    entered_on="внесено {day}",
    at_start="это и более ранние занятия начислены при запуске монет",
    statement=StatementWords(
        title="Выписка",
        number="№ {id}",
        period="{since} – {until}",
        printed="Напечатано {day}",
        day="День",
        what="Что",
        why="Почему",
        coins="+/−",
        balance="Остаток",
        opening="Остаток на начало",
        closing="Остаток на конец",
        nothing="За это время записей нет.",
        standing="На {day}: {number} {coins}",
        totals={
            Total.CARRIED_OVER: "Перенесено",
            Total.EARNED: "Начислено",
            Total.GIVEN: "Подарено",
            Total.TAKEN_BACK: "Отменено",
            Total.SPENT: "Списано",
            Total.REFUNDED: "Возвращено",
        },
    ),
)

ENGLISH = Words(
    language="en",
    thousands=",",
    months="January February March April May June July August September October November December",
    kinds={
        Kind.AWARD: "Lesson",
        Kind.REVERSAL: "Taken back",
        Kind.CREDIT: "Credit",
        Kind.DEBIT: "Debit",
        Kind.OPENING: "Opening balance",
        Kind.GIFT: "Gift",
        Kind.SALE: "Purchase",
        Kind.REFUND: "Refund",
    },
    reasons={
        "lesson": "",
        "rate_changed": "The rate for the lesson changed",
        BY_HAND: "Entered by the school's staff",
        BOUGHT: "Bought in the school's shop",
        RETURNED: "Brought back to the school's shop",
        BY_WAY: "Reward",
        OPENED: "Carried over from earlier records",
        TAKEN_BACK: "Correction",
        FORGIVEN: "The award taken back was spent already, the school makes it a gift",
        Reason.PAID: "The lesson counts",
        Reason.LESSON_GONE: "The lesson is no longer in the register",
        Reason.NOT_CONDUCTED: "The lesson did not take place",
        Reason.REMOVED: "Mark corrected: not on the lesson's list",
        Reason.ABSENT: "Mark corrected: was not at the lesson",
        Reason.NOT_MARKED: "The attendance mark was removed",
        Reason.TRIAL: "It was a trial lesson",
        Reason.MAKEUP: "It was a make-up lesson",
        Reason.TYPE_NOT_COUNTED: "Lessons of this kind do not count",
        Reason.TYPE_UNKNOWN: "The kind of lesson is not settled yet",
        Reason.NO_RULE: "No rule gives anything for this lesson",
        Reason.GUEST: "The lesson was in another group",
        Reason.MEMBERSHIP_UNKNOWN: "The place in the group is not confirmed yet",
        Reason.NOT_SCHEDULED: "The lesson was not on the schedule",
    },
    lesson="Lesson",
    reversal_of="Taken back: {what}",
    debt="{coins} to be made up",
    award_reversed="takes back the award of {day}",
    entry_reversed="takes back the line of {day}",
    older_reversed="takes back an earlier line",
    reversed_on="taken back on {day}",
    reversed_some_day="taken back",
    marked_on="credited on {day}",
    entered_on="entered on {day}",
    at_start="this and earlier lessons were credited when the coins began",
    statement=StatementWords(
        title="Statement",
        number="#{id}",
        period="{since} – {until}",
        printed="Printed on {day}",
        day="Day",
        what="What",
        why="Why",
        coins="+/−",
        balance="Balance",
        opening="Opening balance",
        closing="Closing balance",
        nothing="There are no lines in this time.",
        standing="On {day}: {number} {coins}",
        totals={
            Total.CARRIED_OVER: "Carried over",
            Total.EARNED: "Earned",
            Total.GIVEN: "Given",
            Total.TAKEN_BACK: "Taken back",
            Total.SPENT: "Spent",
            Total.REFUNDED: "Refunded",
        },
    ),
)

#: The languages that families are served in.
LANGUAGES: Mapping[str, Words] = {words.language: words for words in (RUSSIAN, ENGLISH)}
