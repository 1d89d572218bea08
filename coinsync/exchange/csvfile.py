"""A folder of CSV files as an ``Exchange``, for a school without a CRM; see ``docs/csv.md``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

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
from coinsync.core.files.sheet import day_in, is_error, records_of, refusal
from coinsync.core.identity import clean
from coinsync.errors import ImportRefused, IncompleteRead, reason_of
from coinsync.exchange import decode
from coinsync.exchange.base import Exchange, Reading, Unreadable
from coinsync.exchange.decode import (
    Record,
    UnreadableRecord,
    day,
    minute,
    number,
    numbers,
    optional_day,
    optional_number,
    text,
    weekdays,
)
from coinsync.files import write_whole

T = TypeVar("T")

#: Reads one cell of a row. Raises ``UnreadableRecord`` with the name of the column.
Cell = Callable[[Record, str], Any]


def _one_of(meanings: Mapping[str, object]) -> Cell:
    def meaning(row: Record, column: str) -> object:
        word = row[column].lower()
        if word not in meanings:
            raise UnreadableRecord(column)
        return meanings[word]

    return meaning


def _since(row: Record, column: str) -> date:
    return optional_day(row, column) or ALWAYS


def _base(row: Record, column: str) -> int:
    return optional_number(row, column) or 0


def _name(row: Record, column: str) -> str:
    if is_error(row[column]):
        raise UnreadableRecord(f"{column} is an error of the spreadsheet")
    return text(row, column)


def _vk(row: Record, column: str) -> str:
    return clean(row[column])[: decode.VK_TEXT_LENGTH_MAX]


_STATUS = _one_of(
    {"planned": Status.PLANNED, "cancelled": Status.CANCELLED, "conducted": Status.CONDUCTED}
)
_MARK = _one_of({"attended": Mark.ATTENDED, "absent": Mark.ABSENT, "": Mark.NOT_MARKED})
_PRESENCE = _one_of(
    {
        "client": Presence.CLIENT,
        "lead": Presence.LEAD,
        "archived": Presence.ARCHIVED,
        "": Presence.CLIENT,
    }
)

#: The columns of each file that must be there, and how their cells are read.
_COLUMNS: dict[str, dict[str, Cell]] = {
    "branches": {"id": number, "name": _name},
    "types": {"id": number, "name": _name, "base": _base},
    "groups": {"id": number, "name": _name, "branch": number},
    "residents": {
        "id": number,
        "name": _name,
        "branches": numbers,
        "vk": _vk,
        "presence": _PRESENCE,
    },
    "memberships": {"resident": number, "group": number, "since": _since, "until": optional_day},
    "schedule": {
        "id": number,
        "group": number,
        "weekdays": weekdays,
        "starts": minute,
        "since": _since,
        "until": optional_day,
    },
    "lessons": {
        "id": number,
        "branch": number,
        "date": day,
        "starts": minute,
        "type": number,
        "status": _STATUS,
        "groups": numbers,
        "subject": optional_number,
    },
    "attendance": {"lesson": number, "resident": number, "mark": _MARK},
}
_LISTS = {"branches", "groups", "weekdays"}
_DAYS = {"date", "since", "until"}
#: A whole school year is longer than a sheet that a person fills.
BYTES_MAX, ROWS_MAX = 200_000_000, 5_000_000
#: The columns that tell one row from another, where it is not ``id`` alone. The first of them is
#: the number under which an unreadable row is reported.
_KEYS = {"attendance": ("lesson", "resident"), "memberships": ("resident", "group", "since")}


def make_templates(folder: Path) -> bool:
    """Make the files that are missing, with nothing but their columns; False if none was."""
    folder.mkdir(parents=True, exist_ok=True)
    is_made = False
    for name, columns in _COLUMNS.items():
        path = folder / f"{name}.csv"
        if not path.exists():
            # As spreadsheets write it in Russia, so that they read it as well.
            write_whole(path, (";".join(columns) + "\n").encode("utf-8-sig"), 0o644)
            is_made = True
    return is_made


class CsvExchange(Exchange):
    """The CSV files of one folder; one that is missing or lacks a column is incomplete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The same file answers for every window, and must not change between two of them.
        self._read = cache(self._read_file)
        self._lessons = cache(lambda: self._facts("lessons", Lesson))
        self._marks = cache(lambda: self._facts("attendance", Attendance))

    def branches(self) -> Reading[Branch]:
        return self._facts("branches", Branch)

    def lesson_types(self, branch: int) -> Reading[LessonType]:
        return self._facts("types", LessonType)

    def groups(self, branch: int) -> Reading[Group]:
        reading = self._facts("groups", _with_branch)
        return reading.with_items(group for home, group in reading.items if home == branch)

    def residents(self, branch: int, today: date) -> Reading[Resident]:
        reading = self._facts("residents", Resident)
        return _only(reading, lambda resident: branch in resident.branches)

    def memberships(self, branch: int) -> Reading[Membership]:
        # The files say by themselves who is archived, whatever day it is.
        groups, residents = self.groups(branch), self.residents(branch, date.max)
        if not residents.complete:
            return Reading.incomplete(residents.why)
        groups_here = {group.id for group in groups.items}
        residents_here = {resident.id for resident in residents.items}
        reading = _only(
            self._facts("memberships", Membership),
            lambda member: member.group in groups_here or member.resident in residents_here,
        )
        return _by_groups(groups, reading)

    def schedule(self, branch: int) -> Reading[RegularLesson]:
        if not (self._folder / "schedule.csv").is_file():
            return Reading()
        groups = self.groups(branch)
        groups_here = {group.id for group in groups.items}
        reading = self._facts("schedule", RegularLesson)
        return _by_groups(groups, _only(reading, lambda line: line.group in groups_here))

    def lesson_records(self, branch: int, since: date, until: date) -> Reading[LessonRecord]:
        return self._lesson_records(
            lambda lesson: lesson.branch == branch and since <= lesson.date <= until
        )

    def find_lesson_record(self, lesson: int, branches: Sequence[int]) -> LessonRecord | None:
        reading = self._lesson_records(lambda row: row.id == lesson)
        paths = [record.path for record in reading.unreadable if record.id == lesson]
        if paths or not reading.complete:
            raise IncompleteRead(f"lesson {lesson}: {reading.why or paths[0]}")
        return reading.items[0] if reading.items else None

    def _lesson_records(self, wanted: Callable[[Lesson], bool]) -> Reading[LessonRecord]:
        lessons, marks = self._lessons(), self._marks()
        if not (lessons.complete and marks.complete):
            return Reading.incomplete(lessons.why or marks.why)
        listed: dict[int, list[Attendance]] = {}
        for lesson in lessons.items:
            if wanted(lesson):
                listed[lesson.id] = []
        for attendance in sorted(marks.items, key=lambda mark: mark.resident):
            listed.get(attendance.lesson, []).append(attendance)
        # A lesson that cannot be read has no branch and no day, so it is named in every answer.
        unreadable = [*lessons.unreadable]
        unreadable += [mark for mark in marks.unreadable if mark.id in listed]
        for bad in unreadable:
            listed.pop(bad.id, None)
        records = [
            LessonRecord(lesson, tuple(listed[lesson.id]))
            for lesson in lessons.items
            if lesson.id in listed
        ]
        return Reading(tuple(records), unreadable=tuple(unreadable))

    def _facts(self, name: str, kind: Callable[..., T]) -> Reading[T]:
        try:
            header, rows = self._read(name)
        except OSError as error:
            return Reading.incomplete(f"{name}.csv: {reason_of(error)}")
        except ImportRefused as error:
            return Reading.incomplete(f"{name}.csv: {error.problems[0]}")
        # Of two columns of one name nobody can say which is meant.
        wrong = [column for column in _COLUMNS[name] if header.count(column) != 1]
        if wrong:
            return Reading.incomplete(f"{name}.csv: needs each column once: {', '.join(wrong)}")
        return _decoded(name, header, rows, kind)

    def _read_file(self, name: str) -> tuple[list[str], dict[int, list[str]]]:
        """The names of a file's columns, and each row's cells under the number of its line."""
        content = (self._folder / f"{name}.csv").read_bytes()
        records, problems = records_of(content, bytes_max=BYTES_MAX, rows_max=ROWS_MAX)
        if problems:
            raise refusal(problems)
        rows = {line: list(map(clean, cells)) for line, cells in records}
        # The first row that is not empty names the columns.
        return rows.pop(min(rows)) if rows else [], rows


def _decoded(
    name: str, header: list[str], rows: Mapping[int, list[str]], kind: Callable[..., T]
) -> Reading[T]:
    facts: dict[tuple[object, ...], T] = {}
    doubtful: set[tuple[object, ...]] = set()
    unreadable: list[Unreadable] = []
    readers = _COLUMNS[name]
    first, *others = _KEYS.get(name, ("id",))
    for line, cells in rows.items():
        where = f"{name}.csv line {line}"
        row: dict[str, Any] = dict(zip(header, cells, strict=False))
        for column in _LISTS.intersection(row):
            row[column] = row[column].split()
        for column in _DAYS.intersection(row):
            day_typed = day_in(row[column])
            if day_typed:
                row[column] = day_typed.isoformat()
        # A spreadsheet shows the hours before ten without their zero.
        if row.get("starts", "")[1:2] == ":":
            row["starts"] = "0" + row["starts"]
        try:
            first_number = number(row, first)
        except UnreadableRecord:
            # Nobody knows whose it is, while another bad cell spoils only its own row.
            return Reading.incomplete(f"{where}: no readable number")
        key = (first_number, *(row.get(column) for column in others))
        try:
            if len(cells) != len(header):
                why = f"has {len(cells)} cells where {len(header)} belong"
                raise UnreadableRecord(why)
            fact = kind(**{column: read(row, column) for column, read in readers.items()})
            # The same line twice is a slip; two that differ contradict each other.
            if facts.setdefault(key, fact) != fact:
                raise UnreadableRecord("says otherwise than an earlier line")
        except UnreadableRecord as error:
            doubtful.add(key)
            unreadable.append(Unreadable(first_number, f"{where} {error.path}"))
    items = tuple(fact for key, fact in facts.items() if key not in doubtful)
    return Reading(items, unreadable=tuple(unreadable))


def _with_branch(id: int, name: str, branch: int) -> tuple[int, Group]:
    return branch, Group(id, name)


def _only(reading: Reading[T], wanted: Callable[[T], bool]) -> Reading[T]:
    return reading.with_items(filter(wanted, reading.items))


def _by_groups(groups: Reading[Group], reading: Reading[T]) -> Reading[T]:
    """What was chosen by its group is whole only if the groups are."""
    if groups.complete and not groups.unreadable:
        return reading
    why = groups.why or groups.unreadable[0].path
    return Reading.incomplete(why)
