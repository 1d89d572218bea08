"""What a clerk does, as plans: coins by hand, entries taken back, imports, held cases, cards, links. Writes nothing.

Every function gathers what is, decides, and returns a ``Proposal``: the plan with what a person should see before saying
yes. A deed that is done already has an empty plan and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from coinsync.config import Settings, Way
from coinsync.core.facts import (
    Decision,
    Group,
    Hold,
    HoldKind,
    Lesson,
    LessonRecord,
    LessonType,
    Link,
    LinkSource,
    Merge,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.files.import_rows import ImportRow
from coinsync.core.ledger import (
    BY_HAND,
    BY_WAY,
    OPENED,
    TAKEN_BACK,
    Entry,
    KeyState,
    Kind,
    Line,
    desk_key,
    survivors_of,
    utc_text,
)
from coinsync.core.plan import Change, Drop, Fact, Plan, Post, Purpose, Put, Scope
from coinsync.core.plan_report import Directory
from coinsync.core.planning.lessons import Cause, Difference, Question, Ruling, plan_review
from coinsync.core.proposal import Author, Case, Move, Proposal, check_floors, moves_of, scope_of
from coinsync.core.rules import judge
from coinsync.errors import (
    AboveLimit,
    AlreadyReversed,
    Ambiguous,
    CoinPolicy,
    LikelyDuplicate,
    NotEnoughCoins,
    NotFound,
    NotReversible,
    PostedOtherwise,
    UsageError,
)
from coinsync.store.reader import Reader

#: The same amount for the same reason within that time is taken for a slip of the hand.
DUPLICATE_WITHIN = timedelta(minutes=10)
#: The same row in another file within that time is taken for a file that was sent twice.
IMPORT_DUPLICATE_WITHIN = timedelta(days=7)


def today_of(settings: Settings, resident: Resident, now: datetime) -> date:
    """The day at a resident's branch, by its own zone."""
    return settings.day_at(resident.branches, now)


# --- coins by hand ---------------------------------------------------------------------------------------------------


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
    _refuse_erased(resident)
    day = author.day_by(today_of(settings, resident, author.now))
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
        return _posted_before(posted[0], entry, author, reader.survivors())
    if not author.allow_duplicate:
        _refuse_duplicate(reader, entry, author.now)
    moves = _moves(reader, settings, [entry], {resident.id: resident})
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


def _refuse_erased(resident: Resident, where: str = "") -> None:
    """What staff would write about somebody is just what their family asked to be forgotten."""
    if resident.presence is Presence.ERASED:
        raise CoinPolicy(f"{where}#{resident.id} is erased; nothing written")


def _content(entry: Entry, note: str) -> tuple[object, ...]:
    return (entry.resident, entry.coins, entry.kind, entry.rule, note)


def _posted_before(
    line: Line, wanted: Entry, author: Author, survivors: Mapping[int, int]
) -> Proposal:
    """The answer to a repeated key: done already, or refused because it names something else."""
    entry, n = line.posted.entry, line.posted.n
    whose, asked = (survivors.get(card, card) for card in (entry.resident, wanted.resident))
    same = _content(entry, line.note)[1:] == _content(wanted, wanted.note)[1:] and whose == asked
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
        if line.reversed_by is None and _content(line.posted.entry, line.note) == _content(
            entry, entry.note
        ):
            age = now - datetime.fromisoformat(line.posted.posted_at)
            raise LikelyDuplicate(
                f"likely the same as entry {line.posted.n}, {max(0, int(age.total_seconds()))} s ago; nothing written"
            )


def _moves(
    reader: Reader, settings: Settings, entries: Iterable[Entry], residents: Mapping[int, Resident]
) -> tuple[Move, ...]:
    posted, survivors = list(entries), reader.survivors()
    balances = reader.balances({survivors.get(entry.resident, entry.resident) for entry in posted})
    return moves_of(posted, balances, residents, survivors, settings.way_titles)


# --- taking back -----------------------------------------------------------------------------------------------------

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
    card = _resident(reader, original.resident)
    owner = _owner(reader, card)
    entry = replace(
        original,
        seq=state.seq + 1,
        coins=-original.coins,
        kind=Kind.REVERSAL,
        # Coins of a lesson are taken back on its day; what a clerk did by mistake is mended today.
        happened_on=original.happened_on
        if original.kind is Kind.AWARD
        else today_of(settings, owner, author.now),
        reason=TAKEN_BACK,
        actor=author.actor,
        note="" if card.presence is Presence.ERASED else note,
        reverses=n,
    )
    changes: list[Change] = [Post(entry)]
    if original.kind is Kind.AWARD and original.lesson is not None:
        changes += _standing_word(reader, settings, entry, today_of(settings, owner, author.now))
    moves = _moves(reader, settings, [entry], {owner.id: owner})
    check_floors(moves)
    plan = Plan.of(Purpose.DESK, scope_of(entry.happened_on), changes, basis=[state])
    return Proposal(plan, moves, words=(f"takes back entry {n}",))


def _standing_word(reader: Reader, settings: Settings, entry: Entry, today: date) -> list[Change]:
    """The decision that goes with taking an award back by hand: nothing is due, whatever the rules give today."""
    lesson = entry.lesson or 0
    question = _question_of(reader, settings, entry.key, lesson, entry.resident)
    if question is None:
        return []
    reason, hold = question.difference.verdict.reason.value, question.difference.hold
    ruling = Decision(
        entry.key, lesson, entry.resident, entry.seq, 0, reason, entry.actor, today, entry.note
    )
    return [Put(ruling, question.before), *([Drop(hold)] if hold is not None else [])]


# --- imports ---------------------------------------------------------------------------------------------------------


def import_rows(
    reader: Reader,
    settings: Settings,
    rows: Sequence[ImportRow],
    find: Callable[[str], Resident],
    author: Author,
) -> Proposal:
    """Plan the rows of a file, all of them or none; rows that are posted already are left out.

    Raises what ``find`` raises with the line named, ``PostedOtherwise``, ``LikelyDuplicate``, ``NotEnoughCoins``, or
    ``CoinPolicy`` for somebody who is erased.
    """
    # A row that was taken back since is posted all the same: the first entry of its key is what the file said.
    posted = {
        line.posted.entry.key: line
        for line in reversed(reader.lines_under([row.key for row in rows]))
    }
    named = [find_at(row.line, find, row.resident) for row in rows]
    for row, resident in zip(rows, named, strict=True):
        _refuse_erased(resident, f"line {row.line}: ")
    residents = {one.id: one for one in named}
    fresh: list[Entry] = []
    done: list[int] = []
    for row, resident in zip(rows, named, strict=True):
        entry = _entry_of_row(row, resident, today_of(settings, resident, author.now), author.actor)
        line = posted.get(row.key)
        if line is None:
            fresh.append(entry)
        else:
            # What a way gives is the configuration's; it may have changed since the file was posted.
            wanted = replace(entry, coins=line.posted.entry.coins) if row.way else entry
            try:
                done += _posted_before(
                    line, wanted, replace(author, day=row.day), reader.survivors()
                ).done
            except PostedOtherwise as error:
                advice = "Give the row another key, or leave it out."
                raise PostedOtherwise(f"line {row.line}: {error.message}", advice=advice) from None
    if not author.allow_duplicate:
        _refuse_sent_twice(reader, fresh, rows, author.now)
    moves = _moves(reader, settings, fresh, residents)
    check_floors(moves)
    days = [entry.happened_on for entry in fresh] or [author.now.date()]
    plan = Plan.of(
        Purpose.DESK,
        Scope(0, min(days), max(days)),
        map(Post, fresh),
        basis=[KeyState(entry.key) for entry in fresh],
    )
    words = (f"{len(done)} of {len(rows)} rows are posted already",) if done else ()
    return Proposal(plan, moves, words if rows else ("the file has no rows",), tuple(done))


def find_at(line: int, find: Callable[[str], Resident], text: str) -> Resident:
    """Find the resident of a row; what goes wrong names the line."""
    where = f"line {line}, column resident"
    try:
        return find(text)
    except NotFound as error:
        raise NotFound(f"{where}: {error.message}; nothing written", advice=error.advice) from None
    except Ambiguous as error:
        raise Ambiguous(f"{where}: {error.message}; nothing written", error.candidates) from None


def _entry_of_row(row: ImportRow, resident: Resident, today: date, actor: str) -> Entry:
    reason = BY_WAY if row.way else OPENED if row.kind is Kind.OPENING else BY_HAND
    return Entry(
        row.key,
        1,
        resident.id,
        row.coins,
        row.kind,
        row.day or today,
        reason,
        actor,
        rule=row.way,
        note=row.reason,
    )


def _refuse_sent_twice(
    reader: Reader, fresh: Sequence[Entry], rows: Sequence[ImportRow], now: datetime
) -> None:
    """Rows that another file posted lately are named, all at once."""
    dated = {row.key for row in rows if row.day is not None}
    lines = {row.key: row.line for row in rows}
    since = utc_text(now - IMPORT_DUPLICATE_WITHIN)
    same: list[str] = []
    for entry in fresh:
        for line in reader.lines_posted_since(entry.resident, since):
            other = line.posted.entry
            alike = _content(other, line.note) == _content(
                entry, entry.note
            ) and other.key.startswith("csv:")
            if (
                alike
                and other.key not in lines
                and line.reversed_by is None
                and (entry.key not in dated or other.happened_on == entry.happened_on)
            ):
                same.append(f"line {lines[entry.key]} is likely entry {line.posted.n}")
                break
    if same:
        more = f" and {len(same) - 5} more" if len(same) > 5 else ""
        raise LikelyDuplicate(
            f"another file has posted the same: {', '.join(same[:5])}{more}; nothing written"
        )


# --- what is held ----------------------------------------------------------------------------------------------------


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
        question = _question_of(reader, settings, hold.key, hold.lesson, hold.resident)
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
        _moves(reader, settings, plan.entries, residents),
        words if holds else ("nothing is held",),
    )


def _titled(residents: Mapping[int, Resident], id: int) -> str:
    return f"#{id} {residents[id].name if id in residents else ''}".rstrip()


def _question_of(
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


# --- cards -----------------------------------------------------------------------------------------------------------


def merge(reader: Reader, card: Resident, into: Resident, author: Author) -> Proposal:
    """Plan that one card goes on as another: no coins move, they count together, and viewers come along."""
    survivors = reader.survivors()
    if card.id in survivors:
        raise CoinPolicy(
            f"#{card.id} is merged into #{survivors[card.id]} already; nothing written"
        )
    if survivors.get(into.id) == card.id:
        raise CoinPolicy(
            f"#{into.id} is merged into #{card.id} already; nothing written",
            advice=f'To turn it round: "coinsync residents unmerge {into.id}" first.',
        )
    into = _resident(reader, survivors.get(into.id, into.id))
    if card.id == into.id:
        raise UsageError(f"#{card.id} and #{into.id} are one card")
    for one in (card, into):
        _refuse_erased(one)
    before = next((one for one in reader.merges() if one.resident == card.id), None)
    there = {link.vk for link in reader.links_of([into.id])}
    moving = [link for link in reader.links_of([card.id]) if link.live]
    changes: list[Change] = [Put(replace(link, live=False), link) for link in moving]
    changes += [
        Put(Link(link.vk, into.id, LinkSource.MERGE)) for link in moving if link.vk not in there
    ]
    ever = (*(before.ever if before else ()), into.id)
    links = tuple(link.vk for link in moving)
    changes.append(Put(Merge(card.id, into.id, links, tuple(dict.fromkeys(ever))), before))
    balances = reader.balances([card.id, into.id])
    words = [
        f"#{card.id} {card.name} ({balances[card.id]}) goes on as #{into.id} {into.name} ({balances[into.id]}): "
        f"together {balances[card.id] + balances[into.id]}",
        _viewers_told([link.vk for link in moving], there),
    ]
    if card.presence is Presence.CLIENT:
        words.append(f"#{card.id} is still a client in the CRM; its lessons go on counting")
    return Proposal(_plan_of_facts(changes, author), words=tuple(words))


def _viewers_told(moving: Sequence[int], there: Collection[int]) -> str:
    """Say which viewers of a card begin to see the one that it goes on as."""
    fresh = [str(vk) for vk in moving if vk not in there]
    if fresh:
        return f"VK {', '.join(fresh)} will see it"
    return "its VK accounts are known there already" if moving else "no VK account is linked to it"


def unmerge(reader: Reader, card: Resident, author: Author) -> Proposal:
    """Plan that a merged card stands on its own again, with the viewers that it brought."""
    merged = next((one for one in reader.merges() if one.resident == card.id and one.into), None)
    if merged is None:
        raise CoinPolicy(f"#{card.id} is not merged into any other card; nothing written")
    others = {one.resident: one for one in reader.merges() if one.into and one.resident != card.id}
    survivors = survivors_of(others.values())
    into = _resident(reader, survivors.get(merged.into, merged.into))
    changes: list[Change] = [Put(replace(merged, into=0, links=()), merged)]
    changes += _viewers_back(reader, merged, others, into.id)
    balances = reader.balances([card.id, into.id], survivors=survivors)
    words = tuple(f"#{one.id} {one.name} has {balances[one.id]} on its own" for one in (card, into))
    for one in (card, into):
        if balances[one.id] < 0:
            raise NotEnoughCoins(
                f"#{one.id} {one.name} would have {balances[one.id]} coins on its own: they were spent together; "
                "nothing written"
            )
    return Proposal(_plan_of_facts(changes, author), words=words)


def _viewers_back(
    reader: Reader, merged: Merge, others: Mapping[int, Merge], head: int
) -> list[Change]:
    """Give a card the viewers back that it brought to others, from which those go who see them for its sake alone."""
    way = [merged.into]
    while way[-1] != head:
        way.append(others[way[-1]].into)
    links = {(link.vk, link.resident): link for link in reader.links_of([merged.resident, *way])}
    changes: list[Change] = []
    onward: dict[int, tuple[int, ...]] = {}
    for vk in merged.links:
        came_along = (vk, head) in links and all(vk in others[card].links for card in way[:-1])
        if not (came_along and links[vk, head].live):
            continue  # Who was revoked since stays so.
        if (vk, merged.resident) in links:
            mine = links[vk, merged.resident]
            changes.append(Put(replace(mine, live=True), mine))
        for card in way:
            by_others = any(
                one.into == card and vk in onward.get(one.resident, one.links)
                for one in others.values()
            )
            if links[vk, card].source is not LinkSource.MERGE or by_others:
                break
            changes.append(Drop(links[vk, card]))
            if card in others:
                onward[card] = tuple(
                    one for one in onward.get(card, others[card].links) if one != vk
                )
    return [
        *changes,
        *(Put(replace(others[card], links=left), others[card]) for card, left in onward.items()),
    ]


def erase(reader: Reader, resident: Resident, author: Author) -> Proposal:
    """Plan to forget who a resident is: names, links and notes go, numbers stay, and no reading brings them back."""
    cards = reader.cards_of(resident.id)
    changes: list[Change] = []
    for card in reader.recorded(Resident, cards):
        erased = Resident(card.id, "", Presence.ERASED, ())
        changes += [Put(erased, card)] if card != erased else []
    links, notes = reader.links_of(cards), reader.notes_of(cards)
    gone: list[Fact] = [*links, *reader.recorded(VkPage, cards), *notes]
    changes += [Drop(one) for one in gone]
    decisions = [one for one in reader.decisions_of(cards) if one.note]
    changes += [Put(replace(one, note=""), one) for one in decisions]
    changes += [
        Put(replace(one, links=()), one)
        for one in reader.merges()
        if one.resident in cards and one.links
    ]
    if not changes:
        return Proposal(_plan_of_facts((), author), words=(f"#{resident.id} is erased already",))
    words = (
        f"#{resident.id} {resident.name}: the name, {len(links)} VK links and {len(notes) + len(decisions)} notes go",
        f"{reader.balance(resident.id)} coins and every entry stay under the number; what the CRM says of this number"
        " is no longer taken",
        "backups and saved plans made before keep the name until they are thrown away",
    )
    return Proposal(_plan_of_facts(changes, author), words=words)


# --- links -----------------------------------------------------------------------------------------------------------


def link(reader: Reader, resident: Resident, vk: int, author: Author) -> Proposal:
    """Plan that a VK account may see a resident."""
    _refuse_erased(resident)
    before = next((one for one in reader.links_of([resident.id]) if one.vk == vk), None)
    others = [one for one in reader.residents_of_visitor(vk) if one.id != resident.id]
    if before is not None and before.live:
        return Proposal(
            _plan_of_facts((), author),
            words=(f"VK {vk} sees #{resident.id} {resident.name} already",),
        )
    words = [f"VK {vk} will see #{resident.id} {resident.name}"]
    if others:
        words.append("it also sees " + ", ".join(f"#{one.id} {one.name}" for one in others))
    if before is not None:
        words.append("this link was revoked before")
    return Proposal(
        _plan_of_facts([Put(Link(vk, resident.id, LinkSource.DESK), before)], author),
        words=tuple(words),
    )


def revoke(reader: Reader, resident: Resident, vk: int, author: Author) -> Proposal:
    """Plan that a VK account no longer sees a resident; it stays so whatever the CRM's card says."""
    before = next((one for one in reader.links_of([resident.id]) if one.vk == vk), None)
    if before is None:
        raise NotFound(
            f"VK {vk} has no link to #{resident.id} {resident.name}",
            advice='"coinsync links list" shows all links.',
        )
    if not before.live:
        return Proposal(
            _plan_of_facts((), author),
            words=(f"VK {vk} does not see #{resident.id} {resident.name} any more",),
        )
    words = (f"VK {vk} will no longer see #{resident.id} {resident.name}",)
    return Proposal(_plan_of_facts([Put(replace(before, live=False), before)], author), words=words)


def _plan_of_facts(changes: Iterable[Change], author: Author) -> Plan:
    return Plan.of(Purpose.DESK, scope_of(author.now.date()), changes)


def _resident(reader: Reader, id: int) -> Resident:
    found = reader.resident(id)
    if found is None:
        raise NotFound(f"resident #{id} is not recorded")
    return found


def _owner(reader: Reader, card: Resident) -> Resident:
    return _resident(reader, reader.survivors().get(card.id, card.id))
