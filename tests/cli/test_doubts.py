"""Contradictions of the CRM, from its answers over HTTP to the command line: they take no coins.

Each kind is read again at once, eleven hours later and twelve hours later, as a dry run and for
real; and is decided by a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coinsync.core.facts import Doubt, Presence
from coinsync.simulator import Options
from coinsync.simulator.tables import CrmLesson
from tests.support.contradicting import ContradictingCrm
from tests.support.school import (
    DAYS,
    KEY,
    TODAY,
    Installation,
    a_school,
    copy_installation,
    day_before,
)

#: Before the first rule.
UNRULED = date(2026, 8, 20)
#: The hour of the first reading by the CRM's clock (UTC); twelve hours later it is the same day.
EARLY = 0


@dataclass
class Contradiction:
    """What is wrong in the CRM, and the case that it becomes: ``end`` mends it."""

    case: str
    begin: Callable[[], object]
    end: Callable[[], object]


def a_lesson(installation: Installation) -> CrmLesson:
    """A lesson of the first branch in the first window whose first pupil has coins for it."""
    for lesson in installation.paid_lessons():
        detail = lesson.details[0]
        paid = detail.is_attend == 1 and installation.is_member(detail.customer_id, lesson)
        if paid and lesson.date.month == day_before(DAYS).month:
            return lesson
    raise AssertionError("no such lesson")


def jumping_lesson(installation: Installation) -> Contradiction:
    """Its day is outside every rule."""
    lesson = a_lesson(installation)
    day = lesson.date
    return Contradiction(
        f"lesson-date:{lesson.id}:1",
        lambda: installation.school.act("move", lesson=lesson.id, date=UNRULED),
        lambda: installation.school.act("move", lesson=lesson.id, date=day),
    )


def unlike_lesson(installation: Installation) -> Contradiction:
    """Whoever attended by one copy was absent by the other."""
    lesson = a_lesson(installation)
    absent = [{"customer_id": one.customer_id, "is_attend": 0} for one in lesson.details]
    return unlike(installation, "lesson", lesson.id, {"details": absent})


def unlike_card(installation: Installation) -> Contradiction:
    """By one copy the card is in no group."""
    who = a_lesson(installation).details[0].customer_id
    return unlike(installation, "customer", who, {"groups": []})


def unlike(
    installation: Installation, entity: str, number: int, changed: dict[str, Any]
) -> Contradiction:
    """A record that comes twice."""
    crm = installation.crm
    assert isinstance(crm, ContradictingCrm)
    case = f"{'lesson' if entity == 'lesson' else 'card'}-copies:{number}:1"
    return Contradiction(
        case,
        lambda: setattr(crm, "copied", {(entity, number): changed}),
        lambda: setattr(crm, "copied", {}),
    )


def missing_card(installation: Installation) -> Contradiction:
    """The list is complete without it."""
    cards = installation.school.tables.customers
    who = next(
        detail.customer_id
        for detail in a_lesson(installation).details
        if cards[detail.customer_id].branch_ids == [1] and detail.is_attend == 1
    )
    card = cards[who]
    return Contradiction(
        f"card-missing:{who}:1", lambda: cards.pop(who, None), lambda: cards.setdefault(who, card)
    )


KINDS = (jumping_lesson, missing_card, unlike_lesson, unlike_card)
AGREEING = KINDS[:2]
Kind = Callable[[Installation], Contradiction]


@pytest.fixture
def synced(tmp_path: Path, master: Path) -> Iterator[Installation]:
    """A school after its first sync."""
    options = Options(rate_limit=None)
    crm = ContradictingCrm(a_school(), "api@school.example", KEY, options=options)
    with crm as simulator:
        yield copy_installation(master, tmp_path, simulator)


def read(installation: Installation, wrong: Contradiction, *, at: int, dry: bool = False) -> Any:
    """A sync at an hour of the school's day at which the CRM is wrong, as JSON."""
    crm = installation.crm
    assert isinstance(crm, ContradictingCrm)
    crm.hour = at
    wrong.begin()
    words = ["--dry-run"] if dry else []
    return installation.ok("sync", "--json", *words).json


def doubts(report: Any) -> list[tuple[bool, str]]:
    """Whether each doubt of a sync was said before, and what it says."""
    return [
        (line["known"], line["note"])
        for result in report["results"]
        for line in result["report"]["lines"]
        if line["verb"] == "doubt"
    ]


def stored(installation: Installation) -> list[str]:
    """The cases that are doubted."""
    with installation.reader() as reader:
        return [doubt.case for doubt in reader.all(Doubt)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_coins_move_however_often_it_is_read_within_twelve_hours(
    synced: Installation, kind: Kind
) -> None:
    """It is said once, stored, and gone without a trace when the CRM is right again."""
    before, wrong = synced.content(), kind(synced)
    dry = read(synced, wrong, at=EARLY, dry=True)
    ((known, note),) = doubts(dry)
    assert not known
    assert wrong.case in note
    assert stored(synced) == []
    real = read(synced, wrong, at=EARLY)
    assert real["digest"] == dry["digest"]
    for hour in (EARLY, EARLY + 11):
        for is_dry in (True, False):
            again = read(synced, wrong, at=hour, dry=is_dry)
            assert (again["digest"], doubts(again)) == ("", [(True, note)])
    assert (synced.content(), stored(synced)) == (before, [wrong.case])
    wrong.end()
    synced.ok("sync")
    assert (synced.content(), stored(synced)) == (before, [])


@pytest.mark.parametrize("kind", AGREEING)
def test_twelve_hours_later_the_same_is_believed(synced: Installation, kind: Kind) -> None:
    """As a dry run says; who is missing is gone, and keeps every coin."""
    before, wrong = synced.balances(), kind(synced)
    read(synced, wrong, at=EARLY)
    dry = read(synced, wrong, at=EARLY + 12, dry=True)
    assert stored(synced) == [wrong.case]
    assert dry["digest"]
    real = read(synced, wrong, at=EARLY + 12)
    assert (real["digest"], doubts(real), stored(synced)) == (dry["digest"], [], [])
    after = synced.balances()
    lost = {who: before[who] - after[who] for who in before if before[who] != after[who]}
    if kind is missing_card:
        assert lost == {}
        who = int(wrong.case.split(":")[1])
        with synced.reader() as reader:
            assert who in reader.resident_ids(Presence.GONE)
    else:
        assert set(lost.values()) == {10}
    assert read(synced, wrong, at=EARLY + 12)["digest"] == ""


@pytest.mark.parametrize("kind", [unlike_lesson, unlike_card])
def test_copies_that_differ_never_agree(synced: Installation, kind: Kind) -> None:
    """Nor are they believed by a person: there is nothing to believe."""
    before, wrong = synced.content(), kind(synced)
    read(synced, wrong, at=EARLY)
    assert read(synced, wrong, at=EARLY + 12)["digest"] == ""
    said = synced.run("review", "post", wrong.case, "--yes")
    assert said.code == 2
    assert "can only be waived" in said.err
    synced.ok("review", "waive", wrong.case, "--note", "both wrong", "--yes")
    assert read(synced, wrong, at=EARLY + 12)["digest"] == ""
    assert (synced.content(), stored(synced)) == (before, [wrong.case])


def test_a_person_sees_what_is_doubted_and_may_believe_it_at_once(synced: Installation) -> None:
    """``review post``; coins move with the next sync."""
    before, wrong = synced.balances(), jumping_lesson(synced)
    read(synced, wrong, at=EARLY)
    (doubt,) = [one for one in synced.ok("review", "list", "--json").json if "claim" in one]
    assert (doubt["kind"], doubt["claim"]) == ("lesson-date", UNRULED.isoformat())
    out = " ".join(synced.ok("review", "list").out.split())
    assert wrong.case in out
    assert "review post|waive" in out
    (_, lesson, _) = wrong.case.split(":")
    assert doubt["case"] == wrong.case
    assert f"doubt {wrong.case}: lesson {lesson}, {doubt['day']}: " in out
    row = f"{wrong.case},lesson-date,{lesson},,,{doubt['day']},"
    assert row in synced.ok("review", "list", "--csv").out
    assert f"lesson {lesson}, {doubt['day']}: the CRM moved" in synced.run("waiting").out
    assert wrong.case not in synced.ok("review", "list", "--kind", "reversal").out
    assert "the next sync believes the CRM" in synced.ok("review", "post", wrong.case, "--yes").out
    assert wrong.case not in synced.ok("review", "list").out
    assert synced.balances() == before
    read(synced, wrong, at=EARLY)
    assert sum(synced.balances().values()) < sum(before.values())
    assert stored(synced) == []


@pytest.mark.parametrize("kind", AGREEING)
def test_what_a_person_waives_stays_as_it_is_recorded(synced: Installation, kind: Kind) -> None:
    """However often the CRM says it again; who waived it, and why, is kept."""
    before, wrong = synced.content(), kind(synced)
    read(synced, wrong, at=EARLY)
    synced.ok("--actor", "anna", "review", "waive", wrong.case, "--note", "a slip", "--yes")
    report = read(synced, wrong, at=EARLY + 12)
    assert (report["digest"], synced.content()) == ("", before)
    ((_, note),) = doubts(report)
    assert "kept as recorded, says anna" in note
    with synced.reader() as reader:
        (doubt,) = reader.all(Doubt)
    assert (doubt.ruling, doubt.actor, doubt.note) == ("waive", "anna", "a slip")


def test_what_cannot_be_decided_is_refused_in_one_line(synced: Installation) -> None:
    """Nothing to forgive, two kinds in one call, a case that nobody knows."""
    wrong = missing_card(synced)
    read(synced, wrong, at=EARLY)
    forgiven = synced.run("review", "forgive", wrong.case, "--note", "x", "--yes")
    assert forgiven.code == 2
    assert "can only be waived" in forgiven.err
    assert synced.run("review", "post", "card-missing:1:1", "--yes").code == 6
    held = next(one["id"] for one in synced.ok("review", "list", "--json").json if "hold" in one)
    assert synced.run("review", "post", wrong.case, held, "--yes").code == 6


def test_reconcile_names_doubts_and_finds_nothing_wrong(synced: Installation) -> None:
    """With the CRM as well, once they are recorded; before that a sync would record them."""
    wrong = jumping_lesson(synced)
    wrong.begin()
    assert synced.run("reconcile", "--check", "person", "--with-crm").code == 4
    read(synced, wrong, at=EARLY)
    held = synced.ok("reconcile", "--json").json["held"]
    assert held == len(synced.ok("review", "list", "--json").json)
    assert "all is right" in synced.ok("reconcile", "--with-crm").out


def test_what_is_doubted_of_a_person_is_handed_out_and_goes_with_the_name(
    synced: Installation,
) -> None:
    """By ``residents export`` and ``residents erase``."""
    wrong = missing_card(synced)
    read(synced, wrong, at=EARLY)
    who = wrong.case.split(":")[1]
    (doubt,) = synced.ok("residents", "export", f"#{who}").json["doubts"]
    assert doubt["kind"] == "card-missing"
    synced.ok("residents", "erase", f"#{who}", "--yes")
    assert stored(synced) == []
    assert read(synced, wrong, at=EARLY)["digest"] == ""


def test_a_lesson_that_looks_entered_twice_is_a_note(synced: Installation) -> None:
    """The plan that pays it says so once; reconcile names it and all is right."""
    lesson = a_lesson(synced)
    pupils = tuple(sorted(lesson.customer_ids))
    entered = []
    for _ in range(2):
        group = lesson.group_ids[0]
        number = synced.school.act(
            "add_lesson", branch=1, group=group, date=TODAY, type=2, customers=pupils
        )
        synced.school.act("conduct", lesson=number)
        entered.append(synced.school.tables.lessons[number or 0])
    entered[1].customer_ids, entered[1].details = entered[0].customer_ids, entered[0].details
    first, second = (added.id for added in entered)
    words = "the same group, day, hour, type and pupils"
    assert words in " ".join(synced.ok("sync").out.split())
    assert words not in " ".join(synced.ok("sync").out.split())
    out = " ".join(synced.ok("reconcile").out.split())
    assert f"lesson {second} has the group, day, hour, type and pupils of lesson {first}" in out
    assert "all is right" in out
    (finding,) = synced.ok("reconcile", "--json").json["findings"]
    assert (finding["check"], finding["severity"]) == ("twice", "note")
    assert synced.ok("reconcile", "--quiet").err == ""
