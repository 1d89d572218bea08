"""What is held, and what a person decides about it, as a plan. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from coinsync.config import Settings
from coinsync.core.directory import Directory
from coinsync.core.facts import (
    Group,
    Hold,
    HoldKind,
    Lesson,
    LessonType,
    Presence,
    Resident,
)
from coinsync.core.planning.review import Ruling, plan_review
from coinsync.core.proposal import Author, Case, Proposal
from coinsync.desk.gather import (
    gather_moves,
    question_about,
)
from coinsync.errors import (
    CoinPolicy,
    UsageError,
)
from coinsync.store.reader import Reader


def cases(reader: Reader, holds: Iterable[Hold]) -> list[Case]:
    """Held differences as a person sees them, by day."""
    found = sorted(holds, key=lambda hold: (hold.happened_on, hold.lesson, hold.resident))
    survivors = reader.survivors()
    owners = {hold.resident: survivors.get(hold.resident, hold.resident) for hold in found}
    residents = {one.id: one for one in reader.recorded(Resident, owners.values())}
    balances = reader.balances(owners.values())
    lessons = {one.id: one for one in reader.recorded(Lesson, (hold.lesson for hold in found))}
    names = Directory.of([*reader.all(Group), *reader.all(LessonType)])
    return [
        Case(
            f"{hold.lesson}:{hold.resident}",
            hold,
            residents[owners[hold.resident]].name if owners[hold.resident] in residents else "",
            names.lesson(lessons[hold.lesson]) if hold.lesson in lessons else "",
            balances[owners[hold.resident]],
        )
        for hold in found
    ]


def review(
    reader: Reader,
    settings: Settings,
    holds: Sequence[Hold],
    ruling: Ruling,
    author: Author,
    *,
    note: str,
) -> Proposal:
    """Plan a person's word about held cases; *forgive* is for reversals alone."""
    if ruling is Ruling.FORGIVE and any(hold.kind is HoldKind.GUEST for hold in holds):
        raise UsageError(
            "forgive: a visit that is held has no coins to give back; post it or waive it"
        )
    questions = []
    for hold in holds:
        question = question_about(reader, settings, hold.key, hold.lesson, hold.resident)
        if question is None:
            raise CoinPolicy(
                f"lesson {hold.lesson} is not recorded any more; run sync first; nothing written"
            )
        questions.append(question)
    today = author.now.astimezone(settings.branches[0].zone).date()
    erased = {
        one.id
        for one in reader.recorded(Resident, {one.resident for one in holds})
        if one.presence is Presence.ERASED
    }
    plan = plan_review(questions, ruling, actor=author.actor, note=note, today=today, erased=erased)
    survivors = reader.survivors()
    owners = {survivors.get(hold.resident, hold.resident) for hold in holds}
    residents = {one.id: one for one in reader.recorded(Resident, owners)}
    moved = {entry.key for entry in plan.entries}
    words = tuple(
        f"lesson {one.difference.lesson.id}, {_titled(residents, owner)}: "
        + (
            f"{one.difference.state.coins} coins stay as they are"
            if one.difference.state.coins
            else "stays unpaid"
        )
        for one in questions
        for owner in [survivors.get(one.difference.resident, one.difference.resident)]
        if one.difference.state.key not in moved
    )
    return Proposal(
        plan,
        gather_moves(reader, settings, plan.entries, residents),
        words if holds else ("nothing is held",),
    )


def _titled(residents: Mapping[int, Resident], id: int) -> str:
    return f"#{id} {residents[id].name if id in residents else ''}".rstrip()
