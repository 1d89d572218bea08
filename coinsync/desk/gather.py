"""Who decides, and what several proposals gather first: cards, moves, a lesson's case."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from coinsync.config import Settings
from coinsync.core import floor
from coinsync.core.facts import Presence, Resident
from coinsync.core.ledger import Entry, KeyState
from coinsync.core.planning.compare import Difference
from coinsync.core.planning.review import Question
from coinsync.core.proposal import Author, Move
from coinsync.core.reasons import why
from coinsync.core.rules import judge
from coinsync.errors import CoinPolicy, NotFound
from coinsync.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Clerk:
    """Who decides something: what they see, the configuration, and who they are."""

    reader: Reader
    settings: Settings
    author: Author

    def today(self, branches: Collection[int] = ()) -> date:
        """Today at these branches, or at the school."""
        return self.settings.profile.today(branches, self.author.now)

    def day(self, branches: Collection[int] = ()) -> date:
        """The day that was named, else today. Raises ``UsageError``."""
        return self.author.day_by(self.today(branches))


def refuse_erased(resident: Resident) -> None:
    """Raise ``CoinPolicy`` for somebody who is erased."""
    # Whatever staff write about a person is what the family asked to be forgotten.
    if resident.presence is Presence.ERASED:
        raise CoinPolicy.of("is_erased", id=resident.id)


def recorded_resident(reader: Reader, id: int) -> Resident:
    """A card by its number. Raises ``NotFound``."""
    resident = reader.resident(id)
    if resident is None:
        raise NotFound(f"resident #{id} is not recorded")
    return resident


def moves_of(clerk: Clerk, entries: Sequence[Entry]) -> tuple[Move, ...]:
    """What entries do to the balances as they are now, one after the other.

    Raises ``NotEnoughCoins`` with everybody who would have fewer than none.
    """
    moves, debts = moves_and_debts(clerk, entries)
    floor.refuse_debts(debts)
    return moves


def moves_and_debts(
    clerk: Clerk, entries: Sequence[Entry]
) -> tuple[tuple[Move, ...], dict[int, str]]:
    """What entries do to balances, and what is wrong with it, by whose coins it is."""
    reader = clerk.reader
    survivors = reader.survivors()
    owners = {survivors[entry.resident] for entry in entries}
    losses = floor.losses_of(entries, survivors)
    coins = reader.coins_by_day(owners, floor.first_day(losses), survivors=survivors)
    balances = {owner: coins[owner].total() for owner in owners}
    residents = reader.residents_by_id(owners)
    names = {id: resident.name for id, resident in residents.items()}
    moves = []
    for entry in entries:
        owner = survivors[entry.resident]
        before = balances[owner]
        balances[owner] += entry.coins
        move = Move(
            resident=owner,
            name=names.get(owner, ""),
            before=before,
            coins=entry.coins,
            after=balances[owner],
            kind=entry.kind.value,
            why=why(entry.reason, entry.rule, entry.note, clerk.settings.way_titles),
            day=entry.happened_on,
        )
        moves.append(move)
    return tuple(moves), floor.debts(losses, coins, names)


def question_about(
    clerk: Clerk, key: str, lesson: int, resident: int, today: date
) -> Question | None:
    """What a decision about one visit needs; None where the visit is not recorded.

    ``today`` is the resident's.
    """
    reader = clerk.reader
    record = reader.lesson_records_by_id([lesson]).get(lesson)
    if record is None:
        return None
    for attendance in record.attendance:
        if attendance.resident == resident:
            verdict = judge(record.lesson, attendance, clerk.settings.rulebook)
            state = reader.key_states([key]).get(key, KeyState(key))
            hold = reader.holds([lesson]).get(key)
            difference = Difference(record.lesson, resident, verdict, state, hold)
            return Question(difference, reader.decisions([lesson]).get(key), today)
    return None
