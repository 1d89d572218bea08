"""Coins by hand, as plans: credit, debit, and taking an entry back. Writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from coinsync.core import ledger
from coinsync.core.facts import Decision, Presence, Resident
from coinsync.core.journal import NOT_TAKEN_BACK, sale_of
from coinsync.core.ledger import Entry, KeyState, Kind, Line, Posted, Survivors
from coinsync.core.plan import Change, Drop, Plan, Post, Purpose, Put
from coinsync.core.proposal import Proposal, scope_of
from coinsync.core.reasons import entries_text
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
from coinsync.staff_texts import StaffText, joined, phrase
from coinsync.store.reader import Reader

#: The same amount for the same reason within that time was likely typed twice.
DUPLICATE_WITHIN = timedelta(minutes=10)


def give(
    clerk: Clerk, resident: Resident, coins: int, *, note: str, way: Way | None = None
) -> Proposal:
    """Plan a credit (``coins`` above 0) or a debit (below), under the author's key.

    Raises ``AboveLimit``, ``LikelyDuplicate``, ``PostedOtherwise``, ``NotEnoughCoins``, or
    ``CoinPolicy`` for somebody who is erased.
    """
    gather.refuse_erased(resident)
    return _give(clerk, {ledger.desk_key(clerk.author.key): resident}, coins, note, way)


def give_all(
    clerk: Clerk, residents: Sequence[Resident], coins: int, *, note: str, way: Way | None = None
) -> Proposal:
    """Plan the same credit for many, all or none; who is gone or erased is left out, and named.

    Their keys begin with the author's. Raises what ``give`` raises, or ``NotFound`` for nobody.
    """
    key = ledger.desk_key(clerk.author.key)
    receivers: dict[str, Resident] = {}
    left_out: list[StaffText] = []
    for resident in residents:
        if resident.presence in (Presence.GONE, Presence.ERASED):
            presence = phrase(resident.presence.value)
            left_out.append(joined("", f"#{resident.id} (", presence, ")"))
        else:
            receivers[f"{key}:{resident.id}"] = resident
    if not receivers:
        raise NotFound.of("nobody_there")
    limit, total = clerk.settings.limits.coins_per_run_max, coins * len(receivers)
    if total > limit:
        raise AboveLimit.of("above_run_limit", coins=total, limit=limit)
    proposal = _give(clerk, receivers, coins, note, way)
    if left_out:
        words = phrase("left_out", who=joined(", ", *left_out))
        proposal = replace(proposal, words=(*proposal.words, words))
    return proposal


def _give(
    clerk: Clerk, receivers: Mapping[str, Resident], coins: int, note: str, way: Way | None
) -> Proposal:
    reader, author = clerk.reader, clerk.author
    limit = clerk.settings.limits.coins_per_operation_max
    if abs(coins) > limit:
        raise AboveLimit.of("above_limit", coins=abs(coins), limit=limit)
    kind, actor = Kind.CREDIT if coins > 0 else Kind.DEBIT, author.actor
    rule, reason = (way.code, ledger.BY_WAY) if way else ("", ledger.BY_HAND)
    entries: list[Entry] = []
    for own_key, resident in receivers.items():
        day = clerk.day(resident.branches)
        entry = Entry(own_key, 1, resident.id, coins, kind, day, reason, actor, rule, note)
        entries.append(entry)
    # The key was made before anybody was asked. So whoever does not know whether an earlier try
    # was written repeats it under the same key, and it is never done twice: neither for one nor for
    # many, whichever of the two it was.
    key = ledger.desk_key(author.key)
    lines = [*reader.lines_under([key]), *reader.lines_below(key)]
    posted = [line for line in lines if line.entry.seq == 1]
    if posted:
        return _posted_already(clerk, key, posted, entries)
    if not author.allow_duplicate:
        _refuse_duplicates(reader, entries, author.now)
    moves = gather.moves_of(clerk, entries)
    plan = Plan.of(
        Purpose.DESK,
        scope_of(*(entry.happened_on for entry in entries)),
        map(Post, entries),
        basis=[KeyState(entry.key) for entry in entries],
    )
    return Proposal(plan, moves, key=key)


def _posted_already(
    clerk: Clerk, key: str, posted: Sequence[Line], wanted: Sequence[Entry]
) -> Proposal:
    numbers = [line.n for line in posted]
    # The entries of a plan stand one after the other.
    named = entries_text(numbers[0], numbers[-1])
    if len(posted) != len(wanted):
        raise PostedOtherwise.of("posted_otherwise", key=key, what=named)
    survivors = clerk.reader.survivors()
    line_of: dict[int, Line] = {}
    for line in posted:
        line_of[survivors[line.entry.resident]] = line
    for entry in wanted:
        # Whoever got nothing then is refused beside somebody who did.
        line = line_of.get(entry.resident, posted[0])
        refuse_another_entry(line, entry, clerk.author.day, survivors)
    plan = Plan.of(Purpose.DESK, scope_of(posted[0].entry.happened_on), ())
    words = phrase("posted_already", what=named)
    return Proposal(plan, words=(words,), done=tuple(numbers), key=key)


def says_the_same(line: Line, wanted: Entry) -> bool:
    """Whether two entries differ at most in whom and what day they are for."""
    entry = line.entry
    posted = (entry.coins, entry.kind, entry.rule, line.note)
    return posted == (wanted.coins, wanted.kind, wanted.rule, wanted.note)


def refuse_another_entry(
    line: Line,
    wanted: Entry,
    day: date | None,
    survivors: Survivors,
    advice: str | None = None,
) -> None:
    """Raise ``PostedOtherwise`` where the key of ``wanted`` stands for another entry already.

    ``day`` None, where no day was named, means the day of the first try.
    """
    entry = line.entry
    # The card may have been merged since, and the same child is then found under another number.
    same_child = survivors[entry.resident] == survivors[wanted.resident]
    same_day = day is None or day == entry.happened_on
    if says_the_same(line, wanted) and same_child and same_day:
        return
    what = phrase(
        "other_entry",
        n=line.n,
        coins=f"{entry.coins:+}",
        resident=entry.resident,
        day=entry.happened_on,
    )
    raise PostedOtherwise(phrase("posted_otherwise", key=wanted.key, what=what), advice=advice)


def _refuse_duplicates(reader: Reader, entries: Sequence[Entry], now: datetime) -> None:
    # A key does not help whoever types the whole command again, so the time has to tell.
    since = ledger.utc_text(now - DUPLICATE_WITHIN)
    wanted_of = {entry.resident: entry for entry in entries}
    for line in reader.lines_posted_since(wanted_of, since):
        wanted = wanted_of[line.entry.resident]
        if line.reversed_by is None and says_the_same(line, wanted):
            age = now - datetime.fromisoformat(line.posted.posted_at)
            # Another machine's clock may be ahead of this one.
            seconds = max(0, int(age.total_seconds()))
            raise LikelyDuplicate.of("duplicate", n=line.n, seconds=seconds)


def reverse(clerk: Clerk, n: int, *, note: str) -> Proposal:
    """Plan to take one entry back. Of somebody who is erased no note is kept.

    Raises ``NotFound``, ``AlreadyReversed``, ``NotReversible`` or ``NotEnoughCoins``.
    """
    posted = _reversible_entry(clerk.reader, n)
    return reverse_all(clerk, [posted], note, phrase("takes_back", n=n))


def reverse_all(clerk: Clerk, originals: Sequence[Posted], note: str, *words: str) -> Proposal:
    """Plan to take entries back, all or none; ``words`` say what that is.

    Raises ``NotEnoughCoins`` with everybody who has spent the coins.
    """
    reader, survivors = clerk.reader, clerk.reader.survivors()
    cards = {posted.entry.resident for posted in originals}
    residents = reader.residents_by_id(cards | {survivors[card] for card in cards})
    states = reader.key_states([posted.entry.key for posted in originals])
    reversals: list[Entry] = []
    decisions: list[Change] = []
    for posted in originals:
        entry = posted.entry
        owner = residents[survivors[entry.resident]]
        is_erased = residents[entry.resident].presence is Presence.ERASED
        today = clerk.today(owner.branches)
        of_lesson = entry.kind is Kind.AWARD
        reversal = replace(
            entry,
            seq=states[entry.key].seq + 1,
            coins=-entry.coins,
            kind=Kind.REVERSAL,
            # Coins of a lesson are taken back on its day; a clerk's mistake is mended today.
            happened_on=entry.happened_on if of_lesson else today,
            reason=ledger.TAKEN_BACK,
            actor=clerk.author.actor,
            note="" if is_erased else note,
            reverses=posted.n,
        )
        reversals.append(reversal)
        if of_lesson:
            decisions += _decide_nothing_is_due(clerk, reversal, today)
    moves = gather.moves_of(clerk, reversals)
    plan = Plan.of(
        Purpose.DESK,
        scope_of(*(reversal.happened_on for reversal in reversals)),
        [*map(Post, reversals), *decisions],
        basis=[states[reversal.key] for reversal in reversals],
    )
    return Proposal(plan, moves, words)


def _reversible_entry(reader: Reader, n: int) -> Posted:
    line = reader.line(n)
    if line is None:
        raise NotFound.of("unknown_entry", n=n)
    if line.reversed_by is not None:
        raise AlreadyReversed.of("entry_reversed", n=n, by=line.reversed_by)
    sale = sale_of([line])
    refusal = "no_undo_purchase" if sale else NOT_TAKEN_BACK.get(line.entry.kind)
    if refusal:
        raise NotReversible.of(refusal, what=phrase("the_entry", n=n), sale=sale)
    return line.posted


def _decide_nothing_is_due(clerk: Clerk, reversal: Entry, today: date) -> list[Change]:
    # The rules go on giving coins for the visit. Without a decision that nothing is due, the next
    # sync would pay them again.
    key, lesson, resident = reversal.key, reversal.lesson or 0, reversal.resident
    question = gather.question_about(clerk, key, lesson, resident, today)
    if question is None:
        return []
    hold, reason = question.difference.hold, question.difference.verdict.reason.value
    actor, note = reversal.actor, reversal.note
    decision = Decision(key, lesson, resident, reversal.seq, 0, reason, actor, today, note)
    decided = Put(decision, question.before)
    return [decided] if hold is None else [decided, Drop(hold)]
