"""What is held, and what a person decides about it, as a plan. Writes nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from coinsync.core.directory import Directory
from coinsync.core.facts import (
    Doubt,
    Group,
    Hold,
    HoldKind,
    Lesson,
    LessonType,
    Presence,
    Resident,
)
from coinsync.core.plan import Plan, Purpose, puts
from coinsync.core.planning.review import Question, Ruling, plan_review
from coinsync.core.proposal import Case, Proposal, scope_of
from coinsync.desk.gather import Clerk, moves_and_debts, question_about
from coinsync.errors import CoinPolicy, UsageError
from coinsync.store.reader import Reader


def cases(reader: Reader, holds: Iterable[Hold]) -> list[Case]:
    """Held differences as a person sees them, by day."""
    by_day = sorted(holds, key=lambda hold: (hold.happened_on, hold.lesson, hold.resident))
    owners = _owners(reader, by_day)
    lessons = reader.recorded(Lesson, {hold.lesson for hold in by_day})
    names = Directory.of([*reader.all(Group), *reader.all(LessonType)])
    titles = {lesson.id: names.lesson(lesson) for lesson in lessons}
    balances = reader.balances(hold.resident for hold in by_day)
    shown = []
    for hold in by_day:
        lesson, resident = hold.lesson, hold.resident
        name = owners[resident].name if resident in owners else ""
        title = titles.get(lesson, "")
        shown.append(Case(f"{lesson}:{resident}", hold, name, title, balances[resident]))
    return shown


def _owners(reader: Reader, holds: Collection[Hold]) -> dict[int, Resident]:
    survivors = reader.survivors()
    owner_ids = {hold.resident: survivors[hold.resident] for hold in holds}
    residents = reader.residents_by_id(owner_ids.values())
    return {card: residents[owner] for card, owner in owner_ids.items() if owner in residents}


def review(clerk: Clerk, holds: Sequence[Hold], ruling: Ruling, *, note: str) -> Proposal:
    """Plan a person's ruling about held cases; *forgive* is for reversals alone."""
    if not holds:
        nothing = Plan.of(Purpose.REVIEW, scope_of(clerk.today()), ())
        return Proposal(nothing, words=("nothing is held",))
    if ruling is Ruling.FORGIVE and any(hold.kind is HoldKind.GUEST for hold in holds):
        raise UsageError(
            "forgive: a visit that is held has no coins to give back; post it or waive it"
        )
    reader = clerk.reader
    owners = _owners(reader, holds)
    questions = []
    for hold in holds:
        owner = owners.get(hold.resident)
        today = clerk.today(owner.branches if owner else ())
        question = question_about(clerk, hold.key, hold.lesson, hold.resident, today)
        if question is None:
            raise CoinPolicy.of("unrecorded_lesson", lesson=hold.lesson)
        questions.append(question)
    # What staff type about a card that was erased is not kept.
    cards = reader.recorded(Resident, {hold.resident for hold in holds})
    erased = {card.id for card in cards if card.presence is Presence.ERASED}
    plan = plan_review(questions, ruling, actor=clerk.author.actor, note=note, erased=erased)
    # A person who decides may leave a debt.
    moves, _ = moves_and_debts(clerk, plan.entries)
    return Proposal(plan, moves, _words_where_nothing_moves(plan, questions, owners))


def _words_where_nothing_moves(
    plan: Plan, questions: Iterable[Question], owners: Mapping[int, Resident]
) -> tuple[str, ...]:
    moved = {entry.key for entry in plan.entries}
    words = []
    for question in questions:
        difference, state = question.difference, question.difference.state
        if state.key in moved:
            continue
        who = owners.get(difference.resident) or f"#{difference.resident}"
        outcome = f"{state.coins} coins stay as they are" if state.coins else "stays unpaid"
        words.append(f"lesson {difference.lesson.id}, {who}: {outcome}")
    return tuple(words)


def review_doubts(clerk: Clerk, doubts: Sequence[Doubt], ruling: Ruling, *, note: str) -> Proposal:
    """Plan a person's ruling about doubts, which the next sync follows.

    *post* believes the CRM, which copies that differ do not allow; *waive* keeps what is recorded.
    """
    for doubt in doubts:
        if ruling is Ruling.FORGIVE or (ruling is Ruling.POST and not doubt.may_agree):
            raise UsageError(f"{ruling}: {doubt.case} can only be waived or mended in the CRM")
    actor = clerk.author.actor
    ruled = [replace(doubt, ruling=ruling.value, actor=actor, note=note) for doubt in doubts]
    plan = Plan.of(Purpose.REVIEW, scope_of(clerk.today()), puts(ruled, doubts))
    outcome = "believes the CRM" if ruling is Ruling.POST else "keeps what is recorded"
    return Proposal(plan, words=(f"the next sync {outcome}",))
