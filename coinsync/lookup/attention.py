"""What waits for a person: by number alone, because a job sends it. Reads only."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from coinsync.config import Settings
from coinsync.core.facts import Doubt, Hold, HoldKind, Lesson, LessonType, Presence
from coinsync.core.planning.doubts import doubt_text
from coinsync.core.proposal import DoubtCase
from coinsync.core.reasons import reason_for_staff
from coinsync.core.rules import Reason
from coinsync.lookup.shop import stock
from coinsync.lookup.vk_pages import vk_coverage
from coinsync.staff_texts import joined, phrase
from coinsync.store.reader import Reader

#: A type that was not taught for so many days waits for nobody.
TAUGHT_DAYS = 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits; ``key`` changes when there is something new to tell about it."""

    key: str
    text: str
    command: str


def what_waits(
    reader: Reader, settings: Settings, now: datetime, branches: frozenset[int], pieces_min: int
) -> list[Waiting]:
    """Held coins, doubts, cards that are gone, types, families without a link, goods that run out.

    What belongs to a branch is that of ``branches``; goods of which fewer than ``pieces_min`` are
    left run out. ``now`` is aware.
    """
    return [
        *_held(reader, branches),
        *_gone_with_coins(reader),
        *_unclassified(reader, settings, now, branches),
        *_unlinked(reader),
        *_running_out(reader, branches, pieces_min),
    ]


def _held(reader: Reader, branches: frozenset[int]) -> Iterator[Waiting]:
    for hold in reader.all(Hold):
        if hold.branch in branches:
            case = f"{hold.lesson}:{hold.resident}"
            # A visit that is held has no coins to give back, so that nothing can be forgiven.
            is_visit = hold.kind is HoldKind.GUEST
            text = phrase(
                "held_visit" if is_visit else "held_reversal",
                lesson=hold.lesson,
                day=hold.happened_on,
                resident=hold.resident,
                coins=f"{hold.coins:+}",
                reason=reason_for_staff(hold.reason),
            )
            command = phrase("review_held" if is_visit else "review_reversal", case=case)
            yield Waiting(f"hold {case} {hold.coins} {hold.reason}", text, command)
    for doubt_case in doubt_cases(reader, branches):
        doubt = doubt_case.doubt
        about = phrase("about_card" if doubt.is_about_card else "about_lesson", id=doubt.id)
        if doubt_case.day:
            about = joined(", ", about, doubt_case.day)
        text = phrase("doubt", about=about, case=doubt.case, what=doubt_text(doubt))
        yield Waiting(f"doubt {doubt.case} {doubt.claim}", text, "coinsync review list")


def doubt_cases(reader: Reader, branches: frozenset[int] | None) -> list[DoubtCase]:
    """The doubts of some branches, or of all, that no person has decided."""
    doubts = []
    for doubt in reader.all(Doubt):
        if not doubt.ruling and (branches is None or doubt.branch in branches):
            doubts.append(doubt)
    cards = reader.residents_by_id({doubt.id for doubt in doubts if doubt.is_about_card})
    lesson_ids = {doubt.id for doubt in doubts if not doubt.is_about_card}
    days = {lesson.id: lesson.date.isoformat() for lesson in reader.recorded(Lesson, lesson_ids)}
    cases = []
    for doubt in doubts:
        if doubt.is_about_card:
            cases.append(DoubtCase(doubt, cards[doubt.id].name if doubt.id in cards else ""))
        else:
            # Of a lesson that is recorded nowhere only the month is known: that is its claim.
            cases.append(DoubtCase(doubt, day=days.get(doubt.id, doubt.claim)))
    return cases


def _gone_with_coins(reader: Reader) -> Iterator[Waiting]:
    gone = reader.resident_ids(Presence.GONE).difference(reader.survivors())
    for card, coins in reader.balances(gone).items():
        if coins > 0:
            text = phrase("gone_with_coins", card=card, coins=coins)
            yield Waiting(f"gone {card}", text, phrase("merge_gone", card=card))


def _unclassified(
    reader: Reader, settings: Settings, now: datetime, branches: frozenset[int]
) -> Iterator[Waiting]:
    taught = lessons_by_type(reader, now, branches)
    for kind in reader.all(LessonType):
        if taught[kind.id] and settings.rulebook.type_reason(kind.id) is Reason.TYPE_UNKNOWN:
            text = phrase("unclassified", type=kind.id, name=repr(kind.name))
            yield Waiting(f"type {kind.id}", text, phrase("classify"))


def lessons_by_type(reader: Reader, now: datetime, branches: Iterable[int]) -> Counter[int]:
    """How many lessons of each type there were lately; ``now`` is aware."""
    since = (now - timedelta(days=TAUGHT_DAYS)).date()
    lessons: Counter[int] = Counter()
    for branch in branches:
        lessons.update(reader.lessons_by_type(branch, since))
    return lessons


def _unlinked(reader: Reader) -> Iterator[Waiting]:
    coverage = vk_coverage(reader)
    count = len(coverage.unreached) + len(coverage.problems)
    if count:
        text = phrase("unlinked", count=count)
        yield Waiting(f"links {count}", text, "coinsync links list --problems -v")


def _running_out(reader: Reader, branches: frozenset[int], pieces_min: int) -> Iterator[Waiting]:
    goods, pieces = stock(reader, branches)
    for item in goods:
        left = pieces[item.code]
        if left < pieces_min and not item.archived:
            text = phrase("running_out", item=item.code, left=left)
            command = f"coinsync catalog stock receive {item.code} PIECES"
            yield Waiting(f"stock {item.code} {left}", text, command)
