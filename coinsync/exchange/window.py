"""One window of lessons as the CRM has it, and what became of recorded lessons that it lacks."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from coinsync.core.facts import LessonRecord, Status
from coinsync.core.plan import Evidence, Scope
from coinsync.core.planning.compare import COPIES, WindowReading
from coinsync.exchange.base import Exchange

#: Missing lessons that are asked for one by one; more of them are a fault of the answer.
MISSING_ASKED_MAX = 50


def read_window(
    exchange: Exchange,
    scope: Scope,
    stored: Mapping[int, LessonRecord],
    planned: Collection[int],
    branches: Collection[int],
) -> WindowReading:
    """Read a window without the lessons that are ``planned`` already.

    What is ``stored`` and missing is asked for by number in all ``branches``.
    """
    reading = exchange.lesson_records(scope.branch, scope.since, scope.until)
    records = {}
    for record in reading.whole():
        if record.lesson.id not in planned:
            records[record.lesson.id] = record
    unreadable = reading.unreadable_fields()
    missing = []
    for number, record in stored.items():
        is_accounted = number in records or number in unreadable
        if not is_accounted and record.lesson.status is not Status.GONE:
            missing.append(number)
    known = sum(record.lesson.status is Status.CONDUCTED for record in stored.values())
    # Where all or so much has vanished it is the answer that must be doubted. Nothing is asked for,
    # hundreds of lessons one by one, and the guard will refuse the plan.
    copied = sum(path == COPIES for path in unreadable.values())
    lessons_read = len(reading.items) + copied
    all_vanished = bool(known) and not lessons_read
    doubtful = all_vanished or len(missing) > MISSING_ASKED_MAX
    moved = {}
    # Its own branch is asked first.
    branches_asked = sorted(branches, key=lambda branch: branch != scope.branch)
    if not doubtful:
        for number in missing:
            record_elsewhere = exchange.find_lesson_record(number, branches_asked)
            if record_elsewhere is not None:
                moved[number] = record_elsewhere
    return WindowReading(
        (*records.values(), *moved.values()),
        gone=tuple(number for number in missing if number not in moved),
        unreadable=unreadable,
        evidence=Evidence(
            lessons_known=known,
            lessons_read=lessons_read,
            lessons_unasked=len(missing) if doubtful else 0,
        ),
    )


def without_copies(
    exchange: Exchange, window: WindowReading, moved: Mapping[int, LessonRecord]
) -> WindowReading:
    """Doubt what came here from another day or branch and is listed there as well."""
    copied = set()
    for number, record in moved.items():
        day = record.lesson.date
        reading = exchange.lesson_records(record.lesson.branch, day, day)
        listed = {record.lesson.id for record in reading.whole()}
        if number in listed | reading.unreadable_fields().keys():
            copied.add(number)
    records = [record for record in window.lesson_records if record.lesson.id not in copied]
    unreadable = {**window.unreadable, **dict.fromkeys(copied, COPIES)}
    return replace(window, lesson_records=tuple(records), unreadable=unreadable)
