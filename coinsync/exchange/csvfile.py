"""A folder of CSV files as an ``Exchange``, for a school without a CRM.

Files and columns (UTF-8, with ``,`` or ``;``, the first line names the columns; days are YYYY-MM-DD):

* ``branches.csv`` id, name · ``types.csv`` id, name, base · ``groups.csv`` id, name, branch
* ``residents.csv`` id, name, branches, vk, presence · ``memberships.csv`` resident, group, since, until
* ``schedule.csv`` id, group, weekdays, starts, since, until
* ``lessons.csv`` id, branch, date, starts, type, status, groups, subject · ``attendance.csv`` lesson, resident, mark

Lists inside a cell are separated by spaces. ``status`` is planned, cancelled or conducted; ``mark`` is attended, absent
or empty; ``presence`` is client, lead or archived. ``schedule.csv`` may be missing. Further columns are not looked
at; a row with more or fewer cells than the first line is not guessed at.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TypeVar

from coinsync.core.facts import (
    ALWAYS,
    Attendance,
    Branch,
    Group,
    Lesson,
    LessonRecord,
    LessonType,
    Mark,
    Membership,
    Presence,
    RegularLesson,
    Resident,
    Status,
)
from coinsync.core.identity import clean
from coinsync.errors import IncompleteRead
from coinsync.exchange import decode, values
from coinsync.exchange.base import Exchange, Reading, Unreadable

T = TypeVar("T")
Row = Mapping[str, str]

#: A file, read: the names of its columns, and every row's cells with the number of its line.
Sheet = tuple[list[str], list[tuple[int, list[str]]]]

#: The columns that tell one row from another; the first of them names the row that cannot be read.
_KEYS = {"attendance": ("lesson", "resident"), "memberships": ("resident", "group", "since")}

_STATUSES = {
    "planned": Status.PLANNED,
    "cancelled": Status.CANCELLED,
    "conducted": Status.CONDUCTED,
}
_MARKS = {"attended": Mark.ATTENDED, "absent": Mark.ABSENT, "": Mark.NOT_MARKED}
_PRESENCES = {
    "client": Presence.CLIENT,
    "lead": Presence.LEAD,
    "archived": Presence.ARCHIVED,
    "": Presence.CLIENT,
}


class CsvExchange(Exchange):
    """The CSV files of one folder. A file that is missing or lacks a column makes its reading incomplete."""

    def __init__(self, folder: Path) -> None:
        """Read from ``folder``; nothing is opened before the first question, and every file is read once."""
        self._folder = folder
        self._sheet = cache(self._read)
        self._lessons = cache(self._read_lessons)
        self._marks = cache(self._read_marks)

    def close(self) -> None:
        """Nothing is kept open."""

    def expect(self, branch: int, today: date) -> None:
        """Files need no preparation."""

    def moment(self) -> None:
        """Files know no time."""

    def branches(self) -> Reading[Branch]:
        """Rows of ``branches.csv``."""
        return self._table(
            "branches", ("id", "name"), lambda row: Branch(_id(row, "id"), values.text(row["name"]))
        )

    def lesson_types(self, branch: int) -> Reading[LessonType]:
        """Rows of ``types.csv``."""
        return self._table("types", ("id", "name", "base"), _lesson_type)

    def groups(self, branch: int) -> Reading[Group]:
        """Rows of ``groups.csv`` of the branch."""
        found = self._table("groups", ("id", "name", "branch"), _group_of_branch)
        mine = tuple(group for home, group in found.items if home == branch)
        return Reading(mine, found.complete, found.why, found.unreadable)

    def residents(self, branch: int) -> Reading[Resident]:
        """Rows of ``residents.csv`` of the branch; names are kept as written."""
        found = self._table("residents", ("id", "name", "branches", "vk", "presence"), _resident)
        return _only(found, lambda one: branch in one.branches)

    def memberships(self, branch: int) -> Reading[Membership]:
        """Rows of ``memberships.csv`` of the branch's groups and of its residents."""
        groups, people = self.groups(branch), self.residents(branch)
        if not people.complete:
            return Reading((), complete=False, why=people.why)
        here, mine = {group.id for group in groups.items}, {one.id for one in people.items}
        found = self._table("memberships", ("resident", "group", "since", "until"), _membership)
        return _within(groups, _only(found, lambda one: one.group in here or one.resident in mine))

    def schedule(self, branch: int) -> Reading[RegularLesson]:
        """Rows of ``schedule.csv`` of the branch's groups."""
        if not (self._folder / "schedule.csv").is_file():
            return Reading()
        groups = self.groups(branch)
        here = {group.id for group in groups.items}
        columns = ("id", "group", "weekdays", "starts", "since", "until")
        return _within(
            groups, _only(self._table("schedule", columns, _line), lambda one: one.group in here)
        )

    def lesson_records(self, branch: int, since: date, until: date) -> Reading[LessonRecord]:
        """Rows of ``lessons.csv`` of the branch and window, with their rows of ``attendance.csv``."""
        return self._rolls(lambda lesson: lesson.branch == branch and since <= lesson.date <= until)

    def find_lesson_record(self, lesson: int, branches: Sequence[int]) -> LessonRecord | None:
        """The lesson's row, whatever its day and branch."""
        found = self._rolls(lambda one: one.id == lesson)
        unreadable = next((one.path for one in found.unreadable if one.id == lesson), "")
        if not found.complete or unreadable:
            raise IncompleteRead(f"lesson {lesson}: {found.why or unreadable}")
        return next(iter(found.items), None)

    def _rolls(self, wanted: Callable[[Lesson], bool]) -> Reading[LessonRecord]:
        lessons, marks = self._lessons(), self._marks()
        if not (lessons.complete and marks.complete):
            return Reading((), complete=False, why=lessons.why or marks.why)
        listed: dict[int, list[Attendance]] = {
            lesson.id: [] for lesson in lessons.items if wanted(lesson)
        }
        for one in sorted(marks.items, key=lambda mark: mark.resident):
            listed.get(one.lesson, []).append(one)
        # A lesson that cannot be read has no branch and no day: it is named in every answer.
        unreadable = (*lessons.unreadable, *(one for one in marks.unreadable if one.id in listed))
        bad = {one.id for one in unreadable}
        lesson_records = (
            LessonRecord(one, tuple(listed[one.id]))
            for one in lessons.items
            if one.id in listed and one.id not in bad
        )
        return Reading(tuple(lesson_records), unreadable=unreadable)

    def _read_lessons(self) -> Reading[Lesson]:
        columns = ("id", "branch", "date", "starts", "type", "status", "groups", "subject")
        return self._table("lessons", columns, _lesson)

    def _read_marks(self) -> Reading[Attendance]:
        return self._table("attendance", ("lesson", "resident", "mark"), _attendance)

    def _table(self, name: str, columns: Sequence[str], into: Callable[[Row], T]) -> Reading[T]:
        try:
            header, rows = self._sheet(name)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            return Reading((), complete=False, why=f"{name}.csv: {type(error).__name__}")
        wrong = [column for column in columns if header.count(column) != 1]
        if wrong:
            return Reading(
                (), complete=False, why=f"{name}.csv: needs each column once: {', '.join(wrong)}"
            )
        return _decoded(name, (header, rows), into)

    def _read(self, name: str) -> Sheet:
        text = (self._folder / f"{name}.csv").read_text(encoding="utf-8-sig")
        delimiter = ";" if ";" in text.split("\n", 1)[0] else ","
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = [column.strip() for column in next(lines, [])]
        return header, [(lines.line_num, cells) for cells in lines if any(map(str.strip, cells))]


def _decoded(name: str, sheet: Sheet, into: Callable[[Row], T]) -> Reading[T]:
    """Decode all rows; one without a readable number spoils the reading, another bad cell only its own row."""
    header, lines = sheet
    facts: dict[tuple[object, ...], T] = {}
    doubtful: set[tuple[object, ...]] = set()
    unreadable: list[Unreadable] = []
    first, *others = _KEYS.get(name, ("id",))
    for line, cells in lines:
        row = dict(zip(header, cells, strict=False))
        try:
            owner = _id(row, first) if first in row else values.number(None, first)
        except values.UnreadableRecord:
            return Reading((), complete=False, why=f"{name}.csv line {line}: no readable number")
        key = (owner, *(row.get(column, "").strip() for column in others))
        try:
            if len(cells) != len(header):
                raise values.UnreadableRecord(f"has {len(cells)} cells where {len(header)} belong")
            fact = into(row)
            if facts.setdefault(key, fact) != fact:
                raise values.UnreadableRecord("says otherwise than an earlier line")
        except values.UnreadableRecord as error:
            doubtful.add(key)
            unreadable.append(Unreadable(owner, f"{name}.csv line {line} {error.path}"))
    items = tuple(fact for key, fact in facts.items() if key not in doubtful)
    return Reading(items, unreadable=tuple(unreadable))


def _only(found: Reading[T], keep: Callable[[T], bool]) -> Reading[T]:
    return replace(found, items=tuple(one for one in found.items if keep(one)))


def _within(groups: Reading[Group], found: Reading[T]) -> Reading[T]:
    """What was found by way of the groups is whole only if the groups are."""
    if groups.complete and not groups.unreadable:
        return found
    why = groups.why or groups.unreadable[0].path
    return Reading((), complete=False, why=why)


def _id(row: Row, column: str) -> int:
    return values.number(row[column].strip(), column)


def _ids(row: Row, column: str) -> tuple[int, ...]:
    return values.numbers(row[column].split(), column)


def _word(row: Row, column: str, meanings: Mapping[str, T]) -> T:
    word = row[column].strip().lower()
    if word not in meanings:
        raise values.UnreadableRecord(column)
    return meanings[word]


def _lesson_type(row: Row) -> LessonType:
    base = values.optional_number(row["base"].strip(), "base") or 0
    return LessonType(_id(row, "id"), values.text(row["name"]), base)


def _group_of_branch(row: Row) -> tuple[int, Group]:
    return _id(row, "branch"), Group(_id(row, "id"), values.text(row["name"]))


def _resident(row: Row) -> Resident:
    return Resident(
        _id(row, "id"),
        values.text(row["name"]),
        _word(row, "presence", _PRESENCES),
        _ids(row, "branches"),
        clean(row["vk"])[: decode.VK_TEXT_LENGTH_MAX],
    )


def _membership(row: Row) -> Membership:
    since, until = (values.optional_day(row[name].strip(), name) for name in ("since", "until"))
    return Membership(_id(row, "resident"), _id(row, "group"), since or ALWAYS, until)


def _line(row: Row) -> RegularLesson:
    since, until = (values.optional_day(row[name].strip(), name) for name in ("since", "until"))
    return RegularLesson(
        _id(row, "id"),
        _id(row, "group"),
        values.weekdays(row["weekdays"].split(), "weekdays"),
        values.minute(row["starts"].strip(), "starts"),
        since or ALWAYS,
        until,
    )


def _lesson(row: Row) -> Lesson:
    return Lesson(
        _id(row, "id"),
        _id(row, "branch"),
        values.day(row["date"].strip(), "date"),
        values.minute(row["starts"].strip(), "starts"),
        _id(row, "type"),
        _word(row, "status", _STATUSES),
        _ids(row, "groups"),
        values.optional_number(row["subject"].strip(), "subject"),
    )


def _attendance(row: Row) -> Attendance:
    return Attendance(_id(row, "lesson"), _id(row, "resident"), _word(row, "mark", _MARKS))
