"""A folder of CSV files as an exchange: what people put into such files, and what is read."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
from coinsync.errors import IncompleteRead
from coinsync.exchange.base import Unreadable
from coinsync.exchange.csvfile import CsvExchange

DAY = date(2026, 11, 20)
FILES = {
    "branches": "id,name\n1,Центр\n2,Север\n",
    "types": "id,name,base\n2,Групповой,2\n3,Пробный,3\n9,Новый,\n",
    "groups": "id,name,branch\n7,Роботы,1\n8,Игры,2\n",
    "residents": "id,name,branches,vk,presence\n"
    "11,Ада Выдуманная,1,vk.com/id12,client\n"
    "12,Глеб Небылов,1 2,,lead\n"
    "13,Кира Мнимая,2,@kira,archived\n",
    "memberships": "resident,group,since,until\n"
    "11,7,2026-09-01,\n12,7,,2026-12-20\n12,8,2026-10-01,\n13,8,,\n",
    "schedule": "id,group,weekdays,starts,since,until\n1,7,5 2,17:00,2026-09-01,\n2,8,6,10:00,,\n",
    "lessons": "id,branch,date,starts,type,status,groups,subject\n"
    "101,1,2026-11-20,17:00,2,conducted,7,4\n"
    "102,1,2026-11-24,17:00,2,planned,7,\n"
    "103,2,2026-11-21,10:00,2,conducted,8,\n",
    "attendance": "lesson,resident,mark\n"
    "101,12,absent\n101,11,attended\n103,13,\n103,12,attended\n",
}
FIRST = LessonRecord(
    Lesson(101, 1, DAY, "17:00", 2, Status.CONDUCTED, (7,), 4),
    (Attendance(101, 11, Mark.ATTENDED), Attendance(101, 12, Mark.ABSENT)),
)
NUMBERS = {"branches": 1, "types": 2, "groups": 7, "residents": 11, "schedule": 1, "lessons": 101}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small school with two branches."""
    for name, text in FILES.items():
        write(tmp_path, name, text)
    return tmp_path


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> None:
    """Put a file into the folder."""
    (folder / f"{name}.csv").write_bytes(text.encode(encoding))


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Change a file in one place."""
    text = (folder / f"{name}.csv").read_text(encoding="utf-8")
    assert text.count(old) == 1
    write(folder, name, text.replace(old, new))


def first_record(folder: Path) -> LessonRecord | None:
    """The first lesson as the folder has it now."""
    return CsvExchange(folder).find_lesson_record(101, [1])


# What is read


def test_a_whole_folder(folder: Path) -> None:
    """Every file, each branch with its own."""
    exchange = CsvExchange(folder)
    assert exchange.branches().items == (Branch(1, "Центр"), Branch(2, "Север"))
    assert exchange.lesson_types(1).items == (
        LessonType(2, "Групповой", 2),
        LessonType(3, "Пробный", 3),
        LessonType(9, "Новый", 0),
    )
    assert exchange.groups(1).items == (Group(7, "Роботы"),)
    assert exchange.residents(2, DAY).items == (
        Resident(12, "Глеб Небылов", Presence.LEAD, (1, 2)),
        Resident(13, "Кира Мнимая", Presence.ARCHIVED, (2,), "@kira"),
    )
    assert exchange.schedule(1).items == (
        RegularLesson(1, 7, (2, 5), "17:00", date(2026, 9, 1), None),
    )
    assert exchange.schedule(2).items == (RegularLesson(2, 8, (6,), "10:00", ALWAYS, None),)
    assert exchange.lesson_records(1, DAY, DAY).items == (FIRST,)


def test_memberships_are_those_of_the_branchs_groups_and_residents(folder: Path) -> None:
    """A resident of two branches keeps both groups; an empty start is from ever."""
    exchange = CsvExchange(folder)
    ada, gleb = Membership(11, 7, date(2026, 9, 1)), Membership(12, 7, ALWAYS, date(2026, 12, 20))
    other, kira = Membership(12, 8, date(2026, 10, 1)), Membership(13, 8)
    assert set(exchange.memberships(1).items) == {ada, gleb, other}
    assert set(exchange.memberships(2).items) == {gleb, other, kira}


def test_files_know_no_time_and_cost_no_request(folder: Path) -> None:
    """There is nobody to ask."""
    exchange = CsvExchange(folder)
    exchange.lesson_records(1, DAY, DAY)
    exchange.moment()
    assert exchange.calls == 0


def test_a_file_is_read_once(folder: Path) -> None:
    """What changes during a run is seen by the next one."""
    exchange = CsvExchange(folder)
    exchange.lesson_records(1, DAY, DAY)
    write(folder, "attendance", "rubbish")
    assert exchange.find_lesson_record(101, [1]) == FIRST


# How files are written


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("between", [",", ";"])
def test_the_ways_of_spreadsheets_make_no_difference(
    folder: Path, encoding: str, ends: str, between: str
) -> None:
    """A mark at the beginning, other line ends, semicolons."""
    for name, text in FILES.items():
        write(folder, name, text.replace(",", between).replace("\n", ends), encoding)
    exchange = CsvExchange(folder)
    assert exchange.lesson_records(1, DAY, DAY).items == (FIRST,)
    assert exchange.branches().items == (Branch(1, "Центр"), Branch(2, "Север"))


def test_empty_lines_and_empty_rows_are_passed_over(folder: Path) -> None:
    """Spreadsheets leave them at the end and sometimes between."""
    write(
        folder, "attendance", FILES["attendance"].replace("101,11", "\n,,\n  \n101,11") + ",,\n\n"
    )
    assert first_record(folder) == FIRST


def test_the_order_of_columns_does_not_matter_and_others_may_be_there(folder: Path) -> None:
    """Columns are known by their names."""
    write(
        folder, "attendance", "note,mark,resident, lesson \nсам,absent,12,101\n,attended,11,101\n"
    )
    assert first_record(folder) == FIRST


def test_cells_may_be_quoted_and_padded(folder: Path) -> None:
    """A comma or a line end inside of quotes belongs to the name; space around a cell does not."""
    write(folder, "branches", 'id,name\n" 1 ","Центр, главный"\n2,"Север\nверхний"\n')
    assert CsvExchange(folder).branches().items == (
        Branch(1, "Центр, главный"),
        Branch(2, "Север верхний"),
    )


@pytest.mark.parametrize("odd", ["\u2028", "\x85", "\x0b", "\x1c", "\x0c"])
def test_odd_characters_in_a_name_do_not_break_the_row(folder: Path, odd: str) -> None:
    """They are no line ends of a table."""
    change(folder, "branches", "Центр", f"Цен{odd}тр")
    names = [one.name for one in CsvExchange(folder).branches().items]
    assert len(names) == 2
    assert all(name.isprintable() for name in names)


@pytest.mark.parametrize(
    ("word", "mark"),
    [
        ("attended", Mark.ATTENDED),
        (" Attended ", Mark.ATTENDED),
        ("ABSENT", Mark.ABSENT),
        ("", Mark.NOT_MARKED),
    ],
)
def test_a_mark_is_a_word_or_nothing(folder: Path, word: str, mark: Mark) -> None:
    """In capitals or not."""
    change(folder, "attendance", "101,11,attended", f"101,11,{word}")
    found = first_record(folder)
    assert found is not None
    assert found.attendance[0].mark is mark


@pytest.mark.parametrize("word", ["", "client", " Client"])
def test_a_presence_may_be_left_out(folder: Path, word: str) -> None:
    """Then it is a client's."""
    change(folder, "residents", "vk.com/id12,client", f"vk.com/id12,{word}")
    assert CsvExchange(folder).residents(1, DAY).items[0].presence is Presence.CLIENT


def test_days_may_be_written_as_in_russia(folder: Path) -> None:
    """A spreadsheet turns them by itself."""
    change(folder, "lessons", "2026-11-20,17:00", "20.11.2026,17:00:01")
    assert first_record(folder) == FIRST


def test_the_same_row_twice_is_one(folder: Path) -> None:
    """A list pasted twice."""
    for name, text in FILES.items():
        head, _, rows = text.partition("\n")
        write(folder, name, f"{head}\n{rows}{rows}")
    exchange = CsvExchange(folder)
    assert exchange.branches().items == (Branch(1, "Центр"), Branch(2, "Север"))
    assert len(exchange.memberships(1).items) == 3
    assert exchange.lesson_records(1, DAY, DAY).items == (FIRST,)


# What is not there


ASKS = {
    "branches": ["branches"],
    "types": ["lesson_types"],
    "groups": ["groups", "memberships", "schedule"],
    "residents": ["residents", "memberships"],
    "memberships": ["memberships"],
    "lessons": ["lesson records"],
    "attendance": ["lesson records"],
}


def ask(folder: Path, what: str) -> tuple[bool, tuple[object, ...], str]:
    """Whether a reading is complete, its items, and why not."""
    exchange = CsvExchange(folder)
    if what == "branches":
        branches = exchange.branches()
        return branches.complete, branches.items, branches.why
    if what == "lesson records":
        lesson_records = exchange.lesson_records(1, DAY, DAY)
        return lesson_records.complete, lesson_records.items, lesson_records.why
    asked = (1, DAY) if what == "residents" else (1,)
    found = getattr(exchange, what)(*asked)
    return found.complete, found.items, found.why


@pytest.mark.parametrize(
    ("name", "what"), [(name, what) for name, asks in ASKS.items() for what in asks]
)
def test_a_missing_file_makes_incomplete_what_needs_it(folder: Path, name: str, what: str) -> None:
    """With the name of the file."""
    (folder / f"{name}.csv").unlink()
    assert ask(folder, what) == (False, (), f"{name}.csv: no such file or directory")


@pytest.mark.parametrize(
    ("name", "what"), [(name, what) for name, asks in ASKS.items() for what in asks]
)
@pytest.mark.parametrize("text", ["", "\n", "nonsense\n", "nonsense\n1\n2\n"])
def test_a_file_without_its_columns_makes_incomplete_what_needs_it(
    folder: Path, name: str, what: str, text: str
) -> None:
    """An export that was cut to nothing is not a school without lessons."""
    write(folder, name, text)
    complete, items, why = ask(folder, what)
    assert (complete, items) == (False, ())
    assert why.startswith(f"{name}.csv: needs each column once: ")


def test_a_file_of_headings_alone_is_empty_and_complete(folder: Path) -> None:
    """There is nothing, and that is said in so many columns."""
    for name, text in FILES.items():
        write(folder, name, text.partition("\n")[0])
    for what in (
        "branches",
        "lesson_types",
        "groups",
        "residents",
        "memberships",
        "schedule",
        "lesson records",
    ):
        assert ask(folder, what) == (True, (), "")


def test_a_missing_column_is_named(folder: Path) -> None:
    """So that it can be added."""
    write(folder, "attendance", "lesson,resident\n101,11\n")
    assert ask(folder, "lesson records") == (
        False,
        (),
        "attendance.csv: needs each column once: mark",
    )


def test_a_column_that_stands_twice_is_named(folder: Path) -> None:
    """Which of the two is meant is not guessed."""
    write(folder, "attendance", "lesson,resident,mark,mark\n101,11,attended,absent\n")
    assert ask(folder, "lesson records") == (
        False,
        (),
        "attendance.csv: needs each column once: mark",
    )


def test_a_school_may_have_no_schedule(folder: Path) -> None:
    """Its file may be missing."""
    (folder / "schedule.csv").unlink()
    assert ask(folder, "schedule") == (True, (), "")


def test_a_folder_that_is_not_there_is_incomplete(tmp_path: Path) -> None:
    """Nothing is concluded from it."""
    complete, items, why = ask(tmp_path / "nowhere", "lesson records")
    assert (complete, items) == (False, ())
    assert why


@pytest.mark.parametrize(("encoding", "name"), [("cp866", "cp866"), ("koi8_r", "KOI8-R")])
def test_another_encoding_is_incomplete(folder: Path, encoding: str, name: str) -> None:
    """Names are not guessed at, and the encoding is named."""
    write(folder, "branches", FILES["branches"], encoding)
    complete, _, why = ask(folder, "branches")
    assert not complete
    assert why.startswith(f"branches.csv: line 1: the letters are those of {name}; save")


def test_what_excel_in_russian_makes_of_days_and_times(folder: Path) -> None:
    """Hours and days without zeros, days with a time, and a line that names the delimiter."""
    text = FILES["lessons"].replace(DAY.isoformat(), f"{DAY.day}.{DAY.month}.{DAY.year} 0:00")
    assert text != FILES["lessons"]
    morning = text.replace(FIRST.lesson.starts, "9:05").replace(",", ";")
    write(folder, "lessons", "sep=;\n" + morning, "cp1251")
    (record,) = CsvExchange(folder).lesson_records(1, DAY, DAY).items
    assert record.lesson == replace(FIRST.lesson, starts="09:05")


def test_an_error_of_the_spreadsheet_is_no_name(folder: Path) -> None:
    """The row is named, and the others are read."""
    name = FILES["branches"].split("\n")[1].split(",")[1]
    write(folder, "branches", FILES["branches"].replace(name, "#ИМЯ?"))
    (unreadable,) = CsvExchange(folder).branches().unreadable
    assert unreadable.path == "branches.csv line 2 name is an error of the spreadsheet"


@pytest.mark.parametrize(
    "text", ["id,name\n1,a\0b\n", "id,name\n1," + "x" * 200_000 + "\n"], ids=["nul", "endless"]
)
def test_a_file_that_is_no_table_is_incomplete_or_read_harmlessly(folder: Path, text: str) -> None:
    """Bytes of nothing, or a cell without end."""
    write(folder, "branches", text)
    found = CsvExchange(folder).branches()
    assert not found.complete or all(
        one.name.isprintable() and len(one.name) <= 120 for one in found.items
    )


# What cannot be understood


@pytest.mark.parametrize(
    ("name", "old", "new", "named"),
    [
        ("types", "Групповой,2", "Групповой,two", Unreadable(2, "types.csv line 2 base")),
        ("groups", "Роботы,1", "Роботы,x", Unreadable(7, "groups.csv line 2 branch")),
        ("residents", "id12,client", "id12,guest", Unreadable(11, "residents.csv line 2 presence")),
        (
            "residents",
            "Небылов,1 2",
            "Небылов,1;2",
            Unreadable(12, "residents.csv line 3 branches"),
        ),
        (
            "memberships",
            "11,7,2026-09-01",
            "11,7,autumn",
            Unreadable(11, "memberships.csv line 2 since"),
        ),
        ("memberships", "2026-12-20", "2026-13-20", Unreadable(12, "memberships.csv line 3 until")),
        ("schedule", "5 2", "5 8", Unreadable(1, "schedule.csv line 2 weekdays")),
        ("schedule", "5 2", "", Unreadable(1, "schedule.csv line 2 weekdays")),
        ("schedule", "17:00", "5 pm", Unreadable(1, "schedule.csv line 2 starts")),
        ("lessons", "2026-11-20", "2026-11-31", Unreadable(101, "lessons.csv line 2 date")),
        (
            "lessons",
            "2026-11-20,17:00",
            "2026-11-20,late",
            Unreadable(101, "lessons.csv line 2 starts"),
        ),
        ("lessons", "2,conducted,7,4", "2,held,7,4", Unreadable(101, "lessons.csv line 2 status")),
        (
            "lessons",
            "2,conducted,7,4",
            ",conducted,7,4",
            Unreadable(101, "lessons.csv line 2 type"),
        ),
        (
            "lessons",
            "conducted,7,4",
            "conducted,seven,4",
            Unreadable(101, "lessons.csv line 2 groups"),
        ),
        (
            "lessons",
            "conducted,7,4",
            "conducted,7,4.5",
            Unreadable(101, "lessons.csv line 2 subject"),
        ),
        (
            "attendance",
            "101,11,attended",
            "101,11,perhaps",
            Unreadable(101, "attendance.csv line 3 mark"),
        ),
        (
            "attendance",
            "101,11,attended",
            "101,x,attended",
            Unreadable(101, "attendance.csv line 3 resident"),
        ),
    ],
    ids=str,
)
def test_a_cell_that_cannot_be_read_is_named_by_file_and_line(
    folder: Path, name: str, old: str, new: str, named: Unreadable
) -> None:
    """The row's number, the file, the line and the column, and never what stands there."""
    change(folder, name, old, new)
    exchange = CsvExchange(folder)
    found = {
        "types": lambda: exchange.lesson_types(1).unreadable,
        "groups": lambda: exchange.groups(1).unreadable,
        "residents": lambda: exchange.residents(1, DAY).unreadable,
        "memberships": lambda: exchange.memberships(1).unreadable,
        "schedule": lambda: exchange.schedule(1).unreadable,
        "lessons": lambda: exchange.lesson_records(1, DAY, DAY).unreadable,
        "attendance": lambda: exchange.lesson_records(1, DAY, DAY).unreadable,
    }[name]()
    assert found == (named,)


@pytest.mark.parametrize("name", [name for name in FILES if name in NUMBERS])
def test_a_row_with_too_few_or_too_many_cells_is_not_guessed_at(folder: Path, name: str) -> None:
    """A comma in a name without quotes moves all that follows."""
    head, first, rest = FILES[name].split("\n", 2)
    for cells in (f"{first},surplus", first.rpartition(",")[0]):
        write(folder, name, f"{head}\n{cells}\n{rest}")
        exchange = CsvExchange(folder)
        found = {
            "branches": lambda e=exchange: e.branches(),
            "types": lambda e=exchange: e.lesson_types(1),
            "groups": lambda e=exchange: e.groups(1),
            "residents": lambda e=exchange: e.residents(1, DAY),
            "schedule": lambda e=exchange: e.schedule(1),
            "lessons": lambda e=exchange: e.lesson_records(1, DAY, DAY),
        }[name]()
        (unreadable,) = found.unreadable
        assert unreadable.id == NUMBERS[name]
        assert f"{name}.csv line 2 has" in unreadable.path


def test_the_line_is_that_of_the_file(folder: Path) -> None:
    """Empty lines and line ends inside of quotes are counted too."""
    write(folder, "branches", 'id,name\n\n1,"Центр\nглавный"\n\n2,Север,x\n')
    assert CsvExchange(folder).branches().unreadable == (
        Unreadable(2, "branches.csv line 6 has 3 cells where 2 belong"),
    )


@pytest.mark.parametrize(
    ("name", "what"), [(name, what) for name, asks in ASKS.items() for what in asks]
)
@pytest.mark.parametrize("number", ["", "x", "0", "-1", "1.0", "٣", "99999999999999999999"])
def test_a_row_without_a_number_makes_the_file_incomplete(
    folder: Path, name: str, what: str, number: str
) -> None:
    """It can be neither counted nor named but by its line."""
    rows = FILES[name].split("\n")
    rows[1] = f"{number},{rows[1].partition(',')[2]}"
    write(folder, name, "\n".join(rows))
    assert ask(folder, what) == (False, (), f"{name}.csv line 2: no readable number")


def test_two_rows_that_disagree_are_both_in_doubt(folder: Path) -> None:
    """One number, two lessons: neither is taken."""
    write(folder, "lessons", FILES["lessons"] + "101,1,2026-11-20,18:00,2,conducted,7,4\n")
    found = CsvExchange(folder).lesson_records(1, DAY, DAY)
    assert found.items == ()
    assert found.unreadable == (
        Unreadable(101, "lessons.csv line 5 says otherwise than an earlier line"),
    )


def test_two_marks_that_disagree_hold_the_lesson(folder: Path) -> None:
    """Attended and absent at once."""
    write(folder, "attendance", FILES["attendance"] + "101,11,absent\n")
    found = CsvExchange(folder).lesson_records(1, DAY, DAY)
    assert found.items == ()
    assert found.unreadable == (
        Unreadable(101, "attendance.csv line 6 says otherwise than an earlier line"),
    )


def test_a_mark_that_cannot_be_read_concerns_its_own_window_alone(folder: Path) -> None:
    """A slip of last year does not speak up in every branch and every night."""
    change(folder, "attendance", "101,11,attended", "101,11,perhaps")
    exchange = CsvExchange(folder)
    assert exchange.lesson_records(1, DAY, DAY).unreadable
    assert not exchange.lesson_records(2, DAY, date(2026, 11, 30)).unreadable
    assert not exchange.lesson_records(1, date(2026, 11, 21), date(2026, 11, 30)).unreadable


def test_marks_of_a_lesson_that_nobody_knows_are_passed_over(folder: Path) -> None:
    """Without a lesson there is nothing to pay."""
    write(folder, "attendance", FILES["attendance"] + "999,11,attended\n998,11,perhaps\n")
    found = CsvExchange(folder).lesson_records(1, DAY, DAY)
    assert (found.items, found.unreadable) == ((FIRST,), ())


def test_a_group_that_cannot_be_read_makes_its_memberships_incomplete(folder: Path) -> None:
    """They would look ended."""
    change(folder, "groups", "Роботы,1", "Роботы,x")
    for what in ("memberships", "schedule"):
        assert ask(folder, what) == (False, (), "groups.csv line 2 branch")


# One lesson by number


def test_a_lesson_is_found_whatever_its_day_and_branch(folder: Path) -> None:
    """Or it is gone for certain."""
    exchange = CsvExchange(folder)
    found = exchange.find_lesson_record(103, [1])
    assert found is not None
    assert found.lesson.branch == 2
    assert exchange.find_lesson_record(104, [1, 2]) is None


@pytest.mark.parametrize("name", ["lessons", "attendance"])
def test_a_lesson_is_not_gone_because_a_file_is(folder: Path, name: str) -> None:
    """To say so would take coins away."""
    (folder / f"{name}.csv").unlink()
    with pytest.raises(IncompleteRead, match=f"lesson 101: {name}.csv: no such file or directory"):
        first_record(folder)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("lessons", "2026-11-20", "today"), ("attendance", "101,11,attended", "101,11,perhaps")],
)
def test_a_lesson_is_not_gone_because_it_cannot_be_read(
    folder: Path, name: str, old: str, new: str
) -> None:
    """It is there; the others are found all the same."""
    change(folder, name, old, new)
    with pytest.raises(IncompleteRead, match=f"lesson 101: {name}.csv line"):
        first_record(folder)
    assert CsvExchange(folder).find_lesson_record(103, [1, 2]) is not None


# Any file at all


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(FILES)),
    text=st.text("01279,;\"'\n\r abcdé-:.\0\ufeff", max_size=80),
    keep=st.booleans(),
)
def test_any_text_is_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, name: str, text: str, keep: bool
) -> None:
    """Nothing is ever raised, whatever stands in a file, with its heading or without."""
    folder = tmp_path_factory.mktemp("any")
    for other, usual in FILES.items():
        write(folder, other, usual)
    write(folder, name, (FILES[name].partition("\n")[0] + "\n" if keep else "") + text)
    exchange = CsvExchange(folder)
    readings = (
        exchange.branches(),
        exchange.lesson_types(1),
        exchange.groups(1),
        exchange.residents(1, DAY),
        exchange.memberships(1),
        exchange.schedule(1),
        exchange.lesson_records(1, DAY, DAY),
    )
    assert all(one.complete or (not one.items and one.why) for one in readings)
