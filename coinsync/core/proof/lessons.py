"""The checks beside the ledger: people, lessons against the rules, freshness, and whose a difference is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from coinsync.core.facts import (
    Attendance,
    Decision,
    GroupStanding,
    Hold,
    Lesson,
    LessonRecord,
    Link,
    Mark,
    Membership,
    Merge,
    Presence,
    Resident,
    VkPage,
)
from coinsync.core.ledger import (
    Entry,
    KeyState,
    lesson_key,
)
from coinsync.core.plan import (
    Change,
    Drop,
    Evidence,
    Limits,
    Plan,
    Post,
    Put,
    Remark,
    RemarkKind,
    Scope,
)
from coinsync.core.planning.compare import Comparison, Recorded, WindowReading, compare
from coinsync.core.planning.lessons import plan_lessons
from coinsync.core.proof.checks import Findings, erase, is_private, pair, shown, span
from coinsync.core.proof.ledger import Cards, Ledger, State, prefix_of
from coinsync.core.rules import Rulebook, judge

# --- people ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Records:
    """What is stored of people, and of what waits for a person."""

    residents: Mapping[int, Resident] = field(default_factory=dict)
    merges: tuple[Merge, ...] = ()
    links: tuple[Link, ...] = ()
    pages: tuple[VkPage, ...] = ()
    holds: Mapping[str, Hold] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)

    @property
    def erased(self) -> frozenset[int]:
        """Who is erased."""
        return frozenset(
            one.id for one in self.residents.values() if one.presence is Presence.ERASED
        )

    @property
    def cards(self) -> Cards:
        """Which cards count together."""
        return Cards(self.merges, self.erased)


def check_records(told: Records, findings: Findings) -> None:
    """Look at people: who sees whom, which card goes on as which, and what is left of those who were erased."""
    _check_links(told, findings)
    _check_merges(told, findings)
    _check_erased(told, findings)
    for one in told.decisions.values():
        if is_private(one.note):
            findings.add(
                "private", f"decision on {pair(one.lesson, one.resident)}", shown(one.resident)
            )


def _check_links(told: Records, findings: Findings) -> None:
    erased, merged = told.erased, told.cards.survivors
    for link in told.links:
        if link.resident in erased:
            findings.add(
                "links", f"VK {link.vk} with #{link.resident}, who is erased", erase(link.resident)
            )
        elif link.live and link.resident in merged:
            words = f"VK {link.vk} sees #{link.resident}, who goes on as #{merged[link.resident]}"
            findings.add("links", words, f"coinsync residents unmerge '#{link.resident}'")
    for page in told.pages:
        if page.resident in erased:
            findings.add(
                "links", f"a VK page of #{page.resident}, who is erased", erase(page.resident)
            )


def _check_merges(told: Records, findings: Findings) -> None:
    into = {one.resident: one.into for one in told.merges if one.into}
    for card, other in into.items():
        wrong = ""
        if other not in told.residents:
            wrong = "which is not recorded"
        elif _returns(card, into):
            wrong = "and so back to itself"
        elif (card in told.erased) != (other in told.erased):
            wrong = "and one of the two is erased"
        if wrong:
            findings.add(
                "merges",
                f"#{card} goes on as #{other}, {wrong}",
                f"coinsync residents unmerge '#{card}'",
            )


def _returns(card: int, into: Mapping[int, int]) -> bool:
    at = card
    for _ in into:
        at = into.get(at, 0)
        if at == card:
            return True
    return False


def _check_erased(told: Records, findings: Findings) -> None:
    for id in told.erased:
        card = told.residents[id]
        left = [
            name
            for name, value in (
                ("name", card.name),
                ("VK page", card.vk),
                ("branches", card.branches),
            )
            if value
        ]
        left += ["a decision's note"] * any(
            one.note and one.resident == id for one in told.decisions.values()
        )
        left += ["VK accounts of a merge"] * any(
            one.links and one.resident == id for one in told.merges
        )
        if left:
            findings.add("erased", f"#{id}: {', '.join(left)}", erase(id))


# --- lessons ---------------------------------------------------------------------------------------------------------


class Lessons:
    """What is posted against what the rules give over the stored facts, one branch and window after the other.

    Every key that has its lesson is taken out of the ledger's states, so that in the end those are left that have none.
    """

    def __init__(
        self, account: str, ledger: Ledger, told: Records, rulebook: Rulebook, findings: Findings
    ) -> None:
        """Nothing seen yet."""
        self._account, self._rulebook, self._findings = account, rulebook, findings
        self._ledger, self._told, self._cards = ledger, told, told.cards
        self._balances: Counter[int] = Counter()
        for resident, coins in ledger.balances.items():
            self._balances[self._cards.head(resident)] += coins
        self._residents = frozenset(told.residents)
        self._prefix = prefix_of(account)
        self._waiting = frozenset({*told.holds, *told.decisions})
        self._lost = set(self._waiting)
        self._rated: list[tuple[date, str]] = []
        self._stale: list[tuple[date, str]] = []
        for decision in told.decisions.values():
            self._check_decision(decision)

    def _check_decision(self, one: Decision) -> None:
        """A decision is about its lesson's key, and about a number to which the key has come."""
        seq, coins, *_ = self._ledger.states.get(one.key, (0, 0, 0, 0))
        rightly = one.key == lesson_key(self._account, one.lesson, one.resident)
        if not rightly or one.seq > seq or (one.seq == seq and one.coins != coins):
            self._findings.add(
                "holds", f"decision on {pair(one.lesson, one.resident)}", shown(one.resident)
            )

    def take(self, scope: Scope, lesson_records: Mapping[int, LessonRecord]) -> None:
        """Compare one window; what is plainly right is sieved out first, because that is nearly everything."""
        doubtful: dict[int, LessonRecord] = {}
        key_states: dict[str, KeyState] = {}
        for id, record in lesson_records.items():
            states, right = self._sieved(record)
            if not right:
                doubtful[id] = record
                key_states |= {
                    key: KeyState(key, at[0], at[1], at[2] if at[1] else None)
                    for key, at in states
                    if at
                }
        if doubtful:
            recorded = Recorded(
                doubtful, key_states, self._told.holds, self._told.decisions, self._residents
            )
            seen = compare(
                WindowReading(tuple(doubtful.values())),
                recorded,
                self._rulebook,
                self._account,
                None,
            )
            self._weigh(scope, seen)

    def _sieved(self, record: LessonRecord) -> tuple[list[tuple[str, State | None]], bool]:
        """Take the states of a lesson's keys; whether what stands is what the rules give, and nobody is asked."""
        verdicts: dict[tuple[Mark, GroupStanding], int | None] = {}
        found, right, before = [], True, f"{self._prefix}{record.lesson.id}:"
        for one in record.attendance:
            kind, key = (one.mark, one.standing), f"{before}{one.resident}"
            if kind not in verdicts:
                verdict = judge(record.lesson, one, self._rulebook)
                verdicts[kind] = None if verdict.held else verdict.coins
            at = self._ledger.states.pop(key, None)
            found.append((key, at))
            if verdicts[kind] != (at[1] if at else 0) or key in self._waiting:
                right = False
                self._lost.discard(key)
        return found, right

    def _weigh(self, scope: Scope, found: Comparison) -> None:
        """A difference without a hold is a finding; a hold that a sync would change or drop is out of date."""
        for one in found.differences:
            if one.hold is None:
                given = one.verdict.coins or one.verdict.held
                words = (
                    f"posted {one.state.coins}, the rules give {given} ({one.verdict.reason.value})"
                )
                self._rated.append(
                    (one.lesson.date, f"{pair(one.lesson.id, one.resident)}: {words}")
                )
        survivors = self._cards.survivors
        plan = plan_lessons(
            scope, found, balances=self._balances, evidence=Evidence(), survivors=survivors
        )
        for hold in filter(None, map(_held_before, plan.changes)):
            self._stale.append(
                (hold.happened_on, f"{pair(hold.lesson, hold.resident)}: {hold.coins:+} is held")
            )

    def finish(self, *, whole: bool) -> None:
        """Say what was found; ``whole`` that every window could be read, so that what is left has no lesson."""
        if whole:
            self._find_the_lost()
        self._tell("rules", self._rated, "coinsync sync --rerate")
        self._tell("holds", self._stale, "coinsync sync")

    def _tell(self, check: str, cases: list[tuple[date, str]], command: str) -> None:
        """Name cases by day; the command covers the days of all of them."""
        mend = span(command, [day for day, _ in cases]) if cases else ""
        for _, words in sorted(cases):
            self._findings.add(check, words, mend)

    def _find_the_lost(self) -> None:
        """Holds and decisions about what is not recorded, and awards for lessons that are not."""
        for key in self._lost:
            about = self._told.holds.get(key) or self._told.decisions[key]
            day = about.happened_on if isinstance(about, Hold) else about.decided_on
            self._stale.append((day, f"{pair(about.lesson, about.resident)} is not recorded"))
        for key, (_, _, n, resident) in self._ledger.states.items():
            if key.startswith(self._prefix):
                lesson = key.removeprefix(self._prefix).partition(":")[0]
                words = f"entry {n}: lesson {lesson} does not list #{resident}"
                self._findings.add("lessons", words, shown(resident))


def _held_before(change: Change) -> Hold | None:
    """The stored hold that a change would replace or drop."""
    old = change.old if isinstance(change, (Put, Drop)) else None
    return old if isinstance(old, Hold) else None


# --- how fresh -------------------------------------------------------------------------------------------------------


def check_fresh(
    synced: Mapping[int, str | None], now: datetime, hours_max: int, findings: Findings
) -> None:
    """Look at when each branch was last synced (UTC text; None is never) up to its day."""
    for branch, moment in synced.items():
        if moment is None:
            findings.add(
                "fresh", f"branch {branch} was never synced", f"coinsync sync --branch {branch}"
            )
        elif now - datetime.fromisoformat(moment) > timedelta(hours=hours_max):
            words = f"branch {branch} was last synced at {moment}, more than {hours_max} h ago"
            findings.add("fresh", words, f"coinsync sync --branch {branch}")


# --- a fresh reading -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What a fresh reading of one branch and window brought: a plan, or why there is none."""

    where: str
    plan: Plan | None = None
    error: str = ""


def check_answers(
    answers: Iterable[Answer], limits: Limits, findings: Findings, sync: str = "coinsync sync"
) -> None:
    """Say of everything that a sync would change whose it is: the CRM's, the rules', a person's, or the reading's.

    ``sync`` is the command that reads the same window.
    """
    for answer in answers:
        if answer.plan is None:
            findings.add("unread", f"{answer.where}: {answer.error}", f"{sync} --dry-run")
            continue
        for remark in answer.plan.remarks:
            _check_remark(answer.where, remark, findings, sync)
        _check_changes(answer.where, answer.plan, limits, findings, sync)


def _check_remark(where: str, remark: Remark, findings: Findings, sync: str) -> None:
    words = f"{pair(remark.lesson or 0, remark.resident or 0)}: {remark.coins:+} ({remark.reason})"
    if remark.kind is RemarkKind.HOLD and not remark.known:
        # What is held already is known by name; only what a sync would add to it is a difference.
        findings.add("person", words, f"{sync} && coinsync review list")
    elif remark.kind is RemarkKind.RERATE:
        findings.add("rules", words, f"{sync} --rerate")
    elif remark.kind is RemarkKind.UNREADABLE:
        record = (
            f"lesson {remark.lesson}" if remark.lesson is not None else f"card #{remark.resident}"
        )
        findings.add("unread", f"{where}: {record}, field {remark.detail}", f"{sync} --dry-run")


def _check_changes(where: str, plan: Plan, limits: Limits, findings: Findings, sync: str) -> None:
    refusals, cases = plan.check(limits), _moved(plan)
    if refusals:
        findings.add(
            "crm", f"{where}: {'; '.join(refusals)}", f"{sync} --dry-run", count=max(1, len(cases))
        )
        return
    for case, coins in cases.items():
        findings.add("crm", f"{case}: {coins:+}" if coins else case, sync)


def _moved(plan: Plan) -> Counter[str]:
    """What the CRM says otherwise than it is recorded, and the coins that move with it."""
    cases: Counter[str] = Counter()
    for change in plan.changes:
        match change:
            case Put(new=Hold()) | Drop(old=Hold()):
                pass
            case Post(entry=entry):
                cases[_about(entry)] += entry.coins
            case Put(new=fact) | Drop(old=fact):
                cases[_about(fact)] += 0
            case _:
                pass  # A sync moves no goods.
    return cases


def _about(subject: object) -> str:
    """What a change is about, by number."""
    match subject:
        case Entry(resident=resident, lesson=int(lesson)):
            return pair(lesson, resident)
        case Attendance(lesson=lesson, resident=resident):
            return pair(lesson, resident)
        case Lesson(id=id):
            return f"lesson {id}"
        case Resident(id=id):
            return f"#{id}"
        case Membership(resident=resident, group=group):
            return f"#{resident} in group {group}"
        case Link(vk=vk, resident=resident):
            return f"VK {vk} with #{resident}"
        case VkPage(resident=resident):
            return f"VK page of #{resident}"
        case _:
            return f"{type(subject).__name__.lower()} {getattr(subject, 'id', '')}".rstrip()
