"""A plan as a person is shown it, line by line, as values."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from operator import attrgetter
from typing import TypeVar

from coinsync.core import facts
from coinsync.core.directory import Directory
from coinsync.core.facts import Lesson
from coinsync.core.ledger import Entry, Kind
from coinsync.core.people_report import VK_PROBLEMS
from coinsync.core.plan import (
    Change,
    Counts,
    Drop,
    Limits,
    Plan,
    Purpose,
    Put,
    Remark,
    RemarkKind,
    Scope,
)
from coinsync.core.planning.doubts import doubt_text
from coinsync.core.reasons import reason_text
from coinsync.core.rules import Reason
from coinsync.staff_texts import counted

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

#: Why an attended lesson earns nothing, in few words.
SHORT_REASONS: Mapping[str, str] = {
    Reason.TRIAL: "trial",
    Reason.SAME_CHILD: "other card",
    Reason.MAKEUP: "make-up",
    Reason.TYPE_NOT_COUNTED: "type not counted",
    Reason.NO_RULE: "no rule",
    Reason.GUEST: "guest",
    Reason.NOT_SCHEDULED: "not scheduled",
    Reason.MEMBERSHIP_UNKNOWN: "membership unknown",
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
    facts.Doubt: ("doubt", "doubts"),
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
    lessons_lost: int
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
    awards_posted = plan.evidence.awards_posted
    percent = 100 * plan.lessons_lost / awards_posted if awards_posted else 0.0
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
        counts=plan.counts,
        awards_posted=awards_posted,
        limits=limits,
        unsafe=plan.check(limits),
        likely=likely_cause(plan, limits),
        lessons_lost=plan.lessons_lost,
        reversals_posted_percent=percent,
        skipped=Counter(remark.reason for remark in plan.remarks if remark.kind is RemarkKind.SKIP),
    )


def likely_cause(plan: Plan, limits: Limits) -> str:
    """Why a guard probably refuses a plan."""
    evidence = plan.evidence
    if plan.purpose is Purpose.CATALOG:
        return "the file was cut off, or a column was left out of it"
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
        self._no_longer_held = set()
        for change in plan.changes:
            if isinstance(change, Drop) and isinstance(change.old, facts.Hold):
                self._no_longer_held.add(change.old.key)

    def lines(self) -> list[PlanLine]:
        """What gives coins, what takes them, and what only is to be known."""
        lines = self._awards()
        others = []
        for entry in self._entries:
            if entry.kind is Kind.REVERSAL:
                note = reason_text(entry.reason) + self._replacement(entry)
                if entry.key in self._no_longer_held:
                    note += ", no longer held"
                lines.append(self._of_entries("-", "reverse", [entry], note))
            elif entry.kind is not Kind.AWARD:
                sign = "+" if entry.coins > 0 else "-"
                note = reason_text(entry.reason)
                others.append(self._of_entries(sign, entry.kind.value, [entry], note))
        lines += others
        lines += self._of_kind(RemarkKind.HOLD, "?")
        lines += self._of_kind(RemarkKind.DOUBT, "?")
        lines += self._of_kind(RemarkKind.RERATE, "~", "lesson", "coins")
        lines += self._of_kind(RemarkKind.UNREADABLE, "!")
        lines += self._unknown_types()
        lines += self._of_kind(RemarkKind.SKIP, ".", "lesson", "known")
        lines += self._of_kind(RemarkKind.TWICE, "!")
        lines += self._of_kind(RemarkKind.VK, ".", "reason", "known")
        return lines

    def _awards(self) -> list[PlanLine]:
        remarks = self._remarks.get(RemarkKind.LATE, ())
        late = {(remark.lesson, remark.resident) for remark in remarks}

        def line_of(award: Entry) -> tuple[date, int | None, bool]:
            is_late = (award.lesson, award.resident) in late
            return (award.happened_on, award.lesson, is_late)

        awards = [entry for entry in self._entries if entry.kind is Kind.AWARD]
        lines = []
        for (day, _, is_late), group in gathered(awards, line_of):
            days = (self._today - day).days
            # In the zone of another branch it may be tomorrow.
            note = f"marked {counted(days, 'day')} late" if is_late and days > 0 else ""
            lines.append(self._of_entries("+", "award", group, note))
        return lines

    def _replacement(self, reversal: Entry) -> str:
        for remark in self._remarks.get(RemarkKind.REPLACED, ()):
            if (remark.lesson, remark.resident) == (reversal.lesson, reversal.resident):
                return f", replaced by lesson {remark.other}"
        return ""

    def _unknown_types(self) -> list[PlanLine]:
        def type_of(remark: Remark) -> str:
            return self._type(self._lessons[remark.lesson]) if remark.lesson else ""

        lines = []
        for title, group in gathered(self._remarks.get(RemarkKind.TYPE_UNKNOWN, ()), type_of):
            residents = counted(len(group), "resident")
            lessons = counted(len({remark.lesson for remark in group}), "lesson")
            note = (
                f"nobody has classified this lesson type: {residents} in {lessons} got nothing; "
                "name it in [lessons] or in a rule"
            )
            visitors = tuple(remark.resident or 0 for remark in group)
            lines.append(PlanLine("!", "type", title=title, note=note, residents=visitors))
        return lines

    def _type(self, lesson: Lesson) -> str:
        return f"{lesson.type} {self._names.name(facts.LessonType, lesson.type)}".rstrip()

    def _of_kind(self, kind: RemarkKind, sign: str, *same: str) -> list[PlanLine]:
        """Remarks of a kind: each on its own line, or those with the ``same`` fields on one."""
        key: Callable[[Remark], Hashable] = attrgetter(*same) if same else id
        lines = []
        for _, group in gathered(self._remarks.get(kind, ()), key):
            residents = [remark.resident for remark in group if remark.resident]
            coins = sum(remark.coins for remark in group)
            doubt = group[0].doubt
            # Whether two cards are one child's is asked until a person answers.
            is_open_merge = doubt is not None and doubt.is_merge and not doubt.ruling
            known = group[0].known and not is_open_merge
            line = PlanLine(sign, kind.value, coins=coins, note=_note_of(group), known=known)
            lines.append(self._named(line, group[0].lesson, residents))
        return lines

    def _of_entries(self, sign: str, verb: str, entries: Sequence[Entry], note: str) -> PlanLine:
        line = PlanLine(sign, verb, coins=sum(entry.coins for entry in entries), note=note)
        return self._named(line, entries[0].lesson, [entry.resident for entry in entries])

    def _named(self, line: PlanLine, number: int | None, residents: Sequence[int]) -> PlanLine:
        """The line with who is meant, and with what is known of the lesson."""
        who = counted(len(residents), "resident") if residents else ""
        if len(residents) == 1:
            who = self._names.resident(residents[0])
        line = replace(line, lesson=number, who=who, residents=tuple(residents))
        lesson = self._lessons.get(number or 0)
        if lesson is None:
            return line
        title, type_ = self._names.lesson(lesson), self._type(lesson)
        return replace(line, day=lesson.date, starts=lesson.starts, title=title, type=type_)


def _note_of(group: Sequence[Remark]) -> str:
    """What is said of remarks on one line."""
    remark = group[0]
    match remark.kind:
        case RemarkKind.HOLD:
            unsure = (Reason.NOT_MARKED, Reason.MEMBERSHIP_UNKNOWN)
            # Everything that is known would take the coins, so it waits because they are gone.
            is_spent = remark.coins < 0 and remark.reason not in unsure
            return reason_text(remark.reason) + (", the coins are spent" if is_spent else "")
        case RemarkKind.DOUBT if remark.doubt:
            return doubt_text(remark.doubt)
        case RemarkKind.RERATE:
            return "the rules give this now; pass --rerate to post it"
        case RemarkKind.UNREADABLE:
            outcome = "held, neither paid nor taken back"
            if remark.lesson is None:
                outcome = "this card stays as it was"
            return f"field {remark.detail} cannot be read: {outcome}"
        case RemarkKind.SKIP:
            reasons = Counter(SHORT_REASONS.get(each.reason, each.reason) for each in group)
            return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
        case RemarkKind.TWICE:
            alike = f"the same group, day, hour, type and pupils as lesson {remark.other}"
            return f"{alike}; both are paid"
        case RemarkKind.VK:
            return f"VK page not linked: {VK_PROBLEMS.get(remark.reason, remark.reason)}"
    return ""
