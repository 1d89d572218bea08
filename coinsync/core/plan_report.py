"""A plan as a person is shown it, line by line. How the lines look is not said here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from coinsync.core.facts import (
    Attendance,
    Branch,
    Group,
    Lesson,
    LessonType,
    Link,
    Membership,
    Resident,
    VkPage,
)
from coinsync.core.ledger import Entry, Kind
from coinsync.core.plan import Change, Counts, Limits, Plan, Purpose, Put, Remark, RemarkKind, Scope
from coinsync.core.reasons import reason_text
from coinsync.core.rules import Reason

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

_SHORT = {
    Reason.TRIAL: "trial",
    Reason.MAKEUP: "make-up",
    Reason.TYPE_NOT_COUNTED: "type not counted",
    Reason.NO_RULE: "no rule",
    Reason.GUEST: "guest",
    Reason.NOT_SCHEDULED: "not scheduled",
    Reason.MEMBERSHIP_UNKNOWN: "membership unknown",
}


@dataclass(frozen=True, slots=True)
class Directory:
    """Names for numbers."""

    residents: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    types: Mapping[int, str] = field(default_factory=dict)
    branches: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Iterable[object]) -> Directory:
        """Take the names out of facts."""
        known = list(facts)
        return cls(
            {one.id: one.name for one in known if isinstance(one, Resident)},
            {one.id: one.name for one in known if isinstance(one, Group)},
            {one.id: one.name for one in known if isinstance(one, LessonType)},
            {one.id: one.name for one in known if isinstance(one, Branch)},
        )

    def joined(self, other: Directory) -> Directory:
        """This directory with ``other``'s names added over it."""
        return Directory(
            {**self.residents, **other.residents},
            {**self.groups, **other.groups},
            {**self.types, **other.types},
            {**self.branches, **other.branches},
        )

    def resident(self, id: int) -> str:
        """ "#207 Ада М.", or the number alone."""
        return f"#{id} {self.residents.get(id, '')}".rstrip()

    def lesson(self, lesson: Lesson) -> str:
        """Names of the lesson's groups, or of its type where it has none."""
        named = [self.groups.get(id, f"group {id}") for id in lesson.groups]
        return ", ".join(named) or self.types.get(lesson.type, f"type {lesson.type}")


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One line of a plan: a sign, a verb, the lesson, who, how many coins, and what is to be known.

    ``known`` lines say what earlier plans said already.
    """

    sign: str
    verb: str
    lesson: int | None = None
    day: date | None = None
    starts: str = ""
    title: str = ""
    who: str = ""
    coins: int = 0
    note: str = ""
    residents: tuple[int, ...] = ()
    known: bool = False


@dataclass(frozen=True, slots=True)
class PlanReport:
    """A plan as it is shown.

    ``unsafe`` names the guards that refuse it, ``likely`` what may lie behind that.
    """

    branch: int
    branch_name: str
    scope: Scope
    purpose: str
    digest: str
    lines: tuple[PlanLine, ...]
    people: tuple[str, ...]
    changes: int
    counts: Counts
    awards_posted: int
    limits: Limits
    unsafe: tuple[str, ...]
    likely: str
    reversals_posted_percent: float


def of_plan(
    plan: Plan, names: Directory, limits: Limits, branch_name: str, today: date
) -> PlanReport:
    """Show a plan: awards by lesson, everything that takes or holds coins by person."""
    lessons = {lesson.id: lesson for lesson in plan.lessons}
    write = _Lines(names, lessons, plan.remarks, today)
    lines = [
        *write.awards(entry for entry in plan.entries if entry.kind is Kind.AWARD),
        *(write.reversal(entry) for entry in plan.entries if entry.kind is Kind.REVERSAL),
        *(
            write.other(entry)
            for entry in plan.entries
            if entry.kind not in (Kind.AWARD, Kind.REVERSAL)
        ),
        *(write.held(remark) for remark in _of_kind(plan, RemarkKind.HOLD)),
        *write.rerates(_of_kind(plan, RemarkKind.RERATE)),
        *(write.unreadable(remark) for remark in _of_kind(plan, RemarkKind.UNREADABLE)),
        *write.unknown_types(_of_kind(plan, RemarkKind.TYPE_UNKNOWN)),
        *write.skips(_of_kind(plan, RemarkKind.SKIP)),
        *write.vk(_of_kind(plan, RemarkKind.VK)),
        *(write.merged(remark) for remark in _of_kind(plan, RemarkKind.MERGED)),
    ]
    posted = plan.evidence.awards_posted
    counts = plan.counts
    return PlanReport(
        branch=plan.scope.branch,
        branch_name=branch_name,
        scope=plan.scope,
        purpose=plan.purpose.value,
        digest=plan.digest,
        lines=tuple(lines),
        people=people_lines(plan.changes),
        changes=len(plan.changes),
        counts=counts,
        awards_posted=posted,
        limits=limits,
        unsafe=plan.check(limits),
        likely=likely_cause(plan, limits),
        reversals_posted_percent=100 * counts.reversals / posted if posted else 0.0,
    )


def likely_cause(plan: Plan, limits: Limits) -> str:
    """What may lie behind a plan that a guard refuses."""
    if (
        plan.purpose is Purpose.PEOPLE
        or plan.evidence.lessons_unasked
        or not plan.evidence.lessons_read
    ):
        return "the CRM answered wrongly, or its API user lost the right to this branch"
    if plan.counts.awarded > limits.coins_per_run_max:
        return "a rule has a wrong amount, or this is the first import of many days"
    return "many marks, lessons or rules were changed at once"


def people_lines(changes: Iterable[Change]) -> tuple[str, ...]:
    """What a plan records besides coins, in words: "12 new residents", "1 changed group"."""
    nouns = {
        Resident: ("resident", "residents"),
        Group: ("group", "groups"),
        LessonType: ("lesson type", "lesson types"),
        Branch: ("branch", "branches"),
        Membership: ("membership", "memberships"),
        Link: ("VK link", "VK links"),
        VkPage: ("answer of VK", "answers of VK"),
        Lesson: ("lesson", "lessons"),
        Attendance: ("attendance", "attendances"),
    }
    puts = [change for change in changes if isinstance(change, Put)]
    tally = Counter((type(change.new), change.old is None) for change in puts)
    return tuple(
        f"{tally[kind, new]} {'new' if new else 'changed'} {one if tally[kind, new] == 1 else many}"
        for kind, (one, many) in nouns.items()
        for new in (True, False)
        if tally[kind, new]
    )


def _of_kind(plan: Plan, kind: RemarkKind) -> list[Remark]:
    return [remark for remark in plan.remarks if remark.kind is kind]


@dataclass(frozen=True, slots=True)
class _Lines:
    names: Directory
    lessons: Mapping[int, Lesson]
    remarks: Sequence[Remark]
    today: date

    def awards(self, entries: Iterable[Entry]) -> list[PlanLine]:
        late = {(one.lesson, one.resident) for one in self.remarks if one.kind is RemarkKind.LATE}
        grouped = gathered(
            entries,
            lambda entry: (entry.happened_on, entry.lesson, (entry.lesson, entry.resident) in late),
        )
        return [self._award(list(group), late=key[2]) for key, group in grouped]

    def _award(self, entries: Sequence[Entry], *, late: bool) -> PlanLine:
        first = entries[0]
        many = len(entries) > 1
        days = (self.today - first.happened_on).days
        return self._line(
            "+",
            "award",
            first.lesson,
            who=f"{len(entries)} residents" if many else self.names.resident(first.resident),
            coins=sum(entry.coins for entry in entries),
            note=f"marked {days} day{'s' if days != 1 else ''} late" if late else "",
            residents=[entry.resident for entry in entries],
        )

    def reversal(self, entry: Entry) -> PlanLine:
        pairs = (
            (one.lesson, one.resident, one.other)
            for one in self.remarks
            if one.kind is RemarkKind.REPLACED
        )
        other = next(
            (new for old, who, new in pairs if (old, who) == (entry.lesson, entry.resident)), None
        )
        note = reason_text(entry.reason) + (f", replaced by lesson {other}" if other else "")
        return self._of_entry("-", "reverse", entry, note)

    def other(self, entry: Entry) -> PlanLine:
        return self._of_entry(
            "+" if entry.coins > 0 else "-", entry.kind.value, entry, reason_text(entry.reason)
        )

    def _of_entry(self, sign: str, verb: str, entry: Entry, note: str) -> PlanLine:
        who = self.names.resident(entry.resident)
        return self._line(
            sign,
            verb,
            entry.lesson,
            who=who,
            coins=entry.coins,
            note=note,
            residents=[entry.resident],
        )

    def held(self, remark: Remark) -> PlanLine:
        sure = remark.coins < 0 and remark.reason not in (
            Reason.NOT_MARKED,
            Reason.MEMBERSHIP_UNKNOWN,
        )
        note = reason_text(remark.reason) + (", the coins are spent" if sure else "")
        return self._of_remark("?", "hold", remark, note)

    def rerates(self, remarks: Sequence[Remark]) -> list[PlanLine]:
        grouped = gathered(remarks, lambda one: (one.lesson or 0, one.coins))
        return [
            self._line(
                "~",
                "rerate",
                lesson,
                who=_people(group, self.names),
                coins=sum(one.coins for one in group),
                note="the rules give this now; pass --rerate to post it",
                residents=[one.resident for one in group if one.resident],
            )
            for (lesson, _), group in grouped
        ]

    def unreadable(self, remark: Remark) -> PlanLine:
        fate = (
            "this card stays as it was"
            if remark.lesson is None
            else "held, neither paid nor taken back"
        )
        return self._of_remark(
            "!", "unreadable", remark, f"field {remark.detail} cannot be read: {fate}"
        )

    def unknown_types(self, remarks: Sequence[Remark]) -> list[PlanLine]:
        def type_of(remark: Remark) -> int:
            lesson = self.lessons.get(remark.lesson or 0)
            return lesson.type if lesson else 0

        return [
            PlanLine(
                "!",
                "type",
                title=f"{type_id} {self.names.types.get(type_id, '')}".strip(),
                note=f"nobody has classified this lesson type: {_some(group, 'resident')} in "
                f"{_some({one.lesson for one in group}, 'lesson')} got nothing; name it in [lessons] or in a rule",
            )
            for type_id, group in gathered(remarks, type_of)
        ]

    def skips(self, remarks: Sequence[Remark]) -> list[PlanLine]:
        lines = []
        for (lesson, known), group in gathered(remarks, lambda one: (one.lesson or 0, one.known)):
            reasons = Counter(_SHORT.get(Reason(one.reason), one.reason) for one in group)
            note = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
            residents = [one.resident for one in group if one.resident]
            lines.append(
                self._line(
                    ".",
                    "skip",
                    lesson,
                    who=_people(group, self.names),
                    note=note,
                    residents=residents,
                    known=known,
                )
            )
        return lines

    def vk(self, remarks: Sequence[Remark]) -> list[PlanLine]:
        words = {
            "screen_name": "give a screen name that VK was not asked about yet: not linked",
            "nobody": "give a screen name that nobody has: not linked",
            "gone": "name an account that was deleted or banned: not linked",
            "community": "name a community: not linked",
            "not_a_person": "name no person: not linked",
            "unreadable": "cannot be understood: not linked",
            "changed": "are not those that were linked: left as they were",
        }
        return [
            PlanLine(
                ".",
                "vk",
                who=_people(group, self.names),
                note=f"VK pages that {words.get(reason, reason)}",
                residents=tuple(one.resident for one in group if one.resident),
                known=known,
            )
            for (reason, known), group in gathered(remarks, lambda one: (one.reason, one.known))
        ]

    def merged(self, remark: Remark) -> PlanLine:
        heir = self.names.resident(remark.other or 0)
        command = f"coinsync residents merge {remark.resident} {remark.other}"
        note = (
            f"gone from the CRM, and {heir} stands in its lessons: the same child? Then: {command}"
        )
        return self._of_remark("!", "merge", remark, note)

    def _of_remark(self, sign: str, verb: str, remark: Remark, note: str) -> PlanLine:
        who = self.names.resident(remark.resident) if remark.resident else ""
        residents = [remark.resident] if remark.resident else []
        return self._line(
            sign,
            verb,
            remark.lesson,
            who=who,
            coins=remark.coins,
            note=note,
            residents=residents,
            known=remark.known,
        )

    def _line(
        self,
        sign: str,
        verb: str,
        lesson: int | None,
        *,
        who: str = "",
        coins: int = 0,
        note: str = "",
        residents: Sequence[int] = (),
        known: bool = False,
    ) -> PlanLine:
        line = PlanLine(
            sign,
            verb,
            lesson,
            who=who,
            coins=coins,
            note=note,
            residents=tuple(residents),
            known=known,
        )
        of = self.lessons.get(lesson) if lesson is not None else None
        return (
            replace(line, day=of.date, starts=of.starts, title=self.names.lesson(of))
            if of
            else line
        )


def gathered(items: Iterable[T], key: Callable[[T], K]) -> list[tuple[K, list[T]]]:
    """Gather items that share a key, in the order in which the keys first appear."""
    found: dict[K, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return list(found.items())


def _people(remarks: Sequence[Remark], names: Directory) -> str:
    if len(remarks) == 1 and remarks[0].resident is not None:
        return names.resident(remarks[0].resident)
    return _some(remarks, "resident")


def _some(things: Sized, noun: str) -> str:
    return f"{len(things)} {noun}{'s' if len(things) != 1 else ''}"
