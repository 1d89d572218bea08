"""From what the CRM says and what the ledger holds to the plan. Pure: equal inputs give equal plans.

Two kinds of plan: *people* (branches, lesson types, groups, residents, memberships, links: no coins) and *lessons*
(lessons, attendance, holds and all coins of one branch in one window).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from coinsync.core.facts import (
    ALWAYS,
    Attendance,
    Branch,
    Decision,
    Group,
    Hold,
    HoldKind,
    Lesson,
    LessonRecord,
    LessonType,
    Link,
    LinkSource,
    Mark,
    Membership,
    PageKind,
    Presence,
    Resident,
    Status,
    VkPage,
)
from coinsync.core.identity import VkKind, read_vk
from coinsync.core.ledger import FORGIVEN, Entry, KeyState, Kind, gift_key, lesson_key
from coinsync.core.plan import (
    Change,
    Drop,
    Evidence,
    Fact,
    Plan,
    Post,
    Purpose,
    Put,
    Remark,
    RemarkKind,
    Scope,
)
from coinsync.core.rules import UNCERTAIN, Reason, Rulebook, Verdict, judge

#: Who posts what the rules give.
SYSTEM = "sync"


# --- people ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class People:
    """Everybody and everything that a branch's lessons refer to.

    ``pages`` are VK's answers about screen names; ``merged`` are the cards that go on as others.
    """

    branches: tuple[Branch, ...] = ()
    types: tuple[LessonType, ...] = ()
    groups: tuple[Group, ...] = ()
    residents: tuple[Resident, ...] = ()
    memberships: tuple[Membership, ...] = ()
    links: tuple[Link, ...] = ()
    pages: tuple[VkPage, ...] = ()
    merged: frozenset[int] = frozenset()

    @property
    def closed(self) -> frozenset[int]:
        """The cards that get no more links: erased or merged."""
        return self.merged | {one.id for one in self.residents if one.presence is Presence.ERASED}


def plan_people(
    scope: Scope,
    read: People,
    known: People,
    *,
    read_before: date | None,
    unreadable: Mapping[int, str] | None = None,
    missed: Mapping[int, Collection[int]] | None = None,
) -> Plan:
    """Plan what to record of the people of one branch.

    ``read_before`` is the day of the last complete reading of this branch, None before the first. Nobody is removed:
    who is missing from a complete reading is recorded as gone, an ended membership keeps its days; an erased card stays
    erased. ``unreadable`` says of residents whose cards could not be read in which field, ``missed`` in which other
    branches they were missing just before.
    """
    erased = {one.id for one in known.residents if one.presence is Presence.ERASED}
    changes: list[Change] = []
    for fresh, stored in (
        (read.branches, known.branches),
        (read.types, known.types),
        (read.groups, known.groups),
    ):
        changes += _puts(fresh, stored)
    people = _with_the_missing(scope.branch, read.residents, known.residents, missed or {})
    changes += _puts((one for one in people if one.id not in erased), known.residents)
    changes += _membership_changes(
        memberships_after(
            read.memberships,
            known.memberships,
            scope.until,
            read_before,
            groups={group.id for group in read.groups},
        ),
        known.memberships,
    )
    links, remarks = _link_changes(read, known)
    remarks += [
        Remark(RemarkKind.UNREADABLE, "unreadable", resident=one, detail=path)
        for one, path in (unreadable or {}).items()
    ]
    evidence = _people_evidence(scope.branch, read, known)
    return Plan.of(Purpose.PEOPLE, scope, [*changes, *links], remarks=remarks, evidence=evidence)


def _people_evidence(branch: int, read: People, known: People) -> Evidence:
    """Count who and what was known in the branch, and how much of it the reading lacks."""
    here = {
        one.id
        for one in known.residents
        if branch in one.branches and one.presence is not Presence.GONE
    }
    groups = {group.id for group in read.groups}
    standing = {
        (one.resident, one.group)
        for one in known.memberships
        if one.until is None and one.group in groups
    }
    shown = {(one.resident, one.group) for one in read.memberships if one.group in groups}
    return Evidence(
        residents_known=len(here),
        residents_read=len(read.residents),
        residents_missing=len(here - {one.id for one in read.residents}),
        memberships_known=len(standing),
        memberships_read=len(shown),
        memberships_missing=len(standing - shown),
    )


def _puts(
    fresh: Iterable[Branch | LessonType | Group | Resident], stored: Iterable[Fact]
) -> list[Change]:
    before = {
        one.id: one for one in stored if isinstance(one, (Branch, LessonType, Group, Resident))
    }
    return [Put(one, before.get(one.id)) for one in fresh if before.get(one.id) != one]


def _with_the_missing(
    branch: int,
    read: Sequence[Resident],
    known: Sequence[Resident],
    missed: Mapping[int, Collection[int]],
) -> tuple[Resident, ...]:
    """Those who were read, and as gone those whom none of their branches shows any more."""
    present = {resident.id for resident in read}
    gone = (
        replace(resident, presence=Presence.GONE)
        for resident in known
        if resident.id not in present
        and branch in resident.branches
        and set(resident.branches) <= {branch, *missed.get(resident.id, ())}
    )
    return (*read, *gone)


def memberships_after(
    read: Sequence[Membership],
    known: Sequence[Membership],
    today: date,
    read_before: date | None,
    *,
    groups: Collection[int] | None = None,
) -> tuple[Membership, ...]:
    """Join the memberships that the CRM shows today with those that we remember.

    One without a start is dated from the last reading that did not show it; one that is no longer shown ended, unless
    it had an end, the day before it was missed. Only those of ``groups`` can be missed: another branch's are not read.
    """
    before: dict[tuple[int, int], list[Membership]] = {}
    for one in known:
        before.setdefault((one.resident, one.group), []).append(one)
    dated = [
        _dated(one, before.get((one.resident, one.group), ()), today, read_before) for one in read
    ]
    shown = {(one.resident, one.group, one.since): one for one in dated}
    ended = {
        (one.resident, one.group, one.since): replace(one, until=today - timedelta(days=1))
        for one in known
        if one.until is None and (groups is None or one.group in groups)
    }
    kept = {(one.resident, one.group, one.since): one for one in known}
    return tuple((kept | ended | shown).values())


def _dated(
    one: Membership, before: Iterable[Membership], today: date, read_before: date | None
) -> Membership:
    """Give a membership without a start that of the one we remember: still open, or with the same end."""
    if one.since != ALWAYS:
        return one
    same = [
        other.since
        for other in before
        if other.until is None or other.until >= today or other.until == one.until
    ]
    return replace(one, since=max(same, default=read_before or ALWAYS))


def _membership_changes(after: Iterable[Membership], known: Iterable[Membership]) -> list[Change]:
    before = {(one.resident, one.group, one.since): one for one in known}
    pairs = ((one, before.get((one.resident, one.group, one.since))) for one in after)
    return [Put(one, old) for one, old in pairs if one != old]


def names_to_ask(read: Iterable[Resident], known: People) -> dict[int, str]:
    """The screen names on cards that VK was not asked about yet, by resident; once asked, only a new text is."""
    asked = {(page.resident, page.name) for page in known.pages}
    closed = known.closed
    found = {one.id: read_vk(one.vk) for one in read if one.id not in closed}
    return {
        id: text.name
        for id, text in found.items()
        if text.kind is VkKind.SCREEN_NAME and (id, text.name) not in asked
    }


def _link_changes(read: People, known: People) -> tuple[list[Change], list[Remark]]:
    """Link residents who never had a link to the page on their card; what changed is reported, never linked anew."""
    linked: dict[int, set[int]] = {}
    for link in known.links:
        linked.setdefault(link.resident, set()).add(link.vk)
    told = {resident.id: resident.vk for resident in known.residents}
    before = {page.resident: page for page in known.pages}
    fresh = {page.resident: page for page in read.pages}
    changes: list[Change] = [Put(page, before.get(id)) for id, page in fresh.items()]
    remarks: list[Remark] = []
    closed = known.closed
    for resident in read.residents:
        if resident.id in closed:
            continue
        number, trouble = vk_number(resident.vk, fresh.get(resident.id) or before.get(resident.id))
        same = told.get(resident.id) == resident.vk and resident.id not in fresh
        if trouble:
            remarks.append(Remark(RemarkKind.VK, trouble, resident=resident.id, known=same))
        elif number and resident.id not in linked:
            changes.append(Put(Link(number, resident.id, LinkSource.CRM)))
        elif number and number not in linked[resident.id]:
            remarks.append(Remark(RemarkKind.VK, "changed", resident=resident.id, known=same))
    return changes, remarks


def vk_number(text: str, page: VkPage | None) -> tuple[int, str]:
    """The VK id that a card's text means, else 0, and why there is none; ("" and 0: the card says nothing)."""
    meaning = read_vk(text)
    if meaning.kind is VkKind.NUMBER:
        return meaning.number, ""
    if meaning.kind is VkKind.NOTHING:
        return 0, ""
    if meaning.kind is not VkKind.SCREEN_NAME or page is None or page.name != meaning.name:
        return 0, meaning.kind.value
    return (page.number, "") if page.kind is PageKind.PERSON else (0, page.kind.value)


# --- lessons ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded about the lessons at hand: rolls by lesson, stands, holds and decisions by key, and residents.

    ``vanished`` are residents whom the CRM no longer has, merged ones aside.
    """

    lesson_records: Mapping[int, LessonRecord] = field(default_factory=dict)
    key_states: Mapping[str, KeyState] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    residents: frozenset[int] = frozenset()
    vanished: frozenset[int] = frozenset()
    awards_posted: int = 0


@dataclass(frozen=True, slots=True)
class WindowReading:
    """What a reading of one branch and window brought: settled rolls, lessons that are gone, and the field of each
    that is not readable.
    """

    lesson_records: tuple[LessonRecord, ...]
    gone: tuple[int, ...] = ()
    unreadable: Mapping[int, str] = field(default_factory=dict)
    lessons_read: int = 0
    lessons_known: int = 0
    lessons_unasked: int = 0


class Cause(StrEnum):
    """Why the ledger differs from what the rules give."""

    FACTS = "facts"
    RULES = "rules"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Difference:
    """One (lesson, resident) whose posted coins are not what the rules give, or that waits for a person."""

    lesson: Lesson
    resident: int
    verdict: Verdict
    state: KeyState
    hold: Hold | None
    cause: Cause


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first half of planning: facts to record, and where the ledger differs from them."""

    facts: tuple[Change, ...]
    differences: tuple[Difference, ...]
    remarks: tuple[Remark, ...]
    lessons: tuple[Lesson, ...]

    @property
    def losers(self) -> frozenset[int]:
        """The residents from whom coins might go, whose balances the second half must know."""
        return frozenset(
            one.resident for one in self.differences if one.state.coins > one.verdict.coins
        )


def compare(
    window: WindowReading,
    recorded: Recorded,
    rulebook: Rulebook,
    account: str,
    read_before: date | None,
) -> Comparison:
    """Find every (lesson, resident) whose coins are not as the rules say, and every fact that is new."""
    facts: list[Change] = []
    differences: list[Difference] = []
    remarks = [
        Remark(RemarkKind.UNREADABLE, "unreadable", lesson, detail=path)
        for lesson, path in window.unreadable.items()
    ]
    strangers: set[int] = set()
    gone = _gone_records(window, recorded, account)
    for record in (*window.lesson_records, *gone):
        stored = recorded.lesson_records.get(record.lesson.id)
        whole = _with_the_removed(record, stored)
        facts += _record_changes(whole, stored)
        strangers.update(
            one.resident for one in whole.attendance if one.resident not in recorded.residents
        )
        # Of one lesson, equal marks and standings are worth the same.
        kinds = {(one.mark, one.standing): one for one in whole.attendance}
        verdicts = {kind: judge(whole.lesson, one, rulebook) for kind, one in kinds.items()}
        for one in whole.attendance:
            verdict = verdicts[one.mark, one.standing]
            key = lesson_key(account, whole.lesson.id, one.resident)
            state, hold = recorded.key_states.get(key, KeyState(key)), recorded.holds.get(key)
            decided = is_decided(recorded.decisions.get(key), state, verdict)
            if hold is None and (decided or (verdict.coins == state.coins and not verdict.held)):
                remarks += _plain_remarks(whole.lesson, one, verdict, stored)
                continue
            if hold is not None and decided:
                facts.append(Drop(hold))
                continue
            cause = _cause(one, verdict, stored, hold, rulebook)
            differences.append(Difference(whole.lesson, one.resident, verdict, state, hold, cause))
            if (
                cause is Cause.FACTS
                and verdict.coins > state.coins
                and _is_late(stored, read_before)
            ):
                remarks.append(Remark(RemarkKind.LATE, "late", whole.lesson.id, one.resident))
    facts += [Put(Resident(stranger, "", Presence.GONE, ())) for stranger in strangers]
    remarks += _merged(window.lesson_records, recorded)
    lessons = {record.lesson.id: record.lesson for record in (*window.lesson_records, *gone)}
    return Comparison(tuple(facts), tuple(differences), tuple(remarks), tuple(lessons.values()))


def is_decided(decision: Decision | None, state: KeyState, verdict: Verdict) -> bool:
    """Tell whether a person has settled exactly this question: these coins, against this reason of the rules."""
    return decision is not None and (
        (decision.seq, decision.coins, decision.reason)
        == (state.seq, state.coins, verdict.reason.value)
    )


def _merged(lesson_records: Iterable[LessonRecord], recorded: Recorded) -> list[Remark]:
    """Propose to merge a card that vanished with the one that took its place in each of its lessons."""
    heirs: dict[int, set[int]] = {}
    for record in lesson_records:
        stored = recorded.lesson_records.get(record.lesson.id)
        if stored is None:
            continue
        before = {one.resident for one in stored.attendance if one.mark is not Mark.REMOVED}
        now = {one.resident for one in record.attendance}
        # Where nobody is new, the heir may have stood beside the other card all along.
        for gone in (before - now) & recorded.vanished if now - before else ():
            heirs[gone] = heirs.get(gone, now - before) & (now - before)
    return [
        Remark(RemarkKind.MERGED, "merged", resident=gone, other=heir)
        for gone, (heir, *others) in (
            (gone, sorted(found)) for gone, found in heirs.items() if found
        )
        if not others
    ]


def _gone_records(window: WindowReading, recorded: Recorded, account: str) -> list[LessonRecord]:
    """The lessons that are gone now, and those gone before of which something is still held or posted."""
    read = {record.lesson.id for record in window.lesson_records}
    before = (
        id
        for id, record in recorded.lesson_records.items()
        if record.lesson.status is Status.GONE
        and id not in read
        and _is_open(record, recorded, account)
    )
    lesson_records = (
        recorded.lesson_records[lesson] for lesson in dict.fromkeys((*window.gone, *before))
    )
    return [
        replace(record, lesson=replace(record.lesson, status=Status.GONE))
        for record in lesson_records
    ]


def _is_open(record: LessonRecord, recorded: Recorded, account: str) -> bool:
    keys = (lesson_key(account, record.lesson.id, one.resident) for one in record.attendance)
    return any(
        key in recorded.holds or (key in recorded.key_states and recorded.key_states[key].coins)
        for key in keys
    )


def _with_the_removed(record: LessonRecord, stored: LessonRecord | None) -> LessonRecord:
    """Keep the residents whom a lesson listed once, marked as removed."""
    if stored is None:
        return record
    present = {one.resident for one in record.attendance}
    removed = (
        replace(one, mark=Mark.REMOVED) for one in stored.attendance if one.resident not in present
    )
    return replace(record, attendance=(*record.attendance, *removed))


def _record_changes(record: LessonRecord, stored: LessonRecord | None) -> list[Change]:
    before = {one.resident: one for one in stored.attendance} if stored else {}
    old = stored.lesson if stored else None
    changes: list[Change] = [] if record.lesson == old else [Put(record.lesson, old)]
    changes += [
        Put(one, before.get(one.resident))
        for one in record.attendance
        if before.get(one.resident) != one
    ]
    return changes


def _plain_remarks(
    lesson: Lesson, one: Attendance, verdict: Verdict, stored: LessonRecord | None
) -> list[Remark]:
    """Say which attended lessons earn nothing by their kind, and whether that is news; absences are none."""
    if one.mark is not Mark.ATTENDED or verdict.coins or lesson.status is not Status.CONDUCTED:
        return []
    kind = RemarkKind.TYPE_UNKNOWN if verdict.reason is Reason.TYPE_UNKNOWN else RemarkKind.SKIP
    known = stored is not None and stored.lesson == lesson and one in stored.attendance
    return [Remark(kind, verdict.reason.value, lesson.id, one.resident, known=known)]


def _cause(
    one: Attendance,
    verdict: Verdict,
    stored: LessonRecord | None,
    hold: Hold | None,
    rulebook: Rulebook,
) -> Cause:
    """Tell changed facts from changed rules: where today's rules judge the recorded facts alike, the rules did it."""
    if stored is None:
        return Cause.FACTS
    was = next((known for known in stored.attendance if known.resident == one.resident), None)
    if was is None or judge(stored.lesson, was, rulebook) != verdict:
        return Cause.FACTS
    return Cause.HELD if hold is not None else Cause.RULES


def _is_late(stored: LessonRecord | None, read_before: date | None) -> bool:
    """A mark is late when an earlier reading saw the lesson without it, the day after the lesson or later."""
    return stored is not None and read_before is not None and stored.lesson.date < read_before


@dataclass(slots=True)
class _Ledgering:
    """The second half of planning under way: what to post, hold and say, and how much each resident can still lose."""

    available: dict[int, int]
    survivors: Mapping[int, int]
    rerate: bool
    changes: list[Change] = field(default_factory=list)
    basis: list[KeyState] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def plan_lessons(
    scope: Scope,
    found: Comparison,
    *,
    balances: Mapping[int, int],
    evidence: Evidence,
    survivors: Mapping[int, int] | None = None,
    rerate: bool = False,
) -> Plan:
    """Plan the coins for what ``compare`` found; ``balances`` must hold every one of its ``losers``.

    ``survivors`` names the card on which a merged one goes on; ``balances`` are those of such cards.
    Gains come first, so that a lesson entered anew pays for the reversal of the one it replaces. A reversal that would
    take a balance below zero is held; so is one whose only ground is that something is not known. Differences that
    only the rules explain move nothing unless ``rerate``.
    """
    work = _Ledgering(dict(balances), survivors or {}, rerate)
    ordered = sorted(
        found.differences, key=lambda one: (one.lesson.date, one.lesson.id, one.resident)
    )
    for one in ordered:
        if one.verdict.coins >= one.state.coins:
            _gain(work, one)
    for one in ordered:
        if one.verdict.coins < one.state.coins:
            _loss(work, one)
    remarks = [*found.remarks, *work.remarks, *_replaced(work.changes, found.lessons)]
    named = {remark.lesson for remark in remarks}
    named |= {change.entry.lesson for change in work.changes if isinstance(change, Post)}
    return Plan.of(
        Purpose.LESSONS,
        scope,
        [*found.facts, *work.changes],
        basis=work.basis,
        remarks=remarks,
        lessons=[lesson for lesson in found.lessons if lesson.id in named],
        evidence=evidence,
    )


def _gain(work: _Ledgering, one: Difference) -> None:
    owed = one.verdict.coins - one.state.coins
    if owed and one.cause is not Cause.FACTS and not work.rerate:
        work.remarks.append(_remark(RemarkKind.RERATE, one, owed))
    elif one.verdict.held and not one.state.coins:
        _keep_held(work, one, HoldKind.GUEST, one.verdict.held)
    else:
        if one.hold is not None:
            work.changes.append(Drop(one.hold))
        if owed:
            _post(work, one)
            owner = work.survivors.get(one.resident, one.resident)
            work.available[owner] = work.available.get(owner, 0) + owed


def _loss(work: _Ledgering, one: Difference) -> None:
    lost, owner = (
        one.state.coins - one.verdict.coins,
        work.survivors.get(one.resident, one.resident),
    )
    if one.cause is Cause.RULES and not work.rerate:
        work.remarks.append(_remark(RemarkKind.RERATE, one, -lost))
    elif one.cause is Cause.HELD or one.verdict.reason in UNCERTAIN or work.available[owner] < lost:
        _keep_held(work, one, HoldKind.REVERSAL, -lost)
    else:
        if one.hold is not None:
            work.changes.append(Drop(one.hold))
        _post(work, one)
        work.available[owner] -= lost


class Ruling(StrEnum):
    """What a person may say about something held."""

    POST = "post"
    FORGIVE = "forgive"
    WAIVE = "waive"


@dataclass(frozen=True, slots=True)
class Question:
    """A held difference with what was decided about its key before."""

    difference: Difference
    before: Decision | None


def plan_review(
    questions: Iterable[Question],
    ruling: Ruling,
    *,
    actor: str,
    note: str,
    today: date,
    erased: Collection[int] = (),
) -> Plan:
    """Plan what a person's word does to what is held; of residents who are ``erased`` no note is kept.

    *Post* does what the rules give, or pays a visit that they leave open; *forgive* takes the award back and gives the
    same coins as a gift; *waive* leaves the coins as they are. What then still differs from the rules is a decision.
    """
    work = _Ledgering({}, {}, rerate=True)
    for question in questions:
        one = question.difference
        if one.hold is not None:
            work.changes.append(Drop(one.hold))
        seq, coins = one.state.seq, one.state.coins
        if ruling is Ruling.WAIVE:
            work.basis.append(one.state)
        else:
            visit = (
                one.verdict.held if one.hold is not None and one.hold.kind is HoldKind.GUEST else 0
            )
            agreed = replace(one.verdict, coins=one.verdict.coins + visit)
            if agreed.coins == coins:
                # The rules changed since it was held, and now give what is posted: nothing moves.
                work.basis.append(one.state)
            else:
                _post(work, replace(one, verdict=agreed))
                seq, coins = seq + bool(coins) + bool(agreed.coins), agreed.coins
        if ruling is Ruling.FORGIVE and coins < one.state.coins:
            _give_back(work, one)
        if coins != one.verdict.coins or one.verdict.held:
            decided = Decision(
                one.state.key,
                one.lesson.id,
                one.resident,
                seq,
                coins,
                one.verdict.reason.value,
                actor,
                today,
                "" if one.resident in erased else note,
            )
            work.changes.append(Put(decided, question.before))
    changes = [
        _signed(change, actor, "" if change.subject.resident in erased else note)
        if isinstance(change, Post)
        else change
        for change in work.changes
    ]
    return Plan.of(Purpose.REVIEW, Scope(0, today, today), changes, basis=work.basis)


def _give_back(work: _Ledgering, one: Difference) -> None:
    """Give what a reversal takes, as a gift that anybody can see."""
    key = gift_key(one.state.award or 0)
    lost = one.state.coins - one.verdict.coins
    work.basis.append(KeyState(key))
    work.changes.append(
        Post(
            Entry(
                key,
                1,
                one.resident,
                lost,
                Kind.GIFT,
                one.lesson.date,
                FORGIVEN,
                SYSTEM,
                lesson=one.lesson.id,
            )
        )
    )


def _signed(change: Post, actor: str, note: str) -> Post:
    """The same entry under the name and with the words of the person who decided."""
    return Post(replace(change.entry, actor=actor, note=note))


def _keep_held(work: _Ledgering, one: Difference, kind: HoldKind, coins: int) -> None:
    hold = Hold(
        one.state.key,
        kind,
        one.lesson.branch,
        one.lesson.id,
        one.resident,
        one.lesson.date,
        coins,
        one.verdict.reason.value,
    )
    if hold != one.hold:
        work.changes.append(Put(hold, one.hold))
    work.remarks.append(_remark(RemarkKind.HOLD, one, coins, known=hold == one.hold))


def _post(work: _Ledgering, one: Difference) -> None:
    """Post the reversal of what stands, if anything does, and the award that is due, if any is."""
    work.basis.append(one.state)
    seq = one.state.seq
    if one.state.coins:
        seq += 1
        work.changes.append(
            Post(
                _entry(
                    one,
                    seq,
                    -one.state.coins,
                    Kind.REVERSAL,
                    one.verdict.reason.value,
                    one.state.award,
                )
            )
        )
    if one.verdict.coins:
        work.changes.append(
            Post(_entry(one, seq + 1, one.verdict.coins, Kind.AWARD, "lesson", None))
        )


def _entry(
    one: Difference, seq: int, coins: int, kind: Kind, reason: str, reverses: int | None
) -> Entry:
    return Entry(
        key=one.state.key,
        seq=seq,
        resident=one.resident,
        coins=coins,
        kind=kind,
        happened_on=one.lesson.date,
        reason="rate_changed" if reason == Reason.PAID else reason,
        actor=SYSTEM,
        rule=one.verdict.rule,
        lesson=one.lesson.id,
        reverses=reverses,
    )


def _remark(kind: RemarkKind, one: Difference, coins: int, *, known: bool = False) -> Remark:
    return Remark(kind, one.verdict.reason.value, one.lesson.id, one.resident, coins, known=known)


def _replaced(changes: Iterable[Change], lessons: Iterable[Lesson]) -> list[Remark]:
    """Pair the reversal of a lesson that is gone with the award of one entered anew: same resident, groups and day."""
    by_id = {lesson.id: lesson for lesson in lessons}
    entries = [change.entry for change in changes if isinstance(change, Post)]
    awarded: dict[tuple[int, date, tuple[int, ...]], list[int]] = {}
    for entry in entries:
        if entry.kind is Kind.AWARD and entry.lesson in by_id:
            awarded.setdefault(
                (entry.resident, entry.happened_on, by_id[entry.lesson].groups), []
            ).append(entry.lesson)
    remarks = []
    for entry in entries:
        if (
            entry.kind is Kind.REVERSAL
            and entry.reason == Reason.LESSON_GONE
            and entry.lesson in by_id
        ):
            others = awarded.get((entry.resident, entry.happened_on, by_id[entry.lesson].groups))
            if others:
                remarks.append(
                    Remark(
                        RemarkKind.REPLACED,
                        "replaced",
                        entry.lesson,
                        entry.resident,
                        entry.coins,
                        others.pop(0),
                    )
                )
    return remarks
