"""Compare what the CRM says with what is recorded and posted; ``lessons`` decides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from operator import itemgetter

from coinsync.core.facts import (
    Attendance,
    Decision,
    Fact,
    Hold,
    Lesson,
    LessonRecord,
    Mark,
    Presence,
    Resident,
    Status,
)
from coinsync.core.ledger import KeyState, lesson_key
from coinsync.core.plan import Change, Drop, Evidence, Put, Remark, RemarkKind, puts
from coinsync.core.rules import Reason, Rulebook, Verdict, judge, judge_all

#: In the place of a field's path: the record came more than once, with unequal content.
COPIES = "copies"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded about the lessons at hand; ``vanished`` cards may have an heir.

    What is recorded of ``erased`` cards stays as it is, and nothing comes to it; ``survivors`` are
    the cards on which merged ones go on.
    """

    lesson_records: Mapping[int, LessonRecord] = field(default_factory=dict)
    key_states: Mapping[str, KeyState] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    residents: frozenset[int] = frozenset()
    vanished: frozenset[int] = frozenset()
    erased: frozenset[int] = frozenset()
    survivors: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WindowReading:
    """What a reading of one window brought; ``evidence`` is for the guards.

    ``gone`` are lessons that the CRM has no more, ``unreadable`` fields by lesson.
    """

    lesson_records: tuple[LessonRecord, ...]
    gone: tuple[int, ...] = ()
    unreadable: Mapping[int, str] = field(default_factory=dict)
    evidence: Evidence = field(default=Evidence())


@dataclass(frozen=True, slots=True)
class Difference:
    """Posted coins that are not what the rules give, or that wait.

    Where no facts changed, it comes of other rules or was held before.
    """

    lesson: Lesson
    resident: int
    verdict: Verdict
    state: KeyState
    hold: Hold | None
    facts_changed: bool = True


@dataclass(frozen=True, slots=True)
class Comparison:
    """Facts to record, and where the ledger differs from them.

    ``survivors`` are the cards on which merged ones go on, ``heirs`` the cards that stand in the
    place of those that are gone: perhaps the same children.
    """

    facts: tuple[Change, ...]
    differences: tuple[Difference, ...]
    remarks: tuple[Remark, ...]
    lessons: tuple[Lesson, ...]
    survivors: Mapping[int, int]
    heirs: Mapping[int, int]

    @property
    def losers(self) -> frozenset[int]:
        """Children who might lose coins, by their surviving cards: the balances must be known."""
        losers = set()
        for difference in self.differences:
            if difference.state.coins > difference.verdict.coins:
                losers.add(self.owner(difference.resident))
        return frozenset(losers)

    def owner(self, card: int) -> int:
        """The card on which the coins of a card count."""
        return self.survivors.get(card, card)


def compare(
    window: WindowReading,
    recorded: Recorded,
    rulebook: Rulebook,
    account: str,
    read_before: date | None,
) -> Comparison:
    """Find every new fact, and everybody whose coins are not as the rules say.

    ``account`` names the CRM in keys, ``read_before`` is the day of the last complete reading.
    """
    work = _Comparing(recorded, rulebook, account, read_before)
    window = _without_erased(window, recorded.erased)
    for lesson, path in window.unreadable.items():
        if path != COPIES:
            work.remarks.append(Remark(RemarkKind.UNREADABLE, "unreadable", lesson, detail=path))
    lessons = {}
    for record in (*window.lesson_records, *_gone_records(window, recorded)):
        work.take(record)
        lessons[record.lesson.id] = record.lesson
    for stranger in work.strangers:
        # A lesson may list somebody whom no list of residents shows. The entry needs a resident.
        work.facts.append(Put(Resident(stranger, "", Presence.GONE, ())))
    pairs = entered_twice(window.lesson_records)
    known_pairs = entered_twice(recorded.lesson_records.values()) if pairs else []
    for pair in pairs:
        lesson, first = pair
        known = pair in known_pairs
        work.remarks.append(Remark(RemarkKind.TWICE, "twice", lesson, other=first, known=known))
    return Comparison(
        tuple(work.facts),
        tuple(work.differences),
        tuple(work.remarks),
        tuple(lessons.values()),
        recorded.survivors,
        _heirs(window.lesson_records, recorded),
    )


@dataclass(slots=True)
class _Comparing:
    recorded: Recorded
    rulebook: Rulebook
    account: str
    read_before: date | None
    facts: list[Change] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    strangers: set[int] = field(default_factory=set)

    def take(self, read: LessonRecord) -> None:
        stored = self.recorded.lesson_records.get(read.lesson.id)
        erased = self.recorded.erased
        record = _with_the_removed(self._with_one_visit_each(read), stored, erased)
        if record != stored:
            self.facts += puts(_facts_of(record), _facts_of(stored))
        verdicts = judge_all(record, self.rulebook)
        for attendance, verdict in zip(record.attendance, verdicts, strict=True):
            if attendance.resident in erased:
                continue
            if attendance.resident not in self.recorded.residents:
                self.strangers.add(attendance.resident)
            self._weigh(record.lesson, attendance, verdict, stored)

    def _with_one_visit_each(self, record: LessonRecord) -> LessonRecord:
        # Several cards of one child in one lesson are one visit: one card is paid, and the others
        # are recorded under a mark of ours, so that what each is worth follows from the facts.
        survivors = self.recorded.survivors
        after = _by_resident(record)
        marks = {attendance.mark for attendance in record.attendance}
        if after.keys().isdisjoint(survivors) and Mark.OTHER_CARD not in marks:
            return record
        children = set()
        for visit in self._visits(record):
            card = visit.resident
            owner = survivors.get(card, card)
            after[card] = replace(visit, mark=Mark.OTHER_CARD) if owner in children else visit
            children.add(owner)
        return replace(record, attendance=tuple(after.values()))

    def _visits(self, record: LessonRecord) -> list[Attendance]:
        # All that earn something, those first that are paid before others.
        ranked = []
        for attendance in record.attendance:
            card = attendance.resident
            # What is recorded already is judged anew: the cards may have been parted since.
            if attendance.mark is Mark.OTHER_CARD:
                attendance = replace(attendance, mark=Mark.ATTENDED)
            verdict = judge(record.lesson, attendance, self.rulebook)
            if verdict.coins or verdict.held:
                # What is posted stays, or the coins would change cards with every merge. A card
                # whose award a person took back comes next: the other must not be paid instead.
                state = self._state(record.lesson, card)
                is_merged = card in self.recorded.survivors
                rank = (not state.coins, not state.seq, not verdict.coins, is_merged, card)
                ranked.append((rank, attendance))
        return [attendance for _, attendance in sorted(ranked, key=itemgetter(0))]

    def _state(self, lesson: Lesson, card: int) -> KeyState:
        key = lesson_key(self.account, lesson.id, card)
        return self.recorded.key_states.get(key) or KeyState(key)

    def _weigh(
        self, lesson: Lesson, attendance: Attendance, verdict: Verdict, stored: LessonRecord | None
    ) -> None:
        state = self._state(lesson, attendance.resident)
        hold = self.recorded.holds.get(state.key)
        decided = is_decided(self.recorded.decisions.get(state.key), state, verdict)
        if decided and hold is not None:
            # The facts changed and changed back: what was answered once answers this too.
            self.facts.append(Drop(hold))
            return
        agrees = verdict.coins == state.coins and not verdict.held
        if hold is None and (decided or agrees):
            if not verdict.coins:
                self._remark_unpaid(lesson, attendance, verdict, stored)
            return
        changed = self._facts_changed(attendance, verdict, stored)
        difference = Difference(lesson, attendance.resident, verdict, state, hold, changed)
        self.differences.append(difference)
        before = _by_resident(stored).get(attendance.resident)
        was_marked = before is not None and before.mark in (Mark.ATTENDED, Mark.OTHER_CARD)
        # On the day of the lesson itself a teacher may still be marking.
        is_late = stored and self.read_before and stored.lesson.date < self.read_before
        is_late = is_late and not was_marked
        if verdict.coins > state.coins and changed and is_late:
            self.remarks.append(Remark(RemarkKind.LATE, "late", lesson.id, attendance.resident))

    def _remark_unpaid(
        self, lesson: Lesson, attendance: Attendance, verdict: Verdict, stored: LessonRecord | None
    ) -> None:
        # Say which attended lessons earn nothing by their kind.
        was_there = attendance.mark in (Mark.ATTENDED, Mark.OTHER_CARD)
        if not was_there or lesson.status is not Status.CONDUCTED:
            return
        reason = verdict.reason
        kind = RemarkKind.TYPE_UNKNOWN if reason is Reason.TYPE_UNKNOWN else RemarkKind.SKIP
        known = stored is not None and stored.lesson == lesson and attendance in stored.attendance
        remark = Remark(kind, reason.value, lesson.id, attendance.resident, known=known)
        self.remarks.append(remark)

    def _facts_changed(
        self, attendance: Attendance, verdict: Verdict, stored: LessonRecord | None
    ) -> bool:
        # Where today's rules judge the recorded facts just like today's, no fact made the
        # difference.
        before = _by_resident(stored).get(attendance.resident)
        if stored is None or before is None:
            return True
        return judge(stored.lesson, before, self.rulebook) != verdict


def is_decided(decision: Decision | None, state: KeyState, verdict: Verdict) -> bool:
    """Whether a person settled exactly this: same coins, same reason."""
    if decision is None:
        return False
    answered = (decision.seq, decision.coins, decision.reason)
    return answered == (state.seq, state.coins, verdict.reason.value)


def _by_resident(record: LessonRecord | None) -> dict[int, Attendance]:
    return {attendance.resident: attendance for attendance in record.attendance} if record else {}


def _without_erased(window: WindowReading, erased: frozenset[int]) -> WindowReading:
    # The CRM goes on listing a child whose family asked to be forgotten here.
    if not erased:
        return window
    records = []
    for record in window.lesson_records:
        attendance = tuple(mark for mark in record.attendance if mark.resident not in erased)
        records.append(replace(record, attendance=attendance))
    return replace(window, lesson_records=tuple(records))


def _with_the_removed(
    record: LessonRecord, stored: LessonRecord | None, erased: frozenset[int]
) -> LessonRecord:
    # Residents whom a lesson listed once are kept: else their coins could not be found.
    if stored is None or stored.attendance == record.attendance:
        return record
    present = _by_resident(record)
    removed = []
    for attendance in stored.attendance:
        if attendance.resident in present:
            continue
        is_erased = attendance.resident in erased
        removed.append(attendance if is_erased else replace(attendance, mark=Mark.REMOVED))
    return replace(record, attendance=(*record.attendance, *removed))


def _facts_of(record: LessonRecord | None) -> tuple[Fact, ...]:
    return (record.lesson, *record.attendance) if record else ()


def _gone_records(window: WindowReading, recorded: Recorded) -> list[LessonRecord]:
    # Lessons gone now or before: their reversal may have been refused or held that night.
    read = {record.lesson.id for record in window.lesson_records}
    records = []
    for number, record in recorded.lesson_records.items():
        was_gone = record.lesson.status is Status.GONE and number not in read
        if was_gone or number in window.gone:
            lesson = replace(record.lesson, status=Status.GONE)
            records.append(replace(record, lesson=lesson))
    return records


def _heirs(records: Iterable[LessonRecord], recorded: Recorded) -> dict[int, int]:
    # AlfaCRM does not say that it merged two cards of one child: one is gone, the other stands in
    # the lessons of both. Only a single newcomer of all lessons is proposed.
    candidates: dict[int, set[int]] = {}
    for record in records:
        stored = recorded.lesson_records.get(record.lesson.id)
        if stored is None or stored.attendance == record.attendance:
            continue
        before, now = _listed(stored), _listed(record)
        newcomers = now - before
        if not newcomers:
            # Nobody is new: the heir may have stood beside the other card all along.
            continue
        for gone in (before - now) & recorded.vanished:
            candidates[gone] = candidates.get(gone, newcomers) & newcomers
    return {gone: min(heirs) for gone, heirs in candidates.items() if len(heirs) == 1}


def entered_twice(records: Iterable[LessonRecord]) -> list[tuple[int, int]]:
    """Conducted lessons of the same group, day, hour, type and pupils as an earlier one, with it.

    Both are paid, but one of them may be a slip of the office.
    """
    first_alike: dict[tuple[object, ...], int] = {}
    pairs = []
    for record in sorted(records, key=lambda record: record.lesson.id):
        lesson = record.lesson
        if lesson.status is not Status.CONDUCTED or not lesson.starts:
            continue
        pupils = frozenset(_listed(record))
        alike = (lesson.branch, lesson.date, lesson.starts, lesson.type, lesson.groups, pupils)
        if pupils:
            first = first_alike.setdefault(alike, lesson.id)
            if first != lesson.id:
                pairs.append((lesson.id, first))
    return pairs


def _listed(record: LessonRecord) -> set[int]:
    listed = _by_resident(record)
    return {id for id, attendance in listed.items() if attendance.mark is not Mark.REMOVED}
