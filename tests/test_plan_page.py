"""What a sync shows a person: what it comes to, then each branch, in whole words."""

from __future__ import annotations

import io
from datetime import date

from rich.console import Console

from coinsync.core.directory import Directory
from coinsync.core.facts import (
    Group,
    Hold,
    HoldKind,
    Lesson,
    LessonType,
    Presence,
    Resident,
    Status,
)
from coinsync.core.ledger import Entry, KeyState, Kind
from coinsync.core.plan import Evidence, Limits, Plan, Post, Purpose, Put, Remark, RemarkKind, Scope
from coinsync.core.plan_report import PlanReport, of_plan, totals_of
from coinsync.render import terminal
from coinsync.render.plans import LINES_PER_VERB, run_page

TODAY = date(2026, 11, 20)
NAMES = Directory.of(
    [
        Group(1, "Программирование-на-Python"),
        LessonType(2, "Групповой", 2),
        LessonType(7, "Мастер-класс", 2),
        *(Resident(n, f"Константин {n}", Presence.CLIENT, (1,)) for n in range(100, 200)),
    ]
)


def a_lesson(id: int, branch: int, type: int = 2) -> Lesson:
    """A lesson of November in a group with a long name."""
    return Lesson(id, branch, date(2026, 11, 3), "17:00", type, Status.CONDUCTED, (1,))


def award(lesson: int, resident: int) -> Post:
    """Ten coins for a lesson."""
    key = f"alfacrm:test:lesson:{lesson}:{resident}"
    day = date(2026, 11, 3)
    return Post(Entry(key, 1, resident, 10, Kind.AWARD, day, "lesson", "sync", lesson=lesson))


def report(branch: int, name: str, lessons: int, *remarks: Remark, month: int = 11) -> PlanReport:
    """A plan with so many paid lessons, and a lesson of a type that nobody has classified."""
    first, unknown = branch * 1000, branch * 1000 + 900
    changes = [award(first + n, 100 + n) for n in range(lessons)]
    hold = Hold("k", HoldKind.GUEST, branch, first, 150, date(2026, 11, 3), 10, "x")
    plan = Plan.of(
        Purpose.LESSONS,
        Scope(branch, date(2026, month, 1), date(2026, month, 20)),
        [*changes, Put(hold)],
        basis=[KeyState(change.entry.key) for change in changes],
        remarks=[Remark(RemarkKind.TYPE_UNKNOWN, "type_unknown", unknown, 120), *remarks],
        lessons=[
            *(a_lesson(first + n, branch) for n in range(lessons)),
            a_lesson(unknown, branch, 7),
        ],
        evidence=Evidence(lessons_read=lessons),
    )
    return of_plan(plan, NAMES, Limits(), (name, "Europe/Moscow"), TODAY, requests=3)


def shown(reports: list[PlanReport], columns: int = 80, **options: bool) -> str:
    """What stands on a terminal."""
    out = Console(file=io.StringIO(), width=columns, highlight=False, markup=False, emoji=False)
    terminal.show(out, run_page(reports, "7f3a91c2" * 8, **options))  # type: ignore[arg-type]
    text: str = out.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


HELD = [
    Remark(RemarkKind.HOLD, "membership_unknown", 1000, 150, 10),
    Remark(RemarkKind.HOLD, "membership_unknown", 1001, 151, 10),
]
MAKEUPS = [
    Remark(RemarkKind.SKIP, "makeup", 1000, 160),
    Remark(RemarkKind.SKIP, "guest", 1001, 161),
]

AT_80 = """\
14 awards (+140), 2 held.   digest 7f3a91c2
! type 7 Мастер-класс: nobody has classified this lesson type: 2 visits earned
nothing; name it in [lessons] or in a rule

This is the first sync of this database.

lessons of type  lessons  awards  coins
2 Групповой           14      14   +140

attended, and earn nothing  visits
guest                            1
make-up                          1

2 visits held: membership on that day not known.

Branch Казань (Europe/Moscow)   lessons 2026-11-01 … 2026-11-20   complete
  read     3 requests
  lessons  12 awards (+120), 2 held.

  + award  lesson 1000  2026-11-03 Tue 17:00  Программирование-на-Python
      #100 Константин 100  +10
"""


def test_at_eighty_columns_it_begins_like_this() -> None:
    """Totals of all branches with the one digest, what is true everywhere once, then branches."""
    reports = [report(1, "Казань", 12, *HELD, *MAKEUPS), report(2, "Иннополис", 2)]
    assert shown(reports, is_first=True).startswith(AT_80)


def test_no_word_is_broken_however_narrow() -> None:
    """The same words in the same order from a wide pipe down to 60 columns, in whole lines."""
    reports = [report(1, "Казань", 12, *HELD, *MAKEUPS), report(2, "Иннополис", 2)]
    words = shown(reports, 160, is_first=True).split()
    for columns in (120, 100, 80, 60):
        text = shown(reports, columns, is_first=True)
        assert text.split() == words
        assert max(map(len, text.splitlines())) <= columns


def test_ten_lines_of_each_kind_are_shown_of_the_whole_run() -> None:
    """How much is left out is said once, with its coins; -v shows all."""
    reports = [report(1, "Казань", 8), report(2, "Иннополис", 7, *HELD)]
    out = shown(reports, 160)
    assert out.count("+ award") == LINES_PER_VERB
    assert "… 5 more lines of award (+50), shown with -v" in out
    assert "more lines of hold" not in out
    whole = shown(reports, 160, every_line=True)
    assert whole.count("+ award") == 15
    assert "shown with -v" not in whole
    one_more = [report(1, "Казань", LINES_PER_VERB + 1)]
    assert "… 1 more line of award (+10), shown with -v" in shown(one_more, 160)


def test_what_several_lines_say_is_said_once() -> None:
    """A note that all lines of a kind share, a type that stands in several windows."""
    october, november = report(1, "Казань", 1, month=10), report(1, "Казань", 1, *HELD)
    out = shown([october, november], 160)
    assert out.count("membership on that day not known") == 1
    assert out.count("type 7") == 1
    assert "2 visits earned nothing" in out
    assert out.count("Branch Казань") == 1
    assert "lessons 2026-10-01 … 2026-11-20   complete\n  read     6 requests" in out


def test_a_branch_of_which_a_part_is_missing_says_so() -> None:
    """It is not complete because some of it is there."""
    text = shown([report(1, "Казань", 1), report(2, "Иннополис", 1)], 160, incomplete={2})  # type: ignore[arg-type]
    assert "Branch Казань (Europe/Moscow)   lessons 2026-11-01 … 2026-11-20   complete" in text
    assert "Branch Иннополис (Europe/Moscow)   lessons 2026-11-01 … 2026-11-20   incomplete" in text


def test_without_lines_it_is_only_what_it_comes_to() -> None:
    """As before a question; a person may still ask for every line."""
    reports = [report(1, "Казань", 3)]
    assert "+ award" not in shown(reports, lines=False)
    assert "+ award" in shown(reports, lines=False, every_line=True)
    assert shown([]) == ""


def test_totals_add_up() -> None:
    """Numbers of all plans."""
    totals = totals_of([report(1, "Казань", 3), report(2, "Иннополис", 4)])
    assert (totals.awards, totals.awarded, totals.facts) == (7, 70, 2)
