"""What several decisions of staff read first: cards, moves of coins, and what is recorded about a lesson."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from coinsync.config import Settings
from coinsync.core.facts import (
    LessonRecord,
    Presence,
    Resident,
)
from coinsync.core.ledger import (
    Entry,
    KeyState,
)
from coinsync.core.planning.compare import Cause, Difference
from coinsync.core.planning.review import Question
from coinsync.core.proposal import Move, moves_of
from coinsync.core.rules import judge
from coinsync.errors import (
    CoinPolicy,
    NotFound,
)
from coinsync.store.reader import Reader


def refuse_erased(resident: Resident, where: str = "") -> None:
    """What staff would write about somebody is just what their family asked to be forgotten."""
    if resident.presence is Presence.ERASED:
        raise CoinPolicy(f"{where}#{resident.id} is erased; nothing written")


def recorded_resident(reader: Reader, id: int) -> Resident:
    """A card by its number. Raises ``NotFound``."""
    found = reader.resident(id)
    if found is None:
        raise NotFound(f"resident #{id} is not recorded")
    return found


def owner_of(reader: Reader, card: Resident) -> Resident:
    """The card on which a card goes on: its own, unless it was merged."""
    return recorded_resident(reader, reader.survivors().get(card.id, card.id))


def gather_moves(
    reader: Reader, settings: Settings, entries: Iterable[Entry], residents: Mapping[int, Resident]
) -> tuple[Move, ...]:
    """What entries do to balances as they are now, one after the other."""
    posted, survivors = list(entries), reader.survivors()
    balances = reader.balances({survivors.get(entry.resident, entry.resident) for entry in posted})
    return moves_of(posted, balances, residents, survivors, settings.way_titles)


def question_about(
    reader: Reader, settings: Settings, key: str, lesson: int, resident: int
) -> Question | None:
    """What is recorded about one key: the lesson, today's verdict, the stand, the hold and an earlier decision."""
    record: LessonRecord | None = reader.lesson_records_by_id([lesson]).get(lesson)
    mark = (
        next((one for one in record.attendance if one.resident == resident), None)
        if record
        else None
    )
    if record is None or mark is None:
        return None
    hold = reader.holds([lesson]).get(key)
    verdict = judge(record.lesson, mark, settings.rulebook)
    state = reader.key_states([key]).get(key, KeyState(key))
    difference = Difference(record.lesson, resident, verdict, state, hold, Cause.HELD)
    return Question(difference, reader.decisions([lesson]).get(key))
