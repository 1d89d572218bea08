"""A plan as a person is shown it, line by line, as values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import TypeVar

from coinsync.core import facts
from coinsync.core.directory import Directory
from coinsync.core.facts import Lesson
from coinsync.core.ledger import Entry, Kind
from coinsync.core.plan import Change, Counts, Limits, Plan, Purpose, Put, Remark, RemarkKind, Scope
from coinsync.core.reasons import reason_text
from coinsync.core.rules import Reason

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

#: Why an attended lesson earns nothing, in few words.
SHORT_REASONS: Mapping[str, str] = {
    Reason.TRIAL: "trial",
    Reason.MAKEUP: "make-up",
    Reason.TYPE_NOT_COUNTED: "type not counted",
    Reason.NO_RULE: "no rule",
    Reason.GUEST: "guest",
    Reason.NOT_SCHEDULED: "not scheduled",
    Reason.MEMBERSHIP_UNKNOWN: "membership unknown",
}

#: What happened to the VK pages of cards, by the reason of a remark.
_VK_WORDS = {
    "screen_name": "give a screen name that VK was not asked about yet: not linked",
    "nobody": "give a screen name that nobody has: not linked",
    "gone": "name an account that was deleted or banned: not linked",
    "community": "name a community: not linked",
    "not_a_person": "name no person: not linked",
    "unreadable": "cannot be understood: not linked",
    "changed": "are not those that were linked: left as they were",
}

#: What a plan records besides coins: one of it and many.
_NOUNS = {
    facts.Resident: ("resident", "residents"),
    facts.Group: ("group", "groups"),
    facts.LessonType: ("lesson type", "lesson types"),
    facts.Branch: ("branch", "branches"),
    facts.Membership: ("membership", "memberships"),
    facts.Link: ("VK link", "VK links"),
    facts.VkPage: ("answer of VK", "answers of VK"),
    facts.Lesson: ("lesson", "lessons"),
    facts.Attendance: ("attendance", "attendances"),
}


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One line of a plan; ``known`` ones say what earlier plans said already.

    ``type`` is the number and the name of the lesson's type.
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
    type: str = ""


@dataclass(frozen=True, slots=True)
class PlanReport:
    """A plan as it is shown; ``unsafe`` names the guards that refuse it, ``likely`` the cause.

    ``skipped`` counts attended lessons that earn nothing, by reason; ``requests`` is how many
    calls the reading took.
    """

    branch: int
    branch_name: str
    zone: str
    requests: int
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
    skipped: Mapping[str, int] = field(default_factory=dict)


def totals_of(reports: Iterable[PlanReport]) -> Counts:
    """Add the plans of a run up."""
    sums: Counter[str] = Counter()
    for report in reports:
        sums.update(asdict(report.counts))
    return Counts(**sums)


def of_plan(
    plan: Plan,
    names: Directory,
    limits: Limits,
    branch: tuple[str, str],
    today: date,
    requests: int = 0,
) -> PlanReport:
    """Show a plan; ``branch`` is its name and its zone."""
    branch_name, zone = branch
    counts = plan.counts
    awards_posted = plan.evidence.awards_posted
    percent = 100 * counts.reversals / awards_posted if awards_posted else 0.0
    return PlanReport(
        branch=plan.scope.branch,
        branch_name=branch_name,
        zone=zone,
        requests=requests,
        scope=plan.scope,
        purpose=plan.purpose.value,
        digest=plan.digest,
        lines=tuple(_LineWriter(plan, names, today).lines()),
        people=tuple(_people_lines(plan.changes)),
        changes=len(plan.changes),
        counts=counts,
        awards_posted=awards_posted,
        limits=limits,
        unsafe=plan.check(limits),
        likely=_likely_cause(plan, limits),
        reversals_posted_percent=percent,
        skipped=Counter(remark.reason for remark in plan.remarks if remark.kind is RemarkKind.SKIP),
    )


def _likely_cause(plan: Plan, limits: Limits) -> str:
    evidence = plan.evidence
    is_people = plan.purpose is Purpose.PEOPLE
    if is_people or evidence.lessons_unasked or not evidence.lessons_read:
        return "the CRM answered wrongly, or its API user lost the right to this branch"
    if plan.counts.awarded > limits.coins_per_run_max:
        return "a rule has a wrong amount, or this is the first import of many days"
    return "many marks, lessons or rules were changed at once"


def _people_lines(changes: Iterable[Change]) -> Iterator[str]:
    counts: Counter[tuple[type, str]] = Counter()
    for change in changes:
        if isinstance(change, Put):
            counts[type(change.new), "new" if change.old is None else "changed"] += 1
    for kind, nouns in _NOUNS.items():
        for word in ("new", "changed"):
            count = counts[kind, word]
            if count:
                yield f"{count} {word} {nouns[count > 1]}"


def gathered(items: Iterable[T], key: Callable[[T], K]) -> list[tuple[K, list[T]]]:
    """Items by key, in the order in which the keys first appear."""
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())


class _LineWriter:
    def __init__(self, plan: Plan, names: Directory, today: date) -> None:
        self._names = names
        self._today = today
        self._entries = plan.entries
        self._remarks = dict(gathered(plan.remarks, lambda remark: remark.kind))
        self._lessons = {lesson.id: lesson for lesson in plan.lessons}

    def lines(self) -> list[PlanLine]:
        """What gives coins, what takes them, and what only is to be known."""
        lines = self._awards()
        others = []
        for entry in self._entries:
            if entry.kind is Kind.REVERSAL:
                lines.append(self._of_entry("-", "reverse", entry))
            elif entry.kind is not Kind.AWARD:
                sign = "+" if entry.coins > 0 else "-"
                others.append(self._of_entry(sign, entry.kind.value, entry))
        lines += others
        lines += map(self._hold, self._of_kind(RemarkKind.HOLD))
        lines += self._rerates()
        lines += map(self._unreadable, self._of_kind(RemarkKind.UNREADABLE))
        lines += self._unknown_types()
        lines += self._skips()
        lines += self._vk()
        lines += map(self._merged, self._of_kind(RemarkKind.MERGED))
        return lines

    def _of_kind(self, kind: RemarkKind) -> list[Remark]:
        return self._remarks.get(kind, [])

    def _awards(self) -> list[PlanLine]:
        late = {(remark.lesson, remark.resident) for remark in self._of_kind(RemarkKind.LATE)}

        def line_of(award: Entry) -> tuple[date, int | None, bool]:
            is_late = (award.lesson, award.resident) in late
            return (award.happened_on, award.lesson, is_late)

        awards = [entry for entry in self._entries if entry.kind is Kind.AWARD]
        lines = []
        for (day, lesson, is_late), group in gathered(awards, line_of):
            days = (self._today - day).days
            residents = [award.resident for award in group]
            coins = sum(award.coins for award in group)
            note = f"marked {_counted(days, 'day')} late" if is_late else ""
            lines.append(self._line("+", "award", lesson, residents, coins, note))
        return lines

    def _hold(self, remark: Remark) -> PlanLine:
        note = reason_text(remark.reason)
        unsure = (Reason.NOT_MARKED, Reason.MEMBERSHIP_UNKNOWN)
        if remark.coins < 0 and remark.reason not in unsure:
            # Everything that is known would take the coins, so it waits because they are gone.
            note += ", the coins are spent"
        return self._of_remarks("?", "hold", [remark], note)

    def _rerates(self) -> list[PlanLine]:
        remarks = self._of_kind(RemarkKind.RERATE)
        groups = gathered(remarks, lambda remark: (remark.lesson, remark.coins))
        note = "the rules give this now; pass --rerate to post it"
        return [self._of_remarks("~", "rerate", group, note) for _, group in groups]

    def _unreadable(self, remark: Remark) -> PlanLine:
        card, lesson = "this card stays as it was", "held, neither paid nor taken back"
        fate = card if remark.lesson is None else lesson
        note = f"field {remark.detail} cannot be read: {fate}"
        return self._of_remarks("!", "unreadable", [remark], note)

    def _unknown_types(self) -> list[PlanLine]:
        def type_of(remark: Remark) -> str:
            return self._type(self._lessons[remark.lesson]) if remark.lesson else ""

        lines = []
        for title, group in gathered(self._of_kind(RemarkKind.TYPE_UNKNOWN), type_of):
            residents = _counted(len(group), "resident")
            lessons = _counted(len({remark.lesson for remark in group}), "lesson")
            note = (
                f"nobody has classified this lesson type: {residents} in {lessons} got nothing; "
                "name it in [lessons] or in a rule"
            )
            visitors = tuple(remark.resident or 0 for remark in group)
            lines.append(PlanLine("!", "type", title=title, note=note, residents=visitors))
        return lines

    def _type(self, lesson: Lesson) -> str:
        return f"{lesson.type} {self._names.types.get(lesson.type, '')}".rstrip()

    def _skips(self) -> list[PlanLine]:
        remarks = self._of_kind(RemarkKind.SKIP)
        lines = []
        for _, group in gathered(remarks, lambda remark: (remark.lesson, remark.known)):
            reasons: Counter[str] = Counter()
            for remark in group:
                reasons[SHORT_REASONS.get(remark.reason, remark.reason)] += 1
            note = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
            lines.append(self._of_remarks(".", "skip", group, note))
        return lines

    def _vk(self) -> list[PlanLine]:
        remarks = self._of_kind(RemarkKind.VK)
        lines = []
        for (reason, _), group in gathered(remarks, lambda remark: (remark.reason, remark.known)):
            note = f"VK pages that {_VK_WORDS.get(reason, reason)}"
            lines.append(self._of_remarks(".", "vk", group, note))
        return lines

    def _merged(self, remark: Remark) -> PlanLine:
        other = self._names.resident(remark.other or 0)
        command = f"coinsync residents merge {remark.resident} {remark.other}"
        note = (
            f"gone from the CRM, and {other} stands in its lessons: the same child? Then: {command}"
        )
        return self._of_remarks("!", "merge", [remark], note)

    def _of_entry(self, sign: str, verb: str, entry: Entry) -> PlanLine:
        note = reason_text(entry.reason)
        if entry.kind is Kind.REVERSAL:
            for remark in self._of_kind(RemarkKind.REPLACED):
                if (remark.lesson, remark.resident) == (entry.lesson, entry.resident):
                    note += f", replaced by lesson {remark.other}"
                    break
        return self._line(sign, verb, entry.lesson, [entry.resident], entry.coins, note)

    def _of_remarks(self, sign: str, verb: str, group: Sequence[Remark], note: str) -> PlanLine:
        residents = [remark.resident for remark in group if remark.resident]
        coins = sum(remark.coins for remark in group)
        return self._line(sign, verb, group[0].lesson, residents, coins, note, group[0].known)

    def _line(
        self,
        sign: str,
        verb: str,
        lesson_id: int | None,
        residents: Sequence[int],
        coins: int,
        note: str,
        known: bool = False,
    ) -> PlanLine:
        line = PlanLine(
            sign,
            verb,
            lesson_id,
            who=self._who(residents),
            coins=coins,
            note=note,
            residents=tuple(residents),
            known=known,
        )
        lesson = self._lessons.get(lesson_id or 0)
        if lesson is None:
            return line
        title, type_ = self._names.lesson(lesson), self._type(lesson)
        return replace(line, day=lesson.date, starts=lesson.starts, title=title, type=type_)

    def _who(self, residents: Sequence[int]) -> str:
        if len(residents) == 1:
            return self._names.resident(residents[0])
        return _counted(len(residents), "resident") if residents else ""


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
