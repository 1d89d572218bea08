"""Coins by hand, as plans: credit, debit, and taking an entry back. Writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from coinsync.config import Settings
from coinsync.core.facts import (
    Decision,
    Presence,
    Resident,
)
from coinsync.core.ledger import (
    BY_HAND,
    BY_WAY,
    TAKEN_BACK,
    Entry,
    KeyState,
    Kind,
    Line,
    desk_key,
    utc_text,
)
from coinsync.core.plan import Change, Drop, Plan, Post, Purpose, Put
from coinsync.core.proposal import Author, Proposal, check_floors, scope_of
from coinsync.core.school import Way
from coinsync.desk.gather import (
    gather_moves,
    owner_of,
    question_about,
    recorded_resident,
    refuse_erased,
)
from coinsync.errors import (
    AboveLimit,
    AlreadyReversed,
    LikelyDuplicate,
    NotFound,
    NotReversible,
    PostedOtherwise,
)
from coinsync.store.reader import Reader

#: The same amount for the same reason within that time is taken for a slip of the hand.
DUPLICATE_WITHIN = timedelta(minutes=10)


def give(
    reader: Reader,
    settings: Settings,
    resident: Resident,
    coins: int,
    author: Author,
    *,
    note: str,
    way: Way | None = None,
) -> Proposal:
    """Plan a credit (``coins`` above 0) or a debit (below), under the key of the hand.

    Raises ``AboveLimit``, ``LikelyDuplicate``, ``PostedOtherwise``, ``NotEnoughCoins``, or ``CoinPolicy`` for somebody
    who is erased.
    """
    _check_limit(settings, coins)
    refuse_erased(resident)
    day = author.day_by(settings.day_at(resident.branches, author.now))
    entry = Entry(
        key=desk_key(author.key),
        seq=1,
        resident=resident.id,
        coins=coins,
        kind=Kind.CREDIT if coins > 0 else Kind.DEBIT,
        happened_on=day,
        reason=BY_WAY if way else BY_HAND,
        actor=author.actor,
        rule=way.code if way else "",
        note=note,
    )
    posted = reader.lines_under([entry.key])
    if posted:
        return posted_before(posted[0], entry, author, reader.survivors())
    if not author.allow_duplicate:
        _refuse_duplicate(reader, entry, author.now)
    moves = gather_moves(reader, settings, [entry], {resident.id: resident})
    check_floors(moves)
    plan = Plan.of(
        Purpose.DESK, scope_of(entry.happened_on), [Post(entry)], basis=[KeyState(entry.key)]
    )
    return Proposal(plan, moves, key=entry.key)


def _check_limit(settings: Settings, coins: int) -> None:
    most = settings.limits.coins_per_operation_max
    if abs(coins) > most:
        raise AboveLimit(
            f"{abs(coins)} coins is above the limit of {most} for one operation; nothing written"
        )


def content_of(entry: Entry, note: str) -> tuple[object, ...]:
    """What two entries have in common when they say the same."""
    return (entry.resident, entry.coins, entry.kind, entry.rule, note)


def posted_before(
    line: Line, wanted: Entry, author: Author, survivors: Mapping[int, int]
) -> Proposal:
    """The answer to a repeated key: done already, or refused because it names something else."""
    entry, n = line.posted.entry, line.posted.n
    whose, asked = (survivors.get(card, card) for card in (entry.resident, wanted.resident))
    same = (
        content_of(entry, line.note)[1:] == content_of(wanted, wanted.note)[1:] and whose == asked
    )
    if not same or (author.day is not None and author.day != entry.happened_on):
        raise PostedOtherwise(
            f"key {wanted.key} is already posted with other content: entry {n}, {entry.coins:+} for #{entry.resident}"
            f" on {entry.happened_on}; nothing written"
        )
    plan = Plan.of(Purpose.DESK, scope_of(entry.happened_on), ())
    return Proposal(plan, words=(f"already posted: entry {n}",), done=(n,), key=wanted.key)


def _refuse_duplicate(reader: Reader, entry: Entry, now: datetime) -> None:
    recent = reader.lines_posted_since(entry.resident, utc_text(now - DUPLICATE_WITHIN))
    for line in recent:
        if line.reversed_by is None and content_of(line.posted.entry, line.note) == content_of(
            entry, entry.note
        ):
            age = now - datetime.fromisoformat(line.posted.posted_at)
            raise LikelyDuplicate(
                f"likely the same as entry {line.posted.n}, {max(0, int(age.total_seconds()))} s ago; nothing written"
            )


_NOT_BY_HAND = {
    Kind.REVERSAL: "is a reversal itself; post a new credit or debit instead",
    Kind.SALE: 'is a purchase; "coinsync refund" takes it back with the goods',
    Kind.REFUND: "is a refund; sell again instead",
}


def reverse(reader: Reader, settings: Settings, n: int, author: Author, *, note: str) -> Proposal:
    """Plan to take one entry back. An award that is taken back by hand is a decision, so that no sync pays it again.

    Of somebody who is erased no note is kept.

    Raises ``NotFound``, ``AlreadyReversed``, ``NotReversible`` or ``NotEnoughCoins``.
    """
    line = reader.line(n)
    if line is None:
        raise NotFound(
            f"entry {n} does not exist",
            advice='"coinsync history RESIDENT" shows the numbers of entries.',
        )
    original = line.posted.entry
    if line.reversed_by is not None:
        raise AlreadyReversed(
            f"entry {n} is already reversed by {line.reversed_by}; nothing written"
        )
    if original.kind in _NOT_BY_HAND:
        raise NotReversible(f"entry {n} {_NOT_BY_HAND[original.kind]}; nothing written")
    state = reader.key_states([original.key])[original.key]
    card = recorded_resident(reader, original.resident)
    owner = owner_of(reader, card)
    entry = replace(
        original,
        seq=state.seq + 1,
        coins=-original.coins,
        kind=Kind.REVERSAL,
        # Coins of a lesson are taken back on its day; what a clerk did by mistake is mended today.
        happened_on=original.happened_on
        if original.kind is Kind.AWARD
        else settings.day_at(owner.branches, author.now),
        reason=TAKEN_BACK,
        actor=author.actor,
        note="" if card.presence is Presence.ERASED else note,
        reverses=n,
    )
    changes: list[Change] = [Post(entry)]
    if original.kind is Kind.AWARD and original.lesson is not None:
        changes += _standing_word(
            reader, settings, entry, settings.day_at(owner.branches, author.now)
        )
    moves = gather_moves(reader, settings, [entry], {owner.id: owner})
    check_floors(moves)
    plan = Plan.of(Purpose.DESK, scope_of(entry.happened_on), changes, basis=[state])
    return Proposal(plan, moves, words=(f"takes back entry {n}",))


def _standing_word(reader: Reader, settings: Settings, entry: Entry, today: date) -> list[Change]:
    """The decision that goes with taking an award back by hand: nothing is due, whatever the rules give today."""
    lesson = entry.lesson or 0
    question = question_about(reader, settings, entry.key, lesson, entry.resident)
    if question is None:
        return []
    reason, hold = question.difference.verdict.reason.value, question.difference.hold
    ruling = Decision(
        entry.key, lesson, entry.resident, entry.seq, 0, reason, entry.actor, today, entry.note
    )
    return [Put(ruling, question.before), *([Drop(hold)] if hold is not None else [])]
