"""What the CRM says against itself takes no coins until it is said again, or a person decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from coinsync.core.facts import (
    Doubt,
    DoubtKind,
    Group,
    Lesson,
    LessonRecord,
    Membership,
    Presence,
    Resident,
    Status,
)
from coinsync.core.ledger import utc_text
from coinsync.core.plan import Change, Drop, Plan, Put, RemarkKind, Scope, canonical_text
from coinsync.core.planning.compare import COPIES, WindowReading, entered_twice
from coinsync.core.planning.doubts import (
    CONFIRMED_AFTER,
    Doubts,
    believe,
    doubt_text,
)
from coinsync.core.planning.people import People, plan_people
from tests.support.makers import (
    ADA,
    BRANCH,
    DAY,
    GLEB,
    GROUP,
    MONTH,
    TRIAL_TYPE,
    a_lesson,
    a_record,
    a_resident,
    a_rulebook,
    present,
)

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
FAR = DAY + timedelta(days=367)
#: A day before the first rule.
UNRULED = date(2025, 12, 31)
NOT_YET = CONFIRMED_AFTER - timedelta(seconds=1)


def a_doubt(
    kind: DoubtKind, id: int = 1, *, claim: str = "", ago: timedelta = NOT_YET, ruling: str = ""
) -> Doubt:
    """Something doubted in the branch since a while ago."""
    return Doubt(id, kind, BRANCH, claim, utc_text(NOW - ago), ruling)


def moved(to: date, **more: object) -> LessonRecord:
    """Ada's lesson on another day."""
    return a_record(replace(a_lesson(on=to), **more))  # type: ignore[arg-type]


def read(window: WindowReading, *stored: Doubt) -> tuple[tuple[LessonRecord, ...], list[Change]]:
    """What is believed of a window, where Ada's lesson is recorded, and what becomes of doubts."""
    believed, doubts = believe(window, {1: a_record()}, MONTH, a_rulebook(), NOW, stored)
    return believed.lesson_records, doubts.changes


# --- the day of a lesson ----------------------------------------------------------------------


@pytest.mark.parametrize("day", [FAR, UNRULED, DAY - timedelta(days=400)])
def test_a_lesson_that_jumps_stays_as_it_is_recorded(day: date) -> None:
    """By more than a year, or to a day without a rule; the doubt names the new day."""
    believed, changes = read(WindowReading((moved(day),)))
    assert believed == ()
    assert changes == [Put(a_doubt(DoubtKind.LESSON_DATE, claim=day.isoformat()))]


@pytest.mark.parametrize(
    "record",
    [
        moved(DAY + timedelta(days=366)),
        moved(date(2026, 1, 1)),
        moved(UNRULED, type=TRIAL_TYPE),
        a_record(a_lesson(2, on=UNRULED)),
    ],
)
def test_other_moves_are_no_jumps(record: LessonRecord) -> None:
    """A year at most to a day with a rule; where no rule paid before; a lesson that is new."""
    assert read(WindowReading((record,))) == ((record,), [])


@pytest.mark.parametrize(
    ("ago", "ruling", "is_believed"),
    [
        (timedelta(0), "", False),
        (NOT_YET, "", False),
        (CONFIRMED_AFTER, "", True),
        (timedelta(days=30), "", True),
        (timedelta(0), "post", True),
        (CONFIRMED_AFTER, "waive", False),
        (-CONFIRMED_AFTER, "", False),
    ],
)
def test_a_second_reading_counts_twelve_hours_later_or_a_person_decides(
    ago: timedelta, ruling: str, is_believed: bool
) -> None:
    """What is believed is doubted no more; what is not stays doubted as it was."""
    doubt = a_doubt(DoubtKind.LESSON_DATE, claim=FAR.isoformat(), ago=ago, ruling=ruling)
    believed, changes = read(WindowReading((moved(FAR),)), doubt)
    assert bool(believed) is is_believed
    assert changes == ([Drop(doubt)] if is_believed else [])


@pytest.mark.parametrize("ruling", ["", "post", "waive"])
def test_another_day_is_another_doubt(ruling: str) -> None:
    """It begins anew, and what was decided about the first says nothing about it."""
    doubt = a_doubt(DoubtKind.LESSON_DATE, claim="2030-01-01", ago=CONFIRMED_AFTER, ruling=ruling)
    believed, changes = read(WindowReading((moved(FAR),)), doubt)
    assert believed == ()
    (change,) = changes
    assert isinstance(change, Put)
    assert change.old == doubt
    assert isinstance(change.new, Doubt)
    assert (change.new.claim, change.new.since) == (FAR.isoformat(), utc_text(NOW))


@pytest.mark.parametrize(
    "window", [WindowReading((a_record(),)), WindowReading((), gone=(1,))], ids=["back", "gone"]
)
def test_a_doubt_ends_with_its_cause(window: WindowReading) -> None:
    """The lesson is where it was again, or nowhere for certain."""
    doubt = a_doubt(DoubtKind.LESSON_DATE, claim=FAR.isoformat())
    assert read(window, doubt) == (window.lesson_records, [Drop(doubt)])


def test_a_window_says_nothing_of_lessons_that_it_does_not_show() -> None:
    """A doubt about another lesson waits for the window that shows it; one about a card too."""
    other = a_doubt(DoubtKind.LESSON_DATE, 7, claim=FAR.isoformat(), ago=CONFIRMED_AFTER)
    card = a_doubt(DoubtKind.CARD_MISSING, 1)
    assert read(WindowReading((a_record(),)), other, card) == ((a_record(),), [])


# --- copies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", [1, 2])
@pytest.mark.parametrize("ruling", ["", "waive"])
@pytest.mark.parametrize("ago", [timedelta(0), timedelta(days=30)])
def test_copies_that_differ_never_agree(lesson: int, ruling: str, ago: timedelta) -> None:
    """However long it lasts, of a recorded lesson and of one that is new."""
    window = WindowReading((), unreadable={lesson: COPIES})
    doubt = a_doubt(DoubtKind.LESSON_COPIES, lesson, claim="2026-11", ago=ago, ruling=ruling)
    assert read(window) == ((), [Put(replace(doubt, ruling=""))])
    assert read(window, doubt) == ((), [])


def test_one_content_ends_the_doubt_about_copies() -> None:
    """The lesson comes once, or, never having been recorded, not at all."""
    doubt = a_doubt(DoubtKind.LESSON_COPIES, claim="2026-11")
    new = a_doubt(DoubtKind.LESSON_COPIES, 2, claim="2026-11")
    older = a_doubt(DoubtKind.LESSON_COPIES, 3, claim="2026-10")
    believed, changes = read(WindowReading((a_record(),)), doubt, new, older)
    assert believed == (a_record(),)
    assert set(changes) == {Drop(doubt), Drop(new)}


# --- cards ------------------------------------------------------------------------------------

TODAY = Scope(BRANCH, NOW.date(), NOW.date())
SEAT = Membership(ADA, GROUP, DAY)
PYTHON = (Group(GROUP, "Python"),)


def night(known: People, *cards: Resident, stored: tuple[Doubt, ...] = (), **more: object) -> Plan:
    """The plan of a reading that shows these cards, all of them members."""
    seats = tuple(Membership(card.id, GROUP, DAY) for card in cards)
    shown = People(groups=PYTHON, residents=cards, memberships=seats)
    return plan_people(
        TODAY,
        shown,
        known,
        read_before=DAY,
        doubts=Doubts(NOW, stored),
        **more,  # type: ignore[arg-type]
    )


def with_ada(**changed: object) -> People:
    """Ada as a member, and Gleb."""
    ada = replace(a_resident(), **changed)  # type: ignore[arg-type]
    seats = (SEAT, Membership(GLEB, GROUP, DAY))
    return People(groups=PYTHON, residents=(ada, a_resident(GLEB)), memberships=seats)


def test_a_card_that_is_missing_once_stays_with_its_memberships() -> None:
    """Nothing but the doubt is recorded."""
    plan = night(with_ada(), a_resident(GLEB))
    assert plan.changes == (Put(a_doubt(DoubtKind.CARD_MISSING, ADA)),)
    (remark,) = plan.remarks
    assert (remark.kind, remark.resident, remark.known) == (RemarkKind.DOUBT, ADA, False)


def test_a_card_that_is_missing_twelve_hours_later_is_gone() -> None:
    """Its membership ends with today, so that no lesson of today loses its coins either."""
    doubt = a_doubt(DoubtKind.CARD_MISSING, ADA, ago=CONFIRMED_AFTER)
    plan = night(with_ada(), a_resident(GLEB), stored=(doubt,))
    assert plan.changes == (
        Drop(doubt),
        Put(a_resident(presence=Presence.GONE), a_resident()),
        Put(replace(SEAT, until=TODAY.until), SEAT),
    )
    after = People(
        groups=PYTHON,
        residents=(a_resident(presence=Presence.GONE), a_resident(GLEB)),
        memberships=(replace(SEAT, until=TODAY.until), Membership(GLEB, GROUP, DAY)),
    )
    assert not night(after, a_resident(GLEB))


def test_a_card_that_comes_back_is_doubted_no_more() -> None:
    """However long it was missing."""
    for ago in (NOT_YET, CONFIRMED_AFTER):
        doubt = a_doubt(DoubtKind.CARD_MISSING, ADA, ago=ago)
        plan = night(with_ada(), a_resident(), a_resident(GLEB), stored=(doubt,))
        assert plan.changes == (Drop(doubt),)


def test_a_card_that_moved_to_another_branch_leaves_its_groups_here_once_it_is_certain() -> None:
    """By then the other branch has recorded it as its own."""
    doubt = a_doubt(DoubtKind.CARD_MISSING, ADA, ago=CONFIRMED_AFTER)
    plan = night(with_ada(branches=(2,)), a_resident(GLEB), stored=(doubt,))
    assert plan.changes == (Drop(doubt), Put(replace(SEAT, until=TODAY.until), SEAT))


def test_where_nothing_would_change_nothing_is_doubted() -> None:
    """A resident of two branches that only the other one shows, and who has no group here."""
    known = replace(with_ada(branches=(1, 2)), memberships=(Membership(GLEB, GROUP, DAY),))
    assert not night(known, a_resident(GLEB))
    assert night(known, a_resident(GLEB), missed={ADA: {2}}).changes == (
        Put(a_doubt(DoubtKind.CARD_MISSING, ADA)),
    )


def test_a_doubt_about_an_erased_card_is_dropped() -> None:
    """Neither its absence nor its copies say anything any more."""
    erased = replace(with_ada(), residents=(a_resident(presence=Presence.ERASED),))
    doubt = a_doubt(DoubtKind.CARD_MISSING, ADA)
    assert night(erased, stored=(doubt,), unreadable={ADA: COPIES}).changes[0] == Drop(doubt)
    assert not night(replace(erased, memberships=()), unreadable={ADA: COPIES})


def test_a_guard_weighs_what_was_read_and_not_what_is_kept() -> None:
    """A branch without anybody is refused as before."""
    evidence = night(with_ada()).evidence
    assert (evidence.residents.known, evidence.residents.read, evidence.residents.missing) == (
        2,
        0,
        2,
    )


# --- said and digested ------------------------------------------------------------------------


def test_the_moment_of_a_doubt_is_no_part_of_a_digest() -> None:
    """What a dry run showed is what the real run writes a minute later."""
    doubt = a_doubt(DoubtKind.LESSON_DATE)
    later = replace(doubt, since=utc_text(NOW))
    assert doubt == later
    assert canonical_text(doubt) == canonical_text(later)
    assert canonical_text(doubt) != canonical_text(replace(doubt, ruling="post"))


def test_a_doubt_says_what_ends_it() -> None:
    """When a second reading counts, and which command decides it."""
    moved_far = a_doubt(DoubtKind.LESSON_DATE, 5, claim="2030-01-02", ago=timedelta(0))
    text = doubt_text(moved_far)
    assert "2030-01-02" in text
    assert "after 2026-11-23 02:00 UTC" in text
    assert "review post|waive lesson-date:5:1" in text
    copies = doubt_text(a_doubt(DoubtKind.CARD_COPIES, ADA))
    assert "review waive card-copies:101:1" in copies
    assert "UTC" not in copies
    ruled = replace(moved_far, ruling="waive", actor="anna")
    assert "kept as recorded, says anna" in doubt_text(ruled)


# --- entered twice ----------------------------------------------------------------------------


def test_two_lessons_alike_are_named_once() -> None:
    """By group, day, hour, type and pupils, whatever the order of the pupils."""
    both = (present(), present(GLEB))
    records = [a_record(a_lesson(id), *both[:: 1 if id % 2 else -1]) for id in (3, 1, 2)]
    assert entered_twice(records) == [(2, 1), (3, 1)]


@pytest.mark.parametrize(
    "other",
    [
        a_lesson(2, on=DAY + timedelta(days=1)),
        a_lesson(2, starts="18:00"),
        a_lesson(2, type=TRIAL_TYPE),
        a_lesson(2, status=Status.CANCELLED),
        a_lesson(2, groups=(GROUP, 12)),
        a_lesson(2, branch=2),
    ],
)
def test_lessons_that_differ_are_two(other: Lesson) -> None:
    """In any of it."""
    assert entered_twice([a_record(), a_record(other)]) == []
    assert entered_twice([a_record(), a_record(a_lesson(2), present(GLEB))]) == []
