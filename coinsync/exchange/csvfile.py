"""A folder of CSV files as an ``Exchange``, for a school without a CRM.

Files and columns (UTF-8, with ``,`` or ``;``, the first line names the columns; days are YYYY-MM-DD):

* ``branches.csv`` id, name · ``types.csv`` id, name, base · ``groups.csv`` id, name, branch
* ``residents.csv`` id, name, branches, vk, presence · ``memberships.csv`` resident, group, since, until
* ``schedule.csv`` id, group, weekdays, starts, since, until
* ``lessons.csv`` id, branch, date, starts, type, status, groups, subject · ``attendance.csv`` lesson, resident, mark

Lists inside a cell are separated by spaces. ``status`` is planned, cancelled or conducted; ``mark`` is attended, absent
or empty; ``presence`` is client, lead or archived. ``schedule.csv`` may be missing.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    LessonType,
    Mark,
    Membership,
    Presence,
    RegularLesson,
    Resident,
    Roll,
    Status,
)
from coinsync.core.identity import clean
from coinsync.exchange import decode
from coinsync.exchange.base import Exchange, Reading, Unreadable

T = TypeVar("T")
Row = Mapping[str, str]

_STATUSES = {"planned": Status.PLANNED, "cancelled": Status.CANCELLED, "conducted": Status.CONDUCTED}
_MARKS = {"attended": Mark.ATTENDED, "absent": Mark.ABSENT, "": Mark.NOT_MARKED}


class CsvExchange(Exchange):
    """The CSV files of one folder. A file that is missing or lacks a column makes its reading incomplete."""

    def __init__(self, folder: Path) -> None:
        """Read from ``folder``; nothing is opened before the first question."""
        self._folder = folder
        self._rows = cache(self._read)

    def close(self) -> None:
        """Nothing is kept open."""

    def moment(self) -> None:
        """Files know no time."""

    def branches(self) -> Reading[Branch]:
        """Rows of ``branches.csv``."""
        return self._table("branches", ("id", "name"), lambda row: Branch(_id(row, "id"), clean(row["name"])))

    def lesson_types(self, branch: int) -> Reading[LessonType]:
        """Rows of ``types.csv``."""
        return self._table(
            "types",
            ("id", "name", "base"),
            lambda row: LessonType(
                _id(row, "id"), clean(row["name"]), decode.optional_number(row["base"], "base") or 0
            ),
        )

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
        """Rows of ``memberships.csv`` of the branch's groups."""
        groups = {group.id for group in self.groups(branch).items}
        found = self._table("memberships", ("resident", "group", "since", "until"), _membership)
        return _only(found, lambda one: one.group in groups)

    def schedule(self, branch: int) -> Reading[RegularLesson]:
        """Rows of ``schedule.csv`` of the branch's groups."""
        if not (self._folder / "schedule.csv").is_file():
            return Reading()
        groups = {group.id for group in self.groups(branch).items}
        columns = ("id", "group", "weekdays", "starts", "since", "until")
        return _only(self._table("schedule", columns, _line), lambda one: one.group in groups)

    def rolls(self, branch: int, since: date, until: date) -> Reading[Roll]:
        """Rows of ``lessons.csv`` of the branch and window, with their rows of ``attendance.csv``."""
        return _only(self._rolls(), lambda roll: roll.lesson.branch == branch and since <= roll.lesson.date <= until)

    def find_roll(self, lesson: int, branches: Sequence[int]) -> Roll | None:
        """The lesson's row, whatever its day and branch."""
        return next((roll for roll in self._rolls().items if roll.lesson.id == lesson), None)

    def _rolls(self) -> Reading[Roll]:
        lessons = self._table(
            "lessons", ("id", "branch", "date", "starts", "type", "status", "groups", "subject"), _lesson
        )
        marks = self._table("attendance", ("lesson", "resident", "mark"), _attendance)
        if not (lessons.complete and marks.complete):
            return Reading((), complete=False, why=lessons.why or marks.why)
        listed: dict[int, dict[int, Attendance]] = {}
        for one in marks.items:
            listed.setdefault(one.lesson, {})[one.resident] = one
        bad = {one.id for one in (*lessons.unreadable, *marks.unreadable)}
        rolls = (Roll(lesson, tuple(listed.get(lesson.id, {}).values())) for lesson in lessons.items)
        return Reading(
            tuple(roll for roll in rolls if roll.lesson.id not in bad),
            unreadable=(*lessons.unreadable, *marks.unreadable),
        )

    def _table(self, name: str, columns: Sequence[str], into: Callable[[Row], T]) -> Reading[T]:
        try:
            rows = self._rows(name)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            return Reading((), complete=False, why=f"{name}.csv: {type(error).__name__}")
        missing = [column for column in columns if rows and column not in rows[0]]
        if missing:
            return Reading((), complete=False, why=f"{name}.csv: no column {', '.join(missing)}")
        return _decoded(name, rows, into)

    def _read(self, name: str) -> tuple[Row, ...]:
        text = (self._folder / f"{name}.csv").read_text(encoding="utf-8-sig")
        delimiter = ";" if ";" in text.split("\n", 1)[0] else ","
        return tuple(csv.DictReader(text.splitlines(), delimiter=delimiter, restval=""))


def _decoded(name: str, rows: Sequence[Row], into: Callable[[Row], T]) -> Reading[T]:
    """Decode all rows; one without a readable number spoils the reading, another bad cell only its own row."""
    unreadable: list[Unreadable] = []
    anonymous: list[str] = []

    def facts() -> Iterator[T]:
        for line, row in enumerate(rows, 2):
            try:
                yield into(row)
            except decode.UnreadableRecord as error:
                try:
                    id = decode.number(row.get("id") or row.get("lesson"), "id")
                    unreadable.append(Unreadable(id, f"{name}.csv line {line} {error.path}"))
                except decode.UnreadableRecord:
                    anonymous.append(f"{name}.csv line {line}: no readable number")

    items = tuple(facts())
    if anonymous:
        return Reading((), complete=False, why=anonymous[0])
    return Reading(items, unreadable=tuple(unreadable))


def _only(found: Reading[T], keep: Callable[[T], bool]) -> Reading[T]:
    return replace(found, items=tuple(one for one in found.items if keep(one)))


def _id(row: Row, column: str) -> int:
    return decode.number(row[column].strip(), column)


def _ids(row: Row, column: str) -> tuple[int, ...]:
    return decode.numbers(row[column].split(), column)


def _word(row: Row, column: str, meanings: Mapping[str, T]) -> T:
    word = row[column].strip().lower()
    if word not in meanings:
        raise decode.UnreadableRecord(column)
    return meanings[word]


def _group_of_branch(row: Row) -> tuple[int, Group]:
    return _id(row, "branch"), Group(_id(row, "id"), clean(row["name"]))


def _resident(row: Row) -> Resident:
    presences = {one.value: one for one in (Presence.CLIENT, Presence.LEAD, Presence.ARCHIVED)}
    return Resident(
        _id(row, "id"),
        decode.text(row["name"]),
        _word(row, "presence", {**presences, "": Presence.CLIENT}),
        _ids(row, "branches"),
        clean(row["vk"])[: decode.VK_TEXT_LENGTH_MAX],
    )


def _membership(row: Row) -> Membership:
    since, until = (decode.optional_day(row[name].strip(), name) for name in ("since", "until"))
    return Membership(_id(row, "resident"), _id(row, "group"), since or ALWAYS, until)


def _line(row: Row) -> RegularLesson:
    since, until = (decode.optional_day(row[name].strip(), name) for name in ("since", "until"))
    return RegularLesson(
        _id(row, "id"),
        _id(row, "group"),
        _ids(row, "weekdays"),
        decode.minute(row["starts"].strip(), "starts"),
        since or ALWAYS,
        until,
    )


def _lesson(row: Row) -> Lesson:
    return Lesson(
        _id(row, "id"),
        _id(row, "branch"),
        decode.day(row["date"].strip(), "date"),
        decode.minute(row["starts"].strip(), "starts"),
        _id(row, "type"),
        _word(row, "status", _STATUSES),
        _ids(row, "groups"),
        decode.optional_number(row["subject"].strip(), "subject"),
    )


def _attendance(row: Row) -> Attendance:
    return Attendance(_id(row, "lesson"), _id(row, "resident"), _word(row, "mark", _MARKS))
