"""Coins by hand, as plans: credit, debit, and taking an entry back. Writes nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from coinsync.core import ledger
from coinsync.core.facts import Decision, Presence, Resident
from coinsync.core.ledger import Entry, KeyState, Kind, Line
from coinsync.core.plan import Change, Drop, Plan, Post, Purpose, Put
from coinsync.core.proposal import Proposal, check_floors, scope_of
from coinsync.core.school import Way
from coinsync.desk import gather
from coinsync.desk.gather import Clerk
from coinsync.errors import (
    AboveLimit,
    AlreadyReversed,
    LikelyDuplicate,
    NotFound,
    NotReversible,
    PostedOtherwise,
)
from coinsync.store.reader import Reader

#: The same amount for the same reason within that time was likely typed twice.
DUPLICATE_WITHIN = timedelta(minutes=10)

#: Entries that no clerk takes back one by one, and what to do instead.
_NOT_BY_HAND = {
    Kind.REVERSAL: "is a reversal itself; post a new credit or debit instead",
    Kind.SALE: 'is a purchase; "coinsync refund" takes it back with the goods',
    Kind.REFUND: "is a refund; sell again instead",
}


def give(
    clerk: Clerk, resident: Resident, coins: int, *, note: str, way: Way | None = None
) -> Proposal:
    """Plan a credit (``coins`` above 0) or a debit (below), under the author's key.

    Raises ``AboveLimit``, ``LikelyDuplicate``, ``PostedOtherwise``, ``NotEnoughCoins``, or
    ``CoinPolicy`` for somebody who is erased.
    """
    reader, author = clerk.reader, clerk.author
    limit = clerk.settings.limits.coins_per_operation_max
    if abs(coins) > limit:
        raise AboveLimit(f"{abs(coins)} coins is above the limit of {limit} for one operation")
    gather.refuse_erased(resident)
    key, kind = ledger.desk_key(author.key), Kind.CREDIT if coins > 0 else Kind.DEBIT
    day = clerk.day(resident.branches)
    rule, reason = (way.code, ledger.BY_WAY) if way else ("", ledger.BY_HAND)
    entry = Entry(key, 1, resident.id, coins, kind, day, reason, author.actor, rule, note)
    # The key was made before anybody was asked. So whoever does not know whether an earlier try
    # was written repeats it under the same key, and it is never done twice.
    posted = reader.lines_under([key])
    if posted:
        refuse_another_entry(posted[0], entry, author.day, reader.survivors())
        n = posted[0].posted.n
        plan = Plan.of(Purpose.DESK, scope_of(posted[0].posted.entry.happened_on), ())
        return Proposal(plan, words=(f"already posted: entry {n}",), done=(n,), key=key)
    if not author.allow_duplicate:
        _refuse_duplicate(reader, entry, author.now)
    moves = gather.moves_of(clerk, [entry])
    check_floors(moves)
    plan = Plan.of(Purpose.DESK, scope_of(day), [Post(entry)], basis=[KeyState(key)])
    return Proposal(plan, moves, key=key)


def says_the_same(line: Line, wanted: Entry) -> bool:
    """Whether two entries differ at most in whom and what day they are for."""
    entry = line.posted.entry
    posted = (entry.coins, entry.kind, entry.rule, line.note)
    return posted == (wanted.coins, wanted.kind, wanted.rule, wanted.note)


def refuse_another_entry(
    line: Line,
    wanted: Entry,
    day: date | None,
    survivors: Mapping[int, int],
    advice: str | None = None,
) -> None:
    """Raise ``PostedOtherwise`` where the key of ``wanted`` stands for another entry already.

    ``day`` None, where no day was named, means the day of the first try.
    """
    entry = line.posted.entry
    # The card may have been merged since, and the same child is then found under another number.
    owner = survivors.get(entry.resident, entry.resident)
    wanted_owner = survivors.get(wanted.resident, wanted.resident)
    same_day = day is None or day == entry.happened_on
    if says_the_same(line, wanted) and owner == wanted_owner and same_day:
        return
    raise PostedOtherwise(
        f"key {wanted.key} is already posted with other content: entry {line.posted.n}, "
        f"{entry.coins:+} for #{entry.resident} on {entry.happened_on}",
        advice=advice,
    )


def _refuse_duplicate(reader: Reader, entry: Entry, now: datetime) -> None:
    # A key does not help whoever types the whole command again, so the time has to tell.
    since = ledger.utc_text(now - DUPLICATE_WITHIN)
    for line in reader.lines_posted_since(entry.resident, since):
        if line.reversed_by is None and says_the_same(line, entry):
            age = now - datetime.fromisoformat(line.posted.posted_at)
            # Another machine's clock may be ahead of this one.
            seconds = max(0, int(age.total_seconds()))
            raise LikelyDuplicate(f"likely the same as entry {line.posted.n}, {seconds} s ago")


def reverse(clerk: Clerk, n: int, *, note: str) -> Proposal:
    """Plan to take one entry back. Of somebody who is erased no note is kept.

    Raises ``NotFound``, ``AlreadyReversed``, ``NotReversible`` or ``NotEnoughCoins``.
    """
    reader = clerk.reader
    original = _reversible_entry(reader, n)
    state = reader.key_states([original.key])[original.key]
    card = gather.recorded_resident(reader, original.resident)
    today = clerk.today(gather.surviving_card(reader, card).branches)
    of_lesson = original.kind is Kind.AWARD
    reversal = replace(
        original,
        seq=state.seq + 1,
        coins=-original.coins,
        kind=Kind.REVERSAL,
        # Coins of a lesson are taken back on its day; what a clerk did by mistake is mended today.
        happened_on=original.happened_on if of_lesson else today,
        reason=ledger.TAKEN_BACK,
        actor=clerk.author.actor,
        note="" if card.presence is Presence.ERASED else note,
        reverses=n,
    )
    changes: list[Change] = [Post(reversal)]
    if of_lesson:
        changes += _decide_nothing_is_due(clerk, reversal, today)
    moves = gather.moves_of(clerk, [reversal])
    check_floors(moves)
    plan = Plan.of(Purpose.DESK, scope_of(reversal.happened_on), changes, basis=[state])
    return Proposal(plan, moves, words=(f"takes back entry {n}",))


def _reversible_entry(reader: Reader, n: int) -> Entry:
    line = reader.line(n)
    if line is None:
        raise NotFound(
            f"entry {n} does not exist",
            advice='"coinsync history RESIDENT" shows the numbers of entries.',
        )
    if line.reversed_by is not None:
        raise AlreadyReversed(f"entry {n} is already reversed by {line.reversed_by}")
    entry = line.posted.entry
    if entry.kind in _NOT_BY_HAND:
        raise NotReversible(f"entry {n} {_NOT_BY_HAND[entry.kind]}")
    return entry


def _decide_nothing_is_due(clerk: Clerk, reversal: Entry, today: date) -> list[Change]:
    # The rules go on giving coins for the visit. Without a decision that nothing is due, the next
    # sync would pay them again.
    key, lesson, resident = reversal.key, reversal.lesson, reversal.resident
    if lesson is None:
        return []
    question = gather.question_about(clerk, key, lesson, resident, today)
    if question is None:
        return []
    hold, reason = question.difference.hold, question.difference.verdict.reason.value
    actor, note = reversal.actor, reversal.note
    decision = Decision(key, lesson, resident, reversal.seq, 0, reason, actor, today, note)
    decided = Put(decision, question.before)
    return [decided] if hold is None else [decided, Drop(hold)]
